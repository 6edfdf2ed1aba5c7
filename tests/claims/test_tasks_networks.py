"""The networks of the tasks, which need JAX: gradients, flows whose end is known, and a whole small study."""

import importlib
import sys

import numpy as np
import pytest
import xarray as xr

import vradam
from experiments.studies.tasks import OPTIMIZERS, Setup
from experiments.studies.tasks.data import grid


def test_without_jax_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    monkeypatch.delitem(sys.modules, "experiments.studies.tasks.nets", raising=False)
    with pytest.raises(ImportError, match=r"pip install -e '.\[nets\]'"):
        importlib.import_module("experiments.studies.tasks.nets")


@pytest.fixture(scope="module")
def nets():
    """Compiled in half the time, without the costly optimizations: what is trained is small."""
    jax = pytest.importorskip("jax", reason="the networks need the extra `nets`")
    module = importlib.import_module("experiments.studies.tasks.nets")  # which starts JAX with one thread
    jax.config.update("jax_disable_most_optimizations", True)
    yield module
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.mark.parametrize("key", ["mlp", "convolutional", "transformer", "flow_matching", "trajectory_balance"])
def test_gradients_are_slopes_of_the_loss_and_rows_do_not_mix(nets, key):
    task = nets.make(key)
    x = np.stack([task.init(seed) for seed in (1, 2)])
    batch = np.stack([task.draw(np.random.default_rng(seed), 1)[0] for seed in (1, 2)])
    losses, grad = (np.asarray(part) for part in nets.gradients(key)(x, batch))
    assert grad.shape == x.shape == (2, task.dim)
    twice = np.asarray(nets.gradients(key)(x[[1, 1]], batch[[1, 1]])[1])
    np.testing.assert_allclose(twice, grad[[1, 1]], rtol=1e-3, atol=1e-5)
    direction = grad / np.linalg.norm(grad, axis=1, keepdims=True)
    h = np.float32(1e-2)
    ahead, behind = (np.asarray(nets.gradients(key)(x + sign * h * direction, batch)[0]) for sign in (1, -1))
    if key in ("flow_matching", "trajectory_balance"):  # a walk that changes its course changes the loss by a jump
        assert np.isfinite(losses).all()
    else:
        np.testing.assert_allclose((ahead - behind) / (2 * h), np.linalg.norm(grad, axis=1), rtol=2e-2)


def exact_policy(nets, place):
    """log P_F of the flows that share what enters a state equally among its parents: they sample the target exactly."""
    walk = nets._Walk(place)
    flow = place.reward.astype(float).copy()
    edges = np.full((place.states, place.dims), 0.0)
    strides = np.asarray(walk.strides)
    for state in np.argsort(-place.coordinates.sum(axis=1), kind="stable"):
        for axis in range(place.dims):
            if place.coordinates[state, axis] < place.side - 1:
                child = state + strides[axis]
                edges[state, axis] = flow[child] / (place.coordinates[child] > 0).sum()
        flow[state] += edges[state].sum()
    with np.errstate(divide="ignore"):
        return walk, np.maximum(np.log(np.column_stack([edges, place.reward])), -1e9)


@pytest.mark.parametrize(("dims", "side"), [(2, 8), (3, 4)])
def test_flows_that_match_end_in_the_target(nets, dims, side):
    place = grid(dims, side)
    walk, logits = exact_policy(nets, place)
    np.testing.assert_allclose(walk.ends(walk.policy(logits)), place.target, rtol=1e-4)


def test_walks_end_where_the_exact_distribution_says(nets, monkeypatch):
    monkeypatch.setattr(nets, "EXPLORE", 0.0)
    place = grid(2, 8)
    walk, logits = exact_policy(nets, place)
    uniforms = np.random.default_rng(0).random((20_000, walk.length + 1), dtype=np.float32)
    states, actions, going = walk.sample(walk.policy(logits), uniforms)
    share = np.bincount(np.asarray(states)[:, -1], minlength=place.states) / 20_000
    assert np.abs(share - place.target).sum() < 0.06
    assert (np.asarray(actions)[np.asarray(going)] <= place.dims).all() and not np.asarray(going)[:, -1].all()


def test_products_with_the_hessian_are_slopes_of_the_gradient(nets):
    dynamics = importlib.import_module("experiments.studies.tasks.dynamics")
    objective = dynamics.curvature("mlp")
    rng = np.random.default_rng(0)
    x, u = nets.make("mlp").init(0), rng.normal(size=objective.dim)
    u /= np.linalg.norm(u)
    slope = (objective.grad(x + 0.05 * u) - objective.grad(x - 0.05 * u)) / 0.1
    product = objective.hvp(x, u)
    assert np.linalg.norm(slope - product) < 0.05 * np.linalg.norm(product)


def test_finished_chunks_are_not_computed_again(nets, tmp_path, monkeypatch):
    import experiments.studies.tasks as stem
    from experiments.store.chunks import Chunks

    setup = Setup(
        steps=(20,), trials=2, seeds=10, constant_seeds=2, basin=(1.0, 2.0), basin_seeds=1, points=2, scale_seeds=1,
        scales=(1.0, 10.0),
    )  # fmt: skip
    first = stem.run(setup, Chunks(tmp_path, "a"))
    monkeypatch.setattr(stem, "train", None)
    again = stem.run(setup, Chunks(tmp_path, "a"))
    for name, dataset in first.data.items():
        xr.testing.assert_identical(dataset, again.data[name])
    assert first.confrontations[0].note == again.confrontations[0].note
    runs = first.data["runs"]
    assert runs.score.shape == (1, len(OPTIMIZERS), 20) and runs.swept.shape == (1, len(OPTIMIZERS), 2)
    assert float(first.data["scaled"].opening.sel(optimizer="AdamW").min()) == 1
    shown = {table.title: table for table in stem.tables(first.data)}
    rows = shown["Every optimizer at its tuned setting"].rows
    assert [row[1] for row in rows] == list(OPTIMIZERS) and f"{float(runs['mean'][0, 0]):.4g} [" in rows[0][3]
    assert set(first.data["inside"].batch.values) == {"minibatch", "full"}


def test_a_user_trains_a_function_of_their_own(nets):
    jax = nets.jax
    target = np.array([1.0, -2.0, 3.0])
    grad = jax.jit(jax.grad(lambda theta: ((theta - target) ** 2).sum()))
    optimizer, theta = vradam.VRAdam(alpha0=0.05), np.zeros(3)
    state = optimizer.init(theta)
    for _ in range(2000):
        theta, state = optimizer.step(theta, grad(theta), state)
    np.testing.assert_allclose(theta, target, atol=1e-2)


def test_a_task_that_is_not_there_is_refused(nets):
    with pytest.raises(ValueError, match="task must be one of"):
        nets.make("nothing")
