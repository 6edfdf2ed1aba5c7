"""S3a and S5: words of gates as played, quadratic functions as searched for, and what a wrong formula would do."""

import sys
from dataclasses import replace

import numpy as np
import pytest

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.planting import plantings
from experiments.measurement.prescribed_sequences import (
    derived_growth,
    derived_step,
    measured_growth,
    measured_step,
    radius,
    schedule,
    worst_word,
)
from experiments.measurement.verdict import contradicts, supports, verdict
from experiments.store.chunks import Chunks
from experiments.studies import gate_sequences
from experiments.studies.gate_sequences import DEFAULT, growth, run
from experiments.studies.gate_sequences.in_turn import InTurn
from experiments.studies.gate_sequences.ranges import EDGE, common_range, own_range
from theory.claims.gate_sequences import LIMITS

QUICK = replace(
    DEFAULT,
    beta1=(0.5, 0.9),
    alpha1=(1.0, 10.0),
    fractions=(0.02, 0.9, 5),
    lows=(0.01,),
    adversary=(4, 3, 40),
    alternation=((0.5, 0.01), (0.9, 0.1)),
    plain=2,
)


@pytest.fixture(scope="module")
def result():
    return run(QUICK, Chunks())


def test_the_verdicts(result):
    s3a, s5 = result.confrontations
    assert verdict("refuted", s3a) == verdict("refuted", s5) == "refuted"
    assert contradicts(s3a.reported[0]) and contradicts(s5.reported[0])


def test_planted_errors_change_every_piece_of_evidence(result):
    for confrontation in result.confrontations:
        for what, wrong in plantings(confrontation):
            assert verdict("refuted", wrong) == "open", what


@pytest.mark.parametrize(
    ("table", "name"), [("LIMITS", "cqlf_limit_zero"), ("LIMITS", "cqlf_limit"), ("LIMITS", "cqlf_in_scale")]
)
@pytest.mark.parametrize("factor", [1.02, 1 / 1.02])
def test_a_wrong_limit_is_noticed(result, monkeypatch, table, name, factor):
    formulas = getattr(gate_sequences, table)
    monkeypatch.setitem(formulas, name, factor * formulas[name])
    found = gate_sequences._s3a(QUICK, result.data)
    assert verdict("refuted", found) == "open"


def test_a_wrong_word_condition_is_noticed(result, monkeypatch):
    from theory.notation import beta1

    formulas = gate_sequences.TWO_GATES
    monkeypatch.setitem(formulas, "two_gate_word", formulas["two_gate_word"] + (1 + beta1**2) / 25)
    assert verdict("refuted", gate_sequences._s5(QUICK, result.data)) == "open"


# ---------------------------------------------------------------- words


def test_one_step_of_the_optimizer_is_the_theorys_matrix():
    for beta1, gate in ((0.0, 0.3), (0.5, 5.0), (0.99, 390.0)):
        np.testing.assert_allclose(measured_step(beta1, gate), derived_step(beta1, gate), rtol=1e-12, atol=1e-13)


def test_played_words_grow_by_their_spectral_radius():
    words = [(1.0,), (30.0, 0.5), (1.9,) * 4 + (1.9 / 11,) * 7, (3.0, 9.0, 27.0)]
    np.testing.assert_allclose(measured_growth(words, 0.9), derived_growth(words, 0.9), rtol=1e-9)


def test_a_word_far_below_the_edge_grows_by_four_percent_per_step():
    """beta1 = 0.9, alpha1 = 10: S^4 a^7 at S = 0.05 B."""
    per_step, p, q = worst_word(0.9, 1.9 / 11, 1.9, 20)
    assert (p, q) == (4, 7) and per_step == pytest.approx(1.0441, abs=1e-4)
    assert measured_growth([(1.9,) * 4 + (1.9 / 11,) * 7], 0.9)[0] ** (1 / 11) == pytest.approx(per_step, rel=1e-9)


@pytest.mark.parametrize("shift", [0.98, 1.02])
def test_two_gates_in_turn_around_their_threshold(shift):
    """s2 -> 0 at beta1 = 0.9: 2(1+beta1^2)/(1-beta1^2) = 19.05, half of the edge 38."""
    run = vradam.simulate(
        vradam.VRMomentum(alpha0=schedule([(shift * 19.0526, 1e-4)]), beta1=0.9, beta3=0.0),
        vradam.objectives.quadratic([1.0]),
        np.array([[1.0]]),
        2000,
        every=100,
    )
    tail = np.abs(run.x[0, -1, 0])
    assert tail < 1e-3 if shift < 1 else tail > 1e3


def test_radius_of_known_matrices():
    assert radius(0.0, 0.81) == pytest.approx(0.9)  # a complex pair
    assert radius(-2.5, 1.0) == pytest.approx(2.0)  # -2 and -1/2


def test_growth_lies_between_the_words_and_the_quadratic_bound():
    panel = growth(QUICK, 0.9, 10.0)
    assert (panel.growth <= panel.quadratic + 1e-9).all()
    assert (panel.random <= panel.growth + 0.05).all()
    np.testing.assert_allclose(panel.growth, panel.exact, rtol=1e-9)


# ---------------------------------------------------------------- quadratic functions


def test_known_limits():
    """2(1-beta1)/(1+beta1) is 2/19 at beta1 = 0.9; with alpha1 = 10 the common range ends at 0.2154."""
    assert own_range(0.9) == pytest.approx(2 / 19, rel=1e-8)
    assert common_range(0.9, 38.0, alpha1=10.0) == pytest.approx(0.2154, abs=1e-4)


@pytest.mark.parametrize(("beta1", "low"), [(0.3, 1e-4), (0.7, 0.01), (0.99, 0.3)])
def test_the_last_bits_of_a_step_do_not_show_in_the_common_range(monkeypatch, beta1, low):
    """Another processor rounds otherwise: a search stops elsewhere (by 2e-5 of b), the touching ellipses do not."""
    module = sys.modules["experiments.studies.gate_sequences.ranges"]
    edges, rng = float(evaluate(EDGE, beta1=beta1)), np.random.default_rng(0)
    derived = float(evaluate(LIMITS["cqlf_limit"], beta1=beta1, a=low * edges))
    assert common_range(beta1, edges, low=low * edges) == pytest.approx(derived, rel=1e-12)
    monkeypatch.setattr(
        module,
        "measured_step",
        lambda beta1, gate: measured_step(beta1, gate) * (1 + rng.choice([-1, 0, 1], (2, 2)) * 2.0**-52),
    )
    assert common_range(beta1, edges, low=low * edges) == pytest.approx(derived, rel=1e-12)


def test_gates_per_coordinate_are_gates_of_runs():
    rates = InTurn(np.array([[[4.0, 1.0], [1.0, 4.0]]]))
    np.testing.assert_array_equal(rates(1), [[4.0, 1.0]])
    np.testing.assert_array_equal(rates(2), [[1.0, 4.0]])
    np.testing.assert_array_equal(rates(3), rates(1))


def test_the_growth_on_coupled_coordinates(result):
    seen_growth = result.data["coordinates"].growth
    assert 1.25 < float(seen_growth.sel(word="(4, 1), (1, 4)")) < 1.5 < float(seen_growth.sel(word="(4, 4), (1, 1)"))


def test_evidence_that_a_formula_is_right_is_sharp(result):
    for confrontation in result.confrontations:
        assert all(supports(evidence) for evidence in confrontation.corrected)
