"""The pieces that slides are made of: a lesson's paragraphs, formulas, figures and what its cells printed."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil
from struct import unpack
from typing import Any

from docs.lessons import SCENE
from docs.mathematics import aligned, mathml

LINES = 13.0  #: lines of text on a slide below its heading
WIDTH = 92  #: characters in a line
COLUMNS = 104  #: characters in a printed line
PRINTED = 0.75  #: height of a printed line, in lines of text


@dataclass(frozen=True)
class Block:
    """A piece that stays on one slide, and the lines that it takes; a heading begins a column of slides."""

    html: str
    lines: float
    kind: str = "text"  #: "text", "figure" or "heading"


def blocks(cell: Mapping[str, Any]) -> Iterator[Block]:
    """The pieces of a cell: paragraphs, lists and headings of text; of code its outputs, and the code folded away."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield from paragraphs(source)
    elif cell["cell_type"] == "code":
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer

        code = highlight(source, PythonLexer(), HtmlFormatter(noclasses=True))
        folded = f"<details><summary>code</summary>{code}</details>"
        shown = list(outputs(cell.get("outputs", ())))
        figure, text = (joined(block for block in shown if block.kind == kind) for kind in ("figure", "text"))
        if figure.html and figure.lines + text.lines > LINES:
            yield from (Block(figure.html + folded, figure.lines, "figure"), text)
        else:
            kind = "figure" if figure.html else "text"
            yield Block(figure.html + text.html + folded, figure.lines + text.lines, kind)


def joined(found: Iterable[Block]) -> Block:
    """Several blocks as one."""
    every = list(found)
    return Block("".join(block.html for block in every), sum(block.lines for block in every))


def paragraphs(source: str) -> Iterator[Block]:
    """The blocks of a text in Markdown; a formula stays with the sentence around it."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    reader = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, renderer=formula)
    tokens, start, held = reader.parse(source), 0, Block("", 0)
    for number, token in enumerate(tokens):
        if token.level or token.nesting == 1:
            continue
        part, start = tokens[start : number + 1], number + 1
        html = reader.renderer.render(part, reader.options, {}).strip()
        html = re.sub(
            r'(<span class="math inline">(?:(?!</span>).)*</span>)([^\s<]+)',
            r'<span class="together">\1\2</span>',
            html,
        )
        rows = [item.content for item in part if item.type in ("inline", "fence", "code_block")]
        lines = 0.5 + sum(ceil(len(plain(row)) / WIDTH) for row in rows)
        goes_on = "math" in held.html[-40:] and bool(rows) and rows[0][:1].islower()
        if token.type == "math_block":
            held = Block(held.html + html, held.lines + 2.6 + 1.4 * token.content.count(r"\\"))
        elif goes_on:
            held = Block(held.html + html, held.lines + lines)
        else:
            if held.html:
                yield held
            heading = token.type == "heading_close" and token.tag in ("h1", "h2")
            if heading:
                yield Block(html, 0, "heading")
            held = Block("", 0) if heading else Block(html, lines)
    if held.html:
        yield held


def plain(text: str) -> str:
    """Text about as long as it is shown: a command of a formula is one character.

    >>> plain(r"with $\\beta_1 = 0.9$")
    'with x_1 = 0.9'
    """
    return re.sub(r"\\[A-Za-z]+|[{}$*`]", lambda found: "x" if found.group()[0] == "\\" else "", text)


def formula(text: str, options: Mapping[str, Any]) -> str:
    """A formula of the text as MathML, smaller where it would be wider than a slide."""
    if not options["display_mode"]:
        return mathml(text, "inline")
    found = mathml(aligned(text), "block")
    wide = max(len(plain(row)) for row in text.split(r"\\")) > WIDTH
    return f'<div class="small">{found}</div>' if wide else found


def outputs(found: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """Pictures, formulas, a link for a scene of the explorer, else text; an object beside a picture is left out."""
    pictured, printed = any("image/png" in output.get("data", {}) for output in found), ""
    for output in [*found, {"data": {}}]:
        data = {kind: "".join(value) for kind, value in output.get("data", {}).items() if isinstance(value, str | list)}
        if "text" in output:
            printed += "".join(output["text"])
            continue
        if printed:
            yield as_printed(printed)
            printed = ""
        if "image/png" in data:
            yield figure_of(data["image/png"].strip())
        elif scene := SCENE.search(data.get("text/html", "")):
            link = f'<a href="../_static/explorer.html{scene[1]}" target="_blank">Move the sliders in the explorer</a>'
            yield Block(f'<p class="scene">{link}</p>', 1.5)
        elif "text/latex" in data:
            text = data["text/latex"].strip().strip("$").removeprefix(r"\displaystyle")
            yield Block(f'<div class="math block">{mathml(text, "block")}</div>', 2.6)
        elif "text/plain" in data and not pictured:
            yield as_printed(data["text/plain"])


def figure_of(code: str) -> Block:
    """A picture, PNG in base64: at least four fifths of the slide's width, or ten lines high."""
    width, height = unpack(">II", b64decode(code[:32])[16:24])
    return Block(f'<img src="data:image/png;base64,{code}" alt="">', min(10.4, 0.8 * 32 * height / width), "figure")


def as_printed(text: str) -> Block:
    """What a cell printed, smaller where it has more lines than a slide."""
    lines = text.rstrip().splitlines()
    height = 0.4 + PRINTED * sum(ceil((len(line) or 1) / COLUMNS) for line in lines)
    small = height > LINES
    opening = '<pre class="small">' if small else "<pre>"
    return Block(opening + escape("\n".join(lines)) + "</pre>", min(height, LINES))
