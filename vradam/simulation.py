"""Run an optimizer on an objective: many independent runs at once, recorded as one :class:`Trajectory`."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.engine.disk_cache import numba_works
from vradam.noise import Minibatch
from vradam.objectives.objective import Objective, gradient_at
from vradam.plan import Noise, Optimizer, Plan, check_engine, checked_plan
from vradam.recorder import Recorder, TauMean
from vradam.trajectory import Trajectory

Array = NDArray[np.floating]
Engine: TypeAlias = Literal["auto", "numpy", "compiled"]

#: From so many numbers on, "auto" compiles: NumPy takes about two seconds for these, compiling up to three, once.
WORTH_COMPILING = 80_000_000
#: What a step of NumPy takes whatever its size, in numbers that are updated.
FIXED = 4000


def simulate(
    optimizer: Optimizer,
    objective: Objective,
    x0: ArrayLike,
    steps: int = 1000,
    noise: Noise | None = None,
    seed: int | NDArray[np.integer] = 0,
    every: int = 1,
    engine: Engine = "auto",
    progress: bool | None = None,
    state: Any = None,
) -> Trajectory:
    """Take ``steps`` steps of ``optimizer`` on ``objective`` from ``x0``; every leading axis is a batch of runs.

    The runs are the broadcast of the leading axes of ``x0`` (..., d), of every hyper-parameter that is an array, and of
    ``seed``, so that a sweep over learning rates and seeds is one call.

    Parameters
    ----------
    optimizer : Optimizer
        VRAdam or any other with the protocol of :mod:`vradam.plan`, yours for instance.
    objective : Objective
        An :class:`~vradam.objectives.Objective`.
    x0 : array_like
        (..., d), finite.
    steps : int
        Number of steps N, at least 1.
    noise : Noise, optional
        The law of the stochastic gradient, one of :mod:`vradam.noise`; None for exact gradients.
    seed : int or array
        An int (run i uses the random stream (seed, i)) or an integer array over the runs (a run uses the stream (its
        seed, 0), so that it can be repeated alone).
    every : int
        Record steps 0, every, 2 every, ... and always the last; 0 records the first and the last only.
    engine : 'auto' or 'numpy' or 'compiled'
        "numpy" is the reference; "compiled" needs Numba, float64 and an objective with a kernel, and agrees with it to
        rounding; "auto" compiles, where it can, what would take NumPy seconds: steps (4000 + runs d) >= 8e7, such as
        20,000 steps of one run, or 1000 of 10,000 runs in ten dimensions. Within an engine the bits of a run do not
        depend on the batch, nor on where it is continued; name the engine where they matter.
    progress : bool, optional
        Show a progress bar; None shows one in a terminal when a run takes more than two seconds.
    state : object
        The optimizer's state at ``x0``, such as ``final_state`` of an earlier run, which is then continued bit for bit
        (noise included, if the seed is the same); None starts anew. Records and the mean count from ``x0``.

    Returns
    -------
    Trajectory
        A run whose gradient or iterate is not finite is recorded as diverged at that step; this is data, no exception.

    Raises
    ------
    TypeError, ValueError
        If an argument lies outside its domain or shapes do not broadcast.

    Examples
    --------
    >>> import numpy as np, vradam
    >>> bowl = vradam.objectives.quadratic([1.0, 10.0])
    >>> run = vradam.simulate(vradam.VRAdam(alpha0=np.array([0.01, 0.1])), bowl, x0=[1.0, 1.0], steps=500, every=100)
    >>> run.x.shape, run.step.tolist()
    ((2, 6, 2), [0, 100, 200, 300, 400, 500])
    """
    plan = checked_plan(optimizer, objective, x0, steps, noise, seed, every, progress, state)
    if chosen_engine(engine, plan) == "numpy":
        return run_numpy(plan)
    from vradam.engine import lanes

    return lanes.run(plan)


def chosen_engine(engine: Engine, plan: Plan, runs: int | None = None) -> Literal["numpy", "compiled"]:
    """The engine that ``engine`` stands for; "auto" goes by the whole work, steps x runs x d.

    Parameters
    ----------
    engine : Engine
        As for :func:`simulate`.
    plan : Plan
        What is to be run.
    runs : int, optional
        The number of runs, where ``plan`` has one of many.

    Raises
    ------
    ValueError
        For an engine that is none of the three, or "compiled" where it cannot be.
    """
    check_engine(engine)
    runs = plan.seed.size if runs is None else runs
    little = plan.steps * (FIXED + runs * plan.objective.dim) < WORTH_COMPILING
    if engine == "numpy" or (engine == "auto" and (little or not numba_works())):
        return "numpy"
    from vradam.engine import lanes

    if plan.x0.dtype == np.float64 and lanes.supports(plan.optimizer, plan.objective, plan.noise):
        return "compiled"
    if engine == "auto":
        return "numpy"
    raise ValueError(
        f"engine must not be 'compiled' for {type(plan.optimizer).__name__} on {plan.objective.name} in "
        f"{plan.x0.dtype}: it needs float64, an objective with a kernel and an optimizer that it knows"
    )


def run_numpy(plan: Plan) -> Trajectory:
    """The reference engine: one vectorised NumPy step after another."""
    from tqdm import tqdm

    from vradam import random_streams as rng

    optimizer, objective, noise, steps = plan.optimizer, plan.objective, plan.noise, plan.steps
    streams = None if noise is None else rng.streams(plan.seed, plan.stream)
    x, state = plan.x0, optimizer.init(plan.x0) if plan.state is None else plan.state
    if streams is not None:
        streams.step = plan.first
    diverged_at, gone = np.full(x.shape[:-1], -1, np.int64), False
    mean = TauMean(plan)
    recorder = Recorder(plan)
    silent = None if plan.progress is None else not plan.progress
    with np.errstate(all="ignore"):
        recorder.write(0, x, diverged_at, optimizer.learning_rate(state))
        for t in tqdm(range(1, steps + 1), disable=silent, delay=0 if plan.progress else 2, leave=False, unit="step"):
            exact = None if isinstance(noise, Minibatch) else gradient_at(objective, x)
            mean.add(t - 1, x, exact)
            grad: Any = exact if noise is None else noise.stochastic_gradient(objective, x, exact, streams)
            sound = np.isfinite(grad).all(axis=-1)
            grad = grad.copy() if sound.all() else np.where(sound[..., None], grad, 0)
            moved, state = optimizer.step(x, grad, state)
            if np.shape(moved) != x.shape:
                raise ValueError(
                    f"the step of optimizer {type(optimizer).__name__} must return a point of shape {x.shape}, got "
                    f"{np.shape(moved)}"
                )
            sound = sound & np.isfinite(moved).all(axis=-1)
            if sound.all() and not gone:
                x = np.array(moved, np.result_type(moved, x))
            else:
                diverged_at, gone = np.where(~sound & (diverged_at < 0), t, diverged_at), True
                x = np.where((diverged_at < 0)[..., None], moved, x)
            if t == plan.record[recorder.filled]:
                recorder.write(t, x, diverged_at, optimizer.learning_rate(state))
    return recorder.trajectory(diverged_at, mean.result(diverged_at), state)
