from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.synthetic import frame, person_keypoints, skeleton, write_tiny_bundle
from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import ConfigurationError, InvalidSkeletonError, LayoutError
from bharnet_ros.feature_config import FeatureConfig
from bharnet_ros.inference import Engine, create_engine
from bharnet_ros.recognizer import Recognizer, RecognizerConfig
from bharnet_ros.types import ActionFrame, ActionState, RecognizedAction, SkeletonFrame

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")

NONE, STARTED, ONGOING, ENDED = ActionState
SECOND = 1_000_000_000
IDLE, RAISE, FIST = (
    {"right_wrist": (-0.5, 0.05)},
    {"right_wrist": (-0.5, -1.0)},
    {"spread": 0.3},
)


class CountingEngine:
    """Passes runs on and remembers their batch sizes."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner
        self.batches: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.batches.append(len(inputs["body"]))
        return self.inner.run(inputs)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def engine(bundle: Bundle) -> Engine:
    return create_engine(bundle)


def person(track_id: int, **pose: object) -> object:
    center = (200.0 + 150.0 * track_id, 360.0)
    return skeleton(track_id, person_keypoints(center=center, **pose))


def feed(
    recognizer: Recognizer,
    start_s: float,
    end_s: float,
    poses: Mapping[int, Mapping[str, object]],
    rate_hz: float = 20.0,
) -> list[ActionFrame]:
    """Frames from start (included) to end (excluded) in which everybody keeps a pose."""
    frames = []
    for index in range(round((end_s - start_s) * rate_hz)):
        stamp = round((start_s + index / rate_hz) * SECOND)
        people = [person(track_id, **pose) for track_id, pose in poses.items()]
        result = recognizer.push(frame(stamp, *people))
        if result is not None:
            frames.append(result)
    return frames


def changes(frames: Sequence[ActionFrame]) -> list[tuple[int, ActionState, str]]:
    return [
        (a.track_id, a.state, a.hypotheses[0].class_name)
        for f in frames
        for a in f.actions
        if a.state in (STARTED, ENDED)
    ]


def only(result: ActionFrame | None) -> RecognizedAction:
    assert result is not None and len(result.actions) == 1
    return result.actions[0]


def test_an_action_is_reported_from_start_to_end(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    frames = feed(recognizer, 0.0, 2.0, {1: IDLE})
    assert changes(frames) == []
    assert frames[-1].actions[0].hypotheses[0].class_name == "idle"
    frames = feed(recognizer, 2.0, 4.0, {1: RAISE})
    assert changes(frames) == [(1, STARTED, "raise")]
    last = frames[-1].actions[0]
    assert last.state == ONGOING and last.hypotheses[0].class_name == "raise"
    assert last.hypotheses[0].score > 0.95
    assert last.body_score > 0.95 and last.hand_score == pytest.approx(0.5, abs=0.01)
    assert last.window_end_ns == frames[-1].stamp_ns
    assert last.window_end_ns - last.window_start_ns == SECOND
    assert last.num_frames == 21
    assert np.array_equal(last.bbox, person(1, **RAISE).bbox)
    frames = feed(recognizer, 4.0, 6.0, {1: IDLE})
    assert changes(frames) == [(1, ENDED, "raise")]


def test_two_people_two_labels_one_run(bundle: Bundle, engine: Engine) -> None:
    counting = CountingEngine(engine)
    recognizer = Recognizer(bundle, counting)
    frames = feed(recognizer, 0.0, 3.0, {1: RAISE, 2: FIST, 3: IDLE})
    assert set(changes(frames)) == {(1, STARTED, "raise"), (2, STARTED, "fist")}
    assert {a.track_id: a.hypotheses[0].class_name for a in frames[-1].actions} == {
        1: "raise", 2: "fist", 3: "idle",
    }  # fmt: skip
    assert counting.batches and set(counting.batches) == {3}
    assert set(recognizer.timings_ms) == {"windows", "features", "inference", "events"}


@pytest.mark.parametrize(
    ("fusion", "expected"),
    # Body alone cannot tell a fist from rest, hand alone not a raised arm from rest; what is
    # left is two equal probabilities, so nothing is named.
    [("body", {1: "raise", 2: None}), ("hand", {1: None, 2: "fist"})],
)
def test_one_expert_alone(
    bundle: Bundle, engine: Engine, fusion: str, expected: dict[int, str | None]
) -> None:
    recognizer = Recognizer(bundle, engine, RecognizerConfig(fusion=fusion, unknown=0.55))
    last = feed(recognizer, 0.0, 3.0, {1: RAISE, 2: FIST})[-1]
    found = {a.track_id: a.hypotheses[0].class_name if a.hypotheses else None for a in last.actions}
    assert found == expected


def test_hand_alone_says_unknown_without_hands(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine, RecognizerConfig(fusion="hand"))
    scores = np.full(133, 0.9, np.float32)
    scores[91:] = 0.0
    result = None
    for index in range(21):
        someone = skeleton(1, person_keypoints(**RAISE), scores)
        result = recognizer.push(frame(index * SECOND // 10, someone)) or result
    assert only(result).hypotheses == () and only(result).num_frames == 11
    fused = Recognizer(bundle, engine)
    for index in range(21):
        result = fused.push(frame(index * SECOND // 10, someone)) or result
    assert only(result).hypotheses[0].class_name == "raise"
    assert only(result).hand_score == 0.0 and only(result).body_score > 0.9


def test_nothing_is_said_before_enough_was_seen(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine, RecognizerConfig(min_coverage=0.6))
    frames = feed(recognizer, 0.0, 2.0, {1: RAISE})
    unknown = [f.stamp_ns for f in frames if not f.actions[0].hypotheses]
    assert unknown and max(unknown) <= 0.7 * SECOND
    assert all(f.actions[0].state == NONE for f in frames if f.stamp_ns < 0.55 * SECOND)


def test_a_person_who_leaves_ends(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    feed(recognizer, 0.0, 3.0, {1: RAISE, 2: IDLE})
    frames = feed(recognizer, 3.0, 5.0, {2: IDLE})
    assert changes(frames) == [(1, ENDED, "raise")]
    leaving = next(
        f for f in frames if any(a.track_id == 1 and a.state == ENDED for a in f.actions)
    )
    assert 3.4 * SECOND < leaving.stamp_ns < 3.7 * SECOND
    assert {a.track_id for a in frames[-1].actions} == {2}


def test_short_losses_are_bridged(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    feed(recognizer, 0.0, 3.0, {1: RAISE})
    away = feed(recognizer, 3.0, 3.3, {})
    assert {f.actions[0].window_end_ns for f in away} == {round(2.95 * SECOND)}
    frames = away + feed(recognizer, 3.3, 5.0, {1: RAISE})
    assert changes(frames) == []
    assert all(len(f.actions) == 1 for f in frames)


def test_empty_frames_give_empty_answers(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    frames = feed(recognizer, 0.0, 1.0, {})
    assert len(frames) == 15 and all(f.actions == () for f in frames)


def test_a_bag_that_loops_ends_what_ran_and_starts_afresh(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    feed(recognizer, 10.0, 13.0, {1: RAISE})
    frames = feed(recognizer, 10.0, 13.0, {1: RAISE})
    assert recognizer.resets == 1
    assert changes(frames) == [(1, ENDED, "raise"), (1, STARTED, "raise")]
    first = frames[0]
    assert first.stamp_ns == 10 * SECOND
    assert [a.state for a in first.actions] == [ENDED, NONE]


def test_a_blackout_ends_what_ran(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    feed(recognizer, 0.0, 3.0, {1: RAISE})
    frames = feed(recognizer, 8.0, 8.2, {1: RAISE})
    assert changes(frames) == [(1, ENDED, "raise")]
    assert frames[0].actions[-1].num_frames == 1


@pytest.mark.parametrize(
    ("camera_hz", "rate_hz", "expected"),
    [(30.0, 10.0, 10.0), (30.0, 15.0, 15.0), (30.0, 30.0, 30.0), (25.0, 10.0, 10.0),
     (25.0, 15.0, 15.0), (10.0, 15.0, 10.0), (7.0, 10.0, 7.0)],
)  # fmt: skip
def test_the_rate_of_answers_follows_the_stamps(
    bundle: Bundle, engine: Engine, camera_hz: float, rate_hz: float, expected: float
) -> None:
    recognizer = Recognizer(bundle, engine, RecognizerConfig(rate_hz=rate_hz))
    rng = np.random.default_rng(0)
    answers = []
    for index in range(round(20 * camera_hz)):
        jitter = rng.uniform(-0.003, 0.003)
        stamp = round((5.0 + index / camera_hz + jitter) * SECOND)
        if recognizer.push(frame(stamp)) is not None:
            answers.append(stamp)
    assert len(answers) == pytest.approx(20 * expected, rel=0.01)
    # As even as the frames allow: jitter never costs a whole frame.
    frames_apart = max(1, math.ceil(round(camera_hz / rate_hz, 6)))
    assert np.diff(answers).max() / SECOND < frames_apart / camera_hz + 0.007


def test_unusable_input_is_dropped_and_counted(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    broken = skeleton(2, np.full((133, 2), np.nan, np.float32))
    first = recognizer.push(
        frame(0, person(1), broken, person(-1), skeleton(3, person_keypoints()[:5]))
    )
    assert first is not None and {a.track_id for a in first.actions} == {1, 2}
    assert recognizer.push(frame(0, person(1))) is None
    assert recognizer.drops == {
        "nonfinite_keypoint": 133, "untracked": 1, "wrong_shape": 1, "duplicate_stamp": 1,
    }  # fmt: skip
    for index in range(1, 21):
        result = recognizer.push(frame(index * SECOND // 10, broken))
    assert only(result).hypotheses == () and only(result).state == NONE


def test_an_id_twice_in_a_frame_is_the_first_one(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    first = skeleton(1, person_keypoints(center=(200, 360), **RAISE))
    second = skeleton(1, person_keypoints(center=(900, 360)))
    frames = [recognizer.push(frame(i * SECOND // 15, first, second)) for i in range(30)]
    assert recognizer.drops == {"duplicate_track": 30}
    last = only(frames[-1])
    assert last.hypotheses[0].class_name == "raise"
    assert np.array_equal(last.bbox, first.bbox)  # of whom the window is


def test_another_layout_is_refused(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    with pytest.raises(LayoutError, match="kinect20"):
        recognizer.push(SkeletonFrame(0, (480, 640), "kinect20", ()))


def test_flush_ends_everything(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    assert recognizer.flush() is None
    feed(recognizer, 0.0, 3.0, {1: RAISE, 2: FIST, 3: IDLE})
    flushed = recognizer.flush()
    assert flushed is not None and flushed.stamp_ns == round(2.95 * SECOND)
    assert set(changes([flushed])) == {(1, ENDED, "raise"), (2, ENDED, "fist")}
    assert recognizer.flush() is None


def test_thresholds_come_from_the_bundle_unless_given(bundle: Bundle, engine: Engine) -> None:
    never = Recognizer(bundle, engine, RecognizerConfig(start=1.0, unknown=1.0))
    assert changes(feed(never, 0.0, 3.0, {1: RAISE})) == []
    with pytest.raises(ConfigurationError, match=r"end is 0\.4, above start 0\.2"):
        Recognizer(bundle, engine, RecognizerConfig(start=0.2))


@pytest.mark.parametrize(
    "options",
    [{"fusion": "sum"}, {"rate_hz": 0.0}, {"top_k": 0}, {"min_coverage": 2.0},
     {"smoothing_s": -1.0}, {"lost_after_s": 0.0}, {"confirm_s": -1.0}],
)  # fmt: skip
def test_bad_options_are_refused(
    bundle: Bundle, engine: Engine, options: dict[str, object]
) -> None:
    with pytest.raises(ConfigurationError):
        Recognizer(bundle, engine, RecognizerConfig(**options))


@given(
    script=st.lists(
        st.tuples(
            st.integers(1, 12),  # frames
            st.sampled_from([50, 50, 200, 700, -3000]),  # ms to the next block
            st.dictionaries(st.integers(0, 3), st.sampled_from([IDLE, RAISE, FIST]), max_size=4),
        ),
        min_size=1,
        max_size=12,
    )
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_happens_every_start_has_one_end(
    bundle: Bundle,
    engine: Engine,
    script: list[tuple[int, int, dict[int, dict[str, object]]]],
) -> None:
    recognizer = Recognizer(bundle, engine, RecognizerConfig(min_coverage=0.1, smoothing_s=0.05))
    running: dict[int, str] = {}
    results: list[ActionFrame] = []
    now_ms = 60_000
    for frames, pause_ms, poses in script:
        for _ in range(frames):
            people = [person(track_id, **pose) for track_id, pose in poses.items()]
            result = recognizer.push(frame(now_ms * 1_000_000, *people))
            if result is not None:
                results.append(result)
                standing = [a.track_id for a in result.actions if a.state != ENDED]
                assert len(standing) == len(set(standing))
                assert set(poses) <= {a.track_id for a in result.actions}
            now_ms += 50
        now_ms += pause_ms
    flushed = recognizer.flush()
    for result in [*results, *([flushed] if flushed else [])]:
        for action in result.actions:
            name = action.hypotheses[0].class_name if action.hypotheses else ""
            if action.state == STARTED:
                assert action.track_id not in running and name not in ("", "idle")
                running[action.track_id] = name
            elif action.state == ONGOING:
                assert running[action.track_id] == name
            elif action.state == ENDED:
                assert running.pop(action.track_id) == name
            else:
                assert action.track_id not in running and name in ("", "idle")
    assert running == {}


def test_frames_without_the_image_size_a_bundle_needs_are_refused(tmp_path: Path) -> None:
    features = FeatureConfig(hand_space="image")
    bundle = write_tiny_bundle(tmp_path, name="placed", features=features)
    recognizer = Recognizer(bundle, create_engine(bundle))
    feed(recognizer, 0.0, 1.0, {1: IDLE})
    known = frame(SECOND, person(1))
    for size in ((0, 0), (720, 0)):
        with pytest.raises(InvalidSkeletonError, match=r"0\) \(height, width\).*'placed'"):
            recognizer.push(replace(known, stamp_ns=2 * SECOND, image_size=size))
    assert recognizer.newest_ns == 950_000_000
    assert only(recognizer.push(known)).hypotheses
    # Who measures by the person needs none.
    other = write_tiny_bundle(tmp_path / "other", streams=("body",), features=features)
    recognizer = Recognizer(other, create_engine(other))
    assert recognizer.push(replace(known, image_size=(0, 0))) is not None
