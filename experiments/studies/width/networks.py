"""E1's four tasks in W1: steps of a network until its validation loss falls to a level and stays there.

Eight seeds at every alpha0 find where the levels are crossed; thirty-two others are run at the values that decide: the
best one, and both neighbours of every crossing. Learning rates are constant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from experiments.studies.tasks.protocol import train
from experiments.studies.width.contenders import CONTENDERS

if TYPE_CHECKING:
    from experiments.studies.tasks.nets import Task

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Network:
    """One of E1's tasks with a level of its validation loss.

    Parameters
    ----------
    key : str
        "convolutional", "flow_matching", "trajectory_balance" or "transformer"; the last at half its width in E1.
    level : float
        Set from runs of Adam alone, so that its best alpha0 takes 60 to 100 steps.
    label : str
        What the tables say.
    steps, every, hold : int
        The loss is looked at every so many steps, and has to stay at the level for ``hold`` more looks.
    """

    key: str
    level: float
    label: str
    steps: int = 220
    every: int = 20
    hold: int = 1


NETWORKS: Final = (
    Network("convolutional", 0.35, "digits, convolutional"),
    Network("flow_matching", 0.5, "grid 2-D, flow matching"),
    Network("trajectory_balance", 0.5, "grid 4-D, trajectory balance"),
    Network("transformer", 2.6, "characters, Transformer"),
)


@cache
def compiled(key: str) -> tuple[Task, Callable[..., Any], Callable[..., Any]]:
    """The task, its losses and gradients over runs, and its scores on validation over runs.

    Raises
    ------
    ImportError
        Without JAX, with the line that installs it.
    """
    from experiments.studies.tasks import nets

    task = nets.transformer(width=8) if key == "transformer" else nets.make(key)
    gradients = nets.jax.jit(nets.jax.vmap(nets.jax.value_and_grad(task.loss)))
    return task, gradients, nets.jax.jit(nets.jax.vmap(lambda theta: task.measure(theta, "validation")))


def steps_to(network: Network, contender: str, beta1: float, rates: tuple[float, ...], seeds: range) -> xr.Dataset:
    """``steps`` over (alpha0, seed): steps to the level, inf where it is not reached."""
    task, gradients, scores = compiled(network.key)
    alpha0, chosen = np.repeat(rates, len(seeds)), np.tile(seeds, len(rates))
    optimizer = CONTENDERS[contender](alpha0, beta1=beta1)
    checks = network.steps // network.every
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverges is marked, and never arrives
        found = train(task, gradients, lambda _: scores, optimizer, chosen, network.steps, checks, early=1)
    reached = first_held(found.check.values, found.validation.values, network.level, network.hold)
    return xr.Dataset({"steps": (("alpha0", "seed"), reached.reshape(len(rates), len(seeds)))})


def first_held(at: NDArray[np.integer], losses: Array, level: float, hold: int) -> NDArray[np.float64]:
    """Where each of ``losses`` (looks, runs) falls to the level for more than ``hold`` looks; inf if it never does.

    Between two looks the loss is taken as linear.

    >>> first_held(np.array([0, 10, 20, 30]), np.array([[3.0], [1.0], [3.0], [1.0]]), 2.0, 0)
    array([5.])
    >>> first_held(np.array([0, 10, 20, 30]), np.array([[3.0], [1.0], [3.0], [1.0]]), 2.0, 1)
    array([inf])
    """
    below = losses <= level
    held = np.all([below[i : len(below) - hold + i] for i in range(hold + 1)], axis=0)
    first = held.argmax(axis=0)
    runs = np.arange(losses.shape[1])
    before, after = losses[np.maximum(first - 1, 0), runs], losses[first, runs]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where((first > 0) & np.isfinite(before), (before - level) / (before - after), 1.0)
    crossed = at[np.maximum(first - 1, 0)] * (1 - share) + at[first] * share
    return np.where(held.any(axis=0), np.maximum(crossed, 1.0), np.inf)


def deciding(medians: Array, reference: float, factors: tuple[float, ...]) -> NDArray[np.intp]:
    """The places in the grid of alpha0 that decide: the best, and both sides of every crossing of a level.

    >>> deciding(np.array([np.inf, 90.0, 50.0, 60.0, 300.0, 400.0]), 50.0, (2.0,))
    array([0, 1, 2, 3, 4])
    """
    chosen = np.zeros(medians.size, dtype=bool)
    chosen[medians.argmin()] = True
    for factor in factors:
        good = medians <= factor * reference
        edge = good[1:] != good[:-1]
        chosen[1:] |= edge
        chosen[:-1] |= edge
    return np.flatnonzero(chosen)
