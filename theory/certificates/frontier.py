"""Below the frontier every start converges: boxes of settings, verified cell by cell in whole numbers.

A certificate of kind ``safe`` holds ``alpha1`` (a closed interval, or ``"oo"`` where nothing is clipped) and ``boxes``.
Each box holds closed intervals ``beta1`` and ``fraction = S/B``, ``B = 2(1+beta1)/(1-beta1)``, and what proves that
VRMomentum on ``F = L x^2/2`` converges to the minimum from every start, for every setting in the box. In the plane
``(a, b) = (v_{t-1}, v_t)`` a step is (:mod:`theory.certificates.cells`)

    (a, b) -> (b, tau b - beta1 a),    tau = (1+beta1)(1 - 2 s gamma),    gamma = 1/(1 + min(b^2, alpha1)),

with ``s = fraction``, and everything rests on the forms ``P(a, b) = b^2 - c a b + beta1 a^2``, positive definite for
``c^2 < 4 beta1``. What is said of them here is proved in :mod:`theory.claims.cycles.frontier`.

1. **Contraction.** A step with the trace ``tau`` multiplies ``P`` by at most ``e``, ``beta1 < e``, if

       4 beta1 (tau-c)^2 e <= (4 beta1 - c^2)(e - beta1)^2;   at e = 1:   (tau-c)^2 <= (1-beta1)^2 (1 - c^2/(4 beta1)).

2. **Target** (``target``): pairs ``[c, kinetic]``, one for each of equal parts of the interval of fractions. Where
   ``P <= kinetic (1 - c^2/(4 beta1))``, ``b^2 <= kinetic``; so ``tau`` lies between its values at ``gamma = 1`` and at
   ``gamma = 1/(1+kinetic)``. If contraction holds at both, strictly, P falls by a fixed factor at every step, and the
   orbit converges. For ``c = "edge"``,

       c = -4 beta1/(1+beta1),    (1+beta1) P = (b + beta1 a)^2 + beta1 (a+b)^2,

   it holds at ``s = 1`` with equality, and strictly for ``4 beta1/(1+beta1)^2 < s gamma < 1``: this target does not
   shrink as S tends to B. A cell whose corners lie in the targets of all parts is left out: targets are convex.

3. **Far away.** With a clip (``far = [c, r]``): where it acts ``tau = (1+beta1)(1 - 2s/(1+alpha1))``; if that contracts
   P by ``e = r^2``, then ``sqrt(P') <= r sqrt(P) + M``, for the rest of the step is ``(0, m)`` with ``|m|`` at most
   ``M = (1+beta1) s alpha1/(1+alpha1)``, as ``(gamma - 1/(1+alpha1)) |b| <= [alpha1/(1+alpha1)] |b|/(1+b^2)``. So in
   the end ``sqrt(P)`` is as close to ``M/(1-r)`` as one likes, or smaller, which bounds ``|b|``, ``|a|`` and
   ``|b - c a/2|``.

   Without a clip (``far = [R]``): with ``d_t = v_{t+1} - v_t``, ``d_{t+1} = beta1 d_t - (1-beta1) S phi``, and
   ``|phi| <= 1/2``, so in the end ``|d| <= S/2 + epsilon < 2R``. While ``v >= R``, ``u_t = v_{t+1} - beta1 v_t``
   falls by ``(1-beta1) S phi(v_{t+1})``; were that for ever, u and so v would converge, to a point where ``phi = 0``:
   there is none. So every orbit comes back to ``|v| < R``, and every stretch beyond R begins with ``d > 0``. During it
   ``0 < phi <= phi(R)``, so ``d >= -S phi(R)`` up to the step back. With ``v_t`` the first velocity below R, then
   ``v_t >= R - S phi(R)``; and if that is at least 1, ``0 >= d_t >= -beta1 S phi(R) - (1-beta1) S phi(R - S phi(R))``.
   These are the cells where orbits come back.

4. **Between** (``grid = [step, growth, levels]``): no orbit stays outside the target
   (:func:`theory.certificates.cells.no_orbit_stays`). So every orbit enters it.

Every inequality for a whole box is checked at the end of each interval where it is worst. A statement about a box is
one about each of its settings: settings are constant along an orbit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any, Final

import numpy as np

from theory.certificates.cells import PARTS, REACH, UNIT, Family, Return, Strip, Target, grid, no_orbit_stays
from theory.certificates.reading import Read, count, items, rational, require_keys, shown

#: Denominators: of a fraction of the edge, of c, of a velocity.
MAX_DENOMINATOR: Final = 2000
MAX_LEVELS: Final = 8
#: "As close as one likes".
SLACK: Final = Fraction(1001, 1000)
ONE: Final = Fraction(1)

Pair = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Safe:
    """What one box proves: from every start VRMomentum on ``L x^2/2`` converges to the minimum.

    Parameters
    ----------
    beta1, fraction : Pair
        Closed intervals; ``fraction = alpha0 L/B``, ``B = 2(1+beta1)/(1-beta1)``; at ``fraction = 1``, the edge
        itself, nothing is claimed.
    alpha1 : Pair, optional
        Closed interval, or None where nothing is clipped.
    """

    beta1: Pair
    fraction: Pair
    alpha1: Pair | None

    def contains(self, beta1: Fraction, fraction: Fraction, alpha1: Fraction | None) -> bool:
        """Whether the statement is about this setting; ``alpha1`` is None for no clip."""
        here = self.beta1[0] <= beta1 <= self.beta1[1] and self.fraction[0] <= fraction <= self.fraction[1]
        if alpha1 is None or self.alpha1 is None:
            return here and fraction < 1 and alpha1 is self.alpha1
        return here and fraction < 1 and self.alpha1[0] <= alpha1 <= self.alpha1[1]


@dataclass(frozen=True)
class Box:
    """A box with its proof; see the module's text. ``c`` is None for the target that reaches the edge."""

    says: Safe
    target: tuple[tuple[Fraction | None, Fraction], ...]
    far: tuple[Fraction, ...]
    grid: tuple[int, int, int]

    @property
    def family(self) -> Family:
        return Family(self.says.beta1, self.says.fraction, self.says.alpha1)


# ---------------------------------------------------------------- reading


def boxes(data: Mapping[str, Any]) -> Sequence[Box]:
    """The boxes of a certificate of kind ``safe``, read strictly, each when it is asked for.

    ValueError if it is malformed.
    """
    require_keys(data, ("alpha1", "boxes"))
    alpha1 = None if data["alpha1"] == "oo" else _pair(data["alpha1"], "alpha1", ONE, Fraction(1000))
    return Read(items(data["boxes"], "boxes"), lambda entry: _box(entry, alpha1))


def _box(data: Any, alpha1: Pair | None) -> Box:
    if not isinstance(data, dict):
        raise ValueError(f"a box must be a JSON object, got {shown(data)}")
    require_keys({"kind": "box of a safe", **data}, ("beta1", "fraction", "target", "far", "grid"))
    beta1 = _pair(data["beta1"], "beta1", Fraction(1, PARTS), 1 - Fraction(1, PARTS))
    fraction = _pair(data["fraction"], "fraction", Fraction(1, MAX_DENOMINATOR), ONE)
    if PARTS % beta1[0].denominator or PARTS % beta1[1].denominator:
        raise ValueError(f"beta1 must be whole numbers of 1/{PARTS}, got {shown(data['beta1'])}")
    far = tuple(short(value, "far") for value in items(data["far"], "far", 1 if alpha1 is None else 2))
    step, growth, levels = (count(value, "grid") for value in items(data["grid"], "grid", 3))
    if not (2**MAX_LEVELS <= step <= UNIT and step % 2**levels == 0 and 1 <= growth <= 1000 and levels <= MAX_LEVELS):
        raise ValueError(f"grid must hold step, growth and levels in their ranges, got {shown(data['grid'])}")
    return Box(
        Safe(beta1, fraction, alpha1),
        tuple(_target(entry) for entry in items(data["target"], "target")),
        far,
        (step, growth, levels),
    )


def _target(data: Any) -> tuple[Fraction | None, Fraction]:
    c, kinetic = items(data, "target", 2)
    return None if c == "edge" else short(c, "c"), short(kinetic, "kinetic")


def short(value: Any, name: str) -> Fraction:
    """A rational with a denominator small enough for whole numbers of 64 bits."""
    number = rational(value, name)
    if number.denominator > MAX_DENOMINATOR or abs(number) > MAX_DENOMINATOR:
        raise ValueError(
            f"{name} must have a denominator and a modulus of at most {MAX_DENOMINATOR}, got {shown(value)}"
        )
    return number


def _pair(value: Any, name: str, least: Fraction, largest: Fraction) -> Pair:
    low, high = (short(end, name) for end in items(value, name, 2))
    if not least <= low <= high <= largest:
        raise ValueError(f"{name} must be a pair {least} <= low <= high <= {largest}, got {shown(value)}")
    return low, high


# ---------------------------------------------------------------- verifying


def check_safe(data: Mapping[str, Any]) -> tuple[Safe, ...]:
    """What a certificate of kind ``safe`` proves, box by box; nothing if one of its boxes is false.

    Raises ValueError if it is malformed.
    """
    found = tuple(boxes(data))
    return tuple(box.says for box in found) if all(map(proves, found)) else ()


def proves(box: Box) -> bool:
    """Whether every step of the module's argument holds for the box."""
    far = _clipped(box) if box.says.alpha1 is not None else _unclipped(box)
    if far is None or not all(_attracts(box, *part) for part in _parts(box)):
        return False
    nodes = grid(far.reach, *box.grid)
    if nodes[-1] >= REACH:
        return False
    return no_orbit_stays(box.family, nodes, box.grid[2], _target_states(box), far.near, far.comes_back)


def _parts(box: Box) -> list[tuple[Fraction | None, Fraction, Pair]]:
    """``c``, ``kinetic`` and the interval of fractions of each target."""
    low, high = box.says.fraction
    n = len(box.target)
    ends = [low + (high - low) * Fraction(k, n) for k in range(n + 1)]
    return [(c, kinetic, (ends[k], ends[k + 1])) for k, (c, kinetic) in enumerate(box.target)]


def contracts(beta1: Pair, tau: Pair, c: Fraction, e: Fraction = ONE) -> bool:
    """1. for all beta1 and tau of the intervals: strictly, so that ``P`` falls by a factor below ``e``."""
    gap = max(abs(tau[0] - c), abs(tau[1] - c))
    definite = 1 - c * c / (4 * beta1[0])  # least over beta1
    return definite > 0 and e > beta1[1] and gap**2 * e < definite * (e - beta1[1]) ** 2


def traces(beta1: Pair, pull: Pair) -> Pair:
    """The range of ``tau = (1+beta1)(1 - 2 pull)``, ``pull = s gamma``: linear in each."""
    ends = [(1 + b) * (1 - 2 * p) for b in beta1 for p in pull]
    return min(ends), max(ends)


def _attracts(box: Box, c: Fraction | None, kinetic: Fraction, fraction: Pair) -> bool:
    """2.: the target attracts everything in it, for each setting of its part of the box."""
    beta1 = box.says.beta1
    if not 0 < kinetic <= 1:
        return False
    lowest = fraction[0] / (1 + kinetic)
    if c is None:
        return lowest * (1 + beta1[1]) ** 2 > 4 * beta1[1]  # 4 beta1/(1+beta1)^2 rises with beta1
    return contracts(beta1, traces(beta1, (lowest, fraction[1])), c)


def _target_states(box: Box) -> Target:
    """The states that lie in the target of each part for every beta1 of the box.

    ``P`` is largest at the largest beta1, its bound least at the least one. For the edge, with the bound
    ``kinetic (1-beta1)^2/(1+beta1)`` on ``(1+beta1) P``: the first square is largest at one of the ends. The
    coefficients of a form add up to less than ``2^25``, so that it is below ``2^61`` at ``|a|, |b| <= UNIT``.
    """
    low, high = (int(beta1 * PARTS) for beta1 in box.says.beta1)
    forms = []
    for c, kinetic, _ in _parts(box):
        if c is None:
            bound = kinetic * (PARTS - high) ** 2 * Fraction(PARTS, PARTS + high) * UNIT**2
            for n in (low, high):
                squares = PARTS**2 + PARTS * high, 2 * PARTS * (n + high), n**2 + PARTS * high
                forms.append((*squares, int(bound)))
        else:
            p, q = c.as_integer_ratio()
            bound = kinetic * (1 - c * c / (4 * box.says.beta1[0])) * PARTS * q * UNIT**2
            forms.append((PARTS * q, -PARTS * p, high * q, int(bound)))
    return Target(np.array(forms, np.int64))


@dataclass(frozen=True)
class Far:
    """What 3. leaves: velocities below ``reach`` units; ``near``, where orbits do not stay outside; where they come
    back."""

    reach: int
    near: Strip
    comes_back: Return | None = None


def _clipped(box: Box) -> Far | None:
    beta1, fraction, alpha1 = box.says.beta1, box.says.fraction, box.says.alpha1
    assert alpha1 is not None
    c, r = box.far
    closed = traces(beta1, (fraction[0] / (1 + alpha1[1]), fraction[1] / (1 + alpha1[0])))
    if not (0 < r < 1 and contracts(beta1, closed, c, r**2)):
        return None
    push = (1 + beta1[1]) * fraction[1] * alpha1[1] / (1 + alpha1[1])
    root = SLACK * push / (1 - r)  # of P, in the end
    reach = root_above(root**2 / (1 - c * c / (4 * beta1[0])))
    p, q = c.as_integer_ratio()
    width = int(2 * q * root * UNIT) + 1

    return Far(reach, Strip(2 * q, p, width, reach))


def _unclipped(box: Box) -> Far | None:
    beta1, fraction = box.says.beta1, box.says.fraction
    (R,) = box.far
    S = fraction[1] * 2 * (1 + beta1[1]) / (1 - beta1[1])
    jump = SLACK * S / 2
    fall = S * R / (1 + R * R)
    lowest = R - fall
    if not (R >= 1 and jump < 2 * R and lowest >= 1):
        return None
    drop = beta1[1] * fall + 2 * (1 + beta1[1]) * fraction[1] * lowest / (1 + lowest**2)
    if lowest - drop <= -R:
        return None
    units = [int(value * UNIT) + 1 for value in (R, jump, drop)]
    back = int(lowest * UNIT) - 1

    return Far(units[0], Strip(1, 1, units[1], REACH), Return(back, units[2]))


def root_above(square: Fraction) -> int:
    """A whole number of units above the root."""
    return isqrt(int(square * UNIT**2)) + 1
