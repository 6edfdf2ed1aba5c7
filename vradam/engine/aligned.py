"""Arrays of a tile that begin where a cache line does, and whose width the compiler knows.

NumPy's and Numba's own begin at a multiple of 16 or 32 bytes, wherever the heap has room, and a vector that lies in two
cache lines costs double: the same kernel took 1.25 to 1.57 ns a number in d = 2, from one process to the next.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from vradam.engine.layout import LINE


def rows_of_lanes(rows, width):
    """An empty float64 array (rows, width); compiled code has :func:`compiled_rows` in its place."""
    return np.empty((rows, width))


@cache
def compiled_rows() -> Any:
    """``rows_of_lanes`` as Numba compiles it, on a cache line. In ``specialise`` its name stands for its code."""
    import numba
    from numba.core import cgutils, types
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array, populate_array

    if numba.config.DISABLE_JIT:
        return rows_of_lanes

    @intrinsic
    def rows_on_lines(typing_context: Any, rows: Any, width: Any) -> Any:
        kind = types.Array(types.float64, 2, "C")

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            given = zip(arguments, signature.args, strict=True)
            shape = [context.cast(builder, value, old, types.intp) for value, old in given]
            size, line = context.get_constant(types.intp, 8), context.get_constant(types.uint32, LINE)
            stride = builder.mul(shape[1], size)
            memory = context.nrt.meminfo_alloc_aligned(builder, builder.mul(shape[0], stride), line)
            array = make_array(kind)(context, builder)
            begin = builder.bitcast(
                context.nrt.meminfo_data(builder, memory), context.get_data_type(types.float64).as_pointer()
            )
            populate_array(
                array,
                data=begin,
                shape=cgutils.pack_array(builder, shape),
                strides=cgutils.pack_array(builder, [stride, size]),
                itemsize=size,
                meminfo=memory,
            )
            return array._getvalue()

        return kind(rows, width), generate

    return rows_on_lines


def in_lanes(array, width):
    """``array`` (rows, width) as it is; compiled code has :func:`compiled_width` in its place."""
    return array


@cache
def compiled_width() -> Any:
    """``in_lanes`` as Numba compiles it: the same array with ``width``, a constant, in the place of its own.

    The compiler then knows the rows to be apart, and how many vectors there are in one.
    """
    import numba
    from numba.core import cgutils, types
    from numba.core.imputils import impl_ret_borrowed
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array, populate_array

    if numba.config.DISABLE_JIT:
        return in_lanes

    @intrinsic
    def of_width(typing_context: Any, array: Any, width: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            given = make_array(array)(context, builder, arguments[0])
            lanes = context.cast(builder, arguments[1], signature.args[1], types.intp)
            size = context.get_constant(types.intp, array.dtype.bitwidth // 8)
            same = make_array(array)(context, builder)
            populate_array(
                same,
                data=given.data,
                shape=cgutils.pack_array(builder, [builder.extract_value(given.shape, 0), lanes]),
                strides=cgutils.pack_array(builder, [builder.mul(lanes, size), size]),
                itemsize=size,
                meminfo=None,  # whoever has the array keeps it
            )
            return impl_ret_borrowed(context, builder, array, same._getvalue())

        return array(array, width), generate

    return of_width
