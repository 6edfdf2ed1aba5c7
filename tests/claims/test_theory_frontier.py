"""The map of stability: what a box needs, what it must refuse, and that no run contradicts what it says."""

import copy
import json
from dataclasses import replace
from fractions import Fraction
from functools import partial
from math import ceil, inf, sqrt

import numpy as np
import pytest

from experiments.examinations import content, examinations
from theory import global_stability, stability_map
from theory.certificates import branches, cells, frontier
from theory.certificates.cells import UNIT, Cells, Family, image_columns
from theory.certificates.frontier import Box, Safe, check_safe, contracts, proves
from theory.certificates.sweep import kept, remaining, returning, successors
from theory.claim import Claim
from theory.claims.cycles.below_edge import S3b, derive
from theory.claims.cycles.frontier import STEPS
from theory.search import frontier as search
from theory.stability_map import (
    ATTRACTING,
    CYCLE_PART,
    FOLDER,
    PARTS,
    SAFE,
    SAFE_PART,
    UNDECIDED_PART,
    attracting_boxes,
    bands,
    column,
    has_period_four,
    safe_boxes,
    safe_up_to,
    table,
    undecided,
    widths,
)

F = Fraction
#: beta1 in [1/2, .51], S/B in [9/10, 1], alpha1 = 10: up to the edge.
TO_THE_EDGE = {
    "beta1": ["1/2", "51/100"],
    "fraction": ["9/10", "1"],
    "target": [["-2347/2000", "31/250"], ["edge", "61/1000"]],
    "far": ["249/200", "1467/2000"],
    "grid": [32768, 8, 7],
}


def stored(name, k):
    data = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return {**data, "boxes": [data["boxes"][k]]}


def run(beta1, fraction, alpha1, before, now, steps):
    """The recursion of the velocities, written out."""
    S = fraction * 2 * (1 + beta1) / (1 - beta1)
    for _ in range(steps):
        before, now = now, now + beta1 * (now - before) - (1 - beta1) * S * now / (1 + np.minimum(now**2, alpha1))
    return before, now


def starts(rng, n):
    """In random directions, of sizes up to ten times where the gate begins to act."""
    size = 10 ** rng.uniform(-1.5, 1, n)
    return size * rng.standard_normal(n), size * rng.standard_normal(n)


@pytest.mark.parametrize("name", STEPS)
def test_what_the_boxes_rest_on(name):
    assert STEPS[name]()


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize("alpha1", [None, (F(1), F(1)), (F(10), F(19))])
@pytest.mark.parametrize("beta1", [(F(3, 10), F(3, 10)), (F(9, 10), F(181, 200))])
def test_images_hold_every_image_and_little_more(alpha1, beta1):
    """States and settings drawn from cells and a box: the step lands in the row and the run that the checker names."""
    rng = np.random.default_rng(0)
    fraction = (F(1, 2), F(13, 25))
    family = Family(beta1, fraction, alpha1)
    full = Cells.all_of(cells.grid(30 * UNIT, 2**14, 10, 6))
    some = full.only(rng.random(full.column.size) < 0.05)
    first, last = image_columns(family, some)
    left, right, low, high = (part / UNIT for part in some.corners())
    nodes = some.mirrored() / UNIT
    widest = np.zeros(some.column.size, int) + 10**6, np.zeros(some.column.size, int)
    for _ in range(300):
        a, b = rng.uniform(left, right), rng.uniform(low, high)
        corner = rng.random(4) < 0.5
        a, b = np.where(corner[0], left, a), np.where(corner[1], high, b)
        beta, s = (rng.choice([float(ends[0]), float(ends[1])]) for ends in (beta1, fraction))
        clip = inf if alpha1 is None else float(rng.choice(alpha1))
        _, after = run(beta, s, clip, a, b, 1)
        inside = np.abs(after) < nodes[-1]
        column = np.searchsorted(nodes, after) - 1
        assert ((first <= column) & (column < last))[inside].all()
        widest = np.minimum(widest[0], column), np.maximum(widest[1], column)
    inner = (first >= 0) & (last < nodes.size)
    assert np.median((last - first - (widest[1] - widest[0] + 1))[inner]) <= 1


def test_removing_cells_is_what_removing_one_by_one_is():
    """Against sets and loops: what is left has a successor and a predecessor in what is left."""
    rng = np.random.default_rng(1)
    family = Family((F(9, 10), F(9, 10)), (F(7, 10), F(7, 10)), None)
    for exits_share in (0.0, 0.02):
        some = Cells.all_of(cells.grid(6 * UNIT, 2**16, 4, 6))
        some = some.only(rng.random(some.column.size) < 0.85)
        n = some.column.size
        runs = successors(some.start, some.column, *image_columns(family, some))
        exits, returns = rng.random((2, n)) < exits_share
        after = [set(range(first, last)) for first, last in zip(*runs, strict=True)]
        left = set(range(n))
        while True:
            seen = set().union(*(after[k] for k in left)) if left else set()
            keep = {k for k in left if (after[k] & left or exits[k]) and (k in seen or returns[k])}
            if keep == left:
                break
            left = keep
        found = remaining(*runs, exits, returns)
        assert set(np.flatnonzero(found)) == left
        assert 0 < len(left) < n


def test_successors_are_the_cells_that_the_images_meet():
    """Places against rectangles: cells of the row of b, or of -b with the image turned over, that the image meets."""
    rng = np.random.default_rng(2)
    some = Cells.all_of(cells.grid(4 * UNIT, 2**16, 4, 6))
    some = some.only(rng.random(some.column.size) < 0.7)
    n = some.nodes.size - 1
    first = rng.integers(-3, 2 * n, some.column.size).astype(np.int32)
    last = (first + rng.integers(1, 9, some.column.size)).astype(np.int32)
    runs = successors(some.start, some.column, first, last)
    for k in range(some.column.size):
        columns = np.arange(max(first[k], 0), min(last[k], 2 * n))
        row = some.column[k] - n
        if row < 0:
            row, columns = -1 - row, 2 * n - 1 - columns
        met = np.flatnonzero((some.row == row) & np.isin(some.column, columns))
        assert met.tolist() == list(range(runs[0][k], runs[1][k]))


def test_which_cells_matter_and_where_orbits_come_back():
    """States drawn from cells: one outside the target and in the strip, or where orbits come back, marks its cell."""
    rng = np.random.default_rng(3)
    full = Cells.all_of(cells.grid(4 * UNIT, 2**15, 8, 6))
    forms = np.array([[4000, -3000, 3000, 1000 * UNIT**2], [3000, 0, 3000, 1500 * UNIT**2]])
    q, p, width, reach = 4, -3, 9 * UNIT, 3 * UNIT
    keep = kept(full.start, full.column, full.nodes, forms, UNIT, q, p, width, reach)
    back = returning(full.start, full.column, full.nodes, 2 * UNIT, UNIT)
    left, right, low, high = (part / UNIT for part in full.corners())
    needed, met = np.zeros((2, full.column.size), bool)
    for _ in range(400):
        a, b = rng.uniform(left, right), rng.uniform(low, high)
        outside = (4 * b * b - 3 * a * b + 3 * a * a > 1) | (b * b + a * a > 0.5)
        needed |= outside & (np.abs(4 * b + 3 * a) < 9) & (a < 3) & (np.abs(b) < 3)
        met |= (a > 2) & (b < a) & (b > a - 1)
    assert not (needed & ~keep).any() and not (met & ~back).any()
    assert (needed & keep).sum() > 0.97 * keep.sum() and (met & back).sum() > 0.8 * back.sum()
    assert 0 < keep.sum() < keep.size


def test_a_cell_that_holds_a_cycle_is_never_removed():
    """Period 4 at beta1 = 9/10, S = 30: its four states stay, at every level, in floating point as in whole numbers."""
    state = run(0.9, 30 / 38, inf, np.array([-0.2915]), np.array([14.377 * 0.1 - 0.9 * 0.2915]), 4000)
    states = [run(0.9, 30 / 38, inf, *state, k) for k in range(4)]
    family = Family((F(9, 10), F(9, 10)), (F(15, 19), F(15, 19)), None)
    some = Cells.all_of(cells.grid(6 * UNIT, 2**15, 8, 6))
    for _ in range(3):
        runs = successors(some.start, some.column, *image_columns(family, some))
        none = np.zeros(some.column.size, bool)
        some = some.only(remaining(*runs, none, none))
        left, right, low, high = (part / UNIT for part in some.corners())
        for a, b in states:
            a, b = (a, b) if a >= 0 else (-a, -b)
            assert abs(b) > 0.1 and ((left <= a) & (a <= right) & (low <= b) & (b <= high)).any()
        some = some.quartered()


# ---------------------------------------------------------------- the parts of a proof


@pytest.mark.parametrize("beta1", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("share", [-0.9, 0.0, 0.6])
def test_the_window_of_contraction_is_sharp(beta1, share):
    c = share * 2 * sqrt(beta1)
    window = (1 - beta1) * sqrt(1 - c * c / (4 * beta1))
    angle = np.linspace(0, np.pi, 4001)
    a, b = np.cos(angle), np.sin(angle)
    for factor, falls in ((0.98, True), (1.02, False)):
        for side in (-1, 1):
            tau = c + side * factor * window
            after = tau * b - beta1 * a
            change = (after**2 - c * b * after + beta1 * b**2) - (b**2 - c * a * b + beta1 * a**2)
            assert (change.max() < 0) == falls
            exact = [F(x).limit_denominator(10**6) for x in (beta1, tau, c)]
            assert contracts((exact[0], exact[0]), (exact[1], exact[1]), exact[2]) == falls


@pytest.mark.parametrize("beta1", [0.25, 0.4, 0.57])
def test_the_target_at_the_edge_attracts_however_close_S_is(beta1):
    """Just inside the ellipse P falls at every step at S = .9999 B; 2 % beyond the speed allowed it can grow."""
    s, kinetic = 0.9999, 0.9999 * (1 + beta1) ** 2 / (4 * beta1) - 1
    angle = np.linspace(0, 2 * np.pi, 2000)

    def form(a, b):
        return (b + beta1 * a) ** 2 + beta1 * (a + b) ** 2

    for scale, falls in ((0.98, True), (1.1, False)):
        level = scale**2 * kinetic * (1 - beta1) ** 2 / (1 + beta1)
        size = np.sqrt(level / form(np.cos(angle), np.sin(angle)))
        a, b = size * np.cos(angle), size * np.sin(angle)
        assert (form(*run(beta1, s, inf, a, b, 1)) < level * (1 + 1e-12)).all() == falls


@pytest.mark.parametrize(("beta1", "s", "alpha1"), [(0.5, 0.9, 1.0), (0.8, 0.6, 10.0), (0.7, 0.6, 19.0)])
def test_orbits_end_within_the_reach_of_the_far_part(beta1, s, alpha1):
    box = next(
        box
        for box in safe_boxes(f"safe_{alpha1:g}")
        if box.says.contains(F(beta1).limit_denominator(100), F(s), F(alpha1))
    )
    far = frontier._clipped(box)
    rng = np.random.default_rng(0)
    before, now = run(beta1, s, alpha1, *(1000 * part for part in starts(rng, 500)), 400)
    for _ in range(50):
        assert np.abs(now).max() * UNIT < far.reach
        before, now = run(beta1, s, alpha1, before, now, 1)


def test_without_a_clip_orbits_come_back_where_the_far_part_says():
    box = next(box for box in safe_boxes("safe_unclipped") if box.says.contains(F(7, 10), F(7, 10), None))
    R, beta1, s = float(box.far[0]), 0.7, 0.7
    S = s * 2 * (1 + beta1) / (1 - beta1)
    fall = S * R / (1 + R * R)
    rng = np.random.default_rng(0)
    before, now = R - rng.uniform(0, 1, 4000), R + rng.uniform(0, 4, 4000)
    came, drops = [], []
    for _ in range(4000):
        after = run(beta1, s, inf, before, now, 1)
        back = (after[0] >= R) & (after[1] < R)
        came.append(after[1][back])
        drops.append((run(beta1, s, inf, *after, 1)[1] - after[1])[back])
        before, now = after
        now = np.where(back, R + 1, now)
        before = np.where(back, R + 1, before)
    came, drops = np.concatenate(came), np.concatenate(drops)
    lowest = R - fall
    assert came.size > 1000 and came.min() >= lowest and drops.max() <= 0
    assert drops.min() >= -(beta1 * fall + 2 * (1 + beta1) * s * lowest / (1 + lowest**2))


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


# ---------------------------------------------------------------- the map


@pytest.mark.parametrize("name", SAFE)
def test_random_starts_never_contradict_a_proved_box(name):
    """Random settings of random boxes, 200 starts each: all reach the minimum."""
    rng = np.random.default_rng(7)
    stock = safe_boxes(name)
    for k in rng.choice(len(stock), 12, replace=False):
        says = stock[k].says
        beta1, s = (float(low + F(rng.random()) * (high - low)) for low, high in (says.beta1, says.fraction))
        clip = inf if says.alpha1 is None else float(says.alpha1[0])
        state = run(beta1, min(s, 0.99), clip, *starts(rng, 200), 10_000)
        assert max(np.abs(part).max() for part in state) < 1e-3, (name, k)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAFE)
def test_held_out_settings_in_proved_boxes(name):
    """Settings drawn after the boxes were found, evenly from their area, 100,000 starts each: all reach the minimum."""
    rng = np.random.default_rng(20261128)
    stock = safe_boxes(name)
    area = np.array(
        [float((x.beta1[1] - x.beta1[0]) * (x.fraction[1] - x.fraction[0])) for x in (b.says for b in stock)]
    )
    for k in rng.choice(len(stock), 6, replace=False, p=area / area.sum()):
        says = stock[k].says
        beta1, s = (float(low + F(rng.random()) * (high - low)) for low, high in (says.beta1, says.fraction))
        clip = inf if says.alpha1 is None else float(says.alpha1[0])
        state = np.array(starts(rng, 100_000))
        for _ in range(200):
            state = np.array(run(beta1, s, clip, *state, 100))
            state = state[:, np.abs(state).max(axis=0) > 1e-3]
            if state.size == 0:
                break
        assert state.size == 0, (name, k, beta1, s)


@pytest.mark.parametrize("name", SAFE)
def test_the_search_finds_target_and_far_part_of_stored_boxes_again(name):
    """What is a function of a box's intervals: to the last digit."""
    plan = next(plan for plan in search.COLUMNS if f"safe_{plan.name}" == name)
    stock = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["boxes"]
    for box in stock[:: len(stock) // 6]:
        beta1, fraction = (tuple(float(F(end)) for end in box[key]) for key in ("beta1", "fraction"))
        parts = max(1, ceil((fraction[1] - fraction[0]) / (0.2 * (1 - beta1[1]))))
        found = search.targets(beta1, fraction, parts)
        assert [["edge" if c is None else str(c), str(kinetic)] for c, kinetic in found] == box["target"]
        if plan.alpha1 is not None:
            assert [str(number) for number in search.far(beta1, fraction, plan.clip)[:2]] == box["far"]


def test_no_setting_is_in_both_regions():
    def corners(pairs):
        return np.array([[float(end) for end in (*beta1, *fraction)] for beta1, fraction in pairs]).T[:, :, None]

    for safe_name in SAFE:
        safe = corners((box.says.beta1, box.says.fraction) for box in safe_boxes(safe_name))
        for name in ATTRACTING:
            if (safe_name == "safe_1") != (name == "attracting_1"):
                continue
            cycles = corners((one.beta1, one.fraction) for one in attracting_boxes(name)).swapaxes(1, 2)
            apart = (safe[1] <= cycles[0]) | (cycles[1] <= safe[0]) | (safe[3] <= cycles[2]) | (cycles[3] <= safe[2])
            assert apart.all(), (safe_name, name)


def test_the_boxes_end_below_the_line_of_period_four():
    for name in SAFE[1:]:
        for box in safe_boxes(name):
            for b in box.says.beta1:
                edge = 2 * (1 + b) / (1 - b)
                assert box.says.fraction[1] == 1 or not has_period_four(b, box.says.fraction[1] * edge), box.says


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ((0.2, 2.99, 10), "every start converges"),
        ((0.5, 5.99, 19), "every start converges"),
        ((0.55, 6.88, inf), "every start converges"),
        ((0.7, 0.79 * 34 / 3, 10), "every start converges"),
        ((0.7, 0.81 * 34 / 3, 10), "an attracting cycle of period 4"),
        ((0.9, 6.6, 3), "every start converges"),
        ((0.9, 6.8, 3), "undecided"),
        ((0.9, 38.1, 10), "the minimum repels"),
        ((0.0, 2.0, 10), "undecided"),
    ],
)
def test_known_settings(setting, says):
    assert global_stability(*setting).says == says


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ((1.0, 1.0, 1.0), r"beta1 must lie in \[0, 1\), got 1.0"),
        ((-0.1, 1.0, 1.0), r"beta1 must lie in \[0, 1\), got -0.1"),
        ((float("nan"), 1.0, 1.0), r"beta1 must lie in \[0, 1\), got nan"),
        ((0.5, 0.0, 1.0), "S must be finite and > 0, got 0.0"),
        ((0.5, inf, 1.0), "S must be finite and > 0, got inf"),
        ((0.5, 1.0, -1.0), "alpha1 must be > 0, got -1.0"),
        ((0.5, 1.0, float("nan")), "alpha1 must be > 0, got nan"),
        (("0.5", 1.0, 1.0), "beta1 must be a real number, got '0.5'"),
        ((0.5, True, 1.0), "S must be a real number, got True"),
    ],
)
def test_bad_settings_are_errors(setting, message):
    with pytest.raises(ValueError, match=message):
        global_stability(*setting)


@pytest.mark.parametrize("alpha1", [1, 10, 19, inf])
def test_the_band_is_thin(alpha1):
    """What is undecided: in the mean below .03 of the edge over beta1 in [.3, .95], at most .06 up to .9."""
    settings, band = bands(alpha1, F(1, 100))
    assert np.mean(band) < 0.03 and max(one for b, one in zip(settings, band, strict=True) if b <= F(9, 10)) <= 0.06


def test_columns_say_what_global_stability_says():
    """At middles of parts where a statement ends; floats and fractions alike."""
    says = {UNDECIDED_PART: "undecided", SAFE_PART: "every start converges", CYCLE_PART: "an attracting cycle"}
    for beta1, alpha1 in ((F(1, 4), 1), (F(7, 10), 10), (F(7, 10), 1), (F(9, 10), 1), (F(9, 10), inf)):
        parts = column(beta1, alpha1)
        ends = np.flatnonzero(np.diff(parts))
        for part in [*ends, *(ends + 1), 0, PARTS - 1]:
            S = F(2 * int(part) + 1, PARTS) * (1 + beta1) / (1 - beta1)
            assert global_stability(beta1, S, alpha1).says.startswith(says[int(parts[part])]), (beta1, alpha1, part)
        assert undecided(beta1, alpha1) == np.mean(parts == UNDECIDED_PART)


@pytest.mark.parametrize(("beta1", "alpha1"), [(0.62, 1.2), (0.7, 1.0), (0.8, 0.7), (0.8, 1.0), (0.9, 1.2)])
def test_where_a_small_clip_leaves_cycles_of_period_four(beta1, alpha1):
    """Random starts on both sides of every end of the interval of S that ``has_period_four`` names, .004 B away."""
    b, clip = F(beta1).limit_denominator(100), F(alpha1).limit_denominator(100)
    kappa = (1 + b) / (1 - b)
    rng = np.random.default_rng(0)
    before = rng.uniform(-4, 4, (2, 3000))
    steps = [has_period_four(b, 2 * kappa * F(n, 1000), clip) for n in range(1000)]
    ends = np.flatnonzero(np.diff(steps))
    assert ends.size in (1, 2)
    for s in [*(ends / 1000 - 0.004), *(ends / 1000 + 0.005)]:
        state = run(beta1, s, alpha1, *before, 6000)
        half = run(beta1, s, alpha1, *state, 2)
        cycling = np.logical_and.reduce([np.abs(x + y) < 1e-5 for x, y in zip(state, half, strict=True)])
        seen = (cycling & (np.hypot(*state) > 0.05)).any()
        assert seen == has_period_four(b, 2 * kappa * F(round(s * 10**4), 10**4), clip), s


def test_up_to_where_the_whole_interval_below_the_edge_is_safe():
    """For beta1 <= .577, a little below 1/sqrt 3, every S < B; at 1/sqrt 3 up to .999 B. For every clip of the map."""
    for alpha1 in (1, 10, 19, inf):
        for beta1 in (*np.linspace(0.0125, 0.5764, 48).tolist(), F(577, 1000)):
            assert safe_up_to(beta1, alpha1) == 1
        assert safe_up_to(1 / sqrt(3), alpha1) >= 0.999


def test_all_of_the_map_is_another_examination_than_a_sample():
    full = replace(S3b, steps={**S3b.steps, **S3b.in_full})
    assert content(full) != content(S3b)
    assert set(content(S3b)["reads"]) == {f"{name}.json" for name in (*SAFE, *ATTRACTING)}


def test_steps_are_done_in_full_where_that_is_asked(tmp_path):
    claim = Claim(
        id="T", title="", as_reported="", statement="", source="", assumptions=(), plain="", concludes="verified",
        steps={"a sample": partial(has_period_four, F(9, 10), F(30))},
        in_full={"a sample": partial(has_period_four, F(9, 10), F(1))},
    )  # fmt: skip
    for in_full in (False, True, False):
        found = examinations([claim], tmp_path, in_full=in_full)["T"]
        assert found.checks == {"a sample": not in_full}
    with pytest.raises(ValueError, match="in_full must name steps of T, got other"):
        replace(claim, in_full={"other": derive})


@pytest.mark.parametrize(("safe", "attracting"), [(False, None), (True, None)])
def test_a_false_box_is_named(monkeypatch, safe, attracting):
    monkeypatch.setattr(stability_map, "_safe", lambda *_: safe)
    monkeypatch.setattr(stability_map, "_attracting", lambda *_: attracting)
    with pytest.raises(ValueError, match="must be true, got a false one: 0"):
        stability_map.verified(1000)


@pytest.mark.slow
def test_every_box_of_the_map_is_true():
    safe, attracting = stability_map.verified()
    assert len(safe) == sum(map(len, map(safe_boxes, SAFE)))
    assert len(attracting) == sum(map(len, map(attracting_boxes, ATTRACTING)))


def test_the_tables_name_their_columns():
    assert "beta1 = 0.9" in table() and "alpha1 = 10" in table()
    text = widths(F(1, 10), (10,))
    assert "alpha1 = 10" in text and "mean over [.3, .95]" in text


@pytest.mark.slow
def test_boxes_are_verified_by_several_processes_as_by_one():
    assert stability_map.verified(300, processes=2) == stability_map.verified(300)


def test_a_box_is_a_value():
    box = safe_boxes("safe_10")[0]
    assert isinstance(box, Box) and proves(box)
