"""The gate along real runs: its range (G1) and the largest step of VRMomentum (G2).

The velocity is computed a second time, from the recorded gradients alone, as a linear filter (scipy.signal): what the
optimizer did to its learning rate is compared with the theory's gate of that velocity, step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.points import least_fitting, showcase
from experiments.measurement.verdict import ROUNDING, Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.study import Result, Study
from theory.claims.gate import LARGEST_STEP, RANGE
from theory.notation import alpha0, v
from theory.recursion import ALGORITHM, gamma

GATE = alpha0 * gamma(v**2, ALGORITHM)
#: alpha1 of the row that the ledger shows, at every resolution.
SHOWCASE: Final = 10.0


@dataclass(frozen=True)
class Setup:
    """Runs from ``starts`` points whose distances spread over decades, on a rotated quadratic and on log-cosh."""

    alpha0: float = 0.01
    alpha1: tuple[float, ...] = (1.0, 4.0, 10.0, 29.0)
    beta1: float = 0.9
    beta3: float = 2.0
    curvatures: tuple[float, ...] = (1.0, 4.0, 10.0)
    width: float = 100.0  # of log-cosh, whose gradients are bounded by it
    smallest: float = 1e-9
    largest: float = 1e4
    starts: int = 400
    steps: int = 300


DEFAULT = Setup()
PAPER = Setup(starts=1000)


def run(setup: Setup, chunks: Chunks) -> Result:
    """Record velocity and learning rate of VRAdam and VRMomentum at every step, for each clip."""
    names = {"VRAdam": vradam.VRAdam, "VRMomentum": vradam.VRMomentum}
    data = chunks.gather({name: partial(_record, setup, optimizer) for name, optimizer in names.items()})
    return Result(data, (_range(setup, data["VRAdam"]), _largest_step(setup, data["VRMomentum"])))


def _record(setup: Setup, optimizer: Any) -> xr.Dataset:
    """Speed ||v_t|| and rate eta_t over (objective, alpha1, start, step); the speed also from the gradients alone."""
    from scipy.signal import lfilter

    alpha1 = np.array(setup.alpha1)[:, None]
    gated = optimizer(alpha0=setup.alpha0, alpha1=alpha1, beta1=setup.beta1, beta3=setup.beta3)
    direction = np.linspace(0, np.pi, setup.starts)
    unit = np.stack([np.cos(direction), np.sin(direction) * 0.6, np.sin(direction) * 0.8], axis=-1)
    x0 = np.geomspace(setup.smallest, setup.largest, setup.starts)[:, None] * unit
    objectives = [
        vradam.objectives.quadratic(setup.curvatures, rotation=0),
        vradam.objectives.log_cosh(len(setup.curvatures), scale=setup.width),
    ]
    series: dict[str, list[NDArray]] = {"speed": [], "rate": [], "filtered_speed": []}
    for objective in objectives:
        x = np.broadcast_to(x0, (len(setup.alpha1), *x0.shape))
        state, gradients, speeds, rates = gated.init(x), [], [], []
        for _ in range(setup.steps):
            gradients.append(objective.grad(x))
            x, state = gated.step(x, gradients[-1], state)
            speeds.append(np.sqrt(state.kinetic))
            rates.append(gated.learning_rate(state))
        filtered = lfilter([1 - setup.beta1], [1, -setup.beta1], np.array(gradients), axis=0)
        series["speed"].append(np.array(speeds))
        series["rate"].append(np.array(rates))
        series["filtered_speed"].append(np.sqrt((filtered**2).sum(-1)))
    axes = ("objective", "step", "alpha1", "start")
    return xr.Dataset(
        {name: (axes, np.array(values)) for name, values in series.items()},
        coords={"objective": [objective.name for objective in objectives], "alpha1": list(setup.alpha1)},
        attrs={"alpha0": setup.alpha0, "beta3": setup.beta3, "width": setup.width},
    )


def _range(setup: Setup, data: xr.Dataset) -> Confrontation:
    """The smallest and largest learning rate ever seen, and every one of them against the gate of its velocity."""
    every_rate, ends = [], []
    for alpha1 in setup.alpha1:
        values = {"alpha0": setup.alpha0, "alpha1": alpha1, "beta3": setup.beta3}
        rate = data.rate.sel(alpha1=alpha1).values.ravel()
        gate = evaluate(GATE, v=data.filtered_speed.sel(alpha1=alpha1).values.ravel(), **values)
        every_rate.append(least_fitting(rate, gate, ROUNDING, f"the worst of {rate.size} steps, alpha1 = {alpha1:g}"))
        for end, found in (("lower", rate.min()), ("upper", rate.max())):
            at = {"lower": "smallest", "upper": "largest"}[end]
            ends.append(
                least_fitting([found], [evaluate(RANGE[end], **values)], ROUNDING, f"{at}, alpha1 = {alpha1:g}")
            )
    n = data.sizes["start"] * data.sizes["objective"] * data.sizes["alpha1"]
    reported = (
        Evidence("equality", tuple(ends), n, "extreme learning rate"),
        Evidence("equality", tuple(every_rate), n, "eta_t against gate(v_t)"),
    )
    both = (f"{end}, alpha1 = {SHOWCASE:g}" for end in ("smallest", "largest"))
    return Confrontation(
        "G1",
        reported=reported,
        note=f"{data.rate.size} steps of VRAdam; both ends of the range are attained.",
        showcase=showcase(reported, "extreme learning rate", *both),
    )


def _largest_step(setup: Setup, data: xr.Dataset) -> Confrontation:
    """eta_t ||v_t|| of VRMomentum: the claimed bound, and what was derived instead."""
    claimed = evaluate(LARGEST_STEP["unclipped"], alpha0=setup.alpha0, beta3=setup.beta3)
    reported, peaks, slopes, crossings, bounded = [], [], [], [], []
    for alpha1 in setup.alpha1:
        values = {"alpha0": setup.alpha0, "alpha1": alpha1, "beta3": setup.beta3}
        here = data.sel(alpha1=alpha1)
        speed, step = here.speed.values.ravel(), (here.rate * here.speed).values.ravel()
        clipped = setup.beta3 * speed**2 > alpha1
        label = f"alpha1 = {alpha1:g}"
        reported.append(Point(step.max(), step.max(), step.max(), claimed, label))
        if alpha1 >= 1:  # the peak at 1/sqrt(beta3) is not clipped
            peak = step[~clipped].max()
            peaks.append(Point(peak, peak, peak * 1.005, claimed, label))  # approached from below on a grid of speeds
        slope = step[clipped] / speed[clipped]
        floor = np.full_like(slope, evaluate(LARGEST_STEP["clipped"], G=1.0, **values))
        slopes.append(least_fitting(slope, floor, ROUNDING, label))
        if alpha1 <= 1:  # the step already exceeds the claimed bound wherever the clip acts
            continue
        beyond, below = speed[clipped & (step > claimed)].min(), speed[clipped & (step <= claimed)].max()
        crossings.append(
            Point((beyond + below) / 2, below, beyond, evaluate(LARGEST_STEP["crossing"], **values), label)
        )
        walls = here.sel(objective="log_cosh")
        largest = (walls.rate * walls.speed).values.max()
        fastest = np.sqrt(len(setup.curvatures)) * setup.width  # ||g|| on log-cosh, and hence ||v||, stays below this
        bound = evaluate(LARGEST_STEP["corrected"], G=fastest, **values)
        bounded.append(Point(largest, largest, largest, bound, label))
    n = data.sizes["start"] * data.sizes["objective"] * data.sizes["alpha1"]
    claimed_bound = (Evidence("upper bound", tuple(reported), n, "largest eta_t ||v_t||"),)
    return Confrontation(
        "G2",
        reported=claimed_bound,
        corrected=(
            Evidence("equality", tuple(peaks), n, "largest unclipped eta_t ||v_t||"),
            Evidence("equality", tuple(slopes), n, "eta_t where the clip acts"),
            Evidence("equality", tuple(crossings), n, "||v|| at which the step exceeds the claimed bound"),
            Evidence("upper bound", tuple(bounded), n, "largest eta_t ||v_t|| where ||g|| is bounded"),
        ),
        note="The claimed bound holds exactly while the clip does not act; beyond it the step grows with the speed.",
        showcase=showcase(claimed_bound, "largest eta_t ||v_t||", f"alpha1 = {SHOWCASE:g}"),
    )


STUDY = Study(DEFAULT, PAPER, run)
