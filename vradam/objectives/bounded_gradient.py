"""Sums over coordinates whose gradient is bounded and Lipschitz: the objectives of the rate theorems.

Each is stretched so that its curvature at the origin and the width of its bowl are prescribed: with ``u = x/scale``,
F''(0) = ``curvature``, and sup|F'| is ``curvature * scale`` times a known number.
"""

from __future__ import annotations

import math
from math import sqrt

import numpy as np

from vradam.objectives.building import Scalar, constant, separable
from vradam.objectives.elementary import multiply_add, sin, tanh
from vradam.objectives.objective import Array, Objective
from vradam.validation import whole_number


def pseudo_huber(dim: int, scale: float = 1.0, curvature: float = 1.0) -> Objective:
    """Pseudo-Huber: a quadratic bowl with linear walls.

    .. code-block:: text

        F(x)     = curvature scale^2 sum_i [sqrt(1 + u_i^2) - 1],      u = x/scale
        dF/dx_i  = curvature x_i / sqrt(1 + u_i^2)

    Convex. L = curvature (at 0), sup|dF/dx_i| = curvature * scale (not attained), F* = 0 at 0.

    >>> f = pseudo_huber(1, scale=2.0)
    >>> f.grad(np.array([1.5])), f.smoothness, f.grad_bound
    (array([1.2]), 1.0, 2.0)
    """
    dim = whole_number("dim", dim, least=1)
    scale, curvature = _sizes(scale, curvature)
    return separable(
        "pseudo_huber",
        dim,
        Scalar(_pseudo_huber, _pseudo_huber_slope, _pseudo_huber_bend),
        (scale, curvature),
        smoothness=curvature,
        grad_bound=curvature * scale,
        minimum=0.0,
        minimiser=np.zeros(dim),
        slope=_pseudo_huber_form,
    )


def _sizes(scale: float, curvature: float) -> tuple[float, float]:
    """Checked; the square of ``scale`` and the height curvature scale^2 are floats."""
    scale, curvature = constant("scale", scale, "[1e-150, 1e150]"), constant("curvature", curvature)
    if not np.isfinite(curvature * scale**2):
        raise ValueError(f"curvature scale^2 must be finite, got curvature {curvature} and scale {scale}")
    return scale, curvature


def _pseudo_huber(x: Array, scale: float, curvature: float) -> Array:
    u = x / scale
    return (curvature * scale**2) * (u * u / (1 + np.sqrt(1 + u * u)))  # sqrt(1+u^2) - 1 without cancellation


def _pseudo_huber_slope(x: Array, scale: float, curvature: float) -> Array:
    u = x / scale
    return curvature * x / np.sqrt(1 + u * u)


def _pseudo_huber_form(x_i, scale, curvature, p2, p3):
    """curvature x / sqrt(1 + (x/scale)^2)."""
    u = x_i * (1.0 / scale)
    return curvature * x_i / sqrt(1.0 + u * u)


def _pseudo_huber_bend(x: Array, scale: float, curvature: float) -> Array:
    u = x / scale
    return curvature / np.sqrt(1 + u * u) ** 3


def log_cosh(dim: int, scale: float = 1.0, curvature: float = 1.0) -> Objective:
    """The logarithm of the hyperbolic cosine.

    .. code-block:: text

        F(x)     = curvature scale^2 sum_i log cosh u_i,      u = x/scale
        dF/dx_i  = curvature scale tanh u_i

    Convex. L = curvature (at 0), sup|dF/dx_i| = curvature * scale (not attained), F* = 0 at 0.

    >>> f = log_cosh(2)
    >>> float(f.value(np.array([0.0, 1000.0])))  # 1000 - log 2
    999.3068528194401
    """
    dim = whole_number("dim", dim, least=1)
    scale, curvature = _sizes(scale, curvature)
    return separable(
        "log_cosh",
        dim,
        Scalar(_log_cosh, _log_cosh_slope, _log_cosh_bend),
        (scale, curvature),
        smoothness=curvature,
        grad_bound=curvature * scale,
        minimum=0.0,
        minimiser=np.zeros(dim),
        slope=_log_cosh_form,
    )


def _log_cosh(x: Array, scale: float, curvature: float) -> Array:
    u = np.abs(x / scale)
    near = -0.5 * np.log1p(-(np.tanh(np.minimum(u, 1)) ** 2))  # cosh^-2 = 1 - tanh^2: no cancellation at 0
    far = u + np.log1p(np.exp(-2 * u)) - math.log(2)  # no overflow
    return (curvature * scale**2) * np.where(u < 1, near, far)


def _log_cosh_slope(x: Array, scale: float, curvature: float) -> Array:
    return (curvature * scale) * np.tanh(x / scale)


def _log_cosh_form(x_i, scale, curvature, p2, p3):
    """curvature scale tanh(x/scale); the last term is NaN where x is not finite and 0 elsewhere."""
    return multiply_add(0.0, x_i, curvature * scale * tanh(x_i * (1.0 / scale)))


def _log_cosh_bend(x: Array, scale: float, curvature: float) -> Array:
    e = np.exp(-2 * np.abs(x / scale))
    return curvature * (4 * e / (1 + e) ** 2)


def rational(dim: int, scale: float = 1.0, curvature: float = 2.0) -> Objective:
    """Bounded, non-convex, with one stationary point: ``sum_i x_i^2/(1 + x_i^2)`` at the default parameters.

    .. code-block:: text

        F(x)     = (curvature scale^2 / 2) sum_i u_i^2 / (1 + u_i^2),      u = x/scale
        dF/dx_i  = curvature x_i / (1 + u_i^2)^2

    L = curvature (at 0; the most negative curvature is -curvature/4, at u = 1), max|dF/dx_i| =
    (3 sqrt(3)/16) curvature scale (at u = 1/sqrt 3), F* = 0 at 0.

    >>> f = rational(1)
    >>> f.value(np.array([2.0])), f.grad(np.array([1.0]))
    (np.float64(0.8), array([0.5]))
    """
    dim = whole_number("dim", dim, least=1)
    scale, curvature = _sizes(scale, curvature)
    return separable(
        "rational",
        dim,
        Scalar(_rational, _rational_slope, _rational_bend),
        (scale, curvature),
        smoothness=curvature,
        grad_bound=3 * math.sqrt(3) / 16 * curvature * scale,
        minimum=0.0,
        minimiser=np.zeros(dim),
        slope=_rational_form,
    )


def _rational(x: Array, scale: float, curvature: float) -> Array:
    u = x / scale
    return (curvature * scale**2 / 2) * (u * u / (1 + u * u))


def _rational_slope(x: Array, scale: float, curvature: float) -> Array:
    u = x / scale
    w = 1 / (1 + u * u)
    return curvature * x * w * w


def _rational_form(x_i, scale, curvature, p2, p3):
    """curvature x / (1 + (x/scale)^2)^2."""
    u = x_i * (1.0 / scale)
    w = 1.0 + u * u
    return curvature * x_i / (w * w)


def _rational_bend(x: Array, scale: float, curvature: float) -> Array:
    u = x / scale
    w = 1 / (1 + u * u)
    return curvature * (w * w * (4 * w - 3))  # (1 - 3u^2)/(1 + u^2)^3


def pseudo_huber_sine(
    dim: int, scale: float = 1.0, curvature: float = 1.0, amplitude: float = 0.9, frequency: float = 4.0
) -> Objective:
    """Pseudo-Huber with a sine added to its gradient.

    .. code-block:: text

        F(x)     = pseudo_huber(x) + (amplitude/frequency) sum_i [1 - cos(frequency x_i)]
        dF/dx_i  = curvature x_i / sqrt(1 + (x_i/scale)^2) + amplitude sin(frequency x_i)

    Non-convex for every amplitude > 0. L = curvature + amplitude * frequency (at 0), sup|dF/dx_i| =
    curvature * scale + amplitude (not attained), F* = 0 at 0. At the default parameters each coordinate has two further
    local minima, near +-1.3; for amplitude > curvature * scale there are infinitely many.
    """
    dim = whole_number("dim", dim, least=1)
    scale, curvature = _sizes(scale, curvature)
    amplitude, frequency = constant("amplitude", amplitude), constant("frequency", frequency)
    return separable(
        "pseudo_huber_sine",
        dim,
        Scalar(_pseudo_huber_sine, _pseudo_huber_sine_slope, _pseudo_huber_sine_bend),
        (scale, curvature, amplitude, frequency),
        smoothness=curvature + amplitude * frequency,
        grad_bound=curvature * scale + amplitude,
        minimum=0.0,
        minimiser=np.zeros(dim),
        slope=_pseudo_huber_sine_form,
    )


def _pseudo_huber_sine(x: Array, scale: float, curvature: float, amplitude: float, frequency: float) -> Array:
    half = np.sin(frequency / 2 * x)
    return _pseudo_huber(x, scale, curvature) + (2 * amplitude / frequency) * (half * half)


def _pseudo_huber_sine_slope(x: Array, scale: float, curvature: float, amplitude: float, frequency: float) -> Array:
    return _pseudo_huber_slope(x, scale, curvature) + amplitude * np.sin(frequency * x)


def _pseudo_huber_sine_form(x_i, scale, curvature, amplitude, frequency):
    """Pseudo-Huber's slope plus amplitude sin(frequency x)."""
    u = x_i * (1.0 / scale)
    return curvature * x_i / sqrt(1.0 + u * u) + amplitude * sin(frequency * x_i)


def _pseudo_huber_sine_bend(x: Array, scale: float, curvature: float, amplitude: float, frequency: float) -> Array:
    return _pseudo_huber_bend(x, scale, curvature) + (amplitude * frequency) * np.cos(frequency * x)
