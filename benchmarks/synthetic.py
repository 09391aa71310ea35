"""People made of a few numbers and a bundle whose network is one matrix product.

With them everything around the networks can be measured and tested on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.bundle import Bundle, write_bundle
from bharnet_ros.manifest import Manifest
from bharnet_ros.types import FloatArray, Skeleton, SkeletonFrame

LAYOUT = "coco_wholebody_133"
BODY_INPUTS, HAND_INPUTS = 3 * 19, 3 * 21 * 2
_JOINTS = {"body": (19, 1), "hand": (21, 2)}

# COCO body and feet, x to the right and y down in torso lengths from mid-hip. The person faces
# the camera, so the left side is at larger x.
_BODY = (
    (0.0, -1.35), (0.06, -1.40), (-0.06, -1.40), (0.13, -1.37), (-0.13, -1.37),
    (0.37, -1.0), (-0.37, -1.0), (0.47, -0.45), (-0.47, -0.45), (0.50, 0.05), (-0.50, 0.05),
    (0.2, 0.0), (-0.2, 0.0), (0.2, 0.8), (-0.2, 0.8), (0.2, 1.6), (-0.2, 1.6),
    (0.25, 1.72), (0.32, 1.70), (0.2, 1.66), (-0.25, 1.72), (-0.32, 1.70), (-0.2, 1.66),
)  # fmt: skip


def person_keypoints(
    center: tuple[float, float] = (320.0, 240.0),
    torso_px: float = 100.0,
    right_wrist: tuple[float, float] = (-0.5, 0.05),
    spread: float = 1.0,
) -> FloatArray:
    """(133, 2) float32 pixels of a standing person.

    center: mid-hip. right_wrist: in torso lengths from there. spread: 1 = fingers stretched,
    0.3 = a fist.
    """
    points = np.zeros((133, 2))
    points[:23] = _BODY
    points[10] = right_wrist
    points[8] = (points[6] + points[10]) / 2
    angle = np.linspace(0.0, np.pi, 68)
    points[23:91] = np.stack([0.12 * np.cos(angle), -1.3 + 0.15 * np.sin(angle)], axis=-1)
    for first, wrist, side in ((91, 9, 1.0), (112, 10, -1.0)):
        points[first] = points[wrist]
        for finger in range(5):
            direction = np.array([side * (0.5 - 0.25 * finger), -1.0])
            direction /= np.linalg.norm(direction)
            for joint in range(4):
                reach = 0.2 + 0.07 * joint * spread
                points[first + 1 + 4 * finger + joint] = points[wrist] + direction * reach
    pixels: FloatArray = (points * torso_px + np.asarray(center)).astype(np.float32)
    return pixels


def skeleton(track_id: int, keypoints: FloatArray, scores: FloatArray | None = None) -> Skeleton:
    """A skeleton around these keypoints, all seen unless scores say otherwise."""
    low, high = keypoints.min(axis=0), keypoints.max(axis=0)
    seen = np.full(len(keypoints), 0.9, np.float32) if scores is None else scores
    bbox = np.concatenate([low, high - low]).astype(np.float32)
    return Skeleton(track_id, bbox, 0.9, keypoints, seen)


def frame(stamp_ns: int, *skeletons: Skeleton) -> SkeletonFrame:
    """A 1280x720 frame of these people."""
    return SkeletonFrame(stamp_ns, (720, 1280), LAYOUT, skeletons)


def tiny_model(
    body_weights: FloatArray,
    hand_weights: FloatArray,
    num_steps: int,
    free_batch: bool = True,
    streams: Sequence[str] = ("body", "hand"),
) -> bytes:
    """A serialized ONNX graph with the inputs and outputs of a bundle of these streams.

    Logits are the features averaged over time, times body_weights (57, C) or hand_weights
    (126, C); flattened in the order channel, joint, instance.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    count = body_weights.shape[1]
    batch: Any = "N" if free_batch else 1
    nodes = []
    for name in streams:
        nodes += [
            helper.make_node("ReduceMean", [name], [f"{name}_mean"], axes=[2], keepdims=0),
            helper.make_node("Flatten", [f"{name}_mean"], [f"{name}_flat"], axis=1),
            helper.make_node("MatMul", [f"{name}_flat", f"{name}_w"], [f"{name}_logits"]),
        ]
    nodes += [
        helper.make_node("Sum", [f"{name}_logits" for name in streams], ["sum"]),
        helper.make_node("Softmax", ["sum"], ["probabilities"], axis=1),
    ]

    def value(name: str, *shape: Any) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *shape])

    graph = helper.make_graph(
        nodes,
        "tiny",
        [value(name, 3, num_steps, *_JOINTS[name]) for name in streams],
        [value(name, count) for name in (*(f"{s}_logits" for s in streams), "probabilities")],
        [
            numpy_helper.from_array(np.asarray(weights, np.float32), f"{name}_w")
            for name, weights in (("body", body_weights), ("hand", hand_weights))
            if name in streams
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized


def raised_hand_weights() -> tuple[FloatArray, FloatArray]:
    """Weights for ("idle", "raise", "fist"): the right wrist's height and the fingers' spread.

    With the right wrist a torso above the hip (y = -1) "raise" has a body logit of +8 and one
    hanging down (y = 0) -8; a right fist of spread 0.3 gives "fist" a hand logit above +15.
    """
    body = np.zeros((BODY_INPUTS, 3), np.float32)
    wrist_y, wrist_score = 1 * 19 + 10, 2 * 19 + 10
    body[wrist_y, 1], body[wrist_score, 1] = -16.0, -8.0 / 0.9
    hand = np.zeros((HAND_INPUTS, 3), np.float32)
    tip_y, tip_score = 1 * 42 + 12 * 2 + 1, 2 * 42 + 12 * 2 + 1
    hand[tip_y, 2], hand[tip_score, 2] = 40.0, 70.0 / 0.9
    return body, hand


def tiny_manifest(
    class_names: Sequence[str] = ("idle", "raise", "fist"), **changes: Any
) -> Manifest:
    """A manifest for `tiny_model`: one second in 16 steps unless changed."""
    fields: dict[str, Any] = {
        "name": "tiny",
        "layout": LAYOUT,
        "class_names": tuple(class_names),
        "background_class": class_names[0],
        "window_s": 1.0,
        "num_steps": 16,
        "description": "A matrix product for tests and measurements.",
        "license": "Apache-2.0",
    }
    return Manifest(**{**fields, **changes})


def write_tiny_bundle(folder: str | Path, **changes: Any) -> Bundle:
    """A bundle of `tiny_manifest(**changes)` with `raised_hand_weights`."""
    manifest = tiny_manifest(**changes)
    body, hand = raised_hand_weights()
    model = tiny_model(body, hand, manifest.num_steps, streams=manifest.streams)
    return write_bundle(folder, manifest, model)
