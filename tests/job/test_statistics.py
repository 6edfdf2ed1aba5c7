"""Intervals: against textbook values, and the coverage that they state."""

import math

import numpy as np
import pytest
from scipy import stats

from experiments.measurement.statistics import (
    FEWEST,
    geometric_interval,
    loglog_slope,
    mean_interval,
    median_interval,
    share_interval,
)

#: How many values the studies average: seeds, objectives, processes; and the levels that they ask for.
IN_USE = [(10, 0.95), (10, 0.999), (11, 0.95), (16, 0.999), (24, 0.95), (30, 0.95), (32, 0.95), (64, 0.95), (64, 0.999)]


def test_the_mean_has_students_interval():
    """The table's quantile for nine degrees of freedom, 2.262, and SciPy's own interval."""
    values = np.random.default_rng(0).normal(size=(3, 10))
    low, high = mean_interval(values)
    half = 2.2621571627 * values.std(axis=-1, ddof=1) / math.sqrt(10)
    np.testing.assert_allclose([low, high], [values.mean(-1) - half, values.mean(-1) + half], rtol=1e-9)
    scipy = stats.ttest_1samp(values, 0.0, axis=-1).confidence_interval(0.999)
    np.testing.assert_allclose(mean_interval(values, 0.999), [scipy.low, scipy.high], rtol=1e-12)


def test_geometric_means_are_means_of_logarithms():
    values = np.exp(np.random.default_rng(1).normal(size=12))
    low, high = geometric_interval(values)
    np.testing.assert_allclose(np.log([low, high]), mean_interval(np.log(values)), rtol=1e-12)
    assert low < stats.gmean(values) < high
    np.testing.assert_allclose(geometric_interval(7 * values), (7 * low, 7 * high), rtol=1e-12)


def test_medians_lie_between_the_order_statistics_of_the_sign_test():
    """n = 10: the second and the ninth, 97.9 %; n = 30: the tenth and the twenty-first, 95.7 %; infinities allowed."""
    assert [float(end) for end in median_interval(np.arange(1.0, 11))] == [2, 9]
    assert [float(end) for end in median_interval(np.arange(1.0, 31))] == [10, 21]
    assert [float(end) for end in median_interval([1.0] * 4 + [2.0] * 4 + [math.inf] * 2)] == [1.0, math.inf]


@pytest.mark.parametrize("n", [10, 11, 30, 64])
def test_the_stated_level_is_reached_and_not_by_much_more_than_one_order_statistic(n):
    low, high = median_interval(np.arange(1.0, n + 1))
    k = int(low)
    assert high == n + 1 - k
    covered = [1 - 2 * stats.binom.cdf(j - 1, n, 0.5) for j in (k, k + 1)]
    assert covered[0] >= 0.95 > covered[1]


@pytest.mark.parametrize(("count", "n"), [(0, 10), (1, 10), (7, 96), (95, 96), (96, 96)])
def test_a_share_has_clopper_and_pearsons_interval(count, n):
    for level in (0.95, 0.999):
        exact = stats.binomtest(count, n).proportion_ci(level, method="exact")
        np.testing.assert_allclose(share_interval(count, n, level), [exact.low, exact.high], rtol=1e-9)


def test_the_slope_of_a_power_is_found_with_an_interval_that_knows_the_noise():
    N = np.geomspace(100, 1e5, 7)
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(7, 24))
    slope, low, high = loglog_slope(N, (3 * N**-0.5)[:, None] * (1 + 0.05 * noise))
    assert low < -0.5 < high and low < slope < high
    wider = loglog_slope(N, (3 * N**-0.5)[:, None] * (1 + 0.1 * noise))
    assert (wider[2] - wider[1]) / (high - low) == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("interval", [mean_interval, geometric_interval, median_interval])
def test_few_values_have_no_interval(interval):
    assert FEWEST == 10
    with pytest.raises(ValueError, match="values must hold at least 10 independent values, got 9"):
        interval(np.ones(9))
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got 0"):
        interval(np.ones(10), level=0)


LAWS = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.0, 0.0),
    "lognormal": (lambda rng, n: rng.lognormal(size=n), math.exp(0.5), 1.0),
}


def coverage(interval, law, n, level, samples, where):
    """The share of samples whose interval holds the law's mean (``where`` 1) or median (2)."""
    draw, *truth = LAWS[law]
    low, high = interval(draw(np.random.default_rng([n, samples]), (samples, n)), level)
    return float(((low <= truth[where - 1]) & (truth[where - 1] <= high)).mean())


def test_a_mean_of_ten_normal_values_is_covered_as_often_as_is_said():
    assert coverage(mean_interval, "normal", 10, 0.95, 4000, 1) >= 0.94


@pytest.mark.slow
@pytest.mark.parametrize(("n", "level"), IN_USE)
def test_intervals_cover_what_they_state(n, level, capsys):
    """Normal data: 95 % covers at least 94 %, 99.9 % at least 99.8 %. On lognormal data a mean is covered less often.

    There the median's interval keeps its level, as it does for every law, and the logarithms' interval that of theirs.
    """
    samples = 40_000
    least = {0.95: 0.94, 0.999: 0.998}[level]
    assert coverage(mean_interval, "normal", n, level, samples, 1) >= least
    if n > 10 or level < 0.998:
        assert coverage(median_interval, "lognormal", n, level, samples, 2) >= least
    logs = coverage(geometric_interval, "lognormal", n, level, samples, 2)
    assert logs >= least
    skewed = coverage(mean_interval, "lognormal", n, level, samples, 1)
    with capsys.disabled():
        print(f"\nn = {n}, {level:.1%}: mean of lognormal values covered {skewed:.1%}, their geometric mean {logs:.1%}")
    assert skewed < level


def test_the_slope_has_the_interval_of_its_errors():
    """Two points a factor e apart: the slope is the difference of the logarithms, its variance the sum of theirs."""
    values = np.array([1.0, math.e**2])[:, None] * (1 + 0.01 * np.array([np.arange(-5, 6), np.arange(5, -6, -1)]))
    slope, low, high = loglog_slope([1.0, math.e], values, level=0.9)
    error = 0.01 * math.sqrt(11) / math.sqrt(11)  # of the logarithm of each mean: the variance of -5, ..., 5 is 11
    half = stats.t.ppf(0.95, 10) * math.sqrt(2) * error
    np.testing.assert_allclose([slope, low, high], [2, 2 - half, 2 + half], rtol=1e-9)
    asked, default = (loglog_slope([1.0, math.e], values, **level) for level in ({"level": 0.95}, {}))
    np.testing.assert_array_equal(asked, default)


def test_the_widest_interval_of_a_median_is_the_range():
    """n = 10: the range covers with 1 - 2^-9 = 99.8 %."""
    low, high = median_interval(np.arange(1.0, 11), 0.99)
    assert (low, high) == (1, 10)
    with pytest.raises(ValueError, match=r"level must be at most 0\.998047 for the median of 10 values, got 0\.999"):
        median_interval(np.arange(1.0, 11), 0.999)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 1.1])
def test_a_level_lies_between_0_and_1(level):
    for interval in (mean_interval, median_interval):
        with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got"):
            interval(np.arange(10.0), level)
