"""The last line of the main job: do its verdicts agree with the committed reference, and if not, by how much?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.report.ledger import NOT_RUN, Finding, entry, summary


def agreement(findings: Sequence[Finding], reference: Sequence[Mapping[str, Any]]) -> str:
    """``N of N verdicts agree with the reference``, and each that does not, with both measurements.

    Only claims that were run and are in the reference count.
    """
    known = {item["id"]: item for item in reference if item["verdict"] != NOT_RUN}
    ran = [finding for finding in findings if finding.verdict != NOT_RUN and finding.claim.id in known]
    others = [finding for finding in findings if finding.verdict == NOT_RUN]
    differ = [finding for finding in ran if finding.verdict != known[finding.claim.id]["verdict"]]
    text = f"{len(ran) - len(differ)} of {len(ran)} verdicts agree with the reference"
    text += " (others on record)" if others else ""
    return "; ".join([text, *(_difference(finding, known[finding.claim.id]) for finding in differ)]) + "."


def _difference(finding: Finding, item: Mapping[str, Any]) -> str:
    here, there = summary(entry(finding)["numeric"]), summary(item["numeric"])
    said = f"{finding.claim.id} is {finding.verdict}, on record {item['verdict']}"
    if here.at == there.at:
        return f"{said}: measured {here.measured}, on record {there.measured} ({here.at})"
    return f"{said}: measured {here.measured} ({here.at}), on record {there.measured} ({there.at})"
