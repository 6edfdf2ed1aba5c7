"""The ledger: one finding per claim, as a table, as ``claims.json``, and as the README's Markdown.

A row holds what was claimed, what was measured, at which point, and what holds. The point is the same at every
resolution, so that rows can be compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from experiments.measurement.verdict import (
    Confrontation,
    Evidence,
    Point,
    Verdict,
    looseness,
    numerical_status,
    shown,
    verdict,
)
from experiments.study import Table, aligned
from theory.claim import Claim, Examination

NOT_RUN: Final = "not run"
BEGIN, END = "<!-- ledger:begin -->", "<!-- ledger:end -->"


@dataclass(frozen=True)
class StudyRun:
    """The run of one stem.

    Parameters
    ----------
    stem, title : str
        Its name, and the first line of its module.
    setup : object
        The setup as plain JSON.
    provenance : Mapping[str, object]
        See :func:`experiments.store.provenance.provenance`.
    confrontations : Mapping[str, Confrontation]
        By claim.
    figures : tuple of str
        Files, relative to the folder of the results.
    failure : str
        Why the run did not finish; its claims are open.
    tables : tuple of Table
        What the stem shows beside its verdicts.
    """

    stem: str
    title: str
    setup: Any
    provenance: Mapping[str, Any]
    confrontations: Mapping[str, Confrontation] = field(default_factory=dict)
    figures: tuple[str, ...] = ()
    failure: str = ""
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What the derivation and the measurement said about one claim.

    Parameters
    ----------
    claim : Claim
        From :mod:`theory`.
    expected : Verdict, optional
        The verdict in the catalogue, None where there is no expectation.
    examination : Examination, optional
        Of the derivation; None if it was not run.
    study : StudyRun, optional
        The measurement; None if it was not run.
    """

    claim: Claim
    expected: Verdict | None
    examination: Examination | None = None
    study: StudyRun | None = None

    @property
    def confrontation(self) -> Confrontation | None:
        """The numerical evidence on this claim, if its study was run and finished."""
        return None if self.study is None or self.study.failure else self.study.confrontations[self.claim.id]

    @property
    def verdict(self) -> str:
        """The verdict of the rule; "not run" where one of the two was not asked, "open" where one failed."""
        if self.examination is None or self.study is None:
            return NOT_RUN
        if self.confrontation is None:
            return "open"
        return verdict(self.examination.status, self.confrontation)

    @property
    def is_as_expected(self) -> bool:
        """False only for a claim that was run, has an expectation, and does not meet it."""
        return self.expected is None or self.verdict in (NOT_RUN, self.expected)


@dataclass(frozen=True)
class Recorded:
    """What is on record of a claim that was not run.

    Parameters
    ----------
    claim : str
        Its id.
    again : str
        The command that runs it.
    entry : Mapping[str, object], optional
        Of the reference's ``claims.json``; None if there is no verdict on record.
    tables : tuple of Table
        Of its stem, from the reference.
    stale : str
        "as of commit ..." and what changed since; empty if the code that stands here made it.
    """

    claim: str
    again: str
    entry: Mapping[str, Any] | None
    tables: tuple[Table, ...] = ()
    stale: str = ""

    @property
    def verdict(self) -> str:
        """The verdict on record, "not run" if there is none."""
        return NOT_RUN if self.entry is None else str(self.entry["verdict"])

    @property
    def looseness(self) -> float | None:
        """Of the decisive point on record."""
        found = self.entry["numeric"]["looseness"] if self.entry else None
        return None if found is None else float(found)

    def made(self, key: str) -> str:
        """An entry of the provenance as text."""
        return str(((self.entry or {}).get("provenance") or {}).get(key, "unknown"))


@dataclass(frozen=True)
class JobResult:
    """A main job's findings, one per claim in ledger order, and its studies, one per stem that was run.

    ``recorded`` : of claims that run only on request and were not run; ``notice`` : why it is missing, if it is.
    """

    findings: tuple[Finding, ...]
    studies: tuple[StudyRun, ...]
    recorded: tuple[Recorded, ...] = ()
    notice: str = ""


def entry(finding: Finding) -> dict[str, Any]:
    """The entry of ``claims.json``: strict JSON, non-finite numbers as strings."""
    claim, seen, study = finding.claim, finding.examination, finding.study
    return {
        "id": claim.id,
        "title": claim.title,
        "as_reported": claim.as_reported,
        "source": claim.source,
        "assumptions": list(claim.assumptions),
        "holds": claim.holds,
        "verdict": finding.verdict,
        "expected_verdict": finding.expected,
        "symbolic": {
            "status": seen.status if seen else NOT_RUN,
            "summary": seen.summary if seen else None,
            "seconds": round(seen.seconds, 3) if seen else None,
            "steps": dict(claim.tally),
        },
        "numeric": numeric(finding.confrontation) if finding.confrontation else _not_measured(study),
        "certificate": [f"theory/certificates/{item.path.name}" for item in claim.certificates] or None,
        "figure": study.figures[0] if study and study.figures else None,
        "setup": study.setup if study else None,
        "provenance": dict(study.provenance) if study else None,
    }


def numeric(confrontation: Confrontation) -> dict[str, Any]:
    """The points of the row in numbers; every other point is in the report and in the data."""
    (evidence, point), *others = shown(confrontation)
    return {
        "status": numerical_status(confrontation),
        **_numbers(evidence, point),
        "also": [_numbers(*other) for other in others],
        "looseness": _number(looseness(evidence)),
        "n": int(sum(item.n for item in confrontation.reported)),
    }


def _numbers(evidence: Evidence, point: Point) -> dict[str, Any]:
    return {
        "measured": {
            "value": _number(point.measured),
            "low": _number(point.low),
            "high": _number(point.high),
            "quantity": evidence.quantity,
            "at": point.label,
        },
        "claimed": {"value": _number(point.predicted), "kind": evidence.kind, "trivial": _number(point.trivial)},
    }


def _not_measured(study: StudyRun | None) -> dict[str, Any]:
    status = study.failure if study else NOT_RUN
    return {"status": status, "measured": None, "claimed": None, "also": [], "looseness": None, "n": None}


def _number(value: float | None) -> float | str | None:
    if value is None or math.isfinite(value):
        return None if value is None else float(value)
    return str(float(value))


def table(findings: Iterable[Finding]) -> str:
    """The ledger for a terminal: claim, verdict, claimed, measured and at; below each what holds.

    A verdict that is not the expected one says so.
    """
    findings = list(findings)
    head = ("claim", "verdict", "claimed", "measured", "at")
    first, line, *rows = aligned(head, [_row(finding) for finding in findings]).splitlines()
    held = [f"{'':7}what holds: {finding.claim.holds}" if _ran(finding) else "" for finding in findings]
    lines = [text for pair in zip(rows, held, strict=True) for text in pair if text]
    return "\n".join([first, line, *lines])


def _ran(finding: Finding) -> bool:
    return finding.verdict != NOT_RUN and bool(finding.claim.holds)


def _row(finding: Finding) -> tuple[str, ...]:
    if finding.verdict == NOT_RUN or finding.examination is None or finding.study is None:
        return (finding.claim.id, NOT_RUN, *"---")
    surprise = "" if finding.is_as_expected else f" (NOT MET: {finding.expected})"
    row = summary(entry(finding)["numeric"])
    return (finding.claim.id, finding.verdict + surprise, row.claimed, row.measured, row.at)


class Row(NamedTuple):
    """The numbers of a row as short texts (ASCII); several points are parted by semicolons."""

    claimed: str
    measured: str
    at: str


def summary(found: Mapping[str, Any]) -> Row:
    """Claimed, measured and at of an entry's ``numeric``."""
    if found["measured"] is None:
        return Row("-", "-", "-")
    points = [found, *found.get("also", [])]
    quantity = str(found["measured"]["quantity"])
    labels = "; ".join(str(point["measured"].get("at", "")) for point in points)
    at = ": ".join(text for text in (quantity, labels) if text.strip("; "))
    return Row(
        "; ".join(_claimed(point["claimed"]) for point in points),
        "; ".join(_measured(point["measured"]) for point in points),
        re.sub(r"\btheorem(\d)\b", r"Theorem \1", at),
    )


def _claimed(claimed: Mapping[str, Any]) -> str:
    signs = {"equality": "=", "upper bound": "<=", "lower bound": ">="}
    return f"{signs[claimed['kind']]} {short(claimed['value'])}"


def _measured(measured: Mapping[str, Any]) -> str:
    low, high = short(measured["low"]), short(measured["high"])
    return short(measured["value"]) + ("" if low == high else f" [{low}, {high}]")


def short(value: float | str | None) -> str:
    """A number to four significant digits."""
    return "-" if value is None else f"{float(value):.4g}"


def ledger_markdown(entries: Sequence[Mapping[str, Any]]) -> str:
    """The ledger as a Markdown table, from the entries of a ``claims.json``."""
    lines = ["| Claim | | Verdict | Claimed | Measured | At | What holds |", "|---|---|---|---|---|---|---|"]
    for item in entries:
        row = summary(item["numeric"])
        claimed = row.claimed.replace("<=", "≤").replace(">=", "≥")
        holds = str(item.get("holds", ""))
        cells = (f"**{item['id']}**", item["title"], item["verdict"], claimed, row.measured, row.at, holds)
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines)


def with_ledger(readme: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """The text of a README with the table between its ledger markers renewed.

    Raises
    ------
    ValueError
        If the markers are not there, once each and in order.
    """
    pattern = re.compile(rf"(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})", re.DOTALL)
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or not pattern.search(readme):
        raise ValueError(f"the README must hold the lines {BEGIN} and {END} once each")
    return pattern.sub(lambda _: f"\n{ledger_markdown(entries)}\n\n", readme)


def merged(previous: Sequence[Mapping[str, Any]], current: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The current entries, with what was on record before for claims that were not run now."""
    known = {item["id"]: item for item in previous}
    return [known.get(item["id"], item) if item["verdict"] == NOT_RUN else item for item in current]


def update_readme(path: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Renew the ledger in the README at ``path``."""
    path.write_text(with_ledger(path.read_text(encoding="utf-8"), entries), encoding="utf-8", newline="\n")
