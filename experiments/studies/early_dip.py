"""The effective learning rate in the first 100 steps: does it dip, and does it return (E2)?

As publicly restated, the effective learning rate of VRAdam dips within about 25 steps and then returns to near alpha0.
Here that is asked of every objective of the catalogue that starts away from its minimum, with the default gate, at two
learning rates, with noisy gradients; once more with fresh seeds as the second witness. The tasks with networks
(:mod:`experiments.studies.tasks`) ask the same of their runs with the default gate, with these thresholds, beside E1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr

import vradam
from experiments.measurement.statistics import median_interval
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.study import Result, Study
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
    """Both witnesses: the runs, and their replication with seeds that share nothing with them."""
    seeds = {"first": setup.seed, "replication": setup.seed + 1}
    first, second = chunks.gather({name: partial(measure, setup, seed) for name, seed in seeds.items()}).values()
    dipped = float((first.value.isel(part=0) < setup.dip).mean())
    returned = float((first.mean_rate.isel(step=-1) > setup.near).mean())
    confrontation = Confrontation(
        "E2",
        reported=_evidence(setup, first, seeds["first"]),
        replication=_evidence(setup, second, seeds["replication"]),
        note=(
            f"It falls below {setup.dip:g} alpha0 within {setup.early} steps in {dipped:.0%} of the cases and is above "
            f"{setup.near:g} alpha0 after {setup.steps} in {returned:.0%}. Where gradients stay large the gate stays "
            "closed: the statement is about the scale of a problem."
        ),
    )
    return Result({"rates": first, "replication": second}, (confrontation,))


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


def _evidence(setup: Setup, data: xr.Dataset, seed: int) -> tuple[Evidence, ...]:
    n = setup.seeds * data.sizes["objective"] * data.sizes["alpha0"]

    def points(part: int, predicted: float) -> tuple[Point, ...]:
        cells = data.isel(part=part).stack(cell=("objective", "alpha0"))
        return tuple(
            Point(float(value), float(low), float(high), predicted, f"{name}, alpha0 = {alpha0:g}")
            for value, low, high, (name, alpha0) in zip(
                cells.value.values, cells.low.values, cells.high.values, cells.cell.values, strict=True
            )
        )

    return (
        Evidence(
            "upper bound",
            points(0, setup.dip),
            n,
            f"median of the smallest eta_t/alpha0 in {setup.early} steps",
            (seed,),
        ),
        Evidence("lower bound", points(1, setup.near), n, f"median of eta_t/alpha0 after {setup.steps} steps", (seed,)),
    )


STUDY = Study(DEFAULT, PAPER, run)
