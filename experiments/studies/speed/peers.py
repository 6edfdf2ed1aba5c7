"""VRAdam and AdamW by PyTorch and JAX, written here from Algorithm 1, as contestants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.studies.speed.work import ALPHA0, BETA1, BETA2, BETA3, EPS, Array, Work, optimizer, spectrum, start

BLOCK = 256


def plain_torch(work: Work) -> Callable[[], Array]:
    """A plain PyTorch class, one run at a time."""
    import torch

    torch.set_num_threads(1)
    x, g = start(work)
    clip = float(np.asarray(optimizer(work).alpha1))
    if work.kind == "step":
        point, gradient = torch.from_numpy(x), torch.from_numpy(g)
        alone = PlainVRAdam(point, clip)

        def steps() -> Array:
            for _ in range(work.steps):
                alone.step(gradient)
            return point.numpy()

        return steps
    curvature = torch.from_numpy(spectrum(work.d))

    def runs() -> Array:
        points = torch.from_numpy(x.copy())
        for point in points:
            alone = PlainVRAdam(point, clip)
            for _ in range(work.steps):
                alone.step(curvature * point)
        return points.numpy()

    return runs


class PlainVRAdam:
    """Algorithm 1 for one tensor, as one writes it down."""

    def __init__(self, x: Any, clip: float) -> None:
        import torch

        self.x, self.clip, self.t = x, clip, 0
        self.v, self.m = torch.zeros_like(x), torch.zeros_like(x)

    def step(self, g: Any) -> None:
        """One step along the gradient g."""
        self.t += 1
        self.v = BETA1 * self.v + (1 - BETA1) * g
        self.m = BETA2 * self.m + (1 - BETA2) * g**2
        eta = ALPHA0 / (1 + min(BETA3 * float((self.v**2).sum()), self.clip))
        corrected = self.v / (1 - BETA1**self.t)
        self.x -= eta * corrected / ((self.m / (1 - BETA2**self.t)).sqrt() + EPS)


def fused_torch(work: Work) -> Callable[[], Array]:
    """PyTorch's fused AdamW: no gate."""
    import torch

    torch.set_num_threads(1)
    x, g = start(work)
    point = torch.from_numpy(x).requires_grad_()
    point.grad = torch.from_numpy(g)
    method = torch.optim.AdamW([point], lr=ALPHA0, betas=(BETA1, BETA2), eps=EPS, weight_decay=0.0, fused=True)

    def steps() -> Array:
        for _ in range(work.steps):
            method.step()
        return point.detach().numpy()

    return steps


def optax_adamw(work: Work) -> Callable[[], Array]:
    """optax.adamw, compiled with donated buffers: no gate."""
    jax = _jax()
    import optax

    method = optax.adamw(ALPHA0, BETA1, BETA2, EPS, weight_decay=0.0)
    x, g = start(work)

    def update(place: Any, gradient: Any) -> Any:
        point, state = place
        change, state = method.update(gradient, state, point)
        return optax.apply_updates(point, change), state

    return _stepping(work, update, lambda point: (point, method.init(point)), jax, x, g)


def jax_step(work: Work) -> Callable[[], Array]:
    """VRAdam's step by JAX, compiled with donated buffers."""
    jax = _jax()
    x, g = start(work)
    return _stepping(work, _step(work), _beginning, jax, x, g)


def jax_scan(work: Work) -> Callable[[], Array]:
    """Many runs by vmap over runs of lax.scan over steps."""
    return _many(work, blocked=False)


def jax_blocks(work: Work) -> Callable[[], Array]:
    """Many runs by lax.map over blocks of 256 runs."""
    return _many(work, blocked=True)


def _jax() -> Any:
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def _stepping(work: Work, update: Any, begin: Any, jax: Any, x: Array, g: Array) -> Callable[[], Array]:
    compiled = jax.jit(update, donate_argnums=0)
    place, gradient = [begin(jax.numpy.array(x))], jax.numpy.array(g)

    def steps() -> Array:
        for _ in range(work.steps):
            place[0] = compiled(place[0], gradient)
        return np.asarray(place[0][0].block_until_ready())

    return steps


def _beginning(x: Any) -> Any:
    import jax.numpy as jnp

    return x, (jnp.zeros_like(x), jnp.zeros_like(x), 0)


def _step(work: Work) -> Any:
    """(place, gradient) -> place with place = (x, (v, m, t))."""
    import jax.numpy as jnp

    clip = float(np.asarray(optimizer(work).alpha1))

    def update(place: Any, g: Any) -> Any:
        x, (v, m, t) = place
        t = t + 1
        v = BETA1 * v + (1 - BETA1) * g
        m = BETA2 * m + (1 - BETA2) * g * g
        eta = ALPHA0 / (1 + jnp.minimum(BETA3 * jnp.sum(v * v), clip))
        corrected = v / (1 - BETA1**t)
        return x - eta * corrected / (jnp.sqrt(m / (1 - BETA2**t)) + EPS), (v, m, t)

    return update


def _many(work: Work, blocked: bool) -> Callable[[], Array]:
    jax = _jax()
    jnp, update, x = jax.numpy, _step(work), start(work)[0]
    slope = _slope(work)

    def one(point: Any, key: Any) -> Any:
        def body(carried: Any, t: Any) -> Any:
            place = carried
            g = slope(place[0])
            if work.noise == "gaussian":
                g = g + 0.2 * jax.random.normal(jax.random.fold_in(key, t), g.shape)
            elif work.noise:
                rare = jax.random.uniform(jax.random.fold_in(key, t), g.shape) < 0.2
                g = g + jnp.where(rare, 0.3 * 0.8 / 0.2, -0.3)
            return update(place, g), None

        return jax.lax.scan(body, _beginning(point), jnp.arange(work.steps))[0][0]

    every = jax.vmap(one)
    keys = jax.random.split(jax.random.key(0), work.runs)
    if blocked and work.runs % BLOCK == 0:
        parts = x.reshape(-1, BLOCK, work.d), keys.reshape(-1, BLOCK)
        compiled = jax.jit(lambda points, some: jax.lax.map(lambda both: every(*both), (points, some)))
    else:
        parts = x, keys
        compiled = jax.jit(every)
    return lambda: np.asarray(compiled(*parts).block_until_ready()).reshape(x.shape)


def _slope(work: Work) -> Any:
    import jax
    import jax.numpy as jnp

    if work.objective == "quadratic":
        curvature = jnp.array(spectrum(work.d))
        return lambda x: curvature * x
    if work.objective == "log_cosh":
        return jnp.tanh
    if work.objective == "rosenbrock":
        return jax.grad(lambda x: jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))
    raise ValueError(f"objective must be quadratic, log_cosh or rosenbrock, got {work.objective!r}")
