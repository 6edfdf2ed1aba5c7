"""Where the gate of Algorithm 1 settles: the numbers behind C1b, as plain functions.

As the step size shrinks, the iterate moves along the mean of the gated velocity, ``psi(G) = E phi(v)`` with
``phi(w) = w / (1 + min(beta3 w^2, alpha1))`` and ``v`` the stationary velocity at a frozen gradient ``G``. It
settles where ``psi`` vanishes with positive slope, which need not be ``G = 0``. Two-point noise is
``+ amplitude (1-p)/p`` with probability ``p``, else ``-amplitude``.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Stationary(NamedTuple):
    """A zero of ``psi``: the gradient there, and whether the iterate is drawn to it."""

    gradient: float
    attracting: bool


def gated(w: ArrayLike, beta3: float, alpha1: float) -> Array:
    """``phi(w) = w / (1 + min(beta3 w^2, alpha1))``, elementwise."""
    speed = np.asarray(w, dtype=float)
    return speed / (1 + np.minimum(beta3 * speed**2, alpha1))


def mean_gated(gradient: ArrayLike, values: ArrayLike, weights: ArrayLike, beta3: float, alpha1: float) -> Array:
    """``psi(G) = sum_i weights_i phi(G + values_i)`` for every ``G`` in ``gradient``."""
    shifted = np.asarray(gradient, dtype=float)[..., None] + np.asarray(values, dtype=float)
    return gated(shifted, beta3, alpha1) @ np.asarray(weights, dtype=float)


def two_point_law(p: float, amplitude: float) -> tuple[Array, Array]:
    """The two values of the noise and their probabilities."""
    if not 0 < p < 1:
        raise ValueError(f"p must lie in (0, 1), got {p}")
    if not amplitude > 0:
        raise ValueError(f"amplitude must be positive, got {amplitude}")
    return np.array([amplitude * (1 - p) / p, -amplitude]), np.array([p, 1 - p])


def stationary_gradients(p: float, amplitude: float, beta3: float, alpha1: float) -> tuple[Stationary, ...]:
    """All zeros of ``psi`` for two-point noise at ``beta1 = 0``, in increasing order, to machine precision.

    Each of the two values is clipped or not; in each of the four cases the zeros of ``psi`` are the roots of a
    polynomial of degree at most 3, kept where the case applies and polished by Newton's method. ``alpha1`` may be
    ``inf``.

    >>> stationary_gradients(0.5, 2.0, 1.0, 19.0)[-1]  # G^2 = amplitude^2 - 1/beta3
    Stationary(gradient=1.7320508075688772, attracting=True)
    """
    values, weights = two_point_law(p, amplitude)
    _check_gate(beta3, alpha1)
    clip = np.sqrt(alpha1 / beta3) if beta3 > 0 else np.inf
    zeros: list[float] = []
    for up_clipped in (False, True):
        for down_clipped in (False, True):
            clipped = np.array([up_clipped, down_clipped])
            if clipped.any() and not np.isfinite(clip):
                continue
            for zero in _roots(values, weights, clipped, beta3, alpha1):
                inside = clipped == (np.abs(zero + values) > clip)
                on_border = np.isclose(np.abs(zero + values), clip, rtol=1e-9)
                if np.all(inside | on_border) and not np.any(np.isclose(zero, zeros, rtol=1e-9, atol=1e-12)):
                    zeros.append(zero)
    return tuple(Stationary(zero, _rises(zero, values, weights, beta3, alpha1)) for zero in sorted(zeros))


def _roots(values: Array, weights: Array, clipped: NDArray[np.bool_], beta3: float, alpha1: float) -> list[float]:
    """Real zeros of ``sum_i weights_i (G + values_i)/gate_i``, the gate ``1 + alpha1`` where clipped."""
    gates = [
        Polynomial([1 + alpha1]) if cut else Polynomial([1 + beta3 * value**2, 2 * beta3 * value, beta3])
        for value, cut in zip(values, clipped, strict=True)
    ]
    first, second = (
        weight * Polynomial([value, 1.0]) for weight, value in zip(weights.tolist(), values.tolist(), strict=True)
    )
    polynomial = first * gates[1] + second * gates[0]
    slope = polynomial.deriv()
    zeros = []
    for root in polynomial.roots():
        if abs(root.imag) > 1e-6 * (1 + abs(root)):
            continue
        zero = float(root.real)
        for _ in range(4):
            if slope(zero) != 0:
                zero -= float(polynomial(zero) / slope(zero))
        zeros.append(zero)
    return zeros


def _rises(zero: float, values: Array, weights: Array, beta3: float, alpha1: float) -> bool:
    """Whether ``psi`` changes sign from minus to plus at ``zero``."""
    h = 1e-6 * (1 + float(np.abs(values).max()))
    before, after = mean_gated([zero - h, zero + h], values, weights, beta3, alpha1)
    return bool(before < 0 < after)


def stationary_gradient(p: float, amplitude: float, beta3: float, alpha1: float) -> float:
    """Where a run that starts at the minimiser settles (two-point noise, ``beta1 = 0``): the gradient there.

    The iterate leaves ``G = 0`` against the sign of ``psi(0)`` and stops at the first attracting zero; where symmetric
    noise makes ``G = 0`` repelling, both signs are possible and the positive one is returned.

    >>> round(stationary_gradient(0.1, 1.0, 1.0, 19.0) ** 2, 3)
    0.892
    >>> stationary_gradient(0.5, 0.9, 1.0, 19.0)  # symmetric, amplitude^2 < 1/beta3: no bias
    0.0
    """
    values, weights = two_point_law(p, amplitude)
    zeros = stationary_gradients(p, amplitude, beta3, alpha1)
    push = -float(mean_gated(0.0, values, weights, beta3, alpha1))
    at_minimum = [zero for zero in zeros if abs(zero.gradient) < 1e-12]
    if at_minimum and at_minimum[0].attracting:
        return 0.0
    direction = 1.0 if at_minimum or push > 0 else -1.0
    ahead = [zero.gradient for zero in zeros if zero.attracting and direction * zero.gradient > 1e-12]
    return min(ahead, key=abs)


# ---------------------------------------------------------------- with momentum


@cache
def velocity_law(p: float, amplitude: float, beta1: float, points: int = 1 << 14) -> tuple[Array, Array]:
    """The stationary law of ``V = (1-beta1) sum_k beta1^k xi_k``, two-point ``xi``: values and weights.

    The law is the fixed point of ``V -> beta1 V + (1-beta1) xi``, iterated on a grid; a mass between two grid points
    is split so that its mean is kept exactly (the variance grows by at most ``(cell/2)^2/(1 - beta1^2)``).

    >>> values, weights = velocity_law(0.1, 1.0, 0.9)
    >>> abs(float(weights @ values)) < 1e-12, round(float(weights @ values**2), 4)  # variance 9 (1-beta1)/(1+beta1)
    (True, 0.4737)
    """
    noise, chances = two_point_law(p, amplitude)
    if not 0 <= beta1 < 1:
        raise ValueError(f"beta1 must lie in [0, 1), got {beta1}")
    if beta1 == 0:
        return noise, chances
    grid = np.linspace(noise.min(), noise.max(), points)
    images = [(beta1 * grid + (1 - beta1) * value - grid[0]) / (grid[1] - grid[0]) for value in noise]
    left = [np.clip(image.astype(np.int64), 0, points - 2) for image in images]
    share = [image - cell for image, cell in zip(images, left, strict=True)]
    weights = np.zeros(points)
    start = -grid[0] / (grid[1] - grid[0])  # the mean, 0
    weights[int(start)], weights[int(start) + 1] = 1 - start % 1, start % 1
    for _ in range(int(np.ceil(np.log(1e-14) / np.log(beta1)))):
        moved = np.zeros(points)
        for chance, cell, part in zip(chances, left, share, strict=True):
            moved += chance * np.bincount(cell, weights * (1 - part), points)
            moved += chance * np.bincount(cell + 1, weights * part, points)
        weights = moved
    for array in (grid, weights):
        array.setflags(write=False)  # shared by all callers
    return grid, weights


def plateau_gradient(p: float, amplitude: float, beta1: float, beta3: float, alpha1: float) -> float:
    """Where a run of Algorithm 1 that starts at the minimiser settles as its step shrinks: the gradient there.

    The first zero with positive slope of ``psi(G) = E phi(G + V)``, with the stationary velocity ``V`` of
    :func:`velocity_law`, on the side to which ``psi(0)`` pushes; 0 where the minimiser attracts, and the positive one
    of two where symmetric noise makes it repelling. At ``beta1 = 0``, :func:`stationary_gradient` is exact.

    >>> round(plateau_gradient(0.1, 1.0, 0.9, 1.0, 19.0) ** 2, 4)
    0.0074
    """
    from scipy.optimize import brentq

    _check_gate(beta3, alpha1)
    values, weights = velocity_law(p, amplitude, beta1)
    centre = float(mean_gated(0.0, values, weights, beta3, alpha1))
    symmetric = abs(centre) < 1e-9 * amplitude
    side = 1.0 if symmetric or centre < 0 else -1.0
    rest = 1e-6 * amplitude if symmetric else 0.0

    def push(distance: float) -> float:
        return side * float(mean_gated(side * distance, values, weights, beta3, alpha1))

    if push(rest) >= 0:
        return 0.0
    distances = np.linspace(rest, 2 * float(np.abs(values).max()), 513)
    first = next(i for i, distance in enumerate(distances) if push(float(distance)) > 0)
    return side * float(brentq(push, distances[first - 1], distances[first], xtol=1e-14))


def _check_gate(beta3: float, alpha1: float) -> None:
    for name, value in (("beta3", beta3), ("alpha1", alpha1)):
        if not value >= 0:
            raise ValueError(f"{name} must be nonnegative, got {value}")
