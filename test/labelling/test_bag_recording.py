"""A bag by index: the right image, the right people, in any order, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import BagError, InvalidImageError
from bharnet_ros.labelling.bag_index import StampIndex, note_presence
from bharnet_ros.labelling.bag_recording import BagRecording
from bharnet_ros.labelling.cache import ByteCache
from bharnet_ros.labelling.recording import Presence
from bharnet_ros.types import Image

ORIGIN_NS = 1_700_000_000_123_456_789
STEP_NS = 100_000_000


@contextmanager
def opened(path: Path, **options: str) -> Iterator[BagRecording]:
    recording = BagRecording(path, **options)
    try:
        assert recording.wait(30)
        yield recording
    finally:
        recording.close()


def shown(recording: BagRecording, index: int) -> int:
    """The index that the picture itself tells (see conftest.picture)."""
    data = np.frombuffer(recording.picture(index).data, np.uint8)
    column = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)[:, 10]
    return int((column > 150).sum()) - 1


@pytest.mark.parametrize(
    ("storage", "compression", "compressed_images"),
    [("mcap", "none", False), ("mcap", "storage", True), ("sqlite3", "none", False),
     ("sqlite3", "message", True)],
)  # fmt: skip
def test_images_in_any_order(
    write_bag: Callable[..., Path], storage: str, compression: str, compressed_images: bool
) -> None:
    with opened(write_bag(storage, compression, compressed_images)) as recording:
        now = recording.overview()
        assert (now.count, now.complete, now.problems) == (60, True, ())
        assert (now.origin_ns, now.end_ns) == (ORIGIN_NS, ORIGIN_NS + 59 * STEP_NS)
        assert recording.stamps(57) == [ORIGIN_NS + n * STEP_NS for n in (57, 58, 59)]
        order = [0, 1, 2, 5, 4, 3, 59, 30, 31, 33, 32, 0, 58, 20]
        assert [shown(recording, index) for index in order] == order
        for bad in (-1, 60):
            with pytest.raises(IndexError):
                recording.picture(bad)


def test_people_of_each_image(write_bag: Callable[..., Path]) -> None:
    with opened(write_bag()) as recording:
        for index in (0, 19, 20, 59, 5):
            frame = recording.skeletons(index)
            assert frame is not None
            assert frame.stamp_ns == ORIGIN_NS + index * STEP_NS
            assert [p.track_id for p in frame.skeletons] == ([3] if index < 20 else [3, 7])
        first, last = ORIGIN_NS, ORIGIN_NS + 59 * STEP_NS
        assert recording.presence() == {3: [(first, last)], 7: [(first + 20 * STEP_NS, last)]}


def test_a_bag_without_skeletons(write_bag: Callable[..., Path]) -> None:
    with opened(write_bag(skeletons=False)) as recording:
        assert recording.skeletons(3) is None
        assert not recording.overview().has_skeletons


def test_a_wrong_topic_lists_those_there_are(write_bag: Callable[..., Path]) -> None:
    bag = write_bag(count=3)
    with pytest.raises(BagError, match="/camera/image"):
        BagRecording(bag, "front/image")
    with pytest.raises(BagError, match="/robot/skeletons"):
        BagRecording(bag, "", "people")


def test_compressed_images_are_handed_on_as_they_are(write_bag: Callable[..., Path]) -> None:
    with opened(write_bag(compressed_images=True)) as recording:
        assert recording.picture(4).mime == "image/jpeg"
        assert shown(recording, 4) == 4


def test_what_a_browser_would_show_wrongly_is_encoded_anew(
    tmp_path: Path, drawn: tuple[Callable[[int], Image], object]
) -> None:
    from bharnet_ros.bags.write import BagWriter

    jpeg = cv2.imencode(".jpg", drawn[0](10))[1].tobytes()
    turned = jpeg[:2] + b"\xff\xe1\x00\x22Exif\x00\x00" + bytes(26) + jpeg[2:]
    with BagWriter(tmp_path / "bag") as writer:
        writer.compressed_image("/image", ORIGIN_NS, turned)
        writer.compressed_image("/image", ORIGIN_NS + 1, jpeg, "rgb8; jpeg compressed rgb8")
        writer.compressed_image("/image", ORIGIN_NS + 2, b"\xff\xd8\xff broken, with Exif\x00")
        writer.compressed_image("/image", ORIGIN_NS + 3, jpeg)
    with opened(tmp_path / "bag") as recording:
        assert b"Exif" not in recording.picture(0).data
        assert recording.picture(1).data != jpeg
        with pytest.raises(InvalidImageError):
            recording.picture(2)
        assert recording.picture(3).data == jpeg


def test_large_images_are_sent_smaller(tmp_path: Path) -> None:
    from bharnet_ros.bags.write import BagWriter

    with BagWriter(tmp_path / "bag") as writer:
        writer.image("/image", ORIGIN_NS, np.zeros((40, 4000, 3), np.uint8))
    with opened(tmp_path / "bag") as recording:
        data = np.frombuffer(recording.picture(0).data, np.uint8)
        assert cv2.imdecode(data, cv2.IMREAD_COLOR).shape == (19, 1920, 3)


def test_a_truncated_bag_shows_what_is_left(write_bag: Callable[..., Path]) -> None:
    bag = write_bag()
    file = next(bag.glob("*.mcap"))
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    with opened(bag) as recording:
        now = recording.overview()
        assert 10 < now.count < 60
        assert now.problems
        assert [shown(recording, n) for n in (now.count - 1, 2, 3)] == [now.count - 1, 2, 3]


def test_stamps_that_go_back_are_left_out_and_said(
    tmp_path: Path, drawn: tuple[Callable[[int], Image], object]
) -> None:
    from bharnet_ros.bags.write import BagWriter

    with BagWriter(tmp_path / "bag") as writer:
        for log, number in enumerate([None, 0, 1, 2, 1, 0, 3]):  # None: nobody stamped it
            stamp_ns = 0 if number is None else ORIGIN_NS + number * STEP_NS
            picture = drawn[0](number or 0)
            writer.image("/image", stamp_ns, picture, log_ns=ORIGIN_NS + log * STEP_NS)
    with opened(tmp_path / "bag") as recording:
        assert [shown(recording, n) for n in range(recording.overview().count)] == [0, 1, 2, 3]
        assert recording.overview().origin_ns == ORIGIN_NS
        assert "3 images" in recording.overview().problems[0]


@given(st.lists(st.integers(0, 1000), unique=True), st.integers(-50, 1050), st.integers(0, 100))
def test_nearest_is_nearest(stamps: list[int], wanted: int, tolerance: int) -> None:
    index = StampIndex()
    for stamp in sorted(stamps):
        index.add(stamp, stamp * 2)
    near = [s for s in stamps if abs(s - wanted) <= tolerance]
    found = index.nearest(wanted, tolerance)
    if not near:
        assert found is None
    else:
        assert found is not None
        assert abs(found[1] - wanted) == min(abs(s - wanted) for s in near)
        assert found[0] == 2 * found[1]


def test_short_absences_are_not_shown() -> None:
    presence: Presence = {}
    for seconds in (0.0, 0.5, 1.2, 3.0, 3.1):
        note_presence(presence, 4, round(seconds * 1e9))
    note_presence(presence, -1, 5)
    assert presence == {4: [(0, 1_200_000_000), (3_000_000_000, 3_100_000_000)]}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=60))
def test_the_cache_keeps_its_bound(entries: list[tuple[int, int]]) -> None:
    cache: ByteCache[bytes] = ByteCache(50, len)
    for key, size in entries:
        cache.put(key, bytes(size))
        assert cache.get(key) == bytes(size)
        held = [cache.get(k) for k in range(10)]
        assert sum(len(v) for v in held if v is not None) == cache.held_bytes <= 50


def test_what_was_used_last_stays() -> None:
    cache: ByteCache[bytes] = ByteCache(30, len)
    for key in range(3):
        cache.put(key, bytes(10))
    cache.get(0)
    cache.put(3, bytes(10))
    cache.put(4, bytes(31))
    assert [cache.get(k) is not None for k in range(5)] == [True, False, True, True, False]
