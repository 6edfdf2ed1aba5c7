"""All steps of some tiles of runs: what drives the pieces of the compiled ensemble engine.

A tile holds ``LANES`` runs side by side: a coordinate of all of them is one row. The arithmetic is in the pieces
(``tile``, ``draws``, ``seldom``, and the gradient of the objective), which are compiled each for itself and come as
arguments, so that this function is compiled once for all optimizers, objectives, noises and widths.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from vradam.engine.calls import call
from vradam.engine.intrinsics import rows_of_lanes
from vradam.engine.rows import ALPHA0, FLUSH_EVERY, POWER1, POWER2, ROWS, STORED
from vradam.engine.seldom import flush, mark_diverged, set_rate

#: What the pieces do, in their order; compiled code has calls by address in their place.
PIECES = "open_gate", "correct_bias", "draw", "gradient", "absorb", "move", "write", "sweep"
open_gate, correct_bias, draw, gradient, absorb, move, write, sweep = (partial(call, place) for place in range(8))


def advance(
    pieces, streams, x, z, p, uniform, keys, scales, parameters, rates, exponent, terms, size, drawn, first, clock,
    steps, record, due, out_x, out_rate, diverged_at, begin, end,
):  # fmt: skip
    """Take ``steps`` steps after step ``clock`` with the tiles begin, ..., end - 1. Arrays are changed in place.

    x (tiles, d, LANES); z (tiles, 2d, LANES), velocities in rows 2i and second moments in rows 2i + 1; p (tiles,
    STORED, LANES); uniform (tiles,), 1 where all lanes have the same beta1 and beta2; keys (tiles, 3, LANES) and scales
    (tiles, 2, LANES), see ``draws``; parameters, those of the objective; rates (1 or steps, 1 or runs), alpha0 of each
    step; exponent k of a power gate; a minibatch of ``size`` of ``terms`` terms; drawn (k, runs), the steps j, counted
    from ``first``, at which a minibatch run takes the full gradient, none for every step; record (r,), the steps to
    record, counted from ``first``, of which number ``due`` comes next; out_x (runs, r, d), out_rate (runs, r);
    diverged_at (tiles, LANES). ``streams`` rows of Z belong to one coordinate. The pieces are those of ``pieces``.
    """
    d, width = x.shape[1], x.shape[2]
    X = rows_of_lanes(d, width)
    Z = rows_of_lanes(streams * d, width)
    P = rows_of_lanes(ROWS, width)
    G = rows_of_lanes(d, width)
    N = rows_of_lanes(d + 1, width)
    words = np.empty((max(d, size) + 4, width), np.uint64)
    chosen = np.empty((size, width), np.int64)
    for tile in range(begin, end):
        for j in range(width):
            for i in range(d):
                X[i, j] = x[tile, i, j]
                Z[streams * i, j] = z[tile, 2 * i, j]
                Z[streams * i + 1, j] = z[tile, 2 * i + 1, j]
            for row in range(STORED):
                P[row, j] = p[tile, row, j]
        number = due
        s = 0
        while s <= steps:  # in step 0 only the gradient of step 1 is taken
            t = clock + s
            if s > 0:
                if t % FLUSH_EVERY == 0:
                    flush(X, Z, P)
                if rates.shape[0] > 1:
                    set_rate(P, rates, s - 1, tile)
                if open_gate(pieces, P, uniform[tile], exponent, d):
                    mark_diverged(X, Z, P, diverged_at[tile], t)
            if s < steps:
                correct_bias(pieces, P, uniform[tile])
            if s > 0:
                move(pieces, X, Z, P)
                if number < record.size and record[number] == t - first:
                    write(pieces, X, Z, P, out_x, out_rate, number, tile)
                    number += 1
            if s < steps:
                draw(pieces, N, words, keys[tile], scales[tile], t)
                gradient(pieces, X, P, G, chosen, words, keys[tile], parameters, drawn, terms, t, t - first, tile)
                absorb(pieces, Z, P, G, N)
            s += 1
            after = steps
            if number < record.size:
                after = min(after, record[number] + first - clock)  # nothing is recorded before it
            if s < after:
                s = sweep(
                    pieces, X, Z, P, G, N, words, keys[tile], scales[tile], parameters, rates, diverged_at[tile],
                    uniform[tile], exponent, clock, s, after, tile,
                )  # fmt: skip
        for j in range(width):
            for i in range(d):
                x[tile, i, j] = X[i, j]
                z[tile, 2 * i, j] = Z[streams * i, j]
                z[tile, 2 * i + 1, j] = Z[streams * i + 1, j]
            for row in range(ALPHA0, STORED):
                p[tile, row, j] = P[row, j]
        if uniform[tile]:
            p[tile, POWER1], p[tile, POWER2] = P[POWER1, 0], P[POWER2, 0]
