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

**Rounding.** Velocities are whole numbers of ``UNIT = 2^-18``, below 256 in modulus; beta1 is a whole number of 1/2000.
``phi`` and ``psi`` are rounded outwards to whole numbers, everything after that is exact: no sum or product exceeds
``2^63``. ``psi`` falls, then rises, for ``alpha1 >= 1``, ``s <= 1``: with ``u = b^2``, ``psi' = 1 - 2s
(1-u)/(1+u)^2`` has one change of sign, at ``u <= sqrt 5 - 2``, where no clip acts; so its largest value on an
interval lies at an end, and its least one is not below ``psi + min(psi', 0) width`` at the left end, ``psi'`` rising
as far as ``u = 3``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
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
        open_gate = _quotient(b * UNIT**2, UNIT**2 + b * b, high)
        if self.alpha1 is None:
            return open_gate
        clip = self.alpha1[0] if high else self.alpha1[1]
        p, q = clip.as_integer_ratio()
        return np.where(b > isqrt(p * UNIT**2 // q), _quotient(b * q, np.int64(p + q), high), open_gate)

    def psi(self, nodes: Ints) -> tuple[Ints, Ints]:
        """Bounds, below and above, of ``psi`` on the intervals between ``nodes >= 0``."""
        (low_p, low_q), (high_p, high_q) = (s.as_integer_ratio() for s in self.fraction)
        least = nodes - _quotient(2 * high_p * self.gated(nodes, high=True), np.int64(high_q), True)
        largest = nodes - _quotient(2 * low_p * self.gated(nodes, high=False), np.int64(low_q), False)
        left = nodes[:-1]
        gate = _quotient(np.int64(UNIT**3), UNIT**2 + left * left, True)
        steepness = _quotient(2 * high_p * gate * (2 * gate - UNIT), np.int64(high_q * UNIT), True) - UNIT  # of -psi'
        drop = _quotient(np.maximum(steepness, 0) * np.diff(nodes), np.int64(UNIT), True)
        return least[:-1] - drop, np.maximum(largest[:-1], largest[1:])


def _quotient(numerator: Ints | np.int64, denominator: Ints | np.int64, up: bool) -> Ints:
    """The quotient, rounded up or down to a whole number."""
    return np.asarray(-(-numerator // denominator) if up else numerator // denominator)


@dataclass(frozen=True)
class Cells:
    """The cells ``(i, j)`` of a grid, in order of ``key``; ``nodes`` are 0 = n_0 < n_1 < ... < n_N.

    ``i`` counts intervals ``[n_i, n_{i+1}]`` of a; ``j``, from 0 to 2N-1, those of b from ``[-n_N, -n_{N-1}]`` upwards.
    """

    nodes: Ints
    key: Ints

    @classmethod
    def all_of(cls, nodes: Ints) -> Cells:
        return cls(nodes, np.arange(2 * (nodes.size - 1) ** 2, dtype=np.int64))

    @property
    def columns(self) -> int:
        return 2 * (self.nodes.size - 1)

    @property
    def i(self) -> Ints:
        return self.key // self.columns

    @property
    def j(self) -> Ints:
        return self.key % self.columns

    def mirrored(self) -> Ints:
        """All nodes, from ``-n_N`` to ``n_N``."""
        return np.concatenate([-self.nodes[:0:-1], self.nodes])

    def corners(self) -> tuple[Ints, Ints, Ints, Ints]:
        """``a`` left and right, ``b`` below and above."""
        b = self.mirrored()
        return self.nodes[self.i], self.nodes[self.i + 1], b[self.j], b[self.j + 1]

    def only(self, keep: Flags) -> Cells:
        return Cells(self.nodes, self.key[keep])

    def quartered(self) -> Cells:
        """Every cell cut into four; the nodes must leave room for whole numbers between them."""
        nodes = np.empty(2 * self.nodes.size - 1, np.int64)
        nodes[::2], nodes[1::2] = self.nodes, (self.nodes[:-1] + self.nodes[1:]) // 2
        corner = 2 * self.i * 2 * self.columns + 2 * self.j
        key = np.concatenate([corner, corner + 1, corner + 2 * self.columns, corner + 2 * self.columns + 1])
        return Cells(nodes, np.sort(key))


def grid(reach: int, step: int, growth: int, levels: int) -> Ints:
    """Nodes from 0 to beyond ``reach``: intervals of ``step`` near 0, of a share ``1/growth`` of their distance farther
    out, all of them multiples of ``2^levels``."""
    nodes = [0]
    while nodes[-1] < reach:
        nodes.append(nodes[-1] + max(step, nodes[-1] // growth >> levels << levels))
    return np.array(nodes, np.int64)


def images(family: Family, cells: Cells) -> tuple[Ints, Ints]:
    """For each cell the first column that meets its image, and the one after the last: < 0 or > ``columns`` outside.

    The image of ``[a] x [b]`` has ``b' = (1+beta1) psi - beta1 a`` with ``psi`` in the range over ``[b]``: linear in
    each of psi, a and beta1, hence between its values at the ends. In units of 1/PARTS everything is whole.
    """
    below, above = family.psi(cells.nodes)
    below, above = np.concatenate([-above[::-1], below])[cells.j], np.concatenate([-below[::-1], above])[cells.j]
    left, right = cells.nodes[cells.i], cells.nodes[cells.i + 1]
    ends = [int(beta1 * PARTS) for beta1 in family.beta1]
    low = np.minimum(*((PARTS + n) * below - n * right for n in ends))
    high = np.maximum(*((PARTS + n) * above - n * left for n in ends))
    nodes = PARTS * cells.mirrored()
    return np.searchsorted(nodes, low, "left") - 1, np.searchsorted(nodes, high, "right")


def successors(cells: Cells, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """The images as runs ``first <= place < last`` of places in ``cells``: row j, turned over if ``b < 0`` there."""
    n = cells.columns
    first, last = np.clip(first, 0, n), np.clip(last, 0, n)
    row = cells.j - n // 2
    turned = row < 0
    start = np.where(turned, -1 - row, row) * n
    low, high = np.where(turned, n - last, first), np.where(turned, n - first, last)
    return np.searchsorted(cells.key, start + low), np.searchsorted(cells.key, start + high)


def predecessors(cells: Cells, first: Ints, last: Ints) -> list[tuple[Ints, Ints, Ints]]:
    """For cells with ``b >= 0``, then for the others: their places in an order, and for each cell of the grid the run
    ``low <= rank < high`` in that order of those that have it among their successors.

    Rows in order, and in each of them such that the images move up: ``b'`` falls as a grows, and rises if turned
    over. Then ``first`` and ``last`` never fall.
    """
    row, place, found = cells.j - cells.columns // 2, np.arange(cells.key.size), []
    for chosen, line, sign in ((row >= 0, row, -1), (row < 0, -1 - row, 1)):
        order = place[chosen]
        order = order[np.argsort(line[order] * cells.columns + sign * cells.i[order])]
        low = np.searchsorted(last[order], place, "right")
        found.append((order, low, np.maximum(np.searchsorted(first[order], place, "right"), low)))
    return found


def remaining(first: Ints, last: Ints, behind: list[tuple[Ints, Ints, Ints]], exits: Flags, returns: Flags) -> Flags:
    """The cells that are left when those without successor or without predecessor are removed, again and again.

    ``exits``: cells with a successor outside; ``returns``: cells with a predecessor outside. Each removal lowers the
    counts of the cells before and behind it, so that all removals together look at every arrow twice.
    """
    left = np.ones(first.size, bool)
    ahead = last - first + exits
    before = sum(high - low for _, low, high in behind) + returns
    batch = np.flatnonzero((ahead == 0) | (before == 0))
    while batch.size:
        left[batch] = False
        following = _all_of(first[batch], last[batch])
        preceding = np.concatenate([order[_all_of(low[batch], high[batch])] for order, low, high in behind])
        np.subtract.at(before, following, 1)
        np.subtract.at(ahead, preceding, 1)
        touched = np.concatenate([following, preceding])
        batch = np.unique(touched[left[touched] & ((ahead[touched] == 0) | (before[touched] == 0))])
    return left


def _all_of(first: Ints, last: Ints) -> Ints:
    """The whole numbers of the runs ``first <= n < last``, one run after the other."""
    length = last - first
    return np.repeat(first - np.cumsum(length) + length, length) + np.arange(length.sum())


def no_orbit_stays(
    family: Family,
    nodes: Ints,
    levels: int,
    matters: Callable[[Cells], Flags],
    comes_back: Callable[[Cells], Flags] | None = None,
) -> bool:
    """Whether no cell is left after cutting into four ``levels`` times.

    ``matters`` says which cells an orbit that stays can visit again and again: cells of the target, or outside an
    absorbing set, do not matter. ``comes_back`` says in which cells an orbit that was outside can come back; without
    it orbits do not leave the grid.
    """
    cells = Cells.all_of(nodes)
    for level in range(levels + 1):
        cells = cells.only(matters(cells))
        first, last = images(family, cells)
        no = np.zeros(cells.key.size, bool)
        exits, returns = (no, no) if comes_back is None else ((first < 0) | (last > cells.columns), comes_back(cells))
        runs = successors(cells, first, last)
        cells = cells.only(remaining(*runs, predecessors(cells, *runs), exits, returns))
        if cells.key.size == 0:
            return True
        if level < levels:
            cells = cells.quartered()
    return False
