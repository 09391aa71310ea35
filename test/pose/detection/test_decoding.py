"""Outputs of known people, in every form that exports have."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.detection.decoding import STRIDES, choose_decoder, grid
from bharnet_ros.pose.detection.suppression import best_boxes

pytest.importorskip("onnx", reason="the makers of known outputs live with the tiny networks")
from onnx_networks import yolox_rows

SIZE = (96, 64)
PEOPLE = [(8.0, 4.0, 40.0, 60.0, 0.9, 0), (50.0, 20.0, 80.0, 62.0, 0.6, 0)]
DOG = (30.0, 40.0, 60.0, 60.0, 0.8, 1)


def check(outputs: dict[str, np.ndarray], family: str, suppressed: bool) -> None:
    decoder = choose_decoder(outputs, SIZE, 0, "g.onnx")
    assert (decoder.family, decoder.suppressed) == (family, suppressed)
    boxes, scores = best_boxes(*decoder.decode(outputs, 0), 0.3, 0.45)
    np.testing.assert_allclose(boxes, [p[:4] for p in PEOPLE], atol=1e-3)
    np.testing.assert_allclose(scores, [p[4] for p in PEOPLE], atol=1e-5)


def test_yolox_as_it_comes() -> None:
    rows = yolox_rows([*PEOPLE, DOG], SIZE)
    check({"output": rows[None]}, "yolox", False)


def test_yolox_with_one_class() -> None:
    check({"output": yolox_rows(PEOPLE, SIZE, classes=1)[None]}, "yolox", False)


def test_yolox_decoded_by_its_export() -> None:
    rows = yolox_rows([*PEOPLE, DOG], SIZE)
    corners, strides = grid(SIZE)
    rows[:, :2] = rows[:, :2] * strides + corners
    rows[:, 2:4] = np.exp(rows[:, 2:4]) * strides
    check({"output": rows[None]}, "yolox", False)


def test_rtmdets_six_heads() -> None:
    logits = [np.full((1, 2, SIZE[1] // s, SIZE[0] // s), -9.0, np.float32) for s in STRIDES]
    gaps = [np.ones((1, 4, *value.shape[2:]), np.float32) for value in logits]
    for x0, y0, x1, y1, score, kind in [*PEOPLE, DOG]:
        column, row = int((x0 + x1) / 2) // 16, int((y0 + y1) / 2) // 16
        logits[1][0, kind, row, column] = np.log(score / (1 - score))
        x, y = column * 16, row * 16
        gaps[1][0, :, row, column] = (x - x0, y - y0, x1 - x, y1 - y)
    names = [f"{i}" for i in range(6)]
    check(dict(zip(names, [*logits, *gaps], strict=True)), "rtmdet", False)


def test_end_to_end_with_and_without_labels() -> None:
    rows = np.array([p[:5] for p in [*PEOPLE, DOG]], np.float32)[None]
    labels = np.array([[0, 0, 1]], np.float32)
    check({"dets": rows, "labels": labels}, "", True)
    check({"dets": rows[:, :2]}, "", True)


def test_another_number_of_the_class() -> None:
    outputs = {"output": yolox_rows([(*p[:5], 1) for p in PEOPLE], SIZE)[None]}
    boxes, _ = best_boxes(*choose_decoder(outputs, SIZE, 1, "g").decode(outputs, 0), 0.3, 0.45)
    assert len(boxes) == 2
    with pytest.raises(ConfigurationError, match="use a person detector"):
        choose_decoder(outputs, SIZE, 2, "g")


@pytest.mark.parametrize(
    "outputs",
    [
        {"output": (1, 100, 85)},
        {"output": (1, 1000)},
        {"boxes": (1, 50, 4), "scores": (1, 50, 80)},
        {"simcc_x": (1, 133, 384), "simcc_y": (1, 133, 512)},
        {str(i): (1, 4, 8, 8) for i in range(6)},
        {},
    ],
)
def test_other_outputs_are_refused_in_words(outputs: dict[str, tuple[int, ...]]) -> None:
    made = {name: np.zeros(shape, np.float32) for name, shape in outputs.items()}
    with pytest.raises(ConfigurationError, match=r"The graph g\.onnx gives .*expected are boxes"):
        choose_decoder(made, SIZE, 0, "g.onnx")


def test_a_network_gone_wild_gives_no_endless_boxes() -> None:
    rows = yolox_rows([], SIZE)
    rows[:, 2:] = 1e30
    outputs = {"output": rows[None]}
    boxes, scores = choose_decoder(outputs, SIZE, 0, "g").decode(outputs, 0)
    assert np.isfinite(boxes).all()
    assert len(scores) == len(rows)
