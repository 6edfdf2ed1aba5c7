"""What the gate sees and what it acts on: the published form and the studied departures from it, one at a time.

============================  ====================  =================================  ============
gate                          sees                  kinetic                            acts on
============================  ====================  =================================  ============
:data:`published`             v_t                   ||v_t||^2                          the step
:data:`predictable`           v_{t-1}               ||v_{t-1}||^2                      the step
:data:`inside`                v_{t-1}               ||v_{t-1}||^2                      the gradient
:data:`gradient_norm`         g_t                   ||g_t||^2                          the step
:func:`power` (k)             v_t                   ||v_t||^k                          the step
:data:`per_coordinate`        v_t                   v_{t,i}^2, one gate a coordinate   the step
============================  ====================  =================================  ============

The smoothed kinetic energy is the published gate with ``gate_decay > 0``. Combinations are not offered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from vradam.validation import hyper_parameter

Array = NDArray[np.floating]


@dataclass(frozen=True)
class GateForm:
    """One form of the gate; the instances of this module are the forms that are studied.

    ``exponent`` is k in ||.||^k; ``on_gradient`` gates the gradient as it enters the velocity instead of the step.
    """

    name: str
    sees: Literal["velocity", "previous velocity", "gradient"] = "velocity"
    exponent: float = 2.0
    per_coordinate: bool = False
    on_gradient: bool = False

    def kinetic(self, velocity: Array, previous: Array, grad: Array) -> Array:
        """The kinetic energy seen, float64 and capped at the largest float: (...), or (..., d) per coordinate."""
        seen = {"velocity": velocity, "previous velocity": previous, "gradient": grad}[self.sees]
        with np.errstate(over="ignore"):
            squares = np.square(seen, dtype=np.float64, order="C")
            energy = squares if self.per_coordinate else np.add.reduce(squares, axis=-1)
            if self.exponent != 2.0:
                energy = np.power(energy, self.exponent / 2.0)  # not **: it rounds a scalar unlike the rows of a batch
        return np.minimum(energy, np.finfo(np.float64).max)


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
    return GateForm(f"power({k:g})", exponent=float(hyper_parameter("k", k, "(0, inf)")))


def opening(kinetic: Array, beta3: float | Array, alpha1: float | Array) -> Array:
    """How far the gate is open, gamma = 1/(1 + min(beta3 * kinetic, alpha1)), in [1/(1 + alpha1), 1].

    ``kinetic`` counts as the largest float where it is infinite, so that beta3 = 0 opens the gate whatever it sees.
    """
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.minimum(beta3 * np.minimum(kinetic, np.finfo(np.float64).max), alpha1))
