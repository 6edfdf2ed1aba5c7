"""The joint spectral radius of A(a), A(b) from both sides: words that grow fast, polygonal norms that shrink.

A search in floating point. What it finds is rational, and becomes a statement only once it has been confirmed in exact
arithmetic (:mod:`theory.search.matrices`), written down and verified by code of its own
(:mod:`theory.certificates.gates`).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from theory.search.matrices import PER_GROWTH, edge_of, gate_matrix, norm_in, outgrows, supports, word_matrix

Floats = NDArray[np.float64]

LETTERS = 12  # all words up to this length are tried, and b^p a^q with p + q up to:
LONGEST = 900
ROUNDS, MOST_VERTICES = 400, 600
DIGITS = (3, 4, 6, 8, 10, 12, 14)  # decimals to which the polygon's vertices are rounded, in turn


# ---------------------------------------------------------------- words


def best_word(beta1: Fraction, low: Fraction, high: Fraction) -> list[Fraction]:
    """The word of fastest growth per step among those tried.

    These are all short words, the blocks ``b^p a^q``, and the pairs of the most promising blocks: near the frontier the
    worst words alternate between two neighbouring blocks.
    """
    if low == high:
        return [high]
    pair = {0: _matrix(beta1, low), 1: _matrix(beta1, high)}
    rates: dict[tuple[int, ...], float] = {}
    products = pair[1][None]
    for length in range(1, LETTERS + 1):  # words as binary numbers; products of all of one length at once
        i = int(np.argmax(_radius(products)))
        letters = (1, *(i >> k & 1 for k in range(length - 1)))
        rates[letters] = float(_radius(products)[i] ** (1 / length))
        products = np.concatenate([pair[0] @ products, pair[1] @ products])
    blocks = _blocks(pair[0], pair[1], float(1 - beta1))
    powers = np.array([np.linalg.matrix_power(pair[0], q) @ np.linalg.matrix_power(pair[1], p) for p, q in blocks])
    lengths = np.array(blocks).sum(axis=1)
    rate = _radius(powers[:, None] @ powers) ** (1 / (lengths[:, None] + lengths))
    for second, first in [(0, 0), divmod(int(np.argmax(rate)), len(blocks))]:
        (p, q), (r, t) = blocks[first], blocks[second]
        letters = (1,) * p + (0,) * q
        rates[letters if first == second else letters + (1,) * r + (0,) * t] = float(rate[second, first])
    best = max(rates, key=lambda letters: (round(rates[letters], 12), -len(letters)))
    return [high if letter else low for letter in best]


def _blocks(low: Floats, high: Floats, friction: float) -> list[tuple[int, int]]:
    """Exponents ``(p, q)`` of blocks ``b^p a^q``: the best one, by climbing from a coarse grid, and its neighbours."""

    def rate(p: int, q: int) -> float:
        block = np.linalg.matrix_power(low, q) @ np.linalg.matrix_power(high, p)
        return float(_radius(block[None])[0] ** (1 / (p + q)))

    longest = min(int(3 / friction) + 8, LONGEST)
    grid = sorted({int(1.3**k) for k in range(1, 40) if 1.3**k <= longest})
    best = max(((p, q) for p in grid for q in grid), key=lambda block: rate(*block))
    while True:
        near = [(best[0] + i, best[1] + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        near = [(p, q) for p, q in near if min(p, q) > 0]
        better = max(near, key=lambda block: rate(*block))
        if rate(*better) <= rate(*best) or sum(better) > LONGEST:
            return [best, *(block for block in near if block != best)]
        best = better


def _radius(products: Floats) -> Floats:
    """Spectral radii of 2x2 matrices from trace and determinant."""
    half = np.abs(np.trace(products, axis1=-2, axis2=-1)) / 2
    determinant = products[..., 0, 0] * products[..., 1, 1] - products[..., 0, 1] * products[..., 1, 0]
    gap = half**2 - determinant
    return np.where(gap > 0, half + np.sqrt(np.abs(gap)), np.sqrt(np.abs(determinant)))


def growth_below(beta1: Fraction, word: list[Fraction], per: int = PER_GROWTH) -> Fraction:
    """The largest multiple of ``1/per`` below the growth per step of a word, confirmed exactly."""
    product = word_matrix(beta1, word)
    rate = _radius(np.array([[float(entry) for entry in row] for row in product])) ** (1 / len(word))
    guess = Fraction(int(float(rate) * per) + 2, per)
    while guess > 0 and not outgrows(product, guess ** len(word)):
        guess -= Fraction(1, per)
    return guess


# ---------------------------------------------------------------- polygons


def polygon(beta1: Fraction, low: Fraction, high: Fraction, slack: float) -> list[tuple[Fraction, Fraction]] | None:
    """Half the vertices of a polygon whose images lie in ``(1 - slack)`` times itself; None when none was found.

    Starting from an octagon in coordinates where a good quadratic form is round, images that stick out are added until
    none does by more than a quarter of the slack; vertices are rounded to as few decimals as cost another quarter.
    """
    frame = _frame(beta1, low, high)
    images = [frame @ _matrix(beta1, gate) @ np.linalg.inv(frame) / (1 - slack) for gate in (low, high)]
    angles = np.pi * np.arange(8) / 4
    corners = np.column_stack([np.cos(angles), np.sin(angles)])
    for _ in range(ROUNDS):
        moved = np.concatenate([corners @ image.T for image in images])
        outside = moved[_norm(corners, moved) > 1 + abs(slack) / 4]
        if not len(outside):
            break
        corners = _hull(np.concatenate([corners, outside]))
        if len(corners) > MOST_VERTICES or np.abs(corners).max() > 1e8:
            return None
    else:
        return None
    half = corners[: len(corners) // 2] @ np.linalg.inv(frame).T
    if np.linalg.det(frame) < 0:
        half = half[::-1]
    half = half / np.abs(half).max()
    for digits in DIGITS:
        vertices = [(_decimal(p, digits), _decimal(q, digits)) for p, q in half]
        most = 1 - slack + abs(slack) / 2
        if supports(vertices) and all(norm_in(vertices, beta1, gate) < most for gate in (low, high)):
            return vertices
    return None


def _frame(beta1: Fraction, low: Fraction, high: Fraction) -> Floats:
    """A change of coordinates in which ``Q_sigma``, sigma midway between the gates, is the round form."""
    decay, kappa = float(beta1), float(edge_of(beta1)) / 2
    sigma = min(max(float(low + high) / 2, 1 / kappa), 2 * kappa - 1 / kappa)
    mixed = (1 - decay) * (sigma - 1) / 2
    return np.linalg.cholesky(np.array([[1 - decay, mixed], [mixed, sigma * decay]])).T


def _norm(corners: Floats, points: Floats) -> Floats:
    """The norm of ``points`` whose unit ball has these ``corners``."""
    following = np.roll(corners, -1, axis=0)
    edges = following - corners
    sizes = corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]
    return ((points[:, :1] * edges[:, 1] - points[:, 1:] * edges[:, 0]) / sizes).max(axis=1)


def _hull(points: Floats) -> Floats:
    """Corners of the convex hull, counter-clockwise, each with its mirror image (monotone chains)."""
    points = points[np.lexsort((points[:, 1], points[:, 0]))]

    def chain(run: Floats) -> list[Floats]:
        kept: list[Floats] = []
        for point in run:
            while len(kept) > 1 and _turn(kept[-2], kept[-1], point) <= 1e-12:
                kept.pop()
            kept.append(point)
        return kept[:-1]

    lower = np.array(chain(points))
    return np.concatenate([lower, -lower])


def _turn(p: Floats, q: Floats, r: Floats) -> float:
    return float((q[0] - p[0]) * (r[1] - q[1]) - (q[1] - p[1]) * (r[0] - q[0]))


# ---------------------------------------------------------------- numbers


def simplest_between(left: Fraction, right: Fraction) -> Fraction:
    """The fraction of least denominator in ``[left, right]``, ``0 < left < right`` (Stern-Brocot).

    >>> simplest_between(Fraction(314, 100), Fraction(315, 100))
    Fraction(22, 7)
    """
    whole = left.numerator // left.denominator
    if left == whole:
        return Fraction(whole)
    if right >= whole + 1:
        return Fraction(whole + 1)
    return whole + 1 / simplest_between(1 / (right - whole), 1 / (left - whole))


def _decimal(value: float, digits: int) -> Fraction:
    return Fraction(round(float(value) * 10**digits), 10**digits)


def _matrix(beta1: Fraction, gate: Fraction) -> Floats:
    matrix, unit = gate_matrix(beta1, gate)
    return (matrix / unit).astype(float)
