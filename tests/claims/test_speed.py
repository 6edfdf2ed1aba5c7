"""What is timed does the same work, and the judgement of times; no test looks at how long anything takes."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from experiments.measurement.verdict import verdict
from experiments.store.chunks import read_data
from experiments.studies import speed
from experiments.studies.speed import gate, peers, summary
from experiments.studies.speed.contestant import CONTESTANTS, TOLERANCE, UNCHECKED, Contestant, error, takes_part
from experiments.studies.speed.goals import GOALS, judged, with_goals
from experiments.studies.speed.startup import seconds as seconds_of
from experiments.studies.speed.work import Work, objective, optimizer, reference, small, start
from paper_figures.figures.speed import draw, floors, seconds
from paper_figures.style import sheet

REFERENCE = Path(speed.__file__).parents[2] / "reference" / "speed"
STEP = Work("step", "step", 1000, 5)
RUNS = Work("runs", "runs", 3, 5, 4)
OBJECTIVES = ("quadratic", "log_cosh", "rosenbrock")


def needs(name):
    """A peer is checked where it is installed: the project is tested without."""
    if importlib.util.find_spec(CONTESTANTS[name][0]) is None:
        pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize("name", [name for name in CONTESTANTS if name not in UNCHECKED])
def test_contestants_take_the_trajectory_of_the_reference(name):
    needs(name)
    works = [STEP] + [RUNS._replace(objective=objective) for objective in OBJECTIVES]
    for work in works:
        if takes_part(name, work):
            assert error(name, work) < TOLERANCE


def test_the_comparison_of_trajectories_notices_an_error_of_two_percent(monkeypatch):
    needs("PyTorch, plain")
    monkeypatch.setattr(peers, "BETA3", 1.02)
    assert error("PyTorch, plain", STEP) > 100 * TOLERANCE
    assert error("PyTorch, plain", RUNS) > 100 * TOLERANCE


def test_without_a_gate_the_reference_is_another():
    tiny = small(STEP)
    assert abs(reference(tiny) - reference(tiny._replace(gate=False))).max() > 100 * TOLERANCE


def test_the_gradient_of_the_network_is_that_of_its_loss():
    rng = np.random.default_rng(1)
    weights, x, y = [rng.normal(size=(5, 4)), rng.normal(size=(4, 2))], rng.normal(size=(3, 5)), rng.normal(size=(3, 2))

    def loss(first, second):
        return 0.5 * np.sum((np.tanh(x @ first) @ second - y) ** 2) / len(x)

    for which, grad in enumerate(gate.gradient(weights, x, y)):
        direction = rng.normal(size=grad.shape)
        ahead, back = (
            [w + step * direction if i == which else w for i, w in enumerate(weights)] for step in (1e-6, -1e-6)
        )
        assert np.isclose((loss(*ahead) - loss(*back)) / 2e-6, np.sum(grad * direction), rtol=1e-7)


def costs(ratio):
    cell = ("hidden", "batch")
    values = {
        "step_ratio": 1.1,
        "epoch_ratio": ratio,
        "epoch_ratio_low": ratio - 0.005,
        "epoch_ratio_high": ratio + 0.005,
    }
    data = {name: (cell, np.full((1, 1), value)) for name, value in values.items()}
    return xr.Dataset(data, {"hidden": [128], "batch": [32]})


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(1.01, 1.02, "reproduced"), (1.2, 1.2, "not reproduced"), (1.01, 1.2, "inconclusive")],
)
def test_negligible_is_what_stays_below_the_threshold_twice(first, second, expected):
    (confrontation,) = speed.judge({"gate": costs(first), "gate_again": costs(second)})
    assert verdict("empirical", confrontation) == expected and "0.9994" in confrontation.note


def test_a_contestant_answers_from_its_own_process():
    needs("vradam")
    child = Contestant("vradam", RUNS)
    try:
        assert child.ask("check") < TOLERANCE
        seconds, processors = child.ask("time")
        assert seconds > 0 and processors > 0
    finally:
        child.close()


def test_processes_that_differ_widen_the_interval_however_many_rounds_there_are(monkeypatch):
    """A process counts once: what differs between processes is not averaged away by timing each of them longer."""
    rng = np.random.default_rng(0)
    setup = speed.Setup(hidden=(1,), batch=(1,), gate_rounds=200, gate_processes=10)
    widths = []
    for apart in (0.0, 0.1):
        slower = iter(np.linspace(0, apart, 10))
        monkeypatch.setattr(
            speed.gate, "samples", lambda *_, s=slower: np.stack(
                [np.zeros(200), np.ones(200), 1 + next(s) + 0.01 * rng.normal(size=200)]
            ),
        )  # fmt: skip
        cost = speed.gate_cost(setup, 0)
        low, centre, high = (float(cost[f"step_ratio{end}"].squeeze()) for end in ("_low", "", "_high"))
        assert low <= centre <= high
        widths.append(high - low)
    assert widths[0] < 0.005 and widths[1] > 0.05


def timed(work, **ns):
    """Times of one work in two rounds, with our goals."""
    found = np.full((1, len(CONTESTANTS), 2), np.nan)
    for name, values in ns.items():
        found[0, list(CONTESTANTS).index(name.replace("_", " "))] = values
    coordinates = {"work": [work.name], "contestant": list(CONTESTANTS)}
    return with_goals(xr.Dataset({"ns": (("work", "contestant", "round"), found)}, coordinates), (work,))


def test_times_are_a_table_with_ratios_to_the_floor_and_the_seconds_of_the_work():
    work = RUNS._replace(name="a work", d=1000, steps=1000, runs=1000)
    table = summary.works(timed(work, floor=(2.0, 3.0), vradam=(3.0, 6.0)))
    assert table.rows == (
        ("a work", "floor", "2.000", "2.500", "50%", "-", "1.00", "0.67", "2.000", "-"),
        ("a work", "vradam", "3.000", "4.500", "100%", "-", "1.50", "1.00", "3.000", "-"),
    )
    assert "NumPy (pip install numpy)" in table.note


def test_the_tables_on_record_say_what_their_datasets_say():
    _, once, growth, cost, _ = speed.tables(data := read_data(REFERENCE))
    assert [row[0] for row in once.rows] == data["startup"].what.values.tolist()
    assert [row[1] for row in growth.rows] == [
        f"{s:.2f}" for s in data["scaling"].slope.sel(contestant="vradam").values
    ]
    worst = max(cost.rows, key=lambda row: float(row[2].split()[0]))
    assert float(worst[2].split()[0]) == pytest.approx(float(data["gate"].epoch_ratio.max()), abs=5e-4)


def test_goals_are_met_at_their_limits_and_missed_beyond():
    step = next(work for work in speed.PAPER.works if work.name == "one step, d = 1e5")
    times = timed(step, floor=(1.0, 9.0), vradam=(1.1, 9.0), JAX=(1.77, 9.0))
    assert judged(times, step.name, "vradam") == "<= 1.1 floors met" and judged(times, step.name, "floor") == ""
    assert judged(times, step.name, "JAX") == ">= 1.6 vradam met" and judged(times, step.name, "NumPy") == ""
    times = timed(step, floor=(1.0, 9.0), vradam=(1.12, 9.0), JAX=(1.77, 9.0))
    assert judged(times, step.name, "vradam") == "<= 1.1 floors MISSED"
    assert judged(times, step.name, "JAX") == ">= 1.6 vradam MISSED"


def answering(monkeypatch, times):
    """Contestants that answer ``time`` with (seconds, processors) of their name, and are as the reference."""
    monkeypatch.setattr(speed.Contestant, "__init__", lambda self, name, work: vars(self).update(name=name, work=work))
    monkeypatch.setattr(speed.Contestant, "ask", lambda self, what: 0.0 if what == "check" else times[self.name])
    monkeypatch.setattr(speed.Contestant, "close", lambda self: None)
    monkeypatch.setattr(speed, "installed", lambda name: name in times)


def test_one_that_takes_more_than_its_processor_is_refused_and_said(monkeypatch):
    """XLA's flags do not confine it; 2 threads are another matter."""
    times = {"vradam": (1.0, 1.04), "JAX": (0.5, 1.06), "vradam, 2 threads": (0.6, 1.9)}
    answering(monkeypatch, times)
    found = speed.timing(STEP, 2)
    least = found.ns.min("round")
    assert float(least.sel(contestant="vradam")) == 1e9 / STEP.numbers and np.isnan(least.sel(contestant="JAX"))
    assert np.isfinite(least.sel(contestant="vradam, 2 threads"))
    table = summary.works(with_goals(found.expand_dims(work=[STEP.name]), (STEP,)))
    assert "Refused, for more than one processor: JAX (step, 1.06 processors)" in table.note
    assert [row[1] for row in table.rows] == ["vradam", "vradam, 2 threads"]


@pytest.mark.parametrize("streams", [0.5, 2.0])
def test_the_floor_of_a_step_is_the_larger_of_its_streams_and_its_divider(monkeypatch, streams):
    answering(monkeypatch, {"- memory streams": (streams, 1.0), "- root + division": (1.0, 1.0)})
    found = speed.timing(STEP, 1).ns.sel(contestant="floor", round=0)
    assert float(found) == pytest.approx(1e9 * max(streams, 1.0) / STEP.numbers)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs a system that confines processes")
def test_a_contestant_is_confined_to_one_processor():
    code = "import os; from experiments.studies.speed import contestant; contestant.pin()"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(len(os.sched_getaffinity(0)))"], capture_output=True, check=True
    )
    assert done.stdout.strip() == b"1"


def test_every_goal_belongs_to_a_work_and_to_contestants_that_do_it():
    works = {work.name: work for work in speed.PAPER.works}
    assert set(GOALS) <= set(works)
    for name, goal in GOALS.items():
        assert all(takes_part(peer, works[name]) or "rotated" in name for peer in goal.peers)


def cost_curves(fixed, exponent):
    """Curves along every axis whose seconds are fixed + 1e-3 size^exponent."""
    sizes = np.array([10.0, 100.0, 1000.0, 10000.0])
    points = [f"{axis} {size:.0f}" for axis in ("runs", "steps", "d") for size in sizes]
    ns = np.full((len(points), len(CONTESTANTS), 1), np.nan)
    ns[:, 1, 0] = np.tile(1e9 * (fixed + 1e-3 * sizes**exponent) / sizes, 3)
    return xr.Dataset(
        {"ns": (("point", "contestant", "round"), ns), "numbers": ("point", np.tile(sizes, 3))},
        {"point": points, "contestant": list(CONTESTANTS)},
    )


@pytest.mark.parametrize(("fixed", "exponent"), [(0.0, 1.0), (0.02, 1.0), (0.0, 1.3)])
def test_scaling_tells_a_fixed_cost_from_a_slope(fixed, exponent):
    found = speed.scaling(cost_curves(fixed, exponent)).sel(contestant="vradam")
    assert np.allclose(found.slope, exponent, atol=0.02 if fixed else 1e-12)
    if exponent == 1:
        assert np.allclose(found.fixed, fixed, atol=1e-12)
    assert np.isnan(speed.scaling(cost_curves(fixed, exponent)).sel(contestant="NumPy").slope).all()


def test_what_a_process_pays_once_is_what_its_last_line_takes():
    assert seconds_of("import time", "time.sleep(0.05)") >= 0.05


def test_the_parts_do_the_work_of_the_whole():
    needs("vradam")
    from experiments.studies.speed import parts

    rotated = RUNS._replace(objective="rotated quadratic", noise="gaussian", runs=70)
    x, kernel = np.full((3, 64), 0.3), objective(rotated).kernel
    expected = objective(rotated).grad(x[:, 0])
    moved = parts.gradient_alone(rotated._replace(runs=64, steps=1))()
    np.testing.assert_allclose(0.3 - moved[0], 1e-9 * expected[0], rtol=1e-6)
    assert kernel is not None and parts.noise_alone(rotated)().std() > 0.5
    assert len(parts.inner_loop(rotated)()) == 1 and parts.around_the_loop(rotated)() is None
    _, _, (_, grad, v, m), blocks = parts.passes(STEP)
    chosen, x = optimizer(STEP), start(STEP)[0]
    _, state = chosen.step(x, grad, chosen.init(x))
    np.testing.assert_allclose(v, state.velocity, rtol=1e-12)
    np.testing.assert_allclose(m, state.second_moment, rtol=1e-12)
    assert blocks == 1


def test_the_figure_draws_seconds_of_all_numbers_and_goals_beside_the_floor():
    points = [f"{axis} {value}" for axis in ("runs", "steps", "d") for value in (4, 8)]
    ns = np.full((6, len(CONTESTANTS), 2), np.nan)
    ns[:, 0], ns[:, 1] = 1.0, 2.0
    curves = xr.Dataset(
        {"ns": (("point", "contestant", "round"), ns), "numbers": ("point", 1e9 * np.array([4, 8] * 3))},
        {"point": points, "contestant": list(CONTESTANTS)},
    )
    np.testing.assert_array_equal(seconds(curves, "steps", "vradam"), [(4, 8), (8, 16)])
    times = timed(speed.PAPER.works[0], floor=(2.0, 3.0), vradam=(3.0, 3.0), JAX=(8.0, 9.0))
    assert floors(times, "JAX, blocks", "JAX") == 4 and floors(times, "vradam") == 1.5
    with sheet():
        figure = draw({"curves": curves, "scaling": speed.scaling(curves), "times": times})
    *panels, works = figure.axes
    for panel in panels:
        floor, ours = panel.get_lines()
        np.testing.assert_array_equal(ours.get_ydata(), 2 * floor.get_ydata())
    assert [line.get_xdata()[0] for line in works.get_lines()] == [1, 4, 1.5, 0.95]
