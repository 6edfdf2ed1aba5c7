"""One large step in two passes over memory: the source of the compiled kernels, and their NumPy substitutes.

Pass one takes the gradient into velocity and second moment and adds up ||v||^2; pass two moves the point. Together they
touch nine streams: g, v, m, theta read, v, m written, v, m read again, theta written. Once beta3 times the partial sum
has reached alpha1 the gate is saturated whatever follows: what is left of the two passes is one sweep of seven streams.

||v||^2 is summed in float64 by blocks, in a block by 64 partial sums, always in this order: the bits depend neither on
threads nor on the width of the vector unit.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

BLOCK = 2048  # numbers in a block, whose velocities stay in the first-level cache until they are squared
LANES = 64


def absorb(g, v, m, beta1, in1, beta2, in2, largest, limit, sums, begin, end):
    """Take g into v and m for the blocks begin, ..., end - 1, and sums[b] = sum of v^2 over block b.

    Stops early where the sum of these sums reaches ``limit``. Returns the first block that was not done.
    """
    partial = np.empty(LANES)
    total = 0.0
    for block in range(begin, end):
        first, last = block * BLOCK, min((block + 1) * BLOCK, v.size)
        for i in range(first, last):
            v[i] = beta1 * v[i] + in1 * g[i]
            m[i] = min(beta2 * m[i] + in2 * (g[i] * g[i]), largest)
        sums[block] = square(v, first, last, partial)
        total += sums[block]
        if total >= limit:
            return block + 1
    return end


def square(v, first, last, partial):
    """The sum of v^2 over [first, last), by LANES partial sums."""
    for j in range(LANES):
        partial[j] = 0.0
    whole = (last - first) // LANES * LANES
    for start in range(first, first + whole, LANES):
        for j in range(LANES):
            number = np.float64(v[start + j])
            partial[j] += number * number
    for j in range(last - first - whole):
        number = np.float64(v[first + whole + j])
        partial[j] += number * number
    total = 0.0
    for j in range(LANES):
        total += partial[j]
    return total


def move(x, v, m, keep, coefficient, damping, begin, end):
    """x = keep x - coefficient v / (sqrt(m) + damping) for the blocks begin, ..., end - 1."""
    for i in range(begin * BLOCK, min(end * BLOCK, x.size)):
        x[i] = keep * x[i] - coefficient * v[i] / (np.sqrt(m[i]) + damping)


def absorb_and_move(x, g, v, m, beta1, in1, beta2, in2, largest, keep, coefficient, damping, begin, end):
    """Both for the blocks begin, ..., end - 1, where the learning rate is known beforehand."""
    for i in range(begin * BLOCK, min(end * BLOCK, x.size)):
        v[i] = beta1 * v[i] + in1 * g[i]
        m[i] = min(beta2 * m[i] + in2 * (g[i] * g[i]), largest)
        x[i] = keep * x[i] - coefficient * v[i] / (np.sqrt(m[i]) + damping)


def absorb_by_numpy(g, v, m, beta1, in1, beta2, in2, largest, limit, sums, begin, end):
    """What :func:`absorb` does, without compiling; the sums are NumPy's."""
    total = 0.0
    for block in range(begin, end):
        some = slice(block * BLOCK, (block + 1) * BLOCK)
        v[some] = beta1 * v[some] + in1 * g[some]
        m[some] = np.minimum(beta2 * m[some] + in2 * (g[some] * g[some]), largest)
        sums[block] = np.square(v[some], dtype=np.float64).sum()
        total += sums[block]
        if total >= limit:
            return block + 1
    return end


def move_by_numpy(x, v, m, keep, coefficient, damping, begin, end):
    """What :func:`move` does, without compiling."""
    for block in range(begin, end):
        some = slice(block * BLOCK, (block + 1) * BLOCK)
        x[some] = keep * x[some] - coefficient * v[some] / (np.sqrt(m[some]) + damping)


def absorb_and_move_by_numpy(x, g, v, m, beta1, in1, beta2, in2, largest, keep, coefficient, damping, begin, end):
    """What :func:`absorb_and_move` does, without compiling."""
    sums = np.empty(end)
    absorb_by_numpy(g, v, m, beta1, in1, beta2, in2, largest, np.inf, sums, begin, end)
    move_by_numpy(x, v, m, keep, coefficient, damping, begin, end)


class Kernels(NamedTuple):
    """The three sweeps."""

    absorb: Any
    move: Any
    absorb_and_move: Any


@cache
def kernels() -> Kernels:
    """Compiled where Numba is installed, NumPy otherwise."""
    if find_spec("numba") is None:
        return Kernels(absorb_by_numpy, move_by_numpy, absorb_and_move_by_numpy)
    from vradam.engine.specialise import specialise

    return Kernels(*(specialise(function, {}) for function in (absorb, move, absorb_and_move)))
