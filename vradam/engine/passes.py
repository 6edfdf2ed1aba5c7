"""The two passes of a large step over all arrays: one compiled call each, shared among threads, or array by array.

A pass goes through stretches of blocks, so that the bits depend neither on threads nor on how arrays are split into
stretches. Where the sum of the squares reaches ``limit``, the gate is saturated, and the rest is left to pass two.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vradam.engine import single
from vradam.engine.disk_cache import numba_works
from vradam.engine.layout import PAGE, extent, zeros_beside
from vradam.engine.single import BLOCK, STRETCH
from vradam.engine.team import Team

Array = NDArray[np.floating]

SHARES = 8  # stretches of each thread, at least
WORTH_SHARING = 16  # blocks, from which another thread pays


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


def both(
    all_streams: Sequence[Streams], averages: tuple[float, ...], keeps: str, threads: int
) -> Compiled | ArrayByArray:
    """The passes over arrays; ``averages`` are beta1, 1 - beta1, beta2, 1 - beta2; ``keeps``: see ``single.KEEPS``.

    ``absorb`` and ``move`` take the gradients, flat, whose addresses have to be in ``starts``.
    """
    if numba_works():
        return Compiled(all_streams, averages, keeps, threads)
    return ArrayByArray(all_streams, averages, keeps)


class Calls(NamedTuple):
    """What a pass over arrays of one precision takes."""

    team: Team
    first: Any
    second: Any


class Compiled:
    """One compiled call a pass and precision: what a small model is trained with costs little Python."""

    def __init__(self, all_streams: Sequence[Streams], averages: tuple[float, ...], keeps: str, threads: int) -> None:
        self._alive = all_streams
        places = np.array(
            [(*(extent(stream)[0] for stream in part[:4]), 0, part.x.size, 0) for part in all_streams], np.int64
        )
        self.starts = places[:, single.G]
        if sum(part.blocks for part in all_streams) < WORTH_SHARING:
            threads = 1
        self._calls: list[Calls] = []
        for dtype in sorted({part.x.dtype for part in all_streams}):
            arrays = [k for k, part in enumerate(all_streams) if part.x.dtype == dtype]
            blocks = [all_streams[k].blocks for k in arrays]
            places[arrays, single.FIRST] = np.cumsum([0, *blocks[:-1]])
            length = STRETCH if threads == 1 else min(max(1, sum(blocks) // (SHARES * threads)), STRETCH)
            stretches = [
                (k, begin, min(begin + length, end), begin)
                for k, end in zip(arrays, blocks, strict=True) for begin in range(0, end, length)
            ]  # fmt: skip
            numbers = np.array([*averages, float(np.finfo(dtype).max), 1.0, 0.0, 0.0], dtype)
            shared = (
                np.array(stretches, np.int64).reshape(-1, 4), places, numbers, np.zeros(2), np.empty(sum(blocks))
            )  # fmt: skip
            passes = single.passes(keeps)
            team = Team(threads, len(stretches), passes.help_out, shared)
            first, second = (partial(one, team.board, *shared) for one in (passes.first, passes.second))
            self._calls.append(Calls(team, first, second))

    def absorb(self, grads: Sequence[Array], damping: float, limit: float) -> float:
        """Pass one; the sum of the squares, or no less than ``limit`` where that is reached."""
        seen = 0.0
        for team, first, _ in self._calls:
            team.wake()
            seen += first(damping, limit - seen)
            if seen >= limit:
                break
        return seen

    def move(self, grads: Sequence[Array], keep: float, coefficient: float, damping: float) -> None:
        """Pass two, with what remains of the point, the coefficient and the damping of the step."""
        for team, _, second in self._calls:
            team.wake()
            second(keep, coefficient, damping)


class ArrayByArray:
    """The same in Python, for where Numba is not."""

    def __init__(self, all_streams: Sequence[Streams], averages: tuple[float, ...], keeps: str) -> None:
        self.starts = np.zeros(len(all_streams), np.int64)
        self._streams, self._sums = all_streams, [np.empty(part.blocks) for part in all_streams]
        self._kernels, self._averages = single.kernels(keeps), averages
        self._done = [0] * len(all_streams)

    def _rounded(self, part: Streams, *factors: float) -> tuple[Any, ...]:
        """The averages, the largest number and other factors, in the precision of an array."""
        dtype = part.x.dtype
        with np.errstate(over="ignore"):
            return tuple(map(dtype.type, (*self._averages, np.finfo(dtype).max, *factors)))

    def absorb(self, grads: Sequence[Array], damping: float, limit: float) -> float:
        """As :meth:`Compiled.absorb`."""
        seen = 0.0
        for k, ((_, v, m, q, blocks), sums) in enumerate(zip(self._streams, self._sums, strict=True)):
            numbers = self._rounded(self._streams[k], damping)
            self._done[k] = self._kernels.absorb(grads[k], v, m, q, *numbers, limit - seen, sums, 0, blocks)
            seen += float(sums[: self._done[k]].sum())
            if seen >= limit:
                return seen
        return single.total([number for sums in self._sums for number in sums.tolist()])

    def move(self, grads: Sequence[Array], keep: float, coefficient: float, damping: float) -> None:
        """As :meth:`Compiled.move`."""
        for k, part in enumerate(self._streams):
            *averages, keep_, coefficient_, damping_ = self._rounded(part, keep, coefficient, damping)
            x, v, m, q, blocks = part
            done, self._done[k] = self._done[k], 0
            self._kernels.move(x, v, m, q, keep_, coefficient_, damping_, 0, done)
            self._kernels.absorb_and_move(x, grads[k], v, m, *averages, keep_, coefficient_, damping_, done, blocks)
