"""Curvature that moves: the preconditioned sharpness of VRAdam against the threshold that its gate sets."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr
from matplotlib.figure import Figure

from paper_figures.style import BLUE, COLUMN, GREY, INK, ORANGE, canvas, headline, label


def draw(data: Mapping[str, xr.Dataset]) -> Figure:
    """``data["adaptive-<i>"]``: series over steps, a run each; the runs of VRAdam and VRMomentum are shown."""
    runs = [data[name] for name in sorted(data) if name.startswith("adaptive-")]
    gated = [run for run in runs if str(run.attrs["optimizer"]).startswith("VR")]
    figure, panels = canvas(4, 2, height=7.0, width=COLUMN, height_ratios=(2, 1, 2, 1))
    for i, (run, top, bottom) in enumerate(zip(gated, panels[::2].ravel(), panels[1::2].ravel(), strict=True)):
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
    headline(figure, "While the gate acts, the threshold is lifted")
    return figure
