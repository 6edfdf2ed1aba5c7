"""Slides hold all of a lesson, load nothing from elsewhere, and none is longer than a screen."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from html import unescape
from io import BytesIO

import pytest
from browser import chromium, needs_browser
from PIL import Image

from docs.blocks import LINES, Block, blocks, figure_of
from docs.lessons import ROOT, copy_lessons, has_slides, links_to_slides
from docs.slides import column, slides, write_slides
from notebooks.course import Scene

pytest.importorskip("markdown_it", reason='markdown-it-py is missing: pip install -e ".[docs]"')
pytest.importorskip("mdit_py_plugins", reason='mdit-py-plugins is missing: pip install -e ".[docs]"')
LESSONS = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if has_slides(path.stem)]
NAME = "03_edge_of_stability"


def png(width: int, height: int) -> str:
    """A white picture."""
    stored = BytesIO()
    Image.new("RGB", (width, height), "white").save(stored, "png")
    return b64encode(stored.getvalue()).decode()


def run(name: str) -> dict:
    """A lesson as if it had been run: a line and a picture or a formula a cell, a scene at the end."""
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell in code:
        printed = {"output_type": "stream", "text": ["B(0.9) = 38\n", "1 < 2\n"]}
        shown = {"text/latex": r"$\displaystyle \frac{\alpha_{0}}{1 + \alpha_{1}}$", "text/plain": "a/(1 + b)"}
        if "hide-input" in cell["metadata"].get("tags", ()):
            shown = {"image/png": png(1011, 371), "text/plain": "<Figure>"}
        cell["outputs"] = [printed, {"output_type": "display_data", "data": shown}]
    code[-1]["outputs"] = [{"output_type": "execute_result", "data": Scene("words", word="occcc")._repr_mimebundle_()}]
    return notebook


def words(html: str) -> list[str]:
    """The words outside of formulas and code."""
    bare = re.sub(r"<math.*?</math>|<details>.*?</details>", " ", html, flags=re.DOTALL)
    return re.findall(r"[^\W_]+", unescape(re.sub("<[^>]*>", " ", bare)))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_slides_hold_every_heading_and_every_word_in_order(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    text = "\n\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    page = slides(notebook, path.stem)
    body = re.sub(r'<p class="(about|heading)">.*?</p>', " ", page[page.index('<div class="slides">') :])
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " ", text, flags=re.DOTALL)
    text = re.sub(r"^\s*\d+\. ", "", text, flags=re.MULTILINE)
    assert words(body[: body.index("<script")]) == words(text.replace("<", " "))
    headings = re.findall(r"^##? (.*)$", text, re.MULTILINE)
    assert len(re.findall(r"<h[12]>", page)) == len(headings) > 3 and page.count("<section><section>") == len(headings)


def test_outputs_are_shown_and_code_is_folded():
    notebook = run(NAME)
    page = slides(notebook, NAME)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    pictures = [cell for cell in code if "image/png" in cell["outputs"][-1]["data"]]
    assert page.count("<details><summary>code</summary>") == len(code) and "<details open" not in page
    assert page.count("<img ") == len(pictures) > 4 and "<Figure>" not in page
    assert page.count("B(0.9) = 38\n1 &lt; 2</pre>") == len(code) - 1
    assert page.count("<mfrac>") >= len(code) - 1 - len(pictures) and r"\frac" not in re.sub(
        "<details>.*?</details>", "", page, flags=re.DOTALL
    )
    (scene,) = re.findall(r'<a href="(\.\./_static/explorer\.html#[^"]*)" target="_blank">', page)
    assert "word=occcc" in scene and "vnd.jupyter" not in page


def test_a_slide_is_no_longer_than_a_screen_and_keeps_the_order():
    """Only what cannot be divided is; a figure takes along the paragraph before it, and short ones after it."""
    wide = figure_of(png(1011, 371))
    assert figure_of(png(640, 480)).lines > wide.lines > LINES / 2
    texts = [Block(f"<p>{number}</p>", lines) for number, lines in enumerate((5, 5, 5, 2, 1, 20, 1))]
    found = [Block("<h2>A</h2>", 0, "heading"), *texts[:4], wide, *texts[4:]]
    pages = [re.findall(r"<p>(\d)</p>|(<img)", page) for page in column(found).split('<div class="slide">')[1:]]
    assert [["".join(item) for item in page] for page in pages] == [
        ["0", "1"], ["2"], ["3", "<img", "4"], ["5"], ["6"],
    ]  # fmt: skip


def test_a_formula_stays_with_its_sentence():
    cell = {"cell_type": "markdown", "source": "The edge is\n\n$$\\eta L < B,$$\n\nwhere $B > 0$. So.\n\nThen.\n"}
    first, second = blocks(cell)
    assert first.html.startswith("<p>The edge is") and first.html.endswith("So.</p>") and "<math" in first.html
    assert second.html == "<p>Then.</p>"


def test_a_lesson_that_begins_without_a_heading_is_refused():
    with pytest.raises(ValueError, match="a lesson must begin with a heading, it does not"):
        slides({"cells": [{"cell_type": "markdown", "source": "Words."}]}, "it")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    pytest.importorskip("sphinx_revealjs", reason='reveal.js is missing: pip install -e ".[docs]"')
    folder = tmp_path_factory.mktemp("slides")
    lessons = folder / "lessons"
    lessons.mkdir()
    (lessons / f"{NAME}.ipynb").write_text(json.dumps(run(NAME)), encoding="utf-8")
    (lessons / "09_exercises.ipynb").write_text('{"metadata": {}, "cells": []}', encoding="utf-8")
    write_slides(folder / "slides", lessons)
    return folder / "slides"


def test_slides_load_nothing_from_elsewhere(written):
    assert [path.stem for path in written.glob("*.html")] == [NAME]
    page = (written / f"{NAME}.html").read_text(encoding="utf-8")
    loaded = re.findall(r'<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="([^"]*)"', page)
    files = [address for address in loaded if not address.startswith("data:image/png;base64,")]
    assert len(files) == 4 and all((written / name).is_file() for name in files)
    assert [re.findall(r"@import|url\((?!data:)", (written / name).read_text("utf-8")) for name in files[:3]] == [
        []
    ] * 3
    assert "Permission is hereby granted" in (written / "reveal" / "LICENSE").read_text(encoding="utf-8")


def test_each_lesson_and_the_course_page_link_to_the_slides(written, tmp_path):
    copy_lessons(written.parent / "lessons", tmp_path)
    first = json.loads((tmp_path / f"{NAME}.ipynb").read_text(encoding="utf-8"))["cells"][0]
    (address,) = re.findall(r'href="\.\./(slides/[^"]*)"', "".join(first["source"]))
    assert (written.parent / address).is_file() and f'href="{address}"' in links_to_slides([NAME])
    assert "slides" not in (tmp_path / "09_exercises.ipynb").read_text(encoding="utf-8")
    assert "{{slides}}" in (ROOT / "docs" / "pages" / "course.md").read_text(encoding="utf-8")


@needs_browser
def test_no_slide_overflows_in_a_browser(written):
    """Opened from disk without a network: every slide fits into 1280 x 720, and ``c`` unfolds the code."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
        tab, said, asked = context.new_page(), [], []
        context.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto((written / f"{NAME}.html").as_uri())
        tab.wait_for_function("Reveal.isReady()")
        over = tab.evaluate("""() => Reveal.getSlides().flatMap((slide) => {
            const at = Reveal.getIndices(slide);
            Reveal.slide(at.h, at.v);
            const box = slide.querySelector(".slide");
            const wide = [...box.querySelectorAll(":scope > *")].filter((part) => part.scrollWidth > box.clientWidth);
            return box.scrollHeight > box.clientHeight || wide.length ? [box.textContent.slice(0, 60)] : [];
        })""")
        assert over == [] and tab.evaluate("Reveal.getTotalSlides()") > 12
        tab.evaluate("Reveal.slide(0, 0)")
        tab.keyboard.press("c")
        assert tab.evaluate("[...Reveal.getCurrentSlide().querySelectorAll('details')].every((part) => part.open)")
        context.close()
    assert said == [] and all(address.startswith(("file:", "data:")) for address in asked)
