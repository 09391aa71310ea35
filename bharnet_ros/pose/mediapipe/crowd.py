"""Everybody's body from image to image: following people, doubting them, taking new ones up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.box_search import BoxSearch, body_of, whose
from bharnet_ros.pose.mediapipe.confirm import confirms
from bharnet_ros.pose.mediapipe.models import Models
from bharnet_ros.pose.mediapipe.overlaps import in_the_way, told_apart, without
from bharnet_ros.pose.mediapipe.people import (
    MIN_TORSO_PX,
    known,
    mere_arm,
    same_body,
    same_place,
    settled,
    upright,
)
from bharnet_ros.pose.mediapipe.person import Person
from bharnet_ros.pose.mediapipe.regions import Region
from bharnet_ros.pose.mediapipe.schedule import ScanSchedule
from bharnet_ros.types import Image

MAX_STRIKES = 3
"""Somebody whom the detector does not confirm so many times in a row is forgotten."""
SPARE_PEOPLE = 2
"""Unconfirmed people followed beyond max_people, so that phantoms take nobody's place."""
HALF_HIDDEN_S = 0.5
"""So long the body network may doubt somebody who overlaps with somebody else and whom the detector
sees: of half-hidden people it is now sure, now not. Meanwhile they are not reported."""
DOUBT_INTERVAL_S = 0.2
"""How soon the detector is asked again about somebody it did not confirm."""

MAX_TILT_DEG = 60.0
"""Of new people whom MediaPipe's detector sees, unless told otherwise."""

IsHand = Callable[[Body], bool]


@dataclass(frozen=True)
class CrowdOptions:
    """See `MediaPipeEstimator`."""

    max_people: int
    min_presence: float
    smoothing: bool
    max_tilt_deg: float | None
    detect_every_s: float


class Crowd:
    """The people of one camera. is_hand: whether a body is nothing but a known hand."""

    def __init__(self, models: Models, options: CrowdOptions, is_hand: IsHand) -> None:
        self._models = models
        self._options = options
        self._is_hand = is_hand
        tilt = options.max_tilt_deg
        self._max_tilt_rad = math.radians(MAX_TILT_DEG if tilt is None else tilt)
        self._max_boxed_tilt_rad = math.radians(180.0 if tilt is None else tilt)
        self._check_every_s = 0.5 * options.detect_every_s
        self._schedule = ScanSchedule(options.detect_every_s)
        self._boxes: BoxSearch | None = None
        if models.boxes is not None:
            self._boxes = BoxSearch(models.boxes, options.detect_every_s)
        self._challenged = False
        self.people: list[Person] = []

    def reset(self) -> None:
        """Forget everybody; the next image is looked at as the first."""
        self.people = []
        self._schedule.reset()
        if self._boxes is not None:
            self._boxes.reset()

    def follow(self, image: Image, stamp_ns: int) -> bool:
        """Look for everybody where they were; returns whether somebody was lost."""
        if self._boxes is not None:
            self._boxes.forget()
        before = len(self.people)
        kept: list[Person] = []
        for person in self.people:
            body = self._again(image, person, stamp_ns)
            if body is None:
                continue
            person.body = body
            if not any(_twins(person, other) for other in kept):
                kept.append(person)
        self.people = [p for p in kept if not any(_arm_of(p, other) for other in kept)]
        lost = len(self.people) < before
        self._check(image, stamp_ns)
        return lost

    def _again(self, image: Image, person: Person, stamp_ns: int) -> Body | None:
        """Somebody's body in this image, or None when they are lost."""
        hidden = person.overlapping and person.confirmed
        least = 0.0 if hidden else self._options.min_presence
        body = self._look(self._apart(image, person), person.body.next_region, least)
        if body is None or body.presence >= self._options.min_presence:
            person.seen_ns = stamp_ns
            return body
        return body if (stamp_ns - person.seen_ns) * 1e-9 < HALF_HIDDEN_S else None

    def take_up(self, image: Image, stamp_ns: int, lost: bool) -> list[Region]:
        """Look for new people where the schedule says so; returns where that was."""
        size = (image.shape[0], image.shape[1])
        most = self._options.max_people
        if sum(p.confirmed for p in self.people) >= most:
            self.people = [p for p in self.people if p.confirmed]
            return []
        regions = self._schedule.due(size, stamp_ns, bool(self.people), lost)
        self._challenged = False
        self._take_up_squares(image, regions, stamp_ns)
        if self._boxes is not None:
            self._take_up_boxes(self._boxes, image, stamp_ns, lost)
        return regions

    def _take_up_squares(self, image: Image, regions: Sequence[Region], stamp_ns: int) -> None:
        """Look for new people in squares of the image."""
        if not regions:
            return
        found = [
            detection
            for detection in self._models.detector.detect(image, regions)
            if upright(detection.region(), self._max_tilt_rad)
            and not any(known(detection, person.body) for person in self.people)
        ]
        for detection in found[: 2 * self._options.max_people]:
            body = self._settle(image, detection.region(), self._max_tilt_rad)
            if self._add(image, body, stamp_ns):
                break

    def _take_up_boxes(self, search: BoxSearch, image: Image, stamp_ns: int, lost: bool) -> None:
        """Look for new people where the general detector sees them, when it is time to.

        Whom MediaPipe's detector does not see is confirmed by the next run: legs without a body
        make a body that lasts an image or two.
        """
        sure = bool(self.people) and all(p.confirmed and p.strikes == 0 for p in self.people)
        boxes = search.due(image, stamp_ns, sure, lost)
        if boxes is None:
            return
        known = whose(boxes, [person.body for person in self.people], image)
        for index, _ in known:
            self.people[index].confirm(stamp_ns)
        taken = {index for _, index in known}
        fresh = [box for index, box in enumerate(boxes) if index not in taken]
        for box in fresh[: 2 * self._options.max_people]:
            body = body_of(
                box, image, lambda start: self._settle(image, start, self._max_boxed_tilt_rad)
            )
            if self._add(image, body, stamp_ns):
                break

    def _add(self, image: Image, body: Body | None, stamp_ns: int) -> bool:
        """Follow a body if it is somebody new; whether there is room for nobody else."""
        person = None if body is None else self._newcomer(image, body, stamp_ns)
        if person is not None:
            self.people.append(person)
        return len(self.people) >= self._options.max_people + SPARE_PEOPLE

    def _newcomer(self, image: Image, body: Body, stamp_ns: int) -> Person | None:
        """Somebody new whose body was seen, or None."""
        twins = [p for p in self.people if same_body(body, p.body)]
        mine: Body | None = body
        overlapping = None
        if twins:
            mine = self._challenge(image, body, twins)
            overlapping = twins[0]
        if mine is None or self._is_hand(mine):
            return None
        person = Person(mine, self._options.smoothing, stamp_ns)
        person.confirmed = confirms(self._models.detector, image, mine)
        if overlapping is not None:
            person.overlapping = overlapping.overlapping = True
        return person

    def _challenge(self, image: Image, body: Body, twins: Sequence[Person]) -> Body | None:
        """The body of somebody who overlaps with the one known person they look like a part of.

        At most once for an image, so that the frame time stays even.
        """
        if self._challenged or len(twins) > 1 or same_place(body, twins[0].body):
            return None
        self._challenged = True
        pair = told_apart(
            image, body, twins[0].body,
            look=lambda view, start: self._settle(view, start.next_region, self._max_tilt_rad),
            confirm=self._confirms,
        )  # fmt: skip
        if pair is None or any(same_body(pair[0], p.body) for p in self.people if p not in twins):
            return None
        mine, twins[0].body = pair
        return mine

    def _check(self, image: Image, stamp_ns: int) -> None:
        """Ask the detector about the person whose last confirmation is longest ago.

        The body network, once it follows something, is sure of nearly anything; the detector
        is a second opinion.
        """
        if not self.people:
            return
        person = min(self.people, key=lambda p: p.checked_ns)
        doubted = not person.confirmed or person.strikes > 0
        wait_s = min(self._check_every_s, DOUBT_INTERVAL_S) if doubted else self._check_every_s
        if (stamp_ns - person.checked_ns) * 1e-9 < wait_s:
            return
        person.checked_ns = stamp_ns
        if self._confirms(self._apart(image, person), person.body):
            person.confirm(stamp_ns)
            return
        person.strikes += 1
        if person.strikes >= MAX_STRIKES:
            self.people.remove(person)

    def _confirms(self, image: Image, body: Body) -> bool:
        """Whether one of the detectors sees the body's person."""
        if confirms(self._models.detector, image, body):
            return True
        return self._boxes is not None and self._boxes.shows(image, body)

    def _apart(self, image: Image, person: Person) -> Image:
        """The image to look for a person in: without the heads of those they overlap with."""
        if not person.overlapping:
            return image
        others = [p.body for p in self.people if p is not person and p.overlapping]
        return without(image, in_the_way(person.body, others))

    def _settle(self, image: Image, region: Region, max_tilt_rad: float) -> Body | None:
        """The body in a detector's square, or None when it is not believable.

        The square is rough, so the body's own square is looked at next. A person is taken up
        when looks agree; where there is none, they see one here and another there.
        """
        least = self._options.min_presence
        before = self._look(image, region, least)
        for _ in range(2):
            if before is None or not upright(before.next_region, max_tilt_rad):
                return None
            after = self._look(image, before.next_region, least)
            if after is not None and settled(before, after):
                return after if upright(after.next_region, max_tilt_rad) else None
            before = after
        return None

    def _look(self, image: Image, region: Region, least: float) -> Body | None:
        """The body in `region`, or None when it is present with less than `least` belief."""
        if not region.usable():
            return None
        body = self._models.bodies.look(image, region)
        believed = body.presence >= least and np.isfinite(body.points).all()
        return body if believed and body.torso_length >= MIN_TORSO_PX else None


def _twins(a: Person, b: Person) -> bool:
    """Whether two followed people are one. Of two who were told apart one may lie on the other."""
    if a.overlapping and b.overlapping:
        return same_place(a.body, b.body)
    return same_body(a.body, b.body)


def _arm_of(a: Person, b: Person) -> bool:
    """Whether somebody who was told apart from somebody else has become an arm of them."""
    return a.overlapping and b.overlapping and a is not b and mere_arm(a.body, b.body)
