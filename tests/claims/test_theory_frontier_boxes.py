"""The certificates of the map: what they prove, and what must be refused."""

import copy
from math import inf, sqrt

import numpy as np
import pytest
from frontier_settings import TO_THE_EDGE, F, run, stored

from theory.certificates import branches
from theory.certificates.frontier import Safe, check_safe
from theory.stability_map import (
    ATTRACTING,
    SAFE,
    attracting_boxes,
    safe_boxes,
)

# ---------------------------------------------------------------- certificates of kind safe


def with_box(**changes):
    return {"kind": "safe", "alpha1": ["10", "10"], "boxes": [{**TO_THE_EDGE, **changes}]}


def test_a_box_up_to_the_edge():
    (says,) = check_safe(with_box())
    assert says == Safe((F(1, 2), F(51, 100)), (F(9, 10), F(1)), (F(10), F(10)))
    assert says.contains(F(1, 2), F(999, 1000), F(10))
    assert not says.contains(F(1, 2), F(1), F(10)) and not says.contains(F(1, 2), F(95, 100), None)


@pytest.mark.parametrize(
    "changes",
    [
        {"beta1": ["3/5", "61/100"]},  # cycles of period 4 attract from .958 B
        {"beta1": ["9/10", "9/10"], "fraction": ["1/2", "1/2"], "target": [["3/20", "1/1000"]]},  # of period 8
        {"target": [["edge", "1/2"]]},  # larger than what attracts
        {"target": [["-1", "1/100"]]},  # does not reach the edge
        {"far": ["249/200", "1/2"]},  # contracts less than that
        {"far": ["0", "1467/2000"]},
        {"far": ["2", "1467/2000"]},  # not definite
        {"grid": [32768, 8, 0]},  # too coarse
        {"far": ["249/200", "1999/2000"]},  # beyond the grid
    ],
)
def test_false_boxes_are_refused(changes):
    assert check_safe(with_box(**changes)) == ()


@pytest.mark.parametrize("name", SAFE)
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_corrupted_boxes_are_refused(name, place):
    """A stored box is true; shifted up by .03 beyond the frontier of its column, or with other proofs, it is not."""
    k = int(place * len(safe_boxes(name)))
    data = stored(name, k)
    assert check_safe(data) != ()
    box = data["boxes"][0]
    for key, value in (
        ("target", [["7/5", "1"]]),
        ("far", ["1/2"] if name == "safe_unclipped" else ["0", "1/100"]),
        ("grid", [2**18, 1, 0]),
    ):
        changed = copy.deepcopy(data)
        changed["boxes"][0] = {**box, key: value}
        assert check_safe(changed) == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beta1": ["1/2", "1/3"]}, "beta1 must be a pair"),
        ({"beta1": ["1/2", "1"]}, "beta1 must be a pair"),
        ({"beta1": ["1/3", "1/2"]}, "beta1 must be whole numbers of 1/2000"),
        ({"fraction": ["1/2", "11/10"]}, "fraction must be a pair"),
        ({"fraction": ["0", "1/2"]}, "fraction must be a pair"),
        ({"fraction": [0.5, 0.6]}, "fraction must be a string"),
        ({"target": []}, "target must be a list"),
        ({"target": [["edges", "1/10"]]}, "c must be a string"),
        ({"target": [["1/3001", "1/10"]]}, "c must have a denominator"),
        ({"far": ["1"]}, "far must have 2 entries"),
        ({"grid": [32768, 8, 9]}, "grid must hold step"),
        ({"grid": [1, 8, 7]}, "grid must hold step"),
        ({"grid": [32768, 0, 7]}, "grid must hold step"),
        ({"grid": [32768, 8]}, "grid must have 3 entries"),
        ({"more": "1"}, "has no keys"),
    ],
)
def test_malformed_boxes_are_errors(changes, message):
    with pytest.raises(ValueError, match=message):
        check_safe(with_box(**changes))


def test_malformed_certificates_are_errors():
    with pytest.raises(ValueError, match="lacks the keys boxes"):
        check_safe({"kind": "safe", "alpha1": "oo"})
    with pytest.raises(ValueError, match="alpha1 must be a pair"):
        check_safe({**with_box(), "alpha1": ["1/2", "1/2"]})
    with pytest.raises(ValueError, match="a box must be a JSON object"):
        check_safe({**with_box(), "boxes": ["1"]})


# ---------------------------------------------------------------- certificates of kind attracting


@pytest.mark.parametrize("name", ATTRACTING)
def test_stored_cycles_are_proved_and_seen(name):
    """Random settings of random boxes: the orbit through the middle's velocities stays on a cycle of the period."""
    rng = np.random.default_rng(0)
    stock = attracting_boxes(name)
    chosen = [stock[k] for k in rng.choice(len(stock), 40, replace=False)]
    says = [branches.proves(branch) for branch in chosen]
    assert None not in says
    beta1 = np.array([float(one.beta1[0] + F(rng.random()) * (one.beta1[1] - one.beta1[0])) for one in says])
    s = np.array([float(one.fraction[0] + F(rng.random()) * (one.fraction[1] - one.fraction[0])) for one in says])
    clip = np.array([float(one.alpha1) if one.clipped else inf for one in says])
    w = np.array([[float(value) for value in (*branch.velocity, -branch.velocity[0])][:2] for branch in chosen]).T
    state = run(beta1, s, clip, *w, 20_000)
    assert (np.abs(state[0]) + np.abs(state[1]) > 0.05).all()
    for k, one in enumerate(says):
        here = [part[k] for part in state]
        half = run(beta1[k], s[k], clip[k], *here, one.period // 2)
        assert np.allclose(half, [-here[0], -here[1]], atol=1e-5), one


def test_cycles_that_are_not_there_or_do_not_attract_are_refused():
    (box, *_) = [one for one in attracting_boxes("attracting_unclipped") if one.beta1[0] >= F(85, 100)]
    good = branches.proves(box)
    assert good is not None
    elsewhere = branches.Branch(box.beta1, tuple(s * F(4, 5) for s in box.fraction), None, box.velocity)
    at_rest = branches.Branch(box.beta1, box.fraction, None, (F(0),) * len(box.velocity))
    thrice = box.velocity + tuple(-w for w in box.velocity) + box.velocity
    wide = branches.Branch(box.beta1, (box.fraction[0], F(1)), None, box.velocity)
    clipped = branches.Branch(box.beta1, box.fraction, good.alpha1 / 4, box.velocity)
    kappa, S = 19.0, 30.0
    y = max(np.roots([kappa, kappa**2 - kappa * S - 1, 2 * S]))  # the saddle of period 4
    r = (y + sqrt(y * y + 4)) / 2
    saddle = tuple(F(round(1e6 * w), 10**6) for w in (r * sqrt(S / (kappa + r) - 1), sqrt(S / (kappa + r) - 1)))
    repelling = branches.Branch((F(9, 10), F(9, 10)), (F(15, 19), F(15, 19)), None, saddle)
    for false in (elsewhere, at_rest, branches.Branch(box.beta1, box.fraction, None, thrice), wide, clipped, repelling):
        assert branches.proves(false) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beta1": ["1/2", "1"]}, "beta1 must be a pair"),
        ({"fraction": ["2/3", "1/2"]}, "fraction must be a pair"),
        ({"velocity": []}, "velocity must be a list"),
        ({"velocity": ["1/3"]}, "velocity must hold whole numbers"),
        ({"velocity": ["60000000"]}, "velocity must hold whole numbers"),
        ({"velocity": ["1"] * 41}, "at most 40 entries"),
        ({"clip": "1"}, "has no keys"),
    ],
)
def test_malformed_branches_are_errors(changes, message):
    box = {"beta1": ["9/10", "9/10"], "fraction": ["1/2", "1/2"], "velocity": ["1000000"]}
    with pytest.raises(ValueError, match=message):
        branches.check_attracting({"kind": "attracting", "alpha1": "oo", "boxes": [{**box, **changes}]})
