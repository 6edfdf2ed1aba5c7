"""The lemmas and Theorem 2 on every path of a short run, by enumeration in interval arithmetic."""

from dataclasses import replace
from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
import sympy as sp

from theory.claim import vanishes
from theory.claims.convergence.predictable_gate import theorem2
from theory.methods import enumeration
from theory.methods.enumeration import PREDICTABLE, SMOOTHED, Case, holds, mean_squared_gradient, tightness, tree
from theory.methods.intervals import rational


def test_the_objective_has_the_constants_it_claims():
    x = sp.Symbol("x", real=True)
    slope = sp.diff(enumeration.value(x), x)
    curvature = sp.factor(sp.diff(slope, x))
    assert vanishes(slope - enumeration.slope(x))
    assert max(slope.subs(x, point) for point in sp.solve(sp.numer(curvature), x)) < enumeration.GRADIENT_BOUND
    extremes = [curvature.subs(x, point) for point in sp.solve(sp.numer(sp.factor(sp.diff(curvature, x))), x)]
    assert max(abs(value) for value in extremes) == enumeration.SMOOTHNESS


def test_the_tree_is_a_probability():
    for n, level in enumerate(tree(PREDICTABLE)):
        assert len(level) == 2**n and sum(node.chance for node in level) == 1
    mean = enumeration.total(rational(node.chance) * node.gradient for node in tree(PREDICTABLE)[1])
    slope = enumeration.slope(Fraction(3, 5))
    assert mean.a <= float(slope) <= mean.b


def test_intervals_are_narrow_and_hold_floating_point():
    """An enumerated path against the same recursion in floating point."""
    case = SMOOTHED
    for leaf in tree(case)[-1][::37]:
        x, m, s, u = float(case.start), 0.0, 0.0, 0.0
        for n, node in enumerate(leaf.path(), start=1):
            g = float(node.gradient.mid)
            m, s = float(case.beta1) * m + g, float(case.beta2) * s + g * g
            u = float(case.gate_decay) * u + (1 - float(case.gate_decay)) * ((1 - float(case.beta1)) * m) ** 2
            gate = 1 / (1 + min(float(case.beta3) * u, float(case.alpha1)))
            growth = (1 - float(case.beta2) ** n) / (1 - float(case.beta2))
            alpha = float(case.alpha0) * (1 - float(case.beta1)) * sqrt(growth)
            x -= alpha * gate * m / sqrt(float(case.root_eps) ** 2 + s)
            assert float(node.x.delta) < 1e-9 and float(node.x.mid) == pytest.approx(x, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("lemma", "least", "most"),
    [(enumeration.sums, 0.7, 0.8), (enumeration.smoothness, 0.99, 1.0), (enumeration.descent, 0.03, 1.0)],
    ids=["sums", "smoothness", "descent"],
)
def test_lemmas_hold_on_every_path_and_not_by_much(lemma, least, most):
    assert holds(lemma(PREDICTABLE))
    assert least < tightness(lemma(PREDICTABLE)) < most


def test_enumeration_sees_a_false_lemma():
    """With 0.7 times its right-hand side the sum of squares is false on some path; so is F smooth with half of L."""
    assert not holds((smaller, rational(Fraction(7, 10)) * larger) for smaller, larger in enumeration.sums(PREDICTABLE))
    half = [
        (node, enumeration.step_size(PREDICTABLE, node.step) * node.moved)
        for level in tree(PREDICTABLE)[1:]
        for node in level
    ]
    assert any(
        enumeration.value(node.x).a
        > (enumeration.value(node.back(1).x) - node.true_gradient * moved + rational(Fraction(1, 2)) * moved**2).b
        for node, moved in half
    )


def test_theorem_2_on_every_path_without_momentum():
    case = Case(7, "inside", Fraction(0), Fraction(6, 7), Fraction(2), Fraction(5))
    assert holds(enumeration.final(case, theorem2)) and holds(enumeration.assembly(case))


def test_the_mean_over_tau_is_the_weighted_mean():
    case = replace(PREDICTABLE, steps=3)
    weights = np.array([float(1 - case.beta1 ** (3 - j)) for j in range(3)])
    means = [
        sum(float(node.chance) * float(enumeration.slope(node.x).mid) ** 2 for node in level)
        for level in tree(case)[:3]
    ]
    assert float(mean_squared_gradient(case).mid) == pytest.approx(weights @ means / weights.sum(), rel=1e-12)
