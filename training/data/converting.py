"""Running a converter over everything it finds: resumable, parallel, and never stopped by a file.

Whatever is wrong with one source is noted in the data sheet and the run goes on. Samples enter the
store in the order of the converter's items whatever the number of processes, so the same input
gives the same store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bharnet_ros.errors import ConfigurationError
from training.data.converters.base import Converter, Item
from training.data.reading import Progress, Report, read_all
from training.data.sample import SampleSkipped
from training.data.sheet import DataSheet
from training.data.writer import StoreWriter


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
        return _convert(converter, items, output, sheet, workers, Progress(total, report))
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
    progress: Progress,
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
        for item, result in read_all(converter, wanted(), workers):
            try:
                if isinstance(result, SampleSkipped):
                    raise result
                writer.add(result)
                added += 1
            except SampleSkipped as skipped:
                writer.skip(item.source, skipped.reason, skipped.detail)
        progress.show(len(met), writer.skipped, last=True)
        return Conversion(writer.finish(), added, present, writer.skipped)
