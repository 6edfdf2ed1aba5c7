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
    "informative_smoothed": r"C2: smoothed gate",
}


def draw(data: Mapping[str, xr.Dataset]) -> Figure:
    """One panel per theorem in its informative setting, and one with the practical curves of the first problem."""
    names = [name for name in TITLES if name in data]
    figure, panels = canvas((len(names) + 2) // 2, 2, height=7.4)
    panels = panels.ravel()
    for axes, name in zip(panels, names, strict=False):
        _theorem(axes, data[name], TITLES[name])
    _practice(panels[len(names)], data["curves"])
    for axes in panels[len(names) + 1 :]:
        axes.set_axis_off()
    figure.suptitle(
        "Measured rates stay below every bound", x=0.01, ha="left", fontsize=11.5, fontweight="bold", color=INK
    )
    return figure


def _theorem(axes: Axes, item: xr.Dataset, title: str) -> None:
    N = item.N.values
    axes.loglog(N, item.bound, color=ORANGE)
    axes.axhline(float(item.trivial), color=GREY, lw=1, ls=(0, (4, 3)))
    axes.fill_between(N, item.low, item.high, color=BLUE, alpha=0.3, lw=0)
    axes.loglog(N, item["mean"], "o-", color=BLUE, ms=3.5)
    label(axes, N[0], float(item.bound[0]), "bound", ORANGE, xytext=(14, 2), textcoords="offset points")
    label(axes, N[0], float(item.trivial), "trivial line", GREY, va="top", xytext=(0, -3), textcoords="offset points")
    label(axes, N[0], float(item["mean"][0]), "measured", BLUE, va="top", xytext=(-2, -14), textcoords="offset points")
    loose = float((item.bound / item["mean"])[-1])
    label(
        axes, 0.98, 0.97, f"bound/measured\n{loose:.0f} at the end", INK, xycoords="axes fraction", ha="right", va="top"
    )
    axes.set_title(title)
    axes.set(xlabel="N", ylabel=r"$E\|\nabla F(x_\tau)\|^2$")


def _practice(axes: Axes, curves: xr.Dataset) -> None:
    first = curves.isel(problem=0)
    shown = [name for name in ("published", "inside", "smoothed beta2", "Adam") if name in first.optimizer]
    for name, color, marker in zip(shown, ACCENTS, "os^D", strict=True):
        row = first.sel(optimizer=name)
        axes.loglog(row.N, row["mean"], marker=marker, ms=3.5, color=color, label=name)
    N = first.N.values
    axes.loglog(N, 0.6 * float(first["mean"].max()) * (N[0] / N) ** 0.5, color=GREY, lw=1, ls=(0, (4, 3)))
    label(axes, N[-1], 0.6 * float(first["mean"].max()) * (N[0] / N[-1]) ** 0.5, r" $N^{-1/2}$", GREY)
    axes.legend(fontsize=8, loc="lower left", borderaxespad=0.1)
    axes.set_ylim(bottom=0.2 * float(first["mean"].min()))
    axes.set_title(f"In practice: {str(first.problem.values).split('-')[0].replace('_', ' ')}", color=INK)
    axes.set(xlabel="N", ylabel=r"$E\|\nabla F(x_\tau)\|^2$")
