"""The rate with a smoothed gate: its bounds, their limits, the lemmas on every path, and runs."""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from math import log, pi, sqrt

import numpy as np
import pytest
import sympy as sp

from theory.claim import examine, vanishes
from theory.claims.convergence import predictable_gate as convergence
from theory.claims.convergence import smoothed_gate, smoothed_lemmas, straight_slope
from theory.claims.convergence.predictable_gate import crossover, horizon_bound, rate_limit, theorem2, theorem4, tuned
from theory.claims.convergence.smoothed_gate import (
    C2,
    best_form_b,
    derive,
    limit,
    limit_beta1_zero,
    theorem,
    theorem_b,
    theorem_beta1_zero,
    theorem_beta1_zero_shares,
    theorem_c,
    theorem_shares,
)
from theory.methods import enumeration
from theory.methods.enumeration import CORRECTED, NO_MOMENTUM, SMOOTHED, holds, tightness
from theory.methods.intervals import rational
from theory.notation import D, L, N, R, alpha0, alpha1, beta1, beta2, beta3, d, eps, gate_decay, mu, theta
from theory.recursion import ALGORITHM

POINT = {
    N: 500, alpha0: 0.03, alpha1: 3.0, beta1: 0.7, beta2: 0.97, eps: 1e-3, L: 0.6, d: 5, R: 1.7, D: 2.5,
    beta3: 0.4, gate_decay: 0.99, theta: 0.3,
}  # fmt: skip
PROBLEM = {"L": 0.7, "R": 1.3, "D": 2.0, "eps": 1e-4, "d": 3, "alpha1": 4.0, "beta3": 2.0}


# ---------------------------------------------------------------- the bounds


def prices_by_hand():
    """X of (A), Y of (B) and Z of (C) as numbers, at POINT."""
    q = 0.4 * (1 - 0.99) * 5 * 1.7**2
    lam = log(1 + 1.7**2 / (0.03 * 1e-3)) - 500 * log(0.97)
    ratio, rho, effective = 0.7 / 0.97, 0.7 / sqrt(0.97), 500 - 0.7 / 0.3
    a = 2 * 5 * 1.7**2 * q * 0.3 * sqrt(500 * lam) / (effective * sqrt(0.03) * (1 - rho) ** 2)
    b = q**2 * 1.7**2 * 5 * 0.3 * (1 + ratio) * lam / (0.3 * 0.7 * (1 - ratio) ** 3 * 0.03 * effective)
    first = 3 / 4 + 0.4 * 5 * 1.7**2 * min(2 * sqrt(500), sqrt(2 * pi / 0.01))
    c = 2 * 5 * 1.7**2 * 0.3 / (effective * (1 - rho) ** 2.5) * first
    return a, b, c


def test_the_prices_equal_an_independent_transcription():
    a, b, c = prices_by_hand()
    base = float(theorem4.subs(POINT))
    assert float(theorem.subs(POINT)) == pytest.approx(base + 4 * a, rel=1e-9)
    assert float(theorem_b.subs(POINT)) == pytest.approx(base / 0.7 + 4 * b, rel=1e-9)
    assert float(theorem_c.subs(POINT)) == pytest.approx(base + 4 * a + 4 * c, rel=1e-9)
    plain = {**POINT, beta1: 0}
    lam = log(1 + 1.7**2 / (0.03 * 1e-3)) - 500 * log(0.97)
    x = 2 * 5 * 1.7**2 * (0.4 * 0.01 * 5 * 1.7**2) * sqrt(lam / (500 * 0.03))
    assert float(theorem_beta1_zero.subs(plain)) == pytest.approx(float(theorem2.subs(plain)) + 4 * x, rel=1e-9)


def test_reductions():
    """No gate, or a gate that does not move: the bounds of C1a."""
    for still in ({beta3: 0}, {gate_decay: 1}):
        assert vanishes(theorem.subs(still) - theorem4)
        assert vanishes(theorem_beta1_zero.subs(still) - theorem2)
        assert vanishes(theorem_b.subs(still) - theorem4 / (1 - theta))
    assert vanishes(theorem_beta1_zero - theorem2 - (theorem - theorem4).subs(beta1, 0))
    assert vanishes(theorem_c.subs(alpha1, 0).subs(beta3, 0) - theorem4.subs(alpha1, 0))


def test_slower_gates_and_better_shares_are_cheaper():
    for bound in (theorem, theorem_b):
        values = [float(bound.subs({**POINT, gate_decay: decay})) for decay in (0.0, 0.9, 0.99, 0.999)]
        assert values == sorted(values, reverse=True)
    shares = np.linspace(0.001, 0.999, 4001)
    scan = sp.lambdify(theta, theorem_b.subs({**POINT, theta: theta}))(shares)
    base, price = float(theorem4.subs(POINT)), 4 * prices_by_hand()[1] * 0.3 * 0.7
    assert scan.min() == pytest.approx((sqrt(base + price) + sqrt(price)) ** 2, rel=1e-5)
    best = smoothed_lemmas.best_share(sqrt(base + price), sqrt(price))
    assert shares[scan.argmin()] == pytest.approx(best, abs=1e-3)


def test_form_b_without_a_word_has_no_gate_and_no_momentum():
    constants = {"L": 0.1, "R": 1.0, "D": 1.0, "eps": 1e-2}
    nothing = {"d": 1, "alpha1": 0.0, "beta1": 0.0, "beta3": 0.0}
    assert best_form_b(1e6, **constants) == best_form_b(1e6, **constants, **nothing)


def test_best_form_b_is_the_minimum_over_theta():
    constants = {**PROBLEM, "beta1": 0.5, "slowness": 1e-4}
    numbers = {L: 0.7, R: 1.3, D: 2.0, eps: 1e-4, d: 3, alpha1: 4.0, beta3: 2.0, beta1: 0.5, N: 1e8}
    scan = sp.lambdify(theta, tuned(theorem_b, 1e-4).subs(numbers))(np.linspace(0.01, 0.99, 9801))
    assert best_form_b(1e8, **constants) == pytest.approx(scan.min(), rel=1e-6)
    assert horizon_bound(theorem_b.subs(theta, 0.3), 1e8, **constants) == pytest.approx(scan[2900], rel=1e-9)


# ---------------------------------------------------------------- limits


def test_the_limit_is_that_of_a_predictable_gate():
    assert vanishes(limit - convergence.limit_theorem4)
    assert vanishes(limit_beta1_zero - convergence.limit_theorem2)


@pytest.mark.parametrize(("bound", "goal", "beta"), [(theorem4, limit, 0.8), (theorem2, limit_beta1_zero, 0.0)])
def test_limits_of_the_bases_against_numbers(bound, goal, beta):
    scaled = horizon_bound(bound, np.array([1e12, 1e14]), **PROBLEM, beta1=beta) * np.array([1e6, 1e7])
    values = {L: 0.7, R: 1.3, d: 3, alpha1: 4.0, beta1: beta}
    assert (scaled[1] - scaled[0]) / log(100) == pytest.approx(float(goal.subs(values)), rel=1e-8)


def excess(bound, beta, power, n):
    """How far the bound exceeds its base, relative to it, at 1 - gate_decay = N^-power."""
    base = horizon_bound(theorem4 if beta else theorem2, n, **PROBLEM, beta1=beta)
    return horizon_bound(bound, n, **PROBLEM, beta1=beta, slowness=n**-power) / base - 1


def test_how_fast_the_prices_vanish():
    """Relative to the base: (A) like 1/sqrt(ln N) at N^-1/2, (B) like N^-1/2 there, (C) adds 1/ln N at 1/N."""
    n = np.array([1e60, 1e240])
    for bound, beta in ((theorem, 0.8), (theorem_beta1_zero, 0.0)):
        prices = excess(bound, beta, 0.5, n)
        assert prices[0] / prices[1] == pytest.approx(2, rel=0.05) and prices[1] > 0.01
        assert np.all(np.abs(excess(bound, beta, 1.0, n)) < 1e-13)
    added = excess(theorem_c, 0.8, 1.0, n)
    assert added[0] / added[1] == pytest.approx(4, rel=0.1)
    share = 1e-9
    prices = excess(theorem_b.subs(theta, share), 0.8, 0.5, np.array([1e16, 1e18, 1e20])) - share
    assert prices[:2] / prices[1:] == pytest.approx([10, 10], rel=1e-2)


def test_how_slow_is_slow_enough():
    """(A) fails from 1 - gate_decay = N^-1/4 on; (B) keeps the rate for p > 1/4, and not for p < 1/4."""
    assert rate_limit(theorem - theorem4, 1 / sp.sqrt(N)) == 0
    assert rate_limit(theorem - theorem4, N ** sp.Rational(-1, 4)).has(sp.oo)
    n = np.array([1e40, 1e60, 1e80])
    half = theorem_b.subs(theta, 0.5)
    assert np.all(np.diff(excess(half, 0.5, 0.3, n)) < 0) and np.all(np.diff(excess(half, 0.5, 0.2, n)) > 0)


def test_crossovers():
    """The price of looking ahead postpones the crossing of the trivial line, but little when 1 - gate_decay = 1/N."""
    constants = {"L": 0.1, "R": 1.0, "D": 1.0, "eps": 1e-2, "alpha1": 1.0, "beta1": 0.5}
    predictable, seen = crossover(theorem4, **constants), crossover(theorem, **constants, beta3=1.0)
    assert predictable < seen < 1.01 * predictable


@pytest.mark.parametrize(
    ("change", "message"),
    [({"slowness": 0.0}, r"slowness must lie in \(0, 1\], got 0.0"), ({"beta3": -1.0}, "beta3 must be nonnegative")],
)
def test_bad_gates_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        horizon_bound(theorem, 1000, **{**PROBLEM, **change})


# ---------------------------------------------------------------- the derivation


def test_a_step_that_fails_leaves_the_claim_open():
    """No bound with an unproved step is called proved."""
    name = "price of looking ahead (A)"
    others = {other: C2.steps[other] for other in ("the gate moves slowly", "denominator")}
    alone = replace(C2, inequalities={}, proofs=(), derive=None, formulas={})
    assert examine(replace(alone, steps={**others, name: C2.steps[name]})).status == "proved under assumptions"
    examination = examine(replace(alone, steps={**others, name: lambda: False}))
    assert examination.status == "open" and name in examination.summary


@pytest.mark.parametrize(
    "change",
    [
        {"gate_decay": gate_decay + sp.Rational(1, 100)},
        {"beta1": beta1 + sp.Rational(1, 100)},
        {"beta3": beta3 * sp.Rational(51, 50)},
        {"alpha1": alpha1 + sp.Rational(1, 100)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_recursion_has_another_bound(monkeypatch, change):
    monkeypatch.setattr(smoothed_gate, "rate_limit", lambda bound: bound)  # the limits are not looked at
    derived = derive(replace(ALGORITHM, **change))
    assert not vanishes(derived["theorem"] - theorem)
    assert not vanishes(derived["theorem_b"] - theorem_b)


@pytest.mark.parametrize("x", [0.0, 0.3, 0.9, 0.99])
def test_sums(x):
    k = np.arange(20_000.0)
    assert np.sum((k + 1) * x**k) == pytest.approx(smoothed_lemmas.linear_sum(x), rel=1e-10)
    assert np.sum((k + 1) ** 2 * x**k) == pytest.approx(smoothed_lemmas.square_sum(x), rel=1e-10)


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_first_steps_in_numbers(decay):
    """Excess rate, and the sum of its consequences against both terms of the minimum."""
    n = np.arange(1.0, 20_001.0)
    excess = (1 - decay) / (1 - decay**n) - (1 - decay)
    assert np.all(excess <= decay ** (n / 2) / n)
    total = np.cumsum(decay ** (n / 2) / np.sqrt(n))
    assert np.all(total <= 2 * np.sqrt(n)) and total[-1] <= sqrt(2 * pi / (1 - decay))


# ---------------------------------------------------------------- every path of a short run


@pytest.mark.parametrize("case", [replace(SMOOTHED, steps=6), NO_MOMENTUM, CORRECTED], ids=["A", "no momentum", "C"])
def test_every_lemma_on_every_path(case):
    for lemma in (
        enumeration.descent,
        enumeration.drift,
        enumeration.sums,
        enumeration.smoothness,
        enumeration.slow_gate,
        enumeration.look_ahead,
        enumeration.assembly,
    ):
        assert holds(lemma(case)), lemma.__name__


def test_the_gate_lemma_is_nearly_sharp():
    """Within 12 % at weak gates: with 0.85 q it is false on some path."""
    assert 0.88 < tightness(enumeration.slow_gate(NO_MOMENTUM)) < 1
    assert 0.7 < tightness(enumeration.look_ahead(NO_MOMENTUM)) < 1
    less = rational(Fraction(17, 20))
    assert not holds((moved, less * most) for moved, most in enumeration.slow_gate(NO_MOMENTUM))


def test_the_correction_breaks_the_uncorrected_lemma():
    """The corrected energy jumps at its first steps: without the extra terms the gate lemma is false."""
    corrected = replace(CORRECTED, beta3=Fraction(1, 100), beta1=Fraction(0), gate_decay=Fraction(99, 100))
    uncorrected = replace(corrected, gate="smoothed")
    slow = [most for _, most in enumeration.slow_gate(uncorrected)]
    moved = [moved for moved, _ in enumeration.slow_gate(corrected)]
    assert holds(enumeration.slow_gate(corrected)) and holds(enumeration.slow_gate(uncorrected))
    assert any(jump.a > most.b for jump, most in zip(moved, slow, strict=True))


def test_the_published_gate_is_the_case_without_smoothing():
    """gate_decay = 0: the theorem still holds, with q = beta3 d R^2 too large to help."""
    published = replace(NO_MOMENTUM, gate_decay=Fraction(0))
    assert holds(enumeration.slow_gate(published)) and holds(enumeration.final(published, theorem_beta1_zero))


# ---------------------------------------------------------------- runs


def settled(noise, chances, beta, slowness, corrected, steps, runs=64, seed=5):
    """Mean of F'^2 over the last half of runs in the proofs' form; F' = 2.5 x/sqrt(1+x^2), beta3 = 1, alpha1 = 19.

    For every gate, one in a row of ``slowness`` and ``corrected``.
    """
    draw = np.random.default_rng(seed)
    x, m, s, u = np.zeros((4, len(slowness), runs))
    decay, growth, kept = 1 - 1 / steps, 0.0, np.zeros(len(slowness))
    for n in range(1, steps + 1):
        exact = 2.5 * x / np.sqrt(1 + x**2)
        if n > steps // 2:
            kept += np.mean(exact**2, axis=1)
        g = exact + noise[(draw.random(runs) > chances[0]).astype(int)]
        m, s, growth = beta * m + g, decay * s + g**2, decay * growth + 1
        u = (1 - slowness) * u + slowness * ((1 - beta) * m) ** 2
        seen = np.where(corrected, u / (1 - (1 - slowness) ** n), u)
        x = x - (1 - beta) * np.sqrt(growth / steps) / (1 + np.minimum(seen, 19.0)) * m / np.sqrt(1e-8 + s)
    return kept / (steps - steps // 2)


@pytest.mark.parametrize(("beta", "steps"), [(0.0, 8000), (0.9, 20_000)])
def test_smoothing_removes_the_bias(beta, steps):
    """Symmetric noise without momentum (3.0 with the published gate), skewed noise with momentum (0.069)."""
    noise, chances = (np.array([2.0, -2.0]), (0.5, 0.5)) if beta == 0 else (np.array([18.0, -2.0]), (0.1, 0.9))
    slowness, corrected = np.array([[1.0], [1 / 200], [1 / 200]]), np.array([[False], [False], [True]])
    published, *smoothed = settled(noise, chances, beta, slowness, corrected, steps)
    assert published > (2.9 if beta == 0 else 0.05)
    assert max(smoothed) < published / 4


@pytest.mark.parametrize(
    ("conclusion", "name"),
    [("conclusion_is_form_a", "theorem_shares"), ("conclusion_is_form_b", "_young_price"),
     ("conclusion_is_form_c", "theorem_c")],
)  # fmt: skip
def test_every_form_is_what_its_proof_ends_with(monkeypatch, conclusion, name):
    assert getattr(smoothed_gate, conclusion)()
    form = getattr(smoothed_gate, name)
    for factor in (sp.Rational(49, 50), sp.Rational(51, 50)):
        monkeypatch.setattr(smoothed_gate, name, factor * form)
        assert not getattr(smoothed_gate, conclusion)(), factor


def test_every_limit_of_the_other_forms_is_needed(monkeypatch):
    """(A) vanishes at 1/sqrt N, (B) at N^-1/3, is finite at N^-1/4 and grows at N^-1/5; both parts of (C) vanish."""
    real = rate_limit
    asked = []
    monkeypatch.setattr(smoothed_gate, "rate_limit", lambda *what: asked.append((what, real(*what))) or asked[-1][1])
    assert smoothed_gate.limits_of_the_other_forms()
    found = dict(asked)
    zero, finite, endless = sp.Integer(0), sp.Integer(1), sp.oo
    assert sum(value == 0 for value in found.values()) == 4 and len(found) == 6
    assert {slowness for _, slowness in found} == {N ** sp.Rational(-1, p) for p in (1, 2, 3, 4, 5)}
    for what, value in found.items():
        wrong = [finite, endless] if value == 0 else [zero, finite if value.has(sp.oo) else endless]
        for other in wrong:
            answers = {**found, what: other}
            monkeypatch.setattr(smoothed_gate, "rate_limit", lambda *what, answers=answers: answers[what])
            assert not smoothed_gate.limits_of_the_other_forms(), (what, other)


def test_the_derivation_gives_every_formula_and_no_other():
    """At one point as numbers too, to nine digits: the limits apart, which are compared as they are."""
    derived = derive()
    assert derived.keys() == C2.formulas.keys()
    for name, formula in C2.formulas.items():
        assert vanishes(derived[name] - formula), name
        there = POINT | ({beta1: 0} if "beta1_zero" in name else {}) | {mu: 0.7}
        assert float(derived[name].subs(there)) == pytest.approx(float(formula.subs(there)), rel=1e-9), name


def noted(asked, found, *words):
    asked.append(words)
    return found


@pytest.mark.parametrize(
    ("name", "bound", "required", "at"),
    [
        ("a straight slope nearly attains (A)", theorem_shares, 0.55, (0.9, True)),
        ("a straight slope nearly attains (A) at beta1 = 0", theorem_beta1_zero_shares, 0.7, (0.0, True)),
    ],
)
def test_the_slope_is_met_with_the_gate_of_the_claim(monkeypatch, name, bound, required, at):
    """The bound at its own momentum and under the smoothed gate; a thousandth less than is asked is too little."""
    for found, holds_there in ((required, True), (0.999 * required, False), (1.0, True), (1.001, False)):
        asked = []
        monkeypatch.setattr(straight_slope, "ratio", partial(noted, asked, found))
        assert C2.steps[name]() is holds_there and asked == [(bound, *at)]


@pytest.mark.parametrize("name", [name for name in C2.steps if name.startswith("a straight slope")])
def test_a_straight_slope_nearly_attains_the_bound(name):
    assert C2.steps[name]()
