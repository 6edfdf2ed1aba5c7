"""All steps of a tile of runs, one run per SIMD lane: the source of the compiled ensemble engine.

A tile holds ``LANES`` runs side by side: a coordinate of all of them is one row, and every inner loop runs along such
a row. No sum runs over lanes, so that a run's bits depend neither on its neighbours nor on where a tile begins. The
widths of the arrays are constants and rows that are used together lie in one array: so the compiler knows them to be
apart, and uses the vector unit without asking at run time.

This is plain Python for ``specialise``, which exchanges names of ``rows`` for those of one optimizer, one objective and
one noise. The arithmetic follows ``VRAdam.step``; the last bits differ from it.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from vradam.engine.draws import EXACT, MINIBATCH, choose, truncate
from vradam.engine.draws import draw_nothing as draw
from vradam.engine.draws import pair_of_normals as draw_pair
from vradam.engine.draws import words_of_normals as prepare
from vradam.engine.intrinsics import in_lanes
from vradam.engine.opening import correct_bias, not_all_finite, open_all, open_one, raise_to
from vradam.engine.rows import (
    ADAM,
    ALPHA1,
    BETA1,
    BETA2,
    BETA3,
    CLOSING,
    COEFFICIENT,
    DAMPING,
    DECAY,
    DECAYS,
    DIRECTION,
    EPS,
    ETA,
    FACTOR,
    FLUSH_EVERY,
    GATE,
    GRADIENT,
    IN1,
    IN2,
    INSIDE,
    KEEP,
    LANES,
    LARGEST,
    METRIC,
    METRIC_EPS,
    NOISE,
    NORM,
    ON_THE_STEP,
    OPEN,
    OPENING,
    PER_COORDINATE,
    PLAIN,
    POWER,
    PROOF,
    SHRINK,
    SQUARE,
    STREAMS,
    field,
    mean_of_terms,
    slope,
    slope_at,
)
from vradam.engine.seldom import flush, mark_diverged, set_rate, take_full_gradient


def absorb(Z, P, i, j, exact, noise):
    """Take the gradient of coordinate i of run j into its velocity and second moment, and into the sums over i."""
    P[SQUARE, j] = (P[SQUARE, j] if i > 0 else 0.0) + exact * exact
    norm = P[NORM, j] if i > 0 else 0.0
    g = exact
    if NOISE != EXACT and NOISE != MINIBATCH:
        g = exact + noise
    entering = g
    if GATE == INSIDE:
        entering = P[OPENING, j] * g
    velocity = P[BETA1, j] * Z[STREAMS * i, j] + P[IN1, j] * entering
    Z[STREAMS * i, j] = velocity
    if DIRECTION == ADAM:
        Z[STREAMS * i + 1, j] = P[BETA2, j] * Z[STREAMS * i + 1, j] + P[IN2, j] * min(g * g, LARGEST)
    if DIRECTION == PROOF:
        Z[STREAMS * i + 1, j] = min(P[BETA2, j] * Z[STREAMS * i + 1, j] + g * g, LARGEST)
    if GATE == METRIC and DIRECTION != PLAIN:
        if DIRECTION == ADAM:
            quotient = velocity / (sqrt(Z[STREAMS * i + 1, j]) + P[METRIC_EPS, j])
        else:
            quotient = velocity / sqrt(P[EPS, j] + Z[STREAMS * i + 1, j])
        Z[STREAMS * i + 2, j] = quotient
        P[NORM, j] = norm + quotient * quotient
    elif GATE == GRADIENT:
        P[NORM, j] = norm + g * g
    elif GATE != OPEN and GATE != PER_COORDINATE:
        P[NORM, j] = norm + velocity * velocity


def moved(X, Z, P, i, j):
    """Coordinate i of run j after the step."""
    velocity = Z[STREAMS * i, j]
    coefficient = P[COEFFICIENT, j]
    keep = P[KEEP, j] if DECAYS else 1.0
    if GATE == PER_COORDINATE:
        opening = 1.0 / (1.0 + min(P[BETA3, j] * min(velocity * velocity, LARGEST), P[ALPHA1, j]))
        coefficient = coefficient * opening
        keep = 1.0 - P[ETA, j] * opening * P[DECAY, j]
    if DIRECTION == PLAIN:
        step = coefficient * velocity
    elif GATE == METRIC:
        step = coefficient * Z[STREAMS * i + 2, j]
    else:
        if DIRECTION == ADAM:
            denominator = sqrt(Z[STREAMS * i + 1, j]) + P[DAMPING, j]
        else:
            denominator = sqrt(P[EPS, j] + Z[STREAMS * i + 1, j])
        if GATE in ON_THE_STEP and not DECAYS:
            denominator = P[CLOSING, j] * denominator
        step = coefficient * velocity / denominator
    if DECAYS:
        return keep * X[i, j] - step
    return X[i, j] - step


def move(X, Z, P):
    """The step of all coordinates."""
    X, Z, P = in_lanes(X, LANES), in_lanes(Z, LANES), in_lanes(P, LANES)
    for i in range(X.shape[0]):
        for j in range(LANES):
            X[i, j] = moved(X, Z, P, i, j)


def absorb_all(Z, P, G, N):
    """The gradients G and the noise N of all coordinates, into their averages."""
    Z, P, G, N = in_lanes(Z, LANES), in_lanes(P, LANES), in_lanes(G, LANES), in_lanes(N, LANES)
    for i in range(G.shape[0]):
        for j in range(LANES):
            absorb(Z, P, i, j, G[i, j], N[i, j])


def make_noise(N, words, K, S, t):
    """The noise of step t."""
    draw(in_lanes(N, LANES), in_lanes(words, LANES), in_lanes(K, LANES), in_lanes(S, LANES), t)


def gradient_of_all(X, P, G, chosen, words, K, parameters, drawn, terms, t, step, tile):
    """The gradients, of all terms where there are terms."""
    field(in_lanes(X, LANES), in_lanes(G, LANES), parameters)


def gradient_of_some(X, P, G, chosen, words, K, parameters, drawn, terms, t, step, tile):
    """The mean gradients of the terms that step t draws, and what the theorem's mean needs of those of all."""
    take_full_gradient(X, P, G, parameters, drawn, step, tile)
    choose(chosen, words, K, t, terms)
    mean_of_terms(in_lanes(X, LANES), in_lanes(G, LANES), in_lanes(chosen, LANES), parameters)


def sweep(X, Z, P, G, N, words, K, S, parameters, rates, diverged_at, uniform, exponent, clock, begin, end, tile):
    """The steps clock + begin, ..., clock + end - 1 and the gradients after each, where nothing is to be recorded.

    ``exponent`` is that of a power gate, ``rates`` are alpha0 of the steps. Returns the number of the next step.
    """
    X, Z, P, G, N = (
        in_lanes(X, LANES), in_lanes(Z, LANES), in_lanes(P, LANES), in_lanes(G, LANES), in_lanes(N, LANES)
    )  # fmt: skip
    for s in range(begin, end):
        if (clock + s) % FLUSH_EVERY == 0:
            flush(X, Z, P)
        if rates.shape[0] > 1:
            set_rate(P, rates, s - 1, tile)
        if GATE == POWER:
            raise_to(P, exponent)
        if not_all_finite(P):
            mark_diverged(X, Z, P, diverged_at, clock + s)
        move_and_absorb(X, Z, P, G, N, words, K, S, clock + s, parameters, uniform)
    return end


def sweep_nothing(
    X, Z, P, G, N, words, K, S, parameters, rates, diverged_at, uniform, exponent, clock, begin, end, tile
):
    """In the place of :func:`sweep` where compiling it would not pay: every step is made of its pieces."""
    return begin


def open_and_move(X, Z, P, uniform):
    """Open the gate of every run and move its first coordinate: the divider works beside the gate, not after it."""
    factor, shrink = P[FACTOR, 0], P[SHRINK, 0]
    for j in range(LANES):
        open_one(P, j, uniform, factor, shrink, X.shape[0])
        X[0, j] = moved(X, Z, P, 0, j)


def move_then_absorb(X, Z, P, G, N, words, K, S, t, parameters, uniform):
    """The step t and the gradient of step t + 1, of an objective whose coordinates are not apart."""
    open_and_move(X, Z, P, uniform)
    correct_bias(P, uniform)  # of the next step, so early that its gate need not wait for it
    for i in range(1, X.shape[0]):
        for j in range(LANES):
            X[i, j] = moved(X, Z, P, i, j)
    draw(N, words, K, S, t)
    field(X, G, parameters)
    absorb_all(Z, P, G, N)


def move_and_absorb(X, Z, P, G, N, words, K, S, t, parameters, uniform):
    """The step t of a separable objective and the gradient of step t + 1, in one sweep, the gate with its beginning.

    Tried without gain: the next coordinate beside this one's short slope (half slower for d = 2); the bias corrected
    elsewhere (even without it only 1 to 2 percent are saved); other distances between X, Z and P.
    """
    draw(N, words, K, S, t)
    factor, shrink = P[FACTOR, 0], P[SHRINK, 0]
    if GATE == METRIC:  # which opens by the averages as corrected for this step, and absorbs by the next correction
        open_all(P, uniform, X.shape[0])
        correct_bias(P, uniform)
    p0, p1, p2, p3 = parameters[0, 0], parameters[0, 1], parameters[0, 2], parameters[0, 3]
    for j in range(LANES):
        if GATE != METRIC:
            open_one(P, j, uniform, factor, shrink, X.shape[0])
        position = moved(X, Z, P, 0, j)
        X[0, j] = position
        absorb(Z, P, 0, j, slope(position, p0, p1, p2, p3), N[0, j])
    if GATE != METRIC:
        correct_bias(P, uniform)
    for i in range(1, X.shape[0]):
        p0, p1, p2, p3 = parameters[i, 0], parameters[i, 1], parameters[i, 2], parameters[i, 3]
        for j in range(LANES):
            position = moved(X, Z, P, i, j)
            X[i, j] = position
            absorb(Z, P, i, j, slope(position, p0, p1, p2, p3), N[i, j])


def move_beside_absorb(X, Z, P, G, N, words, K, S, t, parameters, uniform):
    """The same, where a slope is a long chain of operations or has neighbours: the next coordinate is moved beside it.

    A processor looks some tens of operations ahead: too few to reach the next root and division before such a chain
    ends.
    """
    draw(N, words, K, S, t)
    last = X.shape[0] - 1
    open_and_move(X, Z, P, uniform)
    correct_bias(P, uniform)
    if last > 0:
        move_next_and_absorb(X, Z, P, N, parameters, 0, 0, 1)
    for i in range(last - 1):
        move_next_and_absorb(X, Z, P, N, parameters, i, i + 1, i + 2)
    p0, p1, p2, p3 = parameters[last, 0], parameters[last, 1], parameters[last, 2], parameters[last, 3]
    for j in range(LANES):
        absorb(Z, P, last, j, slope_at(X, last - 1, last, last, j, p0, p1, p2, p3), N[last, j])


def move_next_and_absorb(X, Z, P, N, parameters, before, i, after):
    """Move the coordinate after coordinate i and absorb the gradient of this."""
    p0, p1, p2, p3 = parameters[i, 0], parameters[i, 1], parameters[i, 2], parameters[i, 3]
    for j in range(LANES):
        X[after, j] = moved(X, Z, P, after, j)
        absorb(Z, P, i, j, slope_at(X, before, i, after, j, p0, p1, p2, p3), N[i, j])


def move_draw_and_absorb(X, Z, P, G, N, words, K, S, t, parameters, uniform):
    """The same with the noise drawn in the sweep, for two coordinates at once, while the divider works.

    Tried without gain for normals: their words in the sweep too, four coordinates at once; the pair of the next two
    coordinates; both roots before the pair; the coefficients of their polynomials from a table; one loop for all; the
    gate in the first loop.
    """
    d, step = X.shape[0], np.uint64(t)
    prepare(words, K, t, d)
    open_all(P, uniform, d)
    correct_bias(P, uniform)
    for b in range(d // 2):
        i, k = 2 * b, 2 * b + 1
        p0, p1, p2, p3 = parameters[i, 0], parameters[i, 1], parameters[i, 2], parameters[i, 3]
        q0, q1, q2, q3 = parameters[k, 0], parameters[k, 1], parameters[k, 2], parameters[k, 3]
        for j in range(LANES):
            X[i, j] = moved(X, Z, P, i, j)
            X[k, j] = moved(X, Z, P, k, j)
            N[i, j], N[k, j] = draw_pair(words, K, S, step, b, j)
        for j in range(LANES):
            absorb(Z, P, i, j, slope(X[i, j], p0, p1, p2, p3), N[i, j])
            absorb(Z, P, k, j, slope(X[k, j], q0, q1, q2, q3), N[k, j])
    if d % 2:
        i = d - 1
        p0, p1, p2, p3 = parameters[i, 0], parameters[i, 1], parameters[i, 2], parameters[i, 3]
        for j in range(LANES):
            X[i, j] = moved(X, Z, P, i, j)
            N[i, j], N[d, j] = draw_pair(words, K, S, step, d // 2, j)
        for j in range(LANES):
            absorb(Z, P, i, j, slope(X[i, j], p0, p1, p2, p3), N[i, j])


#: What is called rather than inlined: done once a step or seldom, and the same for many combinations.
APART = (choose, truncate, set_rate, raise_to, take_full_gradient, mark_diverged, flush)
