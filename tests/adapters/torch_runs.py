"""The small problem that the tests of the PyTorch adapter train, and the same steps by ``vradam.VRAdam``."""

from functools import cache

import numpy as np
import pytest

import vradam

torch = pytest.importorskip("torch", reason='pip install -e ".[torch]"')

from vradam.torch import VRAdam  # noqa: E402

SHAPES = ((3,), (2, 5), (4, 1, 3), ())
DIM = sum(int(np.prod(shape)) for shape in SHAPES)
SETTING = {"alpha1": 4.0, "beta3": 0.7, "eps": 1e-6, "weight_decay": 0.05}
WAYS = {
    "plain": {"foreach": False},
    "foreach": {"foreach": True},
    "fused": {"fused": True},
    "capturable": {"capturable": True},
    "capturable foreach": {"capturable": True, "foreach": True},
    "differentiable": {"differentiable": True},
}
CURVATURE = np.geomspace(0.05, 4.0, DIM)


def slope(x, t):
    """A gradient that keeps the gate busy: open, half closed and clipped."""
    return CURVATURE * x + (1 + 2 * np.sin(0.05 * t)) * np.cos(np.arange(DIM) * t)


def start(dtype=torch.float64, way=""):
    """Parameters that together are one vector; autograd could not go through a leaf that it changes in place."""
    flat = torch.linspace(-2, 2, DIM, dtype=dtype)
    return [piece.reshape(shape).clone().requires_grad_(way != "differentiable") for piece, shape in zip(
        flat.split([int(np.prod(shape)) for shape in SHAPES]), SHAPES, strict=True
    )]  # fmt: skip


def flat(params):
    return torch.cat([p.detach().reshape(-1) for p in params]).double().numpy()


def feed(params, gradient):
    """Set the gradients of the parameters, that together are one vector."""
    pieces = torch.as_tensor(gradient).split([p.numel() for p in params])
    for p, piece in zip(params, pieces, strict=True):
        p.grad = piece.reshape(p.shape).to(p.dtype).clone()


def train(optimizer, params, steps, begin=1):
    """The rates of ``steps`` steps along ``slope``."""
    rates = []
    for t in range(begin, begin + steps):
        feed(params, slope(flat(params), t))
        optimizer.step()
        rates.append(optimizer.learning_rate.tolist())
    return rates


@cache
def reference(steps, dtype=np.float64, alpha0=3e-2, **options):
    optimizer = vradam.VRAdam(alpha0=alpha0, **(SETTING | options))
    x = np.linspace(-2, 2, DIM).astype(dtype)
    state, rates = optimizer.init(x), []
    for t in range(1, steps + 1):
        x, state = optimizer.step(x, slope(x.astype(np.float64), t).astype(dtype), state)
        rates.append(float(optimizer.learning_rate(state)))
    return x, np.array(rates)


def trained(params, **options):
    return VRAdam(params, **({"lr": 3e-2} | SETTING | options))
