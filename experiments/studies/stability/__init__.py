"""The local edge of stability: where small perturbations stop decaying and start to grow (S1, S2, S4).

Thresholds are bracketed by runs alone: a search that knows no formula narrows each one down to about 0.1 %, between the
largest step size whose run decays and the smallest whose run grows. Beside the brackets: the same factors 0.98 and 1.02
from starts of size one, where the gate matters; Adam, whose preconditioned sharpness settles near the edge; and the
models of :mod:`experiments.studies.stability.adaptive_edge`, whose curvature moves while they are trained; and what
only a moving gate can show (:mod:`experiments.studies.stability.moving_gate`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.points import near, showcase
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.studies.stability import adaptive_edge, moving_gate
from experiments.study import Result, Study
from theory.claims.stability import DECAY, EDGE, INSTANTANEOUS
from vradam.simulation import Engine

FROZEN = 1e30  # a gate this strong is clipped at every speed that occurs: eta_t = alpha0/(1+alpha1), frozen


@dataclass(frozen=True)
class Setup:
    """Brackets from starts of size ``small``, for every beta1 with every clip, weight decay and dimension."""

    beta1: tuple[float, ...] = (0.0, 0.5, 0.9, 0.99)
    frozen_alpha1: tuple[float, ...] = (1.0, 10.0)
    weight_decay: tuple[float, ...] = (0.1, 1.0)
    dims: tuple[int, ...] = (10,)
    curvature: float = 2.5
    small: float = 1e-6
    steps: int = 4000
    engine: Engine = "compiled"
    sections: int = 24
    rounds: int = 4
    seeds: int = 64
    seed: int = 0
    adam_alpha0: float = 0.01
    adam_steps: int = 30_000
    settled: int = 10_000
    adaptive: tuple[adaptive_edge.Run, ...] = adaptive_edge.RUNS
    amplitudes: tuple[adaptive_edge.Amplitude, ...] = (adaptive_edge.AMPLITUDES[1], adaptive_edge.AMPLITUDES[3])


DEFAULT = Setup()
PAPER = Setup(
    dims=(10, 100),
    frozen_alpha1=(0.5, 1.0, 4.0, 10.0),
    weight_decay=(0.03, 0.1, 0.3, 1.0),
    steps=20_000,
    seeds=1024,
    adaptive=adaptive_edge.RUNS + adaptive_edge.QUADRATICS,
    amplitudes=adaptive_edge.AMPLITUDES,
)


def run(setup: Setup, chunks: Chunks) -> Result:
    """All brackets, then the runs beside them."""
    runs = {f"adaptive-{i}": partial(adaptive_edge.measure, item) for i, item in enumerate(setup.adaptive)}
    ends = {f"amplitude-{i}": partial(adaptive_edge.amplitude, item) for i, item in enumerate(setup.amplitudes)}
    above = {"adam": partial(settling_adam, setup), "brackets": partial(brackets, setup)}
    decays = tuple(beta1 for beta1 in setup.beta1 if beta1 > 0)
    above |= {
        "moving": partial(moving_gate.turning, setup.beta1),
        "decay_sequences": partial(moving_gate.sequences, decays, setup.weight_decay, setup.curvature),
    }
    data = chunks.gather(above | {"both_sides": partial(both_sides, setup)} | runs | ends)
    found = data["brackets"]
    return Result(data, (_edge(setup, found, data["adam"]), _instantaneous(setup, data), _decay(setup, data)))


# ---------------------------------------------------------------- brackets


def bracket(
    outcome: Callable[[NDArray], NDArray], low: NDArray, high: NDArray, sections: int, rounds: int
) -> tuple[NDArray, NDArray]:
    """Narrow [low, high] (cells,) to the largest value that decays and the smallest that grows.

    ``outcome`` maps values (cells, sections) to -1 (decays), +1 (grows) or 0 (undecided within the horizon). Far beyond
    the edge a run may end small by chance after it has grown, so only decay below the first growth counts.
    """
    for _ in range(rounds):
        grid = np.geomspace(low, high, sections + 2, axis=-1)
        seen = outcome(grid)
        high = np.where(seen > 0, grid, high[:, None]).min(axis=-1)
        low = np.where((seen < 0) & (grid < high[:, None]), grid, low[:, None]).max(axis=-1)
    return low, high


def brackets(setup: Setup) -> xr.Dataset:
    """Critical alpha0 of every cell (beta1, alpha1 of a frozen gate, weight decay, dimension)."""
    plain = [(beta1, 0.0, 0.0, 1) for beta1 in setup.beta1]
    frozen = [(beta1, alpha1, 0.0, 1) for beta1 in setup.beta1 for alpha1 in setup.frozen_alpha1]
    decayed = [(beta1, 0.0, decay, 1) for beta1 in setup.beta1 for decay in setup.weight_decay]
    wide = [(beta1, 0.0, 0.0, dim) for beta1 in setup.beta1 for dim in setup.dims]
    tables, lows, highs = [], [], []
    for cells in (plain + frozen + decayed, *([cell for cell in wide if cell[3] == dim] for dim in setup.dims)):
        table = np.array(cells)
        low, high = bracket(
            partial(_outcome, setup, table),
            np.full(len(table), 1e-2 / setup.curvature),
            np.full(len(table), 1e4 / setup.curvature),
            setup.sections,
            setup.rounds,
        )
        tables.append(table)
        lows.append(low)
        highs.append(high)
    table = np.concatenate(tables)
    columns = {name: ("cell", table[:, i]) for i, name in enumerate(("beta1", "alpha1", "weight_decay", "dim"))}
    return xr.Dataset(
        {"low": ("cell", np.concatenate(lows)), "high": ("cell", np.concatenate(highs)), **columns},
        attrs={"quantity": "alpha0 between decay (low) and growth (high)", "curvature": setup.curvature},
    )


def _outcome(setup: Setup, table: NDArray, alpha0: NDArray) -> NDArray:
    """Does VRMomentum on a quadratic decay (-1) or grow (+1) tenfold from a small start?"""
    beta1, alpha1, weight_decay, dim = (column[:, None] for column in table.T)
    optimizer = vradam.VRMomentum(
        alpha0=alpha0,
        beta1=beta1,
        alpha1=np.where(alpha1 > 0, alpha1, 10.0),
        beta3=np.where(alpha1 > 0, FROZEN, 1.0),
        weight_decay=weight_decay,
    )
    d = int(dim[0, 0])
    spectrum = np.geomspace(setup.curvature / 100, setup.curvature, d) if d > 1 else [setup.curvature]
    objective = vradam.objectives.quadratic(spectrum, rotation=0 if d > 1 else None)
    x0 = np.full((*alpha0.shape, d), setup.small / np.sqrt(d))
    end = vradam.simulate(optimizer, objective, x0, setup.steps, every=0, engine=setup.engine, progress=False)
    grown = end.grad_norm[..., -1] / end.grad_norm[..., 0]
    if d > 1:  # flat directions take longer than the horizon to decay: only the sharpest one is watched
        grown = _sharpest(objective, end.final_x) / _sharpest(objective, x0)
    return np.where((grown > 10) | (end.diverged_at >= 0), 1, np.where(grown < 0.1, -1, 0))


def _sharpest(objective: vradam.objectives.Objective, x: NDArray) -> NDArray:
    """The component of ``x`` along the direction of largest curvature."""
    assert objective.hessian is not None
    _, directions = np.linalg.eigh(objective.hessian(np.zeros(objective.dim)))
    return abs((x * directions[:, -1]).sum(axis=-1))


# ---------------------------------------------------------------- beside the brackets


def both_sides(setup: Setup) -> xr.Dataset:
    """Factors 0.98 and 1.02 of the edge from small starts and from starts of size one: where do the runs end?"""
    rng = np.random.default_rng(setup.seed)
    beta1, factor, size = np.array(setup.beta1), np.array([0.98, 1.02]), np.array([setup.small, 1.0])
    edge = evaluate(EDGE["threshold"], beta1=beta1)
    optimizer = vradam.VRMomentum(
        alpha0=edge[:, None, None, None] * factor[:, None, None] / setup.curvature,
        beta1=beta1[:, None, None, None],
        beta3=1.0,
    )
    starts = size[:, None, None] * rng.normal(size=(len(size), setup.seeds, 1))
    x0 = np.broadcast_to(starts, (len(beta1), len(factor), *starts.shape))
    objective = vradam.objectives.quadratic([setup.curvature])
    end = vradam.simulate(optimizer, objective, x0, 2 * setup.steps, every=0, engine=setup.engine, progress=False)
    return xr.Dataset(
        {
            "velocity_squared": (("beta1", "factor", "size", "start"), end.final_state.kinetic),
            "eta_over_edge": (
                ("beta1", "factor", "size", "start"),
                end.learning_rate[..., -1] * setup.curvature / edge[:, None, None, None],
            ),
        },
        coords={"beta1": beta1, "factor": factor, "size": size},
        attrs={"horizon": 2 * setup.steps},
    )


def settling_adam(setup: Setup) -> xr.Dataset:
    """lambda_max(P^-1 H) eta of Adam: bracketed with P frozen, and where it settles when P moves (d = 1, 10, 100)."""
    low, high = bracket(
        lambda sharpness: _frozen_adam_outcome(setup, sharpness),
        np.full(len(setup.beta1), 1e-2),
        np.full(len(setup.beta1), 1e4),
        setup.sections,
        setup.rounds,
    )
    dims = (1, *setup.dims)
    spectrum = np.concatenate(
        [np.geomspace(setup.curvature / 100, setup.curvature, d) if d > 1 else [setup.curvature] for d in dims]
    )
    first = np.cumsum([0, *dims[:-1]])  # Adam treats every coordinate alone: all problems are one
    optimizer = vradam.Adam(alpha0=setup.adam_alpha0)
    x: NDArray = np.ones(spectrum.size)
    settled = []
    state = optimizer.init(x)
    for t in range(1, setup.adam_steps + 1):
        x, state = optimizer.step(x, spectrum * x, state)
        if t > setup.adam_steps - setup.settled:
            preconditioner = np.sqrt(state.second_moment / (1 - optimizer.beta2**t)) + optimizer.eps
            settled.append(setup.adam_alpha0 * np.maximum.reduceat(spectrum / preconditioner, first))
    return xr.Dataset(
        {
            "low": ("beta1", low),
            "high": ("beta1", high),
            "settled": (("dim", "step"), np.transpose(settled)),
        },
        coords={"beta1": list(setup.beta1), "dim": list(dims)},
        attrs={"quantity": "eta * lambda_max(P^-1 H)", "settled_beta1": 0.9, "alpha0": setup.adam_alpha0},
    )


def _frozen_adam_outcome(setup: Setup, sharpness: NDArray) -> NDArray:
    """Adam whose second moment starts at one and keeps still (beta2 next to 1), late enough for no bias correction."""
    optimizer = vradam.Adam(alpha0=1.0, beta1=np.array(setup.beta1)[:, None], beta2=np.nextafter(1.0, 0.0))
    x = np.full((*sharpness.shape, 1), setup.small)
    late = 2**60  # 1 - beta1^t and 1 - beta2^t are one
    state = optimizer.init(x)._replace(second_moment=np.ones_like(x), step=late)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(setup.steps):
            x, state = optimizer.step(
                np.clip(x, -1e100, 1e100), sharpness[..., None] * np.clip(x, -1e100, 1e100), state
            )
            state = state._replace(second_moment=np.ones_like(x))
    grown = abs(x[..., 0]) / setup.small
    return np.where(grown > 10, 1, np.where(grown < 0.1, -1, 0))


# ---------------------------------------------------------------- verdicts


def _points(found: xr.Dataset, scale: Any, predict: Callable[[dict[str, float]], float]) -> tuple[Point, ...]:
    points = []
    for i in range(found.sizes["cell"]):
        row = {name: float(found[name][i]) for name in ("beta1", "alpha1", "weight_decay", "dim", "low", "high")}
        low, high = row["low"] * scale, row["high"] * scale
        label = ", ".join(f"{name} = {row[name]:g}" for name in ("beta1", "alpha1", "weight_decay", "dim") if row[name])
        points.append(Point(np.sqrt(low * high), low, high, float(predict(row)), label))
    return tuple(points)


def _runs(setup: Setup, points: tuple[Point, ...]) -> int:
    return len(points) * setup.sections * setup.rounds


def _edge(setup: Setup, found: xr.Dataset, adam: xr.Dataset) -> Confrontation:
    plain = found.isel(cell=(found.alpha1 == 0) & (found.weight_decay == 0))
    points = _points(plain, setup.curvature, lambda row: evaluate(EDGE["threshold"], **row))
    frozen = tuple(
        Point(np.sqrt(low * high), low, high, float(evaluate(EDGE["threshold"], beta1=b)), f"Adam, beta1 = {b:g}")
        for b, low, high in zip(adam.beta1.values, adam.low.values, adam.high.values, strict=True)
    )
    hover = [
        (int(dim), *np.quantile(row, [0.5, 0.01, 0.99]))
        for dim, row in zip(adam.dim.values, adam.settled.values, strict=True)
    ]
    settled = "; ".join(f"{middle:.1f} [{low:.1f}, {high:.1f}] at d = {dim}" for dim, middle, low, high in hover)
    reported = (
        Evidence("equality", points, _runs(setup, points), "critical alpha0 L of VRMomentum"),
        Evidence("equality", frozen, _runs(setup, frozen), "critical eta lambda_max(P^-1 H) of Adam, P frozen"),
    )
    return Confrontation(
        "S1",
        reported=reported,
        note=f"Adam with its own P (beta1 = 0.9, edge 38) has median eta lambda_max(P^-1 H) and 98 % range {settled}.",
        showcase=showcase(reported, "critical eta lambda_max(P^-1 H) of Adam, P frozen", "Adam, beta1 = 0.9"),
    )


def _instantaneous(setup: Setup, data: Mapping[str, xr.Dataset]) -> Confrontation:
    found, moving = data["brackets"], data["moving"]
    frozen = found.isel(cell=found.alpha1 > 0)
    points = _points(
        frozen, setup.curvature, lambda row: evaluate(INSTANTANEOUS["threshold"], v=1.0, beta3=FROZEN, **row)
    )
    turns = []
    for beta1 in moving.beta1.values.tolist():
        here = moving.sel(beta1=beta1)
        S = 2 * float(evaluate(EDGE["threshold"], beta1=beta1))
        speed = np.sqrt(2 / float(here["at"]) - 1)  # of the step at which the disturbance turns: eta_t = alpha0/(1+v^2)
        predicted = float(evaluate(INSTANTANEOUS["threshold"], v=speed, beta3=1.0, alpha1=10.0, beta1=beta1))
        label = f"beta1 = {beta1:g}, eta_t L from {float(here.start):.3f} B to {float(here.end):.3f} B"
        turns.append(near(S, predicted, 2 * moving_gate.SLOWNESS, label))
    reported = (
        Evidence("equality", points, _runs(setup, points), "critical alpha0 L with the gate frozen"),
        Evidence(
            "equality", tuple(turns), len(turns), "critical alpha0 L with the gate moving, where a disturbance turns"
        ),
    )
    return Confrontation(
        "S2",
        reported=reported,
        note=(
            "Frozen: by a strength at which the clip acts at every speed. Moving: a flat direction opens the "
            "gate slowly, and a small disturbance of the sharp one turns from decay to growth where eta_t L passes B."
        ),
        showcase=showcase(reported, "critical alpha0 L with the gate frozen", "beta1 = 0.9, alpha1 = 10, dim = 1"),
    )


def _decay(setup: Setup, data: Mapping[str, xr.Dataset]) -> Confrontation:
    found, sequences = data["brackets"], data["decay_sequences"]
    decayed = found.isel(cell=found.weight_decay > 0)
    L = setup.curvature
    points = _points(decayed, 1.0, lambda row: evaluate(DECAY["threshold"], L=L, **row))
    reported = _points(decayed, 1.0, lambda row: evaluate(EDGE["threshold"], **row) / L)
    largest, falls = [], []
    for beta1 in sequences.beta1.values.tolist():
        for decay in sequences.weight_decay.values.tolist():
            here = sequences.sel(beta1=beta1, weight_decay=decay)
            label = f"beta1 = {beta1:g}, weight_decay = {decay:g}"
            predicted = float(evaluate(DECAY["gate_sequences"], beta1=beta1, weight_decay=decay, L=L))
            largest.append(near(float(here.largest), predicted, 1e-6, label))
            ratio = float(here.falls)
            falls.append(Point(ratio, ratio, ratio, 1.0, label))
    as_reported = (Evidence("equality", reported, _runs(setup, points), "critical alpha0"),)
    return Confrontation(
        "S4",
        reported=as_reported,
        corrected=(
            Evidence("equality", points, _runs(setup, points), "critical alpha0"),
            Evidence("equality", tuple(largest), len(largest), "largest step size for which V falls"),
            Evidence("upper bound", tuple(falls), len(falls), "largest V'/V over all gates below 0.98 of it"),
        ),
        note="Decoupled weight decay lowers the edge: alpha0 L < B is not enough.",
        showcase=showcase(as_reported, "critical alpha0", "beta1 = 0.9, weight_decay = 1, dim = 1"),
    )


STUDY = Study(DEFAULT, PAPER, run)
