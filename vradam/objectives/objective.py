"""What an objective is: functions of ``x`` with shape (..., d), and the constants known for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.display import described, listed
from vradam.validation import real_array, whole_number

Array = NDArray[np.floating]


class Kernel(NamedTuple):
    """The gradient as the compiled engine can inline it; ``grad`` of the objective stays the reference.

    ``form`` is a module-level Python function that Numba can compile. If ``separable``, it is
    ``form(x_i, p0, p1, p2, p3) -> dF/dx_i`` for one coordinate, whose numbers are row i of ``parameters`` (d, 4);
    if coordinates meet their ``neighbours`` only, ``form(x_{i-1}, x_i, x_{i+1}, p0, p1, p2, p3) -> dF/dx_i``, where the
    first and the last are neighbours of themselves; otherwise ``form(x, g, parameters)`` fills ``g`` (d, W) from a tile
    ``x`` (d, W) of W runs. Where x is not finite the gradient must not be finite either: so the engine recognises
    divergence.

    ``mean_of_terms(x, g, chosen, parameters)``, for finite sums, fills ``g`` (d, W) with the mean gradients of the
    terms named in ``chosen`` (k, W).
    """

    form: Callable
    parameters: NDArray[np.float64]
    separable: bool
    mean_of_terms: Callable | None = None
    neighbours: bool = False


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

    @classmethod
    def from_functions(
        cls,
        value: Callable[[Array], Any],
        grad: Callable[[Array], Any],
        dim: int,
        *,
        name: str = "",
        hvp: Callable[[Array, Array], Any] | None = None,
        vectorised: bool = False,
        smoothness: float | None = None,
        grad_bound: float | None = None,
        minimum: float | None = None,
        minimiser: ArrayLike | None = None,
        start: ArrayLike | None = None,
    ) -> Objective:
        """An objective of one's own from plain functions of one point.

        Parameters
        ----------
        value : callable
            x (d,) -> F(x), a number.
        grad : callable
            x (d,) -> gradient (d,).
        dim : int
            The number of coordinates d.
        name : str
            Shown in tables and figures; the name of ``value`` by default.
        hvp : callable, optional
            (x (d,), u (d,)) -> Hessian at x times u (d,). By default the central difference of ``grad`` along u, right
            to about ten digits where the gradient is of the size of its argument.
        vectorised : bool
            Whether the functions take points (..., d) at once, which is faster; else they are called point by point.
        smoothness, grad_bound, minimum, minimiser, start
            What is known, as in :class:`Objective`.

        Returns
        -------
        Objective
            Without a kernel: NumPy runs it. :func:`vradam.objectives.from_sympy` makes one that is compiled.

        Raises
        ------
        TypeError
            If ``value``, ``grad`` or ``hvp`` is not callable.
        ValueError
            If ``dim`` is no integer >= 1, or ``minimiser`` or ``start`` has not the shape (d,); and when it is used, if
            a function returns another shape.

        Examples
        --------
        >>> bowl = Objective.from_functions(lambda x: (x**2).sum(), lambda x: 2 * x, dim=2, name="bowl")
        >>> bowl
        Objective(bowl, d = 2)
        >>> bowl.grad([[3.0, 4.0], [0.0, 1.0]])
        array([[6., 8.],
               [0., 2.]])
        >>> bowl.hvp([3.0, 4.0], [1.0, 0.0]).round(8)
        array([2., 0.])
        """
        dim = whole_number("dim", dim, least=1)
        for word, function in {"value": value, "grad": grad, "hvp": hvp}.items():
            if not callable(function) and not (word == "hvp" and function is None):
                raise TypeError(f"{word} must be a function of a point, got {type(function).__name__}")
        known = {"minimiser": minimiser, "start": start}
        points = {word: None if given is None else _known_point(word, given, dim) for word, given in known.items()}
        slope = partial(_applied, "grad", grad, dim, (dim,), vectorised)
        bend = partial(_difference, slope) if hvp is None else partial(_applied, "hvp", hvp, dim, (dim,), vectorised)
        return cls(
            name=name or getattr(value, "__name__", "objective").replace("<lambda>", "objective"),
            dim=dim,
            value=partial(_applied, "value", value, dim, (), vectorised),
            grad=slope,
            hvp=bend,
            hessian=partial(_columns, bend, dim),
            smoothness=smoothness,
            grad_bound=grad_bound,
            minimum=minimum,
            minimiser=points["minimiser"],
            start=points["start"],
        )

    def __repr__(self) -> str:
        facts = [f"d = {self.dim}"]
        known = {"L": self.smoothness, "F*": self.minimum, "terms": self.terms}
        facts += [f"{word} = {value:.4g}" for word, value in known.items() if value is not None]
        return described("Objective", self.name, *facts, *(["compiled"] if self.kernel else []))

    def _repr_html_(self) -> str:
        facts = {
            "coordinates d": self.dim,
            "smoothness L": self.smoothness,
            "largest gradient": self.grad_bound,
            "minimum F*": self.minimum,
            "at": self.minimiser,
            "customary start": self.start,
            "terms": self.terms,
            "engine": "NumPy or compiled" if self.kernel else "NumPy",
        }
        return listed(f"Objective {self.name}", {word: value for word, value in facts.items() if value is not None})


def _known_point(word: str, given: ArrayLike, dim: int) -> Array:
    found = real_array(word, given)
    if found.shape != (dim,):
        raise ValueError(f"{word} must have shape {(dim,)}, got {found.shape}")
    return found


def _applied(
    word: str, function: Callable[..., Any], dim: int, shape: tuple[int, ...], vectorised: bool, *points: ArrayLike
) -> Array:
    """A function of one point (d,) at all points (..., d), which broadcast; each result must have ``shape``."""
    arrays = [real_array("x", given) for given in points]
    if any(array.ndim == 0 or array.shape[-1] != dim for array in arrays):
        raise ValueError(f"x must have shape (..., {dim}), got {', '.join(str(array.shape) for array in arrays)}")
    arrays = [np.array(array) for array in np.broadcast_arrays(*arrays)]  # copies: what the function does to them stays
    runs = arrays[0].shape[:-1]
    if vectorised:
        return _of_shape(f"what {word} returns", function(*arrays), (*runs, *shape)).astype(arrays[0].dtype, copy=False)
    rows = zip(*(array.reshape(-1, dim) for array in arrays), strict=True)
    found = [_of_shape(f"what {word} returns for a point", function(*row), shape) for row in rows]
    return np.array(found, dtype=arrays[0].dtype).reshape((*runs, *shape))


def _difference(grad: Callable[[Array], Array], x: ArrayLike, u: ArrayLike) -> Array:
    """[grad(x + h u) - grad(x - h u)] / 2h, the step eps^(1/3) in units of the larger of 1 and the norm of x."""
    x, u = np.broadcast_arrays(real_array("x", x), real_array("u", u))
    norm = np.linalg.norm(u, axis=-1, keepdims=True)
    size = np.maximum(1.0, np.linalg.norm(x, axis=-1, keepdims=True))
    h = np.cbrt(np.finfo(x.dtype).eps) * size / np.where(norm > 0, norm, 1)
    return (grad(x + h * u) - grad(x - h * u)) / (2 * h)


def _columns(hvp: Callable[[Array, Array], Array], dim: int, x: ArrayLike) -> Array:
    x = real_array("x", x)
    return hvp(x[..., None, :], np.eye(dim, dtype=x.dtype))


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
