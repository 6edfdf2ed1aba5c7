"""What runs do in the long run: where they end, with which period, how fast neighbours part, and whose basin is whose.

Lengths are measured where the gate begins to act: velocities in units of 1/sqrt(beta3), positions in units of kappa/L
times that, the size of cycles, with kappa = (1+beta1)/(1-beta1) and L the objective's largest curvature. Everything
here takes batches of runs, hyper-parameters scalars or one for each run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vradam import simulation
from vradam.gated import State
from vradam.objectives.objective import Objective
from vradam.plan import only_runs

Array = NDArray[np.floating]

#: A run is bounded away from the minimiser if its largest distance changes less than this over the longest leg.
STEADY: Final = 1e4
#: Coming back this many times less exactly is a sign that a run still approaches its cycle.
NEARLY: Final = 1e3
#: How far apart neighbours are held, relative to the size of the motion, when their parting is measured.
APART: Final = 1e-9


class RunEnd(IntEnum):
    """How a run ends: at the minimiser, on a cycle, bounded without a period, or none of these within the horizon."""

    ORIGIN = 0
    PERIODIC = 1
    BOUNDED = 2
    UNDECIDED = 3

    @property
    def label(self) -> str:
        """The end in words, as datasets name it."""
        return self.name.lower()


@dataclass(frozen=True)
class Horizon:
    """How long a run is followed and what counts as an end.

    Parameters
    ----------
    settle : float
        Steps of the first leg, in units of 1/(1-beta1), the time in which linear oscillations decay.
    extensions : int
        How many more legs, each twice as long as the one before, an undecided run gets.
    longest_period : int
        A cycle must recur within this many steps; periods beyond 24 are looked for after the last leg.
    tolerance : float
        Recurrence over three periods, relative to the amplitude.
    small : float
        The minimiser is reached when every velocity and every distance is below this, in the units of this module.
    """

    settle: float = 40.0
    extensions: int = 3
    longest_period: int = 512
    tolerance: float = 1e-9
    small: float = 1e-6


class Ends(NamedTuple):
    """The end of every run."""

    end: NDArray[np.int8]  #: a :class:`RunEnd` for each run, (n,)
    period: NDArray[np.int16]  #: of its cycle, 0 where there is none
    steps: NDArray[np.int64]  #: that were taken to decide


class Batch(NamedTuple):
    """Runs in flight: ``x`` (n, d) with the optimizer's state, and each run's place among all runs."""

    optimizer: Any
    x: Array
    state: State
    place: NDArray[np.intp]

    def only(self, keep: NDArray[np.bool_] | slice) -> Batch:
        """The runs in ``keep``, with their hyper-parameters."""
        velocity, second_moment, kinetic = (part[keep] for part in self.state[:3])
        state = State(velocity, second_moment, kinetic, self.state.step)
        return Batch(only_runs(self.optimizer, keep), self.x[keep], state, self.place[keep])


def unit_speed(optimizer: Any) -> Array:
    """1/sqrt(beta3), where the gate begins to act, as a column over the runs; 1 where beta3 = 0 or there is no gate."""
    beta3 = np.atleast_1d(np.asarray(getattr(optimizer, "beta3", 1.0), dtype=float))
    return 1 / np.sqrt(np.where(beta3 > 0, beta3, 1.0))[:, None]


def unit_distance(optimizer: Any, objective: Objective) -> Array:
    """kappa/(L sqrt(beta3)), the natural unit of positions, as a column over the runs.

    Raises
    ------
    ValueError
        If the objective's largest curvature is not known.
    """
    if objective.smoothness is None:
        raise ValueError(f"objective must have a known smoothness, got None for {objective.name}")
    beta1 = np.atleast_1d(np.asarray(getattr(optimizer, "beta1", 0.0), dtype=float))[:, None]
    return (1 + beta1) / (1 - beta1) / objective.smoothness * unit_speed(optimizer)


def random_starts(
    optimizer: Any,
    objective: Objective,
    starts: int,
    settings: int = 1,
    seed: int = 0,
    decades: tuple[float, float] = (-2.0, 0.5),
) -> tuple[Array, State]:
    """Positions around the minimiser and velocities (settings starts, d), in random directions.

    Their sizes spread over ``decades`` of the units of this module, and every setting gets the same starts. What a run
    that starts at rest can reach is among them. A smoothed gate starts from rest: it has seen no kinetic energy.
    """
    random = np.random.default_rng(seed)
    size = 10 ** random.uniform(*decades, (starts, 1))
    x, velocity = (np.tile(part, (settings, 1)) for part in size * random.standard_normal((2, starts, objective.dim)))
    x = _minimiser(objective) + x * unit_distance(optimizer, objective)
    return x, optimizer.init(x)._replace(velocity=velocity * unit_speed(optimizer))


def follow(optimizer: Any, objective: Objective, x: Array, state: State, horizon: Horizon) -> Ends:
    """Continue every run (x (n, d), hyper-parameters scalars or (n,)) until it is decided or the horizon is reached.

    Decided runs are dropped, the others continued for twice as long, a fixed number of times.

    >>> import vradam
    >>> bowl = vradam.objectives.quadratic([2.0])
    >>> optimizer = vradam.VRMomentum(alpha0=np.array([5.0, 28.5]), alpha1=1.0)     # S/B = 0.26 and 1.5
    >>> ends = follow(optimizer, bowl, *random_starts(optimizer, bowl, 1, settings=2), Horizon())
    >>> [RunEnd(end).label for end in ends.end], ends.period.tolist()
    (['origin', 'periodic'], [0, 2])
    """
    n = len(x)
    ends = Ends(np.full(n, RunEnd.UNDECIDED, np.int8), np.zeros(n, np.int16), np.zeros(n, np.int64))
    batch = Batch(optimizer, x, state, np.arange(n))
    before = np.full(n, np.nan)  # its largest distance from the minimiser, one leg ago
    for leg in range(horizon.extensions + 1):
        if batch.place.size == 0:
            break
        slowest = np.max(1 / (1 - np.asarray(batch.optimizer.beta1)))
        batch, steps = advance(batch, objective, int(horizon.settle * slowest * 2**leg))
        ends.steps[batch.place] += steps
        distance = np.abs(batch.x - _minimiser(objective)) / unit_distance(batch.optimizer, objective)
        reach = np.maximum(distance, np.abs(batch.state.velocity) / unit_speed(batch.optimizer))
        arrived = reach.max(axis=-1) < horizon.small
        ends.end[batch.place[arrived]] = RunEnd.ORIGIN
        batch = batch.only(~arrived)
        last = leg == horizon.extensions
        for longest in (24, horizon.longest_period) if last else (24,):
            period, farthest = periods(batch, objective, longest, horizon.tolerance)
            found = period > 0
            ends.end[batch.place[found]] = RunEnd.PERIODIC
            ends.period[batch.place[found]] = period[found]
            batch = batch.only(~found)
            farthest = farthest[~found]
        if last:
            steady = np.abs(np.log(farthest / before[batch.place])) < np.log(STEADY)
            ends.end[batch.place[steady]] = RunEnd.BOUNDED
        before[batch.place] = farthest
    return ends


def advance(batch: Batch, objective: Objective, steps: int) -> tuple[Batch, int]:
    """The batch ``steps`` steps later, and the steps."""
    run = simulation.simulate(batch.optimizer, objective, batch.x, steps, every=0, state=batch.state, engine="compiled")
    return batch._replace(x=run.final_x, state=run.final_state), steps


def periods(batch: Batch, objective: Objective, longest: int, tolerance: float) -> tuple[NDArray[np.int16], Array]:
    """The least period of every run, at most ``longest`` (0: none), and its largest distance from the minimiser.

    A run has period p if position and velocity return to within ``tolerance`` of where they are now after p steps, 2p
    and 3p, relative to the largest position and velocity on the way, and come nowhere near before: a run that is still
    approaching its cycle has no period yet.

    >>> import vradam
    >>> optimizer = vradam.VRMomentum(alpha0=57.0, beta1=0.9, alpha1=1.0)      # S = 1.5 B: a cycle of period 2
    >>> bowl = vradam.objectives.quadratic([1.0])
    >>> run = vradam.simulate(optimizer, bowl, np.ones((1, 1)), 2000, every=0)
    >>> periods(Batch(optimizer, run.final_x, run.final_state, np.arange(1)), bowl, 8, 1e-9)[0]
    array([2], dtype=int16)
    """
    optimizer, x, state, _ = batch
    centre = _minimiser(objective)
    start = (x - centre, state.velocity)
    largest = [np.maximum(np.abs(part).max(axis=-1), 1e-300) for part in start]
    period, returns, close = (np.zeros(len(x), int) for _ in range(3))
    for t in range(1, 3 * longest + 1):
        x, state = optimizer.step(x, objective.grad(x), state)
        now = (x - centre, state.velocity)
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
        if (returns == 3).all() or (t >= longest and not ((period > 0) & (returns < 3)).any()):
            break
    return np.where((returns == 3) & (close == period), period, 0).astype(np.int16), largest[0]


def lyapunov(
    optimizer: Any,
    objective: Objective,
    x: Array,
    state: State | None = None,
    settle: int = 1000,
    steps: int = 1000,
    engine: simulation.Engine = "auto",
) -> Array:
    """The largest Lyapunov exponent per step of each run, (n,), by Benettin's method.

    Two runs, from ``x`` (n, d) after ``settle`` steps, are held ``APART`` apart relative to the size of the motion; the
    logarithm of how much farther apart each step takes them is averaged over ``steps``. It is negative where the run
    approaches a point or a cycle, positive in chaos.

    >>> import vradam
    >>> bowl = vradam.objectives.quadratic([1.0])
    >>> plain = vradam.VRMomentum(alpha0=1.0, beta1=0.25, beta3=0.0)            # x and v decay by sqrt(beta1) a step
    >>> exponent = lyapunov(plain, bowl, np.ones((1, 1)), settle=10, steps=400)
    >>> round(float(exponent[0]), 2), round(float(np.log(0.25)) / 2, 2)
    (-0.69, -0.69)
    """
    settled = simulation.simulate(optimizer, objective, x, settle, every=0, state=state, engine=engine)
    x, state = settled.final_x, settled.final_state
    near_x, near = x + APART * (x - _minimiser(objective)), state
    total, before = np.zeros(len(x)), APART * np.sqrt(np.add.reduce((x - _minimiser(objective)) ** 2, axis=-1))
    for _ in range(steps):
        x, state = optimizer.step(x, objective.grad(x), state)
        near_x, near = optimizer.step(near_x, objective.grad(near_x), near)
        apart = near_x - x, *(a - b for a, b in zip(near[:3], state[:3], strict=True))
        squares = (np.add.reduce(part.reshape(len(x), -1) ** 2, axis=-1) for part in apart)
        distance = np.sqrt(sum(squares, np.zeros(len(x))))
        total += np.log(np.maximum(distance, 1e-300) / np.maximum(before, 1e-300))
        size = np.maximum(*(np.abs(part).max(axis=-1) for part in (x - _minimiser(objective), state.velocity)))
        before = APART * size
        closer = before / np.maximum(distance, 1e-300)
        near_x = x + closer[:, None] * apart[0]
        velocity, second_moment, kinetic = (
            now + closer.reshape(-1, *[1] * (now.ndim - 1)) * gap for now, gap in zip(state[:3], apart[1:], strict=True)
        )
        near = State(velocity, second_moment, kinetic, state.step)
    return total / steps


class Basins(NamedTuple):
    """Which attractor every start belongs to, and the attractors."""

    attractor: NDArray[np.int64]  #: (n,): -1 the minimiser, an index into ``cycles``, -2 neither
    cycles: tuple[Array, ...]  #: the points (p, d) of each cycle, in the order in which a run meets them


def basins(optimizer: Any, objective: Objective, x: Array, velocity: Array, horizon: Horizon | None = None) -> Basins:
    """The attractors in which runs from the positions ``x`` and velocities (n, d) end; one setting for all runs.

    Two cycles are one if they have the same period and the same points.

    >>> import vradam
    >>> bowl = vradam.objectives.quadratic([1.0])
    >>> optimizer = vradam.VRMomentum(alpha0=30.0)                             # below the edge of 38: a hidden cycle
    >>> found = basins(optimizer, bowl, np.array([[14.377], [0.1]]), np.array([[-0.699], [0.0]]))
    >>> found.attractor.tolist(), [len(cycle) for cycle in found.cycles]
    ([0, -1], [4])
    """
    horizon = horizon or Horizon()
    n = len(x)
    state = optimizer.init(x)._replace(velocity=np.array(velocity, dtype=float))
    batch, _ = advance(Batch(optimizer, x, state, np.arange(n)), objective, _legs(optimizer, horizon))
    distance = np.abs(batch.x - _minimiser(objective)) / unit_distance(optimizer, objective)
    reach = np.maximum(distance, np.abs(batch.state.velocity) / unit_speed(optimizer)).max(axis=-1)
    period, _ = periods(batch, objective, horizon.longest_period, horizon.tolerance)
    attractor = np.where(reach < horizon.small, -1, -2)
    cycles: list[Array] = []
    for run in np.flatnonzero((attractor == -2) & (period > 0)):
        own = batch.only(slice(run, run + 1))
        points = simulation.simulate(optimizer, objective, own.x, int(period[run]), state=own.state, engine="numpy").x[
            0, 1:
        ]
        known = (i for i, cycle in enumerate(cycles) if _same(cycle, points, 1e3 * horizon.tolerance))
        attractor[run] = next(known, len(cycles))
        if attractor[run] == len(cycles):
            cycles.append(points)
    return Basins(attractor, tuple(cycles))


def _legs(optimizer: Any, horizon: Horizon) -> int:
    """The steps of all legs of a horizon together."""
    slowest = np.max(1 / (1 - np.asarray(optimizer.beta1)))
    return int(horizon.settle * slowest * (2 ** (horizon.extensions + 1) - 1))


def _same(cycle: Array, points: Array, tolerance: float) -> bool:
    """Whether two cycles have the same points, in any phase."""
    if cycle.shape != points.shape:
        return False
    gaps = np.abs(cycle[:, None] - points[None]).max(axis=-1)
    return bool((gaps.min(axis=0) <= tolerance * np.abs(cycle).max()).all())


def _minimiser(objective: Objective) -> Array | float:
    return 0.0 if objective.minimiser is None else objective.minimiser
