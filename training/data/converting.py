"""Running a converter over everything it finds: resumable, parallel, and never stopped by a file.

Whatever is wrong with one source is noted in the data sheet and the run goes on. Samples enter the
store in the order of the converter's items whatever the number of processes, so the same input
gives the same store.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bharnet_ros.errors import BackendUnavailable, ConfigurationError
from training.data.converters.base import Converter, Item
from training.data.sample import Sample, SampleSkipped
from training.data.sheet import DataSheet
from training.data.writer import StoreWriter

Result = Sample | SampleSkipped
Report = Callable[[str], None]
_QUEUED_PER_WORKER = 4


@dataclass(frozen=True)
class Conversion:
    """What a run did. added, present, skipped: sources converted now, there before, unusable."""

    sheet: DataSheet
    added: int
    present: int
    skipped: int


def convert(
    converter: Converter,
    output: Path,
    workers: int = 0,
    limit: int | None = None,
    report: Report | None = None,
) -> Conversion:
    """Convert everything into the store in the folder `output`.

    A store of the same making there is gone on with; skipped sources are tried again.
    workers: processes that read sources; 0 reads in this one. limit: only so many sources.
    report: gets progress lines; None prints them. Raises ConfigurationError or
    BackendUnavailable on wrong options, never because of a single source.
    """
    if workers < 0 or (limit is not None and limit < 1):
        raise ConfigurationError(
            f"--workers is {workers} and --limit {limit}; give 0 or more workers, a limit above 0."
        )
    sheet = converter.sheet()  # before everything that takes time: checks the options
    items: Iterable[Item] = islice(converter.items(), limit)
    total = None
    if not converter.lazy:
        items = list(items)
        total = len(items)
    try:
        return _convert(converter, items, output, sheet, workers, _Progress(total, report))
    except OSError as error:  # a source that cannot be read is skipped; this is the store
        raise ConfigurationError(
            f"{output} cannot be written ({error}); what is committed stays. Make room or choose "
            "another output folder, and run the same again."
        ) from error


def _convert(
    converter: Converter,
    items: Iterable[Item],
    output: Path,
    sheet: DataSheet,
    workers: int,
    progress: _Progress,
) -> Conversion:
    present = 0
    with StoreWriter(output, sheet) as writer:
        met: set[str] = set()
        before = set(writer.done)

        def wanted() -> Iterator[Item]:
            nonlocal present
            for item in items:
                if item.source in met:
                    writer.skip(item.source, "corrupt", "a source of that name came before")
                elif item.source in before:
                    present += 1
                else:
                    yield item
                met.add(item.source)
                progress.show(len(met), writer.skipped)

        added = 0
        load = _load_in_pool if workers else _load_here
        for item, result in load(converter, wanted(), workers):
            try:
                if isinstance(result, SampleSkipped):
                    raise result
                writer.add(result)
                added += 1
            except SampleSkipped as skipped:
                writer.skip(item.source, skipped.reason, skipped.detail)
        progress.show(len(met), writer.skipped, last=True)
        return Conversion(writer.finish(), added, present, writer.skipped)


def load_safely(converter: Converter, item: Item) -> Result:
    """One source; whatever goes wrong with it becomes a `SampleSkipped`."""
    try:
        return converter.load(item)
    except SampleSkipped as skipped:
        return skipped
    except (ConfigurationError, BackendUnavailable):
        raise  # wrong for every source
    except Exception as error:  # a file may be broken in ways nobody thought of
        return SampleSkipped("corrupt", f"{type(error).__name__}: {error}")


def _load_here(
    converter: Converter, items: Iterator[Item], workers: int
) -> Iterator[tuple[Item, Result]]:
    for item in items:
        yield item, load_safely(converter, item)


def _load_in_pool(
    converter: Converter, items: Iterator[Item], workers: int
) -> Iterator[tuple[Item, Result]]:
    """In the order of the items, with a bounded number of them under way."""
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    pool = _pool(converter, workers)
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
                results = [_finished(f) or _load_alone(converter, item) for item, f in waiting]
                working |= any(not _crashed(result) for result in results)
                if not working:
                    raise ConfigurationError(
                        "Every process that was to read sources died at once; see what they "
                        "printed, or use --workers 0."
                    ) from error
                yield from zip([item for item, _ in waiting], results, strict=True)
                waiting.clear()
                pool = _pool(converter, workers)
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, item: Item) -> Future[Result]:
    """Of a pool that is broken already: a future that says so."""
    try:
        return pool.submit(_work, item)
    except BrokenProcessPool as error:
        failed: Future[Result] = Future()
        failed.set_exception(error)
        return failed


def _finished(future: Future[Result]) -> Result | None:
    """What a future gave before the pool broke, if it did."""
    with suppress(BrokenProcessPool):
        if future.done() and not future.cancelled():
            return future.result()
    return None


def _crashed(result: Result) -> bool:
    return isinstance(result, SampleSkipped) and result.reason == "crashed"


def _load_alone(converter: Converter, item: Item) -> Result:
    with _pool(converter, 1) as pool:
        try:
            return pool.submit(_work, item).result()
        except BrokenProcessPool:
            return SampleSkipped("crashed", "reading it killed the process")


def _pool(converter: Converter, workers: int) -> ProcessPoolExecutor:
    # spawn: a forked child of a process with threads (OpenCV, ROS) may hang.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, _start, (converter,))


_converter: Converter | None = None


def _start(converter: Converter) -> None:
    """In a worker: the converter, once. Several processes need no threads of their own."""
    global _converter
    _converter = converter
    with suppress(ImportError):
        import cv2

        cv2.setNumThreads(1)


def _work(item: Item) -> Result:
    if _converter is None:
        raise ConfigurationError("A worker was started without its converter.")
    return load_safely(_converter, item)


class _Progress:
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
