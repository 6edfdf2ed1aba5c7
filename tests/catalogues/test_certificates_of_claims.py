"""A certificate closes the claim that needs what it proves, and no other: a file's name proves nothing."""

import json
import shutil
from dataclasses import replace
from fractions import Fraction
from itertools import permutations

import pytest

import theory.claim
from theory import CLAIMS
from theory.certificates.check import prove, prove_file
from theory.certificates.statement import FACTS, Statement
from theory.claim import CERTIFICATES, Certificate, examine

NEEDED = {certificate.name: certificate for claim in CLAIMS for certificate in claim.certificates}
#: A true certificate of something that no claim needs: without momentum, one gate.
DEGENERATE = {
    "kind": "lyapunov", "beta1": "0", "a": "1", "b": "1", "P": [["2", "0"], ["0", "1"]],
    "minors_of_P": ["2", "2"], "minors_at_a": ["1", "1"], "minors_at_b": ["1", "1"],
}  # fmt: skip


def test_every_stored_certificate_is_needed_by_one_claim():
    assert sorted(NEEDED) == sorted(path.stem for path in CERTIFICATES.glob("*.json"))


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_what_is_stored_is_what_is_needed_and_with_any_number_moved_it_is_not(name):
    proved, needs = prove_file(CERTIFICATES / f"{name}.json"), NEEDED[name].needs
    assert proved == needs and proved.sentence == NEEDED[name].says
    for fact, value in needs.facts.items():
        for other in (value + Fraction(1, 10**9), value + 1, -value - 1):
            assert proved != Statement(needs.kind, {**needs.facts, fact: other}), fact


def test_no_two_claims_need_the_same_so_that_no_two_files_can_be_swapped():
    for one, other in permutations(NEEDED.values(), 2):
        assert one.needs != other.needs, (one.name, other.name)


@pytest.fixture
def forged(tmp_path, monkeypatch):
    """A copy of the certificates, in which files may be replaced."""
    shutil.copytree(CERTIFICATES, tmp_path / "certificates", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    monkeypatch.setattr(theory.claim, "CERTIFICATES", tmp_path / "certificates")
    return tmp_path / "certificates"


def only(claim, *names):
    """The claim with these certificates alone to close."""
    chosen = tuple(certificate for certificate in claim.certificates if certificate.name in names)
    return replace(claim, derive=None, formulas={}, steps={}, certificates=chosen)


def test_a_true_certificate_of_something_else_leaves_the_claim_open(forged):
    s3a, s3b = (next(claim for claim in CLAIMS if claim.id == name) for name in ("S3a", "S3b"))
    assert prove(DEGENERATE) is not None
    assert examine(only(s3a, "gates_quadratic_99")).status == examine(only(s3b, "cycle_999_early")).status == "refuted"
    (forged / "gates_quadratic_99.json").write_text(json.dumps(DEGENERATE))
    shutil.copy(forged / "cycle_60.json", forged / "cycle_999_early.json")
    for claim, name in ((s3a, "gates_quadratic_99"), (s3b, "cycle_999_early")):
        found = examine(only(claim, name))
        assert found.status == "open" and found.summary == f"does not close: certificate {name}"


def test_sentences_hold_every_number():
    """Two statements that differ in one fact are told apart by their sentences."""
    for certificate in NEEDED.values():
        needs = certificate.needs
        for fact, value in needs.facts.items():
            other = Statement(needs.kind, {**needs.facts, fact: value + 1})
            assert other.sentence != needs.sentence, (certificate.name, fact)


@pytest.mark.parametrize(
    ("kind", "facts", "message"),
    [
        ("circle", {}, "kind must be one of cycle, lyapunov"),
        ("lyapunov", {"beta1": 0}, "facts must be beta1, low, high"),
    ],
)
def test_a_statement_has_the_facts_of_its_kind(kind, facts, message):
    with pytest.raises(ValueError, match=message):
        Statement(kind, facts)


def test_every_kind_makes_a_sentence():
    for kind, names in FACTS.items():
        facts = {name: Fraction(i + 1, 7) for i, name in enumerate(names)}
        assert Statement(kind, facts).sentence and Certificate("x", Statement(kind, facts)).says
