"""Is the published advantage the optimizer's or the tuning's? Two sets of rules, and which gate, on the tasks of E1.

The same optimizers on the same tasks with the same seeds, tuned (a) with equal budgets and (b) by the source's rules as
far as they are public (:mod:`experiments.studies.source_tasks.rules`): in how many comparisons does VRAdam win? Then,
under (a): kinetic powers k = 2, ..., 6, other energies, one gate a tensor or a coordinate, all tuned alike, and once
more with beta3 = 1 and alpha1 = 10 at the alpha0 and weight decay that AdamW was tuned to, so that nothing but the gate
differs; the values that the source's sweep found, run as they are; and a grid at the edge
(:mod:`experiments.studies.source_tasks.grid`).

No claim rests on this study; E1 has its own (:mod:`experiments.studies.tasks`), with more optimizers and seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr

from experiments.measurement.comparison import holm, paired
from experiments.store.chunks import Chunks
from experiments.studies.source_tasks import grid
from experiments.studies.source_tasks.rules import FORMS, OURS, RIVALS, TUNED, contender, draws, split
from experiments.studies.source_tasks.summary import sentence, tables
from experiments.studies.tasks import LABELS, check_tasks, scored, setting
from experiments.studies.tasks.protocol import scheduled, train
from experiments.study import Result, Study

__all__ = ["DEFAULT", "PAPER", "Setup", "run", "tables"]

OPTIMIZERS: Final = (OURS, *RIVALS)
#: Rule -> who takes part.
PARTIES: Final = {"equal": OPTIMIZERS, "source": OPTIMIZERS, "gates": FORMS}
#: The two sets of rules, and the two settings in which gates are compared.
RULES: Final = {"equal": "equal", "source": "source"}
SETTINGS: Final = {"tuned": "gates", "default": "default"}
#: Fresh seeds start here; trials use 0.
FRESH: Final = 1_000


@dataclass(frozen=True)
class Setup:
    """``steps`` per task; ``trials`` of a search (under the source's rules at most ten); ``seeds``: fresh ones, the
    same for everybody."""

    tasks: tuple[str, ...] = ("mlp",)
    steps: tuple[int, ...] = (200,)
    trials: int = 6
    seeds: int = 10
    checks: int = 10
    edge: grid.Setup = field(default_factory=lambda: grid.Setup(beta1=(0.9,), alpha1=(19.0,)))
    seed: int = 0

    def __post_init__(self) -> None:
        check_tasks(self.tasks, self.steps)


DEFAULT: Final = Setup()
PAPER: Final = Setup(
    tasks=("convolutional", "flow_matching", "trajectory_balance", "transformer"),
    steps=(1000, 2000, 2000, 600),
    trials=16,
    seeds=20,
    checks=20,
    edge=grid.Setup(),
)


def run(setup: Setup, chunks: Chunks) -> Result:
    """Every search and every set of fresh runs is a chunk of its own."""
    from experiments.studies.tasks import nets  # noqa: F401  (fails first, with the line that installs what is missing)

    asked = [(rule, task, name) for rule, names in PARTIES.items() for task in setup.tasks for name in names]
    searched = chunks.map(search, {_key("search", *one): (setup, *one) for one in asked})
    chosen = {one: setting(searched[_key("search", *one)]) for one in asked}
    runs = chunks.map(fresh, {_key("fresh", *one): (setup, *one, chosen[one]) for one in asked})
    defaults = {
        ("default", task, name): (setup, "gates", task, name, at_default(chosen["equal", task, "AdamW"]))
        for task in setup.tasks
        for name in FORMS
    }
    chosen |= {one: values[-1] for one, values in defaults.items()}
    runs |= chunks.map(fresh, {_key("fresh", *one): values for one, values in defaults.items()})
    kept = chunks.map(fresh, {_key("kept", task): (setup, "equal", task, OURS, dict(TUNED)) for task in setup.tasks})
    edge = {f"edge-{seen}-{beta1:g}": (setup.edge, seen, beta1) for seen in grid.SEEN for beta1 in setup.edge.beta1}
    cells = chunks.map(grid.cells, edge)
    protocol = _both("rule", RULES, OPTIMIZERS, setup, runs, chosen)
    gates = _both("setting", SETTINGS, FORMS, setup, runs, chosen)
    won = versus(protocol, "rule")
    theirs = xr.concat([kept[_key("kept", task)] for task in setup.tasks], "task")
    data = {
        "protocol": protocol,
        "pairs": won.assign_attrs(says=sentence(won)),
        "gates": gates.rename(optimizer="gate"),
        "gate_pairs": versus(gates, "setting", FORMS[0], reverse=True).rename(rival="gate"),
        "kept": xr.Dataset(
            {"score": theirs.score, "diverged": theirs.diverged},
            coords={"task": protocol.task.values},
            attrs=dict(TUNED),
        ),
        "grid": xr.concat(
            [xr.concat([cells[f"edge-{seen}-{beta1:g}"] for beta1 in setup.edge.beta1], "beta1") for seen in grid.SEEN],
            "gate",
        ).assign_coords(gate=list(grid.SEEN), beta1=list(setup.edge.beta1)),
    }  # fmt: skip
    return Result(data)


def at_default(adamw: Mapping[str, float]) -> dict[str, float]:
    """The gate as published, at the rate and the weight decay of a tuned AdamW."""
    return {"alpha0": adamw["alpha0"], "weight_decay": adamw["weight_decay"], "beta3": 1.0, "alpha1": 10.0}


# ---------------------------------------------------------------- runs


def search(setup: Setup, rule: str, task: str, name: str) -> xr.Dataset:
    """The trials on validation, all of one seed."""
    hyper = draws(rule, task, name, setup.trials, setup.seed)
    seeds = np.full(len(hyper["alpha0"]), setup.seed)
    found, order = _train(setup, rule, task, name, hyper, seeds)
    return found.assign({f"hyper_{key}": ("run", values[order]) for key, values in hyper.items()})


def fresh(setup: Setup, rule: str, task: str, name: str, hyper: Mapping[str, float]) -> xr.Dataset:
    """The score of every fresh seed at one setting, and how many diverged."""
    found, _ = _train(setup, rule, task, name, hyper, setup.seed + FRESH + np.arange(setup.seeds))
    return xr.Dataset({"score": ("seed", scored(found)), "diverged": float((found.diverged_at >= 0).mean())})


def _train(
    setup: Setup, rule: str, task: str, name: str, hyper: Mapping[str, Any], seeds: np.ndarray
) -> tuple[xr.Dataset, np.ndarray]:
    """The runs, those of each gate together, and the places of their seeds and hyper-parameters."""
    from experiments.studies.tasks import nets

    made, steps = nets.make(task), setup.steps[setup.tasks.index(task)]
    sizes = tuple(int(np.prod(shape)) for shape in made.shapes.values())
    own, gradient = split(hyper)
    gradient = np.broadcast_to(gradient, len(seeds))
    parts, order = [], []
    for seen in (False, True):
        rows = np.flatnonzero(gradient == seen)
        if rows.size:
            mine = {key: values[rows] if len(values) > 1 else values[0] for key, values in own.items()}
            optimizer = scheduled(contender(rule, task, name, sizes, seen), mine, steps)
            found = train(
                made, nets.gradients(task), partial(nets.scores, task), optimizer, seeds[rows], steps, setup.checks
            )
            parts.append(found[["validation", "test_loss", "diverged_at"]])
            order.append(rows)
    return xr.concat(parts, "run"), np.concatenate(order)


def _key(*words: str) -> str:
    return "-".join(word.replace(" = ", "").replace(" ", "_") for word in words)


# ---------------------------------------------------------------- tables


def _scores(
    setup: Setup,
    rule: str,
    names: tuple[str, ...],
    runs: Mapping[str, xr.Dataset],
    chosen: Mapping[tuple[str, str, str], Mapping[str, float]],
) -> xr.Dataset:
    """Scores (task, optimizer, seed), the share that diverged, and the chosen settings."""
    score = np.array([[runs[_key("fresh", rule, task, name)].score.values for name in names] for task in setup.tasks])
    lost = np.array([[float(runs[_key("fresh", rule, task, name)].diverged) for name in names] for task in setup.tasks])
    keys = ("alpha0", "weight_decay", "beta1", "beta2", "beta3", "alpha1", "gradient")
    dims = ("task", "optimizer")
    settings = {
        f"hyper_{key}": (
            dims,
            np.array([[chosen[rule, task, name].get(key, np.nan) for name in names] for task in setup.tasks]),
        )
        for key in keys
    }
    return xr.Dataset(
        {"score": ((*dims, "seed"), score), "diverged": (dims, lost), **settings},
        coords={"task": [LABELS[task] for task in setup.tasks], "optimizer": list(names)},
    )


def _both(
    dim: str,
    parts: Mapping[str, str],
    names: tuple[str, ...],
    setup: Setup,
    runs: Mapping[str, xr.Dataset],
    chosen: Mapping[tuple[str, str, str], Mapping[str, float]],
) -> xr.Dataset:
    tables = [_scores(setup, rule, names, runs, chosen) for rule in parts.values()]
    return xr.concat(tables, dim).assign_coords({dim: list(parts)})


def versus(scores: xr.Dataset, dim: str, ours: str = OURS, reverse: bool = False) -> xr.Dataset:
    """:func:`pairs` for each of the two parts along ``dim``, a family of comparisons each."""
    parts = scores[dim].values.tolist()
    found = [pairs(scores.sel({dim: part}, drop=True), ours, reverse) for part in parts]
    return xr.concat(found, dim).assign_coords({dim: parts})


def pairs(scores: xr.Dataset, ours: str = OURS, reverse: bool = False) -> xr.Dataset:
    """``ours`` over every other on every task, seed by seed, with Holm over them all; with ``reverse`` the inverse."""
    others = [name for name in scores.optimizer.values.tolist() if name != ours]
    found = np.empty((5, scores.sizes["task"], len(others)))
    for i in range(scores.sizes["task"]):
        here = scores.score.isel(task=i)
        for j, name in enumerate(others):
            one, other = here.sel(optimizer=ours).values, here.sel(optimizer=name).values
            found[:, i, j] = paired(other, one) if reverse else paired(one, other)
    names = ("ratio", "low", "high", "effect", "p")
    table = {name: (("task", "rival"), values) for name, values in zip(names, found, strict=True)}
    table["p_holm"] = (("task", "rival"), holm(found[4]))
    return xr.Dataset(table, coords={"task": scores.task.values, "rival": others})


STUDY = Study(DEFAULT, PAPER, run, tables, on_request=True, explores=True)
