"""Gates in the worst order: how fast two-gate words grow although each of their gates is stable."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import ACCENTS, COLUMN, DASHES, GREY, INK, canvas, label


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["growth"]``: growth per step of the worst word over (beta1, alpha1, fraction)."""
    found = data["growth"]
    clip = min(found.alpha1.values, key=lambda value: abs(value - 10))
    figure, axes = canvas(height=3.4, width=COLUMN)
    axes.axhspan(0, 1, color=GREY, alpha=0.12, lw=0)
    seen = found.growth.sel(alpha1=clip)
    low, high = float(seen.min()) - 0.01, float(seen.max()) * 1.03
    shown = list(zip(found.beta1.values[-4:], ACCENTS, DASHES, strict=False))
    for i, (beta1, color, style) in enumerate(shown):
        axes.semilogx(found.fraction, seen.sel(beta1=beta1), color=color, ls=style)
        height = 0.93 - 0.09 * (len(shown) - 1 - i)
        axes.plot([0.05, 0.14], [height, height], color=color, ls=style, transform=axes.transAxes)
        label(axes, 0.16, height, rf"$\beta_1={beta1:g}$", color, xycoords="axes fraction")
    label(axes, float(found.fraction[0]), 1, " decays", GREY, va="top", xytext=(0, -3), textcoords="offset points")
    axes.set(xlabel=r"$\alpha_0 L\,/\,B$", ylabel="growth per step, worst word", ylim=(low, high))
    axes.set_title(rf"Stable gates, badly ordered, grow ($\alpha_1={clip:g}$)", color=INK)
    return figure


FIGURE = Figure(
    "gate_sequences",
    ("growth",),
    "Gates that are each stable make the state grow when they follow each other in the worst order.",
    draw,
)
