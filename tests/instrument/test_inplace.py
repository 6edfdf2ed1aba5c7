"""InPlace takes the steps of VRAdam, however split into arrays, threads and precisions; bad input writes nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest

import vradam
from vradam.baselines import Adam, AdamW
from vradam.engine import passes, single
from vradam.inplace import InPlace

SHAPES = [(3, 700), (1,), (5000,), (40, 50, 2), (0,)]
RNG = np.random.default_rng(7)


def model(dtype=np.float64, shapes=SHAPES):
    return [RNG.standard_normal(shape).astype(dtype) for shape in shapes]


def slopes(arrays, t):
    """Gradients with some structure; their size changes with t so that the gate opens and saturates."""
    return [(np.cos(array + t) * 2.0 ** (t % 5 - 4)).astype(array.dtype) for array in arrays]


def flat(arrays):
    return np.concatenate([array.ravel() for array in arrays]).astype(np.float64)


OPTIMIZERS = {
    "VRAdam": vradam.VRAdam(alpha0=0.01, beta3=0.01, alpha1=5.0),
    "weight decay": vradam.VRAdam(alpha0=0.01, beta3=0.01, weight_decay=0.1),
    "always saturated": vradam.VRAdam(alpha0=0.01, beta3=1e6, alpha1=3.0),
    "unclipped": vradam.VRAdam(alpha0=0.01, beta3=0.1, alpha1=np.inf),
    "smoothed": vradam.VRAdam(alpha0=0.01, beta3=0.01, gate_decay=0.9),
    "held": vradam.VRAdam(alpha0=0.01, beta3=0.01, law=vradam.laws.held(0.8, w0=2.0), weight_decay=0.1),
    "held, no gate": vradam.VRAdam(alpha0=0.01, beta3=0.0, law=vradam.laws.held(0.8, w0=2.0)),
    "Adam's metric": vradam.VRAdam(alpha0=0.01, alpha1=0.5, gate=vradam.gates.adam_metric),
    "Adam's metric, averaged": vradam.VRAdam(alpha0=0.01, gate=vradam.gates.adam_metric, gate_decay=0.9),
    "recommended": vradam.recommended(steps=30, alpha0=0.01),
    "no gate": vradam.VRAdam(alpha0=0.01, beta3=0.0),
    "schedule": vradam.VRAdam(alpha0=vradam.schedules.InverseSqrt(alpha0=0.1), beta3=0.01),
    "Adam": Adam(alpha0=0.01),
    "AdamW": AdamW(alpha0=0.01, weight_decay=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_the_optimizer_on_the_concatenation(name):
    optimizer, arrays = OPTIMIZERS[name], model()
    x = flat(arrays)
    state = optimizer.init(x)
    training = InPlace(optimizer, arrays)
    for t in range(30):
        grads = slopes(arrays, t)
        x, state = optimizer.step(x, flat(grads), state)
        eta = training.step(grads)
        assert eta == pytest.approx(float(optimizer.learning_rate(state)), rel=1e-13)
    np.testing.assert_allclose(flat(arrays), x, rtol=0, atol=1e-12)
    np.testing.assert_allclose(flat(training.velocities), state.velocity, rtol=0, atol=1e-13)
    np.testing.assert_allclose(flat(training.second_moments), state.second_moment, rtol=0, atol=1e-13)
    assert training.steps == 30


def test_single_precision_stays_single_and_agrees_to_rounding():
    optimizer, arrays = OPTIMIZERS["VRAdam"], model(np.float32)
    x = flat(arrays).astype(np.float32)
    state = optimizer.init(x)
    training = InPlace(optimizer, arrays)
    for t in range(20):
        grads = slopes(arrays, t)
        x, state = optimizer.step(x, flat(grads).astype(np.float32), state)
        training.step(grads)
    assert all(array.dtype == np.float32 for array in [*arrays, *training.velocities, *training.second_moments])
    np.testing.assert_allclose(flat(arrays), x, rtol=0, atol=2e-6)


def test_precisions_may_be_mixed_under_one_gate():
    mixed = [RNG.standard_normal(100), RNG.standard_normal(100).astype(np.float32)]
    optimizer = vradam.VRAdam(alpha0=0.01, beta3=10.0, alpha1=np.inf)
    grads = [np.full(100, 0.3), np.full(100, 0.4, np.float32)]
    expected = 0.01 / (1 + 10.0 * 100 * 0.1**2 * (0.3**2 + 0.4**2))
    assert InPlace(optimizer, mixed).step(grads) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("name", ["VRAdam", "always saturated", "smoothed", "held", "recommended", "Adam's metric"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_do_not_depend_on_threads(name, dtype):
    start = [RNG.standard_normal(shape).astype(dtype) for shape in [(400_000,), (1000,), (300, 1000)]]
    results = []
    for threads in (1, 2, 4):
        arrays = [array.copy() for array in start]
        training = InPlace(OPTIMIZERS[name], arrays, threads=threads)
        rates = [training.step(slopes(arrays, t)) for t in range(4)]
        results.append((rates, flat(arrays)))
    for rates, x in results[1:]:
        assert rates == results[0][0]
        assert np.array_equal(x, results[0][1])


def test_early_exit_changes_nothing():
    """The gate saturates in the first block, in a middle one, or only in the last: the step is the same."""
    size = 10 * single.BLOCK
    for place in (0, size // 2, size - 1):
        array = np.zeros(size)
        grad = np.full(size, 1e-3)
        grad[place] = 100.0
        optimizer = vradam.VRAdam(alpha0=0.1, alpha1=4.0)
        x, state = optimizer.step(array, grad, optimizer.init(array))
        eta = InPlace(optimizer, [array]).step([grad])
        assert eta == pytest.approx(0.02, rel=1e-15)
        assert float(optimizer.learning_rate(state)) == pytest.approx(0.02, rel=1e-15)
        np.testing.assert_allclose(array, x, rtol=1e-14)


def test_the_sum_over_blocks_has_twice_the_precision():
    """What plain addition loses, one after another, is kept: here half a unit a thousand times, and a random sum."""
    halves = [2.0**53, *[1.0] * 1000]
    assert sum(halves) == 2.0**53 and single.total(halves) == math.fsum(halves) == 2.0**53 + 1000
    many = (10.0 ** np.random.default_rng(2).uniform(-12, 12, 5000)).tolist()
    assert sum(many) != math.fsum(many) and single.total(many) == math.fsum(many)
    assert single.total([1e308, 1e308]) == single.total([1.0, math.nan]) == math.inf and single.total([]) == 0.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_the_metric_both_ways_to_move_round_alike(dtype):
    """Blocks that the first pass has reached, and those left after the gate was saturated, move by the same numbers."""
    x, g = (RNG.standard_normal(3 * single.BLOCK).astype(dtype) for _ in range(2))
    averages = tuple(map(dtype, (0.9, 0.1, 0.999, 0.001, np.finfo(dtype).max)))
    motion = tuple(map(dtype, (0.999, 0.37, 1e-8)))
    k, ends = single.kernels("quotients"), []
    for reached in (0, 2, 3):
        y, v, m, q = x.copy(), np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
        k.absorb(g, v, m, q, *averages, motion[2], np.inf, np.empty(3), 0, reached)
        k.move(y, v, m, q, *motion, 0, reached)
        k.absorb_and_move(y, g, v, m, *averages, *motion, reached, 3)
        ends.append(y)
    assert np.array_equal(ends[0], ends[1]) and np.array_equal(ends[1], ends[2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("beta3", [0.0, 1e-3, 1e6])
def test_roots_that_are_kept_change_no_bit(dtype, beta3, monkeypatch):
    """The gate stays open, closes in part, or is saturated before the last block; whole and partial blocks."""
    start = [RNG.standard_normal(size).astype(dtype) for size in (5 * single.BLOCK, 77)]
    optimizer = vradam.VRAdam(alpha0=0.01, beta3=beta3, alpha1=4.0, weight_decay=0.1)
    ends = []
    for most in (single.ROOTS_UP_TO, 0):
        monkeypatch.setattr(single, "ROOTS_UP_TO", most)
        arrays = [array.copy() for array in start]
        training = InPlace(optimizer, arrays)
        assert bool(training._passes._alive[0].q.size) == (most > 0 and beta3 > 0)
        ends.append([training.step(slopes(arrays, t)) for t in range(5)])
        ends[-1] += [training.velocities, training.second_moments, arrays]
    rates = ends[0][:5]
    assert rates == ends[1][:5] and [rate == 0.01 for rate in rates] == [beta3 == 0] * 5
    assert ([rate == 0.01 / 5 for rate in rates] == [True] * 5) == (beta3 == 1e6)
    for kept, alone in zip(ends[0][5:], ends[1][5:], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(kept, alone, strict=True))


def test_an_energy_near_the_clip_is_not_taken_for_saturated():
    for ratio in (1 - 1e-7, 1 + 1e-12, 1 + 1e-7):
        optimizer = vradam.VRAdam(alpha0=1.0, alpha1=4.0, beta1=0.0)
        grad = np.full(10_000, np.sqrt(4.0 * ratio / 10_000))
        assert InPlace(optimizer, [np.zeros(10_000)]).step([grad]) == pytest.approx(
            1 / (1 + min(4.0 * ratio, 4.0)), rel=1e-12
        )


def test_overflow_saturates_and_nan_spreads_as_in_the_reference():
    optimizer, array = vradam.VRAdam(alpha0=0.1), np.zeros(3)
    assert InPlace(optimizer, [array]).step([np.array([1e200, 0.0, 1.0])]) == pytest.approx(0.1 / 11)
    assert np.isfinite(array).all()


@pytest.mark.parametrize("name", ["VRAdam", "recommended", "Adam's metric"])
def test_the_substitutes_without_numba_take_the_same_steps(monkeypatch, name):
    results = []
    start = model()
    for numba in (True, False):
        if not numba:
            for module in ("single", "passes"):
                monkeypatch.setattr(f"vradam.engine.{module}.numba_works", lambda: False)
            single.kernels.cache_clear()
        arrays = [array.copy() for array in start]
        training = InPlace(OPTIMIZERS[name], arrays)
        for t in range(10):
            training.step(slopes(arrays, t))
        results.append(flat(arrays))
    single.kernels.cache_clear()
    np.testing.assert_allclose(*results, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["VRAdam", "recommended", "Adam's metric", "AdamW"])
@pytest.mark.parametrize("beta3", [1e-3, 1e6])
def test_one_call_a_pass_has_the_bits_of_calls_for_each_array(dtype, name, beta3, monkeypatch):
    """Over several arrays, one of more than a stretch; the gate is saturated in the first, in a later one, or never."""
    sizes = (77, 33 * single.BLOCK + 5, 1, single.BLOCK)
    start = [RNG.standard_normal(size).astype(dtype) for size in sizes]
    optimizer, ends = OPTIMIZERS[name], []
    if name != "AdamW":
        optimizer = replace(optimizer, beta3=beta3)
    for kind in (passes.Compiled, passes.ArrayByArray):
        if kind is passes.ArrayByArray:
            monkeypatch.setattr(passes, "numba_works", lambda: False)
        arrays = [array.copy() for array in start]
        training = InPlace(optimizer, arrays)
        assert type(training._passes) is kind
        rates = [training.step(slopes(arrays, t)) for t in range(5)]
        ends.append([rates, *arrays, *training.velocities, *training.second_moments])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


# Bad input.


def untouched(training, grads, error, message):
    before = [array.copy() for array in [*training.arrays, *training.velocities, *training.second_moments]]
    with pytest.raises(error, match=message):
        training.step(grads)
    after = [*training.arrays, *training.velocities, *training.second_moments]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert training.steps == 0


def test_gradients_that_do_not_match_write_nothing():
    arrays = [np.ones(4), np.ones((2, 3))]
    training = InPlace(vradam.VRAdam(), arrays)
    good = [np.ones(4), np.ones((2, 3))]
    untouched(training, good[:1], ValueError, "grads must hold 2 arrays, one for each parameter, got 1")
    untouched(training, [good[0], np.ones((3, 2))], ValueError, r"grads\[1\] must have shape \(2, 3\), got \(3, 2\)")
    untouched(training, [good[0], [1.0]], TypeError, r"grads\[1\] must be an array of dtype float64, got list")
    untouched(training, [good[0], good[1].astype(np.float32)], TypeError, r"grads\[1\] .* float64, got float32")
    untouched(training, [arrays[0], good[1]], ValueError, r"grads\[0\] must not share memory")
    untouched(training, [training.velocities[0], good[1]], ValueError, r"grads\[0\] must not share memory")
    untouched(training, [good[0], training.second_moments[1]], ValueError, r"grads\[1\] must not share memory")


def test_arrays_that_change_between_steps_are_refused():
    array = np.ones(6)
    training = InPlace(vradam.VRAdam(), [array])
    training.arrays[0] = array.reshape(2, 3)
    untouched(training, [np.ones((2, 3))], ValueError, r"arrays\[0\] must keep its place, shape \(6,\)")
    training.arrays[0] = array
    array.flags.writeable = False
    untouched(training, [np.ones(6)], ValueError, r"arrays\[0\] must keep its place")


def test_a_changed_precision_and_gradients_that_overlap_in_part_are_refused():
    memory = np.ones(10)
    training = InPlace(vradam.VRAdam(), [memory[:6]])
    untouched(training, [memory[4:]], ValueError, r"grads\[0\] must not share memory")
    array = np.ones(6)
    training = InPlace(vradam.VRAdam(), [array])
    training.arrays[0] = array.view(np.int64)
    untouched(training, [np.ones(6)], ValueError, r"arrays\[0\] must keep its place, shape \(6,\), dtype float64")


def test_gradients_may_be_strided_read_only_or_the_same():
    arrays = [np.zeros(3), np.zeros(3)]
    grad = np.arange(6.0)[::2]
    grad.flags.writeable = False
    InPlace(vradam.VRAdam(alpha0=0.1), arrays).step([grad, grad])
    assert np.array_equal(*arrays)


whole = np.zeros(10)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: InPlace(vradam.VRAdam(), []), ValueError, "arrays must hold at least one array"),
        (lambda: InPlace(vradam.VRAdam(), [[1.0]]), TypeError, r"arrays\[0\] .* float32 or float64, got list"),
        (lambda: InPlace(vradam.VRAdam(), [np.ones(2, int)]), TypeError, r"arrays\[0\] .* got int64"),
        (lambda: InPlace(vradam.VRAdam(), [np.ones(2, np.float16)]), TypeError, r"arrays\[0\] .* got float16"),
        (lambda: InPlace(vradam.VRAdam(), [np.ones((4, 4)).T[::2]]), ValueError, r"arrays\[0\] must be C-contiguous"),
        (lambda: InPlace(vradam.VRAdam(), [whole[:6], whole[5:]]), ValueError, "arrays must not share memory"),
        (lambda: InPlace(vradam.VRAdam(), [whole, whole]), ValueError, "arrays must not share memory"),
        (lambda: InPlace(vradam.VRAdam(), [np.broadcast_to(1.0, 1)]), ValueError, r"arrays\[0\] must be writeable"),
        (lambda: InPlace(vradam.VRAdam(), [whole], threads=0), ValueError, "threads must be an integer >= 1, got 0"),
        (lambda: InPlace(vradam.VRMomentum(), [whole]), TypeError, "must be VRAdam, Adam or AdamW, got VRMomentum"),
        (
            lambda: InPlace(vradam.VRAdam(gate=vradam.gates.inside), [whole]),
            ValueError,
            "optimizer must have the published gate or adam_metric, got 'inside'",
        ),
        (lambda: InPlace(vradam.VRAdam(proof_form=True), [whole]), ValueError, "must not have proof_form"),
        (
            lambda: InPlace(vradam.VRAdam(beta1=np.array([0.9, 0.8])), [whole]),
            ValueError,
            r"beta1 must be one number, got an array of shape \(2,\)",
        ),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"beta1": 1 - 1e-9}, "beta1 must stay in its domain when rounded to float32"),
        ({"beta2": 1 - 1e-9}, "beta2 must stay in its domain when rounded to float32"),
        ({"eps": 1e-60}, "eps must stay in its domain when rounded to float32"),
        ({"eps": 1e-44}, r"eps sqrt\(1 - beta2\) must stay positive when rounded to float32, got eps 1e-44"),
    ],
)
def test_what_rounds_out_of_its_domain_is_refused(changed, message):
    """Otherwise a coordinate whose gradient is 0 would become NaN, 0/0; float64 takes the same numbers."""
    optimizer = vradam.VRAdam(**changed)
    with pytest.raises(ValueError, match=message):
        InPlace(optimizer, [np.ones(2), np.ones(2, np.float32)])
    x = np.ones(2)
    InPlace(optimizer, [x]).step([np.array([0.0, 1.0])])
    assert x[0] == 1 and np.isfinite(x).all()
