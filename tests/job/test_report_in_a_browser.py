"""The report in a Chromium: nothing is cut at three widths, axe finds nothing, parentheses grow, the filter filters."""

import html
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, QUIET, needs_browser
from fontTools.ttLib import TTFont

import theory
from experiments.measurement.verdict import Confrontation, Evidence, Point
from experiments.report.ledger import Finding, JobResult, Recorded, StudyRun, entry
from experiments.report.mathematics import BREAK
from experiments.report.page import formulas, render, statement
from experiments.store.provenance import provenance
from experiments.study import Table
from theory.claim import Examination

TEMPLATES = Path(theory.__file__).parents[1] / "experiments" / "report" / "templates"
WIDTHS = (390, 800, 1400)
#: Elements that are cut: wider inside than outside without a scroll bar, or beyond the screen outside such a box.
CUT = """() => {
    const named = one => `${one.tagName}.${one.className} ${(one.textContent || '').slice(0, 60)}`;
    const rolls = one => ['auto', 'scroll'].includes(getComputedStyle(one).overflowX);
    const inside = one => { for (let up = one; up; up = up.parentElement) if (rolls(up)) return true; return false; };
    const found = [];
    for (const one of document.body.querySelectorAll('*')) {
        if (one.closest('.hidden, .skip, svg, thead') || !one.getClientRects().length) continue;
        const style = getComputedStyle(one), box = one.getBoundingClientRect();
        if (style.display !== 'inline' && one.clientWidth && one.scrollWidth > one.clientWidth + 1 && !inside(one))
            found.push('cut ' + named(one));
        if (box.right > innerWidth + 1 && !inside(one)) found.push('beyond ' + named(one));
        if (rolls(one) && one.classList.contains('scroll') && one.scrollWidth > one.clientWidth + 1
            && (one.offsetHeight - one.clientHeight < 4 || one.tabIndex !== 0)) found.push('hidden bar ' + named(one));
    }
    return found;
}"""
OPEN = "document.querySelectorAll('details').forEach(one => { one.open = true; })"


def result(folder, claims=theory.CLAIMS):
    """These claims of the theory with their real texts and formulas, long labels, tables and a figure."""
    (folder / "figures").mkdir()
    (folder / "figures" / "toy.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:dc="http://purl.org/dc/elements/1.1/" viewBox="0 0 9 3">'
        "<metadata><dc:description>Beyond B &amp; below 2 B.</dc:description></metadata></svg>",
        encoding="utf-8",
    )

    def evidence(predicted, seed):
        at = "beta1 = 0.9, alpha1 = 10, word S^{} a^2, N = 10000000"
        points = [Point(1.5e-7 * (i + 1), 1e-7, 9e-6, predicted, at.format(i), 1.0) for i in range(7)]
        return (Evidence("upper bound", tuple(points), np.int64(12345), "E||grad F||^2 (theorem2)", (seed,)),)

    table = Table(
        "Which gate does what", tuple("ABCDEFGH"),
        tuple((f"a law with a long name {i}", *["1.234e-05 [1e-05, 2e-05]"] * 7) for i in range(3)), "Read so.",
    )  # fmt: skip
    made = provenance(None, "0123456789abcdef", 1.5) | {"resolution": "default"}
    setup = {"class": "experiments.studies.toy.Setup", "starts": list(range(30)), "a_long_name": "x" * 60}
    findings, studies = [], []
    for claim in claims:
        said, holds = evidence(1e-8 if claim.concludes == "refuted" else 1e-5, 0), evidence(1e-5, 0)
        met = Confrontation(claim.id, said, corrected=holds, note="As foreseen.", replication=(*evidence(1e-8, 1),))
        study = StudyRun(f"toy{claim.id}", "A toy", setup, made, {claim.id: met}, ("figures/toy.svg",), tables=(table,))
        names = [f"formula {name}" for name in claim.formulas] + list(claim.steps)
        seen = Examination(claim.concludes, f"{len(names)} checks close", 0.5, dict.fromkeys(names, True))
        findings.append(Finding(claim, None, seen, study))
        studies.append(study)
    last = findings[-1]
    record = Recorded(last.claim.id, f"python -m experiments --paper --only {last.claim.id}", entry(last), (table,))
    findings[-1] = replace(last, examination=None, study=None)
    return JobResult(tuple(findings), tuple(studies), (record,))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    (folder / "claims.json").write_text("[]\n", encoding="utf-8")
    (folder / "report.html").write_text(render(result(folder), folder), encoding="utf-8")
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser():
    """With scroll bars, which are hidden from tests otherwise."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        running = play.chromium.launch(
            executable_path=CHROMIUM, args=list(QUIET), ignore_default_args=["--hide-scrollbars"]
        )
        yield running
        running.close()


@pytest.fixture(scope="module")
def short_report(tmp_path_factory):
    """Three claims and one on record: every kind of element."""
    folder = tmp_path_factory.mktemp("short")
    claims = [claim for claim in theory.CLAIMS if claim.id in ("G1", "S5", "S6", "W1")]
    (folder / "report.html").write_text(render(result(folder, claims), folder), encoding="utf-8")
    return folder / "report.html"


@pytest.fixture
def tab(browser, report):
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    asked = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(report.resolve().as_uri())
    page.evaluate("document.fonts.ready")
    yield page
    context.close()
    assert all(address.startswith(("file:", "data:")) for address in asked)


@needs_browser
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut(tab, width):
    """With every fold open; a box that is wider inside has a scroll bar that one sees and reaches by keyboard."""
    tab.set_viewport_size({"width": width, "height": 900})
    tab.evaluate(OPEN)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(CUT) == []
    for word in ("Claimed", "Measured"):
        cell = tab.locator(f'.ledger tbody td[data-label="{word}"]').first
        assert cell.is_visible() and cell.bounding_box()["x"] + cell.bounding_box()["width"] <= width


@needs_browser
@pytest.mark.parametrize(("theme", "width"), [("light", 1400), ("dark", 390)])
def test_axe_finds_nothing(tab, short_report, theme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing")
    tab.goto(short_report.resolve().as_uri())
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=theme)
    tab.evaluate(OPEN)
    found = axe.Axe().run(tab).response["violations"]
    assert not found, [(item["id"], item["nodes"][0]["html"][:200], len(item["nodes"])) for item in found]


@needs_browser
def test_parentheses_grow_in_the_embedded_font(tab):
    """Around a fraction they are higher than around a letter, with the font that the page brings along."""
    tab.evaluate("""document.querySelector('header').insertAdjacentHTML('beforeend', `<p id="tried">
        <math><mrow><mo>(</mo><mi>a</mi><mo>)</mo></mrow></math>
        <math><mrow><mo>(</mo><mfrac><mfrac><mi>a</mi><mi>b</mi></mfrac><mi>c</mi></mfrac><mo>)</mo></mrow></math></p>`)""")
    low, high = (
        tab.locator(f"#tried math:nth-of-type({place}) mo").first.evaluate("one => one.getBoundingClientRect().height")
        for place in (1, 2)
    )
    assert high > 1.8 * low > 0
    assert tab.evaluate("document.fonts.check('20px \"VRAdam Mathematics\"')")


@needs_browser
def test_the_filter_shows_what_was_chosen_and_badges_count_it(tab):
    rows = tab.locator(".ledger tbody tr")
    assert rows.count() == len(theory.CLAIMS)
    for label in tab.locator(".filter label").all():
        label.locator("input").check()
        shown = [row for row in rows.all() if row.is_visible()]
        assert len(shown) == int(label.locator("b").inner_text())
        articles = [one for one in tab.locator("article[data-verdict]").all() if one.is_visible()]
        assert len(articles) == len(shown)
    badges = sum(int(one.inner_text()) for one in tab.locator(".counts b").all())
    assert badges == len(theory.CLAIMS)


@needs_browser
def test_it_prints_with_every_fold_open(tab):
    tab.emulate_media(media="print")
    assert not tab.locator("nav").is_visible()
    assert len(tab.pdf()) > 10_000
    assert tab.locator("details .points").first.evaluate("one => one.getBoundingClientRect().height") > 0


def test_every_character_of_a_formula_is_in_the_embedded_font():
    """And its italic, where a letter stands alone; the file is the size of a picture."""
    known = TTFont(TEMPLATES / "mathematics.woff")
    assert "MATH" in known and (TEMPLATES / "mathematics.woff").stat().st_size < 150_000
    characters = set()
    for claim in theory.CLAIMS:
        lines = [*statement(claim.statement), *(line for _, line in formulas(Finding(claim, None)))]
        for line in map(str, lines):
            characters |= set(html.unescape(re.sub(r"<[^>]*>", "", line)))
    assert {"β", "∇", "≤"} < characters
    characters -= {BREAK}
    italic = {chr(0x1D434 + ord(letter) - 65) for letter in characters if "A" <= letter <= "Z"}
    italic |= {chr(0x1D44E + ord(letter) - 97) for letter in characters if "a" <= letter <= "z" and letter != "h"}
    italic |= {chr(0x1D6FC + ord(letter) - 0x3B1) for letter in characters if "α" <= letter <= "ω"}
    missing = {one for one in characters | italic if ord(one) not in known.getBestCmap() and not one.isspace()}
    assert not missing, missing


def test_no_name_of_the_code_is_left_in_prose(report):
    """Between tags, outside setups and commands."""
    text = report.read_text(encoding="utf-8")
    text = re.sub(
        r"<style>.*?</style>|<code>.*?</code>|<dl class=\"made\">.*?</dl>|<math.*?</math>", " ", text, flags=re.S
    )
    words = html.unescape(re.sub(r"<[^>]*>", " ", text))
    names = {name for claim in theory.CLAIMS for name in claim.formulas if "_" in name}
    assert not [name for name in names if re.search(rf"\b{name}\b", words)]
    assert not re.findall(r"\btheorem\d|\boo\b|\bgate_decay\b|\b[a-z]+_[a-z_]+\b(?!\.)", words)


def test_figures_say_what_they_show_and_how_they_are_drawn(report):
    text = report.read_text(encoding="utf-8")
    assert 'alt="Beyond B &amp; below 2 B."' in text and "Beyond B &amp; below 2 B.</" not in text
    assert f"python -m paper_figures toy --out {report.parent}" in text
    assert len(text) < 8_000_000


def test_a_refutation_has_steps_of_the_refutation(report):
    text = report.read_text(encoding="utf-8")
    refuted = text.count('data-verdict="refuted"') // 3  # contents, ledger, section
    assert refuted and text.count("<h3>Steps of the refutation</h3>") == refuted


def test_every_file_that_is_mentioned_is_linked(report):
    text = report.read_text(encoding="utf-8")
    targets = [html.unescape(link) for link in re.findall(r'href="([^"#][^"]*)"', text)]
    assert len({link for link in targets if "theory/certificates/" in link}) >= 14
    assert "claims.json" in targets
    for link in targets:
        assert (report.parent / link).exists(), link
