"""Stored examinations: what is read back is what was found, without its times; what is no examination is refused."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import sympy as sp
import xarray as xr

from experiments import examinations
from experiments.examinations import content, from_dataset, modules, to_dataset
from theory.claim import Claim, Examination

FOUND = Examination("proved", "2 steps", 3.5, {"one": True, "two": False}, {"one": 1.0}, {"two": 7.5})


def holds():
    return True


def holds_too():
    return True


CLAIM = Claim(
    id="T", title="t", as_reported="r", statement="s", source="s", assumptions=("a",), plain="p", concludes="proved",
    steps={"sample": holds}, in_full={"sample": holds_too},
)  # fmt: skip


@pytest.mark.parametrize(
    "found",
    [
        FOUND,
        replace(FOUND, loose={}),
        replace(FOUND, status="open", checks={"one": False}),
        Examination("empirical", "nothing is derived", 0.5, {}),
    ],
)
def test_an_examination_comes_back_without_its_times(found):
    again = from_dataset(to_dataset(found))
    assert again == replace(found, seconds=0.0, times={})
    assert [type(held) for held in again.checks.values()] == [bool] * len(found.checks)


STORED = to_dataset(FOUND)


@pytest.mark.parametrize(
    "spoilt",
    [
        STORED.assign_attrs(status="certain"),
        STORED.assign_attrs(summary=3),
        STORED.drop_attrs(),
        STORED.drop_vars("holds"),
        STORED.drop_vars("check"),
        STORED.assign(holds=("check", [1, 0])),
        STORED.assign(holds=STORED.holds.expand_dims("more")),
        STORED.assign_coords(check=[1, 2]),
        STORED.assign_coords(check=np.array(["one", 2], object)),
        STORED.assign(looseness=("check", [1.0, 2.0])),
        STORED.assign(looseness=("bound", [7])),
        STORED.assign_coords(bound=[1.5]),
        xr.Dataset(),
    ],
)
def test_what_is_no_examination_is_refused(spoilt):
    with pytest.raises(ValueError, match="is not an examination"):
        from_dataset(spoilt)


def test_a_claim_checked_in_full_is_another_content():
    """The steps that stand for a sample are named, and only where they are the ones that check everything."""
    whole = replace(CLAIM, steps={**CLAIM.steps, **CLAIM.in_full})
    assert "in full" not in content(CLAIM) and content(whole)["in full"] == ["sample"]
    assert content(CLAIM)["steps"] == [f"sample: {__name__}"] == content(whole)["steps"]
    assert "reads" not in content(CLAIM)


def test_an_examination_rests_on_the_modules_of_its_steps():
    assert modules(CLAIM) == tuple(sorted(("theory.claim", __name__)))
    nested = replace(CLAIM, steps={"sample": partial(partial(Examination, "open"), "")})
    assert modules(nested) == ("theory.claim",) and content(nested)["steps"] == ["sample: theory.claim"]


def test_a_derivation_that_raises_is_open_with_its_reason():
    def raises():
        raise ArithmeticError("no root")

    found = examinations._examine(replace(CLAIM, derive=raises))
    assert (found.status, found.checks, found.seconds) == ("open", {}, 0.0)
    assert found.summary == "the derivation raised ArithmeticError: no root"


def test_the_longest_derivations_come_first_and_sound_ones_are_not_repeated(tmp_path, monkeypatch):
    claims = [replace(CLAIM, id=f"T{n}", steps={"sample": holds, **{f"step {i}": holds for i in range(n)}})
              for n in (1, 3, 2)]  # fmt: skip
    derived = []
    real = examinations.examine
    monkeypatch.setattr(examinations, "modules", lambda claim: ("theory.claim",))
    monkeypatch.setattr(examinations, "examine", lambda claim: derived.append(claim.id) or real(claim))
    first = examinations.examinations(claims, tmp_path)
    assert derived == ["T3", "T2", "T1"]
    again = examinations.examinations(claims, tmp_path)
    assert derived == ["T3", "T2", "T1"]
    assert {name: found.checks for name, found in again.items()} == {name: f.checks for name, f in first.items()}
    assert list(np.unique([found.status for found in again.values()])) == [first["T1"].status]
    examinations.examinations(claims[:1], tmp_path, fresh=True)
    examinations.examinations(claims[:1], tmp_path, in_full=True)
    assert derived == ["T3", "T2", "T1", "T1", "T1"]


def test_claims_with_more_formulas_are_begun_first(tmp_path, monkeypatch):
    derived = []
    monkeypatch.setattr(examinations, "modules", lambda claim: ("theory.claim",))
    monkeypatch.setattr(examinations, "examine", lambda claim: derived.append(claim.id) or FOUND)
    claims = [replace(CLAIM, id=f"T{n}", formulas={f"f{i}": sp.Integer(i) for i in range(n)}) for n in (1, 3, 2)]
    examinations.examinations(claims, tmp_path)
    assert derived == ["T3", "T2", "T1"]


@pytest.mark.parametrize(
    ("found", "times"),
    [
        (FOUND, 1),
        (Examination("empirical", "nothing is derived", 0.5, {}), 1),
        (Examination("open", "the derivation raised", 0.0, {}), 2),  # what broke may work the next time
    ],
)
def test_what_was_examined_is_kept_and_what_broke_is_tried_again(tmp_path, monkeypatch, found, times):
    derived = []
    monkeypatch.setattr(examinations, "modules", lambda claim: ("theory.claim",))
    monkeypatch.setattr(examinations, "examine", lambda claim: derived.append(claim.id) or found)
    for _ in range(2):
        (seen,) = examinations.examinations([CLAIM], tmp_path).values()
        assert (seen.status, seen.checks) == (found.status, found.checks)
    assert len(derived) == times


@pytest.mark.parametrize(("in_full", "step"), [(False, holds), (True, holds_too)])
def test_a_sample_is_checked_unless_everything_is_asked_for(tmp_path, monkeypatch, in_full, step):
    asked = []
    monkeypatch.setattr(examinations, "modules", lambda claim: ("theory.claim",))
    monkeypatch.setattr(examinations, "examine", lambda claim: asked.append(claim.steps["sample"]) or FOUND)
    claim = replace(CLAIM, steps={"sample": holds}, in_full={"sample": holds_too})
    examinations.examinations([claim], tmp_path, in_full=in_full)
    assert asked == [step]
