from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic import person_keypoints, write_tiny_bundle
from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.experts import Experts
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
    from bharnet_ros.manifest import Fusion

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
