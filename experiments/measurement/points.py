"""Points from measurements that are known to a relative accuracy, one value or the worst of many; and which to show."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from experiments.measurement.verdict import Evidence, Point


def near(measured: float, predicted: float, accuracy: float, label: str = "") -> Point:
    """A measurement known to the relative ``accuracy``, beside its prediction."""
    half = accuracy * abs(measured)
    return Point(measured, measured - half, measured + half, predicted, label)


def least_fitting(values: Iterable[float], predicted: Iterable[float], accuracy: float, label: str = "") -> Point:
    """Many values against their predictions, each exact up to ``accuracy`` (relative): the one that fits worst.

    Every value lies within its tolerance of its prediction exactly if this one does. NaN fits worst of all.

    Raises
    ------
    ValueError
        If there are no values, or not as many predictions.

    >>> least_fitting([1.0, 2.1, 3.0], [1.0, 2.0, 3.0], 1e-9).measured
    2.1
    """
    measured, formulas = np.fromiter(values, float), np.fromiter(predicted, float)
    if not measured.size:
        raise ValueError("values must hold at least one number, got none")
    if measured.size != formulas.size:
        raise ValueError(f"there must be one prediction a value, got {formulas.size} for {measured.size}")
    worst = _discrepancies(measured, formulas).argmax()
    value, formula = float(measured[worst]), float(formulas[worst])
    slack = accuracy * abs(value)
    return Point(value, value - slack, value + slack, formula, label)


def _discrepancies(measured: NDArray[np.float64], predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    """:func:`experiments.measurement.verdict.discrepancy` of many pairs, inf where one of a pair is NaN."""
    with np.errstate(all="ignore"):
        comparable = measured * predicted > 0
        ratio = np.where(comparable, np.maximum(measured / predicted, predicted / measured), np.inf)
    return np.where(measured == predicted, 1.0, ratio)


def showcase(reported: Iterable[Evidence], quantity: str, *labels: str) -> tuple[str, ...]:
    """The quantity and labels for a claim's row, if every one of them was measured; else none.

    DEFAULT and PAPER of every study measure what they show; a smaller setup need not.
    """
    known = {point.label for item in reported if item.quantity == quantity for point in item.points}
    return (quantity, *labels) if labels and known.issuperset(labels) else ()
