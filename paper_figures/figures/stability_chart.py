"""The map of stability: where every start is proved to converge, where a cycle is proved to attract, what is undecided.

Behind the proved regions lies the share of random starts that does not converge. Where none was caught nothing is
drawn: zero is white, the smallest share already dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from paper_figures.figure import Figure
from paper_figures.style import BLUE, COLUMN, GREEN, INK, ORANGE, canvas, label
from theory.stability_map import CYCLE_PART, PARTS, SAFE_PART, column, safe_up_to

TICKS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
#: The columns at which the proved regions are read: beta1, evenly in log(1-beta1).
COLUMNS = 120


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["frontier"]``: shares over (variant, alpha1, outcome, beta1, fraction); ``data["boundaries"]``: curves."""
    runs = data["frontier"].sel(variant="published").isel(alpha1=_middle(data["frontier"]))
    stuck = (1 - runs.share.sel(outcome="origin")).transpose("fraction", "beta1")
    forgetting = 1 - runs.beta1.values
    alpha1 = float(runs.alpha1)
    figure, axes = canvas(height=4.4, width=COLUMN)
    colours = matplotlib.colormaps["cividis_r"].resampled(256)
    shades = colours(np.linspace(0.25, 1, 256))
    image = axes.pcolormesh(
        forgetting, runs.fraction, stuck.where(stuck > 0), vmin=0, vmax=max(float(stuck.max()), 0.01),
        cmap=matplotlib.colors.ListedColormap(shades), shading="nearest", rasterized=True,
    )  # fmt: skip
    axes.set(xscale="log", xlim=(forgetting.max(), forgetting.min()), ylim=(0, 1.06))
    _regions(axes, forgetting, alpha1)
    axes.axhline(1, color=INK, lw=2)
    label(axes, forgetting.max() * 0.97, 1.01, "local edge: S = B", INK, va="bottom", fontweight="bold")
    ticks = [tick for tick in TICKS if 1 - tick >= forgetting.min() * 0.999]
    axes.xaxis.set_major_locator(FixedLocator([1 - tick for tick in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{1 - value:.3g}"))
    axes.set(xlabel=r"$\beta_1$", ylabel=r"$\alpha_0 L\,/\,B(\beta_1)$")
    axes.set_title("Where every start converges")
    bar = figure.colorbar(image, ax=axes, pad=0.02, label="share of starts that does not converge (white: none)")
    bar.outline.set_visible(False)  # type: ignore[operator]
    return figure


def _regions(axes: Axes, forgetting: np.ndarray, alpha1: float) -> None:
    """What is proved at this clip: safe below the green line, cycles above the orange one."""
    across = np.geomspace(forgetting.max(), forgetting.min(), COLUMNS)
    settings = [Fraction(round(10**5 * value), 10**5) for value in np.clip(1 - across, 0, 0.9999)]
    parts = np.array([column(beta1, alpha1) for beta1 in settings])  # not intervals in general: islands are drawn
    safe = np.array([safe_up_to(beta1, alpha1) for beta1 in settings])
    cycles = np.where((parts == CYCLE_PART).any(axis=1), (parts == CYCLE_PART).argmax(axis=1) / PARTS, 1.0)
    fractions = (np.arange(PARTS) + 0.5) / PARTS
    for kind, colour, look in (
        (SAFE_PART, GREEN, {"colors": [GREEN], "alpha": 0.22}),
        (CYCLE_PART, ORANGE, {"colors": "none", "hatches": ["///"]}),
    ):
        here = (parts == kind).T.astype(float)
        filled = axes.contourf(across, fractions, here, levels=[0.5, 1.5], **look)
        if kind == CYCLE_PART:
            filled.set(edgecolor=ORANGE, linewidth=0, alpha=0.6)
        axes.contour(across, fractions, here, levels=[0.5], colors=[colour], linewidths=1.6)
    drawn = cycles < 1
    box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.9}
    place = forgetting.max() * 0.93
    label(axes, place, 0.30, "proved: every start\nconverges", GREEN, bbox=box)
    if drawn.any():
        middle = across[drawn][int(0.42 * (drawn.sum() - 1))]
        label(axes, middle, 0.86, "proved: a cycle\nattracts", ORANGE, bbox=box, ha="center")
    wide = np.flatnonzero(drawn & (cycles - safe > 0.08))
    if wide.size:
        k = wide[wide.size // 2]
        label(axes, across[k], (cycles[k] + safe[k]) / 2, "undecided", BLUE, bbox=box, ha="center")


def _middle(frontier: xr.Dataset) -> int:
    """The clip nearest to the default, 10."""
    return int(np.abs(np.log(np.minimum(frontier.alpha1.values, 1e9) / 10)).argmin())


FIGURE = Figure(
    "cycles",
    ("frontier", "boundaries"),
    "In the green region every start is proved to converge, in the hatched one a cycle is proved to attract; in "
    "between nothing is proved.",
    draw,
)
