"""What the store keeps: nothing is deleted for a passing fault, a key names one call, a list says how long it is."""

import errno
import hashlib
import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from samples import Counting, failing, sample

from experiments.store import chunks as store
from experiments.store.chunks import Chunks, encode, load_data, read_data, save_data
from experiments.store.files import quarantine
from experiments.store.manifest import close_lists, manifest, read_manifest


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


def test_one_chunk_is_computed_once_and_stored(tmp_path):
    asked, chunks = [], Chunks(tmp_path, "f")
    for _ in range(2):
        assert chunks.chunk("a", lambda: (asked.append(1), sample())[1]).identical(sample())
    assert asked == [1] and list(chunks.stored(["a"])) == ["a"]


def test_a_chunk_is_read_under_its_own_name_and_fingerprint(tmp_path):
    Chunks(tmp_path, "f").keep("a", sample())
    (path,) = tmp_path.glob("a-*.nc")
    assert store.read_chunk(path, "f").identical(sample())
    with pytest.raises(ValueError, match="another setup or version"):
        store.read_chunk(path, "g")


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
    path.write_text("".join(line + "\n" for line in [*whole.splitlines()[:2], "no checksum"]))
    with pytest.raises(ValueError, match="is not a list of checksums"):
        close_lists(tmp_path)
    path.write_text(whole.splitlines()[0] + "\n")
    with pytest.raises(ValueError, match=r"must list every file beside it, got none of b\.nc"):
        close_lists(tmp_path)
    path.write_text("".join(line + "\n" for line in whole.splitlines()[:2]))
    (tmp_path / "run" / "a.nc").write_bytes(b"")
    with pytest.raises(ValueError, match=r"a\.nc: checksum does not match"):
        close_lists(tmp_path)
