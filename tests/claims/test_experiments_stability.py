"""The local edge's confrontation: known edges, and that a formula wrong by 2 % changes the verdicts."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from experiments.measurement.planting import plantings
from experiments.measurement.verdict import verdict
from experiments.store.chunks import Chunks
from experiments.studies import stability
from experiments.studies.stability import adaptive_edge, moving_gate
from vradam import problems

SMALL = stability.Setup(
    beta1=(0.0, 0.9),
    frozen_alpha1=(4.0,),
    weight_decay=(0.5,),
    dims=(5,),
    steps=1500,
    seeds=8,
    adam_steps=6000,
    settled=500,
    adaptive=(),
    amplitudes=(),
)
STATUS = {"S1": "proved", "S2": "proved", "S4": "refuted"}
EXPECTED = {"S1": "verified", "S2": "verified", "S4": "refuted"}


@pytest.fixture(scope="module")
def result():
    return stability.run(SMALL, Chunks())


def verdicts(confrontations):
    return {c.claim: verdict(STATUS[c.claim], c) for c in confrontations}


def test_verdicts(result):
    assert verdicts(result.confrontations) == EXPECTED


def test_planted_errors_change_the_verdicts(result):
    for confrontation in result.confrontations:
        for what, wrong in plantings(confrontation):
            assert verdicts([wrong])[confrontation.claim] != EXPECTED[confrontation.claim], what


@pytest.mark.parametrize(("table", "claim"), [("EDGE", "S1"), ("INSTANTANEOUS", "S2"), ("DECAY", "S4")])
def test_a_wrong_formula_of_the_theory_is_noticed(result, table, claim, monkeypatch):
    formulas = getattr(stability, table)
    monkeypatch.setattr(stability, table, {k: f * sp.Rational(51, 50) for k, f in formulas.items()})
    again = (
        stability._edge(SMALL, result.data["brackets"], result.data["adam"]),
        stability._instantaneous(SMALL, result.data),
        stability._decay(SMALL, result.data),
    )
    assert verdicts(again)[claim] == "open"


def test_the_search_knows_no_formula():
    """It brackets sqrt(2) and pi given only which side a value is on."""
    targets = np.array([np.sqrt(2), np.pi])
    low, high = stability.bracket(
        lambda grid: np.sign(grid - targets[:, None]), np.full(2, 0.1), np.full(2, 100.0), sections=10, rounds=8
    )
    assert (low < targets).all() and (targets < high).all()
    np.testing.assert_allclose(high / low, 1, rtol=1e-6)


def test_both_sides_of_the_edge(result):
    """From small starts 0.98 B decays to zero and 1.02 B settles at v*^2 = (S/B - 1)/beta3, here 0.02."""
    ends = result.data["both_sides"].velocity_squared.sel(size=SMALL.small)
    assert (ends.sel(factor=0.98) < 1e-12 * SMALL.small**2).all()
    np.testing.assert_allclose(ends.sel(factor=1.02), 0.02, rtol=1e-6)


def test_adam_settles_near_its_edge():
    """With its own moving preconditioner Adam (beta1 = 0.9, d = 10) hovers about the edge 38, within 6 %."""
    setup = stability.Setup(beta1=(0.9,), dims=(10,), adam_steps=20_000, settled=2000, rounds=1)
    settled = stability.settling_adam(setup).settled.sel(dim=10)
    np.testing.assert_allclose(settled.median(), 38, rtol=0.06)


@pytest.mark.parametrize(
    "model", [problems.EDGE_QUADRATICS[1], problems.PROGRESSIVE_SHARPENING], ids=lambda problem: problem.name
)
def test_beyond_the_edge_the_motion_has_the_predicted_kinetic_energy(model):
    """beta3 ||v||^2 = S/B - 1 with S = alpha0 lambda at the end: to rounding on a quadratic, and to 0.5 % where the
    curvature, still moving, is that of the last point; zero below the edge. B = 38 at beta1 = 0.9."""
    item = adaptive_edge.Amplitude(model, tuple(ratio * 38 / 2.5 for ratio in (0.9, 1.1, 1.3)), beta3=2.5)
    if model is problems.PROGRESSIVE_SHARPENING:
        item = replace(item, alpha0=tuple(rate / 40 for rate in item.alpha0))
    ends = adaptive_edge.amplitude(item).sel(part="median")
    excess, kinetic = ends.excess.values, ends.kinetic.values
    np.testing.assert_allclose(kinetic[1:], excess[1:], rtol=5e-3 if model is problems.PROGRESSIVE_SHARPENING else 1e-9)
    assert kinetic[0] < 1e-9 and excess[0] < 0 and (excess[1:] > 0.08).all()


def test_the_kinetic_energy_recorded_is_what_the_gate_saw():
    """eta_t = alpha0/(1 + beta3 ||v_t||^2) where the clip is not reached."""
    run = adaptive_edge.measure(adaptive_edge.Run(problems.FOUR_SCALARS, "VRMomentum", 3.0, 60, 1))
    np.testing.assert_allclose(1 / run.relative_rate - 1, run.velocity_squared, rtol=1e-12, atol=1e-15)


def test_a_disturbance_turns_where_the_moving_gate_passes_the_edge():
    """Decay below B, growth above, while eta_t L moves through B; slower gates turn closer to it."""
    found = moving_gate.turning((0.0, 0.5, 0.9))
    assert (found.start < 0.99).all() and (found.end > 1.01).all()
    assert abs(found["at"] - 1).max() < moving_gate.SLOWNESS


def test_a_wrong_instantaneous_threshold_is_noticed_by_the_moving_gate_alone(result, monkeypatch):
    """S2 without its frozen part: the moving gate alone tells the formula from its neighbours."""
    s2 = next(c for c in result.confrontations if c.claim == "S2")
    _, moving = s2.reported
    assert verdict("proved", replace(s2, reported=(moving,), showcase=())) == "verified"
    for factor in (1.02, 1 / 1.02):
        wrong = {**stability.INSTANTANEOUS, "threshold": stability.INSTANTANEOUS["threshold"] * factor}
        monkeypatch.setattr(stability, "INSTANTANEOUS", wrong)
        again = stability._instantaneous(SMALL, result.data)
        assert verdict("proved", replace(again, reported=again.reported[1:], showcase=())) == "open"
        monkeypatch.undo()


@pytest.mark.parametrize(("beta1", "weight_decay"), [(0.5, 0.1), (0.9, 1.0), (0.9, 30.0)])
def test_with_decay_one_function_falls_for_every_gate_up_to_the_limit(beta1, weight_decay):
    found = moving_gate.sequences((beta1,), (weight_decay,), 2.5)
    kappa = (1 + beta1) / (1 - beta1)
    assert float(found.largest.squeeze()) == pytest.approx(2 / (weight_decay + kappa * 2.5), rel=1e-9)
    assert float(found.falls.squeeze()) < 1
