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
Places = NDArray[np.uint32]
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
def kept(
    start: Ints, column: Places, nodes: Ints, forms: Ints, unit: int, q: int, p: int, width: int, reach: int
) -> Flags:
    """The cells that meet the strip ``|q b - p a| <= width``, ``|a|, |b| <= reach``, except those within ``|a|, |b| <=
    unit`` on which every form is at most its bound: forms are convex, so that their corners decide."""
    keep, ends = np.zeros(column.size, np.bool_), np.empty(2 * nodes.size - 1, np.int64)
    for n in range(nodes.size):
        ends[nodes.size - 1 - n], ends[nodes.size - 1 + n] = -nodes[n], nodes[n]
    for i in range(start.size - 1):
        a, after = nodes[i], nodes[i + 1]
        if a > reach:
            break
        least, most = min(p * a, p * after), max(p * a, p * after)
        for k in range(start[i], start[i + 1]):
            below, above = ends[column[k]], ends[column[k] + 1]
            if q * below - most > width or q * above - least < -width or below > reach or above < -reach:
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
) -> tuple[Places, Flags]:
    """The cells that images meet, as runs ``first <= place < last``, and which images reach the end of the grid.

    The image of (i, j) holds ``psi - factor a`` for both ``factors``. It is in row ``j - N`` if ``j >= N``, where
    ``below`` and ``above`` bound psi for each factor; else that of the negative state is in row ``N - 1 - j``, where it
    holds ``psi + factor a``. ``ends`` are the ends of all columns in the units of the image.

    Along a column images move in one direction as a grows, down if ``j >= N``, else up: each run is looked for from
    that of the row before.
    """
    n = start.size - 1
    runs, leaves = np.empty((column.size, 2), np.uint32), np.zeros(column.size, np.bool_)
    low, high = factors
    found = np.empty((2 * n, 2), np.int64)  # the last run found, by columns
    for j in range(2 * n):
        found[j, 0] = found[j, 1] = start[j - n + 1] if j >= n else start[n - 1 - j]
    for i in range(n):
        a, after = nodes[i], nodes[i + 1]
        for k in range(start[i], start[i + 1]):
            j = column[k]
            first, last = found[j, 0], found[j, 1]
            if j >= n:
                row = j - n
                bottom = min(below[0, row] - low * after, below[1, row] - high * after)
                top = max(above[0, row] - low * a, above[1, row] - high * a)
                while first > start[row] and ends[column[first - 1] + 1] >= bottom:
                    first -= 1
                while last > first and ends[column[last - 1]] > top:
                    last -= 1
            else:
                row = n - 1 - j
                bottom = min(below[0, row] + low * a, below[1, row] + high * a)
                top = max(above[0, row] + low * after, above[1, row] + high * after)
                while first < start[row + 1] and ends[column[first] + 1] < bottom:
                    first += 1
                while last < start[row + 1] and ends[column[last]] <= top:
                    last += 1
            leaves[k] = bottom <= ends[0] or top >= ends[2 * n]
            found[j, 0], found[j, 1] = first, last  # numbers: rows at once take seconds to compile
            runs[k, 0], runs[k, 1] = first, last
    return runs, leaves


@compiled
def remaining(runs: Places, exits: Flags, returns: Flags) -> Flags:
    """The cells that are left when those without successor or without predecessor are removed, again and again.

    ``exits``: cells with a successor outside; ``returns``: cells with a predecessor outside. Cells without predecessor
    go first: predecessors are counted. Then those without successor, by :func:`_ahead`: what has no successor left is
    no predecessor of what is left, so that nothing follows.
    """
    n = exits.size
    before = np.zeros(n + 1, np.int32)  # how many predecessors are left
    for k in range(n):
        before[runs[k, 0]] += 1
        before[runs[k, 1]] -= 1
    removed, size, done, many = np.empty(n, np.uint32), 0, 0, 0
    for k in range(n):
        many += before[k]
        before[k] = many + returns[k]
        if before[k] == 0:
            removed[size] = k
            size += 1
    while done < size:
        gone = removed[done]
        done += 1
        for place in range(runs[gone, 0], runs[gone, 1]):
            before[place] -= 1
            if before[place] == 0:
                removed[size] = place
                size += 1
    left = np.zeros(n, np.bool_)
    if size < n:
        for k in range(n):
            left[k] = before[k] > 0
        _ahead(runs, exits, left)
    return left


@compiled
def _ahead(runs: Places, exits: Flags, left: Flags) -> None:
    """Remove from ``left`` the cells all of whose successors are removed.

    A path goes on to the first successor that is left (``watched``). Where there is none the cell is removed, and the
    one before it looks for the next. Where the path comes to an exit, to itself, or to a cell known to stay, all its
    cells stay.
    """
    path, watched = np.empty(exits.size, np.uint32), np.empty(exits.size, np.uint32)
    stays = np.zeros(exits.size, np.bool_)  # the cells of the path among them
    for k in range(exits.size):
        if not left[k] or stays[k]:
            continue
        size = 1
        path[0], watched[0], stays[k] = k, runs[k, 0], True
        while size > 0:
            here, place = path[size - 1], watched[size - 1]
            if exits[here]:
                break
            while place < runs[here, 1] and not left[place]:
                place += np.uint32(1)
            if place == runs[here, 1]:
                left[here] = False
                size -= 1
            elif stays[place]:
                break
            else:
                watched[size - 1] = place
                path[size], watched[size], stays[place] = place, runs[place, 0], True
                size += 1


@compiled
def chosen(start: Ints, column: Places, keep: Flags) -> tuple[Ints, Places]:
    """The cells to keep."""
    many = 0
    for k in range(column.size):
        many += keep[k]
    begin, columns = np.zeros(start.size, np.int64), np.empty(many, np.uint32)
    place = 0
    for i in range(start.size - 1):
        for k in range(start[i], start[i + 1]):
            if keep[k]:
                columns[place] = column[k]
                place += 1
        begin[i + 1] = place
    return begin, columns


@compiled
def quartered(start: Ints, column: Places) -> tuple[Ints, Places]:
    """Every cell cut into four."""
    n = start.size - 1
    begin, columns = np.zeros(2 * n + 1, np.int64), np.empty(4 * column.size, np.uint32)
    place = 0
    for i in range(n):
        for half in range(2):
            for k in range(start[i], start[i + 1]):
                columns[place], columns[place + 1] = 2 * column[k], 2 * column[k] + 1
                place += 2
            begin[2 * i + half + 1] = place
    return begin, columns
