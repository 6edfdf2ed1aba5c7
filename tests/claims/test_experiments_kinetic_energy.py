"""K1: Newton's law on a line and on orbits that turn, and what a wrong formula would do to the verdict."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.measurement.planting import plantings
from experiments.measurement.verdict import supports, verdict
from experiments.store.chunks import Chunks
from experiments.studies import kinetic_energy
from experiments.studies.kinetic_energy import DEFAULT, law_of, momentum_of, newton, run, velocity_of
from theory.claim import examine
from theory.claims.kinetic_energy import K1

QUICK = replace(DEFAULT, particles=2, duration=3.0, times=7)


@pytest.fixture(scope="module")
def result():
    return run(QUICK, Chunks())


@pytest.fixture(scope="module")
def confrontation(result):
    return result.confrontations[0]


STATUS = "proved under assumptions"


def test_the_restated_form_holds_on_a_line_and_the_mass_matrix_everywhere(confrontation):
    assert verdict(examine(K1).status, confrontation) == "verified under assumptions"
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


def test_newton_orbits_do_not_depend_on_the_laws_they_judge():
    orbits = run(QUICK, Chunks()).data["orbits_2"]
    kinetic_energy_alone = kinetic_energy.energy(orbits)
    np.testing.assert_allclose(kinetic_energy_alone.isel(time=-1), kinetic_energy_alone.isel(time=0), rtol=1e-7)


def test_phase_portrait_steps_are_the_gate_times_the_velocity():
    portrait = kinetic_energy.phase_portrait(QUICK)
    v, moved = portrait.orbit_v.sel(optimizer="VRMomentum"), portrait.orbit_moved.sel(optimizer="VRMomentum")
    np.testing.assert_allclose(moved, 2.6 * v / (1 + 3 * QUICK.beta3 * v**2), rtol=1e-12)
    x = portrait.orbit_x.sel(optimizer="VRMomentum").values
    np.testing.assert_allclose(v[1:], 0.75 * v[:-1].values + 0.25 * x[:-1], rtol=1e-12)
