"""Prescribed gate sequences, played by VRMomentum itself: ``alpha0`` a callable of the step, ``beta3 = 0``.

A *word* is a finite sequence of gates ``s = eta L`` that is repeated for ever. The state after each repetition obeys a
linear recurrence of order two, so four observed positions give its growth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from theory.methods.quadratic_family import matrix

Array = NDArray[np.floating]
BOWL: Final = vradam.objectives.quadratic([1.0])
ENTRIES: Final = tuple(matrix())


@dataclass(frozen=True, eq=False)
class Repeat:
    """A schedule of learning rates: row i of ``gates`` is the word of run i, of which the first ``length[i]`` count."""

    gates: Array  # (runs, longest)
    length: NDArray[np.integer]  # (runs,)

    def __call__(self, t: int) -> Array:
        return self.gates[np.arange(len(self.gates)), (t - 1) % self.length]


def schedule(words: Sequence[Sequence[float]] | Array) -> Repeat:
    """Words of any lengths as one schedule, a run per word."""
    length = np.array([len(word) for word in words])
    gates = np.zeros((len(words), length.max()))
    for row, word in zip(gates, words, strict=True):
        row[: len(word)] = word
    return Repeat(gates, length)


def measured_growth(words: Sequence[Sequence[float]] | Array, beta1: float) -> Array:
    """The growth of each word, per repetition, as seen in the positions of VRMomentum started at rest.

    With ``x_0, x_n, x_2n, x_3n`` after whole repetitions, ``x_(j+2)n = T x_(j+1)n - D x_jn`` gives trace T and
    determinant D.

    >>> bool(np.isclose(measured_growth([(1.0,)], 0.9)[0], 0.9**0.5))
    True
    """
    rates = schedule(words)
    optimizer = vradam.VRMomentum(alpha0=rates, beta1=beta1, beta3=0.0)
    run = vradam.simulate(optimizer, BOWL, np.ones((len(words), 1)), 3 * int(rates.length.max()), engine="numpy")
    x = np.stack([run.x[np.arange(len(words)), j * rates.length, 0] for j in range(4)], axis=-1)
    left = np.stack([x[:, [1, 2]], -x[:, [0, 1]]], axis=-1)
    trace, determinant = np.linalg.solve(left, x[:, 2:, None])[..., 0].T
    return radius(trace, determinant)


def derived_growth(words: Sequence[Sequence[float]], beta1: float) -> Array:
    """The spectral radius of each word from the theory's matrices."""
    growth = []
    for word in words:
        letters = {gate: derived_step(beta1, gate) for gate in set(word)}
        product = np.eye(2)
        for gate in word:
            product = letters[gate] @ product
        growth.append(float(radius(np.trace(product), np.linalg.det(product))))
    return np.array(growth)


def derived_step(beta1: float, gate: float | Array) -> Array:
    """``A(gate)`` of the theory, (..., 2, 2)."""
    gate = np.asarray(gate, dtype=float)
    entries = [np.broadcast_to(evaluate(entry, beta1=beta1, s=gate), gate.shape) for entry in ENTRIES]
    return np.stack(entries, axis=-1).reshape(*gate.shape, 2, 2)


def measured_step(beta1: float, gate: float) -> Array:
    """One step of VRMomentum at ``eta = gate``, L = 1, as a matrix: what it does to (1, 0) and (0, 1)."""
    optimizer = vradam.VRMomentum(alpha0=gate, beta1=beta1, beta3=0.0)
    x, velocity = np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]])
    after, state = optimizer.step(x, BOWL.grad(x), optimizer.init(x)._replace(velocity=velocity))
    return np.stack([after[:, 0], state.velocity[:, 0]])


def radius(trace: Array | float, determinant: Array | float) -> Array:
    """The spectral radius of 2 x 2 matrices."""
    root = np.sqrt(np.asarray(trace, dtype=complex) ** 2 / 4 - determinant)
    half = np.asarray(trace) / 2
    return np.maximum(np.abs(half + root), np.abs(half - root))


def worst_word(beta1: float, low: float, high: float, longest: int) -> tuple[float, int, int]:
    """The largest growth per step among the words ``high^p low^q``, p, q <= ``longest``, with its p and q."""
    highs, lows = (_powers(derived_step(beta1, gate), longest) for gate in (high, low))
    products = np.einsum("qij,pjk->pqik", lows, highs)
    p, q = np.meshgrid(np.arange(1, longest + 1), np.arange(1, longest + 1), indexing="ij")
    traces = np.trace(products, axis1=2, axis2=3)
    per_step = radius(traces, beta1 ** (p + q)) ** (1 / (p + q))
    best = np.unravel_index(per_step.argmax(), per_step.shape)
    return float(per_step[best]), int(p[best]), int(q[best])


def _powers(one: Array, count: int) -> Array:
    """``one, one^2, ..., one^count``."""
    powers = [one]
    while len(powers) < count:
        powers.append(one @ powers[-1])
    return np.array(powers)
