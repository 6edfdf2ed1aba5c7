"""From runs to statements: paired differences, corrections for many, plateaus, profiles, ranges, times to a target."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from experiments.measurement.statistics import geometric_interval

#: In this share of the steps, the last, the validation loss may gain no more than this share of the trivial loss.
TAIL, GAIN = 0.1, 0.01
#: Resamples behind an interval of a profile.
RESAMPLES: Final = 500
#: Factors over the best for the performance profile.
FACTORS: Final = np.geomspace(1, 10, 41)


class Paired(NamedTuple):
    """Two optimizers on the same seeds: the geometric mean of loss/loss with its interval, effect size, p-value."""

    ratio: float
    low: float
    high: float
    effect: float  #: mean of the log-ratio over its standard deviation (Cohen's d of paired differences)
    p: float  #: Wilcoxon's signed-rank test of the log-ratio, two-sided


def paired(ours: ArrayLike, theirs: ArrayLike, level: float = 0.95) -> Paired:
    """How much larger one loss is than the other, seed by seed; below 1, ``ours`` is smaller.

    Parameters
    ----------
    ours, theirs : array_like
        Positive losses (seeds,), of the same seeds in the same order.
    level : float
        Of the interval, Student's for the mean of the logarithms.

    Raises
    ------
    ValueError
        If the two have different shapes, fewer than ten seeds, or a loss that is not positive and finite.

    >>> losses = np.geomspace(1.0, 2.0, 10)
    >>> paired(losses, 2 * losses).ratio.__round__(9)
    0.5
    """
    from scipy.stats import wilcoxon

    first, second = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"losses must come in pairs, got shapes {first.shape} and {second.shape}")
    for losses in (first, second):
        if not (np.isfinite(losses) & (losses > 0)).all():
            raise ValueError(f"losses must lie in (0, inf), got {losses[~(np.isfinite(losses) & (losses > 0))][0]}")
    logs = np.log(first / second)
    low, high = geometric_interval(first / second, level)
    spread = logs.std(ddof=1)
    effect = float(np.divide(logs.mean(), spread)) if spread > 0 else float(np.sign(logs.mean())) * np.inf
    p = float(wilcoxon(logs).pvalue) if logs.any() else 1.0
    return Paired(float(np.exp(logs.mean())), float(low), float(high), effect if logs.any() else 0.0, p)


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjusted p-values, in the order and shape of ``p``.

    >>> holm([0.01, 0.04, 0.03]).round(9).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values.ravel())
    factors = np.arange(values.size, 0, -1)
    adjusted = np.empty(values.size)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * values.ravel()[order]), 1)
    return adjusted.reshape(values.shape)


def tail_gain(curve: ArrayLike, unit: float | None = None) -> float:
    """What a loss lost in the last tenth of the steps, as a share of ``unit``; of itself if that is None.

    ``curve`` (checks,) at equally spaced steps. A loss with a floor above zero settles in units of itself. One that
    falls to zero with the learning rate, such as the distance of a sampler from a target that it can represent, does
    not: it needs a unit from outside.

    >>> tail_gain([4.0] + 17 * [3.0] + [2.0, 1.5, 1.0]), tail_gain([4.0] + 17 * [3.0] + [2.0, 1.5, 1.0], unit=10.0)
    (0.5, 0.1)
    """
    values = np.asarray(curve, dtype=np.float64)
    before = values[-1 - max(round(TAIL * (len(values) - 1)), 1)]
    return float((before - values[-1]) / (before if unit is None else unit))


def time_to(target: float, curves: NDArray, steps: NDArray) -> NDArray[np.float64]:
    """The first of ``steps`` (checks,) at which each curve (checks, runs) is at most ``target``; inf if never."""
    below = curves <= target
    return np.where(below.any(axis=0), steps[below.argmax(axis=0)], np.inf)


def profile(values: NDArray, factors: ArrayLike = FACTORS) -> NDArray[np.float64]:
    """Performance profile: the share of problems in which a solver is within ``factors`` (k,) of the best.

    ``values`` (solvers, problems), positive, smaller is better -> (solvers, k). What is not finite is never within, and
    a problem that nobody solves counts against everyone. Source: Dolan and More, Math. Program. 91 (2002) 201.

    >>> profile(np.array([[10.0, 40.0], [20.0, 20.0]]), [1, 2])
    array([[0.5, 1. ],
           [0.5, 1. ]])
    """
    solved = np.where(np.isfinite(values), values, np.inf)
    best = solved.min(axis=0)
    relative = solved / np.where(np.isfinite(best), best, 1.0)
    return (relative[..., None] <= np.asarray(factors, dtype=float) * (1 + 1e-12)).mean(axis=1)


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


def width(alpha0: ArrayLike, cost: NDArray, reference: ArrayLike | None = None, factor: float = 2.0) -> NDArray:
    """Decades of alpha0 over which ``cost`` (..., alpha0), steps or a loss, is within ``factor`` of ``reference``.

    The reference is the smallest cost unless it is given. Between neighbours log cost is taken as linear in log alpha0;
    nothing is assumed between a finite value and an infinite one, which stands for a run that failed.

    Raises
    ------
    ValueError
        If alpha0 does not increase, factor < 1, or a cost is not positive.
    """
    decades = np.diff(np.log10(np.asarray(alpha0, dtype=float)))
    if not (decades > 0).all():
        raise ValueError(f"alpha0 must increase, got {alpha0!r}")
    if not factor >= 1:
        raise ValueError(f"factor must be at least 1, got {factor}")
    if not (cost > 0).all():
        raise ValueError(f"cost must be positive, got {cost.min()}")
    level = np.asarray(cost.min(axis=-1) if reference is None else reference, dtype=float)
    known = np.isfinite(level)
    with np.errstate(divide="ignore"):
        over = np.log(cost) - np.log(factor * np.where(known, level, 1.0))[..., None]  # <= 0: good enough
    left, right = over[..., :-1], over[..., 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(left <= 0, left / (left - right), right / (right - left))
    share = np.where((left <= 0) & (right <= 0), 1.0, np.where((left <= 0) | (right <= 0), inside, 0.0))
    return np.where(known, (share * decades).sum(axis=-1), 0.0)
