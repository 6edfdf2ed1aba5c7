"""Other people's implementations, where they are installed, and VRAdam in PyTorch: the same paths over 500 steps.

Conventions that differ, so that the comparison leaves them out: weight decay of PyTorch's SGD, Adam and RMSprop is
added to the gradient, not decoupled; optax's RAdam rectifies for rho_t >= its threshold and has no weight decay;
PyTorch's RAdam rectifies for rho_t > 5 and not 4, and adds eps to a root not corrected for its start at zero.
"""

import numpy as np
import pytest

from vradam import baselines, gates, objectives
from vradam.optimizer import VRAdam

STEPS, START = 500, np.linspace(-1, 1, 5)


def stream(quiet=0):
    """Gradients of very different sizes, (STEPS, 5), after a number of steps without."""
    gradients = np.random.default_rng(11).standard_normal((STEPS, 5)) * np.geomspace(1e-3, 1e2, 5)
    return np.where(np.arange(STEPS)[:, None] < quiet, 0.0, gradients)


def our_path(optimizer, quiet=0):
    x, path = START, []
    state = optimizer.init(x)
    for g in stream(quiet):
        x, state = optimizer.step(x, g, state)
        path.append(x)
    return np.array(path)


def same(path, expected):
    np.testing.assert_allclose(path, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


#: each name, how optax spells it, and ours
OPTAX = {
    "adamw": (
        lambda optax: optax.adamw(0.01, b1=0.9, b2=0.99, eps=1e-8, weight_decay=0.1),
        baselines.AdamW(alpha0=0.01, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.1),
    ),
    "adam": (
        lambda optax: optax.adam(0.01, b1=0.8, b2=0.95, eps=1e-3),
        baselines.Adam(alpha0=0.01, beta1=0.8, beta2=0.95, eps=1e-3),
    ),
    "vradam without gate": (
        lambda optax: optax.adamw(0.01, b1=0.9, b2=0.99, eps=1e-8, weight_decay=0.1),
        VRAdam(alpha0=0.01, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.1, beta3=0.0),
    ),
    "radam": (
        lambda optax: optax.radam(0.01, b1=0.9, b2=0.95, eps=1e-6, threshold=4.0),
        baselines.RAdam(alpha0=0.01, beta1=0.9, beta2=0.95, eps=1e-6),
    ),
    "rmsprop": (
        lambda optax: optax.rmsprop(0.01, decay=0.95, eps=1e-6, eps_in_sqrt=False),
        baselines.RMSProp(alpha0=0.01, beta2=0.95, eps=1e-6),
    ),
    "lion": (
        lambda optax: optax.lion(0.01, b1=0.9, b2=0.98, weight_decay=0.1),
        baselines.Lion(alpha0=0.01, beta1=0.9, beta2=0.98, weight_decay=0.1),
    ),
    "nesterov": (
        lambda optax: optax.sgd(0.01, momentum=0.9, nesterov=True),
        baselines.Nesterov(alpha0=0.01, beta1=0.9),
    ),
    "heavy ball": (lambda optax: optax.sgd(0.01, momentum=0.9), baselines.HeavyBall(alpha0=0.01, beta1=0.9)),
}


@pytest.mark.parametrize("name", OPTAX)
def test_optax_takes_the_same_steps(name):
    jax = pytest.importorskip("jax", reason="jax and optax are optional peers")
    optax = pytest.importorskip("optax", reason="jax and optax are optional peers")
    jax.config.update("jax_enable_x64", True)
    make, ours = OPTAX[name]
    peer, theirs = make(optax), jax.numpy.asarray(START)

    def one(carry, g):
        x, state = carry
        updates, state = peer.update(g, state, x)
        x = optax.apply_updates(x, updates)
        return (x, state), x

    _, path = jax.lax.scan(one, (theirs, peer.init(theirs)), jax.numpy.asarray(stream()))
    same(our_path(ours), np.asarray(path))


RADAM_QUIET = 8  # steps without gradient at the start of the comparison with PyTorch's RAdam
#: each name, how PyTorch spells it, and ours
TORCH = {
    "AdamW": (
        lambda optim, x: optim.AdamW(x, lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1),
        baselines.AdamW(alpha0=0.01, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.1),
    ),
    "Adam": (
        lambda optim, x: optim.Adam(x, lr=0.01, betas=(0.8, 0.95), eps=1e-3),
        baselines.Adam(alpha0=0.01, beta1=0.8, beta2=0.95, eps=1e-3),
    ),
    "VRAdam without gate": (
        lambda optim, x: optim.AdamW(x, lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1),
        VRAdam(alpha0=0.01, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.1, alpha1=0.0),
    ),
    "RAdam": (
        lambda optim, x: optim.RAdam(
            x, lr=0.01, betas=(0.9, 0.98), eps=1e-30, weight_decay=0.1, decoupled_weight_decay=True
        ),
        baselines.RAdam(alpha0=0.01, beta1=0.9, beta2=0.98, eps=1e-30, weight_decay=0.1),
    ),
    "RMSprop": (
        lambda optim, x: optim.RMSprop(x, lr=0.01, alpha=0.95, eps=1e-6),
        baselines.RMSProp(alpha0=0.01, beta2=0.95, eps=1e-6),
    ),
    "SGD, Nesterov": (
        lambda optim, x: optim.SGD(x, lr=0.01, momentum=0.9, nesterov=True),
        baselines.Nesterov(alpha0=0.01, beta1=0.9),
    ),
    "SGD, momentum": (
        lambda optim, x: optim.SGD(x, lr=0.01, momentum=0.9),
        baselines.HeavyBall(alpha0=0.01, beta1=0.9),
    ),
    "SGD": (lambda optim, x: optim.SGD(x, lr=0.01), baselines.GradientDescent(alpha0=0.01)),
}


def torch_path(torch, make, quiet=0):
    x = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    peer, path = make(torch.optim, [x]), []
    for g in stream(quiet):
        x.grad = torch.tensor(g, dtype=torch.float64)
        peer.step()
        path.append(x.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize("name", TORCH)
def test_pytorch_takes_the_same_steps(name):
    torch = pytest.importorskip("torch", reason="PyTorch is an optional peer, installed by hand")
    make, ours = TORCH[name]
    quiet = RADAM_QUIET if name == "RAdam" else 0
    same(our_path(ours, quiet), torch_path(torch, make, quiet))


def test_the_comparison_with_pytorchs_radam_begins_where_both_conventions_rectify():
    """The steps with rho_t in (4, 5] lie among those without gradient, which stay where they are."""
    limit = 2 / (1 - 0.98) - 1
    rho = [limit - 2 * t * 0.98**t / (1 - 0.98**t) for t in range(1, STEPS + 1)]
    assert any(4 < value <= 5 for value in rho[:RADAM_QUIET]) and min(rho[RADAM_QUIET:]) > 5


def vradam_in_torch(torch, parameters, gradients, alpha0, alpha1, beta1, beta2, beta3, eps, weight_decay):
    """Algorithm 1 in PyTorch, line by line, for a list of tensors: one norm over all of them. Yields the tensors."""
    velocity = [torch.zeros_like(p) for p in parameters]
    moment = [torch.zeros_like(p) for p in parameters]
    for t, grads in enumerate(gradients, 1):
        for v, m, g in zip(velocity, moment, grads, strict=True):
            v.lerp_(g, 1 - beta1)
            m.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        norm = torch.linalg.vector_norm(torch.cat([v.flatten() for v in velocity]))
        eta = alpha0 / (1 + torch.clamp(beta3 * norm**2, max=alpha1))
        for p, v, m in zip(parameters, velocity, moment, strict=True):
            p.mul_(1 - eta * weight_decay)
            p.sub_(eta * (v / (1 - beta1**t)) / ((m / (1 - beta2**t)).sqrt() + eps))
        yield [p.clone() for p in parameters], float(eta)


@pytest.mark.parametrize(("alpha1", "beta3"), [(10.0, 1e-3), (0.5, 1e-3), (10.0, 1e3)])
def test_algorithm_1_in_pytorch_takes_the_same_steps(alpha1, beta3):
    """Two tensors there, one vector here; the gate is open, partly clipped and always clipped."""
    torch = pytest.importorskip("torch", reason="PyTorch is an optional peer, installed by hand")
    numbers = {"alpha0": 0.02, "alpha1": alpha1, "beta1": 0.9, "beta2": 0.99, "beta3": beta3, "eps": 1e-8}
    optimizer = VRAdam(**numbers, weight_decay=0.05)
    parts = [torch.tensor(START[:2].copy()), torch.tensor(START[2:].copy())]
    split = ([torch.tensor(g[:2].copy()), torch.tensor(g[2:].copy())] for g in stream())
    x, state = START, optimizer.init(START)
    etas = []
    theirs = vradam_in_torch(torch, parts, split, **numbers, weight_decay=0.05)
    for g, (tensors, eta) in zip(stream(), theirs, strict=True):
        x, state = optimizer.step(x, g, state)
        same(x, torch.cat(tensors).numpy())
        np.testing.assert_allclose(optimizer.learning_rate(state), eta, rtol=1e-12)
        etas.append(eta)
    clipped = np.isclose(etas, 0.02 / (1 + alpha1), rtol=1e-9).mean()
    assert (clipped == 1) if beta3 > 1 else (0 < clipped < 1) if alpha1 < 1 else clipped == 0


def test_the_gates_of_this_comparison_matter():
    """Without the gate, or with a gate a coordinate, the path is another one."""
    numbers = {"alpha0": 0.02, "beta2": 0.99, "beta3": 1e-2, "weight_decay": 0.05}
    published = our_path(VRAdam(**numbers))
    for other in (VRAdam(**numbers | {"beta3": 0.0}), VRAdam(**numbers, gate=gates.per_coordinate)):
        assert np.abs(our_path(other) - published).max() > 0.05


def test_scipys_rosenbrock_function():
    """rosen and its derivatives, away from the minimum too."""
    optimize = pytest.importorskip("scipy.optimize")
    x, u = np.random.default_rng(3).normal(size=(2, 20, 6))
    ours = objectives.rosenbrock(6)
    for xi, ui in zip(x, u, strict=True):
        np.testing.assert_allclose(ours.value(xi), optimize.rosen(xi), rtol=1e-13)
        np.testing.assert_allclose(ours.grad(xi), optimize.rosen_der(xi), rtol=1e-12, atol=1e-11)
        np.testing.assert_allclose(ours.hessian(xi), optimize.rosen_hess(xi), rtol=1e-12, atol=1e-11)
        np.testing.assert_allclose(ours.hvp(xi, ui), optimize.rosen_hess_prod(xi, ui), rtol=1e-12, atol=1e-10)


def test_scipys_special_functions():
    """The pseudo-Huber loss, and the logistic loss -log expit(margin)."""
    special = pytest.importorskip("scipy.special")
    rng = np.random.default_rng(4)
    x = 3 * rng.normal(size=(50, 4))
    ours = objectives.pseudo_huber(4, scale=1.7).value(x)
    np.testing.assert_allclose(ours, special.pseudo_huber(1.7, x).sum(-1), rtol=1e-13)
    features, labels = rng.normal(size=(30, 4)), rng.integers(0, 2, 30)
    logistic = objectives.logistic_regression(features, labels, l2=0.1)
    margins = (2 * labels - 1) * np.einsum("nd,kd->kn", features, x)
    expected = -special.log_expit(margins).mean(-1) + 0.05 * (x**2).sum(-1)
    np.testing.assert_allclose(logistic.value(x), expected, rtol=1e-13)
