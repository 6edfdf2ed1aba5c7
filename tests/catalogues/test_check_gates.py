"""Certificates of gate words and polygons: those that are stored hold, and what is malformed or false is refused."""

import copy
import json
from fractions import Fraction

import pytest

from theory.certificates import gates as check_gates
from theory.certificates.check import check, check_file
from theory.claim import CERTIFICATES
from theory.search import gates
from theory.search.certify_gates import certify_gates, lyapunov_certificate, polygon_certificate, word_certificate

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


WORDS = {"gate_word": check_gates.check_gate_word, "rise_limited": check_gates.check_rise_limited}


@pytest.mark.parametrize("name", [path.stem for path in STORED if "word" in path.stem or "sawtooth" in path.stem])
def test_what_a_word_proves_is_about_its_own_gates(name):
    """Their lowest and highest, how many they are, and how much they grow by."""
    data = json.loads((CERTIFICATES / f"{name}.json").read_text(encoding="utf-8"))
    statement = WORDS[data.pop("kind")](data)
    gates, facts = [Fraction(gate) for gate in data["gates"]], statement.facts
    assert (facts["low"], facts["high"], facts["length"]) == (min(gates), max(gates), len(gates))
    assert (facts["beta1"], facts["growth"]) == (Fraction(data["beta1"]), Fraction(data["growth"]))


@pytest.mark.parametrize("name", [path.stem for path in STORED if "word" in path.stem])
def test_no_gate_of_a_word_opens_wider_than_S(name):
    """The same word at a smaller S, with the clip that its least gate needs: all else is as it was."""
    data = json.loads((CERTIFICATES / f"{name}.json").read_text(encoding="utf-8"))
    gates = [Fraction(gate) for gate in data["gates"]]
    for share, right in ((Fraction(1), True), (Fraction(99, 100), False)):
        S = share * max(gates)
        assert accepted({**data, "S": str(S), "alpha1": str(S / min(gates) - 1)}) == right


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
