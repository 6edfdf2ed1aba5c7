"""Where arrays lie in memory: plain, apart from each other, and so that streams through them do not collide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
PAGE, LINE = 4096, 64  # bytes


def zeros_beside(array: Array, distance: int) -> Array:
    """Zeros like an array, on a cache line ``distance`` bytes after it modulo a page.

    Streams that are read and written at the same place of their pages look alike to a processor's store buffer, and
    stores across cache lines cost double: together up to three times the time.
    """
    room = np.zeros(array.nbytes + PAGE, np.uint8)
    place = -(-(extent(array)[0] + distance) // LINE) * LINE
    skipped = (place - extent(room)[0]) % PAGE
    return room[skipped : skipped + array.nbytes].view(array.dtype).reshape(array.shape)


def listed(name: str, arrays: Any) -> list[Any]:
    """A list of arrays from a list or another iterable, but not from the rows of one array."""
    if type(arrays) is list:
        return arrays
    if isinstance(arrays, np.ndarray) or not isinstance(arrays, Iterable) or isinstance(arrays, str | bytes | Mapping):
        raise TypeError(f"{name} must be a list of arrays, one for each parameter, got {type(arrays).__name__}")
    return list(arrays)


def as_plain(name: str, array: Any) -> Array:
    """The array as a plain one in the same memory, or an error."""
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name} must be an array without a mask, got a masked array")
    if not isinstance(array, np.ndarray) or array.dtype not in (np.float32, np.float64):
        got = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{name} must be an array of dtype float32 or float64, got {got}")
    if not array.flags.c_contiguous:
        raise ValueError(f"{name} must be C-contiguous, got strides {array.strides} for shape {array.shape}")
    if not array.flags.writeable:
        raise ValueError(f"{name} must be writeable, got a read-only array")
    return np.asarray(array)


def look(array: Array) -> tuple:
    """What must not change between two steps."""
    return extent(array), array.shape, array.dtype, array.flags.writeable


def check_place(i: int, array: Any, old: tuple) -> None:
    """Refuse a parameter that is not where, or what, it was."""
    if not isinstance(array, np.ndarray) or look(array) != old:
        raise ValueError(
            f"arrays[{i}] must keep its place, shape {old[1]}, dtype {old[2]} and be writeable, got shape "
            f"{np.shape(array)} and dtype {getattr(array, 'dtype', type(array).__name__)}"
        )


def plain_gradient(i: int, grad: Any, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """A gradient of another kind as a plain array, or an error."""
    if isinstance(grad, np.ma.MaskedArray):
        raise TypeError(f"grads[{i}] must be an array without a mask, got a masked array")
    if not isinstance(grad, np.ndarray) or grad.dtype != dtype:
        got = grad.dtype if isinstance(grad, np.ndarray) else type(grad).__name__
        raise TypeError(f"grads[{i}] must be an array of dtype {dtype}, got {got}")
    if grad.shape != shape:
        raise ValueError(f"grads[{i}] must have shape {shape}, got {grad.shape}")
    return np.asarray(grad)


def extent(array: NDArray[Any]) -> tuple[int, int]:
    """The first address of a contiguous array and the one behind its last."""
    start = array.__array_interface__["data"][0]
    return start, start + array.nbytes
