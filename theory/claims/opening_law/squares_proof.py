"""L5 of C3, statement by statement, in one coordinate: the price of a gate by the root of its variation.

``LAG`` is Young's inequality at one lag, with a free weight ``lam``; ``SQUARES`` adds lags and steps up; ``PROOF`` is
that of C3 with this price. At the best weight, ``lam = sqrt(Lambda/(a V))``, the price is ``sqrt(a V Lambda)`` times a
sum. No Cauchy-Schwarz over the run and no Jensen is needed then: both sides are linear in what is averaged.
"""

from __future__ import annotations

import sympy as sp

from theory.claims.convergence.predictable_proof import MEANING, Lambda, N, b2, beta1, j, k, n, root_k, tail
from theory.claims.opening_law import rate_proof
from theory.claims.opening_law.rate_proof import STANDS_FOR, STEEP, VARIATION, D, V, a, i, move, r, spent
from theory.methods.proof import Proof, fact
from theory.methods.rate_lemmas import root_sum
from theory.methods.rules import Mean
from theory.methods.unwritten import unwritten
from theory.notation import alpha1, beta2, gate_decay

apart, ratio, since, U = sp.symbols("apart ratio since U", nonnegative=True)
lam, fall, rooted = sp.symbols("lam fall rooted", positive=True)
u, tails, cost = (sp.Function(name, nonnegative=True) for name in ("U", "tails", "cost"))


def young_at_a_lag() -> Proof:
    """``apart ratio <= tail (lam fall since/(2 root_k) + root_k U^2/(2 lam))``, gates ``apart <= since, fall``."""
    proof = Proof("L5 at a lag")
    path = proof.given("moved since", apart, "<=", since, "the sum of the moves since the gate did not know g")
    ends = proof.given("moved", apart, "<=", fall, "of two gates in [1/(1+alpha1), 1]")
    back = proof.given("steps back, root", ratio, "<=", tail * U, "sqrt of eps + s_n >= beta2^k (eps + s_(n-k))")
    proof.inequality(
        "one lag", apart * ratio, tail * (lam * fall / (2 * root_k) * since + root_k / (2 * lam) * U**2),
        apart * back + tail * root_k / (2 * lam) * (U - lam / root_k * apart) ** 2
        + tail * lam / (2 * root_k) * (apart * ends + fall * path),
        "Young's inequality, and apart^2 <= fall since",
    )  # fmt: skip
    return proof


LAG = unwritten(young_at_a_lag)


def total_price() -> Proof:
    """L5: ``sum_n sum_k beta1^k D(n,k) a(n,k) <= rooted (lam fall V + Lambda/lam)/2``."""
    proof = Proof("L5: the price by squares")
    at = {
        apart: D(n, k), ratio: a(n, k), since: sp.Sum(move(n - i), (i, 0, k)), U: u(n - k),
        root_k: sp.sqrt(k + 1), tail: b2 ** (-k / 2),
    }  # fmt: skip
    weight = beta1**k * b2 ** (-k / 2)
    moves, noise = weight / sp.sqrt(k + 1), weight * sp.sqrt(k + 1)
    proof.assume(LAG, values=at)
    proof.given(
        "more lags of a move", move(n - i) * sp.Sum(moves, (k, i, n - 1)), "<=", move(n - i) * tails(i),
        "tails has all lags up to N - 1, and every term is nonnegative",
    )  # fmt: skip
    proof.given("tails of a move", tails(i), "=", sp.Sum(moves, (k, i, N - 1)), "what tails stands for")
    fewer = proof.given(
        "fewer tails of a move", sp.Sum(tails(i), (i, 0, N - n)), "<=", sp.Sum(tails(i), (i, 0, N - 1)),
        "they are nonnegative",
    )  # fmt: skip
    series = proof.given(
        "sum with a root of rho", sp.Sum(noise, (k, 0, N - 1)), "<=", rooted, "'sums with roots', at rho"
    )
    root = proof.given("sum with a root of rho from j on", sp.Sum(noise, (k, 0, N - j)), "<=", rooted)
    little = proof.given("variation", sp.Sum(move(n), (n, 1, N)), "<=", V, VARIATION.title)
    squares = proof.given(
        "squares of a path", sp.Sum(u(j) ** 2, (j, 1, N)), "<=", Lambda, "the logarithm, on every path"
    )
    paid = proof.given(
        "price of a step of the path", cost(n), "=", sp.Sum(D(n, k) * beta1**k * a(n, k), (k, 0, n - 1)),
        "what cost stands for",
    )  # fmt: skip
    path = proof.given(
        "price of a path", spent, "=", sp.Sum(D(n, k) * beta1**k * a(n, k), (k, 0, n - 1), (n, 1, N)), "one outcome"
    )

    proof.apply("at a lag", LAG, at)
    priced, left = D(n, k) * beta1**k * a(n, k), lam * fall / 2
    proof.inequality(
        "weighted", priced, left * moves * at[since] + noise * u(n - k) ** 2 / (2 * lam), beta1**k * fact("at a lag")
    )
    lagged, drawn = sp.Sum(priced, (k, 0, n - 1)), sp.Sum(noise * u(n - k) ** 2, (k, 0, n - 1))
    proof.rule(
        "all lags", "total", "weighted", lagged, left * sp.Sum(moves * at[since], (k, 0, n - 1)) + drawn / (2 * lam),
        index=k, first=sp.Integer(0), last=n - 1,
    )  # fmt: skip
    inner = sp.Sum(moves, (k, i, n - 1))
    by_moves, seen = (sp.Sum(move(n - i) * part, (i, 0, n - 1)) for part in (inner, tails(i)))
    proof.rule("by moves", "triangle", "all lags", lagged, left * by_moves + drawn / (2 * lam), outer=k, inner=i)
    proof.rule("all moves", "total", "more lags of a move", by_moves, seen, index=i, first=sp.Integer(0), last=n - 1)
    proof.inequality(
        "one step", cost(n), left * seen + drawn / (2 * lam), paid + fact("by moves") + left * fact("all moves")
    )
    steps = {"index": n, "first": sp.Integer(1), "last": N}
    whole, late = sp.Sum(cost(n), (n, 1, N)), sp.Sum(seen, (n, 1, N))
    proof.rule("all steps", "total", "one step", whole, left * late + sp.Sum(drawn, (n, 1, N)) / (2 * lam), **steps)
    ends, inside = sp.Sum(tails(i), (i, 0, N - n)), sp.Sum(noise, (k, 0, N - j))
    felt, heard = sp.Sum(move(n) * ends, (n, 1, N)), sp.Sum(u(j) ** 2 * inside, (j, 1, N))
    proof.rule(
        "noise exchanged", "exchange", "all steps", whole, left * late + heard / (2 * lam), "j = n - k", lag=k, place=j
    )
    proof.rule("exchanged", "exchange", "noise exchanged", whole, left * felt + heard / (2 * lam), lag=i, place=n)
    every = sp.Sum(tails(i), (i, 0, N - 1))
    proof.rule(
        "all tails", "total", "tails of a move", every, sp.Sum(moves, (k, i, N - 1), (i, 0, N - 1)),
        index=i, first=sp.Integer(0), last=N - 1,
    )  # fmt: skip
    proof.rule("tails by lag", "triangle", "all tails", every, sp.Sum(noise, (k, 0, N - 1)), outer=i, inner=k)
    proof.inequality(
        "at n", move(n) * ends, rooted * move(n), move(n) * (fewer + fact("tails by lag") + series),
        "k + 1 lags see a move",
    )  # fmt: skip
    proof.rule("at every n", "total", "at n", felt, rooted * sp.Sum(move(n), (n, 1, N)), **steps)
    proof.inequality("at j", u(j) ** 2 * inside, rooted * u(j) ** 2, u(j) ** 2 * root)
    proof.rule(
        "at every j", "total", "at j", heard, rooted * sp.Sum(u(j) ** 2, (j, 1, N)),
        index=j, first=sp.Integer(1), last=N,
    )  # fmt: skip
    proof.rule("price of the steps", "total", "price of a step of the path", whole, sp.Sum(lagged, (n, 1, N)), **steps)
    price = rooted * (lam * fall * V + Lambda / lam) / 2
    proof.inequality(
        "one outcome", spent, price,
        path - fact("price of the steps") + fact("exchanged") + left * (fact("at every n") + rooted * little)
        + (fact("at every j") + rooted * squares) / (2 * lam),
    )  # fmt: skip
    proof.rule(
        "price", "average", "one outcome", Mean(spent), sp.expand(price), constants={rooted, lam, fall, V, Lambda}
    )
    return proof


SQUARES = unwritten(total_price)
PROOF = unwritten(rate_proof.run, "C3: any gate under the opening law, by squares", SQUARES)

#: With these the conclusion is that of ``price_by_squares`` in one dimension.
MEANS: dict[sp.Symbol, sp.Expr] = STANDS_FOR | {
    lam: sp.sqrt(MEANING[Lambda] * (1 + alpha1) / (alpha1 * STEEP.subs(r, sp.sqrt(gate_decay)))),
    fall: alpha1 / (1 + alpha1),
    rooted: root_sum(beta1 / sp.sqrt(beta2)),
}
