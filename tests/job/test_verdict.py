"""The verdict rule: each verdict has its cause, and a formula that is wrong changes it."""

import inspect
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from experiments.measurement import verdict as confront
from experiments.measurement.planting import planted, plantings
from experiments.measurement.points import least_fitting, near, showcase
from experiments.measurement.verdict import (
    Confrontation,
    Evidence,
    Point,
    agrees,
    contradicts,
    decisive,
    discrepancy,
    looseness,
    numerical_status,
    shown,
    supports,
    verdict,
)

NAN, INF = math.nan, math.inf
UNDECIDED = ("open", "inconclusive")
SYMBOLIC = ("proved", "proved under assumptions", "refuted", "open", "empirical")


def seen(kind, *points, n=10, seeds=()):
    return (Evidence(kind, tuple(Point(*point[:4], trivial=(*point, None)[4]) for point in points), n, seeds=seeds),)


HOLDS = seen("equality", (2.0, 1.99, 2.01, 2.0))
FAILS = seen("equality", (2.0, 1.99, 2.01, 3.0))
BLURRED = seen("equality", (2.0, 1.9, 2.1, 2.0))
BELOW = seen("upper bound", (1.0, 0.9, 1.1, 5.0))
BEYOND = seen("upper bound", (1.0, 0.9, 1.1, 0.5))
ACROSS = seen("upper bound", (1.0, 0.9, 1.1, 1.05))
LOOSE = seen("upper bound", (1.0, 0.9, 1.1, 1000.0))
EMPTY = seen("upper bound", (1.0, 0.9, 1.1, 5.0, 4.0))
TELLING = seen("upper bound", (1.0, 0.9, 1.1, 5.0, 4.0), (0.5, 0.4, 0.6, 2.0, 4.0))


@pytest.mark.parametrize(
    ("symbolic", "reported", "corrected", "expected"),
    [
        ("proved", HOLDS, (), "verified"),
        ("proved under assumptions", HOLDS, (), "verified under assumptions"),
        ("proved", HOLDS + BELOW, (), "verified"),
        ("proved", HOLDS + BEYOND, (), "open"),
        ("proved", FAILS, (), "open"),  # a theorem that a run contradicts: somebody is wrong, nothing is settled
        ("proved", ACROSS, (), "open"),
        ("proved", BLURRED, (), "open"),  # an interval of +-5 % would not notice an error of 2 %
        ("proved", LOOSE, (), "open"),  # a bound loose by 1e3 has not been tested
        ("proved", EMPTY, (), "vacuous"),
        ("proved under assumptions", EMPTY, (), "vacuous"),
        ("proved", HOLDS + EMPTY, (), "vacuous"),
        ("proved", EMPTY, HOLDS, "vacuous"),
        ("proved", EMPTY, BLURRED, "open"),  # a correction that tells nothing beside a bound that tells nothing
        ("proved", TELLING, (), "verified"),
        ("open", HOLDS, (), "open"),
        ("open", EMPTY, (), "open"),
        ("refuted", FAILS, (), "refuted"),
        ("refuted", BEYOND, (), "refuted"),
        ("refuted", HOLDS + BEYOND, (), "refuted"),
        ("refuted", FAILS, HOLDS, "refuted"),
        ("refuted", FAILS, FAILS, "open"),  # the correction does not hold either
        ("refuted", FAILS, BLURRED, "open"),
        ("refuted", HOLDS, (), "open"),  # a counterexample on paper that no run shows
        ("refuted", ACROSS, (), "open"),
        ("empirical", HOLDS, (), "inconclusive"),  # no replication
        ("empirical", BEYOND, (), "inconclusive"),
    ],
)
def test_every_verdict_has_its_cause(symbolic, reported, corrected, expected):
    assert verdict(symbolic, Confrontation("X", reported, corrected)) == expected


@pytest.mark.parametrize(
    ("reported", "replication", "expected"),
    [
        (BELOW, BELOW, "reproduced"),
        (BEYOND, BEYOND, "not reproduced"),
        (BELOW, BEYOND, "inconclusive"),
        (BEYOND, BELOW, "inconclusive"),
        (BELOW, ACROSS, "inconclusive"),
    ],
)
def test_an_empirical_claim_needs_two_samples_on_one_side(reported, replication, expected):
    assert verdict("empirical", Confrontation("E", seeded(reported, 0), replication=seeded(replication, 1))) == expected


def seeded(evidence, *seeds):
    return tuple(replace(item, seeds=seeds) for item in evidence)


@pytest.mark.parametrize(
    ("reported", "replication", "message"),
    [
        (BELOW, BELOW, "a replicated measurement must record its seeds, got none"),
        (seeded(BELOW, 0), BELOW, "a replicated measurement must record its seeds, got none"),
        (seeded(BELOW, 0, 1), seeded(BELOW, 1, 2), r"must use other seeds than the reported measurement, got \[1\]"),
        (seeded(BELOW, 0), seeded(HOLDS, 1), "replication must repeat"),
        (seeded(BELOW + HOLDS, 0), seeded(BELOW, 1), "replication must repeat"),
    ],
)
def test_a_replication_is_every_measurement_again_with_other_seeds(reported, replication, message):
    with pytest.raises(ValueError, match=message):
        Confrontation("E", reported, replication=replication)


def test_a_replication_must_contradict_at_the_same_point():
    def ratios(first, second, seed):
        points = (
            Point(first, first - 0.1, first + 0.1, 1.0, "one"),
            Point(second, second - 0.1, second + 0.1, 1.0, "two"),
        )
        return (Evidence("upper bound", points, 9, seeds=(seed,)),)

    elsewhere = Confrontation("E", ratios(2.0, 0.5, 0), replication=ratios(0.5, 2.0, 1))
    assert verdict("empirical", elsewhere) == "inconclusive" and decisive(elsewhere)[1].label == "one"
    once_and_twice = Confrontation("E", ratios(9.0, 2.0, 0), replication=ratios(0.5, 2.0, 1))
    assert verdict("empirical", once_and_twice) == "not reproduced" and decisive(once_and_twice)[1].label == "two"


@pytest.mark.parametrize("field", ["measured", "low", "high", "predicted", "trivial"])
@pytest.mark.parametrize("symbolic", SYMBOLIC)
def test_a_nan_anywhere_leaves_the_claim_open(symbolic, field):
    for evidence in (HOLDS, FAILS, BELOW, BEYOND, TELLING):
        (item,) = evidence
        spoilt = (replace(item, points=(*item.points, replace(item.points[0], **{field: NAN}))),)
        for case in (
            Confrontation("X", seeded(spoilt, 0), replication=seeded(evidence, 1)),
            Confrontation("X", evidence, corrected=spoilt),
            Confrontation("X", seeded(evidence, 0), replication=seeded(spoilt, 1)),
        ):
            assert verdict(symbolic, case) == UNDECIDED[symbolic == "empirical"]
    assert numerical_status(Confrontation("X", spoilt)) == "undecided"


def test_the_rule_never_sees_the_expected_verdict():
    assert list(inspect.signature(verdict).parameters) == ["symbolic", "confrontation"]
    assert "expected" not in {f for cls in (Confrontation, Evidence, Point) for f in cls.__dataclass_fields__}
    modules = {name for name, value in vars(confront).items() if inspect.ismodule(value) and name.isidentifier()}
    assert modules == {"math"}


def test_the_edges_of_an_interval_belong_to_it():
    assert agrees(seen("equality", (2.0, 1.0, 3.0, 3.0))[0])
    assert not contradicts(seen("equality", (2.0, 1.0, 3.0, 3.0))[0])
    assert contradicts(seen("equality", (2.0, 1.0, 3.0, math.nextafter(3.0, INF)))[0])
    assert agrees(seen("upper bound", (2.0, 1.0, 3.0, 3.0))[0])
    assert not agrees(seen("upper bound", (2.0, 1.0, 3.0, 3.0 * (1 - 1e-11)))[0])
    assert not contradicts(seen("upper bound", (2.0, 1.0, 3.0, 1.0))[0])
    assert contradicts(seen("upper bound", (2.0, 1.0, 3.0, 1.0 - 1e-11))[0])
    assert agrees(seen("lower bound", (2.0, 1.0, 3.0, 1.0))[0])
    assert contradicts(seen("lower bound", (2.0, 1.0, 3.0, 3.0 + 1e-10))[0])


def test_infinity_against_infinity_is_no_comparison():
    for kind in ("equality", "upper bound", "lower bound"):
        for point in ((INF, INF, INF, INF), (2.0, 1.0, INF, INF), (-INF, -INF, -INF, -INF)):
            for symbolic in SYMBOLIC:
                assert verdict(symbolic, Confrontation("X", seen(kind, point))) == UNDECIDED[symbolic == "empirical"]
    diverged = seen("upper bound", (INF, INF, INF, 5.0))
    assert verdict("refuted", Confrontation("X", diverged)) == "refuted"  # an infinite error above a finite bound
    endless = seen("upper bound", (1.0, 1.0, 1.0, INF))
    assert verdict("proved", Confrontation("X", endless)) == "open"  # a bound that says nothing


@pytest.mark.parametrize(("kind", "sign"), [("upper bound", 1), ("lower bound", -1)])
def test_what_rounding_alone_carries_over_a_bound_lies_on_it(kind, sign):
    """One unit in the last place is nothing; one part in 1e11 is a contradiction."""
    for scale in (1e-300, 1.0, 7e22):
        (ulp,) = seen(kind, (*3 * (scale * (1 + sign * 2.3e-16),), scale))
        assert agrees(ulp) and not contradicts(ulp)
        (beyond,) = seen(kind, (*3 * (scale * (1 + sign * 1e-11),), scale))
        assert contradicts(beyond) and not agrees(beyond)


def test_one_exact_value_does_not_hide_a_wrong_one():
    values = [1.0, 2.0, 3.0, 4.0]
    predicted = [1.0, 2.0, 3.0 * 1.001, 4.0]
    point = least_fitting(values, predicted, 1e-9, "worst")
    assert (point.measured, point.predicted, point.label) == (3.0, 3.0 * 1.001, "worst")
    assert verdict("proved", Confrontation("X", (Evidence("equality", (point,), 4),))) == "open"
    assert math.isnan(least_fitting([1.0, NAN], [1.0, 1.0], 1e-9).measured)
    fits = least_fitting(values, values, 1e-9)
    assert verdict("proved", Confrontation("X", (Evidence("equality", (fits,), 4),))) == "verified"
    assert near(2.0, 3.0, 0.01, "here") == Point(2.0, 1.98, 2.02, 3.0, "here")
    with pytest.raises(ValueError, match="values must hold at least one number"):
        least_fitting([], [], 1e-9)
    with pytest.raises(ValueError, match="one prediction a value, got 2 for 1"):
        least_fitting([1.0], [1.0, 2.0], 1e-9)


def test_the_worst_of_many_is_the_first_with_the_largest_discrepancy():
    """Signs, zeros, infinities and the ends of the range of numbers among them."""
    values = np.array([0.0, -0.0, 1.0, -1.0, 2.5, 1e-320, -1e308, 1e308, math.inf, -math.inf])
    rng = np.random.default_rng(0)
    for size in (1, 2, 3, 20):
        for _ in range(50):
            measured, predicted = rng.choice(values, size), rng.choice(values, size)
            worst = max(range(size), key=lambda k: discrepancy(float(measured[k]), float(predicted[k])))
            point = least_fitting(measured, predicted, 0.0)
            assert (point.measured, point.predicted) == (measured[worst], predicted[worst])


def test_the_showcase_is_the_points_it_names():
    both = (Evidence("upper bound", (Point(2.0, 2, 2, 1.0, "one"), Point(9.0, 9, 9, 3.0, "two")), 3, "size"),)
    assert [point.label for _, point in shown(Confrontation("X", both))] == ["two"]
    assert [point.measured for _, point in shown(Confrontation("X", both, showcase=("size", "one")))] == [2.0]
    assert [point.measured for _, point in shown(Confrontation("X", both, showcase=("size", "two", "one")))] == [9, 2]
    for wrong in (("size", "three"), ("size",), ("length", "one")):
        with pytest.raises(ValueError, match="showcase must name a reported quantity and its labels"):
            Confrontation("X", both, showcase=wrong)
        assert showcase(both, *wrong) == ()
    assert showcase(both, "size", "one") == ("size", "one")


def test_looseness_is_that_of_the_tightest_informative_point():
    assert looseness(TELLING[0]) == 4.0  # the tighter-looking first point lies above its trivial line
    assert looseness(EMPTY[0]) == INF
    assert looseness(seen("lower bound", (6.0, 6.0, 6.0, 2.0))[0]) == 3.0
    assert looseness(seen("upper bound", (0.0, 0.0, 0.0, 2.0))[0]) == INF
    assert looseness(seen("equality", (2.0, 2.0, 2.0, 4.0), (3.0, 3.0, 3.0, 3.0))[0]) == 2.0
    assert supports(seen("upper bound", (1.0, 1.0, 1.0, 999.0))[0])
    assert not supports(seen("upper bound", (1.0, 1.0, 1.0, 1000.0))[0])
    assert supports(seen("upper bound", (1.0, 1.0, 1.0, 1e5), (1.0, 1.0, 1.0, 2.0))[0])


def test_an_interval_of_two_per_cent_is_too_wide_for_an_equality():
    assert supports(seen("equality", (1.0, 0.99, 1.01, 1.0))[0])
    assert not supports(seen("equality", (1.0, 0.98, 1.02, 1.0))[0])
    assert supports(seen("equality", (1.0, 0.98, 1.02, 1.0), (5.0, 4.99, 5.01, 5.0))[0])
    assert not supports(seen("equality", (0.0, -0.1, 0.1, 0.0))[0])  # 1.02 times zero is zero


def test_the_decisive_point_is_the_worst_violation_or_the_tightest_agreement():
    evidence, point = decisive(Confrontation("X", HOLDS + seen("upper bound", (2.0, 2, 2, 1.0), (9.0, 9, 9, 3.0))))
    assert (evidence.kind, point.measured) == ("upper bound", 9.0)
    assert decisive(Confrontation("X", TELLING))[1].predicted == 2.0
    assert decisive(Confrontation("X", EMPTY))[1].predicted == 5.0
    assert decisive(Confrontation("X", seen("equality", (2.0, 2, 2, 2.0), (5.0, 4.97, 5.03, 5.02))))[1].measured == 5.0


def test_numerical_status_speaks_for_the_runs_alone():
    said = {
        name: numerical_status(Confrontation("X", globals()[name])) for name in ("HOLDS", "FAILS", "ACROSS", "EMPTY")
    }
    assert said == {"HOLDS": "supports", "FAILS": "contradicts", "ACROSS": "undecided", "EMPTY": "undecided"}
    for pair, together in ((HOLDS + ACROSS, "undecided"), (HOLDS + FAILS, "contradicts"), (HOLDS + BELOW, "supports")):
        assert {numerical_status(Confrontation("X", order)) for order in (pair, pair[::-1])} == {together}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Point(2.0, 1.0, 1.5, 1.0), r"measured must lie in \[low, high\], got 2.0 outside \[1.0, 1.5\]"),
        (lambda: Evidence("bound", (Point(1, 1, 1, 1),), 1), "kind must be .*, got 'bound'"),
        (lambda: Evidence("equality", (), 1), "points must hold at least one Point, got none"),
        *[
            (lambda n=n: Evidence("equality", (Point(1, 1, 1, 1),), n), "n must be a positive integer")
            for n in (0, -3, True, 1.5, NAN, "7")
        ],
        (lambda: Confrontation("X", ()), "reported must hold at least one Evidence, got none"),
    ],
)
def test_bad_evidence_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_evidence_comes_in_tuples():
    with pytest.raises(TypeError, match="corrected must be a tuple of Evidence"):
        Confrontation("X", HOLDS, corrected=[1])
    with pytest.raises(TypeError, match="reported must be a tuple of Evidence"):
        Confrontation("X", HOLDS[0])


numbers = st.floats(-1e6, 1e6, allow_subnormal=False)


@st.composite
def evidences(draw):
    points = []
    for _ in range(draw(st.integers(1, 3))):
        low, measured, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
        if draw(st.integers(0, 3)):
            width = draw(st.floats(0, 0.03)) * abs(measured)
            low, high = measured - width, measured + width
        near = st.sampled_from([measured, low, high, measured * 1.01, measured * 2])
        trivial = draw(st.none() | st.sampled_from([measured * 3, measured * 1.5, measured / 3]))
        points.append(Point(measured, low, high, draw(near), trivial=trivial))
    return Evidence(draw(st.sampled_from(["equality", "upper bound", "lower bound"])), tuple(points), 1, seeds=(0,))


some = st.lists(evidences(), max_size=2).map(tuple)
at_least_one = st.lists(evidences(), min_size=1, max_size=2).map(tuple)


@st.composite
def confronted(draw):
    """Of the replication, which repeats what is reported, every point has numbers of its own."""
    reported, corrected = draw(at_least_one), draw(some)
    again = []
    for item in reported if draw(st.booleans()) else ():
        near = [
            replace(point, predicted=draw(st.sampled_from([point.predicted, point.measured]))) for point in item.points
        ]
        again.append(replace(item, points=tuple(near), seeds=(1,)))
    return Confrontation("X", reported, corrected, tuple(again))


confrontations = confronted()


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SYMBOLIC), confrontations)
def test_a_planted_error_changes_every_verdict_but_open(symbolic, confrontation):
    """An error by a factor cannot move a zero: points at zero are left out."""
    evidence = confrontation.reported + confrontation.corrected + confrontation.replication
    assume(all(point.measured and point.predicted and point.low and point.high for e in evidence for point in e.points))
    before = verdict(symbolic, confrontation)
    if before not in UNDECIDED:
        assert verdict(symbolic, planted(confrontation)) != before
        for what, wrong in plantings(confrontation):
            assert verdict(symbolic, wrong) != before, what


@given(confrontations)
def test_no_evidence_both_agrees_and_contradicts(confrontation):
    for item in confrontation.reported:
        assert not (agrees(item) and contradicts(item))


@given(st.sampled_from(SYMBOLIC), confrontations, st.floats(1e-3, 1e3))
def test_units_do_not_matter(symbolic, confrontation, unit):
    """Measured, predicted and trivial in another unit (a power of two, exact): the same verdict and looseness."""
    scale = 2.0 ** round(math.log2(unit))

    def rescale(items):
        return tuple(
            replace(
                item,
                points=tuple(
                    replace(
                        p,
                        measured=p.measured * scale,
                        low=p.low * scale,
                        high=p.high * scale,
                        predicted=p.predicted * scale,
                        trivial=None if p.trivial is None else p.trivial * scale,
                    )
                    for p in item.points
                ),
            )
            for item in items
        )

    other = Confrontation(
        "X", rescale(confrontation.reported), rescale(confrontation.corrected), rescale(confrontation.replication)
    )
    assert verdict(symbolic, other) == verdict(symbolic, confrontation)
