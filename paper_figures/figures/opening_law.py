"""The opening law: what it does to a signal, what adversaries can do with and without it, bursts, and the bias."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import NullLocator

from paper_figures.figure import Figure
from paper_figures.style import GATES, GREY, INK, canvas, headline, label

DASHES: Final = {"published": "-", "averaged": (0, (4, 1.5)), "held": "-"}


def draw(data: Mapping[str, xr.Dataset]) -> Canvas:
    """``growth``, ``bursts``, ``bias`` and ``example`` of the study."""
    figure, ((law, growth), (bursts, bias)) = canvas(2, 2, height=5.6)
    _law(law, data["example"])
    _growth(growth, data["growth"])
    _bursts(bursts, data["bursts"])
    _bias(bias, data["bias"])
    headline(figure, "Close at once, open slowly: whatever the gate sees,\nno adversary below the edge and no plateau")
    return figure


def _law(axes: Axes, example: xr.Dataset) -> None:
    axes.fill_between(example.step, example.signal, color=GREY, alpha=0.25, lw=0)
    for name in ("averaged", "held"):
        axes.plot(example.step, example.closing.sel(law=name), color=GATES[name], ls=DASHES[name], lw=1.5)
    last = int(example.step[-1])
    label(axes, 0.5 * last, 0.93 * float(example.signal.max()), "signal $z_t$", GREY, ha="center")
    for name, place, lift in (("held", last, 2.2), ("averaged", 0.62 * last, 0.5)):
        height = float(example.closing.sel(law=name, step=round(place)))
        label(axes, place, height + lift, name, GATES[name], ha="right" if place == last else "center", va="bottom")
    axes.set(xlabel="step", ylabel="closing $w_t$", ylim=(0, None), xlim=(0, last))
    axes.set_title(rf"The law, $g = {example.attrs['g']:g}$", fontsize=10)


def _growth(axes: Axes, growth: xr.Dataset) -> None:
    """The best adversary per setting, with and without the law; d and clips are in the maximum."""
    best = growth.growth.max(("dimension", "signal"))
    shades = np.linspace(0.45, 1, growth.sizes["beta1"])
    for beta1, shade in zip(growth.beta1.values, shades, strict=True):
        for law, color in (("none", GATES["published"]), ("held", GATES["held"])):
            axes.plot(
                growth.fraction, best.sel(law=law, beta1=beta1), color=color, alpha=shade, marker="o", ms=3, lw=1.3
            )
    axes.axhline(0, color=GREY, lw=1, ls=(0, (1, 1.5)))
    top = float(best.sel(law="none").max())
    last = best.sel(law="none").isel(fraction=-1)
    for beta1 in (growth.beta1.values[0], growth.beta1.values[-1]):
        lift = 0.02 * top if beta1 == growth.beta1.values[-1] else 0
        label(axes, 1.02, float(last.sel(beta1=beta1)) + lift, rf"$\beta_1$ {beta1:g}", GATES["published"], fontsize=8)
    label(axes, 0.02, 0.9 * top, "without a law", GATES["published"])
    label(axes, 0.02, -0.1 * top, r"held, $g=\beta_1^2$", GATES["held"])
    axes.set(xlabel=r"$\alpha_0 L / B$", ylabel=r"growth a step, $\log_{10}$", xlim=(0, 1.25), ylim=(-0.2 * top, None))
    axes.set_xticks([0, 0.5, 1])
    axes.set_title("Below B: the best adversary", fontsize=10)


def _bursts(axes: Axes, bursts: xr.Dataset) -> None:
    for name, color, style in (
        ("published", GATES["published"], "-"), ("averaged, .999", GATES["averaged"], (0, (4, 1.5))),
        ("held, .999", GATES["held"], "-"),
    ):  # fmt: skip
        axes.semilogy(bursts.step, np.maximum(bursts.speed.sel(gate=name), 1e-3), color=color, ls=style, lw=1)
        place = {"published": 90, "averaged, .999": 12, "held, .999": 1.4}[name]
        label(axes, 1.02 * float(bursts.step[-1]), place, name.replace(", ", "\n"), color, fontsize=8)
    axes.set(xlabel="step, after long runs", ylabel=r"$|v_t|$ at $8\,B$", ylim=(1e-2, None), xlim=(0, None))
    axes.set_title("Beyond B: bursts", fontsize=10)


def _bias(axes: Axes, bias: xr.Dataset) -> None:
    here = bias.error.sel(noise="skewed, beta1 0")
    shown = (
        ("published", GATES["published"], "-"),
        ("held, .99", GATES["held"], (0, (1, 1.5))),
        ("averaged, 1 - 1/N", GATES["averaged"], (0, (4, 1.5))),
        ("held, 1 - 10/N", GATES["held"], "-"),
    )
    for name, color, style in shown:
        axes.loglog(bias.N, here.sel(gate=name), color=color, ls=style, marker="o", ms=3)
    last = float(bias.N[-1])
    for name, color, _ in shown:
        factor = {"averaged, 1 - 1/N": 1.9, "held, 1 - 10/N": 0.55}.get(name, 1.0)
        label(axes, 1.15 * last, factor * float(here.sel(gate=name)[-1]), name.replace(" - ", "$-$"), color, fontsize=8)
    first = float(bias.N[0])
    axes.set(xlabel="N", ylabel=r"$E\|\nabla F(x_\tau)\|^2$", xlim=(0.8 * first, last * (last / first) ** 0.9))
    axes.set_ylim(0.3 * float(here.sel(gate=[name for name, _, _ in shown]).min()), None)
    axes.set_xticks([N for N in bias.N.values if np.log10(N) % 1 == 0])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_title("Skewed noise: the bias", fontsize=10)
    axes.tick_params(axis="both", colors=INK)


FIGURE = Figure(
    "opening_law",
    ("growth", "bursts", "bias", "example"),
    "The opening law: closing at once and opening slowly, no adversary grows below the edge, bursts are small, and the "
    "bias goes away when 1 - g falls like 1/N.",
    draw,
)
