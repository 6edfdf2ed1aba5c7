"""Performance profiles: on what share of problems is each optimizer within a factor of the fastest, after tuning?"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import xarray as xr
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from paper_figures.figure import Figure
from paper_figures.style import GREY, OPTIMIZERS, canvas

#: Those that are told apart by colour and dash; the others are grey.
SHOWN = {
    "VRAdam, beta1": (OPTIMIZERS["VRAdam"], "-"),
    "smoothed VRAdam": (OPTIMIZERS["smoothed VRAdam"], (0, (1, 1.2))),
    "AdamW": (OPTIMIZERS["AdamW"], (0, (5, 2))),
}
#: The grey ones, so that lines that cross can be followed.
CONTEXT = {
    "Nesterov": "-", "RMSProp": (0, (6, 1.5)), "heavy ball": (0, (1, 1)), "RAdam": (0, (6, 1.5, 1, 1.5)),
    "Adam": (0, (2.5, 1.5)), "VRAdam": "-", "Lion": (0, (6, 1.5)),
}  # fmt: skip


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["profile"]``: ``share``, ``low`` and ``high`` over (optimizer, ratio)."""
    found = data["profile"]
    figure, axes = canvas(height=4.2)
    names = [str(name) for name in found.optimizer.values]
    end = found.ratio.size - 1
    for name in sorted(names, key=lambda name: name in SHOWN):
        row = found.sel(optimizer=name)
        color, dash = SHOWN.get(name, (GREY, CONTEXT.get(name, "-")))
        axes.plot(found.ratio, row.share, color=color, ls=dash, lw=2 if name in SHOWN else 1.1, drawstyle="steps-post")
        if name in SHOWN:
            axes.fill_between(found.ratio, row.low, row.high, color=color, alpha=0.12, lw=0, step="post")
    last = found.share.isel(ratio=end).values
    for name, place, at in zip(names, _apart(last, 0.05), last, strict=True):
        x = float(found.ratio[end])
        color = SHOWN.get(name, (GREY, "-"))[0]
        axes.annotate(
            name, (x, at), (x * 1.12, place), fontsize=8.5, color=color, va="center", annotation_clip=False,
            fontweight="bold" if name in SHOWN else "normal",
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.5, "relpos": (0, 0.5), "shrinkA": 1, "shrinkB": 0},
        )  # fmt: skip
    axes.set(xscale="log", xlim=(1, float(found.ratio[end])), ylim=(0, 1.02))
    axes.xaxis.set_major_locator(FixedLocator([1, 2, 4, 8, 16]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    attrs = found.attrs
    axes.set_xlabel(
        "steps to the target, in units of the fastest on that problem\n"
        f"({attrs['objectives']} objectives, {attrs['seeds']} seeds; {attrs['settings']} settings tried by each)"
    )
    axes.set_ylabel("share of problems")
    first, second = (_within(found, name) for name in ("AdamW", "VRAdam, beta1"))
    axes.set_title(f"Within twice the fastest: AdamW on {first:.0%}, VRAdam, beta1, on {second:.0%}")
    return figure


def _within(found: xr.Dataset, name: str) -> float:
    """The share of problems that an optimizer solves in at most twice the steps of the fastest."""
    return float(found.share.sel(optimizer=name).sel(ratio=2.0, method="ffill"))


def _apart(values: np.ndarray, gap: float) -> np.ndarray:
    """Places for labels at ``values``, in the same order, at least ``gap`` apart, and as low as they must be."""
    places = np.array(values, dtype=float)
    order = np.argsort(-values, kind="stable")
    for before, this in pairwise(order):
        places[this] = min(places[this], places[before] - gap)
    return places


FIGURE = Figure(
    "sensitivity",
    ("profile",),
    "On what share of problems each optimizer, tuned with the same budget, is within a factor of the fastest.",
    draw,
)
