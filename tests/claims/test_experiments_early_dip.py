"""The study of the early dip: when a rate dips, when it returns, and what two samples of seeds make of it."""

import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import vradam
from experiments.store.chunks import Chunks
from experiments.studies import early_dip
from experiments.studies.early_dip import BOTH, DEFAULT, PROBLEMS, Setup

DIP, NEAR = DEFAULT.dip, DEFAULT.near
SMALL = Setup(alpha0=(0.1, 0.2), early=4, steps=6, seeds=11, seed=3)
#: eta_t/alpha0 of the runs: outside the early steps it is lower still, which must not count.
DIPS = np.array([1.0, 0.95, 0.85, 0.9, 0.8, 0.5, 0.97])


@pytest.fixture
def runs(monkeypatch):
    """The calls of the simulation, which returns ``shape`` for every run, a little apart from seed to seed."""

    class Calls(list):
        shape = DIPS
        apart = 1e-3

    calls = Calls()

    def simulate(opt, objective, x0, steps, noise=None, **options):
        calls.append(SimpleNamespace(opt=opt, objective=objective, x0=x0, steps=steps, noise=noise, **options))
        seeds = np.linspace(-1, 1, x0.shape[1])[:, None] * calls.apart
        rate = np.asarray(opt.alpha0)[..., None] * (calls.shape + seeds)
        return SimpleNamespace(learning_rate=rate)

    monkeypatch.setattr(vradam, "simulate", simulate)
    monkeypatch.setattr(vradam.simulation, "simulate", simulate)
    return calls


def test_the_dip_is_the_smallest_rate_of_the_early_steps(runs):
    """Of steps 1 to ``early``, relative to alpha0; and the rate at the end, by the median of the seeds."""
    found = early_dip.measure(SMALL, 7)
    np.testing.assert_allclose(found.value.isel(part=0), 0.8, rtol=1e-12)
    np.testing.assert_allclose(found.value.isel(part=1), 0.97, rtol=1e-12)
    np.testing.assert_allclose(found.mean_rate, np.broadcast_to(DIPS, found.mean_rate.shape), rtol=1e-12)
    assert dict(found.sizes) == {"objective": len(PROBLEMS), "alpha0": 2, "step": 7, "part": 2}
    # eleven seeds: the second and the tenth enclose the median with 98.8 %
    np.testing.assert_allclose(found.low.isel(part=0), 0.8 - 0.8e-3, rtol=1e-12)
    np.testing.assert_allclose(found.high.isel(part=0), 0.8 + 0.8e-3, rtol=1e-12)


def test_every_problem_starts_scattered_around_its_start(runs):
    """By 5 %, with a scatter that its seed alone decides; Algorithm 1 with its default gate, and noise."""
    early_dip.measure(SMALL, 7)
    first = list(runs)
    early_dip.measure(SMALL, 8)
    again = runs[len(first) :]
    assert [call.objective.name for call in first] == [problem.objective.name for problem in PROBLEMS]
    for call, other, problem in zip(first, again, PROBLEMS, strict=True):
        assert call.x0.shape == (2, 11, problem.objective.dim)
        assert (call.x0[0] == call.x0[1]).all() and not (call.x0[0] == other.x0[0]).any()
        scatter = call.x0[0] / problem.x0 - 1
        assert 0.03 < np.sqrt((scatter**2).mean()) < 0.08 if scatter.size > 50 else np.abs(scatter).max() < 0.25
        assert call.opt == vradam.VRAdam(alpha0=call.opt.alpha0) or call.opt.alpha1 == vradam.VRAdam().alpha1
        np.testing.assert_array_equal(np.asarray(call.opt.alpha0).ravel(), SMALL.alpha0)
        assert call.steps == 6 and call.seed == 7 and other.seed == 8
        assert call.noise == vradam.noise.gaussian(SMALL.noise)


@pytest.mark.parametrize(
    ("shape", "apart", "expected"),
    [
        (DIPS, 1e-3, "dips and returns"),
        ([1, 0.95, 0.95, 0.95, 0.95, 0.95, 0.97], 1e-3, "does not dip"),
        ([1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.7], 1e-3, "dips and stays closed"),
        ([1, 0.9, 0.95, 0.95, 0.95, 0.95, 0.97], 0.05, "undecided"),  # the interval reaches across
    ],
)
def test_a_dip_and_a_return_are_asked_of_every_problem(runs, shape, apart, expected):
    runs.shape, runs.apart = np.array(shape, dtype=float), apart
    result = early_dip.run(SMALL, Chunks())
    assert result.confrontations == () and list(result.data) == ["rates", "replication"]
    (table,) = early_dip.tables(result.data)
    assert len(table.rows) == 2 * len(PROBLEMS) and {row[-1] for row in table.rows} == {expected}
    assert [row[1] for row in table.rows[:2]] == ["0.1", "0.2"]
    assert [call.seed for call in runs] == [3] * len(PROBLEMS) + [4] * len(PROBLEMS)
    both = len(table.rows) if expected == "dips and returns" else 0
    assert f"both in {both} of {len(table.rows)} cases" in table.note


def test_what_the_other_seeds_do_not_repeat_is_said(runs):
    first, second = (early_dip.measure(SMALL, seed) for seed in (3, 4))
    table = early_dip.tables({"rates": first, "replication": second.assign(low=second.low * 0.5, high=second.high)})[0]
    assert {row[-1] for row in table.rows} == {"differs by seed"}


def test_a_row_shows_the_first_sample_and_what_both_say(runs):
    """The numbers are those of the seeds that the study draws first; the word is theirs when the others repeat it."""
    first, second = (early_dip.measure(SMALL, seed) for seed in (3, 4))
    second = second.assign(value=second.value - 0.01, low=second.low - 0.01, high=second.high - 0.01)
    (table,) = early_dip.tables({"rates": first, "replication": second})
    assert {row[2] for row in table.rows} == {"0.8 [0.799, 0.801]"}
    assert {row[3] for row in table.rows} == {"0.97 [0.969, 0.971]"} and {row[4] for row in table.rows} == {BOTH}
    open_at_the_end = second.assign(low=first.low * [[[1], [0.1]]], high=first.high * [[[1], [0.1]]])
    (table,) = early_dip.tables({"rates": first, "replication": open_at_the_end})
    assert {row[4] for row in table.rows} == {"differs by seed"}


@pytest.mark.parametrize(
    ("dip", "end", "expected"),
    [
        ((DIP - 0.1, DIP - 0.05), (NEAR + 0.01, NEAR + 0.02), BOTH),
        ((DIP - 0.1, DIP), (NEAR + 0.01, NEAR + 0.02), "does not dip"),  # the whole interval must lie below
        ((DIP, DIP + 0.05), (NEAR + 0.01, NEAR + 0.02), "does not dip"),
        ((DIP - 0.1, DIP + 0.1), (NEAR + 0.01, NEAR + 0.02), "undecided"),
        ((DIP - 0.1, DIP - 0.05), (NEAR - 0.01, NEAR + 0.02), "undecided"),
        ((DIP - 0.1, DIP - 0.05), (NEAR - 0.02, NEAR), "dips and stays closed"),  # an end does not reach across
        ((DIP - 0.1, DIP - 0.05), (NEAR, NEAR + 0.02), "dips and stays closed"),  # nor does it lie above
    ],
)
def test_an_interval_decides_when_it_lies_on_one_side(dip, end, expected):
    low, high = np.array([dip, end]).T
    assert early_dip.says(xr.Dataset({"low": ("part", low), "high": ("part", high)})) == expected


def test_the_study_looks_around_and_confronts_no_claim():
    assert early_dip.STUDY.explores and early_dip.STUDY.run is early_dip.run


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="takes a minute without compiling")
def test_the_rate_is_the_gates_of_algorithm_1():
    """alpha0/(1 + min(beta3 ||v||^2, alpha1)) lies between alpha0/(1 + alpha1) and alpha0, whatever is run."""
    found = early_dip.measure(replace(SMALL, steps=20, early=10), 0)
    assert (found.mean_rate.isel(step=slice(1, None)) <= 1).all() and (found.mean_rate > 0).all()
    assert (found.low <= found.value).all() and (found.value <= found.high).all()
    assert (found.value.isel(part=0) <= found.value.isel(part=1) + 1).all()
    least = 1 / (1 + vradam.VRAdam().alpha1)
    assert (found.value >= least - 1e-12).all()


def test_starts_are_the_start_times_one_plus_five_per_cent_of_a_normal_number(runs):
    early_dip.measure(SMALL, 7)
    for call, problem in zip(runs, PROBLEMS, strict=True):
        drawn = np.random.default_rng([7, problem.objective.dim]).normal(size=(11, problem.objective.dim))
        np.testing.assert_allclose(call.x0[0], problem.x0 * (1 + 0.05 * drawn), rtol=1e-14)
