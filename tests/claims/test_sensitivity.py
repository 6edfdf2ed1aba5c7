"""Sensitivity: widths with a known answer, profiles computed by hand, equal budgets, no dependence on units."""

from dataclasses import replace

import numpy as np
import pytest

import vradam
from experiments.measurement.comparison import profile, profile_interval, width
from experiments.store.chunks import Chunks
from experiments.studies import sensitivity
from experiments.studies.sensitivity import landscapes
from experiments.studies.sensitivity.steps_to_target import (
    Family,
    StepsTo,
    Task,
    measure,
    optimizer,
    posed,
    resampled_medians,
)
from vradam import problems

SMALL = replace(
    sensitivity.DEFAULT,
    tasks=(Task(problems.NARROW_QUADRATIC, steps=60), Task(problems.HIMMELBLAU, steps=60)),
    alpha0=(-3.0, 1.0, 5),
    seeds=(2, 3),
    map_tasks=(Task(problems.HIMMELBLAU, steps=40),),
    landscapes=(),
)


@pytest.fixture(scope="module")
def small():
    return sensitivity.run(SMALL, Chunks()).data


def test_the_width_of_a_wedge_is_two_factors():
    """steps = max(a/alpha, alpha/a): within a factor f of the best over 2 log10 f decades, wherever the best is."""
    alpha0 = np.logspace(-3, 3, 6001)
    for centre in (0.1, 1.0, 20.0):
        steps = np.maximum(centre / alpha0, alpha0 / centre)
        for factor in (1.5, 2.0, 10.0):
            assert width(alpha0, steps, factor=factor) == pytest.approx(2 * np.log10(factor), abs=1e-3)


def test_the_width_of_the_heavy_ball_on_a_quadratic():
    """The larger root of z^2 - (1 + beta1 - S) z + beta1 has modulus r; where the roots are real S = 1 + beta1 -+ (r +
    beta1/r), and between them r = sqrt(beta1) is the best. Twice the best steps is r = beta1^(1/4)."""
    beta1, tolerance = 0.81, 1e-60
    r = beta1**0.25
    low, high = (1 + beta1 + sign * (r + beta1 / r) for sign in (-1, 1))
    alpha0 = np.geomspace(low / 4, 2 * (1 + beta1) * 0.9999, 800)
    path = vradam.simulate(
        vradam.HeavyBall(alpha0=alpha0, beta1=beta1), vradam.objectives.quadratic([1.0]), [1.0], 3000, progress=False
    )
    steps = StepsTo(0.5 * tolerance**2)(path)
    assert width(alpha0, steps) == pytest.approx(np.log10(high / low), rel=0.02)


def test_the_width_of_gradient_descent_on_a_quadratic():
    """|1 - S|^t: between 1/e-folds the steps are log(1/tolerance)/|log|1 - S||; against a given reference of 10 steps a
    factor 2 needs |1 - S| <= tolerance^(1/20)."""
    tolerance = 1e-4
    alpha0 = np.geomspace(1e-3, 1.9999, 4000)
    path = vradam.simulate(
        vradam.GradientDescent(alpha0=alpha0), vradam.objectives.quadratic([1.0]), [1.0], 400, progress=False
    )
    steps = StepsTo(0.5 * tolerance**2 * (1 + 1e-9))(path)
    r = tolerance ** (1 / 20)
    assert width(alpha0, steps, reference=10.0) == pytest.approx(np.log10((1 + r) / (1 - r)), abs=2e-3)


def test_a_width_depends_neither_on_units_nor_on_failures_elsewhere():
    rng = np.random.default_rng(1)
    alpha0, steps = np.logspace(-2, 1, 13), rng.uniform(10, 60, size=(5, 13))
    expected = width(alpha0, steps)
    np.testing.assert_allclose(width(7.3 * alpha0, steps), expected, rtol=1e-12)
    np.testing.assert_allclose(width(alpha0, 3.1 * steps), expected, rtol=1e-12)
    np.testing.assert_allclose(width(1 / alpha0[::-1], steps[:, ::-1]), expected, rtol=1e-12)
    longer = np.concatenate([steps, np.full((5, 2), np.inf)], axis=-1)
    np.testing.assert_allclose(width(np.append(alpha0, [20.0, 40.0]), longer), expected, rtol=1e-12)
    assert (width(alpha0, steps, factor=3.0) >= expected).all() and (expected > 0).all()
    assert width(alpha0, np.full(13, np.inf)) == 0
    assert width([1.0, 10.0, 1000.0], np.array([5.0, 5.0, np.inf])) == 1.0


def test_steps_to_the_target_count_from_the_start():
    """Gradient descent at alpha0 = 1/2 halves x: F = x^2/2 falls below 2^-9 at step 4; at alpha0 = 3 never."""
    path = vradam.simulate(
        vradam.GradientDescent(alpha0=np.array([0.5, 3.0])), vradam.objectives.quadratic([1.0]), [1.0], 10
    )
    assert StepsTo(2.0**-9)(path).tolist() == [4, np.inf]
    assert StepsTo(2.0**-9 * (1 - 1e-12))(path).tolist() == [5, np.inf]


@pytest.mark.parametrize("every", [1, 5])
def test_a_target_must_be_held(every):
    """cos^2 of the phase of an undamped oscillation passes through zero without staying; with friction it stays, from
    the last crossing of the level on."""
    friction = np.array([0.5, 0.999999])
    path = vradam.simulate(
        vradam.HeavyBall(alpha0=0.01, beta1=friction), vradam.objectives.quadratic([1.0]), [1.0], 600, every=every
    )
    assert (StepsTo(0.01)(path) < 600).all()
    settled = StepsTo(0.01, 100)(path)
    assert settled[1] == np.inf
    last = path.step[np.flatnonzero(path.value[0] > 0.01).max()]
    assert settled[0] == last + every
    assert StepsTo(0.01, 601)(path).tolist() == [np.inf, np.inf]


def test_a_profile_by_hand():
    """Three problems: A wins the first by 3, B the second by 2, nobody solves the last but A."""
    steps = np.array([[10.0, 40.0, 7.0], [30.0, 20.0, np.inf]])
    share = profile(steps, [1, 1.9, 2, 3, 100])
    np.testing.assert_allclose(share * 3, [[2, 2, 3, 3, 3], [1, 1, 1, 2, 2]])
    np.testing.assert_allclose(profile(np.full((2, 4), np.inf), [1, 5]), 0)


def test_a_profile_does_not_depend_on_units_or_order():
    rng = np.random.default_rng(2)
    steps = rng.uniform(1, 100, size=(4, 12))
    steps[rng.random(steps.shape) < 0.2] = np.inf
    ratios = np.geomspace(1, 50, 20)
    share = profile(steps, ratios)
    np.testing.assert_array_equal(profile(steps * 2.0 ** rng.integers(-3, 4, size=12), ratios), share)
    order = rng.permutation(12)
    np.testing.assert_array_equal(profile(steps[:, order], ratios), share)
    assert (np.diff(share, axis=-1) >= 0).all() and share[:, 0].sum() >= np.isfinite(steps).any(axis=0).mean()
    np.testing.assert_allclose(profile(steps, [1e9])[:, 0], np.isfinite(steps).mean(axis=1))


def test_the_interval_of_a_profile_shrinks_to_a_certainty():
    """Where every objective and seed has the same ratio, resampling changes nothing; otherwise it holds the share."""
    same = np.stack([np.full((4, 5), 10.0), np.full((4, 5), 25.0)])
    low, high = profile_interval(same, [1, 2, 3], 0, resamples=20)
    np.testing.assert_array_equal(low, [[1, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(high, low)
    mixed = np.random.default_rng(3).uniform(1, 10, size=(3, 6, 8))
    low, high = profile_interval(mixed, [1, 2, 4], 0, resamples=200)
    share = profile(mixed.reshape(3, -1), [1, 2, 4])
    assert ((low <= share) & (share <= high)).all() and (high - low).max() > 0.05


def test_resampled_medians_draw_the_same_seeds_everywhere():
    values = np.random.default_rng(4).normal(size=(3, 9))
    found = resampled_medians(np.stack([values, values + 5]), 0, 50)
    np.testing.assert_allclose(found[:, 1], found[:, 0] + 5)
    assert found.shape == (50, 2, 3) and np.isin(found[:, 0, 0], values[0]).all()


@pytest.mark.parametrize("setup", [sensitivity.DEFAULT, sensitivity.PAPER], ids=["default", "paper"])
def test_every_family_has_the_same_budget(setup):
    """Among the optimizers, and among the forms of the gate: as many settings, over the same alpha0 and seeds."""
    for group in (setup.optimizers, setup.forms):
        assert len({len(set(family.settings)) for family in group}) == 1
        assert all(family.default in family.settings for family in group)
    assert len({family.name for family in setup.optimizers + setup.forms}) == len(setup.optimizers + setup.forms)


def test_unequal_budgets_are_refused():
    unequal = (Family("a", "Adam", (("beta1", (0.5, 0.9)),), (0.9,)), Family("b", "Adam", (("beta1", (0.9,)),), (0.9,)))
    with pytest.raises(ValueError, match="same number of settings, got a: 2, b: 1"):
        sensitivity.run(replace(SMALL, optimizers=unequal), Chunks())


def test_the_paper_asks_enough():
    setup = sensitivity.PAPER
    assert len(setup.tasks) >= 8 and setup.seeds[1] >= 32
    assert {f"power {k}" for k in range(2, 7)} | {"per coordinate", "friction"} == {f.name for f in setup.forms}


def test_the_gate_with_no_strength_is_no_gate():
    """At beta3 = 0 the steps are those of Adam, seed for seed; as they are with a clip of 0."""
    task, alpha0 = Task(problems.BEALE, 0.01, steps=80), (0.01, 0.1, 1.0)
    adam = measure(task, Family("Adam", "Adam", (("beta1", (0.9,)),), (0.9,)), alpha0, 4, 0).steps
    for over in ((("beta3", (0.0,)),), (("alpha1", (0.0,)),)):
        family = Family("VRAdam", "VRAdam", over, (0.0,))
        np.testing.assert_array_equal(measure(task, family, alpha0, 4, 0).steps, adam)


def test_a_clipped_gate_is_a_smaller_alpha0():
    """At beta3 = 1e12 every step is clipped: alpha0 = 11 a takes the steps of Adam at alpha0 = a."""
    task = Task(problems.HIMMELBLAU, steps=80)
    gated = Family("VRAdam", "VRAdam", (("beta3", (1e12,)),), (1e12,))
    adam = Family("Adam", "Adam", (("beta1", (0.9,)),), (0.9,))
    alpha0 = (0.01, 0.1, 0.5)
    np.testing.assert_array_equal(
        measure(task, gated, tuple(11 * a for a in alpha0), 4, 0).steps, measure(task, adam, alpha0, 4, 0).steps
    )


def test_the_settings_are_where_their_labels_say():
    family = Family("AdamW", "AdamW", (("beta1", (0.5, 0.9)), ("weight_decay", (0.0, 0.1))), (0.9, 0.0))
    task, alpha0 = Task(problems.NARROW_QUADRATIC, steps=60), (0.03, 0.1)
    found = measure(task, family, alpha0, 3, 5)
    assert family.labels[family.default_setting] == "beta1=0.9, weight_decay=0"
    alone = measure(task, replace(family, over=(("beta1", (0.9,)), ("weight_decay", (0.0,)))), alpha0, 3, 5)
    np.testing.assert_array_equal(found.steps[family.default_setting], alone.steps[0])
    assert not np.array_equal(found.steps[0], alone.steps[0])


def test_every_task_starts_above_its_target_with_the_noise_it_says():
    for task in sensitivity.TASKS:
        objective, x0 = task.problem.objective, task.problem.x0
        noise, level = posed(task)
        first = float(objective.value(x0))
        assert (level - objective.minimum) / (first - objective.minimum) == pytest.approx(task.target)
        if task.problem.name != "logistic regression":
            rms = np.linalg.norm(objective.grad(x0)) / np.sqrt(objective.dim)
            assert noise.std == pytest.approx(task.noise * rms) and noise.std > 0


def test_the_gates_are_those_named():
    gates = {family.name: optimizer(family).gate for family in sensitivity.FORMS if family.optimizer == "VRAdam"}
    assert gates["power 2"] == vradam.gates.published and gates["power 5"] == vradam.gates.power(5)
    assert gates["per coordinate"] == vradam.gates.per_coordinate


def test_choosing_and_measuring_share_no_seed(small):
    """What the second seeds found does not move the choice, and the first do not move the widths at the default."""
    family = SMALL.optimizers[0]
    steps = np.random.default_rng(5).uniform(1, 50, size=(2, len(family.settings), 5, 5))
    other = steps.copy()
    other[..., 2:] += 100 * np.random.default_rng(6).random(other[..., 2:].shape)
    picked, again = (sensitivity.chosen(SMALL, family, part) for part in (steps, other))
    assert all((picked[name] == again[name]).all() for name in ("default", "tuned"))


def test_the_data_agree_with_each_other(small):
    widths, gains, medians = small["widths"], small["gains"], small["steps"]
    value = widths.sel(part="value")
    assert (widths.sel(part="low").own <= value.own + 1e-12).mean() > 0.9
    assert ((value.own >= 0) & (value.own <= 4)).all() and (value.common <= value.own + 1e-9).all()
    assert (value.lowest <= value.highest).where(np.isfinite(value.best), True).all()
    for name in ("VRAdam", "AdamW"):
        labels = medians.label.sel(family=name).values.tolist()
        place = labels.index(str(value.setting.sel(family=name, choice="default", objective="himmelblau").values))
        best = medians["median"].sel(family=name, objective="himmelblau").isel(setting=place).min()
        assert float(best) == float(value.best.sel(family=name, choice="default", objective="himmelblau"))
    own = value.own.mean("objective")
    np.testing.assert_allclose(
        gains.gain.sel(part="value", measure="own", family="VRAdam"),
        own.sel(family="VRAdam") - own.sel(family="AdamW"),
        atol=1e-12,
    )
    assert (gains.gain.sel(part="value", family=["AdamW", "friction"]) == 0).all()
    assert gains.against.values.tolist()[-1] == "friction"
    assert small["profile"].sizes["optimizer"] == len(SMALL.optimizers) and small["map"].sizes["beta3"] == 5


def test_the_gate_is_compared_with_adam_at_the_same_friction(small):
    """At the default beta1 the two parts of the dataset are one comparison, and it is that of the default widths."""
    gate, widths = small["gate"], small["widths"].own.sel(part="value", choice="default").mean("objective")
    expected = float(widths.sel(family="VRAdam") - widths.sel(family="Adam"))
    for measured in (gate.gain.sel(form="power 2", beta3=1.0), gate.gain_at_friction.sel(beta1=0.9, strength=1.0)):
        assert float(measured.sel(part="value", measure="own")) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(gate.gain.sel(part=["low", "high"])).all()  # of three objectives
    speed = float(gate.gain.sel(part="value", measure="speed", form="power 2", beta3=1.0))
    best = small["widths"].best.sel(part="value", choice="default")
    ratio = np.log2(np.minimum(best.sel(family="Adam"), 120)) - np.log2(np.minimum(best.sel(family="VRAdam"), 120))
    assert speed == pytest.approx(float(ratio.mean()), abs=1e-6)


def test_a_run_is_repeatable_and_keeps_its_chunks(tmp_path, small):
    chunks = Chunks(tmp_path, "mark")
    first = sensitivity.run(SMALL, chunks).data
    assert len(list(tmp_path.glob("*.nc"))) == 2 * len(SMALL.optimizers + SMALL.forms) + 1
    again = sensitivity.run(SMALL, chunks).data
    for name in first:
        assert first[name].equals(again[name]) and first[name].equals(small[name])


@pytest.mark.parametrize("landscape", landscapes.ALL, ids=lambda landscape: landscape.problem.name)
def test_paths_across_landscapes(landscape):
    """With the gate shut off the paths are those of momentum and AdamW; a step of momentum is eta_t |v_t| long."""
    found = landscapes.measure(replace(landscape, cells=5))
    assert found.x.isel(step=0).values.tolist() == [list(landscape.x0)] * 4
    open_ = landscapes.measure(replace(landscape, beta3=0.0, cells=5))
    np.testing.assert_array_equal(open_.x.sel(optimizer="VRMomentum"), found.x.sel(optimizer="momentum"))
    np.testing.assert_array_equal(open_.x.sel(optimizer="VRAdam"), found.x.sel(optimizer="AdamW"))
    gated = found.sel(optimizer="VRMomentum").isel(step=slice(1, None))
    speed = gated.length / (landscape.momentum_rate * gated.relative_rate)
    expected = 1 / (1 + np.minimum(landscape.beta3 * speed**2, 10.0))
    np.testing.assert_allclose(gated.relative_rate, expected, rtol=1e-6, atol=1e-6)
    assert float(found.relative_rate.sel(optimizer=["momentum", "AdamW"]).min()) == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: width([1.0, 1.0], np.ones(2)), "alpha0 must increase"),
        (lambda: width([1.0, 2.0], np.ones(2), factor=0.5), "factor must be at least 1, got 0.5"),
        (lambda: width([1.0, 2.0], np.array([0.0, 1.0])), "cost must be positive, got 0.0"),
        (lambda: Family("a", "Adam", (("beta1", (0.5,)),), (0.9,)).default_setting, "default must be one of"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
