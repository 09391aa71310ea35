from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.models_store import registry
from bharnet_ros.models_store.registry import (
    BUNDLE,
    KINDS,
    UNKNOWN,
    get_model,
    read_registry,
    registered_models,
)
from bharnet_ros.pose.detection.description import DetectorDescription
from bharnet_ros.pose.rtmpose.description import PoseDescription

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_what_is_registered_is_of_every_kind_and_says_where_from() -> None:
    models = registered_models()
    assert {model.kind for model in models.values()} == set(KINDS)
    for name, model in models.items():
        assert get_model(name) is model
        assert all(url.startswith("https://") and url.endswith(model.file) for url in model.urls)
        assert model.license and (model.pinned or model.weights_sha256 == UNKNOWN)
    with pytest.raises(ConfigurationError, match=r"'nothing' is not known.*hand_gestures_pyskl"):
        get_model("nothing")


def test_settings_are_what_the_backends_read() -> None:
    for model in registered_models().values():
        if model.kind != BUNDLE:
            reader = DetectorDescription if model.kind == "detector" else PoseDescription
            reader(**dict(model.settings))  # raises for a name or value it does not know


def test_half_pinned_is_pinned_and_unknown_is_not() -> None:
    models = registered_models()
    assert models["rtmw_l"].pinned and models["rtmw_l"].weights_sha256 != UNKNOWN
    assert models["rtmw_m"].pinned and models["rtmw_m"].weights_sha256 == UNKNOWN
    assert models["rtmdet_nano"].pinned and models["rtmdet_nano"].sha256 == UNKNOWN
    assert not models["dwpose_s"].pinned


def test_the_page_has_every_model() -> None:
    text = PAGE.read_text("utf-8")
    for model in registered_models().values():
        size = f"{model.bytes / 1e6:.1f} MB" if model.bytes else "not known"
        row = next(line for line in text.splitlines() if line.startswith(f"| `{model.name}` |"))
        assert model.kind in row and model.license in row and size in row
        assert ("--trust-first" in row) == (not model.pinned)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("rtmw_l", "urls", ["http://example.org/x.zip"]),
        ("rtmw_l", "urls", ["file:///etc/passwd"]),
        ("rtmw_l", "urls", ["https://example.org/.."]),
        ("rtmw_l", "urls", ["https://example.org/a.zip?token=1"]),
        ("rtmw_l", "urls", ["https://example.org/"]),
        ("rtmw_l", "urls", []),
        ("rtmw_l", "urls", [3]),
        ("rtmw_l", "urls", "https://example.org/x.zip"),
        ("rtmw_l", "sha256", "abc"),
        ("rtmw_l", "sha256", ""),
        ("rtmw_l", "member_sha256", "trust me"),
        ("rtmw_l", "member_sha256", None),
        ("rtmw_l", "bytes", 0),
        ("rtmw_l", "bytes", -1),
        ("rtmw_l", "bytes", True),
        ("rtmw_l", "bytes", "many"),
        ("rtmw_l", "license", None),
        ("rtmw_l", "kind", "network"),
        ("rtmw_l", "importer", "pyskl"),
        ("rtmw_l", "settings", ["x"]),
        ("rtmw_l", "extra", "x"),
        ("hand_gestures_pyskl", "sha256", UNKNOWN),
        ("hand_gestures_pyskl", "importer", ""),
        ("hand_gestures_pyskl", "kind", "pose"),
    ],
)
def test_a_bad_entry_is_named(tmp_path: Path, name: str, key: str, value: object) -> None:
    data = yaml.safe_load(Path(registry.__file__).with_name("registry.yaml").read_text())
    data[name][key] = value
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(data))
    with pytest.raises(ConfigurationError, match=f"model '{name}'"):
        read_registry(tmp_path / "r.yaml")


def test_names_and_files_are_unique_and_plain(tmp_path: Path) -> None:
    data = yaml.safe_load(Path(registry.__file__).with_name("registry.yaml").read_text())
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump({**data, "again": data["rtmw_l"]}))
    with pytest.raises(ConfigurationError, match="'rtmw_l' and 'again' are both downloaded as"):
        read_registry(path)
    path.write_text(yaml.safe_dump({"../up": data["rtmw_l"]}))
    with pytest.raises(ConfigurationError, match=r"model '\.\./up' must be named"):
        read_registry(path)
