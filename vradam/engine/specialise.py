"""Compile a plain Python function, and the plain functions it calls, with some of its globals exchanged.

The engine's loops are ordinary functions that refer to module-level names: flags such as ``GATE`` and functions such
as ``form``. ``specialise`` clones the call tree with other values for these names and hands it to Numba. A name
resolves at compile time, so that flags cost nothing and small functions are inlined.

The compiled code is cached on disk. Numba finds a cached function by file, qualified name, line and bytecode; it sees
neither the globals nor the callees. Therefore the qualified name of a clone carries a digest of everything that was
compiled: the bytecode, the constants and the resolved globals of the whole call tree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import numpy as np


def specialise(
    function: Callable,
    exchanged: Mapping[str, Any],
    reassociated: tuple[Callable, ...] = (),
    apart: tuple[Callable, ...] = (),
) -> Any:
    """``function`` compiled, without the global interpreter lock, with the globals named in ``exchanged`` replaced.

    In the functions called ``reassociated``, and in no other, sums may be taken in another order. The functions
    ``apart`` are compiled and cached by themselves, once for all callers, and called; all others are inlined.

    Raises
    ------
    TypeError : if a function of the call tree closes over variables; it has to be a module-level function.
    """
    import numba

    inlined = numba.njit(error_model="numpy", inline="always")
    called = numba.njit(error_model="numpy", cache=True)
    loose = numba.njit(error_model="numpy", forceinline=True, fastmath={"reassoc"})
    clones: dict[int, Any] = {}

    def clone(part: Callable, compile_: Callable) -> Any:
        bound = {}
        for name, value in _globals_used(part, exchanged).items():
            if isinstance(value, FunctionType):
                if id(value) not in clones:
                    clones[id(value)] = clone(
                        value, loose if value in reassociated else called if value in apart else inlined
                    )
                value = clones[id(value)]
            bound[name] = value
        code = part.__code__
        copy = FunctionType(code, {**part.__globals__, **bound}, code.co_name, part.__defaults__)
        copy.__qualname__ = f"{code.co_name}_{digest(part, exchanged)}"
        return compile_(copy)

    return clone(function, numba.njit(error_model="numpy", nogil=True, cache=True))


def digest(function: Callable, exchanged: Mapping[str, Any]) -> str:
    """A name for everything that compiling ``function`` depends on: code, constants and globals of its call tree."""
    described: dict[int, str] = {}

    def describe(part: Callable) -> str:
        code = part.__code__
        lines = [code.co_code.hex(), repr(code.co_consts), repr(code.co_names), repr(part.__defaults__)]
        for name, value in sorted(_globals_used(part, exchanged).items()):
            if isinstance(value, FunctionType):
                if id(value) not in described:
                    described[id(value)] = "recursive"
                    described[id(value)] = describe(value)
                lines.append(f"{name}: {described[id(value)]}")
            elif isinstance(value, int | float | str | tuple | np.generic):
                lines.append(f"{name} = {value!r}")
            else:
                lines.append(f"{name} is {getattr(value, '__name__', type(value).__name__)}")
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    return describe(function)[:16]


def _globals_used(function: Callable, exchanged: Mapping[str, Any]) -> dict[str, Any]:
    if function.__closure__:
        raise TypeError(f"{function.__qualname__} must be a module-level function; it closes over variables")
    known = {**function.__globals__, **exchanged}
    return {name: known[name] for name in function.__code__.co_names if name in known}
