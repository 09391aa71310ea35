"""Whole graphs in three: which can be split, and that the numbers stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from benchmarks.synthetic import write_tiny_bundle
from benchmarks.synthetic_split import write_tiny_split_bundle
from bharnet_ros.bundle import load_bundle
from bharnet_ros.errors import BundleError
from bharnet_ros.expert_graphs import ExpertGraphs
from bharnet_ros.inference import create_engine, open_graph
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import Fusion
from training.cli import main
from training.export import write_graph, write_split
from training.model_config import ExpertConfig, ModelConfig
from training.models import BHaRNet
from training.models.bharnet import CalibratedBHaRNet
from training.splitting import split_bundle
from training.splitting_graph import row_bytes, split_graph

STEPS, CLASSES = 8, ("idle", "wave", "point")


def exported(tmp_path, **options):
    """The path of the whole graph, and a manifest for it."""
    torch.manual_seed(0)
    expert = ExpertConfig("stgcnpp", (4,), (2,), ("joint",), 0.0)
    network = BHaRNet(ModelConfig(expert, expert, **options), len(CLASSES), STEPS).eval()
    for parameter in network.parameters():  # gates that start at zero would hide differences
        parameter.data += 0.1 * torch.randn_like(parameter)
    judge = CalibratedBHaRNet(network, 1.3, 0.8)
    path = tmp_path / "whole.onnx"
    write_graph(judge, STEPS, path)
    fusion = Fusion(network.fusion, 1.3, 0.8, reliabilities="reliabilities" in judge.output_names)
    manifest = Manifest(
        name="tiny", layout="coco_wholebody_133", class_names=CLASSES, background_class="idle",
        window_s=1.0, num_steps=STEPS, fusion=fusion,
    )  # fmt: skip
    return path, manifest


def inputs():
    rng = np.random.default_rng(0)
    body = rng.uniform(0.1, 1.0, (6, 3, STEPS, 19, 1)).astype(np.float32)
    hand = rng.uniform(0.1, 1.0, (6, 3, STEPS, 21, 2)).astype(np.float32)
    hand[1], hand[2, ..., 0] = 0.0, 0.0
    hand[3, :, 1:] = 0.0  # seen in an eighth of the steps: less than min_hand_share
    body[4], body[5, :, 4:] = 0.0, 0.0
    return {"body": body, "hand": hand}


def test_experts_with_something_to_tell_each_other_are_split_too(tmp_path):
    options = {"variant": "pooling_attention", "fusion": "noisy_or_reliability"}
    path, manifest = exported(tmp_path, **options)
    wanted = open_graph(path).run(inputs())
    bundle = write_split(tmp_path / "bundle", manifest, path, {}, {"hand": 0.15})
    engine = create_engine(bundle)
    assert isinstance(engine, ExpertGraphs)
    found = engine.run(inputs())
    assert engine.rows == {"body": (5, 6), "hand": (4, 6)}
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=2e-6)
    kept = [
        weight.name
        for graph in bundle.graphs.values()
        for weight in onnx.load(graph).graph.initializer
        if np.prod(weight.dims) > 16
    ]
    assert len(kept) == len(set(kept))  # no weight is there twice


def test_one_network_for_everything_stays_one_graph(tmp_path):
    from benchmarks.synthetic import tiny_manifest

    nodes = [
        onnx.helper.make_node("Flatten", ["body"], ["flat_body"], axis=1),
        onnx.helper.make_node("Concat", ["body", "hand"], ["joined"], axis=1),
    ]
    whole = onnx.helper.make_model(
        onnx.helper.make_graph(
            nodes, "unified",
            [onnx.helper.make_tensor_value_info(n, 1, ["N", 3, 4]) for n in ("body", "hand")],
            [onnx.helper.make_tensor_value_info("joined", 1, ["N", 6, 4])],
        )
    )  # fmt: skip
    with pytest.raises(BundleError, match="no part that looks at the hand alone"):
        split_graph(whole)
    del whole.graph.node[0]
    path = tmp_path / "whole.onnx"
    onnx.save(whole, path)
    bundle = write_split(tmp_path / "bundle", tiny_manifest(), path, {}, {})
    assert set(bundle.graphs) == {"whole"} and not bundle.manifest.graphs


def test_only_graphs_of_body_and_hand_are_split(tmp_path):
    from benchmarks.synthetic import raised_hand_weights, tiny_model

    model = onnx.load_from_string(tiny_model(*raised_hand_weights(), 16, streams=("hand",)))
    with pytest.raises(BundleError, match="reads hand; only one that reads body and hand"):
        split_graph(model)


def test_what_has_no_row_per_person_is_not_passed_on(tmp_path):
    from benchmarks.synthetic import raised_hand_weights, tiny_model

    model = onnx.load_from_string(tiny_model(*raised_hand_weights(), 16))
    # The hand's logits are now scaled by the mean over everybody's.
    mean = onnx.helper.make_node("ReduceMean", ["hand_logits"], ["mean"], axes=[0], keepdims=0)
    scale = onnx.helper.make_node("Mul", ["body_logits", "mean"], ["scaled"])
    total = next(node for node in model.graph.node if node.op_type == "Sum")
    total.input[0] = "scaled"
    for node in (scale, mean):
        model.graph.node.insert(list(model.graph.node).index(total), node)
    nodes = list(model.graph.node)
    nodes.insert(nodes.index(scale), nodes.pop(nodes.index(mean)))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    with pytest.raises(BundleError, match=r"exchange 'mean' of shape .* no row per person"):
        split_graph(model)


def test_the_command_splits_and_proves_it(tmp_path, capsys):
    whole = write_tiny_bundle(tmp_path / "whole")
    output = tmp_path / "split"
    assert main(["split", str(whole.path), "--output", str(output)]) == 0
    assert "largest difference 0.0e+00" in capsys.readouterr().out
    split = load_bundle(output)
    same = replace(split.manifest, graphs={}, files={}, whole_sha256="")
    assert same == replace(whole.manifest, files={})
    assert split.digest == whole.digest  # it is the same network
    assert main(["split", str(output), "--output", str(tmp_path / "again")]) == 2
    assert "is split already" in capsys.readouterr().err


def test_the_largest_intermediate_result_is_known():
    def value(name, *sizes):
        return onnx.helper.make_tensor_value_info(name, 1, sizes)

    shape = onnx.numpy_helper.from_array(np.array([-1, 2]), "shape")
    nodes = [
        onnx.helper.make_node("Concat", ["hand", "hand", "hand"], ["wide"], axis=2),
        onnx.helper.make_node("Reshape", ["wide", "shape"], ["rows"]),
        onnx.helper.make_node("ReduceSum", ["hand"], ["out"], keepdims=0),
    ]
    graph = onnx.helper.make_graph(
        nodes, "sizes", [value("hand", "N", 5, 4)], [value("out")], [shape],
        value_info=[value("stated", "N", 900)],
    )  # fmt: skip
    # What the file states is not asked; 3 x 5 x 4 numbers for a person.
    assert row_bytes(onnx.helper.make_model(graph).SerializeToString()) == 240


def test_splitting_in_place(tmp_path):
    whole = write_tiny_bundle(tmp_path / "whole")
    digest = whole.digest
    bundle, difference = split_bundle(whole.path, whole.path, {})
    assert difference <= 1e-5
    assert {path.name for path in whole.path.iterdir()} == {
        "body.onnx", "hand.onnx", "fusion.onnx", "manifest.json",
    }  # fmt: skip
    assert bundle.digest == digest


def test_a_share_that_is_not_the_networks_own_is_found_out(tmp_path):
    whole = write_tiny_bundle(tmp_path / "whole")  # judges whatever was seen at all
    with pytest.raises(BundleError, match=r"differs from .* the network's own --min-body-share"):
        split_bundle(whole.path, tmp_path / "split", {"hand": 0.5})
    assert not (tmp_path / "split").exists()
    assert set(write_tiny_split_bundle(tmp_path / "b", 0.5).graphs) == {"body", "hand", "fusion"}
