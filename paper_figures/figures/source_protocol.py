"""The same optimizers, tasks and seeds under two sets of rules for tuning: with equal budgets, and by the source's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import BLUE, GREY, ORANGE, canvas, headline

#: Rule -> colour, marker, offset and what the legend says.
RULES: Final = {
    "equal": (BLUE, "o", 0.13, "(a) equal budgets"),
    "source": (ORANGE, "s", -0.13, "(b) the source's rules"),
}
#: Where the outer ticks of an axis may stand.
REACHES: Final = (1000.0, 100.0, 20.0, 10.0, 5.0, 2.0, 1.5, 1.2, 1.1, 1.05, 1.02, 1.01)


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["pairs"]``: ratio, low, high and p_holm over (rule, task, rival)."""
    pairs = data["pairs"]
    said = "VRAdam's test loss over the other's; below 1 VRAdam's is lower; filled: clear after Holm"
    figure = ratios(pairs, "rule", "rival", RULES, said, height=3.5)
    headline(figure, str(pairs.attrs["says"]).replace("comparisons (", "comparisons\n("), "")
    return figure


def ratios(
    pairs: xr.Dataset, dim: str, rows: str, looks: Mapping[str, tuple[str, str, float, str]], said: str, height: float
) -> Canvas:
    """One panel of :func:`intervals` for each task, and a legend under the title ``said``."""
    tasks = pairs.task.values.tolist()
    figure, axes = canvas(1, len(tasks), height=height, width=8.6, sharey=True, squeeze=False)
    for panel, task in zip(axes[0], tasks, strict=True):
        intervals(panel, pairs.sel(task=task), dim, rows, looks)
        panel.set_title(task.replace(", ", ",\n"), fontsize=9)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=8.5, title=said, title_fontsize=9)
    return figure


def intervals(
    panel: Axes, pairs: xr.Dataset, dim: str, rows: str, looks: Mapping[str, tuple[str, str, float, str]]
) -> None:
    """Ratios with intervals, one row for each of ``rows``, one mark for each of ``dim``; the axis symmetric about 1."""
    names = pairs[rows].values.tolist()
    heights = np.arange(len(names))[::-1]
    panel.axvline(1, color=GREY, lw=1)
    for part, (color, marker, offset, called) in looks.items():
        here = pairs.sel({dim: part})
        clear = here.p_holm.values < 0.05
        panel.hlines(heights + offset, here.low, here.high, color=color, lw=1.5)
        panel.plot(here.ratio, heights + offset, marker, ms=4.5, color=color, mfc="white", ls="none", label=called)
        panel.plot(here.ratio[clear], (heights + offset)[clear], marker, ms=4.5, color=color, ls="none")
    furthest = max(float(abs(np.log(pairs[name])).max()) for name in ("low", "high"))
    panel.set(xscale="log", xlim=(np.exp(-1.15 * furthest), np.exp(1.15 * furthest)), ylim=(-0.6, len(names) - 0.4))
    reach = next((tick for tick in REACHES if np.log(tick) <= furthest), 1.005)
    ticks = [1 / reach, 1.0, reach]
    panel.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks], fontsize=8)
    panel.minorticks_off()
    panel.tick_params(axis="y", length=0)
    panel.set_yticks(heights, names, fontsize=8.5)


FIGURE = Figure(
    "source_tasks",
    ("pairs",),
    "The same optimizers on the same tasks and seeds, tuned with equal budgets and by the source's rules: VRAdam's "
    "test loss over that of every other.",
    draw,
)
