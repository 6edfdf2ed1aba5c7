"""The PyTorch adapter is the recursion of ``vradam.VRAdam``, whichever way it goes and however parameters are split."""

import json
from pathlib import Path

import numpy as np
import pytest

import vradam
from vradam import gates, laws
from vradam.adapted import in_adam_metric
from vradam.laws import averaged

torch = pytest.importorskip("torch", reason='pip install -e ".[torch]"')

from torch_runs import DIM, SETTING, WAYS, feed, flat, reference, slope, start, train, trained  # noqa: E402

from vradam.torch import VRAdam  # noqa: E402

FORMS = [form for form in gates.FORMS if form.signal is None or in_adam_metric(form)]
PAIRS = [(form, laws.published) for form in FORMS]
PAIRS += [(form, law) for form in (gates.published, gates.per_coordinate, gates.adam_metric) for law in gates.LAWS[1:]]


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
def test_100_steps_are_those_of_the_instrument(way, form, law):
    options = {"beta3": 40.0 if form is gates.adam_metric else 1.2, "alpha1": 3.0, "gate": form, "law": law}
    params = start(way=way)
    rates = np.array(train(trained(params, lr=0.3, **options, **WAYS[way]), params, 100))[:, 0]
    x, expected = reference(100, alpha0=0.3, **options)
    np.testing.assert_allclose(flat(params), x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(rates, expected, rtol=1e-12)
    assert expected.max() > 1.1 * expected.min()  # the gate was at work


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
    rates = np.array(train(one, together, 100))
    both = np.array(train(two, apart, 100))
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
