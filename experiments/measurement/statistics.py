"""Intervals from independent values, with the coverage that they state.

A mean has Student's t interval: exact for normal values at every n, and close to its level for others once n is not
small, which is why fewer than :data:`FEWEST` values are refused. Where values are skewed it is the logarithms that are
averaged (:func:`geometric_interval`), or the median is asked for, whose interval of order statistics
(:func:`median_interval`) holds for every law.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, betaincinv, stdtrit  # scipy.stats would take longer to import than all of these

#: Intervals from fewer values than this are refused.
FEWEST: Final = 10


def mean_interval(values: ArrayLike, level: float = 0.95) -> tuple[NDArray, NDArray]:
    """Student's interval of the mean over the last axis: arrays (low, high) of the shape of the other axes.

    Parameters
    ----------
    values : array_like
        (..., n), independent along the last axis, n >= 10.
    level : float
        The coverage for normal values, in (0, 1).

    Raises
    ------
    ValueError
        For fewer than ten values, or a ``level`` outside (0, 1).

    >>> low, high = mean_interval(np.arange(10.0))
    >>> round(float(low), 3), round(float(high), 3)
    (2.334, 6.666)
    """
    values, n = _checked(values, level)
    centre, spread = values.mean(axis=-1), values.std(axis=-1, ddof=1)
    half = stdtrit(n - 1, (1 + level) / 2) * spread / np.sqrt(n)
    return centre - half, centre + half


def geometric_interval(values: ArrayLike, level: float = 0.95) -> tuple[NDArray, NDArray]:
    """The interval of the geometric mean over the last axis: Student's, of the logarithms.

    Raises
    ------
    ValueError
        As :func:`mean_interval`, or for values that are not positive and finite.
    """
    values = np.asarray(values, dtype=float)
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(f"values must lie in (0, inf), got {values[~(np.isfinite(values) & (values > 0))][0]}")
    low, high = mean_interval(np.log(values), level)
    return np.exp(low), np.exp(high)


def median_interval(values: ArrayLike, level: float = 0.95) -> tuple[NDArray, NDArray]:
    """The interval of the median over the last axis: two order statistics that enclose it with at least ``level``.

    ``P(X_(k) <= median <= X_(n+1-k)) = 1 - 2 P(Binomial(n, 1/2) < k)`` for every continuous law, at least that for any;
    k is the largest for which it reaches the level. Infinite values are allowed.

    Raises
    ------
    ValueError
        For fewer than ten values, a ``level`` outside (0, 1), or one that n values cannot reach.

    >>> [float(end) for end in median_interval(np.arange(10.0))]
    [1.0, 8.0]
    """
    values, n = _checked(values, level)
    ordered = np.sort(values, axis=-1)
    at_most = bdtr(np.arange(n), n, 0.5)  # P(Binomial <= j)
    k = int(np.searchsorted(at_most, (1 - level) / 2))  # the largest k with P(Binomial < k) <= (1 - level)/2
    if k < 1:
        raise ValueError(f"level must be at most {1 - 2.0 ** (1 - n):g} for the median of {n} values, got {level}")
    return ordered[..., k - 1], ordered[..., n - k]


def share_interval(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval of a probability from ``count`` of ``n`` trials: it holds at least ``level``.

    >>> [round(end, 3) for end in share_interval(10, 10)]
    [0.692, 1.0]
    """
    tail = (1 - level) / 2
    low = betaincinv(count, n - count + 1, tail) if count > 0 else 0.0
    high = betaincinv(count + 1, n - count, 1 - tail) if count < n else 1.0
    return float(low), float(high)


def loglog_slope(x: ArrayLike, values: ArrayLike, level: float = 0.95) -> NDArray:
    """Least-squares slope of log(mean over seeds) in log x, with its interval: (slope, low, high).

    The slope is a weighted sum of the logarithms, ``sum_i c_i log m_i``; to first order the variance of ``log m_i`` is
    that of the mean over its square. Points are independent of each other; the quantile is Student's for the seeds of
    one point, which errs on the wide side.

    Parameters
    ----------
    x : array_like
        (points,), positive.
    values : array_like
        (points, seeds), positive means, at least ten seeds.

    Raises
    ------
    ValueError
        As :func:`mean_interval`.
    """
    values, n = _checked(values, level)
    log_x = np.log(x) - np.mean(np.log(x))
    weights = log_x / (log_x @ log_x)
    means = values.mean(axis=-1)
    slope = weights @ np.log(means)
    errors = weights * values.std(axis=-1, ddof=1) / (np.sqrt(n) * means)
    half = stdtrit(n - 1, (1 + level) / 2) * np.sqrt(errors @ errors)
    return np.array([slope, slope - half, slope + half])


def _checked(values: ArrayLike, level: float) -> tuple[NDArray, int]:
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    values = np.asarray(values, dtype=float)
    n = values.shape[-1] if values.ndim else 1
    if n < FEWEST:
        raise ValueError(f"values must hold at least {FEWEST} independent values, got {n}")
    return values, n
