"""Sensitivity: where VRAdam reaches its target over alpha0 and beta3, and what the gate does to the range of alpha0."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from paper_figures.figure import Figure
from paper_figures.style import GATES, OPTIMIZERS, ORANGE, PALE, SEQUENTIAL, canvas, headline, label

#: form -> how it is drawn: its name, colour, dash, marker, and a shift that keeps intervals apart
FORMS = {
    "power 2": (r"$\|v\|^2$ (published)", GATES["published"], "-", "o", 0.85),
    "power 4": (r"$\|v\|^4$", GATES["power 4"], (0, (5, 2)), "s", 1.0),
    "per coordinate": ("per coordinate", GATES["per coordinate"], (0, (1, 1.5)), "^", 1.18),
}


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["map"]``: median steps over (objective, beta3, alpha0); ``data["gate"]``: changes of the width."""
    figure, (left, right) = canvas(1, 2, height=3.9, width_ratios=(1, 1))
    _map(figure, left, data["map"])
    gain = data["gate"].gain.sel(measure="own")
    for name, (text, color, dash, marker, shift) in FORMS.items():
        if name not in gain.form.values:
            continue
        value, low, high = (gain.sel(form=name, part=part).values for part in ("value", "low", "high"))
        x = gain.beta3.values * shift
        right.vlines(x, low, high, color=color, lw=1.4)
        right.plot(x, value, color=color, ls=dash, marker=marker, ms=5, label=text)
    right.axhline(0, color=OPTIMIZERS["Adam"], lw=0.8)
    label(right, 0.02, 0.005, "Adam", OPTIMIZERS["Adam"], xycoords=("axes fraction", "data"), va="bottom", fontsize=8.5)
    right.legend(fontsize=8.5, loc="lower left", handlelength=2.4)
    right.set(xscale="log", xlabel=r"strength of the gate $\beta_3$", ylabel=r"change of width, decades of $\alpha_0$")
    right.set_title("Gate added, all else equal", fontsize=9.5)
    default = gain.sel(form="power 2").sel(beta3=1.0, method="nearest")
    value, low, high = (float(default.sel(part=part)) for part in ("value", "low", "high"))
    verb = "narrows" if high < 0 else "widens" if low > 0 else "hardly changes"
    change = f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")
    headline(figure, f"At $\\beta_3=1$ the gate {verb} the range of $\\alpha_0$ that works: {change} decades")
    return figure


def _map(figure: Canvas, axes: Axes, maps: xr.Dataset) -> None:
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


FIGURE = Figure(
    "sensitivity",
    ("map", "gate"),
    "Steps to a target over alpha0 and beta3, and how the width of the range of alpha0 that works "
    "changes when the gate is added to Adam.",
    draw,
)
