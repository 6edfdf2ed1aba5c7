"""The gate's confrontation: what it measures, and that a formula wrong by 2 % changes its verdicts."""

import numpy as np
import pytest
import sympy as sp

from experiments.measurement.verdict import planted, verdict
from experiments.store.chunks import Chunks
from experiments.studies import gate

SMALL = gate.Setup(starts=200, steps=120)
STATUS = {"G1": "proved", "G2": "refuted"}
EXPECTED = {"G1": "verified", "G2": "refuted"}


@pytest.fixture(scope="module")
def result():
    return gate.run(SMALL, Chunks())


def test_verdicts(result):
    assert {c.claim: verdict(STATUS[c.claim], c) for c in result.confrontations} == EXPECTED


def test_planted_errors_change_the_verdicts(result):
    for confrontation in result.confrontations:
        assert verdict(STATUS[confrontation.claim], planted(confrontation)) != EXPECTED[confrontation.claim]


@pytest.mark.parametrize("name", [*gate.RANGE, *gate.LARGEST_STEP])
def test_a_wrong_formula_of_the_theory_is_noticed(result, name, monkeypatch):
    """Each formula times 1.02, one at a time: the same runs no longer support the verdict."""
    table = "RANGE" if name in gate.RANGE else "LARGEST_STEP"
    wrong = dict(getattr(gate, table)) | {name: getattr(gate, table)[name] * sp.Rational(51, 50)}
    if name == "corrected":  # a bound: half of it must be seen to be exceeded
        wrong[name] = getattr(gate, table)[name] / 2
    monkeypatch.setattr(gate, table, wrong)
    again = (gate._range(SMALL, result.data["VRAdam"]), gate._largest_step(SMALL, result.data["VRMomentum"]))
    assert {c.claim: verdict(STATUS[c.claim], c) for c in again} != EXPECTED


def test_a_wrong_gate_is_noticed(result, monkeypatch):
    monkeypatch.setattr(gate, "GATE", gate.GATE * sp.Rational(51, 50))
    assert verdict("proved", gate._range(SMALL, result.data["VRAdam"])) == "open"


def test_the_filter_is_an_independent_account_of_the_velocity(result):
    """The speed recomputed from the gradients alone is the optimizer's own, over 13 decades."""
    for data in result.data.values():
        np.testing.assert_allclose(data.filtered_speed, data.speed, rtol=1e-7, atol=1e-300)
        assert data.speed.max() / data.speed.where(data.speed > 0).min() > 1e10
