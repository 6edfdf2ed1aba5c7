"""Form (B) of C2, statement by statement, in one coordinate: a share ``phi`` of the progress pays for the look ahead.

``LAG`` is Young's inequality at one lag, with what the descent lemma keeps put in for the share. So the products of the
run are at least ``1 - phi`` times those of a predictable gate, less a term in ``q^2``: ``PROOF`` is the proof of C1a
with ``F``, ``L``, ``D`` and ``mu`` divided by ``1 - phi``, whose inverse is ``grown``.
"""

from __future__ import annotations

import sympy as sp

from theory.claims.convergence import predictable_proof as base
from theory.claims.convergence.drift_proof import DRIFT
from theory.claims.convergence.predictable_proof import (
    KEPT,
    MEANING,
    U2,
    W2,
    A,
    D,
    G,
    L,
    Lambda,
    N,
    Omega,
    P,
    Q,
    R,
    U,
    ahead,
    b2,
    beta1,
    f,
    g,
    gamma,
    j,
    k,
    mu,
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
from theory.methods.proof import Proof, fact, renamed
from theory.methods.rules import Mean
from theory.notation import beta2, beta3, gate_decay

later, K, q, phi, root_2, grown, squared = sp.symbols("later K q phi root_2 grown squared", positive=True)
P2, p2 = (sp.Function(name, real=True) for name in ("P2", "p2"))
Q2, c = (sp.Function(name, nonnegative=True) for name in ("Q2", "c"))


def young_at_a_lag() -> Proof:
    """``(1-phi) E[gamma G g/rp] <= E[later G g/rp] + (phi R root_k/theta + K^2 q^2 R/(4 phi (1-theta) root_2)) tail
    E U^2``."""
    proof = Proof("the price of looking ahead, by Young's inequality")
    shown = {
        given.name: proof.given(given.name, given.left, given.sign, given.right, given.says)
        for given in KEPT.assumptions
    }
    rises = proof.given("slow", gamma - later, "<=", K * q * gamma, "by 'the gate moves slowly'")
    falls = proof.given("slow, the other way", later - gamma, "<=", K * q * gamma)
    low = proof.given("inverse share", 0, "<=", 1 / (1 - theta), "theta < 1")
    rest = proof.given("theta", theta, "<=", 1)
    wide = proof.given("largest denominator", rq, "<=", R / root_2, "eps + st <= R^2/(1-beta2)")
    moved = K * q * gamma * size / rp
    proof.inequality(
        "gates apart", gamma * G * g / rp, later * G * g / rp + moved,
        (falls * shown["G g"] + rises * shown["- G g"]) / (2 * rp),
    )  # fmt: skip
    spent, paid = phi * (1 - theta) * gamma * G**2 / rq, gamma * (K * q) ** 2 * rq * g**2 / (4 * phi * rp**2)
    proof.inequality(
        "Young", moved, spent + paid / (1 - theta),
        gamma * phi * rest / rq * (sp.Abs(G) - K * q * sp.Abs(g) * rq / (2 * phi * (1 - theta) * rp)) ** 2,
    )  # fmt: skip
    most = (K * q) ** 2 * R / (4 * phi * root_2)
    proof.inequality(
        "most paid", paid, most * tail * U**2,
        (K * q) ** 2 * g**2 / (4 * phi * rp**2) * (rq * shown["top"] + wide) + most * shown["steps back"],
    )  # fmt: skip
    proof.inequality(
        "one outcome", gamma * G * g / rp, later * G * g / rp + spent + most * tail * U**2 / (1 - theta),
        fact("gates apart") + fact("Young") + low * fact("most paid"),
    )  # fmt: skip
    kept = Mean(gamma * G**2 / rq)
    constants = {K, q, R, phi, root_2, tail, theta}
    proof.rule(
        "on average", "average", "one outcome", Mean(gamma * G * g / rp),
        Mean(later * G * g / rp) + phi * (1 - theta) * kept + most * tail / (1 - theta) * Mean(U**2),
        constants=constants,
    )  # fmt: skip
    end = KEPT.conclusion
    proof.application(
        "kept", KEPT, {}, {given.name: shown[given.name] for given in KEPT.assumptions}, end.left, end.right
    )
    proof.inequality(
        "price", (1 - phi) * Mean(gamma * G * g / rp),
        Mean(later * G * g / rp) + (phi * R * root_k / theta + most / (1 - theta)) * tail * Mean(U**2),
        fact("on average") + phi * fact("kept"),
    )  # fmt: skip
    return proof


LAG = young_at_a_lag()


# ---------------------------------------------------------------- a run


def run() -> Proof:
    """``progress E G^2(x_tau) <= grown`` times (what C1a spends ``+ step c squared Lambda``), ``grown = 1/(1-phi)``."""
    proof = Proof("C2 (B): a share of the progress pays for the look ahead")
    at = {K: k + 1, root_k: sp.sqrt(k + 1), tail: b2**-k}
    own = {"smoothness", "drift", "gap", "losses"}
    facts = {}
    for given in (*base.PROOF.assumptions, *LAG.assumptions, *DRIFT.assumptions):
        if given.name not in own and given.name not in facts:
            left, right = (side.subs(at).xreplace({Q(n): Q2(n)}) for side in (given.left, given.right))
            facts[given.name] = proof.given(given.name, left, given.sign, right, given.says)
    inverse = proof.given("inverse", grown * (1 - phi), "=", 1, "phi < 1")
    smooth = proof.given(
        "smoothness of the run", f(n), "<=",
        f(n - 1) - A * Omega(n) * (P2(n) - Q2(n)) + L / 2 * (A * Omega(n)) ** 2 * W2(n),
        "as in C1a, with the gate of step n in front of its products",
    )  # fmt: skip
    products = proof.given("its products", P2(n), "=", sp.Sum(beta1**k * p2(n, k), (k, 0, n - 1)))
    (moved,) = (given for given in DRIFT.assumptions if given.name == "losses")
    drifts = proof.given("its losses", Q2(n), "=", moved.right, "what the drift adds up")
    gap = proof.given("its gap", f(0) - f(N), "<=", D)
    weight = proof.given("lag weight", c(k), "=", (k + 1) ** 2 * beta1**k * b2**-k, "what c stands for")
    series = proof.given("sum of the look-ahead", sp.Sum(c(k), (k, 0, N - j)), "<=", squared)
    lost, most = phi * R / theta, q**2 * R / (4 * phi * root_2 * (1 - theta))
    weights = sp.sqrt(k + 1) * beta1**k * b2**-k, c(k)
    spent = [sp.Sum(one * U2(n - k), (k, 0, n - 1)) for one in weights]
    price = lost * spent[0] + most * spent[1]
    losses = proof.given("losses", Q(n), "=", grown * (Q2(n) + price), "what Q of C1a stands for here")

    prices = {given.name: facts[given.name] for given in LAG.assumptions}
    a_lag = lost * sp.sqrt(k + 1) * b2**-k * U2(n - k) + most * (k + 1) ** 2 * b2**-k * U2(n - k)
    proof.application(
        "price at a lag", LAG,
        at | {Mean(gamma * G * g / rp): p(n, k), Mean(later * G * g / rp): p2(n, k), Mean(U**2): U2(n - k)}, prices,
        (1 - phi) * p(n, k), p2(n, k) + a_lag,
    )  # fmt: skip
    proof.inequality(
        "weighted price", beta1**k * p(n, k),
        grown * beta1**k * p2(n, k) + grown * (lost * weights[0] + most * weights[1]) * U2(n - k),
        grown * beta1**k * fact("price at a lag") - beta1**k * p(n, k) * inverse
        - grown * most * U2(n - k) * weight,
    )  # fmt: skip
    sums = [sp.Sum(beta1**k * term(n, k), (k, 0, n - 1)) for term in (p, p2)]
    proof.rule(
        "all prices", "total", "weighted price", sums[0], grown * (sums[1] + price),
        index=k, first=sp.Integer(0), last=n - 1,
    )  # fmt: skip
    size_of = A * Omega(n)
    proof.inequality(
        "smoothness", grown * f(n),
        grown * f(n - 1) - size_of * (P(n) - Q(n)) + grown * L / 2 * size_of**2 * W2(n),
        grown * smooth + size_of * (fact("all prices") + facts["products"] - grown * products - losses),
        "divided by 1 - phi",
    )  # fmt: skip
    end = DRIFT.conclusion
    left = end.left.xreplace({Q(n): Q2(n)})
    known = {given.name: facts.get(given.name, drifts) for given in DRIFT.assumptions}
    proof.application("its drift", DRIFT, {Q(n): Q2(n)}, known, left, end.right)
    double = [sp.Sum(one, (n, 1, N)) for one in spent]
    proof.rule(
        "all losses", "total", "losses", sp.Sum(Q(n), (n, 1, N)),
        grown * (left + lost * double[0] + most * double[1]), index=n, first=sp.Integer(1), last=N,
    )  # fmt: skip
    inner = [sp.Sum(one, (k, 0, N - j)) for one in weights]
    ends = [sp.Sum(U2(j) * one, (j, 1, N)) for one in inner]
    proof.rule(
        "exchanged", "exchange", "all losses", sp.Sum(Q(n), (n, 1, N)),
        grown * (left + lost * ends[0] + most * ends[1]), lag=k, place=j,
    )  # fmt: skip
    every = sp.Sum(U2(j), (j, 1, N))
    for name, i, bound in (("root", 0, roots), ("square", 1, squared)):
        reason = facts["sum with a root"] if i == 0 else series
        proof.inequality(f"{name} at j", U2(j) * inner[i], bound * U2(j), U2(j) * reason)
        proof.rule(
            f"{name}s of lags", "total", f"{name} at j", ends[i], bound * every, index=j, first=sp.Integer(1), last=N
        )
    looked = grown * (lost * roots + most * squared) * Lambda
    values = {f(i): grown * f(i) for i in (n, n - 1, sp.Integer(0), N)} | {
        L: grown * L, D: grown * D, mu: grown * mu, ahead: looked,
    }  # fmt: skip
    goal = base.PROOF.steps["drift"]
    seen = q**2 * R / (4 * phi * root_2) * facts["inverse share"]  # most, visibly nonnegative
    proof.inequality(
        "drift", goal.left, renamed(goal.right, values),
        grown * fact("its drift") + fact("exchanged")
        + grown * (lost * fact("roots of lags") + seen * fact("squares of lags"))
        + grown * (lost * roots + seen * squared) * facts["squares"],
    )  # fmt: skip
    shown = facts | {name: fact(name) for name in ("smoothness", "drift")} | {"gap": grown * gap}
    final = base.PROOF.conclusion
    proof.application(
        "theorem", base.PROOF, values, {given.name: shown[given.name] for given in base.PROOF.assumptions},
        renamed(final.left, values), renamed(final.right, values),
    )  # fmt: skip
    return proof


PROOF = run()

#: What the symbols of the conclusion stand for.
STANDS_FOR: dict[sp.Symbol, sp.Expr] = {
    **{symbol: value for symbol, value in MEANING.items() if symbol != ahead},
    grown: 1 / (1 - phi),
    q: beta3 * (1 - gate_decay) * R**2,
    root_2: sp.sqrt(1 - beta2),
    squared: square_sum(beta1 / beta2),
}
