"""Computing a study, and finding what was computed before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import xarray as xr

from experiments.catalogue import Stem
from experiments.store.chunks import Chunks, load_data, save_data
from experiments.store.files import write_atomically
from experiments.store.fingerprint import fingerprint, origin, plain, recipe
from experiments.study import Result
from vradam.workers import HERE, Workers


class Finished(NamedTuple):
    """The folder of a study's data, the data, and the records beside them."""

    folder: Path
    data: Mapping[str, xr.Dataset]
    records: Mapping[str, bytes]


#: Beside the data: the setup, the code by module, and the environment that made them.
MADE_FROM: Final = "made_from.json"


def compute(stem: Stem, paper: bool, out: Path, workers: Workers = HERE) -> Result:
    """Run a study (finished chunks are used) and store its data; see :func:`computed`."""
    result, finished = computed(stem, paper, out, workers)
    save_data(*finished)
    return result


def computed(stem: Stem, paper: bool, out: Path, workers: Workers = HERE) -> tuple[Result, Finished]:
    """Run a study (finished chunks are used); what it found, and what :func:`save_data` is to be given.

    Raises
    ------
    ImportError
        If its module cannot be imported.
    OSError
        If code that it imports is written to while it runs, or a file cannot be read or written.
    """
    study = stem.working()
    setup = study.setup(paper)
    mark = fingerprint(setup, stem.module)
    folder = out / stem.name / mark
    chunks = Chunks(folder / "chunks", mark, workers, stem.name, origin(stem.module))
    result = study.run(setup, chunks)
    chunks.refuse_touched()
    records = {
        "confrontations.json": as_json(plain(result.confrontations, "confrontations")),
        MADE_FROM: as_json(recipe(setup, stem.module)),
    }
    return result, Finished(folder, result.data, records)


def stored(stem: Stem, paper: bool, out: Path) -> dict[str, xr.Dataset] | None:
    """The data of a finished run of this setup by this version of the code, or None."""
    return load_data(out / stem.name / fingerprint(stem.working().setup(paper), stem.module))


def write_json(path: Path, value: Any) -> None:
    """Strict JSON, written atomically."""
    write_atomically(path, as_json(value))


def as_json(value: Any) -> bytes:
    """Strict JSON, one entry a line."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")
