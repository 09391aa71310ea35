"""A large bag is read in little memory, whole or damaged."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from bharnet_ros.bags import open_bag
from bharnet_ros.bags.images import bag_image
from bharnet_ros.bags.read_ahead import ReadAhead
from bharnet_ros.bags.write import BagWriter

from .conftest import stamp, storage_file

SHAPE = (480, 640, 3)
PICTURES = 80
PICTURE_BYTES = 480 * 640 * 3


@pytest.fixture(scope="module", params=["mcap", "sqlite3"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """74 MB."""
    path = tmp_path_factory.mktemp("large") / request.param
    image = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
    with BagWriter(path, request.param) as writer:
        for frame in range(PICTURES):
            writer.image("/image_raw", stamp(frame), image)
    return path


def peak(path: Path) -> tuple[int, int]:
    """Images read, and the largest number of bytes that were held at once."""
    with open_bag(path) as bag:  # warms caches
        next(bag.messages())
    tracemalloc.start()
    try:
        with open_bag(path) as bag:
            count = sum(bag_image(message.message)[1].shape == SHAPE for message in bag.messages())
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_reading_needs_memory_for_a_chunk_not_for_the_bag(large: Path) -> None:
    count, held = peak(large)
    assert count == PICTURES
    assert held < 16 * PICTURE_BYTES  # a fifth of the bag


def test_a_damaged_one_needs_no_more(large: Path) -> None:
    file = storage_file(large)
    with file.open("r+b") as stream:
        stream.truncate(int(file.stat().st_size * 0.9))
    count, held = peak(large)
    assert 0.8 * PICTURES <= count < PICTURES
    assert held < 20 * PICTURE_BYTES


def test_reading_ahead_stops_at_its_limit(large: Path) -> None:
    with open_bag(large) as bag, ReadAhead(bag.raw_messages(), 1000, 4_000_000) as ahead:
        ahead.wait_filled(10.0)
        assert ahead.waiting == 5  # the first that reaches the limit is the last
        assert sum(1 for _ in ahead) > PICTURES // 2
    with open_bag(large) as bag, ReadAhead(bag.raw_messages(), 3) as ahead:
        ahead.wait_filled(10.0)
        assert ahead.waiting == 3  # and leaving it early ends its thread
