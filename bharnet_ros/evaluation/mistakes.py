"""Which mistakes of an evaluation are worth looking at first."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import Literal

from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.metrics.clips import ClipOutcome, clip_outcomes_of
from bharnet_ros.evaluation.metrics.events import scored
from bharnet_ros.evaluation.metrics.material import material
from bharnet_ros.evaluation.records import Evaluation
from bharnet_ros.evaluation.scoring import Outcome

Kind = Literal["wrong", "missed", "false alarm"]
KINDS: tuple[Kind, ...] = ("wrong", "false alarm", "missed")

_BEFORE_ALARM_NS = 1_500_000_000  # what led to a report lies before it
_LONGEST_NS = 6_000_000_000


@dataclass(frozen=True)
class Mistake:
    """A true action that was taken for something else or missed, or a report of nothing true.

    truth, report: class names; None for a false alarm, for something missed.
    start_ns, end_ns: the time to look at. event_ns: when the report began; the true start of
    something missed. score: the probability of the report; for something missed that of the class
    the judgements came to instead. times: how often this truth was reported so in the evaluation.
    """

    kind: Kind
    recording: str
    person_id: int
    truth: str | None
    report: str | None
    start_ns: int
    end_ns: int
    event_ns: int
    score: float
    times: int = 1


def find_mistakes(evaluation: Evaluation) -> tuple[Mistake, ...]:
    """All of them, the worst first.

    Wrong reports, false alarms and missed actions take turns; within each the surest comes first,
    and each confusion of two classes is shown once before any is shown again.
    """
    found: list[Mistake] = []
    for recording in evaluation.recordings:
        data = material(evaluation, (recording,))
        score = scored(data)
        clips = {
            (clip.person_id, clip.class_name, clip.start_ns, clip.end_ns): clip
            for clip in clip_outcomes_of(data, score)
        }
        for outcome in score.outcomes:
            if not outcome.right:
                true = outcome.truth
                key = true.person_id, true.class_name, true.start_ns, true.end_ns
                found.append(_of_outcome(recording.name, outcome, clips.get(key)))
        found += [_of_alarm(recording.name, alarm) for alarm in score.false_alarms]
    times = Counter((m.kind, m.truth, m.report) for m in found)
    return _ordered([replace(m, times=times[m.kind, m.truth, m.report]) for m in found])


def _of_outcome(recording: str, outcome: Outcome, clip: ClipOutcome | None) -> Mistake:
    truth, answer = outcome.truth, outcome.answer
    if answer is None:
        sure = clip.probability if clip is not None and not clip.right else 0.0
        return Mistake(
            "missed", recording, truth.person_id, truth.class_name, None,
            truth.start_ns, min(truth.end_ns, truth.start_ns + _LONGEST_NS), truth.start_ns, sure,
        )  # fmt: skip
    end = max(truth.end_ns, answer.start_ns)
    start = max(truth.start_ns, end - _LONGEST_NS, answer.start_ns - _LONGEST_NS)
    return Mistake(
        "wrong", recording, truth.person_id, truth.class_name, answer.class_name,
        start, min(end, start + _LONGEST_NS), answer.start_ns, answer.score,
    )  # fmt: skip


def _of_alarm(recording: str, alarm: Episode) -> Mistake:
    start = alarm.start_ns - _BEFORE_ALARM_NS
    return Mistake(
        "false alarm", recording, alarm.person_id, None, alarm.class_name,
        start, min(alarm.end_ns, start + _LONGEST_NS), alarm.start_ns, alarm.score,
    )  # fmt: skip


def _ordered(found: list[Mistake]) -> tuple[Mistake, ...]:
    by_kind: dict[Kind, list[Mistake]] = {kind: [] for kind in KINDS}
    seen: Counter[tuple[Kind, str | None, str | None]] = Counter()
    ranks: dict[Kind, list[tuple[int, float, Mistake]]] = defaultdict(list)
    for mistake in sorted(found, key=lambda m: (-m.score, m.recording, m.start_ns, m.person_id)):
        pair = mistake.kind, mistake.truth, mistake.report
        ranks[mistake.kind].append((seen[pair], -mistake.score, mistake))
        seen[pair] += 1
    for kind, entries in ranks.items():
        by_kind[kind] = [entry[2] for entry in sorted(entries, key=lambda entry: entry[:2])]
    longest = max(map(len, by_kind.values()))
    return tuple(
        by_kind[kind][index] for index in range(longest) for kind in KINDS
        if index < len(by_kind[kind])
    )  # fmt: skip
