"""Where random starts stop converging, over the decay beta1 and the step size, with the curves of the theory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from paper_figures.style import INK, ORANGE, SEQUENTIAL, canvas, label


def draw(data: Mapping[str, xr.Dataset]) -> Figure:
    """``data["frontier"]``: shares over (variant, alpha1, outcome, beta1, fraction); ``data["boundaries"]``: curves."""
    runs = data["frontier"].sel(variant="published").isel(alpha1=_middle(data["frontier"]))
    stuck = 1 - runs.share.sel(outcome="origin")
    curves = data["boundaries"]
    forgetting = 1 - runs.beta1.values
    figure, axes = canvas(height=4.2)
    image = axes.pcolormesh(
        forgetting, runs.fraction, stuck.transpose("fraction", "beta1"), cmap=SEQUENTIAL, vmin=0, vmax=1,
        shading="nearest", rasterized=True,
    )  # fmt: skip
    axes.set(xscale="log", xlim=(forgetting.max(), forgetting.min()), ylim=(float(runs.fraction.min()), 1.03))
    axes.axhline(1, color=INK, lw=2)
    label(axes, forgetting.max() * 0.97, 1.005, "local edge: S = B", INK, va="bottom", fontweight="bold")
    for name, text, style, place in (
        ("period4", "period-4 cycles appear", (0, (5, 2)), 0.62),
        ("global", "below: all converge (proved)", "-", 0.42),
    ):
        axes.plot(1 - curves.beta1, curves[name], color="white", lw=3.4, ls=style)
        axes.plot(1 - curves.beta1, curves[name], color=ORANGE, lw=1.8, ls=style)
        drawn = np.flatnonzero(np.isfinite(curves[name]))
        if drawn.size:
            i = drawn[int(place * (drawn.size - 1))]
            box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.9}
            above = 9 if name == "period4" else -9
            label(axes, float(1 - curves.beta1[i]), float(curves[name][i]), text, ORANGE, bbox=box,
                  ha="center", xytext=(0, above), textcoords="offset points")  # fmt: skip
    ticks = [tick for tick in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99) if 1 - tick >= forgetting.min() * 0.999]
    axes.xaxis.set_major_locator(FixedLocator([1 - tick for tick in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{1 - value:.3g}"))
    axes.set(xlabel=r"$\beta_1$", ylabel=r"$\alpha_0 L\,/\,B(\beta_1)$")
    axes.set_title("Below the edge, cycles catch a share of the starts")
    bar = figure.colorbar(image, ax=axes, pad=0.02, label="share of starts that do not converge")
    bar.outline.set_visible(False)  # type: ignore[operator]
    return figure


def _middle(frontier: xr.Dataset) -> int:
    """The clip nearest to the default, 10."""
    return int(np.abs(np.log(np.minimum(frontier.alpha1.values, 1e9) / 10)).argmin())
