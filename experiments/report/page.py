"""The report: one self-contained HTML file with the ledger first, then every claim with derivation and runs.

Mathematics is MathML in an embedded font, figures and marks are inline; the file needs no network and runs no script:
the filter by verdict is a group of radio buttons and a style sheet. Files that it mentions are linked, relative to it.
"""

from __future__ import annotations

import base64
import html
import math
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
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
from experiments.report.ledger import NOT_RUN, Finding, JobResult, Recorded, Row, StudyRun, numeric, summary
from experiments.report.mathematics import mathml, prose, statement
from experiments.store.provenance import ROOT
from theory.claim import counted
from theory.naming import in_words, named
from theory.notation import latex

__all__ = ["mathml", "prose", "render", "statement"]

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

TEMPLATES: Final = Path(__file__).parent / "templates"
#: Symbol in LaTeX -> what it is, for readers of the report.
NOTATION: Final = {
    r"\theta_t, g_t": "the parameters after t steps; the gradient there, possibly with noise",
    r"v_t = \beta_1 v_{t-1} + (1 - \beta_1) g_t": "velocity; beta1 is its decay (0.9 by default)",
    r"m_t = \beta_2 m_{t-1} + (1 - \beta_2) g_t^2": "second moment of each coordinate; beta2 is its decay (0.999)",
    r"\eta_t = \alpha_0 / (1 + \min(\beta_3 \|v_t\|^2, \alpha_1))": "learning rate of step t: "
    "alpha0 with the gate open, beta3 the strength of the gate, alpha1 its clip",
    r"\lambda": "decoupled weight decay",
    r"L, S = \alpha_0 L": "largest curvature; the learning rate in its units",
    r"B = 2 (1 + \beta_1)/(1 - \beta_1)": "edge of stability of plain momentum, in the same units (38 at beta1 = 0.9)",
    r"\kappa = (1 + \beta_1)/(1 - \beta_1)": "a ratio that runs through the stability theory; B = 2 kappa",
    r"\beta_g": "decay of an opening law: how slowly a gate opens",
    r"N, d": "number of steps of a run; number of parameters",
    r"R, D": "bound on the gradients; distance in value from the start to the minimum",
}


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it: a data URI, what it says, and the command that draws it anew."""

    uri: str
    says: str
    command: str


@cache
def template() -> Template:
    """That of the page, compiled once."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "number": number, "interval": interval, "prose": prose, "shortest": shortest, "slug": slug,
        "worded": lambda text, claim: in_words(str(text), claim.formulas),
    }  # fmt: skip
    return environment.get_template("report.html.jinja")


def render(result: JobResult, folder: Path) -> str:
    """The report as HTML.

    Parameters
    ----------
    result : JobResult
        Of the main job.
    folder : Path
        Of the results, where the figures are, and the report itself.
    """
    recorded = {item.claim: item for item in result.recorded}
    verdicts = {finding.claim.id: shown_verdict(finding, recorded.get(finding.claim.id)) for finding in result.findings}
    counts = Counter(verdicts.values())
    first_of_stem = {f.study.stem: f.claim.id for f in reversed(result.findings) if f.study}
    return template().render(
        findings=result.findings,
        verdicts=verdicts,
        claimless=[study for study in result.studies if not study.confrontations and not study.failure],
        counts=[(name, sign, counts[name]) for name, sign in SIGNS.items() if counts[name]],
        made=result.studies[0].provenance if result.studies else None,
        seconds=sum(study.provenance["seconds"] for study in result.studies),
        first_of_stem=first_of_stem,
        figures_of=partial(figures_of, folder=folder),
        linked=partial(linked, folder=folder),
        data_of=data_of,
        signs=SIGNS,
        relation=RELATION,
        looseness=looseness,
        least_favourable=least_favourable,
        strip=strip,
        statement=statement,
        contradicts=point_contradicts,
        after_planting=after_planting,
        formulas=formulas,
        step=step,
        counted=counted,
        numeric=numeric,
        shown=SHOWN,
        recorded=recorded,
        notice=result.notice,
        row=row,
        notation=[(mathml(symbol), prose(meaning)) for symbol, meaning in NOTATION.items()],
        gate=mathml(r"\eta_t = \frac{\alpha_0}{1 + \min\left(\beta_3 \|v_t\|^2, \alpha_1\right)}"),
        font=base64.b64encode((TEMPLATES / "mathematics.woff").read_bytes()).decode("ascii"),
    )


def shown_verdict(finding: Finding, recorded: Recorded | None) -> str:
    """The verdict that the table shows: of this job, or the one on record where it was not run."""
    return recorded.verdict if recorded is not None and recorded.entry else finding.verdict


def slug(verdict: str) -> str:
    """A verdict as a name for style sheets."""
    return verdict.replace(" ", "-")


def step(name: str, finding: Finding) -> str:
    """A check's name for people.

    >>> from types import SimpleNamespace
    >>> step("formula limit_theorem4", SimpleNamespace(claim=SimpleNamespace(formulas={"limit_theorem4": 0})))
    'formula: limit of Theorem 4'
    """
    kind, _, rest = name.partition(" ")
    if kind == "formula" and rest in finding.claim.formulas:
        return f"formula: {named(rest)}"
    return in_words(name, finding.claim.formulas)


def linked(path: str | Path, text: str, folder: Path) -> Markup:
    """A link to a file of the clone or of the results, relative to the page; only its name where there is none."""
    target = Path(path) if Path(path).is_absolute() else ROOT / path
    if str(path).startswith("./"):
        target = folder / path
    if not target.exists():
        return escape(text)
    try:
        relative = Path(os.path.relpath(target.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive of Windows
        return escape(text)
    return Markup('<a href="{}">{}</a>').format(quote(relative), text)


def data_of(study: StudyRun) -> str:
    """The folder of a study's data, relative to the results."""
    return f"./{study.stem}/{study.provenance['fingerprint']}"


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
    return [(named(name), mathml(latex(formula), "inline")) for name, formula in finding.claim.formulas.items()]


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


def figures_of(study: StudyRun, folder: Path) -> list[Picture]:
    """The figures of a study; what one says stands in its own metadata."""
    found = []
    for file in pictures(study.figures):
        path = folder / file
        said = ""
        if path.suffix == ".svg":
            text = path.read_text(encoding="utf-8")
            description = re.search(r"<dc:description>\s*(.*?)\s*</dc:description>", text, re.DOTALL)
            said = html.unescape(description.group(1)) if description else ""
        where = "" if folder == Path("results") else f" --out {folder}"
        command = f"python -m paper_figures {path.stem}{where}"
        found.append(Picture(embedded(path), said or study.title, command))
    return found


def embedded(path: Path) -> str:
    """A figure as a data URI."""
    return f"data:{MEDIA[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
