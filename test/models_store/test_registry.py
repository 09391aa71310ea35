from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.models_store import registry
from bharnet_ros.models_store.registry import get_model, read_registry, registered_models


def test_everything_registered_is_pinned() -> None:
    models = registered_models()
    assert "hand_gestures_pyskl" in models
    for name, model in models.items():
        assert get_model(name) is model
        assert model.url.startswith("https://") and model.commit in model.url
    with pytest.raises(ConfigurationError, match=r"'nothing' is not known.*hand_gestures_pyskl"):
        get_model("nothing")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("url", "http://example.org/x"),
        ("url", "file:///etc/passwd"),
        ("url", "https://example.org/main/x"),
        ("file", "../x.pth"),
        ("sha256", "abc"),
        ("commit", "main"),
        ("bytes", 0),
        ("bytes", "many"),
        ("license", None),
        ("extra", "x"),
    ],
)
def test_a_bad_entry_is_named(tmp_path: Path, key: str, value: object) -> None:
    data = yaml.safe_load(Path(registry.__file__).with_name("registry.yaml").read_text())
    data["hand_gestures_pyskl"][key] = value
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(data))
    with pytest.raises(ConfigurationError, match="model 'hand_gestures_pyskl'"):
        read_registry(tmp_path / "r.yaml")
