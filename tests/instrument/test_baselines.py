"""Every baseline against a plain-Python reading of its paper, one coordinate and one float at a time."""

import math
import pickle
from dataclasses import fields, replace
from fractions import Fraction

import numpy as np
import pytest

from vradam import laws
from vradam.baselines import (
    Adam,
    AdamW,
    GradientDescent,
    HeavyBall,
    Lion,
    Nesterov,
    RAdam,
    RMSProp,
    rectification,
)
from vradam.gates import gradient_norm, inside, per_coordinate, power, predictable, published
from vradam.momentum import VRMomentum

CURVATURE = [1.0, 4.0, 0.25]
START = [3.0, -2.0, 0.7]
GATES = [published, predictable, inside, gradient_norm, power(3), per_coordinate]
BASELINES = [GradientDescent, HeavyBall, Nesterov, VRMomentum, RMSProp, Adam, AdamW, RAdam, Lion]
every_baseline = pytest.mark.parametrize("baseline", BASELINES, ids=lambda baseline: baseline.__name__)


def gradient(x, t):
    """A gradient that changes from step to step, so that no term of a recursion can hide."""
    return [h * xi + 0.3 * math.sin(1.7 * t + i) for i, (h, xi) in enumerate(zip(CURVATURE, x, strict=True))]


def path_of(optimizer, steps=120, start=START):
    x = np.array(start)
    state, path, rates = optimizer.init(x), [], []
    for t in range(1, steps + 1):
        x, state = optimizer.step(x, np.array(gradient(x, t)), state)
        path.append(x)
        rates.append(float(optimizer.learning_rate(state)))
    assert state.step == steps
    return np.array(path), np.array(rates)


def reference(update, steps=120, start=START):
    """``update(x, g, t, memory) -> x`` on lists of floats; ``memory`` is a dict that starts empty."""
    x, memory, path = list(start), {}, []
    for t in range(1, steps + 1):
        x = update(x, gradient(x, t), t, memory)
        path.append(x)
    return np.array(path)


def same(path, expected, rtol=1e-12):
    np.testing.assert_allclose(path, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


def shrink(x, eta, decay):
    return [xi - eta * decay * xi for xi in x]


def test_gradient_descent():
    def update(x, g, t, memory):
        return [xi - 0.2 * gi for xi, gi in zip(shrink(x, 0.2, 0.05), g, strict=True)]

    path, rates = path_of(GradientDescent(alpha0=0.2, weight_decay=0.05))
    same(path, reference(update))
    assert (rates == 0.2).all()


def test_heavy_ball_is_polyaks_three_term_recursion():
    def update(x, g, t, memory):
        before = memory.get("before", x)
        memory["before"] = x
        return [xi - 0.1 * gi + 0.7 * (xi - bi) for xi, gi, bi in zip(x, g, before, strict=True)]

    same(path_of(HeavyBall(alpha0=0.1, beta1=0.7))[0], reference(update))


def test_nesterov_is_the_two_sequence_scheme():
    """y_t = theta_{t-1} - alpha0 g(theta_{t-1}), theta_t = y_t + beta1 (y_t - y_{t-1})."""

    def update(x, g, t, memory):
        y = [xi - 0.1 * gi for xi, gi in zip(x, g, strict=True)]
        before = memory.get("y", list(START))
        memory["y"] = y
        return [yi + 0.7 * (yi - bi) for yi, bi in zip(y, before, strict=True)]

    same(path_of(Nesterov(alpha0=0.1, beta1=0.7))[0], reference(update))


def test_decoupled_decay_of_the_momentum_methods():
    for optimizer, lookahead in [(HeavyBall(alpha0=0.1, beta1=0.7, weight_decay=0.2), False)] + [
        (Nesterov(alpha0=0.1, beta1=0.7, weight_decay=0.2), True)
    ]:

        def update(x, g, t, memory, lookahead=lookahead):
            v = [0.7 * vi + gi for vi, gi in zip(memory.get("v", [0.0] * 3), g, strict=True)]
            memory["v"] = v
            direction = [gi + 0.7 * vi for gi, vi in zip(g, v, strict=True)] if lookahead else v
            return [si - 0.1 * di for si, di in zip(shrink(x, 0.1, 0.2), direction, strict=True)]

        same(path_of(optimizer)[0], reference(update))


def plain_vrmomentum(gate, alpha0, alpha1, beta1, beta3, weight_decay, gate_decay, rates):
    def energy(v):
        return sum(vi**2 for vi in v)

    def opening(k):
        return 1 / (1 + min(beta3 * k, alpha1))

    def update(x, g, t, memory):
        old = memory.get("v", [0.0] * len(x))
        enters = [opening(energy(old)) * gi for gi in g] if gate is inside else g
        v = [beta1 * vi + (1 - beta1) * gi for vi, gi in zip(old, enters, strict=True)]
        memory["u"] = gate_decay * memory.get("u", 0.0) + (1 - gate_decay) * energy(v)
        gates = {
            "published": [opening(memory["u"] / (1 - gate_decay**t))] * len(x),
            "predictable": [opening(energy(old))] * len(x),
            "inside": [1.0] * len(x),
            "gradient_norm": [opening(energy(g))] * len(x),
            "power(3)": [opening(energy(v) ** 1.5)] * len(x),
            "per_coordinate": [opening(vi**2) for vi in v],
        }[gate.name]
        rates.append(alpha0 * (opening(energy(old)) if gate is inside else sum(gates) / len(gates)))
        memory["v"] = v
        return [xi - alpha0 * c * (weight_decay * xi + vi) for xi, vi, c in zip(x, v, gates, strict=True)]

    return update


@pytest.mark.parametrize(
    ("gate", "gate_decay"),
    [(gate, 0.0) for gate in GATES] + [(published, 0.8)],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_vrmomentum_with_every_gate(gate, gate_decay):
    numbers = {"alpha0": 0.4, "alpha1": 0.6, "beta1": 0.6, "beta3": 1.5, "weight_decay": 0.03, "gate_decay": gate_decay}
    expected_rates = []
    expected = reference(plain_vrmomentum(gate, rates=expected_rates, **numbers))
    path, rates = path_of(VRMomentum(**numbers, gate=gate))
    same(path, expected)
    same(rates, expected_rates)
    clipped = rates.min() if gate is not per_coordinate else 0.25  # one rate stands for three
    assert clipped == pytest.approx(0.25, rel=1e-12) and len(np.unique(rates)) > 20


def test_rmsprop():
    def update(x, g, t, memory):
        m = [0.95 * mi + 0.05 * gi**2 for mi, gi in zip(memory.get("m", [0.0] * 3), g, strict=True)]
        memory["m"] = m
        return [si - 0.02 * gi / (math.sqrt(mi) + 1e-3) for si, gi, mi in zip(shrink(x, 0.02, 0.3), g, m, strict=True)]

    same(path_of(RMSProp(alpha0=0.02, beta2=0.95, eps=1e-3, weight_decay=0.3))[0], reference(update))


def plain_adam(alpha0, beta1, beta2, eps, weight_decay):
    """With the bias corrections folded into the learning rate, as in section 2 of arXiv:1412.6980."""

    def update(x, g, t, memory):
        m = [beta1 * mi + (1 - beta1) * gi for mi, gi in zip(memory.get("m", [0.0] * 3), g, strict=True)]
        v = [beta2 * vi + (1 - beta2) * gi**2 for vi, gi in zip(memory.get("v", [0.0] * 3), g, strict=True)]
        memory.update(m=m, v=v)
        root = math.sqrt(1 - beta2**t)
        rate, hat = alpha0 * root / (1 - beta1**t), eps * root
        steps = [rate * mi / (math.sqrt(vi) + hat) for mi, vi in zip(m, v, strict=True)]
        return [si - step for si, step in zip(shrink(x, alpha0, weight_decay), steps, strict=True)]

    return update


def test_adam_and_adamw():
    numbers = {"alpha0": 0.05, "beta1": 0.8, "beta2": 0.97, "eps": 1e-3}
    same(path_of(Adam(**numbers))[0], reference(plain_adam(**numbers, weight_decay=0.0)))
    same(path_of(AdamW(**numbers, weight_decay=0.2))[0], reference(plain_adam(**numbers, weight_decay=0.2)))


@pytest.mark.parametrize("beta2", [0.999, 0.9, 0.66, 0.5])
def test_radam(beta2):
    """rho is the length of the simple average whose centre of mass is that of the beta2-average so far."""
    alpha0, beta1, eps, adaptive, steps = 0.05, 0.8, 1e-3, [], 120

    def update(x, g, t, memory):
        m = [beta1 * mi + (1 - beta1) * gi for mi, gi in zip(memory.get("m", [0.0] * 3), g, strict=True)]
        v = [beta2 * vi + (1 - beta2) * gi**2 for vi, gi in zip(memory.get("v", [0.0] * 3), g, strict=True)]
        memory.update(m=m, v=v)
        weights = [beta2 ** (t - i) for i in range(1, t + 1)]
        centre = sum(w * (t + 1 - i) for i, w in zip(range(1, t + 1), weights, strict=True)) / sum(weights)
        rho, limit = 2 * centre - 1, (1 + beta2) / (1 - beta2)
        adaptive.append(rho > 4)
        factor = math.sqrt((rho - 4) / (limit - 4) * (rho - 2) / (limit - 2) * limit / rho) if rho > 4 else 1.0
        mean = [mi / (1 - beta1**t) for mi in m]
        roots = [math.sqrt(vi / (1 - beta2**t)) + eps if rho > 4 else 1.0 for vi in v]
        change = [alpha0 * factor * mi / root for mi, root in zip(mean, roots, strict=True)]
        return [si - ci for si, ci in zip(shrink(x, alpha0, 0.1), change, strict=True)]

    expected = reference(update, steps)
    path, rates = path_of(RAdam(alpha0=alpha0, beta1=beta1, beta2=beta2, eps=eps, weight_decay=0.1))
    same(path, expected, rtol=1e-10)  # the corrections 1 - beta2^t cancel in rho
    first = {0.999: 5, 0.9: 5, 0.66: 7, 0.5: steps + 1}[beta2]  # rho_7 = 4.07 at 0.66; at 0.5 rho stays below 3
    assert adaptive == [t >= first for t in range(1, steps + 1)] and (rates[~np.array(adaptive)] == alpha0).all()
    early = rates[adaptive][:20]
    assert (np.diff(early) > 0).all() and (early < alpha0).all()


@pytest.mark.parametrize("exponent", [1, 4, 10, 16, 27, 40, 53])
def test_the_rectification_is_exact_however_close_beta2_is_to_one(exponent):
    """rho_t in rational arithmetic, q = 1 - beta2 = 2^-k: its definition as a difference of numbers near 2/q."""
    beta2 = 1 - Fraction(1, 2**exponent)
    limit = 2 / (1 - beta2) - 1
    for t in (1, 2, 4, 5, 6, 20, 1000):
        rho = limit - 2 * t * beta2**t / (1 - beta2**t)
        rectified, r = rectification(np.array(float(beta2)), t)
        assert bool(rectified) == (rho > 4)
        if rho > 4:
            exact = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
            assert float(r) == pytest.approx(math.sqrt(exact), rel=1e-11)


def test_lion():
    def update(x, g, t, memory):
        m = memory.get("m", [0.0] * 3)
        signs = [math.copysign(1, 0.8 * mi + 0.2 * gi) for mi, gi in zip(m, g, strict=True)]
        memory["m"] = [0.95 * mi + 0.05 * gi for mi, gi in zip(m, g, strict=True)]
        return [si - 0.03 * sign for si, sign in zip(shrink(x, 0.03, 0.4), signs, strict=True)]

    same(path_of(Lion(alpha0=0.03, beta1=0.8, beta2=0.95, weight_decay=0.4))[0], reference(update))


# --- Reductions and edges ----------------------------------------------------------------------------------------


def test_reductions_between_baselines():
    numbers = {"alpha0": 0.05, "beta2": 0.98, "eps": 1e-6}
    same(path_of(AdamW(**numbers, weight_decay=0.0))[0], path_of(Adam(**numbers))[0], rtol=0)
    same(path_of(HeavyBall(alpha0=0.1, beta1=0.0))[0], path_of(GradientDescent(alpha0=0.1))[0], rtol=0)
    same(path_of(Nesterov(alpha0=0.1, beta1=0.0))[0], path_of(GradientDescent(alpha0=0.1))[0], rtol=0)
    heavy, ungated = HeavyBall(alpha0=0.05, beta1=0.75), VRMomentum(alpha0=0.2, beta1=0.75, beta3=0.0)
    same(path_of(heavy)[0], path_of(ungated)[0])
    closed = VRMomentum(alpha0=0.2, beta1=0.75, beta3=1e30, alpha1=3.0)  # the clip always acts
    same(path_of(closed)[0], path_of(VRMomentum(alpha0=0.05, beta1=0.75, beta3=0.0))[0])


@pytest.mark.parametrize(
    ("optimizer", "edge"),
    [
        (GradientDescent(), lambda beta: 2.0),
        (HeavyBall(beta1=0.7), lambda beta: 2 * (1 + beta)),
        (Nesterov(beta1=0.7), lambda beta: 2 * (1 + beta) / (1 + 2 * beta)),
        (VRMomentum(beta1=0.7, beta3=0.0), lambda beta: 2 * (1 + beta) / (1 - beta)),
        (VRMomentum(beta1=0.7), lambda beta: 2 * (1 + beta) / (1 - beta)),
    ],
    ids=lambda value: getattr(type(value), "__name__", "edge"),
)
def test_the_edge_of_stability_on_a_quadratic(optimizer, edge):
    """F = x^2/2 from a start so small that a gate stays open: alpha0 at 0.98 of the edge decays, at 1.02 grows."""
    sizes = {}
    for factor in (0.98, 1.02):
        tuned = replace(optimizer, alpha0=factor * edge(getattr(optimizer, "beta1", 0.0)))
        x = np.array([1e-9])
        state = tuned.init(x)
        for _ in range(600):
            x, state = tuned.step(x, x, state)
        sizes[factor] = abs(x.item())
    assert sizes[0.98] < 1e-10 < 1e-8 < sizes[1.02]


# --- The protocol ------------------------------------------------------------------------------------------------


@every_baseline
def test_steps_are_pure_keep_float32_and_follow_a_schedule(baseline):
    optimizer = baseline(alpha0=lambda t: 0.5 / t)
    x, grad = np.ones((2, 3), np.float32), np.full((2, 3), 0.25, np.float32)
    state = optimizer.init(x)
    kept = [np.copy(part) for part in state]
    first, after = optimizer.step(x, grad, state)
    assert all(np.array_equal(part, copy) for part, copy in zip(state, kept, strict=True))
    assert (x == 1).all() and (grad == 0.25).all() and state.step == 0
    assert first.dtype == after.velocity.dtype == after.second_moment.dtype == np.float32
    assert after.kinetic.shape == (2,)
    _, later = optimizer.step(first, grad, after)
    ratio = optimizer.learning_rate(later) / optimizer.learning_rate(after)
    gate = 1.0 if baseline is not VRMomentum else (1 + 0.0625 * 3 * 0.1**2) / (1 + 0.0625 * 3 * 0.19**2)
    np.testing.assert_allclose(ratio, 0.5 * gate, rtol=1e-6)


@every_baseline
def test_a_schedule_is_evaluated_at_the_step_being_taken(baseline):
    """Step t under a schedule is step t at the constant rate schedule(t), t = 1, 2, ..."""
    scheduled = baseline(alpha0=lambda t: 0.5 / t**2)
    x = np.array(START)
    state = scheduled.init(x)
    assert scheduled.learning_rate(state) == 0.5
    for t in range(1, 8):
        constant, _ = replace(scheduled, alpha0=0.5 / t**2).step(x, np.array(gradient(x, t)), state)
        x, state = scheduled.step(x, np.array(gradient(x, t)), state)
        assert np.array_equal(x, constant)


def test_the_defaults_are_those_of_the_sources():
    moments = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    gate = {
        "alpha1": 10.0,
        "beta1": 0.9,
        "beta3": 1.0,
        "weight_decay": 0.0,
        "gate_decay": 0.0,
        "gate": published,
        "law": laws.published,
    }
    expected = {
        GradientDescent: {"alpha0": 1e-2, "weight_decay": 0.0},
        HeavyBall: {"alpha0": 1e-2, "beta1": 0.9, "weight_decay": 0.0},
        Nesterov: {"alpha0": 1e-2, "beta1": 0.9, "weight_decay": 0.0},
        VRMomentum: {"alpha0": 1e-2, **gate},
        RMSProp: {"alpha0": 1e-2, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.0},
        Adam: {"alpha0": 1e-3, **moments},
        AdamW: {"alpha0": 1e-3, **moments, "weight_decay": 1e-2},
        RAdam: {"alpha0": 1e-3, **moments, "weight_decay": 0.0},
        Lion: {"alpha0": 1e-4, "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0},
    }
    assert {baseline: vars(baseline()) for baseline in BASELINES} == expected


@every_baseline
def test_lists_are_read_as_float64_and_optimizers_can_be_sent_elsewhere(baseline):
    optimizer = pickle.loads(pickle.dumps(baseline()))
    x, state = optimizer.step([1, 2], [1, -1], optimizer.init([1, 2]))
    assert x.dtype == np.float64 and state.step == 1
    with pytest.raises(AttributeError):
        optimizer.alpha0 = 1.0


@every_baseline
def test_bad_input_is_named(baseline):
    optimizer = baseline()
    for field in fields(baseline):
        if field.name in ("gate", "law"):
            continue
        with pytest.raises(ValueError, match=f"{field.name} must lie in"):
            baseline(**{field.name: -0.5})
        with pytest.raises(TypeError, match=f"{field.name} must hold real numbers"):
            baseline(**{field.name: True})
        if field.name != "alpha0":
            with pytest.raises(TypeError, match=f"{field.name} must hold real numbers"):
                baseline(**{field.name: lambda t: 0.5})
    with pytest.raises(ValueError, match="grad must have the shape of x"):
        optimizer.step(np.ones(3), np.ones(2), optimizer.init(np.ones(3)))
    with pytest.raises(ValueError, match="got a scalar"):
        optimizer.init(1.0)
    with pytest.raises(ValueError, match="alpha0 must broadcast to the runs"):
        many = baseline(alpha0=[0.1, 0.2, 0.3])
        many.step(np.ones((2, 3)), np.ones((2, 3)), many.init(np.ones((2, 3))))


def test_vrmomentum_smooths_every_gate_that_acts_on_the_step():
    with pytest.raises(ValueError, match="gate_decay must be 0 with the gate 'inside'"):
        VRMomentum(gate=inside, gate_decay=0.5)
    VRMomentum(gate=predictable, gate_decay=0.5)
    with pytest.raises(TypeError, match="gate must be one of"):
        VRMomentum(gate="inside")


@every_baseline
def test_huge_gradients_overflow_without_nan(baseline):
    optimizer = baseline()
    x, state = optimizer.step(np.ones(2), np.array([1e200, -1e200]), optimizer.init(np.ones(2)))
    assert np.isfinite(x).all() and np.isfinite(state.second_moment).all() and np.isfinite(state.velocity).all()
