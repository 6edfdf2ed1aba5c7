"""The notebooks as files: without outputs, with the promise first and three questions last. CI executes them."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def _cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def _prose(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in _cells(path) if cell["cell_type"] == "markdown"]


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_a_notebook_that_is_not_there_is_named(capsys):
    pytest.importorskip("nbclient", reason='needs pip install -e ".[notebooks]"')
    from notebooks.execute import main

    with pytest.raises(SystemExit, match="2"):
        main(["03", "99_no"])
    assert "no notebook begins with 99_no; they are 01_first_steps," in capsys.readouterr().err


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_stored_and_the_code_parses(path):
    code = [cell for cell in _cells(path) if cell["cell_type"] == "code"]
    assert code
    for cell in code:
        assert cell["outputs"] == [] and cell["execution_count"] is None
        ast.parse("".join(cell["source"]))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_identifiers_are_the_positions(path):
    cells = _cells(path)
    assert [cell["id"] for cell in cells] == [f"cell-{i:02d}" for i in range(len(cells))]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_opens_with_the_promise_under_its_number(path):
    title, _, promise = _prose(path)[0].split("\n", 2)
    assert title.startswith(f"# {path.stem.split('_')[0]} · ")
    assert promise.startswith("After this notebook you can ")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_ends_with_three_questions_and_the_references(path):
    assert _cells(path)[-1]["cell_type"] == "markdown"
    _, questions = _prose(path)[-1].split("## Questions\n")
    questions, references = questions.split("**References.**")
    assert re.findall(r"^(\d)\. ", questions, flags=re.MULTILINE) == ["1", "2", "3"]
    assert "arXiv" in references
