"""What a tile does once a step or seldom: compiled apart, since it is the same for many combinations.

Like ``tile``, this is plain Python for ``specialise``; the names are those of ``rows``.
"""

from __future__ import annotations

import numpy as np

from vradam.engine.rows import (
    ALIVE,
    ALPHA0,
    ALPHA1,
    BETA1,
    BETA3,
    CLOSING,
    COEFFICIENT,
    DECAY,
    EPS,
    ETA,
    GATE,
    INSIDE,
    KEEP,
    KINETIC,
    LAGGED,
    LARGEST,
    LEAST_EPS,
    NORM,
    ON_THE_STEP,
    PER_COORDINATE,
    PREVIOUS,
    RATE,
    TINY,
    TINY_SQUARE,
    TOTAL,
    field,
)


def set_rate(P, rates, s, tile):
    """alpha0 of the next step, from a schedule."""
    for j in range(P.shape[1]):
        run = min(tile * P.shape[1] + j, rates.shape[1] - 1)
        P[ALPHA0, j] = rates[s, run] * P[ALIVE, j]


def write(X, Z, P, out_x, out_rate, number, tile):
    """Record the points and learning rates of a step."""
    start, streams = tile * X.shape[1], Z.shape[0] // X.shape[0]
    for j in range(min(X.shape[1], out_x.shape[0] - start)):
        openings = 0.0
        for i in range(X.shape[0]):
            out_x[start + j, number, i] = X[i, j]
            if GATE == PER_COORDINATE:
                square = min(Z[streams * i, j] * Z[streams * i, j], LARGEST)
                openings += 1.0 / (1.0 + min(P[BETA3, j] * square, P[ALPHA1, j]))
        if GATE == INSIDE:
            out_rate[start + j, number] = P[RATE, j]
        elif GATE in ON_THE_STEP:
            out_rate[start + j, number] = P[ALPHA0, j] / P[CLOSING, j]
        else:
            out_rate[start + j, number] = P[ALPHA0, j]
        if GATE == PER_COORDINATE:
            out_rate[start + j, number] *= openings / X.shape[0]


def flush(X, Z, P):
    """Set what is tiny to zero: denormal numbers would slow the end of every run without noise."""
    streams = Z.shape[0] // X.shape[0]
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            if P[EPS, j] > LEAST_EPS:
                if abs(X[i, j]) < TINY:
                    X[i, j] = 0.0
                if abs(Z[streams * i, j]) < TINY:
                    Z[streams * i, j] = 0.0
                if Z[streams * i + 1, j] < TINY_SQUARE:
                    Z[streams * i + 1, j] = 0.0


def take_full_gradient(X, P, G, parameters, drawn, step, tile):
    """The theorem's mean of a minibatch run: ||grad F||^2 at every step, or at those that were drawn."""
    if drawn.shape[0] == 0:
        field(X, G, parameters)
        for j in range(X.shape[1]):
            square = 0.0
            for i in range(X.shape[0]):
                square += G[i, j] * G[i, j]
            P[TOTAL, j] += square
            P[LAGGED, j] = P[BETA1, j] * (P[LAGGED, j] + square)
        return
    alone = np.empty((X.shape[0], 1))
    gradient = np.empty((X.shape[0], 1))
    for j in range(min(X.shape[1], drawn.shape[1] - tile * X.shape[1])):
        draws = drawn[:, tile * X.shape[1] + j]
        count = np.searchsorted(draws, step, "right") - np.searchsorted(draws, step, "left")
        if count > 0:
            for i in range(X.shape[0]):
                alone[i, 0] = X[i, j]
            field(alone, gradient, parameters)
            for i in range(X.shape[0]):
                P[TOTAL, j] += count * (gradient[i, 0] * gradient[i, 0])


def mark_diverged(X, Z, P, diverged_at, t):
    """Find the runs whose point of step t - 1 or gradient of step t is not finite, and put them to rest.

    Before or after their gate is opened: with a norm and a rate of zero it opens to the same.
    """
    streams = Z.shape[0] // X.shape[0]
    for j in range(X.shape[1]):
        bounded = True
        finite = True
        for i in range(X.shape[0]):
            bounded = bounded and abs(X[i, j]) <= LARGEST
            finite = finite and abs(Z[streams * i, j]) <= LARGEST
            Z[streams * i + 1, j] = min(Z[streams * i + 1, j], LARGEST)  # a finite gradient whose square is not
        if P[ALIVE, j] > 0.0 and not (bounded and finite):
            diverged_at[j] = t if bounded else t - 1
            for row in (ALIVE, ALPHA0, DECAY, ETA, COEFFICIENT, PREVIOUS, KINETIC, NORM):
                P[row, j] = 0.0
            P[KEEP, j] = P[CLOSING, j] = 1.0
            for i in range(X.shape[0]):
                X[i, j] = 0.0
                for stream in range(streams):
                    Z[streams * i + stream, j] = 0.0
