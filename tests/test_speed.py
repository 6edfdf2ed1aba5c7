"""What is timed does the same work, and the judgement of times; no test looks at how long anything takes."""

import importlib.util

import numpy as np
import pytest
import xarray as xr

from experiments import speed
from experiments.confront import verdict
from experiments.timing import gate, peers
from experiments.timing.contestant import CONTESTANTS, TOLERANCE, Contestant, error, takes_part
from experiments.timing.work import Work, reference, small
from paper_figures.speed import draw, seconds
from paper_figures.style import sheet

STEP = Work("step", "step", 1000, 5)
RUNS = Work("runs", "runs", 3, 5, 4)
OBJECTIVES = ("quadratic", "log_cosh", "rosenbrock")


def needs(name):
    """A peer is checked where it is installed: the project is tested without."""
    if importlib.util.find_spec(CONTESTANTS[name][0]) is None:
        pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize("name", [name for name in CONTESTANTS if name != "floor"])
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
    values = {"epoch_ratio": ratio, "epoch_ratio_low": ratio - 0.005, "epoch_ratio_high": ratio + 0.005}
    data = {name: (cell, np.full((1, 1), value)) for name, value in values.items()}
    return xr.Dataset(data, {"hidden": [128], "batch": [32]})


@pytest.mark.parametrize(
    ("first", "second", "expected"), [(1.01, 1.02, "verified"), (1.2, 1.2, "refuted"), (1.01, 1.2, "open")]
)
def test_negligible_is_what_stays_below_the_threshold_twice(first, second, expected):
    setup = speed.Setup(hidden=(128,), batch=(32,), negligible=0.05)
    confrontation = speed.Confrontation(
        "E3", (speed.evidence(setup, costs(first)),), replication=(speed.evidence(setup, costs(second)),)
    )
    assert verdict("empirical", confrontation) == expected


def test_medians_lie_in_intervals_that_narrow_with_rounds():
    rng = np.random.default_rng(0)
    few, many = (speed.median_interval(1 + rng.exponential(size=(1, n)), 0) for n in (20, 2000))
    assert few[1] <= few[0] <= few[2] and abs(many[0] - 1 - np.log(2)) < 0.1
    assert many[2] - many[1] < 0.3 * (few[2] - few[1])


def test_a_contestant_answers_from_its_own_process():
    needs("vradam")
    child = Contestant("vradam", RUNS)
    try:
        assert child.ask("check") < TOLERANCE
        assert child.ask("time") > 0
    finally:
        child.close()


def test_times_are_a_table_with_ratios_to_the_floor():
    ns = np.full((1, len(CONTESTANTS), 2), np.nan)
    ns[0, 0], ns[0, 1] = (2.0, 3.0), (3.0, 6.0)
    text = speed.table(xr.Dataset({"ns": (("work", "contestant", "round"), ns)},
                                  {"work": ["a work"], "contestant": list(CONTESTANTS)}))  # fmt: skip
    row = next(line for line in text.splitlines() if "vradam" in line and "a work" in line)
    assert row.split()[3:] == ["3.000", "4.500", "1.50", "1.80", "1.00"]
    assert "NumPy" not in "".join(line for line in text.splitlines() if "a work" in line)


def test_the_figure_draws_seconds_of_all_numbers():
    points = [f"{axis} {value}" for axis in ("runs", "steps", "d") for value in (4, 8)]
    ns = np.full((6, len(CONTESTANTS), 2), np.nan)
    ns[:, 0], ns[:, 1] = 1.0, 2.0
    curves = xr.Dataset(
        {"ns": (("point", "contestant", "round"), ns), "numbers": ("point", 1e9 * np.array([4, 8] * 3))},
        {"point": points, "contestant": list(CONTESTANTS)},
    )
    np.testing.assert_array_equal(seconds(curves, "steps", "vradam"), [(4, 8), (8, 16)])
    with sheet():
        figure = draw({"curves": curves})
    for panel in figure.axes:
        floor, ours = panel.get_lines()
        np.testing.assert_array_equal(ours.get_ydata(), 2 * floor.get_ydata())
