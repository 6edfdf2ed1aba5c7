"""What is timed: steps of one large vector with a given gradient, or many small runs on an objective."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

import vradam

Array = NDArray[np.floating]
ALPHA0, BETA1, BETA2, BETA3, EPS = 1e-3, 0.9, 0.999, 1.0, 1e-8
#: A clip that is never reached (the whole norm is needed), and one that is reached at once.
OPEN_CLIP, EARLY_CLIP = 1e12, 1e-3


class Work(NamedTuple):
    """``steps`` steps of ``runs`` runs in d dimensions; "step" is one run whose gradient is a given array."""

    name: str
    kind: Literal["step", "runs"]
    d: int
    steps: int
    runs: int = 1
    objective: str = "quadratic"
    noise: str = ""
    saturated: bool = False
    gate: bool = True

    @property
    def numbers(self) -> int:
        """How many numbers are updated."""
        return self.runs * self.steps * self.d


def optimizer(work: Work) -> vradam.VRAdam:
    """The optimizer of a work; without a gate it is AdamW."""
    clip = EARLY_CLIP if work.saturated else OPEN_CLIP if work.kind == "step" else 10.0
    return vradam.VRAdam(
        alpha0=ALPHA0, beta1=BETA1, beta2=BETA2, beta3=BETA3 if work.gate else 0.0, alpha1=clip, eps=EPS
    )


def spectrum(d: int) -> Array:
    """The curvatures of the quadratics."""
    return np.geomspace(0.1, 1.0, d)


def objective(work: Work) -> vradam.Objective:
    """The objective of a work on many runs."""
    o = vradam.objectives
    return {
        "quadratic": lambda: o.quadratic(spectrum(work.d)),
        "rotated quadratic": lambda: o.quadratic(spectrum(work.d), rotation=1),
        "log_cosh": lambda: o.log_cosh(work.d),
        "rosenbrock": lambda: o.rosenbrock(work.d),
    }[work.objective]()


def noise(work: Work) -> Any:
    """The noise of a work."""
    if not work.noise:
        return None
    return vradam.noise.gaussian(0.2) if work.noise == "gaussian" else vradam.noise.two_point(0.2, 0.3)


def start(work: Work) -> tuple[Array, Array]:
    """The points (runs, d), or (d,) of one large step, and its gradient; that gradient has norm about 1."""
    rng = np.random.default_rng(0)
    if work.kind == "step":
        return rng.normal(size=work.d), rng.normal(size=work.d) / np.sqrt(work.d)
    return rng.normal(size=(work.runs, work.d)), np.empty(0)


def small(work: Work) -> Work:
    """The same work at a size at which trajectories are compared: without noise, whose generators differ."""
    return work._replace(d=min(work.d, 10), runs=min(work.runs, 6), steps=50, noise="")


def reference(work: Work) -> Array:
    """The last point by the NumPy engine."""
    x, g = start(work)
    if work.kind == "runs":
        run = vradam.simulate(
            optimizer(work), objective(work), x, work.steps, noise(work), every=0, engine="numpy", progress=False
        )
        return run.x[..., -1, :]
    chosen = optimizer(work)
    state = chosen.init(x)
    for _ in range(work.steps):
        x, state = chosen.step(x, g, state)
    return x
