"""Quadratics with a prescribed spectrum, in their eigenbasis or rotated."""

from __future__ import annotations

import math
from functools import partial
from numbers import Number

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.objectives.building import Scalar, matrix, point, separable
from vradam.objectives.elementary import multiply_add
from vradam.objectives.objective import Array, Kernel, Objective
from vradam.validation import real_array, whole_number


def quadratic(spectrum: ArrayLike, rotation: int | ArrayLike | None = None) -> Objective:
    """``F(x) = x'Hx/2`` with ``H = Q diag(spectrum) Q'``.

    Parameters
    ----------
    spectrum : array_like
        (d,), the curvatures; negative and zero ones are allowed.
    rotation : int or array_like, optional
        None for Q = 1; an orthogonal matrix Q (d, d), whose columns are the eigenvectors; or a seed >= 0, for Q drawn
        uniformly (Haar) from the rotations of R^d.

    L = max|spectrum|. If no curvature is negative F* = 0 at 0; otherwise F* = -inf.

    Raises
    ------
    ValueError
        A spectrum that is not one-dimensional, or not finite; a matrix that is not orthogonal to 1e-10.

    >>> f = quadratic([1.0, 10.0], rotation=0)
    >>> H = f.hessian(np.zeros(2))
    >>> np.linalg.eigvalsh(H).round(12), f.smoothness
    (array([ 1., 10.]), 10.0)
    """
    h = np.array(real_array("spectrum", spectrum), dtype=np.float64)
    if h.ndim != 1 or h.size == 0 or not np.isfinite(h).all():
        raise ValueError(f"spectrum must be a non-empty vector of finite curvatures, got {spectrum!r}")
    h.flags.writeable = False
    bounded_below = bool((h >= 0).all())
    smoothness = float(np.abs(h).max())
    minimum = 0.0 if bounded_below else -math.inf
    minimiser = np.zeros(h.size) if bounded_below else None
    if rotation is None:
        return separable(
            "quadratic",
            h.size,
            Scalar(_parabola, _slope, _curvature),
            (h,),
            smoothness=smoothness,
            minimum=minimum,
            minimiser=minimiser,
            start=np.ones(h.size),
            slope=_parabola_form,
        )
    q = _orthogonal(rotation, h.size)
    H = np.einsum("ik,k,jk->ij", q, h, q)
    H = (H + H.T) / 2
    H.flags.writeable = False
    return Objective(
        name="quadratic",
        dim=h.size,
        value=partial(_form, H),
        grad=partial(_product, H),
        hvp=partial(_hvp, H),
        hessian=partial(_constant, H),
        smoothness=smoothness,
        minimum=minimum,
        minimiser=minimiser,
        start=np.ones(h.size),
        kernel=Kernel(_dense_quadratic_form, H, separable=False),
    )


def _parabola(x: Array, h: NDArray[np.float64]) -> Array:
    return 0.5 * h.astype(x.dtype) * x * x


def _slope(x: Array, h: NDArray[np.float64]) -> Array:
    return h.astype(x.dtype) * x


def _curvature(x: Array, h: NDArray[np.float64]) -> Array:
    return np.broadcast_to(h.astype(x.dtype), x.shape)


def _product(H: NDArray[np.float64], x: ArrayLike) -> Array:
    x = point(x, len(H))
    return np.einsum("ij,...j->...i", H.astype(x.dtype), x)


def _form(H: NDArray[np.float64], x: ArrayLike) -> Array:
    x = point(x, len(H))
    return 0.5 * np.sum(x * _product(H, x), axis=-1)


def _hvp(H: NDArray[np.float64], x: ArrayLike, u: ArrayLike) -> Array:
    x, u = np.broadcast_arrays(point(x, len(H)), point(u, len(H)))
    return _product(H, u)


def _constant(H: NDArray[np.float64], x: ArrayLike) -> Array:
    x = point(x, len(H))
    return np.broadcast_to(H.astype(x.dtype), (*x.shape, len(H)))


def _orthogonal(rotation: int | ArrayLike, dim: int) -> NDArray[np.float64]:
    if isinstance(rotation, Number | np.ndarray) and np.ndim(rotation) == 0:
        return _haar(whole_number("rotation", rotation, least=0), dim)
    q = matrix("rotation", rotation)
    if q.shape != (dim, dim):
        raise ValueError(f"rotation must have shape {(dim, dim)}, got {q.shape}")
    if not np.abs(q @ q.T - np.eye(dim)).max() <= 1e-10:
        raise ValueError("rotation must be an orthogonal matrix: Q Q' differs from the identity")
    return q


def _haar(seed: int, dim: int) -> NDArray[np.float64]:
    """QR of a Gaussian matrix with the signs of R's diagonal moved into Q (Mezzadri 2007), then det Q = 1."""
    q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))
    q = q * np.sign(np.diagonal(r))
    if np.linalg.det(q) < 0:
        q[:, 0] = -q[:, 0]
    return q


def _parabola_form(x_i, h, p1, p2, p3):
    """h x: a quadratic in its eigenbasis."""
    return h * x_i


def _dense_quadratic_form(x, g, parameters):
    """g = H x with H (d, d) = ``parameters``: two rows by four columns at a time, to load and store less often."""
    d, lanes = x.shape
    for i in range(0, d, 2):
        n = min(i + 1, d - 1)  # the last row is its own neighbour where d is odd
        a, b = parameters[i, 0], parameters[n, 0]
        for j in range(lanes):
            one, other = a * x[0, j], b * x[0, j]
            g[i, j] = one
            g[n, j] = other
        for k in range(1, d - 3, 4):
            a0, a1, a2, a3 = parameters[i, k], parameters[i, k + 1], parameters[i, k + 2], parameters[i, k + 3]
            b0, b1, b2, b3 = parameters[n, k], parameters[n, k + 1], parameters[n, k + 2], parameters[n, k + 3]
            for j in range(lanes):
                x0, x1, x2, x3 = x[k, j], x[k + 1, j], x[k + 2, j], x[k + 3, j]
                one = multiply_add(a3, x3, multiply_add(a2, x2, multiply_add(a1, x1, multiply_add(a0, x0, g[i, j]))))
                other = multiply_add(b3, x3, multiply_add(b2, x2, multiply_add(b1, x1, multiply_add(b0, x0, g[n, j]))))
                g[i, j] = one
                g[n, j] = other
        for k in range(d - (d - 1) % 4, d):
            a, b = parameters[i, k], parameters[n, k]
            for j in range(lanes):
                one = multiply_add(a, x[k, j], g[i, j])
                other = multiply_add(b, x[k, j], g[n, j])
                g[i, j] = one
                g[n, j] = other
