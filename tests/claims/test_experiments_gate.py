"""The gate's confrontation: what it measures, and that a formula wrong by 2 % changes its verdicts."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import vradam
from experiments.measurement.planting import plantings
from experiments.measurement.verdict import agrees, verdict
from experiments.store.chunks import Chunks
from experiments.studies import gate
from theory.notation import beta3, v

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
        for what, wrong in plantings(confrontation):
            assert verdict(STATUS[confrontation.claim], wrong) != EXPECTED[confrontation.claim], what


def test_which_clips_leave_the_peak_and_which_let_the_step_cross_the_bound(result):
    """The peak, at 1/sqrt(beta3), is not clipped from alpha1 = 1 on; beyond it the claimed bound is crossed later."""
    setup = replace(SMALL, alpha1=(0.5, 1.0, 4.0))
    found = gate.run(setup, Chunks()).confrontations[1]
    named = {evidence.quantity: [point.label for point in evidence.points] for evidence in found.corrected}
    assert named["largest unclipped eta_t ||v_t||"] == ["alpha1 = 1", "alpha1 = 4"]
    assert named["||v|| at which the step exceeds the claimed bound"] == ["alpha1 = 4"]
    assert named["eta_t where the clip acts"] == ["alpha1 = 0.5", "alpha1 = 1", "alpha1 = 4"]


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


@pytest.mark.parametrize(
    "wrong",
    [
        lambda form: form * sp.Rational(51, 50),
        lambda form: form.subs(beta3, beta3 * sp.Rational(51, 50)),
        lambda form: form.subs(beta3, beta3 * sp.Rational(1039, 1000)),
        lambda form: form.subs(beta3, beta3 * sp.Rational(97, 100)),
        lambda form: form.subs(v, v * sp.Rational(51, 50)),
        lambda form: form.subs(v, v ** sp.Rational(10005, 10000)),
    ],
    ids=["gate x 1.02", "beta3 x 1.02", "beta3 x 1.039", "beta3 x 0.97", "velocity x 1.02", "|v|^2.001"],
)
def test_a_wrong_gate_is_noticed_though_both_ends_of_its_range_are_right(result, monkeypatch, wrong):
    monkeypatch.setattr(gate, "GATE", wrong(gate.GATE))
    again = gate._range(SMALL, result.data["VRAdam"])
    assert verdict("proved", again) == "open" and not agrees(again.reported[1])


def test_the_filter_is_an_independent_account_of_the_velocity(result):
    """The speed recomputed from the gradients alone is the optimizer's own, over 13 decades."""
    for data in result.data.values():
        np.testing.assert_allclose(data.filtered_speed, data.speed, rtol=1e-7, atol=1e-300)
        assert data.speed.max() / data.speed.where(data.speed > 0).min() > 1e10


def test_runs_start_at_sizes_of_all_decades():
    """With the gradient x the first velocity is (1 - beta1) x_0, whatever the direction."""
    setup = replace(SMALL, curvatures=(1.0, 1.0, 1.0), steps=1)
    first = gate._record(setup, vradam.VRMomentum).speed.isel(objective=0, step=0)
    sizes = (1 - setup.beta1) * np.geomspace(setup.smallest, setup.largest, setup.starts)
    np.testing.assert_allclose(first, np.broadcast_to(sizes, first.shape), rtol=1e-12)
