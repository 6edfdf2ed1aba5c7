"""Finding cycles of the true gate: by simulation, by Newton's method, by continuation in S down to where they are born.

With velocities in units of ``1/sqrt(beta3)`` a symmetric cycle of period 2k is a zero of

    f_i = w_{i+1} - (1+beta1) w_i + beta1 w_{i-1} + (1-beta1) S phi(w_i),    w_{i+k} = -w_i,

``phi(w) = w/(1 + min(w^2, alpha1))``. A family of them, followed towards smaller S, turns back at a saddle-node:
:func:`birth`. What is found here proves nothing; :func:`certificate` writes it down so that
:mod:`theory.certificates.cycles`, which shares no code with this module, can.
"""

from __future__ import annotations

import json
from fractions import Fraction
from math import inf
from typing import Any, NamedTuple

import mpmath
import numpy as np
from numpy.typing import NDArray

from theory.search.storing import CERTIFICATES

Array = NDArray[np.float64]


# ---------------------------------------------------------------- the recursion and its zeros


def residual(w: Array, beta1: float, S: float, alpha1: float = inf) -> Array:
    """``f`` above, shape (k,)."""
    previous, following = np.append(-w[-1], w[:-1]), np.append(w[1:], -w[0])
    force = (1 - beta1) * S * w / (1 + np.minimum(w**2, alpha1))
    return following - (1 + beta1) * w + beta1 * previous + force


def slopes(w: Array, alpha1: float = inf) -> Array:
    """``phi'(w)``: ``(1-w^2)/(1+w^2)^2``, and ``1/(1+alpha1)`` where the clip acts."""
    return np.where(w**2 > alpha1, 1 / (1 + min(alpha1, 1e300)), (1 - w**2) / (1 + w**2) ** 2)


def jacobian(w: Array, beta1: float, S: float, alpha1: float = inf) -> Array:
    """``df_i/dw_j``, shape (k, k)."""
    k = len(w)
    matrix = np.diag((1 - beta1) * S * slopes(w, alpha1) - (1 + beta1))
    for i in range(k):
        matrix[i, (i + 1) % k] += 1.0 if i + 1 < k else -1.0
        matrix[i, i - 1] += beta1 if i > 0 else -beta1
    return matrix


def newton(w: Array, beta1: float, S: float, alpha1: float = inf, steps: int = 60) -> Array | None:
    """A zero of ``f`` near ``w`` (steps of length at most 1), or None."""
    for _ in range(steps):
        try:
            change = np.linalg.solve(jacobian(w, beta1, S, alpha1), residual(w, beta1, S, alpha1))
        except np.linalg.LinAlgError:
            return None
        w = w - change / max(1.0, float(np.abs(change).max()))
        if np.abs(change).max() < 1e-12:
            return w
    return None


def trace(w: Array, beta1: float, S: float, alpha1: float = inf) -> float:
    """Trace of the derivative of the half-return map; its determinant is ``beta1^k``."""
    product = np.eye(2)
    for slope in slopes(w, alpha1):
        product = np.array([[1 + beta1 - (1 - beta1) * S * slope, -beta1], [1.0, 0.0]]) @ product
    return float(np.trace(product))


def attracts(w: Array, beta1: float, S: float, alpha1: float = inf) -> bool:
    """Jury: ``|trace| < 1 + beta1^k``."""
    return abs(trace(w, beta1, S, alpha1)) < 1 + beta1 ** len(w)


def least_half_period(w: Array) -> int:
    """The smallest j with ``w_{i+j} = -w_i``; len(w) unless the cycle runs through a shorter one several times."""
    k, signed = len(w), np.append(w, -w)
    divisors = [j for j in range(1, k + 1) if k % j == 0 and (k // j) % 2 == 1]
    return next(j for j in divisors if j == k or np.allclose(signed[j : j + k], -w, atol=1e-7))


# ---------------------------------------------------------------- simulation: which cycles attract


def settle(beta1: float, S: float, alpha1: float, starts: int, seed: int, longest: int = 40) -> list[Array]:
    """The symmetric cycles on which random starts end, one half-cycle each, starting at the largest velocity."""
    rng = np.random.default_rng(seed)
    scale = 10 ** rng.uniform(-1, 2, size=starts)
    before, now = scale * rng.normal(size=starts), scale * rng.normal(size=starts)
    history = np.empty((2 * longest, starts))
    for step in range(int(20 / (1 - beta1)) * 20 + 2 * longest):
        force = (1 - beta1) * S * now / (1 + np.minimum(now**2, alpha1))
        before, now = now, now + beta1 * (now - before) - force
        history[step % (2 * longest)] = now
    ordered = np.roll(history, -((step + 1) % (2 * longest)), axis=0)
    cycles: list[Array] = []
    for orbit in ordered[:, np.abs(ordered).max(axis=0) > 1e-6].T:
        halves = [k for k in range(1, longest) if np.allclose(orbit[k : 2 * k], -orbit[:k], atol=1e-7)]
        halves = [k for k in halves if np.allclose(orbit[k:], -orbit[:-k], atol=1e-7)]
        if halves:
            period = np.append(orbit[: halves[0]], -orbit[: halves[0]])
            start = int(np.argmax(period))
            cycle = np.roll(period, -start)[: halves[0]]
            if not any(len(cycle) == len(known) and np.allclose(cycle, known, atol=1e-5) for known in cycles):
                cycles.append(cycle)
    return cycles


# ---------------------------------------------------------------- continuation: where cycles are born


class Birth(NamedTuple):
    """A saddle-node of symmetric cycles of period 2k: ``S``, its fraction of the edge, the velocities."""

    k: int
    S: float
    fraction: float
    w: Array


def birth(beta1: float, k: int, seed: int = 0, guesses: int = 200) -> Birth | None:
    """The smallest S at which continuation finds cycles of least period 2k, None if it finds none below the edge.

    Guesses are noisy half-waves ``A sin(pi (i+phase)/k)`` at random S below the edge; each zero that they lead to is
    followed towards smaller S; the turning point with the smallest S is refined by Newton's method on ``f = 0,
    f' n = 0, |n| = 1``.
    """
    rng = np.random.default_rng([seed, k])
    edge = 2 * (1 + beta1) / (1 - beta1)
    best: tuple[float, Array] | None = None
    for trial in range(guesses):
        wave = np.sin(np.pi * (np.arange(k) + rng.uniform()) / k)
        guess = 10 ** rng.uniform(-0.7, 1.5) * wave * np.exp(0.2 * rng.normal(size=k))
        S = edge * (0.01 ** rng.uniform())
        w = newton(guess, beta1, S)
        if w is None or np.abs(w).max() < 1e-6 or least_half_period(w) < k:
            continue
        if best is None or best[0] > S or trial % 10 == 0:
            turned = _turning_point(w, beta1, S)
            if best is None or turned[0] < best[0]:
                best = turned
    if best is None:
        return None
    S, w = _refine(*best, beta1)
    return Birth(k, S, S / edge, w) if edge > S and least_half_period(w) == k else None


def earliest(beta1: float, longest: int = 20) -> list[Birth]:
    """:func:`birth` for k = 2, ..., ``longest``."""
    found = (birth(beta1, k) for k in range(2, longest + 1))
    return [node for node in found if node is not None]


def _extended(w: Array, beta1: float, S: float) -> Array:
    """``[df/dw, df/dlog S]``, shape (k, k+1)."""
    return np.column_stack([jacobian(w, beta1, S), (1 - beta1) * S * w / (1 + w**2)])


def _turning_point(w: Array, beta1: float, S: float) -> tuple[float, Array]:
    """Pseudo-arclength continuation of ``f = 0`` in ``(w, log S)``, first towards smaller S: the smallest S reached."""
    point, length = np.append(w, np.log(S)), 0.05
    best, heading = (S, w), np.zeros(len(w) + 1)
    heading[-1] = -1.0
    for _ in range(400):
        tangent = np.linalg.svd(_extended(point[:-1], beta1, np.exp(point[-1])))[2][-1]
        tangent = tangent if tangent @ heading > 0 else -tangent
        moved = _correct(point, tangent, length, beta1)
        while moved is None and length > 1e-6:
            length /= 2
            moved = _correct(point, tangent, length, beta1)
        if moved is None:
            break
        point, heading, length = moved, tangent, min(1.3 * length, 0.2)
        S = float(np.exp(point[-1]))
        if best[0] > S:
            best = (S, point[:-1])
        if best[0] < S / 1.02 or np.abs(point[:-1]).max() < 1e-3:
            break
    return best


def _correct(point: Array, tangent: Array, length: float, beta1: float) -> Array | None:
    """Newton's method on ``f = 0`` and ``tangent . (z - point) = length``."""
    z = point + length * tangent
    for _ in range(8):
        gap = np.append(residual(z[:-1], beta1, np.exp(z[-1])), tangent @ (z - point) - length)
        matrix = np.vstack([_extended(z[:-1], beta1, np.exp(z[-1])), tangent])
        change = np.linalg.solve(matrix, gap)
        z = z - change
        if np.abs(change).max() < 1e-11:
            return z if np.linalg.norm(z - point) < 2 * length else None
    return None


def _refine(S: float, w: Array, beta1: float) -> tuple[float, Array]:
    """Newton's method on the saddle-node equations; the unrefined point where it does not converge nearby."""
    k, null = len(w), np.linalg.svd(jacobian(w, beta1, S))[2][-1]
    unknown = np.concatenate([w, null, [S]])

    def equations(z: Array) -> Array:
        matrix = jacobian(z[:k], beta1, z[-1])
        return np.concatenate([residual(z[:k], beta1, z[-1]), matrix @ z[k:-1], [z[k:-1] @ z[k:-1] - 1]])

    for _ in range(30):
        value = equations(unknown)
        shift = 1e-7 * np.maximum(1, np.abs(unknown))
        derivative = np.column_stack(
            [(equations(unknown + step) - equations(unknown - step)) for step in np.diag(shift)]
        ) / (2 * shift)
        change = np.linalg.lstsq(derivative, value, rcond=None)[0]
        unknown = unknown - change
        if np.abs(change).max() < 1e-11 * np.abs(unknown).max():
            break
    close = abs(unknown[-1] / S - 1) < 0.02 and np.abs(equations(unknown)).max() < 1e-9
    return (float(unknown[-1]), unknown[:k]) if close else (S, w)


# ---------------------------------------------------------------- writing certificates


def certificate(beta1: Fraction, S: Fraction, alpha1: Fraction | None, w: Array) -> dict[str, Any]:
    """The data of kind ``cycle`` for the cycle near ``w``; ``alpha1`` None for one that no clip touches."""
    clip = inf if alpha1 is None else float(alpha1)
    clipped = [bool(value) for value in w**2 > clip]
    with mpmath.workdps(60):
        b, s, a = (mpmath.mpf(n.numerator) / n.denominator for n in (beta1, S, alpha1 or Fraction(0)))

        def equations(*z: Any) -> list[Any]:
            gates = [1 / (1 + (a if at_clip else value**2)) for value, at_clip in zip(z, clipped, strict=True)]
            signed = [-z[-1], *z, -z[0]]
            return [
                signed[i + 2] - (1 + b) * z[i] + b * signed[i] + (1 - b) * s * z[i] * gates[i] for i in range(len(z))
            ]

        exact = list(mpmath.findroot(equations, [mpmath.mpf(float(value)) for value in w], tol=1e-50))
        kinetic = _cell(max(value**2 for value in exact), 6)
        cells = [_cell(value, 20) for value in exact]
    settled = np.array([float(value) for value in exact])
    return {
        "kind": "cycle",
        "beta1": str(beta1),
        "S": str(S),
        "alpha1": kinetic[1] if alpha1 is None else str(alpha1),
        "velocity": cells,
        "clipped": clipped,
        "kinetic": kinetic,
        "trace": _cell(mpmath.mpf(trace(settled, float(beta1), float(S), clip)), 6),
    }


def _cell(value: Any, digits: int) -> list[str]:
    """``[n, n+1] 10^-digits`` around ``value``."""
    scale = 10**digits
    n = int(mpmath.floor(value * scale))
    return [str(Fraction(n, scale)), str(Fraction(n + 1, scale))]


class Target(NamedTuple):
    """A cycle to certify: attracting, of half-period k, with the clip acting somewhere iff ``alpha1`` is given."""

    beta1: str
    S: str
    alpha1: str | None
    k: int


CATALOGUE = {
    "cycle_60": Target("3/5", "79/10", None, 2),
    "cycle_70": Target("7/10", "10", None, 2),
    "cycle_80": Target("4/5", "15", None, 2),
    "cycle_90": Target("9/10", "30", None, 2),
    "cycle_99": Target("99/100", "300", None, 2),
    "cycle_90_early": Target("9/10", "37/2", None, 4),
    "cycle_99_early": Target("99/100", "71", None, 12),
    "cycle_999_early": Target("999/1000", "325", None, 24),
    "cycle_70_clipped": Target("7/10", "54/5", "1", 2),
    "cycle_80_clipped": Target("4/5", "17", "1", 2),
    "cycle_90_clipped": Target("9/10", "36", "10", 5),
    "cycle_90_clipped_early": Target("9/10", "76/5", "9/5", 4),
    "cycle_99_clipped": Target("99/100", "200", "10", 7),
    "cycle_99_clipped_early": Target("99/100", "80", "10", 11),
}


def find(target: Target) -> dict[str, Any]:
    """The certificate of an attracting cycle of the target's kind: from simulations, else from half-waves by Newton.

    Raises RuntimeError when neither finds one.
    """
    beta1, S = Fraction(target.beta1), Fraction(target.S)
    alpha1 = None if target.alpha1 is None else Fraction(target.alpha1)
    clip = inf if alpha1 is None else float(alpha1)
    candidates = settle(float(beta1), float(S), clip, starts=400, seed=0) if beta1 < Fraction(995, 1000) else []
    rng = np.random.default_rng(0)
    for _ in range(400):
        wave = np.sin(np.pi * (np.arange(target.k) + rng.uniform()) / target.k)
        zero = newton(10 ** rng.uniform(-0.7, 1.5) * wave, float(beta1), float(S), clip)
        if zero is not None:
            candidates.append(zero)
    for w in candidates:
        fits = len(w) == target.k and np.abs(w).max() > 1e-6 and least_half_period(w) == target.k
        if fits and bool((w**2 > clip).any()) == (alpha1 is not None) and attracts(w, float(beta1), float(S), clip):
            return certificate(beta1, S, alpha1, w)
    raise RuntimeError(f"no attracting cycle found for {target}")


def run() -> None:
    """Find every cycle of the catalogue anew and store its certificate."""
    for name, target in CATALOGUE.items():
        text = json.dumps(find(target), indent=1)
        (CERTIFICATES / f"{name}.json").write_text(text + "\n", encoding="utf-8", newline="\n")
