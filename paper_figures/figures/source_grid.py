"""The grid at the edge: training loss over Adam's, for what the gate sees, its strength, its clip and the momentum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import INK, SEQUENTIAL, canvas, headline


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["grid"]``: the loss over (gate, beta1, alpha1, beta3, seed) and Adam's over (gate, beta1, seed)."""
    found = data["grid"]
    ratio = np.exp((np.log(found.loss) - np.log(found.adam)).mean("seed"))
    gates, clips = ratio.gate.values.tolist(), ratio.alpha1.values.tolist()
    low, high = float(ratio.min()), float(ratio.max())
    figure, axes = canvas(len(gates), len(clips), height=4.4, width=8.6, sharex=True, sharey=True, squeeze=False)
    for row, gate in zip(axes, gates, strict=True):
        for panel, clip in zip(row, clips, strict=True):
            cells = ratio.sel(gate=gate, alpha1=clip).transpose("beta1", "beta3")
            picture = panel.imshow(cells, cmap=SEQUENTIAL, vmin=low, vmax=high, origin="lower", aspect="auto")
            for i, j in np.ndindex(cells.shape):
                value = float(cells[i, j])
                color = "white" if value < (low + high) / 2 else INK
                panel.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=8, color=color)
            panel.set_xticks(range(cells.sizes["beta3"]), [f"{value:g}" for value in cells.beta3.values])
            panel.set_yticks(range(cells.sizes["beta1"]), [f"{value:g}" for value in cells.beta1.values])
            panel.set_title(rf"sees the {gate}, $\alpha_1$ = {clip:g}", fontsize=7.5)
            panel.tick_params(length=0)
    for panel in axes[-1]:
        panel.set_xlabel(r"$\beta_3$")
    for panel in axes[:, 0]:
        panel.set_ylabel(r"$\beta_1$")
    figure.colorbar(picture, ax=axes, label="training loss over Adam's", shrink=0.8)
    headline(figure, "At the source's edge experiment: the gate's loss over that of Adam at the same rate", "")
    return figure


FIGURE = Figure(
    "source_tasks",
    ("grid",),
    "Full batch, squared error, alpha0 = 0.01, 100 steps: training loss over Adam's, over beta3, beta1, alpha1 and "
    "what the gate sees.",
    draw,
)
