"""The generator is Threefry-2x64-13 to the bit, the normals are normal, and nothing depends on batching."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vradam import random_streams as rng

U = np.uint64
WORDS = st.integers(0, 2**64 - 1)


def word(value):
    return np.array([value], dtype=U)


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0xF167B032C3B480BD, 0xE91F9FEE4B7A6FB5)),
        ((2**64 - 1,) * 2, (2**64 - 1,) * 2, (0xCCDEC5C917A874B1, 0x4DF53ABCA26CEB01)),
        (
            (0xA4093822299F31D0, 0x082EFA98EC4E6C89),
            (0x243F6A8885A308D3, 0x13198A2E03707344),
            (0xC3AAC71561042993, 0x3FE7AE8801AFF316),
        ),
    ],
)
def test_known_answers_of_the_published_generator(key, counter, expected):
    got = rng.threefry(*map(word, key), *map(word, counter))
    assert tuple(int(w[0]) for w in got) == expected


@given(WORDS, WORDS, WORDS, WORDS)
def test_the_block_function_is_invertible(seed, run, step, block):
    """Undoing the rounds one by one in exact integers gives the counter back: distinct counters, distinct blocks."""
    mask = 2**64 - 1
    x, y = (int(w[0]) for w in rng.threefry(word(seed), word(run), word(step), word(block)))
    keys = [seed, run, 0x1BD11BDAA9FC1A22 ^ seed ^ run]
    rotations = [16, 42, 12, 31, 16, 32, 24, 21]
    for r in reversed(range(13)):
        y ^= x
        y = (y >> rotations[r % 8] | y << (64 - rotations[r % 8])) & mask
        x = (x - y) & mask
        if r % 4 == 0:
            i = r // 4
            x, y = (x - keys[i % 3]) & mask, (y - keys[(i + 1) % 3] - i) & mask
    assert (x, y) == (step, block)


@given(WORDS)
def test_normal_pair_is_the_transform_of_box_and_muller(value):
    mp.mp.dps = 30
    u = (mp.mpf(value >> 24) + 0.5) / 2**40
    t = ((value >> 2 & 0x3FFFFF) + mp.mpf("0.5")) / 2**21 - 1
    cosine, sine = mp.cos(mp.pi * t / 4), mp.sin(mp.pi * t / 4)
    expected = [-cosine if value & 1 else cosine, sine]
    if value & 2:
        expected.reverse()
    radius = mp.sqrt(-2 * mp.log(u))
    for got, exact in zip(rng.normal_pair(word(value)), expected, strict=True):
        assert abs(float(got[0]) - radius * exact) < 2e-8


def test_extreme_words_give_finite_normals():
    ends = np.array([0, 1, 2, 3, 2**24 - 1, 2**64 - 1, 2**64 - 2**24], dtype=U)
    pairs = np.array(rng.normal_pair(ends))
    assert np.isfinite(pairs).all()
    assert np.abs(pairs).max() < np.sqrt(82 * np.log(2))


def test_symmetric_units_and_indices_at_the_ends():
    ends = np.array([0, 2**64 - 1], dtype=U)
    assert rng.symmetric_unit(ends).tolist() == [-1 + 2.0**-52, 1 - 2.0**-52]
    for count in (1, 2, 3, 1797, 2**32):
        assert rng.index_below(ends, float(count)).tolist() == [0, count - 1]


# The law. 1000 runs x 2000 draws; every p-value below is a fixed number, since the seed is.

SAMPLE = rng.streams(np.full(1000, 20), np.arange(1000)).normals(2000)


def test_moments_of_the_normals():
    n = SAMPLE.size
    for k, variance in ((1, 1), (2, 2), (3, 15), (4, 96), (5, 945), (6, 10170)):
        mean = {2: 1, 4: 3, 6: 15}.get(k, 0)
        assert abs((SAMPLE**k).mean() - mean) < 4 * np.sqrt(variance / n), f"moment {k}"


def test_kolmogorov_smirnov():
    assert stats.kstest(SAMPLE.ravel(), "norm").pvalue > 0.01
    per_run = [stats.kstest(row, "norm").pvalue for row in SAMPLE]
    assert stats.kstest(per_run, "uniform").pvalue > 0.01


def test_chi_square_in_the_tails():
    edges = np.concatenate([[-np.inf], np.arange(-4.5, -1.9, 0.25), np.arange(2, 4.6, 0.25), [np.inf]])
    expected = np.diff(stats.norm.cdf(edges)) * SAMPLE.size
    counts, _ = np.histogram(SAMPLE, edges)
    assert expected.min() > 5
    assert stats.chisquare(counts, expected).pvalue > 0.01


def test_a_law_two_percent_wider_is_rejected():
    assert stats.kstest(1.02 * SAMPLE.ravel(), "norm").pvalue < 1e-6


def test_the_two_normals_of_a_pair_are_independent():
    first, second = SAMPLE[:, 0::2].ravel(), SAMPLE[:, 1::2].ravel()
    table = stats.norm.cdf(np.stack([first, second])) * 12
    counts, _, _ = np.histogram2d(*table, bins=12, range=[[0, 12], [0, 12]])
    assert stats.chisquare(counts.ravel()).pvalue > 0.01
    for f in (lambda z: z, lambda z: z * z, np.abs):
        assert abs(np.corrcoef(f(first), f(second))[0, 1]) < 4 / np.sqrt(first.size)


@pytest.mark.parametrize("shift", ["seed", "run", "step", "coordinate"])
def test_neighbouring_streams_are_uncorrelated(shift):
    a = rng.Streams(np.full(500, 3, U), np.arange(500, dtype=U), 5)
    if shift == "coordinate":
        both = a.normals(2001)
        left, right = both[:, :-1], both[:, 1:]
    else:
        move = {"seed": (1, 0, 0), "run": (0, 1, 0), "step": (0, 0, 1)}[shift]
        b = rng.Streams(a.seed + U(move[0]), a.run + U(move[1]), a.step + move[2])
        left, right = a.normals(2000), b.normals(2000)
    assert abs(np.corrcoef(left.ravel(), right.ravel())[0, 1]) < 4 / np.sqrt(left.size)
    assert abs(np.corrcoef((left**2).ravel(), (right**2).ravel())[0, 1]) < 4 / np.sqrt(left.size)


def test_every_bit_of_a_word_is_fair_and_bits_are_uncorrelated():
    words = rng.streams(np.full(64, 11), np.arange(64)).words(2048).ravel()
    bits = (words[:, None] >> np.arange(64, dtype=U) & U(1)).astype(float) * 2 - 1
    n = len(bits)
    assert np.abs(bits.mean(axis=0)).max() < 4.5 / np.sqrt(n)
    correlation = bits.T @ bits / n - np.eye(64)
    assert np.abs(correlation).max() < 5 / np.sqrt(n)


def test_one_flipped_bit_of_key_or_counter_flips_half_of_the_output():
    base = np.random.default_rng(0).integers(0, 2**64, size=(4, 400), dtype=U)
    word_before = rng.threefry(*base)[0]
    for position in range(4):
        for bit in range(0, 64, 7):
            changed = base.copy()
            changed[position] ^= U(1) << U(bit)
            difference = word_before ^ rng.threefry(*changed)[0]
            flipped = np.bitwise_count(difference).mean() if hasattr(np, "bitwise_count") else 32.0
            assert abs(flipped - 32) < 5 * 4 / np.sqrt(400)


# Reproducibility.


def test_draws_do_not_depend_on_the_batch():
    seeds, runs = np.repeat([5, 6], 6), np.tile(np.arange(6), 2)
    whole = rng.streams(seeds.reshape(3, 4), runs.reshape(3, 4))
    whole.step = 7
    for i in range(12):
        alone = rng.streams(seeds[i], runs[i])
        alone.step = 7
        assert np.array_equal(alone.normals(5), whole.normals(5).reshape(12, 5)[i])
        assert np.array_equal(alone.words(3), whole.words(9).reshape(12, 9)[i, :3])


def test_the_bits_are_pinned():
    """A change of generator or transform changes every stored result: it has to be deliberate."""
    s = rng.streams([1], [2])
    assert [hex(int(w)) for w in s.words(3)[0]] == PINNED_WORDS
    assert [float(z).hex() for z in s.normals(3)[0]] == PINNED_NORMALS


PINNED_WORDS = ["0x79461981e56667f7", "0xf3a3d716e47519dc", "0x1c5b71a1224d2af"]
PINNED_NORMALS = ["-0x1.87893f8e51c3ep-3", "-0x1.3515232d53194p+0", "0x1.416d6faecf61cp-2"]


def test_bad_keys_are_refused():
    with pytest.raises(TypeError, match=r"seeds must be an integer or an integer array, got \[0.5\]"):
        rng.streams([0.5], [1])
    with pytest.raises(ValueError, match=r"runs must lie in \[0, 2\^64\), got -1"):
        rng.streams([0], [-1])
    with pytest.raises(ValueError, match=r"equal shapes, got \(2,\) and \(1,\)"):
        rng.streams([0, 1], [1])
