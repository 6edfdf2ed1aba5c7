"""What the tiles are told of optimizers, noises and runs, number by number against the formulas."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import vradam
from vradam import baselines, gates, laws, noise
from vradam.engine import draws, methods, rows
from vradam.engine.methods import method
from vradam.gated import State
from vradam.plan import checked_plan

BOWL = vradam.objectives.quadratic([1.0, 2.0])
NUMBERS = {"alpha0": 0.3, "alpha1": 7.0, "beta1": 0.6, "beta3": 5.0, "weight_decay": 0.02}
MOMENTS = {"beta2": 0.7, "eps": 1e-3}
NO_MEMORY = {
    "beta1": 0.0, "beta2": 0.0, "beta3": 0.0, "alpha1": 0.0, "eps": 1.0, "weight_decay": 0.0, "gate_decay": 0.0,
    "law": rows.AS_SEEN, "exponent": 2.0, "in1": None, "corrected": True, "keeps_velocity": True,
}  # fmt: skip


def plan_of(optimizer, runs=5, source=None, state=None, steps=4):
    return checked_plan(optimizer, BOWL, np.ones((runs, 2)), steps, source, 3, 0, None, state)


@pytest.mark.parametrize(
    ("optimizer", "wanted"),
    [
        (vradam.GradientDescent(alpha0=0.3), {"gate": rows.OPEN, "direction": rows.PLAIN, "keeps_velocity": False}),
        (
            vradam.HeavyBall(alpha0=0.3, beta1=0.6, weight_decay=0.02),
            {"gate": rows.OPEN, "direction": rows.PLAIN, "beta1": 0.6, "weight_decay": 0.02, "in1": 1.0},
        ),
        (
            baselines.RMSProp(alpha0=0.3, weight_decay=0.02, **MOMENTS),
            {"gate": rows.OPEN, "direction": rows.ADAM, "weight_decay": 0.02, "corrected": False}
            | {"keeps_velocity": False, **MOMENTS},
        ),
        (
            vradam.Adam(alpha0=0.3, beta1=0.6, **MOMENTS),
            {"gate": rows.OPEN, "direction": rows.ADAM, "beta1": 0.6, **MOMENTS},
        ),
        (
            vradam.AdamW(alpha0=0.3, beta1=0.6, weight_decay=0.02, **MOMENTS),
            {"gate": rows.OPEN, "direction": rows.ADAM, "beta1": 0.6, "weight_decay": 0.02, **MOMENTS},
        ),
        (vradam.VRMomentum(**NUMBERS), {"gate": rows.PUBLISHED, "direction": rows.PLAIN, **NUMBERS}),
        (vradam.VRAdam(**NUMBERS, **MOMENTS), {"gate": rows.PUBLISHED, "direction": rows.ADAM, **NUMBERS, **MOMENTS}),
        (
            vradam.VRAdam(**NUMBERS, **MOMENTS, proof_form=True, gate_decay=0.8),
            {"gate": rows.PUBLISHED, "direction": rows.PROOF, "law": rows.AVERAGED, "gate_decay": 0.8}
            | {**NUMBERS, **MOMENTS},
        ),
        (
            vradam.VRMomentum(**NUMBERS, law=laws.held(0.9, w0=2.0)),
            {"gate": rows.PUBLISHED, "direction": rows.PLAIN, "law": rows.HELD, "gate_decay": 0.9}
            | {**NUMBERS, "alpha0": 0.3 * (1 + 2.0)},
        ),
        (
            vradam.VRMomentum(**NUMBERS, gate=gates.power(3)),
            {"gate": rows.POWER, "direction": rows.PLAIN, "exponent": 3.0, **NUMBERS},
        ),
    ],
)
def test_an_optimizer_is_told_by_its_direction_its_gate_and_its_numbers(optimizer, wanted):
    """What a method has no use for is zero, and one where it divides."""
    found = method(optimizer)._asdict()
    assert found == NO_MEMORY | {"alpha0": 0.3} | wanted


def test_what_a_method_is_not_told_is_absent():
    assert (
        methods.Method(rows.PLAIN, rows.OPEN, 0.3)._asdict()
        == method(vradam.GradientDescent(alpha0=0.3))._replace(keeps_velocity=True)._asdict()
    )


def test_a_schedule_stays_one():
    for optimizer in (vradam.VRMomentum(alpha0=lambda t: 0.1 * t, law=laws.held(0.9, w0=2.0)), vradam.VRAdam()):
        rate = method(optimizer).alpha0
        assert rate(4) == pytest.approx(0.4 * 3) if callable(optimizer.alpha0) else rate == optimizer.alpha0


def test_every_gate_has_a_number_of_its_own_and_others_have_none():
    known = [gates.published, gates.adam_metric, gates.predictable, gates.inside, gates.gradient_norm, gates.power(2.5)]
    known.append(gates.per_coordinate)
    numbers = [rows.PUBLISHED, rows.METRIC, rows.PREDICTABLE, rows.INSIDE, rows.GRADIENT, rows.POWER]
    numbers.append(rows.PER_COORDINATE)
    assert [method(vradam.VRAdam(gate=gate)).gate for gate in known] == numbers
    assert len({*numbers, rows.OPEN}) == 8
    assert method(vradam.VRAdam(gate=gates.alignment())) is None
    assert method(vradam.VRAdam(gate=gates.per_coordinate, gate_decay=0.5)) is None
    assert method(vradam.VRAdam(gate=gates.per_coordinate, law=laws.held(0.5))) is None
    assert method(vradam.VRAdam(gate=gates.predictable, law=laws.held(0.5))).law == rows.HELD
    own = SimpleNamespace(name="own", start=0.0, remember=None, closing=None, ceiling=lambda: 1.0, decay=0.5)
    assert method(vradam.VRAdam(law=own)) is None


class _Own(vradam.VRAdam):
    """A subclass may do anything."""


def test_other_optimizers_stay_with_numpy():
    for optimizer in (vradam.Lion(), baselines.Nesterov(), baselines.RAdam(), _Own(), SimpleNamespace(alpha0=1.0)):
        assert method(optimizer) is None


@pytest.mark.parametrize("runs", [1, 3, 4, 5, 8])
def test_tiles_hold_the_runs_in_order_and_the_last_run_beyond(runs):
    plan, values = plan_of(vradam.VRAdam(), runs), np.arange(runs) + 0.5
    tiles = np.full((math.ceil(runs / 4), 3, 4), np.nan)
    methods.fill(tiles, 1, values, plan)
    methods.fill(tiles, 2, 2.5, plan)
    assert np.isnan(tiles[:, 0]).all() and (tiles[:, 2] == 2.5).all()
    expected = [values[min(i, runs - 1)] for i in range(tiles[:, 1].size)]
    assert tiles[:, 1].ravel().tolist() == expected
    methods.fill(tiles, 1, np.array([1.5]), plan)  # one value for all runs, as an array
    assert (tiles[:, 1] == 1.5).all()


def told(optimizer, state, plan, width=4):
    """rows_of for all runs and one row, by name."""
    with np.errstate(over="ignore"):
        found = methods.rows_of(method(optimizer), state, plan, width)
    assert found.shape == (2, rows.STORED, 4)
    flat = found.transpose(1, 0, 2).reshape(rows.STORED, -1)
    assert (flat[:, 5:] == flat[:, 4:5]).all()
    return flat[:, :5]


SPREAD = np.linspace(0.2, 0.9, 5)
STARTED = State(
    velocity=np.array([[0.0, 0.0], [0.1, 0.2], [-0.5, 0.4], [3.0, -4.0], [1e200, 0.0]]),
    second_moment=np.ones((5, 2)),
    kinetic=np.arange(5) / 8,
    step=6,
)


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("gate", ["published", "predictable", "inside"])
@pytest.mark.parametrize("proof_form", [False, True])
def test_rows_at_the_start_are_the_hyper_parameters_and_what_follows_from_them(gate, proof_form, started):
    """K_0 = ||v||^2 where the gate acts on the velocity before the step, the opening 1/(1 + min(beta3 K_0, alpha1))."""
    per_run = {"beta1": SPREAD, "beta2": SPREAD**0.1, "beta3": 3 * SPREAD, "alpha0": SPREAD / 9, "eps": SPREAD / 99}
    optimizer = vradam.VRAdam(
        **per_run, alpha1=7.0, weight_decay=0.02, gate=getattr(gates, gate), proof_form=proof_form
    )
    state = STARTED if started else optimizer.init(np.ones((5, 2)))
    found = told(optimizer, state, plan_of(optimizer, state=state if started else None))
    speed = np.zeros(5)
    if started and gate != "published":
        speed = np.array([min(sum(v * v for v in run), rows.LARGEST) for run in STARTED.velocity.tolist()])
    expected = {
        rows.BETA1: SPREAD,
        rows.IN1: 1 - SPREAD,
        rows.BETA2: SPREAD**0.1,
        rows.IN2: 1 - SPREAD**0.1,
        rows.BETA3: 3 * SPREAD,
        rows.ALPHA0: SPREAD / 9,
        rows.ALPHA1: 7.0,
        rows.EPS: SPREAD / 99,
        rows.DECAY: 0.02,
        rows.GATE_DECAY: 0.0,
        rows.ALIVE: 1.0,
        rows.KINETIC: 0.0,
        rows.PREVIOUS: speed,
        rows.OPENING: 1 / (1 + np.minimum(3 * SPREAD * np.minimum(speed, 1e9), 7.0)),
        rows.POWER1: 0.0 if proof_form else SPREAD**state.step,
        rows.POWER2: (SPREAD**0.1) ** state.step,
    }
    for row in range(rows.STORED):
        np.testing.assert_allclose(found[row], np.broadcast_to(expected.get(row, 0.0), 5), rtol=1e-14, err_msg=str(row))


def test_the_kinetic_energy_at_the_start_is_summed_over_the_coordinates_of_each_run():
    """Runs on a grid, and more coordinates than axes."""
    optimizer = vradam.VRMomentum(gate=gates.predictable)
    velocity = np.arange(18.0).reshape(3, 2, 3)
    state = optimizer.init(velocity)._replace(velocity=velocity)
    plan = checked_plan(optimizer, vradam.objectives.quadratic(np.ones(3)), velocity, 4, None, 3, 0, None, state)
    found = methods.rows_of(method(optimizer), state, plan, 8)[0, rows.PREVIOUS, :6]
    assert found.tolist() == [sum((3 * run + i) ** 2 for i in range(3)) for run in range(6)]


@pytest.mark.parametrize(
    ("optimizer", "wanted"),
    [
        (
            vradam.VRMomentum(gate_decay=0.75),
            {rows.KINETIC: STARTED.kinetic, rows.POWERG: 0.75**6, rows.POWER1: 0.0, rows.POWER2: 0.0},
        ),
        (vradam.VRAdam(gate_decay=0.75, proof_form=True), {rows.KINETIC: STARTED.kinetic, rows.POWERG: 0.0}),
        (vradam.VRMomentum(law=laws.held(0.75)), {rows.KINETIC: STARTED.kinetic, rows.POWERG: 0.0}),
        (vradam.VRMomentum(), {rows.KINETIC: 0.0, rows.POWERG: 0.0, rows.POWER1: 0.0, rows.POWER2: 0.0}),
        (vradam.HeavyBall(beta1=0.75), {rows.IN1: 1.0, rows.POWER1: 0.0}),
        (baselines.RMSProp(beta2=0.75), {rows.IN1: 1.0, rows.BETA1: 0.0, rows.POWER1: 0.0, rows.POWER2: 0.0}),
        (vradam.Adam(beta1=0.5, beta2=0.75), {rows.POWER1: 0.5**6, rows.POWER2: 0.75**6}),
        (vradam.Adam(alpha0=lambda t: 0.1), {rows.ALPHA0: 0.0}),
    ],
)
def test_what_the_gate_has_seen_and_the_powers_go_on_from_the_state(optimizer, wanted):
    state = STARTED._replace(velocity=STARTED.velocity / 1e200)
    found = told(optimizer, state, plan_of(optimizer, state=state))
    for row, value in wanted.items():
        np.testing.assert_allclose(found[row], np.broadcast_to(value, 5), rtol=1e-14)


def test_powers_are_products_and_zero_once_they_no_longer_count():
    """2^-60 is the first power of one half that is gone; one stays one, and zero zero."""
    betas = np.array([0.5, 0.75, 1.0, 0.0])
    for t in (0, 1, 2, 59, 60, 61, 100):
        powers = [math.prod([beta] * t) for beta in betas]
        expected = [power if power > 2.0**-60 else 0.0 for power in powers]
        assert methods.power_by_products(betas, t).tolist() == expected
    assert methods.power_by_products(np.array([0.5, 0.25]), 100).tolist() == [0.0, 0.0]


def test_rates_are_those_of_the_steps_to_come():
    plan = plan_of(vradam.VRAdam())
    assert methods.rates_of(0.1, 3, 4, plan).tolist() == [[0.0]]
    assert methods.rates_of(lambda t: 0.5 * t, 3, 4, plan).tolist() == [[2.0], [2.5], [3.0], [3.5]]
    spread = np.arange(5) / 4
    found = methods.rates_of(lambda t: t * spread if t % 2 else 0.5 * t, 3, 3, plan)
    np.testing.assert_array_equal(found, [np.full(5, 2.0), 5 * spread, np.full(5, 3.0)])
    with pytest.raises(ValueError, match=r"alpha0 at step 5 must broadcast .*, shape \(5,\), got shape \(2,\)"):
        methods.rates_of(lambda t: np.ones(2) if t == 5 else 1.0, 3, 4, plan)


@pytest.mark.parametrize(
    ("source", "kind", "scale", "limit"),
    [
        (noise.gaussian(SPREAD), draws.GAUSSIAN, SPREAD, 0.0),
        (noise.gaussian(0.5, bound=SPREAD + 1), draws.TRUNCATED, 0.5, SPREAD + 1),
        (noise.two_point(0.25, SPREAD), draws.TWO_POINT, -SPREAD, 3 * SPREAD),
        (noise.uniform(SPREAD), draws.UNIFORM, SPREAD, 0.0),
        (noise.minibatch(3), draws.MINIBATCH, 0.0, 0.0),
    ],
)
def test_noise_is_told_by_its_kind_its_keys_and_its_two_numbers(source, kind, scale, limit):
    problem = vradam.objectives.logistic_regression(np.eye(2), np.arange(2))
    plan = checked_plan(vradam.VRAdam(), problem, np.ones((5, 2)), 4, source, 3, 0, None)
    plan = plan._replace(seed=np.arange(10, 15).astype(np.uint64))
    assert methods.noise_kind(source) == kind
    keys, scales = methods.noise_rows(source, plan, 4)
    assert keys.shape == (2, 3, 4) and scales.shape == (2, 2, 4) and keys.dtype == np.uint64
    first, second = keys.transpose(1, 0, 2).reshape(3, 8), scales.transpose(1, 0, 2).reshape(2, 8)
    assert first[0].tolist() == [10, 11, 12, 13, 14, 14, 14, 14] and first[1].tolist() == [0, 1, 2, 3, 4, 4, 4, 4]
    assert set(first[2].tolist()) == ({2**62} if kind == draws.TWO_POINT else {0})
    np.testing.assert_allclose(second[0, :5], np.broadcast_to(scale, 5), rtol=1e-15)
    np.testing.assert_allclose(second[1, :5], np.broadcast_to(limit, 5), rtol=1e-15)


def test_no_noise_has_no_keys():
    keys, scales = methods.noise_rows(None, plan_of(vradam.VRAdam()), 4)
    assert methods.noise_kind(None) == draws.EXACT
    assert keys.shape == (2, 3, 4) and scales.shape == (2, 2, 4) and not keys.any() and not scales.any()
