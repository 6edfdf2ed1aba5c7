"""A sweep over hyper-parameters and seeds as one labelled table, in batches, on as many processes as you like."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

import vradam
from vradam.objectives import Objective
from vradam.trajectory import Trajectory
from vradam.workers import Workers

Statistic = Callable[[Trajectory], ArrayLike]
Engine = Literal["auto", "numpy", "compiled"]
#: Runs in one batched call: a multiple of the engine's tile, at most LARGEST.
TILE: Final = 64
LARGEST: Final = 4096
#: Numbers that one batched call may record (256 MB), whatever the horizon: many records make smaller batches.
RECORDED: Final = 2**25


def run(
    optimizer: Any,
    objective: Objective,
    over: Mapping[str, Sequence[float]],
    seeds: Sequence[int],
    statistic: Statistic | Mapping[str, Statistic],
    *,
    x0: ArrayLike,
    steps: int,
    noise: Any = None,
    every: int = 0,
    engine: Engine = "auto",
    jobs: int = 1,
    dask: str | None = None,
) -> xr.Dataset:
    """Every combination of the values in ``over``, with every seed: a statistic of each run, with labelled axes.

    The same seed gives the same random stream in every cell of the grid (common random numbers), and the numbers are
    the same bits whatever ``jobs`` and ``dask`` are.

    Parameters
    ----------
    optimizer : VRAdam or another optimizer of this package, whose fields ``over`` replaces
    objective : an :class:`~vradam.objectives.Objective`
    over : name of a hyper-parameter -> its values, one axis each, in this order
    seeds : distinct integers; the last axis
    statistic : maps a :class:`~vradam.trajectory.Trajectory` of a batch to one number per run, shape (runs,); or
        several of these by name. With several processes it must be picklable or a closure of picklable things.
    x0 : starting point (d,), or one per seed (seeds, d)
    steps, noise, every, engine : as for :func:`vradam.simulate`; ``every=0`` records the first and the last point only
    jobs : processes, one thread each; 1 stays in this process
    dask : address of a Dask scheduler that computes instead

    Returns
    -------
    xarray.Dataset
        One variable per statistic (a lone one is named after its function), dimensions ``(*over, "seed")``.

    Raises
    ------
    ValueError : if ``over`` names no hyper-parameter of the optimizer, an axis is empty, or a statistic returns
        another shape than (runs,).

    Examples
    --------
    >>> import vradam
    >>> bowl = vradam.objectives.quadratic([1.0, 10.0])
    >>> def final_value(trajectory): return trajectory.value[:, -1]
    >>> table = run(vradam.VRAdam(), bowl, {"alpha0": [0.001, 0.01], "beta3": [0, 1, 10]}, seeds=range(4),
    ...             statistic=final_value, x0=[1.0, 1.0], steps=200, noise=vradam.noise.gaussian(0.1))
    >>> dict(table.final_value.sizes)
    {'alpha0': 2, 'beta3': 3, 'seed': 4}
    >>> bool(table.final_value.sel(alpha0=0.01, beta3=0).mean() < table.final_value.sel(alpha0=0.001, beta3=0).mean())
    True
    """
    workers = Workers(jobs, dask)
    axes = _axes(optimizer, over, seeds)
    shape = tuple(len(values) for values in axes.values())
    start = np.asarray(x0)
    if start.ndim not in (1, 2) or (start.ndim == 2 and len(start) != len(axes["seed"])):
        raise ValueError(f"x0 must have shape (d,) or (seeds, d) with {len(axes['seed'])} seeds, got {start.shape}")
    named = dict(statistic) if isinstance(statistic, Mapping) else {_name(statistic): statistic}
    total = math.prod(shape)
    share = 4 * TILE if dask else math.ceil(total / jobs / TILE) * TILE
    records = 1 + (math.ceil(steps / every) if every > 0 else 1)
    room = max(1, RECORDED // (records * (objective.dim + 3)))
    edges = [*range(0, total, min(share, LARGEST, room)), total]
    batches = {
        f"{first}": (optimizer, objective, axes, range(first, last), named, start, steps, noise, every, engine)
        for first, last in pairwise(edges)
    }
    done = dict(workers.map(_batch, batches))
    columns = {name: np.concatenate([done[key][name] for key in batches]).reshape(shape) for name in named}
    return xr.Dataset(
        {name: (tuple(axes), values) for name, values in columns.items()},
        coords=axes,
        attrs={"optimizer": type(optimizer).__name__, "objective": objective.name, "steps": steps},
    )


def _axes(optimizer: Any, over: Mapping[str, Sequence[float]], seeds: Sequence[int]) -> dict[str, NDArray]:
    names = [field.name for field in fields(optimizer)]
    for name in over:
        if name not in names:
            raise ValueError(
                f"over must name hyper-parameters of {type(optimizer).__name__} ({', '.join(names)}), got {name!r}"
            )
    axes = {name: np.asarray(values, dtype=float) for name, values in over.items()} | {"seed": np.asarray(seeds)}
    for name, values in axes.items():
        if values.ndim != 1 or not values.size:
            raise ValueError(f"{name} must be a non-empty sequence of numbers, got shape {values.shape}")
    if axes["seed"].dtype.kind not in "iu" or len(set(axes["seed"].tolist())) < axes["seed"].size:
        raise ValueError(f"seeds must be distinct integers, got {seeds!r}")
    return axes


def _batch(
    optimizer: Any,
    objective: Objective,
    axes: Mapping[str, NDArray],
    runs: range,
    statistics: Mapping[str, Statistic],
    start: NDArray,
    steps: int,
    noise: Any,
    every: int,
    engine: Engine,
) -> dict[str, NDArray]:
    """One batched call: the runs with these numbers, counted through the grid in C order."""
    places = np.unravel_index(np.asarray(runs), tuple(len(values) for values in axes.values()))
    values = {name: axis[place] for (name, axis), place in zip(axes.items(), places, strict=True)}
    seed = values.pop("seed")
    x0 = start[places[-1]] if start.ndim == 2 else np.broadcast_to(start, (len(runs), *start.shape))
    swept = replace(optimizer, **values)
    trajectory = vradam.simulate(
        swept, objective, x0, steps=steps, noise=noise, seed=seed, every=every, engine=engine, progress=False
    )
    found = {name: np.asarray(statistic(trajectory)) for name, statistic in statistics.items()}
    for name, column in found.items():
        if column.shape != (len(runs),):
            raise ValueError(
                f"statistic {name!r} must return one number per run, shape ({len(runs)},), got {column.shape}"
            )
    return found


def _name(statistic: Statistic) -> str:
    name = getattr(statistic, "__name__", "statistic")
    return name if name.isidentifier() else "statistic"
