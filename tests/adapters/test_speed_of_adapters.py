"""The command that times the adapters: a hundred tensors, every contestant one step further, the median of ratios."""

from itertools import count

import numpy as np
import pytest

from experiments.studies.speed import adapters


def test_a_model_has_a_hundred_tensors_of_the_size_it_says():
    for name, width in adapters.WIDTHS.items():
        sizes = [np.prod(shape) for shape in adapters.shapes(width)]
        assert len(sizes) == 100
        assert abs(sum(sizes) / 1e6 / float(name.split()[0]) - 1) < 0.05


def test_a_ratio_is_that_of_one_round(capsys):
    """A clock that ticks once a call: each contestant is charged alike; then one that is charged three halves."""
    ticks = count()
    seconds = adapters.timed({"optax adamw": int, "optax vradam": int}, 4, clock=lambda: float(next(ticks)))
    assert {name: samples.tolist() for name, samples in seconds.items()} == dict.fromkeys(seconds, [1.0] * 4)
    adapters.report("here", seconds | {"optax vradam": 1.5 * seconds["optax adamw"]})
    assert "optax vradam / optax adamw: 1.500" in (said := capsys.readouterr().out) and "MISSED" in said


@pytest.mark.parametrize(("library", "steps"), [("torch", "torch_steps"), ("optax", "optax_steps")])
def test_every_contestant_takes_steps(library, steps):
    pytest.importorskip(library, reason=f'pip install -e ".[{library}]"')
    arguments = (8, "cpu") if library == "torch" else (8,)
    contestants = getattr(adapters, steps)(*arguments)
    assert {goal.rival for goal in adapters.GOALS} & set(contestants)
    for step in contestants.values():
        step()
