"""Time: every engine beside the floors of the hardware and beside other libraries; what the gate costs (E3).

Each contestant is a process of its own, confined to one processor unless its name says two threads, and launched anew
in every round: the same kernel differs between launches, by where its arrays lie. Its trajectory is compared with the
NumPy engine before it is timed; one that took more processors than its one is not taken into account. The parts of the
compiled engine are timed alone too, and say what limits it. As publicly restated, the overhead of the gate is
negligible. "Negligible" is a number here, :data:`NEGLIGIBLE`, ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr

from experiments.measurement.statistics import median_interval
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.studies.speed import gate
from experiments.studies.speed.contestant import CONTESTANTS, ONE, TOLERANCE, Contestant, installed, takes_part
from experiments.studies.speed.goals import with_goals
from experiments.studies.speed.startup import startup
from experiments.studies.speed.summary import tables
from experiments.studies.speed.work import Work
from experiments.study import Result, Study

#: By how much an epoch with the gate may exceed one without.
NEGLIGIBLE: Final = 0.05
#: In how many steps, and of how many runs, those are timed that would take too long otherwise.
FEWER = {
    "PyTorch, plain": (100, 1), "NumPy": (100, 1 << 30),
    "JAX, blocks": (4000, 1 << 30), "JAX, vmap + scan": (200, 1 << 30),
}  # fmt: skip
BASE = Work("curve", "runs", 10, 1000, 1024)


@dataclass(frozen=True)
class Setup:
    """``hidden`` and ``batch`` are sizes of the
    network of that epoch; ``works`` and ``curves`` are timed ``rounds`` times, the epoch ``gate_rounds`` times in each
    of ``gate_processes``.
    """

    works: tuple[Work, ...] = (
        Work("one step, d = 1e4", "step", 10_000, 1000),
        Work("one step, d = 1e5", "step", 100_000, 100),
        Work("one step, d = 1e6", "step", 1_000_000, 5),
        Work("many runs, d = 10", "runs", 10, 200, 1024),
    )
    runs: tuple[int, ...] = (256, 512, 1024)
    steps: tuple[int, ...] = (250, 500, 1000)
    d: tuple[int, ...] = (4, 8, 16)
    in_curves: tuple[str, ...] = ("floor", "vradam")
    rounds: int = 5
    hidden: tuple[int, ...] = (128, 1280)
    batch: tuple[int, ...] = (32, 256)
    gate_rounds: int = 5
    gate_processes: int = 10
    seed: int = 0


DEFAULT = Setup()
PAPER = Setup(
    works=(
        Work("one step, d = 1e4", "step", 10_000, 1000),
        Work("one step, d = 1e5", "step", 100_000, 100),
        Work("one step, d = 1e6", "step", 1_000_000, 8),
        Work("one step, d = 3e6", "step", 3_000_000, 4),
        Work("one step, d = 1e7", "step", 10_000_000, 2),
        Work("gate saturated, d = 1e7", "step", 10_000_000, 2, saturated=True),
        Work("many runs, d = 10", "runs", 10, 1000, 4096),
        Work("many runs, d = 2", "runs", 2, 1000, 10240),
        Work("log-cosh, d = 10", "runs", 10, 500, 4096, "log_cosh"),
        Work("Rosenbrock, d = 10", "runs", 10, 500, 4096, "rosenbrock"),
        Work("rotated quadratic, d = 10", "runs", 10, 500, 4096, "rotated quadratic"),
        Work("Gaussian noise, d = 10", "runs", 10, 500, 2048, noise="gaussian"),
        Work("two-point noise, 1024 seeds", "runs", 10, 100_000, 1024, noise="two_point"),
    ),
    runs=(256, 1024, 4096, 16384),
    steps=(250, 1000, 4000, 16000),
    d=(2, 8, 32),
    in_curves=("floor", "vradam", "NumPy", "JAX, blocks"),
    rounds=5,
    gate_rounds=9,
    gate_processes=10,
)


def run(setup: Setup, chunks: Chunks) -> Result:
    """The cost of the gate, twice, the times of every work, the curves and what a process pays once."""
    first = chunks.chunk("gate", lambda: gate_cost(setup, setup.seed))
    second = chunks.chunk("gate_again", lambda: gate_cost(setup, setup.seed + 1))
    times = [
        chunks.chunk(f"work_{number}", partial(timing, work, setup.rounds)) for number, work in enumerate(setup.works)
    ]
    along = [(axis, value) for axis in ("runs", "steps", "d") for value in getattr(setup, axis)]
    curves = [
        chunks.chunk(f"{axis}_{value}", partial(timing, BASE._replace(**{axis: value}), setup.rounds, setup.in_curves))
        for axis, value in along
    ]
    places = [f"{axis} {value}" for axis, value in along]
    numbers = [BASE._replace(**{axis: value}).numbers for axis, value in along]
    named = [str(work.name) for work in setup.works]
    drawn = xr.concat(curves, "point").assign_coords(point=places, numbers=("point", numbers))
    data = {
        "gate": first, "gate_again": second,
        "times": with_goals(xr.concat(times, "work").assign_coords(work=named), setup.works),
        "curves": drawn, "scaling": scaling(drawn), "startup": chunks.chunk("startup", partial(startup, setup.rounds)),
    }  # fmt: skip
    return Result(data, judge(data))


def judge(data: Mapping[str, xr.Dataset]) -> tuple[Confrontation, ...]:
    """E3 from the costs of the gate, timed twice."""
    first, second = data["gate"], data["gate_again"]
    step = first.step_ratio.values
    reported = evidence(first, seed=int(first.attrs.get("seed", 0)))
    ends = (reported.points[0], reported.points[-1])
    confrontation = Confrontation(
        "E3",
        reported=(reported,),
        replication=(evidence(second, seed=int(second.attrs.get("seed", 1))),),
        note=(
            "An epoch is the gradient of a network with one hidden layer, in NumPy and single precision, and the step; "
            f"it may take {NEGLIGIBLE:.0%} longer (our threshold). The source reports 48,522.40 s for an epoch of "
            f"GPT-2 (124M) and 48,549.56 s with AdamW, a ratio of {48_522.40 / 48_549.56:.4f}. The step alone, with a "
            f"clip that is never reached, takes {step.min() - 1:+.0%} to {step.max() - 1:+.0%} of AdamW's in the same "
            "engine."
        ),
        showcase=(reported.quantity, *(point.label for point in ends)),
    )
    return (confrontation,)


def gate_cost(setup: Setup, seed: int) -> xr.Dataset:
    """Over (hidden, batch): the ratio of an epoch with the gate to one without, and that of the step alone.

    Processes differ, by where their arrays lie, more than rounds do: a process counts once, with its median round, and
    the interval is that of the median over the processes (order statistics, 95 %).
    """
    shape = len(setup.hidden), len(setup.batch)
    cells = [(hidden, batch) for hidden in setup.hidden for batch in setup.batch]
    processes = range(setup.gate_processes)
    seconds = np.array([[gate.samples(*cell, setup.gate_rounds, seed) for cell in cells] for _ in processes])
    seconds = np.moveaxis(seconds.reshape(len(processes), *shape, *seconds.shape[2:]), 0, -2)
    gradient, without, gated = np.moveaxis(seconds, 2, 0)
    ratios = {"epoch_ratio": (gradient + gated) / (gradient + without), "step_ratio": gated / without}
    found: dict[str, Any] = {}
    for name, values in ratios.items():
        of_processes = np.median(values, axis=-1)
        low, high = median_interval(of_processes)
        for end, part in (("", np.median(of_processes, axis=-1)), ("_low", low), ("_high", high)):
            found[f"{name}{end}"] = ("hidden", "batch"), part
    found["seconds"] = (("hidden", "batch", "part", "process", "round"), seconds)
    coords = {"hidden": list(setup.hidden), "batch": list(setup.batch), "part": ["gradient", "AdamW", "VRAdam"]}
    return xr.Dataset(found, coords, attrs={"seed": seed})


def evidence(data: xr.Dataset, seed: int) -> Evidence:
    """An epoch with the gate takes at most 1 + :data:`NEGLIGIBLE` of one without, at every size."""

    def point(hidden: int, batch: int) -> Point:
        cell = data.sel(hidden=hidden, batch=batch)
        value, low, high = (float(cell[f"epoch_ratio{end}"]) for end in ("", "_low", "_high"))
        return Point(value, low, high, 1 + NEGLIGIBLE, f"{gate.parameters(hidden)} parameters, batch {batch}")

    points = tuple(point(int(hidden), int(batch)) for hidden in data.hidden for batch in data.batch)
    n = data.sizes.get("process", 1)  # rounds of one process are not independent
    return Evidence("upper bound", points, n, "median time of an epoch relative to AdamW", (seed,))


def affordable(name: str, work: Work) -> Work:
    """The work at which a contestant is timed: with fewer steps or runs where it would take minutes."""
    steps, runs = FEWER.get(name, (work.steps, work.runs))
    return work if work.kind == "step" else work._replace(steps=min(steps, work.steps), runs=min(runs, work.runs))


def timing(work: Work, rounds: int, names: Sequence[str] | None = None) -> xr.Dataset:
    """Nanoseconds per number updated, (contestant, round); NaN for those that are not installed or do not take part.

    A round is a launch of every contestant, one after the other. ``processors`` is the time of all processors over that
    on the clock; where it exceeds :data:`~experiments.studies.speed.contestant.ONE` for one thread, the time is NaN.
    The floor of a step is the larger of its memory streams and of a root and a division a number.

    Raises
    ------
    ArithmeticError
        If the trajectory of a contestant differs from the reference.
    """
    every = list(CONTESTANTS)
    found, processors = (np.full((len(every), rounds), np.nan) for _ in range(2))
    asked = [name for name in (names or every) if installed(name) and takes_part(name, work)]
    for number in range(rounds):
        for name in asked:
            with closing(Contestant(name, affordable(name, work))) as child:
                if number == 0 and (difference := child.ask("check")) > TOLERANCE:
                    raise ArithmeticError(f"{name} must equal the reference on {work.name}, differs by {difference}")
                seconds, share = child.ask("time")
                found[every.index(name), number] = 1e9 * seconds / child.work.numbers
                processors[every.index(name), number] = share
    found[(processors > ONE) & ~np.array([name.endswith("2 threads") for name in every])[:, None]] = np.nan
    if work.kind == "step":
        parts = [found[every.index(name)] for name in ("- memory streams", "- root + division")]
        found[every.index("floor")] = np.maximum(*parts)
    columns = {"ns": found, "processors": processors}
    return xr.Dataset(
        {name: (("contestant", "round"), values) for name, values in columns.items()}, {"contestant": every}
    )


def scaling(curves: xr.Dataset) -> xr.Dataset:
    """Over (axis, contestant): the slope of log cost against log size over the upper half of the sizes, and ``fixed``.

    ``fixed`` is the cost in seconds at size zero: a fitted to the costs a + b size, each with the same relative error,
    a >= 0.
    """
    axes, names = ("runs", "steps", "d"), curves.contestant.values
    slope, fixed = np.full((2, len(axes), len(names)), np.nan)
    for row, axis in enumerate(axes):
        along = curves.isel(point=[str(point).split()[0] == axis for point in curves.point.values])
        sizes = np.array([float(str(point).split()[1]) for point in along.point.values])
        upper = slice(-max(2, (len(sizes) + 1) // 2), None)
        for column, name in enumerate(names):
            cost = 1e-9 * along.ns.sel(contestant=name).min("round").values * along.numbers.values
            if np.isfinite(cost).all():
                slope[row, column] = np.polyfit(np.log(sizes[upper]), np.log(cost[upper]), 1)[0]
                lines = np.stack([1 / cost, sizes / cost], axis=1)
                fixed[row, column] = max(0.0, np.linalg.lstsq(lines, np.ones(len(sizes)))[0][0])
    dims = ("axis", "contestant")
    return xr.Dataset({"slope": (dims, slope), "fixed": (dims, fixed)}, {"axis": list(axes), "contestant": names})


STUDY = Study(DEFAULT, PAPER, run, tables, on_request=True, judge=judge)
