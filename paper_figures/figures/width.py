"""Does a gate widen the range of learning rates? Decades gained against Adam, problem by problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import BLUE, GATES, GREY, PURPLE, canvas, label

#: contender: (colour, marker, side of its line on which its name stands)
SHOWN: Final = {
    "published": (GATES["published"], "s", "right"),
    "recommended": (BLUE, "D", "left"),
    "alignment": (PURPLE, "o", "left"),
}
BETA1, FACTOR = 0.9, 2.0


def gains(deciding: xr.Dataset) -> xr.DataArray:
    """Decades of alpha0 (problem, contender) more than Adam, where Adam works at all."""
    width = deciding.width.sel(beta1=BETA1, factor=FACTOR)
    adam = width.sel(contender="Adam", drop=True)
    return (width - adam).where(adam > 0, drop=True)


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["deciding"]``: width over (problem, contender, beta1, factor)."""
    gained = gains(data["deciding"])
    gained = gained.sortby(gained.sel(contender="alignment"))
    figure, axes = canvas(height=4.6, width=6.4)
    rows = np.arange(gained.sizes["problem"])
    axes.axvline(0, color=GREY, lw=1.2)
    axes.hlines(rows, -1.3, 2.4, color=GREY, lw=0.3, zorder=0)
    for name, (color, marker, side) in SHOWN.items():
        values = gained.sel(contender=name)
        mean = float(values.mean())
        axes.plot(values, rows, ls="", marker=marker, ms=5, color=color)
        axes.plot([mean] * 2, [-0.6, rows[-1] + 1.7], color=color, lw=0.9, ls=(0, (4, 2)), zorder=0)
        shift = {"right": -0.04, "left": 0.04}[side]
        says = f"{name}\n{mean:+.2f}".replace("-", "\N{MINUS SIGN}")
        label(axes, mean + shift, rows[-1] + 1.1, says, color, ha=side, fontsize=8.5)
    axes.set_yticks(rows, [str(name).replace("_", " ") for name in gained.problem.values], fontsize=8.5)
    axes.set(xlabel=r"decades of $\alpha_0$ gained against Adam", xlim=(-1.3, 2.4), ylim=(-0.8, rows[-1] + 1.9))
    axes.tick_params(axis="y", length=0)
    axes.set_title("Alignment widens the range of rates", loc="left")
    return figure


FIGURE = Figure(
    "width",
    ("deciding",),
    "Decades of alpha0 within twice Adam's best median steps, gained against Adam at beta1 = 0.9, for the published "
    "gate, the recommended one and the alignment gate (held law, open to 11 alpha0); dashed: means over problems.",
    draw,
)
