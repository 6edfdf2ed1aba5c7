"""Form (A) of C2, statement by statement, in one coordinate: what a slow gate loses because it sees the gradient.

``MIN_OPEN`` and ``MIN_CLIPPED``: clipping does not increase distances. ``SLOW``: over ``k + 1`` steps the gate moves by
at most ``(k+1) q`` relative to itself. ``LOOK``: the price of that at one lag. ``PROOF`` adds the prices up and ends as
every gate that sees the gradient does, :mod:`theory.claims.convergence.looking_ahead_proof`.
"""

from __future__ import annotations

import sympy as sp

from theory.claims.convergence import looking_ahead_proof as ahead_proof
from theory.claims.convergence.looking_ahead_proof import Gi, c, every, grown, later, most, p2, u, whole, x
from theory.claims.convergence.predictable_proof import (
    MEANING,
    G,
    Lambda,
    N,
    R,
    ahead,
    b2,
    beta1,
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
from theory.methods.unwritten import unwritten
from theory.notation import alpha1, beta2, beta3, gate_decay

w, w1, now, then, top = sp.symbols("w w1 u u1 top", nonnegative=True)
K, q, rest, U, tail, reach, linear, firsts = sp.symbols("K q rest U tail reach linear firsts", positive=True)
U1, energy, speed = (sp.Function(name, nonnegative=True) for name in ("U1", "u", "speed"))
i = sp.Symbol("i", integer=True, positive=True)


# ---------------------------------------------------------------- the gate moves slowly


def clipping_does_not_increase(clipped: bool) -> Proof:
    """``w1 - w <= beta3 reach``: ``w = min(beta3 u, alpha1)``, ``w1`` the same of ``u1``, and ``u1 - u <= reach``."""
    proof = Proof("clipping, from a clipped value" if clipped else "clipping, from a value that is not clipped")
    if clipped:
        start = proof.given("w", w, "=", alpha1)
        below = proof.given("w1 is clipped", w1, "<=", alpha1)
        slack = beta3 * reach + below - start
    else:
        start = proof.given("w", w, "=", beta3 * now)
        below = proof.given("w1 is a minimum", w1, "<=", beta3 * then)
        moved = proof.given("energies", then - now, "<=", reach, "the other direction is the same with both exchanged")
        slack = below + beta3 * moved - start
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
    before = proof.given("gate before", gamma * (1 + w), "=", 1)
    after = proof.given("gate now", later * (1 + w1), "=", 1)
    closings = proof.given("closings", w1 - w, "<=", K * q)
    gates = proof.given("gates", later, "<=", 1)
    proof.inequality(
        "slow", gamma - later, K * q * gamma,
        gamma * later * closings + K * q * gamma * gates - gamma * after + later * before,
        "a difference of gates is their product times the difference of the closings",
    )  # fmt: skip
    return proof


MIN_OPEN, MIN_CLIPPED = unwritten(clipping_does_not_increase, False), unwritten(clipping_does_not_increase, True)
ENERGY, SLOW = unwritten(energy_moves_slowly), unwritten(gate_moves_slowly)


def price_of_a_lag() -> Proof:
    """``E[gamma G g/rp] <= E[later G g/rp] + K q R tail E|U|``: ``gamma`` known before ``g``, ``later`` not."""
    proof = Proof("the price of looking ahead")
    rises = proof.given("slow", gamma - later, "<=", K * q * gamma, "by 'the gate moves slowly'")
    falls = proof.given("slow, the other way", later - gamma, "<=", K * q * gamma)
    plus = proof.given("G g", G * g, "<=", size)
    minus = proof.given("- G g", -G * g, "<=", size)
    opened = proof.given("top", gamma, "<=", 1)
    large = proof.given("gradient", sp.Abs(G), "<=", R)
    back = proof.given(
        "steps back, root", sp.Abs(g) / rp, "<=", tail * U, "sqrt of eps + s_n >= beta2^k (eps + s_(n-k))"
    )
    proof.inequality(
        "one outcome", gamma * G * g / rp, later * G * g / rp + K * q * R * tail * U,
        (falls * plus + rises * minus) / (2 * rp) + K * q * size / rp * opened + K * q * sp.Abs(g) / rp * large
        + K * q * R * back,
    )  # fmt: skip
    proof.rule(
        "on average", "average", "one outcome", Mean(gamma * G * g / rp),
        Mean(later * G * g / rp) + K * q * R * tail * Mean(U), constants={K, q, R, tail},
    )  # fmt: skip
    return proof


LOOK = unwritten(price_of_a_lag)


# ---------------------------------------------------------------- a run


def run() -> Proof:
    """``progress E G^2(x_tau) <=`` what C1a spends ``+ step q R linear firsts``."""
    proof = Proof("C2 (A): a gate that sees the gradient and moves slowly")
    at = {K: k + 1, tail: b2 ** (-k / 2)}
    end = {Gi: q * R, whole: q * R * linear * firsts, grown: 1}
    proof.assume(LOOK, values=at)
    proof.assume(ahead_proof.PROOF, without={"price at a lag", "price of the run"}, values=end)
    price = prices_of_lags(proof)
    proof.application(
        "price at a lag", LOOK,
        at | {Mean(gamma * G * g / rp): p(n, k), Mean(later * G * g / rp): p2(n, k), Mean(U): U1(n - k)},
        {given.name: fact(given.name) for given in LOOK.assumptions},
        p(n, k), p2(n, k) + (k + 1) * q * R * b2 ** (-k / 2) * U1(n - k),
    )  # fmt: skip
    proof.apply("theorem", ahead_proof.PROOF, end, {"price at a lag": fact("price at a lag") - q * R * price})
    return proof


def prices_of_lags(proof: Proof) -> sp.Symbol:
    """``q R`` times the prices ``x(n, k) = (k+1) beta2^(-k/2) U1(n-k)`` of all lags and steps; says what ``x`` is."""
    price = proof.given("what x stands for", x(n, k), "=", (k + 1) * b2 ** (-k / 2) * U1(n - k))
    lag = proof.given("lag weight", c(k), "=", (k + 1) * beta1**k * b2 ** (-k / 2), "what c stands for")
    proof.given("sum of the look-ahead", sp.Sum(c(k), (k, 0, N - j)), "<=", linear)
    proof.given("first powers", sp.Sum(U1(j), (j, 1, N)), "<=", firsts, "Cauchy-Schwarz: sqrt(N sum U^2)")
    proof.identity("price with a weight", beta1**k * x(n, k), c(k) * U1(n - k), beta1**k * price - U1(n - k) * lag)
    proof.apply(
        "price of the run", ahead_proof.ADDED,
        {u(n - k): U1(n - k), u(j): U1(j), most: linear, every: firsts, Gi: q * R},
        {"all weights": fact("sum of the look-ahead"), "all places": fact("first powers")},
    )  # fmt: skip
    return price


PROOF = unwritten(run)

#: With these the conclusion is ``theorem_shares`` in one dimension.
SMOOTHED: dict[sp.Symbol, sp.Expr] = {
    **{symbol: value for symbol, value in MEANING.items() if symbol != ahead},
    q: beta3 * (1 - gate_decay) * R**2,
    linear: linear_sum(beta1 / sp.sqrt(beta2)),
    firsts: sp.sqrt(N * MEANING[Lambda]),
}
PROOFS = (MIN_OPEN, MIN_CLIPPED, ENERGY, SLOW, PROOF)
