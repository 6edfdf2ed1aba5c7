"""Through the edge: where the velocity and the learning rate go as the step size grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import sympy as sp
import xarray as xr
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import COLUMN, GREY, INK, OPTIMIZERS, canvas, label
from theory.claims.cycles.beyond_edge import BEYOND
from theory.notation import S, beta1, beta3, edge

SHOWN: Final = 45  # odd, so that starts and phases of short cycles all have a part in it


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["bifurcation"]``: samples of velocity and rate over (variant, ratio, start, step)."""
    runs = data["bifurcation"].sel(variant="published")
    ratio, here = runs.ratio.values, {beta1: float(runs.attrs["beta1"]), beta3: 1}
    boundary = float(edge().subs(here))
    end = float(sp.sympify(BEYOND["upper_end"]).subs(here)) / boundary
    pinned = np.linspace(1, end, 200)
    squared = sp.lambdify(S, BEYOND["velocity_squared"].subs(here), "numpy")(pinned * boundary)
    speed = np.sqrt(np.maximum(squared, 0))  # 0 at the edge, to rounding
    figure, (top, bottom) = canvas(2, 1, height=4.8, width=COLUMN, sharex=True)
    for axes, name in ((top, "velocity"), (bottom, "rate")):
        samples = runs[name].isel(step=slice(-SHOWN, None)).transpose("ratio", ...).values.reshape(ratio.size, -1)
        samples = samples[:, :: max(1, samples.shape[1] // SHOWN)]
        axes.plot(
            np.repeat(ratio, samples.shape[1]), samples.ravel(), ".", ms=3.2, mew=0, alpha=0.6,
            color=OPTIMIZERS["VRMomentum"], rasterized=True,
        )  # fmt: skip
        for line in (1, end):
            axes.axvline(line, color=GREY, lw=0.8, ls=(0, (1, 2)))
    for sign in (1, -1):
        top.plot(pinned, sign * speed, color=INK, lw=1.4, ls=(0, (5, 2)))
    bottom.plot(pinned, np.ones_like(pinned), color=INK, lw=1.4, ls=(0, (5, 2)))
    label(bottom, end + 0.1, 1.0, "theory: pinned at B", INK, bbox={"fc": "white", "ec": "none", "pad": 1})
    top.set(ylabel=r"velocity $v_t$")
    top.set_yscale("symlog", linthresh=1)
    bottom.set(xlabel=r"$\alpha_0 L\,/\,B$", ylabel=r"$\eta_t L\,/\,B$", xlim=(ratio.min(), ratio.max()), yscale="log")
    label(top, 1, float(top.get_ylim()[1]), " edge", GREY, va="top")
    label(top, end, float(top.get_ylim()[1]), " end of window", GREY, va="top")
    top.set_title("Beyond the edge the gate pins the\nlearning rate, then lets go", color=INK)
    return figure


FIGURE = Figure(
    "cycles",
    ("bifurcation",),
    "Beyond the edge one attractor pins the learning rate at B/L, up to twice the edge; others coexist with it.",
    draw,
)
