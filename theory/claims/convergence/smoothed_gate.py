"""The rate with a gate that sees a smoothed kinetic energy (C2): O(ln N / sqrt N) without looking away.

    u_n = gate_decay u_{n-1} + (1-gate_decay) ||V_n||^2,   gamma_n = 1/(1 + min(beta3 u_n, alpha1)),
    x_n = x_{n-1} - alpha_n gamma_n m_n / sqrt(eps + s_n),   V_n = (1-beta1) m_n the velocity,

the proofs' form of :mod:`theory.claims.convergence.predictable_gate`. The gate stands *outside* the momentum and sees
``g_n``; but it moves slowly, by at most ``q = beta3 (1-gate_decay) d R^2`` relative to itself per step, so it is
nearly the gate of ``k+1`` steps ago, which is predictable for ``g_{n-k}``. What that costs is added to Theorem 4 of
[D]:

(A) ``theorem``: at most ``(k+1) q R beta2^{-k/2} |U_{n-k}|`` for the gradient ``k`` steps back;
    ``theorem_beta1_zero`` adds the same to Theorem 2; ``theorem_shares`` and ``theorem_beta1_zero_shares`` to these
    theorems with free shares (:mod:`theory.claims.convergence.shares`).

(B) ``theorem_b``: a share ``theta`` of the progress, and by Young's inequality a term in ``q^2``.

(C) ``theorem_c``: (A) for the bias-corrected energy ``u_n/(1 - gate_decay^n)``, whose first steps move faster.

Relative to Theorem 4 the price of (A) vanishes like ``1/sqrt(ln N)`` at ``1 - gate_decay = 1/sqrt N`` and almost at
once at ``1/N``; that of (B) at its best ``theta`` (:func:`best_form_b`) vanishes like a power of ``N`` in both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from theory.claim import Claim, vanishes
from theory.claims.convergence import (
    corrected_proof,
    extremal_cases,
    predictable_proof,
    smoothed_lemmas,
    smoothed_proof,
    young_proof,
)
from theory.claims.convergence import predictable_gate as convergence
from theory.claims.convergence.predictable_gate import (
    Numbers,
    assemble_momentum,
    assemble_no_momentum,
    horizon_bound,
    no_momentum,
    progress,
    rate_limit,
    read_recursion,
    squares,
)
from theory.claims.convergence.shares import FREE, theorem2_shares, theorem4_shares
from theory.claims.convergence.smoothed_lemmas import linear_sum, smoothed_energy, square_sum
from theory.claims.convergence.straight_slope import nearly_attained
from theory.methods import enumeration, rate_lemmas
from theory.methods.enumeration import CORRECTED, NO_MOMENTUM, SMOOTHED, compared
from theory.notation import N, R, alpha1, beta1, beta2, beta3, d, eps, gate_decay, latex, theta
from theory.recursion import ALGORITHM, Coefficients

# ---------------------------------------------------------------- the formulas

_q = beta3 * (1 - gate_decay) * d * R**2
_r, _rho = beta1 / beta2, beta1 / sp.sqrt(beta2)
_Nt = N - beta1 / (1 - beta1)
_Lam = sp.log(1 + R**2 / ((1 - beta2) * eps)) - N * sp.log(beta2)
_short, _long = 2 * sp.sqrt(N), sp.sqrt(2 * sp.pi / (1 - gate_decay))  # sum_j gate_decay^{j/2}/sqrt j
_tail = sp.Min(_short, _long)

_price = 2 * d * R**2 * _q * (1 - beta1) * sp.sqrt(N * _Lam) / (_Nt * sp.sqrt(1 - beta2) * (1 - _rho) ** 2)
_price_zero = 2 * d * R**2 * _q * sp.sqrt(_Lam) / (sp.sqrt(N) * sp.sqrt(1 - beta2))

theorem = convergence.theorem4 + (1 + alpha1) * _price
theorem_beta1_zero = convergence.theorem2 + (1 + alpha1) * _price_zero
theorem_shares = theorem4_shares + (1 + alpha1) / (1 - theta) * _price / 2
theorem_beta1_zero_shares = theorem2_shares + (1 + alpha1) / (1 - theta) * _price_zero / 2
_young_price = (1 + alpha1) * (_q**2 * R**2 * d * (1 - beta1) * (1 + _r) * _Lam / ((1 - _r) ** 3 * (1 - beta2) * _Nt))
theorem_b = (convergence.theorem4 + _young_price / theta) / (1 - theta)
theorem_c = theorem + 2 * d * R**2 * (1 - beta1) / (_Nt * (1 - _rho) ** sp.Rational(5, 2)) * (
    alpha1 + (1 + alpha1) * beta3 * d * R**2 * _tail
)

limit = convergence.limit_theorem4
limit_beta1_zero = convergence.limit_theorem2


# ---------------------------------------------------------------- the derivation


class Gate(NamedTuple):
    """``slowness``: how far the smoothed energy moves in a step, as a share of its range; ``reach``: beta3 times it."""

    slowness: sp.Expr
    reach: sp.Expr

    @property
    def q(self) -> sp.Expr:
        """The most that the gate moves in a step, relative to itself."""
        return self.reach * self.slowness


def read_gate(c: Coefficients = ALGORITHM) -> Gate:
    """From the recursion of the smoothed energy; ``||V_n||^2 <= d R^2`` as the weights of the velocity add up to 1."""
    before, after, _ = smoothed_energy(c)
    return Gate(slowness=1 - sp.diff(after, before), reach=c.beta3 * d * R**2)


def look_ahead(numbers: Numbers, gate: Gate) -> sp.Expr:
    """Form (A): ``sum_n alpha_n sum_k beta1^k (k+1) q R beta2^{-k/2} ||U_{n-k}||_1``.

    ``sum_n ||U_n||_1`` is at most ``sqrt(N d sum_n ||U_n||^2)``.
    """
    rho = numbers.momentum / sp.sqrt(numbers.decay)
    return numbers.step * gate.q * R * linear_sum(rho) * sp.sqrt(N * d * squares(numbers))


def look_ahead_young(numbers: Numbers, gate: Gate) -> sp.Expr:
    """Form (B): ``sum_n alpha_n sum_k beta1^k (k+1)^2 q^2 beta2^{-k} ||U_{n-k}||^2 sqrt(eps + st)/(2 theta)``."""
    root = numbers.step * R / (numbers.least * R)  # sqrt(eps + st) <= R Omega <= R/sqrt(1-beta2)
    return (
        numbers.step * gate.q**2 * root / (2 * theta) * square_sum(numbers.momentum / numbers.decay) * squares(numbers)
    )


def first_steps(numbers: Numbers, gate: Gate) -> tuple[sp.Expr, sp.Expr]:
    """Form (C): what the bias correction adds, ``alpha0 (1-beta1) R d (1-rho)^{-5/2} sum_j sqrt(j) e_j``.

    The first step, ``e_1 = 1 - 1/(1+alpha1)``, and the rest, ``e_j = beta3 d R^2 gate_decay^{j/2}/j``.
    """
    rho = numbers.momentum / sp.sqrt(numbers.decay)
    weight = numbers.least * R * R * d / (1 - rho) ** sp.Rational(5, 2)
    tail = sp.Min(2 * sp.sqrt(N), sp.sqrt(2 * sp.pi / gate.slowness))
    return weight * (1 / numbers.floor - 1) * numbers.floor, weight * gate.reach * tail


def derive(c: Coefficients = ALGORITHM) -> dict[str, sp.Expr]:
    """Every bound from the two recursions, by the assembly of Theorem 4 with the price of looking ahead added."""
    numbers, plain, gate = read_recursion(c), read_recursion(no_momentum(c)), read_gate(c)
    base, base_zero = assemble_momentum(numbers), assemble_no_momentum(plain)
    price = look_ahead(numbers, gate) / progress(numbers)
    price_zero = look_ahead(plain, gate) / progress(plain)
    return {
        "theorem": base + price,
        "theorem_beta1_zero": base_zero + price_zero,
        "theorem_shares": assemble_momentum(numbers, FREE) + look_ahead(numbers, gate) / progress(numbers, FREE),
        "theorem_beta1_zero_shares": assemble_no_momentum(plain, FREE)
        + look_ahead(plain, gate) / progress(plain, FREE),
        "theorem_b": (base + look_ahead_young(numbers, gate) / progress(numbers)) / (1 - theta),
        "theorem_c": base + price + sum(part / progress(numbers) for part in first_steps(numbers, gate)),
        "limit": rate_limit(base) + rate_limit(price),
        "limit_beta1_zero": rate_limit(base_zero) + rate_limit(price_zero),
    }


# ---------------------------------------------------------------- proof steps


def limits_of_the_other_forms() -> bool:
    """The rate survives with the constant of Theorem 4 as far as ``1 - gate_decay = N^-p``, ``p > 1/4``.

    (A): the price of looking ahead vanishes at ``1 - gate_decay = 1/sqrt N``. (B): its price vanishes for every
    fixed ``theta`` at ``p = 1/3``, so the limit of (B) is the base's over ``1-theta`` for every ``theta``; at
    ``p = 1/4`` it tends to a constant, at ``p = 1/5`` it grows. (C): what the correction adds vanishes at ``1/N``
    and ``1/sqrt N``, with one of the two terms of the minimum in its place.
    """
    price_a, added = theorem - convergence.theorem4, sp.expand_mul(theorem_c - theorem)
    at_quarter, at_fifth = (rate_limit(_young_price, N ** sp.Rational(-1, power)) for power in (4, 5))
    return bool(
        rate_limit(price_a, 1 / sp.sqrt(N)) == 0
        and rate_limit(_young_price, N ** sp.Rational(-1, 3)) == 0
        and at_quarter != 0
        and not at_quarter.has(sp.oo)
        and at_fifth.has(sp.oo)
        and rate_limit(added.subs(_tail, _short), 1 / N) == 0
        and rate_limit(added.subs(_tail, _long), 1 / sp.sqrt(N)) == 0
    )


def conclusion_is_form_a() -> bool:
    """The conclusion of the proof is ``theorem_shares`` in one dimension."""
    bound = predictable_proof.concluded(smoothed_proof.PROOF, smoothed_proof.SMOOTHED)
    return vanishes(bound - theorem_shares.subs(d, 1))


def conclusion_is_form_b() -> bool:
    """The other proof ends with ``(theorem4_shares + y/(4 (1-theta)^2 phi))/(1-phi)`` in one dimension.

    ``y`` is what form (B) pays, ``_young_price``; at ``theta = 1/2`` this is ``theorem_b`` with the constants of free
    shares, ``phi`` being its ``theta``. What C1a spends is compared as it stands, the price with its numbers.
    """
    phi, grown, squares_sum = young_proof.phi, young_proof.grown, predictable_proof.MEANING[predictable_proof.Lambda]
    whole = predictable_proof.concluded(young_proof.PROOF, {})
    base = predictable_proof.concluded(predictable_proof.PROOF, {predictable_proof.ahead: sp.Integer(0)})
    price = sp.factor(whole - grown * base)
    stated = (_young_price / (4 * (1 - theta) ** 2 * phi * (1 - phi))).subs(d, 1)
    return bool(sp.simplify(price.subs(young_proof.STANDS_FOR) / stated) == 1) and stated.has(squares_sum)


def conclusion_is_form_c() -> bool:
    """The third proof ends with ``theorem_shares`` and half of what ``theorem_c`` adds, over ``1-theta``."""
    whole = predictable_proof.concluded(corrected_proof.PROOF, {})
    base = predictable_proof.concluded(smoothed_proof.PROOF, {})
    price = sp.factor(whole - base).subs(corrected_proof.CORRECTED).subs(corrected_proof.fading, _tail)
    return vanishes(price - ((theorem_c - theorem) / (2 * (1 - theta))).subs(d, 1))


SHORT = replace(SMOOTHED, steps=6)

C2 = Claim(
    id="C2",
    title="The rate O(ln N / sqrt N) with a gate that sees a smoothed kinetic energy",
    as_reported=(
        "introduced here, as a repair of Theorem 4.2: with the gate of Algorithm 1 on "
        "u_t = gate_decay u_{t-1} + (1 - gate_decay)||v_t||^2 and 1 - gate_decay = 1/N or 1/sqrt N, "
        "E||grad F(x_tau)||^2 = O(ln N / sqrt N), with the constant of a predictable gate"
    ),
    statement=(
        r"\mathbb{E}\|\nabla F(x_\tau)\|^2 \leq \mathrm{(Theorem\ 4)} + "
        + latex(theorem - convergence.theorem4)
        + r",\qquad \lim_{N \to \infty} \frac{\sqrt{N}}{\ln N}\,\mathrm{bound} = "
        + latex(limit)
    ),
    source="introduced here; it builds on arXiv:2003.02395, Theorems 2 and 4, and on Theorem 4.2 of arXiv:2505.13196",
    assumptions=(
        "the gate stands outside the momentum and sees the smoothed energy of the current velocity; u_0 = 0",
        "forms A and B: the energy without bias correction; form C: with it",
        "F >= F*, grad F is L-Lipschitz",
        "E[g_n | past] = grad F(x_{n-1}) and max-norm of g_n <= R - sqrt(eps)",
        "the proofs' form of the algorithm: no correction of the velocity, eps inside the root, no weight decay",
        "0 <= beta1 < beta2 < 1, N > beta1/(1 - beta1), 0 <= gate_decay < 1, 0 < theta < 1",
    ),
    plain=(
        "A gate that averages the kinetic energy over many steps barely notices the gradient of the moment. It is "
        "almost the gate of a few steps ago, which could not know that gradient, and the small difference has a price "
        "that can be written down: it vanishes faster than the bound itself if the averaging gets longer with the run. "
        "So the bias of the published gate goes away and the rate comes back."
    ),
    concludes="proved under assumptions",
    holds="the bound of a predictable gate plus a term of lower order, if 1 - gate_decay = 1/N or 1/sqrt N",
    inequalities={
        f"every path of {part}": "all paths of a finite tree of gradients, in rational arithmetic"
        for part in (
            *(f"8 steps: {lemma}" for lemma in ("descent", "drift", "sums", "slow gate", "look-ahead")),
            "6 steps: assembly",
            "6 steps, beta1 = 0",
            "6 steps, corrected",
        )
    }
    | {
        "every lemma at its extremal case": "the case in which each lemma is (nearly) attained, and its ratio",
        "a straight slope nearly attains (A)": "one path without noise, the gate at its floor",
        "a straight slope nearly attains (A) at beta1 = 0": "one path without noise, the gate at its floor",
    },
    prose=(
        "What the proofs take as given are the assumptions and the lemmas that the other steps show; the coordinates "
        "add up.",
    ),
    derive=derive,
    proofs=(*smoothed_proof.PROOFS, young_proof.PROOF, *corrected_proof.PROOFS),
    formulas={
        "theorem": theorem,
        "limit": limit,
        "theorem_beta1_zero": theorem_beta1_zero,
        "limit_beta1_zero": limit_beta1_zero,
        "theorem_shares": theorem_shares,
        "theorem_beta1_zero_shares": theorem_beta1_zero_shares,
        "theorem_b": theorem_b,
        "theorem_c": theorem_c,
    },
    steps={
        **rate_lemmas.DIRECTION,
        "denominator": rate_lemmas.prove_denominator,
        "step size": rate_lemmas.prove_step_size,
        "the gate moves slowly": smoothed_lemmas.prove_gate_moves_slowly,
        "split into a predictable gate and the rest": smoothed_lemmas.prove_split,
        "price of looking ahead (A)": smoothed_lemmas.prove_look_ahead,
        "price of looking ahead (B)": smoothed_lemmas.prove_look_ahead_young,
        "first steps of the corrected energy (C)": smoothed_lemmas.prove_first_steps,
        "limits of the other forms": limits_of_the_other_forms,
        "every path of 8 steps: descent": lambda: compared(enumeration.descent(SMOOTHED)),
        "every path of 8 steps: drift": lambda: compared(enumeration.drift(SMOOTHED)),
        "every path of 8 steps: sums": lambda: compared(enumeration.sums(SMOOTHED)),
        "every path of 8 steps: slow gate": lambda: compared(enumeration.slow_gate(SMOOTHED)),
        "every path of 8 steps: look-ahead": lambda: compared(enumeration.look_ahead(SMOOTHED)),
        "every path of 6 steps: assembly": lambda: compared(enumeration.assembly(SHORT)),
        "every path of 6 steps, beta1 = 0": lambda: compared(
            enumeration.slow_gate(NO_MOMENTUM), enumeration.look_ahead(NO_MOMENTUM), enumeration.assembly(NO_MOMENTUM)
        ),
        "every path of 6 steps, corrected": lambda: compared(
            enumeration.slow_gate(CORRECTED), enumeration.look_ahead(CORRECTED), enumeration.assembly(CORRECTED)
        ),
        "the conclusion of the proof is theorem_shares": conclusion_is_form_a,
        "the conclusion of the proof of (B) is theorem_b with free shares": conclusion_is_form_b,
        "the conclusion of the proof of (C) is theorem_c with free shares": conclusion_is_form_c,
        "every lemma at its extremal case": lambda: extremal_cases.attained(extremal_cases.SMOOTHED),
        "a straight slope nearly attains (A)": lambda: nearly_attained(theorem_shares, 0.55, beta1=0.9, smoothed=True),
        "a straight slope nearly attains (A) at beta1 = 0": lambda: nearly_attained(
            theorem_beta1_zero_shares, 0.7, smoothed=True
        ),
    },
)


# ---------------------------------------------------------------- numbers


def best_form_b(
    steps: Any,
    *,
    L: float,
    R: float,
    D: float,
    eps: float,
    d: int = 1,
    alpha1: float = 0.0,
    beta1: float = 0.0,
    beta3: float = 0.0,
    slowness: Any = None,
) -> Any:
    """Form (B) at its best ``theta``, tuned to the horizon: ``(sqrt(base + y) + sqrt(y))^2``.

    ``base`` is Theorem 4 and ``y`` what form (B) adds to it, times ``theta (1-theta)``; arguments and errors are
    those of :func:`theory.claims.convergence.predictable_gate.horizon_bound`.

    >>> problem = dict(L=0.1, R=1.0, D=1.0, eps=1e-2, alpha1=1.0, beta1=0.5, beta3=1.0)
    >>> float(best_form_b(10**8, **problem)) < float(horizon_bound(theorem_b.subs(theta, 0.5), 10**8, **problem))
    True
    """

    def at(bound: sp.Expr) -> Any:
        return horizon_bound(
            bound, steps, L=L, R=R, D=D, eps=eps, d=d, alpha1=alpha1, beta1=beta1, beta3=beta3, slowness=slowness
        )

    base, price = at(convergence.theorem4), at(_young_price)
    return (np.sqrt(base + price) + np.sqrt(price)) ** 2
