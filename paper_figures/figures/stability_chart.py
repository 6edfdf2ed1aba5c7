"""Where random starts stop converging, over the decay beta1 and the step size, with the curves of the theory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from paper_figures.figure import Figure
from paper_figures.style import COLUMN, INK, ORANGE, SEQUENTIAL, canvas, label


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["frontier"]``: shares over (variant, alpha1, outcome, beta1, fraction); ``data["boundaries"]``: curves."""
    runs = data["frontier"].sel(variant="published").isel(alpha1=_middle(data["frontier"]))
    stuck = 1 - runs.share.sel(outcome="origin")
    curves = data["boundaries"]
    curves = curves.assign(one_form=curves.one_form.sel(alpha1=runs.alpha1, method="nearest"))
    forgetting = 1 - runs.beta1.values
    figure, axes = canvas(height=4.2, width=COLUMN)
    image = axes.pcolormesh(
        forgetting, runs.fraction, stuck.transpose("fraction", "beta1"), cmap=SEQUENTIAL, vmin=0,
        vmax=float(stuck.max()), shading="nearest", rasterized=True,
    )  # fmt: skip
    axes.set(xscale="log", xlim=(forgetting.max(), forgetting.min()), ylim=(float(runs.fraction.min()), 1.03))
    axes.axhline(1, color=INK, lw=2)
    label(axes, forgetting.max() * 0.97, 1.005, "local edge: S = B", INK, va="bottom", fontweight="bold")
    box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.9}
    for name, text, style, place in (
        ("period4", "period-4 cycles appear", (0, (5, 2)), 0.62),
        ("global", "below: all converge (proved)", "-", 0.36),
        ("one_form", "below: with any gates", (0, (1, 1.2)), 0.1),
    ):
        shown = curves[name].where(curves[name] >= runs.fraction.min())
        axes.plot(1 - curves.beta1, shown, color="white", lw=3.4)
        axes.plot(1 - curves.beta1, shown, color=ORANGE, lw=1.8, ls=style)
        drawn = np.flatnonzero(np.isfinite(shown))
        if drawn.size:
            i = drawn[int(place * (drawn.size - 1))] if name != "one_form" else drawn[-1]
            place_of = {"ha": "center", "xytext": (0, 9)} if name == "period4" else {"ha": "left", "xytext": (7, 3)}
            label(axes, float(1 - curves.beta1[i]), float(shown[i]), text, ORANGE, bbox=box,
                  textcoords="offset points", **place_of)  # fmt: skip
    ticks = [tick for tick in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99) if 1 - tick >= forgetting.min() * 0.999]
    axes.xaxis.set_major_locator(FixedLocator([1 - tick for tick in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{1 - value:.3g}"))
    axes.set(xlabel=r"$\beta_1$", ylabel=r"$\alpha_0 L\,/\,B(\beta_1)$")
    axes.set_title("Below the edge, cycles catch some starts")
    bar = figure.colorbar(image, ax=axes, pad=0.02, label="share that does not converge")
    bar.outline.set_visible(False)  # type: ignore[operator]
    return figure


def _middle(frontier: xr.Dataset) -> int:
    """The clip nearest to the default, 10."""
    return int(np.abs(np.log(np.minimum(frontier.alpha1.values, 1e9) / 10)).argmin())


FIGURE = Figure(
    "cycles",
    ("frontier", "boundaries"),
    "Below the local edge of stability a share of random starts is caught by cycles, the larger the momentum.",
    draw,
)
