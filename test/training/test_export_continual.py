"""The step graph of a bundle, from export to the robot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from benchmarks.steppable import TINY, as_if_trained
from bharnet_ros.bundle import Bundle, extra_files, load_bundle, rewrite_bundle
from bharnet_ros.continual import STEP_FILE
from bharnet_ros.continual.graph import state_sizes
from bharnet_ros.errors import BundleError, ConfigurationError
from bharnet_ros.feature_config import FeatureConfig
from bharnet_ros.inference import open_graph
from bharnet_ros.skeleton import body_graph
from training import export_continual
from training.export_continual import add_step_graph, is_causal, step_parity
from training.model_config import ExpertConfig, ModelConfig
from training.models import BHaRNet, Expert
from training.models.continual import StepAlone
from training.onnx_graph import save_graph


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle("asl_words_continual")


def test_the_shipped_step_graph_gives_what_its_windows_give(bundle):
    assert STEP_FILE in bundle.manifest.files
    assert step_parity(bundle) < 1e-5


def test_a_step_network_is_exported_with_its_states_for_any_number_of_people(tmp_path):
    config = replace(TINY, channels=(8,), strides=(2,), modalities=("joint",))
    step = StepAlone(as_if_trained(Expert(body_graph(), config, 8, 3))).eval()
    path, states = tmp_path / STEP_FILE, step.memory.blank(2)
    save_graph(
        step, (torch.rand(2, 3, 1, 19, 1), *states), ("body", "state_1", "state_2"),
        ("logits", "next_1", "next_2"), path, len(states),
    )  # fmt: skip
    engine = open_graph(path)
    assert state_sizes(engine) == step.memory.sizes
    for people in (1, 3):
        inputs = [torch.rand(people, 3, 1, 19, 1)]
        inputs += [torch.rand(people, size) for size in step.memory.sizes.values()]
        with torch.no_grad():
            expected = step(*inputs)
        found = engine.run({n: v.numpy() for n, v in zip(engine.inputs, inputs, strict=True)})
        for name, value in zip(("logits", "next_1", "next_2"), expected, strict=True):
            np.testing.assert_allclose(found[name], value, atol=1e-5)


def test_a_step_graph_of_other_weights_is_refused(bundle, tmp_path, monkeypatch):
    model = onnx.load(bundle.path / STEP_FILE)
    wanted = max(model.graph.initializer, key=lambda value: np.prod(value.dims))
    values = numpy_helper.to_array(wanted)
    wanted.CopyFrom(numpy_helper.from_array(values * np.float32(1.1), wanted.name))
    monkeypatch.setattr(
        export_continual, "step_graph", lambda network, of: model.SerializeToString()
    )
    copy = rewrite_bundle(bundle, bundle.manifest, tmp_path / "copy")
    network = BHaRNet(ModelConfig(TINY, TINY), len(bundle.manifest.class_names), 20)
    with pytest.raises(BundleError, match="differs from the window's"):
        add_step_graph(network, copy)


def test_features_of_windows_are_refused_before_anything_is_written(bundle, tmp_path):
    plain = replace(bundle.manifest, features=FeatureConfig())
    copy = rewrite_bundle(bundle, plain, tmp_path / "plain", {})
    network = BHaRNet(ModelConfig(TINY, TINY), len(plain.class_names), 20)
    with pytest.raises(ConfigurationError, match=r"median torso.*per_frame: true"):
        add_step_graph(network, copy)
    assert extra_files(load_bundle(copy.path)) == {}


def test_a_network_is_causal_if_both_experts_are():
    light = ExpertConfig(channels=(8, 8), strides=(1, 2))
    for experts, causal in (((TINY, TINY), True), ((TINY, light), False)):
        assert is_causal(BHaRNet(ModelConfig(*experts), 3, 20)) == causal
