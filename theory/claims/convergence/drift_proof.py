"""The drift of the gradient, statement by statement: what it costs that the velocity remembers where it was pushed.

``LAG`` is about one lag: the gradient of ``k`` steps ago differs from that of today by ``x``, and ``y`` is what the
old one left in the step. ``DRIFT`` adds the lags and the steps up; sums are exchanged three times on the way.
``THEOREM`` is Theorem 4 with it.
"""

from __future__ import annotations

import sympy as sp

from theory.claim import vanishes
from theory.claims.convergence import predictable_proof as base
from theory.claims.convergence.predictable_proof import (
    MEANING,
    U2,
    W2,
    L,
    N,
    Q,
    R,
    ahead,
    b2,
    beta1,
    concluded,
    j,
    k,
    lags,
    mu,
    n,
    root_b,
    root_k,
    roots,
    step,
    tail,
)
from theory.claims.convergence.shares import theorem4_shares
from theory.methods.proof import Proof, fact
from theory.methods.rules import Mean
from theory.methods.unwritten import unwritten
from theory.notation import d

x, y, U, away, moved, K, less = sp.symbols("x y U away moved K less", nonnegative=True)
q = sp.Function("q", nonnegative=True)
tails = sp.Function("tails", nonnegative=True)
l = sp.Symbol("l", integer=True, positive=True)  # noqa: E741


def lag() -> Proof:
    """``E x y <= root_b (step L)^2 less/(4 mu R) E moved + mu R root_k tail/root_b E U^2``, ``less = sqrt(K)``."""
    proof = Proof("the drift at a lag")
    lipschitz = proof.given("Lipschitz", x**2, "<=", L**2 * away**2, "x = ||G_n - G_(n-k)||, away = ||x_n - x_(n-k)||")
    steps = proof.given(
        "Cauchy-Schwarz", away**2, "<=", step**2 * K * moved, "K steps; moved is the sum of their ||w||^2, gates <= 1"
    )
    back = proof.given("old gradient", y**2, "<=", tail * U**2, "eps + s_n >= beta2^k (eps + s_(n-k))")
    root = proof.given("root of the lag", K, "=", less**2)
    grows = proof.given("roots grow", less, "<=", root_k, "sqrt(k) <= sqrt(k+1)")
    weight = root_b / (4 * mu * R * root_k)
    paid = mu * R * root_k / root_b
    proof.inequality("Young", x * y, weight * x**2 + paid * y**2, weight * (x - 2 * mu * R * root_k / root_b * y) ** 2)
    proof.inequality(
        "one outcome", x * y, root_b * (step * L) ** 2 * less / (4 * mu * R) * moved + paid * tail * U**2,
        fact("Young") + weight * lipschitz + weight * L**2 * steps + paid * back
        + weight * (L * step) ** 2 * moved * (less * grows + root),
        "k/sqrt(k+1) <= sqrt(k)",
    )  # fmt: skip
    proof.rule(
        "on average", "average", "one outcome", Mean(x * y),
        root_b * (step * L) ** 2 * less / (4 * mu * R) * Mean(moved) + paid * tail * Mean(U**2),
        constants={root_b, step, L, less, mu, R, root_k, tail},
    )  # fmt: skip
    return proof


LAG = unwritten(lag)


def drift() -> Proof:
    """``sum_n Q(n) <= step^2 L^2 root_b lags/(4 R mu) sum W2 + mu R roots/root_b sum U2``."""
    proof = Proof("the drift of the gradient")
    at = {K: k, less: sp.sqrt(k), root_k: sp.sqrt(k + 1), tail: b2**-k}
    shown = {
        given.name: proof.given(given.name, given.left.subs(at), given.sign, given.right.subs(at), given.says)
        for given in LAG.assumptions
        if given.name != "root of the lag"
    }
    losses = proof.given("losses", Q(n), "=", sp.Sum(beta1**k * q(n, k), (k, 0, n - 1)), "the velocity is a sum")
    proof.given(
        "more lags", W2(n - l) * sp.Sum(beta1**k * sp.sqrt(k), (k, l, n - 1)), "<=", W2(n - l) * tails(l),
        "tails has all lags up to N - 1, and every term is nonnegative",
    )  # fmt: skip
    proof.given("tails", tails(l), "=", sp.Sum(beta1**k * sp.sqrt(k), (k, l, N - 1)), "what tails stands for")
    fewer = proof.given(
        "fewer tails", sp.Sum(tails(l), (l, 1, N - n)), "<=", sp.Sum(tails(l), (l, 1, N - 1)), "they are nonnegative"
    )
    series = proof.given(
        "sum of the drift", sp.Sum(k * beta1**k * sp.sqrt(k), (k, 1, N - 1)), "<=", lags, "'sums with roots'"
    )
    root = proof.given("sum with a root", sp.Sum(sp.sqrt(k + 1) * beta1**k * b2**-k, (k, 0, N - j)), "<=", roots)
    first, second = root_b * (step * L) ** 2 / (4 * mu * R), mu * R / root_b
    old = sp.Sum(W2(n - l), (l, 1, k))
    spent = sp.Sum(sp.sqrt(k + 1) * beta1**k * b2**-k * U2(n - k), (k, 0, n - 1))
    proof.application(
        "at a lag", LAG, at | {Mean(x * y): q(n, k), Mean(moved): old, Mean(U**2): U2(n - k)},
        shown | {"root of the lag": sp.S.Zero},
        q(n, k), first * sp.sqrt(k) * old + second * sp.sqrt(k + 1) * b2**-k * U2(n - k),
    )  # fmt: skip
    proof.inequality(
        "weighted", beta1**k * q(n, k),
        first * beta1**k * sp.sqrt(k) * old + second * sp.sqrt(k + 1) * beta1**k * b2**-k * U2(n - k),
        beta1**k * fact("at a lag"),
    )  # fmt: skip
    proof.rule(
        "all lags", "total", "weighted", sp.Sum(beta1**k * q(n, k), (k, 0, n - 1)),
        first * sp.Sum(beta1**k * sp.sqrt(k) * old, (k, 0, n - 1)) + second * spent,
        index=k, first=sp.Integer(0), last=n - 1,
    )  # fmt: skip
    weights = sp.Sum(beta1**k * sp.sqrt(k), (k, l, n - 1))
    proof.rule(
        "by steps", "triangle", "all lags", sp.Sum(beta1**k * q(n, k), (k, 0, n - 1)),
        first * sp.Sum(W2(n - l) * weights, (l, 1, n - 1)) + second * spent, outer=k, inner=l,
    )  # fmt: skip
    seen = sp.Sum(W2(n - l) * tails(l), (l, 1, n - 1))
    proof.rule(
        "all steps before", "total", "more lags", sp.Sum(W2(n - l) * weights, (l, 1, n - 1)), seen,
        index=l, first=sp.Integer(1), last=n - 1,
    )  # fmt: skip
    proof.inequality(
        "one step", Q(n), first * seen + second * spent,
        fact("by steps") + first * fact("all steps before") + losses,
    )  # fmt: skip
    total = sp.Sum(Q(n), (n, 1, N))
    proof.rule(
        "all steps", "total", "one step", total,
        first * sp.Sum(seen, (n, 1, N)) + second * sp.Sum(spent, (n, 1, N)), index=n, first=sp.Integer(1), last=N,
    )  # fmt: skip
    inner = sp.Sum(sp.sqrt(k + 1) * beta1**k * b2**-k, (k, 0, N - j))
    noise = sp.Sum(U2(j) * inner, (j, 1, N))
    proof.rule(
        "noise exchanged", "exchange", "all steps", total, first * sp.Sum(seen, (n, 1, N)) + second * noise,
        lag=k, place=j,
    )  # fmt: skip
    ends = sp.Sum(tails(l), (l, 1, N - n))
    late = sp.Sum(W2(n) * ends, (n, 1, N))
    proof.rule("exchanged", "exchange", "noise exchanged", total, first * late + second * noise, lag=l, place=n)
    every = sp.Sum(tails(l), (l, 1, N - 1))
    proof.rule(
        "all tails", "total", "tails", every, sp.Sum(beta1**k * sp.sqrt(k), (k, l, N - 1), (l, 1, N - 1)),
        index=l, first=sp.Integer(1), last=N - 1,
    )  # fmt: skip
    proof.rule(
        "tails by lag", "triangle", "all tails", every, sp.Sum(k * beta1**k * sp.sqrt(k), (k, 1, N - 1)),
        outer=l, inner=k,
    )  # fmt: skip
    proof.inequality(
        "at n", W2(n) * ends, lags * W2(n), W2(n) * (fewer + fact("tails by lag") + series), "k lags see a direction"
    )
    proof.rule(
        "directions", "total", "at n", late, lags * sp.Sum(W2(n), (n, 1, N)), index=n, first=sp.Integer(1), last=N
    )
    proof.inequality("root at j", U2(j) * inner, roots * U2(j), U2(j) * root)
    proof.rule("roots", "total", "root at j", noise, roots * sp.Sum(U2(j), (j, 1, N)), index=j,
               first=sp.Integer(1), last=N)  # fmt: skip
    proof.inequality(
        "drift", total, first * lags * sp.Sum(W2(n), (n, 1, N)) + second * roots * sp.Sum(U2(j), (j, 1, N)),
        fact("exchanged") + first * fact("directions") + second * fact("roots"),
    )  # fmt: skip
    return proof


DRIFT = unwritten(drift)


def theorem() -> Proof:
    """Theorem 4: the proof of a run with its drift shown."""
    proof = Proof("C1a: Theorem 4, with the drift of the gradient")
    own = {given.name: given for given in (*DRIFT.assumptions, *base.PROOF.assumptions) if given.name != "drift"}
    facts = {name: proof.given(name, given.left, given.sign, given.right, given.says) for name, given in own.items()}
    end = DRIFT.conclusion
    proof.application("drift", DRIFT, {}, {g.name: facts[g.name] for g in DRIFT.assumptions}, end.left, end.right)
    final = base.PROOF.conclusion
    proof.application(
        "theorem", base.PROOF, {ahead: sp.Integer(0)}, {g.name: fact(g.name) for g in base.PROOF.assumptions},
        final.left, final.right.subs(ahead, 0),
    )  # fmt: skip
    return proof


PROOF = unwritten(theorem)


def conclusion_is_theorem4() -> bool:
    """The conclusion is ``theorem4_shares`` in one dimension, with what its symbols stand for."""
    return vanishes(concluded(PROOF, MEANING) - theorem4_shares.subs(d, 1))
