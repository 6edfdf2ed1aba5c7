"""S7: the energy that slow gates conserve, the sharp threshold, the rise law, and the orbit beyond the edge."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from theory.claim import vanishes
from theory.claims import smoothed_gate
from theory.claims.smoothed_gate import FORMULAS, S7, derive
from theory.methods import quadratic_family
from theory.notation import S, alpha1, beta1, gate_decay
from theory.recursion import ALGORITHM

star_at = sp.lambdify((beta1, S, alpha1), FORMULAS["gate_decay_star"])
rotation_at = sp.lambdify((beta1, gate_decay), FORMULAS["neimark_sacker"])


def edge_of(decay):
    return 2 * (1 + decay) / (1 - decay)


def step(decay, gate):
    """One mode in (x, w), written out once more."""
    return np.array([[1 - gate * (1 - decay), -gate * decay], [1 - decay, decay]])


def steepest(gate, slowness, top):
    """The largest gate that the rise law allows next."""
    return 1 / (slowness / gate + (1 - slowness) / top)


def energy(z, gate, decay):
    weight = gate / (edge_of(decay) - gate)
    return z[0] ** 2 + decay**2 * weight * (z[0] + edge_of(decay) / 2 * z[1]) ** 2


def test_every_step_holds():
    assert [name for name, holds in S7.steps.items() if not holds()] == []


# ---------------------------------------------------------------- the theorem, in numbers


SETTINGS = [(0.3, 0.6, 3.0), (0.5, 0.99, 100.0), (0.9, 0.5, 10.0), (0.9, 0.97, 10.0), (0.97, 0.999, 1000.0)]


@pytest.mark.parametrize("decay, share, clip", SETTINGS)
def test_energy_falls_at_every_step_of_every_lawful_sequence(decay, share, clip):
    """Random and steepest rises, drops and holds, at the threshold plus a hair; all over the whole interval."""
    rng = np.random.default_rng(11)
    top = share * edge_of(decay)
    low, slowness = top / (1 + clip), star_at(decay, top, clip) + 1e-6
    z, gate = rng.normal(size=2), top
    for _ in range(3000):
        reach = steepest(gate, slowness, top)
        following = rng.choice([reach, low, gate, rng.uniform(low, reach)], p=[0.6, 0.1, 0.1, 0.2])
        moved = step(decay, gate) @ z
        assert energy(moved, following, decay) <= energy(z, gate, decay) * (1 + 1e-12)
        z, gate = moved / np.linalg.norm(moved), following


@pytest.mark.parametrize("decay, share, clip", SETTINGS)
def test_threshold_is_where_the_steepest_first_rise_stops_costing_energy(decay, share, clip):
    """From the lowest gate: above the threshold no direction gains, below it one does. (2 % of 1 - star either way.)"""
    top = share * edge_of(decay)
    low, star = top / (1 + clip), star_at(decay, top, clip)
    directions = np.array([np.cos(angles := np.linspace(0, np.pi, 721)), np.sin(angles)])
    for slowness, gains in ((star + 0.02 * (1 - star), False), (star - 0.02 * (1 - star), True)):
        following = steepest(low, slowness, top)
        moved = np.einsum("ij,jk->ik", step(decay, low), directions)
        change = energy(moved, following, decay) - energy(directions, low, decay)
        assert (change.max() > 1e-12) == gains


def test_known_numbers():
    assert star_at(0.9, 19.0, 10.0) == pytest.approx(0.8005)
    assert star_at(0.9, 0.97 * 38, 10.0) == pytest.approx(0.80943)
    assert FORMULAS["gate_decay_sufficient"].subs(beta1, sp.Rational(9, 10)) == sp.Rational(81, 100)
    assert rotation_at(0.9, 1 - 1e-9) == pytest.approx(1.00147, abs=1e-5)


@given(decay=st.floats(0.01, 0.99), share=st.floats(0.01, 0.9999), clip=st.floats(0.01, 1e4))
def test_star_stays_below_the_universal_number(decay, share, clip):
    assert star_at(decay, share * edge_of(decay), clip) < decay**2


def lawful_pair(decay, slowness, share=1 - 1e-6):
    """Two gates whose odds are nearly sqrt(slowness) and its inverse, the upper one as high as the law allows."""
    low = edge_of(decay) * np.sqrt(slowness) / (1 + np.sqrt(slowness))
    return low, steepest(low, slowness, share * edge_of(decay))


@pytest.mark.parametrize("decay", [0.2, 0.5, 0.8, 0.9, 0.95])
def test_two_lawful_gates_diverge_below_the_universal_number_only(decay):
    for slowness, diverges in ((0.98 * decay**2, True), (decay**2 + 1e-9, False)):
        low, high = lawful_pair(decay, slowness)
        radius = max(abs(np.linalg.eigvals(step(decay, high) @ step(decay, low))))
        assert high < edge_of(decay)
        assert (radius > 1) == diverges


def test_no_sawtooth_diverges_above_the_universal_number():
    """Steepest rises of 2 to 40 steps from anywhere, then a drop; just below the number some do."""
    for decay in (0.5, 0.9):
        for slowness, diverges in ((decay**2, False), (0.97 * decay**2, True)):
            top, found = 0.9999 * edge_of(decay), False
            for start in top * np.geomspace(1e-4, 1, 150):
                gate, product = start, np.eye(2)
                for length in range(1, 41):
                    product = step(decay, gate) @ product
                    found |= length > 1 and abs(np.trace(product)) > 1 + decay**length + 1e-12
                    gate = steepest(gate, slowness, top)
            assert found == diverges


# ---------------------------------------------------------------- the gate itself


def smoothed_orbit(decay, learning_rate, curvatures, clip, slowness, x, v, u, steps, corrected):
    """VRMomentum with the smoothed gate, beta3 = 1, over a batch: x and v (runs, d), u (runs,)."""
    for t in range(1, steps + 1):
        v = decay * v + (1 - decay) * curvatures * x
        u = slowness * u + (1 - slowness) * np.sum(v**2, axis=-1)
        seen = u / (1 - slowness**t) if corrected else u
        eta = learning_rate / (1 + np.minimum(seen, clip))
        x = x - eta[:, None] * v
        yield eta, x, v, u


def starts(rng, runs, dim):
    return (10 ** rng.uniform(-3, 3, (runs, 1)) * rng.normal(size=(runs, dim)) for _ in range(2))


@pytest.mark.parametrize("corrected", [False, True])
def test_the_rise_law_holds_along_orbits(corrected):
    rng = np.random.default_rng(5)
    x, v = starts(rng, 200, 2)
    u = np.zeros(200) if corrected else 10 ** rng.uniform(-3, 3, 200)
    slowness, before = 0.8, None
    orbit = smoothed_orbit(0.9, 30.0, np.array([1.0, 0.2]), 50.0, slowness, x, v, u, 300, corrected)
    for t, (eta, *_) in enumerate(orbit, start=1):
        current = 1 - (1 - slowness) / (1 - slowness**t) if corrected else slowness
        if before is not None:
            assert np.all(1 / eta >= (current / before + (1 - current) / 30.0) * (1 - 1e-12))
        before = eta


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("decay, share, clip", [(0.9, 0.8, 10.0), (0.9, 0.95, 1000.0), (0.7, 0.97, 30.0)])
def test_every_start_converges_at_the_universal_number_and_not_without_smoothing(decay, share, clip, corrected):
    rng = np.random.default_rng(2)
    learning_rate = share * edge_of(decay)
    x, v = starts(rng, 300, 2)
    curvatures = np.array([1.0, 0.3])
    left = {}
    for slowness in (decay**2, 0.0):
        *_, (_, place, speed, _) = smoothed_orbit(
            decay, learning_rate, curvatures, clip, slowness, x, v, np.zeros(300), 1500, corrected
        )
        left[slowness] = np.mean(np.hypot(*place.T) + np.hypot(*speed.T) > 1e-6)
    assert left[decay**2] == 0
    assert left[0.0] > 0.02


@pytest.mark.parametrize("decay, slowness", [(0.9, 0.99), (0.9, 0.5), (0.7, 0.9), (0.5, 0.999)])
def test_rotation_threshold_against_a_numerical_jacobian(decay, slowness):
    """One step and the reflection, differentiated numerically at the orbit: 2 % of S/B - 1 either way."""
    threshold = rotation_at(decay, slowness) - 1
    for share, stable in ((0.98, True), (1.02, False)):
        ratio = 1 + share * threshold
        speed = np.sqrt(ratio - 1)
        point = np.array([-(1 + decay) / (1 - decay) * -speed, -speed, speed**2])

        def reflected(state, ratio=ratio):
            x, v, u = (np.atleast_1d(number) for number in state)
            learning_rate = ratio * edge_of(decay)
            orbit = smoothed_orbit(
                decay, learning_rate, np.ones(1), np.inf, slowness, x[:, None], v[:, None], u, 1, False
            )
            (_, place, after, seen) = next(orbit)
            return np.array([-place[0, 0], -after[0, 0], seen[0]])

        assert reflected(point) == pytest.approx(point, rel=1e-9)
        jacobian = np.column_stack(
            [(reflected(point + 1e-6 * e) - reflected(point - 1e-6 * e)) / 2e-6 for e in np.eye(3)]
        )
        assert (max(abs(np.linalg.eigvals(jacobian))) < 1) == stable


# ---------------------------------------------------------------- mutations


def test_a_neighbouring_recursion_disagrees_with_every_formula():
    derived = derive(replace(ALGORITHM, beta1=beta1 + sp.Rational(1, 100)))
    assert not any(vanishes(derived[name] - formula) for name, formula in FORMULAS.items())


def test_another_smoothing_moves_the_threshold():
    derived = derive(replace(ALGORITHM, gate_decay=gate_decay + sp.Rational(1, 100)))
    assert not vanishes(derived["gate_decay_star"] - FORMULAS["gate_decay_star"])


def test_steps_fail_for_other_exponents(monkeypatch):
    """beta1 in place of beta1^2 in the energy: nothing is conserved."""
    x, w, kappa = quadratic_family.x, quadratic_family.w, quadratic_family.kappa()
    monkeypatch.setattr(quadratic_family, "energy", lambda weight: x**2 + beta1 * weight * (x + kappa * w) ** 2)
    assert not quadratic_family.conservation()
    assert not quadratic_family.what_the_energy_loses()


def test_steps_notice_two_percent(monkeypatch):
    """The derivation notices them too: that is tested with all claims."""
    monkeypatch.setitem(FORMULAS, "gate_decay_star", FORMULAS["gate_decay_star"] * sp.Rational(51, 50))
    assert not smoothed_gate.threshold_is_exact()
    assert not smoothed_gate.largest_curvature_decides()


def test_every_proof_needs_each_of_its_facts(fails_without_each_fact):
    steps = [f for f in S7.steps.values() if inspect.getmodule(f) is smoothed_gate]
    facts = {f.__name__: fails_without_each_fact(smoothed_gate, f, ("zero",)) for f in steps}
    assert all(facts.values()), facts


@pytest.mark.parametrize("seen", [sp.Integer(0), sp.Integer(-1)])
def test_an_energy_that_forgets_at_once_does_not_open_slowly(monkeypatch, seen):
    """The law of two closings is not all: the recursion has to keep ``gate_decay`` of the energy."""
    assert smoothed_gate.opens_slowly()
    monkeypatch.setattr(smoothed_gate.recursion, "smoothed", lambda *state: seen)
    assert not smoothed_gate.opens_slowly()
