"""A gate that sees the gradient it scales, statement by statement: what it loses is one more loss in the proof of C1a.

``PRICE`` is about one lag, for a gate that moved by at most ``moved`` since it was known. ``PROOF`` adds the prices up
and applies the proof of C1a; how large they are in all is left to whoever applies it.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from theory.claims.convergence import predictable_proof as base
from theory.claims.convergence.drift_proof import DRIFT
from theory.claims.convergence.predictable_proof import (
    W2,
    A,
    G,
    L,
    N,
    Omega,
    P,
    Q,
    ahead,
    beta1,
    f,
    g,
    gamma,
    k,
    n,
    p,
    rp,
    size,
)
from theory.methods.proof import Proof, fact
from theory.methods.rules import Mean

later, Gi, whole = sp.symbols("later Gi whole", positive=True)
moved = sp.Symbol("moved", nonnegative=True)
P2, p2 = (sp.Function(name, real=True) for name in ("P2", "p2"))
Q2, X, x = (sp.Function(name, nonnegative=True) for name in ("Q2", "X", "x"))


def price_of_a_lag() -> Proof:
    """``E[gamma G g/rp] <= E[later G g/rp] + Gi E[moved |g|/rp]``: ``gamma`` known before ``g``, ``later`` not."""
    proof = Proof("the price of a gate that moved")
    rises = proof.given("moved down", gamma - later, "<=", moved, "moved is the distance of the two gates")
    falls = proof.given("moved up", later - gamma, "<=", moved)
    plus = proof.given("G g", G * g, "<=", size)
    minus = proof.given("- G g", -G * g, "<=", size)
    large = proof.given("largest gradient", sp.Abs(G), "<=", Gi)
    ratio = sp.Abs(g) / rp
    proof.inequality(
        "one outcome", gamma * G * g / rp, later * G * g / rp + Gi * moved * ratio,
        (falls * plus + rises * minus) / (2 * rp) + moved * ratio * large,
    )  # fmt: skip
    proof.rule(
        "on average", "average", "one outcome", Mean(gamma * G * g / rp),
        Mean(later * G * g / rp) + Gi * Mean(moved * ratio), constants={Gi},
    )  # fmt: skip
    return proof


PRICE = price_of_a_lag()


def run() -> Proof:
    """``progress E G^2(x_tau) <=`` what C1a spends ``+ step whole``, ``whole`` the prices of all lags and steps."""
    proof = Proof("a gate that sees the gradient")
    own = {"smoothness", "drift"}  # in their place stand those of the gate that sees the gradient
    shown: dict[str, Any] = {
        given.name: proof.given(given.name, given.left, given.sign, given.right, given.says)
        for given in base.PROOF.assumptions
        if given.name not in own
    }
    smooth = proof.given(
        "smoothness of the run", f(n), "<=",
        f(n - 1) - A * Omega(n) * (P2(n) - Q2(n)) + L / 2 * (A * Omega(n)) ** 2 * W2(n),
        "as in C1a, with the gate of step n in front of its products",
    )  # fmt: skip
    products = proof.given("its products", P2(n), "=", sp.Sum(beta1**k * p2(n, k), (k, 0, n - 1)))
    drifts = {
        given.name: shown[given.name]
        if given.name in shown
        else proof.given(given.name, given.left.xreplace({Q(n): Q2(n)}), given.sign, given.right, given.says)
        for given in DRIFT.assumptions
    }
    lag = proof.given("price at a lag", p(n, k), "<=", p2(n, k) + Gi * x(n, k), PRICE.title)
    price = proof.given("price of a step", X(n), "=", Gi * sp.Sum(beta1**k * x(n, k), (k, 0, n - 1)), "what X means")
    losses = proof.given("losses with their price", Q(n), "=", Q2(n) + X(n), "what Q of C1a stands for here")
    double = sp.Sum(sp.Sum(beta1**k * x(n, k), (k, 0, n - 1)), (n, 1, N))
    paid = proof.given("price of the run", Gi * double, "<=", whole, "of all lags and steps")

    end = DRIFT.conclusion
    proof.application("its drift", DRIFT, {Q(n): Q2(n)}, drifts, end.left.xreplace({Q(n): Q2(n)}), end.right)
    proof.inequality(
        "weighted price", beta1**k * p(n, k), beta1**k * p2(n, k) + Gi * beta1**k * x(n, k), beta1**k * lag
    )
    sums = [sp.Sum(beta1**k * term(n, k), (k, 0, n - 1)) for term in (p, p2, x)]
    proof.rule(
        "all prices", "total", "weighted price", sums[0], sums[1] + Gi * sums[2],
        index=k, first=sp.Integer(0), last=n - 1,
    )  # fmt: skip
    proof.inequality(
        "smoothness", f(n), f(n - 1) - A * Omega(n) * (P(n) - Q(n)) + L / 2 * (A * Omega(n)) ** 2 * W2(n),
        smooth + A * Omega(n) * (fact("all prices") + shown["products"] - products - price - losses),
        "the price is one more loss",
    )  # fmt: skip
    every = {"index": n, "first": sp.Integer(1), "last": N}
    spent = [sp.Sum(term(n), (n, 1, N)) for term in (Q, Q2, X)]
    proof.rule("all losses", "total", "losses with their price", spent[0], spent[1] + spent[2], **every)
    proof.rule("all steps", "total", "price of a step", spent[2], Gi * double, **every)
    drifted = base.PROOF.steps["drift"]
    proof.inequality(
        "drift", drifted.left, drifted.right.subs(ahead, whole),
        fact("its drift") + fact("all losses") + fact("all steps") + paid,
    )  # fmt: skip
    final = base.PROOF.conclusion
    proof.application(
        "theorem", base.PROOF, {ahead: whole}, shown | {name: fact(name) for name in own},
        final.left, final.right.subs(ahead, whole),
    )  # fmt: skip
    return proof


PROOF = run()
