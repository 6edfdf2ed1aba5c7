"""What the gate costs in PyTorch and optax: one step beside the AdamW of the same library, as ratios from one run.

``python -m experiments.studies.speed.adapters`` times a model of 100 tensors of mixed size on one thread, and on a GPU,
where there is one, the same inside CUDA graphs. On the processor it is the time of this process that counts, so that
others on the machine disturb less. The contestants take turns, in an order that changes from round to round; a ratio is
the median over the rounds of the ratios within a round. Nothing here is part of the study E3.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from experiments.studies.speed.contestant import ONE_THREAD

LEAST = 0.02
BLOCKS = 25
#: name -> width of a model of 25 blocks, each with two matrices and two vectors
WIDTHS = {"0.5 million parameters": 64, "8 million parameters": 256}
OPTIONS = {"lr": 1e-3, "weight_decay": 1e-2}


class Goal(NamedTuple):
    """At most ``ratio`` times what ``rival`` takes."""

    contestant: str
    rival: str
    ratio: float


GOALS = (
    Goal("VRAdam foreach", "AdamW foreach", 1.15),
    Goal("VRAdam fused", "AdamW foreach", 1.15),
    Goal("VRAdam fused, CUDA graph", "AdamW fused, CUDA graph", 1.05),
    Goal("optax vradam", "optax adamw", 1.10),
)


def shapes(width: int) -> list[tuple[int, ...]]:
    """The shapes of the 100 tensors."""
    return [(width, width), (width,), (width, 4 * width), (4 * width,)] * BLOCKS


def torch_steps(width: int, device: str) -> dict[str, Callable[[], None]]:
    """A function for each contestant that takes one step and waits for it."""
    import torch

    from vradam.torch import VRAdam

    def build(cls: Any, graphed: bool, **way: Any) -> Callable[[], None]:
        generator = torch.Generator().manual_seed(0)
        params = [torch.randn(shape, generator=generator).to(device) for shape in shapes(width)]
        for p in params:
            p.grad = (torch.randn(p.shape, generator=generator) / 1000).to(device)
        optimizer = cls(params, **OPTIONS, **way)
        if device == "cpu":
            return optimizer.step
        for _ in range(3):
            optimizer.step()
        torch.cuda.synchronize()
        if not graphed:
            return lambda: (optimizer.step(), torch.cuda.synchronize())[1]
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            optimizer.step()
        return lambda: (graph.replay(), torch.cuda.synchronize())[1]

    classes = {"AdamW": torch.optim.AdamW, "VRAdam": VRAdam}
    ways = {"foreach": {"foreach": True}, "fused": {"fused": True}}
    if device == "cpu":
        ways["plain"] = {"foreach": False}
    steps = {f"{name} {way}": build(cls, False, **ways[way]) for way in ways for name, cls in classes.items()}
    if device != "cpu":
        steps |= {
            f"{name} {way}, CUDA graph": build(cls, True, capturable=True, **ways[way])
            for way in ways
            for name, cls in classes.items()
        }
    return steps


def optax_steps(width: int) -> dict[str, Callable[[], None]]:
    """The same for the compiled update of each transformation, applied to donated parameters."""
    import jax
    import jax.numpy as jnp
    import optax

    from vradam.optax import vradam

    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape).astype(np.float32) for shape in shapes(width)]
    gradients = [jnp.asarray(p / 1000) for p in start]

    def build(optimizer: Any) -> Callable[[], None]:
        def step(params: Any, state: Any) -> Any:
            updates, state = optimizer.update(gradients, state, params)
            return optax.apply_updates(params, updates), state

        compiled = jax.jit(step, donate_argnums=(0, 1))
        params = [jnp.array(p) for p in start]
        place = [params, optimizer.init(params)]

        def once() -> None:
            place[:] = compiled(*place)
            jax.block_until_ready(place)

        return once

    rate, decay = OPTIONS["lr"], OPTIONS["weight_decay"]
    theirs, ours = optax.adamw(rate, weight_decay=decay), vradam(rate, weight_decay=decay)
    return {"optax adamw": build(theirs), "optax vradam": build(ours)}


def timed(
    steps: dict[str, Callable[[], None]], rounds: int, clock: Callable[[], float] = time.process_time
) -> dict[str, np.ndarray]:
    """Seconds a step, (rounds,), of each contestant; each sample repeats it for ``LEAST`` seconds or more."""
    counts = {}
    for name, step in steps.items():
        for _ in range(3):
            step()
        begin = clock()
        step()
        counts[name] = 1 + int(LEAST / max(clock() - begin, 1e-6))
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    names = list(steps)
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            begin = clock()
            for _ in range(counts[name]):
                steps[name]()
            seconds[name].append((clock() - begin) / counts[name])
    return {name: np.array(samples) for name, samples in seconds.items()}


def report(title: str, seconds: dict[str, np.ndarray]) -> None:
    """The medians, and the ratios that have a goal."""
    print(title)
    for name, samples in seconds.items():
        print(f"   {name:<28} {1e3 * np.median(samples):9.3f} ms   fastest {1e3 * samples.min():9.3f} ms")
    for goal in GOALS:
        if goal.contestant in seconds:
            ratios = seconds[goal.contestant] / seconds[goal.rival]
            low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
            least = seconds[goal.contestant].min() / seconds[goal.rival].min()
            met = "met" if middle <= goal.ratio else "MISSED"
            print(
                f"   {goal.contestant} / {goal.rival}: {middle:.3f} (quartiles {low:.3f}, {high:.3f};"
                f" fastest over fastest {least:.3f}); goal <= {goal.ratio:.2f} {met}"
            )


def main(arguments: list[str]) -> None:
    """Print what the installed libraries allow."""
    parser = argparse.ArgumentParser(prog="python -m experiments.studies.speed.adapters", description=__doc__)
    parser.add_argument("--rounds", type=int, default=31)
    rounds = parser.parse_args(arguments).rounds
    os.environ.update(ONE_THREAD)  # before the libraries start their threads
    for name, width in WIDTHS.items():
        if find_spec("torch"):
            import torch

            torch.set_num_threads(1)
            report(f"PyTorch, {name}, one thread", timed(torch_steps(width, "cpu"), rounds))
            if torch.cuda.is_available():
                title = f"PyTorch, {name}, {torch.cuda.get_device_name()}"
                report(title, timed(torch_steps(width, "cuda"), rounds, time.perf_counter))
        if find_spec("optax"):
            report(f"optax, {name}, one thread", timed(optax_steps(width), rounds))


if __name__ == "__main__":
    main(sys.argv[1:])
