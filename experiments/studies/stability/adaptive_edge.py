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
from vradam.problems import (
    EDGE_QUADRATICS,
    FOUR_SCALARS,
    MATRIX_FACTORISATION,
    PROGRESSIVE_SHARPENING,
    SHARPEST,
    Problem,
)

EDGE = float(vradam.sharpness.stability_threshold(0.9, 1.0))  # alpha0 L at the edge, for the default beta1


@dataclass(frozen=True)
class Run:
    """One model with one optimizer: ``every`` thins the records (the Hessian is diagonalised at each)."""

    model: Problem
    optimizer: str
    alpha0: float
    steps: int
    every: int = 10
    beta1: float = 0.9
    beta3: float = 1.0


RUNS = (
    Run(PROGRESSIVE_SHARPENING, "momentum", 0.4, 1000),
    Run(PROGRESSIVE_SHARPENING, "VRMomentum", 0.4, 1000),
    Run(PROGRESSIVE_SHARPENING, "Adam", 0.02, 6000, 20),
    Run(PROGRESSIVE_SHARPENING, "VRAdam", 0.02, 6000, 20, beta3=0.1),
    Run(FOUR_SCALARS, "momentum", 3.0, 500, 2),
    Run(FOUR_SCALARS, "VRMomentum", 3.0, 500, 2),
    Run(MATRIX_FACTORISATION, "Adam", 0.05, 6000, 20),
    Run(MATRIX_FACTORISATION, "VRAdam", 0.05, 6000, 20, beta3=0.1),
)
#: Adam's preconditioner takes thousands of steps to shrink until the edge is reached.
QUADRATICS = tuple(
    Run(problem, optimizer, alpha0, 20_000, 100)
    for problem in EDGE_QUADRATICS
    for optimizer, alpha0 in (("VRMomentum", 1.3 * EDGE / SHARPEST), ("Adam", 0.01), ("VRAdam", 0.01))
)


@dataclass(frozen=True)
class Amplitude:
    """VRMomentum at ``alpha0`` on a model, and its last quarter of ``steps``, recorded every ``every`` steps."""

    model: Problem
    alpha0: tuple[float, ...]
    steps: int = 4000
    every: int = 80
    beta1: float = 0.9
    beta3: float = 1.0


RATIOS = (0.9, 1.02, 1.1, 1.2, 1.3, 1.4, 1.6, 1.9)
#: alpha0 L/B takes these ratios, L the curvature at the end of the path; in a factorisation the curvature gives way.
AMPLITUDES = (
    *(Amplitude(problem, tuple(ratio * EDGE / SHARPEST for ratio in RATIOS)) for problem in EDGE_QUADRATICS),
    Amplitude(PROGRESSIVE_SHARPENING, tuple(ratio * EDGE / 100 for ratio in RATIOS)),
    Amplitude(MATRIX_FACTORISATION, (0.6, 0.8, 1.0, 1.15, 1.3, 1.45, 1.6, 2.0)),
)


def measure(run: Run) -> xr.Dataset:
    """Sharpness, preconditioned sharpness, B/eta_t, eta_t/alpha0, ||v||^2 and the value of a run; the share clipped."""
    objective, x0 = run.model.objective, run.model.x0
    optimizer = _optimizer(run)
    record = vradam.sharpness.along(optimizer, objective, x0, run.steps, every=run.every, engine="numpy")
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
            "model": run.model.name,
            "optimizer": run.optimizer,
            "alpha0": run.alpha0,
            "beta1": run.beta1,
            "beta3": run.beta3,
            "clipped": float((relative <= (1 + 1e-12) / 11).mean()),
        },
    )


def amplitude(item: Amplitude) -> xr.Dataset:
    """At the end of each run, over (alpha0, part): ``excess`` S/B - 1 and ``kinetic`` beta3 ||v||^2.

    The parts are the median and the 10 % and 90 % points over the records; a run that swings has them apart. NaN where
    the run diverged.
    """
    objective, x0 = item.model.objective, item.model.x0
    alpha0 = np.array(item.alpha0)
    optimizer = vradam.VRMomentum(alpha0=alpha0, beta1=item.beta1, beta3=item.beta3)
    x = np.broadcast_to(x0, (alpha0.size, objective.dim))
    record = vradam.sharpness.along(optimizer, objective, x, item.steps, every=item.every, engine="numpy")
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
        attrs={"model": item.model.name, "beta1": item.beta1, "beta3": item.beta3},
    )


def _optimizer(run: Run) -> Any:
    if run.optimizer == "VRMomentum":
        return vradam.VRMomentum(alpha0=run.alpha0, beta1=run.beta1, beta3=run.beta3)
    if run.optimizer == "momentum":
        return vradam.VRMomentum(alpha0=run.alpha0, beta1=run.beta1, beta3=0.0)
    if run.optimizer == "VRAdam":
        return vradam.VRAdam(alpha0=run.alpha0, beta1=run.beta1, beta3=run.beta3)
    return vradam.Adam(alpha0=run.alpha0, beta1=run.beta1)
