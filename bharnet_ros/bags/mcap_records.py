"""The records of an MCAP file, as far as damaged files need them (mcap.dev/spec)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bharnet_ros.bags.optional import library, zstd

MAGIC = b"\x89MCAP0\r\n"
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06

_RECORD = struct.Struct("<BQ")
_CHUNK = struct.Struct("<QQQI")
_MAX_CHUNK_BYTES = 1 << 30
_SEARCH_BYTES = 1 << 20
_COMPRESSIONS = ("", "lz4", "zstd")


@dataclass(frozen=True)
class Chunk:
    """Where the content of a chunk record is: begin (from the start of the record) and size as
    stored, its compression, its size unpacked, the checksum of that (0 = none), and whether the
    file ends before it does."""

    begin: int
    stored_bytes: int
    compression: str
    full_bytes: int
    checksum: int
    cut: bool


def is_of_ros2(path: Path) -> bool:
    """Whether the header says that ROS 2 wrote the file, or says nothing that can be read."""
    with path.open("rb") as stream:
        start = stream.read(len(MAGIC) + _RECORD.size + 8)
    profile = start[len(MAGIC) + _RECORD.size + 4 :]
    return not start.startswith(MAGIC) or start[len(MAGIC)] != HEADER or profile == b"ros2"


def records(content: bytes) -> Iterator[tuple[int, memoryview]]:
    """(kind, body) of records that follow each other; ends at the first that is not whole."""
    view, at = memoryview(content), 0
    while at + _RECORD.size <= len(view):
        kind, length = _RECORD.unpack_from(view, at)
        at += _RECORD.size
        if at + length > len(view):
            return
        yield kind, view[at : at + length]
        at += length


def chunk_header(data: bytes) -> Chunk:
    """What a chunk record says of itself; data begins with it. ValueError if it makes no sense."""
    at = _RECORD.size + _CHUNK.size
    if len(data) < at + 4:
        raise ValueError("it is cut off within its header")
    length = _RECORD.unpack_from(data)[1]
    _, _, full_bytes, checksum = _CHUNK.unpack_from(data, _RECORD.size)
    name, at = _text(data, at)
    if name not in _COMPRESSIONS:
        raise ValueError(f"unknown compression {name!r}")
    if len(data) < at + 8:
        raise ValueError("it is cut off within its header")
    stored = int.from_bytes(data[at : at + 8], "little")
    at += 8
    if at + stored != _RECORD.size + length or full_bytes > _MAX_CHUNK_BYTES:
        raise ValueError("its sizes contradict each other")
    return Chunk(at, stored, name, full_bytes, checksum, at + stored > len(data))


def chunk_content(data: bytes, chunk: Chunk) -> bytes:
    """The records in a chunk; of one that is cut off, as much as can be unpacked.

    Raises ValueError for content that is damaged.
    """
    stored = data[chunk.begin : chunk.begin + chunk.stored_bytes]
    if chunk.compression == "":
        content = stored
    else:
        content = _unpack(stored, chunk.compression, chunk.full_bytes)
    if chunk.cut:
        return content
    if len(content) != chunk.full_bytes:
        raise ValueError("its content is shorter than it says")
    if chunk.checksum and zlib.crc32(content) != chunk.checksum:
        raise ValueError("its checksum does not fit")
    return content


def find_chunk(stream: BinaryIO, start: int, size: int) -> int | None:
    """Where the next whole chunk record begins at or after an offset, if there is one.

    A chunk is known by its sizes: the record's length, the name of the compression and the
    length of the content have to agree.
    """
    longest = _RECORD.size + _CHUNK.size + 4 + 4 + 8
    while start < size:
        stream.seek(start)
        block = stream.read(_SEARCH_BYTES + longest)
        at = block.find(CHUNK, 0, _SEARCH_BYTES)
        while at >= 0:
            try:
                chunk = chunk_header(block[at : at + longest])
            except ValueError:
                pass
            else:
                if start + at + chunk.begin + chunk.stored_bytes <= size:
                    return start + at
            at = block.find(CHUNK, at + 1, _SEARCH_BYTES)
        start += _SEARCH_BYTES
    return None


def unpack_schema(body: bytes) -> tuple[int, str, str, str]:
    """Number, name of the type, encoding ("ros2msg" ...), definition."""
    name, at = _text(body, 2)
    encoding, at = _text(body, at)
    definition, _ = _text(body, at)
    return int.from_bytes(body[:2], "little"), name, encoding, definition


def unpack_channel(body: bytes) -> tuple[int, int, str, str, dict[str, str]]:
    """Number, number of the schema, topic, encoding of the messages, metadata."""
    number, schema = struct.unpack_from("<HH", body)
    topic, at = _text(body, 4)
    encoding, at = _text(body, at)
    end = at + 4 + int.from_bytes(body[at : at + 4], "little")
    at += 4
    about = {}
    while at < end:
        key, at = _text(body, at)
        about[key], at = _text(body, at)
    return number, schema, topic, encoding, about


def _text(data: bytes, at: int) -> tuple[str, int]:
    """A string and the offset after it. ValueError if it goes beyond the data."""
    end = at + 4 + int.from_bytes(data[at : at + 4], "little")
    if end > len(data) or at + 4 > len(data):
        raise ValueError("a text goes beyond the end")
    return data[at + 4 : end].decode("utf-8"), end


def _unpack(stored: bytes, compression: str, full_bytes: int) -> bytes:
    """At most full_bytes of packed data, also of data that ends early."""
    unpacker: Any
    if compression == "zstd":
        unpacker = zstd().ZstdDecompressor()
    else:
        unpacker = library("lz4.frame").LZ4FrameDecompressor()
    try:
        content: bytes = unpacker.decompress(stored, max_length=full_bytes + 1)
    except Exception as error:  # each library has its own
        raise ValueError(f"it cannot be unpacked: {error}") from None
    return content
