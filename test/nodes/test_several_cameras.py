"""One estimator for two cameras: topics, ids, silence and restarts of each by itself."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image

from bharnet_ros import msg
from bharnet_ros.nodes import pose_estimator
from bharnet_ros.nodes.base import OK, WARN
from bharnet_ros.nodes.conversions import stamp_to_ns
from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.images import bgr_to_image
from bharnet_ros.nodes.pose_estimator import PoseEstimatorNode
from bharnet_ros.nodes.qos import IMAGE_PUBLISHER, LATCHED, RESULTS
from bharnet_ros.tracking import NOWHERE

pytest.importorskip("onnx", reason="the tiny networks are built with onnx")
from onnx_networks import constant_graph, standing_pose, yolox_rows

SECOND = 1_000_000_000
PERIOD = SECOND // 10
SIDES = {"left": 320, "right": 640}
"""Width of the images of each camera."""
SOMEBODY = (34.0, 10.0, 60.0, 62.0, 0.8, 0)
"""Box of a person in 64 parts of the image, score, class."""
NODE = "pose_estimator"


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a backend that sees the same person in every image."""
    folder = tmp_path_factory.mktemp("networks")
    people = {"output": yolox_rows([SOMEBODY], (64, 64))}
    model = standing_pose(folder / "body.onnx")
    detector = constant_graph(folder / "people.onnx", people)
    return [f"model={model}", f"detector={detector}", "detect_every_s=0"]


class Camera:
    """A camera of the test's own, and what the estimator says of it."""

    def __init__(self, ros: Any, name: str) -> None:
        self.ros, self.name = ros, name
        self.skeletons = ros.hear(msg.SkeletonArray, f"{name}/skeletons", RESULTS)
        self.layouts = ros.hear(msg.SkeletonLayout, f"{name}/skeleton_layout", LATCHED)
        self.images = ros.publisher(Image, f"{name}/image_raw", IMAGE_PUBLISHER)
        self.stamp_ns = 1000 * SECOND
        # The middleware may still be getting acquainted, and lost images are not sent again.
        ros.wait(lambda: self.send() or self.skeletons, f"first skeletons of {name}")

    def picture(self, stamp_ns: int) -> Image:
        width = SIDES[self.name]
        return bgr_to_image(np.full((width, width, 3), 90, np.uint8), stamp_ns, self.name)

    def send(self) -> None:
        """Publish an image 0.1 s after the last one."""
        self.stamp_ns += PERIOD
        self.images.publish(self.picture(self.stamp_ns))

    def show(self) -> Any:
        """The skeletons found in an image 0.1 s after the last one."""
        self.send()
        self.ros.wait(
            lambda: self.skeletons
            and stamp_to_ns(self.skeletons[-1].header.stamp) == self.stamp_ns,
            f"skeletons of {self.name}",
            self.send,
        )
        return self.skeletons[-1]

    def dropped(self, reason: str) -> int:
        values = self.ros.values(f"{NODE}: {self.name}")
        return int(values.get(f"dropped: {reason}", 0))


@pytest.fixture(scope="module")
def cameras(ros: Any, networks: list[str]) -> Iterator[list[Camera]]:
    values = {
        "cameras": list(SIDES), "pose_backend": "rtmpose", "pose_options": networks,
        "diagnostics_period_s": 0.2, "max_stamp_age_s": 0.0, "input_timeout_s": 1.0,
        "idle_rate_hz": 0.0,
    }  # fmt: skip
    ros.start(NodeSpec(NODE, values))
    yield [Camera(ros, name) for name in SIDES]


def test_each_camera_has_its_own_skeletons_and_ids(ros: Any, cameras: list[Camera]) -> None:
    for _ in range(3):
        for camera in cameras:
            found = camera.show()
            assert found.header.frame_id == camera.name
            assert found.image_width == SIDES[camera.name]
            (person,) = found.skeletons
            assert person.track_id == 0
            middle = (person.bbox[0] + 0.5 * person.bbox[2]) / SIDES[camera.name]
            assert 0.5 < middle < 0.9
    for camera in cameras:
        assert camera.layouts[-1].name == "coco_wholebody_133"


def test_a_restart_of_one_cameras_time_is_its_own(ros: Any, cameras: list[Camera]) -> None:
    left, right = cameras
    right.stamp_ns = 10 * SECOND
    assert len(right.show().skeletons) == 1
    before = left.dropped("stamp not newer")
    left.images.publish(left.picture(left.stamp_ns - PERIOD))
    ros.wait(lambda: left.dropped("stamp not newer") == before + 1, "an old image of the other")
    assert right.dropped("stamp not newer") == 0
    assert [person.track_id for person in left.show().skeletons] == [0]


def test_one_camera_stops_and_the_other_goes_on(ros: Any, cameras: list[Camera]) -> None:
    left, right = cameras
    ros.wait(
        lambda: left.show() and ros.level(f"{NODE}: right") == WARN, "a warning about right"
    )
    assert "no images on /right/image_raw" in ros.message(f"{NODE}: right")
    assert ros.level(f"{NODE}: left") == OK and ros.message(f"{NODE}: left") == "1 people"
    assert ros.level(NODE) == WARN and "camera right: no images" in ros.message(NODE)
    assert ros.values(NODE)["cameras"] == "left, right"
    assert float(ros.values(f"{NODE}: left")["images in [Hz]"]) > 0.0
    assert float(ros.values(f"{NODE}: right")["images in [Hz]"]) == 0.0
    ros.wait(
        lambda: left.show() and right.show() and ros.level(NODE) == OK, "the warning to be over"
    )


def test_a_bad_image_is_told_of_its_camera(ros: Any, cameras: list[Camera]) -> None:
    left, right = cameras
    bad = right.picture(right.stamp_ns + 1)
    bad.encoding = "h264"
    right.images.publish(bad)
    ros.wait(lambda: right.dropped("unsupported encoding") == 1, "the drop")
    assert "h264" in ros.values(f"{NODE}: right")["last refusal"]
    assert left.dropped("unsupported encoding") == 0
    assert int(ros.values(NODE)["dropped: unsupported encoding"]) == 1


def test_other_cameras_may_be_named_while_unconfigured(ros: Any, cameras: list[Camera]) -> None:
    refused = ros.set(NODE, cameras=["left"])
    assert not refused.successful and "while the node is active" in refused.reason
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP):
        assert ros.change(NODE, transition)
    for names, words in ((["a", "a"], "Two cameras are named 'a'"), (["2nd"], "named '2nd'")):
        refused = ros.set(NODE, cameras=names)
        assert not refused.successful and words in refused.reason
    assert ros.set(NODE, cameras=["head/front"], smoothing=1.0).successful
    assert ros.change(NODE, Transition.TRANSITION_CONFIGURE)
    assert ros.change(NODE, Transition.TRANSITION_ACTIVATE)
    assert cameras[0].images.topic_name == "/left/image_raw"
    ros.wait(lambda: cameras[0].images.get_subscription_count() == 0, "the old ones to be gone")
    SIDES["head/front"] = 200
    assert len(Camera(ros, "head/front").show().skeletons) == 1
    assert ros.set(NODE, smoothing=0.0).successful


def test_images_that_wait_are_estimated_as_one_batch(
    ros: Any, networks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def note(jobs: Any) -> Any:
        sizes.append(len(jobs))
        return together(jobs)

    together = pose_estimator.estimate_together
    monkeypatch.setattr(pose_estimator, "estimate_together", note)
    overrides = {
        "autostart": False, "cameras": ["a", "b", "c"], "pose_backend": "rtmpose",
        "pose_options": networks, "max_stamp_age_s": 0.0,
    }  # fmt: skip
    node = PoseEstimatorNode(
        namespace="batch",
        parameter_overrides=[Parameter(name, value=value) for name, value in overrides.items()],
    )
    try:
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        heard = {
            name: ros.hear(msg.SkeletonArray, f"batch/{name}/skeletons", RESULTS)
            for name in overrides["cameras"]  # type: ignore[union-attr]
        }
        publishers = [ros.publisher(Image, f"batch/{name}/image_raw", IMAGE_PUBLISHER)
                      for name in heard]  # fmt: skip
        picture = np.full((64, 64, 3), 90, np.uint8)
        reading = node._streams  # of subscriptions that know their publisher nothing gets lost
        ros.wait(
            lambda: all(s._input.subscription.get_publisher_count() for s in reading), "meeting"
        )
        # The node does not spin yet: of each camera an image waits, and only the newest.
        for step in (1, 2):
            for publisher in publishers:
                publisher.publish(bgr_to_image(picture, step * SECOND, "lens"))
        ros.executor.add_node(node)
        ros.wait(lambda: all(heard.values()), "skeletons of every camera")
        assert sum(sizes) == 3 and max(sizes) > 1
        for skeletons in heard.values():
            (found,) = skeletons
            assert stamp_to_ns(found.header.stamp) == 2 * SECOND and len(found.skeletons) == 1
    finally:
        ros.executor.remove_node(node)
        node.destroy_node()


def test_people_with_boxes_that_are_no_numbers_are_told(
    ros: Any, networks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(jobs: Any) -> Any:
        """Beside whoever is found there is somebody with such a box."""
        return [
            replace(frame, skeletons=(*frame.skeletons, replace(
                frame.skeletons[0], bbox=np.full(4, np.nan, np.float32)
            )))
            for frame in together(jobs)
        ]  # fmt: skip

    together = pose_estimator.estimate_together
    monkeypatch.setattr(pose_estimator, "estimate_together", nowhere)
    overrides = {
        "pose_backend": "rtmpose", "pose_options": networks, "max_stamp_age_s": 0.0,
        "diagnostics_period_s": 0.2,
    }  # fmt: skip
    node = PoseEstimatorNode(
        namespace="nowhere",
        parameter_overrides=[Parameter(name, value=value) for name, value in overrides.items()],
    )
    ros.executor.add_node(node)
    try:
        found = ros.hear(msg.SkeletonArray, "nowhere/skeletons", RESULTS)
        camera = ros.publisher(Image, "nowhere/image_raw", IMAGE_PUBLISHER)
        picture = np.full((64, 64, 3), 90, np.uint8)
        stamps = iter(range(SECOND, 1000 * SECOND, SECOND))
        told = f"{NOWHERE} (pose backend)"

        def show() -> bool:
            camera.publish(bgr_to_image(picture, next(stamps), "lens"))
            return told in ros.message("nowhere/pose_estimator")

        ros.wait(show, "a word about them")
        assert ros.level("nowhere/pose_estimator") == WARN
        assert "images dropped" not in ros.message("nowhere/pose_estimator")
        assert int(ros.values("nowhere/pose_estimator")[f"dropped: {NOWHERE}"]) >= 1
        assert found and all(len(each.skeletons) == 1 for each in found)
    finally:
        ros.executor.remove_node(node)
        node.destroy_node()


def test_the_entry_point_starts_everything_for_each_camera(
    ros: Any, networks: list[str], arms_bundle: Path, tmp_path: Path
) -> None:
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (160, 120))
    for _ in range(200):
        writer.write(np.full((120, 160, 3), 90, np.uint8))
    writer.release()
    command = [
        sys.executable, "-m", "bharnet_ros", "recognize", "--namespace", "duo", "--composed",
        "--cameras", "left,right", "--input", str(film), "--bundle", str(arms_bundle),
        "--visualizer", "false", "--pose_backend", "rtmpose", "--pose_options", ",".join(networks),
    ]  # fmt: skip
    child = ros.start_command(command)
    heard = [
        ros.hear(msg.RecognizedActionArray, f"/duo/{side}/actions", RESULTS)
        for side in ("left", "right")
    ]
    ros.wait(lambda: all(len(each) > 2 for each in heard), "actions of both cameras")
    for each in heard:
        assert [action.track_id for action in each[-1].actions] == [0]
    assert child.end(signal.SIGINT) < 15.0
    assert child.process.returncode == 0, child.output()
