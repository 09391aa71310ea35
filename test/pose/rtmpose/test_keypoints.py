"""RTMPoseKeypoints on tiny networks that follow a bright dot."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from bharnet_ros.errors import BharnetError, BundleError, ConfigurationError, WeightsError
from bharnet_ros.pose.image_graph import MAX_RUN
from bharnet_ros.pose.rtmpose.keypoints import RTMPoseKeypoints

pytest.importorskip("onnx", reason="the tiny networks are built with onnx")
from onnx_networks import constant_graph, plain_pixels, pose_graph

BOX = np.array([20.0, 10.0, 56.0, 58.0], np.float32)
"""36 x 48 pixels; with room 45 x 60, of which the network sees 24 x 32."""
SCALE = 60.0 / 32.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pose")
    plain_pixels(folder)
    pose_graph(folder / "free.onnx")
    pose_graph(folder / "two.onnx", batch=2, mixed=True)
    pose_graph(folder / "hand.onnx", keypoints=21, size=(32, 32))
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> RTMPoseKeypoints:
    return RTMPoseKeypoints(folder / "free.onnx", num_threads=1)


def dotted(x: int, y: int, size: tuple[int, int] = (90, 120)) -> np.ndarray:
    """An image with a bright dot some pixels wide around (x, y)."""
    image = np.zeros((*size, 3), np.uint8)
    image[y - 1 : y + 2, x - 1 : x + 2] = 255
    return image


def test_a_dot_is_found_where_it_is(model: RTMPoseKeypoints) -> None:
    points, scores = model.estimate([(dotted(40, 30), BOX)])
    assert points.shape == (1, 133, 2)
    assert scores.shape == (1, 133)
    assert points.dtype == scores.dtype == np.float32
    np.testing.assert_allclose(points[0, 0], (40, 30), atol=SCALE)
    np.testing.assert_allclose(points[0, 1] - points[0, 0], (SCALE, 0.0), atol=1e-3)
    assert 0.5 < scores.min() <= scores.max() <= 1.0
    assert model.num_keypoints == 133
    assert model.input_size == (24, 32)
    assert model.identity.startswith("free.onnx, onnxruntime ")


def test_people_of_several_cameras_are_one_batch(model: RTMPoseKeypoints) -> None:
    crops = [
        (dotted(20 + 2 * i, 15 + i, (90 + i, 200)), BOX + np.float32(2 * i))
        for i in range(MAX_RUN + 3)
    ]
    points, scores = model.estimate(crops)
    for i, each in enumerate(crops):
        alone, sure = model.estimate([each])
        np.testing.assert_array_equal(points[i], alone[0])
        np.testing.assert_array_equal(scores[i], sure[0])


def test_a_graph_for_two_takes_any_number(folder: Path, model: RTMPoseKeypoints) -> None:
    pair = RTMPoseKeypoints(folder / "two.onnx")
    crops = [(dotted(30 + 5 * i, 40), BOX) for i in range(5)]
    for found, expected in zip(pair.estimate(crops), model.estimate(crops), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert pair.estimate([])[0].shape == (0, 133, 2)


def test_boxes_that_show_nobody_score_nothing(model: RTMPoseKeypoints) -> None:
    image = dotted(40, 30)
    bad = [
        [np.nan] * 4, [0, 0, 0, 0], [30, 30, 20, 40], [200, 10, 220, 40], [-90, -90, -1, -1],
        [0, 0, np.inf, 9], [-1e9, 0, 1e9, 50],
    ]  # fmt: skip
    crops = [(image, np.array(box, np.float32)) for box in bad]
    points, scores = model.estimate([*crops, (image, BOX)])
    assert np.isfinite(points).all()
    assert (scores[:-1] == 0.0).all()
    assert (scores[-1] > 0.5).all()


@pytest.mark.parametrize("box", [[40, 30, 41, 31], [40.2, 30.2, 40.4, 30.9], [-500, -500, 90, 700]])
def test_one_pixel_people_and_giants(model: RTMPoseKeypoints, box: list[float]) -> None:
    points, scores = model.estimate([(dotted(40, 30), np.array(box, np.float32))])
    assert np.isfinite(points).all()
    assert ((scores >= 0.0) & (scores <= 1.0)).all()


def test_cameras_in_threads_do_not_mix(model: RTMPoseKeypoints) -> None:
    wrong: list[str] = []

    def look(x: int) -> None:
        for _ in range(30):
            points, _ = model.estimate([(dotted(x, 30), BOX)])
            if abs(points[0, 0, 0] - x) > SCALE:
                wrong.append(f"{points[0, 0, 0]} instead of {x}")

    threads = [threading.Thread(target=look, args=(x,)) for x in (28, 36, 44)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_hands(folder: Path) -> None:
    hands = RTMPoseKeypoints(folder / "hand.onnx", 21, kind="hand")
    points, _ = hands.estimate([(dotted(40, 30), np.array([30, 20, 50, 40], np.float32))])
    assert points.shape == (1, 21, 2)
    np.testing.assert_allclose(points[0, 0], (40, 30), atol=1.0)


def test_a_closed_model_says_so(folder: Path) -> None:
    model = RTMPoseKeypoints(folder / "hand.onnx", 21)
    model.close()
    model.close()
    with pytest.raises(BharnetError, match="was closed"):
        model.estimate([(dotted(40, 30), BOX)])


def test_a_network_that_gives_nan(tmp_path: Path) -> None:
    wide, high = np.full((133, 128), np.nan, np.float32), np.ones((133, 128), np.float32)
    constant_graph(tmp_path / "nan.onnx", {"simcc_x": wide, "simcc_y": high})
    points, scores = RTMPoseKeypoints(tmp_path / "nan.onnx").estimate([(dotted(40, 30), BOX)])
    assert np.isfinite(points).all()
    assert (scores == 0.0).all()


def rows(keypoints: int, bins: int) -> np.ndarray:
    return np.zeros((keypoints, bins), np.float32)


@pytest.mark.parametrize(
    ("outputs", "number", "message"),
    [
        ({"simcc_x": rows(17, 128), "simcc_y": rows(17, 128)}, 133,
         "gives 17 keypoints, not 133; use a whole-body network"),
        ({"simcc_x": rows(133, 128), "simcc_y": rows(133, 128)}, 21,
         "gives 133 keypoints, not 21; use RTMPose-hand"),
        ({"simcc_x": rows(133, 128), "simcc_y": rows(133, 100)}, 133, "two SimCC outputs"),
        ({"simcc_x": rows(133, 128), "simcc_y": rows(100, 128)}, 133, "two SimCC outputs"),
        ({"keypoints": rows(133, 2)}, 133, "two SimCC outputs"),
        ({"heatmap": np.zeros((133, 16, 16), np.float32)}, 133, "two SimCC outputs"),
    ],
)  # fmt: skip
def test_other_networks_are_refused(
    tmp_path: Path, outputs: dict[str, np.ndarray], number: int, message: str
) -> None:
    constant_graph(tmp_path / "g.onnx", outputs)
    with pytest.raises(ConfigurationError, match=message) as caught:
        RTMPoseKeypoints(tmp_path / "g.onnx", number)
    assert str(tmp_path / "g.onnx") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keypoints: 26", r"gives 133 keypoints, not 26 as pose\.yaml beside it says"),
        ("split_ratio: 3.0", r"of 2; the file beside it says 3.* \(pose\.yaml, or pipeline\.json"),
        ("input_size: [192, 256]", r"24 x 32 pixels; the file beside it says .*\[192, 256\]"),
    ],
)
def test_a_description_of_another_network(tmp_path: Path, text: str, message: str) -> None:
    pose_graph(tmp_path / "g.onnx")
    (tmp_path / "pose.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        RTMPoseKeypoints(tmp_path / "g.onnx")


def test_missing_weights_name_the_command_that_fetches_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BHARNET_ROS_MODELS", str(tmp_path / "store"))
    with pytest.raises(WeightsError, match="models fetch rtmw_m"):
        RTMPoseKeypoints("rtmw_m")
    with pytest.raises(WeightsError, match="nowhere"):
        RTMPoseKeypoints(tmp_path / "nowhere.onnx")


@pytest.mark.parametrize("content", [b"not a graph", b""])
def test_a_file_that_is_no_graph(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "g.onnx").write_bytes(content)
    with pytest.raises(BundleError, match="refuses the graph"):
        RTMPoseKeypoints(tmp_path / "g.onnx")
