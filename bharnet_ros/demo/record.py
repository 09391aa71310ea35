"""What the demo saw, and what it comes to. Free of ROS."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bharnet_ros.evaluation import (
    Distribution,
    EpisodeCollector,
    PersonMatcher,
    Score,
    distribution,
    format_score,
    score_episodes,
)
from bharnet_ros.types import ActionFrame, ActionState, RecognizedAction, SkeletonFrame

GRACE_S = 1.0
"""A gesture counts as recognised until this long after its end."""

_KEPT_TRUTH = 256


@dataclass(frozen=True)
class Comparison:
    """A second recogniser that judges the same people by less.

    name: of its part of summary.json, and of its namespace. all, alone: what the whole graph and
    what it judges by. told_by: what tells the pairs apart that are listed.
    """

    name: str
    all: str
    alone: str
    told_by: str

    @property
    def namespace(self) -> str:
        """Where it runs."""
        return f"/{self.name}"


BODY_ALONE = Comparison("body_only", "Body and hands", "Body alone", "fingers tell")
SKELETONS_ALONE = Comparison(
    "skeletons_only", "Skeletons and pixels", "Skeletons alone", "object in the hand tells"
)


@dataclass
class Record:
    """Everything received so far; bounded but for one entry per recognised action.

    bundle: the one whose actions are scored; "" = all. comparison: what else is; None = nothing.
    """

    bundle: str = ""
    comparison: Comparison | None = BODY_ALONE
    truth: EpisodeCollector = field(default_factory=EpisodeCollector)
    fused: EpisodeCollector = field(default_factory=EpisodeCollector)
    alone: EpisodeCollector = field(default_factory=EpisodeCollector)
    matcher: PersonMatcher = field(default_factory=PersonMatcher)
    latencies_ms: list[float] = field(default_factory=list)
    first_stamp_ns: int | None = None
    published: int = 0
    estimated: int = 0
    true_now: dict[int, str] = field(default_factory=dict)
    _true_people: OrderedDict[int, SkeletonFrame] = field(default_factory=OrderedDict)
    _waiting: OrderedDict[int, SkeletonFrame] = field(default_factory=OrderedDict)

    def seconds(self, stamp_ns: int) -> float:
        """Time since the first image."""
        if self.first_stamp_ns is None:
            self.first_stamp_ns = stamp_ns
        return (stamp_ns - self.first_stamp_ns) * 1e-9

    def true_skeletons(self, frame: SkeletonFrame) -> None:
        """Where everybody really is in one image."""
        self.seconds(frame.stamp_ns)
        self.published += 1
        self._true_people[frame.stamp_ns] = frame
        while len(self._true_people) > _KEPT_TRUTH:
            self._true_people.popitem(last=False)
        self._match(frame.stamp_ns)

    def skeletons(self, frame: SkeletonFrame) -> None:
        """Where the estimator found people in one image."""
        self.seconds(frame.stamp_ns)
        self.estimated += 1
        self._waiting[frame.stamp_ns] = frame
        while len(self._waiting) > _KEPT_TRUTH:
            self._waiting.popitem(last=False)
        self._match(frame.stamp_ns)

    def _match(self, stamp_ns: int) -> None:
        if stamp_ns in self._true_people and stamp_ns in self._waiting:
            truth = self._true_people[stamp_ns]
            self.matcher.push(self._waiting.pop(stamp_ns), truth)

    def true_actions(self, frame: ActionFrame) -> None:
        """What everybody really does."""
        self.truth.push(frame)
        for action in frame.actions:
            if action.state in (ActionState.STARTED, ActionState.ONGOING):
                self.true_now[action.track_id] = action.hypotheses[0].class_name
            else:
                self.true_now.pop(action.track_id, None)

    def actions(self, frame: ActionFrame, received_ns: int) -> None:
        """What was recognised, and when it arrived."""
        self.fused.push(frame)
        self.latencies_ms.append((received_ns - frame.stamp_ns) * 1e-6)

    def person(self, action: RecognizedAction) -> int | None:
        """Which actor a track is; None while it lies on nobody."""
        return self.matcher.person(
            action.track_id, action.window_start_ns, action.window_end_ns
        )

    def scores(self) -> tuple[Score, Score | None]:
        """Of the whole graph, and of the comparison if there is one, against the truth."""
        truth = self.truth.episodes()
        heard = [e for e in self.fused.episodes() if self.bundle in ("", e.bundle)]
        fused = score_episodes(truth, self.matcher.attribute(heard), GRACE_S)
        if self.comparison is None:
            return fused, None
        alone = self.matcher.attribute(self.alone.episodes())
        return fused, score_episodes(truth, alone, GRACE_S)

    @property
    def latency(self) -> Distribution:
        """Milliseconds from an image's stamp to the arrival of the action message."""
        return distribution(self.latencies_ms)


def live_line(
    seconds: float, action: RecognizedAction, who: str, truth: str | None, known: bool,
    bundle: str = "",
) -> str:  # fmt: skip
    """One line of the running log.

    truth: what the person really does now, None if nothing; known: whether there is a truth.
    bundle: its name where several speak.
    """
    best = action.hypotheses[0]
    name = f"{bundle}: {best.class_name}" if bundle else best.class_name
    bar = "#" * round(10 * best.score)
    line = (
        f"{seconds:6.1f} s  {who:<9} {action.state.name:<8} {name:<14} "
        f"{best.score:4.2f} {bar:<10}  body {action.body_score:4.2f} hand {action.hand_score:4.2f}"
    )
    return f"{line}   truth: {truth or '-'}" if known else line


def summary(
    record: Record, pairs: Sequence[tuple[str, str]], drops: Mapping[str, int], with_truth: bool
) -> tuple[str, dict[str, Any]]:
    """The closing text, and the same as data for summary.json."""
    latency = record.latency
    lines: list[str] = []
    data: dict[str, Any] = {
        "images_published": record.published,
        "images_estimated": record.estimated,
        "latency_ms": {
            "p50": _known(latency.p50), "p95": _known(latency.p95), "messages": latency.count
        },
        "drops": dict(drops),
        "recognised_episodes": len(record.fused.episodes()),
        "bundles": sorted({e.bundle for e in record.fused.episodes() if e.bundle}),
    }
    if with_truth:
        fused, alone = record.scores()
        than = record.comparison
        known = than.all if than is not None else f"Bundle {record.bundle}"
        lines += [format_score(fused, known, pairs), ""]
        data["fused"] = _score_data(fused, pairs)
        if than is not None and alone is not None:
            title = f"{than.alone}, made to answer if unsure"
            lines += [format_score(alone, title).split("\n")[0]]
            if pairs:
                lines += ["", f"Pairs that only the {than.told_by} apart (guessing: one half):"]
            width = max((len(f"{a} / {b}") for a, b in pairs), default=0)
            for first, second in pairs:
                told = [score.pair_accuracy(first, second) for score in (fused, alone)]
                lines.append(
                    f"  {first + ' / ' + second:<{width}} {than.all.lower()} {_share(told[0]):<10} "
                    f"{than.alone.lower()} {_share(told[1])}"
                )
            data[than.name] = _score_data(alone, pairs)
        lines.append("")
    elif record.fused.episodes():
        lines += [_heard(record), ""]
    missing = max(0, record.published - record.estimated)
    lines.append(
        f"Images: {record.published} published, {record.estimated} estimated, {missing} passed by "
        "(a busy estimator takes the newest; with nobody in view it looks at a few a second)"
    )
    if drops:
        lines.append("Drops: " + ", ".join(f"{reason} {n}" for reason, n in drops.items()))
    delays = f"p50 {latency.p50:.0f}, p95 {latency.p95:.0f} " if latency.count else ""
    lines.append(f"Image stamp -> action message [ms]: {delays}({latency.count} messages)")
    return "\n".join(lines), data


def _heard(record: Record) -> str:
    """Without a truth: how often each action was recognised."""
    heard = record.fused.episodes()
    several = len({episode.bundle for episode in heard}) > 1
    names = Counter(f"{e.bundle}: {e.class_name}" if several else e.class_name for e in heard)
    return "Recognised: " + ", ".join(f"{name} {count}" for name, count in names.most_common())


def _known(value: float) -> float | None:
    """JSON knows no NaN."""
    return value if math.isfinite(value) else None


def _share(told: tuple[int, int]) -> str:
    right, answered = told
    return f"{right} of {answered}" if answered else "no answer"


def _score_data(score: Score, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "right": score.right,
        "wrong": score.wrong,
        "missed": score.missed,
        "total": score.total,
        "false_alarms": len(score.false_alarms),
        "recall": _known(score.recall),
        "classes": sorted({outcome.truth.class_name for outcome in score.outcomes}),
        "pairs": {
            f"{first}/{second}": list(score.pair_accuracy(first, second)) for first, second in pairs
        },
    }
