"""The code that this process runs: every file as it was when the process first looked at it.

The first look is taken when :mod:`experiments` is imported, before any study is, and keeps of each file its bytes and a
stamp (size and times). What is imported later comes from the same bytes as long as the stamp is the same: an edit that
is taken back changes the stamp too. Nothing but the standard library is imported here.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

PACKAGES: Final = ("vradam", "theory", "experiments")
#: A folder that many claims share: a file in it counts for the modules that name it.
SHARED: Final = "theory.certificates"
#: Fields of a syntax tree that say nothing of what a program does, or nothing that other fields do not say.
SILENT: Final = ("ctx", "kind", "type_comment", "type_ignores")


class Facts(NamedTuple):
    """What is read from a file: a digest of what it does, what it imports (relative names with their dots), texts."""

    digest: str
    imports: tuple[str, ...]
    texts: frozenset[str]


@dataclass(frozen=True)
class Source:
    """A file as it was at the first look.

    Parameters
    ----------
    path : Path
        Where it lies.
    content : bytes
        What it held.
    stamp : tuple of int
        Size and times; different after every change, also one that was taken back.
    """

    path: Path
    content: bytes
    stamp: tuple[int, ...]

    @cached_property
    def content_digest(self) -> str:
        """SHA-256 of the bytes, 16 digits."""
        return _digest(self.content)

    @cached_property
    def facts(self) -> Facts:
        """What the file does: of a Python file, without comments, docstrings and layout."""
        if self.path.suffix != ".py":
            return Facts(self.content_digest, (), frozenset())
        tree = ast.parse(self.content)
        words: list[str] = []
        _spell(tree, words)
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is str}
        return Facts(_digest(" ".join(words).encode()), tuple(_imports(tree)), frozenset(texts))

    @property
    def is_untouched(self) -> bool:
        """Whether nobody has written to the file since the first look."""
        try:
            return _stamp(self.path) == self.stamp
        except OSError:
            return False


_seen: dict[Path, Source] = {}
#: The file of a package and a name below it -> the file of that name, once found.
_files: dict[tuple[str, str], Path] = {}


def source(path: Path) -> Source:
    """The file as this process first saw it.

    Raises
    ------
    OSError
        If it cannot be read at the first look.
    """
    if path not in _seen:
        stamp = _stamp(path)
        _seen[path] = Source(path, path.read_bytes(), stamp)
    return _seen[path]


def look() -> None:
    """The first look at all code of this repository, which lies beside this package."""
    root = Path(__file__).absolute().parents[2]
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            source(path)
    for path in root.joinpath(*SHARED.split(".")).glob("*.json"):
        source(path)


def file_of(name: str) -> Path | None:
    """The file of a module, or of data beside it (``package/file``); nothing is imported. None for what is neither.

    What was found once is not looked for again; whether it still is what it was says :attr:`Source.is_untouched`.
    """
    try:
        spec = importlib.util.find_spec(name.partition("/")[0].partition(".")[0])
    except ValueError:  # the program that was started has no such specification
        return None
    if spec is None or spec.origin is None or not spec.has_location:
        return None
    known = (spec.origin, name)
    if known not in _files and (found := _below(Path(spec.origin).absolute(), name)) is not None:
        _files[known] = found
    return _files.get(known)


def _below(top: Path, name: str) -> Path | None:
    """The file of that name, where ``top`` is the file of the package."""
    module, _, data = name.partition("/")
    rest = module.split(".")[1:]
    inside = top.parent.joinpath(*rest)
    if data:
        return inside / data if (inside / data).is_file() else None
    if not rest:
        return top
    return next((file for file in (inside.with_suffix(".py"), inside / "__init__.py") if file.is_file()), None)


def imports(name: str, path: Path) -> tuple[str, ...]:
    """Every dotted name that a module's file may import, parents first; ``from a import b`` may mean the module a.b."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return _absolute(package, source(path).facts.imports)


@cache
def _absolute(package: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names that a module of the package imports, and their parents, once each."""
    found: dict[str, None] = {}
    for dotted in names:
        bare = dotted.lstrip(".")
        if above := len(dotted) - len(bare):
            bare = ".".join([*package.split(".")[: package.count(".") + 2 - above], bare])
        parts = bare.split(".")
        found |= dict.fromkeys(".".join(parts[: n + 1]) for n in range(len(parts)))
    return tuple(found)


def _imports(tree: ast.Module) -> Iterator[str]:
    """What a file imports, in functions too, but not what only type checkers read.

    ``import_module`` of a text is an import; of anything else (the discovery of claims and studies) it is none.
    """
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and _name(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (f"{node.module}." if node.module else "")
            yield from (origin + alias.name for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__"):
            yield from (arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant) and type(arg.value) is str)


def _name(node: ast.expr) -> str:
    """A name, or the last one of several with dots between; of anything else, none."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _stamp(path: Path) -> tuple[int, ...]:
    seen = path.stat()
    return seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _spell(node: Any, words: list[str]) -> None:
    """A syntax tree in words, the same for every version of Python: what is empty does not count, nor do docstrings."""
    if isinstance(node, ast.AST):
        words.append(type(node).__name__)
        for field, value in ast.iter_fields(node):
            if field == "body" and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                value = value[1:] if _is_text(value[:1]) else value
            if field not in SILENT and value is not None and value != []:
                words.append(field)
                _spell(value, words)
        words.append(")")
    elif isinstance(node, list):
        words.append("[")
        for item in node:
            _spell(item, words)
        words.append("]")
    else:
        words.append(repr(node))


def _is_text(head: list[ast.stmt]) -> bool:
    return bool(head) and isinstance(head[0], ast.Expr) and isinstance(getattr(head[0].value, "value", None), str)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


look()
