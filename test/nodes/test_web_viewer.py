"""The viewer's node: deaf while nobody looks, a picture when somebody does, gone in no time."""

from __future__ import annotations

import http.client
import importlib.util
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image

from bharnet_ros import msg
from bharnet_ros.nodes.base import ERROR
from bharnet_ros.nodes.conversions import actions_to_msg
from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.images import bgr_to_image
from bharnet_ros.nodes.qos import RESULTS
from bharnet_ros.types import ActionFrame, ActionState, Hypothesis, RecognizedAction
from bharnet_ros.viewer.pictures import LINGER_S

FAST = {"diagnostics_period_s": 0.2, "input_timeout_s": 0.5}


class Browser:
    """Asks in a thread, so that the test's own node goes on spinning."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.answers: list[tuple[str, int, bytes]] = []

    def ask(self, path: str) -> None:
        threading.Thread(target=self._ask, args=(path,), daemon=True).start()

    def _ask(self, path: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"X-Access-Token": self.token})
            answer = connection.getresponse()
            self.answers.append((path, answer.status, answer.read()))
        except (http.client.HTTPException, OSError):
            self.answers.append((path, 0, b""))


@pytest.fixture
def open_viewer(ros: Any) -> Callable[..., tuple[Any, Browser]]:
    """Starts a viewer in a namespace and finds its address in the log."""

    def start(namespace: str, **parameters: Any) -> tuple[Any, Browser]:
        given = {"port": 0, **FAST, **parameters}
        child = ros.start(NodeSpec("web_viewer", given), namespace=namespace)
        found = ros.wait(
            lambda: re.search(r"http://127\.0\.0\.1:(\d+)/#([\w-]+)", child.output()),
            "the address of the page",
        )
        return child, Browser(int(found[1]), found[2])

    return start


def picture() -> Image:
    return bgr_to_image(np.full((60, 80, 3), 90, np.uint8), 5_000_000_000, "camera")


def waving() -> Any:
    action = RecognizedAction(
        ActionState.STARTED, 4, (Hypothesis(1, "wave", 0.9, "g"),), 0, 1, 9, 0.9, 0.8,
        np.zeros(4, np.float32), "g",
    )  # fmt: skip
    return actions_to_msg(ActionFrame(5_000_000_000, (action,)), "camera")


def test_it_listens_while_somebody_looks_and_stops_at_once(
    ros: Any, open_viewer: Callable[..., tuple[Any, Browser]]
) -> None:
    child, browser = open_viewer("show")
    images = ros.node.create_publisher(Image, "/show/image_annotated", RESULTS)
    actions = ros.node.create_publisher(msg.RecognizedActionArray, "/show/actions", RESULTS)
    ros.wait(lambda: ros.message("show/web_viewer") == "nobody looks", "diagnostics")
    assert images.get_subscription_count() == 0 and actions.get_subscription_count() == 0

    def shown() -> list[bytes]:
        if not browser.answers or browser.answers[-1][1] == 204:
            browser.ask("/api/picture?after=0")
            browser.answers.append(("", 1, b""))
        images.publish(picture())
        actions.publish(waving())
        return [body for path, status, body in browser.answers if path and status == 200]

    jpeg = ros.wait(shown, "a picture")[0]
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None and decoded.shape == (60, 80, 3) and abs(decoded.mean() - 90) < 3

    def told() -> Any:
        browser.ask("/api/state?after=0")
        actions.publish(waving())
        ros.executor.spin_once(timeout_sec=0.2)
        states = [json.loads(b) for p, s, b in browser.answers if s == 200 and "state" in p]
        found = [state for state in states if state["people"] and state["nodes"]]
        return found[-1] if found else None

    state = ros.wait(told, "people and nodes")
    assert state["people"][0]["hypotheses"] == [["wave", 0.9]]
    assert {node["name"] for node in state["nodes"]} == {"show/web_viewer"}
    assert "token" not in json.dumps(state) and browser.token not in json.dumps(state)
    # Nobody asks for pictures any more: the graph need not draw for it.
    ros.wait(lambda: images.get_subscription_count() == 0, "the end of the subscription")
    ros.wait(lambda: ros.message("show/web_viewer") == "nobody looks", "diagnostics")
    # Somebody waits for a picture that never comes: no reason to stay.
    browser.answers.clear()
    browser.ask("/api/picture?after=999")
    ros.wait(lambda: images.get_subscription_count() == 1, "the subscription")
    assert child.end() < 10.0  # how fast is asked in test_signals
    assert child.process.returncode == 0
    ros.wait(lambda: browser.answers, "the end of the request")


def test_a_picture_that_is_long_on_its_way_does_not_end_the_looking(
    ros: Any, open_viewer: Callable[..., tuple[Any, Browser]]
) -> None:
    _, browser = open_viewer("slow")
    images = ros.node.create_publisher(Image, "/slow/image_annotated", RESULTS)
    begin = time.monotonic()
    counts: list[int] = []

    def told() -> bool:
        if not browser.answers or browser.answers[-1][0]:  # one request after another
            browser.answers.append(("", 0, b""))
            browser.ask("/api/state?after=0")
        counts.append(images.get_subscription_count())
        ros.executor.spin_once(timeout_sec=0.05)
        return time.monotonic() - begin > LINGER_S + 2.0

    ros.wait(told, "longer than anybody is waited for")
    first = counts.index(1)
    assert set(counts[first:]) == {1}


def test_a_port_that_is_taken_is_told_and_its_remedy(ros: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ros.start(NodeSpec("web_viewer", {"port": port, **FAST}), namespace="taken")
        ros.wait(lambda: ros.level("taken/web_viewer") == ERROR, "an error")
        said = ros.message("taken/web_viewer")
        assert str(port) in said and "set the parameters host and port" in said


@pytest.mark.skipif(
    importlib.util.find_spec("hri_msgs") is not None
    or importlib.util.find_spec("vision_msgs") is not None,
    reason="hri_msgs or vision_msgs is installed",
)
def test_bridges_say_which_package_they_lack(ros: Any) -> None:
    ros.start(NodeSpec("ros4hri", FAST), NodeSpec("vision_msgs_bridge", FAST), namespace="bare")
    for node, package in (("ros4hri", "hri_msgs"), ("vision_msgs_bridge", "vision_msgs")):
        name = f"bare/{node}"
        ros.wait(lambda name=name: ros.level(name) == ERROR, f"an error of {name}")
        assert f"needs the messages of {package}" in ros.message(name)
        assert f"ros-$ROS_DISTRO-{package.replace('_', '-')}" in ros.message(name)


def test_what_stops_a_node_of_several_cameras_is_told_of_each(ros: Any) -> None:
    names = {"cameras": ["left", "right"], **FAST}
    wrong = {"pose_backend": "rtmpose", "pose_options": ["model=/nowhere"]}
    ros.start(NodeSpec("pose_estimator", {**names, **wrong}), namespace="pair")
    ros.start(NodeSpec("ros4hri", {**names, "id_prefix": "1"}), namespace="pair")
    for node, reason in (("pose_estimator", "/nowhere"), ("ros4hri", "id_prefix")):
        for part in ("left", "right"):  # what the pages of these cameras show
            name = f"pair/{node}: {part}"
            ros.wait(lambda name=name: ros.level(name) == ERROR, f"an error of {name}")
            assert reason in ros.message(name) == ros.message(f"pair/{node}")
