"""The list of the files of a finished result: their checksums, how many they are, and a checksum of the list itself.

It is called SHA256SUMS and can be checked with ``sha256sum --check``; the last line is a comment there:

    <64 digits>  curves.nc
    # 1 file, SHA-256 of the lines above: <64 digits>

so that a list that was cut short or emptied is damaged, and not a smaller result. For lists made before there was such
a line, ``python -m experiments.store.manifest DIR`` adds it, after checking every file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from experiments.store.files import read_checked, sha256, write_atomically

SUMS: Final = "SHA256SUMS"
#: What names look like: keys of chunks, and names of datasets.
KEY: Final = re.compile(r"[A-Za-z0-9._=+-]{1,80}")
#: No list may be larger than this (bytes).
LARGEST: Final = 1_000_000
LINE: Final = re.compile(rf"([0-9a-f]{{64}})  ({KEY.pattern}\.(?:nc|json))")
LAST: Final = re.compile(r"# (\d+) files?, SHA-256 of the lines above: ([0-9a-f]{64})")


def manifest(contents: Mapping[str, bytes]) -> bytes:
    """The list of files ``<name>.nc`` and ``<name>.json`` with these contents.

    Raises
    ------
    ValueError
        If a name does not match :data:`KEY` or ends otherwise.
    """
    return _listed({name: sha256(content) for name, content in contents.items()})


def _listed(checksums: Mapping[str, str]) -> bytes:
    lines = "".join(f"{checksums[name]}  {name}\n" for name in sorted(checksums))
    for name in checksums:
        if not LINE.fullmatch(f"{'0' * 64}  {name}"):
            raise ValueError(f"a dataset's name must match {KEY.pattern}, got {name.removesuffix('.nc')!r}")
    count = f"{len(checksums)} file{'s' * (len(checksums) != 1)}"
    return f"{lines}# {count}, SHA-256 of the lines above: {sha256(lines.encode())}\n".encode()


def read_manifest(folder: Path) -> dict[str, str]:
    """File -> checksum, from the list in ``folder``.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is not as it was written.
    """
    raw = read_checked(folder / SUMS, limit=LARGEST)
    *lines, last = raw.decode("ascii").splitlines() or [""]
    closing = LAST.fullmatch(last)
    if closing is None:
        raise ValueError(f"{SUMS} must end with the number of files and a checksum of its own: it was cut short")
    checksums = _entries(lines)
    if len(checksums) != int(closing[1]) or raw != _listed(checksums):
        raise ValueError(f"{SUMS} is not as it was written")
    return checksums


def _entries(lines: Sequence[str]) -> dict[str, str]:
    found = [LINE.fullmatch(line) for line in lines]
    if not all(found):
        raise ValueError(f"{SUMS} is not a list of checksums")
    return {entry[2]: entry[1] for entry in found if entry}


def close_lists(top: Path) -> list[Path]:
    """Add the last line to every list below ``top`` that has none, after checking all files; returns those lists.

    Raises
    ------
    ValueError
        If a file of a list is not what the list says; that list and those after it stay as they are.
    OSError
        If a file cannot be read or written.
    """
    closed = []
    for path in sorted(top.rglob(SUMS)):
        lines = read_checked(path, limit=LARGEST).decode("ascii").splitlines()
        if lines and not LAST.fullmatch(lines[-1]):
            checksums = _entries(lines)
            if strays := sorted({file.name for file in path.parent.glob("*.nc")} - set(checksums)):
                raise ValueError(f"{path} must list every file beside it, got none of {', '.join(strays)}")
            for name, checksum in checksums.items():
                read_checked(path.parent / name, checksum)
            write_atomically(path, _listed(checksums))
            closed.append(path)
    return closed


if __name__ == "__main__":
    for path in close_lists(Path(sys.argv[1])):
        print(path)
