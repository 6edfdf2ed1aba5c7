"""VRAdam for optax, and the edge of stability of what JAX trains; ``import vradam`` never imports this package.

>>> import jax, jax.numpy as jnp, optax
>>> from vradam.optax import opening, vradam
>>> params = {"weights": jnp.ones(3), "bias": jnp.zeros(())}
>>> optimizer = vradam(optax.cosine_decay_schedule(1e-2, decay_steps=100))
>>> state = optimizer.init(params)
>>> gradients = jax.grad(lambda p: jnp.sum((p["weights"] + p["bias"]) ** 2))(params)
>>> updates, state = optimizer.update(gradients, state, params)
>>> params = optax.apply_updates(params, updates)
>>> bool(opening(state) < 1)
True
"""

try:
    import optax as _optax  # noqa: F401
except ImportError as error:
    raise ImportError("vradam.optax needs optax; install it with: pip install 'vradam[optax]'") from error

from vradam.optax.edge import adam_preconditioner, curvature, sharpness
from vradam.optax.transform import ScaleByVRAdamState, clip_share, opening, scale_by_vradam, vradam

__all__ = [
    "ScaleByVRAdamState",
    "adam_preconditioner",
    "clip_share",
    "curvature",
    "opening",
    "scale_by_vradam",
    "sharpness",
    "vradam",
]
