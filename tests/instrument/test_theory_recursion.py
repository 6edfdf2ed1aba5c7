"""The theory is about this algorithm: its recursion, lambdified, is what the optimizer computes, for every variant."""

from dataclasses import fields, replace
from functools import cache, partial
from inspect import isclass, isfunction

import numpy as np
import pytest
import sympy as sp

import vradam
from theory import recursion
from theory.notation import SYMBOLS
from theory.recursion import ALGORITHM
from vradam import gates

DIM = 2
HYPER = ("alpha0", "alpha1", "beta1", "beta2", "beta3", "eps", "weight_decay", "gate_decay", "w0")
ALGORITHMS = ("vradam", "proof_form", "vrmomentum")
FORMS = {form.name: form for form in (*gates.FORMS, gates.power(6))}
OF_THEORY = {**recursion.FORMS, "power(6)": recursion.power(6)}
LAWS = {law.name: law for law in gates.LAWS}


def kind(law):
    """The name of a law without its numbers: its twin's."""
    return law.name.split("(")[0]


PAIRS = [
    (form.name, law.name)
    for form in FORMS.values()
    for law in gates.LAWS
    if not (form.on_gradient and kind(law) != "published")
]


@cache
def symbolic_step(algorithm, form, law, c):
    """One step of the theory's recursion as a function of numbers: x, v, m, what the gate remembers, the step.

    ``law`` is a kind of laws, whose numbers are among the arguments.
    """
    gate, opens = OF_THEORY[form.name], recursion.LAWS[law]
    x, gradient, v, m = (sp.Matrix(sp.symbols(f"{name}:{DIM}")) for name in ("x", "g", "velocity", "moment"))
    numbers = DIM if form.per_coordinate else 1 + form.memory
    kinetic, t = sp.Matrix(sp.symbols(f"kinetic:{numbers}")), sp.Symbol("t")
    before = recursion.State(v, m, kinetic if numbers > 1 else kinetic[0], t)
    arguments = [x, gradient, v, m, kinetic, t, *(SYMBOLS[name] for name in HYPER)]
    with pytest.MonkeyPatch.context() as patch:
        for clip in ("Min", "Max"):  # written as they stand: to compare what is in them takes longer than all else
            patch.setattr(sp, clip, partial(getattr(sp, clip), evaluate=False))
        moved, after = getattr(recursion, algorithm)(x, gradient, before, gate, c, opens)
        opening = recursion.gamma_of(gate, after.kinetic, after.step, c, algorithm != "proof_form", opens)
    eta = c.alpha0 * opens.ceiling(c) * (sum(opening) / DIM if form.per_coordinate else opening)
    kept = after.kinetic if numbers > 1 else sp.Matrix([after.kinetic])
    results = [moved, after.velocity, after.second_moment, kept, sp.Matrix([eta])]
    function = sp.lambdify(arguments, results, "numpy", cse=True)
    return lambda *numbers: [np.asarray(result, dtype=float).ravel() for result in function(*numbers)]


def optimizer(algorithm, form, law, numbers):
    if algorithm == "vrmomentum":
        names = ("alpha0", "alpha1", "beta1", "beta3", "weight_decay")
        return vradam.VRMomentum(**{name: numbers[name] for name in names}, gate=form, law=law)
    return vradam.VRAdam(**numbers, gate=form, law=law, proof_form=algorithm == "proof_form")


def draw(rng, form):
    """Random hyper-parameters, point, gradient and state; the clip acts in about half of the draws."""
    numbers = {
        "alpha0": rng.uniform(0.01, 1),
        "alpha1": rng.uniform(0.6, 4),
        "beta1": rng.uniform(0, 0.99),
        "beta2": rng.uniform(0.1, 0.999),
        "beta3": rng.uniform(0.1, 3),
        "eps": 10 ** rng.uniform(-8, -1),
        "weight_decay": rng.uniform(0, 0.5),
    }
    x, gradient, v = rng.normal(size=(3, DIM))
    kinetic = rng.uniform(0, 2, size=DIM if form.per_coordinate else 1 + form.memory)
    return numbers, x, gradient, v, rng.uniform(0, 2, size=DIM), kinetic, int(rng.integers(1, 30))


def compare(algorithm, form_name, law_name, c=ALGORITHM, draws=40):
    """The largest relative difference between the two recursions over random states."""
    form, law = FORMS[form_name], LAWS[law_name]
    step = symbolic_step(algorithm, form, kind(law), c)
    rng = np.random.default_rng(20250513)
    worst = 0.0
    for _ in range(draws):
        numbers, x, gradient, v, m, kinetic, t = draw(rng, form)
        known = {**numbers, "gate_decay": getattr(law, "decay", 0.0), "w0": getattr(law, "w0", 0.0)}
        expected = step(x, gradient, v, m, kinetic, t, *(known[name] for name in HYPER))
        opt = optimizer(algorithm, form, law, numbers)
        seen = kinetic if kinetic.size > 1 else kinetic[0]
        moved, after = opt.step(x, gradient, opt.init(x)._replace(velocity=v, second_moment=m, kinetic=seen, step=t))
        assert after.step == t + 1
        found = (moved, after.velocity, after.second_moment, after.kinetic, opt.learning_rate(after))
        for one, other in zip(expected, found, strict=True):
            worst = max(worst, np.max(np.abs(one - other) / np.maximum(np.abs(one), 1e-3)))
    return worst


@pytest.mark.parametrize(("form", "law"), PAIRS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_recursion_is_the_optimizer(algorithm, form, law):
    assert compare(algorithm, form, law, draws=20) < 1e-11


def test_every_form_and_every_law_has_its_twin():
    assert set(recursion.FORMS) == {form.name for form in gates.FORMS}
    assert set(recursion.LAWS) == {kind(law) for law in gates.LAWS}


def test_no_form_and_no_law_is_missing_from_the_tuples():
    """Constants and makers of forms in the module, and the classes of laws: each has an instance in its tuple."""
    defined = vars(gates)
    constants = {value.name for value in defined.values() if isinstance(value, gates.GateForm)}
    makers = {
        name
        for name, value in defined.items()
        if isfunction(value) and value.__annotations__.get("return") == "GateForm" and not name.startswith("_")
    } - {"signal"}  # one's own
    names = {form.name for form in gates.FORMS}
    assert constants <= names and makers <= {name.split("(")[0] for name in names}
    classes = {value for value in vars(vradam.laws).values() if isclass(value) and hasattr(value, "remember")}
    assert classes - {vradam.laws.Law} == {type(law) for law in gates.LAWS}


def test_gate_decay_is_a_spelling_of_the_averaged_law():
    one, other = vradam.VRAdam(gate_decay=0.8), vradam.VRAdam(law=gates.averaged(0.8))
    x, grad = np.array([3.0, -1.0]), np.array([0.5, 2.0])
    states = [optimizer.init(x) for optimizer in (one, other)]
    for _ in range(5):
        (first, states[0]), (second, states[1]) = one.step(x, grad, states[0]), other.step(x, grad, states[1])
        assert np.array_equal(first, second) and states[0].kinetic == states[1].kinetic
    assert compare("vradam", "published", "averaged(0.8)") < 1e-11


def test_the_smoothed_gate_is_the_averaged_law_of_the_published_form():
    x, gradient = sp.Matrix(sp.symbols("x:2")), sp.Matrix(sp.symbols("g:2"))
    before = recursion.State(*(sp.Matrix(sp.symbols(f"{name}:2")) for name in "vm"), *sp.symbols("u t", positive=True))
    for algorithm in ALGORITHMS:
        step = getattr(recursion, algorithm)
        one, after = step(x, gradient, before, recursion.smoothed)
        other, its = step(x, gradient, before, recursion.published, law=recursion.averaged)
        assert after == its and sp.simplify(one - other) == sp.zeros(2, 1)


@pytest.mark.parametrize("field", [field.name for field in fields(ALGORITHM)])
def test_changing_any_coefficient_breaks_the_tie(field):
    """Each number of the recursion is seen by the comparison: 2 % less of any of them is another algorithm."""
    law = {"gate_decay": "averaged(0.8)", "new_gate": "averaged(0.8)", "w0": "held(0.7, w0)"}.get(field, "published")
    mutant = replace(ALGORITHM, **{field: getattr(ALGORITHM, field) * sp.Rational(49, 50)})
    assert compare("vradam", "published", law, mutant) > 1e-7


def test_changing_the_decay_of_the_held_law_breaks_the_tie():
    mutant = replace(ALGORITHM, gate_decay=ALGORITHM.gate_decay * sp.Rational(49, 50))
    assert compare("vradam", "published", "held(0.7)", mutant) > 1e-7


def test_adamw_is_the_optimizer_of_that_name():
    """What the reductions reduce to: ten steps with gradients and numbers at random."""
    rng = np.random.default_rng(3)
    names = ("beta1", "beta2", "eps", "weight_decay")
    x, gradient, v, m = (sp.Matrix(sp.symbols(f"{name}:{DIM}")) for name in ("x", "g", "velocity", "moment"))
    eta, t = sp.symbols("eta t")
    moved, after = recursion.adamw(x, gradient, recursion.State(v, m, sp.Integer(0), t), eta)
    arguments = [x, gradient, v, m, t, eta, *(SYMBOLS[name] for name in names)]
    step = sp.lambdify(arguments, [moved, after.velocity, after.second_moment, after.step], "numpy")
    numbers = dict(zip(names, (0.7, 0.95, 1e-3, 0.2), strict=True))
    twin = vradam.AdamW(alpha0=0.3, **numbers)
    point = np.array([1.0, -2.0])
    state = twin.init(point)
    for _ in range(10):
        grad = rng.normal(size=DIM)
        found = step(point, grad, state.velocity, state.second_moment, state.step, 0.3, *numbers.values())
        point, state = twin.step(point, grad, state)
        for ours, theirs in zip(found, (point, state.velocity, state.second_moment, state.step), strict=True):
            np.testing.assert_allclose(np.ravel(ours), np.ravel(theirs), rtol=1e-12)


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
