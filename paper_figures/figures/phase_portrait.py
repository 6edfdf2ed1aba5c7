"""The quartic kinetic energy in one dimension: its field, and orbits of momentum and VRMomentum over it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import COLUMN, GREY, INK, OPTIMIZERS, PALE, canvas, label


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["phase_portrait"]``: the field over (x, v), the orbits over (optimizer, step)."""
    found = data["phase_portrait"]
    figure, axes = canvas(height=3.6, width=COLUMN)
    pace = np.hypot(found.x_rate, found.v_rate).values.T
    axes.streamplot(
        found.x.values, found.v.values, found.x_rate.values.T, found.v_rate.values.T, color=PALE, density=1.0,
        linewidth=0.5 + 1.2 * pace / pace.max(), arrowsize=0.8,
    )  # fmt: skip
    for name, style, shift in (("momentum", "o--", -26), ("VRMomentum", "s-", 22)):
        color = OPTIMIZERS[name]
        orbit = found.sel(optimizer=name)
        axes.plot(orbit.orbit_x, -orbit.orbit_v, style, color=color, ms=4, lw=1.4)
        last = int(np.abs(orbit.orbit_v.values).argmax())
        label(axes, float(orbit.orbit_x[last]), float(-orbit.orbit_v[last]), name, color, xytext=(shift, -10),
              textcoords="offset points", va="top", ha="center", fontweight="bold",
              bbox={"fc": "white", "ec": "none", "pad": 1})  # fmt: skip
    start = found.isel(step=0, optimizer=0)
    axes.plot(start.orbit_x, start.orbit_v, "o", ms=9, mfc="none", mec=INK)
    label(axes, float(start.orbit_x), float(start.orbit_v), "start", INK, xytext=(9, 9), textcoords="offset points")
    label(axes, float(found.x[0]), float(found.v[-1]), " field: the particle", GREY, va="bottom")
    axes.set(xlabel=r"position $x$", ylabel=r"velocity (of descent, $-v_t$)")
    axes.set_title("Momentum leaps, the gate shortens the step", color=INK, pad=20)
    return figure


FIGURE = Figure(
    "kinetic_energy",
    ("phase_portrait",),
    "Over the field of a particle with quartic kinetic energy: where momentum leaps, the gate shortens the step.",
    draw,
)
