"""``--verify``: what is damaged, stale or missing is said by name, and nothing is changed."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from toys import comparable, draw_nothing, ledger, main, toys

from experiments import __main__ as command
from experiments import job
from experiments.report.reference import thinned, update_reference
from experiments.store.chunks import read_data, save_data
from experiments.store.files import TEMPORARY
from experiments.verification import Report, difference, verify
from vradam.workers import Workers

README = "<!-- ledger:begin -->\n<!-- ledger:end -->\n"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return tmp_path_factory.mktemp("original")


@pytest.fixture
def made(room, original):
    """Results at full resolution in ``out``, and the reference that was made from them: copies of the first ones."""
    if not any(original.iterdir()):
        (original / "README.md").write_text(README)
        (original / "reference").mkdir()
        options = job.Options(original / "out", paper=True, only=("toy", "idle"), workers=Workers(1))
        job.main_job(options, toys())
        records = list(ledger(original).values())
        update_reference(records, original / "out", original / "reference", original / "README.md", toys())
    return shutil.copytree(original, room, dirs_exist_ok=True)


def states(folder, room):
    return {report.where: report.state for report in verify(folder, toys(), room / "reference")}


def test_what_was_just_made_is_sound(made, monkeypatch, capsys):
    assert states(made / "reference", made) == {"toy": "sound", "idle": "sound"}
    found = states(made / "out", made)
    assert set(found.values()) == {"sound"} and {"toy and the reference", "idle and the reference"} <= set(found)
    assert {f"toy/{run.name}" for run in (made / "out" / "toy").iterdir()} <= set(found)
    before = comparable(made / "out")
    monkeypatch.setattr(command, "REFERENCE", made / "reference")
    for words in (["--verify"], ["--verify", str(made / "out")], ["--verify", str(made / "reference")]):
        assert command.main([*words, "--out", str(made / "out")], toys(), draw_nothing) == 0
        assert "sound     toy" in capsys.readouterr().out
    assert comparable(made / "out") == before


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("name", "damage", "state", "said"),
    [
        ("ratios.nc", flip, "damaged", "ratios.nc: checksum does not match"),
        ("made_from.json", flip, "damaged", "made_from.json: checksum does not match"),
        ("SHA256SUMS", lambda path: path.write_text(""), "damaged", "it was cut short"),
        ("ratios.nc", lambda path: path.unlink(), "missing", "ratios.nc"),
        ("SHA256SUMS", lambda path: path.unlink(), "missing", "no data"),
        ("ratios.nc", lambda path: shutil.copy(path, path.with_name("b.nc")), "damaged", "b.nc is not in SHA256SUMS"),
    ],
)
def test_a_damaged_reference_is_named(made, name, damage, state, said, capsys):
    damage(made / "reference" / "toy" / name)
    toy, idle = verify(made / "reference", toys(), made / "reference")
    assert (toy.where, toy.state, toy.fatal, idle.state) == ("toy", state, True, "sound")
    assert said in str(toy)
    assert command.main(["--verify", str(made / "reference")], toys(), draw_nothing) == 1
    assert state in capsys.readouterr().out


def test_a_malformed_record_is_named(made):
    (made / "reference" / "claims.json").write_text("{")
    assert states(made / "reference", made) == {"claims.json": "damaged", "toy": "sound", "idle": "sound"}
    assert command.main(["--verify", str(made / "reference")], toys(), draw_nothing) == 1


def test_damaged_results_are_named(made):
    (run,) = (made / "out" / "toy").iterdir()
    chunk = sorted((run / "chunks").glob("*.nc"))[0]
    flip(chunk)
    flip(next((made / "out" / "theory").rglob("T1-*.nc")))
    (run / f"{TEMPORARY}1.x.y").touch()
    (run / "chunks" / "quarantine").mkdir()
    (run / "chunks" / "quarantine" / "old.nc").touch()
    found = {report.where.rpartition("/")[2]: report for report in verify(made / "out", toys(), made / "reference")}
    assert found[chunk.name].state == "damaged" and found[chunk.name].fatal
    assert next(report for name, report in found.items() if name.startswith("T1-")).state == "damaged"
    assert found[f"{TEMPORARY}1.x.y"].state == found["old.nc"].state == "left over"
    assert not found["old.nc"].fatal
    assert f"toy/{run.name}" not in states(made / "out", made)  # its data are, but it is not sound as a whole
    flip(run / "ratios.nc")
    damaged = next(r for r in verify(made / "out", toys(), made / "reference") if r.where == f"toy/{run.name}")
    assert (damaged.state, damaged.fatal) == ("damaged", True)
    (run / "SHA256SUMS").unlink()
    unfinished = next(r for r in verify(made / "out", toys(), made / "reference") if r.where == f"toy/{run.name}")
    assert (unfinished.state, unfinished.says, unfinished.fatal) == ("missing", "not finished", False)


def test_a_study_whose_code_changed_is_stale(made):
    """It has to be made again, unless it waits for a request."""
    (made / "reference" / "idle" / "made_from.json").unlink()
    (made / "reference" / "idle" / "SHA256SUMS").write_text(
        "# 0 files, SHA-256 of the lines above: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
    )
    other = toys()
    stem = other["toy"]
    later = replace(stem, study=replace(stem.study, paper=replace(stem.study.paper, seed=6)))
    toy, idle = verify(made / "reference", replace(other, stems=(later, other["idle"])), made / "reference")
    commit = ledger(made)["T1"]["provenance"]["commit"][:8]
    assert (toy.state, toy.fatal) == ("stale", True)
    assert toy.says.startswith(f"as of commit {commit}") and toy.says.endswith("changed since: its setup")
    assert (idle.state, idle.fatal) == ("stale", False) and idle.says.endswith("its code is not on record")


def test_numbers_that_are_not_those_of_the_reference_are_said(made):
    """Made in the same environment, the bytes are compared."""
    data = read_data(made / "reference" / "toy")
    shutil.rmtree(made / "reference" / "idle")
    kept = (made / "reference" / "toy" / "made_from.json").read_bytes()
    save_data(made / "reference" / "toy", {"ratios": data["ratios"] + 1e-9}, {"made_from.json": kept})
    (report,) = [item for item in verify(made / "out", toys(), made / "reference") if "reference" in item.where]
    assert (report.state, report.fatal, report.says) == ("differs", True, "ratios (other bytes)")
    for gap, state in ((1e-9, "differs"), (1e-15, "sound")):
        save_data(made / "reference" / "toy", {"ratios": data["ratios"] + gap})
        assert states(made / "out", made)["toy and the reference"] == state
    save_data(made / "reference" / "toy", {"other": data["ratios"]})
    assert states(made / "out", made)["toy and the reference"] == "differs"


def test_a_folder_that_is_not_there_is_said(room, capsys):
    with pytest.raises(FileNotFoundError, match="must be a folder of results or a reference, got none"):
        list(verify(room / "nowhere", toys(), room))
    assert command.main(["--verify", str(room / "nowhere")], toys(), draw_nothing) == 3
    assert main(room, "--verify", str(room)) == 0 and "nothing is stored there" in capsys.readouterr().out


A = xr.Dataset({"x": ("n", [1.0, -2.0, np.inf]), "k": ("n", [1, 2, 3]), "s": ("n", ["a", "b", "c"])})


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (A, ""),
        (A.assign(x=A.x * (1 + 4e-13)), ""),
        (A.assign(x=A.x * (1 + 4e-12)), "x by 4e-12"),
        (A.assign(x=A.x * 1.02), "x by 0.02"),
        (A.assign(x=A.x.astype(np.float32)), ""),
        (A.assign(x=(A.x * (1 + 1e-6)).astype(np.float32)), "x by 1e-06"),
        (A.assign(x=("n", [1.0, np.inf, np.inf])), "x in what is not finite"),
        (A.assign(x=("n", [1.0, -2.0, -np.inf])), "x in what is not finite"),
        (A.assign(x=("n", [1.0, -2.0, np.nan])), "x in what is not finite"),
        (A.assign(k=A.k + 1), "k"),
        (A.assign(s=("n", ["a", "b", "d"])), "s"),
        (A.isel(n=slice(2)), "x in shape or kind"),
        (A.assign(x=A.k), "x in shape or kind"),
        (A.drop_vars("k"), "variables k"),
    ],
)
def test_how_two_datasets_differ(other, said):
    assert difference(other, A) == said


def test_rounding_may_take_two_numbers_that_hardly_differ_to_neighbours():
    """A tie within 1e-7 is rounded down on one machine and up on another: 2^-12 apart, and no further."""
    tie = 1 + 2.0**-13
    low, high = (thinned("stability/adam", xr.Dataset({"x": ("n", [tie + gap, 1.0])})) for gap in (-1.2e-7, 1.2e-7))
    assert float(high.x[0] - low.x[0]) == 2.0**-12 and difference(low, high) == ""
    assert difference(low, high.assign(x=high.x + np.float32(2.0**-12))).startswith("x by ")
    plain = [one.drop_attrs() for one in (low, high)]
    assert difference(*plain).startswith("x by 0.0002")


@pytest.mark.parametrize(
    ("theirs", "gap", "kind", "said"),
    [
        (1.0, 0.99e-12, np.float64, ""),
        (1.0, 1.01e-12, np.float64, "x by 1e-12"),
        (1e-6, 0.99e-18, np.float64, ""),  # relative to what is largest, however small that is
        (1e-6, 1.01e-18, np.float64, "x by 1e-12"),
        (1.0, 1.98e-7, np.float32, ""),
        (1.0, 2.02e-7, np.float32, "x by 2e-07"),
        (0.0, 1e-30, np.float64, "x by 1e-30"),
    ],
)
def test_the_tolerance_is_relative_to_the_largest_value(theirs, gap, kind, said):
    """A value of a tenth beside the largest: single precision resolves 1e-8 there."""
    known = xr.Dataset({"x": ("n", np.array([theirs, theirs / 10], dtype=kind))})
    moved = known.assign(x=("n", (np.array([theirs, theirs / 10 + gap], dtype=np.float64)).astype(kind)))
    assert difference(moved, known) == said


def test_what_is_thinned_may_differ_by_its_last_bit_and_no_more():
    known = xr.Dataset({"x": ("n", np.array([1.0, 0.01], np.float32))}, attrs={"thinned": "12 bits"})
    for times, said in ((1.0005, ""), (1.01, "x by 0.0002")):
        moved = known.assign(x=("n", np.array([1.0, 0.01 + times * 2.0**-12], np.float32)))
        assert difference(moved, known) == said


def test_a_report_is_a_line_and_no_alarm_unless_it_is_said():
    assert str(Report("here", "sound")) == "sound     here" and not Report("here", "sound").fatal
    assert str(Report("here", "damaged", "by hand", fatal=True)) == "damaged   here: by hand"
