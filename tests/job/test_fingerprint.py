"""A setup, code or environment that changed has another fingerprint; comments and what is not imported do not count."""

import ast
import importlib
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import theory
from experiments.catalogue import catalogue
from experiments.examinations import content, modules
from experiments.store import environment, imported
from experiments.store import fingerprint as module
from experiments.store.environment import VARIABLES, versions
from experiments.store.fingerprint import changed, code_digest, fingerprint, origin, plain, recipe

VERDICT = "experiments.measurement.statistics"


@dataclass(frozen=True)
class Grid:
    points: int = 3


@dataclass(frozen=True)
class Setup:
    seed: int = 0
    alpha1: float = math.inf
    sizes: tuple[int, ...] = (10, 100)
    grid: Grid = Grid()


@dataclass(frozen=True)
class Other:
    seed: int = 0
    alpha1: float = math.inf
    sizes: tuple[int, ...] = (10, 100)
    grid: Grid = Grid()


def test_every_field_of_a_setup_counts():
    setups = [
        Setup(),
        Setup(seed=1),
        Setup(alpha1=10.0),
        Setup(sizes=(10,)),
        Setup(sizes=(100, 10)),
        Setup(grid=Grid(4)),
        Setup(alpha1=math.nan),
        Setup(alpha1="inf"),
        Other(),
    ]
    prints = [fingerprint(setup, VERDICT) for setup in setups]
    assert len(set(prints)) == len(setups)
    assert fingerprint(Setup(), VERDICT) == prints[0]
    assert all(len(mark) == 16 and int(mark, 16) >= 0 for mark in prints)


def test_a_setup_holds_plain_things_only():
    assert plain(Setup()) == {
        "class": f"{__name__}.Setup",
        "seed": 0,
        "alpha1": {"float": "inf"},
        "sizes": [10, 100],
        "grid": {"class": f"{__name__}.Grid", "points": 3},
    }
    assert plain({"b": np.float64(0.5), "a": None}) == {"a": None, "b": 0.5}
    with pytest.raises(TypeError, match=r"setup.sizes\[1\] must be made of numbers.*, got ndarray"):
        plain(Setup(sizes=(1, np.zeros(2))))
    with pytest.raises(TypeError, match=r"setup.alpha1 must be made of numbers.*, got function"):
        plain(Setup(alpha1=lambda t: t))
    with pytest.raises(TypeError, match="got bool"):
        plain(np.bool_(True))
    with pytest.raises(TypeError, match="got dict"):
        plain({"a": 1, 2: 3})


PARTS = ("code", "environment", "modules", "setup")


def test_a_fingerprint_knows_code_and_versions():
    made = recipe(Setup(), "experiments.store.chunks")
    assert tuple(sorted(made)) == PARTS
    assert {"python", "numpy", "xarray", "h5netcdf", "machine", "cpu"} <= set(made["environment"])
    assert "experiments.store.chunks" in made["code"] and "experiments.job" not in made["code"]


# ---------------------------------------------------------------- code

CODE = '''
"""A stem."""
from typing import TYPE_CHECKING
from toy_room.helper import rate
from . import beside
from .deep import within
if TYPE_CHECKING:
    from toy_room.typed import Kind
LIMIT = 3


def run():
    """Do it."""
    import importlib
    table = (__file__, "table.csv")
    return rate() * LIMIT, importlib.import_module("toy_room.named"), beside, within  # as the theorem says
'''
FILES = {
    "__init__.py": "HERE = 1\nimport pkgutil, importlib\n"
    "def all_of_them():\n    return [importlib.import_module(f'toy_room.{m}') for m in ()]\n",
    "stem.py": CODE,
    "helper.py": "def rate():\n    from toy_room import deeper\n    return 0.5 * deeper.ONE\n",
    "deeper.py": "ONE = 1\n",
    "beside.py": "ONE = 1\n",
    "deep/__init__.py": "from ..above import ONE\n",
    "deep/within.py": "from . import sibling\n",
    "deep/sibling.py": "ONE = 1\n",
    "deep/weights.bin": "1",
    "above.py": "ONE = 1\n",
    "named.py": "ONE = 1\n",
    "typed.py": "ONE = 1\n",
    "unused.py": "ONE = 1\n",
    "table.csv": "1",
    ".hidden": "1",
    "old.csv~": "1",
    "work.py.orig": "1",
}


@pytest.fixture
def toy_room(tmp_path, monkeypatch):
    """A package, and its digest as a process would see it that starts now."""
    room = tmp_path / "toy_room"
    (room / "deep").mkdir(parents=True)
    for name, text in FILES.items():
        (room / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def digest():
        sys.modules.pop("toy_room", None)
        importlib.invalidate_caches()
        for path in [path for path in imported._seen if path.is_relative_to(room)]:
            del imported._seen[path]
        origin.cache_clear()
        return code_digest("toy_room.stem")

    return room, digest


@pytest.mark.parametrize(
    ("file", "old", "new", "counts"),
    [
        ("stem.py", "LIMIT = 3", "LIMIT = 4", True),
        ("stem.py", "rate() * LIMIT", "rate() / LIMIT", True),
        ("helper.py", "0.5", "0.25", True),
        ("deeper.py", "1", "2", True),
        ("beside.py", "1", "2", True),
        ("above.py", "1", "2", True),
        ("deep/sibling.py", "1", "2", True),
        ("named.py", "1", "2", True),
        ("__init__.py", "HERE = 1", "HERE = 2", True),
        ("table.csv", "1", "2", True),
        ("deep/weights.bin", "1", "2", True),
        ("typed.py", "1", "2", False),
        ("unused.py", "1", "2", False),
        (".hidden", "1", "2", False),
        ("old.csv~", "1", "2", False),
        ("work.py.orig", "1", "2", False),
        ("stem.py", "# as the theorem says", "# checked twice", False),
        ("stem.py", '"""Do it."""', '"""Do it well."""', False),
        ("stem.py", "\n\n\ndef", "\n\ndef", False),
    ],
)
def test_code_counts_and_comments_do_not(toy_room, file, old, new, counts):
    """The digest follows imports, also lazy and relative ones and those of a text, and sees what the code does."""
    room, digest = toy_room
    before = digest()
    assert old in FILES[file]
    (room / file).write_text(FILES[file].replace(old, new), encoding="utf-8")
    assert (digest() != before) == counts


def test_what_is_discovered_by_folder_stales_nothing(toy_room):
    room, digest = toy_room
    before = digest()
    (room / "claim.py").write_text("ONE = 1\n")
    assert digest() == before
    (room / "more.csv").write_text("1")
    assert digest() != before


def test_what_changed_is_named(toy_room):
    room, digest = toy_room
    digest()
    before = dict(origin("toy_room.stem").code)
    assert changed(before, "toy_room.stem") == []
    (room / "deeper.py").write_text("ONE = 2\n")
    (room / "table.csv").unlink()
    (room / "stem.py").write_text(CODE.replace("from . import beside", "beside = 1"))
    digest()
    assert changed(before, "toy_room.stem") == [
        "toy_room.beside",
        "toy_room.deeper",
        "toy_room.stem",
        "toy_room/table.csv",
    ]


def test_code_is_spelt_alike_by_every_version_of_python():
    """Versions differ in the fields of their trees (``type_params``, ``kind``), which are empty here."""
    words = []
    imported._spell(
        ast.parse('"""Text."""\ndef f(x: int = -1):\n    """More."""\n    return None if x else u"a"\n'), words
    )
    assert " ".join(words) == (
        "Module body [ FunctionDef name 'f' args arguments args [ arg arg 'x' annotation Name id 'int' ) ) ] "
        "defaults [ UnaryOp op USub ) operand Constant value 1 ) ) ] ) body [ Return value IfExp "
        "test Name id 'x' ) body Constant ) orelse Constant value 'a' ) ) ) ] ) ] )"
    )


def test_a_study_rests_on_what_it_imports():
    """Not on claims of other stems, nor on the rule that reads finished results."""
    code = origin("experiments.studies.gate").code
    assert {"vradam.optimizer", "vradam.engine.tile", "theory.claims.gate", "experiments.store.chunks"} <= set(code)
    assert not {"theory.claims.convergence", "theory.claims.cycles", "experiments.measurement.verdict"} & set(code)
    assert not [name for name in code if name.startswith("theory.certificates/")]
    cycles = origin("experiments.studies.cycles").code
    assert "theory.certificates/cycle_90.json" in cycles and "theory.certificates/gates_sawtooth_50.json" not in cycles


def test_a_module_comes_with_the_packages_around_it():
    """Importing it runs them, whoever imports them otherwise."""
    assert {"vradam", "vradam.engine", "vradam.engine.rows"} <= set(origin("vradam.engine.rows").code)


def test_an_examination_rests_on_its_own_claim():
    """And on the certificates that it names."""
    claims = {claim.id: claim for claim in theory.CLAIMS}
    code = {name: set(origin(*modules(claim)).code) for name, claim in claims.items()}
    assert {"theory.claim", "theory.claims.gate", "theory.certificates.check"} <= code["G1"]
    assert not {name for name in code["G1"] if name.startswith(("theory.claims.c", "theory.certificates/"))}
    assert "theory.claims.cycles.below_edge" in code["S3b"]
    assert {f"theory.certificates/{item.name}.json" for item in claims["S3b"].certificates} <= code["S3b"]
    assert len({str(content(claim)) for claim in claims.values()}) == len(claims)
    assert set(content(claims["S3b"])["certificates"]) == {item.name for item in claims["S3b"].certificates}
    assert "absent" not in {digest for digest, _ in content(claims["S3b"])["certificates"].values()}


# ---------------------------------------------------------------- environment


@pytest.mark.parametrize("library", ["numpy", "scipy", "numba", "llvmlite", "xarray", "h5netcdf", "h5py", "mpmath"])
def test_versions_count_where_they_are_used(monkeypatch, library):
    before = fingerprint(Setup(), "experiments.studies.bias")
    real = environment.version
    monkeypatch.setattr(environment, "version", lambda name: "9.9.9" if name == library else real(name))
    environment._version.cache_clear()
    origin.cache_clear()
    assert fingerprint(Setup(), "experiments.studies.bias") != before
    assert code_digest("experiments.studies.bias") == code_digest("experiments.studies.bias")
    monkeypatch.undo()
    environment._version.cache_clear()
    origin.cache_clear()
    assert fingerprint(Setup(), "experiments.studies.bias") == before


def test_jax_counts_for_the_networks_alone():
    assert {"jax", "jaxlib", "scikit-learn"} <= set(origin("experiments.studies.tasks").environment)
    assert "jax" not in origin("experiments.studies.gate").environment


@pytest.mark.parametrize(
    ("variable", "counts"),
    [(name, True) for name in ("NUMBA_DISABLE_JIT", "NUMBA_CPU_NAME", "NUMBA_OPT", "XLA_FLAGS", "OPENBLAS_CORETYPE")]
    + [(name, False) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "TZ", "LANG", "PYTHONOPTIMIZE", "HOME")],
)
def test_variables_count_that_change_what_is_computed(monkeypatch, variable, counts):
    def found():
        return environment.environment(["numpy"])

    monkeypatch.delenv(variable, raising=False)
    before = found()
    monkeypatch.setenv(variable, "1")
    assert (found() != before) == counts == (variable in VARIABLES)


def test_the_machine_counts_and_its_code_does_not(monkeypatch):
    before = origin("experiments.studies.gate")
    monkeypatch.setattr(environment, "_cpu", lambda: "another processor")
    origin.cache_clear()
    other = origin("experiments.studies.gate")
    origin.cache_clear()
    assert other.code == before.code and other.environment["cpu"] == "another processor"
    assert environment.environment([])["cpu"] != before.environment["cpu"]


def test_an_absent_library_is_said_to_be_absent():
    assert versions(["no-such-library"]) == {
        "python": ".".join(map(str, sys.version_info[:3])),
        "no-such-library": "absent",
    }


# ---------------------------------------------------------------- the code that ran


def test_an_edit_that_is_taken_back_is_seen(toy_room):
    room, digest = toy_room
    digest()
    made = origin("toy_room.stem")
    assert made.touched() == [] == made.differences()
    (room / "deeper.py").write_text("ONE = 2\n")
    (room / "deeper.py").write_text(FILES["deeper.py"])
    assert made.touched() == ["toy_room.deeper"] == made.differences()
    (room / "table.csv").unlink()
    assert set(made.touched()) == {"toy_room.deeper", "toy_room/table.csv"}


def test_another_process_names_what_is_otherwise_there(toy_room, monkeypatch):
    """Modules by their names, libraries with both versions; other comments are the same code."""
    room, digest = toy_room
    digest()
    made = origin("toy_room.stem")
    (room / "deeper.py").write_text("ONE = 2\n")
    (room / "helper.py").write_text(FILES["helper.py"] + "# a comment\n")
    digest()  # as a process does that starts now
    assert made.differences() == ["toy_room.deeper"]
    monkeypatch.setattr(module, "environment", lambda libraries: dict(made.environment) | {"python": "2.7", "NEW": "1"})
    new, python = [text for text in made.differences() if " is " in text]
    assert new == "NEW is 1, not unset" and python == f"python is 2.7, not {made.environment['python']}"


def test_all_code_is_looked_at_before_any_is_imported():
    root = Path(imported.__file__).parents[2]
    found = {path for package in imported.PACKAGES for path in (root / package).rglob("*.py")}
    assert found <= set(imported._seen)
    assert all(imported._seen[path].is_untouched for path in found)
    assert {root / "theory" / "certificates" / "cycle_90.json"} <= set(imported._seen)


def test_names_that_are_no_files_have_none():
    assert imported.file_of("no_such_package.part") is None
    assert imported.file_of("experiments.no_such_module") is None
    assert imported.file_of("theory.certificates/no_such.json") is None
    assert imported.file_of("__main__") is None or os.fspath(imported.file_of("__main__"))
    assert imported.file_of("theory.certificates/cycle_90.json").name == "cycle_90.json"
    assert imported.file_of("experiments.store").name == "__init__.py"


def test_every_study_has_a_fingerprint_of_its_own():
    stems = [stem for stem in catalogue().stems if stem.study]
    assert len({fingerprint(stem.study.paper, stem.module) for stem in stems}) == len(stems)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import_module('a.b')", ["a.b"]), ("importlib.import_module('a.b')", ["a.b"]), ("__import__('a')", ["a"]),
        ("print('a.b')", []), ("import_module(3)", []), ("import_module(name)", []), ("import_module()", []),
        ("from . import a", [".a"]), ("from ..a import b as c", ["..a.b"]), ("import a.b, c as d", ["a.b", "c"]),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", ["b"]), ("if a:\n    import b", ["b"]),
    ],
)  # fmt: skip
def test_what_a_text_imports(text, found):
    """``import_module`` and ``__import__`` of a text are imports; a text handed to anything else is none."""
    assert sorted(imported._imports(ast.parse(text))) == sorted(found)


def test_a_file_that_is_gone_is_not_as_it_was(tmp_path):
    (tmp_path / "a.py").write_text("ONE = 1\n")
    seen = imported.source(tmp_path / "a.py")
    assert seen.is_untouched
    (tmp_path / "a.py").unlink()
    assert not seen.is_untouched
