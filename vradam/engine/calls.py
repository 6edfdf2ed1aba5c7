"""Calls of compiled functions by their addresses: so one caller is compiled, whatever it calls.

Numba's own first-class functions cost half a millisecond where they are passed, a call from Python; a number does not.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np


def call(place, functions, *arguments):
    """Call the function at ``place`` of ``functions``; compiled code has :func:`compiled_caller` in its place."""
    return functions[place](*arguments)


@cache
def compiled_caller(place: int, signature: Any) -> Any:
    """``call`` of one place as Numba compiles it; ``functions`` are addresses of code compiled for ``signature``."""
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    takes = types.StarArgTuple.from_types(signature.args)

    def call_here(typing_context: Any, functions: Any, *arguments: Any) -> Any:
        def generate(context: Any, builder: Any, whole: Any, given: Any) -> Any:
            found = context.make_array(whole.args[0])(context, builder, given[0])
            address = builder.load(builder.gep(found.data, [context.get_constant(types.intp, place)]))
            convention, returned = context.call_conv, signature.return_type
            code = builder.inttoptr(address, convention.get_function_type(returned, signature.args).as_pointer())
            values = cgutils.unpack_tuple(builder, given[1], len(signature.args))
            status, result = convention.call_function(builder, code, returned, signature.args, values)
            with cgutils.if_unlikely(builder, status.is_error):
                convention.return_status_propagate(builder, status)
            return result

        return signature.return_type(functions, takes), generate

    call_here.__name__ = f"call_{place}_{signature}"
    return intrinsic(call_here)


def addresses(functions: tuple[Any, ...]) -> Any:
    """What a compiled caller takes: where the code of each function lies, compiled for one signature; or themselves."""
    if not all(hasattr(function, "overloads") for function in functions):
        return functions
    found = []
    for function in functions:
        (compiled,) = function.overloads.values()
        found.append(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))
    return np.array(found, np.int64)
