"""Two sets of rules for tuning, and the forms of the gate that are compared under the first.

*Equal budgets*: those of :mod:`experiments.studies.tasks`: every optimizer draws alpha0 and its weight decay, VRAdam
also beta3 and alpha1, all log-uniform, with the same number of trials.

*The source's rules*, as far as its public sweeps say them (ten trials, weight decay fixed at 1e-5 where there is one):

==========  =======================================  =======================================  ========================
\\           convolutional network                    Transformer                              grids
==========  =======================================  =======================================  ========================
VRAdam      alpha0 1e-4 ... .1, beta3 .1 ... 2,      alpha0 1e-5 ... .1, beta3 .1 ... 5,      alpha0 1e-5 ... .01,
            alpha1 5 ... 30, either gate             the same                                 as the Transformer
Adam        alpha0 1e-5 ... .1                       the same                                 alpha0 1e-5 ... .01
SGD         alpha0 1e-5 ... .1, momentum .9          the same, momentum .2                    alpha0 1e-3 ... .1,
                                                                                              momentum 0 ... .99
RMSProp     alpha0 1e-5 ... .1, alpha .99            the same, alpha .1                       alpha0 1e-5 ... .01,
                                                                                              alpha .8 ... .99
==========  =======================================  =======================================  ========================

Not public, or not carried over: which trials its Bayesian search drew (here they are drawn at random, stratified), how
many sweeps and restarts there were, RAdam's sweep (here by Adam's rules), the momentum of RMSProp (.2; here none), the
minimum 1e-5 of the schedule (here 0), and on the grids the weights of three losses and the temperature of the reward,
which were drawn together with the optimizer's own numbers. Its "Adam" is AdamW in the version of its code read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import vradam
from experiments.studies.tasks.protocol import CONTENDERS, GATE, Contender, trials
from vradam.gates import GateForm, gradient_norm, per_coordinate, power, published, signal

Array = NDArray[np.floating]
OURS: Final = "VRAdam"
RIVALS: Final = ("AdamW", "RAdam", "Nesterov", "RMSProp")
SOURCE_TRIALS: Final = 10
DECAY: Final = 1e-5
#: What the source's sweeps of the three kinds of networks draw: hyper-parameter -> (low, high, "log" or "even").
Range = tuple[float, float, str]
WIDE: Final[Range] = (1e-5, 1e-1, "log")
NARROW: Final[Range] = (1e-5, 1e-2, "log")
SWEEPS: Final[Mapping[str, Mapping[str, Mapping[str, Range]]]] = {
    "images": {
        "VRAdam": {"alpha0": (1e-4, 1e-1, "log"), "beta3": (0.1, 2.0, "even"), "alpha1": (5.0, 30.0, "even")},
        "AdamW": {"alpha0": WIDE},
        "RAdam": {"alpha0": WIDE},
        "Nesterov": {"alpha0": WIDE},
        "RMSProp": {"alpha0": WIDE},
    },
    "text": {
        "VRAdam": {"alpha0": WIDE, "beta3": (0.1, 5.0, "even"), "alpha1": (5.0, 30.0, "even")},
        "AdamW": {"alpha0": WIDE},
        "RAdam": {"alpha0": WIDE},
        "Nesterov": {"alpha0": WIDE},
        "RMSProp": {"alpha0": WIDE},
    },
    "grids": {
        "VRAdam": {"alpha0": NARROW, "beta3": (0.1, 5.0, "even"), "alpha1": (5.0, 30.0, "even")},
        "AdamW": {"alpha0": NARROW},
        "RAdam": {"alpha0": NARROW},
        "Nesterov": {"alpha0": (1e-3, 1e-1, "log"), "beta1": (0.0, 0.99, "even")},
        "RMSProp": {"alpha0": NARROW, "beta2": (0.8, 0.99, "even")},
    },
}
#: What they hold fixed besides the defaults.
FIXED: Final[Mapping[str, Mapping[str, Mapping[str, float]]]] = {
    "images": {name: {"weight_decay": DECAY} for name in (OURS, *RIVALS)},
    "text": {
        **{name: {"weight_decay": DECAY} for name in ("VRAdam", "AdamW", "RAdam")},
        "Nesterov": {"beta1": 0.2},
        "RMSProp": {"beta2": 0.1},
    },
    "grids": {name: {"weight_decay": DECAY} for name in (OURS, *RIVALS)},
}
KINDS: Final = {
    "mlp": "images",
    "convolutional": "images",
    "transformer": "text",
    "flow_matching": "grids",
    "trajectory_balance": "grids",
}
#: The values that the source's sweep found for its convolutional network; weight decay as fixed there.
TUNED: Final[Mapping[str, float]] = {"alpha0": 0.0846, "beta3": 1.015, "alpha1": 29.0, "weight_decay": DECAY}


@dataclass(frozen=True)
class PerTensor(GateForm):
    """One gate for each tensor of a network: ``sizes`` of its tensors, in order; every coordinate has its tensor's."""

    sizes: tuple[int, ...] = ()

    def kinetic(self, velocity: Array, previous: Array, grad: Array) -> Array:
        """(..., d): at each coordinate the squared norm of its tensor's part of the velocity."""
        squares = super().kinetic(velocity, previous, grad)
        starts = np.cumsum((0, *self.sizes[:-1]))
        return np.repeat(np.add.reduceat(squares, starts, axis=-1), self.sizes, axis=-1)


def per_tensor(sizes: tuple[int, ...]) -> PerTensor:
    """The gate that the published class has with one parameter group a tensor.

    >>> per_tensor((1, 2)).kinetic(np.array([3.0, 1.0, 2.0]), np.zeros(3), np.zeros(3))
    array([9., 5., 5.])
    """
    return PerTensor("per_tensor", per_coordinate=True, sizes=sizes)


def relativistic(velocity: Array, previous: Array, grad: Array, P: Array, w: Array) -> Array:
    """K = sqrt(1 + |v|^2) - 1, a kinetic energy that grows like |v|."""
    return np.sqrt(1 + np.add.reduce(np.square(velocity), axis=-1)) - 1


def log_cosh(velocity: Array, previous: Array, grad: Array, P: Array, w: Array) -> Array:
    """K = sum log cosh v_i, quadratic for small velocities and linear for large ones."""
    size = np.abs(velocity)
    return np.add.reduce(size + np.log1p(np.exp(-2 * size)) - np.log(2), axis=-1).clip(min=0)


#: The forms that are compared, besides one gate a tensor; the first is what the others are compared with.
GATES: Final[Mapping[str, GateForm]] = {
    "k = 2": published,
    **{f"k = {k}": power(k) for k in (3, 4, 5, 6)},
    "relativistic": signal(relativistic),
    "log cosh": signal(log_cosh),
    "gradient norm": gradient_norm,
    "per coordinate": per_coordinate,
}
FORMS: Final = (*GATES, "per tensor")


def contender(rule: str, task: str, name: str, sizes: tuple[int, ...], gradient: bool = False) -> Contender:
    """The optimizer that takes part under this rule ("equal", "source" or "gates") with the name of it or of its gate.

    ``sizes`` of the network's tensors; ``gradient``: VRAdam's gate sees the gradient.
    """
    if rule == "gates":
        gate = per_tensor(sizes) if name == "per tensor" else GATES[name]
        ours = CONTENDERS[OURS]
        return Contender(partial(vradam.VRAdam, gate=gate), ours.rates, GATE)
    found = CONTENDERS[name]
    if rule == "source" and gradient:
        return Contender(partial(vradam.VRAdam, gate=gradient_norm), found.rates, found.searched)
    return found


def draws(rule: str, task: str, name: str, count: int, seed: int) -> dict[str, Any]:
    """Hyper-parameter -> the values of the trials (count,); by the source's rules VRAdam's ``gradient`` is 0 or 1."""
    if rule != "source":
        return trials(CONTENDERS[OURS if rule == "gates" else name], count, seed)
    kind = KINDS[task]
    count = min(count, SOURCE_TRIALS)
    rng = np.random.default_rng([seed, 4])
    unit = (rng.permuted(np.tile(np.arange(count), (3, 1)), axis=1) + rng.random((3, count))) / count
    found = {
        key: low * (high / low) ** u if scale == "log" else low + (high - low) * u
        for u, (key, (low, high, scale)) in zip(unit, SWEEPS[kind][name].items(), strict=False)
    }
    if "alpha1" in found:
        found["alpha1"] = np.round(found["alpha1"])
        found["gradient"] = np.arange(count) % 2.0
    return found | {key: np.full(count, value) for key, value in FIXED[kind][name].items()}


def split(hyper: Mapping[str, Any]) -> tuple[dict[str, Any], NDArray[np.bool_]]:
    """The optimizer's own hyper-parameters, and where the gate sees the gradient (an array of the same length)."""
    own = {key: np.atleast_1d(np.asarray(value, dtype=float)) for key, value in hyper.items() if key != "gradient"}
    length = max(len(values) for values in own.values())
    return own, np.broadcast_to(np.atleast_1d(np.asarray(hyper.get("gradient", 0.0))) > 0.5, length)
