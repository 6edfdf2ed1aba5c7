"""The best that the proofs of C1a and C2 give: Young's inequality with free shares, sums with roots at their constants.

[D] spends half of the progress in the descent lemma (``theta = 1/2``), weighs the two sides of the drift equally
(``mu = 1``), rounds what both pay to ``3 R/sqrt(1-beta1)``, and takes twice the constant that its sum with roots needs.
Nothing in the proof asks for these numbers. With ``theta`` in (0, 1) and ``mu > 0`` left free it gives
``theorem2_shares`` and ``theorem4_shares``; the constant 12 of Theorem 4 is 6 at ``theta = 1/2, mu = 1``. As
functions of the shares the bounds are ``(A + B/theta)/(1-theta)``, ``A`` containing ``a mu + b/mu``, and their
minimum is :func:`at_best_shares`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import sympy as sp

from theory.claim import vanishes
from theory.methods.rate_lemmas import DESCENT, NOISE, kept, noise
from theory.notation import D, L, N, R, alpha0, alpha1, beta1, beta2, d, eps, mu, theta


class Version(NamedTuple):
    """What a version of the proof takes for its free numbers.

    ``kept`` of the progress remains and ``noise R`` is paid for each ``||U_n||^2`` because the denominator knows the
    gradient; ``drift`` is ``mu``; ``roots`` and ``lags`` are the constants of the two sums with roots in units of those
    that they need; ``rounded``: ``noise + drift/sqrt(1-beta1)`` is replaced by ``(noise + drift)/sqrt(1-beta1)``.
    """

    kept: sp.Expr
    noise: sp.Expr
    drift: sp.Expr
    roots: sp.Expr
    lags: sp.Expr
    rounded: bool

    def paid(self, momentum: sp.Expr) -> sp.Expr:
        """What descent and drift pay together, in units of ``R sqrt(k+1)``."""
        root = sp.sqrt(1 - momentum)
        return (self.noise if not self.rounded else self.noise / root) + self.drift / root


PUBLISHED: Final = Version(DESCENT, NOISE, sp.Integer(1), sp.Integer(2), 2 * sp.sqrt(2), rounded=True)
FREE: Final = Version(kept(theta), noise(theta), mu, sp.Integer(1), sp.Integer(1), rounded=False)

# ---------------------------------------------------------------- the formulas

_r = beta1 / beta2
_horizon = N - beta1 / (1 - beta1)
_Lam = sp.log(1 + R**2 / ((1 - beta2) * eps)) - N * sp.log(beta2)

theorem2_shares = (
    (1 + alpha1)
    / (1 - theta)
    * (R * D / (alpha0 * N) + (R**2 / (theta * sp.sqrt(1 - beta2)) + alpha0 * R * L / (2 * (1 - beta2))) * d * _Lam / N)
)
theorem4_shares = (
    (1 + alpha1)
    / (1 - theta)
    * (
        R * D / (alpha0 * _horizon)
        + (
            R**2
            * (1 - beta1)
            * (1 / theta + mu / sp.sqrt(1 - beta1))
            / ((1 - _r) ** sp.Rational(3, 2) * sp.sqrt(1 - beta2))
            + alpha0 * R * L * (1 - beta1) / (2 * (1 - _r) * (1 - beta2))
            + sp.sqrt(2) * alpha0**2 * L**2 * beta1 / (4 * mu * (1 - _r) * (1 - beta2) ** sp.Rational(3, 2))
        )
        * d
        * _Lam
        / _horizon
    )
)


# ---------------------------------------------------------------- the best shares


def parts(bound: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr]:
    """``A, B, a, b`` of ``bound = (A + a mu + b/mu + B/theta)/(1-theta)``.

    Raises
    ------
    ValueError
        If ``bound`` depends on its shares in another way.
    """
    x, y = sp.symbols("x y", positive=True)  # 1/theta, 1/mu
    whole = sp.Add(*((1 - theta) * term for term in sp.Add.make_args(bound))).xreplace({1 / theta: x, 1 / mu: y})
    slopes = tuple(sp.diff(whole, symbol) for symbol in (x, mu, y))
    if whole.has(theta) or any(slope.has(x, mu, y) for slope in slopes):
        raise ValueError(f"bound must be (A + a mu + b/mu + B/theta)/(1-theta), got {bound}")
    return whole.subs({x: 0, mu: 0, y: 0}), *slopes


@cache
def at_best_shares(bound: sp.Expr) -> sp.Expr:
    """``(sqrt(A + 2 sqrt(a b) + B) + sqrt(B))^2``, the minimum over ``theta`` and ``mu``."""
    rest, spent, more, less = parts(bound)
    return (sp.sqrt(rest + 2 * sp.sqrt(more * less) + spent) + sp.sqrt(spent)) ** 2


def best_theta(whole: Any, part: Any) -> Any:
    """The ``theta`` at which ``(A + B/theta)/(1-theta)`` is least, from ``sqrt(A + B)`` and ``sqrt(B)``."""
    return part / (whole + part)


def prove_best_shares() -> bool:
    """Both minima are completed squares.

    ``(A + B/theta)/(1-theta) - (whole + part)^2 = (theta (whole + part) - part)^2/(theta (1-theta))`` with ``whole^2 =
    A + B`` and ``part^2 = B``; and ``a mu + b/mu - 2 sqrt(a b) = (sqrt(a) mu - sqrt(b))^2/mu``.
    """
    whole, part, share, up, down, weight = sp.symbols("whole part share up down weight")
    value = (whole**2 - part**2 + part**2 / share) / (1 - share)
    return (
        vanishes(value - (whole + part) ** 2 - (share * (whole + part) - part) ** 2 / (share * (1 - share)))
        and vanishes(value.subs(share, best_theta(whole, part)) - (whole + part) ** 2)
        and vanishes(up**2 * weight + down**2 / weight - 2 * up * down - (up * weight - down) ** 2 / weight)
    )


def best(bound: sp.Expr, **values: Any) -> Any:
    """The value of a bound at its best shares; ``values`` are named as in :data:`theory.SYMBOLS`, numbers or arrays.

    >>> problem = dict(N=10**6, alpha0=1e-3, beta1=0.0, beta2=1 - 1e-6, alpha1=1.0, eps=1e-2, L=0.1, d=1, R=1.0, D=1.0)
    >>> round(float(best(theorem2_shares, **problem)), 4)
    0.1632

    Raises
    ------
    ValueError
        If a symbol of ``bound`` other than the shares has no value.
    """
    names = tuple(sorted(symbol.name for symbol in bound.free_symbols - {theta, mu}))
    if missing := [name for name in names if name not in values]:
        raise ValueError(f"values must hold every symbol of the bound, got none for {', '.join(missing)}")
    return _numeric(bound, names)(*(np.asarray(values[name], dtype=float)[()] for name in names))


@cache
def _numeric(bound: sp.Expr, names: tuple[str, ...]) -> Any:
    by_name = {symbol.name: symbol for symbol in bound.free_symbols}
    return sp.lambdify([by_name[name] for name in names], at_best_shares(bound), "numpy")
