"""What the main job survives: kills, interruptions, dead workers, and processes started otherwise."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import toys
from toys import TOY, chunks, comparable, computed, drive, start


def main(room, *arguments):
    """In this process, at the resolution of ``start``."""
    return toys.main(room, "--paper", *arguments)


def wait_for_chunks(room, number, process=None):
    """Until a job in a process of its own, or in this one, has stored so many of its twelve."""
    deadline = time.monotonic() + 60
    while len(chunks(room)) < number and (process is None or process.poll() is None) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process is None or process.poll() is None, process.communicate()
    assert number <= len(chunks(room)) < 12


def kill_a_worker(room, process=None):
    """Who began a chunk last, once three are finished; the chunks that are finished, and how many were begun."""
    wait_for_chunks(room, 3, process)
    worker = int((room / "log").read_text().splitlines()[-1].split()[1])
    finished, so_far = chunks(room), len(computed(room))
    assert worker != os.getpid()
    os.kill(worker, signal.SIGKILL)
    return finished, so_far


def edit_and_take_back(room, number, process=None):
    """The code of the study, once so many chunks are finished."""
    wait_for_chunks(room, number, process)
    stem = room / "room" / "toy_stems" / "toy.py"
    stem.write_text(TOY.replace("0.5 + noise", "0.51 + noise"), encoding="utf-8")
    stem.write_text(TOY, encoding="utf-8")


@pytest.fixture
def uninterrupted(room):
    """What an undisturbed run with the same code leaves behind."""
    assert main(room) == 0
    expected = comparable(room / "out")
    (room / "out").rename(room / "expected")
    (room / "log").write_text("")
    return expected


@pytest.mark.parametrize("tries", [1, pytest.param(20, marks=pytest.mark.slow)])
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
        assert main(room) == 0
        assert not finished & set(computed(room)[so_far:])
        assert comparable(room / "out") == uninterrupted
        shutil.rmtree(room / "out")
        (room / "log").write_text("")


@pytest.mark.skipif(os.name == "nt", reason="SIGINT to a process group is a POSIX thing")
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_stops_at_once_and_says_how_to_continue(room, monkeypatch, jobs):
    """Long before the chunks at work are finished: from the fifth on they take a minute here."""
    monkeypatch.setenv("TOY_STALLS", "4")
    process = start(room, jobs)
    wait_for_chunks(room, 4, process)
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
def test_neither_two_processes_nor_how_they_start_nor_the_death_of_one_changes_anything(
    room, uninterrupted, monkeypatch
):
    """Against one, this one. ``spawn`` is how Windows and macOS start others; one that is killed costs its chunk."""
    monkeypatch.setenv("TOY_START", "spawn")
    process = start(room)
    finished, so_far = kill_a_worker(room, process)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 0 and "a worker process died" in said
    assert comparable(room / "out") == uninterrupted
    assert not finished & set(computed(room)[so_far:])


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_dask_worker_costs_only_its_chunk(room, uninterrupted, monkeypatch):
    """The same chunks on a cluster: the same bytes, although a worker is killed on the way."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("TOY_PAUSE", "0.15")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        ThreadPoolExecutor(1) as pool,
    ):
        killed = pool.submit(kill_a_worker, room)
        assert main(room, "--dask", cluster.scheduler_address) == 0
    assert comparable(room / "out") == uninterrupted
    finished, so_far = killed.result()
    assert not finished & set(computed(room)[so_far:])


def test_a_dask_worker_with_other_code_is_refused_by_name(room, uninterrupted, monkeypatch, capsys):
    """It says which worker and which module; the numbers of this machine are not touched by its."""
    distributed = pytest.importorskip("distributed")
    other = room / "older" / "toy_stems"
    other.mkdir(parents=True)
    (other / "__init__.py").touch()
    (other / "toy.py").write_text(TOY.replace("0.5 + noise", "0.51 + noise"), encoding="utf-8")
    monkeypatch.setattr("sys.path", [str(room / "older"), *sys.path])
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        assert main(room, "--dask", cluster.scheduler_address) == 3
    assert not chunks(room)
    assert re.search(
        r"the Dask worker tcp://\S+ on \S+ must run the code that runs here; it differs in toy_stems\.toy\b",
        capsys.readouterr().err,
    )
    assert main(room) == 0 and comparable(room / "out") == uninterrupted


def test_code_that_is_edited_while_it_runs_is_refused_by_name(room, uninterrupted, monkeypatch, capsys):
    """By one process, then by two that continue, also where the edit is taken back.

    Nothing that was computed after it is stored under the clean fingerprint.
    """

    def is_refused(status, said):
        assert status == 3 and "toy_stems.toy" in said and "Cannot continue: " in said
        assert len(chunks(room)) < 12

    monkeypatch.setenv("TOY_PAUSE", "0.15")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(edit_and_take_back, room, 2)
        is_refused(main(room), capsys.readouterr().err)
    process = start(room)
    edit_and_take_back(room, len(chunks(room)) + 2, process)
    said = process.communicate(timeout=120)[1]
    is_refused(process.returncode, said)
    assert drive(room, "--paper").returncode == 0 and comparable(room / "out") == uninterrupted


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_said_plainly(room):
    (room / "out").mkdir(mode=0o500)
    done = drive(room)
    assert done.returncode == 3 and "Permission denied" in done.stderr
