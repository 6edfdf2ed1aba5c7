"""Put the page together: generated code, numbers, style and the hand-written modules become one file.

The ES module is one text with two uses: inlined in ``explorer.html``, and handed to notebooks as a widget. What a
worker needs lies in one function, ``engine``, whose own text is the worker's program.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import explorer.formulas
import explorer.shown
from explorer import numbers, state
from paper_figures.style import BLUE, GREEN, GREY, INK, OLIVE, ORANGE, PALE, PURPLE
from theory.javascript import PRELUDE, steps
from vradam import random_streams

PAGE: Final = Path(__file__).parent / "page"
COMMITTED: Final = Path(__file__).parent / "explorer.html"
LIMIT: Final = 400_000  # bytes
COLOURS: Final = {
    "blue": BLUE, "orange": ORANGE, "green": GREEN, "purple": PURPLE, "olive": OLIVE, "ink": INK, "grey": GREY,
    "pale": PALE,
}  # fmt: skip
#: Constants of the noise, by their names in :mod:`vradam.random_streams`.
CHEBYSHEV: Final = (*(f"L{i}" for i in range(10)), *(f"S{i}" for i in range(4)), *(f"C{i}" for i in range(5)))


def _read(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def literal(value: Any) -> str:
    """A value as JavaScript that may stand inside a script element of a page."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def noise_constants() -> str:
    """The constants of the generator and of its normals, from the instrument's own module."""
    names = [*CHEBYSHEV, "MINUS_TWO_LN_TWO"]
    numbers = ", ".join(f"{name} = {getattr(random_streams, name)!r}" for name in names)
    words = {"PARITY": int(random_streams.PARITY), "ROOT_HALF": int(random_streams.ROOT_HALF)}
    halves = ", ".join(
        f"{name}_HIGH = 0x{value >> 32:X}, {name}_LOW = 0x{value & 0xFFFFFFFF:X}" for name, value in words.items()
    )
    return f"const {numbers};\nconst {halves};"


@cache
def engine() -> str:
    """The function that computes: generated code, the noise, runs, basins, words. It knows no page."""
    printed = steps()
    named = ",\n".join(printed)
    objectives = ",\n".join(f"{name}, {name}_gradient" for name in explorer.shown.OBJECTIVES)
    formulas = ", ".join(explorer.formulas.FORMULAS)
    return "\n".join(
        [
            "function engine() {",
            '"use strict";',
            PRELUDE,
            *printed.values(),
            explorer.shown.javascript(),
            explorer.formulas.javascript(),
            f"const steps = {{{named}}};",
            f"const objectives = {{{objectives}}};",
            f"const formulas = {{{formulas}}};",
            noise_constants(),
            _read("noise.js"),
            _read("engine.js"),
            "}",
        ]
    )


@cache
def module() -> str:
    """The ES module: ``mount(element, options)`` for a page, ``default.render({model, el})`` for a widget."""
    data = {
        "fields": state.table(),
        "version": state.VERSION,
        "needs": state.NEEDS,
        "objectives": explorer.shown.described(),
    }
    return "\n".join(
        [
            engine(),
            f"const TABLE = {literal(data)};",
            f"const STORED = {literal(numbers.everything())};",
            *map(_read, ("pen.js", "plots.js", "models.js", "scene.js")),
            *(_read(f"scenes/{name}.js") for name in state.SCENES),
            *map(_read, ("gallery.js", "state.js", "dom.js", "controls.js", "reading.js", "hands.js", "app.js")),
        ]
    )


def style() -> str:
    """The style sheet, its colours those of the figures."""
    sheet = _read("style.css")
    for name, colour in COLOURS.items():
        sheet = sheet.replace(f"@{name}", colour)
    return sheet


def page(recorded: dict[str, Any] | None = None) -> str:
    """``explorer.html``; with the values of a run if one is given.

    Raises
    ------
    ValueError
        If the page without a run exceeds :data:`LIMIT`.
    """
    whole = _read("page.html").replace("@style", style()).replace("@module", module())
    if recorded is None and len(whole.encode()) > LIMIT:
        raise ValueError(f"the page must stay below {LIMIT:,} bytes, got {len(whole.encode()):,}")
    return whole.replace("@recorded", literal(recorded))
