"""``python -m paper_figures [NAME ...]``: draw the figures from stored results, or from the committed reference.

The data of each study come from the first of these that has what the figure draws: full-resolution results under
``--out``, default-resolution results there, the committed reference, a run at default resolution. For the gallery the
reference comes before default-resolution results.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import xarray as xr

from experiments.catalogue import catalogue
from experiments.report.strict_json import LIMIT, read_json
from experiments.results import compute, stored
from experiments.store.chunks import encode, read_data
from experiments.store.files import read_checked
from paper_figures import write_gallery
from paper_figures.figure import Figure, named
from paper_figures.style import save, sheet
from theory.shell import in_shell

log = logging.getLogger("paper_figures")
REFERENCE = Path(__file__).parent.parent / "experiments" / "reference"
DRAWN_FROM = "drawn_from.json"


def main(arguments: list[str] | None = None) -> int:
    """Draw (or check) and say where each figure's data came from.

    The status is 1 if ``--check`` finds a figure whose data changed, or if a figure that was named cannot be drawn, 3
    if a file cannot be read or written, 141 if whoever read the output of a pipe went away.
    """
    parser = argparse.ArgumentParser(
        prog="python -m paper_figures", description="Draw the figures from stored results.", allow_abbrev=False
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures to draw; all of them without a name")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of stored results (default: results)")
    parser.add_argument("--check", action="store_true", help="report figures whose data changed since they were drawn")
    parser.add_argument("--gallery", action="store_true", help="renew paper_figures/gallery and the page that shows it")
    options = parser.parse_args(arguments)
    try:
        asked = named(options.names)
    except ValueError as error:
        parser.error(str(error))
    sources = Sources(options.out, may_compute=not options.check, best_first=options.gallery)
    if options.gallery:
        drawn = write_gallery({figure.name: sources.of(figure)[0] for figure in asked}, Path(__file__).parent)
        print("\n".join(drawn))
        return 0
    folder = options.out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    record = read_record(folder / DRAWN_FROM)
    changed, missing = [], []
    for figure in asked:
        data, where = sources.of(figure)
        digest = digest_of(data or {})
        if data is None:
            print(f"{figure.name}: no data stored, nothing to check" if options.check else f"{figure.name:<20} {where}")
            missing.append(figure.name)
        elif options.check:
            changed += [figure.name] if record.get(figure.name) != digest else []
        else:
            with sheet():
                canvas = figure.draw(data)
            files = save(canvas, folder, figure.name, says=figure.says)
            record[figure.name] = digest
            print(f"{figure.name:<20} {where:<36} {', '.join(path.name for path in files)}")
    if options.check:
        print("\n".join(f"{name}: its data changed since it was drawn" for name in changed) or "no data changed")
        return 1 if changed else 0
    (folder / DRAWN_FROM).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 1 if options.names and missing else 0


#: The data of a study, or None.
Reader = Callable[[str], Mapping[str, xr.Dataset] | None]


class Sources:
    """Where data come from: for each study the first source that has every dataset that a figure needs.

    Parameters
    ----------
    out : Path
        The folder of stored results.
    may_compute : bool
        Whether a study that is stored nowhere is run at default resolution.
    best_first : bool
        Whether the committed reference, which is of full resolution, comes before default results.
    """

    def __init__(self, out: Path, may_compute: bool = True, best_first: bool = False) -> None:
        at_hand: list[tuple[str, Reader]] = [
            ("default resolution, from results", partial(_stored, out, False)),
            ("full resolution, from the reference", reference),
        ]
        self.readers: list[tuple[str, Reader]] = [("full resolution, from results", partial(_stored, out, True))]
        self.readers += reversed(at_hand) if best_first else at_hand
        if may_compute:
            self.readers.append(("default resolution, computed now", partial(_computed, out)))
        self.read: dict[tuple[str, str], Mapping[str, xr.Dataset]] = {}

    def of(self, figure: Figure) -> tuple[dict[str, xr.Dataset] | None, str]:
        """What the figure draws, and where the data are from; None, and why, if there is not all of it."""
        found: dict[str, Mapping[str, xr.Dataset]] = {}
        origin = {}
        for stem in filter(figure.needs_of, figure.studies):
            needs = figure.needs_of(stem)
            found[stem], origin[stem] = self._first(stem, needs)
            if not origin[stem]:
                return None, f"not drawn: no source has {', '.join(sorted(needs))} of {stem}"
        if len(set(origin.values())) == 1:
            return figure.select(found), next(iter(origin.values()))
        return figure.select(found), "; ".join(f"{stem}: {where}" for stem, where in origin.items())

    def _first(self, stem: str, needs: set[str]) -> tuple[Mapping[str, xr.Dataset], str]:
        for where, reader in self.readers:
            if (stem, where) not in self.read:
                self.read[stem, where] = reader(stem) or {}
            if needs <= set(self.read[stem, where]):
                return self.read[stem, where], where
        return {}, ""


def _stored(out: Path, paper: bool, stem: str) -> Mapping[str, xr.Dataset] | None:
    return stored(catalogue()[stem], paper, out)


def _computed(out: Path, stem: str) -> Mapping[str, xr.Dataset] | None:
    return None if catalogue()[stem].on_request else compute(catalogue()[stem], False, out).data


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
    sys.exit(in_shell(main))
