"""Small cases of the rate under the opening law, enumerated, in one and two dimensions, from an opening that is not 1.

As :mod:`theory.methods.enumeration`, with ``F(x) = f(x_1) + ... + f(x_d)``, independent two-point noise in every
coordinate (``2^d`` branches a step), and one gate for all of them: ``w_n = max(min(z_n, alpha1), g w_{n-1})``, ``z_n``
the kinetic energy, bias-corrected or not, from ``w_0`` on. Here the price of a gate that sees the gradient is that of
C3: its variation on the path.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from mpmath import iv

from theory.methods.enumeration import GRADIENT_BOUND, SMOOTHNESS, Inequalities, exact, slope, total, value
from theory.methods.intervals import Interval, minimum

Vector = tuple[Interval, ...]


@dataclass(frozen=True)
class Plane:
    """A run under the opening law; ``corrected``: the velocity is divided by ``1 - beta1^n`` where the gate sees it."""

    d: int = 2
    steps: int = 3
    beta1: Fraction = Fraction(1, 2)
    beta2: Fraction = Fraction(9, 10)
    beta3: Fraction = Fraction(1)
    alpha1: Fraction = Fraction(3)
    gate_decay: Fraction = Fraction(1, 2)
    w0: Fraction = Fraction(2)
    corrected: bool = False
    alpha0: Fraction = Fraction(1, 4)
    root_eps: Fraction = Fraction(1, 10)
    starts: tuple[Fraction, ...] = (Fraction(3, 5), Fraction(-1, 4))
    p: Fraction = Fraction(1, 4)

    @property
    def noise(self) -> tuple[tuple[Fraction, Fraction], ...]:
        """Chance and value: ``(1-p)/p`` with chance p, else -1."""
        return (self.p, (1 - self.p) / self.p), (1 - self.p, Fraction(-1))

    @property
    def gradient_bound(self) -> Fraction:
        """``R``: the largest stochastic gradient plus ``sqrt(eps)``."""
        return GRADIENT_BOUND + max((1 - self.p) / self.p, Fraction(1)) + self.root_eps

    @property
    def rho2(self) -> Fraction:
        """``beta1^2/beta2``."""
        return self.beta1**2 / self.beta2


#: The cases that the claims enumerate.
LINE, PLANE = Plane(d=1, steps=6), Plane()
CASES = (LINE, Plane(d=1, steps=6, corrected=True), PLANE, Plane(corrected=True))


@dataclass(frozen=True, eq=False)
class Place:
    """A path: the quantities of its last step, coordinate by coordinate, and the path before it."""

    parent: Place | None
    chance: Fraction
    step: int
    x: Vector
    true_gradient: Vector
    gradient: Vector
    velocity: Vector
    squares: Vector
    root: Vector
    w: Interval

    @property
    def gate(self) -> Interval:
        """``1/(1+w)``."""
        return 1 / (1 + self.w)

    def back(self, k: int) -> Place:
        """The place ``k`` steps earlier."""
        place = self
        for _ in range(k):
            assert place.parent is not None
            place = place.parent
        return place

    def moves(self) -> list[Interval]:
        """``|gamma_n - gamma_{n-1}|`` of every step of the path."""
        return [abs(self.back(k).gate - self.back(k + 1).gate) for k in range(self.step)]


def step_size(case: Plane, n: int) -> Interval:
    """``alpha_n = alpha0 (1-beta1) sqrt((1-beta2^n)/(1-beta2))``."""
    growth = sum((case.beta2**j for j in range(n)), Fraction(0))
    return exact(case.alpha0 * (1 - case.beta1)) * iv.sqrt(exact(growth))


def largest_step(case: Plane) -> Interval:
    """``alpha0 (1-beta1)/sqrt(1-beta2)``."""
    return exact(case.alpha0 * (1 - case.beta1)) / iv.sqrt(exact(1 - case.beta2))


def continuations(case: Plane, before: Place) -> Iterator[Place]:
    """The ``2^d`` next steps."""
    n, b1, b2, eps = before.step + 1, exact(case.beta1), exact(case.beta2), exact(case.root_eps**2)
    true_gradient = tuple(map(slope, before.x))
    for drawn in itertools.product(case.noise, repeat=case.d):
        gradient = tuple(g + exact(noise) for g, (_, noise) in zip(true_gradient, drawn, strict=True))
        velocity = tuple(b1 * m + g for m, g in zip(before.velocity, gradient, strict=True))
        squares = tuple(b2 * s + g**2 for s, g in zip(before.squares, gradient, strict=True))
        root = tuple(iv.sqrt(eps + s) for s in squares)
        scale = exact((1 - case.beta1) / (1 - case.beta1**n if case.corrected else Fraction(1)))
        signal = minimum(exact(case.beta3) * total((scale * m) ** 2 for m in velocity), exact(case.alpha1))
        w = -minimum(-signal, -exact(case.gate_decay) * before.w)
        moved = step_size(case, n) / (1 + w)
        x = tuple(x - moved * m / r for x, m, r in zip(before.x, velocity, root, strict=True))
        chance = before.chance * math.prod((chance for chance, _ in drawn), start=Fraction(1))
        yield Place(before, chance, n, x, true_gradient, gradient, velocity, squares, root, w)


@cache
def tree(case: Plane) -> tuple[tuple[Place, ...], ...]:
    """All paths, by length."""
    zeros = tuple(iv.mpf(0) for _ in range(case.d))
    start = tuple(map(exact, case.starts[: case.d]))
    first = Place(None, Fraction(1), 0, start, zeros, zeros, zeros, zeros, zeros, exact(case.w0))
    levels: list[tuple[Place, ...]] = [(first,)]
    for _ in range(case.steps):
        levels.append(tuple(after for place in levels[-1] for after in continuations(case, place)))
    return tuple(levels)


# ---------------------------------------------------------------- inequalities: pairs (smaller, larger)


def sums(case: Plane) -> Inequalities:
    """``sum_n ||U_n||^2`` of every path against the logarithms of its own ``s_N``."""
    for end in tree(case)[-1]:
        squares = total(
            (g / r) ** 2
            for place in (end.back(k) for k in range(case.steps))
            for g, r in zip(place.gradient, place.root, strict=True)
        )
        grown = total(iv.log(1 + s / exact(case.root_eps**2)) for s in end.squares)
        yield squares, grown - case.d * case.steps * iv.log(exact(case.beta2))


def smoothness(case: Plane) -> Inequalities:
    """``F(x_n) <= F(x_{n-1}) - <G_n, u> + (L/2) ||u||^2``, ``u = x_{n-1} - x_n``, at every step of every path."""
    for place in itertools.chain(*tree(case)[1:]):
        u = moved(case, place)
        falls = total(g * part for g, part in zip(place.true_gradient, u, strict=True))
        bends = exact(SMOOTHNESS) / 2 * total(part**2 for part in u)
        yield total(map(value, place.x)), total(map(value, place.back(1).x)) - falls + bends


def moved(case: Plane, place: Place) -> Vector:
    """``alpha_n gamma_n m_n/sqrt(eps + s_n)``."""
    size = step_size(case, place.step) * place.gate
    return tuple(size * m / r for m, r in zip(place.velocity, place.root, strict=True))


def variation(case: Plane) -> Inequalities:
    """L2: the moves of the gate on every path against ``2 N rise + alpha1/(1+alpha1)``."""
    root = iv.sqrt(exact(case.gate_decay))
    most = 2 * case.steps * (1 - root) / (1 + root) + exact(case.alpha1 / (1 + case.alpha1))
    for end in tree(case)[-1]:
        yield total(end.moves()), most


def tail(case: Plane) -> Interval:
    """``1/((1-rho) sqrt(1-rho^2))``."""
    rho2 = exact(case.rho2)
    return 1 / ((1 - iv.sqrt(rho2)) * iv.sqrt(1 - rho2))


def looked_ahead(place: Place, k: int) -> Interval:
    """``|gamma_n - gamma_{n-k-1}| sum_i |g_{n-k,i}|/sqrt(eps + s_{n,i})``."""
    old = place.back(k)
    felt = total(abs(g) / r for g, r in zip(old.gradient, place.root, strict=True))
    return abs(place.gate - place.back(k + 1).gate) * felt


def price(case: Plane) -> Inequalities:
    """L4: ``sum_n sum_k beta1^k |Delta_k| ||A_k||_1/Gi`` of every path against ``d TV/((1-rho) sqrt(1-rho^2))``."""
    for end in tree(case)[-1]:
        path = [end.back(k) for k in range(case.steps)]
        paid = total(exact(case.beta1**k) * looked_ahead(place, k) for place in path for k in range(place.step))
        yield paid, case.d * total(end.moves()) * tail(case)


def pasts(case: Plane, n: int, k: int) -> Iterator[tuple[Place, list[tuple[Interval, Place]], Vector]]:
    """Each past of ``n-k-1`` steps, its futures of ``n`` steps with their chances, and ``sqrt(eps + st)``."""
    groups: dict[Place, list[Place]] = {}
    for place in tree(case)[n]:
        groups.setdefault(place.back(k + 1), []).append(place)
    for past, places in groups.items():
        futures = [(exact(place.chance / past.chance), place) for place in places]
        roots = tuple(
            iv.sqrt(
                exact(case.root_eps**2)
                + exact(case.beta2 ** (k + 1)) * past.squares[i]
                + total(c * exact(case.beta2**j) * f.back(j).gradient[i] ** 2 for c, f in futures for j in range(k + 1))
            )
            for i in range(case.d)
        )
        yield past, futures, roots


def assembly(case: Plane) -> Inequalities:
    """The descent inequality summed over the run and the coordinates, with the price of C3 at the path's variation.

    ``sum_n alpha_n sum_k beta1^k E[gamma_{n-k-1} ||G||^2/(2 sqrt(eps+st))] <= F(x_0) - E F(x_N) + sum_n E[...] +
    step d Gi E[TV]/((1-rho) sqrt(1-rho^2))``, the bracket being curvature, drift and noise.
    """
    radius = exact(case.gradient_bound)
    root_b = iv.sqrt(exact(1 - case.beta1))
    kept, spent = iv.mpf(0), total(value(exact(start)) for start in case.starts[: case.d])
    for n in range(1, case.steps + 1):
        alpha = step_size(case, n)
        for k in range(n):
            weight, back = exact(case.beta1**k), exact(case.beta2**-k)
            for past, futures, roots in pasts(case, n, k):
                share = alpha * weight * exact(past.chance) * past.gate
                old = futures[0][1].back(k)
                kept += share * total(G**2 / (2 * r) for G, r in zip(old.true_gradient, roots, strict=True))
            drift = (alpha * exact(SMOOTHNESS)) ** 2 * root_b / (4 * radius) * iv.sqrt(iv.mpf(k))
            for place in tree(case)[n]:
                chance, old = exact(place.chance), place.back(k)
                ratio = total((g / r) ** 2 for g, r in zip(old.gradient, place.root, strict=True))
                own = total((g / r) ** 2 for g, r in zip(old.gradient, old.root, strict=True))
                walked = total(
                    (m / r) ** 2
                    for earlier in (place.back(i) for i in range(1, k + 1))
                    for m, r in zip(earlier.velocity, earlier.root, strict=True)
                )
                roots_of_lag = radius * iv.sqrt(iv.mpf(k + 1))
                paid = 2 * roots_of_lag * ratio + drift * walked + roots_of_lag / root_b * back * own
                spent += chance * alpha * weight * paid
        for place in tree(case)[n]:
            spent += exact(place.chance) * exact(SMOOTHNESS) / 2 * total(part**2 for part in moved(case, place))
    for end in tree(case)[-1]:
        ahead = largest_step(case) * exact(GRADIENT_BOUND) * case.d * total(end.moves()) * tail(case)
        spent += exact(end.chance) * (ahead - total(map(value, end.x)))
    yield kept, spent
