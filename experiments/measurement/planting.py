"""Wrong formulas on purpose: a verdict that rests on a measurement must change when the formula beside it does.

Nothing was tested by a measurement that would have said the same of another formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from experiments.measurement.verdict import (
    PLANTED,
    Confrontation,
    Evidence,
    Kind,
    Point,
    contradicts,
    point_contradicts,
)


def planted(confrontation: Confrontation) -> Confrontation:
    """The same measurements beside formulas that are wrong everywhere at once.

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


def plantings(confrontation: Confrontation) -> Iterator[tuple[str, Confrontation]]:
    """Every single wrong formula: one evidence at a time, the least informative included, and in both directions.

    Yields what was planted, in words, and the confrontation with it. Each must change the verdict, unless that is open
    or inconclusive already. Equalities are multiplied and divided by 1.02; bounds are moved past the measurement (the
    other direction makes a bound weaker, not wrong). Where the claim is contradicted and nothing is put in its place
    there is one: a formula that nothing contradicts.
    """
    if not confrontation.corrected and any(map(contradicts, confrontation.reported)):
        yield "a formula that agrees with the measurement", planted(confrontation)
        return
    fields = ("corrected",) if confrontation.corrected else ("reported", "replication")
    for name in fields:
        items = getattr(confrontation, name)
        for i, item in enumerate(items):
            errors = {"x 1.02": _wrong, "/ 1.02": _too_small} if item.kind == "equality" else {"past it": _wrong}
            for error, change in errors.items():
                wrong = (*items[:i], *_changed((item,), change), *items[i + 1 :])
                yield f"{item.quantity}: {error}", _with(confrontation, name, wrong)


def _with(confrontation: Confrontation, name: str, items: tuple[Evidence, ...]) -> Confrontation:
    changed: dict[str, Any] = {name: items}
    return replace(confrontation, **changed)


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


def _too_small(kind: Kind, point: Point) -> float:
    return point.predicted / PLANTED


def _mended(kind: Kind, point: Point) -> float:
    if not point_contradicts(kind, point):
        return point.predicted
    return {"equality": point.measured, "upper bound": _above(point), "lower bound": _below(point)}[kind]


def _below(point: Point) -> float:
    return point.low / 2 if point.low > 0 else 2 * point.low - 1


def _above(point: Point) -> float:
    return point.high * 2 if point.high > 0 else point.high / 2 + 1
