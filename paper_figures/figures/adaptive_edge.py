"""At the edge: preconditioned sharpness against the threshold that the gate sets, and how fast runs move there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import BLUE, COLUMN, GREY, INK, ORANGE, canvas, headline, label

STYLES = {
    "quadratic": (BLUE, "o"),
    "progressive sharpening": (ORANGE, "s"),
    "matrix factorisation": (GREY, "D"),
}


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["adaptive-<i>"]``: series over steps, a run each, of which those with a gate on models whose curvature
    moves are shown; ``data["amplitude-<i>"]``: beta3 ||v||^2 against S/B - 1, a model each.
    """
    runs = [data[name] for name in sorted(data) if name.startswith("adaptive-")]
    gated = [
        run for run in runs
        if str(run.attrs["optimizer"]).startswith("VR") and not str(run.attrs["model"]).startswith("quadratic")
    ]  # fmt: skip
    figure, panels = canvas(5, 2, height=8.8, width=COLUMN, height_ratios=(2, 1, 2, 1, 2.6))
    for i, (run, top, bottom) in enumerate(zip(gated, panels[:4:2].ravel(), panels[1:4:2].ravel(), strict=True)):
        top.semilogy(run.step, run.threshold, color=ORANGE, lw=1.3, ls=(0, (5, 2)))
        top.semilogy(run.step, run.preconditioned, color=BLUE, lw=1.1)
        top.semilogy(run.step, run.sharpness, color=GREY, lw=1, ls=(0, (1, 1.2)))
        bottom.plot(run.step, run.relative_rate, color=INK, lw=1)
        bottom.set(ylim=(0, 1.05), xlim=top.get_xlim())
        top.tick_params(labelbottom=False)
        top.set_title(f"{run.attrs['model']}:\n{run.attrs['optimizer']}", fontsize=9.5)
        seen = run.sharpness.where(run.sharpness > 0)
        top.set_ylim(
            float(min(run.threshold.min() / 30, seen.median() / 4)), 6 * float(max(run.threshold.max(), seen.median()))
        )
        if i % 2 == 0:
            top.set_ylabel("sharpness")
            bottom.set_ylabel(r"$\eta_t/\alpha_0$")
        if i == 1:
            for y, text, color in (
                (0.97, r"$B/\eta_t$", ORANGE), (0.7, r"$\lambda_{\max}(P^{-1}H)$", BLUE),
                (0.03, r"$\lambda_{\max}(H)$", GREY),
            ):  # fmt: skip
                label(
                    top, 0.97, y, text, color, xycoords="axes fraction", ha="right", va="bottom" if y < 0.5 else "top"
                )
    for bottom in panels[3]:
        bottom.set_xlabel("step")
    grid = panels[4, 0].get_gridspec()
    for axes in panels[4]:
        axes.remove()
    _amplitudes(figure.add_subplot(grid[4, :]), [data[name] for name in sorted(data) if name.startswith("amplitude-")])
    headline(figure, "While the gate acts, the threshold is lifted")
    return figure


def _amplitudes(axes: Axes, items: list[xr.Dataset]) -> None:
    """Where the rate is pinned the points lie on the diagonal; faster ones are drawn at the upper end."""
    top = 1.05
    axes.plot([-0.15, 0, 1], [0, 0, 1], color=INK, lw=1)
    for item in items:
        model = str(item.attrs["model"])
        color, shape = next(style for key, style in STYLES.items() if model.startswith(key))
        excess, kinetic = (item[name].sel(part="median").values for name in ("excess", "kinetic"))
        shown = excess <= 1
        excess, kinetic = excess[shown], kinetic[shown]
        inside = kinetic < top
        axes.plot(excess[inside], kinetic[inside], shape, color=color, ms=5, mfc="none")
        if not inside.all():  # a line without points that is not clipped would claim room at the page's corner
            axes.plot(excess[~inside], np.full((~inside).sum(), top), "^", color=color, ms=5, mfc="none", clip_on=False)
    for y, (name, (color, _)) in zip((0.92, 0.8, 0.68), STYLES.items(), strict=True):
        label(axes, 0.02, y, name, color, xycoords="axes fraction", va="top")
    label(axes, 0.75, 0.75, r"$S/B-1$", INK, va="top", ha="left", xytext=(6, -4), textcoords="offset points")
    label(axes, 0.68, 0.93, "▵ faster: longer cycles", GREY, ha="center", va="top", fontsize=8)
    axes.set(
        xlim=(-0.15, 1.0), ylim=(-0.03, top), xlabel=r"$S/B-1$,  $S=\alpha_0\lambda_{\max}(H)$ at the end of the run"
    )
    axes.set_ylabel(r"$\beta_3\|v\|^2$")
    axes.set_title("How fast VRMomentum moves beyond the edge", fontsize=9.5)


FIGURE = Figure(
    "stability",
    (*(f"adaptive-{i}" for i in range(8)), *(f"amplitude-{i}" for i in range(2))),
    "On models whose curvature moves, the threshold B/eta_t is lifted while the "
    "gate acts; beyond the edge a run whose rate is pinned moves as fast as predicted.",
    draw,
)
