"""Bags to recordings, without a clock: what is recognised, how a stopped run goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import tiny_world as world
from bharnet_ros.bags import open_bag
from bharnet_ros.evaluation.bag_input import choose_input
from bharnet_ros.evaluation.offline import Job, evaluate_offline
from bharnet_ros.evaluation.records import Recording
from bharnet_ros.evaluation.scoring import score_episodes
from bharnet_ros.evaluation.storage_records import evaluation_data
from bharnet_ros.evaluation.subject import Subject
from bharnet_ros.evaluation.truth_choice import choose_truth
from bharnet_ros.smoothing import Smoother
from bharnet_ros.types import SkeletonFrame

from .conftest import Evaluator

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")
pytest.importorskip("rosbags", reason="bags are read with rosbags")


def same(one: Recording, other: Recording) -> bool:
    """Whether two records say the same, whatever it took."""
    a, b = ({**data(r), "stage_ms": {}, "problems": []} for r in (one, other))
    return bool(a == b)


def data(recording: Recording) -> dict[str, Any]:
    from bharnet_ros.evaluation.records import Evaluation

    whole = Evaluation(
        "offline", "tiny", "0" * 64, "numbers", ("idle", "raise", "fist"), "idle", "", (recording,)
    )
    found: dict[str, Any] = evaluation_data(whole)["recordings"][0]
    return found


def test_a_bag_of_images_becomes_a_recording(
    evaluate: Evaluator, write_bag: Any
) -> None:
    recording = evaluate(write_bag())
    count = world.COUNT
    assert recording.name == "kitchen" and recording.complete
    assert (recording.images, recording.estimated) == (count, count) and not recording.drops
    assert (recording.start_ns, recording.end_ns) == (world.stamp(0), world.stamp(count - 1))
    assert [(e.person_id, e.class_name) for e in recording.truth] == [
        (0, "raise"), (1, "fist"), (0, "raise"),
    ]  # fmt: skip
    score = score_episodes(recording.truth, recording.recognised, 1.0)
    assert score.right == 3 and not score.false_alarms
    assert set(recording.stage_ms) == {"pose", "tracking", "recognition", "total"}
    assert all(len(values) == count for values in recording.stage_ms.values())
    assert {person.person_id for person in recording.people} == {0, 1}
    for person in recording.people:
        assert (np.diff(person.stamps_ns) > 0).all() and person.hands.any()
        assert person.probabilities[person.class_ids >= 0].min() > 1 / 3
        running = [e for e in recording.recognised if e.person_id == person.person_id]
        assert (person.reported >= 0).sum() == sum(
            e.start_ns <= s < e.end_ns for e in running for s in person.stamps_ns
        )


def test_two_runs_say_the_same_and_the_second_estimates_nothing(
    evaluate: Evaluator, write_bag: Any
) -> None:
    path = write_bag()
    first = evaluate(path)
    looked = len(evaluate.looked)
    assert same(first, evaluate(path)) and len(evaluate.looked) == looked
    evaluate.output = evaluate.output.with_name("elsewhere")
    assert same(first, evaluate(path)) and len(evaluate.looked) == 2 * looked


def test_a_stopped_run_leaves_a_valid_record_and_the_next_goes_on_there(
    evaluate: Evaluator, write_bag: Any
) -> None:
    path = write_bag()
    whole = evaluate(path)
    evaluate.output = evaluate.output.with_name("stopped")
    evaluate.subject.made.clear()
    part = evaluate(path, stop_after=60)
    assert not part.complete and part.estimated == 60
    assert part.end_ns == world.stamp(59)
    # An action that was not seen to its end is no part of the truth.
    assert [e.class_name for e in part.truth] == ["raise"]
    assert any("stopped" in text for text in part.problems)
    rest = evaluate(path)
    assert rest.complete and same(rest, whole)
    first, second = (estimator.looked for estimator in evaluate.subject.made)
    assert first == list(range(60))
    # It looks at the last five seconds again before it goes on, because it remembers people.
    assert second == list(range(10, 120))
    assert any("went on in the middle" in text for text in rest.problems)


def test_a_report_about_an_action_that_was_cut_off_is_no_false_alarm(
    evaluate: Evaluator, write_bag: Any
) -> None:
    part = evaluate(write_bag(), stop_after=40)  # within the first action, after it was told
    assert not part.complete and not part.truth and not part.recognised
    first = next(person for person in part.people if person.person_id == 0)
    assert first.stamps_ns.max() < world.stamp(20) and (first.reported < 0).all()
    other = next(person for person in part.people if person.person_id == 1)
    assert other.stamps_ns.max() > world.stamp(35)
    part = evaluate(write_bag("again"), stop_after=90)  # within the third
    score = score_episodes(part.truth, part.recognised, 1.0)
    assert score.right == 2 and not score.false_alarms


def test_a_damaged_checkpoint_is_made_again_and_only_that_one(
    evaluate: Evaluator, write_bag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bharnet_ros.evaluation.estimating.STRETCH_IMAGES", 30)
    path = write_bag()
    whole = evaluate(path)
    files = sorted(evaluate.output.rglob("*.npz"))
    assert len(files) == 4
    for damage in (b"", files[1].read_bytes()[:500], files[2].read_bytes()):
        evaluate.subject.made.clear()
        files[1].write_bytes(damage)
        assert same(evaluate(path), whole)
        assert set(evaluate.looked) == set(range(60)) and evaluate.looked[-1] == 59
    flipped = bytearray(files[3].read_bytes())
    flipped[len(flipped) // 2] ^= 0xFF
    files[3].write_bytes(flipped)
    evaluate.subject.made.clear()
    assert same(evaluate(path), whole) and evaluate.looked[-1] == 119


def test_another_bag_of_the_same_name_is_estimated_anew(
    evaluate: Evaluator, write_bag: Any, tmp_path: Path
) -> None:
    path = write_bag(count=30)
    evaluate(path)
    path.rename(tmp_path / "old")
    path = write_bag(count=40)
    assert evaluate(path).estimated == 40 and len(evaluate.looked) == 70


def test_no_room_for_checkpoints_is_told_and_the_rest_is_done(
    evaluate: Evaluator, write_bag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bharnet_ros.evaluation.checkpoints.write_atomically", full)
    recording = evaluate(write_bag())
    assert recording.complete and any("No space left" in text for text in recording.problems)


def test_recorded_skeletons_are_enough(evaluate: Evaluator, write_bag: Any) -> None:
    recording = evaluate(write_bag(images=False, skeletons=True))
    assert score_episodes(recording.truth, recording.recognised, 1.0).right == 3
    assert "pose" not in recording.stage_ms and not evaluate.subject.made
    untracked = evaluate(write_bag("untracked", images=False, skeletons=True, ids=(-1, -1)))
    assert score_episodes(untracked.truth, untracked.recognised, 1.0).right == 3


@pytest.mark.parametrize(("kind", "frames"), [("images", world.COUNT), ("skeletons", 0)])
def test_what_is_estimated_is_smoothed_and_what_was_recorded_is_not(
    evaluate: Evaluator, write_bag: Any, monkeypatch: pytest.MonkeyPatch, kind: str, frames: int
) -> None:
    seen = []

    class Counting(Smoother):
        def update(self, frame: SkeletonFrame) -> SkeletonFrame:
            seen.append((self.strength, frame.skeletons[0].track_id if frame.skeletons else 0))
            return super().update(frame)

    monkeypatch.setattr("bharnet_ros.evaluation.subject.Smoother", Counting)
    evaluate.subject = replace(evaluate.subject, smoothing=1.0)
    path = write_bag(skeletons=True) if kind == "skeletons" else write_bag()
    assert evaluate(path, kind).complete
    assert len(seen) == frames and all(
        strength == 1.0 and track_id >= 0 for strength, track_id in seen
    )


def test_compressed_images_give_the_same(
    evaluate: Evaluator, write_bag: Any, tmp_path: Path
) -> None:
    import cv2

    from bharnet_ros.bags.write import BagWriter

    with BagWriter(tmp_path / "kitchen_png") as bag:
        for index in range(world.COUNT):
            data = cv2.imencode(".png", world.picture(index))[1].tobytes()
            bag.skeletons("/ground_truth/skeletons", world.people(index))
            bag.actions("/ground_truth/actions", world.truth(index))
            bag.compressed_image("/image_raw/compressed", world.stamp(index), data, "png")
    raw, packed = evaluate(write_bag()), evaluate(tmp_path / "kitchen_png")
    assert packed.recognised == raw.recognised and packed.truth == raw.truth


def test_labels_say_who_does_what(
    evaluate: Evaluator, write_bag: Any, write_labels: Any
) -> None:
    recording = evaluate(write_bag(true=False), labels=write_labels())
    assert len(recording.truth) == 3
    score = score_episodes(recording.truth, recording.recognised, 1.0)
    assert score.right == 3 and not score.false_alarms


def test_frames_are_found_again_with_the_people_of_the_truth(
    evaluate: Evaluator, write_bag: Any
) -> None:
    images = write_bag()
    evaluate(images)
    first, last = world.stamp(50), world.stamp(53)
    found = evaluate.frames.between(first, last)
    assert [frame.stamp_ns for frame in found] == [world.stamp(i) for i in range(50, 54)]
    for frame, index in zip(found, range(50, 54), strict=True):
        expected = world.people(index)
        for person, true in zip(frame.skeletons, expected.skeletons, strict=True):
            assert person.track_id == true.track_id
            np.testing.assert_array_equal(person.keypoints, true.keypoints)
    picture = evaluate.frames.images()
    assert (picture(world.stamp(51)) == world.picture(51)).all()
    assert picture(world.stamp(51) + 1) is None
    evaluate(write_bag("others", skeletons=True), "skeletons")
    found = evaluate.frames.between(first, last)
    assert [p.track_id for p in found[0].skeletons] == [0, 1]
    assert (evaluate.frames.images()(last) == world.picture(53)).all()


def test_the_real_estimator_gives_what_the_pipeline_gives(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="the default pose backend is not installed")
    from bharnet_ros.bags.write import BagWriter
    from bharnet_ros.gestures import BodyShape, GesturePlayer, Style, load_vocabulary
    from bharnet_ros.pipeline import Pipeline
    from bharnet_ros.simulation import Appearance, Camera, Effects, Renderer, Scene, ScriptedActor
    from bharnet_ros.tracking import Tracker

    rng = np.random.default_rng(0)
    player = GesturePlayer(load_vocabulary(), BodyShape.default(), Style(fidget=0.1))
    actor = ScriptedActor(
        0, (2.2, 0.0), 0.0, Appearance.sample(rng), player.plan([("stop", 0.2, 2.2)], rng)
    )
    renderer = Renderer(
        Camera(width=640, height=360, focal_px=525.0), np.full((360, 640, 3), 150, np.uint8),
        Effects(),
    )  # fmt: skip
    scene = Scene([actor], renderer, 2.5)
    pictures = [scene.frame(index / 8).image for index in range(20)]
    with BagWriter(tmp_path / "drawn") as bag:
        for index, image in enumerate(pictures):
            bag.image("/image_raw", world.BEGIN_NS + index * 125_000_000, image)
    labels = tmp_path / "labels.csv"
    labels.write_text("start,end,label\n0.2,2.2,stop\n", "utf-8")
    subject = Subject("gestures", pose_options={"num_threads": 1})
    expected = []
    pipeline = Pipeline(subject.estimator(), Tracker(), subject.recognizer())
    for index, image in enumerate(pictures):
        result = pipeline.process(image, world.BEGIN_NS + index * 125_000_000)
        expected += [result.actions] if result.actions is not None else []

    with open_bag(tmp_path / "drawn") as opened:
        given = choose_input(opened, "auto")
        manifest = subject.loaded.manifest
        truth = choose_truth("auto", opened, tmp_path / "drawn", given, labels, manifest)
        job = Job("drawn", subject, opened, tmp_path / "drawn", given, truth, tmp_path / "out")
        recording, frames = evaluate_offline(job)
    (person,) = recording.people
    assert person.person_id == 1  # the only one that is labelled
    assert [frame.stamp_ns for frame in expected] == person.stamps_ns.tolist()
    running = [frame.actions[0].state in (1, 2) for frame in expected]
    assert (person.reported >= 0).tolist() == running
    assert len(frames.between(recording.start_ns, recording.end_ns)) == 20
