"""The main job on a toy ledger: what it writes, when it succeeds, and what its command line says."""

import errno
import json
import os
import re
import subprocess
import sys
import textwrap

import pytest
from toys import (
    CLAIMS,
    IDLE,
    TOY,
    breaks,
    claim,
    comparable,
    computed,
    draw_nothing,
    drive,
    fails,
    ledger,
    main,
    toys,
)

from experiments import __main__ as command
from experiments import examinations, job, results
from experiments.store.files import exclusive
from experiments.store.fingerprint import Origin
from vradam.workers import HERE

FIELDS = [
    "id", "title", "as_reported", "source", "assumptions", "holds", "verdict", "expected_verdict",
    "symbolic", "numeric", "certificate", "figure", "setup", "provenance",
]  # fmt: skip


# ---------------------------------------------------------------- what it writes


def test_the_ledger_holds_every_claim(room, capsys):
    assert main(room) == 0
    found = ledger(room)
    assert list(found) == ["T1", "T2", "T3"]
    assert all(list(item) == FIELDS for item in found.values())
    assert [item["verdict"] for item in found.values()] == ["verified", "refuted", "not run"]
    first = found["T1"]
    assert list(first["symbolic"]) == ["status", "summary", "seconds", "steps"]
    assert sorted(first["numeric"]) == sorted(["status", "measured", "claimed", "also", "looseness", "n"])
    assert first["numeric"]["n"] == 6 * 1000 and first["numeric"]["status"] == "supports"
    assert first["numeric"]["measured"]["low"] < 0.5 < first["numeric"]["measured"]["high"]
    assert found["T2"]["numeric"]["claimed"] == {"value": 0.6, "kind": "equality", "trivial": None}
    assert first["setup"]["starts"] == list(range(1, 7)) and first["provenance"]["seed"] == 5
    assert {"commit", "versions", "platform", "fingerprint", "date"} <= set(first["provenance"])
    assert found["T3"]["numeric"]["status"] == "not run" and found["T3"]["setup"] is None
    printed = capsys.readouterr().out
    assert re.search(r"^T2 +refuted +== 0.6 +0.5 ", printed.replace("= 0.6", "== 0.6"), re.MULTILINE)
    assert printed.splitlines()[-1] == "0 of 0 verdicts agree with the reference (others on record)."
    (folder,) = (room / "out" / "toy").iterdir()
    assert folder.name == first["provenance"]["fingerprint"]
    assert {p.name for p in folder.iterdir()} == {
        "chunks", "ratios.nc", "SHA256SUMS", "confrontations.json", "made_from.json",
    }  # fmt: skip
    assert json.loads((folder / "made_from.json").read_text())["setup"] == first["setup"]
    assert len(json.loads((folder / "confrontations.json").read_text())) == 2
    assert (room / "out" / "report.html").exists()


def test_finished_work_is_used_again_unless_fresh(room):
    assert main(room) == 0
    first = comparable(room / "out")
    assert sorted(computed(room)) == sorted(f"start{i}" for i in range(1, 7))
    assert main(room) == 0 and comparable(room / "out") == first and len(computed(room)) == 6
    assert main(room, "--fresh") == 0 and comparable(room / "out") == first and len(computed(room)) == 12
    assert main(room, "--paper") == 0 and len(computed(room)) == 24


def test_changed_code_is_never_answered_with_old_results(room):
    assert main(room) == 0
    stem = room / "room" / "toy_stems" / "toy.py"
    stem.write_text(TOY.replace("0.5 + noise", "0.55 + noise"), encoding="utf-8")
    drive(room)
    assert [item["verdict"] for item in ledger(room).values()] == ["open", "open", "not run"]
    assert len(computed(room)) == 12


def test_only_runs_what_is_named(room):
    assert main(room, "--only", "T2") == 0
    assert [item["verdict"] for item in ledger(room).values()] == ["not run", "refuted", "not run"]
    assert main(room, "--only", "toy") == 0
    assert [item["verdict"] for item in ledger(room).values()] == ["verified", "refuted", "not run"]
    assert main(room, "--only", "T3") == 0
    assert [item["verdict"] for item in ledger(room).values()] == ["not run", "not run", "verified"]


def test_names_are_read_in_any_case_and_progress_is_said_without_a_terminal(room, capsys):
    assert main(room, "t2", "IDLE") == 0
    said = capsys.readouterr()
    assert [item["verdict"] for item in ledger(room).values()] == ["not run", "refuted", "verified"]
    assert re.findall(r"^(\w+): \d+\.\d s$", said.err, re.MULTILINE) == ["derivations", "toy", "idle", "figures"]
    assert re.findall(r"^(T\d) ", said.out, re.MULTILINE) == ["T2", "T3"]  # only what was asked for


def test_figures_are_drawn_and_listed(room):
    def draw(stem, data, folder):
        assert list(data) == ["ratios"]
        (folder / f"{stem}.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
        return [folder / f"{stem}.svg"]

    assert main(room, draw=draw) == 0
    assert ledger(room)["T1"]["figure"] == ledger(room)["T2"]["figure"] == "figures/toy.svg"
    assert "data:image/svg+xml;base64," in (room / "out" / "report.html").read_text(encoding="utf-8")

    def broken(stem, data, folder):
        raise KeyError("colour")

    assert main(room, draw=broken) == 0
    assert ledger(room)["T1"]["figure"] is None


# ---------------------------------------------------------------- when it succeeds


@pytest.mark.parametrize(
    ("expects", "status"),
    [({}, 0), ({"T2": "verified"}, 1), ({"T1": "open"}, 1), ({"T1": "vacuous", "T2": "open"}, 1)],
)
def test_the_exit_status_is_the_expectations(room, expects, status):
    """They follow from what the claims conclude; a study may say otherwise."""
    stem = room / "room" / "toy_stems" / "toy.py"
    stem.write_text(TOY.replace("PAPER, run)", f"PAPER, run, expects={expects})"), encoding="utf-8")
    assert main(room) == status
    expected = {"T1": "verified", "T2": "refuted", "T3": "verified"} | expects
    assert {name: item["expected_verdict"] for name, item in ledger(room).items()} == expected


@pytest.mark.parametrize("step", [fails, breaks])
def test_a_derivation_that_does_not_close_leaves_its_claim_open(room, step):
    claims = (claim("T1", "proved", step), *CLAIMS[1:])
    assert main(room, catalogue=toys(claims)) == 1
    found = ledger(room)
    assert [item["verdict"] for item in found.values()] == ["open", "refuted", "not run"]
    assert found["T1"]["symbolic"]["status"] == "open"
    assert ("raised ArithmeticError: no root" if step is breaks else "does not close: step") in str(found["T1"])


def test_a_derivation_that_is_edited_meanwhile_is_refused(room, monkeypatch, capsys):
    """Nothing of it is stored, and the module is named; afterwards each claim is stored for itself."""
    with monkeypatch.context() as patch:
        patch.setattr(Origin, "touched", lambda made: ["theory.claim"])
        assert main(room) == 3 and "theory.claim must stay as it was" in capsys.readouterr().err
    assert not list((room / "out" / "theory").rglob("*.nc"))
    assert main(room) == 0
    stored = sorted(path.relative_to(room / "out" / "theory").parts[0] for path in (room / "out").rglob("T?-*.nc"))
    assert stored == ["T1", "T2"]


def test_a_claim_that_is_added_stales_nothing(room, monkeypatch):
    """Only the new one is derived; a claim that says something else is derived again."""
    assert main(room) == 0
    derived = []
    real = examinations.examine
    monkeypatch.setattr(examinations, "examine", lambda claim: derived.append(claim.id) or real(claim))
    assert main(room) == 0 and derived == []
    (room / "room" / "toy_stems" / "more.py").write_text(IDLE.replace("T3", "T4").replace(", on_request=True", ""))
    assert main(room, catalogue=toys(more=[("more", (claim("T4", "proved"),))])) == 0 and derived == ["T4"]
    assert main(room, catalogue=toys((claim("T1", "open"), *CLAIMS[1:]))) == 0 and derived == ["T4", "T1"]
    assert len(computed(room)) == 6


def test_a_broken_stem_leaves_its_claims_open_and_says_why(room, monkeypatch, caplog):
    monkeypatch.setenv("TOY_FAILS", "4")
    assert main(room) == 1
    assert [item["verdict"] for item in ledger(room).values()] == ["open", "open", "not run"]
    assert ledger(room)["T1"]["numeric"]["status"] == "ZeroDivisionError: the toy is broken"
    assert "toy failed" in caplog.text and "Traceback" in caplog.text
    monkeypatch.delenv("TOY_FAILS")
    assert main(room) == 0
    assert computed(room).count("start4") == 2 and computed(room).count("start1") == 1


def test_data_that_cannot_be_stored_leave_their_claims_open(room, caplog):
    """They are stored after the study, by whoever has time; the other stems are unharmed all the same."""
    stem = room / "room" / "toy_stems" / "toy.py"
    spoilt = "data.assign(ratio=data.ratio.assign_attrs(scale_factor=2.0))"
    stem.write_text(TOY.replace('{"ratios": data}', f'{{"ratios": {spoilt}}}'), encoding="utf-8")
    assert main(room) == 1
    assert [item["verdict"] for item in ledger(room).values()] == ["open", "open", "not run"]
    status = "ValueError: a dataset must be read back as it is written, which ratio would not be"
    assert ledger(room)["T1"]["numeric"]["status"] == status
    assert "the data of toy could not be stored" in caplog.text and "Traceback" in caplog.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise FileNotFoundError('no data')", "FileNotFoundError: no data"),
        ("DEFAULT = 1 / 0", "ZeroDivisionError: division by zero"),
        ("def run(setup, chunks):", "IndentationError: "),
        ("STUDY = None", "toy_stems.torn must end with STUDY, an experiments.study.Study"),
    ],
)
def test_a_stem_that_cannot_be_imported_leaves_only_its_own_claims_open(room, text, said):
    (room / "room" / "toy_stems" / "torn.py").write_text(text, encoding="utf-8")
    assert main(room, catalogue=toys(more=[("torn", (claim("T4", "proved"),))])) == 1
    found = ledger(room)
    assert [item["verdict"] for item in found.values()] == ["verified", "refuted", "not run", "open"]
    assert said in found["T4"]["numeric"]["status"]
    assert found["T4"]["setup"] == {"class": "toy_stems.torn"} and found["T4"]["provenance"]["fingerprint"] == ""
    assert said.partition(":")[0] in (room / "out" / "report.html").read_text(encoding="utf-8")


def test_a_setup_that_has_no_fingerprint_leaves_its_claims_open(room):
    stem = room / "room" / "toy_stems" / "toy.py"
    stem.write_text(TOY.replace("Study(DEFAULT,", "Study(print,"), encoding="utf-8")
    assert main(room) == 1
    assert "TypeError: setup must be made of numbers" in ledger(room)["T1"]["numeric"]["status"]


def test_a_stem_confronts_exactly_its_claims(room):
    assert main(room, catalogue=toys((CLAIMS[0], claim("T5", "proved"), CLAIMS[2]))) == 1
    assert "toy must confront ('T1', 'T5'), got ('T1', 'T2')" in ledger(room)["T1"]["numeric"]["status"]


# ---------------------------------------------------------------- the command line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "T9", "toy"], r"--only must name a claim \(T1, T2, T3\) or a stem \(toy, idle\), got 'T9'"),
        (["--update-reference"], "--update-reference needs --paper"),
        (["--jobs", "0"], "must be a positive integer, got '0'"),
        (["--jobs", "two"], "must be a positive integer, got 'two'"),
        (["--quick"], "unrecognized arguments: --quick"),
        (["--pap"], "unrecognized arguments: --pap"),
    ],
)
def test_a_wrong_command_line_is_status_2(room, capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        command.main([*arguments, "--out", str(room / "out")], toys(), draw_nothing)
    assert stop.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_help_is_quick():
    """Nothing heavy is imported to say what the options are."""
    code = """
        import sys
        from experiments.__main__ import main
        try:
            main(["--help"])
        except SystemExit:
            print({name.partition(".")[0] for name in sys.modules} & {"numpy", "sympy", "xarray", "joblib", "vradam"})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert "--only" in done.stdout and done.stdout.endswith("set()\n")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.modules['joblib'] = None", "joblib is not installed; install it with: pip install -e '.'"),
        ("import sys; sys.version_info = (3, 9, 1)", "Python 3.11 or newer is needed"),
    ],
    ids=["not installed", "an old Python"],
)
def test_what_is_missing_is_one_line_with_what_to_do(code, said, tmp_path):
    run = f"{code}; import runpy; runpy.run_module('experiments', run_name='__main__', alter_sys=True)"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 3 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_a_study_without_its_library_fails_in_one_line(room, caplog):
    """Status 1: nothing was found out about what was asked."""
    stem = room / "room" / "toy_stems" / "toy.py"
    stem.write_text(TOY.replace("def run(setup, chunks):", "def run(setup, chunks):\n    import not_there"), "utf-8")
    assert main(room, "T1") == 1
    assert "toy failed: No module named 'not_there'" in caplog.text and "Traceback" not in caplog.text


def test_a_short_run_of_a_study_on_request_is_a_rehearsal(room, capsys):
    stem = room / "room" / "toy_stems" / "toy.py"
    stem.write_text(TOY.replace("PAPER, run)", "PAPER, run, on_request=True)"), encoding="utf-8")
    assert main(room, "toy") == 0
    said = capsys.readouterr().out
    assert "T1, T2: a rehearsal (" in said and said.count("python -m experiments --paper --only T1 T2") == 1
    assert main(room, "toy", "--paper") == 0 and "rehearsal" not in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="names a folder of POSIX")
def test_an_unwritable_folder_suggests_another(capsys):
    assert command.main(["--out", "/dev/null/results"], toys(), draw_nothing) == 3
    said = capsys.readouterr().err
    assert "--out DIR" in said and "chunks are kept" not in said


def test_a_folder_in_use_is_left_alone(room, capsys):
    with exclusive(room / "out"):
        assert main(room) == 3
    assert "in use by another main job" in capsys.readouterr().err
    assert not (room / "out" / "claims.json").exists()


def test_a_full_disk_is_said_plainly(room, monkeypatch, capsys):
    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("experiments.store.chunks.write_atomically", full)
    assert main(room) == 3
    said = capsys.readouterr().err
    assert "Cannot continue:" in said and "No space left on device" in said and "python -m experiments" in said


def test_an_out_that_is_a_file_is_said_plainly(room, capsys):
    (room / "out").touch()
    assert main(room) == 3
    assert "Cannot continue:" in capsys.readouterr().err


def test_the_tables_of_a_study_are_those_of_its_data(room):
    """Made of what it measured, in less time than the machine has been up."""
    stem = room / "room" / "toy_stems" / "toy.py"
    stem.write_text(TOY.replace("PAPER, run)", "PAPER, run, tables=lambda data: [*data])"), encoding="utf-8")
    done, finished = job._run(toys()["toy"], job.Options(room / "out"), HERE)
    assert done.tables == ("ratios",) == tuple(finished.data) and 0 <= done.provenance["seconds"] < 60
    assert done.provenance["resolution"] == "default" and done.setup["seed"] == 5
    assert job._run(toys()["idle"], job.Options(room / "out", paper=True), HERE)[0].provenance["resolution"] == "paper"
    assert job.Options() == job.Options(paper=False, fresh=False)


@pytest.mark.parametrize(("only", "reference", "asked"), [(None, "r", 1), (None, None, 0), (("T2",), "r", 0)])
def test_the_record_is_asked_where_everything_is_asked_for_and_there_is_one(room, monkeypatch, only, reference, asked):
    calls = []
    monkeypatch.setattr(job, "on_record", lambda findings, place, catalogue: calls.append(place) or ())
    monkeypatch.setattr(job, "render", lambda result, out: "")
    job.main_job(job.Options(room / "out", only=only), toys(), reference=reference and room / reference)
    assert calls == [room / "r"] * asked


def test_json_is_strict_and_reads_as_it_was_written():
    """One entry a line, letters as they are; a number that JSON does not have is refused."""
    assert results.as_json({"é": [1, "ß"]}) == '{\n  "é": [\n    1,\n    "ß"\n  ]\n}\n'.encode()
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            results.as_json({"x": number})
