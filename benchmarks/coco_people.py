"""How well a pose estimator sees real people: photographs of COCO-WholeBody with their annotations.

    python -m benchmarks.coco_people --data FOLDER [--seconds 3] [--pictures FOLDER] [--json FILE]
    python -m benchmarks.coco_people --data FOLDER --backend rtmpose --options model=rtmw_m

FOLDER holds photographs and their annotations in COCO-WholeBody's format. Each photograph is shown
again and again at 15 images a second, as a standing camera would show a scene that does not move;
the last image counts. What is counted was fixed before anything was measured:

- A person is clear when at least 10 of the 17 body points are annotated. Whoever is annotated with
  fewer is neither missed when absent nor invented when present.
- Body: object keypoint similarity (OKS) as COCO defines it (cocodataset.org/#keypoints-eval), over
  the annotated ones of the 17 body points, with the annotation's own area. A keypoint that the
  estimator does not give is wrong. People and skeletons are paired one to one so that the sum of
  the OKS is greatest; whoever has no skeleton has 0. Skeletons that lie on nobody are invented.
- Hands: where one is annotated, the share of its points within 0.2 (and 0.1) of the longer side of
  the hand's annotated box; a hand that is not found is wrong.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.coco_annotations import HANDS, CocoPerson, read_annotations
from bharnet_ros.assignment import assign
from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.node_parameters import parse_options
from bharnet_ros.oks import body_sigmas
from bharnet_ros.overlay import draw
from bharnet_ros.pose import PoseEstimator, create_pose_estimator
from bharnet_ros.types import ActionFrame, FloatArray, Image, Skeleton, SkeletonFrame

RATE_HZ = 15.0
LAYOUT = "coco_wholebody_133"
PARTS = {"head": slice(0, 5), "arms": slice(5, 11), "legs": slice(11, 17)}
LEAST = 0.05
"""A skeleton with less OKS than this is not on that person."""
ON_SOMEBODY = 0.5
"""Share of a skeleton's seen points in an annotated person's box from which it is on them."""


@dataclass(frozen=True)
class Row:
    """One clear person. oks, parts: 0..1; hands: by side, share of points within 0.1 and 0.2 of
    the hand's box, and whether the hand was found."""

    image: str
    person: int
    height_px: float
    points: int
    found: bool
    oks: float
    parts: Mapping[str, float]
    hands: Mapping[str, tuple[float, float, bool]]


def show(estimator: PoseEstimator, image: Image, seconds: float) -> SkeletonFrame:
    """The last frame of an image shown for so long to an estimator that has seen nothing yet."""
    estimator.reset()
    for number in range(max(round(seconds * RATE_HZ), 1)):
        frame = estimator.estimate(image, round(number / RATE_HZ * 1e9))
    return frame


def similarities(person: CocoPerson, skeleton: Skeleton) -> FloatArray:
    """(17,) 0..1 of each body point; NaN where none is annotated, 0 where none is given."""
    gaps = np.sum((skeleton.keypoints[:17] - person.body[:, :2]) ** 2, axis=1)
    spread = 2.0 * person.area * (2.0 * body_sigmas(LAYOUT)[:17]) ** 2
    near = np.where(skeleton.scores[:17] > 0.0, np.exp(-gaps / spread), 0.0)
    return np.where(person.body[:, 2] > 0, near, np.nan).astype(np.float32)


def judge(
    people: Sequence[CocoPerson], frame: SkeletonFrame, image: str
) -> tuple[list[Row], int, dict[int, int]]:
    """A row for each clear person, the number of invented skeletons, and who is whose:
    index in `people` -> index of the skeleton."""
    clear = [i for i, person in enumerate(people) if person.clear]
    each = np.array(
        [[similarities(people[i], s) for s in frame.skeletons] for i in clear]
    ).reshape(len(clear), len(frame.skeletons), 17)
    affinity = np.nanmean(each, axis=2) if each.size else np.zeros(each.shape[:2])
    pairs = {clear[i]: j for i, j in assign(affinity.astype(np.float64), LEAST)}
    rows = []
    for index in clear:
        person, mine = people[index], pairs.get(index)
        skeleton = None if mine is None else frame.skeletons[mine]
        near = (
            np.where(person.body[:, 2] > 0, 0.0, np.nan)
            if skeleton is None
            else similarities(person, skeleton)
        )
        parts = {
            name: float(np.nanmean(near[part]))
            for name, part in PARTS.items()
            if np.isfinite(near[part]).any()
        }
        rows.append(
            Row(
                image, person.number, person.box[3], int((person.body[:, 2] > 0).sum()),
                skeleton is not None, float(np.nanmean(near)), parts,
                {side: hand_shares(person, side, skeleton) for side in person.hands},
            )
        )  # fmt: skip
    free = [s for j, s in enumerate(frame.skeletons) if j not in pairs.values()]
    invented = sum(not any(lies_on(skeleton, person) for person in people) for skeleton in free)
    return rows, invented, pairs


def hand_shares(
    person: CocoPerson, side: str, skeleton: Skeleton | None
) -> tuple[float, float, bool]:
    """Shares of the annotated points within 0.1 and 0.2 of the box, and whether it was found."""
    points, length = person.hands[side]
    seen = points[:, 2] > 0
    if skeleton is None:
        return 0.0, 0.0, False
    part = slice(HANDS[side], HANDS[side] + 21)
    given = skeleton.scores[part] > 0.0
    gaps = np.hypot(*(skeleton.keypoints[part] - points[:, :2]).T)
    gaps = np.where(given, gaps, np.inf)[seen]
    return (
        float((gaps <= 0.1 * length).mean()),
        float((gaps <= 0.2 * length).mean()),
        bool(given.any()),
    )


def lies_on(skeleton: Skeleton, person: CocoPerson) -> bool:
    """Whether a skeleton's seen points mostly lie in an annotated person's box."""
    x, y, width, height = person.box
    points = skeleton.keypoints[skeleton.scores > 0.3]
    if len(points) == 0:
        return False
    within = (points >= (x, y)).all(axis=1) & (points <= (x + width, y + height)).all(axis=1)
    return float(within.mean()) >= ON_SOMEBODY


def picture(
    image: Image, frame: SkeletonFrame, people: Sequence[CocoPerson], rows: Sequence[Row],
    scale: int = 2,
) -> Image:  # fmt: skip
    """What was seen, larger, with the annotated body points as white rings and each one's OKS."""
    large = np.asarray(
        cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8
    )
    seen = tuple(
        Skeleton(-1, s.bbox * scale, s.bbox_score, s.keypoints * scale, s.scores)
        for s in frame.skeletons
    )
    size = (large.shape[0], large.shape[1])
    drawn = draw(
        large, SkeletonFrame(frame.stamp_ns, size, frame.layout, seen),
        ActionFrame(frame.stamp_ns, ()), "",
    )  # fmt: skip
    by_number = {row.person: row for row in rows}
    for person in people:
        for x, y, visible in person.body:
            if visible > 0:
                cv2.circle(drawn, (round(scale * x), round(scale * y)), 4, (255, 255, 255), 1)
        if person.number in by_number:
            place = (round(scale * person.box[0]), round(scale * (person.box[1] + person.box[3])))
            text = f"{by_number[person.number].oks:.2f}"
            cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 255, 255), 2)
    return np.asarray(drawn, np.uint8)


def table(rows: Sequence[Row], invented: int) -> str:
    """Everybody, then the means."""
    lines = [
        "image          person   tall points    OKS  head  arms  legs  hands within 0.2 (0.1)"
    ]
    for row in rows:
        parts = "".join(f"{row.parts.get(name, float('nan')):6.2f}" for name in PARTS)
        hands = "  ".join(
            f"{side} {b:.2f} ({a:.2f})" if found else f"{side} not found"
            for side, (a, b, found) in row.hands.items()
        )
        state = f"{row.oks:6.2f}" if row.found else "missed"
        lines.append(
            f"{row.image:12s} {row.person:8d} {row.height_px:6.0f} {row.points:6d} {state}{parts}"
            f"  {hands}"
        )
    means = summary(rows, invented)
    lines.append(
        f"{means['people']:.0f} clear people, {means['found']:.0f} found, {invented} invented; "
        f"mean OKS {means['oks']:.3f}, of those found {means['oks_found']:.3f}"
    )
    lines.append(
        f"{means['hands']:.0f} annotated hands, {means['hands_found']:.0f} found; points within "
        f"0.2 of the hand {means['hand_0.2']:.2f}, within 0.1 {means['hand_0.1']:.2f}"
    )
    return "\n".join(lines)


def summary(rows: Sequence[Row], invented: int) -> dict[str, float]:
    """Means over people and over hands; NaN where there is nothing."""
    hands = [hand for row in rows for hand in row.hands.values()]

    def mean(values: list[float]) -> float:
        return float(np.mean(values)) if values else float("nan")

    return {
        "people": len(rows),
        "found": sum(row.found for row in rows),
        "invented": invented,
        "oks": mean([row.oks for row in rows]),
        "oks_found": mean([row.oks for row in rows if row.found]),
        "hands": len(hands),
        "hands_found": sum(found for _, _, found in hands),
        "hand_0.1": mean([a for a, _, _ in hands]),
        "hand_0.2": mean([b for _, b, _ in hands]),
    }


def measure(
    data: Path, estimator: PoseEstimator, seconds: float, pictures: Path | None
) -> tuple[list[Row], int]:
    """Rows of all photographs in `data` and the number of invented skeletons."""
    rows: list[Row] = []
    invented = 0
    for name, people in read_annotations(data).items():
        image = cv2.imread(str(data / name))
        if image is None:
            raise ConfigurationError(f"{data / name} is not a readable image; copy it again.")
        still = np.asarray(image, np.uint8)
        frame = show(estimator, still, seconds)
        mine, more, _ = judge(people, frame, Path(name).stem)
        rows += mine
        invented += more
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(
                str(pictures / f"{Path(name).stem}.png"), picture(still, frame, people, mine)
            )
    return rows, invented


def main() -> int:
    """Print the table; 2 after a clear sentence about what was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.coco_people", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="photographs and annotations")
    parser.add_argument("--backend", default="mediapipe", help="(default: %(default)s)")
    parser.add_argument("--options", nargs="*", default=[], help="its options, name=value")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each one is shown")
    parser.add_argument("--pictures", type=Path, help="folder for annotated pictures")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--machine", default="", help="what it ran on, in words")
    options = parser.parse_args()
    try:
        chosen: dict[str, Any] = {"max_people": 8, **parse_options(options.options)}
        estimator = create_pose_estimator(options.backend, **chosen)
        rows, invented = measure(options.data, estimator, options.seconds, options.pictures)
        estimator.close()
    except BharnetError as error:
        print(f"error: {error}")
        return 2
    print(table(rows, invented))
    if options.json is not None:
        record = {
            "command": "python -m benchmarks.coco_people",
            "machine": options.machine,
            "backend": options.backend,
            "options": chosen,
            "seconds": options.seconds,
            "summary": summary(rows, invented),
            "people": [asdict(row) for row in rows],
        }
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
