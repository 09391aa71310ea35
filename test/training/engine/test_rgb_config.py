from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import training
from bharnet_ros.errors import ConfigurationError
from training.engine.rgb_config import RgbConfig, asdict, load_rgb_config, rgb_config

SHIPPED = Path(training.__file__).parent / "configs" / "held_objects_rgb.yaml"


def test_the_shipped_configuration_is_whole() -> None:
    config = load_rgb_config(SHIPPED)
    assert rgb_config(yaml.safe_load(yaml.safe_dump(_lists(asdict(config)))), "kept") == config
    assert config.digest() == load_rgb_config(SHIPPED).digest()
    assert config.digest() != RgbConfig("other").digest()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"augment": {"tile_drop": 1.5}}, "augment.tile_drop is 1.5"),
        ({"augment": {"tiles": 1}}, "no key 'tiles'"),
        ({"confused_share": -0.1}, "confused_share is -0.1"),
        ({"fit": {"learning_rate": 0.0}}, "fit.learning_rate is 0.0"),
        ({"fit": {"loss_weights": [0.0, 1.0, 1.0]}}, "the first must be above"),
        ({"groups": [["a"]]}, "two or more classes"),
        ({"groups": [["a", "b"], ["b", "c"]]}, "no class may be in two"),
        ({"model": {"width": 0}}, "model.width is 0"),
        ({"model": {"dropout": 1.0}}, "model.dropout is 1.0"),
        ({"model": {"frozen": -1}}, "model.frozen is -1"),
        ({"augment": {"moments": -1}}, "augment.moments is -1"),
        ({"augment": {"rotate_deg": -5.0}}, "augment.rotate_deg is -5.0"),
        ({"seed": -1}, "seed is -1"),
        ({"fit": {"optimiser": "lion"}}, "fit.optimiser is 'lion'; it must be one of adamw, sgd"),
        ({"fit": {"precision": "8"}}, "fit.precision is '8'"),
        ({"fit": {"ema_decay": 1.0}}, "fit.ema_decay is 1.0"),
        ({"fit": {"milestones": [5, 1]}}, "epochs must rise"),
        ({"fit": {"warmup_epochs": -1.0}}, "fit.warmup_epochs is -1.0"),
    ],
)
def test_what_cannot_work_is_named(change: dict[str, Any], what: str) -> None:
    with pytest.raises(ConfigurationError, match=f"here.*{what}"):
        rgb_config({"name": "x", **change}, "here")


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple) else value
