"""How much of "VRAdam converges faster and flatter" is the gate, and how much the doubled alpha0?

The source sets VRAdam at alpha0 = .002 beside Adam at .001: two things differ. With Q(optimizer, rate) the training
loss or the sharpness at the end of a run,

    log Q(gate, .002)/Q(Adam, .001) = G + R,
    G = (log Q(gate, .002)/Q(Adam, .002) + log Q(gate, .001)/Q(Adam, .001))/2,
    R = (log Q(Adam, .002)/Q(Adam, .001) + log Q(gate, .002)/Q(gate, .001))/2,

seed by seed: each change is averaged over the two orders in which they can be made (the Shapley value of two players).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from experiments.measurement.statistics import FEWEST, geometric_interval
from experiments.study import Table

#: The loss is averaged over so many last steps, the sharpness over so many last checks: at the edge both oscillate.
LAST_STEPS, LAST_CHECKS = 20, 5
PARTS: Final = ("both", "gate", "rate")
QUANTITIES: Final = {"loss": "training loss", "sharpness": "sharpness"}


def contributions(ends: xr.Dataset, gates: tuple[str, ...], rates: tuple[float, float]) -> xr.Dataset:
    """Factor, low and high over (net, gate, quantity, part).

    Parameters
    ----------
    ends : Dataset
        ``loss`` (net, optimizer, seed) and ``sharpness`` (net, optimizer, watched), positive, at the end of the runs.
    gates : tuple of str
        Of which each stands beside Adam.
    rates : (float, float)
        The gate's alpha0 in the source, and Adam's.

    Returns
    -------
    Dataset
        ``factor``: the geometric mean over the seeds; low and high: its 95 % interval, of fewer than ten seeds the
        smallest and the largest value. ``attrs["says"]``: the answer in a sentence.
    """
    shape = (ends.sizes["net"], len(gates), len(QUANTITIES), len(PARTS))
    found = np.empty((3, *shape))
    for j, gate in enumerate(gates):
        for k, quantity in enumerate(QUANTITIES):
            for p, part in enumerate(shares(np.log(ends[quantity]), gate, rates)):
                ratio = np.exp(part)
                low, high = (
                    geometric_interval(ratio) if ratio.shape[-1] >= FEWEST else (ratio.min(axis=-1), ratio.max(axis=-1))
                )
                found[:, :, j, k, p] = np.exp(part.mean(axis=-1)), low, high
    dims = ("net", "gate", "quantity", "part")
    table = xr.Dataset(
        {name: (dims, values) for name, values in zip(("factor", "low", "high"), found, strict=True)},
        coords={"net": ends.net.values, "gate": list(gates), "quantity": list(QUANTITIES), "part": list(PARTS)},
        attrs={"rates": list(rates), "seeds": ends.sizes["seed"], "watched": ends.sizes["watched"]},
    )
    return table.assign_attrs(says=sentence(table))


def shares(logs: xr.DataArray, gate: str, rates: tuple[float, float]) -> tuple[NDArray, NDArray, NDArray]:
    """The logarithms (net, seed) of the whole factor, of the gate's share and of the rate's."""
    twice, once = (
        {name: logs.sel(optimizer=f"{name}, alpha0 = {rate:g}").values for name in (gate, "Adam")} for rate in rates
    )
    both = twice[gate] - once["Adam"]
    by_gate = (twice[gate] - twice["Adam"] + once[gate] - once["Adam"]) / 2
    by_rate = (twice["Adam"] - once["Adam"] + twice[gate] - once[gate]) / 2
    return both, by_gate, by_rate


def sentence(table: xr.Dataset) -> str:
    """The answer with its numbers: geometric means over the networks, and each gate's."""
    high, low = table.attrs["rates"]
    told = []
    for gate in table.gate.values.tolist():
        words = []
        for quantity, called in QUANTITIES.items():
            both, by_gate, by_rate = (
                float(np.exp(np.log(table.factor.sel(gate=gate, quantity=quantity, part=part)).mean()))
                for part in PARTS
            )
            words.append(f"{called} times {both:.2f} = {by_gate:.2f} (gate) x {by_rate:.2f} (doubled alpha0)")
        told.append(f"with the {gate} {' and '.join(words)}")
    return f"From Adam at {low:g} to VRAdam at {high:g}: {'; '.join(told)}."


def table(found: xr.Dataset) -> Table:
    """Every factor with its interval."""
    rows = []
    for net in found.net.values.tolist():
        for gate in found.gate.values.tolist():
            for quantity, called in QUANTITIES.items():
                here = found.sel(net=net, gate=gate, quantity=quantity)
                cells = [
                    f"{float(one.factor):.3f} [{float(one.low):.3f}, {float(one.high):.3f}]"
                    for one in (here.sel(part=part) for part in PARTS)
                ]
                rows.append((net, gate, called, *cells))
    high, low = found.attrs["rates"]
    return Table(
        "How much is the gate, how much the doubled alpha0",
        ("network", "gate", "quantity", f"VRAdam at {high:g} over Adam at {low:g}", "of which the gate", "the rate"),
        tuple(rows),
        f"{found.attrs['says']} Factors below 1: faster, or flatter. Seed by seed, each change averaged over the two "
        f"orders in which they can be made; training loss over the last {LAST_STEPS} steps of {found.attrs['seeds']} "
        f"seeds with 95 % intervals, sharpness (largest eigenvalue of the raw Hessian) over the last {LAST_CHECKS} "
        f"checks of {found.attrs['watched']} seeds with the smallest and the largest.",
    )
