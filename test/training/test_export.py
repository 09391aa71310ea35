"""A bundle of a network with learned reliabilities, from export to the robot's opinion."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from bharnet_ros.bundle import load_bundle
from bharnet_ros.errors import BundleError
from bharnet_ros.experts import Experts
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import Fusion
from bharnet_ros.windows import Window
from training.export import export_bundle
from training.model_config import ExpertConfig, ModelConfig
from training.models import BHaRNet
from training.windowing import ExpertInputs

STEPS, CLASSES = 8, ("idle", "wave", "point")


def _bundle(folder, fusion):
    torch.manual_seed(0)
    expert = ExpertConfig("pose", (8, 8), (1, 2), ("joint",), 0.0)
    network = BHaRNet(ModelConfig(expert, expert, fusion=fusion), len(CLASSES), STEPS).eval()
    manifest = Manifest(
        name="tiny", layout="coco_wholebody_133", class_names=CLASSES, background_class="idle",
        window_s=1.0, num_steps=STEPS, fusion=Fusion(temperature=1.5, body_temperature=0.8),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    body = rng.random((3, 3, STEPS, 19, 1), np.float32)
    hand = rng.random((3, 3, STEPS, 21, 2), np.float32)
    windows = ExpertInputs(body, hand, np.zeros(3, np.int64))
    return export_bundle(network, manifest, windows, folder)


@pytest.fixture(scope="module")
def reliable(tmp_path_factory):
    """(bundle, difference) of a network with learned reliabilities."""
    return _bundle(tmp_path_factory.mktemp("reliable"), "noisy_or_reliability")


@pytest.fixture(scope="module")
def summed(tmp_path_factory):
    """The bundle of a network that adds logits."""
    return _bundle(tmp_path_factory.mktemp("summed"), "logit_sum")[0]


def _window(hands: bool):
    rng = np.random.default_rng(1)
    keypoints = rng.uniform(100, 400, (STEPS, 133, 2)).astype(np.float32)
    scores = np.full((STEPS, 133), 0.9, np.float32)
    if not hands:
        scores[:, 91:] = 0.0
    fields = Window.__dataclass_fields__
    known = {"keypoints": keypoints, "scores": scores}
    blank = {name: 0 for name in fields if name not in known}
    return Window(**known, **blank)


def test_a_bundle_says_how_it_fuses_and_what_it_gives(reliable):
    bundle, difference = reliable
    assert difference <= 1e-4
    assert bundle.manifest.fusion == Fusion("noisy_or_reliability", 1.5, 0.8, 1.0, True)
    assert bundle.manifest.outputs["reliabilities"] == ("N", 2)
    stated = json.loads((bundle.path / "manifest.json").read_text("utf-8"))
    assert stated["outputs"]["reliabilities"] == ["N", 2]
    opinions = Experts(bundle, create_engine(bundle)).judge({1: _window(True), 2: _window(False)})
    assert opinions[1].reliabilities is not None and opinions[2].reliabilities is not None
    assert (opinions[1].reliabilities > 0.5).all()
    assert opinions[2].reliabilities[0] > 0.5 and opinions[2].reliabilities[1] == 0.0


def test_a_bundle_without_reliabilities_says_nothing_of_them(summed):
    bundle = summed
    assert bundle.manifest.fusion.method == "logit_sum"
    assert "reliabilities" not in bundle.manifest.outputs
    opinions = Experts(bundle, create_engine(bundle)).judge({1: _window(True)})
    assert opinions[1].reliabilities is None


def test_manifests_from_before_reliabilities_still_load(tmp_path, summed):
    folder = shutil.copytree(summed.path, tmp_path / "older")
    path = folder / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    del content["fusion"]["reliabilities"]
    path.write_text(json.dumps(content), "utf-8")
    assert load_bundle(folder).manifest == summed.manifest


def test_a_manifest_must_not_promise_reliabilities_that_the_graph_lacks(summed):
    bundle = summed
    promising = replace(
        bundle, manifest=replace(bundle.manifest, fusion=Fusion("noisy_or", reliabilities=True))
    )
    with pytest.raises(BundleError, match="gives 'reliabilities'"):
        create_engine(promising)
    with pytest.raises(BundleError, match="nothing to be weighed"):
        replace(bundle.manifest, streams=("body",), fusion=Fusion(reliabilities=True))
    with pytest.raises(BundleError, match="true or false"):
        replace(bundle.manifest, fusion=Fusion(reliabilities=1))  # type: ignore[arg-type]
