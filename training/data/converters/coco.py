"""COCO-WholeBody JSON annotations (Jin et al., ECCV 2020): one sample an image, one frame long."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray
from training.data.converters.base import Item
from training.data.sample import Person, Sample, SampleSkipped, nominal_stamps
from training.data.sheet import DataSheet

PARTS = (
    ("keypoints", 17), ("foot_kpts", 6), ("face_kpts", 68), ("lefthand_kpts", 21),
    ("righthand_kpts", 21),
)  # fmt: skip


@dataclass(frozen=True)
class CocoWholeBodyConverter:
    """input: the JSON file."""

    lazy: ClassVar[bool] = False
    input: Path

    def sheet(self) -> DataSheet:
        """See `Converter.sheet`."""
        return DataSheet(
            dataset="coco_wholebody",
            layout="coco_wholebody_133",
            dims=2,
            unit="px",
            stamps="nominal",
            class_names=(),
            license="annotations: non-commercial; images: Flickr terms",
            provenance=f"COCO-WholeBody annotation file {self.input.name}",
            converter="coco_wholebody",
            notes=("score 1 = annotated, 0 = not",),
        )

    def items(self) -> Iterator[Item]:
        """See `Converter.items`."""
        for number in self._content[0]:
            image = self._content[0][number]
            yield Item(str(image.get("file_name", f"#{number}")), number)

    def load(self, item: Item) -> Sample:
        """See `Converter.load`."""
        images, annotations = self._content
        people: list[Person] = []
        try:
            size = int(images[item.handle]["height"]), int(images[item.handle]["width"])
            for annotation in annotations.get(item.handle, ()):
                if not annotation.get("iscrowd"):
                    points = _points(annotation)
                    scores = (points[None, :, 2] > 0).astype(np.float32)
                    if scores.any():
                        people.append(Person(points[None, :, :2], scores, 0, len(people)))
        except (ValueError, TypeError, KeyError) as error:
            raise SampleSkipped("corrupt", f"{type(error).__name__}: {error}") from error
        return Sample(
            source=item.source,
            stamps_ns=nominal_stamps(1, 1.0),
            people=tuple(people),
            image_size=size,
        )

    @cached_property
    def _content(self) -> tuple[dict[Any, dict[str, Any]], dict[Any, list[dict[str, Any]]]]:
        try:
            data = json.loads(self.input.read_text("utf-8"))
            images = {image["id"]: image for image in data["images"]}
            annotations: dict[Any, list[dict[str, Any]]] = defaultdict(list)
            for annotation in data["annotations"]:
                annotations[annotation["image_id"]].append(annotation)
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise ConfigurationError(
                f"{self.input} is no COCO-WholeBody annotation file "
                f"({type(error).__name__}: {error}); check --input."
            ) from error
        return images, dict(annotations)


def _points(annotation: dict[str, Any]) -> FloatArray:
    """(133, 3) x, y, flag. An annotation without a part (plain COCO) has zeros there."""
    parts = [
        np.array(annotation.get(key) or np.zeros(3 * count), np.float32).reshape(count, 3)
        for key, count in PARTS
    ]
    return np.concatenate(parts)
