"""What a run costs: time against the number of runs, of steps and of dimensions, beside the floor of the hardware."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from paper_figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, canvas

LINES = (
    ("floor", "floor: a root and a division", GREY, "", (0, (4, 3))),
    ("vradam", "vradam, compiled", BLUE, "o", "-"),
    ("NumPy", "vradam, NumPy", GREEN, "s", "-"),
    ("JAX, blocks", "JAX, blocks of 256 runs", ORANGE, "^", "-"),
    ("PyTorch, plain", "PyTorch, run by run", PURPLE, "D", (0, (1, 1.5))),
)
AXES = {"runs": "runs", "steps": "steps", "d": "dimensions d"}


def seconds(curves: xr.Dataset, axis: str, contestant: str) -> tuple[np.ndarray, np.ndarray]:
    """Where an axis was measured, and the least time in seconds there; NaN where the contestant was not asked."""
    along = curves.isel(point=[str(point).split()[0] == axis for point in curves.point.values])
    values = np.array([int(str(point).split()[1]) for point in along.point.values])
    least = along.ns.sel(contestant=contestant).min("round").values
    return values, least * along.numbers.values * 1e-9


def draw(data: Mapping[str, xr.Dataset]) -> Figure:
    """``data["curves"]``: nanoseconds per number over (point, contestant, round), and how many ``numbers``."""
    curves = data["curves"]
    figure, panels = canvas(1, 3, height=3.6, sharey=True)
    for panel, (axis, text) in zip(panels, AXES.items(), strict=True):
        for name, what, color, marker, style in (line for line in LINES if line[0] in curves.contestant.values):
            values, cost = seconds(curves, axis, name)
            if np.isfinite(cost).any():
                panel.loglog(values, cost, color=color, marker=marker, ms=4, ls=style, label=what)
        values, cost = seconds(curves, axis, "vradam")
        exponent = np.polyfit(np.log(values), np.log(cost), 1)[0]
        panel.set_xlabel(f"{text}\nvradam: exponent {exponent:.2f}")
        panel.set_xticks(values, [f"{value:,}" for value in values])
        panel.minorticks_off()
    panels[0].set_ylabel("seconds, one thread")
    panels[0].set_title("What runs cost; 1 is in proportion", color=INK)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    return figure
