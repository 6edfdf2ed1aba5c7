"""Theorem 4 with a predictable gate, statement by statement, in one coordinate (the sums over coordinates add).

``POINTWISE`` is about one outcome, ``DESCENT`` about its expectation, ``PROOF`` about a run. In the first two, at step
``n`` and lag ``k``: ``G = G_{n-k}``, ``g = g_{n-k}``, ``rp = sqrt(eps + s_n)``, ``rq = sqrt(eps + st)``, ``delta^2`` is
what the last ``k+1`` gradients put into ``s_n``, and ``r^2`` its conditional mean.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from theory.methods.proof import Proof, fact
from theory.methods.rate_lemmas import drift_sum, root_sum, velocity_sum
from theory.methods.rules import Mean
from theory.methods.unwritten import unwritten
from theory.notation import D, L, N, R, alpha0, alpha1, beta1, beta2, eps, mu, theta

G, g = sp.symbols("G g", real=True)
rp, rq, r, gamma, U, omega, root_k, tail = sp.symbols("rp rq r gamma U Omega root_k tail", positive=True)
delta = sp.Symbol("delta", nonnegative=True)
size = sp.Abs(G) * sp.Abs(g)


def pointwise() -> Proof:
    """``G g/rq - G g/rp <= theta G^2/(2 rq) (1 + delta^2/r^2) + r g^2/(theta rp^2)``."""
    proof = Proof("one outcome")
    split = proof.given("split", rq**2, "=", rp**2 + r**2 - delta**2, "st is s with delta^2 replaced by its mean")
    mean = proof.given("mean", r, "<=", rq, "r^2 is a part of eps + st")
    drawn = proof.given("drawn", delta**2, "<=", rp**2, "delta^2 is a part of eps + s")
    plus = proof.given("G g", G * g, "<=", size, "of a product and its size")
    minus = proof.given("- G g", -G * g, "<=", size)
    both = rp * rq * (rp + rq)
    first, second = size * r**2 / (rp * rq**2), size * delta**2 / (rp**2 * rq)
    proof.inequality(
        "difference of roots", G * g / rq - G * g / rp, first + second,
        (r**2 * minus + delta**2 * plus - G * g * split) / both
        + size * (r**2 / rq**2 + delta**2 / rp**2) / (rp + rq),
        "1/rp - 1/rq = (rq^2 - rp^2)/(rp rq (rp + rq))",
    )  # fmt: skip
    proof.inequality(
        "Young, known part", first, theta * G**2 / (2 * rq) + g**2 * r**4 / (2 * theta * rp**2 * rq**3),
        theta / (2 * rq) * (sp.Abs(G) - sp.Abs(g) * r**2 / (theta * rp * rq)) ** 2,
    )  # fmt: skip
    proof.inequality(
        "Young, drawn part", second,
        theta * G**2 * delta**2 / (2 * r**2 * rq) + r**2 * g**2 * delta**2 / (2 * theta * rq * rp**4),
        theta * delta**2 / (2 * r**2 * rq) * (sp.Abs(G) - sp.Abs(g) * r**2 / (theta * rp**2)) ** 2,
    )  # fmt: skip
    half = r * g**2 / (2 * theta * rp**2)
    proof.inequality(
        "paid, known part", g**2 * r**4 / (2 * theta * rp**2 * rq**3), half,
        g**2 * r / (2 * theta * rp**2) * mean * (rq**2 + rq * r + r**2) / rq**3, "r^4 <= r rq^3",
    )  # fmt: skip
    proof.inequality(
        "paid, drawn part", r**2 * g**2 * delta**2 / (2 * theta * rq * rp**4), half,
        r**2 * g**2 / (2 * theta * rq * rp**4) * drawn + half * mean / rq, "delta^2 <= rp^2 and r <= rq",
    )  # fmt: skip
    proof.inequality(
        "one outcome", G * g / rq - G * g / rp,
        theta * G**2 / (2 * rq) * (1 + delta**2 / r**2) + r * g**2 / (theta * rp**2),
        sum(fact(name) for name in (
            "difference of roots", "Young, known part", "Young, drawn part", "paid, known part", "paid, drawn part"
        )),
    )  # fmt: skip
    return proof


POINTWISE = unwritten(pointwise)


def kept_on_average() -> Proof:
    """``(1-theta) E[gamma G^2/rq] <= E[gamma G g/rp] + (R sqrt(k+1) beta2^{-k}/theta) E U^2``."""
    proof = Proof("what the adaptive step keeps")
    names = ("split", "mean", "drawn", "G g", "- G g")
    shown = {
        name: proof.given(name, POINTWISE.steps[name].left, POINTWISE.steps[name].sign, POINTWISE.steps[name].right)
        for name in names
    }
    top = proof.given("top", gamma, "<=", 1, "of the gate")
    large = proof.given("mean of the last squares", r, "<=", R * root_k, "k + 1 squares, each at most R^2")
    back = proof.given("steps back", g**2 / rp**2, "<=", tail * U**2, "eps + s_n >= beta2^k (eps + s_{n-k})")
    end = POINTWISE.conclusion
    proof.application("one outcome", POINTWISE, {}, shown, end.left, end.right)
    proof.inequality(
        "gated", sp.expand(gamma * end.left), sp.expand(gamma * end.right), gamma * fact("one outcome"),
        "the gate is nonnegative",
    )  # fmt: skip
    kept, paid = Mean(gamma * G**2 / rq), Mean(gamma * r * g**2 / rp**2)
    proof.rule(
        "expectation", "average", "gated", kept - Mean(gamma * G * g / rp), theta * kept + paid / theta,
        "E[g | past] = G, E[delta^2 | past] = r^2; the gate is known",
        constants={theta}, known={G, gamma, rq, r}, means={g: G, delta**2: r**2},
    )  # fmt: skip
    proof.inequality(
        "most paid", gamma * r * g**2 / rp**2, R * root_k * tail * U**2,
        r * g**2 / rp**2 * top + g**2 / rp**2 * large + R * root_k * back,
    )  # fmt: skip
    proof.rule(
        "most paid on average", "average", "most paid", paid, R * root_k * tail * Mean(U**2),
        constants={R, root_k, tail},
    )  # fmt: skip
    proof.inequality(
        "kept", (1 - theta) * kept, Mean(gamma * G * g / rp) + R * root_k * tail / theta * Mean(U**2),
        fact("expectation") + fact("most paid on average") / theta,
    )  # fmt: skip
    return proof


KEPT = unwritten(kept_on_average)


def descent() -> Proof:
    """``(1-theta) E G^2/((1+alpha1) R Omega) <= E[gamma G g/rp] + (R sqrt(k+1) beta2^{-k}/theta) E U^2``."""
    proof = Proof("the adaptive step descends")
    shown = {
        given.name: proof.given(given.name, given.left, given.sign, given.right, given.says)
        for given in KEPT.assumptions
    }
    share = proof.given("theta", theta, "<=", 1)
    floor = proof.given("floor", 1 / (1 + alpha1), "<=", gamma, "of the gate")
    wide = proof.given("denominator", rq, "<=", R * omega, "eps + st <= R^2 Omega^2")
    end = KEPT.conclusion
    proof.application("kept", KEPT, {}, shown, end.left, end.right)
    proof.inequality(
        "least kept", G**2 / ((1 + alpha1) * R * omega), gamma * G**2 / rq,
        G**2 / rq * floor + G**2 * wide / ((1 + alpha1) * rq * R * omega),
    )  # fmt: skip
    proof.rule(
        "least kept on average", "average", "least kept", Mean(G**2) / ((1 + alpha1) * R * omega),
        Mean(gamma * G**2 / rq), constants={alpha1, R, omega},
    )  # fmt: skip
    proof.inequality(
        "descent", (1 - theta) * Mean(G**2) / ((1 + alpha1) * R * omega), end.right,
        fact("kept") + share * fact("least kept on average"),
    )  # fmt: skip
    return proof


DESCENT = unwritten(descent)

# ---------------------------------------------------------------- a run

n, j = sp.symbols("n j", integer=True, positive=True)
k = sp.Symbol("k", integer=True, nonnegative=True)
f, p, P = (sp.Function(name, real=True) for name in "fpP")  # E F(x_n), and the products of the descent lemma
G2, U2, W2, Q = (sp.Function(name, nonnegative=True) for name in ("G2", "U2", "W2", "Q"))
Omega = sp.Function("Omega", positive=True)
b2, A, step, roots, lags, directions, W, M, Lambda, horizon, root_b = sp.symbols(
    "beta2 A step roots lags directions W M Lambda horizon root_b", positive=True
)

ahead = sp.Symbol("ahead", nonnegative=True)  # what a gate that sees the gradient loses besides; here 0

#: What the symbols of the conclusion stand for; with them it is Theorem 4 with free shares.
MEANING = {
    A: alpha0 * (1 - beta1),
    step: alpha0 * (1 - beta1) / sp.sqrt(1 - beta2),
    roots: root_sum(beta1 / beta2),
    lags: drift_sum(beta1),
    root_b: sp.sqrt(1 - beta1),
    ahead: sp.Integer(0),
    directions: velocity_sum(beta1, beta2),
    horizon: N - beta1 / (1 - beta1),
    Lambda: sp.log(1 + R**2 / ((1 - beta2) * eps)) - N * sp.log(beta2),
}


def run() -> Proof:
    """``progress E G^2(x_tau) <= D + curvature + drift + noise``."""
    proof = Proof("C1a: Theorem 4 of [D] with a predictable gate")
    at = {omega: Omega(n), root_k: sp.sqrt(k + 1), tail: b2**-k}
    shown = {
        given.name: proof.given(given.name, given.left.subs(at), given.sign, given.right.subs(at), given.says)
        for given in DESCENT.assumptions
    }
    share = shown["theta"]
    room = proof.given("beta1", 0, "<=", 1 / (1 - beta1), "beta1 < 1")
    smooth = proof.given(
        "smoothness", f(n), "<=",
        f(n - 1) - A * Omega(n) * (P(n) - Q(n)) + L / 2 * (A * Omega(n)) ** 2 * W2(n),
        "F(x - u) <= F(x) - <grad F(x), u> + L ||u||^2/2 with u = alpha_n w_n, alpha_n = A Omega_n, in expectation",
    )  # fmt: skip
    largest = proof.given("largest step", A * Omega(n), "<=", step)
    products = proof.given("products", P(n), "=", sp.Sum(beta1**k * p(n, k), (k, 0, n - 1)), "the velocity is a sum")
    drift = proof.given(
        "drift", sp.Sum(Q(n), (n, 1, N)), "<=",
        step**2 * L**2 * root_b / (4 * R * mu) * lags * sp.Sum(W2(n), (n, 1, N))
        + mu * R / root_b * roots * sp.Sum(U2(j), (j, 1, N)) + ahead,
        "the gradient moves while the velocity remembers: theory.claims.convergence.drift_proof",
    )  # fmt: skip
    root = proof.given("sum with a root", sp.Sum(sp.sqrt(k + 1) * beta1**k * b2**-k, (k, 0, N - j)), "<=", roots)
    tau = proof.given(
        "law of tau", M * W, "=", sp.Sum(G2(j) * (1 - beta1 ** (N - j + 1)), (j, 1, N)), "M is E G^2(x_tau)"
    )
    weights = proof.given("weights", horizon, "<=", W, "their sum is at least N - beta1/(1-beta1)")
    squares = proof.given("squares", sp.Sum(U2(j), (j, 1, N)), "<=", Lambda, "the logarithm")
    moved = proof.given("squared directions", sp.Sum(W2(n), (n, 1, N)), "<=", directions * Lambda)
    gap = proof.given("gap", f(0) - f(N), "<=", D)

    kept, lost = (1 - theta) / ((1 + alpha1) * R), R / theta
    sums = (
        sp.Sum(beta1**k * G2(n - k), (k, 0, n - 1)),
        sp.Sum(sp.sqrt(k + 1) * beta1**k * b2**-k * U2(n - k), (k, 0, n - 1)),
    )
    proof.application(
        "at a lag", DESCENT,
        at | {Mean(G**2): G2(n - k), Mean(gamma * G * g / rp): p(n, k), Mean(U**2): U2(n - k)}, shown,
        kept * G2(n - k) / Omega(n), p(n, k) + lost * sp.sqrt(k + 1) * b2**-k * U2(n - k), "at step n and lag k",
    )  # fmt: skip
    proof.inequality(
        "weighted", beta1**k * kept * G2(n - k) / Omega(n),
        beta1**k * p(n, k) + lost * sp.sqrt(k + 1) * beta1**k * b2**-k * U2(n - k), beta1**k * fact("at a lag"),
    )  # fmt: skip
    proof.rule(
        "all lags", "total", "weighted", kept / Omega(n) * sums[0], products_sum(n) + lost * sums[1],
        index=k, first=sp.Integer(0), last=n - 1,
    )  # fmt: skip
    proof.inequality(
        "one step", A * kept * sums[0],
        f(n - 1) - f(n) + step * Q(n) + L / 2 * step**2 * W2(n) + step * lost * sums[1],
        smooth + A * Omega(n) * (fact("all lags") - products)
        + largest * (Q(n) + L / 2 * W2(n) * (step + A * Omega(n)) + lost * sums[1]),
    )  # fmt: skip
    double = [sp.Sum(inner, (n, 1, N)) for inner in sums]
    fell = sp.Sum(f(n - 1), (n, 1, N)) - sp.Sum(f(n), (n, 1, N))
    spent = step * sp.Sum(Q(n), (n, 1, N)) + L / 2 * step**2 * sp.Sum(W2(n), (n, 1, N))
    proof.rule(
        "all steps", "total", "one step", A * kept * double[0], fell + spent + step * lost * double[1],
        index=n, first=sp.Integer(1), last=N,
    )  # fmt: skip
    descended = f(0) - f(N) + spent
    proof.rule(
        "telescoped", "telescope", "all steps", A * kept * double[0], descended + step * lost * double[1], sequence=f
    )
    inner = sp.Sum(sp.sqrt(k + 1) * beta1**k * b2**-k, (k, 0, N - j))
    noise = sp.Sum(U2(j) * inner, (j, 1, N))
    proof.rule(
        "exchanged", "exchange", "telescoped",
        A * kept * sp.Sum(G2(j) * sp.Sum(beta1**k, (k, 0, N - j)), (j, 1, N)), descended + step * lost * noise,
        "j = n - k", lag=k, place=j,
    )  # fmt: skip
    total = sp.Sum(G2(j) * (1 - beta1 ** (N - j + 1)), (j, 1, N))
    proof.rule("geometric", "geometric", "exchanged", A * kept / (1 - beta1) * total, descended + step * lost * noise)
    proof.inequality("root at j", U2(j) * inner, roots * U2(j), U2(j) * root)
    proof.rule(
        "roots", "total", "root at j", noise, roots * sp.Sum(U2(j), (j, 1, N)), index=j, first=sp.Integer(1), last=N
    )
    drifted = step**2 * L**2 * root_b / (4 * R * mu) * lags
    proof.inequality(
        "theorem", A * kept * M * horizon / (1 - beta1),
        D + L / 2 * step**2 * directions * Lambda + step * drifted * directions * Lambda
        + step * (R / theta + mu * R / root_b) * roots * Lambda + step * ahead,
        fact("geometric") + A * kept / (1 - beta1) * tau + A * share / ((1 + alpha1) * R) * M * room * weights
        + gap + step * drift + (L / 2 * step**2 + step * drifted) * moved
        + step * lost * fact("roots") + step * (lost + mu * R / root_b) * roots * squares,
    )  # fmt: skip
    return proof


def products_sum(index: sp.Symbol) -> sp.Expr:
    """``sum_k beta1^k p(n, k)``."""
    return sp.Sum(beta1**k * p(index, k), (k, 0, index - 1))


PROOF = unwritten(run)


def concluded(proof: Proof, meaning: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """The bound on ``M`` that a conclusion ``progress M <= spent`` gives."""
    end = proof.conclusion
    return (end.right / sp.diff(end.left, M)).subs(meaning)
