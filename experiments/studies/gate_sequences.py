"""S3a and S5: arbitrary gate sequences, played by VRMomentum. What they can do, and what rules them out.

* Words of two gates ``S = alpha0 L`` and ``a = S/(1+alpha1)``, the ends of the gate's range, grow although every gate
  in the range is stable; the growth seen is compared with the spectral radius.
* How large a range may be before no quadratic function falls at every step: measured on the steps of VRMomentum, by
  searching all quadratic functions, and compared with the circle criterion's closed form.
* Below it an adversary who sees everything and chooses the gate at each step gets nowhere.
* Two gates in turn: the first of the words, with its exact threshold. One gate per coordinate in turn, on coupled
  coordinates; and beta1 = 0, where neither kind grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import sympy as sp
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.points import near, showcase
from experiments.measurement.prescribed_sequences import (
    BOWL,
    derived_growth,
    derived_step,
    measured_growth,
    measured_step,
    radius,
    schedule,
    worst_word,
)
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.study import Result, Study
from theory.claims.gate_sequences import HALF, HESSIAN, LIMITS, TWO_GATES, coupled_step
from theory.methods.quadratic_family import form
from theory.notation import beta1 as decay
from theory.notation import edge, s1

FORM: Final = tuple(form())
Array = NDArray[np.floating]
EDGE: Final = edge()
#: beta1, alpha1 and S/B of the row that the ledger shows, at every resolution.
SHOWCASE: Final = (0.9, 10.0, 0.5)


@dataclass(frozen=True)
class Setup:
    """Parameters
    ----------
    fractions, beta1, alpha1 : S/B and the panels of the growth map; words ``S^p a^q`` with p, q <= ``longest``.
    lows : a/B at which the largest common range is measured; it is measured for a = b/(1+alpha1) too.
    adversary : runs, dimensions and steps of the adversary.
    alternation : (beta1, s2/B) at which the critical s1 of the two-gate word is measured.
    plain : random quadratics on which gates are tried at beta1 = 0.
    accuracy : relative half-width of what is measured by root finding.
    """

    beta1: tuple[float, ...] = (0.5, 0.9, 0.99)
    alpha1: tuple[float, ...] = (1.0, 10.0, 100.0)
    fractions: tuple[float, float, int] = (0.002, 0.98, 16)
    longest: int = 30
    lows: tuple[float, ...] = (0.001, 0.1)
    adversary: tuple[int, int, int] = (8, 4, 200)
    alternation: tuple[tuple[float, float], ...] = ((0.5, 0.01), (0.9, 0.001), (0.9, 0.4), (0.99, 0.02))
    plain: int = 8
    accuracy: float = 1e-4
    seed: int = 0


DEFAULT: Final = Setup()
PAPER: Final = Setup(
    beta1=(0.3, 0.5, 0.7, 0.9, 0.95, 0.99),
    fractions=(0.001, 0.995, 160),
    longest=60,
    lows=(1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.2, 0.3),
    adversary=(64, 10, 1000),
    alternation=tuple((beta1, low) for beta1 in (0.3, 0.5, 0.7, 0.9, 0.95, 0.99) for low in (0.001, 0.01, 0.1, 0.3)),
    plain=64,
)


def run(setup: Setup, chunks: Chunks) -> Result:
    """Growth of words, ranges with a common quadratic function, the adversary, alternation, coordinates."""
    alone = (ranges, adversary, alternation, without_momentum)
    parts = {part.__name__: partial(part, setup) for part in alone} | {"coordinates": coordinates}
    panels = {
        f"growth_{beta1:g}_{alpha1:g}": partial(growth, setup, beta1, alpha1)
        for beta1 in setup.beta1
        for alpha1 in setup.alpha1
    }
    done = chunks.gather(parts | panels)
    data = {
        "growth": xr.combine_by_coords([done[key] for key in panels], combine_attrs="drop"),
        **{key: done[key] for key in parts},
    }
    return Result(data, (_s3a(setup, data), _s5(setup, data)))


# ---------------------------------------------------------------- how fast words grow


def growth(setup: Setup, beta1: float, alpha1: float) -> xr.Dataset:
    """One panel of the growth map, per step: the worst word seen, random gates, and the best quadratic bound."""
    fractions = np.geomspace(*setup.fractions)
    highs = fractions * evaluate(EDGE, beta1=beta1)
    lows = highs / (1 + alpha1)
    found = [worst_word(beta1, low, high, setup.longest) for low, high in zip(lows, highs, strict=True)]
    words = [(high,) * p + (low,) * q for (_, p, q), low, high in zip(found, lows, highs, strict=True)]
    lengths = np.array([len(word) for word in words])
    dims = ("beta1", "alpha1", "fraction")

    def panel(values: Array) -> tuple[tuple[str, ...], Array]:
        return dims, np.asarray(values)[None, None]

    return xr.Dataset(
        {
            "growth": panel(measured_growth(words, beta1) ** (1 / lengths)),
            "exact": panel(derived_growth(words, beta1) ** (1 / lengths)),
            "high_steps": panel(np.array([p for _, p, _ in found])),
            "low_steps": panel(np.array([q for _, _, q in found])),
            "quadratic": panel(quadratic_bound(beta1, lows, highs)),
            "random": panel(random_growth(setup, beta1, lows, highs)),
        },
        coords={"beta1": [beta1], "alpha1": [alpha1], "fraction": fractions},
    )


def quadratic_bound(beta1: float, lows: Array, highs: Array) -> Array:
    """The least factor per step that one form of the theory's family guarantees for all gates in [low, high]."""
    kappa = (1 + beta1) / (1 - beta1)
    reach = np.sqrt(kappa**2 - 1)
    sigma = kappa - reach * np.cos(np.linspace(0, np.pi, 802)[1:-1])
    entries = [np.broadcast_to(evaluate(entry, beta1=beta1, sigma=sigma), sigma.shape) for entry in FORM]
    forms = np.stack(entries, axis=-1).reshape(-1, 2, 2)
    inverse = np.linalg.inv(forms)

    def squared(gates: Array) -> Array:  # (gates, sigma): the largest eigenvalue of Q^-1 A'QA
        A = derived_step(beta1, gates)[:, None]
        relative = inverse @ np.swapaxes(A, -1, -2) @ forms @ A
        return radius(np.trace(relative, axis1=-2, axis2=-1), beta1**2)

    return np.sqrt(np.maximum(squared(lows), squared(highs)).min(axis=-1))


def random_growth(setup: Setup, beta1: float, lows: Array, highs: Array, runs: int = 16, steps: int = 400) -> Array:
    """Median growth per step when every gate is one of the two ends by a fair coin."""
    coins = np.random.default_rng((setup.seed, 1)).random((runs, steps)) < 0.5
    gates = np.where(coins, lows[:, None, None], highs[:, None, None]).reshape(-1, steps)
    optimizer = vradam.VRMomentum(alpha0=schedule(gates), beta1=beta1, beta3=0.0)
    run = vradam.simulate(optimizer, BOWL, np.ones((len(gates), 1)), steps, engine="numpy")
    size = np.abs(run.x[:, -20:, 0]).max(axis=-1)
    return np.median(size.reshape(len(lows), runs), axis=-1) ** (1 / steps)


# ---------------------------------------------------------------- one quadratic function for a whole range


def ranges(setup: Setup) -> xr.Dataset:
    """The largest b such that some quadratic function falls for all gates in [a, b]; and the theorem's own function.

    Three families of ranges: fixed a, a = b/(1+alpha1), and the clip alpha1 up to which b can be the edge.
    """
    edges = [float(evaluate(EDGE, beta1=beta1)) for beta1 in setup.beta1]
    pairs = list(zip(setup.beta1, edges, strict=True))
    fixed = [[common_range(beta1, e, low=low * e) for low in setup.lows] for beta1, e in pairs]
    scaled = [[common_range(beta1, e, alpha1=alpha1) for alpha1 in setup.alpha1] for beta1, e in pairs]
    return xr.Dataset(
        {
            "fixed": (("beta1", "low"), fixed),
            "scaled": (("beta1", "alpha1"), scaled),
            "own": ("beta1", [own_range(beta1) for beta1 in setup.beta1]),
        },
        coords={"beta1": list(setup.beta1), "low": list(setup.lows), "alpha1": list(setup.alpha1)},
    )


def common_range(beta1: float, most: float, low: float = 0.0, alpha1: float = np.inf) -> float:
    """The b at which the least ratio V(z')/V(z) reaches 1: over all V, for the worst state and end of the range.

    The range is [low, b], or [b/(1+alpha1), b] where that begins higher; b is looked for up to ``most``.
    """
    guess = np.array([0.0, 0.0])

    def ratio(parameters: Array, matrices: list[list[float]]) -> float:
        p, q = float(parameters[0]), float(np.exp(parameters[1]))  # V = |root z|^2, root = [[1, p], [0, q]]
        squares = []
        for k, l, m, n in matrices:  # noqa: E741
            corner = k + p * m
            total = (
                corner**2 + ((l + p * n - p * corner) / q) ** 2 + (q * m) ** 2 + (n - p * m) ** 2
            )  # of root A root^-1
            squares.append((total + np.sqrt(max(total**2 - 4 * (k * n - l * m) ** 2, 0.0))) / 2)
        return max(squares)

    def excess(high: float) -> float:
        nonlocal guess
        matrices = [measured_step(beta1, gate).ravel().tolist() for gate in (max(low, high / (1 + alpha1)), high)]
        for _ in range(2):
            options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 2000, "maxfev": 2000}
            found = minimize(ratio, guess, args=(matrices,), method="Nelder-Mead", options=options)
            guess = found.x
        return float(found.fun) - 1

    return float(brentq(excess, max(1.0001 * low, 1e-5 * most), 0.99999 * most, xtol=1e-7, rtol=1e-7))


def own_range(beta1: float) -> float:
    """The b beyond which ``||grad F||^2 + beta1 ||grad F - v||^2`` can rise, on the steps of VRMomentum."""
    root = np.array([[1.0, 0.0], [np.sqrt(beta1), -np.sqrt(beta1)]])
    back = np.linalg.inv(root)

    def excess(gate: float) -> float:
        return float(np.linalg.norm(root @ measured_step(beta1, gate) @ back, 2)) - 1

    return float(brentq(excess, 1e-3 * (1 - beta1), 0.9999 * float(evaluate(EDGE, beta1=beta1)), xtol=1e-12))


def adversary(setup: Setup) -> xr.Dataset:
    """Just below the limit for all gates: the largest V'/V that an adversary gets, who picks every gate to raise V.

    The objective is a rotated quadratic; the adversary sees V and tries 24 gates down to a thousandth at every step.
    """
    runs, dimension, steps = setup.adversary
    objective = vradam.objectives.quadratic(np.linspace(1 / dimension, 1, dimension), rotation=setup.seed)
    worst = []
    for beta1 in setup.beta1:
        S = 0.98 * float(evaluate(LIMITS["cqlf_limit_zero"], beta1=beta1))
        gates = np.geomspace(S / 1000, S, 24)
        optimizer = vradam.VRMomentum(alpha0=gates[:, None], beta1=beta1, beta3=0.0)
        x = np.random.default_rng((setup.seed, 2)).standard_normal((runs, dimension))
        state = optimizer.init(x)
        before, largest = _own(objective, x, state.velocity, beta1), 0.0
        for _ in range(steps):
            everywhere = np.broadcast_to(x, (24, *x.shape))
            tried, after = optimizer.step(everywhere, objective.grad(everywhere), state)
            raised = _own(objective, tried, after.velocity, beta1)
            best = raised.argmax(axis=0)
            largest = max(largest, float((raised.max(axis=0) / before).max()))
            x = tried[best, np.arange(runs)] / np.sqrt(raised.max(axis=0))[:, None]
            velocity = after.velocity[best, np.arange(runs)] / np.sqrt(raised.max(axis=0))[:, None]
            state, before = state._replace(velocity=velocity), np.ones(runs)
        worst.append(largest)
    return xr.Dataset({"worst_ratio": ("beta1", worst)}, coords={"beta1": list(setup.beta1)})


def _own(objective: vradam.Objective, x: Array, velocity: Array, beta1: float) -> Array:
    gradient = objective.grad(x)
    return (gradient**2).sum(axis=-1) + beta1 * ((gradient - velocity) ** 2).sum(axis=-1)


# ---------------------------------------------------------------- two gates in turn, and a gate for each coordinate


def alternation(setup: Setup) -> xr.Dataset:
    """The s1 at which the word (s1, s2) begins to grow, found on its observed growth."""

    def critical(beta1: float, second: float) -> float:
        top = 0.9999 * float(evaluate(EDGE, beta1=beta1))
        return float(
            brentq(lambda first: float(measured_growth([(first, second)], beta1)[0]) - 1, second, top, xtol=1e-9)
        )

    pairs = [(beta1, low * float(evaluate(EDGE, beta1=beta1))) for beta1, low in setup.alternation]
    return xr.Dataset(
        {
            "s1": ("pair", [critical(beta1, second) for beta1, second in pairs]),
            "s2": ("pair", [second for _, second in pairs]),
            "beta1": ("pair", [beta1 for beta1, _ in pairs]),
        }
    )


def coordinates() -> xr.Dataset:
    """Growth of the gate pairs (4, 1) and (1, 4) in turn, a gate per coordinate, and of 4 and 1 as gates of both.

    Two coupled coordinates, beta1 = 1/2; played, and from the theory's matrices.
    """
    words = {"(4, 1), (1, 4)": ((4, 1), (1, 4)), "(4, 4), (1, 1)": ((4, 4), (1, 1))}
    exact_growth = []
    for word in words.values():
        first, second = (np.array(coupled_step(*pair), dtype=float) for pair in word)
        exact_growth.append(np.abs(np.linalg.eigvals(second @ first)).max())
    return xr.Dataset(
        {
            "growth": ("word", [coupled_growth(np.array(word, dtype=float)) for word in words.values()]),
            "exact": ("word", exact_growth),
        },
        coords={"word": list(words)},
    )


def coupled_growth(pairs: Array) -> float:
    """Per repetition, seen on one repetition from every unit state; the coordinates are runs of one dimension each."""
    hessian = np.array(HESSIAN, dtype=float)
    optimizer = vradam.VRMomentum(alpha0=InTurn(pairs[None]), beta1=float(decay.subs(HALF)), beta3=0.0)
    start = np.eye(4).reshape(4, 2, 2, 1)
    x: Array = start[:, 0]
    state = optimizer.init(x)._replace(velocity=start[:, 1])
    for _ in range(len(pairs)):
        x, state = optimizer.step(x, np.einsum("ij,njk->nik", hessian, x), state)
    once = np.concatenate([x[..., 0], state.velocity[..., 0]], axis=-1)
    return float(np.abs(np.linalg.eigvals(once)).max())


@dataclass(frozen=True, eq=False)
class InTurn:
    """A schedule of learning rates: ``gates`` (words, length, coordinates) holds words of a gate per coordinate."""

    gates: Array

    def __call__(self, t: int) -> Array:
        return self.gates[:, (t - 1) % self.gates.shape[1]]


def without_momentum(setup: Setup) -> xr.Dataset:
    """beta1 = 0, random quadratics in two dimensions: the largest growth per step of random gate words.

    ``scalar``: words of six gates below 2/L. ``coordinates``: words of six pairs, each pair stable on its own.
    """
    random = np.random.default_rng((setup.seed, 3))
    largest: dict[str, list[float]] = {"scalar": [], "coordinates": []}
    for _ in range(setup.plain):
        objective = vradam.objectives.quadratic([1.0, random.uniform(0.05, 0.5)], rotation=int(random.integers(2**31)))
        hessian = objective.hvp(np.zeros(2), np.eye(2))
        pairs = np.exp(random.uniform(np.log(0.05), np.log(20), (6000, 2)))
        factors = np.eye(2) - pairs[..., None] * hessian
        stable = radius(np.trace(factors, axis1=-2, axis2=-1), np.linalg.det(factors)) < 1
        words = {
            "scalar": np.repeat(random.uniform(0.05, 1.95, (200, 6, 1)), 2, axis=-1),
            "coordinates": pairs[stable][: 6 * (stable.sum() // 6)].reshape(-1, 6, 2),
        }
        for name, gates in words.items():
            x: Array = np.ones((len(gates), 2, 1))
            optimizer = vradam.VRMomentum(alpha0=InTurn(gates), beta1=0.0, beta3=0.0)
            state = optimizer.init(x)
            for _ in range(60):
                x, state = optimizer.step(x, objective.grad(x[..., 0])[..., None], state)
            largest[name].append(float((np.linalg.norm(x, axis=(1, 2)) ** (1 / 60)).max()))
    return xr.Dataset({name: ("case", values) for name, values in largest.items()})


# ---------------------------------------------------------------- evidence


def _s3a(setup: Setup, data: dict[str, xr.Dataset]) -> Confrontation:
    panels = data["growth"].stack(cell=("beta1", "alpha1", "fraction"))
    beta1, alpha1, fraction = SHOWCASE
    high = fraction * float(evaluate(EDGE, beta1=beta1))
    _, p, q = worst_word(beta1, high / (1 + alpha1), high, DEFAULT.longest)
    word = [(high,) * p + (high / (1 + alpha1),) * q]
    grows = float(measured_growth(word, beta1)[0]) ** (1 / (p + q))
    example = f"beta1 = {beta1:g}, alpha1 = {alpha1:g}, S = {fraction:g} B, word S^{p} a^{q}"
    exact = float(derived_growth(word, beta1)[0]) ** (1 / (p + q))
    reported, words = [near(grows, 1.0, 1e-9, example)], [near(grows, exact, 1e-6, example)]
    for i in range(panels.sizes["cell"]):
        cell = panels.isel(cell=i)
        label = f"beta1 = {float(cell.beta1):g}, alpha1 = {float(cell.alpha1):g}, S = {float(cell.fraction):.3g} B"
        seen_growth = float(cell.growth)
        reported.append(Point(seen_growth, seen_growth * (1 - 1e-9), seen_growth * (1 + 1e-9), 1.0, label))
        words.append(near(seen_growth, float(cell.exact), 1e-6, label))
    limits, own, kept = [], [], []
    found = data["ranges"]
    for beta1 in setup.beta1:
        edges = float(evaluate(EDGE, beta1=beta1))
        for low in setup.lows:
            predicted = float(evaluate(LIMITS["cqlf_limit"], beta1=beta1, a=low * edges))
            measured = float(found.fixed.sel(beta1=beta1, low=low))
            limits.append(near(measured, predicted, setup.accuracy, f"beta1 = {beta1:g}, a = {low:g} B"))
        for alpha1 in setup.alpha1:
            predicted = float(evaluate(LIMITS["cqlf_in_scale"], beta1=beta1, alpha1=alpha1))
            measured = float(found.scaled.sel(beta1=beta1, alpha1=alpha1))
            limits.append(near(measured, predicted, setup.accuracy, f"beta1 = {beta1:g}, alpha1 = {alpha1:g}"))
        zero = float(evaluate(LIMITS["cqlf_limit_zero"], beta1=beta1))
        own.append(near(float(found.own.sel(beta1=beta1)), zero, setup.accuracy, f"beta1 = {beta1:g}"))
        ratio = float(data["adversary"].worst_ratio.sel(beta1=beta1))
        kept.append(Point(ratio, ratio, ratio, 1.0, f"beta1 = {beta1:g}, S = 0.98 of the limit"))
    quantity = "growth per step of a word of gates"
    return Confrontation(
        "S3a",
        reported=(Evidence("upper bound", tuple(reported), len(reported), quantity),),
        corrected=(
            Evidence("equality", tuple(words), len(words), "growth per step of a word of gates"),
            Evidence("equality", tuple(limits), len(limits), "largest b with one quadratic function for [a, b]"),
            Evidence("equality", tuple(own), len(own), "largest b for ||grad F||^2 + beta1 ||grad F - v||^2"),
            Evidence("upper bound", tuple(kept), setup.adversary[0], "largest V'/V under an adversary's gates"),
        ),
        note="Words of stable gates grow far below B; random gates hardly do. Below 2/kappa no sequence can grow.",
        showcase=(quantity, example),
    )


def _s5(setup: Setup, data: dict[str, xr.Dataset]) -> Confrontation:
    (solution,) = sp.solve(TWO_GATES["two_gate_word"], s1)
    pairs, coupled, plain = data["alternation"], data["coordinates"], data["without_momentum"]
    reported, thresholds = [], []
    for i in range(pairs.sizes["pair"]):
        beta1, first, second = (float(pairs[name][i]) for name in ("beta1", "s1", "s2"))
        label = f"beta1 = {beta1:g}, s2 = {second:.4g}"
        predicted = float(evaluate(solution, beta1=beta1, s2=second))
        thresholds.append(near(first, predicted, setup.accuracy, label))
        top = 0.98 * float(evaluate(EDGE, beta1=beta1))
        grows = float(measured_growth([(top, second)], beta1)[0]) ** 0.5
        reported.append(Point(grows, grows, grows, 1.0, f"{label}, s1 = 0.98 B"))
    grown = [
        near(float(coupled.growth.sel(word=word)), float(coupled.exact.sel(word=word)), 1e-6, word)
        for word in coupled.word.values.tolist()
    ]
    kept = [
        Point(value, value, value, 1.0, f"{name}, case {i}")
        for name in ("scalar", "coordinates")
        for i, value in enumerate(plain[name].values.tolist())
    ]
    quantity = "growth per step of two scalar gates in turn"
    claimed = (Evidence("upper bound", tuple(reported), len(reported), quantity),)
    return Confrontation(
        "S5",
        reported=claimed,
        corrected=(
            Evidence("equality", tuple(thresholds), len(thresholds), "s1 at which the word (s1, s2) begins to grow"),
            Evidence("equality", tuple(grown), len(grown), "growth on coupled coordinates, beta1 = 1/2"),
            Evidence("upper bound", tuple(kept), len(kept), "growth per step of any stable gates, beta1 = 0"),
        ),
        note="Without momentum neither kind of gate grows; with momentum both do, and scalar gates grow faster.",
        showcase=showcase(claimed, quantity, "beta1 = 0.9, s2 = 0.038, s1 = 0.98 B"),
    )


STUDY = Study(DEFAULT, PAPER, run)
