"""A fingerprint ties a stored result to what made it: the setup, the code, and the versions of the numerical libraries.

Code counts by its syntax tree: comments, docstrings and layout do not change a fingerprint, everything else does. All
of ``vradam`` and ``theory`` (certificates included) counts, and of ``experiments`` the stem's module with everything it
imports from there, except the verdict rule, which only reads finished results.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib.util
import json
import math
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

from vradam.problems import Problem

PACKAGES: Final = ("vradam", "theory")
VERDICT_RULE: Final = "experiments.measurement.verdict"
#: Libraries whose version may change the bits of a result.
LIBRARIES: Final = ("numpy", "scipy", "sympy", "mpmath", "numba", "scikit-learn", "xarray", "h5netcdf", "h5py")


def fingerprint(setup: object, module: str) -> str:
    """Sixteen hexadecimal digits that change whenever the setup, the code behind ``module`` or a library changes.

    Parameters
    ----------
    setup : a frozen dataclass of numbers, strings, tuples, mappings and further such dataclasses.
    module : importable name of the stem's module, such as ``"experiments.studies.gate"``.
    """
    return _digest(json.dumps(recipe(setup, module), sort_keys=True).encode())[:16]


def recipe(setup: object, module: str) -> dict[str, Any]:
    """Everything the fingerprint is made from, as plain JSON: readable beside the result."""
    return {"setup": plain(setup), "module": module, "code": code_digest(module), "libraries": libraries()}


def plain(value: object, name: str = "setup") -> Any:
    """A value as strict JSON (non-finite numbers as ``{"float": "inf"}``), the same for equal values everywhere.

    Raises
    ------
    TypeError : naming the field, if something has no such form (arrays, functions, objectives).

    >>> plain((1, 0.1, float("inf")))
    [1, 0.1, {'float': 'inf'}]
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | np.generic) and not isinstance(value, np.bool_):
        number = value.item() if isinstance(value, np.generic) else value
        return {"float": str(number)} if isinstance(number, float) and not math.isfinite(number) else number
    if isinstance(value, Problem):  # what it makes is code, which has a digest of its own
        return {"problem": value.name, "start": list(value.start), "noise": plain(value.noise, f"{name}.noise")}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        fields = {f.name: plain(getattr(value, f.name), f"{name}.{f.name}") for f in dataclasses.fields(value)}
        return {"class": f"{kind.__module__}.{kind.__qualname__}"} | fields
    if isinstance(value, tuple | list):
        return [plain(item, f"{name}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain(value[key], f"{name}[{key!r}]") for key in sorted(value)}
    raise TypeError(f"{name} must be made of numbers, strings, tuples and dataclasses, got {type(value).__name__}")


@cache
def code_digest(module: str) -> str:
    """SHA-256 of the code that a stem's results depend on."""
    parts = [package_digest(package) for package in PACKAGES]
    parts += [_digest(_code(path)) for path in sorted(_imported(module))]
    return _digest("".join(parts).encode())


@cache
def package_digest(package: str) -> str:
    """SHA-256 of a whole package: its Python files by their code, its JSON files (certificates) by their text."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"package {package!r} cannot be found")
    folder = Path(next(iter(spec.submodule_search_locations)))
    files = sorted(path for suffix in ("*.py", "*.json") for path in folder.rglob(suffix))
    return _digest("".join(path.relative_to(folder).as_posix() + _digest(_code(path)) for path in files).encode())


@cache
def libraries() -> dict[str, str]:
    """The versions of Python and of the libraries that may change the bits of a result."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def _imported(module: str) -> set[Path]:
    """The files of a module and of everything it imports, directly or not, from its own package and experiments."""
    found: set[Path] = set()
    waiting = [module]
    tops = {module.partition(".")[0], "experiments"}
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is None or path in found or name == VERDICT_RULE:
            continue
        found.add(path)
        waiting += [other for other in _names(path) if other.partition(".")[0] in tops]
    return found


def _names(path: Path) -> Iterator[str]:
    """Every name that a file may import: ``from a import b`` may mean the module a.b. Imports are absolute here."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(name: str) -> Path | None:
    """The file of a module, found without importing anything; None for what is not a module."""
    top, *rest = name.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin)
    if not rest:
        return path
    inside = path.parent.joinpath(*rest)
    return next((file for file in (inside.with_suffix(".py"), inside / "__init__.py") if file.is_file()), None)


def _code(path: Path) -> bytes:
    """What a file does, without comments, docstrings and layout."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text.encode()
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            head = node.body[0] if node.body else None
            if (
                isinstance(head, ast.Expr)
                and isinstance(head.value, ast.Constant)
                and isinstance(head.value.value, str)
            ):
                node.body = node.body[1:]
    return ast.dump(tree).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
