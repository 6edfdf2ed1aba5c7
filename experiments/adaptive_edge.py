"""At the adaptive edge: what sharpness, preconditioner and gate do to each other on models whose curvature moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

import vradam


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


def measure(run: Run, seed: int) -> xr.Dataset:
    """Sharpness, preconditioned sharpness, B/eta_t, eta_t/alpha0 and the value along one run; the share clipped."""
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


def model(name: str, seed: int) -> tuple[vradam.Objective, np.ndarray]:
    """A model whose curvature changes along the way, and where it is started."""
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
