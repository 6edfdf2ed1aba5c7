"""Sensitivity: where VRAdam reaches its target over alpha0 and beta3, and how much wider its range is than AdamW's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figures.style import BLUE, GREY, INK, ORANGE, PALE, SEQUENTIAL, canvas, headline

#: Rows of the right panel, from the top.
ROWS = ("VRAdam", "smoothed VRAdam", "power 2", "power 3", "power 4", "power 5", "power 6", "per coordinate")


def draw(data: Mapping[str, xr.Dataset]) -> Figure:
    """``data["map"]``: median steps over (objective, beta3, alpha0); ``data["gains"]``: differences of widths."""
    maps, gains = data["map"], data["gains"]
    gated = gains.gain.sel(measure="own", choice="tuned", family="VRAdam")
    value, low, high = (float(gated.sel(part=part)) for part in ("value", "low", "high"))
    figure, (left, right) = canvas(1, 2, height=3.9, width_ratios=(1, 1))
    _map(figure, left, maps)
    rows = [name for name in ROWS if name in gains.family.values]
    for y, name in enumerate(rows):
        for choice, color, marker, shift in (("default", GREY, "s", 0.16), ("tuned", BLUE, "o", -0.16)):
            at = gains.gain.sel(measure="own", choice=choice, family=name)
            middle, start, stop = (float(at.sel(part=part)) for part in ("value", "low", "high"))
            right.plot([start, stop], [y + shift] * 2, color=color, lw=1.6)
            right.plot(middle, y + shift, marker, color=color, ms=5.5, mfc="white" if choice == "default" else color)
    right.axvline(0, color=INK, lw=0.8)
    right.set(
        yticks=range(len(rows)),
        yticklabels=rows,
        ylim=(len(rows) - 0.4, -0.6),
        xlabel="decades wider than without gate",
    )
    right.tick_params(axis="y", length=0)
    right.set_title("Width of the range", fontsize=9.5)
    right.text(0.02, -0.2, "filled: tuned alike;  open: default", transform=right.transAxes, fontsize=8, color=INK)
    verb = "wider" if low > 0 else "narrower" if high < 0 else "neither wider nor narrower"
    headline(figure, f"Tuned alike, VRAdam's range of $\\alpha_0$ is {verb} than AdamW's: {value:+.2f} decades")
    return figure


def _map(figure: Figure, axes: Axes, maps: xr.Dataset) -> None:
    """Steps to the target of the objective in the middle of the list; PALE where it is not reached."""
    found = maps.isel(objective=maps.sizes["objective"] // 2)
    steps = found["median"].where(np.isfinite(found["median"]))
    axes.set_facecolor(PALE)
    image = axes.pcolormesh(
        found.alpha0, found.beta3, np.log10(steps), cmap=f"{SEQUENTIAL}_r", shading="nearest", rasterized=True
    )
    good = steps <= 2 * steps.min("alpha0")
    axes.contour(found.alpha0, found.beta3, good.astype(float), levels=[0.5], colors=ORANGE, linewidths=1.3)
    axes.set(xscale="log", yscale="log", xlabel=r"$\alpha_0$", ylabel=r"$\beta_3$")
    axes.set_title(f"VRAdam on {found.objective.item()}", fontsize=9.5)
    bar = figure.colorbar(image, ax=axes, location="bottom", pad=0.02, label=r"$\log_{10}$ steps to the target")
    bar.outline.set_visible(False)  # type: ignore[operator]
