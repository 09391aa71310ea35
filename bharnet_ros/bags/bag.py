"""One bag: its topics, its messages, and what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType

from bharnet_ros.bags.definitions import MessageTypes
from bharnet_ros.bags.files import open_file
from bharnet_ros.bags.find import bag_files
from bharnet_ros.bags.inflate import inflated
from bharnet_ros.bags.merge import merged
from bharnet_ros.bags.problems import Problems
from bharnet_ros.bags.records import (
    BagMessage,
    Channel,
    RawMessage,
    StorageFile,
    TopicInfo,
    full_type,
)
from bharnet_ros.errors import BagError


def open_bag(path: Path | str) -> Bag:
    """Open a bag to read: a folder, or one .mcap or .db3 file, compressed or not.

    Raises BagError with a sentence if there is nothing to read, BackendUnavailable without
    rosbags. Damage is no error as long as something can be read: see `Bag.problems`.
    """
    return Bag(Path(path))


class Bag:
    """A bag that is being read, in bounded memory. Best made with `open_bag`, in a `with`.

    name: of its folder or file. start_ns, end_ns: log times of its first and last message; both
    0 if it has none. topics: by name. Only one loop over its messages may run at a time; open the
    bag again for a second one. A bag compressed as a whole is unpacked to the folder for
    temporary files first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._problems = Problems()
        self._closing = ExitStack()
        self._files: list[StorageFile] = []
        with ExitStack() as undo:
            undo.callback(self.close)
            found = bag_files(path)
            self.name = found.name
            self._types = MessageTypes(found.distro)
            for sentence in found.problems:
                self._problems.add(sentence)
            self._open(found.files)
            self._channels = self._merge_channels()
            undo.pop_all()
        filled = [file for file in self._files if file.count]
        self.start_ns = min((file.start_ns for file in filled), default=0)
        self.end_ns = max((file.end_ns for file in filled), default=0)
        self.topics: Mapping[str, TopicInfo] = {
            name: TopicInfo(name, c.type, c.count, not self._types.missing(c), c.qos)
            for name, c in sorted(self._channels.items())
        }
        if not filled:
            self._problems.add("The bag holds no messages.")

    @property
    def problems(self) -> list[str]:
        """Sentences on what is damaged, missing or was skipped; grows while messages are read."""
        return self._problems.sentences()

    def raw_messages(
        self,
        topics: Sequence[str] | None = None,
        start_ns: int | None = None,
        stop_ns: int | None = None,
    ) -> Iterator[RawMessage]:
        """Messages as recorded (unpacked where they were compressed one by one), in the order of
        their log times.

        topics: their full names; None = all. start_ns, stop_ns: log times, the latter excluded.
        Raises BagError for a topic the bag does not have.
        """
        chosen = frozenset(self.topics if topics is None else topics)
        if unknown := sorted(chosen - self.topics.keys()):
            raise BagError(self._no_topic(unknown[0], "topic"))
        return self._raw(chosen, start_ns, stop_ns)

    def messages(
        self,
        topics: Sequence[str] | None = None,
        start_ns: int | None = None,
        stop_ns: int | None = None,
    ) -> Iterator[BagMessage]:
        """Deserialised messages; see `raw_messages`.

        Messages that are damaged or whose definition is not known are skipped and reported in
        `problems`.
        """
        raw = self.raw_messages(topics, start_ns, stop_ns)
        return self._deserialised(raw)

    def find_topic(self, wanted: str | None, types: Sequence[str], what: str) -> str:
        """The full name of a topic that can be read.

        wanted: its name, with or without namespace; None = the only one of these types (of the
        first type that has any). types: as `sensor_msgs/msg/Image`. what: what is looked for, for
        the error. Raises BagError, with the topics there are.
        """
        fitting = [full_type(name) for name in types]
        if wanted:
            name = self.topic_named(wanted, what)
            if self.topics[name].type not in fitting:
                raise BagError(
                    f"The topic {name} of the bag {self.name} holds {self.topics[name].type}, but "
                    f"{what} must be {' or '.join(fitting)}. {self._list(fitting)}"
                )
        else:
            name = self._only(fitting, what)
        if not self.topics[name].definition_known:
            reason = self._types.missing(self._channels[name])
            raise BagError(
                f"The topic {name} ({self.topics[name].type}) of the bag {self.name} cannot be "
                f"read: {reason}. Record it again with ROS 2 Iron or newer, or as MCAP; such bags "
                "bring the definitions with them."
            )
        return name

    def topic_named(self, wanted: str, what: str) -> str:
        """The full name of a topic given with or without namespace; what: for the error.

        Raises BagError if there is none, or more than one.
        """
        bare = wanted.strip("/")
        if f"/{bare}" in self.topics:
            return f"/{bare}"
        if bare in self.topics:
            return bare
        found = [] if wanted.startswith("/") else [
            name for name in self.topics if name.endswith(f"/{bare}")
        ]  # fmt: skip
        if len(found) > 1:
            raise BagError(
                f"{wanted!r} could be {' or '.join(found)} in the bag {self.name}; give the whole "
                f"name of the topic of {what}."
            )
        if not found:
            raise BagError(self._no_topic(wanted, f"topic of {what}"))
        return found[0]

    def close(self) -> None:
        """Let go of the files."""
        self._closing.close()

    def __enter__(self) -> Bag:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, paths: Iterable[Path]) -> None:
        refused: BagError | None = None
        for path in paths:
            try:
                file = open_file(path, self._problems, self._closing)
            except BagError as error:
                self._problems.add(str(error))
                refused = error
                continue
            self._files.append(file)
            self._closing.callback(file.close)
        if refused is not None and not self._files:
            raise refused

    def _merge_channels(self) -> dict[str, Channel]:
        """What all files say of each topic."""
        merged_channels: dict[str, Channel] = {}
        for channel in (each for file in self._files for each in file.channels):
            seen = merged_channels.get(channel.topic)
            if seen is not None and seen.type != channel.type:
                self._problems.add(
                    f"The topic {channel.topic} was recorded with the types {seen.type} and "
                    f"{channel.type}; only the first is used."
                )
                continue
            first = seen or channel
            richer = first if first.definition or not channel.definition else channel
            merged_channels[channel.topic] = Channel(
                channel.topic,
                channel.type,
                channel.count + (seen.count if seen else 0),
                richer.definition,
                richer.definition_format,
                first.digest or channel.digest,
                first.encoding,
                tuple(dict.fromkeys((*first.qos, *channel.qos))),
            )
        return merged_channels

    def _raw(
        self, topics: frozenset[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[RawMessage]:
        files = [
            file
            for file in self._files
            if file.count
            and (start_ns is None or file.end_ns >= start_ns)
            and (stop_ns is None or file.start_ns < stop_ns)
        ]
        sources = [
            (file.start_ns, partial(file.messages, topics, start_ns, stop_ns))
            for file in files
        ]
        for message in merged(sources):
            if message.type != self._channels[message.topic].type:
                continue
            try:
                data = inflated(message.data)
            except ValueError as error:
                self._problems.damaged(message.topic, message.log_ns, error)
                continue
            if data is not message.data:
                message = RawMessage(message.topic, message.type, message.log_ns, data)
            yield message

    def _deserialised(self, messages: Iterator[RawMessage]) -> Iterator[BagMessage]:
        for raw in messages:
            channel = self._channels[raw.topic]
            if reason := self._types.missing(channel):
                self._problems.add(
                    f"The topic {raw.topic} ({raw.type}) cannot be read: {reason}."
                )
                continue
            try:
                message = self._types.deserialize(channel, raw.data)
            except Exception as error:  # the library lets through whatever odd bytes cause
                self._problems.damaged(raw.topic, raw.log_ns, error)
                continue
            yield BagMessage(raw.topic, raw.type, raw.log_ns, message)

    def _only(self, types: Sequence[str], what: str) -> str:
        for kind in types:
            found = [n for n, topic in self.topics.items() if topic.type == kind and topic.count]
            if len(found) == 1:
                return found[0]
            if found:
                raise BagError(
                    f"The bag {self.name} holds several topics of {what}: {', '.join(found)}; "
                    "choose one."
                )
        raise BagError(
            f"The bag {self.name} has no topic of {what} ({' or '.join(types)}) with messages. "
            f"{self._list(types)}"
        )

    def _no_topic(self, wanted: str, what: str) -> str:
        near = difflib.get_close_matches(wanted, list(self.topics), 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"The bag {self.name} has no {what} {wanted!r}.{hint} {self._list(())}"

    def _list(self, first: Sequence[str]) -> str:
        """The topics there are, those of fitting types first."""
        if not self.topics:
            return "It holds no topics at all."
        order = sorted(self.topics.values(), key=lambda each: (each.type not in first, each.name))
        lines = [f"{topic.name} ({topic.type}, {topic.count})" for topic in order[:40]]
        more = f" and {len(order) - 40} more" if len(order) > 40 else ""
        return f"Its topics are {', '.join(lines)}{more}."
