"""Plain functions that Numba compiles as something else: arrays on cache lines, widths it knows, fused operations.

``specialise`` puts what is compiled in the place of the plain function wherever it meets it. NumPy's and Numba's own
arrays begin at a multiple of 16 or 32 bytes, wherever the heap has room, and a vector that lies in two
cache lines costs double: the same kernel took 1.25 to 1.57 ns a number in d = 2, from one process to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from vradam.engine.layout import LINE
from vradam.objectives.elementary import multiply_add


def rows_of_lanes(rows, width):
    """An empty float64 array (rows, width); compiled code has one that begins on a cache line."""
    return np.empty((rows, width))


def in_lanes(array, width):
    """``array`` (rows, width) as it is; in compiled code its width is a constant."""
    return array


def array_at(address, size, like):
    """The array of ``size`` numbers like those of ``like`` that begins at an address; for compiled code only."""
    raise NotImplementedError("addresses are for compiled code")


def compiled(function: Callable) -> Any:
    """What is compiled in the place of a function: mostly the function itself."""
    if function not in INTRINSICS:
        return function
    import numba

    return function if numba.config.DISABLE_JIT else INTRINSICS[function]()


@cache
def compiled_rows() -> Any:
    """``rows_of_lanes``, on a cache line."""
    from numba.core import cgutils, types
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array, populate_array

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


@cache
def compiled_width() -> Any:
    """``in_lanes``: the same array with ``width``, a constant, in the place of its own.

    The compiler then knows the rows to be apart, and how many vectors there are in one.
    """
    from numba.core import cgutils, types
    from numba.core.imputils import impl_ret_borrowed
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array, populate_array

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


@cache
def compiled_multiply_add() -> Any:
    """``multiply_add``, rounded once: one operation where the processor has it, a call of the C library elsewhere."""
    from numba.core import types
    from numba.extending import intrinsic

    @intrinsic
    def fused_multiply_add(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.fma(*arguments)

        return types.float64(types.float64, types.float64, types.float64), generate

    return fused_multiply_add


@cache
def compiled_array_at() -> Any:
    """``array_at``: it keeps nothing alive, so that whoever asks must hold the memory meanwhile."""
    from numba.core import cgutils
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array, populate_array

    @intrinsic
    def array_there(typing_context: Any, address: Any, size: Any, like: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            bytes_of_one = context.get_constant(signature.args[1], like.dtype.bitwidth // 8)
            array = make_array(like)(context, builder)
            pointer = builder.inttoptr(arguments[0], context.get_data_type(like.dtype).as_pointer())
            populate_array(
                array,
                data=pointer,
                shape=cgutils.pack_array(builder, [arguments[1]]),
                strides=cgutils.pack_array(builder, [bytes_of_one]),
                itemsize=bytes_of_one,
                meminfo=None,
            )
            return array._getvalue()

        return like(address, size, like), generate

    return array_there


INTRINSICS = {
    rows_of_lanes: compiled_rows,
    in_lanes: compiled_width,
    multiply_add: compiled_multiply_add,
    array_at: compiled_array_at,
}
