"""Boxes of settings in which a cycle attracts: one cycle for each setting, followed through the box.

With velocities in units of ``1/sqrt(beta3)`` and ``h = (1-beta1) S = 2 (1+beta1) S/B`` a cycle of period 2k with
``w_{i+k} = -w_i`` is a zero of

    f_i = w_{i+1} - (1+beta1) w_i + beta1 w_{i-1} + h phi(w_i),     phi(w) = w/(1 + min(w^2, alpha1)).

A certificate of kind ``attracting`` holds ``alpha1`` (``"oo"`` for cycles that no clip touches) and ``boxes``: closed
intervals ``beta1`` and ``fraction = S/B``, and the approximate ``velocity`` in the middle of the box, k whole numbers
of 10^-6. For every setting of a box :func:`check_attracting` proves that

1. exactly one zero of f lies within ``rho`` of the velocities (Krawczyk's test, ``rho`` found by iteration):

       |C f(c)| + |C| |f - f(c) over the settings| + |I - C f'| rho < rho,     C about the inverse of f'(c);

2. it is not zero, and 2k is its least period;
3. no velocity in reach lies on the clip; the largest square is the ``kinetic`` of the statement: without a clip it
holds
   for every ``alpha1 >= kinetic``;
4. it attracts: the derivative of the half-return map has determinant ``beta1^k``, and by Jury a spectral radius below
one
   where ``|trace| < 1 + beta1^k``.

**Rounding.** Doubles, each quantity with a bound of its error: velocities are below 2^6, a component of f takes fewer
than 10 operations on terms below 2^9, so its error is below ``2^-53 2^9 10 < 1e-12``; a product of matrices of order
``k <= 40`` errs by at most ``(k+2) 2^-53`` times that of their moduli, below ``1e-13`` times it. ``C`` may be any
matrix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from theory.certificates.reading import Read, items, rational, require_keys, shown

Array = NDArray[np.float64]
Pair = tuple[Fraction, Fraction]

MILLIONTH: Final = Fraction(1, 10**6)
MAX_HALF_PERIOD: Final = 40
TERM, PRODUCT = 1e-12, 1e-13
ONE: Final = Fraction(1)


@dataclass(frozen=True)
class Attracting:
    """What one box proves: for each of its settings VRMomentum on ``L x^2/2`` has an attracting cycle below the edge.

    Parameters
    ----------
    beta1, fraction : Pair
        Closed intervals; ``fraction = alpha0 L/B``.
    alpha1 : Fraction
        The clip, or the least one for which the statement holds, with every larger one and none.
    clipped : bool
        Which of the two.
    period : int
        The least period.
    """

    beta1: Pair
    fraction: Pair
    alpha1: Fraction
    clipped: bool
    period: int

    def contains(self, beta1: Fraction, fraction: Fraction, alpha1: Fraction | None) -> bool:
        """Whether the statement is about this setting; ``alpha1`` is None for no clip."""
        here = self.beta1[0] <= beta1 <= self.beta1[1] and self.fraction[0] <= fraction <= self.fraction[1]
        clip = alpha1 == self.alpha1 if self.clipped else alpha1 is None or alpha1 >= self.alpha1
        return here and fraction < 1 and clip


@dataclass(frozen=True)
class Branch:
    """A box with its proof: ``alpha1`` None for a cycle that no clip touches."""

    beta1: Pair
    fraction: Pair
    alpha1: Fraction | None
    velocity: tuple[Fraction, ...]


def branches(data: Mapping[str, Any]) -> Sequence[Branch]:
    """The boxes of a certificate of kind ``attracting``, read strictly, each when it is asked for.

    ValueError if it is malformed.
    """
    require_keys(data, ("alpha1", "boxes"))
    alpha1 = None if data["alpha1"] == "oo" else rational(data["alpha1"], "alpha1")
    if alpha1 is not None and not alpha1 > 0:
        raise ValueError(f"alpha1 must be > 0, got {shown(data['alpha1'])}")
    return Read(items(data["boxes"], "boxes"), lambda entry: _branch(entry, alpha1))


def _branch(data: Any, alpha1: Fraction | None) -> Branch:
    if not isinstance(data, dict):
        raise ValueError(f"a box must be a JSON object, got {shown(data)}")
    require_keys({"kind": "box of an attracting", **data}, ("beta1", "fraction", "velocity"))
    velocity = tuple(rational(value, "velocity") * MILLIONTH for value in items(data["velocity"], "velocity"))
    if len(velocity) > MAX_HALF_PERIOD:
        raise ValueError(f"velocity must have at most {MAX_HALF_PERIOD} entries, got {len(velocity)}")
    if max(map(abs, velocity)) > 50 or any(value.denominator > 10**6 for value in velocity):
        raise ValueError(f"velocity must hold whole numbers of millionths up to 50, got {shown(data['velocity'])}")
    return Branch(_pair(data["beta1"], "beta1"), _pair(data["fraction"], "fraction"), alpha1, velocity)


def _pair(value: Any, name: str) -> Pair:
    low, high = (rational(end, name) for end in items(value, name, 2))
    if not 0 < low <= high <= 1 or (name == "beta1" and high == 1):
        raise ValueError(f"{name} must be a pair 0 < low <= high below 1, got {shown(value)}")
    return low, high


def check_attracting(data: Mapping[str, Any]) -> tuple[Attracting, ...]:
    """What a certificate of kind ``attracting`` proves, box by box; nothing if one of its boxes is false.

    Raises ValueError if it is malformed.
    """
    found = [proves(branch) for branch in tuple(branches(data))]
    return tuple(one for one in found if one is not None) if None not in found else ()


def proves(branch: Branch) -> Attracting | None:
    """The statement that the box proves, None if it proves none."""
    beta1, fraction = branch.beta1, branch.fraction
    beta, half_beta = _centred(beta1)
    h, half_h = _centred((2 * (1 + beta1[0]) * fraction[0], 2 * (1 + beta1[1]) * fraction[1]))
    clip = np.inf if branch.alpha1 is None else float(branch.alpha1)
    w = np.array([float(value) for value in branch.velocity])
    rho = _krawczyk(w, (beta, half_beta), (h, half_h), clip)
    if rho is None or not _least_period(w, rho):
        return None
    if branch.alpha1 is not None and (np.abs(np.abs(w) - np.sqrt(clip)) <= rho + TERM).any():
        return None
    trace = _trace(w, rho, (beta, half_beta), (h, half_h), clip)
    if not trace < 1 + float(beta1[0]) ** w.size - TERM:
        return None
    kinetic = Fraction(int(np.ceil((np.abs(w) + rho).max() ** 2 * 1000 + 1)), 1000)
    alpha1 = kinetic if branch.alpha1 is None else branch.alpha1
    return Attracting(beta1, fraction, alpha1, branch.alpha1 is not None, 2 * w.size)


def _centred(ends: Pair) -> tuple[float, float]:
    """Middle and half-width, the latter rounded up generously."""
    return float((ends[0] + ends[1]) / 2), float((ends[1] - ends[0]) / 2) * (1 + TERM) + 1e-15


def slopes(w: Array, rho: Array, alpha1: float) -> tuple[Array, Array]:
    """Middle and half-width of ``phi'`` over ``w +- rho``: with ``u = w^2`` it is ``(1-u)/(1+u)^2``, which falls to
    -1/8 at ``u = 3`` and rises after; ``1/(1+alpha1)`` beyond the clip, on which no ``w +- rho`` lies."""
    near, far = np.maximum(np.abs(w) - rho, 0), np.abs(w) + rho
    ends = [(1 - v * v) / (1 + v * v) ** 2 for v in (near, far)]
    least = np.where((near * near < 3.001) & (far * far > 2.999), -0.125, np.minimum(*ends))
    closed = w * w > alpha1
    middle = np.where(closed, 1 / (1 + min(alpha1, 1e300)), (least + np.maximum(*ends)) / 2)
    return middle, np.where(closed, 0, (np.maximum(*ends) - least) / 2) + TERM


def _wrapped(w: Array) -> tuple[Array, Array]:
    """``w_{i-1}`` and ``w_{i+1}``, with ``w_{i+k} = -w_i``."""
    return np.append(-w[-1], w[:-1]), np.append(w[1:], -w[0])


def _krawczyk(
    w: Array, beta1: tuple[float, float], h: tuple[float, float], alpha1: float, rounds: int = 30
) -> Array | None:
    """``rho`` for which 1. holds, or None."""
    k, before, after = w.size, *_wrapped(w)
    force = w / (1 + np.minimum(w * w, alpha1))
    residual = after - (1 + beta1[0]) * w + beta1[0] * before + h[0] * force
    varies = beta1[1] * np.abs(before - w) + h[1] * np.abs(force) + TERM
    shift = np.zeros((k, k))  # (shift w)_i = w_{i+1}
    for i in range(k):
        shift[i, (i + 1) % k] += 1.0 if i + 1 < k else -1.0
    back = shift.T

    def derivative(rho: Array) -> tuple[Array, Array]:
        middle, half = slopes(w, rho, alpha1)
        spread = h[0] * half + h[1] * (np.abs(middle) + half) + beta1[1] + TERM
        return (
            shift + beta1[0] * back + np.diag(h[0] * middle - (1 + beta1[0])),
            np.diag(spread) + beta1[1] * np.abs(back),
        )

    try:
        C = np.linalg.inv(derivative(np.zeros(k))[0])
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(C).all() or np.abs(C).max() > 1e6:
        return None
    modulus = np.abs(C)
    start = np.abs(C @ residual) + modulus @ (varies + PRODUCT * np.abs(residual))
    rho = 2 * start
    for _ in range(rounds):
        middle, half = derivative(rho)
        defect = np.abs(np.eye(k) - C @ middle) + PRODUCT * (modulus @ np.abs(middle)) + modulus @ half
        needed = (start + defect @ rho) * (1 + 1e-9) + TERM
        if (needed < rho).all():
            return rho
        rho = 1.1 * needed
        if rho.max() > 1:
            return None
    return None


def _least_period(w: Array, rho: Array) -> bool:
    """Not zero, and ``w_{i+j} = -w_i`` for no proper divisor j of k with k/j odd: then 2k is the least period."""
    k = w.size
    signed, reach = np.append(w, -w), np.append(rho, rho)
    shorter = [j for j in range(1, k) if k % j == 0 and (k // j) % 2 == 1]
    return bool((np.abs(w) > rho).any()) and all(
        bool((np.abs(signed[j : j + k] + w) > reach[j : j + k] + rho + TERM).any()) for j in shorter
    )


def _trace(w: Array, rho: Array, beta1: tuple[float, float], h: tuple[float, float], alpha1: float) -> float:
    """An upper bound of the modulus of the trace of the product of ``[[1+beta1 - h phi'(w_i), -beta1], [1, 0]]``."""
    middle, half = slopes(w, rho, alpha1)
    product, error = np.eye(2), np.zeros((2, 2))
    for slope, spread in zip(middle, half, strict=True):
        factor = np.array([[1 + beta1[0] - h[0] * slope, -beta1[0]], [1.0, 0.0]])
        width = beta1[1] + h[0] * spread + h[1] * (abs(slope) + spread) + TERM
        doubt = np.array([[width, beta1[1]], [0.0, 0.0]])
        error = (
            np.abs(factor) @ error + doubt @ (np.abs(product) + error) + PRODUCT * (np.abs(factor) @ np.abs(product))
        )
        product = factor @ product
    return float(abs(product[0, 0] + product[1, 1]) + error[0, 0] + error[1, 1]) * (1 + TERM)
