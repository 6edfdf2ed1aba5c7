"""What we want to reach: our goals, in ratios to the floors and to the peers of the same run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from experiments.studies.speed.contestant import CONTESTANTS
from experiments.studies.speed.work import Work


class Goal(NamedTuple):
    """``floor``: at most so many floors; ``peers``: each takes at least so many times our time.

    ``threads``: on two threads we are at least so many times sooner.
    """

    floor: float = np.nan
    peers: Mapping[str, float] = {}
    threads: float = np.nan

    def of(self, contestant: str) -> float:
        """What concerns a row of the table."""
        own = {"floor": self.floor, TWO_THREADS: self.threads}
        return own.get(contestant, self.peers.get(contestant, np.nan))


TWO_THREADS = "vradam, 2 threads"


SEPARABLE = {"JAX, blocks": 2, "JAX, vmap + scan": 4.5, "PyTorch, plain": 5000}
#: By work. The floor of a step is the larger of its memory streams and a root and a division a number; 1e6 numbers in
#: double precision lie at the boundary of the third cache, where no floor is sharp.
GOALS = {
    "one step, d = 1e4": Goal(0.95, {"JAX": 2.5}),
    "one step, d = 1e5": Goal(1.10, {"JAX": 1.6, "PyTorch, plain": 5.5}, threads=1.5),
    "one step, d = 1e6": Goal(peers={"JAX": 1.15}, threads=1),
    "one step, d = 1e7": Goal(1.10, {"JAX": 1.3, "PyTorch, plain": 12}, threads=1),
    "gate saturated, d = 1e7": Goal(1.10, {"PyTorch AdamW, fused": 1}),
    "many runs, d = 10": Goal(1.25, SEPARABLE),
    "many runs, d = 2": Goal(1.5, SEPARABLE | {"JAX, blocks": 1.35}),
    "log-cosh, d = 10": Goal(2.4, {"JAX, blocks": 1.5}),
    "Rosenbrock, d = 10": Goal(1.8, {"JAX, blocks": 1.5}),
    "rotated quadratic, d = 10": Goal(2.4),
    "Gaussian noise, d = 10": Goal(2.5, {"NumPy": 9, "JAX, blocks": 12}),
    "two-point noise, 1024 seeds": Goal(2.25, {"NumPy": 11, "JAX, blocks": 7}),
}


def with_goals(times: xr.Dataset, works: tuple[Work, ...]) -> xr.Dataset:
    """``times`` with our goals: ``goal`` (work, contestant), NaN where there is none.

    The goal of the floor is the most of ours over the floor's, that of a peer the least of the peer's over ours, and
    that of two threads the least of ours on one over ours on two.
    """
    ratios = [[GOALS.get(work.name, Goal()).of(name) for name in CONTESTANTS] for work in works]
    return times.assign(
        numbers=("work", [work.numbers for work in works]),
        goal=(("work", "contestant"), ratios),
    )


def judged(times: xr.Dataset, work: str, name: str) -> str:
    """The goal that concerns a row of the table, and whether it was met; empty where there is none."""
    least = times.ns.sel(work=work).min("round")
    ours, goal = float(least.sel(contestant="vradam")), times.goal.sel(work=work)
    if name == "floor":
        return ""
    wanted = float(goal.sel(contestant="floor" if name == "vradam" else name))
    if name == "vradam":
        text, met = f"<= {wanted:g} floors", ours / float(least.sel(contestant="floor")) <= wanted
    elif name == TWO_THREADS:
        text, met = f"vradam >= {wanted:g} of it", ours >= wanted * float(least.sel(contestant=name))
    else:
        text, met = f">= {wanted:g} vradam", float(least.sel(contestant=name)) >= wanted * ours
    return f"{text} {'met' if met else 'MISSED'}" if np.isfinite(wanted) else ""
