"""A sweep over hyper-parameters and seeds as one labelled table, in batches, resumable, on any number of processes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam import simulation
from vradam.objectives import Objective
from vradam.plan import check_engine, check_objective, check_optimizer, checked_plan
from vradam.trajectory import Trajectory
from vradam.validation import real_array, unsigned_words, whole_number
from vradam.workers import Workers

if TYPE_CHECKING:
    import xarray as xr

Statistic = Callable[[Trajectory], ArrayLike]
#: Runs in one batched call: a multiple of the engine's tile, at most LARGEST.
TILE: Final = 64
LARGEST: Final = 2**14
#: Numbers (run x step x coordinate) of a batch that is sent to a cluster or kept: sending takes milliseconds.
WORTH_SENDING: Final = 10**8
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
    engine: simulation.Engine = "auto",
    jobs: int = 1,
    dask: str | None = None,
    folder: str | Path | None = None,
) -> xr.Dataset:
    """Every combination of the values in ``over``, with every seed: a statistic of each run, with labelled axes.

    The same seed gives the same random stream in every cell of the grid (common random numbers), and the numbers are
    the same bits whatever ``jobs`` and ``dask`` are.

    Parameters
    ----------
    optimizer : object
        VRAdam or another optimizer, yours for instance, that is a dataclass; ``over`` replaces its fields.
    objective : Objective
        An :class:`~vradam.objectives.Objective`.
    over : Mapping[str, sequence of float]
        Name of a hyper-parameter -> its values, one axis each, in this order.
    seeds : sequence of int
        Distinct integers; the last axis.
    statistic : Statistic or Mapping[str, Statistic]
        Maps a :class:`~vradam.trajectory.Trajectory` of a batch to one number per run, shape (runs,); or several of
        these by name. With several processes it must be picklable or a closure of picklable things.
    x0 : array_like
        Starting point (d,), or one per seed (seeds, d).
    steps, noise, every, engine
        As for :func:`vradam.simulate`; ``every=0`` records the first and the last point only.
    jobs : int
        Processes, one thread each; 1 stays in this process.
    dask : str, optional
        Address of a Dask scheduler that computes instead.
    folder : str or Path, optional
        Where finished batches are kept, so that an interrupted sweep goes on where it stopped; it belongs to this
        sweep (that the code is the same is for you to know). None keeps nothing.

    Returns
    -------
    xarray.Dataset
        One variable per statistic (a lone one is named after its function), dimensions ``(*over, "seed")``.

    Raises
    ------
    ValueError
        If ``over`` names no hyper-parameter of the optimizer or has values outside its domain, an axis is empty, an
        array is not swept by ``over``, seeds are not distinct, a statistic is named like an axis or returns another
        shape than (runs,), or ``folder`` belongs to another sweep.
    TypeError
        If the optimizer is no dataclass, a statistic no function, or numbers are of another kind; if ``folder`` is
        given and a statistic or a schedule is no module-level function: it has no name that tells it from others.

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
    import xarray as xr

    workers = Workers(jobs, dask)
    check_optimizer(optimizer)
    check_objective(objective)
    check_engine(engine)
    axes = _axes(optimizer, over, seeds, noise)
    shape = tuple(len(values) for values in axes.values())
    start = real_array("x0", x0)
    steps, every = whole_number("steps", steps, least=1), whole_number("every", every, least=0)
    if start.size == 0:
        raise ValueError(f"x0 must not be empty, got shape {start.shape}")
    if start.ndim not in (1, 2) or (start.ndim == 2 and len(start) != len(axes["seed"])):
        raise ValueError(f"x0 must have shape (d,) or (seeds, d) with {len(axes['seed'])} seeds, got {start.shape}")
    named = dict(statistic) if isinstance(statistic, Mapping) else {_name(statistic): statistic}
    if not named:
        raise ValueError("statistic must be one at least, got none")
    for name, function in named.items():
        if name in axes:
            raise ValueError(f"statistic must not be named like an axis ({', '.join(axes)}), got {name!r}")
        if not callable(function):
            raise TypeError(f"statistic {name!r} must be a function of a trajectory, got {function!r}")
    total = math.prod(shape)
    one = checked_plan(optimizer, objective, start.reshape(-1, start.shape[-1])[0], steps, noise, 0, every, False)
    engine = simulation.chosen_engine(engine, one, total)  # once for all: the batches depend on ``jobs``
    worth = math.ceil(WORTH_SENDING / (steps * objective.dim) / TILE) * TILE
    share = max(4 * TILE, worth) if dask or folder else math.ceil(total / jobs / TILE) * TILE
    records = 1 + (math.ceil(steps / every) if every > 0 else 1)
    room = max(1, RECORDED // (records * (objective.dim + 3)))
    edges = [*range(0, total, min(share, LARGEST, room)), total]
    batches = {
        f"{first}": (optimizer, objective, axes, range(first, last), named, start, steps, noise, every, engine)
        for first, last in pairwise(edges)
    }
    kept = Kept(Path(folder), batches, named) if folder else None
    done = kept.finished() if kept else {}
    for key, found in workers.map(_batch, {key: batch for key, batch in batches.items() if key not in done}):
        done[key] = found
        if kept:
            kept.keep(key, found)
    columns = {name: np.concatenate([done[key][name] for key in batches]).reshape(shape) for name in named}
    return xr.Dataset(
        {name: (tuple(axes), values) for name, values in columns.items()},
        coords=axes,
        attrs={"optimizer": type(optimizer).__name__, "objective": objective.name, "steps": steps},
    )


class Kept:
    """The finished batches of one sweep in a folder of its own, as ``batch-<first run>.npz``."""

    def __init__(self, folder: Path, batches: Mapping[str, tuple], statistics: Mapping[str, Statistic]) -> None:
        import joblib

        try:
            mark = joblib.hash((list(batches), next(iter(batches.values()))), hash_name="sha1")
        except Exception as error:  # pickle raises errors of its own, AttributeError and others
            raise TypeError(f"folder needs module-level functions as statistics: {error.args[:1]}") from error
        self.folder, self.names = folder, list(statistics)
        self.sizes = {key: len(batch[3]) for key, batch in batches.items()}
        folder.mkdir(parents=True, exist_ok=True)
        owner = folder / "sweep.txt"
        if owner.exists() and owner.read_text(encoding="utf-8") != mark:
            raise ValueError(f"folder must belong to this sweep, got {folder}, which holds another one")
        owner.write_text(mark, encoding="utf-8")

    def finished(self) -> dict[str, dict[str, NDArray]]:
        """What was kept; a file that is damaged counts as not finished."""
        found = {}
        for key, size in self.sizes.items():
            try:
                with self._file(key).open("rb") as file, np.load(file, allow_pickle=False) as stored:
                    columns = {name: stored[name] for name in self.names}
            except (OSError, ValueError, KeyError, EOFError, BadZipFile):
                continue
            if all(column.shape == (size,) for column in columns.values()):
                found[key] = columns
        return found

    def keep(self, key: str, columns: Mapping[str, NDArray]) -> None:
        """Store a batch; the file is there whole or not at all."""
        unfinished = self._file(key).with_suffix(f".{os.getpid()}.tmp")
        with unfinished.open("wb") as file:
            np.savez(file, allow_pickle=False, **dict(columns))
        unfinished.replace(self._file(key))

    def _file(self, key: str) -> Path:
        return self.folder / f"batch-{key}.npz"


def _axes(optimizer: Any, over: Mapping[str, Sequence[float]], seeds: Sequence[int], noise: Any) -> dict[str, NDArray]:
    if not is_dataclass(optimizer) or isinstance(optimizer, type):
        raise TypeError(f"optimizer must be a dataclass, whose fields a sweep replaces, got {optimizer!r}")
    names = [field.name for field in fields(optimizer)]
    if not isinstance(over, Mapping):
        raise TypeError(f"over must map names of hyper-parameters to their values, got {over!r}")
    for name in over:
        if name not in names:
            raise ValueError(
                f"over must name hyper-parameters of {type(optimizer).__name__} ({', '.join(names)}), got {name!r}"
            )
    words = unsigned_words("seeds", list(seeds) if isinstance(seeds, range) else seeds)
    if words.ndim != 1 or not words.size:
        raise ValueError(f"seeds must be a non-empty sequence of integers, got shape {words.shape}")
    if len(set(words.ravel().tolist())) < words.size:
        raise ValueError(f"seeds must be distinct integers, got {seeds!r}")
    signed = words.astype(np.int64) if words.size and words.max() < 2**63 else words
    axes = {name: real_array(name, values).astype(np.float64) for name, values in over.items()} | {"seed": signed}
    for name, values in axes.items():
        if values.ndim != 1 or not values.size:
            raise ValueError(f"{name} must be a non-empty sequence of numbers, got shape {values.shape}")
    for name in over:
        replace(optimizer, **{name: axes[name]})  # the class refuses what lies outside a domain, before anything runs
    for owner, source in (("optimizer", optimizer), ("noise", noise)):
        for field in fields(source) if is_dataclass(source) else ():
            value = getattr(source, field.name)
            if callable(value) and field.name == "alpha0":
                value = value(1)
            if field.name not in over and np.ndim(value) > 0:
                raise ValueError(
                    f"{owner} must have one {field.name} in a sweep, got an array of shape {np.shape(value)}"
                )
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
    engine: simulation.Engine,
) -> dict[str, NDArray]:
    """One batched call: the runs with these numbers, counted through the grid in C order."""
    places = np.unravel_index(np.asarray(runs), tuple(len(values) for values in axes.values()))
    values = {name: axis[place] for (name, axis), place in zip(axes.items(), places, strict=True)}
    seed = values.pop("seed")
    x0 = start[places[-1]] if start.ndim == 2 else np.broadcast_to(start, (len(runs), *start.shape))
    swept = replace(optimizer, **values)
    trajectory = simulation.simulate(
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
