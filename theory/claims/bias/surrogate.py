"""What the gate of Algorithm 1 descends on: the surrogate of C1b, and the rates that hold for it.

The gate of step ``n`` sees ``g_n``, so the mean step is not a multiple of ``grad F``. Take ``beta1 = 0``, the
proofs' form and noise ``xi`` whose law does not depend on ``x``. In one dimension let

    phi(w) = w / (1 + min(beta3 w^2, alpha1)),   psi(G) = E phi(G + xi),   Ft' = psi(F').

The run is stochastic gradient descent with Adam's denominator on ``Ft``: the rate holds for ``Ft`` (``surrogate``),
and for ``F`` only where ``psi`` is close to the identity (``weak_gate``, ``weak_gate_least``) or at least has the
sign of its argument (``symmetric_unimodal``). Two-point noise takes ``+ amplitude (1-p)/p`` with probability ``p``,
else ``-amplitude``.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from theory import recursion
from theory.claim import vanishes
from theory.claims.convergence.predictable_gate import Numbers, assemble_no_momentum, no_momentum, rate_limit
from theory.claims.convergence.shares import PUBLISHED
from theory.methods.rate_lemmas import DESCENT, NOISE, is_nonnegative, prove_descent
from theory.notation import D, L, N, R, alpha0, alpha1, amplitude, beta2, beta3, d, eps, gradient, p
from theory.recursion import ALGORITHM, Coefficients, gamma

up = amplitude * (1 - p) / p  # the large value of two-point noise
third_moment_of_noise = amplitude**3 * (1 - p) * (1 - 2 * p) / p**2

# ---------------------------------------------------------------- the rates

_log = sp.log(1 + R**2 / ((1 - beta2) * eps)) / N - sp.log(beta2)

#: Theorem 2 for the surrogate: no factor ``1 + alpha1``; ``D`` is the surrogate's gap ``Ft(x_0) - min Ft``.
surrogate = 2 * R * D / (alpha0 * N) + (4 * d * R**2 / sp.sqrt(1 - beta2) + alpha0 * d * R * L / (1 - beta2)) * _log

#: Any dimension, noise with independent coordinates, each symmetric and unimodal about 0: a bound for ``F`` itself.
symmetric_unimodal = (1 + alpha1) * (
    2 * R * D / (alpha0 * N)
    + (4 * (1 + alpha1) * d * R**2 / sp.sqrt(1 - beta2) + alpha0 * d * R * L / (1 - beta2)) * _log
)

#: ``d = 1``, any noise: ``E F'^2`` is at most this; the bias costs ``2 beta3^2 R^6``. ``D`` is the surrogate's gap.
weak_gate = 2 * surrogate.subs(d, 1) + 2 * beta3**2 * R**6

#: ``d = 1``, two-point noise, ``beta3 R^2 <= alpha1``: ``E F'^2`` is at least this. ``D`` is the surrogate's gap.
weak_gate_least = (beta3**2 * third_moment_of_noise**2 / 3 - surrogate.subs(d, 1) - beta3**4 * R**10) / (
    1 + 3 * beta3 * R**2
) ** 2


def rates(numbers: Numbers, c: Coefficients = ALGORITHM) -> dict[str, sp.Expr]:
    """The four rates by the assembly of Theorem 2 and the comparison lemmas below."""
    free = assemble_no_momentum(numbers._replace(floor=sp.Integer(1)))
    shift = c.beta3 * R**3  # |psi(G) - G| <= shift
    third = p * up**3 - (1 - p) * amplitude**3
    return {
        "surrogate": free,
        "symmetric_unimodal": assemble_no_momentum(numbers, PUBLISHED._replace(noise=NOISE * (1 + c.alpha1))),
        "weak_gate": 2 * free.subs(d, 1) + 2 * shift**2,
        "weak_gate_least": ((c.beta3 * third) ** 2 / 3 - free.subs(d, 1) - (c.beta3**2 * R**5) ** 2)
        / (1 + 3 * c.beta3 * R**2) ** 2,
    }


# ---------------------------------------------------------------- the gated velocity


def gated(velocity: sp.Expr, c: Coefficients = ALGORITHM) -> sp.Expr:
    """``phi(velocity)``, in one dimension."""
    return gamma(velocity**2, c) * velocity


def mean_gated(c: Coefficients = ALGORITHM, up_clipped: bool = False) -> sp.Expr:
    """``psi(gradient)`` for two-point noise, the small value unclipped and the large one clipped or not."""
    unclipped = no_momentum(replace(c, alpha1=sp.oo))
    high, low = (recursion.velocity(0, gradient + noise, unclipped) for noise in (up, -amplitude))
    return p * (high / (1 + c.alpha1) if up_clipped else gated(high, unclipped)) + (1 - p) * gated(low, unclipped)


def prove_gated_is_tame() -> bool:
    """``|phi(w)| <= |w|`` and ``|phi'| <= 1``, so ``Ft`` is ``L``-smooth like ``F``: ``|Ft''| = |psi'(F') F''| <= L``.

    With ``u = beta3 w^2``: ``phi' = (1-u)/(1+u)^2`` unclipped, ``1/(1+alpha1)`` clipped.
    """
    w, u = sp.symbols("w u", nonnegative=True)
    slope = sp.diff(gated(w, replace(ALGORITHM, alpha1=sp.oo)), w)
    in_u = (1 - u) / (1 + u) ** 2
    return (
        vanishes(slope - in_u.subs(u, beta3 * w**2))
        and is_nonnegative(1 - in_u, u)
        and is_nonnegative(1 + in_u, u)
        and is_nonnegative(1 - 1 / (1 + alpha1), alpha1)
    )


def prove_surrogate_descends() -> bool:
    """The descent lemma with the numerator ``q_n = phi(g_n)`` over a denominator made of the ``g_n``.

    ``E_{n-1}[q_n] = Ft'``, so the mean of ``Ft' q/sqrt(eps + st)`` is ``Ft'^2/sqrt(eps + st)``; in both uses of
    Young's inequality the factor ``g^2`` of the noise term becomes ``q^2 <= g^2``, and ``||w_n||^2 = q_n^2/(eps +
    s_n) <= U_n^2``. No other step of Theorem 2 knows the numerator.
    """
    g, energy = sp.symbols("g energy", nonnegative=True)
    return is_nonnegative(g**2 - (g / (1 + energy)) ** 2, g, energy) and prove_descent()


# ---------------------------------------------------------------- no bias: symmetric and unimodal


def prove_symmetric_unimodal() -> bool:
    """``G_i E[gamma g_i] >= G_i^2/(1+alpha1)``: no bias, in any dimension, whatever the other coordinates do.

    Fix the other coordinates; with ``c`` their share of the kinetic energy the gated coordinate is ``w
    gamma_c(w)``, ``gamma_c(w) = 1/(1 + min(beta3 (w^2 + c), alpha1))`` even and at least ``1/(1+alpha1)``. By
    Khinchin's theorem a law that is symmetric and unimodal is a mixture of uniform laws on ``[-t, t]`` (``t = 0``:
    the point 0). For ``G > 0``

        (1/2t) int_{G-t}^{G+t} w gamma_c dw = (1/2t) int_{|G-t|}^{G+t} w gamma_c dw
                                           >= ((G+t)^2 - (G-t)^2) / (4 t (1+alpha1)) = G/(1+alpha1),

    since the part between ``-|G-t|`` and ``|G-t|`` cancels. For the rate, Young's two uses in the descent lemma may
    each lose only ``1/(4(1+alpha1))``: with ``lam/(1+alpha1)`` for ``lam`` the noise term gains the factor
    ``1+alpha1``.
    """
    w, G, t = sp.symbols("w G t", positive=True)
    x, y, lam = sp.symbols("x y lam", positive=True)
    mean = sp.integrate(w, (w, G - t, G + t)) / (2 * t) / (1 + alpha1)
    split = lam / (1 + alpha1) * x**2 / 2 + y**2 * (1 + alpha1) / (2 * lam)
    kept = 1 / (1 + alpha1) - 2 * sp.Rational(1, 4) / (1 + alpha1)
    return (
        vanishes(mean - G / (1 + alpha1))
        and vanishes(split - x * y - (lam * x / (1 + alpha1) - y) ** 2 * (1 + alpha1) / (2 * lam))
        and vanishes(kept - DESCENT / (1 + alpha1))
    )


# ---------------------------------------------------------------- how weak the gate must be


def prove_weak_gate() -> bool:
    """``G^2 <= 2 psi^2 + 2 (G - psi)^2`` and ``|G - psi| <= E |v| (1-gamma) <= beta3 E |v|^3 <= beta3 R^3``.

    The first is the square ``(G - 2 psi)^2 >= 0``; the second is ``1 - 1/(1+u) = u/(1+u) <= u`` with ``u <= beta3
    v^2``.
    """
    G, psi = sp.symbols("G psi", real=True)
    u = sp.Symbol("u", nonnegative=True)
    return vanishes(2 * psi**2 + 2 * (G - psi) ** 2 - G**2 - (G - 2 * psi) ** 2) and is_nonnegative(
        u - (1 - 1 / (1 + u)), u
    )


def prove_weak_gate_least() -> bool:
    """Unclipped, ``beta3 |E xi^3| <= |psi| + (1 + 3 beta3 R^2) |G| + beta3^2 R^5``; then square and divide by 3.

    ``phi(w) - w + beta3 w^3 = w u^2/(1+u)`` with ``u = beta3 w^2``, at most ``beta3^2 |w|^5``; and
    ``E (G+xi)^3 = E xi^3 + G (G^2 + 3 E xi^2)`` with ``G^2 + 3 E xi^2 <= 3 E (G+xi)^2 <= 3 R^2``.
    Cauchy-Schwarz turns the three terms into ``(.)^2 <= 3 (psi^2 + (1 + 3 beta3 R^2)^2 G^2 + beta3^4 R^10)``.
    """
    w, u, G, xi = sp.symbols("w u G xi", real=True)
    positive = sp.Symbol("positive", nonnegative=True)
    remainder = gated(w, replace(ALGORITHM, alpha1=sp.oo)) - w + beta3 * w**3
    cube = sp.Poly((G + xi) ** 3, xi)
    mean_cube = cube.coeff_monomial(1) + cube.coeff_monomial(xi**2) * xi**2 + cube.coeff_monomial(xi**3) * xi**3
    return (
        vanishes(remainder - (w * u**2 / (1 + u)).subs(u, beta3 * w**2))
        and is_nonnegative(positive**2 - positive**2 / (1 + positive), positive)
        and vanishes(mean_cube - xi**3 - G * (G**2 + 3 * xi**2))  # E xi = 0
        and vanishes(3 * (G**2 + xi**2) - (G**2 + 3 * xi**2) - 2 * G**2)
    )


def survives_exactly_up_to() -> bool:
    """At ``beta1 = 0, d = 1`` and skewed noise ``O(ln N / sqrt N)`` survives iff ``beta3^2 = O(ln N / sqrt N)``.

    Sufficient: with ``beta3^2 = c ln N/sqrt N`` the limit of ``weak_gate sqrt(N)/ln N`` is finite. Necessary: the
    limit of ``weak_gate_least sqrt(N)/ln N`` is ``c (E xi^3)^2/3`` less that of the surrogate's bound, and exceeds
    any constant for large ``c``. (The surrogate's gap must stay bounded as ``beta3 -> 0``, where it tends to the
    gap of ``F``.)
    """
    c = sp.Symbol("c", positive=True)
    rate = sp.log(N) / sp.sqrt(N)
    skewed = {p: sp.Rational(1, 4), amplitude: sp.Integer(1)}
    plain = R * (4 * R + L)

    def limit(bound: sp.Expr) -> sp.Expr:
        return rate_limit(bound.subs(beta3, sp.sqrt(c * rate)).subs(skewed))

    cubed = third_moment_of_noise.subs(skewed)
    return vanishes(limit(weak_gate) - 2 * plain - 2 * c * R**6) and vanishes(
        limit(weak_gate_least) - c * cubed**2 / 3 + plain
    )
