"""What is counted of drawn people, and how it is summed up: percentages of correct keypoints.

The measures are defined in `benchmarks/drawn_people.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bharnet_ros.types import Skeleton

HANDS = (91, 112)
"""First keypoint of the left and of the right hand."""
MIN_VISIBLE = 14
HEIGHTS_PX = (0, 150, 225, 300, 400, 550, 10_000)

Points = npt.NDArray[np.floating[Any]]
Counts = dict[str, tuple[int, int]]
"""By measure: keypoints correct, keypoints in plain view."""


class Condition(NamedTuple):
    """size: (width, height) px of the image."""

    people: int
    size: tuple[int, int]
    distance_m: float

    @property
    def name(self) -> str:
        return f"{self.people} at {self.distance_m:.1f} m, {self.size[0]}x{self.size[1]}"


@dataclass(frozen=True)
class Sight:
    """One true person in one image. palms_px: of each hand that counts."""

    condition: Condition
    height_px: float
    found: bool
    counts: Counts
    palms_px: tuple[float, ...]


def person_counts(real: Skeleton, mine: Skeleton | None) -> tuple[Counts, tuple[int, ...]]:
    """Correct and visible keypoints of one person, and the first indices of hands that count."""
    points = real.keypoints.astype(np.float64)
    visible = real.scores > 0.9
    gaps = np.full(len(points), np.inf)
    if mine is not None:
        gaps = np.where(mine.scores > 0.0, np.linalg.norm(mine.keypoints - points, axis=1), np.inf)
    box, torso = float(real.bbox[2:].max()), float(np.linalg.norm(points[5] - points[12]))
    body = slice(0, 17)
    counts: Counts = {
        "box_0.1": _correct(gaps[body], visible[body], 0.1 * box),
        "torso_0.1": _correct(gaps[body], visible[body], 0.1 * torso),
        "torso_0.2": _correct(gaps[body], visible[body], 0.2 * torso),
    }
    middle_y = float(points[[5, 6, 11, 12], 1].mean())
    hands = []
    for first in HANDS:
        part = slice(first, first + 21)
        if visible[part].sum() < MIN_VISIBLE:
            continue
        hands.append(first)
        side = float(np.ptp(points[part], axis=0).max())
        kinds = ("raised", "hand") if points[first, 1] < middle_y else ("hand",)
        for kind in kinds:
            for share in (0.1, 0.2):
                right, count = _correct(gaps[part], visible[part], share * side)
                before = counts.get(f"{kind}_{share}", (0, 0))
                counts[f"{kind}_{share}"] = (before[0] + right, before[1] + count)
            found = int(np.isfinite(gaps[part][visible[part]]).mean() >= 0.5)
            before = counts.get(f"{kind}_found", (0, 0))
            counts[f"{kind}_found"] = (before[0] + found, before[1] + 1)
    return counts, tuple(hands)


def _correct(gaps: Points, visible: npt.NDArray[np.bool_], limit: float) -> tuple[int, int]:
    return int((gaps[visible] <= limit).sum()), int(visible.sum())


COLUMNS = (
    "box_0.1", "torso_0.2", "torso_0.1", "hand_found", "hand_0.1", "hand_0.2", "raised_found",
    "raised_0.1", "raised_0.2",
)  # fmt: skip


def summary(sights: Sequence[Sight]) -> dict[str, float]:
    """Shares 0..1 over all sights, with how many there are, and medians of sizes in pixels."""
    row: dict[str, float] = {
        "sights": len(sights),
        "found": float(np.mean([s.found for s in sights])) if sights else float("nan"),
        "height_px": float(np.median([s.height_px for s in sights])) if sights else float("nan"),
    }
    palms = [palm for sight in sights for palm in sight.palms_px]
    row["palm_px"] = float(np.median(palms)) if palms else float("nan")
    for name in COLUMNS:
        each = [s.counts[name] for s in sights if name in s.counts]
        right, count = (sum(values) for values in zip(*each, strict=True)) if each else (0, 0)
        row[name] = right / count if count else float("nan")
        row[f"{name}_count"] = count
    return row


def by_height(sights: Sequence[Sight]) -> dict[str, dict[str, float]]:
    """The summary of everybody of about the same size."""
    rows = {}
    for low, high in pairwise(HEIGHTS_PX):
        chosen = [s for s in sights if low <= s.height_px < high]
        if chosen:
            rows[f"{low} to {high} px" if high < 10_000 else f"{low} px or more"] = summary(chosen)
    return rows


def crossing(distances: Sequence[float], shares: Sequence[float], least: float) -> float:
    """The distance up to which the shares stay at `least`, interpolated; inf if they never fall
    below, NaN if they never reach it. distances: rising."""
    if not shares or not shares[0] >= least:
        return float("nan")
    for (near, before), (far, after) in pairwise(zip(distances, shares, strict=True)):
        if not after >= least:
            return near + (far - near) * (before - least) / max(before - after, 1e-9)
    return float("inf")


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Percentages."""
    names = ("found", *COLUMNS)
    head = f"{'':26s}{'sights':>7s}{'tall':>6s}{'palm':>6s}"
    lines = [head + "".join(f"{name:>13s}" for name in names)]
    for label, row in rows.items():
        shares = "".join(f"{100 * row[name]:13.1f}" for name in names)
        lines.append(
            f"{label:26s}{row['sights']:7.0f}{row['height_px']:6.0f}{row['palm_px']:6.1f}{shares}"
        )
    return "\n".join(lines)
