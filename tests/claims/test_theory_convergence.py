"""The rate with a predictable gate: the bounds, their limits and crossings, and the lemmas on every path."""

from dataclasses import replace
from functools import partial
from math import gamma, log, sqrt

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import brentq

from theory.claim import vanishes
from theory.claims.convergence import shares, straight_slope
from theory.claims.convergence import smoothed_gate as smoothed_rate
from theory.claims.convergence.predictable_gate import (
    C1a,
    crossover,
    derive,
    horizon_bound,
    limit_theorem2,
    limit_theorem4,
    rate_limit,
    theorem1,
    theorem2,
    theorem4,
    trivial_line,
    tuned,
)
from theory.methods import rate_lemmas
from theory.methods.intervals import enclose
from theory.notation import D, L, N, R, alpha0, alpha1, beta1, beta2, d, eps, gate_decay
from theory.recursion import ALGORITHM

PLAIN = {"L": 1.0, "R": 1.0, "D": 1.0, "eps": 1e-8}
INFORMATIVE = {"L": 0.1, "R": 1.0, "D": 1.0, "eps": 1e-2, "alpha1": 1.0}


# ---------------------------------------------------------------- the bounds


def second_by_hand(n, alpha, clip, b2, e, smooth, dim, radius, gap):
    """Theorem 2, as in arXiv:2003.02395 (12), times 1 + clip."""
    constant = 4 * dim * radius**2 / sqrt(1 - b2) + alpha * dim * radius * smooth / (1 - b2)
    return (1 + clip) * (
        2 * radius * gap / (alpha * n) + constant * (log(1 + radius**2 / ((1 - b2) * e)) / n - log(b2))
    )


def fourth_by_hand(n, alpha, clip, b1, b2, e, smooth, dim, radius, gap):
    """Theorem 4, as in arXiv:2003.02395 (16), times 1 + clip."""
    effective, ratio = n - b1 / (1 - b1), 1 - b1 / b2
    constant = (
        alpha * dim * radius * smooth * (1 - b1) / (ratio * (1 - b2))
        + 12 * dim * radius**2 * sqrt(1 - b1) / (ratio**1.5 * sqrt(1 - b2))
        + 2 * alpha**2 * dim * smooth**2 * b1 / (ratio * (1 - b2) ** 1.5)
    )
    return (1 + clip) * (
        2 * radius * gap / (alpha * effective)
        + constant * (log(1 + radius**2 / ((1 - b2) * e)) - n * log(b2)) / effective
    )


POINT = {N: 500, alpha0: 0.03, alpha1: 3.0, beta1: 0.7, beta2: 0.97, eps: 1e-3, L: 0.6, d: 5, R: 1.7, D: 2.5}


def test_the_bounds_equal_an_independent_transcription():
    n, alpha, clip, b1, b2, e, smooth, dim, radius, gap = POINT.values()
    assert float(theorem2.subs(POINT)) == pytest.approx(
        second_by_hand(n, alpha, clip, b2, e, smooth, dim, radius, gap), rel=1e-12
    )
    assert float(theorem4.subs(POINT)) == pytest.approx(
        fourth_by_hand(n, alpha, clip, b1, b2, e, smooth, dim, radius, gap), rel=1e-12
    )
    first = 2 * radius * gap / (alpha * sqrt(n)) + (4 * dim * radius**2 + alpha * dim * radius * smooth) / sqrt(
        n
    ) * log(1 + n * radius**2 / e)
    assert float(theorem1.subs(POINT)) == pytest.approx((1 + clip) * first, rel=1e-12)


def test_reductions():
    """Ungated Adam at alpha1 = 0; Theorem 4 at beta1 = 0 is Theorem 2 with 12 in place of 4."""
    for bound in (theorem1, theorem2, theorem4):
        assert vanishes(bound - (1 + alpha1) * bound.subs(alpha1, 0))
    twelve = theorem2 + (1 + alpha1) * 8 * d * R**2 / sp.sqrt(1 - beta2) * (
        sp.log(1 + R**2 / ((1 - beta2) * eps)) / N - sp.log(beta2)
    )
    assert vanishes(theorem4.subs(beta1, 0) - twelve)


@pytest.mark.parametrize("symbol", [alpha1, L, D, R, d, beta1], ids=str)
def test_a_harder_problem_has_a_larger_bound(symbol):
    for bound in (theorem2, theorem4):
        if symbol in bound.free_symbols:
            more = {**POINT, symbol: POINT[symbol] + (0.01 if symbol == beta1 else 1)}
            assert bound.subs(more) > bound.subs(POINT)


@pytest.mark.parametrize(("bound", "limit"), [(theorem2, limit_theorem2), (theorem4, limit_theorem4)])
def test_limits_against_numbers(bound, limit):
    """bound sqrt(N) is affine in ln N up to O(1/N): its slope between 1e12 and 1e14 is the limit."""
    constants = {"L": 0.7, "R": 1.3, "D": 2.0, "eps": 1e-4, "d": 3, "alpha1": 4.0, "beta1": 0.8}
    n = np.array([1e12, 1e14])
    scaled = horizon_bound(bound, n, **constants) * np.sqrt(n)
    slope = (scaled[1] - scaled[0]) / np.log(100.0)
    values = {L: 0.7, R: 1.3, d: 3, alpha1: 4.0, beta1: 0.8}
    assert slope == pytest.approx(float(limit.subs(values)), rel=1e-8)


def test_the_known_limits():
    assert vanishes(limit_theorem2 - (1 + alpha1) * d * R * (4 * R + L))
    assert limit_theorem2.subs({alpha1: 19, d: 1, R: 1, L: 1}) == 100
    assert limit_theorem4.subs({alpha1: 0, d: 1, R: 1, L: 1, beta1: sp.Rational(9, 10)}) == 139


def test_what_is_tuned_to_the_horizon():
    assert tuned(alpha0) == 1 / sp.sqrt(N) and tuned(beta2) == tuned(gate_decay) == 1 - 1 / N
    assert tuned(gate_decay, sp.Rational(1, 3)) == sp.Rational(2, 3) and tuned(beta2, sp.Rational(1, 3)) == 1 - 1 / N
    assert tuned(alpha0 * beta2 * L) == L * (1 - 1 / N) / sp.sqrt(N)


def test_the_gate_is_as_slow_as_the_horizon_unless_told_otherwise():
    plain = {"L": 0.7, "R": 1.3, "D": 2.0, "eps": 1e-4, "alpha1": 2.0, "beta3": 1.0}
    n = np.array([50.0, 1000.0])
    bound = horizon_bound(smoothed_rate.theorem, n, **plain)
    np.testing.assert_array_equal(bound, horizon_bound(smoothed_rate.theorem, n, **plain, slowness=1 / n))
    assert (bound != horizon_bound(smoothed_rate.theorem, n, **plain, slowness=2 / n)).all()
    assert np.isfinite(horizon_bound(smoothed_rate.theorem, n, **plain, slowness=1.0)).all()
    for slowness in (0.0, -0.5, 1.02, [0.5, 0.0], [1.5, 0.5], np.nan):
        with pytest.raises(ValueError, match=r"slowness must lie in \(0, 1\]"):
            horizon_bound(smoothed_rate.theorem, n, **plain, slowness=slowness)


def test_large_horizons_lose_no_digits():
    """At N = 1e12, 1 - 1/N has four digits left of 1/N: the bound must not depend on it."""
    constants = {"L": 0.7, "R": 1.3, "D": 2.0, "eps": 1e-4, "alpha1": 4.0, "beta1": 0.8}
    exact = {L: sp.Rational("0.7"), R: sp.Rational("1.3"), D: 2, eps: sp.Rational("1e-4"), d: 1, alpha1: 4}
    expr = tuned(theorem4).subs({**exact, beta1: sp.Rational("0.8"), N: 10**12})
    assert horizon_bound(theorem4, 1e12, **constants) == pytest.approx(float(sp.N(expr, 40)), rel=1e-13)


# ---------------------------------------------------------------- crossings of the trivial line


@pytest.mark.parametrize(
    ("bound", "problem", "expected"),
    [
        (theorem4, {**PLAIN, "beta1": 0.9}, 25_749_317),
        (theorem2, INFORMATIVE, 27_249),
        (theorem4, {**INFORMATIVE, "beta1": 0.5}, 1_395_721),
    ],
    ids=["plain", "informative", "informative with momentum"],
)
def test_crossover(bound, problem, expected):
    n = crossover(bound, **problem)
    line = trivial_line(R=problem["R"], eps=problem["eps"])
    assert horizon_bound(bound, n, **problem) < line <= horizon_bound(bound, n - 1, **problem)
    later = np.geomspace(n, 1e6 * n, 200)
    assert np.all(np.diff(horizon_bound(bound, later, **problem)) < 0)
    assert n == expected


def test_crossover_by_hand():
    """The plain setup, by root finding on the transcription."""

    def excess(ln_n):
        n = np.exp(ln_n)
        bound = fourth_by_hand(n, 1 / sqrt(n), 0.0, 0.9, 1 - 1 / n, 1e-8, 1.0, 1, 1.0, 1.0)
        return bound - (1 - 1e-4) ** 2

    assert np.exp(brentq(excess, log(1e5), log(1e10), xtol=1e-13)) == pytest.approx(25_749_317, rel=1e-6)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999])
def test_the_shortest_horizon_is_the_first_beyond_the_velocitys_memory(decay):
    """At ``N = 1/(1-beta1)`` beta2 equals beta1, in floating point too, and the bound divides by zero."""
    memory = round(1 / (1 - decay))
    with pytest.raises(ValueError, match="steps must exceed"):
        horizon_bound(theorem4, memory, **PLAIN, beta1=decay)
    assert 0 < horizon_bound(theorem4, memory + 1, **PLAIN, beta1=decay) < np.inf
    n = crossover(theorem4, **PLAIN, beta1=decay)
    line = trivial_line(R=PLAIN["R"], eps=PLAIN["eps"])
    assert horizon_bound(theorem4, n, **PLAIN, beta1=decay) < line
    assert n > memory and horizon_bound(theorem4, n - 1, **PLAIN, beta1=decay) >= line


def test_without_mention_there_is_one_dimension_and_neither_gate_nor_momentum():
    plain = {"L": 0.7, "R": 1.3, "D": 2.0, "eps": 1e-4}
    for bound in (theorem2, theorem4, smoothed_rate.theorem):
        stated = horizon_bound(bound, 1000, **plain, d=1, alpha1=0.0, beta1=0.0, beta3=0.0)
        assert horizon_bound(bound, 1000, **plain) == stated
        assert crossover(bound, **plain) == crossover(bound, **plain, d=1, alpha1=0.0, beta1=0.0, beta3=0.0)


def test_a_larger_gate_needs_a_longer_horizon():
    horizons = [crossover(theorem2, **{**INFORMATIVE, "alpha1": clip}) for clip in (0.0, 1.0, 3.0, 19.0)]
    assert horizons == sorted(horizons) and horizons[-1] > 100 * horizons[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"L": 0.0}, "L must be positive, got 0.0"),
        ({"D": -1.0}, "D must be nonnegative, got -1.0"),
        ({"beta1": 1.0}, r"beta1 must lie in \[0, 1\), got 1.0"),
        ({"alpha1": -0.1}, "alpha1 must be nonnegative, got -0.1"),
    ],
)
def test_bad_constants_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        horizon_bound(theorem2, 1000, **{**INFORMATIVE, **change})


def test_bad_horizons_are_named():
    with pytest.raises(ValueError, match=r"steps must exceed 1/\(1 - beta1\) = 10, got 10"):
        horizon_bound(theorem4, 10, **PLAIN, beta1=0.9)
    with pytest.raises(ValueError, match=r"steps must exceed 1/\(1 - beta1\) = 1.66667, got 1.5"):
        horizon_bound(theorem4, 1.5, **PLAIN, beta1=0.4)
    assert horizon_bound(theorem4, 1.5, **PLAIN, beta1=0.3) > 0
    for steps in (1, 0, -3, [5, 1]):
        with pytest.raises(ValueError, match=r"steps must exceed 1/\(1 - beta1\) = 1, got"):
            horizon_bound(theorem2, steps, **PLAIN)
    with pytest.raises(ValueError, match=r"R must exceed sqrt\(eps\) = 1, got 0.5"):
        crossover(theorem2, L=1.0, R=0.5, D=1.0, eps=1.0)
    with pytest.raises(ValueError, match=r"R must exceed sqrt\(eps\) = 0.5, got 0.5"):
        crossover(theorem2, L=1.0, R=0.5, D=1.0, eps=0.25)


def test_the_memory_of_the_gate_grows_with_the_horizon_unless_it_is_said_otherwise():
    """gate_decay = 1 - 1/N: the limit of (1 - gate_decay) sqrt(N) ln N in units of ln N/sqrt N is one."""
    assert rate_limit((1 - gate_decay) * sp.sqrt(N) * sp.log(N)) == 1
    assert rate_limit((1 - gate_decay) * sp.sqrt(N) * sp.log(N), 3 / N) == 3


# ---------------------------------------------------------------- the derivation


@pytest.mark.parametrize(
    ("change", "unaffected"),
    [
        ({"beta1": beta1 + sp.Rational(1, 100)}, {"theorem1"}),
        ({"beta2": beta2 - sp.Rational(1, 100)}, {"theorem1"}),
        ({"new1": 2 * (1 - beta1)}, {"theorem1"}),
        ({"alpha1": alpha1 + sp.Rational(1, 100)}, set()),
    ],
    ids=["momentum", "second moment", "entering gradient", "clip"],
)
def test_another_recursion_has_other_bounds(change, unaffected):
    derived = derive(replace(ALGORITHM, **change))
    agreeing = {name for name, formula in C1a.formulas.items() if vanishes(derived[name] - formula)}
    assert agreeing == unaffected


def test_the_series_are_the_series():
    k, x = sp.symbols("k x", positive=True)
    for polynomial in (1 + 0 * k, k + 1, (k + 1) ** 2, k**3 - 2 * k + 5):
        closed = rate_lemmas.series(sp.expand(polynomial) * x**k, k, x).subs(x, sp.Rational(2, 7))
        partial = sum((polynomial * x**k).subs({x: sp.Rational(2, 7), k: j}) for j in range(60))
        assert abs(closed - partial) < 1e-20


@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.9, 0.99, 0.999])
def test_sums_with_roots(ratio):
    """Below their bounds, and above Gamma(3/2) and Gamma(5/2)/sqrt(2) times them, the limits at ratio 1."""
    q = np.arange(40_000.0)
    weights = ratio**q
    roots = np.sum(weights * np.sqrt(q + 1)) / float(rate_lemmas.root_sum(ratio))
    assert gamma(1.5) < roots <= 1 + 1e-12
    if ratio > 0:
        lags = np.sum(weights * q**1.5) / float(rate_lemmas.drift_sum(ratio))
        assert 0.7 < lags <= gamma(2.5) / sqrt(2) + 1e-3


def test_signs_are_not_guessed():
    t, u = sp.symbols("t u", nonnegative=True)
    assert rate_lemmas.is_nonnegative((1 - t) / (1 + t) - 1 / (1 + t) + t / (1 + t), t)
    assert not rate_lemmas.is_nonnegative(t - u, t, u)
    assert not rate_lemmas.is_nonnegative(t - sp.Rational(1, 10**9), t)
    assert not rate_lemmas.is_nonnegative(1 / (t - 1), t)


def test_every_proof_needs_each_of_its_facts(fails_without_each_fact):
    proofs = {name: proof for name, proof in vars(rate_lemmas).items() if name.startswith("prove_")}
    facts = {name: fails_without_each_fact(rate_lemmas, proof) for name, proof in proofs.items()}
    assert len(facts) == 12 and facts["prove_descent"] == 9 and facts["prove_root_sums"] == 3


def test_helpers_cover_their_intervals():
    """``below_one`` is all of [0, 1) and ``inside_unit`` all of (0, 1), each once."""
    value, p = rate_lemmas.below_one("p")
    inside = rate_lemmas.inside_unit("q")
    (q,) = inside.free_symbols
    assert p.is_nonnegative and p.is_positive is None and q.is_positive
    assert value.subs(p, 0) == 0 and sp.limit(value, p, sp.oo) == 1 and sp.factor(sp.diff(value, p)).is_positive
    assert sp.limit(inside, q, 0) == 1 and sp.limit(inside, q, sp.oo) == 0 and sp.factor(sp.diff(inside, q)).is_negative


# ---------------------------------------------------------------- enclosures


def test_enclosures_contain_the_value():
    expr = theorem4.subs({symbol: sp.Rational(str(number)) for symbol, number in POINT.items()})
    box = enclose(expr)
    exact = sp.N(expr, 40)
    assert sp.Rational(*float(box.a).as_integer_ratio()) <= exact <= sp.Rational(*float(box.b).as_integer_ratio())
    assert float(box.delta) < 1e-9 * float(exact)


def test_enclosures_refuse_what_they_do_not_know():
    with pytest.raises(ValueError, match="sums, products, powers and logs"):
        enclose(sp.sin(1))
    with pytest.raises(ValueError, match="exponents must be integers or half-integers"):
        enclose(sp.Integer(2) ** sp.Rational(1, 3))


def noted(asked, found, *words):
    asked.append(words)
    return found


@pytest.mark.parametrize(
    ("name", "bound", "required", "at"),
    [
        ("a straight slope nearly attains Theorem 2", shares.theorem2_shares, 0.7, (0.0, False)),
        ("a straight slope nearly attains Theorem 4", shares.theorem4_shares, 0.55, (0.9, False)),
    ],
)
def test_the_slope_is_met_with_the_gate_of_the_claim(monkeypatch, name, bound, required, at):
    """The bound at its own momentum, the gate at its floor; a thousandth less than is asked is too little."""
    for found, enough in ((required, True), (0.999 * required, False), (1.0, True), (1.001, False)):
        asked = []
        monkeypatch.setattr(straight_slope, "ratio", partial(noted, asked, found))
        assert C1a.steps[name]() is enough and asked == [(bound, *at)]
