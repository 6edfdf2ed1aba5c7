"""Exact products of 2x2 matrices and exact polygonal norms, for the search alone.

One mode of VRMomentum under the gate ``s`` (step size times curvature) is ``z' = A(s) z``, ``z = (x, w)``,

    A(s) = [[1 - (1-beta1) s, -beta1 s], [1-beta1, beta1]],    det A(s) = beta1,    edge B = 2 (1+beta1)/(1-beta1).

The checkers have their own arithmetic: an error here makes a search find what they reject, never the reverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[Any]  # integers of any length (dtype object)
Point = tuple[Fraction, Fraction]
#: How certificates store numbers: growths and bounds as multiples of 1/these, traces too long for DIGITS likewise.
PER_GROWTH, PER_BOUND, PER_TRACE, DIGITS = 10**4, 10**8, 10**12, 600


def edge_of(beta1: Fraction) -> Fraction:
    """``B``; without momentum it is 2.

    >>> edge_of(Fraction(0)), edge_of(Fraction(1, 2))
    (Fraction(2, 1), Fraction(6, 1))
    """
    return 4 / (1 - beta1) - 2


def gate_matrix(beta1: Fraction, gate: Fraction) -> tuple[Whole, int]:
    """``A(gate)`` as integers, shape (2, 2), and the number they are to be divided by."""
    unit = beta1.denominator * gate.denominator
    velocity = [(1 - beta1) * unit, beta1 * unit]
    position = [unit - gate * velocity[0], -gate * velocity[1]]
    return np.array([[int(entry) for entry in row] for row in (position, velocity)], dtype=object), unit


def word_matrix(beta1: Fraction, word: Sequence[Fraction]) -> list[list[Fraction]]:
    """``A(word[-1]) ... A(word[0])``, a run of equal gates at a time by repeated squaring.

    >>> word_matrix(Fraction(1, 2), [Fraction(2), Fraction(2)])
    [[Fraction(-1, 2), Fraction(-1, 2)], [Fraction(1, 4), Fraction(-1, 4)]]
    """
    product, unit = np.array([[1, 0], [0, 1]], dtype=object), 1
    for gate, run in groupby(word):
        matrix, scale = gate_matrix(beta1, gate)
        length = sum(1 for _ in run)
        product, unit = np.linalg.matrix_power(matrix, length) @ product, unit * scale**length
    return [[Fraction(int(entry), unit) for entry in row] for row in product]


def outgrows(product: Sequence[Sequence[Fraction]], bound: Fraction) -> bool:
    """True when a matrix of determinant > 0 has spectral radius > ``bound > 0``.

    Its eigenvalues, or their negatives, are the roots of ``p(r) = r^2 - |trace| r + det``. One of them lies beyond the
    bound exactly when ``p(bound) < 0`` or the product of both is above ``bound^2``.
    """
    (a, b), (c, d) = product
    determinant = a * d - b * c
    return bound**2 - abs(a + d) * bound + determinant < 0 or determinant > bound**2


def multiple_below(value: Fraction, per: int) -> Fraction:
    """``value`` rounded down to a multiple of ``1/per``."""
    return Fraction(value.numerator * per // value.denominator, per)


def trace_as_stored(product: Sequence[Sequence[Fraction]]) -> Fraction:
    """The trace, rounded down where a certificate has no room for all its digits."""
    trace = product[0][0] + product[1][1]
    fits = all(abs(number) < 10**DIGITS for number in trace.as_integer_ratio())
    return trace if fits else multiple_below(trace, PER_TRACE)


def supports(vertices: Sequence[Point]) -> bool:
    """True when half a polygon (counter-clockwise) and its mirror image are the corners of a convex set around 0.

    Then, and only then, every edge's line has 0 strictly on one side and touches the polygon in its two ends alone.
    """
    if len(vertices) < 2:
        return False
    corners, normals, offsets = _edges(vertices)
    reached = np.abs(corners @ normals.T)  # of shape (vertex, edge), up to the mirror image
    touching = (reached == offsets).sum(axis=0)
    return bool((offsets > 0).all() and (reached <= offsets).all() and (touching == 2).all())


def norm_in(vertices: Sequence[Point], beta1: Fraction, gate: Fraction) -> Fraction:
    """The norm of ``A(gate)`` where these (half) vertices span the unit ball: how far images of corners reach."""
    corners, normals, offsets = _edges(vertices)
    matrix, unit = gate_matrix(beta1, gate)
    reached = np.abs(corners @ matrix.T @ normals.T).max(axis=0)
    return max(Fraction(int(reach), int(offset) * unit) for reach, offset in zip(reached, offsets, strict=True))


def _edges(vertices: Sequence[Point]) -> tuple[Whole, Whole, Whole]:
    """In integers: the corners, and for each edge ``n . z = c`` the normal n and the offset c."""
    scale = lcm(*(number.denominator for vertex in vertices for number in vertex))
    corners = np.array([[int(number * scale) for number in vertex] for vertex in vertices], dtype=object)
    along = np.concatenate([corners[1:], -corners[:1]]) - corners
    normals = np.column_stack([along[:, 1], -along[:, 0]])
    return corners, normals, (normals * corners).sum(axis=1)
