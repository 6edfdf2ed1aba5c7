"""Compiled code on disk: a second process finds it, damage is noticed, and no place to keep it is no error."""

import json
import os
import shutil
import subprocess
import sys
import warnings
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest

import vradam
from vradam import simulation
from vradam.engine import disk_cache, intrinsics, single, specialise
from vradam.objectives.elementary import multiply_add

CODE = """
import json, numpy as np, vradam
from vradam.engine.specialise import _compiled
bowl, optimizer = vradam.objectives.log_cosh(3), vradam.VRAdam(alpha0=0.01)
run = vradam.simulate(optimizer, bowl, np.ones((20, 3)), 10, engine="compiled")
kept = [function.stats for function in _compiled.values() if function.stats.cache_path]
hits = sum(sum(stats.cache_hits.values()) for stats in kept)
misses = sum(sum(stats.cache_misses.values()) for stats in kept)
print(json.dumps([hits, misses, run.final_x.tobytes().hex()]))
"""


def started(place, cache):
    """In a folder of no package: a process finds what lies in its own folder first."""
    return subprocess.Popen(
        [sys.executable, "-c", CODE], cwd=cache.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(place), "NUMBA_CACHE_DIR": str(cache)},
    )  # fmt: skip


def ended(process):
    """(found on disk, compiled, the bits of the result, what was said)."""
    told, said = process.communicate()
    assert process.returncode == 0, said
    return *json.loads(told), said


def test_two_processes_of_two_clones_compile_everything_once(tmp_path):
    """Who comes second waits, and reads it: names are digests of the code, without a place or a time of change."""
    package = Path(vradam.__file__).parent
    shutil.copytree(package, tmp_path / "clone" / "vradam", ignore=shutil.ignore_patterns("__pycache__"))
    here, there = (package.parent, tmp_path / "cache"), (tmp_path / "clone", tmp_path / "cache")
    (hits, misses, *rest), (other_hits, other_misses, *other_rest) = map(ended, [started(*here), started(*there)])
    assert misses + other_misses == len(list(tmp_path.rglob("*.sha256"))) > 5 and hits + other_hits > 5
    assert rest == other_rest == [rest[0], ""] and not list(tmp_path.rglob("*.lock"))
    hits, misses, *again = ended(started(*here))
    assert hits > 5 and misses == 0 and again == rest


def test_who_does_not_get_the_lock_compiles_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_cache, "PATIENCE", 0.05)
    monkeypatch.setattr(disk_cache.file_lock, "take", lambda descriptor: False)
    monkeypatch.setattr(specialise, "_compiled", {})
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    numba.config.reload_config()
    try:
        x = np.ones(3)
        specialise.specialise(squared_apart, {})(found := np.ones(3), x)
    finally:
        monkeypatch.undo()
        numba.config.reload_config()
    assert not found.any()


def test_what_cannot_be_kept_is_compiled_all_the_same():
    """Such as code with a large array of its own, or all that is not optimized (NUMBA_OPT=0): Numba names the file."""
    large = np.arange(200_000.0)
    taken = disk_cache.kept(numba.njit(lambda k: large[k]))
    with pytest.warns(numba.NumbaWarning, match="Cannot cache compiled function") as said:
        assert taken(3) == 3.0
    assert [Path(warning.filename) for warning in said] == [Path(__file__)] and not disk_cache.on_disk(taken)


def scaled(x, g, parameters):
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            g[i, j] = FACTORS[0] * constants.FACTOR * factor(x[i, j])


def factor(x):
    return 2.0 * x


FACTORS = np.ones(2)
constants = ModuleType("constants")
constants.FACTOR = 3.0


def test_the_digest_sees_whatever_enters_the_code():
    """Globals, arrays among them; what a module has; what is called; how the compiler is asked."""

    def other(x):
        return 3.0 * x

    changed = ModuleType("constants")
    changed.FACTOR = 4.0
    digests = [
        specialise.digest(scaled, {}), specialise.digest(scaled, {"FACTORS": 2 * FACTORS}),
        specialise.digest(scaled, {"constants": changed}), specialise.digest(scaled, {"factor": other}),
        specialise.digest(scaled, {}, (factor,)), specialise.digest(scaled, {}, (), (factor,)),
    ]  # fmt: skip
    assert len(set(digests)) == len(digests)
    assert specialise.digest(scaled, {"FACTORS": FACTORS.copy()}) == digests[0]


def squared_apart(found, x):
    """What rounding a square loses, where multiplying and adding is one operation."""
    for i in range(x.size):
        square = x[i] * x[i]
        found[i] = multiply_add(x[i], x[i], -square)


def test_multiplying_and_adding_is_rounded_once():
    """The error of a square is a double, exactly, of which a rounding in between leaves nothing."""
    x = np.random.default_rng(1).normal(size=50)
    found, plain = np.empty((2, x.size))
    specialise.specialise(squared_apart, {})(found, x)
    squared_apart(plain, x)
    assert [Fraction(lost) for lost in found] == [Fraction(a) ** 2 - Fraction(a * a) for a in x]
    assert found.any() and not plain.any()


def test_the_digest_sees_what_an_intrinsic_does(monkeypatch):
    def another(maker):
        def fused_multiply_add(typing_context, a, b, c):
            return None

        return lambda: type("Intrinsic", (), {"__name__": maker().__name__, "_defn": fused_multiply_add})()

    before = specialise.digest(squared_apart, {})
    assert before == specialise.digest(squared_apart, {})
    maker = intrinsics.INTRINSICS[multiply_add]
    monkeypatch.setitem(intrinsics.INTRINSICS, multiply_add, another(maker))
    assert specialise.digest(squared_apart, {}) != before


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """Call a small kernel as a new process would: (found on disk, compiled, its result)."""
    numba = pytest.importorskip("numba")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def call():
        monkeypatch.setattr(specialise, "_compiled", {})
        kernel, x = specialise.specialise(single.move, {}), np.ones(3)
        kernel(x, np.ones(3), np.full(3, 4.0), np.empty(0), 1.0, 0.5, 0.0, 0, 1)
        return sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()), x[0]

    return call


@pytest.mark.parametrize("suffix", ["nbc", "nbi", "sha256"])
def test_damaged_code_is_compiled_again_and_then_found(suffix, compiled, tmp_path):
    assert compiled() == (0, 1, 0.75)
    (path,) = tmp_path.rglob(f"*.{suffix}")
    for damage in ("a bit", "the end", "all of it", "the file"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        damaged = {"a bit": content, "the end": content[:-7], "all of it": b""}
        path.unlink() if damage == "the file" else path.write_bytes(damaged[damage])
        assert compiled() == (0, 1, 0.75), damage
        assert compiled() == (1, 0, 0.75), damage


def test_where_nobody_names_a_folder_one_is_found(compiled, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    compiled()
    assert compiled() == (1, 0, 0.75)


def test_code_that_cannot_be_unpickled_is_compiled_again(compiled, tmp_path, monkeypatch):
    """Sound bytes, but made with another version of something: said, and compiled."""
    assert compiled() == (0, 1, 0.75)
    with monkeypatch.context() as patch, pytest.warns(UserWarning, match="cannot be read .* compiling"):
        patch.setattr("numba.core.caching.IndexDataCacheFile.load", lambda self, key: 1 / 0)
        assert compiled() == (0, 1, 0.75)
    assert compiled() == (1, 0, 0.75)


def test_a_disk_that_is_full_or_read_only_is_said_once(compiled, monkeypatch):
    def full(self, name, data):
        raise OSError(28, "No space left on device")

    disk_cache._once.cache_clear()
    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._save_data", full)
    with pytest.warns(RuntimeWarning, match="compiled code is not kept on disk, .* No space left") as said:
        assert compiled() == compiled() == (0, 1, 0.75)
    assert len(said) == 1
    disk_cache._once.cache_clear()


def test_where_no_folder_can_be_written_every_process_compiles_and_says_so_once(compiled, monkeypatch):
    """As in a container, or where an administrator installed the package."""
    disk_cache._once.cache_clear()
    monkeypatch.setattr(disk_cache._checked_cache()._impl_class, "_locator_classes", [])
    with pytest.warns(RuntimeWarning, match="compiled code is not kept on disk, .* no locator available") as said:
        assert compiled() == compiled() == (0, 1, 0.75)
    assert len(said) == 1
    disk_cache._once.cache_clear()


def test_numpy_does_the_work_where_numba_cannot_be_imported(monkeypatch):
    """For instance where it does not know this version of NumPy yet."""
    disk_cache.numba_works.cache_clear()
    monkeypatch.setattr(simulation, "WORTH_COMPILING", 1)
    monkeypatch.setitem(sys.modules, "numba", None)  # importing it raises ModuleNotFoundError
    assert not disk_cache.numba_works()
    bowl = vradam.objectives.quadratic([1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vradam.simulate(vradam.VRAdam(), bowl, [1.0], steps=20, every=0)
    disk_cache.numba_works.cache_clear()


def test_without_compiling_there_is_nothing_to_keep():
    """NUMBA_DISABLE_JIT=1: the same numbers from the interpreted kernels."""
    bowl = "vradam.objectives.quadratic([1.0, 10.0])"
    run = f"vradam.simulate(vradam.VRAdam(), {bowl}, [1.0, 1.0], 20, engine='compiled').value[-1]"
    words = [sys.executable, "-c", f"import vradam; print({run})"]
    off = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    interpreted = subprocess.run(words, env=off, capture_output=True, text=True, check=True).stdout
    assert float(interpreted) == pytest.approx(eval(run), rel=1e-12)
