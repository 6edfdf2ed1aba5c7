"""Performance profiles (Dolan and More, Math. Program. 91 (2002) 201) of optimizers tuned with the same budget."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 500


def profile(steps: NDArray, ratios: ArrayLike) -> NDArray:
    """Share of problems that a solver solves within ``ratios`` (k,) times the steps of the fastest: (solvers, k).

    ``steps`` is (solvers, problems), inf where a solver fails. A problem that nobody solves counts against everyone.

    >>> profile(np.array([[10.0, 40.0], [20.0, 20.0]]), [1, 2])
    array([[0.5, 1. ],
           [0.5, 1. ]])
    """
    best = steps.min(axis=0)
    relative = np.where(np.isfinite(steps), steps, np.inf) / np.where(np.isfinite(best), best, 1.0)
    return (relative[..., None] <= np.asarray(ratios, dtype=float)).mean(axis=1)


def profile_interval(
    steps: NDArray, ratios: ArrayLike, seed: int, level: float = 0.95, resamples: int = RESAMPLES
) -> tuple[NDArray, NDArray]:
    """Bootstrap interval of the profile of ``steps`` (solvers, objectives, seeds): objectives resampled, then seeds.

    A problem is an objective with a seed, so that the solvers meet the same start and the same noise.
    """
    solvers, objectives, seeds = steps.shape
    rng = np.random.default_rng(seed)
    found = np.empty((resamples, solvers, np.size(ratios)))
    for i in range(resamples):
        which = rng.integers(0, objectives, size=(objectives, 1))
        drawn = steps[:, which, rng.integers(0, seeds, size=(objectives, seeds))]
        found[i] = profile(drawn.reshape(solvers, -1), ratios)
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
