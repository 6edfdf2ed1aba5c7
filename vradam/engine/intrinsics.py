"""Plain functions that Numba compiles as something else: arrays on cache lines, known widths, processors' operations.

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


def look_at(board, place):
    """``board[place]``, which another thread may have changed meanwhile."""
    return board[place]


def fetch_add(board, place, amount):
    """What was in ``board[place]``, to which ``amount`` is added; in compiled code no other thread comes between."""
    before = board[place]
    board[place] = before + amount
    return before


def exchange(board, place, number):
    """What was in ``board[place]``, where ``number`` is put; likewise."""
    before = board[place]
    board[place] = number
    return before


def compiled(function: Callable) -> Any:
    """What is compiled in the place of a function: mostly the function itself."""
    if function not in INTRINSICS:
        return function
    import numba

    return function if numba.config.DISABLE_JIT else INTRINSICS[function]()


def filled(context: Any, builder: Any, kind: Any, data: Any, shape: list[Any], memory: Any = None) -> Any:
    """An array of a C-contiguous ``kind`` from where its numbers begin; without ``memory`` whoever asks keeps them."""
    from numba.core import cgutils, types
    from numba.np.arrayobj import make_array, populate_array

    size = context.get_constant(types.intp, kind.dtype.bitwidth // 8)
    strides = [size]
    for length in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], length))
    array = make_array(kind)(context, builder)
    populate_array(
        array,
        data=builder.bitcast(data, context.get_data_type(kind.dtype).as_pointer()),
        shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, strides),
        itemsize=size,
        meminfo=memory,
    )
    return array._getvalue()


@cache
def compiled_rows() -> Any:
    """``rows_of_lanes``, on a cache line."""
    from numba.core import types
    from numba.extending import intrinsic

    @intrinsic
    def rows_on_lines(typing_context: Any, rows: Any, width: Any) -> Any:
        kind = types.Array(types.float64, 2, "C")

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            given = zip(arguments, signature.args, strict=True)
            shape = [context.cast(builder, value, old, types.intp) for value, old in given]
            size = builder.mul(builder.mul(*shape), context.get_constant(types.intp, 8))
            memory = context.nrt.meminfo_alloc_aligned(builder, size, context.get_constant(types.uint32, LINE))
            return filled(context, builder, kind, context.nrt.meminfo_data(builder, memory), shape, memory)

        return kind(rows, width), generate

    return rows_on_lines


@cache
def compiled_width() -> Any:
    """``in_lanes``: the same array with ``width``, a constant, in the place of its own.

    The compiler then knows the rows to be apart, and how many vectors there are in one.
    """
    from numba.core import types
    from numba.core.imputils import impl_ret_borrowed
    from numba.extending import intrinsic
    from numba.np.arrayobj import make_array

    @intrinsic
    def of_width(typing_context: Any, array: Any, width: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            given = make_array(array)(context, builder, arguments[0])
            lanes = context.cast(builder, arguments[1], signature.args[1], types.intp)
            same = filled(context, builder, array, given.data, [builder.extract_value(given.shape, 0), lanes])
            return impl_ret_borrowed(context, builder, array, same)

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
    from numba.extending import intrinsic

    @intrinsic
    def array_there(typing_context: Any, address: Any, size: Any, like: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], context.get_data_type(like.dtype).as_pointer())
            return filled(context, builder, like, pointer, [arguments[1]])

        return like(address, size, like), generate

    return array_there


def board_place(context: Any, builder: Any, signature: Any, arguments: Any) -> tuple[Any, ...]:
    """The address of ``board[place]`` (int64), and the other arguments as such numbers."""
    from numba.core import types
    from numba.np.arrayobj import make_array

    board = make_array(signature.args[0])(context, builder, arguments[0])
    given = zip(arguments[1:], signature.args[1:], strict=True)
    place, *numbers = (context.cast(builder, value, old, types.int64) for value, old in given)
    return builder.gep(board.data, [place]), *numbers


@cache
def compiled_look_at() -> Any:
    """``look_at``, in one operation of the processor, at every call."""
    from numba.core import types
    from numba.extending import intrinsic

    @intrinsic
    def atomic_load(typing_context: Any, board: Any, place: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            (pointer,) = board_place(context, builder, signature, arguments)
            return builder.load_atomic(pointer, "seq_cst", 8)

        return types.int64(board, place), generate

    return atomic_load


@cache
def compiled_fetch_add() -> Any:
    """``fetch_add``, likewise; who sees it sees all that was written before."""
    from numba.core import types
    from numba.extending import intrinsic

    @intrinsic
    def atomic_add(typing_context: Any, board: Any, place: Any, amount: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.atomic_rmw("add", *board_place(context, builder, signature, arguments), "seq_cst")

        return types.int64(board, place, amount), generate

    return atomic_add


@cache
def compiled_exchange() -> Any:
    """``exchange``, likewise."""
    from numba.core import types
    from numba.extending import intrinsic

    @intrinsic
    def atomic_exchange(typing_context: Any, board: Any, place: Any, number: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.atomic_rmw("xchg", *board_place(context, builder, signature, arguments), "seq_cst")

        return types.int64(board, place, number), generate

    return atomic_exchange


INTRINSICS = {
    rows_of_lanes: compiled_rows,
    in_lanes: compiled_width,
    multiply_add: compiled_multiply_add,
    array_at: compiled_array_at,
    look_at: compiled_look_at,
    fetch_add: compiled_fetch_add,
    exchange: compiled_exchange,
}
