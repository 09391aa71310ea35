"""A tiny bundle with an RGB graph whose answer is known: red tiles are a cup, blue ones a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.synthetic import BODY_INPUTS, HAND_INPUTS, tiny_manifest
from bharnet_ros.bundle import Bundle, write_bundle
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import GraphFile, Rgb, Shape

CLASSES = ("idle", "cup", "phone")
_RIGHT_WRIST = 10
_LOGIT = 8.0
_GAIN = 12.0


def tiny_rgb_manifest(classes: Sequence[str] = CLASSES, **changes: Any) -> Manifest:
    """Of the bundle that `write_tiny_rgb_bundle` writes."""
    regions = ("head", "torso", "left_hand", "right_hand")
    rgb = Rgb(regions, tile_px=16, num_frames=5, groups=(tuple(classes[1:]),))
    graphs = {role: GraphFile(f"{role}.onnx") for role in ("body", "hand", "fusion", "rgb")}
    fields = {"name": "objects", "rgb": rgb, "graphs": graphs, "whole_sha256": "0" * 64, **changes}
    return tiny_manifest(classes, **fields)


def write_tiny_rgb_bundle(
    folder: str | Path,
    classes: Sequence[str] = CLASSES,
    extra: Mapping[str, bytes] | None = None,
    **changes: Any,
) -> Bundle:
    """Skeletons say "cup" or "phone", each one half, wherever the right wrist is seen.

    Pixels then decide: with the mean red r and blue b (0..1) of the tiles that are seen, the RGB
    logits are 12 (r - b) for "cup" and the opposite for "phone", and the reliability is 1 where
    any tile is seen. classes: other names of the three. extra: see `write_bundle`. changes: to the
    manifest.
    """
    manifest = tiny_rgb_manifest(classes, **changes)
    return write_bundle(folder, manifest, tiny_rgb_graphs(manifest), extra)


def tiny_rgb_graphs(manifest: Manifest) -> dict[str, bytes]:
    """The four graphs, serialized, by their roles."""
    body = np.zeros((BODY_INPUTS, len(CLASSES)), np.float32)
    body[2 * 19 + _RIGHT_WRIST, 1:] = _LOGIT / 0.9  # a score of 0.9 is what estimators give
    hand = np.zeros((HAND_INPUTS, len(CLASSES)), np.float32)
    logits: Shape = ("N", len(CLASSES))
    fused = {"body_logits": logits, "hand_logits": logits}
    return {
        "body": _graph(
            [
                ("ReduceMean", ["body"], "mean", {"axes": [2], "keepdims": 0}),
                ("Flatten", ["mean"], "flat", {"axis": 1}),
                ("MatMul", ["flat", "weights"], "body_logits", {}),
                ("Gather", ["mean", "score"], "scores", {"axis": 1}),
                ("Squeeze", ["scores", "last"], "body_attention", {}),
            ],
            {"body": manifest.inputs["body"]},
            {"body_logits": logits, "body_attention": ("N", 19)},
            {"weights": body, "score": np.array(2), "last": np.array([2])},
        ),
        "hand": _graph(
            [
                ("ReduceMean", ["hand"], "mean", {"axes": [2], "keepdims": 0}),
                ("Flatten", ["mean"], "flat", {"axis": 1}),
                ("MatMul", ["flat", "weights"], "hand_logits", {}),
            ],
            {"hand": manifest.inputs["hand"]},
            {"hand_logits": logits},
            {"weights": hand},
        ),
        "fusion": _graph(
            [
                ("Add", ["body_logits", "hand_logits"], "sum", {}),
                ("Softmax", ["sum"], "probabilities", {"axis": 1}),
            ],
            fused,
            {"probabilities": logits},
            {},
        ),
        "rgb": _rgb_graph(manifest),
    }


def _rgb_graph(manifest: Manifest) -> bytes:
    tiles, seen, attention, given = manifest.rgb_inputs
    outputs = manifest.rgb_outputs
    answer, logits, reliability = outputs
    return _graph(
        [
            # mean colour (N, 3) of the tiles that are seen
            ("ReduceMean", [tiles], "colours", {"axes": [4, 5], "keepdims": 0}),
            ("Unsqueeze", [seen, "last3"], "mask", {}),
            ("Mul", ["colours", "mask"], "kept", {}),
            ("ReduceSum", ["kept", "grid"], "sums", {"keepdims": 0}),
            ("ReduceSum", [seen, "grid"], "count", {"keepdims": 0}),
            ("Max", ["count", "one"], "at_least", {}),
            ("Unsqueeze", ["at_least", "last1"], "divisor", {}),
            ("Div", ["sums", "divisor"], "colour", {}),
            # nobody attended to: no say
            ("ReduceMax", [attention], "strongest", {"axes": [1], "keepdims": 1}),
            ("Min", ["strongest", "one"], "some", {}),
            ("Sign", ["some"], "attended", {}),
            ("MatMul", ["colour", "gains"], "raw", {}),
            ("Mul", ["raw", "attended"], logits, {}),
            ("Unsqueeze", ["count", "last1"], "counts", {}),
            ("Min", ["counts", "one"], reliability, {}),
            # within the group, by exp(log p + g z)
            ("Mul", [logits, reliability], "said", {}),
            ("Exp", ["said"], "factor", {}),
            ("Mul", [given, "group"], "inside", {}),
            ("Mul", ["inside", "factor"], "weighted", {}),
            ("ReduceSum", ["inside", "last1"], "mass", {}),
            ("ReduceSum", ["weighted", "last1"], "total", {}),
            ("Max", ["total", "tiny"], "norm", {}),
            ("Div", ["mass", "norm"], "scale", {}),
            ("Mul", ["weighted", "scale"], "moved", {}),
            ("Mul", [given, "others"], "kept_outside", {}),
            ("Add", ["moved", "kept_outside"], answer, {}),
        ],
        manifest.rgb_inputs,
        outputs,
        {
            "last3": np.array([3]), "last1": np.array([1]), "grid": np.array([1, 2]),
            "one": np.array(1.0, np.float32), "tiny": np.array(1e-30, np.float32),
            # (red, green, blue) x (idle, cup, phone)
            "gains": np.array([[0, _GAIN, -_GAIN], [0, 0, 0], [0, -_GAIN, _GAIN]], np.float32),
            "group": np.array([[0, 1, 1]], np.float32),
            "others": np.array([[1, 0, 0]], np.float32),
        },
    )  # fmt: skip


def _graph(
    nodes: Sequence[tuple[str, list[str], str, dict[str, Any]]],
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    constants: Mapping[str, Any],
) -> bytes:
    """nodes: operation, inputs, output, attributes."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def values(shapes: Mapping[str, Shape]) -> list[Any]:
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
            for name, shape in shapes.items()
        ]

    graph = helper.make_graph(
        [helper.make_node(kind, given, [result], **more) for kind, given, result, more in nodes],
        "tiny",
        values(inputs),
        values(outputs),
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized
