"""Claims, studies and figures are found by folder, and what is half registered is an error that names it."""

import importlib
import sys
import textwrap

import pytest

from experiments.catalogue import Stem, catalogue_of, discover
from experiments.study import Study
from paper_figures.figure import figures
from theory.claim import Claim
from theory.discovery import claims_by_stem, in_order

CLAIM = """
from theory.claim import Claim

{name} = Claim(id="{name}", title="t", as_reported="r", statement="s", source="s", assumptions=(), plain="p",
               concludes="{concludes}", steps={{"step": lambda: True}})
CLAIMS = ({name},)
"""
STUDY = """
'''A study.'''
from dataclasses import dataclass
from experiments.study import Result, Study

@dataclass(frozen=True)
class Setup:
    seed: int = 0

STUDY = Study(Setup(), Setup(), lambda setup, chunks: Result({{}}){more})
"""


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """``fill(claims={stem: text}, studies={stem: text})`` makes two packages and returns their catalogue."""
    monkeypatch.syspath_prepend(tmp_path)

    def fill(claims, studies):
        for package, modules in (("tried_claims", claims), ("tried_studies", studies)):
            folder = tmp_path / package
            folder.mkdir()
            (folder / "__init__.py").touch()
            for name, text in modules.items():
                (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        importlib.invalidate_caches()
        for name in [name for name in sys.modules if name.startswith("tried_")]:
            monkeypatch.delitem(sys.modules, name)
        return discover("tried_claims", "tried_studies")

    return fill


EXPLORES = ", explores=True"


def claim(name, concludes="proved"):
    return CLAIM.format(name=name, concludes=concludes)


def study(more=""):
    return STUDY.format(more=more)


def test_dropping_in_two_files_is_enough(packages):
    """One of each, paired by the name of the file; the verdict that we expect follows from what the claim concludes."""
    claims = {"b": claim("S2", "refuted"), "a": claim("K9")}
    found = packages(claims, {"b": study(), "a": study(), "c": study(EXPLORES)})
    assert [stem.name for stem in found.stems] == ["a", "b", "c"] and [c.id for c in found.claims] == ["K9", "S2"]
    assert [found[name].expected(c) for name, c in zip("ab", found.claims, strict=True)] == ["verified", "refuted"]
    assert found.select(None) == ("K9", "S2", "c") and found.stem_of(found.claims[1]).module == "tried_studies.b"


ONE, TWO = {"a": claim("S1")}, {"a": claim("S1"), "b": claim("S1")}
LATE, TORN = {"a": "CLAIM = 3"}, {"a": "import no_such_module"}


@pytest.mark.parametrize(
    ("claims", "studies", "error", "message"),
    [
        (ONE, {}, ValueError, r"tried_claims\.a must have a study tried_studies\.a, got none for S1"),
        (ONE, {"aa": study(EXPLORES)}, ValueError, r"tried_claims\.a must have a study"),
        ({}, {"a": study()}, ValueError, r"tried_studies\.a must have claims of the stem 'a', or say that it explores"),
        (ONE, {"a": study(EXPLORES)}, ValueError, "must not say that it explores with claims, got S1"),
        (TWO, {"a": study(), "b": study()}, ValueError, "the id S1 must belong to one claim, got one in a and in b"),
        (TORN, {"a": study()}, ImportError, r"tried_claims\.a cannot be imported: ModuleNotFound"),
        (LATE, {"a": study()}, ValueError, r"tried_claims\.a must end with CLAIMS, a tuple of claims, got None"),
        (ONE, {"a": study(", expects={'S9': 'open'}")}, ValueError, "must expect verdicts of S1, got S9"),
        (ONE, {"a": study(", expects={'S1': 'sure'}")}, ValueError, "must expect one of .*, got 'sure'"),
    ],
)
def test_what_is_half_registered_is_an_error_that_names_it(packages, claims, studies, error, message):
    with pytest.raises(error, match=message):
        packages(claims, studies)


def test_a_study_that_cannot_be_imported_keeps_its_place(packages):
    found = packages({"a": claim("S1"), "b": claim("S2")}, {"a": "x = 1 / 0", "b": study()})
    assert found["a"].failure == "ZeroDivisionError: division by zero" and found["b"].failure == ""
    assert found.select(None) == ("S1", "S2")
    with pytest.raises(ImportError, match="division by zero"):
        found["a"].working()


def test_the_ledger_is_ordered_by_chapter_and_number():
    names = ["E2", "S10", "S3b", "C1a", "G1", "W1", "S3a", "K1", "S2", "T1"]
    texts = dict.fromkeys(("title", "as_reported", "statement", "source", "plain"), "")
    claims = [Claim(id=name, assumptions=(), concludes="proved", **texts) for name in names]
    assert " ".join(c.id for c in in_order(claims)) == "K1 G1 S2 S3a S3b S10 C1a E2 W1 T1"
    stems = [Stem(c.id, "m", (c,), Study(1, 1, print)) for c in claims]
    idle = Stem("idle", "m", (), Study(1, 1, print, explores=True))
    order = [stem.name for stem in catalogue_of([idle, *stems]).stems]
    assert order[:2] == ["K1", "G1"] and order[-1] == "idle"


def test_every_stem_of_the_theory_has_its_claims():
    found = claims_by_stem()
    assert {claim.id for claim in found["cycles"]} == {"S3b", "S6"}
    assert {claim.id for claim in found["convergence"]} == {"C1a", "C2"}


def test_a_figure_module_ends_with_its_figure(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "tried_figures").mkdir()
    (tmp_path / "tried_figures" / "__init__.py").touch()
    (tmp_path / "tried_figures" / "one.py").write_text("FIGURE = 3")
    with pytest.raises(ValueError, match=r"tried_figures\.one must end with FIGURE, .*, got 3"):
        figures("tried_figures")
    assert len({figure.name for figure in figures()}) == len(figures()) > 10
