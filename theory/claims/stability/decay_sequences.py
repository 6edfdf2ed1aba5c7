"""S4 for arbitrary gates: with weight decay, the step sizes at which one Lyapunov function serves every gate sequence.

With ``r = h x - v`` (the gradient minus the velocity before the step) one curvature ``h`` of VRMomentum reads

    x' = x - u,    r' = beta1 r - h u,    u = eta y,    y = (decay + h) x - beta1 r,

and the gate sets only the gain ``eta`` between ``y`` and ``u``. If ``eta`` may be anything in ``(0, b]``, the function

    V = (decay + h) x^2 + (beta1/|h|) r^2

decreases at every step exactly when ``b (decay + kappa h) <= 2`` for ``h > 0``, and when ``b (decay - |h|/kappa) <= 2``
for ``-decay < h < 0``. So ``alpha0 (decay + kappa L) < 2`` is enough for every sequence of gates bounded below by a
positive number, every curvature in ``[-m, L]`` and ``decay > m``; the largest curvature is the worst. Compare the edge,
``alpha0 (kappa decay + L) < 2 kappa``: curvature and decay have changed places. Where all curvatures are positive, V
times ``h`` reads without coordinates: ``||grad F||^2 + decay <x, grad F> + beta1 ||grad F - v||^2``.
"""

from __future__ import annotations

import sympy as sp

from theory.claim import vanishes
from theory.notation import L, beta1, kappa, weight_decay
from theory.recursion import ALGORITHM, Coefficients, momentum

x, velocity, r, u, eta, z, w = sp.symbols("x velocity r u eta z w", real=True)
h = sp.Symbol("h", positive=True)


def derive_limit(c: Coefficients = ALGORITHM) -> sp.Expr:
    """The largest ``b``, from the circle criterion: ``1/b + Re G`` must not be negative on the unit circle.

    ``A(eta) = A0 - eta e c'`` is read off the recursion and ``G(z) = c'(z I - A0)^-1 e``. On the circle
    ``z = (1 + i w)/(1 - i w)`` the real part is least as ``w -> 0`` (a step of the proof).
    """
    return sp.simplify(-1 / real_part(c).subs(w, 0))


def real_part(c: Coefficients = ALGORITHM) -> sp.Expr:
    """``Re G((1 + i w)/(1 - i w))`` at the curvature ``L``, a rational function of ``w^2``."""
    step = sp.Matrix(momentum(x, velocity, L * x, eta, c)).jacobian([x, velocity])
    still, gain = step.subs(eta, 0), -step.diff(eta)
    response = (gain[0, :] * (z * sp.eye(2) - still).adjugate())[0] / (z * sp.eye(2) - still).det()
    on_circle = sp.cancel(response.subs(z, (1 + sp.I * w) / (1 - sp.I * w)))
    numerator, denominator = sp.fraction(sp.together(on_circle))
    mirrored = sp.conjugate(sp.expand(denominator))
    return sp.cancel(sp.re(sp.expand(numerator * mirrored)) / sp.expand(denominator * mirrored))


# ---------------------------------------------------------------- proof steps


def _fall(curvature: sp.Expr, along: sp.Expr, across: sp.Expr) -> sp.Expr:
    """``V(z) - V(z')`` of ``V = along x^2 + across r^2`` in ``(u, r)``, from the recursion, at step size ``eta``.

    ``x`` is expressed by ``y = u/eta``, which is possible as ``decay + curvature`` does not vanish.
    """
    moved, after = momentum(x, curvature * x - r, curvature * x, eta)
    left = curvature * moved - after  # r' = h x' - v'
    fall = along * (x**2 - moved**2) + across * (r**2 - left**2)
    (place,) = sp.solve(x - moved - u, x)
    return sp.expand(sp.simplify(fall.subs(x, place)))


def coordinates() -> bool:
    """``x' = x - u`` and ``r' = beta1 r - h u`` with ``u = eta ((decay + h) x - beta1 r)``."""
    moved, after = momentum(x, h * x - r, h * x, eta)
    gained = eta * ((weight_decay + h) * x - beta1 * r)
    return vanishes(x - moved - gained) and vanishes(h * moved - after - (beta1 * r - h * gained))


def one_function_for_all_gates() -> bool:
    """``h > 0``: ``V - V' = (2/eta - decay - kappa h) u^2 + kappa (beta1/h) ((1-beta1) r + h u)^2``.

    For ``eta`` in a closed interval inside ``(0, b)`` this is positive definite in ``(u, r)``, of which ``x`` is a
    bounded combination: V falls by a fixed factor at every step. (At beta1 = 0, r is just ``-h u`` of the step before.)
    """
    square = kappa() * beta1 / h * ((1 - beta1) * r + h * u) ** 2
    claimed = (2 / eta - weight_decay - kappa() * h) * u**2 + square
    return vanishes(_fall(h, weight_decay + h, beta1 / h) - claimed)


def negative_curvature_is_easier() -> bool:
    """Curvature ``-h``, ``0 < h < decay``: the same with ``decay - h/kappa`` for ``decay + kappa h``."""
    square = beta1 / (kappa() * h) * ((1 + beta1) * r + h * u) ** 2
    claimed = (2 / eta - weight_decay + h / kappa()) * u**2 + square
    return vanishes(_fall(-h, weight_decay - h, beta1 / h) - claimed)


def flat_directions() -> bool:
    """``h = 0``, any ``q > 0``: ``V = decay x^2 + beta1^2 r^2/(q (1-beta1^2))`` falls while ``eta (decay + q) < 2``."""
    q = sp.Symbol("q", positive=True)
    weight = beta1**2 / (q * (1 - beta1**2))
    claimed = (2 / eta - weight_decay - q) * u**2 + (beta1 * r + q * u) ** 2 / q
    return vanishes(_fall(sp.Integer(0), weight_decay, weight) - claimed)


def no_other_quadratic_function_does_better() -> bool:
    """``h > 0``: beyond ``b (decay + kappa h) = 2`` no quadratic function falls for every gain in ``(0, b]``.

    As the gain tends to 0 the step tends to ``(x, r) -> (x, beta1 r)``, so a mixed term ``x r`` would make ``V - V'``
    change sign: V is ``(decay + h) x^2 + (p/h) r^2`` up to a factor. At the gain b its fall is a quadratic form in
    ``(u, r)``; with ``2/b = decay + (kappa - t) h`` its discriminant is ``-(p - beta1)^2 - t p (1-beta1^2)``, negative
    for every ``p > 0`` as soon as ``t > 0``.
    """
    mixed, p, t = sp.symbols("mixed p t", real=True)
    moved, after = momentum(x, h * x - r, h * x, sp.Integer(0))
    cross = sp.expand(mixed * (x * r - moved * (h * moved - after)))
    form = sp.Poly(_fall(h, weight_decay + h, p / h).subs(1 / eta, (weight_decay + (kappa() - t) * h) / 2), u, r)
    determinant = form.coeff_monomial(u**2) * form.coeff_monomial(r**2) - form.coeff_monomial(u * r) ** 2 / 4
    claimed = -((p - beta1) ** 2) - t * p * (1 - beta1**2)
    return vanishes(cross - mixed * (1 - beta1) * x * r) and vanishes(determinant - claimed)


def least_real_part_is_at_one() -> bool:
    """``Re G - Re G(1)`` is a square of ``w`` over a sum of squares: the circle criterion asks at ``z = 1``."""
    real = real_part()
    excess = sp.factor(real - real.subs(w, 0))
    ratio = 2 * L * beta1 * (1 + beta1) * w**2 / ((1 - beta1) * ((1 - beta1) ** 2 + (1 + beta1) ** 2 * w**2))
    return vanishes(excess - ratio)
