"""S3b and S6: the true gate on quadratics, below the edge and beyond it.

Below: the map of where random starts end (:mod:`experiments.measurement.frontier`), the cycles of period four followed
to where they are lost (:mod:`experiments.studies.cycles.period_four`), and the certified cycles, disturbed and run
again. Beyond: the pinned learning rate (:mod:`experiments.studies.cycles.beyond_edge`).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Final

import numpy as np
import xarray as xr

import vradam
from experiments.measurement import frontier
from experiments.measurement.formula import evaluate
from experiments.measurement.frontier import INSIDE, PUBLISHED, SMOOTHED, SMOOTHED_99, SMOOTHED_999, Map, scatter
from experiments.measurement.points import showcase
from experiments.measurement.statistics import share_interval
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.studies.cycles import basins, beyond_edge, period_four
from experiments.study import Result, Study
from theory.certificates.check import parse
from theory.claims.cycles.below_edge import CERTIFIED, CYCLES
from theory.claims.cycles.beyond_edge import BEYOND
from theory.claims.gate_sequences import LIMITS
from theory.notation import edge
from vradam.dynamics import Batch, Horizon, RunEnd, advance, periods

EDGE: Final = edge()
BOWL: Final = vradam.objectives.quadratic([1.0])
UNHURRIED: Final = Horizon(extensions=6)
FOLLOWED: Final = period_four.Setup()
BEYOND_THE_EDGE: Final = beyond_edge.Setup()
BASINS: Final = basins.Setup()


@dataclass(frozen=True)
class Setup:
    """What the study runs.

    Parameters
    ----------
    maps
        Name -> what to map; the first is one-dimensional.
    examples
        (beta1, S/B, alpha1) at which ``starts`` random starts are counted.
    followed, beyond
        The setups of the two other parts.
    safe
        The beta1 at which the starts are counted just below the global threshold, for each of ``safe_alpha1``.
    """

    maps: tuple[tuple[str, Map], ...] = (
        ("frontier", Map(beta1=(0.3, 0.98), beta1_cells=10, fraction_cells=10, starts=12, rows=5)),
    )
    examples: tuple[tuple[float, float, float], ...] = ((0.5, 0.97, 10.0), (0.9, 30 / 38, 10.0), (0.99, 0.5, 10.0))
    starts: int = 500
    safe: tuple[float, ...] = (0.15, 0.5, 0.9, 0.98)
    safe_alpha1: tuple[float, ...] = (1.0, 10.0, float("inf"))
    safe_starts: int = 40
    followed: period_four.Setup = FOLLOWED
    beyond: beyond_edge.Setup = BEYOND_THE_EDGE
    basins: basins.Setup = BASINS
    seed: int = 0


DEFAULT: Final = Setup()
PAPER: Final = Setup(
    maps=(
        (
            "frontier",
            Map(
                variants=(PUBLISHED, SMOOTHED, SMOOTHED_99, SMOOTHED_999),
                alpha1=(1.0, 10.0, float("inf")),
                beta1_cells=200,
                fraction_cells=200,
                starts=256,
                rows=4,
            ),
        ),
        (
            "frontier_inside",
            Map(
                variants=(INSIDE,),
                alpha1=(1.0, 10.0, float("inf")),
                beta1_cells=200,
                fraction_cells=200,
                starts=256,
                horizon=Horizon(extensions=2),
                rows=4,
            ),
        ),
        (
            "frontier_d2",
            Map(
                variants=(PUBLISHED, INSIDE, SMOOTHED),
                beta1_cells=60,
                fraction_cells=60,
                starts=64,
                curvatures=(0.5, 1.0),
                rows=4,
            ),
        ),
        (
            "frontier_d10",
            Map(
                variants=(PUBLISHED, INSIDE, SMOOTHED),
                beta1_cells=40,
                fraction_cells=40,
                starts=32,
                curvatures=tuple(np.linspace(0.1, 1.0, 10).tolist()),
                rows=4,
            ),
        ),
    ),
    starts=20_000,
    safe=(0.05, 0.15, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99),
    safe_starts=2000,
    followed=period_four.Setup(beta1=(0.59, 0.6, 0.65, 0.7, 0.8, 0.9, 0.95, 0.98), starts=400, steps=20_000, rounds=16),
    beyond=beyond_edge.Setup(
        beta1=(0.1, 0.3, 0.5, 0.7, 0.8, 0.9),
        window=(1.95, 2.05, 81),
        broken=(2.02, 2.46, 111),
        settle=40_000,
        ratios=(0.3, 8.0, 771),
        starts=16,
        lyapunov_steps=4000,
        variants=(PUBLISHED, SMOOTHED, SMOOTHED_99, SMOOTHED_999),
        flat=(1e-4, 3e-4),
        flat_ratios=(0.05, 8.0, 60),
        flat_steps=60_000,
    ),
)


def run(setup: Setup, chunks: Chunks) -> Result:
    """Maps, counts, cycles followed and disturbed; then everything beyond the edge."""
    data = {name: frontier.draw(plan, chunks, name) for name, plan in setup.maps}
    data |= {"boundaries": boundaries(setup.maps[0][1])} | chunks.gather(
        {
            "safe": partial(safe, setup),
            "period_four": partial(period_four.measure, setup.followed),
            "examples": partial(examples, setup),
            "basins": partial(basins.measure, setup.basins),
            "certified": disturbed,
        }
    )
    beyond = beyond_edge.measure(setup.beyond, chunks)
    return Result(data | beyond, (_s3b(setup, data), beyond_edge.confrontation(setup.beyond, beyond, BEYOND)))


def boundaries(plan: Map) -> xr.Dataset:
    """The curves of the theory over the map, each as a fraction of the edge; nan where a curve lies beyond it."""
    beta1 = plan.beta1_values()
    edges = evaluate(EDGE, beta1=beta1)
    period4 = evaluate(CYCLES["period4_threshold"], beta1=beta1) / edges
    names = ["cqlf_in_scale" if np.isfinite(alpha1) else "cqlf_limit_zero" for alpha1 in plan.alpha1]
    one_form = [
        [float(evaluate(LIMITS[name], beta1=b, alpha1=alpha1)) for name, alpha1 in zip(names, plan.alpha1, strict=True)]
        for b in beta1
    ]
    return xr.Dataset(
        {
            "period4": ("beta1", np.where(period4 < 1, period4, np.nan)),
            "global": ("beta1", np.minimum(evaluate(CYCLES["global_threshold"], beta1=beta1) / edges, 1.0)),
            "one_form": (("beta1", "alpha1"), np.array(one_form) / edges[:, None]),
        },
        coords={"beta1": beta1, "alpha1": list(plan.alpha1)},
    )


def examples(setup: Setup) -> xr.Dataset:
    """How many of the starts end where, at every example."""
    beta1, fraction, alpha1 = (np.repeat(column, setup.starts) for column in np.array(setup.examples).T)
    optimizer = vradam.VRMomentum(alpha0=fraction * evaluate(EDGE, beta1=beta1), alpha1=alpha1, beta1=beta1)
    ends = scatter(optimizer, [1.0], setup.starts, setup.seed, Horizon())
    end = ends.end.reshape(len(setup.examples), setup.starts)
    counts = np.stack([(end == k).sum(axis=-1) for k in RunEnd], axis=-1)
    settings = dict(zip(("beta1", "fraction", "alpha1"), np.array(setup.examples).T, strict=True))
    return xr.Dataset(
        {"count": (("example", "outcome"), counts)} | {name: ("example", column) for name, column in settings.items()},
        coords={"outcome": [end.label for end in RunEnd]},
    )


def safe(setup: Setup) -> xr.Dataset:
    """The share of starts that reach the origin just below the global threshold (or the edge, where that is lower)."""
    shape = (len(setup.safe), len(setup.safe_alpha1), setup.safe_starts)
    beta1 = np.broadcast_to(np.array(setup.safe)[:, None, None], shape).ravel()
    alpha1 = np.broadcast_to(np.array(setup.safe_alpha1)[:, None], shape).ravel()
    limit = np.minimum(evaluate(CYCLES["global_threshold"], beta1=beta1), evaluate(EDGE, beta1=beta1))
    optimizer = vradam.VRMomentum(alpha0=0.98 * limit, alpha1=alpha1, beta1=beta1)
    ends = scatter(optimizer, [1.0], setup.safe_starts, setup.seed + 1, UNHURRIED)
    share = (ends.end.reshape(shape) == RunEnd.ORIGIN).mean(axis=-1)
    return xr.Dataset(
        {"share": (("beta1", "alpha1"), share)}, {"beta1": list(setup.safe), "alpha1": list(setup.safe_alpha1)}
    )


def disturbed() -> xr.Dataset:
    """Every certified cycle, disturbed by a thousandth and run again: its period and largest kinetic energy then."""
    stored = [parse(certificate.path.read_bytes()) for certificate in CERTIFIED]
    beta1, S, clip = (np.array([float(Fraction(one[name])) for one in stored]) for name in ("beta1", "S", "alpha1"))
    clipped = np.array([any(one["clipped"]) for one in stored])
    v = np.array([[float(sum(map(Fraction, cell)) / 2) for cell in one["velocity"][:2]] for one in stored])
    x = (v[:, 1:] - beta1[:, None] * v[:, :1]) / (1 - beta1[:, None]) * 1.001
    optimizer = vradam.VRMomentum(alpha0=S, alpha1=np.where(clipped, clip, np.inf), beta1=beta1)
    state = optimizer.init(x)._replace(velocity=v[:, :1])
    batch, _ = advance(Batch(optimizer, x, state, np.arange(len(x))), BOWL, int(60 / (1 - beta1.max())))
    window = vradam.simulate(optimizer, BOWL, batch.x, 100, state=batch.state, engine="numpy")
    velocity = -np.diff(window.x[..., 0], axis=-1) / window.learning_rate[:, 1:]
    enclosures = np.array([[float(Fraction(end)) for end in one["kinetic"]] for one in stored])
    return xr.Dataset(
        {
            "period": ("cycle", periods(batch, BOWL, 100, 1e-9)[0]),
            "certified_period": ("cycle", [2 * len(one["velocity"]) for one in stored]),
            "kinetic": ("cycle", (velocity**2).max(axis=-1)),
            "certified_kinetic": (("cycle", "end"), enclosures),
            "beta1": ("cycle", beta1),
            "S": ("cycle", S),
            "clipped": ("cycle", clipped),
        },
        coords={"cycle": [certificate.name for certificate in CERTIFIED], "end": ["low", "high"]},
    )


def _s3b(setup: Setup, data: dict[str, xr.Dataset]) -> Confrontation:
    counted, kept, repeated, fastest = [], [], [], []
    for i in range(data["examples"].sizes["example"]):
        here = data["examples"].isel(example=i)
        reached = int(here["count"].sel(outcome="origin"))
        low, high = share_interval(reached, setup.starts, level=0.999)
        label = f"beta1 = {float(here.beta1):g}, S = {float(here.fraction):.3g} B, alpha1 = {float(here.alpha1):g}"
        counted.append(Point(reached / setup.starts, low, high, 1.0, label))
    for beta1 in setup.safe:
        for alpha1 in setup.safe_alpha1:
            share = float(data["safe"].share.sel(beta1=beta1, alpha1=alpha1))
            kept.append(Point(share, share, share, 1.0, f"beta1 = {beta1:g}, alpha1 = {alpha1:g}"))
    for i in range(data["certified"].sizes["cycle"]):
        cycle = data["certified"].isel(cycle=i)
        period, kinetic = float(cycle.period), float(cycle.kinetic)
        middle, name = float(cycle.certified_kinetic.mean()), str(cycle.cycle.values)
        repeated.append(Point(period, period, period, float(cycle.certified_period), name))
        fastest.append(Point(kinetic, kinetic * (1 - 1e-4), kinetic * (1 + 1e-4), middle, name))
    runs = setup.safe_starts * len(kept)
    reported = (Evidence("lower bound", tuple(counted), setup.starts, "share of random starts that converge"),)
    return Confrontation(
        "S3b",
        reported=reported,
        corrected=(
            *period_four.evidence(setup.followed, data["period_four"]),
            Evidence("equality", tuple(repeated), len(repeated), "period of a certified cycle, once disturbed"),
            Evidence(
                "equality", tuple(fastest), len(fastest), "largest beta3 v^2 on a certified cycle, once disturbed"
            ),
            Evidence("lower bound", tuple(kept), runs, "share of starts that converge, S = 0.98 global_threshold"),
        ),
        note="Below the edge B the origin attracts its neighbourhood; far starts may end in cycles instead.",
        showcase=showcase(reported, reported[0].quantity, "beta1 = 0.9, S = 0.789 B, alpha1 = 10"),
    )


STUDY = Study(DEFAULT, PAPER, run)
