"""The map of stability: where it is proved that every start converges, where that a cycle attracts, what is undecided.

VRMomentum with the published gate on a quadratic of one curvature L, ``S = alpha0 L``, ``B = 2(1+beta1)/(1-beta1)``.
What is known is a union of four kinds of regions: below ``global_threshold`` every start converges (an energy falls);
in the boxes of the certificates ``safe_*`` every start converges (no orbit stays away); in those of ``attracting_*``
a cycle attracts; and so does one of period 4 beyond ``period4_threshold``, except where a small clip destroys it
(:func:`has_period_four`). The rest is undecided. Neither region is an interval of S in general: with ``alpha1 = 1`` and
beta1 near .9 cycles of period 6 attract between .46 and .48 B, from .5 to .56 B every start converges, above .579 B
cycles of period 4 attract, and close to the edge none of them is left.

**What carries over.** *Several curvatures.* Along an eigenvector nothing changes, so that every cycle of the map exists
in any dimension; that it attracts there is shown for period 4 alone, under a condition on the other curvatures (S3b).
That every start converges does not carry over: one gate acts on all modes, and an orbit has two numbers for each; with
``d >= 2`` it is proved below ``global_threshold`` only. *Smoothed and peak-hold gates.* Their state has a third number,
the gate's memory, which the cells of this map do not hold. That a ``gate_decay`` of ``beta1^2`` suffices up to the edge
is proved in every dimension (S7, S8); that a smaller one does, with one curvature, at three settings for each gate, in
cells of three coordinates (:mod:`theory.certificates.memory`, the certificates of S7 and S8). Elsewhere it is open.

**How it was found.** The stored boxes were found in several runs of :mod:`theory.search`, with paces and grids that
changed between them. ``python -m theory --search`` runs the whole search with the present ones: it makes a map like the
stored one, not the same bytes. What is a function of the intervals of a box, its target and its far part, the search
finds again to the last digit (a test). Beyond the beta1 at which boxes end (``python -m theory --widths``) only
``global_threshold`` is proved from below. Close to beta1 = .97 a slab takes 30 to 40 boxes and four to six seconds of
checking, with alpha1 = 10 and 19 or without a clip. With alpha1 = 1 the regions alternate there: cycles of period 10
attract near .189 B from beta1 = .9695 on (points of ``attracting_1_2``), those of period 8 near .285 B, and between
them, and from .294 B on to where those of period 6 begin, every start converges.

>>> from fractions import Fraction
>>> global_stability(Fraction(1, 2), Fraction(299, 50), 10).says
'every start converges'
>>> print(global_stability(Fraction(9, 10), 30, 10))
an attracting cycle of period 4 (period4_threshold of S3b)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import ceil, floor, inf, isfinite, sqrt
from multiprocessing import get_context
from numbers import Real
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from theory.certificates import branches, frontier
from theory.certificates.branches import Attracting, Branch
from theory.certificates.frontier import Box, Safe
from theory.certificates.reading import parse

Number = float | Fraction
#: A column of the map is read at the middles of so many equal parts of the fractions below the edge. The ends of stored
#: boxes are ends of parts.
PARTS: Final = 2000
UNDECIDED_PART, SAFE_PART, CYCLE_PART = 0, 1, 2

FOLDER: Final = Path(__file__).parent / "certificates" / "map"
SAFE: Final = ("safe_1", "safe_10", "safe_19", "safe_unclipped")
ATTRACTING: Final = ("attracting_1", "attracting_1_2", "attracting_unclipped", "attracting_unclipped_2")


@dataclass(frozen=True)
class Stability:
    """What is proved about one setting, and where: ``certificate`` is a stored file and the number of a box in it, or a
    formula of a claim; None if nothing is."""

    says: str
    certificate: str | None = None
    period: int | None = None

    def __str__(self) -> str:
        return self.says if self.certificate is None else f"{self.says} ({self.certificate})"


UNDECIDED: Final = Stability("undecided")


def global_stability(beta1: Number, S: Number, alpha1: Number = inf) -> Stability:
    """What is proved about VRMomentum with the published gate on ``F = L x^2/2``, at ``S = alpha0 L``.

    Numbers are taken exactly: a float is the dyadic number that it is. A stored box that contains the setting is
    verified before it is named, which takes from a hundredth of a second to some seconds, once.

    Parameters
    ----------
    beta1 : Number
        In [0, 1).
    S : Number
        alpha0 L > 0.
    alpha1 : Number
        The clip, > 0; ``inf`` for none.

    Returns
    -------
    Stability
        ``says`` is "every start converges", "an attracting cycle of period p", "the minimum repels" (S > B) or
        "undecided".

    Raises
    ------
    ValueError
        If an argument lies outside its domain.
    """
    b, s, clip = _setting(beta1, S, alpha1)
    if s * (1 - b) > 2 * (1 + b):
        return Stability("the minimum repels", "threshold of S1")
    if s * (1 - b) == 2 * (1 + b):
        return UNDECIDED
    if (formula := _below_the_threshold(b, s)) is not None:
        return Stability("every start converges", f"{formula} of S3b")
    if has_period_four(b, s, clip):
        return Stability("an attracting cycle of period 4", "period4_threshold of S3b", 4)
    fraction = s * (1 - b) / (2 * (1 + b))
    for name in SAFE:
        for k in _near(name, b):
            if safe_boxes(name)[k].says.contains(b, fraction, clip) and _safe(name, k):
                return Stability("every start converges", f"{name}, box {k}")
    for name in ATTRACTING:
        for k in _near(name, b):
            branch = attracting_boxes(name)[k]
            here = branch.beta1[0] <= b <= branch.beta1[1] and branch.fraction[0] <= fraction <= branch.fraction[1]
            if here and (found := _attracting(name, k)) is not None and found.contains(b, fraction, clip):
                return Stability(f"an attracting cycle of period {found.period}", f"{name}, box {k}", found.period)
    return UNDECIDED


def _setting(beta1: Number, S: Number, alpha1: Number) -> tuple[Fraction, Fraction, Fraction | None]:
    for name, value in (("beta1", beta1), ("S", S), ("alpha1", alpha1)):
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ValueError(f"{name} must be a real number, got {value!r}")
    if not 0 <= beta1 < 1:
        raise ValueError(f"beta1 must lie in [0, 1), got {beta1!r}")
    if not (S > 0 and isfinite(S)):
        raise ValueError(f"S must be finite and > 0, got {S!r}")
    if not alpha1 > 0:
        raise ValueError(f"alpha1 must be > 0, got {alpha1!r}")
    return Fraction(beta1), Fraction(S), None if alpha1 == inf else Fraction(alpha1)


def _below_the_threshold(beta1: Fraction, S: Fraction) -> str | None:
    """The formula of S3b that says that the energy falls: S < 2, or between the roots of ``W`` (see ``squares``
    there), or ``beta1 <= (3 sqrt 41 - 17)/10``."""
    mu = Fraction(1, 8)
    W = (1 + mu * beta1) ** 2 * S**2 - 2 * (1 + 3 * beta1 + mu * beta1 * (3 + beta1)) * S + (1 - beta1) ** 2
    if S < 2 or W < 0:
        return "global_threshold"
    return "global_beta1" if (10 * beta1 + 17) ** 2 <= 369 else None


def has_period_four(beta1: Fraction, S: Fraction, alpha1: Fraction | None = None) -> bool:
    """Whether a cycle of period 4 attracts at ``S`` below the edge; exact, ``alpha1`` is None for no clip.

    Without a clip it does for ``S > S* = (kappa^2 + 3 + 2 sqrt(2(kappa^2+1)))/kappa``: the roots ``y < Y`` of

        p(y) = kappa y^2 + (kappa^2 - 1 - kappa S) y + 2 S,     y = r - 1/r,     beta3 v1^2 = S/(kappa - 1/r) - 1,

    are that cycle and a saddle, of smaller ``v1``. A clip does not touch it where ``alpha1 > beta3 v1^2``, that is
    ``1/r < q = kappa - S/(1+alpha1)``, or ``y > 1/q - q``. Between the two speeds, where ``p(1/q - q) < 0``, a cycle
    with ``1/r = q`` and clipped ``v1`` attracts in its place (S3b, "with a clipped point the cycle attracts too").
    Below both there is none of the kind, and on the clip itself nothing is claimed.
    """
    kappa = (1 + beta1) / (1 - beta1)
    excess = kappa * S - kappa**2 - 3
    if not (excess > 0 and excess**2 > 8 * (kappa**2 + 1)):
        return False
    if alpha1 is None or (q := kappa - S / (1 + alpha1)) >= 1:
        return True
    if q <= 0:
        return False
    least = 1 / q - q
    value = kappa * least**2 + (kappa**2 - 1 - kappa * S) * least + 2 * S
    return value < 0 or (value > 0 and 2 * kappa * least < kappa * S - kappa**2 + 1)


def safe_up_to(beta1: Number, alpha1: Number = inf) -> float:
    """The largest fraction of the edge below which every start converges, by the analytic theorem and the boxes without
    a gap above it; boxes are read here, not verified.

    >>> safe_up_to(0.1), safe_up_to(0.5, 10.0)
    (1.0, 1.0)
    """
    b, _, clip = _setting(beta1, 1, alpha1)
    if _below_the_threshold(b, Fraction(1000)) is not None:
        return 1.0
    reached = _threshold(b)
    spans = sorted(
        says.fraction
        for name in SAFE
        for says in (safe_boxes(name)[k].says for k in _near(name, b))
        if says.contains(b, says.fraction[0], clip)
    )
    for low, high in spans:
        if low <= reached:
            reached = max(reached, high)
    return float(reached)


def cycles_from(beta1: Number, alpha1: Number = inf) -> float:
    """The least fraction of the edge at which a cycle is proved to attract, 1 if there is none below the edge; to a
    part in ``PARTS``."""
    b, _, clip = _setting(beta1, 1, alpha1)
    places = _period_four_places(b, clip)
    starts = [(places[0] + 0.5) / PARTS if places else 1.0]
    for name in ATTRACTING:
        for k in _near(name, b):
            branch = attracting_boxes(name)[k]
            if branch.beta1[0] <= b <= branch.beta1[1] and branch.fraction[0] < min(starts):
                found = _attracting(name, k)
                if found is not None and found.contains(b, found.fraction[0], clip):
                    starts.append(float(found.fraction[0]))
    return min(starts)


def _threshold(beta1: Fraction) -> Fraction:
    """``global_threshold`` as a fraction of the edge, rounded down: the larger root of ``W``, or 2."""
    root = sqrt(2 * beta1 * (17 + beta1) * (4 + 5 * beta1))
    S = max(Fraction(2), 8 * (8 + 27 * beta1 + beta1**2 + 2 * Fraction(root)) / (8 + beta1) ** 2)
    below = S * (1 - beta1) / (2 * (1 + beta1)) - Fraction(1, 10**9)
    assert _below_the_threshold(beta1, below * 2 * (1 + beta1) / (1 - beta1)) is not None
    return below


def table(alpha1: Number = 10, beta1: Sequence[Number] = (0.3, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 0.95)) -> str:
    """The map along some columns, as text: fractions of the edge."""
    lines = [f"alpha1 = {alpha1:g}   every start converges up to   a cycle attracts from   undecided (all in B)"]
    for b in beta1:
        low, high = safe_up_to(b, alpha1), cycles_from(b, alpha1)
        lines.append(f"beta1 = {b:<6g} {low:24.4f} {high:25.4f} {max(high - low, 0.0):18.4f}")
    return "\n".join(lines)


def column(beta1: Number, alpha1: Number = inf) -> NDArray[np.int8]:
    """What is proved at the middles of the ``PARTS`` parts: ``SAFE_PART``, ``CYCLE_PART`` or ``UNDECIDED_PART``. Boxes
    in which a cycle attracts are verified now, those in which every start converges are read.

    >>> [int((column(0.9, 10) == kind).sum()) for kind in (SAFE_PART, CYCLE_PART, UNDECIDED_PART)]
    [896, 1013, 91]
    """
    b, _, clip = _setting(beta1, 1, alpha1)
    parts = np.full(PARTS, UNDECIDED_PART, np.int8)
    parts[_period_four_places(b, clip)] = CYCLE_PART
    for name in ATTRACTING:
        for k in _near(name, b):
            branch = attracting_boxes(name)[k]
            if branch.beta1[0] <= b <= branch.beta1[1] and (found := _attracting(name, k)) is not None:
                low, high = found.fraction
                if found.contains(b, low, clip):
                    parts[ceil(low * PARTS) : floor(high * PARTS)] = CYCLE_PART
    below = 1.0 if _below_the_threshold(b, Fraction(1000)) is not None else float(_threshold(b))
    parts[: floor(below * PARTS + 0.5)] = SAFE_PART
    for name in SAFE:
        for says in (safe_boxes(name)[k].says for k in _near(name, b)):
            low, high = says.fraction
            if says.contains(b, low, clip):
                parts[ceil(low * PARTS) : floor(high * PARTS)] = SAFE_PART
    return parts


def _period_four_places(beta1: Fraction, alpha1: Fraction | None) -> list[int]:
    """The parts in the middle of which :func:`has_period_four`."""
    kappa = (1 + beta1) / (1 - beta1)

    def S(n: int) -> Fraction:
        return kappa * Fraction(2 * n + 1, PARTS)

    start = bisect_left(range(PARTS), True, key=lambda n: has_period_four(beta1, S(n)))  # without a clip: all above S*
    if alpha1 is None or kappa - S(PARTS - 1) / (1 + alpha1) >= 1:  # the clip touches none of these cycles
        return list(range(start, PARTS))
    return [n for n in range(start, PARTS) if has_period_four(beta1, S(n), alpha1)]


def undecided(beta1: Number, alpha1: Number = inf) -> float:
    """How much of the fractions below the edge is undecided at this beta1, in B, to a part in ``PARTS``."""
    return float((column(beta1, alpha1) == UNDECIDED_PART).mean())


def bands(alpha1: Number, step: Fraction = Fraction(1, 200)) -> tuple[list[Fraction], list[float]]:
    """The middles of intervals of beta1 over [.3, .95], and what is undecided at each."""
    settings = [Fraction(3, 10) + step * Fraction(2 * k + 1, 2) for k in range(int(Fraction(13, 20) / step))]
    return settings, [undecided(b, alpha1) for b in settings]


def widths(step: Fraction = Fraction(1, 200), clips: Sequence[Number] = (1, 10, 19, inf)) -> str:
    """What is undecided, as text: along some columns for every clip of the map, the mean over beta1 and the largest."""
    columns = (0.3, 0.5, 0.55, 0.57, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.88, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97)
    lines = ["undecided, in B      " + "".join(f"{f'alpha1 = {clip:g}':>15}" for clip in clips)]
    for b in columns:
        exact = Fraction(b).limit_denominator(100)
        lines.append(f"beta1 = {b:<13g}" + "".join(f"{undecided(exact, clip):15.4f}" for clip in clips))
    rows: dict[str, list[float]] = {"mean over [.3, .95]": [], "largest up to .9": [], "boxes end at beta1": []}
    for clip in clips:
        settings, width = bands(clip, step)
        rows["mean over [.3, .95]"].append(sum(width) / len(width))
        rows["largest up to .9"].append(
            max(one for b, one in zip(settings, width, strict=True) if b <= Fraction(9, 10))
        )
        name = "safe_unclipped" if clip == inf else f"safe_{clip:g}"
        rows["boxes end at beta1"].append(max(float(box.says.beta1[1]) for box in safe_boxes(name)))
    lines += [f"{name:21}" + "".join(f"{value:15.4f}" for value in values) for name, values in rows.items()]
    return "\n".join(lines)


# ---------------------------------------------------------------- the stored boxes


@cache
def safe_boxes(name: str) -> Sequence[Box]:
    """The boxes of a certificate of kind ``safe``, read but not verified; none if the file does not exist."""
    path = FOLDER / f"{name}.json"
    return frontier.boxes(parse(path.read_bytes())) if path.exists() else ()


@cache
def attracting_boxes(name: str) -> Sequence[Branch]:
    """The boxes of a certificate of kind ``attracting``, read but not verified; none if the file does not exist."""
    path = FOLDER / f"{name}.json"
    return branches.branches(parse(path.read_bytes())) if path.exists() else ()


@cache
def _widened(name: str) -> NDArray[np.float64]:
    """The intervals of beta1 of the boxes of a certificate, (boxes, 2), wider by more than rounding."""
    ends = [box.says.beta1 for box in safe_boxes(name)] if name in SAFE else [b.beta1 for b in attracting_boxes(name)]
    return np.array(ends, dtype=float).reshape(-1, 2) + (-1e-9, 1e-9)


def _near(name: str, beta1: Fraction) -> list[int]:
    """The boxes of a certificate that may be about this beta1: those left out are not."""
    low, high = _widened(name).T
    return np.flatnonzero((low <= float(beta1)) & (float(beta1) <= high)).tolist()


@cache
def _safe(name: str, k: int) -> bool:
    return frontier.proves(safe_boxes(name)[k])


@cache
def _attracting(name: str, k: int) -> Attracting | None:
    return branches.proves(attracting_boxes(name)[k])


def verified(every: int = 1, processes: int = 1, progress: bool = False) -> tuple[Sequence[Safe], Sequence[Attracting]]:
    """The statements of every ``every``-th box of each stored certificate, verified now.

    Parameters
    ----------
    every : int
        1 for all of them.
    processes : int
        How many boxes are verified at a time.
    progress : bool
        Whether a bar is shown.

    Raises
    ------
    ValueError
        If a box is false, naming it.
    """
    from tqdm import tqdm

    chosen = [(name, k) for name in SAFE for k in range(0, len(safe_boxes(name)), every)]
    chosen.sort(key=lambda box: -safe_boxes(box[0])[box[1]].says.beta1[0])  # what takes longest comes first
    chosen += [(name, k) for name in ATTRACTING for k in range(0, len(attracting_boxes(name)), every)]
    found: list[Safe | Attracting] = []
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn")) if processes > 1 else None
    try:
        said = map(_statement, chosen) if pool is None else pool.map(_statement, chosen, chunksize=16)
        for (name, k), statement in zip(chosen, tqdm(said, "boxes", len(chosen), disable=not progress), strict=True):
            if statement is None:
                raise ValueError(f"the boxes of {name} must be true, got a false one: {k}")
            found.append(statement)
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)
    return [one for one in found if isinstance(one, Safe)], [one for one in found if isinstance(one, Attracting)]


def _statement(box: tuple[str, int]) -> Safe | Attracting | None:
    """What box k of a certificate says, if it is true."""
    name, k = box
    if name in SAFE:
        return safe_boxes(name)[k].says if _safe(name, k) else None
    return _attracting(name, k)
