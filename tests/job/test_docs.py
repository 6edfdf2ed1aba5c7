"""The site's sources: a claim's page leaves nothing out, scenes of lessons become frames, the record has a history."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

import theory
from docs.generate import claim_page, command_line, parameters, proof_steps, prose
from docs.lessons import ROOT, code_page, histories, sources_of, with_scenes
from notebooks.course import Scene
from paper_figures.figure import named


@pytest.mark.parametrize("claim", theory.CLAIMS, ids=lambda claim: claim.id)
def test_the_page_of_a_claim_says_all_that_the_claim_does(claim):
    page = claim_page(claim, {"verdict": "open"}, [("2026-01-01", "abc1234", "open")])
    said = [claim.title, prose(claim.as_reported), claim.source, *map(prose, claim.assumptions), prose(claim.plain)]
    said += [prose(name) for name in claim.steps] + [prose(item.says) for item in claim.certificates]
    said += [prose(item.lemma) for item in claim.cited] + [prose(text) for text in claim.prose]
    assert [text for text in said if text not in page] == []
    assert "2026-01-01, commit `abc1234`: open" in page and f"python -m theory {claim.id}" in page
    for link in re.findall(r'href="\.\./_static/code/([^"]+)\.html"', page):
        assert (ROOT / link).is_file(), link
    assert "theory/claims/" in page and "experiments/studies/" in page


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
