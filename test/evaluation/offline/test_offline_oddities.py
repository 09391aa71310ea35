"""Bags that are not as they should be: what is left out and told, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from benchmarks import tiny_world as world
from bharnet_ros.bags import open_bag
from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import BagError, EvaluationError, LabelError, LayoutError
from bharnet_ros.evaluation.bag_input import choose_input
from bharnet_ros.evaluation.scoring import score_episodes

from .conftest import Evaluator, NumberSubject

if TYPE_CHECKING:
    from bharnet_ros.bags.write import BagWriter

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")
pytest.importorskip("rosbags", reason="bags are read with rosbags")


def test_stamps_that_do_not_rise_are_left_out_and_told(
    evaluate: Evaluator, tmp_path: Path
) -> None:
    from bharnet_ros.bags.write import BagWriter

    order = [*range(20), 19, 18, *range(20, 40), *range(5), *range(40, 50)]
    with BagWriter(tmp_path / "odd") as bag:
        for place, index in enumerate(order):
            log = world.stamp(place)
            bag.image("/image_raw", world.stamp(index), world.picture(index), log_ns=log)
            bag.skeletons("/ground_truth/skeletons", world.people(index), log_ns=log)
            bag.actions("/ground_truth/actions", world.truth(index), log_ns=log)
    recording = evaluate(tmp_path / "odd")
    assert recording.drops == {"stamp not newer": 2, "time restarted": 5}
    assert recording.estimated == 50 and recording.images == 57
    assert any("jump back" in text for text in recording.problems)


def test_a_jump_back_is_told_beside_other_problems_and_of_skeletons_too(
    evaluate: Evaluator, tmp_path: Path
) -> None:
    from bharnet_ros.bags.write import BagWriter

    with BagWriter(tmp_path / "odd") as bag:
        bag.compressed_image("/image", world.stamp(0), b"no picture at all")
        for place, index in enumerate([*range(1, 40), *range(10)], 1):
            log = world.stamp(place)
            data = cv2.imencode(".png", world.picture(index))[1].tobytes()
            bag.compressed_image("/image", world.stamp(index), data, "png", log_ns=log)
            bag.skeletons("/skeletons", world.people(index, (4, 7)), log_ns=log)
            bag.skeletons("/ground_truth/skeletons", world.people(index), log_ns=log)
            bag.actions("/ground_truth/actions", world.truth(index), log_ns=log)
    for kind, others in (("images", 1), ("skeletons", 0)):
        recording = evaluate(tmp_path / "odd", kind)
        assert recording.drops["time restarted"] == 10 and recording.estimated == 39
        assert len(recording.problems) == 1 + others
        assert sum("jump back" in text for text in recording.problems) == 1


@pytest.mark.parametrize("kind", ["images", "skeletons"])
def test_messages_that_nobody_stamped_are_left_out_as_by_the_nodes(
    evaluate: Evaluator, tmp_path: Path, kind: str
) -> None:
    from bharnet_ros.bags.write import BagWriter

    def write(name: str, unset: range, count: int) -> Path:
        with BagWriter(tmp_path / name) as bag:
            for index in range(count):
                log, stamp = world.stamp(index), 0 if index in unset else world.stamp(index)
                people = replace(world.people(index, (4, 7)), stamp_ns=stamp)
                bag.image("/image_raw", stamp, world.picture(index), log_ns=log)
                bag.skeletons("/skeletons", people, log_ns=log)
        return tmp_path / name

    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(world.label_rows()), "utf-8")
    first = write("first", range(1), world.COUNT)
    recording = evaluate(first, kind, labels=labels)
    # The labels count from the first image that has a stamp.
    assert recording.start_ns == world.stamp(1) and recording.truth[0].start_ns == world.stamp(21)
    assert recording.drops == {"stamp is zero, the driver does not set it": 1}
    assert recording.images == world.COUNT and recording.estimated == world.COUNT - 1
    with pytest.raises(BagError, match=r"no message that can be read and has a stamp"):
        evaluate(write("all", range(9), 9), kind, labels=labels)


@pytest.mark.parametrize("track_ids", [(4, 7), (-1, -1)])
def test_people_without_all_their_keypoints_cost_their_frame_only(
    evaluate: Evaluator, tmp_path: Path, track_ids: tuple[int, int]
) -> None:
    from bharnet_ros.bags.write import BagWriter

    with BagWriter(tmp_path / "odd") as bag:
        for index in range(40):
            people = world.people(index, track_ids)
            if index == 9:
                first, *others = people.skeletons
                bare = replace(first, keypoints=first.keypoints[:5], scores=first.scores[:5])
                people = replace(people, skeletons=(bare, *others))
            bag.skeletons("/skeletons", people)
            bag.skeletons("/ground_truth/skeletons", world.people(index))
            bag.actions("/ground_truth/actions", world.truth(index))
    recording = evaluate(tmp_path / "odd", "skeletons")
    assert recording.estimated == 39 and recording.drops["invalid skeleton"] == 1
    assert [text for text in recording.problems if "has 5 keypoints" in text]


def test_images_that_cannot_be_used_are_counted(
    evaluate: Evaluator, tmp_path: Path
) -> None:
    from bharnet_ros.bags.write import BagWriter

    with BagWriter(tmp_path / "odd") as bag:
        for index in range(10):
            bag.skeletons("/ground_truth/skeletons", world.people(index))
            bag.actions("/ground_truth/actions", world.truth(index))
            bag.compressed_image("/image/compressed", world.stamp(index), b"no picture at all")
    recording = evaluate(tmp_path / "odd")
    assert recording.images == 10 and recording.estimated == 0
    assert sum(recording.drops.values()) == 10 and recording.problems


def test_topics_that_are_not_there_are_refused_with_those_that_are(
    evaluate: Evaluator, write_bag: Any
) -> None:
    path = write_bag()
    with pytest.raises(BagError, match=r"no topic of images 'front'.*/camera/image_raw"):
        evaluate(path, image_topic="front")
    with pytest.raises(BagError, match=r"several topics of skeletons|no topic of skeletons|holds"):
        evaluate(path, skeleton_topic="/camera/image_raw")
    with pytest.raises(BagError, match="only pictures and a truth"):
        evaluate(write_bag("bare", images=False))


def _depth(bag: BagWriter, topic: str, index: int) -> None:
    kind = "sensor_msgs/msg/Image"
    message = bag.new(
        kind, header=bag.header(world.stamp(index), "depth"), height=4, width=6, encoding="16UC1",
        is_bigendian=0, step=12, data=np.zeros(48, np.uint8),
    )  # fmt: skip
    bag.write(topic, kind, world.stamp(index), message)


@pytest.mark.parametrize("color", ["raw", "compressed"])
@pytest.mark.parametrize("depth", ["raw", "compressedDepth"])
def test_depth_images_beside_the_colour_images_are_not_chosen(
    tmp_path: Path, color: str, depth: str
) -> None:
    from bharnet_ros.bags.write import BagWriter

    with BagWriter(tmp_path / "rgbd") as bag:
        for index in range(3):
            if color == "raw":
                bag.image("/color", world.stamp(index), world.picture(index))
            else:
                bag.compressed_image("/color", world.stamp(index), b"jpeg")
            if depth == "raw":
                _depth(bag, "/a_depth", index)
            else:
                bag.compressed_image(
                    "/a_depth", world.stamp(index), b"png", "16UC1; compressedDepth png"
                )
    with open_bag(tmp_path / "rgbd") as opened:
        assert choose_input(opened, "auto").topic == "/color"
        assert choose_input(opened, "auto", "a_depth").topic == "/a_depth"  # as said


def test_a_bag_with_nothing_but_depth_images_says_so(tmp_path: Path) -> None:
    from bharnet_ros.bags.write import BagWriter

    with BagWriter(tmp_path / "depth") as bag:
        _depth(bag, "/left", 1)
    with open_bag(tmp_path / "depth") as opened:
        with pytest.raises(BagError, match=r"\(/left\) are depth images.*colour topic"):
            choose_input(opened, "images")
        with pytest.raises(BagError, match="or depth images"):
            choose_input(opened, "auto")


def test_of_several_cameras_one_is_asked_for_by_the_option(tmp_path: Path) -> None:
    from bharnet_ros.bags.write import BagWriter

    with BagWriter(tmp_path / "two") as bag:
        for topic in ("/left", "/right", "/image_annotated"):
            bag.image(topic, world.stamp(1), world.picture(1))
    with (
        open_bag(tmp_path / "two") as opened,
        pytest.raises(BagError, match="images: /left, /right; choose one with --image_topic"),
    ):
        choose_input(opened, "auto")


def test_a_bag_without_truth_says_how_to_label_it(evaluate: Evaluator, write_bag: Any) -> None:
    with pytest.raises(EvaluationError, match="bharnet_ros label"):
        evaluate(write_bag(true=False))


@pytest.mark.parametrize("row", ["11,99,raise,", "1,2,rise,"])
def test_labels_that_do_not_fit_are_refused(
    evaluate: Evaluator, write_bag: Any, write_labels: Any, row: str
) -> None:
    with pytest.raises(LabelError):
        evaluate(write_bag(), labels=write_labels(row))


def test_simulated_classes_that_the_bundle_does_not_know_are_refused(
    write_bag: Any, tmp_path: Path
) -> None:
    from benchmarks.synthetic import write_tiny_bundle

    bundle = write_tiny_bundle(tmp_path / "other", class_names=("idle", "raised", "fist"))
    with pytest.raises(EvaluationError, match=r"play raise \(nearest: raised\).*'tiny'"):
        Evaluator(bundle, tmp_path)(write_bag())


def test_skeletons_of_another_layout_are_refused(
    tiny_bundle: Bundle, write_bag: Any, tmp_path: Path
) -> None:
    evaluate = Evaluator(tiny_bundle, tmp_path / "out")
    evaluate.subject = NumberSubject(
        str(tiny_bundle.path), reader=lambda: OtherLayout(world.NumberReader())
    )
    with pytest.raises(LayoutError, match="ntu25"):
        evaluate(write_bag())


class OtherLayout:
    """An estimator of another layout."""

    layout = "ntu25"
    timings_ms: dict[str, float] = {}  # noqa: RUF012

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def estimate(self, image_bgr: Any, stamp_ns: int) -> Any:
        people = tuple(
            replace(p, keypoints=p.keypoints[:25], scores=p.scores[:25])
            for p in self._inner.estimate(image_bgr, stamp_ns).skeletons
        )
        found = self._inner.estimate(image_bgr, stamp_ns)
        return replace(found, layout="ntu25", skeletons=people)

    def reset(self) -> None: ...

    def close(self) -> None: ...


def test_a_recording_that_jumps_back_lasts_until_its_newest_image(
    evaluate: Evaluator, tmp_path: Path
) -> None:
    from bharnet_ros.bags.write import BagWriter

    path = tmp_path / "looped"
    with BagWriter(path) as bag:
        for place, index in enumerate([*range(world.COUNT), *range(30)]):
            log_ns = world.stamp(place)
            bag.image("/image_raw", world.stamp(index), world.picture(index), log_ns=log_ns)
    (path / "labels.csv").write_text("\n".join(world.label_rows()) + "\n", "utf-8")
    with open_bag(path) as opened:
        given = choose_input(opened, "images")
    assert given.film == (world.stamp(0), world.stamp(world.COUNT - 1))
    assert len(evaluate(path).truth) == len(world.SCRIPT)


def _partly_tracked(path: Path, *cameras: str) -> Path:
    """12 s of images, of which the last 8 s have skeletons; labels in it."""
    from bharnet_ros.bags.write import BagWriter

    with BagWriter(path) as bag:
        for index in range(world.COUNT):
            for camera in cameras:
                bag.image(camera, world.stamp(index), world.picture(index))
            if index >= 40:
                bag.skeletons("/skeletons", world.people(index, (4, 7)))
    (path / "labels.csv").write_text("\n".join(world.label_rows()) + "\n", "utf-8")
    return path


def test_labels_count_from_the_first_image_also_where_skeletons_are_evaluated(
    evaluate: Evaluator, tmp_path: Path
) -> None:
    recording = evaluate(_partly_tracked(tmp_path / "late", "/image_raw"), "skeletons")
    begun = [(episode.start_ns - world.BEGIN_NS) / world.SECOND for episode in recording.truth]
    assert begun == [4.0, 5.0, 8.0]  # the first one, from 2 s on, is known from 4 s on
    assert score_episodes(recording.truth, recording.recognised, 1.0).right == 3
    cut = _partly_tracked(tmp_path / "cut", "/image_raw")
    (cut / "labels.csv").write_text("start,end,label\n1,2,raise\n", "utf-8")
    recording = evaluate(cut, "skeletons")
    assert not recording.truth
    assert any("1 of 1 labels lie before the first" in each for each in recording.problems)


def test_by_which_of_two_cameras_a_bag_was_labelled_must_be_said(
    evaluate: Evaluator, tmp_path: Path
) -> None:
    path = _partly_tracked(tmp_path / "two", "/left", "/right")
    with pytest.raises(LabelError, match="several topics of images; say with --image_topic"):
        evaluate(path, "skeletons")
    assert len(evaluate(path, "skeletons", image_topic="right").truth) == 3
