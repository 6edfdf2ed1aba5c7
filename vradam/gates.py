"""Gate forms: what a gate sees and what it acts on. How it then opens is up to a law, see :mod:`vradam.laws`.

==============================  ====================  ==================================  ============
form                            sees                  K_t                                 acts on
==============================  ====================  ==================================  ============
:data:`published`               v_t                   ||v_t||^2                           the step
:data:`predictable`             v_{t-1}               ||v_{t-1}||^2                       the step
:data:`inside`                  v_{t-1}               ||v_{t-1}||^2                       the gradient
:data:`gradient_norm`           g_t                   ||g_t||^2                           the step
:func:`power` (k)               v_t                   ||v_t||^k                           the step
:data:`per_coordinate`          v_t                   v_{t,i}^2, one gate a coordinate    the step
:data:`adam_metric`             v_t, P_t              v_t' P_t^-2 v_t / d                 the step
:func:`alignment`               v_{t-1}, g_t, P_t     (1 + w_{t-1}) e^(-k (c - c*)) - 1   the step
:func:`autocorrelation`         v_{t-1}, v_t, P_t     the same, c of the velocities       the step
:func:`signal` (function)       all of them           what the function returns           the step
==============================  ====================  ==================================  ============

P_t is the diagonal sqrt(m_t/(1 - beta2^t)) + eps by which Adam divides; 1 without second moment. The last four are in
no publication that we know; the three with P_t do not change when all gradients are multiplied by one number (eps
aside). ``FORMS`` and ``LAWS`` at the end list what the generic tests run through: add yours there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from vradam import laws
from vradam.laws import LARGEST, averaged, held
from vradam.validation import one_number

__all__ = [
    "FORMS",
    "LAWS",
    "GateForm",
    "adam_metric",
    "alignment",
    "autocorrelation",
    "averaged",
    "gradient_norm",
    "held",
    "inside",
    "per_coordinate",
    "power",
    "predictable",
    "published",
    "signal",
]

Array = NDArray[np.floating]
#: (velocity, previous velocity, gradient, preconditioner: (..., d) each, w_{t-1}: (...)) -> K_t >= 0 (...)
Signal = Callable[[Array, Array, Array, Array, Array], Any]


@dataclass(frozen=True)
class GateForm:
    """One form of the gate; the instances of this module are the forms that are studied.

    Parameters
    ----------
    name : str
        Under which it is found in ``FORMS``, and shown.
    sees : "velocity", "previous velocity" or "gradient"
        Whose norm is taken, where there is no ``signal``.
    exponent : float
        k in ``||.||^k``.
    per_coordinate : bool
        One gate for each coordinate.
    on_gradient : bool
        The gate multiplies the gradient as it enters the velocity, instead of the step.
    signal : Signal, optional
        K_t as a function of (v_t, v_{t-1}, g_t, P_t, w_{t-1}), instead of a norm. One with an
        attribute ``memory``, a number m > 0, takes its memory (..., m) as a sixth argument and returns (K_t, memory).
    """

    name: str
    sees: Literal["velocity", "previous velocity", "gradient"] = "velocity"
    exponent: float = 2.0
    per_coordinate: bool = False
    on_gradient: bool = False
    signal: Signal | None = None

    @property
    def memory(self) -> int:
        """How many numbers a run the form itself remembers, besides what its law does."""
        return getattr(self.signal, "memory", 0)

    def kinetic(self, velocity: Array, previous: Array, grad: Array) -> Array:
        """The kinetic energy seen, (...), or (..., d) per coordinate, in float64.

        The largest float where it is infinite or NaN: a gradient that is not finite closes the gate as far as it goes.
        """
        seen = {"velocity": velocity, "previous velocity": previous, "gradient": grad}[self.sees]
        with np.errstate(over="ignore"):
            squares = np.square(seen, dtype=np.float64, order="C")
            energy = squares if self.per_coordinate else np.add.reduce(squares, axis=-1)
            if self.exponent != 2.0:
                energy = np.power(energy, self.exponent / 2.0)  # not **: it rounds a scalar unlike the rows of a batch
        return np.fmin(energy, LARGEST)


published: Final = GateForm("published")
predictable: Final = GateForm("predictable", sees="previous velocity")
inside: Final = GateForm("inside", sees="previous velocity", on_gradient=True)
gradient_norm: Final = GateForm("gradient_norm", sees="gradient")
per_coordinate: Final = GateForm("per_coordinate", per_coordinate=True)


def power(k: float) -> GateForm:
    """The gate that sees ||v_t||^k, k > 0; ``power(2)`` is the published one.

    The kinetic-power ablation of the paper compares k = 2, ..., 6.

    >>> power(3).name
    'power(3)'
    """
    exponent = one_number("k", k, "(0, inf)")
    return GateForm(f"power({exponent:g})", exponent=exponent)


def signal(function: Signal, name: str | None = None) -> GateForm:
    """The form whose K_t is a function of one's own.

    Parameters
    ----------
    function : callable
        (velocity v_t, previous velocity v_{t-1}, gradient g_t, preconditioner P_t, each (..., d), and the closing
        w_{t-1}, (...)) -> K_t >= 0, (...), all in float64. The closing of the law is made from beta3 K_t.
    name : str, optional
        By default that of the function.

    Returns
    -------
    GateForm
        For ``gate=``.

    Raises
    ------
    TypeError
        If ``function`` cannot be called.
    ValueError
        Not here but by the first step of an optimizer: if K_1 has not the shape of the runs, or is negative or NaN
        though the gradient is finite. At a later step such a value makes the learning rate NaN, so that the run counts
        as diverged.

    Examples
    --------
    >>> import vradam
    >>> largest = vradam.gates.signal(lambda v, before, g, P, w: np.abs(v).max(axis=-1), "largest speed")
    >>> optimizer = vradam.VRMomentum(alpha0=1.0, beta1=0.0, gate=largest, law=vradam.laws.held(0.9))
    >>> x = np.array([3.0, -4.0])
    >>> optimizer.step(x, x, optimizer.init(x))[0]                      # K_1 = 4, eta_1 = 1/5
    array([ 2.4, -3.2])
    """
    if not callable(function):
        raise TypeError(f"function must be callable, got {function!r}")
    return GateForm(name or str(getattr(function, "__name__", type(function).__name__)), signal=function)


def mean_square_step(velocity: Array, previous: Array, grad: Array, preconditioner: Array, w: Array) -> Array:
    """v' P^-2 v/d: the mean square of the step at learning rate 1, the velocity not bias-corrected."""
    with np.errstate(over="ignore"):
        return np.fmin(np.add.reduce(np.square(velocity / preconditioner), axis=-1) / velocity.shape[-1], LARGEST)


adam_metric: Final = GateForm("adam_metric", signal=mean_square_step)


@dataclass(frozen=True)
class Agreement:
    """The signal of :func:`alignment` and :func:`autocorrelation`."""

    between: Literal["force and velocity", "velocities"]
    k: float
    target: float
    average: float

    @property
    def memory(self) -> int:
        """The average of c, where there is one."""
        return 1 if self.average > 0 else 0

    def __call__(self, velocity: Array, previous: Array, grad: Array, P: Array, w: Array, memory: Any = None) -> Any:
        c = cosine(previous, grad if self.between == "force and velocity" else velocity, P)
        if self.memory:
            memory = self.average * memory + (1 - self.average) * c[..., None]
            c = memory[..., 0]
        K = np.maximum((1 + w) * np.exp(-self.k * (c - self.target)) - 1, 0)
        return (K, memory) if self.memory else K


def cosine(one: Array, other: Array, P: Array) -> Array:
    """``<one, other>/(|one| |other|)`` over the last axis in the metric 1/P; 0 where either is 0.

    >>> float(cosine(np.array([1.0, 0.0]), np.array([1.0, 1.0]), np.array([1.0, 3.0])).round(6))      # sqrt(3)/2
    0.866025
    """
    with np.errstate(all="ignore"):
        largest = [np.maximum(np.abs(part).max(axis=-1, keepdims=True), 1e-300) for part in (one, other)]
        one, other = one / largest[0], other / largest[1]  # so that no square overflows or vanishes
        inner, first, second = (
            np.add.reduce(a * b / P, axis=-1) for a, b in ((one, other), (one, one), (other, other))
        )
        sizes = np.sqrt(first) * np.sqrt(second)
        return np.where(sizes == 0, 0.0, inner / np.where(sizes == 0, 1.0, sizes))


def alignment(k: float = 0.3, target: float = 0.0, average: float = 0.0) -> GateForm:
    r"""The work of the force on the velocity as a signal (not to be confused with :func:`power`): scale-free.

    .. math::
        c_t = \frac{\langle v_{t-1}, g_t\rangle_{1/P_t}}{|v_{t-1}|_{1/P_t} |g_t|_{1/P_t}} \in [-1, 1], \qquad
        K_t = \max\{(1 + w_{t-1}) e^{-k (c_t - c^*)} - 1, 0\}

    While the gradient agrees with the velocity better than c* the gate opens, otherwise it closes, by the factor
    e^(k (c* - c)) a step. Made for ``held(g, w0)``, where the gate may open from alpha0 up to alpha0 (1 + w0).
    Relatives: FIRE in molecular dynamics and hypergradient descent.

    Parameters
    ----------
    k : float, in (0, inf)
        How fast the gate follows.
    target : float, in [-1, 1]
        The c* at which the gate stays as it is.
    average : float, in [0, 1)
        Decay of an exponential average of c_t, starting at 0, that takes the place of c_t; 0 is c_t itself.

    Raises
    ------
    ValueError, TypeError
        If a parameter lies outside its domain.

    Examples
    --------
    >>> alignment().name, alignment(average=0.99).name
    ('alignment(0.3)', 'alignment(0.3, average 0.99)')
    """
    return _agreement("alignment", "force and velocity", k, target, average)


def autocorrelation(k: float = 0.3, target: float = 0.0, average: float = 0.0) -> GateForm:
    """The same with c_t between v_{t-1} and v_t: the gate closes while the velocity keeps changing its sign.

    Parameters, errors and the formula are those of :func:`alignment`.

    >>> autocorrelation(k=1, target=-0.9).name
    'autocorrelation(1, target -0.9)'
    """
    return _agreement("autocorrelation", "velocities", k, target, average)


def _agreement(name: str, between: Any, k: float, target: float, average: float) -> GateForm:
    k = one_number("k", k, "(0, inf)")
    target = one_number("target", target, "[-1, 1]")
    average = one_number("average", average, "[0, 1)")
    told = f"{k:g}" + (f", target {target:g}" if target else "") + (f", average {average:g}" if average else "")
    return GateForm(f"{name}({told})", signal=Agreement(between, k, target, average))


#: Every form that is studied, for the generic tests: each has its twin in ``theory.recursion.FORMS``.
FORMS: Final = (
    published,
    predictable,
    inside,
    gradient_norm,
    power(3),
    per_coordinate,
    adam_metric,
    alignment(),
    alignment(average=0.9),
    autocorrelation(target=0.5),
)
#: Every opening law, for the generic tests: each has its twin in ``theory.recursion.LAWS``.
LAWS: Final = (laws.published, averaged(0.8), held(0.7), held(0.7, w0=0.5))
