"""Who computes changes nothing, and faults of workers are said plainly.

The processes import this module: what only some of them need is imported where it is needed.
"""

import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial

import numpy as np
import pytest

from vradam import workers
from vradam.workers import Workers

KEPT = []


def sample(seed=0):
    import xarray as xr

    return xr.Dataset({"a": ("x", np.random.default_rng(seed).normal(size=5))})


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True, "2"])
def test_jobs_are_a_positive_integer(jobs):
    with pytest.raises(ValueError, match="jobs must be a positive integer, got"):
        Workers(jobs)


def test_several_processes_compute_the_same_bits(tmp_path):
    from experiments.store.chunks import Chunks

    arguments = {f"seed{seed}": (seed,) for seed in range(5)}
    one, two = Chunks(tmp_path / "1", "f"), Chunks(tmp_path / "2", "f", Workers(2))
    for chunks in (one, two):
        assert list(chunks.map(sample, arguments)) == list(arguments)
    assert sorted(p.name for p in one.folder.iterdir()) == sorted(p.name for p in two.folder.iterdir())


def objects_looked_through(size):
    """The objects that a collection in this process looks through, and those set aside; ``size`` new ones are kept."""
    before = len(gc.get_objects()), gc.get_freeze_count()
    KEPT.append([[] for _ in range(size)])
    return before


def test_a_collection_after_a_call_looks_through_what_the_call_made():
    """loky collects once a second, in whatever a process holds by then: here, 10^5 lists and all modules."""
    found = dict(Workers(2).map(objects_looked_through, {str(k): (100_000,) for k in range(8)}))
    later = [pair for pair in found.values() if pair[1] > 100_000]
    assert len(later) >= 4 and all(looked_through < 50_000 for looked_through, _ in later)


def test_processes_that_grow_are_replaced_in_silence(tmp_path):
    """joblib ends a process that has grown by 300 MB between two chunks, as compiling does; nothing is lost by that."""
    pytest.importorskip("psutil", reason="without it joblib does not measure")
    (tmp_path / "growing.py").write_text(
        textwrap.dedent("""
            import os, time
            import numpy as np

            def grow(i, held=[]):
                time.sleep(0.55)  # the size is looked at once a second
                held.append(np.ones(30_000_000))
                for array in held:  # a page that is not used for a while may be taken away
                    array[::512] += 1
                return i, os.getpid()
        """)
    )
    code = """
        from vradam.workers import Workers
        from growing import grow
        done = dict(Workers(2).map(grow, {str(i): (i,) for i in range(8)}))
        assert [done[str(i)][0] for i in range(8)] == list(range(8))
        print(len({process for _, process in done.values()}))
    """
    words = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 2 and done.stderr == ""


def names_of_what_differs():
    return ["vradam.optimizer", "numpy is 1.0, not 2.0"]


def nothing_differs():
    return []


ASKED = []


def changed_meanwhile():
    """Nothing at the first question in a process, something from the second on."""
    ASKED.append(1)
    return ["vradam.noise"] * (len(ASKED) > 1)


# the manager of loky's pool looks a task up after an abort has dropped it, now and then: a KeyError in its own thread
@pytest.mark.filterwarnings("ignore:Exception in thread ExecutorManagerThread")
@pytest.mark.parametrize(
    ("check", "said"),
    [
        (names_of_what_differs, r"it differs in vradam\.optimizer, numpy is 1\.0, not 2\.0$"),
        (changed_meanwhile, r"it differs in vradam\.noise$"),
        (partial(list, [f"module{i}" for i in range(8)]), "it differs in module0, .*, module4 and 3 more$"),
    ],
)
def test_a_process_with_other_code_is_refused_by_name(check, said):
    """Asked before and after each chunk; what it computed is not used."""
    with pytest.raises(
        ConnectionRefusedError, match=r"the worker process \d+ must run the code that runs here; " + said
    ):
        list(Workers(2).map(abs, {"a": (-1,), "b": (-2,)}, check))


def test_a_process_with_the_same_code_is_used():
    assert dict(Workers(2).map(abs, {"a": (-1,), "b": (-2,)}, nothing_differs)) == {"a": 1, "b": 2}
    assert dict(Workers(1).map(abs, {"a": (-1,)}, names_of_what_differs)) == {"a": 1}  # it is this process


def test_a_scheduler_that_does_not_answer_is_a_connection_error(monkeypatch):
    pytest.importorskip("distributed", reason="Dask is optional")
    monkeypatch.setattr(workers, "ANSWER", 0.5)
    for address in ("tcp://127.0.0.1:9", "nowhere"):
        with pytest.raises(ConnectionError, match=f"no Dask scheduler answers at {address}"):
            list(Workers(dask=address).map(abs, {"a": (1,), "b": (2,)}))
    gc.collect()  # a client that got no answer takes a lock when it goes, which whoever starts a cluster may hold


def test_one_process_where_nothing_else_is_said():
    assert Workers() == Workers(jobs=1)


def test_two_chunks_with_the_same_arguments_are_two_chunks():
    """Also on a Dask cluster, which knows pure functions by their arguments."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        found = dict(Workers(dask=cluster.scheduler_address).map(abs, {"a": (-1,), "b": (-1,), "c": (-2,)}))
    assert found == {"a": 1, "b": 1, "c": 2}


# ---------------------------------------------------------------- one queue


def later(number, seconds=0.0):
    time.sleep(seconds)
    return number


def dies_once(path):
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path.name


def says_who_it_is(note, seconds):
    unfinished = note.with_suffix(f".{os.getpid()}")
    unfinished.write_text(str(os.getpid()))
    unfinished.replace(note)
    time.sleep(seconds)


def pairs(number):
    return {f"n{i}": (i,) for i in range(number)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_has_time_is_done_once_and_by_the_end(jobs):
    """Whoever else uses the processes meanwhile; every value is handed over with its key."""
    found = []
    with Workers(jobs).shared() as shared:
        shared.behind(later, pairs(9), lambda *pair: found.append(pair))
        assert dict(shared.map(abs, {"a": (-1,), "b": (-2,)})) == {"a": 1, "b": 2}
        assert dict(shared.map(abs, {"c": (-3,)})) == {"c": 3} and dict(shared.map(abs, {})) == {}
        shared.behind(later, {"x": (-1,)}, lambda *pair: found.append(pair))
        shared.finish()
        assert sorted(found) == [("n" + str(i), i) for i in range(9)] + [("x", -1)]
        shared.finish()
    assert len(found) == 10


def test_what_has_time_waits_for_a_pause():
    """Of many calls three are begun in advance; while others are waited for no more are, until the last of these."""
    found = []
    with Workers(2).shared() as shared:
        shared.behind(later, {f"n{i}": (i, 0.05) for i in range(20)}, lambda key, value: found.append(key))
        assert len(shared.queue.running) == 3
        for key, _ in shared.map(later, {f"m{i}": (i, 0.05) for i in range(9)}):
            begun = 20 - len(shared.queue.later)
            assert begun == 3 or not shared.queue.first, key
        assert len(found) <= begun < 20
        shared.finish()
    assert sorted(found) == sorted(f"n{i}" for i in range(20))


def test_an_error_reaches_who_asked_for_it_and_leaves_the_others_unharmed():
    found = []
    with Workers(2).shared() as shared:
        shared.behind(later, pairs(5), lambda key, value: found.append(value))
        with pytest.raises(TypeError, match="bad operand type"):
            list(shared.map(abs, {"a": ("no number",), "b": (-2,), "c": (-3,)}))
        assert dict(shared.map(abs, {"a": (-1,), "b": (-2,)})) == {"a": 1, "b": 2}
        shared.finish()
    assert sorted(found) == list(range(5))


def test_a_check_is_asked_of_what_has_time_too():
    with Workers(2).shared() as shared:
        shared.behind(abs, {"a": (-1,)}, lambda *_: None, names_of_what_differs)
        with pytest.raises(ConnectionRefusedError, match=r"it differs in vradam\.optimizer"):
            shared.finish()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_what_a_dead_process_takes_with_it_starts_again(tmp_path, caplog):
    found = []
    with Workers(2).shared() as shared:
        shared.behind(dies_once, {"d": (tmp_path / "d",)}, lambda *pair: found.append(pair))
        assert dict(shared.map(later, {"a": (1, 0.3), "b": (2, 0.3)})) == {"a": 1, "b": 2}
        shared.finish()
    assert found == [("d", "d")] and caplog.text.count("a worker process died") == 1


# the manager of loky's pool may look a task up that was dropped when its processes were ended
@pytest.mark.filterwarnings("ignore:Exception in thread ExecutorManagerThread")
@pytest.mark.skipif(os.name == "nt", reason="asks for a process as POSIX does")
def test_what_is_left_of_a_queue_is_dropped(tmp_path):
    """Processes at work on it are ended: an exception is not kept waiting for them."""
    note = tmp_path / "process"
    with pytest.raises(KeyError), Workers(2).shared() as shared:
        shared.behind(says_who_it_is, {f"n{i}": (note, 600.0) for i in range(4)}, lambda *_: None)
        while not note.exists():
            time.sleep(0.01)
        raise KeyError
    assert not shared.queue.running and not shared.queue.later
    deadline = time.monotonic() + 60
    with pytest.raises(ProcessLookupError):  # once the system has put it away
        while time.monotonic() < deadline:
            os.kill(int(note.read_text()), 0)
            time.sleep(0.01)
    assert dict(Workers(2).map(abs, {"a": (-1,), "b": (-2,)})) == {"a": 1, "b": 2}
