from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError, EngineError
from bharnet_ros.pose.mmpose.keypoints import HAND, MMPoseKeypoints
from bharnet_ros.types import Image

BOXES = np.array(
    [[20, 30, 120, 220], [150, 10, 230, 200], [-40, -20, 90, 150], [200.5, 100.25, 260, 130]],
    np.float32,
)


@pytest.fixture(scope="module")
def model(config: Path, checkpoint: Path) -> MMPoseKeypoints:
    return MMPoseKeypoints(config, checkpoint, device="cpu", max_batch=3)


def _reference(model: MMPoseKeypoints, image: Image, boxes: np.ndarray):
    from mmpose.apis import inference_topdown

    samples = inference_topdown(model._network.module, image, boxes)
    points = np.stack([s.pred_instances.keypoints[0] for s in samples])
    return points, np.stack([s.pred_instances.keypoint_scores[0] for s in samples])


def test_people_of_several_images_are_what_mmpose_gives_one_by_one(
    model: MMPoseKeypoints, image: Image
) -> None:
    other = np.ascontiguousarray(image[::-1, :200])
    crops = [(image, BOXES[0]), (other, BOXES[0]), *((image, box) for box in BOXES[1:])]
    points, scores = model.estimate(crops)
    assert points.shape == (5, 133, 2) and scores.shape == (5, 133)
    assert points.dtype == scores.dtype == np.float32
    for row, (source, box) in enumerate(crops):
        expected, raw = _reference(model, source, box[None])
        np.testing.assert_allclose(points[row], expected[0], atol=1e-3)
        np.testing.assert_allclose(scores[row], np.clip(raw[0] / 10.0, 0, 1), atol=1e-4)
    assert 0.2 < scores.mean() < 0.95 and np.ptp(points[0], axis=0).min() > 20


def test_one_run_for_all_people_up_to_max_batch(
    model: MMPoseKeypoints, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    step = type(model._network.module).test_step

    def counted(self, data):
        sizes.append(len(data["inputs"]))
        return step(self, data)

    monkeypatch.setattr(type(model._network.module), "test_step", counted)
    model.estimate([(image, box) for box in BOXES])
    assert sizes == [3, 1]


@pytest.mark.parametrize(
    "box",
    [
        [np.nan, 0, 10, 10], [0, 0, np.inf, 10], [50, 50, 50, 90], [60, 60, 20, 20],
        [900, 900, 950, 950], [-50, -50, -10, -10],
    ],
)  # fmt: skip
def test_a_box_that_shows_nothing_scores_nothing(
    model: MMPoseKeypoints, image: Image, box: list[float]
) -> None:
    crops = [(image, np.array(box, np.float32)), (image, BOXES[0])]
    points, scores = model.estimate(crops)
    assert not scores[0].any() and np.isfinite(points).all()
    np.testing.assert_array_equal(scores[1], model.estimate(crops[1:])[1][0])


@pytest.mark.parametrize("box", [[40, 40, 41, 41], [40, 40, 40.01, 41], [-1e5, 0, 1e5, 10]])
def test_extreme_boxes_do_no_harm(model: MMPoseKeypoints, image: Image, box: list[float]) -> None:
    points, scores = model.estimate([(image, np.array(box, np.float32))])
    assert np.isfinite(points).all() and np.isfinite(scores).all()
    assert (scores >= 0).all() and (scores <= 1).all()


def test_nobody_is_no_run(model: MMPoseKeypoints) -> None:
    points, scores = model.estimate([])
    assert points.shape == (0, 133, 2) and scores.shape == (0, 133)


def test_numbers_that_are_none_score_nothing(
    model: MMPoseKeypoints, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    head = type(model._network.module.head)
    forward = head.forward

    def broken(self, features):
        x, y = forward(self, features)
        x, y = x.clone(), y.clone()
        x[:, 5], y[:, 7] = torch.nan, torch.inf
        return x, y

    monkeypatch.setattr(head, "forward", broken)
    points, scores = model.estimate([(image, BOXES[0])])
    assert np.isfinite(points).all() and np.isfinite(scores).all()
    assert scores[0, 5] == 0.0


def test_a_failing_run_is_an_engine_error(
    model: MMPoseKeypoints, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self, data):
        raise RuntimeError("CUDA out of memory. Tried to allocate\nmore lines")

    monkeypatch.setattr(type(model._network.module), "test_step", full)
    with pytest.raises(EngineError, match=r"1 people.*CUDA out of memory.*lower max_batch"):
        model.estimate([(image, BOXES[0])])


def test_looking_twice_changes_the_answer(
    model: MMPoseKeypoints, config: Path, checkpoint: Path, image: Image
) -> None:
    twice = MMPoseKeypoints(config, checkpoint, device="cpu", flip_test=True)
    points, _ = twice.estimate([(image, BOXES[0])])
    expected, _ = _reference(twice, image, BOXES[:1])
    np.testing.assert_allclose(points[0], expected[0], atol=1e-3)
    assert np.abs(points - model.estimate([(image, BOXES[0])])[0]).max() > 1.0


def test_the_identity_names_network_weights_and_device(model: MMPoseKeypoints) -> None:
    assert model.identity.startswith("tiny_rtmw, tiny.pth, mmpose 1.")
    assert model.identity.endswith(", cpu")


def test_another_number_of_keypoints_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"17 keypoints, not 133; choose a whole-body"):
        MMPoseKeypoints("rtmpose-t_8xb256-420e_coco-256x192", None, device="cpu")
    with pytest.raises(ConfigurationError, match=r"17 keypoints, not 21; choose one for hands"):
        MMPoseKeypoints("rtmpose-t_8xb256-420e_coco-256x192", None, HAND, device="cpu")


def test_a_network_of_heatmaps_is_taken_too(image: Image) -> None:
    config = "td-hm_vipnas-mbv3_8xb64-210e_coco-wholebody-256x192"
    model = MMPoseKeypoints(config, None, device="cpu")
    points, scores = model.estimate([(image, BOXES[0])])
    assert np.isfinite(points).all() and (scores >= 0).all() and (scores <= 1).all()


def test_a_closed_network_says_so(config: Path, image: Image) -> None:
    model = MMPoseKeypoints(config, None, device="cpu")
    model.close()
    model.close()
    with pytest.raises(EngineError, match="was closed"):
        model.estimate([(image, BOXES[0])])


@pytest.mark.parametrize("number", [0, 2000, True])
def test_max_batch_has_a_range(config: Path, number: int) -> None:
    with pytest.raises(ConfigurationError, match="max_batch"):
        MMPoseKeypoints(config, None, max_batch=number)
