"""What an engine is asked to run: the protocols of optimizers and noises, and a simulation with checked arguments.

An optimizer of one's own is any object with the three methods of :class:`Optimizer`; its state is up to it, except for
the attributes listed under :class:`OptimizerState`. Where it is a dataclass, fields that are arrays count among the
runs, and so does an array that its schedule ``alpha0`` returns. A fourth method ``preconditioner(state)``, the
diagonal of P_t as an array (..., d), lets it take part in :mod:`vradam.sharpness`; a field ``beta1``, the decay of the
velocity, enters there and in the weights of ``mean_grad_norm_squared``, and counts as 0 where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.gated import rate_at
from vradam.objectives.objective import Objective, value_at
from vradam.validation import real_array, unsigned_words, whole_number

Array = NDArray[np.floating]
MOST_RECORDS = 2**40


class OptimizerState(Protocol):
    """What the state of an optimizer must have if a noisy run is to be continued from it (``state=``).

    ``step`` is the number of steps taken: the random words of step t are keyed by it. The states of this package have
    ``velocity`` (..., d) as well; where there is one its shape is checked, and sharpness records its norm.
    """

    @property
    def step(self) -> int: ...


class Optimizer(Protocol):
    """The protocol of every optimizer here: pure functions of points (..., d) and states.

    ``step`` returns the next point, of the shape of ``x``, and the next state; ``learning_rate`` a number for each run,
    (...), or one for all.
    """

    def init(self, x: ArrayLike) -> Any: ...
    def step(self, x: ArrayLike, grad: ArrayLike, state: Any) -> tuple[Array, Any]: ...
    def learning_rate(self, state: Any) -> Array: ...


@runtime_checkable
class Noise(Protocol):
    """A stochastic gradient; see :mod:`vradam.noise`. ``stochastic_gradient`` adds 1 to ``streams.step``."""

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
    first: int = 0  #: the number of steps taken before x0


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
    check_optimizer(optimizer)
    check_objective(objective)
    if noise is not None and not isinstance(noise, Noise):
        number = isinstance(noise, int | float | np.number) and not isinstance(noise, bool)
        instead = f": write noise=vradam.noise.gaussian({noise!r}) for normal noise of this size" if number else ""
        raise TypeError(f"noise must have bound and stochastic_gradient, as in vradam.noise, got {noise!r}{instead}")
    x0 = real_array("x0", x0)
    if x0.ndim == 0 or x0.shape[-1] != objective.dim:
        raise ValueError(f"x0 must have shape (..., {objective.dim}) for {objective.name}, got {x0.shape}")
    if not np.isfinite(x0).all():
        raise ValueError(f"x0 must be finite, got {x0[~np.isfinite(x0)].flat[0]}")
    steps, every = whole_number("steps", steps, least=1), whole_number("every", every, least=0)
    if every > 0 and steps // every > MOST_RECORDS:
        raise ValueError(
            f"every must be larger: {steps} steps would make {steps // every} records, got every = {every}"
        )
    first = steps_before(state, noise)
    if state is not None:
        fields_of_state = getattr(optimizer.init(x0), "_fields", ())
        if missing := [name for name in fields_of_state if not hasattr(state, name)]:
            kind = type(optimizer).__name__
            raise TypeError(
                f"state must have {', '.join(missing)} too, as {kind}.init gives, got {type(state).__name__}"
            )
    seed = unsigned_words("seed", seed)
    shapes = {"x0": x0.shape[:-1], "seed": seed.shape}
    for source in (optimizer, noise):
        shapes |= {name: value.shape for name, value in over_runs_of(source).items()}
    if callable(alpha0 := getattr(optimizer, "alpha0", None)):
        shapes["alpha0"] = np.shape(rate_at(alpha0, first + 1))
    try:
        runs = np.broadcast_shapes(*shapes.values())
    except ValueError:
        raise ValueError(f"the runs must broadcast against each other, got the shapes {shapes}") from None
    if 0 in runs:
        raise ValueError(f"the runs must be one at least, got the shape {runs} from the shapes {shapes}")
    x0 = np.ascontiguousarray(np.broadcast_to(x0, (*runs, objective.dim)))
    with np.errstate(all="ignore"):  # a wrong shape is said before the run, not when its values are asked for
        value_at(objective, x0 if objective.kernel is None else x0.reshape(-1, objective.dim)[:2])
    velocity = getattr(state, "velocity", None)
    if velocity is not None and np.shape(velocity) != x0.shape:
        raise ValueError(f"state must belong to points of shape {x0.shape}, got {np.shape(velocity)}")
    stream = np.zeros(runs) if seed.ndim else np.arange(np.prod(runs, dtype=int)).reshape(runs)
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
        first=first,
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


def check_optimizer(optimizer: Any) -> None:
    """Raises
    ------
    TypeError : if ``optimizer`` lacks a method of :class:`Optimizer`, or is a class instead of an instance.
    """
    missing = [name for name in ("init", "step", "learning_rate") if not callable(getattr(optimizer, name, None))]
    if missing or isinstance(optimizer, type):
        got = f"the class {optimizer.__name__}" if isinstance(optimizer, type) else type(optimizer).__name__
        raise TypeError(
            "optimizer must have the methods init(x), step(x, grad, state) and learning_rate(state), got "
            f"{got}" + (f" without {', '.join(missing)}" if missing else "") + _as_optimizer(optimizer)
        )


def check_engine(engine: Any) -> None:
    """Raises
    ------
    ValueError : for an engine that is none of the three.
    """
    if not isinstance(engine, str) or engine not in ("auto", "numpy", "compiled"):
        raise ValueError(f"engine must be 'auto', 'numpy' or 'compiled', got {engine!r}")


def check_objective(objective: Any) -> None:
    """Raises
    ------
    TypeError : if ``objective`` is no Objective.
    """
    if not isinstance(objective, Objective):
        raise TypeError(f"objective must be a vradam.Objective, got {_as_objective(objective)}")


def _as_optimizer(given: Any) -> str:
    """What to write instead of something that is no optimizer."""
    if isinstance(given, Mapping):
        return ": write vradam.VRAdam(**{...}) with its entries"
    if isinstance(given, str):
        return ": write an optimizer such as vradam.VRAdam(alpha0=1e-3)"
    if isinstance(given, type) and is_dataclass(given):
        return f": write {given.__name__}(alpha0=...)"
    return ""


def _as_objective(given: Any) -> str:
    """What something is that is no objective, and what to write instead."""
    kind, module = type(given).__name__, type(given).__module__
    if isinstance(getattr(given, "objective", None), Objective):
        return f"a {kind}: write its .objective"
    if module.startswith("sympy."):
        return f"a SymPy {kind}: write vradam.objectives.from_sympy(expression, symbols)"
    name = getattr(given, "__name__", kind)
    if callable(given) and str(getattr(given, "__module__", "")).startswith("vradam.objectives"):
        return f"the factory {name}: write vradam.objectives.{name}(...)"
    if callable(given):
        name = "value" if name == "<lambda>" else name
        return f"the function {name}: write vradam.Objective.from_functions({name}, its_gradient, dim=...)"
    if isinstance(given, Mapping):
        return f"a {kind}: write vradam.Objective.from_functions(value, grad, dim=...)"
    return kind


def steps_before(state: Any, noise: Any) -> int:
    """The number of steps taken before ``state``; 0 for a start, and where a state without ``step`` does no harm.

    Raises
    ------
    TypeError
        If a noisy run is to be continued from a state that does not say how many steps it has taken.
    """
    if state is None:
        return 0
    if not hasattr(state, "step"):
        if noise is None:
            return 0
        raise TypeError(
            "state must have the attribute step, the number of steps taken, which keys the noise (see "
            f"vradam.plan.OptimizerState), got {type(state).__name__}"
        )
    return whole_number("state.step", state.step, least=0)
