"""The gradients of the catalogue as the compiled engine inlines them; each factory's NumPy gradient is the reference.

Separable ones are ``slope(x_i, p0, p1, p2, p3)``, the derivative along one coordinate with that coordinate's four
parameters. The others fill ``g`` (d, lanes) from a tile ``x`` (d, lanes).
"""

from __future__ import annotations

from math import sin, sqrt, tanh


def parabola(x_i, h, p1, p2, p3):
    """h x: a quadratic in its eigenbasis."""
    return h * x_i


def dense_quadratic(x, g, parameters):
    """g = H x with H (d, d) = ``parameters``."""
    d, lanes = x.shape
    for i in range(d):
        for j in range(lanes):
            g[i, j] = parameters[i, 0] * x[0, j]
        for k in range(1, d):
            h = parameters[i, k]
            for j in range(lanes):
                g[i, j] += h * x[k, j]


def pseudo_huber(x_i, scale, curvature, p2, p3):
    """curvature x / sqrt(1 + (x/scale)^2)."""
    u = x_i / scale
    return curvature * x_i / sqrt(1.0 + u * u)


def log_cosh(x_i, scale, curvature, p2, p3):
    """curvature scale tanh(x/scale); the last term is NaN where x is not finite and 0 elsewhere."""
    return curvature * scale * tanh(x_i / scale) + 0.0 * x_i


def rational(x_i, scale, curvature, p2, p3):
    """curvature x / (1 + (x/scale)^2)^2."""
    u = x_i / scale
    w = 1.0 + u * u
    return curvature * x_i / (w * w)


def pseudo_huber_sine(x_i, scale, curvature, amplitude, frequency):
    """Pseudo-Huber's slope plus amplitude sin(frequency x)."""
    u = x_i / scale
    return curvature * x_i / sqrt(1.0 + u * u) + amplitude * sin(frequency * x_i)
