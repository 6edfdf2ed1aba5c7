"""A setup or code that changed has another fingerprint; comments and the order of files do not count."""

import importlib
import math
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from experiments.store.fingerprint import code_digest, fingerprint, plain, recipe


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
    prints = [fingerprint(setup, "experiments.measurement.verdict") for setup in setups]
    assert len(set(prints)) == len(setups)
    assert fingerprint(Setup(), "experiments.measurement.verdict") == prints[0]


def test_a_setup_holds_plain_things_only():
    assert plain(Setup()) == {
        "class": f"{__name__}.Setup",
        "seed": 0,
        "alpha1": {"float": "inf"},
        "sizes": [10, 100],
        "grid": {"class": f"{__name__}.Grid", "points": 3},
    }
    with pytest.raises(TypeError, match=r"setup.sizes\[1\] must be made of numbers.*, got ndarray"):
        plain(Setup(sizes=(1, np.zeros(2))))
    with pytest.raises(TypeError, match=r"setup.alpha1 must be made of numbers.*, got function"):
        plain(Setup(alpha1=lambda t: t))


PARTS = ("code", "libraries", "module", "setup")


def test_a_fingerprint_knows_code_and_versions():
    assert tuple(sorted(recipe(Setup(), "experiments.store.chunks"))) == PARTS
    assert {"python", "numpy", "numba", "sympy"} <= set(recipe(Setup(), "experiments.store.chunks")["libraries"])


CODE = '''
"""A stem."""
from toy_room.helper import rate
LIMIT = 3


def run():
    """Do it."""
    return rate() * LIMIT  # as the theorem says
'''


@pytest.mark.parametrize(
    ("file", "old", "new", "counts"),
    [
        ("stem.py", "LIMIT = 3", "LIMIT = 4", True),
        ("helper.py", "0.5", "0.25", True),
        ("deeper.py", "1", "2", True),
        ("unused.py", "1", "2", False),
        ("stem.py", "# as the theorem says", "# checked twice", False),
        ("stem.py", '"""Do it."""', '"""Do it well."""', False),
        ("stem.py", "\n\n\ndef", "\n\ndef", False),
    ],
)
def test_code_counts_and_comments_do_not(tmp_path, monkeypatch, file, old, new, counts):
    """The digest follows imports inside the room, also lazy ones, and sees what the code does."""
    room = tmp_path / "toy_room"
    room.mkdir()
    files = {
        "__init__.py": "",
        "stem.py": CODE,
        "helper.py": "def rate():\n    from toy_room import deeper\n    return 0.5 * deeper.ONE\n",
        "deeper.py": "ONE = 1\n",
        "unused.py": "ONE = 1\n",
    }
    for name, text in files.items():
        (room / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def digest():
        sys.modules.pop("toy_room", None)
        importlib.invalidate_caches()
        code_digest.cache_clear()
        return code_digest("toy_room.stem")

    before = digest()
    assert old in files[file]
    (room / file).write_text(files[file].replace(old, new), encoding="utf-8")
    assert (digest() != before) == counts
