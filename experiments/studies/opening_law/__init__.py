"""S8 and C3: the opening law against adversaries, beyond the edge, under biasing noise, and in other units.

* Below the edge, all starts: signals that are random, that swing, that saw, and an adversary who sees the whole state.
  With the held law at g = beta1^2 the energy of the proof falls at every setting; without a law they make it grow.
* Two formulas measured: the g below which a sawtooth through the law grows, and the largest rate when w0 > 0.
* The rate: the gate's total variation against its bound, and the same coin that tells gates apart, under the bound.
* For the table: bursts beyond the edge, a curvature that rises through it, bias plateaus, gradients in other units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.central_rate import WITH_MOMENTUM, WITHOUT_MOMENTUM
from experiments.measurement.formula import evaluate
from experiments.measurement.statistics import mean_interval
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.studies.opening_law import beyond
from experiments.studies.opening_law.adversary import critical_rate, growth, sharp_decay
from experiments.study import Result, Study, Table
from theory.claims.convergence.predictable_gate import trivial_line
from theory.claims.convergence.shares import best
from theory.claims.opening_law.rate import theorem_beta1_zero_shares, theorem_shares, variation
from theory.claims.opening_law.stability import FORMULAS
from theory.notation import grad_bound
from vradam import gates, laws

Array = NDArray[np.floating]
#: S/B this close below 1 stands for the edge where the smallest sufficient g is looked for.
AT_EDGE: Final = 0.99999


@dataclass(frozen=True)
class Setup:
    """What the study runs.

    Parameters
    ----------
    beta1, fractions, alpha1, dimensions
        Where the adversaries play, ``fractions`` of the edge, ``starts`` in each
        setting, for ``steps``.
    sharp
        The beta1 at which the smallest sufficient g is measured.
    ceilings
        (beta1, w0) at which the largest rate is measured.
    slowness
        The c in 1 - g = c/N, at which the total variation over ``varied`` steps is measured.
    horizons
        N of the coin under the bound of C3, ``runs`` runs each, ``level`` of their intervals.
    burst_beta1, ratios, burst_steps, shown
        Bursts beyond the edge, at ``ratios`` of S/B.
    sharpening_steps
        Steps of the run with rising curvature.
    bias_steps
        N of the bias plateaus; ``seeds`` runs each, also of the rising curvature.
    scale_steps
        Steps in other units.
    """

    beta1: tuple[float, ...] = (0.5, 0.9, 0.99)
    fractions: tuple[float, ...] = (0.3, 0.6, 0.9, 0.99)
    alpha1: tuple[float, ...] = (1.0, 10.0, 100.0)
    dimensions: tuple[int, ...] = (1, 3)
    starts: int = 8
    steps: int = 300
    sharp: tuple[float, ...] = (0.5, 0.9)
    ceilings: tuple[tuple[float, float], ...] = ((0.5, 1.0), (0.9, 3.0))
    slowness: tuple[float, ...] = (1.0, 10.0, 100.0)
    varied: int = 1000
    horizons: tuple[int, ...] = (100_000, 1_000_000)
    runs: int = 10
    level: float = 0.999
    burst_beta1: float = 0.9
    ratios: tuple[float, ...] = (1.5, 3.0, 8.0, 50.0)
    burst_steps: int = 10_000
    shown: int = 240
    sharpening_steps: int = 1000
    bias_steps: tuple[int, ...] = (10_000, 100_000)
    seeds: int = 8
    scale_steps: int = 200
    seed: int = 0


DEFAULT: Final = Setup()
PAPER: Final = Setup(
    beta1=(0.5, 0.7, 0.9, 0.95, 0.99),
    fractions=(0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 0.999),
    dimensions=(1, 2, 3),
    starts=100,
    steps=1000,
    sharp=(0.3, 0.5, 0.7, 0.9, 0.95, 0.99),
    ceilings=tuple((b, w) for b in (0.3, 0.5, 0.7, 0.9) for w in (0.0, 1.0, 10.0)),
    varied=10_000,
    horizons=(100_000, 1_000_000, 10_000_000),
    runs=16,
    ratios=(1.1, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 50.0),
    burst_steps=100_000,
    sharpening_steps=10_000,
    bias_steps=(10_000, 100_000, 1_000_000, 10_000_000),
    seeds=16,
    scale_steps=1000,
)


def run(setup: Setup, chunks: Chunks) -> Result:
    """Adversaries, two formulas, the variation, the coin, and the four properties of the table."""
    adversaries = {f"growth_{d}": partial(growth, setup, d) for d in setup.dimensions}
    biases = {
        f"bias_{i}_{N}": partial(beyond.bias, setup, law, N)
        for i, law in enumerate(beyond.NOISES)
        for N in setup.bias_steps
    }
    coins = {f"coin_{m}_{N}": partial(coin, setup, m, N) for m in (0, 1) for N in setup.horizons}
    parts = {
        "formulas": partial(formulas, setup),
        "variation": partial(moved_in_all, setup),
        "bursts": partial(beyond.bursts, setup),
        "sharpening": partial(beyond.sharpening, setup),
        "scale": partial(beyond.scale, setup),
    }
    done = chunks.gather(adversaries | biases | coins | parts)
    growths = xr.concat([done[key] for key in adversaries], "dimension", combine_attrs="drop")
    data = {
        "growth": growths.assign_coords(dimension=list(setup.dimensions)),
        "bias": xr.combine_by_coords([done[key] for key in biases]),
        "coin": xr.combine_by_coords([done[key] for key in coins]),
        **{key: done[key] for key in parts},
        "example": example(),
    }
    return Result(data, (_stability(setup, data), _rate(setup, data)))


# ---------------------------------------------------------------- formulas, measured


def formulas(setup: Setup) -> xr.Dataset:
    """The smallest sufficient g over ``sharp``, and the largest rate over ``ceilings``."""
    return xr.Dataset(
        {
            "decay": ("sharp", [sharp_decay(beta1, AT_EDGE) for beta1 in setup.sharp]),
            "rate": ("ceiling", [critical_rate(w0, beta1, 200) for beta1, w0 in setup.ceilings]),
        },
        coords={"sharp": list(setup.sharp)},
    )


def moved_in_all(setup: Setup) -> xr.Dataset:
    """The largest total variation of gamma under ``held(1 - c/N)`` over signals that close, wait, and close again.

    The first closing, from slight to complete, is varied over the runs; and signals at random, drawn for each run.
    """
    peaks, N = np.geomspace(0.05, 19.0, 60), setup.varied
    found = []
    for c in setup.slowness:
        worst = []
        for wild in (False, True):
            calls, stream = [0], np.random.default_rng(setup.seed)

            def see(v: Array, before: Array, grad: Array, P: Array, w: Array) -> Array:
                calls[0] += 1  # noqa: B023
                if wild:  # noqa: B023
                    return stream.exponential(size=w.shape) * peaks * (stream.uniform(size=w.shape) < 0.02)  # noqa: B023
                return {1: peaks, N: 19.0 + 0 * peaks}.get(calls[0], 0 * peaks)  # noqa: B023

            optimizer = vradam.VRMomentum(
                alpha0=1e-3, alpha1=19.0, beta1=0.0, gate=gates.signal(see), law=laws.held(1 - c / N)
            )
            run = vradam.simulate(
                optimizer, vradam.objectives.quadratic([1.0]), np.ones((peaks.size, 1)), N, engine="numpy"
            )
            worst.append(np.abs(np.diff(run.learning_rate / 1e-3, axis=-1)).sum(axis=-1).max())
        found.append(worst)
    return xr.Dataset(
        {"total": (("c", "signal"), np.array(found))}, {"c": list(setup.slowness), "signal": ["one peak", "random"]}
    )


def coin(setup: Setup, momentum: int, steps: int) -> xr.Dataset:
    """E F'(x_tau)^2 in the setting that tells gates apart, for the held law at 1 - 1/N and the published gate."""
    setting = (WITHOUT_MOMENTUM, WITH_MOMENTUM)[momentum]
    values = setting.values(steps)
    numbers: dict[str, Any] = {name: values[name] for name in ("alpha0", "alpha1", "beta1", "beta2", "beta3", "eps")}
    hill = vradam.objectives.pseudo_huber(1, scale=setting.grad_bound / setting.L, curvature=setting.L)
    bound = (theorem_beta1_zero_shares, theorem_shares)[momentum].subs(grad_bound, setting.grad_bound)
    runs = [
        vradam.simulate(
            vradam.VRAdam(**numbers, law=law, proof_form=True), hill, np.full((setup.runs, 1), setting.start), steps,
            vradam.noise.two_point(0.5, 1.0), seed=setup.seed, every=0, engine="compiled",
        ).mean_grad_norm_squared
        for law in (laws.held(1 - 1 / steps), laws.published)
    ]  # fmt: skip
    low, high = mean_interval(runs, setup.level)
    shape = (2, 1, 1)
    columns = {"mean": np.mean(runs, axis=-1), "low": low, "high": high}
    return xr.Dataset(
        {name: (("gate", "beta1", "N"), np.reshape(column, shape)) for name, column in columns.items()}
        | {
            "bound": (("beta1", "N"), [[best(bound, **values)]]),
            "trivial": (("beta1", "N"), [[trivial_line(R=setting.R, eps=setting.eps)]]),
        },
        coords={"gate": ["held", "published"], "beta1": [setting.beta1], "N": [steps]},
    )


def example(g: float = 0.9, steps: int = 60) -> xr.Dataset:
    """For the figure: what the laws make of a signal with three peaks."""
    signal = np.zeros(steps)
    signal[[6, 7, 20, 21, 22, 44]] = 6.0, 9.0, 3.0, 14.0, 4.0, 5.0
    closings = []
    for law in (laws.averaged(g), laws.held(g)):
        memory: Array = np.zeros(1)
        path = []
        for t, z in enumerate(signal, start=1):
            memory = law.remember(memory, np.array([z]), 1.0, 19.0)
            path.append(law.closing(memory, t, 1.0, 19.0, corrected=False)[0])
        closings.append(path)
    return xr.Dataset(
        {"signal": ("step", signal), "closing": (("law", "step"), np.array(closings))},
        {"law": ["averaged", "held"], "step": np.arange(steps)},
        {"g": g},
    )


# ---------------------------------------------------------------- evidence


def _stability(setup: Setup, data: Mapping[str, xr.Dataset]) -> Confrontation:
    growths = data["growth"].growth
    kept, pumped = [], []
    for dimension in setup.dimensions:
        for beta1 in setup.beta1:
            here = 10 ** growths.sel(dimension=dimension, beta1=beta1).max("fraction")
            label = f"d = {dimension}, beta1 = {beta1:g}"
            worst = float(here.sel(law="held").max())
            kept.append(Point(worst, worst, worst, 1.0, label))
            least = float(here.sel(law="none").max("signal"))
            pumped.append(Point(least, least, least, 1.0, label))
    sharp = [
        _near(float(value), float(evaluate(FORMULAS["gate_decay_sufficient"], beta1=beta1)), 2e-3, f"beta1 = {beta1:g}")
        for beta1, value in zip(setup.sharp, data["formulas"].decay.values, strict=True)
    ]
    rates = [
        _near(
            float(value),
            float(evaluate(FORMULAS["largest_rate"], beta1=beta1, w0=w0, L=1.0)),
            1e-4,
            f"beta1 = {beta1:g}, w0 = {w0:g}",
        )
        for (beta1, w0), value in zip(setup.ceilings, data["formulas"].rate.values, strict=True)
    ]
    runs = growths.size // 2 * setup.starts * len(setup.alpha1)
    none = growths.sel(law="none")
    return Confrontation(
        "S8",
        reported=(
            Evidence("upper bound", tuple(kept), runs, "largest growth per step with the law, g = beta1^2"),
            Evidence("lower bound", tuple(pumped), runs, "largest growth per step of the same signals without a law"),
            Evidence("equality", tuple(sharp), len(sharp), "g below which a sawtooth through the law grows"),
            Evidence("equality", tuple(rates), len(rates), "critical alpha0 L of the held law"),
        ),
        note=(
            f"Without the law the best adversary grows by 10^{float(none.max()):.2f} a step below the edge; with it "
            "the energy of the proof falls in every run."
        ),
    )


def _rate(setup: Setup, data: Mapping[str, xr.Dataset]) -> Confrontation:
    varied = []
    for c in setup.slowness:
        limit = float(evaluate(variation, N=setup.varied, gate_decay=1 - c / setup.varied, alpha1=19.0))
        for name in data["variation"].signal.values:
            total = float(data["variation"].total.sel(c=c, signal=name))
            varied.append(Point(total, total, total, limit, f"c = {c:g}, {name}"))
    under = []
    for beta1 in data["coin"].beta1.values:
        for N in setup.horizons:
            here = data["coin"].sel(beta1=beta1, N=N)
            seen = here.sel(gate="held")
            mean, low, high = (float(seen[name]) for name in ("mean", "low", "high"))
            label = f"beta1 = {beta1:g}, N = {N:.0e}"
            under.append(Point(mean, low, high, float(here.bound), label, float(here.trivial)))
    published = data["coin"].sel(gate="published").isel(N=-1)
    return Confrontation(
        "C3",
        reported=(
            Evidence("upper bound", tuple(varied), len(varied) * 60, "total variation of the gate over N steps"),
            Evidence("upper bound", tuple(under), setup.runs * len(under), "E||grad F||^2 (the coin), held law"),
        ),
        note=(
            f"The published gate, on the same noise, is at {float(published['mean'].isel(beta1=0)):.3f} at "
            f"N = {int(published.N):.0e}, the bound at {float(published.bound.isel(beta1=0)):.3f}."
        ),
    )


def _near(measured: float, predicted: float, accuracy: float, label: str) -> Point:
    return Point(measured, measured - accuracy * abs(measured), measured + accuracy * abs(measured), predicted, label)


# ---------------------------------------------------------------- the table


def tables(data: Mapping[str, xr.Dataset]) -> Sequence[Table]:
    """One table, gate by property."""
    worst = 10 ** data["growth"].growth.max(("dimension", "beta1", "fraction", "signal"))
    bursts, rising, bias, scale = (data[name] for name in ("bursts", "sharpening", "bias", "scale"))
    of_bias = {
        "published": "published",
        "averaged, .99": "averaged, 1 - 1/N",
        "held, .99": "held, 1 - 10/N",
        "held in Adam's metric, .99": "recommended",
    }
    rows = []
    for name in dict.fromkeys((*beyond.ENERGIES, *beyond.SCALED)):
        lawful = beyond.GATES[name][1] != "published"
        row = [name, f"{float(worst.sel(law='held' if lawful else 'none')):.3f}"]
        if name in bursts.gate.values:
            here = bursts.sel(gate=name)
            row += [f"{float(here.peak.sel(ratio=8.0)):.3g}", f"{float(here['mean'].sel(ratio=8.0)):.2f}"]
            row += [f"{float(here.flat.sel(ratio=8.0)):.2g}", f"{float(rising.peak.sel(gate=name)):.3g}"]
        else:
            row += ["", "", "", ""]
        errors = bias.error.isel(N=-1).sel(gate=of_bias[name]) if name in of_bias else None
        row += ["" if errors is None else f"{float(errors.sel(noise=noise)):.2g}" for noise in _SHOWN]
        opened = scale.opening.sel(gate=name).values if name in scale.gate.values else None
        row.append("" if opened is None else " / ".join(f"{value:.2f}" for value in opened))
        rows.append(tuple(row))
    N = int(bias.N.values[-1])
    return (
        Table(
            "Which gate does what",
            ("gate", "worst growth, S < B", "peak v^2/v*^2, 8 B", "mean eta L/B, 8 B", "flat left, 8 B",
             "peak loss, rising curvature", "bias, beta1 0", "bias, beta1 .9", "opening at c = 1e-3 / 1 / 1e3"),
            tuple(rows),
            "Growth per step of the proof's energy under the worst signal, over all settings (for the published law, "
            f"of signals without a law). Bias: E||F'||^2 under skewed noise at N = {N:.0e}; averaged with 1 - g = 1/N, "
            "held and recommended with 10/N. The last column is the mean opening when gradients are multiplied by c.",
        ),
    )  # fmt: skip


_SHOWN: Final = ("skewed, beta1 0", "skewed, beta1 .9")

STUDY = Study(DEFAULT, PAPER, run, tables)
