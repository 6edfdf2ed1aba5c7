"""K1: a particle with quartic kinetic energy, moved by Newton's law alone.

Newton's law ``dp/dt = -grad V`` with ``p = dT/dv`` needs only the kinetic energy: the velocity of a momentum is found
by solving ``dT/dv = p``, and no equation of motion is assumed. On a line, where the acceleration is parallel to the
velocity, it is compared with the equation as restated. On orbits that turn (d = 2, 3) it is compared with the mass
matrix that :mod:`theory.claims.kinetic_energy` derives, and three quantities tell that from the isotropic form. The
energy does not: both conserve it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import sympy as sp
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.store.chunks import Chunks
from experiments.study import Result, Study
from theory.claims.kinetic_energy import FORMULAS, quartic
from theory.notation import v

Array = NDArray[np.float64]
Law = Callable[[Array, Array], Array]  # (velocity (..., d), force (..., d)) -> acceleration (..., d)
Compare = Callable[..., tuple[Array, Array]]  # (setup, orbits, law) -> measured, predicted, per particle
Rates = Callable[[Array, Array], tuple[Array, Array]]  # (x, second) -> their derivatives in time


@dataclass(frozen=True)
class Setup:
    """A particle in the bowl ``V = |x|^2/2``.

    Parameters
    ----------
    m, beta3 : float
        Of the kinetic energy ``(m/2)|v|^2 + (beta3/4)|v|^4``, > 0.
    dimensions : tuple of int
        Of the space; in each, ``particles`` random starts.
    duration, times
        Length of the orbits and number of instants at which they are compared.
    tolerance : float
        Of the integration, relative.
    accuracy : float
        Relative half-width of every measured interval, wide enough for the integration and for differencing.
    grid : int
        Points per axis of the phase portrait.
    """

    m: float = 1.0
    beta3: float = 1.0
    dimensions: tuple[int, ...] = (1, 2, 3)
    particles: int = 4
    duration: float = 8.0
    times: int = 81
    seed: int = 0
    tolerance: float = 1e-10
    accuracy: float = 1e-6
    grid: int = 21


DEFAULT: Final = Setup()
PAPER: Final = Setup(dimensions=(1, 2, 3, 10), particles=32, duration=40.0, times=401, tolerance=1e-12, grid=41)

#: |dT/dv| at speed v, and its slope: all that Newton's law needs to know of the kinetic energy.
MOMENTUM: Final = sp.diff(quartic(v**2), v)
STEEPNESS: Final = sp.diff(MOMENTUM, v)


def run(setup: Setup, chunks: Chunks) -> Result:
    """Integrate every orbit under Newton's law and under both candidates, then compare."""
    orbits = chunks.map(_orbits, {f"orbits_{d}": (setup, d) for d in setup.dimensions})
    n = setup.particles * len(setup.dimensions)

    def equality(quantity: str, compare: Compare, law: str = "", least: int = 2, most: float = np.inf) -> Evidence:
        points = [
            _equal(float(measured), float(predicted), setup.accuracy, f"d = {orbit.sizes['coordinate']}, particle {i}")
            for orbit in orbits.values()
            if least <= orbit.sizes["coordinate"] <= most
            for i, (measured, predicted) in enumerate(zip(*compare(setup, orbit, law), strict=True))
        ]
        return Evidence("equality", tuple(points), n, quantity)

    one = np.ones((1, 1))
    example = float(-newton(one, -one, setup)[0, 0])
    mass = float(evaluate(FORMULAS["mass_along"], v=1.0, m=setup.m, beta3=setup.beta3))
    by_hand = Evidence(
        "equality", (_equal(example, 1 / mass, setup.accuracy, f"m = {setup.m:g}, beta3 = {setup.beta3:g}"),), 1,
        "deceleration on a line at speed 1 under a unit force",
    )  # fmt: skip
    turning = [orbit for orbit in orbits.values() if orbit.sizes["coordinate"] > 1]
    apart = max(float(np.abs(np.divide(*_spin(setup, orbit, "restated")) - 1).max()) for orbit in turning)
    confrontation = Confrontation(
        "K1",
        reported=(
            by_hand,
            equality("acceleration on a line", _along, "restated", least=1, most=1),
            equality("distance from the centre after the run, on a line", _distance, "restated", least=1, most=1),
        ),
        corrected=(
            equality("acceleration along the velocity", _along, "mass_matrix"),
            equality("acceleration across the velocity", _across, "mass_matrix"),
            equality("acceleration across the velocity over that of the isotropic form", _excess),
            equality("angular momentum after the run", _spin, "mass_matrix"),
            equality("distance from the centre after the run", _distance, "mass_matrix"),
            equality("energy after the run", _energy, least=1),
        ),
        note=(
            "Newton's law with p = dT/dv, against the restated equation on a line and against the mass matrix on "
            "orbits that turn. There the isotropic form is another motion: after the run its angular momentum is off "
            f"by up to {apart:.0%}. Both forms conserve the energy."
        ),
        showcase=(by_hand.quantity, by_hand.points[0].label),
    )
    return Result(data={**orbits, "phase_portrait": phase_portrait(setup)}, confrontations=(confrontation,))


# ---------------------------------------------------------------- three laws of motion


def velocity_of(momentum: Array, setup: Setup) -> Array:
    """Solve ``dT/dv = p`` (..., d) by Newton's iteration on the speed, from above, where it converges monotonically."""
    size = np.linalg.norm(momentum, axis=-1)
    speed = size / setup.m
    for _ in range(60):
        excess = evaluate(MOMENTUM, v=speed, m=setup.m, beta3=setup.beta3) - size
        change = excess / evaluate(STEEPNESS, v=speed, m=setup.m, beta3=setup.beta3)
        speed = speed - change
        if np.all(np.abs(change) <= 1e-15 * speed):
            break
    return momentum * (speed / np.where(size > 0, size, 1.0))[..., None]


def momentum_of(velocity: Array, setup: Setup) -> Array:
    """``p = dT/dv`` (..., d)."""
    speed = np.linalg.norm(velocity, axis=-1)
    size = evaluate(MOMENTUM, v=speed, m=setup.m, beta3=setup.beta3)
    return velocity * (size / np.where(speed > 0, speed, 1.0))[..., None]


def newton(velocity: Array, force: Array, setup: Setup, h: float = 1e-5) -> Array:
    """The acceleration under Newton's law: the change of the velocity when the momentum changes by the force."""
    momentum = momentum_of(velocity, setup)
    return (velocity_of(momentum + h * force, setup) - velocity_of(momentum - h * force, setup)) / (2 * h)


def law_of(name: str, setup: Setup) -> Law:
    """The acceleration by the masses of the theory: ``"restated"`` uses the mass along the velocity for everything."""

    def acceleration(velocity: Array, force: Array) -> Array:
        speed = np.linalg.norm(velocity, axis=-1)[..., None]
        along, across = (
            evaluate(FORMULAS[mass], v=speed, m=setup.m, beta3=setup.beta3) for mass in ("mass_along", "mass_across")
        )
        if name == "restated":
            return force / along
        direction = velocity / np.where(speed > 0, speed, 1.0)
        forward = np.sum(force * direction, axis=-1, keepdims=True) * direction
        return forward / along + (force - forward) / across

    return acceleration


# ---------------------------------------------------------------- orbits


def starts(setup: Setup, dimension: int) -> tuple[Array, Array]:
    """Positions and velocities (particles, d), normal with unit variance in every dimension."""
    random = np.random.default_rng((setup.seed, dimension))
    x, velocity = random.standard_normal((2, setup.particles, dimension))
    return x, velocity


def _orbits(setup: Setup, dimension: int) -> xr.Dataset:
    """Positions and velocities of every particle under the three laws at ``setup.times`` instants."""
    from scipy.integrate import solve_ivp

    x0, v0 = starts(setup, dimension)
    time = np.linspace(0.0, setup.duration, setup.times)

    def solve(second: Array, rates: Rates) -> tuple[Array, Array]:
        def right_side(_: float, packed: Array) -> Array:
            return np.concatenate([rate.ravel() for rate in rates(*packed.reshape(2, *x0.shape))])

        packed = np.concatenate([x0.ravel(), second.ravel()])
        accuracy = {"rtol": setup.tolerance, "atol": setup.tolerance}
        solved = solve_ivp(right_side, (0.0, setup.duration), packed, "DOP853", time, **accuracy)
        x, second = np.moveaxis(solved.y, -1, 0).reshape(time.size, 2, *x0.shape).swapaxes(0, 1)
        return x, second

    def follow(name: str) -> tuple[Array, Array]:
        law = law_of(name, setup)
        return solve(v0, lambda x, velocity: (velocity, law(velocity, -x)))

    x, momentum = solve(momentum_of(v0, setup), lambda x, p: (velocity_of(p, setup), -x))
    found = {"newton": (x, velocity_of(momentum, setup))} | {name: follow(name) for name in ("restated", "mass_matrix")}
    dims = ("law", "time", "particle", "coordinate")
    return xr.Dataset(
        {
            "x": (dims, np.stack([x for x, _ in found.values()])),
            "velocity": (dims, np.stack([velocity for _, velocity in found.values()])),
        },
        coords={"law": list(found), "time": time},
        attrs={"potential": "|x|^2/2", "m": setup.m, "beta3": setup.beta3},
    )


def energy(orbits: xr.Dataset) -> xr.DataArray:
    """The theory's conserved energy along every orbit, dims (law, time, particle)."""
    speed = np.sqrt((orbits.velocity**2).sum("coordinate"))
    kinetic = evaluate(FORMULAS["energy"], v=speed.values, m=orbits.attrs["m"], beta3=orbits.attrs["beta3"])
    return (orbits.x**2).sum("coordinate") / 2 + kinetic


def spin(orbits: xr.Dataset, setup: Setup) -> xr.DataArray:
    """The size of the angular momentum, ``sqrt(|x|^2 |p|^2 - (x.p)^2)``, dims (law, time, particle)."""
    p = orbits.velocity.copy(data=momentum_of(orbits.velocity.values, setup))
    product = (orbits.x**2).sum("coordinate") * (p**2).sum("coordinate") - (orbits.x * p).sum("coordinate") ** 2
    return np.sqrt(product.clip(min=0))


# ---------------------------------------------------------------- what is compared: (measured, predicted) per particle


def _equal(measured: float, predicted: float, accuracy: float, label: str) -> Point:
    return Point(measured, measured - accuracy * abs(measured), measured + accuracy * abs(measured), predicted, label)


def _parts(acceleration: Array, velocity: Array) -> tuple[Array, Array]:
    """The component along the velocity, with its sign, and the size of the rest."""
    direction = velocity / np.linalg.norm(velocity, axis=-1, keepdims=True)
    along = np.sum(acceleration * direction, axis=-1)
    return along, np.linalg.norm(acceleration - along[..., None] * direction, axis=-1)


def _pulls(setup: Setup, orbits: xr.Dataset, law: str) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """The acceleration halfway along the true orbits, measured and predicted, along and across the velocity."""
    halfway = orbits.sel(law="newton").isel(time=orbits.sizes["time"] // 2)
    velocity, force = halfway.velocity.values, -halfway.x.values
    measured, predicted = newton(velocity, force, setup), law_of(law, setup)(velocity, force)
    return _parts(measured, velocity), _parts(predicted, velocity)


def _along(setup: Setup, orbits: xr.Dataset, law: str) -> tuple[Array, Array]:
    measured, predicted = _pulls(setup, orbits, law)
    return measured[0], predicted[0]


def _across(setup: Setup, orbits: xr.Dataset, law: str) -> tuple[Array, Array]:
    measured, predicted = _pulls(setup, orbits, law)
    return measured[1], predicted[1]


def _excess(setup: Setup, orbits: xr.Dataset, law: str) -> tuple[Array, Array]:
    """How much more a push across the velocity does than the isotropic form says: mass along over mass across."""
    measured, isotropic = _pulls(setup, orbits, "restated")
    speed = np.linalg.norm(orbits.sel(law="newton").isel(time=orbits.sizes["time"] // 2).velocity.values, axis=-1)
    masses = (evaluate(FORMULAS[f"mass_{side}"], v=speed, m=setup.m, beta3=setup.beta3) for side in ("along", "across"))
    along, across = masses
    return measured[1] / isotropic[1], along / across


def _spin(setup: Setup, orbits: xr.Dataset, law: str) -> tuple[Array, Array]:
    last = spin(orbits, setup).isel(time=-1)
    return last.sel(law="newton").values, last.sel(law=law).values


def _distance(setup: Setup, orbits: xr.Dataset, law: str) -> tuple[Array, Array]:
    last = np.sqrt((orbits.x**2).sum("coordinate")).isel(time=-1)
    return last.sel(law="newton").values, last.sel(law=law).values


def _energy(setup: Setup, orbits: xr.Dataset, law: str) -> tuple[Array, Array]:
    along = energy(orbits).sel(law="newton")
    return along.isel(time=-1).values, along.isel(time=0).values


# ---------------------------------------------------------------- the optimizer's picture of it


def phase_portrait(setup: Setup) -> xr.Dataset:
    """The published picture: the field of one dimension and, over it, orbits of momentum and VRMomentum on ``x^2/2``.

    The field is ``(v, -x/mass)`` with the mass along the velocity (m = 1), which in one dimension is all there is; the
    orbits take 14 steps at beta1 = 0.75 and alpha0 = 2.6 from x = 2.
    """
    bowl, steps = vradam.objectives.quadratic([1.0]), 14
    optimizer = vradam.VRMomentum(alpha0=2.6, alpha1=np.inf, beta1=0.75, beta3=np.array([0.0, 3 * setup.beta3]))
    orbit = vradam.simulate(optimizer, bowl, x0=[2.0], steps=steps, engine="numpy")
    x = orbit.x[..., 0]
    moved = -np.diff(x, axis=-1)  # eta_t v_t
    side = np.linspace(-1.0, 1.0, setup.grid)
    position, speed = np.meshgrid(3.0 * side, 2.0 * side, indexing="ij")
    return xr.Dataset(
        {
            "x_rate": (("x", "v"), speed),
            "v_rate": (("x", "v"), -position / evaluate(FORMULAS["mass_along"], v=speed, m=1.0, beta3=setup.beta3)),
            "orbit_x": (("optimizer", "step"), x),
            "orbit_v": (("optimizer", "step"), np.insert(moved / orbit.learning_rate[..., 1:], 0, 0.0, axis=-1)),
            "orbit_moved": (("optimizer", "step"), np.insert(moved, 0, 0.0, axis=-1)),
        },
        coords={"x": 3.0 * side, "v": 2.0 * side, "optimizer": ["momentum", "VRMomentum"], "step": orbit.step},
        attrs={"beta1": 0.75, "alpha0": 2.6, "beta3_of_the_gate": 3 * setup.beta3},
    )


STUDY = Study(DEFAULT, PAPER, run)
