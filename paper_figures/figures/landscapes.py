"""Paths across two-dimensional landscapes: what the gate does to momentum and to Adam, seen in the length of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import GREY, INK, OPTIMIZERS, PALE, canvas, headline, label

#: Columns: without the gate, with the gate.
PAIRS: Final = (("momentum", "VRMomentum"), ("AdamW", "VRAdam"))
STEPS: Final = 40
#: Where each landscape is lowest: textbook values.
MINIMISERS: Final = {
    "narrow quadratic": ((0.0, 0.0),),
    "rosenbrock": ((1.0, 1.0),),
    "beale": ((3.0, 0.5),),
    "himmelblau": ((3.0, 2.0), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)),
}


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["landscape-<i>"]``: four paths over the heights of a window; the first 40 steps are drawn, a dot each."""
    found = [data[name] for name in sorted(data) if name.startswith("landscape-")]
    figure, panels = canvas(len(found), len(PAIRS), height=1.0 + 1.75 * len(found), squeeze=False, sharey="row")
    for row, landscape in zip(panels, found, strict=True):
        for axes, (plain, gated) in zip(row, PAIRS, strict=True):
            _heights(axes, landscape)
            _path(axes, landscape, plain, (0, (4, 1.5)), "x")
            _path(axes, landscape, gated, "-", "o")
            axes.plot(*landscape.x.isel(step=0, optimizer=0).values, "s", color=INK, ms=5, zorder=5)
            _minimisers(axes, str(landscape.attrs["name"]))
            rate = float(landscape.attrs["momentum_rate" if plain == "momentum" else "adam_rate"])
            settings = rf"$\alpha_0={rate:g}$, $\beta_3={float(landscape.attrs['beta3']):g}$"
            label(axes, 0.98, 0.05, settings, GREY, xycoords="axes fraction", ha="right", fontsize=8,
                  bbox={"fc": "white", "ec": "none", "pad": 1, "alpha": 0.8})  # fmt: skip
        row[0].set_ylabel(str(landscape.attrs["name"]), fontsize=9.5)
    for axes, head, pair in zip(panels[0], ("Momentum", "Adam"), PAIRS, strict=True):
        axes.set_title(head, fontsize=9.5, pad=20)
        axes.legend(axes.get_lines()[:2], pair, loc="lower left", bbox_to_anchor=(-0.03, 0.97), ncols=2, fontsize=8.5)
    headline(figure, "The gate shortens steps where the velocity is large")
    figure.supxlabel("square: start;  star: minimiser", fontsize=9, color=INK)
    return figure


def _heights(axes: Axes, landscape: xr.Dataset) -> None:
    height = landscape.height.T - float(landscape.height.min())
    levels = np.geomspace(float(height.max()) * 1e-3, float(height.max()), 10)
    axes.contour(landscape.column, landscape.row, height, levels=levels, colors=PALE, linewidths=0.6)
    paths = landscape.x.isel(step=slice(STEPS + 1)).values.reshape(-1, 2)
    margin = 0.15 * np.ptp(paths, axis=0)
    (left, bottom), (right, top) = paths.min(axis=0) - margin, paths.max(axis=0) + margin
    axes.set(
        xlim=(max(left, float(landscape.column[0])), min(right, float(landscape.column[-1]))),
        ylim=(max(bottom, float(landscape.row[0])), min(top, float(landscape.row[-1]))),
    )
    axes.tick_params(labelsize=8, color=GREY)


def _minimisers(axes: Axes, name: str) -> None:
    """A star at each minimiser in view; where none is, the direction of the nearest and its place."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    inside = [(x, y) for x, y in MINIMISERS.get(name, ()) if left <= x <= right and bottom <= y <= top]
    for x, y in inside:
        axes.plot(x, y, "*", color=INK, mec="white", mew=0.6, ms=11, zorder=6)
    if not inside and name in MINIMISERS:
        x, y = MINIMISERS[name][0]
        label(axes, 0.98, 0.93, rf"minimiser at ({x:g}, {y:g}) $\rightarrow$", INK, xycoords="axes fraction",
              ha="right", fontsize=8, bbox={"fc": "white", "ec": "none", "pad": 1, "alpha": 0.8})  # fmt: skip


def _path(axes: Axes, landscape: xr.Dataset, name: str, dash: object, marker: str) -> None:
    color = OPTIMIZERS[name]
    x, y = landscape.x.sel(optimizer=name).isel(step=slice(STEPS + 1)).values.T
    axes.plot(x, y, color=color, ls=dash, lw=1.0, marker=marker, ms=3.4, mew=1.0, label=name)


FIGURE = Figure(
    "sensitivity",
    tuple(f"landscape-{i}" for i in range(4)),
    "Paths across two-dimensional landscapes, a mark each step: where the velocity is large, the gate shortens it.",
    draw,
)
