"""The rules of sums and expectations that proofs may use: each maps one side of a statement to the new side.

All are linear, and monotone where a statement is an inequality (probabilities and weights are nonnegative), so that a
rule applied to both sides keeps the statement true. Each is tested on random finite trees and sequences.

A conditional expectation is written ``Mean(...)``, a sequence is a function of its index, a sum is ``sympy.Sum``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

import sympy as sp


class Mean(sp.Function):
    """The conditional expectation of its argument, given what is known; opaque to SymPy."""

    nargs = 1

    def _eval_is_real(self) -> bool:
        return True


def terms(expr: sp.Expr) -> tuple[sp.Expr, ...]:
    """The terms of a sum, multiplied out."""
    return sp.Add.make_args(sp.expand(expr))


def average(
    expr: sp.Expr,
    constants: Collection[sp.Symbol],
    known: Collection[sp.Symbol] = (),
    means: Mapping[sp.Expr, sp.Expr] | None = None,
) -> sp.Expr:
    """The expectation, term by term: constants come out, and the tower rule replaces what has a conditional mean.

    ``means`` maps a product of drawn quantities to its mean given the past; it applies to a term whose other factors
    are ``constants`` or ``known`` from the past.

    >>> c, x, y = sp.symbols("c x y")
    >>> average(c * x * y**2 + x * y, constants={c}, known={x}, means={y**2: x})
    c*Mean(x**2) + Mean(x*y)
    """
    result = sp.Integer(0)
    for term in terms(expr):
        past, drawn = term.as_independent(*(term.free_symbols - set(known) - set(constants)), as_Add=False)
        whole = past * (means or {}).get(drawn, drawn)
        out, inside = whole.as_independent(*(whole.free_symbols - set(constants)), as_Add=False)
        result += out * (1 if inside == 1 else Mean(inside))
    return result


def total(expr: sp.Expr, index: sp.Symbol, first: sp.Expr, last: sp.Expr) -> sp.Expr:
    """``sum_{index=first}^{last}``, term by term; what does not depend on the index comes out.

    >>> n, N, c, a = *sp.symbols("n N c"), sp.Function("a")
    >>> total(c * a(n) + 1, n, sp.Integer(1), N)
    N + c*Sum(a(n), (n, 1, N))
    """
    result = sp.Integer(0)
    for term in terms(expr):
        out, inside = term.as_independent(index, as_Add=False)
        result += out * (last - first + 1 if inside == 1 else sp.Sum(inside, (index, first, last)))
    return sp.expand(result)


def telescope(expr: sp.Expr, sequence: Callable[[sp.Expr], sp.Expr]) -> sp.Expr:
    """``sum_{n=first}^{last} a(n-1) - a(n)`` is ``a(first-1) - a(last)``: both sums must occur with equal factors.

    >>> n, N, a = *sp.symbols("n N"), sp.Function("a")
    >>> telescope(sp.Sum(a(n - 1), (n, 1, N)) - sp.Sum(a(n), (n, 1, N)), a)
    a(0) - a(N)
    """
    for found in expr.atoms(sp.Sum):
        (index, first, last) = found.limits[0]
        if found.function == sequence(index - 1):
            other = sp.Sum(sequence(index), (index, first, last))
            factor = sp.expand(expr).coeff(found)
            if factor != 0 and sp.expand(expr).coeff(other) == -factor:
                expr = sp.expand(expr - factor * (found - other)) + factor * (sequence(first - 1) - sequence(last))
    return expr


def exchange(expr: sp.Expr, lag: sp.Symbol, place: sp.Symbol) -> sp.Expr:
    """``sum_{n=1}^N sum_{k=0}^{n-1} c(k) a(n-k) = sum_{j=1}^N a(j) sum_{k=0}^{N-j} c(k)``, for every such double sum.

    ``lag`` is ``k``, ``place`` is ``j``; ``k`` may start at 1 as well. A factor that contains ``n`` but not ``n - k``
    is refused.
    """
    values = {}
    for double in expr.atoms(sp.Sum):
        if len(double.limits) != 2:
            continue
        (k, least, most), (n, first, last) = double.limits  # SymPy writes nested sums as one, inner limits first
        if (k, most, first) != (lag, n - 1, 1) or least not in (0, 1):
            continue
        at = place.as_dummy()  # the place may have the name of n
        weights, rest = double.function.subs(n, at + lag).as_independent(at, as_Add=False)
        if rest.has(lag) or rest.has(n) or weights.has(n):
            raise ValueError(f"the summand must be c(k) a(n-k), got {double.function}")
        exchanged = sp.Sum(rest * sp.Sum(weights, (lag, least, last - at)), (at, 1, last))
        values[double] = sp.Sum(*(part.xreplace({at: place}) for part in exchanged.args))
    return expr.xreplace(values)


def triangle(expr: sp.Expr, outer: sp.Symbol, inner: sp.Symbol) -> sp.Expr:
    """``sum_{k=f}^m sum_{l=h}^k = sum_{l=h}^m sum_{k=l}^m`` for ``f <= h``, both 0 or 1, and back again.

    ``outer`` is ``k`` on the left, ``inner`` is ``l``. What does not depend on the new inner index comes out, and a
    sum of equal terms is counted.

    >>> k, l, m, c = *sp.symbols("k l m"), sp.Function("c")
    >>> triangle(sp.Sum(c(k), (k, l, m), (l, 1, m)), l, k)
    Sum(k*c(k), (k, 1, m))
    """
    values = {}
    for single in expr.atoms(sp.Sum):
        double = _flat(single)
        if len(double.limits) != 2 or (double.limits[0][0], double.limits[1][0]) != (inner, outer):
            continue
        (_, least, most), (_, first, last) = double.limits
        if most == outer and least in (0, 1) and first in (0, 1) and first <= least:
            limits = (outer, inner, last), (inner, least, last)
        elif (least, most) == (outer, last) and first in (0, 1):
            limits = (outer, first, inner), (inner, first, last)
        else:
            continue
        out, inside = double.function.as_independent(outer, as_Add=False)
        _, low, high = limits[0]
        within = high - low + 1 if inside == 1 else sp.Sum(inside, limits[0])
        values[single] = sp.Sum(out * within, limits[1])
    return expr.xreplace(values)


def _flat(found: sp.Sum) -> sp.Sum:
    """A sum of a product with one sum in it as a double sum."""
    sums = [part for part in sp.Mul.make_args(found.function) if isinstance(part, sp.Sum)]
    if len(found.limits) != 1 or len(sums) != 1:
        return found
    rest = found.function / sums[0]
    return sp.Sum(rest * sums[0].function, *sums[0].limits, *found.limits)


def geometric(expr: sp.Expr) -> sp.Expr:
    """``sum_{k=0}^m x^k = (1 - x^{m+1})/(1-x)``, for every such sum, also within another.

    >>> k, m, x = sp.symbols("k m x")
    >>> geometric(sp.Sum(x**k, (k, 0, m)))
    (1 - x**(m + 1))/(1 - x)
    """

    def closed(found: sp.Sum) -> sp.Expr:
        inside = found.function.replace(lambda part: isinstance(part, sp.Sum), closed)
        (index, first, last) = found.limits[0]
        if isinstance(inside, sp.Pow) and inside.exp == index and not inside.base.has(index) and first == 0:
            return (1 - inside.base ** (last + 1)) / (1 - inside.base)
        out, rest = inside.as_independent(index, as_Add=False)
        return out * sp.Sum(rest, *found.limits)

    return expr.replace(lambda part: isinstance(part, sp.Sum), closed)


RULES: Final[Mapping[str, Callable[..., sp.Expr]]] = {
    "average": average,
    "total": total,
    "telescope": telescope,
    "exchange": exchange,
    "triangle": triangle,
    "geometric": geometric,
}
