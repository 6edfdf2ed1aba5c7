"""Kinetic powers, other energies, one gate a tensor or a coordinate: test losses over that with k = 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import xarray as xr
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.figures.source_protocol import ratios
from paper_figures.style import BLUE, PURPLE, headline

SETTINGS: Final = {
    "tuned": (BLUE, "o", 0.15, "every gate tuned alike"),
    "default": (PURPLE, "D", -0.15, r"$\beta_3=1$, $\alpha_1=10$, AdamW's rate"),
}


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["gate_pairs"]``: ratio, low, high and p_holm over (setting, task, gate)."""
    said = "test loss over that of the published gate (k = 2); filled: clear after Holm"
    figure = ratios(data["gate_pairs"], "setting", "gate", SETTINGS, said, height=4.6)
    headline(figure, "Other powers, energies and scopes of the gate beside the published one", "")
    return figure


FIGURE = Figure(
    "source_tasks",
    ("gate_pairs",),
    "Kinetic powers k = 3 to 6, other energies, the gradient's norm, one gate for each tensor or coordinate: test loss "
    "over that of the published gate, all tuned alike and all with beta3 = 1.",
    draw,
)
