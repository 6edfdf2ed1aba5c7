"""The report: one self-contained HTML file with the ledger first, then every claim with derivation and runs.

Mathematics is MathML, figures and marks are inline; the file needs no network and runs no script.
"""

from __future__ import annotations

import base64
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from latex2mathml.converter import convert
from markupsafe import Markup, escape

from experiments.measurement.planting import planted
from experiments.measurement.verdict import (
    PLANTED,
    Evidence,
    Kind,
    Point,
    looseness,
    misfit,
    point_contradicts,
    verdict,
)
from experiments.report.ledger import NOT_RUN, Finding, JobResult, Row, numeric, summary
from theory.claim import counted
from theory.notation import latex

#: Verdict -> its sign. Words, signs and borders tell the verdicts apart without colour.
SIGNS: Final = {
    "verified": "✓",
    "verified under assumptions": "✓",
    "refuted": "✗",
    "vacuous": "∅",
    "open": "?",
    "reproduced": "✓",
    "not reproduced": "✗",
    "inconclusive": "?",
    NOT_RUN: "–",
}
RELATION: Final[dict[Kind, str]] = {"equality": "=", "upper bound": "≤", "lower bound": "≥"}
#: The points of one evidence that are shown; the rest is counted.
SHOWN: Final = 5
MEDIA: Final = {".svg": "image/svg+xml", ".png": "image/png"}

GREEK: Final = {
    "alpha": "α",
    "beta": "β",
    "eta": "η",
    "eps": "ε",
    "gamma": "γ",
    "kappa": "κ",
    "lambda": "λ",
    "theta": "θ",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "xi": "ξ",
    "phi": "φ",
}
#: How plain text becomes print: (regular expression on escaped text, replacement), in this order.
PROSE: Final = (
    (r"\bweight_decay\b", "<i>λ</i>"),
    (r"\bgate_decay\b", "<i>β</i><sub>g</sub>"),
    *(
        (
            rf"(?<![\w&]){name}(?:_?([0-9]|[tg])|_(min|max|star|tau|\{{[^{{}}]*\}}))?(?!\w)",
            rf"<i>{letter}</i><sub>\1\2</sub>",
        )
        for name, letter in GREEK.items()
    ),
    (r"<sub></sub>", ""),
    (r"\b([a-zA-Z])_([a-z0-9]+\b|\{[^{}]*\})", r"<i>\1</i><sub>\2</sub>"),
    (r"<sub>\{([^{}]*)\}</sub>", r"<sub>\1</sub>"),
    (r"\^\((-?[\w/]+)\)", r"<sup>\1</sup>"),
    (r"\^(-?\w+)", r"<sup>\1</sup>"),
    (r"\bsqrt\(([^()]*)\)", r"√(\1)"),
    (r"\bsqrt (\w)", r"√\1"),
    (r"\|\|", "‖"),
    (r"&lt;=", "≤"),
    (r"&gt;=", "≥"),
    (r"-&gt;", "→"),
    (r"\bgrad ([A-Z])\b", r"∇\1"),
    (r"\bvdot\b", "v̇"),
    (r"\boo\b", "∞"),
    (r"\b([a-z]+[0-9]*)_([a-z]+[0-9]*)_([a-z]+[0-9]*)\b", r"\1 \2 \3"),  # names of formulas as words
    (r"\b([a-z]+[0-9]*)_([a-z]{2,}[0-9]*)\b", r"\1 \2"),
    (r"(?<=\s)-(?=\s)|(?<==\s)-", "−"),
)


def render(result: JobResult, folder: Path) -> str:
    """The report as HTML.

    Parameters
    ----------
    result : JobResult
        Of the main job.
    folder : Path
        Of the results, where the figures are.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"number": number, "interval": interval, "prose": prose, "shortest": shortest}
    first_of_stem = {f.study.stem: f.claim.id for f in reversed(result.findings) if f.study}
    return environment.get_template("report.html.jinja").render(
        findings=result.findings,
        claimless=[study for study in result.studies if not study.confrontations and not study.failure],
        counts=[(name, sign, n) for name, sign in SIGNS.items() if (n := _counts(result.findings)[name])],
        made=result.studies[0].provenance if result.studies else None,
        seconds=sum(study.provenance["seconds"] for study in result.studies),
        first_of_stem=first_of_stem,
        figures_of=lambda study: [embedded(folder / path) for path in pictures(study.figures)],
        signs=SIGNS,
        relation=RELATION,
        looseness=looseness,
        least_favourable=least_favourable,
        strip=strip,
        statement=statement,
        contradicts=point_contradicts,
        after_planting=after_planting,
        formulas=formulas,
        counted=counted,
        numeric=numeric,
        shown=SHOWN,
        recorded={item.claim: item for item in result.recorded},
        notice=result.notice,
        row=row,
    )


def _counts(findings: Sequence[Finding]) -> Counter[str]:
    return Counter(finding.verdict for finding in findings)


def least_favourable(evidence: Evidence) -> list[Point]:
    """The points a reader should see: the least favourable ones, in their own order."""
    hardest = sorted(evidence.points, key=lambda point: -misfit(evidence.kind, point))[:SHOWN]
    return [point for point in evidence.points if point in hardest][:SHOWN]


def after_planting(finding: Finding) -> str | None:
    """The verdict on the same runs beside a wrong formula."""
    if finding.examination is None or finding.confrontation is None:
        return None
    return verdict(finding.examination.status, planted(finding.confrontation))


def row(found: Mapping[str, Any]) -> Row:
    """Claimed, measured and at of an entry's ``numeric``, in print."""
    claimed, measured, at = summary(found)
    return Row(claimed.replace("<=", "≤").replace(">=", "≥"), measured, at)


def formulas(finding: Finding) -> list[tuple[str, Markup]]:
    """The derived formulas of a claim, by name."""
    return [(name, mathml(latex(formula), "inline")) for name, formula in finding.claim.formulas.items()]


def statement(text: str) -> list[Markup]:
    """A LaTeX statement as displayed formulas: parts that a quad separates stand on lines of their own."""
    parts = re.split(r"(?:\\ )*\s*\\q?quad\s*(?:\\ )*", text)
    pairs = (("{", "}"), (r"\left", r"\right"), (r"\begin", r"\end"))
    balanced = all(part.count(opened) == part.count(closed) for part in parts for opened, closed in pairs)
    return [mathml(part) for part in (parts if balanced else [text])]


def prose(text: str) -> Markup:
    """Plain text with its symbols set as mathematics: ``beta1 <= ||v||^2`` as it would be printed."""
    marked = str(escape(text))
    for pattern, replacement in PROSE:
        marked = re.sub(pattern, replacement, marked)
    return Markup(marked)


def mathml(text: str, display: str = "block") -> Markup:
    """LaTeX as MathML; text that cannot be converted is shown as it is."""
    try:
        return Markup(convert(rf"\displaystyle {text}", display=display))
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
    half = (point.high - point.low) / 2
    if low == high or half < 1e-3 * abs(point.measured):
        return Markup("± {}").format(number(float(f"{half:.0e}")))
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
    logarithm of measured/bound, from 1e-3 to 10, with the forbidden side shaded. An arrow points out of the picture.
    """
    if not point.is_comparable:
        return Markup("")
    ends = [_place(kind, value, point.predicted) for value in (point.low, point.measured, point.high)]
    low, middle, high = (min(max(end, 0.0), 100.0) for end in ends)
    dot = {ends[1] < 0: "M6 5L0 9L6 13Z", ends[1] > 100: "M94 5L100 9L94 13Z"}.get(True, f"M{middle:.2f} 9h.01")
    mark = _place(kind, point.predicted, point.predicted)
    wall = {"equality": "", "upper bound": f"M{mark} 3H100V15H{mark}Z", "lower bound": f"M0 3H{mark}V15H0Z"}[kind]
    return Markup(
        '<svg class="strip" viewBox="-3 0 106 18" role="img" aria-label="{label}"><path class="wall" d="{wall}"/>'
        '<path class="axis" d="M0 9H100"/><path class="prediction" d="M{mark} 2V16"/>'
        '<path class="whisker" d="M{low:.2f} 9H{high:.2f}"/><path class="dot" d="{dot}"/></svg>'
    ).format(label=f"measured against {kind}", wall=wall, mark=mark, low=max(low - 0.4, 0), high=high + 0.4, dot=dot)


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


def pictures(files: Sequence[str]) -> list[str]:
    """The files to show: of a figure in several formats the first that browsers show inline."""
    chosen: dict[str, str] = {}
    for suffix in MEDIA:
        for file in files:
            if Path(file).suffix == suffix:
                chosen.setdefault(Path(file).stem, file)
    return list(chosen.values())


def embedded(path: Path) -> str:
    """A figure as a data URI."""
    return f"data:{MEDIA[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
