"""The RGB branch as a graph, and the bundle it is in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from bharnet_ros.errors import BundleError
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import Rgb
from bharnet_ros.roi import RoiConfig
from training.engine import rgb_exporting
from training.engine.rgb_exporting import RGB_INPUTS, RGB_OUTPUTS, rgb_graph
from training.export import RgbGraph, export_bundle
from training.model_config import ExpertConfig, ModelConfig
from training.models import BHaRNet
from training.models.bharnet import CalibratedBHaRNet
from training.models.encoders import create_encoder
from training.models.rgb import RgbBranch
from training.windowing import ExpertInputs

ROI = RoiConfig(("head", "right_hand"), tile_px=8, num_frames=2)
NAMES = ("idle", "cup", "phone", "wave")
STEPS = 8


@pytest.fixture(scope="module")
def graph() -> tuple[bytes, float]:
    torch.manual_seed(0)
    encoder = create_encoder("mobilenetv3_small_050", ROI.tile_px)
    branch = RgbBranch(ROI, encoder, len(NAMES), [[1, 2]], width=8)
    torch.nn.init.normal_(branch.classify.weight)
    return rgb_graph(branch, ROI, len(NAMES))


def test_the_graph_is_the_branch(graph: tuple[bytes, float]) -> None:
    content, difference = graph
    assert difference <= 1e-4
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == list(RGB_INPUTS)
    assert [value.name for value in session.get_outputs()] == list(RGB_OUTPUTS)
    people = rgb_exporting._people(ROI, len(NAMES), 5, 1)
    fused, _, trust = session.run(list(RGB_OUTPUTS), people)
    p = people["skeleton_probabilities"]
    assert np.array_equal(fused[1], p[1]) and trust[1] == 0.0  # nothing of them was seen
    assert np.array_equal(fused[:, [0, 3]], p[:, [0, 3]])
    np.testing.assert_allclose(fused[:, 1:3].sum(1), p[:, 1:3].sum(1), atol=1e-6)


def test_a_bundle_with_pixels_says_the_same_of_skeletons(
    graph: tuple[bytes, float], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    expert = ExpertConfig("stgcnpp", (8,), (2,))
    network = BHaRNet(ModelConfig(expert, expert), len(NAMES), STEPS).eval()
    manifest = Manifest(
        name="held", layout="coco_wholebody_133", class_names=NAMES, background_class="idle",
        window_s=1.0, num_steps=STEPS,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    body = rng.random((4, 3, STEPS, 19, 1), np.float32)
    hand = rng.random((4, 3, STEPS, 21, 2), np.float32)
    body[1] = 0.0
    windows = ExpertInputs(body, hand, np.zeros(4, np.int64))
    rgb = RgbGraph(Rgb(ROI.regions, ROI.tile_px, ROI.num_frames, (("cup", "phone"),)), graph[0])
    bundle, difference = export_bundle(network, manifest, windows, tmp_path, {}, rgb)
    assert difference <= 1e-4
    assert bundle.manifest.rgb == rgb.about
    assert (tmp_path / "rgb.onnx").read_bytes() == graph[0]

    found = create_engine(bundle).run({"body": body, "hand": hand})
    with torch.no_grad():
        expected = CalibratedBHaRNet(network)(torch.from_numpy(body), torch.from_numpy(hand))
    assert list(found) == ["body_logits", "hand_logits", "probabilities", "body_attention"]
    for values, wanted in zip(found.values(), expected, strict=False):
        np.testing.assert_allclose(values, wanted.numpy(), atol=1e-5)
    attention = found["body_attention"]
    assert attention.shape == (4, 19) and not attention[1].any() and attention[0].all()


def test_a_graph_that_says_something_else_is_refused(
    graph: tuple[bytes, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(network: object, example: object, i: object, o: object, path: Path) -> None:
        path.write_bytes(graph[0])

    monkeypatch.setattr(rgb_exporting, "save_graph", write)
    torch.manual_seed(1)  # another branch than the graph's
    encoder = create_encoder("mobilenetv3_small_050", ROI.tile_px)
    with pytest.raises(BundleError, match="export again"):
        rgb_graph(RgbBranch(ROI, encoder, len(NAMES), [[1, 2]], width=8), ROI, len(NAMES))
