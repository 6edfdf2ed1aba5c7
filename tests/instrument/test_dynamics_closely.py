"""Periods, ends, basins and exponents of recursions whose long run is known: given orbits, and maps of the plane."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

import vradam
from vradam import dynamics, gates, simulation
from vradam.dynamics import Batch, Horizon, RunEnd, basins, follow, lyapunov, periods
from vradam.gated import State

CENTRE = np.array([0.5, -2.0])


def at(x, velocity=None, step=0):
    return State(np.zeros_like(x) if velocity is None else velocity, np.zeros_like(x), np.zeros(len(x)), step)


# Periods of given orbits.


def along(X, V):
    """A batch that goes along given positions and velocities (n, steps + 1, d), around a minimiser that is not zero."""

    def step(x, grad, state):
        t = state.step + 1
        return CENTRE + X[:, t], State(V[:, t], *state[1:3], t)

    objective = SimpleNamespace(minimiser=CENTRE, grad=lambda x: x)
    x = CENTRE + X[:, 0]
    return Batch(SimpleNamespace(step=step), x, at(x, V[:, 0]), np.arange(len(x))), objective


def period_by_definition(x, v, longest, tolerance):
    """The first p at which a run comes anywhere near, if p is at most ``longest`` and p, 2p and 3p are returns."""

    def within(t, close):
        return all(abs(z[t] - z[0]).max() <= close * max(abs(z[: t + 1]).max(), 1e-300) for z in (x, v))

    p = next((t for t in range(1, 3 * longest + 1) if within(t, 1e3 * tolerance)), 0)
    return p if 0 < p <= longest and all(within(k * p, tolerance) for k in (1, 2, 3)) else 0


def test_periods_of_orbits_of_few_symbols_are_those_of_the_definition():
    """Orbits that recur, nearly recur, recur once or twice only, in one coordinate only, at the last moment, ..."""
    random, tolerance, longest = np.random.default_rng(2), 2.0**-20, 6
    X, V = np.zeros((2, 600, 3 * 4 * longest + 2, 2))
    for run in range(600):
        for part in (X, V):
            pattern = random.integers(-2, 3, (random.integers(1, longest + 3), 2)).astype(float)
            part[run] = np.resize(pattern, part[run].shape)
            for _ in range(random.integers(0, 3)):
                place = random.integers(1, 3 * longest + 1)
                size = random.choice([0.9, 1.0, 1.1, 500, 900, 1000, 1100])
                part[run, place, random.integers(2)] += size * tolerance * max(abs(part[run, 0]).max(), 1)
    expected = [period_by_definition(X[run], V[run], longest, tolerance) for run in range(600)]
    batch, objective = along(X, V)
    batch = batch._replace(x=X[:, 0].copy())
    objective.minimiser = None
    batch.optimizer.step = lambda x, grad, s: (X[:, s.step + 1], State(V[:, s.step + 1], *s[1:3], s.step + 1))
    together, _ = periods(batch, objective, longest, tolerance)
    assert together.dtype == np.int16 and together.tolist() == expected
    assert set(expected) >= {0, 1, 2, 3, 4, 5, 6}
    for run in range(0, 600, 3):
        batch, objective = along(X[run : run + 1], V[run : run + 1])
        objective.minimiser = CENTRE
        alone, _ = periods(batch, objective, longest, 3 * tolerance)  # around a centre: rounded
        assert alone.tolist() == [period_by_definition(X[run], V[run], longest, 3 * tolerance)]


def circling(p, steps, size=1.0):
    """The corners of a star with p points of different sizes."""
    t = np.arange(steps + 1)
    return size * np.stack([1 + t % p, (t % p) ** 2 - 1.0], axis=-1)


@pytest.mark.parametrize(
    ("kinds", "longest", "steps"),
    [((2, 5), 6, 15), ((2, 5), 20, 15), ((2, 5, 0), 6, 15), ((2, 3, 0), 12, 12), ((0,), 6, 6), ((1, 0), 6, 6)],
)
def test_the_farthest_is_that_of_all_steps_until_every_run_is_decided(kinds, longest, steps):
    """A run with the period p is decided after 3p steps, one without (0) after the longest; one grows meanwhile."""
    growing = 1.1 ** np.arange(100)[:, None] * np.array([0.25, -1.0])
    X = np.stack([circling(p, 99) if p else growing for p in kinds])
    batch, objective = along(X, 1e3 * X)
    found, farthest = periods(batch, objective, longest, 1e-9)
    assert found.tolist() == list(kinds)
    np.testing.assert_allclose(farthest, np.abs(X[:, : steps + 1]).max(axis=(1, 2)), rtol=1e-12)


# Ends of turns of the plane.


@dataclass(frozen=True)
class Turning:
    """Each run turns around the minimiser by its angle a step, and grows by its factor; its velocity by another."""

    beta1: np.ndarray
    angle: np.ndarray
    growth: np.ndarray
    speed: np.ndarray
    beta3: float = 1.0

    def init(self, x):
        return at(x)

    def learning_rate(self, state):
        return np.zeros(len(state.velocity))

    def step(self, x, grad, state):
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        a, b = ((x - CENTRE) * self.growth[:, None]).T
        turned = np.stack([cos * a - sin * b, sin * a + cos * b], axis=-1)
        return CENTRE + turned, State(state.velocity * self.speed[:, None], *state[1:3], state.step + 1)


PLANE = replace(vradam.objectives.quadratic([4.0, 4.0]), minimiser=CENTRE)


def turning(*runs, **more):
    """From (beta1, angle, growth, speed) of each run."""
    return Turning(*np.array(runs, dtype=float).T, **more)


@pytest.fixture
def reference(monkeypatch):
    """Runs are advanced by the reference engine, which knows every optimizer."""

    def advance(batch, objective, steps):
        x, state = batch.x, batch.state
        for _ in range(steps):
            x, state = batch.optimizer.step(x, None, state)
        return batch._replace(x=x, state=state), steps

    monkeypatch.setattr(dynamics, "advance", advance)


def test_ends_of_turns_of_the_plane(reference):
    """A part of a circle recurs, an irrational one does not; steps are 10/(1 - beta1) times 1, 2, 4, of those left."""
    turn = 2 * np.pi
    fate = {
        (0.9, 1.0, 0.5, 0.5): (RunEnd.ORIGIN, 0, 100),  # the slowest leaves first: the others go on in its absence
        (0.0, 0.0, 1.0, 1.0): (RunEnd.PERIODIC, 1, 100),
        (0.0, turn / 5, 1.0, 0.0): (RunEnd.PERIODIC, 5, 100),
        (0.0, 0.0, 0.5, 1.0): (RunEnd.PERIODIC, 1, 100),  # at the minimiser, but not at rest
        (0.0, turn / 24, 1.0, 1.0): (RunEnd.PERIODIC, 24, 100),
        (0.0, turn / 25, 1.0, 1.0): (RunEnd.PERIODIC, 25, 100 + 40 + 80),
        (0.5, turn / 40, 1.0, 1.0): (RunEnd.PERIODIC, 40, 100 + 40 + 80),
        (0.0, turn / 41, 1.0, 1.0): (RunEnd.BOUNDED, 0, 100 + 40 + 80),
        (0.5, 1.0, 1.0, 1.0): (RunEnd.BOUNDED, 0, 100 + 40 + 80),
        (0.5, 0.0, 1.01e4 ** (-1 / 80), 1.0): (RunEnd.UNDECIDED, 0, 100 + 40 + 80),
        (0.5, 0.0, 0.99e4 ** (-1 / 80), 1.0): (RunEnd.BOUNDED, 0, 100 + 40 + 80),
        (0.5, 1.0, 1.2, 1.0): (RunEnd.UNDECIDED, 0, 100 + 40 + 80),
    }
    x = CENTRE + np.tile([1.0, 0.0], (len(fate), 1))
    x[1] = CENTRE + [0.0, 3.0]
    ends = follow(turning(*fate), PLANE, x, at(x, np.ones_like(x)), Horizon(10.0, 2, 40, 1e-9, 1e-7))
    assert [*zip(ends.end, ends.period, ends.steps, strict=True)] == [*fate.values()]
    assert [kind.label for kind in RunEnd] == ["origin", "periodic", "bounded", "undecided"]
    assert set(ends.end.tolist()) == {0, 1, 2, 3}


def test_after_the_last_leg_periods_as_long_as_wished_are_looked_for(reference):
    runs = turning((0.0, 2 * np.pi / 25, 1.0, 1.0), (0.0, 2 * np.pi / 24, 1.0, 1.0))
    x = CENTRE + np.ones((2, 2))
    ends = follow(runs, PLANE, x, at(x), Horizon(10.0, 1, 10))
    assert ends.end.tolist() == [RunEnd.BOUNDED, RunEnd.PERIODIC] and ends.period.tolist() == [0, 24]
    assert ends.steps.tolist() == [30, 10]


@pytest.mark.parametrize(("units", "end"), [(0.99, RunEnd.ORIGIN), (1.0, RunEnd.PERIODIC), (1.01, RunEnd.PERIODIC)])
@pytest.mark.parametrize("where", ["x", "velocity"])
def test_the_minimiser_is_reached_below_so_many_units(reference, units, end, where):
    """kappa/(L sqrt(beta3)) = 3/(4 2) of distance and 1/2 of velocity, here times 2^-10, in every coordinate."""
    small = np.array([[1e-9, -units / 1024]])
    x = CENTRE + 0 * small
    velocity = 0 * small
    if where == "x":
        x = x + small * 3 / 8
    else:
        velocity = small / 2
    optimizer = turning((0.5, 0.0, 1.0, 1.0), beta3=4.0)
    assert follow(optimizer, PLANE, x, at(x, velocity), Horizon(4.0, 0, small=2.0**-10)).end.tolist() == [end]
    found = basins(optimizer, PLANE, x, velocity, Horizon(4.0, 0, small=2.0**-10))
    assert found.attractor.tolist() == [-1 if end == RunEnd.ORIGIN else 0]


def test_nothing_is_asked_of_runs_that_are_decided(monkeypatch):
    """No step beyond the leg in which the last run came to its end."""
    legs = []

    def advance(batch, objective, steps):
        legs.append((steps, batch.place.tolist()))
        return batch._replace(x=CENTRE + 0 * batch.x), steps

    monkeypatch.setattr(dynamics, "advance", advance)
    x = np.ones((1, 2))
    ends = follow(turning((0.75, 0.0, 1.0, 1.0)), PLANE, x, at(x), Horizon())
    assert legs == [(160, [0])] and ends.end.tolist() == [RunEnd.ORIGIN]


class Zones(Turning):
    """What a run does depends on its distance: it falls in, turns by a fifth of a circle, by one radian, or rests."""

    def step(self, x, grad, state):
        r = np.hypot(*(x - CENTRE).T)
        kinds = [r < 0.5, r < 4, r < 8]
        angle = np.select(kinds, [1.0, 2 * np.pi / 5, 1.0], 0.0)
        growth = np.where(kinds[0], 0.5, 1.0)
        return Turning(self.beta1, angle, growth, growth).step(x, grad, state)


def test_basins_are_told_apart_by_their_cycles(reference):
    """Two runs on one star in different phases, one on a larger, one at the minimiser, one that does not recur."""
    fifth = 2 * np.pi / 5
    corner = np.array([np.cos(fifth), np.sin(fifth)])
    x = CENTRE + np.array([[5.0, 0.0], [1.0, 0.0], [0.4, 0.0], 3 * corner, corner, [0.0, 9.0]])
    found = basins(Zones(0.5, 0.0, 0.0, 0.0), PLANE, x, np.full_like(x, 1e-3), Horizon(20.0, 1))
    assert found.attractor.tolist() == [-2, 0, -1, 1, 0, 2]
    assert [cycle.shape for cycle in found.cycles] == [(5, 2), (5, 2), (1, 2)]
    np.testing.assert_allclose(found.cycles[0][0] - CENTRE, corner, atol=1e-9)  # the first that it meets, after (1, 0)
    np.testing.assert_allclose(found.cycles[0][4] - CENTRE, [1.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(found.cycles[1][4] - CENTRE, 3 * corner, atol=1e-9)
    np.testing.assert_allclose(found.cycles[2] - CENTRE, [[0.0, 9.0]], atol=1e-12)
    assert basins(Zones(0.0, 0.0, 0.0, 0.0), PLANE, x, np.zeros_like(x)).attractor.tolist() == [-2, 0, -1, 1, 0, 2]


@pytest.mark.parametrize("extensions", [0, 1, 3])
def test_all_legs_together(extensions):
    optimizer = vradam.VRMomentum(beta1=np.array([0.0, 0.75, 0.5]))
    assert dynamics._legs(optimizer, Horizon(40.0, extensions)) == sum(160 * 2**leg for leg in range(extensions + 1))


def test_cycles_are_the_same_up_to_a_part_of_their_size():
    cycle = np.array([[4.0, 0.0], [0.0, 2.0]])
    assert dynamics._same(cycle, cycle + [[0.0, 0.0], [4 / 1024, 0.0]], 1 / 1024)
    assert not dynamics._same(cycle, cycle + [[0.0, 0.0], [4.01 / 1024, 0.0]], 1 / 1024)
    assert not dynamics._same(cycle, cycle[:1], 1.0)


def test_what_holds_where_nothing_else_is_said():
    assert Horizon() == Horizon(settle=40.0, extensions=3, longest_period=512, tolerance=1e-9, small=1e-6)
    optimizer, bowl = vradam.VRMomentum(), vradam.objectives.quadratic([1.0, 2.0])
    x, state = dynamics.random_starts(optimizer, bowl, 3)
    again, same = dynamics.random_starts(optimizer, bowl, 3, settings=1, seed=0, decades=(-2.0, 0.5))
    assert x.shape == (3, 2) and np.array_equal(x, again) and np.array_equal(state.velocity, same.velocity)


# Exponents.


def parting(optimizer, objective, x, state, steps):
    """log of how many times farther apart two runs are after ``steps`` steps, per step, without bringing them back."""
    other_x, other = x + 1e-9 * (x - dynamics._minimiser(objective)), state
    before = np.sqrt(((other_x - x) ** 2).sum(axis=-1))
    for _ in range(steps):
        x, state = optimizer.step(x, objective.grad(x), state)
        other_x, other = optimizer.step(other_x, objective.grad(other_x), other)
    gaps = [other_x - x, *(a - b for a, b in zip(other[:3], state[:3], strict=True))]
    after = np.sqrt(sum((gap.reshape(len(x), -1) ** 2).sum(axis=-1) for gap in gaps))
    return np.log(after / before) / steps


@pytest.mark.parametrize(
    "optimizer",
    [
        vradam.HeavyBall(alpha0=0.3, beta1=0.5),
        vradam.VRMomentum(alpha0=np.array([1.0, 3.0, 9.0])),
        vradam.VRMomentum(alpha0=3.0, gate_decay=0.5),
        vradam.VRMomentum(alpha0=3.0, gate=gates.per_coordinate, gate_decay=0.5),
        vradam.VRMomentum(alpha0=1.0, gate=gates.predictable),
        vradam.VRAdam(alpha0=0.1, beta2=0.9, eps=0.1),
    ],
)
def test_bringing_neighbours_back_does_not_change_how_fast_they_part(optimizer):
    """To first order in their distance; after some steps to settle, for each run, in all that the state holds."""
    objective = vradam.objectives.log_cosh(2)
    x = np.array([[1.0, -0.4], [0.03, 0.7], [-2.0, 0.0]])
    found = lyapunov(optimizer, objective, x, settle=4, steps=10, engine="numpy")
    settled = simulation.simulate(optimizer, objective, x, 4, every=0, engine="numpy")
    expected = parting(optimizer, objective, settled.final_x, settled.final_state, 10)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)
    later = lyapunov(optimizer, objective, settled.final_x, settled.final_state, settle=2, steps=10, engine="numpy")
    settled = simulation.simulate(
        optimizer, objective, settled.final_x, 2, every=0, state=settled.final_state, engine="numpy"
    )
    expected = parting(optimizer, objective, settled.final_x, settled.final_state, 10)
    np.testing.assert_allclose(later, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("centre", [None, CENTRE])
def test_the_exponent_of_gradient_descent_is_the_logarithm_of_its_factor(centre):
    """|1 - alpha0 L| on a round bowl, from (3, 0), which has no velocity and but one coordinate that moves."""
    bowl = vradam.Objective.from_functions(
        lambda x: ((x - (0 if centre is None else centre)) ** 2).sum(axis=-1) / 2,
        lambda x: x - (0 if centre is None else centre),
        dim=2,
    )
    bowl = replace(bowl, minimiser=centre)
    alpha0 = np.array([0.1, 0.5, 1.8])
    x = (0 if centre is None else centre) + np.array([[3.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    found = lyapunov(vradam.GradientDescent(alpha0=alpha0), bowl, x, settle=1, steps=6, engine="numpy")
    np.testing.assert_allclose(found, np.log(np.abs(1 - alpha0)), rtol=0, atol=1e-5)


def test_as_many_steps_as_said():
    """A thousand to settle and a thousand to average over, where nothing else is said."""
    steps = []

    class Counting(vradam.GradientDescent):
        def step(self, x, grad, state):
            steps.append(state.step)
            return super().step(x, grad, state)

    lyapunov(Counting(alpha0=0.001), vradam.objectives.quadratic([1.0]), np.ones((1, 1)), engine="numpy")
    assert len(steps) == 1000 + 2 * 1000 and max(steps) == 1999
