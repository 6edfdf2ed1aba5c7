"""The verdict rule: one pure function of the two witnesses. It never sees the expected verdict.

The symbolic witness is a status of :mod:`theory` ("proved", "proved under assumptions", "refuted", "open",
"empirical"). The numerical witness is :class:`Evidence`: measured values with their intervals, next to what a formula
or a bound says about them.

For a point with measured interval [low, high] and prediction p:

=============  =======================  ==========================  ===============================================
kind           agrees                   contradicts                 informative
=============  =======================  ==========================  ===============================================
equality       low <= p <= high         p < low or high < p         both 1.02 p and p/1.02 lie outside [low, high]
upper bound    high <= p                low > p                     p < trivial (or no trivial line is known)
lower bound    low >= p                 high < p                    p > trivial (or no trivial line is known)
=============  =======================  ==========================  ===============================================

Evidence *supports* a formula when every point agrees, at least one point is informative, and a bound is loose by less
than 1e3 at one of the informative points. Looseness is a ratio, so a bounded quantity should be written as a positive
one (V'/V <= 1 rather than V' - V <= 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from theory.claim import Status

Kind = Literal["equality", "upper bound", "lower bound"]
Verdict = Literal["verified", "verified under assumptions", "refuted", "vacuous", "open"]

#: An error of this size in a formula must change the verdict of an equality.
PLANTED: Final = 1.02
#: A bound looser than this everywhere has not been tested.
LOOSEST: Final = 1e3


@dataclass(frozen=True)
class Point:
    """One measurement beside its prediction.

    Parameters
    ----------
    measured : the measured value, in [low, high].
    low, high : its interval: a confidence interval, a bracket, or an error bound of the arithmetic.
    predicted : the value of the formula (equality) or of the bound.
    label : where it was measured, such as ``"beta1 = 0.9"``.
    trivial : what is known without any theorem (the trivial line of a bound); None if nothing is.

    Raises
    ------
    ValueError : if ``measured`` lies outside [low, high]. NaN is accepted: it leaves the claim open.
    """

    measured: float
    low: float
    high: float
    predicted: float
    label: str = ""
    trivial: float | None = None

    def __post_init__(self) -> None:
        if self.measured < self.low or self.measured > self.high:
            raise ValueError(f"measured must lie in [low, high], got {self.measured} outside [{self.low}, {self.high}]")

    @property
    def is_finite(self) -> bool:
        """False as soon as one of the numbers is NaN (infinite bounds are numbers)."""
        numbers = (self.measured, self.low, self.high, self.predicted, 0.0 if self.trivial is None else self.trivial)
        return not any(math.isnan(number) for number in numbers)


@dataclass(frozen=True)
class Evidence:
    """What the runs say about one formula or one bound.

    Parameters
    ----------
    kind : "equality", "upper bound" or "lower bound": what ``predicted`` is for the measured value.
    points : at least one.
    n : the number of independent runs behind the points, >= 1.
    quantity : what is measured, in words, such as ``"critical alpha0 L"``.
    """

    kind: Kind
    points: tuple[Point, ...]
    n: int
    quantity: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("equality", "upper bound", "lower bound"):
            raise ValueError(f"kind must be 'equality', 'upper bound' or 'lower bound', got {self.kind!r}")
        if not self.points:
            raise ValueError("points must hold at least one Point, got none")
        if self.n < 1:
            raise ValueError(f"n must be a positive number of runs, got {self.n}")


@dataclass(frozen=True)
class Confrontation:
    """The numerical witness of one claim.

    Parameters
    ----------
    claim : ledger id.
    reported : tests the claim as reported, one :class:`Evidence` per formula or bound.
    corrected : tests what was derived to be true instead; it must support the correction.
    replication : the same measurement as ``reported`` on fresh seeds; needed by purely empirical claims.
    note : a sentence for the reader: what was run, what surprised.
    """

    claim: str
    reported: tuple[Evidence, ...]
    corrected: tuple[Evidence, ...] = ()
    replication: tuple[Evidence, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("reported", "corrected", "replication"):
            items = getattr(self, name)
            if not isinstance(items, tuple) or not all(isinstance(item, Evidence) for item in items):
                raise TypeError(f"{name} must be a tuple of Evidence, got {items!r}")
        if not self.reported:
            raise ValueError("reported must hold at least one Evidence, got none")


def verdict(symbolic: Status, confrontation: Confrontation) -> Verdict:
    """The verdict on a claim, from the symbolic status and the numerical evidence alone.

    * refuted: the symbolic witness refutes the claim, a reported point contradicts it, and the correction (if any) is
      supported. For an empirical claim: the measurement contradicts it and, at the same point, so does its replication.
    * vacuous: the derivation closes and nothing contradicts it, but some bound nowhere beats its trivial line.
    * verified (under assumptions): the derivation closes and all evidence supports it. For an empirical claim: the
      measurement and its replication both support it.
    * open: everything else; a NaN anywhere leaves the claim open.

    >>> seen = Evidence("upper bound", (Point(1.9, 1.8, 2.0, predicted=3.0),), n=10)
    >>> verdict("proved", Confrontation("G1", (seen,)))
    'verified'
    >>> verdict("open", Confrontation("G1", (seen,)))
    'open'
    """
    reported, corrected, replication = confrontation.reported, confrontation.corrected, confrontation.replication
    if not all(point.is_finite for item in reported + corrected + replication for point in item.points):
        return "open"
    if symbolic == "proved" or symbolic == "proved under assumptions":
        if all(map(agrees, reported + corrected)) and any(map(is_vacuous, reported)):
            return "vacuous"
        if all(map(supports, reported + corrected)):
            return "verified" if symbolic == "proved" else "verified under assumptions"
    elif all(map(supports, corrected)):
        if symbolic == "refuted" and any(map(contradicts, reported)):
            return "refuted"
        if symbolic == "empirical" and replicated(confrontation):
            return "refuted"
        if symbolic == "empirical" and replication and all(map(supports, reported + replication)):
            return "verified"
    return "open"


def replicated(confrontation: Confrontation) -> list[tuple[Evidence, Point]]:
    """The reported points that contradict the claim and do so again, under the same label, on fresh seeds."""
    pairs = zip(confrontation.reported, confrontation.replication, strict=False)
    return [
        (first, point)
        for first, second in pairs
        for point in first.points
        if point_contradicts(first.kind, point)
        and any(point_contradicts(second.kind, other) and other.label == point.label for other in second.points)
    ]


def supports(evidence: Evidence) -> bool:
    """Every point agrees, one is informative, and a bound is within a factor 1e3 of the measurement there."""
    if not agrees(evidence) or not any(is_informative(evidence.kind, point) for point in evidence.points):
        return False
    return evidence.kind == "equality" or looseness(evidence) < LOOSEST


def agrees(evidence: Evidence) -> bool:
    """Every point lies on the predicted side, with its whole interval."""
    return all(point_agrees(evidence.kind, point) for point in evidence.points)


def contradicts(evidence: Evidence) -> bool:
    """Some point lies on the wrong side of its prediction, with its whole interval."""
    return any(point_contradicts(evidence.kind, point) for point in evidence.points)


def is_vacuous(evidence: Evidence) -> bool:
    """A bound with a trivial line that it nowhere beats in the measured range."""
    bounded = evidence.kind != "equality" and all(point.trivial is not None for point in evidence.points)
    return bounded and not any(is_informative(evidence.kind, point) for point in evidence.points)


def is_informative(kind: Kind, point: Point) -> bool:
    """Could this point have shown the formula wrong? See the table at the head of the module."""
    if kind == "equality":
        wrong = (point.predicted * PLANTED, point.predicted / PLANTED)
        return not any(point.low <= value <= point.high for value in wrong)
    if point.trivial is None:
        return True
    return point.predicted < point.trivial if kind == "upper bound" else point.predicted > point.trivial


def looseness(evidence: Evidence) -> float:
    """The smallest ratio between a bound and the measurement at an informative point; inf if there is none.

    bound/measured for an upper bound, measured/bound for a lower bound: 1 is tight, below 1 is a violation. For an
    equality, the largest factor max(m/p, p/m) between measurement and prediction over the points: 1 is exact.

    >>> looseness(Evidence("upper bound", (Point(2.0, 2.0, 2.0, predicted=3.0),), n=1))
    1.5
    """
    if evidence.kind == "equality":
        return max(map(_discrepancy, evidence.points))
    return min((gap(evidence.kind, p) for p in evidence.points if is_informative(evidence.kind, p)), default=math.inf)


def gap(kind: Kind, point: Point) -> float:
    """How far a bound is from the measurement at one point, as a factor."""
    if kind == "lower bound":
        return _ratio(point.measured, point.predicted)
    return _ratio(point.predicted, point.measured)


def decisive(confrontation: Confrontation) -> tuple[Evidence, Point]:
    """The reported point that a reader should look at first, with the evidence it belongs to.

    The worst of the points that contradict the claim twice, else of those that contradict it, if there are any; else
    the least favourable informative point: the tightest for a bound, the one farthest from its prediction for an
    equality.
    """
    found = [(item, point) for item in confrontation.reported for point in item.points]
    wrong = [(item, point) for item, point in found if point_contradicts(item.kind, point)]
    least_favourable = [(item, point) for item, point in found if is_informative(item.kind, point)]
    return max(
        replicated(confrontation) or wrong or least_favourable or found, key=lambda pair: misfit(pair[0].kind, pair[1])
    )


def numerical_status(confrontation: Confrontation) -> str:
    """What the runs alone say about the claim as reported: "contradicts", "supports" or "undecided"."""
    if not all(point.is_finite for item in confrontation.reported for point in item.points):
        return "undecided"
    if any(map(contradicts, confrontation.reported)):
        return "contradicts"
    return "supports" if all(map(supports, confrontation.reported)) else "undecided"


def planted(confrontation: Confrontation) -> Confrontation:
    """The same measurements beside a wrong formula: the verdict must differ from the true one, or nothing was tested.

    The error goes where the verdict rests: into ``corrected`` if there is a correction, else into ``reported`` and its
    replication. Equalities are multiplied by 1.02; bounds become half the measurement (twice, for a lower bound). Where
    the claim is contradicted and nothing is put in its place, the error is a formula that nothing contradicts.
    """
    if confrontation.corrected:
        return replace(confrontation, corrected=_changed(confrontation.corrected, _wrong))
    change = _mended if any(map(contradicts, confrontation.reported)) else _wrong
    return replace(
        confrontation,
        reported=_changed(confrontation.reported, change),
        replication=_changed(confrontation.replication, change),
    )


def _changed(items: tuple[Evidence, ...], change: Callable[[Kind, Point], float]) -> tuple[Evidence, ...]:
    """The same measurements with every prediction replaced by ``change(kind, point)``."""
    return tuple(
        replace(item, points=tuple(replace(point, predicted=change(item.kind, point)) for point in item.points))
        for item in items
    )


def _wrong(kind: Kind, point: Point) -> float:
    if kind == "equality":
        return point.predicted * PLANTED
    return _below(point) if kind == "upper bound" else _above(point)


def _mended(kind: Kind, point: Point) -> float:
    if not point_contradicts(kind, point):
        return point.predicted
    return {"equality": point.measured, "upper bound": _above(point), "lower bound": _below(point)}[kind]


def _below(point: Point) -> float:
    return point.low / 2 if point.low > 0 else 2 * point.low - 1


def _above(point: Point) -> float:
    return point.high * 2 if point.high > 0 else point.high / 2 + 1


def misfit(kind: Kind, point: Point) -> float:
    """How unfavourable a point is for its formula: the points of an evidence are ranked by it."""
    if kind == "equality":
        return _discrepancy(point)
    distance = gap(kind, point)
    return math.inf if distance == 0 else 1.0 / distance


def _discrepancy(point: Point) -> float:
    return max(_ratio(point.measured, point.predicted), _ratio(point.predicted, point.measured))


def _ratio(above: float, below: float) -> float:
    """above/below for numbers of one sign; 1 if they are equal, inf if the ratio has no meaning."""
    if above == below:
        return 1.0
    return above / below if above * below > 0 else math.inf


def point_agrees(kind: Kind, point: Point) -> bool:
    """The prediction lies in the interval, or the whole interval on the right side of the bound."""
    if kind == "equality":
        return point.low <= point.predicted <= point.high
    return point.high <= point.predicted if kind == "upper bound" else point.low >= point.predicted


def point_contradicts(kind: Kind, point: Point) -> bool:
    """The whole interval lies on the wrong side of the prediction."""
    if kind == "equality":
        return point.predicted < point.low or point.predicted > point.high
    return point.low > point.predicted if kind == "upper bound" else point.high < point.predicted
