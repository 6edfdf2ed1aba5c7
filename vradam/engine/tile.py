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
from vradam.engine.rows import (
    ADAM,
    ALPHA0,
    ALPHA1,
    AS_SEEN,
    AVERAGED,
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
    GATE,
    GATE_DECAY,
    GRADIENT,
    HELD,
    IN1,
    IN2,
    INSIDE,
    KEEP,
    KEPT,
    KINETIC,
    LAGGED,
    LANES,
    LARGEST,
    LAW,
    METRIC,
    METRIC_EPS,
    NEGLIGIBLE,
    NOISE,
    NORM,
    ON_THE_STEP,
    OPEN,
    OPENING,
    PER_COORDINATE,
    PLAIN,
    POWER,
    POWER1,
    POWER2,
    POWERG,
    PREDICTABLE,
    PREVIOUS,
    PROOF,
    RATE,
    SHRINK,
    SQUARE,
    STREAMS,
    TOTAL,
    field,
    mean_of_terms,
    slope,
)
from vradam.engine.seldom import mark_diverged, set_rate, take_full_gradient


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
    """The steps clock + begin, ..., clock + end - 1 and the gradients after each, where nothing else is to be done.

    ``exponent`` is that of a power gate, ``rates`` are alpha0 of the steps. Returns the number of the next step.
    """
    X, Z, P, G, N = (
        in_lanes(X, LANES), in_lanes(Z, LANES), in_lanes(P, LANES), in_lanes(G, LANES), in_lanes(N, LANES)
    )  # fmt: skip
    for s in range(begin, end):
        if rates.shape[0] > 1:
            set_rate(P, rates, s - 1, tile)
        if open_gate(P, uniform, exponent, X.shape[0]):
            mark_diverged(X, Z, P, diverged_at, clock + s)
        correct_bias(P, uniform)  # of the next step, so early that the sweep need not wait for it
        move_and_absorb(X, Z, P, G, N, words, K, S, clock + s, parameters)
    return end


def sweep_nothing(
    X, Z, P, G, N, words, K, S, parameters, rates, diverged_at, uniform, exponent, clock, begin, end, tile
):
    """In the place of :func:`sweep` where compiling it would not pay: every step is made of its pieces."""
    return begin


def move_then_absorb(X, Z, P, G, N, words, K, S, t, parameters):
    """The step t and the gradient of step t + 1, of an objective whose coordinates are not apart."""
    move(X, Z, P)
    draw(N, words, K, S, t)
    field(X, G, parameters)
    absorb_all(Z, P, G, N)


def move_and_absorb(X, Z, P, G, N, words, K, S, t, parameters):
    """The step t of a separable objective and the gradient of step t + 1, in one sweep."""
    draw(N, words, K, S, t)
    for i in range(X.shape[0]):
        p0, p1, p2, p3 = parameters[i, 0], parameters[i, 1], parameters[i, 2], parameters[i, 3]
        for j in range(LANES):
            position = moved(X, Z, P, i, j)
            X[i, j] = position
            absorb(Z, P, i, j, slope(position, p0, p1, p2, p3), N[i, j])


def move_beside_absorb(X, Z, P, G, N, words, K, S, t, parameters):
    """The same, where the slope is a long chain of operations: the next coordinate is moved beside it.

    A processor looks some tens of operations ahead: too few to reach the next root and division before such a chain
    ends.
    """
    draw(N, words, K, S, t)
    last = X.shape[0] - 1
    for j in range(LANES):
        X[0, j] = moved(X, Z, P, 0, j)
    for i in range(last):
        p0, p1, p2, p3 = parameters[i, 0], parameters[i, 1], parameters[i, 2], parameters[i, 3]
        for j in range(LANES):
            X[i + 1, j] = moved(X, Z, P, i + 1, j)
            absorb(Z, P, i, j, slope(X[i, j], p0, p1, p2, p3), N[i, j])
    p0, p1, p2, p3 = parameters[last, 0], parameters[last, 1], parameters[last, 2], parameters[last, 3]
    for j in range(LANES):
        absorb(Z, P, last, j, slope(X[last, j], p0, p1, p2, p3), N[last, j])


def move_draw_and_absorb(X, Z, P, G, N, words, K, S, t, parameters):
    """The same with the noise drawn in the sweep, for two coordinates at once, while the divider works.

    Tried without gain for normals: their words in the sweep too, four coordinates at once; the pair of the next two
    coordinates; both roots before the pair; the coefficients of their polynomials from a table; one loop for all.
    """
    d, step = X.shape[0], np.uint64(t)
    prepare(words, K, t, d)
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


def open_gate(P, uniform, exponent, d):
    """eta_t of every run and what follows from it. Returns whether some gradient may not have been finite.

    Where the step divides by a denominator anyway, CLOSING = alpha0/eta_t joins it: one division less.
    """
    P = in_lanes(P, LANES)
    if GATE == POWER:
        raise_to(P, exponent)
    factor, shrink = P[FACTOR, 0], P[SHRINK, 0]
    suspicious = 0
    for j in range(LANES):
        square = P[SQUARE, j]
        if not (square <= LARGEST):
            suspicious |= 1
        if NOISE != MINIBATCH:
            P[TOTAL, j] += square
            P[LAGGED, j] = P[BETA1, j] * (P[LAGGED, j] + square)
        seen = min(P[NORM, j], LARGEST)
        eta = P[ALPHA0, j]
        if GATE == METRIC:
            if DIRECTION == ADAM:
                scale = shrink if uniform else P[SHRINK, j]
                seen = min(scale * scale * seen, LARGEST)
            elif DIRECTION == PROOF:
                scale = factor if uniform else P[FACTOR, j]
                seen = min(scale * scale * seen, LARGEST)
            seen = seen / d
        elif GATE == PREDICTABLE:
            before = P[PREVIOUS, j]
            P[PREVIOUS, j] = seen
            seen = before
        elif GATE == INSIDE:
            P[KINETIC, j] = P[PREVIOUS, j]
            P[PREVIOUS, j] = seen
            P[RATE, j] = eta * P[OPENING, j]
            P[OPENING, j] = 1.0 / (1.0 + min(P[BETA3, j] * seen, P[ALPHA1, j]))
        if GATE in ON_THE_STEP:
            if LAW == AS_SEEN and GATE in KEPT:
                P[KINETIC, j] = seen
            elif LAW == AVERAGED:
                power = P[POWERG, j] * P[GATE_DECAY, j]
                P[POWERG, j] = power if power > NEGLIGIBLE else 0.0
                P[KINETIC, j] = P[GATE_DECAY, j] * P[KINETIC, j] + (1.0 - P[GATE_DECAY, j]) * seen
                seen = min(P[KINETIC, j] / (1.0 - P[POWERG, j]), LARGEST)
            closing = min(P[BETA3, j] * seen, P[ALPHA1, j])
            if LAW == HELD:
                closing = min(max(closing, P[GATE_DECAY, j] * P[KINETIC, j]), LARGEST)
                P[KINETIC, j] = closing
            closing += 1.0
            P[CLOSING, j] = closing
            if DIRECTION == PLAIN or DECAYS or GATE == METRIC:
                eta = eta / closing
        if GATE == PER_COORDINATE:
            P[ETA, j] = eta
        if DECAYS:
            P[KEEP, j] = 1.0 - eta * P[DECAY, j]
        if DIRECTION == PLAIN:
            P[COEFFICIENT, j] = eta
        else:
            P[COEFFICIENT, j] = eta * (factor if uniform else P[FACTOR, j])
        if DIRECTION == ADAM:
            P[DAMPING, j] = P[EPS, j] * (shrink if uniform else P[SHRINK, j])
    return suspicious


def raise_to(P, exponent):
    """||.||^k from ||.||^2, by products where k is whole."""
    whole = int(exponent)
    for j in range(LANES):
        square = P[NORM, j]
        power = 1.0
        if whole == exponent:
            for _ in range(whole // 2):
                power *= square
            if whole % 2:
                power *= sqrt(square)
        else:
            power = square ** (exponent / 2.0)
        P[NORM, j] = power


def correct_bias(P, uniform):
    """What corrects the averages of the next step for their start at zero; the first lane only if all lanes agree.

    With c = sqrt(1 - beta2^t), the step vhat/(sqrt(mhat) + eps) is (c/(1 - beta1^t)) v / (sqrt(m) + c eps): FACTOR and
    SHRINK. In the proofs' form FACTOR is Omega_t.
    """
    if DIRECTION == PLAIN:
        return
    P = in_lanes(P, LANES)
    for j in range(1 if uniform else LANES):
        power1 = P[POWER1, j] * P[BETA1, j]
        power2 = P[POWER2, j] * P[BETA2, j]
        P[POWER1, j] = power1 if power1 > NEGLIGIBLE else 0.0
        P[POWER2, j] = power2 if power2 > NEGLIGIBLE else 0.0
        P[SHRINK, j] = sqrt(1.0 - P[POWER2, j])
        if DIRECTION == ADAM:
            P[FACTOR, j] = P[SHRINK, j] / (1.0 - P[POWER1, j])
        else:
            P[FACTOR, j] = P[SHRINK, j] / sqrt(P[IN2, j]) if P[IN2, j] > 0.0 else 1.0
    if GATE == METRIC and DIRECTION == ADAM:
        shrink = P[SHRINK, 0]
        for j in range(LANES):
            P[METRIC_EPS, j] = P[EPS, j] * (shrink if uniform else P[SHRINK, j])


#: What is called rather than inlined: done once a step or seldom, and the same for many combinations.
APART = (choose, truncate, set_rate, raise_to, take_full_gradient, mark_diverged)
