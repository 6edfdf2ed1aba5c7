"""The tasks: their data and trivial baselines, the protocol on a task of known answer, the statistics, the verdict."""

import numpy as np
import pytest
import xarray as xr

import vradam
from experiments.measurement.comparison import FACTORS, holm, paired, profile, tail_gain, time_to
from experiments.measurement.planting import plantings
from experiments.measurement.verdict import verdict
from experiments.studies.tasks import OPTIMIZERS, Setup, setting
from experiments.studies.tasks.data import CONTEXT, SPLIT, SYMBOLS, digits, grid, text, uniform_sampler, unigram_entropy
from experiments.studies.tasks.judgement import RIVALS, by_task, confrontation
from experiments.studies.tasks.protocol import CONTENDERS, SHARED, scheduled, train, trials

# ---------------------------------------------------------------- data


def test_the_three_parts_of_the_digits_share_no_row_and_depend_on_the_seed_alone():
    parts, again, other = digits(0), digits.__wrapped__(0), digits(1)
    assert tuple(len(part.labels) for part in parts.values()) == SPLIT
    whole = np.concatenate([part.images.reshape(-1, 64) for part in parts.values()])
    everything = np.concatenate([part.images.reshape(-1, 64) for part in other.values()])
    np.testing.assert_array_equal(np.sort(whole.sum(axis=1)), np.sort(everything.sum(axis=1)))
    np.testing.assert_array_equal(parts["test"].labels, again["test"].labels)
    assert (parts["test"].labels != other["test"].labels).any()


def test_windows_of_the_text_come_from_their_own_part():
    found = text()
    assert found.train.max() < SYMBOLS and found.train.min() == 0
    assert found.validation.shape == found.test.shape and found.test.shape[1] == CONTEXT + 1
    assert np.bincount(found.train, minlength=SYMBOLS)[:-1].argmax() == 0  # the most frequent symbol comes first


def test_the_unigram_baseline_is_above_the_entropy_of_what_it_is_asked():
    asked = text().validation[:, 1:]
    share = np.bincount(asked.ravel(), minlength=SYMBOLS) / asked.size
    entropy = -(share[share > 0] * np.log(share[share > 0])).sum()
    assert entropy < unigram_entropy() < np.log(SYMBOLS)


@pytest.mark.parametrize(("dims", "side"), [(1, 8), (2, 16), (4, 4)])
def test_modes_lie_in_every_corner_alike(dims, side):
    place = grid(dims, side)
    assert place.target.sum() == pytest.approx(1)
    modes = place.coordinates[place.modes]
    upper = modes > (side - 1) / 2
    corners, counts = np.unique(upper, axis=0, return_counts=True)
    assert len(corners) == 2**dims and len(set(counts.tolist())) == 1
    assert 0 < uniform_sampler(place) < 2


@pytest.mark.parametrize(("dims", "side"), [(0, 8), (2, 1)])
def test_a_grid_without_extent_is_refused(dims, side):
    with pytest.raises(ValueError, match="dims must be >= 1 and side >= 2"):
        grid(dims, side)


# ---------------------------------------------------------------- protocol


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_trials_fill_every_sixteenth_of_every_logarithmic_range_once(name):
    contender = CONTENDERS[name]
    found = trials(contender, 16, seed=3)
    assert set(found) == set(contender.space)
    for key, (low, high) in contender.space.items():
        place = np.log(found[key] / low) / np.log(high / low)
        np.testing.assert_array_equal(np.sort(np.floor(16 * place)), np.arange(16))


def test_every_optimizer_searches_as_many_decades_and_equal_spaces_have_equal_trials():
    assert {round(np.log10(c.rates[1] / c.rates[0]), 1) for c in CONTENDERS.values()} == {2.5}
    adamw, gated = (trials(CONTENDERS[name], 16, 0) for name in ("AdamW", "VRAdam, default gate"))
    assert all((adamw[key] == gated[key]).all() for key in adamw) and adamw.keys() == gated.keys()
    assert set(trials(CONTENDERS["VRAdam"], 4, 0)) == {"alpha0", *SHARED}


def test_the_rate_warms_up_over_a_twentieth_then_falls_to_zero():
    rate = scheduled(CONTENDERS["Adam"], {"alpha0": 0.1}, 200).alpha0
    assert rate(10) == pytest.approx(0.1) and rate(5) == pytest.approx(0.05)
    assert rate(105) < rate(50) and rate(200) < 1e-4
    assert scheduled(CONTENDERS["Adam"], {"alpha0": 0.1}, 200, constant=True).alpha0(150) == 0.1


def test_the_smoothed_contender_smooths_with_beta2():
    assert scheduled(CONTENDERS["VRAdam, smoothed gate"], {"alpha0": 0.1}, 10).gate_decay == vradam.Adam().beta2


class Bowl:
    """x^2/2 from minibatch centres: the gradient is x - centre."""

    dim = 3

    def init(self, seed):
        return np.random.default_rng(seed).normal(size=self.dim).astype(np.float32)

    def draw(self, rng, n):
        return rng.normal(size=(n, self.dim)).astype(np.float32)

    @staticmethod
    def gradients(x, batch):
        return ((x - batch) ** 2).sum(axis=1) / 2, x - batch

    @staticmethod
    def scores(part):
        return lambda x: {"loss": (x**2).sum(axis=1), "second": x[:, 0]}


def bowl_run(optimizer, seeds, steps=40, **options):
    return train(Bowl(), Bowl.gradients, Bowl.scores, optimizer, np.array(seeds), steps, **options)


def test_training_is_the_loop_that_a_user_would_write():
    optimizer = vradam.VRAdam(alpha0=0.05, beta3=2.0, weight_decay=0.1)
    found = bowl_run(optimizer, [4, 9])
    for row, seed in enumerate((4, 9)):
        x, rng = Bowl().init(seed), np.random.default_rng([seed, 2])
        state, openings, losses = optimizer.init(x), [], []
        for centre in rng.normal(size=(50, 3)).astype(np.float32)[:40]:
            losses.append(((x - centre) ** 2).sum() / 2)
            x, state = optimizer.step(x, x - centre, state)
            openings.append(float(optimizer.learning_rate(state)) / 0.05)
        assert float(found.test_loss[row]) == pytest.approx(float((x**2).sum()), rel=1e-5)
        np.testing.assert_allclose(found.early_opening[:, row], openings, rtol=1e-6)
        np.testing.assert_allclose(found.training[:, row], np.mean(np.reshape(losses, (20, 2)), axis=1), rtol=1e-5)
        assert float(found.excess_max[row]) == pytest.approx(1 / min(openings) - 1)
    assert found.validation.shape == (21, 2) and (found.diverged_at == -1).all()


def test_runs_of_one_seed_differ_by_their_hyper_parameters_alone():
    rates = np.array([0.01, 0.1, 0.01])
    found = bowl_run(vradam.AdamW(alpha0=rates), [2, 2, 2])
    assert float(found.test_loss[0]) == float(found.test_loss[2]) != float(found.test_loss[1])


def test_a_loss_that_is_nan_is_a_divergence_at_its_step():
    def gradients(x, batch):
        losses, grad = Bowl.gradients(x, batch)
        gradients.calls += 1
        return np.where([False, gradients.calls == 7], np.nan, losses), grad

    gradients.calls = 0
    found = train(Bowl(), gradients, Bowl.scores, vradam.Adam(alpha0=0.1), np.array([0, 1]), 40)
    assert found.diverged_at.values.tolist() == [-1, 7]
    assert np.isnan(found.test_loss[1]) and np.isfinite(found.test_loss[0])
    assert np.isfinite(found.validation[:3, 1]).all() and np.isnan(found.validation[4:, 1]).all()


def test_a_gradient_of_the_wrong_shape_is_refused_at_the_first_step():
    with pytest.raises(ValueError, match=r"shape \(1, 3\) of the parameters, got \(1, 2\)"):
        train(Bowl(), lambda x, batch: (np.zeros(1), x[:, :2]), Bowl.scores, vradam.Adam(), np.array([0]), 40)


def test_adam_does_not_see_the_scale_of_gradients_and_the_gate_does():
    scale = np.array([1.0, 100.0])
    adam = bowl_run(vradam.AdamW(alpha0=0.05), [5, 5], scale=scale).test_loss.values
    assert adam[1] == pytest.approx(adam[0], rel=1e-3)
    gated = bowl_run(vradam.VRAdam(alpha0=0.05), [5, 5], scale=scale)
    assert float(gated.clipped[1]) == 1 and gated.opening[:, 1].values == pytest.approx(1 / 11)
    assert float(gated.opening[:, 0].min()) > 0.3


def test_the_setting_is_that_of_the_best_finite_trial():
    losses = np.array([[3.0, 2.0, np.nan, 2.5]])
    searched = xr.Dataset(
        {
            "validation": (("check", "run"), losses),
            "hyper_alpha0": ("run", [0.1, 0.2, 0.3, 0.4]),
            "other": ("run", [0] * 4),
        }
    )
    assert setting(searched) == {"alpha0": 0.2}


@pytest.mark.parametrize("options", [{"tasks": ("mlp",), "steps": (1, 2)}, {"tasks": ("nothing",), "steps": (1,)}])
def test_a_setup_that_names_no_task_is_refused(options):
    with pytest.raises(ValueError, match="must be"):
        Setup(**options)


# ---------------------------------------------------------------- statistics


def test_the_paired_ratio_is_found_where_the_spread_between_seeds_is_far_larger():
    rng = np.random.default_rng(0)
    common = np.exp(rng.normal(size=40))
    ours, theirs = 0.9 * common * np.exp(0.02 * rng.normal(size=40)), common
    found, swapped = paired(ours, theirs), paired(theirs, ours)
    assert found.low < 0.9 < found.high < 1 and found.p < 1e-6 and found.effect < -2
    assert found.ratio * swapped.ratio == pytest.approx(1) and swapped.effect == pytest.approx(-found.effect)
    assert paired(ours, theirs, level=0.999).high > found.high
    assert paired(common, common)[:2] == (1.0, 1.0) and paired(common, common).p == 1


@pytest.mark.parametrize("bad", [[1.0, 0.0], [1.0, np.inf], [1.0]])
def test_losses_that_have_no_ratio_are_refused(bad):
    with pytest.raises(ValueError, match="losses must"):
        paired(bad, [1.0, 2.0])


def test_holm_rejects_what_stepping_down_by_hand_rejects():
    p = np.random.default_rng(0).random((4, 5)) ** 4
    ranked = np.sort(p.ravel())
    rejected = 0
    while rejected < p.size and ranked[rejected] < 0.05 / (p.size - rejected):
        rejected += 1
    assert (holm(p) < 0.05).sum() == rejected and (holm(p) >= p).all()


def test_profiles_times_and_widths_of_curves_known_by_hand():
    losses = np.array([[1.0, 2.0, 1.0], [2.0, 1.0, np.inf]])
    share = profile(losses)
    assert share[:, 0].tolist() == [2 / 3, 1 / 3] and share[:, -1].tolist() == [1.0, 2 / 3]
    assert share[0, np.searchsorted(FACTORS, 1.99)] == 2 / 3 or FACTORS[np.searchsorted(FACTORS, 1.99)] >= 2
    curves = np.array([[3.0, 3.0], [2.0, 3.0], [1.0, 2.5]])
    assert time_to(2.0, curves, np.array([0, 10, 20])).tolist() == [10, np.inf]
    assert tail_gain(np.linspace(2, 1, 21)) == pytest.approx(1 - 1 / 1.1)


def test_a_loss_that_falls_to_zero_settles_in_units_of_another_loss_alone():
    steps = np.arange(1, 22.0)
    for power in (1, 4, 16):
        assert tail_gain(1 + steps**-power) < tail_gain(steps**-power) == pytest.approx(1 - (19 / 21) ** power)
    assert tail_gain(7 * steps**-2, unit=7.0) == pytest.approx(19**-2 - 21**-2)


# ---------------------------------------------------------------- verdict


def planted_runs(factors, seeds=30, counts=(True, True), spread=0.02, strict=(True, True)):
    """Scores over (task, optimizer, seed): a loss of the seed times a factor per optimizer and half."""
    rng = np.random.default_rng(0)
    common = np.exp(rng.normal(size=(2, 1, 2 * seeds)))
    scores = common * np.exp(spread * rng.normal(size=(2, len(OPTIMIZERS), 2 * seeds)))
    for name, (first, second) in factors.items():
        scores[:, OPTIMIZERS.index(name)] *= np.repeat([first, second], seeds)
    return xr.Dataset(
        {
            "score": (("task", "optimizer", "seed"), scores),
            "counts": ("task", list(counts)),
            "strict": ("task", list(strict)),
            "excess_max": (("task", "optimizer"), np.full((2, len(OPTIMIZERS)), 0.5)),
            "dip": (("task", "optimizer", "seed"), np.full(scores.shape, 0.5)),
            "returned": (("task", "optimizer", "seed"), np.full(scores.shape, 0.9)),
        },
        coords={"task": ["one", "two"], "optimizer": list(OPTIMIZERS)},
    )


def judged(runs):
    from experiments.studies.tasks import comparisons

    found = confrontation(runs, comparisons(runs))
    return verdict("empirical", found), found


ALL_WORSE = dict.fromkeys(RIVALS, (1.2, 1.2))


def test_better_than_every_rival_twice_is_reproduced_and_an_error_would_be_seen():
    word, found = judged(planted_runs(ALL_WORSE))
    assert word == "reproduced" and "better in 8 and worse in 0" in found.note
    assert found.reported[0].points[0].low == 1.0 and found.reported[0].n == 240
    assert all(verdict("empirical", wrong) == "inconclusive" for _, wrong in plantings(found))


def test_one_rival_that_is_better_does_not_decide_for_the_family():
    runs = planted_runs(ALL_WORSE | {"RAdam": (0.8, 0.8)})
    word, found = judged(runs)
    point = found.reported[0].points[0]
    assert word == "reproduced" and (point.low, point.measured, point.high) == (0.75, 0.75, 0.75)


def test_worse_in_half_of_the_family_twice_is_not_reproduced():
    worse = dict.fromkeys(RIVALS[:2], (0.8, 0.8))
    runs = planted_runs(ALL_WORSE | worse)
    assert judged(runs)[0] == "not reproduced" and set(by_task(runs).values()) == {"not reproduced"}


@pytest.mark.parametrize(
    "factors",
    [
        {},
        dict.fromkeys(RIVALS[:2], (1.2, 1.2)),
        ALL_WORSE | dict.fromkeys(RIVALS[:2], (0.8, 1.2)),
        ALL_WORSE | dict.fromkeys(RIVALS[:2], (1.2, 0.8)),
    ],
)
def test_half_of_the_family_or_what_does_not_replicate_is_inconclusive(factors):
    assert judged(planted_runs(factors))[0] == "inconclusive"


def test_optimizers_that_the_claim_does_not_name_do_not_decide():
    assert judged(planted_runs(ALL_WORSE | {"Lion": (0.5, 0.5)}))[0] == "reproduced"


def test_tasks_that_do_not_count_do_not_decide():
    runs = planted_runs(ALL_WORSE, counts=(True, False))
    runs.score[1] *= np.where(np.arange(len(OPTIMIZERS)) == OPTIMIZERS.index("VRAdam"), 10.0, 1.0)[:, None]
    assert judged(runs)[0] == "reproduced" and by_task(runs)["two"] == "inconclusive"
    assert judged(planted_runs(ALL_WORSE, counts=(False, False)))[0] == "inconclusive"


def test_what_the_stricter_reading_of_a_plateau_says_is_in_the_note():
    runs = planted_runs(ALL_WORSE | dict.fromkeys(RIVALS[:2], (0.8, 0.8)), strict=(True, False))
    runs.score[0] *= np.where(np.arange(len(OPTIMIZERS)) == OPTIMIZERS.index("VRAdam"), 0.5, 1.0)[:, None]
    word, found = judged(runs)
    assert "The 1 whose loss also gains less than 1 % of itself alone: reproduced" in found.note
    assert word != "not reproduced" and "whose loss also" not in judged(planted_runs(ALL_WORSE))[1].note
