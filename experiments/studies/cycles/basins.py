"""Basins of attraction below the edge: from which positions and velocities do runs end in the hidden cycle?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

import vradam
from experiments.measurement.formula import evaluate
from theory.notation import edge
from vradam.dynamics import Batch, periods


@dataclass(frozen=True)
class Setup:
    """``cells`` x ``cells`` starts, |v| <= ``speed`` and |x| <= ``speed`` times kappa, in units of beta3 = 1."""

    beta1: float = 0.9
    fraction: float = 30 / 38
    alpha1: float = 10.0
    speed: float = 1.8
    cells: int = 121
    steps: int = 1200


def measure(setup: Setup) -> xr.Dataset:
    """``end`` over (x, v): -1 the origin, 0, 1, 2, 3 the phase of the cycle, -2 anything else; and the cycle itself.

    The phase is the one that a run has at the last step, a multiple of 4.

    Raises
    ------
    RuntimeError
        If no start ends in a cycle of period 4.
    """
    S = setup.fraction * float(evaluate(edge(), beta1=setup.beta1))
    optimizer = vradam.VRMomentum(alpha0=S, alpha1=setup.alpha1, beta1=setup.beta1)
    bowl = vradam.objectives.quadratic([1.0])
    v = np.linspace(-setup.speed, setup.speed, setup.cells)
    x = v * (1 + setup.beta1) / (1 - setup.beta1)
    starts, speeds = (part.reshape(-1, 1) for part in np.meshgrid(x, v, indexing="ij"))
    state = optimizer.init(starts)._replace(velocity=speeds.copy())
    steps = 4 * (setup.steps // 4)
    later = vradam.simulate(optimizer, bowl, starts, steps, every=0, state=state, engine="numpy")
    window = vradam.simulate(optimizer, bowl, later.final_x, 24, state=later.final_state, engine="numpy")
    x_of, v_of = later.final_x[:, 0], later.final_state.velocity[:, 0]
    moving = np.abs(window.x).max(axis=(1, 2)) > 1e-3
    batch = Batch(optimizer, later.final_x, later.final_state, np.arange(len(starts)))
    periodic = moving & (periods(batch, bowl, 8, 1e-6)[0] == 4)
    if not periodic.any():
        raise RuntimeError(f"no start ends in a cycle of period 4 at beta1 = {setup.beta1}, S/B = {setup.fraction}")
    first = int(periodic.argmax())
    cycle_x = window.x[first, :4, 0]
    cycle_v = np.concatenate([[v_of[first]], -np.diff(window.x[first, :4, 0]) / window.learning_rate[first, 1:4]])
    phase = np.abs(x_of[:, None] - cycle_x).argmin(axis=-1)
    end = np.where(periodic, phase, np.where(moving, -2, -1))
    return xr.Dataset(
        {
            "end": (("x", "v"), end.reshape(setup.cells, setup.cells).astype(np.int8)),
            "cycle_x": ("phase", cycle_x),
            "cycle_v": ("phase", cycle_v),
        },
        coords={"x": x, "v": v},
        attrs={"beta1": setup.beta1, "fraction": setup.fraction, "alpha1": setup.alpha1},
    )
