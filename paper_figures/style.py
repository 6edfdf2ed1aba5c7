"""One style sheet: grey for what is context, few accents that colour-blind readers can tell apart, direct labels.

Every figure is a :class:`matplotlib.figure.Figure` made by :func:`canvas` inside :func:`sheet`. Files carry no date and
a fixed hash salt, so that the same data give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREEN: Final = "#007A5A"
PURPLE: Final = "#8F4E8B"
OLIVE: Final = "#685E23"
INK: Final = "#222222"
GREY: Final = "#777777"
PALE: Final = "#CCCCCC"
ACCENTS: Final = (BLUE, ORANGE, GREEN, PURPLE)
DASHES: Final = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))

#: The colour of an optimizer, or of a gate, in every figure and lesson: the gate of Algorithm 1 is orange, no gate is
#: blue, whatever stands behind it.
OPTIMIZERS: Final = {
    "VRAdam": ORANGE,
    "VRMomentum": ORANGE,
    "Adam": BLUE,
    "AdamW": BLUE,
    "momentum": BLUE,
    "smoothed VRAdam": GREEN,
    "RAdam": PURPLE,
    "Nesterov": GREEN,
    "RMSProp": INK,
}
GATES: Final = {
    "published": ORANGE,
    "no gate": BLUE,
    "smoothed": GREEN,
    "averaged": GREEN,
    "held": PURPLE,
    "predictable": OLIVE,
    "inside": OLIVE,
    "power 4": PURPLE,
    "per coordinate": OLIVE,
}

#: For maps of a share in [0, 1]: monotone in lightness, safe in grey.
SEQUENTIAL: Final = "cividis"

WIDTH: Final = 6.4  # inches; for figures that are set across a page
COLUMN: Final = 4.8  # inches; text stays readable when the figure is set at the width of one column

SHEET: Final[dict[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "mathtext.fontset": "dejavusans",
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.labelsize": 10,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "text.color": INK,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "vradam",
    "svg.fonttype": "path",
    "figure.constrained_layout.use": True,
}


def lesson() -> None:
    """Give a notebook the style sheet: curves that follow each other differ in colour and in dashes."""
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(SHEET | {"axes.prop_cycle": cycler(color=ACCENTS, linestyle=DASHES)})


@contextmanager
def sheet() -> Iterator[None]:
    """Matplotlib's defaults and :data:`SHEET`, no reader's settings, for the time of a ``with`` block."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SHEET)
        yield


def canvas(
    rows: int = 1, columns: int = 1, height: float = 3.6, width: float = WIDTH, **options: Any
) -> tuple[Figure, Any]:
    """A figure of a common width with its axes; call it inside :func:`sheet`."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def label(axes: Axes, x: float, y: float, text: str, color: str = INK, **options: Any) -> None:
    """A direct label at a data point, in the colour of what it names."""
    settings = {"fontsize": 9, "va": "center", "ha": "left", "color": color} | options
    axes.annotate(text, (x, y), **settings)


def headline(figure: Figure, message: str, detail: str = "") -> None:
    """The one thing that the figure says, above it; ``detail`` in grey below the message."""
    figure.suptitle(
        message, x=0.01, y=1.0, ha="left", va="bottom", fontsize=11.5, fontweight="bold", color=INK, wrap=False
    )
    if detail:
        figure.text(0.01, 0.995, detail, ha="left", va="top", fontsize=9, color=GREY)


def save(
    figure: Figure, folder: Path, name: str, suffixes: tuple[str, ...] = ("svg", "png"), says: str = ""
) -> list[Path]:
    """Write ``name.svg`` and ``name.png`` (or one of them) with the same bytes for the same figure, each in one go.

    The SVG carries what the figure ``says`` in its metadata, for whoever shows it.
    """
    written = []
    with sheet():
        for suffix, options in (
            ("svg", {"metadata": {"Date": None} | ({"Title": name, "Description": says} if says else {})}),
            ("png", {"dpi": 160, "metadata": {"Software": None}}),
        ):
            if suffix not in suffixes:
                continue
            buffer = io.BytesIO()
            figure.savefig(buffer, format=suffix, bbox_inches="tight", pad_inches=0.08, **options)
            content = palette(buffer) if suffix == "png" else buffer.getvalue()
            path = folder / f"{name}.{suffix}"
            path.write_bytes(content)
            written.append(path)
    return written


def palette(picture: io.BytesIO) -> bytes:
    """A PNG with the 256 colours that serve it best: a third of the size, and no difference that one sees."""
    from PIL import Image

    smaller = io.BytesIO()
    with Image.open(picture) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(smaller, format="png", optimize=True)
    return smaller.getvalue()
