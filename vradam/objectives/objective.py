"""What an objective is: functions of ``x`` with shape (..., d), and the constants known for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vradam.validation import real_array

Array = NDArray[np.floating]


class Kernel(NamedTuple):
    """The gradient as the compiled engine can inline it; ``grad`` of the objective stays the reference.

    ``form`` is a module-level Python function that Numba can compile. If ``separable``, it is
    ``form(x_i, p0, p1, p2, p3) -> dF/dx_i`` for one coordinate, whose numbers are row i of ``parameters`` (d, 4);
    otherwise ``form(x, g, parameters)`` fills ``g`` (d, W) from a tile ``x`` (d, W) of W runs. Where x is not finite
    the gradient must not be finite either: so the engine recognises divergence.

    ``mean_of_terms(x, g, chosen, parameters)``, for finite sums, fills ``g`` (d, W) with the mean gradients of the
    terms named in ``chosen`` (k, W).
    """

    form: Callable
    parameters: NDArray[np.float64]
    separable: bool
    mean_of_terms: Callable | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Objective:
    """An objective F: R^d -> R with its derivatives, vectorised over leading axes, and its known constants.

    Parameters
    ----------
    name : str
        Shown in tables and figures.
    dim : int
        The number of coordinates d.
    value : callable
        x (..., d) -> F(x) (...).
    grad : callable
        x (..., d) -> gradient (..., d); no BLAS product inside, so that a row never depends on the batch.
    hvp : callable
        (x (..., d), u (..., d)) -> Hessian at x times u (..., d); the leading axes of x and u broadcast.
    hessian : callable, optional
        x (..., d) -> (..., d, d), or None where only products are affordable.
    smoothness : float, optional
        L, a global Lipschitz constant of the gradient; None if unknown or infinite.
    grad_bound : float, optional
        Sup over x of max_i |dF/dx_i|; None if unknown or infinite.
    minimum : float, optional
        F*, the infimum of F; None if unknown.
    minimiser : array, optional
        A point where F* is attained, (d,); None if unknown or none exists.
    start : array, optional
        A customary starting point, (d,).
    terms : int, optional
        Number of terms of a finite sum F = (1/terms) sum_i f_i; None otherwise.
    terms_bound : float, optional
        Sup over x and i of the max-norm of grad f_i; None if unknown, infinite or no finite sum.
    grad_terms : callable, optional
        (x (..., d), indices (..., k)) -> mean of the gradients of the terms named, (..., d).
    kernel : Kernel, optional
        The gradient for the compiled engine; None where there is none.
    """

    name: str
    dim: int
    value: Callable[[Array], Array]
    grad: Callable[[Array], Array]
    hvp: Callable[[Array, Array], Array]
    hessian: Callable[[Array], Array] | None = None
    smoothness: float | None = None
    grad_bound: float | None = None
    minimum: float | None = None
    minimiser: Array | None = None
    start: Array | None = None
    terms: int | None = None
    terms_bound: float | None = None
    grad_terms: Callable[[Array, NDArray[np.integer]], Array] | None = None
    kernel: Kernel | None = None


def value_at(objective: Objective, x: Array) -> Array:
    """F at ``x`` (..., d), shape (...).

    Raises
    ------
    ValueError
        If ``objective.value`` returns another shape: one number for a batch would count for all of its runs.
    """
    return _of_shape(f"the value of {objective.name}", objective.value(x), x.shape[:-1])


def gradient_at(objective: Objective, x: Array) -> Array:
    """The gradient at ``x`` (..., d), of the same shape.

    Raises
    ------
    ValueError
        If ``objective.grad`` returns another shape.
    """
    return _of_shape(f"the gradient of {objective.name}", objective.grad(x), x.shape)


def _of_shape(name: str, found: Any, shape: tuple[int, ...]) -> Array:
    array = real_array(name, found)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return array
