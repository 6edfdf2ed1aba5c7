"""Verification of gate certificates in exact rational arithmetic, sharing no code with the search that found them.

The system is one mode ``z' = A(s) z``, ``z = (x, w)``, of VRMomentum on a quadratic, with ``s = eta * curvature``:

    w' = beta1 w + (1-beta1) x,      x' = x - s w',      det A(s) = beta1,      edge B = 2 (1+beta1)/(1-beta1).

The kinds, and why what is checked is a proof:

``lyapunov``      ``P > 0`` and ``P - A(s)'P A(s) > 0`` at ``s = a`` and ``s = b``, by leading minors. ``z -> A(s)z`` is
                  affine in s and ``z'Pz`` convex, so every s in [a, b] and every sequence of such s is covered.
``polygon``       In the norm whose unit ball is a convex polygon symmetric about 0, A(a) and A(b) have norms below 1:
                  images of vertices are compared with edges. Convexity covers [a, b] again.
``gate_word``     The product of A over one period of the word has ``|trace| > 1 + determinant``, hence a real
                  eigenvalue beyond 1 in modulus: repeating the word, almost every start diverges.
``gate_bounds``   Such a word and such a polygon, as a lower and an upper bound of the joint spectral radius.
``rise_limited``  Like ``gate_word``, for slowly rising gates: ``1/s' >= gate_decay/s + (1-gate_decay)/S`` all around.

Each certificate also stores invariants (minors, sums, norms, trace, least slack, growth per step), so that a changed
number shows. Numbers are strings ``"p/q"``; see :mod:`theory.certificates.reading` for how they are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import inf, lcm
from typing import Any

from theory.certificates.reading import MAX_DIGITS, items, rational, require_keys
from theory.certificates.statement import Statement

Matrix = tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]]
Point = tuple[Fraction, Fraction]
MAX_PRODUCT_DIGITS, MAX_VERTICES = 100_000, 600  # what is longer or larger is refused: checking it would take too long
GROWTH_DIGITS, BOUND_DIGITS, TRACE_DIGITS = 10**4, 10**8, 10**12  # where numbers are rounded, down to 1/these


def check_lyapunov(data: Mapping[str, Any]) -> Statement | None:
    """That ``V(z) = z'Pz`` falls at every step for every gate sequence in ``[a, b]``, or None if it does not.

    Like every check here it raises ValueError if ``data`` are malformed.
    """
    require_keys(data, ("beta1", "a", "b", "P", "minors_of_P", "minors_at_a", "minors_at_b"))
    beta1, a, b = _gates(data)
    rows = [_numbers(row, "P", 2) for row in items(data["P"], "P", 2)]
    if rows[0][1] != rows[1][0]:
        return None
    form: Matrix = ((rows[0][0], rows[0][1]), (rows[1][0], rows[1][1]))
    found = [_minors(form), *(_minors(_decrease(form, step_matrix(beta1, gate))) for gate in (a, b))]
    stored = [_numbers(data[key], key, 2) for key in ("minors_of_P", "minors_at_a", "minors_at_b")]
    holds = found == stored and all(minor > 0 for minors in found for minor in minors)
    return Statement("lyapunov", {"beta1": beta1, "low": a, "high": b}) if holds else None


def check_polygon(data: Mapping[str, Any]) -> Statement | None:
    """That a polygonal norm shrinks for every gate sequence in ``[a, b]``, or None if it does not.

    ``vertices`` lists half of the polygon counter-clockwise; the other half is its mirror image through 0.
    """
    require_keys(data, ("beta1", "a", "b", "vertices", "sum_of_vertices", "norm_at_a", "norm_at_b"))
    beta1, a, b = _gates(data)
    return Statement("polygon", {"beta1": beta1, "low": a, "high": b}) if _polygon_norm(data) < 1 else None


def check_gate_bounds(data: Mapping[str, Any]) -> Statement | None:
    """That ``lower < joint spectral radius of A(a), A(b) <= norms``, by a word in a and b and by a polygon, or None.

    ``lower`` is the growth per step of the word, rounded down to a multiple of 1/10^8.
    """
    require_keys(data, ("beta1", "a", "b", "gates", "lower", "vertices", "sum_of_vertices", "norm_at_a", "norm_at_b"))
    beta1, a, b = _gates(data)
    gates, lower = _word(data), rational(data["lower"], "lower")
    if not lower > 0:
        raise ValueError(f"lower must be > 0, got {lower}")
    product = word_product(beta1, gates)
    upper = _polygon_norm(data)
    holds = (
        {a, b} >= set(gates)
        and grows_faster(product, len(gates), lower)
        and not grows_faster(product, len(gates), lower + Fraction(1, BOUND_DIGITS))
        and lower == rounded_down(lower, BOUND_DIGITS)
        and upper < inf
    )
    facts = {"beta1": beta1, "low": a, "high": b, "lower": lower}
    return Statement("gate_bounds", facts | {"upper": Fraction(upper)}) if holds else None


def _polygon_norm(data: Mapping[str, Any]) -> Fraction | float:
    """The norm of A over [a, b] in the stored polygon; infinite when what is stored about it is not so."""
    beta1, a, b = _gates(data)
    vertices = [_pair(vertex) for vertex in items(data["vertices"], "vertices")]
    if len(vertices) > MAX_VERTICES:
        raise ValueError(f"vertices must have at most {MAX_VERTICES} entries, got {len(vertices)}")
    common = 1
    for number in {number.denominator for vertex in vertices for number in vertex}:
        if (common := lcm(common, number)) >= 10**MAX_DIGITS:
            raise ValueError(f"vertices must have a common denominator of at most {MAX_DIGITS} digits")
    total = _numbers(data["sum_of_vertices"], "sum_of_vertices", 2)
    stored = [rational(data[key], key) for key in ("norm_at_a", "norm_at_b")]
    if not is_convex(vertices) or total != [sum(p for p, _ in vertices), sum(q for _, q in vertices)]:
        return inf
    return max(stored) if stored == [polygon_norm(beta1, gate, vertices) for gate in (a, b)] else inf


def check_gate_word(data: Mapping[str, Any]) -> Statement | None:
    """That the periodic gate sequence ``gates``, from ``S/(1+alpha1)`` to ``S`` below the edge, grows, or None."""
    require_keys(data, ("beta1", "S", "alpha1", "gates", "trace", "growth"))
    holds = max(_word(data)) == rational(data["S"], "S") and _word_is_unstable(data)
    return Statement("gate_word", _facts_of_word(data)) if holds else None


def check_rise_limited(data: Mapping[str, Any]) -> Statement | None:
    """That ``gates``, within ``[S/(1+alpha1), S]``, is unstable although its gates rise slowly, or None.

    ``slack`` is the least room in the law, and the lowest gate is exactly ``S/(1+alpha1)``.
    """
    require_keys(data, ("beta1", "S", "alpha1", "gate_decay", "gates", "slack", "trace", "growth"))
    decay, top = rational(data["gate_decay"], "gate_decay"), rational(data["S"], "S")
    gates = _word(data)
    if not 0 <= decay < 1:
        raise ValueError(f"gate_decay must lie in [0, 1), got {decay}")
    if top <= 0 or min(gates) <= 0:
        raise ValueError("S and the gates must be positive")
    slack = min(1 / later - decay / now - (1 - decay) / top for now, later in pairwise([*gates, gates[0]]))
    holds = slack >= 0 and slack == rational(data["slack"], "slack") and _word_is_unstable(data)
    return Statement("rise_limited", _facts_of_word(data) | {"gate_decay": decay, "S": top}) if holds else None


def _facts_of_word(data: Mapping[str, Any]) -> dict[str, Fraction]:
    gates = _word(data)
    return {
        "beta1": rational(data["beta1"], "beta1"),
        "low": min(gates),
        "high": max(gates),
        "length": Fraction(len(gates)),
        "growth": rational(data["growth"], "growth"),
    }


def _word_is_unstable(data: Mapping[str, Any]) -> bool:
    beta1, top, alpha1 = (rational(data[key], key) for key in ("beta1", "S", "alpha1"))
    gates = _word(data)
    stored, growth = rational(data["trace"], "trace"), rational(data["growth"], "growth")
    if not (0 <= beta1 < 1 and top > 0 and alpha1 >= 0 and growth > 0):
        raise ValueError(
            f"beta1 must lie in [0, 1), S and growth must be > 0, alpha1 >= 0, got {beta1}, {top}, {growth}, {alpha1}"
        )
    product = word_product(beta1, gates)
    trace = product[0][0] + product[1][1]
    return (
        top < edge(beta1)
        and max(gates) <= top
        and min(gates) == top / (1 + alpha1)
        and stored == storable(trace)
        and abs(trace) > 1 + beta1 ** len(gates)
        and growth == rounded_down(growth, GROWTH_DIGITS)
        and grows_faster(product, len(gates), growth)
        and not grows_faster(product, len(gates), growth + Fraction(1, GROWTH_DIGITS))
    )


# ---------------------------------------------------------------- the mathematics, in rationals


def edge(beta1: Fraction) -> Fraction:
    """``B = 2 (1+beta1)/(1-beta1)``.

    >>> edge(Fraction(9, 10))
    Fraction(38, 1)
    """
    return 2 * (1 + beta1) / (1 - beta1)


def step_matrix(beta1: Fraction, gate: Fraction) -> Matrix:
    """``A(gate)``."""
    return (1 - gate * (1 - beta1), -gate * beta1), (1 - beta1, beta1)


def word_product(beta1: Fraction, gates: Sequence[Fraction]) -> Matrix:
    """``A(gates[-1]) ... A(gates[0])``; in integers over one common denominator, reduced once at the end.

    >>> word_product(Fraction(1, 2), [Fraction(1), Fraction(2)])
    ((Fraction(-1, 2), Fraction(-1, 2)), (Fraction(1, 2), Fraction(0, 1)))
    """
    (p, q), (r, t), unit = (1, 0), (0, 1), 1
    for gate in gates:
        (k, l), (m, n), scale = _whole(step_matrix(beta1, gate))  # noqa: E741
        (p, q), (r, t) = (k * p + l * r, k * q + l * t), (m * p + n * r, m * q + n * t)
        unit *= scale
    return (Fraction(p, unit), Fraction(q, unit)), (Fraction(r, unit), Fraction(t, unit))


def rounded_down(value: Fraction, digits: int) -> Fraction:
    """The largest multiple of ``1/digits`` that is at most ``value``."""
    return Fraction(value * digits // 1, digits)


def grows_faster(product: Matrix, steps: int, rate: Fraction) -> bool:
    """True when the spectral radius of ``product`` exceeds ``rate**steps``, ``rate > 0``, decided without roots.

    A real 2x2 matrix of determinant > 0 has spectral radius > r exactly when ``|trace| > r + det/r`` or ``det > r^2``.
    """
    scale = rate**steps
    determinant = product[0][0] * product[1][1] - product[0][1] * product[1][0]
    return abs(product[0][0] + product[1][1]) > scale + determinant / scale or determinant > scale**2


def storable(trace: Fraction) -> Fraction:
    """``trace``, or, where its digits are too many to be stored, ``trace`` rounded down to 1/TRACE_DIGITS."""
    fits = max(abs(trace.numerator), trace.denominator) < 10**MAX_DIGITS
    return trace if fits else rounded_down(trace, TRACE_DIGITS)


def is_convex(vertices: Sequence[Point]) -> bool:
    """True when the half-polygon and its mirror image bound a strictly convex set around 0, counter-clockwise."""
    if len(vertices) < 2:
        return False
    mirrored = [(-p, -q) for p, q in vertices]
    around = [*vertices, *mirrored, *vertices[:2]]
    edges = [(q[0] - p[0], q[1] - p[1]) for p, q in pairwise(around)]
    turns = all(_cross(first, second) > 0 for first, second in pairwise(edges))
    half_turn = all(_cross(vertices[0], vertex) >= 0 for vertex in vertices)
    return turns and half_turn and all(_cross(p, q) > 0 for p, q in pairwise(around))


def polygon_norm(beta1: Fraction, gate: Fraction, vertices: Sequence[Point]) -> Fraction:
    """The norm of ``A(gate)`` induced by the norm whose unit ball has these (half) vertices.

    The norm of a point p is the largest of ``|cross(p, q' - q)|/cross(q, q')`` over the edges ``q q'``. All numbers are
    first brought to integers: the ratio does not change.
    """
    scale = lcm(*(number.denominator for vertex in vertices for number in vertex))
    whole = [(int(p * scale), int(q * scale)) for p, q in vertices]
    (k, l), (m, n), unit = _whole(step_matrix(beta1, gate))  # noqa: E741
    images = [(k * p + l * q, m * p + n * q) for p, q in whole]
    norms = []
    for first, second in pairwise([*whole, (-whole[0][0], -whole[0][1])]):
        across, along = second[0] - first[0], second[1] - first[1]
        size = first[0] * second[1] - first[1] * second[0]
        norms.append(Fraction(max(abs(p * along - q * across) for p, q in images), size * unit))
    return max(norms)


# ---------------------------------------------------------------- small pieces


def _gates(data: Mapping[str, Any]) -> tuple[Fraction, Fraction, Fraction]:
    beta1, a, b = (rational(data[key], key) for key in ("beta1", "a", "b"))
    if not 0 <= beta1 < 1:
        raise ValueError(f"beta1 must lie in [0, 1), got {beta1}")
    if not 0 < a <= b:
        raise ValueError(f"a and b must satisfy 0 < a <= b, got {a}, {b}")
    return beta1, a, b


def _numbers(value: Any, name: str, length: int | None = None) -> list[Fraction]:
    return [rational(entry, name) for entry in items(value, name, length)]


def _word(data: Mapping[str, Any]) -> list[Fraction]:
    """The gates. Their product has as many digits as they have together, and beta1 and the growth once for each."""
    gates = _numbers(data["gates"], "gates")
    factors = [rational(data[key], key) for key in ("beta1", "growth", "lower") if key in data]
    numbers = [number for factor in [*gates, *factors * len(gates)] for number in factor.as_integer_ratio()]
    if 3 * sum(number.bit_length() for number in numbers) > 10 * MAX_PRODUCT_DIGITS:
        raise ValueError(f"gates must have at most {MAX_PRODUCT_DIGITS} digits, beta1 and growth included for each")
    return gates


def _pair(value: Any) -> Point:
    first, second = _numbers(value, "vertices", 2)
    return first, second


def _whole(matrix: Matrix) -> tuple[tuple[int, int], tuple[int, int], int]:
    """The matrix as integers over a common denominator."""
    unit = lcm(*(number.denominator for row in matrix for number in row))
    (k, l), (m, n) = ((int(first * unit), int(second * unit)) for first, second in matrix)  # noqa: E741
    return (k, l), (m, n), unit


def _cross(p: Point, q: Point) -> Fraction:
    return p[0] * q[1] - p[1] * q[0]


def _times(first: Matrix, second: Matrix) -> Matrix:
    (a, b), (c, d) = first
    (e, f), (g, h) = second
    return (a * e + b * g, a * f + b * h), (c * e + d * g, c * f + d * h)


def _decrease(form: Matrix, step: Matrix) -> Matrix:
    """``P - A'PA``."""
    transposed: Matrix = ((step[0][0], step[1][0]), (step[0][1], step[1][1]))
    image = _times(transposed, _times(form, step))
    return (form[0][0] - image[0][0], form[0][1] - image[0][1]), (form[1][0] - image[1][0], form[1][1] - image[1][1])


def _minors(form: Matrix) -> list[Fraction]:
    return [form[0][0], form[0][0] * form[1][1] - form[0][1] * form[1][0]]
