"""Bundles with an RGB graph: what they must say, and that others stay as they were."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.synthetic import tiny_manifest
from benchmarks.synthetic_rgb import tiny_rgb_graphs, tiny_rgb_manifest, write_tiny_rgb_bundle
from bharnet_ros.bundle import Bundle, load_bundle, rewrite_bundle, shipped_bundles, write_bundle
from bharnet_ros.errors import BundleError
from bharnet_ros.expert_graphs import ExpertGraphs
from bharnet_ros.inference import build_engine, choosing, create_engine, open_graph
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import GraphFile, Rgb

pytest.importorskip("onnx", reason="the tiny graphs are built with onnx")

CLASSES = ("idle", "cup", "phone")
ROI = Rgb(("head", "torso", "left_hand", "right_hand"), 16, 5, (("cup", "phone"),))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_tiny_rgb_bundle(tmp_path_factory.mktemp("rgb") / "objects")


def test_a_bundle_with_an_rgb_graph_is_read_as_it_was_written(bundle: Bundle) -> None:
    manifest = load_bundle(bundle.path).manifest
    assert manifest.rgb == ROI and manifest.to_dict()["format_version"] == 4
    assert bundle.graphs["rgb"].name == "rgb.onnx"
    assert manifest.outputs["body_attention"] == ("N", 19)
    assert "body_attention" not in manifest.opinion_outputs
    assert manifest.rgb_inputs == {
        "tiles": ("N", 5, 4, 3, 16, 16), "seen": ("N", 5, 4), "attention": ("N", 19),
        "skeleton_probabilities": ("N", 3),
    }  # fmt: skip
    assert manifest.rgb_outputs == {
        "probabilities": ("N", 3), "rgb_logits": ("N", 3), "rgb_reliability": ("N", 1)
    }
    copy = rewrite_bundle(bundle, replace(manifest, description="moved"), bundle.path / "copy")
    assert copy.manifest.rgb == ROI and set(copy.graphs) == {"body", "hand", "fusion", "rgb"}


def test_bundles_without_are_written_as_before(bundle: Bundle) -> None:
    plain = tiny_manifest()
    assert plain.to_dict()["format_version"] == 2 and "rgb" not in plain.to_dict()
    assert plain.rgb_inputs == {} and plain.rgb_outputs == {}
    split = tiny_manifest(
        CLASSES, whole_sha256="0" * 64,
        graphs={role: GraphFile(f"{role}.onnx") for role in ("body", "hand", "fusion")},
    )  # fmt: skip
    assert split.to_dict()["format_version"] == 3 and "rgb" not in split.to_dict()
    assert "body_attention" not in split.outputs
    for name in shipped_bundles():
        path = load_bundle(name).path / "manifest.json"
        stated = json.loads(path.read_text("utf-8"))
        again = json.loads(json.dumps(Manifest.from_dict(stated).to_dict()))
        assert again["format_version"] == stated["format_version"]
        assert ("rgb" in again) == ("rgb" in stated)


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"groups": [["cup", "phone"], ["phone", "idle"]]}, "no class may be in two"),
    ({"groups": [["cup"]]}, "two or more classes"),
    ({"groups": [["cup", "cup"]]}, "no class may be in two"),
    ({"groups": []}, "groups is empty"),
    ({"groups": [["cup", "bottle"]]}, "'bottle', which is none of the class_names"),
    ({"groups": [["cup", 3]]}, "none of the class_names"),
    ({"groups": [["cup", {}]]}, "none of the class_names"),
    ({"groups": "cup"}, "a list of lists"),
    ({"groups": ["cup", "phone"]}, "a list of lists"),
    ({"groups": None}, "a list of lists"),
    ({"regions": "head"}, "regions must be a list"),
    ({"regions": ["tail"]}, "tail"),
    ({"tile_px": 10_000}, "tile_px is 10000"),
    ({"tile_px": 1e9}, "tile_px"),
    ({"num_frames": -1}, "num_frames is -1"),
    ({"num_frames": None}, "num_frames is None"),
    ({"min_mass": 1.5}, "rgb.min_mass is 1.5"),
    ({"min_mass": "much"}, "rgb.min_mass is 'much'"),
    ({"shape": "round"}, "does not understand"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_every_refusal_is_a_sentence(change: Mapping[str, Any], message: str) -> None:
    data = json.loads(json.dumps(tiny_rgb_manifest().to_dict()))
    assert Manifest.from_dict(data).rgb == ROI
    data["rgb"] = {**data["rgb"], **change}
    with pytest.raises(BundleError, match=message):
        Manifest.from_dict(data)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.update(rgb=[]), "rgb must be an object"),
        (lambda d: d.update(rgb={}), "lists"),
        (lambda d: d["rgb"].pop("tile_px"), "tile_px"),
        (lambda d: d.update(rgb=None), "graphs"),
        (lambda d: d["graphs"].pop("rgb"), "graphs body, hand, fusion, rgb"),
        (lambda d: d["outputs"].pop("body_attention"), "states outputs"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    data = json.loads(json.dumps(tiny_rgb_manifest().to_dict()))
    edit(data)
    with pytest.raises(BundleError, match=message):
        Manifest.from_dict(data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([*CLASSES, "head"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from([*ROI.__dataclass_fields__, "more"]), inner, max_size=5),
    max_leaves=12,
)


@given(_JSON, st.sampled_from([None, *ROI.__dataclass_fields__]))
def test_any_json_is_read_or_refused(value: Any, field: str | None) -> None:
    data = json.loads(json.dumps(tiny_rgb_manifest().to_dict()))
    data["rgb"] = value if field is None else {**data["rgb"], field: value}
    try:
        manifest = Manifest.from_dict(data)
    except BundleError:
        return
    assert manifest.rgb is not None and set(manifest.rgb.groups[0]) <= set(CLASSES)


def test_only_a_split_bundle_can_have_one() -> None:
    with pytest.raises(BundleError, match="bundle of one graph"):
        tiny_manifest(CLASSES, rgb=ROI)
    with pytest.raises(BundleError, match="must be an object"):
        tiny_rgb_manifest(rgb={"regions": ["head"]})


def test_the_engine_opens_the_rgb_graph_only_when_asked(bundle: Bundle) -> None:
    without, engine = create_engine(bundle), create_engine(bundle, rgb=True)
    assert isinstance(without, ExpertGraphs) and isinstance(engine, ExpertGraphs)
    assert without.rgb is None and engine.rgb is not None
    engine.warm_up((1, 3))
    rng = np.random.default_rng(0)
    inputs = {
        name: rng.uniform(0, 1, (2, *map(int, shape[1:]))).astype(np.float32)
        for name, shape in bundle.manifest.inputs.items()
    }
    for name, value in without.run(inputs).items():
        np.testing.assert_array_equal(value, engine.run(inputs)[name])
    assert build_engine(bundle) is None
    engine.close()


def test_int8_is_for_graphs_that_windows_calibrate(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: dict[str, dict[str, Any]] = {}

    def build(path: Path, name: str, folder: Path, **options: Any) -> Path:
        built[path.stem] = {key: options[key] for key in ("precision", "calibration")}
        return path

    monkeypatch.setattr(choosing, "build_graph", build)
    build_engine(bundle, "tensorrt", precision="int8", calibration="windows.npz")
    windows = {"precision": "int8", "calibration": "windows.npz"}
    assert built["body"] == built["hand"] == windows and "fusion" not in built
    assert built["rgb"] == {"precision": "fp16", "calibration": ""}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tile_px": 24}, r"rgb.onnx has input 'tiles' of shape"),
        ({"num_frames": 3}, r"rgb.onnx has input 'tiles' of shape"),
    ],
)
def test_a_graph_that_is_not_the_manifests_is_refused(
    bundle: Bundle, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    manifest = tiny_rgb_manifest(rgb=replace(ROI, **change))
    wrong = write_bundle(tmp_path, manifest, tiny_rgb_graphs(bundle.manifest))
    create_engine(wrong).close()  # of no concern to those who do not look at pixels
    with pytest.raises(BundleError, match=message):
        create_engine(wrong, rgb=True)


def test_a_body_without_attention_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    graphs = tiny_rgb_graphs(bundle.manifest)
    graphs["body"] = graphs["hand"]
    wrong = write_bundle(tmp_path, bundle.manifest, graphs)
    with pytest.raises(BundleError, match="body"):
        create_engine(wrong)
    engines = {role: open_graph(path) for role, path in bundle.graphs.items() if role != "rgb"}
    assert ExpertGraphs(bundle.manifest, engines).rgb is None


def test_the_regions_of_a_manifest_are_those_of_the_cutter() -> None:
    roi = Rgb(("head",), 32, 3, (("a", "b"),)).roi
    assert (roi.regions, roi.tile_px, roi.num_frames) == (("head",), 32, 3)
