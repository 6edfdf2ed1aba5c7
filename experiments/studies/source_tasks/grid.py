"""The grid at the edge: beta3 x beta1 x alpha1 x {velocity, gradient}, full batch, squared error, an MLP on digits.

The values of beta3 and beta1, alpha0 = .01 and the 100 steps are those of the source's script for experiments at the
edge of stability, which changes one at a time with one seed; alpha1 is from the range of its sweeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr

import vradam
from vradam.gates import gradient_norm, published

NET: Final = "mlp, squared"
SEEN: Final = {"velocity": published, "gradient": gradient_norm}
EPS: Final = 1e-7


@dataclass(frozen=True)
class Setup:
    """``seeds`` runs a cell; curvature at the end of the first of them."""

    beta3: tuple[float, ...] = (0.5, 1.0, 2.0, 5.0)
    beta1: tuple[float, ...] = (0.7, 0.8, 0.9, 0.95)
    alpha1: tuple[float, ...] = (5.0, 10.0, 19.0, 30.0)
    alpha0: float = 0.01
    steps: int = 100
    seeds: int = 10
    seed: int = 0


def cells(setup: Setup, seen: str, beta1: float) -> xr.Dataset:
    """Over (alpha1, beta3, seed): the training loss after the last step, the smallest and the last eta_t/alpha0; over
    (alpha1, beta3): lambda_max(P^-1 H)/(B/eta) then, and the same of the raw H. An Adam with the same beta1 beside."""
    from experiments.studies.source_edge import full_batch
    from experiments.studies.tasks import nets
    from experiments.studies.tasks.dynamics import curvature

    shape = (len(setup.alpha1), len(setup.beta3), setup.seeds)
    alpha1, beta3, _ = (
        part.ravel() for part in np.meshgrid(setup.alpha1, setup.beta3, range(setup.seeds), indexing="ij")
    )
    starts = np.stack([nets.make(NET).init(setup.seed + i) for i in range(setup.seeds)])
    gated = vradam.VRAdam(alpha0=setup.alpha0, alpha1=alpha1, beta1=beta1, beta3=beta3, eps=EPS, gate=SEEN[seen])
    adam = vradam.Adam(alpha0=setup.alpha0, beta1=beta1, eps=EPS)
    found = {}
    for name, optimizer, x in (("gated", gated, np.tile(starts, (shape[0] * shape[1], 1))), ("adam", adam, starts)):
        state, opened = optimizer.init(x), []
        for _ in range(setup.steps):
            x, state = optimizer.step(x, np.asarray(full_batch(NET)(x)[1]), state)
            opened.append(np.broadcast_to(optimizer.learning_rate(state), len(x)) / setup.alpha0)
        found[name] = (x, state, np.array(opened), np.asarray(full_batch(NET)(x)[0]))
    x, state, rates, loss = found["gated"]
    first = np.arange(0, len(x), setup.seeds)
    objective = curvature(NET)
    part = state._replace(**{key: getattr(state, key)[first] for key in ("velocity", "second_moment", "kinetic")})
    alone = vradam.VRAdam(alpha0=setup.alpha0, alpha1=alpha1[first], beta1=beta1, beta3=beta3[first], eps=EPS,
                          gate=SEEN[seen])  # fmt: skip
    edge = vradam.sharpness.stability_threshold(beta1, alone.learning_rate(part))
    bent = vradam.sharpness.preconditioned_sharpness(objective, x[first], part, alone) / edge
    dims = ("alpha1", "beta3", "seed")
    return xr.Dataset(
        {
            "loss": (dims, loss.reshape(shape)),
            "smallest": (dims, rates.min(axis=0).reshape(shape)),
            "last": (dims, rates[-1].reshape(shape)),
            "of_edge": (dims[:2], bent.reshape(shape[:2])),
            "adam": ("seed", found["adam"][3]),
        },
        coords={"alpha1": list(setup.alpha1), "beta3": list(setup.beta3)},
    ).astype(np.float32)
