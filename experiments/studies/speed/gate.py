"""The cost of the gate over AdamW in the same engine, and beside the gradient of a network; its own process.

The network is x -> tanh(x A) B with squares as loss, in single precision; its gradient is NumPy's. The clip is never
reached, so that the norm is always taken over all parameters: the gate at its most expensive.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vradam
from experiments.studies.speed.contestant import child, one_thread
from experiments.studies.speed.work import ALPHA0, BETA1, BETA2, BETA3, EPS, OPEN_CLIP
from vradam.inplace import InPlace

INPUTS, OUTPUTS = 784, 10
LEAST = 0.01  # seconds that one sample takes at least


def samples(hidden: int, batch: int, rounds: int, seed: int) -> NDArray[np.float64]:
    """Seconds of one gradient, one step of AdamW and one of VRAdam, (3, rounds), on one thread of a new process.

    Raises
    ------
    subprocess.CalledProcessError : if that process fails.
    """
    command = child(__name__, hidden, batch, rounds, seed)
    answer = subprocess.run(command, env=one_thread(), stdout=subprocess.PIPE, text=True, check=True).stdout
    return np.array(json.loads(answer))


def parameters(hidden: int) -> int:
    """How many parameters the network has."""
    return hidden * (INPUTS + OUTPUTS)


def timed(hidden: int, batch: int, rounds: int, seed: int) -> NDArray[np.float64]:
    """The same in this process: in every round the gradient, then the two steps, each of them first in turn."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(INPUTS, hidden)) / INPUTS**0.5, rng.normal(size=(hidden, OUTPUTS)) / hidden**0.5]
    weights = [weight.astype(np.float32) for weight in weights]
    x = rng.normal(size=(batch, INPUTS)).astype(np.float32)
    y = rng.normal(size=(batch, OUTPUTS)).astype(np.float32)
    grads = gradient(weights, x, y)
    common: dict[str, Any] = {"alpha0": ALPHA0, "beta1": BETA1, "beta2": BETA2, "eps": EPS, "weight_decay": 0.01}
    without = InPlace(vradam.AdamW(**common), [weight.copy() for weight in weights])
    gated = InPlace(vradam.VRAdam(beta3=BETA3, alpha1=OPEN_CLIP, **common), [weight.copy() for weight in weights])
    calls: list[Callable[[], object]] = [
        lambda: gradient(weights, x, y), lambda: without.step(grads), lambda: gated.step(grads)
    ]  # fmt: skip
    counts = [repetitions(call) for call in calls]
    seconds = np.empty((3, rounds))
    for number in range(rounds):
        for which in (0, 1, 2) if number % 2 else (0, 2, 1):
            begin = time.perf_counter()
            for _ in range(counts[which]):
                calls[which]()
            seconds[which, number] = (time.perf_counter() - begin) / counts[which]
    return seconds


def gradient(weights: list[NDArray], x: NDArray, y: NDArray) -> list[NDArray]:
    """The gradient of the mean over the batch of |tanh(x A) B - y|^2 / 2."""
    first, second = weights
    hidden = np.tanh(x @ first)
    error = (hidden @ second - y) / len(x)
    return [x.T @ ((error @ second.T) * (1 - hidden * hidden)), hidden.T @ error]


def repetitions(call: Callable[[], object]) -> int:
    """How often to call so that it takes ``LEAST``; the first call, which may compile, is not counted."""
    call()
    begin = time.perf_counter()
    call()
    return 1 + int(LEAST / max(time.perf_counter() - begin, 1e-6))


def main() -> None:
    """Print the times that the arguments of this process ask for."""
    print(json.dumps(timed(*map(int, sys.argv[1:])).tolist()))
