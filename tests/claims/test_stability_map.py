"""The map of stability: what it says of a setting, how thin its band is, and that no run contradicts it."""

import json
from dataclasses import replace
from functools import partial
from math import ceil, inf, sqrt

import numpy as np
import pytest
from frontier_settings import F, run, starts, staying

from experiments.examinations import content, examinations
from theory import global_stability, stability_map
from theory.certificates.frontier import Box, proves
from theory.claim import Claim
from theory.claims.cycles.below_edge import S3b, derive
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


@pytest.mark.parametrize("name", SAFE)
def test_random_starts_never_contradict_a_proved_box(name):
    """Random settings of random boxes, 200 starts each: all reach the minimum."""
    rng = np.random.default_rng(7)
    stock = safe_boxes(name)
    for k in rng.choice(len(stock), 12, replace=False):
        says = stock[k].says
        beta1, s = (float(low + F(rng.random()) * (high - low)) for low, high in (says.beta1, says.fraction))
        clip = inf if says.alpha1 is None else float(says.alpha1[0])
        assert staying(beta1, min(s, 0.99), clip, starts(rng, 200)).size == 0, (name, k)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "least"), [(20261128, 0), (20261129, F(19, 20))])
@pytest.mark.parametrize("name", SAFE)
def test_held_out_settings_in_proved_boxes(name, seed, least):
    """Settings drawn after the boxes were found, evenly from their area, 100,000 starts each: all reach the minimum.

    Once from all boxes, once from those beyond beta1 = .95.
    """
    rng = np.random.default_rng(seed)
    stock = [box for box in safe_boxes(name) if box.says.beta1[0] >= least]
    area = np.array(
        [float((x.beta1[1] - x.beta1[0]) * (x.fraction[1] - x.fraction[0])) for x in (b.says for b in stock)]
    )
    for k in rng.choice(len(stock), 6, replace=False, p=area / area.sum()):
        says = stock[k].says
        beta1, s = (float(low + F(rng.random()) * (high - low)) for low, high in (says.beta1, says.fraction))
        clip = inf if says.alpha1 is None else float(says.alpha1[0])
        assert staying(beta1, s, clip, starts(rng, 100_000)).size == 0, (name, k, beta1, s)


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
            if (safe_name == "safe_1") != name.startswith("attracting_1"):
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
        state = run(beta1, s, alpha1, *before, 1500)
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


@pytest.mark.parametrize("false", [("safe_10", 0), ("attracting_1", 1000)])
def test_a_false_box_is_named(monkeypatch, false):
    monkeypatch.setattr(stability_map, "_safe", lambda *box: box != false)
    monkeypatch.setattr(stability_map, "_attracting", lambda *box: None if box == false else box)
    with pytest.raises(ValueError, match=f"boxes of {false[0]} must be true, got a false one: {false[1]}$"):
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


@pytest.mark.parametrize("name", [*SAFE, *ATTRACTING])
def test_no_box_about_a_beta1_is_left_out(name):
    """At the ends of the boxes too, which floating point does not hold exactly; few others are looked at."""
    stock = [box.says for box in safe_boxes(name)] if name in SAFE else attracting_boxes(name)
    ends = sorted({end for box in stock for end in box.beta1})[:: max(1, len(stock) // 40)]
    for beta1 in [*ends, F(2, 3), F(1, 7)]:
        about = {k for k, box in enumerate(stock) if box.beta1[0] <= beta1 <= box.beta1[1]}
        near = stability_map._near(name, beta1)
        assert about <= set(near) and all(
            stock[k].beta1[0] - F(1, 10**8) < beta1 < stock[k].beta1[1] + F(1, 10**8) for k in near
        )
