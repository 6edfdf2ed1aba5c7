"""What we want to reach: our goals, in ratios to the floors and to the peers of the same run, and in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from experiments.studies.speed.contestant import CONTESTANTS
from experiments.studies.speed.work import Work


class Goal(NamedTuple):
    """``floor``: at most so many floors; ``peers``: each takes at least so many times our time; ``seconds`` at most."""

    floor: float = np.nan
    peers: Mapping[str, float] = {}
    seconds: float = np.nan


SEPARABLE = Goal(1.25, {"JAX, blocks": 2, "JAX, vmap + scan": 4.5, "PyTorch, plain": 5000})
COMPILED = Goal(1.8, {"JAX, blocks": 1.5})
#: By work. The goals with noise were set in seconds, where the floor took 0.373 ns a number: the ratios are theirs.
GOALS = {
    "one step, d = 1e5": Goal(1.45, {"JAX": 2, "PyTorch, plain": 5.5}),
    "one step, d = 1e7": Goal(1.10, {"JAX": 1.3, "PyTorch, plain": 12}),
    "gate saturated, d = 1e7": Goal(1.10, {"PyTorch AdamW, fused": 1}),
    "many runs, d = 10": SEPARABLE,
    "many runs, d = 2": SEPARABLE,
    "log-cosh, d = 10": COMPILED,
    "Rosenbrock, d = 10": COMPILED,
    "rotated quadratic, d = 10": COMPILED,
    "Gaussian noise, d = 10": Goal(3.75, {"NumPy": 9, "JAX, blocks": 12}, 1.4e-9 * 10 * 500 * 2048),
    "two-point noise, 1024 seeds": Goal(1.44, {"NumPy": 11, "JAX, blocks": 7}, 0.55),
}


def with_goals(times: xr.Dataset, works: tuple[Work, ...]) -> xr.Dataset:
    """``times`` with our goals: ``goal`` (work, contestant) and ``goal_seconds`` (work), NaN where there is none.

    The goal of the floor is the most of ours over the floor's, that of a peer the least of the peer's over ours.
    """
    goals = [GOALS.get(work.name, Goal()) for work in works]
    ratios = [
        [goal.floor if name == "floor" else goal.peers.get(name, np.nan) for name in CONTESTANTS] for goal in goals
    ]
    return times.assign(
        numbers=("work", [work.numbers for work in works]),
        goal=(("work", "contestant"), ratios),
        goal_seconds=("work", [goal.seconds for goal in goals]),
    )


def judged(times: xr.Dataset, work: str, name: str) -> str:
    """The goal that concerns a row of the table, and whether it was met; empty where there is none."""
    least = times.ns.sel(work=work).min("round")
    ours, goal = float(least.sel(contestant="vradam")), times.goal.sel(work=work)
    seconds, most = 1e-9 * ours * float(times.numbers.sel(work=work)), float(times.goal_seconds.sel(work=work))
    found = []
    if name == "vradam":
        floors, wanted = ours / float(least.sel(contestant="floor")), float(goal.sel(contestant="floor"))
        found = [(f"<= {wanted:g} floors", wanted, floors <= wanted), (f"<= {most:.3g} s", most, seconds <= most)]
    elif name != "floor":
        wanted = float(goal.sel(contestant=name))
        found = [(f">= {wanted:g} vradam", wanted, float(least.sel(contestant=name)) >= wanted * ours)]
    return ", ".join(f"{text} {'met' if met else 'MISSED'}" for text, limit, met in found if np.isfinite(limit))
