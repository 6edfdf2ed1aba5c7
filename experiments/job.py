"""The main job: hear both witnesses on every selected claim, store what they said, and return the findings."""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import numpy as np
import xarray as xr
from tqdm import tqdm

from experiments.catalogue import CATALOGUE, Catalogue
from experiments.measurement.verdict import Confrontation
from experiments.report.ledger import Finding, Outcome, Study, entry
from experiments.report.on_record import on_record
from experiments.report.page import render
from experiments.store.chunks import (
    Chunks,
    exclusive,
    forget,
    load_data,
    remove_unfinished,
    save_data,
    write_atomically,
)
from experiments.store.fingerprint import fingerprint, plain, recipe, room_digest
from experiments.store.provenance import provenance
from experiments.study import Result
from experiments.tables import Table
from theory.claim import Claim, Examination, Status, examine
from vradam.workers import HERE, Workers

log = logging.getLogger("experiments")

#: ``draw(stem, data, folder)`` draws the figures of a stem and returns their files.
Draw = Callable[[str, Mapping[str, xr.Dataset], Path], Sequence[Path]]


@dataclass(frozen=True)
class Options:
    """How the main job runs; see ``python -m experiments --help``."""

    out: Path = Path("results")
    paper: bool = False
    only: tuple[str, ...] | None = None
    fresh: bool = False
    workers: Workers = HERE


def main_job(
    options: Options,
    claims: Iterable[Claim],
    catalogue: Catalogue = CATALOGUE,
    draw: Draw | None = None,
    reference: Path | None = None,
) -> Outcome:
    """Hear both witnesses on every selected claim; write data, figures and ``claims.json`` under ``options.out``.

    There is one finding per claim, in ledger order; claims that were not selected are "not run". An exception in one
    stem leaves its claims open and the others unharmed. Where ``reference`` is given and nothing was selected, the
    verdicts on record of claims that run only on request are part of the outcome.

    Raises
    ------
    ValueError : if ``options.only`` names neither a claim nor a stem.
    BlockingIOError : if another main job uses the same folder.
    OSError : if the folder cannot be written or the disk is full; finished chunks are kept.
    """
    selected = catalogue.select(options.only)
    by_id = {claim.id: claim for claim in claims}
    findings = {row.id: Finding(by_id[row.id], row.expected) for row in catalogue.entries if row.id in by_id}
    studies: list[Study] = []
    data: dict[str, Mapping[str, xr.Dataset]] = {}
    stems = [stem for stem in catalogue.stems if {stem, *catalogue.claims_of(stem)} & set(selected)]
    with exclusive(options.out):
        remove_unfinished(options.out)
        bar = tqdm(
            total=len(stems) + 2, unit="stem", disable=None, bar_format="{desc} {bar} {n_fmt}/{total_fmt} {elapsed}"
        )
        with bar:
            bar.set_description("symbolic witness".ljust(20))
            asked = [finding.claim for finding in findings.values() if finding.claim.id in selected]
            for name, examination in examinations(asked, options).items():
                findings[name] = replace(findings[name], examination=examination)
            bar.update()
            for stem in stems:
                bar.set_description(stem.ljust(20))
                study, data[stem] = _study(stem, options, catalogue)
                studies += [study] if study else []
                bar.update()
            bar.set_description("figures".ljust(20))
            figures = _figures(draw, data, options)
            bar.update()
        studies = [replace(study, figures=figures.get(study.stem, ())) for study in studies]
        for study in studies:
            for name in set(catalogue.claims_of(study.stem)) & set(selected) & set(findings):
                findings[name] = replace(findings[name], study=study)
        outcome = Outcome(tuple(findings.values()), tuple(studies))
        if reference is not None and options.only is None:
            try:
                outcome = replace(outcome, recorded=on_record(outcome.findings, reference, catalogue))
            except ValueError as error:
                outcome = replace(outcome, notice=f"The verdicts on record are not shown: {error}")
        write_json(options.out / "claims.json", [entry(finding) for finding in outcome.findings])
        write_atomically(options.out / "report.html", render(outcome, options.out).encode("utf-8"))
    return outcome


def examinations(claims: Sequence[Claim], options: Options) -> dict[str, Examination]:
    """The symbolic witness on each claim: stored ones as they are, the others derived and checked now."""
    print_of = fingerprint(room_digest("theory"), "theory.claim")
    folder = options.out / "theory" / print_of
    if options.fresh:
        forget(folder)
    chunks = Chunks(folder, print_of)
    found: dict[str, Examination] = {}
    for name, dataset in chunks.stored([claim.id for claim in claims]).items():
        try:
            found[name] = _from_dataset(dataset)
        except ValueError as error:
            log.warning("%s/%s: %s; examining it again", folder, name, error)
    longest_first = sorted(claims, key=lambda claim: -len(claim.formulas) - len(claim.steps))
    missing = {claim.id: (claim,) for claim in longest_first if claim.id not in found}
    for name, examination in options.workers.map(_examine, missing):
        if examination.checks or examination.status == "empirical":
            chunks.keep(name, _to_dataset(examination))
        found[name] = examination
    return found


def compute(stem: str, paper: bool, out: Path, workers: Workers = HERE, catalogue: Catalogue = CATALOGUE) -> Result:
    """Run one stem (finished chunks are used) and store its data.

    Raises
    ------
    ModuleNotFoundError : if there is no such stem.
    """
    module = _module(stem, catalogue)
    setup = module.PAPER if paper else module.DEFAULT
    mark = fingerprint(setup, module.__name__)
    folder = out / stem / mark
    result: Result = module.run(setup, Chunks(folder / "chunks", mark, workers, title=stem))
    save_data(folder, result.data)
    write_json(folder / "confrontations.json", plain(result.confrontations, "confrontations"))
    write_json(folder / "made_from.json", recipe(setup, module.__name__))
    return result


def stored(stem: str, paper: bool, out: Path, catalogue: Catalogue = CATALOGUE) -> dict[str, xr.Dataset] | None:
    """The data of a finished run of this setup by this version of the code, or None."""
    module = _module(stem, catalogue)
    return load_data(out / stem / fingerprint(module.PAPER if paper else module.DEFAULT, module.__name__))


def write_json(path: Path, value: Any) -> None:
    """Strict JSON, written atomically."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode("utf-8"))


def _study(stem: str, options: Options, catalogue: Catalogue) -> tuple[Study | None, Mapping[str, xr.Dataset]]:
    """Run a stem and store its data, which are returned for its figures; no study where its module is not there yet."""
    start = time.perf_counter()
    title, mark, failure = stem, "", ""
    setup: Any = None
    data: Mapping[str, xr.Dataset] = {}
    confrontations: dict[str, Confrontation] = {}
    tables: tuple[Table, ...] = ()
    try:
        module = _imported(stem, catalogue)
        if module is None:
            return None, data
        title = (module.__doc__ or stem).strip().partition("\n")[0]
        setup = module.PAPER if options.paper else module.DEFAULT
        mark = fingerprint(setup, module.__name__)
        if options.fresh:
            forget(options.out / stem / mark)
        result = compute(stem, options.paper, options.out, options.workers, catalogue)
        confrontations = {confrontation.claim: confrontation for confrontation in result.confrontations}
        if set(confrontations) != set(catalogue.claims_of(stem)):
            raise ValueError(f"{stem} must confront {catalogue.claims_of(stem)}, got {tuple(confrontations)}")
        data = result.data
        tables = tuple(module.tables(data)) if hasattr(module, "tables") else ()
    except OSError:
        raise
    except Exception as error:
        log.exception("%s failed", stem)
        failure = f"{type(error).__name__}: {error}"
    made = provenance(setup, mark, time.perf_counter() - start)
    made["resolution"] = "paper" if options.paper else "default"
    chosen = plain(setup) if mark else {"class": catalogue.module_name(stem)}
    return Study(stem, title, chosen, made, confrontations, failure=failure, tables=tables), data


def _imported(stem: str, catalogue: Catalogue) -> ModuleType | None:
    """The module of a stem; a missing file is its own fault here, not a disk's that the whole job must stop for."""
    try:
        return catalogue.load(stem)
    except OSError as error:
        raise ImportError(f"{stem} cannot be imported: {error}") from error


def _figures(
    draw: Draw | None, data: Mapping[str, Mapping[str, xr.Dataset]], options: Options
) -> dict[str, tuple[str, ...]]:
    """The figures of every stem, relative to the folder of the results; side by side, on this machine."""
    if draw is None:
        return {}
    folder = options.out / "figures"
    folder.mkdir(exist_ok=True)
    largest_first = sorted(data, key=lambda stem: -sum(dataset.nbytes for dataset in data[stem].values()))
    arguments = {stem: (draw, stem, data[stem], folder) for stem in largest_first if data[stem]}
    drawn: dict[str, tuple[str, ...]] = {}
    for stem, (files, failure) in Workers(options.workers.jobs).map(_drawn, arguments):
        if failure:
            log.error("the figures of %s could not be drawn\n%s", stem, failure)
        drawn[stem] = tuple(path.relative_to(options.out).as_posix() for path in files)
    return drawn


def _drawn(draw: Draw, stem: str, data: Mapping[str, xr.Dataset], folder: Path) -> tuple[Sequence[Path], str]:
    """The files of the figures of a stem, and why there are none; a full disk concerns the whole job."""
    try:
        return draw(stem, data, folder), ""
    except OSError:
        raise
    except Exception:
        return (), traceback.format_exc()


def _module(stem: str, catalogue: Catalogue) -> ModuleType:
    module = catalogue.load(stem)
    if module is None:
        raise ModuleNotFoundError(f"there is no module {catalogue.module_name(stem)}")
    return module


def _examine(claim: Claim) -> Examination:
    """A derivation that raises does not close; that is no reason to lose the other claims."""
    try:
        return examine(claim)
    except Exception as error:
        return Examination("open", f"the derivation raised {type(error).__name__}: {error}", 0.0, {})


def _to_dataset(examination: Examination) -> xr.Dataset:
    """An examination without its times, which differ from run to run."""
    names, held = list(examination.checks), list(examination.checks.values())
    data = {"holds": ("check", np.array(held, dtype=bool))} if names else {}
    coords = {"check": names} if names else {}
    return xr.Dataset(data, coords, attrs={"status": examination.status, "summary": examination.summary})


def _from_dataset(dataset: xr.Dataset) -> Examination:
    """Raises ValueError for a dataset that is no examination."""
    names, held = dataset.get("check"), dataset.get("holds")
    status, summary = dataset.attrs.get("status"), dataset.attrs.get("summary")
    if status not in get_args(Status) or not isinstance(summary, str):
        raise ValueError("is not an examination")
    if (names is None) != (held is None):
        raise ValueError("is not an examination")
    if names is None or held is None:
        return Examination(status, summary, 0.0, {})
    if held.dims != ("check",) or held.dtype != bool or not all(isinstance(name, str) for name in names.values):
        raise ValueError("is not an examination")
    return Examination(status, summary, 0.0, dict(zip(names.values.tolist(), held.values.tolist(), strict=True)))
