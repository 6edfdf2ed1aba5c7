"""Finite sums over data that the caller passes in."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.objectives.building import constant, hessian_by_columns, matrix, point
from vradam.objectives.elementary import exp_minus
from vradam.objectives.objective import Array, Kernel, Objective
from vradam.validation import real_array

#: The root of the largest float over the size of any data set: sums of squares stay finite.
LARGEST_FEATURE = 1e150


class _Data(NamedTuple):
    signed: NDArray[np.float64]  # (n, d), the rows y_i a_i
    l2: float


def logistic_regression(features: ArrayLike, labels: ArrayLike, l2: float = 0.0) -> Objective:
    """Logistic regression as a finite sum over n samples.

    .. code-block:: text

        F(x)   = (1/n) sum_i f_i(x),      f_i(x) = log(1 + exp(-y_i a_i.x)) + (l2/2) |x|^2

    Parameters
    ----------
    features : array_like
        (n, d), the rows a_i; append a column of ones for an intercept.
    labels : array_like
        (n,), either y_i in {-1, 1} or in {0, 1} (0 is read as -1).
    l2 : float
        >= 0.

    Convex. L = lambda_max(A'A)/(4n) + l2 (at 0). For l2 = 0, |dF/dx_j| < max_j sum_i |a_ij|/n = ``grad_bound``, which
    is the supremum when all y_i a_ij of that column have one sign, and a single term satisfies |df_i/dx_j| <
    max |a_ij|; for l2 > 0 the gradient is unbounded. The minimiser for l2 > 0 is found by Newton's method; for l2 = 0
    (where it need not exist) only 0 <= F* <= log 2 is known. ``terms`` = n; ``grad_terms(x, indices)`` is the mean
    gradient of the f_i named.

    Raises
    ------
    ValueError
        features that are not a matrix of numbers below 1e150; labels of another length or with other values; l2 < 0.

    >>> f = logistic_regression([[1.0, 0.0], [0.0, 2.0]], [1, 0])
    >>> f.grad(np.zeros(2)), f.smoothness
    (array([-0.25,  0.5 ]), 0.5)
    """
    A = matrix("features", features)
    n, dim = A.shape
    if not np.abs(A).max() < LARGEST_FEATURE:
        raise ValueError(f"features must be smaller than {LARGEST_FEATURE:g}, got {np.abs(A).max()}")
    y = real_array("labels", labels)
    if y.shape != (n,):
        raise ValueError(f"labels must have shape {(n,)}, got {y.shape}")
    if not (np.isin(y, (-1, 1)).all() or np.isin(y, (0, 1)).all()):
        raise ValueError(f"labels must lie in {{-1, 1}} or in {{0, 1}}, got {np.unique(y)[:5]}")
    data = _Data(signed=A * np.where(y > 0, 1.0, -1.0)[:, None], l2=constant("l2", l2, "[0, inf)"))
    data.signed.flags.writeable = False
    minimiser = _newton(data) if data.l2 > 0 else None
    hvp = partial(_hvp, data)
    return Objective(
        name="logistic_regression",
        dim=dim,
        value=partial(_value, data),
        grad=partial(_grad, data),
        hvp=hvp,
        hessian=partial(hessian_by_columns, hvp, dim),
        smoothness=float(np.linalg.norm(A, ord=2)) ** 2 / (4 * n) + data.l2,
        grad_bound=float(np.abs(A).sum(axis=0).max()) / n if data.l2 == 0 else None,
        minimum=None if minimiser is None else float(_value(data, minimiser)),
        minimiser=minimiser,
        start=np.zeros(dim),
        terms=n,
        terms_bound=float(np.abs(A).max()) if data.l2 == 0 else None,
        grad_terms=partial(_grad_terms, data),
        kernel=_kernel(data),
    )


def _kernel(data: _Data) -> Kernel:
    """For the compiled engine: l2 in a row of its own, then the rows y_i a_i."""
    first = np.zeros((1, data.signed.shape[1]))
    first[0, 0] = data.l2
    rows = np.concatenate([first, data.signed])
    return Kernel(_logistic_regression_form, rows, separable=False, mean_of_terms=_mean_of_logistic_terms_form)


def _sigmoid(t: Array) -> Array:
    """1/(1 + exp(-t)) to full relative accuracy, without overflow."""
    e = np.exp(-np.abs(t))
    return np.where(t >= 0, 1, e) / (1 + e)


def _margins(data: _Data, x: Array) -> Array:
    return np.einsum("ij,...j->...i", data.signed.astype(x.dtype), x)


def _value(data: _Data, x: ArrayLike) -> Array:
    x = point(x, data.signed.shape[1])
    margins = _margins(data, x)
    losses = np.maximum(-margins, 0) + np.log1p(np.exp(-np.abs(margins)))
    return np.mean(losses, axis=-1) + 0.5 * data.l2 * np.sum(x * x, axis=-1)


def _grad(data: _Data, x: ArrayLike) -> Array:
    x = point(x, data.signed.shape[1])
    missing = _sigmoid(-_margins(data, x))  # the probability that the model gives to the other label
    return data.l2 * x - np.einsum("...i,ij->...j", missing, data.signed.astype(x.dtype)) / len(data.signed)


def _hvp(data: _Data, x: ArrayLike, u: ArrayLike) -> Array:
    x, u = np.broadcast_arrays(point(x, data.signed.shape[1]), point(u, data.signed.shape[1]))
    p = _sigmoid(-_margins(data, x))
    weighted = p * (1 - p) * _margins(data, u)
    return data.l2 * u + np.einsum("...i,ij->...j", weighted, data.signed.astype(x.dtype)) / len(data.signed)


def _grad_terms(data: _Data, x: ArrayLike, indices: NDArray[np.integer]) -> Array:
    x = point(x, data.signed.shape[1])
    rows = data.signed.astype(x.dtype)[indices]  # (..., k, d)
    missing = _sigmoid(-np.einsum("...kj,...j->...k", rows, x))
    return data.l2 * x - np.einsum("...k,...kj->...j", missing, rows) / rows.shape[-2]


def _newton(data: _Data) -> NDArray[np.float64]:
    """The minimiser for l2 > 0: Newton's method, halving steps that raise F, until a step is negligible."""
    x = np.zeros(data.signed.shape[1])
    for _ in range(100):
        step = -np.linalg.solve(hessian_by_columns(partial(_hvp, data), x.size, x), _grad(data, x))
        while _value(data, x + step) > (1 + 1e-12) * _value(data, x):
            step = step / 2
        x = x + step
        if np.abs(step).max() <= 1e-10 * (1 + np.abs(x).max()):
            break
    return x


def _logistic_regression_form(x, g, parameters):
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
            weight[j] = _missing_form(weight[j])
        for i in range(d):
            a = parameters[term, i]
            for j in range(lanes):
                g[i, j] += weight[j] * a
    l2 = parameters[0, 0]
    for i in range(d):
        for j in range(lanes):
            g[i, j] = l2 * x[i, j] - g[i, j] / n


def _mean_of_logistic_terms_form(x, g, chosen, parameters):
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
            weight = _missing_form(margin)
            for i in range(d):
                g[i, j] += weight * parameters[term, i]
        for i in range(d):
            g[i, j] = l2 * x[i, j] - g[i, j] / size


def _missing_form(margin):
    """1/(1 + exp(margin)): the probability that the model gives to the other label."""
    small = exp_minus(abs(margin))
    return (small if margin >= 0.0 else 1.0) / (1.0 + small)
