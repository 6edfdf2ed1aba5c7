"""The course: sentences held to computations, exercises from one source, answers judged by the theory's formulas."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from notebooks.checks import EXERCISES, check, verdict, word_growth
from notebooks.course import NUMBER, Scene, said
from notebooks.exercises import SOURCE, main, split, with_solution, without_solution

FOLDER = Path(__file__).parents[2] / "notebooks"
LESSONS = sorted(path for path in FOLDER.glob("*.ipynb") if not path.stem.startswith("09"))


def cells(path: Path, kind: str) -> list[str]:
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == kind]


def sentences(path: Path) -> list[str]:
    """What the lesson's cells hold its text to."""
    calls = [node for text in cells(path, "code") for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    found = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "said"]
    assert all(isinstance(node, ast.Constant) for node in found), path.name
    return [node.value for node in found if isinstance(node, ast.Constant)]


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_sentence_that_a_cell_asserts_stands_in_the_text(path):
    text, found = plain(" ".join(cells(path, "markdown"))), sentences(path)
    assert found, "a lesson that claims nothing"
    missing = [sentence for sentence in found if plain(sentence) not in text]
    assert missing == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_opens_with_what_is_seen_and_asked_and_uses_the_style_sheet(path):
    first = " ".join(cells(path, "markdown")[:4])
    assert first.index("**The phenomenon.**") < first.index("**The question.**") < len(first)
    assert any("style.lesson()" in text for text in cells(path, "code"))
    assert "interact(" not in "".join(cells(path, "code"))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_files_that_a_lesson_names_exist(path):
    named = re.findall(r"`((?:theory|vradam|experiments|notebooks)/[\w/.]+)`", " ".join(cells(path, "markdown")))
    assert [name for name in named if not (FOLDER.parent / name).exists()] == []


@pytest.mark.parametrize(
    ("sentence", "values"),
    [
        ("47 % of the 400 steps", (0.4649, 400)),
        ("47 % of the 400 steps", (0.4799, 400)),
        ("1.30, that of momentum 2.86", (1.30, 2.92)),
        ("a bound of 1e-3", (2e-3,)),
        ("all gates are open", (False,)),
    ],
)
def test_a_sentence_that_is_off_is_refused(sentence, values):
    with pytest.raises(AssertionError, match="the text says"):
        said(sentence, *values)


def test_a_sentence_is_held_to_the_digits_that_it_gives():
    said("47 % of the 400 steps", 0.4712, 400)
    said("settles at 0.89", 0.8949)
    said("there are cycles", True)
    with pytest.raises(ValueError, match="must have 1 numbers"):
        said("there are cycles", 3.0)


def test_a_scene_is_an_address_of_the_page():
    from explorer.setup import from_url

    scene = Scene("cycle", alpha0=30.0, x=14.0, v=-0.7)
    given = from_url(scene.address)
    assert float(given["optimizer"].alpha0) == 30 and given["x0"].tolist() == [14.0]
    assert scene._repr_mimebundle_()["text/html"].count("../explorer/explorer.html#1") == 1
    with pytest.raises(ValueError, match="alpha0 must lie in"):
        Scene("cycle", alpha0=-1.0)


def test_the_notebooks_are_those_of_the_source(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_there_are_twelve_exercises_from_a_warm_up_to_an_open_one():
    headings = re.findall(r"^## (\d+) · .*?(★+)(, open)?\n\n\*About (\d+) minutes; before it: lessons? .+?\.\*$",
                          "\n".join(cells(FOLDER / "09_exercises.ipynb", "markdown")), re.MULTILINE)  # fmt: skip
    assert [int(number) for number, *_ in headings] == list(EXERCISES) == list(range(1, 13))
    stars = [len(found) for _, found, *_ in headings]
    assert stars == sorted(stars) and set(stars) == {1, 2, 3} and headings[-1][2] == ", open"


def test_the_exercises_hold_no_solution():
    """Nothing of a region or of a cell of solutions is left, no number of an answer, and every answer is open."""
    source = json.loads(SOURCE.read_text(encoding="utf-8"))
    shown = "\n".join("".join(cell["source"]) for cell in split(source, solved=False)["cells"])
    assert "SOLUTION" not in shown and "verdict" not in shown
    assert re.findall(r"^answer_(\d+) = (.*)$", shown, re.MULTILINE) == [(str(k), "...") for k in EXERCISES]
    for number, exercise in EXERCISES.items():
        code = shown.split(f"## {number} · ")[1].split("\n## ")[0]
        for value in exercise.right() if number not in (1, 2, 5, 11) else ():
            assert f"{value:.4g}" not in NUMBER.findall(code), (number, value)
    solved = "\n".join("".join(cell["source"]) for cell in split(source, solved=True)["cells"])
    assert solved.count("assert verdict(") == len(EXERCISES) and "..." not in re.findall("answer_.* = (.*)", solved)
    assert "SOLUTION" not in solved


def test_marks_are_read_as_otter_reads_them():
    regions = "# BEGIN SOLUTION\nb = 2\n# END SOLUTION\n# BEGIN SOLUTION NO PROMPT\nc = 3\n# END SOLUTION"
    code = f"a = 1\n{regions}\nd = 4  # SOLUTION"
    assert without_solution(code) == "a = 1\n...\nd = ..."
    assert with_solution(code) == "a = 1\nb = 2\nc = 3\nd = 4"
    with pytest.raises(ValueError, match="END QUESTION must close the block opened last"):
        split({"cells": [{"cell_type": "raw", "source": ["# END QUESTION"]}], "metadata": {}}, solved=True)


@pytest.mark.parametrize("number", [number for number in EXERCISES if number != 6])
def test_the_right_answer_is_accepted_and_one_that_is_off_by_three_per_cent_is_not(number, capsys):
    right = EXERCISES[number].right()
    assert check(number, right if len(right) > 1 else right[0]) and capsys.readouterr().out == f"{number}: right.\n"
    for part in range(len(right)):
        wrong = [value * (1.03 if i == part else 1) for i, value in enumerate(right)]
        found, text = verdict(number, wrong)
        assert not found and EXERCISES[number].asks[part] in text


MISTAKES = [(number, mistake) for number, exercise in EXERCISES.items() for mistake in exercise.mistakes()]


@pytest.mark.parametrize(("number", "mistake"), MISTAKES)
def test_the_usual_mistake_gets_its_hint(number, mistake):
    answer = list(EXERCISES[number].right())
    answer[mistake.part] = mistake.value
    found, text = verdict(number, answer)
    assert not found and text.endswith(mistake.hint)


def test_a_word_is_judged_by_its_growth():
    """Alone each gate shrinks by sqrt(beta1) a step, the modulus of its complex roots; some word grows."""
    assert word_growth(1, 0) == pytest.approx(np.sqrt(0.9)) and word_growth(0, 1) == pytest.approx(np.sqrt(0.9))
    grown = [(p, q) for p in range(1, 8) for q in range(1, 16) if word_growth(p, q) > 1]
    assert grown and all(verdict(6, word)[0] for word in grown)
    for word, said_of_it in (((1, 0), "needs both"), ((1, 1), "shrinks"), ((1.5, 2), "whole numbers")):
        assert not verdict(6, word)[0] and said_of_it in verdict(6, word)[1]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (..., "no answer yet"),
        ((1.0, ..., 2.0), "no answer yet"),
        (1.0, "asked are 3 numbers"),
        (("a", 1, 2), "numbers"),
    ],
)
def test_what_is_no_answer_is_said(answer, text):
    found, said_of_it = verdict(5, answer)
    assert not found and text in said_of_it
    with pytest.raises(ValueError, match="number must be one of 1, 2"):
        verdict(13, answer)


def test_a_client_that_waits_for_ever_is_given_up_and_tried_once_more(tmp_path, monkeypatch, capsys):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is missing: no notebook can be run")
    pytest.importorskip("nbclient", reason="nbclient is missing: no notebook can be run")
    from notebooks import execute

    path = tmp_path / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), path)
    attempts: list[Any] = []

    async def run(notebook, silent=1):
        attempts.append(notebook)
        if len(attempts) <= silent:
            await asyncio.Event().wait()

    monkeypatch.setattr(execute, "run", run)
    name, _, error, tried = execute.execute(path, None, whole=0.05)
    assert (name, error, tried, len(attempts)) == ("one.ipynb", "", 2, 2)
    assert "one.ipynb, attempt 1: no end within 0.05 s" in capsys.readouterr().out
    attempts.clear()
    monkeypatch.setattr(execute, "run", lambda notebook: run(notebook, silent=2))
    assert execute.execute(path, None, whole=0.05)[2:] == ("no end within 0.05 s", 2)
    monkeypatch.setattr(execute, "run", lambda notebook: run(notebook, silent=0))
    execute.execute(path, tmp_path / "out", hide=True)
    (cell,) = nbformat.read(tmp_path / "out" / "one.ipynb", as_version=4).cells
    assert cell.metadata.jupyter.source_hidden
