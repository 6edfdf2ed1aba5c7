"""Where can an orbit stay if the gate has a memory? Cells of two successive velocities and what the gate remembers.

On ``F = L x^2/2``, velocities in units of ``1/sqrt(beta3)``, a step of VRMomentum is ``(a, b, w) -> (b, b', k)`` with

    b' = (1+beta1) psi - beta1 a,     psi = b - 2 s b/(1 + min(k, alpha1)),     s = S/B,

    k = g w + (1-g) b^2   (``averaged``: the smoothed gate)      or      k = max(g w, min(b^2, alpha1))   (``held``),

g the ``gate_decay``. The argument is that of :mod:`theory.certificates.cells`, with products of three intervals, cut
into eight; a state and ``(-a, -b, w)`` are one. The image of a cell lies in one row, there in a run of columns and in a
run of levels of the memory. g may be any number of an interval, another one at every step.

**Bounds**, for ``b >= 0`` and ``alpha1 >= 2``. ``psi`` rises with k, hence with w. *averaged*: at fixed w and g,

    psi' = 1 - 2 s (1 + g w - (1-g) b^2)/(1 + k)^2

rises up to where ``(1-g) b^2 = 3 (1 + g w)`` and is at least 1 beyond a third of that; it is negative only where ``1 +
g w < 2 s <= 2`` and ``(1-g) b^2 < (sqrt 5 - 2)(1 + g w)``, so that ``k < 1.5`` and no clip acts. So ``psi`` falls,
then rises: its largest value on an interval lies at an end, and its least is not below ``psi + min(psi', 0) width`` at
the left end. *held*: ``psi`` is the larger of that of the published gate, with those bounds for ``g = 0``, and of ``b
(1 - 2 s/(1 + g w))``, linear in b.

**Rounding.** As there: whole numbers of ``UNIT``, outwards, velocities below ``REACH``; no sum or product exceeds
``2^63``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.certificates.cells import PARTS, REACH, UNIT, Ints, Strip, grid, quotient

Places = NDArray[np.int32]


@dataclass(frozen=True)
class Family:
    """All steps with gate_decay in an interval; beta1 and gate_decay are whole numbers of 1/PARTS, alpha1 is whole."""

    law: str
    beta1: Fraction
    fraction: Fraction
    alpha1: int
    decay: tuple[Fraction, Fraction]

    def seen(self, b: Ints, w: Ints, *, high: bool) -> Ints:
        """A bound of k, above if ``high``, for each ``b >= 0`` (rows) and ``w`` (columns)."""
        square = quotient(b * b, np.int64(UNIT), high)[:, None]
        bounds = []
        for decay in self.decay:
            g = int(decay * PARTS)
            if self.law == "averaged":
                bounds.append(quotient(g * w + (PARTS - g) * square, np.int64(PARTS), high))
            else:
                bounds.append(np.maximum(quotient(g * w, np.int64(PARTS), high), np.minimum(square, self.clip)))
        return (np.maximum if high else np.minimum)(*bounds)

    @property
    def clip(self) -> int:
        return self.alpha1 * UNIT

    def psi(self, nodes: Ints, memory: Ints) -> tuple[Ints, Ints]:
        """Bounds, below and above, of ``psi`` on the intervals between ``nodes >= 0`` (rows) and ``memory``."""
        p, q = (np.int64(part) for part in self.fraction.as_integer_ratio())
        b, width = nodes[:, None], np.diff(nodes)[:, None]
        closed = np.minimum(self.seen(nodes, memory[1:], high=True), self.clip)
        largest = b - quotient(2 * p * quotient(b * UNIT, UNIT + closed, False), q, False)
        opened = self.seen(nodes, memory[:-1], high=False) if self.law == "averaged" else b * b // UNIT
        least = b - quotient(2 * p * quotient(b * UNIT, UNIT + np.minimum(opened, self.clip), True), q, True)
        kept = quotient(int(self.decay[1] * PARTS) * memory[:-1], np.int64(PARTS), True) * (self.law == "averaged")
        gate = quotient(np.int64(UNIT**2), UNIT + opened[:-1], True)
        inner = quotient(2 * gate * (UNIT + kept), np.int64(UNIT), True) - UNIT
        steepness = quotient(2 * p * gate * inner, q * UNIT, True) - UNIT  # of -psi'
        low = least[:-1] - quotient(np.maximum(steepness, 0) * width, np.int64(UNIT), True)
        if self.law == "held":
            kept = int(self.decay[0] * PARTS) * memory[:-1] // PARTS
            factor = UNIT - quotient(2 * p * quotient(np.int64(UNIT**2), UNIT + kept, True), q, True)
            low = np.maximum(low, np.minimum(factor * b[:-1], factor * b[1:]) // UNIT)
        return low, np.maximum(largest[:-1], largest[1:])

    def remembered(self, nodes: Ints, memory: Ints) -> tuple[Places, Places]:
        """The first level that k meets and the one after the last, for rows of ``b >= 0`` and levels of w."""
        low = self.seen(nodes[:-1], memory[:-1], high=False)
        high = self.seen(nodes[1:], memory[1:], high=True)
        levels = memory.size - 1
        first = np.maximum(np.searchsorted(memory, low, side="left") - 1, 0)
        last = np.minimum(np.searchsorted(memory, high, side="right"), levels)
        return first.astype(np.int32), last.astype(np.int32)


class Target(NamedTuple):
    """States with ``|a|, |b| <= UNIT``, ``form[0] b^2 + form[1] a b + form[2] a^2 <= bound`` and ``w <= kinetic``."""

    form: Ints
    bound: int
    kinetic: int


def no_orbit_stays(
    family: Family, shape: tuple[int, int, int], top: int, target: Target, near: Strip, most: int = 2_000_000
) -> bool:
    """Whether no cell is left after cutting into eight; gives up when there are more than ``most``.

    ``shape`` is step, growth and levels of :func:`theory.certificates.cells.grid`; the grid of the memory, up to
    ``top``, has half the growth. Orbits stay below ``top`` and in ``near``, in the end.
    """
    from theory.certificates import memory_sweep as sweep  # Numba is loaded where cells are swept

    step, growth, levels = shape
    nodes, memory = grid(near.reach, step, growth, levels), grid(top, step, growth // 2, levels)
    if nodes[-1] >= REACH:
        return False
    n, m = nodes.size - 1, memory.size - 1
    start, level = np.arange(2 * n * n + 1) * m, np.tile(np.arange(m, dtype=np.int32), 2 * n * n)
    factor = int(family.beta1 * PARTS)
    for cuts in range(levels + 1):
        if level.size > most:
            return False
        n = nodes.size - 1
        start, level = _only(start, level, sweep.kept(start, level, nodes, memory, *target, np.int64(UNIT), *near))
        below, above = ((PARTS + factor) * bound for bound in family.psi(nodes, memory))
        ends = PARTS * np.concatenate([-nodes[:0:-1], nodes])
        runs = sweep.images(start, level, nodes, ends, below, above, factor)
        start, level = _only(start, level, sweep.remaining(start, level, *runs, *family.remembered(nodes, memory), n))
        if level.size == 0:
            return True
        if cuts < levels:
            start, level = sweep.cut(start, level, n)
            nodes, memory = _halved(nodes), _halved(memory)
    return False


def _only(start: Ints, level: Places, keep: Ints) -> tuple[Ints, Places]:
    counts = np.concatenate([[0], np.cumsum(keep)])
    return counts[start], level[keep]


def _halved(nodes: Ints) -> Ints:
    """With the middles; the nodes leave room for whole numbers between them."""
    finer = np.empty(2 * nodes.size - 1, np.int64)
    finer[::2], finer[1::2] = nodes, (nodes[:-1] + nodes[1:]) // 2
    return finer
