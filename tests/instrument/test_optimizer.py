"""Algorithm 1, held against exact arithmetic, against its reductions and against its invariances."""

import re
from fractions import Fraction

import numpy as np
import pytest

from vradam.gates import FORMS, gradient_norm, inside, per_coordinate, power, predictable, published
from vradam.optimizer import VRAdam

ENERGIES = [form for form in FORMS if form.signal is None]
CURVATURE = np.array([1.0, 4.0, 0.25])


def descend(optimizer, x, steps=50, curvature=CURVATURE):
    """The path on F = sum curvature x^2 / 2, and the learning rates."""
    state, path, rates = optimizer.init(x), [], []
    for _ in range(steps):
        x, state = optimizer.step(x, curvature * x, state)
        path.append(x)
        rates.append(optimizer.learning_rate(state))
    return np.array(path), np.array(rates)


def plain_adamw(x, steps, alpha0, beta1, beta2, eps, weight_decay, curvature=CURVATURE):
    """AdamW written from its paper (arXiv:1711.05101, Algorithm 2), coordinate by coordinate with plain floats."""
    path = []
    x, m, v = list(map(float, x)), [0.0] * len(x), [0.0] * len(x)
    for t in range(1, steps + 1):
        for i in range(len(x)):
            g = float(curvature[i]) * x[i]
            m[i] = beta1 * m[i] + (1 - beta1) * g
            v[i] = beta2 * v[i] + (1 - beta2) * g * g
            update = (m[i] / (1 - beta1**t)) / ((v[i] / (1 - beta2**t)) ** 0.5 + eps)
            x[i] = x[i] - alpha0 * weight_decay * x[i] - alpha0 * update
        path.append(list(x))
    return np.array(path)


@pytest.mark.parametrize("closed", [{"beta3": 0.0}, {"alpha1": 0.0}])
@pytest.mark.parametrize("gate", FORMS, ids=lambda gate: gate.name)
def test_without_a_gate_every_variant_is_adamw(closed, gate):
    x = np.array([3.0, -2.0, 0.7])
    optimizer = VRAdam(alpha0=0.05, weight_decay=0.1, gate=gate, **closed)
    path, rates = descend(optimizer, x)
    np.testing.assert_allclose(path, plain_adamw(x, 50, 0.05, 0.9, 0.999, 1e-8, 0.1), rtol=1e-13, atol=1e-14)
    assert (rates == 0.05).all()


def test_with_the_clip_always_active_it_is_adamw_at_the_smallest_rate():
    x, alpha1 = np.array([3.0, -2.0, 0.7]), 4.0
    path, rates = descend(VRAdam(alpha0=0.05, alpha1=alpha1, beta3=1e30), x)
    np.testing.assert_allclose(
        path, plain_adamw(x, 50, 0.05 / (1 + alpha1), 0.9, 0.999, 1e-8, 0.0), rtol=1e-13, atol=1e-14
    )
    np.testing.assert_allclose(rates, 0.05 / (1 + alpha1), rtol=1e-15)


def exact_learning_rates(x, steps, curvature, alpha0, alpha1, beta1, beta3, gate_decay):
    """eta_t of the published and the smoothed gate in rational arithmetic, along the points x, x/2, x/4, ..."""
    v, u, rates = [Fraction(0)] * len(x), Fraction(0), []
    for t in range(1, steps + 1):
        g = [h * xi for h, xi in zip(curvature, x, strict=True)]
        v = [beta1 * vi + (1 - beta1) * gi for vi, gi in zip(v, g, strict=True)]
        u = gate_decay * u + (1 - gate_decay) * sum(vi * vi for vi in v)
        rates.append(alpha0 / (1 + min(beta3 * u / (1 - gate_decay**t), alpha1)))
        x = [xi / 2 for xi in x]
    return rates


@pytest.mark.parametrize("gate_decay", [Fraction(0), Fraction(3, 4)])
def test_the_gate_in_exact_arithmetic(gate_decay):
    """The norm runs over all coordinates, the velocity in it is not bias-corrected, u_t is."""
    x, curvature = [Fraction(3), Fraction(-2)], [Fraction(1), Fraction(1, 4)]
    parameters = {"alpha0": Fraction(1, 8), "alpha1": Fraction(1, 2), "beta1": Fraction(7, 8), "beta3": Fraction(2)}
    expected = exact_learning_rates(x, 12, curvature, gate_decay=gate_decay, **parameters)
    optimizer = VRAdam(**{name: float(value) for name, value in parameters.items()}, gate_decay=float(gate_decay))
    point, rates = np.array(x, dtype=float), []
    state = optimizer.init(point)
    for _ in range(12):
        _, state = optimizer.step(point, np.array(curvature, dtype=float) * point, state)
        rates.append(float(optimizer.learning_rate(state)))
        point = point / 2
    np.testing.assert_allclose(rates, [float(rate) for rate in expected], rtol=1e-14)
    assert len(set(expected)) > 6 and min(expected) == Fraction(1, 12)  # unclipped and clipped steps


@pytest.mark.parametrize(
    ("gate", "first", "second"),
    [
        (published, [0.25 * 25], None),
        (predictable, [0.0], [0.25 * 25]),
        (inside, [0.0], [0.25 * 25]),
        (gradient_norm, [25.0], [25.0]),
        (power(4), [(0.25 * 25) ** 2], None),
        (per_coordinate, [0.25 * 9, 0.25 * 16], None),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_each_gate_sees(gate, first, second):
    """g = (3, 4) and beta1 = 1/2: v_1 = (1.5, 2), ||v_1||^2 = 25/4."""
    optimizer = VRAdam(beta1=0.5, gate=gate)
    x, grad = np.array([1.0, 1.0]), np.array([3.0, 4.0])
    x, state = optimizer.step(x, grad, optimizer.init(x))
    np.testing.assert_allclose(np.atleast_1d(state.kinetic), first, rtol=1e-15)
    if second is not None:
        x, state = optimizer.step(x, grad, state)
        np.testing.assert_allclose(np.atleast_1d(state.kinetic), second, rtol=1e-15)


def test_the_gate_inside_acts_on_the_gradient_and_not_on_the_step():
    optimizer = VRAdam(alpha0=0.1, alpha1=100.0, beta1=0.5, gate=inside)
    x, grad = np.array([1.0, 1.0]), np.array([3.0, 4.0])
    x1, s1 = optimizer.step(x, grad, optimizer.init(x))
    x2, s2 = optimizer.step(x1, grad, s1)
    gamma = 1 / (1 + 6.25)
    np.testing.assert_allclose(s2.velocity, 0.5 * s1.velocity + 0.5 * gamma * grad, rtol=1e-15)
    step = 0.1 * (s2.velocity / (1 - 0.25)) / (np.sqrt(grad**2) + 1e-8)  # second moment of a constant gradient
    np.testing.assert_allclose(x1 - x2, step, rtol=1e-12)


def test_proof_form_is_the_update_of_defossez_et_al():
    """x_n = x_{n-1} - alpha (1-beta1) Omega_n m_n / sqrt(eps + v_n), m_n and v_n plain sums; u_n uncorrected."""
    alpha, beta1, beta2, eps, beta3 = 0.1, 0.8, 0.95, 1e-3, 0.7
    optimizer = VRAdam(alpha0=alpha, beta1=beta1, beta2=beta2, eps=eps, beta3=beta3, proof_form=True, gate_decay=0.6)
    x = np.array([2.0, -1.0])
    y, m, v, u, state = x.copy(), np.zeros(2), np.zeros(2), 0.0, optimizer.init(x)
    for n in range(1, 30):
        x, state = optimizer.step(x, np.sin(x), state)
        g = np.sin(y)
        m, v = beta1 * m + g, beta2 * v + g * g
        u = 0.6 * u + 0.4 * (1 - beta1) ** 2 * np.sum(m * m)
        gamma = 1 / (1 + min(beta3 * u, 10.0))
        omega = np.sqrt(sum(beta2**j for j in range(n)))
        y = y - alpha * gamma * (1 - beta1) * omega * m / np.sqrt(eps + v)
        np.testing.assert_allclose(x, y, rtol=1e-12)


def test_adagrad_is_the_proof_form_at_beta2_equal_to_one():
    optimizer = VRAdam(alpha0=0.1, beta1=0.0, beta2=1.0, beta3=0.0, eps=1e-4, proof_form=True)
    x = np.array([2.0, -1.0])
    y, total, state = x.copy(), np.zeros(2), optimizer.init(x)
    for _ in range(20):
        x, state = optimizer.step(x, x, state)
        total = total + y * y
        y = y - 0.1 * y / np.sqrt(1e-4 + total)
    np.testing.assert_allclose(x, y, rtol=1e-13)


def test_the_defaults_are_those_that_are_documented():
    optimizer = VRAdam()
    numbers = {"alpha0": 1e-3, "alpha1": 10.0, "beta1": 0.9, "beta2": 0.999, "beta3": 1.0, "eps": 1e-8}
    assert {name: getattr(optimizer, name) for name in numbers} == numbers
    assert optimizer.weight_decay == optimizer.gate_decay == 0 and not optimizer.proof_form
    assert optimizer.gate == published


@pytest.mark.parametrize("shape", [(2,), (3, 2), (4, 3, 2)])
def test_the_state_has_a_number_for_each_run_or_for_each_coordinate(shape):
    for gate in FORMS:
        state = VRAdam(gate=gate).init(np.ones(shape))
        assert state.velocity.shape == state.second_moment.shape == shape and state.step == 0
        expected = shape if gate.per_coordinate else shape[:-1]
        assert state.kinetic.shape == (expected if not gate.memory else (*expected, 1 + gate.memory))
        assert not np.any(state.kinetic) and not np.any(state.velocity) and not np.any(state.second_moment)


def test_step_is_pure():
    optimizer, x, grad = VRAdam(), np.ones(3), np.arange(3.0)
    state = optimizer.init(x)
    _, state = optimizer.step(x, grad, state)
    before = [np.array(part) for part in (x, grad, *state)]
    optimizer.step(x, grad, state)
    for old, new in zip(before, (x, grad, *state), strict=True):
        np.testing.assert_array_equal(old, new)


def test_types_lists_and_integers_become_float64_and_float32_stays():
    optimizer = VRAdam()
    x, state = optimizer.step([1, 2], [3, 4], optimizer.init([1, 2]))
    assert x.dtype == state.velocity.dtype == np.float64
    x32 = np.array([1, 2], np.float32)
    x, state = optimizer.step(x32, x32, optimizer.init(x32))
    assert x.dtype == state.velocity.dtype == state.second_moment.dtype == np.float32
    assert state.kinetic.dtype == np.float64


def test_the_norm_of_float32_is_accumulated_in_float64():
    """2^24 + 1 is the first integer that float32 cannot hold: a float32 sum of ones would stop there."""
    x = np.ones((1, 100_003), np.float32)
    optimizer = VRAdam(beta1=0.0, beta3=1.0, alpha1=np.inf)
    _, state = optimizer.step(x, x * np.float32(4097), optimizer.init(x))
    assert state.kinetic[0] == 100_003 * 4097.0**2


@pytest.mark.parametrize("gate", ENERGIES, ids=lambda gate: gate.name)
@pytest.mark.parametrize("alpha1", [0.0, 10.0, np.inf])
@pytest.mark.parametrize("beta3", [0.0, 1.0, 1e300])
def test_overflow_of_the_norm_saturates_the_gate(gate, alpha1, beta3):
    x = np.array([1e200, -1e200])
    optimizer = VRAdam(alpha0=0.1, alpha1=alpha1, beta3=beta3, beta2=0.0, gate=gate)
    state = optimizer.init(x)
    for _ in range(5):
        x, state = optimizer.step(x, x, state)
        rate = optimizer.learning_rate(state)
        assert np.isfinite(x).all() and 0.1 / (1 + alpha1) <= rate <= 0.1
    if beta3 > 0 and np.isfinite(alpha1):
        np.testing.assert_allclose(rate, 0.1 / (1 + alpha1), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_beyond_the_root_of_the_largest_float_a_step_is_longer_than_alpha0(dtype):
    """g^2 counts as the largest float M: the step is alpha0 |g|/sqrt(M), as stated; below sqrt(M) it is alpha0."""
    most = float(np.finfo(dtype).max)
    g = np.array([1e4 * most**0.5, -50 * most**0.5, 0.5 * most**0.5], dtype)
    optimizer = VRAdam(alpha0=0.25, beta1=0.0, beta2=0.0, beta3=0.0)
    x, state = optimizer.step(np.zeros(3, dtype), g, optimizer.init(np.zeros(3, dtype)))
    np.testing.assert_allclose(x, [-0.25 * 1e4, 0.25 * 50, -0.25], rtol=1e-6)
    assert state.second_moment[0] == state.second_moment[1] == np.finfo(dtype).max > state.second_moment[2]


@pytest.mark.parametrize("gate_decay", [0.3, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("beta3", [0.0, 1.0])
def test_overflow_of_the_smoothed_energy_saturates_the_gate(gate_decay, beta3):
    """u_t/(1 - beta_g^t) rounds to infinity where u_t is capped: beta3 = 0 is AdamW even so."""
    x = np.array([1e200, -1e200])
    optimizer = VRAdam(alpha0=0.1, alpha1=3.0, beta3=beta3, gate_decay=gate_decay)
    state = optimizer.init(x)
    for _ in range(20):
        x, state = optimizer.step(x, x, state)
        assert np.isfinite(x).all()
        np.testing.assert_allclose(optimizer.learning_rate(state), 0.1 if beta3 == 0 else 0.025, rtol=1e-15)


@pytest.mark.parametrize("k", [0.5, 1, 1.96, 2, 2.04, 3, 6])
def test_a_power_sees_that_power_of_the_speed(k):
    _, state = VRAdam(beta1=0.0, gate=power(k)).step(np.zeros(2), np.array([3.0, 4.0]), VRAdam().init(np.zeros(2)))
    assert state.kinetic == pytest.approx(5.0**k, rel=1e-14)


def test_a_power_rounds_alike_in_a_batch_and_alone():
    optimizer, x = VRAdam(gate=power(2.7)), np.random.default_rng(0).normal(size=(500, 3))
    batch = optimizer.step(x, x, optimizer.init(x))[1].kinetic
    alone = [optimizer.step(row, row, optimizer.init(row))[1].kinetic for row in x]
    np.testing.assert_array_equal(batch, alone)


@pytest.mark.parametrize(
    ("name", "value"), [("beta1", 1 - 1e-9), ("beta2", 1 - 1e-9), ("eps", 1e-60), ("alpha0", 1e60)]
)
def test_float32_refuses_what_it_rounds_out_of_the_domain(name, value):
    """A decay of 1 or an eps of 0 would make a step NaN; float64 takes them."""
    optimizer, x = VRAdam(**{name: value}), np.array([1.0, 0.0])
    assert np.isfinite(optimizer.step(x, x, optimizer.init(x))[0]).all()
    x32 = x.astype(np.float32)
    message = re.escape(f"{name} must stay in its domain when rounded to float32, got {value}")
    with pytest.raises(ValueError, match=message):
        optimizer.step(x32, x32, optimizer.init(x32))


def test_a_schedule_is_called_with_the_step_from_one():
    seen = []

    def alpha0(t):
        seen.append(t)
        return 0.1 / t

    optimizer = VRAdam(alpha0=alpha0, beta3=0.0)
    x, state = np.ones(2), VRAdam().init(np.ones(2))
    for t in (1, 2, 3):
        x, state = optimizer.step(x, x, state)
        assert optimizer.learning_rate(state) == 0.1 / t
    assert set(seen) == {1, 2, 3}


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"beta1": 1.2}, r"beta1 must lie in \[0, 1\), got 1.2"),
        ({"beta1": 1.0}, r"beta1 must lie in \[0, 1\), got 1.0"),
        ({"beta2": -0.1}, r"beta2 must lie in \[0, 1\), got -0.1"),
        ({"beta2": 1.0}, r"beta2 must lie in \[0, 1\), got 1.0"),
        ({"beta3": -1}, r"beta3 must lie in \[0, inf\), got -1.0"),
        ({"beta3": np.inf}, r"beta3 must lie in \[0, inf\), got inf"),
        ({"alpha0": -1e-3}, r"alpha0 must lie in \[0, inf\), got -0.001"),
        ({"alpha0": np.nan}, r"alpha0 must lie in \[0, inf\), got nan"),
        ({"alpha1": -1}, r"alpha1 must lie in \[0, inf\], got -1.0"),
        ({"eps": 0}, r"eps must lie in \(0, inf\), got 0.0"),
        ({"weight_decay": [-1, 0]}, r"weight_decay must lie in \[0, inf\), got -1.0"),
        ({"gate_decay": 1.0}, r"gate_decay must lie in \[0, 1\), got 1.0"),
        ({"gate_decay": 0.9, "gate": inside}, "gate_decay must be 0 with the gate 'inside'"),
        ({"gate_decay": [0.0, 0.9], "gate": inside}, "gate_decay must be 0 with the gate 'inside'"),
    ],
)
def test_hyper_parameters_out_of_domain(argument, message):
    with pytest.raises(ValueError, match=message):
        VRAdam(**argument)


@pytest.mark.parametrize("value", [True, 1j, "0.1", None, [True, False], np.array([object()])])
def test_hyper_parameters_of_the_wrong_type(value):
    with pytest.raises(TypeError, match="beta1 must"):
        VRAdam(beta1=value)


def test_power_must_be_positive():
    with pytest.raises(ValueError, match=r"k must lie in \(0, inf\), got 0.0"):
        power(0)


def test_gate_must_be_a_gate():
    with pytest.raises(TypeError, match=r"gate must be one of vradam\.gates, got 'inside'"):
        VRAdam(gate="inside")


@pytest.mark.parametrize("bad", [np.array([True, False]), np.array([1j, 2]), np.array(["a", "b"]), [[1], [1, 2]]])
def test_points_and_gradients_of_the_wrong_type(bad):
    optimizer, x = VRAdam(), np.ones(2)
    with pytest.raises(TypeError, match="x must"):
        optimizer.init(bad)
    with pytest.raises(TypeError, match="grad must"):
        optimizer.step(x, bad, optimizer.init(x))


def test_shapes_that_do_not_fit():
    optimizer, x = VRAdam(), np.ones((3, 2))
    with pytest.raises(ValueError, match=r"grad must have the shape of x, \(3, 2\), got \(2,\)"):
        optimizer.step(x, np.ones(2), optimizer.init(x))
    with pytest.raises(ValueError, match=r"x must have shape \(..., d\), got a scalar"):
        optimizer.init(1.0)
    for name in ("alpha0", "alpha1", "beta1", "beta2", "beta3", "eps", "weight_decay", "gate_decay"):
        wrong = VRAdam(**{name: np.full(4, 0.5)})
        with pytest.raises(ValueError, match=rf"{name} must broadcast to the runs, shape \(3,\), got shape \(4,\)"):
            wrong.step(x, x, optimizer.init(x))
