"""Where can an orbit of the true gate stay? Cells of the plane of two successive velocities, in whole numbers.

On ``F = L x^2/2`` the velocities of VRMomentum, in units of ``1/sqrt(beta3)``, obey ``(a, b) -> (b, b')`` with

    b' = (1+beta1) psi(b) - beta1 a,     psi(b) = b - 2 s phi(b),     phi(b) = b/(1 + min(b^2, alpha1)),     s = S/B,

since ``(1-beta1) S = 2 (1+beta1) s``. The map is odd, so a state and its negative are one; cells are those with
``a >= 0``. Cell (i, j) is the product of the i-th interval of a grid, for ``a``, and the j-th, for ``b``. Its image
lies in row j, because the new ``a`` is the old ``b``, and there in one run of columns: the range of ``b'``.

**The argument.** Fix a map of the family and an orbit that stays in the grid for ever, outside the target. Choose for
each of its states a cell that contains it, the next one always in the row that the image lies in. The cells chosen
infinitely often each have a successor among themselves, and a predecessor. So a cell of which no successor is left, or
no predecessor, can be removed, again and again, and so it is after every cell was cut into four. When nothing is left,
no orbit stays. Orbits may also leave the grid and come back (``exits``, ``returns``): the outside then counts as one
more cell that is never removed, and an orbit that visits it again and again passes each time through cells that have
predecessors and successors of the same kind.

**Cost.** A cell's successors are a run of places in the order of the cells, so that all removals together look at each
arrow twice at most (:mod:`theory.certificates.sweep`, compiled). Where the arrows between all cells close no circle,
removing cells without a predecessor is enough.

**Rounding.** Velocities are whole numbers of ``UNIT = 2^-18``, below 256 in modulus; beta1 is a whole number of 1/2000.
``phi`` and ``psi`` are rounded outwards to whole numbers, everything after that is exact: no sum or product exceeds
``2^63``. ``psi`` falls, then rises, for ``alpha1 >= 1``, ``s <= 1``: with ``u = b^2``, ``psi' = 1 - 2s
(1-u)/(1+u)^2`` has one change of sign, at ``u <= sqrt 5 - 2``, where no clip acts; so its largest value on an
interval lies at an end, and its least one is not below ``psi + min(psi', 0) width`` at the left end, ``psi'`` rising
as far as ``u = 3``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Places = NDArray[np.uint32]
Flags = NDArray[np.bool_]

UNIT: Final = 2**18
#: Denominator of beta1.
PARTS: Final = 2000
#: Velocities are below this many units.
REACH: Final = 256 * UNIT


@dataclass(frozen=True)
class Family:
    """All maps with beta1, ``fraction = S/B`` and alpha1 in closed intervals; the last alpha1 is None without a
    clip."""

    beta1: tuple[Fraction, Fraction]
    fraction: tuple[Fraction, Fraction]
    alpha1: tuple[Fraction, Fraction] | None

    def gated(self, b: Ints, *, high: bool) -> Ints:
        """A bound of ``phi(b)`` for ``b >= 0`` and every alpha1: above if ``high``, else below."""
        open_gate = quotient(b * UNIT**2, UNIT**2 + b * b, high)
        if self.alpha1 is None:
            return open_gate
        clip = self.alpha1[0] if high else self.alpha1[1]
        p, q = clip.as_integer_ratio()
        return np.where(b > isqrt(p * UNIT**2 // q), quotient(b * q, np.int64(p + q), high), open_gate)

    def psi(self, nodes: Ints) -> tuple[Ints, Ints]:
        """Bounds, below and above, of ``psi`` on the intervals between ``nodes >= 0``."""
        (low_p, low_q), (high_p, high_q) = (s.as_integer_ratio() for s in self.fraction)
        least = nodes - quotient(2 * high_p * self.gated(nodes, high=True), np.int64(high_q), True)
        largest = nodes - quotient(2 * low_p * self.gated(nodes, high=False), np.int64(low_q), False)
        left = nodes[:-1]
        gate = quotient(np.int64(UNIT**3), UNIT**2 + left * left, True)
        steepness = quotient(2 * high_p * gate * (2 * gate - UNIT), np.int64(high_q * UNIT), True) - UNIT  # of -psi'
        drop = quotient(np.maximum(steepness, 0) * np.diff(nodes), np.int64(UNIT), True)
        return least[:-1] - drop, np.maximum(largest[:-1], largest[1:])


def quotient(numerator: Ints | np.int64, denominator: Ints | np.int64, up: bool) -> Ints:
    """The quotient, rounded up or down to a whole number."""
    return np.asarray(-(-numerator // denominator) if up else numerator // denominator)


@dataclass(frozen=True)
class Cells:
    """The cells ``(i, j)`` of a grid, row after row; ``nodes`` are 0 = n_0 < n_1 < ... < n_N.

    ``i`` counts intervals ``[n_i, n_{i+1}]`` of a; ``j``, from 0 to 2N-1, those of b from ``[-n_N, -n_{N-1}]`` upwards.
    The cells of row i have the places ``start[i]`` to ``start[i+1] - 1``, their ``column`` j rises there.
    """

    nodes: Ints
    start: Ints
    column: Places

    @classmethod
    def all_of(cls, nodes: Ints) -> Cells:
        n = nodes.size - 1
        return cls(nodes, np.arange(n + 1) * 2 * n, np.tile(np.arange(2 * n, dtype=np.uint32), n))

    @property
    def row(self) -> Ints:
        return np.repeat(np.arange(self.start.size - 1), np.diff(self.start))

    def mirrored(self) -> Ints:
        """All nodes, from ``-n_N`` to ``n_N``."""
        return np.concatenate([-self.nodes[:0:-1], self.nodes])

    def corners(self) -> tuple[Ints, Ints, Ints, Ints]:
        """``a`` left and right, ``b`` below and above."""
        b = self.mirrored()
        return self.nodes[self.row], self.nodes[self.row + 1], b[self.column], b[self.column + 1]

    def only(self, keep: Flags) -> Cells:
        from theory.certificates import sweep

        return Cells(self.nodes, *sweep.chosen(self.start, self.column, keep))

    def quartered(self) -> Cells:
        """Every cell cut into four; the nodes must leave room for whole numbers between them."""
        from theory.certificates import sweep

        nodes = np.empty(2 * self.nodes.size - 1, np.int64)
        nodes[::2], nodes[1::2] = self.nodes, (self.nodes[:-1] + self.nodes[1:]) // 2
        return Cells(nodes, *sweep.quartered(self.start, self.column))


def grid(reach: int, step: int, growth: int, levels: int) -> Ints:
    """Nodes from 0 to beyond ``reach``: intervals of ``step`` near 0, of a share ``1/growth`` of their distance farther
    out, all of them multiples of ``2^levels``."""
    nodes = [0]
    while nodes[-1] < reach:
        nodes.append(nodes[-1] + max(step, nodes[-1] // growth >> levels << levels))
    return np.array(nodes, np.int64)


def successors(family: Family, cells: Cells) -> tuple[Places, Flags]:
    """For each cell the cells that meet its image, as a run ``first, last`` of places ``first`` to ``last - 1``, and
    whether the image leaves the grid.

    The image of ``[a] x [b]`` has ``b' = (1+beta1) psi - beta1 a`` with ``psi`` in the range over ``[b]``: linear in
    each of psi, a and beta1, hence between its values at the ends. In units of 1/PARTS everything is whole.
    """
    from theory.certificates import sweep

    low, high = (np.int64(beta1 * PARTS) for beta1 in family.beta1)
    below, above = (np.stack([(PARTS + low) * bound, (PARTS + high) * bound]) for bound in family.psi(cells.nodes))
    return sweep.successors(cells.start, cells.column, cells.nodes, PARTS * cells.mirrored(), (low, high), below, above)


class Target(NamedTuple):
    """States ``(a, b)`` with ``|a|, |b| <= UNIT`` and ``forms[:, 0] b^2 + forms[:, 1] a b + forms[:, 2] a^2 <=
    forms[:, 3]``: all of them."""

    forms: Ints


class Strip(NamedTuple):
    """States with ``|q b - p a| <= width`` and ``|a|, |b| <= reach``."""

    q: int
    p: int
    width: int
    reach: int


class Return(NamedTuple):
    """States with ``a >= back`` and ``-drop <= b - a <= 0``."""

    back: int
    drop: int


def no_orbit_stays(
    family: Family, nodes: Ints, levels: int, target: Target, near: Strip, comes_back: Return | None = None
) -> bool:
    """Whether no cell is left after cutting into four ``levels`` times.

    An orbit that stays does not visit cells whose corners all lie in ``target``, nor again and again those that do not
    meet ``near``. ``comes_back`` says where an orbit that was outside can come back; without it orbits do not leave the
    grid.
    """
    from theory.certificates import sweep  # Numba is loaded where cells are swept, not where theory is imported

    cells = Cells.all_of(nodes)
    for level in range(levels + 1):
        cells = cells.only(sweep.kept(cells.start, cells.column, cells.nodes, target.forms, np.int64(UNIT), *near))
        runs, leaves = successors(family, cells)
        returns = np.zeros(leaves.size, np.bool_)
        if comes_back is None:
            leaves = returns
        elif leaves.any():  # else no orbit is outside again and again
            returns = sweep.returning(cells.start, cells.column, cells.nodes, *comes_back)
        cells = cells.only(sweep.remaining(runs, leaves, returns))
        if cells.column.size == 0:
            return True
        if level < levels:
            cells = cells.quartered()
    return False
