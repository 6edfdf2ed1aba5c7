"""The lemmas behind the rate theorems: each bound beside a proof that SymPy decides.

Setting of [D] = Défossez, Bottou, Bach, Usunier, "A Simple Convergence Proof of Adam and Adagrad", TMLR 2022
(arXiv:2003.02395), reconstructed here. Per coordinate (they only add up), with plain sums,

    m_n = beta1 m_{n-1} + g_n,   s_n = beta2 s_{n-1} + g_n^2,   x_n = x_{n-1} - alpha_n m_n / sqrt(eps + s_n),
    G_n = grad F(x_{n-1}) = E_{n-1}[g_n],   |g_n| <= R - sqrt(eps),
    U_n = g_n / sqrt(eps + s_n),   w_n = m_n / sqrt(eps + s_n).

A function ``prove_*`` returns True when its lemma holds: the docstring reduces the lemma to algebraic facts and the
body has SymPy decide them. An inequality is written as an identity whose slack is a product of nonnegative quantities,
so that no assumption on a symbol enters the algebra. The other functions return the bounds themselves, which the
assemblies in :mod:`theory.claims.convergence.predictable_gate` and :mod:`theory.claims.convergence.smoothed_gate` put
together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sympy as sp

from theory.claim import vanishes

HALF = sp.Rational(1, 2)


# ---------------------------------------------------------------- how an inequality is decided


def is_nonnegative(expr: sp.Expr, *nonnegative: sp.Symbol) -> bool:
    """True when ``expr`` is a quotient of polynomials in the given symbols with nonnegative coefficients only.

    >>> t, u = sp.symbols("t u", nonnegative=True)
    >>> is_nonnegative((t + u) ** 2 - t**2, t, u), is_nonnegative((t - u) ** 2, t, u)
    (True, False)
    """
    numerator, denominator = sp.fraction(sp.cancel(sp.together(expr)))
    return all(c.is_nonnegative for part in (numerator, denominator) for c in sp.Poly(part, *nonnegative).coeffs())


def below_one(name: str) -> tuple[sp.Expr, sp.Symbol]:
    """A number of ``[0, 1)``, written ``p/(1+p)``, and its ``p >= 0``."""
    p = sp.Symbol(name, nonnegative=True)
    return p / (1 + p), p


def inside_unit(name: str) -> sp.Expr:
    """A number of ``(0, 1)``, written ``1/(1+p)`` with ``p > 0``."""
    return 1 / (1 + sp.Symbol(name, positive=True))


def series(term: sp.Expr, k: sp.Symbol, ratio: sp.Symbol) -> sp.Expr:
    """``sum_{k>=0} term`` for a polynomial in ``k`` times ``ratio^k``, ``0 <= ratio < 1``.

    >>> k, x = sp.symbols("k x", nonnegative=True)
    >>> sp.factor(series((k + 1) * x**k, k, x))
    (x - 1)**(-2)
    """
    polynomial = sp.Poly(sp.powsimp(term / ratio**k), k)
    total, moment = sp.Integer(0), 1 / (1 - ratio)  # moment: sum of k^j ratio^k, by ratio d/d(ratio)
    for coefficient in reversed(polynomial.all_coeffs()):
        total += coefficient * moment
        moment = ratio * sp.diff(moment, ratio)
    return sp.factor(total)


# ---------------------------------------------------------------- elementary inequalities


def prove_young() -> bool:
    """``x y <= (lam/2) x^2 + y^2/(2 lam)`` for ``lam > 0``: the difference is ``(lam x - y)^2/(2 lam)``."""
    x, y = sp.symbols("x y")
    lam = sp.Symbol("lam")
    return vanishes(lam * x**2 / 2 + y**2 / (2 * lam) - x * y - (lam * x - y) ** 2 / (2 * lam))


def prove_smoothness() -> bool:
    """``F(x - u) <= F(x) - <grad F(x), u> + (L/2)||u||^2`` when ``grad F`` is ``L``-Lipschitz.

    ``F(x-u) - F(x) + <grad F(x), u> = int_0^1 <grad F(x) - grad F(x - t u), u> dt <= int_0^1 L t ||u||^2 dt``.
    """
    t, L, u = sp.symbols("t L u")
    return vanishes(sp.integrate(L * t * u**2, (t, 0, 1)) - L * u**2 / 2)


def prove_cauchy_schwarz() -> bool:
    """``(sum p_i y_i)^2 <= (sum p_i)(sum p_i y_i^2)`` for weights ``p_i >= 0``.

    The difference is ``sum_{i<j} p_i p_j (y_i - y_j)^2``: twice the difference is the double sum of
    ``p_i p_j (y_i^2 + y_j^2 - 2 y_i y_j)``, whose bracket is a square.
    """
    y, z = sp.symbols("y z")
    return vanishes(y**2 + z**2 - 2 * y * z - (y - z) ** 2)


# ---------------------------------------------------------------- descent


def kept(share: sp.Expr = HALF) -> sp.Expr:
    """What the descent lemma keeps of ``E[G^2/sqrt(eps + st)]`` when Young's inequality may spend ``share`` of it."""
    return 1 - share


def noise(share: sp.Expr = HALF) -> sp.Expr:
    """What it pays: ``noise(share) R sqrt(k+1) E[g^2/(eps + s)]``."""
    return 1 / share


#: The constants of [D], where half is spent.
DESCENT, NOISE = kept(), noise()


def prove_descent() -> bool:
    """The adaptive step follows a descent direction although its denominator knows the gradient.

    Fix ``n`` and ``k``, and write ``G = G_{n-k}``, ``g = g_{n-k}``, ``E = E_{n-k-1}``. Split ``s = s_n`` into what is
    known at time ``n-k-1`` and ``delta^2 = sum_{j=n-k}^n beta2^{n-j} g_j^2``; replacing ``delta^2`` by
    ``r^2 = E[delta^2] <= (k+1) R^2`` gives ``st``. With ``p = eps + s``, ``q = eps + st`` and ``0 < theta < 1``,

    1. ``1/sqrt p - 1/sqrt q = (r^2 - delta^2)/(sqrt p sqrt q (sqrt p + sqrt q))``, at most
       ``r^2/(sqrt p q) + delta^2/(p sqrt q)`` in absolute value; the slacks are ``1/(q (sqrt p + sqrt q))`` and
       ``1/(p (sqrt p + sqrt q))`` times ``r^2`` and ``delta^2``.
    2. Young with ``lam = theta sqrt(q)`` on ``x = |G|/sqrt q``, ``y = |g| r^2/(sqrt p sqrt q)``:
       ``|G g| r^2/(sqrt p q) <= theta G^2/(2 sqrt q) + g^2 r^4/(2 theta p q^{3/2})``, and ``r^4/q^{3/2} <= r`` as
       ``q >= r^2`` (with ``sqrt q = r + t`` the slack is ``r t (3 r^2 + 3 r t + t^2)/(r+t)^3``).
    3. Young with ``lam = theta sqrt(q)/r^2`` on ``x = |G| delta/sqrt q``, ``y = delta |g|/p``:
       ``|G g| delta^2/(p sqrt q) <= (delta^2/r^2) theta G^2/(2 sqrt q) + r^2 g^2 delta^2/(2 theta sqrt q p^2)``; the
       mean of ``delta^2/r^2`` is 1, ``delta^2 <= p`` and ``r^2/sqrt q <= r`` (slack ``r t/(r+t)``).
    4. What is left of ``E[G g]/sqrt q = G^2/sqrt q`` is ``1 - theta/2 - theta/2``; what is lost is
       ``(r/theta) E[g^2/p] <= (R/theta) sqrt(k+1) E[g^2/p]``.

    A factor ``gamma`` known at time ``n-k-1`` comes out of ``E``; only its range matters afterwards. (Where ``r = 0``,
    ``g = 0`` almost surely and there is nothing to prove.)
    """
    G, g, share = sp.symbols("G g share")
    root_p, root_q, r, delta, t = sp.symbols("root_p root_q r delta t")
    p, q = root_p**2, root_q**2
    gap = (1 / root_p - 1 / root_q) - (q - p) / (root_p * root_q * (root_p + root_q))
    known, drawn = 1 / (root_p * q), 1 / (p * root_q)
    common = 1 / (root_p * root_q * (root_p + root_q))

    def young(lam: sp.Expr, x: sp.Expr, y: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
        return lam * x**2 / 2, y**2 / (2 * lam)

    spent, paid = young(share * root_q, G / root_q, g * r**2 / (root_p * root_q))
    spent_drawn, paid_drawn = young(share * root_q / r**2, G * delta / root_q, delta * g / p)
    left = 1 - (spent + spent_drawn.subs(delta, r)) / (G**2 / root_q)  # the mean of delta^2 is r^2
    lost = paid.subs(root_q, r) + paid_drawn.subs({delta: root_p, root_q: r})  # at delta^2 = p and q = r^2
    return (
        vanishes(gap)
        and vanishes(known - common - 1 / (q * (root_p + root_q)))
        and vanishes(drawn - common - 1 / (p * (root_p + root_q)))
        and vanishes((G / root_q) * (g * r**2 / (root_p * root_q)) - G * g * r**2 * known)
        and vanishes((G * delta / root_q) * (delta * g / p) - G * g * delta**2 * drawn)
        and vanishes(paid.subs(root_q, r) - paid.subs(root_q, r + t) - g**2 / (2 * share * p) * _third(r, t))
        and vanishes(r - r**2 / (r + t) - r * t / (r + t))
        and vanishes(left - kept(share))
        and vanishes(lost - noise(share) * r * g**2 / p)
    )


def _third(r: sp.Expr, t: sp.Expr) -> sp.Expr:
    """``r - r^4/(r+t)^3``, a quotient of polynomials with nonnegative coefficients."""
    return r * t * (3 * r**2 + 3 * r * t + t**2) / (r + t) ** 3


def prove_drift() -> bool:
    """The gradient moves while the velocity remembers: the terms ``(G_n - G_{n-k}) g_{n-k} / sqrt(eps + s_n)``.

    Young with ``lam = sqrt(1-beta1)/(2 mu R sqrt(k+1))`` on ``x = |G_n - G_{n-k}|`` and ``y = |g_{n-k}|/sqrt(eps +
    s_n)`` gives ``sqrt(1-beta1)/(4 mu R sqrt(k+1)) x^2 + mu R sqrt(k+1)/sqrt(1-beta1) y^2``. Then
    ``||G_n - G_{n-k}||^2 <= L^2 ||sum_{l=1}^k alpha_{n-l} w_{n-l}||^2 <= alpha_n^2 L^2 k sum_l ||w_{n-l}||^2``
    (Cauchy-Schwarz, ``alpha_n`` nondecreasing, gates at most 1), ``k/sqrt(k+1) <= sqrt k`` (the squares differ by
    ``k/(k+1)``), and ``y^2 <= beta2^{-k} U_{n-k}^2``. [D] takes ``mu = 1`` and rounds what the descent lemma (at its
    share 1/2) and the drift pay together: ``2R + R/sqrt(1-beta1) <= 3R/sqrt(1-beta1)``.
    """
    x, y = sp.symbols("x y")
    R, root, weight = sp.symbols("R root weight")  # root = sqrt(1 - beta1), in (0, 1]
    k = sp.Symbol("k")
    lam = root / (2 * weight * R * sp.sqrt(k + 1))
    split = root / (4 * weight * R * sp.sqrt(k + 1)) * x**2 + weight * R * sp.sqrt(k + 1) / root * y**2
    return (
        vanishes(lam * x**2 / 2 + y**2 / (2 * lam) - split)
        and vanishes(k - k**2 / (k + 1) - k / (k + 1))
        and vanishes((NOISE + 1) * R / root - NOISE * R - R / root - NOISE * R * (1 - root) / root)
    )


# ---------------------------------------------------------------- sums


def log_sum(decay: sp.Expr, ratio: sp.Expr, steps: sp.Expr) -> sp.Expr:
    """``sum_{n<=N} g_n^2/(eps + s_n) <= ln(1 + ratio) - N ln(decay)``, ``ratio`` an upper bound of ``s_N/eps``."""
    return sp.log(1 + ratio) - steps * sp.log(decay)


def prove_log_sum() -> bool:
    """Each ratio ``u = g_n^2/(eps + s_n) < 1`` is at most the growth of a logarithm.

    ``u <= -ln(1-u) = ln((eps + s_n)/(eps + beta2 s_{n-1}))``, since ``-ln(1-u) - u`` vanishes at 0 and has derivative
    ``u/(1-u) >= 0``; and ``eps + beta2 s >= beta2 (eps + s)``, since the difference is ``(1-beta2) eps``. The sum
    telescopes from ``s_0 = 0`` to ``ln((eps + s_N)/eps) - N ln(beta2)``.
    """
    u = sp.Symbol("u")
    e, s = sp.symbols("e s")
    excess = -sp.log(1 - u) - u
    s_new, g2 = sp.symbols("s_new g2")
    before = s_new - g2  # beta2 s_{n-1}
    return (
        vanishes(excess.subs(u, 0))
        and vanishes(sp.diff(excess, u) - u / (1 - u))
        and vanishes((1 - g2 / (e + s_new)) - (e + before) / (e + s_new))
        and vanishes((e + u * s) - u * (e + s) - (1 - u) * e)
    )


def velocity_sum(momentum: sp.Expr, decay: sp.Expr) -> sp.Expr:
    """``sum w_n^2 <= velocity_sum * sum U_n^2``: ``1/((1-beta1)(1-beta1/beta2))``."""
    return 1 / ((1 - momentum) * (1 - momentum / decay))


def prove_velocity_sum() -> bool:
    """Cauchy-Schwarz with the weights ``beta1^k``, whose sum is at most ``1/(1-beta1)``.

    ``m_n^2 <= (1/(1-beta1)) sum_k beta1^k g_{n-k}^2``, gates at most 1 included, and
    ``eps + s_n >= beta2^k (eps + s_{n-k})`` because one step back ``eps + s_n >= eps + beta2 s_{n-1} >=
    beta2 (eps + s_{n-1})``, with the slack ``(1-beta2) eps``. So
    ``sum_n w_n^2 <= (1/(1-beta1)) sum_j U_j^2 sum_k (beta1/beta2)^k``.
    """
    k, x, y = sp.symbols("k x y")
    b2, e, s = sp.symbols("b2 e s")
    geometric = series(x**k, k, x)
    return vanishes(e + b2 * s - b2 * (e + s) - (1 - b2) * e) and vanishes(
        geometric * geometric.subs(x, x / y) - velocity_sum(x, y)
    )


def root_sum(ratio: sp.Expr) -> sp.Expr:
    """``sum_k ratio^k sqrt(k+1) <= (1-ratio)^{-3/2}``; [D] has twice that."""
    return 1 / (1 - ratio) ** sp.Rational(3, 2)


def drift_sum(ratio: sp.Expr) -> sp.Expr:
    """``sum_k ratio^k k sqrt(k) <= sqrt(2) ratio (1-ratio)^{-5/2}``; [D] has ``4 ratio (1-ratio)^{-5/2}``."""
    return sp.sqrt(2) * ratio / (1 - ratio) ** sp.Rational(5, 2)


def prove_root_sums() -> bool:
    """Cauchy-Schwarz with the weights ``x^k``.

    ``(sum x^k sqrt(k+1))^2 <= (sum x^k)(sum x^k (k+1)) = (1-x)^{-3}``, and
    ``(sum_{k>=1} x^k k^{3/2})^2 = x^2 (sum x^k (k+1)^{3/2})^2 <= x^2 (sum x^k (k+1)(k+2)) (sum x^k (k+1))
    = 2 x^2 (1-x)^{-5}``, where ``(k+1)^2 (k+2) - (k+1)^3 = (k+1)^2``.
    """
    k, x = sp.symbols("k x")
    ones, linear = series(x**k, k, x), series((k + 1) * x**k, k, x)
    quadratic = series((k + 1) * (k + 2) * x**k, k, x)
    slack = (k + 1) * (k + 2) * (k + 1) - (k + 1) ** 3
    return (
        vanishes(root_sum(x) ** 2 - ones * linear)
        and vanishes(drift_sum(x) ** 2 - x**2 * quadratic * linear)
        and vanishes(slack - (k + 1) ** 2)
    )


def prove_drift_sum_exchange() -> bool:
    """``sum_{n<=N} sum_{l<n} ||w_{n-l}||^2 sum_{k=l}^{n-1} beta1^k sqrt k <= sum_j ||w_j||^2 sum_k k sqrt(k) beta1^k``.

    For fixed ``j = n-l`` the pair ``(n, k)`` satisfies ``j < n <= j + k``: at most ``k`` values of ``n`` for each.
    Checked by exchanging the sums at horizons up to 9: the coefficient of ``beta1^k sqrt k ||w_j||^2`` counts the ``n``
    from ``max(j, k) + 1`` to ``min(j + k, N)``, of which there are at most ``(j + k) - j``.
    """
    n, j, k = sp.symbols("n j k")
    generic = sp.summation(1, (n, j + 1, j + k))
    return vanishes(generic - k) and all(map(_drift_sum_exchanges, range(1, 10)))


def _drift_sum_exchanges(horizon: int) -> bool:
    """Whether the pairs of places and lags are met as often as the exchanged sum says."""
    counts: dict[tuple[int, int], int] = {}
    for n in range(1, horizon + 1):
        for lag in range(1, n):
            for k in range(lag, n):
                counts[n - lag, k] = counts.get((n - lag, k), 0) + 1
    times = {(j, k): min(j + k, horizon) - max(j, k) for j in range(1, horizon) for k in range(1, horizon)}
    return counts == times and all(count <= k for (_, k), count in times.items())


def weight_total(momentum: sp.Expr, steps: sp.Expr) -> sp.Expr:
    """``sum_{j=1}^N (1 - beta1^j) >= N - beta1/(1-beta1)``: the total weight behind ``P(tau)``."""
    return steps - momentum / (1 - momentum)


def prove_weights() -> bool:
    """``sum_{n<=N} sum_{k<n} beta1^k a_{n-k} = sum_j a_j (1 - beta1^{N-j+1})/(1-beta1)``.

    For fixed ``j = n-k`` the lag ``k`` runs over ``0..N-j``. The weights ``1 - beta1^i, i = 1..N``, add up to
    ``N - beta1 (1-beta1^N)/(1-beta1)``, which exceeds ``weight_total`` by ``beta1^{N+1}/(1-beta1) >= 0``.
    """
    i, k, n, j = sp.symbols("i k n j")
    b = inside_unit("p")
    lag = sp.summation(b**k, (k, 0, n - j)) - (1 - b ** (n - j + 1)) / (1 - b)
    total = n - sp.summation(b**i, (i, 1, n))
    return vanishes(lag) and vanishes(total - weight_total(b, n) - b ** (n + 1) / (1 - b))


# ---------------------------------------------------------------- the step size


def prove_denominator() -> bool:
    """``sqrt(eps + st_{n,k}) <= R Omega_n`` with ``Omega_n^2 = sum_{j<n} beta2^j``.

    ``st`` is at most ``(R - sqrt eps)^2 Omega_n^2``, ``(R - sqrt eps)^2 <= R^2 - eps`` for ``R >= sqrt eps``, and
    ``eps + (R^2 - eps) Omega^2 <= R^2 Omega^2`` as ``Omega >= 1``. The slacks are ``2 sqrt(eps) (R - sqrt eps)`` and
    ``eps (Omega^2 - 1)``.
    """
    root_eps, R, omega2 = sp.symbols("root_eps R omega2")
    first = R**2 - root_eps**2 - (R - root_eps) ** 2
    second = R**2 * omega2 - root_eps**2 - (R**2 - root_eps**2) * omega2
    return vanishes(first - 2 * root_eps * (R - root_eps)) and vanishes(second - root_eps**2 * (omega2 - 1))


def prove_step_size() -> bool:
    """``alpha_n`` is nondecreasing and at most ``alpha0 (1-beta1)/sqrt(1-beta2)``.

    ``Omega_n^2 = (1-beta2^n)/(1-beta2)`` starts at 1, grows by ``beta2^n`` each step and stays below ``1/(1-beta2)``.
    """
    n = sp.Symbol("n")
    b = inside_unit("p")
    omega2 = (1 - b**n) / (1 - b)
    return (
        vanishes(omega2.subs(n, n + 1) - omega2 - b**n)
        and vanishes(omega2.subs(n, 1) - 1)
        and vanishes(1 / (1 - b) - omega2 - b**n / (1 - b))
    )


#: The lemmas about Adam's direction that every proof of a rate rests on: name of the step -> its proof.
DIRECTION: Final[dict[str, Callable[[], bool]]] = {
    "adaptive steps descend": prove_descent,
    "drift of the gradient": prove_drift,
    "sum of squared ratios": prove_log_sum,
    "sum of squared directions": prove_velocity_sum,
    "sums with roots": prove_root_sums,
    "exchange of sums in the drift": prove_drift_sum_exchange,
    "weights of tau": prove_weights,
}
