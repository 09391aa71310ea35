"""MCAP files whose index lacks a part, as storage options of rosbag2 (noMessageIndex ...) and other
programs leave it away: nothing is wrong with them, and nothing of them is lost."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from bharnet_ros.bags import open_bag
from bharnet_ros.bags.mcap_records import CHANNEL, FOOTER, MAGIC, SCHEMA, records

from .conftest import FRAMES, TOPICS, stamp, storage_file, write_scene

CHUNK_INDEX, STATISTICS = 0x08, 0x0B
LEFT_AWAY = {
    "nothing": (),
    "message index": (CHUNK_INDEX,),
    "message index and statistics": (CHUNK_INDEX, STATISTICS),
    "channels": (CHANNEL,),
    "schemas": (SCHEMA,),
    "channels and schemas": (CHANNEL, SCHEMA),
    "channels and statistics": (CHANNEL, STATISTICS),
    "schemas and statistics": (SCHEMA, STATISTICS),
    "channels, schemas and statistics": (CHANNEL, SCHEMA, STATISTICS),
}


def without(data: bytes, kinds: tuple[int, ...]) -> bytes:
    """A file whose summary lacks records; those of chunks stay, without the messages' places."""
    (start,) = struct.unpack_from("<Q", data, len(data) - len(MAGIC) - 20)
    out = data[:start]
    for kind, view in records(data[start : -len(MAGIC)]):
        body = bytes(view)
        if kind == FOOTER:
            break
        if kind == CHUNK_INDEX and kind in kinds:
            rest = 36 + int.from_bytes(body[32:36], "little")
            body = body[:32] + bytes(4) + bytes(8) + body[rest + 8 :]
        elif kind in kinds or kind > STATISTICS:  # offsets of the summary fit no more
            continue
        out += bytes([kind]) + len(body).to_bytes(8, "little") + body
    footer = start.to_bytes(8, "little") + bytes(12)
    return out + bytes([FOOTER]) + (20).to_bytes(8, "little") + footer + MAGIC


@pytest.mark.parametrize("left_away", LEFT_AWAY)
@pytest.mark.parametrize("compression", ["none", "storage"])
def test_every_message_is_read(tmp_path: Path, compression: str, left_away: str) -> None:
    whole = write_scene(tmp_path / "bag", "mcap", compression, size=(200, 300))
    file = tmp_path / "other.mcap"
    file.write_bytes(without(storage_file(whole).read_bytes(), LEFT_AWAY[left_away]))
    with open_bag(whole) as bag:
        want = list(bag.raw_messages())
    with open_bag(file) as bag:
        assert list(bag.raw_messages()) == want and not bag.problems
        assert {name: topic.count for name, topic in bag.topics.items()} == dict.fromkeys(
            TOPICS, FRAMES
        )
        assert len(list(bag.messages())) == len(want)
        assert (bag.start_ns, bag.end_ns) == (want[0].log_ns, want[-1].log_ns)
        part = list(bag.raw_messages([TOPICS[0]], stamp(5), stamp(9)))
        assert [each.log_ns for each in part] == [stamp(frame) for frame in range(5, 9)]
