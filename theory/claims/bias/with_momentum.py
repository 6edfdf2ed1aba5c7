"""C1b with momentum: where the gate of Algorithm 1 balances, enclosed in rational arithmetic at one setting.

``beta1 = 1/10, beta3 = 9/4, alpha1 = 4`` and a fair coin ``+-1`` as noise. At a frozen gradient ``G`` the velocity is
``G + V``, ``V = (1-beta1) sum_k beta1^k xi_k``, and ``psi(G) = E phi(G + V)`` is the mean step over the step size. The
first ``DEPTH`` coins give ``2^DEPTH`` equally likely rational values of ``V``, the others move it by at most
``beta1^DEPTH``; as ``|phi'| <= 1``, the mean of ``phi`` over these values is ``psi(G)`` up to ``beta1^DEPTH``.

``psi`` is negative on ``[1/20, 1/2]`` and positive at ``51/100``: between 1/2 and 51/100 lies a balance that draws the
iterate to itself, and on the way to the minimiser the mean step points the wrong way. That runs with a vanishing step
settle at the balance is proved at ``beta1 = 0`` only; with momentum it is measured.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import product
from typing import Final

BETA1, BETA3, ALPHA1 = Fraction(1, 10), Fraction(9, 4), Fraction(4)
DEPTH: Final = 6
ERROR: Final = BETA1**DEPTH
#: ``psi`` is negative on [FIRST, LOW] and positive at HIGH.
FIRST, LOW, HIGH = Fraction(1, 20), Fraction(1, 2), Fraction(51, 100)


@cache
def velocities() -> tuple[Fraction, ...]:
    """The values of the first ``DEPTH`` terms of ``V``, equally likely."""
    weights = [(1 - BETA1) * BETA1**k for k in range(DEPTH)]
    return tuple(
        sum((weight * coin for weight, coin in zip(weights, coins, strict=True)), Fraction(0))
        for coins in product((-1, 1), repeat=DEPTH)
    )


def mean_gated(gradient: Fraction) -> tuple[Fraction, Fraction]:
    """Two rationals that enclose ``psi(gradient)``."""
    speeds = [gradient + velocity for velocity in velocities()]
    mean = sum((speed / (1 + min(BETA3 * speed**2, ALPHA1)) for speed in speeds), Fraction(0)) / len(speeds)
    return mean - ERROR, mean + ERROR


def balance_is_enclosed() -> bool:
    """``psi < 0`` on [FIRST, LOW], by steps that ``|psi'| <= 1`` allows, and ``psi > 0`` at HIGH."""
    gradient = FIRST
    while gradient < LOW:
        most = mean_gated(gradient)[1]
        if most >= 0:
            return False
        gradient += max(-most, Fraction(1, 10**6)).limit_denominator(10**6) * Fraction(9, 10)
    return mean_gated(LOW)[1] < 0 < mean_gated(HIGH)[0]
