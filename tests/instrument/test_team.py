"""Threads that share a list: every item once, one's own first; helpers sleep, wake and end; a child hires its own."""

import gc
import os
import threading

import numpy as np
import pytest

from vradam.engine import team
from vradam.engine.intrinsics import exchange, fetch_add, look_at
from vradam.engine.specialise import specialise
from vradam.engine.team import PASS, Team, begin, claim, finish, left, wait


def board_for(threads):
    return Team(threads, 0, lambda *_: None, ()).board


def awake(asker):
    """Whether some helper is."""
    return asker.board[team.AWAKE + 2 * team.APART :: 2 * team.APART].any()


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("items", [0, 1, 7, 64])
def test_every_item_is_taken_once_whoever_comes_when(threads, items):
    board, rng = board_for(threads), np.random.default_rng(threads)
    for which in (1, 2):
        begin(board, which)
        assert board[PASS] == which
        taken = []
        while left(board, items):
            taken.append(claim(board, int(rng.integers(threads)), items))
            finish(board)
        assert sorted(taken) == list(range(items))
        assert all(claim(board, me, items) == -1 for me in range(threads))
        wait(board, items)


def test_ones_own_share_comes_first_and_pass_two_goes_through_it_backwards():
    """So that a thread meets what it has had in its cache before."""
    board = board_for(2)
    begin(board, 1)
    assert [claim(board, 1, 8) for _ in range(8)] == [4, 5, 6, 7, 0, 1, 2, 3]
    begin(board, 2)
    assert [claim(board, 1, 8) for _ in range(8)] == [7, 6, 5, 4, 3, 2, 1, 0]


def tick(board, me, sums, times):
    """Once the other is there, count up on the board, and add what was there before to ``sums[me]``."""
    exchange(board, 1 + me, 1)
    while look_at(board, 2 - me) == 0:
        pass
    for _ in range(times):
        sums[me] += fetch_add(board, 0, 1)


def test_no_number_is_taken_twice_by_threads_that_count_at_once():
    """Compiled: all numbers from 0 to 2e7 - 1 are met once, so that their sum is known."""
    pytest.importorskip("numba")
    board, sums, times = np.array([0, 1, 1], np.int64), np.zeros(2, np.int64), 10_000_000
    compiled = specialise(tick, {})
    compiled(board, 0, sums, 0)
    board[1:] = 0
    threads = [threading.Thread(target=compiled, args=(board, me, sums, times)) for me in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert board[0] == 2 * times and sums.sum() == times * (2 * times - 1)


def test_a_helper_is_at_work_beside_the_asker_and_comes_again_after_it_has_slept():
    meeting = threading.Barrier(2, timeout=30)
    asker = Team(2, 0, lambda board, me: meeting.wait(), ())
    for _ in range(3):
        asker.wake()
        meeting.wait()
        while awake(asker):
            pass


def test_the_compiled_helper_sleeps_when_there_is_nothing_and_ends_with_the_team():
    from vradam.engine import single

    arguments = np.zeros((0, 4), np.int64), np.zeros((0, 7), np.int64), np.zeros(8), np.zeros(2), np.zeros(0)
    before = set(threading.enumerate())
    asker = Team(3, 0, single.passes("nothing").help_out, arguments)
    asker.wake()
    (helper, other) = set(threading.enumerate()) - before
    while awake(asker):
        pass
    assert helper.is_alive() and other.is_alive()
    del asker
    gc.collect()
    for thread in (helper, other):
        thread.join(timeout=30)
        assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.filterwarnings(r"ignore:os.fork\(\) was called:RuntimeWarning")  # JAX, loaded by another test, warns
def test_a_child_has_threads_of_its_own():
    met = threading.Event()
    asker = Team(2, 0, lambda board, me: met.set(), ())
    asker.wake()
    assert met.wait(timeout=30)
    met.clear()
    child = os.fork()
    if child == 0:
        asker.wake()
        os._exit(0 if met.wait(timeout=30) else 1)
    assert os.waitpid(child, 0)[1] == 0
