"""The gradients of the catalogue as the compiled engine inlines them; each factory's NumPy gradient is the reference.

Separable ones are ``slope(x_i, p0, p1, p2, p3)``, the derivative along one coordinate with that coordinate's four
parameters. The others fill ``g`` (d, lanes) from a tile ``x`` (d, lanes).
"""

from __future__ import annotations

from math import e, pi, sqrt

import numpy as np

from vradam.objectives.elementary import exp_minus, sin, sin_cos_of_turns, tanh


def parabola(x_i, h, p1, p2, p3):
    """h x: a quadratic in its eigenbasis."""
    return h * x_i


def dense_quadratic(x, g, parameters):
    """g = H x with H (d, d) = ``parameters``: two rows by four columns at a time, to load less often."""
    d, lanes = x.shape
    for i in range(0, d, 2):
        n = min(i + 1, d - 1)  # the last row is its own neighbour where d is odd
        for j in range(lanes):
            g[i, j] = 0.0
            g[n, j] = 0.0
        for k in range(0, d - 3, 4):
            a0, a1, a2, a3 = parameters[i, k], parameters[i, k + 1], parameters[i, k + 2], parameters[i, k + 3]
            b0, b1, b2, b3 = parameters[n, k], parameters[n, k + 1], parameters[n, k + 2], parameters[n, k + 3]
            for j in range(lanes):
                x0, x1, x2, x3 = x[k, j], x[k + 1, j], x[k + 2, j], x[k + 3, j]
                one = g[i, j] + ((a0 * x0 + a1 * x1) + (a2 * x2 + a3 * x3))
                other = g[n, j] + ((b0 * x0 + b1 * x1) + (b2 * x2 + b3 * x3))
                g[i, j] = one
                g[n, j] = other
        for k in range(d - d % 4, d):
            a, b = parameters[i, k], parameters[n, k]
            for j in range(lanes):
                one = g[i, j] + a * x[k, j]
                other = g[n, j] + b * x[k, j]
                g[i, j] = one
                g[n, j] = other


def pseudo_huber(x_i, scale, curvature, p2, p3):
    """curvature x / sqrt(1 + (x/scale)^2)."""
    u = x_i * (1.0 / scale)
    return curvature * x_i / sqrt(1.0 + u * u)


def log_cosh(x_i, scale, curvature, p2, p3):
    """curvature scale tanh(x/scale); the last term is NaN where x is not finite and 0 elsewhere."""
    return curvature * scale * tanh(x_i * (1.0 / scale)) + 0.0 * x_i


def rational(x_i, scale, curvature, p2, p3):
    """curvature x / (1 + (x/scale)^2)^2."""
    u = x_i * (1.0 / scale)
    w = 1.0 + u * u
    return curvature * x_i / (w * w)


def pseudo_huber_sine(x_i, scale, curvature, amplitude, frequency):
    """Pseudo-Huber's slope plus amplitude sin(frequency x)."""
    u = x_i * (1.0 / scale)
    return curvature * x_i / sqrt(1.0 + u * u) + amplitude * sin(frequency * x_i)


def rastrigin(x_i, p0, p1, p2, p3):
    """20 pi sin(2 pi x) + 2 x."""
    sine, _ = sin_cos_of_turns(x_i)
    return 20.0 * pi * sine + 2.0 * x_i


def styblinski_tang(x_i, p0, p1, p2, p3):
    """(4 x^3 - 32 x + 5)/2."""
    return x_i * (2.0 * x_i * x_i - 16.0) + 2.5


def rosenbrock(x, g, parameters):
    """The valley 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2, summed over i."""
    d, lanes = x.shape
    for j in range(lanes):
        g[0, j] = 0.0
    for i in range(d - 1):
        for j in range(lanes):
            a = x[i, j]
            r = x[i + 1, j] - a * a
            g[i, j] += -400.0 * a * r - 2.0 * (1.0 - a)
            g[i + 1, j] = 200.0 * r


def beale(x, g, parameters):
    """Three squares (c_k - x + x y^k)^2."""
    for j in range(x.shape[1]):
        u, y = x[0, j], x[1, j]
        p1, p2, p3 = y - 1.0, y * y - 1.0, y * y * y - 1.0
        r1, r2, r3 = 1.5 + u * p1, 2.25 + u * p2, 2.625 + u * p3
        g[0, j] = 2.0 * (r1 * p1 + r2 * p2 + r3 * p3)
        g[1, j] = 2.0 * u * (r1 + 2.0 * y * r2 + 3.0 * y * y * r3)


def himmelblau(x, g, parameters):
    """(x^2 + y - 11)^2 + (x + y^2 - 7)^2."""
    for j in range(x.shape[1]):
        u, y = x[0, j], x[1, j]
        p, q = u * u + y - 11.0, u + y * y - 7.0
        g[0, j] = 4.0 * u * p + 2.0 * q
        g[1, j] = 2.0 * p + 4.0 * y * q


def four_scalar_product(x, g, parameters):
    """(x y z w - 1)^2 / 2."""
    for j in range(x.shape[1]):
        a, b, c, d = x[0, j], x[1, j], x[2, j], x[3, j]
        r = a * b * c * d - 1.0
        g[0, j] = r * b * c * d
        g[1, j] = r * a * c * d
        g[2, j] = r * a * b * d
        g[3, j] = r * a * b * c


def progressive_sharpening(x, g, parameters):
    """y^2 x^2 / 2 + flat (y - Y)^2 / 2 with (Y, flat) = ``parameters``."""
    target, flat = parameters[0], parameters[1]
    for j in range(x.shape[1]):
        u, y = x[0, j], x[1, j]
        g[0, j] = y * y * u
        g[1, j] = u * u * y + flat * (y - target)


def matrix_factorisation(x, g, parameters):
    """|U V' - M|^2 / 2 with M (m, n) = ``parameters`` and x the rows of U, then those of V."""
    d, lanes = x.shape
    m, n = parameters.shape
    rank = d // (m + n)
    residual = np.empty(lanes)
    for i in range(d):
        for j in range(lanes):
            g[i, j] = 0.0
    for row in range(m):
        for column in range(n):
            target = parameters[row, column]
            for j in range(lanes):
                residual[j] = -target
            for k in range(rank):
                u, v = row * rank + k, (m + column) * rank + k
                for j in range(lanes):
                    residual[j] += x[u, j] * x[v, j]
            for k in range(rank):
                u, v = row * rank + k, (m + column) * rank + k
                for j in range(lanes):
                    g[u, j] += residual[j] * x[v, j]
                    g[v, j] += residual[j] * x[u, j]


def ackley(x, g, parameters):
    """4 exp(-r/5) grad r + (2 pi/d) exp(mean cos 2 pi x) sin 2 pi x, r = sqrt(mean x^2)."""
    d, lanes = x.shape
    radius, cosines = np.zeros(lanes), np.zeros(lanes)
    for i in range(d):
        for j in range(lanes):
            sine, cosine = sin_cos_of_turns(x[i, j])
            g[i, j] = sine
            radius[j] += x[i, j] * x[i, j]
            cosines[j] += cosine
    for j in range(lanes):
        r = sqrt(radius[j] / d)
        radius[j] = 4.0 * exp_minus(0.2 * r) / (d * r) if r > 0.0 else 0.0 * r
        cosines[j] = (2.0 * pi * e / d) * exp_minus(1.0 - cosines[j] / d)
    for i in range(d):
        for j in range(lanes):
            g[i, j] = radius[j] * x[i, j] + cosines[j] * g[i, j]


def logistic_regression(x, g, parameters):
    """The mean over the rows y_i a_i of ``parameters`` below the first, which holds l2 alone."""
    d, lanes = x.shape
    n = parameters.shape[0] - 1
    weight = np.empty(lanes)
    for i in range(d):
        for j in range(lanes):
            g[i, j] = 0.0
    for term in range(1, n + 1):
        for j in range(lanes):
            weight[j] = 0.0
        for i in range(d):
            a = parameters[term, i]
            for j in range(lanes):
                weight[j] += a * x[i, j]
        for j in range(lanes):
            weight[j] = missing(weight[j])
        for i in range(d):
            a = parameters[term, i]
            for j in range(lanes):
                g[i, j] += weight[j] * a
    l2 = parameters[0, 0]
    for i in range(d):
        for j in range(lanes):
            g[i, j] = l2 * x[i, j] - g[i, j] / n


def mean_of_logistic_terms(x, g, chosen, parameters):
    """The same over the terms chosen (size, lanes)."""
    d, lanes = x.shape
    size = chosen.shape[0]
    l2 = parameters[0, 0]
    for j in range(lanes):
        for i in range(d):
            g[i, j] = 0.0
        for k in range(size):
            term = chosen[k, j] + 1
            margin = 0.0
            for i in range(d):
                margin += parameters[term, i] * x[i, j]
            weight = missing(margin)
            for i in range(d):
                g[i, j] += weight * parameters[term, i]
        for i in range(d):
            g[i, j] = l2 * x[i, j] - g[i, j] / size


def missing(margin):
    """1/(1 + exp(margin)): the probability that the model gives to the other label."""
    small = exp_minus(abs(margin))
    return (small if margin >= 0.0 else 1.0) / (1.0 + small)
