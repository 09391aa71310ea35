"""Filling a store, so that a killed run loses at most its last seconds and can go on."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from training.data.sample import FIELDS, REASONS, Person, Sample, SampleSkipped
from training.data.sheet import (
    INSTANCE,
    SAMPLE,
    SHEET_FILE,
    SPAN,
    DataSheet,
    completed,
    entry_bytes,
    files_of,
    hash_files,
    read_sheet,
    write_sheet,
)

COMMIT_S = 5.0
MAX_TAGS = 64


class StoreWriter:
    """Appends samples to the store in `folder`; goes on where a store of the same making stopped.

    with StoreWriter(folder, sheet) as writer:
        for sample in samples:
            if sample.source not in writer.done:
                writer.add(sample)
        writer.finish()

    Samples count once committed: every few seconds, and at `finish` and at the end of the block.
    Raises ConfigurationError if the folder holds something else or is being written to.
    """

    def __init__(self, folder: Path, sheet: DataSheet, commit_s: float = COMMIT_S) -> None:
        self._folder = folder
        self._commit_s = commit_s
        self._files: dict[str, IO[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise ConfigurationError(
                f"{folder} is being written to by another run; wait for it or choose another "
                "output folder."
            ) from error
        try:
            self._sheet = self._taken_up(sheet)
            self._open_files()
        except BaseException:
            self._close()
            raise
        self._labels = {name: code for code, name in enumerate(self._sheet.class_names)}
        values = self._sheet.field_values
        self._codes = {f: {v: c for c, v in enumerate(values.get(f, ()))} for f in FIELDS}
        self._tags = {name: bit for bit, name in enumerate(self._sheet.tag_names)}
        self._skipped: list[tuple[str, str, str]] = []
        self._committed_at = time.monotonic()

    @property
    def done(self) -> set[str]:
        """Sources that are in the store (kept up to date)."""
        return self._done

    @property
    def skipped(self) -> int:
        """Sources skipped in this run."""
        return len(self._skipped)

    def add(self, sample: Sample) -> None:
        """Append one sample. `SampleSkipped` ("corrupt" or "empty"), nothing written, if unfit."""
        people = [_cleaned(person, self._sheet) for person in sample.people]
        self._check(sample, people)
        fields = {f: self._code(f, sample.fields.get(f, "")) for f in FIELDS}
        spans = np.array(
            [
                (self._label(s.class_name), s.track_id, s.start_ns, s.end_ns, s.confidence)
                for s in sample.spans
            ],
            SPAN,
        )
        counts = self._counts
        frames, source = len(sample.stamps_ns), sample.source.encode()
        seen = np.zeros(frames, bool)
        instances = np.zeros(len(people), INSTANCE)
        row = counts["keypoints"]
        for entry, person in zip(instances, people, strict=True):
            last = person.first_frame + len(person.scores)
            seen[person.first_frame : last] |= (person.scores > 0.0).any(axis=1)
            entry["first_row"], entry["first_frame"] = row, person.first_frame
            entry["num_frames"], entry["track_id"] = len(person.scores), person.track_id
            row += len(person.scores)
        record = np.zeros(1, SAMPLE)
        for name, value in (
            ("first_frame", counts["stamps"]), ("num_frames", frames),
            ("first_instance", counts["instances"]), ("num_instances", len(people)),
            ("first_span", counts["spans"]), ("num_spans", len(spans)),
            ("label", self._label(sample.class_name)), ("tags", self._bits(sample.tags)),
            ("observed_frames", int(seen.sum())),
            ("image_height", sample.image_size[0]), ("image_width", sample.image_size[1]),
            ("source_start", counts["sources"]), ("source_length", len(source)),
            *fields.items(),
        ):  # fmt: skip
            record[name] = value
        for person in people:
            self._append("keypoints", person.keypoints)
            self._append("scores", person.scores)
        self._append("stamps", sample.stamps_ns.astype("<i8"))
        self._append("instances", instances)
        self._append("spans", spans)
        self._append("sources", np.frombuffer(source, np.uint8))
        self._append("samples", record)
        self._done.add(sample.source)
        if time.monotonic() - self._committed_at > self._commit_s:
            self.commit()

    def skip(self, source: str, reason: str, detail: str) -> None:
        """Note a source that gives no sample. reason: one of `sample.REASONS`."""
        if reason not in REASONS:
            raise ConfigurationError(f"'{reason}' is no reason; use one of {', '.join(REASONS)}.")
        self._skipped.append((source, reason, detail[:300]))

    def commit(self) -> None:
        """Make everything added so far count."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        self._sheet = replace(
            self._sheet,
            class_names=tuple(self._labels),
            field_values={f: tuple(codes) for f, codes in self._codes.items()},
            tag_names=tuple(self._tags),
            counts=dict(self._counts),
            skipped=tuple(self._skipped),
        )
        write_sheet(self._folder, self._sheet)
        self._committed_at = time.monotonic()

    def finish(self) -> DataSheet:
        """Commit, hash every file and call the store complete."""
        if not self._counts["samples"]:
            reasons = ", ".join(f"{n} {r}" for r, n in self._skip_counts().items()) or "none found"
            raise ConfigurationError(
                f"No source gave a sample ({reasons}); look at `skipped` in "
                f"{self._folder / SHEET_FILE} and at the input folder."
            )
        self.commit()
        self._sheet = completed(self._sheet, hash_files(self._folder, self._files))
        write_sheet(self._folder, self._sheet)
        return self._sheet

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._sheet.state != "complete":
                self.commit()
        finally:
            self._close()

    def _taken_up(self, sheet: DataSheet) -> DataSheet:
        """The sheet to go on with: that of the folder if there is one of the same making."""
        empty = dict.fromkeys(files_of(2, 1), 0)
        if not (self._folder / SHEET_FILE).is_file():
            others = [p.name for p in self._folder.iterdir() if not p.name.startswith(".")]
            if others:
                raise ConfigurationError(
                    f"{self._folder} holds other things ({', '.join(sorted(others)[:5])}); "
                    "choose an empty folder for the store."
                )
            sheet = replace(sheet, state="converting", counts=empty, hashes={}, skipped=())
            write_sheet(self._folder, sheet)
            return sheet
        found = read_sheet(self._folder)
        if not found.same_making(sheet):
            raise ConfigurationError(
                f"{self._folder} holds a store of '{found.dataset}' that was made differently "
                f"(converter {found.converter}, options {dict(found.options)}); delete it or "
                "choose another output folder."
            )
        # At once: were this run killed, the files would be longer than a complete store's.
        found = replace(found, state="converting", hashes={}, skipped=())
        write_sheet(self._folder, found)
        return found

    def _open_files(self) -> None:
        keypoints = get_layout(self._sheet.layout).num_keypoints
        self._counts = dict(self._sheet.counts)
        for name, (dtype, shape) in files_of(self._sheet.dims, keypoints).items():
            path = self._folder / f"{name}.bin"
            wanted = self._counts[name] * entry_bytes(dtype, shape)
            file = path.open("r+b" if path.exists() else "w+b")
            self._files[name] = file
            size = file.seek(0, os.SEEK_END)
            if size < wanted:
                raise ConfigurationError(
                    f"{path} has {size} bytes where {wanted} are noted; delete the folder and "
                    "convert the data again."
                )
            file.truncate(wanted)  # what a killed run had not committed
            file.seek(wanted)
        self._done = set(_sources(self._folder))

    def _append(self, name: str, values: npt.NDArray[np.generic]) -> None:
        self._files[name].write(values.tobytes())
        self._counts[name] += len(values)

    def _check(self, sample: Sample, people: list[Person]) -> None:
        stamps, frames = sample.stamps_ns, len(sample.stamps_ns)
        if sample.source in self._done:
            raise SampleSkipped("corrupt", "a source of that name is in the store already")
        if not frames or not people:
            raise SampleSkipped("empty", f"{frames} frames, {len(people)} people")
        if (np.diff(stamps) <= 0).any():
            raise SampleSkipped("corrupt", "stamps do not rise")
        for person in people:
            if person.first_frame < 0 or person.first_frame + len(person.scores) > frames:
                raise SampleSkipped("corrupt", "a person lies outside of the frames")
        classes = {sample.class_name, *(span.class_name for span in sample.spans)} - {""}
        unknown = classes - set(self._labels)
        if unknown and not self._sheet.open_classes:
            raise SampleSkipped("corrupt", f"unknown class {', '.join(sorted(unknown))}")

    def _label(self, name: str) -> int:
        return self._labels.setdefault(name, len(self._labels)) if name else -1

    def _code(self, field: str, value: str) -> int:
        codes = self._codes[field]
        return codes.setdefault(value, len(codes)) if value else -1

    def _bits(self, tags: Iterable[str]) -> int:
        bits = 0
        for tag in tags:
            bits |= 1 << self._tags.setdefault(tag, len(self._tags))
        if len(self._tags) > MAX_TAGS:
            raise ConfigurationError(f"More than {MAX_TAGS} tags: {', '.join(self._tags)}.")
        return bits

    def _skip_counts(self) -> dict[str, int]:
        return replace(self._sheet, skipped=tuple(self._skipped)).skip_counts

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._lock.close()


def _sources(folder: Path) -> Mapping[str, None]:
    """The sources of the samples in a folder, in their order."""
    text = (folder / "sources.bin").read_bytes()
    counts = read_sheet(folder).counts
    records = np.fromfile(folder / "samples.bin", SAMPLE, counts["samples"])
    ends = records["source_start"] + records["source_length"]
    return dict.fromkeys(
        text[start:end].decode() for start, end in zip(records["source_start"], ends, strict=True)
    )


def _cleaned(person: Person, sheet: DataSheet) -> Person:
    """float32, everything missing zero in coordinates and score, nothing infinite."""
    shape = (len(person.scores), get_layout(sheet.layout).num_keypoints)
    if person.scores.shape != shape or person.keypoints.shape != (*shape, sheet.dims):
        raise SampleSkipped(
            "corrupt",
            f"keypoints {person.keypoints.shape}, scores {person.scores.shape}; expected "
            f"{(*shape, sheet.dims)} and {shape}",
        )
    if not len(person.scores):
        raise SampleSkipped("empty", "a person without frames")
    with np.errstate(over="ignore"):  # infinite in float32: refused like any other infinity
        keypoints: FloatArray = np.asarray(person.keypoints, "<f4")
        scores: FloatArray = np.asarray(person.scores, "<f4")
    seen = np.isfinite(keypoints).all(axis=-1) & np.isfinite(scores) & (scores > 0.0)
    return replace(
        person,
        keypoints=np.where(seen[..., None], keypoints, np.float32(0.0)),
        scores=np.where(seen, np.minimum(scores, np.float32(1.0)), np.float32(0.0)),
    )
