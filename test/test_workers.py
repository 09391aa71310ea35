"""Work shared out among threads: how batches are cut, and what becomes of results and errors."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.workers import CORE_CACHE_BYTES, Workers, blocks


@given(st.integers(1, 300), st.integers(1, 64), st.integers(0, 1 << 24))
def test_blocks_are_even_and_hold_every_row_once(count: int, workers: int, row_bytes: int) -> None:
    cut = blocks(count, workers, row_bytes)
    assert [row for block in cut for row in range(block.start, block.stop)] == list(range(count))
    sizes = [block.stop - block.start for block in cut]
    assert min(sizes) >= 1 and max(sizes) - min(sizes) <= 1
    assert len(cut) >= min(count, workers)
    assert max(sizes) == 1 or max(sizes) * row_bytes <= CORE_CACHE_BYTES
    fewer = len(cut) - 1  # no more of them than there must be
    if fewer >= min(count, workers):
        assert -(-count // fewer) * row_bytes > CORE_CACHE_BYTES


@pytest.mark.parametrize("row_bytes", [0, CORE_CACHE_BYTES])
def test_no_rows_are_one_block_that_an_engine_refuses(row_bytes: int) -> None:
    assert blocks(0, 2, row_bytes) == [slice(0, 0)]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_results_keep_the_order_of_the_tasks(count: int) -> None:
    workers = Workers(count)
    assert workers.count == count
    assert workers.run([partial(pow, 2, n) for n in range(17)]) == [2**n for n in range(17)]
    assert workers.run([]) == []
    workers.close()


def test_tasks_run_at_the_same_time() -> None:
    workers = Workers(3)
    together = threading.Barrier(3, timeout=10.0)  # passed only by three at once
    assert sorted(workers.run([together.wait] * 3)) == [0, 1, 2]
    workers.close()


def test_the_caller_works_too() -> None:
    workers = Workers(2)
    together = threading.Barrier(2, timeout=10.0)

    def who() -> int:
        together.wait()
        return threading.get_ident()

    assert threading.get_ident() in workers.run([who, who])
    workers.close()


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_comes_out_once_nothing_runs_any_more(count: int) -> None:
    workers = Workers(count)
    running, begun, released = [0], [0], threading.Event()
    lock = threading.Lock()

    def slow() -> None:
        with lock:
            running[0] += 1
            begun[0] += 1
        released.wait(10.0)
        with lock:
            running[0] -= 1

    def broken() -> None:
        released.set()
        raise ValueError("broken")

    tasks = [slow, broken] if count == 2 else [broken, slow]
    with pytest.raises(ValueError, match="broken"):
        workers.run([*tasks, *[slow] * 20])
    assert running[0] == 0
    assert begun[0] < 20  # what had not begun was left out
    assert workers.run([partial(int, "7")] * 2) == [7, 7]
    workers.close()


def test_closed_twice_and_threads_end() -> None:
    before = threading.active_count()
    workers = Workers(4)
    workers.run([partial(int, 1)] * 8)
    workers.close()
    workers.close()
    assert threading.active_count() == before
    assert workers.run([partial(int, "7")] * 3) == [7, 7, 7]  # by the caller alone


def test_what_a_thread_that_did_not_start_should_do_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workers = Workers(3)
    both, free, begun = threading.Barrier(3, timeout=10.0), threading.Event(), threading.Event()

    def hold() -> None:
        both.wait()
        free.wait(10.0)

    other = threading.Thread(target=workers.run, args=([hold, hold],))
    other.start()
    both.wait()  # its thread and one of the pool are busy

    def full(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def first() -> int:
        free.set()  # the pool's thread finds what was to be a second one's
        begun.wait(2.0)
        return 0

    def second() -> int:
        begun.set()
        time.sleep(0.2)
        return 1

    monkeypatch.setattr(threading.Thread, "start", full)
    assert workers.run([first, second]) == [0, 1]
    monkeypatch.undo()
    other.join()
    workers.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_forked_process_has_no_threads_to_wait_for() -> None:
    workers = Workers(2)
    for _ in range(3):
        workers.run([partial(time.sleep, 0.01)] * 2)
    child = os.fork()
    if not child:
        signal.alarm(5)
        os._exit(0 if workers.run([partial(int, "7")] * 3) == [7, 7, 7] else 1)
    assert os.waitpid(child, 0)[1] == 0
    workers.close()
