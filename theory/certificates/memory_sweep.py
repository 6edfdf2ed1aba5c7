"""One sweep over the cells of three coordinates, compiled; see :mod:`theory.certificates.memory_cells`.

Whole numbers of 64 bits. The cells of row i and column j have the places ``start[2 n i + j]`` to ``start[2 n i + j + 1]
- 1``, n the number of rows; there ``level`` rises: the interval of the memory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from theory.certificates.sweep import Flags, Ints, _node, compiled

Places = NDArray[np.int32]


@compiled
def _first_from(values: Ints | Places, low: int, high: int, least: int) -> int:
    """The first place of ``low <= place < high`` with a value >= ``least``, else ``high``; values rise."""
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < least:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def kept(
    start: Ints, level: Places, nodes: Ints, memory: Ints, form: Ints, bound: int, kinetic: int, unit: int,
    q: int, p: int, width: int, reach: int,
) -> Flags:  # fmt: skip
    """The cells that meet the strip ``|q b - p a| <= width``, ``|a|, |b| <= reach``, except those within ``|a|, |b| <=
    unit`` and ``w <= kinetic`` on which the form is at most its bound: it is convex, so that the corners decide."""
    keep = np.zeros(level.size, np.bool_)
    n = nodes.size - 1
    for i in range(n):
        a, after = nodes[i], nodes[i + 1]
        least, most = min(p * a, p * after), max(p * a, p * after)
        for j in range(2 * n):
            below, above = _node(nodes, j), _node(nodes, j + 1)
            if q * below - most > width or q * above - least < -width or a > reach or below > reach or above < -reach:
                continue
            inside = after <= unit and below >= -unit and above <= unit
            if inside:
                for x in (a, after):
                    for y in (below, above):
                        inside &= form[0] * y * y + form[1] * x * y + form[2] * x * x <= bound
            for k in range(start[2 * n * i + j], start[2 * n * i + j + 1]):
                keep[k] = not (inside and memory[level[k] + 1] <= kinetic)
    return keep


@compiled
def images(
    start: Ints, level: Places, nodes: Ints, ends: Ints, below: Ints, above: Ints, factor: int
) -> tuple[Places, Places]:
    """First column, and the one after the last, that ``psi - factor a`` meets, turned over with the row where b < 0.

    ``below`` and ``above`` bound psi for ``b >= 0`` by row and level of the memory; ``ends`` are the ends of all
    columns in the units of the image.
    """
    n = nodes.size - 1
    first, last = np.empty(level.size, np.int32), np.empty(level.size, np.int32)
    for i in range(n):
        for j in range(2 * n):
            row = j - n if j >= n else n - 1 - j
            for k in range(start[2 * n * i + j], start[2 * n * i + j + 1]):
                w = level[k]
                if j >= n:
                    low, high = below[row, w] - factor * nodes[i + 1], above[row, w] - factor * nodes[i]
                else:  # minus the image
                    low, high = below[row, w] + factor * nodes[i], above[row, w] + factor * nodes[i + 1]
                first[k] = max(_first_from(ends, 0, ends.size, low) - 1, 0)
                last[k] = min(_first_from(ends, 0, ends.size, high + 1), 2 * n)
    return first, last


@compiled
def remaining(start: Ints, level: Places, first: Places, last: Places, low: Places, high: Places, n: int) -> Flags:
    """The cells that are left when those without successor or without predecessor are removed, again and again.

    The successors of a cell of column j are the cells of row ``j - n``, or ``n - 1 - j`` where that is negative, in the
    columns ``first <= column < last``, at the levels from ``low[row, w]`` to ``high[row, w] - 1``.
    """
    left = np.ones(level.size, np.bool_)
    busy = True
    while busy:
        busy = False
        reached = np.zeros(level.size, np.bool_)
        for i in range(n):
            for j in range(2 * n):
                row = j - n if j >= n else n - 1 - j
                for k in range(start[2 * n * i + j], start[2 * n * i + j + 1]):
                    if not left[k]:
                        continue
                    goes = False
                    least, end = low[row, level[k]], high[row, level[k]]
                    for column in range(2 * n * row + first[k], 2 * n * row + last[k]):
                        place = _first_from(level, start[column], start[column + 1], least)
                        while place < start[column + 1] and level[place] < end:
                            if left[place]:
                                goes = reached[place] = True
                            place += 1
                    if not goes:
                        left[k] = False
                        busy = True
        for k in range(level.size):
            if left[k] and not reached[k]:
                left[k] = False
                busy = True
    return left


@compiled
def cut(start: Ints, level: Places, n: int) -> tuple[Ints, Places]:
    """Every cell cut into eight."""
    begin, levels = np.zeros(8 * n * n + 1, np.int64), np.empty(8 * level.size, np.int32)
    place = 0
    for i in range(2 * n):
        for j in range(4 * n):
            column = 2 * n * (i >> 1) + (j >> 1)
            for k in range(start[column], start[column + 1]):
                levels[place], levels[place + 1] = 2 * level[k], 2 * level[k] + 1
                place += 2
            begin[4 * n * i + j + 1] = place
    return begin, levels
