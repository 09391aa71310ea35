"""Work shared out among cores: whole runs of a graph side by side, each on a core of its own.

Skeleton networks are small, and a batch of people is many times the same small network. Cores that
share the rows of one operator meet again after each of its hundreds, and its results leave the
cores' own caches; cores that take blocks of people meet once (`python -m benchmarks.tick`).
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import numpy as np

from bharnet_ros.types import FloatArray

Result = TypeVar("Result")

CORE_CACHE_BYTES = 1 << 20
"""What a core commonly has of the caches for itself."""


def blocks(count: int, workers: int, row_bytes: int = 0) -> list[slice]:
    """`count` rows in even blocks: as many as there are workers, or more where a block's largest
    result, `row_bytes` for a row (0 = not known), would not fit a core's cache. Of no rows it is
    one block, which whoever runs it refuses."""
    fits = max(1, CORE_CACHE_BYTES // row_bytes if row_bytes > 0 else count)
    number = max(1, min(count, max(workers, -(-count // fits))))
    bounds = [count * index // number for index in range(number + 1)]
    return [slice(begin, end) for begin, end in itertools.pairwise(bounds)]


def joined(parts: Sequence[Mapping[str, FloatArray]]) -> dict[str, FloatArray]:
    """The outputs (N, ...) of blocks, one after the other; of a single block without a copy, of
    none nothing."""
    if len(parts) < 2:
        return {name: values for part in parts for name, values in part.items()}
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class Workers:
    """Up to `count` threads for tasks that do their work outside of Python; the caller is one."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool = (
            ThreadPoolExecutor(count - 1, thread_name_prefix="inference") if count > 1 else None
        )

    @property
    def count(self) -> int:
        """Threads, with the caller's."""
        return self._count

    def run(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """Results in the order of the tasks, which begin in that order, each as a thread is free.

        Raises what a task raises, once no task runs any more; those not begun are left out.
        """
        if self._pool is None or len(tasks) < 2:
            return [task() for task in tasks]
        results: dict[int, Result] = {}
        left = deque(enumerate(tasks))

        def work() -> None:
            while True:
                try:
                    number, task = left.popleft()
                except IndexError:
                    return
                try:
                    results[number] = task()
                except BaseException:
                    left.clear()
                    raise

        helpers: list[Future[None]] = []
        for _ in range(min(self._count, len(tasks)) - 1):
            helpers.append(Future())
            try:
                self._pool.submit(_help, helpers[-1], work)
            except RuntimeError:  # closed, or the system has no thread left: the caller does it
                break
        try:
            work()
        finally:
            left.clear()
            # One that has not begun has nothing left to do, and may never begin: its thread is
            # with another run, did not start, or did not come along into a forked process.
            begun = [helper for helper in helpers if not helper.cancel()]
            wait(begun)
        for helper in begun:
            helper.result()
        return [results[number] for number in range(len(tasks))]

    def close(self) -> None:
        """End the threads; a second time does nothing."""
        if self._pool is not None:
            self._pool.shutdown()


def _help(helper: Future[None], work: Callable[[], None]) -> None:
    """`work` for a run that has not ended yet. Not the pool's own future: there is none of what a
    pool keeps although the thread for it did not start, and that may still come up."""
    if not helper.set_running_or_notify_cancel():
        return
    try:
        work()
    except BaseException as error:
        helper.set_exception(error)
    else:
        helper.set_result(None)
