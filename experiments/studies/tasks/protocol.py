"""The protocol, the same for every optimizer: random search, then fresh seeds at the chosen setting.

Runs are rows: parameters (runs, d), one compiled call for all gradients, one ``optimizer.step`` with hyper-parameters
as arrays over the runs. Seed s fixes the start and the minibatches, for every optimizer the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

import vradam
from vradam.gated import rate_at
from vradam.schedules import Constant, Cosine, LinearWarmup

#: Hyper-parameter -> the range of the search, log-uniform.
SHARED: Final[Mapping[str, tuple[float, float]]] = {
    "weight_decay": (1e-4, 0.3),
    "beta3": (1e-2, 1e2),
    "alpha1": (1.0, 30.0),
}
#: The coordinates of a trial, in the order in which every optimizer reads them.
AXES: Final = ("alpha0", *SHARED)
#: Minibatches are drawn for this many steps at a time.
AHEAD: Final = 50


@dataclass(frozen=True)
class Contender:
    """An optimizer in the comparison.

    Parameters
    ----------
    make : callable
        The optimizer from its searched hyper-parameters; the others keep their defaults.
    rates : tuple[float, float]
        The range of alpha0, 2.5 decades for every optimizer.
    searched : tuple of str
        The hyper-parameters of the search besides alpha0.
    """

    make: Callable[..., Any]
    rates: tuple[float, float]
    searched: tuple[str, ...] = ("weight_decay",)

    @property
    def space(self) -> dict[str, tuple[float, float]]:
        """Hyper-parameter -> range."""
        return {"alpha0": self.rates} | {name: SHARED[name] for name in self.searched}


def smoothed(**hyper: Any) -> vradam.VRAdam:
    """VRAdam whose gate sees the kinetic energy averaged with decay beta2 = 0.999."""
    return vradam.VRAdam(gate_decay=0.999, **hyper)


ADAPTIVE: Final = (3e-4, 1e-1)
GATE: Final = ("weight_decay", "beta3", "alpha1")
CONTENDERS: Final[Mapping[str, Contender]] = {
    "VRAdam": Contender(vradam.VRAdam, ADAPTIVE, GATE),
    "VRAdam, default gate": Contender(vradam.VRAdam, ADAPTIVE),
    "VRAdam, smoothed gate": Contender(smoothed, ADAPTIVE, GATE),
    "AdamW": Contender(vradam.AdamW, ADAPTIVE),
    "Adam": Contender(vradam.Adam, ADAPTIVE, ()),
    "RAdam": Contender(vradam.RAdam, ADAPTIVE),
    "Nesterov": Contender(vradam.Nesterov, (1e-3, 3e-1)),
    "RMSProp": Contender(vradam.RMSProp, (1e-4, 3e-2)),
    "Lion": Contender(vradam.Lion, (1e-4, 3e-2)),
}


def trials(contender: Contender, count: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Hyper-parameter -> ``count`` values. Stratified (a Latin hypercube); all optimizers share the same draws, so
    that two of them with the same space try the same settings.

    >>> found = trials(CONTENDERS["AdamW"], 16, seed=0)
    >>> sorted(found), found["alpha0"].shape
    (['alpha0', 'weight_decay'], (16,))
    """
    rng = np.random.default_rng([seed, 3])
    unit = (rng.permuted(np.tile(np.arange(count), (len(AXES), 1)), axis=1) + rng.random((len(AXES), count))) / count
    return {name: low * (high / low) ** unit[AXES.index(name)] for name, (low, high) in contender.space.items()}


def scheduled(contender: Contender, hyper: Mapping[str, ArrayLike], steps: int, constant: bool = False) -> Any:
    """The optimizer with alpha0 warmed up over the first twentieth of the steps, then half a cosine to zero; or
    constant."""
    others = {name: np.asarray(value, dtype=np.float64) for name, value in hyper.items()}
    alpha0 = others.pop("alpha0")
    warm = max(steps // 20, 1)
    schedule = (
        Constant(alpha0=alpha0) if constant else LinearWarmup(Cosine(alpha0=alpha0, steps=max(steps - warm, 1)), warm)
    )
    return contender.make(alpha0=schedule, **others)


def train(
    task: Any,
    gradients: Callable[[NDArray, NDArray], tuple[Any, Any]],
    scores: Callable[[str], Callable[[NDArray], Mapping[str, Any]]],
    optimizer: Any,
    seeds: NDArray[np.integer],
    steps: int,
    checks: int = 20,
    early: int = 100,
    scale: ArrayLike = 1.0,
) -> xr.Dataset:
    """Train one run per seed; what happened on the way and at the end.

    Parameters
    ----------
    task : object
        Has ``init(seed)`` and ``draw(rng, n)``.
    gradients : callable
        (theta (runs, d), batch (runs, ...)) -> losses (runs,), gradients (runs, d).
    scores : callable
        Part -> (theta -> {"loss": (runs,), "second": (runs,)}).
    optimizer : object
        Its hyper-parameters are numbers or arrays over the runs.
    seeds : array
        (runs,); equal seeds share start and minibatches.
    checks : int
        The validation loss is measured at the start and after each ``1/checks`` of the steps.
    early : int
        Of the first so many steps the gate's opening eta_t/alpha0(t) is kept.
    scale : array_like
        Every gradient is multiplied by it; a number, or one per run.

    A run whose loss or gradient is not finite at step t has diverged at t: its scores from there on are NaN.

    Raises
    ------
    TypeError, ValueError
        If the gradient does not have the shape of the parameters.
    """
    if steps < checks:
        raise ValueError(f"steps must be >= checks = {checks}, got {steps}")
    runs, marks = len(seeds), np.linspace(0, steps, checks + 1).round().astype(int)
    streams = {int(seed): np.random.default_rng([int(seed), 2]) for seed in seeds}
    x = np.stack([task.init(int(seed)) for seed in seeds])
    state, factor = optimizer.init(x), np.broadcast_to(np.asarray(scale, np.float32), runs)[:, None]
    diverged_at = np.full(runs, -1)
    opening = np.ones((steps, runs))
    gated = isinstance(optimizer, vradam.VRAdam)
    validation = [_loss(scores, "validation", x)]
    training: list[NDArray] = []
    speed: list[NDArray] = []
    total = np.zeros(runs)
    for t in range(1, steps + 1):
        if (t - 1) % AHEAD == 0:
            drawn = {seed: task.draw(rng, AHEAD) for seed, rng in streams.items()}
            batches = np.stack([drawn[int(seed)] for seed in seeds], axis=1)
        losses, found = gradients(x, batches[(t - 1) % AHEAD])
        grad = np.asarray(found)
        if grad.shape != x.shape:
            raise ValueError(f"the gradient must have the shape {x.shape} of the parameters, got {grad.shape}")
        values = np.asarray(losses, dtype=np.float64)
        lost = ~(np.isfinite(values) & np.isfinite(grad).all(axis=1))
        diverged_at[lost & (diverged_at < 0)] = t
        dead = diverged_at >= 0
        if dead.any():
            x, grad = np.where(dead[:, None], 0, x), np.where(dead[:, None], 0, grad)
        x, state = optimizer.step(x, factor * grad, state)
        if gated:
            opening[t - 1] = optimizer.learning_rate(state) / rate_at(optimizer.alpha0, t)
        total += values
        if t in marks:
            x[~np.isfinite(x).all(axis=1)] = np.nan
            validation.append(np.where(dead, np.nan, _loss(scores, "validation", x)))
            training.append(np.where(dead, np.nan, total / np.diff(marks)[len(training)]))
            speed.append(np.sqrt((state.velocity.astype(np.float64) ** 2).sum(axis=1)))
            total = np.zeros(runs)
    test = {name: np.where(dead, np.nan, np.asarray(value)) for name, value in scores("test")(x).items()}
    excess = 1 / opening - 1
    alpha1 = optimizer.alpha1 if gated else np.inf
    first = opening[:early]
    return xr.Dataset(
        {
            "validation": (("check", "run"), np.array(validation, dtype=np.float32)),
            "training": (("block", "run"), np.array(training, dtype=np.float32)),
            "speed": (("block", "run"), np.array(speed, dtype=np.float32)),
            "opening": (("block", "run"), np.add.reduceat(opening, marks[:-1]) / np.diff(marks)[:, None]),
            "early_opening": (("step", "run"), first),
            "test_loss": ("run", test["loss"]),
            "test_second": ("run", test["second"]),
            "diverged_at": ("run", diverged_at),
            "excess_median": ("run", np.median(excess, axis=0)),
            "excess_max": ("run", excess.max(axis=0)),
            "clipped": ("run", (excess >= 0.999 * np.asarray(alpha1)).mean(axis=0)),
        },
        coords={"check": marks, "step": np.arange(1, len(first) + 1)},
    )


def _loss(scores: Callable[[str], Callable[[NDArray], Mapping[str, Any]]], part: str, x: NDArray) -> NDArray:
    return np.asarray(scores(part)(x)["loss"], dtype=np.float64)
