"""All hands of one image: those of people, those the palm detector adds, and lone ones.

The wrists of the pose lead to most hands at little cost. The palm detector is asked only about
arms without a hand, and about hands without anybody; the landmark network, which must be sure
of what it sees in two looks, is the second opinion on every palm.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.hand_tracking import MIN_PRESENCE, fits, ill_fit
from bharnet_ros.pose.mediapipe.hands import Hand, HandNetworks, region_from_points
from bharnet_ros.pose.mediapipe.lone_hands import (
    MIN_PALM_PX,
    MUCH_LARGER,
    LoneHands,
    covered,
    each_hand,
)
from bharnet_ros.pose.mediapipe.palms import MIDDLE_KNUCKLE, WRIST, Palm, PalmDetector
from bharnet_ros.pose.mediapipe.people import mere_hand
from bharnet_ros.pose.mediapipe.person import Person
from bharnet_ros.pose.mediapipe.regions import Region, distance
from bharnet_ros.types import Image

SURE_PRESENCE = 0.8
"""A hand that no pose led to must be present with this belief, in two looks."""
SETTLED = 0.5
"""Two looks at a real hand agree within this many palm lengths (mean over its points)."""
MAX_NEW = 3
"""Palms followed up in one image at most, so that the frame time stays even."""
EMPTY_WAIT_S, FOLLOWED_WAIT_S, PEOPLE_WAIT_S = 0.1, 0.3, 1.5
"""Between two looks at one square: nobody in view, lone hands followed, people followed."""
ROOM = 1.5
"""Every other look at an empty view is this much wider: the hand may fill the whole image."""
PALM_POINTS = np.array((0, 5, 9, 13, 17, 1, 2))
"""The hand's points that a palm has, in the palm's order."""
EARLY_NS = 1_000_000
"""A look may come this much early, so that stamps that jitter do not delay it by a frame."""


class HandSearch:
    """Hands over time. alone: whether to report hands without a body."""

    def __init__(
        self, networks: HandNetworks, palms: PalmDetector, alone: bool, smoothing: bool
    ) -> None:
        self._networks = networks
        self._palms = palms
        self._report_alone = alone
        self._smoothing = smoothing
        self._alone: list[LoneHands] = []
        self._looked: dict[Region, int] = {}
        self._wide = False

    def reset(self) -> None:
        """Forget all hands without a body."""
        self._alone, self._looked, self._wide = [], {}, False

    def update(
        self,
        image: Image,
        stamp_ns: int,
        people: Sequence[Person],
        scanned: Sequence[Region],
        room: int,
    ) -> None:
        """Bring the hands of `people` and those without a body up to date.

        image: (H, W, 3) uint8 BGR. scanned: where new people were looked for in this image.
        room: how many without a body there may be.
        """
        for person in people:
            person.hands.update(image, self._networks, person.body)
        for other in self._alone:
            other.follow(image, self._networks)
        self._give_away(people)
        regions = self._arm_squares(image, stamp_ns, people)
        if self._report_alone and room > 0:
            regions += self._squares(image, stamp_ns, people, scanned)
        if regions:
            for hand in self._find(image, regions, people):
                if not _give(hand, people) and self._report_alone:
                    self._take_up(hand)
        self._alone = [other for other in self._alone if other.seen()]
        del self._alone[room:]

    @property
    def alone(self) -> list[LoneHands]:
        """Those of whom only hands are seen, newest image."""
        return list(self._alone)

    def is_hand(self, body: Body) -> bool:
        """Whether a body is nothing but one of the lone hands."""
        return any(mere_hand(body, hand) for _, hand in each_hand(self._alone))

    def expose(self, people: Sequence[Person]) -> list[Person]:
        """Those who are nothing but a hand. Their own hands are without a body from now on."""
        exposed = []
        for person in people:
            own = [h for h in person.hands.hands if h is not None and mere_hand(person.body, h)]
            if own or self.is_hand(person.body):
                exposed.append(person)
                known = [hand for _, hand in each_hand(self._alone)]
                if self._report_alone and own and not covered(own[0], known):
                    self._take_up(own[0])
        return exposed

    def _give_away(self, people: Sequence[Person]) -> None:
        """Lone hands that turn out to be somebody's, or one another, are lone no more."""
        kept = _hands_of(people)
        for other, hand in each_hand(self._alone):
            if covered(hand, kept) or _give(hand, people):
                other.drop(hand)
            else:
                kept.append(hand)

    def _take_up(self, hand: Hand) -> None:
        if hand.palm_length < MIN_PALM_PX or any(other.take(hand) for other in self._alone):
            return
        self._alone.append(LoneHands(hand, self._smoothing))

    def _arm_squares(self, image: Image, stamp_ns: int, people: Sequence[Person]) -> list[Region]:
        """The square of the one person whose arms have waited longest, if any is due."""
        lacking = [(p, p.hands.missing()) for p in people]
        waits = [p.arms.due_ns(p.body, missing, stamp_ns) for p, missing in lacking]
        due = [i for i, (_, missing) in enumerate(lacking) if missing and waits[i] <= stamp_ns]
        if not due:
            return []
        person, missing = lacking[min(due, key=lambda i: waits[i])]
        size = (image.shape[0], image.shape[1])
        region = person.arms.look(person.body, missing, size, stamp_ns)
        return [] if region is None else [region]

    def _squares(
        self, image: Image, stamp_ns: int, people: Sequence[Person], scanned: Sequence[Region]
    ) -> list[Region]:
        """Where to look for hands without a body: the large ones of the squares scanned.

        With nobody in view the whole image is looked at again and again, whatever was scanned.
        """
        height, width = image.shape[:2]
        whole = Region(0.5 * width, 0.5 * height, float(max(height, width)), 0.0)
        large = [r for r in scanned if r.size >= min(height, width) - 1.0]
        wait_s = FOLLOWED_WAIT_S if self._alone else EMPTY_WAIT_S
        wait_s = PEOPLE_WAIT_S if people else wait_s
        due = []
        for region in large if people else dict.fromkeys((whole, *large)):
            looked_ns = self._looked.get(region)
            if looked_ns is None or stamp_ns - looked_ns >= wait_s * 1e9 - EARLY_NS:
                self._looked[region] = stamp_ns
                due.append(region)
        if not people and whole in due:
            if self._wide:
                due[due.index(whole)] = whole.moved(0.0, 0.0, ROOM)
            self._wide = not self._wide
        return due

    def _find(
        self, image: Image, regions: Sequence[Region], people: Sequence[Person]
    ) -> list[Hand]:
        """Hands in `regions` that nobody follows yet and that the landmark network confirms."""
        known = _hands_of(people) + [hand for _, hand in each_hand(self._alone)]
        palms = self._palms.detect(image, regions)
        fresh = [p for p in palms if not any(is_palm_of(p, hand) for hand in known)]
        found: list[Hand] = []
        for palm in fresh[:MAX_NEW]:
            hand = confirmed_hand(image, self._networks, palm)
            if hand is not None and not covered(hand, known + found):
                found.append(hand)
        return found


def confirmed_hand(image: Image, networks: HandNetworks, palm: Palm) -> Hand | None:
    """The hand of a palm if two looks are sure of it and agree, else None."""
    region = palm.region()
    if not region.usable():
        return None
    first = networks.look(image, region)
    if not (first.presence >= MIN_PRESENCE and np.isfinite(first.points).all()):
        return None
    region = region_from_points(first.points)
    if not region.usable():
        return None
    hand = networks.look(image, region)
    sure = min(first.presence, hand.presence) >= SURE_PRESENCE
    if not (sure and np.isfinite(hand.points).all()):
        return None
    gap = float(np.hypot(*(hand.points - first.points).T).mean())
    return hand if gap < SETTLED * hand.palm_length else None


def is_palm_of(palm: Palm, hand: Hand) -> bool:
    """Whether a palm lies on a hand that is already known, or that hand on it."""
    length = distance(palm.points[MIDDLE_KNUCKLE].tolist(), palm.points[WRIST].tolist())
    if length > MUCH_LARGER * hand.palm_length:
        return False
    middle, low, high = palm.points.mean(axis=0), hand.points.min(axis=0), hand.points.max(axis=0)
    if (middle >= low).all() and (middle <= high).all():
        return True
    middle = hand.points[PALM_POINTS].mean(axis=0)
    return bool((middle >= palm.box[:2]).all() and (middle <= palm.box[2:]).all())


def _hands_of(people: Sequence[Person]) -> list[Hand]:
    return [hand for person in people for hand in person.hands.hands if hand is not None]


def _give(hand: Hand, people: Sequence[Person]) -> bool:
    """Give a hand to the person it fits best, if it fits anybody; whether it was given."""
    costs = [
        (ill_fit(hand, person.body, side, torso), i)
        for i, person in enumerate(people)
        for torso in (person.body.torso_length,)
        for side in person.hands.missing()
        if fits(hand, person.body, side, torso)
    ]
    return bool(costs) and people[min(costs)[1]].hands.offer(hand, people[min(costs)[1]].body)
