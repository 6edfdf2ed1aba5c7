"""The rate in the setting that tells gates apart: one problem, one noise, one bound, every gate.

The noise is a fair coin, ``g = F' +- 1``, the start is where the gate of Algorithm 1 settles
(:class:`theory.claims.bias.worst_noise.Setting`). Every run is tuned to its horizon, in the proofs' form. A gate that
is known before the gradient, or that moves slowly, stays below the bound; the gate of Algorithm 1 crosses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import sympy as sp
import xarray as xr

import vradam
from experiments.measurement.points import showcase
from experiments.measurement.statistics import mean_interval
from experiments.measurement.verdict import Evidence, Point
from theory.claims.bias.worst_noise import Setting
from theory.claims.convergence.predictable_gate import trivial_line
from theory.claims.convergence.shares import best, theorem2_shares, theorem4_shares
from theory.claims.convergence.smoothed_gate import theorem_beta1_zero_shares, theorem_shares
from theory.claims.opening_law import rate
from vradam.gates import averaged, held, inside, published

#: What every gate is measured by.
QUANTITY: Final = "E||grad F||^2 (the same coin)"
#: The opening laws of the gates that have one.
LAWS: Final[Mapping[str, Callable[[float], Any]]] = {"smoothed": averaged, "held": held}
#: The bounds to compare with, without momentum and with: of a predictable gate for the published one.
BOUNDS: Final[Mapping[str, tuple[sp.Expr, sp.Expr]]] = {
    "published": (theorem2_shares, theorem4_shares),
    "predictable": (theorem2_shares, theorem4_shares),
    "smoothed": (theorem_beta1_zero_shares, theorem_shares),
    "held": (rate.theorem_beta1_zero_shares, rate.theorem_shares),
}

#: Rounded from what :func:`theory.claims.bias.worst_noise.search` finds.
WITHOUT_MOMENTUM: Final = Setting(beta1=0.0, alpha1=3.5, beta3=1.5)
WITH_MOMENTUM: Final = Setting(beta1=0.1, alpha1=4.0, beta3=2.25)
MORE_MOMENTUM: Final = (Setting(beta1=0.2, alpha1=5.25, beta3=3.9), Setting(beta1=0.3, alpha1=7.2, beta3=5.25))


@dataclass(frozen=True)
class Central:
    """Which settings are run, over which horizons, how often; ``level`` is that of every interval."""

    settings: tuple[Setting, ...] = (WITHOUT_MOMENTUM, WITH_MOMENTUM)
    horizons: tuple[int, ...] = (10_000, 100_000, 1_000_000, 10_000_000)
    seeds: int = 16
    seed: int = 0
    level: float = 0.999


DEFAULT: Final = Central()
PAPER: Final = Central(
    (WITHOUT_MOMENTUM, WITH_MOMENTUM, *MORE_MOMENTUM),
    (10_000, 31_623, 100_000, 316_228, 1_000_000, 3_162_278, 10_000_000, 31_622_777, 100_000_000),
)


def optimizer(gate: str, setting: Setting, steps: int) -> vradam.VRAdam:
    """VRAdam in the proofs' form with this gate, tuned to the horizon.

    ``predictable`` sees the last velocity and multiplies the gradient; ``smoothed`` and ``held`` forget at the rate
    ``1/N``.
    """
    values = setting.values(steps)
    numbers: dict[str, Any] = {name: values[name] for name in ("alpha0", "alpha1", "beta1", "beta2", "beta3", "eps")}
    if gate in LAWS:
        numbers["law"] = LAWS[gate](values["gate_decay"])
    return vradam.VRAdam(gate=inside if gate == "predictable" else published, proof_form=True, **numbers)


def measure(central: Central, setting: Setting, gate: str, steps: int) -> xr.Dataset:
    """``E F'(x_tau)^2`` over seeds: one value a run, with the weights of the theorem."""
    objective = vradam.objectives.pseudo_huber(1, scale=setting.grad_bound / setting.L, curvature=setting.L)
    end = vradam.simulate(
        optimizer(gate, setting, steps),
        objective,
        np.full((central.seeds, 1), setting.start),
        steps,
        vradam.noise.two_point(0.5, 1.0),
        seed=central.seed,
        every=0,
        engine="compiled",
        progress=False,
    )
    return xr.Dataset({"runs": ("seed", end.mean_grad_norm_squared)})


def bound_of(gate: str, setting: Setting, steps: int) -> float:
    """The bound of this gate at its best shares."""
    return float(best(BOUNDS[gate][setting.beta1 > 0], **setting.values(steps)))


def key(gate: str, setting: Setting, steps: int) -> str:
    """The name of a chunk."""
    return f"central-{gate}-{setting.beta1:g}-{steps}"


def tasks(central: Central, gates: tuple[str, ...]) -> dict[str, Callable[[], xr.Dataset]]:
    """The chunks of these gates: name -> what computes it."""
    return {
        key(gate, setting, steps): partial(measure, central, setting, gate, steps)
        for gate in gates
        for setting in central.settings
        for steps in central.horizons
    }


def collect(central: Central, gates: tuple[str, ...], done: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Over (beta1, gate, N): mean with its interval and ``bound``; over beta1: trivial line and plateau, ``G*^2``."""
    runs = np.array(
        [
            [[done[key(gate, setting, steps)].runs.values for steps in central.horizons] for gate in gates]
            for setting in central.settings
        ]
    )
    low, high = mean_interval(runs, central.level)
    bounds = [
        [[bound_of(gate, setting, steps) for steps in central.horizons] for gate in gates]
        for setting in central.settings
    ]
    return xr.Dataset(
        {
            "mean": (("beta1", "gate", "N"), runs.mean(axis=-1)),
            "low": (("beta1", "gate", "N"), low),
            "high": (("beta1", "gate", "N"), high),
            "bound": (("beta1", "gate", "N"), bounds),
            "trivial": ("beta1", [trivial_line(R=setting.R, eps=setting.eps) for setting in central.settings]),
            "plateau": ("beta1", [setting.plateau**2 for setting in central.settings]),
        },
        coords={
            "beta1": [setting.beta1 for setting in central.settings],
            "gate": list(gates),
            "N": list(central.horizons),
        },
        attrs={"seeds": central.seeds, "level": central.level},
    )


def against_bound(data: xr.Dataset, gate: str) -> tuple[Evidence, ...]:
    """One evidence a setting: the left-hand side against the bound of this gate at every horizon."""
    found = []
    for beta1 in data.beta1.values:
        rows = data.sel(beta1=beta1, gate=gate)
        points = tuple(
            Point(
                float(row["mean"]),
                float(row.low),
                float(row.high),
                float(row.bound),
                f"{gate} gate, beta1 = {beta1:g}, N = {int(row.N):.0e}",
                float(row.trivial),
            )
            for row in (rows.sel(N=steps) for steps in data.N.values)
        )
        found.append(Evidence("upper bound", points, data.attrs["seeds"] * len(points), QUANTITY))
    return tuple(found)


def shown(reported: tuple[Evidence, ...], gate: str) -> tuple[str, ...]:
    """The point that the ledger shows of this gate, at every resolution: beta1 = 0, N = 1e7."""
    return showcase(reported, QUANTITY, f"{gate} gate, beta1 = 0, N = 1e+07")


def against_plateau(data: xr.Dataset, slack: float = 0.002) -> Evidence:
    """The published gate at the longest horizon against ``G*^2``; ``slack`` is what the finite step may leave."""
    points = []
    for beta1 in data.beta1.values:
        row = data.sel(beta1=beta1, gate="published").isel(N=-1)
        mean, low, high, plateau = (float(row[name]) for name in ("mean", "low", "high", "plateau"))
        left = slack * mean
        points.append(Point(mean, low - left, high + left, plateau, f"beta1 = {beta1:g}, N = {int(row.N):.0e}"))
    return Evidence("equality", tuple(points), data.attrs["seeds"] * len(points), "plateau of F'^2 (the same coin)")
