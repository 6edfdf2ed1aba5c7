"""The noise of one step for a tile of runs: the source, exchanged and compiled with ``tile``.

The words and the transforms are those of ``rng``, and a coordinate gets the same words as in ``vradam.noise``; hence
the same noise to the bit.
"""

from __future__ import annotations

import numpy as np

from vradam.random_streams import index_below, normal_pair, symmetric_unit, threefry

LANES = 64
EXACT, GAUSSIAN, TRUNCATED, TWO_POINT, UNIFORM, MINIBATCH = range(6)

SEED, RUN, THRESHOLD = 0, 1, 2  # the rows of K: the key of a run, and the word below which two-point noise is positive
SCALE, LIMIT = 0, 1  # the rows of S: std and bound; or the negative and the positive value; or the halfwidth
ATTEMPT = np.uint64(1 << 32)


def fill_words(words, K, t, count):
    """words[i] = word i of step t, i < count (and perhaps three rows more)."""
    step = np.uint64(t)
    blocks = (count + 1) // 2
    for b in range(0, blocks - 1, 2):  # two blocks at a time keep the processor busier
        for j in range(LANES):
            first, second = threefry(K[SEED, j], K[RUN, j], step, np.uint64(b))
            third, fourth = threefry(K[SEED, j], K[RUN, j], step, np.uint64(b + 1))
            words[2 * b, j] = first
            words[2 * b + 1, j] = second
            words[2 * b + 2, j] = third
            words[2 * b + 3, j] = fourth
    if blocks % 2:
        for j in range(LANES):
            first, second = threefry(K[SEED, j], K[RUN, j], step, np.uint64(blocks - 1))
            words[2 * blocks - 2, j] = first
            words[2 * blocks - 1, j] = second


def draw_nothing(N, words, K, S, t):
    """Exact gradients."""


def draw_gaussian(N, words, K, S, t):
    """N[i] = the additive noise of coordinate i at step t: normal."""
    d = N.shape[0] - 1
    fill_words(words, K, t, (d + 1) // 2)
    for p in range((d + 1) // 2):
        for j in range(LANES):
            even, odd = normal_pair(words[p, j])
            N[2 * p, j] = S[SCALE, j] * even
            N[2 * p + 1, j] = S[SCALE, j] * odd


def draw_truncated(N, words, K, S, t):
    """The same, drawn again until it lies within the bound."""
    draw_gaussian(N, words, K, S, t)
    truncate(N, words, K, S, t, N.shape[0] - 1)


def draw_two_point(N, words, K, S, t):
    """One value with probability p, else the other."""
    d = N.shape[0] - 1
    fill_words(words, K, t, d)
    for i in range(d):
        for j in range(LANES):
            up, down = S[LIMIT, j], S[SCALE, j]  # loaded first: a choice of what to load would be a gather
            N[i, j] = up if words[i, j] < K[THRESHOLD, j] else down


def draw_uniform(N, words, K, S, t):
    """Uniform on [-halfwidth, halfwidth]."""
    d = N.shape[0] - 1
    fill_words(words, K, t, d)
    for i in range(d):
        for j in range(LANES):
            N[i, j] = S[SCALE, j] * symmetric_unit(words[i, j])


def words_of_normals(words, K, t, d):
    """What :func:`pair_of_normals` needs at step t: one word for two coordinates."""
    fill_words(words, K, t, (d + 1) // 2)


def words_of_nothing(words, K, t, d):
    """The other pairs make their two words themselves."""


def pair_of_normals(words, K, S, step, b, j):
    """The noise of coordinates 2b and 2b + 1 of lane j, as :func:`draw_gaussian` draws it."""
    even, odd = normal_pair(words[b, j])
    return S[SCALE, j] * even, S[SCALE, j] * odd


def pair_of_two_points(words, K, S, step, b, j):
    """As :func:`draw_two_point` draws it."""
    first, second = threefry(K[SEED, j], K[RUN, j], step, np.uint64(b))
    up, down = S[LIMIT, j], S[SCALE, j]
    return up if first < K[THRESHOLD, j] else down, up if second < K[THRESHOLD, j] else down


def pair_of_uniforms(words, K, S, step, b, j):
    """As :func:`draw_uniform` draws it."""
    first, second = threefry(K[SEED, j], K[RUN, j], step, np.uint64(b))
    return S[SCALE, j] * symmetric_unit(first), S[SCALE, j] * symmetric_unit(second)


def truncate(N, words, K, S, t, d):
    """Draw a coordinate again until it lies within the bound; the attempt is part of the counter.

    Few are outside. They are listed first, so that drawing them again waits for no branch.
    """
    for i in range(d):
        outside = 0
        for j in range(LANES):
            outside |= 1 if abs(N[i, j]) > S[LIMIT, j] else 0
        if outside == 0:
            continue
        attempt = np.uint64(0)
        count = 0
        for j in range(LANES):
            words[0, count] = np.uint64(j)
            count += 1 if abs(N[i, j]) > S[LIMIT, j] else 0
        while count > 0:
            attempt += ATTEMPT
            left = 0
            for k in range(count):
                lane = np.int64(words[0, k])
                first, second = threefry(K[SEED, lane], K[RUN, lane], np.uint64(t), np.uint64(i // 4) + attempt)
                even, odd = normal_pair(second if i % 4 >= 2 else first)
                value = S[SCALE, lane] * (odd if i % 2 else even)
                N[i, lane] = value
                words[0, left] = np.uint64(lane)
                left += 1 if abs(value) > S[LIMIT, lane] else 0
            count = left


def choose(chosen, words, K, t, terms):
    """chosen[k] = the term that a minibatch draws in its place k, (size, LANES) int64."""
    fill_words(words, K, t, chosen.shape[0])
    for k in range(chosen.shape[0]):
        for j in range(LANES):
            chosen[k, j] = np.int64(index_below(words[k, j], terms))


#: The source of ``draw`` for each kind of noise; of a minibatch the terms are chosen instead.
DRAWS = (draw_nothing, draw_gaussian, draw_truncated, draw_two_point, draw_uniform, draw_nothing)
#: For those that can be drawn by pairs in the sweep of a tile: the source of ``prepare`` and of ``draw_pair``.
PAIRS = {
    GAUSSIAN: (words_of_normals, pair_of_normals),
    TWO_POINT: (words_of_nothing, pair_of_two_points),
    UNIFORM: (words_of_nothing, pair_of_uniforms),
}
