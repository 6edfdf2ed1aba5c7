"""The setting that tells gates apart, without its runs: what is asked of the simulation, and what is made of it."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import vradam
from experiments.measurement import central_rate
from experiments.measurement.central_rate import DEFAULT, MORE_MOMENTUM, PAPER, WITH_MOMENTUM, WITHOUT_MOMENTUM, Central
from experiments.store.chunks import Chunks
from theory.claims.convergence.shares import best, theorem2_shares, theorem4_shares
from theory.claims.convergence.smoothed_gate import theorem_beta1_zero_shares, theorem_shares
from theory.claims.opening_law import rate
from vradam.gates import averaged, held, inside, published

SETTINGS = (WITHOUT_MOMENTUM, WITH_MOMENTUM)
GATES = ("published", "predictable", "smoothed", "held")
SMALL = Central(settings=SETTINGS, horizons=(400, 10_000), seeds=12, seed=3, level=0.9)
SPREAD = np.linspace(-0.1, 0.1, 12)


@pytest.fixture
def runs(monkeypatch):
    """The calls of the simulation, which returns 3 N^(-1/2) with a spread over the seeds."""
    calls = []

    def simulate(opt, objective, x0, steps, noise=None, **options):
        calls.append(SimpleNamespace(opt=opt, objective=objective, x0=x0, steps=steps, noise=noise, **options))
        return SimpleNamespace(mean_grad_norm_squared=3 * steps**-0.5 * (1 + SPREAD))

    monkeypatch.setattr(vradam, "simulate", simulate)
    return calls


@pytest.fixture
def data(runs):
    return central_rate.collect(SMALL, GATES, Chunks().gather(central_rate.tasks(SMALL, GATES)))


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("gate", GATES)
def test_every_gate_is_run_from_where_the_published_one_settles(runs, setting, gate):
    """A pseudo-Huber function of curvature L and largest gradient ``over G*``, from F' = G*, with a fair coin."""
    found = central_rate.measure(SMALL, setting, gate, 400)
    np.testing.assert_allclose(found.runs, 3 / 20 * (1 + SPREAD), rtol=1e-14)
    (call,) = runs
    assert (call.steps, call.seed, call.every, call.engine) == (400, 3, 0, "compiled")
    assert call.objective.smoothness == setting.L
    assert call.objective.grad_bound == pytest.approx(setting.over * setting.plateau, rel=1e-12)
    assert call.x0.shape == (12, 1) and len(set(call.x0.ravel())) == 1
    assert float(call.objective.grad(call.x0[0])[0]) == pytest.approx(setting.plateau, rel=1e-12)
    assert call.noise == vradam.noise.two_point(0.5, 1.0)
    opt = call.opt
    assert (opt.alpha0, opt.beta2, opt.eps) == pytest.approx((1 / 20, 1 - 24 / 400, 1e-3), rel=1e-14)
    assert (opt.alpha1, opt.beta1, opt.beta3) == (setting.alpha1, setting.beta1, setting.beta3) and opt.proof_form
    assert opt.gate is (inside if gate == "predictable" else published)
    laws = {"smoothed": averaged(1 - 1 / 400), "held": held(1 - 1 / 400)}
    plain = vradam.VRAdam(gate=opt.gate, proof_form=True)
    assert repr(opt.law) == repr(laws.get(gate, plain.law))


def test_every_gate_has_the_bound_of_its_theorem():
    """Without momentum Theorem 2, with it Theorem 4, each with the price of its gate, at its best shares."""
    forms = {
        "published": (theorem2_shares, theorem4_shares), "predictable": (theorem2_shares, theorem4_shares),
        "smoothed": (theorem_beta1_zero_shares, theorem_shares),
        "held": (rate.theorem_beta1_zero_shares, rate.theorem_shares),
    }  # fmt: skip
    for gate, pair in forms.items():
        for setting, form in zip(SETTINGS, pair, strict=True):
            found = central_rate.bound_of(gate, setting, 10_000)
            assert found == pytest.approx(float(best(form, **setting.values(10_000))), rel=1e-12)


def test_tasks_are_every_gate_setting_and_horizon():
    names = list(central_rate.tasks(SMALL, ("published", "held")))
    assert names == [
        f"central-{gate}-{beta1}-{steps}" for gate in ("published", "held") for beta1 in ("0", "0.1")
        for steps in (400, 10_000)
    ]  # fmt: skip


def test_what_is_collected_are_means_with_intervals_and_bounds(data):
    half = stats.t.ppf(0.95, 11) * SPREAD.std(ddof=1) / np.sqrt(12)
    N = np.array([400, 10_000])
    for beta1, setting in zip((0.0, 0.1), SETTINGS, strict=True):
        part = data.sel(beta1=beta1)
        for gate in GATES:
            rows = part.sel(gate=gate)
            np.testing.assert_allclose(rows["mean"], 3 * N**-0.5, rtol=1e-12)
            np.testing.assert_allclose(rows.low, 3 * N**-0.5 * (1 - half), rtol=1e-12)
            np.testing.assert_allclose(rows.high, 3 * N**-0.5 * (1 + half), rtol=1e-12)
            np.testing.assert_allclose(rows.bound, [central_rate.bound_of(gate, setting, n) for n in N], rtol=1e-12)
        assert float(part.trivial) == pytest.approx((setting.over * setting.plateau + 1) ** 2, rel=1e-12)
        assert float(part.plateau) == pytest.approx(setting.plateau**2, rel=1e-12)
    assert data.N.values.tolist() == [400, 10_000] and data.attrs == {"seeds": 12, "level": 0.9}


@pytest.mark.parametrize("gate", GATES)
def test_every_horizon_is_held_against_the_bound_and_the_trivial_line(data, gate):
    found = central_rate.against_bound(data, gate)
    assert len(found) == 2
    for item, beta1 in zip(found, ("0", "0.1"), strict=True):
        rows = data.sel(beta1=float(beta1), gate=gate)
        assert (item.kind, item.n, item.quantity) == ("upper bound", 24, "E||grad F||^2 (the same coin)")
        for point, n, text in zip(item.points, (400, 10_000), ("4e+02", "1e+04"), strict=True):
            row = rows.sel(N=n)
            held_against = [float(row[name]) for name in ("mean", "low", "high", "bound", "trivial")]
            assert [point.measured, point.low, point.high, point.predicted, point.trivial] == held_against
            assert point.label == f"{gate} gate, beta1 = {beta1}, N = {text}"


def test_the_plateau_is_met_by_the_published_gate_at_the_longest_horizon(data):
    """The finite step may leave two per mille on either side."""
    item = central_rate.against_plateau(data)
    assert (item.kind, item.n) == ("equality", 24)
    for point, beta1 in zip(item.points, (0.0, 0.1), strict=True):
        row = data.sel(beta1=beta1, gate="published", N=10_000)
        assert point.measured == float(row["mean"]) and point.predicted == float(row.plateau)
        assert point.measured - point.low == pytest.approx(float(row["mean"] - row.low) + 0.002 * 0.03, rel=1e-9)
        assert point.high - point.measured == pytest.approx(float(row.high - row["mean"]) + 0.002 * 0.03, rel=1e-9)
        assert point.label == f"beta1 = {beta1:g}, N = 1e+04"


def test_the_ledger_shows_no_momentum_at_ten_million(runs):
    central = Central(settings=(WITHOUT_MOMENTUM,), horizons=(10_000_000,), seeds=12)
    done = Chunks().gather(central_rate.tasks(central, ("held",)))
    reported = central_rate.against_bound(central_rate.collect(central, ("held",), done), "held")
    assert central_rate.shown(reported, "held") == (
        "E||grad F||^2 (the same coin)", "held gate, beta1 = 0, N = 1e+07",
    )  # fmt: skip
    assert central_rate.shown(reported, "smoothed") == ()


def test_the_settings_are_those_that_are_stated():
    """Those without and with momentum at every resolution; decays, clips and strengths rise together."""
    assert DEFAULT.settings == SETTINGS and PAPER.settings == (*SETTINGS, *MORE_MOMENTUM)
    assert [setting.beta1 for setting in PAPER.settings] == [0.0, 0.1, 0.2, 0.3]
    for name in ("alpha1", "beta3"):
        values = [getattr(setting, name) for setting in PAPER.settings]
        assert values == sorted(set(values))
