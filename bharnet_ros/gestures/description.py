"""What a gesture is, as data: the checked form of vocabulary.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bharnet_ros.errors import GestureError

Vector = tuple[float, float, float]
Range = tuple[float, float]


@dataclass(frozen=True)
class HandDescription:
    """How a hand is held.

    fingers: states of index, middle, ring and pinky; thumb: its state; spread_deg: how far the
    fingers are fanned, drawn from this range; touch: names of two tips that meet, or empty.
    """

    name: str
    fingers: tuple[str, str, str, str]
    thumb: str
    spread_deg: Range = (0.0, 3.0)
    touch: tuple[str, ...] = ()


@dataclass(frozen=True)
class PostureDescription:
    """Where an arm is. Directions are unit vectors (forward, inward, up) of the right arm.

    wrist: from the shoulder, in arm lengths. vary_position: arm lengths; vary_turn_deg: the
    hand's yaw, pitch and roll, degrees either way.
    """

    name: str
    wrist: Vector
    palm: Vector
    fingers: Vector
    elbow: Vector
    vary_position: float = 0.0
    vary_turn_deg: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class MotionDescription:
    """One primitive of `bharnet_ros.gestures.motion`: its ranges and, for directed ones, where
    it goes as the viewer sees it."""

    kind: str
    ranges: Mapping[str, Range] = field(default_factory=dict)
    toward: str = ""


@dataclass(frozen=True)
class GestureDescription:
    """A class of the vocabulary, or a place a hand takes in idle.

    meaning: what it tells a robot. vary: in words, what may differ without changing the
    meaning. both: made with both hands. motion: primitives played together (none: held still).
    duration_s: how long it usually takes, onset and release included.
    """

    name: str
    meaning: str
    hand: HandDescription
    posture: PostureDescription
    both: bool = False
    motion: tuple[MotionDescription, ...] = ()
    duration_s: Range = (1.6, 3.0)
    vary: str = ""

    def arm_signature(self) -> tuple[object, ...]:
        """Everything but the fingers: what the two of a pair must share."""
        return (self.posture, self.both, self.motion, self.duration_s)


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
    """

    class_names: tuple[str, ...]
    gestures: Mapping[str, GestureDescription]
    hands: Mapping[str, HandDescription]
    postures: Mapping[str, PostureDescription]
    pairs: tuple[tuple[str, str], ...]
    rests: tuple[IdleDescription, ...]
    habits: tuple[IdleDescription, ...]

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
