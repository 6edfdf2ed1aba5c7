"""The cycles of period four of the true gate: where they appear, found by following them down, and how they look.

A cycle is followed along a line of settings (beta1, S/B) from where random starts find it towards where it is lost.
The last setting that still has it and the first that has not bracket the saddle-node; every trial starts from the cycle
itself and close by. No formula of the cycle is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import sympy as sp
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.points import near
from experiments.measurement.verdict import Evidence, Point
from theory.claims.cycles.below_edge import CYCLES, quadratic
from theory.notation import edge
from vradam.dynamics import Batch, advance, periods, random_starts

Array = NDArray[np.floating]
EDGE: Final = edge()
BOWL: Final = vradam.objectives.quadratic([1.0])
#: S/B this close below 1 stands for the edge where the critical beta1 is looked for.
AT_EDGE: Final = 0.9999


@dataclass(frozen=True)
class Setup:
    """What the study runs.

    Parameters
    ----------
    beta1
        Where the smallest S with a cycle is measured.
    fractions
        S/B at which cycles are first looked for, from ``starts`` random starts each; the last is the edge.
    steps
        Steps before a cycle must recur; a lost cycle lingers, the longer the closer it is.
    pieces, rounds
        A stretch of settings is tried in ``pieces`` steps, ``rounds`` times; where the cycle is lost the
        stretch becomes shorter.
    slack
        Relative half-width added to every bracket.
    """

    beta1: tuple[float, ...] = (0.6, 0.7, 0.8, 0.9, 0.95)
    alpha1: float = 10.0
    fractions: tuple[float, ...] = (0.65, 0.75, 0.85, 0.95, AT_EDGE)
    starts: int = 64
    steps: int = 2000
    pieces: int = 12
    rounds: int = 12
    slack: float = 1e-3
    seed: int = 0


class Cycles(NamedTuple):
    """Points on cycles of period 4, one per row, with their settings."""

    beta1: Array  # (n,)
    fraction: Array  # (n,)
    x: Array  # (n, 1)
    velocity: Array  # (n, 1)


class Bracket(NamedTuple):
    """A line of settings: the last that has the cycle, and the first that has lost it."""

    beta1: Array  # (lines, 2)
    fraction: Array  # (lines, 2)


def measure(setup: Setup) -> xr.Dataset:
    """Brackets of the saddle-node in S/B at each beta1 and in beta1 at the edge; the cycles on the way."""
    cycles = find(setup)
    least = np.array(setup.beta1)
    first = [np.flatnonzero(cycles.beta1 == beta1)[0] for beta1 in setup.beta1]
    at_edge = np.flatnonzero((cycles.beta1 == least.min()) & (cycles.fraction == AT_EDGE))[0]
    start = Cycles(*(part[[*first, at_edge]] for part in cycles))
    to_beta1 = np.append(start.beta1[:-1], 0.5)
    to_fraction = np.append(start.fraction[:-1] / 2, AT_EDGE)
    found = trace(setup, start, to_beta1, to_fraction)
    v = velocities(setup, cycles)
    return xr.Dataset(
        {
            "saddle_node": (("beta1", "end"), found.fraction[:-1] * evaluate(EDGE, beta1=found.beta1[:-1])),
            "critical_beta1": ("end", found.beta1[-1]),
            "cycle_S": ("beta1", start.fraction[:-1] * evaluate(EDGE, beta1=start.beta1[:-1])),
            "cycle_velocity": (("beta1", "phase"), v[first]),
            "largest_kinetic": ("beta1", [(v[cycles.beta1 == beta1] ** 2).max() for beta1 in setup.beta1]),
        },
        coords={"beta1": list(setup.beta1), "end": ["with", "without"]},
    )


def find(setup: Setup) -> Cycles:
    """Every cycle of period 4 in which a random start ends, in order of beta1 and S/B.

    Raises
    ------
    RuntimeError
        If there is none at some beta1, or none at the smallest beta1 at the edge.
    """
    shape = (len(setup.beta1), len(setup.fractions), setup.starts)
    beta1 = np.broadcast_to(np.array(setup.beta1)[:, None, None], shape).ravel()
    fraction = np.broadcast_to(np.array(setup.fractions)[:, None], shape).ravel()
    optimizer = _momentum(setup, beta1, fraction)
    x, state = random_starts(optimizer, BOWL, setup.starts, shape[0] * shape[1], setup.seed)
    found, x, velocity = _settled(setup, Cycles(beta1, fraction, x, state.velocity))
    cycles = Cycles(beta1[found], fraction[found], x[found], velocity[found])
    smallest = cycles.fraction[cycles.beta1 == min(setup.beta1)]
    if set(cycles.beta1) != set(setup.beta1) or AT_EDGE not in smallest:
        raise RuntimeError(f"some beta1 of {setup.beta1} shows no cycle of period 4 at S/B in {setup.fractions}")
    return cycles


def trace(setup: Setup, start: Cycles, to_beta1: Array, to_fraction: Array) -> Bracket:
    """Follow every cycle along the straight line to the given settings, until it is lost.

    Raises
    ------
    RuntimeError
        If a cycle is there all the way.
    """
    n, k = len(start.x), setup.pieces
    x, velocity = start.x, start.velocity
    reached, stretch = np.zeros(n), np.full(n, 0.1)  # u in [0, 1] along the line
    for _ in range(setup.rounds):
        u = reached[:, None] + stretch[:, None] * np.arange(1, k + 1) / k
        beta1, fraction = (
            (a[:, None] + u * (b - a)[:, None]).ravel()
            for a, b in ((start.beta1, to_beta1), (start.fraction, to_fraction))
        )
        ahead = Cycles(beta1, fraction, np.repeat(x, k, axis=0), np.repeat(velocity, k, axis=0))
        found, moved, faster = _settled(setup, ahead)
        pieces = np.logical_and.accumulate(found.reshape(n, k), axis=-1).sum(axis=-1)  # that keep the cycle
        keep, last = pieces > 0, np.arange(n) * k + np.maximum(pieces, 1) - 1
        reached = reached + stretch * pieces / k
        stretch = np.where(pieces == k, stretch, stretch / np.where(keep, 4, k))
        x, velocity = (np.where(keep[:, None], new[last], old) for new, old in ((moved, x), (faster, velocity)))
        if (reached >= 1).any():
            raise RuntimeError("a cycle of period 4 is not lost along its line of settings")
    ends = np.stack([reached, reached + stretch], axis=-1)
    return Bracket(
        start.beta1[:, None] + ends * (to_beta1 - start.beta1)[:, None],
        start.fraction[:, None] + ends * (to_fraction - start.fraction)[:, None],
    )


def evidence(setup: Setup, data: xr.Dataset) -> tuple[Evidence, ...]:
    """The brackets against the formulas, the cycles' shapes against the quartic, the largest kinetic energy."""
    n = setup.starts * len(setup.beta1)
    thresholds, shapes, fastest = [], [], []
    shape = quadratic()
    for beta1 in data.beta1.values.tolist():
        here, label = data.sel(beta1=beta1), f"beta1 = {beta1:g}"
        predicted = float(evaluate(CYCLES["period4_threshold"], beta1=beta1))
        thresholds.append(_bracket(here.saddle_node.values, predicted, setup.slack, label))
        ratio = float(np.abs(here.cycle_velocity[0] / here.cycle_velocity[1]))
        ratio = max(ratio, 1 / ratio)
        S = float(here.cycle_S)
        shapes.append(near(ratio - 1 / ratio, attracting_shape(shape, beta1, S), 1e-6, f"{label}, S = {S:.4g}"))
        kinetic = float(here.largest_kinetic)
        fastest.append(Point(kinetic, kinetic, kinetic, float(evaluate(CYCLES["period4_kinetic"])), label))
    critical = _bracket(
        data.critical_beta1.values, float(evaluate(CYCLES["period4_beta1"])), setup.slack, f"S = {AT_EDGE} B"
    )
    return (
        Evidence("equality", tuple(thresholds), n, "smallest S with a cycle of period 4"),
        Evidence("equality", (critical,), n, "smallest beta1 with a cycle of period 4"),
        Evidence("equality", tuple(shapes), n, "v1/v2 - v2/v1 on the attracting cycle"),
        Evidence("upper bound", tuple(fastest), n, "largest beta3 v^2 on an attracting cycle of period 4"),
    )


def attracting_shape(shape: sp.Poly, beta1: float, S: float) -> float:
    """``y = v1/v2 - v2/v1`` of the branch that attracts, the smaller positive root of the theory's quadratic."""
    coefficients = [float(evaluate(c, beta1=beta1, S=S)) for c in shape.all_coeffs()]
    return float(min(np.roots(coefficients).real))


def velocities(setup: Setup, cycles: Cycles) -> Array:
    """The velocities (n, 4) of the phases of every cycle."""
    optimizer = _momentum(setup, cycles.beta1, cycles.fraction)
    state = optimizer.init(cycles.x)._replace(velocity=cycles.velocity)
    run = vradam.simulate(optimizer, BOWL, cycles.x, 4, state=state, engine="numpy")
    return -np.diff(run.x[..., 0], axis=-1) / run.learning_rate[:, 1:]


def _momentum(setup: Setup, beta1: Array, fraction: Array) -> vradam.VRMomentum:
    return vradam.VRMomentum(alpha0=fraction * evaluate(EDGE, beta1=beta1), alpha1=setup.alpha1, beta1=beta1)


def _settled(setup: Setup, runs: Cycles) -> tuple[NDArray[np.bool_], Array, Array]:
    """``setup.steps`` steps later: which runs have period 4 there, and their x and velocity."""
    optimizer = _momentum(setup, runs.beta1, runs.fraction)
    state = optimizer.init(runs.x)._replace(velocity=runs.velocity)
    batch, _ = advance(Batch(optimizer, runs.x, state, np.arange(len(runs.x))), BOWL, setup.steps)
    period, distance = periods(batch, BOWL, 8, 1e-6)
    return (period == 4) & (distance > 1e-3), batch.x, batch.state.velocity


def _bracket(ends: Array, predicted: float, slack: float, label: str) -> Point:
    low, high = float(ends.min()) * (1 - slack), float(ends.max()) * (1 + slack)
    return Point((low + high) / 2, low, high, predicted, label)
