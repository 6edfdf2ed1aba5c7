"""The networks and their losses in JAX: each task is a loss of one flat float32 vector and one minibatch.

A task knows nothing of optimizers. Convolutions are written as products with patches, and the flows on a grid as
tables over all its states, so that many runs are one batched product.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.studies.tasks.data import (
    CONTEXT,
    SYMBOLS,
    Grid,
    digits,
    grid,
    logistic_regression,
    text,
    uniform_sampler,
    unigram_entropy,
)

FLAGS: Final = "XLA_FLAGS"
#: One thread: several workers share the machine, and sums keep their order.
ONE_THREAD: Final = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

before, fresh = os.environ.get(FLAGS), "jax" not in sys.modules
if fresh:
    os.environ.setdefault(FLAGS, ONE_THREAD)
try:
    import jax
    import jax.numpy as jnp
except ImportError as error:
    raise ImportError("the tasks need JAX; install it with: pip install -e '.[nets]'") from error
finally:
    if fresh and "jax" in sys.modules:
        sys.modules["jax"].devices()  # reads the flags, once for the process
    if before is None:
        os.environ.pop(FLAGS, None)  # processes started later decide for themselves, in the same way

Params = dict[str, Any]
#: Share of uniformly random moves in the trajectories that a GFlowNet learns from.
EXPLORE: Final = 0.05


class Task(NamedTuple):
    """A learning problem.

    ``loss(theta, batch)`` is a scalar; ``draw(rng, n)`` gives the next n minibatches of a stream; ``measure(theta,
    part)`` the scores on "validation" or "test", of which "loss" is the one to be small and the one tuned on.
    """

    name: str
    shapes: Mapping[str, tuple[int, ...]]
    loss: Callable[[Any, Any], Any]
    draw: Callable[[np.random.Generator, int], NDArray]
    measure: Callable[[Any, str], dict[str, Any]]
    baseline: float  #: of "loss" on validation, without any network
    full: NDArray  #: one batch for full-batch runs

    @property
    def dim(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes.values())

    def init(self, seed: int) -> NDArray[np.float32]:
        """A start theta (dim,): normal with variance 2/fan-in, biases zero."""
        rng = np.random.default_rng([seed, 1])
        parts = []
        for name, shape in self.shapes.items():
            weights = rng.normal(size=shape) * math.sqrt(2 / shape[0]) if len(shape) > 1 else np.zeros(shape)
            parts.append((weights * 0.5 if name.startswith("small") else weights).ravel())
        return np.concatenate(parts).astype(np.float32)


def unpack(theta: Any, shapes: Mapping[str, tuple[int, ...]]) -> Params:
    """The named arrays inside a flat vector."""
    parts, place = {}, 0
    for name, shape in shapes.items():
        size = math.prod(shape)
        parts[name] = theta[place : place + size].reshape(shape)
        place += size
    return parts


def cross_entropy(logits: Any, labels: Any) -> Any:
    """Mean over all but the last axis of ``logits``, in nats."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], axis=-1).mean()


def squared_error(outputs: Any, labels: Any) -> Any:
    """Mean squared distance of the outputs from the labels as unit vectors, over examples and classes."""
    return ((outputs - jax.nn.one_hot(labels, outputs.shape[-1])) ** 2).mean()


# ---------------------------------------------------------------- images


def _classifier(
    name: str, shapes: Mapping[str, tuple[int, ...]], logits: Callable[[Params, Any], Any], squared: bool
) -> Task:
    parts = digits()
    data = {key: (jnp.asarray(part.images), jnp.asarray(part.labels)) for key, part in parts.items()}
    size = len(parts["train"].labels)
    distance = squared_error if squared else cross_entropy

    def loss(theta: Any, batch: Any) -> Any:
        images, labels = data["train"]
        return distance(logits(unpack(theta, shapes), images[batch]), labels[batch])

    def draw(rng: np.random.Generator, n: int) -> NDArray:
        return rng.integers(0, size, (n, 32)).astype(np.int32)

    def measure(theta: Any, part: str) -> dict[str, Any]:
        images, labels = data[part]
        out = logits(unpack(theta, shapes), images)
        return {"loss": distance(out, labels), "second": (out.argmax(axis=-1) == labels).mean()}

    baseline = 0.1 * 0.9 if squared else logistic_regression()  # of the frequencies alone, for ten even classes
    full = np.arange(size if squared else 256, dtype=np.int32)
    return Task(name, shapes, loss, draw, measure, baseline, full)


def mlp(squared: bool = False) -> Task:
    """Digits with one hidden layer of 32; with cross-entropy or, full batch, with the squared error."""
    shapes = {"w1": (64, 32), "b1": (32,), "small_w2": (32, 10), "b2": (10,)}

    def logits(p: Params, images: Any) -> Any:
        hidden = jnp.tanh(images.reshape(images.shape[0], 64) @ p["w1"] + p["b1"])
        return hidden @ p["small_w2"] + p["b2"]

    return _classifier("digits, MLP", shapes, logits, squared)


def convolutional(squared: bool = False) -> Task:
    """Digits with two convolutions: 3x3 to 8 channels, mean of 2x2, 2x2 to 16 channels, then the ten classes."""
    shapes = {"w1": (9, 8), "b1": (8,), "w2": (32, 16), "b2": (16,), "small_w3": (64, 10), "b3": (10,)}

    def logits(p: Params, images: Any) -> Any:
        n = images.shape[0]
        patches = jnp.stack([images[:, i : i + 6, j : j + 6] for i in range(3) for j in range(3)], axis=-1)
        hidden = jax.nn.relu(patches.reshape(n, 36, 9) @ p["w1"] + p["b1"])
        pooled = hidden.reshape(n, 3, 2, 3, 2, 8).mean(axis=(2, 4))
        corners = jnp.concatenate([pooled[:, i : i + 2, j : j + 2] for i in range(2) for j in range(2)], axis=-1)
        hidden = jax.nn.relu(corners.reshape(n, 4, 32) @ p["w2"] + p["b2"])
        return hidden.reshape(n, 64) @ p["small_w3"] + p["b3"]

    return _classifier("digits, convolutional", shapes, logits, squared)


# ---------------------------------------------------------------- text


def transformer(width: int = 16, heads: int = 2) -> Task:
    """Characters with one causal block (attention, then a hidden layer), normalised before each and at the end."""
    found = text()
    train = jnp.asarray(found.train)
    windows = {"validation": jnp.asarray(found.validation), "test": jnp.asarray(found.test)}
    shapes = {
        "small_embedding": (SYMBOLS, width),
        "small_position": (CONTEXT, width),
        "query_key_value": (width, 3 * width),
        "small_out": (width, width),
        "w1": (width, 2 * width),
        "b1": (2 * width,),
        "small_w2": (2 * width, width),
        "b2": (width,),
        "small_read": (width, SYMBOLS),
        "b_read": (SYMBOLS,),
    }
    causal = jnp.asarray(np.tril(np.ones((CONTEXT, CONTEXT), dtype=bool)))

    def normal(x: Any) -> Any:
        centred = x - x.mean(axis=-1, keepdims=True)
        return centred / jnp.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)

    def nats(theta: Any, window: Any) -> Any:
        p, n = unpack(theta, shapes), window.shape[0]
        x = 4 * p["small_embedding"][window[:, :-1]] + p["small_position"]
        joint = (normal(x) @ p["query_key_value"]).reshape(n, CONTEXT, 3, heads, width // heads)
        query, key, value = (joint[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
        scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(width // heads)
        mixed = jax.nn.softmax(jnp.where(causal, scores, -1e9)) @ value
        x = x + mixed.transpose(0, 2, 1, 3).reshape(n, CONTEXT, width) @ p["small_out"]
        x = x + jax.nn.relu(normal(x) @ p["w1"] + p["b1"]) @ p["small_w2"] + p["b2"]
        return cross_entropy(normal(x) @ p["small_read"] + p["b_read"], window[:, 1:])

    def loss(theta: Any, batch: Any) -> Any:
        return nats(theta, train[batch[:, None] + jnp.arange(CONTEXT + 1)])

    def draw(rng: np.random.Generator, n: int) -> NDArray:
        return rng.integers(0, len(found.train) - CONTEXT, (n, 8)).astype(np.int32)

    def measure(theta: Any, part: str) -> dict[str, Any]:
        value = nats(theta, windows[part])
        return {"loss": value, "second": jnp.exp(value)}

    full = np.arange(64, dtype=np.int32) * (len(found.train) // 64)
    return Task("characters, Transformer", shapes, loss, draw, measure, unigram_entropy(), full)


# ---------------------------------------------------------------- GFlowNets


def _flows(place: Grid, hidden: int, outputs: int) -> tuple[dict[str, tuple[int, ...]], Callable[[Params], Any]]:
    """Shapes, and the outputs of the network for every state of the grid, (states, outputs)."""
    one_hot = jnp.asarray(np.eye(place.side, dtype=np.float32)[place.coordinates].reshape(place.states, -1))
    shapes: dict[str, tuple[int, ...]] = {
        "w1": (place.dims * place.side, hidden),
        "b1": (hidden,),
        "w2": (hidden, hidden),
        "b2": (hidden,),
        "small_w3": (hidden, outputs),
        "b3": (outputs,),
    }

    def table(p: Params) -> Any:
        first = jax.nn.leaky_relu(one_hot @ (p["w1"] * math.sqrt(place.side)) + p["b1"])
        return jax.nn.leaky_relu(first @ p["w2"] + p["b2"]) @ p["small_w3"] + p["b3"]

    return shapes, table


class _Walk:
    """Moves on a grid: action i raises coordinate i, the last action stops."""

    def __init__(self, place: Grid) -> None:
        coordinates = place.coordinates
        self.place = place
        self.length = place.dims * (place.side - 1)  # moves before the far corner, where only stopping is left
        self.strides = jnp.asarray(place.side ** np.arange(place.dims)[::-1])
        self.allowed = jnp.asarray(
            np.concatenate([coordinates < place.side - 1, np.ones((place.states, 1), dtype=bool)], axis=1)
        )
        self.parents = jnp.asarray((coordinates > 0).sum(axis=1).clip(min=1))

    def policy(self, logits: Any) -> Any:
        """log P(action | state), (states, dims + 1)."""
        return jax.nn.log_softmax(jnp.where(self.allowed, logits, -1e9))

    def sample(self, log_policy: Any, uniforms: Any) -> tuple[Any, Any, Any]:
        """Visited states, actions and whether the walk was still going, (batch, length + 1) each; no gradient."""
        even = self.allowed / self.allowed.sum(axis=1, keepdims=True)
        chances = jnp.cumsum((1 - EXPLORE) * jnp.exp(jax.lax.stop_gradient(log_policy)) + EXPLORE * even, axis=1)
        jumps = jnp.concatenate([self.strides, jnp.zeros(1, self.strides.dtype)])

        def move(carry: Any, uniform: Any) -> Any:
            state, going = carry
            action = jnp.minimum((uniform[:, None] > chances[state]).sum(axis=1), self.place.dims)
            action = jnp.where(self.allowed[state, action], action, self.place.dims)
            ahead = jnp.where(going, state + jumps[action], state)
            return (ahead, going & (action < self.place.dims)), (state, action, going)

        start = (jnp.zeros(uniforms.shape[0], self.strides.dtype), jnp.ones(uniforms.shape[0], dtype=bool))
        states, actions, going = jax.lax.scan(move, start, uniforms.T)[1]
        return states.T, actions.T, going.T

    def ends(self, log_policy: Any) -> Any:
        """The exact distribution of the state in which a walk stops, (states,)."""
        place, shape = self.place, (self.place.side,) * self.place.dims
        chances = jnp.exp(log_policy).reshape(*shape, place.dims + 1)

        def spread(visits: Any, _: None) -> Any:
            moved = jnp.zeros(shape)
            for axis in range(place.dims):
                flow = visits * chances[..., axis]
                moved = moved + jnp.pad(
                    jax.lax.slice_in_dim(flow, 0, place.side - 1, axis=axis),
                    [(1, 0) if other == axis else (0, 0) for other in range(place.dims)],
                )
            return moved.at[(0,) * place.dims].set(1.0), None

        first = jnp.zeros(shape).at[(0,) * place.dims].set(1.0)
        visits = jax.lax.scan(spread, first, None, length=self.length)[0]
        return (visits * chances[..., -1]).ravel()


def _sampler(name: str, walk: _Walk, shapes: Any, policy: Callable[[Params], Any], loss: Any, batch: int) -> Task:
    target, modes = jnp.asarray(walk.place.target), jnp.asarray(walk.place.modes)

    def draw(rng: np.random.Generator, n: int) -> NDArray:
        return rng.random((n, batch, walk.length + 1), dtype=np.float32)

    def measure(theta: Any, part: str) -> dict[str, Any]:
        """The distance is exact, so validation and test agree; a mode is found at half its share of the target."""
        ends = walk.ends(policy(unpack(theta, shapes)))
        return {"loss": jnp.abs(ends - target).sum(), "second": (modes & (ends > target / 2)).sum() / modes.sum()}

    full = draw(np.random.default_rng([0, 2]), 16).reshape(-1, walk.length + 1)
    return Task(name, shapes, loss, draw, measure, uniform_sampler(walk.place), full)


def flow_matching(dims: int = 2, side: int = 16, hidden: int = 6, batch: int = 16) -> Task:
    """A GFlowNet of log flows along the edges: what enters a visited state leaves it again or is its reward."""
    walk = _Walk(grid(dims, side))
    shapes, table = _flows(walk.place, hidden, dims)
    shape, log_reward = (side,) * dims, jnp.log(jnp.asarray(walk.place.reward))

    def leaving(p: Params) -> Any:
        flows = jnp.where(walk.allowed[:, :dims], table(p), -1e9)
        return jnp.concatenate([flows, log_reward[:, None]], axis=1)

    def policy(p: Params) -> Any:
        return walk.policy(leaving(p))

    def loss(theta: Any, uniforms: Any) -> Any:
        flows = leaving(unpack(theta, shapes))
        states, _, going = walk.sample(walk.policy(flows), uniforms)
        counted = going & (states > 0)
        visits = jnp.zeros(walk.place.states).at[states].add(counted)
        entering = []
        for axis in range(dims):
            edge = jax.lax.slice_in_dim(flows[:, axis].reshape(shape), 0, side - 1, axis=axis)
            before = [(1, 0) if other == axis else (0, 0) for other in range(dims)]
            entering.append(jnp.pad(edge, before, constant_values=-1e9).ravel())
        gap = jax.nn.logsumexp(jnp.stack(entering), axis=0) - jax.nn.logsumexp(flows, axis=1)
        return (visits * jnp.where(jnp.arange(walk.place.states) > 0, gap, 0.0) ** 2).sum() / counted.sum().clip(min=1)

    return _sampler(f"grid {dims}-D, flow matching", walk, shapes, policy, loss, batch)


def trajectory_balance(dims: int = 4, side: int = 4, hidden: int = 12, batch: int = 16) -> Task:
    """A GFlowNet of a policy and log Z (Malkin et al., arXiv:2201.13259); backwards every parent is equally likely."""
    walk = _Walk(grid(dims, side))
    shapes, table = _flows(walk.place, hidden, dims + 1)
    shapes["log_z"] = (1,)
    log_reward = jnp.log(jnp.asarray(walk.place.reward))

    def policy(p: Params) -> Any:
        return walk.policy(table(p))

    def loss(theta: Any, uniforms: Any) -> Any:
        p = unpack(theta, shapes)
        forward = policy(p)
        states, actions, going = walk.sample(forward, uniforms)
        log_forward = (going * forward[states, actions]).sum(axis=1)
        log_backward = -(going * jnp.log(walk.parents)[states]).sum(axis=1)  # the start contributes log 1
        return ((10 * p["log_z"][0] + log_forward - log_reward[states[:, -1]] - log_backward) ** 2).mean()

    return _sampler(f"grid {dims}-D, trajectory balance", walk, shapes, policy, loss, batch)


MAKERS: Final[Mapping[str, Callable[[], Task]]] = {
    "mlp": mlp,
    "convolutional": convolutional,
    "transformer": transformer,
    "flow_matching": flow_matching,
    "trajectory_balance": trajectory_balance,
    "mlp, squared": partial(mlp, squared=True),
    "convolutional, squared": partial(convolutional, squared=True),
}


@cache
def make(key: str) -> Task:
    """The task of this key; made once.

    Raises
    ------
    ValueError
        For a key that no task has.
    """
    if key not in MAKERS:
        raise ValueError(f"task must be one of {', '.join(MAKERS)}, got {key!r}")
    return MAKERS[key]()


@cache
def gradients(key: str) -> Callable[[NDArray, NDArray], tuple[Any, Any]]:
    """Losses (runs,) and gradients (runs, d) of a batch of runs, compiled."""
    return jax.jit(jax.vmap(jax.value_and_grad(make(key).loss)))


@cache
def scores(key: str, part: str) -> Callable[[NDArray], dict[str, Any]]:
    """What a task measures on a part, for a batch of runs (runs, d), compiled."""
    return jax.jit(jax.vmap(lambda theta: make(key).measure(theta, part)))
