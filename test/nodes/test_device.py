"""A camera device that is unplugged, and comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image

from bharnet_ros.nodes import device as module
from bharnet_ros.nodes.base import ERROR, OK
from bharnet_ros.nodes.device import Device, opened
from bharnet_ros.nodes.qos import RESULTS
from bharnet_ros.nodes.video_camera import VideoCameraNode

WAIT_S = 60.0


class Plug:
    """What is plugged in as device 0, and who holds it.

    tries: how often it was opened. go: opening waits for it. begun: set when one waits. held: open
    captures. bad: reads fail that often before they go well again; damaged: they raise.
    """

    def __init__(self) -> None:
        self.inside, self.damaged = True, False
        self.tries = self.held = self.bad = 0
        self.go, self.begun = threading.Event(), threading.Event()
        self.go.set()


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Iterator[Plug]:
    plug = Plug()

    class Capture:
        def __init__(self, source: object) -> None:
            plug.tries += 1
            plug.begun.set()
            assert plug.go.wait(WAIT_S)
            self.open = self.holds = plug.inside
            plug.held += self.holds

        def isOpened(self) -> bool:
            return self.open

        def read(self) -> tuple[bool, Any]:
            if plug.damaged:
                raise cv2.error("cannot be decoded")
            plug.bad -= 1
            # A device that was unplugged stays gone for whoever had opened it.
            self.open = self.open and plug.inside
            works = self.open and plug.bad < 0
            return works, np.full((48, 64, 3), 90, np.uint8) if works else None

        def get(self, prop: int) -> float:
            return 50.0

        def release(self) -> None:
            plug.held -= self.holds
            self.open = self.holds = False

    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    monkeypatch.setattr(module, "_SILENT_S", 0.0)
    yield plug
    plug.go.set()


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline


def device(said: list[str]) -> Device:
    capture = opened("0")
    assert capture is not None
    return Device("0", capture, said.append)


def test_a_device_that_was_unplugged_is_opened_again(plug: Plug) -> None:
    said: list[str] = []
    camera = device(said)
    assert camera.read() is not None and camera.trouble == ""
    plug.inside = False
    until(lambda: camera.read() is None and camera.trouble)
    assert "camera device 0 has given no images for 0 s" in camera.trouble
    tries = plug.tries
    until(lambda: plug.tries > tries + 5)
    assert camera.read() is None and len(said) == 1 and "gives no images any more" in said[0]
    plug.inside = True
    until(lambda: camera.read() is not None)
    assert camera.trouble == "" and len(said) == 2 and "is back" in said[1]
    camera.close()
    assert camera.read() is None and plug.held == 0


def test_an_image_or_two_that_are_missing_are_no_reason(plug: Plug) -> None:
    camera = device([])
    plug.bad = 2
    assert [camera.read() is None for _ in range(3)] == [True, True, False]
    assert plug.tries == 1 and camera.trouble == ""
    camera.close()


def test_images_that_cannot_be_decoded_are_none(plug: Plug) -> None:
    said: list[str] = []
    camera = device(said)
    plug.damaged = True
    until(lambda: camera.read() is None and camera.trouble)
    tries = plug.tries
    until(lambda: plug.tries > tries + 2)  # neither ends the search
    plug.damaged = False
    until(lambda: camera.read() is not None)
    camera.close()


def test_a_device_can_be_closed_while_it_is_being_opened(plug: Plug) -> None:
    camera = device([])
    plug.inside = False
    plug.go.clear()
    plug.begun.clear()
    until(lambda: camera.read() is None and camera.trouble)
    assert plug.begun.wait(WAIT_S)
    search = camera._search
    assert search is not None
    camera.close()  # does not wait for the driver
    assert not search.ready.is_set()
    plug.inside = True
    plug.go.set()
    assert search.ready.wait(WAIT_S)
    until(lambda: plug.held == 0)


def test_opencv_is_quiet_only_while_it_is_tried() -> None:
    logging: Any = getattr(cv2.utils, "logging", cv2)
    before = logging.getLogLevel()
    with module._without_warnings():
        with module._without_warnings():
            assert logging.getLogLevel() == 0
        assert logging.getLogLevel() == 0
    assert logging.getLogLevel() == before


def test_opencv_of_ubuntu_is_quiet_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """4.6 has no cv2.utils.logging; its functions are in cv2 itself."""
    levels = [3]

    def set_level(level: int) -> int:
        levels.append(level)
        return levels[-2]

    monkeypatch.delattr(cv2.utils, "logging", raising=False)
    monkeypatch.setattr(cv2, "setLogLevel", set_level, raising=False)
    with module._without_warnings():
        pass
    assert levels == [3, 0, 3]


@pytest.mark.parametrize("real_time", [True, False])
def test_images_go_on_when_the_device_is_back(ros: Any, plug: Plug, real_time: bool) -> None:
    space = f"plug_{real_time}".lower()
    overrides = [
        Parameter("source", value="0"), Parameter("diagnostics_period_s", value=0.1),
        Parameter("real_time", value=real_time),
    ]  # fmt: skip
    node = VideoCameraNode(parameter_overrides=overrides, namespace=space)
    name = f"{space}/video_camera"
    ros.executor.add_node(node)
    try:
        images = ros.hear(Image, f"/{space}/image_raw", RESULTS)
        ros.wait(lambda: len(images) > 3, "images")
        plug.inside = False
        plug.go.clear()  # a driver that hangs as long as it is away
        ros.wait(lambda: ros.level(name) == ERROR and "no images for" in ros.message(name), "ERROR")
        ros.wait(plug.begun.is_set, "a try to open it")
        dropped, seen = node.stats.total_drops, ros.status[name]
        ros.wait(lambda: ros.status[name] is not seen, "the node to go on")
        assert node.stats.total_drops == dropped  # told, not counted image by image
        count = len(images)
        plug.inside = True
        plug.go.set()
        ros.wait(lambda: len(images) > count + 3, "images again")
        ros.wait(lambda: ros.level(name) == OK and ros.message(name) == "publishing", "OK")
        assert node.diagnose(node.stats.close_period())[0] == OK
    finally:
        ros.executor.remove_node(node)
        node.finish()
        node.destroy_node()
    assert plug.held == 0
