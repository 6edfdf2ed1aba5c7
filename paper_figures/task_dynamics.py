"""Inside the runs on the tasks: loss, curvature against the edge B/eta_t, effective rate, gradients times c."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from paper_figures.style import BLUE, GREY, INK, ORANGE, PURPLE, WIDTH

LINES = {
    "VRAdam": (ORANGE, "-", "VRAdam, tuned"),
    "VRAdam, default gate": (PURPLE, (0, (1, 1.5)), "VRAdam, default gate"),
    "AdamW": (BLUE, (0, (5, 2)), "AdamW"),
}


def draw(data: Mapping[str, xr.Dataset]) -> Figure:
    """``data["runs"]``, ``data["inside"]`` over (task, optimizer, batch, point), ``data["scaled"]`` over scales."""
    runs, inside, scaled = data["runs"], data["inside"], data["scaled"]
    columns = inside.sizes["task"]
    figure = Figure(figsize=(WIDTH, 6.8), layout="constrained")
    panels = figure.subplots(4, columns, squeeze=False, sharey="row")
    for column, task in enumerate(inside.task.values):
        loss, edge, opening, units = panels[:, column]
        for name, (color, style, text) in LINES.items():
            full = inside.sel(task=task, optimizer=name, batch="full")
            share = full.step / full.step[-1]
            start = runs.training.sel(task=task, optimizer=name)
            loss.plot(np.arange(1, start.sizes["block"] + 1) / start.sizes["block"], start, color=color, ls=style,
                      label=text)  # fmt: skip
            edge.plot(share, full.preconditioned / full.threshold, color=color, ls=style)
            early = runs.early_opening.sel(task=task, optimizer=name)
            opening.plot(early.step, early, color=color, ls=style)
            rows = scaled.loss.sel(task=task, optimizer=name)
            mean = rows.mean("seed")
            units.plot(scaled.scale, mean / mean.sel(scale=1.0), color=color, ls=style, marker="o", ms=3)
        edge.axhline(1, color=GREY, lw=1)
        opening.axhline(1, color=GREY, lw=1)
        loss.set(yscale="log", xlim=(0, 1))
        edge.set(yscale="log", xlim=(0, 1), xlabel="share of the steps")
        opening.set(xlabel="step", ylim=(0, 1.05))
        units.set(xscale="log", yscale="log", xlabel="c")
        loss.set_title(str(task).replace(", ", ",\n"), fontsize=9, color=INK)
        for axes in panels[:, column]:
            axes.tick_params(labelsize=8)
            axes.minorticks_off()
        units.set_xticks([0.01, 1, 100], ["0.01", "1", "100"])
        units.set_yticks([1, 2, 3], ["1", "2", "3"])
    for axes, text in zip(
        panels[:, 0],
        (
            "training loss",
            r"$\lambda_{\max}(P_t^{-1}H)\,\eta_t/B$",
            r"$\eta_t/\alpha_0(t)$, first steps",
            "loss, gradients times c",
        ),
        strict=True,
    ):
        axes.set_ylabel(text, fontsize=9)
    handles, texts = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=3, fontsize=8.5, handlelength=3)
    return figure
