"""Image in -> skeletons -> actions out, over Fast DDS between processes."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import Image

from bharnet_ros import msg
from bharnet_ros.gestures import BodyShape, GesturePlayer, Style, load_vocabulary
from bharnet_ros.nodes.base import OK, WARN
from bharnet_ros.nodes.conversions import header, stamp_to_ns
from bharnet_ros.nodes.graph import NodeSpec
from bharnet_ros.nodes.images import bgr_to_image
from bharnet_ros.nodes.qos import IMAGE_PUBLISHER, IMAGE_SUBSCRIBER, LATCHED, RESULTS
from bharnet_ros.simulation import Appearance, Camera, Effects, Renderer, Scene, ScriptedActor

pytest.importorskip("ai_edge_litert", reason="the default pose backend is not installed")

SECOND = 1_000_000_000
PERIOD = SECOND // 10
STARTED, ONGOING, ENDED = (
    msg.RecognizedAction.STARTED, msg.RecognizedAction.ONGOING, msg.RecognizedAction.ENDED,
)  # fmt: skip


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Two people who raise a hand from 0.5 s on: the one on the left side of the image the right
    hand, the other one the left hand."""
    vocabulary = load_vocabulary()
    camera = Camera(width=640, height=360, focal_px=525.0)
    actors = []
    for index, (y, hand) in enumerate(((0.55, "right"), (-0.55, "left"))):
        rng = np.random.default_rng(index)
        player = GesturePlayer(vocabulary, BodyShape.default(), Style(handedness=hand, fidget=0.1))
        performance = player.plan([("stop", 0.5, 9.0)], rng)
        actors.append(ScriptedActor(index, (2.2, y), 0.0, Appearance.sample(rng), performance))
    renderer = Renderer(camera, np.full((360, 640, 3), 150, np.uint8), Effects())
    return Scene(actors, renderer, 10.0)


class Graph:
    """An estimator and a recogniser in processes of their own, and what they publish."""

    def __init__(self, ros: Any, bundle: Path) -> None:
        self.ros = ros
        # Stamps of a clock of the test's own; every image counts, also of nobody.
        often = {"diagnostics_period_s": 0.2, "max_stamp_age_s": 0.0}
        ros.start(NodeSpec("pose_estimator", {**often, "idle_rate_hz": 0.0}))
        ros.start(NodeSpec("action_recognizer", {**often, "bundles": [str(bundle)]}))
        self.layouts = ros.hear(msg.SkeletonLayout, "skeleton_layout", LATCHED)
        self.labels = ros.hear(msg.ActionLabels, "action_labels", LATCHED)
        self.skeletons = ros.hear(msg.SkeletonArray, "skeletons", RESULTS)
        self.actions = ros.hear(msg.RecognizedActionArray, "actions", RESULTS)
        ros.wait(lambda: self.layouts and self.labels, "both nodes to be configured")
        self.images = ros.publisher(Image, "image_raw", IMAGE_PUBLISHER)
        ros.wait(lambda: ros.node.count_subscribers("skeletons") > 1, "the recogniser to listen")
        self.stamp_ns = 1000 * SECOND

    def show(self, picture: np.ndarray) -> Any:
        """Publish a picture 0.1 s after the last one; the skeletons found in it."""
        def publish() -> None:
            self.stamp_ns += PERIOD
            self.images.publish(bgr_to_image(picture, self.stamp_ns, "lens"))

        publish()
        # The estimator drops what lay waiting while its process stood still; a newer one counts.
        self.ros.wait(lambda: self.is_answered(), "skeletons of an image", publish)
        return self.skeletons[-1]

    def is_answered(self) -> bool:
        """Whether the skeletons of the newest image are there."""
        return bool(self.skeletons) and stamp_to_ns(
            self.skeletons[-1].header.stamp
        ) == self.stamp_ns

    def dropped(self, node: str, reason: str) -> int:
        """The count of a reason in a node's diagnostics."""
        return int(self.ros.values(node).get(f"dropped: {reason}", 0))


@pytest.fixture(scope="module")
def graph(ros: Any, arms_bundle: Path) -> Iterator[Graph]:
    yield Graph(ros, arms_bundle)


EMPTY = np.full((360, 640, 3), 120, np.uint8)


def test_two_people_two_labels_and_an_end_for_those_who_leave(graph: Graph, scene: Scene) -> None:
    began = len(graph.actions)
    for index in range(30):
        found = graph.show(scene.frame(index / 10).image)
    assert len(found.skeletons) == 2
    assert found.header.frame_id == "lens" and found.layout == "coco_wholebody_133"
    assert (found.image_height, found.image_width) == (360, 640)
    by_place = sorted(found.skeletons, key=lambda person: person.bbox[0])
    left, right = (person.track_id for person in by_place)

    def labels() -> dict[int, str]:
        return {
            action.track_id: action.hypotheses[0].class_name
            for action in graph.actions[-1].actions
            if action.state in (STARTED, ONGOING)
        }

    graph.ros.wait(lambda: len(labels()) == 2, "two actions in progress")
    assert labels() == {left: "right_up", right: "left_up"}

    def seen(state: int, track_id: int) -> list[Any]:
        return [
            (array_, action)
            for array_ in graph.actions[began:]
            for action in array_.actions
            if action.state == state and action.track_id == track_id
        ]

    assert len(seen(STARTED, left)) == 1 and len(seen(STARTED, right)) == 1
    first, started = seen(STARTED, left)[0]
    assert first.header.frame_id == "lens"
    assert stamp_to_ns(started.window_end) <= stamp_to_ns(first.header.stamp)
    assert started.num_frames > 0 and started.body_score > 0.5

    # They leave: pictures without anybody are answered with empty arrays.
    for _ in range(25):
        found = graph.show(EMPTY)
    assert found.skeletons == []
    graph.ros.wait(lambda: seen(ENDED, left) and seen(ENDED, right), "both actions to end")
    graph.ros.wait(
        lambda: stamp_to_ns(graph.actions[-1].header.stamp) == graph.stamp_ns, "the last judgement"
    )
    assert graph.actions[-1].actions == []


def test_the_latched_topics_explain_the_numbers(graph: Graph) -> None:
    assert graph.layouts[-1].name == "coco_wholebody_133"
    assert len(graph.layouts[-1].keypoint_names) == 133
    (labels,) = graph.labels[-1].bundles
    assert labels.bundle == "arms" and graph.labels[-1].conflict == "all"
    assert list(labels.class_names) == ["idle", "right_up", "left_up"]
    assert labels.background_class == "idle" and labels.unknown_class == ""


def test_bad_images_are_counted_and_survived(graph: Graph) -> None:
    def bad(**changes: Any) -> Image:
        graph.stamp_ns += PERIOD
        message = bgr_to_image(EMPTY, graph.stamp_ns, "lens")
        for name, value in changes.items():
            setattr(message, name, value)
        return message

    cases = {
        "unsupported encoding": {"encoding": "32FC1"},
        "empty image": {"height": 0, "width": 0, "step": 0, "data": array("B")},
        "truncated data": {"data": array("B", bytes(1000))},
        "wrong step": {"step": 7},
    }
    warned = []
    for reason, changes in cases.items():
        graph.images.publish(bad(**changes))
        graph.ros.wait(lambda r=reason: graph.dropped("pose_estimator", r) == 1, reason)
        warned.append(graph.ros.values("pose_estimator").get("last refusal", ""))
    assert any("32FC1" in text for text in warned)
    assert graph.show(EMPTY).skeletons == []
    graph.ros.wait(lambda: graph.ros.level("pose_estimator") == OK, "the warning to pass")


def test_stamps_that_repeat_or_step_back_are_dropped_and_a_restart_is_not(graph: Graph) -> None:
    graph.show(EMPTY)
    before = graph.dropped("pose_estimator", "stamp not newer")
    for offset in (0, -PERIOD):
        graph.images.publish(bgr_to_image(EMPTY, graph.stamp_ns + offset, "lens"))
        before += 1
        graph.ros.wait(
            lambda n=before: graph.dropped("pose_estimator", "stamp not newer") == n, "a drop"
        )
    graph.stamp_ns = 10 * SECOND  # a bag that loops
    assert stamp_to_ns(graph.show(EMPTY).header.stamp) == graph.stamp_ns
    graph.ros.wait(
        lambda: stamp_to_ns(graph.actions[-1].header.stamp) == graph.stamp_ns,
        "a judgement in the new time",
    )


def test_skeletons_that_cannot_be_are_counted(graph: Graph) -> None:
    def array_of(layout: str, count: int, value: float) -> Any:
        graph.stamp_ns += PERIOD
        person = msg.Skeleton(
            track_id=1, keypoints=[value] * (2 * count), keypoint_scores=[1.0] * count
        )
        return msg.SkeletonArray(
            header=header(graph.stamp_ns, "lens"), layout=layout, skeletons=[person]
        )

    skeletons = graph.ros.publisher(msg.SkeletonArray, "skeletons", RESULTS)
    for message, reason in (
        (array_of("coco_wholebody_133", 133, float("nan")), "invalid skeleton"),
        (array_of("ntu25", 25, 1.0), "layout mismatch"),
    ):
        skeletons.publish(message)
        graph.ros.wait(lambda r=reason: graph.dropped("action_recognizer", r) == 1, reason)
    graph.ros.node.destroy_publisher(skeletons)


def test_a_robot_that_waits_looks_less_often_and_wakes_at_once(graph: Graph, scene: Scene) -> None:
    ros = graph.ros
    for _ in range(12):
        graph.show(EMPTY)
    assert ros.set("pose_estimator", idle_rate_hz=2.0).successful
    graph.stamp_ns += 5 * PERIOD
    graph.show(EMPTY)
    began = len(graph.skeletons)
    graph.stamp_ns += PERIOD
    graph.images.publish(bgr_to_image(EMPTY, graph.stamp_ns, "lens"))
    ros.wait(
        lambda: ros.values("pose_estimator").get("images passed by [Hz]", "0.0") != "0.0",
        "an image to be passed by",
        lambda: graph.images.publish(bgr_to_image(EMPTY, graph.stamp_ns, "lens")),
    )
    assert len(graph.skeletons) == began and ros.level("pose_estimator") == OK
    graph.stamp_ns += 5 * PERIOD
    plain = scene.frame(0.0).image
    assert len(graph.show(plain).skeletons) == 2
    assert len(graph.show(plain).skeletons) == 2, "now every image is looked at again"
    assert ros.set("pose_estimator", idle_rate_hz=0.0).successful


def test_silence_is_told_with_its_reason(graph: Graph) -> None:
    graph.ros.wait(
        lambda: graph.ros.level("pose_estimator") == WARN
        and "/tester matches but sends nothing" in graph.ros.message("pose_estimator"),
        "a warning that names the silent publisher",
    )
    values = graph.ros.values("pose_estimator")
    assert {"images in [Hz]", "skeletons out [Hz]", "state", "backend"} <= set(values)
    values = graph.ros.values("action_recognizer")
    assert "onnxruntime" in values["bundle arms"]


def test_pictures_are_drawn_only_for_those_who_look(graph: Graph, scene: Scene) -> None:
    ros = graph.ros
    ros.start(NodeSpec("visualizer", {"diagnostics_period_s": 0.2}))
    ros.wait(lambda: ros.message("visualizer") == "nobody looks", "an idle visualizer")
    assert ros.node.count_subscribers("image_raw") == 1
    pictures = ros.hear(Image, "image_annotated", IMAGE_SUBSCRIBER)
    ros.wait(lambda: ros.node.count_subscribers("image_raw") == 2, "the visualizer to subscribe")
    plain = scene.frame(2.0).image

    def shown() -> bool:
        graph.show(plain)
        return bool(pictures)

    ros.wait(shown, "an annotated picture")
    assert (pictures[-1].height, pictures[-1].width) == (360, 640)
    drawn = np.frombuffer(pictures[-1].data, np.uint8).reshape(plain.shape)
    assert np.abs(drawn.astype(int) - plain).max() > 50
