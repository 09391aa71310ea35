"""Camera devices by number and by path."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from bharnet_ros.nodes import sources
from bharnet_ros.nodes.device import opened
from bharnet_ros.nodes.sources import device_number, is_device, same_device


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of /dev, with video3 and a path to it by its name."""
    folder = tmp_path / "dev"
    (folder / "by-id").mkdir(parents=True)
    (folder / "video3").touch()
    (folder / "by-id" / "front").symlink_to("../video3")
    monkeypatch.setattr(sources, "_FOLDER", f"{folder}/")
    monkeypatch.setattr(sources, "_VIDEO", re.compile(re.escape(f"{folder}/video") + r"(\d+)"))
    return folder


def test_numbers_and_paths_below_dev_are_devices() -> None:
    assert is_device("0") and is_device("12") and is_device("/dev/video0")
    assert is_device("/dev/v4l/by-id/usb-a-video-index0")
    assert not any(map(is_device, ("", "-1", "film.mp4", "/data/dev/video0", "dev/video0", "none")))


def test_a_film_in_memory_is_no_device() -> None:
    assert not is_device("/dev/shm/film.mp4")  # noqa: S108
    assert not same_device("/dev/shm/film.mp4", "/dev/shm/film.mp4")  # noqa: S108


def test_a_number_that_no_device_can_have_gives_no_images() -> None:
    assert device_number(str(2**31 - 1)) == 2**31 - 1
    for number in (2**31, 10**30):
        assert device_number(str(number)) is None and opened(str(number)) is None


def test_a_path_leads_to_the_number_it_has_now(dev: Path) -> None:
    link = dev / "by-id" / "front"
    assert device_number("7") == 7
    assert device_number(str(link)) == device_number(str(dev / "video3")) == 3
    link.unlink()
    assert device_number(str(link)) is None
    (dev / "video5").touch()
    link.symlink_to("../video5")
    assert device_number(str(link)) == 5
    (dev / "null").touch()
    assert device_number(str(dev / "null")) is None
    (dev / "video3").unlink()
    assert device_number(str(dev / "video3")) is None


def test_one_device_under_two_names_is_one(dev: Path) -> None:
    link, number = str(dev / "by-id" / "front"), str(dev / "video3")
    assert same_device(link, number) and same_device("3", link) and same_device("03", "3")
    assert not same_device("4", link) and not same_device("film.mp4", "film.mp4")
    assert same_device(f"{dev}/gone", f"{dev}/gone")
    assert not same_device(f"{dev}/gone", f"{dev}/lost")


def test_a_device_that_came_back_under_another_number_is_opened_by_its_path(
    dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    class Capture:
        def __init__(self, source: object) -> None:
            asked.append(source)

        def isOpened(self) -> bool:
            return True

        def read(self) -> tuple[bool, np.ndarray]:
            return True, np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    link = dev / "by-id" / "front"
    assert opened(str(link)) is not None
    link.unlink()
    assert opened(str(link)) is None and asked == [3]
    (dev / "video5").touch()
    link.symlink_to("../video5")
    assert opened(str(link)) is not None and asked == [3, 5]
