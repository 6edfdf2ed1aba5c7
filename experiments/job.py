"""The main job: derive and measure every selected claim, store what was found, and return the findings."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import xarray as xr

from experiments.catalogue import Catalogue, Stem
from experiments.catalogue import catalogue as our_catalogue
from experiments.examinations import begin as begin_examinations
from experiments.measurement.verdict import Confrontation
from experiments.progress import Progress
from experiments.report.ledger import Finding, JobResult, StudyRun, entry
from experiments.report.on_record import on_record
from experiments.report.page import render
from experiments.results import Finished, computed, write_json
from experiments.store.chunks import save_data
from experiments.store.files import exclusive, forget, remove_unfinished, write_atomically
from experiments.store.fingerprint import fingerprint, plain
from experiments.store.provenance import provenance
from experiments.study import Table
from theory.claim import Examination
from vradam.workers import HERE, Workers

log = logging.getLogger("experiments")

#: ``draw(stem, data, folder)`` draws the figures of a stem and returns their files.
Draw = Callable[[str, Mapping[str, xr.Dataset], Path], Sequence[Path]]
#: ``needs(stem)``: the other stems whose stored data the figures of a stem draw.
Needs = Callable[[str], Collection[str]]


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
    catalogue: Catalogue | None = None,
    draw: Draw | None = None,
    reference: Path | None = None,
    needs: Needs = lambda stem: (),
) -> JobResult:
    """Derive and measure every selected claim; write data, figures and ``claims.json`` under ``options.out``.

    The studies run one after another, derivations and figures where they leave processes idle; the figures of a stem
    wait for the stems that it ``needs``. There is one finding per claim, in ledger order; claims that were not selected
    are "not run". An exception in one stem leaves its claims open and the others unharmed. Where ``reference`` is given
    and nothing was selected, the verdicts on record of claims that run only on request are part of the result.

    Raises
    ------
    ValueError
        If ``options.only`` names neither a claim nor a stem.
    BlockingIOError
        If another main job uses the same folder.
    OSError
        If the folder cannot be written or the disk is full; finished chunks are kept.
    """
    catalogue = catalogue or our_catalogue()
    selected = catalogue.select(options.only)
    findings = {claim.id: Finding(claim, catalogue.stem_of(claim).expected(claim)) for claim in catalogue.claims}
    runs: dict[str, StudyRun] = {}
    data: dict[str, Mapping[str, xr.Dataset]] = {}
    stems = [stem for stem in catalogue.stems if {stem.name, *stem.ids} & set(selected)]
    to_draw = [stem.name for stem in stems]
    to_come = set(to_draw)
    given: dict[str, Examination] = {}
    drawn: dict[str, tuple[str, ...]] = {}
    with exclusive(options.out), options.workers.shared() as workers:
        remove_unfinished(options.out)
        with Progress(len(stems) + 2) as progress:
            progress.begin("derivations")
            asked = [finding.claim for finding in findings.values() if finding.claim.id in selected]
            if not asked:
                progress.end("derivations")

            def examined(name: str, examination: Examination) -> None:
                given[name] = examination
                if len(given) == len(asked):
                    progress.end("derivations")

            begin_examinations(asked, options.out, examined, workers, options.fresh, options.paper)

            def has_stored(name: str, failure: str) -> None:
                """Have the figures drawn that waited for the stored data of this stem."""
                if failure:
                    log.error("the data of %s could not be stored\n%s", name, failure)
                    runs[name] = replace(runs[name], confrontations={}, failure=failure.splitlines()[-1])
                    data[name] = {}
                to_come.remove(name)
                ready = [other for other in to_draw if not {other, *needs(other)} & to_come]
                to_draw[:] = [other for other in to_draw if other not in ready]
                _begin_figures(draw, {other: data[other] for other in ready}, options.out, workers, drawn)

            for stem in stems:
                progress.begin(stem.name)
                runs[stem.name], finished = _run(stem, options, workers)
                data[stem.name] = finished.data if finished and not runs[stem.name].failure else {}
                if finished:
                    replace(workers, dask=None).behind(_store, {stem.name: (finished,)}, has_stored)
                else:
                    has_stored(stem.name, "")
                progress.end(stem.name)
            progress.begin("figures")
            workers.finish()
            progress.end("figures")
        for name, examination in given.items():
            findings[name] = replace(findings[name], examination=examination)
        for stem in stems:
            done = runs[stem.name] = replace(runs[stem.name], figures=drawn.get(stem.name, ()))
            for name in set(stem.ids) & set(selected):
                findings[name] = replace(findings[name], study=done)
        result = JobResult(tuple(findings.values()), tuple(runs.values()))
        if reference is not None and options.only is None:
            try:
                result = replace(result, recorded=on_record(result.findings, reference, catalogue))
            except ValueError as error:
                result = replace(result, notice=f"The verdicts on record are not shown: {error}")
        write_json(options.out / "claims.json", [entry(finding) for finding in result.findings])
        write_atomically(options.out / "report.html", render(result, options.out).encode("utf-8"))
    return result


def _run(stem: Stem, options: Options, workers: Workers) -> tuple[StudyRun, Finished | None]:
    """Run a study; what is to be stored of it, unless it failed before there was any."""
    start = time.perf_counter()
    mark, failure = "", ""
    setup: Any = None
    finished: Finished | None = None
    confrontations: dict[str, Confrontation] = {}
    tables: tuple[Table, ...] = ()
    try:
        study = stem.working()
        setup = study.setup(options.paper)
        mark = fingerprint(setup, stem.module)
        if options.fresh:
            forget(options.out / stem.name / mark)
        result, finished = computed(stem, options.paper, options.out, workers)
        confrontations = {confrontation.claim: confrontation for confrontation in result.confrontations}
        if set(confrontations) != set(stem.ids):
            raise ValueError(f"{stem.name} must confront {stem.ids}, got {tuple(confrontations)}")
        tables = tuple(study.tables(result.data)) if study.tables else ()
    except OSError:
        raise
    except Exception as error:
        expected = stem.study is None or isinstance(error, ImportError)  # what is not installed needs no traceback
        log.error("%s failed: %s", stem.name, error) if expected else log.exception("%s failed", stem.name)
        failure = stem.failure or f"{type(error).__name__}: {error}"
    made = provenance(setup, mark, time.perf_counter() - start)
    made["resolution"] = "paper" if options.paper else "default"
    chosen = plain(setup) if mark else {"class": stem.module}
    return StudyRun(stem.name, stem.title, chosen, made, confrontations, failure=failure, tables=tables), finished


def _store(finished: Finished) -> str:
    """Store the data of a study; why they cannot be, if it is not the disk, which concerns the whole job."""
    try:
        save_data(*finished)
    except OSError:
        raise
    except Exception:
        return traceback.format_exc()
    return ""


def _begin_figures(
    draw: Draw | None,
    data: Mapping[str, Mapping[str, xr.Dataset]],
    out: Path,
    workers: Workers,
    drawn: dict[str, tuple[str, ...]],
) -> None:
    """Have the figures of stems drawn on this machine when processes have time; ``drawn`` names them within ``out``."""
    if draw is None:
        return
    folder = out / "figures"
    folder.mkdir(exist_ok=True)

    def done(stem: str, found: tuple[Sequence[Path], str]) -> None:
        files, failure = found
        if failure:
            log.error("the figures of %s could not be drawn\n%s", stem, failure)
        drawn[stem] = tuple(path.relative_to(out).as_posix() for path in files)

    arguments = {stem: (draw, stem, data[stem], folder) for stem in data if data[stem]}
    replace(workers, dask=None).behind(_drawn, arguments, done)


def _drawn(draw: Draw, stem: str, data: Mapping[str, xr.Dataset], folder: Path) -> tuple[Sequence[Path], str]:
    """The files of the figures of a stem, and why there are none; a full disk concerns the whole job."""
    try:
        return draw(stem, data, folder), ""
    except OSError:
        raise
    except Exception:
        return (), traceback.format_exc()
