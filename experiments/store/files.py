"""Files that are never half-written, never deleted for a passing fault, and held by one main job at a time."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import platform
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from vradam.file_lock import take

log = logging.getLogger("experiments")

#: No stored file, and no dataset in one, may be larger than this (bytes).
LIMIT: Final = 2**31
#: How the names of temporary files begin; the writer follows.
TEMPORARY: Final = ".unfinished-"
#: The folder beside damaged files to which they are moved.
QUARANTINE: Final = "quarantine"
#: Seconds after which a temporary file has no writer any more, wherever that was.
ABANDONED: Final = 86400.0


def read_checked(path: Path, checksum: str | None = None, limit: int | None = None) -> bytes:
    """The bytes of a file whose SHA-256 starts with ``checksum``.

    Raises
    ------
    ValueError
        If the checksum differs or the file is larger than ``limit`` (by default :data:`LIMIT`).
    OSError
        If it cannot be read, which says nothing about its bytes.
    """
    limit = LIMIT if limit is None else limit
    if path.stat().st_size > limit:
        raise ValueError(f"{path.name} is larger than the limit of {limit} bytes")
    try:
        content = path.read_bytes()
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    if checksum is not None and not (checksum and sha256(content).startswith(checksum)):
        raise ValueError(f"{path.name}: checksum does not match")
    return content


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that at every moment ``path`` holds the old content or the new one, even across a crash.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    handle, name = tempfile.mkstemp(prefix=f"{TEMPORARY}{os.getpid()}.{platform.node()}.", dir=path.parent)
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
    _sync(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing, to last."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        _sync(path.parent)


def _sync(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the platform can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.ENOSYS):
            raise
    finally:
        os.close(descriptor)


def quarantine(path: Path) -> Path:
    """Move a damaged file into the folder :data:`QUARANTINE` beside it; returns where it is now."""
    folder = path.parent / QUARANTINE
    make_folder(folder)
    aside = folder / path.name
    if aside.exists():
        aside = aside.with_name(f"{path.name}.{sha256(path.read_bytes())[:8]}")
    return path.replace(aside)


def remove_unfinished(folder: Path) -> None:
    """Delete temporary files below ``folder`` whose writer is gone; those of a writer at work stay."""
    for path in folder.rglob(f"{TEMPORARY}*"):
        with suppress(FileNotFoundError):  # finished or removed by its writer in the meantime
            if not _is_being_written(path):
                path.unlink()


def _is_being_written(path: Path) -> bool:
    """Whether the writer that the name tells runs on this machine; of another one, whether the file is young."""
    writer, _, rest = path.name.removeprefix(TEMPORARY).partition(".")
    young = time.time() - path.stat().st_mtime < ABANDONED
    here = writer.isdigit() and rest.rpartition(".")[0] == platform.node()
    if not here or os.name == "nt":  # where signal 0 would end the process
        return young
    try:
        os.kill(int(writer), 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, for somebody else
        return young
    return young


def forget(folder: Path) -> None:
    """Delete a folder of stored results (``--fresh``)."""
    if folder.exists():
        shutil.rmtree(folder)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for one main job at a time; the operating system lets go when the process ends, killed or not.

    Raises
    ------
    BlockingIOError
        If another process holds it; the message says which.
    OSError
        If the lock is a link to another file, which would be overwritten.
    """
    make_folder(folder)
    lock = folder / ".lock"
    if lock.is_symlink():
        raise OSError(f"{lock} must be a file of its own, got a symbolic link")
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(lock, flags, 0o666), "a+b") as file:
        seen = os.fstat(file.fileno())
        if not stat.S_ISREG(seen.st_mode) or seen.st_nlink > 1:
            raise OSError(f"{lock} must be a file of its own, got a link or no file")
        if not take(file.fileno()):
            file.seek(0)
            holder = file.read(200).decode("utf-8", "replace").strip() or "unknown"
            raise BlockingIOError(
                f"{folder} is in use by another main job ({holder}); wait for it or choose another --out"
            )
        file.truncate(0)
        file.write(f"process {os.getpid()}, since {datetime.now():%Y-%m-%d %H:%M}".encode())
        file.flush()
        yield


def sha256(content: bytes) -> str:
    """The checksum under which bytes are stored."""
    return hashlib.sha256(content).hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
