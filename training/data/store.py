"""Reading a store: memory-mapped, so it opens at once and costs what is looked at."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from training.data.sample import FIELDS, Person, Sample, Span
from training.data.sheet import (
    SHEET_FILE,
    DataSheet,
    entry_bytes,
    files_of,
    hash_files,
    read_sheet,
)
from training.sequences import GestureSpan, KeypointSequence

Records = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Store:
    """A store of N recordings.

    samples: (N,) records (see `sheet.SAMPLE`). instances, spans: the people and the actions the
    samples point to. stamps: int64 nanoseconds of all frames. keypoints: (R, K, C) float32 and
    scores: (R, K) float32, one row for each person and frame; both are zero where missing.
    All arrays are read-only views of the files.
    """

    folder: Path
    sheet: DataSheet
    samples: Records
    instances: Records
    spans: Records
    stamps: IntArray
    keypoints: FloatArray
    scores: FloatArray
    _sources: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.samples)

    def source(self, number: int) -> str:
        """Where a sample comes from."""
        record = self.samples[number]
        first = int(record["source_start"])
        return bytes(self._sources[first : first + int(record["source_length"])]).decode()

    @cached_property
    def sources(self) -> npt.NDArray[np.str_]:
        """(N,) where each sample comes from; decoded at the first use."""
        return np.array([self.source(number) for number in range(len(self))], np.str_)

    def values(self, field: str) -> npt.NDArray[np.str_]:
        """(N,) the value of one of `FIELDS`, "class" or "source" for every sample; "" = unknown."""
        if field == "source":
            return self.sources
        if field == "class":
            names, codes = self.sheet.class_names, self.samples["label"]
        elif field in FIELDS:
            names, codes = self.sheet.field_values.get(field, ()), self.samples[field]
        else:
            raise ConfigurationError(
                f"A store has no field '{field}'; it has {', '.join((*FIELDS, 'class', 'source'))}."
            )
        found: npt.NDArray[np.str_] = np.array([*names, ""], np.str_)[codes]
        return found

    def tagged(self, tag: str) -> npt.NDArray[np.bool_]:
        """(N,) whether each sample bears a tag; all False for a tag that none bears."""
        if tag not in self.sheet.tag_names:
            return np.zeros(len(self), bool)
        bit = np.uint64(1) << np.uint64(self.sheet.tag_names.index(tag))
        return np.asarray((self.samples["tags"] & bit) != 0)

    def sample(self, number: int) -> Sample:
        """One recording, as it was stored."""
        record = self.samples[number]
        names = self.sheet.class_names
        first, count = int(record["first_instance"]), int(record["num_instances"])
        people = []
        for entry in self.instances[first : first + count]:
            rows = slice(int(entry["first_row"]), int(entry["first_row"] + entry["num_frames"]))
            people.append(
                Person(
                    self.keypoints[rows], self.scores[rows], int(entry["first_frame"]),
                    int(entry["track_id"]),
                )
            )  # fmt: skip
        begin, spans = int(record["first_span"]), int(record["num_spans"])
        frame = int(record["first_frame"])
        fields = {
            name: self.sheet.field_values[name][int(record[name])]
            for name in FIELDS
            if record[name] >= 0
        }
        bits = int(record["tags"])
        return Sample(
            source=self.source(number),
            stamps_ns=self.stamps[frame : frame + int(record["num_frames"])],
            people=tuple(people),
            class_name=names[record["label"]] if record["label"] >= 0 else "",
            fields=fields,
            tags=tuple(t for bit, t in enumerate(self.sheet.tag_names) if bits >> bit & 1),
            spans=tuple(
                Span(
                    names[s["label"]], int(s["start_ns"]), int(s["end_ns"]), int(s["track_id"]),
                    float(s["confidence"]),
                )
                for s in self.spans[begin : begin + spans]
            ),
            image_size=(int(record["image_height"]), int(record["image_width"])),
        )  # fmt: skip

    def sequence(self, number: int, person: int = 0) -> KeypointSequence:
        """One person of a 2D recording as the rest of the training reads it.

        Frames in which the person was not there are missing ones. A trimmed recording is one
        span from its first to its last frame. `ConfigurationError` for 3D or too few frames.
        """
        sample = self.sample(number)
        if self.sheet.dims != 2 or len(sample.stamps_ns) < 2:
            raise ConfigurationError(
                f"{sample.source} has {len(sample.stamps_ns)} frames in {self.sheet.dims}D; only "
                "2D recordings of two frames or more are keypoint sequences."
            )
        who = sample.people[person]
        count = who.scores.shape[1]
        keypoints = np.zeros((len(sample.stamps_ns), count, 2), np.float32)
        scores = np.zeros((len(sample.stamps_ns), count), np.float32)
        rows = slice(who.first_frame, who.first_frame + len(who.scores))
        keypoints[rows], scores[rows] = who.keypoints, who.scores
        spans = tuple(
            GestureSpan(s.class_name, s.start_ns, s.end_ns)
            for s in sample.spans
            if s.track_id in (-1, who.track_id)
        )
        if sample.class_name:
            first, last = int(sample.stamps_ns[0]), int(sample.stamps_ns[-1])
            spans = (GestureSpan(sample.class_name, first, last), *spans)
        return KeypointSequence(
            self.sheet.layout, np.array(sample.stamps_ns), keypoints, scores,
            np.zeros((0, count, 2), np.float32), spans,
            {"source": sample.source, **sample.fields},
        )  # fmt: skip

    def verify(self) -> None:
        """Read everything and compare; `ConfigurationError` names the first thing that is wrong."""
        found = hash_files(self.folder, self.sheet.hashes)
        for name, expected in self.sheet.hashes.items():
            if found[name] != expected:
                raise self._wrong(f"{name}.bin is not the file that was written")
        if not np.isfinite(self.keypoints).all() or not np.isfinite(self.scores).all():
            raise self._wrong("keypoints.bin or scores.bin holds infinite or undefined numbers")
        if (self.scores < 0.0).any() or (self.scores > 1.0).any():
            raise self._wrong("scores.bin holds scores outside of 0..1")
        for first, count, total in (
            (self.samples["first_frame"], self.samples["num_frames"], len(self.stamps)),
            (self.samples["first_instance"], self.samples["num_instances"], len(self.instances)),
            (self.samples["first_span"], self.samples["num_spans"], len(self.spans)),
            (self.samples["source_start"], self.samples["source_length"], len(self._sources)),
            (self.instances["first_row"], self.instances["num_frames"], len(self.scores)),
        ):
            if (first < 0).any() or (count < 0).any() or (first + count > total).any():
                raise self._wrong("an index points outside of its file")

    def content_hash(self) -> str:
        """SHA-256 over the hashes of the files and the class names: which data this is."""
        text = json.dumps([sorted(self.sheet.hashes.items()), self.sheet.class_names])
        return hashlib.sha256(text.encode()).hexdigest()

    def _wrong(self, what: str) -> ConfigurationError:
        return ConfigurationError(
            f"The store {self.folder} is damaged: {what}; delete it and convert the data again."
        )


def open_store(folder: Path | str, partial: bool = False) -> Store:
    """Open a store; milliseconds whatever its size, since nothing but the sheet is read.

    partial: take one whose conversion is not finished, too, with what it holds by now.
    Raises ConfigurationError if it is unfinished, damaged or no store.
    """
    folder = Path(folder)
    sheet = read_sheet(folder)
    if sheet.state != "complete" and not partial:
        raise ConfigurationError(
            f"The store {folder} is not finished ({sheet.counts.get('samples', 0)} samples so "
            "far); run the same `python -m training convert` again to go on with it."
        )
    count = get_layout(sheet.layout).num_keypoints
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, (dtype, shape) in files_of(sheet.dims, count).items():
        path = folder / f"{name}.bin"
        entries = sheet.counts.get(name, -1)
        wanted = entries * entry_bytes(dtype, shape)
        size = path.stat().st_size if path.is_file() else -1
        exact = size == wanted or (partial and size >= wanted)
        if entries < 0 or not exact:
            raise ConfigurationError(
                f"{path} has {max(size, 0)} bytes, but {folder / SHEET_FILE} says {wanted}; copy "
                "the store again, or delete it and convert the data again."
            )
        if entries == 0:
            arrays[name] = np.zeros((0, *shape), dtype)
            continue
        mapped = np.memmap(path, dtype, "r", shape=(entries, *shape))
        # As a plain array: every index of a memmap would make another memmap, which is slow.
        arrays[name] = np.asarray(mapped).view(np.ndarray)
    return Store(
        folder, sheet, arrays["samples"], arrays["instances"], arrays["spans"], arrays["stamps"],
        arrays["keypoints"], arrays["scores"], arrays["sources"],
    )  # fmt: skip
