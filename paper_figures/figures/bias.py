"""The bias of a gate that sees the gradient it scales: heights of the plateaus, the repairs, and the bound."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import COLUMN, GATES, GREY, INK, canvas, headline, label

LINES = (
    ("published", "published", GATES["published"], "o", "-"),
    ("inside", "predictable, inside", GATES["inside"], "s", (0, (5, 2))),
    ("smoothed beta2", r"smoothed, $\beta_g=\beta_2$", GATES["smoothed"], "^", "-"),
    ("Adam", "Adam, no gate", GATES["no gate"], "D", (0, (1, 1.5))),
)


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["curves"]`` over (law, gate, N); ``data["plateaus"]`` and ``data["crossing"]``: the laws, the long run."""
    curves, plateaus, crossing = data["curves"].isel(law=0), data["plateaus"], data["crossing"]
    figure, panels = canvas(2, 2, height=5.6, width=COLUMN, width_ratios=(1.2, 1))
    for axes in panels[0]:
        axes.remove()
    left, (middle, right) = figure.add_subplot(panels[0, 0].get_gridspec()[0, :]), panels[1]
    for gate, text, color, marker, style in LINES:
        row = curves.sel(gate=gate)
        left.loglog(row.N, row["mean"], marker=marker, ms=4, color=color, ls=style, label=text)
    plateau = float(curves.plateau.max())  # the same for every gate
    left.axhline(plateau, color=GREY, lw=1, ls=(0, (4, 3)))
    label(left, float(curves.N[-1]), plateau * 1.12, "predicted", GREY, ha="right", va="bottom")
    left.set_ylim(bottom=0.2 * float(curves["mean"].min()), top=8)
    left.legend(fontsize=8.5, loc="lower left", borderaxespad=0.1, handlelength=2.4)
    left.set(xlabel="N", ylabel=r"$E\|\nabla F(x_\tau)\|^2$")
    left.set_title("Error against the horizon", color=INK, fontsize=10)
    low, high = (abs(plateaus.measured - plateaus.low), abs(plateaus.high - plateaus.measured))
    largest = 1.12 * float(max(plateaus.predicted.max(), plateaus.measured.max()))
    middle.plot([0, largest], [0, largest], color=GREY, lw=1)
    middle.errorbar(
        plateaus.predicted, plateaus.measured, [low, high], fmt="o", ms=4, color=GATES["published"], elinewidth=1
    )
    middle.set(xlabel="predicted", ylabel=r"measured  $|F'|$", xlim=(-0.04 * largest, largest), ylim=(-0.1, largest))
    middle.set_title("The plateau", color=INK, fontsize=10)
    for place, (gate, color) in enumerate((name, GATES[name]) for name in ("published", "inside")):
        row = crossing.sel(gate=gate)
        right.plot(place, row["mean"], "os"[place], ms=6, color=color)
        right.hlines(float(row.bound), place - 0.4, place + 0.4, color=INK, lw=1.4, ls=(0, (4, 3)))
    right.axhline(float(crossing.trivial), color=GREY, lw=1)
    label(right, -0.55, float(crossing.trivial) * 1.05, "trivial", GREY, va="bottom", fontsize=8)
    values = [float(value) for value in (*crossing["mean"], *crossing.bound, crossing.trivial)]
    right.set_ylim(0.4 * min(values), 1.8 * max(values))
    right.set(xlim=(-0.6, 1.6), yscale="log", xlabel=f"N = {_power(crossing.horizon.values)}; dashed: bound")
    right.set_xticks([0, 1], ["published", "inside"], fontsize=9)
    over = float(crossing["mean"].sel(gate="published")) > float(crossing.bound.sel(gate="published"))
    right.set_title("A long run", color=INK, fontsize=10)
    end = "above the bound" if over else "below the bound so far"
    headline(figure, f"The bias of the published gate stays, at the\npredicted height and {end}")
    return figure


def _power(horizons: np.ndarray) -> str:
    """Horizons as powers of ten, once if they are equal."""
    return ", ".join(rf"$10^{{{np.log10(steps):.3g}}}$" for steps in dict.fromkeys(horizons.tolist()))


FIGURE = Figure(
    "bias",
    ("curves", "plateaus", "crossing"),
    "A gate that sees the gradient it scales leaves a plateau of predicted height; two other gates do not.",
    draw,
)
