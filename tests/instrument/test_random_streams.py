"""Every constant and every rotation of the generator matters: its words and normals in exact arithmetic, on grids."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from vradam import random_streams as rng

MASK = 2**64 - 1
ROTATIONS = (16, 42, 12, 31, 16, 32, 24, 21)
RANDOM = np.random.default_rng(8)


def threefry(seed, run, step, block):
    """Threefry-2x64 with 13 rounds, a key injected before the first and after every fourth, in whole numbers."""
    keys = (seed, run, 0x1BD11BDAA9FC1A22 ^ seed ^ run)
    x, y = (step + seed) & MASK, (block + run) & MASK
    for i in range(13):
        x = (x + y) & MASK
        y = (y << ROTATIONS[i % 8] & MASK | y >> 64 - ROTATIONS[i % 8]) ^ x
        if i % 4 == 3:
            k = i // 4 + 1
            x, y = (x + keys[k % 3]) & MASK, (y + keys[(k + 1) % 3] + k) & MASK
    return x, y


def test_the_words_are_those_of_the_generator_in_whole_numbers():
    given = RANDOM.integers(0, 2**64, (4, 40), dtype=np.uint64)
    found = np.array(rng.threefry(*given))
    expected = [threefry(*map(int, column)) for column in given.T]
    assert found.T.tolist() == [list(pair) for pair in expected]
    assert threefry(0, 0, 0, 0) == (0xF167B032C3B480BD, 0xE91F9FEE4B7A6FB5)  # published


def test_word_i_of_a_step_is_half_of_block_i_over_two_of_its_attempt():
    streams = rng.streams(np.array([[5, 6], [7, 8]]), np.array([[1, 2], [3, 4]]))
    streams.step = 9
    for attempt in (0, 1, 3):
        for count in (1, 2, 5):
            found = streams.words(count, attempt)
            assert found.shape == (2, 2, count)
            for place in np.ndindex(2, 2):
                key = int(streams.seed[place]), int(streams.run[place])
                blocks = [threefry(*key, 9, i // 2 + attempt * 2**32)[i % 2] for i in range(count)]
                assert found[place].tolist() == blocks
            pairs = [rng.normal_pair(found[..., i]) for i in range(count)]
            normals = [z for pair in pairs for z in pair]
            for n in (2 * count - 1, 2 * count):
                np.testing.assert_array_equal(streams.normals(n, attempt), np.stack(normals[:n], axis=-1))
    assert rng.streams([1], [2]).step == 0
    np.testing.assert_array_equal(streams.words(3), streams.words(3, 0))
    np.testing.assert_array_equal(streams.normals(3), streams.normals(3, 0))


def exact_pair(word):
    """Box and Muller of one word: 40 bits of radius, 22 of angle, one that exchanges, one that reflects."""
    u, t = Fraction(2 * (word >> 24) + 1, 2**41), Fraction(2 * ((word >> 2) % 2**22) + 1, 2**22) - 1
    angle = mpmath.mpf(t.numerator) / t.denominator / 4
    radius = mpmath.sqrt(-2 * mpmath.log(mpmath.mpf(u.numerator) / u.denominator))
    pair = [radius * mpmath.cospi(angle) * (-1) ** (word & 1), radius * mpmath.sinpi(angle)]
    return pair[::-1] if word & 2 else pair


def test_normals_are_right_over_the_whole_range_of_radius_and_angle():
    """The mantissa of u from one end of its octave to the other, in the octaves at and far from one, all angles."""
    octave = [int(2**40 * 2 ** (-k - x)) for k in (0, 1, 20, 39) for x in np.linspace(0.001, 0.999, 60)]
    ends = [0, 1, 2, 2**40 - 1, 2**40 - 2, 2**39, 2**39 - 1, int(2**39.5), int(2**39.5) + 1]
    angles = np.linspace(0, 2**22 - 1, len(octave) + len(ends)).astype(int)
    angles = RANDOM.permutation(angles)
    words = [n << 24 | int(a) << 2 | i % 4 for i, (n, a) in enumerate(zip(octave + ends, angles, strict=True))]
    words += [2**62 | a << 2 | bits for a in (0, 1, 2**21 - 1, 2**21, 2**22 - 1) for bits in range(4)]
    found = np.array(rng.normal_pair(np.array(words, np.uint64))).T
    with mpmath.workdps(40):
        exact = np.array([[float(z) for z in exact_pair(word)] for word in words])
    np.testing.assert_allclose(found, exact, rtol=0, atol=2e-8)
    assert (np.sign(found) == np.sign(exact)).all()


def test_units_and_indices_are_whole_multiples():
    words = RANDOM.integers(0, 2**64, 200, dtype=np.uint64)
    halves = [2 * (int(word) >> 12) + 1 for word in words]
    assert rng.symmetric_unit(words).tolist() == [float(Fraction(half, 2**52) - 1) for half in halves]
    for count in (1, 3, 1797, 2**32):
        assert rng.index_below(words, float(count)).tolist() == [half * count >> 53 for half in halves]


def test_a_scalar_word_gives_what_an_array_gives():
    """As compiled loops call it."""
    word = RANDOM.integers(0, 2**64, 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        assert rng.normal_pair(word[0]) == tuple(z[0] for z in rng.normal_pair(word))
        assert rng.threefry(*word, *word, *word, *word) == tuple(w[0] for w in rng.threefry(word, word, word, word))


def test_streams_of_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match=r"seeds and runs must have equal shapes, got \(1,\) and \(2,\)"):
        rng.streams([1], [1, 2])
