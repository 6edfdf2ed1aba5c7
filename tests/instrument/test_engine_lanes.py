"""The compiled ensemble engine against the reference, and its bits against batches, tiles and threads."""

from collections import Counter
from dataclasses import replace
from itertools import cycle
from math import tanh

import numpy as np
import pytest

import vradam
from vradam import gates, laws, noise, objectives, simulation
from vradam.plan import checked_plan
from vradam.simulation import run_numpy

pytest.importorskip("numba", reason="the compiled engine needs Numba")
from vradam.engine import lanes
from vradam.engine.pieces import assembled

OBJECTIVES = {
    "quadratic": objectives.quadratic([1.0, 3.0, 0.2]),
    "rotated quadratic": objectives.quadratic([1.0, 3.0, 0.2], rotation=1),
    "log_cosh": objectives.log_cosh(3),
    "pseudo_huber": objectives.pseudo_huber(3, scale=2.0, curvature=0.5),
    "rational": objectives.rational(3),
    "pseudo_huber_sine": objectives.pseudo_huber_sine(3),
    "rastrigin": objectives.rastrigin(3),
    "styblinski_tang": objectives.styblinski_tang(3),
    "ackley": objectives.ackley(3),
    "rosenbrock": objectives.rosenbrock(3),
    "beale": objectives.beale(),
    "himmelblau": objectives.himmelblau(),
    "four_scalar_product": objectives.four_scalar_product(),
    "progressive_sharpening": objectives.progressive_sharpening(),
    "matrix_factorisation": objectives.matrix_factorisation([[2.0, 0.5], [0.0, 1.0], [1.0, 1.0]], rank=2),
    "logistic_regression": objectives.logistic_regression(
        np.random.default_rng(5).normal(size=(40, 4)), np.arange(40) % 2, l2=0.01
    ),
}
OPTIMIZERS = {
    "published": vradam.VRAdam(alpha0=0.01, beta3=5.0, alpha1=3.0, weight_decay=0.01),
    "predictable": vradam.VRAdam(alpha0=0.01, gate=gates.predictable),
    "inside": vradam.VRAdam(alpha0=0.01, gate=gates.inside),
    "gradient_norm": vradam.VRAdam(alpha0=0.01, gate=gates.gradient_norm),
    "power 3": vradam.VRAdam(alpha0=0.01, gate=gates.power(3)),
    "power 2.5": vradam.VRAdam(alpha0=0.01, gate=gates.power(2.5)),
    "per_coordinate": vradam.VRAdam(alpha0=0.01, gate=gates.per_coordinate, weight_decay=0.1),
    "smoothed": vradam.VRAdam(alpha0=0.01, gate_decay=0.9),
    "proof form": vradam.VRAdam(alpha0=0.01, gate_decay=0.9, proof_form=True),
    "Adagrad": vradam.VRAdam(alpha0=0.1, beta1=0.0, beta2=1.0, proof_form=True),
    "everything per run": vradam.VRAdam(
        alpha0=np.geomspace(1e-3, 1e-2, 20),
        alpha1=np.linspace(0.5, 20, 20),
        beta1=np.linspace(0, 0.95, 20),
        beta2=np.linspace(0.9, 0.9999, 20),
        beta3=np.geomspace(0.1, 10, 20),
        eps=np.geomspace(1e-8, 1e-2, 20),
        weight_decay=np.linspace(0, 0.1, 20),
        gate_decay=np.linspace(0, 0.99, 20),
    ),
    "held per run": vradam.VRAdam(
        alpha0=0.01, law=laws.held(np.linspace(0.1, 0.99, 20), w0=np.linspace(0, 5, 20)), beta1=np.linspace(0, 0.95, 20)
    ),
    "held, schedule": vradam.VRMomentum(alpha0=lambda t: 0.1 / t**0.5, law=laws.held(0.9, w0=2.0), weight_decay=0.01),
    "held, previous velocity": vradam.VRAdam(alpha0=0.01, gate=gates.predictable, law=laws.held(0.9), proof_form=True),
    "averaged power": vradam.VRAdam(alpha0=0.01, gate=gates.power(3), law=laws.averaged(0.9)),
    "Adam's metric": vradam.VRAdam(alpha0=0.01, gate=gates.adam_metric, alpha1=0.5, weight_decay=0.1),
    "Adam's metric, averaged": vradam.VRAdam(
        alpha0=0.01, gate=gates.adam_metric, law=laws.averaged(0.9), proof_form=True, eps=1e-3
    ),
    "Adam's metric, momentum": vradam.VRMomentum(alpha0=0.05, gate=gates.adam_metric, law=laws.held(0.9)),
    "recommended": vradam.recommended(steps=1000, alpha0=0.01),
    "VRMomentum": vradam.VRMomentum(alpha0=0.1, alpha1=np.inf),
    "Adam": vradam.Adam(alpha0=0.01),
    "AdamW": vradam.AdamW(alpha0=0.01, weight_decay=0.1),
    "RMSProp": vradam.RMSProp(alpha0=0.01),
    "HeavyBall": vradam.HeavyBall(alpha0=0.05),
    "GradientDescent": vradam.GradientDescent(alpha0=0.05, weight_decay=0.1),
    "schedule": vradam.VRAdam(alpha0=vradam.schedules.InverseSqrt(alpha0=0.1)),
    "schedule per run": vradam.VRAdam(alpha0=lambda t: np.geomspace(1e-3, 1e-2, 20) / t**0.25),
}
#: What is fused in other ways than the rest: compared for longer, and piece by piece by default.
FUSED = {"published", "inside", "per_coordinate", "held per run", "Adam's metric, momentum", "schedule per run"}
NOISES = {
    "none": None,
    "gaussian": noise.gaussian(0.2),
    "truncated": noise.gaussian(0.2, bound=0.3),
    "two_point": noise.two_point(0.2, 0.3),
    "uniform": noise.uniform(0.4),
}
LAWS = ["gaussian", "gaussian", "truncated", "two_point", "uniform"]  # at rest Adam would divide rounding errors
START = np.random.default_rng(1).normal(size=(20, 3))


def agree(optimizer, objective, law, steps=300, state=None, x0=START):
    """Run both engines and compare everything they record, relative to the largest value of each series."""
    plan = checked_plan(optimizer, objective, x0, steps, law, 3, 100, False, state)
    reference, compiled = run_numpy(plan), lanes.run(plan)
    np.testing.assert_array_equal(reference.diverged_at, compiled.diverged_at)
    for name in ("x", "value", "grad_norm", "learning_rate", "mean_grad_norm_squared"):
        one, other = getattr(reference, name), getattr(compiled, name)
        size = np.abs(one[np.isfinite(one)]).max()
        np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-12 * size, err_msg=name)
    assert reference.final_state.step == compiled.final_state.step
    sound = reference.diverged_at < 0
    slope = max(1.0, reference.grad_norm[sound].max())
    for one, other in zip(reference.final_state[:3], compiled.final_state[:3], strict=True):
        np.testing.assert_allclose(other[sound], one[sound], rtol=1e-11, atol=1e-12 * slope)
    return reference


@pytest.mark.parametrize(("name", "law"), list(zip(OPTIMIZERS, cycle(LAWS), strict=False)))
def test_every_optimizer_and_every_noise_is_the_reference(name, law):
    agree(OPTIMIZERS[name], OBJECTIVES["log_cosh"], NOISES[law], 1000 if name in FUSED else 300)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_is_the_reference(name):
    objective = OBJECTIVES[name]
    centre = {"ackley": 4.0}.get(name, 0.0) if objective.start is None else objective.start  # not into a cone
    x0 = centre + 0.15 * np.random.default_rng(4).normal(size=(20, objective.dim))
    smooth = vradam.VRMomentum(alpha0=1e-3)  # where Adam's small denominators would make the end of a run chaotic
    agree(smooth if name in ("rastrigin", "ackley") else OPTIMIZERS["published"], objective, None, 500, x0=x0)


@pytest.mark.parametrize("steps", [200, 1000])
def test_minibatches_are_the_reference(steps):
    """Up to 256 steps the theorem's mean takes the full gradient at every step, beyond at draws of tau."""
    objective = OBJECTIVES["logistic_regression"]
    x0 = np.random.default_rng(4).normal(size=(20, objective.dim))
    agree(OPTIMIZERS["VRMomentum"], objective, noise.minibatch(3), steps=steps, x0=x0)


@pytest.mark.parametrize("name", ["proof form", "held per run", "recommended"])
def test_a_run_continued_from_a_state_is_the_reference(name):
    optimizer, objective = OPTIMIZERS[name], OBJECTIVES["log_cosh"]
    first = agree(optimizer, objective, NOISES["gaussian"])
    agree(optimizer, objective, NOISES["gaussian"], state=first.final_state, x0=first.final_x)


def test_hyper_parameters_differ_from_lane_to_lane_and_divergence_is_recorded_alone():
    optimizer = vradam.HeavyBall(alpha0=np.linspace(0.1, 9, 20))
    run = agree(optimizer, OBJECTIVES["quadratic"], None, steps=1000)
    assert (run.diverged_at > 0).any() and (run.diverged_at < 0).any()


def either_way(optimizer, objective, law, monkeypatch):
    """The bits of a run, some recorded and flushed and some diverging, whose steps are made of pieces or fused."""
    x0 = np.random.default_rng(6).normal(size=(20, objective.dim))
    x0[3] = 1e160
    plan = checked_plan(optimizer, objective, x0, 150, law, 3, 7, False)
    runs = []
    for worth in (np.inf, 0):
        monkeypatch.setattr(lanes, "WORTH_FUSING", worth)
        runs.append(lanes.run(plan))
    one, other = runs
    for name in ("x", "learning_rate", "mean_grad_norm_squared", "diverged_at"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for mine, theirs in zip(one.final_state[:3], other.final_state[:3], strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("name", "law"),
    [
        pytest.param(name, law, marks=() if name in FUSED else pytest.mark.slow)
        for name, law in zip(OPTIMIZERS, cycle(LAWS), strict=False)
    ],
)
def test_fused_steps_have_the_bits_of_their_pieces_for_every_optimizer(name, law, monkeypatch):
    either_way(OPTIMIZERS[name], OBJECTIVES["log_cosh"], NOISES[law], monkeypatch)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("rosenbrock", "log_cosh") else pytest.mark.slow)  # two and one sweep
        for name in OBJECTIVES
    ],
)
def test_fused_steps_have_the_bits_of_their_pieces_for_every_objective(name, monkeypatch):
    either_way(OPTIMIZERS["published"], OBJECTIVES[name], None, monkeypatch)


def test_what_has_much_to_do_is_fused(monkeypatch):
    """Over all calls with the same combination: 25 (64 3 + 128) in one of them."""
    asked = []
    monkeypatch.setattr(lanes, "assembled", lambda what, fused: asked.append(fused) or assembled(what, fused))
    monkeypatch.setattr(lanes, "WORTH_FUSING", 10_000)
    monkeypatch.setattr(lanes, "_taken", Counter())
    for objective in ("log_cosh", "log_cosh", "log_cosh", "quadratic"):  # of three dimensions
        lanes.run(checked_plan(OPTIMIZERS["published"], OBJECTIVES[objective], np.ones(3), 25, None, 3, 0, False))
    assert asked == [False, True, True, False]


def test_what_was_compiled_before_is_fused_sooner(monkeypatch):
    plan = checked_plan(OPTIMIZERS["published"], OBJECTIVES["log_cosh"], np.ones(3), 25, None, 3, 0, False)
    asked = []
    monkeypatch.setattr(lanes, "assembled", lambda what, fused: asked.append(fused) or assembled(what, fused))
    monkeypatch.setattr(lanes, "WORTH_LOADING", 10_000)
    monkeypatch.setattr(lanes, "WORTH_FUSING", 10**9)
    for on_disk in (False, True):
        monkeypatch.setattr(lanes, "sweep_on_disk", lambda what, answer=on_disk: answer)
        monkeypatch.setattr(lanes, "_taken", Counter())
        for _ in range(2):
            lanes.run(plan)
    assert asked == [False, False, False, True]


@pytest.mark.parametrize("name", ["published", "inside", "held per run", "schedule per run", "proof form"])
def test_bits_do_not_depend_on_how_often_the_progress_is_looked_at(name, monkeypatch):
    """Between two looks a tile is put down and taken up, with a run that has diverged and stays at rest."""
    objective = OBJECTIVES["rosenbrock"]
    x0 = np.random.default_rng(6).normal(size=(20, objective.dim))
    x0[3] = 1e160
    plan, runs = checked_plan(OPTIMIZERS[name], objective, x0, 150, NOISES["gaussian"], 3, 7, False), []
    for numbers in (lanes.CHUNK, 1):
        monkeypatch.setattr(lanes, "CHUNK", numbers)
        runs.append(lanes.run(plan))
    assert (runs[0].diverged_at >= 0).sum() == 1 and not runs[0].final_state.velocity[3].any()
    for field in ("x", "learning_rate", "mean_grad_norm_squared", "diverged_at"):
        np.testing.assert_array_equal(*(getattr(run, field) for run in runs), err_msg=field)
    for mine, theirs in zip(runs[0].final_state[:3], runs[1].final_state[:3], strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(("threads", "law"), [(1, "gaussian"), (2, "truncated"), (4, "gaussian")])
def test_bits_do_not_depend_on_threads_tiles_or_batches(threads, law, monkeypatch):
    """150 runs are three tiles, the last one not full; every split of the batch, in tiles of every width, gives the
    same bits."""
    optimizer = vradam.VRAdam(alpha0=0.01, beta3=5.0)
    objective, law = OBJECTIVES["log_cosh"], NOISES[law]
    x0 = np.random.default_rng(2).normal(size=(150, 3))
    seeds = np.arange(150)
    whole = lanes.run(checked_plan(optimizer, objective, x0, 200, law, seeds, 50, False), threads)
    monkeypatch.setattr(lanes, "WORTH_A_WIDTH", 0)
    widths = []
    for some in (slice(0, 1), slice(3, 12), slice(60, 70), slice(100, 150)):
        widths.append(lanes.tile_width(len(x0[some]), 600))
        part = lanes.run(checked_plan(optimizer, objective, x0[some], 200, law, seeds[some], 50, False), 1)
        np.testing.assert_array_equal(part.x, whole.x[some])
        np.testing.assert_array_equal(part.learning_rate, whole.learning_rate[some])
        np.testing.assert_array_equal(part.mean_grad_norm_squared, whole.mean_grad_norm_squared[some])
    assert widths == [1, 16, 16, 64]


def test_a_wrong_kernel_is_refused():
    objective = OBJECTIVES["log_cosh"]
    wrong = replace(objective, kernel=objective.kernel._replace(parameters=objective.kernel.parameters * 1.02))
    with pytest.raises(ValueError, match="the compiled gradient of log_cosh must equal its NumPy gradient"):
        vradam.simulate(OPTIMIZERS["published"], wrong, START, 10, engine="compiled")


def blind_log_cosh(x_i, scale, curvature, p2, p3):
    return curvature * scale * tanh(x_i / scale)


def test_a_kernel_that_hides_divergence_is_refused():
    objective = OBJECTIVES["log_cosh"]
    wrong = replace(objective, kernel=objective.kernel._replace(form=blind_log_cosh))
    with pytest.raises(ValueError, match="the compiled gradient of log_cosh must not be finite where x is not"):
        vradam.simulate(OPTIMIZERS["published"], wrong, START, 10, engine="compiled")


def test_what_the_engine_cannot_run_is_refused_by_name_or_left_to_numpy(monkeypatch):
    known = objectives.rosenbrock(2)
    unknown = replace(known, kernel=None)
    with pytest.raises(ValueError, match="engine must not be 'compiled' for VRAdam on rosenbrock"):
        vradam.simulate(vradam.VRAdam(), unknown, [1.0, 2.0], 10, engine="compiled")
    monkeypatch.setattr(simulation, "WORTH_COMPILING", 0)
    for objective, engine in ((known, "compiled"), (unknown, "numpy")):
        plan = checked_plan(vradam.VRAdam(), objective, [1.0, 2.0], 10, None, 3, 0, False)
        assert simulation.chosen_engine("auto", plan) == engine
    assert vradam.simulate(vradam.VRAdam(), unknown, [1.0, 2.0], 10, every=0).diverged_at == -1


def test_a_smoothed_energy_that_overflows_saturates_the_gate_and_diverges_nothing():
    """u_t/(1 - beta_g^t) beyond the largest float: with beta3 = 0 the gate stays open, on both engines."""
    optimizer = vradam.VRAdam(alpha0=0.01, beta3=0.0, gate_decay=0.9)
    runs = [
        vradam.simulate(optimizer, objectives.quadratic([1.0, 3.0, 0.2]), np.full(3, 1e200), 20, engine=engine)
        for engine in ("numpy", "compiled")
    ]
    assert all(run.diverged_at == -1 for run in runs)
    np.testing.assert_allclose(runs[0].x, runs[1].x, rtol=1e-12)


def test_a_run_alone_is_compiled_too():
    """No batch at all: shapes without leading axes, and the numbers of the same run in a batch."""
    bowl, optimizer = objectives.quadratic([1.0, 3.0, 0.2]), vradam.VRAdam(alpha0=0.01, gate_decay=0.9)
    alone = vradam.simulate(optimizer, bowl, np.ones(3), 20, engine="compiled")
    batch = vradam.simulate(optimizer, bowl, np.ones((1, 3)), 20, engine="compiled")
    assert alone.x.shape == (21, 3) and alone.diverged_at.shape == alone.mean_grad_norm_squared.shape == ()
    assert np.array_equal(alone.x, batch.x[0]) and alone.final_state.kinetic == batch.final_state.kinetic[0]
