"""Fast and unsafe: removing cells in floating point, to see whether a box of settings is worth a certificate.

The map ``(a, b) -> (b, (1+beta1)(b - 2 s phi(b)) - beta1 a)`` and the idea are those of
:mod:`theory.certificates.cells`; the code is another. Here a cell remembers the last successor that it saw alive, so
that all removals together cost one pass over the edges.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Added to every image on both sides.
PADDING = 1e-5


class Outside(NamedTuple):
    """With a clip: ``|b - tilt a| <= width``. Without: ``|b - a| <= width``; orbits come back to ``a >= back`` with
    ``-drop <= b - a <= 0``; ``back < 0`` means with a clip."""

    tilt: float
    width: float
    back: float
    drop: float


@numba.njit(cache=True)
def _psi(b: float, s: float, alpha1: float) -> float:
    return b - 2 * s * b / (1 + min(b * b, alpha1))


@numba.njit(cache=True)
def _ranges(nodes: Array, s0: float, s1: float, clip: tuple[float, float]) -> tuple[Array, Array]:
    """Least and largest ``psi`` between neighbouring nodes >= 0; it rises with the clip."""
    n = nodes.size - 1
    low, high = np.empty(n), np.empty(n)
    for k in range(n):
        p, q = nodes[k], nodes[k + 1]
        high[k] = max(_psi(p, s0, clip[1]), _psi(q, s0, clip[1]))
        gate = 1 / (1 + p * p)
        low[k] = _psi(p, s1, clip[0]) + min(0.0, 1 - 2 * s1 * gate * (2 * gate - 1)) * (q - p)
    return low, high


@numba.njit(cache=True)
def _caught(a: float, b: float, targets: Array, b0: float, b1: float) -> bool:
    """In every target: rows ``(kind, c, bound)``, kind 1 for the edge's."""
    if abs(a) > 1 or abs(b) > 1:
        return False
    for kind, c, bound in targets:
        if kind == 1:
            value = max((b + b0 * a) ** 2, (b + b1 * a) ** 2) + b1 * (a + b) ** 2
        else:
            value = b * b - c * a * b + b1 * a * a
        if value > bound * (1 - 1e-9):
            return False
    return True


@numba.njit(cache=True)
def _kept(
    cells: NDArray[np.int32], nodes: Array, targets: Array, b0: float, b1: float, out: tuple[float, ...]
) -> NDArray[np.int32]:
    n = nodes.size - 1
    tilt, width, back, _ = out
    keep = np.zeros(len(cells), np.bool_)
    for k in range(len(cells)):
        i, j = cells[k]
        a0, a1 = nodes[i], nodes[i + 1]
        c0 = nodes[j - n] if j >= n else -nodes[n - j]
        c1 = nodes[j + 1 - n] if j + 1 >= n else -nodes[n - j - 1]
        slope = tilt if back < 0 else 1.0
        if c0 - max(slope * a0, slope * a1) > width or c1 - min(slope * a0, slope * a1) < -width:
            continue
        keep[k] = not (
            _caught(a0, c0, targets, b0, b1)
            and _caught(a1, c0, targets, b0, b1)
            and _caught(a0, c1, targets, b0, b1)
            and _caught(a1, c1, targets, b0, b1)
        )
    return cells[keep]


@numba.njit(cache=True)
def _left(
    cells: NDArray[np.int32], nodes: Array, low: Array, high: Array, b0: float, b1: float, out: tuple[float, ...]
) -> NDArray[np.int32]:
    """The cells with a successor and a predecessor among them or outside; ``cells`` sorted."""
    n, m = nodes.size - 1, len(cells)
    back, drop = out[2], out[3]
    start = np.zeros(n + 1, np.int64)
    for k in range(m):
        start[cells[k, 0] + 1] += 1
    start = np.cumsum(start)
    full = np.concatenate((-nodes[:0:-1], nodes))
    column = cells[:, 1].copy()
    seen, end = np.empty(m, np.int64), np.empty(m, np.int64)
    exits, returns, alive = np.zeros(m, np.bool_), np.zeros(m, np.bool_), np.ones(m, np.bool_)
    for k in range(m):
        i, j = cells[k]
        p, q = (low[j - n], high[j - n]) if j >= n else (-high[n - 1 - j], -low[n - 1 - j])
        bottom = min((1 + b0) * p - b0 * nodes[i + 1], (1 + b1) * p - b1 * nodes[i + 1]) - PADDING
        top = max((1 + b0) * q - b0 * nodes[i], (1 + b1) * q - b1 * nodes[i]) + PADDING
        first, last = np.searchsorted(full, bottom) - 1, np.searchsorted(full, top)
        if back >= 0:
            exits[k] = first < 0 or last > 2 * n
            returns[k] = nodes[i + 1] >= back and full[j] <= nodes[i + 1] and full[j + 1] - nodes[i] >= -drop
        first, last = min(max(first, 0), 2 * n), min(max(last, 0), 2 * n)
        row = j - n
        if row < 0:
            row, first, last = -1 - row, 2 * n - last, 2 * n - first
        line = column[start[row] : start[row + 1]]
        seen[k] = start[row] + np.searchsorted(line, first)
        end[k] = start[row] + np.searchsorted(line, last)
    origin = seen.copy()
    changed = True
    while changed:
        changed = False
        busy = True
        while busy:
            busy = False
            for step in range(m):
                k = m - 1 - step
                if alive[k] and not exits[k]:
                    while seen[k] < end[k] and not alive[seen[k]]:
                        seen[k] += 1
                    if seen[k] >= end[k]:
                        alive[k] = False
                        busy = changed = True
        busy = True
        while busy:
            busy = False
            cover = np.zeros(m + 1, np.int64)
            for k in range(m):
                if alive[k]:
                    cover[origin[k]] += 1
                    cover[end[k]] -= 1
            total = 0
            for k in range(m):
                total += cover[k]
                if alive[k] and total == 0 and not returns[k]:
                    alive[k] = False
                    busy = changed = True
    return cells[alive]


@numba.njit(cache=True)
def _quartered(cells: NDArray[np.int32]) -> NDArray[np.int32]:
    """Cut into four, sorted."""
    m = len(cells)
    out = np.empty((4 * m, 2), np.int32)
    k = place = 0
    while k < m:
        end = k
        while end < m and cells[end, 0] == cells[k, 0]:
            end += 1
        for half in range(2):
            for c in range(k, end):
                for side in range(2):
                    out[place, 0], out[place, 1] = 2 * cells[c, 0] + half, 2 * cells[c, 1] + side
                    place += 1
        k = end
    return out


def clears(
    nodes: Array,
    levels: int,
    beta1: tuple[float, float],
    fraction: tuple[float, float],
    clip: tuple[float, float],
    targets: Array,
    outside: Outside,
    most: int,
) -> tuple[bool, int]:
    """Whether nothing is left after at most ``levels`` cuts, and how many cells were looked at; gives up at
    ``most``."""
    n = nodes.size - 1
    i, j = np.meshgrid(np.arange(n), np.arange(2 * n), indexing="ij")
    cells = np.stack([i.ravel(), j.ravel()], axis=-1).astype(np.int32)
    total = 0
    for level in range(levels + 1):
        cells = _kept(cells, nodes, targets, *beta1, tuple(outside))
        total += len(cells)
        if total > most:
            return False, total
        low, high = _ranges(nodes, *fraction, clip)
        cells = _left(cells, nodes, low, high, *beta1, tuple(outside))
        if len(cells) == 0:
            return True, total
        if level < levels:
            cells = _quartered(cells)
            nodes = np.sort(np.concatenate([nodes, (nodes[1:] + nodes[:-1]) / 2]))
    return False, total
