"""One large step in two passes over memory: the source of the compiled kernels, and their NumPy substitutes.

Pass one takes the gradient into velocity and second moment and adds up ||v||^2; pass two moves the point. Together they
touch nine streams: g, v, m, theta read, v, m written, v, m read again, theta written. Once beta3 times the partial sum
has reached alpha1 the gate is saturated whatever follows: what is left of the two passes is one sweep of seven streams.

Of numbers that stay in a cache (:data:`ROOTS_UP_TO`) it is the divider, with a root and a division a number, that takes
the time, and pass one leaves it idle. There pass one takes the roots and keeps them in a tenth stream, and pass two is
left with the divisions: the same bits, and about as soon as the divider can. Tried without gain: divisions by Newton's
iteration with fused multiply-add, beside the roots of pass two (.92 ns a number where the kept roots take .88; together
1.03), since an iteration is twelve operations; Newton's roots; approximate reciprocals; two numbers per division.

||v||^2 is summed in float64 by blocks: inside a block in the order that suits the vector unit, over the blocks one
after another in twice the precision. So its bits do not depend on threads, though they may on the kind of processor.
"""

from __future__ import annotations

from functools import cache, partial
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from vradam.engine.disk_cache import numba_works
from vradam.engine.intrinsics import array_at, look_at
from vradam.engine.layout import extent
from vradam.engine.team import PASS, begin, claim, finish, help_out, wait

BLOCK = 4096  # numbers in a block
STRETCH = 32  # blocks that are gone through at a time, at most
X, V, M, Q, G, SIZE, FIRST = range(
    7
)  # columns of ``places``: addresses, how many numbers, the number of its first block
ARRAY, BEGIN, END, DONE = range(4)  # columns of ``stretches``: blocks of an array, and how far pass one has come
BETA1, IN1, BETA2, IN2, LARGEST, KEEP, COEFFICIENT, DAMPING = range(8)  # ``numbers``
SEEN, LIMIT = range(2)  # ``energy``: the sum so far, and where pass one may stop
ROOTS_UP_TO = 1 << 19  # numbers; beyond, a tenth stream costs more than the divider


def absorb(g, v, m, q, beta1, in1, beta2, in2, largest, damping, limit, sums, begin, end):
    """Take g into v and m for the blocks begin, ..., end - 1, and sums[b] = sum of v^2 over block b.

    Keeps nothing in q. Stops early where the sum of these sums reaches ``limit``. Returns the first block that was not
    done.
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


def absorb_and_keep(g, v, m, q, beta1, in1, beta2, in2, largest, damping, limit, sums, begin, end):
    """The same, and q keeps for the step what ``kept`` says: a root, or in Adam's metric q = v/(sqrt(m) + damping).

    sums[b] = the sum of what is ``measured``, squared: of v, or of q.
    """
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
            qs[i] = kept(velocity, sqrt(ms[i]) + damping)
            total = plus(total, measured(velocity, qs[i]))
        sums[block] = total
        seen += total
        if seen >= limit:
            return block + 1
    return end


def kept(velocity, root):
    """What pass one keeps: the root."""
    return root


def kept_in_metric(velocity, root):
    """Or the quotient, which the gate measures too."""
    return velocity / root


def measured(velocity, kept):
    """What the gate measures: the velocity."""
    return velocity


def measured_in_metric(velocity, kept):
    """Or the quotient."""
    return kept


def plus(total, number):
    """total + number^2 in float64: the one sum whose order is left to the compiler."""
    wide = np.float64(number)
    return total + wide * wide


def move(x, v, m, q, keep, coefficient, damping, begin, end):
    """x = keep x - coefficient v / (sqrt(m) + damping) for the blocks begin, ..., end - 1."""
    some = slice(begin * BLOCK, end * BLOCK)
    x, v, m = x[some], v[some], m[some]
    for i in range(x.size):
        x[i] = keep * x[i] - coefficient * v[i] / (sqrt(m[i]) + damping)


def move_by_roots(x, v, m, q, keep, coefficient, damping, begin, end):
    """x = keep x - coefficient v / q, where q holds the roots that pass one has kept."""
    some = slice(begin * BLOCK, end * BLOCK)
    x, v, q = x[some], v[some], q[some]
    for i in range(x.size):
        x[i] = keep * x[i] - coefficient * v[i] / q[i]


def move_by_quotients(x, v, m, q, keep, coefficient, damping, begin, end):
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
def absorb_by_numpy(g, v, m, q, beta1, in1, beta2, in2, largest, damping, limit, sums, begin, end):
    """What :func:`absorb` does, without compiling; the sums are NumPy's."""
    total = 0.0
    for block in range(begin, end):
        some = slice(block * BLOCK, (block + 1) * BLOCK)
        v[some] = beta1 * v[some] + in1 * g[some]
        m[some] = np.minimum(beta2 * m[some] + in2 * np.minimum(g[some] * g[some], largest), largest)
        seen = v
        if q.size:
            q[some], seen = v[some] / (np.sqrt(m[some]) + damping), q
        sums[block] = np.square(seen[some], dtype=np.float64).sum()
        total += sums[block]
        if total >= limit:
            return block + 1
    return end


@np.errstate(all="ignore")
def move_by_numpy(x, v, m, q, keep, coefficient, damping, begin, end):
    """What :func:`move` does, without compiling; in Adam's metric what :func:`move_by_quotients` does."""
    for block in range(begin, end):
        some = slice(block * BLOCK, (block + 1) * BLOCK)
        step = coefficient * (q[some] if q.size else v[some])
        x[some] = keep * x[some] - (step if q.size else step / (np.sqrt(m[some]) + damping))


def absorb_and_move_by_numpy(
    x, g, v, m, beta1, in1, beta2, in2, largest, keep, coefficient, damping, begin, end, metric=False
):
    """What :func:`absorb_and_move` does, without compiling."""
    sums, q = np.empty(end), np.empty_like(x if metric else x[:0])
    absorb_by_numpy(g, v, m, q, beta1, in1, beta2, in2, largest, damping, np.inf, sums, begin, end)
    move_by_numpy(x, v, m, q, keep, coefficient, damping, begin, end)


def take(board, me, stretches, places, numbers, energy, sums):
    """Go through stretches until none is left: forwards in pass one, backwards in pass two.

    What came last in pass one may then still be in the cache. Pass one skips what is left once the sum has reached its
    limit; an update of the sum that is lost to another thread only delays that.
    """
    beta1, in1, beta2, in2, largest = numbers[BETA1], numbers[IN1], numbers[BETA2], numbers[IN2], numbers[LARGEST]
    while True:
        item = claim(board, me, stretches.shape[0])
        if item < 0:
            return
        keep, coefficient, damping = numbers[KEEP], numbers[COEFFICIENT], numbers[DAMPING]
        some = stretches[item]
        place = places[some[ARRAY]]
        size, start, end, done = place[SIZE], some[BEGIN], some[END], some[DONE]
        x, g = array_at(place[X], size, numbers), array_at(place[G], size, numbers)
        v, m, q = (
            array_at(place[V], size, numbers), array_at(place[M], size, numbers), array_at(place[Q], size, numbers)
        )  # fmt: skip
        if look_at(board, PASS) == 1:
            limit = energy[LIMIT] - energy[SEEN]
            if limit > 0.0:
                own = sums[place[FIRST] :]
                done = absorb(g, v, m, q, beta1, in1, beta2, in2, largest, damping, limit, own, start, end)
                energy[SEEN] += sum_of(own, start, done)
                some[DONE] = done
        else:
            if start < done:
                move(x, v, m, q, keep, coefficient, damping, start, done)
            if done < end:
                absorb_and_move(x, g, v, m, beta1, in1, beta2, in2, largest, keep, coefficient, damping, done, end)
            some[DONE] = start
        finish(board)


def sum_of(sums, begin, end):
    """The sum over some blocks."""
    seen = 0.0
    for block in range(begin, end):
        seen += sums[block]
    return seen


def first(board, stretches, places, numbers, energy, sums, damping, limit):
    """Pass one. Returns the sum, or ``limit`` once that is known to be reached."""
    numbers[DAMPING] = damping
    energy[SEEN], energy[LIMIT] = 0.0, limit
    begin(board, 1)
    take(board, 0, stretches, places, numbers, energy, sums)
    wait(board, stretches.shape[0])
    for item in range(stretches.shape[0]):
        if stretches[item, DONE] < stretches[item, END]:
            return limit
    return total(sums)


def second(board, stretches, places, numbers, energy, sums, keep, coefficient, damping):
    """Pass two, and pass one where it has not been."""
    numbers[KEEP], numbers[COEFFICIENT], numbers[DAMPING] = keep, coefficient, damping
    begin(board, 2)
    take(board, 0, stretches, places, numbers, energy, sums)
    wait(board, stretches.shape[0])


def total(sums):
    """The sum in twice the precision, one after another (Knuth's two-sum); infinite where it is no finite number."""
    high = low = 0.0
    for number in sums:
        both = high + number
        part = both - high
        low += (high - (both - part)) + (number - part)
        high = both
    high += low
    return high if high < np.inf else np.inf


class Kernels(NamedTuple):
    """The three sweeps; what is kept in ``q``, which may be empty, says :data:`KEEPS`."""

    absorb: Any
    move: Any
    absorb_and_move: Any


#: What pass one keeps in q for pass two: nothing, roots (compiled only, see :func:`roots_pay`), or quotients, which
#: measure the velocity in Adam's metric. The sources that then take the place of the others.
KEEPS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "roots": {"absorb": absorb_and_keep, "move": move_by_roots},
    "quotients": {
        "absorb": absorb_and_keep, "move": move_by_quotients,
        "kept": kept_in_metric, "measured": measured_in_metric, "change": change_by_quotient,
    },
}  # fmt: skip


@cache
def kernels(keeps: str = "nothing") -> Kernels:
    """The sweeps for one of :data:`KEEPS`, compiled where Numba is installed, NumPy otherwise."""
    if not numba_works():
        together = partial(absorb_and_move_by_numpy, metric=keeps == "quotients")
        return Kernels(absorb_by_numpy, move_by_numpy, together)
    from vradam.engine.specialise import specialise

    sources = (KEEPS[keeps].get(name, source) for name, source in (("absorb", absorb), ("move", move)))
    return Kernels(*(specialise(source, KEEPS[keeps], (plus,)) for source in (*sources, absorb_and_move)))


class Passes(NamedTuple):
    """The two passes, and what a helper does in both."""

    first: Any
    second: Any
    help_out: Any


@cache
def passes(keeps: str) -> Passes:
    """The passes for one of :data:`KEEPS`, compiled; what goes through the stretches they share."""
    from vradam.engine.specialise import specialise

    exchanged = {**KEEPS[keeps], "take": take}
    return Passes(*(specialise(source, exchanged, (plus,), (take,)) for source in (first, second, help_out)))


def roots_pay(size: int) -> bool:
    """Whether pass one should keep the roots of so many numbers."""
    return size <= ROOTS_UP_TO and numba_works()


@cache
def addresses() -> Any:
    """Compiled: the first addresses of two flat arrays, five times sooner than NumPy says them."""
    if not numba_works():
        return lambda flat, other: (extent(flat)[0], extent(other)[0])
    from vradam.engine.specialise import specialise

    return specialise(places_of, {})


def places_of(flat, other):
    """Where two flat arrays begin."""
    return flat.ctypes.data, other.ctypes.data
