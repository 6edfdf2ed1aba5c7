"""Form (A) of C2, statement by statement, in one coordinate: what a slow gate loses because it sees the gradient.

``MIN_OPEN`` and ``MIN_CLIPPED``: clipping does not increase distances. ``SLOW``: over ``k + 1`` steps the gate moves by
at most ``(k+1) q`` relative to itself. ``LOOK``: the price of that at one lag. ``PROOF`` adds the prices up and applies
the proof of C1a, in which they are one more loss.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from theory.claims.convergence import predictable_proof as base
from theory.claims.convergence.drift_proof import DRIFT
from theory.claims.convergence.predictable_proof import (
    MEANING,
    W2,
    A,
    G,
    L,
    Lambda,
    N,
    Omega,
    P,
    Q,
    R,
    ahead,
    b2,
    beta1,
    f,
    g,
    gamma,
    j,
    k,
    n,
    p,
    rp,
    size,
)
from theory.claims.convergence.smoothed_lemmas import linear_sum
from theory.methods.proof import Proof, fact
from theory.methods.rules import Mean
from theory.notation import alpha1, beta2, beta3, gate_decay

w, w1, u, u1, top = sp.symbols("w w1 u u1 top", nonnegative=True)
K, q, rest, later, U, tail, reach, linear, firsts = sp.symbols(
    "K q rest later U tail reach linear firsts", positive=True
)
P2, p2, X = (sp.Function(name, real=True) for name in ("P2", "p2", "X"))
Q2, U1, c = (sp.Function(name, nonnegative=True) for name in ("Q2", "U1", "c"))
energy, speed = (sp.Function(name, nonnegative=True) for name in ("u", "speed"))
i = sp.Symbol("i", integer=True, positive=True)


# ---------------------------------------------------------------- the gate moves slowly


def clipping_does_not_increase(clipped: bool) -> Proof:
    """``w1 - w <= beta3 reach``: ``w = min(beta3 u, alpha1)``, ``w1`` the same of ``u1``, and ``u1 - u <= reach``."""
    proof = Proof("clipping, from a clipped value" if clipped else "clipping, from a value that is not clipped")
    if clipped:
        now = proof.given("w", w, "=", alpha1)
        below = proof.given("w1 is clipped", w1, "<=", alpha1)
        slack = beta3 * reach + below + now * (-1)
    else:
        now = proof.given("w", w, "=", beta3 * u)
        below = proof.given("w1 is a minimum", w1, "<=", beta3 * u1)
        moved = proof.given("energies", u1 - u, "<=", reach, "the other direction is the same with the two exchanged")
        slack = below + beta3 * moved - now
    proof.inequality("closings", w1 - w, beta3 * reach, slack)
    return proof


def energy_moves_slowly() -> Proof:
    """``u_n - u_{n-k-1} <= (k+1) (1-g) top`` for energies and squared velocities in ``[0, top]``."""
    proof = Proof("the energy moves slowly")
    step_of = proof.given("energy", energy(i), "=", (1 - rest) * energy(i - 1) + rest * speed(i), "rest = 1 - g")
    high = proof.given("velocity", speed(i), "<=", top, "||V||^2 <= d R^2, as its weights add up to at most 1")
    proof.inequality("one step", energy(i) - energy(i - 1), rest * top, rest * (high + energy(i - 1)) + step_of)
    span = {"index": i, "first": n - k, "last": n}
    sums = sp.Sum(energy(i), (i, n - k, n)), sp.Sum(energy(i - 1), (i, n - k, n))
    proof.rule("all steps", "total", "one step", sums[0] - sums[1], (k + 1) * rest * top, **span)
    proof.rule(
        "k + 1 steps", "telescope", "all steps", energy(n) - energy(n - k - 1), (k + 1) * rest * top, sequence=energy
    )
    return proof


def gate_moves_slowly() -> Proof:
    """``gamma - later <= K q gamma`` for gates ``1/(1+w)`` whose closings differ by at most ``K q``."""
    proof = Proof("the gate moves slowly")
    now = proof.given("gate before", gamma * (1 + w), "=", 1)
    then = proof.given("gate now", later * (1 + w1), "=", 1)
    closings = proof.given("closings", w1 - w, "<=", K * q)
    most = proof.given("gates", later, "<=", 1)
    proof.inequality(
        "slow", gamma - later, K * q * gamma,
        gamma * later * closings + K * q * gamma * most - gamma * then + later * now,
        "a difference of gates is their product times the difference of the closings",
    )  # fmt: skip
    return proof


MIN_OPEN, MIN_CLIPPED = clipping_does_not_increase(False), clipping_does_not_increase(True)
ENERGY, SLOW = energy_moves_slowly(), gate_moves_slowly()


def price_of_a_lag() -> Proof:
    """``E[gamma G g/rp] <= E[later G g/rp] + K q R tail E|U|``: ``gamma`` known before ``g``, ``later`` not."""
    proof = Proof("the price of looking ahead")
    rises = proof.given("slow", gamma - later, "<=", K * q * gamma, "by 'the gate moves slowly'")
    falls = proof.given("slow, the other way", later - gamma, "<=", K * q * gamma)
    plus = proof.given("G g", G * g, "<=", size)
    minus = proof.given("- G g", -G * g, "<=", size)
    most = proof.given("top", gamma, "<=", 1)
    large = proof.given("gradient", sp.Abs(G), "<=", R)
    back = proof.given(
        "steps back, root", sp.Abs(g) / rp, "<=", tail * U, "sqrt of eps + s_n >= beta2^k (eps + s_(n-k))"
    )
    proof.inequality(
        "one outcome", gamma * G * g / rp, later * G * g / rp + K * q * R * tail * U,
        (falls * plus + rises * minus) / (2 * rp) + K * q * size / rp * most + K * q * sp.Abs(g) / rp * large
        + K * q * R * back,
    )  # fmt: skip
    proof.rule(
        "on average", "average", "one outcome", Mean(gamma * G * g / rp),
        Mean(later * G * g / rp) + K * q * R * tail * Mean(U), constants={K, q, R, tail},
    )  # fmt: skip
    return proof


LOOK = price_of_a_lag()


# ---------------------------------------------------------------- a run


def run() -> Proof:
    """``progress E G^2(x_tau) <=`` what C1a spends ``+ step q R linear firsts``."""
    proof = Proof("C2 (A): a gate that sees the gradient and moves slowly")
    at = {K: k + 1, tail: b2 ** (-k / 2)}
    prices = {
        given.name: proof.given(given.name, given.left.subs(at), given.sign, given.right.subs(at), given.says)
        for given in LOOK.assumptions
    }
    own = {"smoothness", "drift"}  # in their place stand those of the gate that sees the gradient
    shown: dict[str, Any] = dict(prices)
    for given in base.PROOF.assumptions:
        if given.name not in own | set(prices):
            shown[given.name] = proof.given(given.name, given.left, given.sign, given.right, given.says)
    shown = {given.name: shown[given.name] for given in base.PROOF.assumptions if given.name not in own}
    smooth = proof.given(
        "smoothness of the run", f(n), "<=",
        f(n - 1) - A * Omega(n) * (P2(n) - Q2(n)) + L / 2 * (A * Omega(n)) ** 2 * W2(n),
        "as in C1a, with the gate of step n in front of its products",
    )  # fmt: skip
    products = proof.given("its products", P2(n), "=", sp.Sum(beta1**k * p2(n, k), (k, 0, n - 1)))
    drifts = {
        given.name: proof.given(given.name, given.left.xreplace({Q(n): Q2(n)}), given.sign, given.right, given.says)
        if given.name not in shown
        else shown[given.name]
        for given in DRIFT.assumptions
    }
    end = DRIFT.conclusion
    drift = proof.application("its drift", DRIFT, {Q(n): Q2(n)}, drifts, end.left.xreplace({Q(n): Q2(n)}), end.right)
    lag = proof.given("lag weight", c(k), "=", (k + 1) * beta1**k * b2 ** (-k / 2), "what c stands for")
    price = proof.given("price of a step", X(n), "=", q * R * sp.Sum(c(k) * U1(n - k), (k, 0, n - 1)), "and X")
    losses = proof.given("losses with their price", Q(n), "=", Q2(n) + X(n), "what Q of C1a stands for here")
    series = proof.given("sum of the look-ahead", sp.Sum(c(k), (k, 0, N - j)), "<=", linear)
    powers = proof.given("first powers", sp.Sum(U1(j), (j, 1, N)), "<=", firsts, "Cauchy-Schwarz: sqrt(N sum U^2)")

    proof.application(
        "price at a lag", LOOK,
        at | {Mean(gamma * G * g / rp): p(n, k), Mean(later * G * g / rp): p2(n, k), Mean(U): U1(n - k)}, prices,
        p(n, k), p2(n, k) + (k + 1) * q * R * b2 ** (-k / 2) * U1(n - k),
    )  # fmt: skip
    proof.inequality(
        "weighted price", beta1**k * p(n, k), beta1**k * p2(n, k) + q * R * c(k) * U1(n - k),
        beta1**k * fact("price at a lag") - q * R * U1(n - k) * lag,
    )  # fmt: skip
    kept = [sp.Sum(beta1**k * term(n, k), (k, 0, n - 1)) for term in (p, p2)]
    paid = sp.Sum(c(k) * U1(n - k), (k, 0, n - 1))
    proof.rule(
        "all prices", "total", "weighted price", kept[0], kept[1] + q * R * paid,
        index=k, first=sp.Integer(0), last=n - 1,
    )  # fmt: skip
    proof.inequality(
        "smoothness", f(n), f(n - 1) - A * Omega(n) * (P(n) - Q(n)) + L / 2 * (A * Omega(n)) ** 2 * W2(n),
        smooth + A * Omega(n) * (fact("all prices") + shown["products"] - products - price - losses),
        "the price is one more loss",
    )  # fmt: skip
    every = {"index": n, "first": sp.Integer(1), "last": N}
    proof.rule(
        "all losses",
        "total",
        "losses with their price",
        sp.Sum(Q(n), (n, 1, N)),
        sp.Sum(Q2(n), (n, 1, N)) + sp.Sum(X(n), (n, 1, N)),
        **every,
    )
    proof.rule(
        "all steps", "total", "price of a step", sp.Sum(X(n), (n, 1, N)), q * R * sp.Sum(paid, (n, 1, N)), **every
    )
    inner = sp.Sum(c(k), (k, 0, N - j))
    summed = sp.Sum(U1(j) * inner, (j, 1, N))
    proof.rule("exchanged", "exchange", "all steps", sp.Sum(X(n), (n, 1, N)), q * R * summed, lag=k, place=j)
    proof.inequality("at j", U1(j) * inner, linear * U1(j), U1(j) * series)
    proof.rule(
        "all places", "total", "at j", summed, linear * sp.Sum(U1(j), (j, 1, N)), index=j, first=sp.Integer(1), last=N
    )
    whole = q * R * linear * firsts
    drifted = base.PROOF.steps["drift"]
    proof.inequality(
        "drift", drifted.left, drifted.right.subs(ahead, whole),
        drift + fact("all losses") + fact("exchanged") + q * R * (fact("all places") + linear * powers),
    )  # fmt: skip
    end = base.PROOF.conclusion
    proof.application(
        "theorem", base.PROOF, {ahead: whole}, shown | {name: fact(name) for name in ("smoothness", "drift")},
        end.left, end.right.subs(ahead, whole),
    )  # fmt: skip
    return proof


PROOF = run()

#: With these the conclusion is ``theorem_shares`` in one dimension.
SMOOTHED: dict[sp.Symbol, sp.Expr] = {
    **{symbol: value for symbol, value in MEANING.items() if symbol != ahead},
    q: beta3 * (1 - gate_decay) * R**2,
    linear: linear_sum(beta1 / sp.sqrt(beta2)),
    firsts: sp.sqrt(N * MEANING[Lambda]),
}
PROOFS = (MIN_OPEN, MIN_CLIPPED, ENERGY, SLOW, PROOF)
