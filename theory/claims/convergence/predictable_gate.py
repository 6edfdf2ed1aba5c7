"""The rate with a predictable gate (C1a): Theorems 1, 2 and 4 of [D], times ``1 + alpha1``.

[D] = Défossez, Bottou, Bach, Usunier, "A Simple Convergence Proof of Adam and Adagrad", TMLR 2022,
arXiv:2003.02395. The proofs are about the *proofs' form* (:func:`theory.recursion.proof_form`): no correction of
the velocity, ``eps`` inside the root, the second moment a plain sum, ``alpha_n = alpha0 (1-beta1)
sqrt((1-beta2^n)/(1-beta2))``. The gate of step ``n`` is *predictable*: fixed before ``g_n`` is drawn, ``gamma_n in
[1/(1+alpha1), 1]``. It multiplies the gradient as it enters the velocity; at ``beta1 = 0`` that is the same as
multiplying the step.

Left-hand side of Theorems 2 and 4: ``E ||grad F(x_tau)||^2`` with ``P(tau = j)`` proportional to
``1 - beta1^(N-j)``, ``j = 0, ..., N-1`` (uniform at ``beta1 = 0``). Theorem 1 (Adagrad) is ``beta1 = 0, beta2 = 1``
with a constant step ``alpha0``.

:func:`derive` reads the coefficients off the recursion and assembles the bounds from the lemmas of
:mod:`theory.methods.rate_lemmas`; the formulas below are those of [D], written as they are stated there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from sympy.codegen.cfunctions import log1p

from theory.claim import Claim
from theory.claims.convergence import drift_proof, extremal_cases, shares
from theory.claims.convergence.shares import FREE, PUBLISHED, Version, theorem2_shares, theorem4_shares
from theory.claims.convergence.straight_slope import nearly_attained
from theory.methods import enumeration, rate_lemmas
from theory.methods.enumeration import PREDICTABLE, compared
from theory.methods.rate_lemmas import DESCENT, NOISE, drift_sum, log_sum, root_sum, velocity_sum, weight_total
from theory.notation import D, L, N, R, alpha0, alpha1, beta1, beta2, beta3, d, eps, gate_decay, latex
from theory.recursion import ALGORITHM, Coefficients, State, gamma, proof_form

# ---------------------------------------------------------------- the formulas, as stated

_r = beta1 / beta2
_Nt = N - beta1 / (1 - beta1)
_log = sp.log(1 + R**2 / ((1 - beta2) * eps))

_E2 = 4 * d * R**2 / sp.sqrt(1 - beta2) + alpha0 * d * R * L / (1 - beta2)
_E4 = (
    alpha0 * d * R * L * (1 - beta1) / ((1 - _r) * (1 - beta2))
    + 12 * d * R**2 * sp.sqrt(1 - beta1) / ((1 - _r) ** sp.Rational(3, 2) * sp.sqrt(1 - beta2))
    + 2 * alpha0**2 * d * L**2 * beta1 / ((1 - _r) * (1 - beta2) ** sp.Rational(3, 2))
)

theorem1 = (1 + alpha1) * (
    2 * R * D / (alpha0 * sp.sqrt(N)) + (4 * d * R**2 + alpha0 * d * R * L) * sp.log(1 + N * R**2 / eps) / sp.sqrt(N)
)
theorem2 = (1 + alpha1) * (2 * R * D / (alpha0 * N) + _E2 * (_log / N - sp.log(beta2)))
theorem4 = (1 + alpha1) * (2 * R * D / (alpha0 * _Nt) + _E4 * (_log / _Nt - N / _Nt * sp.log(beta2)))


# ---------------------------------------------------------------- tuned to the horizon


def tuned(theorem: sp.Expr, slowness: sp.Expr = 1 / N) -> sp.Expr:
    """A bound at ``alpha0 = 1/sqrt(N)``, ``beta2 = 1 - 1/N``, where it decays like ``ln N / sqrt N``.

    In the bounds of C2 also ``gate_decay = 1 - slowness``.
    """
    horizon = {alpha0: 1 / sp.sqrt(N), beta2: 1 - 1 / N, gate_decay: 1 - slowness}
    return theorem.subs(horizon, simultaneous=True)


@cache
def rate_limit(theorem: sp.Expr, slowness: sp.Expr = 1 / N) -> sp.Expr:
    """``lim bound sqrt(N)/ln N`` as ``N -> oo`` of a bound tuned to its horizon, term by term.

    >>> sp.factor(rate_limit(theorem2))
    R*d*(L + 4*R)*(alpha1 + 1)
    """
    total = sp.Integer(0)
    for term in sp.Add.make_args(theorem):
        scaled = tuned(term, slowness) * sp.sqrt(N) / sp.log(N)
        constant, varying = scaled.as_independent(N, as_Add=False)
        rest = sp.Integer(1)  # what is left once factors with a limit are at it
        for factor in sp.Mul.make_args(varying):
            base, exponent = factor.as_base_exp()
            end = limit_of(base)
            if end.is_finite and end != 0:
                constant *= end**exponent
            else:
                rest *= factor
        total += constant * limit_of(rest)
    return total


@cache
def limit_of(expr: sp.Expr) -> sp.Expr:
    """``lim expr`` as ``N -> oo``."""
    return sp.limit(expr, N, sp.oo)


limit_theorem2 = (1 + alpha1) * d * R * (4 * R + L)
limit_theorem4 = (1 + alpha1) * d * (R * L + 12 * R**2 / (1 - beta1) + 2 * L**2 * beta1 / (1 - beta1))


# ---------------------------------------------------------------- the derivation


class Numbers(NamedTuple):
    """What the proofs use of the recursion, for plain sums ``m_n = momentum m_{n-1} + g_n``.

    ``step`` bounds the step sizes ``alpha_n`` from above; ``least`` bounds ``alpha_n / sqrt(eps + st_n)`` from
    below; ``floor`` is the smallest value of the gate.
    """

    momentum: sp.Expr
    decay: sp.Expr
    step: sp.Expr
    least: sp.Expr
    floor: sp.Expr


def read_recursion(c: Coefficients = ALGORITHM) -> Numbers:
    """One step of the proofs' form from a generic state, and what it shows about the coefficients."""
    v, s, g, energy, n = sp.symbols("v s g energy n", positive=True)
    before = State(sp.Matrix([v]), sp.Matrix([s]), energy, n - 1)
    moved, after = proof_form(sp.zeros(1, 1), sp.Matrix([g]), before, lambda *_: energy, c)
    velocity, second_moment = after.velocity[0], after.second_moment[0]
    entering = sp.diff(velocity, g)  # v_n = entering * m_n
    decay = sp.diff(second_moment, s)
    omega = (moved[0] * sp.sqrt(c.eps + second_moment) / (velocity * c.alpha0 * gamma(energy, c))) ** 2
    growth = (1 - decay**n) / (1 - decay)  # st_n <= (R - sqrt(eps))^2 growth, and eps + st_n <= R^2 growth
    return Numbers(
        momentum=sp.diff(velocity, v),
        decay=decay,
        step=c.alpha0 * entering / sp.sqrt(1 / omega.subs(c.beta2**n, 0)),
        least=c.alpha0 * entering * sp.sqrt(omega / growth) / R,
        floor=1 / (1 + c.alpha1),
    )


def no_momentum(c: Coefficients) -> Coefficients:
    """The same numbers at ``beta1 = 0``."""
    return replace(c, beta1=c.beta1.subs(beta1, 0), new1=c.new1.subs(beta1, 0))


def squares(numbers: Numbers) -> sp.Expr:
    """``sum_n ||U_n||^2 <= d (ln(1 + R^2/((1-beta2) eps)) - N ln beta2)``."""
    return d * log_sum(numbers.decay, R**2 / ((1 - numbers.decay) * eps), N)


def progress(numbers: Numbers, version: Version = PUBLISHED) -> sp.Expr:
    """What multiplies ``E||grad F(x_tau)||^2`` on the left once the descent inequality is summed over ``N`` steps.

    ``sum_n sum_k beta1^k E||G_{n-k}||^2`` is ``1/(1-beta1)`` times the total weight times the mean over ``tau``.
    """
    momentum = numbers.momentum
    return numbers.floor * version.kept * numbers.least * weight_total(momentum, N) / (1 - momentum)


def assemble_momentum(numbers: Numbers, version: Version = PUBLISHED) -> sp.Expr:
    """Theorem 4: ``progress * E||grad F(x_tau)||^2 <= D + curvature + drift + noise``."""
    momentum, decay, step, _, _ = numbers
    directions = squares(numbers) * velocity_sum(momentum, decay)  # sum_n ||w_n||^2
    curvature = step**2 * L / 2 * directions
    weight = sp.sqrt(1 - momentum) / (4 * R * version.drift)
    drift = step**3 * L**2 * weight * version.lags * drift_sum(momentum) * directions
    noise = step * R * version.paid(momentum) * version.roots * root_sum(momentum / decay) * squares(numbers)
    return sum((part / progress(numbers, version) for part in (D, curvature, drift, noise)), sp.Integer(0))


def assemble_no_momentum(numbers: Numbers, version: Version = PUBLISHED) -> sp.Expr:
    """Theorem 2, ``beta1 = 0``: the velocity is the gradient, nothing drifts."""
    noise, curvature = numbers.step * version.noise * R * squares(numbers), numbers.step**2 * L / 2 * squares(numbers)
    return sum((part / progress(numbers, version) for part in (D, curvature, noise)), sp.Integer(0))


def assemble_adagrad(c: Coefficients = ALGORITHM) -> sp.Expr:
    """Theorem 1: ``beta2 = 1`` and a constant step, so ``st_n <= N R^2`` and the logarithm has no ``ln(beta2)``."""
    spent = (c.alpha0 * NOISE * R + c.alpha0**2 * L / 2) * d * log_sum(sp.Integer(1), N * R**2 / eps, N)
    left = DESCENT * c.alpha0 / (R * sp.sqrt(N)) * N / (1 + c.alpha1)
    return (D + spent) / left


def derive(c: Coefficients = ALGORITHM) -> dict[str, sp.Expr]:
    """The three bounds as [D] states them and with free shares, and the two limits, from recursion and lemmas."""
    without, numbers = read_recursion(no_momentum(c)), read_recursion(c)
    second, fourth = assemble_no_momentum(without), assemble_momentum(numbers)
    return {
        "theorem1": assemble_adagrad(c),
        "theorem2": second,
        "theorem4": fourth,
        "theorem2_shares": assemble_no_momentum(without, FREE),
        "theorem4_shares": assemble_momentum(numbers, FREE),
        "limit_theorem2": rate_limit(second),
        "limit_theorem4": rate_limit(fourth),
    }


C1a = Claim(
    id="C1a",
    title="The rate O(ln N / sqrt N) if the gate is known before the gradient",
    as_reported=(
        "Theorem 4.2: under mild assumptions E||grad F(theta_tau)||^2 = O(ln N / sqrt N) with alpha0 ~ 1/sqrt N and "
        "beta2 = 1 - 1/N. As restated it does not say which gate its proof needs; read here: if the gate is known "
        "before the gradient that it scales."
    ),
    statement=(
        r"\mathbb{E}\|\nabla F(x_\tau)\|^2 \leq "
        + latex(theorem4)
        + r"\quad(\text{Theorem 4}),\qquad \leq "
        + latex(theorem2)
        + r"\quad(\beta_1 = 0,\ \text{Theorem 2})"
    ),
    source="arXiv:2505.13196, Theorem 4.2; the bounds of arXiv:2003.02395, Theorems 1, 2 and 4, times 1 + alpha1",
    assumptions=(
        "the gate of step n is fixed before g_n is drawn and multiplies the gradient as it enters the velocity",
        "F >= F*, grad F is L-Lipschitz",
        "E[g_n | past] = grad F(x_{n-1}) and max-norm of g_n <= R - sqrt(eps)",
        "the proofs' form of the algorithm: no correction of the velocity, eps inside the root, no weight decay",
        "0 <= beta1 < beta2 < 1, N > beta1/(1 - beta1); Theorem 1: beta1 = 0, beta2 = 1, constant step",
        "theorem2_shares, theorem4_shares: for every theta in (0, 1) and mu > 0",
    ),
    plain=(
        "If the gate may not look at the gradient it is about to scale, it is only a known factor between "
        "1/(1+alpha1) and 1 in front of an unbiased gradient. The proof for Adam then goes through word for word; "
        "the progress made per step shrinks at worst by 1 + alpha1, so the bound grows by that factor and the rate "
        "stays."
    ),
    concludes="proved under assumptions",
    holds="if the gate is known before the gradient that it scales: the published bounds times 1 + alpha1",
    inequalities={
        f"every path of 6 steps: {part}": "all paths of a finite tree of gradients, in rational arithmetic"
        for part in ("descent", "drift", "sums", "smoothness", "assembly")
    }
    | {
        "every lemma at its extremal case": "the case in which each lemma is (nearly) attained, and its ratio",
        "a straight slope nearly attains Theorem 2": "one path without noise, the gate at its floor",
        "a straight slope nearly attains Theorem 4": "one path without noise, the gate at its floor",
    },
    prose=(
        "What the proof takes as given are the assumptions and the lemmas that the other steps show; the coordinates "
        "add up.",
    ),
    derive=derive,
    proofs=(drift_proof.PROOF,),
    formulas={
        "theorem1": theorem1,
        "theorem2": theorem2,
        "theorem4": theorem4,
        "theorem2_shares": theorem2_shares,
        "theorem4_shares": theorem4_shares,
        "limit_theorem2": limit_theorem2,
        "limit_theorem4": limit_theorem4,
    },
    steps={
        "Young's inequality": rate_lemmas.prove_young,
        "Cauchy-Schwarz": rate_lemmas.prove_cauchy_schwarz,
        "smoothness": rate_lemmas.prove_smoothness,
        **rate_lemmas.DIRECTION,
        "the best shares": shares.prove_best_shares,
        "the conclusion of the proof is theorem4_shares": drift_proof.conclusion_is_theorem4,
        "denominator": rate_lemmas.prove_denominator,
        "step size": rate_lemmas.prove_step_size,
        "every path of 6 steps: descent": lambda: compared(enumeration.descent(PREDICTABLE)),
        "every path of 6 steps: drift": lambda: compared(enumeration.drift(PREDICTABLE)),
        "every path of 6 steps: sums": lambda: compared(enumeration.sums(PREDICTABLE)),
        "every path of 6 steps: smoothness": lambda: compared(enumeration.smoothness(PREDICTABLE)),
        "every path of 6 steps: assembly": lambda: compared(enumeration.assembly(PREDICTABLE)),
        "every lemma at its extremal case": lambda: extremal_cases.attained(extremal_cases.PREDICTABLE),
        "a straight slope nearly attains Theorem 2": lambda: nearly_attained(theorem2_shares, 0.7),
        "a straight slope nearly attains Theorem 4": lambda: nearly_attained(theorem4_shares, 0.55, beta1=0.9),
    },
)


# ---------------------------------------------------------------- numbers


@cache
def _tuned_numeric(theorem: sp.Expr) -> Callable[..., Any]:
    slowness = sp.Symbol("slowness", positive=True)
    expr = tuned(theorem, slowness).subs(sp.log(1 - 1 / N), log1p(-1 / N))  # exact for large N
    return sp.lambdify((N, slowness, L, R, D, eps, d, alpha1, beta1, beta3), expr, "numpy")


def horizon_bound(
    theorem: sp.Expr,
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
    """The value of a bound tuned to its horizon, ``alpha0 = 1/sqrt(N)`` and ``beta2 = 1 - 1/N``, at ``N = steps``.

    ``steps`` is a number or an array, ``steps > 1/(1-beta1)``; the constants are those of the problem: smoothness
    ``L``, ``R`` = max-norm of the stochastic gradients + sqrt(eps), ``D = F(x_0) - F*``, dimension ``d``. The
    bounds of C1b and C2 also contain ``beta3``, those of C2 ``slowness = 1 - gate_decay`` (a number or one per
    horizon, by default ``1/N``).

    >>> round(float(horizon_bound(theorem2, 100_000, L=0.1, R=1.0, D=1.0, eps=1e-2, alpha1=1.0)), 3)
    0.457

    Raises ``ValueError`` where an argument leaves its domain.
    """
    for name, value in (("L", L), ("R", R), ("eps", eps), ("d", d)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")
    for name, value in (("D", D), ("alpha1", alpha1), ("beta3", beta3)):
        if not value >= 0:
            raise ValueError(f"{name} must be nonnegative, got {value}")
    if not 0 <= beta1 < 1:
        raise ValueError(f"beta1 must lie in [0, 1), got {beta1}")
    n = np.asarray(steps, dtype=float)
    if not np.all((n > 1) & (1 - 1 / np.maximum(n, 1) > beta1)):  # beta2 > beta1, as the bound will compute them
        raise ValueError(f"steps must exceed 1/(1 - beta1) = {1 / (1 - beta1):g}, got {steps}")
    slow = 1 / n if slowness is None else np.broadcast_to(np.asarray(slowness, dtype=float), n.shape)
    if not np.all((slow > 0) & (slow <= 1)):
        raise ValueError(f"slowness must lie in (0, 1], got {slowness}")
    return _tuned_numeric(theorem)(n, slow, L, R, D, eps, d, alpha1, beta1, beta3)


def trivial_line(*, R: float, eps: float, d: int = 1) -> float:
    """``d (R - sqrt(eps))^2``, which ``||grad F||^2`` never exceeds: a bound above this line says nothing."""
    return d * (R - math.sqrt(eps)) ** 2


def crossover(
    theorem: sp.Expr,
    *,
    L: float,
    R: float,
    D: float,
    eps: float,
    d: int = 1,
    alpha1: float = 0.0,
    beta1: float = 0.0,
    beta3: float = 0.0,
) -> int:
    """The smallest ``N`` from which a bound tuned to its horizon stays below the trivial line.

    For the theorems of C1a and C2, with ``gate_decay = 1 - 1/N`` in the latter. Let ``c = N R^2/eps >= N``: every
    factor of the tuned bounds is nonincreasing in ``N >= max(4, 1/(1-beta1))``, namely ``ln(1+c)/sqrt(N)`` (as
    ``c/(1+c) < ln(1+c)/2`` for ``c >= 4``), ``-N ln(1-1/N)``, ``N/(N - beta1/(1-beta1))`` and
    ``1/(1 - beta1/(1-1/N))``. So there is one crossing, found by doubling and bisection.

    >>> crossover(theorem2, L=0.1, R=1.0, D=1.0, eps=1e-2, alpha1=1.0)
    27249

    Raises ``ValueError`` where an argument leaves its domain; ``R`` must exceed ``sqrt(eps)``.
    """
    if not math.sqrt(eps) < R:
        raise ValueError(f"R must exceed sqrt(eps) = {math.sqrt(eps):g}, got {R}")
    line = trivial_line(R=R, eps=eps, d=d)

    def informative(n: int) -> bool:
        value = horizon_bound(theorem, n, L=L, R=R, D=D, eps=eps, d=d, alpha1=alpha1, beta1=beta1, beta3=beta3)
        return bool(value < line)

    low = max(4, math.floor(1 / (1 - beta1)))
    while not 1 - 1 / low > beta1:
        low += 1
    if informative(low):
        return low
    high = 2 * low
    while not informative(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if informative(middle) else (middle, high)
    return high
