"""Every optimizer tuned with one budget on small tasks: the losses in pairs, how often each is near the best, and how
wide the range of alpha0 is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import GREY, INK, OPTIMIZERS, ORANGE, PALE, WIDTH, headline, label

#: Optimizer -> colour and line, in the two panels of curves: those that the claim names.
CURVES = {
    "VRAdam": (OPTIMIZERS["VRAdam"], "-"),
    "VRAdam, default gate": (OPTIMIZERS["VRAdam"], (0, (1, 1.5))),
    "AdamW": (OPTIMIZERS["AdamW"], "-"),
    "RAdam": (OPTIMIZERS["RAdam"], (0, (5, 2, 1, 2))),
    "Nesterov": (OPTIMIZERS["Nesterov"], (0, (5, 2))),
    "RMSProp": (OPTIMIZERS["RMSProp"], (0, (3, 1))),
}


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["runs"]`` over (task, optimizer, ...), ``data["pairs"]`` over (task, rival)."""
    runs, pairs = data["runs"], data["pairs"]
    figure = Canvas(figsize=(WIDTH, 6.6), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1.15, 1))
    panels = np.atleast_1d(top.subplots(1, pairs.sizes["task"], sharey=True))
    rows = np.arange(pairs.sizes["rival"])[::-1]
    for axes, task in zip(panels, pairs.task.values, strict=True):
        part, counts = pairs.sel(task=task), bool(runs.counts.sel(task=task))
        axes.axvline(1, color=GREY, lw=1)
        for row, rival in zip(rows, part.rival.values, strict=True):
            pair = part.sel(rival=rival)
            clear = float(pair.p_holm) < 0.05
            color = (ORANGE if float(pair.ratio) < 1 else INK) if clear and counts else GREY
            axes.plot([pair.low, pair.high], [row, row], color=color, lw=1.6)
            axes.plot(pair.ratio, row, "o", ms=4.5, color=color, mfc=color if clear else "white")
        furthest = max(float(abs(np.log(part[name])).max()) for name in ("low", "high"))
        axes.set(xscale="log", xlim=(np.exp(-1.15 * furthest), np.exp(1.15 * furthest)), ylim=(-0.6, len(rows) - 0.4))
        ticks = _ticks(furthest)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], fontsize=8)
        axes.minorticks_off()
        axes.tick_params(axis="y", length=0)
        axes.set_title(str(task).replace(", ", ",\n") + ("" if counts else "\n(does not count)"), fontsize=8.5)
    panels[0].set_yticks(rows, [str(name).replace(", ", ",\n") for name in pairs.rival.values], fontsize=8.5)
    top.supxlabel("VRAdam's test loss over that of the other; left of 1 VRAdam is better; filled: clear after Holm",
                  fontsize=9)  # fmt: skip
    left, right = bottom.subplots(1, 2)
    counted = runs.isel(task=np.flatnonzero(runs.counts.values)) if runs.counts.any() else runs
    for name, (color, style) in CURVES.items():
        share = counted.profile.sel(optimizer=name).mean("task")
        left.plot(counted.factor, share, color=color, ls=style, label=name)
        swept = counted.swept.sel(optimizer=name)
        relative = np.exp(np.log(swept / swept.min("alpha0_factor")).mean("task"))
        right.plot(counted.alpha0_factor, relative, color=color, ls=style)
    left.set(
        xscale="log",
        xlabel="factor over the best of the seed",
        ylabel="share of runs within",
        xlim=(0.97, 5),
        ylim=(0, 1.03),
    )
    left.set_xticks([1, 1.5, 2, 3, 5], ["1", "1.5", "2", "3", "5"])
    left.minorticks_off()
    left.legend(fontsize=7.5, loc="lower right", handlelength=2.6)
    left.set_title("How often near the best", color=INK)
    right.axhline(1.1, color=PALE, lw=1)
    label(right, float(runs.alpha0_factor[-1]), 1.09, "10 %", GREY, va="top", ha="right", fontsize=8)
    right.set(xscale="log", yscale="log", xlabel=r"$\alpha_0$ over the chosen one", ylabel="test loss over its best")
    factors = counted.alpha0_factor.values
    right.set_xticks(factors, [f"{factor:g}" if factor >= 1 else f"1/{1 / factor:g}" for factor in factors])
    right.minorticks_off()
    marks = [tick for tick in (1, 2, 5, 10, 20, 50) if tick <= right.get_ylim()[1]]
    right.set_yticks(marks, [f"{mark:g}" for mark in marks])
    right.set_title(r"How wide the range of $\alpha_0$ is", color=INK)
    clear = (pairs.p_holm < 0.05) & runs.counts
    better, worse = (int((clear & side).sum()) for side in (pairs.ratio < 1, pairs.ratio > 1))
    compared = int(runs.counts.sum()) * pairs.sizes["rival"]
    headline(figure, f"Of {compared} comparisons VRAdam is clearly better in {better}, clearly worse in {worse}")
    return figure


def _ticks(furthest: float) -> list[float]:
    """Ticks symmetric about 1 on a logarithmic axis that reaches exp(furthest)."""
    reach = next((tick for tick in (100.0, 20.0, 10.0, 5.0, 2.0, 1.5, 1.2, 1.1) if np.log(tick) <= furthest), 1.05)
    return [round(1 / reach, 2), 1.0, reach]


FIGURE = Figure(
    "tasks",
    ("runs", "pairs"),
    "Small tasks, one budget of tuning: losses in pairs, how often near the best, how wide the range of alpha0.",
    draw,
)
