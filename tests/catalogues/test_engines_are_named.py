"""Every study names its engine: "auto" goes by the size of a work, so that numbers would change with a setup."""

import ast
from pathlib import Path

import pytest

import experiments

STUDIES = Path(experiments.__file__).parent
RUNNERS = ("simulate", "along")


def calls(path):
    """The calls of these functions in a file, and of ``sweeps.run``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner, name = ast.unparse(node.func.value), node.func.attr
            if name in RUNNERS or (owner, name) == ("sweeps", "run"):
                yield node


def test_every_call_in_a_study_names_its_engine():
    found = [(path.relative_to(STUDIES), call) for path in STUDIES.rglob("*.py") for call in calls(path)]
    assert len(found) > 30
    for path, call in found:
        named = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert "auto" not in named.get("engine", "auto"), f"{path}:{call.lineno} does not name its engine"


@pytest.mark.parametrize("code", ["vradam.simulate(a, b, c)", "sweeps.run(a, engine='auto')"])
def test_the_check_sees_a_call_without_one(code, tmp_path):
    path = tmp_path / "study.py"
    path.write_text(code, encoding="utf-8")
    (call,) = calls(path)
    assert "auto" in {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}.get("engine", "auto")
