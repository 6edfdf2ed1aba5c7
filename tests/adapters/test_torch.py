"""The PyTorch adapter is the recursion of ``vradam.VRAdam``, whichever way it goes and however parameters are split."""

import copy
import io
import json
import pickle
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import vradam
from vradam import gates, laws
from vradam.adapted import in_adam_metric
from vradam.laws import averaged, held

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
FORMS = [form for form in gates.FORMS if form.signal is None or in_adam_metric(form)]
PAIRS = [(form, laws.published) for form in FORMS]
PAIRS += [(form, law) for form in (gates.published, gates.per_coordinate, gates.adam_metric) for law in gates.LAWS[1:]]
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


def refused(way, form):
    """The fused kernel moves before it is known what these forms need."""
    return way == "fused" and (form.on_gradient or form.per_coordinate or in_adam_metric(form))


@pytest.mark.parametrize(
    ("way", "form", "law"),
    [
        pytest.param(way, form, law, id=f"{way}-{form.name}-{law.name}")
        for way in WAYS
        for form, law in PAIRS
        if not refused(way, form)
    ],
)
def test_500_steps_are_those_of_the_instrument(way, form, law):
    params = start(way=way)
    optimizer = trained(params, gate=form, law=law, **WAYS[way])
    rates = np.array(train(optimizer, params, 500))[:, 0]
    x, expected = reference(500, gate=form, law=law)
    np.testing.assert_allclose(flat(params), x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(rates, expected, rtol=1e-12)
    assert expected.max() > 1.1 * expected.min()  # the gate was at work


def trained(params, **options):
    return VRAdam(params, **({"lr": 3e-2} | SETTING | options))


def test_gate_decay_is_a_spelling_of_the_averaged_law():
    ends = []
    for spelling in ({"gate_decay": 0.95}, {"law": averaged(0.95)}):
        params = start()
        train(trained(params, **spelling), params, 100)
        ends.append(flat(params))
    np.testing.assert_array_equal(*ends)


def test_the_clip_share_counts_the_steps_at_the_clip():
    params, clipped = start(), 0
    optimizer = trained(params)
    assert optimizer.clip_share.tolist() == [0.0] and optimizer.learning_rate.tolist() == [3e-2]
    for t in range(1, 201):
        rate = train(optimizer, params, 1, t)[0][0]
        clipped += abs(rate * (1 + SETTING["alpha1"]) / 3e-2 - 1) < 1e-12
    assert 0 < clipped < 200
    np.testing.assert_allclose(float(optimizer.clip_share), clipped / 200)


def test_the_recommended_gate_does_not_notice_the_units_of_the_loss():
    """All gradients times a thousand, eps nearly 0: the same run."""
    ours = vradam.recommended(steps=100)
    ends = []
    for unit in (1.0, 1e3):
        params = start()
        optimizer = VRAdam(params, lr=1e-2, alpha1=19.0, eps=1e-300, gate=ours.gate, law=ours.law)
        for t in range(1, 101):
            feed(params, unit * slope(flat(params), t))
            optimizer.step()
        ends.append(flat(params))
    np.testing.assert_allclose(*ends, rtol=1e-12)
    assert float(optimizer.learning_rate) < 0.9e-2


@pytest.mark.parametrize("way", [way for way in WAYS if way != "differentiable"])
def test_float32_stays_within_its_rounding(way):
    """Each step rounds parameter and moments a few times, and the bowl does not let errors grow."""
    params = start(torch.float32)
    train(trained(params, **WAYS[way]), params, 500)
    x, _ = reference(500)
    assert all(p.dtype == torch.float32 for p in params)
    assert abs(flat(params) - x).max() <= 500 * 2.0**-24 * abs(x).max()


@pytest.mark.parametrize("way", WAYS)
def test_two_groups_are_one(way):
    together, apart = start(way=way), start(way=way)
    one = trained(together, **WAYS[way])
    two = trained([{"params": apart[:2]}, {"params": apart[2:]}], **WAYS[way])
    rates = np.array(train(one, together, 300))
    both = np.array(train(two, apart, 300))
    np.testing.assert_allclose(flat(apart), flat(together), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(both, np.broadcast_to(rates, both.shape), rtol=1e-13)


def test_a_gate_for_each_group_is_an_optimizer_for_each():
    together, apart = start(), start()
    one = trained([{"params": together[:2]}, {"params": together[2:], "lr": 1e-2}], norm="group")
    first, second = trained(apart[:2]), trained(apart[2:], lr=1e-2)
    for t in range(1, 100):
        gradient = slope(flat(together), t)
        feed(together, gradient)
        feed(apart, gradient)
        for optimizer in (one, first, second):
            optimizer.step()
    np.testing.assert_array_equal(flat(together), flat(apart))
    assert one.learning_rate.tolist() == [float(first.learning_rate), float(second.learning_rate)]
    assert one.clip_share.tolist() == [float(first.clip_share), float(second.clip_share)]


def published_start():
    return [
        torch.linspace(-1, 1, 4, dtype=torch.float64).requires_grad_(),
        torch.linspace(0.5, -2, 6, dtype=torch.float64).reshape(2, 3).requires_grad_(),
    ]


@pytest.mark.parametrize("way", ["plain", "foreach", "fused", "capturable"])
@pytest.mark.parametrize("name", ["one group", "two groups"])
def test_trajectories_of_the_published_class_are_reproduced(name, way):
    """Recorded from the authors' class, whose norm is that of a group; with two groups, one norm goes elsewhere."""
    recorded = json.loads((Path(__file__).parent / "published_class.json").read_text(encoding="utf-8"))[name]
    apart = {}
    for norm in ("group", "all"):
        params = published_start()
        groups = params if name == "one group" else [{"params": [params[0]]}, {"params": [params[1]], "lr": 0.01}]
        decay = 1e-5 if name == "one group" else 0.02  # the first is the class's own default
        setting = {"lr": 0.03, "betas": (0.9, 0.99), "beta3": 0.8, "alpha1": 6.0, "eps": 1e-7, "weight_decay": decay}
        optimizer = VRAdam(groups, norm=norm, **setting, **WAYS[way])
        apart[norm] = 0.0
        for t in range(1, 201):
            for k, p in enumerate(params):
                n = torch.arange(p.numel(), dtype=torch.float64).reshape(p.shape)
                p.grad = (0.5 + 0.3 * k) * p.detach() + 2 * torch.cos(0.7 * t + n)
            optimizer.step()
            for p, values in zip(params, recorded.get(str(t), []), strict=False):
                apart[norm] = max(apart[norm], abs(p.detach().reshape(-1).numpy() - values).max())
    assert apart["group"] < 1e-12
    assert apart["all"] < 1e-12 if name == "one group" else apart["all"] > 1e-3


def test_groups_share_the_norm_but_have_their_own_options():
    params = start()
    options = {"lr": 1e-2, "beta3": 0.2, "alpha1": 1.0}
    optimizer = trained([{"params": params[:2]}, {"params": params[2:], **options}])
    train(optimizer, params, 20)
    v = np.concatenate([optimizer.state[p]["exp_avg"].reshape(-1) for p in params])
    first = 3e-2 / (1 + min(SETTING["beta3"] * (v @ v), SETTING["alpha1"]))
    second = 1e-2 / (1 + min(0.2 * (v @ v), 1.0))
    np.testing.assert_allclose(optimizer.learning_rate.tolist(), [first, second], rtol=1e-13)


@pytest.mark.parametrize("closed", [{"beta3": 0.0}, {"alpha1": 0.0}])
@pytest.mark.parametrize("way", ["plain", "foreach", "fused"])
def test_without_a_gate_it_is_the_adamw_of_torch(way, closed):
    params, theirs = start(), start()
    ours = trained(params, **WAYS[way], **closed)
    adamw = torch.optim.AdamW(theirs, lr=3e-2, eps=SETTING["eps"], weight_decay=SETTING["weight_decay"])
    for t in range(1, 200):
        gradient = slope(flat(theirs), t)
        feed(params, gradient)
        feed(theirs, gradient)
        ours.step()
        adamw.step()
    np.testing.assert_allclose(flat(params), flat(theirs), rtol=1e-12, atol=1e-13)


def test_a_checkpoint_of_adamw_goes_on():
    params, theirs = start(), start()
    adamw = torch.optim.AdamW(theirs, lr=3e-2, eps=SETTING["eps"], weight_decay=SETTING["weight_decay"])
    for t in range(1, 20):
        feed(theirs, slope(flat(theirs), t))
        adamw.step()
    with torch.no_grad():
        for p, q in zip(params, theirs, strict=True):
            p.copy_(q)
    ours = VRAdam(params, beta3=0.0)
    ours.load_state_dict(copy.deepcopy(adamw.state_dict()))
    for t in range(20, 40):
        gradient = slope(flat(theirs), t)
        feed(params, gradient)
        feed(theirs, gradient)
        ours.step()
        adamw.step()
    np.testing.assert_allclose(flat(params), flat(theirs), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("law", [laws.published, averaged(0.9), held(0.9, w0=0.5)], ids=lambda law: law.name)
@pytest.mark.parametrize("gate", [gates.published, gates.per_coordinate], ids=lambda gate: gate.name)
@pytest.mark.parametrize("way", ["plain", "foreach", "capturable"])
def test_a_run_goes_on_from_its_file(way, gate, law, tmp_path):
    options = WAYS[way] | {"gate": gate, "law": law}
    straight, stopped = start(), start()
    one, first = trained(straight, **options), trained(stopped, **options)
    train(one, straight, 60)
    train(first, stopped, 30)
    torch.save([first.state_dict(), [p.detach() for p in stopped]], tmp_path / "checkpoint.pt")
    state, values = torch.load(tmp_path / "checkpoint.pt")  # weights only: no class is in the file
    resumed = [value.requires_grad_() for value in values]
    second = VRAdam(resumed, gate=gate, law=law)
    second.load_state_dict(state)
    train(second, resumed, 30, begin=31)
    np.testing.assert_array_equal(flat(resumed), flat(straight))
    assert second.clip_share.tolist() == one.clip_share.tolist()
    assert second.learning_rate.tolist() == one.learning_rate.tolist()


def test_a_distributed_checkpoint_holds_the_gate():
    """Torch's flattened form of a state, by the names of the parameters, goes on to the bit."""
    checkpoints = pytest.importorskip("torch.distributed.checkpoint.state_dict")
    models = [torch.nn.Linear(3, 2) for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    one, other = (VRAdam(model.parameters(), lr=0.1, law=averaged(0.9)) for model in models)

    def some_steps(model, optimizer):
        for _ in range(3):
            optimizer.zero_grad()
            (model(torch.ones(1, 3)) - 3).square().sum().backward()
            optimizer.step()

    some_steps(models[0], one)
    saved = copy.deepcopy(checkpoints.get_optimizer_state_dict(models[0], one))
    models[1].load_state_dict(models[0].state_dict())
    checkpoints.set_optimizer_state_dict(models[1], other, saved)
    for model, optimizer in zip(models, (one, other), strict=True):
        some_steps(model, optimizer)
    assert torch.equal(models[0].weight, models[1].weight)
    assert one.learning_rate.tolist() == other.learning_rate.tolist()


def test_the_state_of_another_law_is_refused():
    params = start()
    optimizer = trained(params, gate_decay=0.9)
    train(optimizer, params, 2)
    other, state = trained(start()), copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ValueError, match=r"must come from .* law Published.*, got .* Averaged\(decay=0.9\)"):
        other.load_state_dict(state)
    assert not other.state  # nothing has changed


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
def test_copies_keep_gate_and_law(copied):
    model = torch.nn.Linear(3, 2)
    law = held(0.9, w0=0.5)
    optimizer = VRAdam(model.parameters(), gate=gates.predictable, law=law, norm="group")
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    other = copied(optimizer)
    assert (other.gate, other.law.name, other.norm) == (gates.predictable, law.name, "group")
    assert other.learning_rate.tolist() == optimizer.learning_rate.tolist()


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


def test_who_joins_late_has_a_bias_correction_of_its_own():
    """The first step of a parameter is v/(sqrt(m) + eps) = sign(g) at the rate of the gate, whenever it comes."""
    for way in ("plain", "foreach", "fused", "capturable", "capturable foreach"):
        params = start()
        optimizer = trained(params[:3], weight_decay=0.0, **WAYS[way])
        train_part = params[:3]
        for t in range(1, 6):
            feed(train_part, slope(np.ones(DIM), t)[:25])
            optimizer.step()
        optimizer.add_param_group({"params": params[3:], "eps": 1e-300})
        feed(params, slope(np.ones(DIM), 6))
        before, sign = params[3].item(), np.sign(params[3].grad.item())
        optimizer.step()
        np.testing.assert_allclose(params[3].item() - before, -sign * optimizer.learning_rate[1].item(), rtol=1e-9)


def test_the_norm_of_a_large_float32_tensor_is_exact_to_float32():
    from vradam.torch.gate import sum_of_squares

    values = torch.randn(3_000_001, generator=torch.Generator().manual_seed(0)) * 1e-3
    exact = float(values.double().square().sum())
    for tensors in ([values], list(values.split(1000)), [values[:2_000_000].view(1000, 2000).T, values[2_000_000:]]):
        assert abs(float(sum_of_squares(tensors)) / exact - 1) < 1e-6
    half = values[:10_000].bfloat16()
    np.testing.assert_allclose(float(sum_of_squares([half])), float(half.double().square().sum()), rtol=1e-5)


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


def test_overflow_saturates_the_gate_and_beta3_zero_opens_it():
    for beta3, expected in ((1.0, 1e-3 / 11), (0.0, 1e-3)):
        x = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        optimizer = VRAdam([x], beta3=beta3)
        x.grad = torch.tensor([1e200, 1.0], dtype=torch.float64)
        optimizer.step()
        np.testing.assert_allclose(float(optimizer.learning_rate), expected, rtol=1e-15)
        assert torch.isfinite(x).all()


@pytest.mark.parametrize("way", ["plain", "foreach"])
def test_a_rate_of_zero_moves_nothing(way):
    for capturable in (False, True):
        params = start()
        train(trained(params, lr=0.0, capturable=capturable, **WAYS[way]), params, 3)
        np.testing.assert_array_equal(flat(params), flat(start()))


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


def test_the_optimizer_prints_and_repeats_itself():
    params = start()
    optimizer = trained(params)
    train(optimizer, params, 2)
    assert repr(optimizer).startswith("VRAdam (")
    buffer = io.BytesIO()
    torch.save(optimizer.state_dict(), buffer)
    assert buffer.tell() > 0
