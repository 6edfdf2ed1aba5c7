"""The lessons as the site shows them: scenes of the explorer in place, no state of widgets; and a source as a page."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SCENE = re.compile(r'<a class="scene" href="\.\./explorer/explorer\.html(#[^"]*)">[^<]*</a>')
WIDGET = "application/vnd.jupyter.widget-view+json"


def with_scenes(notebook: dict[str, Any]) -> dict[str, Any]:
    """A lesson with its outputs, in which a scene of the explorer is a frame instead of a widget without a kernel.

    >>> link = '<a class="scene" href="../explorer/explorer.html#1&amp;scene=free">move</a>'
    >>> output = {"output_type": "display_data", "data": {WIDGET: {}, "text/html": link}}
    >>> shown = with_scenes({"metadata": {"widgets": {}}, "cells": [{"outputs": [output]}]})
    >>> sorted(shown["cells"][0]["outputs"][0]["data"]), shown["metadata"]
    (['text/html'], {})
    """
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            html = "".join(data.get("text/html", ""))
            if SCENE.search(html):
                data.pop(WIDGET, None)
                where = r'src="../_static/explorer.html\1"'
                frame = f'<iframe class="explorer" {where} title="A scene of the explorer"></iframe>'
                data["text/html"] = SCENE.sub(frame, html)
    return notebook


def has_slides(name: str) -> bool:
    """Whether a notebook is a lesson, and not the exercises or their solutions.

    >>> has_slides("03_edge_of_stability"), has_slides("09s_solutions")
    (True, False)
    """
    return not name.startswith("09")


def links_to_slides(names: Iterable[str]) -> str:
    """The numbers of the lessons that have slides, each a link.

    >>> links_to_slides(["03_edge_of_stability", "09_exercises"])
    '<a href="slides/03_edge_of_stability.html">03</a>'
    """
    return ", ".join(f'<a href="slides/{name}.html">{name[:2]}</a>' for name in names if has_slides(name))


def copy_lessons(lessons: Path, folder: Path) -> None:
    """Every lesson of a folder, prepared for the site, into another, with a link to its slides."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(lessons.glob("*.ipynb")):
        notebook = with_scenes(json.loads(path.read_text(encoding="utf-8")))
        if has_slides(path.stem):
            title = "".join(notebook["cells"][0]["source"])
            notebook["cells"][0]["source"] = (
                f'{title}\n\n<a href="../slides/{path.stem}.html">Slides of this lesson</a>'
            )
        (folder / path.name).write_text(json.dumps(notebook), encoding="utf-8", newline="\n")


def sources_of(module: str) -> list[Path]:
    """The files of a module: itself, or all of a package."""
    path = ROOT / Path(*module.split("."))
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def code_page(path: Path) -> str:
    """A source file as a page of its own, which every browser shows from disk."""
    name = path.relative_to(ROOT).as_posix()
    text = escape(path.read_text(encoding="utf-8"))
    return f'<!doctype html><meta charset="utf-8"><title>{name}</title><h1><code>{name}</code></h1><pre>{text}</pre>\n'


def histories(file: str = "experiments/reference/claims.json") -> Mapping[str, list[tuple[str, str, str]]]:
    """The verdicts on record, claim by claim: (date, commit, verdict) wherever one changed; empty without Git."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for date, commit, entries in _versions(file):
        for entry in entries:
            past = found.setdefault(str(entry["id"]), [])
            word = str(entry.get("verdict") or "not run")
            if not past or past[-1][2] != word:
                past.append((date, commit, word))
    return found


def _versions(file: str) -> Iterator[tuple[str, str, list[Mapping[str, Any]]]]:
    """Every committed version of the record, the oldest first."""
    log = _git("log", "--reverse", "--format=%h %cs", "--", file)
    for commit, date in (line.split() for line in log.splitlines()):
        try:
            stored = json.loads(_git("show", f"{commit}:{file}") or "[]")
        except ValueError:
            continue
        entries = stored.get("claims", []) if isinstance(stored, dict) else stored
        yield date, commit, [entry for entry in entries if isinstance(entry, dict) and "id" in entry]


def _git(*arguments: str) -> str:
    """What Git prints; nothing where it is missing or this is no clone."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""
