"""The point that a claim's row shows lies in both setups of its study, so that DEFAULT and PAPER can be compared."""

import pytest

from experiments.catalogue import catalogue
from experiments.measurement import central_rate
from experiments.measurement.formula import evaluate
from experiments.studies import gate, gate_sequences, smoothed_gate
from experiments.studies.cycles import EDGE

BOTH = pytest.mark.parametrize("paper", [False, True], ids=["DEFAULT", "PAPER"])


def setup(stem, paper):
    return catalogue()[stem].working().setup(paper)


@BOTH
def test_gate(paper):
    chosen = setup("gate", paper)
    assert gate.SHOWCASE in chosen.alpha1
    assert (chosen.alpha0, chosen.beta1, chosen.beta3) == (0.01, 0.9, 2.0)


@BOTH
def test_kinetic_energy(paper):
    assert (setup("kinetic_energy", paper).m, setup("kinetic_energy", paper).beta3) == (1.0, 1.0)


@BOTH
def test_stability(paper):
    chosen = setup("stability", paper)
    assert 0.9 in chosen.beta1 and 10.0 in chosen.frozen_alpha1 and 1.0 in chosen.weight_decay
    assert chosen.curvature == 2.5


@BOTH
def test_gate_sequences(paper):
    chosen = setup("gate_sequences", paper)
    assert (0.9, 0.001) in chosen.alternation
    assert gate_sequences.SHOWCASE == (0.9, 10.0, 0.5) and gate_sequences.DEFAULT.longest == 30


@BOTH
def test_cycles(paper):
    chosen = setup("cycles", paper)
    assert (0.9, 30 / 38, 10.0) in chosen.examples and float(evaluate(EDGE, beta1=0.9)) == pytest.approx(38)
    assert 0.9 in chosen.beyond.beta1 and 1.0 in chosen.beyond.beta3 and 1.3 in chosen.beyond.pinned


@BOTH
def test_smoothed_gate(paper):
    assert 0.9 in setup("smoothed_gate", paper).alternating and smoothed_gate.AT_EDGE == 0.99999


@BOTH
@pytest.mark.parametrize("stem", ["convergence", "bias"])
def test_rates(stem, paper):
    central = setup(stem, paper).central
    assert 10_000_000 in central.horizons and central.settings[0] == central_rate.WITHOUT_MOMENTUM
    assert central_rate.WITHOUT_MOMENTUM.beta1 == 0 and central.seeds >= 16


@BOTH
def test_observations(paper):
    assert {(128, 32), (1280, 256)} <= {
        (h, b) for h in setup("speed", paper).hidden for b in setup("speed", paper).batch
    }
    edge = setup("source_edge", paper)
    assert (edge.rates[0], edge.steps, set(edge.nets)) == (0.002, 195, {"convolutional, squared", "mlp, squared"})
