"""Several bundles in one recogniser: what is shared, what is said, what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.synthetic import (
    BODY_INPUTS,
    HAND_INPUTS,
    frame,
    person_keypoints,
    skeleton,
    tiny_manifest,
    tiny_model,
    write_tiny_bundle,
)
from bharnet_ros import experts, judging
from bharnet_ros.bundle import Bundle, write_bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.inference import Engine, create_engine
from bharnet_ros.judging import Panel
from bharnet_ros.recognizer import Recognizer, RecognizerConfig
from bharnet_ros.types import ActionFrame, ActionState, RecognizedAction

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")

NONE, STARTED, ONGOING, ENDED = ActionState
SECOND = 1_000_000_000
IDLE, RAISE = {"right_wrist": (-0.5, 0.05)}, {"right_wrist": (-0.5, -1.0)}
FIST = {"spread": 0.3}
BOTH = {**RAISE, **FIST}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Bundle, Engine]]:
    """arm and hand share their windows; the windows of slow are longer."""
    folder = tmp_path_factory.mktemp("bundles")
    made = {}
    for name, classes, changes in (
        ("arm", ("idle", "raise", "fist"), {}),
        ("hand", ("rest", "lift", "closed"), {"streams": ("hand",)}),
        ("slow", ("idle", "raise", "fist"), {"window_s": 2.0}),
    ):
        bundle = write_tiny_bundle(folder / name, name=name, class_names=classes,
                                   background_class=classes[0], **changes)  # fmt: skip
        made[name] = (bundle, create_engine(bundle))
    return made


def feed(
    recognizer: Recognizer, start_s: float, end_s: float, poses: Mapping[int, Mapping[str, Any]]
) -> list[ActionFrame]:
    frames = []
    for index in range(round((end_s - start_s) * 20)):
        people = [
            skeleton(track, person_keypoints(center=(200.0 + 150.0 * track, 360.0), **pose))
            for track, pose in poses.items()
        ]
        stamp = round((start_s + index / 20) * SECOND)
        result = recognizer.push(frame(stamp, *people))
        if result is not None:
            frames.append(result)
    return frames


def changes(frames: Sequence[ActionFrame]) -> list[tuple[int, str, ActionState, str]]:
    return [
        (a.track_id, a.bundle, a.state, a.hypotheses[0].class_name)
        for f in frames
        for a in f.actions
        if a.state in (STARTED, ENDED)
    ]


def standing(result: ActionFrame) -> dict[tuple[int, str], RecognizedAction]:
    return {(a.track_id, a.bundle): a for a in result.actions}


def test_every_bundle_speaks_of_everybody(bundles: Any) -> None:
    recognizer = Recognizer([bundles["arm"], bundles["hand"]])
    frames = feed(recognizer, 0.0, 3.0, {1: RAISE, 2: FIST})
    assert set(changes(frames)) == {
        (1, "arm", STARTED, "raise"), (2, "arm", STARTED, "fist"), (2, "hand", STARTED, "closed"),
    }  # fmt: skip
    last = standing(frames[-1])
    assert set(last) == {(1, "arm"), (1, "hand"), (2, "arm"), (2, "hand")}
    assert all(h.bundle == a.bundle for a in last.values() for h in a.hypotheses)
    # The second has nothing but a hand expert: what the body says is not its business.
    assert last[2, "hand"].body_score == 0.0 and last[2, "hand"].hand_score > 0.9
    assert last[1, "hand"].state == NONE and len(frames[-1].actions) == 4
    assert recognizer.bundle_ms.keys() == {"arm", "hand"}
    assert all(value > 0.0 for value in recognizer.bundle_ms.values())
    flushed = recognizer.flush()
    assert flushed is not None and {state for _, _, state, _ in changes([flushed])} == {ENDED}
    assert len(changes([flushed])) == 3


def test_windows_and_features_are_made_once_where_they_agree(
    bundles: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut: list[int] = []
    made: list[str] = []
    original = judging.WindowBuffer.windows
    monkeypatch.setattr(
        judging.WindowBuffer, "windows",
        lambda self, ends_ns: cut.extend(ends_ns) or original(self, ends_ns),
    )  # fmt: skip
    for name in ("body_features", "hand_features"):
        function = getattr(experts, name)
        monkeypatch.setattr(
            experts, name,
            lambda *a, _name=name, _f=function: made.append(_name) or _f(*a),
        )  # fmt: skip
    recognizer = Recognizer([bundles["arm"], bundles["hand"], bundles["slow"]])
    feed(recognizer, 0.0, 2.0, {1: RAISE, 2: FIST})
    cut.clear()
    made.clear()
    assert recognizer.push(frame(2 * SECOND)) is not None
    assert sorted(cut) == [1, 1, 2, 2]  # one second and two seconds, of two people
    assert sorted(made) == ["body_features", "body_features", "hand_features", "hand_features"]


def test_windows_of_different_length_are_each_right(bundles: Any) -> None:
    recognizer = Recognizer([bundles["arm"], bundles["slow"]])
    last = standing(feed(recognizer, 0.0, 3.0, {1: RAISE})[-1])
    assert last[1, "arm"].window_end_ns - last[1, "arm"].window_start_ns == SECOND
    assert last[1, "slow"].window_end_ns - last[1, "slow"].window_start_ns == 2 * SECOND
    assert (last[1, "arm"].num_frames, last[1, "slow"].num_frames) == (21, 41)


def test_together_they_judge_as_each_alone(bundles: Any) -> None:
    poses = {1: RAISE, 2: FIST}
    together = Recognizer([bundles["arm"], bundles["slow"]])
    joint = feed(together, 0.0, 2.5, poses)
    for name in ("arm", "slow"):
        alone = feed(Recognizer(*bundles[name]), 0.0, 2.5, poses)
        mine = [[a for a in f.actions if a.bundle == name] for f in joint]
        assert [f.stamp_ns for f in alone] == [f.stamp_ns for f in joint]
        for one, other in zip(alone, mine, strict=True):
            for a, b in zip(one.actions, other, strict=True):
                assert (a.state, a.track_id, a.num_frames) == (b.state, b.track_id, b.num_frames)
                assert [h.class_name for h in a.hypotheses] == [h.class_name for h in b.hypotheses]


@pytest.mark.parametrize("order", [("arm", "hand"), ("hand", "arm")])
def test_of_two_bundles_one_may_speak(bundles: Any, order: tuple[str, str]) -> None:
    pairs = [bundles[name] for name in order]
    frames = feed(
        Recognizer(pairs, config=RecognizerConfig(conflict="priority")), 0.0, 3.0, {1: FIST}
    )
    assert [(bundle, state) for _, bundle, state, _ in changes(frames)] == [(order[0], STARTED)]
    assert all(len(f.actions) == 1 for f in frames)
    frames = feed(Recognizer(pairs, config=RecognizerConfig(conflict="best")), 0.0, 3.0, {1: RAISE})
    # The one without a body expert sees nothing in a raised arm, whatever the order.
    assert changes(frames) == [(1, "arm", STARTED, "raise")]
    assert all(len(f.actions) == 1 for f in frames)


@pytest.mark.parametrize("conflict", ["best", "priority"])
def test_a_person_who_leaves_ends_what_ran_once(bundles: Any, conflict: str) -> None:
    pairs = [bundles["arm"], bundles["hand"]]
    recognizer = Recognizer(pairs, config=RecognizerConfig(conflict=conflict))
    frames = feed(recognizer, 0.0, 2.0, {1: BOTH}) + feed(recognizer, 2.0, 4.0, {})
    assert [state for _, _, state, _ in changes(frames)] == [STARTED, ENDED]


def test_the_class_for_something_else_is_never_reported(tmp_path: Path) -> None:
    manifest = tiny_manifest(("idle", "other", "fist"), name="open", unknown_class="other")
    body = np.zeros((BODY_INPUTS, 3), np.float32)
    body[1 * 19 + 10, 1], body[2 * 19 + 10, 1] = -16.0, -8.0 / 0.9  # a raised wrist is "other"
    model = tiny_model(body, np.zeros((HAND_INPUTS, 3), np.float32), manifest.num_steps)
    bundle = write_bundle(tmp_path, manifest, model)
    recognizer = Recognizer(bundle, create_engine(bundle), RecognizerConfig(top_k=3, unknown=0.3))
    frames = feed(recognizer, 0.0, 2.0, {1: RAISE})
    assert changes(frames) == []
    last = frames[-1].actions[0]
    assert last.state == NONE and last.hypotheses == () and last.num_frames > 0
    resting = feed(recognizer, 2.0, 4.0, {1: IDLE})[-1].actions[0]
    assert [h.class_name for h in resting.hypotheses] == ["idle", "fist"]


def test_two_bundles_of_one_name_are_refused(bundles: Any, tmp_path: Path) -> None:
    twin = write_tiny_bundle(tmp_path, name="arm")
    with pytest.raises(ConfigurationError, match=r"Two bundles are named 'arm'.*leave one out"):
        Recognizer([bundles["arm"], (twin, create_engine(twin))])


def test_bundles_of_differing_layouts_are_refused(bundles: Any, tmp_path: Path) -> None:
    other = write_tiny_bundle(tmp_path, name="other", layout="mediapipe_holistic")
    with pytest.raises(ConfigurationError, match=r"'other'.*mediapipe_holistic.*one layout"):
        Recognizer([bundles["arm"], (other, create_engine(other))])


def test_no_bundle_or_a_missing_engine_is_refused(bundles: Any) -> None:
    with pytest.raises(ConfigurationError, match="No bundle"):
        Recognizer([])
    with pytest.raises(ConfigurationError, match="create_engine"):
        Recognizer(bundles["arm"][0])
    with pytest.raises(ConfigurationError, match="each brings its engine"):
        Recognizer([bundles["arm"]], bundles["arm"][1])


def test_an_expert_that_one_bundle_lacks_cannot_be_asked_alone(bundles: Any) -> None:
    with pytest.raises(ConfigurationError, match="'hand' has only a hand expert"):
        Recognizer([bundles["arm"], bundles["hand"]], config=RecognizerConfig(fusion="body"))


def test_a_panel_keeps_one_buffer_per_kind_of_window(bundles: Any) -> None:
    panel = Panel([bundles["arm"], bundles["hand"], bundles["slow"]], "fused", 0.5, 0.5)
    assert panel.num_windowings == 2
    assert panel.push(frame(SECOND)) and not panel.push(frame(SECOND))
    assert panel.buffer.drops == {"duplicate_stamp": 1}
    assert panel.judge({}) == [{}, {}, {}]
