"""Bad input is refused here, once, with the name of the argument, the value and its domain."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from numbers import Integral
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]


def masked(value: Any) -> TypeGuard[np.ma.MaskedArray]:
    """Whether ``value`` is a masked array; where nobody has imported ``numpy.ma`` there is none."""
    ma = sys.modules.get("numpy.ma")
    return ma is not None and isinstance(value, ma.MaskedArray)


def real_array(name: str, value: ArrayLike) -> Array:
    """``value`` as a plain array in the machine's byte order: float32 stays float32, other real numbers become float64.

    Matrices and other subclasses are seen as the arrays they are; integers of any size count as real numbers.

    Raises
    ------
    TypeError
        For a dict, for boolean, complex, object, string or ragged input, and for a masked array, whose hidden numbers
        would count.
    ValueError
        For an integer beyond the largest float.
    """
    if isinstance(value, Mapping):
        raise TypeError(
            f"{name} must be one array of real numbers, got a dict: write "
            f"np.concatenate([np.ravel(part) for part in {name}.values()])"
        )
    if masked(value):
        raise TypeError(f"{name} must be an array without a mask, got a masked array of shape {value.shape}")
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError) as error:
        raise TypeError(f"{name} must be an array of real numbers, got a ragged sequence") from error
    if array.dtype == object and array.size and all(map(_is_integer, array.flat)):  # beyond 64 bits
        try:
            array = array.astype(np.float64)
        except OverflowError as error:
            raise ValueError(f"{name} must lie below the largest float, got an integer beyond it") from error
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers (float32, float64 or integers), got dtype {array.dtype}")
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    with np.errstate(over="ignore"):
        return array.astype(np.float32 if single else np.float64, copy=False)


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


def one_number(name: str, value: Any, domain: str) -> float:
    """A number in ``domain`` where an array over runs has no meaning.

    >>> one_number("tol", [1e-3, 1e-4], "[0, inf)")
    Traceback (most recent call last):
        ...
    TypeError: tol must be one number in [0, inf), got an array of shape (2,)
    """
    checked = hyper_parameter(name, value, domain)
    if not isinstance(checked, float):
        raise TypeError(f"{name} must be one number in {domain}, got an array of shape {checked.shape}")
    return checked


def check_fields(owner: Any, domains: Mapping[str, str]) -> None:
    """Replace hyper-parameters of a frozen dataclass by their checked values; a schedule for alpha0 is left alone."""
    for name, domain in domains.items():
        value = getattr(owner, name)
        if not (name == "alpha0" and callable(value)):
            object.__setattr__(owner, name, hyper_parameter(name, value, domain))


def restore(owner: Any, fields: dict[str, Any]) -> None:
    """``__setstate__`` of a frozen dataclass: its arrays are read-only in copies and in other processes too."""
    for value in fields.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    vars(owner).update(fields)


def equal_fields(one: Any, other: object) -> bool:
    """``__eq__`` of a frozen dataclass whose fields may be arrays: the same class, shapes and numbers."""
    if type(other) is not type(one):
        return NotImplemented
    return all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(other).values(), strict=True))


def hash_fields(one: Any) -> int:
    """``__hash__`` beside :func:`equal_fields`."""
    return hash((type(one), *(tuple(np.ravel(value).tolist()) for value in vars(one).values())))


def whole_number(name: str, value: Any, least: int) -> int:
    """``value`` as an int of at least ``least`` that 63 bits hold.

    >>> whole_number("steps", 0, least=1)
    Traceback (most recent call last):
        ...
    ValueError: steps must be an integer >= 1, got 0
    """
    if isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "iu":
        value = value[()]
    if not _is_integer(value):
        raise TypeError(f"{name} must be an integer >= {least}, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be an integer >= {least}, got {value}")
    if value >= 2**63:
        raise ValueError(f"{name} must be an integer below 2^63, got {value}")
    return int(value)


def unsigned_words(name: str, value: Any) -> NDArray[np.uint64]:
    """Integers in [0, 2^64) as an array, of whatever integer types they are.

    >>> unsigned_words("seed", [1, 2**63])                              # NumPy alone would make floats of these
    array([                  1, 9223372036854775808], dtype=uint64)

    Raises
    ------
    TypeError
        For anything but integers, booleans included.
    ValueError
        For an integer outside [0, 2^64).
    """
    if masked(value):
        raise TypeError(f"{name} must be integers without a mask, got a masked array of shape {value.shape}")
    array = np.asarray(value) if isinstance(value, np.ndarray) else np.array(value, dtype=object)
    if array.dtype.kind not in "iu" and not (array.dtype == object and all(map(_is_integer, array.flat))):
        raise TypeError(f"{name} must be an integer or an integer array, got {value!r}")
    if array.size and not (array.min() >= 0 and array.max() < 2**64):
        outside = array.min() if array.min() < 0 else array.max()
        raise ValueError(f"{name} must lie in [0, 2^64), got {outside}")
    return array.astype(np.uint64)


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.timedelta64)


def over_runs(name: str, value: float | Array, x: Array) -> Array:
    """A hyper-parameter as an array that broadcasts against ``x`` (..., d): shape (..., 1), in the dtype of ``x``.

    Raises
    ------
    ValueError
        If an array does not broadcast to the shape of the runs, ``x.shape[:-1]``; if rounding to the dtype of ``x``
        takes a value out of its domain: an infinite rate, a decay of 1, eps of 0.
    """
    if x.dtype == np.float64:
        array = np.asarray(value, dtype=x.dtype)
    else:
        with np.errstate(over="ignore"):
            array = np.asarray(value, dtype=x.dtype)
        _check_rounding(name, np.asarray(value, dtype=np.float64), array)
    if array.ndim == 0:
        return array
    runs = x.shape[:-1]
    if not fits(array.shape, runs):
        raise ValueError(f"{name} must broadcast to the runs, shape {runs}, got shape {array.shape}")
    return array[..., None]


def fits(shape: tuple[int, ...], runs: tuple[int, ...]) -> bool:
    """Whether an array of this shape broadcasts to the shape of the runs.

    >>> fits((3, 1), (3, 4)), fits((4,), (1,))
    (True, False)
    """
    try:
        return np.broadcast_shapes(shape, runs) == runs
    except ValueError:
        return False


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
    TypeError
        If either does not hold real numbers.
    ValueError
        If the shapes differ or there is no parameter axis.
    """
    x, grad = real_array("x", x), real_array("grad", grad)
    if x.ndim == 0:
        raise ValueError("x must have shape (..., d), got a scalar")
    if grad.shape != x.shape:
        raise ValueError(f"grad must have the shape of x, {x.shape}, got {grad.shape}")
    with np.errstate(over="ignore"):
        return x, grad.astype(x.dtype, copy=False)
