"""The map of stability: what a box needs, cell by cell, and that no orbit contradicts it."""

from math import inf, sqrt

import numpy as np
import pytest
from frontier_settings import F, run, starts

from theory.certificates import cells, frontier
from theory.certificates.cells import UNIT, Cells, Family, image_columns
from theory.certificates.frontier import contracts
from theory.certificates.sweep import kept, remaining, returning, successors
from theory.claims.cycles.frontier import STEPS
from theory.stability_map import (
    safe_boxes,
)


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
