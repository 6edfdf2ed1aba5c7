"""Opening laws and scale-free signals: what they promise, whatever the signal."""

import pickle
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

import vradam
from vradam import gates, laws
from vradam.dynamics import Batch

EDGE = 2 * (1 + 0.9) / (1 - 0.9)
SIGNALS = [form for form in gates.FORMS if form.signal is not None]
SLOW = [law for law in gates.LAWS if law is not laws.published]


def walk(optimizer, x, slope, steps):
    """The path on the gradient field ``slope(x, t)``, the learning rates and the last state."""
    state, path, rates = optimizer.init(x), [x], []
    for t in range(steps):
        x, state = optimizer.step(x, slope(x, t), state)
        path.append(x)
        rates.append(optimizer.learning_rate(state))
    return np.array(path), np.array(rates), state


@pytest.mark.parametrize("optimizer", [vradam.VRMomentum(alpha0=0.5, beta3=2.0), vradam.VRAdam(alpha0=0.5, beta3=2.0)])
def test_an_average_begins_with_the_first_signal_alone(optimizer):
    """From a memory of 0, and corrected for it: after one step the rate is that of the published law."""
    x, slope = np.array([1.0, -2.0]), np.array([0.7, 0.4])
    rates = []
    for law in (laws.published, laws.averaged(0.9)):
        one = replace(optimizer, law=law)
        rates.append(float(one.learning_rate(one.step(x, slope, one.init(x))[1])))
    assert rates[1] == pytest.approx(rates[0], rel=1e-13) and rates[0] < 0.499


def wavy(x, t):
    """Gradients that grow, shrink and turn, so that every clip and every hold is met."""
    return np.array([3.0, 0.4, 1.0]) * x + 10 ** (2 * np.sin(t / 3)) * np.cos(t + np.arange(3.0))


@pytest.mark.parametrize("form", [form for form in gates.FORMS if not form.on_gradient], ids=lambda form: form.name)
@pytest.mark.parametrize("w0", [0.0, 3.0])
def test_the_held_law_opens_no_faster_than_it_says_whatever_it_sees(form, w0):
    """1/eta_t >= g/eta_{t-1} + (1-g)/A, with equality where the signal is lower; and 0 <= w <= alpha1."""
    g, alpha1 = 0.95, 5.0
    beta3 = 1.0 if form.signal is not None and form != gates.adam_metric else 1e-3
    optimizer = vradam.VRMomentum(alpha0=0.1, alpha1=alpha1, beta3=beta3, gate=form, law=laws.held(g, w0))
    x, state, closed, waited = np.ones(3), optimizer.init(np.ones(3)), 0, 0
    memories = [np.atleast_1d(state.kinetic).ravel()]
    for t in range(200):
        x, state = optimizer.step(x, wavy(x, t), state)
        memories.append(np.atleast_1d(state.kinetic).ravel())
    for before, after in pairwise(memories):
        w, later = (part if form.per_coordinate else part[:1] for part in (before, after))
        assert (later >= g * w).all() and (later >= 0).all() and (later <= alpha1).all()
        waited += (later == g * w).any()
        closed += (later > w).any()
    assert memories[0][0] == w0 and waited > 20 and closed > 2
    rates = walk(optimizer, np.ones(3), wavy, 200)[1]
    top = 0.1 * (1 + w0)
    assert (rates <= top * (1 + 1e-15)).all() and (rates >= top / (1 + alpha1) * (1 - 1e-15)).all()
    if not form.per_coordinate:
        law = 1 / rates[1:] - g / rates[:-1] - (1 - g) / top
        assert law.min() > -1e-12 / top and abs(law).min() < 1e-12 / top


def test_a_held_gate_may_start_as_closed_as_the_clip_allows():
    """w_0 = alpha1 is the closed end of its domain: the first learning rate is alpha0."""
    optimizer = vradam.VRMomentum(alpha0=0.5, alpha1=2.0, law=laws.held(0.75, w0=2.0))
    assert float(optimizer.learning_rate(optimizer.init(np.zeros(1)))) == pytest.approx(0.5, rel=1e-15)
    with pytest.raises(ValueError, match=r"w0 must lie in \[0, alpha1\], got 2.0 with alpha1 1.99"):
        vradam.VRMomentum(alpha1=1.99, law=laws.held(0.75, w0=2.0))
    with pytest.raises(ValueError, match="w0 must lie in"):  # one of several runs
        vradam.VRMomentum(alpha1=2.0, law=laws.held(0.75, w0=np.array([1.0, 3.0])))


def test_a_name_says_a_number_or_the_ends_of_several():
    names = [laws.averaged(np.array(decays)).name for decays in ([0.5], [0.9, 0.5, 0.7], [])]
    assert names == ["averaged(0.5...0.5)", "averaged(0.5...0.9)", "averaged(no runs)"]
    assert laws.averaged(0.5).name == "averaged(0.5)"


def test_one_smoothed_run_of_several_leaves_no_room_for_another_law():
    with pytest.raises(ValueError, match="gate_decay must be 0 with the law held"):
        vradam.VRMomentum(gate_decay=np.array([0.0, 0.5]), law=laws.held(0.9))


@pytest.mark.parametrize("lacking", ["name", "start", "remember", "closing", "ceiling"])
def test_what_lacks_one_part_of_a_law_is_none(lacking):
    parts = {part: None for part in ("name", "start", "remember", "closing", "ceiling") if part != lacking}
    with pytest.raises(TypeError, match=r"law must be one of vradam\.laws"):
        vradam.VRMomentum(law=type("Nearly", (), parts)())


def test_the_held_law_in_exact_arithmetic():
    """d = 1, beta1 = 1/2, beta3 = 1, alpha1 = 2, g = 3/4, A = 3/2: rationals, by hand and by the optimizer."""
    half, g, alpha1 = Fraction(1, 2), Fraction(3, 4), Fraction(2)
    x, v, w, expected = Fraction(3), Fraction(0), half, []
    for _ in range(6):
        v = half * v + half * x
        w = max(min(v * v, alpha1), g * w)
        x -= Fraction(3, 2) / (1 + w) * v
        expected.append(float(x))
    optimizer = vradam.VRMomentum(alpha0=1.0, alpha1=2.0, beta1=0.5, law=laws.held(0.75, w0=0.5))
    path, _, state = walk(optimizer, np.array([3.0]), lambda x, t: x, 6)
    np.testing.assert_allclose(path[1:, 0], expected, rtol=1e-12)
    assert float(state.kinetic) == pytest.approx(float(w), rel=1e-12)


@pytest.mark.parametrize("law", gates.LAWS, ids=lambda law: law.name)
@pytest.mark.parametrize("form", gates.FORMS, ids=lambda form: form.name)
def test_without_strength_every_form_and_law_without_w0_is_adamw(form, law):
    if form.on_gradient and law is not laws.published:
        return
    x, numbers = np.ones(3), {"alpha0": 0.05, "weight_decay": 0.1}
    expected = walk(vradam.AdamW(**numbers), x, wavy, 60)[0]
    optimizer = vradam.VRAdam(**numbers, beta3=0.0, gate=form, law=law)
    path, rates, _ = walk(optimizer, x, wavy, 60)
    if np.any(getattr(law, "w0", 0.0) > 0):  # w_t = g^t w0: the rate rises from alpha0 to alpha0 (1 + w0)
        rising = 0.05 * 1.5 / (1 + 0.5 * 0.7 ** np.arange(1, 61))
        np.testing.assert_allclose(rates, rising, rtol=1e-13)
    else:
        np.testing.assert_allclose(path, expected, rtol=1e-13)


@pytest.mark.parametrize("law", gates.LAWS, ids=lambda law: law.name)
@pytest.mark.parametrize("form", SIGNALS, ids=lambda form: form.name)
def test_signals_in_adams_metric_have_no_scale(form, law):
    """Gradients times 2^10: the same path, bit for bit at eps near 0; the published gate saturates."""
    x, scale = np.ones(3), 2.0**10
    numbers = {"alpha0": 0.05, "eps": 1e-290, "gate": form, "law": law}
    one, rates, _ = walk(vradam.VRAdam(**numbers), x, lambda x, t: wavy(x, t), 80)
    other, scaled_rates, _ = walk(vradam.VRAdam(**numbers), x, lambda x, t: scale * wavy(x, t), 80)
    np.testing.assert_allclose(other, one, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(scaled_rates, rates, rtol=1e-13)
    assert rates.std() > 1e-4 * rates.mean()
    published = [
        walk(vradam.VRAdam(alpha0=0.05), x, lambda x, t, c=c: c * wavy(x, t), 80)[1].mean() for c in (1.0, scale)
    ]
    assert published[1] < 0.9 * published[0]


def test_the_metric_is_that_of_the_step():
    """eta_t^2 d K_t/(1 - beta1^t)^2 is the squared length of the step taken."""
    optimizer = vradam.VRAdam(alpha0=0.05, gate=gates.adam_metric, alpha1=np.inf)
    x, state = np.ones(3), optimizer.init(np.ones(3))
    for t in range(1, 20):
        moved, state = optimizer.step(x, wavy(x, t), state)
        eta = 0.05 / (1 + state.kinetic)
        assert np.sum((moved - x) ** 2) == pytest.approx(eta**2 * 3 * state.kinetic / (1 - 0.9**t) ** 2, rel=1e-9)
        x = moved


@pytest.mark.parametrize("law", gates.LAWS, ids=lambda law: law.name)
def test_a_signal_of_ones_own_may_repeat_a_studied_one(law):
    def energy(velocity, previous, gradient, preconditioner, w):
        assert velocity.dtype == preconditioner.dtype == np.float64 and w.shape == velocity.shape[:-1]
        return np.sum(velocity * velocity, axis=-1)

    numbers, x = {"alpha0": 0.05, "law": law}, np.ones((4, 3))
    one = walk(vradam.VRAdam(**numbers), x, wavy, 30)
    other = walk(vradam.VRAdam(**numbers, gate=gates.signal(energy)), x, wavy, 30)
    np.testing.assert_allclose(other[0], one[0], rtol=1e-13)
    np.testing.assert_allclose(other[1], one[1], rtol=1e-13)
    assert gates.signal(energy).name == "energy"


def test_a_signal_sees_the_closing_before_the_step():
    seen = []

    def watch(velocity, previous, gradient, preconditioner, w):
        seen.append(float(w))
        return np.where(len(seen) == 1, 4.0, 0.0)

    for law, expected in (
        (laws.published, [0, 4, 0, 0]),
        (laws.held(0.5), [0, 4, 2, 1]),
        (laws.held(0.5, 6.0), [6, 4, 2, 1]),
    ):
        seen.clear()
        walk(vradam.VRMomentum(alpha0=0.1, gate=gates.signal(watch), law=law), np.ones(1), lambda x, t: x, 4)
        assert seen == expected


def test_a_signal_that_fails_during_a_run_ends_that_run_alone():
    """NaN or a negative value after the first step: the run has diverged there, as data; its neighbours go on."""
    for bad in (np.nan, -1.0):

        def fails(velocity, previous, gradient, P, w, bad=bad):
            return np.where(np.abs(velocity[..., 0]) < 0.3, bad, 1.0)

        optimizer = vradam.VRMomentum(alpha0=0.1, beta1=0.0, gate=gates.signal(fails), law=laws.held(0.9))
        run = vradam.simulate(optimizer, vradam.objectives.quadratic([1.0]), np.array([[1.0], [1e6]]), 30)
        assert run.diverged_at[0] > 1 and run.diverged_at[1] == -1


def test_a_law_over_the_runs_is_its_runs_one_by_one():
    """g and w0 as arrays make the runs of a sweep, and a batch can be restricted to some of them."""
    decays, starts = np.array([0.5, 0.9, 0.99]), np.array([0.0, 1.0, 2.0])
    bowl = vradam.objectives.quadratic([1.0, 4.0])
    optimizer = vradam.VRMomentum(alpha0=0.5, law=laws.held(decays, starts))
    whole = vradam.simulate(optimizer, bowl, [3.0, 1.0], 50)
    assert whole.x.shape == (3, 51, 2)
    for i in range(3):
        alone = vradam.simulate(replace(optimizer, law=laws.held(decays[i], starts[i])), bowl, [3.0, 1.0], 50)
        assert np.array_equal(alone.x, whole.x[i]) and np.array_equal(alone.learning_rate, whole.learning_rate[i])
    some, x = np.array([True, False, True]), np.ones((3, 2))
    kept = Batch(optimizer, x, optimizer.init(x), np.arange(3)).only(some)
    assert kept.optimizer.law.decay.tolist() == [0.5, 0.99] and kept.state.kinetic.tolist() == [0.0, 2.0]


@pytest.mark.parametrize("law", SLOW, ids=lambda law: law.name)
def test_optimizers_with_laws_can_be_replaced_and_sent_elsewhere(law):
    optimizer = pickle.loads(pickle.dumps(vradam.VRAdam(law=law, gate=gates.alignment(average=0.9))))
    other = replace(optimizer, alpha0=0.5)
    assert other.law.name == law.name and other.gate == gates.alignment(average=0.9)
    plain = pickle.loads(pickle.dumps(vradam.VRAdam()))
    assert replace(plain, gate_decay=0.5).gate_decay == 0.5 and replace(plain, gate=gates.inside).gate == gates.inside


def test_below_the_edge_the_published_gate_has_a_cycle_and_the_held_one_has_not():
    """S = 30 < 38, beta1 = .9, started on the published gate's cycle of period 4: g = beta1^2 comes to rest."""
    bowl, start = vradam.objectives.quadratic([1.0]), np.array([14.377])
    numbers = {"alpha0": 30.0, "alpha1": 10.0, "beta1": 0.9}
    assert numbers["alpha0"] < EDGE
    ends = {}
    for law in (laws.published, laws.held(0.81), laws.averaged(0.81)):
        optimizer = vradam.VRMomentum(**numbers, law=law)
        state = optimizer.init(start)._replace(velocity=np.array([-0.699]))
        ends[law.name] = abs(vradam.simulate(optimizer, bowl, start, 3000, every=0, state=state).final_x[0])
    assert ends["published"] > 0.1 and max(ends["held(0.81)"], ends["averaged(0.81)"]) < 1e-9


def test_recommended_takes_the_decay_that_rate_and_stability_ask_for():
    """g = max(beta1^2, 1 - 10/N), never outside (0, 1); 10 >= 2 ln(1 + alpha1) forgets a peak within a run."""
    for beta1 in (0.0, 0.5, 0.9, 0.99):
        for steps in (1, 10, 30, 1000, 10**6):
            law = vradam.recommended(steps, beta1=beta1).law
            assert law.decay >= beta1**2 and 0 < law.decay < 1 and law.w0 == 0
            if steps >= 20:
                assert law.decay == max(beta1**2, 1 - 10 / steps)
    optimizer = vradam.recommended(1000)
    assert (1 + optimizer.alpha1) * optimizer.law.decay**1000 < 1 / (1 + optimizer.alpha1) * 1.001
    assert vradam.recommended().law.decay == 0.99


def test_recommended_does_not_see_the_scale_of_the_loss():
    """F -> 1000 F: the same path to rounding, at the default eps."""
    paths = [
        walk(vradam.recommended(100, alpha0=0.05), np.ones(3), lambda x, t, c=c: c * wavy(x, t), 100)[0]
        for c in (1, 1000)
    ]
    np.testing.assert_allclose(paths[1], paths[0], rtol=1e-5, atol=1e-6)
