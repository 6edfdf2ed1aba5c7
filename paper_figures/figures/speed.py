"""What a run costs: time against the number of runs, of steps and of dimensions, beside the floor of the hardware.

Below, each work in units of its floor, beside JAX and beside our goal.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, WIDTH, headline

LINES = (
    ("floor", "floor: a root and a division", GREY, "", (0, (4, 3))),
    ("vradam", "vradam, compiled", ORANGE, "o", "-"),
    ("NumPy", "vradam, NumPy", GREEN, "s", "-"),
    ("JAX, blocks", "JAX, blocks of 256 runs", BLUE, "^", "-"),
    ("PyTorch, plain", "PyTorch, run by run", PURPLE, "D", (0, (1, 1.5))),
)
AXES = {"runs": "runs", "steps": "steps", "d": "dimensions d"}


def seconds(curves: xr.Dataset, axis: str, contestant: str) -> tuple[np.ndarray, np.ndarray]:
    """Where an axis was measured, and the least time in seconds there; NaN where the contestant was not asked."""
    along = curves.isel(point=[str(point).split()[0] == axis for point in curves.point.values])
    values = np.array([int(str(point).split()[1]) for point in along.point.values])
    least = along.ns.sel(contestant=contestant).min("round").values
    return values, least * along.numbers.values * 1e-9


def floors(times: xr.Dataset, *contestants: str) -> np.ndarray:
    """Least time over the floor's, of each work; of several contestants the first that was asked; NaN without any."""
    least = times.ns.min("round")
    found = np.full(times.work.size, np.nan)
    for name in reversed(contestants):
        ratio = (least.sel(contestant=name) / least.sel(contestant="floor")).values
        found = np.where(np.isfinite(ratio), ratio, found)
    return found


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``curves``: nanoseconds per number over (point, contestant, round), and how many ``numbers``; ``scaling``: the
    ``slope`` over (axis, contestant); ``times``: nanoseconds over (work, contestant, round), and the ``goal``.
    """
    curves, scaling, times = data["curves"], data["scaling"], data["times"]
    figure = Canvas(figsize=(WIDTH, 3.9 + 0.24 * times.work.size), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(3.4, 0.8 + 0.24 * times.work.size))
    panels = above.subplots(1, 3, sharey=True)
    for panel, (axis, text) in zip(panels, AXES.items(), strict=True):
        for name, what, color, marker, style in (line for line in LINES if line[0] in curves.contestant.values):
            values, cost = seconds(curves, axis, name)
            if np.isfinite(cost).any():
                panel.loglog(values, cost, color=color, marker=marker, ms=4, ls=style, label=what)
        values, _ = seconds(curves, axis, "vradam")
        slope = float(scaling.slope.sel(axis=axis, contestant="vradam"))
        panel.set_xlabel(f"{text}\nvradam's exponent {slope:.2f}")
        panel.set_xticks(values, [f"{value}" for value in values], fontsize=8)
        panel.minorticks_off()
    panels[0].set_ylabel("seconds, one thread")
    headline(figure, "What a run costs; with exponent 1 the time grows in proportion")
    above.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    _against_goals(below.subplots(), times)
    return figure


def _against_goals(panel: Axes, times: xr.Dataset) -> None:
    """One row a work: ours, JAX's, and our goal as a tick."""
    rows = np.arange(times.work.size)
    panel.axvline(1.0, color=GREY, ls=(0, (4, 3)), lw=1)
    panel.plot(floors(times, "JAX, blocks", "JAX"), rows, "^", color=BLUE, ms=5, label="JAX")
    panel.plot(floors(times, "vradam"), rows, "o", color=ORANGE, ms=5, label="vradam")
    panel.plot(times.goal.sel(contestant="floor"), rows, "|", color=INK, ms=11, mew=1.6, label="our goal")
    panel.set_xscale("log")
    panel.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    panel.minorticks_off()
    panel.set_yticks(rows, [str(work) for work in times.work.values])
    panel.invert_yaxis()
    panel.set_title("Each work in units of its floor")
    panel.set_xlabel("time over that of the floor: root and division, or memory streams")
    panel.legend(loc="best", fontsize=8)


FIGURE = Figure(
    "speed",
    ("curves", "scaling", "times"),
    "What a run costs on one thread, against runs, steps and dimensions, and each work beside our goal.",
    draw,
)
