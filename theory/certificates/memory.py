"""A gate with a memory: every start converges, verified cell by cell in whole numbers.

A certificate of kind ``averaged`` (the smoothed gate) or ``held`` (peak-hold, the opening law with ``w_0 = 0``) holds
``beta1``, ``fraction = S/B``, ``B = 2(1+beta1)/(1-beta1)``, a whole ``alpha1 >= 2``, and ``boxes``: closed intervals
``gate_decay``, each beginning where the one before ends, with what proves that VRMomentum on ``F = L x^2/2`` converges
to the minimum from every velocity, position and memory. With ``(a, b) = (v_{t-1}, v_t)`` and w the memory before
``v_t``, a step is (:mod:`theory.certificates.memory_cells`)

    (a, b, w) -> (b, tau b - beta1 a, k),     tau = (1+beta1)(1 - 2 s gamma),     gamma = 1/(1 + min(k, alpha1)).

The forms ``P = b^2 - c a b + beta1 a^2`` and how a trace contracts them are those of
:mod:`theory.certificates.frontier`.

1. **Target** (``target = [c, kinetic]``): where ``P <= kinetic (1 - c^2/(4 beta1))`` and ``w <= kinetic``, ``b^2 <=
   kinetic`` and so ``k <= kinetic``, under either law. If the traces at ``gamma = 1`` and at ``1/(1+kinetic)`` contract
   P strictly, P falls by a fixed factor, the next memory is k, and so on: the orbit converges.

2. **Far away** (``far = [c, r]``): P contracts by ``r^2`` at the trace of the closed gate, ``gamma_0 = 1/(1+alpha1)``,
   so that ``sqrt(P') <= r sqrt(P) + M``, ``M`` a bound of ``2 (1+beta1) s (gamma - gamma_0) |b|``. As k is at least
   ``(1-g) b^2``, or ``min(b^2, alpha1)``, ``M = (1+beta1) s alpha1/(1+alpha1)``, divided by ``sqrt(1-g)`` for
   ``averaged``. In the end ``sqrt(P)`` is as close to ``M/(1-r)`` as one likes,
   or smaller; that bounds ``|b|``, ``|a|``, ``|b - c a/2|``, and the memory: ``averaged`` by the bound of ``b^2``, for
   ``w' - b^2 = g (w - b^2)``, ``held`` by ``alpha1``, of which ``w_0`` is at most as much.

3. **Between** (``grid = [step, growth, levels]``): no orbit stays outside the target.

g may change from step to step within a box. So the bias-corrected gate, which is smoothed with ``g_t = 1 -
(1-g)/(1-g^t)``, below g and tending to g, obeys this from some step on, for g above the lower end of a box.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from theory.certificates.cells import PARTS, REACH, UNIT, Strip
from theory.certificates.frontier import SLACK, contracts, root_above, short, traces
from theory.certificates.memory_cells import Family, Target, no_orbit_stays
from theory.certificates.reading import count, items, rational, require_keys, shown
from theory.certificates.statement import Statement

MAX_LEVELS = 8


@dataclass(frozen=True)
class Box:
    """An interval of gate_decay with its proof."""

    decay: tuple[Fraction, Fraction]
    target: tuple[Fraction, Fraction]
    far: tuple[Fraction, Fraction]
    grid: tuple[int, int, int]


# ---------------------------------------------------------------- reading


def check_memory(data: Mapping[str, Any]) -> Statement | None:
    """What a certificate of kind ``averaged`` or ``held`` proves, None if one of its boxes is false.

    Raises ValueError if it is malformed.
    """
    require_keys(data, ("beta1", "fraction", "alpha1", "boxes"))
    law = str(data["kind"])
    beta1 = _share(data["beta1"], "beta1")
    fraction = short(data["fraction"], "fraction")
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1, got {shown(data['fraction'])}")
    alpha1 = rational(data["alpha1"], "alpha1")
    if alpha1.denominator != 1 or not 2 <= alpha1 <= 1000:
        raise ValueError(f"alpha1 must be a whole number from 2 to 1000, got {shown(data['alpha1'])}")
    boxes = [_box(entry) for entry in items(data["boxes"], "boxes")]
    for one, following in pairwise(boxes):
        if one.decay[1] != following.decay[0]:
            raise ValueError(f"boxes must follow each other in gate_decay, got {one.decay[1]}, {following.decay[0]}")
    if not all(_proves(Family(law, beta1, fraction, int(alpha1), box.decay), box) for box in boxes):
        return None
    S = fraction * 2 * (1 + beta1) / (1 - beta1)
    ends = {"low": boxes[0].decay[0], "high": boxes[-1].decay[1]}
    return Statement(law, {"beta1": beta1, "S": S, "alpha1": alpha1, **ends})


def _box(data: Any) -> Box:
    if not isinstance(data, dict):
        raise ValueError(f"a box must be a JSON object, got {shown(data)}")
    require_keys({"kind": "box of a memory", **data}, ("gate_decay", "target", "far", "grid"))
    low, high = (_share(end, "gate_decay") for end in items(data["gate_decay"], "gate_decay", 2))
    if low > high:
        raise ValueError(f"gate_decay must be a pair with low <= high, got {shown(data['gate_decay'])}")
    c, kinetic = (short(value, "target") for value in items(data["target"], "target", 2))
    tilt, r = (short(value, "far") for value in items(data["far"], "far", 2))
    step, growth, levels = (count(value, "grid") for value in items(data["grid"], "grid", 3))
    if not (2**MAX_LEVELS <= step <= UNIT and step % 2**levels == 0 and 2 <= growth <= 100 and levels <= MAX_LEVELS):
        raise ValueError(f"grid must hold step, growth and levels in their ranges, got {shown(data['grid'])}")
    return Box((low, high), (c, kinetic), (tilt, r), (step, growth, levels))


def _share(value: Any, name: str) -> Fraction:
    """A whole number of 1/PARTS in [0, 1); beta1 is > 0."""
    number = rational(value, name)
    if PARTS % number.denominator or not 0 <= number < 1 or (name == "beta1" and number == 0):
        raise ValueError(f"{name} must be a whole number of 1/{PARTS} below 1, got {shown(value)}")
    return number


# ---------------------------------------------------------------- verifying


def _proves(family: Family, box: Box) -> bool:
    """Whether every step of the module's argument holds."""
    beta1, s = family.beta1, family.fraction
    (c, kinetic), (tilt, r), alpha1 = box.target, box.far, Fraction(family.alpha1)
    if not (0 < kinetic <= 1 and 0 < r < 1 and tilt**2 < 4 * beta1):
        return False
    if not contracts((beta1, beta1), traces((beta1, beta1), (s / (1 + kinetic), s)), c):
        return False
    closed = traces((beta1, beta1), (s / (1 + alpha1), s / (1 + alpha1)))
    if not contracts((beta1, beta1), closed, tilt, r**2):
        return False
    push = (1 + beta1) * s * alpha1 / (1 + alpha1)
    if family.law == "averaged":
        push *= Fraction(root_above(1 / (1 - box.decay[1])), UNIT)
    root = SLACK * push / (1 - r)  # of P, in the end
    square = root**2 / (1 - tilt**2 / (4 * beta1))
    if square >= REACH**2 / UNIT**2:
        return False
    reach = root_above(square)
    p, q = tilt.as_integer_ratio()
    near = Strip(2 * q, p, int(2 * q * root * UNIT) + 1, reach)
    top = int(square * UNIT) + 1 if family.law == "averaged" else family.clip
    p, q = c.as_integer_ratio()
    form = np.array([PARTS * q, -PARTS * p, int(beta1 * PARTS) * q], np.int64)
    bound = int(kinetic * (1 - c * c / (4 * beta1)) * PARTS * q * UNIT**2)
    return no_orbit_stays(family, box.grid, top, Target(form, bound, int(kinetic * UNIT)), near)
