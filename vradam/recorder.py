"""What a run writes down while it runs: thinned records, and the theorem's mean without storing the path."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vradam.noise import Minibatch
from vradam.objectives.objective import gradient_at
from vradam.plan import Plan
from vradam.random_streams import Streams, symmetric_unit
from vradam.trajectory import Trajectory

Array = NDArray[np.floating]

#: Draws of tau per run from which the theorem's mean is estimated when a full gradient at every step is too dear.
TAU_DRAWS = 256
#: The step of the random stream that these draws use; no run gets there.
TAU_STEP = 1 << 63


class Recorder:
    """Allocates the records of a plan once and fills them as the steps named in it come by."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        runs, records = plan.x0.shape[:-1], plan.record.size
        self.filled = 0
        self.x = np.full((*runs, records, plan.objective.dim), np.nan, plan.x0.dtype)
        self.learning_rate = np.full((*runs, records), np.nan)

    def write(self, t: int, x: Array, diverged_at: NDArray[np.int64], learning_rate: Array) -> None:
        """Record x_t (..., d) if t is a step to be recorded; NaN for the runs that have diverged."""
        if t != self.plan.record[self.filled]:
            return
        alive = diverged_at < 0
        self.x[..., self.filled, :] = np.where(alive[..., None], x, np.nan)
        self.learning_rate[..., self.filled] = np.where(alive, learning_rate, np.nan)
        self.filled += 1

    def trajectory(self, diverged_at: NDArray[np.int64], mean: Array, state: Any) -> Trajectory:
        """The finished record."""
        return Trajectory(
            step=self.plan.record,
            x=self.x,
            learning_rate=self.learning_rate,
            diverged_at=diverged_at,
            mean_grad_norm_squared=mean,
            final_state=state,
            optimizer=type(self.plan.optimizer).__name__,
            objective=self.plan.objective.name,
            plan=self.plan,
        )


class TauMean:
    """The running mean of ||grad F(x_j)||^2 with the weights 1 - beta1^(N-j), j = 0, ..., N-1.

    With exact gradients at hand every step counts. Otherwise (mini-batches) the full gradient is taken only at
    ``TAU_DRAWS`` draws of tau per run, one from each of as many slices of equal probability: without bias.
    """

    def __init__(self, plan: Plan) -> None:
        self.objective, self.steps = plan.objective, plan.steps
        self.beta1 = np.asarray(getattr(plan.optimizer, "beta1", 0.0), dtype=np.float64)
        self.total = np.zeros(plan.x0.shape[:-1])
        sampled = isinstance(plan.noise, Minibatch) and plan.steps > TAU_DRAWS
        self.draws = stratified_tau(plan) if sampled else None

    def add(self, j: int, x: Array, exact: Array | None) -> None:
        """Take x_j into account; ``exact`` is its gradient where it is known already."""
        if self.draws is None:
            grad = gradient_at(self.objective, x) if exact is None else exact
            self.total += tau_weight(self.beta1, self.steps, j) * np.add.reduce(np.square(grad, dtype=float), axis=-1)
            return
        due = (self.draws == j).sum(axis=0)
        chosen = due > 0
        if chosen.any():
            squared = np.add.reduce(np.square(gradient_at(self.objective, x[chosen]), dtype=float), axis=-1)
            self.total[chosen] += due[chosen] * squared

    def result(self, diverged_at: NDArray[np.int64]) -> Array:
        """The mean over the N steps, (...); NaN for a diverged run."""
        weight = tau_total(self.beta1, self.steps) if self.draws is None else TAU_DRAWS
        return np.where(diverged_at < 0, self.total / weight, np.nan)


def tau_weight(beta1: float | Array, steps: int, j: int | NDArray[np.integer]) -> Any:
    """P(tau = j) up to normalisation, 1 - beta1^(N-j): Defossez et al., arXiv:2003.02395, section 4.1."""
    return 1.0 - beta1 ** (steps - j)


def tau_total(beta1: float | Array, steps: int) -> float | Array:
    """sum_{j<N} (1 - beta1^(N-j)) = N - beta1 (1 - beta1^N)/(1 - beta1)."""
    return steps - beta1 * (1.0 - beta1**steps) / (1.0 - beta1)


def stratified_tau(plan: Plan) -> NDArray[np.int64]:
    """``TAU_DRAWS`` draws of tau for each run, (TAU_DRAWS, ...), one from each slice of equal probability."""
    beta1 = np.broadcast_to(getattr(plan.optimizer, "beta1", 0.0), plan.seed.shape)
    words = Streams(plan.seed, plan.stream, step=TAU_STEP).words(TAU_DRAWS)  # (..., TAU_DRAWS)
    quantile = (np.arange(TAU_DRAWS) + (1 + symmetric_unit(words)) / 2) / TAU_DRAWS
    draws = np.empty(quantile.shape, np.int64)
    for value in np.unique(beta1):
        cumulative = np.cumsum(tau_weight(value, plan.steps, np.arange(plan.steps)))
        same = beta1 == value
        draws[same] = np.searchsorted(cumulative / cumulative[-1], quantile[same], side="right")
    return np.moveaxis(np.minimum(draws, plan.steps - 1), -1, 0)
