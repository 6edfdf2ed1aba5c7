"""Does VRAdam outperform? Small tasks of three kinds, every optimizer tuned with the same budget (E1).

Networks and gradients are JAX's, the optimizers are those of :mod:`vradam`. Per task: a random search on validation,
then fresh seeds at the chosen setting twice over (the second half replicates the first), the constant rate, and a
sweep of alpha0 around the choice. A run that diverged has learnt nothing: it scores what it had at its start.

A task counts only if the best optimizer's validation loss has stopped improving and beats a trivial baseline. It has
stopped when the last tenth of the steps gains less than 1 % **of the trivial baseline's loss**. Of its own value would
be the stricter unit, and for a cross-entropy the same question. On the grids the loss is a distance from the target
which goes to zero with the learning rate: that unit shrinks as fast as the gain and no horizon tried had a plateau in
it, while in units of the baseline each had. This was settled on the best optimizer's curve alone; the note says what
the tasks that meet the stricter reading say by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from experiments.measurement.comparison import FACTORS, GAIN, holm, paired, profile, tail_gain, time_to, width
from experiments.measurement.statistics import FEWEST, mean_interval
from experiments.measurement.verdict import Confrontation
from experiments.store.chunks import Chunks
from experiments.studies.early_dip import DEFAULT as EARLY
from experiments.studies.tasks.data import text
from experiments.studies.tasks.judgement import RIVALS, confrontation
from experiments.studies.tasks.protocol import CONTENDERS, scheduled, train, trials
from experiments.studies.tasks.summary import tables
from experiments.study import Result, Study

__all__ = ["DEFAULT", "PAPER", "Setup", "run", "tables"]

LABELS = {
    "mlp": "digits, MLP",
    "convolutional": "digits, convolutional",
    "transformer": "characters, Transformer",
    "flow_matching": "grid 2-D, flow matching",
    "trajectory_balance": "grid 4-D, trajectory balance",
}
OPTIMIZERS = tuple(CONTENDERS)
#: Those whose curvature and scaling are watched.
INSIDE = ("VRAdam", "VRAdam, default gate", "AdamW")
#: Seeds of the phases never meet: trials use 0, fresh seeds start here.
FRESH, CONSTANT, BASIN, WATCHED = 1_000, 5_000, 6_000, 7_000


def check_tasks(tasks: tuple[str, ...], steps: tuple[int, ...]) -> None:
    """Raise ``ValueError`` unless every task has a label and a number of steps."""
    if len(tasks) != len(steps):
        raise ValueError(f"steps must be one number per task, got {len(steps)} for {len(tasks)}")
    if unknown := set(tasks) - set(LABELS):
        raise ValueError(f"tasks must be among {', '.join(LABELS)}, got {', '.join(sorted(unknown))}")


@dataclass(frozen=True)
class Setup:
    """``steps`` per task; ``seeds`` for the measurement and as many again for its replication; ``basin``: factors of
    the chosen alpha0; ``points``: of a run, where curvature is measured; ``scales``: what gradients are multiplied by.
    """

    tasks: tuple[str, ...] = ("mlp",)
    steps: tuple[int, ...] = (800,)
    trials: int = 16
    seeds: int = 30
    constant_seeds: int = 10
    basin: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
    basin_seeds: int = 2
    checks: int = 20
    points: int = 40
    scales: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0)
    scale_seeds: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        check_tasks(self.tasks, self.steps)


DEFAULT = Setup()
PAPER = Setup(
    tasks=("convolutional", "flow_matching", "trajectory_balance", "transformer"), steps=(1000, 2000, 2000, 600)
)


def run(setup: Setup, chunks: Chunks) -> Result:
    """Every phase of every optimizer on every task is a chunk of its own."""
    _jax_is_there()
    pairs = [(task, name) for task in setup.tasks for name in OPTIMIZERS]
    searched = chunks.map(search, {_key("search", *pair): (setup, *pair) for pair in pairs})
    chosen = {pair: setting(searched[_key("search", *pair)]) for pair in pairs}
    phases = {"fresh": fresh, "constant": constant, "basin": basin}
    runs = {
        phase: chunks.map(function, {_key(phase, *pair): (setup, *pair, chosen[pair]) for pair in pairs})
        for phase, function in phases.items()
    }
    runs["search"] = searched
    tables = [_table(setup, task, {phase: _over(task, phase, found) for phase, found in runs.items()})
              for task in setup.tasks]  # fmt: skip
    data = {"runs": xr.concat(tables, "task", data_vars="all", combine_attrs="drop_conflicts")}
    if "transformer" in setup.tasks:
        data["runs"].attrs["text"] = text().source
    data["runs"].attrs["seed"] = setup.seed
    data["pairs"] = comparisons(data["runs"])
    watched = {pair: chosen[pair] for pair in pairs if pair[1] in INSIDE}
    for name, function in {"inside": inside, "scaled": scaled}.items():
        found = chunks.map(function, {_key(name, *pair): (setup, *pair, hyper) for pair, hyper in watched.items()})
        data[name] = xr.concat([xr.concat([found[_key(name, task, optimizer)] for optimizer in INSIDE], "optimizer")
                                for task in setup.tasks], "task").assign_coords(
            task=[LABELS[task] for task in setup.tasks], optimizer=list(INSIDE))  # fmt: skip
    return Result(data, judge(data))


def judge(data: Mapping[str, xr.Dataset]) -> tuple[Confrontation, ...]:
    """E1 from the runs and the comparisons, or from those on record."""
    return (confrontation(data["runs"], data["pairs"]),)


def _jax_is_there() -> None:
    """Fail before anything is computed, with the line that installs what is missing."""
    from experiments.studies.tasks import nets  # noqa: F401


# ---------------------------------------------------------------- phases


def search(setup: Setup, task: str, name: str) -> xr.Dataset:
    """The random search on validation: one run per trial, all of one seed."""
    hyper = trials(CONTENDERS[name], setup.trials, setup.seed)
    found = _train(setup, task, name, hyper, np.full(setup.trials, setup.seed))
    return found.assign({f"hyper_{key}": ("run", values) for key, values in hyper.items()})


def setting(searched: xr.Dataset) -> dict[str, float]:
    """The hyper-parameters of the trial with the smallest final validation loss."""
    final = searched.validation.isel(check=-1).values
    best = int(np.argmin(np.where(np.isfinite(final), final, np.inf)))
    return {str(key)[6:]: float(searched[key][best]) for key in searched if str(key).startswith("hyper_")}


def fresh(setup: Setup, task: str, name: str, hyper: dict[str, float]) -> xr.Dataset:
    """Fresh seeds at the chosen setting: measurement, then replication."""
    return _train(setup, task, name, hyper, setup.seed + FRESH + np.arange(2 * setup.seeds))


def constant(setup: Setup, task: str, name: str, hyper: dict[str, float]) -> xr.Dataset:
    """The chosen setting with a constant rate."""
    seeds = setup.seed + CONSTANT + np.arange(setup.constant_seeds)
    return _train(setup, task, name, hyper, seeds, constant_rate=True)


def basin(setup: Setup, task: str, name: str, hyper: dict[str, float]) -> xr.Dataset:
    """The chosen setting with other alpha0, over (factor, seed)."""
    factors = np.repeat(setup.basin, setup.basin_seeds)
    seeds = setup.seed + BASIN + np.tile(np.arange(setup.basin_seeds), len(setup.basin))
    return _train(setup, task, name, hyper | {"alpha0": factors * hyper["alpha0"]}, seeds)


def inside(setup: Setup, task: str, name: str, hyper: dict[str, float]) -> xr.Dataset:
    """One run with its curvature, on minibatches with the schedule and on one large batch with a constant rate."""
    from experiments.studies.tasks.dynamics import follow

    steps = setup.steps[setup.tasks.index(task)]
    runs = [follow(task, name, hyper, steps, setup.points, full, setup.seed + WATCHED) for full in (False, True)]
    return xr.concat(runs, "batch").assign_coords(batch=["minibatch", "full"])


def scaled(setup: Setup, task: str, name: str, hyper: dict[str, float]) -> xr.Dataset:
    """The chosen setting with every gradient multiplied by c, over (scale, seed)."""
    from experiments.studies.tasks.dynamics import rescaled

    steps = setup.steps[setup.tasks.index(task)]
    return rescaled(task, name, hyper, steps, setup.scales, setup.scale_seeds, setup.seed + WATCHED)


def _train(
    setup: Setup, task: str, name: str, hyper: Any, seeds: np.ndarray, constant_rate: bool = False
) -> xr.Dataset:
    from experiments.studies.tasks import nets

    steps = setup.steps[setup.tasks.index(task)]
    optimizer = scheduled(CONTENDERS[name], hyper, steps, constant_rate)
    made = nets.make(task)
    found = train(made, nets.gradients(task), partial(nets.scores, task), optimizer, seeds, steps, setup.checks)
    return found.assign(baseline=made.baseline, dim=made.dim).assign_attrs(jax=nets.jax.__version__)


def _key(phase: str, task: str, name: str) -> str:
    return f"{phase}-{task}-{name.replace(', ', '_').replace(' ', '_')}"


def _over(task: str, phase: str, found: dict[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    return {name: found[_key(phase, task, name)] for name in OPTIMIZERS}


# ---------------------------------------------------------------- tables


def scored(found: xr.Dataset) -> np.ndarray:
    """Test losses (runs,); where a run diverged, its validation loss at the start."""
    return np.where(found.diverged_at >= 0, found.validation.isel(check=0), found.test_loss)


def _table(setup: Setup, task: str, runs: dict[str, dict[str, xr.Dataset]]) -> xr.Dataset:
    """Everything about one task over (optimizer, ...)."""
    rows = [_row(setup, {phase: found[name] for phase, found in runs.items()}) for name in OPTIMIZERS]
    table = xr.concat(rows, "optimizer", combine_attrs="drop_conflicts").assign_coords(optimizer=list(OPTIMIZERS))
    final = table.validation.mean("seed")
    best = int(np.nanargmin(final.isel(check=-1).values))
    curve, trivial = final.isel(optimizer=best).values, float(table.baseline[0])
    gain, own = tail_gain(curve, trivial), tail_gain(curve)
    beaten = bool(curve[-1] < trivial)
    target = 1.05 * float(final.sel(optimizer="AdamW").isel(check=-1))
    steps = np.linspace(0, setup.steps[setup.tasks.index(task)], setup.checks + 1).round()
    times = [time_to(target, table.validation.sel(optimizer=name).values, steps) for name in OPTIMIZERS]
    curves = table.validation.quantile([0.1, 0.5, 0.9], "seed").rename(quantile="share").astype(np.float32)
    return table.assign(
        validation=curves.transpose("optimizer", "check", "share"),
        baseline=trivial,
        dim=table.dim[0],
        final=float(curve[-1]),
        gain=gain,
        own_gain=own,
        counts=gain < GAIN and beaten,
        strict=max(gain, own) < GAIN and beaten,
        best=best,
        target=target,
        time_to_target=(("optimizer", "seed"), np.array(times)),
        profile=(("optimizer", "factor"), profile(table.score.values)),
        steps=setup.steps[setup.tasks.index(task)],
    ).assign_coords(task=LABELS[task], factor=FACTORS)


def _row(setup: Setup, runs: dict[str, xr.Dataset]) -> xr.Dataset:
    """One optimizer on one task."""
    again, searched, swept = runs["fresh"], runs["search"], runs["basin"]
    score, steady = scored(again), scored(runs["constant"])
    low, high = mean_interval(score)
    chosen = setting(searched)
    grid = scored(swept).reshape(len(setup.basin), setup.basin_seeds).mean(axis=1)
    second = again.test_second.values
    kept = np.isfinite(second)
    low2, high2 = mean_interval(second[kept]) if kept.sum() >= FEWEST else (np.nan, np.nan)
    every = [found.diverged_at.values for found in (searched, again)]
    by_alpha0 = np.argsort(searched.hyper_alpha0.values)
    return xr.Dataset(
        {
            "score": ("seed", score),
            "mean": score.mean(),
            "low": low,
            "high": high,
            "second": second[kept].mean() if kept.any() else np.nan,
            "second_low": low2,
            "second_high": high2,
            "validation": (("check", "seed"), again.validation.values),
            "training": ("block", again.training.mean("run").values),
            "speed": ("block", again.speed.mean("run").values),
            "opening": ("block", again.opening.mean("run").values),
            "early_opening": ("step", again.early_opening.mean("run").values.astype(np.float32)),
            "dip": ("seed", again.early_opening.isel(step=slice(EARLY.early)).min("step").values),
            "returned": ("seed", again.early_opening.isel(step=-1).values),
            "excess_median": float(again.excess_median.median()),
            "excess_max": float(again.excess_max.median()),
            "clipped": float(again.clipped.mean()),
            "diverged_trials": (every[0] >= 0).mean(),
            "diverged": (every[1] >= 0).mean(),
            "constant": ("again", steady),
            "swept": ("alpha0_factor", grid),
            "width": float(width(setup.basin, np.where(np.isfinite(grid), grid, np.inf), factor=1.1)),
            "trial_alpha0": ("trial", searched.hyper_alpha0.values[by_alpha0]),
            "trial_loss": ("trial", searched.validation.isel(check=-1).values[by_alpha0]),
            "baseline": again.baseline,
            "dim": again.dim,
            **{key: chosen.get(key, np.nan) for key in ("alpha0", "weight_decay", "beta3", "alpha1")},
        },
        coords={"alpha0_factor": list(setup.basin), "step": again.step.values},
        attrs=again.attrs,
    )


def comparisons(runs: xr.Dataset) -> xr.Dataset:
    """VRAdam against every other optimizer on every task: paired over all fresh seeds, Holm over all comparisons."""
    others = [name for name in OPTIMIZERS if name != "VRAdam"]
    ours = runs.score.sel(optimizer="VRAdam").values
    found = np.array(
        [
            [paired(ours[i], runs.score.isel(task=i).sel(optimizer=name).values) for name in others]
            for i in range(runs.sizes["task"])
        ]
    )
    names = ("ratio", "low", "high", "effect", "p")
    table = {key: (("task", "rival"), found[:, :, i]) for i, key in enumerate(names)}
    reported = np.isin(others, RIVALS)
    return xr.Dataset(
        table | {"p_holm": (("task", "rival"), holm(found[:, :, 4])), "reported": ("rival", reported)},
        coords={"task": runs.task.values, "rival": others},
    )


STUDY = Study(DEFAULT, PAPER, run, tables, on_request=True, judge=judge)
