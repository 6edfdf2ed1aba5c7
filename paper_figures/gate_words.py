"""Gates in the worst order: how fast two-gate words grow although each of their gates is stable."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr
from matplotlib.figure import Figure

from paper_figures.style import ACCENTS, DASHES, GREY, INK, canvas, label


def draw(data: Mapping[str, xr.Dataset]) -> Figure:
    """``data["growth"]``: growth per step of the worst word over (beta1, alpha1, fraction)."""
    found = data["growth"]
    clip = min(found.alpha1.values, key=lambda value: abs(value - 10))
    figure, axes = canvas(height=3.6)
    axes.axhspan(0, 1, color=GREY, alpha=0.12, lw=0)
    for beta1, color, style in zip(found.beta1.values[-4:], ACCENTS, DASHES, strict=False):
        row = found.growth.sel(beta1=beta1, alpha1=clip)
        axes.semilogx(found.fraction, row, color=color, ls=style)
        top = int(row.values.argmax())
        label(axes, float(found.fraction[top]), float(row[top]), rf"$\beta_1={beta1:g}$", color, ha="right",
              va="center", xytext=(-12, 0), textcoords="offset points")  # fmt: skip
    label(axes, float(found.fraction[0]), 1, " decays", GREY, va="top", xytext=(0, -3), textcoords="offset points")
    seen = found.growth.sel(alpha1=clip)
    axes.set(xlabel=r"$\alpha_0 L\,/\,B$", ylabel="growth per step of the worst word",
             ylim=(float(seen.min()) - 0.01, float(seen.max()) * 1.03))  # fmt: skip
    axes.set_title(rf"Stable gates, badly ordered, grow ($\alpha_1={clip:g}$)", color=INK)
    return figure
