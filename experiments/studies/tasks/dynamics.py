"""What happens inside the runs: curvature against the edge B/eta_t, the gate, and gradients in other units.

Sharpness is lambda_max of the Hessian of the loss on one large batch, from Hessian-vector products; preconditioned, it
is that of P_t^-1 H (:mod:`vradam.sharpness`), which the edge of stability compares with B/eta_t.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from numpy.typing import NDArray

import vradam
from experiments.studies.tasks.nets import Task, gradients, make, scores
from experiments.studies.tasks.protocol import CONTENDERS, scheduled, train


@cache
def curvature(key: str) -> vradam.Objective:
    """The loss on the task's one large batch as an objective with Hessian-vector products, evaluated in float32."""
    task = make(key)
    batch = jnp.asarray(task.full)
    value = jax.jit(lambda theta: task.loss(theta, batch))
    grad = jax.jit(jax.grad(value))
    product = jax.jit(lambda theta, u: jax.jvp(grad, (theta,), (u,))[1])

    def single(x: NDArray) -> NDArray:
        return np.asarray(x, dtype=np.float32)

    return vradam.Objective(
        name=task.name,
        dim=task.dim,
        value=lambda x: np.asarray(value(single(x)), dtype=np.float64),
        grad=lambda x: np.asarray(grad(single(x)), dtype=np.float64),
        hvp=lambda x, u: np.asarray(product(single(x), single(u)), dtype=np.float64),
    )


def follow(
    key: str, name: str, hyper: Mapping[str, float], steps: int, points: int, full: bool, seed: int
) -> xr.Dataset:
    """One run with its curvature at ``points`` steps, equally spaced.

    ``full``: on the one large batch with a constant rate, instead of minibatches with the schedule. On a grid that
    batch is a set of random numbers; the walks that they make still follow the policy, so the loss may jump.
    """
    task, objective = make(key), curvature(key)
    optimizer = scheduled(CONTENDERS[name], hyper, steps, constant=full)
    x = task.init(seed)[None]
    state, next_batch = optimizer.init(x), _stream(task, full, seed)
    marks = np.linspace(steps / points, steps, points).round().astype(int)
    rows: list[tuple[float, ...]] = []
    for t in range(1, steps + 1):
        losses, grad = gradients(key)(x, next_batch())
        if not np.isfinite(grad).all():
            break
        x, state = optimizer.step(x, np.asarray(grad), state)
        if t in marks:
            eta = float(optimizer.learning_rate(state)[0])
            beta1 = float(optimizer.beta1)
            rows.append(
                (
                    float(losses[0]),
                    float(vradam.sharpness.hessian_sharpness(objective, x)[0]),
                    float(vradam.sharpness.preconditioned_sharpness(objective, x, state, optimizer)[0]),
                    float(vradam.sharpness.stability_threshold(beta1, eta)),
                    eta,
                    float(np.linalg.norm(state.velocity)),
                )
            )
    names = ("loss", "sharpness", "preconditioned", "threshold", "learning_rate", "speed")
    table = np.full((points, len(names)), np.nan)
    table[: len(rows)] = np.array(rows).reshape(len(rows), len(names))
    return xr.Dataset({label: ("point", table[:, i]) for i, label in enumerate(names)} | {"step": ("point", marks)})


def _stream(task: Task, full: bool, seed: int) -> Callable[[], NDArray]:
    if full:
        return lambda: task.full[None]
    rng = np.random.default_rng([seed, 2])
    return lambda: task.draw(rng, 1)


def rescaled(
    key: str, name: str, hyper: Mapping[str, float], steps: int, scales: tuple[float, ...], seeds: int, seed: int
) -> xr.Dataset:
    """Test loss and mean opening of the gate when every gradient is multiplied by c, over (c, seed)."""
    optimizer = scheduled(CONTENDERS[name], hyper, steps)
    c, repeated = np.repeat(scales, seeds), seed + np.tile(np.arange(seeds), len(scales))
    found = train(make(key), gradients(key), partial(scores, key), optimizer, repeated, steps, scale=c)
    lost = found.diverged_at.values >= 0
    values: dict[str, Any] = {
        "loss": np.where(lost, found.validation.isel(check=0), found.test_loss),
        "opening": found.opening.mean("block").values,
    }
    shape = (len(scales), seeds)
    return xr.Dataset(
        {label: (("scale", "seed"), array.reshape(shape)) for label, array in values.items()},
        coords={"scale": list(scales)},
    )
