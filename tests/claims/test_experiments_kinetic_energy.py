"""K1: Newton's law on a line and on orbits that turn, and what a wrong formula would do to the verdict."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.measurement.planting import plantings
from experiments.measurement.verdict import supports, verdict
from experiments.store.chunks import Chunks
from experiments.studies import kinetic_energy
from experiments.studies.kinetic_energy import DEFAULT, law_of, momentum_of, newton, run, velocity_of

QUICK = replace(DEFAULT, particles=2, duration=3.0, times=7)


@pytest.fixture(scope="module")
def result():
    return run(QUICK, Chunks())


@pytest.fixture(scope="module")
def confrontation(result):
    return result.confrontations[0]


STATUS = "proved under assumptions"


def test_the_restated_form_holds_on_a_line_and_the_mass_matrix_everywhere(confrontation):
    assert verdict(STATUS, confrontation) == "verified under assumptions"
    assert all(map(supports, confrontation.reported + confrontation.corrected))
    by_hand, *along = confrontation.reported
    assert [point.label for point in by_hand.points] == ["m = 1, beta3 = 1"] and by_hand.points[0].predicted == 1 / 4
    assert {point.label[:5] for item in along for point in item.points} == {"d = 1"}


def test_on_orbits_that_turn_the_isotropic_form_is_another_motion(result):
    """The counterexample, measured: the acceleration across the velocity and the angular momentum are both wrong."""
    for dimension in (2, 3):
        orbits = result.data[f"orbits_{dimension}"]
        for compare in (kinetic_energy._across, kinetic_energy._spin, kinetic_energy._distance):
            measured, predicted = compare(QUICK, orbits, "restated")
            assert (np.abs(predicted / measured - 1) > 1e-5).all(), compare.__name__
        measured, predicted = kinetic_energy._along(QUICK, orbits, "restated")
        np.testing.assert_allclose(predicted, measured, rtol=1e-6)  # along the velocity nothing tells them apart


def test_a_planted_error_changes_the_verdict(confrontation):
    for what, wrong in plantings(confrontation):
        assert verdict(STATUS, wrong) == "open", what


@pytest.mark.parametrize("name", ["mass_along", "mass_across", "energy"])
def test_a_formula_wrong_by_two_percent_changes_the_verdict(monkeypatch, name):
    monkeypatch.setitem(kinetic_energy.FORMULAS, name, 1.02 * kinetic_energy.FORMULAS[name])
    assert verdict(STATUS, run(QUICK, Chunks()).confrontations[0]) == "open"


def test_momentum_and_velocity_are_inverse():
    velocity = np.random.default_rng(0).standard_normal((50, 3)) * np.geomspace(1e-6, 1e3, 50)[:, None]
    np.testing.assert_allclose(velocity_of(momentum_of(velocity, DEFAULT), DEFAULT), velocity, rtol=1e-13)


def test_the_acceleration_of_an_exact_example():
    """m = beta3 = 1, v = (1, 0): a push across the velocity meets the mass 2, and the restated form says 4."""
    velocity, force = np.array([[1.0, 0.0]]), np.array([[0.0, -1.0]])
    np.testing.assert_allclose(newton(velocity, force, DEFAULT), [[0.0, -1 / 2]], atol=1e-9)
    np.testing.assert_allclose(law_of("mass_matrix", DEFAULT)(velocity, force), [[0.0, -1 / 2]], atol=1e-15)
    np.testing.assert_allclose(law_of("restated", DEFAULT)(velocity, force), [[0.0, -1 / 4]], atol=1e-15)


def test_phase_portrait_steps_are_the_gate_times_the_velocity():
    portrait = kinetic_energy.phase_portrait(QUICK)
    v, moved = portrait.orbit_v.sel(optimizer="VRMomentum"), portrait.orbit_moved.sel(optimizer="VRMomentum")
    np.testing.assert_allclose(moved, 2.6 * v / (1 + 3 * QUICK.beta3 * v**2), rtol=1e-12)
    x = portrait.orbit_x.sel(optimizer="VRMomentum").values
    np.testing.assert_allclose(v[1:], 0.75 * v[:-1].values + 0.25 * x[:-1], rtol=1e-12)


@pytest.fixture(scope="module")
def plane(result):
    return result.data["orbits_2"]


def test_newton_orbits_do_not_depend_on_the_laws_they_judge(plane):
    energy = kinetic_energy.energy(plane)
    np.testing.assert_allclose(energy.isel(time=-1), energy.isel(time=0), rtol=1e-7)


def test_what_is_compared_after_the_run_is_its_end(plane):
    """Angular momentum and distance at the last instant, each law in its place; the energy there and at the start."""
    last = {law: plane.sel(law=law).isel(time=len(plane.time) - 1) for law in ("newton", "restated")}
    spins = {}
    for law, state in last.items():
        x, p = state.x.values, momentum_of(state.velocity.values, QUICK)
        spins[law] = np.abs(x[:, 0] * p[:, 1] - x[:, 1] * p[:, 0])
    np.testing.assert_allclose(kinetic_energy._spin(QUICK, plane, "restated"), list(spins.values()), rtol=1e-9)
    far = [np.hypot(*state.x.values.T) for state in last.values()]
    np.testing.assert_allclose(kinetic_energy._distance(QUICK, plane, "restated"), far, rtol=1e-12)
    end, start = kinetic_energy._energy(QUICK, plane, "")
    x, v = (plane[name].sel(law="newton").values for name in ("x", "velocity"))
    speed = np.hypot(v[..., 0], v[..., 1])
    by_hand = (x**2).sum(axis=2) / 2 + speed**2 / 2 + 3 * speed**4 / 4
    np.testing.assert_allclose([start, end], by_hand[[0, len(by_hand) - 1]], rtol=1e-12)


def test_the_excess_is_the_mass_along_over_the_mass_across(plane):
    """(1 + 3 v^2)/(1 + v^2) at m = beta3 = 1, halfway; measured from Newton's law and the isotropic form."""
    measured, predicted = kinetic_energy._excess(QUICK, plane, "")
    velocity = plane.velocity.sel(law="newton").isel(time=len(plane.time) // 2).values
    square = velocity[:, 0] ** 2 + velocity[:, 1] ** 2
    np.testing.assert_allclose(predicted, (1 + 3 * square) / (1 + square), rtol=1e-12)
    np.testing.assert_allclose(measured, predicted, rtol=1e-6)


def test_what_rests_has_no_momentum():
    rest = np.zeros((2, 3))
    np.testing.assert_array_equal(velocity_of(rest, DEFAULT), rest)
    np.testing.assert_array_equal(momentum_of(rest, DEFAULT), rest)
    np.testing.assert_array_equal(law_of("mass_matrix", DEFAULT)(rest, rest + 2.0), rest + 2.0)


@pytest.mark.parametrize(("m", "beta3"), [(1.0, 1.0), (0.3, 2.0), (5.0, 0.1)])
def test_velocities_are_the_real_root_of_a_cubic(m, beta3):
    """``m v + beta3 v^3 = p``, by Cardano, from rest to speeds at which the quartic part rules."""
    setup = replace(DEFAULT, m=m, beta3=beta3)
    p = np.geomspace(1e-3, 1e6, 40)
    half, third = p / (2 * beta3), m / (3 * beta3)
    root = np.cbrt(half + np.sqrt(half**2 + third**3))
    np.testing.assert_allclose(velocity_of(p[:, None], setup)[:, 0], root - third / root, rtol=1e-9)
    assert np.all(np.diff(velocity_of(p[:, None], setup)[:, 0]) > 0)


def test_random_starts_are_normal_and_those_of_their_dimension():
    x, velocity = kinetic_energy.starts(replace(DEFAULT, particles=4000), 3)
    assert x.shape == velocity.shape == (4000, 3) and not (x == velocity).any()
    for drawn in (x, velocity):
        assert abs(drawn.mean()) < 0.05 and drawn.std() == pytest.approx(1, abs=0.03)
    other, ours = (kinetic_energy.starts(replace(DEFAULT, seed=seed), 3)[0] for seed in (1, 0))
    assert not np.isin(other, ours).any()


def test_the_portrait_is_that_of_the_published_picture():
    """The field (v, -x/mass) of one dimension with m = 1; from x = 2 at rest, at beta1 = 3/4 and alpha0 = 2.6."""
    portrait = kinetic_energy.phase_portrait(replace(QUICK, beta3=2.0))
    assert portrait.attrs == {"beta1": 0.75, "alpha0": 2.6, "beta3_of_the_gate": 6.0}
    assert portrait.optimizer.values.tolist() == ["momentum", "VRMomentum"]
    assert portrait.orbit_x.isel(step=0).values.tolist() == [2.0, 2.0] and portrait.step.values.tolist() == [*range(15)]
    assert not portrait.orbit_v.isel(step=0).any() and not portrait.orbit_moved.isel(step=0).any()
    x, v = np.meshgrid(np.linspace(-3, 3, 21), np.linspace(-2, 2, 21), indexing="ij")
    np.testing.assert_allclose(portrait.x, x[:, 0], atol=1e-15)
    np.testing.assert_allclose(portrait.v, v[0], atol=1e-15)
    np.testing.assert_allclose(portrait.x_rate, v, atol=1e-15)
    np.testing.assert_allclose(portrait.v_rate, -x / (1 + 6 * v**2), rtol=1e-12)
    plain = portrait.sel(optimizer="momentum")
    np.testing.assert_allclose(plain.orbit_moved, 2.6 * plain.orbit_v, rtol=1e-12)
    np.testing.assert_allclose(plain.orbit_x[1:], plain.orbit_x[:-1].values - plain.orbit_moved[1:], atol=1e-12)


def test_every_function_works_over_leading_axes():
    """(2, 5, 3) is ten particles in space."""
    velocity, force = np.random.default_rng(4).standard_normal((2, 2, 5, 3))
    flat, push = velocity.reshape(10, 3), force.reshape(10, 3)
    pairs = [
        (momentum_of(velocity, DEFAULT), momentum_of(flat, DEFAULT)),
        (velocity_of(velocity, DEFAULT), velocity_of(flat, DEFAULT)),
        (newton(velocity, force, DEFAULT), newton(flat, push, DEFAULT)),
        *[(law_of(name, DEFAULT)(velocity, force), law_of(name, DEFAULT)(flat, push)) for name in ("restated", "mass")],
        *zip(kinetic_energy._parts(force, velocity), kinetic_energy._parts(push, flat), strict=True),
    ]
    for batch, one in pairs:
        np.testing.assert_allclose(batch, one.reshape(batch.shape), rtol=1e-12)
    along, across = kinetic_energy._parts(np.array([[3.0, 4.0]]), np.array([[0.0, -2.0]]))
    assert (along, across) == (-4, 3)


def test_every_comparison_has_its_dimensions_and_its_number_of_particles(result, confrontation):
    """On a line what is reported, in the plane and in space what is corrected; the energy in all."""
    dims = [{point.label[:5] for point in item.points} for item in confrontation.corrected]
    assert dims == [{"d = 2", "d = 3"}] * 5 + [{"d = 1", "d = 2", "d = 3"}]
    assert [item.n for item in confrontation.reported + confrontation.corrected] == [1] + [6] * 8
    assert [len(item.points) for item in confrontation.reported] == [1, 2, 2]
    apart = []
    for dimension in (2, 3):
        true, told = kinetic_energy._spin(QUICK, result.data[f"orbits_{dimension}"], "restated")
        apart.append(np.abs(true / told - 1).max())
    assert f"off by up to {max(apart):.0%}." in confrontation.note
    low = kinetic_energy._equal(-2.0, 3.0, 0.1, "here")
    assert (low.measured, low.low, low.high, low.predicted, low.label) == (-2.0, -2.2, -1.8, 3.0, "here")


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_orbits_begin_at_the_starts(result, dimension):
    """At time 0, under every law; over the whole duration at equal distances."""
    orbits, (x, velocity) = result.data[f"orbits_{dimension}"], kinetic_energy.starts(QUICK, dimension)
    np.testing.assert_allclose(orbits.time, np.arange(7) / 2, rtol=1e-14)
    for law in ("newton", "restated", "mass_matrix"):
        first = orbits.sel(law=law).isel(time=0)
        np.testing.assert_allclose(first.x, x, rtol=1e-14)
        np.testing.assert_allclose(first.velocity, velocity, rtol=1e-12)
