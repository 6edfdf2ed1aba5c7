"""The report: one self-contained HTML file with the ledger first, then every claim with both of its witnesses.

Mathematics is MathML, figures and marks are inline; the file needs no network and runs no script.
"""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from latex2mathml.converter import convert
from markupsafe import Markup, escape

from experiments.confront import (
    PLANTED,
    Evidence,
    Kind,
    Point,
    decisive,
    looseness,
    planted,
    point_contradicts,
    strain,
    verdict,
)
from experiments.ledger import NOT_RUN, Finding, Outcome
from theory.notation import latex

#: Verdict -> its sign. Words, signs and borders tell the verdicts apart without colour.
SIGNS: Final = {
    "verified": "✓",
    "verified under assumptions": "✓",
    "refuted": "✗",
    "vacuous": "∅",
    "open": "?",
    NOT_RUN: "–",
}
RELATION: Final[dict[Kind, str]] = {"equality": "=", "upper bound": "≤", "lower bound": "≥"}
#: The points of one evidence that are shown; the rest is counted.
SHOWN: Final = 8
MEDIA: Final = {".svg": "image/svg+xml", ".png": "image/png"}


def render(outcome: Outcome, folder: Path) -> str:
    """The report as HTML.

    Parameters
    ----------
    outcome : of the main job.
    folder : of the results, where the figures are.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"number": number, "interval": interval, "math": mathml, "shortest": shortest}
    first_of_stem = {f.study.stem: f.claim.id for f in reversed(outcome.findings) if f.study}
    return environment.get_template("report.html.jinja").render(
        findings=outcome.findings,
        claimless=[study for study in outcome.studies if not study.confrontations and not study.failure],
        counts=[(name, sign, n) for name, sign in SIGNS.items() if (n := _counts(outcome.findings)[name])],
        made=outcome.studies[0].provenance if outcome.studies else None,
        seconds=sum(study.provenance["seconds"] for study in outcome.studies),
        first_of_stem=first_of_stem,
        figure=lambda path: embedded(folder / path),
        signs=SIGNS,
        relation=RELATION,
        decisive=decisive,
        looseness=looseness,
        telling=telling,
        strip=strip,
        contradicts=point_contradicts,
        after_planting=after_planting,
        formulas=formulas,
        shown=SHOWN,
    )


def _counts(findings: Sequence[Finding]) -> Counter[str]:
    return Counter(finding.verdict for finding in findings)


def telling(evidence: Evidence) -> list[Point]:
    """The points a reader should see: the least favourable ones, in their own order."""
    hardest = sorted(evidence.points, key=lambda point: -strain(evidence.kind, point))[:SHOWN]
    return [point for point in evidence.points if point in hardest][:SHOWN]


def after_planting(finding: Finding) -> str | None:
    """The verdict on the same runs beside a wrong formula."""
    if finding.examination is None or finding.confrontation is None:
        return None
    return verdict(finding.examination.status, planted(finding.confrontation))


def formulas(finding: Finding) -> list[tuple[str, Markup]]:
    """The derived formulas of a claim, by name."""
    return [(name, mathml(latex(formula), "inline")) for name, formula in finding.claim.formulas.items()]


def mathml(text: str, display: str = "block") -> Markup:
    """LaTeX as MathML; text that cannot be converted is shown as it is."""
    try:
        return Markup(convert(text, display=display))
    except Exception:  # the converter raises its own exceptions, and IndexError, on LaTeX it does not know
        return Markup("<code>{}</code>").format(text)


def number(value: float | None) -> Markup:
    """A number to four significant digits, powers of ten written out."""
    if value is None:
        return Markup("–")
    if not math.isfinite(value):
        return Markup({"inf": "∞", "-inf": "−∞"}.get(str(value), "undefined"))
    mantissa, _, exponent = f"{value:.4g}".replace("-", "−").partition("e")
    if not exponent:
        return escape(mantissa)
    power = exponent.replace("+", "").replace("−0", "−").lstrip("0")
    return Markup("{} × 10<sup>{}</sup>").format(mantissa, power)


def interval(point: Point) -> Markup:
    """The interval of a measurement: its ends, or its half-width where the ends look alike."""
    low, high = number(point.low), number(point.high)
    if point.low == point.high:
        return Markup("exact")
    if low == high:
        return Markup("± {}").format(number(float(f"{(point.high - point.low) / 2:.0e}")))
    return Markup("[{}, {}]").format(low, high)


def shortest(value: Any) -> str:
    """A setup's value on one line: long tuples by their ends."""
    if isinstance(value, Mapping) and set(value) == {"float"}:
        return str(value["float"])
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {shortest(item)}" for key, item in value.items() if key != "class")
    if isinstance(value, list | tuple):
        items = [shortest(item) for item in value]
        return ", ".join(items if len(items) <= 8 else [*items[:3], "…", items[-1]]) + f" ({len(items)})" * (
            len(items) > 8
        )
    return f"{value:g}" if isinstance(value, float) else str(value)


def strip(kind: Kind, point: Point) -> Markup:
    """A small picture of a point: the measured interval against the prediction (the vertical line).

    For an equality the ends of the axis are a planted error of 2 % on either side; for a bound the axis is the
    logarithm of measured/bound, from 1e-3 to 10, with the forbidden side hatched.
    """
    ends = [_place(kind, value, point.predicted) for value in (point.low, point.measured, point.high)]
    if any(math.isnan(end) for end in ends):
        return Markup("")
    low, middle, high = (min(max(end, 0.0), 100.0) for end in ends)
    mark = _place(kind, point.predicted, point.predicted)
    wall = {"equality": "", "upper bound": f"M{mark} 3H100V15H{mark}Z", "lower bound": f"M0 3H{mark}V15H0Z"}[kind]
    return Markup(
        '<svg class="strip" viewBox="-3 0 106 18" role="img" aria-label="{label}"><path class="wall" d="{wall}"/>'
        '<path class="axis" d="M0 9H100"/><path class="prediction" d="M{mark} 2V16"/>'
        '<path class="whisker" d="M{low:.2f} 9H{high:.2f}"/><circle cx="{middle:.2f}" cy="9" r="2.6"/></svg>'
    ).format(
        label=f"measured against {kind}", wall=wall, mark=mark, low=max(low - 0.4, 0), high=high + 0.4, middle=middle
    )


def _place(kind: Kind, value: float, predicted: float) -> float:
    """Where a value lies on the axis of its strip, 0 to 100; beyond the ends it runs off."""
    if kind == "equality":
        scale = abs(predicted) * (PLANTED - 1) or 1.0
        return 50 + 50 * max(-10.0, min(10.0, (value - predicted) / scale))
    if predicted <= 0 or value <= 0:
        return 0.0 if value <= predicted else 100.0
    if math.isinf(predicted) or math.isinf(value):
        return 75.0 if value == predicted else 0.0 if value < predicted else 100.0
    return 75 + 25 * math.log10(value / predicted)


def embedded(path: Path) -> str | None:
    """A figure as a data URI; None for a file that browsers do not show inline."""
    kind = MEDIA.get(path.suffix)
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}" if kind else None
