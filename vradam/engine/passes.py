"""The two passes of a large step over all arrays: one compiled call each, or threads that share stretches of blocks.

Both do the same with the same blocks, so that the bits are the same. Where the sum of the squares reaches ``limit``,
the gate is saturated, and the rest of the arrays is left to pass two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vradam.engine.disk_cache import numba_works
from vradam.engine.layout import PAGE, extent, zeros_beside
from vradam.engine.single import BLOCK, STRETCH, kernels, passes
from vradam.engine.team import Team

Array = NDArray[np.floating]
Addresses = NDArray[np.int64]

LEAST = 4  # blocks that a thread takes at a time
WORTH_SHARING = 64  # blocks, from which waking another thread costs less than it saves


class Streams(NamedTuple):
    """An array, flat, with its velocity and second moment, what pass one keeps (may be empty), and how many blocks."""

    x: Array
    v: Array
    m: Array
    q: Array
    blocks: int


def streams(x: Array, v: Array, m: Array, keeps: bool) -> Streams:
    """The streams of an array; those that pass one keeps lie apart from the others."""
    x, v, m = (part.reshape(-1) for part in (x, v, m))
    return Streams(x, v, m, zeros_beside(x, 3 * PAGE // 4) if keeps else x[:0], -(-x.size // BLOCK))


def both(all_streams: Sequence[Streams], averages: tuple[float, ...], keeps: str, threads: int) -> Together | Shared:
    """The passes over arrays; ``averages`` are beta1, 1 - beta1, beta2, 1 - beta2; ``keeps``: see ``single.KEEPS``.

    ``absorb`` and ``move`` take the gradients, flat, and their addresses.
    """
    one_precision = len({part.x.dtype for part in all_streams}) == 1
    if sum(part.blocks for part in all_streams) < WORTH_SHARING:
        threads = 1
    if threads == 1 and one_precision and numba_works():
        return Together(all_streams, averages, keeps)
    return Shared(all_streams, averages, keeps, threads)


class Together:
    """One compiled call a pass, for arrays of one precision: what a small model is trained with costs no Python."""

    def __init__(self, all_streams: Sequence[Streams], averages: tuple[float, ...], keeps: str) -> None:
        self.streams = all_streams  # kept alive
        self.like = all_streams[0].x[:0]
        self.averages = rounded_averages(self.like.dtype, averages)
        begins = np.cumsum([0, *(part.blocks for part in all_streams)])
        rows = [
            (*(extent(stream)[0] for stream in part[:4]), part.x.size, begin)
            for part, begin in zip(all_streams, begins, strict=False)
        ]
        self.places, self.sums = np.array(rows, np.int64), np.empty(begins[-1])
        self.first, self.second = passes(keeps)
        self.done = 0

    def absorb(self, grads: Sequence[Array], starts: Addresses, damping: float, limit: float) -> float:
        """Pass one; the sum of the squares, or as much of it as reaches ``limit``."""
        numbers = self.averages + rounded(self.like.dtype, (damping,))
        self.done = self.first(self.places, starts, self.like, *numbers, limit, self.sums)
        return total_of(self.sums[: self.done].tolist(), limit)

    def move(self, grads: Sequence[Array], starts: Addresses, factors: tuple[float, ...]) -> None:
        """Pass two, with what remains of the point, the coefficient and the damping of the step."""
        done, self.done = self.done, 0
        numbers = self.averages + rounded(self.like.dtype, factors)
        self.second(self.places, starts, self.like, *numbers, done)


class Stretch(NamedTuple):
    """Some blocks of an array, and the sums of squares over all of its blocks."""

    array: int  #: its number
    streams: Streams
    sums: NDArray[np.float64]
    begin: int
    end: int

    def sums_here(self) -> list[float]:
        """Those over its own blocks."""
        return self.sums[self.begin : self.end].tolist()


class Shared:
    """The stretches of blocks of all arrays, in any precision, shared among threads."""

    def __init__(self, all_streams: Sequence[Streams], averages: tuple[float, ...], keeps: str, threads: int) -> None:
        self.kernels, self.team = kernels(keeps), Team(threads)
        self.averages = {dtype: rounded_averages(dtype, averages) for dtype in {part.x.dtype for part in all_streams}}
        blocks = sum(part.blocks for part in all_streams)
        length = STRETCH if threads == 1 else min(max(LEAST, blocks // (4 * threads)), STRETCH)
        self.stretches = []
        for index, part in enumerate(all_streams):
            sums = np.empty(part.blocks)
            for begin in range(0, part.blocks, length):
                self.stretches.append(Stretch(index, part, sums, begin, min(begin + length, part.blocks)))
        self.reversed = self.stretches[::-1]
        self.done = self.begins = [stretch.begin for stretch in self.stretches]

    def absorb(self, grads: Sequence[Array], starts: Addresses, damping: float, limit: float) -> float:
        """As :meth:`Together.absorb`."""
        numbers = {dtype: (*averages, *rounded(dtype, (damping,)), limit) for dtype, averages in self.averages.items()}
        seen = [0.0]

        def absorb(stretch: Stretch) -> int:
            array, (_, v, m, q, _), sums, begin, end = stretch
            if seen[0] >= limit:
                return begin
            reached = self.kernels.absorb(grads[array], v, m, q, *numbers[v.dtype], sums, begin, end)
            seen[0] += sum(sums[begin:reached].tolist())  # an update lost to another thread only delays the exit
            return reached

        self.done = self.team.map(absorb, self.stretches)
        if seen[0] >= limit:
            return seen[0]
        return total_of([total for stretch in self.stretches for total in stretch.sums_here()], limit)

    def move(self, grads: Sequence[Array], starts: Addresses, factors: tuple[float, ...]) -> None:
        """As :meth:`Together.move`."""
        motion = {dtype: rounded(dtype, factors) for dtype in self.averages}

        def move(stretch: Stretch, done: int) -> None:
            array, (x, v, m, q, _), _, begin, end = stretch
            numbers = motion[x.dtype]
            if begin < done:
                self.kernels.move(x, v, m, q, *numbers, begin, done)
            if done < end:
                self.kernels.absorb_and_move(x, grads[array], v, m, *self.averages[x.dtype], *numbers, done, end)

        done, self.done = self.done, self.begins
        # In reverse: what came last in the first pass may still be in the cache.
        self.team.map(move, self.reversed, done[::-1])


def total_of(sums: list[float], limit: float) -> float:
    """The exact sum; a partial one that reaches ``limit`` as it comes; infinite where that is no finite number."""
    seen = sum(sums)
    if seen >= limit:
        return seen
    return math.fsum(sums) if math.isfinite(seen) else math.inf


def rounded_averages(dtype: np.dtype, averages: tuple[float, ...]) -> tuple[Any, ...]:
    """The averages and the largest number of a precision."""
    return rounded(dtype, (*averages, float(np.finfo(dtype).max)))


def rounded(dtype: np.dtype, numbers: tuple[Any, ...]) -> tuple[Any, ...]:
    """Numbers as compiled code takes them soonest: Python's own where that has the same precision."""
    if dtype == np.float64:
        return numbers
    if max(numbers) <= 1e38 and min(numbers) >= -1e38:
        return tuple(map(dtype.type, numbers))
    with np.errstate(over="ignore"):
        return tuple(map(dtype.type, numbers))
