"""The gate of a tile of runs, and what corrects their averages: done once a step, for all lanes.

Like ``tile``, this is plain Python for ``specialise``; the names are those of ``rows``.
"""

from __future__ import annotations

from math import sqrt

from vradam.engine.draws import MINIBATCH
from vradam.engine.intrinsics import in_lanes
from vradam.engine.rows import (
    ADAM,
    ALPHA0,
    ALPHA1,
    AS_SEEN,
    AVERAGED,
    BETA1,
    BETA2,
    BETA3,
    CLOSING,
    COEFFICIENT,
    DAMPING,
    DECAY,
    DECAYS,
    DIRECTION,
    EPS,
    ETA,
    FACTOR,
    GATE,
    GATE_DECAY,
    HELD,
    IN2,
    INSIDE,
    KEEP,
    KEPT,
    KINETIC,
    LAGGED,
    LANES,
    LARGEST,
    LAW,
    METRIC,
    METRIC_EPS,
    NEGLIGIBLE,
    NOISE,
    NORM,
    ON_THE_STEP,
    OPENING,
    PER_COORDINATE,
    PLAIN,
    POWER,
    POWER1,
    POWER2,
    POWERG,
    PREDICTABLE,
    PREVIOUS,
    PROOF,
    RATE,
    SHRINK,
    SQUARE,
    TOTAL,
)


def open_gate(P, uniform, exponent, d):
    """The gates of all runs. Returns whether some gradient may not have been finite."""
    P = in_lanes(P, LANES)
    if GATE == POWER:
        raise_to(P, exponent)
    suspicious = not_all_finite(P)
    open_all(P, uniform, d)
    return suspicious


def open_all(P, uniform, d):
    """Every run's gate."""
    factor, shrink = P[FACTOR, 0], P[SHRINK, 0]
    for j in range(LANES):
        open_one(P, j, uniform, factor, shrink, d)


def not_all_finite(P):
    """Whether some gradient may not have been finite."""
    suspicious = 0
    for j in range(LANES):
        if not (P[SQUARE, j] <= LARGEST):
            suspicious |= 1
    return suspicious


def open_one(P, j, uniform, factor, shrink, d):
    """eta_t of run j and what follows from it.

    Where the step divides by a denominator anyway, CLOSING = alpha0/eta_t joins it: one division less.
    """
    own_factor, own_shrink = P[FACTOR, j], P[SHRINK, j]  # loaded first: a choice of what to load would be masked
    factor = factor if uniform else own_factor
    shrink = shrink if uniform else own_shrink
    square = P[SQUARE, j]
    if NOISE != MINIBATCH:
        P[TOTAL, j] += square
        P[LAGGED, j] = P[BETA1, j] * (P[LAGGED, j] + square)
    seen = min(P[NORM, j], LARGEST)
    eta = P[ALPHA0, j]
    if GATE == METRIC:
        if DIRECTION == ADAM:
            scale = shrink
            seen = min(scale * scale * seen, LARGEST)
        elif DIRECTION == PROOF:
            scale = factor
            seen = min(scale * scale * seen, LARGEST)
        seen = seen / d
    elif GATE == PREDICTABLE:
        before = P[PREVIOUS, j]
        P[PREVIOUS, j] = seen
        seen = before
    elif GATE == INSIDE:
        P[KINETIC, j] = P[PREVIOUS, j]
        P[PREVIOUS, j] = seen
        P[RATE, j] = eta * P[OPENING, j]
        P[OPENING, j] = 1.0 / (1.0 + min(P[BETA3, j] * seen, P[ALPHA1, j]))
    if GATE in ON_THE_STEP:
        if LAW == AS_SEEN and GATE in KEPT:
            P[KINETIC, j] = seen
        elif LAW == AVERAGED:
            power = P[POWERG, j] * P[GATE_DECAY, j]
            P[POWERG, j] = power if power > NEGLIGIBLE else 0.0
            P[KINETIC, j] = P[GATE_DECAY, j] * P[KINETIC, j] + (1.0 - P[GATE_DECAY, j]) * seen
            seen = min(P[KINETIC, j] / (1.0 - P[POWERG, j]), LARGEST)
        closing = min(P[BETA3, j] * seen, P[ALPHA1, j])
        if LAW == HELD:
            closing = min(max(closing, P[GATE_DECAY, j] * P[KINETIC, j]), LARGEST)
            P[KINETIC, j] = closing
        closing += 1.0
        P[CLOSING, j] = closing
        if DIRECTION == PLAIN or DECAYS or GATE == METRIC:
            eta = eta / closing
    if GATE == PER_COORDINATE:
        P[ETA, j] = eta
    if DECAYS:
        P[KEEP, j] = 1.0 - eta * P[DECAY, j]
    if DIRECTION == PLAIN:
        P[COEFFICIENT, j] = eta
    else:
        P[COEFFICIENT, j] = eta * factor
    if DIRECTION == ADAM:
        P[DAMPING, j] = P[EPS, j] * shrink


def raise_to(P, exponent):
    """||.||^k from ||.||^2, by products where k is whole."""
    whole = int(exponent)
    for j in range(LANES):
        square = P[NORM, j]
        power = 1.0
        if whole == exponent:
            for _ in range(whole // 2):
                power *= square
            if whole % 2:
                power *= sqrt(square)
        else:
            power = square ** (exponent / 2.0)
        P[NORM, j] = power


def correct_bias(P, uniform):
    """What corrects the averages of the next step for their start at zero; the first lane only if all lanes agree.

    With c = sqrt(1 - beta2^t), the step vhat/(sqrt(mhat) + eps) is (c/(1 - beta1^t)) v / (sqrt(m) + c eps): FACTOR and
    SHRINK. In the proofs' form FACTOR is Omega_t.
    """
    if DIRECTION == PLAIN:
        return
    P = in_lanes(P, LANES)
    for j in range(1 if uniform else LANES):
        power1 = P[POWER1, j] * P[BETA1, j]
        power2 = P[POWER2, j] * P[BETA2, j]
        P[POWER1, j] = power1 if power1 > NEGLIGIBLE else 0.0
        P[POWER2, j] = power2 if power2 > NEGLIGIBLE else 0.0
        P[SHRINK, j] = sqrt(1.0 - P[POWER2, j])
        if DIRECTION == ADAM:
            P[FACTOR, j] = P[SHRINK, j] / (1.0 - P[POWER1, j])
        else:
            P[FACTOR, j] = P[SHRINK, j] / sqrt(P[IN2, j]) if P[IN2, j] > 0.0 else 1.0
    if GATE == METRIC and DIRECTION == ADAM:
        shrink = P[SHRINK, 0]
        for j in range(LANES):
            P[METRIC_EPS, j] = P[EPS, j] * (shrink if uniform else P[SHRINK, j])
