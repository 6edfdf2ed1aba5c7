"""What the runs on the tasks say, as tables: which tasks count, every optimizer, every pair, the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from experiments.studies.early_dip import DEFAULT as EARLY
from experiments.studies.tasks.judgement import FAMILY, RIVALS, by_task, compared
from experiments.study import Table

HYPER = ("alpha0", "weight_decay", "beta3", "alpha1")


def tables(data: Mapping[str, xr.Dataset]) -> tuple[Table, ...]:
    """From ``data["runs"]`` and ``data["pairs"]`` (:func:`experiments.studies.tasks.run`)."""
    runs, pairs = data["runs"], data["pairs"]
    return _tasks(runs), _optimizers(runs), _pairs(runs, pairs), _gate(runs)


def _tasks(runs: xr.Dataset) -> Table:
    alone = by_task(runs)
    rows = []
    for i, task in enumerate(runs.task.values):
        row = runs.isel(task=i)
        rows.append(
            (
                str(task),
                f"{int(row.dim)}",
                f"{int(row.steps)}",
                str(runs.optimizer.values[int(row.best)]),
                f"{float(row.final):.4g} < {float(row.baseline):.4g}"
                if row.final < row.baseline
                else f"{float(row.final):.4g} >= {float(row.baseline):.4g}",
                f"{float(row.gain):.2%}",
                f"{float(row.own_gain):.2%}",
                ("yes" if row.strict else "yes, on the trivial scale") if row.counts else "no",
                alone[str(task)],
            )
        )
    head = ("task", "parameters", "steps", "best optimizer", "its validation loss < trivial", "gain / trivial",
            "gain / itself", "counts", "E1 from it alone")  # fmt: skip
    return Table(
        "Which tasks count, and what each says",
        head,
        tuple(rows),
        "Gain: what the best optimizer's validation loss lost in the last tenth of the steps. A task counts if that is "
        "below 1 % of the trivial baseline's loss and the baseline is beaten.",
    )


def _optimizers(runs: xr.Dataset) -> Table:
    rows = []
    for task in runs.task.values:
        for name in runs.optimizer.values:
            row = runs.sel(task=task, optimizer=name)
            hyper = {key: float(row[key]) for key in HYPER}
            times = np.asarray(row.time_to_target.values, dtype=float)
            reached = float(np.median(times))
            rows.append(
                (
                    str(task),
                    str(name),
                    ", ".join(f"{key} {value:.2g}" for key, value in hyper.items() if np.isfinite(value)),
                    _interval(row["mean"], row.low, row.high),
                    _interval(row.second, row.second_low, row.second_high),
                    f"{float(row.constant.mean()):.4g}",
                    f"{reached:.0f}" if np.isfinite(reached) else "never",
                    f"{float(row.width):.2g}",
                    f"{float(row.diverged):.0%}, {float(row.diverged_trials):.0%}",
                )
            )
    head = ("task", "optimizer", "tuned setting", "test loss", "accuracy, modes or perplexity", "constant rate",
            "steps to target", "decades of alpha0 within 10 %", "diverged: fresh, trials")  # fmt: skip
    return Table(
        "Every optimizer at its tuned setting",
        head,
        tuple(rows),
        f"Means over {runs.sizes['seed']} fresh seeds with 95 % intervals (Student). Test loss: cross-entropy in nats "
        "on digits and characters, on grids the exact L1 distance of the sampler from its target; beside it the "
        "accuracy, the share of modes found, or the perplexity. Constant rate: test loss without the schedule. Target: "
        "1.05 times AdamW's final validation loss; the median over the seeds. Basin: how many factors of two around "
        "the best alpha0 stay within 10 %.",
    )


def _pairs(runs: xr.Dataset, pairs: xr.Dataset) -> Table:
    m = max(int(runs.counts.sum()), 1) * len(RIVALS)
    rows = []
    for i, task in enumerate(pairs.task.values):
        for name in pairs.rival.values:
            pair = pairs.sel(task=task, rival=name)
            better = "-" if pair.p_holm >= FAMILY else "VRAdam" if pair.ratio < 1 else "the other"
            halves = [compared(runs, i, str(name), half, level=1 - FAMILY / m) for half in (0, 1)]
            rows.append(
                (
                    str(task),
                    str(name),
                    _interval(pair.ratio, pair.low, pair.high),
                    f"{float(pair.effect):+.2f}",
                    f"{float(pair.p_holm):.2g}",
                    better,
                    *(_interval(half.ratio, half.low, half.high) if name in RIVALS else "-" for half in halves),
                )
            )
    head = ("task", "other", "ratio of test losses", "effect", "p (Holm)", "better", "first half", "second half")
    return Table(
        "VRAdam in pairs with every other optimizer",
        head,
        tuple(rows),
        "VRAdam's test loss over the other's, seed by seed: geometric mean with its 95 % interval, mean over standard "
        f"deviation of the logarithm, Wilcoxon's test corrected for all {pairs.p.size} comparisons. The second half "
        "of the seeds replicates the first, with intervals that hold jointly at 95 %; only optimizers that the claim "
        "names count.",
    )


def _gate(runs: xr.Dataset) -> Table:
    rows = []
    for task in runs.task.values:
        tuned, default = (runs.sel(task=task, optimizer=name) for name in ("VRAdam", "VRAdam, default gate"))
        dip, back = float(default.dip.mean()), float(default.returned.mean())
        rows.append(
            (
                str(task),
                f"{float(tuned.excess_median):.2g}, {float(tuned.excess_max):.2g}",
                f"{float(tuned.clipped):.0%}",
                f"{dip:.2f}, {'dips' if dip < EARLY.dip else 'does not dip'}",
                f"{back:.2f}, {'returned' if back > EARLY.near else 'not returned'}",
                f"{float(default.clipped):.0%}",
            )
        )
    head = ("task", "tuned: beta3 ||v||^2, median and largest", "clipped",
            f"default: smallest in {EARLY.early} steps", f"at step {EARLY.steps}", "clipped")  # fmt: skip
    return Table(
        "What the gate does",
        head,
        tuple(rows),
        "At the default gate eta_t/alpha0(t), beside the thresholds of E2: it dips if it falls "
        f"below {EARLY.dip:g} in {EARLY.early} steps, and has returned if it is above {EARLY.near:g} at step "
        f"{EARLY.steps}. Where beta3 ||v||^2 stays below 0.01 the optimizer is AdamW.",
    )


def _interval(value: Any, low: Any, high: Any) -> str:
    return f"{float(value):.4g} [{float(low):.4g}, {float(high):.4g}]"
