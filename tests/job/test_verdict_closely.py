"""The verdict rule at its edges: intervals, rounding and bounds that just tell something."""

import pytest

from experiments.measurement.verdict import (
    Evidence,
    Point,
    agrees,
    contradicts,
    is_informative,
    is_vacuous,
    point_agrees,
    point_contradicts,
    supports,
)


def one(kind, measured, low, high, predicted, trivial=None):
    return Evidence(kind, (Point(measured, low, high, predicted, trivial=trivial),), 10)


@pytest.mark.parametrize(("low", "high"), [(1.95, 2.01), (1.99, 2.05)])
def test_an_interval_that_holds_one_of_the_two_wrong_formulas_tells_nothing(low, high):
    """2 % too large or 2 % too small: both must be outside."""
    evidence = one("equality", 2.0, low, high, 2.0)
    assert agrees(evidence) and not supports(evidence)
    narrow = one("equality", 2.0, 1.97, 2.03, 2.0)
    assert supports(narrow)


@pytest.mark.parametrize(("kind", "sign"), [("upper bound", 1), ("lower bound", -1)])
def test_rounding_is_one_part_in_ten_to_the_twelve(kind, sign):
    for excess, lies_beyond in ((0.99e-12, False), (1.01e-12, True)):
        item = one(kind, *3 * (1 + sign * excess,), 1.0)
        assert contradicts(item) is lies_beyond and agrees(item) is not lies_beyond


def test_rounding_is_that_of_the_largest_number_in_the_comparison():
    """Ends at 1 and 1000: what was added up to a thousand is uncertain by 1e-9."""
    wide, narrow = (one("upper bound", 1 + 5e-12, 1 + 5e-12, high, 1.0) for high in (1000.0, 1.0 + 6e-12))
    assert not contradicts(wide) and contradicts(narrow)


@pytest.mark.parametrize(
    ("kind", "predicted", "trivial", "tells"),
    [
        ("upper bound", 3.0, 4.0, True), ("upper bound", 4.0, 4.0, False), ("upper bound", 5.0, 4.0, False),
        ("lower bound", 0.5, 0.4, True), ("lower bound", 0.4, 0.4, False), ("lower bound", 0.3, 0.4, False),
        ("upper bound", 5.0, None, True), ("lower bound", 0.3, None, True),
    ],
)  # fmt: skip
def test_a_bound_tells_something_where_it_is_better_than_the_trivial_line(kind, predicted, trivial, tells):
    item = one(kind, 1.0, 0.9, 1.1, predicted, trivial)
    assert is_informative(kind, item.points[0]) is tells
    assert supports(item) is tells and is_vacuous(item) is not tells


@pytest.mark.parametrize("low, high", [(1.02, 1.05), (0.9, 1 / 1.02), (1.0, 1.02), (1 / 1.02, 1.0)])
def test_an_interval_that_just_reaches_two_per_cent_tells_nothing(low, high):
    item = one("equality", (low + high) / 2, low, high, 1.0)
    assert not is_informative("equality", item.points[0])


@pytest.mark.parametrize(("predicted", "agreed"), [(0.9, True), (1.1, True), (0.899, False), (1.101, False)])
def test_an_interval_holds_its_ends(predicted, agreed):
    point = Point(1.0, 0.9, 1.1, predicted, "")
    assert point_agrees("equality", point) is agreed
    assert point_contradicts("equality", point) is not agreed
