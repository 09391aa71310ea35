"""Damage of every kind: what can be read is used, what cannot is said."""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lz4.frame
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.rosbag2 import Reader

from bharnet_ros.bags import open_bag, optional
from bharnet_ros.bags.mcap_records import (
    CHUNK,
    MAGIC,
    Chunk,
    chunk_content,
    chunk_header,
    find_chunk,
    records,
)
from bharnet_ros.bags.problems import Problems
from bharnet_ros.bags.salvage_sqlite import SalvagedSqlite
from bharnet_ros.bags.write import BagWriter
from bharnet_ros.errors import BagError

from .conftest import FRAMES, START_NS, TOPICS, picture, stamp, storage_file, write_scene

BIG = (200, 300)
"""Pictures of 180 kB: six of them fill a chunk."""


def damage(path: Path, at: int, data: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[at : at + len(data)] = data
    path.write_bytes(content)


def read(path: Path) -> tuple[list[tuple[str, int, bytes]], list[str]]:
    """Messages in order, each checked to be as it was written, and the problems."""
    with open_bag(path) as bag:
        found = [(m.topic, m.log_ns, bytes(m.data)) for m in bag.raw_messages()]
        assert [time for _, time, _ in found] == sorted(time for _, time, _ in found)
        assert len(set(found)) == len(found)
        return found, bag.problems


def images(found: list[tuple[str, int, bytes]]) -> list[int]:
    return [(time - START_NS) // 10**8 for topic, time, _ in found if topic == TOPICS[0]]


@pytest.mark.parametrize("compression", ["none", "storage"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.999])
def test_a_truncated_mcap(scene, compression: str, share: float) -> None:
    """As after a power cut: no index, no summary, no metadata.yaml, half a chunk at the end."""
    path = scene("mcap", compression, size=BIG)
    whole, _ = read(path)
    file = storage_file(path)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    (path / "metadata.yaml").unlink()
    with pytest.raises(Exception, match="magic"):
        Reader(file).open()
    found, problems = read(path)
    assert found == whole[: len(found)]  # nothing invented, nothing missing before the end
    assert share * FRAMES - 2 <= len(images(found)) <= share * FRAMES + 1
    said = " ".join(problems)
    assert "metadata.yaml is missing" in said and "read record by record" in said
    assert "cut off at byte" in said or share > 0.9


@pytest.mark.parametrize("form", ["loose", "", "lz4", "zstd"])
def test_an_mcap_without_index(tmp_path: Path, form: str) -> None:
    """Whole, but as other programs and the fast profile of rosbag2 write: nothing is wrong."""
    whole = write_scene(tmp_path / "bag", size=BIG)
    file = tmp_path / "other.mcap"
    file.write_bytes(without_index(storage_file(whole).read_bytes(), form))
    for profile in (b"ros2", b"none"):
        damage(file, 8 + 9 + 4, profile)
        assert read(file) == (read(whole)[0], [])
    file.write_bytes(file.read_bytes()[: 2 * file.stat().st_size // 3])
    found, problems = read(file)
    assert 3 < len(images(found)) < FRAMES and "cut off at byte" in " ".join(problems)


def without_index(data: bytes, form: str) -> bytes:
    """The same messages in chunks packed in some form or, "loose", outside of chunks."""
    packers = {"": bytes, "lz4": lz4.frame.compress, "zstd": optional.zstd().compress}
    out, at = data[:8], 8
    for kind, body in records(data[8 : -len(MAGIC)]):
        record = data[at : at + 9 + len(body)]
        at += len(record)
        if kind == 1:
            out += record
        elif kind == CHUNK:
            content = chunk_content(record, chunk_header(record))
            if form == "loose":
                out += content
                continue
            packed = packers[form](content)
            fields = record[9:25] + len(content).to_bytes(8, "little")
            fields += zlib.crc32(content).to_bytes(4, "little")
            fields += len(form).to_bytes(4, "little") + form.encode()
            fields += len(packed).to_bytes(8, "little") + packed
            out += bytes([CHUNK]) + len(fields).to_bytes(8, "little") + fields
    return out + b"\x02" + (20).to_bytes(8, "little") + bytes(20) + MAGIC


def test_a_broken_chunk_in_the_middle(scene) -> None:
    """With its index whole, reading begins as ever and meets the damage on its way."""
    path = scene("mcap", "storage", size=BIG)
    whole, _ = read(path)
    break_chunk(storage_file(path))
    found, problems = read(path)
    lost(whole, found, problems, "cannot be unpacked")


def test_a_chunk_with_a_wrong_checksum(scene) -> None:
    """Pictures with wrong pixels would be worse than missing ones."""
    path = scene("mcap", "none", size=BIG)
    whole, _ = read(path)
    file = storage_file(path)
    add_checksums(file)
    assert read(path)[0] == whole
    begin, _ = chunk_at(file, 1)
    damage(file, begin + 5000, b"\0\0\0\0\0\0")
    found, problems = read(path)
    lost(whole, found, problems, "checksum does not fit")


def test_a_chunk_of_unknown_length_and_no_index(scene) -> None:
    """The next chunk is found by its shape."""
    path = scene("mcap", "none", size=BIG)
    whole, _ = read(path)
    file = storage_file(path)
    damage(file, chunk_at(file, 1)[0] + 1, b"\xff" * 7)
    file.write_bytes(file.read_bytes()[:-8])
    found, problems = read(path)
    lost(whole, found, problems, "makes no sense from byte")


def lost(whole: list, found: list, problems: list[str], reason: str) -> None:
    """Exactly the second chunk is missing, and that was said."""
    missing = [entry for entry in whole if entry not in set(found)]
    assert set(found) < set(whole) and 3 < len(missing) < 30
    first = whole.index(missing[0])
    assert missing == whole[first : first + len(missing)] and first > 3
    assert any(reason in problem and "lost" in problem for problem in problems), problems


def chunk_at(file: Path, number: int) -> tuple[int, Chunk]:
    """Offset and header of a chunk."""
    size, at = file.stat().st_size, 7
    with file.open("rb") as stream:
        for _ in range(number + 1):
            at = find_chunk(stream, at + 1, size)
        stream.seek(at)
        return at, chunk_header(stream.read(100))


def break_chunk(file: Path) -> None:
    """The second chunk's compressed data begins wrongly."""
    at, chunk = chunk_at(file, 1)
    damage(file, at + chunk.begin, bytes(4))


def add_checksums(file: Path) -> None:
    """As rosbag2 writes them; the library's writer leaves them out."""
    content = bytearray(file.read_bytes())
    for number in range(3):
        at, chunk = chunk_at(file, number)
        body = content[at + chunk.begin : at + chunk.begin + chunk.stored_bytes]
        content[at + 33 : at + 37] = zlib.crc32(body).to_bytes(4, "little")
    file.write_bytes(content)


def test_a_closed_bag_is_not_called_damaged(scene) -> None:
    with open_bag(scene("mcap", size=BIG)) as bag:
        messages = bag.raw_messages()
        next(messages)
    with pytest.raises(BagError, match="was closed"):
        list(messages)


def test_reading_twice_reports_once(scene) -> None:
    path = scene("mcap", "storage", size=BIG)
    break_chunk(storage_file(path))
    with open_bag(path) as bag:
        first = [m.log_ns for m in bag.raw_messages()]
        problems = bag.problems
        assert [m.log_ns for m in bag.raw_messages()] == first
        assert bag.problems == problems and len(problems) == 2


@pytest.mark.parametrize("share", [0.4, 0.8])
def test_a_truncated_sqlite_file(scene, share: float) -> None:
    path = scene("sqlite3", size=BIG)
    whole, _ = read(path)
    file = storage_file(path)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    found, problems = read(path)
    assert set(found) <= set(whole)
    assert len(images(found)) >= share * FRAMES - 2
    assert "cannot be read after message" in " ".join(problems)


def test_broken_pages_of_a_sqlite_file(scene) -> None:
    path = scene("sqlite3", size=BIG)
    whole, _ = read(path)
    file = storage_file(path)
    for share in (0.3, 0.6):  # zeros over the chain of pages of one picture
        at = int(file.stat().st_size * share) // 4096 * 4096
        damage(file, at, bytes(8192))
    found, problems = read(path)
    untouched = [entry for entry in found if entry in set(whole)]
    assert len(untouched) >= len(whole) - 8
    with open_bag(path) as bag:
        readable = sum(1 for _ in bag.messages())
        assert readable >= len(whole) - 8
        assert problems or bag.problems


@pytest.mark.parametrize("read_only", [False, True])
def test_a_recorder_that_was_killed_leaves_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_only: bool
) -> None:
    """SQLite's write-ahead log holds what is not in the file yet."""
    path = write_scene(tmp_path / "bag", "sqlite3", frames=3)
    file = storage_file(path)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    data = connection.execute("SELECT data FROM messages WHERE topic_id=1").fetchone()[0]
    connection.execute(
        "INSERT INTO messages (topic_id, timestamp, data) VALUES (1, ?, ?)", (stamp(9), data)
    )
    connection.commit()
    killed = tmp_path / "killed"
    killed.mkdir()
    for name in (file.name, f"{file.name}-wal"):
        (killed / name).write_bytes((file.parent / name).read_bytes())
    connection.close()
    if read_only:  # as it looks to everybody but root
        monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK)
    found, problems = read(killed)
    assert images(found) == [0, 1, 2, 9]
    assert "it was not closed" in " ".join(problems)
    assert not read_only or len(list(killed.iterdir())) == 2  # nothing had to be written there


def test_a_truncated_compressed_file(scene) -> None:
    for storage in ("mcap", "sqlite3"):
        path = scene(storage, "file", size=BIG)
        file = storage_file(path)
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        found, problems = read(path)
        assert FRAMES // 2 - 3 <= len(images(found)) <= FRAMES // 2 + 1
        assert "was unpacked in part" in problems[0]


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_damaged_messages_are_counted_and_skipped(tmp_path: Path, storage: str) -> None:
    with BagWriter(tmp_path / "bag", storage, "message") as writer:
        for frame in range(4):
            writer.image("/image_raw", stamp(frame), picture(frame))
        writer.raw("/image_raw", "sensor_msgs/msg/Image", stamp(4), b"\0\1\0\0 too short")
        writer.raw("/image_raw", "sensor_msgs/msg/Image", stamp(5), b"")
        writer.image("/image_raw", stamp(6), picture(6))
    file = storage_file(tmp_path / "bag")
    content = file.read_bytes()
    packed = content.index(b"\x28\xb5\x2f\xfd", content.index(b"\x28\xb5\x2f\xfd") + 4)
    damage(file, packed + 20, b"\xff" * 40)
    with open_bag(tmp_path / "bag") as bag:
        assert len(list(bag.messages())) == 4
        assert len(list(bag.messages())) == 4  # again: not counted twice
        assert bag.problems[-1].startswith("3 messages of /image_raw could not be read")


def test_a_tree_that_gives_rows_again_and_again_comes_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = storage_file(write_scene(tmp_path / "scene", "sqlite3", "none", frames=4))
    whole = SalvagedSqlite(file, "whole", Problems())
    select = SalvagedSqlite._select

    class Damaged:
        """As hypothesis found it: whatever row is asked for, the tree leads back to the first."""

        def __init__(self, rows: list[tuple]) -> None:
            self.rows = rows

        def __iter__(self) -> Iterator[tuple]:
            yield from self.rows[:3]
            yield self.rows[0]
            raise sqlite3.DatabaseError("database disk image is malformed")

        def fetchone(self) -> tuple:
            return self.rows[0]

    def damaged(self: SalvagedSqlite, column: str, after: int, last: int, limit: int = -1) -> Any:
        return Damaged(select(self, column, -1, last).fetchall())

    monkeypatch.setattr(SalvagedSqlite, "_select", damaged)
    problems = Problems()
    assert SalvagedSqlite(file, "damaged", problems).count == 3 < whole.count
    assert len(problems.sentences()) == 1


def test_whatever_is_left_of_a_file_never_crashes(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("random")
    contents = {
        (storage, compression): storage_file(
            write_scene(folder / f"{storage}_{compression}", storage, compression, frames=4)
        ).read_bytes()
        for storage, compression in (("mcap", "none"), ("mcap", "storage"), ("sqlite3", "none"))
    }

    @given(st.data())
    def check(data: st.DataObject) -> None:
        storage, compression = data.draw(st.sampled_from(sorted(contents)))
        content = bytearray(contents[storage, compression])
        for _ in range(data.draw(st.integers(0, 6))):
            at = data.draw(st.integers(0, len(content) - 1))
            content[at] = data.draw(st.integers(0, 255))
        del content[data.draw(st.integers(0, len(content))) :]
        file = folder / f"try.{'mcap' if storage == 'mcap' else 'db3'}"
        file.write_bytes(content)
        try:
            with open_bag(file) as bag:
                times = [message.log_ns for message in bag.messages()]
                assert isinstance(bag.problems, list)
        except BagError:
            return
        assert len(times) <= 12 and times == sorted(times)

    check()


def test_times_that_run_backwards_are_put_in_order(tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(FRAMES).tolist()
    for storage in ("mcap", "sqlite3"):
        with BagWriter(tmp_path / storage, storage) as writer:
            for frame in order:
                writer.image(TOPICS[0], stamp(frame), picture(frame))
        file = storage_file(tmp_path / storage)
        assert images(read(file)[0]) == list(range(FRAMES))
        file.write_bytes(file.read_bytes()[:-200])
        assert images(read(file)[0]) == sorted(images(read(file)[0]))
