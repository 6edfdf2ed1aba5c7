"""The four panels of the source, on two networks: loss, accuracy, sharpness and learning rate, for two gates, Adam and
SAM at two rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from paper_figures.figure import Figure
from paper_figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, canvas, headline, label

#: Optimizer -> colour and width, the wide ones first so that those which lie on them are seen.
CURVES: Final = {
    "Adam": (BLUE, 3.2),
    "SAM": (PURPLE, 1.4),
    "gradient-norm gate": (GREEN, 1.4),
    "velocity gate": (ORANGE, 1.2),
}
DASHES: Final = ("-", (0, (4, 2)))
LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``data["curves"]``: shares over the seeds; ``data["curvature"]`` of the watched ones; where there are two rates
    ``data["contributions"]`` of the gate and of the rate."""
    curves, bent = data["curves"], data["curvature"]
    rates = sorted({_rate(name) for name in curves.optimizer.values.tolist()}, reverse=True)
    nets = curves.net.values.tolist()
    figure, axes = canvas(
        4, len(nets), height=9.4, width=8.4, sharex="col", squeeze=False, height_ratios=(1, 1, 1.25, 1)
    )
    for column, net in enumerate(nets):
        loss, accuracy, sharpness, rate = axes[:, column]
        for wanted, (color, width) in CURVES.items():
            for alpha0, dashes in zip(rates, DASHES, strict=False):
                name = f"{wanted}, alpha0 = {alpha0:g}"
                look = {"color": color, "lw": width, "ls": dashes, "alpha": 0.45 if wanted == "Adam" else 1.0}
                here = curves.sel(net=net, optimizer=name)
                _band(loss, here.step, here.loss, look)
                _band(accuracy, here.check, 100 * here.accuracy, look)
                _band(rate, here.step, alpha0 * here.rate, look)
                _watched(sharpness, bent.sel(net=net, optimizer=name), look)
        _finish(
            axes[:, column], net, bent.sel(net=net), data.get("contributions"), rates, float(curves.attrs["alpha1"])
        )
    for panel, text in zip(axes[:, 0], ("training loss", "accuracy (%)", "largest eigenvalue", "learning rate"),
                           strict=True):  # fmt: skip
        panel.set_ylabel(text)
    sam = f"SAM, rho = {float(curves.attrs['rho']):g}"
    handles = [Line2D([], [], color=color, lw=width, alpha=0.45 if name == "Adam" else 1.0,
                      label=sam if name == "SAM" else name) for name, (color, width) in CURVES.items()]  # fmt: skip
    handles += [
        Line2D([], [], color=INK, lw=1.2, ls=dashes, label=rf"$\alpha_0$ = {alpha0:g}")
        for alpha0, dashes in zip(rates, DASHES, strict=False)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8.5)
    headline(figure, "What the doubled rate changes, and what the gate changes", "")
    return figure


def _rate(name: str) -> float:
    return float(name.rpartition("= ")[2])


def _band(panel: Axes, x: xr.DataArray, shares: xr.DataArray, look: dict[str, object]) -> None:
    low, middle, high = (shares.sel(share=share) for share in (LOW, MIDDLE, HIGH))
    panel.fill_between(x, low, high, color=look["color"], alpha=0.1, lw=0)
    panel.plot(x, middle, **look)


def _watched(panel: Axes, bent: xr.Dataset, look: dict[str, object]) -> None:
    for quantity in ("sharpness", "preconditioned", "threshold"):
        found = bent[quantity]
        thin = {"lw": 0.9, "color": GREY, "ls": look["ls"]} if quantity == "threshold" else look
        panel.plot(bent.check, found.median("seed"), **thin)
        if quantity != "threshold":
            panel.fill_between(bent.check, found.min("seed"), found.max("seed"), color=look["color"], alpha=0.1, lw=0)


def _finish(
    panels: list[Axes], net: str, bent: xr.Dataset, parts: xr.Dataset | None, rates: list[float], alpha1: float
) -> None:
    loss, _, sharpness, rate = panels
    loss.set_yscale("log")
    sharpness.set_yscale("log")
    rate.set(yscale="log", xlabel="step")
    for quantity, factor, text in (
        ("threshold", 1.4, r"edge $B/\eta_t$"),
        ("preconditioned", 0.3, r"of $P_t^{-1}H$"),
        ("sharpness", 2.5, r"of $H$"),
    ):
        here = bent[quantity].isel(check=bent.sizes["check"] // 2)
        y = factor * float(here.max() if factor > 1 else here.min())
        label(sharpness, float(here.check), y, text, GREY, ha="center", fontsize=8.5)
    sharpness.set_ylim(None, 3 * float(bent.threshold.max()))
    for alpha0, dashes in zip(rates, DASHES, strict=False):
        for limit in (alpha0, alpha0 / (1 + alpha1)):
            rate.axhline(limit, color=GREY, lw=0.9, ls=dashes)
    label(rate, 0.98, 0.5, r"limits $\alpha_0$ and $\alpha_0/(1+\alpha_1)$", GREY, xycoords="axes fraction", ha="right",
          fontsize=8.5)  # fmt: skip
    title = net
    if parts is not None:
        here = parts.factor.sel(net=net, gate="velocity gate")
        lines = [
            f"{called} × {float(one.sel(part='both')):.2f} = {float(one.sel(part='gate')):.2f} (gate) × "
            rf"{float(one.sel(part='rate')):.2f} (doubled $\alpha_0$)"
            for quantity, called in (("loss", "loss"), ("sharpness", "sharpness"))
            for one in [here.sel(quantity=quantity)]
        ]
        title = "\n".join([net, *lines])
    loss.set_title(title, fontsize=8)


FIGURE = Figure(
    "source_edge",
    ("curves", "curvature"),
    "The four panels of the source on small networks: training loss, accuracy, largest eigenvalue of the Hessian (raw "
    "and preconditioned, with the edge) and learning rate with its limits, of two gates, Adam and SAM at two rates.",
    draw,
)
