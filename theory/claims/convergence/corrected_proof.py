"""Form (C) of C2, statement by statement, in one coordinate: the energy is corrected, and its first steps are fast.

``EXCESS``: the correction makes step ``n`` faster by at most ``b^(n/2)/n``, ``b`` the decay of the gate. ``ENERGY`` and
``GATE``: so one step moves the gate by at most ``q + beta3 top b^(n/2)/n``. ``LOOK``: the price of that at one lag.
``PROOF`` is that of form (A) for ``h``, the objective less what the first steps have cost so far: their price is
charged at the step sizes as they grow, ``alpha_n <= alpha0 (1-beta1) sqrt n``.
"""

from __future__ import annotations

import sympy as sp

from theory.claims.convergence import looking_ahead_proof as ahead_proof
from theory.claims.convergence.looking_ahead_proof import P2, Q2, Gi, grown, later, p2, whole, x
from theory.claims.convergence.predictable_proof import (
    W2,
    A,
    D,
    G,
    L,
    N,
    Omega,
    R,
    U,
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
    tail,
)
from theory.claims.convergence.smoothed_proof import (
    SMOOTHED,
    U1,
    K,
    firsts,
    linear,
    prices_of_lags,
    q,
    reach,
    rest,
    top,
    w,
    w1,
)
from theory.methods.proof import Proof, fact
from theory.methods.rate_lemmas import root_sum
from theory.methods.rules import Mean
from theory.methods.unwritten import unwritten
from theory.notation import alpha1, beta2, beta3

now, then, speed, early, excess, weight, fade = sp.symbols("u u1 speed early excess weight fade", nonnegative=True)
s, z, fading, rooted, geometric = sp.symbols(
    "s z fading rooted geometric", positive=True
)  # s^2 is the decay of the gate
h, p3, P3 = (sp.Function(name, real=True) for name in ("h", "p3", "P3"))
powers, move, e, first = (sp.Function(name, nonnegative=True) for name in ("powers", "move", "e", "first"))
i = sp.Symbol("i", integer=True, nonnegative=True)


# ---------------------------------------------------------------- a step


def excess_of_the_correction() -> Proof:
    """``(1-s^2) s^(2N)/(1-s^(2N)) <= s^N/N``: by how much a corrected average is faster than a plain one at step N."""
    proof = Proof("the excess of the correction")
    below = proof.given("s < 1", s, "<=", 1, "s^2 is the decay of the gate")
    power = proof.given("a power", s * z, "<=", 1, "z = s^(n-1), a power of s")
    before = proof.given("the power before", z, "<=", 1)
    here = proof.given("powers", powers(n), "=", 1 / (s * z) - s * z, "powers(n) = s^-n - s^n")
    there = proof.given("powers before", powers(n - 1), "=", 1 / z - z)
    start = proof.given("no power", powers(0), "=", 0)
    slow = proof.given("rest", rest, "=", 1 - s**2, "what rest stands for")
    more = proof.given("excess", excess * powers(N), "=", rest * s**N, "what excess stands for, 1-s^(2N) = s^N powers")
    proof.inequality(
        "powers grow", 1 / s - s, powers(n) - powers(n - 1), below * power * before / (s * z) - here + there
    )
    gained = sp.Sum(powers(n), (n, 1, N)) - sp.Sum(powers(n - 1), (n, 1, N))
    proof.rule("all powers", "total", "powers grow", N / s - N * s, gained, index=n, first=sp.Integer(1), last=N)
    proof.rule("telescoped", "telescope", "all powers", N / s - N * s, powers(N) - powers(0), sequence=powers)
    proof.inequality(
        "fades", excess, s**N / N,
        s**N / N * below + excess * s / (N * rest) * (fact("telescoped") - start) + s / (N * rest) * more
        + excess / rest * slow,
    )  # fmt: skip
    return proof


def corrected_energy_moves() -> Proof:
    """``u1 - u <= (rest + fade) top`` for the corrected energy, an average with ``weight`` on the new velocity."""
    proof = Proof("the corrected energy moves")
    average = proof.given("corrected energy", then, "=", (1 - weight) * now + weight * speed, "speed = ||V||^2")
    more = proof.given("weight", weight, "=", rest + excess, "(1-b)/(1-b^n) = (1-b) + (1-b) b^n/(1-b^n)")
    fades = proof.given("fades", excess, "<=", fade, EXCESS.title)
    high = proof.given("velocity", speed, "<=", top, "||V||^2 <= d R^2, as its weights add up to at most 1")
    proof.inequality(
        "energies", then - now, (rest + fade) * top, weight * (high + now) + average + top * (fades + more)
    )
    return proof


def gate_moves() -> Proof:
    """``gamma - later <= beta3 reach`` for gates ``1/(1+w)`` whose closings differ by at most ``beta3 reach``."""
    proof = Proof("a step of the gate")
    before = proof.given("gate before", gamma * (1 + w), "=", 1)
    after = proof.given("gate now", later * (1 + w1), "=", 1)
    closings = proof.given("closings", w1 - w, "<=", beta3 * reach, "by 'clipping', with reach = (rest + fade) top")
    opened = proof.given("top", gamma, "<=", 1)
    gates = proof.given("gates", later, "<=", 1)
    proof.inequality(
        "one step", gamma - later, beta3 * reach,
        gamma * later * closings + beta3 * reach * (gates + later * opened) - gamma * after + later * before,
    )  # fmt: skip
    return proof


EXCESS = unwritten(excess_of_the_correction)
ENERGY, GATE = unwritten(corrected_energy_moves), unwritten(gate_moves)


def price_of_a_lag() -> Proof:
    """``E[gamma G g/rp] <= E[later G g/rp] + R tail (K q E|U| + early)``."""
    proof = Proof("the price of looking ahead, with fast first steps")
    rises = proof.given("moved down", gamma - later, "<=", K * q + early)
    falls = proof.given("moved up", later - gamma, "<=", K * q + early)
    plus = proof.given("G g", G * g, "<=", size)
    minus = proof.given("- G g", -G * g, "<=", size)
    large = proof.given("gradient", sp.Abs(G), "<=", R)
    back = proof.given(
        "steps back, root", sp.Abs(g) / rp, "<=", tail * U, "sqrt of eps + s_n >= beta2^k (eps + s_(n-k))"
    )
    unit = proof.given("unit", U, "<=", 1, "g^2 is a part of s")
    proof.inequality(
        "one outcome", gamma * G * g / rp, later * G * g / rp + R * tail * (K * q * U + early),
        (falls * plus + rises * minus) / (2 * rp) + (K * q + early) * (sp.Abs(g) / rp * large + R * back)
        + R * tail * early * unit,
    )  # fmt: skip
    proof.rule(
        "on average", "average", "one outcome", Mean(gamma * G * g / rp),
        Mean(later * G * g / rp) + R * tail * (K * q * Mean(U) + early), constants={K, q, R, tail, early},
    )  # fmt: skip
    return proof


LOOK = unwritten(price_of_a_lag)


# ---------------------------------------------------------------- a run


def run() -> Proof:
    """``progress E G^2(x_tau) <=`` what (A) spends ``+ A R geometric rooted (alpha1/(1+alpha1) + reach fading)``.

    Divided by the progress, that is what ``theorem_c`` adds.
    """
    proof = Proof("C2 (C): the energy is corrected")
    at = {K: k + 1, tail: b2 ** (-k / 2), early: sp.Sum(e(n - i), (i, 0, k))}
    cost = A * R * geometric * rooted * (alpha1 / (1 + alpha1) + reach * fading)
    charged = {f(m): h(m) for m in (n, n - 1, sp.Integer(0), N)} | {p2(n, k): p3(n, k), P2(n): P3(n), D: D + cost}
    end = charged | {Gi: q * R, whole: q * R * linear * firsts, grown: 1}
    own = {"smoothness of the run", "its products", "gap", "price at a lag", "price of the run"}
    proof.assume(LOOK, without={"moved down", "moved up"}, values=at)
    proof.assume(ahead_proof.PROOF, without=own, values=end)
    price = prices_of_lags(proof)
    run_of, gap = (ahead_proof.PROOF.steps[name] for name in ("smoothness of the run", "gap"))
    smooth = proof.given("smoothness before the price", run_of.left, "<=", run_of.right, run_of.says)
    gap = proof.given("gap of the objective", gap.left, "<=", gap.right)
    products = proof.given("products before the price", P2(n), "=", sp.Sum(beta1**k * p2(n, k), (k, 0, n - 1)))
    products3 = proof.given("its products", P3(n), "=", sp.Sum(beta1**k * p3(n, k), (k, 0, n - 1)), "what P3 means")
    both = proof.given(
        "with the first steps", p3(n, k), "=", p2(n, k) + R * b2 ** (-k / 2) * at[early], "what p3 stands for"
    )
    changed = move(n - i), sp.Sum(move(n - i), (i, 0, k))
    sides = [
        proof.given("moved since, down", gamma - later, "<=", changed[1], "the sum of the moves since then"),
        proof.given("moved since, up", later - gamma, "<=", changed[1]),
    ]
    proof.given(
        "a move", changed[0], "<=", q + e(n - i), "by 'a step of the gate'; the first is at most alpha1/(1+alpha1)"
    )
    fast = proof.given("first steps", e(j), "=", first(j) + reach * s**j / j, "first is 0 after the first step")
    only = proof.given(
        "the first step", sp.Sum(sp.sqrt(j) * first(j), (j, 1, N)), "<=", alpha1 / (1 + alpha1), "from an open gate"
    )
    fades = proof.given(
        "faded",
        sp.Sum(s**j / sp.sqrt(j), (j, 1, N)),
        "<=",
        fading,
        "the step 'first steps of the corrected energy (C)'",
    )
    lag = beta1**k * b2 ** (-k / 2)
    lags = proof.given(
        "lags from i on", sp.Sum(lag, (k, i, n - 1)), "<=", geometric * lag.subs(k, i), "a geometric series"
    )
    grows = proof.given("steps grow", Omega(n), "<=", sp.sqrt(n), "(1-beta2^n)/(1-beta2) <= n")
    spread = proof.given("roots of steps", sp.sqrt(n), "<=", sp.sqrt(i + 1) * sp.sqrt(n - i), "(i+1)(n-i) >= n")
    series = proof.given("sum with a root of rho", sp.Sum(sp.sqrt(i + 1) * lag.subs(k, i), (i, 0, N - j)), "<=", rooted)
    paid = sp.Sum(sp.sqrt(i + 1) * lag.subs(k, i) * sp.sqrt(n - i) * e(n - i), (i, 0, n - 1))
    less = proof.given(
        "less the price", h(n - 1) - h(n), "=", f(n - 1) - f(n) + A * R * geometric * paid, "what h stands for"
    )

    # the gate moves fast at first
    proof.rule(
        "moves since", "total", "a move", changed[1], (k + 1) * q + at[early], index=i, first=sp.Integer(0), last=k
    )
    for name, side in zip(("moved down", "moved up"), sides, strict=True):
        proof.inequality(name, proof.steps[f"moved since, {name[6:]}"].left, (k + 1) * q + at[early],
                         side + fact("moves since"))  # fmt: skip
    proof.apply(
        "price with the first steps", LOOK,
        at | {Mean(gamma * G * g / rp): p(n, k), Mean(later * G * g / rp): p2(n, k), Mean(U): U1(n - k)},
    )  # fmt: skip
    proof.identity("price of a lag", q * R * x(n, k), q * R * (k + 1) * b2 ** (-k / 2) * U1(n - k), q * R * price)
    proof.inequality(
        "price at a lag", p(n, k), p3(n, k) + q * R * x(n, k),
        fact("price with the first steps") - both - fact("price of a lag"),
    )  # fmt: skip

    # what the first steps cost at step n
    proof.identity("weighted", beta1**k * p3(n, k), beta1**k * p2(n, k) + R * lag * at[early], beta1**k * both)
    sums = [sp.Sum(beta1**k * term(n, k), (k, 0, n - 1)) for term in (p3, p2)]
    proof.rule(
        "all lags", "total", "weighted", sums[0], sums[1] + R * sp.Sum(lag * at[early], (k, 0, n - 1)),
        index=k, first=sp.Integer(0), last=n - 1,
    )  # fmt: skip
    inner = sp.Sum(lag, (k, i, n - 1))
    by_steps = sp.Sum(e(n - i) * inner, (i, 0, n - 1))
    proof.rule("by steps", "triangle", "all lags", sums[0], sums[1] + R * by_steps, outer=k, inner=i)
    span = {"index": i, "first": sp.Integer(0), "last": n - 1}
    felt = sp.Sum(lag.subs(k, i) * e(n - i), (i, 0, n - 1))
    proof.inequality("a step back", e(n - i) * inner, geometric * lag.subs(k, i) * e(n - i), e(n - i) * lags)
    proof.rule("all steps back", "total", "a step back", by_steps, geometric * felt, **span)
    proof.inequality(
        "with its root", sp.sqrt(n) * lag.subs(k, i) * e(n - i),
        sp.sqrt(i + 1) * lag.subs(k, i) * sp.sqrt(n - i) * e(n - i), lag.subs(k, i) * e(n - i) * spread,
    )  # fmt: skip
    proof.rule("with their roots", "total", "with its root", sp.sqrt(n) * felt, paid, **span)
    size_of = A * Omega(n)
    proof.inequality(
        "smoothness of the run", h(n),
        h(n - 1) - size_of * (P3(n) - Q2(n)) + L / 2 * size_of**2 * W2(n),
        smooth - less + size_of * (products3 - products + fact("by steps") + R * fact("all steps back"))
        + A * R * geometric * (felt * grows + fact("with their roots")),
    )  # fmt: skip

    # what they cost in all
    fell = [sp.Sum(term(n - 1), (n, 1, N)) - sp.Sum(term(n), (n, 1, N)) for term in (h, f)]
    each = {"index": n, "first": sp.Integer(1), "last": N}
    price_of = A * R * geometric
    proof.rule("all steps", "total", "less the price", fell[0], fell[1] + price_of * sp.Sum(paid, (n, 1, N)), **each)
    proof.rule("of the objective", "telescope", "all steps", fell[0], f(0) - f(N) + price_of * sp.Sum(paid, (n, 1, N)),
               sequence=f)  # fmt: skip
    proof.rule("telescoped", "telescope", "of the objective", h(0) - h(N),
               f(0) - f(N) + price_of * sp.Sum(paid, (n, 1, N)), sequence=h)  # fmt: skip
    powers_of = sp.Sum(sp.sqrt(i + 1) * lag.subs(k, i), (i, 0, N - j))
    placed = sp.Sum(sp.sqrt(j) * e(j) * powers_of, (j, 1, N))
    proof.rule("exchanged", "exchange", "telescoped", h(0) - h(N), f(0) - f(N) + price_of * placed, lag=i, place=j)
    proof.inequality("at a step", sp.sqrt(j) * e(j) * powers_of, rooted * sp.sqrt(j) * e(j), sp.sqrt(j) * e(j) * series)
    every = {"index": j, "first": sp.Integer(1), "last": N}
    heavy = sp.Sum(sp.sqrt(j) * e(j), (j, 1, N))
    proof.rule("at every step", "total", "at a step", placed, rooted * heavy, **every)
    proof.identity(
        "a first step", sp.sqrt(j) * e(j), sp.sqrt(j) * first(j) + reach * s**j / sp.sqrt(j), sp.sqrt(j) * fast
    )
    parts = sp.Sum(sp.sqrt(j) * first(j), (j, 1, N)), sp.Sum(s**j / sp.sqrt(j), (j, 1, N))
    proof.rule("all first steps", "total", "a first step", heavy, parts[0] + reach * parts[1], **every)
    proof.inequality(
        "gap", h(0) - h(N), D + cost,
        fact("exchanged") + gap
        + price_of * (fact("at every step") + rooted * (fact("all first steps") + only + reach * fades)),
    )  # fmt: skip
    proof.apply("theorem", ahead_proof.PROOF, end)
    return proof


PROOF = unwritten(run)

#: With these the conclusion is ``theorem_c`` with free shares, in one dimension; ``fading`` stays.
CORRECTED: dict[sp.Symbol, sp.Expr] = SMOOTHED | {
    reach: beta3 * R**2,
    rooted: root_sum(beta1 / sp.sqrt(beta2)),
    geometric: 1 / (1 - beta1 / sp.sqrt(beta2)),
}
PROOFS = (EXCESS, ENERGY, GATE, PROOF)
