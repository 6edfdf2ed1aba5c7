"""Finished work on disk: nothing half-written, nothing silently wrong, nothing computed twice.

    results/<stem>/<fingerprint>/chunks/<key>-<checksum>.nc     finished chunks of a run
    results/<stem>/<fingerprint>/<name>.nc, SHA256SUMS          the finished data

A chunk's name carries the first 16 digits of the SHA-256 of its bytes, and the chunk itself carries its fingerprint
(:mod:`experiments.store.fingerprint`), so a file that is truncated, altered, or made by another setup or another
version of the code is never used. Files appear by ``os.replace`` from a temporary file in the same folder, so a kill
at any moment leaves either the finished file or none. The bytes of a file depend on its contents only.

Only bytes that have the checksum under which they were stored are handed to the HDF5 library, which may hang or crash
on others; what has none is refused. Checksums notice damage, not malice: whoever can write both a file and its list of
checksums is trusted. A folder of results from a stranger is not to be continued, but computed again elsewhere.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import xarray as xr
from tqdm import tqdm

from vradam.workers import HERE, Workers

log = logging.getLogger("experiments")

#: No stored file, and no dataset in one, may be larger than this (bytes); no list of checksums larger than the other.
LIMIT: Final = 2**31
SUMS_LIMIT: Final = 1_000_000
KEY: Final = re.compile(r"[A-Za-z0-9._=+-]{1,80}")
SUMS: Final = "SHA256SUMS"
TEMPORARY: Final = ".unfinished-"


@dataclass(frozen=True)
class Chunks:
    """The finished chunks of one run, and the workers that compute the missing ones.

    Parameters
    ----------
    folder : where chunks are kept; None keeps nothing (every chunk is computed).
    fingerprint : of the setup and the code; a chunk with another fingerprint is not used.
    workers : who computes.
    title : what the progress bar says.
    """

    folder: Path | None = None
    fingerprint: str = ""
    workers: Workers = HERE
    title: str = ""

    def chunk(self, key: str, compute: Callable[[], xr.Dataset]) -> xr.Dataset:
        """The stored chunk ``key``, or what ``compute()`` returns, stored. Computed in this process."""
        if (stored := self.stored([key]).get(key)) is not None:
            return stored
        return self.keep(key, compute())

    def map(
        self, function: Callable[..., xr.Dataset], arguments: Mapping[str, tuple[Any, ...]]
    ) -> dict[str, xr.Dataset]:
        """``function(*arguments[key])`` for every key, in the order of ``arguments``; only the missing ones computed.

        ``function`` is a pure function at the top level of a module. Each chunk is stored as soon as it is finished,
        so that an interrupted run continues where it stopped.
        """
        done = self.stored(arguments)
        missing = {key: values for key, values in arguments.items() if key not in done}
        bar = tqdm(
            total=len(arguments),
            initial=len(done),
            desc=self.title,
            unit="chunk",
            leave=False,
            disable=None,
            position=1,
        )
        with bar:
            for key, dataset in self.workers.map(function, missing):
                done[key] = self.keep(key, dataset)
                bar.update()
        return {key: done[key] for key in arguments}

    def gather(self, parts: Mapping[str, Callable[[], xr.Dataset]]) -> dict[str, xr.Dataset]:
        """What every part returns, in their order, computed as by :meth:`map`: different functions side by side.

        A part is a function at the top level of a module, or a ``functools.partial`` of one. Long parts come first.
        """
        return self.map(_called, {key: (part,) for key, part in parts.items()})

    def stored(self, keys: Collection[str]) -> dict[str, xr.Dataset]:
        """Those of the chunks that are stored and sound; a damaged one is deleted with a notice."""
        for key in keys:
            if not KEY.fullmatch(key):
                raise ValueError(f"key must be 1 to 80 characters of letters, digits and . _ = + -, got {key!r}")
        if self.folder is None or not self.folder.is_dir():
            return {}
        found: dict[str, xr.Dataset] = {}
        for path in sorted(self.folder.glob("*.nc")):
            key, _, checksum = path.stem.rpartition("-")
            if key not in keys or key in found:
                continue
            try:
                found[key] = _decode(read_checked(path, checksum), key, self.fingerprint)
            except (ValueError, OSError) as error:
                log.warning("%s: %s; computing it again", path, error)
                path.unlink(missing_ok=True)
        return found

    def keep(self, key: str, dataset: xr.Dataset) -> xr.Dataset:
        """Store a finished chunk; returns it as a later :meth:`stored` will."""
        content = encode(dataset.assign_attrs(_chunk=key, _fingerprint=self.fingerprint))
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / f"{key}-{_sha256(content)[:16]}.nc", content)
        return _decode(content, key, self.fingerprint)


def _called(part: Callable[[], xr.Dataset]) -> xr.Dataset:
    return part()


def save_data(folder: Path, data: Mapping[str, xr.Dataset]) -> None:
    """Write the finished data of a run, ``<name>.nc`` each, then their checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {name: encode(data[name]) for name in sorted(data)}
    sums = checksums(contents)
    for name, content in contents.items():
        write_atomically(folder / f"{name}.nc", content)
    write_atomically(folder / SUMS, sums)


def checksums(contents: Mapping[str, bytes]) -> bytes:
    """The list of checksums, as ``sha256sum`` writes it, of the files ``<name>.nc`` with these contents.

    Raises
    ------
    ValueError : if a name does not match :data:`KEY`.
    """
    for name in contents:
        if not KEY.fullmatch(name):
            raise ValueError(f"a dataset's name must match {KEY.pattern}, got {name!r}")
    return "".join(f"{_sha256(contents[name])}  {name}.nc\n" for name in sorted(contents)).encode()


def load_data(folder: Path) -> dict[str, xr.Dataset] | None:
    """The finished data in ``folder``; None if there is none, or (with a notice) if a file fails its checksum."""
    try:
        return read_data(folder)
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        log.warning("%s: %s; computing it again", folder, error)
        return None


def read_data(folder: Path) -> dict[str, xr.Dataset]:
    """The data that ``folder`` lists in its file of checksums; files that are not listed there are not read.

    Raises
    ------
    FileNotFoundError : if there is no such list, or a listed file is missing.
    ValueError : if the list is none, or a file fails its checksum or is no netCDF.
    """
    lines = read_checked(folder / SUMS, limit=SUMS_LIMIT).decode("ascii").splitlines()
    listed = [re.fullmatch(rf"([0-9a-f]{{64}})  ({KEY.pattern})\.nc", line) for line in lines]
    if not all(listed):
        raise ValueError(f"{SUMS} is not a list of checksums")
    return {m[2]: decode(read_checked(folder / f"{m[2]}.nc", m[1])) for m in listed if m}


def encode(dataset: xr.Dataset, compress: bool = False) -> bytes:
    """A dataset as netCDF: the same bytes for the same contents (no date, no path, no encoding kept from a file)."""
    packing = {"zlib": True, "complevel": 9, "shuffle": True}
    packed = [
        name for name in dataset.variables if compress and dataset[name].dtype.kind in "biuf" and dataset[name].ndim
    ]
    buffer = io.BytesIO()
    dataset.drop_encoding().to_netcdf(buffer, engine="h5netcdf", encoding=dict.fromkeys(packed, packing))
    return buffer.getvalue()


def decode(content: bytes) -> xr.Dataset:
    """The dataset in a netCDF file's bytes, loaded. For bytes whose checksum was checked, or that were made here.

    Raises
    ------
    ValueError : if the bytes are no such file, or announce more data than :data:`LIMIT`.
    """
    try:
        with xr.open_dataset(io.BytesIO(content), engine="h5netcdf", decode_times=False) as lazy:
            if lazy.nbytes > LIMIT:
                raise ValueError(f"announces {lazy.nbytes} bytes of data, the limit is {LIMIT}")
            return lazy.load().drop_encoding()
    except ValueError:
        raise
    except Exception as error:  # HDF5 readers raise OSError, KeyError, RuntimeError and others on a malformed file
        raise ValueError(f"cannot be read as netCDF ({type(error).__name__})") from error


def read_checked(path: Path, checksum: str | None = None, limit: int | None = None) -> bytes:
    """The bytes of a file whose SHA-256 starts with ``checksum``.

    Raises
    ------
    ValueError : if the checksum differs or the file is larger than ``limit`` (by default :data:`LIMIT`).
    """
    limit = LIMIT if limit is None else limit
    if path.stat().st_size > limit:
        raise ValueError(f"{path.name} is larger than the limit of {limit} bytes")
    content = path.read_bytes()
    if checksum is not None and not (checksum and _sha256(content).startswith(checksum)):
        raise ValueError(f"{path.name}: checksum does not match")
    return content


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that at every moment ``path`` holds the old content or the new one, even across a crash.

    Raises
    ------
    OSError : if the disk is full or the folder cannot be written; nothing is left behind.
    """
    handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


def remove_unfinished(folder: Path) -> None:
    """Delete temporary files that a killed process left anywhere under ``folder``."""
    for path in folder.rglob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)


def forget(folder: Path) -> None:
    """Delete a folder of stored results (``--fresh``)."""
    if folder.exists():
        shutil.rmtree(folder)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for one main job at a time; the operating system lets go when the process ends, killed or not.

    Raises
    ------
    BlockingIOError : if another process holds it; the message says which.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+b") as file:
        if not _lock(file.fileno()):
            file.seek(0)
            holder = file.read(200).decode("utf-8", "replace").strip() or "unknown"
            raise BlockingIOError(
                f"{folder} is in use by another main job ({holder}); wait for it or choose another --out"
            )
        file.truncate(0)
        file.write(f"process {os.getpid()}, since {datetime.now():%Y-%m-%d %H:%M}".encode())
        file.flush()
        yield


def _lock(descriptor: int) -> bool:
    """Take the operating system's lock on an open file; False if another process has it."""
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(descriptor, 2**30, os.SEEK_SET)  # a byte past the text, which stays readable
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _decode(content: bytes, key: str, fingerprint: str) -> xr.Dataset:
    return own(decode(content), key, fingerprint)


def own(dataset: xr.Dataset, key: str, fingerprint: str) -> xr.Dataset:
    """A decoded chunk without its marks; ValueError if they are not these."""
    marks = [dataset.attrs.pop(name, None) for name in ("_chunk", "_fingerprint")]
    if not all(isinstance(mark, str) for mark in marks) or marks != [key, fingerprint]:
        raise ValueError("was made by another setup or version of the code")
    return dataset


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
