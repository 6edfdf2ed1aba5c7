"""S7: the gate that sees a smoothed kinetic energy, below the edge and just beyond it.

* From the starts that the published gate leaves in cycles the smoothed gate converges, as long as its memory is just
  above the threshold; and along its runs the gate opens as slowly as the rise law says.
* The threshold itself, measured twice on steps of VRMomentum: where the energy of the proof begins to rise, and, at the
  edge, where alternating gates that obey the rise law begin to grow.
* Beyond the edge: where the pinned learning rate loses its stability.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import sympy as sp
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.points import near, showcase
from experiments.measurement.prescribed_sequences import BOWL, measured_growth, measured_step, radius
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.studies.cycles.beyond_edge import momentum_decay
from experiments.study import Result, Study
from theory.claims.smoothed_gate import FORMULAS
from theory.methods.quadratic_family import energy, w, x
from theory.notation import edge
from vradam.dynamics import Horizon, RunEnd, follow, random_starts

Array = NDArray[np.floating]
EDGE: Final = edge()
WEIGHT: Final = sp.Symbol("weight")
ENERGY: Final = tuple(sp.hessian(energy(WEIGHT), (x, w)) / 2)
#: S/B this close below 1 stands for the edge where the smallest sufficient memory is looked for.
AT_EDGE: Final = 0.99999
#: A step this late in a run: the bias correction of the averages has gone.
LATE: Final = 10**6
PATIENT: Final = Horizon(extensions=7)
#: How the memory of the gate is chosen: none, just above the threshold, as long as the velocity's, longer.
MEMORIES: Final = ("published", "threshold", "beta1", "0.99", "0.999")


@dataclass(frozen=True)
class Setup:
    """What the study runs.

    Parameters
    ----------
    beta1, fractions, alpha1
        The grid of settings, ``fractions`` of the edge; ``starts`` in each, in ``dimensions``.
    margin
        How far above the threshold "just above" is, as a part of what is left up to 1.
    energies
        (beta1, S/B, alpha1) at which the threshold is measured on the energy.
    alternating
        The beta1 at which it is measured on alternating gates.
    orbit_beta1, orbit_memory, excess
        Where, in S/B - 1, the pinned learning rate loses its stability.
    settle
        Steps of those runs.
    """

    beta1: tuple[float, ...] = (0.7, 0.9)
    fractions: tuple[float, ...] = (0.6, 0.97)
    alpha1: tuple[float, ...] = (1.0, 100.0)
    starts: int = 40
    dimensions: tuple[int, ...] = (1, 2)
    margin: float = 0.01
    energies: tuple[tuple[float, float, float], ...] = ((0.5, 0.9, 10.0), (0.9, 0.5, 10.0), (0.9, 0.97, 1.0))
    alternating: tuple[float, ...] = (0.3, 0.5, 0.9)
    orbit_beta1: tuple[float, ...] = (0.5, 0.9)
    orbit_memory: tuple[float, ...] = (0.9, 0.99)
    excess: tuple[float, float, int] = (1e-3, 0.2, 81)
    settle: int = 8000
    seed: int = 0


DEFAULT: Final = Setup()
PAPER: Final = Setup(
    beta1=(0.6, 0.7, 0.8, 0.9, 0.95, 0.99),
    fractions=(0.3, 0.6, 0.9, 0.97, 0.99),
    alpha1=(1.0, 10.0, 100.0),
    starts=500,
    dimensions=(1, 2, 3),
    margin=0.002,
    energies=tuple((b, f, a) for b in (0.3, 0.6, 0.9, 0.99) for f in (0.3, 0.9, 0.99) for a in (1.0, 10.0, 100.0)),
    alternating=(0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99),
    orbit_beta1=(0.5, 0.7, 0.9),
    orbit_memory=(0.5, 0.9, 0.99, 0.999),
    excess=(5e-4, 0.8, 241),
)


def run(setup: Setup, chunks: Chunks) -> Result:
    """Where the starts end, how the gate opens, the threshold measured twice, and the orbit beyond the edge."""
    parts = {"rises": partial(rises, setup), "thresholds": partial(thresholds, setup), "orbit": partial(orbit, setup)}
    grid = {
        f"shares_{d}_{beta1:g}": partial(converged, setup, d, beta1) for d in setup.dimensions for beta1 in setup.beta1
    }
    done = chunks.gather(parts | grid)
    shares = [done[key] for key in grid]
    rows = [
        xr.concat(shares[i * len(setup.beta1) : (i + 1) * len(setup.beta1)], "beta1")
        for i in range(len(setup.dimensions))
    ]
    data = {
        "shares": xr.concat(rows, "dimension").assign_coords(dimension=list(setup.dimensions)),
        **{key: done[key] for key in parts},
        "example": example(),
    }
    return Result(data, (_confrontation(setup, data),))


# ---------------------------------------------------------------- where the starts end


def memory(name: str, beta1: Array, S: Array, alpha1: Array, margin: float) -> Array:
    """``gate_decay`` for one of :data:`MEMORIES`, per run."""
    if name == "published":
        return np.zeros_like(beta1)
    if name == "beta1":
        return beta1
    if name == "threshold":
        star = np.maximum(evaluate(FORMULAS["gate_decay_star"], beta1=beta1, S=S, alpha1=alpha1), 0.0)
        return star + margin * (1 - star)
    return np.full_like(beta1, float(name))


def converged(setup: Setup, dimension: int, beta1: float) -> xr.Dataset:
    """The share of starts that reach the origin, over (memory, fraction, alpha1), in one dimension and at one beta1.

    Starts are random in position, velocity and kinetic energy.
    """
    shape = (len(MEMORIES), len(setup.fractions), len(setup.alpha1), setup.starts)
    fraction = np.broadcast_to(np.array(setup.fractions)[:, None, None], shape[1:]).ravel()
    alpha1 = np.broadcast_to(np.array(setup.alpha1)[:, None], shape[1:]).ravel()
    decay = np.full(fraction.size, beta1)
    S = fraction * evaluate(EDGE, beta1=beta1)
    memories = np.concatenate([memory(name, decay, S, alpha1, setup.margin) for name in MEMORIES])
    optimizer = vradam.VRMomentum(
        alpha0=np.tile(S, len(MEMORIES)), alpha1=np.tile(alpha1, len(MEMORIES)), beta1=beta1, gate_decay=memories
    )
    bowl = vradam.objectives.quadratic(np.linspace(1 / dimension, 1.0, dimension))
    place, state = random_starts(optimizer, bowl, setup.starts, memories.size // setup.starts, setup.seed)
    kinetic = 10 ** np.random.default_rng((setup.seed, 1)).uniform(-4, 2, setup.starts)
    state = state._replace(kinetic=np.tile(kinetic, memories.size // setup.starts))
    ends = follow(optimizer, bowl, place, state, PATIENT)
    share = (ends.end.reshape(shape) == RunEnd.ORIGIN).mean(axis=-1)
    return xr.Dataset(
        {"share": (("beta1", "memory", "fraction", "alpha1"), share[None])},
        coords={
            "beta1": [beta1],
            "memory": list(MEMORIES),
            "fraction": list(setup.fractions),
            "alpha1": list(setup.alpha1),
        },
    )


def rises(setup: Setup) -> xr.Dataset:
    """Along runs of the smoothed gate: the least (1/eta' - gate_decay/eta)/((1-gate_decay)/alpha0), at least 1 by law.

    And, near the origin, the decay per step, from the recurrence that four successive positions obey there.
    """
    least, decay = [], []
    for beta1 in setup.beta1:
        S = 0.9 * float(evaluate(EDGE, beta1=beta1))
        optimizer = vradam.VRMomentum(alpha0=S, alpha1=10.0, beta1=beta1, gate_decay=beta1)
        place, state = random_starts(optimizer, BOWL, setup.starts, 1, setup.seed)
        seen_run = vradam.simulate(optimizer, BOWL, place, 200, state=state._replace(step=LATE), engine="numpy")
        inverse = 1 / seen_run.learning_rate[:, 1:]
        least.append(float(((inverse[:, 1:] - beta1 * inverse[:, :-1]) * S / (1 - beta1)).min()))
        late = vradam.simulate(optimizer, BOWL, place, int(60 / (1 - beta1)), every=0, state=state, engine="numpy")
        tail = vradam.simulate(optimizer, BOWL, late.final_x, 3, state=late.final_state, engine="numpy").x[0, :, 0]
        trace, determinant = np.linalg.solve([[tail[1], -tail[0]], [tail[2], -tail[1]]], tail[2:])
        decay.append(float(radius(trace, determinant)))
    return xr.Dataset({"least": ("beta1", least), "decay": ("beta1", decay)}, {"beta1": list(setup.beta1)})


# ---------------------------------------------------------------- the threshold, measured


def thresholds(setup: Setup) -> xr.Dataset:
    """The memory below which the energy can rise, per setting; and at the edge the memory below which words grow."""
    settings = np.array(setup.energies)
    return xr.Dataset(
        {
            "energy": ("setting", [falling_energy(*row) for row in setup.energies]),
            "words": ("beta1", [growing_words(beta1) for beta1 in setup.alternating]),
        }
        | {name: ("setting", settings[:, i]) for i, name in enumerate(("setting_beta1", "fraction", "alpha1"))},
        coords={"beta1": list(setup.alternating)},
    )


def falling_energy(beta1: float, fraction: float, alpha1: float, gates: int = 25) -> float:
    """The least ``gate_decay`` for which V never rises in a step after which the gate opens as far as it may.

    V is the theory's energy, with the odds of the gate; a step is one of VRMomentum, for the worst state and gate.
    """
    from scipy.optimize import brentq

    edges = float(evaluate(EDGE, beta1=beta1))
    S = fraction * edges
    settings = np.geomspace(S / (1 + alpha1), S, gates)
    steps = np.array([measured_step(beta1, gate) for gate in settings])
    before = energy_form(beta1, settings / (edges - settings))

    def worst(gate_decay: float) -> float:
        opened = 1 / (gate_decay / settings + (1 - gate_decay) / S)
        after = np.swapaxes(steps, -1, -2) @ energy_form(beta1, opened / (edges - opened)) @ steps
        return float(np.linalg.eigvals(np.linalg.solve(before, after)).real.max()) - 1 - 1e-7

    return float(brentq(worst, 0.0, 1.0, xtol=1e-13)) if worst(0.0) > 0 else 0.0


def energy_form(beta1: float, odds: Array) -> Array:
    """The matrices (..., 2, 2) of the energy at the odds (...) of a gate."""
    entries = [np.broadcast_to(evaluate(entry, beta1=beta1, weight=odds), np.shape(odds)) for entry in ENERGY]
    return np.stack(entries, axis=-1).reshape(*np.shape(odds), 2, 2)


def growing_words(beta1: float) -> float:
    """At the edge: the memory below which some pair of gates in turn, obeying the rise law, grows as played."""
    from scipy.optimize import brentq

    S = AT_EDGE * float(evaluate(EDGE, beta1=beta1))

    def growths(lows: Array, gate_decay: float) -> Array:
        return measured_growth(np.stack([lows, 1 / (gate_decay / lows + (1 - gate_decay) / S)], axis=-1), beta1)

    def excess(gate_decay: float) -> float:
        lows = S * np.linspace(0.02, 0.98, 193)
        for _ in range(3):  # closer and closer around the worst pair
            worst = lows[growths(lows, gate_decay).argmax()]
            lows = np.linspace(worst - lows[1] + lows[0], worst + lows[1] - lows[0], 41)
        return float(growths(lows, gate_decay).max()) - 1

    return float(brentq(excess, 0.1 * beta1**2, 0.9999, xtol=1e-13))


# ---------------------------------------------------------------- beyond the edge


def orbit(setup: Setup) -> xr.Dataset:
    """Growth per step of a small disturbance of the pinned state, over S/B - 1; and where it begins.

    The runs start on the state itself, which is that of the published gate, disturbed by 1e-7 and long after the start
    of the averages. Growth is read from the largest deviations of the rate in two stretches of the run; where it has
    saturated it says nothing, so the end is the first change of sign, from below.
    """
    excess = np.geomspace(*setup.excess)
    beta1, gate_decay, above = np.meshgrid(setup.orbit_beta1, setup.orbit_memory, excess, indexing="ij")
    edges = evaluate(EDGE, beta1=beta1)
    optimizer = vradam.VRMomentum(alpha0=(1 + above) * edges, alpha1=np.inf, beta1=beta1, gate_decay=gate_decay)
    v = np.sqrt(above)[..., None]
    place = v * edges[..., None] / 2
    state = optimizer.init(place)._replace(velocity=-v * (1 + 1e-7), kinetic=above.copy(), step=LATE)
    half = setup.settle // 4
    early = vradam.simulate(optimizer, BOWL, place, half, state=state, engine="compiled")
    late = vradam.simulate(optimizer, BOWL, early.final_x, half, state=early.final_state, engine="compiled")
    sizes = (np.abs(seen.learning_rate[..., half // 2 :] / edges[..., None] - 1).max(axis=-1) for seen in (early, late))
    first, last = (np.maximum(size, 1e-18) for size in sizes)
    growth = np.log(last / first) / half
    begins = np.array([[_crossing(excess, line) for line in lines] for lines in growth])
    return xr.Dataset(
        {
            "growth": (("beta1", "gate_decay", "excess"), growth),
            "begins": (("beta1", "gate_decay"), begins),
        },
        coords={"beta1": list(setup.orbit_beta1), "gate_decay": list(setup.orbit_memory), "excess": excess},
    )


def _crossing(x: Array, y: Array) -> float:
    """Where y first rises through 0, interpolated linearly; nan if it does not."""
    ups = np.flatnonzero((y[:-1] < 0) & (y[1:] > 0))
    if ups.size == 0:
        return float("nan")
    i = ups[0]
    return float(x[i] - y[i] * (x[i + 1] - x[i]) / (y[i + 1] - y[i]))


# ---------------------------------------------------------------- for the figures


def example(beta1: float = 0.9, S: float = 30.0, steps: int = 160) -> xr.Dataset:
    """One start, three gates: published (it ends in the cycle of period four), beta_g just above beta1^2, and 0.99.

    Positions, eta_t L/B and the energy of the proof, with the odds of the step that follows.
    """
    edges = float(evaluate(EDGE, beta1=beta1))
    decays = np.array([0.0, 0.82, 0.99])
    optimizer = vradam.VRMomentum(alpha0=S, alpha1=10.0, beta1=beta1, gate_decay=decays)
    place = np.full((3, 1), 14.0)
    state = optimizer.init(place)._replace(velocity=np.full((3, 1), -0.7), step=LATE)
    seen_run = vradam.simulate(optimizer, BOWL, place, steps, state=state, engine="numpy")
    position, rate = seen_run.x[..., 0], seen_run.learning_rate[:, 1:]
    velocity = -np.diff(position, axis=-1) / rate
    ahead = rate[:, 1:] / (edges - rate[:, 1:])  # the odds of the step that follows
    z = np.stack([position[:, 1:-1], velocity[:, :-1]], axis=-1)
    return xr.Dataset(
        {
            "x": (("gate_decay", "step"), position[:, 1:-1]),
            "rate": (("gate_decay", "step"), rate[:, 1:] / edges),
            "energy": (("gate_decay", "step"), np.einsum("rti,rtij,rtj->rt", z, energy_form(beta1, ahead), z)),
        },
        coords={"gate_decay": decays, "step": seen_run.step[1:-1]},
        attrs={"beta1": beta1, "S": S, "alpha1": 10.0},
    )


# ---------------------------------------------------------------- evidence


def _confrontation(setup: Setup, data: dict[str, xr.Dataset]) -> Confrontation:
    smoothed = data["shares"].share.sel(memory=list(MEMORIES[1:]))
    kept = []
    for dimension in setup.dimensions:
        for name in MEMORIES[1:]:
            least = float(smoothed.sel(dimension=dimension, memory=name).min())
            kept.append(Point(least, least, least, 1.0, f"d = {dimension}, beta_g: {name}"))
    opened, local = [], []
    for beta1 in setup.beta1:
        here = data["rises"].sel(beta1=beta1)
        least, decay = float(here.least), float(here.decay)
        opened.append(Point(least, least, least, 1.0, f"beta1 = beta_g = {beta1:g}"))
        predicted = 1 - momentum_decay(beta1, 0.9 * float(evaluate(EDGE, beta1=beta1)))
        local.append(near(1 - decay, predicted, 1e-4, f"beta1 = {beta1:g}, S = 0.9 B"))
    rising = []
    for i, (beta1, fraction, alpha1) in enumerate(setup.energies):
        S = fraction * float(evaluate(EDGE, beta1=beta1))
        star = float(evaluate(FORMULAS["gate_decay_star"], beta1=beta1, S=S, alpha1=alpha1))
        if star > 0:
            label = f"beta1 = {beta1:g}, S = {fraction:g} B, alpha1 = {alpha1:g}"
            rising.append(near(float(data["thresholds"].energy[i]), star, 1e-3, label))
    growing = [
        near(
            float(data["thresholds"].words.sel(beta1=beta1)),
            float(evaluate(FORMULAS["gate_decay_sufficient"], beta1=beta1)),
            2e-3,
            f"beta1 = {beta1:g}, S = {AT_EDGE} B",
        )
        for beta1 in setup.alternating
    ]
    ends = []
    for beta1 in setup.orbit_beta1:
        for gate_decay in setup.orbit_memory:
            predicted = float(evaluate(FORMULAS["neimark_sacker"], beta1=beta1, gate_decay=gate_decay)) - 1
            begins = float(data["orbit"].begins.sel(beta1=beta1, gate_decay=gate_decay))
            ends.append(near(begins, predicted, 5e-3, f"beta1 = {beta1:g}, beta_g = {gate_decay:g}"))
    runs = setup.starts * smoothed.size
    reported = (
        Evidence("lower bound", tuple(kept), runs, "least share of starts that converge, S < B"),
        Evidence("lower bound", tuple(opened), setup.starts, "least opening of the gate over the rise law"),
        Evidence("equality", tuple(local), len(local), "loss per step near the origin"),
        Evidence("equality", tuple(rising), len(rising), "beta_g below which the energy can rise"),
        Evidence("equality", tuple(growing), len(growing), "beta_g below which gates obeying the law can grow"),
        Evidence("equality", tuple(ends), len(ends), "S/B - 1 at which the pinned rate loses its stability"),
    )
    return Confrontation(
        "S7",
        reported=reported,
        note=(
            f"Of the same starts the published gate leaves up to {1 - float(data['shares'].share.min()):.0%} away from "
            "the origin; with the smoothed gate all converge."
        ),
        showcase=showcase(
            reported, "beta_g below which gates obeying the law can grow", f"beta1 = 0.9, S = {AT_EDGE} B"
        ),
    )


STUDY = Study(DEFAULT, PAPER, run)
