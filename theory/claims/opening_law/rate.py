"""C3: the rate O(ln N / sqrt N) under the opening law, for any signal in any units.

    w_n = max(min(z_n, alpha1), g w_{n-1}),  gamma_n = 1/(1+w_n),  x_n = x_{n-1} - alpha_n gamma_n m_n/sqrt(eps + s_n),

the proofs' form of :mod:`theory.claims.convergence.predictable_gate` with 0 <= w_0 <= alpha1. The gate stands
*outside* the momentum and sees ``g_n``. Whatever it sees, it moves little in all: its total variation TV is at most

    variation = 2 N (1-sqrt g)/(1+sqrt g) + alpha1/(1+alpha1),      (1-sqrt g)/(1+sqrt g) = (1-g)/(1+sqrt g)^2,

which stays bounded if 1 - g = c/N. What Theorem 4 of [D] pays for a gate that is not predictable is proportional to TV
(``price``) or to its root (``price_by_squares``); ``Gi`` (``grad_bound``) is the largest modulus of a component of
grad F. With 1 - g = c/N the price is of lower order, ``price_limit``/sqrt N, and the limit of Theorem 4 stays.

The same proof gives, without the factor 1 + alpha1, E[gamma_tau ||grad F(x_tau)||^2] <= Theorem 4 + price, with the
last gate that did not know the gradient at hand.

Open: O(ln N/sqrt N) for 1 - g = N^-p, 1/4 <= p < 1 (C2 has p > 1/4 for the smoothed energy, where the gate itself is
slow). ``price`` needs p = 1 for the rate, and ``price_by_squares`` gives convergence for every p > 0, slower. Neither
bound is attained in the band: both charge every move of the gate at the largest gradient, and the signal that makes
most of a fixed g (:func:`theory.claims.opening_law.variation.bias_of_a_fixed_decay`) leaves a squared gradient of the
order (1-g)^2 = N^(-2p), which exceeds ln N/sqrt N for p < 1/4 and is smaller in the band. So what is open is a proof
or a worse signal, not the case p < 1/4.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import sympy as sp

from theory.claim import BoundCheck, Claim, vanishes
from theory.claims.convergence import predictable_gate as convergence
from theory.claims.convergence import predictable_proof
from theory.claims.convergence.predictable_gate import (
    Numbers,
    assemble_momentum,
    assemble_no_momentum,
    no_momentum,
    progress,
    rate_limit,
    read_recursion,
    squares,
)
from theory.claims.convergence.predictable_proof import concluded
from theory.claims.convergence.shares import FREE, theorem2_shares, theorem4_shares
from theory.claims.opening_law import rate_proof, squares_proof
from theory.claims.opening_law import variation as lemmas
from theory.claims.opening_law.stability import every_signal_obeys_it
from theory.methods import enumeration_plane as trees
from theory.methods import rate_lemmas
from theory.methods.enumeration import Inequalities, compared
from theory.notation import N, R, alpha1, beta1, beta2, d, eps, gate_decay, grad_bound, latex, theta
from theory.recursion import ALGORITHM, Coefficients

# ---------------------------------------------------------------- the formulas

_rho = beta1 / sp.sqrt(beta2)
_Nt = N - beta1 / (1 - beta1)
_Lam = sp.log(1 + R**2 / ((1 - beta2) * eps)) - N * sp.log(beta2)
_a = alpha1 / (1 + alpha1)
_unit = 2 * d * R * grad_bound * (1 - beta1) / (_Nt * sp.sqrt(1 - beta2))

variation = 2 * N * (1 - gate_decay) / (1 + sp.sqrt(gate_decay)) ** 2 + _a
price = _unit * variation / ((1 - _rho) * sp.sqrt(1 - _rho**2))
price_by_squares = _unit * sp.sqrt(_a * variation * _Lam) / (1 - _rho) ** sp.Rational(3, 2)

theorem = convergence.theorem4 + (1 + alpha1) * price
theorem_beta1_zero = convergence.theorem2 + (1 + alpha1) * price.subs(beta1, 0)
theorem_shares = theorem4_shares + (1 + alpha1) / (1 - theta) * price / 2
theorem_beta1_zero_shares = theorem2_shares + (1 + alpha1) / (1 - theta) * price.subs(beta1, 0) / 2
limit = convergence.limit_theorem4
price_limit = 2 * d * R * grad_bound * (sp.Rational(1, 2) + _a) / sp.sqrt(1 - beta1**2)


# ---------------------------------------------------------------- the derivation


def total_variation(c: Coefficients = ALGORITHM) -> sp.Expr:
    """L2, from the steepest rise of the law."""
    return 2 * N * lemmas.steepest_rise(c) + c.alpha1 / (1 + c.alpha1)


def paid(numbers: Numbers, moved: sp.Expr) -> sp.Expr:
    """L4: the price of the variation ``moved``, step sizes at most ``numbers.step``, all coordinates."""
    return numbers.step * d * grad_bound * moved * lemmas.tail(numbers.momentum / sp.sqrt(numbers.decay))


def paid_by_squares(numbers: Numbers, moved: sp.Expr, a: sp.Expr) -> sp.Expr:
    """L5: the price of the root of the variation."""
    rho = numbers.momentum / sp.sqrt(numbers.decay)
    roots = sp.sqrt(sp.factor(a) * moved * squares(numbers) / d)
    return numbers.step * grad_bound * d * roots / (1 - rho) ** sp.Rational(3, 2)


def derive(c: Coefficients = ALGORITHM) -> dict[str, sp.Expr]:
    """Every bound from the recursion of the law and of the step, by the assembly of Theorem 4."""
    numbers, plain = read_recursion(c), read_recursion(no_momentum(c))
    moved, a = total_variation(c), 1 - numbers.floor
    base, at_floor = assemble_momentum(numbers), progress(numbers)
    plain_shares = assemble_no_momentum(plain, FREE)
    return {
        "variation": moved,
        "price": paid(numbers, moved) / at_floor * numbers.floor,
        "theorem": base + paid(numbers, moved) / at_floor,
        "price_by_squares": paid_by_squares(numbers, moved, a) / at_floor * numbers.floor,
        "theorem_beta1_zero": assemble_no_momentum(plain) + paid(plain, moved) / progress(plain),
        "theorem_beta1_zero_shares": plain_shares + paid(plain, moved) / progress(plain, FREE),
        "limit": rate_limit(base) + sp.limit(scaled_limit(paid(numbers, moved) / at_floor) / sp.log(N), N, sp.oo),
        "price_limit": scaled_limit(paid(numbers, moved) / at_floor * numbers.floor),
    }


def scaled_limit(bound: sp.Expr, slowness: sp.Expr = 1 / N) -> sp.Expr:
    """``lim bound sqrt(N)`` of a bound tuned to its horizon, ``gate_decay = 1 - slowness``; in ``t = 1/sqrt N``.

    The step size bound ``alpha0 (1-beta1)/sqrt(1-beta2)`` and the progress cancel to a function that is continuous at
    ``t = 0``, as ``(1-sqrt g)/(1+sqrt g) = (1-g)/(1+sqrt g)^2`` is.
    """
    t = sp.Symbol("t", positive=True)
    scaled = convergence.tuned(bound, slowness) * sp.sqrt(N)
    return sp.simplify(sp.cancel(sp.powsimp(scaled.subs(N, 1 / t**2))).subs(t, 0))


def limits_at_other_decays() -> bool:
    """``sqrt N price`` tends to ``c/2 + a`` in units at ``1 - g = c/N``; slower laws converge, at a slower rate.

    At ``1 - g = 1/sqrt N`` the square of the price by the squares (L5) is ``2 a (d R Gi)^2/(1-beta1) ln N/sqrt N`` to
    first order, as ``Lambda ~ ln N``: it tends to 0, while sqrt(N)/ln N times the price does not stay bounded.
    """
    c, Lambda = sp.symbols("c Lambda", positive=True)
    units = price_limit / (sp.Rational(1, 2) + _a)
    square = scaled_limit(price_by_squares.subs(_Lam, Lambda) ** 2 / Lambda, 1 / sp.sqrt(N))
    return (
        vanishes(scaled_limit(price, c / N) - units * (c / 2 + _a))
        and vanishes(square - 2 * _a * (d * R * grad_bound) ** 2 / (1 - beta1))
        and vanishes(sp.limit(convergence.tuned(_Lam) / sp.log(N), N, sp.oo) - 1)
    )


def conclusion_is_the_theorem() -> bool:
    """The conclusion of the proof is ``theorem_shares`` in one dimension."""
    return vanishes(concluded(rate_proof.PROOF, rate_proof.STANDS_FOR) - theorem_shares.subs(d, 1))


def conclusion_by_squares() -> bool:
    """The other proof ends with ``theorem4_shares + (1+alpha1) price_by_squares/(2 (1-theta))`` in one dimension.

    What C1a spends is compared as it stands; both prices are positive, so that their squares may be compared.
    """
    whole, Gi = concluded(squares_proof.PROOF, {}), rate_proof.Gi
    base = concluded(predictable_proof.PROOF, {predictable_proof.ahead: sp.Integer(0)})
    stated = ((1 + alpha1) / (1 - theta) * price_by_squares / 2).subs(d, 1)
    ratio = (Gi * sp.diff(whole, Gi)).subs(squares_proof.MEANS) / stated
    roots = {_Lam: sp.Symbol("Lambda", positive=True), gate_decay: rate_proof.r**2}
    return vanishes(whole.subs(Gi, 0) - base) and vanishes((ratio.subs(roots) ** 2).subs(beta2, rate_proof.root**2) - 1)


#: What is enumerated on trees, :mod:`theory.methods.enumeration_plane`.
PATHS: Final = {
    "sums": trees.sums,
    "smoothness": trees.smoothness,
    "variation": trees.variation,
    "price": trees.price,
    "assembly": trees.assembly,
}


def every_path(lemma: Callable[[trees.Plane], Inequalities]) -> BoundCheck:
    """A lemma on every path of the cases, and how close it comes."""
    return compared(*map(lemma, trees.CASES))


C3 = Claim(
    id="C3",
    title="The rate O(ln N / sqrt N) under the opening law, whatever the gate sees",
    as_reported=(
        "introduced here, as a repair of Theorem 4.2 for a whole family: with any signal, if the gate opens by at most "
        "a factor g = 1 - c/N per step, E||grad F(x_tau)||^2 = O(ln N/sqrt N), with the constant of a predictable gate"
    ),
    statement=(
        r"\mathbb{E}\|\nabla F(x_\tau)\|^2 \leq \mathrm{(Theorem\ 4)} + (1 + \alpha_1) X, \quad X = "
        + latex(_unit / ((1 - _rho) * sp.sqrt(1 - _rho**2)))
        + r"\, V, \quad V = "
        + latex(variation)
        + r",\qquad \lim_{N \to \infty} \frac{\sqrt{N}}{\ln N}\,\mathrm{bound} = "
        + latex(limit)
    ),
    source="introduced here; it builds on arXiv:2003.02395, Theorems 2 and 4, and on Theorem 4.2 of arXiv:2505.13196",
    assumptions=(
        "the gate stands outside the momentum and obeys the opening law with 0 <= w_0 <= alpha1; its signal is any "
        "adapted one, and may see the current gradient",
        "F >= F*, grad F is L-Lipschitz, its components at most grad_bound <= R in modulus",
        "E[g_n | past] = grad F(x_{n-1}) and max-norm of g_n <= R - sqrt(eps)",
        "the proofs' form of the algorithm: no correction of the velocity, eps inside the root, no weight decay",
        "0 <= beta1 < beta2 < 1, N > beta1/(1 - beta1), 0 < gate_decay < 1, 0 <= alpha1 < infinity",
        "theorem_beta1_zero_shares: for every theta in (0, 1)",
        "limit, price_limit: alpha0 = 1/sqrt N, beta2 = 1 - 1/N, gate_decay = 1 - 1/N",
        "open: O(ln N/sqrt N) for 1 - gate_decay = N^-p with 1/4 <= p < 1, where the worst signal known leaves a "
        "squared gradient of order N^(-2p), below the rate; for a fixed gate_decay no bound can vanish",
    ),
    plain=(
        "A gate that looks at the gradient it is about to scale can prefer some noise to other noise and so push the "
        "iterates off the minimum. How much it can do depends only on how much it moves in total. A gate that opens by "
        "at most a factor 1 - c/N per step, in a run of N steps, moves by no more than about c/2 + 1 in all, however "
        "wildly its signal jumps: so the bias is of lower order and Adam's rate comes back, for every signal. A gate "
        "that always opens at the same speed keeps a bias, small for slow gates: no proof can remove it."
    ),
    concludes="proved under assumptions",
    holds="the bound of a predictable gate plus a term of lower order, for any signal, if 1 - g = O(1/N)",
    inequalities={
        f"every path, in one and two dimensions: {name}": "all paths of a finite tree of gradients, w_0 = 2, the "
        "velocity corrected and not, in rational arithmetic"
        for name in PATHS
    }
    | {
        "every signal obeys the law": "z_t >= 0, w_0 >= 0, 0 < g < 1",
        "every lemma at its extremal case": "the case in which each lemma is (nearly) attained, and its ratio",
    },
    prose=(
        "What the proof takes as given are the assumptions and the lemmas that the other steps show; the coordinates "
        "add up.",
    ),
    derive=derive,
    proofs=(rate_proof.PROOF, squares_proof.PROOF),
    formulas={
        "variation": variation,
        "price": price,
        "theorem": theorem,
        "price_by_squares": price_by_squares,
        "theorem_beta1_zero": theorem_beta1_zero,
        "theorem_beta1_zero_shares": theorem_beta1_zero_shares,
        "limit": limit,
        "price_limit": price_limit,
    },
    steps={
        **rate_lemmas.DIRECTION,
        "denominator": rate_lemmas.prove_denominator,
        "step size": rate_lemmas.prove_step_size,
        "every signal obeys the law": every_signal_obeys_it,
        "L1: the steepest rise": lemmas.prove_rise,
        "L2: total variation": lemmas.prove_variation,
        "split into a predictable gate and the rest": lemmas.prove_split,
        "L3: the tail of the velocity": lemmas.prove_tail,
        "L4: the price of variation": lemmas.prove_price,
        "L5: the price by squares": lemmas.prove_price_by_squares,
        "every lemma at its extremal case": lemmas.every_lemma_at_its_extremal_case,
        **{
            f"every path, in one and two dimensions: {name}": partial(every_path, lemma)
            for name, lemma in PATHS.items()
        },
        "the conclusion of the proof is theorem_shares": conclusion_is_the_theorem,
        "the conclusion of the proof by squares has price_by_squares": conclusion_by_squares,
        "limits at other decays": limits_at_other_decays,
        "a fixed decay keeps a bias": lemmas.prove_fixed_decay_keeps_a_bias,
        "its order as the decay tends to 1": lemmas.prove_order_of_the_bias,
    },
)


def horizon_bound(bound: sp.Expr, steps: Any, *, c: float, gradient: float, **problem: Any) -> Any:
    """A bound of C3 tuned to the horizon, ``1 - gate_decay = c/N``, with ``grad_bound = gradient``.

    The other arguments and the errors are those of
    :func:`theory.claims.convergence.predictable_gate.horizon_bound`.

    >>> problem = dict(L=0.1, R=1.0, D=1.0, eps=1e-2, alpha1=1.0, beta1=0.5)
    >>> close, far = (float(horizon_bound(theorem, 10**8, c=c, gradient=0.5, **problem)) for c in (1.0, 100.0))
    >>> close < far
    True
    """
    return convergence.horizon_bound(bound.subs(grad_bound, sp.Float(gradient)), steps, slowness=c / steps, **problem)
