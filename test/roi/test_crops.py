"""What is kept of images: bounded, by stamp, and nothing that does not fit."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.synthetic import LAYOUT, person_keypoints, skeleton
from bharnet_ros.errors import ConfigurationError, LayoutError
from bharnet_ros.roi import CropBuffer, RoiConfig
from bharnet_ros.types import Image, SkeletonFrame

MS = 1_000_000
SIZE = (60, 80)
CONFIG = RoiConfig(("head", "right_hand"), 8, 5)
PERSON = person_keypoints((40.0, 40.0), 20.0)


def people(stamp_ms: float, tracks: Sequence[int] = (1,)) -> SkeletonFrame:
    return SkeletonFrame(
        round(stamp_ms * MS), SIZE, LAYOUT, tuple(skeleton(track, PERSON) for track in tracks)
    )


def image(value: int = 0) -> Image:
    return np.full((*SIZE, 3), value, np.uint8)


def feed(
    buffer: CropBuffer, stamps_ms: Sequence[float], tracks: Sequence[int] = (1,)
) -> list[bool]:
    """Images as bright as their number."""
    return [
        buffer.see(image(number % 256), round(stamp * MS), people(stamp, tracks))
        for number, stamp in enumerate(stamps_ms)
    ]


def shown(buffer: CropBuffer, start_ms: float, end_ms: float, track: int = 1) -> list[int]:
    """The numbers of the images a window shows; -1 where none is seen."""
    tiles = buffer.window(track, round(start_ms * MS), round(end_ms * MS))
    assert tiles.values.shape == (5, 2, 8, 8, 3) and tiles.seen.shape == (5, 2)
    return [
        int(values[0, 0, 0, 0]) if seen[0] else -1
        for values, seen in zip(tiles.values, tiles.seen, strict=True)
    ]


def test_a_window_shows_its_moments() -> None:
    buffer = CropBuffer(CONFIG, LAYOUT, 1.6)
    assert all(feed(buffer, range(0, 2000, 100)))
    for moment, number in zip(range(300, 2000, 400), shown(buffer, 300, 1900), strict=True):
        assert abs(100 * number - moment) <= 200
    # A person who has only just come, and one who is not known.
    assert shown(buffer, -1000, 600)[:2] == [-1, -1] and shown(buffer, 0, 1600, 9) == [-1] * 5


def test_the_image_is_neither_kept_nor_changed() -> None:
    buffer = CropBuffer(CONFIG, LAYOUT, 1.0)
    given = image(7)
    before = given.copy()
    buffer.see(given, 0, people(0))
    np.testing.assert_array_equal(given, before)
    given[:] = 99  # as a camera driver does with its own memory
    assert shown(buffer, -1000, 0) == [-1, -1, -1, -1, 7]
    tiles = buffer.window(1, -1000 * MS, 0)
    tiles.values[:] = 3
    assert shown(buffer, -1000, 0)[-1] == 7


@given(
    st.floats(0.2, 4.0), st.integers(1, 9),
    st.lists(st.floats(1.0, 400.0), min_size=3, max_size=60),
)  # fmt: skip
@settings(max_examples=30)
def test_every_moment_is_covered_where_the_camera_was_quick_enough(
    window_s: float, num_frames: int, gaps_ms: list[float]
) -> None:
    config = replace(CONFIG, num_frames=num_frames)
    buffer = CropBuffer(config, LAYOUT, window_s)
    spacing_ms = 1e3 * window_s / max(num_frames - 1, 1)
    stamps = np.cumsum([min(gap, spacing_ms / 2) for gap in gaps_ms])
    feed(buffer, stamps.tolist())
    end_ms = float(stamps[-1])
    moments = end_ms - spacing_ms * np.arange(num_frames)[::-1]
    seen = buffer.window(1, round((end_ms - 1e3 * window_s) * MS), round(end_ms * MS)).seen
    assert seen[moments >= stamps[0]].all()
    assert len(buffer._tracks[1].stamps) <= buffer.capacity


def test_moments_kept_do_not_depend_on_the_rate_of_the_camera() -> None:
    for fps in (5, 10, 30, 60, 500):
        buffer = CropBuffer(CONFIG, LAYOUT, 1.6)
        feed(buffer, np.arange(0, 4000, 1000 / fps).tolist())
        assert buffer.nbytes <= buffer.capacity * CONFIG.moment_nbytes
        assert -1 not in shown(buffer, 2300, 3900)
    assert buffer.capacity == 10


@settings(max_examples=5)
@given(st.integers(0, 2**32 - 1))
def test_memory_is_bounded_with_everybody_there_for_an_hour(seed: int) -> None:
    """64 places, up to 90 people who come and go, stamps that stall, jump on and jump back."""
    rng = np.random.default_rng(seed)
    buffer = CropBuffer(RoiConfig(("head",), 8, 3), LAYOUT, 1.0, 64)
    assert buffer.max_nbytes == 64 * buffer.capacity * 8 * 8 * 3
    now_ms, picture, most = 0.0, image(5), 0
    for _ in range(40):
        now_ms += float(rng.choice([1.0, 20.0, 240.0, 500.0, 240_000.0, -300.0, -2e4],
                                   p=[0.1, 0.2, 0.3, 0.15, 0.15, 0.05, 0.05]))  # fmt: skip
        tracks = rng.choice(90, int(rng.integers(0, 80)), replace=False)
        buffer.see(picture, round(now_ms * MS), people(now_ms, tracks.tolist()))
        most = max(most, buffer.nbytes)
        assert len(buffer.track_ids) <= 64
    assert 0 < most <= buffer.max_nbytes


def test_an_hour_of_64_people_keeps_what_the_first_seconds_kept() -> None:
    buffer = CropBuffer(RoiConfig(("head",), 8, 5), LAYOUT, 1.6, 64)
    tracks = range(70)
    sizes = []
    for first_ms in (0, 1_800_000, 3_596_000):
        feed(buffer, range(first_ms, first_ms + 4000, 250), tracks)
        sizes.append(buffer.nbytes)
    assert sizes[0] == sizes[1] == sizes[2] <= buffer.max_nbytes
    assert sizes[0] >= 0.7 * buffer.max_nbytes
    assert buffer.drops == {"too_many_people": 3 * 16 * 6}


@pytest.mark.parametrize(
    ("given_image", "given_frame", "reason"),
    [
        (np.zeros((120, 160, 3), np.uint8), people(5), "other_size"),
        (np.zeros(SIZE, np.uint8), people(5), "invalid_image"),
        (np.zeros((*SIZE, 4), np.uint8), people(5), "invalid_image"),
        (np.zeros((*SIZE, 3), np.float32), people(5), "invalid_image"),
        (np.zeros((0, 80, 3), np.uint8), replace(people(5), image_size=(0, 80)), "invalid_image"),
        (image(), people(6), "other_stamp"),
        (image(), replace(people(5), layout="ntu25"), "other_layout"),
    ],
)
def test_an_image_that_does_not_belong_to_the_skeletons_is_counted(
    given_image: Image, given_frame: SkeletonFrame, reason: str
) -> None:
    buffer = CropBuffer(CONFIG, LAYOUT, 1.0)
    assert not buffer.see(given_image, 5 * MS, given_frame)
    assert buffer.drops == {reason: 1} and buffer.nbytes == 0
    assert buffer.see(image(), 5 * MS, people(5))


def test_stamps_out_of_order_are_dropped_and_a_jump_back_begins_anew() -> None:
    buffer = CropBuffer(CONFIG, LAYOUT, 1.0)
    assert feed(buffer, [1000, 1000, 900, 1200]) == [True, False, False, True]
    assert buffer.drops == {"duplicate_stamp": 1, "out_of_order": 1} and buffer.resets == 0
    assert feed(buffer, [100]) == [True] and buffer.resets == 1
    assert shown(buffer, -900, 100) == [-1, -1, -1, -1, 0]
    assert shown(buffer, 200, 1200)[-1] == -1


def test_people_without_an_id_twice_the_same_or_of_a_wrong_shape_are_counted() -> None:
    buffer = CropBuffer(CONFIG, LAYOUT, 1.0)
    wrong = replace(skeleton(4, PERSON), keypoints=PERSON[:9])
    frame = people(0, [1, 1, -1])
    assert buffer.see(image(), 0, replace(frame, skeletons=(*frame.skeletons, wrong)))
    assert buffer.drops == {"duplicate_track": 1, "untracked": 1, "wrong_shape": 1}
    assert buffer.window(1, -1000 * MS, 0).seen.any()


def test_nothing_is_kept_of_who_shows_no_region() -> None:
    buffer = CropBuffer(CONFIG, LAYOUT, 1.0)
    hidden = skeleton(1, PERSON, np.zeros(133, np.float32))
    assert buffer.see(image(), 0, replace(people(0), skeletons=(hidden,)))
    assert buffer.nbytes == 0
    assert buffer.see(image(5), 10 * MS, people(10)) and shown(buffer, -990, 10)[-1] == 5


def test_who_left_is_forgotten() -> None:
    buffer = CropBuffer(CONFIG, LAYOUT, 1.0, forget_after_s=0.5)
    feed(buffer, [0, 200], [1, 2])
    feed(buffer, [400, 600, 800], [2])
    assert buffer.track_ids == (2,)
    buffer.expire(1200 * MS)
    assert buffer.track_ids == (2,)
    buffer.expire(1400 * MS)
    assert not buffer.track_ids and buffer.nbytes == 0
    feed(buffer, [2000], [1, 2])
    buffer.forget(1)
    buffer.forget(99)
    assert buffer.track_ids == (2,)
    buffer.clear()
    assert buffer.nbytes == 0 and feed(buffer, [10]) == [True]


def test_one_thread_sees_while_another_asks() -> None:
    buffer = CropBuffer(CONFIG, LAYOUT, 0.2)
    wrong: list[str] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            for end in range(0, 3000, 50):
                tiles = buffer.window(1, (end - 200) * MS, end * MS)
                if any(np.ptp(values[0]) for values in tiles.values):
                    wrong.append(f"a mixture at {end}")
                buffer.expire((end - 2000) * MS)
            if buffer.nbytes > buffer.max_nbytes:
                wrong.append("too much")

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert all(feed(buffer, range(0, 3000, 10)))
        buffer.clear()
    finally:
        done.set()
        asking.join()
    assert not wrong


@pytest.mark.parametrize(
    "options", [{"window_s": 0.0}, {"window_s": float("nan")}, {"max_tracks": 0},
                {"forget_after_s": -1.0}, {"reset_after_s": float("inf")}],
)  # fmt: skip
def test_impossible_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        CropBuffer(CONFIG, LAYOUT, **{"window_s": 1.0, **options})  # type: ignore[arg-type]
    with pytest.raises(LayoutError):
        CropBuffer(CONFIG, "octopus", 1.0)
