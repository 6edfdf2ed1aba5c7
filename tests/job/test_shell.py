"""In a shell: pipes that close, no output at all, a full disk behind it, and Python without docstrings."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DRAW = ("paper_figures", "--out", "{out}", "width")
CHECK = ("paper_figures", "--out", "{out}", "--check", "width")
LEDGER = ("theory", "G1", "G2")
posix = pytest.mark.skipif(os.name == "nt", reason="says what POSIX shells do")


def run(*module, tmp_path, options=(), shell=""):
    """``python -m module``, with something done to its output by the shell."""
    words = [sys.executable, *options, "-m", *(word.format(out=tmp_path) for word in module)]
    line = " ".join(f"'{word}'" for word in words)
    return subprocess.run(["bash", "-c", f"{line} {shell}"], cwd=ROOT, capture_output=True, text=True)


@posix
@pytest.mark.parametrize("module", [LEDGER, pytest.param(DRAW, marks=pytest.mark.slow)], ids=lambda module: module[0])
def test_a_reader_that_goes_away_is_no_traceback_and_not_status_1(module, tmp_path):
    done = run(*module, tmp_path=tmp_path, shell="> >(:); exit $?")
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert done.returncode in (0, 141)


@posix
def test_a_pipe_closed_after_one_line_ends_with_141(tmp_path):
    words = [sys.executable, "-m", *LEDGER]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "\n" and process.stdout.readline().startswith("G1  ")
    process.stdout.close()
    assert process.stderr.read() == "" and process.wait() == 141
    process.stderr.close()


@posix
@pytest.mark.parametrize("closed", [">&- 2>&-", pytest.param(">&-", marks=pytest.mark.slow)])
def test_nobody_listens_and_all_is_derived(closed, tmp_path):
    done = run(*LEDGER, tmp_path=tmp_path, shell=closed)
    assert done.returncode == 0 and done.stderr == ""


@posix
@pytest.mark.parametrize("closed", [">&-", pytest.param(">&- 2>&-", marks=pytest.mark.slow)])
def test_nobody_listens_and_all_is_drawn(closed, tmp_path):
    """No file takes the number of a closed stream; and this Python has no docstrings and assertions."""
    done = run(*DRAW, tmp_path=tmp_path, options=("-OO",), shell=closed)
    assert done.returncode == 0 and done.stderr == ""
    assert (tmp_path / "figures" / "width.svg").stat().st_size > 1000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("module", [("theory", "--json", "G1"), CHECK], ids=lambda module: module[0])
def test_a_full_disk_behind_the_output_is_said(module, tmp_path):
    done = run(*module, tmp_path=tmp_path, shell="> /dev/full")
    assert done.returncode == 3 and "Cannot continue" in done.stderr and "Traceback" not in done.stderr


@posix
@pytest.mark.parametrize("module", [LEDGER, ("experiments", "--help")], ids=lambda module: module[0])
def test_python_without_docstrings_and_assertions_does_the_same(module, tmp_path):
    """It draws the same, too: see above."""
    done = run(*module, tmp_path=tmp_path, options=("-OO",))
    assert done.returncode == 0 and done.stdout and done.stderr == ""


@posix
@pytest.mark.parametrize("kilobytes", [400_000, 700_000, 1_500_000])
def test_too_little_address_space_is_said_before_anything_crashes(kilobytes, tmp_path):
    """Below what the job takes: one line, status 3, nothing written."""
    words = f"ulimit -v {kilobytes} && exec '{sys.executable}' -m experiments --only G1 --out '{tmp_path / 'out'}'"
    done = subprocess.run(["bash", "-c", words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 3 and not (tmp_path / "out").exists()
    assert done.stdout == "" and done.stderr.count("\n") == 1
    assert re.fullmatch(
        r"Cannot start: the address space of a process must be at least 1\.5 GiB, got .*\n", done.stderr
    )
