"""What a comparison of two runs comes to: plain data for the terminal, the report and JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bharnet_ros.evaluation.bootstrap import Bootstrap
from bharnet_ros.evaluation.clip_pairs import ClipPair

Unit = Literal["clips", "recordings"]
Verdict = Literal["better", "worse", "unclear", "same", "none"]

LEAST_UNITS = 10
"""Of fewer clips, minutes or recordings a bootstrap knows too little of what else could have been
drawn; of one alone it would say that nothing could."""


@dataclass(frozen=True)
class Difference:
    """One figure in both runs.

    name: what was measured; a class name in `Comparison.classes`. unit: "share" (0..1), "per hour"
    or "s". low, high: confidence interval of new - old. count: the clips it rests on (minutes, for
    false alarms). gained, lost: clips that only the new and only the old run got right; p_value: of
    the exact McNemar test on them (NaN where the figure is not a share of clips). recordings: how
    many there were to resample; None = clips and minutes were resampled.
    """

    name: str
    unit: str
    higher_is_better: bool
    old: float
    new: float
    low: float
    high: float
    count: int
    gained: int = 0
    lost: int = 0
    p_value: float = math.nan
    significance: float = 0.05
    recordings: int | None = None

    @property
    def change(self) -> float:
        """new - old."""
        return self.new - self.old

    @property
    def verdict(self) -> Verdict:
        """What can be said of the change.

        "better" or "worse" only if the interval leaves out 0 and is no accident of few clips: of
        shares of clips the exact test agrees, everything else rests on LEAST_UNITS, and so does
        whatever whole recordings were resampled for. "same": not one clip differs; "none": nothing
        to compare.
        """
        if not math.isfinite(self.change) or not math.isfinite(self.low):
            return "none"
        if self.change == 0.0 and self.low == self.high == 0.0:
            return "same"
        certain = self.low > 0.0 or self.high < 0.0
        enough = (
            self.p_value <= self.significance
            if math.isfinite(self.p_value)
            else self.count >= LEAST_UNITS
        )
        if self.recordings is not None:
            enough = enough and self.recordings >= LEAST_UNITS
        if not (certain and enough):
            return "unclear"
        return "better" if (self.change > 0.0) == self.higher_is_better else "worse"


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    overall: the main figures. classes: recall of reports, in the new run's order of classes.
    false_alarms: by class, (old, new) counts. clips: every matched clip. problems: sentences about
    what could not be compared.
    """

    old_title: str
    new_title: str
    bootstrap: Bootstrap
    over: Unit
    overall: tuple[Difference, ...]
    classes: tuple[Difference, ...]
    false_alarms: Mapping[str, tuple[int, int]]
    clips: tuple[ClipPair, ...]
    problems: tuple[str, ...]

    @property
    def gained(self) -> tuple[ClipPair, ...]:
        """Clips that only the new run reported rightly."""
        return tuple(clip for clip in self.clips if clip.gained)

    @property
    def lost(self) -> tuple[ClipPair, ...]:
        """Clips that only the old run reported rightly."""
        return tuple(clip for clip in self.clips if clip.lost)

    def as_data(self) -> dict[str, Any]:
        """For JSON: plain values, None for NaN."""
        return {
            "old": self.old_title, "new": self.new_title, "over": self.over,
            "bootstrap": asdict(self.bootstrap), "matched_clips": len(self.clips),
            "overall": [_data(difference) for difference in self.overall],
            "classes": [_data(difference) for difference in self.classes],
            "false_alarms": {name: list(counts) for name, counts in self.false_alarms.items()},
            "gained": [_clip_data(clip) for clip in self.gained],
            "lost": [_clip_data(clip) for clip in self.lost],
            "problems": list(self.problems),
        }  # fmt: skip


def _data(difference: Difference) -> dict[str, Any]:
    values = {**asdict(difference), "change": difference.change, "verdict": difference.verdict}
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }


def _clip_data(clip: ClipPair) -> dict[str, Any]:
    return {
        "recording": clip.recording, "person": clip.new.person_id, "label": clip.new.class_name,
        "start_ns": clip.new.start_ns, "end_ns": clip.new.end_ns,
        "old": clip.old.reported, "new": clip.new.reported,
    }  # fmt: skip
