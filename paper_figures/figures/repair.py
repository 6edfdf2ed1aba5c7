"""The published gate against the one that sees a smoothed kinetic energy: below the edge, beyond it, in the rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from paper_figures.figure import Figure
from paper_figures.style import COLUMN, GATES, GREY, INK, canvas, headline, label

PUBLISHED: Final = "published"
BURSTS_AT: Final = 1.5  # alpha0 L / B of the panel with the bursts


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """Of ``cycles`` the datasets ``frontier`` and ``bifurcation`` with both gates; ``bias/curves``, errors over N."""
    frontier, swings = data["cycles/frontier"], data["cycles/bifurcation"]
    figure, ((below, rate), (beyond, bursts)) = canvas(2, 2, height=5.4, width=COLUMN)
    _below(below, frontier)
    _rate(rate, data["bias/curves"].isel(law=0))
    _beyond(beyond, swings)
    _bursts(bursts, swings)
    memory = _smoothed(swings).removeprefix("smoothed, ").replace("beta1", r"\beta_1")
    headline(figure, "A gate that sees a smoothed kinetic energy:\nno cycles, no plateau, but bursts beyond the edge")
    figure.supxlabel(
        rf"solid: published;  dashed: smoothed, $\beta_g={memory}$ (upper right: $\beta_g=\beta_2$)", fontsize=8.5,
        color=INK,
    )  # fmt: skip
    return figure


def _below(axes: Axes, frontier: xr.Dataset) -> None:
    clip = int(np.abs(np.log(np.minimum(frontier.alpha1.values, 1e9) / 10)).argmin())
    stuck = 1 - frontier.share.isel(alpha1=clip).sel(outcome="origin").mean("fraction")
    for variant, color, style in _both(frontier):
        axes.plot(1 - frontier.beta1, stuck.sel(variant=variant), color=color, ls=style)
    axes.set(xscale="log", xlabel=r"$\beta_1$", ylabel=r"share of starts, all $S<B$", ylim=(-0.02, None))
    axes.set_xlim(float(1 - frontier.beta1.min()), float(1 - frontier.beta1.max()))
    shown = [tick for tick in (0.3, 0.7, 0.9, 0.97) if float(frontier.beta1.min()) <= tick]
    axes.xaxis.set_major_locator(FixedLocator([1 - tick for tick in shown]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{1 - value:.3g}"))
    axes.set_title("Below B: caught by cycles", fontsize=10)


def _rate(axes: Axes, curves: xr.Dataset) -> None:
    for gate, color, style, marker in (
        (PUBLISHED, GATES[PUBLISHED], "-", "o"),
        ("smoothed beta2", GATES["smoothed"], (0, (4, 1.5)), "^"),
    ):
        row = curves.sel(gate=gate)
        axes.loglog(row.N, row["mean"], marker=marker, ms=4, color=color, ls=style)
    axes.axhline(float(curves.plateau.max()), color=GREY, lw=1, ls=(0, (1, 1.5)))
    label(axes, float(curves.N[-1]), 1.3 * float(curves.plateau.max()), "predicted", GREY, ha="right", va="bottom")
    axes.set(xlabel="N", ylabel=r"$E\|\nabla F(x_\tau)\|^2$", ylim=(None, 8))
    axes.set_title("Skewed noise: the bias", fontsize=10)


def _beyond(axes: Axes, swings: xr.Dataset) -> None:
    for variant, color, style in _both(swings):
        seen = swings.rate.sel(variant=variant).where(swings.ratio >= 1, drop=True)
        mean = seen.mean([dim for dim in seen.dims if dim != "ratio"])
        axes.plot(seen.ratio, mean, color=color, ls=style, lw=1.2)
    axes.axhline(1, color=GREY, lw=1, ls=(0, (1, 1.5)))
    axes.set(xlabel=r"$\alpha_0 L / B$", ylabel=r"mean of $\eta_t L/B$", ylim=(0, 1.25))
    axes.set_title("Beyond B: the rate held", fontsize=10)


def _bursts(axes: Axes, swings: xr.Dataset) -> None:
    """Speeds of one start: the one whose burst is nearest to the middle of the steps that are drawn."""
    here = np.abs(swings.velocity.sel(ratio=BURSTS_AT, method="nearest").isel(step=slice(-200, None)))
    peaks = here.sel(variant=_smoothed(swings)).argmax("step").values
    here = here.isel(start=int(np.abs(peaks - here.sizes["step"] / 2).argmin()))
    for variant, color, style in _both(swings):
        axes.semilogy(np.arange(here.sizes["step"]), here.sel(variant=variant), color=color, ls=style, lw=1.1)
    axes.set(xlabel="step, after long runs", ylabel=r"$|v_t|$")
    axes.set_title(rf"The bursts, at {BURSTS_AT:g}$\,$B", fontsize=10)


def _both(dataset: xr.Dataset) -> tuple[tuple[str, str, object], ...]:
    """The published gate and the smoothed one of longest memory, each with its colour and dashes."""
    return (PUBLISHED, GATES[PUBLISHED], "-"), (_smoothed(dataset), GATES["smoothed"], (0, (4, 1.5)))


def _smoothed(dataset: xr.Dataset) -> str:
    return [str(name) for name in dataset["variant"].values if str(name).startswith("smoothed")][-1]


FIGURE = Figure(
    "smoothed_gate",
    ("cycles/frontier", "cycles/bifurcation", "bias/curves"),
    "Smoothing the kinetic energy that the gate sees: no cycle found below the edge, a rate near B/L beyond it, "
    "and no plateau.",
    draw,
)
