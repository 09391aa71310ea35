"""PKU-MMD (Liu et al., 2017): long recordings with spans of actions, Kinect v2, three views.

Skeletons `0002-L.txt`: one line a frame, 150 numbers: 25 joints x (x, y, z) of two people, zeros
where there is nobody. Labels `0002-L.txt`: lines of action, start frame, end frame, confidence.
L, M and R are the left, middle and right camera.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np

from bharnet_ros.errors import ConfigurationError
from training.data.converters.base import (
    Item,
    scores_where_known,
    seen_stretch,
    shipped_classes,
)
from training.data.converters.files import list_files, read_text
from training.data.sample import Person, Sample, SampleSkipped, Span, nominal_stamps
from training.data.sheet import DataSheet

NAME = re.compile(r"(\w+)-([LMR])")
RATE_HZ = 30.0
PEOPLE, JOINTS = 2, 25


@dataclass(frozen=True)
class PkuMmdConverter:
    """input: folder or zip of the skeleton files; labels: folder or zip of the label files."""

    lazy: ClassVar[bool] = False
    input: Path
    labels: Path

    def sheet(self) -> DataSheet:
        """See `Converter.sheet`."""
        return DataSheet(
            dataset="pku_mmd",
            layout="ntu25",
            dims=3,
            unit="m",
            stamps="nominal",
            class_names=shipped_classes("pku_mmd"),
            license="PKU-MMD terms: research only",
            provenance="PKU-MMD, skeletons and labels",
            converter="pku_mmd",
            notes=("untrimmed: actions are spans of the recordings",),
        )

    def items(self) -> Iterator[Item]:
        """See `Converter.items`."""
        for name in list_files(self.input, ".txt"):
            yield Item(PurePosixPath(name).stem, name)

    def load(self, item: Item) -> Sample:
        """See `Converter.load`."""
        found = NAME.fullmatch(item.source)
        if found is None:
            raise SampleSkipped("corrupt", "the name is not of the form 0002-L")
        if item.source not in self._label_names:
            raise SampleSkipped("corrupt", "it has no label file")
        values = _table(read_text(self.input, item.handle), None)
        if values.shape[1] != PEOPLE * JOINTS * 3:
            raise SampleSkipped("corrupt", f"{values.shape[1]} numbers a frame, not 150")
        keypoints = values.reshape(len(values), PEOPLE, JOINTS, 3).astype(np.float32)
        people = []
        for number in range(PEOPLE):
            scores = scores_where_known(keypoints[:, number])
            seen = seen_stretch(scores)
            if seen.stop:
                people.append(Person(keypoints[seen, number], scores[seen], seen.start, number))
        stamps = nominal_stamps(len(values), RATE_HZ)
        names = shipped_classes("pku_mmd")
        spans = []
        for action, start, end, *confidence in _table(
            read_text(self.labels, self._label_names[item.source]), ","
        ).tolist():
            if not 1 <= action <= len(names) or not 0 <= start <= end:
                raise SampleSkipped("corrupt", f"label {action:g} from {start:g} to {end:g}")
            last = len(stamps) - 1  # a few labels end just after the recording
            if start <= last:
                span = stamps[int(start)], stamps[min(int(end), last)]
                sure = confidence[0] if confidence else 1.0
                spans.append(
                    Span(names[int(action) - 1], int(span[0]), int(span[1]), confidence=sure)
                )
        return Sample(
            source=item.source,
            stamps_ns=stamps,
            people=tuple(people),
            fields={"group": found.group(1), "camera": found.group(2)},
            spans=tuple(spans),
        )

    @cached_property
    def _label_names(self) -> dict[str, str]:
        if self.labels.resolve() == self.input.resolve():
            raise ConfigurationError("--labels and --input are the same; give one folder each.")
        return {PurePosixPath(name).stem: name for name in list_files(self.labels, ".txt")}


def _table(text: str, separator: str | None) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(rows, columns) of a text of numbers; `SampleSkipped` if it is none."""
    rows = [line.strip().strip(",").split(separator) for line in text.splitlines() if line.strip()]
    if not rows:
        raise SampleSkipped("empty", "no line in the file")
    try:
        return np.array(rows, np.float64)
    except ValueError as error:
        raise SampleSkipped("corrupt", f"not a table of numbers ({error})") from error
