from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic import person_keypoints, write_tiny_bundle
from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import ConfigurationError, InvalidSkeletonError
from bharnet_ros.experts import Experts, WindowSet
from bharnet_ros.features import FeatureConfig, hand_features
from bharnet_ros.inference import create_engine
from bharnet_ros.windows import Window

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")

HIDDEN_BODY, HIDDEN_HANDS = slice(0, 23), slice(91, 133)


def window(hidden: slice = slice(0, 0), **pose: object) -> Window:
    points = np.repeat(person_keypoints(**pose)[None], 16, axis=0)
    scores = np.full((16, 133), 0.9, np.float32)
    scores[:, hidden] = 0.0
    return Window(points, scores, 16, 0, 1_000_000_000)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_tiny_bundle(tmp_path)


def test_everybody_in_one_run_is_as_everybody_alone(bundle: Bundle) -> None:
    experts = Experts(bundle, create_engine(bundle))
    windows = {
        4: window(right_wrist=(-0.5, -1.0)), 9: window(spread=0.3),
        2: window(HIDDEN_HANDS), 3: window(HIDDEN_BODY, spread=0.3),
    }  # fmt: skip
    together = experts.judge(windows)
    assert experts.timings_ms["inference"] > 0.0
    for key, one in windows.items():
        alone = experts.judge({key: one})[key]
        for name in ("probabilities", "body", "hand"):
            assert np.allclose(getattr(together[key], name), getattr(alone, name), atol=1e-5)
    assert [int(together[key].probabilities.argmax()) for key in (4, 9, 2, 3)] == [1, 2, 0, 2]
    assert not together[2].hand.any() and together[2].body.any()
    assert not together[3].body.any() and together[3].hand.any()


@pytest.mark.parametrize(
    ("fusion", "seen"), [("fused", {1, 2, 3}), ("body", {1, 2}), ("hand", {1, 3})]
)
def test_who_cannot_be_seen_is_left_out(bundle: Bundle, fusion: str, seen: set[int]) -> None:
    experts = Experts(bundle, create_engine(bundle), fusion)
    everybody = {
        1: window(), 2: window(HIDDEN_HANDS), 3: window(HIDDEN_BODY), 4: window(slice(0, 133)),
    }  # fmt: skip
    assert set(experts.judge(everybody)) == seen
    assert experts.judge({}) == {} and experts.timings_ms["inference"] == 0.0


def test_one_expert_alone_has_its_own_temperature(tmp_path: Path) -> None:
    from bharnet_ros.manifest_parts import Fusion

    hot = write_tiny_bundle(tmp_path, fusion=Fusion(body_temperature=4.0, hand_temperature=2.0))
    raised = window(right_wrist=(-0.5, -1.0))
    opinion = Experts(hot, create_engine(hot), "body").judge({1: raised})[1]
    expected = np.exp([0.0, 8.0 / 4.0, 0.0])
    assert np.allclose(opinion.probabilities, expected / expected.sum(), atol=1e-4)
    assert np.array_equal(opinion.probabilities, opinion.body)
    expected = np.exp([0.0, 0.0, -12.0 / 2.0])
    assert np.allclose(opinion.hand, expected / expected.sum(), atol=1e-4)


def test_results_that_are_not_finite_are_left_out(bundle: Bundle) -> None:
    class Broken:
        def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            rows = np.zeros((len(inputs["body"]), 3), np.float32)
            probabilities = np.full_like(rows, 1 / 3)
            probabilities[1] = np.nan
            return {"body_logits": rows, "hand_logits": rows, "probabilities": probabilities}

    assert set(Experts(bundle, Broken()).judge({5: window(), 6: window()})) == {5}


def test_an_unknown_fusion_is_refused(bundle: Bundle) -> None:
    with pytest.raises(ConfigurationError, match="'sum'"):
        Experts(bundle, create_engine(bundle), "sum")


def test_a_hand_expert_alone_is_silent_about_people_without_hands(tmp_path: Path) -> None:
    bundle = write_tiny_bundle(tmp_path, streams=("hand",))
    everybody = {1: window(spread=0.3), 2: window(HIDDEN_HANDS), 3: window(HIDDEN_BODY)}
    for fusion in ("fused", "hand"):
        opinions = Experts(bundle, create_engine(bundle), fusion).judge(everybody)
        assert set(opinions) == {1, 3}
        assert int(opinions[1].probabilities.argmax()) == 2
        assert not opinions[1].body.any() and opinions[1].hand.any()
    with pytest.raises(ConfigurationError, match="only a hand expert; use 'fused' or 'hand'"):
        Experts(bundle, create_engine(bundle), "body")


def test_a_body_expert_alone(tmp_path: Path) -> None:
    bundle = write_tiny_bundle(tmp_path, streams=("body",))
    everybody = {1: window(right_wrist=(-0.5, -1.0)), 3: window(HIDDEN_BODY)}
    opinions = Experts(bundle, create_engine(bundle)).judge(everybody)
    assert set(opinions) == {1} and int(opinions[1].probabilities.argmax()) == 1
    assert opinions[1].body.any() and not opinions[1].hand.any()
    with pytest.raises(ConfigurationError, match="only a body expert"):
        Experts(bundle, create_engine(bundle), "hand")


def test_features_are_made_once_for_several_bundles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bharnet_ros import experts as module

    both = write_tiny_bundle(tmp_path / "a")
    hands = write_tiny_bundle(tmp_path / "b", streams=("hand",))
    other = write_tiny_bundle(
        tmp_path / "c", streams=("hand",), features=FeatureConfig(mirror_left=False)
    )
    calls = []
    monkeypatch.setattr(
        module, "hand_features", lambda *given: calls.append(given) or hand_features(*given)
    )
    windows = {4: window(spread=0.3), 9: window()}
    group = WindowSet(windows)
    shared = [Experts(b, create_engine(b)).judge(group) for b in (both, hands, other)]
    assert len(calls) == 2  # the third has other options
    for bundle, opinions in zip((both, hands, other), shared, strict=True):
        alone = Experts(bundle, create_engine(bundle)).judge(windows)
        for key in windows:
            assert np.array_equal(alone[key].probabilities, opinions[key].probabilities)


def test_image_space_takes_the_size_of_the_frame(tmp_path: Path) -> None:
    bundle = write_tiny_bundle(
        tmp_path, streams=("hand",), features=FeatureConfig(hand_space="image")
    )
    experts = Experts(bundle, create_engine(bundle))
    sized = replace(window(spread=0.3), image_size=(720, 1280))
    assert set(experts.judge({1: sized})) == {1}
    with pytest.raises(InvalidSkeletonError, match=r"image_size is \[\[0\.0, 0\.0\]\]"):
        experts.judge({1: window()})
