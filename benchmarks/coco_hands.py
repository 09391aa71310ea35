"""What MediaPipe's hand network says of annotated hands when it is shown the right square.

    python -m benchmarks.coco_hands --data FOLDER [--hand-model full]

FOLDER: as of `benchmarks.coco_people`. Tells hands that were not looked for in the right place from
hands that the network does not believe in: below a presence of 0.5 the estimator reports none.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from benchmarks.coco_annotations import read_annotations
from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.pose.mediapipe.hand_tracking import MIN_PRESENCE
from bharnet_ros.pose.mediapipe.hands import region_from_points
from bharnet_ros.pose.mediapipe.models import HAND_FILES, open_models


def measure(data: Path, hand_model: str) -> list[dict[str, float | str]]:
    """A row for each annotated hand: presence 0..1 and the share of points within 0.2 of the
    longer side of the annotated box."""
    networks = open_models(None, 1, hand_model, 0.5).hands
    if networks is None:
        raise ConfigurationError("No hand network was opened; choose a hand model.")
    rows: list[dict[str, float | str]] = []
    for name, people in read_annotations(data).items():
        image = cv2.imread(str(data / name))
        if image is None:
            raise ConfigurationError(f"{data / name} is not a readable image; copy it again.")
        for person in people:
            for side, (points, length) in person.hands.items():
                region = region_from_points(points[:, :2])
                hand = networks.look(np.asarray(image, np.uint8), region)
                gaps = np.hypot(*(hand.points - points[:, :2]).T)[points[:, 2] > 0]
                rows.append(
                    {
                        "image": Path(name).stem, "person": str(person.number), "side": side,
                        "box_px": length, "presence": hand.presence,
                        "within_0.2": float((gaps <= 0.2 * length).mean()),
                    }
                )  # fmt: skip
    return rows


def main() -> int:
    """Print the table; 2 after a clear sentence about what was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.coco_hands", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="photographs and annotations")
    parser.add_argument("--hand-model", default="full", choices=sorted(HAND_FILES))
    options = parser.parse_args()
    try:
        rows = measure(options.data, options.hand_model)
    except BharnetError as error:
        print(f"error: {error}")
        return 2
    print("image          person side   box px  presence  points within 0.2")
    for row in rows:
        print(
            f"{row['image']:12s} {row['person']:>8s} {row['side']:5s} {row['box_px']:7.0f}"
            f" {row['presence']:9.2f} {row['within_0.2']:18.2f}"
        )
    believed = sum(float(row["presence"]) >= MIN_PRESENCE for row in rows)
    print(f"{len(rows)} hands, {believed} believed in")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
