"""How optimizers, noises and objectives look to the tiles: a few kinds, and numbers for each run."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vradam import gates, laws
from vradam.baselines import Adam, AdamW, GradientDescent, HeavyBall, RMSProp
from vradam.engine import draws, rows
from vradam.gated import State, law_of, rate_at, top_rate
from vradam.momentum import VRMomentum
from vradam.noise import Gaussian, TwoPoint, Uniform
from vradam.optimizer import VRAdam
from vradam.plan import Plan
from vradam.validation import fits

GATES = {
    gates.predictable: rows.PREDICTABLE,
    gates.inside: rows.INSIDE,
    gates.gradient_norm: rows.GRADIENT,
    gates.per_coordinate: rows.PER_COORDINATE,
    gates.adam_metric: rows.METRIC,
}
LAWS = {laws.Published: rows.AS_SEEN, laws.Averaged: rows.AVERAGED, laws.Held: rows.HELD}


class Method(NamedTuple):
    """An optimizer: what moves the point, what the gate sees, and by which numbers (over the runs)."""

    direction: int
    gate: int
    alpha0: Any
    beta1: Any = 0.0
    beta2: Any = 0.0
    beta3: Any = 0.0
    alpha1: Any = 0.0
    eps: Any = 1.0
    weight_decay: Any = 0.0
    law: int = rows.AS_SEEN
    gate_decay: Any = 0.0  #: the decay g of the law
    exponent: float = 2.0
    in1: Any = None  #: how much of the gradient enters the velocity; None is 1 - beta1
    corrected: bool = True  #: whether velocity and second moment are corrected for their start at zero
    keeps_velocity: bool = True


def method(optimizer: Any) -> Method | None:
    """An optimizer as the tiles see it; None where it has to stay with NumPy."""
    kind = type(optimizer)
    if kind is VRAdam or kind is VRMomentum:
        law = law_of(optimizer)
        gate, opens = gate_of(optimizer), LAWS.get(type(law))
        if gate is None or opens is None or (gate == rows.PER_COORDINATE and opens != rows.AS_SEEN):
            return None
        gated = Method(
            rows.PLAIN,
            gate,
            partial(top_rate, optimizer) if callable(optimizer.alpha0) else top_rate(optimizer, 1),
            optimizer.beta1,
            beta3=optimizer.beta3,
            alpha1=optimizer.alpha1,
            weight_decay=optimizer.weight_decay,
            law=opens,
            gate_decay=getattr(law, "decay", 0.0),
            exponent=optimizer.gate.exponent,
        )
        if kind is VRMomentum:
            return gated
        direction = rows.PROOF if optimizer.proof_form else rows.ADAM
        return gated._replace(direction=direction, beta2=optimizer.beta2, eps=optimizer.eps)
    rate, decay = getattr(optimizer, "alpha0", None), getattr(optimizer, "weight_decay", 0.0)
    if kind is Adam or kind is AdamW:
        average = optimizer.beta1, optimizer.beta2
        return Method(rows.ADAM, rows.OPEN, rate, *average, eps=optimizer.eps, weight_decay=decay)
    if kind is RMSProp:
        return Method(
            rows.ADAM,
            rows.OPEN,
            rate,
            beta2=optimizer.beta2,
            eps=optimizer.eps,
            weight_decay=decay,
            corrected=False,
            keeps_velocity=False,
        )
    if kind is HeavyBall:
        return Method(rows.PLAIN, rows.OPEN, rate, optimizer.beta1, weight_decay=decay, in1=1.0)
    if kind is GradientDescent:
        return Method(rows.PLAIN, rows.OPEN, rate, weight_decay=decay, keeps_velocity=False)
    return None


def gate_of(optimizer: Any) -> int | None:
    """The kind of a gate; None for one of which the tiles know nothing."""
    gate = optimizer.gate
    if gate == gates.published:
        return rows.PUBLISHED
    if gate.signal is not None and gate != gates.adam_metric:
        return None
    if gate == gates.power(gate.exponent):
        return rows.POWER
    return GATES.get(gate)


def fill(tiles: NDArray[Any], row: int, value: Any, plan: Plan) -> None:
    """Set a row of tiles (tiles, rows, width) to a number, or to one for each run.

    The last tile is filled up with its last run.
    """
    if np.ndim(value) == 0:
        tiles[:, row] = value
        return
    flat, width = np.broadcast_to(value, plan.seed.shape).ravel(), tiles.shape[-1]
    full = flat.size // width
    tiles[:full, row] = flat[: full * width].reshape(full, width)
    tiles[full:, row] = flat[-1]
    tiles[full:, row, : flat.size % width] = flat[full * width :]


def rows_of(described: Method, state: State, plan: Plan, width: int) -> NDArray[np.float64]:
    """The numbers of each run at the start, (tiles, STORED, width)."""
    beta1, beta2 = np.asarray(described.beta1), np.asarray(described.beta2)
    speed: Any = 0.0
    if plan.state is not None and described.gate in (rows.PREDICTABLE, rows.INSIDE):
        speed = np.add.accumulate(np.square(state.velocity), axis=-1)[..., -1]  # summed in the order of the tiles
        speed = np.minimum(speed, rows.LARGEST)
    closing = np.minimum(np.asarray(described.beta3) * speed, described.alpha1)
    corrected = described.direction == rows.ADAM and described.corrected
    numbers = {
        rows.BETA1: beta1,
        rows.IN1: 1 - beta1 if described.in1 is None else described.in1,
        rows.BETA2: beta2,
        rows.IN2: 1 - beta2,
        rows.BETA3: described.beta3,
        rows.ALPHA0: 0.0 if callable(described.alpha0) else described.alpha0,
        rows.ALPHA1: described.alpha1,
        rows.EPS: described.eps,
        rows.DECAY: described.weight_decay,
        rows.GATE_DECAY: described.gate_decay,
        rows.ALIVE: 1.0,
        rows.KINETIC: 0.0 if described.law == rows.AS_SEEN else state.kinetic,
        rows.PREVIOUS: speed,
        rows.OPENING: 1 / (1 + closing),
        rows.POWER1: power_by_products(beta1, state.step) if corrected else 0.0,
        rows.POWER2: power_by_products(beta2, state.step) if corrected or described.direction == rows.PROOF else 0.0,
    }
    if described.law == rows.AVERAGED and described.direction != rows.PROOF:
        numbers[rows.POWERG] = power_by_products(np.asarray(described.gate_decay), state.step)
    filled = np.zeros((-(-plan.seed.size // width), rows.STORED, width))
    for row, value in numbers.items():
        fill(filled, row, value, plan)
    return filled


def power_by_products(beta: NDArray[np.float64], t: int) -> NDArray[np.float64]:
    """beta**t as the tiles have it after t steps, multiplied up one by one and zero once negligible."""
    power = np.ones_like(beta, dtype=np.float64)
    for _ in range(t):
        power = power * beta
        power = np.where(power > rows.NEGLIGIBLE, power, 0.0)
        if not np.any((power > 0) & (power < 1)):
            break
    return power


def rates_of(alpha0: Any, clock: int, steps: int, plan: Plan) -> NDArray[np.float64]:
    """alpha0 at the steps clock + 1, ..., clock + steps: (1, 1) where it is constant, (steps, 1 or runs) otherwise."""
    if not callable(alpha0):
        return np.zeros((1, 1))
    rates = {s: rate_at(alpha0, clock + s) for s in range(1, steps + 1)}
    for s, rate in rates.items():
        if not fits(np.shape(rate), plan.seed.shape):
            runs, got = plan.seed.shape, np.shape(rate)
            raise ValueError(f"alpha0 at step {clock + s} must broadcast to the runs, shape {runs}, got shape {got}")
    values = [np.asarray(rate, dtype=np.float64) for rate in rates.values()]
    if all(value.ndim == 0 for value in values):
        return np.array(values).reshape(steps, 1)
    return np.array([np.broadcast_to(value, plan.seed.shape).ravel() for value in values])


def noise_kind(noise: Any) -> int:
    """Which of the kinds of ``draws`` a noise is."""
    if noise is None:
        return draws.EXACT
    if type(noise) is Gaussian:
        return draws.GAUSSIAN if noise.bound is None else draws.TRUNCATED
    return {TwoPoint: draws.TWO_POINT, Uniform: draws.UNIFORM}.get(type(noise), draws.MINIBATCH)


def noise_rows(noise: Any, plan: Plan, width: int) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """The keys (tiles, 3, width) and the scales (tiles, 2, width) of ``draws``."""
    tiles = -(-plan.seed.size // width)
    keys, scales = np.zeros((tiles, 3, width), np.uint64), np.zeros((tiles, 2, width))
    if noise is None:
        return keys, scales
    fill(keys, draws.SEED, plan.seed, plan)
    fill(keys, draws.RUN, plan.stream, plan)
    if type(noise) is Gaussian:
        fill(scales, draws.SCALE, noise.std, plan)
        fill(scales, draws.LIMIT, 0.0 if noise.bound is None else noise.bound, plan)
    elif type(noise) is TwoPoint:
        fill(scales, draws.SCALE, -np.asarray(noise.amplitude), plan)
        fill(scales, draws.LIMIT, noise.up, plan)
        fill(keys, draws.THRESHOLD, noise.threshold, plan)
    elif type(noise) is Uniform:
        fill(scales, draws.SCALE, noise.halfwidth, plan)
    return keys, scales
