"""Trainings with the PyTorch adapter that are stored, copied and taken up again."""

import copy
import io
import pickle

import numpy as np
import pytest

from vradam import gates, laws
from vradam.laws import averaged, held

torch = pytest.importorskip("torch", reason='pip install -e ".[torch]"')

from torch_runs import SETTING, WAYS, feed, flat, slope, start, train, trained  # noqa: E402

from vradam.torch import VRAdam  # noqa: E402


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


def test_the_optimizer_prints_and_repeats_itself():
    params = start()
    optimizer = trained(params)
    train(optimizer, params, 2)
    assert repr(optimizer).startswith("VRAdam (")
    buffer = io.BytesIO()
    torch.save(optimizer.state_dict(), buffer)
    assert buffer.tell() > 0
