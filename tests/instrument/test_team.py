"""Threads that share work: every item once, in order; errors arrive; a child process has its own."""

import os
import threading

import pytest

from vradam.engine.team import Team


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_item_is_worked_on_once_and_the_results_are_in_order(threads):
    seen, lock = [], threading.Lock()

    def work(a, b):
        with lock:
            seen.append(a)
        return 10 * a + b

    team = Team(threads)
    for count in (0, 1, 2, 100):
        seen.clear()
        assert team.map(work, range(count), [3] * count) == [10 * a + 3 for a in range(count)]
        assert sorted(seen) == list(range(count))


def test_several_threads_are_at_work_at_once():
    """Two items that wait for each other end only if two threads have taken them."""
    both = threading.Barrier(2, timeout=30)
    assert sorted(Team(2).map(lambda _: both.wait(), range(2))) == [0, 1]


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_arrives_and_the_team_can_be_used_again(threads):
    team = Team(threads)
    with pytest.raises(ZeroDivisionError):
        team.map(lambda number: 1 // number, range(20))
    assert team.map(abs, [-1, -2, -3]) == [1, 2, 3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.filterwarnings(r"ignore:os.fork\(\) was called:RuntimeWarning")  # JAX, loaded by another test, warns
def test_a_child_has_threads_of_its_own():
    team = Team(2)
    team.map(abs, range(10))
    child = os.fork()
    if child == 0:
        os._exit(0 if team.map(abs, [-1, -2, -3]) == [1, 2, 3] else 1)
    assert os.waitpid(child, 0)[1] == 0
