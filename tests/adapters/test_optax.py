"""The optax transformation is the recursion of ``vradam.VRAdam``, as a tree or as one vector, traced or not."""

from functools import cache

import numpy as np
import pytest

import vradam
from vradam import gates, laws, objectives
from vradam.adapted import in_adam_metric
from vradam.laws import averaged, held

optax = pytest.importorskip("optax", reason='pip install -e ".[optax]"')
jax = pytest.importorskip("jax", reason='pip install -e ".[optax]"')

import jax.numpy as jnp  # noqa: E402

import vradam.optax as ours  # noqa: E402

DIM = 28
SETTING = {"alpha1": 4.0, "beta3": 0.7, "eps": 1e-6, "weight_decay": 0.05}
FORMS = [form for form in gates.FORMS if form.signal is None or in_adam_metric(form)]
PAIRS = [(form, laws.published) for form in FORMS]
PAIRS += [(form, law) for form in (gates.published, gates.per_coordinate, gates.adam_metric) for law in gates.LAWS[1:]]
CURVATURE = np.geomspace(0.05, 4.0, DIM)


@pytest.fixture(autouse=True, scope="module")
def compiled_quickly():
    """Without the compiler's costly optimizations: the trees are small, and a step is traced for every setting."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def slope(x, t):
    """A gradient that keeps the gate busy: open, half closed and clipped."""
    return CURVATURE * x + (1 + 2 * np.sin(0.05 * t)) * np.cos(np.arange(DIM) * t)


def as_tree(flat):
    """The vector as parameters are: nested, of several shapes, one of them a number."""
    return {"a": (flat[:3], flat[3:13].reshape(2, 5)), "b": [flat[13:25].reshape(4, 1, 3), flat[25], flat[26:]]}


def as_vector(tree):
    return np.concatenate([np.asarray(leaf, dtype=np.float64).ravel() for leaf in jax.tree.leaves(tree)])


def train(optimizer, steps, dtype=np.float64):
    """Parameters, state, and the openings after each of ``steps`` traced steps."""
    params = as_tree(jnp.asarray(np.linspace(-2, 2, DIM), dtype))
    state = optimizer.init(params)

    @jax.jit
    def step(params, state, gradient):
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state

    openings = []
    for t in range(1, steps + 1):
        params, state = step(params, state, as_tree(jnp.asarray(slope(as_vector(params), t), dtype)))
        openings.append(float(ours.opening(state)))
    return params, state, np.array(openings)


@cache
def reference(steps, alpha0=3e-2, **options):
    optimizer = vradam.VRAdam(alpha0=alpha0, **(SETTING | options))
    x = np.linspace(-2, 2, DIM)
    state, rates = optimizer.init(x), []
    for t in range(1, steps + 1):
        x, state = optimizer.step(x, slope(x, t), state)
        rates.append(float(optimizer.learning_rate(state)))
    return x, np.array(rates)


@pytest.mark.parametrize(("form", "law"), PAIRS, ids=lambda part: part.name)
def test_100_steps_are_those_of_the_instrument(form, law, double):
    options = {"beta3": 40.0 if form is gates.adam_metric else 1.2, "alpha1": 3.0, "gate": form, "law": law}
    params, _, openings = train(ours.vradam(0.3, **(SETTING | options)), 100)
    x, rates = reference(100, alpha0=0.3, **options)
    np.testing.assert_allclose(as_vector(params), x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(0.3 * openings, rates, rtol=1e-12)
    assert rates.max() > 1.1 * rates.min()  # the gate was at work


def test_gate_decay_is_a_spelling_of_the_averaged_law(double):
    spellings = ({"gate_decay": 0.95}, {"law": averaged(0.95)})
    one, other = (train(ours.vradam(3e-2, **SETTING, **spelling), 50) for spelling in spellings)
    np.testing.assert_array_equal(as_vector(one[0]), as_vector(other[0]))


def test_the_clip_share_counts_the_steps_at_the_clip(double):
    _, state, openings = train(ours.vradam(3e-2, **SETTING), 200)
    clipped = (abs(openings * (1 + SETTING["alpha1"]) - 1) < 1e-12).sum()
    assert 0 < clipped < 200
    np.testing.assert_allclose(float(ours.clip_share(state)), clipped / 200)


def test_float32_stays_within_its_rounding():
    """Each step rounds parameter and moments a few times, and the bowl does not let errors grow."""
    params, _, _ = train(ours.vradam(3e-2, **SETTING), 500, np.float32)
    x, _ = reference(500)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype("float32")}
    assert abs(as_vector(params) - x).max() <= 500 * 2.0**-24 * abs(x).max()


@pytest.mark.parametrize("closed", [{"beta3": 0.0}, {"alpha1": 0.0}])
def test_without_a_gate_it_is_the_adamw_of_optax(closed, double):
    setting = SETTING | closed
    params, _, openings = train(ours.vradam(3e-2, **setting), 200)
    theirs = train_theirs(optax.adamw(3e-2, eps=SETTING["eps"], weight_decay=SETTING["weight_decay"]), 200)
    np.testing.assert_allclose(as_vector(params), as_vector(theirs), rtol=1e-11, atol=1e-12)
    assert (openings == 1).all()


def train_theirs(optimizer, steps):
    params, update = as_tree(jnp.linspace(-2, 2, DIM)), jax.jit(optimizer.update)
    state = optimizer.init(params)
    for t in range(1, steps + 1):
        updates, state = update(as_tree(jnp.asarray(slope(as_vector(params), t))), state, params)
        params = optax.apply_updates(params, updates)
    return params


def test_a_schedule_counts_from_zero_and_the_gate_divides_it(double):
    schedule = optax.cosine_decay_schedule(3e-2, decay_steps=50)
    params, _, openings = train(ours.vradam(schedule, **SETTING), 60)
    x, rates = reference_with(lambda t: float(schedule(t - 1)), 60)
    np.testing.assert_allclose(as_vector(params), x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose([float(schedule(t)) * o for t, o in enumerate(openings)], rates, rtol=1e-12)


def reference_with(alpha0, steps):
    optimizer = vradam.VRAdam(alpha0=alpha0, **SETTING)
    x, rates = np.linspace(-2, 2, DIM), []
    state = optimizer.init(x)
    for t in range(1, steps + 1):
        x, state = optimizer.step(x, slope(x, t), state)
        rates.append(float(optimizer.learning_rate(state)))
    return x, np.array(rates)


def test_every_number_can_be_injected(double):
    injected = optax.inject_hyperparams(ours.vradam)(3e-2, **SETTING, gate_decay=0.95)
    params, state, _ = train(injected, 50)
    expected, _, _ = train(ours.vradam(3e-2, **SETTING, gate_decay=0.95), 50)
    np.testing.assert_allclose(as_vector(params), as_vector(expected), rtol=1e-6)
    names = {"learning_rate", "b1", "b2", "beta3", "alpha1", "eps", "weight_decay", "gate_decay"}
    assert names <= set(state.hyperparams)


def test_nothing_is_traced_twice_and_every_dtype_stays():
    traced = []
    optimizer = ours.vradam(1e-2, law=held(0.9))

    @jax.jit
    def step(params, state):
        traced.append(1)
        updates, state = optimizer.update(params, state, params)
        return optax.apply_updates(params, updates), state

    params = {"half": jnp.ones(3, jnp.bfloat16), "single": jnp.ones(2, jnp.float32)}
    state = optimizer.init(params)
    before = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), (params, state))
    for _ in range(3):
        params, state = step(params, state)
    assert len(traced) == 1
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), (params, state)) == before
    assert state[0].count.dtype == jnp.int32 and int(state[0].count) == 3


def test_mu_dtype_is_that_of_the_velocity():
    params, state, _ = train(ours.vradam(3e-2, mu_dtype=jnp.bfloat16), 3, np.float32)
    assert {leaf.dtype for leaf in jax.tree.leaves(state[0].mu)} == {jnp.dtype("bfloat16")}
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype("float32")}


def test_the_norm_runs_over_what_the_transformation_is_given(double):
    """All of a tree; what is not masked; each label of ``multi_transform`` for itself."""
    x = {"a": jnp.array([3.0, 0.0]), "b": jnp.array([4.0])}

    def openings(optimizer):
        state = optimizer.update(x, optimizer.init(x), x)[1]
        parts = jax.tree.leaves(state, is_leaf=lambda part: isinstance(part, ours.ScaleByVRAdamState))
        return sorted(float(part.opening) for part in parts if isinstance(part, ours.ScaleByVRAdamState))

    np.testing.assert_allclose(openings(ours.vradam(0.1)), [1 / 1.25])
    np.testing.assert_allclose(openings(optax.masked(ours.vradam(0.1), {"a": True, "b": False})), [1 / 1.09])
    each = {"a": ours.vradam(0.1), "b": ours.vradam(0.1)}
    split = openings(optax.multi_transform(each, {"a": "a", "b": "b"}))
    np.testing.assert_allclose(split, [1 / 1.16, 1 / 1.09])


def test_weight_decay_shrinks_with_the_gate_and_may_be_masked(double):
    x, g = {"w": jnp.array([2.0]), "b": jnp.array([2.0])}, {"w": jnp.array([10.0]), "b": jnp.array([0.0])}
    optimizer = ours.vradam(0.1, weight_decay=0.5, mask={"w": False, "b": True})
    updates, _ = optimizer.update(g, optimizer.init(x), x)
    np.testing.assert_allclose(updates["b"], [-0.1 / 2.0 * 0.5 * 2.0])  # |v|^2 = 1: the gate is half open
    np.testing.assert_allclose(updates["w"], [-0.1 / 2.0], rtol=1e-7)
    with pytest.raises(ValueError, match="params"):
        optimizer.update(g, optimizer.init(x))


def test_complex_parameters_follow_optax(double):
    x = jnp.array([1 + 2j, -3j])
    theirs, mine = optax.adam(0.1), ours.vradam(0.1, beta3=0.0)
    expected, _ = theirs.update(x, theirs.init(x), x)
    got, state = mine.update(x, mine.init(x), x)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    gated = ours.vradam(0.1)
    np.testing.assert_allclose(float(ours.opening(gated.update(x, gated.init(x), x)[1])), 1 / (1 + 0.01 * 14))
    assert state[0].nu.dtype == jnp.float64


def test_the_norm_of_a_large_float32_array_is_exact_to_float32():
    x = jax.random.normal(jax.random.key(0), (3_000_001,)) * 1e-2
    exact = float((np.asarray(x, dtype=np.float64) ** 2).sum())
    optimizer = ours.scale_by_vradam(b1=0.0, alpha1=jnp.inf)
    state = jax.jit(optimizer.update)(x, optimizer.init(x))[1]
    np.testing.assert_allclose(float(state.energy), exact, rtol=1e-6)


def test_overflow_saturates_the_gate_and_beta3_zero_opens_it(double):
    for beta3, expected in ((1.0, 1 / 11), (0.0, 1.0)):
        optimizer = ours.vradam(0.1, beta3=beta3)
        g = jnp.array([1e200, 1.0])
        state = optimizer.update(g, optimizer.init(g), g)[1]
        np.testing.assert_allclose(float(ours.opening(state)), expected, rtol=1e-15)


BAD = {
    "learning_rate": ({"learning_rate": -1.0}, ValueError, r"learning_rate must lie in \[0, inf\), got -1.0"),
    "b1": ({"b1": 1.0}, ValueError, r"b1 must lie in \[0, 1\), got 1.0"),
    "b1 array": ({"b1": jnp.array(1.5)}, ValueError, r"b1 must lie in \[0, 1\), got 1.5"),
    "b1 arrays": ({"b1": jnp.array([0.5, 0.6])}, TypeError, r"b1 must be a number in \[0, 1\)"),
    "b2": ({"b2": -0.1}, ValueError, r"b2 must lie in \[0, 1\), got -0.1"),
    "beta3": ({"beta3": float("inf")}, ValueError, r"beta3 must lie in \[0, inf\), got inf"),
    "alpha1": ({"alpha1": -1.0}, ValueError, r"alpha1 must lie in \[0, inf\], got -1.0"),
    "eps": ({"eps": 0.0}, ValueError, r"eps must lie in \(0, inf\), got 0.0"),
    "weight_decay": ({"weight_decay": float("nan")}, ValueError, r"weight_decay must lie in \[0, inf\), got nan"),
    "gate_decay": ({"gate_decay": 1.0}, ValueError, r"gate_decay must lie in \[0, 1\), got 1.0"),
    "both": ({"gate_decay": 0.5, "law": held(0.9)}, ValueError, "gate_decay must be 0 with the law held"),
    "inside": ({"gate": gates.inside, "law": held(0.9)}, ValueError, "law must be published with the gate 'inside'"),
    "w0": ({"law": held(0.9, w0=20.0)}, ValueError, r"w0 must lie in \[0, alpha1\], got 20.0 with alpha1 10.0"),
    "signal": ({"gate": gates.autocorrelation()}, ValueError, "gate must be a norm or adam_metric, got 'autocorr"),
    "gate": ({"gate": "published"}, TypeError, "gate must be one of vradam.gates"),
    "law": ({"law": 0.9}, TypeError, "law must be published, averaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name(name):
    options, error, message = BAD[name]
    with pytest.raises(error, match=message):
        ours.vradam(**({"learning_rate": 1e-3} | options))


INPUTS, LABELS = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 5


def loss(params):
    x, y = jnp.asarray(INPUTS), jnp.asarray(LABELS)
    logits = jnp.tanh(x @ params["w1"] + params["b1"]) @ params["w2"] + params["b2"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def network():
    """149 parameters: beyond what is computed densely."""
    keys = jax.random.split(jax.random.key(1))
    first, second = (jax.random.normal(key, shape) for key, shape in zip(keys, ((3, 16), (16, 5)), strict=True))
    return {"w1": first, "b1": jnp.zeros(16), "w2": second / 4, "b2": jnp.zeros(5)}


def test_sharpness_is_the_largest_eigenvalue_of_the_whole_hessian(double):
    params, optimizer = network(), ours.vradam(1e-2)
    state = optimizer.init(params)
    slope_of, update = jax.jit(jax.grad(loss)), jax.jit(optimizer.update)
    for _ in range(20):
        updates, state = update(slope_of(params), state, params)
        params = optax.apply_updates(params, updates)
    flat, back = jax.flatten_util.ravel_pytree(params)
    H = np.asarray(jax.jit(jax.hessian(lambda x: loss(back(x))))(flat))
    np.testing.assert_allclose(ours.sharpness(loss, params, tolerance=1e-8), np.linalg.eigvalsh(H)[-1], rtol=1e-6)
    edge = ours.curvature(loss, params, state, learning_rate=1e-2, tolerance=1e-8)
    root = as_vector(ours.adam_preconditioner()(state)) ** -0.5
    np.testing.assert_allclose(edge.preconditioned, np.linalg.eigvalsh(root[:, None] * H * root)[-1], rtol=1e-6)
    np.testing.assert_allclose(edge.learning_rate, 1e-2 * float(ours.opening(state)))
    np.testing.assert_allclose(edge.threshold * edge.learning_rate, 38.0)
    assert edge.step == 20


def test_along_a_run_it_is_what_the_instrument_measures(double):
    curvatures, x = np.geomspace(0.1, 3.0, 200), jnp.linspace(-1, 1, 200) + 0.1
    expected = vradam.sharpness.along(
        vradam.VRAdam(alpha0=0.02, beta3=0.5), objectives.quadratic(curvatures), x, steps=30, every=10, engine="numpy"
    )

    def bowl(x):
        return jnp.sum(curvatures * x**2) / 2

    optimizer, measured = ours.vradam(0.02, beta3=0.5), []
    state, update = optimizer.init(x), jax.jit(lambda x, state: optimizer.update(jax.grad(bowl)(x), state, x))
    for t in range(1, 31):
        updates, state = update(x, state)
        x = optax.apply_updates(x, updates)
        if t % 10 == 0:
            measured.append(ours.curvature(bowl, x, state, learning_rate=0.02, tolerance=1e-10))
    found = vradam.sharpness.series(measured)
    for name in ("step", "sharpness", "preconditioned", "learning_rate", "threshold"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name)[1:], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("optimizer", [optax.adam(1e-2, b1=0.8), optax.adamw(1e-2, b1=0.8, weight_decay=0.0)])
def test_the_preconditioner_is_what_the_step_divides_by(optimizer, double):
    """theta_t - theta_{t-1} = -eta_t P_t^-1 v_t, with v_t averaged here from the gradients."""
    params = network()
    state, v = optimizer.init(params), 0.0
    slope_of, update = jax.jit(jax.grad(loss)), jax.jit(optimizer.update)
    for _ in range(10):
        gradient = slope_of(params)
        v = 0.8 * v + 0.2 * as_vector(gradient)
        updates, state = update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    P = ours.adam_preconditioner(b1=0.8)(state)
    np.testing.assert_allclose(as_vector(updates), -1e-2 * v / as_vector(P), rtol=1e-9)


def test_an_optimizer_of_ones_own_takes_part_and_strangers_are_refused(double):
    x, optimizer = jnp.array([1.0, 2.0]), optax.scale_by_schedule(lambda _: -0.1)
    state = optimizer.update(x, optimizer.init(x))[1]

    def bowl(x):
        return 3 * jnp.sum(x**2)

    edge = ours.curvature(bowl, x, state, 0.1, preconditioner=lambda state: 2 * jnp.ones(2), b1=0.0)
    np.testing.assert_allclose(edge, [1, 6.0, 3.0, 0.1, 20.0])
    with pytest.raises(ValueError, match="state must hold a state of VRAdam or Adam"):
        ours.curvature(bowl, x, state, 0.1)
    with pytest.raises(ValueError, match="state must come from a step"):
        ours.curvature(bowl, x, ours.vradam(0.1).init(x), 0.1)
    with pytest.raises(TypeError, match="params must be real, got a complex parameter"):
        ours.sharpness(bowl, jnp.array([1j]))
