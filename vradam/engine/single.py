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

    Stops early where the sum of these sums reaches ``limit``. Returns the first block that was not done.
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
            total = plus(total, velocity)
        sums[block] = total
        seen += total
        if seen >= limit:
            return block + 1
    return end


def absorb_quotients(g, v, m, q, beta1, in1, beta2, in2, largest, damping, limit, sums, begin, end):
    """The same in Adam's metric: q = v/(sqrt(m) + damping) is kept for the step, and sums[b] = sum of q^2."""
    seen = 0.0
    for block in range(begin, end):
        some = slice(block * BLOCK, (block + 1) * BLOCK)
        gs, vs, ms, qs = g[some], v[some], m[some], q[some]
        total = 0.0
        for i in range(gs.size):
            gradient = gs[i]
            velocity = beta1 * vs[i] + in1 * gradient
            vs[i] = velocity
            ms[i] = min(beta2 * ms[i] + in2 * min(gradient * gradient, largest), largest)
            qs[i] = velocity / (sqrt(ms[i]) + damping)
            total = plus(total, qs[i])
        sums[block] = total
        seen += total
        if seen >= limit:
            return block + 1
    return end


def plus(total, number):
    """total + number^2 in float64: the one sum whose order is left to the compiler."""
    wide = np.float64(number)
    return total + wide * wide


def move(x, v, m, keep, coefficient, damping, begin, end):
    """x = keep x - coefficient v / (sqrt(m) + damping) for the blocks begin, ..., end - 1."""
    some = slice(begin * BLOCK, end * BLOCK)
    x, v, m = x[some], v[some], m[some]
    for i in range(x.size):
        x[i] = keep * x[i] - coefficient * v[i] / (sqrt(m[i]) + damping)


def move_by_quotients(x, q, keep, coefficient, begin, end):
    """x = keep x - coefficient q for the blocks begin, ..., end - 1."""
    some = slice(begin * BLOCK, end * BLOCK)
    x, q = x[some], q[some]
    for i in range(x.size):
        x[i] = keep * x[i] - coefficient * q[i]


def absorb_and_move(x, g, v, m, beta1, in1, beta2, in2, largest, keep, coefficient, damping, begin, end):
    """Both for the blocks begin, ..., end - 1, where the learning rate is known beforehand."""
    some = slice(begin * BLOCK, end * BLOCK)
    x, g, v, m = x[some], g[some], v[some], m[some]
    for i in range(x.size):
        v[i] = beta1 * v[i] + in1 * g[i]
        m[i] = min(beta2 * m[i] + in2 * min(g[i] * g[i], largest), largest)
        x[i] = keep * x[i] - change(coefficient, v[i], sqrt(m[i]) + damping)


def change(coefficient, velocity, root):
    """How far a coordinate moves."""
    return coefficient * velocity / root


def change_by_quotient(coefficient, velocity, root):
    """The same, rounded as :func:`move_by_quotients` rounds it."""
    return coefficient * (velocity / root)


@np.errstate(all="ignore")
def absorb_by_numpy(g, v, m, beta1, in1, beta2, in2, largest, damping, limit, sums, begin, end):
    """What :func:`absorb` does, without compiling; the sums are NumPy's."""
    return absorb_quotients_by_numpy(g, v, m, None, beta1, in1, beta2, in2, largest, damping, limit, sums, begin, end)


@np.errstate(all="ignore")
def absorb_quotients_by_numpy(g, v, m, q, beta1, in1, beta2, in2, largest, damping, limit, sums, begin, end):
    """What :func:`absorb_quotients` does, without compiling."""
    total = 0.0
    for block in range(begin, end):
        some = slice(block * BLOCK, (block + 1) * BLOCK)
        v[some] = beta1 * v[some] + in1 * g[some]
        m[some] = np.minimum(beta2 * m[some] + in2 * np.minimum(g[some] * g[some], largest), largest)
        seen = v
        if q is not None:
            q[some], seen = v[some] / (np.sqrt(m[some]) + damping), q
        sums[block] = np.square(seen[some], dtype=np.float64).sum()
        total += sums[block]
        if total >= limit:
            return block + 1
    return end


@np.errstate(all="ignore")
def move_by_numpy(x, v, m, keep, coefficient, damping, begin, end):
    """What :func:`move` does, without compiling."""
    for block in range(begin, end):
        some = slice(block * BLOCK, (block + 1) * BLOCK)
        x[some] = keep * x[some] - coefficient * v[some] / (np.sqrt(m[some]) + damping)


@np.errstate(all="ignore")
def move_by_quotients_by_numpy(x, q, keep, coefficient, begin, end):
    """What :func:`move_by_quotients` does, without compiling."""
    some = slice(begin * BLOCK, end * BLOCK)
    x[some] = keep * x[some] - coefficient * q[some]


def absorb_and_move_by_numpy(
    x, g, v, m, beta1, in1, beta2, in2, largest, keep, coefficient, damping, begin, end, metric=False
):
    """What :func:`absorb_and_move` does, without compiling."""
    sums, q = np.empty(end), np.empty_like(x) if metric else None
    absorb_quotients_by_numpy(g, v, m, q, beta1, in1, beta2, in2, largest, damping, np.inf, sums, begin, end)
    if metric:
        move_by_quotients_by_numpy(x, q, keep, coefficient, begin, end)
    else:
        move_by_numpy(x, v, m, keep, coefficient, damping, begin, end)


class Kernels(NamedTuple):
    """The three sweeps; in Adam's metric the first takes q after m, and the second takes q for v, m and damping."""

    absorb: Any
    move: Any
    absorb_and_move: Any


@cache
def kernels(metric: bool = False) -> Kernels:
    """Compiled where Numba is installed, NumPy otherwise; ``metric`` measures the velocity in Adam's metric."""
    if not numba_works():
        together = partial(absorb_and_move_by_numpy, metric=metric)
        if metric:
            return Kernels(absorb_quotients_by_numpy, move_by_quotients_by_numpy, together)
        return Kernels(absorb_by_numpy, move_by_numpy, together)
    from vradam.engine.specialise import specialise

    first, second = (absorb_quotients, move_by_quotients) if metric else (absorb, move)
    rounded = {"change": change_by_quotient} if metric else {}
    return Kernels(specialise(first, {}, (plus,)), specialise(second, {}), specialise(absorb_and_move, rounded))
