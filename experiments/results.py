"""Computing a study, and finding what was computed before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import xarray as xr

from experiments.catalogue import Stem
from experiments.store.chunks import Chunks, load_data, save_data, write_atomically
from experiments.store.fingerprint import fingerprint, plain, recipe
from experiments.study import Result
from vradam.workers import HERE, Workers


def compute(stem: Stem, paper: bool, out: Path, workers: Workers = HERE) -> Result:
    """Run a study (finished chunks are used) and store its data.

    Raises
    ------
    ImportError
        If its module cannot be imported.
    """
    study = stem.working()
    setup = study.setup(paper)
    mark = fingerprint(setup, stem.module)
    folder = out / stem.name / mark
    result = study.run(setup, Chunks(folder / "chunks", mark, workers, title=stem.name))
    save_data(folder, result.data)
    write_json(folder / "confrontations.json", plain(result.confrontations, "confrontations"))
    write_json(folder / "made_from.json", recipe(setup, stem.module))
    return result


def stored(stem: Stem, paper: bool, out: Path) -> dict[str, xr.Dataset] | None:
    """The data of a finished run of this setup by this version of the code, or None."""
    return load_data(out / stem.name / fingerprint(stem.working().setup(paper), stem.module))


def write_json(path: Path, value: Any) -> None:
    """Strict JSON, written atomically."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode("utf-8"))
