"""The verdict rule: one pure function of the two sides. It never sees the expected verdict.

The derivation gives a status of :mod:`theory` ("proved", "proved under assumptions", "refuted", "open", "empirical").
The measurement is :class:`Evidence`: measured values with their intervals, next to what a formula or a bound says.

For a point with measured interval [low, high] and prediction p, and r = :data:`ROUNDING` times the largest of
abs(low), abs(high) and abs(p):

=============  =======================  ==========================  ===============================================
kind           agrees                   contradicts                 informative
=============  =======================  ==========================  ===============================================
equality       low <= p <= high         p < low or high < p         both 1.02 p and p/1.02 lie outside [low, high]
upper bound    high <= p + r            low > p + r                 p < trivial (or no trivial line is known)
lower bound    low >= p - r             high < p - r                p > trivial (or no trivial line is known)
=============  =======================  ==========================  ===============================================

An interval belongs to one value: a formula that is compared with many values has one point for each, or the point of
the value that fits worst (:func:`experiments.measurement.points.least_fitting`); the range of the values is no
interval, since one exact value in it would hide all others. Evidence *supports* a formula when every point agrees, at
least one is informative, and a bound is loose by less than 1e3 at one of the informative points. Looseness is a ratio,
so a bounded quantity should be written as a positive one (V'/V <= 1 rather than V' - V <= 0). A measurement that lies
beyond a bound by rounding alone lies on it: r is some thousand units in the last place, far below anything that a
formula could be wrong by. NaN, and infinity against infinity, are no comparison: the claim is open.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from theory.claim import Status

Kind = Literal["equality", "upper bound", "lower bound"]
#: The first five are for mathematics, the last three for observations.
Verdict = Literal[
    "verified",
    "verified under assumptions",
    "refuted",
    "vacuous",
    "open",
    "reproduced",
    "not reproduced",
    "inconclusive",
]

#: An error of this size in a formula must change the verdict of an equality.
PLANTED: Final = 1.02
#: A bound looser than this everywhere has not been tested.
LOOSEST: Final = 1e3
#: A relative excess over a bound that is put down to the arithmetic.
ROUNDING: Final = 1e-12


@dataclass(frozen=True)
class Point:
    """One measurement beside its prediction.

    Parameters
    ----------
    measured : float
        The measured value, in [low, high].
    low, high : float
        Its interval: a confidence interval, a bracket, or an error bound of the arithmetic.
    predicted : float
        The value of the formula (equality) or of the bound.
    label : str
        Where it was measured, such as ``"beta1 = 0.9"``.
    trivial : float, optional
        What is known without any theorem (the trivial line of a bound); None if nothing is.

    Raises
    ------
    ValueError
        If ``measured`` lies outside [low, high]. NaN is accepted: it leaves the claim open.
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
    def is_comparable(self) -> bool:
        """False for a NaN anywhere, and where an infinite measurement meets an infinite prediction."""
        interval = (self.measured, self.low, self.high)
        numbers = (*interval, self.predicted, 0.0 if self.trivial is None else self.trivial)
        boundless = math.isinf(self.predicted) and any(map(math.isinf, interval))
        return not boundless and not any(map(math.isnan, numbers))


@dataclass(frozen=True)
class Evidence:
    """What the runs say about one formula or one bound.

    Parameters
    ----------
    kind : Kind
        "equality", "upper bound" or "lower bound": what ``predicted`` is for the measured value.
    points : tuple of Point
        At least one.
    n : int
        The number of independent runs behind the points, an integer >= 1.
    quantity : str
        What is measured, in words, such as ``"critical alpha0 L"``.
    seeds : tuple of int
        Of the random numbers behind the points, where a replication needs others.

    Raises
    ------
    ValueError
        For an unknown kind, no points, or an ``n`` that is not a positive integer.
    """

    kind: Kind
    points: tuple[Point, ...]
    n: int
    quantity: str = ""
    seeds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ("equality", "upper bound", "lower bound"):
            raise ValueError(f"kind must be 'equality', 'upper bound' or 'lower bound', got {self.kind!r}")
        if not self.points:
            raise ValueError("points must hold at least one Point, got none")
        if not isinstance(self.n, Integral) or isinstance(self.n, bool) or self.n < 1:
            raise ValueError(f"n must be a positive integer, the number of runs, got {self.n!r}")


@dataclass(frozen=True)
class Confrontation:
    """The measurements on one claim.

    Parameters
    ----------
    claim : str
        Ledger id.
    reported : tuple of Evidence
        Tests the claim as reported, one :class:`Evidence` per formula or bound.
    corrected : tuple of Evidence
        Tests what was derived to be true instead; it must support the correction.
    replication : tuple of Evidence
        The measurements of ``reported`` again, one for one, with other seeds; needed by observations.
    note : str
        A sentence for the reader: what was run, what surprised.
    showcase : tuple of str
        A reported quantity and the labels of its points that the claim's row shows, the same at every resolution;
        without it the row shows :func:`decisive`.

    Raises
    ------
    TypeError
        If a tuple of :class:`Evidence` is something else.
    ValueError
        If nothing is reported, if ``replication`` does not repeat every measurement with seeds that are recorded and
        others, or if ``showcase`` names no reported point.
    """

    claim: str
    reported: tuple[Evidence, ...]
    corrected: tuple[Evidence, ...] = ()
    replication: tuple[Evidence, ...] = ()
    note: str = ""
    showcase: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("reported", "corrected", "replication"):
            items = getattr(self, name)
            if not isinstance(items, tuple) or not all(isinstance(item, Evidence) for item in items):
                raise TypeError(f"{name} must be a tuple of Evidence, got {items!r}")
        if not self.reported:
            raise ValueError("reported must hold at least one Evidence, got none")
        if self.replication:
            _refuse_no_replication(self.reported, self.replication)
        shown(self)


def _refuse_no_replication(reported: tuple[Evidence, ...], replication: tuple[Evidence, ...]) -> None:
    """ValueError unless every measurement comes again, with seeds that are recorded and that nothing reported used."""
    asked, again = ([(item.kind, item.quantity) for item in items] for items in (reported, replication))
    if asked != again:
        raise ValueError(f"replication must repeat {asked}, got {again}")
    used = {seed for item in reported for seed in item.seeds}
    for item in (*reported, *replication):
        if not item.seeds:
            raise ValueError(f"a replicated measurement must record its seeds, got none for {item.quantity!r}")
    if shared := sorted(used & {seed for item in replication for seed in item.seeds}):
        raise ValueError(f"replication must use other seeds than the reported measurement, got {shared} in both")


def shown(confrontation: Confrontation) -> tuple[tuple[Evidence, Point], ...]:
    """The points of the claim's row: the showcase, or, where none is named, the decisive point.

    Raises
    ------
    ValueError
        If the showcase names no reported point.
    """
    if not confrontation.showcase:
        return (decisive(confrontation),)
    quantity, *labels = confrontation.showcase
    found = {
        point.label: (item, point) for item in confrontation.reported if item.quantity == quantity
        for point in item.points
    }  # fmt: skip
    if not labels or set(labels) - set(found):
        raise ValueError(f"showcase must name a reported quantity and its labels, got {confrontation.showcase}")
    return tuple(found[label] for label in labels)


def verdict(symbolic: Status, confrontation: Confrontation) -> Verdict:
    """The verdict on a claim, from the symbolic status and the numerical evidence alone.

    Mathematics:

    * refuted: the derivation refutes the claim, a reported point contradicts it, and the correction (if any) is
      supported.
    * vacuous: the derivation closes, nothing contradicts it and what is corrected is supported, but some bound nowhere
      beats its trivial line.
    * verified (under assumptions): the derivation closes and all evidence supports it.
    * open: everything else; a point that is no comparison leaves the claim open.

    Observations ("empirical"):

    * reproduced: the measurement and its replication both support the claim.
    * not reproduced: the measurement contradicts it and, under the same label, so does its replication.
    * inconclusive: everything else.

    >>> seen = Evidence("upper bound", (Point(1.9, 1.8, 2.0, predicted=3.0),), n=10)
    >>> verdict("proved", Confrontation("G1", (seen,)))
    'verified'
    >>> verdict("open", Confrontation("G1", (seen,)))
    'open'
    >>> verdict("empirical", Confrontation("E1", (seen,)))
    'inconclusive'
    """
    reported, corrected, replication = confrontation.reported, confrontation.corrected, confrontation.replication
    comparable = all(point.is_comparable for item in reported + corrected + replication for point in item.points)
    if symbolic == "empirical":
        if comparable and all(map(supports, corrected)):
            if replicated(confrontation):
                return "not reproduced"
            if replication and all(map(supports, reported + replication)):
                return "reproduced"
        return "inconclusive"
    if not comparable:
        return "open"
    if symbolic == "proved" or symbolic == "proved under assumptions":
        everything = reported + corrected + replication
        if all(map(agrees, everything)) and all(map(supports, corrected)) and any(map(is_vacuous, reported)):
            return "vacuous"
        if all(map(supports, everything)):
            return "verified" if symbolic == "proved" else "verified under assumptions"
    elif symbolic == "refuted" and all(map(supports, corrected)) and any(map(contradicts, reported)):
        return "refuted"
    return "open"


def replicated(confrontation: Confrontation) -> list[tuple[Evidence, Point]]:
    """The reported points that contradict the claim and do so again, under the same label, on other seeds."""
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
        return max(discrepancy(point.measured, point.predicted) for point in evidence.points)
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
    if not all(point.is_comparable for item in confrontation.reported for point in item.points):
        return "undecided"
    if any(map(contradicts, confrontation.reported)):
        return "contradicts"
    return "supports" if all(map(supports, confrontation.reported)) else "undecided"


def misfit(kind: Kind, point: Point) -> float:
    """How unfavourable a point is for its formula: the points of an evidence are ranked by it."""
    if kind == "equality":
        return discrepancy(point.measured, point.predicted)
    distance = gap(kind, point)
    return math.inf if distance == 0 else 1.0 / distance


def discrepancy(one: float, other: float) -> float:
    """The larger of the two ratios: 1 if they are equal, inf if a ratio has no meaning."""
    return max(_ratio(one, other), _ratio(other, one))


def _ratio(above: float, below: float) -> float:
    """above/below for numbers of one sign; 1 if they are equal, inf if the ratio has no meaning."""
    if above == below:
        return 1.0
    return above / below if above * below > 0 else math.inf


def point_agrees(kind: Kind, point: Point) -> bool:
    """The prediction lies in the interval, or the whole interval on the right side of the bound."""
    if kind == "equality":
        return point.low <= point.predicted <= point.high
    rounding = _rounding(point)
    if kind == "upper bound":
        return point.high <= point.predicted + rounding
    return point.low >= point.predicted - rounding


def point_contradicts(kind: Kind, point: Point) -> bool:
    """The whole interval lies on the wrong side of the prediction."""
    if kind == "equality":
        return point.predicted < point.low or point.predicted > point.high
    rounding = _rounding(point)
    if kind == "upper bound":
        return point.low > point.predicted + rounding
    return point.high < point.predicted - rounding


def _rounding(point: Point) -> float:
    """By how much the arithmetic alone may carry a measurement over a bound; 0 beside an infinity."""
    largest = max(abs(point.low), abs(point.high), abs(point.predicted))
    return ROUNDING * largest if math.isfinite(largest) else 0.0
