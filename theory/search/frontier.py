"""Looking for the frontier of stability: boxes of settings in which no orbit can stay away from the minimum.

The interval of beta1 is cut into slabs. In each, starting where the analytic theorem ends, boxes are stacked upwards in
``fraction = S/B``, each as tall as :func:`theory.search.cells.clears` allows, until none as tall as ``FINEST`` is
found. What is found is stored as certificates of kind ``safe`` and proves nothing until
:mod:`theory.certificates.frontier`, which shares no code with this package, has verified it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, inf, sqrt
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from theory.search.cells import Array, Outside, clears
from theory.search.storing import MAP

#: Finds boxes in a slab.
Look = Callable[["Column", tuple[int, int]], list[dict[str, Any]]]
Grid = tuple[int, int, int]
#: Everything is a whole number of 1/PARTS.
PARTS: Final = 2000
UNIT: Final = 2**18


@dataclass(frozen=True)
class Pace:
    """From ``start`` on, in parts of beta1: the least and the largest height of a box, in parts, and the least width
    of a slab as a share of ``1-beta1``. Boxes cost the more the closer beta1 is to 1."""

    start: int
    least: int
    tallest: int
    share: float


PACES: Final = (Pace(0, 5, 200, 0.01), Pace(1573, 10, 200, 0.02), Pace(1796, 20, 40, 0.07), Pace(1871, 5, 20, 0.07))
#: Steps and growths of grids, neighbours side by side.
STEPS: Final = sorted(
    factor * 2**k for factor, first in ((1, 12), (3, 11)) for k in range(first, 18) if factor * 2**k <= 2**17
)
GROWTHS: Final = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
#: From so many cells on neighbours of a grid are tried.
DEAR: Final = 60_000
#: Just below 1/sqrt 3, in parts; there grids are finer.
MEETING: Final = range(1150, 1156)
#: From here on, in parts of beta1, cells without a clip reach farther out: it takes fewer cuts to clear them.
FARTHER: Final = 1871
#: With alpha1 = 1 cycles of period 6 attract near .48 of the edge from about here on, in parts of beta1.
TONGUE: Final = 1715
#: And from here on such cycles of period 8 and 10; those of period 10 leave no box of their slab from ``TEN`` on.
EIGHT, TEN = 1853, 1928


@dataclass(frozen=True)
class Column:
    """The clips of a certificate, None for none; the grids of which the cheapest is kept, or a cheaper neighbour of it,
    and the most cells that are looked at."""

    name: str
    alpha1: tuple[int, int] | None
    grids: tuple[Grid, ...] = ((2**17, 48, 8), (2**16, 96, 8), (2**15, 8, 7), (2**15, 192, 8), (2**14, 384, 8))
    most: int = 6_000_000

    @property
    def clip(self) -> tuple[float, float]:
        return (inf, inf) if self.alpha1 is None else (float(self.alpha1[0]), float(self.alpha1[1]))


COLUMNS: Final = (
    Column("1", (1, 1)),
    Column("10", (10, 10)),
    Column("19", (19, 19)),
    Column(
        "unclipped", None, ((2**17, 24, 8), (2**16, 12, 8), (2**15, 8, 8), (2**15, 96, 8), (2**14, 32, 8)), 10_000_000
    ),
)


def slabs(low: int = 440, high: int = 1940) -> list[tuple[int, int]]:
    """Slabs of beta1 in parts, .22 to .97, each a fifteenth of ``1-beta1`` wide, at most .02; and single parts below
    1/sqrt 3, where cycles of period four enter at the edge."""
    edges = [low]
    while edges[-1] < high:
        width = max(1, min(40, (PARTS - edges[-1]) // 15))
        edges.append(min(high, edges[-1] + width))
    edges = sorted({*edges, *(part for part in MEETING if low < part < high)})
    return list(itertools.pairwise(edges))


def analytic(beta1: float) -> float:
    """The share of the edge below which the energy of the heavy ball falls: the claim's ``global_threshold``."""
    root = sqrt(2 * beta1 * (17 + beta1) * (4 + 5 * beta1))
    return 4 * (8 + 27 * beta1 + beta1**2 + 2 * root) / (8 + beta1) ** 2 * (1 - beta1) / (1 + beta1)


# ---------------------------------------------------------------- the parts of a proof


def target(beta1: tuple[float, float], fraction: tuple[float, float]) -> tuple[Fraction | None, Fraction] | None:
    """The ``c`` (None: the edge's) with the largest ``kinetic`` that attracts for all settings, or None."""
    b0, b1 = beta1
    best: tuple[float, Fraction | None] = (fraction[0] * (1 + b1) ** 2 / (4 * b1) - 1, None)
    lowest = min((1 + b) * (1 - 2 * fraction[1]) for b in beta1)
    for p in range(ceil(-2 * sqrt(b0) * PARTS), floor(2 * sqrt(b0) * PARTS) + 1):
        c = p / PARTS
        if c * c >= 4 * b0:
            continue
        reach = (1 - b1) * sqrt(1 - c * c / (4 * b0)) * (1 - 1e-9)
        if not c - reach < lowest < c + reach:
            continue
        closed = [1 - (c + reach) / (1 + b) for b in beta1]  # 2 s gamma may fall to this
        kinetic = min(2 * fraction[0] / x - 1 if x > 0 else 1.0 for x in closed)
        if kinetic * (1 - c * c / (4 * b0)) > best[0] * (1 if best[1] is not None else ((1 - b1) / (1 + b1)) ** 2):
            best = (kinetic, Fraction(p, PARTS))
    value = floor(min(best[0], 1) * 1000 * (1 - 1e-9))
    return (best[1], Fraction(value, 1000)) if value > 0 else None


def targets(
    beta1: tuple[float, float], fraction: tuple[float, float], n: int
) -> list[tuple[Fraction | None, Fraction]]:
    """One target for each of ``n`` equal parts of the fractions; empty if one has none."""
    ends = np.linspace(*fraction, n + 1)
    found = [target(beta1, (float(low), float(high))) for low, high in itertools.pairwise(ends)]
    return [one for one in found if one is not None] if None not in found else []


def far(
    beta1: tuple[float, float], fraction: tuple[float, float], clip: tuple[float, float]
) -> tuple[Fraction, Fraction, float] | None:
    """``c`` and ``r`` of the smallest absorbing ellipse, and how far it reaches."""
    b0, b1 = beta1
    closed = [(1 + b) * (1 - 2 * s / (1 + c)) for b in beta1 for s in fraction for c in clip]
    best: tuple[float, Fraction, Fraction] | None = None
    push = (1 + b1) * fraction[1] * clip[1] / (1 + clip[1])
    for p in range(ceil(-2 * sqrt(b0) * PARTS), floor(2 * sqrt(b0) * PARTS) + 1):
        c = p / PARTS
        definite = 1 - c * c / (4 * b0)
        if definite <= 0:
            continue
        k = max(abs(tau - c) for tau in closed) ** 2 / definite
        r = ceil(sqrt((2 * b1 + k + sqrt((2 * b1 + k) ** 2 - 4 * b1**2)) / 2) * PARTS * (1 + 1e-9)) / PARTS
        if r < 1 and (best is None or best[0] > push / (1 - r) / sqrt(definite)):
            best = (push / (1 - r) / sqrt(definite), Fraction(p, PARTS), Fraction(round(r * PARTS), PARTS))
    return None if best is None else (best[1], best[2], best[0])


def nodes(reach: float, grid: Grid) -> Array:
    step, growth, levels = grid
    units = [0]
    while units[-1] < reach * UNIT:
        units.append(units[-1] + max(step, units[-1] // growth // 2**levels * 2**levels))
    return np.array(units) / UNIT


def attempt(plan: Column, beta1: tuple[int, int], fraction: tuple[int, int]) -> tuple[dict[str, Any], int] | None:
    """A box of a certificate that seems to hold, and the cells it costs; None if there is none."""
    grids = plan.grids
    if beta1[0] in MEETING and beta1[1] in MEETING:
        grids = ((2**14, 32, 8),)
    b0, b1 = (n / PARTS for n in beta1)
    s0, s1 = (n / PARTS for n in fraction)
    many = max(1, ceil((s1 - s0) / (0.2 * (1 - b1))))
    wells = targets((b0, b1), (s0, s1), many)
    if not wells:
        return None
    rows = []
    for c, kinetic in wells:
        if c is None:
            rows.append((1.0, 0.0, float(kinetic) * (1 - b1) ** 2 / (1 + b1)))
        else:
            rows.append((0.0, float(c), float(kinetic) * (1 - float(c) ** 2 / (4 * b0))))
    if plan.alpha1 is None:
        S = s1 * 2 * (1 + b1) / (1 - b1)
        R = ceil(max(3.0, 0.26 * S, (3.4 if beta1[0] < FARTHER else 4.2) * sqrt(S)))
        fall = S * R / (1 + R * R)
        back = R - fall
        if back < 1:
            return None
        drop = b1 * fall + 2 * (1 + b1) * s1 * back / (1 + back**2)
        outside, reach, written = Outside(1.0, 1.001 * S / 2, back, drop), float(R), [Fraction(R)]
    else:
        ellipse = far((b0, b1), (s0, s1), plan.clip)
        if ellipse is None:
            return None
        c, r, reach = ellipse[0], ellipse[1], 1.001 * ellipse[2]
        width = 1.001 * (1 + b1) * s1 * plan.clip[1] / (1 + plan.clip[1]) / (1 - float(r))
        outside, written = Outside(float(c) / 2, width, -1.0, 0.0), [c, r]
    if reach >= 240:
        return None

    def cost(grid: Grid, most: int) -> int | None:
        """The cells that a proof looks at, None if there is none with at most ``most``."""
        lines = nodes(reach, grid)
        if lines.size**2 > most:
            return None
        clear, cells = clears(lines, grid[2], (b0, b1), (s0, s1), plan.clip, np.array(rows), outside, most)
        return cells if clear else None

    best, most = cheapest(cost, grids, plan.most)
    if best is None:
        return None
    box = {
        "beta1": [str(Fraction(n, PARTS)) for n in beta1],
        "fraction": [str(Fraction(n, PARTS)) for n in fraction],
        "target": [["edge" if c is None else str(c), str(kinetic)] for c, kinetic in wells],
        "far": [str(number) for number in written],
        "grid": list(best),
    }
    return box, most


def cheapest(cost: Callable[[Grid, int], int | None], grids: Sequence[Grid], most: int) -> tuple[Grid | None, int]:
    """The grid whose proof looks at the fewest cells, and how many: of ``grids``, then, where those are many, of
    neighbours, as long as one is cheaper."""
    best: Grid | None = None
    for grid in grids:
        if (cells := cost(grid, most)) is not None:
            best, most = grid, cells - 1
    tried = set(grids)
    while best is not None and most > DEAR:
        for grid in neighbours(best):
            if grid not in tried and (cells := cost(grid, most)) is not None:
                best, most = grid, cells - 1
                break
            tried.add(grid)
        else:
            break
    return best, most + 1


def neighbours(grid: Grid) -> list[Grid]:
    """Grids with the next smaller or larger step or growth, or both so that only what is near 0 changes."""
    if grid[0] not in STEPS or grid[1] not in GROWTHS:
        return []
    i, j = STEPS.index(grid[0]), GROWTHS.index(grid[1])
    found = []
    for di, dj in ((-1, 0), (0, 1), (0, -1), (1, 0), (-1, 1), (-2, 2)):
        if 0 <= i + di < len(STEPS) and 0 <= j + dj < len(GROWTHS):
            step = STEPS[i + di]
            found.append((step, GROWTHS[j + dj], min(8, (step & -step).bit_length() - 1)))
    return found


# ---------------------------------------------------------------- stacks of boxes


def stack(plan: Column, beta1: tuple[int, int], low: int | None = None) -> list[dict[str, Any]]:
    """Boxes on top of each other, from ``low`` or where the analytic theorem ends; near the frontier, which falls as
    beta1 grows, the slab is cut in two again and again."""
    boxes: list[dict[str, Any]] = []
    width = beta1[1] - beta1[0]
    pace = next(pace for pace in reversed(PACES) if beta1[0] >= pace.start)
    narrow = width <= max(2, pace.share * (PARTS - beta1[0]))
    least = pace.least if narrow else max(pace.least, 2 * width)
    low = min(PARTS, floor(analytic(beta1[1] / PARTS) * PARTS)) if low is None else low
    height = min(2 * least, pace.tallest)
    while low < PARTS:
        top = min(PARTS, low + height)
        found = attempt(plan, beta1, (low, top))
        if found is not None:
            boxes.append(found[0])
            low, height = top, min(pace.tallest, 2 * height)
        elif top - low > least:
            height = max(least, (top - low) // 2)
        elif narrow:
            break
        else:
            middle = sum(beta1) // 2
            return boxes + stack(plan, (beta1[0], middle), low) + stack(plan, (middle, beta1[1]), low)
    return boxes


def closing(beta1: float, clip: float) -> int:
    """From which part of the edge on a clip leaves no cycle of period 4: the largest ``s`` at which ``kappa y^2 +
    (kappa^2 - 1 - kappa S) y + 2 S`` is negative at ``y = 1/q - q``, ``q = kappa - S/(1+clip)``."""
    kappa = (1 + beta1) / (1 - beta1)
    for part in range(PARTS - 1, 0, -1):
        S = 2 * kappa * part / PARTS
        q = kappa - S / (1 + clip)
        y = 1 / q - q if q > 0 else inf
        if q >= 1 or kappa * y * y + (kappa**2 - 1 - kappa * S) * y + 2 * S < 0:
            return part + 1
    return 0


def windows(plan: Column, beta1: tuple[int, int]) -> list[dict[str, Any]]:
    """Boxes above cycles, where a small clip ends them: above those of period 10, near .19 of the edge, of period 8,
    near .29, and of period 6, near .5, for beta1 from where they exist; and above those of period 4, up to the
    edge."""
    boxes: list[dict[str, Any]] = []
    for first, lows in ((TONGUE, (990, 1000, 1010, 1020)), (EIGHT, (584, 588, 596, 610)), (TEN, (385, 390))):
        for low in lows if beta1[0] >= first else ():
            if found := stack(replace(plan, most=2_500_000), beta1, low):
                boxes += found
                break
    fine = replace(plan, grids=((2**14, 12, 8),))
    assert plan.alpha1 is not None
    first = max(closing(b / PARTS, plan.alpha1[0]) for b in beta1)
    for low in range(first + 1, min(PARTS, first + 30), 4):
        if found := stack(fine, beta1, low):
            return boxes + found
    return boxes


def follow(plan: Column, boxes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The boxes of another column again, for this one's clip: those that hold here too, or hold when cut in two."""
    found: list[dict[str, Any]] = []
    for box in boxes:
        beta1, (low, high) = ([int(Fraction(end) * PARTS) for end in box[name]] for name in ("beta1", "fraction"))
        whole = attempt(plan, (beta1[0], beta1[1]), (low, high))
        middle = (low + high) // 2
        pieces = [(low, middle), (middle, high)] if whole is None and high - low >= 4 else []
        halves = [attempt(plan, (beta1[0], beta1[1]), piece) for piece in pieces]
        found += [one[0] for one in (whole, *halves) if one is not None]
    return found


def write(plan: Column, boxes: list[dict[str, Any]]) -> None:
    """The certificate of a column, one box per line."""
    alpha1 = '"oo"' if plan.alpha1 is None else json.dumps([str(end) for end in plan.alpha1])
    lines = ",\n".join(" " + json.dumps(box) for box in boxes)
    text = f'{{"kind": "safe", "alpha1": {alpha1}, "boxes": [\n{lines}\n]}}\n'
    (MAP / f"safe_{plan.name}.json").write_text(text, encoding="utf-8", newline="\n")


def run(low: int = 440, high: int = 1940) -> None:
    """Find every box anew, on all processors, and store the certificates."""
    columns = [(plan, slab) for slab in slabs(low, high) for plan in COLUMNS]
    work: list[tuple[Look, Column, tuple[int, int]]] = [(stack, plan, slab) for plan, slab in columns]
    work += [(windows, COLUMNS[0], (part, part + 4)) for part in range(1252, 1940, 4)]
    with ProcessPoolExecutor() as pool:
        stacks = list(tqdm(pool.map(_found, work), total=len(work), desc="frontier", unit="slab"))
    for plan in COLUMNS:
        write(
            plan, [box for (_, column, _), boxes in zip(work, stacks, strict=True) if column == plan for box in boxes]
        )


def _found(work: tuple[Look, Column, tuple[int, int]]) -> list[dict[str, Any]]:
    look, plan, beta1 = work
    return look(plan, beta1)
