"""Certificates: what is malformed is an error, what is false is rejected, and any changed number makes it so."""

import copy
import json
from fractions import Fraction

import numpy as np
import pytest

from theory.certificates.check import check, check_file
from theory.certificates.cycles import Interval, Recursion, _kinetic_holds, _least_period, krawczyk
from theory.certificates.reading import MAX_BYTES, MAX_DIGITS, MAX_ITEMS, count, items, parse, rational, shown
from theory.claim import CERTIFICATES
from theory.search.cycles import attracts, certificate

CYCLES = sorted(path.name for path in CERTIFICATES.glob("cycle_*.json"))


def load(name):
    return json.loads((CERTIFICATES / name).read_text(encoding="utf-8"))


def leaves(data, path=()):
    """Every leaf of a certificate but its kind, as (path, value)."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key != "kind":
                yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from leaves(value, (*path, i))
    else:
        yield path, data


def changed(data, path, value):
    data = copy.deepcopy(data)
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return data


def rejected(data):
    try:
        return not check(data)
    except ValueError:
        return True


def neighbours(text):
    """A number moved by 2 %, by one unit of its last digit, by its smallest visible amount, and mirrored."""
    number = Fraction(text)
    small = Fraction(1, number.denominator)
    moved = {number * Fraction(51, 50), number + small, number - small, -number, number + Fraction(1, 10**12)}
    return [str(value) for value in moved - {number}]


@pytest.mark.parametrize("name", CYCLES)
def test_the_stored_certificates_hold(name):
    assert check_file(CERTIFICATES / name)


@pytest.mark.parametrize("name", CYCLES)
def test_any_single_change_is_rejected(name):
    data = load(name)
    for path, value in leaves(data):
        replacements = [not value] if isinstance(value, bool) else neighbours(value)
        for replacement in replacements:
            assert rejected(changed(data, path, replacement)), (name, path, replacement)


@pytest.mark.parametrize("name", ["cycle_90.json", "cycle_90_clipped.json"])
def test_a_cell_moved_as_a_whole_is_rejected(name):
    """Both ends of a cell moved by one mesh: still a cell, but not the one that holds the orbit."""
    data = load(name)
    cells = [(("velocity", i), 20) for i in range(len(data["velocity"]))] + [(("kinetic",), 6), (("trace",), 6)]
    for path, digits in cells:
        ends = data[path[0]] if len(path) == 1 else data[path[0]][path[1]]
        for sign in (-1, 1):
            moved = [str(Fraction(end) + Fraction(sign, 10**digits)) for end in ends]
            assert rejected(changed(data, path, moved)), path


def test_an_orbit_run_through_twice_or_at_rest_is_no_certificate():
    """Three half-cycles in a row are again a half-cycle, but not of least period; nor is rest a cycle."""
    data = load("cycle_90.json")
    minus = [[str(-Fraction(high)), str(-Fraction(low))] for low, high in data["velocity"]]
    tripled = {**data, "velocity": [*data["velocity"], *minus, *data["velocity"]], "clipped": data["clipped"] * 3}
    assert not check(tripled)
    recursion = Recursion(Fraction(9, 10), Fraction(30), Fraction(1))
    around_rest = [Interval(Fraction(-1, 100), Fraction(1, 100))] * 2
    assert krawczyk(recursion, around_rest, [False, False])  # rest is a zero of the residual ...
    rest = {**data, "velocity": [["-1/100000000000000000000", "0"]] * 2}
    assert not check(rest)  # ... and is not accepted


@pytest.mark.parametrize("S", [22, 23, 30])
def test_a_repelling_cycle_is_rejected(S):
    """The saddle of the same equations, beta1 = 9/10, born at S = 21.99: |trace| > 1 + beta1^2, at first barely."""
    kappa = 19.0
    y = max(np.roots([kappa, kappa**2 - kappa * S - 1, 2 * S]))
    r = (y + np.sqrt(y**2 + 4)) / 2
    second = np.sqrt(S / (kappa + r) - 1)
    w = np.array([r * second, second])
    assert not attracts(w, 0.9, S)
    assert not check(certificate(Fraction(9, 10), Fraction(S), None, w))


def test_a_cycle_at_the_edge_is_rejected():
    """The attracting cycle of period 4 at beta1 = 9/10 goes on through S = B = 38, where it is no longer the point."""
    kappa = 19.0
    for S, below in ((Fraction(379, 10), True), (Fraction(38), False)):
        y = min(np.roots([kappa, kappa**2 - kappa * float(S) - 1, 2 * float(S)]))
        r = (y + np.sqrt(y**2 + 4)) / 2
        second = np.sqrt(float(S) / (kappa + r) - 1)
        w = np.array([r * second, second])
        assert attracts(w, 0.9, float(S))
        assert check(certificate(Fraction(9, 10), S, None, w)) == below


def test_forty_points_are_read():
    many = {"velocity": [["0", "1"]] * 40, "clipped": [False] * 40}
    assert check({**parse(GOOD.encode()), **many}) is False


@pytest.mark.parametrize("change", [{"S": "1/2"}, {"alpha1": "0"}, {"alpha1": "1/2"}, {"beta1": "0"}])
def test_every_positive_curvature_and_every_clip_is_well_formed(change):
    assert check({**parse(GOOD.encode()), **change}) is False


@pytest.mark.parametrize("S", [39, 50, 57])
def test_an_orbit_beyond_the_edge_is_rejected(S):
    """The period-2 orbit between B = 38 and 2B exists and attracts, but says nothing about S < B."""
    w = np.array([np.sqrt(S / 38 - 1)])
    assert attracts(w, 0.9, S)
    assert not check(certificate(Fraction(9, 10), Fraction(S), None, w))


GOOD = '{"kind": "cycle", "beta1": "9/10", "S": "30", "alpha1": "1", "velocity": [["0", "1"]], "clipped": [false], '
GOOD += '"kinetic": ["0", "1"], "trace": ["0", "1"]}'


def test_a_well_formed_but_false_certificate_is_false():
    assert check(parse(GOOD.encode())) is False


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"9/10"', "0.9", r'numbers must be strings "p/q" or integers, got 0.9'),
        ('"9/10"', "NaN", "got NaN"),
        ('"9/10"', '"0.9"', "beta1 must be a string"),
        ('"9/10"', '"9/0"', "beta1 must have a denominator > 0"),
        ('"9/10"', '"18/20"', "beta1 must be in lowest terms, 9/10"),
        ('"9/10"', '"+9/10"', "beta1 must be a string"),
        ('"9/10"', '"9/10\\n"', "beta1 must be a string"),
        ('"9/10"', '"\u0669/10"', "beta1 must be a string"),
        ('"9/10"', '"__import__(1)"', "beta1 must be a string"),
        ('"9/10"', '"1"', r"beta1 must lie in \[0, 1\), got '1'"),
        ('"9/10"', "9", "beta1 must be a string"),
        ('"9/10"', "null", "beta1 must be a string"),
        ('"9/10"', '"' + "1" * (MAX_DIGITS + 1) + '"', f"of at most {MAX_DIGITS} digits"),
        ('"30"', '"0"', "S must be > 0"),
        ('"alpha1": "1"', '"alpha1": "-1/2"', "alpha1 >= 0"),
        ('"9/10"', '"-1/10"', r"beta1 must lie in \[0, 1\), got '-1/10'"),
        ('"30"', "1" * 30, "integers must have at most 20 digits"),
        ('"kind": "cycle"', '"kind": "circle"', "kind must be one of cycle"),
        ('"kind": "cycle"', '"kind": ["cycle"]', "kind must be one of cycle"),
        ('"S": "30", ', "", "lacks the keys S"),
        ('"S": "30"', '"S": "30", "T": "1"', "has no keys 'T'"),
        ('"S": "30"', '"S": "30", "S": "31"', "keys must not be repeated"),
        ('[["0", "1"]]', '["0", "1"]', "velocity must be a list"),
        ('[["0", "1"]]', '[["0", "1", "2"]]', "velocity must have 2 entries, got 3"),
        ('[["0", "1"]]', '[["1", "0"]]', "velocity must be a pair"),
        ('[["0", "1"]]', '[["1", "1"]]', "velocity must be a pair"),
        ('"30"', "1" * 21, "integers must have at most 20 digits"),
        ('"30"', "1" * 20, "S must be a string"),
        ('[["0", "1"]]', "[]", "velocity must be a list of 1 to"),
        ('[["0", "1"]]', str([["0", "1"]] * 41).replace("'", '"'), "velocity must have at most 40"),
        ("[false]", "[0]", "clipped must be true or false"),
        ("[false]", "[false, false]", "clipped must have 1 entries, got 2"),
    ],
)
def test_malformed_certificates_are_errors(old, new, message):
    assert old in GOOD
    with pytest.raises(ValueError, match=message):
        check(parse(GOOD.replace(old, new).encode()))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "must be JSON"),
        (b"[1, 2]", "must be a JSON object, got list"),
        (b'{"kind": "cycle"', "must be JSON"),
        (b"\xff\xfe", "must be UTF-8"),
        (b"[" * 100_000, "must not be nested this deeply"),
        (b'"' + b"a" * MAX_BYTES + b'"', "must have at most"),
    ],
)
def test_files_that_are_no_certificates(tmp_path, raw, message):
    (tmp_path / "bad.json").write_bytes(raw)
    with pytest.raises(ValueError, match=message):
        check_file(tmp_path / "bad.json")


def test_a_certificate_is_a_mapping():
    with pytest.raises(ValueError, match="must be a JSON object, got str"):
        check("cycle")


def test_files_up_to_the_limit_are_read(tmp_path):
    path = tmp_path / "padded.json"
    good = (CERTIFICATES / "cycle_90.json").read_bytes()
    path.write_bytes(good + b" " * (MAX_BYTES - len(good)))
    assert check_file(path)
    path.write_bytes(good + b" " * (MAX_BYTES + 1 - len(good)))
    with pytest.raises(ValueError, match=f"at most {MAX_BYTES} bytes"):
        check_file(path)


def test_lists_are_as_long_as_is_said():
    assert MAX_ITEMS == 2000
    for name, value in (("a", [0]), ("b", [0] * MAX_ITEMS)):
        assert items(value, name) == items(value, name, len(value)) == value
    for value in ([], [0] * (MAX_ITEMS + 1), (0,), "0", None):
        with pytest.raises(ValueError, match="a must be a list of 1 to 2000 entries"):
            items(value, "a")
    for length in (1, 3):
        with pytest.raises(ValueError, match=f"a must have {length} entries, got 2"):
            items([0, 0], "a", length)


def test_numbers_have_as_many_digits_as_is_said():
    nines = "9" * MAX_DIGITS
    assert MAX_DIGITS == 600 and MAX_BYTES == 400_000
    assert rational(f"-{nines}", "a") == -int(nines) and rational(f"1/{nines}", "a") == Fraction(1, int(nines))
    for text in (f"{nines}9", f"1/{nines}9", f"{nines}9/7", "1/1", "0/3", "-0", "", "-", "/2", "1/", "1//2"):
        with pytest.raises(ValueError, match="a must"):
            rational(text, "a")


def test_counts_are_integers_from_zero():
    assert [count(value, "k") for value in (0, 1, 7)] == [0, 1, 7]
    for value in (-1, True, "1", None, 1.0):
        with pytest.raises(ValueError, match="k must be an integer >= 0"):
            count(value, "k")


def test_messages_stay_readable():
    assert shown("x" * 58) == repr("x" * 58) and len(shown("x" * 58)) == 60
    assert shown("x" * 59) == repr("x" * 59)[:57] + "..."
    assert shown("x" * 59, quote=False) == "x" * 59


# ---------------------------------------------------------------- the pieces


@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_the_jacobian_encloses_the_derivative_of_the_residual(k, clipped):
    """Entry by entry, by divided differences in rationals, corners with their signs included."""
    recursion = Recursion(Fraction(7, 10), Fraction(13), Fraction(3, 2))
    point = [Fraction(3 + 2 * i, 4 + i) for i in range(k)]
    step = Fraction(1, 10**9)
    flags = [clipped] * k
    jacobian = recursion.jacobian([Interval.of(value) for value in point], flags)
    for j in range(k):
        ends = []
        for sign in (-1, 1):
            moved = [Interval.of(value + sign * step * (i == j)) for i, value in enumerate(point)]
            ends.append([float(entry.low) for entry in recursion.residual(moved, flags)])
        for i in range(k):
            slope = (ends[1][i] - ends[0][i]) / float(2 * step)
            assert float(jacobian[i][j].low) == pytest.approx(slope, abs=1e-5)


def test_products_and_squares_enclose_every_product():
    """The ends of a product are among the products of the ends, whatever their signs."""
    one, two, mixed = (Interval(Fraction(a), Fraction(b)) for a, b in ((1, 2), (3, 4), (-3, 4)))
    assert one * two == Interval(Fraction(3), Fraction(8)) and one * mixed == Interval(Fraction(-6), Fraction(8))
    assert mixed * mixed == Interval(Fraction(-12), Fraction(16))
    assert mixed.square() == Interval(Fraction(0), Fraction(16)) and (-one) * two == Interval(
        Fraction(-8), Fraction(-3)
    )
    assert mixed - one == Interval(Fraction(-5), Fraction(3)) and two.inverse() * two != Interval.of(Fraction(1))


@pytest.mark.parametrize(
    ("cells", "clipped", "alpha1", "holds"),
    [
        ([("1/4", "1/2"), ("1", "5/4")], [False, True], "1/3", True),
        ([("1/4", "1/2"), ("1", "5/4")], [False, True], "1/4", False),  # the first touches the clip from inside
        ([("1/8", "1/4"), ("1/2", "3/4")], [False, True], "1/5", True),
        ([("1/8", "1/4"), ("1/2", "3/4")], [False, True], "1/4", False),  # the second touches it from outside
        ([("1/4", "1/2"), ("1", "5/4")], [False, True], "2", False),
        ([("1/4", "1/2"), ("1", "5/4")], [True, True], "1/3", False),
        ([("1/4", "1/2"), ("1", "5/4")], [False, False], "2", True),
        ([("1/4", "1/2"), ("1", "5/4")], [False, False], "3", False),  # unclipped: alpha1 is the end of the cell
    ],
)
def test_every_point_is_strictly_on_its_side_of_the_clip(cells, clipped, alpha1, holds):
    around = [Interval(Fraction(low), Fraction(high)) for low, high in cells]
    largest = around[-1].square()
    for kinetic, encloses in (
        (Interval(largest.low - Fraction(1, 10), Fraction(2)), True),
        (Interval(largest.low, Fraction(2)), False),  # not in its interior
        (Interval(largest.low - Fraction(1, 10), largest.high), False),
    ):
        assert _kinetic_holds(around, clipped, Fraction(alpha1), kinetic) == (holds and encloses)


def test_inside_is_strict_at_either_end():
    whole = Interval(Fraction(0), Fraction(1))
    assert Interval(Fraction(1, 9), Fraction(8, 9)).inside(whole)
    for low, high in ((0, 1), (0, Fraction(8, 9)), (Fraction(1, 9), 1), (-1, Fraction(8, 9)), (Fraction(1, 9), 2)):
        assert not Interval(Fraction(low), Fraction(high)).inside(whole)


def test_intervals_that_touch_meet():
    left, middle, right = (Interval(Fraction(n), Fraction(n + 1)) for n in (0, 1, 2))
    assert left.meets(middle) and middle.meets(left) and not left.meets(right) and not right.meets(left)
    assert Interval(Fraction(-1), Fraction(0)).square() == Interval(Fraction(0), Fraction(1))
    assert Interval(Fraction(-3), Fraction(-2)).square() == Interval(Fraction(4), Fraction(9))


def test_intervals_are_rounded_outwards():
    """To neighbouring points of one grid, so that nothing that was inside falls outside."""
    third = Interval(Fraction(1, 3), Fraction(1, 3)).outward()
    assert third.low < Fraction(1, 3) < third.high < third.low + Fraction(1, 10**50)
    assert Interval(Fraction(-1, 3), Fraction(1, 3)).outward() == Interval(-third.high, third.high)
    product = Interval.of(Fraction(1, 3)) * Interval.of(Fraction(1, 7))
    assert product.low < Fraction(1, 21) < product.high
    assert Interval.of(Fraction(3)).inverse() == third


def test_where_the_derivative_is_singular_nothing_is_proved():
    """At rest on the edge, ``S = 38`` at beta1 = 9/10, the residual of a period 2 has slope zero."""
    around_rest = [Interval(Fraction(-1, 100), Fraction(1, 100))]
    assert not krawczyk(Recursion(Fraction(9, 10), Fraction(38), Fraction(1)), around_rest, [False])
    assert krawczyk(Recursion(Fraction(9, 10), Fraction(30), Fraction(1)), around_rest, [False])
    exactly = [Interval(Fraction(-1, 128), Fraction(1, 128))]  # beta1 = 1/2, S = B = 6: zero in floating point too
    assert not krawczyk(Recursion(Fraction(1, 2), Fraction(6), Fraction(1)), exactly, [False])


@pytest.mark.parametrize(
    ("values", "least"),
    [
        ([1], True),
        ([1, 2], True),
        ([1, -1, 1], False),  # one half-cycle of length 1, three times
        ([1, 2, 3], True),
        ([1, 2, -1, -2, 1, 2], False),
        ([1, 2, 1, 2], True),  # goes through 1, 2 twice before the sign changes: not a shorter symmetric cycle
        ([1, 2, 3, -1, -2, -3, 1, 2, 3], False),
        ([1, -1, 1, -1, 1], False),
        ([1, -1, 1, -1, 2], True),
        ([0, 0], False),
        ([0, 1], True),  # at rest for a moment only
        ([1, 0, 0], True),
    ],
)
def test_least_periods(values, least):
    """2k is the least period unless ``w_{i+j} = -w_i`` for a proper divisor j of k with k/j odd."""
    around = [Interval(Fraction(10 * value - 1, 10), Fraction(10 * value + 1, 10)) for value in values]
    assert _least_period(around) == least
