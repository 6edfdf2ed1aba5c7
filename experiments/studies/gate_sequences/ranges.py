"""One quadratic function for a whole range of step sizes: how large the range may be, and an adversary inside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.prescribed_sequences import (
    measured_step,
)
from experiments.studies.gate_sequences.setup import Setup
from theory.claims.gate_sequences import LIMITS
from theory.methods.quadratic_family import form
from theory.notation import edge

FORM: Final = tuple(form())
Array = NDArray[np.floating]
EDGE: Final = edge()


def ranges(setup: Setup) -> xr.Dataset:
    """The largest b such that some quadratic function falls for all gates in [a, b]; and the theorem's own function.

    Three families of ranges: fixed a, a = b/(1+alpha1), and the clip alpha1 up to which b can be the edge.
    """
    edges = [float(evaluate(EDGE, beta1=beta1)) for beta1 in setup.beta1]
    pairs = list(zip(setup.beta1, edges, strict=True))
    fixed = [[common_range(beta1, e, low=low * e) for low in setup.lows] for beta1, e in pairs]
    scaled = [[common_range(beta1, e, alpha1=alpha1) for alpha1 in setup.alpha1] for beta1, e in pairs]
    return xr.Dataset(
        {
            "fixed": (("beta1", "low"), fixed),
            "scaled": (("beta1", "alpha1"), scaled),
            "own": ("beta1", [own_range(beta1) for beta1 in setup.beta1]),
        },
        coords={"beta1": list(setup.beta1), "low": list(setup.lows), "alpha1": list(setup.alpha1)},
    )


def common_range(beta1: float, most: float, low: float = 0.0, alpha1: float = np.inf) -> float:
    """The b at which the least ratio V(z')/V(z) reaches 1: over all V, for the worst state and end of the range.

    The range is [low, b], or [b/(1+alpha1), b] where that begins higher; b is looked for up to ``most``. A search
    over V comes near (it has a kink at its least); :func:`touching` gives every digit, the same on every processor.
    """
    from scipy.optimize import brentq, minimize

    guess = np.array([0.0, 0.0])

    def steps(high: float) -> tuple[Array, Array]:
        return measured_step(beta1, max(low, high / (1 + alpha1))), measured_step(beta1, high)

    def ratio(parameters: Array, matrices: list[list[float]]) -> float:
        q = float(np.exp(parameters[1]))
        p = float(parameters[0]) * q  # V = |root z|^2, root = [[1, p], [0, q]]
        squares = []
        for k, l, m, n in matrices:  # noqa: E741
            corner = k + p * m
            total = (
                corner**2 + ((l + p * n - p * corner) / q) ** 2 + (q * m) ** 2 + (n - p * m) ** 2
            )  # of root A root^-1
            squares.append((total + np.sqrt(max(total**2 - 4 * (k * n - l * m) ** 2, 0.0))) / 2)
        return max(squares)

    def excess(high: float) -> float:
        nonlocal guess
        matrices = [step.ravel().tolist() for step in steps(high)]
        for _ in range(2):
            options = {"xatol": 1e-6, "fatol": 1e-10}
            guess = minimize(ratio, guess, args=(matrices,), method="Nelder-Mead", options=options).x
        return ratio(guess, matrices) - 1

    near = float(brentq(excess, max(1.0001 * low, 1e-5 * most), 0.99999 * most, rtol=1e-5))
    excess(near)
    q = float(np.exp(guess[1]))
    p = float(guess[0]) * q
    return touching(steps, near, p, p**2 + q**2)


def touching(steps: Callable[[float], tuple[Array, Array]], b: float, x: float, y: float) -> float:
    """The b at which the functions that fall in the one step of ``steps(b)`` and those that fall in the other touch.

    V = z^T P z with P = [[1, x], [x, y]] falls in a step A if P - A^T P A is positive: in the plane of (x, y) a disc
    bounded by an ellipse, where the determinant is 0. Two such discs that touch have one point and one direction in
    common: three equations for (b, x, y), solved from a place nearby.

    Raises
    ------
    ArithmeticError
        If they do not touch there.
    """
    from scipy.optimize import root

    units = [np.array(unit) for unit in ([[1.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]])]
    near = np.array([b, x, y])

    def apart(scaled: Array) -> list[float]:
        b, x, y = scaled * near
        edges, slopes = [], []
        for A in steps(b):
            constant, by_x, by_y = (unit - A.T @ unit @ A for unit in units)
            lost = constant + x * by_x + y * by_y
            adjugate = np.array([[lost[1, 1], -lost[0, 1]], [-lost[1, 0], lost[0, 0]]])
            edges.append(float(np.linalg.det(lost)))
            slopes.append([float(np.trace(adjugate @ by_x)), float(np.trace(adjugate @ by_y))])
        return [*edges, slopes[0][0] * slopes[1][1] - slopes[0][1] * slopes[1][0]]

    found = root(apart, [1.0, 1.0, 1.0], tol=1e-8)
    found = root(apart, found.x, tol=1e-8)  # from there once more: to the last digits
    if not found.success or abs(found.x[0] - 1) > 1e-4:
        raise ArithmeticError(f"no touching ellipses near b = {b:g}: {found.message}")
    return float(found.x[0] * b)


def own_range(beta1: float) -> float:
    """The b beyond which ``||grad F||^2 + beta1 ||grad F - v||^2`` can rise, on the steps of VRMomentum."""
    from scipy.optimize import brentq

    root = np.array([[1.0, 0.0], [np.sqrt(beta1), -np.sqrt(beta1)]])
    back = np.linalg.inv(root)

    def excess(gate: float) -> float:
        return float(np.linalg.norm(root @ measured_step(beta1, gate) @ back, 2)) - 1

    return float(brentq(excess, 1e-3 * (1 - beta1), 0.9999 * float(evaluate(EDGE, beta1=beta1)), xtol=1e-12))


def adversary(setup: Setup) -> xr.Dataset:
    """Just below the limit for all gates: the largest V'/V that an adversary gets, who picks every gate to raise V.

    The objective is a rotated quadratic; the adversary sees V and tries 24 gates down to a thousandth at every step.
    """
    runs, dimension, steps = setup.adversary
    objective = vradam.objectives.quadratic(np.linspace(1 / dimension, 1, dimension), rotation=setup.seed)
    worst = []
    for beta1 in setup.beta1:
        S = 0.98 * float(evaluate(LIMITS["cqlf_limit_zero"], beta1=beta1))
        gates = np.geomspace(S / 1000, S, 24)
        optimizer = vradam.VRMomentum(alpha0=gates[:, None], beta1=beta1, beta3=0.0)
        x = np.random.default_rng((setup.seed, 2)).standard_normal((runs, dimension))
        state = optimizer.init(x)
        before, largest = _own(objective, x, state.velocity, beta1), 0.0
        for _ in range(steps):
            everywhere = np.broadcast_to(x, (24, *x.shape))
            tried, after = optimizer.step(everywhere, objective.grad(everywhere), state)
            raised = _own(objective, tried, after.velocity, beta1)
            best = raised.argmax(axis=0)
            largest = max(largest, float((raised.max(axis=0) / before).max()))
            x = tried[best, np.arange(runs)] / np.sqrt(raised.max(axis=0))[:, None]
            velocity = after.velocity[best, np.arange(runs)] / np.sqrt(raised.max(axis=0))[:, None]
            state, before = state._replace(velocity=velocity), np.ones(runs)
        worst.append(largest)
    return xr.Dataset({"worst_ratio": ("beta1", worst)}, coords={"beta1": list(setup.beta1)})


def _own(objective: vradam.Objective, x: Array, velocity: Array, beta1: float) -> Array:
    gradient = objective.grad(x)
    return (gradient**2).sum(axis=-1) + beta1 * ((gradient - velocity) ** 2).sum(axis=-1)
