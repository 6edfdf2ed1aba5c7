"""The mutants of a module: the same text with one operator, number, comparison or truth value changed."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: What a study chooses, by name, beside the fields of its setups.
CHOICES = ("DEFAULT", "PAPER", "PROBLEMS", "LONGEST", "GATES", "ALL", "WITHOUT_MOMENTUM", "MORE_MOMENTUM")
#: Where: the studies, and what two of them share.
CHOOSE = ("experiments/studies/", "experiments/measurement/central_rate.py")
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult, ast.MatMult: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}  # fmt: skip
TWINS = {"min": "max", "minimum": "maximum", "any": "all", "floor": "ceil", "argmin": "argmax", "Min": "Max"}
TWINS |= {second: first for first, second in TWINS.items()}
#: Keywords that say nothing of a result: whether zip checks lengths, bars and their looks, how far a text is indented.
KEYWORDS = ("strict", "progress", "leave", "position", "indent")
#: A float this small stands for the smallest there is: it keeps 0 from dividing, whatever its digits.
GUARD = 1e-290


@dataclass(frozen=True)
class Mutant:
    """One change: ``name`` says where and what, ``source`` is the module with it."""

    module: str
    name: str
    line: int
    source: str


def mutants(module: str, text: str) -> list[Mutant]:
    """Every mutant of a module's text, in order."""
    return [Mutant(module, name, line, ast.unparse(tree)) for name, line, tree in _changed(module, text)]


def names(module: str, text: str) -> list[str]:
    """The names of the mutants, in order; their texts, which take a hundred times as long, are not written."""
    return [name for name, _, _ in _changed(module, text)]


def _changed(module: str, text: str) -> Iterator[tuple[str, int, ast.Module]]:
    """Every change by name and line, with the syntax tree, which has it until the next one is asked for."""
    seen: dict[str, int] = {}
    tree = ast.parse(text)
    settings = _settings(tree) if module.startswith(CHOOSE) else set()
    for place, parent, node in list(_walk(tree, "")):
        if id(node) in settings:
            continue
        shown = parent if isinstance(node, ast.Constant | ast.Name | ast.Attribute) else node
        for attribute, new in _changes(parent, node):
            old, before = getattr(node, attribute), _short(shown)
            setattr(node, attribute, new)
            name = f"{place}: {before} -> {_short(shown)}"
            seen[name] = seen.get(name, 0) + 1
            yield name + (f" ({seen[name]})" if seen[name] > 1 else ""), node.lineno, tree
            setattr(node, attribute, old)


def _changes(parent: ast.AST | None, node: Any) -> Iterator[tuple[str, Any]]:
    """The changes of one node: an attribute and its new value."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign):
        if type(node.op) in OPERATORS and not _is_text(node):
            yield "op", OPERATORS[type(node.op)]()
    elif isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            for other in COMPARISONS[type(operator)]:
                yield "ops", [*node.ops[:i], other(), *node.ops[i + 1 :]]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "op", ast.UAdd()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "operand", ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
        yield "test", ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        if not 0 < abs(node.value) < GUARD:
            yield "value", _other(node.value)
    elif isinstance(parent, ast.Call) and node is parent.func and isinstance(node, ast.Name | ast.Attribute):
        attribute = "id" if isinstance(node, ast.Name) else "attr"
        if twin := TWINS.get(getattr(node, attribute)):
            yield attribute, twin


def _short(node: Any) -> str:
    text = " ".join(ast.unparse(node.test if isinstance(node, ast.If | ast.While) else node).split())
    return text if len(text) <= 90 else text[:87] + "..."


def _walk(node: ast.AST, place: str, parent: ast.AST | None = None) -> Iterator[tuple[str, ast.AST | None, ast.AST]]:
    """Nodes in which a change matters, with the qualified name of where they are and their parent."""
    yield place or "module", parent, node
    if isinstance(node, ast.Raise | ast.Import | ast.ImportFrom | ast.JoinedStr):
        return
    if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
        return
    if isinstance(node, ast.keyword) and node.arg in KEYWORDS:
        return
    if _is_call_of(parent, "reshape") and ast.unparse(node) == "-1":  # NumPy finds the size for -2 as for -1
        return
    if isinstance(node, ast.FunctionDef) and all(map(_says_nothing, node.body)):  # of a protocol: never called
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        place = f"{place}.{node.name}".lstrip(".")
    skipped = {"annotation", "returns", "decorator_list", "type_comment"}
    if isinstance(node, ast.If) and ast.unparse(node.test) == "os.name == 'nt'":  # the other system's branch
        skipped.add("orelse" if os.name == "nt" else "body")
    for name, value in ast.iter_fields(node):
        if name not in skipped:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _walk(child, place, node)


def _settings(tree: ast.Module) -> set[int]:
    """The nodes of what a study chooses: fields of classes, and its :data:`CHOICES`."""
    chosen: list[ast.AST] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            chosen += [part for part in node.body if isinstance(part, ast.AnnAssign)]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            chosen += [node] if ast.unparse(target) in CHOICES else []
    return {id(part) for node in chosen for part in ast.walk(node)}


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return value * 1.02 if value and abs(value) < 1e300 else 1.0


def _is_call_of(node: ast.AST | None, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name


def _says_nothing(node: ast.AST) -> bool:
    """A docstring or an ellipsis."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_text(node: Any) -> bool:
    """Sums and products of texts are no formulas."""
    sides = [node.left, node.right] if isinstance(node, ast.BinOp) else []
    return any(isinstance(side, ast.JoinedStr) or isinstance(getattr(side, "value", None), str) for side in sides)
