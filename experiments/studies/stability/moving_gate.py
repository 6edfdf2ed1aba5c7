"""S2 where the gate moves, and S4 where it may do as it likes: two measurements that a frozen gate cannot make.

*Moving*: on a quadratic with a very flat and a sharp direction the flat one carries all the speed, so that it alone
opens the gate, slowly, through ``eta_t L = B``. A disturbance of the sharp direction, far too small for the gate to
notice, decays before that instant and grows after it; where it turns is compared with ``B``.

*Sequences*: with weight decay, the largest step size up to which the theory's function falls for every gate.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from theory.notation import edge

Array = NDArray[np.floating]
EDGE: Final = edge()
#: How fast the gate opens, per step, in units of 1 - beta1, the rate at which momentum forgets.
SLOWNESS: Final = 1e-3
#: The size of the disturbance: its square is lost beside that of the velocity that opens the gate.
SMALL: Final = 1e-9
#: Steps before and after the instant at which the edge is passed.
STRETCH: Final = 200


def turning(beta1: tuple[float, ...], alpha1: float = 10.0) -> xr.Dataset:
    """Over beta1: ``at``, the value of eta_t L/B at which a small disturbance turns from decay to growth.

    ``alpha0 L = 2 B``, so that the edge is passed at ``beta3 ||v||^2 = 1``; ``start`` and ``end`` are eta_t L/B at the
    ends of the run, so that a reader sees how far the gate moved.
    """
    rows = [_turning(value, alpha1) for value in beta1]
    names = ("at", "start", "end")
    return xr.Dataset(
        {name: ("beta1", [row[i] for row in rows]) for i, name in enumerate(names)},
        {"beta1": list(beta1)},
        attrs={"alpha1": alpha1, "slowness": SLOWNESS},
    )


def _turning(beta1: float, alpha1: float) -> tuple[float, float, float]:
    edges = float(evaluate(EDGE, beta1=beta1))
    rate = SLOWNESS * (1 - beta1)  # by which the flat direction shrinks per step where the edge is passed
    flat = rate / edges
    steps = 2 * STRETCH
    speed = np.exp(rate * STRETCH)  # 1 after STRETCH steps
    optimizer = vradam.VRMomentum(alpha0=2 * edges, alpha1=alpha1, beta1=beta1)
    bowl = vradam.objectives.quadratic([flat, 1.0])
    place = np.array([speed / flat, SMALL])
    state = optimizer.init(place)._replace(velocity=np.array([speed, 0.0]))
    run = vradam.simulate(optimizer, bowl, place, steps, state=state, engine="numpy")
    size = np.abs(run.x[:, 1])
    relative = run.learning_rate[1:] / edges
    growth = np.log(size[1:] / size[:-1])  # of the step whose rate is ``relative``
    turns = int(np.flatnonzero((growth[:-1] < 0) & (growth[1:] >= 0))[-1])
    share = growth[turns] / (growth[turns] - growth[turns + 1])
    at = relative[turns] + share * (relative[turns + 1] - relative[turns])
    return float(at), float(relative[0]), float(relative[-1])


def sequences(beta1: tuple[float, ...], weight_decay: tuple[float, ...], curvature: float) -> xr.Dataset:
    """Over (beta1, weight_decay): the largest step size for which V falls at every step, for the worst state.

    ``V = (decay + h) x^2 + (beta1/h) (h x - v)^2``, as :mod:`theory.claims.stability.decay_sequences` has it; steps are
    those of VRMomentum. ``falls`` is the largest V'/V over a thousand gates below 0.98 of it.
    """
    largest = [[_largest(decay, wd, curvature) for wd in weight_decay] for decay in beta1]
    gates = np.geomspace(1e-4, 0.98, 1000)
    falls = [
        [float(_ratios(decay, wd, curvature, gates * limit).max()) for wd, limit in zip(weight_decay, row, strict=True)]
        for decay, row in zip(beta1, largest, strict=True)
    ]
    dims = ("beta1", "weight_decay")
    return xr.Dataset(
        {"largest": (dims, largest), "falls": (dims, falls)},
        {"beta1": list(beta1), "weight_decay": list(weight_decay)},
    )


def _ratios(beta1: float, weight_decay: float, h: float, step_sizes: Array) -> Array:
    """The largest V'/V of one step, over all states, for every step size."""
    optimizer = vradam.VRMomentum(alpha0=step_sizes[:, None], beta1=beta1, beta3=0.0, weight_decay=weight_decay)
    bowl = vradam.objectives.quadratic([h])
    ends = []
    for start, speed in ((1.0, 0.0), (0.0, 1.0)):
        x = np.full((step_sizes.size, 1, 1), start)
        moved, state = optimizer.step(x, bowl.grad(x), optimizer.init(x)._replace(velocity=np.full_like(x, speed)))
        ends.append([moved[:, 0, 0], state.velocity[:, 0, 0]])
    steps = np.moveaxis(np.array(ends), -1, 0).swapaxes(-1, -2)  # (step sizes, 2, 2), columns are images
    root = np.array([[np.sqrt(weight_decay + h), 0.0], np.sqrt(beta1 / h) * np.array([h, -1.0])])
    return np.linalg.norm(root @ steps @ np.linalg.inv(root), 2, axis=(-2, -1)) ** 2


def _largest(beta1: float, weight_decay: float, h: float) -> float:
    from scipy.optimize import brentq

    top = float(evaluate(EDGE, beta1=beta1)) / h

    def excess(step_size: float) -> float:
        return float(_ratios(beta1, weight_decay, h, np.array([step_size]))[0]) - 1

    return float(brentq(excess, 1e-7 * top, top, xtol=1e-14 * top, rtol=1e-12))
