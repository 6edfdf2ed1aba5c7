"""Between Python and the page: addresses both ways, runs that can be shown, and what is refused by name."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import explorer
import vradam
from explorer.setup import CLASSES, GATES, recorded
from explorer.shown import OBJECTIVES
from explorer.state import FIELDS, LIMIT, NEEDS, decode, encode
from vradam import gates, laws


def values(field):
    if field.kind == "choice":
        return st.sampled_from(field.choices)
    if field.kind == "letters":
        return st.text(field.choices, max_size=int(field.high))
    if field.kind == "integer":
        return st.integers(int(field.low), int(field.high))
    return st.floats(field.low, field.high)


def consistent(state):
    """Among the choices that its scene is about, and with a law on the published gate only."""
    state = dict(state)
    for name, choices in NEEDS.get(state["scene"], {}).items():
        if state[name] not in choices:
            state[name] = choices[0]
    state["w0"] = min(state["w0"], state["alpha1"])
    return state if state["law"] == "published" or state["gate"] != "inside" else state | {"gate": "published"}


STATES = st.fixed_dictionaries({name: values(field) for name, field in FIELDS.items()}).map(consistent)


@given(STATES)
def test_an_address_holds_the_whole_state(state):
    assert decode("https://example.org/explorer.html#" + encode(state)) == state


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "must begin with the version 1, got ''"),
        ("0&alpha0=1", "must begin with the version 1, got '0'"),
        ("1&alpha0", "must read name=value, got 'alpha0'"),
        ("1&alpha=1", "must be one of scene, .*, got 'alpha'"),
        ("1&alpha0=-1", r"alpha0 must lie in \[0, 1e\+09\], got '-1'"),
        ("1&alpha0=nan", "alpha0 must be a number, got 'nan'"),
        ("1&alpha0=1_0", "alpha0 must be a number, got '1_0'"),
        ("1&steps=2.5", r"steps must lie an integer in \[1, 20000\], got '2.5'"),
        ("1&steps=20001", "steps must lie an integer in"),
        ("1&scene=../../etc", "scene must be one of free"),
        ("1&law=held&gate=inside", "law must be published with the gate inside, got 'held'"),
        ("1&scene=cycle&optimizer=vrmomentum&objective=beale", "objective must be one of parabola in cycle"),
        ("1&word=ox", "word must hold at most 200 of the letters"),
        ("1&word=" + "o" * 201, "word must hold at most 200 of the letters"),
        ("1&word=" + "o" * LIMIT, f"must have at most {LIMIT} characters"),
    ],
)
def test_a_malformed_address_is_refused_by_name(address, message):
    with pytest.raises(ValueError, match=message):
        decode(address)


def test_the_defaults_lie_in_their_domains():
    assert decode("1") == {name: field.default for name, field in FIELDS.items()}


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("name", CLASSES)
def test_a_run_comes_back_from_its_address(name, objective):
    """The address of a run gives the arguments of that run: the same bits."""
    shown = OBJECTIVES[objective]
    x0 = np.array(shown.start)
    factory = CLASSES[name]
    numbers = {"alpha0": 0.0123, "beta1": 0.87, "weight_decay": 0.01}
    numbers = {key: value for key, value in numbers.items() if key in factory.__dataclass_fields__}
    run = vradam.simulate(factory(**numbers), shown.make(0.7, 0.3), x0, 12, noise=vradam.noise.two_point(0.2, 0.1))
    again = vradam.simulate(**explorer.from_url(explorer.url_of(run)))
    np.testing.assert_allclose(again.x, run.x, rtol=1e-12)
    assert again.objective == run.objective and again.optimizer == run.optimizer


AGREEING = [gates.alignment(), gates.alignment(0.7, -0.2, 0.9), gates.autocorrelation(1.5, 0.5)]


@pytest.mark.parametrize("gate", [*GATES.values(), *AGREEING], ids=lambda gate: gate.name)
def test_every_gate_comes_back(gate):
    optimizer = vradam.VRMomentum(alpha0=30.0, gate=gate)
    run = vradam.simulate(optimizer, vradam.objectives.quadratic([1.0]), [14.0], 50)
    back = explorer.from_url(explorer.url_of(run))
    assert back["optimizer"].gate == gate
    assert np.array_equal(vradam.simulate(**back).x, run.x)


def test_velocity_noise_and_memory_come_back():
    optimizer = vradam.VRAdam(alpha0=0.1, gate_decay=0.9)
    bowl = vradam.objectives.quadratic([1.0])
    state = optimizer.init([3.0])._replace(velocity=np.array([-0.7]))
    for noise in (None, vradam.noise.gaussian(0.3), vradam.noise.uniform(0.2), vradam.noise.two_point(0.1, 2.0)):
        run = vradam.simulate(optimizer, bowl, [3.0], 30, noise=noise, seed=5, state=state)
        assert np.array_equal(vradam.simulate(**explorer.from_url(explorer.url_of(run))).x, run.x)


def test_one_run_of_a_sweep():
    optimizer = vradam.VRMomentum(alpha0=np.array([[10.0], [30.0]]), beta3=np.array([1.0, 2.0, 4.0]))
    run = vradam.simulate(optimizer, vradam.objectives.quadratic([1.0]), np.full((2, 3, 1), 14.0), 20, every=5)
    state = decode(explorer.url_of(run, (1, 2)))
    assert (state["alpha0"], state["beta3"]) == (30.0, 4.0)
    data = recorded(run, (1, 2))
    assert data["step"] == [0, 5, 10, 15, 20] and data["x"] == run.x[1, 2].tolist()


def test_what_diverged_is_null():
    run = vradam.simulate(vradam.GradientDescent(alpha0=1e9), vradam.objectives.quadratic([1.0]), [1.0], 40)
    assert recorded(run)["x"][-1] == [None] and math.isnan(run.x[-1, 0])


BOWL = vradam.objectives.quadratic([1.0])


@pytest.mark.parametrize(
    ("run", "which", "message"),
    [
        (lambda: vradam.simulate(vradam.VRAdam(), vradam.objectives.quadratic([1.0, 2.0, 3.0]), np.ones(3), 3), (),
         "objective must have one or two dimensions to be shown, got 3"),
        (lambda: vradam.simulate(vradam.VRAdam(), vradam.objectives.pseudo_huber(1, scale=3.0), [1.0], 3), (),
         "objective must be one that the page has, got pseudo_huber"),
        (lambda: vradam.simulate(vradam.VRAdam(alpha0=lambda t: 0.1 / t), BOWL, [1.0], 3), (),
         "alpha0 must be a number to be shown, got a schedule"),
        (lambda: vradam.simulate(vradam.VRAdam(proof_form=True), BOWL, [1.0], 3), (), "optimizer must be one"),
        (lambda: vradam.simulate(vradam.VRAdam(gate=gates.power(5)), BOWL, [1.0], 3), (), "gate must be one of"),
        (lambda: vradam.simulate(vradam.VRAdam(), BOWL, [1.0], 3, noise=vradam.noise.gaussian(1.0, 2.0)), (),
         "noise must be Gaussian without a bound"),
        (lambda: vradam.simulate(vradam.VRAdam(), BOWL, [[1.0], [2.0]], 3, noise=vradam.noise.gaussian(1.0)), (1,),
         "which must be the first run of its seed"),
        (lambda: vradam.simulate(vradam.VRAdam(), BOWL, [[1.0], [2.0]], 3), (2,), r"which must index runs of shape"),
    ],
)  # fmt: skip
def test_what_the_page_cannot_show_is_named(run, which, message):
    with pytest.raises(ValueError, match=message):
        explorer.url_of(run(), which)


def test_a_continued_run_is_refused():
    first = vradam.simulate(vradam.VRAdam(), BOWL, [1.0], 3)
    second = vradam.simulate(vradam.VRAdam(), BOWL, first.final_x, 3, state=first.final_state)
    with pytest.raises(ValueError, match="state must be a start"):
        explorer.url_of(second)


@pytest.mark.parametrize("law", [laws.published, laws.averaged(0.8), laws.held(0.7), laws.held(0.7, w0=0.5)])
def test_every_law_comes_back(law):
    optimizer = vradam.VRMomentum(alpha0=30.0, gate=gates.gradient_norm, law=law)
    run = vradam.simulate(optimizer, BOWL, [14.0], 50)
    back = explorer.from_url(explorer.url_of(run))
    assert back["optimizer"].law.name == law.name
    assert np.array_equal(vradam.simulate(**back).x, run.x)
