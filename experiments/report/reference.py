"""The committed reference: the verdicts at full resolution, and the summaries that the figures are drawn from.

It is written by ``python -m experiments --paper --update-reference`` and by nothing else. Most datasets are small
enough to be kept whole; the others are thinned to the slices in :data:`THINNED` and rounded to :data:`BITS` bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from experiments.catalogue import Catalogue
from experiments.report.ledger import merged, update_readme
from experiments.report.on_record import read_record
from experiments.results import MADE_FROM, as_json, stored, write_json
from experiments.store.chunks import encode
from experiments.store.files import write_atomically
from experiments.store.fingerprint import recipe
from experiments.store.manifest import SUMS, manifest
from experiments.store.provenance import commit

#: The committed reference may not grow beyond this (bytes).
REFERENCE_LIMIT: Final = 5_000_000
#: Of the mantissa of a thinned number, the leading one not counted: a relative error of at most 2^-13 = 0.00012.
BITS: Final = 12
#: "stem/dataset" -> what is kept of it, for datasets that are too large to be committed whole.
THINNED: Final[Mapping[str, Mapping[str, slice]]] = {
    "cycles/bifurcation": {"ratio": slice(None, None, 5), "start": slice(None, None, 8), "step": slice(-100, None)},
    "gate/VRAdam": {"start": slice(None, None, 50), "step": slice(None, None, 3)},
    "gate/VRMomentum": {"start": slice(None, None, 50), "step": slice(None, None, 3)},
    **{
        f"kinetic_energy/orbits_{n}": {"particle": slice(4), "time": slice(None, None, 4)}
        for n in (1, 2, 3, 10)
    },
    **{f"sensitivity/landscape-{i}": {} for i in range(4)},
    "stability/adam": {},
    "source_edge/curves": {},
    "source_edge/curvature": {},
}  # fmt: skip


def update_reference(
    entries: Sequence[Mapping[str, Any]], out: Path, folder: Path, readme: Path, catalogue: Catalogue
) -> None:
    """Write the committed reference: ``claims.json``, the data behind the figures, and the README's ledger.

    Claims that were not run, and stems without a result at full resolution, keep what was on record.

    Parameters
    ----------
    entries : Sequence[Mapping[str, object]]
        Of the main job's ``claims.json``.
    out : Path
        Folder of its results.
    folder, readme : Path
        What is renewed.

    Raises
    ------
    ValueError
        If the reference would exceed :data:`REFERENCE_LIMIT`, naming its largest files, or if the verdicts on record
        cannot be read.
    """
    previous = read_record(folder)
    files = {path: path.read_bytes() for path in _files(folder)}
    for stem in catalogue.stems:
        data = stored(stem, True, out) if stem.study else None
        if data is not None:
            name = stem.name
            files = {path: content for path, content in files.items() if path.parent.name != name}
            kept = {key: encode(thinned(f"{name}/{key}", dataset), compress=True) for key, dataset in data.items()}
            made = {"commit": commit(), **recipe(stem.working().setup(True), stem.module)}
            contents = {f"{key}.nc": content for key, content in kept.items()} | {MADE_FROM: as_json(made)}
            files |= {folder / name / file: content for file, content in contents.items()}
            files[folder / name / SUMS] = manifest(contents)
    if sum(map(len, files.values())) > REFERENCE_LIMIT:
        largest = sorted(files, key=lambda path: -len(files[path]))[:3]
        sizes = ", ".join(f"{path.relative_to(folder).as_posix()} ({len(files[path]):,} bytes)" for path in largest)
        raise ValueError(f"the reference must stay below {REFERENCE_LIMIT:,} bytes; the largest files are {sizes}")
    for path in set(_files(folder)) - set(files):
        path.unlink()
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    entries = merged(previous, entries)
    write_json(folder / "claims.json", entries)
    update_readme(readme, entries)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix == ".nc" or path.name in (SUMS, MADE_FROM)]


def thinned(name: str, dataset: xr.Dataset) -> xr.Dataset:
    """What the reference keeps of the dataset ``stem/name``: all of it, or the slices in :data:`THINNED`, rounded."""
    kept = THINNED.get(name)
    if kept is None:
        return dataset
    part = dataset.isel(kept)
    part = part.assign({key: values.copy(data=rounded(values.values)) for key, values in part.items()
                        if values.dtype.kind == "f"})  # fmt: skip
    spelt = {dim: f"{s.start}:{s.stop}:{s.step}".replace("None", "") for dim, s in kept.items()}
    return part.assign_attrs(thinned=", ".join([*(f"{dim}[{text}]" for dim, text in spelt.items()), f"{BITS} bits"]))


def rounded(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """In single precision with the last 23 - BITS bits of the mantissa zero, which compress away; ties to even.

    Infinite and NaN stay as they are. What is too large for single precision becomes infinite.

    >>> (rounded(np.array([1.0, 1 + 2.0**-12, 1 + 2.0**-13, -np.inf])) - 1).tolist()
    [0.0, 0.000244140625, 0.0, -inf]
    """
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(values, dtype=np.float32)
    drop = np.uint32(23 - BITS)
    bits = single.view(np.uint32)
    even = (bits >> drop) & np.uint32(1)
    kept = (bits + np.uint32((1 << (int(drop) - 1)) - 1) + even) & ~np.uint32((1 << int(drop)) - 1)
    return np.where(np.isfinite(single), kept.view(np.float32), single)
