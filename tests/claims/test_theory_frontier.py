"""The map of stability: what a box needs, cell by cell, and that no orbit contradicts it."""

import itertools
from math import inf, sqrt

import numpy as np
import pytest
from frontier_settings import F, run, starts

from theory.certificates import cells, frontier
from theory.certificates.cells import UNIT, Cells, Family, Return, Strip, Target, no_orbit_stays, successors
from theory.certificates.frontier import contracts
from theory.certificates.sweep import kept, remaining, returning
from theory.claims.cycles.frontier import STEPS
from theory.stability_map import (
    safe_boxes,
)


@pytest.mark.parametrize("name", STEPS)
def test_what_the_boxes_rest_on(name):
    assert STEPS[name]()


# ---------------------------------------------------------------- cells


def places(some):
    """The place of each cell of a grid by row and column, -1 where it is missing."""
    found = np.full((some.nodes.size - 1, 2 * some.nodes.size - 2), -1)
    found[some.row, some.column] = np.arange(some.column.size)
    return found


@pytest.mark.parametrize("alpha1", [None, (F(1), F(1)), (F(10), F(19))])
@pytest.mark.parametrize("beta1", [(F(3, 10), F(3, 10)), (F(9, 10), F(181, 200))])
def test_successors_hold_every_image_and_little_more(alpha1, beta1):
    """States and settings drawn from cells and a box: the step lands in a cell that the checker names, or leaves."""
    rng = np.random.default_rng(0)
    fraction = (F(1, 2), F(13, 25))
    some = Cells.all_of(cells.grid(30 * UNIT, 2**14, 10, 6))
    some = some.only(rng.random(some.column.size) < 0.2)
    runs, leaves = successors(Family(beta1, fraction, alpha1), some)
    first, last = runs.T.astype(int)
    left, right, low, high = (part / UNIT for part in some.corners())
    nodes, place, n = some.mirrored() / UNIT, places(some), some.nodes.size - 1
    row = np.where(low < 0, n - 1 - some.column, some.column - n)
    lowest, highest = np.full(some.column.size, 10**6), np.full(some.column.size, -1)
    for _ in range(300):
        a, b = rng.uniform(left, right), rng.uniform(low, high)
        corner = rng.random(2) < 0.5
        a, b = np.where(corner[0], left, a), np.where(corner[1], high, b)
        beta, s = (rng.choice([float(ends[0]), float(ends[1])]) for ends in (beta1, fraction))
        clip = inf if alpha1 is None else float(rng.choice(alpha1))
        _, after = run(beta, s, clip, a, b, 1)
        after = np.where(low < 0, -after, after)
        inside = np.abs(after) < nodes[-1]
        assert leaves[~inside].all()
        column = np.searchsorted(nodes, np.where(inside, after, 0.5)) - 1
        met = np.where(inside, place[row, column], -1)
        assert ((first <= met) & (met < last))[met >= 0].all()
        lowest = np.where(met >= 0, np.minimum(lowest, met), lowest)
        highest = np.maximum(highest, met)
    seen = highest >= 0
    assert np.median((last - first - (highest - lowest + 1))[seen]) <= 1


@pytest.mark.parametrize(
    ("beta1", "fraction", "alpha1"),
    [
        ((F(1, 2), F(1, 2)), (F(2, 3), F(7, 10)), None),
        ((F(4, 5), F(21, 25)), (F(2, 3), F(7, 10)), (F(2), F(5, 2))),
        ((F(4, 5), F(21, 25)), (F(2, 3), F(7, 10)), None),
        ((F(4, 5), F(21, 25)), (F(9, 10), F(1)), None),  # psi falls far below 0
        ((F(1, 2), F(1, 2)), (F(1, 2), F(1, 2)), (F(1), F(1))),  # psi = b/2 beyond 1: images end on lines of the grid
    ],
)
def test_successors_are_all_cells_that_the_images_meet(beta1, fraction, alpha1):
    """Against rectangles, cell by cell: of an image and its negative, those in rows a >= 0, ends included."""
    rng = np.random.default_rng(2)
    family = Family(beta1, fraction, alpha1)
    some = Cells.all_of(cells.grid(4 * UNIT, 2**16, 4, 6))
    some = some.only(rng.random(some.column.size) < 0.7)
    runs, leaves = successors(family, some)
    first, last = runs.T.tolist()
    rise = [F(int(n), 1) for bound in family.psi(some.nodes) for n in bound]
    below, above = rise[: len(rise) // 2], rise[len(rise) // 2 :]
    below, above = [-x for x in above[::-1]] + below, [-x for x in below[::-1]] + above
    lines = [int(n) for n in some.nodes]
    rows, n = some.row, len(lines) - 1
    columns = list(itertools.pairwise([-x for x in lines[:0:-1]] + lines))
    for k in range(some.column.size):
        a, j = (lines[rows[k]], lines[rows[k] + 1]), some.column[k]
        image = [(1 + beta) * psi - beta * x for beta in beta1 for psi in (below[j], above[j]) for x in a]
        if j < n:
            image = [-x for x in image]
        met = [
            place
            for place in np.flatnonzero(rows == (j - n if j >= n else n - 1 - j))
            if columns[some.column[place]][0] <= max(image) and columns[some.column[place]][1] >= min(image)
        ]
        assert met == list(range(first[k], last[k])), k
        assert leaves[k] == (max(image) >= lines[-1] or min(image) <= -lines[-1])
    assert 0 < leaves.mean() < 0.5


@pytest.mark.parametrize("alpha1", [None, (F(1), F(1)), (F(2), F(5, 2))])
@pytest.mark.parametrize("fraction", [(F(3, 10), F(3, 10)), (F(2, 3), F(7, 10)), (F(9, 10), F(1))])
def test_psi_lies_between_its_bounds_and_they_are_as_close_as_the_argument_says(fraction, alpha1):
    """In exact numbers: its largest value is at an end; its least one is not below the line of its slope at the left,
    which rises. Every rounding is outwards, and small."""
    family = Family((F(1, 2), F(1, 2)), fraction, alpha1)
    narrow = np.concatenate([np.arange(0, 2**18, 13_007), 2**18 + np.arange(0, 3 * 2**18, 104_729)])
    wide = [np.array([left, 17 * UNIT // 10]) for left in range(0, UNIT // 2, 6007)]

    def psi(b, s, clip):
        square = (b / UNIT) ** 2
        return b - 2 * s * b / (1 + (square if clip is None else min(square, clip)))

    def slope(b, s):
        square = (b / UNIT) ** 2
        return 1 - 2 * s * (1 - square) / (1 + square) ** 2

    maps = list(itertools.product(fraction, alpha1 or (None,)))
    for nodes in (narrow, *wide):
        bounds = family.psi(nodes)
        assert all(bound.dtype == np.int64 for bound in bounds)
        ends = itertools.pairwise(map(F, nodes.tolist()))
        for (left, right), below, above in zip(ends, *(bound.tolist() for bound in bounds), strict=True):
            among = [left + (right - left) * F(share, 4) for share in range(5)]
            values = [psi(b, *one) for b in among for one in maps]
            assert below <= min(values) and max(values) <= above <= max(values) + 4
            drop = max(0, -min(slope(left, s) for s in fraction)) * (right - left)
            least = min(psi(left, *one) for one in maps) - drop
            assert least - 16 <= below <= least


def test_a_cell_meets_a_strip_or_a_way_back_if_one_of_its_corners_reaches_it():
    """Linear functions have their ends at corners; a cell that touches meets."""
    full = Cells.all_of(cells.grid(4 * UNIT, UNIT // 2, 8, 6))
    q, p, width, reach, back, drop = 2, 1, 3 * UNIT, 3 * UNIT, 2 * UNIT, UNIT
    slanted = np.array([[4, -7, 4, 4 * UNIT**2]])  # longer than the square beyond which it says nothing
    keep = kept(full.start, full.column, full.nodes, slanted, UNIT, q, p, width, reach)
    returns = returning(full.start, full.column, full.nodes, back, drop)
    for k, (left, right, low, high) in enumerate(zip(*full.corners(), strict=True)):
        corners = [(int(a), int(b)) for a in (left, right) for b in (low, high)]
        across = [q * b - p * a for a, b in corners]
        near = min(across) <= width and max(across) >= -width and left <= reach and low <= reach and high >= -reach
        values = [4 * b * b - 7 * a * b + 4 * a * a for a, b in corners]
        inside = all(max(abs(a), abs(b)) <= UNIT for a, b in corners) and max(values) <= 4 * UNIT**2
        assert keep[k] == (near and not inside)
        down = [b - a for a, b in corners]
        assert returns[k] == (right >= back and min(down) <= 0 and max(down) >= -drop)


def test_whole_numbers_of_64_bits_are_enough():
    """phi(b) is a quotient of ``b UNIT^2``; the next power of two would be too much."""
    assert 2 * cells.REACH * UNIT**2 == 2**63
    assert cells.quotient(np.array([7, -7]), np.int64(2), True).tolist() == [4, -3]
    assert cells.quotient(np.array([7, -7]), np.int64(2), False).tolist() == [3, -4]


def left_over(runs, exits, returns):
    """With sets: cells without successor or without predecessor are removed until there is none."""
    after = [set(range(*run)) for run in runs.tolist()]
    left = set(range(len(after)))
    while True:
        seen = set().union(*(after[k] for k in left)) if left else set()
        keep = {k for k in left if (after[k] & left or exits[k]) and (k in seen or returns[k])}
        if keep == left:
            return left
        left = keep


def test_removing_cells_is_what_removing_one_by_one_is():
    rng = np.random.default_rng(1)
    family = Family((F(9, 10), F(9, 10)), (F(7, 10), F(7, 10)), None)
    for exits_share in (0.0, 0.02):
        some = Cells.all_of(cells.grid(6 * UNIT, 2**16, 4, 6))
        some = some.only(rng.random(some.column.size) < 0.85)
        runs, _ = successors(family, some)
        exits, returns = rng.random((2, some.column.size)) < exits_share
        left = left_over(runs, exits, returns)
        assert set(np.flatnonzero(remaining(runs, exits, returns))) == left
        assert 0 < len(left) < some.column.size


def test_removing_cells_of_any_arrows():
    """Random runs, half of them without cycles, with every kind of way out of the grid and back."""
    rng = np.random.default_rng(4)
    left_some = 0
    for k in range(4000):
        n = int(rng.integers(1, 14))
        first = rng.integers(0, n + 1, n)
        if k % 2:
            first = np.maximum(first, np.arange(1, n + 1))
        last = np.minimum(n, first + rng.integers(0, 4, n))
        if k % 3 == 0:  # all arrows turned round
            first, last = n - last[::-1], n - first[::-1]
        exits, returns = rng.random((2, n)) < rng.choice([0, 0.1, 0.4], (2, 1))
        runs = np.stack([first, last], axis=1).astype(np.uint32)
        left = left_over(runs, exits, returns)
        assert set(np.flatnonzero(remaining(runs, exits, returns))) == left, (runs, exits, returns)
        left_some += 0 < len(left) < n
    assert left_some > 500


def test_orbits_that_leave_and_come_back_are_not_lost():
    """A cycle of period 8 with velocities beyond the grid, at beta1 = .949, S = .4535 B: it stays if orbits may come
    back to (.695, -.983); none stays inside."""
    state = run(0.949, 0.4535, inf, 1.6917, 1.5894, 8000)
    cycle = np.array([run(0.949, 0.4535, inf, *state, k) for k in range(8)])
    inside = (np.abs(cycle) < 1.1).all(axis=1)
    assert np.allclose(np.sort(np.abs(cycle[inside])), [[0.695, 0.983]] * 2, atol=2e-3)
    assert np.abs(cycle).max() > 1.6
    family = Family((F(949, 1000), F(949, 1000)), (F(907, 2000), F(907, 2000)), None)
    nodes = cells.grid(int(1.1 * UNIT), 2**15, 8, 5)
    assert nodes[-1] < 1.2 * UNIT
    target, anywhere = Target(np.array([[100, 0, 100, 130 * UNIT**2]])), Strip(1, 1, 9 * UNIT, 9 * UNIT)
    for back, stays in ((0.6, True), (1.2, False)):
        comes_back = Return(int(back * UNIT), int(1.8 * UNIT))
        assert no_orbit_stays(family, nodes, 5, target, anywhere, comes_back) != stays
    assert [no_orbit_stays(family, nodes, levels, target, anywhere) for levels in (0, 1, 5)] == [False, True, True]


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
        runs, _ = successors(family, some)
        none = np.zeros(some.column.size, bool)
        some = some.only(remaining(runs, none, none))
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
