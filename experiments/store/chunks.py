"""Finished work on disk: nothing half-written, nothing silently wrong, nothing computed twice.

    results/<stem>/<fingerprint>/chunks/<key>-<checksum>.nc     finished chunks of a run
    results/<stem>/<fingerprint>/chunks/quarantine              chunks whose bytes are not those that were stored
    results/<stem>/<fingerprint>/<name>.nc, SHA256SUMS          the finished data, what made them, and the list of both

A chunk's name carries the first 16 digits of the SHA-256 of its bytes, and the chunk itself carries its fingerprint
(:mod:`experiments.store.fingerprint`) and the call that made it, so a file that is truncated, altered, or made by
another setup, another version of the code or another function is never used. Files appear by ``os.replace`` from a
temporary file in the same folder, so a kill at any moment leaves either the finished file or none. The bytes of a file
depend on its contents only.

Only bytes that have the checksum under which they were stored are handed to the HDF5 library, which may hang or crash
on others; what has none is refused. Checksums notice damage, not malice: whoever can write both a file and its list of
checksums is trusted. A folder of results from a stranger is not to be continued, but computed again elsewhere.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import logging
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from tqdm import tqdm

from experiments.store.files import LIMIT, make_folder, quarantine, read_checked, sha256, write_atomically
from experiments.store.fingerprint import Origin
from experiments.store.manifest import KEY, SUMS, manifest, read_manifest
from vradam.workers import HERE, Workers

log = logging.getLogger("experiments")

#: The name of a chunk's file.
CHUNK: Final = re.compile(rf"({KEY.pattern})-([0-9a-f]{{16}})\.nc")


@dataclass(frozen=True)
class Chunks:
    """The finished chunks of one run, and the workers that compute the missing ones.

    Parameters
    ----------
    folder : Path, optional
        Where chunks are kept; None keeps nothing (every chunk is computed).
    fingerprint : str
        Of the setup and the code; a chunk with another fingerprint is not used.
    workers : Workers
        Who computes.
    title : str
        What the progress bar says.
    origin : Origin, optional
        The code behind the run; processes with other code are refused, and so is code that is edited meanwhile.
    """

    folder: Path | None = None
    fingerprint: str = ""
    workers: Workers = HERE
    title: str = ""
    origin: Origin | None = None

    def chunk(self, key: str, compute: Callable[[], xr.Dataset]) -> xr.Dataset:
        """The stored chunk ``key``, or what ``compute()`` returns, stored. Computed in this process."""
        maker = described(compute)
        if (stored := self.stored([key], {key: maker}).get(key)) is not None:
            return stored
        return self.keep(key, compute(), maker)

    def map(
        self, function: Callable[..., xr.Dataset], arguments: Mapping[str, tuple[Any, ...]]
    ) -> dict[str, xr.Dataset]:
        """``function(*arguments[key])`` for every key, in the order of ``arguments``; only the missing ones computed.

        ``function`` is a pure function at the top level of a module. Each chunk is stored as soon as it is finished,
        so that an interrupted run continues where it stopped.

        Raises
        ------
        ValueError
            If a key is stored for another function or other arguments.
        OSError
            If a stored chunk cannot be read, or code was written to while it ran.
        """
        makers = {key: described(partial(function, *values)) for key, values in arguments.items()}
        done = self.stored(arguments, makers)
        missing = {key: values for key, values in arguments.items() if key not in done}
        asked = {key: (function, values, key, self.fingerprint, makers[key]) for key, values in missing.items()}
        bar = tqdm(
            total=len(arguments),
            initial=len(done),
            desc=self.title,
            unit="chunk",
            leave=False,
            disable=None,
            position=1,
        )
        check = None if self.origin is None else self.origin.differences
        with bar:
            for key, (content, dataset) in self.workers.map(finished, asked, check):
                self.put(key, content)
                done[key] = dataset
                bar.update()
        return {key: done[key] for key in arguments}

    def gather(self, parts: Mapping[str, Callable[[], xr.Dataset]]) -> dict[str, xr.Dataset]:
        """What every part returns, in their order, computed as by :meth:`map`: different functions side by side.

        A part is a function at the top level of a module, or a ``functools.partial`` of one. Long parts come first.
        """
        return self.map(_called, {key: (part,) for key, part in parts.items()})

    def stored(self, keys: Collection[str], makers: Mapping[str, str] | None = None) -> dict[str, xr.Dataset]:
        """Those of the chunks that are stored and sound; a damaged one is moved to the quarantine with a notice.

        What cannot be read for another reason stays where it is. ``makers`` : key -> what makes it.

        Raises
        ------
        ValueError
            If a key is no plain name, or its chunk was made by something else than ``makers`` says.
        OSError
            If a chunk cannot be read.
        """
        for key in keys:
            if not KEY.fullmatch(key):
                raise ValueError(f"key must be 1 to 80 characters of letters, digits and . _ = + -, got {key!r}")
        if self.folder is None or not self.folder.is_dir():
            return {}
        found: dict[str, xr.Dataset] = {}
        for path in sorted(self.folder.glob("*.nc")):
            named = CHUNK.fullmatch(path.name)
            if named is None or named[1] not in keys or not path.is_file():
                continue
            key, content = named[1], read_checked(path)
            if not sha256(content).startswith(named[2]):
                log.warning("%s: checksum does not match; moved to %s, computing it again", path, quarantine(path))
                continue
            try:
                dataset = decode(content)
                maker = dataset.attrs.get("_function")
                dataset = own(dataset, key, self.fingerprint)
            except ValueError as error:
                log.warning("%s: %s; it stays there, computing it again", path, error)
                continue
            if makers is not None and (not isinstance(maker, str) or maker != makers[key]):
                raise ValueError(f"the chunk key {key!r} must belong to one call, got {maker} and {makers[key]}")
            if key in found:
                log.warning("%s: another result is stored under this key; it is not used", path)
            else:
                found[key] = dataset
        return found

    def keep(self, key: str, dataset: xr.Dataset, maker: str = "") -> xr.Dataset:
        """Store a finished chunk; returns it as a later :meth:`stored` will. ``maker`` : the call that made it.

        Raises
        ------
        OSError
            If it cannot be written, or code that it rests on was written to since this process first looked.
        """
        content, again = marked(dataset, key, self.fingerprint, maker)
        self.put(key, content)
        return again

    def put(self, key: str, content: bytes) -> None:
        """Store the bytes of a finished chunk, which :func:`marked` made; OSError as for :meth:`keep`."""
        self.refuse_touched()
        if self.folder is not None:
            make_folder(self.folder)
            write_atomically(self.folder / f"{key}-{sha256(content)[:16]}.nc", content)

    def refuse_touched(self) -> None:
        """OSError, naming the files, if code that this run rests on was written to since this process first looked."""
        if self.origin is not None and (names := self.origin.touched()):
            raise OSError(f"{', '.join(names)} must stay as it was when the job started: it was written to meanwhile")


def finished(
    function: Callable[..., xr.Dataset], values: tuple[Any, ...], key: str, fingerprint: str, maker: str
) -> tuple[bytes, xr.Dataset]:
    """A chunk computed, as bytes and as read back: by the process that computed it, so that no other waits for it."""
    return marked(function(*values), key, fingerprint, maker)


def marked(dataset: xr.Dataset, key: str, fingerprint: str, maker: str = "") -> tuple[bytes, xr.Dataset]:
    """The bytes of a chunk with its marks, and what is read back from them, without marks."""
    content, again = _encoded(dataset.assign_attrs(_chunk=key, _fingerprint=fingerprint, _function=maker))
    return content, own(again, key, fingerprint)


def _called(part: Callable[[], xr.Dataset]) -> xr.Dataset:
    return part()


def described(call: Callable[..., Any]) -> str:
    """A call by the name of its function and a digest of its arguments: the same for equal calls everywhere.

    >>> described(partial(max, 1, 2)) == described(partial(max, 1, 2)) != described(partial(max, 1, 3))
    True
    """
    while isinstance(call, partial) and call.func is _called:
        (call,) = call.args
    bound = (call.args, call.keywords) if isinstance(call, partial) else ()
    name = _spelt(call.func if isinstance(call, partial) else call)
    return f"{name}({hashlib.sha256(json.dumps(_spelt(bound)).encode()).hexdigest()[:12]})"


def _spelt(value: Any) -> Any:
    """What tells a value from others of its kind, as JSON; of what has no such form, its type."""
    if value is None or isinstance(value, bool | int | str | float):
        return value if not isinstance(value, float) else repr(float(value))
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.shape, sha256(np.ascontiguousarray(value).tobytes())]
    if isinstance(value, np.generic):
        return repr(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _spelt(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return [type(value).__qualname__, fields]
    if isinstance(value, tuple | list):
        return [_spelt(item) for item in value]
    if isinstance(value, Mapping):
        return sorted([str(key), _spelt(item)] for key, item in value.items())
    if isinstance(value, partial):
        return [_spelt(value.func), _spelt(value.args), _spelt(value.keywords)]
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return type(value).__qualname__


def save_data(folder: Path, data: Mapping[str, xr.Dataset], records: Mapping[str, bytes] | None = None) -> None:
    """Write the finished data of a run, ``<name>.nc`` each, and further files by name, then the list of them all.

    Raises
    ------
    ValueError
        If a name does not match :data:`KEY`.
    """
    contents = {f"{name}.nc": encode(data[name]) for name in sorted(data)} | dict(records or {})
    listed = manifest(contents)
    make_folder(folder)
    for name, content in contents.items():
        write_atomically(folder / name, content)
    write_atomically(folder / SUMS, listed)


def load_data(folder: Path) -> dict[str, xr.Dataset] | None:
    """The finished data in ``folder``; None if there is none, or (with a notice) if a file fails its checksum."""
    try:
        return read_data(folder)
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        log.warning("%s: %s; it is not used", folder, error)
        return None


def read_data(folder: Path) -> dict[str, xr.Dataset]:
    """The data that ``folder`` lists in its manifest; files that are not listed there are not read.

    Raises
    ------
    FileNotFoundError
        If there is no such list, or a listed file is missing.
    ValueError
        If the list is damaged, or a file fails its checksum or is no netCDF.
    """
    listed = read_manifest(folder)
    data = {name: checksum for name, checksum in listed.items() if name.endswith(".nc")}
    return {name.removesuffix(".nc"): decode(read_checked(folder / name, checksum)) for name, checksum in data.items()}


def encode(dataset: xr.Dataset, compress: bool = False) -> bytes:
    """A dataset as netCDF: the same bytes for the same contents (no date, no path, no encoding kept from a file).

    Raises
    ------
    ValueError
        If the file would be read back as other contents: attributes such as ``scale_factor``, ``_FillValue`` or
        ``coordinates`` are instructions to whoever reads it.
    """
    return _encoded(dataset, compress)[0]


def _encoded(dataset: xr.Dataset, compress: bool = False) -> tuple[bytes, xr.Dataset]:
    """See :func:`encode`: the bytes, and what is read back from them."""
    packing = {"zlib": True, "complevel": 9, "shuffle": True}
    packed = [
        name for name, values in dataset.variables.items() if compress and values.dtype.kind in "biuf" and values.ndim
    ]
    buffer = io.BytesIO()
    try:
        dataset.drop_encoding().to_netcdf(buffer, engine="h5netcdf", encoding=dict.fromkeys(packed, packing))
        content = buffer.getvalue()
        again = decode(content)
        changed = _changed(dataset, again)
    except (ValueError, OSError, MemoryError):
        raise
    except Exception as error:  # what netCDF has no type for: TypeError, AttributeError and the libraries' own
        raise ValueError(f"a dataset must be one that netCDF can hold, got {error}") from error
    if changed:
        raise ValueError(f"a dataset must be read back as it is written, which {', '.join(changed)} would not be")
    return content, again


def _changed(before: xr.Dataset, after: xr.Dataset) -> list[str]:
    """What differs between a dataset and what is read back: variables with their attributes, or the dataset's own.

    Kinds of numbers and their precision count; how strings are held does not.
    """

    def kind(variable: xr.Variable) -> str:
        return "text" if variable.dtype.kind in "UOTS" else variable.dtype.newbyteorder("=").str

    ours, theirs = before.variables, after.variables
    labels = set(before.coords), set(after.coords)
    names = [str(name) for name in ours if name not in theirs]
    for name, found in theirs.items():
        if name not in ours or not (
            (given := ours[name]).equals(found)
            and given.attrs.keys() == found.attrs.keys()
            and all(_same(value, found.attrs[key]) for key, value in given.attrs.items())
            and kind(given) == kind(found)
            and (name in labels[0]) == (name in labels[1])
        ):
            names.append(str(name))
    names += [f"attribute {name}" for name in before.attrs if not _same(before.attrs[name], after.attrs.get(name))]
    return names


def _same(before: Any, after: Any) -> bool:
    """Whether an attribute is the same; netCDF has lists and tuples as arrays, and one number as a list of one."""
    return np.array_equal(np.ravel(before), np.ravel(after), equal_nan=np.ravel(before).dtype.kind == "f")


def decode(content: bytes) -> xr.Dataset:
    """The dataset in a netCDF file's bytes, loaded. For bytes whose checksum was checked, or that were made here.

    Raises
    ------
    ValueError
        If the bytes are no such file, or announce more data than :data:`LIMIT`.
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


def read_chunk(path: Path, fingerprint: str) -> xr.Dataset:
    """A stored chunk of the run with this fingerprint.

    Raises
    ------
    ValueError
        If its name is not that of a chunk, or its bytes are not those that were stored under it.
    OSError
        If it cannot be read.
    """
    named = CHUNK.fullmatch(path.name)
    if named is None:
        raise ValueError("its name is not that of a chunk")
    return _decode(read_checked(path, named[2]), named[1], fingerprint)


def _decode(content: bytes, key: str, fingerprint: str) -> xr.Dataset:
    return own(decode(content), key, fingerprint)


def own(dataset: xr.Dataset, key: str, fingerprint: str) -> xr.Dataset:
    """A decoded chunk without its marks; ValueError if they are not these."""
    marks = [dataset.attrs.pop(name, None) for name in ("_chunk", "_fingerprint")]
    dataset.attrs.pop("_function", None)
    if not all(isinstance(mark, str) for mark in marks) or marks != [key, fingerprint]:
        raise ValueError("was made by another setup or version of the code")
    return dataset
