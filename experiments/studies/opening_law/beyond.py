"""Beyond the edge, under noise and in other units: what the gates do where no theorem of stability speaks."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.measurement.formula import evaluate
from theory.notation import edge
from vradam import gates, laws, noise, objectives

Array = NDArray[np.floating]
EDGE: Final = edge()
#: name -> (gate form, law); None stands for ``beta1^2`` (stability's g).
GATES: Final[dict[str, tuple[gates.GateForm, str, float | None]]] = {
    "published": (gates.published, "published", 0.0),
    "averaged, beta1^2": (gates.published, "averaged", None),
    "averaged, .99": (gates.published, "averaged", 0.99),
    "averaged, .999": (gates.published, "averaged", 0.999),
    "held, beta1^2": (gates.published, "held", None),
    "held, .99": (gates.published, "held", 0.99),
    "held, .999": (gates.published, "held", 0.999),
    "held in Adam's metric, .99": (gates.adam_metric, "held", 0.99),
    "alignment, held, .95": (gates.alignment(), "held", 0.95),
    "alignment averaged, held, .95": (gates.alignment(average=0.99), "held", 0.95),
    "alignment without a law": (gates.alignment(), "published", 0.0),
}
ENERGIES: Final = tuple(name for name, (form, _, _) in GATES.items() if form == gates.published)


def law_of(name: str, beta1: float) -> laws.Law:
    """The law of one of :data:`GATES`."""
    _, kind, g = GATES[name]
    if kind == "published":
        return laws.published
    decay = beta1**2 if g is None else g
    return laws.averaged(decay) if kind == "averaged" else laws.held(decay)


def momentum(name: str, beta1: float, **numbers: Any) -> vradam.VRMomentum:
    """VRMomentum with one of :data:`GATES`."""
    return vradam.VRMomentum(beta1=beta1, gate=GATES[name][0], law=law_of(name, beta1), **numbers)


def bursts(setup: Any) -> xr.Dataset:
    """Peak v^2 over v*^2 = S/B - 1, mean eta L/B and what is left of flat directions, over (gate, ratio).

    One sharp direction and two flat ones, curvatures 1, .01 and .001; no clip; the second half of the run is measured,
    and of the flat directions what is left after 100 steps.
    The gates are those that see an energy. ``speed`` and ``rate`` are the last steps of the run at 8 B.
    """
    edges = float(evaluate(EDGE, beta1=setup.burst_beta1))
    ratio = np.array(setup.ratios)
    curvature = np.array([1.0, 0.01, 0.001])
    bowl, start = objectives.quadratic(curvature), np.array([1.0, 1.0, 1.0])
    parts: dict[str, list[Array]] = {name: [] for name in ("peak", "mean", "flat", "speed")}
    for name in ENERGIES:
        optimizer = momentum(name, setup.burst_beta1, alpha0=ratio * edges, alpha1=np.inf)
        first = vradam.simulate(optimizer, bowl, start, setup.burst_steps, every=0, engine="compiled")
        run = vradam.simulate(
            optimizer, bowl, first.final_x, setup.burst_steps, state=first.final_state, engine="compiled"
        )
        velocity = np.diff(run.x[..., 0], axis=-1) / run.learning_rate[:, 1:]
        parts["peak"].append((velocity**2).max(axis=-1) / (ratio - 1))
        parts["mean"].append(run.learning_rate[:, 1:].mean(axis=-1) / edges)
        begun = vradam.simulate(optimizer, bowl, start, 100, every=0, engine="compiled")
        parts["flat"].append(np.abs(begun.final_x[:, 1:]).sum(axis=-1) / 2)
        parts["speed"].append(np.abs(velocity[np.abs(ratio - 8).argmin(), -setup.shown :]))
    values = {name: (("gate", "ratio"), np.array(parts[name])) for name in ("peak", "mean", "flat")}
    return xr.Dataset(
        {**values, "speed": (("gate", "step"), np.array(parts["speed"]))},
        coords={"gate": list(ENERGIES), "ratio": ratio, "step": np.arange(setup.shown)},
        attrs={"beta1": setup.burst_beta1},
    )


def sharpening(setup: Any) -> xr.Dataset:
    """A curvature that rises from .1 B to 10 B (alpha0 = 1) with a little noise, over the gates that see an energy.

    ``peak`` is the largest sharp loss on the way, ``mean`` the mean of eta h/B while h > B; the median of the seeds.
    """
    edges = float(evaluate(EDGE, beta1=setup.burst_beta1))
    steps, seeds = setup.sharpening_steps, setup.seeds
    kicks = np.random.default_rng(setup.seed).standard_normal((steps, seeds, 1))
    curvature = 0.1 * edges * 100.0 ** (np.arange(steps) / steps)
    peak, mean = [], []
    for name in ENERGIES:
        optimizer = momentum(name, setup.burst_beta1, alpha0=1.0, alpha1=100.0)
        x = np.full((seeds, 1), 1e-3)
        state, largest, ratios = optimizer.init(x), np.zeros(seeds), []
        for h, kick in zip(curvature, kicks, strict=True):
            x = x + 1e-3 * kick / h
            x, state = optimizer.step(x, h * x, state)
            largest = np.maximum(largest, 0.5 * h * x[:, 0] ** 2)
            if h > edges:
                ratios.append(optimizer.learning_rate(state) * h / edges)
        peak.append(np.median(largest))
        mean.append(np.median(np.mean(ratios, axis=0)))
    return xr.Dataset({"peak": ("gate", peak), "mean": ("gate", mean)}, {"gate": list(ENERGIES)})


# ---------------------------------------------------------------- bias


#: name -> (beta1, p, amplitude): two-point noise, +a (1-p)/p with probability p, else -a.
NOISES: Final = {
    "skewed, beta1 0": (0.0, 0.1, 1.0),
    "skewed, beta1 .5": (0.5, 0.1, 1.0),
    "skewed, beta1 .9": (0.9, 0.1, 2.0),
    "symmetric, beta1 0": (0.0, 0.5, 2.0),
}
#: name -> g as a function of N; what is asked of the rate.
DECAYS: Final = {
    "no gate": None,
    "published": 0.0,
    "averaged, 1 - 1/N": -1.0,
    "held, 1 - 1/N": 1.0,
    "held, 1 - 10/N": 10.0,
    "held, 1 - 100/N": 100.0,
    "held, .99": 0.99,
    "recommended": 10.0,
}


def biased(name: str, beta1: float, steps: int) -> vradam.VRAdam:
    """One of :data:`DECAYS` at a horizon: alpha0 = 1/sqrt N, beta2 = 1 - 1/N, alpha1 = 19, beta3 = 1."""
    numbers = {"alpha0": 1 / np.sqrt(steps), "alpha1": 19.0, "beta1": beta1, "beta2": 1 - 1 / steps}
    if name == "no gate":
        return vradam.VRAdam(**numbers, beta3=0.0)
    if name == "published":
        return vradam.VRAdam(**numbers)
    form = gates.adam_metric if name == "recommended" else gates.published
    if name.startswith("averaged"):
        law: laws.Law = laws.averaged(1 - 1 / steps)
    else:
        law = laws.held(0.99 if name.endswith(".99") else max(beta1**2, 1 - DECAYS[name] / steps))  # type: ignore
    return vradam.VRAdam(**numbers, gate=form, law=law)


def bias(setup: Any, law: str, steps: int) -> xr.Dataset:
    """E||F'(x_tau)||^2 over the gates, for one noise and one horizon, from the minimiser of a pseudo-Huber function."""
    beta1, p, amplitude = NOISES[law]
    hill = objectives.pseudo_huber(1, scale=4.0)
    found = []
    for name in DECAYS:
        run = vradam.simulate(
            biased(name, beta1, steps), hill, np.zeros((setup.seeds, 1)), steps, noise.two_point(p, amplitude),
            seed=setup.seed, every=0, engine="compiled",
        )  # fmt: skip
        found.append(run.mean_grad_norm_squared.mean())
    return xr.Dataset(
        {"error": (("gate", "noise", "N"), np.reshape(found, (-1, 1, 1)))},
        {"gate": list(DECAYS), "noise": [law], "N": [steps]},
    )


# ---------------------------------------------------------------- scale


SCALED: Final = ("published", "averaged, .99", "held, .99", "held in Adam's metric, .99", "alignment, held, .95")


def scale(setup: Any) -> xr.Dataset:
    """The mean learning rate over alpha0 when all gradients are multiplied by c, over (gate, c): log-cosh, d = 10."""
    factors = np.array([1e-3, 1.0, 1e3])
    rows = []
    for name in SCALED:
        optimizer = vradam.VRAdam(alpha0=0.03, gate=GATES[name][0], law=law_of(name, 0.9))
        hill, stream = objectives.log_cosh(10), np.random.default_rng(setup.seed)
        x = np.full((factors.size, 10), 3.0)
        state, openings = optimizer.init(x), []
        for _ in range(setup.scale_steps):
            grad = (hill.grad(x) + 0.3 * stream.standard_normal(10)) * factors[:, None]
            x, state = optimizer.step(x, grad, state)
            openings.append(optimizer.learning_rate(state) / 0.03)
        rows.append(np.mean(openings, axis=0))
    return xr.Dataset({"opening": (("gate", "c"), np.array(rows))}, {"gate": list(SCALED), "c": factors})
