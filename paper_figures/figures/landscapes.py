"""Paths across two-dimensional landscapes: what the gate does to momentum and to Adam, seen in the length of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import BLUE, GREY, INK, ORANGE, PALE, canvas, headline

#: Columns: without the gate, with the gate.
PAIRS: Final = (("momentum", "VRMomentum"), ("AdamW", "VRAdam"))
STEPS: Final = 40


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["landscape-<i>"]``: four paths over the heights of a window; the first 40 steps are drawn, a dot each."""
    found = [data[name] for name in sorted(data) if name.startswith("landscape-")]
    figure, panels = canvas(len(found), len(PAIRS), height=1.0 + 1.75 * len(found), squeeze=False, sharey="row")
    for row, landscape in zip(panels, found, strict=True):
        for axes, (plain, gated) in zip(row, PAIRS, strict=True):
            _heights(axes, landscape)
            _path(axes, landscape, plain, ORANGE, (0, (4, 1.5)), "x")
            _path(axes, landscape, gated, BLUE, "-", "o")
            axes.plot(*landscape.x.isel(step=0, optimizer=0).values, "s", color=INK, ms=5, zorder=5)
        row[0].set_ylabel(str(landscape.attrs["name"]), fontsize=9.5)
    for axes, head, pair in zip(panels[0], ("Momentum", "Adam"), PAIRS, strict=True):
        axes.set_title(head, fontsize=9.5, pad=20)
        axes.legend(axes.get_lines()[:2], pair, loc="lower left", bbox_to_anchor=(-0.03, 0.97), ncols=2, fontsize=8.5)
    headline(figure, "The gate shortens steps where the velocity is large")
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


def _path(axes: Axes, landscape: xr.Dataset, name: str, color: str, dash: object, marker: str) -> None:
    x, y = landscape.x.sel(optimizer=name).isel(step=slice(STEPS + 1)).values.T
    axes.plot(x, y, color=color, ls=dash, lw=1.0, marker=marker, ms=3.4, mew=1.0, label=name)


FIGURE = Figure(
    "sensitivity",
    tuple(f"landscape-{i}" for i in range(4)),
    "Paths across two-dimensional landscapes, a mark each step: where the velocity is large, the gate shortens it.",
    draw,
)
