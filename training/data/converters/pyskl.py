"""Annotation pickles of pyskl (and MMAction2): a dict of split and annotations.

split: {name: [frame_dir]}. An annotation: frame_dir, total_frames, label, keypoint (M, T, V, C),
for 2D also keypoint_score (M, T, V) and img_shape (height, width). The pickle is read without
being executed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bharnet_ros.errors import ConfigurationError
from training.data.converters.base import (
    Item,
    scores_where_known,
    seen_stretch,
    shipped_classes,
)
from training.data.converters.ntu import NAME
from training.data.converters.pickles import read_pickle
from training.data.sample import Person, Sample, SampleSkipped, nominal_stamps
from training.data.sheet import DataSheet

_LAYOUTS = {(17, 2): "coco_17", (133, 2): "coco_wholebody_133", (25, 3): "ntu25"}
_CLASSES = ("ntu_rgbd", "nw_ucla", "pku_mmd")


@dataclass(frozen=True)
class PysklConverter:
    """input: the pickle. classes: text file with one class name a line, or the name of a shipped
    list (ntu_rgbd, nw_ucla, pku_mmd); None: the shipped one if the recordings are named like
    NTU's, else class_0, class_1 ... rate_hz: frames a second, as far as known."""

    lazy: ClassVar[bool] = False
    input: Path
    classes: str | None = None
    rate_hz: float = 30.0
    dataset: str | None = None

    def sheet(self) -> DataSheet:
        """See `Converter.sheet`."""
        if not self.rate_hz > 0.0:
            raise ConfigurationError(f"--rate is {self.rate_hz}; it must be above 0.")
        layout, dims = self._layout
        return DataSheet(
            dataset=self.dataset or ("ntu_rgbd" if self._is_ntu else self.input.stem),
            layout=layout,
            dims=dims,
            unit="m" if dims == 3 else "px",
            stamps="nominal",
            class_names=self._class_names,
            license="as the data set says"
            + (" (NTU RGB+D: academic research only)" if self._is_ntu else ""),
            provenance=f"pyskl annotation file {self.input.name}",
            converter="pyskl",
            options={"rate_hz": self.rate_hz},
        )

    def items(self) -> Iterator[Item]:
        """See `Converter.items`."""
        for number, annotation in enumerate(self._content[0]):
            yield Item(str(annotation.get("frame_dir") or f"#{number}"), number)

    def load(self, item: Item) -> Sample:
        """See `Converter.load`."""
        annotation = self._content[0][item.handle]
        try:
            keypoints = np.asarray(annotation["keypoint"], np.float32)
            label = int(annotation["label"])
            scores = scores_where_known(keypoints)
            if "keypoint_score" in annotation:
                scores = np.where(scores > 0, annotation["keypoint_score"], 0).astype(np.float32)
            size = annotation.get("img_shape") or (0, 0)
            height, width = int(size[0]), int(size[1])
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise SampleSkipped("corrupt", f"{type(error).__name__}: {error}") from error
        layout, dims = self._layout
        if keypoints.ndim != 4 or _LAYOUTS.get(keypoints.shape[2:], "") != layout:
            raise SampleSkipped("corrupt", f"keypoint {keypoints.shape}, expected {layout}")
        if not 0 <= label < len(self._class_names):
            raise SampleSkipped("corrupt", f"label {label} of {len(self._class_names)} classes")
        people = []
        for number, (points, weights) in enumerate(zip(keypoints, scores, strict=True)):
            seen = seen_stretch(weights)
            if seen.stop:
                people.append(Person(points[seen], weights[seen], seen.start, number))
        return Sample(
            source=item.source,
            stamps_ns=nominal_stamps(keypoints.shape[1], self.rate_hz),
            people=tuple(people),
            class_name=self._class_names[label],
            fields=_ntu_fields(item.source),
            tags=self._tags.get(item.source, ()),
            image_size=(height, width) if dims == 2 else (0, 0),
        )

    @cached_property
    def _content(self) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
        content: Any = read_pickle(self.input)
        split: Any = {}
        if isinstance(content, dict):
            content, split = content.get("annotations"), content.get("split", {})
        usable = isinstance(content, list) and all(isinstance(a, dict) for a in content)
        if not usable or not content or not isinstance(split, dict):
            raise ConfigurationError(
                f"{self.input} is no pyskl annotation file: it needs a list of 'annotations' "
                "and a dict 'split'."
            )
        return content, split

    @cached_property
    def _layout(self) -> tuple[str, int]:
        """Layout and dimensions of the first annotation that has keypoints."""
        for annotation in self._content[0]:
            shape = np.shape(annotation.get("keypoint", ()))
            if len(shape) == 4:
                if shape[2:] not in _LAYOUTS:
                    raise ConfigurationError(
                        f"{self.input} has {shape[2]} keypoints of {shape[3]} numbers; known are "
                        f"{', '.join(f'{v} x {c} ({n})' for (v, c), n in _LAYOUTS.items())}."
                    )
                return _LAYOUTS[shape[2:]], int(shape[3])
        raise ConfigurationError(
            f"No annotation of {self.input} holds 'keypoint' (M, T, V, C); files that keep them "
            "elsewhere (Kinetics) cannot be converted."
        )

    @cached_property
    def _is_ntu(self) -> bool:
        return NAME.match(str(self._content[0][0].get("frame_dir", ""))) is not None

    @cached_property
    def _class_names(self) -> tuple[str, ...]:
        if self.classes is None and not self._is_ntu:
            labels = [a.get("label") for a in self._content[0]]
            top = max((int(n) for n in labels if isinstance(n, (int, np.integer))), default=0)
            return tuple(f"class_{number}" for number in range(min(top, 9999) + 1))
        wanted = self.classes or "ntu_rgbd"
        if wanted in _CLASSES:
            return shipped_classes(wanted)
        try:
            lines = Path(wanted).read_text("utf-8").split("\n")
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"--classes {wanted} is neither one of {', '.join(_CLASSES)} nor a readable text "
                f"file ({error})."
            ) from error
        return tuple(line.strip() for line in lines if line.strip())

    @cached_property
    def _tags(self) -> dict[str, tuple[str, ...]]:
        tags: dict[str, tuple[str, ...]] = {}
        for split, names in self._content[1].items():
            for name in names:
                tags[str(name)] = (*tags.get(str(name), ()), str(split))
        return tags


def _ntu_fields(name: str) -> dict[str, str]:
    """What a name like S001C002P003R002A013 says; nothing for other names."""
    found = NAME.match(name)
    if found is None:
        return {}
    keys = ("setup", "camera", "subject", "replication")
    return {key: str(int(part)) for key, part in zip(keys, found.groups(), strict=False)}
