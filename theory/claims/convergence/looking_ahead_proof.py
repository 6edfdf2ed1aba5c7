"""A gate that sees the gradient it scales, statement by statement: what it loses is one more loss in the proof of C1a.

``PRICE`` is about one lag, for a gate that moved by at most ``moved`` since it was known. ``PROOF`` adds the prices of
the lags to the losses of a step and applies the proof of C1a; how large they are in all is left to whoever applies it,
and for prices that fade with the lag ``ADDED`` says it. ``grown`` is 1, or what a share of the progress costs that
pays for the look ahead. The proofs of C2 and C3 end with ``PROOF``.
"""

from __future__ import annotations

import sympy as sp

from theory.claims.convergence import predictable_proof as base
from theory.claims.convergence.drift_proof import DRIFT
from theory.claims.convergence.predictable_proof import (
    W2,
    A,
    D,
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
    j,
    k,
    mu,
    n,
    p,
    rp,
    size,
)
from theory.methods.proof import Proof, fact, renamed
from theory.methods.rules import Mean
from theory.methods.unwritten import unwritten

later, Gi, whole, grown, most, every = sp.symbols("later Gi whole grown most every", positive=True)
moved = sp.Symbol("moved", nonnegative=True)
P2, p2 = (sp.Function(name, real=True) for name in ("P2", "p2"))
Q2, X, x, c, u = (sp.Function(name, nonnegative=True) for name in ("Q2", "X", "x", "c", "u"))


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


PRICE = unwritten(price_of_a_lag)


def added_up() -> Proof:
    """``sum_n X(n) <= Gi most every`` if ``X(n) = Gi sum_k beta1^k x(n,k)`` and ``beta1^k x(n,k) <= c(k) u(n-k)``."""
    proof = Proof("the prices of all lags and steps")
    proof.given("price with a weight", beta1**k * x(n, k), "<=", c(k) * u(n - k))
    price = proof.given("price of a step", X(n), "=", Gi * sp.Sum(beta1**k * x(n, k), (k, 0, n - 1)), "what X means")
    lags = proof.given("all weights", sp.Sum(c(k), (k, 0, N - j)), "<=", most)
    places = proof.given("all places", sp.Sum(u(j), (j, 1, N)), "<=", every)
    sums = sp.Sum(beta1**k * x(n, k), (k, 0, n - 1)), sp.Sum(c(k) * u(n - k), (k, 0, n - 1))
    proof.rule("all lags", "total", "price with a weight", *sums, index=k, first=sp.Integer(0), last=n - 1)
    proof.inequality("one step", X(n), Gi * sums[1], price + Gi * fact("all lags"))
    spent = sp.Sum(X(n), (n, 1, N))
    proof.rule("all steps", "total", "one step", spent, Gi * sp.Sum(sums[1], (n, 1, N)),
               index=n, first=sp.Integer(1), last=N)  # fmt: skip
    inner = sp.Sum(c(k), (k, 0, N - j))
    summed = sp.Sum(u(j) * inner, (j, 1, N))
    proof.rule("exchanged", "exchange", "all steps", spent, Gi * summed, "j = n - k", lag=k, place=j)
    proof.inequality("at j", u(j) * inner, most * u(j), u(j) * lags)
    proof.rule("at every j", "total", "at j", summed, most * sp.Sum(u(j), (j, 1, N)), index=j, first=sp.Integer(1),
               last=N)  # fmt: skip
    proof.inequality(
        "price of the run", spent, Gi * most * every, fact("exchanged") + Gi * (fact("at every j") + most * places)
    )
    return proof


ADDED = unwritten(added_up)


def run() -> Proof:
    """``progress E G^2(x_tau) <= grown`` times (what C1a spends ``+ step whole``), ``whole`` the prices of all."""
    proof = Proof("a gate that sees the gradient")
    proof.assume(base.PROOF, without={"smoothness", "drift"})  # in their place stand those of this gate
    smooth = proof.given(
        "smoothness of the run", f(n), "<=",
        f(n - 1) - A * Omega(n) * (P2(n) - Q2(n)) + L / 2 * (A * Omega(n)) ** 2 * W2(n),
        "as in C1a, with the gate of step n in front of its products",
    )  # fmt: skip
    products = proof.given("its products", P2(n), "=", sp.Sum(beta1**k * p2(n, k), (k, 0, n - 1)))
    proof.assume(DRIFT, values={Q(n): Q2(n)})
    lag = proof.given(
        "price at a lag",
        p(n, k),
        "<=",
        grown * (p2(n, k) + Gi * x(n, k)),
        "x is what the lag costs",
    )
    price = proof.given("price of a step", X(n), "=", Gi * sp.Sum(beta1**k * x(n, k), (k, 0, n - 1)), "what X means")
    losses = proof.given("losses with their price", Q(n), "=", grown * (Q2(n) + X(n)), "what Q of C1a stands for here")
    paid = proof.given("price of the run", sp.Sum(X(n), (n, 1, N)), "<=", whole, "of all lags and steps")

    proof.apply("its drift", DRIFT, {Q(n): Q2(n)})
    proof.inequality(
        "weighted price", beta1**k * p(n, k), grown * (beta1**k * p2(n, k) + Gi * beta1**k * x(n, k)), beta1**k * lag
    )
    sums = [sp.Sum(beta1**k * term(n, k), (k, 0, n - 1)) for term in (p, p2, x)]
    proof.rule(
        "all prices", "total", "weighted price", sums[0], grown * (sums[1] + Gi * sums[2]),
        index=k, first=sp.Integer(0), last=n - 1,
    )  # fmt: skip
    size_of = A * Omega(n)
    proof.inequality(
        "smoothness", grown * f(n),
        grown * f(n - 1) - size_of * (P(n) - Q(n)) + grown * L / 2 * size_of**2 * W2(n),
        grown * smooth + size_of * (fact("all prices") + fact("products") - losses - grown * (products + price)),
        "the price is one more loss",
    )  # fmt: skip
    steps = {"index": n, "first": sp.Integer(1), "last": N}
    spent = [sp.Sum(term(n), (n, 1, N)) for term in (Q, Q2, X)]
    proof.rule("all losses", "total", "losses with their price", spent[0], grown * (spent[1] + spent[2]), **steps)
    values = {f(i): grown * f(i) for i in (n, n - 1, sp.Integer(0), N)} | {
        L: grown * L, D: grown * D, mu: grown * mu, ahead: grown * whole,
    }  # fmt: skip
    drifted = base.PROOF.steps["drift"]
    proof.inequality(
        "drift", drifted.left, renamed(drifted.right, values),
        fact("all losses") + grown * (fact("its drift") + paid),
    )  # fmt: skip
    proof.apply("theorem", base.PROOF, values, {"gap": grown * fact("gap")})
    return proof


PROOF = unwritten(run)
