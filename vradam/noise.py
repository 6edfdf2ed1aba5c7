"""Stochastic gradients: noise added to the exact gradient, or a minibatch of a finite sum.

Randomness is a function of (seed, run, step, coordinate) alone; see ``vradam.random_streams``. Each model has
``bound``, the largest absolute value in one coordinate (None if there is none), and ``stochastic_gradient``, which
draws one step. Parameters are numbers or arrays over the runs, shape (...).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.objectives.objective import Objective
from vradam.random_streams import Streams, index_below, symmetric_unit
from vradam.validation import check_fields, equal_fields, hash_fields, restore, whole_number

Array = NDArray[np.floating]
Parameter: TypeAlias = "float | Array"


@dataclass(frozen=True, eq=False)
class Gaussian:
    """g = grad F + std z, z standard normal and independent over coordinates; see :func:`gaussian`."""

    std: Parameter
    bound: Parameter | None = None

    __eq__, __hash__, __setstate__ = equal_fields, hash_fields, restore

    def __post_init__(self) -> None:
        check_fields(self, {"std": "[0, inf)"} | ({} if self.bound is None else {"bound": "(0, inf)"}))
        if self.bound is not None:
            _must_broadcast({"bound": self.bound, "std": self.std})
            if not np.all(np.asarray(self.bound) >= np.asarray(self.std) / 4):
                raise ValueError(f"bound must be at least std/4, got bound {self.bound!r} and std {self.std!r}")

    def stochastic_gradient(self, objective: Objective, x: Array, exact: Array, streams: Streams) -> Array:
        std = _over_runs(self.std)
        noise = std * streams.normals(x.shape[-1])
        if self.bound is not None:
            bound, attempt = _over_runs(self.bound), 0
            while (outside := np.abs(noise) > bound).any():
                attempt += 1
                noise = np.where(outside, std * streams.normals(x.shape[-1], attempt), noise)
        streams.step += 1
        return exact + noise.astype(exact.dtype)


@dataclass(frozen=True, eq=False)
class TwoPoint:
    """g = grad F + xi, xi = amplitude (1-p)/p with probability p, else -amplitude; see :func:`two_point`."""

    p: Parameter
    amplitude: Parameter

    __eq__, __hash__, __setstate__ = equal_fields, hash_fields, restore

    def __post_init__(self) -> None:
        check_fields(self, {"p": "(0, 1)", "amplitude": "[0, inf)"})
        _must_broadcast({"p": self.p, "amplitude": self.amplitude})
        if np.any(np.asarray(self.p) < 2.0**-64):
            raise ValueError(f"p must be at least 2^-64, the finest probability that is drawn, got {np.min(self.p)}")
        with np.errstate(over="ignore"):
            if not np.isfinite(self.up).all():
                got = f"amplitude {self.amplitude!r} and p {self.p!r}"
                raise ValueError(f"amplitude (1-p)/p must be finite, got {got}")

    @property
    def up(self) -> Parameter:
        """The value taken with probability p."""
        return self.amplitude * (1 - self.p) / self.p

    @property
    def threshold(self) -> NDArray[np.uint64]:
        """A uniform word lies below this with probability p, to within 2**-64."""
        return np.ldexp(self.p, 64).astype(np.uint64)

    @property
    def bound(self) -> Parameter:
        return np.maximum(self.amplitude, self.up)

    def stochastic_gradient(self, objective: Objective, x: Array, exact: Array, streams: Streams) -> Array:
        below = streams.words(x.shape[-1]) < _over_runs(self.threshold)
        noise = np.where(below, _over_runs(self.up), -_over_runs(self.amplitude))
        streams.step += 1
        return exact + noise.astype(exact.dtype)


@dataclass(frozen=True, eq=False)
class Uniform:
    """g = grad F + xi, xi uniform on [-halfwidth, halfwidth]; see :func:`uniform`."""

    halfwidth: Parameter

    __eq__, __hash__, __setstate__ = equal_fields, hash_fields, restore

    def __post_init__(self) -> None:
        check_fields(self, {"halfwidth": "[0, inf)"})

    @property
    def bound(self) -> Parameter:
        return self.halfwidth

    def stochastic_gradient(self, objective: Objective, x: Array, exact: Array, streams: Streams) -> Array:
        noise = _over_runs(self.halfwidth) * symmetric_unit(streams.words(x.shape[-1]))
        streams.step += 1
        return exact + noise.astype(exact.dtype)


@dataclass(frozen=True)
class Minibatch:
    """g = mean of the gradients of ``size`` terms of a finite sum, drawn with replacement; see :func:`minibatch`."""

    size: int
    bound: ClassVar[None] = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", whole_number("size", self.size, least=1))

    def stochastic_gradient(self, objective: Objective, x: Array, exact: Array | None, streams: Streams) -> Array:
        if objective.terms is None or objective.grad_terms is None:
            raise ValueError(f"minibatch noise needs a finite sum; {objective.name} has no terms")
        indices = index_below(streams.words(self.size), float(objective.terms)).astype(np.int64)
        streams.step += 1
        return objective.grad_terms(x, indices)


Noise: TypeAlias = Gaussian | TwoPoint | Uniform | Minibatch


def gaussian(std: ArrayLike, bound: ArrayLike | None = None) -> Gaussian:
    """Gaussian noise of standard deviation ``std`` >= 0, truncated to [-bound, bound] if ``bound`` is given.

    A coordinate whose noise falls outside is drawn again until it falls inside, so that its law is the normal one
    conditioned on |noise| <= bound: symmetric, unimodal, and of smaller variance than std**2. At least a fifth of the
    draws must fall inside: bound >= std/4.

    >>> gaussian(0.5, bound=1.5)
    Gaussian(std=0.5, bound=1.5)

    Raises
    ------
    ValueError
        std < 0, bound <= 0, bound < std/4, or a value that is not finite.
    TypeError
        A value that is not a real number or an array of them.
    """
    return Gaussian(std, bound)  # type: ignore[arg-type]


def two_point(p: ArrayLike, amplitude: ArrayLike) -> TwoPoint:
    """Skewed noise of mean zero: +amplitude (1-p)/p with probability p, else -amplitude, p in (0, 1), amplitude >= 0.

    Its variance is amplitude**2 (1-p)/p; p = 1/2 is a fair sign. p is realised to within 2**-64, and is at least that.

    >>> float(two_point(0.1, 2.0).bound)
    18.0

    Raises
    ------
    ValueError
        p outside (0, 1) or below 2**-64, amplitude < 0, a value that is not finite, or an amplitude (1-p)/p that is
        not; parameters that do not broadcast against each other.
    TypeError
        A value that is not a real number or an array of them.
    """
    return TwoPoint(p, amplitude)  # type: ignore[arg-type]


def uniform(halfwidth: ArrayLike) -> Uniform:
    """Noise uniform on [-halfwidth, halfwidth], halfwidth >= 0; variance halfwidth**2/3.

    Raises
    ------
    ValueError
        halfwidth < 0 or not finite.
    TypeError
        A value that is not a real number or an array of them.
    """
    return Uniform(halfwidth)  # type: ignore[arg-type]


def minibatch(size: int) -> Minibatch:
    """The mean gradient of ``size`` >= 1 terms of a finite sum, drawn uniformly and with replacement.

    Raises
    ------
    ValueError
        size < 1.
    TypeError
        size is not an integer.
    """
    return Minibatch(size)


def _must_broadcast(parameters: dict[str, Parameter]) -> None:
    shapes = {name: np.shape(parameter) for name, parameter in parameters.items()}
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        raise ValueError(f"{' and '.join(shapes)} must broadcast against each other, got the shapes {shapes}") from None


def _over_runs(parameter: Any) -> NDArray:
    """A parameter of shape (...) as a column that broadcasts against (..., d)."""
    return np.asarray(parameter)[..., None]
