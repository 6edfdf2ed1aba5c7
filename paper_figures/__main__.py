"""``python -m paper_figures [NAME ...]``: draw the figures from stored results, or from the committed reference.

For each figure the data come from the first of these that exists: a full-resolution result under ``--out``, the
committed reference, a default-resolution result. What is missing is computed at default resolution.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from experiments.catalogue import CATALOGUE
from experiments.job import compute, stored
from experiments.report.strict_json import LIMIT, read_json
from experiments.store.chunks import encode, read_checked, read_data
from paper_figures import write_gallery
from paper_figures.catalogue import named
from paper_figures.style import save, sheet

log = logging.getLogger("paper_figures")
REFERENCE = Path(__file__).parent.parent / "experiments" / "reference"
DRAWN_FROM = "drawn_from.json"


def main(arguments: list[str] | None = None) -> int:
    """Draw (or check) and say where each figure's data came from; 1 if ``--check`` finds one that changed."""
    parser = argparse.ArgumentParser(prog="python -m paper_figures", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures to draw; all of them without a name")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of stored results (default: results)")
    parser.add_argument("--check", action="store_true", help="report figures whose data changed since they were drawn")
    parser.add_argument("--gallery", action="store_true", help="renew paper_figures/gallery and the page that shows it")
    options = parser.parse_args(arguments)
    try:
        entries = named(options.names)
    except ValueError as error:
        parser.error(str(error))
    folder = options.out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    record_file = folder / DRAWN_FROM
    record = read_record(record_file)
    stems = dict.fromkeys(stem for entry in entries for stem in entry.stems)
    found = {stem: find(stem, options.out, may_compute=not options.check) for stem in stems}
    data = {stem: datasets for stem, (datasets, _) in found.items()}
    if options.gallery:
        print("\n".join(write_gallery(data, Path(__file__).parent)))
        return 0
    changed = []
    for entry in entries:
        chosen = entry.select(data)
        digest = digest_of(chosen or {})
        if options.check and chosen is not None:
            changed += [entry.name] if record.get(entry.name) != digest else []
        elif options.check:
            print(f"{entry.name}: no data stored, nothing to check")
        elif chosen is None:
            print(f"{entry.name:<16} not drawn: {', '.join(f'{stem}: {found[stem][1]}' for stem in entry.stems)}")
        else:
            with sheet():
                figure = entry.load().draw(chosen)
            files = save(figure, folder, entry.name)
            record[entry.name] = digest
            print(f"{entry.name:<16} {found[entry.stem][1]:<36} {', '.join(path.name for path in files)}")
    if options.check:
        print("\n".join(f"{name}: its data changed since it was drawn" for name in changed) or "no data changed")
        return 1 if changed else 0
    record_file.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0


def find(stem: str, out: Path, may_compute: bool = True) -> tuple[Mapping[str, xr.Dataset], str]:
    """The data of a stem and a word on where it is from; empty if there is none and nothing may be computed."""
    if (data := stored(stem, True, out)) is not None:
        return data, "full resolution, from results"
    if (data := reference(stem)) is not None:
        return data, "full resolution, from the reference"
    if (data := stored(stem, False, out)) is not None:
        return data, "default resolution, from results"
    if stem in CATALOGUE.on_request or not may_compute:
        return {}, "not run"
    return compute(stem, False, out).data, "default resolution, computed now"


def reference(stem: str) -> dict[str, xr.Dataset] | None:
    """The committed data of a stem; None if there are none, or (with a notice) if a file fails its checksum."""
    try:
        return read_data(REFERENCE / stem) or None
    except FileNotFoundError:
        return None
    except ValueError as error:
        log.warning("%s: %s; the reference is not used", REFERENCE / stem, error)
        return None


def read_record(path: Path) -> dict[str, str]:
    """The digest of each figure's data when it was drawn; empty (with a notice) where that cannot be read."""
    try:
        return record_of(read_checked(path, limit=LIMIT))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        log.warning("%s: %s; every figure counts as changed", path, error)
        return {}


def record_of(raw: bytes) -> dict[str, str]:
    """A name and a digest for each figure; ValueError for anything else."""
    record = read_json(raw)
    if not isinstance(record, dict) or not all(isinstance(digest, str) for digest in record.values()):
        raise ValueError("must hold a digest for each figure's name")
    return record


def digest_of(data: Mapping[str, xr.Dataset]) -> str:
    """Sixteen hexadecimal digits of the contents of the data."""
    digest = hashlib.sha256()
    for name in sorted(data):
        digest.update(name.encode() + encode(data[name]))
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
