"""The bias of the gate of Algorithm 1: where the velocity settles, by roots, by expansions, by runs and by trees."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad
from scipy.optimize import brentq

from theory.claim import vanishes
from theory.claims import bias
from theory.claims.bias import C1b, derive, repelled_gradient_squared, small_gate, small_skew, third_moment
from theory.claims.bias import counterexample as bias_counterexample
from theory.claims.bias.counterexample import EDGE, HORIZON, SLACK, bound_with_factor, lower_bound
from theory.claims.bias.stationary import (
    gated,
    mean_gated,
    plateau_gradient,
    stationary_gradient,
    stationary_gradients,
    two_point_law,
    velocity_law,
)
from theory.claims.bias.surrogate import surrogate, symmetric_unimodal, weak_gate, weak_gate_least
from theory.claims.convergence.predictable_gate import horizon_bound, theorem2
from theory.methods import enumeration
from theory.methods.enumeration import Case, tree
from theory.methods.intervals import enclose, rational
from theory.notation import N, alpha1, amplitude, beta1, beta2, beta3, p
from theory.recursion import ALGORITHM

#: p, amplitude, beta3, alpha1
CASES = [
    (0.1, 1.0, 1.0, 19.0), (0.4, 0.70087, 1.0, 2.0), (0.3, 1.0, 0.2, np.inf), (0.9, 1.0, 1.0, 19.0),
    (0.5, 2.0, 1.0, 19.0), (0.5, 2.0, 1.0, 5.0), (0.5, 5.0, 1.0, 19.0), (0.25, 3.0, 0.5, 4.0), (0.05, 0.3, 2.0, 10.0),
]  # fmt: skip


# ---------------------------------------------------------------- zeros of psi


def zeros_by_bisection(chance, size, gate, clip):
    """All sign changes of psi on a fine grid, refined."""
    values, weights = two_point_law(chance, size)

    def psi(gradient):
        return float(mean_gated(gradient, values, weights, gate, clip))

    grid = np.linspace(-1.5, 1.5, 6006) * np.abs(values).max()  # 0 is no grid point
    signs = np.sign(mean_gated(grid, values, weights, gate, clip))
    return [brentq(psi, grid[i], grid[i + 1], xtol=1e-15) for i in np.flatnonzero(signs[1:] != signs[:-1])]


@pytest.mark.parametrize("case", CASES)
def test_all_zeros_are_found(case):
    found = [zero.gradient for zero in stationary_gradients(*case)]
    assert found == pytest.approx(zeros_by_bisection(*case), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_zeros_are_zeros_to_machine_precision(case):
    values, weights = two_point_law(*case[:2])
    for zero in stationary_gradients(*case):
        terms = weights * gated(zero.gradient + values, *case[2:])
        assert abs(terms.sum()) <= 1e-15 * max(1.0, np.abs(terms).sum())


def test_random_noise_and_gates():
    draw = np.random.default_rng(3)
    for _ in range(200):
        case = (draw.uniform(0.03, 0.97), draw.uniform(0.1, 4), draw.uniform(0.05, 4), draw.uniform(0.2, 30))
        zeros = stationary_gradients(*case)
        assert [zero.gradient for zero in zeros] == pytest.approx(zeros_by_bisection(*case), rel=1e-9, abs=1e-10)
        attracting = [zero.attracting for zero in zeros]
        assert attracting[::2] == [True] * len(attracting[::2])  # psi rises from -oo to +oo
        assert attracting[1::2] == [False] * len(attracting[1::2])
        settled = stationary_gradient(*case)
        assert min(abs(zero.gradient - settled) for zero in zeros if zero.attracting) < 1e-15


def test_known_values():
    assert stationary_gradient(0.1, 1.0, 1.0, 19.0) ** 2 == pytest.approx(0.89224, abs=1e-5)
    assert stationary_gradient(0.4, 0.70087, 1.0, 2.0) == pytest.approx(0.34546, abs=1e-5)
    low, high = (float(end) for end in bias_counterexample.SETTLED)
    assert low < stationary_gradient(0.1, 1.0, 1.0, 19.0) < high


@pytest.mark.parametrize(("gate", "clip"), [(0.0, 19.0), (1.0, 0.0)])
def test_no_gate_no_bias(gate, clip):
    assert stationary_gradient(0.1, 1.0, gate, clip) == pytest.approx(0.0, abs=1e-15)
    assert plateau_gradient(0.1, 1.0, 0.5, gate, clip) == pytest.approx(0.0, abs=1e-9)


def test_mirrored_noise_has_the_mirrored_bias():
    """p -> 1-p with amplitude -> amplitude (1-p)/p exchanges the two values up to sign."""
    for chance, size in ((0.1, 1.0), (0.3, 0.8)):
        mirrored = stationary_gradient(1 - chance, size * (1 - chance) / chance, 1.0, 19.0)
        assert mirrored == pytest.approx(-stationary_gradient(chance, size, 1.0, 19.0), rel=1e-13)


def test_units():
    """psi is covariant: amplitude -> c amplitude, beta3 -> beta3/c^2 scales the zero by c."""
    for beta in (0.0, 0.7):
        one = plateau_gradient(0.2, 1.0, beta, 1.0, 7.0)
        assert plateau_gradient(0.2, 3.0, beta, 1 / 9, 7.0) == pytest.approx(3 * one, rel=1e-9)


def test_bad_noise_is_named():
    with pytest.raises(ValueError, match=r"p must lie in \(0, 1\), got 1.0"):
        stationary_gradients(1.0, 1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match=r"amplitude must be positive, got 0\.0"):
        stationary_gradients(0.5, 0.0, 1.0, 1.0)
    with pytest.raises(ValueError, match=r"beta3 must be nonnegative, got -1\.0"):
        stationary_gradients(0.5, 1.0, -1.0, 1.0)
    with pytest.raises(ValueError, match=r"beta1 must lie in \[0, 1\), got 1.0"):
        plateau_gradient(0.5, 1.0, 1.0, 1.0, 1.0)


# ---------------------------------------------------------------- symmetric noise


@pytest.mark.parametrize("size", [1.01, 1.3, 2.0, 2.1])
def test_symmetric_noise_repels(size):
    """1/beta3 < a^2 < alpha1/beta3 repels; unclipped the run settles at G^2 = a^2 - 1/beta3."""
    settled = float(repelled_gradient_squared.subs({amplitude: size, beta3: 1}))
    zeros = stationary_gradients(0.5, size, 1.0, 30.0)
    assert [zero.attracting for zero in zeros] == [True, False, True]
    assert [zero.gradient**2 for zero in zeros] == pytest.approx([settled, 0.0, settled], rel=1e-11, abs=1e-15)


@pytest.mark.parametrize(("size", "clip"), [(0.99, 19.0), (2.0, 3.99)])
def test_outside_that_range_the_minimiser_attracts(size, clip):
    assert stationary_gradient(0.5, size, 1.0, clip) == 0.0


def test_clipped_it_settles_nearer():
    """(a + |G|)^2 > alpha1/beta3: the formula does not apply, and the zero lies below it."""
    assert stationary_gradient(0.5, 2.0, 1.0, 5.0) == pytest.approx(1.0, rel=1e-13)


def test_momentum_calms_symmetric_noise():
    plateaus = [plateau_gradient(0.5, 2.0, beta, 1.0, 19.0) for beta in (0.0, 0.3, 0.6)]
    assert plateaus[0] ** 2 == pytest.approx(3.0, rel=1e-12)
    assert plateaus[1] ** 2 == pytest.approx(0.3699, abs=2e-4)
    assert plateaus[2] == 0.0


# ---------------------------------------------------------------- expansions


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.9])
def test_small_gate(beta):
    """The zero over its first-order formula tends to 1, linearly in beta3."""
    errors = []
    for gate in (1e-3, 1e-4):
        first = float(small_gate.subs({beta3: gate, amplitude: 0.8, p: sp.Rational(1, 5), beta1: beta}))
        errors.append(plateau_gradient(0.2, 0.8, beta, gate, np.inf) / first - 1)
    assert abs(errors[1]) < 2e-3
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.1)


def test_small_skew():
    for size in (0.5, 0.9, 0.99):
        formula = float(small_skew.subs({beta3: 1, amplitude: size, p: sp.Rational(49_999, 100_000)}))
        assert stationary_gradient(0.49999, size, 1.0, 30.0) == pytest.approx(formula, rel=2e-2)
    assert stationary_gradient(0.4999999, 0.5, 1.0, 30.0) == pytest.approx(
        float(small_skew.subs({beta3: 1, amplitude: 0.5, p: 0.4999999})), rel=1e-5
    )


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_moments_of_the_stationary_velocity(beta):
    """Mean 0, variance sigma^2 (1-b)/(1+b), third moment from the recursion."""
    values, weights = velocity_law(0.2, 0.8, beta)
    noise, chances = two_point_law(0.2, 0.8)
    assert weights.sum() == pytest.approx(1, abs=1e-12) and weights @ values == pytest.approx(0, abs=1e-10)
    assert weights @ values**2 == pytest.approx(chances @ noise**2 * (1 - beta) / (1 + beta), rel=1e-6)
    expected = third_moment().subs({beta1: beta, p: 0.2, amplitude: 0.8})
    assert weights @ values**3 == pytest.approx(float(expected), rel=1e-5)


def test_velocity_law_is_stationary():
    """Its image under V -> beta1 V + (1-beta1) xi has the same moments of tanh."""
    values, weights = velocity_law(0.1, 1.0, 0.8)
    noise, chances = two_point_law(0.1, 1.0)
    image = sum(
        chance * (weights @ np.tanh(0.8 * values + 0.2 * value)) for chance, value in zip(chances, noise, strict=True)
    )
    assert image == pytest.approx(weights @ np.tanh(values), abs=1e-7)


# ---------------------------------------------------------------- no bias


@pytest.mark.parametrize(("gate", "clip"), [(1.0, 19.0), (4.0, 0.5), (0.3, np.inf)])
@pytest.mark.parametrize("halfwidth", [0.2, 1.5, 6.0])
def test_symmetric_unimodal_noise_has_no_bias(halfwidth, gate, clip):
    """psi(G) >= G/(1+alpha1) for uniform and for triangular noise, G > 0; for two-point noise it fails."""
    for gradient in (0.01, 0.5, 2.0):
        breaks = [point for point in (-np.sqrt(clip / gate), np.sqrt(clip / gate)) if np.isfinite(point)]
        for density in (lambda t: 0.5 / halfwidth, lambda t: (1 - abs(t) / halfwidth) / halfwidth):
            inside = sorted({0.0, *(b - gradient for b in breaks if abs(b - gradient) < halfwidth)})

            def integrand(t, gradient=gradient, density=density):
                return float(gated(gradient + t, gate, clip)) * density(t)

            psi = quad(integrand, -halfwidth, halfwidth, points=inside, epsabs=1e-13)[0]
            assert psi > 0 and psi >= gradient / (1 + clip) * (1 - 1e-9)
    values, weights = two_point_law(0.5, 2.0)
    assert mean_gated(0.5, values, weights, 1.0, 19.0) < 0


def test_symmetric_unimodal_is_theorem_2_with_a_larger_noise_term():
    assert vanishes(symmetric_unimodal.subs(alpha1, 0) - theorem2.subs(alpha1, 0))
    constants = {"L": 1.0, "R": 2.0, "D": 1.0, "eps": 1e-2, "alpha1": 3.0}
    plain, larger = (horizon_bound(bound, 1e6, **constants) for bound in (theorem2, symmetric_unimodal))
    assert plain < larger < 4 * plain


# ---------------------------------------------------------------- weak gates


def test_weak_gate_brackets():
    """Upper over lower bound stays bounded exactly at beta3^2 ~ ln N/sqrt N; a stronger gate forces a slower rate."""
    constants = {"L": 0.1, "R": 4.2, "D": 1.0, "eps": 1e-4}
    n = np.array([1e10, 1e14, 1e18])
    rate = np.log(n) / np.sqrt(n)
    upper = np.array(
        [horizon_bound(weak_gate, m, beta3=float(np.sqrt(r)), **constants) for m, r in zip(n, rate, strict=True)]
    )
    assert np.all(np.diff(upper / rate) < 0) and np.all(upper / rate < 3 * 4.2**6)
    skewed = weak_gate_least.subs({p: sp.Rational(1, 4), amplitude: 1})
    lower = np.array([horizon_bound(skewed, m, beta3=float(m**-0.2), **constants) for m in (1e28, 1e32, 1e36)])
    m = np.array([1e28, 1e32, 1e36])
    assert np.all(lower > 0) and np.all(np.diff(lower * np.sqrt(m) / np.log(m)) > 0)


@pytest.mark.parametrize("gate", [1e-3, 1e-2])
def test_the_zero_lies_between_the_weak_gate_bounds(gate):
    """Without the terms that vanish with N: E F'^2 -> G*^2, at most 2 beta3^2 R^6, at least the lower bound's limit."""
    radius = 3.0 + stationary_gradient(0.25, 1.0, gate, 19.0)
    settled = stationary_gradient(0.25, 1.0, gate, 19.0) ** 2
    third = 3**3 / 4 - 3 / 4
    least = (gate**2 * third**2 / 3 - gate**4 * radius**10) / (1 + 3 * gate * radius**2) ** 2
    assert least < settled < 2 * gate**2 * radius**6


# ---------------------------------------------------------------- the theorem


def test_the_surrogate_obeys_its_bound_on_every_path():
    """E psi(F'(x_tau))^2 of the published gate (gate_decay = 0, beta1 = 0) against Theorem 2 without 1 + alpha1."""
    case = Case(7, "smoothed", Fraction(0), Fraction(6, 7), Fraction(1), Fraction(19), alpha0=Fraction(1, 2))

    def phi(w):
        return w / (1 + enumeration.minimum(rational(case.beta3) * w**2, rational(case.alpha1)))

    def psi(x):
        slope = enumeration.slope(x)
        return sum(
            rational(chance) * phi(slope + rational(noise))
            for chance, noise in ((case.p, case.largest), (1 - case.p, -case.amplitude))
        )

    mean = sum(rational(node.chance) * psi(node.x) ** 2 for level in tree(case)[:-1] for node in level) / case.steps
    gap = 4  # F' >= psi >= -1 on the range of x, which stays within 4 of the start
    assert all(abs(float(node.x.mid) - 0.6) < 4 for level in tree(case) for node in level)
    bound = enclose(surrogate, {**case.values(), sp.Symbol("D", nonnegative=True): rational(gap)})
    assert mean.b < bound.a


@pytest.mark.parametrize("name", ["beta1", "beta2", "beta3", "alpha1"])
def test_another_recursion_has_another_bias(name):
    symbol = {"beta1": beta1, "beta2": beta2, "beta3": beta3, "alpha1": alpha1}[name]
    derived = derive(replace(ALGORITHM, **{name: symbol + sp.Rational(1, 100)}))
    assert not all(vanishes(derived[key] - formula) for key, formula in C1b.formulas.items())


def test_the_counterexample_needs_its_horizon():
    """At N = 1e10 the two bounds have not crossed; at HORIZON they have, by a factor of ten."""
    assert lower_bound().subs(N, 10**10).evalf() < 0 < bound_with_factor().subs(N, 10**10).evalf()
    assert lower_bound().subs(N, HORIZON).evalf() > 10 * bound_with_factor().subs(N, HORIZON).evalf()


def test_the_counterexample_in_floating_point():
    values, weights = two_point_law(0.1, 1.0)
    gradients = np.linspace(-1.0, float(EDGE), 5001)
    psi = mean_gated(gradients, values, weights, 1.0, 19.0)
    assert np.all(psi <= -float(SLACK)) and psi.max() > -1.1 * float(SLACK)


# ---------------------------------------------------------------- runs


def settled_gradients(case, beta, steps, runs, seed):
    """F'^2 over the last half of runs of Algorithm 1 in the proofs' form, tuned to N; F = 1.25 size sqrt(1 + x^2)."""
    chance, size, gate, clip = case
    values, _ = two_point_law(chance, size)
    draw = np.random.default_rng(seed)
    x, m, s = np.zeros(runs), np.zeros(runs), np.zeros(runs)
    decay, growth, kept = 1 - 1 / steps, 0.0, []
    for n in range(steps):
        exact = 1.25 * size * x / np.sqrt(1 + x**2)
        if n >= steps // 2:
            kept.append(np.mean(exact**2))
        g = exact + np.where(draw.random(runs) < chance, values[0], values[1])
        m, s, growth = beta * m + g, decay * s + g**2, decay * growth + 1
        gamma = 1 / (1 + np.minimum(gate * ((1 - beta) * m) ** 2, clip))
        x = x - (1 - beta) * np.sqrt(growth / steps) * gamma * m / np.sqrt(1e-8 + s)
    return float(np.mean(kept))


@pytest.mark.parametrize(
    ("case", "beta", "tolerance"),
    [
        ((0.1, 1.0, 1.0, 19.0), 0.0, 0.02),
        ((0.5, 2.0, 1.0, 19.0), 0.0, 0.03),
        ((0.1, 2.0, 1.0, 19.0), 0.9, 0.15),
    ],
    ids=["skewed", "symmetric", "skewed with momentum"],
)
def test_runs_settle_where_psi_vanishes(case, beta, tolerance):
    predicted = plateau_gradient(*case[:2], beta, *case[2:]) ** 2
    assert settled_gradients(case, beta, 20_000, 64, seed=11) == pytest.approx(predicted, rel=tolerance)


def test_every_proof_needs_each_of_its_facts(fails_without_each_fact):
    steps = (bias.small_gate_is_first_order, bias.symmetric_noise_repels)
    assert [fails_without_each_fact(bias, step) for step in steps] == [1, 5]


@pytest.mark.parametrize(
    ("step", "name", "factor"),
    [
        ("symmetric_noise_repels", "two_point_cubic", 1 + beta3),
        ("symmetric_noise_repels", "repelled_gradient_squared", sp.Rational(51, 50)),
        ("symmetric_noise_repels", "alpha1", -1),  # the clipped slope is positive
    ],
)
def test_a_step_fails_with_another_formula(monkeypatch, step, name, factor):
    monkeypatch.setattr(bias, name, factor * getattr(bias, name))
    assert not getattr(bias, step)()
