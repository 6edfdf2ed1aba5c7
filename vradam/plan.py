"""What an engine is asked to run: the protocols of optimizers and noises, and a simulation with checked arguments."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.objectives.objective import Objective
from vradam.validation import real_array, whole_number

Array = NDArray[np.floating]


class Optimizer(Protocol):
    """The protocol of every optimizer here: pure functions of points (..., d) and states."""

    def init(self, x: ArrayLike) -> Any: ...
    def step(self, x: ArrayLike, grad: ArrayLike, state: Any) -> tuple[Array, Any]: ...
    def learning_rate(self, state: Any) -> Array: ...


class Noise(Protocol):
    """A stochastic gradient; see :mod:`vradam.noise`."""

    @property
    def bound(self) -> Any: ...
    def stochastic_gradient(self, objective: Objective, x: Array, exact: Any, streams: Any) -> Array: ...


class Plan(NamedTuple):
    """A simulation with every argument checked and broadcast; what an engine receives."""

    optimizer: Any
    objective: Objective
    noise: Any
    x0: Array  #: (..., d), the runs spelt out
    steps: int
    record: NDArray[np.int64]  #: the steps recorded, increasing, the first 0 and the last ``steps``
    seed: NDArray[np.uint64]  #: (...)
    stream: NDArray[np.uint64]  #: (...), run i uses the random stream (seed, stream)
    progress: bool | None
    state: Any = None  #: the optimizer's state at x0; None is its start


def checked_plan(
    optimizer: Any,
    objective: Objective,
    x0: ArrayLike,
    steps: int,
    noise: Any,
    seed: int | NDArray[np.integer],
    every: int,
    progress: bool | None,
    state: Any = None,
) -> Plan:
    """Check and broadcast the arguments of :func:`vradam.simulate`."""
    x0 = real_array("x0", x0)
    if x0.ndim == 0 or x0.shape[-1] != objective.dim:
        raise ValueError(f"x0 must have shape (..., {objective.dim}) for {objective.name}, got {x0.shape}")
    if not np.isfinite(x0).all():
        raise ValueError(f"x0 must be finite, got {x0[~np.isfinite(x0)].flat[0]}")
    steps, every = whole_number("steps", steps, least=1), whole_number("every", every, least=0)
    seed, alone = _seeds(seed)
    shapes = {"x0": x0.shape[:-1], "seed": seed.shape}
    for source in (optimizer, noise):
        shapes |= {name: value.shape for name, value in over_runs_of(source).items()}
    try:
        runs = np.broadcast_shapes(*shapes.values())
    except ValueError:
        raise ValueError(f"the runs must broadcast against each other, got the shapes {shapes}") from None
    if 0 in runs:
        raise ValueError(f"the runs must be one at least, got the shape {runs}")
    x0 = np.ascontiguousarray(np.broadcast_to(x0, (*runs, objective.dim)))
    if state is not None and state.velocity.shape != x0.shape:
        raise ValueError(f"state must belong to points of shape {x0.shape}, got {state.velocity.shape}")
    stream = np.zeros(runs) if alone else np.arange(np.prod(runs, dtype=int)).reshape(runs)
    record = np.unique(np.append(np.arange(0, steps, every or steps), steps))
    return Plan(
        optimizer=optimizer,
        objective=objective,
        noise=noise,
        x0=x0,
        steps=steps,
        record=record,
        seed=np.broadcast_to(seed, runs).astype(np.uint64),
        stream=stream.astype(np.uint64),
        progress=progress,
        state=state,
    )


def over_runs_of(source: Any) -> dict[str, NDArray[Any]]:
    """The fields of a dataclass that are arrays over the runs, by name; those of its law are ``law.name``."""
    found: dict[str, NDArray[Any]] = {}
    for field in fields(source) if is_dataclass(source) else ():
        value = getattr(source, field.name)
        if isinstance(value, np.ndarray):
            found[field.name] = value
        elif field.name == "law":
            found |= {f"law.{name}": array for name, array in over_runs_of(value).items()}
    return found


def only_runs(source: Any, keep: NDArray[np.bool_] | slice) -> Any:
    """A dataclass with every array over the runs restricted to the runs ``keep``, those of its law too."""
    changed = {}
    for field in fields(source):
        value = getattr(source, field.name)
        if isinstance(value, np.ndarray):
            changed[field.name] = value[keep]
        elif field.name == "law" and over_runs_of(value):
            changed[field.name] = only_runs(value, keep)
    return replace(source, **changed)


def _seeds(seed: int | NDArray[np.integer]) -> tuple[NDArray[np.integer], bool]:
    """The seeds as an array, and whether there was one for each run (then every run uses stream 0 of its seed)."""
    array = np.asarray(seed)
    if array.dtype.kind not in "iu":
        raise TypeError(f"seed must be an integer or an integer array over the runs, got {seed!r}")
    if (array < 0).any():
        raise ValueError(f"seed must lie in [0, 2^64), got {array.min()}")
    return array, array.ndim > 0
