"""The source's own figures: the same settings, drawn from runs of this project.

*Phase portrait*: the field of a particle with quartic kinetic energy, two of its orbits, and momentum and VRMomentum
leaping over it on F = x^2/2. In the published figure the step of VRMomentum is divided by 1 + 4 v_{t-1}^2: the gate
sees the velocity *before* the step and has no clip, which is the form :data:`vradam.gates.predictable` at alpha1 = inf;
the field has 3 v^2 where the gate has 4. Beside it stands the gate of Algorithm 1, which sees the new velocity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.store.chunks import Chunks
from experiments.study import Result, Study

Array = NDArray[np.floating]
BOWL = vradam.objectives.quadratic([1.0])


@dataclass(frozen=True)
class Setup:
    """The numbers of the published figure.

    Parameters
    ----------
    quartic : float
        The factor of v^2 in the field (v, -x/(1 + quartic v^2)).
    orbits : tuple of (float, float)
        Where the continuous orbits start, (x, v); ``orbit_steps`` Runge-Kutta steps of ``orbit_step``.
    beta1, alpha0, beta3 : float
        Of the leaps: decay, learning rate and strength of the gate.
    steps : int
        Leaps drawn, of momentum from ``momentum_start`` and of VRMomentum from ``gated_start``, both at rest.
    """

    quartic: float = 3.0
    orbits: tuple[tuple[float, float], ...] = ((2.0, 0.0), (0.0, 1.5))
    orbit_steps: int = 200
    orbit_step: float = 0.1
    beta1: float = 0.75
    alpha0: float = 2.6
    beta3: float = 4.0
    steps: int = 14
    momentum_start: float = -2.5
    gated_start: float = 2.5
    grid: int = 25
    reach: tuple[float, float] = (3.0, 2.0)


DEFAULT = Setup()


def run(setup: Setup, chunks: Chunks) -> Result:
    """The dataset ``phase_portrait``; no claim."""
    return Result({"phase_portrait": chunks.chunk("phase_portrait", lambda: phase_portrait(setup))})


def phase_portrait(setup: Setup) -> xr.Dataset:
    """``u``, ``w``: the field over (x, v); ``orbit`` over (orbit, time, part); ``leap`` over (optimizer, step, part).

    A part is "x" or "v". The velocity of a leap is the one in which it moves, minus the average of the gradients.
    """
    x, v = (np.linspace(-end, end, setup.grid) for end in setup.reach)
    field_x, field_v = np.meshgrid(x, v, indexing="ij")
    flow = flown(setup, np.stack([field_x, field_v], axis=-1))
    orbits = np.stack([orbit(setup, np.array(start)) for start in setup.orbits])
    gated: dict[str, Any] = {"alpha0": setup.alpha0, "beta1": setup.beta1, "beta3": setup.beta3}
    methods = {
        "momentum": (vradam.VRMomentum(**gated | {"beta3": 0.0}), setup.momentum_start),
        "as drawn": (
            vradam.VRMomentum(**gated, gate=vradam.gates.predictable, alpha1=np.inf),
            setup.gated_start,
        ),
        "Algorithm 1": (vradam.VRMomentum(**gated), setup.gated_start),
    }
    leaps = np.stack([leap(method, start, setup.steps) for method, start in methods.values()])
    return xr.Dataset(
        {
            "u": (("x", "v"), flow[..., 0]),
            "w": (("x", "v"), flow[..., 1]),
            "orbit": (("orbit", "time", "part"), orbits),
            "leap": (("optimizer", "step", "part"), leaps),
        },
        coords={"x": x, "v": v, "optimizer": list(methods), "part": ["x", "v"]},
        attrs={"beta1": setup.beta1, "alpha0": setup.alpha0, "beta3": setup.beta3, "quartic": setup.quartic},
    )


def flown(setup: Setup, state: Array) -> Array:
    """(dx/dt, dv/dt) = (v, -x/(1 + quartic v^2)) at states (..., 2)."""
    x, v = state[..., 0], state[..., 1]
    return np.stack([v, -x / (1 + setup.quartic * v**2)], axis=-1)


def orbit(setup: Setup, state: Array) -> Array:
    """The states (time, 2) of an orbit by the classical Runge-Kutta method, as in the source."""
    path, h = [state], setup.orbit_step
    for _ in range(setup.orbit_steps):
        a = flown(setup, state)
        b = flown(setup, state + h / 2 * a)
        c = flown(setup, state + h / 2 * b)
        d = flown(setup, state + h * c)
        state = state + h / 6 * (a + 2 * b + 2 * c + d)
        path.append(state)
    return np.array(path)


def leap(optimizer: vradam.VRMomentum, start: float, steps: int) -> Array:
    """Points and velocities (steps + 1, 2) of a run from rest on F = x^2/2."""
    x = np.array([start])
    state, path = optimizer.init(x), [(start, 0.0)]
    for _ in range(steps):
        x, state = optimizer.step(x, BOWL.grad(x), state)
        path.append((float(x[0]), -float(state.velocity[0])))
    return np.array(path)


STUDY = Study(DEFAULT, DEFAULT, run, explores=True)
