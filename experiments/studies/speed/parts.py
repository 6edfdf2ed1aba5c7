"""What limits the compiled engines: their parts, each timed alone on the same work, as contestants."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import vradam
from experiments.studies.speed.ours import WIDTH, fuse_at_once, roots_and_divisions
from experiments.studies.speed.work import ALPHA0, BETA1, BETA2, EPS, Work, noise, objective, optimizer, start
from vradam.engine.draws import DRAWS
from vradam.engine.draws import draw_nothing as draw
from vradam.engine.rows import field


def inner_loop(work: Work) -> Callable[[], Any]:
    """All tiles of ``simulate`` and all their steps: without what is done once a call, in NumPy, around them."""
    from vradam.engine import lanes

    fuse_at_once()
    share, parts = lanes.in_threads, []

    def keep(part: Callable, tiles: int, threads: int | None) -> None:
        parts.append(partial(part, 0, tiles))
        share(part, tiles, threads)

    lanes.in_threads = keep
    try:
        vradam.simulate(
            optimizer(work), objective(work), start(work)[0], work.steps, noise(work), every=0, engine="compiled",
            progress=False,
        )  # fmt: skip
    finally:
        lanes.in_threads = share
    return lambda: [part() for part in parts]


def around_the_loop(work: Work) -> Callable[[], Any]:
    """What is done once a call, in NumPy: arguments checked, numbers packed and unpacked, records assembled."""
    from vradam.engine import lanes

    fuse_at_once()
    x, chosen, bowl, law = start(work)[0], optimizer(work), objective(work), noise(work)

    def nothing(part: Any, tiles: int, threads: int | None) -> None:
        *_, points, rates, _ = part.args
        points[:], rates[:] = 1.0, 1.0  # what happens to lie there may be denormal

    def call() -> None:
        share, lanes.in_threads = lanes.in_threads, nothing
        try:
            vradam.simulate(chosen, bowl, x, work.steps, law, every=0, engine="compiled", progress=False)
        finally:
            lanes.in_threads = share

    return call


def gradient_alone(work: Work) -> Callable[[], Any]:
    """The gradients of all steps, on a tile that stays in the first cache."""
    from vradam.engine.rows import gradient_names
    from vradam.engine.specialise import specialise

    kernel = objective(work).kernel
    assert kernel is not None
    unit = specialise(gradients, gradient_names(kernel.form, kernel.separable, kernel.neighbours) | {"WIDTH": WIDTH})
    parameters, count = np.array(kernel.parameters, np.float64), -(-work.runs // WIDTH) * work.steps
    return lambda: unit(work.d, parameters, count)


def noise_alone(work: Work) -> Callable[[], Any]:
    """The noise of all steps, on a tile."""
    from vradam.engine.methods import noise_kind
    from vradam.engine.specialise import specialise

    unit = specialise(draws, {"draw": DRAWS[noise_kind(noise(work))], "LANES": WIDTH, "WIDTH": WIDTH})
    count = -(-work.runs // WIDTH) * work.steps
    return lambda: unit(work.d, count)


def first_pass(work: Work) -> Callable[[], Any]:
    """The gradient into the averages, with the norm, without Python around it."""
    absorb, _, (_, g, v, m), blocks = passes(work)
    sums = np.empty(blocks)
    averages = BETA1, 1 - BETA1, BETA2, 1 - BETA2, float(np.finfo(float).max)
    return lambda: [absorb(g, v, m, v[:0], *averages, EPS, np.inf, sums, 0, blocks) for _ in range(work.steps)]


def second_pass(work: Work) -> Callable[[], Any]:
    """The step itself, without Python around it."""
    _, move, (x, _, v, m), blocks = passes(work)
    return lambda: [move(x, v, m, v[:0], 1.0, ALPHA0, EPS, 0, blocks) for _ in range(work.steps)]


def passes(work: Work) -> tuple[Any, Any, tuple, int]:
    """The kernels of the two passes, their arrays x, g, v, m and the number of blocks."""
    from vradam.engine.single import BLOCK, kernels
    from vradam.inplace import InPlace

    x, g = start(work)
    training = InPlace(optimizer(work), [x])
    training.step([g])
    arrays = x, g, training.velocities[0], training.second_moments[0]
    return kernels().absorb, kernels().move, arrays, -(-work.d // BLOCK)


def divider_alone(work: Work) -> Callable[[], Any]:
    """A root and a division a number, in the first cache: what ``move`` cannot do without."""
    import numba

    unit = numba.njit(error_model="numpy")(roots_and_divisions)
    return lambda: unit(1, 10, -(-work.numbers // (10 * WIDTH)))


def gradients(d, parameters, count):
    """The gradient of a tile, ``count`` times; each point depends on the gradient before."""
    x, g = np.full((d, WIDTH), 0.3), np.empty((d, WIDTH))
    for _ in range(count):
        field(x, g, parameters)
        for j in range(WIDTH):
            x[0, j] -= 1e-9 * g[0, j]
    return x


def draws(d, count):
    """The noise of a tile at ``count`` steps."""
    N, words = np.empty((d + 1, WIDTH)), np.empty((d + 4, WIDTH), np.uint64)
    K, S = np.full((3, WIDTH), 1 << 62, np.uint64), np.ones((2, WIDTH))
    for t in range(count):
        draw(N, words, K, S, t)
    return N
