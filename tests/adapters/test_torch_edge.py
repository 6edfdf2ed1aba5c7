"""Curvature of PyTorch losses: against curvlinops, dense Hessians, and the instrument's own measurement."""

from importlib.util import find_spec

import numpy as np
import pytest

import vradam
from vradam import gates, objectives

torch = pytest.importorskip("torch", reason='pip install -e ".[torch]"')

from vradam.torch import VRAdam, curvature, preconditioner, sharpness, watch  # noqa: E402
from vradam.torch.edge import Preconditioned  # noqa: E402


@pytest.fixture
def net():
    """A small network of 3 * 16 + 16 + 16 * 5 + 5 = 149 parameters (beyond the dense limit), its data and its loss."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 5)).double()
    x, y = torch.randn(40, 3).double(), torch.randint(5, (40,))
    return model, (x, y), lambda: torch.nn.functional.cross_entropy(model(x), y)


def trained(net, cls, steps=20, **options):
    model, _, loss = net
    optimizer = cls(model.parameters(), **options)
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return optimizer


@pytest.mark.filterwarnings("ignore")  # it uses what torch deprecates
@pytest.mark.skipif(not find_spec("curvlinops"), reason="pip install curvlinops-for-pytorch")
def test_sharpness_is_that_of_curvlinops(net):
    from curvlinops import HessianLinearOperator
    from scipy.sparse.linalg import LinearOperator, eigsh

    model, data, loss = net
    optimizer = trained(net, VRAdam, lr=1e-2)
    params = list(model.parameters())
    H = HessianLinearOperator(model, torch.nn.CrossEntropyLoss(), params, [data]).to_scipy()
    assert H.shape == (149, 149)
    expected = eigsh(H, k=1, which="LA", return_eigenvectors=False)[0]
    np.testing.assert_allclose(sharpness(loss, model.parameters(), tolerance=1e-8), expected, rtol=1e-6)
    P = preconditioner(optimizer)
    root = np.concatenate([P[p].reshape(-1).numpy() for p in params]) ** -0.5
    scaled = LinearOperator(H.shape, matvec=lambda u: root * (H @ (root * u.ravel())), dtype=np.float64)
    expected = eigsh(scaled, k=1, which="LA", return_eigenvectors=False)[0]
    np.testing.assert_allclose(sharpness(loss, P, P, tolerance=1e-8), expected, rtol=1e-6)


def test_the_default_tolerance_suffices_for_a_plot(net):
    model, _, loss = net
    trained(net, VRAdam, lr=1e-2)
    exact = sharpness(loss, model.parameters(), tolerance=1e-12)
    np.testing.assert_allclose(sharpness(loss, model.parameters()), exact, rtol=1e-4)
    model.float()
    x, y = net[1]
    single = sharpness(lambda: torch.nn.functional.cross_entropy(model(x.float()), y), model.parameters())
    np.testing.assert_allclose(single, exact, rtol=1e-4)


@pytest.mark.parametrize("dim", [5, 200])
def test_along_a_run_it_is_what_the_instrument_measures(dim):
    """The same bowl, the same steps: sharpness, preconditioned sharpness, rate and edge agree."""
    curvatures = np.geomspace(0.1, 3.0, dim)
    x0 = np.linspace(-1, 1, dim) + 0.1
    expected = vradam.sharpness.along(
        vradam.VRAdam(alpha0=0.02, beta3=0.5), objectives.quadratic(curvatures), x0, steps=30, every=10, engine="numpy"
    )
    x = torch.tensor(x0, requires_grad=True)
    optimizer = VRAdam([x], lr=0.02, beta3=0.5)

    def loss():
        return (torch.tensor(curvatures) * x**2).sum() / 2

    record = watch(optimizer, loss, every=10, tolerance=1e-10)
    for _ in range(30):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    record.close()
    optimizer.step()
    series = record.series
    assert series.step.tolist() == [10, 20, 30]
    for name in ("sharpness", "preconditioned", "learning_rate", "threshold"):
        np.testing.assert_allclose(getattr(series, name), getattr(expected, name)[1:], rtol=1e-9, err_msg=name)
    assert (series.learning_rate < 0.02).all()


@pytest.mark.parametrize(
    ("cls", "options", "beta1"),
    [
        (torch.optim.AdamW, {"lr": 1e-2, "betas": (0.8, 0.99)}, 0.8),
        (torch.optim.Adam, {"lr": 1e-2, "amsgrad": True}, 0.9),
        (torch.optim.RMSprop, {"lr": 1e-2}, 0.0),
        (torch.optim.SGD, {"lr": 1e-2, "momentum": 0.6, "dampening": 0.2}, 0.6),
        (torch.optim.SGD, {"lr": 1e-2}, 0.0),
        (VRAdam, {"lr": 1e-2, "betas": (0.7, 0.99)}, 0.7),
    ],
)
def test_the_preconditioner_is_what_the_step_divides_by(net, cls, options, beta1):
    """theta_t - theta_{t-1} = -eta_t P_t^-1 v_t, with v_t averaged here from the gradients."""
    model, _, loss = net
    optimizer = cls(model.parameters(), **(options | {"weight_decay": 0.0}))
    v = [torch.zeros_like(p) for p in model.parameters()]
    for _ in range(60):
        optimizer.zero_grad()
        loss().backward()
        before = [p.detach().clone() for p in model.parameters()]
        v = [beta1 * a + (1 - beta1) * p.grad for a, p in zip(v, model.parameters(), strict=True)]
        optimizer.step()
    P = preconditioner(optimizer)
    edge = curvature(loss, optimizer)
    for p, a, b in zip(model.parameters(), v, before, strict=True):
        moved = -edge.learning_rate * a / P[p]
        np.testing.assert_allclose((p.detach() - b).numpy(), moved.numpy(), rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(edge.threshold, 2 * (1 + beta1) / (1 - beta1) / edge.learning_rate, rtol=1e-12)


def test_groups_of_different_rates_are_measured_in_the_first_rate():
    """H = diag(h): eta_i h_i/P_i counts; the largest over the rate of the first group is reported."""
    params = [torch.tensor([1.0], dtype=torch.float64, requires_grad=True) for _ in range(2)]
    optimizer = torch.optim.SGD([{"params": params[:1], "lr": 0.1}, {"params": params[1:], "lr": 0.3}])
    edge = curvature(lambda: params[0].square().sum() + params[1].square().sum(), optimizer)
    np.testing.assert_allclose([edge.sharpness, edge.preconditioned, edge.threshold], [2.0, 6.0, 20.0])


def test_an_optimizer_of_ones_own_takes_part(net):
    class Sign(torch.optim.Optimizer):
        """It divides each gradient by what it is told."""

        def __init__(self, params):
            super().__init__(params, {"lr": 0.1, "divisor": 2.0})

        def step(self, closure=None):
            for p in self.param_groups[0]["params"]:
                self.state[p]["moved"] = True

        def preconditioner(self, state):
            return torch.full_like(state["parameter"], state["divisor"])

    optimizer = trained(net, Sign, steps=1)
    assert isinstance(optimizer, Preconditioned)
    edge = curvature(net[2], optimizer)
    np.testing.assert_allclose([edge.preconditioned, edge.threshold], [edge.sharpness / 2, 20.0], rtol=1e-8)


def test_a_loss_without_curvature_and_a_loss_that_is_not_finite():
    x = torch.ones(3, dtype=torch.float64, requires_grad=True)
    assert sharpness(lambda: x.sum(), [x]) == 0.0
    y = torch.ones(200, dtype=torch.float64, requires_grad=True)
    assert sharpness(lambda: y.sum(), [y]) == 0.0
    assert np.isnan(sharpness(lambda: (x * float("inf")).square().sum(), [x]))


def test_measuring_changes_nothing(net):
    """A watched run is the run, to the bit."""
    runs = []
    for every in (None, 3):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 5)).double()
        x, y = net[1]
        optimizer = VRAdam(model.parameters(), lr=1e-2)

        def loss(model=model, x=x, y=y):
            return torch.nn.functional.cross_entropy(model(x), y)

        if every:
            watch(optimizer, loss, every)
        for _ in range(10):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
        runs.append(torch.cat([p.detach().reshape(-1) for p in model.parameters()]))
    assert torch.equal(*runs)


def test_bad_input_is_refused_by_name(net):
    model, _, loss = net
    with pytest.raises(ValueError, match="params must hold at least one parameter"):
        sharpness(loss, [])
    with pytest.raises(TypeError, match="params must be real, got a complex parameter"):
        sharpness(loss, [torch.ones(2, dtype=torch.complex64, requires_grad=True)])
    with pytest.raises(ValueError, match="every must be an integer >= 1, got 0"):
        watch(VRAdam(model.parameters()), loss, every=0)
    with pytest.raises(ValueError, match="optimizer must have taken a step"):
        curvature(loss, VRAdam(model.parameters()))
    with pytest.raises(ValueError, match="one learning rate, got a gate per coordinate"):
        curvature(loss, trained(net, VRAdam, gate=gates.per_coordinate))
    with pytest.raises(TypeError, match="optimizer must precondition momentum, got NAdam"):
        curvature(loss, trained(net, torch.optim.NAdam))
    with pytest.raises(TypeError, match="got RMSprop that is centered"):
        curvature(loss, trained(net, torch.optim.RMSprop, centered=True))
    with pytest.raises(TypeError, match="got SGD with Nesterov"):
        curvature(loss, trained(net, torch.optim.SGD, momentum=0.9, nesterov=True))
    halves = [{"params": model[0].parameters()}, {"params": model[2].parameters(), "betas": (0.5, 0.9)}]
    optimizer = VRAdam(halves)
    loss().backward()
    optimizer.step()
    with pytest.raises(ValueError, match=r"beta1 must be the same in all groups, got \[0.5, 0.9\]"):
        curvature(loss, optimizer)
