"""From runs to statements: paired differences, corrections for many of them, plateaus, profiles, times to a target."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import wilcoxon

from experiments.measurement.statistics import confidence

#: In this share of the steps, the last, the validation loss may gain no more than this share of the trivial loss.
TAIL, GAIN = 0.1, 0.01
#: Factors over the best for the performance profile.
FACTORS: Final = np.geomspace(1, 10, 41)


class Paired(NamedTuple):
    """Two optimizers on the same seeds: the geometric mean of loss/loss with its interval, effect size, p-value."""

    ratio: float
    low: float
    high: float
    effect: float  #: mean of the log-ratio over its standard deviation (Cohen's d of paired differences)
    p: float  #: Wilcoxon's signed-rank test of the log-ratio, two-sided


def paired(ours: ArrayLike, theirs: ArrayLike, seed: int, level: float = 0.95) -> Paired:
    """How much larger one loss is than the other, seed by seed; below 1, ``ours`` is smaller.

    Parameters
    ----------
    ours, theirs : positive losses (seeds,), of the same seeds in the same order.
    level : of the bootstrap interval.

    Raises
    ------
    ValueError : if the two have different shapes, fewer than two seeds, or a loss that is not positive and finite.

    >>> paired([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], seed=0).ratio.__round__(9)
    0.5
    """
    first, second = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"losses must come in pairs, got shapes {first.shape} and {second.shape}")
    for losses in (first, second):
        if not (np.isfinite(losses) & (losses > 0)).all():
            raise ValueError(f"losses must lie in (0, inf), got {losses[~(np.isfinite(losses) & (losses > 0))][0]}")
    logs = np.log(first / second)
    low, high = confidence(logs, seed, level)
    spread = logs.std(ddof=1)
    effect = float(np.divide(logs.mean(), spread)) if spread > 0 else float(np.sign(logs.mean())) * np.inf
    p = float(wilcoxon(logs).pvalue) if logs.any() else 1.0
    return Paired(float(np.exp(logs.mean())), float(np.exp(low)), float(np.exp(high)), effect if logs.any() else 0.0, p)


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


def profile(losses: NDArray) -> NDArray[np.float64]:
    """Performance profile: the share of problems in which an optimizer is within a factor of the best.

    ``losses`` (optimizers, problems) -> (optimizers, len(FACTORS)). A loss that is not finite is never within.
    """
    with np.errstate(invalid="ignore"):
        ratios = losses / np.nanmin(np.where(np.isfinite(losses), losses, np.nan), axis=0)
    return (ratios[:, :, None] <= FACTORS * (1 + 1e-12)).mean(axis=1)


def width(factors: NDArray, losses: NDArray, within: float = 1.1) -> float:
    """How many factors of two around the chosen alpha0 stay within 10 % of the best loss among them.

    ``factors`` are equally spaced powers and increase; the basin is the unbroken stretch around the best.
    """
    good = np.where(np.isfinite(losses), losses, np.inf) <= within * np.nanmin(losses)
    best = int(np.nanargmin(losses))
    low = high = best
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(good) - 1 and good[high + 1]:
        high += 1
    return float(np.log2(factors[high] / factors[low]))
