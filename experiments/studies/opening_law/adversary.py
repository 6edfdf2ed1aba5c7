"""Signals chosen to make momentum grow below the edge: with the opening law they fail, without it they do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from experiments.measurement.prescribed_sequences import measured_growth
from theory.notation import edge
from vradam import laws
from vradam.gates import GateForm, signal

Array = NDArray[np.floating]
EDGE: Final = edge()
CLOSED: Final = 1e12  # a signal that closes the gate, whatever the clip


def random_signal(seed: int, g: Array) -> GateForm:
    """Closed or open with probability 1/2, drawn anew at each step for each run."""
    stream = np.random.default_rng(seed)
    return signal(lambda v, before, grad, P, w: CLOSED * stream.integers(0, 2, w.shape), "random")


def swing(seed: int, g: Array) -> GateForm:
    """Closes while the force opposes the velocity: the signal of S8's counterexample."""
    return signal(lambda v, before, grad, P, w: CLOSED * ((before * grad).sum(axis=-1) < 0), "swing")


def sawtooth(seed: int, g: Array) -> GateForm:
    """Closes to the odds 1/sqrt(g), then opens as far as the law allows, in turn."""
    calls = [0]

    def see(v: Array, before: Array, grad: Array, P: Array, w: Array) -> Array:
        calls[0] += 1
        return (calls[0] % 2) * g**-0.5

    return signal(see, "sawtooth")


class Greedy:
    """Sees the whole state and chooses, of open and closed, what makes |gradient|^2 + |velocity|^2 largest afterwards.

    ``top`` is A, ``least`` the share of its closing that the gate must keep, ``curvature`` (d,) the spectrum.
    """

    def __init__(self, top: Array, beta1: Array, alpha1: Array, curvature: Array, least: Array) -> None:
        self.top, self.beta1, self.alpha1, self.curvature, self.least = top, beta1, alpha1, curvature, least

    def __call__(self, v: Array, before: Array, grad: Array, P: Array, w: Array) -> Array:
        beta1, sizes = self.beta1[:, None], []
        for closing in (self.least * w, self.alpha1):
            eta = (self.top / (1 + closing))[:, None]
            moved = grad - eta * self.curvature * v  # the gradient after the step
            sizes.append((moved**2 + (beta1 * v + (1 - beta1) * moved) ** 2).sum(axis=-1))
        return np.where(sizes[1] > sizes[0], CLOSED, 0.0)


SIGNALS: Final[dict[str, Callable[[int, Array], GateForm]]] = {
    "random": random_signal,
    "swing": swing,
    "sawtooth": sawtooth,
}

#: Decades at which an energy has left the floats.
LEFT: Final = 300.0


def growth(setup: Any, dimension: int) -> xr.Dataset:
    """The largest growth per step, log10, over starts and clips: (law, signal, beta1, fraction of the edge).

    ``law`` is the held law at ``g = beta1^2``, or none. Starts are random in position, velocity and closing. Growth is
    that of the energy of the proof, taken as after a step, over the second half of the run, and half of it is shown, so
    that it is one of the state. What left the floats in the first half counts as grown by ``LEFT`` in the second.
    """
    grid = (len(setup.beta1), len(setup.fractions), len(setup.alpha1), setup.starts)
    beta1, fraction, alpha1, _ = (
        part.ravel() for part in np.meshgrid(setup.beta1, setup.fractions, setup.alpha1, range(grid[3]), indexing="ij")
    )
    g, top = beta1**2, fraction * evaluate(EDGE, beta1=beta1)
    curvature = np.linspace(1 / dimension, 1.0, dimension)
    bowl = vradam.objectives.quadratic(curvature)
    random = np.random.default_rng((setup.seed, dimension))
    start, velocity = random.standard_normal((2, g.size, dimension)) * 10 ** random.uniform(-1, 1, (2, g.size, 1))
    closing, half = alpha1 * random.uniform(size=g.size), setup.steps // 2
    found = []
    for law, least in ((laws.held(g), g), (laws.published, 0 * g)):
        forms = [make(setup.seed, g) for make in SIGNALS.values()]
        for form in (*forms, signal(Greedy(top, beta1, alpha1, curvature, least), "greedy")):
            optimizer = vradam.VRMomentum(alpha0=top, alpha1=alpha1, beta1=beta1, gate=form, law=law)
            state = optimizer.init(start)._replace(velocity=velocity, kinetic=closing)
            early = vradam.simulate(optimizer, bowl, start, half, every=0, state=state, engine="numpy")
            late = vradam.simulate(
                optimizer, bowl, early.final_x, half, every=0, state=early.final_state, engine="numpy"
            )
            before, after = (energy(run, curvature, beta1) for run in (early, late))
            gained = (after - np.where(before < LEFT, before, 0.0)) / half / 2
            found.append(gained.reshape(grid).max(axis=(2, 3)))
    shape = (2, len(SIGNALS) + 1, *grid[:2])
    return xr.Dataset(
        {"growth": (("law", "signal", "beta1", "fraction"), np.reshape(found, shape))},
        coords={
            "law": ["held", "none"],
            "signal": [*SIGNALS, "greedy"],
            "beta1": list(setup.beta1),
            "fraction": list(setup.fractions),
        },
        attrs={"dimension": dimension, "runs": int(g.size)},
    )


def energy(run: Any, curvature: Array, beta1: Array) -> Array:
    """log10 of ``sum_i g_i^2 + O(eta h_i)(g_i + kappa v_i)^2`` after the last step, O the odds of that step.

    It is the proof's V before the step; under the law it never rises. What has left the floats counts as ``LEFT``.
    """
    edges, kappa = (value[:, None] for value in (evaluate(EDGE, beta1=beta1), (1 + beta1) / (1 - beta1)))
    with np.errstate(all="ignore"):
        g, s = run.final_x * curvature, run.learning_rate[:, -1:] * curvature
        value = (g**2 + s / (edges - s) * (g + kappa * run.final_state.velocity) ** 2).sum(axis=-1)
        inside = (run.diverged_at < 0) & (value < 10**LEFT)
        return np.where(inside, np.log10(np.maximum(value, 10**-LEFT)), LEFT)


def sharp_decay(beta1: float, fraction: float, lows: int = 193) -> float:
    """The g below which a sawtooth through the law itself grows, at ``fraction`` of the edge: S8 says ``beta1^2``.

    The gates are those that the optimizer takes under ``held(g)`` with a signal that closes and waits in turn.
    """
    from scipy.optimize import brentq

    top = fraction * float(evaluate(EDGE, beta1=beta1))

    def excess(g: float) -> float:
        peaks = np.geomspace(1e-2, 1e2, lows)
        for _ in range(3):
            growths = measured_growth(gates_taken(peaks, g, top, beta1), beta1)
            worst = int(np.clip(growths.argmax(), 1, len(peaks) - 2))
            peaks = np.linspace(peaks[worst - 1], peaks[worst + 1], 41)
        return float(growths.max()) - 1

    return float(brentq(excess, 0.1 * beta1**2, 0.9999, xtol=1e-13))


def gates_taken(peaks: Array, g: float, top: float, beta1: float) -> Array:
    """The step sizes (runs, 2) of two successive steps when the signal is ``peaks`` and then 0."""
    calls = [0]

    def see(v: Array, before: Array, grad: Array, P: Array, w: Array) -> Array:
        calls[0] += 1
        return peaks if calls[0] == 1 else np.zeros_like(peaks)

    optimizer = vradam.VRMomentum(alpha0=top, alpha1=np.inf, beta1=beta1, gate=signal(see), law=laws.held(g))
    x = np.full((len(peaks), 1), 1e-3)
    run = vradam.simulate(optimizer, vradam.objectives.quadratic([1.0]), x, 2, engine="numpy")
    return run.learning_rate[:, 1:]


def critical_rate(w0: float, beta1: float, steps: int) -> float:
    """alpha0 L at which a small disturbance begins to grow under ``held(g, w0)`` once the gate has opened."""
    from scipy.optimize import brentq

    predicted = float(evaluate(EDGE, beta1=beta1)) / (1 + w0)
    bowl, blind = vradam.objectives.quadratic([1.0]), signal(lambda v, before, grad, P, w: 0 * w, "blind")

    def excess(alpha0: float) -> float:
        law = laws.held(max(beta1**2, 0.5), w0)
        optimizer = vradam.VRMomentum(alpha0=alpha0, alpha1=100.0, beta1=beta1, gate=blind, law=law)
        early = vradam.simulate(optimizer, bowl, [1.0], steps, every=0, engine="numpy")
        late = vradam.simulate(optimizer, bowl, early.final_x, steps, every=0, state=early.final_state, engine="numpy")
        sizes = [abs(run.final_x[0]) + abs(run.final_state.velocity[0]) for run in (early, late)]
        return float(np.log(sizes[1] / sizes[0]))

    return float(brentq(excess, 0.7 * predicted, 1.1 * predicted, xtol=1e-12 * predicted))
