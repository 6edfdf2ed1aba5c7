"""W1: does a gate widen the range of learning rates, without losing at the best one?

Everything that could be chosen was fixed before the runs and stands in :class:`Setup`: the gates and their constants,
the rivals, the problems, the target, the factors, the rule. The constants of the alignment gates come from exploration
on the eleven problems of the study ``sensitivity``; those are shown, and twelve other problems and E1's four tasks
decide.

The rule. Per problem: the decades of alpha0 whose median steps to the target stay within ``factor`` of Adam's best
(medians over seeds; alpha0 on a grid). W1 is *reproduced* ("widens") if the interval of the mean gain over the deciding
problems lies at or above half a decade and the interval of the mean log-ratio of the best steps reaches 1 or below,
with any one problem left out, and both again on fresh seeds; *not reproduced* ("does not widen") if one of them fails
twice with its whole interval, whatever is left out; *inconclusive* otherwise. Intervals are Student's over problems, at
95 % shared among the gates (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.comparison import width
from experiments.measurement.statistics import FEWEST, mean_interval
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.studies.sensitivity import TASKS
from experiments.studies.sensitivity.steps_to_target import StepsTo, Task, posed
from experiments.studies.width import networks
from experiments.studies.width.contenders import CONTENDERS, GATES
from experiments.studies.width.networks import NETWORKS, Network
from experiments.study import Result, Study, Table
from vradam import problems

Array = NDArray[np.floating]
#: Problems on data sets, which take long to load; one has no known minimum, the other helped to choose the constants.
DATA_SETS: Final = (problems.LOGISTIC_REGRESSION.name, problems.BREAST_CANCER.name)
#: The problems that decide: none of them took part in choosing the constants. Those with noise of their own ask for
#: a twentieth of the first error instead of a hundredth.
NOISY: Final = tuple(
    problem for problem in problems.CATALOGUE
    if problem.noise is not None and problem.name not in DATA_SETS and problem.objective.minimum is not None
)  # fmt: skip
QUIET: Final = ("quadratic valley", "quadratic, d = 1", "quadratic, d = 100", "matrix factorisation", "ackley")


def _every(problem: problems.Problem) -> int:
    """Between two looks at the loss: large problems are looked at less often."""
    return 10 if problem.objective.dim >= 100 else 1


DECIDING: Final = (
    *(Task(problem, every=_every(problem)) for problem in problems.CATALOGUE if problem.name in QUIET),
    *(Task(problem, target=0.05, every=_every(problem)) for problem in NOISY),
)
#: The mean number of steps at which a run that never arrives is counted when best steps are compared.
NEVER: Final = 1000.0


@dataclass(frozen=True)
class Setup:
    """What the study runs.

    Parameters
    ----------
    deciding, networks, explored : tuple of Task, tuple of Network, tuple of Task
        The problems and networks that decide, and the problems on which the constants were chosen.
    decides : str
        The contender that the hypothesis is about.
    beta1 : tuple of float
        Momenta at which gates and Adam are compared; the first decides, and is the only one of the networks.
    factors : tuple of float
        Levels, in units of Adam's best median steps; the last decides.
    alpha0 : tuple of float and int
        Lowest and highest exponent of 10 and the number of values.
    network_alpha0 : tuple of float and int
        The same for the networks.
    seeds : tuple of int
        To find Adam's best, and to measure.
    gain : float
        Decades that count as wider.
    level : float
        Of the intervals, shared among the gates.
    """

    deciding: tuple[Task, ...] = DECIDING
    networks: tuple[Network, ...] = NETWORKS
    explored: tuple[Task, ...] = TASKS
    decides: str = "alignment"
    beta1: tuple[float, ...] = (0.9, 0.5)
    factors: tuple[float, ...] = (1.05, 1.1, 2.0)
    alpha0: tuple[float, float, int] = (-5.0, 2.0, 22)
    network_alpha0: tuple[float, float, int] = (-11 / 3, 2 / 3, 14)
    seeds: tuple[int, int] = (8, 32)
    gain: float = 0.5
    level: float = 0.95
    seed: int = 0
    fresh: int = 1000


PAPER: Final = Setup()
DEFAULT: Final = replace(
    PAPER,
    deciding=tuple(replace(task, steps=150, hold=20) for task in DECIDING),
    explored=tuple(replace(TASKS[i], steps=150, hold=20) for i in (1, 4, 7)),
    networks=(),
    beta1=(0.9,),
    alpha0=(-3.0, 1.0, 9),
    seeds=(3, 5),
)


def run(setup: Setup, chunks: Chunks) -> Result:
    """Steps to the target of every contender on every problem, on two sets of seeds; then the widths and the rule."""
    for network in setup.networks:
        networks.compiled(network.key)  # without JAX this fails before anything is computed
    tasks = {"deciding": setup.deciding, "explored": setup.explored}
    parts: dict[str, Callable[[], xr.Dataset]] = {}
    for start in (setup.seed, setup.fresh):
        for group, members in tasks.items():
            for i, task in enumerate(members):
                parts[f"{group}-{i}-{start}"] = partial(measure, setup, task, start)
    done = chunks.gather(parts)
    data = {}
    for name, start in (("", setup.seed), ("_again", setup.fresh)):
        for group, members in tasks.items():
            rows = [done[f"{group}-{i}-{start}"] for i in range(len(members))]
            names = [task.problem.name for task in members]
            if group == "deciding" and setup.networks:
                rows += measure_networks(setup, start, chunks)
                names += [network.label for network in setup.networks]
            data[group + name] = xr.concat(rows, "problem").assign_coords(problem=names)
    return Result(data, (_confront(setup, data),))


def measure_networks(setup: Setup, seed: int, chunks: Chunks) -> list[xr.Dataset]:
    """What :func:`measure` says of a problem, for every network; NaN at the momenta at which they are not run."""
    rates = np.logspace(*setup.network_alpha0)
    beta1, (few, many) = setup.beta1[0], setup.seeds
    found = chunks.map(
        networks.steps_to,
        {
            f"net-{network.key}-{i}-{seed}": (network, name, beta1, tuple(rates.tolist()), range(seed, seed + few))
            for network in setup.networks
            for i, name in enumerate(CONTENDERS)
        },
    )
    medians = {key: np.median(one.steps.values, axis=-1) for key, one in found.items()}
    arguments = {}
    for network in setup.networks:
        reference = float(medians[f"net-{network.key}-0-{seed}"].min())
        for i, name in enumerate(CONTENDERS):
            for place in networks.deciding(medians[key := f"net-{network.key}-{i}-{seed}"], reference, setup.factors):
                seeds = range(seed + few, seed + few + many)
                arguments[f"{key}-{place}"] = (network, name, beta1, (float(rates[place]),), seeds)
    again = chunks.map(networks.steps_to, arguments)
    shape = (len(CONTENDERS), len(setup.beta1))
    result = []
    for network in setup.networks:
        widths, best = np.full((*shape, len(setup.factors)), np.nan), np.full(shape, np.nan)
        for i in range(len(CONTENDERS)):
            key = f"net-{network.key}-{i}-{seed}"
            first, measured = medians[key], medians[key].copy()
            for place in range(rates.size):
                if (other := again.get(f"{key}-{place}")) is not None:
                    measured[place] = np.median(other.steps.values)
            best[i, 0] = min(measured[first.argmin()], NEVER)
            widths[i, 0] = _widths(setup, rates, measured, best[0, 0])
        result.append(_dataset(setup, widths, best))
    return result


def measure(setup: Setup, task: Task, seed: int) -> xr.Dataset:
    """Widths (contender, beta1, factor) and best steps (contender, beta1) on one problem.

    ``reference`` is Adam's best median at that beta1: its best alpha0 is found on the first seeds and measured on the
    others, as is everybody's best.
    """
    rates = np.logspace(*setup.alpha0)
    shape = (len(CONTENDERS), len(setup.beta1))
    widths, best = np.zeros((*shape, len(setup.factors))), np.zeros(shape)
    for j, beta1 in enumerate(setup.beta1):
        for i, make in enumerate(CONTENDERS.values()):
            steps = steps_to(setup, task, partial(make, beta1=beta1), rates, seed)
            first, others = steps[:, : setup.seeds[0]], steps[:, setup.seeds[0] :]
            medians = np.median(others, axis=-1)
            best[i, j] = min(medians[np.median(first, axis=-1).argmin()], NEVER)
            if i == 0:
                reference = best[0, j]
            widths[i, j] = _widths(setup, rates, medians, reference)
    return _dataset(setup, widths, best)


def _widths(setup: Setup, rates: Array, medians: Array, reference: float) -> list[float]:
    """Decades of alpha0 within each factor of the reference; 0 where nobody has one."""
    return [
        float(width(rates, medians[None], np.array([reference]), factor)[0]) if reference < NEVER else 0.0
        for factor in setup.factors
    ]


def _dataset(setup: Setup, widths: Array, best: Array) -> xr.Dataset:
    return xr.Dataset(
        {"width": (("contender", "beta1", "factor"), widths), "best": (("contender", "beta1"), best)},
        {"contender": list(CONTENDERS), "beta1": list(setup.beta1), "factor": list(setup.factors)},
    )


def steps_to(setup: Setup, task: Task, make: Callable[[Array], Any], rates: Array, seed: int) -> Array:
    """Steps to the target (alpha0, seed), inf where it is not reached; every alpha0 meets the same starts and noise."""
    problem, count = task.problem, sum(setup.seeds)
    noise, level = posed(task)
    x0, dim = problem.x0, problem.objective.dim
    spread = task.spread * max(1.0, float(np.abs(x0).max()))
    starts = x0 + spread * np.random.default_rng([seed, dim]).normal(size=(count, dim))
    seeds = np.broadcast_to(np.arange(seed, seed + count), (rates.size, count))
    run = vradam.simulate(
        make(rates[:, None]),
        problem.objective,
        np.broadcast_to(starts, (rates.size, count, dim)),
        task.steps + task.hold,
        noise,
        seed=seeds,
        every=task.every,
        engine="numpy",
        progress=False,
    )
    return StepsTo(level, task.hold)(run)


# ---------------------------------------------------------------- the rule


def gains(data: xr.Dataset, contender: str, beta1: float, factor: float) -> tuple[Array, Array]:
    """Per problem: decades gained on Adam, and log of the ratio of best steps. Problems that Adam never solves count
    for nothing and are left out, as are networks at momenta at which they were not run."""
    here = data.sel(beta1=beta1)
    solved = here.best.sel(contender="Adam").values < NEVER
    wide = here.width.sel(factor=factor)
    gained = (wide.sel(contender=contender) - wide.sel(contender="Adam")).values[solved]
    ratio = np.log(here.best.sel(contender=contender) / here.best.sel(contender="Adam")).values[solved]
    return gained, ratio


def judged(setup: Setup, data: xr.Dataset, seed: int) -> tuple[Evidence, ...]:
    """The two halves of the rule for the gate that decides, at the first beta1 and the last factor."""
    gained, ratio = gains(data, setup.decides, setup.beta1[0], setup.factors[-1])
    level = 1 - (1 - setup.level) / len(GATES)
    label = f"{setup.decides}, {gained.size} problems, beta1 = {setup.beta1[0]:g}"
    n = max(int(gained.size), 1) * setup.seeds[1]
    mean = low = high = best = least = most = np.nan
    if gained.size > FEWEST:  # with fewer there is no interval once a problem is left out, and no comparison
        mean = float(gained.mean())
        lows, highs = np.transpose([mean_interval(values, level) for values in _and_one_left_out(gained)])
        low, high = float(lows.min()), float(highs.max())
        ends = [float(np.exp(mean_interval(values, level)[0])) for values in _and_one_left_out(ratio)]
        best, least, most = ends[0], min(ends), max(ends)
    return (
        Evidence(
            "lower bound", (Point(mean, low, high, setup.gain, label),), n,
            "decades gained on Adam", (seed,),
        ),
        Evidence(
            "upper bound", (Point(best, least, most, 1.0, label),), n,
            "lower end of the interval of best steps over Adam's", (seed,),
        ),
    )  # fmt: skip


def _and_one_left_out(values: Array) -> list[Array]:
    """The values, and the values without each of them."""
    return [values, *(np.delete(values, i) for i in range(values.size))]


def _confront(setup: Setup, data: Mapping[str, xr.Dataset]) -> Confrontation:
    reported = judged(setup, data["deciding"], setup.seed)
    again = judged(setup, data["deciding_again"], setup.fresh)
    gained, ratio = gains(data["explored"], setup.decides, setup.beta1[0], setup.factors[-1])
    return Confrontation(
        "W1",
        reported=reported,
        replication=again,
        note=(
            f"On the problems where its constants were chosen the gate gains {gained.mean():+.2f} decades and takes "
            f"{np.exp(ratio.mean()):.2f} times Adam's best steps."
        ),
    )


# ---------------------------------------------------------------- the table


def tables(data: Mapping[str, xr.Dataset]) -> Sequence[Table]:
    """Decades gained on Adam and the ratio of best steps, per contender, on both groups of problems."""
    rows = []
    for group in ("deciding", "explored"):
        found = data[group]
        for beta1 in found.beta1.values:
            for contender in map(str, found.contender.values[1:]):
                gained, ratio = gains(found, contender, beta1, float(found.factor[-1]))
                least = min(np.delete(gained, i).mean() for i in range(gained.size)) if gained.size > 1 else np.nan
                row = [
                    f"{group}, beta1 {beta1:g}",
                    contender,
                    *(f"{_gain(found, contender, beta1, f):+.2f}" for f in found.factor.values),
                ]
                row[-1] += _interval(gained)
                best = float(np.exp(ratio.mean())) if ratio.size else np.nan
                rows.append((*row, f"{least:+.2f}", f"{best:.2f}" + _interval(ratio, np.exp)))
    factors = [f"within {factor:g}" for factor in data["deciding"].factor.values]
    return (
        Table(
            "Does a gate widen the range of alpha0?",
            ("problems", "against Adam", *factors, "leaving one out", "best steps/Adam's"),
            tuple(rows),
            "Decades of alpha0 gained, within a factor of Adam's best median steps; means over problems with 95 % "
            "intervals over problems; the least mean when one problem is left out; geometric mean of the best steps.",
        ),
    )


def _gain(data: xr.Dataset, contender: str, beta1: float, factor: float) -> float:
    """The mean gain in decades; NaN where Adam solves no problem."""
    gained, _ = gains(data, contender, beta1, factor)
    return float(gained.mean()) if gained.size else np.nan


def _interval(values: Array, shown: Callable[[Any], Any] = lambda value: value) -> str:
    """`` [low, high]``; empty where there are too few problems for one."""
    if values.size < FEWEST:
        return ""
    low, high = mean_interval(values)
    return f" [{float(shown(low)):.2f}, {float(shown(high)):.2f}]"


STUDY = Study(DEFAULT, PAPER, run, tables, on_request=True)
