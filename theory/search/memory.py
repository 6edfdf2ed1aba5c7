"""How little memory a gate needs: intervals of gate_decay in which no orbit can stay away from the minimum.

Stacked downwards from S7's ``gate_decay_star``, each as tall as the cells allow. Fast and unsafe, in floating point:
the cells are a dense array of flags, from which what is empty at its margin is cut off; a cell's successors are
counted by sums over rectangles. :mod:`theory.certificates.memory`, which shares no code with this package, verifies.
"""

from __future__ import annotations

import json
from fractions import Fraction
from math import ceil, sqrt
from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from theory.search.cells import PADDING, Array
from theory.search.frontier import PARTS, far, nodes, target
from theory.search.storing import CERTIFICATES

Flags = NDArray[np.bool_]


class Column(NamedTuple):
    """A law, and ``beta1`` and ``fraction = S/B`` in percent; ``alpha1``."""

    law: str
    beta1: int
    fraction: int
    alpha1: int = 10

    @property
    def name(self) -> str:
        return f"memory_{self.law}_{self.beta1}_at_{self.fraction}"


COLUMNS: Final = tuple(
    Column(law, *setting) for law in ("averaged", "held") for setting in ((60, 97), (70, 85), (80, 75))
)
GRID: Final = (2**15, 8, 7)
#: The least and the largest height of a box, in parts of gate_decay.
LEAST, TALLEST = 10, 200
#: The most cells of one array.
MOST: Final = 60_000_000


def star(beta1: float, fraction: float, alpha1: float) -> float:
    """Above this gate_decay every start converges: the claim's ``gate_decay_star``."""
    return beta1**2 - (1 - beta1**2) * (1 - fraction) / alpha1


@numba.njit(cache=True)
def _gated(b: float, k: float, s: float, alpha1: float) -> float:
    return b - 2 * s * b / (1 + min(k, alpha1))


@numba.njit(cache=True)
def _bounds(
    b: Array, w: Array, averaged: bool, g0: float, g1: float, s: float, alpha1: float
) -> tuple[Array, Array, Array, Array]:
    """Least and largest ``psi`` and memory for rows of b >= 0 and levels of w: at the ends of 16 parts of a row, and
    a margin for what lies between them."""
    n, m, parts = b.size - 1, w.size - 1, 16
    low, high = np.full((n, m), np.inf), np.full((n, m), -np.inf)
    least, largest = np.full((n, m), np.inf), np.full((n, m), -np.inf)
    for i in range(n):
        for k in range(m):
            for part in range(parts + 1):
                x = b[i] + (b[i + 1] - b[i]) * part / parts
                for g in (g0, g1):
                    for y in (w[k], w[k + 1]):
                        seen = g * y + (1 - g) * x * x if averaged else max(g * y, min(x * x, alpha1))
                        value = _gated(x, seen, s, alpha1)
                        low[i, k], high[i, k] = min(low[i, k], value), max(high[i, k], value)
                        least[i, k], largest[i, k] = min(least[i, k], seen), max(largest[i, k], seen)
            low[i, k] -= (b[i + 1] - b[i]) ** 2 / parts**2
    return low, high, least, largest


@numba.njit(cache=True)
def _caught(left: Flags, a: Array, b: Array, w: Array, form: tuple[float, ...], tilt: float, width: float) -> None:
    """Clears the cells in the target, and those away from the strip."""
    c, kinetic, bound, beta1 = form
    for i in range(a.size - 1):
        for j in range(b.size - 1):
            away = (
                b[j] - max(tilt * a[i], tilt * a[i + 1]) > width
                or b[j + 1] - min(tilt * a[i], tilt * a[i + 1]) < -width
            )
            inside = a[i + 1] <= 1 and b[j] >= -1 and b[j + 1] <= 1
            for x in (a[i], a[i + 1]):
                for y in (b[j], b[j + 1]):
                    inside &= y * y - c * x * y + beta1 * x * x <= bound * (1 - 1e-9)
            for k in range(w.size - 1):
                if away or (inside and w[k + 1] <= kinetic * (1 - 1e-9)):
                    left[i, j, k] = False


@numba.njit(cache=True)
def _sweep(left: Flags, a: Array, w: Array, beta1: float, low: Array, high: Array, least: Array, largest: Array) -> int:
    """Clears cells without successor or predecessor, once each; how many. b has the nodes of ``-a`` and ``a``."""
    n, m = a.size - 1, w.size - 1
    full = np.concatenate((-a[:0:-1], a))
    removed = 0
    for row in range(n):
        total = np.zeros((2 * n + 1, m + 1), np.int32)
        for j in range(2 * n):
            for k in range(m):
                total[j + 1, k + 1] = total[j, k + 1] + total[j + 1, k] - total[j, k] + left[row, j, k]
        reached = np.zeros((2 * n + 1, m + 1), np.int32)
        for k in range(m):
            first = max(np.searchsorted(w, least[row, k] - PADDING) - 1, 0)
            last = min(np.searchsorted(w, largest[row, k] + PADDING, side="right"), m)
            for i in range(n):
                for side in range(2):
                    j = n + row if side == 0 else n - 1 - row
                    if not left[i, j, k]:
                        continue
                    if side == 0:
                        below, above = (
                            low[row, k] * (1 + beta1) - beta1 * a[i + 1],
                            high[row, k] * (1 + beta1) - beta1 * a[i],
                        )
                    else:
                        below, above = (
                            low[row, k] * (1 + beta1) + beta1 * a[i],
                            high[row, k] * (1 + beta1) + beta1 * a[i + 1],
                        )
                    p = max(np.searchsorted(full, below - PADDING) - 1, 0)
                    q = min(np.searchsorted(full, above + PADDING, side="right"), 2 * n)
                    if (
                        p >= q
                        or first >= last
                        or total[q, last] - total[p, last] - total[q, first] + total[p, first] == 0
                    ):
                        left[i, j, k] = False
                        removed += 1
                    else:
                        reached[p, first] += 1
                        reached[q, first] -= 1
                        reached[p, last] -= 1
                        reached[q, last] += 1
        for j in range(2 * n):
            for k in range(m):
                reached[j, k] += (reached[j - 1, k] if j else 0) + (reached[j, k - 1] if k else 0)
                reached[j, k] -= reached[j - 1, k - 1] if j and k else 0
                if left[row, j, k] and reached[j, k] == 0:
                    left[row, j, k] = False
                    removed += 1
    return removed


def clears(column: Column, decay: tuple[float, float], well: tuple[float, float], ellipse: tuple[float, ...]) -> bool:
    """Whether nothing is left after cutting."""
    beta1, s, alpha1 = column.beta1 / 100, column.fraction / 100, float(column.alpha1)
    c, kinetic = well
    tilt, width, reach = ellipse
    a = nodes(reach, GRID)
    w = nodes(alpha1 if column.law == "held" else reach**2, (GRID[0], GRID[1] // 2, GRID[2]))
    left = np.ones((a.size - 1, 2 * a.size - 2, w.size - 1), np.bool_)
    form = (c, kinetic, kinetic * (1 - c * c / (4 * beta1)), beta1)
    for _ in range(GRID[2] + 1):
        _caught(left, a, np.concatenate([-a[:0:-1], a]), w, form, tilt, width)
        bounds = _bounds(a, w, column.law == "averaged", *decay, s, alpha1)
        while _sweep(left, a, w, beta1, *bounds):
            pass
        if not left.any():
            return True
        rows, columns, levels = np.nonzero(left)
        n = 1 + max(rows.max(), *(np.abs(columns - a.size + 1.5) - 0.5).astype(int))
        first, last = levels.min(), levels.max() + 1
        left = left[:n, a.size - 1 - n : a.size - 1 + n, first:last]
        if 8 * left.size > MOST:
            return False
        left = left.repeat(2, 0).repeat(2, 1).repeat(2, 2)
        a, w = (np.sort(np.concatenate([x, (x[1:] + x[:-1]) / 2])) for x in (a[: n + 1], w[first : last + 1]))
    return False


def attempt(column: Column, decay: tuple[int, int]) -> dict[str, Any] | None:
    """A box of a certificate that seems to hold, or None."""
    beta1, s, g = column.beta1 / 100, column.fraction / 100, decay[1] / PARTS
    well = target((beta1, beta1), (s, s))
    ellipse = far((beta1, beta1), (s, s), (float(column.alpha1),) * 2)
    if well is None or ellipse is None:
        return None
    c = Fraction(round(-4 * beta1 / (1 + beta1) * PARTS), PARTS) if well[0] is None else well[0]
    more = 1.001 * (1 / sqrt(1 - g) if column.law == "averaged" else 1.0)
    width = more * (1 + beta1) * s * column.alpha1 / (1 + column.alpha1) / (1 - float(ellipse[1]))
    seen = (float(ellipse[0]) / 2, width, more * ellipse[2])
    if not clears(column, (decay[0] / PARTS, g), (float(c), float(well[1])), seen):
        return None
    return {
        "gate_decay": [str(Fraction(part, PARTS)) for part in decay],
        "target": [str(c), str(well[1])],
        "far": [str(number) for number in ellipse[:2]],
        "grid": list(GRID),
    }


def stack(column: Column) -> list[dict[str, Any]]:
    """Boxes from ``gate_decay_star`` downwards, the lowest first."""
    boxes: list[dict[str, Any]] = []
    top = ceil(star(column.beta1 / 100, column.fraction / 100, column.alpha1) * PARTS) + 1
    height = TALLEST
    while top > 0:
        low = max(0, top - height)
        found = attempt(column, (low, top))
        if found is not None:
            boxes.insert(0, found)
            top, height = low, min(TALLEST, 2 * height)
        elif top - low > LEAST:
            height = max(LEAST, (top - low) // 2)
        else:
            break
    return boxes


def run() -> None:
    """Find the columns anew and store them."""
    for column in tqdm(COLUMNS, "memory", unit="column"):
        lines = ",\n".join("  " + json.dumps(box) for box in stack(column))
        head = {
            "kind": column.law,
            "beta1": str(Fraction(column.beta1, 100)),
            "fraction": str(Fraction(column.fraction, 100)),
            "alpha1": str(column.alpha1),
        }
        text = json.dumps(head)[:-1] + f', "boxes": [\n{lines}\n]}}\n'
        (CERTIFICATES / f"{column.name}.json").write_text(text, encoding="utf-8", newline="\n")
