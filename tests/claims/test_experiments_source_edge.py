"""E2 in its source's setting: the setting itself, what is asked of the runs, what either gate makes of the verdict."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import vradam
from experiments.measurement.planting import plantings
from experiments.measurement.verdict import verdict
from experiments.store.chunks import Chunks
from experiments.studies import source_edge
from experiments.studies.source_edge import DEFAULT, EARLY, GATES, PAPER, contributions, ends, judge, optimizers

NAMES = [f"{gate}, alpha0 = 0.002" for gate in GATES]


def planted(smallest, last, seeds=30, seed=0):
    """Ends of runs over (net, optimizer, seed): the medians of the two gates, a little apart from seed to seed."""
    spread = np.linspace(-1e-3, 1e-3, seeds)
    values = {
        name: (("net", "optimizer", "seed"), np.array(middle)[None, :, None] + spread + np.zeros((2, 1, 1)))
        for name, middle in (("smallest", smallest), ("last", last))
    }
    return xr.Dataset(values, {"net": ["convolutional network", "MLP"], "optimizer": NAMES}, attrs={"seed": seed})


def judged(smallest, last):
    (found,) = judge({"ends": planted(smallest, last), "replication": planted(smallest, last, seed=30)})
    return verdict("empirical", found), found


def test_the_setting_is_the_sources():
    for setup in (DEFAULT, PAPER):
        assert setup.rates[0] == 0.002 and setup.steps == 195 and setup.seeds >= 30
        made = optimizers(setup.rates)
        for name in NAMES:
            opt = made[name]
            assert isinstance(opt, vradam.VRAdam)
            assert (opt.alpha0, opt.alpha1, opt.beta3, opt.eps, opt.weight_decay) == (0.002, 19.0, 1.0, 1e-7, 0.0)
        assert [made[name].gate.name for name in NAMES] == ["published", "gradient_norm"]
        assert {name for name in made if name.startswith("Adam")} == {
            f"Adam, alpha0 = {rate:g}" for rate in setup.rates
        }


@pytest.mark.parametrize(
    ("smallest", "last", "expected"),
    [
        ((0.5, 0.8), (0.99, 0.97), "reproduced"),
        ((0.95, 0.97), (0.99, 0.97), "not reproduced"),  # with neither gate does it fall
        ((0.5, 0.8), (0.7, 0.8), "not reproduced"),  # with neither does it return
        ((0.95, 0.5), (0.99, 0.97), "inconclusive"),  # with one gate only, and the source does not say which
        ((0.9, 0.9), (0.99, 0.97), "inconclusive"),
    ],
)
def test_the_verdict_holds_for_either_gate_or_is_inconclusive(smallest, last, expected):
    word, found = judged(smallest, last)
    assert word == expected
    assert [len(item.points) for item in found.reported] == [2, 2] and found.reported[0].n == 120
    assert found.reported[0].seeds == tuple(range(30)) and found.replication[0].seeds == tuple(range(30, 60))
    if expected == "reproduced":
        assert all(verdict("empirical", wrong) == "inconclusive" for _, wrong in plantings(found))


def test_the_early_steps_alone_count_for_the_fall():
    rate = np.ones((3, 2 * EARLY))
    rate[0, EARLY - 1], rate[1, EARLY], rate[2, -1] = 0.3, 0.2, 0.95
    found = ends(xr.Dataset({"rate": (("seed", "step"), rate)}))
    assert found.smallest.values.tolist() == [0.3, 1.0, 1.0] and found["last"].values.tolist() == [1.0, 1.0, 0.95]


def test_networks_are_trained_on_the_whole_batch_and_what_happens_is_kept():
    pytest.importorskip("jax", reason="needs the extra nets")
    setup = replace(DEFAULT, nets=("mlp, squared",), steps=6, every=3, seeds=10, together=5, watched=1)
    result = source_edge.run(setup, Chunks())
    curves, bent = result.data["curves"], result.data["curvature"]
    assert dict(result.data["ends"].sizes) == {"net": 1, "optimizer": 2, "seed": 10}
    rate = curves.rate.sel(share=0.5)
    assert ((rate > 1 / 20) & (rate <= 1)).all() and (rate.sel(optimizer="Adam, alpha0 = 0.002") == 1).all()
    assert (curves.loss.sel(share=0.5).isel(step=-1) < curves.loss.sel(share=0.5).isel(step=0)).all()
    assert ((curves.accuracy >= 0) & (curves.accuracy <= 1)).all()
    gate = rate.isel(step=-1).sel(optimizer=NAMES[0])
    np.testing.assert_allclose(
        bent.threshold.sel(optimizer=NAMES[0]).isel(check=-1).squeeze("seed"), 38 / (0.002 * gate), rtol=0.05
    )
    assert (bent.sharpness > 0).all() and len(source_edge.tables(result.data)[0].rows) == 4
    first, again = result.data["ends"].smallest, result.data["replication"].smallest
    assert not (first.values == again.values).any()


def test_the_squared_error_is_the_mean_over_examples_and_classes():
    pytest.importorskip("jax", reason="pip install -e .[nets]")
    from experiments.studies.tasks import nets

    outputs, labels = np.random.default_rng(0).normal(size=(7, 10)), np.arange(7)
    expected = np.mean((outputs - np.eye(10)[labels]) ** 2)
    assert float(nets.squared_error(outputs, labels)) == pytest.approx(expected, rel=1e-6)
    task = nets.make("mlp, squared")
    assert task.full.size == len(nets.digits()["train"].labels) and task.baseline == pytest.approx(0.09)


def at_the_end(loss, sharpness, seeds=12):
    """Ends of runs from Q(optimizer at a rate), the same for all seeds but for a common factor of each seed."""
    names = [f"{name}, alpha0 = {rate:g}" for rate in (0.002, 0.001) for name in (*GATES, "Adam")]
    noise = np.exp(np.random.default_rng(0).normal(size=seeds))
    return xr.Dataset(
        {
            "loss": (("net", "optimizer", "seed"), np.array(loss)[None, :, None] * noise),
            "sharpness": (("net", "optimizer", "watched"), np.array(sharpness)[None, :, None] * noise[:5]),
        },
        {"net": ["MLP"], "optimizer": names},
    )


def test_what_the_gate_adds_and_what_the_rate_adds_multiply_to_the_whole():
    """Velocity gate .3, gradient gate 1 and the doubled rate .5 in the loss; 2, 3 and 5 in the sharpness."""
    ends = at_the_end(
        [0.3 * 0.5, 0.5, 0.5, 0.3, 1.0, 1.0],
        [2 * 5, 3 * 5, 5, 2, 3, 1],
    )
    found = contributions.contributions(ends, tuple(GATES), (0.002, 0.001))
    expected = {"loss": [[0.15, 0.3, 0.5], [0.5, 1.0, 0.5]], "sharpness": [[10, 2, 5], [15, 3, 5]]}
    for quantity, values in expected.items():
        here = found.sel(quantity=quantity, net="MLP").transpose("gate", "part")
        for name in ("factor", "low", "high"):  # a factor of the seed alone leaves no spread
            np.testing.assert_allclose(here[name], values, rtol=1e-12)
    assert "training loss times 0.15 = 0.30 (gate) x 0.50 (doubled alpha0)" in found.attrs["says"]
    assert len(contributions.table(found).rows) == 4


def test_where_gate_and_rate_do_not_multiply_the_two_orders_are_averaged():
    """Gate alone: 1/2, rate alone: 1/8, both: 1/4. In one order the gate's share is 2, in the other 1/2."""
    found = contributions.contributions(
        at_the_end([0.25, 1, 0.125, 0.5, 1, 1], [1] * 6), tuple(GATES), (0.002, 0.001)
    ).sel(gate="velocity gate", quantity="loss", net="MLP")
    np.testing.assert_allclose(found.factor.values, [0.25, 1.0, 0.25], rtol=1e-12)


def test_sam_steps_by_the_gradient_further_up():
    pytest.importorskip("jax", reason="needs the extra nets")
    from experiments.studies.tasks import nets

    net, x = "mlp, squared", nets.make("mlp, squared").init(0)[None]
    loss, plain = source_edge.descend(net, "Adam, alpha0 = 0.002", x)
    again, gradients = source_edge.descend(net, "SAM, alpha0 = 0.002", x)
    up = x + 0.05 * plain / np.linalg.norm(plain)
    assert loss == again == pytest.approx(float(nets.make(net).loss(x[0], nets.make(net).full)), rel=1e-5)
    np.testing.assert_allclose(gradients, nets.gradients(net)(up, nets.make(net).full[None])[1], rtol=1e-3, atol=1e-7)
    assert not np.allclose(gradients, plain, rtol=1e-2, atol=1e-5)
    np.testing.assert_allclose(source_edge.full_batch(net)(x)[1], plain)
