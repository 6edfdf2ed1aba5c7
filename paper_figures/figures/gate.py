"""The gate against the speed, and the length of the step it leaves: real steps on the theory's curves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import sympy as sp
import xarray as xr
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import COLUMN, DASHES, GREY, INK, OPTIMIZERS, canvas, headline, label
from theory.claims.gate import LARGEST_STEP
from theory.notation import alpha0, alpha1, beta3, v
from theory.recursion import ALGORITHM, gamma


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["VRMomentum"]``: speed and rate over (objective, step, alpha1, start)."""
    runs = data["VRMomentum"]
    rate0, strength = runs.attrs["alpha0"], runs.attrs["beta3"]
    gate = sp.lambdify((v, alpha1), gamma(v**2, ALGORITHM).subs(beta3, strength), "numpy")
    claimed = float(LARGEST_STEP["unclipped"].subs({alpha0: 1, beta3: strength}))
    speed = np.geomspace(0.02, 60, 600)
    figure, (left, right) = canvas(1, 2, height=3.0, width=COLUMN)
    shown = [clip for clip in runs.alpha1.values if clip > 1]
    color = OPTIMIZERS["VRMomentum"]
    for clip, dash in zip(shown, DASHES, strict=False):
        here = runs.sel(alpha1=clip)
        moved, rates = here.speed.values.ravel(), here.rate.values.ravel() / rate0
        some = _spread(moved, speed[0], speed[-1])
        for axes, curve, dots in ((left, gate(speed, clip), rates), (right, gate(speed, clip) * speed, rates * moved)):
            axes.plot(speed, curve, color=color, ls=dash, lw=1.4)
            axes.plot(moved[some], dots[some], "o", ms=3, color=color, mec="white", mew=0.3)
        label(left, 8, gate(speed[-1], clip) * 1.14, rf"$\alpha_1={clip:g}$", color, va="bottom")
        label(right, speed[-1] * 1.1, gate(speed[-1], clip) * speed[-1], f"{clip:g}", color, annotation_clip=False)
    right.axhline(claimed, color=GREY, lw=1, ls=(0, (4, 3)))
    label(right, speed[0], claimed * 1.35, " reported bound", GREY, fontsize=8)
    for axes, title, ylabel in (
        (left, "The learning rate", r"$\eta_t / \alpha_0$"),
        (right, "The length of the step", r"$\eta_t \|v_t\| / \alpha_0$"),
    ):
        axes.set(xscale="log", yscale="log", xlim=(speed[0], speed[-1]), xlabel=r"speed $\|v_t\|$", ylabel=ylabel)
        axes.set_title(title, color=INK, fontsize=10.5)
    left.set_ylim(0.02, 1.4)
    headline(figure, "The gate has a floor, the step no ceiling")
    return figure


def _spread(speed: np.ndarray, low: float, high: float, count: int = 28) -> np.ndarray:
    """Indices of a few steps whose speeds spread evenly over the decades of [low, high]."""
    wanted = np.geomspace(low, high, count)
    order = np.argsort(speed)
    return order[np.clip(np.searchsorted(speed[order], wanted), 0, speed.size - 1)]


FIGURE = Figure(
    "gate",
    ("VRMomentum",),
    "The gate has a floor, so beyond the clip the step grows with the speed without bound.",
    draw,
)
