"""The map of global stability: over beta1 and S/B, where the runs from many starts end.

Every cell of a map sees the same starts (:func:`vradam.dynamics.random_starts`), whatever the gate and its clip,
so that differences between maps are differences between gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from experiments.store.chunks import Chunks
from theory.notation import edge
from vradam.dynamics import Ends, Horizon, RunEnd, follow, random_starts
from vradam.gates import GateForm, inside, published

Array = NDArray[np.floating]
EDGE: Final = edge()


@dataclass(frozen=True)
class Variant:
    """A gate with its smoothing; ``gate_decay="beta1"`` means equal to beta1."""

    name: str
    gate: GateForm = published
    gate_decay: float | Literal["beta1"] = 0.0

    def optimizer(self, S: float | Array, alpha1: float, beta1: float | Array) -> vradam.VRMomentum:
        """VRMomentum at ``alpha0 L = S`` for L = 1."""
        decay = beta1 if self.gate_decay == "beta1" else self.gate_decay
        return vradam.VRMomentum(alpha0=S, alpha1=alpha1, beta1=beta1, gate=self.gate, gate_decay=decay)


PUBLISHED: Final = Variant("published")
INSIDE: Final = Variant("inside", gate=inside)
SMOOTHED: Final = Variant("smoothed, beta1", gate_decay="beta1")
SMOOTHED_99: Final = Variant("smoothed, 0.99", gate_decay=0.99)
SMOOTHED_999: Final = Variant("smoothed, 0.999", gate_decay=0.999)


PATIENCE: Final = Horizon()


@dataclass(frozen=True)
class Map:
    """A map of ``len(variants) x len(alpha1)`` panels with ``beta1_cells x edge_cells`` cells and ``starts`` per cell.

    Parameters
    ----------
    beta1 : tuple[float, float]
        Lowest and highest beta1; cells are spread evenly in log(1-beta1), centre to centre.
    fraction : tuple[float, float]
        Lowest and highest S/B; cells are spread evenly.
    curvatures : tuple of float
        The spectrum of the quadratic, largest 1; its length is the dimension.
    rows : int
        Values of beta1 computed together, in one chunk.
    """

    variants: tuple[Variant, ...] = (PUBLISHED, INSIDE, SMOOTHED)
    alpha1: tuple[float, ...] = (10.0,)
    beta1: tuple[float, float] = (0.3, 0.99)
    beta1_cells: int = 12
    fraction: tuple[float, float] = (0.05, 0.99)
    fraction_cells: int = 12
    starts: int = 16
    curvatures: tuple[float, ...] = (1.0,)
    horizon: Horizon = PATIENCE
    rows: int = 12
    seed: int = 0

    def beta1_values(self) -> Array:
        low, high = self.beta1
        return 1 - np.geomspace(1 - low, 1 - high, self.beta1_cells)

    def fractions(self) -> Array:
        return np.linspace(*self.fraction, self.fraction_cells)


def draw(plan: Map, chunks: Chunks, name: str) -> xr.Dataset:
    """The whole map, chunk by chunk: shares over (variant, alpha1, outcome, beta1, fraction)."""
    first_rows = range(0, plan.beta1_cells, plan.rows)
    arguments = {
        f"{name}-{v}-{a}-{row}": (plan, variant, alpha1, row)
        for v, variant in enumerate(plan.variants)
        for a, alpha1 in enumerate(plan.alpha1)
        for row in first_rows
    }
    done = iter(chunks.map(strip, arguments).values())
    panels = [
        xr.concat(
            [
                xr.concat([next(done) for _ in first_rows], "beta1").expand_dims(alpha1=[alpha1])
                for alpha1 in plan.alpha1
            ],
            "alpha1",
        ).expand_dims(variant=[variant.name])
        for variant in plan.variants
    ]
    shares = xr.concat(panels, "variant")
    return shares.assign_attrs(starts=plan.starts, curvatures=list(plan.curvatures), decades="-2 to 0.5")


def strip(plan: Map, variant: Variant, alpha1: float, row: int) -> xr.Dataset:
    """The rows ``row``, ``row + 1``, ... of one panel."""
    beta1s, fractions = plan.beta1_values()[row : row + plan.rows], plan.fractions()
    shape = (beta1s.size, fractions.size, plan.starts)
    beta1 = np.broadcast_to(beta1s[:, None, None], shape).ravel()
    S = np.broadcast_to(fractions[:, None], shape).ravel() * evaluate(EDGE, beta1=beta1)
    ends = scatter(variant.optimizer(S, alpha1, beta1), plan.curvatures, plan.starts, plan.seed, plan.horizon)
    end, period = ends.end.reshape(shape), ends.period.reshape(shape)
    share = np.stack([(end == k).mean(axis=-1) for k in RunEnd]).astype(np.float32)
    return xr.Dataset(
        {
            "share": (("outcome", "beta1", "fraction"), share),
            "period": (("beta1", "fraction"), _commonest(np.where(end == RunEnd.PERIODIC, period, 0))),
        },
        coords={"outcome": [end.label for end in RunEnd], "beta1": beta1s, "fraction": fractions},
    )


def scatter(
    optimizer: vradam.VRMomentum, curvatures: Sequence[float], starts: int, seed: int, horizon: Horizon
) -> Ends:
    """Follow ``starts`` random starts, the same for each setting; alpha0 is a scalar or holds (settings starts,)."""
    objective = vradam.objectives.quadratic(curvatures)
    settings = max(np.asarray(optimizer.alpha0).size // starts, 1)
    x, state = random_starts(optimizer, objective, starts, settings, seed)
    return follow(optimizer, objective, x, state, horizon)


def _commonest(period: NDArray[np.integer]) -> NDArray[np.int16]:
    """The most frequent positive entry along the last axis, 0 where there is none."""
    flat = period.reshape(-1, period.shape[-1])
    winner = [np.bincount(row[row > 0]).argmax() if (row > 0).any() else 0 for row in flat]
    return np.array(winner, np.int16).reshape(period.shape[:-1])
