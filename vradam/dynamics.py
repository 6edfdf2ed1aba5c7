"""Where runs end: at the origin, on a cycle, bounded without a period, or undecided when the horizon is reached.

The runs are VRMomentum on a quadratic with largest curvature 1 and beta3 = 1, so that alpha0 is S = alpha0 L and speeds
are measured where the gate begins to act. They start from random positions *and* velocities; what a run starting at
rest can reach is among them. Decided runs are dropped, the others continued for twice as long, a fixed number of times.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

import vradam
from vradam.objectives.objective import Objective

Array = NDArray[np.floating]

OUTCOMES: Final = ("origin", "periodic", "bounded", "undecided")
ORIGIN, PERIODIC, BOUNDED, UNDECIDED = range(4)
#: A run is bounded away from the origin if its largest distance changes less than this over the longest leg.
STEADY: Final = 1e4
#: Coming back this many times less exactly is a sign that a run still approaches its cycle.
NEARLY: Final = 1e3


@dataclass(frozen=True)
class Horizon:
    """How long a run is followed and what counts as an end.

    Parameters
    ----------
    settle : steps of the first leg, in units of 1/(1-beta1), the time in which linear oscillations decay.
    extensions : how many more legs, each twice as long as the one before, an undecided run gets.
    longest_period : a cycle must recur within this many steps; periods beyond 24 are looked for after the last leg.
    tolerance : recurrence over three periods, relative to the amplitude.
    small : the origin is reached when every |v| and every |x|/kappa is below this.
    """

    settle: float = 40.0
    extensions: int = 3
    longest_period: int = 512
    tolerance: float = 1e-9
    small: float = 1e-6


class Ends(NamedTuple):
    """The end of every run: ``outcome`` indexes :data:`OUTCOMES`; ``period`` is 0 where there is none."""

    outcome: NDArray[np.int8]
    period: NDArray[np.int16]
    steps: NDArray[np.int64]


class Batch(NamedTuple):
    """Runs in flight: ``x`` (n, d) with the optimizer's state, and each run's place among all runs."""

    optimizer: Any
    x: Array
    state: vradam.State
    place: NDArray[np.intp]

    def only(self, keep: NDArray[np.bool_] | slice) -> Batch:
        """The runs in ``keep``, with their hyper-parameters."""
        chosen = {
            field.name: getattr(self.optimizer, field.name)[keep]
            for field in fields(self.optimizer)
            if isinstance(getattr(self.optimizer, field.name), np.ndarray)
        }
        velocity, second_moment, kinetic = (part[keep] for part in self.state[:3])
        state = vradam.State(velocity, second_moment, kinetic, self.state.step)
        return Batch(replace(self.optimizer, **chosen), self.x[keep], state, self.place[keep])


def random_starts(
    optimizer: Any,
    objective: Objective,
    starts: int,
    settings: int = 1,
    seed: int = 0,
    decades: tuple[float, float] = (-2.0, 0.5),
) -> tuple[Array, vradam.State]:
    """``starts`` positions and velocities (settings starts, d), in random directions, of sizes spread over ``decades``.

    Every setting gets the same starts. Velocities are measured against 1/sqrt(beta3), positions against kappa times
    that, the size of cycles. A smoothed gate starts from rest: it sees no kinetic energy before the first step.
    """
    random = np.random.default_rng(seed)
    size = 10 ** random.uniform(*decades, (starts, 1))
    x, velocity = (np.tile(part, (settings, 1)) for part in size * random.standard_normal((2, starts, objective.dim)))
    return x * kappa(optimizer)[:, None], optimizer.init(x)._replace(velocity=velocity)


def kappa(optimizer: Any) -> Array:
    """(1+beta1)/(1-beta1), the natural unit of positions."""
    beta1 = np.atleast_1d(np.asarray(optimizer.beta1, dtype=float))
    return (1 + beta1) / (1 - beta1)


def follow(optimizer: Any, objective: Objective, x: Array, state: vradam.State, horizon: Horizon) -> Ends:
    """Continue every run (x (n, d), hyper-parameters scalars or (n,)) until it is decided or the horizon is reached."""
    n = len(x)
    ends = Ends(np.full(n, UNDECIDED, np.int8), np.zeros(n, np.int16), np.zeros(n, np.int64))
    batch = Batch(optimizer, x, state, np.arange(n))
    before = np.full(n, np.nan)  # its largest distance from 0, one leg ago
    for leg in range(horizon.extensions + 1):
        if batch.place.size == 0:
            break
        slowest = np.max(1 / (1 - np.asarray(batch.optimizer.beta1)))
        batch, steps = advance(batch, objective, int(horizon.settle * slowest * 2**leg))
        ends.steps[batch.place] += steps
        reach = np.maximum(np.abs(batch.x) / kappa(batch.optimizer)[:, None], np.abs(batch.state.velocity))
        at_origin = reach.max(axis=-1) < horizon.small
        ends.outcome[batch.place[at_origin]] = ORIGIN
        batch = batch.only(~at_origin)
        last = leg == horizon.extensions
        for longest in (24, horizon.longest_period) if last else (24,):
            period, distance = periods(batch, objective, longest, horizon.tolerance)
            found = period > 0
            ends.outcome[batch.place[found]] = PERIODIC
            ends.period[batch.place[found]] = period[found]
            batch = batch.only(~found)
            distance = distance[~found]
        if last:
            steady = np.abs(np.log(distance / before[batch.place])) < np.log(STEADY)
            ends.outcome[batch.place[steady]] = BOUNDED
        before[batch.place] = distance
    return ends


def advance(batch: Batch, objective: Objective, steps: int) -> tuple[Batch, int]:
    """The batch ``steps`` steps later."""
    run = vradam.simulate(batch.optimizer, objective, batch.x, steps, every=0, state=batch.state, engine="compiled")
    return batch._replace(x=run.final_x, state=run.final_state), steps


def periods(batch: Batch, objective: Objective, longest: int, tolerance: float) -> tuple[NDArray[np.int16], Array]:
    """The least period of every run, at most ``longest`` (0: none), and its largest distance from 0 on the way.

    A run has period p if position and velocity return to within ``tolerance`` of where they are now after p steps, 2p
    and 3p, relative to the largest position and velocity on the way, and come nowhere near before: a run that is still
    approaching its cycle has no period yet.

    >>> optimizer = vradam.VRMomentum(alpha0=57.0, beta1=0.9, alpha1=1.0)      # S = 1.5 B: a cycle of period 2
    >>> bowl = vradam.objectives.quadratic([1.0])
    >>> run = vradam.simulate(optimizer, bowl, np.ones((1, 1)), 2000, every=0)
    >>> periods(Batch(optimizer, run.final_x, run.final_state, np.arange(1)), bowl, 8, 1e-9)[0]
    array([2], dtype=int16)
    """
    optimizer, x, state, _ = batch
    start = (x, state.velocity)
    largest = [np.maximum(np.abs(part).max(axis=-1), 1e-300) for part in start]
    period, returns, close = (np.zeros(len(x), int) for _ in range(3))
    for t in range(1, 3 * longest + 1):
        x, state = optimizer.step(x, objective.grad(x), state)
        now = (x, state.velocity)
        gaps = [np.abs(a - b).max(axis=-1) for a, b in zip(now, start, strict=True)]
        largest = [np.maximum(most, np.abs(part).max(axis=-1)) for most, part in zip(largest, now, strict=True)]
        nearby = np.logical_and(*(gap <= NEARLY * tolerance * most for gap, most in zip(gaps, largest, strict=True)))
        pending = np.flatnonzero((period > 0) & (returns < 3))
        if nearby.any() or pending.size:
            near = np.logical_and(*(gap <= tolerance * most for gap, most in zip(gaps, largest, strict=True)))
            close[(close == 0) & nearby] = t
            due = pending[t % period[pending] == 0]
            returns[due[near[due]]] += 1
            period[due[~near[due]]] = 0
            if t <= longest:
                new = near & (period == 0)
                period[new], returns[new] = t, 1
        if (returns == 3).all() or (t >= longest and not pending.size):
            break
    return np.where((returns == 3) & (close == period), period, 0).astype(np.int16), largest[0]
