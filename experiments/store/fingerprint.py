"""A fingerprint ties a stored result to what made it: the setup, the code, and everything else that decides its bits.

The code is that of a module and of everything that it imports, directly or not, from this repository, with the data
that lie beside it: nothing else, so that a new claim or study changes no other fingerprint. It counts by its syntax
tree; comments, docstrings and layout do not. The verdict rule, which only reads finished results, is left out. The
environment (libraries, processor, variables) is recorded apart: it decides whether stored bits are used again, and does
not make a result stale.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.store.environment import environment
from experiments.store.imported import PACKAGES, SHARED, file_of, imports, source
from vradam.problems import Problem

#: What editors and patch leave beside a file: no data.
LEFT_OVER: Final = ("~", ".orig", ".rej", ".bak")
VERDICT_RULE: Final = "experiments.measurement.verdict"


@dataclass(frozen=True)
class Origin:
    """What numbers come from, as this process first saw it. It is sent to the processes that compute.

    Parameters
    ----------
    code : Mapping[str, str]
        Name of a module, or of a file of data beside one (``package/file``) -> digest of what it does.
    content : Mapping[str, str]
        The same names -> digest of the bytes.
    libraries : tuple of str
        Import names of everything else that the code imports.
    environment : Mapping[str, str]
        See :func:`experiments.store.environment.environment`.
    """

    code: Mapping[str, str]
    content: Mapping[str, str]
    libraries: tuple[str, ...]
    environment: Mapping[str, str]

    def touched(self) -> list[str]:
        """The modules and data that were written to since this process first looked."""
        return [name for name in self.code if not ((path := file_of(name)) and source(path).is_untouched)]

    def differences(self) -> list[str]:
        """What is otherwise in the process that asks: modules and data by name, libraries with both versions."""
        here = environment(self.libraries)
        names = sorted(set(here) | set(self.environment))
        pairs = {name: (here.get(name, "unset"), self.environment.get(name, "unset")) for name in names}
        other = [f"{name} is {mine}, not {theirs}" for name, (mine, theirs) in pairs.items() if mine != theirs]
        return [name for name in self.code if not self._is_same(name)] + other

    def _is_same(self, name: str) -> bool:
        """Whether this process has the code of that name, untouched since it first looked."""
        if (path := file_of(name)) is None or not source(path).is_untouched:
            return False
        mine = source(path)
        return mine.content_digest == self.content[name] or mine.facts.digest == self.code[name]


def fingerprint(setup: object, *modules: str) -> str:
    """Sixteen hexadecimal digits that change with the setup, the code behind the modules and the environment.

    Parameters
    ----------
    setup : object
        A frozen dataclass of numbers, strings, tuples, mappings and further such dataclasses.
    modules : str
        Importable names, such as ``"experiments.studies.gate"``.
    """
    return _digest(recipe(setup, *modules))[:16]


def recipe(setup: object, *modules: str) -> dict[str, Any]:
    """Everything the fingerprint is made from, as plain JSON: readable beside the result."""
    made = origin(*modules)
    return {
        "setup": plain(setup),
        "modules": list(modules),
        "code": dict(made.code),
        "environment": dict(made.environment),
    }


def plain(value: object, name: str = "setup") -> Any:
    """A value as strict JSON (non-finite numbers as ``{"float": "inf"}``), the same for equal values everywhere.

    Raises
    ------
    TypeError
        Naming the field, if something has no such form (arrays, functions, objectives).

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
def origin(*modules: str) -> Origin:
    """The code behind these modules, and the environment of this process.

    Raises
    ------
    ModuleNotFoundError
        If one of the modules has no file: what it does cannot be told.
    """
    for name in modules:
        if file_of(name) is None:
            raise ModuleNotFoundError(f"modules must have a file each, got none for {name!r}")
    files, others = _reached(modules)
    seen = {name: source(path) for name, path in sorted(files.items())}
    return Origin(
        {name: file.facts.digest for name, file in seen.items()},
        {name: file.content_digest for name, file in seen.items()},
        tuple(sorted(others)),
        environment(others),
    )


def code_digest(*modules: str) -> str:
    """SHA-256 of the code that results of these modules depend on."""
    return _digest(dict(origin(*modules).code))


def changed(code: Mapping[str, Any], *modules: str) -> list[str]:
    """The names under which the code behind ``modules`` is not what ``code`` says: changed, new, or no longer there."""
    now = origin(*modules).code
    return sorted(name for name in set(now) | set(code) if now.get(name) != code.get(name))


def file_digest(path: Path) -> str:
    """Sixteen digits of the bytes of a file as this process first saw it; "absent" if there is none."""
    return source(path).content_digest if path.is_file() else "absent"


def _reached(modules: tuple[str, ...]) -> tuple[dict[str, Path], set[str]]:
    """The files behind the modules by name, and the import names that lead out of this repository."""
    files: dict[str, Path] = {}
    others: set[str] = set()
    inside = {*PACKAGES, *(name.partition(".")[0] for name in modules)}
    waiting = [".".join(name.split(".")[: n + 1]) for name in modules for n in range(name.count(".") + 1)]
    while waiting:
        name = waiting.pop()
        if name.partition(".")[0] not in inside:
            others |= {name.partition(".")[0]} - sys.stdlib_module_names
        elif name not in files and name != VERDICT_RULE and (path := file_of(name)) is not None:
            files[name] = path
            waiting += imports(name, path)
    return files | _data(files), others


def _data(files: Mapping[str, Path]) -> dict[str, Path]:
    """The data that lie beside these modules; of a folder that is shared, those that one of the modules names."""
    named = {text for path in files.values() for text in source(path).facts.texts}
    found: dict[str, Path] = {}
    for name, path in files.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for beside in path.parent.iterdir():
            hidden = beside.name.startswith((".", "_")) or beside.name.endswith(LEFT_OVER) or beside.suffix == ".py"
            if package and not hidden and beside.is_file() and (package != SHARED or beside.stem in named):
                found[f"{package}/{beside.name}"] = beside
    return found


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
