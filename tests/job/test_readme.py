"""The README's examples run, and print what they say."""

import contextlib
import io
import json
import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from experiments.measurement.statistics import mean_interval
from experiments.studies import width as widths
from experiments.studies.width.contenders import alignment
from theory import CLAIMS, stability_map

REFERENCE = Path(__file__).parents[2] / "experiments" / "reference"
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
FINDINGS = " ".join(README.split("<!-- findings:begin -->")[1].split("<!-- findings:end -->")[0].split())


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
    assert f"in NumPy up to {longer} % longer" in " ".join(README.split()), (
        f"the README must say: up to {longer} % longer"
    )


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
    sample, _ = widths.gains(stored("width/deciding.nc"), "alignment", 0.9, 2.0)
    low, high = mean_interval(sample)
    words = f"(mean of {sample.size} problems, {low:.2f} to {high:.2f})"
    assert words in FINDINGS, f"the README must say: {words}"
    words = f"the published gate loses {-float(gained.sel(contender='published')):.2f}."
    assert words in " ".join(README.split()), f"the README must say: {words}"


def test_the_crossing_quoted_is_the_one_on_record():
    """C1b: the published gate ends above the bound that it is claimed to keep."""
    entries = json.loads((REFERENCE / "claims.json").read_text(encoding="utf-8"))
    found = next(item for item in entries if item["id"] == "C1b")["numeric"]
    assert found["measured"]["at"].endswith("N = 1e+07")
    words = f"{found['measured']['value']:.3f} against {found['claimed']['value']:.3f} after $10^7$ steps"
    assert words in " ".join(README.split()), f"the README must say: {words}"


@pytest.mark.parametrize("name", ["convergence/central.nc", "opening_law/coin.nc"])
def test_where_the_other_gates_are_is_on_record(name):
    """C1a, C2, C3: with the same coin and horizon, the whole interval of every gate but the published one."""
    coin = stored(name).sel(beta1=0.0, N=10_000_000)
    others = coin.drop_sel(gate="published") if "published" in coin.gate.values else coin
    said = float(re.search(r"where the other gates are below ([\d.]+)\.", FINDINGS)[1])
    assert float(others["mean"].max()) > said / 2  # the number says where they are, not only that they are far below
    assert float(others.high.max()) < said


def test_the_momentum_below_which_every_start_converges_is_that_of_the_map():
    """S3b: 0.577 is 1/sqrt(3) rounded down; boxes prove that momentum for the four clips up to the edge."""
    b = Fraction(577, 1000)
    assert FINDINGS.count("0.577") == 2 and b < 1 / math.sqrt(3) < b + Fraction(1, 1000)
    edge = 2 * (1 + b) / (1 - b)
    for clip in (1, 10, 19, math.inf):
        found = stability_map.global_stability(b, edge * Fraction(999, 1000), clip)
        assert found is not None and found.says == "every start converges"
    assert "for four clips" in FINDINGS and len(stability_map.SAFE) == 4


def test_the_law_that_repairs_both_is_that_of_the_claims():
    """S7, S8: a factor beta1^2 a step; C2, C3: a time of the order of the run."""
    claims = {claim.id: claim for claim in CLAIMS}
    assert r"a factor $\beta_1^2$ a step" in FINDINGS
    assert all("beta1^2" in claims[name].holds for name in ("S7", "S8"))
    assert "1/N" in claims["C2"].holds and "O(1/N)" in claims["C3"].holds


def test_the_ceiling_quoted_is_that_of_the_gate():
    """W1: the gate starts closed by w0 = 10 and its rates are in units of that start."""
    gate = alignment(np.array([1.0]), 0.9, 0.0)
    assert "It may open to eleven times" in FINDINGS and gate.law.w0 + 1 == 11
    assert 1 < math.log10(11) < 1.1  # "by a decade"


def test_what_makes_the_loss_fall_faster_is_on_record():
    """E2: with either gate on either net, the rate alone lowers the loss and the gate alone does not."""
    parts = stored("source_edge/contributions.nc").sel(quantity="loss")
    assert parts.attrs["rates"].tolist() == [2e-3, 1e-3]
    assert (parts.high.sel(part="rate") < 1).all() and (parts.low.sel(part="gate") > 1).all()
    assert "it is the doubled learning rate, not the gate, that makes the loss fall faster" in FINDINGS


def test_commands_work_in_every_shell():
    """One command a line, no chains, no variables of a shell."""
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL):
        for line in block.splitlines():
            assert not re.search(r"&&|\|\||;|\\$|\$\w|^\w+=", line.partition("#")[0]), line
