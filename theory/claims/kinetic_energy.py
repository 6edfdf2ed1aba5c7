"""K1: which equation of motion the quartic kinetic energy gives, and which gate each kinetic energy gives.

The Lagrangian ``T(v) - V(x)`` with ``T = (m/2)|v|^2 + (beta3/4)|v|^4`` has the mass matrix

    M(v) = (m + beta3 |v|^2) I + 2 beta3 v v^T,        M(v) vdot = -grad V,

so the mass is ``m + 3 beta3 |v|^2`` along the velocity and ``m + beta3 |v|^2`` across it. The restated form
``(m + 3 beta3 |v|^2) vdot = -grad V`` is a reduction to motions with vdot parallel to v, as in one dimension, and exact
there. What is added here: in every dimension ``d/dt[(m + beta3 |v|^2) v] = -grad V``. A velocity that accumulates
forces, as the algorithm's does, is in these terms the momentum ``p = (m + beta3 |v|^2) v``; seen from it the gate is
``m/(m + beta3 |v|^2)`` with the one speed v that has the momentum p.
Everything below starts from ``euler_equations`` of a kinetic energy given as a function of ``q = |v|^2``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import sympy as sp
from sympy.calculus.euler import euler_equations

from theory.claim import Claim, vanishes
from theory.notation import alpha1, beta3, k, latex, m, v
from theory.recursion import gamma

Energy = Callable[[sp.Expr], sp.Expr]  # T as a function of q = |v|^2


class Motion(NamedTuple):
    """Euler-Lagrange in coordinates: ``equations[i] = 0`` in velocities, accelerations and slopes of V."""

    velocity: sp.Matrix
    acceleration: sp.Matrix
    slope: sp.Matrix
    equations: sp.Matrix

    @property
    def mass(self) -> sp.Matrix:
        """``M(v)``: what multiplies the acceleration."""
        return self.equations.jacobian(self.acceleration)


def quartic(q: sp.Expr) -> sp.Expr:
    """The published kinetic energy."""
    return m * q / 2 + beta3 * q**2 / 4


def power_energy(q: sp.Expr) -> sp.Expr:
    """The family ``T_k = (m/2)|v|^2 + (beta3/k)|v|^k``; ``k = 4`` is the published one."""
    return m * q / 2 + beta3 * q ** (k / 2) / k


@cache
def motion(energy: Energy, dimension: int) -> Motion:
    """The Euler-Lagrange equations of ``T(|v|^2) - V(x)`` in ``dimension`` coordinates, for any potential."""
    t = sp.Symbol("t")
    path = [sp.Function(f"x{i}")(t) for i in range(dimension)]
    potential = sp.Function("V")(*path)
    lagrangian = energy(sum(x.diff(t) ** 2 for x in path)) - potential
    named: dict[sp.Expr, sp.Symbol] = {}
    for symbol, order in (("a", 2), ("v", 1)):
        named |= {x.diff(t, order): sp.Symbol(f"{symbol}{i}", real=True) for i, x in enumerate(path)}
    slopes = {potential.diff(x): sp.Symbol(f"g{i}", real=True) for i, x in enumerate(path)}
    equations = [-equation.lhs.doit().subs(slopes).subs(named) for equation in euler_equations(lagrangian, path, t)]
    names = list(named.values())
    return Motion(
        sp.Matrix(names[dimension:]),
        sp.Matrix(names[:dimension]),
        sp.Matrix(list(slopes.values())),
        sp.Matrix(equations),
    )


def conserved(energy: Energy) -> sp.Expr:
    """The kinetic part of the energy at speed ``v``: Legendre's ``v dT/dv - T``."""
    kinetic = energy(v**2)
    return v * sp.diff(kinetic, v) - kinetic


def masses(energy: Energy) -> tuple[sp.Expr, sp.Expr]:
    """The mass along and across the velocity, at speed ``v`` in a direction that must not matter."""
    system = motion(energy, 2)
    angle = sp.Symbol("angle")
    ahead = sp.Matrix([sp.cos(angle), sp.sin(angle)])
    aside = sp.Matrix([-sp.sin(angle), sp.cos(angle)])
    speed = sp.Symbol("speed", positive=True)
    mass = system.mass.subs(dict(zip(system.velocity, speed * ahead, strict=True)))
    along, across = (sp.simplify((u.T * mass * u)[0]) for u in (ahead, aside))
    return along.subs(speed, v), across.subs(speed, v)


def derive(energy: Energy = quartic, family: Energy = power_energy) -> Mapping[str, sp.Expr]:
    """Masses, conserved energy and gate, from Euler-Lagrange and the Legendre transform."""
    along, across = masses(energy)
    family_along, family_across = masses(family)
    return {
        "mass_along": along,
        "mass_across": across,
        "energy": conserved(energy),
        "family_mass_along": family_along,
        "family_mass_across": family_across,
        "family_energy": conserved(family),
        "family_gate": m / family_along,
        "momentum": sp.diff(energy(v**2), v),
        "momentum_gate": sp.cancel(m * v / sp.diff(energy(v**2), v)),
    }


FORMULAS = {
    "mass_along": m + 3 * beta3 * v**2,
    "mass_across": m + beta3 * v**2,
    "energy": m * v**2 / 2 + 3 * beta3 * v**4 / 4,
    "family_mass_along": m + (k - 1) * beta3 * v ** (k - 2),
    "family_mass_across": m + beta3 * v ** (k - 2),
    "family_energy": m * v**2 / 2 + (k - 1) * beta3 * v**k / k,
    "family_gate": 1 / (1 + (k - 1) * beta3 * v ** (k - 2) / m),
    "momentum": (m + beta3 * v**2) * v,
    "momentum_gate": m / (m + beta3 * v**2),
}


# ---------------------------------------------------------------- proof steps


def _forms(dimension: int) -> tuple[Motion, sp.Expr, sp.Matrix]:
    """The motion, ``q = |v|^2`` and the restated isotropic equation ``(m + 3 beta3 q) vdot + grad V = 0``."""
    system = motion(quartic, dimension)
    q = system.velocity.dot(system.velocity)
    return system, q, (m + 3 * beta3 * q) * system.acceleration + system.slope


def _zero(matrix: sp.Matrix) -> bool:
    return all(vanishes(entry) for entry in matrix)


def exact_in_one_dimension() -> bool:
    """For d = 1 Euler-Lagrange is the restated equation."""
    system, _, restated = _forms(1)
    return _zero(system.equations - restated)


def momentum_changes_by_the_force() -> bool:
    """``d/dt[(m + beta3 q) v] = -grad V``, written out for d = 1, 2 and 3: an entry knows i and q only."""
    for dimension in (1, 2, 3):
        system, q, _ = _forms(dimension)
        rate = ((m + beta3 * q) * system.velocity).jacobian(system.velocity) * system.acceleration
        if not _zero(rate + system.slope - system.equations):
            return False
    return True


def a_momentum_has_one_speed() -> bool:
    """``d/dv (m + beta3 v^2) v = m + 3 beta3 v^2 > 0``: the gate seen from the momentum is well defined."""
    rise = sp.diff(FORMULAS["momentum"], v)
    return vanishes(rise - FORMULAS["mass_along"]) and rise.is_positive is True


def mass_matrix_is_isotropic_plus_rank_one() -> bool:
    """``M = (m + beta3 q) I + 2 beta3 v v^T``, written out for d = 2 and 3.

    An entry ``M_ij`` knows i, j and q only, so with one bystander coordinate (d = 3) every case of any d has occurred.
    """
    for dimension in (2, 3):
        system, q, _ = _forms(dimension)
        claimed = (m + beta3 * q) * sp.eye(dimension) + 2 * beta3 * system.velocity * system.velocity.T
        if not _zero(system.mass - claimed):
            return False
    return True


def inverse_mass_in_any_dimension() -> bool:
    """``(A I + B P)(I/A - C P) = I`` with ``P = v v^T``, ``P^2 = q P``: the coefficient of P vanishes for every d."""
    q = sp.Symbol("q")
    big, rank = m + beta3 * q, 2 * beta3
    c = rank / (big * (big + rank * q))
    any_dimension = vanishes(rank / big - big * c - rank * c * q)
    system, square, _ = _forms(2)
    written_out = sp.eye(2) / big - c * system.velocity * system.velocity.T
    return any_dimension and _zero(system.mass * written_out.subs(q, square) - sp.eye(2))


def _energy_rate(system: Motion, acceleration: sp.Matrix) -> sp.Expr:
    """``dH/dt`` of ``H = (m/2) q + (3 beta3/4) q^2 + V`` along velocities and the given accelerations."""
    q = system.velocity.dot(system.velocity)
    kinetic = sp.Matrix([m * q / 2 + 3 * beta3 * q**2 / 4])
    return (kinetic.jacobian(system.velocity) * acceleration)[0] + system.slope.dot(system.velocity)


def energy_is_conserved() -> bool:
    """``dH/dt = 0`` along Euler-Lagrange, d = 2."""
    system, _, _ = _forms(2)
    return vanishes(_energy_rate(system, -system.mass.inv() * system.slope))


def hamilton_equations() -> bool:
    """With ``p = dT/dv``: ``dH/dp = v`` (through the chain rule, ``dp/dv = M``) and ``dp/dt = -grad V``."""
    system, q, _ = _forms(2)
    momentum = sp.Matrix([quartic(q)]).jacobian(system.velocity).T
    hamiltonian = sp.Matrix([momentum.dot(system.velocity) - quartic(q)])
    slopes = (hamiltonian.jacobian(system.velocity) * system.mass.inv()).T
    flow = momentum.jacobian(system.velocity) * system.acceleration
    return _zero(slopes - system.velocity) and _zero(flow + system.slope - system.equations)


def energy_cannot_tell_them_apart() -> bool:
    """The restated form conserves the same H in d = 2, though it is another motion: weak evidence."""
    system, q, _ = _forms(2)
    return vanishes(_energy_rate(system, -system.slope / (m + 3 * beta3 * q)))


def isotropic_exactly_when_parallel() -> bool:
    """The defect ``D`` between the forms has ``|D|^2 = 4 beta3^2 q sum_{i<j} (v_i a_j - v_j a_i)^2``, d = 2 and 3.

    It vanishes exactly when the acceleration is parallel to the velocity (or ``beta3 = 0``): both directions.
    """
    for dimension in (2, 3):
        system, q, restated = _forms(dimension)
        defect = restated - system.equations
        speed, pull = system.velocity, system.acceleration
        pairs = [(i, j) for j in range(dimension) for i in range(j)]
        cross = sum((speed[i] * pull[j] - speed[j] * pull[i]) ** 2 for i, j in pairs)
        if not vanishes(defect.dot(defect) - 4 * beta3**2 * q * cross):
            return False
    return True


def counterexample_in_two_dimensions() -> bool:
    """``m = beta3 = 1``, ``v = (1, 0)``, ``grad V = (0, 1)``: exact acceleration (0, -1/2), restated (0, -1/4)."""
    system, _, restated = _forms(2)
    here = {m: 1, beta3: 1, **dict(zip([*system.velocity, *system.slope], (1, 0, 0, 1), strict=True))}
    exact = sp.solve(list(system.equations.subs(here)), list(system.acceleration), dict=True)
    told = sp.solve(list(restated.subs(here)), list(system.acceleration), dict=True)
    half, quarter = sp.Rational(-1, 2), sp.Rational(-1, 4)
    return [list(s[0].values()) for s in (exact, told)] == [[0, half], [0, quarter]]


def restated_form_loses_angular_momentum() -> bool:
    """``V = |x|^2/2``, ``x = (1, 0)``, ``v = (1, 1)``, ``m = beta3 = 1``: who conserves ``x cross p``.

    Euler-Lagrange does; under the restated form it changes at the rate -2/7, which no motion of this Lagrangian
    in a central potential can do.
    """
    system, q, restated = _forms(2)
    momentum = sp.Matrix([quartic(q)]).jacobian(system.velocity).T
    here = {m: 1, beta3: 1, **dict(zip([*system.velocity, *system.slope], (1, 1, 1, 0), strict=True))}
    rates = []
    for equations in (system.equations, restated):
        pull = sp.solve(list(equations), list(system.acceleration), dict=True)[0]
        flow = momentum.jacobian(system.velocity) * system.acceleration.subs(pull)
        rates.append(flow[1].subs(here))  # x cross dp/dt; (d/dt x) cross p vanishes: p is parallel to v
    return rates == [0, sp.Rational(-2, 7)]


def clipped_gate_is_a_kinetic_energy() -> bool:
    """The gate is ``1/T''`` of an energy that is quartic up to the clip and quadratic beyond (``m = 1``).

    ``b = beta3/3`` makes the mass along the velocity ``1 + beta3 v^2``; at ``beta3 v^2 = alpha1`` the two pieces agree
    with two derivatives, and ``1/T''`` equals the gate on either side.
    """
    b3, a1, speed, room = (sp.Symbol(name, positive=True) for name in ("b3", "a1", "speed", "room"))
    clip = sp.sqrt(a1 / b3)
    slow = speed**2 / 2 + (b3 / 3) * speed**4 / 4
    fast = slow.subs(speed, clip) + slow.diff(speed).subs(speed, clip) * (speed - clip)
    fast += (1 + a1) * (speed - clip) ** 2 / 2
    smooth = all(vanishes((slow - fast).diff(speed, order).subs(speed, clip)) for order in range(3))
    below = gamma(speed**2).subs({beta3: b3, alpha1: b3 * speed**2 + room})
    beyond = gamma(speed**2).subs({beta3: b3, alpha1: b3 * speed**2 / 2})
    return (
        smooth
        and vanishes(below - 1 / slow.diff(speed, 2))
        and vanishes(beyond - 1 / fast.diff(speed, 2).subs(a1, b3 * speed**2 / 2))
    )


K1 = Claim(
    id="K1",
    title="Quartic kinetic energy: the equation of motion",
    as_reported=(
        "Under a one-dimensional reduction, in which vdot and v are collinear, the Lagrangian (m/2)|v|^2 + "
        "(beta3/4)|v|^4 - V(x) gives vdot = -grad V/(m + 3 beta3 |v|^2), xdot = v."
    ),
    statement=(
        r"\dot{v} \parallel v:\ \left(m + 3 \beta_3 |v|^2\right)\dot{v} = -\nabla V; \quad "
        r"\mathrm{always}:\ \frac{d}{dt}\left[\left(m + \beta_3 |v|^2\right)v\right] = -\nabla V, \quad "
        r"M(v)\,\dot{v} = -\nabla V(x), \quad "
        rf"M(v)\,v = \left({latex(FORMULAS['mass_along'])}\right) v, \quad "
        rf"M(v)\,u = \left({latex(FORMULAS['mass_across'])}\right) u \ \ (u \perp v), \quad "
        rf"H = {latex(FORMULAS['energy'])} + V(x)"
    ),
    source="VRAdam (arXiv:2505.13196), physical motivation: Lagrangian and its equation of motion",
    assumptions=(
        "m > 0, beta3 >= 0, V differentiable",
        "as restated: the acceleration is parallel to the velocity, as it always is in one dimension",
        "added here: every dimension; where the acceleration is not parallel to the velocity and beta3 > 0, the "
        "restated form is another motion",
    ),
    plain=(
        "A particle whose kinetic energy grows like the fourth power of its speed becomes heavier as it moves "
        "faster, but not equally in all directions: pushing it along its velocity meets the mass m + 3 beta3 v^2, "
        "turning it meets only m + beta3 v^2. The restated equation is for motions that do not turn, as in one "
        "dimension, and is exact there. What we add: in every dimension the momentum (m + beta3 v^2) v changes by the "
        "force, and where a motion turns the isotropic form is another motion. Checking that the energy is conserved "
        "does not reveal the difference, because both motions conserve the same energy; angular momentum does. "
        "VRAdam's gate is the reciprocal of the mass along the velocity with 3 beta3/m written as beta3 (clipped: of "
        "an energy that is quadratic beyond the clip), and a kinetic energy with power k gives a gate with power k - 2 "
        "of the speed. An average of gradients is a momentum rather than a velocity; seen from a momentum p the gate "
        "would be m/(m + beta3 v^2) with (m + beta3 v^2) v = p: it closes like p^(-2/3), not like p^(-2), and would "
        "need no clip."
    ),
    concludes="proved under assumptions",
    holds="as claimed where vdot is parallel to v; in every dimension d/dt[(m + beta3 |v|^2) v] = -grad V",
    inequalities={"a momentum has one speed": "m > 0, beta3 >= 0"},
    prose=(
        "An entry of the mass matrix knows two indices and the speed only, so with one bystander coordinate every "
        "dimension has been seen.",
    ),
    derive=derive,
    formulas=FORMULAS,
    steps={
        "one dimension: the restated form is exact": exact_in_one_dimension,
        "in every dimension the momentum changes by the force": momentum_changes_by_the_force,
        "a momentum has one speed": a_momentum_has_one_speed,
        "mass matrix": mass_matrix_is_isotropic_plus_rank_one,
        "inverse of the mass matrix, any dimension": inverse_mass_in_any_dimension,
        "Euler-Lagrange conserves H": energy_is_conserved,
        "Legendre transform: Hamilton's equations": hamilton_equations,
        "the restated form conserves H too": energy_cannot_tell_them_apart,
        "isotropic exactly when the acceleration is parallel to the velocity": isotropic_exactly_when_parallel,
        "counterexample in two dimensions": counterexample_in_two_dimensions,
        "the restated form loses angular momentum": restated_form_loses_angular_momentum,
        "the clipped gate comes from a kinetic energy": clipped_gate_is_a_kinetic_energy,
    },
)

CLAIMS = (K1,)
