"""Small models of the edge of stability: losses whose sharpness varies along their valleys of minima or descent."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.objectives.building import constant, hessian_by_columns, matrix, point
from vradam.objectives.objective import Array, Kernel, Objective
from vradam.validation import whole_number


def four_scalar_product() -> Objective:
    """Four scalars whose product should be one, d = 4: ``F(x, y, z, w) = (x y z w - 1)^2 / 2``.

    F* = 0 on the hypersurface xyzw = 1, of which ``minimiser`` is (1, 1, 1, 1); L and the gradient are unbounded. At a
    minimum with x = z and y = w the sharpness is 2 (x^2 + y^2), so the manifold holds minima of every sharpness >= 4.
    Source: Zhu, Wang, Wang, Zhou, Ge, arXiv:2210.03294.
    """
    return Objective(
        name="four_scalar_product",
        dim=4,
        value=_four_scalar_product,
        grad=_four_scalar_product_grad,
        hvp=_four_scalar_product_hvp,
        hessian=partial(hessian_by_columns, _four_scalar_product_hvp, 4),
        minimum=0.0,
        minimiser=np.ones(4),
        kernel=Kernel(_four_scalar_product_form, np.zeros(0), separable=False),
    )


def _four(x: ArrayLike) -> tuple[Array, Array, Array, Array]:
    x = point(x, 4)
    return x[..., 0], x[..., 1], x[..., 2], x[..., 3]


def _four_scalar_product(p: ArrayLike) -> Array:
    x, y, z, w = _four(p)
    r = x * y * z * w - 1
    return 0.5 * r * r


def _four_scalar_product_grad(p: ArrayLike) -> Array:
    x, y, z, w = _four(p)
    r = x * y * z * w - 1
    return np.stack([r * y * z * w, r * x * z * w, r * x * y * w, r * x * y * z], axis=-1)


def _four_scalar_product_form(x, g, parameters):
    """(x y z w - 1)^2 / 2."""
    for j in range(x.shape[1]):
        a, b, c, d = x[0, j], x[1, j], x[2, j], x[3, j]
        r = a * b * c * d - 1.0
        g[0, j] = r * b * c * d
        g[1, j] = r * a * c * d
        g[2, j] = r * a * b * d
        g[3, j] = r * a * b * c


def _four_scalar_product_hvp(p: ArrayLike, u: ArrayLike) -> Array:
    x, y, z, w = _four(p)
    a, b, c, d = _four(u)
    r = x * y * z * w - 1
    px, py, pz, pw = y * z * w, x * z * w, x * y * w, x * y * z  # the gradient of the product
    dr = px * a + py * b + pz * c + pw * d
    dpx = z * w * b + y * w * c + y * z * d
    dpy = z * w * a + x * w * c + x * z * d
    dpz = y * w * a + x * w * b + x * y * d
    dpw = y * z * a + x * z * b + x * y * c
    return np.stack([dr * px + r * dpx, dr * py + r * dpy, dr * pz + r * dpz, dr * pw + r * dpw], axis=-1)


def progressive_sharpening(final: float = 100.0, flat: float = 1.0, initial: float = 1.0) -> Objective:
    """A sharp and a flat coordinate; moving down the flat one raises the curvature of the sharp one. d = 2:

    .. code-block:: text

        F(x, y) = y^2 x^2 / 2 + flat (y - Y)^2 / 2,      Y = sqrt(final)

    On the axis x = 0 the Hessian is diag(y^2, flat). From ``start`` = (0.01, sqrt(initial)) the sharpness S(y) = y^2 of
    the sharp coordinate grows from ``initial`` towards ``final``, the sharpness of the minimum, at the rate
    -grad S . grad F = 2 flat y (Y - y). Wherever S passes the edge the oscillation in x grows and drives y back through
    the term x^2 y: progressive sharpening and self-stabilisation in the sense of Damian, Nichani, Lee,
    arXiv:2209.15594, with their alpha = 2 flat y (Y - y) and beta = |grad S|^2 = 4 y^2, on a loss bounded below.
    Gradient descent at a step eta with flat < 2/eta < final has the orbit of period 2 y = sqrt(2/eta),
    x = +-sqrt(flat (Y - y)/y), on which the sharpness is exactly 2/eta on the axis. The Jacobian of the half orbit,
    (x, y) -> (-x', y'), has determinant 1 - q + p and trace 2 - q with q = eta flat Y/y, p = 8 eta flat (Y - y)/y:
    for q < 2 the orbit attracts where 2/eta > (49/64) final and repels where 2/eta < (49/64) final.

    F* = 0 at (0, Y); L and the gradient are unbounded. ``flat`` < ``final`` and ``initial`` < ``final`` are required.
    """
    final, flat, initial = constant("final", final), constant("flat", flat), constant("initial", initial)
    if not (flat < final and initial < final):
        raise ValueError(f"flat and initial must lie below final = {final}, got {flat} and {initial}")
    parameters = (math.sqrt(final), flat)
    hvp = partial(_progressive_sharpening_hvp, parameters)
    return Objective(
        name="progressive_sharpening",
        dim=2,
        value=partial(_progressive_sharpening, parameters),
        grad=partial(_progressive_sharpening_grad, parameters),
        hvp=hvp,
        hessian=partial(hessian_by_columns, hvp, 2),
        minimum=0.0,
        minimiser=np.array([0.0, math.sqrt(final)]),
        start=np.array([0.01, math.sqrt(initial)]),
        kernel=Kernel(_progressive_sharpening_form, np.array(parameters), separable=False),
    )


def _progressive_sharpening(parameters: tuple[float, float], z: ArrayLike) -> Array:
    z = point(z, 2)
    x, y = z[..., 0], z[..., 1]
    Y, flat = parameters
    return 0.5 * (y * x) ** 2 + 0.5 * flat * (y - Y) ** 2


def _progressive_sharpening_grad(parameters: tuple[float, float], z: ArrayLike) -> Array:
    z = point(z, 2)
    x, y = z[..., 0], z[..., 1]
    Y, flat = parameters
    return np.stack([y * y * x, x * x * y + flat * (y - Y)], axis=-1)


def _progressive_sharpening_form(x, g, parameters):
    """y^2 x^2 / 2 + flat (y - Y)^2 / 2 with (Y, flat) = ``parameters``."""
    target, flat = parameters[0], parameters[1]
    for j in range(x.shape[1]):
        u, y = x[0, j], x[1, j]
        g[0, j] = y * y * u
        g[1, j] = u * u * y + flat * (y - target)


def _progressive_sharpening_hvp(parameters: tuple[float, float], z: ArrayLike, u: ArrayLike) -> Array:
    z, u = np.broadcast_arrays(point(z, 2), point(u, 2))
    x, y, a, b = z[..., 0], z[..., 1], u[..., 0], u[..., 1]
    _, flat = parameters
    return np.stack([y * y * a + 2 * x * y * b, 2 * x * y * a + (x * x + flat) * b], axis=-1)


def matrix_factorisation(target: ArrayLike, rank: int) -> Objective:
    """``F(U, V) = |U V' - M|^2 / 2`` (Frobenius) for a target M (m, n), with U (m, rank) and V (n, rank).

    The point x (d,), d = rank (m + n), holds the rows of U, then the rows of V. By Eckart and Young F* is half the sum
    of the squared singular values of M beyond the first ``rank``; ``minimiser`` is the balanced one, U'U = V'V. L and
    the gradient are unbounded; 0 is a saddle.

    Raises
    ------
    ValueError
        A target that is not a finite matrix; a rank outside 1, ..., min(m, n).

    >>> f = matrix_factorisation([[2.0, 0.0], [0.0, 1.0]], rank=1)
    >>> f.dim, f.minimum
    (4, 0.5)
    """
    M = matrix("target", target)
    rank = whole_number("rank", rank, least=1)
    if rank > min(M.shape):
        raise ValueError(f"rank must lie in 1, ..., {min(M.shape)}, got {rank}")
    left, values, right = np.linalg.svd(M, full_matrices=False)
    root = np.sqrt(values[:rank])
    dim = rank * sum(M.shape)
    hvp = partial(_factorisation_hvp, M, rank)
    return Objective(
        name="matrix_factorisation",
        dim=dim,
        value=partial(_factorisation, M, rank),
        grad=partial(_factorisation_grad, M, rank),
        hvp=hvp,
        hessian=partial(hessian_by_columns, hvp, dim),
        minimum=float(0.5 * np.sum(values[rank:] ** 2)),
        minimiser=np.concatenate([(left[:, :rank] * root).ravel(), (right[:rank].T * root).ravel()]),
        kernel=Kernel(_matrix_factorisation_form, M, separable=False),
    )


def _factors(M: NDArray[np.float64], rank: int, x: ArrayLike) -> tuple[Array, Array]:
    m, n = M.shape
    x = point(x, rank * (m + n))
    batch = x.shape[:-1]
    return x[..., : m * rank].reshape(*batch, m, rank), x[..., m * rank :].reshape(*batch, n, rank)


def _joined(A: Array, B: Array) -> Array:
    return np.concatenate([A.reshape(*A.shape[:-2], -1), B.reshape(*B.shape[:-2], -1)], axis=-1)


def _residual(M: NDArray[np.float64], U: Array, V: Array) -> Array:
    return np.einsum("...ik,...jk->...ij", U, V) - M.astype(U.dtype)


def _factorisation(M: NDArray[np.float64], rank: int, x: ArrayLike) -> Array:
    U, V = _factors(M, rank, x)
    R = _residual(M, U, V)
    return 0.5 * np.sum(R * R, axis=(-2, -1))


def _factorisation_grad(M: NDArray[np.float64], rank: int, x: ArrayLike) -> Array:
    U, V = _factors(M, rank, x)
    R = _residual(M, U, V)
    return _joined(np.einsum("...ij,...jk->...ik", R, V), np.einsum("...ij,...ik->...jk", R, U))


def _factorisation_hvp(M: NDArray[np.float64], rank: int, x: ArrayLike, u: ArrayLike) -> Array:
    dim = rank * sum(M.shape)
    x, u = np.broadcast_arrays(point(x, dim), point(u, dim))
    U, V = _factors(M, rank, x)
    A, B = _factors(M, rank, u)
    R = _residual(M, U, V)
    dR = np.einsum("...ik,...jk->...ij", A, V) + np.einsum("...ik,...jk->...ij", U, B)
    along_U = np.einsum("...ij,...jk->...ik", dR, V) + np.einsum("...ij,...jk->...ik", R, B)
    along_V = np.einsum("...ij,...ik->...jk", dR, U) + np.einsum("...ij,...ik->...jk", R, A)
    return _joined(along_U, along_V)


def _matrix_factorisation_form(x, g, parameters):
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
