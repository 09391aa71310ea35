"""Bags whose recorder does not get to its end, or could not begin."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from bharnet_ros.bags import open_bag, write
from bharnet_ros.bags.write import BagWriter
from bharnet_ros.errors import BagError

from .conftest import FRAMES, picture, stamp, storage_file, write_scene

TOPIC = "/image_raw"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is kept with the next message instead of after a second."""
    monkeypatch.setattr(write, "_KEPT_S", 0.0)


def stamps(path: Path) -> list[int]:
    with open_bag(path) as bag:
        return [message.log_ns for message in bag.messages()]


def test_a_crash_costs_a_moment_of_an_sqlite_file(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag", "sqlite3") as writer:
        for frame in range(5):
            writer.image(TOPIC, stamp(frame), picture(frame))
        shutil.copytree(tmp_path / "bag", tmp_path / "killed")  # as a power cut leaves it
        writer.image(TOPIC, stamp(5), picture(5))
    assert stamps(tmp_path / "killed") == [stamp(frame) for frame in range(5)]
    assert stamps(tmp_path / "bag") == [stamp(frame) for frame in range(6)]
    # One that was closed is a single file, as that of any recorder.
    file = storage_file(tmp_path / "bag")
    assert sorted(tmp_path.glob("bag/*")) == [file, tmp_path / "bag" / "metadata.yaml"]
    with sqlite3.connect(file) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_full_disk_is_a_sentence_and_what_was_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "bag"
    writer = BagWriter(path, "sqlite3")
    writer._writer.storage.conn.execute("PRAGMA max_page_count=30")  # "disk is full"
    frame = 0
    with pytest.raises(BagError, match=r"bag cannot be written: database or disk is full"):
        for frame in range(1000):
            writer.image(TOPIC, stamp(frame), picture(frame))
    assert frame > 1
    with suppress(BagError):  # newer SQLite wants room at the end, too
        writer.close()
    assert stamps(path) == [stamp(each) for each in range(frame)]


@pytest.mark.parametrize("letter", ["?", "#", "%41"])
def test_a_name_that_sqlite_would_take_for_another_is_refused(tmp_path: Path, letter: str) -> None:
    with pytest.raises(BagError, match="choose another name, or mcap"):
        BagWriter(tmp_path / f"take{letter}", "sqlite3")
    assert not list(tmp_path.iterdir())
    path = write_scene(tmp_path / f"take{letter}", "mcap")
    with open_bag(path) as bag:
        assert len(list(bag.messages())) == 3 * FRAMES
