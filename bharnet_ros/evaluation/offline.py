"""One bag, every image or every recorded skeleton, as fast as the machine allows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bharnet_ros.bags import Bag
from bharnet_ros.bags.messages import skeleton_frame
from bharnet_ros.errors import InvalidSkeletonError
from bharnet_ros.evaluation.bag_input import BagInput
from bharnet_ros.evaluation.building import Ending, RecordingBuilder, Truth
from bharnet_ros.evaluation.checkpoints import FOLDER, Store, bag_identity
from bharnet_ros.evaluation.estimating import Estimation
from bharnet_ros.evaluation.records import Recording
from bharnet_ros.evaluation.stamp_order import JUMP_BACK, RESTARTED, unusable_stamp
from bharnet_ros.evaluation.subject import Subject
from bharnet_ros.evaluation.tracked import TrackedFrames
from bharnet_ros.skeleton import layout_of
from bharnet_ros.tracking import NOWHERE, Tracker
from bharnet_ros.types import SkeletonFrame

STOPPED = "The evaluation was stopped before the end of the recording."
_MAX_SENTENCES = 20


@dataclass
class Job:
    """One bag to evaluate.

    name: of the recording. truth: fresh, for this bag alone. output: the folder in which
    skeletons are kept. labels: the file of the truth, if it is one. progress: called after each
    message with the number done. stopped: asked before each.
    """

    name: str
    subject: Subject
    bag: Bag
    path: Path
    given: BagInput
    truth: Truth
    output: Path
    labels: Path | None = None
    progress: Callable[[int], None] = lambda done: None
    stopped: Callable[[], bool] = lambda: False

    def store(self) -> Store:
        """Where the skeletons estimated from these images are kept."""
        identity: Mapping[str, Any] = {
            "bag": bag_identity(self.path), "topic": self.given.topic,
            "pose": self.subject.pose_identity(),
        }  # fmt: skip
        return Store(self.output / FOLDER, identity)


@dataclass
class _Found:
    """Beside its frames: messages so far, those not used, and sentences."""

    images: int = 0
    drops: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def evaluate_offline(job: Job) -> tuple[Recording, TrackedFrames]:
    """The recording, and the frames its judgements rest on.

    Deterministic but for times: the same bag, bundle and options give the same record. Being
    stopped gives a record that is not complete. Raises BharnetError as its parts do.
    """
    found = _Found()
    frames = TrackedFrames(job.path, job.given)
    builder = RecordingBuilder(job.name, job.subject.recognizer(), job.truth)
    from_images = job.given.kind == "images"
    if from_images:
        frames.store = job.store()
        source = _estimated(job, frames.store, found)
    else:
        source = _recorded(job, found)
    tracker = Tracker() if from_images else None
    smoother = job.subject.smoother() if from_images else None
    images = frames.images() if builder.sees else None
    for frame, log_ns, pose_ms in source:
        begin = time.perf_counter()
        if tracker is None and any(person.track_id < 0 for person in frame.skeletons):
            tracker = Tracker()  # recorded without ids
        tracked = tracker.update(frame) if tracker is not None else frame
        if smoother is not None:
            tracked = smoother.update(tracked)
        followed = time.perf_counter()
        frames.note(tracked, log_ns)
        image = images(tracked.stamp_ns) if images is not None else None
        found_image = time.perf_counter()
        builder.push(tracked, image)
        stages = {
            **({"pose": pose_ms} if from_images else {}),
            "tracking": (followed - begin) * 1e3,
            "recognition": (time.perf_counter() - found_image) * 1e3,
        }
        builder.spent({**stages, "total": sum(stages.values())})
        job.progress(found.images)
    if images is not None:
        images.close()
    complete = not job.stopped()
    if not complete:
        found.problems.append(STOPPED)
    problems = (*job.bag.problems, *found.problems)
    drops = {**found.drops, **builder.unseen}
    if tracker is not None:
        drops[NOWHERE] = tracker.dropped
    recording = builder.finish(Ending(found.images, drops, problems, complete))
    frames.who = builder.who
    return recording, frames


def _estimated(
    job: Job, store: Store, found: _Found
) -> Iterator[tuple[SkeletonFrame, int, float]]:
    """People of every image that can be used, without ids; log times; milliseconds."""
    run = Estimation(job.bag, job.given.topic, store, job.subject.estimator, job.stopped)
    for estimate in run.estimates():
        found.images = run.images
        yield estimate.frame, estimate.log_ns, estimate.pose_ms
    found.images, found.drops = run.images, run.drops
    found.problems += run.problems
    if run.unsaved:
        found.problems.append(run.unsaved)
    if run.resumed_at_ns:
        found.problems.append(
            f"The estimator went on in the middle {len(run.resumed_at_ns)} time(s), where an "
            "earlier run was stopped; it may have seen a few images there differently."
        )


def _recorded(job: Job, found: _Found) -> Iterator[tuple[SkeletonFrame, int, float]]:
    """Every recorded frame that can be used."""
    newest: int | None = None
    for message in job.bag.messages([job.given.topic]):
        if job.stopped():
            return
        found.images += 1
        try:
            frame = skeleton_frame(message.message)
            if frame.skeletons:
                layout_of(frame)
        except InvalidSkeletonError as error:
            found.drops["invalid skeleton"] += 1
            sentence = f"Skeletons not used: {error}"
            if sentence not in found.problems and len(found.problems) < _MAX_SENTENCES:
                found.problems.append(sentence)
            continue
        if reason := unusable_stamp(frame.stamp_ns, newest):
            found.drops[reason] += 1
            if reason == RESTARTED and JUMP_BACK not in found.problems:
                found.problems.append(JUMP_BACK)
            continue
        newest = frame.stamp_ns
        yield frame, message.log_ns, 0.0
