"""The README's examples run, and print what they say."""

import contextlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

REFERENCE = Path(__file__).parents[2] / "experiments" / "reference"
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_examples_run_and_print_what_they_say():
    """All Python blocks, in order, in one namespace; a text block after one is what it prints."""
    blocks = re.findall(r"```python\n(.*?)```(?:\s*```text\n(.*?)```)?", README, re.DOTALL)
    assert len(blocks) >= 4 and any(expected for _, expected in blocks)
    names = {}
    for code, expected in blocks:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(code, names)
        assert said.getvalue() == expected
    assert np.linalg.norm(names["x"]) < 1e-3  # |x|^2 is near its minimum after a thousand steps


def test_every_file_that_is_named_is_there():
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", README):
        assert (Path(__file__).parents[2] / target).exists(), target


def stored(name):
    """A dataset of the reference; the sentence about it waits for it."""
    if not (REFERENCE / name).exists():
        pytest.skip(f"{name} is not in the reference")
    return xr.load_dataset(REFERENCE / name)


def test_the_comparisons_quoted_are_those_on_record():
    """E1: significant after Holm's correction at 5 %, over the tasks and the rivals of the source."""
    pairs = stored("tasks/pairs.nc")
    part = pairs.isel(rival=pairs.reported.values)
    sure = part.p_holm < 0.05
    better, worse = int((sure & (part.ratio < 1)).sum()), int((sure & (part.ratio > 1)).sum())
    words = f"better in {better} of {part.ratio.size} comparisons and\n  worse in {worse}."
    assert " ".join(words.split()) in " ".join(README.split()), f"the README must say: {words}"


def test_the_cost_quoted_is_the_one_on_record():
    """E3: the least favourable size."""
    longer = round(100 * (float(stored("speed/gate.nc").epoch_ratio.max()) - 1))
    assert f"in NumPy {longer} % longer" in " ".join(README.split()), f"the README must say: {longer} % longer"


def test_the_starts_quoted_are_those_on_record():
    """S3b: of 100 random starts at 0.79 of the edge, so many do not converge."""
    entries = json.loads((REFERENCE / "claims.json").read_text(encoding="utf-8"))
    found = next(item for item in entries if item["id"] == "S3b")["numeric"]["measured"]
    assert found["at"].startswith("beta1 = 0.9, S = 0.789 B")
    stray = round(100 * (1 - found["value"]))
    assert f"{stray} of 100 random starts" in " ".join(README.split()), f"the README must say: {stray} of 100"


def test_the_gains_quoted_are_those_on_record():
    """W1: decades of alpha0 within twice Adam's best, against Adam, where Adam works."""
    width = stored("width/deciding.nc").width.sel(beta1=0.9, factor=2.0)
    adam = width.sel(contender="Adam", drop=True)
    gained = (width - adam).where(adam > 0, drop=True).mean("problem")
    words = (
        f"gains {float(gained.sel(contender='alignment')):.2f} decades against Adam (mean of {int((adam > 0).sum())}"
    )
    assert words in " ".join(README.split()), f"the README must say: {words}"
    words = f"the published gate loses {-float(gained.sel(contender='published')):.2f}."
    assert words in " ".join(README.split()), f"the README must say: {words}"


def test_the_crossing_quoted_is_the_one_on_record():
    """C1b: the published gate ends above the bound that it is claimed to keep."""
    entries = json.loads((REFERENCE / "claims.json").read_text(encoding="utf-8"))
    found = next(item for item in entries if item["id"] == "C1b")["numeric"]
    assert found["measured"]["at"].endswith("N = 1e+07")
    words = f"{found['measured']['value']:.3f} against {found['claimed']['value']:.3f} after $10^7$ steps"
    assert words in " ".join(README.split()), f"the README must say: {words}"


def test_commands_work_in_every_shell():
    """One command a line, no chains, no variables of a shell."""
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL):
        for line in block.splitlines():
            assert not re.search(r"&&|\|\||;|\\$|\$\w|^\w+=", line.partition("#")[0]), line
