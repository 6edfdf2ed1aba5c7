"""Inside the runs on the tasks: loss, curvature against the edge B/eta_t, effective rate, gradients times c."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import GREY, INK, OPTIMIZERS, WIDTH, headline

LINES = {
    "VRAdam": (OPTIMIZERS["VRAdam"], "-", "VRAdam, tuned"),
    "VRAdam, default gate": (OPTIMIZERS["VRAdam"], (0, (1, 1.5)), "VRAdam, default gate"),
    "AdamW": (OPTIMIZERS["AdamW"], (0, (5, 2)), "AdamW"),
}


#: What the rows show; the first two are of different runs.
ROWS = (
    "training loss,\nwith the schedule",
    "$\\lambda_{\\max}(P_t^{-1}H)\\,\\eta_t/B$,\nfull batch",
    "learning rate\n$\\eta_t/\\alpha_0(t)$",
    "test loss over\nthat with $c = 1$",
)


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["runs"]``, ``data["inside"]`` over (task, optimizer, batch, point), ``data["scaled"]`` over scales."""
    runs, inside, scaled = data["runs"], data["inside"], data["scaled"]
    columns = inside.sizes["task"]
    figure = Canvas(figsize=(WIDTH, 7.6), layout="constrained")
    panels = figure.subplots(4, columns, squeeze=False)
    for row in panels[1:]:
        for axes in row[1:]:
            axes.sharey(row[0])
            axes.tick_params(labelleft=False)
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
        edge.set(yscale="log", xlim=(0, 1))
        for axes in (loss, edge):
            axes.set_xticks([0, 0.5, 1], ["0", "1/2", "1"])
            axes.set_xlabel("share of the steps", fontsize=9)
        opening.set_ylim(0, 1.05)
        opening.set_xlabel("step", fontsize=9)
        units.set(xscale="log", yscale="log")
        units.set_xlabel("gradients times $c$", fontsize=9)
        loss.set_title(str(task).replace(", ", ",\n"), fontsize=8.2, color=INK)
        for axes in panels[:, column]:
            axes.tick_params(labelsize=8)
            axes.minorticks_off()
        low, high = loss.get_ylim()
        if high < 10 * low:
            marks = [mark for mark in (0.1, 0.2, 0.5, 1, 2, 2.5, 3, 3.5, 5, 10) if low < mark < high]
            loss.set_yticks(marks, [f"{mark:g}" for mark in marks])
        units.set_xticks([0.01, 1, 100], ["0.01", "1", "100"])
        units.set_yticks([1, 2, 3], ["1", "2", "3"])
    for axes, text in zip(panels[:, 0], ROWS, strict=True):
        axes.set_ylabel(text, fontsize=9)
    figure.align_ylabels(panels[:, 0])
    handles, texts = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=3, fontsize=8.5, handlelength=3)
    headline(figure, "Inside the runs: the loss, the edge, the dip of the gate, and units")
    return figure


FIGURE = Figure(
    "tasks",
    ("runs", "inside", "scaled"),
    "Inside those runs: curvature against the edge, the gate in the first steps, and gradients in other units.",
    draw,
)
