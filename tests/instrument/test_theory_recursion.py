"""The theory is about this algorithm: its recursion, lambdified, is what the optimizer computes, for every variant."""

from dataclasses import fields, replace

import numpy as np
import pytest
import sympy as sp

import vradam
from theory import recursion
from theory.notation import SYMBOLS
from theory.recursion import ALGORITHM
from vradam import gates as gates

DIM = 2
HYPER = ("alpha0", "alpha1", "beta1", "beta2", "beta3", "eps", "weight_decay", "gate_decay")
GATES = {
    "published": (recursion.published, gates.published),
    "predictable": (recursion.predictable, gates.predictable),
    "inside": (recursion.inside, gates.inside),
    "gradient_norm": (recursion.gradient_norm, gates.gradient_norm),
    "power 3": (recursion.power(3), gates.power(3)),
    "power 6": (recursion.power(6), gates.power(6)),
    "per_coordinate": (recursion.per_coordinate, gates.per_coordinate),
    "smoothed": (recursion.smoothed, gates.published),
}
ALGORITHMS = ("vradam", "proof_form", "vrmomentum")


def symbolic_step(algorithm, gate, c=ALGORITHM):
    """One step of the theory's recursion as a function of numbers: x, v, m, the kinetic energy, the learning rate."""
    x, gradient, v, m = (sp.Matrix(sp.symbols(f"{name}:{DIM}")) for name in ("x", "g", "velocity", "moment"))
    kinetic, t = sp.symbols("kinetic t")
    seen = sp.Matrix([kinetic] * DIM) if gate is recursion.per_coordinate else kinetic
    before = recursion.State(v, m, seen, t)
    moved, after = getattr(recursion, algorithm)(x, gradient, before, gate, c)
    arguments = [x, gradient, v, m, kinetic, t, *(SYMBOLS[name] for name in HYPER)]
    opening = recursion.gamma_of(gate, after.kinetic, after.step, c, corrected=algorithm != "proof_form")
    eta = c.alpha0 * (sum(opening) / DIM if gate is recursion.per_coordinate else opening)
    results = [moved, after.velocity, after.second_moment, sp.Matrix([after.kinetic]), sp.Matrix([eta])]
    function = sp.lambdify(arguments, results, "numpy")
    return lambda *numbers: [np.asarray(result, dtype=float).ravel() for result in function(*numbers)]


def optimizer(algorithm, gate, numbers):
    if algorithm == "vrmomentum":
        names = ("alpha0", "alpha1", "beta1", "beta3", "weight_decay", "gate_decay")
        return vradam.VRMomentum(**{name: numbers[name] for name in names}, gate=gate)
    return vradam.VRAdam(**numbers, gate=gate, proof_form=algorithm == "proof_form")


def draw(rng, smoothed):
    """Random hyper-parameters, point, gradient and state; the clip acts in about half of the draws."""
    numbers = {
        "alpha0": rng.uniform(0.01, 1),
        "alpha1": rng.uniform(0.1, 4),
        "beta1": rng.uniform(0, 0.99),
        "beta2": rng.uniform(0.1, 0.999),
        "beta3": rng.uniform(0.1, 3),
        "eps": 10 ** rng.uniform(-8, -1),
        "weight_decay": rng.uniform(0, 0.5),
        "gate_decay": rng.uniform(0.1, 0.99) if smoothed else 0.0,
    }
    x, gradient, v = rng.normal(size=(3, DIM))
    m, kinetic, t = rng.uniform(0, 2, size=DIM), rng.uniform(0, 2), int(rng.integers(0, 30))
    return numbers, x, gradient, v, m, kinetic, t


def compare(algorithm, gate_name, c=ALGORITHM, draws=40):
    """The largest relative difference between the two recursions over random states."""
    of_theory, of_vradam = GATES[gate_name]
    step = symbolic_step(algorithm, of_theory, c)
    rng = np.random.default_rng(20250513)
    worst = 0.0
    for _ in range(draws):
        numbers, x, gradient, v, m, kinetic, t = draw(rng, gate_name == "smoothed")
        expected = step(x, gradient, v, m, kinetic, t, *(numbers[name] for name in HYPER))
        seen = np.full(DIM, kinetic) if gate_name == "per_coordinate" else np.asarray(kinetic)
        opt = optimizer(algorithm, of_vradam, numbers)
        moved, after = opt.step(x, gradient, opt.init(x)._replace(velocity=v, second_moment=m, kinetic=seen, step=t))
        assert after.step == t + 1
        found = (moved, after.velocity, after.second_moment, after.kinetic, opt.learning_rate(after))
        for one, other in zip(expected, found, strict=True):
            worst = max(worst, np.max(np.abs(one - other) / np.maximum(np.abs(one), 1e-3)))
    return worst


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_recursion_is_the_optimizer(algorithm, gate):
    assert compare(algorithm, gate) < 1e-11


@pytest.mark.parametrize("field", [field.name for field in fields(ALGORITHM)])
def test_changing_any_coefficient_breaks_the_tie(field):
    """Each number of the recursion is seen by the comparison: 2 % less of any of them is another algorithm."""
    gate = "smoothed" if "gate" in field else "published"
    mutant = replace(ALGORITHM, **{field: getattr(ALGORITHM, field) * sp.Rational(49, 50)})
    assert compare("vradam", gate, mutant) > 1e-7


def test_the_start_is_at_rest():
    opt = vradam.VRAdam()
    state = opt.init(np.ones(DIM))
    start = recursion.start(DIM)
    assert not np.any(state.velocity) and not np.any(state.second_moment) and state.kinetic == 0 and state.step == 0
    assert start.velocity == sp.zeros(DIM, 1) == start.second_moment and (start.kinetic, start.step) == (0, 0)


def test_two_exact_steps_by_hand():
    """d = 1, beta1 = beta2 = 1/2, gradients 2 then 2: v = 1, 3/2; m = 2, 3; both corrected moments are 2 and 4."""
    half = sp.Rational(1, 2)
    c = recursion.Coefficients(
        alpha0=sp.Integer(1), alpha1=sp.Integer(10), beta1=half, new1=half, beta2=half, new2=half,
        beta3=sp.Integer(1), eps=sp.Integer(1), weight_decay=half,
    )  # fmt: skip
    x, state = recursion.vradam(sp.Matrix([1]), sp.Matrix([2]), recursion.start(1), c=c)
    assert (state.velocity[0], state.second_moment[0], state.kinetic) == (1, 2, 1)
    assert x[0] == sp.Rational(1) * (1 - sp.Rational(1, 4)) - sp.Rational(1, 2) * sp.Rational(2, 3)
    _, state = recursion.vradam(x, sp.Matrix([2]), state, c=c)
    assert (state.velocity[0], state.second_moment[0], state.kinetic) == (sp.Rational(3, 2), 3, sp.Rational(9, 4))
