"""Two gates in turn, a gate for each coordinate in turn, and no momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.prescribed_sequences import (
    measured_growth,
    radius,
)
from experiments.studies.gate_sequences.setup import Setup
from theory.claims.gate_sequences import HALF, HESSIAN, coupled_step
from theory.notation import beta1 as decay
from theory.notation import edge

Array = NDArray[np.floating]
EDGE: Final = edge()


def alternation(setup: Setup) -> xr.Dataset:
    """The s1 at which the word (s1, s2) begins to grow, found on its observed growth."""
    from scipy.optimize import brentq

    def critical(beta1: float, second: float) -> float:
        top = 0.9999 * float(evaluate(EDGE, beta1=beta1))

        def excess(first: float) -> float:
            return float(measured_growth([(first, second)], beta1)[0]) - 1

        return float(brentq(excess, second, top, xtol=1e-13, rtol=1e-13))

    pairs = [(beta1, low * float(evaluate(EDGE, beta1=beta1))) for beta1, low in setup.alternation]
    return xr.Dataset(
        {
            "s1": ("pair", [critical(beta1, second) for beta1, second in pairs]),
            "s2": ("pair", [second for _, second in pairs]),
            "beta1": ("pair", [beta1 for beta1, _ in pairs]),
        }
    )


def coordinates() -> xr.Dataset:
    """Growth of the gate pairs (4, 1) and (1, 4) in turn, a gate per coordinate, and of 4 and 1 as gates of both.

    Two coupled coordinates, beta1 = 1/2; played, and from the theory's matrices.
    """
    words = {"(4, 1), (1, 4)": ((4, 1), (1, 4)), "(4, 4), (1, 1)": ((4, 4), (1, 1))}
    exact_growth = []
    for word in words.values():
        first, second = (np.array(coupled_step(*pair), dtype=float) for pair in word)
        exact_growth.append(np.abs(np.linalg.eigvals(second @ first)).max())
    return xr.Dataset(
        {
            "growth": ("word", [coupled_growth(np.array(word, dtype=float)) for word in words.values()]),
            "exact": ("word", exact_growth),
        },
        coords={"word": list(words)},
    )


def coupled_growth(pairs: Array) -> float:
    """Per repetition, seen on one repetition from every unit state; the coordinates are runs of one dimension each."""
    hessian = np.array(HESSIAN, dtype=float)
    optimizer = vradam.VRMomentum(alpha0=InTurn(pairs[None]), beta1=float(decay.subs(HALF)), beta3=0.0)
    start = np.eye(4).reshape(4, 2, 2, 1)
    x: Array = start[:, 0]
    state = optimizer.init(x)._replace(velocity=start[:, 1])
    for _ in range(len(pairs)):
        x, state = optimizer.step(x, np.einsum("ij,njk->nik", hessian, x), state)
    once = np.concatenate([x[..., 0], state.velocity[..., 0]], axis=-1)
    return float(np.abs(np.linalg.eigvals(once)).max())


@dataclass(frozen=True, eq=False)
class InTurn:
    """A schedule of learning rates: ``gates`` (words, length, coordinates) holds words of a gate per coordinate."""

    gates: Array

    def __call__(self, t: int) -> Array:
        return self.gates[:, (t - 1) % self.gates.shape[1]]


def without_momentum(setup: Setup) -> xr.Dataset:
    """beta1 = 0, random quadratics in two dimensions: the largest growth per step of random gate words.

    ``scalar``: words of six gates below 2/L. ``coordinates``: words of six pairs, each pair stable on its own.
    """
    random = np.random.default_rng((setup.seed, 3))
    largest: dict[str, list[float]] = {"scalar": [], "coordinates": []}
    for _ in range(setup.plain):
        objective = vradam.objectives.quadratic([1.0, random.uniform(0.05, 0.5)], rotation=int(random.integers(2**31)))
        hessian = objective.hvp(np.zeros(2), np.eye(2))
        pairs = np.exp(random.uniform(np.log(0.05), np.log(20), (6000, 2)))
        factors = np.eye(2) - pairs[..., None] * hessian
        stable = radius(np.trace(factors, axis1=-2, axis2=-1), np.linalg.det(factors)) < 1
        words = {
            "scalar": np.repeat(random.uniform(0.05, 1.95, (200, 6, 1)), 2, axis=-1),
            "coordinates": pairs[stable][: 6 * (stable.sum() // 6)].reshape(-1, 6, 2),
        }
        for name, gates in words.items():
            x: Array = np.ones((len(gates), 2, 1))
            optimizer = vradam.VRMomentum(alpha0=InTurn(gates), beta1=0.0, beta3=0.0)
            state = optimizer.init(x)
            for _ in range(60):
                x, state = optimizer.step(x, objective.grad(x[..., 0])[..., None], state)
            largest[name].append(float((np.linalg.norm(x, axis=(1, 2)) ** (1 / 60)).max()))
    return xr.Dataset({name: ("case", values) for name, values in largest.items()})
