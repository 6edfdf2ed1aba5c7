"""Files of the store: whole or not there, one main job at a time, other writers and strange folders left alone."""

import errno
import hashlib
import os
import platform
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from samples import failing

from experiments.store import files
from experiments.store.files import exclusive, remove_unfinished, write_atomically


@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, moment):
    path = tmp_path / "claims.json"
    write_atomically(path, b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if moment == "replace":
        monkeypatch.setattr(Path, "replace", full)
    elif moment == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        real = os.fdopen

        def narrow(*arguments, **options):
            file = real(*arguments, **options)
            file.close()
            return file

        monkeypatch.setattr(os, "fdopen", narrow)
    with pytest.raises((OSError, ValueError)):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (OSError(errno.ENOSPC, "full"), "table.nc"),
        (OSError(errno.EIO, "broken", "elsewhere"), "elsewhere"),
    ],
)
def test_a_failed_write_names_the_file_unless_the_system_did(tmp_path, monkeypatch, error, named):
    def fail(descriptor):
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError) as raised:
        write_atomically(tmp_path / "table.nc", b"numbers")
    assert Path(raised.value.filename).name == named


def test_an_interrupted_write_says_nothing_of_files(tmp_path, monkeypatch):
    def stop(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt) as raised:
        write_atomically(tmp_path / "table.nc", b"numbers")
    assert not hasattr(raised.value, "filename") and not list(tmp_path.iterdir())


def test_written_files_have_ordinary_permissions(tmp_path):
    write_atomically(tmp_path / "a", b"")
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.skipif(os.name == "nt", reason="limits on file size are a POSIX thing")
def test_a_full_disk_keeps_what_was_finished(tmp_path):
    """A limit on file size stands in for a full disk: the error is an OSError, nothing half-written remains."""
    code = """
        import resource, signal, sys
        from pathlib import Path
        import numpy as np, xarray as xr
        from experiments.store.chunks import Chunks
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        sizes = {"small": (10,), "large": (100_000,)}
        try:
            Chunks(Path(sys.argv[1]), "f").map(lambda n: xr.Dataset({"a": ("x", np.zeros(n))}), sizes)
        except OSError as error:
            print(type(error).__name__, error.errno)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["OSError", str(errno.EFBIG)]
    assert [path.name.split("-")[0] for path in tmp_path.iterdir()] == ["small"]


def test_a_second_job_is_told_who_has_the_folder(tmp_path):
    message = rf"in use by another main job \(process {os.getpid()}, since"
    with exclusive(tmp_path), pytest.raises(BlockingIOError, match=message), exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        pass


def test_a_killed_job_lets_go(tmp_path):
    code = f"""
        import time
        from pathlib import Path
        from experiments.store.files import exclusive
        with exclusive(Path({str(tmp_path)!r})):
            print("held", flush=True)
            time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError, match=f"process {other.pid}"), exclusive(tmp_path):
            pass
        other.kill()
        other.wait()
        with exclusive(tmp_path):
            pass


def test_the_temporary_file_of_a_writer_at_work_stays(tmp_path):
    """Of this process, of another machine while it is young; what a process left that is gone is deleted."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = platform.node()
    names = {"mine": f"{os.getpid()}.{host}.x", "gone": f"{gone.pid}.{host}.x", "theirs": f"{gone.pid}.elsewhere.x"}
    paths = {key: tmp_path / f"{files.TEMPORARY}{name}" for key, name in names.items()}
    for path in paths.values():
        path.touch()
    remove_unfinished(tmp_path)
    assert {key for key, path in paths.items() if path.exists()} == {"mine", "theirs"}
    os.utime(paths["theirs"], (0, 0))
    remove_unfinished(tmp_path)
    assert {key for key, path in paths.items() if path.exists()} == {"mine"}


def test_a_writer_is_not_disturbed_by_a_starting_job(tmp_path):
    stop = threading.Event()

    def clean():
        while not stop.is_set():
            remove_unfinished(tmp_path)

    with ThreadPoolExecutor() as pool:
        cleaning = pool.submit(clean)
        for number in range(100):
            write_atomically(tmp_path / "x.nc", bytes([number]) * 1000)
        stop.set()
        cleaning.result()
    assert [path.name for path in tmp_path.iterdir()] == ["x.nc"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_a_lock_that_is_a_link_is_refused(tmp_path, link):
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "out").mkdir()
    getattr(tmp_path / "out" / ".lock", link)(precious)
    with pytest.raises(OSError, match=r"\.lock must be a file of its own, got a"), exclusive(tmp_path / "out"):
        pass
    assert precious.read_text() == "kept"


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="folders cannot be synced there")
def test_a_new_name_is_brought_to_the_disk(tmp_path, monkeypatch):
    """The file first, then the folder in which it appeared, and every folder that was made for it."""
    synced = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: synced.append(str(Path(f"/proc/self/fd/{handle}").readlink())) or real(handle)
    )
    if not Path("/proc/self/fd").exists():
        pytest.skip("nobody says what was synced")
    write_atomically(tmp_path / "a", b"")
    assert files.TEMPORARY in synced[0] and synced[1:] == [str(tmp_path)]
    synced.clear()
    files.make_folder(tmp_path / "b" / "c")
    assert set(synced) == {str(tmp_path), str(tmp_path / "b")}
    files.make_folder(tmp_path / "b" / "c")
    assert len(synced) == 2


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="folders cannot be synced there")
@pytest.mark.parametrize(("number", "said"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_folder_that_cannot_be_synced_is_said_only_where_that_is_a_fault(tmp_path, monkeypatch, number, said):
    monkeypatch.setattr(os, "fsync", failing(number))
    if said:
        with pytest.raises(OSError, match=os.strerror(number)):
            files._sync(tmp_path)
    else:
        files._sync(tmp_path)


def test_a_file_above_the_limit_is_not_read(tmp_path):
    (tmp_path / "a").write_bytes(b"123")
    assert files.read_checked(tmp_path / "a", limit=3) == b"123"
    with pytest.raises(ValueError, match="a is larger than the limit of 2 bytes"):
        files.read_checked(tmp_path / "a", limit=2)
    sound = hashlib.sha256(b"123").hexdigest()
    assert files.read_checked(tmp_path / "a", sound) == files.read_checked(tmp_path / "a", sound[:16]) == b"123"
    for wrong in ("", "0" * 64, sound[1:]):
        with pytest.raises(ValueError, match="checksum does not match"):
            files.read_checked(tmp_path / "a", wrong)
