"""What the factories share: checking arguments, sums over coordinates, and Hessians from their products.

Every callable of an objective is a ``functools.partial`` of a module-level function, so that objectives can be pickled
and sent to other processes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.objectives.objective import Array, Kernel, Objective
from vradam.validation import one_number, real_array


def constant(name: str, value: float, domain: str = "(0, inf)") -> float:
    """``value`` as a float inside ``domain``; a constant of an objective is one number, not an array over runs."""
    return one_number(name, value, domain)


def matrix(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """A read-only copy of a non-empty finite matrix, in float64."""
    array = np.array(real_array(name, value), dtype=np.float64)
    if array.ndim != 2 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{name} must be a non-empty matrix of finite numbers, got shape {array.shape}")
    array.flags.writeable = False
    return array


def point(x: ArrayLike, dim: int) -> Array:
    """``x`` as a floating array of shape (..., dim); lists and integers become float64, float32 stays float32.

    The rows are contiguous, so that a sum over coordinates takes the same order in every batch.
    """
    array = real_array("x", x)
    if array.ndim == 0 or array.shape[-1] != dim:
        raise ValueError(f"x must have shape (..., {dim}), got {array.shape}")
    return np.ascontiguousarray(array)


class Scalar(NamedTuple):
    """A function of one coordinate with its first two derivatives, each called as ``f(x, *parameters)``."""

    f: Callable[..., Array]
    df: Callable[..., Array]
    ddf: Callable[..., Array]


def separable(
    name: str,
    dim: int,
    scalar: Scalar,
    parameters: tuple[Any, ...] = (),
    *,
    smoothness: float | None = None,
    grad_bound: float | None = None,
    minimum: float | None = None,
    minimiser: Array | None = None,
    start: Array | None = None,
    slope: Callable | None = None,
) -> Objective:
    """``F(x) = sum_i f(x_i)``: the gradient is f' of each coordinate and the Hessian diagonal.

    ``slope`` is f' for the compiled engine, with up to four ``parameters``: see
    :class:`~vradam.objectives.objective.Kernel`.
    """
    return Objective(
        name=name,
        dim=dim,
        value=partial(_sum, scalar.f, dim, parameters),
        grad=partial(_each, scalar.df, dim, parameters),
        hvp=partial(_diagonal_product, scalar.ddf, dim, parameters),
        hessian=partial(_diagonal, scalar.ddf, dim, parameters),
        smoothness=smoothness,
        grad_bound=grad_bound,
        minimum=minimum,
        minimiser=minimiser,
        start=start,
        kernel=None if slope is None else _kernel(slope, dim, parameters),
    )


def _kernel(slope: Callable, dim: int, parameters: tuple[Any, ...]) -> Kernel:
    numbers = np.zeros((dim, 4))
    for column, parameter in enumerate(parameters):
        numbers[:, column] = parameter
    return Kernel(slope, numbers, separable=True)


def _sum(f: Callable[..., Array], dim: int, parameters: tuple[Any, ...], x: ArrayLike) -> Array:
    return np.sum(f(point(x, dim), *parameters), axis=-1)


def _each(df: Callable[..., Array], dim: int, parameters: tuple[Any, ...], x: ArrayLike) -> Array:
    return df(point(x, dim), *parameters)


def _diagonal_product(
    ddf: Callable[..., Array], dim: int, parameters: tuple[Any, ...], x: ArrayLike, u: ArrayLike
) -> Array:
    return ddf(point(x, dim), *parameters) * point(u, dim)


def _diagonal(ddf: Callable[..., Array], dim: int, parameters: tuple[Any, ...], x: ArrayLike) -> Array:
    diagonal = ddf(point(x, dim), *parameters)
    return diagonal[..., None] * np.eye(dim, dtype=diagonal.dtype)


def hessian_by_columns(hvp: Callable[[Array, Array], Array], dim: int, x: ArrayLike) -> Array:
    """The Hessian (..., d, d) from its products with the d unit vectors."""
    x = point(x, dim)
    return hvp(x[..., None, :], np.eye(dim, dtype=x.dtype))
