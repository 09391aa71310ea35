"""Pixels from the estimator to the recogniser of one process, with real graphs and middleware."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image

from bharnet_ros import msg
from bharnet_ros.inference import choosing
from bharnet_ros.nodes.action_recognizer import PARAMS, ActionRecognizerNode
from bharnet_ros.nodes.base import OK, WARN
from bharnet_ros.nodes.conversions import stamp_to_ns
from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.image_exchange import IMAGES
from bharnet_ros.nodes.images import bgr_to_image
from bharnet_ros.nodes.live_evaluation import LiveOptions, _Playback
from bharnet_ros.nodes.pose_estimator import PoseEstimatorNode
from bharnet_ros.nodes.qos import IMAGE_PUBLISHER, RESULTS
from bharnet_ros.nodes.recognizer_engines import build_engines

pytest.importorskip("onnx", reason="the tiny networks are built with onnx")
from onnx_networks import constant_graph, standing_pose, yolox_rows

from benchmarks.synthetic import frame, person_keypoints, skeleton
from benchmarks.synthetic_rgb import write_tiny_rgb_bundle

SECOND = 1_000_000_000
PERIOD = SECOND // 10
STARTED, ENDED = msg.RecognizedAction.STARTED, msg.RecognizedAction.ENDED
RED, BLUE = (0, 0, 255), (255, 0, 0)
"""As BGR; what the tiny bundle takes for a cup, and for a phone."""
SOMEBODY = (10.0, 10.0, 54.0, 62.0, 0.8, 0)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a backend that sees the same person in every image."""
    folder = tmp_path_factory.mktemp("networks")
    people = {"output": yolox_rows([SOMEBODY], (64, 64))}
    detector = constant_graph(folder / "people.onnx", people)
    model = standing_pose(folder / "body.onnx")
    return [f"model={model}", f"detector={detector}", "detect_every_s=0"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Skeletons cannot tell cup from phone, colours can."""
    return write_tiny_rgb_bundle(tmp_path_factory.mktemp("bundles") / "objects").path


def picture(colour: tuple[int, int, int], side: int = 192) -> np.ndarray:
    return np.full((side, side, 3), colour, np.uint8)


class Robot:
    """Estimator and recogniser in one process, shown pictures of one colour."""

    def __init__(self, ros: Any, networks: list[str], bundle: Path) -> None:
        often: dict[str, Any] = {"diagnostics_period_s": 0.2, "max_stamp_age_s": 0.0}
        pose: dict[str, Any] = {"pose_backend": "rtmpose", "pose_options": networks}
        self.ros = ros
        ros.start(
            NodeSpec("pose_estimator", {**often, **pose, "idle_rate_hz": 0.0}),
            NodeSpec("action_recognizer", {**often, "bundles": [str(bundle)], "rgb": True}),
            namespace="look",
        )
        self.skeletons = ros.hear(msg.SkeletonArray, "/look/skeletons", RESULTS)
        self.actions = ros.hear(msg.RecognizedActionArray, "/look/actions", RESULTS)
        self.images = ros.publisher(Image, "/look/image_raw", IMAGE_PUBLISHER)
        ros.wait(lambda: ros.node.count_subscribers("/look/skeletons") > 1, "the recogniser")
        self.stamp_ns = 1000 * SECOND

    def look(self, colour: tuple[int, int, int], until: Callable[[], Any], what: str) -> Any:
        """Show pictures, each once the one before it was answered, until something comes of it."""

        def publish() -> None:
            self.stamp_ns += PERIOD
            self.images.publish(bgr_to_image(picture(colour), self.stamp_ns, "lens"))

        def shown() -> Any:
            newest = stamp_to_ns(self.skeletons[-1].header.stamp) if self.skeletons else 0
            if newest == self.stamp_ns or not self.skeletons:
                publish()
            return until()

        return self.ros.wait(shown, what, publish)

    def said(self, state: int) -> list[str]:
        return [
            action.hypotheses[0].class_name
            for array in self.actions
            for action in array.actions
            if action.state == state
        ]

    def values(self) -> dict[str, str]:
        return self.ros.values("look/action_recognizer")  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def robot(ros: Any, networks: list[str], bundle: Path) -> Robot:
    return Robot(ros, networks, bundle)


def test_pixels_tell_what_skeletons_cannot(robot: Robot) -> None:
    robot.look(RED, lambda: "cup" in robot.said(STARTED), "a cup")
    robot.look(BLUE, lambda: "phone" in robot.said(STARTED), "a phone after the cup")
    assert "cup" in robot.said(ENDED) and robot.said(STARTED) == ["cup", "phone"]
    assert robot.actions[-1].actions[0].hypotheses[0].score > 0.9


def test_diagnostics_tell_of_people_and_memory(robot: Robot) -> None:
    def told() -> bool:
        judged = robot.values().get("judged with pixels", "0 of 0")
        return robot.ros.level("look/action_recognizer") == OK and not judged.startswith("0 of")

    robot.look(BLUE, told, "judgements with pixels")
    values = robot.values()
    judged, asked = values["judged with pixels"].removesuffix(" asked for").split(" of ")
    assert int(judged) == int(asked) > 0 and values["rgb"] == "on"
    held, bound = (float(x) for x in values["crops held [MiB]"].split(" of at most "))
    assert 0.0 < held <= bound < 16.0
    assert any(key.startswith("recognise/rgb [ms]") for key in values)
    estimator = robot.ros.values("look/pose_estimator")
    assert any(key.startswith("hand over image [ms]") for key in estimator)
    assert robot.ros.node.count_subscribers("/look/image_raw") == 1, "the estimator alone"


@pytest.fixture
def recogniser(ros: Any) -> Iterator[Callable[..., ActionRecognizerNode]]:
    """Makes active nodes in this process, which do not spin."""
    made: list[ActionRecognizerNode] = []

    def make(**values: Any) -> ActionRecognizerNode:
        overrides = {"autostart": False, "rgb": True, "max_stamp_age_s": 0.0, **values}
        node = ActionRecognizerNode(
            namespace="here",
            parameter_overrides=[Parameter(name, value=value) for name, value in overrides.items()],
        )
        made.append(node)
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        return node

    yield make
    for node in made:
        node.finish()
        node.destroy_node()
    assert not IMAGES.offer("/here/skeletons", picture(RED), frame(1)), "nobody listens any more"


def told(node: ActionRecognizerNode) -> tuple[bytes, str, dict[str, str]]:
    """Level, message and values, without what is said of a silent topic."""
    return node.diagnose(node.stats.close_period())


def test_apart_from_the_estimator_skeletons_decide_and_the_remedy_is_told(
    recogniser: Any, bundle: Path
) -> None:
    node = recogniser(bundles=[str(bundle)])
    level, message, values = told(node)
    assert level == WARN and values["rgb"] == "on"
    assert "the images of /here/skeletons are not in this process" in message
    for step in range(30):
        node._take(somebody(step), judge=True)
    (opinions,) = node._recognizer.opinions.values()
    assert opinions[0].probabilities[1:] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert opinions[0].rgb_reliability is None


def test_a_bundle_without_an_rgb_expert_is_told(recogniser: Any, arms_bundle: Path) -> None:
    level, message, values = told(recogniser(bundles=[str(arms_bundle)]))
    assert level == WARN and values["rgb"] == "on, but not used"
    assert "no bundle has an RGB expert (arms)" in message


def test_without_the_parameter_nothing_is_looked_at(recogniser: Any, bundle: Path) -> None:
    node = recogniser(bundles=[str(bundle)], rgb=False)
    assert not IMAGES.offer("/here/skeletons", picture(RED), somebody(0))
    _, message, values = told(node)
    assert values["rgb"] == "off" and "rgb" not in message


def test_pixels_pause_and_go_on_with_the_node(recogniser: Any, bundle: Path) -> None:
    node = recogniser(bundles=[str(bundle)])
    for step in range(3):
        assert IMAGES.offer("/here/skeletons", picture(RED), somebody(step))
        assert node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
        assert not IMAGES.offer("/here/skeletons", picture(RED), somebody(step))
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    assert told(node)[2]["images handed over"] == "0", "since it was activated"


def test_images_of_another_size_are_counted_and_skeletons_decide(
    recogniser: Any, bundle: Path
) -> None:
    node = recogniser(bundles=[str(bundle)])
    IMAGES.announce("/here/skeletons")
    try:
        for step in range(30):
            IMAGES.offer("/here/skeletons", picture(RED), somebody(step))
            node._take(somebody(step), judge=True)
        _, message, _ = told(node)
    finally:
        IMAGES.withdraw("/here/skeletons")
    assert "30 other_size" in message and node.stats.total_drops["image: other_size"] == 30
    assert "skeletons dropped" not in message
    (opinions,) = node._recognizer.opinions.values()
    assert opinions[0].probabilities[1:] == pytest.approx([0.5, 0.5], abs=1e-3)


def somebody(step: int) -> Any:
    """A frame of 1280x720 with one person, 0.1 s after the one before."""
    return frame((1000 + step) * PERIOD, skeleton(1, person_keypoints()))


def test_what_is_built_beforehand_includes_the_rgb_graph(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    monkeypatch.setattr(choosing, "build_graph", lambda path, *_, **__: built.append(path.name))
    values = {param.name: param.default for param in PARAMS}
    said: list[str] = []
    build_engines({**values, "bundles": [str(bundle)], "rgb": True}, said.append)
    assert sorted(built) == ["body.onnx", "fusion.onnx", "hand.onnx", "rgb.onnx"]
    assert said == ["Bundle objects: the engine onnxruntime needs no building."]


@pytest.mark.parametrize("images", [True, False])
def test_a_live_evaluation_with_pixels_has_them_in_one_process(images: bool) -> None:
    subject = SimpleNamespace(rgb=True, bundle="held_objects", pose_backend="mediapipe")
    playback: Any = SimpleNamespace(
        _options=LiveOptions(), _job=SimpleNamespace(subject=subject),
        _images=images, _compressed=False, _closing=ExitStack(),
    )  # fmt: skip
    with playback._closing:
        (process,) = _Playback._processes(playback)
    names = [node.node for node in process.nodes]
    assert names == (["pose_estimator", "action_recognizer"] if images else ["action_recognizer"])
    # A bag of skeletons has no images to look at.
    assert process.nodes[-1].parameters.get("rgb", False) is images


def test_a_listener_that_fails_costs_the_estimator_nothing(ros: Any, networks: list[str]) -> None:
    known: list[int] = []

    def breaks(image: Any, skeletons: Any) -> None:
        known.append(len(heard))
        assert image.shape == (*skeletons.image_size, 3)
        raise RuntimeError("no crops today")

    node = PoseEstimatorNode(
        namespace="alone",
        parameter_overrides=[
            Parameter(name, value=value)
            for name, value in {
                "autostart": False, "pose_backend": "rtmpose", "pose_options": networks,
                "max_stamp_age_s": 0.0,
            }.items()
        ],
    )  # fmt: skip
    listener = IMAGES.listen("/alone/skeletons", breaks)
    try:
        assert IMAGES.is_announced("/alone/skeletons")
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        ros.executor.add_node(node)
        heard = ros.hear(msg.SkeletonArray, "/alone/skeletons", RESULTS)
        images = ros.publisher(Image, "/alone/image_raw", IMAGE_PUBLISHER)
        for step in range(3):
            images.publish(bgr_to_image(picture(RED), (step + 1) * SECOND, "lens"))
            ros.wait(lambda n=step: len(heard) > n, "skeletons in spite of the failure")
    finally:
        listener.close()
        ros.executor.remove_node(node)
        node.finish()
        node.destroy_node()
    assert known == [0, 1, 2], "each image before its skeletons"
    assert listener.failures == 3 and "no crops today" in listener.last_failure
    assert not IMAGES.is_announced("/alone/skeletons")
