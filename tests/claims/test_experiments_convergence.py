"""The study of the rate: what it hands to the runs, and what it makes of what they return."""

import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import vradam
from experiments.measurement import central_rate
from experiments.measurement.central_rate import Central
from experiments.measurement.formula import evaluate
from experiments.measurement.verdict import verdict
from experiments.store.chunks import Chunks
from experiments.studies import convergence
from experiments.studies.convergence import ALL, BOUNDS, Informative, Setup, constants
from theory.claims.convergence.predictable_gate import theorem4
from theory.claims.convergence.smoothed_gate import theorem as smoothed_theorem
from vradam.gates import inside, predictable, published
from vradam.problems import BREAST_CANCER, CONVEX, LOG_COSH, NON_CONVEX

SMALL = Setup(
    problems=CONVEX[:1],
    optimizers=("published", "Adam"),
    horizons=(100, 400, 1600),
    informative=tuple(Informative(name, (100, 400), beta1=0.0 if name < "theorem3" and name != "smoothed" else 0.5)
                      for name in BOUNDS),
    central=Central(settings=(central_rate.WITHOUT_MOMENTUM,), horizons=(100, 400), seeds=12),
    central_gates=("predictable", "smoothed", "held"),
    seeds=12,
    seed=5,
)  # fmt: skip
SPREAD = np.linspace(-0.05, 0.05, 12)
#: How far Student's interval reaches to either side, relative to the mean.
HALF = stats.t.ppf(0.975, 11) * SPREAD.std(ddof=1) / np.sqrt(12)


@pytest.fixture
def runs(monkeypatch):
    """The calls of the simulation, which returns 2 N^(-1/2) with a spread over the seeds."""
    calls = []

    def simulate(opt, objective, x0, steps, noise=None, **options):
        calls.append(SimpleNamespace(opt=opt, objective=objective, x0=x0, steps=steps, noise=noise, **options))
        mean = 2 * steps**-0.5 * (1 + SPREAD)
        return SimpleNamespace(mean_grad_norm_squared=mean, grad_norm=np.sqrt(mean / 2)[:, None] * [5.0, 1.0])

    monkeypatch.setattr(vradam, "simulate", simulate)
    monkeypatch.setattr(vradam.simulation, "simulate", simulate)
    return calls


def test_every_optimizer_is_tuned_to_its_horizon():
    numbers = {"alpha0": 0.1, "beta1": 0.9, "alpha1": 10.0, "beta3": 2.0, "eps": 1e-6}
    forms = {"predictable": predictable, "inside": inside, "proof inside": inside}
    decays = {"smoothed beta2": 0.99, "smoothed sqrt": 0.9, "smoothed beta1": 0.9, "proof smoothed": 0.99}
    for name in ALL:
        opt = convergence.optimizer(name, 100, **numbers)
        assert (opt.alpha0, opt.beta1, opt.eps) == (0.1, 0.9, 1e-6) and opt.beta2 == pytest.approx(0.99)
        if name == "Adam":
            assert isinstance(opt, vradam.Adam)
            continue
        assert opt.gate is forms.get(name, published) and opt.gate_decay == pytest.approx(decays.get(name, 0.0))
        assert opt.proof_form == name.startswith("proof") and (opt.alpha1, opt.beta3) == (10.0, 2.0)


def test_the_constants_of_a_problem_are_those_of_its_gradients():
    """R bounds every stochastic gradient, plus sqrt(eps); D is the height of the start."""
    gaussian, two_point = CONVEX[0], CONVEX[2]
    R, D = constants(gaussian, 1e-4)
    assert pytest.approx(1 + 1.5 + 0.01) == R and pytest.approx(np.log(np.cosh(3.0))) == D
    R, D = constants(two_point, 1e-8)
    assert pytest.approx(1 + 0.25 * 0.8 / 0.2 + 1e-4) == R and pytest.approx(10 * np.log(np.cosh(3.0))) == D
    R, D = constants(NON_CONVEX[0], 0.0)
    F, x = NON_CONVEX[0].objective, np.linspace(-30, 30, 100_001)[:, None]
    assert np.abs(F.grad(x)).max() + 1.5 == pytest.approx(R, rel=1e-4)
    assert pytest.approx(F.value(NON_CONVEX[0].x0) - F.value(x).min(), rel=1e-6) == D


def test_the_height_is_measured_from_the_minimum():
    """F + 7 has the same gradients, noise and height of every start: R and D do not move."""
    problem = NON_CONVEX[0]
    F = problem.objective
    raised = replace(F, value=lambda x: F.value(x) + 7.0, minimum=F.minimum + 7.0, kernel=None)
    lifted = SimpleNamespace(objective=raised, x0=problem.x0, noise=problem.noise)
    assert constants(lifted, 1e-8) == pytest.approx(constants(problem, 1e-8), rel=1e-14)


def test_where_the_minimum_is_not_known_the_loss_is_positive():
    """Logistic regression from zero weights: D = ln 2, and R is the largest feature of a sample in size."""
    pytest.importorskip("sklearn")
    R, D = constants(BREAST_CANCER, 1e-8)
    assert BREAST_CANCER.objective.minimum is None and pytest.approx(np.log(2)) == D
    rows = np.arange(BREAST_CANCER.objective.terms)[:, None]
    x = np.broadcast_to(np.zeros(30), (len(rows), 30))
    assert np.abs(BREAST_CANCER.objective.grad_terms(x, rows)).max() == pytest.approx((R - 1e-4) / 2, rel=1e-6)


def test_a_curve_holds_the_left_hand_side_and_the_bounds_at_its_constants(runs):
    problem = SMALL.problems[0]
    found = convergence.measure_curve(SMALL, problem, "published")
    N = np.array([100, 400, 1600])
    np.testing.assert_allclose(found["mean"], 2 * N**-0.5, rtol=1e-12)
    np.testing.assert_allclose(found.high - found["mean"], 2 * N**-0.5 * HALF, rtol=1e-9)
    np.testing.assert_allclose(found["mean"] - found.low, 2 * N**-0.5 * HALF, rtol=1e-9)
    np.testing.assert_allclose(found["last"], N**-0.5, rtol=1e-12)
    assert float(found.slope.sel(estimate="slope")) == pytest.approx(-0.5, abs=1e-12)
    assert float(found.slope.sel(estimate="low")) < -0.5 < float(found.slope.sel(estimate="high"))
    assert float(found.log_power.sel(estimate="slope")) == pytest.approx(0.0, abs=1e-12)
    R, D = constants(problem, SMALL.eps)
    assert float(found.trivial) == pytest.approx((R - SMALL.eps**0.5) ** 2)
    for i, (call, steps) in enumerate(zip(runs, N, strict=True)):
        assert call.steps == steps and call.noise == problem.noise and call.seed == 5 and call.every == 0
        assert call.opt.alpha0 == pytest.approx(steps**-0.5) and call.opt.beta2 == pytest.approx(1 - 1 / steps)
        assert np.shape(call.x0) == (12, 1) and (np.asarray(call.x0) == 3.0).all()
        known = {"N": steps, "d": 1, "R": R, "D": D, "L": 1.0, "alpha0": steps**-0.5, "beta2": 1 - 1 / steps}
        known |= {"beta1": 0.9, "alpha1": 10.0, "beta3": 1.0, "eps": 1e-8}
        assert float(found.bound[i]) == pytest.approx(float(evaluate(theorem4, **known)), rel=1e-12)
        smoothed = evaluate(smoothed_theorem, gate_decay=1 - 1 / steps, **known)
        assert float(found.bound_smoothed[i]) == pytest.approx(float(smoothed), rel=1e-12)


def test_the_scale_of_the_step_and_the_longest_horizon(runs, monkeypatch):
    monkeypatch.setattr(convergence, "LONGEST", {SMALL.problems[0].name: 400})
    found = convergence.measure_curve(replace(SMALL, scale=3.0), SMALL.problems[0], "Adam")
    assert found.N.values.tolist() == [100, 400]
    assert [call.opt.alpha0 for call in runs] == pytest.approx([0.3, 0.15])


def test_the_power_of_a_logarithm_beside_the_rate():
    """(ln N)^p / sqrt N has the power p."""
    N = np.geomspace(100, 1e6, 9)
    for p in (0.0, 1.0, -0.5):
        values = (np.log(N) ** p / np.sqrt(N))[:, None] * (1 + SPREAD)
        power, low, high = convergence.log_power(N, values)
        assert power == pytest.approx(p, abs=1e-9) and low < power < high


@pytest.mark.parametrize("name", BOUNDS)
def test_a_setting_is_the_problem_that_its_bound_speaks_of(runs, name):
    """log-cosh with that curvature and largest gradient, from F = D; the bound at exactly these constants."""
    item = next(item for item in SMALL.informative if item.bound == name)
    found = convergence.measure_setting(SMALL, item)
    R = item.grad_bound + item.noise_bound + np.sqrt(item.eps)
    assert found.attrs["R"] == pytest.approx(R) and found.attrs["seeds"] == 12
    assert (found.attrs["bound"], found.attrs["beta1"], found.attrs["alpha1"]) == (name, item.beta1, item.alpha1)
    assert float(found.trivial) == pytest.approx((item.grad_bound + item.noise_bound) ** 2)
    for i, (call, steps) in enumerate(zip(runs, (100, 400), strict=True)):
        F, opt = call.objective, call.opt
        assert F.smoothness == pytest.approx(item.L) and F.grad_bound == pytest.approx(item.grad_bound)
        assert float(F.value(np.asarray(call.x0)[0])) == pytest.approx(item.D, rel=1e-12)
        assert (
            call.every == 0
            and call.noise.bound == item.noise_bound
            and call.noise.std == pytest.approx(item.noise_bound / 2)
        )
        assert opt.alpha0 == pytest.approx(item.adagrad_alpha0 if name == "theorem1" else steps**-0.5)
        assert opt.beta2 == (1.0 if name == "theorem1" else pytest.approx(1 - 1 / steps))
        assert opt.gate is (published if name == "smoothed" else inside) and opt.proof_form
        assert opt.gate_decay == (pytest.approx(1 - 1 / steps) if name == "smoothed" else 0.0)
        known = {"N": steps, "d": 1, "R": R, "D": item.D, "L": item.L, "alpha0": opt.alpha0, "alpha1": item.alpha1}
        known |= {"beta1": item.beta1, "beta2": opt.beta2, "beta3": item.beta3, "eps": item.eps}
        wanted = evaluate(BOUNDS[name], gate_decay=opt.beta2, **known)
        assert float(found.bound[i]) == pytest.approx(float(wanted), rel=1e-12)
        assert float(found["mean"][i]) == pytest.approx(2 * steps**-0.5)
        assert float(found.high[i] - found["mean"][i]) == pytest.approx(2 * steps**-0.5 * HALF, rel=1e-9)


@pytest.mark.parametrize(
    ("bound", "status", "expected"),
    [
        (1.0, "proved", "verified"),
        (0.19, "proved", "open"),  # the measurement is above the bound
        (0.2 * (1 + 0.5 * HALF), "proved", "open"),  # its interval reaches beyond it
        (6.0, "proved", "vacuous"),  # nowhere below the trivial line
        (1.0, "open", "open"),
    ],
)
def test_a_bound_is_met_by_the_whole_interval_at_every_horizon(runs, bound, status, expected):
    item = replace(SMALL.informative[1], horizons=(100, 400))
    found = convergence.measure_setting(SMALL, item)
    found = found.assign(bound=("N", [bound, bound / 2]), trivial=2.5)
    confrontation = convergence.confrontation("C1a", [found], (), "note")
    assert verdict(status, confrontation) == expected
    (evidence,) = confrontation.reported
    assert [point.measured for point in evidence.points] == pytest.approx([0.2, 0.1])
    assert [point.label for point in evidence.points] == ["theorem2, N = 100", "theorem2, N = 400"]
    assert [point.trivial for point in evidence.points] == [2.5, 2.5] and evidence.n == 24


def test_the_study_gives_each_bound_to_its_claim(runs):
    result = convergence.run(SMALL, Chunks())
    first, second = result.confrontations
    assert (first.claim, second.claim) == ("C1a", "C2")
    assert [item.quantity.split("(")[1] for item in first.reported[:-1]] == ["theorem1)", "theorem2)", "theorem4)"]
    assert [item.quantity.split("(")[1] for item in second.reported[:-1]] == ["smoothed)"]
    for said, gate in ((first, "predictable"), (second, "smoothed")):
        assert [point.label.split(" gate")[0] for point in said.reported[-1].points] == [gate, gate]
    assert "published -0.50, Adam -0.50" in first.note
    curves = result.data["curves"]
    assert curves.optimizer.values.tolist() == ["published", "Adam"] and dict(curves["mean"].sizes) == {
        "problem": 1, "optimizer": 2, "N": 3,
    }  # fmt: skip
    assert set(result.data) == {"curves", "central", *(f"informative_{name}" for name in BOUNDS)}
    assert result.data["central"].gate.values.tolist() == ["predictable", "smoothed", "held"]


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="takes minutes without compiling")
def test_a_bounded_problem_is_minimised_at_the_rate_and_below_its_bound():
    """The left-hand side itself: below Theorem 2's bound, the trivial line above it, and falling with the horizon."""
    item = Informative("theorem2", (1000, 10_000, 100_000))
    found = convergence.measure_setting(replace(SMALL, seeds=16), item)
    assert (found.high < found.bound).all() and (np.diff(found["mean"]) < 0).all()
    assert LOG_COSH.objective.smoothness == 1.0


def test_what_has_a_kernel_is_compiled_and_what_has_none_is_not(runs):
    problem = SMALL.problems[0]
    bare = SimpleNamespace(
        name=problem.name, objective=replace(problem.objective, kernel=None), x0=problem.x0, noise=problem.noise
    )
    for asked, engine in ((problem, "compiled"), (bare, "numpy")):
        convergence.measure_curve(replace(SMALL, horizons=(100, 400)), asked, "published")
        assert {call.engine for call in runs} == {engine}
        runs.clear()
