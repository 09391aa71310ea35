"""Convolutions as matrix products give the same numbers, whatever surrounds them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from bharnet_ros.bundle import load_bundle, shipped_bundles, write_bundle
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import STREAMS, GraphFile
from training.cli import main
from training.export import write_graph
from training.model_config import ExpertConfig, ModelConfig
from training.models import BHaRNet
from training.models.bharnet import CalibratedBHaRNet
from training.onnx_products import as_products
from training.splitting_graph import split_graph

ort = pytest.importorskip("onnxruntime", reason="onnxruntime runs the graphs")


@dataclass
class Drawing:
    """A graph under construction; x is (N, channels, steps)."""

    channels: int
    steps: int
    seed: int = 0
    nodes: list = field(default_factory=list)
    weights: list = field(default_factory=list)

    def constant(self, name, *shape, least=-1.0):
        rng = np.random.default_rng([self.seed, len(self.weights)])
        values = rng.uniform(least, 1.0, shape).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def add(self, kind, inputs, output, **options):
        self.nodes.append(helper.make_node(kind, inputs, [output], **options))
        return output

    def convolve(self, source, output, channels, wanted, kernel=1, bias=True, **options):
        group = options.get("group", 1)
        inputs = [source, self.constant(f"{output}_w", wanted, channels // group, kernel)]
        if bias:
            inputs.append(self.constant(f"{output}_b", wanted))
        return self.add("Conv", inputs, output, kernel_shape=[kernel], **options)

    def norm(self, source, output, channels):
        names = [self.constant(f"{output}_{i}", channels, least=0.2) for i in range(4)]
        return self.add("BatchNormalization", [source, *names], output, epsilon=1e-3)

    def model(self, *outputs):
        """outputs: names; their shapes are inferred."""
        graph = helper.make_graph(
            self.nodes, "drawn",
            [
                helper.make_tensor_value_info(
                    "x", TensorProto.FLOAT, ["N", self.channels, self.steps]
                )
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self.weights,
        )  # fmt: skip
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10
        )
        model = onnx.shape_inference.infer_shapes(model)
        onnx.checker.check_model(model, full_check=True)
        return model


def kinds(model):
    return [node.op_type for node in model.graph.node]


def differences(old, new, people=(1, 3)):
    """Largest of any output, as a share of the largest number."""
    (source,) = old.graph.input
    sizes = [size.dim_value for size in source.type.tensor_type.shape.dim][1:]
    sessions = [
        ort.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"])
        for m in (old, new)
    ]
    for count in people:
        x = np.random.default_rng(count).standard_normal((count, *sizes)).astype(np.float32)
        for wanted, found in zip(*(each.run(None, {"x": x}) for each in sessions), strict=True):
            assert wanted.shape == found.shape
            yield float(np.abs(found - wanted).max() / max(np.abs(wanted).max(), 1.0))


def same(old, new):
    return max(differences(old, new)) < 1e-5


@settings(deadline=None, max_examples=40)
@given(
    kernel=st.integers(1, 6), stride=st.integers(1, 3), before=st.integers(0, 3),
    after=st.integers(0, 3), steps=st.integers(1, 9), bias=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_any_convolution(kernel, stride, before, after, steps, bias, seed):
    steps = max(steps, kernel - before - after)
    drawn = Drawing(4, steps, seed)
    drawn.convolve("x", "y", 4, 5, kernel, bias, strides=[stride], pads=[before, after])
    old = drawn.model("y")
    new = as_products(old)
    assert "Conv" not in kinds(new) and kinds(new).count("Gemm") == 1
    assert same(old, new)
    assert "Conv" in kinds(old)  # what was given is untouched
    assert as_products(new) is new


def expert(drawn: Drawing):
    """Norm, two layers of each step, a convolution with a shortcut, all steps in one."""
    drawn.norm("x", "normed", drawn.channels)
    drawn.convolve("normed", "a", drawn.channels, 7)
    drawn.add("Relu", ["a"], "b")
    drawn.convolve("b", "c", 7, 6, 5, strides=[2], pads=[2, 2])
    drawn.convolve("b", "d", 7, 6, strides=[2])
    drawn.add("Add", ["d", "c"], "e")
    drawn.add("Relu", ["e"], "f")
    drawn.convolve("f", "g", 6, 5, (drawn.steps + 1) // 2)
    drawn.add("Relu", ["g"], "y")
    return drawn


def test_what_is_linear_becomes_one_product():
    old = expert(Drawing(9, 8)).model("y")
    new = as_products(old)
    assert same(old, new)
    found = kinds(new)
    assert found.count("Gemm") == 3 and found.count("Relu") == 3
    assert not {"Conv", "Add"} & set(found)
    assert "BatchNormalization" in found  # int8 needs what it evens out
    # Rows stay rows between the products; x is turned once, y has one step.
    assert found.count("Transpose") == 1


def test_values_that_others_read_stay():
    old = expert(Drawing(9, 8)).model("y", "normed", "b", "c", "e")
    new = as_products(old)
    assert same(old, new)
    assert "BatchNormalization" in kinds(new)  # somebody wants to see it
    assert kinds(new).count("Add") == 1  # and the two summands
    drawn = Drawing(4, 6)
    drawn.convolve("x", "a", 4, 4)
    drawn.add("Relu", ["a"], "b")
    drawn.add("Mul", ["b", "x"], "c")
    drawn.convolve("c", "y", 4, 2, 3)
    drawn.add("Relu", ["x"], "z")
    old = drawn.model("y", "z", "a")
    assert same(old, as_products(old))


def test_a_norm_before_padding_stays_a_norm():
    drawn = Drawing(3, 6)
    drawn.norm("x", "normed", 3)
    drawn.convolve("normed", "y", 3, 4, 3, pads=[1, 1])
    old = drawn.model("y")
    new = as_products(old)
    assert "BatchNormalization" in kinds(new) and same(old, new)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"kernel": 5, "pads": [4, 0]}, {}),  # causal: the shortcut reads the last step
        ({"kernel": 4, "pads": [2, 1]}, {}),
        ({"kernel": 3, "pads": [1, 1]}, {"kernel": 3, "pads": [1, 1]}),
    ],
)
def test_sums_that_are_no_shortcut_stay_sums(first, second):
    drawn = Drawing(3, 6)
    drawn.convolve("x", "a", 3, 4, **first)
    drawn.convolve("x", "b", 3, 4, **second)
    drawn.add("Add", ["a", "b"], "y")
    old = drawn.model("y")
    new = as_products(old)
    assert kinds(new).count("Gemm") == 2 and kinds(new).count("Add") == 1 and same(old, new)


@pytest.mark.parametrize("options", [{"group": 2}, {"dilations": [2]}])
def test_other_convolutions_are_left_alone(options):
    drawn = Drawing(4, 8)
    drawn.convolve("x", "y", 4, 4, 3, **options)
    old = drawn.model("y")
    assert as_products(old) is old


def test_nothing_is_left_to_do_in_shipped_bundles():
    for name in shipped_bundles():
        for role, path in load_bundle(name).graphs.items():
            if role in STREAMS:
                model = onnx.load(path)
                assert as_products(model) is model, (name, role)


def earlier_export(folder):
    """A split bundle of pose experts as exports wrote them before: with convolutions."""
    pose = ExpertConfig("pose", (8, 8), (1, 2), ("joint",), 0.0)
    torch.manual_seed(0)
    network = BHaRNet(ModelConfig(pose, pose), 3, 8).eval()
    write_graph(CalibratedBHaRNet(network), 8, folder / "whole.onnx")
    parts = split_graph(onnx.load(folder / "whole.onnx"))
    manifest = Manifest(
        name="earlier", layout="coco_wholebody_133", class_names=("rest", "a", "b"),
        background_class="rest", window_s=0.8, num_steps=8, whole_sha256="1" * 64,
        graphs={role: GraphFile(f"{role}.onnx", 0.1, 64) for role in parts},
    )  # fmt: skip
    return write_bundle(folder / "earlier", manifest, parts, {"notes.txt": b"kept"})


@pytest.mark.parametrize("in_place", [False, True])
def test_a_bundle_of_an_earlier_export_is_written_anew(tmp_path, capsys, in_place):
    old = earlier_export(tmp_path)
    folder = old.path if in_place else tmp_path / "new"
    assert "Conv" in kinds(onnx.load(old.graphs["hand"]))
    assert main(["split", str(old.path), "--output", str(folder)]) == 0
    assert "largest difference" in capsys.readouterr().out
    new = load_bundle(folder)
    assert new.digest == old.digest  # it is the same network
    assert (folder / "notes.txt").read_bytes() == b"kept"
    for stream in STREAMS:
        found = kinds(onnx.load(new.graphs[stream]))
        assert "Gemm" in found and "Conv" not in found
        about = new.manifest.graphs[stream]
        assert about.min_share == 0.1 and about.row_bytes > 64
    assert new.manifest.graphs["fusion"] == old.manifest.graphs["fusion"]
    again = tmp_path / "again"
    assert main(["split", str(folder), "--output", str(again)]) == 2
    assert "nothing to change" in capsys.readouterr().err and not again.exists()
