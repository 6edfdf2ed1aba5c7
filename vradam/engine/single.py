"""One large step in two passes over memory: the source of the compiled kernels, and their NumPy substitutes.

Pass one takes the gradient into velocity and second moment and adds up ||v||^2; pass two moves the point. Together they
touch nine streams: g, v, m, theta read, v, m written, v, m read again, theta written. Once beta3 times the partial sum
has reached alpha1 the gate is saturated whatever follows: what is left of the two passes is one sweep of seven streams.

||v||^2 is summed in float64 by blocks: inside a block in the order that suits the vector unit, over the blocks exactly.
So its bits do not depend on threads, though they may on the kind of processor.
"""

from __future__ import annotations

from functools import cache, partial
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from vradam.engine.disk_cache import numba_works

BLOCK = 4096  # numbers in a block


def absorb(g, v, m, beta1, in1, beta2, in2, largest, damping, limit, sums, begin, end):
    """Take g into v and m for the blocks begin, ..., end - 1, and sums[b] = sum of v^2 over block b.

    With ``plus_quotient`` in place of ``plus`` it is the sum of (v/(sqrt(m) + damping))^2. Stops early where the sum of
    these sums reaches ``limit``. Returns the first block that was not done.
    """
    seen = 0.0
    for block in range(begin, end):
        some = slice(block * BLOCK, (block + 1) * BLOCK)
        gs, vs, ms = g[some], v[some], m[some]  # slices start at 0: an index that cannot be negative vectorises
        total = 0.0
        for i in range(gs.size):
            gradient = gs[i]
            velocity = beta1 * vs[i] + in1 * gradient
            vs[i] = velocity
            ms[i] = min(beta2 * ms[i] + in2 * min(gradient * gradient, largest), largest)
            total = plus(total, velocity, ms[i], damping)
        sums[block] = total
        seen += total
        if seen >= limit:
            return block + 1
    return end


def plus(total, velocity, second, damping):
    """total + v^2 in float64: the one sum whose order is left to the compiler."""
    number = np.float64(velocity)
    return total + number * number


def plus_quotient(total, velocity, second, damping):
    """total + (v/(sqrt(m) + damping))^2, the same in Adam's metric."""
    number = np.float64(velocity / (sqrt(second) + damping))
    return total + number * number


def move(x, v, m, keep, coefficient, damping, begin, end):
    """x = keep x - coefficient v / (sqrt(m) + damping) for the blocks begin, ..., end - 1."""
    some = slice(begin * BLOCK, end * BLOCK)
    x, v, m = x[some], v[some], m[some]
    for i in range(x.size):
        x[i] = keep * x[i] - coefficient * v[i] / (sqrt(m[i]) + damping)


def absorb_and_move(x, g, v, m, beta1, in1, beta2, in2, largest, keep, coefficient, damping, begin, end):
    """Both for the blocks begin, ..., end - 1, where the learning rate is known beforehand."""
    some = slice(begin * BLOCK, end * BLOCK)
    x, g, v, m = x[some], g[some], v[some], m[some]
    for i in range(x.size):
        v[i] = beta1 * v[i] + in1 * g[i]
        m[i] = min(beta2 * m[i] + in2 * min(g[i] * g[i], largest), largest)
        x[i] = keep * x[i] - coefficient * v[i] / (sqrt(m[i]) + damping)


def absorb_by_numpy(g, v, m, beta1, in1, beta2, in2, largest, damping, limit, sums, begin, end, metric=False):
    """What :func:`absorb` does, without compiling; the sums are NumPy's."""
    total = 0.0
    for block in range(begin, end):
        some = slice(block * BLOCK, (block + 1) * BLOCK)
        v[some] = beta1 * v[some] + in1 * g[some]
        m[some] = np.minimum(beta2 * m[some] + in2 * np.minimum(g[some] * g[some], largest), largest)
        seen = v[some] / (np.sqrt(m[some]) + damping) if metric else v[some]
        sums[block] = np.square(seen, dtype=np.float64).sum()
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
    absorb_by_numpy(g, v, m, beta1, in1, beta2, in2, largest, damping, np.inf, sums, begin, end)
    move_by_numpy(x, v, m, keep, coefficient, damping, begin, end)


class Kernels(NamedTuple):
    """The three sweeps."""

    absorb: Any
    move: Any
    absorb_and_move: Any


@cache
def kernels(metric: bool = False) -> Kernels:
    """Compiled where Numba is installed, NumPy otherwise; ``metric`` measures the velocity in Adam's metric."""
    if not numba_works():
        return Kernels(partial(absorb_by_numpy, metric=metric), move_by_numpy, absorb_and_move_by_numpy)
    from vradam.engine.specialise import specialise

    measured = {"plus": plus_quotient} if metric else {}
    summed = (plus_quotient if metric else plus,)
    return Kernels(specialise(absorb, measured, summed), specialise(move, {}), specialise(absorb_and_move, {}))
