"""W1: does a gate widen the range of learning rates, without losing at the best one?

Everything that could be chosen was fixed before the runs and stands in :class:`Setup`: the gates and their constants,
the rivals, the problems, the target, the factors, the rule. The constants of the alignment gates come from exploration
on the eleven problems of the study ``sensitivity``; those are shown, and twelve other problems decide.

The rule. Per problem: the decades of alpha0 whose median steps to the target stay within ``factor`` of Adam's best
(medians over seeds; alpha0 on a grid). W1 is *reproduced* ("widens") if the interval of the mean gain over the deciding
problems lies at or above half a decade and the interval of the mean log-ratio of the best steps reaches 1 or below, and
both again on fresh seeds; *not reproduced* ("does not widen") if one of them fails twice with its whole interval;
*inconclusive* otherwise. Intervals are Student's over problems, at 95 % shared among the gates (Bonferroni).
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
from experiments.study import Result, Study, Table
from vradam import gates, laws, problems

Array = NDArray[np.floating]
#: The problems that decide: none of them took part in choosing the constants. Those with noise of their own ask for
#: a twentieth of the first error instead of a hundredth.
NOISY: Final = tuple(
    problem for problem in problems.CATALOGUE
    if problem.noise is not None and problem.objective.minimum is not None and problem.name != "logistic regression"
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


def alignment(rates: Array, beta1: float, average: float) -> vradam.VRAdam:
    """The alignment gate under the held law; it starts at alpha0 and may open to 11 alpha0."""
    form = gates.alignment(k=0.3, target=0.0, average=average)
    return vradam.VRAdam(alpha0=rates, beta1=beta1, alpha1=100.0, gate=form, law=laws.held(0.95, w0=10.0))


def free(rates: Array, beta1: float) -> vradam.VRAdam:
    """The same signal with next to no law: a hypergradient that may raise the rate as fast as it lowers it."""
    return replace(alignment(rates, beta1, 0.0), law=laws.held(1e-3, w0=10.0))


def declining(rates: Array, beta1: float) -> vradam.Adam:
    """Adam with alpha0/(1 + t/100): an open-loop decay."""
    return vradam.Adam(alpha0=lambda t: rates / (1 + t / 100), beta1=beta1)


#: name -> (alpha0 over the runs, beta1) -> optimizer. The first is what the others are compared with.
CONTENDERS: Final[Mapping[str, Callable[..., Any]]] = {
    "Adam": lambda rates, beta1: vradam.Adam(alpha0=rates, beta1=beta1),
    "alignment": partial(alignment, average=0.0),
    "alignment, averaged": partial(alignment, average=0.99),
    "recommended": lambda rates, beta1: vradam.recommended(steps=500, alpha0=rates, beta1=beta1),
    "published": lambda rates, beta1: vradam.VRAdam(alpha0=rates, beta1=beta1),
    "alignment without a law": free,
    "AdamW": lambda rates, beta1: vradam.AdamW(alpha0=rates, beta1=beta1),
    "RAdam": lambda rates, beta1: vradam.RAdam(alpha0=rates, beta1=beta1),
    "RMSProp": lambda rates, beta1: vradam.RMSProp(alpha0=rates),
    "Adam, 1/(1 + t/100)": declining,
}
GATES: Final = ("alignment", "alignment, averaged", "recommended")


@dataclass(frozen=True)
class Setup:
    """What the study runs.

    Parameters
    ----------
    deciding, explored : tuple of Task
        The problems that decide, and those on which the constants were chosen.
    decides : str
        The contender that the hypothesis is about.
    beta1 : tuple of float
        Momenta at which gates and Adam are compared; the first decides.
    factors : tuple of float
        Levels, in units of Adam's best median steps; the last decides.
    alpha0 : tuple of float and int
        Lowest and highest exponent of 10 and the number of values.
    seeds : tuple of int
        To find Adam's best, and to measure.
    gain : float
        Decades that count as wider.
    level : float
        Of the intervals, shared among the gates.
    """

    deciding: tuple[Task, ...] = DECIDING
    explored: tuple[Task, ...] = TASKS
    decides: str = "alignment"
    beta1: tuple[float, ...] = (0.9, 0.5)
    factors: tuple[float, ...] = (1.05, 1.1, 2.0)
    alpha0: tuple[float, float, int] = (-5.0, 2.0, 22)
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
    beta1=(0.9,),
    alpha0=(-3.0, 1.0, 9),
    seeds=(3, 5),
)


def run(setup: Setup, chunks: Chunks) -> Result:
    """Steps to the target of every contender on every problem, on two sets of seeds; then the widths and the rule."""
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
            data[group + name] = xr.concat(rows, "problem").assign_coords(problem=[t.problem.name for t in members])
    return Result(data, (_confront(setup, data),))


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
            widths[i, j] = [
                width(rates, medians[None], np.array([reference]), factor)[0] if reference < NEVER else 0.0
                for factor in setup.factors
            ]
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
    for nothing and are left out."""
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
    if gained.size < FEWEST:  # too few problems for an interval: no comparison
        mean = low = high = best = np.nan
    else:
        mean, (low, high) = float(gained.mean()), map(float, mean_interval(gained, level))
        best = float(np.exp(mean_interval(ratio, level)[0]))
    return (
        Evidence(
            "lower bound", (Point(mean, low, high, setup.gain, label),), n,
            "decades gained on Adam", (seed,),
        ),
        Evidence(
            "upper bound", (Point(best, best, best, 1.0, label),), n,
            "lower end of the interval of best steps over Adam's", (seed,),
        ),
    )  # fmt: skip


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
