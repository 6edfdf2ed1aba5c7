"""Who is compared in W1: the gates, the same signal without a law, and rivals; each with one free number, alpha0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import vradam
from vradam import gates, laws

Array = NDArray[np.floating]


def alignment(rates: Array, beta1: float, average: float) -> vradam.VRAdam:
    """The alignment gate under the held law; it starts at alpha0 and may open to 11 alpha0."""
    form = gates.alignment(k=0.3, target=0.0, average=average)
    return vradam.VRAdam(alpha0=rates, beta1=beta1, alpha1=100.0, gate=form, law=laws.held(0.95, w0=10.0))


def free(rates: Array, beta1: float) -> vradam.VRAdam:
    """The same signal with next to no law: a hypergradient that may raise the rate as fast as it lowers it."""
    return replace(alignment(rates, beta1, 0.0), law=laws.held(1e-3, w0=10.0))


def declining(rates: Array, beta1: float) -> vradam.Adam:
    """Adam with alpha0/(1 + t/100): an open-loop decay."""
    return vradam.Adam(alpha0=lambda t: rates / (1 + t / 100), beta1=beta1)


#: name -> (alpha0 over the runs, beta1) -> optimizer. The first is what the others are compared with.
CONTENDERS: Final[Mapping[str, Callable[..., Any]]] = {
    "Adam": lambda rates, beta1: vradam.Adam(alpha0=rates, beta1=beta1),
    "alignment": partial(alignment, average=0.0),
    "alignment, averaged": partial(alignment, average=0.99),
    "recommended": lambda rates, beta1: vradam.recommended(steps=500, alpha0=rates, beta1=beta1),
    "published": lambda rates, beta1: vradam.VRAdam(alpha0=rates, beta1=beta1),
    "alignment without a law": free,
    "AdamW": lambda rates, beta1: vradam.AdamW(alpha0=rates, beta1=beta1),
    "RAdam": lambda rates, beta1: vradam.RAdam(alpha0=rates, beta1=beta1),
    "RMSProp": lambda rates, beta1: vradam.RMSProp(alpha0=rates),
    "Adam, 1/(1 + t/100)": declining,
}
GATES: Final = ("alignment", "alignment, averaged", "recommended")
