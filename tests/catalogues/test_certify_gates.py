"""Verdicts on gate intervals, and the certificates behind them: found in floating point, verified in rationals."""

import random
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from test_check_gates import accepted, changed, leaves

from theory.certificates import gates as check_gates
from theory.certificates.check import check
from theory.search import matrices
from theory.search.certify_gates import certify_gates
from theory.search.joint_spectral_radius import best_word, growth_below, polygon, simplest_between

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
    ("999/1000", "1/1000", "1/100", "unstable"),  # by a word of 1410 gates
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
    assert certify_gates(0.3, 0.5, 3.5) == certify_gates("3/10", "1/2", Fraction(7, 2))


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
        Fraction(longest**10, 7),
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
