"""Which regions, how finely, how often: checked, and the same after JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.roi import REGIONS, RoiConfig


def test_json_gives_the_same_back() -> None:
    config = RoiConfig(("right_hand", "head"), 32, 3)
    assert RoiConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert RoiConfig.from_dict({}) == RoiConfig()
    assert config.num_regions == 2 and config.moment_nbytes == 2 * 32 * 32 * 3
    assert RoiConfig(list(REGIONS)).regions == REGIONS  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"regions": ()}, "one or more"),
        ({"regions": ("foot",)}, "foot"),
        ({"regions": ("head", "head")}, "none twice"),
        ({"regions": "head"}, "must be a list"),
        ({"regions": 7}, "must be a list"),
        ({"regions": ({}, "head")}, "one or more"),
        ({"tile_px": 7}, "from 8 to 256"),
        ({"tile_px": 48.0}, "whole number"),
        ({"tile_px": True}, "whole number"),
        ({"num_frames": 0}, "from 1 to 32"),
        ({"num_frames": "5"}, "whole number"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        RoiConfig(**options)


@pytest.mark.parametrize("data", [None, [], "head", {"feet": 1}, {1: 2}])
def test_a_strange_description_is_refused(data: Any) -> None:
    with pytest.raises(ConfigurationError):
        RoiConfig.from_dict(data)
