"""The same coin, the same bound, every gate: the one that sees the gradient it scales crosses, the others do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import COLUMN, GREY, INK, canvas, headline, label
from paper_figures.style import GATES as COLOURS

#: Gate, what it is called, colour, marker, line.
GATES: Final = (
    ("published", "Algorithm 1", COLOURS["published"], "o", "-"),
    ("held", "held", COLOURS["held"], "D", (0, (1, 1.5))),
    ("predictable", "predictable", COLOURS["predictable"], "s", (0, (5, 2))),
    ("smoothed", "smoothed", COLOURS["smoothed"], "^", "-"),
)

#: Where the name of a gate stands beside the last point of its curve, in the last panel.
BESIDE: Final = {"held": "center", "predictable": "bottom", "smoothed": "top"}


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["central"]`` and ``data["bias/central"]`` over (beta1, gate, N): a panel without momentum and one with."""
    sources = (data["bias/central"], data["central"])
    figure, panels = canvas(1, 2, height=3.5, width=COLUMN * 1.35, sharey=True)
    for axes, beta1 in zip(panels, sources[0].beta1.values[:2], strict=True):
        _panel(axes, [source.sel(beta1=beta1) for source in sources], named=axes is panels[-1])
        axes.set_title("no momentum" if beta1 == 0 else rf"$\beta_1={beta1:g}$", fontsize=10)
    panels[0].set_ylabel(r"$E\|\nabla F(x_\tau)\|^2$")
    headline(figure, "Same noise, same bound: only the gate of Algorithm 1 crosses")
    return figure


def _panel(axes: Axes, sources: list[xr.Dataset], named: bool) -> None:
    N = sources[0].N.values
    bound = sources[0].bound.sel(gate="published")
    axes.loglog(N, bound, color=INK, lw=2.4)
    label(axes, N[-2], float(bound[-2]), "bound", INK, va="bottom", xytext=(5, 2), textcoords="offset points")
    trivial = float(sources[0].trivial)
    axes.axhline(trivial, color=GREY, lw=1, ls=(0, (4, 3)))
    label(axes, N[-1], trivial, "known without a theorem", GREY, ha="right", va="bottom", xytext=(0, 2),
          textcoords="offset points", fontsize=8)  # fmt: skip
    for gate, text, color, marker, style in GATES:
        found = [source.sel(gate=gate) for source in sources if gate in source.gate.values]
        if not found:
            continue
        row = found[0]
        axes.loglog(N, row["mean"], color=color, marker=marker, ms=4, ls=style)
        axes.fill_between(N, row.low, row.high, color=color, alpha=0.25, lw=0)
        if gate == "published":
            label(axes, N[0], float(row["mean"][0]), text, color, va="bottom", xytext=(0, 5),
                  textcoords="offset points")  # fmt: skip
        elif named:
            label(axes, N[-1], float(row["mean"][-1]), text, color, va=BESIDE[gate], xytext=(7, 0),
                  textcoords="offset points", annotation_clip=False)  # fmt: skip
    axes.set_xlabel("N")
    axes.margins(y=0.09)


FIGURE = Figure(
    "convergence",
    ("central", "bias/central"),
    "The same fair coin as noise and one proved bound: only the gate that sees the gradient it scales ends above it.",
    draw,
)
