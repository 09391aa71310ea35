"""Pictures and markers, and that they cost nothing while nobody looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from visualization_msgs.msg import Marker, MarkerArray

from benchmarks.synthetic import LAYOUT, person_keypoints, skeleton
from bharnet_ros import msg
from bharnet_ros.nodes.base import OK, WARN
from bharnet_ros.nodes.conversions import actions_to_msg, header, skeletons_to_msg
from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.images import bgr_to_image
from bharnet_ros.nodes.markers import NAMESPACES
from bharnet_ros.nodes.qos import IMAGE_PUBLISHER, IMAGE_SUBSCRIBER, RESULTS
from bharnet_ros.nodes.visualizer import VisualizerNode
from bharnet_ros.types import ActionFrame, ActionState, Hypothesis, RecognizedAction, SkeletonFrame

NODE = "visualizer"
INPUTS = ("image_raw", "skeletons", "actions", "camera_info")
PLAIN = np.full((480, 640, 3), 120, np.uint8)
WAVE = Hypothesis(1, "wave", 0.9, "gestures")


class Stage:
    """Plays camera, estimator and recogniser for a visualizer in a process of its own."""

    def __init__(self, ros: Any) -> None:
        self.ros = ros
        ros.start(
            NodeSpec(
                NODE,
                {"diagnostics_period_s": 0.2, "max_stamp_age_s": 0.0, "input_timeout_s": 60.0},
            )
        )
        self.images = ros.node.create_publisher(Image, "image_raw", IMAGE_PUBLISHER)
        self.skeletons = ros.node.create_publisher(msg.SkeletonArray, "skeletons", RESULTS)
        self.actions = ros.node.create_publisher(msg.RecognizedActionArray, "actions", RESULTS)
        self.infos = ros.node.create_publisher(CameraInfo, "camera_info", IMAGE_PUBLISHER)
        self.statistics = ros.hear(msg.NodeStatistics, f"/{NODE}/statistics", RESULTS)
        self.stamp_ns = 1_000_000_000
        self.waits_for("nobody looks")

    def waits_for(self, words: str, level: bytes = OK) -> None:
        """Until the diagnostics say so."""
        self.ros.wait(
            lambda: self.ros.level(NODE) == level and words in self.ros.message(NODE), words
        )

    def listened_to(self) -> set[str]:
        """The inputs somebody subscribes to."""
        return {topic for topic in INPUTS if self.ros.node.count_subscribers(topic)}

    def show(self, *track_ids: int, image: bool = True, size: tuple[int, int] = (480, 640)) -> None:
        """One image with these people, side by side; they wave. size: as the skeletons say."""
        self.stamp_ns += 100_000_000
        people = tuple(
            skeleton(track, person_keypoints(center=(150.0 + 200 * index, 260.0)))
            for index, track in enumerate(track_ids)
        )
        frame = SkeletonFrame(self.stamp_ns, size, LAYOUT, people)
        said = tuple(
            RecognizedAction(
                ActionState.ONGOING, person.track_id, (WAVE,), 0, self.stamp_ns, 20, 0.3, 0.8,
                person.bbox, "gestures",
            )
            for person in people
        )  # fmt: skip
        if image:
            self.images.publish(bgr_to_image(PLAIN, self.stamp_ns, "lens"))
        self.actions.publish(actions_to_msg(ActionFrame(self.stamp_ns, said), "lens"))
        self.skeletons.publish(skeletons_to_msg(frame, "lens"))


@pytest.mark.parametrize(
    ("remaps", "topic"),
    [
        ([], "/robot/camera_info"),
        (["image_raw:=/cam/front/image_color"], "/cam/front/camera_info"),
        (["image_raw:=/cam/image_raw", "camera_info:=/other/info"], "/other/info"),
    ],
)
def test_camera_info_lies_beside_the_images(ros: Any, remaps: list[str], topic: str) -> None:
    rules = [word for rule in remaps for word in ("-r", rule)]
    node = VisualizerNode(
        namespace="robot",
        cli_args=["--ros-args", *rules, "-p", "autostart:=false"],
    )
    try:
        node.trigger_configure()
        node.trigger_activate()
        viewer = ros.node.create_subscription(MarkerArray, "robot/markers", lambda _: None, RESULTS)
        ros.executor.add_node(node)
        ros.wait(lambda: ros.node.count_subscribers(topic) == 1, f"a subscription to {topic}")
    finally:
        ros.node.destroy_subscription(viewer)
        ros.executor.remove_node(node)
        node.destroy_node()


def test_who_draws_too_slowly_shows_the_newest(ros: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And as a picture the newest of which the image is there."""
    values = [("autostart", True), ("input_timeout_s", 60.0)]
    overrides = [Parameter(name, value=value) for name, value in values]
    node = VisualizerNode(namespace="late", parameter_overrides=overrides)
    ros.executor.add_node(node)
    try:
        pictures = ros.hear(Image, "/late/image_annotated", IMAGE_PUBLISHER)
        markers = ros.hear(MarkerArray, "/late/markers", RESULTS)
        looked_at = [node._annotated, node._marker_arrays]
        ros.wait(lambda: all(each.get_subscription_count() for each in looked_at), "who looks")
        ros.wait(lambda: node._skeletons is not None, "a subscription")
        person = skeleton(1, person_keypoints())
        stamps_ns = [second * 1_000_000_000 for second in range(1, 6)]
        first, *waiting = (
            skeletons_to_msg(SkeletonFrame(stamp_ns, (480, 640), LAYOUT, (person,)), "lens")
            for stamp_ns in stamps_ns
        )
        monkeypatch.setattr(node._skeletons, "backlog", lambda: waiting)
        for stamp_ns in stamps_ns[1:3]:
            node._on_image(bgr_to_image(PLAIN, stamp_ns, "lens"))
        node._on_skeletons(first)
        ros.wait(lambda: pictures and markers, "both")
        assert [each.header.stamp.sec for each in pictures] == [3]
        shown = [m for each in markers for m in each.markers if m.action == Marker.ADD]
        assert shown and {each.header.stamp.sec for each in shown} == {5}
    finally:
        ros.executor.remove_node(node)
        node.destroy_node()


@pytest.fixture(scope="module")
def stage(ros: Any) -> Iterator[Stage]:
    yield Stage(ros)


def test_nothing_is_heard_or_drawn_while_nobody_looks(stage: Stage) -> None:
    def count() -> int:
        stage.show(1)
        return len(stage.statistics)

    begin = count()
    stage.ros.wait(lambda: count() > begin + 5, "a second of reports")
    assert stage.listened_to() == set()
    for report in stage.statistics[begin + 1 :]:
        assert list(report.stages) == [] and np.isnan(report.input_hz)
    # What is left is asking whether somebody looks, and these reports five times a second.
    assert np.median([report.cpu_share for report in stage.statistics[begin + 1 :]]) < 0.1


def test_who_looks_and_cannot_see_is_named(stage: Stage) -> None:
    latching = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    viewer = stage.ros.node.create_subscription(Image, "image_annotated", lambda _: None, latching)
    stage.waits_for("/tester cannot receive /image_annotated: volatile publisher", WARN)
    stage.ros.node.destroy_subscription(viewer)
    stage.waits_for("nobody looks")


def test_markers_need_no_images(stage: Stage) -> None:
    arrays: list[Any] = []
    viewer = stage.ros.node.create_subscription(MarkerArray, "markers", arrays.append, RESULTS)
    stage.ros.wait(
        lambda: stage.listened_to() == {"skeletons", "actions", "camera_info"}, "its inputs"
    )

    def shown(*track_ids: int) -> dict[tuple[str, int], Any]:
        arrays.clear()
        stage.ros.wait(lambda: stage.show(*track_ids, image=False) or arrays, "markers")
        return {(one.ns, one.id): one for one in arrays[-1].markers}

    stage.ros.wait(lambda: ("labels", 2) in shown(1, 2), "both people")
    stage.ros.wait(lambda: shown(1, 2)["labels", 2].text == "#2 wave 0.90", "the action")
    both = shown(1, 2)
    assert {name for name, _ in both} == set(NAMESPACES)
    assert all(one.header.frame_id == "lens" for one in both.values())
    body = both["body", 1]
    assert body.type == Marker.LINE_LIST and len(body.points) % 2 == 0 and body.points
    assumed = body.points[0].z
    assert all(point.z == assumed for point in body.points), "upright before the camera"
    assert both["labels", 1].pose.position.y < min(point.y for point in body.points)

    left = shown(1)
    gone = [key for key, one in left.items() if one.action == Marker.DELETE]
    assert set(gone) <= {(name, 2) for name in NAMESPACES}
    stage.ros.wait(lambda: ("body", 2) not in shown(1), "the other one to be forgotten")

    # A calibrated camera replaces the assumed field of view: twice the focal length, twice as far.
    matrix = [2 * 554.3, 0.0, 319.5, 0.0, 2 * 554.3, 239.5, 0.0, 0.0, 1.0]

    def camera_is(kind: str) -> bool:
        return bool(shown(1) and stage.ros.values(NODE).get("camera") == kind)

    def settled() -> bool:
        return bool(shown(1)["body", 1].points[0].z == pytest.approx(2 * assumed, rel=0.02))

    stage.infos.publish(CameraInfo(k=matrix, height=480, width=640))
    stage.ros.wait(lambda: camera_is("calibrated"), "camera_info")
    stage.ros.wait(settled, "the distance of the calibrated camera")
    # That of a picture of another shape is not theirs; of another resolution it is.
    stage.infos.publish(CameraInfo(k=matrix, height=360, width=640))
    stage.ros.wait(lambda: camera_is("assumed"), "another camera's camera_info")
    stage.waits_for("of no use", WARN)
    double = [2 * value for value in matrix[:8]] + [1.0]
    stage.infos.publish(CameraInfo(k=double, height=960, width=1280))
    stage.ros.wait(lambda: camera_is("calibrated") and settled(), "the calibration, scaled")
    stage.ros.node.destroy_subscription(viewer)
    stage.waits_for("nobody looks")
    assert stage.listened_to() == set()


def test_pictures_are_drawn_for_those_who_look_and_stop_after_them(stage: Stage) -> None:
    pictures: list[Any] = []
    viewer = stage.ros.node.create_subscription(
        Image, "image_annotated", pictures.append, IMAGE_SUBSCRIBER
    )
    stage.ros.wait(
        lambda: stage.listened_to() == {"image_raw", "skeletons", "actions"}, "its inputs"
    )
    stage.ros.wait(lambda: stage.show(1) or pictures, "a picture")
    newest = pictures[-1]
    drawn = np.frombuffer(newest.data, np.uint8).reshape(PLAIN.shape)
    assert newest.header.frame_id == "lens" and newest.encoding == "bgr8"
    assert (drawn != PLAIN).any(axis=-1).sum() > 3000
    assert (drawn != PLAIN)[470:, :150].any(), "the status line"
    stage.ros.wait(lambda: "draw" in stage.statistics[-1].stages, "the time it takes")

    # Skeletons whose images never come are told.
    stage.ros.wait(
        lambda: (
            stage.show(1, image=False)
            or (stage.ros.level(NODE) == WARN and "no image fits" in stage.ros.message(NODE))
        ),
        "a warning",
    )
    assert "/image_raw is the estimator's topic" in stage.ros.message(NODE)
    stage.ros.node.destroy_subscription(viewer)
    stage.waits_for("nobody looks")
    assert stage.listened_to() == set()


def test_images_of_another_resolution_are_drawn_on_where_people_are(stage: Stage) -> None:
    pictures: list[Any] = []
    viewer = stage.ros.node.create_subscription(
        Image, "image_annotated", pictures.append, IMAGE_SUBSCRIBER
    )
    stage.ros.wait(lambda: "image_raw" in stage.listened_to(), "its inputs")

    def drawn() -> bool:
        # The images have half as many pixels as those of the skeletons, who stand at 150, 260.
        stage.show(1, size=(960, 1280))
        return bool(pictures)

    stage.ros.wait(drawn, "a picture")
    picture = np.frombuffer(pictures[-1].data, np.uint8).reshape(PLAIN.shape)
    touched = (picture != PLAIN).any(axis=-1)[:440]  # without the status line
    rows, columns = np.nonzero(touched)
    assert columns.max() < 250 and rows.max() < 260

    stage.ros.wait(
        lambda: stage.show(1, size=(720, 1280)) or "cannot be drawn" in stage.ros.message(NODE),
        "the other aspect ratio",
    )
    stage.ros.node.destroy_subscription(viewer)
    stage.waits_for("nobody looks")


def test_people_that_cannot_be_placed_can_be_drawn(stage: Stage) -> None:
    pictures: list[Any] = []
    viewers = [
        stage.ros.node.create_subscription(MarkerArray, "markers", lambda _: None, RESULTS),
        stage.ros.node.create_subscription(
            Image, "image_annotated", pictures.append, IMAGE_SUBSCRIBER
        ),
    ]
    stage.ros.wait(lambda: stage.listened_to() == set(INPUTS), "its inputs")

    def refused() -> bool:
        stage.infos.publish(CameraInfo())
        stage.show(1, size=(0, 0))
        return "cannot be drawn" in stage.ros.message(NODE)

    stage.ros.wait(refused, "people of an image without a size, and no camera")
    pictures.clear()
    stage.ros.wait(lambda: stage.show(1, size=(0, 0)) or pictures, "a picture of them")
    for viewer in viewers:
        stage.ros.node.destroy_subscription(viewer)
    stage.waits_for("nobody looks")


def test_compressed_images_are_drawn_on_too(ros: Any) -> None:
    overrides = {"image_transport": "compressed", "autostart": False}
    node = VisualizerNode(
        namespace="jpeg",
        parameter_overrides=[Parameter(name, value=value) for name, value in overrides.items()],
    )
    ros.executor.add_node(node)
    node.trigger_configure()
    node.trigger_activate()
    pictures: list[Any] = []
    viewer = ros.node.create_subscription(
        Image, "jpeg/image_annotated", pictures.append, IMAGE_SUBSCRIBER
    )
    images = ros.node.create_publisher(CompressedImage, "jpeg/image_raw/compressed", RESULTS)
    skeletons = ros.node.create_publisher(msg.SkeletonArray, "jpeg/skeletons", RESULTS)
    stamps_ns = iter(range(10**9, 10**12, 10**8))
    data = cv2.imencode(".jpg", PLAIN)[1].tobytes()

    def shown() -> bool:
        stamp_ns = next(stamps_ns)
        image = CompressedImage(format="bgr8; jpeg compressed bgr8", data=data)
        image.header = header(stamp_ns, "lens")
        images.publish(image)
        person = skeleton(1, person_keypoints())
        frame = SkeletonFrame(stamp_ns, (480, 640), LAYOUT, (person,))
        skeletons.publish(skeletons_to_msg(frame, "lens"))
        return bool(pictures)

    try:
        ros.wait(shown, "a picture")
        drawn = np.frombuffer(pictures[-1].data, np.uint8).reshape(PLAIN.shape)
        assert (np.abs(drawn.astype(int) - PLAIN) > 20).any(axis=-1).sum() > 2000
    finally:
        ros.node.destroy_subscription(viewer)
        ros.executor.remove_node(node)
        node.destroy_node()
