"""Hostile files: valid ones, mutated byte by byte and part by part, are fed to every parser of stored data.

    python tests/tools/fuzz.py                       100,000 inputs for each parser
    python tests/tools/fuzz.py --count 5000 --seed 1 certificate netcdf

A parser returns something sound or raises ValueError; anything else is a finding, and so is a sound-looking answer that
is not what the file said before it was touched where that can be told: a certificate that still holds, data that
still have their checksum. Inputs follow from the seed alone. They are read in a second process, so that a hang or a
crash is seen as well. The HDF5 library may do both on bytes made to confuse it: ``netcdf``, ``chunk`` and ``checksums``
show that no such bytes reach it, and ``contents`` and ``examination`` feed what comes after it with datasets as odd as
a sound file can hold.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from mutated import bytes_mutated, dataset_mutated, json_mutated

from experiments.examinations import from_dataset, to_dataset
from experiments.report.ledger import ledger_markdown, merged
from experiments.report.page import shortest
from experiments.report.strict_json import read_entries, read_json
from experiments.store.chunks import Chunks, load_data, own, read_data, save_data
from experiments.store.manifest import SUMS
from paper_figures.__main__ import record_of
from theory.certificates.check import check
from theory.certificates.reading import parse
from theory.claim import CERTIFICATES, Examination

# ---------------------------------------------------------------- parsers


@dataclass(frozen=True)
class Parser:
    """Valid files, how to mutate them, and what reads them: ``read`` returns a word on the outcome."""

    samples: Sequence[Any]
    mutations: Sequence[Callable[[Any, random.Random], Any]]
    read: Callable[[Any], str]


def certificate(folder: Path) -> Parser:
    """Certificates of every kind; one that is still accepted still says the same, but for where its word begins."""
    stored = [path.read_bytes() for path in sorted(CERTIFICATES.glob("*.json"))]
    samples = sorted(stored, key=len)[:20] + [max((s for s in stored if b'"polygon"' in s), key=lambda s: -len(s))]
    known = [_from_its_least_start(parse(raw)) for raw in samples]

    def read(raw: bytes) -> str:
        data = parse(raw)
        if not check(data):
            return "rejected"
        assert _from_its_least_start(data) in known, "a changed certificate was accepted"
        return "accepted unchanged"

    return Parser(samples, (bytes_mutated, json_mutated), read)


def _from_its_least_start(data: dict[str, Any]) -> dict[str, Any]:
    """A periodic word says the same from whichever of its gates it is read."""
    gates = data.get("gates", [])
    return data | {"gates": min((gates[i:] + gates[:i] for i in range(len(gates))), default=gates)}


def claims(folder: Path) -> Parser:
    """The record of verdicts: what is read can be shown, merged and written again."""

    def read(raw: bytes) -> str:
        entries = read_entries(raw)
        ledger_markdown(entries)
        assert all(isinstance(shortest(entry["setup"]), str) for entry in entries)
        assert len(merged(entries, entries)) == len(entries)
        json.dumps(entries, allow_nan=False)
        return "read"

    return Parser([RECORD], (bytes_mutated, json_mutated), read)


def plain_json(folder: Path) -> Parser:
    """Any other stored JSON."""

    def read(raw: bytes) -> str:
        json.dumps(read_json(raw), allow_nan=False)
        return "read"

    return Parser([RECORD], (bytes_mutated, json_mutated), read)


def figures(folder: Path) -> Parser:
    """What the figures were drawn from."""

    def read(raw: bytes) -> str:
        assert all(isinstance(text, str) for pair in record_of(raw).items() for text in pair)
        return "read"

    return Parser([b'{"gate": "0123456789abcdef", "bias": "fedcba9876543210"}'], (bytes_mutated, json_mutated), read)


def netcdf(folder: Path) -> Parser:
    """Finished data or the reference, a file of which was touched: refused, unless it is as it was."""
    save_data(folder, {"one": sample()})
    sound = (folder / "one.nc").read_bytes()

    def read(raw: bytes) -> str:
        (folder / "one.nc").write_bytes(raw)
        data = read_data(folder)
        assert raw == sound and data["one"].identical(sample())
        return "read"

    return Parser([sound], (bytes_mutated,), read)


def contents(folder: Path) -> Parser:
    """What a chunk with a sound checksum holds: only what says that it is this chunk, of this setup and code."""

    def read(dataset: xr.Dataset) -> str:
        marks = [dataset.attrs.get(name) for name in ("_chunk", "_fingerprint")]
        found = own(dataset, "a", "f")
        assert marks == ["a", "f"] and not {"_chunk", "_fingerprint"} & set(found.attrs)
        return "read"

    return Parser([sample().assign_attrs(_chunk="a", _fingerprint="f")], (dataset_mutated,), read)


def examination(folder: Path) -> Parser:
    """What the symbolic witness said, stored by an earlier run."""
    said = Examination("proved", "2 checks close", 0.0, {"step": True, "other step": False})
    empty = Examination("empirical", "no derivation: decided by experiment", 0.0, {})

    def read(dataset: xr.Dataset) -> str:
        assert isinstance(from_dataset(dataset), Examination)
        return "read"

    return Parser([to_dataset(one) for one in (said, empty)], (dataset_mutated,), read)


def checksums(folder: Path) -> Parser:
    """A folder of finished data whose list of checksums was touched: the data as they were, or none."""
    save_data(folder, {"one": sample(), "two": sample()})

    def read(raw: bytes) -> str:
        (folder / SUMS).write_bytes(raw)
        data = load_data(folder)
        assert data is None or all(name in ("one", "two") and data[name].identical(sample()) for name in data)
        return "refused" if data is None else "read"

    return Parser([(folder / SUMS).read_bytes()], (bytes_mutated,), read)


def chunk(folder: Path) -> Parser:
    """A stored chunk that was touched: computed again, or as it was."""
    Chunks(folder, "f").keep("a", sample())
    (path,) = folder.glob("*.nc")

    def read(raw: bytes) -> str:
        path.write_bytes(raw)
        found = Chunks(folder, "f").stored(["a"])
        assert not found or found["a"].identical(sample())
        return "read" if found else "refused"

    return Parser([path.read_bytes()], (bytes_mutated,), read)


PARSERS: Mapping[str, Callable[[Path], Parser]] = {
    "certificate": certificate, "claims": claims, "json": plain_json, "figures": figures, "netcdf": netcdf,
    "contents": contents, "examination": examination, "checksums": checksums, "chunk": chunk,
}  # fmt: skip


def sample() -> xr.Dataset:
    """A small dataset of every kind that is stored."""
    return xr.Dataset(
        {
            "value": (("run", "step"), np.linspace(0, 1, 12).reshape(3, 4)),
            "diverged_at": ("run", np.array([-1, 3, -1])),
            "closed": ("run", [True, False, True]),
            "missing": ("step", np.array([np.nan, np.inf, -np.inf, -0.0])),
        },
        coords={"step": [0, 1, 2, 5], "name": ("run", ["Adam", "β = 0.9", ""])},
        attrs={"objective": "quadratic", "L": 2.5, "steps": 7, "grid": [1.0, 2.0]},
    )


def _entry(name: str, verdict: str, kind: str | None) -> dict[str, Any]:
    measured = {"value": 1.25, "low": 1.2, "high": "inf", "quantity": "threshold | L", "at": "d = 2"}
    claimed = {"value": 1.3, "kind": kind, "trivial": None}
    run = kind is not None
    return {
        "id": name, "title": f"Claim {name}", "as_reported": "x is halved", "source": "toy", "assumptions": ["x > 0"],
        "verdict": verdict, "expected_verdict": None,
        "symbolic": {"status": "proved", "summary": "2 checks close", "seconds": 0.1},
        "numeric": {
            "status": "supports", "measured": measured if run else None, "claimed": claimed if run else None,
            "also": [], "looseness": 1.04 if run else None, "n": 100 if run else None,
        },
        "certificate": None, "figure": "figures/toy.svg", "setup": {"class": "Setup", "seed": 1},
        "provenance": {"fingerprint": "0" * 16, "seconds": 1.5, "date": "2025-01-01 00:00 UTC"},
    }  # fmt: skip


RECORD = json.dumps(
    [_entry("T1", "verified", "equality"), _entry("T2", "refuted", "upper bound"), _entry("T3", "not run", None)]
).encode()
# ---------------------------------------------------------------- running

#: Seconds after which a parser is taken to hang.
PATIENCE = 20.0
#: A copy of a process that has imported everything already, where the system can copy processes.
START = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
#: What is imported once for all parsers, with what xarray imports when it first holds and stores an array.
PRELOADED = ["paper_figures.__main__", "theory.certificates.check", "h5netcdf", "dask.array", "dask.distributed"]


@dataclass
class Report:
    """How many inputs ended how, the first findings, and the slowest input that ended."""

    outcomes: Counter[str]
    findings: list[str]
    seconds: float = 0.0
    slowest: float = 0.0


def fuzz(name: str, count: int, seed: int) -> Report:
    """Feed ``count`` mutated files to a parser in a process of its own, replaced when it hangs or dies."""
    report = Report(Counter(), [])
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        _fuzz(report, name, count, seed, Path(folder))
    return report


def _fuzz(report: Report, name: str, count: int, seed: int, folder: Path) -> None:
    context, start, done = get_context(START), time.perf_counter(), 0
    context.set_forkserver_preload(PRELOADED)
    while done < count:
        here, there = context.Pipe(duplex=False)
        child = context.Process(target=_feed, args=(there, name, seed, done, count, folder), daemon=True)
        child.start()
        there.close()
        try:
            while done < count:
                if not here.poll(PATIENCE + 60 * (done == 0)):
                    raise TimeoutError(f"no answer in {PATIENCE:g} s")
                outcome, finding, seconds = here.recv()
                report.outcomes[outcome] += 1
                report.findings += [f"input {done}: {finding}"] if finding else []
                report.slowest = max(report.slowest, seconds)
                done += 1
        except (TimeoutError, EOFError) as error:
            word = "hang" if isinstance(error, TimeoutError) else "crash"
            child.kill()
            report.outcomes[f"FINDING {word}"] += 1
            report.findings.append(f"input {done}: {word}")
            done += 1
        child.join()
    report.seconds = time.perf_counter() - start


def _feed(answers: Any, name: str, seed: int, first: int, count: int, folder: Path) -> None:
    """Read the inputs from ``first`` on; an answer for each: its outcome, the finding, and the seconds it took."""
    logging.disable(logging.WARNING)  # every refused file is announced
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # h5netcdf closes what it never opened
    parser = PARSERS[name](folder)
    for i in range(first, count):
        draw = random.Random(f"{seed}/{i}")
        raw = draw.choice(parser.mutations)(draw.choice(parser.samples), draw)
        began, finding = time.perf_counter(), ""
        try:
            outcome = parser.read(raw)
        except ValueError:
            outcome = "ValueError"
        except Exception as error:
            outcome = f"FINDING {type(error).__name__}"
            finding = f"{repr(raw)[:600]}\n{traceback.format_exc(limit=-3)}"
        answers.send((outcome, finding, time.perf_counter() - began))


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 without a finding, 1 with one."""
    command = argparse.ArgumentParser(description="Feed mutated files to every parser of stored data.")
    command.add_argument("parsers", nargs="*", metavar="PARSER", help=f"of {', '.join(PARSERS)} (default: all)")
    command.add_argument("--count", type=int, default=100_000, help="inputs for each")
    command.add_argument("--seed", type=int, default=0)
    options = command.parse_args(arguments)
    if unknown := set(options.parsers) - set(PARSERS):
        command.error(f"unknown parser {', '.join(sorted(unknown))}; there are {', '.join(PARSERS)}")
    found = 0
    for name in options.parsers or PARSERS:
        report = fuzz(name, options.count, options.seed)
        ends = ", ".join(f"{word} {number}" for word, number in sorted(report.outcomes.items()))
        slowest = f"slowest {1000 * report.slowest:.0f} ms"
        print(f"{name:12} {options.count} inputs in {report.seconds:.0f} s ({slowest}): {ends}", flush=True)
        print("\n".join(report.findings[:5]), end="\n" if report.findings else "")
        found += len(report.findings)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
