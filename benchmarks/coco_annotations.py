"""People as COCO-WholeBody annotates them (Jin et al., "Whole-Body Human Pose Estimation in the
Wild", ECCV 2020)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError

HANDS = {"left": 91, "right": 112}
"""First keypoint of each hand in the layout coco_wholebody_133."""
CLEAR = 10
"""Annotated body points from which a person is clear."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CocoPerson:
    """One annotation.

    box: x, y, width, height px. body: (17, 3) x, y px and visibility (0 = not annotated).
    hands: by side, where annotated: (21, 3) points and the longer side of the hand's box in px.
    """

    number: int
    box: tuple[float, float, float, float]
    area: float
    body: Points
    hands: Mapping[str, tuple[Points, float]]

    @property
    def clear(self) -> bool:
        return int((self.body[:, 2] > 0).sum()) >= CLEAR


def read_annotations(folder: Path) -> dict[str, list[CocoPerson]]:
    """Everybody in each image of `folder`, by the image's file name.

    The annotations are the one *.json file there that has keypoints of hands. Raises
    ConfigurationError.
    """
    for path in sorted(folder.glob("*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"{path} is not readable as JSON ({error}); copy it again."
            ) from error
        if isinstance(document, dict) and _whole_body(document):
            return _people(document)
    raise ConfigurationError(
        f"There are no annotations in {folder}; put the photographs and a JSON file in "
        "COCO-WholeBody's format there."
    )


def _whole_body(document: Mapping[str, Any]) -> bool:
    """Whether the document annotates hands, in all of its people; others have bodies only."""
    people = document.get("annotations")
    return bool(people) and all("lefthand_kpts" in person for person in people or ())


def _people(document: Mapping[str, Any]) -> dict[str, list[CocoPerson]]:
    names = {image["id"]: str(image["file_name"]) for image in document["images"]}
    found: dict[str, list[CocoPerson]] = {name: [] for name in names.values()}
    for person in document["annotations"]:
        hands = {
            side: (_points(person[f"{side}hand_kpts"], 21), _longer(person[f"{side}hand_box"]))
            for side in HANDS
            if person[f"{side}hand_valid"]
        }
        x, y, width, height = (float(v) for v in person["bbox"])
        found[names[person["image_id"]]].append(
            CocoPerson(
                int(person["id"]), (x, y, width, height), float(person["area"]),
                _points(person["keypoints"], 17), hands,
            )
        )  # fmt: skip
    return found


def _points(values: list[float], count: int) -> Points:
    return np.array(values, np.float64).reshape(count, 3)


def _longer(box: list[float]) -> float:
    return float(max(box[2], box[3]))
