"""``python -m experiments --verify``: what is damaged, stale or missing in the reference and in stored results.

Nothing is changed. Results at full resolution are compared with the committed reference as well: byte for byte where
both were made in the same environment, within 1e-12 elsewhere: in single precision within 2e-7, and where the reference
is thinned and rounded within the last bit that it keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import xarray as xr

from experiments.catalogue import Catalogue, Stem
from experiments.report.freshness import changes, made_from, since
from experiments.report.on_record import read_record
from experiments.report.reference import BITS, thinned
from experiments.store.chunks import encode, read_chunk, read_data
from experiments.store.files import TEMPORARY, read_checked
from experiments.store.fingerprint import fingerprint
from experiments.store.manifest import SUMS, read_manifest

State = Literal["sound", "stale", "missing", "damaged", "differs", "left over"]
#: Relative to the largest value: what another environment may change, and what single precision keeps.
TOLERANCE: Final = 1e-12
SINGLE: Final = 2e-7
#: What rounding to so many bits makes of two numbers that hardly differ.
ROUNDED: Final = 1.001 * 2.0**-BITS
FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Report:
    """What is said of one folder or file.

    Parameters
    ----------
    where : str
        The folder or file.
    state : State
        "stale": made by other code; "missing": not there; "damaged": not what was written; "differs": from the
        reference; "left over": of no consequence.
    says : str
        The sentence that is printed.
    fatal : bool
        Whether something has to be done.
    """

    where: str
    state: State
    says: str = ""
    fatal: bool = False

    def __str__(self) -> str:
        return f"{self.state:<10}{self.where}" + (f": {self.says}" if self.says else "")


def verify(folder: Path, catalogue: Catalogue, reference: Path) -> Iterator[Report]:
    """A folder of results, or one that is laid out as the reference is.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} must be a folder of results or a reference, got none")
    if any((folder / stem.name / SUMS).exists() for stem in catalogue.stems):
        yield from verify_reference(folder, catalogue)
    else:
        yield from verify_results(folder, catalogue, reference)


def verify_reference(folder: Path, catalogue: Catalogue) -> Iterator[Report]:
    """One line for every stem: its files against their checksums, its code against the code that stands here.

    A stem that waits for a request may be stale: its rows in the report say so.
    """
    try:
        commits = {entry["id"]: str((entry["provenance"] or {}).get("commit")) for entry in read_record(folder)}
    except ValueError as error:
        yield Report("claims.json", "damaged", str(error), fatal=True)
        commits = {}
    for stem in catalogue.stems:
        place = folder / stem.name
        try:
            record = made_from(place)
            files = {path.name for path in place.iterdir()} - {SUMS}
            if strays := sorted(files - set(read_manifest(place))):
                yield Report(stem.name, "damaged", f"{', '.join(strays)} is not in {SUMS}", fatal=True)
                continue
            read_data(place)
            changed = changes(stem, place)
        except FileNotFoundError as error:
            listed = (place / SUMS).exists()
            yield Report(stem.name, "missing", str(error.filename) if listed else "no data", fatal=True)
            continue
        except (OSError, ValueError) as error:
            yield Report(stem.name, "damaged", str(error), fatal=True)
            continue
        if changed:
            commit = str(
                record.get("commit") or next((commits[name] for name in stem.ids if name in commits), "unknown")
            )
            yield Report(stem.name, "stale", since(changed, commit), fatal=not stem.on_request)
        else:
            yield Report(stem.name, "sound")


def verify_results(out: Path, catalogue: Catalogue, reference: Path | None = None) -> Iterator[Report]:
    """Every stored file below ``out`` against its checksum, and results at full resolution against the reference."""
    for folder in sorted(path for path in out.glob("*/*") if path.is_dir() and FINGERPRINT.fullmatch(path.name)):
        yield from _scrubbed(folder, folder.relative_to(out).as_posix())
    for folder in sorted(out.glob("theory/*/*")):
        yield from _chunks(folder, folder, folder.relative_to(out).as_posix())
    for path in sorted(out.rglob(f"{TEMPORARY}*")):
        yield Report(path.relative_to(out).as_posix(), "left over", "a temporary file")
    if reference is not None:
        for stem in catalogue.stems:
            yield from _compared(stem, out, reference / stem.name)


def _scrubbed(folder: Path, name: str) -> Iterator[Report]:
    """The finished data of one run, and its chunks."""
    found = list(_chunks(folder / "chunks", folder, name))
    yield from found
    try:
        read_data(folder)
        for other, checksum in read_manifest(folder).items():
            read_checked(folder / other, checksum)
    except FileNotFoundError as error:
        unfinished = not (folder / SUMS).exists()
        yield Report(name, "missing", "not finished" if unfinished else str(error.filename), fatal=not unfinished)
    except (OSError, ValueError) as error:
        yield Report(name, "damaged", str(error), fatal=True)
    else:
        if not found:
            yield Report(name, "sound")


def _chunks(folder: Path, run: Path, name: str) -> Iterator[Report]:
    for path in sorted(folder.glob("*.nc")):
        try:
            read_chunk(path, run.name)
        except (OSError, ValueError) as error:
            yield Report(f"{name}/{path.name}", "damaged", str(error).removeprefix(f"{path.name}: "), fatal=True)
    for path in sorted((folder / "quarantine").glob("*")):
        yield Report(f"{name}/quarantine/{path.name}", "left over", "was damaged and has been computed again")


def _compared(stem: Stem, out: Path, reference: Path) -> Iterator[Report]:
    """The result at full resolution of the code that stands here against the reference, where there are both."""
    if stem.study is None:
        return
    folder = out / stem.name / fingerprint(stem.study.paper, stem.module)
    try:
        result, known = read_data(folder), read_data(reference)
        same_place = made_from(folder)["environment"] == made_from(reference).get("environment")
    except (FileNotFoundError, ValueError):  # said elsewhere
        return
    unlike = sorted(set(known) ^ set(result))
    for name in sorted(set(known) & set(result)):
        kept = thinned(f"{stem.name}/{name}", result[name])
        if encode(kept, compress=True) == encode(known[name], compress=True):
            continue
        if same_place or (gap := difference(kept, known[name])):
            unlike.append(f"{name} ({'other bytes' if same_place else gap})")
    if unlike:
        yield Report(f"{stem.name} and the reference", "differs", "; ".join(unlike), fatal=True)
    else:
        yield Report(f"{stem.name} and the reference", "sound", "the same numbers")


def difference(one: xr.Dataset, other: xr.Dataset) -> str:
    """How two datasets differ beyond what another environment may change; empty if they do not.

    >>> a = xr.Dataset({"x": ("n", [1.0, 2.0])})
    >>> difference(a, a + 1e-13), difference(a, a * 1.02)
    ('', 'x by 0.02')
    """
    if set(one.variables) != set(other.variables):
        return f"variables {', '.join(sorted(map(str, set(one.variables) ^ set(other.variables))))}"
    for name in one.variables:
        mine, theirs = one[name].values, other[name].values
        if mine.shape != theirs.shape or mine.dtype.kind != theirs.dtype.kind:
            return f"{name} in shape or kind"
        if mine.dtype.kind != "f":
            if not np.array_equal(mine, theirs):
                return f"{name}"
            continue
        finite = np.isfinite(mine) & np.isfinite(theirs)
        if not np.array_equal(np.where(finite, 0, mine), np.where(finite, 0, theirs), equal_nan=True):
            return f"{name} in what is not finite"
        gap = float(np.max(np.abs(np.subtract(mine, theirs, where=finite, out=np.zeros(mine.shape))), initial=0.0))
        scale = float(np.max(np.abs(theirs), where=finite, initial=0.0))
        single = np.float32 in (mine.dtype, theirs.dtype)
        allowed = TOLERANCE if not single else ROUNDED if "thinned" in one.attrs and name in one.data_vars else SINGLE
        if gap > allowed * scale:
            return f"{name} by {gap / scale if scale else gap:.1g}"
    return ""
