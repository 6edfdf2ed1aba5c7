"""The source's rules and gates on the tasks: what is drawn, what a gate sees, what counts as won, the grid's limit."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import vradam
from experiments.measurement.comparison import holm
from experiments.store.chunks import Chunks
from experiments.studies import source_tasks
from experiments.studies.source_tasks import DEFAULT, FORMS, OPTIMIZERS, PAPER, grid, pairs
from experiments.studies.source_tasks.rules import (
    FIXED,
    GATES,
    KINDS,
    SWEEPS,
    contender,
    draws,
    log_cosh,
    per_tensor,
    relativistic,
    split,
)
from experiments.studies.source_tasks.summary import counts, sentence
from experiments.studies.tasks.protocol import CONTENDERS, trials


def steps(gate, **hyper):
    """Ten steps on a quartic bowl of five dimensions."""
    optimizer = vradam.VRAdam(alpha0=0.1, gate=gate, **hyper)
    x = np.linspace(-2.0, 3.0, 5)
    state = optimizer.init(x)
    for _ in range(10):
        x, state = optimizer.step(x, x**3 - np.arange(5), state)
    return x


def test_one_gate_a_tensor_lies_between_one_for_all_and_one_a_coordinate():
    np.testing.assert_allclose(steps(per_tensor((5,))), steps(vradam.gates.published), rtol=1e-14)
    np.testing.assert_allclose(steps(per_tensor((1,) * 5)), steps(vradam.gates.per_coordinate), rtol=1e-14)
    middle = steps(per_tensor((2, 3)))
    assert not np.allclose(middle, steps(vradam.gates.published), rtol=1e-3)
    v = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    assert per_tensor((2, 3)).kinetic(v, 0 * v, 0 * v).tolist() == [[5.0, 5.0, 50.0, 50.0, 50.0]]


@pytest.mark.parametrize(("energy", "far"), [(relativistic, 1e3 * np.sqrt(2) - 1), (log_cosh, 2e3 - 2 * np.log(2))])
def test_other_energies_are_quadratic_for_small_velocities_and_linear_for_large_ones(energy, far):
    v = np.array([3e-4, -4e-4])
    assert energy(v, v, v, v, v) == pytest.approx(25e-8 / 2, rel=1e-6)
    v = np.array([1e3, 1e3])
    assert energy(v, v, v, v, v) == pytest.approx(far, rel=1e-6)
    assert energy(np.array([0.7, 0.0]), v, v, v, v) == pytest.approx(
        np.sqrt(1.49) - 1 if energy is relativistic else np.log(np.cosh(0.7)), rel=1e-12
    )


@pytest.mark.parametrize("task", PAPER.tasks)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_sources_rules_draw_from_its_ranges_and_hold_the_rest(task, name):
    found, kind = draws("source", task, name, 16, 0), KINDS[task]
    assert {len(values) for values in found.values()} == {10}  # its sweeps have ten trials
    for key, (low, high, _) in SWEEPS[kind][name].items():
        assert ((found[key] >= low) & (found[key] <= high)).all() and np.ptp(found[key]) > 0.5 * (high - low)
    for key, value in FIXED[kind][name].items():
        assert (found[key] == value).all()
    drawn = {key for key, values in found.items() if np.ptp(values) > 0}
    if name == "VRAdam":
        assert drawn == {"alpha0", "beta3", "alpha1", "gradient"}
        assert (found["alpha1"] % 1 == 0).all() and found["gradient"].sum() == 5
    elif kind != "grids" or name in ("AdamW", "RAdam"):
        assert drawn == {"alpha0"}  # each baseline its rate alone
    made = contender("source", task, name, (), gradient=True).make(
        **{key: values[0] for key, values in found.items() if key != "gradient"}
    )
    assert name != "VRAdam" or made.gate is vradam.gates.gradient_norm


def test_fixed_values_are_the_sources():
    assert FIXED["text"]["Nesterov"] == {"beta1": 0.2} and FIXED["text"]["RMSProp"] == {"beta2": 0.1}
    assert FIXED["images"]["AdamW"] == {"weight_decay": 1e-5}
    assert source_tasks.TUNED == {"alpha0": 0.0846, "beta3": 1.015, "alpha1": 29.0, "weight_decay": 1e-5}


def test_equal_budgets_are_those_of_the_tasks_and_the_gates_share_their_draws():
    for name in OPTIMIZERS:
        ours, theirs = draws("equal", "mlp", name, 16, 3), trials(CONTENDERS[name], 16, 3)
        assert ours.keys() == theirs.keys() and all((ours[key] == theirs[key]).all() for key in ours)
    first = draws("gates", "mlp", FORMS[0], 16, 3)
    for name in FORMS:
        assert all((draws("gates", "mlp", name, 16, 3)[key] == first[key]).all() for key in first)
    assert [GATES[f"k = {k}"].exponent for k in range(2, 7)] == [2, 3, 4, 5, 6]


def test_runs_are_split_by_what_the_gate_sees():
    own, gradient = split({"alpha0": np.array([1.0, 2.0, 3.0]), "gradient": np.array([0.0, 1.0, 0.0])})
    assert gradient.tolist() == [False, True, False] and set(own) == {"alpha0"}
    assert split({"alpha0": 1.0, "gradient": 1.0})[1].tolist() == [True]


def planted(factors, seeds=20):
    """Scores of VRAdam and two rivals on two tasks: the rival's loss is VRAdam's over a factor, with some noise."""
    rng = np.random.default_rng(0)
    ours = np.exp(rng.normal(size=(2, 1, seeds)))
    theirs = ours / np.array(factors)[:, :, None] * np.exp(0.05 * rng.normal(size=(2, 2, seeds)))
    score = np.concatenate([ours, theirs], axis=1)
    return xr.Dataset(
        {"score": (("task", "optimizer", "seed"), score)}, {"task": ["a", "b"], "optimizer": ["VRAdam", "one", "two"]}
    )


def test_what_is_won_is_counted_after_correction_and_the_inverse_inverts():
    scores = planted([[0.5, 2.0], [0.9, 1.0]])
    found = pairs(scores)
    np.testing.assert_allclose(found.ratio, [[0.5, 2.0], [0.9, 1.0]], rtol=0.05)
    total, lower, won, lost = counts(found)
    assert (total, won, lost) == (4, 2, 1) and lower in (2, 3)
    np.testing.assert_allclose(found.p_holm, holm(found.p.values))
    inverse = pairs(scores, reverse=True)
    np.testing.assert_allclose(inverse.ratio, 1 / found.ratio, rtol=1e-12)
    np.testing.assert_allclose(inverse.low, 1 / found.high, rtol=1e-12)
    both = xr.concat([found, pairs(planted([[0.5, 0.5], [0.5, 0.5]]))], "rule").assign_coords(rule=["equal", "source"])
    assert "in 2 of 4 comparisons (clearly higher in 1)" in sentence(both)
    assert "in 4 (higher in 0) by the source's rules" in sentence(both)


@pytest.mark.parametrize("change", [{"tasks": ("mlp",), "steps": (1, 2)}, {"tasks": ("nothing",), "steps": (1,)}])
def test_a_setup_that_names_no_task_or_not_its_steps_is_refused(change):
    with pytest.raises(ValueError, match=r"one number per task|must be among"):
        replace(DEFAULT, **change)


def test_a_gate_that_hardly_acts_leaves_adam_in_the_grid():
    pytest.importorskip("jax", reason="needs the extra nets")
    setup = grid.Setup(beta3=(1e-9, 5.0), alpha1=(5.0,), steps=5, seeds=2)
    for seen in grid.SEEN:
        found = grid.cells(setup, seen, 0.8)
        np.testing.assert_allclose(found.loss.sel(beta3=1e-9).squeeze(), found.adam, rtol=1e-4)
        assert (found.smallest.sel(beta3=5.0) < 0.98).all() and (found.smallest >= 1 / 6).all()
        assert (found.smallest <= found["last"]).all() and (found.of_edge > 0).all()


def test_everything_is_measured_on_a_small_setup_and_said_in_tables():
    pytest.importorskip("jax", reason="needs the extra nets")
    edge = grid.Setup(beta3=(1.0,), beta1=(0.9,), alpha1=(19.0,), steps=3, seeds=2)
    setup = replace(DEFAULT, steps=(6,), trials=2, checks=2, edge=edge)
    data = source_tasks.run(setup, Chunks()).data
    assert dict(data["pairs"].sizes) == {"rule": 2, "task": 1, "rival": 4}
    assert dict(data["gates"].sizes) == {"setting": 2, "task": 1, "gate": len(FORMS), "seed": 10}
    same = data["protocol"].score.sel(rule="equal", optimizer="VRAdam")
    np.testing.assert_array_equal(same, data["gates"].score.sel(setting="tuned", gate="k = 2"))
    default = data["gates"].sel(setting="default")
    assert (default.hyper_beta3 == 1).all() and (default.hyper_alpha1 == 10).all()
    assert (default.hyper_alpha0 == data["protocol"].hyper_alpha0.sel(rule="equal", optimizer="AdamW")).all()
    told = source_tasks.tables(data)
    assert [len(table.rows) for table in told] == [10, 4, len(FORMS) - 1, 1, 2]
    assert data["pairs"].attrs["says"] in told[0].note
