"""Compile a plain Python function, and the plain functions it calls, with some of its globals exchanged.

The engine's loops are ordinary functions that refer to module-level names: flags such as ``GATE`` and functions such
as ``form``. ``specialise`` clones the call tree with other values for these names and hands it to Numba. A name
resolves at compile time, so that flags cost nothing and small functions are inlined.

The compiled code is cached on disk (``disk_cache``). Numba finds a cached function by file, qualified name, line and
bytecode; it sees neither the globals nor the callees. Therefore the qualified name of a clone carries a digest of
everything that was compiled: the bytecode, the constants, the resolved globals and the options of the whole call tree.
The digest names no place, so that another clone or environment with the same code finds what one has compiled.
"""

from __future__ import annotations

import dis
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from vradam.engine.disk_cache import kept
from vradam.engine.intrinsics import compiled


def specialise(
    function: Callable,
    exchanged: Mapping[str, Any],
    reassociated: tuple[Callable, ...] = (),
    apart: tuple[Callable, ...] = (),
    signature: Any = None,
) -> Any:
    """``function`` compiled, without the global interpreter lock, with the globals named in ``exchanged`` replaced.

    The functions of the call tree that loop, or call such, are inlined by Numba, so that the compiler sees which arrays
    they share; those that do not are compiled alone, which takes less time than typing them at every call, and inlined
    by LLVM.
    Those in ``apart`` are not inlined but cached for themselves: all combinations share them. In those in
    ``reassociated``, and in no other, sums may be taken in another order. With a ``signature`` of Numba it is
    for arrays that do not overlap and has to be compiled by :func:`compile_for`: one function for each signature.

    Raises
    ------
    TypeError
        If a function of the call tree closes over variables; it has to be a module-level function.
    """
    clones: dict[int, Any] = {}

    def clone(part: Callable, signature: Any = None, **options: Any) -> Any:
        bound = {}
        for name, value in _globals_used(part, exchanged).items():
            if isinstance(value, FunctionType):
                if id(value) not in clones:
                    clones[id(value)] = clone(value, **_options(value, exchanged, reassociated, apart))
                value = clones[id(value)]
            bound[name] = value
        code = part.__code__
        qualname = f"{code.co_name}_{digest(part, exchanged, reassociated, apart)}"
        if signature is not None:
            qualname += "_of_arrays_apart"
        key = qualname, repr((options, signature))
        if key not in _compiled:
            import numba

            copy = FunctionType(code, {**part.__globals__, **bound}, code.co_name, part.__defaults__)
            copy.__qualname__ = qualname
            on_disk = options.pop("cache", False)
            dispatcher = numba.njit(error_model="numpy", **options)(copy)
            _compiled[key] = kept(dispatcher) if on_disk else dispatcher
        return _compiled[key]

    return clone(function, signature, nogil=True, cache=True)


_compiled: dict[tuple[str, str], Any] = {}


def compile_for(dispatcher: Any, signature: Any) -> Any:
    """The dispatcher, compiled for ``signature`` and nothing else: a value that compiled code can call.

    Arrays that are arguments must not overlap.
    """

    def apart(flags: Any) -> Any:
        flags.noalias = True
        return flags

    if not getattr(dispatcher, "overloads", True):  # a plain function has none, where compiling is switched off
        dispatcher._compiler._customize_flags = apart
        dispatcher.compile(signature)
        dispatcher.disable_compile()
    return dispatcher


def _options(
    part: Callable, exchanged: Mapping[str, Any], reassociated: tuple[Callable, ...], apart: tuple[Callable, ...]
) -> dict[str, Any]:
    """How Numba compiles a function of a call tree."""
    if part in apart:
        return {"cache": True}
    if part in reassociated:
        return {"forceinline": True, "fastmath": {"reassoc"}}
    return {"inline": "always"} if _loops(part, exchanged) else {"forceinline": True}


def _loops(part: Callable, exchanged: Mapping[str, Any]) -> bool:
    """Whether a function loops, or calls one that does."""
    if _has_a_loop(part.__code__):
        return True
    called = (value for value in _globals_used(part, exchanged).values() if isinstance(value, FunctionType))
    return any(_loops(value, exchanged) for value in called)


@cache
def _has_a_loop(code: CodeType) -> bool:
    return any("FOR_ITER" in step.opname or "BACKWARD" in step.opname for step in dis.get_instructions(code))


def digest(
    function: Callable,
    exchanged: Mapping[str, Any],
    reassociated: tuple[Callable, ...] = (),
    apart: tuple[Callable, ...] = (),
) -> str:
    """A name for everything that compiling ``function`` depends on: code, constants and globals of its call tree.

    The module of each part is in it too: reading a cache entry imports it.
    """
    described: dict[int, str] = {}

    def describe(part: Callable) -> str:
        code = part.__code__
        lines = [part.__module__, repr(part.__defaults__), *listing(code)]
        lines.append(repr(_options(part, exchanged, reassociated, apart)))
        lines += [f"{name}: {seen(value, code)}" for name, value in sorted(_globals_used(part, exchanged).items())]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def seen(value: Any, code: CodeType) -> str:
        """A global as the compiler sees it."""
        value = getattr(value, "py_func", value)  # what Numba has compiled already
        if isinstance(value, FunctionType):
            if id(value) not in described:
                described[id(value)] = "recursive"
                described[id(value)] = describe(value)
            return described[id(value)]
        if isinstance(defined := getattr(value, "_defn", None), FunctionType):  # an intrinsic of Numba
            return "\n".join((value.__name__, *listing(defined.__code__)))
        if isinstance(value, np.ndarray):
            return f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
        if isinstance(value, ModuleType):
            members = {name: getattr(value, name) for name in code.co_names if hasattr(value, name)}
            plain = {name: member for name, member in members.items() if isinstance(member, PLAIN)}
            return f"module {value.__name__} {plain!r}"
        return repr(value) if isinstance(value, PLAIN) else getattr(value, "__name__", repr(value))

    return describe(function)[:16]


@cache
def listing(code: CodeType) -> tuple[str, ...]:
    """Bytecode, names and constants, those of the functions defined inside too."""
    lines = [code.co_code.hex(), repr(code.co_names)]
    for worth in code.co_consts:
        lines += listing(worth) if isinstance(worth, CodeType) else [repr(worth)]
    return tuple(lines)


#: What enters compiled code as a constant.
PLAIN = (int, float, str, tuple, np.generic)


def _globals_used(function: Callable, exchanged: Mapping[str, Any]) -> dict[str, Any]:
    if function.__closure__:
        raise TypeError(f"{function.__qualname__} must be a module-level function; it closes over variables")
    known = {**function.__globals__, **exchanged}
    used = {name: known[name] for name in function.__code__.co_names if name in known}
    return {name: compiled(value) if isinstance(value, FunctionType) else value for name, value in used.items()}
