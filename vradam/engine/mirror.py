"""A step of a compiled tile as ten lines of NumPy: the way into :mod:`vradam.engine.tile`, equal to it bit for bit.

A tile holds the runs side by side, a coordinate of all of them in one row. Of the names in ``tile`` and ``advance``:

==========================  ========================================================================================
X (d, runs)                 the points
Z (2d, runs)                velocities v in rows 2i, second moments m in rows 2i + 1 (a third stream for one gate)
P (ROWS, runs)              one number a run in each row, named by constants: ``BETA1``, ``IN1`` (1 - beta1), ...
``NORM``, ``SQUARE``        sums over the coordinates, in their order: of v^2, and of the exact gradient squared
``SHRINK``, ``FACTOR``      c = sqrt(1 - beta2^t) and c/(1 - beta1^t): what corrects the averages for their start
``CLOSING``, ``DAMPING``    1 + min(beta3 |v|^2, alpha1), by which the step is divided, and c eps
``COEFFICIENT``             alpha0 FACTOR
``TOTAL``, ``LAGGED``       the theorem's weighted mean of |grad F|^2 so far, and what its weights still take from it
N, words, keys, scales      the noise of a step, the random words behind it, and what makes them (``draws``)
rates, exponent             alpha0 of each step where there is a schedule; k of a power gate
drawn, first, clock         of mini-batches: the steps at which the full gradient is taken; where counting begins
record, due, out_*          the steps to be recorded, the next of them, and where the records go
begin, end                  the tiles that this thread has (of ``sweep``: the steps)
==========================  ========================================================================================

A ``sweep`` differs from this page in order only: it opens the gate of a run together with the move of its first
coordinate, and unless all coordinates meet in a gradient it takes that of step t + 1 together with step t, so that
every number is loaded once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vradam.engine.rows import LARGEST

Rows = NDArray[np.float64]


class Tile(NamedTuple):
    """Points, velocities and second moments (d, runs), and beta1^t, beta2^t as they were multiplied up (runs,)."""

    X: Rows
    v: Rows
    m: Rows
    power1: Rows
    power2: Rows


def step(tile: Tile, g: Rows, p: Any) -> Tile:
    """One step of VRAdam with the published gate along the gradients ``g``; ``p`` has one number a run by name."""
    v = p.beta1 * tile.v + (1 - p.beta1) * g
    m = p.beta2 * tile.m + (1 - p.beta2) * (g * g)
    norm = np.add.accumulate(v * v, axis=0)[-1]  # in the order of the coordinates
    power1, power2 = tile.power1 * p.beta1, tile.power2 * p.beta2
    shrink = np.sqrt(1 - power2)
    factor = shrink / (1 - power1)
    closing = np.minimum(p.beta3 * np.minimum(norm, LARGEST), p.alpha1) + 1
    denominator = closing * (np.sqrt(m) + p.eps * shrink)
    X = tile.X - p.alpha0 * factor * v / denominator
    return Tile(X, v, m, power1, power2)
