"""What holds for every hyper-parameter in its domain and every shape: drawn examples, most of them bit for bit."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from vradam import baselines, gates, noise, objectives
from vradam.baselines import AdamW, GradientDescent, HeavyBall, Nesterov
from vradam.gates import FORMS, held
from vradam.momentum import VRMomentum
from vradam.optimizer import VRAdam
from vradam.simulation import simulate

LARGEST = float(np.finfo(np.float64).max)
GATES = [
    gates.published,
    gates.predictable,
    gates.inside,
    gates.gradient_norm,
    gates.power(3),
    gates.per_coordinate,
]
UNGATED = [
    getattr(baselines, name) for name in ("GradientDescent", "HeavyBall", "Nesterov", "RMSProp", "Adam", "AdamW")
]
UNGATED += [baselines.RAdam, baselines.Lion]

#: The whole domain of each hyper-parameter.
DOMAIN = {
    "alpha0": st.floats(0, LARGEST),
    "alpha1": st.floats(0, float("inf")),
    "beta1": st.floats(0, 1, exclude_max=True),
    "beta2": st.floats(0, 1, exclude_max=True),
    "beta3": st.floats(0, LARGEST),
    "eps": st.floats(0, LARGEST, exclude_min=True),
    "weight_decay": st.floats(0, LARGEST),
    "gate_decay": st.floats(0, 1, exclude_max=True),
}
#: Where runs neither overflow nor underflow, so that laws hold to rounding or bit for bit.
MODERATE = {
    "alpha0": st.floats(1e-4, 1.0),
    "alpha1": st.floats(0.01, 100.0),
    "beta1": st.floats(0, 0.99),
    "beta2": st.floats(0, 0.999),
    "beta3": st.floats(1e-3, 100.0),
    "eps": st.floats(1e-8, 1e-2),
    "weight_decay": st.floats(0, 0.5),
    "gate_decay": st.floats(0, 0.99),
}
finite = st.floats(allow_nan=False, allow_infinity=False)
moderate = st.floats(-8, 8).map(lambda value: round(value, 6))


@st.composite
def optimizers(draw, kinds=(VRAdam, VRMomentum), values=MODERATE, forms=GATES):
    """An optimizer with every hyper-parameter drawn; the gate ``inside`` has the published law."""
    kind = draw(st.sampled_from(kinds))
    drawn = {name: draw(value) for name, value in values.items() if name in kind.__dataclass_fields__}
    if kind in (VRAdam, VRMomentum):
        drawn["gate"] = draw(st.sampled_from(forms))
        if drawn["gate"].on_gradient:
            drawn["gate_decay"] = 0.0
        elif draw(st.booleans()):
            drawn["gate_decay"], drawn["law"] = 0.0, held(draw(st.floats(0.1, 0.99)))
    return kind(**drawn)


def gradients(elements=moderate, steps=4, dim=3):
    """Gradients of a few steps, (steps, dim); no two runs in the tests can drift apart by their feedback."""
    return arrays(np.float64, (steps, dim), elements=elements)


def walk(optimizer, x, grads):
    """The points and learning rates of the steps along ``grads`` (steps, ..., d), and the last state."""
    state, path, rates = optimizer.init(x), [], []
    for grad in grads:
        x, state = optimizer.step(x, grad, state)
        path.append(x)
        rates.append(optimizer.learning_rate(state))
    return np.array(path), np.array(rates), state


@given(optimizers(values=DOMAIN), gradients(finite))
def test_the_gate_stays_in_its_range_over_the_whole_domain(optimizer, grads):
    """alpha0/(1 + alpha1) <= eta_t <= alpha0 whatever the gate sees, overflow included; to two roundings."""
    _, rates, _ = walk(optimizer, np.zeros(3), grads)
    assert (rates <= optimizer.alpha0 * (1 + 2e-16)).all()
    assert (rates >= optimizer.alpha0 * (1 / (1 + optimizer.alpha1)) * (1 - 4e-16) - 1e-323).all()


@given(optimizers(kinds=[VRAdam], values=DOMAIN), gradients(finite), st.sampled_from(["beta3", "alpha1"]), finite)
def test_without_its_gate_every_variant_is_adamw_bit_for_bit(optimizer, grads, closed, x):
    """beta3 = 0 or alpha1 = 0, over the whole domain; where AdamW overflows, so does VRAdam."""
    names = ("alpha0", "beta1", "beta2", "eps", "weight_decay")
    adamw = AdamW(**{name: getattr(optimizer, name) for name in names})
    ungated = replace(optimizer, **{closed: 0.0})
    path, rates, state = walk(ungated, np.full(3, x), grads)
    expected, _, its = walk(adamw, np.full(3, x), grads)
    np.testing.assert_array_equal(path, expected)
    np.testing.assert_array_equal(state.second_moment, its.second_moment)
    assert (rates == adamw.alpha0).all()


@given(optimizers(forms=[gates.published]), gradients(st.floats(1, 8)), st.integers(1, 6))
def test_with_the_clip_always_active_it_is_the_ungated_method_at_the_smallest_rate_bit_for_bit(optimizer, grads, k):
    """1 + alpha1 = 2^k makes alpha0/(1 + alpha1) exact; gradients of one sign keep the clip active."""
    optimizer = replace(optimizer, alpha1=2.0**k - 1, beta3=1e6)
    slow = replace(optimizer, alpha0=optimizer.alpha0 / 2.0**k, beta3=0.0)
    path, rates, _ = walk(optimizer, np.ones(3), grads)
    expected, slow_rates, _ = walk(slow, np.ones(3), grads)
    np.testing.assert_array_equal(path, expected)
    np.testing.assert_array_equal(rates, slow_rates)


def rotation(seed, dim):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, dim)))[0]


@given(
    optimizers([VRMomentum], forms=[form for form in FORMS if not form.per_coordinate]),
    gradients(dim=5),
    st.integers(0, 2**32),
)
def test_vrmomentum_turns_with_the_space(optimizer, grads, seed):
    """x -> Rx, g -> Rg: every gate that sees a norm commutes with rotations."""
    R, x = rotation(seed, 5), np.arange(5.0)
    path, rates, _ = walk(optimizer, x, grads)
    turned, turned_rates, _ = walk(optimizer, R @ x, grads @ R.T)
    np.testing.assert_allclose(turned, path @ R.T, rtol=0, atol=1e-13 * (10 + np.abs(path).max()))
    np.testing.assert_allclose(turned_rates, rates, rtol=1e-13)


@pytest.mark.parametrize("optimizer", [VRAdam(), VRMomentum(gate=gates.per_coordinate)], ids=["VRAdam", "gates"])
def test_what_acts_on_coordinates_does_not_turn_with_the_space(optimizer):
    R, x, grads = rotation(1, 3), np.zeros(3), np.array([[1.0, -2.0, 3.0]])
    path, _, _ = walk(optimizer, x, grads)
    turned, _, _ = walk(optimizer, x, grads @ R.T)
    assert np.abs(turned - path @ R.T).max() > 0.01 * np.abs(path).max()


@given(optimizers([VRAdam, VRMomentum, *UNGATED], forms=FORMS), gradients(dim=7), st.permutations(range(7)))
def test_coordinates_have_no_order(optimizer, grads, order):
    """Bit for bit without a norm; to the rounding of the norm with one."""
    path, rates, _ = walk(optimizer, np.arange(7.0), grads)
    other, other_rates, _ = walk(optimizer, np.arange(7.0)[order], grads[:, order])
    rtol = 0.0 if type(optimizer) in UNGATED else 1e-14
    np.testing.assert_allclose(other, path[:, order], rtol=rtol, atol=rtol * (10 + np.abs(path).max()))
    np.testing.assert_allclose(other_rates, rates, rtol=rtol)


@st.composite
def batches(draw):
    """An optimizer whose hyper-parameters are numbers or arrays over the runs, and the shape (..., d) of its points."""
    shape = draw(array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=9))
    optimizer = draw(optimizers([VRAdam, VRMomentum, *UNGATED], forms=FORMS))
    names = sorted(MODERATE.keys() & type(optimizer).__dataclass_fields__.keys())
    several = draw(st.sets(st.sampled_from(names)))
    if getattr(optimizer, "gate_decay", 0.0) == 0:
        several -= {"gate_decay"}
    spread = np.random.default_rng(draw(st.integers(0, 2**32))).uniform(0.1, 1, shape[:-1])
    return replace(optimizer, **{name: getattr(optimizer, name) * spread for name in several}), several, shape


@given(batches(), st.integers(0, 2**32), st.sampled_from([np.float64, np.float32]), st.sampled_from("CF"))
def test_a_batch_is_its_runs_one_by_one_bit_for_bit(batch, seed, dtype, layout):
    """Any shape, any choice of hyper-parameters over the runs, both precisions, and however the memory is laid out."""
    optimizer, several, shape = batch
    rng = np.random.default_rng(seed)
    x, grads = rng.normal(size=shape).astype(dtype), rng.normal(size=(3, *shape)).astype(dtype)
    path, rates, state = walk(optimizer, np.asarray(x, order=layout), [np.asarray(g, order=layout) for g in grads])
    for run in {tuple(int(rng.integers(n)) for n in shape[:-1]) for _ in range(4)}:
        alone = replace(optimizer, **{name: float(getattr(optimizer, name)[run]) for name in several})
        own_path, own_rates, own_state = walk(alone, x[run].copy(), grads[(slice(None), *run)].copy())
        np.testing.assert_array_equal(path[(slice(None), *run)], own_path)
        np.testing.assert_array_equal(rates[(slice(None), *run)], own_rates)
        np.testing.assert_array_equal(state.velocity[run], own_state.velocity)
        np.testing.assert_array_equal(state.kinetic[run], own_state.kinetic)


@settings(max_examples=15)
@given(st.sampled_from(["numpy", "compiled"]), st.sets(st.integers(1, 149), max_size=4), st.integers(0, 2**32))
def test_any_split_of_a_simulation_gives_the_same_bits(engine, cuts, seed):
    """What a run records does not know its batch, down to batches of one run."""
    if engine == "compiled":
        pytest.importorskip("numba", reason="the compiled engine needs Numba")
    optimizer, law = VRAdam(alpha0=0.01, beta3=5.0), noise.gaussian(0.2)
    x0, seeds = np.random.default_rng(seed).normal(size=(150, 3)), np.arange(150) + seed
    whole = simulate(optimizer, objectives.log_cosh(3), x0, 20, law, seeds, every=10, engine=engine)
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), 150], strict=True):
        part = slice(begin, end)
        some = simulate(optimizer, objectives.log_cosh(3), x0[part], 20, law, seeds[part], every=10, engine=engine)
        for name in ("x", "value", "grad_norm", "learning_rate", "mean_grad_norm_squared"):
            np.testing.assert_array_equal(getattr(some, name), getattr(whole, name)[part], err_msg=name)


@given(optimizers([VRMomentum]), gradients(), st.integers(-20, 20))
def test_scaling_law_of_vrmomentum(optimizer, grads, k):
    """x -> c x with beta3 -> beta3/c^2 (c^k for ||.||^k) maps runs onto runs; bit for bit for c a power of two.

    The velocity scales like the gradient, the gate sees the same number and everything else is linear: no other
    hyper-parameter changes, weight decay included. The power k = 3 is rounded anew, hence its tolerance.
    """
    c, x = 2.0**k, np.array([1.0, -2.0, 0.5])
    path, rates, _ = walk(optimizer, x, grads)
    scaled = replace(optimizer, beta3=optimizer.beta3 / c**optimizer.gate.exponent)
    scaled_path, scaled_rates, _ = walk(scaled, c * x, c * grads)
    tolerance = 0.0 if optimizer.gate.exponent == 2 else 1e-14
    np.testing.assert_allclose(scaled_path, c * path, rtol=tolerance, atol=tolerance * c * (10 + np.abs(path).max()))
    np.testing.assert_allclose(scaled_rates, rates, rtol=tolerance)


@given(optimizers([VRAdam]), gradients(), st.integers(-20, 20), st.booleans())
def test_scaling_law_of_vradam(optimizer, grads, k, proof_form):
    """For VRAdam the law needs more, since a step has the size of alpha0 and not of the gradient.

    x -> c x with beta3 -> beta3/c^2, alpha0 -> c alpha0, weight_decay -> weight_decay/c and eps -> c eps (c^2 eps in
    the proofs' form, where it stands inside the root). A gradient alone that scales, F -> c F, changes no point if only
    beta3 and eps follow it.
    """
    optimizer = replace(optimizer, proof_form=proof_form)
    c, x = 2.0**k, np.array([1.0, -2.0, 0.5])
    steeper = replace(
        optimizer,
        beta3=optimizer.beta3 / c**optimizer.gate.exponent,
        eps=optimizer.eps * (c * c if proof_form else c),
    )
    scaled = replace(steeper, alpha0=c * optimizer.alpha0, weight_decay=optimizer.weight_decay / c)
    path, rates, _ = walk(optimizer, x, grads)
    same, same_rates, _ = walk(steeper, x, c * grads)
    scaled_path, scaled_rates, _ = walk(scaled, c * x, c * grads)
    tolerance = 0.0 if optimizer.gate.exponent == 2 else 1e-14
    atol = tolerance * (10 + np.abs(path).max())
    np.testing.assert_allclose(same, path, rtol=tolerance, atol=atol)
    np.testing.assert_allclose(scaled_path, c * path, rtol=tolerance, atol=c * atol)
    np.testing.assert_allclose(same_rates, rates, rtol=tolerance)
    np.testing.assert_allclose(scaled_rates, c * rates, rtol=tolerance)


def test_vradam_does_not_scale_with_beta3_alone():
    x, grads, c = np.ones(3), np.ones((3, 3)), 2.0
    path, _, _ = walk(VRAdam(alpha0=0.1), x, grads)
    scaled, _, _ = walk(VRAdam(alpha0=0.1, beta3=1 / c**2), c * x, c * grads)
    assert (np.abs(scaled - c * path) > 0.05).all()


U = 2.0**-24  # the rounding of float32


def float32_bound(optimizer, x, grads):
    """How far float32 may be from float64 after each step along the same gradients, (steps, d), to first order in U.

    With k_i = 1/(1 - beta_i), rounding beta_i changes 1 - beta_i by the factor 1 + k_i U, and t roundings of beta_i^t
    change 1 - beta_i^t by (t + 4) k_i U relatively; a coefficient of the average after t steps carries 3t + 2 roundings
    more. So the velocity is wrong by at most (k_1 + 3t + 2) U V, where V is the velocity of |g|; the second moment
    has no cancellation and half its error reaches its root. With n = t + 5 the direction is therefore wrong by at
    most U (n (k_1 + k_2) + 5 n) times that of V. The gate gamma of E = ||v||^2 changes relatively by
    2 beta3 ||v|| ||dv||/(1 + min(beta3 E, alpha1)), since min is a contraction, and by one cast to float32. The
    point takes four roundings of its own and is carried along by |1 - eta lambda| <= 1. Second order: the factor 2.
    """
    k1, k2 = 1 / (1 - optimizer.beta1), 1 / (1 - optimizer.beta2)
    _, rates, _ = walk(optimizer, x, grads)
    state, upper = optimizer.init(x), optimizer.init(x)
    error, bounds, start = np.zeros_like(x), [], optimizer.init(x)
    for t, grad in enumerate(grads, 1):
        n = t + 5
        before = x
        x, state = optimizer.step(x, grad, state)
        _, upper = optimizer.step(start.velocity, np.abs(grad), upper)
        root = np.sqrt(state.second_moment / (1 - optimizer.beta2**t)) + optimizer.eps
        largest = rates[t - 1] * upper.velocity / (1 - optimizer.beta1**t) / root
        dv = (k1 + 3 * t + 2) * np.linalg.norm(upper.velocity)
        gate = 2 * optimizer.beta3 * np.linalg.norm(state.velocity) * dv * rates[t - 1] / optimizer.alpha0 + 2
        error = error + (n * (k1 + k2) + 5 * n + gate) * largest + (4 + gate) * np.abs(before) + np.abs(x)
        bounds.append(2 * U * error)
    return np.array(bounds)


@given(
    optimizers([VRAdam], forms=[gates.published]),
    arrays(np.float32, (12, 3), elements=st.floats(-8, 8, width=32).filter(lambda g: g == 0 or abs(g) > 1e-6)),
)
def test_float32_stays_within_its_error_bound_of_float64(optimizer, grads):
    x = np.array([1.0, -2.0, 0.5])
    optimizer = replace(optimizer, gate_decay=0.0)
    exact, _, _ = walk(optimizer, x, grads.astype(float))
    single, rates, _ = walk(optimizer, x.astype(np.float32), grads)
    assert single.dtype == np.float32 and rates.dtype == np.float64
    assert (np.abs(single - exact) <= float32_bound(optimizer, x, grads.astype(float))).all()


def test_the_float32_bound_is_not_idle():
    """It is a few hundred roundings where nothing cancels; a float32 of one bit less would be found out."""
    grads = np.full((12, 3), 1.7)
    optimizer = VRAdam(alpha0=0.1, beta1=0.5, beta2=0.5, beta3=0.1)
    x = np.ones(3)
    bound = float32_bound(optimizer, x, grads)
    assert (bound[-1] < 2000 * U).all() and (bound[0] < 100 * U).all()


def overflows(optimizer, x, grads):
    """Whether some quantity of Algorithm 1 leaves the range of float64, in numbers without a range (mpmath)."""
    number, limit = mpmath.mpf, mpmath.mpf(LARGEST) * (1 - mpmath.mpf(10) ** -12)
    largest = number(LARGEST)
    b1, adam = number(optimizer.beta1), isinstance(optimizer, VRAdam)
    alpha0, decay, bg = number(optimizer.alpha0), number(optimizer.weight_decay), number(optimizer.gate_decay)
    beta3, alpha1 = number(optimizer.beta3), number(optimizer.alpha1)
    v, m, u = [number(0)] * len(x), [number(0)] * len(x), number(0)
    x = [number(float(value)) for value in x]
    for t, grad in enumerate(grads, 1):
        g = [number(float(value)) for value in grad]
        v = [b1 * vi + (1 - b1) * gi for vi, gi in zip(v, g, strict=True)]
        u = bg * u + (1 - bg) * min(sum(vi * vi for vi in v), largest)
        eta = alpha0 / (1 + min(beta3 * u / (1 - bg**t), alpha1))
        seen = [eta, eta * decay, *v]
        direction = v
        if adam:
            b2 = number(optimizer.beta2)
            m = [min(b2 * mi + (1 - b2) * gi * gi, largest) for mi, gi in zip(m, g, strict=True)]
            hats = [vi / (1 - b1**t) for vi in v]
            roots = [mpmath.sqrt(min(mi / (1 - b2**t), largest)) + number(optimizer.eps) for mi in m]
            direction = [hat / root for hat, root in zip(hats, roots, strict=True)]
            seen += [*hats, *direction]
        kept = [(1 - eta * decay) * xi for xi in x]
        steps = [eta * di for di in direction]
        x = [one - other for one, other in zip(kept, steps, strict=True)]
        if any(abs(value) > limit for value in [*seen, *kept, *steps, *x]):
            return True
    return False


@given(optimizers(values=DOMAIN, forms=[gates.published]), gradients(finite, steps=3), finite)
def test_finite_input_never_gives_nan_unless_a_quantity_overflows(optimizer, grads, x):
    path, rates, state = walk(optimizer, np.full(3, x), grads)
    assert np.isfinite(rates).all() and np.isfinite(state.kinetic)
    if not np.isfinite(path).all():
        with mpmath.workprec(200):
            assert overflows(optimizer, np.full(3, x), grads)


def overflow_step(kind, alpha0, beta1, L, x, steps):
    """The first step with a number beyond the largest float, in numbers without a range (mpmath); -1 for none.

    None where a number comes so close to the largest float that rounding decides.
    """
    alpha0, beta1, L, x, v = (mpmath.mpf(value) for value in (alpha0, beta1, L, x, 0))
    for t in range(1, steps + 1):
        g = L * x
        v = g if kind is GradientDescent else beta1 * v + (1 - beta1 if kind is VRMomentum else 1) * g
        direction = g + beta1 * v if kind is Nesterov else v
        x = x - alpha0 * direction
        sizes = [abs(number) / LARGEST for number in (g, v, direction, alpha0 * direction, x)]
        if any(abs(size - 1) < 1e-9 for size in sizes):
            return None
        if any(size > 1 for size in sizes):
            return t
    return -1


@settings(max_examples=40)
@given(
    st.sampled_from([GradientDescent, HeavyBall, Nesterov, VRMomentum]),
    st.floats(0.5, 2.0),
    st.floats(0, 0.9),
    st.floats(30.0, 1e6),
    st.floats(1e-3, 1e3),
)
def test_divergence_is_recorded_at_the_step_where_numbers_without_a_range_would_leave_it(kind, alpha0, beta1, L, x):
    steps = 150
    with mpmath.workdps(60):
        expected = overflow_step(kind, alpha0, beta1, L, x, steps)
    assume(expected is not None)
    parameters = {"alpha0": alpha0, "beta1": beta1, "beta3": 0.0}
    optimizer = kind(**{name: value for name, value in parameters.items() if name in kind.__dataclass_fields__})
    run = simulate(optimizer, objectives.quadratic([L]), [x], steps, engine="numpy")
    assert run.diverged_at == expected
    end = steps + 1 if expected < 0 else expected
    assert np.isfinite(run.x[:end]).all() and np.isnan(run.x[end:]).all()
