"""At the edge: sharpness, preconditioner and gate along runs, where the curvature stays and where it moves.

*Runs*: one optimizer on one model, in time. *Amplitudes*: VRMomentum over a range of alpha0, and how fast it moves at
the end. Where the rate is pinned, eta_t lambda = B, the motion has beta3 ||v||^2 = S/B - 1 with S = alpha0 lambda (S6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

import vradam

EDGE = float(vradam.sharpness.stability_threshold(0.9, 1.0))  # alpha0 L at the edge, for the default beta1
SHARPEST = 2.5  # curvature of the quadratics; their flattest direction has a hundredth of it


@dataclass(frozen=True)
class Run:
    """One model with one optimizer: ``every`` thins the records (the Hessian is diagonalised at each)."""

    model: str
    optimizer: str
    alpha0: float
    steps: int
    every: int = 10
    beta1: float = 0.9
    beta3: float = 1.0


RUNS = (
    Run("progressive sharpening", "momentum", 0.4, 1000),
    Run("progressive sharpening", "VRMomentum", 0.4, 1000),
    Run("progressive sharpening", "Adam", 0.02, 6000, 20),
    Run("progressive sharpening", "VRAdam", 0.02, 6000, 20, beta3=0.1),
    Run("four scalars", "momentum", 3.0, 500, 2),
    Run("four scalars", "VRMomentum", 3.0, 500, 2),
    Run("matrix factorisation", "Adam", 0.05, 6000, 20),
    Run("matrix factorisation", "VRAdam", 0.05, 6000, 20, beta3=0.1),
)
#: Adam's preconditioner takes thousands of steps to shrink until the edge is reached.
QUADRATICS = tuple(
    Run(f"quadratic, d = {d}", optimizer, alpha0, 20_000, 100)
    for d in (1, 10, 100)
    for optimizer, alpha0 in (("VRMomentum", 1.3 * EDGE / SHARPEST), ("Adam", 0.01), ("VRAdam", 0.01))
)


@dataclass(frozen=True)
class Amplitude:
    """VRMomentum at ``alpha0`` on a model, and its last quarter of ``steps``, recorded every ``every`` steps."""

    model: str
    alpha0: tuple[float, ...]
    steps: int = 4000
    every: int = 80
    beta1: float = 0.9
    beta3: float = 1.0


RATIOS = (0.9, 1.02, 1.1, 1.2, 1.3, 1.4, 1.6, 1.9)
#: alpha0 L/B takes these ratios, L the curvature at the end of the path; in a factorisation the curvature gives way.
AMPLITUDES = (
    *(Amplitude(f"quadratic, d = {d}", tuple(ratio * EDGE / SHARPEST for ratio in RATIOS)) for d in (1, 10, 100)),
    Amplitude("progressive sharpening", tuple(ratio * EDGE / 100 for ratio in RATIOS)),
    Amplitude("matrix factorisation", (0.6, 0.8, 1.0, 1.15, 1.3, 1.45, 1.6, 2.0)),
)


def measure(run: Run, seed: int) -> xr.Dataset:
    """Sharpness, preconditioned sharpness, B/eta_t, eta_t/alpha0, ||v||^2 and the value of a run; the share clipped."""
    objective, x0 = model(run.model, seed)
    optimizer = _optimizer(run)
    record = vradam.sharpness.along(optimizer, objective, x0, run.steps, every=run.every)
    relative = record.learning_rate / run.alpha0
    with np.errstate(all="ignore"):
        value = objective.value(record.x)
    series = {
        "sharpness": record.sharpness,
        "preconditioned": record.preconditioned,
        "threshold": record.threshold,
        "relative_rate": relative,
        "velocity_squared": record.velocity_squared,
        "value": value,
    }
    return xr.Dataset(
        {name: ("step", values) for name, values in series.items()},
        coords={"step": record.step},
        attrs={
            "model": run.model,
            "optimizer": run.optimizer,
            "alpha0": run.alpha0,
            "beta1": run.beta1,
            "beta3": run.beta3,
            "clipped": float((relative <= (1 + 1e-12) / 11).mean()),
        },
    )


def amplitude(item: Amplitude, seed: int) -> xr.Dataset:
    """At the end of each run, over (alpha0, part): ``excess`` S/B - 1 and ``kinetic`` beta3 ||v||^2.

    The parts are the median and the 10 % and 90 % points over the records; a run that swings has them apart. NaN where
    the run diverged.
    """
    objective, x0 = model(item.model, seed)
    alpha0 = np.array(item.alpha0)
    optimizer = vradam.VRMomentum(alpha0=alpha0, beta1=item.beta1, beta3=item.beta3)
    x = np.broadcast_to(x0, (alpha0.size, objective.dim))
    record = vradam.sharpness.along(optimizer, objective, x, item.steps, every=item.every)
    late = record.step > item.steps * 3 // 4
    edge = vradam.sharpness.stability_threshold(item.beta1, 1.0)
    series = {
        "excess": alpha0[:, None] * record.preconditioned / edge - 1,
        "kinetic": item.beta3 * record.velocity_squared,
    }
    return xr.Dataset(
        {
            name: (("part", "alpha0"), np.quantile(values[:, late], [0.5, 0.1, 0.9], axis=-1))
            for name, values in series.items()
        },
        coords={"alpha0": alpha0, "part": ["median", "low", "high"]},
        attrs={"model": item.model, "beta1": item.beta1, "beta3": item.beta3},
    )


def model(name: str, seed: int) -> tuple[vradam.Objective, np.ndarray]:
    """A model, and where it is started; the curvature changes along the way except on quadratics."""
    if name.startswith("quadratic, d = "):
        d = int(name.removeprefix("quadratic, d = "))
        spectrum = np.geomspace(SHARPEST / 100, SHARPEST, d) if d > 1 else [SHARPEST]
        return vradam.objectives.quadratic(spectrum), np.ones(d)
    if name == "progressive sharpening":
        objective = vradam.objectives.progressive_sharpening()
        assert objective.start is not None
        return objective, np.asarray(objective.start)
    if name == "four scalars":
        return vradam.objectives.four_scalar_product(), np.array([2.8, 0.36, 2.8, 0.357])
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(6, 2)) @ rng.normal(size=(2, 5)) * 3.0
    return vradam.objectives.matrix_factorisation(target, 2), rng.normal(size=22) * 0.3


def _optimizer(run: Run) -> Any:
    if run.optimizer == "VRMomentum":
        return vradam.VRMomentum(alpha0=run.alpha0, beta1=run.beta1, beta3=run.beta3)
    if run.optimizer == "momentum":
        return vradam.VRMomentum(alpha0=run.alpha0, beta1=run.beta1, beta3=0.0)
    if run.optimizer == "VRAdam":
        return vradam.VRAdam(alpha0=run.alpha0, beta1=run.beta1, beta3=run.beta3)
    return vradam.Adam(alpha0=run.alpha0, beta1=run.beta1)
