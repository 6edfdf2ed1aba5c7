"""The test functions of the optimisation textbooks. None has a bounded gradient and a finite L at once."""

from __future__ import annotations

import math
from functools import partial
from math import e, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike

from vradam.objectives.building import Scalar, hessian_by_columns, point, separable
from vradam.objectives.elementary import exp_minus, multiply_add, sin_cos_of_turns
from vradam.objectives.objective import Array, Kernel, Objective
from vradam.validation import whole_number


def rosenbrock(dim: int = 2) -> Objective:
    """Rosenbrock's valley: ``sum_{i<d} 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2``, d >= 2.

    F* = 0 at (1, ..., 1); L and the gradient are unbounded. Start: (-1.2, 1, -1.2, 1, ...).
    Source: Rosenbrock, Comput. J. 3 (1960) 175; More, Garbow, Hillstrom, ACM TOMS 7 (1981) 17.

    >>> f = rosenbrock()
    >>> float(f.value(f.start)), f.grad(f.start).tolist()
    (24.199999999999996, [-215.6, -87.99999999999999])
    """
    dim = whole_number("dim", dim, least=2)
    hvp = partial(_rosenbrock_hvp, dim)
    ends = np.ones((dim, 4))
    ends[0, 0] = ends[-1, 1] = 0.0
    return Objective(
        name="rosenbrock",
        dim=dim,
        value=partial(_rosenbrock, dim),
        grad=partial(_rosenbrock_grad, dim),
        hvp=hvp,
        hessian=partial(hessian_by_columns, hvp, dim),
        minimum=0.0,
        minimiser=np.ones(dim),
        start=np.resize([-1.2, 1.0], dim),
        kernel=Kernel(_rosenbrock_slope, ends, separable=False, neighbours=True),
    )


def _rosenbrock(dim: int, x: ArrayLike) -> Array:
    x = point(x, dim)
    a = x[..., :-1]
    r = x[..., 1:] - a * a
    return np.sum(100 * r * r + (1 - a) * (1 - a), axis=-1)


def _rosenbrock_grad(dim: int, x: ArrayLike) -> Array:
    x = point(x, dim)
    a = x[..., :-1]
    r = x[..., 1:] - a * a
    g = np.zeros_like(x)
    g[..., :-1] = -400 * a * r - 2 * (1 - a)
    g[..., 1:] += 200 * r
    return g


def _rosenbrock_slope(before, a, after, left, right, _p2, _p3):
    """dF/dx_i at x_i = a; ``left`` and ``right`` are 1, or 0 where there is no such neighbour."""
    b = right * a
    pull = multiply_add(200.0 * left, multiply_add(-before, before, a), multiply_add(2.0, b, -2.0 * right))
    return multiply_add(-400.0 * b, multiply_add(-b, b, after), pull)


def _rosenbrock_hvp(dim: int, x: ArrayLike, u: ArrayLike) -> Array:
    x, u = np.broadcast_arrays(point(x, dim), point(u, dim))
    a, du = x[..., :-1], u[..., :-1]
    r = x[..., 1:] - a * a
    dr = u[..., 1:] - 2 * a * du
    product = np.zeros_like(u)
    product[..., :-1] = -400 * (du * r + a * dr) + 2 * du
    product[..., 1:] += 200 * dr
    return product


def beale() -> Objective:
    """Beale's function, d = 2: ``sum_{k=1,2,3} (c_k - x + x y^k)^2`` with c = (1.5, 2.25, 2.625).

    F* = 0 at (3, 1/2); L and the gradient are unbounded. Start: (1, 1).
    Source: More, Garbow, Hillstrom, ACM TOMS 7 (1981) 17, problem 5.
    """
    return Objective(
        name="beale",
        dim=2,
        value=_beale,
        grad=_beale_grad,
        hvp=_beale_hvp,
        hessian=partial(hessian_by_columns, _beale_hvp, 2),
        minimum=0.0,
        minimiser=np.array([3.0, 0.5]),
        start=np.array([1.0, 1.0]),
        kernel=Kernel(_beale_form, np.zeros(0), separable=False),
    )


def _beale(z: ArrayLike) -> Array:
    x, y = _pair(z)
    r1, r2, r3 = 1.5 - x * (1 - y), 2.25 - x * (1 - y * y), 2.625 - x * (1 - y * y * y)
    return r1 * r1 + r2 * r2 + r3 * r3


def _beale_grad(z: ArrayLike) -> Array:
    x, y = _pair(z)
    p1, p2, p3 = y - 1, y * y - 1, y * y * y - 1
    r1, r2, r3 = 1.5 + x * p1, 2.25 + x * p2, 2.625 + x * p3
    along_x = 2 * (r1 * p1 + r2 * p2 + r3 * p3)
    along_y = 2 * x * (r1 + 2 * y * r2 + 3 * y * y * r3)
    return np.stack([along_x, along_y], axis=-1)


def _beale_form(x, g, parameters):
    """Three squares (c_k - x + x y^k)^2."""
    for j in range(x.shape[1]):
        u, y = x[0, j], x[1, j]
        p1, p2, p3 = y - 1.0, y * y - 1.0, y * y * y - 1.0
        r1, r2, r3 = 1.5 + u * p1, 2.25 + u * p2, 2.625 + u * p3
        g[0, j] = 2.0 * (r1 * p1 + r2 * p2 + r3 * p3)
        g[1, j] = 2.0 * u * (r1 + 2.0 * y * r2 + 3.0 * y * y * r3)


def _beale_hvp(z: ArrayLike, u: ArrayLike) -> Array:
    x, y = _pair(z)
    a, b = _pair(u)
    p1, p2, p3 = y - 1, y * y - 1, y * y * y - 1
    r1, r2, r3 = 1.5 + x * p1, 2.25 + x * p2, 2.625 + x * p3
    s = r1 + 2 * y * r2 + 3 * y * y * r3  # the gradient is 2 (r.p, x s)
    d1, d2, d3 = p1 * a + x * b, p2 * a + 2 * x * y * b, p3 * a + 3 * x * y * y * b
    ds = d1 + 2 * (b * r2 + y * d2) + 3 * y * (2 * b * r3 + y * d3)
    along_x = 2 * (d1 * p1 + d2 * p2 + d3 * p3 + s * b)
    along_y = 2 * (a * s + x * ds)
    return np.stack([along_x, along_y], axis=-1)


def himmelblau() -> Objective:
    """Himmelblau's function, d = 2: ``(x^2 + y - 11)^2 + (x + y^2 - 7)^2``.

    F* = 0 at four points, of which ``minimiser`` is (3, 2); L and the gradient are unbounded.
    Source: Himmelblau, Applied Nonlinear Programming (1972).
    """
    return Objective(
        name="himmelblau",
        dim=2,
        value=_himmelblau,
        grad=_himmelblau_grad,
        hvp=_himmelblau_hvp,
        hessian=partial(hessian_by_columns, _himmelblau_hvp, 2),
        minimum=0.0,
        minimiser=np.array([3.0, 2.0]),
        kernel=Kernel(_himmelblau_form, np.zeros(0), separable=False),
    )


def _himmelblau(z: ArrayLike) -> Array:
    x, y = _pair(z)
    p, q = x * x + y - 11, x + y * y - 7
    return p * p + q * q


def _himmelblau_grad(z: ArrayLike) -> Array:
    x, y = _pair(z)
    p, q = x * x + y - 11, x + y * y - 7
    return np.stack([4 * x * p + 2 * q, 2 * p + 4 * y * q], axis=-1)


def _himmelblau_form(x, g, parameters):
    """(x^2 + y - 11)^2 + (x + y^2 - 7)^2."""
    for j in range(x.shape[1]):
        u, y = x[0, j], x[1, j]
        p, q = u * u + y - 11.0, u + y * y - 7.0
        g[0, j] = 4.0 * u * p + 2.0 * q
        g[1, j] = 2.0 * p + 4.0 * y * q


def _himmelblau_hvp(z: ArrayLike, u: ArrayLike) -> Array:
    x, y = _pair(z)
    a, b = _pair(u)
    p, q = x * x + y - 11, x + y * y - 7
    dp, dq = 2 * x * a + b, a + 2 * y * b
    return np.stack([4 * (a * p + x * dp) + 2 * dq, 2 * dp + 4 * (b * q + y * dq)], axis=-1)


def _pair(z: ArrayLike) -> tuple[Array, Array]:
    z = point(z, 2)
    return z[..., 0], z[..., 1]


def rastrigin(dim: int) -> Objective:
    """Rastrigin's function: ``sum_i 10 (1 - cos 2 pi x_i) + x_i^2``.

    L = 2 + 40 pi^2 (at every integer point); the gradient is unbounded; F* = 0 at 0, among about 11^d local minima in
    [-5.12, 5.12]^d.
    Source: Rastrigin, Systems of Extremal Control (1974).
    """
    dim = whole_number("dim", dim, least=1)
    return separable(
        "rastrigin",
        dim,
        Scalar(_rastrigin, _rastrigin_slope, _rastrigin_bend),
        smoothness=2 + 40 * math.pi**2,
        minimum=0.0,
        minimiser=np.zeros(dim),
        slope=_rastrigin_form,
    )


def _rastrigin(x: Array) -> Array:
    return 20 * np.sin(math.pi * x) ** 2 + x * x


def _rastrigin_slope(x: Array) -> Array:
    return 20 * math.pi * np.sin(2 * math.pi * x) + 2 * x


def _rastrigin_form(x_i, p0, p1, p2, p3):
    """20 pi sin(2 pi x) + 2 x."""
    sine, _ = sin_cos_of_turns(x_i)
    return 20.0 * pi * sine + 2.0 * x_i


def _rastrigin_bend(x: Array) -> Array:
    return 40 * math.pi**2 * np.cos(2 * math.pi * x) + 2


def styblinski_tang(dim: int) -> Objective:
    """The Styblinski-Tang function: ``sum_i (x_i^4 - 16 x_i^2 + 5 x_i)/2``.

    L and the gradient are unbounded. Every coordinate of the minimiser is the least root of x^3 - 8x + 5/4,
    -2 sqrt(8/3) cos(arccos(15/64 sqrt(3/8))/3) = -2.90353..., and F* = -39.16616...d.
    Source: Styblinski and Tang, Neural Networks 3 (1990) 467.
    """
    dim = whole_number("dim", dim, least=1)
    root = -2 * math.sqrt(8 / 3) * math.cos(math.acos(15 / 64 * math.sqrt(3 / 8)) / 3)
    return separable(
        "styblinski_tang",
        dim,
        Scalar(_styblinski_tang, _styblinski_tang_slope, _styblinski_tang_bend),
        minimum=dim * (root**4 - 16 * root**2 + 5 * root) / 2,
        minimiser=np.full(dim, root),
        slope=_styblinski_tang_form,
    )


def _styblinski_tang(x: Array) -> Array:
    return 0.5 * x * (x * (x * x - 16) + 5)


def _styblinski_tang_slope(x: Array) -> Array:
    return x * (2 * x * x - 16) + 2.5


def _styblinski_tang_form(x_i, p0, p1, p2, p3):
    """(4 x^3 - 32 x + 5)/2."""
    return x_i * (2.0 * x_i * x_i - 16.0) + 2.5


def _styblinski_tang_bend(x: Array) -> Array:
    return 6 * x * x - 16


def ackley(dim: int) -> Objective:
    """Ackley's function.

    .. code-block:: text

        F(x) = 20 [1 - exp(-r/5)] + e - exp(mean_i cos 2 pi x_i),      r = sqrt(mean_i x_i^2)

    F* = 0 at 0, where F has a conical point: the gradient is discontinuous (0 is returned there), so L is infinite, and
    the Hessian does not exist (NaN is returned there). The gradient is bounded; its supremum has no closed form.
    Source: Ackley, A Connectionist Machine for Genetic Hillclimbing (1987), in the constants of Baeck (1996).
    """
    dim = whole_number("dim", dim, least=1)
    hvp = partial(_ackley_hvp, dim)
    return Objective(
        name="ackley",
        dim=dim,
        value=partial(_ackley, dim),
        grad=partial(_ackley_grad, dim),
        hvp=hvp,
        hessian=partial(hessian_by_columns, hvp, dim),
        minimum=0.0,
        minimiser=np.zeros(dim),
        kernel=Kernel(_ackley_form, np.zeros(0), separable=False),
    )


def _ackley(dim: int, x: ArrayLike) -> Array:
    x = point(x, dim)
    r = np.sqrt(np.mean(x * x, axis=-1))
    dip = -2 * np.mean(np.sin(math.pi * x) ** 2, axis=-1)  # mean cos 2 pi x - 1
    return -20 * np.expm1(-0.2 * r) - math.e * np.expm1(dip)


def _ackley_grad(dim: int, x: ArrayLike) -> Array:
    x = point(x, dim)
    r = np.sqrt(np.mean(x * x, axis=-1, keepdims=True))
    cone = np.divide(x, dim * r, out=np.zeros_like(x), where=r > 0)  # the gradient of r
    ripple = np.exp(np.mean(np.cos(2 * math.pi * x), axis=-1, keepdims=True))
    return 4 * np.exp(-0.2 * r) * cone + (2 * math.pi / dim) * ripple * np.sin(2 * math.pi * x)


def _ackley_form(x, g, parameters):
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


def _ackley_hvp(dim: int, x: ArrayLike, u: ArrayLike) -> Array:
    x, u = np.broadcast_arrays(point(x, dim), point(u, dim))
    r = np.sqrt(np.mean(x * x, axis=-1, keepdims=True))
    r = np.where(r > 0, r, np.nan)
    cone = x / (dim * r)
    along = np.sum(cone * u, axis=-1, keepdims=True)
    bowl = np.exp(-0.2 * r) * (4 * (u / dim - along * cone) / r - 0.8 * along * cone)
    ripple = np.exp(np.mean(np.cos(2 * math.pi * x), axis=-1, keepdims=True))
    tilt = (2 * math.pi / dim) * np.sin(2 * math.pi * x)
    bend = (4 * math.pi**2 / dim) * np.cos(2 * math.pi * x)
    return bowl + ripple * (bend * u - tilt * np.sum(tilt * u, axis=-1, keepdims=True))
