"""Cutting the tiles of a store: resumable, parallel, and never stopped by a broken file."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.roi import RoiConfig, cut_person
from training.data.converters.base import Item
from training.data.reading import Progress, Report, read_all
from training.data.rois import (
    SHEET_FILE,
    RoiSheet,
    read_roi_sheet,
    row_dtype,
    tiles_path,
    write_roi_sheet,
)
from training.data.rois_images import ImageSource
from training.data.sample import Person, SampleSkipped
from training.data.store import Store, open_store

RATE_HZ = 10.0
_NOTE_S = 5.0


@dataclass(frozen=True)
class Extraction:
    """What a run did. added, present: samples cut now, there before. missing: share of the moments
    asked for of which there was no image, in what was added."""

    sheet: RoiSheet
    added: int
    present: int
    missing: float


@dataclass(frozen=True)
class _Cut:
    """A sample whose tiles were written. asked, found: its rows, and those with an image."""

    sample: int
    asked: int
    found: int


_Outcome = tuple[_Cut | tuple[int, SampleSkipped], ...]


def extract_rois(
    store: Store,
    output: Path,
    images: ImageSource,
    config: RoiConfig | None = None,
    rate_hz: float = RATE_HZ,
    workers: int = 0,
    limit: int | None = None,
    report: Report | None = None,
) -> Extraction:
    """Cut tiles of every sample of a store into the folder `output`.

    A folder of the same making is gone on with; skipped samples are tried again. rate_hz: moments
    a second that are cut at most, the last frame always among them. workers: processes; 0 works
    in this one. limit: only so many groups of samples (the folder then stays unfinished). report:
    gets progress lines; None prints them. Raises ConfigurationError on wrong options, never
    because of a single file.
    """
    if workers < 0 or (limit is not None and limit < 1) or not 0.1 <= rate_hz <= 240.0:
        raise ConfigurationError(
            f"--workers is {workers}, --limit {limit}, --rate {rate_hz}; give 0 or more workers, "
            "a limit above 0 and a rate from 0.1 to 240 Hz."
        )
    if store.sheet.dims != 2 or store.sheet.unit != "px":
        raise ConfigurationError(
            f"The store {store.folder} holds {store.sheet.dims}D keypoints in "
            f"{store.sheet.unit}; tiles need 2D ones in pixels of the images."
        )
    config = config or RoiConfig()
    sheet = RoiSheet(store.content_hash(), store.sheet.dataset, config, images.name, rate_hz)
    groups = list(images.groups(store))
    try:
        with _locked(output):
            _take_up(output, sheet)
            return _extract(store, output, images, sheet, groups, workers, limit, report)
    except OSError as error:
        raise ConfigurationError(
            f"{output} cannot be written ({error}); what is finished stays. Make room or choose "
            "another folder, and run the same again."
        ) from error


def _extract(
    store: Store, output: Path, images: ImageSource, sheet: RoiSheet, groups: Sequence[Item],
    workers: int, limit: int | None, report: Report | None,
) -> Extraction:  # fmt: skip
    there = {n for n in range(len(store)) if tiles_path(output, n).is_file()}
    missing = [
        Item(group.source, left)
        for group in groups
        if (left := tuple(n for n in group.handle if n not in there))
    ]
    todo = missing[:limit]
    progress = Progress(len(todo), report)
    cutter = _Cutter(store.folder, output, images, sheet.config, sheet.rate_hz)
    skipped: list[tuple[str, str, str]] = []
    added, asked, found = 0, 0, 0
    noted = time.monotonic()
    for done, (item, outcome) in enumerate(read_all(cutter, iter(todo), workers), 1):
        if isinstance(outcome, SampleSkipped):
            outcome = tuple((number, outcome) for number in item.handle)
        for each in outcome:
            if isinstance(each, _Cut):
                added, asked, found = added + 1, asked + each.asked, found + each.found
            else:
                number, why = each
                skipped.append((store.source(number), why.reason, why.detail[:300]))
        sheet = replace(sheet, samples=len(there) + added, skipped=tuple(skipped))
        if time.monotonic() - noted > _NOTE_S:
            noted = time.monotonic()
            write_roi_sheet(output, sheet)
        progress.show(done, len(skipped))
    progress.show(len(todo), len(skipped), last=True)
    rows = sum(_rows_of(tiles_path(output, n)) for n in range(len(store)))
    state = "complete" if len(todo) == len(missing) else "extracting"
    sheet = replace(
        sheet, state=state, samples=len(there) + added, rows=rows, skipped=tuple(skipped)
    )
    write_roi_sheet(output, sheet)
    if not sheet.samples:
        first = skipped[0] if skipped else ("", "", "the store is empty")
        raise ConfigurationError(
            f"No sample of {store.folder} has images; the first: {first[0]}: {first[2]}. Is this "
            "the folder that the store was made from?"
        )
    return Extraction(sheet, added, len(there), 1.0 - found / asked if asked else 0.0)


@dataclass(frozen=True)
class _Cutter:
    """Cuts the tiles of one group of samples after the other, in whatever process."""

    store: Path
    output: Path
    images: ImageSource
    config: RoiConfig
    rate_hz: float

    @cached_property
    def _store(self) -> Store:
        return open_store(self.store)

    def load(self, item: Item) -> _Outcome:
        """Write the files of a group. Raises SampleSkipped if its images cannot be read."""
        sheets: list[_SampleFile] = []
        try:
            for number in item.handle:
                sheets.append(_SampleFile(self._store, number, self))
            stamps = np.unique(np.concatenate([each.stamps for each in sheets]))
            for stamp_ns, image in self.images.images(self._store, item, stamps):
                for each in sheets:
                    each.add(stamp_ns, image)
            return tuple(each.finish() for each in sheets)
        finally:
            for each in sheets:
                each.drop()


class _SampleFile:
    """The file of one sample while it is filled: straight on the disk, however long it is."""

    def __init__(self, store: Store, number: int, cutter: _Cutter) -> None:
        self._number, self._config = number, cutter.config
        self._layout = store.sheet.layout
        sample = store.sample(number)
        self._size = sample.image_size
        self._path = tiles_path(cutter.output, number)
        self._part = self._path.with_suffix(".part")
        self._people: dict[int, list[tuple[int, Person, int]]] = {}
        self._found = 0
        self._wrong = ""
        total = 0
        for person in sample.people:
            there = np.flatnonzero((person.scores > 0.0).any(axis=1))
            stamps = sample.stamps_ns[person.first_frame + there]
            for place in wanted_moments(stamps, cutter.rate_hz).tolist():
                entry = (total, person, int(there[place]))
                self._people.setdefault(int(stamps[place]), []).append(entry)
                total += 1
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._rows = np.lib.format.open_memmap(
                self._part, "w+", row_dtype(self._config), (max(total, 1),)
            )
            with self._part.open("r+b") as file:
                # Taken now: a disk that fills up under mapped memory kills the process.
                os.posix_fallocate(file.fileno(), 0, self._part.stat().st_size)
        except OSError as error:
            self._part.unlink(missing_ok=True)
            raise ConfigurationError(
                f"{self._part} cannot be written ({error}); what is finished stays. Make room or "
                "choose another folder, and run the same again."
            ) from error
        for stamp, entries in self._people.items():
            for row, person, _ in entries:
                self._rows["stamp_ns"][row], self._rows["track_id"][row] = stamp, person.track_id

    @property
    def stamps(self) -> npt.NDArray[np.int64]:
        """(n,) of the images it asks for."""
        return np.array(list(self._people), np.int64)

    def add(self, stamp_ns: int, image: npt.NDArray[np.uint8]) -> None:
        """Cut from an image what it asks for."""
        entries = self._people.get(stamp_ns, [])
        if not entries:
            return
        if self._size not in ((0, 0), image.shape[:2]):
            self._wrong = f"its images are of size {image.shape[:2]}, its keypoints of {self._size}"
            return
        for row, person, frame in entries:
            tiles, seen = cut_person(
                image, person.keypoints[frame], person.scores[frame], self._layout, self._config
            )
            self._rows["tiles"][row], self._rows["seen"][row] = tiles, seen
            self._found += 1

    def finish(self) -> _Cut | tuple[int, SampleSkipped]:
        """Put the file in its place, unless there was nothing to put into it."""
        asked = sum(len(entries) for entries in self._people.values())
        if not self._found:
            nothing = self._wrong or f"none of its {asked} moments has an image"
            return self._number, SampleSkipped("corrupt" if self._wrong else "empty", nothing)
        self._rows.flush()
        self._part.replace(self._path)
        return _Cut(self._number, asked, self._found)

    def drop(self) -> None:
        """Forget what was not finished."""
        del self._rows
        with suppress(OSError):
            self._part.unlink(missing_ok=True)


def wanted_moments(stamps_ns: npt.NDArray[np.int64], rate_hz: float) -> npt.NDArray[np.int64]:
    """Which of (n,) rising stamps to cut: those next to moments 1 / rate_hz apart, ending with the
    last one."""
    if not len(stamps_ns):
        return np.zeros(0, np.int64)
    period = 1e9 / rate_hz
    first, last = int(stamps_ns[0]), int(stamps_ns[-1])
    moments = last - np.arange(int((last - first) / period + 0.5) + 1) * period
    after = np.clip(np.searchsorted(stamps_ns, moments), 0, len(stamps_ns) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(stamps_ns[before] - moments) < np.abs(stamps_ns[after] - moments)
    return np.unique(np.where(nearer, before, after)).astype(np.int64)


def _take_up(output: Path, sheet: RoiSheet) -> None:
    """Begin a folder, or refuse one that holds something else."""
    if (output / SHEET_FILE).is_file():
        found = read_roi_sheet(output)
        if not found.same_making(sheet):
            raise ConfigurationError(
                f"{output} holds tiles of another store or cut differently (store '{found.dataset}'"
                f", {found.config}, {found.images}, {found.rate_hz} Hz); delete it or choose "
                "another folder."
            )
    elif any(not path.name.startswith(".") for path in output.iterdir()):
        raise ConfigurationError(f"{output} holds other things; choose an empty folder.")
    write_roi_sheet(output, sheet)


def _rows_of(path: Path) -> int:
    """Rows of a sample's file, from its head alone; 0 if there is none."""
    if not path.is_file():
        return 0
    return len(np.load(path, mmap_mode="r", allow_pickle=False))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                f"{folder} is being written to by another run; wait for it or choose another one."
            ) from error
        yield
