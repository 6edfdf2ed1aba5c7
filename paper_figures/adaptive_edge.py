"""Curvature that moves: the preconditioned sharpness of VRAdam against the threshold that its gate sets."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr
from matplotlib.figure import Figure

from paper_figures.style import BLUE, GREY, INK, ORANGE, canvas, label


def draw(data: Mapping[str, xr.Dataset]) -> Figure:
    """``data["adaptive-<i>"]``: series over steps, a run each; the runs of VRAdam and VRMomentum are shown."""
    runs = [data[name] for name in sorted(data) if name.startswith("adaptive-")]
    gated = [run for run in runs if str(run.attrs["optimizer"]).startswith("VR")]
    figure, panels = canvas(2, len(gated), height=4.4, sharex="col", height_ratios=(2, 1), squeeze=False)
    for i, (run, top, bottom) in enumerate(zip(gated, *panels, strict=True)):
        top.semilogy(run.step, run.preconditioned, color=BLUE, lw=1.1)
        top.semilogy(run.step, run.threshold, color=ORANGE, lw=1.3, ls=(0, (5, 2)))
        bottom.plot(run.step, run.relative_rate, color=GREY, lw=1)
        bottom.set(xlabel="step", ylim=(0, 1.05))
        model = str(run.attrs["model"]).replace(" ", "\n", 1)
        top.set_title(f"{model}\n{run.attrs['optimizer']}", fontsize=8.5)
        top.set_ylim(float(run.threshold.min()) / 30, float(run.threshold.max()) * 6)
        if i == 0:
            top.set_ylabel("sharpness")
            bottom.set_ylabel(r"$\eta_t/\alpha_0$")
            label(
                top, 0.97, 0.04, r"$\lambda_{\max}(P^{-1}H)$", BLUE, xycoords="axes fraction", ha="right", va="bottom"
            )
            label(top, 0.97, 0.95, r"$B/\eta_t$", ORANGE, xycoords="axes fraction", ha="right", va="top")
    figure.suptitle(
        "While the gate acts, the threshold is lifted", fontsize=11.5, fontweight="bold", color=INK, x=0.01, ha="left"
    )
    return figure
