"""The recipes of CONTRIBUTING, followed in a copy: what is dropped in is found, what is wrong turns something red."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.skeleton import write

ROOT = Path(__file__).parents[2]
CLOSES, OPEN = 0, 1


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the project with the skeleton of a new claim, stem ``tried`` and id S99."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("vradam", "theory", "experiments", "paper_figures", "tests"):
        unneeded = shutil.ignore_patterns("gallery", "reference", "*.nbi", "*.nbc")
        shutil.copytree(ROOT / name, folder / name, ignore=unneeded)
    shutil.copy(ROOT / "pyproject.toml", folder)
    done = run(folder, "-m", "experiments", "new", "tried", "--id", "S99")
    assert done.returncode == 0, done.stderr
    return folder


def run(folder, *words):
    """A command in the copy, which is found before any other installation."""
    there = os.environ | {"PYTHONPATH": str(folder), "NUMBA_DISABLE_JIT": "1", "MPLBACKEND": "Agg"}
    return subprocess.run([sys.executable, *words], cwd=folder, env=there, capture_output=True, text=True, timeout=300)


def rewritten(path, old, new):
    """Exchange a piece of a file; what it was before."""
    text = path.read_text(encoding="utf-8")
    assert old in text, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")
    return text


def test_a_claim_is_three_new_files_and_no_edit(clone):
    """The generic tests find it, the main job runs it, and its verdict is the one that its conclusion foretells."""
    names = {"theory/claims/tried.py", "experiments/studies/tried.py", "tests/claims/test_tried.py"}
    assert {path for path in names if (clone / path).exists() and not (ROOT / path).exists()} == names
    words = ("-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider")
    files = ("tests/catalogues/test_theory_claims.py", "tests/claims/test_tried.py")
    generic = run(clone, *words, *files, "-k", "S99 or tried")
    assert generic.returncode == 0, generic.stdout
    assert int(generic.stdout.split(" passed")[0].split()[-1]) >= 8
    job = run(clone, "-m", "experiments", "S99", "--jobs", "1", "--out", "here")
    assert job.returncode == CLOSES and "S99" in job.stdout, job.stdout + job.stderr
    row = next(line for line in job.stdout.splitlines() if line.startswith("S99"))
    assert "verified" in row and "NOT MET" not in row


WRONG = {
    "S95": ("formula_off", "theory/claims", "1 - beta1**2}", "sp.Rational(51, 50) * (1 - beta1**2)}"),
    "S96": ("measurement_off", "experiments/studies", "(state.velocity / g)", "1.02 * (state.velocity / g)"),
    "S97": ("no_study", "experiments/studies", "STUDY = Study(", "STUDIES = Study("),
}


def test_a_claim_made_wrong_is_never_not_run(clone):
    """Off by 2 %, in the formula or in the measurement, or without a study: open, and not as it should be."""
    for name, (stem, folder, old, new) in WRONG.items():
        write(stem, name, clone)
        rewritten(clone / folder / f"{stem}.py", old, new)
    job = run(clone, "-m", "experiments", *WRONG, "--jobs", "1", "--out", "there")
    assert job.returncode == OPEN and "experiments.studies.no_study must end with STUDY" in job.stderr, job.stderr
    rows = [line for line in job.stdout.splitlines() if line.startswith(tuple(WRONG))]
    assert len(rows) == len(WRONG) and all("open" in row and "NOT MET" in row for row in rows), job.stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("CLAIMS = (S99,)", "CLAIM = S99", "theory.claims.tried must end with CLAIMS"),
        ('id="S99"', 'id="S1"', "the id S1 must belong to one claim"),
    ],
    ids=["no claims", "an id twice"],
)
def test_a_ledger_that_is_not_whole_is_an_error(clone, old, new, said):
    module = clone / "theory" / "claims" / "tried.py"
    text = rewritten(module, old, new)
    job = run(clone, "-m", "experiments", "S99", "--jobs", "1", "--out", "there")
    module.write_text(text, encoding="utf-8")
    assert job.returncode == 3 and job.stderr.startswith("The catalogue is not whole: "), job.stderr
    assert said in job.stderr and "Traceback" not in job.stderr


def test_a_study_under_another_name_is_an_error(clone):
    study = clone / "experiments" / "studies" / "tried.py"
    other = study.rename(study.with_name("tired.py"))
    job = run(clone, "-m", "experiments", "S99", "--jobs", "2", "--out", "there")
    other.rename(study)
    assert job.returncode == 3 and job.stderr.startswith("The catalogue is not whole: "), job.stderr
    assert "theory.claims.tried must have a study experiments.studies.tried" in job.stderr


FIGURE = """
from paper_figures.figure import Figure
from paper_figures.style import canvas

def draw(data):
    figure, axes = canvas()
    axes.plot(data["share"].beta1, data["share"].share.mean("gradient"))
    axes.set_title("The more momentum, the slower the start")
    return figure

FIGURE = Figure("tried", ("share",), "The more momentum, the smaller the velocity after two steps.", draw)
"""


def test_a_figure_is_one_new_file(clone):
    """It is drawn from the results; beside it one that needs what is not there is not drawn: status 1."""
    figures = clone / "paper_figures" / "figures"
    (figures / "tried_figure.py").write_text(FIGURE, encoding="utf-8")
    (figures / "without_data.py").write_text(FIGURE.replace('("share",)', '("shares",)'), encoding="utf-8")
    drawn = run(clone, "-m", "paper_figures", "tried_figure", "without_data", "--out", "here")
    (figures / "without_data.py").unlink()
    assert drawn.returncode == 1 and "no source has shares of tried" in drawn.stdout, drawn.stdout + drawn.stderr
    assert "tried_figure.svg" in drawn.stdout and (clone / "here" / "figures" / "tried_figure.svg").exists()


@pytest.mark.parametrize(
    ("stem", "name", "got"),
    [("Tried", "S98", "Tried"), ("new", "S98", "new"), ("other", "S1", "S1"), ("other", "T1", "T1")],
)
def test_a_skeleton_never_writes_over_anything(clone, stem, name, got):
    before = set(clone.rglob("*.py"))
    with pytest.raises(ValueError, match=f"got '{got}'"):
        write(stem, name, clone)
    assert set(clone.rglob("*.py")) == before


def test_the_command_says_what_a_skeleton_may_not_write_over(clone):
    done = run(clone, "-m", "experiments", "new", "tried", "--id", "S98")
    assert done.returncode == 2 and "got 'tried'" in done.stderr
