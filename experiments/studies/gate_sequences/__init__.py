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

from functools import partial
from typing import Final

import numpy as np
import sympy as sp
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.points import near, showcase
from experiments.measurement.prescribed_sequences import (
    BOWL,
    derived_growth,
    derived_step,
    measured_growth,
    radius,
    schedule,
    worst_word,
)
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.studies.gate_sequences.in_turn import alternation, coordinates, without_momentum
from experiments.studies.gate_sequences.ranges import adversary, ranges
from experiments.studies.gate_sequences.setup import Setup
from experiments.study import Result, Study
from theory.claims.gate_sequences import LIMITS, TWO_GATES
from theory.methods.quadratic_family import form
from theory.notation import edge, s1

FORM: Final = tuple(form())
Array = NDArray[np.floating]
EDGE: Final = edge()
#: beta1, alpha1 and S/B of the row that the ledger shows, at every resolution.
SHOWCASE: Final = (0.9, 10.0, 0.5)


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
