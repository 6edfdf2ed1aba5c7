"""S3b and S6: where runs end, what is counted and followed, and what a wrong formula would do to the verdicts."""

from dataclasses import replace

import numpy as np
import pytest

import vradam
from experiments.measurement.frontier import INSIDE, PUBLISHED, SMOOTHED, Map, draw, scatter, strip
from experiments.measurement.planting import plantings
from experiments.measurement.verdict import supports, verdict
from experiments.store.chunks import Chunks
from experiments.studies import cycles
from experiments.studies.cycles import beyond_edge, period_four
from vradam.dynamics import (
    Batch,
    Horizon,
    RunEnd,
    follow,
    lyapunov,
    periods,
    random_starts,
)

BOWL = vradam.objectives.quadratic([1.0])
BEYOND = beyond_edge.Setup(
    beta1=(0.3, 0.9),
    beta3=(1.0, 4.0),
    pinned=(1.05, 1.9),
    settle=8000,
    ratios=(0.5, 4.0, 8),
    starts=2,
    samples=64,
    lyapunov_steps=300,
    flat_ratios=(0.5, 1.8, 6),
    flat_steps=8000,
)
QUICK = cycles.Setup(
    maps=(
        ("frontier", Map(variants=(PUBLISHED, SMOOTHED), beta1=(0.3, 0.9), beta1_cells=3, fraction_cells=3, starts=8)),
    ),
    examples=((0.5, 0.97, 10.0), (0.9, 30 / 38, 10.0)),
    starts=100,
    safe=(0.15, 0.9),
    safe_alpha1=(10.0,),
    safe_starts=30,
    followed=period_four.Setup(beta1=(0.6, 0.9), steps=1500),
    beyond=BEYOND,
)


def momentum(**given):
    return vradam.VRMomentum(**{"alpha0": 30.0, "alpha1": 10.0, "beta1": 0.9} | given)


def ends(optimizer, starts=200, horizon=Horizon()):  # noqa: B008
    return scatter(optimizer, [1.0], starts, 0, horizon)


@pytest.fixture(scope="module")
def result():
    return cycles.run(QUICK, Chunks())


# ---------------------------------------------------------------- where runs end


def test_below_the_threshold_for_all_starts_every_run_ends_at_the_origin():
    found = ends(momentum(alpha0=6.0))
    assert (found.end == RunEnd.ORIGIN).all() and not found.period.any()


def test_the_published_gate_keeps_some_starts_in_the_cycle_of_period_four_and_the_smoothed_gate_none():
    found = ends(momentum())
    assert set(found.end) == {RunEnd.ORIGIN, RunEnd.PERIODIC}
    assert set(found.period) == {0, 4} and 0.1 < (found.end == RunEnd.PERIODIC).mean() < 0.4
    assert (ends(momentum(gate_decay=0.9)).end == RunEnd.ORIGIN).all()


def test_the_gate_inside_the_momentum_leaves_bounded_orbits_without_period():
    found = ends(momentum(gate=vradam.gates.inside))
    assert set(found.end) == {RunEnd.ORIGIN, RunEnd.BOUNDED}


def test_a_horizon_too_short_to_decide_says_so():
    assert (ends(momentum(), horizon=Horizon(settle=0.5, extensions=0)).end == RunEnd.UNDECIDED).all()


@pytest.mark.parametrize(("S", "period"), [(30.0, 4), (18.5, 8), (57.0, 2)])
def test_the_period_is_the_least(S, period):
    """The attractors of beta1 = 0.9 at 0.79 B (period 4), 0.49 B (a rare period 8), 1.5 B (the pinned state)."""
    optimizer = momentum(alpha0=S, alpha1=np.inf)
    found = ends(optimizer, starts=2000)
    assert period in found.period


def test_a_run_that_still_approaches_its_cycle_has_no_period_yet():
    optimizer = momentum()
    x, state = random_starts(optimizer, BOWL, 400)
    run = vradam.simulate(optimizer, BOWL, x, 150, every=0, state=state)
    period, _ = periods(Batch(optimizer, run.final_x, run.final_state, np.arange(400)), BOWL, 24, 1e-9)
    assert not period.any()


def test_follow_does_not_depend_on_how_the_runs_are_batched():
    S = np.repeat([20.0, 25.0, 30.0, 36.0], 50)
    optimizer = momentum(alpha0=S)
    x, state = random_starts(optimizer, BOWL, 50, 4)
    together = follow(optimizer, BOWL, x, state, Horizon())
    apart = [
        follow(
            momentum(alpha0=S[part]),
            BOWL,
            x[part],
            optimizer.init(x[part])._replace(velocity=state.velocity[part]),
            Horizon(),
        )
        for part in (slice(0, 70), slice(70, 200))
    ]
    for name in ("end", "period"):
        np.testing.assert_array_equal(
            getattr(together, name), np.concatenate([getattr(piece, name) for piece in apart])
        )


def test_every_setting_gets_the_same_starts():
    optimizer = momentum(alpha0=np.repeat([10.0, 20.0], 5))
    x, state = random_starts(optimizer, BOWL, 5, 2)
    np.testing.assert_array_equal(x[:5], x[5:])
    np.testing.assert_array_equal(state.velocity[:5], state.velocity[5:])


# ---------------------------------------------------------------- the map


def test_shares_add_up_and_do_not_depend_on_the_chunks():
    plan = Map(variants=(PUBLISHED, INSIDE), beta1=(0.5, 0.95), beta1_cells=3, fraction_cells=2, starts=8, rows=3)
    whole, rows = draw(plan, Chunks(), "map"), draw(replace(plan, rows=1), Chunks(), "map")
    np.testing.assert_allclose(whole.share.sum("outcome"), 1.0, atol=1e-6)
    np.testing.assert_array_equal(whole.share, rows.share)
    assert whole.share.dims == ("variant", "alpha1", "outcome", "beta1", "fraction")


def test_a_direction_more_does_not_help():
    plan = Map(
        variants=(PUBLISHED,), beta1=(0.9, 0.9), beta1_cells=1, fraction=(0.79, 0.79), fraction_cells=1, starts=64
    )
    for curvatures in ((1.0,), (0.5, 1.0)):
        panel = strip(replace(plan, curvatures=curvatures), PUBLISHED, 10.0, 0)
        assert 0 < float(panel.share.sel(outcome="periodic").squeeze()) < 1


# ---------------------------------------------------------------- verdicts


def test_the_verdicts(result):
    s3b, s6 = result.confrontations
    assert verdict("refuted", s3b) == "refuted"
    assert verdict("proved under assumptions", s6) == "verified under assumptions"


def test_planted_errors_change_both_verdicts_and_every_piece_of_evidence(result):
    s3b, s6 = result.confrontations
    for status, confrontation in (("refuted", s3b), ("proved under assumptions", s6)):
        for what, wrong in plantings(confrontation):
            assert verdict(status, wrong) == "open", what


@pytest.mark.parametrize("name", ["period4_threshold", "period4_beta1"])
@pytest.mark.parametrize("factor", [1.02, 1 / 1.02])
def test_a_wrong_formula_of_the_cycles_is_noticed(result, monkeypatch, name, factor):
    monkeypatch.setitem(period_four.CYCLES, name, factor * period_four.CYCLES[name])
    found = period_four.evidence(QUICK.followed, result.data["period_four"])
    assert sum(map(supports, found)) == len(found) - 1


@pytest.mark.parametrize("name", ["velocity_squared", "upper_end", "asymmetric_end"])
def test_a_wrong_formula_beyond_the_edge_is_noticed(result, name):
    formulas = {**beyond_edge_formulas(), name: 1.02 * beyond_edge_formulas()[name]}
    found = beyond_edge.confrontation(QUICK.beyond, result.data, formulas)
    assert verdict("proved under assumptions", found) == "open"


def beyond_edge_formulas():
    return dict(cycles.BEYOND)


# ---------------------------------------------------------------- what is measured


def test_the_saddle_node_is_bracketed_closely(result):
    ends = result.data["period_four"].saddle_node
    assert float((ends.sel(end="with") / ends.sel(end="without") - 1).max()) < 1e-3
    assert (ends.sel(end="with") > ends.sel(end="without")).all()


def test_certified_cycles_attract_what_was_disturbed(result):
    seen = result.data["certified"]
    np.testing.assert_array_equal(seen.period, seen.certified_period)
    assert (np.abs(seen.kinetic - seen.certified_kinetic.mean("end")) < 1e-5).all()


def test_lyapunov_exponents_of_known_orbits():
    """At the origin half the logarithm of beta1; on the pinned state below 0; where orbits scatter above."""
    for S, low, high in (
        (20.0, np.log(0.9) / 2 - 0.01, np.log(0.9) / 2 + 0.01),
        (57.0, -0.06, -0.02),
        (95.0, 0.05, 1.0),
    ):
        optimizer = momentum(alpha0=np.array([S]), alpha1=np.inf)
        x = np.array([[1.0]])
        exponent = float(lyapunov(optimizer, BOWL, x, optimizer.init(x), 3000, 1500, "compiled")[0])
        assert low < exponent < high


def test_the_smoothed_gate_keeps_the_rate_near_the_edge_where_the_published_gate_scatters(result):
    rate = result.data["bifurcation"].rate.sel(ratio=slice(2.5, 4.0))
    spread = rate.std(["start", "step"]).mean("ratio")
    assert float(spread.sel(variant=SMOOTHED.name)) < 0.1 < 0.3 < float(spread.sel(variant=PUBLISHED.name))
    assert 0.8 < float(rate.sel(variant=SMOOTHED.name).mean()) < 1.0


def test_momentum_decay_is_the_spectral_radius():
    assert beyond_edge.momentum_decay(0.81, 1.0) == pytest.approx(0.9, rel=1e-12)  # complex pair of modulus sqrt(beta1)
    assert beyond_edge.momentum_decay(0.0, 0.3) == pytest.approx(0.7, rel=1e-12)
