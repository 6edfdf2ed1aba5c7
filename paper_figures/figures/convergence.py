"""Empirical rates against the bounds, with the line that needs no theorem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import BLUE, COLUMN, DASHES, GREY, ORANGE, canvas, headline, label

MEAN: Final = r"$E\|\nabla F(x_\tau)\|^2$"
TITLES: Final = {
    "informative_theorem1": r"Theorem 1: Adagrad",
    "informative_theorem2": r"Theorem 2: $\beta_1=0$",
    "informative_theorem4": r"Theorem 4: momentum",
    "informative_smoothed": r"C2: smoothed gate",
}


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """One panel per theorem in its informative setting, and one with all objectives at usual constants."""
    figure, panels = canvas(3, 2, height=6.8, width=COLUMN)
    grid = panels[0, 0].get_gridspec()
    for axes in panels[2]:
        axes.remove()
    for axes, (name, title) in zip(panels[:2].ravel(), TITLES.items(), strict=True):
        _theorem(axes, data[name], title)
    for axes in panels[:2, 0]:
        axes.set_ylabel(MEAN)
    _practice(figure.add_subplot(grid[2, :]), data["curves"])
    headline(figure, "Measured rates stay below every bound")
    return figure


def _theorem(axes: Axes, item: xr.Dataset, title: str) -> None:
    N = item.N.values
    axes.loglog(N, item.bound, color=ORANGE)
    axes.axhline(float(item.trivial), color=GREY, lw=1, ls=(0, (4, 3)))
    axes.fill_between(N, item.low, item.high, color=BLUE, alpha=0.3, lw=0)
    axes.loglog(N, item["mean"], "o-", color=BLUE, ms=3.5)
    axes.set_ylim(float(item["mean"][-1]) ** 1.5 * float(item["mean"][0]) ** -0.5 / 2, 4 * float(item.bound[0]))
    label(axes, N[0], float(item.bound[0]), "bound", ORANGE, xytext=(14, 6), textcoords="offset points")
    label(axes, N[-1], float(item.trivial), "trivial", GREY, ha="right", va="bottom", xytext=(0, 2),
          textcoords="offset points")  # fmt: skip
    times = float((item.bound / item["mean"])[-1])
    label(axes, 0.04, 0.03, f"measured;\nat the end the bound is\n{times:.0f} times as large", BLUE,
          xycoords="axes fraction", va="bottom", fontsize=8)  # fmt: skip
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("N", labelpad=1)


def _practice(axes: Axes, curves: xr.Dataset) -> None:
    """Every objective in units of its trivial line: the form that the theorem is about, and its bound."""
    form = "proof inside" if "proof inside" in curves.optimizer else "inside"
    for i in range(curves.sizes["problem"]):
        row = curves.isel(problem=i).sel(optimizer=form)
        axes.loglog(row.N, row.bound / row.trivial, color=ORANGE, lw=1)
        axes.loglog(row.N, row["mean"] / row.trivial, color=BLUE, lw=1, ls=DASHES[i % len(DASHES)])
    axes.axhline(1, color=GREY, lw=1, ls=(0, (4, 3)))
    label(axes, 0.98, 0.9, "their bounds", ORANGE, xycoords="axes fraction", ha="right")
    label(axes, float(curves.N[-1]), 1, "trivial", GREY, ha="right", va="bottom", xytext=(0, 2),
          textcoords="offset points")  # fmt: skip
    count = curves.sizes["problem"]
    label(axes, 0.02, 0.06, f"measured, {count} objective{'s' * (count > 1)}", BLUE, xycoords="axes fraction")
    axes.set_title("Usual constants: true, and not yet informative", fontsize=10)
    axes.set(xlabel="N", ylabel=f"{MEAN} / trivial")


FIGURE = Figure(
    "convergence",
    ("curves",),
    "Measured rates stay below the bounds of the theorems; the trivial line shows where these say something.",
    draw,
)
