"""Following attracting cycles through boxes of settings: from random starts, by Newton's method, up and down in S.

For each slab of beta1, S is raised from the frontier of what is known to be safe to the line where cycles of period
four appear; where no box is known yet to hold an attracting cycle, random starts are followed to where they end, and
each cycle found is continued both ways, box by box, for as long as it seems to attract throughout. Nothing here
proves anything: :mod:`theory.certificates.branches` does, and shares no code with this package.
"""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from math import inf, sqrt
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from theory.search.cycles import Array, attracts, jacobian, least_half_period, newton, settle, slopes, trace
from theory.search.storing import MAP

PARTS: Final = 2000
LONGEST: Final = 20
#: Boxes in a file.
MOST: Final = 2000
#: Here, in parts of beta1, cycles of period 6 with clipped points attract for alpha1 = 1; boxes must be narrow. From
#: ``WIDE`` on they begin lower.
TONGUE: Final = (1730, 1940)
WIDE: Final = 1860
#: Settings (beta1, fraction, in parts) at which a cycle attracts for alpha1 = 1, in a window narrower than boxes are.
POINTS: Final = ((1939, 378), (1940, 378), (1940, 379))
#: Heights of boxes, in parts.
HEIGHTS: Final = (40, 20, 10, 5, 2, 1)


def edge(beta1: float) -> float:
    return 2 * (1 + beta1) / (1 - beta1)


def period_four(beta1: float) -> float:
    """The share of the edge at which cycles of period four appear, where no clip acts."""
    kappa = (1 + beta1) / (1 - beta1)
    return min(1.0, (kappa**2 + 3 + 2 * sqrt(2 * (kappa**2 + 1))) / kappa / (2 * kappa))


def slabs(low: int = 1160, high: int = 1940, share: int = 30) -> list[tuple[int, int]]:
    """Slabs of beta1 in parts, ``1/share`` of ``1-beta1`` wide."""
    edges = [low]
    while edges[-1] < high:
        edges.append(min(high, edges[-1] + max(1, (PARTS - edges[-1]) // share)))
    return list(itertools.pairwise(edges))


def attempt(w: Array, beta1: tuple[int, int], fraction: tuple[int, int], clip: float) -> Array | None:
    """The cycle in the middle of the box, if it seems to exist and to attract in all of it."""
    b, s = sum(beta1) / 2 / PARTS, sum(fraction) / 2 / PARTS
    half_b, half_s = (beta1[1] - beta1[0]) / 2 / PARTS, (fraction[1] - fraction[0]) / 2 / PARTS
    S = s * edge(b)
    centre = newton(w, b, S, clip)
    if centre is None or least_half_period(centre) < len(w) or not attracts(centre, b, S, clip):
        return None
    if np.abs(centre).max() < 1e-6:
        return None
    inverse = np.abs(np.linalg.inv(jacobian(centre, b, S, clip)))
    h, half_h = 2 * (1 + b) * s, 2 * (1 + b) * half_s + 2 * half_b * s
    force = np.abs(centre / (1 + np.minimum(centre**2, clip)))
    moves = inverse @ (half_h * force + half_b * np.abs(np.append(-centre[-1], centre[:-1]) - centre))
    rho = 2 * moves + 1e-6
    for _ in range(12):
        bent = np.max(
            [np.abs(slopes(centre + x * rho, clip) - slopes(centre, clip)) for x in (-1, -0.5, 0.5, 1)], axis=0
        )
        spread = inverse @ (np.diag(h * bent + half_h + half_b) + half_b)
        needed = moves + spread @ rho
        if (needed < 0.98 * rho).all():
            break
        rho = 1.1 * needed
        if rho.max() > 1:
            return None
    else:
        return None
    if clip < inf and (np.abs(np.abs(centre) - sqrt(clip)) <= 1.2 * rho).any():
        return None
    width = half_b + h * bent + half_h
    slack = _largest_change(1 + b - h * slopes(centre, clip), b, width)
    return centre if abs(trace(centre, b, S, clip)) + slack < 0.999 * (1 + (b - half_b) ** len(w)) else None


def _largest_change(slope: Array, beta1: float, width: Array) -> float:
    """How much the trace of the product of ``[[slope_i, -beta1], [1, 0]]`` changes at most, slopes moving by
    ``width``."""
    product, change = np.eye(2), np.zeros((2, 2))
    for middle, spread in zip(slope, width, strict=True):
        factor = np.array([[middle, -beta1], [1, 0]])
        change = np.abs(factor) @ change + np.diag([spread, 0]) @ (np.abs(product) + change)
        change[0] += spread * np.abs(product[1])
        product = factor @ product
    return float(change[0, 0] + change[1, 1])


def follow(w: Array, beta1: tuple[int, int], start: int, clip: float, up: bool, limit: int) -> list[dict[str, Any]]:
    """Boxes from ``start`` upwards or downwards to ``limit``, as tall as they can be, until even the least is
    refused."""
    found: list[dict[str, Any]] = []
    place = start
    while place < limit if up else place > limit:
        for height in HEIGHTS:
            ends = (place, min(limit, place + height)) if up else (max(limit, place - height), place)
            centre = attempt(w, beta1, ends, clip)
            if centre is not None:
                break
        else:
            break
        found.append(_box(beta1, ends, centre))
        place, w = (ends[1] if up else ends[0]), centre
    return found


def _box(beta1: tuple[int, int], fraction: tuple[int, int], centre: Array) -> dict[str, Any]:
    return {
        "beta1": [str(Fraction(n, PARTS)) for n in beta1],
        "fraction": [str(Fraction(n, PARTS)) for n in fraction],
        "velocity": [str(round(float(value) * 10**6)) for value in centre],
    }


def at(beta1: int, fraction: int, clip: float) -> list[dict[str, Any]]:
    """A box that is a single setting, in parts, where random starts end in a cycle."""
    b = beta1 / PARTS
    for w in settle(b, fraction / PARTS * edge(b), clip, starts=1500, seed=1, longest=LONGEST):
        centre = attempt(w, (beta1, beta1), (fraction, fraction), clip)
        if centre is not None:
            return [_box((beta1, beta1), (fraction, fraction), centre)]
    return []


def column(beta1: tuple[int, int], clip: float, low: int, high: int, starts: int = 200) -> list[dict[str, Any]]:
    """Boxes that cover as much as possible of the fractions from ``low`` to ``high``, in parts."""
    b = sum(beta1) / 2 / PARTS
    boxes: list[dict[str, Any]] = []
    covered = np.zeros(PARTS + 1, bool)  # covered[n]: from n to n + 1
    for place in range(low, high, 4):
        if covered[place : place + 4].all():
            continue
        for w in settle(b, (place + 0.5) / PARTS * edge(b), clip, starts=starts, seed=place, longest=LONGEST):
            if covered[place]:
                break
            for up, limit in ((False, 1), (True, high)):
                for box in follow(w, beta1, place, clip, up, limit):
                    first, last = (int(Fraction(end) * PARTS) for end in box["fraction"])
                    if not covered[first:last].all():
                        covered[first:last] = True
                        boxes.append(box)
    return boxes


def write(name: str, alpha1: str, boxes: list[dict[str, Any]]) -> None:
    """The certificates, one box per line, ``MOST`` in a file: ``attracting_<name>``, ``attracting_<name>_2``, ..."""
    for start in range(0, len(boxes), MOST):
        lines = ",\n".join(" " + json.dumps(box) for box in boxes[start : start + MOST])
        text = f'{{"kind": "attracting", "alpha1": "{alpha1}", "boxes": [\n{lines}\n]}}\n'
        number = f"_{start // MOST + 1}" if start else ""
        (MAP / f"attracting_{name}{number}.json").write_text(text, encoding="utf-8", newline="\n")


def frontier(name: str, beta1: tuple[int, int]) -> int:
    """Where the boxes of ``safe_<name>`` end above the slab, in parts; 0 if there are none."""
    path = MAP / f"safe_{name}.json"
    boxes = json.loads(path.read_text(encoding="utf-8"))["boxes"] if path.exists() else []
    tops = [0]
    for box in boxes:
        low, high = (int(Fraction(end) * PARTS) for end in box["beta1"])
        if low < beta1[1] and beta1[0] < high:
            tops.append(int(Fraction(box["fraction"][1]) * PARTS))
    return max(tops)


def interval(name: str, beta1: tuple[int, int]) -> tuple[int, int]:
    """The fractions in which cycles are looked for: from the frontier to the line of period four, or to the edge."""
    line = int(period_four(sum(beta1) / 2 / PARTS) * PARTS)
    low = frontier("10" if name == "unclipped" else name, beta1) - 10
    return max(low, int(0.3 * line)), min(PARTS - 1, line + 8) if name == "unclipped" else PARTS - 1


def run() -> None:
    """Follow the cycles of every slab anew and store the certificates."""
    for name, alpha1, clip, share in (("unclipped", "oo", inf, 30), ("1", "1", 1.0, 15)):
        boxes = []
        for beta1 in tqdm(slabs(share=share), desc=f"cycles, {name}", unit="slab"):
            boxes += column(beta1, clip, *interval(name, beta1))
        for low in range(*TONGUE, 2) if name == "1" else ():
            boxes += column((low, low + 2), clip, 850 if low < WIDE else 700, 1010, starts=100)
        for point in POINTS if name == "1" else ():
            boxes += at(*point, clip)
        write(name, alpha1, boxes)
