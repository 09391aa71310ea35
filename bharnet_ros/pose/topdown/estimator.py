"""Detector, whole-body keypoints and hands of several people, of one camera or of several."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.base import check_image
from bharnet_ros.pose.together import Job
from bharnet_ros.pose.topdown.boxes import to_xywh
from bharnet_ros.pose.topdown.following import Follower, Target
from bharnet_ros.pose.topdown.hands import HandCrops
from bharnet_ros.pose.topdown.networks import Networks
from bharnet_ros.pose.topdown.options import TopDownOptions
from bharnet_ros.pose.topdown.person import Sight
from bharnet_ros.pose.topdown.requests import Answer, Request, Stage, Steps, Turn, serve
from bharnet_ros.pose.topdown.schedule import DetectorSchedule
from bharnet_ros.pose.topdown.types import KeypointModel, PersonDetector
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import Image, Skeleton, SkeletonFrame

LAYOUT = "coco_wholebody_133"


class TopDownEstimator:
    """`PoseEstimator` for one camera on a person detector and a keypoint network.

    hands: a network of 21 keypoints for a closer look at every hand. layout: what the keypoint
    network's K points are. The estimator owns the networks; `another` shares them with more
    cameras, and the last one closed frees them.

    A keypoint outside of the image scores 0, since it was guessed and not seen. bbox_score is the
    mean score of the person's best body keypoints, averaged over time.
    Raises ConfigurationError if networks and layout do not fit.
    """

    def __init__(
        self,
        detector: PersonDetector,
        keypoints: KeypointModel,
        hands: KeypointModel | None = None,
        options: TopDownOptions | None = None,
        layout: str = LAYOUT,
    ) -> None:
        wanted = get_layout(layout).num_keypoints
        if keypoints.num_keypoints != wanted:
            raise ConfigurationError(
                f"The keypoint network ({keypoints.identity}) gives {keypoints.num_keypoints} "
                f"keypoints, the layout '{layout}' has {wanted}; choose a whole-body network, "
                "such as RTMW or RTMPose trained on COCO-WholeBody."
            )
        self._prepare(Networks(detector, keypoints, hands), options or TopDownOptions(), layout)

    def _prepare(self, networks: Networks, options: TopDownOptions, layout: str) -> None:
        self._open: Networks | None = networks
        self._options, self._layout = options, layout
        self._crops = HandCrops(layout) if networks.hands is not None else None
        self._follower = Follower(options, layout)
        self._schedule = DetectorSchedule(options.detect_every_s)
        self._last: tuple[int, tuple[int, int]] | None = None
        self._timings: dict[str, float] = {}

    @property
    def layout(self) -> str:
        return self._layout

    @property
    def identity(self) -> str:
        """The networks and what runs them, for diagnostics."""
        return self._networks.identity

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """Stages "detect", "keypoints", "hands" as far as they ran, and "total".

        Of images looked at together with other cameras' a stage is the run for all of them.
        """
        return dict(self._timings)

    @property
    def _networks(self) -> Networks:
        if self._open is None:
            raise ConfigurationError("The pose estimator is closed; create another one")
        return self._open

    def another(self) -> TopDownEstimator:
        """For another camera: the same networks and options, a memory of its own."""
        twin = TopDownEstimator.__new__(TopDownEstimator)
        twin._prepare(self._networks.share(), self._options, self._layout)
        return twin

    def reset(self) -> None:
        self._last = None
        self._follower.reset()
        self._schedule.reset()

    def close(self) -> None:
        if self._open is not None:
            self._open.release()
        self._open = None
        self.reset()

    def estimate(self, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
        (result,) = self.estimate_batch([Job(self, image_bgr, stamp_ns)])
        if isinstance(result, Exception):
            raise result
        return result

    def shares_with(self, other: object) -> bool:
        """Whether both run on the same networks, so that `estimate_batch` takes their jobs."""
        same = isinstance(other, TopDownEstimator) and self._open is other._open
        return same and self._open is not None

    def estimate_batch(self, jobs: Sequence[Job]) -> list[SkeletonFrame | Exception]:
        """A frame or an error for each job, with as few runs of the networks as possible.

        jobs: of estimators that share networks, each at most once.
        """
        begin, networks = time.perf_counter(), self._networks
        turns: list[Turn] = []
        for job in jobs:
            estimator = job.estimator
            if not isinstance(estimator, TopDownEstimator) or not self.shares_with(estimator):
                raise ConfigurationError(
                    "Estimators with networks of their own cannot run as one batch; "
                    "make the others with another()"
                )
            turns.append(Turn(estimator._steps(job.image_bgr, job.stamp_ns)))
        serve(networks, turns)
        total_ms = (time.perf_counter() - begin) * 1e3
        results: list[SkeletonFrame | Exception] = []
        for job, turn in zip(jobs, turns, strict=True):
            if isinstance(job.estimator, TopDownEstimator):
                job.estimator._timings = {**turn.timings_ms, "total": total_ms}
            results.append(turn.result)
        return results

    def _steps(self, image: Image, stamp_ns: int) -> Steps:
        """One image from beginning to end; see `requests`."""
        check_image(image)
        size = (int(image.shape[0]), int(image.shape[1]))
        if self._last is not None and (stamp_ns < self._last[0] or size != self._last[1]):
            self.reset()
        self._last = (stamp_ns, size)
        follower = self._follower
        targets = follower.expected(stamp_ns, size)
        detect = self._schedule.due(stamp_ns, bool(targets))
        if detect:
            found = yield Request(Stage.DETECT, image)
            self._schedule.ran(stamp_ns)
            targets = follower.detected(targets, *found, stamp_ns, size)
        if (yield from self._look(image, targets, stamp_ns, size)):
            self._schedule.lost(stamp_ns)
            if not detect and self._schedule.due(stamp_ns, bool(follower.people)):
                found = yield Request(Stage.DETECT, image)
                self._schedule.ran(stamp_ns)
                seen = [Target(person.seen.box, person) for person in follower.people]
                both = follower.detected(seen, *found, stamp_ns, size)
                new = [target for target in both if target.person is None]
                yield from self._look(image, new, stamp_ns, size)
        beliefs = [person.belief for person in follower.people]
        people = [person.seen for person in follower.people]
        if self._crops is not None:
            people = yield from self._with_hands(self._crops, image, people, size)
        skeletons = tuple(map(_skeleton, people, beliefs))
        return SkeletonFrame(stamp_ns, size, self._layout, skeletons)

    def _look(
        self, image: Image, targets: Sequence[Target], stamp_ns: int, size: tuple[int, int]
    ) -> Generator[Request, Answer, bool]:
        """Look at the targets; returns whether somebody who was followed is lost."""
        if not targets:
            return False
        crops = [(image, target.box.astype(np.float32)) for target in targets]
        keypoints, scores = yield Request(Stage.KEYPOINTS, crops=crops)
        return self._follower.update(targets, keypoints, scores, stamp_ns, size)

    def _with_hands(
        self, crops: HandCrops, image: Image, people: Sequence[Sight], size: tuple[int, int]
    ) -> Generator[Request, Answer, list[Sight]]:
        """The people after a closer look at their hands, those of all in one run."""
        views = [crops.views(seen, size) for seen in people]
        asked = [(image, view.box) for hands in views for view in hands]
        if not asked:
            return list(people)
        keypoints, scores = yield Request(Stage.HANDS, crops=asked)
        merged, start = [], 0
        for seen, hands in zip(people, views, strict=True):
            end = start + len(hands)
            merged.append(crops.merged(seen, hands, keypoints[start:end], scores[start:end], size))
            start = end
        return merged


def _skeleton(seen: Sight, belief: float) -> Skeleton:
    box = to_xywh(seen.box).astype(np.float32)
    return Skeleton(-1, box, belief, seen.keypoints, seen.scores)
