"""E1 as evidence: the ratio of the losses must lie below 1 against every optimizer that the claim names."""

from __future__ import annotations

import numpy as np
import xarray as xr

from experiments.measurement.comparison import paired
from experiments.measurement.verdict import Confrontation, Evidence, Point, Verdict, verdict
from experiments.studies.early_dip import DEFAULT as EARLY

#: The optimizers that the claim says VRAdam beats on every task.
RIVALS = ("AdamW", "RAdam", "Nesterov", "RMSProp")
FAMILY = 0.05


def evidence(seed: int, runs: xr.Dataset, task: int, half: int, comparisons: int) -> Evidence:
    """VRAdam against the named optimizers on one task, on one half of the fresh seeds.

    Each interval has the level 1 - 0.05/``comparisons``, so that all of them hold together with 95 %.
    """
    row = runs.isel(task=task)
    n = row.sizes["seed"] // 2
    chosen = slice(half * n, (half + 1) * n)
    points = []
    for rival in RIVALS:
        found = paired(
            row.score.sel(optimizer="VRAdam").values[chosen],
            row.score.sel(optimizer=rival).values[chosen],
            seed + half,
            level=1 - FAMILY / comparisons,
        )
        points.append(Point(found.ratio, found.low, found.high, 1.0, f"against {rival}, {row.task.item()}"))
    return Evidence("upper bound", tuple(points), n * len(RIVALS), "test loss over that of the other optimizer")


def confrontation(seed: int, runs: xr.Dataset, pairs: xr.Dataset) -> Confrontation:
    """Both halves over the tasks that count; NaN, and so an open claim, if none does."""
    counting = [int(i) for i in np.flatnonzero(runs.counts.values)]
    if not counting:
        empty = Evidence("upper bound", (Point(np.nan, np.nan, np.nan, 1.0, "no task counts"),), 1, "test loss ratio")
        return Confrontation("E1", (empty,), replication=(empty,), note="No task reached its plateau.")
    return Confrontation("E1", *_halves(seed, runs, counting), note=_note(seed, runs, pairs, counting))


def by_task(seed: int, runs: xr.Dataset) -> dict[str, Verdict]:
    """The verdict on E1 from each task alone; "open" for a task that does not count."""
    return {
        str(name): _verdict(seed, runs, [i]) if bool(runs.counts[i]) else "open"
        for i, name in enumerate(runs.task.values)
    }


def _halves(
    seed: int, runs: xr.Dataset, tasks: list[int]
) -> tuple[tuple[Evidence, ...], tuple[()], tuple[Evidence, ...]]:
    """Reported, corrected (nothing), replication."""
    m = len(tasks) * len(RIVALS)
    first, second = (tuple(evidence(seed, runs, i, half, m) for i in tasks) for half in (0, 1))
    return first, (), second


def _verdict(seed: int, runs: xr.Dataset, tasks: list[int]) -> Verdict:
    return verdict("empirical", Confrontation("E1", *_halves(seed, runs, tasks)))


def _note(seed: int, runs: xr.Dataset, pairs: xr.Dataset, counting: list[int]) -> str:
    part = pairs.isel(task=counting).sel(rival=list(RIVALS))
    significant = part.p_holm < FAMILY
    better, worse = int((significant & (part.ratio < 1)).sum()), int((significant & (part.ratio > 1)).sum())
    quiet = [str(runs.task.values[i]) for i in counting if runs.excess_max.sel(optimizer="VRAdam")[i] < 0.01]
    gate = (
        f" The gate does not act (beta3 ||v||^2 < 0.01) at the tuned setting on: {'; '.join(quiet)}." if quiet else ""
    )
    alone = "; ".join(
        f"{name}: {word if bool(runs.counts.sel(task=name)) else 'does not count'}"
        for name, word in by_task(seed, runs).items()
    )
    strict = [i for i in counting if bool(runs.strict[i])]
    without = (
        ""
        if len(strict) == len(counting)
        else f" The {len(strict)} whose loss also gains less than 1 % of itself alone: {_verdict(seed, runs, strict)}."
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
