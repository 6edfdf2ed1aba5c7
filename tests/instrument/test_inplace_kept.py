"""InPlace kept, copied, pickled, forked, interrupted: what goes on goes on bit for bit, or says why it cannot."""

import copy
import os
import pickle
import signal
import sys
import threading
import warnings

import numpy as np
import pytest

import vradam
from vradam.inplace import LISTS, InPlace

GRADS = np.random.default_rng(3).standard_normal((20, 6))
OPTIMIZERS = {
    "VRAdam": vradam.VRAdam(alpha0=0.1, weight_decay=0.01),
    "smoothed": vradam.VRAdam(alpha0=0.1, gate_decay=0.9),
    "schedule": vradam.VRAdam(alpha0=vradam.schedules.Cosine(alpha0=0.1, steps=15)),
    "AdamW": vradam.AdamW(alpha0=0.1),
    "held": vradam.VRAdam(alpha0=0.1, law=vradam.laws.held(0.9, w0=0.5)),
}
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def model():
    return [np.linspace(-1, 1, 4).reshape(2, 2), np.ones(2, np.float32)]


def train(training, grads):
    for grad in grads:
        training.step([grad[:4].reshape(2, 2), grad[4:].astype(np.float32)])
    return training


def begun(name, **options):
    return train(InPlace(OPTIMIZERS[name], model(), **options), GRADS[:10])


def same(one, other):
    lists = [[*part.arrays, *part.velocities, *part.second_moments] for part in (one, other)]
    return one.steps == other.steps and all(np.array_equal(a, b) for a, b in zip(*lists, strict=True))


@every_optimizer
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("way", ["checkpoint", "into arrays", "pickle", "deepcopy", "through a file"])
def test_it_goes_on_bit_for_bit(name, threads, way, tmp_path):
    whole, half = train(begun(name), GRADS[10:]), begun(name, threads=threads)
    if way == "checkpoint":
        again = InPlace.from_checkpoint(OPTIMIZERS[name], half.checkpoint(), threads=threads)
    elif way == "into arrays":
        mine = [np.zeros((2, 2)), np.zeros(2, np.float32)]
        again = InPlace.from_checkpoint(OPTIMIZERS[name], half.checkpoint(), mine)
        assert again.arrays[0] is mine[0]
    elif way == "through a file":
        kept = half.checkpoint()
        lists = {f"{key} {i}": part for key in LISTS for i, part in enumerate(kept[key])}
        np.savez(tmp_path / "kept.npz", steps=kept["steps"], kinetic=kept["kinetic"], **lists)
        with np.load(tmp_path / "kept.npz") as read:
            kept = {key: [read[f"{key} {i}"] for i in range(2)] for key in LISTS}
            kept |= {"steps": read["steps"], "kinetic": read["kinetic"]}
        again = InPlace.from_checkpoint(OPTIMIZERS[name], kept)
    else:
        again = copy.deepcopy(half) if way == "deepcopy" else pickle.loads(pickle.dumps(half))
    assert same(again, half) and not np.shares_memory(again.arrays[0], half.arrays[0])
    train(half, GRADS[10:12])  # the original going on does not disturb the copy
    assert same(train(again, GRADS[10:]), whole)


def test_a_checkpoint_is_not_moved_by_later_steps():
    training = begun("smoothed")
    kept = training.checkpoint()
    before = copy.deepcopy(kept)
    train(training, GRADS[10:])
    for name in LISTS:
        assert all(np.array_equal(a, b) for a, b in zip(kept[name], before[name], strict=True))
    assert kept["steps"] == 10 and kept["kinetic"] > 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_model_that_is_copied_with_its_training_stays_the_one_that_is_trained(copied):
    arrays = model()
    weights, training = copied((arrays, InPlace(OPTIMIZERS["VRAdam"], arrays)))
    assert training.arrays[0] is weights[0]
    train(training, GRADS[:1])
    assert not np.array_equal(weights[0], arrays[0])


def test_the_number_of_steps_is_not_set_by_hand():
    with pytest.raises(AttributeError):
        begun("VRAdam").steps = 3


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"steps": -1}, ValueError, r"checkpoint\['steps'\] must be an integer >= 0, got -1"),
        ({"steps": 1.5}, TypeError, r"checkpoint\['steps'\] must be an integer >= 0, got 1.5"),
        ({"kinetic": np.nan}, ValueError, r"checkpoint\['kinetic'\] must lie in \[0, inf\], got nan"),
        ({"velocities": [np.zeros(4), np.zeros(2)]}, ValueError, r"checkpoint\['velocities'\] must have the shapes"),
        ({"second_moments": []}, ValueError, r"checkpoint\['second_moments'\] must have the shapes"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        InPlace.from_checkpoint(OPTIMIZERS["VRAdam"], begun("VRAdam").checkpoint() | changes)


# --- Other processes and interruptions ------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("threads", [1, 2])
def test_parent_and_child_go_on_separately_after_a_fork(threads, tmp_path):
    whole, training = train(begun("smoothed"), GRADS[10:]), begun("smoothed", threads=threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
        # jax, where the adapters' tests have loaded it into this process, warns from its hook; no fork here runs it
        warnings.simplefilter("ignore", RuntimeWarning)
        child = os.fork()
    if child == 0:
        threading.Timer(60, os._exit, (2,)).start()
        os._exit(0 if same(train(training, GRADS[10:]), whole) else 1)
    assert same(train(training, GRADS[10:]), whole)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGUSR1")
def test_an_exception_from_a_signal_leaves_a_whole_step_or_a_training_that_says_so():
    """Wherever it strikes: either the moments are those of ``steps`` steps, or nothing goes on."""

    class Stop(Exception):
        pass

    def stop(*_):
        raise Stop

    before = signal.signal(signal.SIGUSR1, stop)
    try:
        array, main = np.ones(300_000), threading.main_thread().ident
        training, grad = InPlace(vradam.VRAdam(alpha0=1e-3, beta3=1e-9), [array]), np.ones(300_000)
        for attempt in range(30):
            timer = threading.Timer(1e-4 * attempt, signal.pthread_kill, (main, signal.SIGUSR1))
            try:
                timer.start()
                while True:
                    training.step([grad])
            except Stop:
                timer.join()
            try:
                kept = training.checkpoint()
                np.testing.assert_allclose(kept["velocities"][0], 1 - 0.9 ** kept["steps"], rtol=1e-9)
            except RuntimeError as error:
                assert "was interrupted between its passes" in str(error)
                training = InPlace(training.optimizer, [array])
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_training_that_was_interrupted_goes_on_from_its_checkpoint(monkeypatch):
    whole, training = train(begun("VRAdam"), GRADS[10:]), begun("VRAdam")
    kept = training.checkpoint()

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training._passes, "move", stop)
    with pytest.raises(KeyboardInterrupt):
        train(training, GRADS[10:])
    monkeypatch.undo()
    for call in (lambda: train(training, GRADS[10:]), training.checkpoint, lambda: pickle.dumps(training)):
        with pytest.raises(RuntimeError, match="step 11 was interrupted between its passes"):
            call()
    again = InPlace.from_checkpoint(training.optimizer, kept, training.arrays)
    assert same(train(again, GRADS[10:]), whole)


# --- Arrays that are more than arrays -------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 1000])
def test_a_matrix_is_taken_for_the_array_that_it_is(rows):
    memory = np.full((3 * rows, 3), 7.0)
    matrix, grad = memory[:rows].view(np.matrix), np.ones((rows, 3))
    plain = memory[:rows].copy()
    InPlace(OPTIMIZERS["VRAdam"], [matrix]).step([grad.view(np.matrix)])
    InPlace(OPTIMIZERS["VRAdam"], [plain]).step([grad])
    assert np.array_equal(memory[:rows], plain) and (memory[rows:] == 7.0).all()


def test_a_memory_map_is_trained_where_it_lies(tmp_path):
    mapped = np.memmap(tmp_path / "weights", dtype=np.float64, mode="w+", shape=(4,))
    InPlace(OPTIMIZERS["AdamW"], [mapped]).step([np.ones(4)])
    mapped.flush()
    np.testing.assert_allclose(np.fromfile(tmp_path / "weights"), -0.1, rtol=1e-7)


@pytest.mark.parametrize("mask", [np.ma.nomask, [False, False], [False, True]])
def test_a_mask_is_refused_before_anything_is_written(mask):
    masked = np.ma.masked_array([1.0, 2.0], mask)
    with pytest.raises(TypeError, match=r"arrays\[0\] must be an array without a mask"):
        InPlace(OPTIMIZERS["VRAdam"], [masked])
    array = np.ones(2)
    with pytest.raises(TypeError, match=r"grads\[0\] must be an array without a mask"):
        InPlace(OPTIMIZERS["VRAdam"], [array]).step([masked])
    assert (array == 1).all()


def test_other_byte_orders_are_refused_and_nothing_to_train_is_no_error():
    with pytest.raises(TypeError, match=r"arrays\[0\] must be an array of dtype float32 or float64, got >f8"):
        InPlace(OPTIMIZERS["VRAdam"], [np.ones(2, np.dtype(np.float64).newbyteorder(">"))])
    training = InPlace(OPTIMIZERS["VRAdam"], [np.zeros((0, 3)), np.zeros(0, np.float32)])
    assert training.step([np.zeros((0, 3)), np.zeros(0, np.float32)]) == pytest.approx(0.1)


def test_a_schedule_that_leaves_its_domain_writes_nothing():
    training = InPlace(vradam.VRAdam(alpha0=lambda t: 0.1 if t < 3 else -0.1), [np.zeros(2)])
    training.step([np.ones(2)])
    training.step([np.ones(2)])
    kept = training.checkpoint()
    with pytest.raises(ValueError, match=r"alpha0 at step 3 must lie in \[0, inf\), got -0.1"):
        training.step([np.ones(2)])
    assert np.array_equal(training.checkpoint()["arrays"][0], kept["arrays"][0])
    assert np.array_equal(training.checkpoint()["velocities"][0], kept["velocities"][0]) and training.steps == 2
