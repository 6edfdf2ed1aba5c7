"""The study of the opening law: verdicts, adversaries that fail and succeed, and what a wrong formula would do."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.measurement.planting import planted
from experiments.measurement.verdict import agrees, verdict
from experiments.store.chunks import Chunks
from experiments.studies.opening_law import DEFAULT, adversary, beyond, run, tables
from experiments.studies.opening_law.adversary import critical_rate, growth, sharp_decay
from paper_figures.figures.opening_law import FIGURE
from paper_figures.style import sheet

QUICK = replace(
    DEFAULT, beta1=(0.9,), fractions=(0.6, 0.99), dimensions=(1,), sharp=(0.9,), ceilings=((0.9, 3.0),),
    varied=300, horizons=(100_000,), ratios=(3.0, 8.0), burst_steps=4000, sharpening_steps=300, bias_steps=(10_000,),
)  # fmt: skip


@pytest.fixture(scope="module")
def result():
    return run(QUICK, Chunks())


def test_the_verdicts(result):
    for confrontation in result.confrontations:
        assert verdict("proved under assumptions", confrontation) == "verified under assumptions", confrontation.claim


def test_planted_errors_change_every_piece_of_evidence(result):
    for confrontation in result.confrontations:
        wrong = planted(confrontation)
        assert verdict("proved under assumptions", wrong) == "open"
        assert not any(map(agrees, wrong.reported))


def test_adversaries_need_a_gate_without_a_law(result):
    growths = result.data["growth"].growth
    assert float(growths.sel(law="held").max()) < 0
    assert (growths.sel(law="none").max(("fraction", "beta1")) > 0.05).all()  # each of the four signals


def test_a_law_that_opens_too_fast_is_no_law(monkeypatch):
    """With g = beta1^2/20 the same adversaries win again: the threshold is about g, not about holding as such."""
    setup, original = replace(QUICK, fractions=(0.99,), starts=4), adversary.laws.held
    monkeypatch.setattr(adversary.laws, "held", lambda g, w0=0.0: original(g / 20, w0))
    assert float(growth(setup, 1).growth.sel(law="held").max()) > 0.05


def test_two_formulas_measured():
    assert sharp_decay(0.7, 0.99999) == pytest.approx(0.49, rel=1e-3)
    assert critical_rate(1.0, 0.7, 150) == pytest.approx(2 * 1.7 / 0.3 / 2, rel=1e-4)


def test_bursts_are_those_of_the_gate(result):
    """At 8 B the published gate bursts a thousand times higher than the held one, which stays nearer to the edge."""
    peak, mean = result.data["bursts"].peak.sel(ratio=8.0), result.data["bursts"]["mean"].sel(ratio=8.0)
    assert float(peak.sel(gate="published")) > 100 * float(peak.sel(gate="held, .99"))
    assert float(mean.sel(gate="averaged, .99")) > float(mean.sel(gate="held, .99")) > float(mean.sel(gate="published"))


def test_only_the_scale_free_gates_ignore_the_unit(result):
    opening = result.data["scale"].opening
    spread = opening.max("c") - opening.min("c")
    free = [name for name in opening.gate.values if beyond.GATES[name][0].signal is not None]
    assert float(spread.sel(gate=free).max()) < 1e-4 < 0.5 < float(spread.sel(gate="published"))


def test_the_bias_of_the_published_gate_is_not_that_of_the_law(result):
    errors = result.data["bias"].error.sel(noise="skewed, beta1 0", N=10_000)
    assert float(errors.sel(gate="published")) > 50 * float(errors.sel(gate="held, 1 - 10/N"))


def test_the_table_has_a_row_for_every_gate_shown(result):
    (table,) = tables(result.data)
    assert {row[0] for row in table.rows} == {*beyond.ENERGIES, *beyond.SCALED}
    assert all(np.isfinite(float(row[1])) for row in table.rows)


def test_the_figure_draws_what_the_study_returns(result):
    with sheet():
        law, best, bursts, bias = FIGURE.draw(result.data).axes
    assert all(axes.has_data() for axes in (law, best, bursts, bias))
