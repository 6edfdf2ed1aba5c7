"""Rigorous values of formulas: an expression at exact arguments, enclosed in an interval.

Only rationals enter and every operation rounds outwards (``mpmath.iv``), so a comparison of end points is a proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import reduce
from operator import add, mul
from typing import Any, TypeAlias

import sympy as sp
from mpmath import iv

Interval: TypeAlias = Any  # an mpmath interval; ``.a`` and ``.b`` are its ends


def rational(value: Fraction | sp.Rational | int) -> Interval:
    """The smallest interval that contains a rational."""
    numerator, denominator = (value.p, value.q) if isinstance(value, sp.Rational) else value.as_integer_ratio()
    return iv.mpf(int(numerator)) / iv.mpf(int(denominator))


def enclose(expr: sp.Expr, values: Mapping[sp.Symbol, Interval] | None = None) -> Interval:
    """An interval that contains ``expr``: rationals, symbols in ``values``, sums, products, powers, ``log``, ``Min``.

    >>> width = enclose(sp.sqrt(2) + sp.log(3)).delta
    >>> bool(width < 1e-14)
    True

    Raises ``ValueError`` for anything else.
    """
    values = values or {}
    if isinstance(expr, sp.Symbol) and expr in values:
        return values[expr]
    if isinstance(expr, sp.Rational):
        return rational(expr)
    if expr == sp.pi:
        return iv.pi
    parts = [enclose(part, values) for part in expr.args]
    if isinstance(expr, sp.Add):
        return reduce(add, parts)
    if isinstance(expr, sp.Mul):
        return reduce(mul, parts)
    if isinstance(expr, sp.Pow):
        return _power(parts[0], expr.exp)
    if isinstance(expr, sp.log):
        return iv.log(parts[0])
    if isinstance(expr, sp.Min):
        return reduce(minimum, parts)
    raise ValueError(f"expr must be built from rationals, known symbols, sums, products, powers and logs, got {expr}")


def _power(base: Interval, exponent: sp.Expr) -> Interval:
    """An integer or half-integer power, by products and square roots."""
    if not (isinstance(exponent, sp.Rational) and exponent.q in (1, 2)):
        raise ValueError(f"exponents must be integers or half-integers, got {exponent}")
    root = base if exponent.q == 1 else iv.sqrt(base)
    return root ** int(exponent.p)


def minimum(first: Interval, second: Interval) -> Interval:
    """The interval of ``min(x, y)``."""
    return iv.mpf([min(first.a, second.a), min(first.b, second.b)])
