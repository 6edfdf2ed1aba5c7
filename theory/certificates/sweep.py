"""One sweep over the cells of a grid, compiled: which lie in a region, where their images are, which are left.

Whole numbers of 64 bits; the bounds of :mod:`theory.certificates.cells` keep every sum and product below ``2^63``.
Cells are given as there: row i has the places ``start[i]`` to ``start[i+1] - 1``, where ``column`` rises; column j is
the interval from ``-n_{N-j}`` for ``j < N``, from ``n_{j-N}`` otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Places = NDArray[np.int32]
Flags = NDArray[np.bool_]


def compiled(function: Callable[..., Any]) -> Any:
    """``function`` by Numba, kept on disk where a folder for it can be written."""
    try:
        return numba.njit(cache=True)(function)
    except RuntimeError:
        return numba.njit(function)


@compiled
def _node(nodes: Ints, column: int) -> int:
    """The lower end of the column's interval."""
    n = nodes.size - 1
    return nodes[column - n] if column >= n else -nodes[n - column]


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
    start: Ints, column: Places, nodes: Ints, forms: Ints, unit: int, q: int, p: int, width: int, reach: int
) -> Flags:
    """The cells that meet the strip ``|q b - p a| <= width``, ``|a|, |b| <= reach``, except those within ``|a|, |b| <=
    unit`` on which every form is at most its bound: forms are convex, so that their corners decide."""
    keep = np.zeros(column.size, np.bool_)
    for i in range(start.size - 1):
        a, after = nodes[i], nodes[i + 1]
        least, most = min(p * a, p * after), max(p * a, p * after)
        for k in range(start[i], start[i + 1]):
            below, above = _node(nodes, column[k]), _node(nodes, column[k] + 1)
            if q * below - most > width or q * above - least < -width or a > reach or below > reach or above < -reach:
                continue
            inside = after <= unit and below >= -unit and above <= unit
            for f in range(len(forms)):
                if not inside:
                    break
                for x in (a, after):
                    for y in (below, above):
                        inside &= forms[f, 0] * y * y + forms[f, 1] * x * y + forms[f, 2] * x * x <= forms[f, 3]
            keep[k] = not inside
    return keep


@compiled
def returning(start: Ints, column: Places, nodes: Ints, back: int, drop: int) -> Flags:
    """The cells that meet ``a >= back``, ``-drop <= b - a <= 0``."""
    found = np.zeros(column.size, np.bool_)
    for i in range(start.size - 1):
        for k in range(start[i], start[i + 1]):
            below, above = _node(nodes, column[k]), _node(nodes, column[k] + 1)
            found[k] = nodes[i + 1] >= back and below <= nodes[i + 1] and above - nodes[i] >= -drop
    return found


@compiled
def images(
    start: Ints, column: Places, nodes: Ints, ends: Ints,
    low: int, low_below: Ints, low_above: Ints, high: int, high_below: Ints, high_above: Ints,
) -> tuple[Places, Places]:  # fmt: skip
    """First column, and the one after the last, that ``psi - factor a`` meets for the factors ``low`` and ``high``.

    ``below`` and ``above`` bound psi, by columns; ``ends`` are the ends of all columns in the units of the image.
    """
    first, last = np.empty(column.size, np.int32), np.empty(column.size, np.int32)
    for i in range(start.size - 1):
        a, after = nodes[i], nodes[i + 1]
        for k in range(start[i], start[i + 1]):
            j = column[k]
            bottom = min(low_below[j] - low * after, high_below[j] - high * after)
            top = max(low_above[j] - low * a, high_above[j] - high * a)
            first[k] = _first_from(ends, 0, ends.size, bottom) - 1
            last[k] = _first_from(ends, max(first[k], 0), ends.size, top + 1)
    return first, last


@compiled
def successors(start: Ints, column: Places, first: Places, last: Places) -> tuple[Places, Places]:
    """The images as runs ``first <= place < last`` of places; that of column j is in row j - N, turned over if < 0."""
    n = start.size - 1
    low, high = np.empty(column.size, np.int32), np.empty(column.size, np.int32)
    for k in range(column.size):
        row, begin, end = column[k] - n, max(first[k], 0), min(last[k], 2 * n)
        if row < 0:
            row, begin, end = -1 - row, 2 * n - end, 2 * n - begin
        low[k] = _first_from(column, start[row], start[row + 1], begin)
        high[k] = _first_from(column, low[k], start[row + 1], end)
    return low, high


@compiled
def remaining(first: Places, last: Places, exits: Flags, returns: Flags) -> Flags:
    """The cells that are left when those without successor or without predecessor are removed, again and again.

    ``exits``: cells with a successor outside; ``returns``: cells with a predecessor outside. Each cell waits for the
    first of its successors that is left to be removed, and then looks for the next one; predecessors are counted.
    """
    n = first.size
    before = np.zeros(n + 1, np.int32)  # how many predecessors are left
    for k in range(n):
        before[first[k]] += 1
        before[last[k]] -= 1
    before = np.cumsum(before)[:n] + returns
    left = np.ones(n, np.bool_)
    watched = first.copy()
    waiting, following = np.full(n, -1, np.int32), np.full(n, -1, np.int32)  # who waits for a cell: a linked list
    removed, size = np.empty(n, np.int32), 0
    for k in range(n):
        if before[k] == 0 or (first[k] == last[k] and not exits[k]):
            left[k] = False
            removed[size] = k
            size += 1
        elif not exits[k]:
            waiting[first[k]], following[k] = k, waiting[first[k]]
    while size:
        size -= 1
        gone = removed[size]
        for place in range(first[gone], last[gone]):
            before[place] -= 1
            if before[place] == 0 and left[place]:
                left[place] = False
                removed[size] = place
                size += 1
        k = waiting[gone]
        while k >= 0:
            then = following[k]
            if left[k]:
                while watched[k] < last[k] and not left[watched[k]]:
                    watched[k] += 1
                if watched[k] == last[k]:
                    left[k] = False
                    removed[size] = k
                    size += 1
                else:
                    waiting[watched[k]], following[k] = k, waiting[watched[k]]
            k = then
    return left


@compiled
def quartered(start: Ints, column: Places) -> tuple[Ints, Places]:
    """Every cell cut into four."""
    n = start.size - 1
    begin, columns = np.zeros(2 * n + 1, np.int64), np.empty(4 * column.size, np.int32)
    place = 0
    for i in range(n):
        for half in range(2):
            for k in range(start[i], start[i + 1]):
                columns[place], columns[place + 1] = 2 * column[k], 2 * column[k] + 1
                place += 2
            begin[2 * i + half + 1] = place
    return begin, columns
