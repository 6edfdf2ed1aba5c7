"""A hidden cycle: the starts that end in it, in the plane of position and velocity, below the edge."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import COLUMN, GREY, INK, canvas, label

#: The four phases, in two pairs that differ in lightness.
COLORS = ("#0072B2", "#9CCBE8", "#D55E00", "#F5BF8E")
#: Cells a side over which the share is taken, and over which a phase has to be the same to be drawn.
AROUND, ALIKE = 9, 3


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["basins"]``: ``end`` over (x, v) is -1 at the origin and 0..3 in the cycle; its four points."""
    from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

    found = data["basins"]
    share = float((found.end >= 0).mean())
    figure, axes = canvas(height=4.2, width=COLUMN)
    end = found.end.transpose("v", "x").values
    around = uniform_filter((end >= 0).astype(float), AROUND, mode="nearest")
    image = axes.pcolormesh(
        found.x, found.v, around, cmap="Greys", vmin=0, vmax=1.4, shading="nearest", rasterized=True
    )
    alike = minimum_filter(end, ALIKE) == maximum_filter(end, ALIKE)
    axes.pcolormesh(
        found.x, found.v, np.where(alike & (end >= 0), end, np.nan), cmap=ListedColormap(COLORS),
        norm=BoundaryNorm(np.arange(-0.5, 4), len(COLORS)), shading="nearest", rasterized=True,
    )  # fmt: skip
    axes.pcolormesh(
        found.x, found.v, np.where(alike & (end == -1), 0.0, np.nan), cmap=ListedColormap(["white"]), shading="nearest",
        rasterized=True,
    )  # fmt: skip
    bar = figure.colorbar(image, ax=axes, pad=0.02, boundaries=np.linspace(0, 1, 101), ticks=[0, 0.5, 1])
    bar.set_label("grey: share of the starts around\nthat end in the cycle")
    bar.outline.set_visible(False)  # type: ignore[operator]
    box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.9}
    for i, (x, v) in enumerate(zip(found.cycle_x.values, found.cycle_v.values, strict=True)):
        axes.plot(x, v, "o", ms=7, mfc=COLORS[i], mec=INK, mew=1.3)
        label(axes, x, v, f"{i + 1}", INK, xytext=(8, 0), textcoords="offset points", bbox=box, fontweight="bold")
    axes.plot(0, 0, "+", ms=11, mew=2, color=INK)
    label(axes, 0, 0, "the minimiser", INK, xytext=(0, -13), textcoords="offset points", ha="center", bbox=box)
    axes.set(xlabel=r"position $x$", ylabel=r"velocity $v$")
    axes.set_title(
        f"At {found.attrs['fraction']:.0%} of the edge, {share:.0%} of these starts\nend in a cycle of period 4"
    )
    figure.supxlabel("white: converges;  colours: phase in which the cycle is entered", fontsize=8.5, color=GREY)
    return figure


FIGURE = Figure(
    "cycles",
    ("basins",),
    "A hidden cycle of period 4 below the edge, and the starts that end in it.",
    draw,
)
