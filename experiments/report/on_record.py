"""The verdicts on record of claims that run only on request, from the committed reference.

The reference is data like any other file: it is read strictly, its datasets by their checksums.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from experiments.catalogue import Catalogue, Stem
from experiments.measurement.verdict import verdict
from experiments.report.freshness import UNKNOWN, changes, since
from experiments.report.ledger import NOT_RUN, Finding, Recorded, numeric, summary
from experiments.report.page import shortest
from experiments.report.strict_json import LIMIT, read_entries
from experiments.store.chunks import load_data
from experiments.store.files import read_checked
from experiments.study import Table
from theory.claim import Claim

log = logging.getLogger("experiments")

#: The verdicts of observations.
OBSERVED: Final = ("reproduced", "not reproduced", "inconclusive")
#: Of a setup a line shows so many entries, and none that is longer than this (characters).
SHOWN: Final = 4
BRIEF: Final = 30


def read_record(folder: Path) -> list[dict[str, Any]]:
    """The entries of the reference's ``claims.json``; none where there is no such file.

    Raises
    ------
    ValueError
        If it is malformed or too large.
    """
    record = folder / "claims.json"
    if not record.exists():
        return []
    try:
        return read_entries(read_checked(record, limit=LIMIT))
    except ValueError as error:
        raise ValueError(f"{record} cannot be read: {error}") from error


def on_record(findings: Sequence[Finding], folder: Path, catalogue: Catalogue) -> tuple[Recorded, ...]:
    """What is on record of every claim that runs only on request and was not run.

    Parameters
    ----------
    findings : sequence of Finding
        Of the main job.
    folder : Path
        Of the committed reference; it need not exist.

    Raises
    ------
    ValueError
        If the verdicts on record cannot be read.
    """
    entries = {item["id"]: item for item in read_record(folder) if item["verdict"] != NOT_RUN}
    not_run = {finding.claim.id for finding in findings if finding.verdict == NOT_RUN}
    found = []
    for claim in catalogue.claims:
        stem = catalogue.stem_of(claim)
        if claim.id in not_run and stem.on_request:
            item = judged(entries.get(claim.id), claim, stem, folder)
            full = item is not None and (item.get("provenance") or {}).get("resolution") == "paper"
            again = f"python -m experiments{' --paper' if full else ''} --only {claim.id}"
            known = (_tables(stem, folder), _stale(stem, folder, item)) if item else ()
            found.append(Recorded(claim.id, again, item, *known))
    return tuple(found)


def judged(item: Mapping[str, Any] | None, claim: Claim, stem: Stem, folder: Path) -> Mapping[str, Any] | None:
    """What is on record of an observation, judged by the rule that stands here from the data on record.

    An observation has no derivation, so its data are all there is to judge; a rule that became stricter, or a word that
    changed, must not wait until somebody runs the study again. A verdict in words that are not for observations, whose
    data cannot be judged, is nothing on record. Claims of mathematics are as they were recorded.
    """
    if item is None or claim.concludes != "empirical":
        return item
    unjudged = item if item["verdict"] in OBSERVED else None
    judge = stem.working().judge
    data = load_data(folder / stem.name) if judge else None
    if judge is None or data is None:
        return unjudged
    try:
        found = next(each for each in judge(data) if each.claim == claim.id)
    except (AttributeError, KeyError, ValueError) as error:
        log.warning("%s: was made by another version of the code (%r); not judged again", folder / stem.name, error)
        return unjudged
    return {**item, "holds": claim.holds, "verdict": verdict("empirical", found), "numeric": numeric(found)}


def line(recorded: Recorded) -> str:
    """For the terminal: the verdict, when and by which code, the resolution, a little of the setup."""
    if recorded.entry is None:
        return f"{recorded.claim}: not run; to run it: {recorded.again}"
    row = summary(recorded.entry["numeric"])
    code = recorded.stale or "commit " + recorded.made("commit")[:8]
    return (
        f"{recorded.claim}: on record as {recorded.verdict}, {recorded.made('date')}, {code}, "
        f"{recorded.made('resolution')} resolution ({brief(recorded.entry['setup'])}); "
        f"claimed {row.claimed}, measured {row.measured}, {row.at}; to run it again: {recorded.again}"
    )


def rehearsal(ids: Sequence[str], default: Any, paper: Any) -> str:
    """What a run at the short setup of a study on request is, and the command that runs the whole.

    >>> rehearsal(["E1"], {"tasks": ["mlp"], "seeds": 30}, {"tasks": ["transformer"], "seeds": 30})
    'E1: a rehearsal (tasks = mlp); the whole (tasks = transformer): python -m experiments --paper --only E1'
    """
    names = [name for name in default if name != "class" and default[name] != paper.get(name)]
    short, whole = ({name: setup[name] for name in names if name in setup} for setup in (default, paper))
    command = f"python -m experiments --paper --only {' '.join(ids)}"
    return f"{', '.join(ids)}: a rehearsal ({brief(short)}); the whole ({brief(whole, 100)}): {command}"


def brief(setup: Mapping[str, Any], longest: int = BRIEF) -> str:
    """The first few short entries of a setup.

    >>> brief({"class": "x.Setup", "names": ["a" * 20, "b" * 20], "steps": [1000, 600], "seeds": 30})
    'steps = 1000, 600; seeds = 30; …'
    """
    texts = {name: shortest(value) for name, value in setup.items() if name != "class"}
    chosen = [f"{name} = {text}" for name, text in texts.items() if len(text) <= longest][:SHOWN]
    return "; ".join(chosen + ["…"] * (len(chosen) < len(texts)))


def _stale(stem: Stem, folder: Path, item: Mapping[str, Any]) -> str:
    """Empty if the data of a stem are of the code that stands here."""
    try:
        changed = changes(stem, folder / stem.name)
    except FileNotFoundError:
        changed = (UNKNOWN,)
    except (OSError, ValueError) as error:
        log.warning("%s: %s", folder / stem.name, error)
        changed = (UNKNOWN,)
    return since(changed, str((item.get("provenance") or {}).get("commit", "unknown"))) if changed else ""


def _tables(stem: Stem, folder: Path) -> tuple[Table, ...]:
    """The tables of a stem that has any; none if the reference lacks its data or they were laid out differently."""
    tables = stem.working().tables
    data = load_data(folder / stem.name) if tables else None
    if tables is None or data is None:
        return ()
    try:
        return tuple(tables(data))
    except (AttributeError, KeyError) as error:
        log.warning(
            "%s: was made by another version of the code (%r); its tables are not shown", folder / stem.name, error
        )
        return ()
