"""The site's sources: a claim's page leaves nothing out, scenes of lessons become frames, the record has a history."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

import theory
import vradam
from docs import generate
from docs.address import PLACE, VARIABLE, install_cell, online, source_address, write_online
from docs.docstrings import by_name, with_plain_bars
from docs.generate import (
    PUBLIC,
    api,
    claim_page,
    command_line,
    decades_gained,
    fill_online,
    parameters,
    proof_steps,
    prose,
)
from docs.lessons import ROOT, code_page, histories, sources_of, with_scenes
from docs.mathematics import aligned, mathml
from notebooks.course import Scene
from paper_figures.figure import named


@pytest.mark.parametrize("claim", theory.CLAIMS, ids=lambda claim: claim.id)
def test_the_page_of_a_claim_says_all_that_the_claim_does(claim, monkeypatch):
    monkeypatch.setattr(generate, "parameters", lambda figure: "read from its data below")
    page = claim_page(claim, {"verdict": "open"}, [("2026-01-01", "abc1234", "open")])
    said = [claim.title, prose(claim.as_reported), claim.source, *map(prose, claim.assumptions), prose(claim.plain)]
    said += [prose(name) for name in claim.steps] + [prose(item.says) for item in claim.certificates]
    said += [prose(item.lemma) for item in claim.cited] + [prose(text) for text in claim.prose]
    assert [text for text in said if text not in page] == []
    assert "2026-01-01, commit `abc1234`: open" in page and f"python -m theory {claim.id}" in page
    for link in re.findall(r'href="\.\./_static/code/([^"]+)\.html"', page):
        assert (ROOT / link).is_file(), link
    assert "theory/claims/" in page and "experiments/studies/" in page
    assert ("![" in page) == ("read from its data below" in page)


@pytest.mark.parametrize("claim", theory.CLAIMS, ids=lambda claim: claim.id)
def test_every_step_of_a_proof_has_the_kind_that_the_claim_gives_it(claim):
    rows = [line for line in proof_steps(claim) if line.startswith("| ") and "| kind" not in line]
    for name in claim.steps:
        assert any(row.startswith(f"| {claim.kind(name)} | {prose(name)} |") for row in rows), name
    assert sum(row.startswith("| certificate |") for row in rows) == len(claim.certificates)
    assert sum(row.startswith("| argument in prose |") for row in rows) == len(claim.prose)


def test_a_scene_in_a_lesson_is_a_frame_on_the_site():
    bundle = Scene("words", word="occcc")._repr_mimebundle_() | {"application/vnd.jupyter.widget-view+json": {}}
    notebook = {"metadata": {"widgets": {}}, "cells": [{"outputs": [{"data": bundle}]}, {"source": "text"}]}
    (output,) = with_scenes(notebook)["cells"][0]["outputs"]
    assert "application/vnd.jupyter.widget-view+json" not in output["data"] and notebook["metadata"] == {}
    assert (
        'src="../_static/explorer.html#1' in output["data"]["text/html"] and "word=occcc" in output["data"]["text/html"]
    )


def test_a_source_is_a_page_that_shows_it_as_it_is(tmp_path):
    (path,) = sources_of("docs.mathematics")
    assert "&lt;code&gt;" in code_page(path) and "<code>docs/mathematics.py</code>" in code_page(path)
    assert len(sources_of("theory.claims.cycles")) > 3


def test_the_history_names_each_change_of_a_verdict_once():
    if not (ROOT / ".git").exists():
        pytest.skip("no clone: the history of the record is that of Git")
    found = histories()
    if not found:
        pytest.skip("Git does not answer here")
    assert set(found) >= {"K1", "S3b"}
    for past in found.values():
        words = [word for _, _, word in past]
        assert all(one != other for one, other in pairwise(words))
        assert [date for date, *_ in past] == sorted(date for date, *_ in past)


def test_a_caption_has_the_numbers_of_the_data():
    (figure,) = named(["basins"])
    assert "beta1 0.9" in parameters(figure) and "fraction 0.789" in parameters(figure)


def test_every_command_says_what_it_does():
    page = command_line()
    for name in ("experiments", "theory", "paper_figures", "explorer", "docs", "notebooks.exercises"):
        assert f"## `python -m {name}`" in page and f"usage: python -m {name}" in page
    assert Path("notebooks/execute.py").name in page


# ---------------------------------------------------------------- the address of the source


def test_one_setting_holds_the_address(tmp_path):
    """The environment before the project file; without both there is none, and the pages say what to put in."""
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nname = "x"\n', encoding="utf-8")
    assert source_address({}, project) is None
    project.write_text('[project]\nname = "x"\n[project.urls]\nSource = "https://example.org/one"\n', encoding="utf-8")
    assert source_address({}, project) == "https://example.org/one"
    assert source_address({VARIABLE: "https://example.org/two"}, project) == "https://example.org/two"
    for hostile in ("https://example.org/x; rm -rf ~", "http://example.org/x", "git@example.org:x", "https://x/`id`"):
        with pytest.raises(ValueError, match=f"{VARIABLE} or project.urls.Source must be an https address, got"):
            source_address({VARIABLE: hostile}, project)


def test_without_an_address_the_page_says_how_to_set_it():
    text = online(None, ["03_edge_of_stability"])
    assert PLACE in text and VARIABLE in text and "http://" not in text and "mybinder" not in text
    assert f"clone --depth 1 {PLACE} vradam" in install_cell(None)


@pytest.mark.parametrize("end", ["", ".git", "/"])
def test_with_an_address_the_page_has_links(end):
    """Binder knows repositories on GitHub; elsewhere the notebook with the install cell remains."""
    text = online(f"https://github.com/some/where{end}", ["03_edge_of_stability"])
    assert "https://mybinder.org/v2/gh/some/where/HEAD?labpath=notebooks/03_edge_of_stability.ipynb" in text
    assert '"_static/online/03_edge_of_stability.ipynb"' in text and PLACE not in text
    assert "mybinder" not in online("https://example.org/some/where", ["03_edge_of_stability"])


def test_a_notebook_for_elsewhere_begins_with_the_install_cell(tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is missing: no notebook can be checked")
    name = "03_edge_of_stability"
    write_online(tmp_path, "https://example.org/some/where", [name])
    shown = nbformat.read(tmp_path / f"{name}.ipynb", as_version=4)
    nbformat.validate(shown)
    source = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    assert shown.cells[0].source == install_cell("https://example.org/some/where") and shown.cells[1:] == source.cells
    write_online(tmp_path / "none", None, [name])
    assert not (tmp_path / "none").exists()


def test_no_place_is_left_open(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "https://github.com/some/where")
    (tmp_path / "run_online.md").write_text((ROOT / "docs" / "pages" / "run_online.md").read_text(encoding="utf-8"))
    fill_online(tmp_path, tmp_path / "_static", ["03_edge_of_stability"])
    text = (tmp_path / "run_online.md").read_text(encoding="utf-8")
    assert "{{" not in text and "!git clone --depth 1 https://github.com/some/where vradam" in text


def test_the_gain_that_the_page_on_gates_quotes_is_that_of_the_readme():
    said = re.search(r"gains ([\d.]+) decades against Adam", " ".join((ROOT / "README.md").read_text("utf-8").split()))
    assert said and said[1] == decades_gained()


# ---------------------------------------------------------------- the reference


def test_the_reference_has_a_page_for_every_module_and_an_entry_for_what_it_offers():
    """Every name of ``vradam`` that is no module is documented by its page, or by one that it is left out for."""
    pages = api()
    assert set(pages) == {"api.md", *(f"api/{name}.md" for name in PUBLIC)}
    for name, left_out in PUBLIC.items():
        assert (
            f"[`{name}`](api/{name}.md)" in pages["api.md"] and f".. automodule:: {name}\n" in pages[f"api/{name}.md"]
        )
        for entry in filter(None, left_out.split(", ")):
            assert hasattr(import_module(name), entry)
    offered = [name for name in vradam.__all__ if not inspect.ismodule(getattr(vradam, name))]
    assert [name for name in offered if not getattr(vradam, name).__doc__] == []


def test_a_bar_in_a_docstring_is_a_bar():
    """reStructuredText reads ``|g|`` as a substitution; in code, formulas and literals it stays as it is."""
    said = ["Where |g| > 1 and ``a | b``.", "", ">>> 1 | 2", "", ".. math::", "", "    |v|", "", "then |x|"]
    found = with_plain_bars(said)
    assert found[0] == r"Where \|g\| > 1 and ``a | b``." and found[-1] == r"then \|x\|"
    assert found[1:-1] == said[1:-1]


def test_a_default_with_a_name_is_named_in_the_signature():
    shown = by_name(str(inspect.signature(vradam.VRMomentum)))
    assert "gate: 'gates.GateForm' = published" in shown and "law: 'laws.Law' = published" in shown


def test_lines_of_a_formula_stand_under_each_other():
    html = mathml(aligned(r"a &= b \\ c &= d"), "block")
    assert html.count("<mtr>") == 2 and "&</mi>" not in html
    assert aligned("a = b") == "a = b"
