"""The house rules: who may import whom, and what importing costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("vradam", "theory", "experiments", "paper_figures")
FORBIDDEN = {
    "vradam": {"theory", "experiments", "paper_figures", "notebooks", "tests", "matplotlib"},
    "theory": {"vradam", "experiments", "paper_figures", "notebooks", "tests", "matplotlib"},
    "experiments": {"notebooks", "tests", "matplotlib"},
    "paper_figures": {"vradam", "notebooks", "tests"},
}


def imports(path):
    """The dotted names that a module imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by full name"
            yield node.module


@pytest.mark.parametrize("room", ROOMS)
def test_nobody_imports_against_the_house_plan(room):
    """`vradam` and `theory` are two independent witnesses; figures draw from data; only entry points cross."""
    for path in (ROOT / room).rglob("*.py"):
        tops = {name.split(".")[0] for name in imports(path)}
        forbidden = set(FORBIDDEN[room])
        if path.name != "__main__.py":
            forbidden |= {"experiments": {"paper_figures"}, "paper_figures": {"experiments"}}.get(room, set())
        assert not tops & forbidden, f"{path.relative_to(ROOT)} imports {tops & forbidden}"


def reached(start):
    """The modules of theory that the modules ``start`` import by name, directly or through others."""
    found, waiting = set(), list(start)
    while waiting:
        name = waiting.pop()
        inside = ROOT.joinpath(*name.split("."))
        path = next((path for path in (inside.with_suffix(".py"), inside / "__init__.py") if path.is_file()), None)
        if path is None or name == "theory" or name in found:
            continue
        found.add(name)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names if alias.name.startswith("theory")]
            elif isinstance(node, ast.ImportFrom) and node.module.startswith("theory"):
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def test_search_and_verification_share_no_code():
    """What a search finds is verified by modules that import nothing but each other, and that no search imports."""
    folder = ROOT / "theory"
    checkers = {f"theory.{path.stem}" for path in folder.glob("check_*.py")}
    search = {"theory.search.certify_gates", "theory.search.joint_spectral_radius"}
    search |= {f"theory.search.{path.stem}" for path in (folder / "search").glob("*.py") if path.stem != "__init__"}
    assert {"theory.certificates.check", "theory.certificates.gates", "theory.certificates.cycles"} <= checkers
    assert {"theory.search.gates", "theory.search.cycles", "theory.search.matrices"} <= search
    assert reached(checkers) == checkers
    assert reached(search) == search | {"theory.search"}
    libraries = {name.split(".")[0] for module in checkers for name in imports(folder / f"{module[7:]}.py")}
    assert not libraries & {"sympy", "mpmath", "scipy"}


def test_importing_vradam_is_light():
    """Numba, SciPy, SymPy, xarray and matplotlib are imported when first needed, never by `import vradam`."""
    code = "import sys, vradam; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "vradam" in loaded
    assert not {"numba", "scipy", "sympy", "xarray", "matplotlib", "tqdm", "h5py"} & set(loaded)


def test_the_four_rooms_are_importable_from_any_folder(tmp_path):
    code = "import vradam, theory, experiments, paper_figures"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


@pytest.mark.parametrize("room", ROOMS)
def test_modules_stay_short(room):
    for path in (ROOT / room).rglob("*.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 450, f"{path.relative_to(ROOT)} has {lines} lines: which room is missing?"
