"""The whole pipeline: several people, body and both hands, from one camera's images."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.base import check_image
from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.confirm import confirms
from bharnet_ros.pose.mediapipe.hand_search import HandSearch
from bharnet_ros.pose.mediapipe.hand_tracking import torso_length
from bharnet_ros.pose.mediapipe.lone_hands import LoneHands
from bharnet_ros.pose.mediapipe.models import HAND_FILES, Models, open_models
from bharnet_ros.pose.mediapipe.people import MIN_TORSO_PX, known, same_body, settled, upright
from bharnet_ros.pose.mediapipe.person import Person
from bharnet_ros.pose.mediapipe.regions import Region
from bharnet_ros.pose.mediapipe.schedule import ScanSchedule
from bharnet_ros.pose.mediapipe.skeletons import lone_skeleton, person_skeleton
from bharnet_ros.types import Image, SkeletonFrame

LAYOUT = "coco_wholebody_133"
MAX_STRIKES = 3
"""Somebody whom the detector does not confirm so many times in a row is forgotten."""
SPARE_PEOPLE = 2
"""Unconfirmed people followed beyond max_people, so that phantoms take nobody's place."""
DOUBT_INTERVAL_S = 0.2
"""How soon the detector is asked again about somebody it did not confirm."""


class MediaPipeEstimator:
    """`PoseEstimator` on the networks of the mediapipe 0.10.21 wheel, run on CPU.

    max_people: people followed at once. num_threads: CPU threads per network run.
    detect_every_s: one round of looking for new people takes this long; 0 looks everywhere in
    every image. min_detection, min_presence: 0..1, for taking somebody up and for keeping them.
    min_score: people below are not reported; whoever only the body network believes in scores
    at most 0.4.
    hands: whether to look for hands. hands_alone: also report hands whose body the image does not
    show, as skeletons of hand keypoints and wrists only. hand_model: "full", or "lite" for half
    the time and less precise fingers. smoothing: a light One Euro filter on the keypoints.
    max_tilt_deg: somebody new must be upright within this angle; the networks take feet and
    arms for lying people, so 180 (anybody) brings phantoms. Followed people may bend further.
    model_dir: folder with the .tflite files instead of the installed mediapipe package.

    Layout coco_wholebody_133; small toes and the face contour have no source and score 0. A
    body score is the network's visibility times presence, a hand score the presence of the
    hand; a keypoint outside of the image scores 0, since it was guessed and not seen.
    Raises ConfigurationError or BackendUnavailable.
    """

    OPTIONS = (
        "max_people", "num_threads", "detect_every_s", "min_detection", "min_presence", "min_score",
        "hands", "hands_alone", "hand_model", "smoothing", "max_tilt_deg", "model_dir",
    )  # fmt: skip

    def __init__(
        self,
        max_people: int = 4,
        num_threads: int = 2,
        detect_every_s: float = 1.0,
        min_detection: float = 0.5,
        min_presence: float = 0.5,
        min_score: float = 0.5,
        hands: bool = True,
        hands_alone: bool = True,
        hand_model: str = "full",
        smoothing: bool = False,
        max_tilt_deg: float = 60.0,
        model_dir: str | Path | None = None,
    ) -> None:
        if hand_model not in HAND_FILES:
            raise ConfigurationError(
                f"hand_model is {hand_model!r}; choose one of: {', '.join(sorted(HAND_FILES))}"
            )
        _check_range("max_people", max_people, 1, 64)
        _check_range("num_threads", num_threads, 1, 64)
        _check_range("detect_every_s", detect_every_s, 0.0, 60.0)
        _check_range("min_detection", min_detection, 0.05, 0.99)
        _check_range("min_presence", min_presence, 0.05, 0.99)
        _check_range("max_tilt_deg", max_tilt_deg, 1.0, 180.0)
        self._max_tilt_rad = math.radians(max_tilt_deg)
        _check_range("min_score", min_score, 0.0, 1.0)
        self._min_score = float(min_score)
        self._max_people = int(max_people)
        self._min_presence = float(min_presence)
        self._smoothing = bool(smoothing)
        self._open: Models | None = open_models(
            model_dir, int(num_threads), hand_model if hands else None, float(min_detection)
        )
        self._search: HandSearch | None = None
        if self._open.hands is not None and self._open.palms is not None:
            self._search = HandSearch(
                self._open.hands, self._open.palms, bool(hands_alone), self._smoothing
            )
        self._check_every_s = 0.5 * float(detect_every_s)
        self._schedule = ScanSchedule(float(detect_every_s))
        self._people: list[Person] = []
        self._last: tuple[int, tuple[int, int]] | None = None
        self._timings: dict[str, float] = {}

    @property
    def layout(self) -> str:
        return LAYOUT

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """Stages "body" (followed people), "detect" (new people), "hands" (with palms), "total"."""
        return dict(self._timings)

    def reset(self) -> None:
        self._people, self._last = [], None
        self._schedule.reset()
        if self._search is not None:
            self._search.reset()

    def close(self) -> None:
        self.reset()
        self._open = self._search = None

    @property
    def _models(self) -> Models:
        if self._open is None:
            raise ConfigurationError("The pose estimator is closed; create another one")
        return self._open

    def estimate(self, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
        check_image(image_bgr)
        size = (int(image_bgr.shape[0]), int(image_bgr.shape[1]))
        if self._last is not None and (stamp_ns < self._last[0] or size != self._last[1]):
            self.reset()
        self._last = (stamp_ns, size)
        started = time.perf_counter()
        lost = self._follow(image_bgr)
        self._check(image_bgr, stamp_ns)
        followed = time.perf_counter()
        scanned = self._take_up(image_bgr, stamp_ns, lost)
        detected = time.perf_counter()
        shown = [p for p in self._people if p.score() >= self._min_score][: self._max_people]
        alone: list[LoneHands] = []
        if self._search is not None:
            room = self._max_people - len(shown)
            self._search.update(image_bgr, stamp_ns, shown, scanned, room)
            for phantom in self._search.expose(shown):
                self._people.remove(phantom)
                shown.remove(phantom)
            alone = self._search.alone
        people = [person_skeleton(p, size, stamp_ns) for p in shown]
        lone = [lone_skeleton(h, size, stamp_ns) for h in alone if h.score() >= self._min_score]
        ended = time.perf_counter()
        self._timings = {
            "body": (followed - started) * 1e3,
            "detect": (detected - followed) * 1e3,
            "hands": (ended - detected) * 1e3,
            "total": (ended - started) * 1e3,
        }
        return SkeletonFrame(stamp_ns, size, LAYOUT, (*people, *lone))

    def _follow(self, image: Image) -> bool:
        """Look for everybody where they were; returns whether somebody was lost."""
        before = len(self._people)
        kept: list[Person] = []
        for person in self._people:
            body = self._look(image, person.body.next_region)
            if body is None:
                continue
            person.body = body
            if not any(same_body(body, other.body) for other in kept):
                kept.append(person)
        self._people = kept
        return len(kept) < before

    def _check(self, image: Image, stamp_ns: int) -> None:
        """Ask the detector about the person whose last confirmation is longest ago.

        The body network, once it follows something, is sure of nearly anything; the detector
        is a second opinion.
        """
        if not self._people:
            return
        person = min(self._people, key=lambda p: p.checked_ns)
        doubted = not person.confirmed or person.strikes > 0
        wait_s = min(self._check_every_s, DOUBT_INTERVAL_S) if doubted else self._check_every_s
        if (stamp_ns - person.checked_ns) * 1e-9 < wait_s:
            return
        person.checked_ns = stamp_ns
        if confirms(self._models.detector, image, person.body):
            person.confirmed, person.strikes = True, 0
            return
        person.strikes += 1
        if person.strikes >= MAX_STRIKES:
            self._people.remove(person)

    def _take_up(self, image: Image, stamp_ns: int, lost: bool) -> list[Region]:
        """Look for new people where the schedule says so; returns where that was."""
        size = (image.shape[0], image.shape[1])
        if sum(p.confirmed for p in self._people) >= self._max_people:
            self._people = [p for p in self._people if p.confirmed]
            return []
        regions = self._schedule.due(size, stamp_ns, bool(self._people), lost)
        if not regions:
            return []
        found = [
            detection
            for detection in self._models.detector.detect(image, regions)
            if upright(detection.region(), self._max_tilt_rad)
            and not any(known(detection, person.body) for person in self._people)
        ]
        for detection in found[: 2 * self._max_people]:
            body = self._confirm(image, detection.region())
            if body is None or any(same_body(body, p.body) for p in self._people):
                continue
            if self._search is not None and self._search.is_hand(body):
                continue
            person = Person(body, self._smoothing, stamp_ns)
            person.confirmed = confirms(self._models.detector, image, body)
            self._people.append(person)
            if len(self._people) >= self._max_people + SPARE_PEOPLE:
                break
        return regions

    def _confirm(self, image: Image, region: Region) -> Body | None:
        """The body in a detector's square, or None when it is not believable.

        The square is rough, so the body's own square is looked at next. A person is taken up
        when looks agree; where there is none, they see one here and another there.
        """
        before = self._look(image, region)
        for _ in range(2):
            if before is None or not upright(before.next_region, self._max_tilt_rad):
                return None
            after = self._look(image, before.next_region)
            if after is not None and settled(before, after):
                return after if upright(after.next_region, self._max_tilt_rad) else None
            before = after
        return None

    def _look(self, image: Image, region: Region) -> Body | None:
        """The body in `region`, or None when the network sees nobody there."""
        if not region.usable():
            return None
        body = self._models.bodies.look(image, region)
        believed = body.presence >= self._min_presence and np.isfinite(body.points).all()
        return body if believed and torso_length(body) >= MIN_TORSO_PX else None


def _check_range(name: str, value: float, low: float, high: float) -> None:
    """Raises ConfigurationError unless low <= value <= high."""
    if isinstance(value, bool) or not low <= value <= high:
        raise ConfigurationError(f"{name} is {value!r}; it must lie between {low} and {high}")
