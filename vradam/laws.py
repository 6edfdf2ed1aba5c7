r"""Opening laws: how what a gate has seen becomes its closing w_t, and the learning rate A_t/(1 + w_t).

A gate form (:mod:`vradam.gates`) says what is seen, K_t >= 0; the signal of a law is z_t = beta3 K_t.

=====================  ======================================================  ====================  ================
law                    closing w_t                                             it remembers          A_t
=====================  ======================================================  ====================  ================
:data:`published`      min(z_t, alpha1)                                        K_t                   alpha0
:func:`averaged` (g)   min(beta3 u_t/(1 - g^t), alpha1),                       u_t                   alpha0
                       u_t = g u_{t-1} + (1 - g) K_t
:func:`held` (g, w0)   max(min(z_t, alpha1), g w_{t-1})                        w_t                   alpha0 (1 + w0)
=====================  ======================================================  ====================  ================

The last two close at once and open slowly: 1/eta_t >= g/eta_{t-1} + (1 - g)/A (:func:`averaged` up to its bias
correction). For a constant rate that alone makes momentum on every quadratic stable from every start, whatever the
signal, while A L lies below the edge 2 (1 + beta1)/(1 - beta1) and g >= beta1^2. Both are introduced here; neither is
in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from vradam.validation import hyper_parameter, over_runs, restore

Array = NDArray[np.floating]
LARGEST = float(np.finfo(np.float64).max)


class Law(Protocol):
    """The protocol of an opening law. Arrays are columns that broadcast against (..., d): one number a run, or d."""

    @property
    def name(self) -> str: ...

    def start(self) -> float | Array:
        """What is remembered before the first step."""

    def remember(self, memory: Array, seen: Array, beta3: Any, alpha1: Any) -> Array:
        """What is remembered once K_t = ``seen`` is known."""

    def closing(self, memory: Array, t: int, beta3: Any, alpha1: Any, corrected: bool = True) -> Array:
        """w_t in [0, alpha1], from what is remembered after step t."""

    def ceiling(self) -> float | Array:
        """A/alpha0: how far above alpha0 an entirely open gate lies."""


def clipped(seen: Array, beta3: Any, alpha1: Any) -> Array:
    """min(beta3 K, alpha1); K counts as the largest float where it is infinite, so that beta3 = 0 ignores it.

    >>> float(clipped(np.array(3.0), 2.0, 10.0)), float(clipped(np.array(np.inf), 0.0, 10.0))
    (6.0, 0.0)
    """
    with np.errstate(over="ignore"):
        return np.minimum(beta3 * np.minimum(seen, LARGEST), alpha1)


@dataclass(frozen=True, eq=False)
class Published:
    """w_t = min(z_t, alpha1): the gate forgets at once."""

    name: str = "published"

    def start(self) -> float:
        return 0.0

    def remember(self, memory: Array, seen: Array, beta3: Any, alpha1: Any) -> Array:
        return seen

    def closing(self, memory: Array, t: int, beta3: Any, alpha1: Any, corrected: bool = True) -> Array:
        return clipped(memory, beta3, alpha1)

    def ceiling(self) -> float:
        return 1.0


@dataclass(frozen=True, eq=False)
class Averaged:
    """The signal is averaged with ``decay`` g in [0, 1), a number or an array over the runs; see :func:`averaged`."""

    decay: float | Array

    __setstate__ = restore

    @property
    def name(self) -> str:
        return f"averaged({written(self.decay)})"

    def start(self) -> float:
        return 0.0

    def remember(self, memory: Array, seen: Array, beta3: Any, alpha1: Any) -> Array:
        decay = over_runs("gate_decay", self.decay, seen)
        return decay * memory + (1 - decay) * seen

    def closing(self, memory: Array, t: int, beta3: Any, alpha1: Any, corrected: bool = True) -> Array:
        correction = 1 - over_runs("gate_decay", self.decay, memory) ** t if corrected else 1.0
        with np.errstate(over="ignore"):
            seen = memory / correction
        return clipped(seen, beta3, alpha1)

    def ceiling(self) -> float:
        return 1.0


@dataclass(frozen=True, eq=False)
class Held:
    """The closing loses at most the factor ``decay`` g in (0, 1) a step and starts at ``w0``; see :func:`held`."""

    decay: float | Array
    w0: float | Array = 0.0

    __setstate__ = restore

    @property
    def name(self) -> str:
        return f"held({written(self.decay)})" if np.all(self.w0 == 0) else f"held({written(self.decay)}, w0)"

    def start(self) -> float | Array:
        return self.w0

    def remember(self, memory: Array, seen: Array, beta3: Any, alpha1: Any) -> Array:
        kept = over_runs("g", self.decay, seen) * memory
        return np.minimum(np.maximum(clipped(seen, beta3, alpha1), kept), LARGEST)

    def closing(self, memory: Array, t: int, beta3: Any, alpha1: Any, corrected: bool = True) -> Array:
        return memory

    def ceiling(self) -> float | Array:
        return 1.0 + self.w0


published: Final = Published()


def averaged(g: float | Array) -> Averaged:
    """The law that lets the gate see the bias-corrected average of K_t.

    Parameters
    ----------
    g : float or array over the runs, in (0, 1)
        Decay of the average. Stability below the edge asks for g >= beta1^2, the rate O(ln N/sqrt N) for
        1 - g = O(1/N).

    Raises
    ------
    ValueError, TypeError
        If g lies outside its domain or is no real number.

    Examples
    --------
    >>> averaged(0.9).name
    'averaged(0.9)'
    """
    return Averaged(hyper_parameter("g", g, "(0, 1)"))


def held(g: float | Array, w0: float | Array = 0.0) -> Held:
    """The law w_t = max(min(z_t, alpha1), g w_{t-1}): the gate holds the last peak of its signal and lets it fade.

    Parameters
    ----------
    g : float or array over the runs, in (0, 1)
        The largest share of its closing that a gate keeps against its signal. Stability below the edge asks for
        g >= beta1^2, the rate O(ln N/sqrt N) for 1 - g = O(1/N).
    w0 : float or array over the runs, in [0, inf)
        Closing before the first step. The learning rate starts at alpha0 and may rise to A = alpha0 (1 + w0), which is
        what has to lie below the edge.

    Raises
    ------
    ValueError, TypeError
        If g or w0 lies outside its domain or is no real number. An optimizer refuses w0 > alpha1.

    Examples
    --------
    >>> held(0.99).name
    'held(0.99)'
    >>> held(1.0)
    Traceback (most recent call last):
        ...
    ValueError: g must lie in (0, 1), got 1.0
    """
    return Held(hyper_parameter("g", g, "(0, 1)"), hyper_parameter("w0", w0, "[0, inf)"))


def written(number: float | Array) -> str:
    """A number as it is written in a name; an array over the runs by its ends."""
    if np.ndim(number) == 0:
        return f"{float(number):g}"
    if np.size(number) == 0:
        return "no runs"
    return f"{np.min(number):g}...{np.max(number):g}"
