"""One sweep over the cells of a grid, compiled: which lie in a region, where their images are, which are left.

Whole numbers of 64 bits; the bounds of :mod:`theory.certificates.cells` keep every sum and product below ``2^63``.
Cells are given as there: row i has the places ``start[i]`` to ``start[i+1] - 1``, where ``column`` rises; column j is
the interval from ``-n_{N-j}`` for ``j < N``, from ``n_{j-N}`` otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Places = NDArray[np.int32]
Flags = NDArray[np.bool_]

#: Less than any number of predecessors can make up for.
REMOVED: Final = -(2**31) + 2**30


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
def successors(
    start: Ints, column: Places, nodes: Ints, ends: Ints, factors: tuple[int, int], below: Ints, above: Ints
) -> tuple[Places, Places, Flags]:
    """The cells that images meet, as runs ``first <= place < last``, and which images reach the end of the grid.

    The image of (i, j) holds ``psi - factor a`` for both ``factors``. It is in row ``j - N`` if ``j >= N``, where
    ``below`` and ``above`` bound psi for each factor; else that of the negative state is in row ``N - 1 - j``, where it
    holds ``psi + factor a``. ``ends`` are the ends of all columns in the units of the image.

    Along a column images move in one direction as a grows: each run is looked for from that of the row before.
    """
    n = start.size - 1
    first, last = np.empty(column.size, np.int32), np.empty(column.size, np.int32)
    leaves = np.zeros(column.size, np.bool_)
    low, high = factors
    begins, stops = np.empty(2 * n, np.int64), np.empty(2 * n, np.int64)  # the last run found, by columns
    for j in range(2 * n):
        begins[j] = stops[j] = start[max(j - n, n - 1 - j)]
    for i in range(n):
        a, after = nodes[i], nodes[i + 1]
        for k in range(start[i], start[i + 1]):
            j = column[k]
            row = max(j - n, n - 1 - j)
            if j >= n:
                bottom = min(below[0, row] - low * after, below[1, row] - high * after)
                top = max(above[0, row] - low * a, above[1, row] - high * a)
            else:
                bottom = min(below[0, row] + low * a, below[1, row] + high * a)
                top = max(above[0, row] + low * after, above[1, row] + high * after)
            leaves[k] = bottom <= ends[0] or top >= ends[2 * n]
            begin, stop = begins[j], stops[j]
            while begin > start[row] and ends[column[begin - 1] + 1] >= bottom:
                begin -= 1
            while begin < start[row + 1] and ends[column[begin] + 1] < bottom:
                begin += 1
            stop = max(begin, stop)
            while stop > begin and ends[column[stop - 1]] > top:
                stop -= 1
            while stop < start[row + 1] and ends[column[stop]] <= top:
                stop += 1
            first[k] = begins[j] = begin
            last[k] = stops[j] = stop
    return first, last, leaves


@compiled
def remaining(first: Places, last: Places, exits: Flags, returns: Flags) -> Flags:
    """The cells that are left when those without successor or without predecessor are removed, again and again.

    ``exits``: cells with a successor outside; ``returns``: cells with a predecessor outside. Predecessors are counted,
    at first those in the grid alone: if every cell is removed, and none ``met`` by an orbit from outside has an exit,
    nothing is left. Otherwise cells that were met are put back. Then each cell waits for the first of its successors
    that is left to be removed, and looks for the next one.
    """
    n = first.size
    before = np.zeros(n + 1, np.int32)  # how many predecessors are left; 0 or less if the cell is removed
    for k in range(n):
        before[first[k]] += 1
        before[last[k]] -= 1
    before = np.cumsum(before)[:n]
    met, passes = returns.copy(), False
    removed, size, done = np.empty(n, np.int32), 0, 0
    for k in range(n):
        if before[k] == 0:
            removed[size] = k
            size += 1
    while done < size:
        gone = removed[done]
        done += 1
        passes |= met[gone] and exits[gone]
        for place in range(first[gone], last[gone]):
            before[place] -= 1
            met[place] |= met[gone]
            if before[place] == 0:
                removed[size] = place
                size += 1
    if size == n and not passes:
        return np.zeros(n, np.bool_)
    before += returns
    for gone in removed[:size]:
        if met[gone]:
            before[first[gone] : last[gone]] += 1
    size = done = 0
    watched = first.copy()
    waiting, following = np.full(n, -1, np.int32), np.empty(n, np.int32)  # who waits for a cell: a linked list
    for k in range(n):
        if before[k] > 0 and not exits[k]:
            size = _watch(k, last, before, watched, waiting, following, removed, size)
    while done < size:
        gone = removed[done]
        done += 1
        for place in range(first[gone], last[gone]):
            before[place] -= 1
            if before[place] == 0:
                removed[size] = place
                size += 1
        k = waiting[gone]
        while k >= 0:
            then = following[k]
            if before[k] > 0:
                size = _watch(k, last, before, watched, waiting, following, removed, size)
            k = then
    return before > 0


@compiled
def _watch(
    k: int, last: Places, before: Places, watched: Places,
    waiting: Places, following: Places, removed: Places, size: int,
) -> int:  # fmt: skip
    """Let cell k wait for its next successor that is left, or remove it; the number of removed cells then."""
    place = watched[k]
    while place < last[k] and before[place] <= 0:
        place += 1
    watched[k] = place
    if place < last[k]:
        waiting[place], following[k] = k, waiting[place]
        return size
    before[k] = REMOVED
    removed[size] = k
    return size + 1


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
