"""The node that puts skeletons into space: what goes in, what comes out, what it says is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from visualization_msgs.msg import Marker, MarkerArray

from benchmarks.synthetic import LAYOUT, person_keypoints, skeleton
from bharnet_ros import msg
from bharnet_ros.nodes.conversions import header, ns_to_stamp, skeletons_to_msg, stamp_to_ns
from bharnet_ros.nodes.conversions_3d import msg_to_skeletons3d, skeletons3d_to_msg
from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.markers_3d import SpaceMarkers
from bharnet_ros.nodes.qos import IMAGE_PUBLISHER, RESULTS
from bharnet_ros.types import Skeleton3D, Skeleton3DFrame, SkeletonFrame

WIDTH, HEIGHT = 64, 48
START_NS = 5_000_000_000
FAST = {"diagnostics_period_s": 0.2, "max_stamp_age_s": 0.0}


def seen(
    stamp_ns: int, frame_id: str = "lens", layout: str = LAYOUT, crowd: tuple[int, ...] = (3,)
) -> Any:
    points = person_keypoints(center=(32.0, 22.0), torso_px=12.0)
    people = tuple(skeleton(track_id, points) for track_id in crowd)
    return skeletons_to_msg(SkeletonFrame(stamp_ns, (HEIGHT, WIDTH), layout, people), frame_id)


def depth_image(stamp_ns: int, frame_id: str = "lens", encoding: str = "16UC1") -> Any:
    """Everything is 2 m away."""
    message = Image(header=header(stamp_ns, frame_id), height=HEIGHT, width=WIDTH)
    message.encoding, message.step = encoding, 2 * WIDTH
    message.data = np.full((HEIGHT, WIDTH), 2000, "<u2").tobytes()
    return message


def camera_info() -> Any:
    message = CameraInfo(header=header(START_NS, "lens"), height=HEIGHT, width=WIDTH)
    message.distortion_model = "plumb_bob"
    message.d = [0.0] * 5
    message.k = [52.0, 0.0, 31.5, 0.0, 52.0, 23.5, 0.0, 0.0, 1.0]
    return message


class Robot:
    """A depth camera and an estimator beside a running node. `tick` publishes the next moment."""

    def __init__(self, ros: Any, space: str, **parameters: Any) -> None:
        self.ros, self.name = ros, f"{space}/skeleton_lifter"
        self.stamp_ns = START_NS
        self.out = ros.hear(msg.Skeleton3DArray, f"/{space}/skeletons_3d", RESULTS)
        compressed = parameters.get("depth_transport") == "compressedDepth"
        topic = f"/{space}/cam/depth" + ("/compressedDepth" if compressed else "")
        ros.start(
            NodeSpec(
                "skeleton_lifter", {**FAST, **parameters}, {"depth/image_raw": "cam/depth"}
            ),
            namespace=space,
        )
        kind = CompressedImage if compressed else Image
        self.depth = ros.publisher(kind, topic, IMAGE_PUBLISHER)
        self.info = ros.publisher(CameraInfo, f"/{space}/cam/camera_info", IMAGE_PUBLISHER)
        self.skeletons = ros.publisher(msg.SkeletonArray, f"/{space}/skeletons", RESULTS)

    def tick(self, *, info: bool = True, depth: Any = depth_image, late_ns: int = 0,
             **changes: Any) -> None:  # fmt: skip
        self.stamp_ns += 100_000_000
        if info:
            self.info.publish(camera_info())
        if depth is not None:
            self.depth.publish(depth(self.stamp_ns + late_ns))
        self.skeletons.publish(seen(self.stamp_ns, **changes))

    def until(self, condition: Any, what: str, again: Any = None, **tick: Any) -> None:
        def step() -> bool:
            self.tick(**tick)
            return bool(condition())

        self.ros.wait(step, what, again)

    def until_said(self, words: str, level: bytes, **tick: Any) -> None:
        self.until(
            lambda: words in self.ros.message(self.name) and self.ros.level(self.name) == level,
            f"'{words}' on /diagnostics", **tick,
        )  # fmt: skip

    def until_working(self) -> None:
        count = len(self.out)
        self.until(lambda: len(self.out) > count, "skeletons in space")


def test_a_frame_survives_its_message() -> None:
    rng = np.random.default_rng(1)
    keypoints = rng.normal(size=(133, 3)).astype(np.float32)
    scores = rng.uniform(0.1, 1.0, 133).astype(np.float32)
    keypoints[7], scores[7] = np.nan, 0.0
    place = np.array([0.1, np.nan, 2.0], np.float32)
    frame = Skeleton3DFrame(START_NS, LAYOUT, (Skeleton3D(3, place, keypoints, scores),))
    found = msg_to_skeletons3d(skeletons3d_to_msg(frame, "lens"))
    assert (found.stamp_ns, found.layout) == (START_NS, LAYOUT)
    (person,) = found.skeletons
    assert person.track_id == 3
    for one, other in (
        (person.position, place), (person.keypoints, keypoints), (person.scores, scores)
    ):  # fmt: skip
        np.testing.assert_array_equal(one, other)


def test_people_without_a_track_have_markers_of_their_own() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(133, 3)).astype(np.float32)
    people = tuple(Skeleton3D(i, points[0], points, np.ones(133, np.float32)) for i in (-1, 3, -1))
    markers = SpaceMarkers().update(Skeleton3DFrame(START_NS, LAYOUT, people), "lens").markers
    assert len({(one.ns, one.id) for one in markers}) == len(markers) == 9
    labels = [one.text.split(" ")[0] for one in markers if one.ns == "labels"]
    assert labels == ["untracked", "#3", "untracked"]


@pytest.fixture(scope="module")
def robot(ros: Any) -> Robot:
    return Robot(ros, "robot")


def test_nothing_is_guessed_without_camera_info(robot: Robot) -> None:
    robot.until_said(
        "no camera_info on /robot/cam/camera_info", DiagnosticStatus.ERROR, info=False
    )
    assert not robot.out


def test_people_are_put_into_space(robot: Robot) -> None:
    robot.until_working()
    found = robot.out[-1]
    assert found.header.frame_id == "lens" and found.layout == LAYOUT
    assert (stamp_to_ns(found.header.stamp) - START_NS) % 100_000_000 == 0
    (person,) = msg_to_skeletons3d(found).skeletons
    assert person.track_id == 3 and (person.scores[:17] > 0).all()
    # The nose lies on the surface, the hips inside; two metres away a pixel is 4 cm.
    assert person.keypoints[0, 2] == pytest.approx(2.0)
    assert 2.0 < person.keypoints[11, 2] < 2.2
    pixel = person.keypoints[0, :2] / 2.0 * 52.0 + (31.5, 23.5)
    np.testing.assert_allclose(pixel, seen(1).skeletons[0].keypoints[:2], atol=1e-3)
    robot.until_said("working", DiagnosticStatus.OK)
    assert int(robot.ros.values(robot.name)["keypoints in space [%]"]) > 60


def test_rviz_sees_them_there(robot: Robot) -> None:
    markers = robot.ros.hear(MarkerArray, "/robot/markers_3d", RESULTS)
    robot.until(lambda: markers, "markers")
    body, label = (
        next(each for each in markers[-1].markers if each.ns == name) for name in ("body", "labels")
    )
    assert body.header.frame_id == "lens" and body.action == Marker.ADD and len(body.points) > 10
    assert all(1.9 < point.z < 2.3 for point in body.points)
    assert label.text.startswith("#3 2.")
    assert 0.0 < label.scale.x < label.scale.z  # rviz: the width of a space
    # Who left is taken away. That is said once, and a full queue may lose it: come and go again.
    robot.until(
        lambda: any(each.action == Marker.DELETE for array in markers for each in array.markers),
        "a deletion", again=robot.tick, crowd=(),
    )  # fmt: skip


def test_it_says_what_does_not_fit_and_works_again(robot: Robot) -> None:
    robot.until_said(
        "not registered", DiagnosticStatus.ERROR,
        depth=lambda stamp_ns: depth_image(stamp_ns, "depth_lens"),
    )  # fmt: skip
    robot.until_said(
        "'rgb8' is no depth image", DiagnosticStatus.ERROR,
        depth=lambda stamp_ns: depth_image(stamp_ns, encoding="rgb8"),
    )  # fmt: skip
    robot.until_said("coco_17", DiagnosticStatus.ERROR, layout="coco_17")
    robot.until_said("without a depth image within", DiagnosticStatus.WARN, late_ns=80_000_000)
    robot.until_working()
    robot.until_said("coco_17", DiagnosticStatus.WARN)  # told for a while after it is over
    assert robot.ros.set(robot.name, min_depth_m=5.0, max_depth_m=1.0).successful is False
    assert robot.ros.set(robot.name, min_depth_m=3.0).successful
    robot.until_said("0 % of the keypoints have a depth", DiagnosticStatus.WARN)
    assert robot.ros.set(robot.name, min_depth_m=0.15, assume_registered=True).successful
    count = len(robot.out)
    robot.until(
        lambda: len(robot.out) > count, "depth of another frame_id",
        depth=lambda stamp_ns: depth_image(stamp_ns, "depth_lens"),
    )  # fmt: skip


def test_time_may_begin_anew(robot: Robot) -> None:
    robot.stamp_ns = START_NS - 2_000_000_000
    robot.until(
        lambda: robot.out and stamp_to_ns(robot.out[-1].header.stamp) < START_NS,
        "a skeleton of the new time",
    )


def test_a_silent_camera_is_named(ros: Any) -> None:
    robot = Robot(ros, "silent", input_timeout_s=0.3)
    robot.until_said("no depth images on /silent/cam/depth", DiagnosticStatus.WARN, depth=None)
    robot.until_working()


def test_compressed_depth(ros: Any) -> None:
    import struct

    import cv2

    robot = Robot(ros, "packed", depth_transport="compressedDepth", joints="surface")

    def packed(stamp_ns: int) -> Any:
        _, png = cv2.imencode(".png", np.full((HEIGHT, WIDTH), 1500, np.uint16))
        message = CompressedImage(format="16UC1; compressedDepth png")
        message.header.stamp, message.header.frame_id = ns_to_stamp(stamp_ns), "lens"
        message.data = struct.pack("<iff", 0, 0.0, 0.0) + png.tobytes()
        return message

    robot.until(lambda: robot.out, "skeletons in space", depth=packed)
    (person,) = msg_to_skeletons3d(robot.out[-1]).skeletons
    known = person.scores > 0
    assert known[:17].all()
    np.testing.assert_allclose(person.keypoints[known, 2], 1.5)


def test_the_built_in_depth_camera(ros: Any) -> None:
    """The true keypoints of drawn people come back into space where the people are."""
    placed = ros.hear(msg.Skeleton3DArray, "/drawn/skeletons_3d", RESULTS)
    ros.start(
        NodeSpec("simulated_camera", {"seed": 3, "num_people": 2, "rate_hz": 5.0}),
        NodeSpec("skeleton_lifter", FAST, {"skeletons": "ground_truth/skeletons"}),
        namespace="drawn",
    )
    image = ros.hear(Image, "/drawn/image_raw", IMAGE_PUBLISHER)
    ros.wait(lambda: image and any(len(array.skeletons) == 2 for array in placed), "two people")
    people = msg_to_skeletons3d(placed[-1]).skeletons
    for person in people:
        assert 1.5 < person.position[2] < 6.0
        body = person.scores[:13] > 0
        assert body.sum() > 8
        shoulders = np.linalg.norm(person.keypoints[5] - person.keypoints[6])
        assert np.isnan(shoulders) or 0.2 < shoulders < 0.6
