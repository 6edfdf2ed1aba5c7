"""The report: self-contained, well-formed, and saying what the findings say."""

import json
import math
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import theory
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.report.ledger import Finding, JobResult, Recorded, StudyRun, entry, short, table
from experiments.report.page import (
    embedded,
    interval,
    mathml,
    number,
    pictures,
    prose,
    render,
    shortest,
    statement,
    strip,
)
from experiments.store.fingerprint import plain
from experiments.store.provenance import commit, provenance
from experiments.study import Table
from theory.claim import Claim, Examination

VOID = {"meta", "img", "br", "circle", "path", "hr", "input"}


class Page(HTMLParser):
    """Checks that tags nest, and collects what a test may ask about."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.ids, self.words = [], [], [], [], []
        self.feed(text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append((tag, given))
        self.links += [given[name] for name in ("href", "src", "srcset", "data") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@dataclass(frozen=True)
class Setup:
    steps: int = 10
    alpha1: float = math.inf
    sizes: tuple[int, ...] = tuple(range(20))
    seed: int = 3


def claim(name, **changes):
    return Claim(
        **{
            "id": name,
            "title": "A <b>bold</b> claim",
            "as_reported": 'eta_t <= alpha0 & "so on"',
            "statement": r"\eta_t \leq \alpha_0, \quad \|v\|^2 \geq 0",
            "source": "somewhere",
            "assumptions": ("beta1 < 1",),
            "plain": "In plain words.",
            "concludes": "proved",
            "holds": "half of it",
        }
        | changes
    )


def evidence(kind, *points):
    """As experiments make it, with NumPy's numbers."""
    return (Evidence(kind, tuple(Point(*p) for p in points), np.int64(1234), "a quantity"),)


def outcome(figures=()):
    """One finding of every verdict, one failure, one not run, and a study without a claim."""
    equal = evidence("equality", (np.float64(2.0), 1.99, 2.01, 2.0, "beta1 = 0.9"))
    wrong = evidence("upper bound", (2.0, 1.9, 2.1, 1.0, "N = 100", 5.0))
    empty = evidence("upper bound", (2.0, 1.9, 2.1, 9.0, "N = 100", 5.0))
    odd = evidence(
        "lower bound", (math.nan, math.nan, math.nan, math.inf), (0.0, 0.0, 1.0, -1.0), (1e-7, 0, 1e300, 1e-9)
    )
    cases = {
        "A": ("proved", Confrontation("A", equal, note="As foreseen.")),
        "B": ("proved under assumptions", Confrontation("B", equal * 2)),
        "C": ("refuted", Confrontation("C", wrong, corrected=equal)),
        "D": ("proved", Confrontation("D", empty)),
        "E": ("empirical", Confrontation("E", odd)),
    }
    made = provenance(Setup(), "0123456789abcdef", 1.5) | {"resolution": "default"}
    study = StudyRun("toy", "A toy", plain(Setup()), made, {k: c for k, (_, c) in cases.items()}, figures)
    failed = StudyRun("broken", "Broken", plain(Setup()), made, failure="ValueError: no <root>")
    checks = {"formula rate": True, "a step": False}
    findings = [
        Finding(claim(name), "verified" if name in "AE" else None, Examination(status, "2 checks", 0.5, checks), study)
        for name, (status, _) in cases.items()
    ]
    findings += [
        Finding(claim("F"), "verified", Examination("proved", "closes", 0.1, {}), failed),
        Finding(claim("G"), "verified"),
    ]
    idle = StudyRun("maps", "Maps without a claim", plain(Setup()), made)
    return JobResult(tuple(findings), (study, failed, idle))


@pytest.fixture
def page(tmp_path):
    return Page(render(outcome(), tmp_path))


def test_every_verdict_is_shown_with_a_sign_and_a_word(page):
    assert [finding.verdict for finding in outcome().findings] == [
        "verified", "verified under assumptions", "refuted", "vacuous", "inconclusive", "open", "not run",
    ]  # fmt: skip
    for badge in (
        "✓ verified",
        "✓ verified under assumptions",
        "✗ refuted",
        "∅ vacuous",
        "? inconclusive",
        "? open",
        "– not run",
    ):
        assert badge in page.text
    assert "expected: verified" in page.text and "The run failed: ValueError: no <root>" in page.text
    assert "Maps without a claim" in page.text and "1,234 runs" in page.text
    assert (
        "with a planted error (formulas × 1.02, bounds moved past the measurement) the verdict becomes open"
        in page.text
    )


def recorded(**measured):
    """An entry of a ``claims.json`` as read back, and a table whose rows fall into two groups."""
    found = outcome().findings[2]
    item = json.loads(json.dumps(entry(found)))
    item["numeric"]["measured"] |= measured
    table = Table(
        "By <task>", ("task", "other", "p"), (("a", "x", "0.1"), ("a", "y", "0.2"), ("b", "x", "0.3")), "Read so."
    )
    return Recorded("G", "python -m experiments --only G", item, (table,))


def test_a_verdict_on_record_is_shown_with_its_numbers_tables_and_setup(tmp_path):
    found = replace(outcome(), recorded=(recorded(),))
    page = Page(render(found, tmp_path))
    assert page.text.count("✗ refuted") == 7 and "– not run" not in page.text  # the badges count what the table shows
    for words in ("on record", "By <task>", "Read so.", "python -m experiments --only G", "Setup and versions"):
        assert words in page.text
    groups = [given for tag, given in page.tags if tag == "tr" and given.get("class") == "group"]
    assert len(groups) == 2 and "N = 100" in page.text
    odd = replace(outcome(), recorded=(recorded(value="inf", low=0.0, high=1.0),), notice="No <record>.")
    assert "No <record>." in Page(render(odd, tmp_path)).text  # numbers that are no interval are left out
    none = replace(outcome(), recorded=(Recorded("G", "run it", None),))
    assert "It runs only on request: run it" in Page(render(none, tmp_path)).text


def test_the_tables_of_a_study_are_shown_once_and_their_rows_fit(tmp_path):
    table = recorded().tables[0]
    found = outcome()
    findings = tuple(
        replace(finding, study=replace(finding.study, tables=(table,))) if finding.study else finding
        for finding in found.findings
    )
    assert Page(render(replace(found, findings=findings), tmp_path)).text.count("By <task>") == 2  # of two stems
    assert str(table).splitlines()[3:] == ["a", "  x      0.1", "  y      0.2", "b", "  x      0.3", "Read so."]
    with pytest.raises(ValueError, match="a row must have 2 cells, got 1"):
        Table("short", ("a", "b"), (("1",),))


def test_the_page_needs_nothing_from_elsewhere(page):
    assert not {"script", "iframe", "object", "embed", "link"} & {tag for tag, _ in page.tags}
    assert all(link.startswith(("#", "data:image/")) for link in page.links)  # nothing else lies beside this one
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not [name for _, given in page.tags for name in given if name.startswith("on")]
    css = (Path(theory.__file__).parent.parent / "experiments" / "report" / "templates" / "report.css").read_text(
        encoding="utf-8"
    )
    assert "url(" not in css and "@import" not in css
    assert "prefers-color-scheme: dark" in css and "@media print" in css


def test_text_is_escaped(page):
    assert "A <b>bold</b> claim" in page.text and "b" not in {tag for tag, given in page.tags if tag == "b" and given}
    assert ("b", {}) in page.tags  # the template's own
    assert page.text.count("<b>bold</b>") >= 7


def test_figures_are_inside(tmp_path):
    (tmp_path / "toy.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "toy.png").write_bytes(b"\x89PNG")
    (tmp_path / "map.png").write_bytes(b"\x89PNG")
    (tmp_path / "map.pdf").write_bytes(b"%PDF")
    assert pictures(["toy.svg", "toy.png", "map.pdf", "map.png"]) == ["toy.svg", "map.png"]
    assert embedded(tmp_path / "map.png") == "data:image/png;base64,iVBORw=="
    page = Page(render(outcome(("toy.svg", "toy.png", "map.pdf", "map.png")), tmp_path))
    images = [given["src"].partition(";")[0] for tag, given in page.tags if tag == "img"]
    assert images == ["data:image/svg+xml", "data:image/png"]


def test_every_claim_of_the_theory_can_be_shown(tmp_path):
    """Each statement and formula becomes MathML; none falls back to its source text."""
    findings = tuple(Finding(claim, None) for claim in theory.CLAIMS)
    page = Page(render(JobResult(findings, ()), tmp_path))
    assert "code" not in {tag for tag, _ in page.tags}
    assert {claim.id for claim in theory.CLAIMS} <= set(page.ids)
    for claim in theory.CLAIMS:
        for line in statement(claim.statement):
            words = Page(str(line)).text
            assert "\\" not in words, f"{claim.id}: {words}"


def test_statements_break_at_quads_and_nowhere_else():
    assert len(statement(r"a \leq b, \quad c \geq d")) == 2
    assert len(statement(r"\left(a \quad b\right)")) == 1
    assert len(statement(r"a = b")) == 1
    assert "<math" in statement("x^2")[0] and mathml(r"\begin{nonsense}").startswith("<code>")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("beta1 = 0.9", "<i>β</i><sub>1</sub> = 0.9"),
        ("alpha0/(1+alpha1) <= eta_t", "<i>α</i><sub>0</sub>/(1+<i>α</i><sub>1</sub>) ≤ <i>η</i><sub>t</sub>"),
        ("E ||grad F||^2", "E ‖∇F‖<sup>2</sup>"),
        ("sqrt(beta3)", "√(<i>β</i><sub>3</sub>)"),
        ("weight_decay > -1", "<i>λ</i> &gt; -1"),
        ("lambda, not lambdify; betas, alphabet, data", "<i>λ</i>, not lambdify; betas, alphabet, data"),
        ("a -> b", "a → b"),
        ("eta_min L", "<i>η</i><sub>min</sub> L"),
        ("V(z_{t-1}) at theta_{0}", "V(<i>z</i><sub>t-1</sub>) at <i>θ</i><sub>0</sub>"),
        ("F(theta_tau)", "F(<i>θ</i><sub><i>τ</i></sub>)"),
        (
            "at alpha0; then (1 + |v|^2) and N^(-1/2)",
            "at <i>α</i><sub>0</sub>; then (1 + |v|<sup>2</sup>) and N<sup>-1/2</sup>",
        ),
        ("vdot = -grad V - x", "v̇ = −∇V − x"),
        ("<script>", "&lt;script&gt;"),
        ("x_t and ||v_t||", "<i>x</i><sub>t</sub> and ‖<i>v</i><sub>t</sub>‖"),
    ],
)
def test_plain_text_is_set_as_mathematics(text, printed):
    assert prose(text) == printed


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.5, "0.5"),
        (-1234.56, "−1235"),
        (1.5e-7, "1.5 × 10<sup>−7</sup>"),
        (2e20, "2 × 10<sup>20</sup>"),
        (1e-100, "1 × 10<sup>−100</sup>"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "undefined"),
        (None, "–"),
        (0.0, "0"),
    ],
)
def test_numbers_read_as_in_print(value, printed):
    assert number(value) == printed


def test_intervals_keep_their_width():
    assert interval(Point(1.0, 1.0, 1.0, 1.0)) == "exact"
    assert interval(Point(1.0, 1 - 1e-12, 1 + 1e-12, 1.0)) == "± 1 × 10<sup>−12</sup>"
    assert interval(Point(1.0, 0.9, 1.2, 1.0)) == "[0.9, 1.2]"


def test_setups_are_short():
    assert shortest({"float": "inf"}) == "inf" and shortest([1.0, 0.25]) == "1, 0.25"
    assert shortest(list(range(20))) == "0, 1, 2, …, 19 (20)"
    assert shortest({"class": "x.Grid", "points": 4}) == "points = 4"


def places(kind, *numbers):
    """Where the whisker and the prediction lie on the strip, 0 to 100."""
    drawn = str(strip(kind, Point(*numbers)))
    low, high = map(float, re.search(r'"whisker" d="M([\d.]+) 9H([\d.]+)"', drawn).groups())
    return low + 0.4, float(re.search(r'"prediction" d="M([\d.]+) ', drawn)[1]), high - 0.4


def test_strips_are_drawn_to_scale():
    assert places("equality", 1.0, 0.99, 1.01, 1.0) == pytest.approx((25, 50, 75), abs=0.02)
    assert places("equality", -1.0, -1.01, -0.99, -1.0) == pytest.approx((25, 50, 75), abs=0.02)
    assert places("upper bound", 1.0, 0.1, 1.0, 10.0) == pytest.approx((25, 75, 50), abs=0.02)
    assert places("lower bound", 10.0, 10.0, 10.0, 1.0)[1:] == pytest.approx((75, 100), abs=0.5)
    assert strip("equality", Point(math.nan, 1, 1, 1)) == ""
    assert "H100V" in strip("upper bound", Point(1, 1, 1, 1)) and 'd=""' in strip("equality", Point(1, 1, 1, 1))


def test_the_table_is_plain_text():
    text = table(outcome().findings)
    assert text.isascii() and len(text.splitlines()) == 2 + 7 + 6  # what holds stands below what was run
    assert "open (NOT MET: verified)" in text
    assert [short(x) for x in (0.123456, "inf", None)] == ["0.1235", "inf", "-"]


def test_entries_are_strict_json():
    for finding in outcome().findings:
        json.dumps(entry(finding), allow_nan=False)


def test_the_commit_is_known_inside_a_clone_only(tmp_path):
    assert commit(tmp_path) == "unknown"
    assert re.fullmatch(r"unknown|[0-9a-f]{40}(\+dirty)?", commit())
