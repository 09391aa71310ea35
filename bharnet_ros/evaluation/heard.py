"""What was heard of a graph while a bag was played to it, as the record of a recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bharnet_ros.evaluation.building import Ending, RecordingBuilder
from bharnet_ros.evaluation.checkpoints import FOLDER, Estimate, Store, Stretch, bag_identity
from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.estimating import STRETCH_IMAGES
from bharnet_ros.evaluation.offline import STOPPED, Job
from bharnet_ros.evaluation.records import Recording
from bharnet_ros.evaluation.stamp_order import JUMP_BACK, RESTARTED, unusable_stamp
from bharnet_ros.evaluation.tracked import TrackedFrames
from bharnet_ros.tracking import NOWHERE
from bharnet_ros.types import ActionFrame, SkeletonFrame

PASSED_BY = "passed by (estimator busy, or nobody in view)"
"""From here the one cannot be told from the other."""
LOST = "skeletons lost"
_ABOUT_NS = 500_000_000
_LATE_NS = 250_000_000
_ESTIMATOR = "pose_estimator: "
_Frame = TypeVar("_Frame", SkeletonFrame, ActionFrame)


@dataclass(frozen=True)
class Heard:
    """Messages and when they arrived, in ns of one monotonic clock.

    published: by log time, when each message of the bag was played. stage_ms: milliseconds that
    the graph told. drops: "node: reason" -> count. rate: bag seconds per second.
    """

    skeletons: Sequence[tuple[int, SkeletonFrame]]
    actions: Sequence[tuple[int, ActionFrame]]
    published: Mapping[int, int]
    stage_ms: Mapping[str, Sequence[float]]
    drops: Mapping[str, int]
    rate: float = 1.0

    @property
    def played_until_ns(self) -> int:
        """The newest log time that was played; 0 before the first."""
        return max(self.published, default=0)


def live_store(job: Job) -> Store:
    """Where the skeletons that the graph published are kept, for the pictures of the report."""
    return Store(job.output / FOLDER, {"bag": bag_identity(job.path), "live": job.given.topic})


def record_heard(
    job: Job, heard: Heard, log_times: Mapping[int, int]
) -> tuple[Recording, TrackedFrames]:
    """The record, and the frames that were published.

    log_times: by stamp, when the bag's messages were recorded. What was recognised is what the
    messages say. "latency" is from the playing of an image (of a skeleton message, if these are
    played) to the arrival of the actions that were judged with it, "latency of skeletons" to that
    of its skeletons.
    """
    images = job.given.kind == "images"
    builder = RecordingBuilder(job.name, job.subject.recognizer(), job.truth, live=True)
    frames = TrackedFrames(job.path, job.given)
    for stage, values in heard.stage_ms.items():
        for value in values:
            builder.spent({stage: value})
    estimates = []
    skeletons, jumped = _forward(heard.skeletons, 1)
    actions, _ = _forward(heard.actions, 0)  # of an image there may be several
    pictures = frames.images() if builder.sees else None
    for at, frame in skeletons:
        log_ns = log_times.get(frame.stamp_ns, 0)
        frames.note(frame, log_ns)
        builder.push(frame, pictures(frame.stamp_ns) if pictures is not None else None)
        estimates.append(Estimate(frame, log_ns, 0.0))
        if images and log_ns in heard.published:
            builder.spent({"latency of skeletons": (at - heard.published[log_ns]) / 1e6})
    if pictures is not None:
        pictures.close()
    for at, told in actions:
        builder.hear(told)
        log_ns = log_times.get(told.stamp_ns, 0)
        if log_ns in heard.published:
            builder.spent({"latency": (at - heard.published[log_ns]) / 1e6})
    if images:
        frames.store = _kept(live_store(job), estimates)
    complete = not job.stopped()
    played = [stamp for stamp, log in log_times.items() if log <= heard.played_until_ns]
    count = len(log_times) if complete else max(len(played), builder.frames)
    end_ns = job.given.end_ns if complete else max(played, default=job.given.start_ns)
    recording = builder.finish(
        Ending(
            count, _drops(heard, count - builder.frames, images),
            (
                *job.bag.problems, *_problems(builder, heard, complete), *_late(log_times),
                *([JUMP_BACK] if jumped else []),
            ),
            complete, job.given.start_ns, end_ns,
        )
    )  # fmt: skip
    frames.who = builder.who
    return recording, frames


def restored(job: Job) -> TrackedFrames:
    """The frames of a finished recording that is not played again."""
    frames = TrackedFrames(job.path, job.given)
    if job.given.kind == "images":
        frames.store = store = live_store(job)
        for begin in store.begins():
            stretch = store.load(begin)
            for estimate in stretch.estimates if stretch else ():
                frames.note(estimate.frame, estimate.log_ns)
                job.truth.push(estimate.frame)
        frames.who = job.truth.finish()
    return frames


def _forward(
    messages: Sequence[tuple[int, _Frame]], step_ns: int
) -> tuple[list[tuple[int, _Frame]], bool]:
    """Those before stamps jumped back and after they are newer again, as offline; whether they
    jumped. step_ns: by which stamps rise at least."""
    kept: list[tuple[int, _Frame]] = []
    newest, jumped = 0, False
    for at, frame in messages:
        jumped |= unusable_stamp(frame.stamp_ns, newest) == RESTARTED
        if frame.stamp_ns >= newest + step_ns:
            kept.append((at, frame))
            newest = frame.stamp_ns
    return kept, jumped


def _drops(heard: Heard, lost: int, images: bool) -> dict[str, int]:
    """Those the graph told, and messages that nobody took."""
    drops = dict(heard.drops)
    told = sum(
        n
        for reason, n in drops.items()
        if reason.startswith(_ESTIMATOR) and reason != f"{_ESTIMATOR}{NOWHERE}"
    )
    if lost > told:
        drops[PASSED_BY if images else LOST] = lost - told
    return drops


def _problems(builder: RecordingBuilder, heard: Heard, complete: bool) -> Iterator[str]:
    if heard.rate != 1.0:
        yield f"The bag was played at {heard.rate:g} times its speed."
    if not complete:
        yield STOPPED
    silent, unfounded = _apart(builder.own_episodes, builder.heard_episodes)
    if silent or unfounded:
        yield (
            f"The graph reported {unfounded} actions that its skeletons do not give here, and did "
            f"not report {silent} that they do: messages were lost, or it runs with other options."
        )


def _late(log_times: Mapping[int, int]) -> Iterator[str]:
    """Whether the recorder stood still now and then: what it recorded in a rush is played so."""
    delays = np.array([log - stamp for stamp, log in log_times.items()], np.int64)
    late = delays - int(np.median(delays)) if delays.size else delays
    count = int((late > _LATE_NS).sum())
    if count:
        yield (
            f"{count} of {late.size} messages were recorded up to {late.max() / 1e9:.1f} s late, "
            "in a rush, and are played so; live some of them are passed by."
        )


def _apart(own: Sequence[Episode], told: Sequence[Episode]) -> tuple[int, int]:
    """How many episodes of each have no like in the other: a person's, of the same class, and
    begun at about the same time (a lost message moves the next judgement)."""
    left = list(told)
    silent = 0
    for episode in own:
        like = [
            other
            for other in left
            if (other.person_id, other.class_name) == (episode.person_id, episode.class_name)
            and abs(other.start_ns - episode.start_ns) <= _ABOUT_NS
        ]
        if like:
            left.remove(min(like, key=lambda other: abs(other.start_ns - episode.start_ns)))
        else:
            silent += 1
    return silent, len(left)


def _kept(store: Store, estimates: Sequence[Estimate]) -> Store:
    store.clear()
    ordered = sorted(estimates, key=lambda estimate: estimate.log_ns)
    for begin in range(0, len(ordered), STRETCH_IMAGES):
        part = ordered[begin : begin + STRETCH_IMAGES]
        last = begin + len(part) == len(ordered)
        try:
            store.save(
                Stretch(part[0].log_ns, part[-1].log_ns + 1, last, len(part), tuple(part))
            )
        except OSError:
            break  # then there are fewer pictures
    return store
