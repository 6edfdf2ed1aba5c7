"""The phase portrait as the source drew it, and the same with the gate of Algorithm 1."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import GREY, INK, OPTIMIZERS, PALE, canvas, headline

PANELS = (
    ("as drawn", r"as drawn: step over $1+4\,v_{t-1}^2$, no clip"),
    ("Algorithm 1", r"Algorithm 1: step over $1+\min(4\,v_t^2,\,10)$"),
)


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["phase_portrait"]``: the field, two orbits of the particle, and the leaps of three methods."""
    found = data["phase_portrait"]
    figure, axes = canvas(columns=2, height=3.5, width=8.6, sharey=True)
    for panel, (method, title) in zip(axes, PANELS, strict=True):
        _field(panel, found)
        _leaps(panel, found.leap.sel(optimizer="momentum").values, "momentum", "s")
        _leaps(panel, found.leap.sel(optimizer=method).values, "VRMomentum", "o")
        panel.set(xlabel=r"position $x$", xlim=(-3, 3), ylim=(-2, 2))
        panel.set_title(title, fontsize=9.5)
    axes[0].set_ylabel(r"velocity $v$")
    axes[1].legend(loc="upper right", fontsize=8.5, frameon=True, facecolor="white", edgecolor="none", framealpha=0.9)
    headline(figure, "A gate that sees the last velocity shortens the step one step late", "")
    return figure


def _field(panel: Axes, found: xr.Dataset) -> None:
    speed = np.hypot(found.u, found.w)
    speed = speed.where(speed > 0, 1)
    arrows = {"color": PALE, "angles": "xy", "scale": 32, "width": 0.0028, "pivot": "mid"}
    panel.quiver(found.x, found.v, (found.u / speed).T, (found.w / speed).T, **arrows)
    for path in found.orbit.values:
        panel.plot(path[:, 0], path[:, 1], color=GREY, lw=1.1)
    panel.plot(0, 0, "+", color=INK, ms=9, mew=1.6)


def _leaps(panel: Axes, path: np.ndarray, name: str, marker: str) -> None:
    panel.plot(path[:, 0], path[:, 1], marker=marker, ms=4, lw=1.2, color=OPTIMIZERS[name], label=name)


FIGURE = Figure(
    "source",
    ("phase_portrait",),
    "The phase portrait with the source's settings: over the field of a particle with quartic kinetic energy, momentum "
    "and VRMomentum; left with the gate as drawn there, right with that of Algorithm 1.",
    draw,
)
