"""Slides made from the lessons: one page per lesson for reveal.js, whose files are copied beside it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from docs.blocks import LINES, Block, blocks
from docs.lessons import ROOT, has_slides

#: What stands below the first heading.
ABOUT = (
    '<p class="about"><a href="../notebooks/{name}.html">The lesson</a> · <kbd>space</kbd> goes on, <kbd>c</kbd> shows '
    "the code, <kbd>o</kbd> the overview, <kbd>?</kbd> all keys</p>"
)


def write_slides(folder: Path, lessons: Path) -> None:
    """The slides of every lesson in ``lessons``, which were run before, and all that they load."""
    reveal = Path(str(files("sphinx_revealjs"))) / "_static" / "revealjs"
    (folder / "reveal").mkdir(parents=True, exist_ok=True)
    for name in ("dist/reveal.js", "dist/reveal.css", "dist/reset.css", "LICENSE"):
        shutil.copy(reveal / name, folder / "reveal")
    shutil.copy(ROOT / "docs" / "slides.css", folder)
    for path in sorted(lessons.glob("*.ipynb")):
        if has_slides(path.stem):
            text = slides(json.loads(path.read_text(encoding="utf-8")), path.stem)
            (folder / f"{path.stem}.html").write_text(text, encoding="utf-8", newline="\n")


def slides(notebook: Mapping[str, Any], name: str) -> str:
    """The page of a lesson: a column for each heading, its slides below each other."""
    found = [block for cell in notebook["cells"] for block in blocks(cell)]
    starts = [number for number, block in enumerate(found) if block.kind == "heading"]
    if starts[:1] != [0]:
        raise ValueError(f"a lesson must begin with a heading, {name} does not")
    found.insert(1, Block(ABOUT.format(name=name), 1))
    starts = [0, *(start + 1 for start in starts[1:])]
    columns = [column(found[start:stop]) for start, stop in zip(starts, [*starts[1:], None], strict=True)]
    text = (ROOT / "docs" / "slides.html").read_text(encoding="utf-8")
    title = re.sub("<[^>]*>", "", found[0].html)
    return text.replace("{{title}}", title).replace("{{slides}}", "\n".join(columns))


def column(found: Sequence[Block]) -> str:
    """A heading and what follows it, as slides that do not overflow; each later one repeats the heading.

    >>> text = column([Block("<h2>A</h2>", 0, "heading"), Block("<p>b</p>", 9), Block("<p>c</p>", 9)])
    >>> text.count('<div class="slide">'), text.count("<h2>"), '<p class="heading">A</p>' in text
    (2, 1, True)
    """
    heading, *rest = found
    pages: list[list[Block]] = [[]]
    for block in rest:
        last = pages[-1]
        if last and block.lines and sum(item.lines for item in [*last, block]) > LINES:
            above = len(last) > 1 and last[-1].kind == "text" and last[-1].lines + block.lines <= LINES
            pages.append([last.pop()] if above and block.kind == "figure" else [])
        pages[-1].append(block)
    again = re.sub(r"</?h\d>", "", heading.html)
    heads = [heading.html] + [f'<p class="heading">{again}</p>'] * (len(pages) - 1)
    shown = (
        f'<section><div class="slide">{head}{"".join(block.html for block in page)}</div></section>'
        for head, page in zip(heads, pages, strict=True)
    )
    return "<section>" + "\n".join(shown) + "</section>"
