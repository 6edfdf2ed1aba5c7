"""The published gate against the one that sees a smoothed kinetic energy: below the edge, beyond it, in the rate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from paper_figures.style import BLUE, INK, ORANGE, canvas, label


def draw(data: Mapping[str, xr.Dataset]) -> Figure:
    """``data["frontier"]``, ``data["bifurcation"]`` with both gates; ``data["bias/curves"]``, errors over N."""
    figure, (below, beyond, rate) = canvas(1, 3, height=3.4, width_ratios=(1, 1.25, 1))
    frontier, swings = data["frontier"], data["bifurcation"]
    clip = int(np.abs(np.log(np.minimum(frontier.alpha1.values, 1e9) / 10)).argmin())
    stuck = 1 - frontier.share.isel(alpha1=clip).sel(outcome="origin").mean("fraction")
    for variant, color, style in zip(_both(frontier), (ORANGE, BLUE), ("-", (0, (5, 2))), strict=True):
        below.plot(1 - frontier.beta1, stuck.sel(variant=variant), color=color, ls=style)
        below.set_xlim(float(1 - frontier.beta1.min()), float(1 - frontier.beta1.max()))
    below.set(xscale="log", xlabel=r"$\beta_1$", ylabel="share of starts stuck", ylim=(-0.02, None))
    shown = [tick for tick in (0.3, 0.7, 0.9, 0.97, 0.99) if float(frontier.beta1.min()) <= tick]
    below.xaxis.set_major_locator(FixedLocator([1 - tick for tick in shown]))
    below.xaxis.set_minor_locator(NullLocator())
    below.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{1 - value:.3g}"))
    below.set_title("Starts stuck", color=INK)
    _name(below, _both(frontier)[1])
    for variant, color, style in zip(_both(swings), (ORANGE, BLUE), ("-", (0, (5, 2))), strict=True):
        seen = swings.rate.sel(variant=variant).where(swings.ratio >= 1, drop=True)
        flat = seen.transpose("ratio", ...).values.reshape(seen.sizes["ratio"], -1)
        low, high = flat.min(axis=1), flat.max(axis=1)
        beyond.fill_between(seen.ratio, low, high, color=color, alpha=0.2, lw=0)
        beyond.plot(seen.ratio, flat.mean(axis=1), color=color, ls=style)
    beyond.set(xlabel=r"$\alpha_0 L / B$", ylabel=r"$\eta_t L/B$, mean and range", yscale="log")
    beyond.set_title("Rate beyond the edge", color=INK)
    _name(beyond, _both(swings)[1])
    curves = data["bias/curves"].isel(law=0)
    for gate, text, color, marker in (
        ("published", "published", ORANGE, "o"),
        ("smoothed beta2", "smoothed", BLUE, "^"),
    ):
        row = curves.sel(gate=gate)
        rate.loglog(row.N, row["mean"], marker=marker, ms=4, color=color)
        label(rate, float(row.N[0]), float(row["mean"][0]), text, color, va="bottom", xytext=(2, 8),
              textcoords="offset points", fontweight="bold")  # fmt: skip
    rate.set(xlabel="N", ylabel=r"$E\|\nabla F(x_\tau)\|^2$", ylim=(None, 4))
    rate.set_title("Error", color=INK)
    _name(rate, "smoothed beta2")
    return figure


def _name(axes: Axes, smoothed: str) -> None:
    """Which smoothed gate this panel draws: the panels come from different experiments."""
    text = f"dashed: {smoothed}" if smoothed != "smoothed beta2" else r"smoothed: $\beta_g=\beta_2$"
    axes.text(0.03, 0.02, text, transform=axes.transAxes, fontsize=7, color=INK)


def _both(dataset: xr.Dataset) -> tuple[str, str]:
    """The published gate and the smoothed one of longest memory."""
    smoothed = [str(name) for name in dataset["variant"].values if str(name).startswith("smoothed")]
    return "published", smoothed[-1]
