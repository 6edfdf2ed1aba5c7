"""S3a and S5: where one Lyapunov function ends, what remains true, and two gates in turn."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from theory.claim import vanishes
from theory.claims import gate_sequences
from theory.claims.gate_sequences import (
    S5,
    TWO_GATES,
    S3a,
    circle_criterion,
    common_gates,
    derive_two_gates,
    is_schur,
    swapped_gates,
)
from theory.claims.gate_sequences.circle_criterion import LIMITS, derive_limits
from theory.methods import quadratic_family
from theory.notation import a, alpha1, beta1, s1, s2
from theory.recursion import ALGORITHM
from theory.search.certify_gates import certify_gates

limit = sp.lambdify((beta1, a), LIMITS["cqlf_limit"])
in_scale = sp.lambdify((beta1, alpha1), LIMITS["cqlf_in_scale"])
two_gate_word = sp.lambdify((beta1, s1, s2), TWO_GATES["two_gate_word"])


def step(decay, gate):
    """One mode in (x, w), written out once more."""
    return np.array([[1 - gate * (1 - decay), -gate * decay], [1 - decay, decay]])


def edge_of(decay):
    return 2 * (1 + decay) / (1 - decay)


def pair_has_common_form(decay, low, high):
    """Shorten and Narendra's test after a Cayley transform: the product of the images has no negative eigenvalue."""
    images = [(step(decay, gate) - np.eye(2)) @ np.linalg.inv(step(decay, gate) + np.eye(2)) for gate in (low, high)]
    product = images[0] @ images[1]
    eigenvalues = np.linalg.eigvals(product)
    return not np.any((np.abs(eigenvalues.imag) < 1e-9) & (eigenvalues.real < 0))


DECAYS = (0.3, 0.5, 0.9, 0.99)


OWN = [gate_sequences, circle_criterion, quadratic_family]


def test_every_step_of_another_proof_holds():
    """Those of the modules below are asked first of all that they hold."""
    steps = {f for claim in (S3a, S5) for f in claim.steps.values() if inspect.getmodule(f) not in OWN}
    assert steps and all(holds() for holds in steps)


@pytest.mark.parametrize("module", OWN, ids=lambda m: m.__name__)
def test_every_proof_holds_and_needs_each_of_its_facts(module, fails_without_each_fact):
    steps = {f for claim in (S3a, S5) for f in claim.steps.values() if inspect.getmodule(f) is module}
    deciders = [name for name in ("zero", "is_schur") if hasattr(module, name)]
    facts = {f.__name__: fails_without_each_fact(module, f, deciders) for f in steps}
    assert {name for name, number in facts.items() if number == 0} <= {"no_other_form_does_better"}, facts


# ---------------------------------------------------------------- the limit of one form


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("share", [1e-3, 0.05, 0.4])
def test_limit_agrees_with_another_criterion(decay, share):
    low = share * 8 * decay / (1 - decay**2)
    high = float(limit(decay, low))
    assert low < high < edge_of(decay)
    assert pair_has_common_form(decay, low, high * (1 - 1e-6))
    assert not pair_has_common_form(decay, low, high * (1 + 1e-6))


@pytest.mark.parametrize("decay", DECAYS)
def test_the_second_branch_is_the_edge(decay):
    corner = 8 * decay / (1 - decay**2)
    beyond = (corner + edge_of(decay)) / 2
    assert limit(decay, beyond) == pytest.approx(edge_of(decay), rel=1e-12)
    assert limit(decay, corner * (1 - 1e-9)) == pytest.approx(edge_of(decay), rel=1e-6)
    assert pair_has_common_form(decay, beyond, edge_of(decay) * (1 - 1e-7))


def test_known_numbers():
    assert LIMITS["cqlf_limit_zero"].subs(beta1, sp.Rational(9, 10)) == sp.Rational(2, 19)
    assert in_scale(0.9, 10.0) == pytest.approx(0.2153844, abs=1e-7)
    assert limit(0.9, 0.2153844445 / 11) == pytest.approx(0.2153844445, rel=1e-9)
    assert in_scale(0.0, 10.0) == 2.0  # without momentum the theorem is true


@pytest.mark.parametrize("decay", DECAYS[:3])
def test_small_clips_are_safe_up_to_the_edge(decay):
    clip, end = (1 - decay) ** 2 / (4 * decay), edge_of(decay)
    assert in_scale(decay, 0.99 * clip) == end
    assert in_scale(decay, 1.02 * clip) < end
    assert pair_has_common_form(decay, end * (1 - 1e-7) / (1 + 0.98 * clip), end * (1 - 1e-7))
    assert not pair_has_common_form(decay, end * (1 - 1e-7) / (1 + 1.02 * clip), end * (1 - 1e-7))


@pytest.mark.parametrize("decay", ["3/10", "1/2", "9/10"])
@pytest.mark.parametrize("clip", [1, 10, 100])
def test_certificates_bracket_the_limit(decay, clip):
    top = float(in_scale(float(sp.Rational(decay)), clip))
    below, above = (certify_gates(decay, top * share / (1 + clip), top * share) for share in (0.9999, 1.0001))
    assert below.certificate["kind"] == "lyapunov"
    assert above.certificate["kind"] != "lyapunov"


def test_a_semidefinite_solver_finds_the_same_limit():
    cvxpy = pytest.importorskip("cvxpy", reason="cvxpy is an optional witness")
    pytest.importorskip("clarabel", reason="clarabel is an optional witness")
    for decay, low in ((0.3, 0.1), (0.5, 0.2), (0.9, 0.05)):

        def margin(high, decay=decay, low=low):
            form = cvxpy.Variable((2, 2), symmetric=True)
            room = cvxpy.Variable()
            falls = [form - step(decay, g).T @ form @ step(decay, g) >> room * np.eye(2) for g in (low, high)]
            problem = cvxpy.Problem(cvxpy.Maximize(room), [cvxpy.trace(form) == 1, form >> 0, *falls])
            problem.solve(solver="CLARABEL")
            return room.value

        left, right = low, edge_of(decay)
        for _ in range(30):
            middle = (left + right) / 2
            left, right = (middle, right) if margin(middle) > 1e-9 else (left, middle)
        assert left == pytest.approx(float(limit(decay, low)), rel=1e-4)


# ---------------------------------------------------------------- what is true


numbers = st.floats(-10, 10, allow_nan=False)


@given(x=numbers, w=numbers, decay=st.floats(0.05, 0.95), share=st.floats(0.01, 0.99), later=st.floats(0.01, 0.99))
def test_energy_identity_in_numbers(x, w, decay, share, later):
    kappa, end = (1 + decay) / (1 - decay), edge_of(decay)
    weight, next_weight = share / (1 - share), later / (1 - later)
    moved, after = step(decay, share * end) @ [x, w]
    lost = (
        x**2
        + decay**2 * weight * (x + kappa * w) ** 2
        - moved**2
        - decay**2 * next_weight * (moved + kappa * after) ** 2
    )
    claimed = (weight - decay**2 * next_weight) * (moved + kappa * after) ** 2
    scale = x**2 + moved**2 + (weight + next_weight) * ((x + kappa * w) ** 2 + (moved + kappa * after) ** 2)
    assert abs(lost - claimed) <= 1e-9 * scale + 1e-300


@pytest.mark.parametrize("rising", [False, True])
def test_monotone_gates_converge_up_to_the_edge(rising):
    rng = np.random.default_rng(7)
    for decay in (0.5, 0.9, 0.97):
        gates = np.sort(rng.uniform(0.02, 0.999, 4000)) * edge_of(decay)
        z = rng.normal(size=2)
        start = np.linalg.norm(z)
        for gate in gates if rising else gates[::-1]:
            z = step(decay, gate) @ z
        assert np.linalg.norm(z) < 1e-6 * start


def test_gradient_and_lag_falls_below_its_bound_and_not_beyond():
    rng = np.random.default_rng(3)
    for decay in (0.2, 0.5, 0.9):
        kappa = (1 + decay) / (1 - decay)
        form = np.array([[1 + decay, -decay], [-decay, decay]])
        for share, falls in ((0.999, True), (1.001, False)):
            loss = form - step(decay, share * 2 / kappa).T @ form @ step(decay, share * 2 / kappa)
            assert (np.linalg.eigvalsh(loss)[0] > 0) == falls
        z = rng.normal(size=(2, 1000))
        moved = np.einsum("ij,jk->ik", step(decay, 1.9 / kappa), z)
        assert np.all(np.einsum("ik,ij,jk->k", moved, form, moved) < np.einsum("ik,ij,jk->k", z, form, z))


@given(decay=st.floats(0.05, 0.95), gate=st.floats(0.01, 0.99), weight=st.floats(0.01, 0.99))
def test_rate_of_the_family_is_sharp(decay, gate, weight):
    """r^2 = beta1 exp(2 asinh(|s-sigma|/sqrt((sigma-s-)(s+-sigma)))) is the largest ratio Q_sigma(z')/Q_sigma(z)."""
    end = edge_of(decay)
    low, high = (end / 2 - sign * np.sqrt(end**2 / 4 - 1) for sign in (1, -1))
    sigma, s = low + weight * (high - low), gate * end
    form = np.array([[1 - decay, (1 - decay) * (sigma - 1) / 2], [(1 - decay) * (sigma - 1) / 2, sigma * decay]])
    image = step(decay, s).T @ form @ step(decay, s)
    ratio = np.max(np.linalg.eigvals(np.linalg.solve(form, image)).real)
    claimed = decay * np.exp(2 * np.arcsinh(abs(s - sigma) / np.sqrt((sigma - low) * (high - sigma))))
    assert ratio == pytest.approx(claimed, rel=1e-5)


# ---------------------------------------------------------------- two gates


@given(decay=st.floats(0.01, 0.98), first=st.floats(0.001, 0.999), second=st.floats(0.001, 0.999))
def test_two_gate_word_has_the_sign_of_instability(decay, first, second):
    gates = first * edge_of(decay), second * edge_of(decay)
    radius = max(abs(np.linalg.eigvals(step(decay, gates[1]) @ step(decay, gates[0]))))
    word = two_gate_word(decay, *gates)
    if abs(word) > 1e-6:
        assert (radius > 1) == (word > 0)


def test_two_gate_limits():
    numbers = {beta1: sp.Rational(9, 10)}
    assert TWO_GATES["two_gate_limit"].subs(numbers) == sp.Rational(362, 19)
    clip = float(TWO_GATES["two_gate_alpha1"].subs(numbers))
    for share, unstable in ((0.98, False), (1.02, True)):
        assert (two_gate_word(0.9, 38.0, 38.0 / (1 + share * clip)) > 0) == unstable


def test_coupled_example_against_eigenvalues():
    alone = [np.array(gates).astype(float) for gates in (*swapped_gates(), *common_gates())]
    radii = [max(abs(np.linalg.eigvals(matrix))) for matrix in alone]
    assert max(radii) < 1
    swapped = max(abs(np.linalg.eigvals(alone[1] @ alone[0])))
    common = max(abs(np.linalg.eigvals(alone[3] @ alone[2])))
    assert swapped == pytest.approx(1.290082, abs=1e-6)
    assert common == pytest.approx(1.730536, abs=1e-6)


def test_the_coupled_examples_are_told_apart_at_the_radii_that_are_named(monkeypatch):
    """1.290 lies beyond 5/4 and within 3/2, 1.731 beyond 3/2."""
    asked = []
    monkeypatch.setattr(
        gate_sequences, "is_schur", lambda matrix, *at: asked.append((matrix, *at)) or is_schur(matrix, *at)
    )
    swapped, common = (second * first for first, second in (swapped_gates(), common_gates()))
    assert gate_sequences.gates_of_one_coordinate_each() and asked[-1] == (swapped, sp.Rational(5, 4))
    asked.clear()
    assert gate_sequences.one_gate_for_all_is_worse()
    assert asked[:2] == [(common, sp.Rational(3, 2)), (swapped, sp.Rational(3, 2))]


def test_schur_cohn_agrees_with_eigenvalues():
    rng = np.random.default_rng(1)
    for _ in range(60):
        entries = [[sp.Rational(int(value), 7) for value in row] for row in rng.integers(-7, 8, (3, 3))]
        radius = max(abs(np.linalg.eigvals(np.array(entries).astype(float))))
        assert is_schur(sp.Matrix(entries), sp.Rational(3, 2)) == (radius < 1.5)
    on_the_circle = sp.diag(1, sp.Rational(1, 2))
    assert not is_schur(on_the_circle) and is_schur(on_the_circle, sp.Rational(101, 100))


# ---------------------------------------------------------------- mutations


@pytest.mark.parametrize("derive, formulas", [(derive_limits, LIMITS), (derive_two_gates, TWO_GATES)])
def test_a_neighbouring_recursion_disagrees_with_every_formula(derive, formulas):
    derived = derive(replace(ALGORITHM, beta1=beta1 + sp.Rational(1, 100)))
    assert not any(vanishes(derived[name] - formula) for name, formula in formulas.items())


def test_steps_fail_for_a_wrong_energy(monkeypatch):
    """With kappa 2 % too large the identities of the moving form break."""
    wrong = quadratic_family.kappa() * sp.Rational(51, 50)
    monkeypatch.setattr(quadratic_family, "kappa", lambda: wrong)
    assert not quadratic_family.conservation()
    assert not quadratic_family.family_is_definite_between_the_ends()
    assert not quadratic_family.chords()


def test_steps_fail_for_a_wrong_chord(monkeypatch):
    wrong = [end * sp.Rational(51, 50) for end in quadratic_family.chord(sp.Symbol("t", positive=True))]
    monkeypatch.setattr(circle_criterion, "chord", lambda t: wrong)
    assert not circle_criterion.formula_is_a_chord()
    assert not circle_criterion.no_other_form_does_better()


def test_two_gate_steps_fail_for_a_wrong_matrix(monkeypatch):
    right = gate_sequences.matrix
    monkeypatch.setattr(gate_sequences, "matrix", lambda *k, **n: right(*k, **n) * sp.Rational(51, 50))
    assert not gate_sequences.only_one_condition_can_fail()
