"""W1: the rule that was fixed beforehand, on data of known answer; and a small run of the study."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from experiments.measurement.planting import plantings
from experiments.measurement.statistics import mean_interval
from experiments.measurement.verdict import verdict
from experiments.store.chunks import Chunks
from experiments.studies import tasks, width
from experiments.studies.width import (
    CONTENDERS,
    DECIDING,
    DEFAULT,
    GATES,
    NEVER,
    PAPER,
    gains,
    judged,
    networks,
    run,
    tables,
)
from experiments.studies.width.networks import Network
from vradam import laws


def made(gained, ratio, problems=12, spread=0.05):
    """Data in which the alignment gate gains so many decades and takes so many times Adam's best steps."""
    rng = np.random.default_rng(0)
    shape = (problems, len(CONTENDERS), 1)
    wide, best = np.ones((*shape, 3)), np.full(shape, 100.0)
    place = list(CONTENDERS).index("alignment")
    wide[:, place] += gained + spread * rng.standard_normal((problems, 1, 1))
    best[:, place] *= ratio * np.exp(spread * rng.standard_normal((problems, 1)))
    return xr.Dataset(
        {
            "width": (("problem", "contender", "beta1", "factor"), wide),
            "best": (("problem", "contender", "beta1"), best),
        },
        {"contender": list(CONTENDERS), "beta1": [0.9], "factor": [1.05, 1.1, 2.0]},
    )


@pytest.mark.parametrize(
    ("gained", "ratio", "expected"),
    [
        (0.8, 0.9, "reproduced"),
        (0.8, 1.0, "reproduced"),
        (0.8, 1.5, "not reproduced"),
        (0.2, 0.9, "not reproduced"),
        (0.5, 1.0, "inconclusive"),
    ],
)
def test_the_rule(gained, ratio, expected):
    """Wider by half a decade with its whole interval, and a ratio of best steps whose interval reaches 1."""
    data = {name: made(gained, ratio) for name in ("deciding", "deciding_again", "explored")}
    confrontation = width._confront(DEFAULT, data)
    assert verdict("empirical", confrontation) == expected
    if expected != "inconclusive":
        for _, wrong in plantings(confrontation):
            assert verdict("empirical", wrong) != expected


def test_one_set_of_seeds_is_not_enough():
    data = {"deciding": made(0.8, 0.9), "deciding_again": made(0.2, 0.9), "explored": made(0.8, 0.9)}
    assert verdict("empirical", width._confront(DEFAULT, data)) == "inconclusive"


def test_problems_that_adam_never_solves_do_not_count():
    data = made(0.8, 0.9)
    data.best[0, 0] = NEVER
    gained, ratio = gains(data, "alignment", 0.9, 2.0)
    assert gained.size == ratio.size == 11
    assert judged(DEFAULT, data, 0)[0].n == 11 * DEFAULT.seeds[1]


def test_the_deciding_problems_took_no_part_in_the_choice():
    deciding, explored = ({task.problem.name for task in tasks} for tasks in (DECIDING, PAPER.explored))
    assert len(deciding) == 12 and len(explored) == 11 and not deciding & explored
    assert PAPER.decides in GATES and set(GATES) < set(CONTENDERS)


def test_the_contenders_are_what_their_names_say():
    rates = np.array([[1e-3], [1e-2]])
    gate = CONTENDERS["alignment"](rates, beta1=0.9)
    assert gate.law.decay == 0.95 and gate.law.w0 == 10 and gate.alpha1 == 100 and gate.gate.name == "alignment(0.3)"
    assert gate.law.decay >= 0.9**2 and isinstance(gate.law, laws.Held)
    state = gate.init(np.ones((2, 4, 3)))
    np.testing.assert_allclose(gate.learning_rate(state), np.broadcast_to(rates, (2, 4)), rtol=1e-12)
    slow = CONTENDERS["Adam, 1/(1 + t/100)"](rates, beta1=0.5)
    assert (slow.alpha0(100) == rates / 2).all() and slow.beta1 == 0.5


def test_a_small_run_has_every_contender_and_a_table():
    *two, one = (replace(task, steps=30, hold=5, target=0.5) for task in (*DECIDING[:2], DEFAULT.explored[0]))
    setup = replace(DEFAULT, deciding=tuple(two), explored=(one,), alpha0=(-2.0, 0.0, 3), seeds=(2, 2))
    result = run(setup, Chunks())
    assert set(result.data) == {"deciding", "deciding_again", "explored", "explored_again"}
    widths = result.data["deciding"].width
    assert float(widths.max()) <= 2 and (widths.sel(factor=2.0) >= widths.sel(factor=1.05) - 1e-12).all()
    assert verdict("empirical", result.confrontations[0]) == "inconclusive"  # two problems tell nothing
    (table,) = tables(result.data)
    assert len(table.rows) == 2 * (len(CONTENDERS) - 1)


def test_the_rule_holds_with_any_problem_left_out():
    """Eleven problems gain about 0.48 decades and one gains more: without that one the interval lies below 0.5."""
    data = made(0.48, 1.0, spread=0.0)
    place = list(CONTENDERS).index("alignment")
    data.width[:, place] += np.linspace(-0.01, 0.01, 12)[:, None, None]
    data.width[-1, place] = 2.2
    gained, _ = gains(data, "alignment", 0.9, 2.0)
    point = judged(DEFAULT, data, 0)[0].points[0]
    level = 1 - 0.05 / len(GATES)
    intervals = [mean_interval(np.delete(gained, i), level) for i in range(12)] + [mean_interval(gained, level)]
    assert point.low == min(float(low) for low, _ in intervals) and point.high == max(
        float(top) for _, top in intervals
    )
    assert float(mean_interval(np.delete(gained, 11), level)[1]) < 0.5 < point.high  # one problem decides: no verdict


def test_a_network_counts_where_it_was_run():
    data = made(0.8, 0.9)
    data.width[3], data.best[3] = np.nan, np.nan
    gained, ratio = gains(data, "alignment", 0.9, 2.0)
    assert gained.size == ratio.size == 11 and np.isfinite(gained).all()


def test_the_rates_that_decide_stand_on_both_sides_of_a_crossing():
    medians = np.array([np.inf, 300.0, 70.0, 50.0, 60.0, 90.0, 120.0, np.inf])
    assert networks.deciding(medians, 50.0, (2.0,)).tolist() == [1, 2, 3, 5, 6]
    assert networks.deciding(np.full(4, np.inf), np.inf, (1.05, 2.0)).tolist() == [0]


def test_a_level_counts_when_the_loss_stays_there():
    at = np.array([0, 20, 40, 60, 80])
    losses = np.array([[4.0, 1.0, 4.0, 1.0, 1.0], [4.0, 3.0, 1.0, 1.0, 5.0], [4.0, np.inf, 1.0, 1.0, 1.0],
                       [4.0, 3.0, 3.0, 3.0, 1.0], [4.0, 1.0, np.nan, np.nan, np.nan], [1.0] * 5]).T  # fmt: skip
    reached = networks.first_held(at, losses, 2.0, 1)
    np.testing.assert_allclose(reached, [40 + 20 * 2 / 3, 30, 40, np.inf, np.inf, 1.0], rtol=1e-12)


def test_networks_decide_too():
    """A network of E1 for 30 steps, all contenders: it stands among the deciding problems, on both sets of seeds."""
    pytest.importorskip("jax")
    short = Network("trajectory_balance", 1.2, "grid 4-D, trajectory balance", steps=30, every=5)
    setup = replace(
        DEFAULT,
        deciding=(replace(DECIDING[0], steps=30, hold=5, target=0.5),), networks=(short,),
        explored=DEFAULT.explored[:1], alpha0=(-2.0, 0.0, 3), network_alpha0=(-2.5, -1.0, 4), seeds=(2, 3),
    )  # fmt: skip
    result = run(setup, Chunks())
    found = result.data["deciding"].sel(problem=short.label, beta1=0.9)
    assert 1 <= float(found.best.sel(contender="Adam")) <= 30
    assert 0 < float(found.width.sel(contender="Adam", factor=2.0)) <= 1.5
    assert np.isfinite(found.width).all() and set(result.data["deciding_again"].problem.values) > {short.label}


def test_without_jax_it_says_how(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    monkeypatch.delitem(sys.modules, "experiments.studies.tasks.nets", raising=False)
    monkeypatch.delattr(tasks, "nets", raising=False)
    networks.compiled.cache_clear()
    with pytest.raises(ImportError, match=r"pip install -e '.\[nets\]'"):
        run(replace(DEFAULT, networks=PAPER.networks), Chunks())
