"""The long run: exponents of linear recursions, the cycle of period two, units, and whose basin is whose."""

from types import SimpleNamespace

import numpy as np
import pytest

import vradam
from vradam import dynamics
from vradam.dynamics import Batch, Horizon, RunEnd, basins, follow, lyapunov, periods, random_starts

BOWL = vradam.objectives.quadratic([1.0])


def momentum(S, beta1, L=1.0, beta3=1.0, alpha1=10.0):
    """VRMomentum with alpha0 L = S."""
    return vradam.VRMomentum(alpha0=S / L, beta1=beta1, beta3=beta3, alpha1=alpha1)


@pytest.mark.parametrize(
    ("S", "beta1"), [(0.5, 0.0), (1.9, 0.0), (1.0, 0.25), (0.05, 0.5), (0.01, 0.9), (2.0, 0.9), (5.9, 0.5)]
)
def test_the_exponent_of_a_linear_recursion_is_that_of_its_largest_eigenvalue(S, beta1):
    """Without a gate: lambda^2 - (1 + beta1 - (1-beta1) S) lambda + beta1 = 0, from the recursion."""
    eigenvalues = np.roots([1, -(1 + beta1 - (1 - beta1) * S), beta1])
    found = lyapunov(
        momentum(S, beta1, beta3=0.0), BOWL, np.array([[1.0], [0.3]]), settle=20, steps=300, engine="numpy"
    )
    np.testing.assert_allclose(found, np.log(np.abs(eigenvalues).max()), atol=0.006)


def test_an_exponent_does_not_depend_on_the_units():
    """Curvature, alpha0 and beta3 that belong together give the same runs in other units: the same exponent."""
    start = np.array([[0.7]])
    one = lyapunov(momentum(25.0, 0.9), BOWL, start, settle=50, steps=300, engine="numpy")
    bowl = vradam.objectives.quadratic([4.0])
    other = lyapunov(momentum(25.0, 0.9, L=4.0, beta3=4.0), bowl, start / 8, settle=50, steps=300, engine="numpy")
    np.testing.assert_allclose(one, other, atol=1e-3)


def two_cycle(r, beta1, L, beta3):
    """x and v of the cycle x -> -x: eta L = 2 kappa, so beta3 v^2 = r - 1 with r = S/(2 kappa), and L x = kappa v."""
    kappa = (1 + beta1) / (1 - beta1)
    v = np.sqrt((r - 1) / beta3)
    return kappa * v / L, v


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(("L", "beta3"), [(1.0, 1.0), (4.0, 0.25)])
def test_above_the_edge_runs_end_on_the_cycle_of_period_two(beta1, L, beta3):
    r = 1.3
    x, v = two_cycle(r, beta1, L, beta3)
    bowl = vradam.objectives.quadratic([L])
    optimizer = momentum(r * 2 * (1 + beta1) / (1 - beta1), beta1, L, beta3)
    near = x * np.array([[1.02], [-0.97]])
    state = optimizer.init(near)._replace(velocity=v * np.array([[-1.0], [1.0]]))
    ends = follow(optimizer, bowl, near, state, Horizon())
    assert (ends.end == RunEnd.PERIODIC).all() and (ends.period == 2).all()
    assert (ends.steps >= int(40 / (1 - beta1))).all()
    found = basins(optimizer, bowl, np.array([[1.1 * x], [-0.9 * x]]), np.array([[-v], [v]]))
    assert found.attractor.tolist() == [0, 0] and len(found.cycles) == 1
    np.testing.assert_allclose(np.sort(found.cycles[0].ravel()), [-x, x], rtol=1e-6)


def test_below_the_edge_small_runs_end_at_the_minimiser():
    """And above it, where the clip leaves nothing to hold them, nowhere: they grow for ever."""
    optimizer = momentum(0.9 * 38, 0.9)
    ends = follow(optimizer, BOWL, *random_starts(optimizer, BOWL, 3, decades=(-4.0, -3.0)), Horizon())
    assert (ends.end == RunEnd.ORIGIN).all() and not ends.period.any()
    assert RunEnd(ends.end[0]).label == "origin"
    grows = momentum(2.1, 0.0, alpha1=0.0)
    ends = follow(grows, BOWL, *random_starts(grows, BOWL, 2), Horizon())
    assert (ends.end == RunEnd.UNDECIDED).all() and (ends.steps == 40 + 80 + 160 + 320).all()


def turning(p, shrink=1.0):
    """An optimizer that turns the plane of (x_1, x_2) by a p-th of a circle a step, whatever the gradient is."""
    angle = 2 * np.pi / p
    turn = shrink * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def step(x, grad, state):
        moved = x @ turn.T
        return moved, state._replace(velocity=moved)

    return SimpleNamespace(step=step)


@pytest.mark.parametrize("p", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("shrink", [1.0, 1 - 1e-7])
def test_a_period_is_the_least_after_which_a_run_recurs(p, shrink):
    """A turn by a p-th of a circle has the period p; one that spirals inwards has none yet."""
    plane = vradam.objectives.quadratic([1.0, 1.0])
    x = np.array([[1.0, 0.0], [0.0, 3.0]])
    state = vradam.VRMomentum().init(x)._replace(velocity=x)
    found, farthest = periods(Batch(turning(p, shrink), x, state, np.arange(2)), plane, 8, 1e-9)
    assert found.tolist() == ([p, p] if shrink == 1 else [0, 0])
    if shrink == 1:
        sampled = max(abs(np.cos(2 * np.pi * np.arange(p) / p)).max(), abs(np.sin(2 * np.pi * np.arange(p) / p)).max())
        np.testing.assert_allclose(farthest, [sampled, 3 * sampled], rtol=1e-9)


def test_a_period_beyond_the_longest_is_none():
    plane = vradam.objectives.quadratic([1.0, 1.0])
    x = np.array([[1.0, 0.0]])
    state = vradam.VRMomentum().init(x)._replace(velocity=x)
    for longest, wanted in ((5, 0), (6, 6), (7, 6)):
        found, _ = periods(Batch(turning(6), x, state, np.arange(1)), plane, longest, 1e-9)
        assert found.tolist() == [wanted]


def test_units_are_those_in_which_the_gate_begins_to_act():
    optimizer = vradam.VRMomentum(alpha0=1.0, beta1=np.array([0.0, 0.9]), beta3=np.array([4.0, 0.0]))
    np.testing.assert_allclose(dynamics.unit_speed(optimizer), [[0.5], [1.0]])
    bowl = vradam.objectives.quadratic([1.0, 5.0])
    np.testing.assert_allclose(dynamics.unit_distance(optimizer, bowl), [[0.1], [19 / 5]])
    with pytest.raises(ValueError, match="objective must have a known smoothness, got None for rosenbrock"):
        dynamics.unit_distance(optimizer, vradam.objectives.rosenbrock())


def test_starts_have_sizes_of_all_decades_and_are_the_same_for_every_setting():
    bowl = vradam.objectives.quadratic([1.0, 5.0])
    beta3 = np.repeat([1.0, 4.0], 500)
    optimizer = vradam.VRMomentum(alpha0=1.0, beta1=0.5, beta3=beta3)
    x, state = random_starts(optimizer, bowl, 500, settings=2, seed=3, decades=(-2.0, 1.0))
    assert x.shape == state.velocity.shape == (1000, 2) and not np.any(state.kinetic)
    np.testing.assert_allclose(x[500:], x[:500] / 2, rtol=1e-12)
    np.testing.assert_allclose(state.velocity[500:], state.velocity[:500] / 2, rtol=1e-12)
    sizes = np.log10(np.abs(state.velocity[:500]).max(axis=1))
    assert sizes.min() < -1.8 and sizes.max() > 0.8 and -0.8 < np.median(sizes) < 0.0
    ratio = np.abs(x[:500]).max(axis=1) / np.abs(state.velocity[:500]).max(axis=1)
    assert np.median(ratio) == pytest.approx(3 / 5, rel=0.2)  # kappa/L
    again, _ = random_starts(optimizer, bowl, 500, settings=2, seed=3, decades=(-2.0, 1.0))
    np.testing.assert_array_equal(x, again)


def test_a_cycle_is_the_same_in_any_phase():
    points = np.array([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0]])
    assert dynamics._same(points, np.roll(points, 1, axis=0), 1e-9)
    assert dynamics._same(points, points + 1e-9, 1e-8)
    assert not dynamics._same(points, points[:2], 1e-9)
    assert not dynamics._same(points, points * 1.02, 1e-3)
    assert not dynamics._same(points, -points, 1e-3)


def test_two_basins_meet():
    """Below the edge: the minimiser and a hidden cycle of period four, each with starts of its own."""
    optimizer = vradam.VRMomentum(alpha0=30.0)
    x, velocity = np.array([[14.377], [0.1], [-14.377], [0.01]]), np.array([[-0.699], [0.0], [0.699], [0.0]])
    found = basins(optimizer, BOWL, x, velocity)
    assert found.attractor.tolist() == [0, -1, 0, -1]
    (cycle,) = found.cycles
    assert cycle.shape == (4, 1)
    np.testing.assert_allclose(np.sort(cycle.ravel()), np.sort(-cycle.ravel()), rtol=1e-6)  # odd, as the recursion is
