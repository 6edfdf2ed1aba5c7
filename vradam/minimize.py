"""VRAdam as a method of :func:`scipy.optimize.minimize`."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from vradam.gates import GateForm, published
from vradam.laws import Law
from vradam.optimizer import Array, Rate, VRAdam
from vradam.validation import one_number, real_array, whole_number

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

CONVERGED, OUT_OF_STEPS, NOT_FINITE, STOPPED = 0, 1, 3, 99  # SciPy's numbers where it has them


def minimize_vradam(
    fun: Callable[..., Any],
    x0: ArrayLike,
    args: tuple[Any, ...] = (),
    jac: Callable[..., ArrayLike] | bool | None = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    callback: Callable[..., Any] | None = None,
    tol: float | None = None,
    maxiter: int = 50_000,
    disp: bool = False,
    alpha0: Rate = VRAdam.alpha0,
    alpha1: float | Array = VRAdam.alpha1,
    beta1: float | Array = VRAdam.beta1,
    beta2: float | Array = VRAdam.beta2,
    beta3: float | Array = VRAdam.beta3,
    eps: float | Array = VRAdam.eps,
    weight_decay: float | Array = VRAdam.weight_decay,
    gate_decay: float | Array = VRAdam.gate_decay,
    gate: GateForm = published,
    law: Law = VRAdam.law,
) -> OptimizeResult:
    """Minimise a function of one vector: ``scipy.optimize.minimize(fun, x0, jac=..., method=minimize_vradam)``.

    The iterates are those of :class:`vradam.VRAdam` with the hyper-parameters given as ``options``. Nothing is adapted
    to the function: ``alpha0`` should suit its scale. The method is not monotone, and it returns its last iterate.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` -> F(x), or (F(x), gradient) if ``jac`` is True.
    x0 : array_like
        (d,), d >= 1.
    jac : callable or bool, optional
        ``jac(x, *args)`` -> gradient (d,); True; or None for forward differences (d + 1 values of F a step).
    callback : callable, optional
        ``callback(xk)``, or ``callback(intermediate_result)`` with that very name for an OptimizeResult with x, fun
        and jac; after every step. It ends the run by raising StopIteration.
    tol : float, optional
        The run ends where the largest modulus of the gradient's components is at most ``tol``; None is 1e-5.
    maxiter : int
        Largest number of steps.
    disp : bool
        Print the message at the end.
    alpha0, ..., law : as in VRAdam; alpha0 may be a schedule

    Returns
    -------
    OptimizeResult
        x, fun, jac, nit, nfev, njev, success, message, and status: 0 the tolerance is met; 1 ``maxiter`` steps were
        taken; 3 the gradient, or F at the end, is not finite; 99 the callback raised StopIteration. Only 0 is success.

    Raises
    ------
    ValueError, TypeError
        For bounds or constraints; for a starting point that is not a finite vector; for a function that returns no
        scalar or a gradient of another shape; for hyper-parameters outside their domain, or over runs.

    >>> from scipy.optimize import minimize, rosen, rosen_der
    >>> result = minimize(rosen, [-1.2, 1.0], jac=rosen_der, method=minimize_vradam, options={"alpha0": 0.02})
    >>> result.success, result.x.round(3)
    (True, array([1., 1.]))
    """
    from scipy.optimize import OptimizeResult

    absent = constraints is None or (isinstance(constraints, list | tuple | dict) and not constraints)
    if bounds is not None or not absent:
        raise ValueError("bounds and constraints must be absent: minimize_vradam is unconstrained")
    for name, function in (("fun", fun), ("callback", callback)):
        if not callable(function) and (name == "fun" or function is not None):
            raise TypeError(f"{name} must be a function, got {function!r}")
    if hess is not None or hessp is not None:
        warnings.warn("minimize_vradam does not use Hessian information (hess, hessp)", RuntimeWarning, stacklevel=2)
    x: Array = np.atleast_1d(real_array("x0", x0)).astype(np.float64)
    if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
        raise ValueError(f"x0 must be a finite vector, got shape {x.shape} and values {x}")
    tolerance = one_number("tol", 1e-5 if tol is None else tol, "[0, inf)")
    maxiter = whole_number("maxiter", maxiter, least=0)
    optimizer = VRAdam(
        alpha0=alpha0,
        alpha1=alpha1,
        beta1=beta1,
        beta2=beta2,
        beta3=beta3,
        eps=eps,
        weight_decay=weight_decay,
        gate_decay=gate_decay,
        gate=gate,
        law=law,
    )
    counted = _Counted(fun, jac, args if isinstance(args, tuple) else (args,))
    state, gradient = optimizer.init(x), counted.gradient(x)
    status, message = None, ""
    while status is None:
        largest = np.abs(gradient).max()
        if not np.isfinite(largest):
            status, message = NOT_FINITE, f"The gradient is not finite after {state.step} steps."
        elif largest <= tolerance:
            status, message = CONVERGED, f"No component of the gradient exceeds {tolerance:g}."
        elif state.step == maxiter:
            status, message = OUT_OF_STEPS, f"The maximum number of steps, {maxiter}, has been taken."
        else:
            x, state = optimizer.step(x, gradient, state)
            gradient = counted.gradient(x)
            try:
                _report(callback, counted, x, gradient)
            except StopIteration:
                status, message = STOPPED, f"`callback` raised `StopIteration` after {state.step} steps."
    value = counted.value(x)
    if status == CONVERGED and not np.isfinite(value):
        status, message = NOT_FINITE, f"The function is not finite, {value}, where its gradient meets the tolerance."
    if disp:
        print(f"{message} F = {value:.6g}")
    return OptimizeResult(
        x=x,
        fun=value,
        jac=gradient,
        nit=state.step,
        nfev=counted.nfev,
        njev=counted.njev,
        status=status,
        success=status == CONVERGED,
        message=message,
    )


def _report(callback: Callable[..., Any] | None, counted: _Counted, x: Array, gradient: Array) -> None:
    """Call the callback in the form its signature asks for, on copies."""
    if callback is None:
        return
    if set(inspect.signature(callback).parameters) == {"intermediate_result"}:
        from scipy.optimize import OptimizeResult

        callback(intermediate_result=OptimizeResult(x=x.copy(), fun=counted.value(x), jac=gradient.copy()))
    else:
        callback(x.copy())


class _Counted:
    """F and its gradient in the forms SciPy allows, and how often each was evaluated."""

    def __init__(self, fun: Callable[..., Any], jac: Any, args: tuple[Any, ...]) -> None:
        if not (callable(jac) or jac is None or isinstance(jac, bool)):
            raise ValueError(f"jac must be a function, True or None, got {jac!r}")
        self.fun, self.jac, self.args = fun, jac, args
        self.nfev = self.njev = 0
        self.at: Array | None = None  # the last point where F was evaluated, and what was found there
        self.known, self.slope = np.nan, None

    def value(self, x: Array) -> float:
        if self.at is None or not np.array_equal(self.at, x, equal_nan=True):
            found = self.fun(x.copy(), *self.args)
            if self.jac is True and not (isinstance(found, tuple | list) and len(found) == 2):
                raise ValueError(f"fun must return (F(x), gradient) where jac is True, got {found!r}")
            value, self.slope = found if self.jac is True else (found, None)
            if np.size(value) != 1:
                raise ValueError(f"fun must return a scalar, got shape {np.shape(value)}")
            self.at, self.known = x.copy(), float(real_array("fun", value).item())
            self.nfev += 1
        return self.known

    def gradient(self, x: Array) -> Array:
        if callable(self.jac):
            found = self.jac(x.copy(), *self.args)
        elif self.jac is True:
            self.value(x)
            found = self.slope
        else:
            from scipy.optimize import approx_fprime

            found = approx_fprime(x, self.value)
        self.njev += 1
        gradient = real_array("jac", found).astype(np.float64)
        if gradient.shape != x.shape:
            raise ValueError(f"jac must have the shape of x0, {x.shape}, got {gradient.shape}")
        return gradient
