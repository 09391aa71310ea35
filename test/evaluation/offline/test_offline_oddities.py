"""Bags that are not as they should be: what is left out and told, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import tiny_world as world
from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import BagError, EvaluationError, LabelError, LayoutError

from .conftest import Evaluator, NumberSubject

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
        from dataclasses import replace

        people = tuple(
            replace(p, keypoints=p.keypoints[:25], scores=p.scores[:25])
            for p in self._inner.estimate(image_bgr, stamp_ns).skeletons
        )
        found = self._inner.estimate(image_bgr, stamp_ns)
        return replace(found, layout="ntu25", skeletons=people)

    def reset(self) -> None: ...

    def close(self) -> None: ...
