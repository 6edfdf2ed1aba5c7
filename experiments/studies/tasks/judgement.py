"""E1 as evidence: in how many comparisons of one family is VRAdam's loss the lower one?

The family is every optimizer that the claim names on every task that counts. Holm's correction over the whole family
bounds the share of comparisons in which VRAdam is better from both sides at once, with 95 %: at least those that it
wins significantly, at most those that it does not lose significantly. More than half of them is our threshold for
"beats" on tasks that are not the source's; no single comparison decides.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr

from experiments.measurement.comparison import Paired, holm, paired
from experiments.measurement.verdict import Confrontation, Evidence, Point, Verdict, verdict
from experiments.studies.early_dip import DEFAULT as EARLY

#: The optimizers that the claim says VRAdam beats on every task.
RIVALS = ("AdamW", "RAdam", "Nesterov", "RMSProp")
FAMILY: Final = 0.05
QUANTITY: Final = "share of comparisons in which VRAdam has the lower test loss"


def compared(runs: xr.Dataset, task: int, rival: str, half: int, level: float = 0.95) -> Paired:
    """VRAdam against one optimizer on one task, on one half of the fresh seeds."""
    n = runs.sizes["seed"] // 2
    score = runs.score.isel(task=task, seed=slice(half * n, (half + 1) * n))
    return paired(score.sel(optimizer="VRAdam").values, score.sel(optimizer=rival).values, level)


def evidence(runs: xr.Dataset, tasks: list[int], half: int) -> Evidence:
    """The family on one half of the fresh seeds: the share of comparisons that VRAdam wins, with its 95 % interval."""
    n = runs.sizes["seed"] // 2
    found = [compared(runs, i, rival, half) for i in tasks for rival in RIVALS]
    below = np.array([one.ratio < 1 for one in found])
    significant = holm([one.p for one in found]) < FAMILY
    better, worse = (float((significant & side).mean()) for side in (below, ~below))
    label = f"{len(found)} comparisons: {', '.join(RIVALS)} on {len(tasks)} tasks, Holm 5 %"
    point = Point(float(below.mean()), better, 1 - worse, most(len(found)), label)
    seeds = tuple(range(half * n, (half + 1) * n))
    return Evidence("lower bound", (point,), n * len(found), QUANTITY, seeds)


def most(comparisons: int) -> float:
    """The smallest share of so many that is more than half.

    >>> most(16), most(3)
    (0.5625, 0.6666666666666666)
    """
    return (comparisons // 2 + 1) / comparisons


def confrontation(runs: xr.Dataset, pairs: xr.Dataset) -> Confrontation:
    """Both halves over the tasks that count; NaN, and so an inconclusive claim, if none does."""
    counting = [int(i) for i in np.flatnonzero(runs.counts.values)]
    if not counting:
        nothing = (Point(np.nan, np.nan, np.nan, 1.0, "no task counts"),)
        empty = Evidence("lower bound", nothing, 1, QUANTITY)
        return Confrontation("E1", (empty,), note="No task reached its plateau.")
    return Confrontation("E1", *_halves(runs, counting), note=_note(runs, pairs, counting))


def by_task(runs: xr.Dataset) -> dict[str, Verdict]:
    """The verdict on E1 from each task alone, a family of its own; "inconclusive" for a task that does not count."""
    return {
        str(name): _verdict(runs, [i]) if bool(runs.counts[i]) else "inconclusive"
        for i, name in enumerate(runs.task.values)
    }


def _halves(runs: xr.Dataset, tasks: list[int]) -> tuple[tuple[Evidence, ...], tuple[()], tuple[Evidence, ...]]:
    """Reported, corrected (nothing), replication."""
    return (evidence(runs, tasks, 0),), (), (evidence(runs, tasks, 1),)


def _verdict(runs: xr.Dataset, tasks: list[int]) -> Verdict:
    return verdict("empirical", Confrontation("E1", *_halves(runs, tasks)))


def _note(runs: xr.Dataset, pairs: xr.Dataset, counting: list[int]) -> str:
    part = pairs.isel(task=counting).sel(rival=list(RIVALS))
    significant = part.p_holm < FAMILY
    better, worse = int((significant & (part.ratio < 1)).sum()), int((significant & (part.ratio > 1)).sum())
    quiet = [str(runs.task.values[i]) for i in counting if runs.excess_max.sel(optimizer="VRAdam")[i] < 0.01]
    gate = (
        f" The gate does not act (beta3 ||v||^2 < 0.01) at the tuned setting on: {'; '.join(quiet)}." if quiet else ""
    )
    alone = "; ".join(
        f"{name}: {word if bool(runs.counts.sel(task=name)) else 'does not count'}"
        for name, word in by_task(runs).items()
    )
    strict = [i for i in counting if bool(runs.strict[i])]
    without = (
        ""
        if len(strict) == len(counting)
        else f" The {len(strict)} whose loss also gains less than 1 % of itself alone: {_verdict(runs, strict)}."
        if strict
        else " None of them gains less than 1 % of its own loss."
    )
    default = runs.sel(optimizer="VRAdam, default gate")
    dip, back = (default[name].mean("seed").values for name in ("dip", "returned"))
    left_out = runs.sizes["task"] - len(counting)
    return (
        f"{len(counting)} tasks count, {left_out} do not. Of {part.ratio.size} comparisons VRAdam is better in "
        f"{better} and worse in {worse} (Holm, 5 %). By task: {alone}.{without}{gate} Beside E2: at the default gate "
        f"eta_t/alpha0(t) falls below {EARLY.dip:g} within {EARLY.early} steps on {int((dip < EARLY.dip).sum())} of "
        f"{dip.size} tasks ({dip.min():.2f} ... {dip.max():.2f}) and is above {EARLY.near:g} at step {EARLY.steps} on "
        f"{int((back > EARLY.near).sum())} ({back.min():.2f} ... {back.max():.2f})."
    )
