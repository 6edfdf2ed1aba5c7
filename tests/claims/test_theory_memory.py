"""Gates with a memory, one curvature: what the cells prove, what must be refused, and that no run contradicts it."""

import copy
import json
from fractions import Fraction

import numpy as np
import pytest

import vradam
from theory.certificates.cells import PARTS, UNIT, Strip
from theory.certificates.check import prove
from theory.certificates.memory import check_memory
from theory.certificates.memory_cells import Family, Target, no_orbit_stays
from theory.certificates.memory_sweep import images, remaining
from theory.claim import CERTIFICATES
from theory.claims.opening_law.stability import S8
from theory.claims.smoothed_gate import S7
from theory.search import memory as search

F = Fraction
STORED = {column.name: column for column in search.COLUMNS}
#: What each file proves: that it does, tests/catalogues/test_certificates_of_claims.py checks.
PROVED = {certificate.name: certificate.needs for claim in (S7, S8) for certificate in claim.certificates}
#: gate_decay at which random starts find cycles that attract, a little below each column.
CYCLING = {
    "memory_averaged_60_at_97": 0.008,
    "memory_averaged_70_at_85": 0.06,
    "memory_averaged_80_at_75": 0.156,
    "memory_held_60_at_97": 0.22,
    "memory_held_70_at_85": 0.336,
    "memory_held_80_at_75": 0.456,
}


def stored(name):
    return json.loads((CERTIFICATES / f"{name}.json").read_text(encoding="utf-8"))


def step(law, beta1, s, alpha1, g, a, b, w):
    """One step, written out."""
    seen = g * w + (1 - g) * b * b if law == "averaged" else np.maximum(g * w, np.minimum(b * b, alpha1))
    return b, b + beta1 * (b - a) - 2 * (1 + beta1) * s * b / (1 + np.minimum(seen, alpha1)), seen


def run(column, decay, starts, steps):
    """``decay`` draws a gate_decay for each start, anew at every step."""
    state = starts
    for _ in range(steps):
        state = step(column.law, column.beta1 / 100, column.fraction / 100, column.alpha1, decay(), *state)
    return state


def some_starts(rng, n, column):
    size = 10 ** rng.uniform(-1.5, 1.5, n)
    memory = 10 ** rng.uniform(-3, 1, n) if column.law == "held" else 10 ** rng.uniform(-3, 3, n)
    return size * rng.standard_normal(n), size * rng.standard_normal(n), memory


def test_there_is_a_column_for_each_law_and_setting():
    assert set(CYCLING) == set(STORED) == {path.stem for path in CERTIFICATES.glob("memory_*.json")}


@pytest.mark.parametrize("name", STORED)
def test_random_starts_never_contradict_a_column(name):
    """Constant and changing gate_decay in the proved interval: every start comes to rest."""
    rng = np.random.default_rng(20261129)
    says = PROVED[name]
    low, high = float(says.facts["low"]), float(says.facts["high"])
    starts = some_starts(rng, 3000, STORED[name])
    constant = rng.uniform(low, high, 3000)
    for decay in (lambda: low, lambda: constant, lambda: rng.uniform(low, high, 3000)):
        a, b, _ = run(STORED[name], decay, starts, 500)
        assert np.hypot(a, b).max() < 1e-6, name


@pytest.mark.parametrize("name", STORED)
def test_a_little_below_a_column_orbits_stay_away(name):
    """At the numbers that S7 and S8 name: the lower end is within .025 of them. A box there is refused."""
    column, says = STORED[name], PROVED[name]
    g = CYCLING[name]
    assert 0 < float(says.facts["low"]) - g < 0.025
    assert float(says.facts["high"]) > search.star(column.beta1 / 100, column.fraction / 100, column.alpha1)
    a, b, _ = run(column, lambda: g, some_starts(np.random.default_rng(1), 3000, column), 1000)
    assert 0.003 < (np.hypot(a, b) > 0.1).mean() < 0.5
    beginning, asked = float(says.facts["low"]), search.star(column.beta1 / 100, column.fraction / 100, column.alpha1)
    for number in (str(g), f"{beginning:g}", f"{asked:.3f}"):
        assert number in {"averaged": S7, "held": S8}[column.law].plain
    data = stored(name)
    box = {**data["boxes"][0], "gate_decay": [str(F(g).limit_denominator(1000))] * 2, "grid": [2**15, 8, 5]}
    assert check_memory({**data, "boxes": [box]}) is None


@pytest.mark.parametrize("name", STORED)
def test_the_optimizer_converges_there(name):
    """``vradam`` itself, the smoothed gate bias-corrected as in the algorithm."""
    column, says = STORED[name], PROVED[name]
    g = float(says.facts["low"]) + 0.002
    law = vradam.laws.averaged(g) if column.law == "averaged" else vradam.laws.held(g)
    rate = column.fraction / 100 * 2 * (100 + column.beta1) / (100 - column.beta1)
    optimizer = vradam.VRMomentum(alpha0=rate, beta1=column.beta1 / 100, alpha1=10.0, law=law)
    x0 = np.geomspace(0.1, 1e3, 200)[:, None]
    found = vradam.simulate(optimizer, vradam.objectives.quadratic([1.0]), x0, steps=500, every=0)
    assert np.abs(found.x[:, -1]).max() < 1e-6


# ---------------------------------------------------------------- what must be refused


@pytest.mark.parametrize("name", ["memory_averaged_70_at_85", "memory_held_70_at_85"])
def test_corrupted_columns_are_refused(name):
    data = stored(name)
    box = data["boxes"][-1]
    kept = {**data, "boxes": [box]}
    assert check_memory(kept) is not None
    for changes in (
        {"target": [box["target"][0], "1"]},  # larger than what attracts
        {"target": ["0", box["target"][1]]},
        {"far": [box["far"][0], "1/2"]},  # contracts less than that
        {"far": ["2", box["far"][1]]},  # not definite
        {"far": [box["far"][0], "1999/2000"]},  # beyond the grid
        {"grid": [2**15, 8, 0]},  # too coarse
    ):
        changed = copy.deepcopy(kept)
        changed["boxes"][0].update(changes)
        assert check_memory(changed) is None, changes
    assert check_memory({**kept, "fraction": "999/1000"}) is None
    assert check_memory({**kept, "beta1": "9/10"}) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beta1": "0"}, "beta1 must be a whole number of 1/2000 below 1"),
        ({"beta1": "1/3"}, "beta1 must be a whole number of 1/2000 below 1"),
        ({"fraction": "1"}, "fraction must lie between 0 and 1"),
        ({"fraction": "1/3001"}, "fraction must have a denominator"),
        ({"alpha1": "1"}, "alpha1 must be a whole number from 2"),
        ({"alpha1": "5/2"}, "alpha1 must be a whole number from 2"),
        ({"boxes": []}, "boxes must be a list"),
        ({"boxes": ["1"]}, "a box must be a JSON object"),
        ({"more": "1"}, "has no keys"),
    ],
)
def test_malformed_columns_are_errors(changes, message):
    with pytest.raises(ValueError, match=message):
        prove({**stored("memory_held_70_at_85"), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gate_decay": ["1/2", "1/4"]}, "gate_decay must be a pair"),
        ({"gate_decay": ["1/3", "1/2"]}, "gate_decay must be a whole number of 1/2000"),
        ({"gate_decay": ["1/2", "1"]}, "gate_decay must be a whole number of 1/2000"),
        ({"target": ["0"]}, "target must have 2 entries"),
        ({"far": ["0", "1/2001"]}, "far must have a denominator"),
        ({"grid": [2**15, 1, 5]}, "grid must hold step"),
        ({"grid": [2**15, 8, 9]}, "grid must hold step"),
        ({"grid": [3 * 2**8 + 1, 8, 1]}, "grid must hold step"),
        ({"more": "1"}, "has no keys"),
    ],
)
def test_malformed_boxes_are_errors(changes, message):
    data = stored("memory_held_70_at_85")
    with pytest.raises(ValueError, match=message):
        prove({**data, "boxes": [{**data["boxes"][0], **changes}]})


def test_boxes_must_follow_each_other():
    data = stored("memory_averaged_70_at_85")
    with pytest.raises(ValueError, match="boxes must follow each other"):
        prove({**data, "boxes": [data["boxes"][0], data["boxes"][-1]]})


# ---------------------------------------------------------------- the bounds


@pytest.mark.parametrize("law", ["averaged", "held"])
@pytest.mark.parametrize("alpha1", [2, 10])
def test_bounds_hold_and_are_close(law, alpha1):
    """``psi`` and the memory on cells: above and below 300 values in each, and no more than their spread away."""
    rng = np.random.default_rng(5)
    family = Family(law, F(7, 10), F(17, 20), alpha1, (F(1, 5), F(1, 4)))
    nodes = np.cumsum(np.r_[0, rng.integers(2**10, 2**14, 60)])
    memory = np.cumsum(np.r_[0, rng.integers(2**10, 2**16, 60)])
    low, high = family.psi(nodes, memory)
    first, last = family.remembered(nodes, memory)
    for _ in range(400):
        i, k = rng.integers(60, size=2)
        b = (nodes[i] + rng.random(300) * (nodes[i + 1] - nodes[i])) / UNIT
        w = (memory[k] + rng.random(300) * (memory[k + 1] - memory[k])) / UNIT
        g = rng.uniform(0.2, 0.25, 300)
        b[:4], w[:4], g[:4] = nodes[[i, i + 1, i, i + 1]] / UNIT, memory[[k, k + 1, k + 1, k]] / UNIT, 0.2
        b[4:8], w[4:8], g[4:8] = b[:4], w[:4], 0.25
        _, moved, seen = step(law, 0.7, 0.85, alpha1, g, 0.0, b, w)
        psi = UNIT * moved / 1.7
        width = (nodes[i + 1] - nodes[i]) + (memory[k + 1] - memory[k]) / 8
        assert low[i, k] <= psi.min() + 1e-6 and high[i, k] >= psi.max() - 1e-6
        assert low[i, k] >= psi.min() - 0.3 * width - 8 and high[i, k] <= psi.max() + 0.3 * width + 8
        level = np.searchsorted(memory, UNIT * seen, side="right") - 1
        inside = level < 60
        assert (first[i, k] <= level[inside]).all() and (level[inside] < last[i, k]).all()
        assert first[i, k] >= level.min() - 1 and last[i, k] <= level.max() + 2


@pytest.mark.parametrize("law", ["averaged", "held"])
def test_every_step_goes_to_a_successor(law):
    """From random states of all cells: the cell of the next state is in the run of its row, and of its memory."""
    rng = np.random.default_rng(6)
    family = Family(law, F(7, 10), F(17, 20), 10, (F(1, 5), F(1, 5)))
    nodes, memory = np.arange(21) * 2**15, np.arange(13) * 2**17
    n, m = 20, 12
    start, level = np.arange(2 * n * n + 1) * m, np.tile(np.arange(m, dtype=np.int32), 2 * n * n)
    below, above = (1.7 * PARTS * bound for bound in family.psi(nodes, memory))
    ends = PARTS * np.concatenate([-nodes[:0:-1], nodes])
    first, last = images(start, level, nodes, ends, below.astype(int), above.astype(int), int(0.7 * PARTS))
    low, high = family.remembered(nodes, memory)
    a, b, w = rng.uniform(0, 2.5, 20_000), rng.uniform(-2.5, 2.5, 20_000), rng.uniform(0, 6, 20_000)
    _, moved, seen = step(law, 0.7, 0.85, 10.0, 0.2, a, b, w)
    stays = (np.abs(moved) < 2.499) & (seen < 5.999)
    i, j, k = (8 * a).astype(int), np.floor(8 * b).astype(int) + n, (2 * w).astype(int)
    place = start[2 * n * i + j] + k
    turned = np.where(b < 0, -moved, moved)
    column, row, after = (
        np.floor(8 * turned).astype(int) + n,
        np.floor(8 * np.abs(b)).astype(int),
        (2 * seen).astype(int),
    )
    assert stays.sum() > 10_000
    assert ((first[place] <= column) & (column < last[place]))[stays].all()
    assert ((low[row, k] <= after) & (after < high[row, k]))[stays].all()


def test_removal_leaves_what_lies_between_cycles():
    """On random arrows, against removal by the definition."""
    rng = np.random.default_rng(7)
    n, m = 4, 5
    for _ in range(30):
        chosen = rng.random((n, 2 * n, m)) < 0.5
        start = np.concatenate([[0], np.cumsum(chosen.sum(axis=2))])
        level = np.concatenate([np.flatnonzero(column) for column in chosen.reshape(-1, m)]).astype(np.int32)
        first = rng.integers(0, 2 * n, level.size).astype(np.int32)
        last = np.minimum(first + rng.integers(0, 3, level.size), 2 * n).astype(np.int32)
        low = rng.integers(0, m, (n, m)).astype(np.int32)
        high = np.minimum(low + rng.integers(0, 3, (n, m)), m).astype(np.int32)
        cells = [tuple(cell) for cell in np.argwhere(chosen)]
        after = {}
        for place, (_, j, k) in enumerate(cells):
            row = j - n if j >= n else n - 1 - j
            ends = first[place], last[place], low[row, k], high[row, k]
            after[place] = {
                q for q, (x, y, z) in enumerate(cells) if x == row and ends[0] <= y < ends[1] and ends[2] <= z < ends[3]
            }
        left = set(after)
        while True:
            still = {p for p in left if after[p] & left and any(p in after[q] for q in left)}
            if still == left:
                break
            left = still
        assert set(np.flatnonzero(remaining(start, level, first, last, low, high, n))) == left


def test_nothing_is_proved_of_an_edge_beyond_which_rest_repels():
    """At S = 1.05 B no target attracts; with one that only looks so, the orbits of period 2 are left over."""
    family = Family("averaged", F(1, 2), F(21, 20), 10, (F(1, 2), F(1, 2)))
    target = Target(np.array([PARTS, 0, PARTS // 2]), 2 * PARTS * UNIT**2 // 1000, UNIT // 20)
    assert not no_orbit_stays(family, (2**15, 8, 3), 100 * UNIT, target, Strip(1, 0, 20 * UNIT, 10 * UNIT))


# ---------------------------------------------------------------- the search


@pytest.mark.parametrize("name", ["memory_held_60_at_97", "memory_averaged_60_at_97"])
def test_the_search_finds_stored_boxes_again(name):
    column = STORED[name]
    for box in stored(name)["boxes"][-2:]:
        decay = tuple(int(F(end) * PARTS) for end in box["gate_decay"])
        assert search.attempt(column, decay) == box


def test_the_search_gives_up_where_orbits_stay():
    column = STORED["memory_averaged_70_at_85"]
    assert search.attempt(column, (100, 100)) is None
