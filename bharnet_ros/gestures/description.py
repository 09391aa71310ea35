"""What a gesture is, as data: the checked form of a gesture file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bharnet_ros.errors import GestureError

Vector = tuple[float, float, float]
Range = tuple[float, float]
_Part = TypeVar("_Part", "HandDescription", "PostureDescription")


@dataclass(frozen=True)
class HandDescription:
    """How a hand is held.

    fingers: states of index, middle, ring and pinky; thumb: its state; spread_deg: how far the
    fingers are fanned, drawn from this range; touch: names of tips that meet,
    the thumb and one or more fingers, or empty. Hands are equal that are held alike, whatever
    their names.
    """

    name: str = field(compare=False)
    fingers: tuple[str, str, str, str]
    thumb: str
    spread_deg: Range = (0.0, 3.0)
    touch: tuple[str, ...] = ()


@dataclass(frozen=True)
class PostureDescription:
    """Where an arm is. Directions are unit vectors (forward, inward, up) of the right arm.

    wrist: from the shoulder, in arm lengths. vary_position: arm lengths; vary_turn_deg: the
    hand's yaw, pitch and roll, degrees either way. vary_elbow_deg: how far the elbow swings
    about the line from shoulder to wrist to ease a turned hand, degrees either way; 0: it does
    not, and swings by a few degrees at random. Postures are equal that are alike, whatever their
    names.
    """

    name: str = field(compare=False)
    wrist: Vector
    palm: Vector
    fingers: Vector
    elbow: Vector
    vary_position: float = 0.0
    vary_turn_deg: Vector = (0.0, 0.0, 0.0)
    vary_elbow_deg: float = 0.0


@dataclass(frozen=True)
class MotionDescription:
    """One primitive of `bharnet_ros.gestures.motion`: its ranges and, for directed ones, where
    it goes as the viewer sees it."""

    kind: str
    ranges: Mapping[str, Range] = field(default_factory=dict)
    toward: str = ""


@dataclass(frozen=True)
class OtherHand:
    """What the weaker hand does in a gesture whose two hands differ. It holds still."""

    hands: tuple[HandDescription, ...]
    postures: tuple[PostureDescription, ...]

    @property
    def hand(self) -> HandDescription:
        """The first way of holding the fingers."""
        return self.hands[0]

    @property
    def posture(self) -> PostureDescription:
        """The first place of the arm."""
        return self.postures[0]


@dataclass(frozen=True)
class HeldObject:
    """What is held in a gesture.

    objects: kinds of things (`bharnet_ros.gestures.objects.OBJECTS`), one of them is drawn every
    time. hand: "which": in the hand that makes the gesture; "both": one thing in both hands.
    """

    objects: tuple[str, ...]
    hand: str = "which"


WHICH = ("one", "both", "left", "right", "none")


@dataclass(frozen=True)
class GestureDescription:
    """A class of the vocabulary, or a place a hand takes in idle.

    meaning: what it tells a robot. hands, postures: alternatives, one of each is drawn every
    time; empty when no hand takes part. which: hand or hands it is made with; "one" is the
    person's preferred hand, "left" and "right" are the person's own. second: what the weaker
    hand does, if not the same (`which` is "both" then, and only the preferred hand moves).
    motion: primitives played together (none: held still). duration_s: how long it usually
    takes, onset and release included. vary: in words, what may differ without changing the
    meaning. holds: what is held meanwhile; None: nothing is said about it.
    """

    name: str
    meaning: str
    hands: tuple[HandDescription, ...]
    postures: tuple[PostureDescription, ...]
    which: str = "one"
    motion: tuple[MotionDescription, ...] = ()
    duration_s: Range = (1.6, 3.0)
    vary: str = ""
    second: OtherHand | None = None
    holds: HeldObject | None = None

    @property
    def hand(self) -> HandDescription:
        """The first way of holding the fingers."""
        return self._first(self.hands, "fingers")

    @property
    def posture(self) -> PostureDescription:
        """The first place of the arm."""
        return self._first(self.postures, "place of an arm")

    @property
    def both(self) -> bool:
        """Whether both hands take part."""
        return self.which == "both"

    @property
    def body_only(self) -> bool:
        """Whether no hand takes part: head, shoulders or trunk alone tell it."""
        return self.which == "none"

    def sides(self, handedness: str) -> tuple[int, ...]:
        """The arms that take part: 0 left, 1 right."""
        if self.which in ("both", "none"):
            return (0, 1) if self.both else ()
        return (1 if (handedness if self.which == "one" else self.which) == "right" else 0,)

    def arm_signature(self) -> tuple[object, ...]:
        """Everything but the fingers: what the two of a pair must share."""
        moved = (self.postures, self.which, self.motion, self.duration_s, self.second)
        return moved if self.holds is None else (*moved, self.holds)

    def motion_signature(self) -> tuple[object, ...]:
        """Everything but what is held: all that a skeleton shows."""
        return (
            self.hands, self.postures, self.which, self.motion, self.duration_s, self.second,
            self.vary,
        )  # fmt: skip

    def _first(self, options: tuple[_Part, ...], what: str) -> _Part:
        if not options:
            raise GestureError(
                f"'{self.name}' is made without hands and describes no {what}; look at "
                "`which` before asking."
            )
        return options[0]


@dataclass(frozen=True)
class IdleDescription:
    """A place a hand takes between gestures and how often it is chosen against the others."""

    gesture: GestureDescription
    weight: float


@dataclass(frozen=True)
class Vocabulary:
    """Every gesture that is told apart, the background class first.

    class_names: index = class id; 0 is the background ("idle").
    pairs: names of gestures that differ in nothing but the fingers.
    rests: where hands stay between gestures; habits: what they briefly do there.
    others: gestures that are known but are no classes here; whoever makes one of them is not
    making any of the classes. everyday: things people do that mean nothing to a robot (a phone
    at the ear), no classes either. object_pairs: names of gestures that differ in nothing but
    what is held: their skeletons are the same.
    """

    class_names: tuple[str, ...]
    gestures: Mapping[str, GestureDescription]
    hands: Mapping[str, HandDescription]
    postures: Mapping[str, PostureDescription]
    pairs: tuple[tuple[str, str], ...]
    rests: tuple[IdleDescription, ...]
    habits: tuple[IdleDescription, ...]
    others: Mapping[str, GestureDescription] = field(default_factory=dict)
    everyday: Mapping[str, GestureDescription] = field(default_factory=dict)
    object_pairs: tuple[tuple[str, str], ...] = ()

    @property
    def background(self) -> str:
        """Name of class 0, during which nothing of the vocabulary happens."""
        return self.class_names[0]

    @property
    def actions(self) -> tuple[str, ...]:
        """The class names without the background."""
        return self.class_names[1:]

    def __getitem__(self, name: str) -> GestureDescription:
        if name not in self.gestures:
            raise GestureError(
                f"There is no gesture '{name}' in the vocabulary; use one of "
                f"{', '.join(self.gestures)}."
            )
        return self.gestures[name]

    def __iter__(self) -> Iterator[GestureDescription]:
        return iter(self.gestures.values())

    def __len__(self) -> int:
        return len(self.class_names)

    def class_id(self, name: str) -> int:
        """Index of a class name, the background included."""
        if name not in self.class_names:
            raise GestureError(
                f"There is no class '{name}' in the vocabulary; use one of "
                f"{', '.join(self.class_names)}."
            )
        return self.class_names.index(name)
