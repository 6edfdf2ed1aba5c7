"""The noise of a tile, called as the plain Python that it is: the words, the transforms and the rule of truncation."""

from fractions import Fraction
from itertools import count as counting

import numpy as np
import pytest

from vradam import random_streams as rng
from vradam.engine import draws

LANES, STEP = 64, 7
RANDOM = np.random.default_rng(4)
SEEDS, RUNS = RANDOM.integers(0, 2**64, (2, LANES), dtype=np.uint64)
KEYS = np.stack([SEEDS, RUNS, RANDOM.integers(0, 2**64, LANES, dtype=np.uint64)])  # seed, run, threshold
SCALES = np.stack([np.linspace(0.5, 2.0, LANES), np.linspace(3.0, 4.0, LANES)])  # scale, limit
STREAMS = rng.Streams(SEEDS, RUNS, STEP)
KEYS[2, :2] = np.diag(STREAMS.words(2)[:2])  # words at the threshold itself, which count as above


@pytest.fixture(autouse=True)
def _words_wrap():
    with np.errstate(over="ignore"):
        yield


def room(d, kind=None):
    """The noise of d coordinates with its row to spare, and the words that it takes, with no row to spare."""
    count = (d + 1) // 2 if kind == draws.GAUSSIAN else d
    return np.full((d + 1, LANES), np.nan), np.zeros((2 * ((count + 1) // 2), LANES), np.uint64)


@pytest.mark.parametrize("count", range(1, 10))
def test_word_i_is_half_of_block_i_over_two(count):
    words = room(count)[1]
    draws.fill_words(words, KEYS, STEP, count)
    np.testing.assert_array_equal(words[:count].T, STREAMS.words(count))


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 6])
def test_the_noise_of_each_kind_is_its_formula_of_the_words(d):
    (scale, limit), words = SCALES, STREAMS.words(d).T
    ups = [[int(word) < int(threshold) for word, threshold in zip(row, KEYS[2], strict=True)] for row in words]
    units = np.array([[float(Fraction(2 * (int(word) >> 12) + 1, 2**52) - 1) for word in row] for row in words])
    expected = {
        draws.GAUSSIAN: scale * STREAMS.normals(d).T,
        draws.TWO_POINT: np.where(ups, limit, scale),
        draws.UNIFORM: scale * units,
    }
    for kind, noise in expected.items():
        N, own = room(d, kind)
        draws.DRAWS[kind](N, own, KEYS, SCALES, STEP)
        np.testing.assert_array_equal(N[:d], noise)
        assert np.isnan(N[d]).all() or (d % 2 and kind == draws.GAUSSIAN)
    N, own = room(d)
    draws.draw_nothing(N, own, KEYS, SCALES, STEP)
    assert np.isnan(N).all() and not own.any()
    assert 0 < np.mean(ups) < 1
    assert draws.DRAWS[draws.EXACT] is draws.DRAWS[draws.MINIBATCH] is draws.draw_nothing
    assert draws.DRAWS[draws.GAUSSIAN] is draws.draw_gaussian
    assert draws.DRAWS[draws.TWO_POINT] is draws.draw_two_point and draws.DRAWS[draws.UNIFORM] is draws.draw_uniform


@pytest.mark.parametrize("kind", draws.PAIRS)
@pytest.mark.parametrize("d", [3, 4, 5, 6])
def test_a_pair_is_what_the_loop_over_coordinates_draws(kind, d):
    N, own = room(d, kind)
    draws.DRAWS[kind](N, own, KEYS, SCALES, STEP)
    prepare, pair = draws.PAIRS[kind]
    words = room(d, kind)[1]
    prepare(words, KEYS, STEP, d)
    assert words.any() == (kind == draws.GAUSSIAN)
    for b in range((d + 1) // 2):
        both = np.array([pair(words, KEYS, SCALES, np.uint64(STEP), b, j) for j in range(LANES)]).T
        np.testing.assert_array_equal(both[: d - 2 * b], N[2 * b : min(2 * b + 2, d)])


@pytest.mark.parametrize("limit", [0.4, 3.0])
def test_what_is_outside_is_drawn_again_until_it_is_inside(limit):
    """Attempt a of a coordinate is its normal in the words of attempt a; one at the limit itself is inside."""
    d, scale = 9, SCALES[0]
    limits = limit * scale
    attempts = (STREAMS.normals(d, attempt).T * scale for attempt in counting())
    N = next(attempts)
    N[1], N[2], N[4] = 9.0 * scale, 0.1 * scale, np.where(np.arange(LANES) == 5, -9.0 * scale, limits)
    found, words = np.vstack([N, np.full(LANES, np.nan)]), np.full((1, LANES), 2**63, np.uint64)
    draws.truncate(found, words, KEYS, np.stack([scale, limits]), STEP, d)
    while (outside := np.abs(N) > limits).any():
        N = np.where(outside, next(attempts), N)
    np.testing.assert_array_equal(found[:d], N)


@pytest.mark.parametrize("d", [1, 3, 4])
def test_truncated_noise_is_normal_noise_of_which_coordinates_outside_are_drawn_again(d):
    """The row to spare is no coordinate."""
    scales = np.stack([SCALES[0], 0.4 * SCALES[0]])
    normal, words = room(d, draws.GAUSSIAN)
    draws.draw_gaussian(normal, words, KEYS, scales, STEP)
    again, found = normal.copy(), room(d)[0]
    draws.truncate(again, words, KEYS, scales, STEP, d)
    draws.DRAWS[draws.TRUNCATED](found, words, KEYS, scales, STEP)
    np.testing.assert_array_equal(found, again)
    assert (again[:d] != normal[:d]).any()


@pytest.mark.parametrize("terms", [1.0, 3.0, 1797.0])
def test_a_minibatch_draws_each_place_from_a_word_of_its_own(terms):
    chosen = np.full((5, LANES), -1)
    draws.choose(chosen, room(5)[1], KEYS, STEP, terms)
    expected = [[(2 * (int(w) >> 12) + 1) * int(terms) >> 53 for w in row] for row in STREAMS.words(5).T]
    np.testing.assert_array_equal(chosen, expected)
