"""What the two sets of rules say, as tables: comparisons won, every pair, the gates, the source's values, the grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import xarray as xr

from experiments.measurement.comparison import paired
from experiments.study import Table

FAMILY: Final = 0.05
RULES: Final = {"equal": "(a) equal budgets", "source": "(b) the source's rules"}


def tables(data: Mapping[str, xr.Dataset]) -> tuple[Table, ...]:
    """From the datasets of :func:`experiments.studies.source_tasks.run`."""
    return (_won(data["pairs"]), _pairs(data), _gates(data), _kept(data), _grid(data["grid"]))


def counts(pairs: xr.Dataset) -> tuple[int, int, int, int]:
    """Of one set of rules: comparisons, ratios below 1, those clearly below and those clearly above (Holm, 5 %)."""
    clear, below = pairs.p_holm.values < FAMILY, pairs.ratio.values < 1
    return below.size, int(below.sum()), int((clear & below).sum()), int((clear & ~below).sum())


def sentence(pairs: xr.Dataset) -> str:
    """The number of comparisons won under either set of rules."""
    total, _, ours, lost = counts(pairs.sel(rule="equal"))
    _, _, theirs, lost_theirs = counts(pairs.sel(rule="source"))
    return (
        f"VRAdam's test loss is clearly lower in {ours} of {total} comparisons (clearly higher in {lost}) with equal "
        f"budgets, in {theirs} (higher in {lost_theirs}) by the source's rules."
    )


def _won(pairs: xr.Dataset) -> Table:
    rows = []
    for rule, called in RULES.items():
        here = pairs.sel(rule=rule)
        total, lower, won, lost = counts(here)
        rows.append((called, "all", f"{lower} of {total}", str(won), str(lost), f"{won} to {total - lost}"))
        for rival in here.rival.values.tolist():
            n, lower, won, lost = counts(here.sel(rival=rival))
            rows.append((called, rival, f"{lower} of {n}", str(won), str(lost), f"{won} to {n - lost}"))
    return Table(
        "In how many comparisons VRAdam has the lower test loss",
        ("rules", "against", "lower geometric mean", "clearly lower", "clearly higher", "won, with 95 %"),
        tuple(rows),
        f"{sentence(pairs)} Every rival on every task, the same fresh seeds under both rules. Clearly: Wilcoxon's test "
        f"seed by seed, Holm at {FAMILY:.0%} over all comparisons of a set of rules, which bounds the number won from "
        "both sides at once.",
    )


def _pairs(data: Mapping[str, xr.Dataset]) -> Table:
    rows = []
    for task in data["pairs"].task.values.tolist():
        for rival in data["pairs"].rival.values.tolist():
            cells = []
            for rule in RULES:
                pair = data["pairs"].sel(rule=rule, task=task, rival=rival)
                mark = "*" if float(pair.p_holm) < FAMILY else ""
                cells += [_interval(pair) + mark, f"{float(pair.effect):+.2f}"]
            rows.append((task, rival, *cells))
    return Table(
        "VRAdam's test loss over the other's, under both sets of rules",
        ("task", "other", "(a) equal budgets", "effect", "(b) the source's rules", "effect"),
        tuple(rows),
        f"Geometric means over {data['protocol'].sizes['seed']} seeds with 95 % intervals; * clear after Holm. Effect: "
        "mean over standard deviation of the logarithm.",
    )


def _gates(data: Mapping[str, xr.Dataset]) -> Table:
    rows = []
    for task in data["gate_pairs"].task.values.tolist():
        for gate in data["gate_pairs"].gate.values.tolist():
            cells = []
            for setting in ("tuned", "default"):
                pair = data["gate_pairs"].sel(setting=setting, task=task, gate=gate)
                cells += [_interval(pair) + ("*" if float(pair.p_holm) < FAMILY else ""), f"{float(pair.effect):+.2f}"]
            chosen = data["gates"].sel(setting="tuned", task=task, gate=gate)
            tuned = f"alpha0 {float(chosen.hyper_alpha0):.2g}, beta3 {float(chosen.hyper_beta3):.2g}"
            rows.append((task, gate, *cells, tuned))
    return Table(
        "Kinetic powers, other energies, and how many gates: test loss over that with k = 2",
        ("task", "gate", "tuned", "effect", "beta3 = 1, alpha1 = 10", "effect", "tuned to"),
        tuple(rows),
        "Tuned: every gate by the same trials of alpha0, weight decay, beta3 and alpha1. Beside it all with the alpha0 "
        "and the weight decay of the tuned AdamW, so that nothing but the gate differs. * clear after Holm. Per tensor "
        "is one gate for each array of the network; per coordinate one for each parameter.",
    )


def _kept(data: Mapping[str, xr.Dataset]) -> Table:
    kept, tuned = data["kept"], data["protocol"].sel(rule="equal")
    rows = []
    for i, task in enumerate(tuned.task.values.tolist()):
        theirs = kept.score.isel(task=i).values
        cells = [
            _interval(paired(theirs, tuned.score.sel(task=task, optimizer=name).values)) for name in ("VRAdam", "AdamW")
        ]
        rows.append((task, f"{np.exp(np.log(theirs).mean()):.4g}", *cells, f"{float(kept.diverged.isel(task=i)):.0%}"))
    values = ", ".join(f"{key} {value:g}" for key, value in kept.attrs.items())
    return Table(
        "The values that the source's sweep found, as they are",
        ("task", "test loss", "over VRAdam tuned here", "over AdamW tuned here", "diverged"),
        tuple(rows),
        f"{values} (its convolutional network); the schedule and the seeds of the comparison.",
    )


def _grid(found: xr.Dataset) -> Table:
    rows = []
    loss = np.exp(np.log(found.loss.astype(float)).mean("seed"))
    adam = np.exp(np.log(found.adam.astype(float)).mean("seed"))
    for gate in found.gate.values.tolist():
        for beta1 in found.beta1.values.tolist():
            ratio = (loss / adam).sel(gate=gate, beta1=beta1)
            here = found.sel(gate=gate, beta1=beta1)
            rows.append(
                (
                    gate,
                    f"{beta1:g}",
                    f"{float(ratio.min()):.3f} to {float(ratio.max()):.3f}",
                    f"{float(here.smallest.min()):.3f} to {float(here.smallest.max()):.3f}",
                    f"{float(here['last'].min()):.3f} to {float(here['last'].max()):.3f}",
                    f"{float(here.of_edge.min()):.2g} to {float(here.of_edge.max()):.2g}",
                )
            )
    return Table(
        "The grid at the edge: beta3 x beta1 x alpha1 x what the gate sees",
        ("gate sees", "beta1", "training loss over Adam's", "smallest eta_t/alpha0", "last", "sharpness over the edge"),
        tuple(rows),
        f"Ranges over beta3 {_list(found.beta3)} and alpha1 {_list(found.alpha1)}; geometric mean loss of "
        f"{found.sizes['seed']} seeds after the last step, full batch, squared error, MLP on digits; Adam with the "
        "same alpha0 and beta1. Sharpness is preconditioned, the edge B/eta_t.",
    )


def _list(values: Any) -> str:
    return ", ".join(f"{value:g}" for value in values.values.tolist())


def _interval(pair: Any) -> str:
    return f"{float(pair.ratio):.3f} [{float(pair.low):.3f}, {float(pair.high):.3f}]"
