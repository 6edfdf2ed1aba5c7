"""The store: nothing half-written, nothing silently wrong, nothing computed twice."""

import ast
import errno
import hashlib
import logging
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.store import chunks as store
from experiments.store import files
from experiments.store.chunks import Chunks, decode, encode, load_data, read_data, save_data
from experiments.store.files import exclusive, quarantine, remove_unfinished, write_atomically
from experiments.store.manifest import LARGEST, close_lists, manifest, read_manifest

ROOT = Path(__file__).parents[2]


def sample(seed=0):
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "measured": (("seed", "step"), rng.normal(size=(3, 5))),
            "converged": ("seed", rng.random(3) < 0.5),
            "limit": np.float32(math.inf),
            "missing": ("step", np.array([1.0, math.nan, -math.inf, 5e-324, -0.0])),
        },
        coords={"seed": [3, 1, 2], "step": np.arange(5), "name": ("seed", ["VRAdam", "β = 0.9", ""])},
        attrs={"objective": "quadratic", "L": 2.5, "steps": 7, "grid": [1.0, 2.0]},
    )


# ---------------------------------------------------------------- bytes


def test_a_dataset_comes_back_as_it_was():
    again = decode(encode(sample()))
    assert again.identical(sample())
    assert {name: again[name].dtype for name in again.variables} == {n: sample()[n].dtype for n in sample().variables}
    np.testing.assert_array_equal(np.signbit(again.missing), np.signbit(sample().missing))


def test_equal_contents_have_equal_bytes_in_every_process():
    code = "import test_store, hashlib; print(hashlib.sha256(test_store.encode(test_store.sample())).hexdigest())"
    others = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert others == {hashlib.sha256(encode(sample())).hexdigest()}
    assert encode(decode(encode(sample()))) == encode(sample())


def test_compression_loses_nothing():
    zeros = xr.Dataset({"a": (("x", "y"), np.zeros((300, 300)))})
    assert len(encode(zeros, compress=True)) < 0.1 * len(encode(zeros))
    assert decode(encode(sample(), compress=True)).identical(sample())


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_damaged_bytes_never_reach_the_library(data):
    """Whatever is done to a chunk's bytes: they are refused by their checksum, before HDF5 sees them."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        chunks = Chunks(Path(folder), "f")
        chunks.keep("a", sample())
        (path,) = Path(folder).glob("*.nc")
        sound = path.read_bytes()
        content = bytearray(sound)
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        del content[data.draw(st.integers(1, len(content))) :]
        seen = []
        patch.setattr(store, "decode", lambda raw: seen.append(raw) or decode(raw))
        path.write_bytes(content)
        assert list(chunks.stored(["a"])) == ["a"] * (content == sound)
        assert seen == [sound] * (content == sound)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # h5netcdf closes what it never opened
@pytest.mark.parametrize("content", [b"", b"text", b"\x89HDF\r\n\x1a\n"])
def test_what_is_no_netcdf_is_a_value_error(content):
    with pytest.raises(ValueError, match="netCDF"):
        decode(content)


def test_only_the_store_hands_bytes_to_the_library():
    """And only ``decode`` does, whose callers have checked the checksum or made the bytes; nothing is unpickled."""
    opening = {"open_dataset", "open_mfdataset", "open_zarr", "load_dataset", "open_dataarray", "load_dataarray"}
    modules = {"h5py", "h5netcdf", "netCDF4", "pickle", "joblib.load"}
    rooms = (ROOT / room for room in ("vradam", "theory", "experiments", "paper_figures"))
    for path in (path for room in rooms for path in room.rglob("*.py")):
        found = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                found |= {node.attr} & opening
            elif isinstance(node, ast.Name):
                found |= {node.id} & (opening | {"eval", "exec"})
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names}
                found |= (names | {getattr(node, "module", None)}) & (opening | modules)
                found |= names & {"decode"} if getattr(node, "module", None) == "experiments.store.chunks" else set()
        assert found == ({"open_dataset"} if path.name == "chunks.py" else set()), path


def test_a_file_that_announces_too_much_is_refused(monkeypatch):
    vast = encode(xr.Dataset({"a": ("x", np.zeros(10**6))}), compress=True)
    monkeypatch.setattr(store, "LIMIT", 10**6)
    assert len(vast) < 10**5
    with pytest.raises(ValueError, match="announces 8000000 bytes of data, the limit is 1000000"):
        decode(vast)


# ---------------------------------------------------------------- chunks


class Counting:
    """A computation that counts how often it is asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, seed):
        self.asked.append(seed)
        return sample(seed)


@pytest.mark.parametrize("folder", [None, "chunks"])
def test_what_is_computed_equals_what_is_stored(tmp_path, folder):
    chunks = Chunks(None if folder is None else tmp_path / folder, "f")
    count = Counting()
    first = chunks.map(count, {"one": (1,), "two": (2,)})
    second = chunks.map(count, {"two": (2,), "one": (1,), "three": (3,)})
    assert list(first) == ["one", "two"] and list(second) == ["two", "one", "three"]
    assert count.asked == ([1, 2, 3] if folder else [1, 2, 2, 1, 3])
    for key in first:
        assert first[key].identical(second[key])
        assert first[key].identical(sample({"one": 1, "two": 2}[key]))


def test_one_chunk_at_a_time(tmp_path):
    count = Counting()
    for _ in range(3):
        assert Chunks(tmp_path, "f").chunk("lone", lambda: count(5)).identical(sample(5))
    assert count.asked == [5]


def test_finished_chunks_survive_an_exception(tmp_path):
    asked = []

    def fails_at_two(seed):
        asked.append(seed)
        if seed == 2 and len(asked) < 4:
            raise ZeroDivisionError
        return sample(seed)

    arguments = {f"seed{seed}": (seed,) for seed in (0, 1, 2, 3)}
    with pytest.raises(ZeroDivisionError):
        Chunks(tmp_path, "f").map(fails_at_two, arguments)
    Chunks(tmp_path, "f").map(fails_at_two, arguments)
    assert asked == [0, 1, 2, 2, 3]


def test_another_fingerprint_is_never_reused(tmp_path):
    count = Counting()
    Chunks(tmp_path, "old").map(count, {"a": (1,)})
    Chunks(tmp_path, "new").map(count, {"a": (1,)})
    assert count.asked == [1, 1]


def test_a_chunk_under_another_name_is_not_used(tmp_path):
    """A file copied over another chunk's name has a sound checksum, but says whose it is."""
    count = Counting()
    Chunks(tmp_path, "f").map(count, {"a": (1,)})
    (path,) = tmp_path.glob("*.nc")
    path.rename(path.with_name(path.name.replace("a-", "b-")))
    Chunks(tmp_path, "f").map(count, {"b": (2,)})
    assert count.asked == [1, 2]


@pytest.mark.parametrize("damage", ["truncated", "emptied", "bit flipped", "appended"])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.7, 0.999])
def test_damage_is_noticed_and_repaired(tmp_path, caplog, damage, place):
    count = Counting()
    chunks = Chunks(tmp_path, "f")
    chunks.map(count, {"a": (1,), "b": (2,)})
    path = next(tmp_path.glob("a-*.nc"))
    content = bytearray(path.read_bytes())
    at = int(place * len(content))
    if damage == "truncated":
        del content[at:]
    elif damage == "emptied":
        content.clear()
    elif damage == "bit flipped":
        content[at] ^= 1 << (at % 8)
    else:
        content += b"\0"
    path.write_bytes(bytes(content))
    with caplog.at_level(logging.WARNING, logger="experiments"):
        again = chunks.map(count, {"a": (1,), "b": (2,)})
    assert count.asked == [1, 2, 1]
    assert again["a"].identical(sample(1))
    assert "checksum does not match; moved to " in caplog.text
    (aside,) = (tmp_path / "quarantine").iterdir()
    assert aside.name == path.name and aside.read_bytes() == bytes(content)
    assert chunks.map(count, {"a": (1,)})["a"].identical(sample(1)) and count.asked == [1, 2, 1]


@pytest.mark.parametrize("key", ["", "a/b", "../a", "a b", "é", "x" * 81, "a\n"])
def test_keys_are_plain_names(tmp_path, key):
    with pytest.raises(ValueError, match="key must be 1 to 80 characters"):
        Chunks(tmp_path, "f").map(sample, {key: (1,)})


def test_dashes_in_keys_do_not_confuse(tmp_path):
    count = Counting()
    chunks = Chunks(tmp_path, "f")
    for _ in range(2):
        found = chunks.map(count, {"a": (1,), "a-b": (2,), "a-b-c": (3,)})
        assert [int(found[k].identical(sample(i))) for i, k in enumerate(found, 1)] == [1, 1, 1]
    assert count.asked == [1, 2, 3]


# ---------------------------------------------------------------- finished data


def test_finished_data_come_back(tmp_path):
    save_data(tmp_path / "run", {"plateaus": sample(1), "curves": sample(2)})
    again = load_data(tmp_path / "run")
    assert list(again) == ["curves", "plateaus"] and again["plateaus"].identical(sample(1))
    sums = (tmp_path / "run" / "SHA256SUMS").read_text()
    assert sums.splitlines()[0] == hashlib.sha256(encode(sample(2))).hexdigest() + "  curves.nc"


def test_a_dataset_has_a_plain_name(tmp_path):
    with pytest.raises(ValueError, match=r"a dataset's name must match .*, got '../a'"):
        save_data(tmp_path / "run", {"../a": sample(1)})
    assert not (tmp_path / "run").exists() and not (tmp_path / "a.nc").exists()


def test_what_is_not_listed_is_not_read(tmp_path):
    save_data(tmp_path, {"a": sample(1)})
    (tmp_path / "b.nc").write_bytes(encode(sample(2)))
    assert list(read_data(tmp_path)) == ["a"]


def test_a_long_list_of_checksums_is_refused(tmp_path):
    save_data(tmp_path, {"a": sample(1)})
    (tmp_path / "SHA256SUMS").write_bytes(b"0" * (LARGEST + 1))
    with pytest.raises(ValueError, match=f"SHA256SUMS is larger than the limit of {LARGEST} bytes"):
        read_data(tmp_path)


@pytest.mark.parametrize("damage", ["flip", "remove", "sums"])
def test_damaged_data_are_none(tmp_path, caplog, damage):
    save_data(tmp_path, {"a": sample(1)})
    if damage == "flip":
        content = bytearray((tmp_path / "a.nc").read_bytes())
        content[100] ^= 4
        (tmp_path / "a.nc").write_bytes(bytes(content))
    elif damage == "remove":
        (tmp_path / "a.nc").unlink()
    else:
        (tmp_path / "SHA256SUMS").write_text("0" * 64 + "  ../a.nc\n")
    with caplog.at_level(logging.WARNING, logger="experiments"):
        assert load_data(tmp_path) is None
    assert damage == "remove" or "it is not used" in caplog.text


def test_no_data_is_none(tmp_path):
    assert load_data(tmp_path) is None


# ---------------------------------------------------------------- writing


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


# ---------------------------------------------------------------- one main job at a time


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


# ---------------------------------------------------------------- what stays


def failing(number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE])
def test_a_passing_fault_of_a_disk_deletes_nothing(tmp_path, monkeypatch, number):
    """What cannot be read stays, and the job ends: it is not computed again either."""
    count, chunks = Counting(), Chunks(tmp_path, "f")
    chunks.map(count, {"a": (1,)})
    with monkeypatch.context() as patch, pytest.raises(OSError, match=rf"{os.strerror(number)}.*a-\w+\.nc"):
        patch.setattr(Path, "read_bytes", failing(number))
        chunks.map(count, {"a": (1,)})
    assert chunks.map(count, {"a": (1,)})["a"].identical(sample(1)) and count.asked == [1]


def test_memory_that_runs_out_deletes_nothing(tmp_path, monkeypatch):
    chunks = Chunks(tmp_path, "f")
    chunks.keep("a", sample())
    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(Path, "read_bytes", lambda path: (_ for _ in ()).throw(MemoryError))
        chunks.stored(["a"])
    assert list(chunks.stored(["a"])) == ["a"]


def test_a_sound_file_of_another_run_stays_where_it_is(tmp_path, caplog):
    Chunks(tmp_path, "old").keep("a", sample())
    assert Chunks(tmp_path, "new").stored(["a"]) == {}
    assert "was made by another setup or version of the code; it stays there" in caplog.text
    assert list(Chunks(tmp_path, "old").stored(["a"])) == ["a"]


def test_two_results_under_one_key_are_said(tmp_path, caplog):
    chunks = Chunks(tmp_path, "f")
    chunks.keep("a", sample(1))
    chunks.keep("a", sample(2))
    assert len(list(tmp_path.glob("a-*.nc"))) == 2
    assert list(chunks.stored(["a"])) == ["a"] and "another result is stored under this key" in caplog.text


def test_what_only_looks_like_a_chunk_is_left_alone(tmp_path):
    """A folder, a name with a shortened checksum."""
    (tmp_path / "a-0123456789abcdef.nc").mkdir()
    content = encode(sample().assign_attrs(_chunk="b", _fingerprint="f"))
    (tmp_path / f"b-{hashlib.sha256(content).hexdigest()[:1]}.nc").write_bytes(content)
    assert Chunks(tmp_path, "f").stored(["a", "b"]) == {}
    assert len(list(tmp_path.iterdir())) == 2


def test_the_quarantine_keeps_everything(tmp_path):
    for content in (b"one", b"two", b"two"):
        (tmp_path / "a.nc").write_bytes(content)
        assert quarantine(tmp_path / "a.nc").read_bytes() == content
    assert sorted(path.read_bytes() for path in (tmp_path / "quarantine").iterdir()) == [b"one", b"two"]
    assert not (tmp_path / "a.nc").exists()


# ---------------------------------------------------------------- one key, one call


def double(v):
    return sample(v).assign_attrs(by=2)


def triple(v):
    return sample(v).assign_attrs(by=3)


@pytest.mark.parametrize(("second", "values"), [(triple, (1,)), (double, (7,))])
def test_a_key_belongs_to_one_function_and_its_arguments(tmp_path, second, values):
    chunks = Chunks(tmp_path, "f")
    chunks.map(double, {"a": (1,)})
    message = rf"the chunk key 'a' must belong to one call, got .*double\(\w+\) and .*{second.__name__}\(\w+\)"
    with pytest.raises(ValueError, match=message):
        chunks.map(second, {"a": values})
    with pytest.raises(ValueError, match=message):
        chunks.gather({"a": partial(second, *values)})
    with pytest.raises(ValueError, match=message):
        chunks.chunk("a", partial(second, *values))
    for again in (chunks.map(double, {"a": (1,)}), chunks.gather({"a": partial(double, 1)})):
        assert again["a"].identical(double(1))


def test_a_call_is_described_by_what_it_depends_on():
    """Numbers, arrays, setups and functions among the arguments; never an address."""
    numbers = [1, 2, 1.0, "1", True, None, (1, 2), [2, 1], np.float64(2.5)]
    others = [np.arange(3), np.arange(3.0), np.ones((1, 3)), {"a": 1}, {"a": 2}, double, object()]
    setups = [Chunks(title="x"), Chunks(title="y")]
    calls = [partial(double, value) for value in numbers + others + setups]
    calls += [partial(double, v=1), triple, double]
    calls += [partial(double, partial(triple, 2)), partial(double, partial(triple, 3))]
    names = [store.described(call) for call in calls]
    assert len(set(names)) == len(names) and names == [store.described(call) for call in calls]
    assert all(
        name.startswith(f"{__name__}.{'triple' if call is triple else 'double'}(")
        for name, call in zip(names, calls, strict=True)
    )
    assert store.described(partial(double, object())) == store.described(partial(double, object()))
    assert store.described(partial(double, {"b": 1, "a": 2})) == store.described(partial(double, {"a": 2, "b": 1}))


# ---------------------------------------------------------------- the list of files


def test_a_list_of_files_says_how_many_there_are(tmp_path):
    save_data(tmp_path, {"a": sample(1), "b": sample(2)}, {"made_from.json": b"{}"})
    *lines, last = (tmp_path / "SHA256SUMS").read_text().splitlines()
    assert [line.split()[1] for line in lines] == ["a.nc", "b.nc", "made_from.json"]
    own = hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()
    assert last == f"# 3 files, SHA-256 of the lines above: {own}"
    assert read_manifest(tmp_path) == {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
                                       for name in ("a.nc", "b.nc", "made_from.json")}  # fmt: skip
    assert list(read_data(tmp_path)) == ["a", "b"]
    assert manifest({"a.nc": b""}).decode().splitlines()[1].startswith("# 1 file, ")


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="a tool of GNU")
def test_a_list_of_files_is_read_by_sha256sum(tmp_path):
    save_data(tmp_path, {"a": sample(1), "b": sample(2)})
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout == "a.nc: OK\nb.nc: OK\n"


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [],
        lambda lines: lines[:1],
        lambda lines: lines[:2],
        lambda lines: lines[1:],
        lambda lines: [lines[0], lines[0], lines[2]],
        lambda lines: [lines[1], lines[0], lines[2]],
        lambda lines: [*lines, lines[0]],
        lambda lines: [lines[0].replace("a.nc", "../a.nc"), *lines[1:]],
        lambda lines: [*lines[:2], lines[2].replace("# 2 files", "# 3 files")],
        lambda lines: [*lines[:2], lines[2][:-1] + ("0" if lines[2][-1] != "0" else "1")],
    ],
)
def test_a_list_that_was_cut_is_damage_and_no_smaller_result(tmp_path, caplog, damage):
    save_data(tmp_path, {"a": sample(1), "b": sample(2)})
    path = tmp_path / "SHA256SUMS"
    path.write_text("".join(line + "\n" for line in damage(path.read_text().splitlines())))
    with pytest.raises(ValueError, match=r"SHA256SUMS (must end with|is not)"):
        read_data(tmp_path)
    assert load_data(tmp_path) is None and "SHA256SUMS" in caplog.text


def test_lists_of_an_earlier_form_are_closed_after_a_check(tmp_path):
    save_data(tmp_path / "run", {"a": sample(1), "b": sample(2)})
    path = tmp_path / "run" / "SHA256SUMS"
    whole = path.read_text()
    path.write_text("".join(line + "\n" for line in whole.splitlines()[:2]))
    assert close_lists(tmp_path) == [path] and path.read_text() == whole
    assert close_lists(tmp_path) == []
    path.write_text(whole.splitlines()[0] + "\n")
    with pytest.raises(ValueError, match=r"must list every file beside it, got none of b\.nc"):
        close_lists(tmp_path)
    path.write_text("".join(line + "\n" for line in whole.splitlines()[:2]))
    (tmp_path / "run" / "a.nc").write_bytes(b"")
    with pytest.raises(ValueError, match=r"a\.nc: checksum does not match"):
        close_lists(tmp_path)


# ---------------------------------------------------------------- other writers, links, folders


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
