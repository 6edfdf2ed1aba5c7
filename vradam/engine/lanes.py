"""Many small runs at once, compiled: the engine behind ``simulate(..., engine="compiled")``.

What is compiled, and when, is said in ``pieces``; compiled code is kept on disk. Threads share the runs among them; the
results do not depend on how many there are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import pairwise
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from vradam.engine import rows
from vradam.engine.methods import method, noise_kind, noise_rows, rates_of, rows_of
from vradam.engine.pieces import Combination, assembled, sweep_on_disk
from vradam.engine.specialise import specialise
from vradam.gated import State
from vradam.noise import Gaussian, Minibatch, TwoPoint, Uniform
from vradam.objectives.objective import Objective, gradient_at
from vradam.plan import Plan
from vradam.recorder import TAU_DRAWS, stratified_tau, tau_total
from vradam.trajectory import Trajectory

WIDTH = 64  # runs in a tile
NARROW = ((2, 1), (32, 16))  # up to so many runs, so many in a tile, where that pays
WORTH_A_WIDTH = 1e6  # numbers of one run, from which the time that narrower tiles save exceeds that of compiling them
CHUNK = 5e8  # numbers updated between two looks at the progress bar and at interrupts
WORTH_A_THREAD = 1e6  # numbers updated
CALLS = 128  # numbers that are updated in the time that calling the pieces of a step takes
WORTH_FUSING = 5e8  # such numbers, from which the time that a fused sweep saves exceeds about that of compiling it
WORTH_LOADING = 2e7  # such numbers, from which it exceeds that of loading what was compiled before
AGREEMENT = 1e-9

_taken: Counter[Combination] = Counter()  # what this process has done, in such numbers


def supports(optimizer: Any, objective: Objective, noise: Any) -> bool:
    """Whether the compiled engine runs this combination, in float64."""
    kernel = objective.kernel
    if kernel is None or method(optimizer) is None:
        return False
    if type(noise) is Minibatch:
        return kernel.mean_of_terms is not None and objective.terms is not None
    return noise is None or type(noise) in (Gaussian, TwoPoint, Uniform)


def run(plan: Plan, threads: int | None = None) -> Trajectory:
    """What the reference engine returns for ``plan``, to rounding; the bits do not depend on ``threads``.

    Points and velocities below 1e-150 are now and then set to zero, and so are second moments below 1e-290 (unless
    eps < 1e-60), since denormal numbers would slow the end of every run without noise. The final state of a diverged
    run is zero.

    Raises
    ------
    ValueError
        If the objective's kernel and its NumPy gradient disagree.
    """
    optimizer, objective, noise = plan.optimizer, plan.objective, plan.noise
    refuse_wrong_kernel(objective)
    described, kernel = method(optimizer), objective.kernel
    assert described is not None and kernel is not None  # `supports` says so
    runs, d = plan.seed.size, objective.dim
    width = tile_width(runs, plan.steps * d)
    decays = bool(np.any(np.asarray(described.weight_decay) > 0))
    parameters = np.array(kernel.parameters, np.float64, order="C")
    kinds = described.direction, described.gate, described.law, noise_kind(noise), decays, width
    what = Combination(kernel.form, kernel.separable, kernel.neighbours, kernel.mean_of_terms, parameters.ndim, *kinds)
    _taken[what] += plan.steps * math.ceil(runs / width) * (width * d + CALLS)
    advance = assembled(what, fuses(what, _taken[what]))

    state = optimizer.init(plan.x0) if plan.state is None else plan.state
    first = plan.first
    x = packed(plan.x0.reshape(runs, d), width)
    if plan.state is None:
        z = np.zeros((len(x), 2 * d, width))
    else:
        z = packed(np.stack([state.velocity, state.second_moment], axis=-1).reshape(runs, 2 * d), width)
    p = rows_of(described, state, plan, width)
    uniform = np.ones(len(x), np.int64)
    for row, value in ((rows.BETA1, described.beta1), (rows.BETA2, described.beta2)):
        if np.ndim(value):
            uniform &= (p[:, row] == p[:, row, :1]).all(axis=-1)
    keys, scales = noise_rows(noise, plan, width)
    sampled = type(noise) is Minibatch and plan.steps > TAU_DRAWS
    drawn = stratified_tau(plan).reshape(TAU_DRAWS, runs).copy() if sampled else np.empty((0, runs), np.int64)
    batch = (float(objective.terms or 0), noise.size) if type(noise) is Minibatch else (0.0, 0)
    record = plan.record[1:]
    out_x, out_rate = np.empty((runs, record.size + 1, d)), np.empty((runs, record.size + 1))
    out_x[:, 0] = plan.x0.reshape(runs, d)
    out_rate[:, 0] = np.broadcast_to(optimizer.learning_rate(state), plan.seed.shape).ravel()
    diverged_at = np.full((len(x), width), -1, np.int64)
    for clock, steps in progressing(plan, first, runs * d):
        rates = rates_of(described.alpha0, clock, steps, plan)
        due = 1 + int(np.searchsorted(record, clock - first, "right"))
        part = partial(
            advance,
            *(x, z, p, uniform, keys, scales, parameters, rates, described.exponent),
            *(*batch, drawn, first, clock, steps, plan.record, due, out_x, out_rate, diverged_at),
        )
        in_threads(part, len(x), 1 if threads is None and runs * d * steps < WORTH_A_THREAD else threads)
        unbounded = ~np.isfinite(x).all(axis=1) & (p[:, rows.ALIVE] > 0)
        diverged_at[unbounded], p[:, rows.ALIVE][unbounded] = clock + steps, 0.0
    gone = diverged_at.ravel()[:runs]
    gone[gone >= 0] -= first

    velocity, second_moment = np.moveaxis(unpacked(z, runs).reshape(runs, d, 2), -1, 0)
    kinetic, total, lagged = (p[:, row].ravel()[:runs] for row in (rows.KINETIC, rows.TOTAL, rows.LAGGED))
    if described.law == rows.AS_SEEN and described.gate in (rows.PUBLISHED, rows.POWER, rows.PER_COORDINATE):
        kinetic = optimizer.gate.kinetic(velocity, velocity, velocity)
    if not described.keeps_velocity:
        velocity = np.zeros_like(velocity)
    if (gone >= 0).any():
        velocity, second_moment, kinetic = (
            np.where((gone >= 0).reshape(-1, *[1] * (part.ndim - 1)), 0.0, part)
            for part in (velocity, second_moment, kinetic)
        )
    average, squares, energy = (reshaped(part, plan) for part in (velocity, second_moment, kinetic))
    final = State(average, squares, energy, first + plan.steps)
    with np.errstate(invalid="ignore"):  # diverged runs
        total = total - lagged
    mean = reshaped(total, plan) / (TAU_DRAWS if sampled else tau_total(np.asarray(described.beta1), plan.steps))
    return assemble(plan, out_x, out_rate, gone, mean, final)


def fuses(what: Combination, numbers: float) -> bool:
    """Whether a sweep pays, after so many numbers; minibatches have none: a step is then mostly the choice of terms."""
    return not what.sampled and (numbers >= WORTH_FUSING or (numbers >= WORTH_LOADING and sweep_on_disk(what)))


def tile_width(runs: int, numbers: float) -> int:
    """How many runs there are in a tile, of ``runs`` with so many numbers each; the bits do not depend on it."""
    if numbers < WORTH_A_WIDTH:
        return WIDTH
    return next((width for most, width in NARROW if runs <= most), WIDTH)


def packed(numbers: NDArray[Any], width: int) -> NDArray[Any]:
    """(runs, k) as tiles (tiles, k, width); the last tile is filled up with its last run."""
    runs, k = numbers.shape
    padded = np.concatenate([numbers, np.repeat(numbers[-1:], -runs % width, axis=0)])
    return np.ascontiguousarray(padded.reshape(-1, width, k).transpose(0, 2, 1))


def unpacked(tiles: NDArray[Any], runs: int) -> NDArray[Any]:
    """The inverse of :func:`packed`."""
    return tiles.transpose(0, 2, 1).reshape(-1, tiles.shape[1])[:runs]


def progressing(plan: Plan, first: int, numbers: int) -> Iterator[tuple[int, int]]:
    """Stretches of steps (clock, steps) that together are all of them, behind a progress bar."""
    stretch = max(rows.FLUSH_EVERY, int(CHUNK / numbers))
    if plan.steps <= stretch and not plan.progress:  # nothing to show
        yield first, plan.steps
        return
    from tqdm import tqdm

    silent = None if plan.progress is None else not plan.progress
    bar = tqdm(total=plan.steps, disable=silent, delay=0 if plan.progress else 2, leave=False, unit="step")
    with bar:
        for done in range(0, plan.steps, stretch):
            steps = min(stretch, plan.steps - done)
            yield first + done, steps
            bar.update(steps)


def in_threads(part: Callable[[int, int], None], tiles: int, threads: int | None) -> None:
    """Call part(begin, end) for stretches of tiles that together are all of them; None takes every core."""
    import numba

    threads = numba.config.NUMBA_NUM_THREADS if threads is None else threads
    if threads == 1 or tiles == 1:
        part(0, tiles)
        return
    ends = np.unique(np.linspace(0, tiles, 4 * threads + 1).astype(int))
    with ThreadPoolExecutor(threads) as pool:
        for stretch in [pool.submit(part, int(begin), int(end)) for begin, end in pairwise(ends)]:
            stretch.result()


@cache
def compiled_gradient(form: Callable, separable: bool, neighbours: bool) -> Any:
    """The gradient of a tile, (x, g, parameters) -> None."""
    exchanged = rows.gradient_names(form, separable, neighbours)
    return specialise(exchanged.get("field", rows.field), exchanged)


def reshaped(part: Any, plan: Plan) -> Any:
    """An array over the flattened runs, over the runs as the caller has them."""
    return part.reshape((*plan.seed.shape, *part.shape[1:]))


def assemble(plan: Plan, x: Any, rate: Any, diverged_at: Any, mean: Any, final: State) -> Trajectory:
    """The records, NaN from the divergence of a run on."""
    if (diverged_at >= 0).any():
        gone = (diverged_at[:, None] >= 0) & (plan.record >= diverged_at[:, None])
        x[gone], rate[gone] = np.nan, np.nan
    diverged_at = diverged_at.reshape(plan.seed.shape)
    return Trajectory(
        step=plan.record,
        x=reshaped(x, plan),
        learning_rate=reshaped(rate, plan),
        diverged_at=diverged_at,
        mean_grad_norm_squared=np.where(diverged_at < 0, mean, np.nan),
        final_state=final,
        optimizer=type(plan.optimizer).__name__,
        objective=plan.objective.name,
        plan=plan,
    )


_trusted: WeakSet[Objective] = WeakSet()


def refuse_wrong_kernel(objective: Objective) -> None:
    """Compare the kernel with the NumPy gradient at random points, once for each objective.

    At a point that is not finite the kernel's gradient must not be finite either: divergence is recognised by it.
    """
    if objective in _trusted:
        return
    kernel = objective.kernel
    assert kernel is not None
    gradient = compiled_gradient(kernel.form, kernel.separable, kernel.neighbours)
    x = np.random.default_rng(0).standard_normal((2, objective.dim)) * np.array([[1.0], [3.0]])
    tile_x, tile_g = np.ascontiguousarray(x.T), np.empty((objective.dim, 2))
    parameters = np.array(kernel.parameters, np.float64)
    gradient(tile_x, tile_g, parameters)
    expected = gradient_at(objective, x)
    if not np.abs(tile_g.T - expected).max() <= AGREEMENT * np.abs(expected).max():
        raise ValueError(
            f"the compiled gradient of {objective.name} must equal its NumPy gradient, got {tile_g[:, 0]} and "
            f"{expected[0]} at {x[0]}"
        )
    for i in range(objective.dim):
        tile_x[:] = x.T
        tile_x[i] = np.inf, np.nan
        with np.errstate(all="ignore"):  # where nothing is compiled, NumPy's numbers warn
            gradient(tile_x, tile_g, parameters)
        if np.isfinite(tile_g).all(axis=0).any():
            raise ValueError(f"the compiled gradient of {objective.name} must not be finite where x is not")
    _trusted.add(objective)
