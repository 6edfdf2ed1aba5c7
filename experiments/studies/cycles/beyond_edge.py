"""S > B: what VRMomentum does where the origin repels. The pinned learning rate, its window, and what lies beyond.

Runs are on a quadratic of largest curvature 1, so that alpha0 = S and eta_t L is the recorded learning rate; ratios are
S/B, rates eta_t L/B, with B the edge of the run's own beta1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import sympy as sp
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.frontier import PUBLISHED, SMOOTHED, Variant
from experiments.measurement.points import least_fitting, showcase
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from theory.claims import stability
from theory.notation import edge
from theory.recursion import ALGORITHM
from vradam.dynamics import lyapunov, random_starts

Array = NDArray[np.floating]
EDGE: Final = edge()
BOWL: Final = vradam.objectives.quadratic([1.0])
#: To this accuracy (relative) a run has settled on its orbit when it is measured.
SETTLED: Final = 1e-6


@dataclass(frozen=True)
class Setup:
    """What the study runs.

    Parameters
    ----------
    beta1, beta3, pinned
        Decays, strengths and increasing ratios S/B at which the pinned state is measured.
    window
        Ratios, a grid that must contain the end of the window.
    broken
        Ratios beyond it, a fine grid that must contain the end of the asymmetric orbit.
    settle
        Steps before anything is measured.
    portrait_beta1, portrait_alpha1
        Of the bifurcation diagram: ``ratios`` x ``starts`` runs, ``samples`` steps each.
    variants
        Gates whose learning rates are compared there.
    flat
        Curvatures q of the flat direction, relative to the sharp one; B q < s_- = (1-sqrt(beta1))/(1+sqrt(beta1)),
        where momentum at the edge does not oscillate and a loss per step is defined.
    """

    beta1: tuple[float, ...] = (0.3, 0.5, 0.7, 0.9)
    beta3: tuple[float, ...] = (1.0, 2.5)
    pinned: tuple[float, ...] = (1.02, 1.1, 1.3, 1.6, 1.9)
    window: tuple[float, float, int] = (1.95, 2.05, 21)
    broken: tuple[float, float, int] = (2.02, 2.36, 86)
    settle: int = 8000
    portrait_beta1: float = 0.9
    portrait_alpha1: float = 100.0
    ratios: tuple[float, float, int] = (0.3, 8.0, 120)
    starts: int = 4
    samples: int = 256
    lyapunov_steps: int = 1500
    variants: tuple[Variant, ...] = (PUBLISHED, SMOOTHED)
    flat: tuple[float, ...] = (1e-4,)
    flat_ratios: tuple[float, float, int] = (0.1, 4.0, 14)
    flat_goal: float = 1e-3
    flat_span: tuple[int, int] = (6000, 8000)
    flat_steps: int = 20_000
    seed: int = 0


def measure(setup: Setup, chunks: Chunks) -> dict[str, xr.Dataset]:
    """Everything beyond the edge, each part a chunk of its own."""
    portraits = {f"bifurcation_{i}": partial(portrait, setup, variant) for i, variant in enumerate(setup.variants)}
    alone = {part.__name__: partial(part, setup) for part in (asymmetric, flat, window, pinned)}
    parts = chunks.gather(portraits | alone)
    diagram = xr.concat([parts.pop(name) for name in portraits], "variant")
    return {"bifurcation": diagram.assign_coords(variant=[v.name for v in setup.variants])} | parts


# ---------------------------------------------------------------- the pinned state


def pinned(setup: Setup) -> xr.Dataset:
    """Velocities and rates of 64 steps, over (beta1, beta3, ratio, step), of runs that climb to each ratio."""
    beta1, beta3 = (part.ravel() for part in np.meshgrid(setup.beta1, setup.beta3, indexing="ij"))
    edges = evaluate(EDGE, beta1=beta1)[:, None]
    x = 1 / np.sqrt(beta3)[:, None]
    climbed = climb(beta1, beta3, _rungs(setup.pinned), setup.settle // 8, x, np.zeros_like(x))
    ends = [(optimizer, last) for ratio, optimizer, last in climbed if ratio in setup.pinned]
    velocity, rate, x = np.stack(
        [_tail(optimizer, last.final_x, 1, 64, last.final_state) for optimizer, last in ends], 2
    )
    shape = (len(setup.beta1), len(setup.beta3), len(setup.pinned), 64)
    parts = {"velocity": velocity, "rate": rate / edges[..., None], "x": x}
    return xr.Dataset(
        {name: (("beta1", "beta3", "ratio", "step"), part.reshape(shape)) for name, part in parts.items()},
        coords={"beta1": list(setup.beta1), "beta3": list(setup.beta3), "ratio": list(setup.pinned)},
    )


def climb(
    beta1: Array, beta3: Array | float, ratios: Sequence[float], settle: int, x: Array, velocity: Array
) -> Iterator[tuple[float, vradam.VRMomentum, vradam.Trajectory]]:
    """At each ratio S/B in turn, ``settle`` steps from where the run at the ratio before ended: (n, 1) runs.

    Basins are small far beyond the edge: a run from rest may end on a longer cycle where one that climbs does not.
    """
    for ratio in ratios:
        optimizer = vradam.VRMomentum(
            alpha0=ratio * evaluate(EDGE, beta1=beta1), alpha1=np.inf, beta1=beta1, beta3=beta3
        )
        state = optimizer.init(x)._replace(velocity=velocity)
        last = vradam.simulate(optimizer, BOWL, x, settle, every=0, state=state, engine="compiled")
        x, velocity = last.final_x, last.final_state.velocity
        yield ratio, optimizer, last


def window(setup: Setup) -> xr.Dataset:
    """How far the rate swings from one step to the next, at ratios around the end of the window, per beta1.

    Every run starts from the pinned state of a smaller ratio, since the basin is small near the end.
    """
    beta1, ratio = np.meshgrid(setup.beta1, np.linspace(*setup.window), indexing="ij")
    edges = evaluate(EDGE, beta1=beta1)
    last = _pinned_below(np.array(setup.beta1), setup.settle)
    x, velocity = (np.repeat(part, ratio.shape[1], axis=0).reshape(*ratio.shape, 1) for part in last)
    optimizer = vradam.VRMomentum(alpha0=ratio * edges, alpha1=np.inf, beta1=beta1)
    state = optimizer.init(x)._replace(velocity=velocity)
    _, rate, _ = _tail(optimizer, x, 2 * setup.settle, 64, state)
    return xr.Dataset(
        {"swing": (("beta1", "ratio"), np.ptp(rate / edges[..., None], axis=-1))},
        coords={"beta1": list(setup.beta1), "ratio": np.linspace(*setup.window)},
    )


def asymmetric(setup: Setup) -> xr.Dataset:
    """Whether orbits of period 2 are left, and the product of their two speeds, at ratios beyond the window.

    The runs climb from the pinned state.
    """
    beta1, ratios = np.array(setup.beta1), np.linspace(*setup.broken)
    ends = climb(beta1, 1.0, ratios.tolist(), setup.settle // 8, *_pinned_below(beta1, setup.settle))
    velocity = np.stack(
        [_tail(optimizer, last.final_x, 1, 16, last.final_state)[0] for _, optimizer, last in ends], axis=1
    )
    dims = ("beta1", "ratio")
    return xr.Dataset(
        {
            "recurrence": (dims, np.abs(velocity[..., 2:] - velocity[..., :-2]).max(axis=-1)),
            "product": (dims, -(velocity[..., 1:] * velocity[..., :-1]).mean(axis=-1)),
        },
        coords={"beta1": list(setup.beta1), "ratio": ratios},
    )


def _pinned_below(beta1: Array, settle: int) -> tuple[Array, Array]:
    """Position and velocity (n, 1) of the pinned state at S = 1.9 B."""
    x = np.ones((beta1.size, 1))
    *_, (_, _, last) = climb(beta1, 1.0, _rungs((1.9,)), settle // 8, x, np.zeros_like(x))
    return last.final_x, last.final_state.velocity


def _rungs(ratios: Sequence[float]) -> list[float]:
    """The ratios with steps of at most 0.05 up to them."""
    between = np.round(np.arange(1.0, max(ratios), 0.05)[1:], 12).tolist()
    return sorted({*ratios, *between})


# ---------------------------------------------------------------- the diagram


def portrait(setup: Setup, variant: Variant) -> xr.Dataset:
    """Attractor samples and Lyapunov exponents over the ratios, for one gate; from random starts."""
    ratios = np.linspace(*setup.ratios)
    shape = (ratios.size, setup.starts)
    edges = float(evaluate(EDGE, beta1=setup.portrait_beta1))
    S = np.repeat(ratios * edges, setup.starts)
    optimizer = variant.optimizer(S, setup.portrait_alpha1, setup.portrait_beta1)
    x, state = random_starts(optimizer, BOWL, setup.starts, ratios.size, setup.seed, decades=(-2.0, 0.0))
    velocity, rate, _ = _tail(optimizer, x, setup.settle, setup.samples, state)
    exponent = lyapunov(optimizer, BOWL, x, state, setup.settle // 4, setup.lyapunov_steps, "compiled")
    dims = ("ratio", "start", "step")
    return xr.Dataset(
        {
            "velocity": (dims, velocity.reshape(*shape, -1).astype(np.float32)),
            "rate": (dims, (rate / edges).reshape(*shape, -1).astype(np.float32)),
            "lyapunov": (("ratio", "start"), exponent.reshape(shape)),
        },
        coords={"ratio": ratios},
        attrs={"beta1": setup.portrait_beta1, "alpha1": setup.portrait_alpha1},
    )


# ---------------------------------------------------------------- flat directions


def flat(setup: Setup) -> xr.Dataset:
    """Two curvatures, 1 and q: how fast the flat coordinate moves while the sharp one is beyond the edge.

    ``decay`` is its factor per step between the steps ``flat_span``; ``steps_to_goal`` the first step at which it stays
    below ``flat_goal`` times its start (nan: not in ``flat_steps``); ``swing`` how far eta_t/B ranges in that span; the
    gates are those of the diagram, then none.
    """
    gates = [*(variant.name for variant in setup.variants), "none"]
    ratios = np.geomspace(*setup.flat_ratios)
    edges = float(evaluate(EDGE, beta1=setup.portrait_beta1))
    decay = np.full((len(gates), len(setup.flat), ratios.size), np.nan)
    goal, swing = decay.copy(), decay.copy()
    for g in range(len(gates)):
        strength = 0.0 if gates[g] == "none" else 1.0
        variant = setup.variants[g] if g < len(setup.variants) else PUBLISHED
        gated = variant.optimizer(ratios * edges, setup.portrait_alpha1, setup.portrait_beta1)
        optimizer = vradam.VRMomentum(
            alpha0=gated.alpha0, alpha1=gated.alpha1, beta1=gated.beta1, beta3=strength, gate_decay=gated.gate_decay
        )
        for i, curvature in enumerate(setup.flat):
            x0 = np.array([1.0, 1.0])
            bowl = vradam.objectives.quadratic([1.0, curvature])
            run = vradam.simulate(optimizer, bowl, x0, setup.flat_steps, every=20, engine="compiled")
            slow = np.abs(run.x[..., 1])
            stays = np.maximum.accumulate(slow[:, ::-1], axis=-1)[:, ::-1] <= setup.flat_goal
            goal[g, i] = np.where(stays.any(axis=-1), run.step[stays.argmax(axis=-1)], np.nan)
            first, last = np.searchsorted(run.step, setup.flat_span)
            decay[g, i] = (slow[:, last] / slow[:, first]) ** (1 / (run.step[last] - run.step[first]))
            swing[g, i] = np.ptp(run.learning_rate[:, first : last + 1] / edges, axis=-1)
    dims = ("gate", "curvature", "ratio")
    return xr.Dataset(
        {"decay": (dims, decay), "steps_to_goal": (dims, goal), "swing": (dims, swing)},
        coords={"gate": gates, "curvature": list(setup.flat), "ratio": ratios},
        attrs={"beta1": setup.portrait_beta1, "alpha1": setup.portrait_alpha1, "goal": setup.flat_goal},
    )


def momentum_decay(beta1: float, step_size: float) -> float:
    """The factor per step of plain momentum at ``step_size = eta * curvature``, from the theory's matrix."""
    matrix = stability.transition(stability.without_decay(ALGORITHM), stability.eta, sp.Integer(1))
    entries = [float(evaluate(entry, beta1=beta1, eta=step_size)) for entry in matrix]
    return float(np.abs(np.linalg.eigvals(np.reshape(entries, (2, 2)))).max())


# ---------------------------------------------------------------- the verdict's evidence


def confrontation(setup: Setup, data: Mapping[str, xr.Dataset], formulas: Mapping[str, sp.Expr]) -> Confrontation:
    """S6: v*^2, the pinned rate, the end of its window, and the pace of flat directions."""
    speeds, rates = [], []
    seen = data["pinned"]
    for beta1 in seen.beta1.values.tolist():
        S = seen.ratio.values * evaluate(EDGE, beta1=beta1)
        for beta3 in seen.beta3.values.tolist():
            for i, ratio in enumerate(seen.ratio.values.tolist()):
                here = seen.sel(beta1=beta1, beta3=beta3).isel(ratio=i)
                label = f"beta1 = {beta1:g}, beta3 = {beta3:g}, S/B = {ratio:g}"
                predicted = evaluate(formulas["velocity_squared"], S=S[i], beta1=beta1, beta3=beta3)
                speeds.append(least_fitting(*_steady(here.velocity.values**2, predicted), SETTLED, label))
                rates.append(least_fitting(*_steady(here.rate.values, 1.0), SETTLED, label))
    ends, broken, products = [], [], []
    for beta1 in data["window"].beta1.values.tolist():
        label = f"beta1 = {beta1:g}"
        swings, orbits = data["window"].swing.sel(beta1=beta1), data["asymmetric"].sel(beta1=beta1)
        ends.append(_first(swings > 1e-3, float(evaluate(formulas["upper_end"], beta1=beta1)), label))
        broken.append(_first(orbits.recurrence > 1e-3, float(evaluate(formulas["asymmetric_end"], beta1=beta1)), label))
        product = orbits.product.values[orbits.recurrence < 1e-9]
        products.append(least_fitting(*_steady(product, 1.0), SETTLED, label))
    cases = seen.sizes["beta1"]
    reported = (
        Evidence("equality", tuple(speeds), len(speeds), "beta3 v^2 of the pinned state"),
        Evidence("equality", tuple(rates), len(rates), "eta_t L/B of the pinned state"),
        Evidence("equality", tuple(ends), cases, "S at which the rate ceases to be pinned"),
        Evidence("equality", tuple(broken), cases, "S at which the asymmetric orbit ceases to attract"),
        Evidence("equality", tuple(products), cases, "beta3 v1 v2 on the asymmetric orbit"),
        Evidence("equality", tuple(_paces(setup, data["flat"])), cases, "loss per step of a flat coordinate"),
    )
    return Confrontation(
        "S6",
        reported=reported,
        note="Between B and 2B the learning rate is pinned at B/L; flat directions move as momentum does at the edge.",
        showcase=showcase(reported, "eta_t L/B of the pinned state", "beta1 = 0.9, beta3 = 1, S/B = 1.3"),
    )


def _paces(setup: Setup, data: xr.Dataset) -> list[Point]:
    """Where the rate is pinned: the relative loss per step of the flat coordinate, against momentum at the edge.

    Between B and 2B that depends on the start: some runs end on longer cycles, and say nothing about this.
    """
    points = []
    edges = float(evaluate(EDGE, beta1=setup.portrait_beta1))
    inside = data.sel(gate=PUBLISHED.name).isel(ratio=np.flatnonzero((data.ratio > 1.05) & (data.ratio < 1.95)))
    for curvature in data.curvature.values.tolist():
        for measured in inside.decay.where(inside.swing < 1e-3).sel(curvature=curvature).dropna("ratio"):
            loss, predicted = 1 - float(measured), 1 - momentum_decay(setup.portrait_beta1, edges * curvature)
            label = f"curvature {curvature:g}, S/B = {float(measured.ratio):.3g}"
            points.append(Point(loss, loss * 0.995, loss * 1.005, predicted, label))
    return points


def _first(beyond: xr.DataArray, predicted: float, label: str) -> Point:
    """The ratio at which ``beyond`` becomes true, between two neighbours of the grid, as a value of S."""
    edges = float(evaluate(EDGE, beta1=float(beyond.beta1)))
    first = int(beyond.values.argmax())
    low, high = (float(beyond.ratio[i]) * edges for i in (max(first - 1, 0), first))
    return Point((low + high) / 2, low * (1 - 1e-9), high * (1 + 1e-9), predicted, label)


def _steady(values: Array, predicted: float) -> tuple[Array, Array]:
    """The values of a quantity that should be constant, and as many predictions."""
    return values.ravel(), np.full(values.size, float(predicted))


def _tail(
    optimizer: vradam.VRMomentum, x: Array, settle: int, steps: int, state: vradam.State | None = None
) -> tuple[Array, Array, Array]:
    """Velocity, learning rate and position (..., steps) of the steps after the first ``settle``."""
    settled = vradam.simulate(optimizer, BOWL, x, settle, every=0, state=state, engine="compiled")
    run = vradam.simulate(optimizer, BOWL, settled.final_x, steps, state=settled.final_state, engine="compiled")
    position, rate = run.x[..., 0], run.learning_rate[..., 1:]
    return -np.diff(position, axis=-1) / rate, rate, position[..., 1:]
