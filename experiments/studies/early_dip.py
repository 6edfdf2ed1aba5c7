"""How general is the early dip? The effective learning rate in the first 100 steps, on every problem of the catalogue.

An extension of E2, which :mod:`experiments.studies.source_edge` tests in a setting of its source's kind: here the same
is asked of every problem that starts away from its minimum, with the default gate, at several learning rates, with
noisy gradients, and once more with other seeds. Where gradients stay large the gate stays closed: whether the rate
returns is a matter of the scale of a problem. The tasks with networks (:mod:`experiments.studies.tasks`) ask the same
of their runs with the default gate, with these thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import xarray as xr

import vradam
from experiments.measurement.statistics import median_interval
from experiments.store.chunks import Chunks
from experiments.study import Result, Study, Table
from vradam.problems import (
    ACKLEY,
    BEALE,
    FOUR_SCALARS,
    HIMMELBLAU,
    LOG_COSH,
    PSEUDO_HUBER,
    QUADRATIC,
    RASTRIGIN,
    RATIONAL,
    ROSENBROCK,
    STYBLINSKI_TANG,
)


@dataclass(frozen=True)
class Setup:
    """``dip``: eta_t must fall below this share of alpha0 within ``early`` steps; ``near``: and end above."""

    alpha0: tuple[float, ...] = (0.03, 0.1)
    early: int = 25
    steps: int = 100
    dip: float = 0.9
    near: float = 0.9
    noise: float = 0.3
    spread: float = 0.05
    seeds: int = 32
    seed: int = 0


DEFAULT = Setup()
PAPER = Setup(alpha0=(0.003, 0.01, 0.03, 0.1, 0.3), seeds=256)


def run(setup: Setup, chunks: Chunks) -> Result:
    """The runs, and the same again with seeds that share nothing with them."""
    seeds = {"rates": setup.seed, "replication": setup.seed + 1}
    return Result(chunks.gather({name: partial(measure, setup, seed) for name, seed in seeds.items()}))


#: The problems that are asked.
PROBLEMS = (
    QUADRATIC, LOG_COSH.at(2), PSEUDO_HUBER.at(2), RATIONAL.at(2), ROSENBROCK, BEALE, HIMMELBLAU.at(2),
    STYBLINSKI_TANG.at(2), RASTRIGIN, ACKLEY, FOUR_SCALARS.at(2),
)  # fmt: skip


def measure(setup: Setup, seed: int) -> xr.Dataset:
    """eta_t/alpha0 over (objective, alpha0, step): the mean over seeds; the medians of both ends with intervals."""
    rows = []
    for problem in PROBLEMS:
        objective, start = problem.objective, problem.x0
        scatter = 1 + setup.spread * np.random.default_rng([seed, objective.dim]).normal(
            size=(setup.seeds, objective.dim)
        )
        alpha0 = np.array(setup.alpha0)[:, None]
        path = vradam.simulate(
            vradam.VRAdam(alpha0=alpha0),
            objective,
            np.broadcast_to(start * scatter, (len(setup.alpha0), setup.seeds, objective.dim)),
            setup.steps,
            vradam.noise.gaussian(setup.noise),
            seed=seed,
            engine="numpy",
            progress=False,
        )
        relative = path.learning_rate / alpha0[..., None]
        dip = relative[..., 1 : setup.early + 1].min(axis=-1)
        ends = np.stack([dip, relative[..., -1]])
        low, high = median_interval(ends)
        rows.append(
            xr.Dataset(
                {
                    "mean_rate": (("alpha0", "step"), relative.mean(axis=1)),
                    "value": (("part", "alpha0"), np.median(ends, axis=-1)),
                    "low": (("part", "alpha0"), low),
                    "high": (("part", "alpha0"), high),
                }
            )
        )
    return xr.concat(rows, "objective").assign_coords(
        objective=[problem.objective.name for problem in PROBLEMS],
        alpha0=list(setup.alpha0),
        part=["smallest in the first steps", "at the end"],
    )


def tables(data: Mapping[str, xr.Dataset]) -> tuple[Table, ...]:
    """Every problem at every learning rate: how deep the rate falls, where it ends, and whether that comes again."""
    first, second = data["rates"], data["replication"]
    rows = []
    for objective in first.objective.values.tolist():
        for alpha0 in first.alpha0.values.tolist():
            cells = [found.sel(objective=objective, alpha0=alpha0) for found in (first, second)]
            words = [says(cell) for cell in cells]
            ends = [_interval(cells[0].isel(part=part)) for part in (0, 1)]
            rows.append((objective, f"{alpha0:g}", *ends, words[0] if words[0] == words[1] else "differs by seed"))
    agree = sum(row[-1] == BOTH for row in rows)
    return (
        Table(
            "How general is the early dip of the learning rate?",
            ("problem", "alpha0", "smallest in the first steps", "at the end", "so it"),
            tuple(rows),
            "eta_t/alpha0 with the default gate, medians over the seeds with 95 % intervals (order statistics). Below "
            f"{DEFAULT.dip:g} within {DEFAULT.early} steps it dips, above {DEFAULT.near:g} at the end it has returned: "
            f"both in {agree} of {len(rows)} cases. An interval that reaches across a threshold decides "
            "nothing.",
        ),
    )


BOTH: Final = "dips and returns"


def says(cell: xr.Dataset) -> str:
    """What the medians of one problem at one learning rate say."""
    (dip_low, end_low), (dip_high, end_high) = cell.low.values, cell.high.values
    if (dip_low < DEFAULT.dip < dip_high) or (end_low < DEFAULT.near < end_high):
        return "undecided"
    if dip_high >= DEFAULT.dip:
        return "does not dip"
    return BOTH if end_low > DEFAULT.near else "dips and stays closed"


def _interval(cell: xr.Dataset) -> str:
    return f"{float(cell.value):.3g} [{float(cell.low):.3g}, {float(cell.high):.3g}]"


STUDY = Study(DEFAULT, PAPER, run, tables, explores=True)
