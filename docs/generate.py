"""The generated pages: one per claim, gallery, notation, interfaces; everything is read from the project."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import theory
from experiments.catalogue import catalogue
from experiments.report.ledger import summary
from experiments.report.on_record import read_record
from experiments.report.page import prose as as_printed
from experiments.report.page import statement
from experiments.store.chunks import read_data
from experiments.study import Table
from paper_figures.figure import Figure, figures
from theory import notation
from theory.claim import Claim
from theory.notation import latex

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "experiments" / "reference"
PUBLIC = (
    "vradam", "vradam.baselines", "vradam.gates", "vradam.noise", "vradam.objectives", "vradam.schedules",
    "vradam.problems", "vradam.sweeps", "vradam.dynamics", "vradam.sharpness", "vradam.inplace", "vradam.plan",
    "theory", "theory.claim", "theory.recursion", "theory.notation", "experiments.study",
    "experiments.measurement.verdict",
)  # fmt: skip


def generate(folder: Path, lessons: Path) -> None:
    """Fill ``folder`` with the sources of the site; ``lessons`` holds the notebooks with their outputs."""
    shutil.copytree(ROOT / "docs" / "pages", folder, dirs_exist_ok=True)
    static = folder / "_static"
    static.mkdir(exist_ok=True)
    shutil.copy(ROOT / "docs" / "site.css", static)
    shutil.copy(ROOT / "explorer" / "explorer.html", static)
    shutil.copytree(ROOT / "paper_figures" / "gallery", folder / "gallery", dirs_exist_ok=True)
    shutil.copytree(lessons, folder / "notebooks", dirs_exist_ok=True)
    entries = {item["id"]: item for item in read_record(REFERENCE)}
    _write(folder / "index.md", (folder / "index.md").read_text(encoding="utf-8").replace("{{findings}}", findings()))
    gates = folder / "which_gate.md"
    _write(gates, gates.read_text(encoding="utf-8").replace("{{gates}}", table_of("opening_law")))
    for claim in theory.CLAIMS:
        _write(folder / "claims" / f"{claim.id}.md", claim_page(claim, entries.get(claim.id)))
    _write(folder / "claims" / "index.md", claims_index(entries))
    _write(folder / "lessons.md", lessons_index(sorted(path.stem for path in lessons.glob("*.ipynb"))))
    _write(folder / "gallery.md", gallery())
    _write(folder / "notation.md", notation_page())
    _write(folder / "api.md", api())
    _write(folder / "command_line.md", command_line())
    changelog = ROOT / "CHANGELOG.md"
    _write(folder / "changelog.md", changelog.read_text(encoding="utf-8") if changelog.exists() else "# Changelog\n")


def findings() -> str:
    """The findings of the README, between its markers."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- findings:begin -->\n(.*?)<!-- findings:end -->", text, re.DOTALL)
    return re.sub(r"\]\((?!http)[^)]*\)", "](claims/index.md)", found.group(1)).strip() if found else ""


def table_of(stem: str) -> str:
    """The first table of a study, from the reference."""
    study = catalogue()[stem].working()
    table = study.tables(read_data(REFERENCE / stem))[0] if study.tables is not None else Table(stem, (), ())
    rows = [table.head, tuple("---" for _ in table.head), *table.rows]
    return "\n".join([*("| " + " | ".join(row) + " |" for row in rows), "", prose(table.note)])


def claim_page(claim: Claim, entry: Mapping[str, Any] | None) -> str:
    """What was claimed, what holds, why, and how it was measured."""
    stem = catalogue().stem_of(claim)
    lines = [f"# {claim.id} · {claim.title}", ""]
    if entry and entry.get("verdict"):
        lines += [f'<span class="verdict">{entry["verdict"]}</span>', ""]
    lines += ["**As publicly restated.** " + prose(claim.as_reported), "", f"*Source: {claim.source}.*", ""]
    lines += ["## What holds", "", *(f'<div class="formula">{part}</div>' for part in statement(claim.statement)), ""]
    lines += ["Assuming:", "", *(f"- {prose(text)}" for text in claim.assumptions), "", claim_words(claim), ""]
    if claim.formulas:
        lines += ["## Formulas", ""]
        for name, formula in claim.formulas.items():
            lines += [name.replace("_", " ") + ":", "", "$$", latex(formula), "$$", ""]
    if claim.steps or claim.certificates:
        lines += ["## Steps that are checked", ""]
        lines += [f"- {prose(name)}" for name in claim.steps]
        lines += [
            f"- certificate `{item.path.name}`: {prose(getattr(item, 'says', ''))}" for item in claim.certificates
        ]
        lines += [""]
    lines += ["## Measured", "", measured(entry), ""]
    for figure in figures():
        if figure.study == stem.name and (ROOT / "paper_figures" / "gallery" / f"{figure.name}.png").exists():
            lines += [*picture(figure, "../"), ""]
    lines += [
        "## Where it is", "",
        f"Derivation `{module_of(claim)}`, study `{stem.module}`. Try it: `python -m theory {claim.id}`, "
        f"`python -m experiments {claim.id}`.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def claim_words(claim: Claim) -> str:
    """The paragraph for a student."""
    return "**In words.** " + prose(claim.plain)


def measured(entry: Mapping[str, Any] | None) -> str:
    """The decisive measurement on record, at full resolution."""
    if not entry or not (entry.get("numeric") or {}).get("measured"):
        return "Nothing is on record yet."
    numeric = entry["numeric"]
    row = summary(numeric)
    made = entry.get("provenance") or {}
    return (
        f"Measured {row.measured} (claimed {row.claimed}), {prose(row.at)}; {numeric['n']} runs. Made "
        f"{made.get('date', 'at an unknown date')} by commit "
        f"`{str(made.get('commit', 'unknown'))[:8]}`."
    )


def module_of(claim: Claim) -> str:
    """The module whose function derives a claim, or that of its stem."""
    derive = claim.derive
    return derive.__module__ if derive is not None else f"theory.claims.{catalogue().stem_of(claim).name}"


def claims_index(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """The ledger, a line a claim, and the tree of its pages."""
    lines = ["# The claims", "", "| | | verdict on record |", "|---|---|---|"]
    for claim in theory.CLAIMS:
        verdict = entries.get(claim.id, {}).get("verdict", "not run")
        lines.append(f"| [{claim.id}]({claim.id}.md) | {claim.title} | {verdict} |")
    return "\n".join([*lines, "", *toctree([claim.id for claim in theory.CLAIMS], hidden=True)])


def lessons_index(names: Sequence[str]) -> str:
    """The lessons in order."""
    text = (
        "Each lesson opens with what you will be able to do and ends with questions. The pages below hold the "
        "outputs of a run on the machine that built the site; the notebooks themselves are in `notebooks/`."
    )
    return "\n".join(["# Lessons", "", text, "", *toctree([f"notebooks/{name}" for name in names])])


def gallery() -> str:
    """Every figure with what it says and the command that redraws it."""
    lines = ["# Gallery", ""]
    for figure in figures():
        if (ROOT / "paper_figures" / "gallery" / f"{figure.name}.png").exists():
            lines += [f"## {figure.name.replace('_', ' ').capitalize()}", "", *picture(figure), ""]
    return "\n".join(lines)


def picture(figure: Figure, up: str = "") -> list[str]:
    """The picture of a figure, its sentence, its claims and its command."""
    ids = ", ".join(f"[{name}]({up}claims/{name}.md)" for name in catalogue()[figure.study].ids)
    says = prose(figure.says)
    source = f"`python -m paper_figures {figure.name}`" + (f"; claims {ids}" if ids else "")
    return [f"![{figure.says}]({up}gallery/{figure.name}.png)", "", f"{says} ({source})"]


def notation_page() -> str:
    """The table of the theory's symbols."""
    rows = [line for line in (notation.__doc__ or "").splitlines() if re.match(r"[A-Za-z0-9_, ]+  +\S", line)]
    cells = [re.split(r"  +", row.strip()) for row in rows if not row.startswith(("=", "symbol"))]
    lines = ["# Notation", "", "| symbol | | meaning | domain |", "|---|---|---|---|"]
    for name, meaning, domain in (cell for cell in cells if len(cell) == 3):
        symbols = ", ".join(f"${latex(theory.SYMBOLS[part.strip()])}$" for part in name.split(","))
        lines.append(f"| {symbols} | `{name}` | {meaning} | {domain} |")
    words = {
        "gate form": "what the gate sees, and what it acts on (the step, or the gradient that enters the velocity)",
        "opening law": "how what was seen becomes the opening",
        "opening": r"$\gamma_t$ in $[1/(1+\alpha_1), 1]$; the learning rate is $\eta_t = \alpha_0\gamma_t$",
        "step size": r"$s = \eta L$, learning rate times curvature",
        "gate sequence": "the openings of a run, one after the other",
        "edge": r"$B(\beta_1) = 2(1+\beta_1)/(1-\beta_1)$, in units of $1/\eta$",
    }
    lines += ["", "## Words", "", *(f"{word}\n: {meaning}\n" for word, meaning in words.items())]
    return "\n".join(lines)


def api() -> str:
    """The reference, from the docstrings."""
    lines = ["# Reference", "", "```{eval-rst}", ".. autosummary::", "   :toctree: api", ""]
    return "\n".join([*lines, *(f"   {name}" for name in PUBLIC), "```", ""])


def command_line() -> str:
    """What every command says of itself."""
    from experiments.__main__ import main as experiments_main
    from paper_figures.__main__ import main as figures_main
    from theory.__main__ import main as theory_main

    lines = ["# Commands", ""]
    for name, main in (("experiments", experiments_main), ("theory", theory_main), ("paper_figures", figures_main)):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            main(["--help"])
        lines += [f"## `python -m {name}`", "", "```text", said.getvalue().rstrip(), "```", ""]
    return "\n".join(lines)


def toctree(names: Sequence[str], hidden: bool = False) -> list[str]:
    return ["```{toctree}", *([":hidden:"] if hidden else []), ":maxdepth: 1", "", *names, "```", ""]


def prose(text: str) -> str:
    """Plain text with its symbols set as mathematics, as inline HTML; nothing in it is read as Markdown."""
    return re.sub(r"([*_|\[\]$~`])", lambda found: f"&#{ord(found.group())};", str(as_printed(text)))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rstrip() + "\n", encoding="utf-8", newline="\n")
