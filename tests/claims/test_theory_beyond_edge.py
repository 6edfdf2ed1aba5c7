"""S6 against simulated orbits of a plain recursion, in one and three dimensions."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from theory.claim import vanishes
from theory.claims.cycles import beyond_edge
from theory.claims.cycles.beyond_edge import BEYOND, S6, derive
from theory.notation import S as S_SYMBOL
from theory.notation import beta1, beta3
from theory.recursion import ALGORITHM

INF = float("inf")
BETAS = [0.3, 0.7, 0.9, 0.99]


def formula(name, beta, S=1.0, strength=1.0):
    return float(BEYOND[name].subs({beta1: beta, S_SYMBOL: S, beta3: strength}))


def edge(beta):
    return 2 * (1 + beta) / (1 - beta)


def run(x, v, beta, alpha0, steps, spectrum=1.0, alpha1=INF, strength=1.0):
    """VRMomentum on a diagonal quadratic: velocities and step sizes of all steps, and the last position."""
    velocities, sizes = [], []
    for _ in range(steps):
        v = beta * v + (1 - beta) * spectrum * x
        eta = alpha0 / (1 + min(strength * float(np.dot(v, v)), alpha1))
        x = x - eta * v
        velocities.append(v)
        sizes.append(eta)
    return np.array(velocities), np.array(sizes), x


def on_orbit(beta, S, strength=1.0):
    """Position and velocity of the orbit, v = -v*: x* = kappa v*/L with L = 1."""
    v = np.sqrt(formula("velocity_squared", beta, S, strength))
    return edge(beta) / 2 * v, -v


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("share", [1.02, 1.5, 1.95])
@pytest.mark.parametrize("strength", [1.0, 3.7])
def test_the_orbit_closes_and_attracts(beta, share, strength):
    S = share * edge(beta)
    x, v = on_orbit(beta, S, strength)
    velocities, sizes, _ = run(x, v, beta, S, 4, strength=strength)
    assert velocities == pytest.approx(np.array([-v, v, -v, v]))
    assert sizes == pytest.approx(formula("pinned", beta)) == edge(beta)
    steps = int(30 / (1 - beta) / min(share - 1, 2 - share))
    velocities, sizes, _ = run(1.001 * x, v, beta, S, steps, strength=strength)
    assert np.abs(velocities[-2:]) == pytest.approx(abs(v), rel=1e-5)
    assert sizes[-1] == pytest.approx(edge(beta), rel=1e-5)


@pytest.mark.parametrize("beta", BETAS)
def test_the_upper_end_is_bracketed(beta):
    """Below it the two speeds are equal; above, they differ and multiply to 1/beta3."""
    end, strength = formula("upper_end", beta), 2.5
    for share, symmetric in ((0.98, True), (1.02, False)):
        x, v = on_orbit(beta, share * end, strength)
        velocities, _, _ = run(1.001 * x, v, beta, share * end, int(200 / (1 - beta)), strength=strength)
        first, second = np.abs(velocities[-2:])
        assert (first == pytest.approx(second, rel=1e-6)) == symmetric
        assert velocities[-1] == pytest.approx(velocities[-3])
        if not symmetric:
            assert first * second == pytest.approx(1 / strength)


@pytest.mark.parametrize("beta", [0.3, 0.9])
def test_the_end_of_the_asymmetric_orbit_is_bracketed(beta):
    """Started beside the orbit: 1 % below the end period two is kept, 1 % above it is lost."""
    end = formula("asymmetric_end", beta)
    assert end / edge(beta) == pytest.approx(2.25 + ((1 - beta) / (1 + beta)) ** 2 / 4)
    for share, kept in ((0.99, True), (1.01, False)):
        level = share * end / (edge(beta) / 2)  # ratio + 1/ratio + 2
        ratio = (level - 2 + np.sqrt((level - 2) ** 2 - 4)) / 2
        v1, v2 = np.sqrt(ratio), 1 / np.sqrt(ratio)
        x = (-v2 - beta * v1) / (1 - beta)
        velocities, _, _ = run(x * (1 + 1e-6), v1, beta, share * end, int(1000 / (1 - beta)))
        assert (np.abs(velocities[-1] - velocities[-3]) < 1e-8) == kept


@pytest.mark.parametrize("beta", BETAS)
def test_at_the_edge_the_origin_hands_over(beta):
    """Small starts: at 0.98 B they decay, at 1.02 B they grow to the orbit's speed."""
    for share in (0.98, 1.02):
        S = share * edge(beta)
        velocities, _, _ = run(1e-3, 0.0, beta, S, int(300 / (1 - beta)))
        expected = np.sqrt(max(share - 1, 0))
        assert np.abs(velocities[-1]) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_in_three_dimensions_the_sharpest_direction_sets_the_step_size():
    """Rotated curvatures 1, 0.6, 0.05, S = 1.4 B: flat directions converge at B/L as fast as plain momentum would."""
    beta, S = 0.9, 1.4 * edge(0.9)
    spectrum = np.array([1.0, 0.6, 0.05])
    x, v = on_orbit(beta, S)
    x, v = np.array([x, 0.02, 0.05]), np.array([v, 0.01, -0.02])
    velocities, sizes, end = run(x, v, beta, S, 4000, spectrum)
    assert sizes[-50:] == pytest.approx(edge(beta), rel=1e-9)
    assert np.abs(velocities[-1]) == pytest.approx([np.sqrt(0.4), 0, 0], abs=1e-9)
    assert np.abs(end[1:]).max() < 1e-9


def test_the_orbit_of_a_flatter_direction_repels():
    beta, S = 0.9, 2.5 * edge(0.9)
    x, v = on_orbit(beta, 0.6 * S)  # the mode of curvature 0.6: S -> 0.6 S, x -> x/0.6
    velocities, sizes, _ = run(np.array([1e-9, x / 0.6]), np.array([0.0, v]), beta, S, 3000, np.array([1.0, 0.6]))
    assert sizes[5] == pytest.approx(edge(beta) / 0.6)
    assert np.abs(velocities[-100:, 0]).max() > 0.1


@pytest.mark.parametrize("alpha1", [0.49, 0.51])
def test_the_clip_must_leave_room(alpha1):
    """S = 1.5 B: v*^2 = 1/2. With alpha1 below that the closed gate is unstable too, and starts nearby escape."""
    beta, S = 0.9, 1.5 * edge(0.9)
    x, v = on_orbit(beta, S)
    velocities, _, _ = run(1.001 * x, v, beta, S, 2000, alpha1=alpha1)
    assert (np.abs(velocities[-1]) < 1) == (alpha1 > 0.5) == (S / (1 + alpha1) < edge(beta))


@pytest.mark.parametrize(("beta", "share", "alpha1"), [(0.9, 4.0, 10.0), (0.9, 3.0, 40.0), (0.5, 2.5, 5.0)])
def test_boundedness_and_its_constant(beta, share, alpha1):
    """limsup sqrt(Q) <= sqrt(1-beta1) alpha0/(2 sqrt(beta3) (1 - sqrt(beta1))), from a start far outside."""
    S, strength = share * edge(beta), 2.0
    a = S / (1 + alpha1)
    assert a + 1 / a < edge(beta)
    velocities, sizes, _ = run(1e3, 0.0, beta, S, 20_000, alpha1=alpha1, strength=strength)
    w, size = velocities[-5000:-1], sizes[-5000:-1]
    x = (velocities[-4999:] - beta * w) / (1 - beta)
    assert size.min() >= a
    form = (1 - beta) * x * (x - w) + a * w * (beta * w + (1 - beta) * x)
    bound = np.sqrt(1 - beta) * S / (2 * np.sqrt(strength) * (1 - np.sqrt(beta)))
    assert 0 < np.sqrt(form.max()) <= bound


def test_another_recursion_gives_other_formulas():
    derived = derive(replace(ALGORITHM, beta1=beta1 + sp.Rational(1, 100)))
    for name, formula in BEYOND.items():
        assert name not in derived or not vanishes(derived[name] - formula), name


def test_every_proof_needs_each_of_its_facts(fails_without_each_fact):
    facts = {f.__name__: fails_without_each_fact(beyond_edge, f, ("vanishes", "same")) for f in S6.steps.values()}
    assert facts == {
        "window": 3, "clip_condition": 1, "stable_closed_gate_is_not_enough": 0, "directions_decouple": 16,
        "sharpest_direction_rules": 3, "symmetry_breaks": 7, "bounded": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("velocity_squared", sp.Integer(2)),  # the orbit needs a gate that is more closed than alpha1 = 1 allows
        ("velocity_squared", sp.Integer(-1)),
        ("upper_end", sp.Integer(57)),  # the orbit attracts below this end only
    ],
)
def test_the_example_needs_each_of_its_inequalities(monkeypatch, name, wrong):
    """beta1 = 9/10, S = 57, alpha1 = 1: on the orbit 0 < v^2 < 1, and 57 lies below the upper end."""
    assert beyond_edge.stable_closed_gate_is_not_enough()
    monkeypatch.setitem(BEYOND, name, wrong)
    assert not beyond_edge.stable_closed_gate_is_not_enough()


@pytest.mark.parametrize("edge_there", [sp.Rational(57, 2), sp.Integer(20)])
def test_the_example_needs_a_stable_closed_gate(monkeypatch, edge_there):
    monkeypatch.setattr(beyond_edge, "edge", lambda: edge_there)
    assert not beyond_edge.stable_closed_gate_is_not_enough()


@pytest.mark.parametrize("at_minus_one", [sp.Integer(0), sp.Integer(1)])
def test_the_example_needs_an_unstable_origin(monkeypatch, at_minus_one):
    monkeypatch.setattr(beyond_edge, "at", lambda polynomial, place: at_minus_one)
    assert not beyond_edge.stable_closed_gate_is_not_enough()


def test_a_coupled_direction_is_seen(monkeypatch):
    """An entry that couples the two modes at the orbit of the first must vanish, whatever the other mode's block is."""
    real = beyond_edge.recursion.momentum
    for extra, holds in ((0, True), (1, False)):

        def coupled(position, velocity, gradient, step_size, c, extra=extra):
            moved, after = real(position, velocity, gradient, step_size, c)
            return moved + sp.Matrix([extra * position[1] * after[0], 0]), after

        monkeypatch.setattr(beyond_edge.recursion, "momentum", coupled)
        assert beyond_edge.directions_decouple() is holds


def test_only_levels_beyond_twice_the_edge_are_levels_of_an_asymmetric_orbit():
    """Common roots at S = 38, 76 and 100, of which 2 B = 76 at beta1 = .9 is the end itself."""
    ratio = beyond_edge.ratio
    for level, kept in ((38, []), (76, []), (100, [100])):
        assert beyond_edge._common_levels(ratio - S_SYMBOL, ratio - level) == kept
