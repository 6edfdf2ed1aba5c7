"""The main job on a toy ledger: what it writes, when it succeeds, and what it survives."""

import ast
import errno
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import theory
from experiments import __main__ as command
from experiments import job
from experiments.catalogue import CATALOGUE, Catalogue, Entry
from experiments.ledger import BEGIN, END, entry, ledger_markdown, merged, with_ledger
from experiments.record import line
from experiments.reference import thinned, update_reference
from experiments.store import exclusive, read_data
from experiments.workers import Workers
from theory.claim import Claim

ROOT = Path(__file__).parent.parent
FIELDS = [
    "id", "title", "as_reported", "source", "assumptions", "verdict", "expected_verdict",
    "symbolic", "numeric", "certificate", "figure", "setup", "provenance",
]  # fmt: skip

TOY = '''
"""Halving, and a claim about it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from experiments.confront import Confrontation, Evidence, Point
from experiments.result import Result


@dataclass(frozen=True)
class Setup:
    starts: tuple[float, ...] = tuple(range(1, 13))
    seed: int = 5


DEFAULT = Setup()
PAPER = Setup(starts=tuple(range(1, 25)))


def halve(start, seed):
    with Path(os.environ["TOY_LOG"]).open("a") as log:
        log.write(f"start{start} {os.getpid()}\\n")
    if os.environ.get("TOY_FAILS") == str(start):
        raise ZeroDivisionError("the toy is broken")
    time.sleep(60 if start > float(os.environ.get("TOY_STALLS", "inf")) else float(os.environ.get("TOY_PAUSE", "0")))
    noise = np.random.default_rng((seed, start)).normal(size=1000) * 1e-6
    return xr.Dataset({"ratio": ("step", 0.5 + noise)})


def run(setup, chunks):
    keys = {f"start{s}": (s, setup.seed) for s in setup.starts}
    data = xr.concat(list(chunks.map(halve, keys).values()), "start")
    mean = float(data.ratio.mean())
    n = data.ratio.size

    def said(predicted):
        return (Evidence("equality", (Point(mean, mean - 1e-4, mean + 1e-4, predicted),), n, "ratio"),)

    return Result(
        {"ratios": data},
        (Confrontation("T1", said(0.5)), Confrontation("T2", said(0.6), corrected=said(0.5), note="seen")),
    )
'''

DRIVER = """
import sys
sys.path[:0] = [{room!r}, {tests!r}]
from test_main_job import CLAIMS, TOYS, draw_nothing
from experiments.__main__ import main
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], TOYS, CLAIMS, draw_nothing))
"""


def holds():
    return True


def fails():
    return False


def breaks():
    raise ArithmeticError("no root")


def claim(name, concludes, step=holds):
    return Claim(
        id=name,
        title=f"Claim {name}",
        as_reported="x is halved",
        statement=r"x' = \frac{x}{2}",
        source="toy",
        assumptions=("x > 0",),
        plain="Half of it is left.",
        concludes=concludes,
        steps={"step": step},
    )


CLAIMS = (claim("T1", "proved"), claim("T2", "refuted"), claim("T3", "proved"))
TOYS = Catalogue(
    (Entry("T1", "toy", "verified"), Entry("T2", "toy", "refuted"), Entry("T3", "absent", "verified")),
    stems=("toy", "absent", "idle"),
    on_request=("idle",),
    package="toy_stems",
)


def draw_nothing(stem, data, folder):
    return ()


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package with the toy stem, importable here and in the processes started from here."""
    package = tmp_path / "room" / "toy_stems"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "toy.py").write_text(TOY, encoding="utf-8")
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy_stems"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path / "room")
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    (tmp_path / "drive.py").write_text(DRIVER.format(room=str(tmp_path / "room"), tests=str(Path(__file__).parent)))
    (tmp_path / "log").touch()
    return tmp_path


def main(room, *arguments, claims=CLAIMS, catalogue=TOYS, draw=draw_nothing):
    return command.main([*arguments, "--jobs", "1", "--out", str(room / "out")], catalogue, claims, draw)


def ledger(room):
    return {item["id"]: item for item in json.loads((room / "out" / "claims.json").read_text(encoding="utf-8"))}


def computed(room):
    return [line.split()[0] for line in (room / "log").read_text().splitlines()]


def comparable(folder):
    """Every data file's bytes, and claims.json without the fields that name a time."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert not [name for name in files if "unfinished" in name]
    contents = {n: p.read_bytes() for n, p in files.items() if n not in (".lock", "claims.json", "report.html")}

    def timeless(value):
        if isinstance(value, dict):
            return {key: timeless(item) for key, item in value.items() if key not in ("seconds", "date")}
        return [timeless(item) for item in value] if isinstance(value, list) else value

    return contents, timeless(json.loads(files["claims.json"].read_text(encoding="utf-8")))


# ---------------------------------------------------------------- what it writes


def test_the_ledger_holds_every_claim(room, capsys):
    assert main(room) == 0
    found = ledger(room)
    assert list(found) == ["T1", "T2", "T3"]
    assert all(list(item) == FIELDS for item in found.values())
    assert [item["verdict"] for item in found.values()] == ["verified", "refuted", "not run"]
    first = found["T1"]
    assert list(first["symbolic"]) == ["status", "summary", "seconds"]
    assert sorted(first["numeric"]) == sorted(["status", "measured", "predicted", "looseness", "n"])
    assert first["numeric"]["n"] == 12 * 1000 and first["numeric"]["status"] == "supports"
    assert first["numeric"]["measured"]["low"] < 0.5 < first["numeric"]["measured"]["high"]
    assert found["T2"]["numeric"]["predicted"] == {"value": 0.6, "kind": "equality", "trivial": None}
    assert first["setup"]["starts"] == list(range(1, 13)) and first["provenance"]["seed"] == 5
    assert {"commit", "versions", "platform", "fingerprint", "date"} <= set(first["provenance"])
    assert found["T3"]["numeric"]["status"] == "not run" and found["T3"]["setup"] is None
    printed = capsys.readouterr().out
    assert re.search(r"^T2 +refuted +met +0.5 .*= 0.6 +1.2 ", printed, re.MULTILINE)
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
    assert sorted(computed(room)) == sorted(f"start{i}" for i in range(1, 13))
    assert main(room) == 0 and comparable(room / "out") == first and len(computed(room)) == 12
    assert main(room, "--fresh") == 0 and comparable(room / "out") == first and len(computed(room)) == 24
    assert main(room, "--paper") == 0 and len(computed(room)) == 48


def test_changed_code_is_never_answered_with_old_results(room):
    assert main(room) == 0
    stem = room / "room" / "toy_stems" / "toy.py"
    stem.write_text(TOY.replace("0.5 + noise", "0.55 + noise"), encoding="utf-8")
    drive(room)
    assert [item["verdict"] for item in ledger(room).values()] == ["open", "open", "not run"]
    assert len(computed(room)) == 24


def test_only_runs_what_is_named(room):
    assert main(room, "--only", "T2") == 0
    assert [item["verdict"] for item in ledger(room).values()] == ["not run", "refuted", "not run"]
    assert main(room, "--only", "toy") == 0
    assert [item["verdict"] for item in ledger(room).values()] == ["verified", "refuted", "not run"]
    assert main(room, "--only", "T3") == 0
    assert [item["verdict"] for item in ledger(room).values()] == ["not run", "not run", "not run"]


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
    ("expected", "status"),
    [(("verified", "refuted"), 0), (("verified", "verified"), 1), (("open", "refuted"), 1), ((None, None), 0)],
)
def test_the_exit_status_is_the_expectations(room, expected, status):
    entries = tuple(Entry(f"T{i}", "toy", verdict) for i, verdict in enumerate(expected, 1))
    assert main(room, catalogue=Catalogue(entries, ("toy",), package="toy_stems")) == status


@pytest.mark.parametrize("step", [fails, breaks])
def test_a_derivation_that_does_not_close_leaves_its_claim_open(room, step):
    claims = (claim("T1", "proved", step), *CLAIMS[1:])
    assert main(room, claims=claims) == 1
    found = ledger(room)
    assert [item["verdict"] for item in found.values()] == ["open", "refuted", "not run"]
    assert found["T1"]["symbolic"]["status"] == "open"
    assert ("raised ArithmeticError: no root" if step is breaks else "does not close: step") in str(found["T1"])


def test_a_broken_stem_leaves_its_claims_open_and_says_why(room, monkeypatch, caplog):
    monkeypatch.setenv("TOY_FAILS", "7")
    assert main(room) == 1
    assert [item["verdict"] for item in ledger(room).values()] == ["open", "open", "not run"]
    assert ledger(room)["T1"]["numeric"]["status"] == "ZeroDivisionError: the toy is broken"
    assert "toy failed" in caplog.text
    monkeypatch.delenv("TOY_FAILS")
    assert main(room) == 0
    assert computed(room).count("start7") == 2 and computed(room).count("start1") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise FileNotFoundError('no data')", "ImportError: torn cannot be imported: no data"),
        ("DEFAULT = 1 / 0", "ZeroDivisionError: division by zero"),
        ("def run(setup, chunks):", "IndentationError: "),
        ("def run(setup, chunks): pass", "AttributeError: module 'toy_stems.torn' has no attribute 'DEFAULT'"),
        ("DEFAULT = print", "TypeError: setup must be made of numbers"),
    ],
)
def test_a_stem_that_cannot_be_imported_leaves_only_its_own_claims_open(room, text, said):
    (room / "room" / "toy_stems" / "torn.py").write_text(text, encoding="utf-8")
    entries = (*TOYS.entries[:2], Entry("T3", "torn", "verified"))
    assert main(room, catalogue=Catalogue(entries, ("torn", "toy"), package="toy_stems")) == 1
    found = ledger(room)
    assert [item["verdict"] for item in found.values()] == ["verified", "refuted", "open"]
    assert said in found["T3"]["numeric"]["status"]
    assert found["T3"]["setup"] == {"class": "toy_stems.torn"} and found["T3"]["provenance"]["fingerprint"] == ""
    assert said.partition(":")[0] in (room / "out" / "report.html").read_text(encoding="utf-8")


def test_a_stem_confronts_exactly_its_claims(room):
    entries = (Entry("T1", "toy", "verified"),)
    assert main(room, catalogue=Catalogue(entries, ("toy",), package="toy_stems")) == 1
    assert "toy must confront ('T1',), got ('T1', 'T2')" in ledger(room)["T1"]["numeric"]["status"]


# ---------------------------------------------------------------- the command line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "T9", "toy"], r"--only must name a claim \(T1, T2, T3\) or a stem \(toy, absent, idle\), got 'T9'"),
        (["--update-reference"], "--update-reference needs --paper"),
        (["--jobs", "0"], "must be a positive integer, got 0"),
        (["--jobs", "two"], "invalid"),
        (["--quick"], "unrecognized arguments: --quick"),
    ],
)
def test_a_wrong_command_line_is_status_2(room, capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        command.main([*arguments, "--out", str(room / "out")], TOYS, CLAIMS, draw_nothing)
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


def test_a_folder_in_use_is_left_alone(room, capsys):
    with exclusive(room / "out"):
        assert main(room) == 3
    assert "in use by another main job" in capsys.readouterr().err
    assert not (room / "out" / "claims.json").exists()


def test_a_full_disk_is_said_plainly(room, monkeypatch, capsys):
    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("experiments.store.write_atomically", full)
    assert main(room) == 3
    said = capsys.readouterr().err
    assert "Cannot continue:" in said and "No space left on device" in said and "python -m experiments" in said


def test_an_out_that_is_a_file_is_said_plainly(room, capsys):
    (room / "out").touch()
    assert main(room) == 3
    assert "Cannot continue:" in capsys.readouterr().err


# ---------------------------------------------------------------- what it survives


def drive(room, *arguments, jobs=1, **options):
    """The same main job in a process of its own."""
    words = [sys.executable, str(room / "drive.py"), "--out", str(room / "out"), "--jobs", str(jobs), *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, cwd=room, **options)


def start(room, jobs=2, *arguments):
    """A main job that takes its time: twelve chunks of 0.15 s."""
    words = [sys.executable, str(room / "drive.py"), "--out", str(room / "out"), "--jobs", str(jobs), *arguments]
    slowly = os.environ | {"TOY_PAUSE": "0.15"}
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, cwd=room, env=slowly, start_new_session=True)


def chunks(room):
    return {path.name.rpartition("-")[0] for path in (room / "out").glob("toy/*/chunks/*.nc")}


def wait_for_chunks(room, process, number):
    deadline = time.monotonic() + 60
    while len(chunks(room)) < number and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()


@pytest.fixture
def uninterrupted(room):
    """What an undisturbed run with the same code leaves behind."""
    assert main(room) == 0
    expected = comparable(room / "out")
    (room / "out").rename(room / "expected")
    (room / "log").write_text("")
    return expected


@pytest.mark.parametrize("tries", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_job_continues_where_it_stopped(room, uninterrupted, tries):
    """SIGKILL at random moments, restarted each time: the same bytes, and no finished chunk computed again."""
    moments = random.Random(tries)
    for _ in range(tries):
        process = start(room)
        target = moments.randint(0, 11)
        while len(chunks(room)) < target and process.poll() is None:
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.3 if target else 3.0))
        before = len(computed(room))
        process.kill()
        process.communicate()
        time.sleep(0.8)  # workers follow their parent
        finished, so_far = chunks(room), len(computed(room))
        assert so_far - before <= 2
        after = start(room)
        after_output = after.communicate(timeout=120)
        assert after.returncode == 0, after_output
        assert not finished & set(computed(room)[so_far:])
        assert comparable(room / "out") == uninterrupted
        shutil.rmtree(room / "out")
        (room / "log").write_text("")


def test_the_number_of_processes_changes_nothing(room, uninterrupted):
    for jobs in (1, 3):
        process = start(room, jobs)
        output = process.communicate(timeout=120)
        assert process.returncode == 0, output
        assert comparable(room / "out") == uninterrupted
        (room / "out").rename(room / f"jobs{jobs}")


@pytest.mark.skipif(os.name == "nt", reason="SIGINT to a process group is a POSIX thing")
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_stops_at_once_and_says_how_to_continue(room, monkeypatch, jobs):
    """Long before the chunks at work are finished: from the fifth on they take a minute here."""
    monkeypatch.setenv("TOY_STALLS", "4")
    process = start(room, jobs)
    wait_for_chunks(room, process, 4)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=20)[1]
    assert process.returncode == 130 and "to continue:\n    python -m experiments --out" in said
    monkeypatch.delenv("TOY_STALLS")
    so_far = len(computed(room))
    assert main(room) == 0 and sorted(computed(room)[so_far:]) == sorted(f"start{i}" for i in range(5, 13))


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is sent to one process by POSIX only")
def test_ctrl_c_ends_even_a_compiled_loop():
    """A compiled loop that has let go of the interpreter does not hear the signal; the second thread does."""
    code = """
        import numba
        from experiments.interruption import Interruptible

        @numba.njit(nogil=True)
        def spin(n):
            x = 0.5
            for _ in range(n):
                x = 3.9 * x * (1 - x)
            return x

        spin(1)
        with Interruptible("stopped here"):
            print("deaf", flush=True)
            spin(10**12)
    """
    words = [sys.executable, "-c", textwrap.dedent(code)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "deaf\n"
    time.sleep(0.5)  # by now it spins
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[1]
    assert process.returncode == 130 and said == "stopped here\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_worker_costs_only_its_chunk(room, uninterrupted):
    process = start(room)
    wait_for_chunks(room, process, 3)
    worker = int((room / "log").read_text().splitlines()[-1].split()[1])
    finished, so_far = chunks(room), len(computed(room))
    os.kill(worker, signal.SIGKILL)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 0 and "a worker process died" in said
    assert comparable(room / "out") == uninterrupted
    assert not finished & set(computed(room)[so_far:])


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_dask_worker_costs_only_its_chunk(room, uninterrupted, monkeypatch):
    """The same chunks on a cluster: the same bytes, although a worker is killed on the way."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.syspath_prepend(Path(__file__).parent)  # for the workers, which import the toy claims
    monkeypatch.setenv("TOY_PAUSE", "0.15")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        process = start(room, 1, "--dask", cluster.scheduler_address)
        wait_for_chunks(room, process, 3)
        worker = int((room / "log").read_text().splitlines()[-1].split()[1])
        finished, so_far = chunks(room), len(computed(room))
        os.kill(worker, signal.SIGKILL)
        output = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert comparable(room / "out") == uninterrupted
    assert not finished & set(computed(room)[so_far:])


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_said_plainly(room):
    (room / "out").mkdir(mode=0o500)
    done = drive(room)
    assert done.returncode == 3 and "Permission denied" in done.stderr


# ---------------------------------------------------------------- the ledger of this repository


def test_the_catalogue_is_the_theorys_ledger():
    """Every claim has a row; a stem says itself which claims it confronts, and the catalogue says the same."""
    ids = [entry.id for entry in CATALOGUE.entries]
    assert " ".join(ids) == "K1 G1 G2 S1 S2 S3a S3b S4 S5 S6 S7 C1a C1b C2 E1 E2 E3"
    assert {claim.id for claim in theory.CLAIMS} <= set(ids)
    assert {entry.stem for entry in CATALOGUE.entries} | set(CATALOGUE.on_request) <= set(CATALOGUE.stems)
    for stem in CATALOGUE.stems:
        path = ROOT / "experiments" / f"{stem}.py"
        for node in ast.parse(path.read_text(encoding="utf-8")).body if path.exists() else ():
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            if any(getattr(target, "id", None) == "CLAIMS" for target in targets):
                assert ast.literal_eval(node.value) == CATALOGUE.claims_of(stem), stem


def test_only_the_stated_stems_wait_for_a_request():
    everything = CATALOGUE.select(None)
    assert {"E1", "E3"} & set(everything) == set() and "G1" in everything and "sensitivity" in everything
    assert CATALOGUE.select(["E1", "gate"]) == ("G1", "G2", "E1")
    assert CATALOGUE.select(["sensitivity"]) == ("sensitivity",)


README = f"# Title\n\n{BEGIN}\nold\n{END}\n\nEnd.\n"


def test_the_readmes_ledger_is_renewed_between_its_markers(room):
    main(room)
    entries = list(ledger(room).values())
    renewed = with_ledger(README, entries)
    assert renewed.startswith("# Title\n") and renewed.endswith("\nEnd.\n") and "old" not in renewed
    assert "| **T2** | Claim T2 | refuted | ratio: 0.5 [" in renewed and "| = 0.6 |" in renewed
    assert with_ledger(renewed, entries) == renewed
    for broken in ("", README.replace(END, ""), README + BEGIN, f"{END}\n{BEGIN}\n"):
        with pytest.raises(ValueError, match="the README must hold the lines"):
            with_ledger(broken, entries)


def test_claims_that_were_not_run_keep_their_record():
    before = [{"id": "T1", "verdict": "refuted"}, {"id": "T2", "verdict": "open"}]
    now = [{"id": "T1", "verdict": "not run"}, {"id": "T2", "verdict": "verified"}, {"id": "T3", "verdict": "not run"}]
    assert [item["verdict"] for item in merged(before, now)] == ["refuted", "verified", "not run"]


def test_what_waits_for_a_request_is_shown_from_the_record(room):
    """T1's verdict, date and commit where they are on record, else the line that runs it; on the page too."""
    waiting = replace(TOYS, on_request=("toy",))
    record = room / "reference"
    plain_job = partial(job.main_job, job.Options(out=room / "out"), CLAIMS, waiting, reference=record)
    assert [line(item) for item in plain_job().recorded] == [
        f"{name}: not run; to run it: python -m experiments --only {name}" for name in ("T1", "T2")
    ]
    ran = job.main_job(job.Options(out=room / "out", only=("toy",)), CLAIMS, waiting, reference=record)
    assert ran.recorded == ()
    entries = [entry(finding) for finding in ran.findings]
    record.mkdir()
    job.write_json(record / "claims.json", entries)
    first, second = map(line, plain_job().recorded)
    made = entries[0]["provenance"]
    assert first.startswith(
        f"T1: on record as verified, {made['date']}, commit {made['commit'][:8]}, default resolution"
    )
    assert second.startswith("T2: on record as refuted, ") and second.endswith("again: python -m experiments --only T2")
    page = (room / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("on record, " + made["date"][:10]) == 2 and made["versions"]["numpy"] in page


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"\xff", b"[" * 1000])
def test_a_malformed_record_is_said_plainly(room, raw):
    """The main job has its verdicts then; only those on record are missing."""
    (room / "claims.json").write_bytes(raw)
    waiting = replace(TOYS, on_request=("toy",))
    outcome = job.main_job(job.Options(out=room / "out"), CLAIMS, waiting, reference=room)
    assert outcome.recorded == () and "T3" in {finding.claim.id for finding in outcome.findings}
    assert outcome.notice.startswith(f"The verdicts on record are not shown: {room / 'claims.json'} cannot be read: ")
    with pytest.raises(ValueError, match="cannot be read"):
        update_reference([], room / "out", room, room / "README.md", TOYS)


def test_every_file_of_the_reference_has_its_checksum():
    folders = [path for path in (ROOT / "experiments" / "reference").iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        assert set(read_data(folder)) == {path.stem for path in folder.glob("*.nc")}, folder


def test_the_reference_is_small_complete_and_renewed(room, monkeypatch):
    readme, reference = room / "README.md", room / "reference"
    readme.write_text(README, encoding="utf-8")
    (reference / "toy").mkdir(parents=True)
    (reference / "toy" / "stale.nc").touch()
    options = job.Options(out=room / "out", paper=True, workers=Workers(1))
    job.main_job(options, CLAIMS, TOYS)
    entries = list(ledger(room).values())
    update_reference(entries, options.out, reference, readme, TOYS)
    assert {path.name for path in reference.rglob("*") if path.is_file()} == {"claims.json", "ratios.nc", "SHA256SUMS"}
    assert read_data(reference / "toy")["ratios"].equals(job.stored("toy", True, options.out, TOYS)["ratios"])
    assert json.loads((reference / "claims.json").read_text())[0]["provenance"]["resolution"] == "paper"
    assert "Claim T1" in readme.read_text(encoding="utf-8")
    monkeypatch.setattr("experiments.reference.REFERENCE_LIMIT", 1000)
    with pytest.raises(ValueError, match=r"must stay below 1,000 bytes; the largest files are toy/ratios.nc"):
        update_reference(entries, options.out, reference, readme, TOYS)


def test_a_large_dataset_is_thinned_and_says_so():
    whole = xr.Dataset(
        {"rate": (("ratio", "start", "step"), np.random.default_rng(0).random((9, 16, 256)))},
        coords={"ratio": np.linspace(1, 2, 9)},
    )
    part = thinned("cycles/bifurcation", whole)
    assert dict(part.sizes) == {"ratio": 2, "start": 2, "step": 200}
    np.testing.assert_allclose(part.rate, whole.rate[::5, ::8, -200:], rtol=1e-7)
    assert part.attrs["thinned"] == "ratio[::5], start[::8], step[-200::]"
    assert thinned("cycles/frontier", whole) is whole


def test_the_readme_is_current():
    reference = ROOT / "experiments" / "reference" / "claims.json"
    if not reference.exists():
        pytest.skip("no reference has been made yet")
    entries = json.loads(reference.read_text(encoding="utf-8"))
    assert ledger_markdown(entries) in (ROOT / "README.md").read_text(encoding="utf-8")
