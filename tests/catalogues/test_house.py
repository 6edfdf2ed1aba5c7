"""The house rules: who may import whom, that nothing runs in a circle, and what importing costs."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("vradam", "theory", "experiments", "paper_figures")
#: Prefix -> what modules below it never import (a rule about a part of itself means other parts than that).
NEVER = {
    "vradam": "theory experiments paper_figures explorer matplotlib",
    "vradam.objectives": "vradam.engine vradam.simulation vradam.optimizer",
    "vradam.engine": "vradam.simulation",
    "theory": "vradam experiments paper_figures explorer matplotlib",
    "theory.certificates": "theory sympy mpmath scipy",
    "theory.search": "theory sympy",
    "theory.methods": "theory.claims",
    "experiments": "paper_figures explorer matplotlib",
    "experiments.store": "theory experiments",
    "experiments.measurement": "experiments.studies experiments.report experiments.job experiments.catalogue",
    "experiments.studies": "experiments.job experiments.catalogue experiments.results experiments.report",
    "experiments.report": "experiments.studies experiments.job",
    "paper_figures": "vradam experiments",
}
#: What else a package that imports only itself may use.
EXCEPTIONS = {
    ("theory.certificates", "theory.certificates"),
    ("theory.search", "theory.search"),
    ("experiments.store", "experiments.store"),
}
#: Libraries of networks, and who may import them.
NETWORKS = {"torch", "jax", "optax"}
WITH_NETWORKS = (
    "vradam.torch",
    "vradam.optax",
    "experiments.studies.tasks",
    "experiments.studies.source_edge",
    "experiments.studies.source",
    "experiments.studies.speed",
)

FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
}


def inside(name, prefix):
    return name == prefix or name.startswith(prefix + ".")


@cache
def imports(name):
    """The dotted names that a module imports, wherever in the file; ``from a import b`` is a.b if that is a module."""
    found = set()
    for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: import by full name"
            wholes = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {whole if whole in FILES else node.module for whole in wholes}
    return found


@pytest.mark.parametrize("prefix", NEVER)
def test_nobody_imports_against_the_house_plan(prefix):
    """`vradam` and `theory` are two independent sides; figures draw from data; only entry points cross."""
    below = [name for name in FILES if inside(name, prefix) and not name.endswith("__main__")]
    assert below
    for name in below:
        for other in imports(name):
            allowed = any(inside(name, a) and inside(other, b) for a, b in EXCEPTIONS if a == prefix)
            forbidden = any(inside(other, never) for never in NEVER[prefix].split())
            assert allowed or not forbidden, f"{name} imports {other}"


def test_nothing_imports_in_a_circle():
    """Imports inside functions count: a module can be read after everything that it needs."""
    graph = {name: {other for other in imports(name) if other in FILES and other != name} for name in FILES}
    assert len(list(TopologicalSorter(graph).static_order())) == len(FILES)


def test_networks_stay_where_they_are_used():
    """`import vradam` and the main job need neither torch nor JAX."""
    for name in FILES:
        if not any(inside(name, place) for place in WITH_NETWORKS):
            assert not {other.split(".")[0] for other in imports(name)} & NETWORKS, name


def test_studies_lean_on_few_others():
    """A study imports another only where it replays what that one found, or asks about its tasks."""
    studies = [name.split(".") for name in FILES if inside(name, "experiments.studies")]
    pairs = {
        (parts[2], other.split(".")[2])
        for parts in studies
        for other in imports(".".join(parts))
        if other.startswith("experiments.studies.") and other.split(".")[2] != parts[2]
    }
    assert pairs <= {
        ("smoothed_gate", "cycles"),
        ("tasks", "early_dip"),
        ("source_edge", "tasks"),
        ("source_tasks", "tasks"),
        ("source_tasks", "source_edge"),
        ("width", "sensitivity"),
        ("width", "tasks"),
    }


def test_importing_vradam_is_light_and_the_four_rooms_are_importable_from_any_folder(tmp_path):
    """Numba, SciPy, SymPy, xarray and matplotlib are imported when first needed, never by `import vradam`."""
    code = "import sys, vradam; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    words = [sys.executable, "-c", f"{code}; import theory, experiments, paper_figures"]
    loaded = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    assert "vradam" in loaded
    assert not {"numba", "scipy", "sympy", "xarray", "matplotlib", "tqdm", "h5py"} & set(loaded)


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_stay_short(package):
    for path in (ROOT / package).rglob("*.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 450, f"{path.relative_to(ROOT)} has {lines} lines: which room is missing?"
