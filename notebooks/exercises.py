"""``python -m notebooks.exercises`` writes both exercise notebooks from their one source.

The source, ``notebooks/source/exercises.ipynb``, is in the format of ``otter assign`` (otter-grader 7): raw cells hold
``# BEGIN QUESTION``, ``# BEGIN SOLUTION``, ``# BEGIN TESTS`` and their ends; in code, what stands between
``# BEGIN SOLUTION`` and ``# END SOLUTION`` is the solution, and so is the right side of a line that ends with
``# SOLUTION``. The exercises have ``...`` in their place; the solutions have the lines without the marks. Test cells go
to a grader alone. ``--check`` compares the committed notebooks with what would be written.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent
SOURCE: Final = FOLDER / "source" / "exercises.ipynb"
EXERCISES: Final = FOLDER / "09_exercises.ipynb"
SOLUTIONS: Final = FOLDER / "09s_solutions.ipynb"
MARK: Final = re.compile(r"# (BEGIN|END) (QUESTION|SOLUTION|TESTS|PROMPT)")
ONE_LINE: Final = re.compile(r"^(\s*[\w, ]+=) .*?  # SOLUTION$")


def without_solution(code: str) -> str:
    """Code with ``...`` in place of its solutions; nothing is left of a region that is marked NO PROMPT.

    >>> without_solution("x = 1\\nanswer = x + 1  # SOLUTION")
    'x = 1\\nanswer = ...'
    """
    kept: list[str] = []
    inside = False
    for line in code.splitlines():
        word = line.strip()
        if word.startswith("# BEGIN SOLUTION"):
            inside = True
            if not word.endswith("NO PROMPT"):
                kept.append(line[: len(line) - len(line.lstrip())] + "...")
        elif word.startswith("# END SOLUTION"):
            inside = False
        elif not inside:
            kept.append(ONE_LINE.sub(r"\1 ...", line))
    return "\n".join(kept).rstrip()


def with_solution(code: str) -> str:
    """Code with its solutions and without the marks."""
    kept = [line for line in code.splitlines() if not re.match(r"\s*# (BEGIN|END) SOLUTION", line)]
    return "\n".join(line.removesuffix("  # SOLUTION") for line in kept).rstrip()


def split(source: dict[str, Any], solved: bool) -> dict[str, Any]:
    """The notebook of exercises, or that of their solutions.

    Raises
    ------
    ValueError
        If the raw cells of the source do not open and close in order.
    """
    cells: list[dict[str, Any]] = []
    open_blocks: list[str] = []
    for cell in source["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "raw":
            for kind, block in MARK.findall(text):
                if kind == "BEGIN":
                    open_blocks.append(block)
                elif not open_blocks or open_blocks.pop() != block:
                    raise ValueError(f"# END {block} must close the block opened last, in {text!r}")
            continue
        if "TESTS" in open_blocks:
            continue
        in_solution = "SOLUTION" in open_blocks
        if cell["cell_type"] == "markdown":
            if solved or not in_solution:
                title = text.replace("# 09 · Exercises for a course", "# 09s · Exercises, with solutions")
                cells.append({"cell_type": "markdown", "source": title if solved else text})
            continue
        code = with_solution(text) if solved else without_solution(text)
        if code.strip():
            cells.append({"cell_type": "code", "source": code})
    if open_blocks:
        raise ValueError(f"every block must be closed, open: {', '.join(open_blocks)}")
    return {
        "cells": [_stored(cell, i) for i, cell in enumerate(cells)],
        "metadata": source["metadata"],
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _stored(cell: dict[str, Any], place: int) -> dict[str, Any]:
    """A cell as the notebooks are committed: keys in order, without outputs, named by its place."""
    common: dict[str, Any] = {"cell_type": cell["cell_type"], "id": f"cell-{place:02d}", "metadata": {}}
    code: dict[str, Any] = {"execution_count": None, "outputs": []} if cell["cell_type"] == "code" else {}
    return dict(sorted((common | code | {"source": cell["source"].splitlines(keepends=True)}).items()))


def written(notebook: dict[str, Any]) -> str:
    """The file's text."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write both notebooks, or compare; status 1 if a committed one is not what would be written."""
    parser = argparse.ArgumentParser(prog="python -m notebooks.exercises", description="Write the exercise notebooks.")
    parser.add_argument("--check", action="store_true", help="compare with the committed notebooks, write nothing")
    options = parser.parse_args(arguments)
    source = json.loads(SOURCE.read_text(encoding="utf-8"))
    stale = []
    for path, solved in ((EXERCISES, False), (SOLUTIONS, True)):
        text = written(split(source, solved))
        if options.check:
            stale += [] if path.read_text(encoding="utf-8") == text else [path.name]
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
    print("\n".join(f"{name}: differs from its source" for name in stale) or "both notebooks are those of the source")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
