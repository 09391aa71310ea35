from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.synthetic import raised_hand_weights, tiny_manifest, tiny_model, write_tiny_bundle
from bharnet_ros.bundle import GESTURES_FILE, write_bundle
from bharnet_ros.errors import BundleError, ConfigurationError, GestureError
from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.simulation.repertoire import chosen_classes, load_repertoire


def test_shipped_names_and_paths(tmp_path: Path) -> None:
    shipped = load_vocabulary("first_light")
    assert load_repertoire("first_light").class_names == shipped.class_names
    assert load_repertoire().background == "idle"
    file = tmp_path / "mine.yaml"
    file.write_text("format: 2\nextends: first_light\nalso: [stop, wave]\n", "utf-8")
    assert set(load_repertoire(str(file)).actions) == {"stop", "wave"}


def test_a_bundle_brings_its_own_descriptions(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the tiny graph is built with onnx")
    manifest = tiny_manifest()
    model = tiny_model(*raised_hand_weights(), manifest.num_steps)
    text = b"format: 2\nextends: first_light\nalso: [ok, victory]\n"
    described = write_bundle(tmp_path / "described", manifest, model, {GESTURES_FILE: text})
    assert set(load_repertoire(str(described.path)).actions) == {"ok", "victory"}
    bare = write_tiny_bundle(tmp_path / "bare")
    assert load_repertoire(str(bare.path)).actions == load_vocabulary("first_light").actions


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(GestureError, match="no gesture file 'nothing'"):
        load_repertoire("nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleError):
        load_repertoire(str(tmp_path / "empty"))


def test_classes_are_chosen_by_name() -> None:
    vocabulary = load_vocabulary("first_light")
    assert chosen_classes(vocabulary, [""]) is None
    assert chosen_classes(vocabulary, [" ok", "stop", "ok"]) == ("ok", "stop")
    with pytest.raises(ConfigurationError, match="no gesture 'hop' to play"):
        chosen_classes(vocabulary, ["hop"])
