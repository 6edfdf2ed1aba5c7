"""A hidden cycle: the starts that end in it, in the plane of position and velocity, below the edge."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import COLUMN, INK, canvas, label

#: The origin, the four phases in two pairs that differ in lightness, anything else.
COLORS = ("#777777", "#FFFFFF", "#0072B2", "#9CCBE8", "#D55E00", "#F5BF8E")


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["basins"]``: ``end`` over (x, v) is -1 at the origin and 0..3 in the cycle; its four points."""
    found = data["basins"]
    share = float((found.end >= 0).mean())
    figure, axes = canvas(height=4.2, width=COLUMN)
    axes.pcolormesh(
        found.x, found.v, found.end.transpose("v", "x"), cmap=ListedColormap(COLORS),
        norm=BoundaryNorm(np.arange(-2.5, 4), len(COLORS)), shading="nearest", rasterized=True,
    )  # fmt: skip
    box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.9}
    for i, (x, v) in enumerate(zip(found.cycle_x.values, found.cycle_v.values, strict=True)):
        axes.plot(x, v, "o", ms=7, mfc=COLORS[i + 2], mec=INK, mew=1.3)
        label(axes, x, v, f"{i + 1}", INK, xytext=(8, 0), textcoords="offset points", bbox=box, fontweight="bold")
    axes.plot(0, 0, "+", ms=11, mew=2, color=INK)
    label(axes, 0, 0, "the minimiser", INK, xytext=(0, -13), textcoords="offset points", ha="center", bbox=box)
    axes.set(xlabel=r"position $x$", ylabel=r"velocity $v$")
    axes.set_title(
        f"At {found.attrs['fraction']:.0%} of the edge, {share:.0%} of these starts\nend in a cycle of period 4"
    )
    axes.text(
        1, -0.155, "white: converges;  colours: phase in which the cycle is entered", fontsize=8.5, ha="right",
        va="top", transform=axes.transAxes,
    )  # fmt: skip
    return figure


FIGURE = Figure(
    "cycles",
    ("basins",),
    "A hidden cycle of period 4 below the edge, and the starts that end in it.",
    draw,
)
