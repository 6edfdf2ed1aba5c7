"""Verdicts on gate intervals, and the certificates behind them: found in floating point, verified in rationals."""

import copy
import json
import random
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from theory import check_gates
from theory.certify_gates import certify_gates, lyapunov_certificate, polygon_certificate, word_certificate
from theory.check_certificate import check, check_file
from theory.claim import CERTIFICATES
from theory.joint_spectral_radius import best_word, growth_below, polygon, simplest_between
from theory.search import gates, matrices

STORED = sorted(CERTIFICATES.glob("gates_*.json"))
by_name = pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)


def leaves(value, path=()):
    """The paths to every number of a certificate."""
    if isinstance(value, dict):
        for key, entry in value.items():
            if key != "kind":
                yield from leaves(entry, (*path, key))
    elif isinstance(value, list):
        for i, entry in enumerate(value):
            yield from leaves(entry, (*path, i))
    else:
        yield path


def changed(data, path, new):
    other = copy.deepcopy(data)
    place = other
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = new
    return other


def accepted(data):
    try:
        return check(data)
    except ValueError:
        return False


# ---------------------------------------------------------------- the catalogue


def test_the_catalogue_is_complete():
    assert {path.stem for path in STORED} == set(gates.INTERVALS) | set(gates.SAWTEETH)


@by_name
def test_stored_certificates_hold(path):
    assert check_file(path)


@by_name
@pytest.mark.parametrize("change", ["1/1000", "-1/1000", "1", f"1/{10**40}", f"-1/{10**40}"])
def test_one_number_changed_is_rejected(path, change):
    data = json.loads(path.read_text(encoding="utf-8"))
    for place in leaves(data):
        number = data
        for key in place:
            number = number[key]
        assert not accepted(changed(data, place, str(Fraction(number) + Fraction(change)))), place


@by_name
def test_a_search_finds_it_anew(path):
    target = gates.INTERVALS.get(path.stem)
    found = gates.find(target) if target else gates.find_sawtooth(gates.SAWTEETH[path.stem])
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert check(found)
    if stored["kind"] != "polygon":  # the corners of a polygon may differ in the last place between machines
        assert found == stored


# ---------------------------------------------------------------- malformed and false certificates


@pytest.mark.parametrize(
    "name, place, new, message",
    [
        ("gates_quadratic_90", ("beta1",), "1", r"beta1 must lie in \[0, 1\), got 1"),
        ("gates_quadratic_90", ("a",), "1", r"a and b must satisfy 0 < a <= b, got 1, 43/200"),
        ("gates_quadratic_90", ("P",), [["1"], ["1"]], "P must have 2 entries, got 1"),
        ("gates_quadratic_90", ("P", 0, 0), 324, 'P must be a string "p/q" or "p"'),
        ("gates_polygon_90", ("vertices", 0), ["1"], "vertices must have 2 entries, got 1"),
        ("gates_polygon_90", ("vertices",), [], "vertices must be a list of 1 to"),
        ("gates_word_90_at_50", ("alpha1",), "-1/2", "alpha1 >= 0"),
        ("gates_word_90_at_50", ("beta1",), "1", r"beta1 must lie in \[0, 1\)"),
        ("gates_word_90_at_50", ("growth",), "0", "growth must be > 0"),
        ("gates_word_90_at_50", ("gates", 0), "0.5", 'gates must be a string "p/q" or "p"'),
        ("gates_sawtooth_90", ("gate_decay",), "1", r"gate_decay must lie in \[0, 1\), got 1"),
        ("gates_sawtooth_90", ("gates", 0), "-1", "S and the gates must be positive"),
        ("gates_sawtooth_90", ("gates", 0), "0", "S and the gates must be positive"),
        ("gates_sawtooth_90", ("S",), "0", "S and the gates must be positive"),
        ("gates_sawtooth_90", ("gate_decay",), "-1/2", r"gate_decay must lie in \[0, 1\), got -1/2"),
        ("gates_quadratic_90", ("a",), "0", "a and b must satisfy 0 < a <= b, got 0, 43/200"),
    ],
)
def test_malformed_certificates_are_errors(name, place, new, message):
    data = json.loads((CERTIFICATES / f"{name}.json").read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match=message):
        check(changed(data, place, new))


def test_a_word_needs_a_positive_curvature_and_any_clip():
    data = word_certificate(Fraction(1, 2), [Fraction(5), Fraction(5, 4)])
    assert check(data) and Fraction(data["S"]) == 5
    with pytest.raises(ValueError, match="S and growth must be > 0"):
        check({**data, "S": "0", "gates": ["0"]})
    assert not check({**data, "S": "1/2", "gates": ["1/2"], "alpha1": "0"})  # stable, but well formed
    assert not check({**data, "growth": "1/2"}) and not check({**data, "beta1": "0"})


@pytest.mark.parametrize(
    "name, place, new, message",
    [
        (
            "gates_word_90_at_50",
            ("gates",),
            [f"{10**100 + 1}/{10**100}"] * 1000,
            "gates must have at most 100000 digits",
        ),
        ("gates_word_90_at_50", ("growth",), str(10**599 + 1), None),
        ("gates_polygon_90", ("vertices",), [["1", "0"]] * 601, "vertices must have at most 600 entries, got 601"),
        (
            "gates_polygon_90",
            ("vertices",),
            [[f"1/{10**90 + 2 * k + 1}", "1"] for k in range(9)],
            "common denominator of at most 600 digits",
        ),
    ],
    ids=["long word", "vast growth", "many vertices", "no common denominator"],
)
def test_certificates_that_would_take_long_to_check_are_refused(name, place, new, message):
    data = changed(json.loads((CERTIFICATES / f"{name}.json").read_text(encoding="utf-8")), place, new)
    if message is None:
        assert not check(data)
    else:
        with pytest.raises(ValueError, match=message):
            check(data)


@by_name
def test_missing_and_unknown_keys_are_errors(path):
    data = json.loads(path.read_text(encoding="utf-8"))
    for key in set(data) - {"kind"}:
        with pytest.raises(ValueError, match="lacks the keys"):
            check({name: value for name, value in data.items() if name != key})
    with pytest.raises(ValueError, match=r"has no keys .?comment"):
        check({**data, "comment": "1"})


@by_name
def test_bounds_one_unit_of_their_last_digit_away_are_rejected(path):
    """A growth or a lower bound that is rounded down once too often, or not at all, is not what is claimed."""
    data = json.loads(path.read_text(encoding="utf-8"))
    for key, unit in (("growth", check_gates.GROWTH_DIGITS), ("lower", check_gates.BOUND_DIGITS)):
        if key in data:
            for sign in (-1, 1):
                assert not accepted({**data, key: str(Fraction(data[key]) + Fraction(sign, unit))})


def test_bounds_that_are_not_the_best_multiple_are_rejected():
    """The lower bound of an undecided interval, down by one unit: true, but not the bound that was asked for."""
    data = certify_gates(0.9, Fraction("0.5497224") / 11, "0.5497224").certificate
    assert data["kind"] == "gate_bounds" and check(data)
    for sign in (-1, 1):
        assert not check({**data, "lower": str(Fraction(data["lower"]) + Fraction(sign, check_gates.BOUND_DIGITS))})
    with pytest.raises(ValueError, match="lower must be > 0, got 0"):
        check({**data, "lower": "0"})


def test_an_unstable_word_at_the_edge_is_no_counterexample():
    """beta1 = 1/2: the gates 6 = B and 5/2 in turn are unstable, but S < B is what is claimed."""
    decay = Fraction(1, 2)
    at_edge = word_certificate(decay, [Fraction(6), Fraction(5, 2)])
    assert Fraction(at_edge["S"]) == check_gates.edge(decay) and not check(at_edge)
    assert check(word_certificate(decay, [Fraction(599, 100), Fraction(5, 2)]))


def test_the_law_of_the_rise_may_be_met_exactly():
    """1/s' = gate_decay/s + (1-gate_decay)/S on the way up, without any room: still within the law."""
    data = json.loads((CERTIFICATES / "gates_sawtooth_90.json").read_text(encoding="utf-8"))
    gates, top = [Fraction(gate) for gate in data["gates"]], Fraction(data["S"])

    turns = list(zip(gates, gates[1:] + gates[:1], strict=True))

    def room(decay):
        return min(1 / later - decay / now - (1 - decay) / top for now, later in turns)

    tight = min((1 / later - 1 / top) / (1 / now - 1 / top) for now, later in turns)
    assert room(tight) == 0
    assert check({**data, "gate_decay": str(tight), "slack": "0"})
    wider = tight + Fraction(1, 10**6)
    assert not check({**data, "gate_decay": str(wider), "slack": str(room(wider))})


def test_growth_at_equality_is_not_growth():
    """diag(2, 1/2) grows by exactly 2; a rotation scaled by 2 as well, with complex eigenvalues."""
    real = ((Fraction(2), Fraction(0)), (Fraction(0), Fraction(1, 2)))
    turned = ((Fraction(0), Fraction(-2)), (Fraction(2), Fraction(0)))
    mirrored = ((Fraction(-2), Fraction(0)), (Fraction(0), Fraction(-1, 2)))
    for matrix in (real, turned, mirrored):
        assert not check_gates.grows_faster(matrix, 1, Fraction(2))
        assert check_gates.grows_faster(matrix, 1, Fraction(2) - Fraction(1, 10**9))
        assert check_gates.grows_faster(matrix, 2, Fraction(7, 5)) and not check_gates.grows_faster(
            matrix, 2, Fraction(3, 2)
        )


def test_the_limits_on_size_are_where_they_are_said_to_be():
    data = json.loads((CERTIFICATES / "gates_polygon_90.json").read_text(encoding="utf-8"))
    corners = [[str(n), "1"] for n in range(check_gates.MAX_VERTICES)]
    assert not check({**data, "vertices": corners})  # false, but read
    with pytest.raises(ValueError, match="at most 600 entries, got 601"):
        check({**data, "vertices": [*corners, ["1", "2"]]})
    assert not check({**data, "vertices": [[f"1/{10**600 - 1}", "1"], ["0", "1"]]})  # 600 digits
    with pytest.raises(ValueError, match="common denominator of at most 600 digits"):
        check({**data, "vertices": [[f"1/{2**600}", "1"], [f"1/{5**600}", "1"]]})  # together 10^600: 601 digits
    word = [str(2**1001)] * 332  # numerators of 1002 bits, denominators of 1: 332,996 bits
    assert len(check_gates._word({"gates": [*word, str(2**335)]})) == 333  # 333,333 bits: 100,000 digits
    with pytest.raises(ValueError, match="at most 100000 digits"):
        check_gates._word({"gates": [*word, str(2**336)]})


def test_false_statements_that_fit_together_are_rejected():
    """Self-consistent data about an interval that is too large, a stable word, a polygon with a dent."""
    form = [[Fraction(324), Fraction(-143)], [Fraction(-143), Fraction(342)]]
    decay = Fraction(9, 10)
    assert not check(lyapunov_certificate(decay, Fraction(1, 50), Fraction(1, 2), form))
    stable = word_certificate(decay, [Fraction(19, 2), Fraction(19, 4)])
    assert not check(stable)
    octagon = [(Fraction(2), Fraction(0)), (Fraction(1, 2), Fraction(1, 2)), (Fraction(0), Fraction(2))]
    assert not check(polygon_certificate(decay, Fraction(1, 10), Fraction(1, 5), octagon))
    square = [(Fraction(1), Fraction(-1)), (Fraction(1), Fraction(1))]  # its norm of A(1) is 1: kept, not shrunk
    assert not check(polygon_certificate(Fraction(1, 2), Fraction(1), Fraction(1), square))


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((1, 0.1, 0.2), r"beta1 must lie in \[0, 1\), got 1"),
        ((-0.1, 0.1, 0.2), r"beta1 must lie in \[0, 1\), got -0.1"),
        ((0.9, 0.3, 0.2), r"a must lie in \(0, b\], b = 0.2, got 0.3"),
        ((0.9, 0, 0.2), r"a must lie in \(0, b\], b = 0.2, got 0"),
        ((0.9, 0.1, 38), r"b must lie in \(0, 38\), below the edge for beta1 = 0.9, got 38"),
        ((0.9, 0.1, float("nan")), "b must be a rational number such as 0.9 or '9/10', got nan"),
        ((0.9, 0.1, float("inf")), "b must be a rational number"),
        (("nine tenths", 0.1, 0.2), "beta1 must be a rational number .*, got 'nine tenths'"),
        ((0.9, "1/0", 0.2), "a must be a rational number"),
    ],
)
def test_bad_input_names_value_and_domain(arguments, message):
    with pytest.raises(ValueError, match=message):
        certify_gates(*arguments)


def brute_force_radius(decay, low, high, length=11):
    """The largest spectral radius per step over all words up to ``length``: a lower bound by definition."""
    pair = [np.array([[1 - g * (1 - decay), -g * decay], [1 - decay, decay]]) for g in (low, high)]
    products, best = np.eye(2)[None], 0.0
    for n in range(1, length + 1):
        products = np.concatenate([matrix @ products for matrix in pair])
        best = max(best, np.max(np.abs(np.linalg.eigvals(products))) ** (1 / n))
    return best


CASES = [
    ("9/10", "1/100", "43/200", "stable"),
    ("9/10", "1/20", "1/2", "stable"),
    ("9/10", "19/110", "19/10", "unstable"),
    ("1/2", "1/5", "243/100", "unstable"),
    ("1/2", "243/1100", "243/100", "stable"),
    ("3/10", "1/2", "7/2", "unstable"),
    ("99/100", "1/250", "1/25", "stable"),
    ("0", "1/10", "19/10", "stable"),
    ("1/10", "1/10", "2", "stable"),
]


@pytest.mark.parametrize("decay, low, high, status", CASES)
def test_verdicts(decay, low, high, status):
    verdict = certify_gates(decay, low, high)
    assert verdict.status == status
    assert check(verdict.certificate)
    brute = brute_force_radius(*(float(Fraction(number)) for number in (decay, low, high)))
    assert (status == "unstable") or brute < 1
    assert verdict.lower > 1 if status == "unstable" else verdict.lower < 1
    if verdict.upper is not None:
        assert verdict.lower < verdict.upper < 1
        assert brute <= verdict.upper


def test_the_word_is_unstable_in_floating_point_too():
    verdict = certify_gates("9/10", "551/11000", "551/1000")
    z, largest = np.array([1.0, 0.3]), 0.0
    word = [float(Fraction(gate)) for gate in verdict.certificate["gates"]]
    for _ in range(4000):
        for gate in word:
            after = 0.9 * z[1] + 0.1 * z[0]
            z = np.array([z[0] - gate * after, after])
        largest = max(largest, float(np.abs(z).max()))
    assert len(word) == 45 and largest > 10


def test_the_frontier_at_the_default_settings():
    """beta1 = 0.9, alpha1 = 10: stable at .5497 by a polygon, unstable at .5498 by a word."""
    below, above = (certify_gates(0.9, Fraction(S) / 11, S) for S in ("0.5497", "0.5498"))
    assert (below.status, below.reason) == ("stable", "a common polygonal norm")
    assert (above.status, above.reason) == ("unstable", "a periodic word of 45 gates")


def test_undecided_comes_with_two_exact_bounds():
    top = Fraction("0.5497224")
    verdict = certify_gates(0.9, top / 11, top)
    assert verdict.status == "undecided" and check(verdict.certificate)
    assert verdict.lower < 1 < verdict.upper < verdict.lower + Fraction(1, 10**5)
    for place in leaves(verdict.certificate):
        number = verdict.certificate
        for key in place:
            number = number[key]
        assert not accepted(changed(verdict.certificate, place, str(Fraction(number) + Fraction(1, 1000)))), place


def test_where_the_search_is_lost_the_bounds_are_wide_but_exact():
    verdict = certify_gates(0.9999, 0.001, 0.01)
    assert verdict.status == "undecided" and check(verdict.certificate)
    assert verdict.lower < 1 < verdict.upper


def test_numbers_are_read_as_they_print():
    assert certify_gates(0.9, 0.05, 0.5) == certify_gates("9/10", "1/20", Fraction(1, 2))


def test_one_gate_only_is_stable_below_the_edge():
    assert certify_gates(0.9, 37.9, 37.9).status == "stable"


# ---------------------------------------------------------------- the pieces


def test_growth_is_exact():
    """The alternating word 5, 5/4 at beta1 = 1/2: trace -15/8, determinant 1/4, so radius (15 + sqrt 161)/16."""
    word = [Fraction(5), Fraction(5, 4)]
    growth = growth_below(Fraction(1, 2), word, 10**9)
    assert float(growth) == pytest.approx(((15 + 161**0.5) / 16) ** 0.5, abs=2e-9)
    assert float(growth) <= ((15 + 161**0.5) / 16) ** 0.5


def test_best_word_is_at_least_as_good_as_all_short_ones():
    for decay, low, high in (("1/2", "1/4", "3"), ("9/10", "1/10", "1")):
        numbers = [Fraction(number) for number in (decay, low, high)]
        rate = float(growth_below(numbers[0], best_word(*numbers), 10**9))
        assert rate >= brute_force_radius(*(float(number) for number in numbers)) - 1e-8


def test_polygons_shrink_as_asked():
    numbers = Fraction(9, 10), Fraction(1, 20), Fraction(1, 2)
    vertices = polygon(*numbers, 5e-4)
    norms = [check_gates.polygon_norm(numbers[0], gate, vertices) for gate in numbers[1:]]
    assert max(norms) < 1 - Fraction(1, 4000)
    assert polygon(numbers[0], numbers[1], Fraction(20), 1e-3) is None  # unstable: no such polygon


def test_polygon_norm_of_a_square():
    """In the max norm, beta1 = 1/2, s = 1: A = [[1/2, -1/2], [1/2, 1/2]] has norm 1."""
    square = [(Fraction(1), Fraction(-1)), (Fraction(1), Fraction(1))]
    assert check_gates.is_convex(square)
    assert check_gates.polygon_norm(Fraction(1, 2), Fraction(1), square) == 1
    assert check_gates.polygon_norm(Fraction(1, 2), Fraction(4), square) == 3
    assert not check_gates.is_convex(square[::-1])


def test_both_sides_write_numbers_alike():
    """The search and the checkers round and cut at the same places, without sharing the code."""
    assert (matrices.PER_GROWTH, matrices.PER_BOUND, matrices.PER_TRACE) == (
        check_gates.GROWTH_DIGITS,
        check_gates.BOUND_DIGITS,
        check_gates.TRACE_DIGITS,
    )
    assert matrices.DIGITS == check_gates.MAX_DIGITS
    longest = 10**matrices.DIGITS
    for trace in (
        Fraction(1, longest),
        Fraction(1, longest - 1),
        Fraction(longest + 1, 3),
        Fraction(longest - 1, 3),
        Fraction(-7, 3),
    ):
        stored = check_gates.storable(trace)
        assert stored == matrices.trace_as_stored([[trace, 0], [0, 0]])
        assert stored <= trace < stored + Fraction(1, check_gates.TRACE_DIGITS)
        fits = max(abs(trace.numerator), trace.denominator) < longest
        assert (stored == trace) == fits


def test_products_of_both_sides_agree():
    """Exact products, growths, edges, norms and convexity, computed twice by different code."""
    decay, word = Fraction(9, 10), [Fraction(3, 2)] * 3 + [Fraction(1, 7)] * 2 + [Fraction(3, 2)]
    product = check_gates.word_product(decay, word)
    assert [list(row) for row in product] == matrices.word_matrix(decay, word)
    assert check_gates.edge(decay) == matrices.edge_of(decay)
    for rate in (Fraction(1, 2), Fraction(9, 10), Fraction(1), Fraction(2)):
        assert check_gates.grows_faster(product, len(word), rate) == matrices.outgrows(product, rate ** len(word))
    square = [(Fraction(1), Fraction(-1)), (Fraction(1), Fraction(1))]
    dent = [(Fraction(2), Fraction(0)), (Fraction(1, 2), Fraction(1, 2)), (Fraction(0), Fraction(2))]
    flat = [(Fraction(2), Fraction(0)), (Fraction(1), Fraction(1)), (Fraction(0), Fraction(2))]
    for vertices in (square, square[::-1], dent, flat, square[:1]):
        assert check_gates.is_convex(vertices) == matrices.supports(vertices) == (vertices is square)
    for gate in (Fraction(1, 3), Fraction(4)):
        assert check_gates.polygon_norm(decay, gate, square) == matrices.norm_in(square, decay, gate)


def test_a_star_is_not_convex():
    """Ten corners visited 108 degrees apart: every turn is to the left, but the polygon goes around three times."""
    angles = [3 * np.pi * k / 5 for k in range(5)]
    star = [(Fraction(round(1000 * np.cos(t)), 1000), Fraction(round(1000 * np.sin(t)), 1000)) for t in angles]
    assert not check_gates.is_convex(star) and not matrices.supports(star)


def hull(points):
    """Corners of the convex hull, counter-clockwise (Andrew's monotone chain); points inside edges are left out."""
    half = []
    for ordered in (sorted(set(points)), sorted(set(points), reverse=True)):
        chain = []
        for p in ordered:
            while (
                len(chain) > 1
                and check_gates._cross(
                    (chain[-1][0] - chain[-2][0], chain[-1][1] - chain[-2][1]),
                    (p[0] - chain[-1][0], p[1] - chain[-1][1]),
                )
                <= 0
            ):
                chain.pop()
            chain.append(p)
        half += chain[:-1]
    return half


def test_convex_is_what_equals_its_own_hull():
    """All half-polygons of 2 or 3 corners on a small grid, and many of 4 and 5: one corner at 0, or on an edge, too."""
    draw, grid = random.Random(1), [(p, q) for p in range(-2, 3) for q in range(-2, 3)]
    drawn = [draw.choices(grid, k=draw.choice([4, 5])) for _ in range(4000)]
    circle = [(4, 0), (4, 1), (3, 2), (2, 3), (1, 4), (0, 4), (-1, 4), (-2, 3), (-3, 2), (-4, 1)]
    drawn += [circle, circle[::2], circle[1::2], circle[:5], [(-1, 2), (-4, -1), (0, 0), (-3, 3), (-2, 0)]]
    found = 0
    for corners in [*product(grid, repeat=2), *product(grid, repeat=3), *drawn]:
        around = [*corners, *((-p, -q) for p, q in corners)]
        outer = hull(around)
        starts = [outer[i:] + outer[:i] for i in range(len(outer))]
        assert check_gates.is_convex(corners) == (len(outer) > 2 and around in starts), corners
        found += check_gates.is_convex(corners)
    assert found > 500


def test_simplest_fraction():
    assert simplest_between(Fraction(1, 3), Fraction(1, 2)) == Fraction(1, 2)
    assert simplest_between(Fraction(31, 10), Fraction(32, 10)) == Fraction(16, 5)
    for left, right in ((Fraction(311, 1000), Fraction(312, 1000)), (Fraction(7, 5), Fraction(71, 50))):
        found = simplest_between(left, right)
        assert left <= found <= right
        simpler = (
            Fraction(p, q) for q in range(1, found.denominator) for p in range(int(left * q), int(right * q) + 2)
        )
        assert not any(left <= fraction <= right for fraction in simpler)
