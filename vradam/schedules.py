"""Learning-rate schedules: ``alpha0`` as a callable of the step t = 1, 2, ...

A schedule is a frozen dataclass that can be pickled; its rates are numbers or arrays over the runs, so that a sweep
over rates can share one schedule. Any other callable of the step serves as well. The contract is the same for all: it
is called with one step, an integer t >= 1, and returns a number in [0, inf) or an array of them over the runs. Every
optimizer and engine checks what is returned, at every step; the schedules here refuse any other t.

>>> from vradam.optimizer import VRAdam
>>> optimizer = VRAdam(alpha0=LinearWarmup(Cosine(alpha0=1e-2, steps=900), steps=100))
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vradam.validation import hyper_parameter, restore, whole_number

Value = float | NDArray[np.floating]


@dataclass(frozen=True, kw_only=True, eq=False)
class Constant:
    """alpha_t = alpha0.

    >>> Constant(alpha0=0.5)(7)
    0.5
    """

    alpha0: Value

    def __post_init__(self) -> None:
        _check_rates(self, "alpha0")

    __setstate__ = restore

    def __call__(self, t: int) -> Value:
        _step(t)
        return self.alpha0


@dataclass(frozen=True, kw_only=True, eq=False)
class InverseSqrt:
    """alpha_t = alpha0/sqrt(t), the counterpart of the constant rate alpha0/sqrt(N) when no horizon N is known.

    >>> InverseSqrt(alpha0=0.5)(100)
    0.05
    """

    alpha0: Value

    def __post_init__(self) -> None:
        _check_rates(self, "alpha0")

    __setstate__ = restore

    def __call__(self, t: int) -> Value:
        t = _step(t)
        return self.alpha0 / math.sqrt(t)


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear:
    """From alpha0 at t = 1 by equal steps towards ``final``, reached at t = steps + 1 and kept.

    alpha_t = alpha0 + (final - alpha0) min((t - 1)/steps, 1)

    >>> [Linear(alpha0=1.0, steps=4, final=0.5)(t) for t in (1, 2, 5, 9)]
    [1.0, 0.875, 0.5, 0.5]
    """

    alpha0: Value
    steps: int
    final: Value = 0.0

    def __post_init__(self) -> None:
        _check_rates(self, "alpha0", "final")
        object.__setattr__(self, "steps", whole_number("steps", self.steps, least=1))

    __setstate__ = restore

    def __call__(self, t: int) -> Value:
        t = _step(t)
        progress = min((t - 1) / self.steps, 1.0)
        return (1 - progress) * self.alpha0 + progress * self.final


@dataclass(frozen=True, kw_only=True, eq=False)
class Cosine:
    """Half a cosine from alpha0 at t = 1 towards ``final``, reached at t = steps + 1 and kept.

    alpha_t = final + (alpha0 - final) (1 + cos(pi min((t - 1)/steps, 1)))/2

    Source: Loshchilov and Hutter, arXiv:1608.03983, without restarts.

    >>> [round(Cosine(alpha0=1.0, steps=4)(t), 6) for t in (1, 2, 3, 4, 5)]
    [1.0, 0.853553, 0.5, 0.146447, 0.0]
    """

    alpha0: Value
    steps: int
    final: Value = 0.0

    def __post_init__(self) -> None:
        _check_rates(self, "alpha0", "final")
        object.__setattr__(self, "steps", whole_number("steps", self.steps, least=1))

    __setstate__ = restore

    def __call__(self, t: int) -> Value:
        t = _step(t)
        weight = math.cos(math.pi / 2 * (t - 1) / self.steps) ** 2 if t <= self.steps else 0.0
        return weight * self.alpha0 + (1 - weight) * self.final


@dataclass(frozen=True, kw_only=True, eq=False)
class StepDecay:
    """alpha_t = alpha0 factor^floor((t - 1)/every): constant over ``every`` steps, then multiplied by ``factor``.

    >>> [StepDecay(alpha0=1.0, every=10, factor=0.5)(t) for t in (1, 10, 11, 21)]
    [1.0, 1.0, 0.5, 0.25]
    """

    alpha0: Value
    every: int
    factor: Value = 0.1

    def __post_init__(self) -> None:
        _check_rates(self, "alpha0")
        object.__setattr__(self, "every", whole_number("every", self.every, least=1))
        object.__setattr__(self, "factor", hyper_parameter("factor", self.factor, "(0, 1]"))

    __setstate__ = restore

    def __call__(self, t: int) -> Value:
        t = _step(t)
        return self.alpha0 * _power(self.factor, (t - 1) // self.every)


@dataclass(frozen=True, kw_only=True, eq=False)
class Exponential:
    """alpha_t = alpha0 factor^(t - 1).

    >>> Exponential(alpha0=1.0, factor=0.5)(4)
    0.125
    """

    alpha0: Value
    factor: Value

    def __post_init__(self) -> None:
        _check_rates(self, "alpha0")
        object.__setattr__(self, "factor", hyper_parameter("factor", self.factor, "(0, 1]"))

    __setstate__ = restore

    def __call__(self, t: int) -> Value:
        t = _step(t)
        return self.alpha0 * _power(self.factor, t - 1)


@dataclass(frozen=True, eq=False)
class LinearWarmup:
    """Equal steps up to the first rate of another schedule, reached at t = ``steps``; then that schedule.

    alpha_t = (t/steps) schedule(1) for t <= steps, and schedule(t - steps) after it.

    >>> warm = LinearWarmup(Constant(alpha0=1.0), steps=4)
    >>> [warm(t) for t in (1, 2, 4, 5)]
    [0.25, 0.5, 1.0, 1.0]
    """

    schedule: Callable[[int], Value]
    steps: int

    def __post_init__(self) -> None:
        if not callable(self.schedule):
            raise TypeError(f"schedule must be a callable of the step, got {self.schedule!r}")
        object.__setattr__(self, "steps", whole_number("steps", self.steps, least=1))

    __setstate__ = restore

    def __call__(self, t: int) -> Value:
        t = _step(t)
        if t > self.steps:
            return self.schedule(t - self.steps)
        return t / self.steps * hyper_parameter("schedule at step 1", self.schedule(1), "[0, inf)")


def _step(t: int) -> int:
    """The step as an int; ValueError or TypeError for anything but one integer >= 1."""
    return t if type(t) is int and 0 < t < 2**63 else whole_number("t", t, least=1)


def _power(factor: Value, exponent: int) -> Value:
    """factor^exponent, rounded alike for a number and for an array over the runs (Python's ** is not)."""
    power = np.power(factor, exponent)
    return power if power.ndim else float(power)


def _check_rates(schedule: Constant | InverseSqrt | Linear | Cosine | StepDecay | Exponential, *names: str) -> None:
    for name in names:
        object.__setattr__(schedule, name, hyper_parameter(name, getattr(schedule, name), "[0, inf)"))
