"""True segments as clips: which class the judgements inside each of them come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.evaluation.metrics.confusion import clip_confusion
from bharnet_ros.evaluation.metrics.counting import Counts, averages, mean
from bharnet_ros.evaluation.metrics.material import Material, Person, inside
from bharnet_ros.evaluation.scoring import Score


@dataclass(frozen=True)
class ClipOutcome:
    """What became of one true segment: the unit over which runs are compared.

    answer: the class (background and unknown included) with the greatest sum of probabilities
    over the judgements inside; None if there is none. action: the same among actions alone.
    probability: mean probability of the answer where it was the most probable; 0 without one.
    judgements: how many there were inside. reported: what the robot was told (see
    `score_episodes`), None if nothing; delay_s: how long after the true start.
    """

    recording: str
    person_id: int
    class_name: str
    start_ns: int
    end_ns: int
    answer: str | None
    action: str | None
    probability: float
    judgements: int
    reported: str | None
    delay_s: float | None

    @property
    def right(self) -> bool:
        """Whether the judgements come to the true class."""
        return self.answer == self.class_name

    @property
    def reported_right(self) -> bool:
        """Whether the robot was told the true class."""
        return self.reported == self.class_name


def clip_outcomes_of(data: Material, score: Score) -> tuple[ClipOutcome, ...]:
    """Of every true action, and of every true span of the unknown class. score: that of the
    same material."""
    reports = {id(outcome.truth): outcome.answer for outcome in score.outcomes}
    is_action = np.isin(data.names, data.actions)
    outcomes = []
    for person in data.people:
        spans = [e for e in person.apart if e.class_name == data.unknown]
        for truth in sorted((*person.truth, *spans), key=lambda e: e.start_ns):
            rows = inside(person.ticks.stamps_ns, truth)
            answer, action, probability, count = _judged(person, rows, data.names, is_action)
            report = reports.get(id(truth))
            delay = None if report is None else (report.start_ns - truth.start_ns) / 1e9
            outcomes.append(ClipOutcome(
                person.recording, person.person_id, truth.class_name, truth.start_ns,
                truth.end_ns, answer, action, probability, count,
                None if report is None else report.class_name, delay,
            ))  # fmt: skip
    return tuple(outcomes)


def clip_counts(clips: Sequence[ClipOutcome], names: Sequence[str]) -> dict[str, Counts]:
    """By class: right clips, clips of others that were taken for it, own ones that were not."""
    hits, misses, extra = Counter[str](), Counter[str](), Counter[str]()
    for clip in clips:
        if clip.right:
            hits[clip.class_name] += 1
        else:
            misses[clip.class_name] += 1
            if clip.answer is not None:
                extra[clip.answer] += 1
    return {name: Counts(hits[name], extra[name], misses[name]) for name in names}


def clip_figures(data: Material, clips: Sequence[ClipOutcome]) -> dict[str, Any]:
    """Accuracy, precision, recall, F1, and what was taken for what."""
    actions = [clip for clip in clips if clip.class_name != data.unknown]
    return {
        "count": len(clips),
        "not_judged": sum(clip.answer is None for clip in clips),
        "accuracy": mean(float(clip.right) for clip in clips),
        "accuracy_among_actions": mean(float(c.action == c.class_name) for c in actions),
        **averages(clip_counts(clips, data.names)),
        "confusion": clip_confusion(((c.class_name, c.answer) for c in clips), data.names),
    }


def _judged(
    person: Person, rows: slice, names: Sequence[str], is_action: npt.NDArray[np.bool_]
) -> tuple[str | None, str | None, float, int]:
    """(answer, answer among actions, its mean probability, number of judgements)."""
    ids = person.ticks.class_ids[rows]
    judged = ids >= 0
    if not judged.any():
        return None, None, 0.0, 0
    weights = person.ticks.probabilities[rows][judged].astype(np.float64)
    counts = np.bincount(ids[judged], minlength=len(names))
    # Classes that were never the most probable are no answer, even if all probabilities are 0.
    sums = np.where(counts > 0, np.bincount(ids[judged], weights, len(names)), -1.0)
    best = int(sums.argmax())
    among = np.where(is_action, sums, -1.0)
    action = names[int(among.argmax())] if among.max() >= 0.0 else None
    return names[best], action, float(sums[best] / counts[best]), int(judged.sum())
