"""C3, statement by statement, in one coordinate: what a gate costs that moves little in all.

``RISE``: the opening law lets a gate rise by at most ``rise`` a step. ``VARIATION``: so it moves by at most ``V`` in a
run. ``TAIL``: what one step of the gate can do to all that the velocity still remembers. ``TOTAL`` puts the two
together, and ``PROOF`` adds that price to the proof of C1a.
"""

from __future__ import annotations

import sympy as sp

from theory.claims.convergence import looking_ahead_proof as ahead_proof
from theory.claims.convergence.looking_ahead_proof import Gi, X, grown, later, moved, p2, whole, x
from theory.claims.convergence.predictable_proof import MEANING, G, N, ahead, beta1, g, gamma, k, n, p, rp
from theory.methods.proof import Proof, fact
from theory.methods.rules import Mean
from theory.methods.unwritten import unwritten
from theory.notation import alpha1, beta2, gate_decay, grad_bound

w, w1 = sp.symbols("w w1", nonnegative=True)
r, V, rho, root, spent = sp.symbols("r V rho root spent", positive=True)  # r = sqrt(g), root^2 = 1 - rho^2
up, down, move = (sp.Function(name, nonnegative=True) for name in ("up", "down", "move"))
gate = sp.Function("gamma", positive=True)
a, D = (sp.Function(name, nonnegative=True) for name in ("a", "D"))
i = sp.Symbol("i", integer=True, nonnegative=True)


def steepest_rise() -> Proof:
    """L1: ``1/(1+w1) - 1/(1+w) <= (1-r)/(1+r)`` if ``w1 >= r^2 w``."""
    proof = Proof("L1: the steepest rise")
    law = proof.given("law", r**2 * w, "<=", w1, "the opening law with g = r^2")
    below = proof.given("g < 1", r, "<=", 1)
    proof.inequality(
        "as fast as the law allows", 1 / (1 + w1), 1 / (1 + r**2 * w), law / ((1 + w1) * (1 + r**2 * w)),
    )  # fmt: skip
    proof.inequality(
        "rise", 1 / (1 + w1) - 1 / (1 + w), (1 - r) / (1 + r),
        fact("as fast as the law allows") + below / (1 + r) * (1 - r * w) ** 2 / ((1 + w) * (1 + r**2 * w)),
        "attained at w = 1/r",
    )  # fmt: skip
    return proof


RISE = unwritten(steepest_rise)


def total_variation() -> Proof:
    """L2: ``sum |gamma_n - gamma_(n-1)| <= 2 N (1-r)/(1+r) + alpha1/(1+alpha1)``."""
    proof = Proof("L2: the total variation")
    parts = proof.given("parts", gate(n) - gate(n - 1), "=", up(n) - down(n), "a step is a rise or a fall")
    size = proof.given("move", move(n), "=", up(n) + down(n))
    most = proof.given("rise", up(n), "<=", (1 - r) / (1 + r), RISE.title)
    first = proof.given("first gate", gate(0), "<=", 1)
    last = proof.given("last gate", 1 / (1 + alpha1), "<=", gate(N))
    steep = (1 - r) / (1 + r)
    proof.inequality(
        "one step", move(n), 2 * steep + gate(n - 1) - gate(n), 2 * most + size + parts, "twice the rise less the step"
    )
    total = sp.Sum(move(n), (n, 1, N))
    gates = sp.Sum(gate(n - 1), (n, 1, N)) - sp.Sum(gate(n), (n, 1, N))
    proof.rule("all steps", "total", "one step", total, 2 * N * steep + gates, index=n, first=sp.Integer(1), last=N)
    proof.rule("telescoped", "telescope", "all steps", total, 2 * N * steep + gate(0) - gate(N), sequence=gate)
    proof.inequality("variation", total, 2 * N * steep + alpha1 / (1 + alpha1), fact("telescoped") + first + last)
    return proof


VARIATION = unwritten(total_variation)


def total_price() -> Proof:
    """L4: ``sum_n sum_k beta1^k D(n,k) a(n,k) <= V/((1-rho) root)``, ``a(n,k) = |g_(n-k)|/sqrt(eps + s_n)``."""
    proof = Proof("L4: the price of variation")
    proof.given(
        "moved since", D(n, k) * beta1**k * a(n, k), "<=", beta1**k * a(n, k) * sp.Sum(move(n - i), (i, 0, k)),
        "D = |gamma_n - gamma_(n-k-1)| is at most the sum of the moves since then, times something nonnegative",
    )  # fmt: skip
    tail = proof.given(
        "L3", sp.Sum(beta1**k * a(n, k), (k, i, n - 1)), "<=", rho**i / root, "the step 'L3: the tail of the velocity'"
    )
    below = proof.given("rho < 1", 0, "<=", 1 / (1 - rho))
    series = proof.given("sum of the tails", sp.Sum(rho**i, (i, 0, N - n)), "<=", 1 / (1 - rho), "a geometric series")
    little = proof.given("variation", sp.Sum(move(n), (n, 1, N)), "<=", V, VARIATION.title)
    path = proof.given(
        "price of a path", spent, "=", sp.Sum(D(n, k) * beta1**k * a(n, k), (k, 0, n - 1), (n, 1, N)), "one outcome"
    )
    lagged = sp.Sum(D(n, k) * beta1**k * a(n, k), (k, 0, n - 1))
    proof.rule(
        "all lags", "total", "moved since", lagged,
        sp.Sum(beta1**k * a(n, k) * sp.Sum(move(n - i), (i, 0, k)), (k, 0, n - 1)),
        index=k, first=sp.Integer(0), last=n - 1,
    )  # fmt: skip
    inner = sp.Sum(beta1**k * a(n, k), (k, i, n - 1))
    proof.rule("by moves", "triangle", "all lags", lagged, sp.Sum(move(n - i) * inner, (i, 0, n - 1)), outer=k, inner=i)
    proof.inequality("a move", move(n - i) * inner, move(n - i) * rho**i / root, move(n - i) * tail)
    proof.rule(
        "all moves", "total", "a move", sp.Sum(move(n - i) * inner, (i, 0, n - 1)),
        sp.Sum(move(n - i) * rho**i, (i, 0, n - 1)) / root, index=i, first=sp.Integer(0), last=n - 1,
    )  # fmt: skip
    proof.inequality(
        "one step", lagged, sp.Sum(move(n - i) * rho**i, (i, 0, n - 1)) / root, fact("by moves") + fact("all moves")
    )
    whole_path = sp.Sum(lagged, (n, 1, N))
    proof.rule(
        "all steps", "total", "one step", whole_path,
        sp.Sum(sp.Sum(move(n - i) * rho**i, (i, 0, n - 1)), (n, 1, N)) / root,
        index=n, first=sp.Integer(1), last=N,
    )  # fmt: skip
    powers = sp.Sum(rho**i, (i, 0, N - n))
    felt = sp.Sum(move(n) * powers, (n, 1, N))
    proof.rule("exchanged", "exchange", "all steps", whole_path, felt / root, lag=i, place=n)
    proof.inequality("at n", move(n) * powers, move(n) / (1 - rho), move(n) * series)
    proof.rule(
        "all places", "total", "at n", felt, sp.Sum(move(n), (n, 1, N)) / (1 - rho),
        index=n, first=sp.Integer(1), last=N,
    )  # fmt: skip
    proof.inequality(
        "one outcome", spent, V / ((1 - rho) * root),
        path + fact("exchanged") + fact("all places") / root + below / root * little,
    )  # fmt: skip
    proof.rule("price", "average", "one outcome", Mean(spent), V / ((1 - rho) * root), constants={V, rho, root})
    return proof


TOTAL = unwritten(total_price)


#: ``V = 2 N rise + alpha1/(1+alpha1)``.
STEEP = 2 * N * (1 - r) / (1 + r) + alpha1 / (1 + alpha1)


def run(title: str, total: Proof) -> Proof:
    """``progress E G^2(x_tau) <=`` what C1a spends ``+ step Gi`` times the price that ``total`` ends with, at ``V``."""
    proof = Proof(title)
    shown = {"rise", "variation", "price at a lag", "price of the run"}  # those that the lemmas show
    end = {whole: Gi * total.conclusion.right.subs(V, STEEP), grown: sp.Integer(1)}
    proof.assume(RISE, VARIATION, total, ahead_proof.PRICE, ahead_proof.PROOF, without=shown, values=end)
    rises = proof.given("a rise is one of the law", up(n), "<=", 1 / (1 + w1) - 1 / (1 + w), "up is 0 in a fall")
    double = sp.Sum(sp.Sum(beta1**k * x(n, k), (k, 0, n - 1)), (n, 1, N))
    price = proof.given("expected price", double, "=", Mean(spent), "x(n, k) is the mean of D(n, k) a(n, k)")
    steepest = proof.apply("L1", RISE)
    proof.inequality("rise", up(n), (1 - r) / (1 + r), rises + steepest)
    proof.apply("variation", VARIATION)
    little = proof.apply(total.title.partition(":")[0], total, {V: STEEP})
    at_lag = {Mean(gamma * G * g / rp): p(n, k), Mean(later * G * g / rp): p2(n, k)}
    proof.apply("price at a lag", ahead_proof.PRICE, at_lag | {Mean(moved * sp.Abs(g) / rp): x(n, k)})
    every = sp.Sum(X(n), (n, 1, N))
    proof.rule("all prices", "total", "price of a step", every, Gi * double, index=n, first=sp.Integer(1), last=N)
    proof.inequality("price of the run", every, end[whole], fact("all prices") + Gi * (little + price))
    proof.apply("theorem", ahead_proof.PROOF, end)
    return proof


PROOF = unwritten(run, "C3: any gate under the opening law", TOTAL)

#: With these the conclusion is ``theorem_shares`` of C3 in one dimension.
STANDS_FOR: dict[sp.Symbol, sp.Expr] = {
    **{symbol: value for symbol, value in MEANING.items() if symbol != ahead},
    Gi: grad_bound,
    r: sp.sqrt(gate_decay),
    rho: beta1 / sp.sqrt(beta2),
    root: sp.sqrt(1 - beta1**2 / beta2),
}
