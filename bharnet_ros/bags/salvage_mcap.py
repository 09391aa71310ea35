"""What can still be read of a damaged MCAP file: one that was cut off, has no index, or holds
broken chunks. Written after the format's specification (mcap.dev/spec).

One pass over the file notes where which messages are; then they are read in the order of time,
a chunk at a time. Only the newest few chunks are ever in memory.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from bharnet_ros.bags.mcap_records import (
    CHANNEL,
    CHUNK,
    FOOTER,
    MAGIC,
    MESSAGE,
    SCHEMA,
    Chunk,
    chunk_content,
    chunk_header,
    find_chunk,
    records,
    unpack_channel,
    unpack_schema,
)
from bharnet_ros.bags.merge import merged
from bharnet_ros.bags.problems import Problems
from bharnet_ros.bags.qos_text import qos_of_text
from bharnet_ros.bags.records import Channel, RawMessage, full_type
from bharnet_ros.errors import BagError

_RECORD = struct.Struct("<BQ")
_MESSAGE = struct.Struct("<HIQQ")
_KINDS = range(0x01, 0x10)
_LOOSE_BYTES = 4_000_000


@dataclass
class _Piece:
    """Messages that are read at once: a chunk, or a run of messages outside of chunks.

    offset, end: in the file; of the whole chunk record, or of the first and after the last message.
    """

    offset: int
    end: int
    chunk: Chunk | None
    times: list[int] = field(default_factory=lambda: [2**63, -1])

    def add(self, log_ns: int) -> None:
        self.times = [min(self.times[0], log_ns), max(self.times[1], log_ns)]


class SalvagedMcap:
    """See `StorageFile`. Raises BagError if it is no MCAP file or nothing is left of it."""

    def __init__(self, path: Path, name: str, problems: Problems) -> None:
        self._name, self._problems = name, problems
        self._schemas: dict[int, tuple[str, str, str]] = {}
        self._found: dict[int, Channel] = {}
        self._counts: Counter[int] = Counter()
        self._pieces: list[_Piece] = []
        self._size = path.stat().st_size
        self._stream: BinaryIO = path.open("rb")
        try:
            if self._stream.read(len(MAGIC)) != MAGIC:
                raise BagError(f"{path} is no MCAP file: it does not begin as one.")
            if not self._scan(len(MAGIC)) and not self._found:
                raise BagError(f"{path} is damaged, and nothing of it can be read.")
        except BaseException:
            self._stream.close()
            raise
        self.count = sum(self._counts.values())
        filled = [piece for piece in self._pieces if piece.times[1] >= 0]
        self.start_ns = min((piece.times[0] for piece in filled), default=0)
        self.end_ns = max((piece.times[1] for piece in filled), default=0)

    @property
    def channels(self) -> list[Channel]:
        """See `StorageFile`."""
        return [
            Channel(
                c.topic, c.type, self._counts[number], c.definition, c.definition_format,
                c.digest, c.encoding, c.qos,
            )
            for number, c in self._found.items()
        ]  # fmt: skip

    def messages(
        self, topics: frozenset[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[RawMessage]:
        """See `StorageFile.messages`."""
        low = -1 if start_ns is None else start_ns
        high = 2**64 if stop_ns is None else stop_ns
        wanted = {number: c for number, c in self._found.items() if c.topic in topics}
        return merged(
            (piece.times[0], partial(self._read, piece, wanted, low, high))
            for piece in self._pieces
            if piece.times[1] >= low and piece.times[0] < high
        )

    def close(self) -> None:
        """See `StorageFile.close`."""
        self._stream.close()

    def _read(
        self, piece: _Piece, wanted: dict[int, Channel], low: int, high: int
    ) -> Iterator[RawMessage]:
        try:
            content = self._content(piece)
        except (OSError, ValueError) as error:  # it could be read before: the disk, or a change
            self._problems.add(f"{self._name} can no longer be read at {piece.offset}: {error}.")
            return
        found = []
        for kind, body in records(content):
            if kind != MESSAGE or len(body) < _MESSAGE.size:
                continue
            number, _, log_ns, _ = _MESSAGE.unpack_from(body)
            channel = wanted.get(number)
            if channel is not None and low <= log_ns < high:
                data = bytes(body[_MESSAGE.size :])
                found.append(RawMessage(channel.topic, channel.type, log_ns, data))
        found.sort(key=lambda message: message.log_ns)
        found.reverse()
        while found:  # let go of each message once it was given
            yield found.pop()

    def _content(self, piece: _Piece) -> bytes:
        """The records of a piece."""
        self._stream.seek(piece.offset)
        data = self._stream.read(piece.end - piece.offset)
        return data if piece.chunk is None else chunk_content(data, piece.chunk)

    def _scan(self, at: int) -> bool:
        """Note every piece from an offset to the end of the data; whether that end is whole."""
        loose: _Piece | None = None
        while at + _RECORD.size <= self._size:
            self._stream.seek(at)
            kind, length = _RECORD.unpack(self._stream.read(_RECORD.size))
            end = at + _RECORD.size + length
            if kind == FOOTER:
                return True
            if kind == 0 or end > self._size:
                resumed = find_chunk(self._stream, at + 1, self._size)
                self._broken(at, end, kind, resumed)
                if resumed is None:
                    return False
                at, loose = resumed, None
                continue
            if kind == MESSAGE and length >= _MESSAGE.size:
                if loose is None or end - loose.offset > _LOOSE_BYTES:
                    loose = _Piece(at, end, None)
                    self._pieces.append(loose)
                loose.end = end
                self._note(loose, self._stream.read(_MESSAGE.size))
            elif kind == CHUNK:
                loose = None
                self._note_chunk(at, end)
            elif kind in (SCHEMA, CHANNEL):
                self._define(kind, self._stream.read(length))
            at = end
        self._cut_off()
        return False

    def _cut_off(self) -> None:
        self._problems.add(
            f"{self._name} is cut off at byte {self._size}; what is whole before that was used."
        )

    def _broken(self, at: int, end: int, kind: int, resumed: int | None) -> None:
        """A record that is cut off or makes no sense."""
        if kind in _KINDS and end > self._size and resumed is None:
            if kind == CHUNK:
                self._note_chunk(at, self._size)
            self._cut_off()
            return
        until = self._size if resumed is None else resumed
        self._problems.add(
            f"{self._name} makes no sense from byte {at} to {until}; that part is lost."
        )

    def _note_chunk(self, at: int, end: int) -> None:
        """What a chunk holds. One whose content cannot be unpacked is left out."""
        self._stream.seek(at)
        data = self._stream.read(end - at)
        try:
            chunk = chunk_header(data)
            content = chunk_content(data, chunk)
        except ValueError as error:
            self._problems.add(
                f"{self._name} has a damaged chunk at byte {at} ({error}); its messages are lost."
            )
            return
        piece = _Piece(at, end, chunk)
        for kind, body in records(content):
            if kind == MESSAGE and len(body) >= _MESSAGE.size:
                self._note(piece, body)
            elif kind in (SCHEMA, CHANNEL):
                self._define(kind, bytes(body))
        self._pieces.append(piece)

    def _note(self, piece: _Piece, body: bytes | memoryview) -> None:
        number, _, log_ns, _ = _MESSAGE.unpack_from(body)
        if number in self._found:
            self._counts[number] += 1
            piece.add(log_ns)

    def _define(self, kind: int, body: bytes) -> None:
        """A schema or channel; a damaged one is as good as none."""
        try:
            if kind == SCHEMA:
                number, name, encoding, text = unpack_schema(body)
                self._schemas[number] = (name, encoding, text)
                return
            number, schema, topic, encoding, about = unpack_channel(body)
        except (ValueError, struct.error):
            self._problems.add(f"{self._name} has a damaged description of a topic.")
            return
        name, form, text = self._schemas.get(schema, ("", "", ""))
        qos = qos_of_text(about.get("offered_qos_profiles", ""))
        if name and number not in self._found:
            known = form in ("ros2msg", "ros2idl", "omgidl")
            form = "ros2msg" if form == "ros2msg" else "ros2idl"
            self._found[number] = Channel(
                topic, full_type(name), 0, text if known else "", form,
                about.get("topic_type_hash", ""), encoding, qos,
            )  # fmt: skip
