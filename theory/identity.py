"""Whether an expression is identically zero, decided in polynomials.

An expression built from rational numbers by sums, products and rational powers is a quotient of polynomials in its
symbols and roots; everything else in it (a logarithm, a sum, a symbolic power) is a symbol to us. SymPy's ``together``
and ``expand`` find the same numerator, slowly: they rewrite trees where this multiplies polynomials.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import sympy as sp
from sympy.polys.rings import PolyElement, PolyRing

Polynomial: TypeAlias = Any  # an element of a ring of SymPy


class Quotient(NamedTuple):
    """``numerator`` over the product of the powers of ``factors``."""

    numerator: Polynomial
    factors: Counter[PolyElement]


def is_zero(expr: sp.Expr) -> bool:
    """True when the numerator is the zero polynomial: then ``expr`` is 0. False may also mean "not decided".

    >>> x, y = sp.symbols("x y")
    >>> is_zero(1 / x + 1 / y - (x + y) / (x * y)), is_zero(sp.sqrt(x + y) ** 3 / (x + y) - sp.sqrt(x + y))
    (True, True)
    >>> is_zero(x - y), is_zero(sp.sqrt(x**2) - x)
    (False, False)
    """
    expr = sp.sympify(expr)
    if expr.is_Number:
        return bool(expr == 0)
    generators = list(dict.fromkeys(_generators(expr)))
    ring = PolyRing([sp.Dummy() for _ in generators], sp.QQ)
    field = _Field(ring, dict(zip(generators, ring.gens, strict=True)))
    try:
        for place, root in enumerate(generators):
            for other in filter(_is_root, generators[:place] if _is_root(root) else ()):
                if root.exp == other.exp and field.vanishes(root.base - other.base, generators[:place]):
                    field.names[root] = field.names[other]  # the same root, written otherwise
        return field.vanishes(expr, generators)
    except (ZeroDivisionError, KeyError):  # KeyError: SymPy wrote a root in yet another way
        return False


def _is_root(generator: sp.Expr) -> bool:
    return bool(generator.is_Pow and isinstance(generator.exp, sp.Rational))


def _generators(expr: sp.Expr) -> Iterator[sp.Expr]:
    """Symbols, roots and whatever else is not taken apart, what lies in a root before it."""
    if isinstance(expr, sp.Rational):
        return
    if expr.is_Add or expr.is_Mul:
        for part in expr.args:
            yield from _generators(part)
    elif expr.is_Pow and isinstance(expr.exp, sp.Rational):
        yield from _generators(expr.base)
        if not expr.exp.is_Integer:
            yield expr.base ** sp.Rational(1, expr.exp.q)
    else:
        yield expr


class _Field:
    """Quotients of polynomials in ``names``."""

    def __init__(self, ring: PolyRing, names: dict[sp.Expr, Polynomial]) -> None:
        self.ring, self.names = ring, names
        self.known: dict[sp.Expr, Quotient] = {}

    def vanishes(self, expr: sp.Expr, generators: list[sp.Expr]) -> bool:
        """Whether the numerator of an expression in these generators is zero, powers of roots written out."""
        left = self.quotient(expr).numerator
        for root in reversed(generators):  # roots that lie in others come before them
            left = self.without_powers(left, root)
        return bool(left == 0)

    def quotient(self, expr: sp.Expr) -> Quotient:
        """The value of an expression; ZeroDivisionError where it divides by the zero polynomial."""
        if expr not in self.known:
            self.known[expr] = self._quotient(expr)
        return self.known[expr]

    def _quotient(self, expr: sp.Expr) -> Quotient:
        if isinstance(expr, sp.Rational):
            return Quotient(self.ring.ground_new(sp.QQ(expr.p, expr.q)), Counter())
        if expr.is_Add:
            return self._sum([self.quotient(part) for part in expr.args])
        if expr.is_Mul:
            return self._product([self.quotient(part) for part in expr.args])
        if expr.is_Pow and isinstance(expr.exp, sp.Rational):
            if expr.exp.is_Integer:
                return self._power(self.quotient(expr.base), int(expr.exp))
            root = Quotient(self.names[expr.base ** sp.Rational(1, expr.exp.q)], Counter())
            return self._power(root, expr.exp.p)
        return Quotient(self.names[expr], Counter())

    def _sum(self, parts: list[Quotient]) -> Quotient:
        common: Counter[PolyElement] = Counter()
        for part in parts:
            common |= part.factors
        total = self.ring.zero
        for part in parts:
            total += part.numerator * self._multiplied(common - part.factors)
        return Quotient(total, common)

    def _product(self, parts: list[Quotient]) -> Quotient:
        numerator, factors = self.ring.one, Counter[PolyElement]()
        for part in parts:
            numerator, factors = numerator * part.numerator, factors + part.factors
        return Quotient(numerator, factors)

    def _power(self, base: Quotient, exponent: int) -> Quotient:
        if exponent >= 0:
            powers = Counter({factor: power * exponent for factor, power in base.factors.items()})
            return Quotient(base.numerator**exponent, powers)
        if base.numerator == 0:
            raise ZeroDivisionError
        return Quotient(self._multiplied(base.factors) ** -exponent, Counter({base.numerator: -exponent}))

    def _multiplied(self, factors: Counter[PolyElement]) -> Polynomial:
        product = self.ring.one
        for factor, power in factors.items():
            product *= factor**power
        return product

    def without_powers(self, left: Polynomial, root: sp.Expr) -> Polynomial:
        """``left`` with ``root**q`` written out, times a power of its denominator; ``left`` if ``root`` is no root."""
        if not _is_root(root):
            return left
        place, q = self.ring.gens.index(self.names[root]), root.exp.q
        parts: dict[int, Polynomial] = {}
        for powers, coefficient in left.items():
            whole, rest = divmod(powers[place], q)
            rests = (*powers[:place], rest, *powers[place + 1 :])
            parts.setdefault(whole, self.ring.zero.copy())[rests] = coefficient
        if set(parts) <= {0}:
            return left
        base, most = self.quotient(root.base), max(parts)
        below = self._multiplied(base.factors)
        total = self.ring.zero
        for whole, part in parts.items():
            total += part * base.numerator**whole * below ** (most - whole)
        return total
