"""K1: the masses and energies against finite differences and integrated orbits."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

from theory.claim import vanishes
from theory.claims import kinetic_energy
from theory.claims.kinetic_energy import K1, derive, motion, power_energy, quartic
from theory.notation import beta3, k, m, v

FORMULAS = K1.formulas
MASS, B = 1.3, 0.7


def numeric(name, power=4):
    """A formula of K1 as a function of the speed."""
    expr = FORMULAS[name].subs({m: MASS, beta3: B, k: power})
    return sp.lambdify(v, expr, "numpy")


def momentum(velocity, power):
    """grad T of T = (m/2)|v|^2 + (b/k)|v|^k, by hand."""
    return (MASS + B * np.linalg.norm(velocity) ** (power - 2)) * velocity


@pytest.mark.parametrize("power", [4, 3, 6, 8])
@pytest.mark.parametrize("dimension", [2, 5])
def test_masses_are_the_eigenvalues_of_the_hessian_of_T(power, dimension):
    """Central differences of grad T: one eigenvalue along the velocity, the other d - 1 times across it."""
    rng = np.random.default_rng(3)
    velocity = rng.normal(size=dimension)
    h = 1e-5
    hessian = np.array(
        [(momentum(velocity + h * e, power) - momentum(velocity - h * e, power)) / (2 * h) for e in np.eye(dimension)]
    )
    speed = np.linalg.norm(velocity)
    along, across = (numeric(f"family_mass_{side}", power)(speed) for side in ("along", "across"))
    assert np.linalg.eigvalsh(hessian) == pytest.approx([across] * (dimension - 1) + [along], rel=1e-7)
    assert hessian @ velocity == pytest.approx(along * velocity, rel=1e-7)


def test_the_published_energy_is_the_member_four_of_the_family():
    for name in ("mass_along", "mass_across", "energy"):
        assert vanishes(FORMULAS[f"family_{name}"].subs(k, 4) - FORMULAS[name])


@pytest.mark.parametrize("power", [2, 3, 4, 5, 6])
def test_power_k_of_the_gate_comes_from_power_k_plus_two_of_the_energy(power):
    """1/gate - 1 is proportional to the speed to the power k: doubling the speed multiplies it by 2^k."""
    gate = numeric("family_gate", power + 2)
    assert (1 / gate(2.6) - 1) / (1 / gate(1.3) - 1) == pytest.approx(2.0**power, rel=1e-12)


def orbit(exact, scale=1.0):
    """x, v along the motion in V = x^2/2 + y^2/2, and H, and the angular momentum x cross p."""
    along, across = numeric("mass_along"), numeric("mass_across")
    energy = numeric("energy")

    def field(_, state):
        x, velocity = state[:2], state[2:]
        speed = np.linalg.norm(velocity)
        ahead = velocity / speed
        pull = (ahead @ -x) * ahead
        if not exact:
            return np.concatenate([velocity, -x / along(speed)])
        return np.concatenate([velocity, pull / (scale * along(speed)) + (-x - pull) / across(speed)])

    path = solve_ivp(field, (0, 20), [1, 0, 0.3, 1.2], rtol=1e-11, atol=1e-12).y
    speed = np.hypot(*path[2:])
    hamiltonian = energy(speed) + (path[:2] ** 2).sum(axis=0) / 2
    angular = (MASS + B * speed**2) * (path[0] * path[3] - path[1] * path[2])
    return np.ptp(hamiltonian), np.ptp(angular)


def test_the_exact_motion_conserves_energy_and_angular_momentum():
    hamiltonian, angular = orbit(exact=True)
    assert hamiltonian < 1e-8 and angular < 1e-8


def test_the_restated_motion_conserves_energy_but_not_angular_momentum():
    hamiltonian, angular = orbit(exact=False)
    assert hamiltonian < 1e-8 and angular > 1e-2


def test_two_percent_more_mass_breaks_both():
    hamiltonian, angular = orbit(exact=True, scale=1.02)
    assert hamiltonian > 1e-3 and angular > 1e-3


def test_the_mass_matrix_is_symmetric_and_positive_definite():
    system = motion(quartic, 3)
    mass = sp.lambdify([system.velocity, m, beta3], system.mass, "numpy")
    rng = np.random.default_rng(11)
    for _ in range(20):
        matrix = mass(rng.normal(size=3), MASS, B)
        assert matrix == pytest.approx(matrix.T)
        assert np.linalg.eigvalsh(matrix)[0] >= MASS


@pytest.mark.parametrize("changed", ["quadratic", "family"])
def test_another_kinetic_energy_gives_other_formulas(changed):
    """And no others; a larger quartic term is tried with the recursions of all claims."""
    percent = sp.Rational(1, 100)
    arguments = {
        "quadratic": {"energy": lambda q: quartic(q) + percent * q},
        "family": {"family": lambda q: power_energy(q) * (1 + percent)},
    }[changed]
    derived = derive(**arguments)
    wrong = {name for name, formula in FORMULAS.items() if not vanishes(derived[name] - formula)}
    assert wrong == {name for name in FORMULAS if name.startswith("family") == (changed == "family")}


def test_every_proof_needs_each_of_its_facts(fails_without_each_fact):
    facts = {f.__name__: fails_without_each_fact(kinetic_energy, f) for f in K1.steps.values()}
    by_example = {"counterexample_in_two_dimensions", "restated_form_loses_angular_momentum"}
    assert {name for name, number in facts.items() if number == 0} == by_example, facts


@pytest.mark.parametrize(
    ("step", "dimensions"),
    [
        (kinetic_energy.momentum_changes_by_the_force, [1, 2, 3]),
        (kinetic_energy.mass_matrix_is_isotropic_plus_rank_one, [2, 3]),
        (kinetic_energy.isotropic_exactly_when_parallel, [2, 3]),
        (kinetic_energy.energy_is_conserved, [2]),
        (kinetic_energy.hamilton_equations, [2]),
        (kinetic_energy.energy_cannot_tell_them_apart, [2]),
    ],
)
def test_an_identity_is_written_out_in_every_dimension_that_has_a_case_of_its_own(monkeypatch, step, dimensions):
    """With one bystander coordinate every case of any dimension has occurred; without one it has not."""
    forms, asked = kinetic_energy._forms, []
    monkeypatch.setattr(kinetic_energy, "_forms", lambda dimension: asked.append(dimension) or forms(dimension))
    assert step() and asked == dimensions
