"""``python -m experiments``: derive and measure every claim, print the ledger, write the report.

Exit status: 0 if every verdict that has an expectation meets it, 1 if one does not or a study failed, 2 for a wrong
command line, 3 if the job cannot run (folder in use, disk full, folder not writable, code edited meanwhile, something
not installed, a limit on the address space that is too low), 130 if it was interrupted, 141 if whoever read the output
of a pipe went away; the results are stored nevertheless. With ``--verify``: 0 if all is sound, 1 if not.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from experiments.catalogue import Catalogue
    from experiments.job import Draw
    from vradam.workers import Workers

GONE = 141  # as a shell reports the end by SIGPIPE
#: Why a folder cannot be written; the disk's being full is not among them.
UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT)
#: Library -> the extra that brings it.
EXTRAS = {"distributed": "[cluster]", "dask": "[cluster]", "jax": "[nets]", "optax": "[peers]", "torch": "[torch]"}
#: The oldest Python that runs this.
OLDEST = (3, 11)

REFERENCE = Path(__file__).parent / "reference"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    arguments = argparse.ArgumentParser(
        prog="python -m experiments",
        description="Derive and measure every claim about VRAdam, and report the verdicts.",
        epilog="python -m experiments new STEM writes the skeleton of a claim; python -m experiments speed runs the "
        "speed study, with the options above.",
        allow_abbrev=False,
    )
    arguments.add_argument("names", nargs="*", metavar="ID", help="the same as --only: G1, stability, speed, ...")
    arguments.add_argument("--paper", action="store_true", help="full resolution (minutes instead of seconds)")
    arguments.add_argument("--only", nargs="+", metavar="ID", help="claims or stems to run, such as G1 or stability")
    arguments.add_argument("--out", type=Path, default=Path("results"), metavar="DIR", help="folder of the results")
    arguments.add_argument(
        "--jobs", type=_positive, metavar="N", help="processes, one thread each (default: every core)"
    )
    arguments.add_argument("--dask", metavar="ADDRESS", help="send the chunks to the Dask scheduler at ADDRESS")
    arguments.add_argument("--fresh", action="store_true", help="start over instead of continuing from finished chunks")
    arguments.add_argument(
        "--update-reference",
        action="store_true",
        help="with --paper: renew experiments/reference and the README's ledger",
    )
    arguments.add_argument(
        "--verify",
        nargs="?",
        const=REFERENCE,
        type=Path,
        metavar="DIR",
        help="run nothing; say what is damaged, stale or missing in a folder of results, which are compared with the "
        "reference (without DIR: in the reference, and in --out if it exists)",
    )
    return arguments


def main(
    argv: Sequence[str] | None = None,
    catalogue: Catalogue | None = None,
    draw: Draw | None = None,
) -> int:
    """Run the main job; returns the exit status. The last two arguments replace the ledger, for tests."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["new"]:
        return _new(words[1:])
    command_line = parser()
    chosen = command_line.parse_args(words)
    chosen.only = [*(chosen.only or ()), *chosen.names] or None
    if chosen.update_reference and not chosen.paper:
        command_line.error("--update-reference needs --paper: the reference is made at full resolution")

    from experiments.address_space import shortage

    if short := shortage(chosen.paper):
        print(f"Cannot start: {short}.", file=sys.stderr)
        return 3
    from experiments.interruption import Interruptible

    again = shlex.join(["python", "-m", "experiments", *words])
    again = again.replace(" --fresh", "")
    message = f"\nStopped. Finished chunks are kept in {chosen.out}; to continue:\n    {again}"
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        with Interruptible(message):
            status = _run(command_line, chosen, catalogue, draw)
            sys.stdout.flush()
            return status
    except KeyboardInterrupt:
        print(message, file=sys.stderr, flush=True)
        return 130
    except BrokenPipeError:  # everything is stored by then; whoever read the table has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GONE
    except ModuleNotFoundError as error:
        print(f"Cannot continue: {missing(error)}", file=sys.stderr)
        return 3
    except BlockingIOError as error:
        print(f"Cannot continue: {error}", file=sys.stderr)
        return 3
    except OSError as error:
        kept = f"Finished chunks are kept; to continue:\n    {again}"
        if error.errno in UNWRITABLE:
            kept = "Nothing can be written there; another folder for the results: --out DIR"
        print(f"Cannot continue: {error}\n{kept}", file=sys.stderr)
        return 3


def missing(error: ModuleNotFoundError) -> str:
    """What is not installed, and the line that installs it."""
    name = (error.name or "").partition(".")[0]
    return f"{name} is not installed; install it with: pip install -e '.{EXTRAS.get(name, '')}'"


def _new(words: Sequence[str]) -> int:
    """``new STEM``: write the skeleton of a claim, its study and its test."""
    arguments = argparse.ArgumentParser(
        prog="python -m experiments new",
        description="Write a claim with its study and its test, to be written over.",
        allow_abbrev=False,
    )
    arguments.add_argument("stem", metavar="STEM", help="a new name, such as step_limits")
    arguments.add_argument("--id", metavar="ID", help="of the claim, such as S9 (default: the next of chapter S)")
    chosen = arguments.parse_args(words)
    from experiments.skeleton import next_id, write

    name = chosen.id or next_id()
    try:
        files = write(chosen.stem, name)
    except ValueError as error:
        arguments.error(str(error))
    print("\n".join(map(str, files)))
    print(f"Try it: python -m theory {name}    python -m experiments {name}    pytest tests/claims -k {chosen.stem}")
    return 0


def _run(
    command_line: argparse.ArgumentParser,
    chosen: argparse.Namespace,
    catalogue: Catalogue | None,
    draw: Draw | None,
) -> int:
    from joblib import cpu_count

    from vradam.workers import Workers

    jobs = chosen.jobs or cpu_count()
    if chosen.dask is None:
        workers = Workers(jobs)
    else:
        from experiments.cluster import Cluster

        workers = Cluster(jobs, chosen.dask)
    if jobs == 1 or catalogue is not None or chosen.verify is not None or chosen.dask is not None:
        return _run_with(workers, command_line, chosen, catalogue, draw)
    with workers.shared() as early:  # the processes begin while this one imports
        early.behind(_import_all, {str(k): () for k in range(workers.jobs)}, lambda *_: None)
        return _run_with(workers, command_line, chosen, catalogue, draw)


def _import_all() -> None:
    """What every process needs sooner or later."""
    from experiments.catalogue import catalogue

    catalogue()


def _run_with(
    workers: Workers,
    command_line: argparse.ArgumentParser,
    chosen: argparse.Namespace,
    catalogue: Catalogue | None,
    draw: Draw | None,
) -> int:
    try:
        from experiments.catalogue import catalogue as our_catalogue

        catalogue = catalogue or our_catalogue()
    except ModuleNotFoundError:
        raise
    except (ImportError, ValueError) as error:
        print(f"The catalogue is not whole: {error}", file=sys.stderr)
        return 3
    from experiments.job import Options, main_job
    from experiments.report.agreement import agreement
    from experiments.report.ledger import entry, table
    from experiments.report.on_record import line, read_record, rehearsal
    from experiments.report.reference import update_reference
    from experiments.store.fingerprint import plain
    from experiments.store.provenance import ROOT

    only = None if chosen.only is None else tuple(chosen.only)
    options = Options(chosen.out, chosen.paper, only, chosen.fresh, workers)
    if chosen.verify is not None:
        return _verified(chosen, catalogue)
    try:
        selected = catalogue.select(options.only)
    except ValueError as error:
        command_line.error(str(error))
    figures: dict[str, Any] = {"draw": draw} if draw else {"draw": partial(_draw, options.paper), "needs": _others}
    result = main_job(options, catalogue, reference=REFERENCE, **figures)
    print(table(finding for finding in result.findings if only is None or finding.claim.id in selected))
    for text in [*map(line, result.recorded), *([result.notice] if result.notice else [])]:
        print(text)
    for study in result.studies:
        for shown in study.tables:
            print(f"\n{shown}")
    for study in result.studies:
        stem = catalogue[study.stem]
        if stem.on_request and stem.study is not None and not (options.paper or study.failure):
            short, whole = plain(stem.study.default), plain(stem.study.paper)
            if short != whole:
                print(f"\n{rehearsal(stem.ids or (stem.name,), short, whole)}")
    print(f"\nReport: {options.out / 'report.html'}    data: {options.out / 'claims.json'}")
    try:
        closing = agreement(result.findings, read_record(REFERENCE))
    except ValueError as error:
        closing = f"The verdicts cannot be compared with the reference: {error}"
    if chosen.update_reference:
        entries = [entry(finding) for finding in result.findings]
        try:
            update_reference(entries, options.out, REFERENCE, ROOT / "README.md", catalogue)
        except ValueError as error:
            print(f"The reference is not renewed: {error}", file=sys.stderr)
            return 3
        print("The reference and the README's ledger are renewed.")
    print(closing)
    failed = any(study.failure for study in result.studies)
    return 0 if not failed and all(finding.is_as_expected for finding in result.findings) else 1


def _verified(chosen: argparse.Namespace, catalogue: Catalogue) -> int:
    """Print what is found; 1 if anything has to be done about it."""
    from experiments.verification import verify

    folders = [chosen.verify]
    if chosen.verify == REFERENCE and chosen.out.is_dir():
        folders.append(chosen.out)
    found = [report for folder in folders for report in verify(folder, catalogue, REFERENCE)]
    print("\n".join(map(str, found)) or "nothing is stored there")
    return 1 if any(report.fatal for report in found) else 0


def _others(stem: str) -> set[str]:
    """The other stems whose data the figures of a stem draw."""
    from paper_figures.figure import figures

    return {other for figure in figures() if figure.study == stem for other in figure.studies} - {stem}


def _draw(paper: bool, stem: str, data: Mapping[str, Any], folder: Path) -> Sequence[Path]:
    """The figures of a stem, as the report shows them; what they need of other stems is among the results.

    ``python -m paper_figures NAME`` draws them as PNG too.
    """
    from experiments.catalogue import catalogue
    from experiments.results import stored
    from paper_figures import draw_all

    found = {other: stored(catalogue()[other], paper, folder.parent) or {} for other in _others(stem)}
    return draw_all([stem], {**found, stem: data}, folder, ("svg",))[stem]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text!r}")
    return int(text)


def leave(status: int) -> NoReturn:
    """End this process: to tear down the interpreter takes long, and Ctrl-C would find nobody in it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell; a file opened later must not take its number
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115
    if sys.version_info < OLDEST:
        print(f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        sys.exit(3)
    leave(main())
