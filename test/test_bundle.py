from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.synthetic import raised_hand_weights, tiny_manifest, tiny_model, write_tiny_bundle
from bharnet_ros import bundle as bundle_module
from bharnet_ros.bundle import (
    DEFAULT_BUNDLE,
    extra_files,
    find_bundle,
    load_bundle,
    shipped_bundles,
    write_bundle,
)
from bharnet_ros.errors import BundleError
from bharnet_ros.features import FeatureConfig
from bharnet_ros.inference import check_engine, create_engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import Fusion, Thresholds
from bharnet_ros.skeleton import get_layout

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / "tiny").path


def edit(folder: Path, change: Change) -> None:
    path = folder / "manifest.json"
    data = json.loads(path.read_text("utf-8"))
    change(data)
    path.write_text(json.dumps(data), "utf-8")


def test_what_is_written_is_what_is_loaded(tmp_path: Path) -> None:
    manifest = tiny_manifest(
        features=FeatureConfig(hand_origin="first_frame"),
        fusion=Fusion("noisy_or", 1.3, 1.1, 0.9),
        thresholds=Thresholds(0.7, 0.3, 0.45, class_start={"fist": 0.9}),
        training={"seed": 3, "data": "drawn actors"},
        metrics={"command": "python -m training evaluate", "accuracy": 0.9},
    )
    written = write_bundle(tmp_path, manifest, b"graph")
    loaded = load_bundle(tmp_path)
    assert loaded.manifest == written.manifest
    assert loaded.onnx_path.read_bytes() == b"graph"
    assert loaded.manifest.background_id == 0
    assert loaded.manifest.files["model.onnx"]["bytes"] == 5
    stated = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert stated["format_version"] == 2
    assert stated["inputs"] == {"body": ["N", 3, 16, 19, 1], "hand": ["N", 3, 16, 21, 2]}
    assert stated["outputs"]["probabilities"] == ["N", 3]
    assert "urgent" not in stated["thresholds"]  # earlier versions read it
    assert sorted(p.name for p in tmp_path.iterdir()) == ["manifest.json", "model.onnx"]


def test_a_bundle_with_urgent_classes_says_that_it_is_newer(tmp_path: Path) -> None:
    manifest = tiny_manifest(thresholds=Thresholds(urgent={"fist": 0.25}))
    write_bundle(tmp_path, manifest, b"graph")
    stated = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert stated["format_version"] == 5 and stated["thresholds"]["urgent"] == {"fist": 0.25}
    assert load_bundle(tmp_path).manifest.thresholds == manifest.thresholds


def test_a_graph_can_be_given_as_a_file(tmp_path: Path) -> None:
    source = tmp_path / "exported.onnx"
    source.write_bytes(b"graph")
    assert write_bundle(tmp_path / "b", tiny_manifest(), source).onnx_path.read_bytes() == b"graph"


def test_missing_folder_names_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"'no_such_bundle' is neither a folder"):
        load_bundle("no_such_bundle")
    file = tmp_path / "x.onnx"
    file.write_bytes(b"")
    with pytest.raises(BundleError, match="is a file; give the folder"):
        load_bundle(file)
    with pytest.raises(BundleError, match=r"has no manifest\.json"):
        load_bundle(tmp_path)


def test_the_home_of_an_unknown_user() -> None:
    with pytest.raises(BundleError, match="'~nosuchuser/bundle' is neither a folder"):
        load_bundle("~nosuchuser/bundle")


def test_shipped_bundles_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_module, "_SHIPPED", tmp_path)
    assert shipped_bundles() == ()
    write_tiny_bundle(tmp_path / "gestures")
    assert shipped_bundles() == ("gestures",)
    assert find_bundle("gestures") == tmp_path / "gestures"
    assert load_bundle("gestures").manifest.name == "tiny"
    with pytest.raises(BundleError, match=r"\(gestures\)"):
        find_bundle("words")


def test_missing_graph(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"model\.onnx is missing although"):
        load_bundle(folder)


def test_exchanged_or_damaged_graph(folder: Path) -> None:
    graph = bytearray((folder / "model.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (folder / "model.onnx").write_bytes(graph)
    with pytest.raises(BundleError, match="is not the one its manifest was written for"):
        load_bundle(folder)


@pytest.mark.parametrize("text", ["", "{", '{"format_version": 1', "\x00\x01"])
def test_manifest_that_is_no_json(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text, "utf-8")
    with pytest.raises(BundleError, match="cannot be read as JSON"):
        load_bundle(folder)


def test_manifest_in_another_encoding(folder: Path) -> None:
    (folder / "manifest.json").write_bytes('{"name": "é"}'.encode("latin-1"))
    with pytest.raises(BundleError, match="cannot be read as JSON"):
        load_bundle(folder)


def _set(name: str, value: object) -> Change:
    return lambda data: data.__setitem__(name, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("format_version", 6), "format_version 6, this package reads 1, 2, 3, 4, 5"),
        (_set("format_version", True), "format_version True"),
        (lambda d: d.pop("format_version"), "format_version None"),
        (_set("layout", "openpose_135"), "openpose_135"),
        (_set("layout", "ntu25"), r"'ntu25' has no keypoints of the fingers.*streams \['body'\]"),
        (_set("streams", ["hand", "body"]), r"streams is \['hand', 'body'\]"),
        (_set("streams", []), r"streams is \[\]"),
        (_set("streams", "hand"), "streams must be a list"),
        (_set("streams", ["hand"]), "states inputs"),
        (_set("unknown_class", "other"), "'other' is not one of the class_names"),
        (_set("unknown_class", "idle"), "are both 'idle'"),
        (_set("body_graph", "body_20"), "body_20"),
        (_set("class_names", ["idle", "raise"]), "states outputs"),
        (_set("class_names", "idle"), "class_names must be a list"),
        (_set("class_names", ["idle", "idle", "x"]), "all different"),
        (_set("class_names", ["idle", "", "x"]), "class_names holds ''"),
        (_set("class_names", [1, 2, "idle"]), "class_names holds 1"),
        (_set("background_class", "rest"), "'rest' is not one of the class_names"),
        (_set("num_steps", 32), "states inputs"),
        (_set("num_steps", 1), "num_steps is 1"),
        (_set("num_steps", "16"), "num_steps is '16'"),
        (_set("window_s", 0), "window_s is 0"),
        (_set("window_s", None), "window_s is None"),
        (_set("max_gap_s", -1), "max_gap_s is -1"),
        (_set("features", {"modality": "rgb"}), "modality is 'rgb'"),
        (_set("features", {"depth": 1}), "Unknown feature option depth"),
        (_set("features", None), "does not understand"),
        (_set("fusion", {"temperature": 0}), r"fusion\.temperature is 0"),
        (_set("fusion", {"gate": 1}), "gate"),
        (_set("thresholds", {"start": 0.3, "end": 0.5}), r"thresholds\.end is 0\.5, above"),
        (_set("thresholds", {"unknown": 50}), r"thresholds\.unknown is 50"),
        (_set("thresholds", {"class_start": [0.9]}), r"class_start is \[0\.9\].*object"),
        (_set("thresholds", {"class_start": {"jump": 0.9}}), "names 'jump', which is no action"),
        (_set("thresholds", {"class_start": {"fist": 0}}), r"fist is 0, below thresholds\.end"),
        (_set("thresholds", {"class_start": {"fist": "high"}}), r"class_start\.fist is 'high'"),
        (_set("thresholds", {"urgent": ["fist"]}), r"urgent is \['fist'\].*object"),
        (_set("thresholds", {"urgent": {"idle": 0.5}}), "urgent names 'idle', which is no action"),
        (_set("thresholds", {"urgent": {"fist": 2}}), r"urgent\.fist is 2"),
        (_set("normalisation", {"kind": "table"}), "normalisation"),
        (_set("normalisation", 3), "normalisation is 3"),
        (_set("training", []), r"training is \[\]"),
        (_set("files", {}), r"lists no model\.onnx"),
        (_set("files", {"../model.onnx": {"sha256": "0" * 64}}), "only plain file names"),
        (_set("files", {"model.onnx": {"sha256": "?"}}), "gives no sha256"),
        (_set("files", {"model.onnx": None}), "gives no sha256"),
        (_set("inputs", {"body": ["N", 3, 16, 19, 1]}), "states inputs"),
        (lambda d: d.pop("outputs"), "states outputs None"),
        (lambda d: d.pop("window_s"), "window_s"),
        (lambda d: d.pop("class_names"), "lacks the field 'class_names'"),
        (_set("gait", 1), "gait"),
    ],
)  # fmt: skip
def test_every_refusal_is_a_sentence(folder: Path, change: Change, message: str) -> None:
    edit(folder, change)
    with pytest.raises(BundleError, match=message) as caught:
        load_bundle(folder)
    assert "manifest.json" in str(caught.value) and str(caught.value).endswith(".")


@pytest.mark.parametrize("text", ["[]", "3", "null"])
def test_manifest_that_is_no_object(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text, "utf-8")
    with pytest.raises(BundleError, match="is not a JSON object"):
        load_bundle(folder)


def test_a_manifest_cannot_be_made_wrong() -> None:
    with pytest.raises(BundleError, match="background_class 'rest'"):
        tiny_manifest(background_class="rest")
    assert isinstance(tiny_manifest(), Manifest)


def test_a_body_expert_needs_a_layout_with_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    real = get_layout("coco_wholebody_133")
    fingers = replace(real, name="fingers", body_indices=np.zeros(0, np.intp))
    monkeypatch.setattr("bharnet_ros.manifest_checks.get_layout", lambda name: fingers)
    with pytest.raises(BundleError, match=r"no keypoints of the body.*streams \['hand'\]"):
        tiny_manifest(layout="fingers")
    assert tiny_manifest(layout="fingers", streams=("hand",)).streams == ("hand",)


def test_another_layout_is_the_business_of_the_recogniser() -> None:
    assert tiny_manifest(layout="ntu25", streams=("body",)).inputs == {"body": ("N", 3, 16, 19, 1)}


def test_version_1_still_loads(folder: Path) -> None:
    def older(data: dict[str, Any]) -> None:
        data["format_version"] = 1
        del data["streams"], data["unknown_class"]
        del data["features"]["hand_space"], data["features"]["body_space"]

    edit(folder, older)
    manifest = load_bundle(folder).manifest
    assert manifest == replace(tiny_manifest(), files=manifest.files)
    assert manifest.streams == ("body", "hand") and manifest.unknown_id is None


@pytest.mark.parametrize("stream", ["body", "hand"])
def test_a_bundle_of_one_expert(tmp_path: Path, stream: str) -> None:
    bundle = write_tiny_bundle(tmp_path, streams=(stream,), unknown_class="fist")
    stated = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert stated["streams"] == [stream] and list(stated["inputs"]) == [stream]
    assert sorted(stated["outputs"]) == sorted([f"{stream}_logits", "probabilities"])
    assert bundle.manifest.streams == (stream,) and bundle.manifest.unknown_id == 2
    check_engine(bundle, create_engine(bundle))


def test_the_engine_refuses_a_graph_of_other_streams(tmp_path: Path) -> None:
    body, hand = raised_hand_weights()
    manifest = tiny_manifest(streams=("hand",))
    for streams, message in (
        (("body", "hand"), "also wants the input body"),
        (("body",), "has no input 'hand'"),
    ):
        model = tiny_model(body, hand, 16, streams=streams)
        with pytest.raises(BundleError, match=message):
            create_engine(write_bundle(tmp_path, manifest, model))


def test_extra_files_are_listed_and_verified(tmp_path: Path) -> None:
    extra = {"gestures.yaml": b"format: 2", "weights.npz": b"PK"}
    bundle = write_bundle(tmp_path, tiny_manifest(), b"graph", extra)
    path = bundle.file("gestures.yaml")
    assert path == tmp_path / "gestures.yaml" and path.read_bytes() == b"format: 2"
    assert bundle.file("weights.npz") is not None and bundle.file("other.yaml") is None
    assert extra_files(bundle) == extra
    assert sorted(bundle.manifest.files) == ["gestures.yaml", "model.onnx", "weights.npz"]
    path.write_bytes(b"format: 1")
    with pytest.raises(BundleError, match=r"gestures\.yaml .* is not the one its manifest"):
        load_bundle(tmp_path)


@pytest.mark.parametrize("name", ["../x", "model.onnx", "manifest.json", "a/b", "", "x.partial"])
def test_extra_files_have_plain_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="cannot hold an extra file"):
        write_bundle(tmp_path / "b", tiny_manifest(), b"graph", {name: b""})
    assert not (tmp_path / "b").exists()


def test_the_default_bundle_is_shipped() -> None:
    assert DEFAULT_BUNDLE in shipped_bundles()
    assert load_bundle(DEFAULT_BUNDLE).manifest.name == DEFAULT_BUNDLE
