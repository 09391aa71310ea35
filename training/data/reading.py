"""Reading many sources, here or in several processes; a broken one costs only itself."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import islice
from typing import Any, Protocol, TypeVar

from bharnet_ros.errors import BackendUnavailable, ConfigurationError
from training.data.converters.base import Item
from training.data.sample import SampleSkipped

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Report = Callable[[str], None]
_QUEUED_PER_WORKER = 4


class Reader(Protocol[T_co]):
    """Makes something of a source. It travels to the processes, so it must be picklable."""

    def load(self, item: Item) -> T_co:
        """Read one source. Raises SampleSkipped when it is not usable; other items go on."""


def read_all(
    reader: Reader[T], items: Iterator[Item], workers: int
) -> Iterator[tuple[Item, T | SampleSkipped]]:
    """What the reader makes of each item, in the order of the items.

    workers: processes that read at the same time; 0 reads in this one. Only a bounded number of
    items is under way. Raises ConfigurationError or BackendUnavailable where the reader does.
    """
    return (_in_pool if workers else _here)(reader, items, workers)


def load_safely(reader: Reader[T], item: Item) -> T | SampleSkipped:
    """One source; whatever goes wrong with it becomes a `SampleSkipped`."""
    try:
        return reader.load(item)
    except SampleSkipped as skipped:
        return skipped
    except (ConfigurationError, BackendUnavailable):
        raise  # wrong for every source
    except Exception as error:  # a file may be broken in ways nobody thought of
        return SampleSkipped("corrupt", f"{type(error).__name__}: {error}")


def _here(
    reader: Reader[T], items: Iterator[Item], workers: int
) -> Iterator[tuple[Item, T | SampleSkipped]]:
    for item in items:
        yield item, load_safely(reader, item)


def _in_pool(
    reader: Reader[T], items: Iterator[Item], workers: int
) -> Iterator[tuple[Item, T | SampleSkipped]]:
    """In the order of the items, with a bounded number of them under way."""
    waiting: deque[tuple[Item, Future[T | SampleSkipped]]] = deque()
    pool = _pool(reader, workers)
    working = False
    try:
        while True:
            for item in islice(items, workers * _QUEUED_PER_WORKER - len(waiting)):
                waiting.append((item, _submit(pool, item)))
            if not waiting:
                return
            try:
                yield waiting[0][0], waiting[0][1].result()
                waiting.popleft()
                working = True
            except BrokenProcessPool as error:
                # Some source killed its process, and the pool with it. Each that was under way
                # gets a process of its own, to find which.
                pool.shutdown(cancel_futures=True)
                results = [_retried(reader, item, future) for item, future in waiting]
                working |= any(not _crashed(result) for result in results)
                if not working:
                    raise ConfigurationError(
                        "Every process that was to read sources died at once; see what they "
                        "printed, or use --workers 0."
                    ) from error
                yield from zip([item for item, _ in waiting], results, strict=True)
                waiting.clear()
                pool = _pool(reader, workers)
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, item: Item) -> Future[Any]:
    """Of a pool that is broken already: a future that says so."""
    try:
        return pool.submit(_work, item)
    except BrokenProcessPool as error:
        failed: Future[Any] = Future()
        failed.set_exception(error)
        return failed


def _retried(reader: Reader[T], item: Item, future: Future[T | SampleSkipped]) -> T | SampleSkipped:
    """What a future gave before the pool broke, or else what a process of its own gives."""
    with suppress(BrokenProcessPool):
        if future.done() and not future.cancelled():
            return future.result()
    return _load_alone(reader, item)


def _crashed(result: Any) -> bool:
    return isinstance(result, SampleSkipped) and result.reason == "crashed"


def _load_alone(reader: Reader[T], item: Item) -> T | SampleSkipped:
    with _pool(reader, 1) as pool:
        try:
            result: T | SampleSkipped = pool.submit(_work, item).result()
            return result
        except BrokenProcessPool:
            return SampleSkipped("crashed", "reading it killed the process")


def _pool(reader: Reader[Any], workers: int) -> ProcessPoolExecutor:
    # spawn: a forked child of a process with threads (OpenCV, ROS) may hang.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, _start, (reader,))


_reader: Reader[Any] | None = None


def _start(reader: Reader[Any]) -> None:
    """In a worker: the reader, once. Several processes need no threads of their own."""
    global _reader
    _reader = reader
    with suppress(ImportError):
        import cv2

        cv2.setNumThreads(1)


def _work(item: Item) -> Any:
    if _reader is None:
        raise ConfigurationError("A worker was started without its reader.")
    return load_safely(_reader, item)


class Progress:
    """One line that renews itself on a terminal, a line now and then elsewhere."""

    def __init__(self, total: int | None, report: Report | None) -> None:
        self._total = total
        self._report = report
        self._begin = time.monotonic()
        self._live = report is None and sys.stdout.isatty()
        self._next_s = 0.0 if self._live else 10.0

    def show(self, done: int, skipped: int, last: bool = False) -> None:
        """Say how far it is, if it is time to."""
        spent = time.monotonic() - self._begin
        if spent < self._next_s and not last:
            return
        self._next_s = spent + (0.2 if self._live else 10.0)
        rate = max(done, 1e-3) / max(spent, 1e-3)
        of = f" of {self._total}" if self._total else ""
        left = f", {(self._total - done) / rate:.0f} s left" if self._total and not last else ""
        pace = f"{rate:.1f} a second" if rate >= 1.0 else f"{1 / rate:.1f} s each"
        line = f"{done}{of} sources, {skipped} skipped, {pace}{left}"
        if self._report is not None:
            self._report(line)
        elif self._live:
            print(f"\r{line:<70}", end="\n" if last else "", flush=True)
        else:
            print(line, flush=True)
