"""Form (B) of C2, statement by statement, in one coordinate: a share ``phi`` of the progress pays for the look ahead.

``LAG`` is Young's inequality at one lag, with what the descent lemma keeps put in for the share. So the products of the
run are at least ``1 - phi`` times those of a predictable gate, less a term in ``q^2``. ``PROOF`` ends as that of every
gate that sees the gradient, with ``F``, ``L``, ``D`` and ``mu`` divided by ``1 - phi``, whose inverse is ``grown``.
"""

from __future__ import annotations

import sympy as sp

from theory.claims.convergence import looking_ahead_proof as ahead_proof
from theory.claims.convergence.looking_ahead_proof import Gi, c, every, grown, later, most, p2, u, whole, x
from theory.claims.convergence.predictable_proof import (
    KEPT,
    MEANING,
    U2,
    G,
    Lambda,
    N,
    R,
    U,
    ahead,
    b2,
    beta1,
    g,
    gamma,
    j,
    k,
    n,
    p,
    root_k,
    roots,
    rp,
    rq,
    size,
    tail,
    theta,
)
from theory.claims.convergence.smoothed_lemmas import square_sum
from theory.methods.proof import Proof, fact
from theory.methods.rules import Mean
from theory.methods.unwritten import unwritten
from theory.notation import beta2, beta3, gate_decay

K, q, phi, root_2, squared = sp.symbols("K q phi root_2 squared", positive=True)
square = sp.Function("square", nonnegative=True)


def young_at_a_lag() -> Proof:
    """``(1-phi) E[gamma G g/rp] <= E[later G g/rp] + (phi R root_k/theta + K^2 q^2 R/(4 phi (1-theta) root_2)) tail
    E U^2``."""
    proof = Proof("the price of looking ahead, by Young's inequality")
    proof.assume(KEPT)
    rises = proof.given("slow", gamma - later, "<=", K * q * gamma, "by 'the gate moves slowly'")
    falls = proof.given("slow, the other way", later - gamma, "<=", K * q * gamma)
    low = proof.given("inverse share", 0, "<=", 1 / (1 - theta), "theta < 1")
    rest = proof.given("theta", theta, "<=", 1)
    wide = proof.given("largest denominator", rq, "<=", R / root_2, "eps + st <= R^2/(1-beta2)")
    moved = K * q * gamma * size / rp
    proof.inequality(
        "gates apart", gamma * G * g / rp, later * G * g / rp + moved,
        (falls * fact("G g") + rises * fact("- G g")) / (2 * rp),
    )  # fmt: skip
    spent, paid = phi * (1 - theta) * gamma * G**2 / rq, gamma * (K * q) ** 2 * rq * g**2 / (4 * phi * rp**2)
    proof.inequality(
        "Young", moved, spent + paid / (1 - theta),
        gamma * phi * rest / rq * (sp.Abs(G) - K * q * sp.Abs(g) * rq / (2 * phi * (1 - theta) * rp)) ** 2,
    )  # fmt: skip
    largest = (K * q) ** 2 * R / (4 * phi * root_2)
    proof.inequality(
        "most paid", paid, largest * tail * U**2,
        (K * q) ** 2 * g**2 / (4 * phi * rp**2) * (rq * fact("top") + wide) + largest * fact("steps back"),
    )  # fmt: skip
    proof.inequality(
        "one outcome", gamma * G * g / rp, later * G * g / rp + spent + largest * tail * U**2 / (1 - theta),
        fact("gates apart") + fact("Young") + low * fact("most paid"),
    )  # fmt: skip
    kept = Mean(gamma * G**2 / rq)
    constants = {K, q, R, phi, root_2, tail, theta}
    proof.rule(
        "on average", "average", "one outcome", Mean(gamma * G * g / rp),
        Mean(later * G * g / rp) + phi * (1 - theta) * kept + largest * tail / (1 - theta) * Mean(U**2),
        constants=constants,
    )  # fmt: skip
    proof.apply("kept", KEPT)
    proof.inequality(
        "price", (1 - phi) * Mean(gamma * G * g / rp),
        Mean(later * G * g / rp) + (phi * R * root_k / theta + largest / (1 - theta)) * tail * Mean(U**2),
        fact("on average") + phi * fact("kept"),
    )  # fmt: skip
    return proof


LAG = unwritten(young_at_a_lag)


# ---------------------------------------------------------------- a run


def run() -> Proof:
    """``progress E G^2(x_tau) <= grown`` times (what C1a spends ``+ step c squared Lambda``), ``grown = 1/(1-phi)``."""
    proof = Proof("C2 (B): a share of the progress pays for the look ahead")
    at = {K: k + 1, root_k: sp.sqrt(k + 1), tail: b2**-k}
    lost, bias = phi * R / theta, q**2 * R / (4 * phi * root_2 * (1 - theta))
    price = (lost * roots + bias * squared) * Lambda
    end = {Gi: 1, whole: price}
    proof.assume(LAG, values=at)
    proof.assume(ahead_proof.PROOF, without={"price at a lag", "price of the run"}, values=end)
    inverse = proof.given("inverse", grown * (1 - phi), "=", 1, "phi < 1")
    weight = proof.given("square of a lag", square(k), "=", (k + 1) ** 2 * beta1**k * b2**-k, "what square stands for")
    rooted = sp.sqrt(k + 1) * beta1**k * b2**-k
    both = proof.given("lag weight", c(k), "=", lost * rooted + bias * square(k), "what c stands for")
    one = proof.given(
        "what x stands for", x(n, k), "=", (lost * sp.sqrt(k + 1) + bias * (k + 1) ** 2) * b2**-k * U2(n - k)
    )
    series = proof.given("sum of the squares", sp.Sum(square(k), (k, 0, N - j)), "<=", squared)
    proof.apply(
        "price at a lag by Young", LAG,
        at | {Mean(gamma * G * g / rp): p(n, k), Mean(later * G * g / rp): p2(n, k), Mean(U**2): U2(n - k)},
    )  # fmt: skip
    proof.inequality(
        "price at a lag", p(n, k), grown * (p2(n, k) + x(n, k)),
        grown * (fact("price at a lag by Young") - one) - p(n, k) * inverse, "divided by 1 - phi",
    )  # fmt: skip
    proof.identity(
        "price with a weight", beta1**k * x(n, k), c(k) * U2(n - k),
        beta1**k * one - U2(n - k) * (both + bias * weight),
    )  # fmt: skip
    sums = [sp.Sum(part, (k, 0, N - j)) for part in (c(k), rooted, square(k))]
    proof.rule(
        "lag weights", "total", "lag weight", sums[0], lost * sums[1] + bias * sums[2],
        index=k, first=sp.Integer(0), last=N - j,
    )  # fmt: skip
    seen = q**2 * R / (4 * phi * root_2) * fact("inverse share")  # bias, visibly nonnegative
    proof.inequality(
        "all weights", sums[0], lost * roots + bias * squared,
        fact("lag weights") + lost * fact("sum with a root") + seen * series,
    )  # fmt: skip
    proof.apply(
        "price of the run", ahead_proof.ADDED,
        {u(n - k): U2(n - k), u(j): U2(j), most: lost * roots + bias * squared, every: Lambda, Gi: 1},
        {"all places": fact("squares")},
    )  # fmt: skip
    proof.apply("theorem", ahead_proof.PROOF, end)
    return proof


PROOF = unwritten(run)

#: What the symbols of the conclusion stand for.
STANDS_FOR: dict[sp.Symbol, sp.Expr] = {
    **{symbol: value for symbol, value in MEANING.items() if symbol != ahead},
    grown: 1 / (1 - phi),
    q: beta3 * (1 - gate_decay) * R**2,
    root_2: sp.sqrt(1 - beta2),
    squared: square_sum(beta1 / beta2),
}
