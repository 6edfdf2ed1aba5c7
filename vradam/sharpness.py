"""Sharpness: the largest curvature of the loss, as the loss has it and as an optimizer's preconditioner sees it.

The comparison is with the edge of stability B(beta1)/eta_t, B(beta1) = 2(1 + beta1)/(1 - beta1), of momentum at the
learning rate eta_t. An optimizer takes part if its step is

.. math::
    \\theta_t = (1-\\eta_t\\lambda)\\theta_{t-1} - \\eta_t P_t^{-1} v_t,
    \\qquad v_t = \\beta_1 v_{t-1} + (1-\\beta_1) g_t,

and it has a method ``preconditioner(state)`` that returns the diagonal of P_t, (..., d), which this defines; yours too.
Here all have one but :class:`~vradam.Nesterov` and :class:`~vradam.Lion`. With P_t and eta_t frozen, no weight decay
and a quadratic with Hessian H > 0, the step is stable if and only if lambda_max(P^-1 H) < B(beta1)/eta.

Sources: Cohen et al., arXiv:2207.14484, whose preconditioner contains the bias correction 1 - beta1^t of the velocity
as P_t does here; for the threshold raised by the gate, arXiv:2505.13196.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vradam.objectives.building import hessian_by_columns
from vradam.objectives.objective import Objective
from vradam.plan import Noise, Optimizer, check_objective, check_optimizer, checked_plan
from vradam.simulation import Engine, chosen_engine, simulate
from vradam.validation import hyper_parameter, over_runs, real_array, whole_number

Array = NDArray[np.floating]

#: Up to this dimension eigenvalues are computed from the whole matrix, above it by ARPACK from products with vectors.
DENSE = 128


def hessian_sharpness(objective: Objective, x: ArrayLike) -> Array:
    """lambda_max of the Hessian at ``x`` (..., d): its largest eigenvalue, not its largest modulus; shape (...).

    NaN where the Hessian is not finite.

    >>> from vradam import objectives
    >>> float(hessian_sharpness(objectives.four_scalar_product(), [2.0, 0.5, 2.0, 0.5]).round(12))  # 2 (4 + 1/4)
    8.5
    """
    x = _points(objective, x)
    return _each_row(objective, x, np.ones(x.shape))


def preconditioned_sharpness(objective: Objective, x: ArrayLike, state: Any, optimizer: Optimizer) -> Array:
    """lambda_max(P_t^-1 H) at ``x`` (..., d), computed from P_t^(-1/2) H P_t^(-1/2); shape (...).

    ``state`` is the optimizer's state after step t >= 1, for points of the shape of ``x``; NaN before the first step.

    Raises
    ------
    TypeError, ValueError
        See :func:`preconditioner`.

    >>> from vradam import Adam, objectives
    >>> bowl, adam, x = objectives.quadratic([3.0, 1.0]), Adam(eps=1e-12), np.array([2.0, 4.0])
    >>> x, state = adam.step(x, bowl.grad(x), adam.init(x))             # P_1 = 0.1 diag(6, 4)
    >>> float(preconditioned_sharpness(bowl, x, state, adam).round(9))
    5.0
    """
    x = _points(objective, x)
    P = preconditioner(optimizer, state)
    if P.shape != x.shape:
        raise ValueError(f"state must belong to points of shape {x.shape}, got a preconditioner of shape {P.shape}")
    return _each_row(objective, x, 1 / np.sqrt(P))


def preconditioner(optimizer: Optimizer, state: Any) -> Array:
    """The diagonal of P_t after step t, (..., d) in float64: what ``optimizer.preconditioner(state)`` says.

    ===========================  ============================================================================
    VRAdam, Adam, AdamW          (1 - beta1^t) (sqrt(m_t/(1 - beta2^t)) + eps)
    RAdam                        the same where it is rectified, 1 - beta1^t where it is not
    VRAdam with proof_form       sqrt(eps + s_t)/Omega_t
    RMSProp                      sqrt(m_t) + eps
    VRMomentum, GradientDescent  1
    HeavyBall                    1 - beta1
    ===========================  ============================================================================

    These are NaN at t = 0.

    Raises
    ------
    TypeError
        For an optimizer without this method.
    ValueError
        For a gate per coordinate, which leaves no single learning rate.
    """
    if getattr(getattr(optimizer, "gate", None), "per_coordinate", False):
        raise ValueError("optimizer must have one learning rate, got a gate per coordinate")
    if not callable(found := getattr(optimizer, "preconditioner", None)):
        raise TypeError(
            "optimizer must have a method preconditioner(state), the diagonal of P_t by which its step divides the "
            f"velocity, got {type(optimizer).__name__}"
        )
    return real_array("preconditioner", found(state)).astype(np.float64, copy=False)


def stability_threshold(beta1: ArrayLike, eta: ArrayLike) -> Array:
    """B(beta1)/eta = 2(1 + beta1)/((1 - beta1) eta), the curvature up to which momentum at the rate ``eta`` is stable.

    beta1 in [0, 1), eta in (0, inf).

    >>> stability_threshold(0.9, 1.0).round(12)
    np.float64(38.0)
    """
    beta1 = np.asarray(hyper_parameter("beta1", beta1, "[0, 1)"))
    eta = np.asarray(hyper_parameter("eta", eta, "(0, inf)"))
    return _edge(beta1) / eta


class EdgeRecord(NamedTuple):
    """Curvature and edge along a batch of runs; a run that has diverged is NaN from there on."""

    step: NDArray[np.int64]  #: (records,), the steps recorded, from 0
    x: Array  #: (..., records, d)
    sharpness: Array  #: (..., records), lambda_max of the Hessian at x_t
    preconditioned: Array  #: (..., records), lambda_max(P_t^-1 H(x_t)); NaN at step 0
    learning_rate: Array  #: (..., records), eta_t
    threshold: Array  #: (..., records), B(beta1)/eta_t
    #: (..., records), ||v_t||^2; while eta_t lambda_max(P^-1 H) = B it is (S/B - 1)/beta3. NaN without a velocity
    velocity_squared: Array


def along(
    optimizer: Any,
    objective: Objective,
    x0: ArrayLike,
    steps: int = 1000,
    noise: Noise | None = None,
    seed: int | NDArray[np.integer] = 0,
    every: int = 1,
    engine: Engine = "auto",
) -> EdgeRecord:
    """Run :func:`vradam.simulate` and measure curvature and edge at the steps 0, every, 2 every, ... and the last.

    The arguments, and the path, are those of :func:`~vradam.simulation.simulate`; ``every`` is at least 1.

    >>> import vradam
    >>> bowl = vradam.objectives.quadratic([1.0, 10.0])
    >>> record = along(vradam.VRMomentum(alpha0=0.1), bowl, [1.0, 1.0], steps=100, every=50)
    >>> record.step.tolist(), record.sharpness.tolist()
    ([0, 50, 100], [10.0, 10.0, 10.0])
    """
    steps, every = whole_number("steps", steps, least=1), whole_number("every", every, least=1)
    check_optimizer(optimizer)
    check_objective(objective)
    preconditioner(optimizer, optimizer.init(np.zeros(objective.dim)))  # refuse at once what has no preconditioner
    record = np.unique(np.append(np.arange(0, steps, every), steps))
    engine = chosen_engine(engine, checked_plan(optimizer, objective, x0, steps, noise, seed, 0, False))
    points, rates, speeds, curvatures = [], [], [], []
    x, state, alive = x0, None, np.asarray(True)
    for length in np.diff(record):
        run = simulate(optimizer, objective, x, int(length), noise, seed, every=0, engine=engine, state=state)
        if state is None:
            start = optimizer.init(run.x[..., 0, :])
            points, rates, speeds = [run.x[..., 0, :]], [run.learning_rate[..., 0]], [_speed(start, run.x[..., 0, :])]
            curvatures = [_curvatures(optimizer, objective, points[0], start)]
        alive, state = alive & (run.diverged_at < 0), run.final_state
        x = np.where(alive[..., None], run.final_x, 0)
        points.append(np.where(alive[..., None], x, np.nan))
        rates.append(np.where(alive, run.learning_rate[..., -1], np.nan))
        speeds.append(np.where(alive, _speed(state, x), np.nan))
        curvatures.append(_curvatures(optimizer, objective, points[-1], state))
    rate = np.stack(rates, axis=-1)
    plain, preconditioned = np.moveaxis(np.array(curvatures), (0, 1), (-1, 0))
    with np.errstate(divide="ignore"):
        threshold = _edge(over_runs("beta1", getattr(optimizer, "beta1", 0.0), rate)) / rate
    return EdgeRecord(
        record, np.stack(points, axis=-2), plain, preconditioned, rate, threshold, np.stack(speeds, axis=-1)
    )


class Edge(NamedTuple):
    """What the adapters measure of a training run: numbers at one step, or arrays over the measurements."""

    step: Any  #: t
    sharpness: Any  #: lambda_max(H)
    preconditioned: Any  #: lambda_max(P_t^-1 H)
    learning_rate: Any  #: eta_t
    threshold: Any  #: B(beta1)/eta_t


def series(measured: Sequence[Edge]) -> Edge:
    """Measurements as one :class:`Edge` of arrays, each (measurements,).

    >>> series([Edge(5, 3.0, 2.0, 0.1, 20.0), Edge(10, 4.0, 2.5, 0.1, 20.0)]).step
    array([ 5, 10])
    """
    return Edge(*(np.array(column) for column in zip(*measured, strict=True)))


def _edge(beta1: Array) -> Array:
    return 2 * (1 + beta1) / (1 - beta1)


def _speed(state: Any, x: Array) -> Array:
    """||v_t||^2, (...); NaN where a state has no velocity."""
    velocity = getattr(state, "velocity", np.nan)
    with np.errstate(over="ignore"):
        return np.square(np.broadcast_to(velocity, x.shape)).sum(axis=-1)


def _curvatures(optimizer: Optimizer, objective: Objective, x: Array, state: Any) -> tuple[Array, Array]:
    return hessian_sharpness(objective, x), preconditioned_sharpness(objective, x, state, optimizer)


def _points(objective: Objective, x: ArrayLike) -> NDArray[np.float64]:
    x = real_array("x", x).astype(np.float64, copy=False)
    if x.ndim == 0 or x.shape[-1] != objective.dim:
        raise ValueError(f"x must have shape (..., {objective.dim}) for {objective.name}, got {x.shape}")
    return x


def _each_row(objective: Objective, x: Array, scale: Array) -> Array:
    """lambda_max of diag(scale) H(x) diag(scale) for every row of ``x`` and ``scale`` (..., d); shape (...)."""
    rows = zip(x.reshape(-1, objective.dim), scale.reshape(-1, objective.dim), strict=True)
    with np.errstate(all="ignore"):
        return np.array([_lambda_max(objective, *row) for row in rows]).reshape(x.shape[:-1])


def _lambda_max(objective: Objective, x: Array, scale: Array) -> float:
    if not (np.isfinite(x).all() and np.isfinite(scale).all()):
        return np.nan
    full = objective.hessian or partial(hessian_by_columns, objective.hvp, objective.dim)
    return largest_eigenvalue(
        lambda u: scale * objective.hvp(x, scale * u), objective.dim, lambda: scale[:, None] * full(x) * scale
    )


def largest_eigenvalue(
    product: Callable[[Array], Array], dim: int, whole: Callable[[], Array] | None = None, tolerance: float = 0.0
) -> float:
    """The largest eigenvalue of a symmetric matrix A (dim, dim), from ``product(u)`` = A u; NaN where A is not finite.

    Up to dimension 128 from the whole matrix, by ``whole()`` or column by column; above it by ARPACK, to the relative
    residual ``tolerance``, 0 being machine precision. The start is fixed, so that the result can be repeated.

    >>> curvatures = np.linspace(1, 3, 200)
    >>> float(largest_eigenvalue(lambda u: curvatures * u, 200).round(12))
    3.0
    """
    if dim <= DENSE:
        matrix = whole() if whole else np.stack([product(column) for column in np.eye(dim)], axis=1)
        return np.linalg.eigvalsh(matrix)[-1] if np.isfinite(matrix).all() else np.nan
    from scipy.sparse.linalg import LinearOperator, eigsh

    operator = LinearOperator(shape=(dim, dim), matvec=lambda u: product(u.ravel()), dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(dim)
    image = operator.matvec(start)
    if not np.isfinite(image).all():
        return np.nan
    if not image.any():
        return 0.0
    return eigsh(operator, k=1, which="LA", v0=start, tol=tolerance, return_eigenvectors=False)[0]
