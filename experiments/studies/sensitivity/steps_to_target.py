"""How many steps an optimizer takes to a target, and over how many decades of the learning rate it does so well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from vradam import sweeps
from vradam.engine import lanes
from vradam.problems import Problem
from vradam.trajectory import Trajectory

RESAMPLES = 1000


@dataclass(frozen=True)
class Task:
    """Bring F - F* to ``target`` (F(x_0) - F*) within ``steps`` steps, and keep it there for ``hold`` more.

    Holding matters: a large step may pass through the target by luck. ``noise`` is the standard deviation of the
    Gaussian noise in units of the root mean square of the gradient's coordinates at x_0; a problem with a noise of its
    own keeps it. Every seed has a start of its own, x_0 plus a normal displacement of ``spread`` times its largest
    coordinate (at least ``spread``).
    """

    problem: Problem
    noise: float = 0.05
    target: float = 0.01
    steps: int = 500
    hold: int = 50
    every: int = 1
    spread: float = 0.05


@dataclass(frozen=True)
class Family:
    """An optimizer and the values that it is tuned over, besides alpha0: ``over`` is (name, values) for each axis.

    ``default`` is one value for each axis. ``gate`` is "published", "per_coordinate" or "power(k)".
    """

    name: str
    optimizer: str
    over: tuple[tuple[str, tuple[float, ...]], ...]
    default: tuple[float, ...]
    gate: str = "published"

    @property
    def settings(self) -> tuple[tuple[float, ...], ...]:
        """Every combination of the values, in C order."""
        grids = np.meshgrid(*(values for _, values in self.over), indexing="ij")
        return tuple(tuple(float(value) for value in row) for row in np.stack([g.ravel() for g in grids], axis=-1))

    @property
    def labels(self) -> tuple[str, ...]:
        """``beta3=1, alpha1=10`` for each setting."""
        names = [name for name, _ in self.over]
        return tuple(
            ", ".join(f"{name}={value:g}" for name, value in zip(names, row, strict=True)) for row in self.settings
        )

    @property
    def default_setting(self) -> int:
        """The place of the default among the settings.

        Raises
        ------
        ValueError
            If the default is none of them.
        """
        if self.default not in self.settings:
            raise ValueError(f"default must be one of the settings {self.labels}, got {self.default}")
        return self.settings.index(self.default)


@dataclass(frozen=True)
class StepsTo:
    """The first recorded step at which F <= ``level``, then and at every record of the next ``hold`` steps.

    One number for every run of a trajectory; inf where there is no such step. Records are equally spaced.
    """

    level: float
    hold: int = 0

    def __call__(self, trajectory: Trajectory) -> NDArray[np.float64]:
        below = trajectory.value <= self.level
        window = 1 + int(np.searchsorted(trajectory.step, self.hold))
        if window > trajectory.step.size:
            return np.full(below.shape[:-1], np.inf)
        count: NDArray[np.int64] = np.cumsum(below, axis=-1, dtype=np.int64)
        count[..., window:] -= count[..., :-window].copy()
        held = count[..., window - 1 :] == window
        return np.where(held.any(axis=-1), trajectory.step[held.argmax(axis=-1)], np.inf)


def posed(task: Task) -> tuple[Any, float]:
    """The noise of a task, and the level to be reached."""
    problem, objective = task.problem, task.problem.objective
    slope = float(np.sqrt(np.mean(objective.grad(problem.x0) ** 2)))
    assert objective.minimum is not None
    first = float(objective.value(problem.x0))
    level = objective.minimum + task.target * (first - objective.minimum)
    return problem.noise or vradam.noise.gaussian(task.noise * slope), level


def measure(task: Task, family: Family, alpha0: tuple[float, ...], seeds: int, seed: int) -> xr.Dataset:
    """``steps`` over (setting, alpha0, seed): steps to the target, inf where it is not reached."""
    objective, x0 = task.problem.objective, task.problem.x0
    noise, level = posed(task)
    rng = np.random.default_rng([seed, objective.dim])
    starts = x0 + task.spread * max(1.0, float(np.abs(x0).max())) * rng.normal(size=(seeds, objective.dim))
    swept = optimizer(family)
    table = sweeps.run(
        swept,
        objective,
        {**dict(family.over), "alpha0": alpha0},
        range(seed, seed + seeds),
        {"steps": StepsTo(level, task.hold)},
        x0=starts,
        steps=task.steps + task.hold,
        noise=noise,
        every=task.every,
        engine="compiled" if lanes.supports(swept, objective, noise) else "numpy",
    )
    steps = table.steps.values.reshape(-1, len(alpha0), seeds).astype(np.float32)
    return xr.Dataset({"steps": (("setting", "alpha0", "seed"), steps)}, coords={"alpha0": list(alpha0)})


def optimizer(family: Family) -> Any:
    """The optimizer of a family, with its gate."""
    kind = getattr(vradam, family.optimizer)
    if family.gate == "published":
        return kind()
    if family.gate.startswith("power("):
        return kind(gate=vradam.gates.power(float(family.gate[6:-1])))
    return kind(gate=getattr(vradam.gates, family.gate))


def resampled_medians(steps: NDArray, seed: int, resamples: int = RESAMPLES) -> NDArray:
    """Medians over resampled seeds, the last axis: (resamples, ...). The same seeds are drawn for every other axis."""
    n = steps.shape[-1]
    drawn = np.random.default_rng(seed).integers(0, n, size=(resamples, n))
    return np.stack([np.median(steps[..., row], axis=-1) for row in drawn])
