"""Bad input is refused here, once, with the name of the argument, the value and its domain."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]


def real_array(name: str, value: ArrayLike) -> Array:
    """``value`` as an array: float32 stays float32, other real numbers become float64.

    Raises
    ------
    TypeError : for boolean, complex, object, string or ragged input.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"{name} must be an array of real numbers, got a ragged sequence") from error
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers (float32, float64 or integers), got dtype {array.dtype}")
    return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)


def hyper_parameter(name: str, value: Any, domain: str) -> float | Array:
    """A scalar (returned as float) or an array over the runs (float64, read-only) inside ``domain``.

    ``domain`` is an interval as it is written: ``"[0, 1)"``, ``"(0, inf)"``, ``"[0, inf]"``. NaN lies in no domain.

    >>> hyper_parameter("beta1", 0.9, "[0, 1)")
    0.9
    >>> hyper_parameter("beta1", 1.2, "[0, 1)")
    Traceback (most recent call last):
        ...
    ValueError: beta1 must lie in [0, 1), got 1.2
    """
    array = real_array(name, value).astype(np.float64)
    low, high = (float(end) for end in domain[1:-1].split(","))
    above = array >= low if domain[0] == "[" else array > low
    below = array <= high if domain[-1] == "]" else array < high
    wrong = ~(above & below)
    if wrong.any():
        raise ValueError(f"{name} must lie in {domain}, got {array[wrong].flat[0]}")
    if array.ndim == 0:
        return float(array)
    array.flags.writeable = False
    return array


def whole_number(name: str, value: Any, least: int) -> int:
    """``value`` as an int of at least ``least``.

    >>> whole_number("steps", 0, least=1)
    Traceback (most recent call last):
        ...
    ValueError: steps must be an integer >= 1, got 0
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer >= {least}, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be an integer >= {least}, got {value}")
    return int(value)


def over_runs(name: str, value: float | Array, x: Array) -> Array:
    """A hyper-parameter as an array that broadcasts against ``x`` (..., d): shape (..., 1), in the dtype of ``x``.

    Raises
    ------
    ValueError : if an array does not broadcast to the shape of the runs, ``x.shape[:-1]``; if rounding to the dtype of
        ``x`` takes a value out of its domain: an infinite rate, a decay of 1, eps of 0.
    """
    with np.errstate(over="ignore"):
        array = np.asarray(value, dtype=x.dtype)
    if x.dtype != np.float64:
        _check_rounding(name, np.asarray(value, dtype=np.float64), array)
    if array.ndim == 0:
        return array
    runs = x.shape[:-1]
    try:
        fits = np.broadcast_shapes(array.shape, runs) == runs
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"{name} must broadcast to the runs, shape {runs}, got shape {array.shape}")
    return array[..., None]


def _check_rounding(name: str, exact: Array, rounded: Array) -> None:
    lost = np.isinf(rounded) & np.isfinite(exact)
    if name in ("beta1", "beta2"):
        lost |= (rounded == 1) & (exact < 1)
    if name == "eps":
        lost |= rounded == 0
    if lost.any():
        raise ValueError(f"{name} must stay in its domain when rounded to {rounded.dtype}, got {exact[lost].flat[0]}")


def matching(x: ArrayLike, grad: ArrayLike) -> tuple[Array, Array]:
    """A point and its gradient as arrays of one shape (..., d) and one dtype, that of the point.

    Raises
    ------
    TypeError : if either does not hold real numbers.
    ValueError : if the shapes differ or there is no parameter axis.
    """
    x, grad = real_array("x", x), real_array("grad", grad)
    if x.ndim == 0:
        raise ValueError("x must have shape (..., d), got a scalar")
    if grad.shape != x.shape:
        raise ValueError(f"grad must have the shape of x, {x.shape}, got {grad.shape}")
    return x, grad.astype(x.dtype, copy=False)
