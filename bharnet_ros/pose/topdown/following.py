"""Following people by their keypoints, so that the detector need not run in every image.

Where somebody was, moved on by their motion, is where they are looked for next: the box around
their keypoints is the next crop, as in the mobile pipelines of BlazePose (Bazarevsky et al. 2020,
arXiv:2006.10204). The detector adds people, refreshes boxes that have become too small, and
disagrees with phantoms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.assignment import assign
from bharnet_ros.oks import oks, variances
from bharnet_ros.pose.topdown.boxes import (
    MIN_VISIBLE,
    VISIBLE,
    clean_boxes,
    clip,
    overlaps,
    shifted,
    to_xywh,
    union,
)
from bharnet_ros.pose.topdown.options import TopDownOptions
from bharnet_ros.pose.topdown.person import Followed, Sight, sight
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import AnyFloat, FloatArray

SAME_BOX = 0.3
"""A detection that overlaps the expected box of somebody followed so much is taken for theirs."""
SAME_PERSON = 0.7
"""Two skeletons so alike (OKS, or overlap where keypoints lack) are one person seen twice."""
SAME_FACE = 0.5
"""Two faces whose keypoints lie nearer than this, in shares of the face, are one."""
FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
FULLER = 1.2
"""A new look at somebody followed replaces theirs if it shows so much more of them."""
SPARE = 2
"""Newcomers looked at when max_people are followed: one of them may be surer."""
STAYS = 0.1
"""Sureness that a newcomer must have ahead of somebody followed to take their place."""


@dataclass(frozen=True, eq=False)
class Target:
    """A box (4,) to look at now, and whose it is; None: perhaps somebody new."""

    box: npt.NDArray[np.float64]
    person: Followed | None = None


class Follower:
    """The people of one camera. Sizes are (height, width) px of the image."""

    def __init__(self, options: TopDownOptions, layout: str) -> None:
        self._options = options
        self._layout = layout
        spec = get_layout(layout)
        self._body = spec.body_indices
        self._face = [i for i in spec.body_indices if spec.keypoint_names[i] in FACE]
        self.people: list[Followed] = []

    def reset(self) -> None:
        """Forget everybody."""
        self.people = []

    def expected(self, stamp_ns: int, size: tuple[int, int]) -> list[Target]:
        """Where everybody followed is looked for."""
        targets = []
        for person in self.people:
            box = clip(shifted(person.seen.box, person.shift(stamp_ns)), size)
            if (box[2:] - box[:2]).min() < 1.0:  # carried out of the image: look where they were
                box = person.seen.box
            targets.append(Target(box, person))
        return targets

    def detected(
        self,
        targets: Sequence[Target],
        boxes: AnyFloat,
        scores: AnyFloat,
        stamp_ns: int,
        size: tuple[int, int],
    ) -> list[Target]:
        """The targets with what a detector says: boxes (M, 4) px and scores (M,), any order.

        Those of people whom it sees cover its box too; newcomers come after them, the surest
        first, as many as may be taken up.
        """
        found, sure = clean_boxes(boxes, scores, size, self._options.min_person_px)
        order = np.argsort(-sure, kind="stable")
        found = found[order]
        known = np.array([target.box for target in targets]).reshape(-1, 4)
        pairs = dict(assign(overlaps(known, found), SAME_BOX))
        looks: list[Target] = []
        for row, target in enumerate(targets):
            column = pairs.get(row)
            if target.person is not None:
                target.person.confirm(column is not None, stamp_ns)
            box = target.box if column is None else union(target.box, found[column])
            looks.append(Target(box, target.person))
        taken = set(pairs.values())
        new = [i for i in range(len(found)) if i not in taken]
        room = max(self._options.max_people - len(targets), SPARE)
        return [*looks, *(Target(found[i].astype(np.float64)) for i in new[:room])]

    def update(
        self,
        targets: Sequence[Target],
        keypoints: FloatArray,
        scores: FloatArray,
        stamp_ns: int,
        size: tuple[int, int],
    ) -> bool:
        """Take what was seen in the targets: keypoints (N, K, 2) px and scores (N, K).

        People who are not among the targets stay as they are. Returns whether somebody who was
        followed is lost.
        """
        looked = {id(target.person) for target in targets if target.person is not None}
        before = len(self.people)
        kept = [_Look(person, person.seen) for person in self.people if id(person) not in looked]
        for target, points, surety in zip(targets, keypoints, scores, strict=True):
            seen = sight(points, surety, self._body, size)
            if seen is not None and self._believable(target.person, seen, stamp_ns):
                fit = self._continuity(target.person, seen, stamp_ns)
                kept.append(_Look(target.person, seen, fit))
        kept = self._one_each(kept, stamp_ns)
        for look in kept:
            if look.person is not None and look.seen is not look.person.seen:
                look.person.update(look.seen, stamp_ns)
        stayed = {id(look.person) for look in kept}
        known = [person for person in self.people if id(person) in stayed]
        new = [Followed(look.seen, stamp_ns) for look in kept if look.person is None]
        self.people = self._surest(known, new)
        return len(known) < before

    def _surest(self, known: Sequence[Followed], new: Sequence[Followed]) -> list[Followed]:
        """max_people of them, in their order."""
        ranked = [(person.belief + STAYS, person) for person in known]
        ranked += [(person.belief, person) for person in new]
        chosen = sorted(range(len(ranked)), key=lambda i: -ranked[i][0])
        return [ranked[i][1] for i in sorted(chosen[: self._options.max_people])]

    def _believable(self, person: Followed | None, seen: Sight, stamp_ns: int) -> bool:
        if float((seen.box[2:] - seen.box[:2]).max()) < self._options.min_person_px:
            return False
        if person is None:
            return seen.sureness >= self._options.min_score
        return person.believable(seen, stamp_ns, self._options.min_score)

    def _continuity(self, person: Followed | None, seen: Sight, stamp_ns: int) -> float:
        """0..1, how well somebody followed is where they were expected; 0 for newcomers."""
        if person is None:
            return 0.0
        shift = person.shift(stamp_ns)
        return self._likeness(seen, person.seen, shift)

    def _likeness(
        self, a: Sight, b: Sight, shift: AnyFloat | tuple[float, float] = (0.0, 0.0)
    ) -> float:
        """0..1, whether two sights are of one person, the second moved by `shift` (2,) px."""
        common = (a.scores[self._body] >= VISIBLE) & (b.scores[self._body] >= VISIBLE)
        moved = np.asarray(shift, dtype=np.float64)
        if np.count_nonzero(common) < MIN_VISIBLE:
            return float(overlaps(a.box[None], shifted(b.box, moved)[None])[0, 0])
        gaps = np.hypot(*(a.keypoints[self._body] - b.keypoints[self._body] - moved).T)
        smaller = min((a.box, b.box), key=lambda box: float((box[2:] - box[:2]).max()))
        variance = variances(self._layout, to_xywh(smaller)[None])[0]
        return float(oks(gaps, variance, common))

    def _one_each(self, looks: Sequence[_Look], stamp_ns: int) -> list[_Look]:
        """The looks without people seen twice.

        Of two on one person stays the one that was expected there: where people pass each other,
        both boxes come to show the one in front.
        """
        ranked = sorted(
            looks,
            key=lambda look: (look.person is None, -look.continuity, -_shown(look.seen)),
        )
        boxes = np.array([look.seen.box for look in ranked]).reshape(-1, 4)
        touching = overlaps(boxes, boxes) > 0.0  # all others need no closer comparison
        kept: list[int] = []
        for i, look in enumerate(ranked):
            twin = next((k for k in kept if touching[i, k] and self._twins(ranked[k], look)), None)
            if twin is None:
                kept.append(i)
            elif look.person is None and ranked[twin].person is not None:
                ranked[twin] = self._fuller(ranked[twin], look, stamp_ns)
        return [ranked[k] for k in kept]

    def _twins(self, a: _Look, b: _Look) -> bool:
        return self._likeness(a.seen, b.seen) >= SAME_PERSON or self._one_face(a.seen, b.seen)

    def _one_face(self, a: Sight, b: Sight) -> bool:
        """Whether both have the same face, however different the rest: a network that is given a
        box around half a person may squeeze a whole one into it."""
        common = (a.scores[self._face] >= VISIBLE) & (b.scores[self._face] >= VISIBLE)
        if np.count_nonzero(common) < MIN_VISIBLE:
            return False
        ours, theirs = a.keypoints[self._face][common], b.keypoints[self._face][common]
        width = max(float(np.ptp(face, axis=0).max()) for face in (ours, theirs))
        return float(np.hypot(*(ours - theirs).T).mean()) < SAME_FACE * width

    @staticmethod
    def _fuller(followed: _Look, new: _Look, stamp_ns: int) -> _Look:
        """Somebody followed whom a newcomer's box shows, too: perhaps more of them."""
        if followed.person is not None:
            followed.person.confirm(True, stamp_ns)
        if _shown(new.seen) > FULLER * _shown(followed.seen):
            return _Look(followed.person, new.seen, followed.continuity)
        return followed


@dataclass(frozen=True, eq=False)
class _Look:
    """What was seen in one box. continuity: 0..1, how well it fits what was expected there; of
    people not looked at again in this image, 1."""

    person: Followed | None
    seen: Sight
    continuity: float = 1.0


def _shown(seen: Sight) -> float:
    """How much of somebody a sight shows: the sum of the scores times the size, px."""
    return float(seen.scores.sum()) * float((seen.box[2:] - seen.box[:2]).max())
