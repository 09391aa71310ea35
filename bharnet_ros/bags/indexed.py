"""A storage file that is whole, read with the library rosbags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bharnet_ros.bags.inflate import bound_chunks
from bharnet_ros.bags.optional import library
from bharnet_ros.bags.records import Channel, RawMessage, TopicQos, full_type

_NS = 1_000_000_000
_NO_SCHEMA = "__schemaless__"
"""The type that rosbags gives a channel whose schema it does not find."""


class IndexedFile:
    """See `StorageFile`. Raises whatever rosbags raises for a file it cannot read.

    complete: whether it finds every message, and gives them in the order of their log times.
    """

    def __init__(self, path: Path) -> None:
        bound_chunks()
        self._reader = library("rosbags.rosbag2").Reader(path)
        self._reader.open()
        self.channels = [_channel(connection) for connection in self._reader.connections]
        self.count: int = self._reader.message_count
        self.complete = path.suffix != ".mcap" or _indexes_all(self._reader)
        self.start_ns: int = self._reader.start_time if self.count else 0
        # rosbags ends one nanosecond after the last message.
        self.end_ns: int = self._reader.end_time - 1 if self.count else 0

    def messages(
        self, topics: frozenset[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[RawMessage]:
        """See `StorageFile.messages`."""
        wanted = [each for each in self._reader.connections if each.topic in topics]
        if not wanted:
            return
        for connection, log_ns, data in self._reader.messages(wanted, start_ns, stop_ns):
            yield RawMessage(connection.topic, full_type(connection.msgtype), log_ns, data)

    def close(self) -> None:
        """See `StorageFile.close`."""
        if self._reader.is_open:
            self._reader.close()


def _indexes_all(reader: Any) -> bool:
    """Whether rosbags gives all messages of an MCAP file.

    Recorders may leave parts of the index away (noMessageIndex, noRepeatedChannels and others of
    rosbag2): without an index of chunks rosbags gives messages as they lie in the file, and with
    one only those of channels that it lists for a chunk and describes.
    """
    chunks = reader.storage.chunks
    if not chunks:
        return bool(reader.message_count < 2)
    counts: Counter[int] = Counter()
    for chunk in chunks:
        counts.update(chunk.channel_count)
    described = {each.id for each in reader.connections if each.msgtype != _NO_SCHEMA}
    unlisted = any(chunk.message_end_time and not chunk.channel_count for chunk in chunks)
    return not unlisted and counts.total() == reader.message_count and counts.keys() <= described


def _channel(connection: Any) -> Channel:
    form = connection.msgdef.format.name
    return Channel(
        topic=connection.topic,
        type=full_type(connection.msgtype),
        count=connection.msgcount,
        definition="" if form == "NONE" else connection.msgdef.data,
        definition_format={"MSG": "ros2msg", "IDL": "ros2idl"}.get(form, ""),
        digest=connection.digest or "",
        encoding=connection.ext.serialization_format,
        qos=tuple(topic_qos(each) for each in connection.ext.offered_qos_profiles),
    )


def topic_qos(qos: Any) -> TopicQos:
    """A `rosbags.interfaces.Qos` as our record."""
    return TopicQos(
        reliability=qos.reliability.name.lower(),
        durability=qos.durability.name.lower(),
        history=qos.history.name.lower(),
        depth=int(qos.depth),
        deadline_ns=qos.deadline.sec * _NS + qos.deadline.nsec,
        lifespan_ns=qos.lifespan.sec * _NS + qos.lifespan.nsec,
        liveliness=qos.liveliness.name.lower(),
        liveliness_lease_ns=qos.liveliness_lease_duration.sec * _NS
        + qos.liveliness_lease_duration.nsec,
    )
