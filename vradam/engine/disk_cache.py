"""Compiled code kept on disk, with checksums: what is damaged is compiled again, and no place to keep it is no error.

It lies in one folder for all clones and environments of a user, :func:`folder`, and where that cannot be written in
``__pycache__``. Its names are digests of what was compiled (``specialise``), so that whoever has the same code finds
it. Nothing is ever read for another code, version of Numba or LLVM, or processor; the folder may be deleted at any
time.

Numba keeps an index and one data file for each signature, and unpickles both as they are: a truncated file raises at
every later call, a flipped bit may end the process. Here a third file beside them, ``<name>.sha256``, holds their
checksums, and nothing is read that does not have the one under which it was written.

What two processes need at the same time one of them compiles: the other waits, and reads it.
"""

from __future__ import annotations

import glob
import hashlib
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from vradam import file_lock

#: Seconds after which what another process is compiling is compiled here too.
PATIENCE: Final = 60.0


def kept(dispatcher: Any) -> Any:
    """A dispatcher of Numba whose compiled code is kept on disk; as it was, with one warning, where it cannot be.

    Where compiling is switched off (``NUMBA_DISABLE_JIT``) it is a plain function, and nothing is kept.
    """
    if not hasattr(dispatcher, "py_func"):
        return dispatcher
    try:
        dispatcher._cache = _checked_cache()(dispatcher.py_func)
        dispatcher.compile = partial(_compile_alone, dispatcher.compile, Files(dispatcher._cache))
    except (RuntimeError, OSError) as error:  # Numba found no folder that it may write
        _say_once(str(error))
    return dispatcher


def on_disk(dispatcher: Any) -> bool:
    """Whether compiled code of a dispatcher is kept on disk."""
    in_cache = getattr(dispatcher, "_cache", None)
    return in_cache is not None and isinstance(in_cache, _checked_cache()) and Files(in_cache).sums.exists()


def _compile_alone(compiling: Callable[[Any], Any], files: Files, signature: Any) -> Any:
    from numba.core.compiler_lock import global_compiler_lock

    with global_compiler_lock, files.alone():
        return compiling(signature)


@cache
def _checked_cache() -> type:
    """A subclass of Numba's cache, made when Numba is first needed."""
    import llvmlite
    from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

    class ByDigest(_CacheLocator):
        """The folder of the user, where the name of a function says everything about it."""

        def __init__(self, py_file: str) -> None:
            self._py_file = py_file  # Numba names it where something cannot be kept

        def get_cache_path(self) -> str:
            return str(folder())

        def get_source_stamp(self) -> str:
            return f"llvmlite {llvmlite.__version__}"

        def get_disambiguator(self) -> str:
            return "0"

        @classmethod
        def from_function(cls, py_func: Any, py_file: str) -> Any:
            place = cls(py_file)
            try:
                place.ensure_cache_path()
            except OSError:
                return None
            return place

    class Places(CompileResultCacheImpl):
        _locator_classes = (ByDigest, *CompileResultCacheImpl._locator_classes)

    class CheckedCache(FunctionCache):
        _impl_class = Places

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            files = Files(self)
            try:
                if files.sound():
                    return super().load_overload(sig, target_context)
            except Exception as error:  # whatever unpickling raises: another version of a library, a lost file
                warnings.warn(f"compiled code in {files.folder} cannot be read ({error!r}); compiling", stacklevel=2)
            files.delete()
            return None

        def save_overload(self, sig: Any, data: Any) -> None:
            files = Files(self)
            try:
                super().save_overload(sig, data)
                if files.found():  # not everything can be kept: Numba warns
                    files.seal()
            except OSError as error:  # the disk is full, the folder is gone or has become read-only
                files.delete()
                _say_once(str(error))

    return CheckedCache


def folder() -> Path:
    """Where compiled code is kept: ``vradam/compiled`` in the user's folder for caches, or in ``NUMBA_CACHE_DIR``."""
    import numba
    from numba.misc.appdirs import AppDirs

    chosen = numba.config.CACHE_DIR
    return (Path(chosen) / "vradam" if chosen else Path(AppDirs("vradam", False).user_cache_dir)) / "compiled"


class Files:
    """The files of one compiled function."""

    def __init__(self, numba_cache: Any) -> None:
        self.folder = Path(numba_cache.cache_path)
        self.name = numba_cache._impl.filename_base
        self.sums = self.folder / f"{self.name}.sha256"

    def found(self) -> list[Path]:
        """The index and the data, by name."""
        return sorted(self.folder.glob(f"{glob.escape(self.name)}*.nb[ic]"))

    def sound(self) -> bool:
        """Whether they were written whole, and are what was written."""
        try:
            sums = self.sums.read_text(encoding="utf-8")
            return sums != "" and sums == checksums([self.folder / line.split("  ")[1] for line in sums.splitlines()])
        except (OSError, UnicodeDecodeError, IndexError):
            return False

    def seal(self) -> None:
        """Write the checksums, in one go."""
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=f"{self.name}.tmp.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(checksums(self.found()))
        Path(name).chmod(0o644)
        Path(name).replace(self.sums)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While no other process is within this for the same function, or after :data:`PATIENCE` seconds."""
        lock = self.folder / f"{self.name}.lock"
        try:
            file = lock.open("ab")
        except OSError:  # nothing will be kept there
            yield
            return
        with file:
            deadline = time.monotonic() + PATIENCE
            while not file_lock.take(file.fileno()) and time.monotonic() < deadline:
                time.sleep(0.01)
            try:
                yield
            finally:
                with suppress(OSError):
                    lock.unlink()

    def delete(self) -> None:
        """Remove what can be removed."""
        for path in (*self.found(), self.sums):
            try:
                path.unlink(missing_ok=True)
            except OSError:
                return


def checksums(files: list[Path]) -> str:
    """As ``sha256sum`` writes them."""
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


@cache
def _once() -> list[str]:
    return []


def _say_once(reason: str) -> None:
    """One warning a process, however many functions there are."""
    if not _once():
        _once().append(reason)
        warnings.warn(
            f"compiled code is not kept on disk, so that every process compiles anew ({reason}); the environment "
            "variable NUMBA_CACHE_DIR may name a folder for it",
            RuntimeWarning,
            stacklevel=2,
        )


@cache
def numba_works() -> bool:
    """Whether Numba is installed and can be imported; where it cannot, NumPy does the work, with one warning."""
    try:
        import numba  # noqa: F401
    except ModuleNotFoundError:
        return False
    except (ImportError, OSError, MemoryError) as error:
        warnings.warn(f"Numba cannot be imported, NumPy does the work ({error})", RuntimeWarning, stacklevel=2)
        return False
    return True
