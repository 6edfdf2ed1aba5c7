"""The test of identities: it finds what SymPy finds on random quotients, and calls nothing zero that is not."""

from random import Random

import pytest
import sympy as sp

from theory.identity import is_zero

x, y, z = sp.symbols("x y z")
a, b = sp.symbols("a b", positive=True)
f = sp.Function("f")


def quotient(draw, depth=3):
    """A random expression in sums, products, powers and roots."""
    if depth == 0:
        return draw.choice([x, y, a, b, sp.sqrt(1 + a), f(x), sp.Rational(draw.randint(1, 9), draw.randint(1, 9))])
    one, other = quotient(draw, depth - 1), quotient(draw, depth - 1)
    return draw.choice([one + other, one - other, one * other, one / (1 + other**2), one**2, (one + 1) * other])


@pytest.mark.parametrize("seed", range(30))
def test_a_quotient_equals_itself_written_otherwise_and_no_other(seed):
    draw = Random(seed)
    expr = quotient(draw)
    other = sp.factor(sp.expand(sp.together(expr)))
    assert is_zero(expr - other)
    change = draw.choice([sp.Rational(1, 10**9), x / 10**9, sp.sqrt(1 + a) / 10**9])
    assert not is_zero(expr - other + change)


@pytest.mark.parametrize(
    "expr",
    [
        sp.sqrt(x + y) ** 3 / (x + y) - sp.sqrt(x + y),
        (x + y) ** sp.Rational(2, 3) * (x + y) ** sp.Rational(1, 3) - x - y,
        1 / (sp.sqrt(a) - sp.sqrt(b)) - (sp.sqrt(a) + sp.sqrt(b)) / (a - b),
        1 / (sp.sqrt(2) - 1) - 1 - sp.sqrt(2),
        (sp.sqrt(1 + sp.sqrt(x)) - 1) * (sp.sqrt(1 + sp.sqrt(x)) + 1) - sp.sqrt(x),
        sp.sqrt(1 - x / y) ** 4 - (1 - x / y) * (y - x) / y,
        sp.sqrt((x - y) / (1 + x)) ** -2 * (x - y) - 1 - x,
        sp.sqrt(1 + x * (y + z)) - sp.sqrt(1 + x * y + x * z),
        sp.sqrt(1 + (1 - sp.sqrt(a)) / (1 + sp.sqrt(a))) - sp.sqrt(1 + (1 - a) / (1 + sp.sqrt(a)) ** 2),
        (f(x) + 1) * (f(x) - 1) - f(x) ** 2 + 1,
        (sp.log(x) + y) ** 2 - sp.log(x) ** 2 - 2 * y * sp.log(x) - y**2,
        x ** (2 * y) * (x + 1) - x * x ** (2 * y) - x ** (2 * y),
        sp.Integer(0),
    ],
)
def test_what_is_zero(expr):
    assert is_zero(expr)


@pytest.mark.parametrize(
    "expr",
    [
        sp.sqrt(x**2) - x,  # false for x < 0
        sp.sqrt(x) * sp.sqrt(y) - sp.sqrt(x * y),  # false for x, y < 0
        sp.Abs(x) ** 2 - x**2,  # true for real x, not decided here
        sp.cbrt(x) ** 2 - sp.cbrt(x),
        sp.sqrt(1 + x * (y + z)) - sp.cbrt(1 + x * y + x * z),
        sp.sqrt(2) - sp.Rational(14142135623730951, 10**16),
        1 / (x - x * (1 + y) + x * y),
        sp.zoo,
        sp.nan,
        sp.Integer(1),
        f(x) - f(y),
    ],
)
def test_what_is_not_zero_or_not_decided(expr):
    assert not is_zero(expr)
