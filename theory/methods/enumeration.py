"""Small cases of the rate theorems, enumerated: every noise path of a short run, in interval arithmetic.

One dimension, the proofs' form, two-point noise: ``2^N`` paths with rational probabilities. Rational numbers enter,
the roots are enclosed (``mpmath.iv``, outward rounding), conditional expectations are finite sums over the tree. So
each lemma, and the final inequality, is decided on these cases, not sampled. The objective is ``F = x^2/(1+x^2)``,
non-convex, with rational gradient ``2x/(1+x^2)^2``: ``L = 2`` and ``|F'| <= 3 sqrt(3)/8 < 13/20``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, cached_property
from typing import Any, Literal, TypeAlias

import sympy as sp
from mpmath import iv

from theory.claim import BoundCheck
from theory.methods.intervals import Interval, enclose, minimum, rational
from theory.notation import D, L, N, R, alpha0, alpha1, beta1, beta2, beta3, d, eps, gate_decay

SMOOTHNESS, GRADIENT_BOUND = Fraction(2), Fraction(13, 20)


@dataclass(frozen=True)
class Case:
    """A run to enumerate. ``gate``: inside the momentum and predictable, or smoothed (corrected or not) outside."""

    steps: int
    gate: Literal["inside", "smoothed", "corrected"]
    beta1: Fraction
    beta2: Fraction
    beta3: Fraction
    alpha1: Fraction
    gate_decay: Fraction = Fraction(0)
    alpha0: Fraction = Fraction(1, 4)
    root_eps: Fraction = Fraction(1, 10)
    start: Fraction = Fraction(3, 5)
    p: Fraction = Fraction(1, 4)
    amplitude: Fraction = Fraction(1)

    @cached_property
    def largest(self) -> Fraction:
        """The large value of the noise."""
        return self.amplitude * (1 - self.p) / self.p

    @cached_property
    def gradient_bound(self) -> Fraction:
        """``R``: the largest stochastic gradient plus ``sqrt(eps)``."""
        return GRADIENT_BOUND + max(self.largest, self.amplitude) + self.root_eps

    def values(self) -> dict[sp.Symbol, Interval]:
        """The case as arguments of a formula."""
        numbers = {
            alpha0: self.alpha0, alpha1: self.alpha1, beta1: self.beta1, beta2: self.beta2, beta3: self.beta3,
            gate_decay: self.gate_decay, eps: self.root_eps**2, L: SMOOTHNESS, R: self.gradient_bound,
            D: value(self.start), N: self.steps, d: 1,
        }  # fmt: skip
        return {symbol: exact(number) for symbol, number in numbers.items()}


#: The cases that the claims enumerate.
HALF, SLOW = Fraction(1, 2), Fraction(9, 10)
PREDICTABLE = Case(6, "inside", beta1=HALF, beta2=SLOW, beta3=Fraction(1), alpha1=Fraction(3))
SMOOTHED = replace(PREDICTABLE, steps=8, gate="smoothed", gate_decay=SLOW)
CORRECTED = replace(SMOOTHED, steps=6, gate="corrected")
NO_MOMENTUM = replace(SMOOTHED, steps=6, beta1=Fraction(0), beta3=Fraction(1, 100), gate_decay=HALF)


def value(x: Any) -> Any:
    """``F(x)``; the minimum is 0."""
    return x**2 / (1 + x**2)


def slope(x: Any) -> Any:
    """``F'(x)``."""
    return 2 * x / (1 + x**2) ** 2


@dataclass(frozen=True, eq=False)
class Node:
    """A path of ``step`` gradients: what the last step was made of, and the path before it.

    ``velocity`` and ``squares`` are the plain sums ``m_n, s_n``, ``root`` is ``sqrt(eps + s_n)``, ``gate`` the gate
    of this step (of the gradient for ``inside``), ``moved`` is ``gate * w_n``, or ``w_n`` for ``inside``, in
    ``x -= alpha_n moved``.
    """

    parent: Node | None
    chance: Fraction
    step: int
    x: Interval
    true_gradient: Interval
    gradient: Interval
    velocity: Interval
    squares: Interval
    root: Interval
    energy: Interval
    gate: Interval
    moved: Interval

    @cached_property
    def noise(self) -> Interval:
        """``|U_n|``."""
        return abs(self.gradient) / self.root

    @cached_property
    def direction2(self) -> Interval:
        """``w_n^2``."""
        return (self.velocity / self.root) ** 2

    def back(self, k: int) -> Node:
        """The node ``k`` steps earlier."""
        node = self
        for _ in range(k):
            assert node.parent is not None
            node = node.parent
        return node

    def path(self) -> list[Node]:
        """The nodes of steps 1 to ``step``."""
        return [self.back(k) for k in range(self.step - 1, -1, -1)]


@cache
def step_size(case: Case, n: int) -> Interval:
    """``alpha_n = alpha0 (1-beta1) sqrt((1-beta2^n)/(1-beta2))``."""
    growth = sum((case.beta2**j for j in range(n)), Fraction(0))
    return exact(case.alpha0 * (1 - case.beta1)) * iv.sqrt(exact(growth))


def children(case: Case, node: Node) -> Iterator[Node]:
    """The two continuations of a path."""
    b1, b2, b3, bg, a1 = (
        exact(number) for number in (case.beta1, case.beta2, case.beta3, case.gate_decay, case.alpha1)
    )
    n = node.step + 1
    true_gradient = slope(node.x)
    for chance, noise in ((case.p, case.largest), (1 - case.p, -case.amplitude)):
        gradient = true_gradient + exact(noise)
        squares = b2 * node.squares + gradient**2
        root = iv.sqrt(exact(case.root_eps**2) + squares)
        if case.gate == "inside":
            energy = ((1 - b1) * node.velocity) ** 2
            gate = 1 / (1 + minimum(b3 * energy, a1))
            velocity = b1 * node.velocity + gate * gradient
            moved = velocity / root
        else:
            velocity = b1 * node.velocity + gradient
            energy = bg * node.energy + (1 - bg) * ((1 - b1) * velocity) ** 2
            correction = exact(1 - case.gate_decay**n if case.gate == "corrected" else Fraction(1))
            gate = 1 / (1 + minimum(b3 * energy / correction, a1))
            moved = gate * velocity / root
        x = node.x - step_size(case, n) * moved
        yield Node(
            node, node.chance * chance, n, x, true_gradient, gradient, velocity, squares, root, energy, gate, moved
        )


@cache
def exact(number: Fraction | int) -> Interval:
    """The interval of a rational."""
    return rational(number)


@cache
def tree(case: Case) -> tuple[tuple[Node, ...], ...]:
    """All paths, by length: entry ``n`` holds the ``2^n`` paths of ``n`` steps."""
    zero, one = iv.mpf(0), iv.mpf(1)
    eps_root = exact(case.root_eps)
    levels: list[tuple[Node, ...]] = [
        (Node(None, Fraction(1), 0, exact(case.start), zero, zero, zero, zero, eps_root, zero, one, zero),)
    ]
    for _ in range(case.steps):
        levels.append(tuple(child for node in levels[-1] for child in children(case, node)))
    return tuple(levels)


# ---------------------------------------------------------------- inequalities: pairs (smaller, larger)

Inequalities: TypeAlias = Iterator[tuple[Interval, Interval]]


def holds(inequalities: Inequalities) -> bool:
    """Whether each ``smaller <= larger`` for certain."""
    return all(bool(smaller.b <= larger.a) for smaller, larger in inequalities)


def tightness(inequalities: Inequalities) -> float:
    """The largest ``smaller/larger`` over inequalities between positive numbers: 1 means that nothing is given away."""
    return max(float((smaller / larger).b) for smaller, larger in inequalities if larger.a > 0)


def compared(*cases: Inequalities) -> BoundCheck:
    """Whether all of them hold, and bound/value where they come closest; of several, the loosest."""
    found = [list(inequalities) for inequalities in cases]
    return BoundCheck(all(holds(iter(one)) for one in found), 1 / min(tightness(iter(one)) for one in found))


def total(terms: Iterable[Interval]) -> Interval:
    """The sum of intervals."""
    return sum(terms, iv.mpf(0))


def pasts(case: Case, n: int, k: int) -> Iterator[tuple[Node, list[Node], Interval]]:
    """Each past of ``n-k-1`` steps, its futures of ``n`` steps, and ``sqrt(eps + st)``.

    ``st`` is ``s_n`` with what the last ``k+1`` gradients put into it replaced by its conditional expectation.
    """
    weights = [exact(case.beta2**i) for i in range(k + 1)]
    groups: dict[Node, list[Node]] = {}
    for node in tree(case)[n]:
        groups.setdefault(node.back(k + 1), []).append(node)
    for past, futures in groups.items():
        kept = exact(case.beta2 ** (k + 1)) * past.squares
        drawn = total(
            given(past, node) * total(weight * node.back(i).gradient ** 2 for i, weight in enumerate(weights))
            for node in futures
        )
        yield past, futures, iv.sqrt(exact(case.root_eps**2) + kept + drawn)


def given(past: Node, node: Node) -> Interval:
    """The probability of a path given its past."""
    return exact(node.chance / past.chance)


def ratio(node: Node, k: int) -> Interval:
    """``|g_{n-k}| / sqrt(eps + s_n)``."""
    return abs(node.back(k).gradient) / node.root


# ---------------------------------------------------------------- the lemmas of [D]


def descent(case: Case) -> Inequalities:
    """``E[G g/sqrt(eps+s_n)] >= G^2/(2 sqrt(eps+st)) - 2R sqrt(k+1) E[g^2/(eps+s_n)]``, ``E`` given each past."""
    radius = exact(case.gradient_bound)
    for n in range(1, case.steps + 1):
        for k in range(n):
            for past, futures, root in pasts(case, n, k):
                G = futures[0].back(k).true_gradient
                gained = total(given(past, node) * G * node.back(k).gradient / node.root for node in futures)
                paid = (
                    2
                    * radius
                    * iv.sqrt(iv.mpf(k + 1))
                    * total(given(past, node) * ratio(node, k) ** 2 for node in futures)
                )
                yield G**2 / (2 * root), gained + paid


@cache
def drift_weights(case: Case) -> list[tuple[Interval, Interval]]:
    """``beta1^k sqrt(k)`` and ``beta1^k beta2^-k sqrt(k+1)``."""
    return [
        (exact(case.beta1**k) * iv.sqrt(iv.mpf(k)), exact((case.beta1 / case.beta2) ** k) * iv.sqrt(iv.mpf(k + 1)))
        for k in range(case.steps)
    ]


def drift_bound(case: Case, node: Node) -> Interval:
    """The right-hand side of the drift lemma, with the directions as they were."""
    first, second, walked, old = iv.mpf(0), iv.mpf(0), iv.mpf(0), node
    for weight, own in drift_weights(case)[: node.step]:
        walked += old.direction2 if old is not node else 0  # of the steps since then
        first += weight * walked
        second += own * old.noise**2
        old = old.back(1)
    radius, root = exact(case.gradient_bound), iv.sqrt(exact(1 - case.beta1))
    return (step_size(case, node.step) * exact(SMOOTHNESS)) ** 2 * root / (4 * radius) * first + (
        radius / root * second
    )


def drift(case: Case) -> Inequalities:
    """``sum_k beta1^k |G_n - G_{n-k}| |g_{n-k}|/sqrt(eps + s_n)`` against the drift lemma, on every path."""
    for level in tree(case)[1:]:
        for node in level:
            moved = total(
                exact(case.beta1**k) * abs(node.true_gradient - node.back(k).true_gradient) * ratio(node, k)
                for k in range(node.step)
            )
            yield moved, drift_bound(case, node)


def sums(case: Case) -> Inequalities:
    """The sums of ``U^2``, ``w^2`` and ``|U|`` over every path, with its own ``s_N`` in the logarithm."""
    factor = exact(1 / ((1 - case.beta1) * (1 - case.beta1 / case.beta2)))
    for node in tree(case)[-1]:
        path = node.path()
        logarithm = iv.log(1 + node.squares / exact(case.root_eps**2)) - case.steps * iv.log(exact(case.beta2))
        yield total(step.noise**2 for step in path), logarithm
        yield total(step.direction2 for step in path), factor * logarithm
        yield total(step.noise for step in path), iv.sqrt(case.steps * logarithm)


def smoothness(case: Case) -> Inequalities:
    """``F(x_n) <= F(x_{n-1}) - alpha_n G_n moved + (L/2) alpha_n^2 moved^2`` at every step of every path."""
    for level in tree(case)[1:]:
        for node in level:
            moved = step_size(case, node.step) * node.moved
            yield (
                value(node.x),
                value(node.back(1).x) - node.true_gradient * moved + exact(SMOOTHNESS) / 2 * moved**2,
            )


# ---------------------------------------------------------------- the lemmas of the smoothed gate


@cache
def allowed(case: Case, n: int, k: int) -> tuple[Interval, Interval]:
    """``share`` and, of the correction, ``added``: ``|gamma_n - gamma_m| <= share gamma_m + added``, ``m = n-k-1``."""
    reach = case.beta3 * case.gradient_bound**2
    added = iv.mpf(0)
    if case.gate == "corrected":
        root = iv.sqrt(exact(case.gate_decay))
        added += total(exact(reach / j) * root**j for j in range(max(n - k, 2), n + 1))
        if k == n - 1:
            added += exact(case.alpha1 / (1 + case.alpha1))
    return exact((k + 1) * (1 - case.gate_decay) * reach), added


def slow_gate(case: Case) -> Inequalities:
    """``|gamma_n - gamma_{n-k-1}|`` against :func:`allowed`, on every path."""
    for n, level in enumerate(tree(case)):
        for k in range(n):
            share, added = allowed(case, n, k)
            for node in level:
                before = node.back(k + 1).gate
                yield abs(node.gate - before), share * before + added


def look_ahead(case: Case) -> Inequalities:
    """``|Delta_k A_k|`` against the bound of (A) and, uncorrected, of (B) at ``theta = 1/2``, on every path."""
    radius, theta = exact(case.gradient_bound), exact(Fraction(1, 2))
    q = exact(case.beta3 * (1 - case.gate_decay) * case.gradient_bound**2)
    root = radius / iv.sqrt(exact(1 - case.beta2))
    for n, level in enumerate(tree(case)):
        for k in range(n):
            most = paid_ahead(case, n, k)
            for node in level:
                old, before, felt = node.back(k), node.back(k + 1).gate, ratio(node, k)
                price = abs(node.gate - before) * abs(old.true_gradient) * felt
                yield price, most * old.noise
                if case.gate == "smoothed":
                    share = theta * old.true_gradient**2 / (2 * root)
                    yield price, before * (share + ((k + 1) * q * felt) ** 2 * root / (2 * theta))


@cache
def paid_ahead(case: Case, n: int, k: int) -> Interval:
    """The bound of form (A) on ``|Delta_k A_k|`` in units of ``|U_{n-k}|``: ``allowed * R beta2^{-k/2}``."""
    share, added = allowed(case, n, k)
    return (share + added) * exact(case.gradient_bound) * iv.sqrt(exact(1 / case.beta2**k))


# ---------------------------------------------------------------- the theorem


def assembly(case: Case) -> Inequalities:
    """The descent inequality summed over the run, before any expectation is replaced by its bound.

    ``sum_n alpha_n sum_k beta1^k E[gamma G^2/(2 sqrt(eps+st))] <= F(x_0) - E F(x_N) + sum_n E[...]``, the bracket
    being the curvature, the drift, the noise and, for a gate that looks ahead, its price; ``gamma`` is the
    predictable gate.
    """
    lookahead = case.gate != "inside"
    radius = exact(case.gradient_bound)
    kept, spent = iv.mpf(0), value(exact(case.start))
    for n in range(1, case.steps + 1):
        alpha = step_size(case, n)
        for k in range(n):
            for past, futures, root in pasts(case, n, k):
                known = past.gate if lookahead else futures[0].back(k).gate
                share = alpha * exact(case.beta1**k * past.chance)
                kept += share * known * futures[0].back(k).true_gradient ** 2 / (2 * root)
        prices = [paid_ahead(case, n, k) if lookahead else iv.mpf(0) for k in range(n)]
        for node in tree(case)[n]:
            bracket = alpha * exact(SMOOTHNESS) / 2 * node.moved**2 + drift_bound(case, node)
            for k, price in enumerate(prices):
                lost = 2 * radius * iv.sqrt(iv.mpf(k + 1)) * ratio(node, k) ** 2
                bracket += exact(case.beta1**k) * (lost + price * node.back(k).noise)
            spent += exact(node.chance) * alpha * bracket
    yield kept, spent - total(exact(node.chance) * value(node.x) for node in tree(case)[-1])


def mean_squared_gradient(case: Case) -> Interval:
    """``E F'(x_tau)^2`` with ``P(tau = j)`` proportional to ``1 - beta1^(N-j)``, ``j = 0..N-1``."""
    weights = [1 - case.beta1 ** (case.steps - j) for j in range(case.steps)]
    means = (total(exact(node.chance) * slope(node.x) ** 2 for node in level) for level in tree(case)[:-1])
    return total(exact(weight / sum(weights)) * mean for weight, mean in zip(weights, means, strict=True))


def final(case: Case, bound: sp.Expr) -> Inequalities:
    """The left side of the theorem against its bound."""
    yield mean_squared_gradient(case), enclose(bound, case.values())
