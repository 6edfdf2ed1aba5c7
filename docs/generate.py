"""The generated pages: one per claim, gallery, notation, interfaces; everything is read from the project."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

import theory
from docs.address import install_cell, online, source_address, write_online
from docs.lessons import code_page, copy_lessons, histories, links_to_slides, sources_of
from experiments.catalogue import catalogue
from experiments.report.ledger import summary
from experiments.report.on_record import read_record
from experiments.report.page import prose as as_printed
from experiments.report.page import statement
from experiments.studies.width import gains
from experiments.study import Table
from paper_figures.__main__ import reference
from paper_figures.figure import Figure, figures
from paper_figures.style import save, sheet
from theory import notation
from theory.claim import Claim
from theory.notation import latex

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "experiments" / "reference"
#: The modules of the reference, and what of each stands elsewhere or is data.
PUBLIC: Mapping[str, str] = {
    "vradam": "", "vradam.gates": "", "vradam.laws": "", "vradam.noise": "", "vradam.objectives": "Objective",
    "vradam.schedules": "", "vradam.problems": "", "vradam.sweeps": "", "vradam.dynamics": "", "vradam.sharpness": "",
    "vradam.inplace": "", "vradam.plan": "", "explorer": "", "theory": "CLAIMS, STEMS, SYMBOLS", "theory.claim": "",
    "theory.recursion": "", "theory.notation": "", "theory.objectives": "", "experiments.study": "",
    "experiments.measurement.verdict": "",
}  # fmt: skip


def generate(folder: Path, lessons: Path) -> None:
    """Fill ``folder`` with the sources of the site; ``lessons`` holds the notebooks with their outputs."""
    shutil.copytree(ROOT / "docs" / "pages", folder, dirs_exist_ok=True)
    static = folder / "_static"
    static.mkdir(exist_ok=True)
    shutil.copy(ROOT / "docs" / "site.css", static)
    shutil.copy(ROOT / "explorer" / "explorer.html", static)
    shutil.copytree(ROOT / "paper_figures" / "gallery", folder / "gallery", dirs_exist_ok=True)
    draw_vectors(folder / "gallery")
    copy_lessons(lessons, folder / "notebooks")
    entries = {item["id"]: item for item in read_record(REFERENCE)}
    _write(folder / "index.md", (folder / "index.md").read_text(encoding="utf-8").replace("{{findings}}", findings()))
    gates = folder / "which_gate.md"
    text = gates.read_text(encoding="utf-8").replace("{{gained}}", decades_gained())
    _write(gates, text.replace("{{gates}}", table_of("opening_law")))
    names = sorted(path.stem for path in lessons.glob("*.ipynb"))
    course = (folder / "course.md").read_text(encoding="utf-8")
    _write(folder / "course.md", course.replace("{{slides}}", links_to_slides(names)))
    fill_online(folder, static, names)
    past = histories()
    for claim in theory.CLAIMS:
        _write(folder / "claims" / f"{claim.id}.md", claim_page(claim, entries.get(claim.id), past.get(claim.id, [])))
        for path in _code_of(claim):
            _write(static / "code" / f"{path.relative_to(ROOT).as_posix()}.html", code_page(path))
        for certificate in claim.certificates:
            (static / "certificates").mkdir(exist_ok=True)
            shutil.copy(certificate.path, static / "certificates")
    _write(folder / "claims" / "index.md", claims_index(entries))
    _write(folder / "lessons.md", lessons_index(names))
    _write(folder / "gallery.md", gallery())
    _write(folder / "notation.md", notation_page())
    for name, text in api().items():
        _write(folder / name, text)
    _write(folder / "command_line.md", command_line())
    changelog = ROOT / "CHANGELOG.md"
    _write(folder / "changelog.md", changelog.read_text(encoding="utf-8") if changelog.exists() else "# Changelog\n")


def fill_online(folder: Path, static: Path, names: Sequence[str]) -> None:
    """The page on running elsewhere, with the address of the source where one is set, and notebooks that install."""
    address, page = source_address(), folder / "run_online.md"
    text = page.read_text(encoding="utf-8").replace("{{install}}", install_cell(address))
    _write(page, text.replace("{{online}}", online(address, names)))
    write_online(static / "online", address, names)


def findings() -> str:
    """The findings of the README, between its markers."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- findings:begin -->\n(.*?)<!-- findings:end -->", text, re.DOTALL)
    return re.sub(r"\]\((?!http)[^)]*\)", "](claims/index.md)", found.group(1)).strip() if found else ""


def table_of(stem: str) -> str:
    """The first table of a study, from the reference."""
    study = catalogue()[stem].working()
    table = study.tables(in_reference(stem))[0] if study.tables is not None else Table(stem, (), ())
    rows = [table.head, tuple("---" for _ in table.head), *table.rows]
    return "\n".join([*("| " + " | ".join(row) + " |" for row in rows), "", prose(table.note)])


def decades_gained() -> str:
    """By how many decades the range of the gate that W1 tests is wider than Adam's, in the mean over the problems."""
    gained, _ = gains(in_reference("width")["deciding"], "alignment", beta1=0.9, factor=2.0)
    return f"{gained.mean():.2f}"


def claim_page(claim: Claim, entry: Mapping[str, Any] | None, past: Sequence[tuple[str, str, str]] = ()) -> str:
    """What was claimed, what holds, why, how it was measured, where it is, and what the record said before."""
    stem = catalogue().stem_of(claim)
    lines = [f"# {claim.id} · {claim.title}", ""]
    lines += [f'<span class="verdict">{(entry or {}).get("verdict") or "not run"}</span>', ""]
    label = "Introduced here." if claim.source.startswith("introduced here") else "As publicly restated."
    lines += [f"**{label}** " + prose(claim.as_reported), "", f"*Source: {claim.source}.*", ""]
    lines += ["## What holds", ""]
    lines += [prose(claim.holds[:1].upper() + claim.holds[1:]) + ".", ""] if claim.holds else []
    lines += [*(f'<div class="formula">{part}</div>' for part in statement(claim.statement)), ""]
    lines += ["Assuming:", "", *(f"- {prose(text)}" for text in claim.assumptions), "", claim_words(claim), ""]
    if claim.formulas:
        lines += ["## Formulas", ""]
        for name, formula in claim.formulas.items():
            lines += [name.replace("_", " ") + ":", "", "$$", latex(formula), "$$", ""]
    lines += proof_steps(claim)
    lines += ["## Measured", "", measured(entry), ""]
    for figure in figures():
        if figure.study == stem.name and (ROOT / "paper_figures" / "gallery" / f"{figure.name}.png").exists():
            lines += [*picture(figure, "../"), ""]
    links = ", ".join(
        f'<a href="../_static/code/{name}.html"><code>{name}</code></a>' for name in _names_of_code(claim)
    )
    lines += [
        "## Where it is", "",
        f"Try it: `python -m theory {claim.id}`, `python -m experiments {claim.id}`. The code: {links}.", "",
        "## The verdict on record", "",
        *([f"- {date}, commit `{commit}`: {word}" for date, commit, word in past] or ["Nothing was on record."]), "",
    ]  # fmt: skip
    return "\n".join(lines)


def proof_steps(claim: Claim) -> list[str]:
    """The steps of a proof with their kind, a row each; what no machine checks stands among them."""
    rows = [(claim.kind(name), prose(name), prose(claim.inequalities.get(name, ""))) for name in claim.steps]
    rows += [
        ("identity", f"formula: {prose(name.replace('_', ' '))}", "derived anew from the recursion")
        for name in claim.formulas
    ]
    rows += [
        (
            "certificate",
            prose(item.says),
            f'<a href="../_static/certificates/{item.path.name}"><code>{item.path.name}</code></a>',
        )
        for item in claim.certificates
    ]
    rows += [("cited lemma", prose(item.lemma), prose(item.source)) for item in claim.cited]
    rows += [
        ("inequality" if step.kind == "inequality" else "identity", prose(f"{proof.title}: {name}"), "")
        for proof in claim.proofs
        for name, step in proof.steps.items()
    ]
    rows += [("argument in prose", prose(text), "no machine checks it") for text in claim.prose]
    if not rows:
        return []
    table = ["| kind | step | under, or where |", "|---|---|---|"]
    return ["## Steps of the proof", "", *table, *(f"| {kind} | {step} | {under} |" for kind, step, under in rows), ""]


def _code_of(claim: Claim) -> list[Path]:
    """The sources of the derivation, the study and its figures."""
    stem = catalogue().stem_of(claim)
    modules = [f"theory.claims.{stem.name}", str(stem.module)]
    modules += [f"paper_figures.figures.{figure.name}" for figure in figures() if figure.study == stem.name]
    found = [path for module in modules for path in sources_of(module)]
    return list(dict.fromkeys(path for path in found if path.exists()))


def _names_of_code(claim: Claim) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in _code_of(claim)]


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
    """The picture of a figure, its sentence, its claims, parameters, command and code."""
    ids = ", ".join(f"[{name}]({up}claims/{name}.md)" for name in catalogue()[figure.study].ids)
    facts = [f"`python -m paper_figures {figure.name}`"] + ([f"claims {ids}"] if ids else [])
    facts += [parameters(figure)] if parameters(figure) else []
    if ids:
        facts.append(f'<a href="{up}_static/code/paper_figures/figures/{figure.name}.py.html">code</a>')
    return [f"![{figure.says}]({up}gallery/{figure.name}.*)", "", f"{prose(figure.says)} ({'; '.join(facts)})"]


@cache
def parameters(figure: Figure) -> str:
    """The numbers that the attributes of the drawn data name, such as hyper-parameters and counts of seeds."""
    if (data := drawn_from(figure)) is None:
        return ""
    found: dict[str, list[float]] = {}
    for needed in figure.needs:
        for name, value in data[needed].attrs.items():
            if isinstance(value, int | float | np.number) and not isinstance(value, bool):
                found.setdefault(str(name).replace("_", " "), []).append(float(value))
    shown = {name: sorted(set(values)) for name, values in found.items()}
    return ", ".join(f"{name} {', '.join(f'{value:g}' for value in values[:6])}" for name, values in shown.items())


def drawn_from(figure: Figure) -> Mapping[str, Any] | None:
    """What a figure draws of the committed reference; None where that does not hold all that it needs."""
    return figure.select({stem: in_reference(stem) for stem in figure.studies})


@cache
def in_reference(stem: str) -> Mapping[str, Any]:
    """All data of a stem in the committed reference."""
    return reference(stem) or {}


def draw_vectors(folder: Path) -> None:
    """``<name>.svg`` beside ``<name>.png`` for every figure whose data the reference holds."""
    for figure in figures():
        if (data := drawn_from(figure)) is not None:
            with sheet():
                canvas = figure.draw(data)
            save(canvas, folder, figure.name, ("svg",))


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


def api() -> dict[str, str]:
    """Page -> text of the reference: a list of the modules, and a page for each with all that it offers."""
    lines = ["# Reference", "", "| module | |", "|---|---|"]
    pages = {}
    for name, left_out in PUBLIC.items():
        said = (import_module(name).__doc__ or "").strip().splitlines()[0]
        said = re.sub(r":\w+:`|`", "", said).replace("_", "&#95;")
        lines.append(f"| [`{name}`](api/{name}.md) | {said} |")
        excluded = [f"   :exclude-members: {left_out}"] if left_out else []
        directive = ["```{eval-rst}", f".. automodule:: {name}", "   :members:", *excluded, "```"]
        pages[f"api/{name}.md"] = "\n".join([f"# {name}", "", *directive])
    return {"api.md": "\n".join([*lines, "", *toctree([f"api/{name}" for name in PUBLIC], hidden=True)]), **pages}


def command_line() -> str:
    """What every command says of itself."""
    from docs.__main__ import main as docs_main
    from experiments.__main__ import main as experiments_main
    from explorer.__main__ import main as explorer_main
    from notebooks.execute import main as execute_main
    from notebooks.exercises import main as exercises_main
    from paper_figures.__main__ import main as figures_main
    from theory.__main__ import main as theory_main

    commands: tuple[tuple[str, Callable[[list[str]], Any]], ...] = (
        ("-m experiments", experiments_main), ("-m theory", theory_main), ("-m paper_figures", figures_main),
        ("-m explorer", explorer_main), ("-m docs", docs_main), ("-m notebooks.exercises", exercises_main),
        ("notebooks/execute.py", execute_main),
    )  # fmt: skip
    lines = ["# Commands", ""]
    for name, main in commands:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            main(["--help"])
        lines += [f"## `python {name}`", "", "```text", said.getvalue().rstrip(), "```", ""]
    return "\n".join(lines)


def toctree(names: Sequence[str], hidden: bool = False) -> list[str]:
    return ["```{toctree}", *([":hidden:"] if hidden else []), ":maxdepth: 1", "", *names, "```", ""]


def prose(text: str) -> str:
    """Plain text with its symbols set as mathematics, as inline HTML; nothing in it is read as Markdown."""
    return re.sub(r"([*_|\[\]$~`])", lambda found: f"&#{ord(found.group())};", str(as_printed(text)))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rstrip() + "\n", encoding="utf-8", newline="\n")
