"""Intervals from seeds: bootstrap of a mean, and slopes of log-log fits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000


def confidence(values: NDArray, seed: int, level: float = 0.95) -> tuple[NDArray, NDArray]:
    """Bootstrap interval (percentile) of the mean over the last axis: arrays of the shape of the other axes.

    Raises
    ------
    ValueError : if ``level`` lies outside (0, 1) or there are fewer than two values.
    """
    means = _resampled_means(values, seed)
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    centre = values.mean(axis=-1)
    return np.minimum(low, centre), np.maximum(high, centre)


def loglog_slope(x: NDArray, values: NDArray, seed: int, level: float = 0.95) -> NDArray:
    """Least-squares slope of log(mean over seeds) in log x, with its bootstrap interval: (slope, low, high).

    ``values`` has shape (points, seeds); the seeds of every point are resampled independently.
    """
    log_x = np.log(x) - np.log(x).mean()

    def slope(means: NDArray) -> NDArray:
        return (log_x @ np.log(means)) / (log_x @ log_x)

    resampled = slope(_resampled_means(values, seed))
    return np.array([slope(values.mean(axis=-1)), *np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])])


def _resampled_means(values: NDArray, seed: int) -> NDArray:
    """Means of resamples of the last axis, (..., RESAMPLES)."""
    n = values.shape[-1]
    if n < 2:
        raise ValueError(f"values must hold at least 2 seeds, got {n}")
    rng = np.random.default_rng(seed)
    rows = values.reshape(-1, n)
    means = np.array([row[rng.integers(0, n, size=(RESAMPLES, n))].mean(axis=1) for row in rows])
    return means.reshape(*values.shape[:-1], RESAMPLES)
