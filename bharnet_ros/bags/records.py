"""What a bag gives: topics and messages, as plain records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class TopicQos:
    """The quality of service one publisher offered when it was recorded.

    The texts are those of rosbag2: reliability "reliable" or "best_effort"; durability "volatile"
    or "transient_local"; history "keep_last" or "keep_all"; liveliness "automatic" or
    "manual_by_topic"; each also "system_default" or "unknown". Times in nanoseconds; 0 or
    2**63 - 1 and more mean no limit.
    """

    reliability: str = "unknown"
    durability: str = "unknown"
    history: str = "unknown"
    depth: int = 0
    deadline_ns: int = 0
    lifespan_ns: int = 0
    liveliness: str = "unknown"
    liveliness_lease_ns: int = 0


@dataclass(frozen=True)
class TopicInfo:
    """One topic of a bag.

    type: as `sensor_msgs/msg/Image`. count: messages, as far as they could be counted.
    definition_known: whether messages can be deserialised. qos: of all recorded publishers.
    """

    name: str
    type: str
    count: int
    definition_known: bool
    qos: tuple[TopicQos, ...] = ()


@dataclass(frozen=True)
class RawMessage:
    """A message as it was recorded. log_ns: when it was received. data: its CDR bytes."""

    topic: str
    type: str
    log_ns: int
    data: bytes


@dataclass(frozen=True)
class BagMessage:
    """A deserialised message; its fields have the names of the message definition."""

    topic: str
    type: str
    log_ns: int
    message: Any


@dataclass(frozen=True)
class Channel:
    """What a storage file says of one topic.

    definition: the text of the message definition, "" if the file has none (or, with a format, for
    a message without fields); definition_format: "ros2msg" or "ros2idl", "" if unknown. digest:
    the RIHS01 hash of the type, "" if unknown.
    """

    topic: str
    type: str
    count: int
    definition: str = ""
    definition_format: str = ""
    digest: str = ""
    encoding: str = "cdr"
    qos: tuple[TopicQos, ...] = ()


def full_type(name: str) -> str:
    """sensor_msgs/Image, as some recorders and people write it -> sensor_msgs/msg/Image."""
    package, _, kind = name.rpartition("/")
    return name if "/" in package or not package else f"{package}/msg/{kind}"


class StorageFile(Protocol):
    """One file of a bag, however it is read.

    start_ns, end_ns: log times of its first and last message; both 0 if it holds none.
    """

    start_ns: int
    end_ns: int
    count: int

    @property
    def channels(self) -> Sequence[Channel]:
        """Its topics."""

    def messages(
        self, topics: frozenset[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[RawMessage]:
        """Messages with start_ns <= log time < stop_ns in the order of their log times."""

    def close(self) -> None:
        """Let go of the file."""
