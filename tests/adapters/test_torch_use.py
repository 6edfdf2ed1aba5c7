"""The PyTorch adapter among the habits of PyTorch: closures, schedulers, scaling, autograd, captured graphs, errors."""

import numpy as np
import pytest

from vradam import gates
from vradam.laws import averaged, held

torch = pytest.importorskip("torch", reason='pip install -e ".[torch]"')

from torch_runs import DIM, SETTING, WAYS, feed, flat, slope, start, train, trained  # noqa: E402

from vradam.torch import VRAdam  # noqa: E402


def test_parameters_without_a_gradient_stay_and_do_not_count():
    params, fewer = start(), start()[:2]
    optimizer, alone = trained(params), trained(fewer)
    for t in range(1, 10):
        gradient = slope(np.ones(DIM), t)
        feed(params, gradient)
        for p in params[2:]:
            p.grad = None
        feed(fewer, gradient[:13])
        optimizer.step()
        alone.step()
    np.testing.assert_array_equal(flat(params[:2]), flat(fewer))
    np.testing.assert_array_equal(flat(params[2:]), flat(start()[2:]))
    assert optimizer.learning_rate.tolist() == alone.learning_rate.tolist()


@pytest.mark.parametrize("way", ["foreach", "fused", "capturable"])
def test_the_layout_in_memory_does_not_matter(way):
    """Strided and transposed parameters, and gradients laid out in another way than their parameter."""
    ends = []
    for options in (WAYS["plain"], WAYS[way]):
        generator = torch.Generator().manual_seed(0)
        params = [
            torch.randn(10, 5, 2, dtype=torch.float64, generator=generator)[..., 0],
            torch.randn(4, 6, dtype=torch.float64, generator=generator).T,
            torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=generator).to(memory_format=torch.channels_last),
        ]
        optimizer = trained(params, **options)
        for t in range(1, 6):
            for p in params:
                p.grad = (p + t).contiguous()
            optimizer.step()
        ends.append([p.clone() for p in params])
    for p, q in zip(*ends, strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-13)


def test_the_capturable_way_never_asks_the_host(monkeypatch):
    """Nothing is read back, and what it remembers stays where it was, as a captured graph needs."""
    for foreach in (False, True):
        params = start()
        optimizer = trained(params, law=averaged(0.9), capturable=True, foreach=foreach)
        train(optimizer, params, 1)
        memory = [t for t in optimizer.param_groups[0]["gate"].values() if isinstance(t, torch.Tensor)]
        memory += [t for p in params for t in optimizer.state[p].values()] + params
        places = [t.data_ptr() for t in memory]
        feed(params, slope(np.ones(DIM), 2))

        def refuse(*_):
            raise AssertionError("read back by the host")

        with monkeypatch.context() as patched:
            for name in ("item", "tolist", "__float__", "__bool__", "__int__", "numpy", "cpu"):
                patched.setattr(torch.Tensor, name, refuse)
            optimizer.step()
        later = [t for t in optimizer.param_groups[0]["gate"].values() if isinstance(t, torch.Tensor)]
        later += [t for p in params for t in optimizer.state[p].values()] + params
        assert places == [t.data_ptr() for t in later]


def test_autograd_goes_through_the_steps():
    """The derivative of what three steps reach, in the start, the rate and the gradients."""
    given = [torch.tensor(each, dtype=torch.float64, requires_grad=True) for each in ([1.0, -2.0], [0.7, 0.4], 0.05)]

    def reached(x, g, lr):
        x = x.clone()
        optimizer = VRAdam([x], lr=lr, law=held(0.9), differentiable=True, weight_decay=0.1)
        for t in range(1, 4):
            x.grad = g * t
            optimizer.step()
        return x

    assert torch.autograd.gradcheck(reached, given)


def test_the_closure_is_called_once_with_gradients_enabled():
    x = torch.ones(2, requires_grad=True)
    optimizer, calls = VRAdam([x]), []

    def closure():
        optimizer.zero_grad()
        loss = x.square().sum()
        loss.backward()
        calls.append(torch.is_grad_enabled())
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 2.0
    assert calls == [True] and x.max() < 1


@pytest.mark.parametrize("scheduler", [
    lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=50),  # moves lr and betas
    lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=50),
    lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)),
    lambda o: torch.optim.lr_scheduler.SequentialLR(
        o,
        [torch.optim.lr_scheduler.LinearLR(o), torch.optim.lr_scheduler.ExponentialLR(o, 0.9)],
        milestones=[5],
    ),
])  # fmt: skip
def test_schedulers_set_lr_and_the_gate_divides_it(scheduler):
    params = start()
    optimizer = trained(params, beta3=0.3)
    schedule = scheduler(optimizer)
    for t in range(1, 40):
        lr = schedule.get_last_lr()[0]
        rate = train(optimizer, params, 1, t)[0][0]
        schedule.step()
        v = np.concatenate([optimizer.state[p]["exp_avg"].reshape(-1) for p in params])
        np.testing.assert_allclose(rate, lr / (1 + min(0.3 * (v @ v), SETTING["alpha1"])), rtol=1e-12)


def test_the_scaler_of_mixed_precision_unscales_before_the_gate_looks():
    losses = []
    for scale in (1.0, 2.0**12):
        torch.manual_seed(0)
        model = torch.nn.Linear(4, 3)
        optimizer = VRAdam(model.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale, enabled=scale > 1)
        for _ in range(5):
            optimizer.zero_grad()
            loss = (model(torch.eye(4)) - 2).square().mean()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        losses.append((loss.item(), float(optimizer.learning_rate)))
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-6)


X = torch.ones(2, requires_grad=True)
BAD = {
    "lr": ({"lr": -1.0}, ValueError, r"lr must lie in \[0, inf\), got -1.0"),
    "lr of tensors": ({"lr": torch.tensor([-1.0])}, ValueError, r"lr must lie in \[0, inf\), got -1.0"),
    "lr of two": ({"lr": torch.ones(2)}, ValueError, "Tensor lr must be 1-element"),
    "lr as text": ({"lr": "1"}, TypeError, "lr must"),
    "beta1": ({"betas": (1.0, 0.999)}, ValueError, r"betas\[0\] must lie in \[0, 1\), got 1.0"),
    "beta2": ({"betas": (0.9, 1.5)}, ValueError, r"betas\[1\] must lie in \[0, 1\), got 1.5"),
    "betas": ({"betas": 0.9}, TypeError, "betas must be a pair"),
    "beta3": ({"beta3": float("inf")}, ValueError, r"beta3 must lie in \[0, inf\), got inf"),
    "alpha1": ({"alpha1": float("nan")}, ValueError, r"alpha1 must lie in \[0, inf\], got nan"),
    "eps": ({"eps": 0.0}, ValueError, r"eps must lie in \(0, inf\), got 0.0"),
    "weight_decay": ({"weight_decay": -1e-3}, ValueError, r"weight_decay must lie in \[0, inf\), got -0.001"),
    "gate_decay": ({"gate_decay": 1.0}, ValueError, r"gate_decay must lie in \[0, 1\), got 1.0"),
    "both": ({"gate_decay": 0.9, "law": averaged(0.9)}, ValueError, "gate_decay must be 0 with the law averaged"),
    "g": ({"law": averaged(np.array([0.5, 0.9]))}, TypeError, "g must be a number, got an array"),
    "signal": ({"gate": gates.alignment()}, ValueError, "gate must be a norm or adam_metric, got 'alignment"),
    "inside": ({"gate": gates.inside, "law": held(0.9)}, ValueError, "law must be published with the gate 'inside'"),
    "w0": ({"law": held(0.9, w0=20.0)}, ValueError, r"w0 must lie in \[0, alpha1\], got 20.0 with alpha1 10.0"),
    "gate": ({"gate": "published"}, TypeError, "gate must be one of vradam.gates"),
    "law": ({"law": 0.9}, TypeError, "law must be published, averaged"),
    "norm": ({"norm": "each"}, ValueError, "norm must be 'all' or 'group', got 'each'"),
    "fused foreach": ({"fused": True, "foreach": True}, ValueError, "fused must be False with foreach"),
    "fused differentiable": ({"fused": True, "differentiable": True}, ValueError, "fused must be False with diff"),
    "foreach differentiable": ({"foreach": True, "differentiable": True}, ValueError, "foreach must be False with"),
    "fused inside": ({"fused": True, "gate": gates.inside}, ValueError, "fused must be False with the gate 'inside'"),
    "fused metric": ({"fused": True, "gate": gates.adam_metric}, ValueError, "fused must be False with the gate 'adam"),
    "fused each": ({"fused": True, "gate": gates.per_coordinate}, ValueError, "fused must be False with the gate 'per"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name(name):
    options, error, message = BAD[name]
    with pytest.raises(error, match=message):
        VRAdam([X], **options)


def test_bad_options_of_a_group_are_refused_and_leave_no_trace():
    optimizer = VRAdam([X])
    with pytest.raises(ValueError, match=r"betas\[0\] must lie in \[0, 1\), got -0.1"):
        optimizer.add_param_group({"params": [torch.ones(1, requires_grad=True)], "betas": (-0.1, 0.9)})
    assert len(optimizer.param_groups) == 1


def test_sparse_gradients_are_refused_before_anything_changes():
    dense, sparse = start()[0], torch.ones(3, requires_grad=True)
    optimizer = VRAdam([dense, sparse])
    dense.grad, sparse.grad = torch.ones_like(dense), torch.ones(3).to_sparse()
    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        optimizer.step()
    assert not optimizer.state and dense.tolist() == start()[0].tolist()
