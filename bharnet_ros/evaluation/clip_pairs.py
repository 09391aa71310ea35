"""The same clips in two evaluations, and what each run made of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.gaps import Span
from bharnet_ros.evaluation.metrics.clips import ClipOutcome, clip_outcomes_of
from bharnet_ros.evaluation.metrics.events import scored
from bharnet_ros.evaluation.metrics.material import material
from bharnet_ros.evaluation.records import Evaluation, Recording

MIN_OVERLAP = 0.5
"""Two segments of a label are the same clip if they share this much (intersection over union)."""


@dataclass(frozen=True)
class ClipPair:
    """One true clip of a recording in both runs."""

    recording: str
    old: ClipOutcome
    new: ClipOutcome

    @property
    def gained(self) -> bool:
        """Only the new run reported it rightly."""
        return self.new.reported_right and not self.old.reported_right

    @property
    def lost(self) -> bool:
        """Only the old run reported it rightly."""
        return self.old.reported_right and not self.new.reported_right


@dataclass(frozen=True)
class RecordingPair:
    """One recording in both runs.

    start_ns, end_ns: the time that both evaluated; clips and false alarms count only inside it.
    gaps: of either run.
    only_old, only_new: numbers of clips that the other run does not have.
    """

    name: str
    start_ns: int
    end_ns: int
    clips: tuple[ClipPair, ...]
    old_false_alarms: tuple[Episode, ...]
    new_false_alarms: tuple[Episode, ...]
    only_old: int
    only_new: int
    gaps: tuple[Span, ...] = ()


def pair_recordings(
    old: Evaluation, new: Evaluation
) -> tuple[tuple[RecordingPair, ...], tuple[str, ...], tuple[str, ...]]:
    """Match recordings by name, and their clips by label and time.

    Of recordings with the same name the first goes with the first.
    Returns the pairs, and the names that only the old and only the new run has.
    """
    waiting: dict[str, list[Recording]] = defaultdict(list)
    for recording in old.recordings:
        waiting[recording.name].append(recording)
    pairs: list[RecordingPair] = []
    only_new: list[str] = []
    for recording in new.recordings:
        if waiting[recording.name]:
            pairs.append(_pair(old, waiting[recording.name].pop(0), new, recording))
        else:
            only_new.append(recording.name)
    only_old = [recording.name for left in waiting.values() for recording in left]
    return tuple(pairs), tuple(only_old), tuple(only_new)


def _pair(
    old_run: Evaluation, old: Recording, new_run: Evaluation, new: Recording
) -> RecordingPair:
    start = max(old.start_ns, new.start_ns)
    end = max(start, min(old.end_ns, new.end_ns))
    before, old_alarms = _outcomes(old_run, old, start, end)
    after, new_alarms = _outcomes(new_run, new, start, end)
    matches = _match(before, after)
    clips = tuple(ClipPair(new.name, before[i], after[j]) for i, j in matches)
    return RecordingPair(
        new.name, start, end, clips, old_alarms, new_alarms,
        len(before) - len(clips), len(after) - len(clips), (*old.gaps, *new.gaps),
    )  # fmt: skip


def _outcomes(
    run: Evaluation, recording: Recording, start_ns: int, end_ns: int
) -> tuple[list[ClipOutcome], tuple[Episode, ...]]:
    """Clips and false alarms in the time that both runs evaluated: one may have been broken off.

    A clip counts if its middle does: runs through a graph see a moment less of the end.
    """
    data = material(run, (recording,))
    score = scored(data)
    clips = [
        clip
        for clip in clip_outcomes_of(data, score)
        if start_ns <= (clip.start_ns + clip.end_ns) // 2 <= end_ns
    ]
    return clips, tuple(e for e in score.false_alarms if start_ns <= e.start_ns <= end_ns)


def _match(old: Sequence[ClipOutcome], new: Sequence[ClipOutcome]) -> list[tuple[int, int]]:
    """Indices of equal clips. Those of the same person go first, then the best overlap."""
    by_class: dict[str, list[int]] = defaultdict(list)
    for i, clip in enumerate(old):
        by_class[clip.class_name].append(i)
    candidates: list[tuple[bool, float, int, int]] = []
    for j, clip in enumerate(new):
        for i in by_class[clip.class_name]:
            shared = _overlap(old[i], clip)
            if shared >= MIN_OVERLAP:
                candidates.append((old[i].person_id != clip.person_id, -shared, j, i))
    used: set[int] = set()
    matches: dict[int, int] = {}
    for _, _, j, i in sorted(candidates):
        if i not in used and j not in matches:
            used.add(i)
            matches[j] = i
    return [(i, j) for j, i in sorted(matches.items())]


def _overlap(first: ClipOutcome, second: ClipOutcome) -> float:
    """Shared time over the time of either; 1 for two equal moments."""
    if (first.start_ns, first.end_ns) == (second.start_ns, second.end_ns):
        return 1.0
    shared = min(first.end_ns, second.end_ns) - max(first.start_ns, second.start_ns)
    union = max(first.end_ns, second.end_ns) - min(first.start_ns, second.start_ns)
    return max(0, shared) / union if union else 0.0
