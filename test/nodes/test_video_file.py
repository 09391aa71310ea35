"""Video files: every frame from the first on, at the time that the file notes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes import video_file
from bharnet_ros.nodes.video_file import FALLBACK_HZ, VideoFile


class Recording:
    """As cv2.VideoCapture: frame n is a picture of level n, noted at times_s[n].

    broken: frames that cannot be made into pictures.
    """

    def __init__(self, times_s: Sequence[float], hz: float, broken: Sequence[int] = ()) -> None:
        self._times_s, self._hz, self._broken = times_s, hz, broken
        self._at = -1
        self.pictures = 0

    def open(self, path: str) -> bool:
        self._at = -1
        return True

    def get(self, what: int) -> float:
        return self._hz if what == cv2.CAP_PROP_FPS else 1e3 * self._times_s[max(self._at, 0)]

    def grab(self) -> bool:
        self._at += 1
        return self._at < len(self._times_s)

    def retrieve(self) -> tuple[bool, Any]:
        self.pictures += 1
        if self._at in self._broken:
            return False, None
        return True, np.full((4, 4, 3), self._at, np.uint8)

    def release(self) -> None:
        pass


def played(film: VideoFile, moments: Sequence[int]) -> list[int]:
    """The levels at these moments, up to the end."""
    shown: list[int] = []
    for index in moments:
        image = film.frame(index)
        if image is None:
            break
        shown.append(int(image.flat[0]))
    return shown


@pytest.fixture
def film(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a VideoFile of a Recording."""

    def make(recording: Recording, **options: Any) -> VideoFile:
        monkeypatch.setattr(video_file, "opened", lambda _: recording)
        return VideoFile("film.mp4", **options)

    return make


def test_even_frames_are_all_shown_once_however_their_times_are_rounded(film: Any) -> None:
    times = [round(n / 30.0, 2) for n in range(20)]
    assert played(film(Recording(times, 30.0)), range(30)) == list(range(20))
    assert played(film(Recording([3.0 + t for t in times], 30.0)), range(30)) == list(range(20))


def test_frames_are_shown_when_the_file_says(film: Any) -> None:
    # A phone that films slower in the dark: 10 frames a second, then one every 0.4 s.
    times = [0.0, 0.1, 0.2, 0.3, 0.4, 0.8, 1.2, 1.6]
    shown = played(film(Recording(times, 10.0)), range(99))
    assert shown == [0, 1, 2, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7]
    # A rate of the user's own plays frame after frame.
    slow = film(Recording(times, 10.0), rate_hz=5.0)
    assert slow.rate_hz == 5.0 and played(slow, range(99)) == list(range(8))


def test_a_browsers_recording_names_no_rate_that_can_be(film: Any) -> None:
    recording = film(Recording([0.0, 0.1, 0.2], 1000.0))
    assert recording.rate_hz == FALLBACK_HZ
    assert played(recording, range(99)) == [0, 0, 0, 1, 1, 1, 2]


@pytest.mark.parametrize(
    "times",
    [[0.0] * 6, [float("nan")] * 6, [5.0, 5.1, 0.0, 0.1, 0.2, 0.3],
     [0.0, 0.1, 9e4, 9e4 + 0.1, 9e4 + 0.2, 9e4 + 0.3]],
    ids=["none", "no numbers", "back", "joined"],
)  # fmt: skip
def test_times_that_cannot_be_are_not_believed(film: Any, times: list[float]) -> None:
    assert played(film(Recording(times, 10.0)), range(99)) == list(range(6))


def test_what_the_clock_passed_by_is_not_made_into_pictures(film: Any) -> None:
    recording = Recording([n / 10 for n in range(100)], 10.0)
    assert played(film(recording), [0, 50, 90]) == [0, 50, 90]
    assert recording.pictures < 10


def test_a_broken_frame_is_not_the_end(film: Any) -> None:
    times = [n / 10 for n in range(5)]
    assert played(film(Recording(times, 10.0, broken=(0, 3))), range(9)) == [1, 1, 2, 2, 4]


def test_a_film_begins_anew_at_its_end(film: Any) -> None:
    looped = film(Recording([0.0, 0.1, 0.2], 10.0), loop=True)
    assert played(looped, range(8)) == [0, 1, 2, 0, 1, 2, 0, 1]
    looped.rewind()
    assert played(looped, range(2)) == [0, 1]


def test_a_picture_is_a_film_of_one_frame(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((48, 64, 3), 90, np.uint8))
    for _ in range(2):
        photo = VideoFile(str(tmp_path / "photo.png"))
        photo.rewind()
        assert played(photo, range(5)) == [90]
    assert played(VideoFile(str(tmp_path / "photo.png"), loop=True), range(5)) == [90] * 5


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no video")
    with pytest.raises(ConfigurationError, match=r"notes\.mp4 gives no images"):
        VideoFile(str(tmp_path / "notes.mp4"))
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), np.zeros((48, 64, 3), np.uint8))
    film = VideoFile(str(photo), loop=True)
    assert film.frame(0) is not None
    photo.unlink()
    assert film.frame(1) is None
    with pytest.raises(ConfigurationError, match="gives no images"):
        film.rewind()
