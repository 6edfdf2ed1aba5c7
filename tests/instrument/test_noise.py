"""Each noise model has the law it states, and its draws depend on (seed, run, step, coordinate) alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtr

from vradam import noise, objectives
from vradam import random_streams as rng
from vradam.optimizer import VRAdam
from vradam.simulation import simulate

RUNS, DIM, STEPS = 400, 5, 200
BOWL = objectives.quadratic([1.0, 2.0, 3.0, 4.0, 5.0])


def draws(model, seed=1, runs=RUNS, steps=STEPS):
    """The noise alone, (steps, runs, d): the stochastic gradient less the exact one."""
    streams = rng.streams(np.full(runs, seed), np.arange(runs))
    x = np.zeros((runs, DIM))
    return np.array([model.stochastic_gradient(BOWL, x, x, streams) for _ in range(steps)])


def test_gaussian_law():
    sample = draws(noise.gaussian(0.7)).ravel()
    assert stats.kstest(sample, stats.norm(0, 0.7).cdf).pvalue > 0.01
    assert stats.kstest(sample, stats.norm(0, 0.7 * 1.02).cdf).pvalue < 1e-6


@pytest.mark.parametrize("bound", [0.25, 0.6, 1.4])
def test_truncated_gaussian_is_the_normal_law_given_that_it_lies_inside(bound):
    std = 0.7
    sample = draws(noise.gaussian(std, bound=bound)).ravel()
    law = stats.truncnorm(-bound / std, bound / std, scale=std)
    low, high = stats.norm.cdf([-bound / std, bound / std])

    def below(z):  # law.cdf, ten times as fast
        return (ndtr(z / std) - low) / (high - low)

    assert np.abs(sample).max() <= bound
    assert below(bound / 3) == pytest.approx(law.cdf(bound / 3), rel=1e-12)
    assert stats.kstest(sample, below).pvalue > 0.01
    assert abs(sample.mean()) < 4 * law.std() / np.sqrt(sample.size)
    assert stats.kstest(-sample, below).pvalue > 0.01


def test_coordinates_of_a_truncated_gaussian_are_independent():
    sample = draws(noise.gaussian(1.0, bound=1.0)).reshape(-1, DIM)
    for f in (lambda z: z, np.square):
        correlation = np.corrcoef(f(sample).T) - np.eye(DIM)
        assert np.abs(correlation).max() < 4.5 / np.sqrt(len(sample))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.97])
def test_two_point_law(p):
    amplitude = 2.0
    sample = draws(noise.two_point(p, amplitude)).ravel()
    up = amplitude * (1 - p) / p
    assert set(np.unique(sample)) == {-amplitude, up}
    hits = (sample == up).sum()
    assert abs(hits - p * sample.size) < 4 * np.sqrt(p * (1 - p) * sample.size)
    assert p * up - (1 - p) * amplitude == pytest.approx(0, abs=1e-15)


def test_two_point_uses_the_probability_to_within_a_word():
    model = noise.two_point(0.1, 1.0)
    assert abs(int(model.threshold) / 2**64 - 0.1) <= 2.0**-64


def test_uniform_law():
    sample = draws(noise.uniform(1.5)).ravel()
    assert stats.kstest(sample, "uniform", args=(-1.5, 3.0)).pvalue > 0.01
    assert np.abs(sample).max() < 1.5


def test_minibatch_draws_every_term_equally_often_and_with_replacement():
    terms, size = 7, 3
    drawn = []

    class Sum:
        name, dim = "sum", 2

        def __init__(self):
            self.terms = terms

        @staticmethod
        def grad_terms(x, indices):
            drawn.append(indices)
            return x

    streams = rng.streams(np.full(1000, 3), np.arange(1000))
    x = np.zeros((1000, 2))
    for _ in range(30):
        noise.minibatch(size).stochastic_gradient(Sum(), x, None, streams)
    indices = np.array(drawn)
    assert indices.shape == (30, 1000, size)
    assert stats.chisquare(np.bincount(indices.ravel(), minlength=terms)).pvalue > 0.01
    joint = indices[..., 0] * terms + indices[..., 1]
    assert stats.chisquare(np.bincount(joint.ravel(), minlength=terms**2)).pvalue > 0.01


def test_minibatch_of_an_objective_without_terms_is_refused():
    with pytest.raises(ValueError, match="minibatch noise needs a finite sum; quadratic"):
        noise.minibatch(2).stochastic_gradient(BOWL, np.zeros((1, 5)), None, rng.streams([0], [0]))
    counted = replace(BOWL, terms=3)  # it says how many, but has no gradients of them
    with pytest.raises(ValueError, match="minibatch noise needs a finite sum; quadratic"):
        noise.minibatch(2).stochastic_gradient(counted, np.zeros((1, 5)), None, rng.streams([0], [0]))


@pytest.mark.parametrize(
    ("model", "bound"),
    [
        (noise.gaussian(1.0), None),
        (noise.gaussian(1.0, bound=3.0), 3.0),
        (noise.gaussian(1.0, bound=0.25), 0.25),
        (noise.two_point(0.1, 2.0), 18.0),
        (noise.two_point(0.75, 2.0), 2.0),
        (noise.uniform(0.5), 0.5),
        (noise.minibatch(4), None),
    ],
)
def test_bounds(model, bound):
    assert model.bound == (None if bound is None else pytest.approx(bound, rel=1e-15))


MODELS = [
    noise.gaussian(0.5),
    noise.gaussian(0.5, bound=0.4),
    noise.two_point(0.3, 1.0),
    noise.uniform(1.0),
]


@pytest.mark.parametrize("model", MODELS)
def test_a_run_is_the_same_alone_and_in_any_batch(model):
    whole = draws(model, seed=9, runs=6, steps=4)
    for i in range(6):
        streams = rng.streams([9], [i])
        x = np.zeros((1, DIM))
        alone = [model.stochastic_gradient(BOWL, x, x, streams)[0] for _ in range(4)]
        assert np.array_equal(alone, whole[:, i])


def test_parameters_may_differ_from_run_to_run():
    std = np.array([0.1, 1.0, 10.0])
    both = draws(noise.gaussian(std, bound=np.array([0.1, 2.0, 1e9])), runs=3, steps=3)
    for i, bound in enumerate((0.1, 2.0, 1e9)):
        single = draws(noise.gaussian(std[i], bound=bound), runs=3, steps=3)
        assert np.array_equal(both[:, i], single[:, i])


def first_inside(streams, std, bound):
    """By definition: of the attempts 0, 1, 2, ... at each coordinate the first that lies in [-bound, bound]."""
    tries = std * np.array([streams.normals(DIM, attempt)[0] for attempt in range(200)])
    return tries[np.argmax(np.abs(tries) <= bound, axis=0), range(DIM)]


def test_every_draw_is_a_function_of_its_address():
    """Step t uses the words of step t and no others; a truncated one the first attempt that lies inside."""
    streams, x = rng.streams([9], [2]), np.zeros((1, DIM))
    laws = [
        (noise.gaussian(0.5), lambda s: 0.5 * s.normals(DIM)[0]),
        (noise.gaussian(0.5, bound=0.2), lambda s: first_inside(s, 0.5, 0.2)),
        (noise.uniform(3.0), lambda s: 3.0 * rng.symmetric_unit(s.words(DIM))[0]),
        (noise.two_point(0.25, 1.0), lambda s: np.where(s.words(DIM)[0] < 2**62, 3.0, -1.0)),
    ]
    for step, (model, law) in enumerate(law for _ in range(3) for law in laws):
        assert streams.step == step
        expected = law(streams)
        assert np.array_equal(model.stochastic_gradient(BOWL, x, x, streams)[0], expected)


def test_every_minibatch_is_a_function_of_its_address():
    """Step t draws with the words of step t: ``floor(terms word / 2^64)``, and the next step with the next ones."""
    terms, drawn = 7, []

    class Sum:
        @staticmethod
        def grad_terms(x, indices):
            drawn.append(indices.tolist())
            return x

    Sum.terms = terms
    streams, fresh = rng.streams([9], [2]), rng.streams([9], [2])
    for step in range(4):
        assert streams.step == step
        noise.minibatch(3).stochastic_gradient(Sum, np.zeros((1, 2)), None, streams)
        fresh.step = step
        assert drawn[-1] == [[terms * int(word) >> 64 for word in fresh.words(3)[0]]]


def test_noise_at_the_bound_is_inside():
    streams, x = rng.streams([9], [2]), np.zeros((1, DIM))
    drawn = streams.normals(DIM)[0]
    bound = np.abs(drawn).max()
    assert np.array_equal(noise.gaussian(1.0, bound=bound).stochastic_gradient(BOWL, x, x, streams)[0], drawn)


def test_two_points_are_parted_by_the_threshold():
    """A word below ``p 2^64`` goes up: exactly that many words of all do."""

    class Words:
        step = 0

        def words(self, count):
            return np.array([[2**62 - 1, 2**62, 0, 2**64 - 1, 2**63]], np.uint64)

    x = np.zeros((1, DIM))
    drawn = noise.two_point(0.25, 1.0).stochastic_gradient(BOWL, x, x, Words())
    assert drawn.tolist() == [[3.0, -1.0, 3.0, -1.0, -1.0]]


@given(st.floats(-1e6, 1e6))
def test_noise_is_added_to_the_exact_gradient(shift):
    streams = rng.streams([4], [2])
    exact = np.full((1, DIM), shift)
    noisy = noise.uniform(1.0).stochastic_gradient(BOWL, exact, exact, streams)
    assert np.array_equal(noisy[0], shift + draws(noise.uniform(1.0), seed=4, runs=3, steps=1)[0, 2])


def test_single_precision_stays_single():
    x = np.zeros((2, DIM), np.float32)
    for model in MODELS:
        assert model.stochastic_gradient(BOWL, x, x, rng.streams([0, 0], [0, 1])).dtype == np.float32


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: noise.gaussian(-1.0), ValueError, r"std must lie in \[0, inf\), got -1"),
        (lambda: noise.gaussian(np.nan), ValueError, r"std must lie in \[0, inf\), got nan"),
        (lambda: noise.gaussian(True), TypeError, "std must hold real numbers"),
        (lambda: noise.gaussian(1.0, bound=0.0), ValueError, r"bound must lie in \(0, inf\), got 0"),
        (lambda: noise.gaussian(1.0, bound=0.2), ValueError, r"bound must be at least std/4, got bound 0.2"),
        (lambda: noise.gaussian(1.0, bound=[1.0, 0.2]), ValueError, r"bound must be at least std/4"),
        (lambda: noise.two_point(0.0, 1.0), ValueError, r"p must lie in \(0, 1\), got 0"),
        (lambda: noise.two_point(1.0, 1.0), ValueError, r"p must lie in \(0, 1\), got 1"),
        (lambda: noise.two_point(0.5, -1.0), ValueError, r"amplitude must lie in \[0, inf\), got -1"),
        (lambda: noise.uniform(np.inf), ValueError, r"halfwidth must lie in \[0, inf\), got inf"),
        (lambda: noise.minibatch(0), ValueError, "size must be an integer >= 1, got 0"),
        (lambda: noise.minibatch(2.5), TypeError, "size must be an integer >= 1, got 2.5"),
    ],
)
def test_bad_parameters_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


# --- Parameters over runs, keys of any integers ----------------------------------------------------------------------

PAIRS = [
    (lambda a: noise.gaussian(a), [0.1, 0.2]),
    (lambda a: noise.gaussian(0.3, bound=a), [0.1, 0.2]),
    (lambda a: noise.two_point(a, 1.0), [0.1, 0.2]),
    (lambda a: noise.two_point(0.5, a), [0.0, 0.2]),
    (lambda a: noise.uniform(a), [0.1, 0.2]),
]


@pytest.mark.parametrize(("make", "values"), PAIRS)
def test_equal_laws_are_equal_and_hash_alike_with_arrays_too(make, values):
    whole = np.array(values)
    assert make(whole) == make(values) and hash(make(whole)) == hash(make(values))
    assert make(whole) != make(whole + 0.01) and make(whole) != make(whole[:, None]) and make(whole) != make(0.15)
    assert len({make(0.2), make(0.2), make(0.15)}) == 2
    assert make(0.2) != "noise" and noise.uniform(0.2) != noise.gaussian(0.2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: noise.two_point(2.0**-65, 1.0), r"p must be at least 2\^-64, .*, got 2.7"),
        (lambda: noise.two_point([0.5, 1e-300], 1.0), r"p must be at least 2\^-64, .*, got 1e-300"),
        (lambda: noise.two_point(1e-10, 1e300), r"amplitude \(1-p\)/p must be finite, got amplitude 1e\+300"),
        (lambda: noise.two_point([0.5, 0.5], [1.0, 1.0, 1.0]), "p and amplitude must broadcast against each other"),
        (lambda: noise.gaussian([0.5, 0.5], [1.0, 1.0, 1.0]), "bound and std must broadcast against each other"),
    ],
)
def test_what_could_not_be_drawn_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_least_probability_is_one_word_in_all():
    least = noise.two_point(2.0**-64, 1.0)
    assert int(least.threshold) == 1 and np.isfinite(least.up)


BEYOND = [0, 1, 2**31, 2**63 - 1, 2**63, 2**64 - 1]


@pytest.mark.parametrize(
    "seeds", [BEYOND, np.array(BEYOND, np.uint64), np.array(BEYOND, object), tuple(BEYOND)], ids=type
)
def test_seeds_on_both_sides_of_two_to_the_63_are_keys_of_their_own(seeds):
    run = simulate(VRAdam(), BOWL, np.ones((6, 5)), steps=4, noise=noise.uniform(0.5), seed=seeds)
    assert len({row.tobytes() for row in run.final_x}) == 6
    for i, seed in enumerate(BEYOND):
        alone = simulate(VRAdam(), BOWL, np.ones((1, 5)), steps=4, noise=noise.uniform(0.5), seed=[seed])
        np.testing.assert_array_equal(alone.x[0], run.x[i])


@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        (2**64, ValueError, r"seed must lie in \[0, 2\^64\), got 18446744073709551616"),
        ([0, 2**64], ValueError, r"seed must lie in \[0, 2\^64\), got 18446744073709551616"),
        ([2**63, -1], ValueError, r"seed must lie in \[0, 2\^64\), got -1"),
        ([1.0, 2.0], TypeError, r"seed must be an integer or an integer array, got \[1.0, 2.0\]"),
        ([True], TypeError, "seed must be an integer or an integer array"),
        (np.ma.masked_array([1, 2], [0, 1]), TypeError, "seed must be integers without a mask"),
    ],
)
def test_other_seeds_are_named(seed, error, message):
    with pytest.raises(error, match=message):
        simulate(VRAdam(), BOWL, np.ones((2, 5)), steps=2, seed=seed)
