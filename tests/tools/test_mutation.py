"""The mutants of ``tests/tools/mutation.py``: the changes that matter, each a program of its own, and nothing else."""

import ast
import importlib
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
mutation = importlib.import_module("mutation")
mutation_score = importlib.import_module("mutation_score")
mutants = importlib.import_module("mutants")

TEXT = '''
"""Text of 3 words."""
from math import sqrt
LIMIT: int = 3
RATE = 2 * LIMIT


def half(x: float, share: float = 0.5) -> float:
    """Half + more: 2."""
    if x is None or not x:
        raise ValueError(f"x must be > {0}, got {x + 1}")
    return max(x, -1.0) * share ** 2 if x <= LIMIT else "a" + "b"
'''

EXPECTED = [
    "module: LIMIT: int = 3 -> LIMIT: int = 4",
    "module: 2 * LIMIT -> 2 / LIMIT",
    "module: 2 * LIMIT -> 3 * LIMIT",
    "half: x: float, share: float=0.5 -> x: float, share: float=0.51",
    "half: x is None or not x -> not (x is None or not x)",
    "half: x is None or not x -> x is None and (not x)",
    "half: x is None -> x is not None",
    "half: not x -> not not x",
    "half: x <= LIMIT -> x < LIMIT",
    "half: x <= LIMIT -> x >= LIMIT",
    "half: max(x, -1.0) * share ** 2 -> max(x, -1.0) / share ** 2",
    "half: max(x, -1.0) -> min(x, -1.0)",
    "half: -1.0 -> +1.0",
    "half: -1.0 -> -1.02",
    "half: share ** 2 -> share * 2",
    "half: share ** 2 -> share ** 3",
]


@cache
def names_of(module):
    text = (mutation.ROOT / module).read_text(encoding="utf-8")
    return mutants.names(module, text)


def test_every_formula_and_comparison_is_changed_and_nothing_else():
    assert sorted(mutant.name for mutant in mutation.mutants("toy.py", TEXT)) == sorted(EXPECTED)


STUDY_TEXT = """
@dataclass
class Setup:
    seeds: int = 12

    def doubled(self):
        return 2 * self.seeds


LIMIT = 3
DEFAULT = Setup(3)
PAPER: Final = Setup(seeds=64)
"""


def test_what_a_study_chooses_is_left_alone():
    """It is recorded with every result. Its formulas are not, nor is a module that is no study."""
    names = [mutant.name for mutant in mutation.mutants("experiments/studies/toy.py", STUDY_TEXT)]
    assert names == [
        "Setup.doubled: 2 * self.seeds -> 2 / self.seeds",
        "Setup.doubled: 2 * self.seeds -> 3 * self.seeds",
        "module: LIMIT = 3 -> LIMIT = 4",
    ]
    assert len(mutation.mutants("vradam/toy.py", STUDY_TEXT)) == 6


UNCHANGING = """
class Shape(Protocol):
    def area(self, scale: float = 1.5) -> float:
        "Of the whole."

    def edge(self, scale: float = 1.5) -> float: ...

    def ring(self, scale: float = 1.5) -> float:
        "Of the rim."
        return scale


def run(x, y):
    for row in zip(x, y, strict=True):
        show(row, leave=False, depth=2, flag=True)
    if os.name == 'nt':
        lock(2)
    else:
        lock(3)
    return x.reshape(-1, 7), np.maximum(y[-1], 1e-300), 1e-20
"""


def test_what_its_form_shows_to_change_nothing_is_left_alone(monkeypatch):
    """Each kind, and just that: its neighbours are changed."""
    monkeypatch.setattr(mutation.os, "name", "posix")
    names = [mutant.name for mutant in mutation.mutants("toy.py", UNCHANGING)]
    assert names == [
        "Shape.ring: self, scale: float=1.5 -> self, scale: float=1.53",
        "run: depth=2 -> depth=3",
        "run: flag=True -> flag=False",
        "run: os.name == 'nt' -> os.name != 'nt'",
        "run: lock(3) -> lock(4)",
        "run: -1 -> +1",
        "run: x.reshape(-1, 7) -> x.reshape(-1, 8)",
        "run: np.maximum(y[-1], 1e-300) -> np.minimum(y[-1], 1e-300)",
        "run: -1 -> +1 (2)",
        "run: -1 -> -2",
        "run: (x.reshape(-1, 7), np.maximum(y[-1], 1e-300), 1e-20) -> "
        "(x.reshape(-1, 7), np.maximum(y[-1], 1e-300), 1.02e-20)",
    ]
    monkeypatch.setattr(mutation.os, "name", "nt")
    windows = [mutant.name for mutant in mutation.mutants("toy.py", UNCHANGING)]
    assert set(windows) ^ set(names) == {"run: lock(3) -> lock(4)", "run: lock(2) -> lock(3)"}


def test_the_score_is_of_the_mutants_that_change_something():
    """Of ten drawn six are killed, two are equal, one is judged otherwise and one not at all: 6/8."""
    dead, left = [f"f: {i}" for i in range(6)], [f"g: {i}" for i in range(4)]
    survivors = [mutation.Mutant("vradam/a.py", name, 1, "") for name in left]
    module = mutation.Module("vradam/a.py", "", [], killed=dict.fromkeys(dead, "a test"), survivors=survivors)
    known = {left[0]: "equal: 0", left[1]: "equal to rounding", left[2]: "a choice, not equal", dead[3]: "equal: so?"}
    count = mutation_score.count(module, known)
    assert count == mutation_score.Count(drawn=10, killed=6, equal=2, otherwise=1, unjudged=1)
    assert count.share == "75.0%"
    assert mutation_score.misjudged(module, known) == {dead[3]: "a test"}
    nothing = mutation_score.count(mutation.Module("vradam/b.py", "", []), {})
    assert (nothing.share, count + nothing, (count + count).share) == ("-", count, "75.0%")
    assert (count + mutation_score.Count(2, 2)).share == "80.0%"


def test_so_many_mutants_of_each_package_are_drawn():
    found = {name: mutation.mutants(name, TEXT) for name in ("vradam/a.py", "vradam/b.py", *mutation.NUMBERS)}
    for number in (12, 40):
        chosen = mutation.drawn(found, number, mutation.random.Random(1))
        assert chosen == mutation.drawn(found, number, mutation.random.Random(1))
        assert len(chosen["vradam/a.py"]) + len(chosen["vradam/b.py"]) == min(number, 2 * len(EXPECTED))
        assert sum(len(chosen[name]) for name in mutation.NUMBERS) == max(number, 30)
        assert all(len(chosen[name]) >= 10 for name in mutation.NUMBERS)
        assert all(len({mutant.name for mutant in some}) == len(some) for some in chosen.values())


def test_every_module_that_is_listed_has_tests_that_exist():
    for module, tests in mutation.TESTS.items():
        assert (mutation.ROOT / module).is_file()
        for test in tests:
            path, _, name = test.partition("::")
            text = (mutation.ROOT / path).read_text(encoding="utf-8")
            assert not name or f"def {name.partition('[')[0]}(" in text, test


def test_every_mutant_is_a_program_with_one_change():
    original = ast.dump(ast.parse(TEXT))
    for mutant in mutation.mutants("toy.py", TEXT):
        assert ast.dump(ast.parse(mutant.source)) != original
    assert ast.dump(ast.parse(TEXT)) == original


@pytest.mark.parametrize("module", mutation.TARGETS)
def test_mutants_have_names_of_their_own(module):
    """So that a reason belongs to one of them."""
    names = names_of(module)
    assert len(set(names)) == len(names) > 10


def test_reasons_are_about_mutants_that_exist():
    for module, known in mutation_score.reasons().items():
        assert set(known) <= set(names_of(module)), module
        assert all(reason.strip() for reason in known.values())


def test_tests_that_are_asked_exist():
    for module, tests in mutation.TESTS.items():
        assert (mutation.ROOT / module).is_file()
        for test in tests:
            path, _, name = test.partition("::")
            text = (mutation.ROOT / path).read_text(encoding="utf-8")
            assert f"def {name.partition('[')[0]}(" in text if name else text


TOY = """
import mutation, sys
from pathlib import Path
if __name__ == "__main__":
    mutation.ROOT = Path(sys.argv[1])
    mutation.TESTS = {"vradam/toy.py": ["tests/test_toy.py"]}
    mutation._warm = lambda: None
    sys.exit(mutation.main(["vradam/toy.py", "--jobs", "1", "--json", "report.json"]))
"""


def test_a_mutant_that_no_test_notices_survives(tmp_path):
    """The whole way on a toy: of two changes one is noticed."""
    room = tmp_path / "rooms"
    (room / "vradam").mkdir(parents=True)
    for other in ("theory", "experiments", "paper_figures", "tests"):
        (room / other).mkdir()
    (room / "vradam" / "__init__.py").touch()
    (room / "vradam" / "toy.py").write_text("def third(x):\n    return x / 3 + 0\n", encoding="utf-8")
    check = "from vradam.toy import third\n\n\ndef test_third():\n    assert third(3) == 1\n"
    (room / "tests" / "test_toy.py").write_text(check, encoding="utf-8")
    (room / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = ["--import-mode=importlib"]\n')
    (room / "README.md").touch()
    (tmp_path / "toy.py").write_text(TOY, encoding="utf-8")
    words = [sys.executable, str(tmp_path / "toy.py"), str(room)]
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": path}, "capture_output": True, "text": True}
    done = subprocess.run(words, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["modules"]["vradam/toy.py"]
    assert [report[name] for name in ("mutants", "drawn", "killed", "equal", "unjudged")] == [4, 4, 3, 0, 1]
    assert [survivor["mutant"] for survivor in report["survivors"]] == ["third: x / 3 + 0 -> x / 3 - 0"]
    assert done.stdout.count("75.0%") == 2
