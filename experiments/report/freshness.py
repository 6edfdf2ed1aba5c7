"""Whether the committed reference is of the code that stands beside it.

A study is stale when the code that it imports, or its setup, is not what its numbers were made from. The environment
decides only whether stored bits are used again: a reference is not stale because it was made on another machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from experiments.catalogue import Stem
from experiments.report.strict_json import LIMIT, read_json
from experiments.results import MADE_FROM
from experiments.store.files import read_checked
from experiments.store.fingerprint import changed, plain
from experiments.store.manifest import read_manifest

#: What is said of a study whose record does not tell its code.
UNKNOWN: Final = "its code is not on record"
SETUP: Final = "its setup"


def made_from(folder: Path) -> dict[str, Any]:
    """What the data in ``folder`` were made from: ``setup``, ``code`` by module, ``environment``; empty if unrecorded.

    Raises
    ------
    FileNotFoundError
        If there are no data.
    ValueError
        If the list of files or the record is damaged.
    """
    listed = read_manifest(folder)
    if MADE_FROM not in listed:
        return {}
    record = read_json(read_checked(folder / MADE_FROM, listed[MADE_FROM], LIMIT))
    if not isinstance(record, dict) or not isinstance(record.get("code"), dict):
        raise ValueError(f"{folder / MADE_FROM} does not say what the data were made from")
    return record


def changes(stem: Stem, folder: Path) -> tuple[str, ...]:
    """What changed since the data of a stem were made at full resolution: modules by name; nothing if they are current.

    Raises
    ------
    FileNotFoundError
        If ``folder`` holds no data.
    ValueError
        If what it holds is damaged.
    """
    record = made_from(folder)
    if not record:
        return (UNKNOWN,)
    other_setup = stem.study is not None and record.get("setup") != plain(stem.study.paper)
    return (*((SETUP,) if other_setup else ()), *changed(record["code"], stem.module))


def since(changes: tuple[str, ...], commit: str) -> str:
    """``as of commit ...``, and what changed since then.

    >>> since(("vradam.optimizer", "vradam.noise"), "39bda71a0f9537d3906a+dirty")
    'as of commit 39bda71a+dirty; changed since: vradam.optimizer, vradam.noise'
    """
    short = commit[:8] + ("+dirty" if commit.endswith("+dirty") else "")
    if UNKNOWN in changes:
        return f"as of commit {short}; {UNKNOWN}"
    more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    return f"as of commit {short}; changed since: {', '.join(changes[:3])}{more}"
