"""Empirical rates against the bounds, with the line that needs no theorem."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figures.style import ACCENTS, BLUE, GREY, INK, ORANGE, canvas, label

TITLES = {
    "informative_theorem1": r"Theorem 1: Adagrad",
    "informative_theorem2": r"Theorem 2: $\beta_1=0$",
    "informative_theorem4": r"Theorem 4: momentum",
    "informative_smoothed": r"Theorem C2: smoothed gate",
}


def draw(data: Mapping[str, xr.Dataset]) -> Figure:
    """One panel per theorem in its informative setting, and one with the practical curves of the first problem."""
    names = [name for name in TITLES if name in data]
    figure, panels = canvas(2, (len(names) + 2) // 2, height=5.4)
    panels = panels.ravel()
    for axes, name in zip(panels, names, strict=False):
        _theorem(axes, data[name], TITLES[name])
    _practice(panels[len(names)], data["curves"])
    for axes in panels[len(names) + 1 :]:
        axes.set_axis_off()
    return figure


def _theorem(axes: Axes, item: xr.Dataset, title: str) -> None:
    N = item.N.values
    axes.loglog(N, item.bound, color=ORANGE)
    axes.axhline(float(item.trivial), color=GREY, lw=1, ls=(0, (4, 3)))
    axes.fill_between(N, item.low, item.high, color=BLUE, alpha=0.3, lw=0)
    axes.loglog(N, item["mean"], "o-", color=BLUE, ms=3.5)
    label(axes, N[0], float(item.bound[0]), "bound  ", ORANGE, va="bottom")
    label(axes, N[-1], float(item.trivial) * 1.15, "trivial line", GREY, ha="right", va="bottom")
    label(axes, N[0], float(item["mean"][0]), r"measured", BLUE, va="top", xytext=(0, -8), textcoords="offset points")
    loose = float((item.bound / item["mean"])[-1])
    axes.set_title(title)
    axes.set(xlabel=f"N      (at the end: bound / measured = {loose:.0f})", ylabel=r"$E\|\nabla F(x_\tau)\|^2$")


def _practice(axes: Axes, curves: xr.Dataset) -> None:
    first = curves.isel(problem=0)
    shown = [name for name in ("published", "inside", "smoothed beta2", "Adam") if name in first.optimizer]
    for name, color, marker in zip(shown, ACCENTS, "os^D", strict=True):
        row = first.sel(optimizer=name)
        axes.loglog(row.N, row["mean"], marker=marker, ms=3.5, color=color, label=name)
    N = first.N.values
    axes.loglog(N, 0.6 * float(first["mean"].max()) * (N[0] / N) ** 0.5, color=GREY, lw=1, ls=(0, (4, 3)))
    label(axes, N[-1], 0.6 * float(first["mean"].max()) * (N[0] / N[-1]) ** 0.5, r" $N^{-1/2}$", GREY)
    axes.legend(fontsize=8, loc="lower left")
    axes.set_title(f"In practice: {str(first.problem.values).split('-')[0].replace('_', ' ')}", color=INK)
    axes.set(xlabel="N", ylabel=r"$E\|\nabla F(x_\tau)\|^2$")
