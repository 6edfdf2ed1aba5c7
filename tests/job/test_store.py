"""The store: nothing half-written, nothing silently wrong, nothing computed twice."""

import ast
import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
import textwrap
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import Counting, sample

from experiments.store import chunks as store
from experiments.store.chunks import Chunks, decode, encode, load_data, read_data, save_data
from experiments.store.manifest import LARGEST

ROOT = Path(__file__).parents[2]


# ---------------------------------------------------------------- bytes


def test_a_dataset_comes_back_as_it_was():
    again = decode(encode(sample()))
    assert again.identical(sample())
    assert {name: again[name].dtype for name in again.variables} == {n: sample()[n].dtype for n in sample().variables}
    np.testing.assert_array_equal(np.signbit(again.missing), np.signbit(sample().missing))


def test_equal_contents_have_equal_bytes_in_every_process():
    code = """
        import hashlib
        from samples import sample
        from experiments.store.chunks import encode
        print(hashlib.sha256(encode(sample())).hexdigest())
    """
    other = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=Path(__file__).parent,
        env=os.environ | {"PYTHONHASHSEED": "1"},  # another order of sets than here
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == hashlib.sha256(encode(sample())).hexdigest()
    assert encode(decode(encode(sample()))) == encode(sample())


def test_compression_loses_nothing():
    zeros = xr.Dataset({"a": (("x", "y"), np.zeros((300, 300)))})
    assert len(encode(zeros, compress=True)) < 0.1 * len(encode(zeros))
    assert decode(encode(sample(), compress=True)).identical(sample())


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A chunk that was kept: the store and its one file."""
    folder = tmp_path_factory.mktemp("kept")
    chunks = Chunks(folder, "f")
    chunks.keep("a", sample())
    (path,) = folder.glob("*.nc")
    return chunks, path, path.read_bytes()


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_damaged_bytes_never_reach_the_library(kept, data):
    """Whatever is done to a chunk's bytes: they are refused by their checksum, before HDF5 sees them."""
    chunks, path, sound = kept
    with pytest.MonkeyPatch.context() as patch:
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
    """And only ``decode`` does, whose callers have checked the checksum or made the bytes; nothing is unpickled.

    What ``from_sympy`` executes is printed by itself from the caller's expression and never read from a file.
    """
    allowed = {"chunks.py": {"open_dataset"}, "symbolic.py": {"exec"}}
    opening = {"open_dataset", "open_mfdataset", "open_zarr", "load_dataset", "open_dataarray", "load_dataarray"}
    modules = {"h5py", "h5netcdf", "netCDF4", "pickle", "joblib.load"}
    suspicious = re.compile(rf"\b({'|'.join(opening | modules | {'eval', 'exec', 'decode'})})\b")
    rooms = (ROOT / room for room in ("vradam", "theory", "experiments", "paper_figures"))
    for path in (path for room in rooms for path in room.rglob("*.py")):
        text, found = path.read_text(encoding="utf-8"), set()
        for node in ast.walk(ast.parse(text)) if suspicious.search(text) else ():
            if isinstance(node, ast.Attribute):
                found |= {node.attr} & opening
            elif isinstance(node, ast.Name):
                found |= {node.id} & (opening | {"eval", "exec"})
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names}
                found |= (names | {getattr(node, "module", None)}) & (opening | modules)
                found |= names & {"decode"} if getattr(node, "module", None) == "experiments.store.chunks" else set()
        assert found == allowed.get(path.name, set()), path


def test_a_file_that_announces_too_much_is_refused(monkeypatch):
    vast = encode(xr.Dataset({"a": ("x", np.zeros(10**6))}), compress=True)
    monkeypatch.setattr(store, "LIMIT", 10**6)
    assert len(vast) < 10**5
    with pytest.raises(ValueError, match="announces 8000000 bytes of data, the limit is 1000000"):
        decode(vast)


# ---------------------------------------------------------------- chunks


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


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A folder with two sound chunks."""
    folder = tmp_path_factory.mktemp("pair")
    Chunks(folder, "f").map(Counting(), {"a": (1,), "b": (2,)})
    return folder


@pytest.mark.parametrize(
    ("damage", "place"),
    [*product(["truncated", "bit flipped"], [0.0, 0.3, 0.7, 0.999]), ("appended", 1.0)],  # at 0.0 nothing is left
)
def test_damage_is_noticed_and_repaired(pair, tmp_path, caplog, damage, place):
    folder, count = shutil.copytree(pair, tmp_path / "chunks"), Counting()
    chunks = Chunks(folder, "f")
    path = next(folder.glob("a-*.nc"))
    content = bytearray(path.read_bytes())
    at = int(place * len(content))
    if damage == "truncated":
        del content[at:]
    elif damage == "bit flipped":
        content[at] ^= 1 << (at % 8)
    else:
        content += b"\0"
    path.write_bytes(bytes(content))
    with caplog.at_level(logging.WARNING, logger="experiments"):
        again = chunks.map(count, {"a": (1,), "b": (2,)})
    assert count.asked == [1]
    assert again["a"].identical(sample(1)) and again["b"].identical(sample(2))
    assert "checksum does not match; moved to " in caplog.text
    (aside,) = (folder / "quarantine").iterdir()
    assert aside.name == path.name and aside.read_bytes() == bytes(content)
    assert chunks.map(count, {"a": (1,)})["a"].identical(sample(1)) and count.asked == [1]


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


def test_kinds_and_precision_of_numbers_count_and_how_texts_are_held_does_not():
    """Equal values are not enough: what is read back has the same type, whatever its byte order."""
    single, double = (xr.Dataset({"x": ("n", np.array([1.0, 2.0], kind))}) for kind in ("f4", "f8"))
    assert store._changed(single, double) == ["x"] and store._changed(double, double) == []
    assert store._changed(double, xr.Dataset({"x": ("n", np.array([1.0, 2.0], ">f8"))})) == []
    short, objects = (xr.Dataset({"s": ("n", np.array(["a", "b"], kind))}) for kind in ("U1", object))
    assert store._changed(short, objects) == [] == store._changed(objects, short)


def test_what_changes_is_named():
    data = xr.Dataset({"x": ("n", [1.0, 2.0], {"unit": "m"})}, {"n": [0, 1]}, {"of": "a"})
    assert store._changed(data, data) == []
    assert store._changed(data, data.drop_vars("x")) == ["x"]
    assert store._changed(data.drop_vars("x"), data) == ["x"]
    assert store._changed(data, data.assign(x=data.x + 1)) == ["x"]
    assert store._changed(data, data.assign(x=("n", data.x.values, {"unit": "s"}))) == ["x"]
    assert store._changed(data, data.assign(x=("n", data.x.values, {"unit": "m", "more": 1}))) == ["x"]
    assert store._changed(data, data.set_coords("x")) == ["x"]
    assert store._changed(data, data.assign_attrs(of="b")) == ["attribute of"]
    assert store._changed(data, data.drop_attrs(deep=False)) == ["attribute of"]
