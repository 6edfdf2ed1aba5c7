"""Paths across two-dimensional landscapes: momentum and Adam, each with and without the gate, from the same start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

import vradam
from vradam.problems import BEALE, HIMMELBLAU, ROSENBROCK, VALLEY, Problem


@dataclass(frozen=True)
class Landscape:
    """Where to start, the learning rates of momentum and of Adam (with and without the gate), and what is shown."""

    problem: Problem
    x0: tuple[float, float]
    momentum_rate: float
    adam_rate: float
    window: tuple[float, float, float, float]
    beta3: float = 1.0
    steps: int = 150
    cells: int = 81


ALL = (
    Landscape(VALLEY, (-1.5, 0.6), 0.15, 0.3, (-1.8, 1.0, -0.6, 0.8)),
    Landscape(ROSENBROCK, (-1.2, 1.0), 0.002, 0.3, (-1.5, 1.2, -0.2, 1.5), 0.01),
    Landscape(BEALE, (1.0, 1.0), 0.02, 0.3, (0.5, 3.4, -0.8, 1.2), 0.1),
    Landscape(HIMMELBLAU, (-1.0, -1.0), 0.03, 0.5, (-5.2, -0.6, -5.0, -0.4), 0.01),
)


def measure(landscape: Landscape) -> xr.Dataset:
    """``x`` over (optimizer, step, coordinate), ``relative_rate`` = eta_t/alpha0, ``length`` of the step to each point,
    ``value`` over the steps, and ``height`` = F over the window (column, row).
    """
    objective = landscape.problem.objective
    runs = {name: _run(landscape, objective, optimizer) for name, optimizer in optimizers(landscape).items()}
    left, right, bottom, top = landscape.window
    columns, rows = np.linspace(left, right, landscape.cells), np.linspace(bottom, top, landscape.cells)
    grid = np.stack(np.meshgrid(columns, rows, indexing="ij"), axis=-1)
    x = np.stack([run.x for run in runs.values()])
    lengths = np.linalg.norm(np.diff(x, axis=1, prepend=x[:, :1]), axis=-1)
    rates = np.stack([run.learning_rate / run.learning_rate[0] for run in runs.values()])
    return xr.Dataset(
        {
            "x": (("optimizer", "step", "coordinate"), x),
            "relative_rate": (("optimizer", "step"), rates),
            "length": (("optimizer", "step"), lengths),
            "value": (("optimizer", "step"), np.stack([run.value for run in runs.values()])),
            "height": (("column", "row"), objective.value(grid).astype(np.float32)),
        },
        coords={"optimizer": list(runs), "column": columns, "row": rows},
        attrs={
            "name": landscape.problem.name,
            "momentum_rate": landscape.momentum_rate,
            "adam_rate": landscape.adam_rate,
            "beta3": landscape.beta3,
        },
    )


def optimizers(landscape: Landscape) -> dict[str, Any]:
    """The four that are compared; alpha1 = 10 where there is a gate."""
    fast, adam, beta3 = landscape.momentum_rate, landscape.adam_rate, landscape.beta3
    return {
        "momentum": vradam.VRMomentum(alpha0=fast, beta3=0.0),
        "VRMomentum": vradam.VRMomentum(alpha0=fast, beta3=beta3),
        "AdamW": vradam.AdamW(alpha0=adam, weight_decay=0.0),
        "VRAdam": vradam.VRAdam(alpha0=adam, beta3=beta3),
    }


def _run(landscape: Landscape, objective: vradam.Objective, optimizer: Any) -> vradam.Trajectory:
    return vradam.simulate(optimizer, objective, landscape.x0, landscape.steps, engine="numpy", progress=False)
