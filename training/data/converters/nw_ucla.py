"""Northwestern-UCLA (Wang et al., CVPR 2014): JSON skeletons of Kinect v1, three views.

A file: {"file_name": "a01_s01_e00_v01", "skeletons": (T, 20, 3) metres, "label": 1 to 10}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np

from training.data.converters.base import Item, scores_where_known, shipped_classes
from training.data.converters.files import list_files, read_text
from training.data.sample import Person, Sample, SampleSkipped, nominal_stamps
from training.data.sheet import DataSheet

NAME = re.compile(r"a(\d+)_s(\d+)_e(\d+)_v(\d+)")
RATE_HZ = 30.0


@dataclass(frozen=True)
class NwUclaConverter:
    """input: folder or zip archive (all_sqe.zip) of the JSON files."""

    lazy: ClassVar[bool] = False
    input: Path

    def sheet(self) -> DataSheet:
        """See `Converter.sheet`."""
        return DataSheet(
            dataset="nw_ucla",
            layout="kinect20",
            dims=3,
            unit="m",
            stamps="nominal",
            class_names=shipped_classes("nw_ucla"),
            license="research data, CC BY-NC 4.0: measure, do not redistribute, ship no weights",
            provenance="Northwestern-UCLA Multiview Action 3D, skeletons as JSON",
            converter="nw_ucla",
            notes=("actions 7 and 10 of the recordings are not in the published set",),
        )

    def items(self) -> Iterator[Item]:
        """See `Converter.items`."""
        for name in list_files(self.input, ".json"):
            yield Item(PurePosixPath(name).stem, name)

    def load(self, item: Item) -> Sample:
        """See `Converter.load`."""
        found = NAME.fullmatch(item.source)
        if found is None:
            raise SampleSkipped("corrupt", "the name is not of the form a01_s01_e00_v01")
        try:
            data = json.loads(read_text(self.input, item.handle))
            keypoints = np.array(data["skeletons"], np.float32)
            label = int(data["label"])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise SampleSkipped("corrupt", f"{type(error).__name__}: {error}") from error
        names = shipped_classes("nw_ucla")
        if keypoints.ndim != 3 or keypoints.shape[1:] != (20, 3) or not 1 <= label <= len(names):
            raise SampleSkipped("corrupt", f"skeletons {keypoints.shape}, label {label}")
        _, subject, replication, view = (str(int(part)) for part in found.groups())
        return Sample(
            source=item.source,
            stamps_ns=nominal_stamps(len(keypoints), RATE_HZ),
            people=(Person(keypoints, scores_where_known(keypoints)),),
            class_name=names[label - 1],
            fields={"subject": subject, "camera": view, "replication": replication},
        )
