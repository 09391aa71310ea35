"""Tiny ONNX networks whose answers are known: a dot in the image is the keypoint or the person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
BIN = 2
"""Bins of the SimCC outputs to a pixel."""


def save_graph(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple],
    outputs: dict[str, tuple],
    constants: dict[str, np.ndarray] | None = None,
    kinds: dict[str, int] | None = None,
) -> Path:
    """Write a graph. Shapes may hold texts for free dimensions; kinds: types other than float."""

    def infos(shapes: dict[str, tuple]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(name, (kinds or {}).get(name, FLOAT), list(shape))
            for name, shape in shapes.items()
        ]

    weights = [numpy_helper.from_array(v, n) for n, v in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", infos(inputs), infos(outputs), weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def pose_graph(
    path: Path,
    keypoints: int = 133,
    size: tuple[int, int] = (24, 32),
    batch: int | str = "N",
    mixed: bool = False,
) -> Path:
    """SimCC outputs that follow the brightest column and row; keypoint k lies k % 3 pixels right.

    size: (width, height). mixed: y first and under other names, as some exports have them.
    """
    width, height = size
    steps = np.arange(keypoints) % 3
    spread_x = np.zeros((keypoints, width, BIN * width), np.float32)
    spread_y = np.zeros((keypoints, height, BIN * height), np.float32)
    for k in range(keypoints):
        for x in range(width - steps[k]):
            spread_x[k, x, BIN * (x + steps[k])] = 1.0
        for y in range(height):
            spread_y[k, y, BIN * y] = 1.0
    x, y = ("a", "b") if mixed else ("simcc_x", "simcc_y")
    nodes = [
        helper.make_node("ReduceMax", ["input"], ["columns"], axes=[1, 2], keepdims=0),
        helper.make_node("ReduceMax", ["input"], ["rows"], axes=[1, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["columns", "axes"], ["columns4"]),
        helper.make_node("Unsqueeze", ["rows", "axes"], ["rows4"]),
        helper.make_node("MatMul", ["columns4", "spread_x"], ["x4"]),
        helper.make_node("MatMul", ["rows4", "spread_y"], ["y4"]),
        helper.make_node("Squeeze", ["x4", "squeezed"], [x]),
        helper.make_node("Squeeze", ["y4", "squeezed"], [y]),
    ]
    outputs = {x: (batch, keypoints, BIN * width), y: (batch, keypoints, BIN * height)}
    return save_graph(
        path,
        nodes,
        {"input": (batch, 3, height, width)},
        dict(reversed(outputs.items())) if mixed else outputs,
        {
            "spread_x": spread_x, "spread_y": spread_y,
            "axes": np.array([1, 2]), "squeezed": np.array([2]),
        },
    )  # fmt: skip


def plain_pixels(folder: Path, **more: object) -> None:
    """A pose.yaml that leaves the pixels as they are and makes 255 the full score."""
    values = {"mean": [0, 0, 0], "std": [1, 1, 1], "full_score": 255, **more}
    (folder / "pose.yaml").write_text("\n".join(f"{k}: {v}" for k, v in values.items()))


def yolox_rows(boxes: list[tuple], size: tuple[int, int], classes: int = 2) -> np.ndarray:
    """(A, 5 + classes) raw YOLOX values of boxes x0, y0, x1, y1, score, class, in input pixels."""
    rows = []
    cells = []
    for stride in (8, 16, 32):
        for y in range(size[1] // stride):
            for x in range(size[0] // stride):
                cells.append((x, y, stride))
                rows.append([0.0] * (5 + classes))
    for x0, y0, x1, y1, score, kind in boxes:
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        near = min(
            range(len(cells)),
            key=lambda i: (abs(cells[i][0] * 8 - x) + abs(cells[i][1] * 8 - y), cells[i][2])
            if cells[i][2] == 8
            else (1e9, 0),
        )
        gx, gy, stride = cells[near]
        rows[near] = [x / stride - gx, y / stride - gy, np.log((x1 - x0) / stride),
                      np.log((y1 - y0) / stride), score, *[0.0] * classes]  # fmt: skip
        rows[near][5 + kind] = 1.0
    return np.array(rows, np.float32)


def constant_graph(
    path: Path,
    outputs: dict[str, np.ndarray],
    size: tuple[int, int] = (64, 64),
    batch: int | str = "N",
    follows: bool = False,
) -> Path:
    """A network that always gives the same, for every image of a batch.

    outputs: of one image, by name; int64 arrays stay so. follows: multiply the outputs by the
    image's first value / 114, so that images of one batch can be told apart.
    """
    nodes = [
        helper.make_node("Slice", ["input", "zero3", "one3", "axes3"], ["pixel"]),
        helper.make_node("Squeeze", ["pixel", "axes3"], ["value"]),
        helper.make_node("Div", ["value", "grey"], ["share"]),
        helper.make_node("Mul", ["share", "nothing"], ["zeros"]),
        helper.make_node("Add", ["zeros", "unit"], ["ones"]),
    ]
    constants = {
        "zero3": np.array([0, 0, 0]), "one3": np.array([1, 1, 1]), "axes3": np.array([1, 2, 3]),
        "grey": np.float32(114.0), "nothing": np.float32(0.0), "unit": np.float32(1.0),
    }  # fmt: skip
    shapes, kinds = {}, {}
    for name, value in outputs.items():
        whole = value.dtype == np.int64
        constants[f"{name}_value"] = value[None].astype(np.float32)
        constants[f"{name}_axes"] = np.arange(1, value.ndim + 1)
        source = "share" if follows and not whole else "ones"
        nodes.append(helper.make_node("Unsqueeze", [source, f"{name}_axes"], [f"{name}_factor"]))
        result = f"{name}_float" if whole else name
        nodes.append(helper.make_node("Mul", [f"{name}_factor", f"{name}_value"], [result]))
        if whole:
            nodes.append(helper.make_node("Cast", [result], [name], to=INT64))
            kinds[name] = INT64
        shapes[name] = (batch, *value.shape)
    return save_graph(
        path, nodes, {"input": (batch, 3, size[1], size[0])}, shapes, constants, kinds
    )


def standing_pose(path: Path, keypoints: int = 133, size: tuple[int, int] = (48, 64)) -> Path:
    """A pose network that sees the same figure in every crop, smaller than the crop's box.

    Were it larger, whoever is followed would grow from image to image. Written with a pose.yaml
    that takes the pixels as they are; every score is 0.9.
    """
    width, height = size
    rng = np.random.default_rng(5)
    x = rng.uniform(0.25, 0.75, keypoints)
    y = rng.uniform(0.25, 0.75, keypoints)
    rows_x = np.zeros((keypoints, BIN * width), np.float32)
    rows_y = np.zeros((keypoints, BIN * height), np.float32)
    rows_x[np.arange(keypoints), (x * BIN * width).astype(int)] = 0.9
    rows_y[np.arange(keypoints), (y * BIN * height).astype(int)] = 0.9
    constant_graph(path, {"simcc_x": rows_x, "simcc_y": rows_y}, size)
    path.with_name(f"{path.stem}.pose.yaml").write_text("mean: [0, 0, 0]\nstd: [1, 1, 1]\n")
    return path
