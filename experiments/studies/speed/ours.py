"""The engines of this package and the floors of the hardware, as contestants."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import sqrt
from typing import Any

import numpy as np

import vradam
from experiments.studies.speed.work import Array, Work, noise, objective, optimizer, start

WIDTH = 64


def compiled(work: Work) -> Callable[[], Array]:
    """The compiled engines, on as many threads as this process may use."""
    x, g = start(work)
    if work.kind == "step":
        from vradam.inplace import InPlace

        training = InPlace(optimizer(work), [x], threads())

        def steps() -> Array:
            for _ in range(work.steps):
                training.step([g])
            return x

        return steps
    chosen, bowl, law = optimizer(work), objective(work), noise(work)

    fuse_at_once()

    def runs() -> Array:
        run = vradam.simulate(chosen, bowl, x, work.steps, law, every=0, engine="compiled", progress=False)
        return run.x[..., -1, :]

    return runs


def fuse_at_once() -> None:
    """Compile now what the engine compiles after as much work as a few rounds are: long work is what is timed."""
    from vradam.engine import lanes

    lanes.WORTH_FUSING = 0


def by_numpy(work: Work) -> Callable[[], Array]:
    """The NumPy engine; one large step is ``VRAdam.step``."""
    x, g = start(work)
    chosen = optimizer(work)
    if work.kind == "step":
        place: list[Any] = [x, chosen.init(x)]

        def steps() -> Array:
            for _ in range(work.steps):
                place[:] = chosen.step(place[0], g, place[1])
            return place[0]

        return steps
    bowl, law = objective(work), noise(work)

    def runs() -> Array:
        run = vradam.simulate(chosen, bowl, x, work.steps, law, every=0, engine="numpy", progress=False)
        return run.x[..., -1, :]

    return runs


def threads() -> int:
    """How many threads this process may use."""
    return int(os.environ.get("NUMBA_NUM_THREADS", "1"))


def floor(work: Work) -> Callable[[], Any]:
    """What the hardware takes at least: the memory streams of one step, or one root and one division a number."""
    import numba

    count = threads()
    share = map if count == 1 else ThreadPoolExecutor(count).map  # handing over takes as long as a small step
    if work.kind == "runs":
        unit = numba.njit(error_model="numpy", nogil=True)(roots_and_divisions)
        tiles = [len(part) for part in np.array_split(np.arange(-(-work.runs // WIDTH)), count)]
        return lambda: list(share(unit, tiles, [work.d] * count, [work.steps] * count))
    from vradam.engine.layout import zeros_beside

    streams = seven_streams if work.saturated or not work.gate else nine_streams
    sweep = numba.njit(error_model="numpy", nogil=True)(streams)
    x, g = start(work)
    v, m = zeros_beside(x, 1024), zeros_beside(x, 2048)
    parts = [np.array_split(array, count) for array in (x, g, v, m)]

    def steps_of_memory() -> None:
        for _ in range(work.steps):
            list(share(sweep, *parts))

    return steps_of_memory


def nine_streams(x, g, v, m):
    """Read g, v, m, write v, m; read v, m, x, write x."""
    for i in range(x.size):
        v[i] = 0.5 * (v[i] + g[i])
        m[i] = 0.5 * (m[i] + g[i])
    for i in range(x.size):
        x[i] = x[i] - v[i] * m[i]


def seven_streams(x, g, v, m):
    """Read g, v, m, x and write v, m, x in one sweep."""
    for i in range(x.size):
        v[i] = 0.5 * (v[i] + g[i])
        m[i] = 0.5 * (m[i] + g[i])
        x[i] = x[i] - v[i] * m[i]


def roots_and_divisions(tiles, d, steps):
    """1/(1/2 + sqrt(X)) for each number of a tile that stays in the first cache."""
    X = np.ones((d, WIDTH))
    for _ in range(tiles):
        for _ in range(steps):
            for i in range(d):
                for j in range(WIDTH):
                    X[i, j] = 1.0 / (0.5 + sqrt(X[i, j]))
    return X
