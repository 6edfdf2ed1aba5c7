"""S1, S2 and S4 against spectral radii computed without the theory's recursion."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from theory.claim import vanishes
from theory.claims import stability
from theory.claims.stability import S1, S2, S4, _is_schur, derive_decay
from theory.methods.linearisation import derive_edge
from theory.notation import L, alpha1, beta1, beta3, v, weight_decay
from theory.recursion import ALGORITHM

BETAS = [0.0, 0.3, 0.5, 0.9, 0.99]


def edge(beta):
    return float(S1.formulas["threshold"].subs(beta1, sp.Rational(str(beta))))


def radius(matrix):
    return np.max(np.abs(np.linalg.eigvals(matrix)))


def one_mode(beta, eta, h, decay=0.0):
    """x' = x (1 - eta decay) - eta v', v' = beta v + (1-beta) h x, written out."""
    return np.array(
        [[1 - eta * decay - eta * (1 - beta) * h, -eta * beta], [(1 - beta) * h, beta]],
    )


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("h", [0.2, 1.0, 50.0])
def test_the_edge_is_bracketed(beta, h):
    threshold = edge(beta)
    assert radius(one_mode(beta, 0.98 * threshold / h, h)) < 1 < radius(one_mode(beta, 1.02 * threshold / h, h))
    assert np.min(np.linalg.eigvals(one_mode(beta, threshold / h, h)).real) == pytest.approx(-1, abs=1e-9)


def test_known_edges():
    """Gradient descent: 2; beta1 = 0.9: 38."""
    assert S1.formulas["threshold"].subs(beta1, 0) == 2
    assert S1.formulas["threshold"].subs(beta1, sp.Rational(9, 10)) == 38


@pytest.mark.parametrize("beta", BETAS)
def test_frozen_adam_in_six_dimensions(beta):
    """Random positive definite Hessian, random diagonal P: the edge is eta lambda_max(P^-1 H)."""
    rng = np.random.default_rng(7)
    root = rng.normal(size=(6, 6))
    hessian, p_inverse = root @ root.T, np.diag(1 / rng.uniform(0.01, 3, size=6))
    sharpness = np.max(np.linalg.eigvals(p_inverse @ hessian).real)
    for factor, side in ((0.98, -1), (1.02, 1)):
        eta = factor * edge(beta) / sharpness
        after = np.hstack([(1 - beta) * hessian, beta * np.eye(6)])
        moved = np.hstack([np.eye(6), np.zeros((6, 6))]) - eta * p_inverse @ after
        assert side * (radius(np.vstack([moved, after])) - 1) > 0


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize(("speed", "clip"), [(0.0, 10.0), (1.5, 10.0), (1.5, 1.0), (40.0, 10.0)])
def test_the_frozen_gate_is_bracketed(beta, speed, clip):
    """With the gate at its value for the speed, alpha0 h = 0.98 threshold is stable and 1.02 threshold is not."""
    strength = 0.8
    formula = S2.formulas["threshold"].subs({beta3: strength, v: speed, alpha1: clip, beta1: beta})
    gate = 1 / (1 + min(strength * speed**2, clip))
    assert radius(one_mode(beta, 0.98 * float(formula) * gate, 1.0)) < 1
    assert radius(one_mode(beta, 1.02 * float(formula) * gate, 1.0)) > 1


def true_map(state, beta, a0, strength):
    x, velocity = state
    velocity = beta * velocity + (1 - beta) * x
    return np.array([x - a0 * velocity / (1 + strength * velocity**2), velocity])


@pytest.mark.parametrize("beta", BETAS)
def test_at_rest_the_gate_moves_nothing(beta):
    """Finite differences of the true map at the origin: its edge is `local`, whatever beta3."""
    threshold = float(S2.formulas["local"].subs(beta1, sp.Rational(str(beta))))
    for factor, side in ((0.98, -1), (1.02, 1)):
        h = 1e-6
        columns = [true_map(h * e, beta, factor * threshold, 3.0) / h for e in np.eye(2)]
        assert side * (radius(np.array(columns).T) - 1) > 0


@pytest.mark.parametrize("speed", [0.0, 0.4, 1.0, 2.0, 5.0])
def test_slope_of_the_gated_velocity(speed):
    slope = float(S2.formulas["slope"].subs({beta3: sp.Rational(4, 5), v: speed}))
    h = 1e-6
    measured = ((speed + h) / (1 + 0.8 * (speed + h) ** 2) - (speed - h) / (1 + 0.8 * (speed - h) ** 2)) / (2 * h)
    assert slope == pytest.approx(measured, abs=1e-8)


def decayed_threshold(beta, largest, decay):
    expr = S4.formulas["threshold"]
    return float(expr.subs({beta1: sp.Rational(str(beta)), L: largest, weight_decay: decay}))


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize(("largest", "lowest", "decay"), [(1.0, 0.05, 0.1), (20.0, 1.0, 3.0), (0.5, 0.5, 2.0)])
def test_the_edge_with_weight_decay_is_bracketed(beta, largest, lowest, decay):
    """Below the threshold every curvature in [-m, L] is stable, at every smaller step size too; above, L is not."""
    threshold = decayed_threshold(beta, largest, decay)
    for eta in threshold * np.array([0.01, 0.3, 0.7, 0.98]):
        for h in np.linspace(-lowest, largest, 41):
            assert radius(one_mode(beta, eta, h, decay)) < 1
    assert radius(one_mode(beta, 1.02 * threshold, largest, decay)) > 1


@pytest.mark.parametrize("beta", BETAS[1:])
def test_the_reported_condition_with_decay_is_not_enough(beta):
    """Halfway between the corrected threshold and B/L the iteration diverges, though alpha0 L < B."""
    alpha0 = (decayed_threshold(beta, 1.0, 0.5) + edge(beta)) / 2
    assert alpha0 < edge(beta) and radius(one_mode(beta, alpha0, 1.0, 0.5)) > 1


def test_without_decay_the_corrected_threshold_is_the_edge():
    assert vanishes(S4.formulas["threshold"].subs(weight_decay, 0) * L - S1.formulas["threshold"])


def test_decay_weaker_than_the_negative_curvature_does_not_hold_it():
    assert radius(one_mode(0.9, 0.1, -1.0, decay=0.98)) > 1 > radius(one_mode(0.9, 0.1, -1.0, decay=1.02))


def test_derivations_start_from_the_recursion_not_from_the_formula():
    """Heavy ball, v' = beta v + g, has the edge 2(1+beta): derived, not looked up."""
    undamped = replace(ALGORITHM, new1=sp.Integer(1))
    assert vanishes(derive_edge(undamped)["threshold"] - 2 * (1 + beta1))
    heavier = replace(ALGORITHM, new1=sp.Integer(1), weight_decay=sp.Integer(0))
    assert vanishes(derive_decay(heavier)["threshold"] - 2 * (1 + beta1) / L)


def test_every_proof_needs_each_of_its_facts(fails_without_each_fact):
    own = {f for claim in (S1, S2, S4) for f in claim.steps.values() if inspect.getmodule(f) is stability}
    facts = {f.__name__: fails_without_each_fact(stability, f, ("vanishes", "_is_schur")) for f in own}
    assert min(facts.values()) > 0 and facts["decay_word"] == 3 and facts["frozen_adam_decouples"] == 6


# ---------------------------------------------------------------- gate sequences with weight decay


def sequence_limit(beta, largest, decay):
    expr = S4.formulas["gate_sequences"]
    return float(expr.subs({beta1: sp.Rational(str(beta)), L: largest, weight_decay: decay}))


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("h", [-0.4, -0.1, 0.0, 0.3, 1.0])
def test_one_quadratic_function_falls_for_every_gate_below_the_limit(beta, h):
    """V = (decay + h) x^2 + (beta/|h|) (h x - v)^2, written out, at every gate of a fine grid; decay 1/2, L = 1."""
    decay, largest = 0.5, 1.0
    limit = sequence_limit(beta, largest, decay)
    q = largest * (1 + beta) / (1 - beta)
    weight = beta / abs(h) if h else beta**2 / (q * (1 - beta**2))
    change = np.array([[1.0, 0.0], [h, -1.0]])  # (x, v) -> (x, h x - v)
    form = change.T @ np.diag([decay + h, weight]) @ change
    for eta in limit * np.linspace(0.001, 0.999, 60):
        step = one_mode(beta, eta, h, decay)
        assert np.linalg.eigvalsh(form - step.T @ form @ step)[0] > -1e-12


@pytest.mark.parametrize("beta", BETAS[1:])
@pytest.mark.parametrize("decay", [0.0, 0.05, 2.0])
def test_the_limit_for_gate_sequences_is_that_of_quadratic_functions(beta, decay):
    """A vanishing gate leaves V = x^2 + q (h x - v)^2 only; some q serves at 0.98 limit, none at 1.02 limit (L = 1)."""
    limit, change = sequence_limit(beta, 1.0, decay), np.array([[1.0, 0.0], [1.0, -1.0]])

    def best(eta):
        step = one_mode(beta, eta, 1.0, decay)
        forms = [change.T @ np.diag([1.0, q]) @ change for q in np.geomspace(1e-6, 1e6, 4001)]
        return max(np.linalg.eigvalsh(form - step.T @ form @ step)[0] for form in forms)

    assert best(0.98 * limit) > 0 > best(1.02 * limit)


@pytest.mark.parametrize("beta", BETAS)
def test_random_gate_sequences_below_the_limit_decay(beta):
    """Curvatures from -m to L under one random sequence of gates, the worst of them bang-bang, shrink to nothing."""
    decay, rng = 0.5, np.random.default_rng(5)
    alpha0 = 0.98 * sequence_limit(beta, 1.0, decay)
    steps = int(60 / (alpha0 * 0.1 * (1 - beta) + 1e-3)) if beta < 0.9 else 40_000
    curvatures = np.array([-0.4, 0.0, 0.2, 1.0])
    x, velocity = np.ones(4), np.zeros(4)
    for bang in rng.integers(0, 2, size=steps):
        eta = alpha0 if bang else alpha0 / 11
        velocity = beta * velocity + (1 - beta) * curvatures * x
        x = x * (1 - eta * decay) - eta * velocity
    assert np.max(np.abs([x, velocity])) < 1e-6


def test_without_decay_the_limit_is_two_over_kappa():
    """0.105 at beta1 = 0.9, against the edge 38."""
    assert sequence_limit(0.9, 1.0, 0) == pytest.approx(2 / 19)


@pytest.mark.parametrize(
    ("matrix", "stable"),
    [
        ([[sp.Rational(1, 2), 1], [0, sp.Rational(-1, 3)]], True),
        ([[0, sp.Rational(-9, 10)], [1, 0]], True),
        ([[0, -1], [1, 0]], False),  # a rotation: both roots on the circle
        ([[1, 1], [0, sp.Rational(1, 2)]], False),
        ([[-1, 1], [0, sp.Rational(1, 2)]], False),
        ([[2, 0], [0, sp.Rational(1, 3)]], False),
        ([[-2, 0], [0, sp.Rational(1, 3)]], False),
        ([[2, 0], [0, 3]], False),
    ],
)
def test_schur_matrices_have_their_roots_inside_the_circle(matrix, stable):
    assert _is_schur(sp.Matrix(matrix)) == stable
