"""Configurations: the shipped one, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from bharnet_ros.errors import ConfigurationError
from training.cli import CONFIGS
from training.config import load_config

SHIPPED = CONFIGS / "first_light.yaml"

SPLIT = {
    "scenes": 1, "actors": [7000, 7000], "yaw_deg": [[0, 1]], "camera_height_m": [1, 1],
    "distance_m": [2, 2], "speed": [[1, 1]],
}  # fmt: skip


def _changed(tmp_path, *keys, value):
    content = yaml.safe_load(SHIPPED.read_text("utf-8"))
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_shipped_configuration_holds_out_people_views_and_speeds():
    splits = load_config(SHIPPED).data.splits
    everybody = [set(range(s.actors[0], s.actors[1] + 1)) for s in splits.values()]
    assert sum(map(len, everybody)) == len(set().union(*everybody))

    def apart(first, second):
        return all(a[1] <= b[0] or b[1] <= a[0] for a in first for b in second)

    for name in ("test_views", "test_all"):
        assert apart(splits[name].yaw_deg, splits["train"].yaw_deg)
        assert apart(splits[name].yaw_deg, splits["val"].yaw_deg)
    for name in ("test_speeds", "test_all"):
        assert apart(splits[name].speed, splits["train"].speed)
        assert apart(splits[name].speed, splits["val"].speed)


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("data", "scenes_s"), 3.0, "scenes_s"),
        (("data", "scene_s"), "long", "scene_s"),
        (("data", "gesture_s"), [1.0], "takes 2"),
        (("data", "gesture_s"), [0.0, 0.0], "gestures must take time"),  # a film without an end
        (("data", "idle_s"), [-1.0, 2.0], "none may be negative"),
        (("seed",), 1.5, "seed"),
        (("data", "splits"), {}, "train"),
        (("data", "splits", "outsiders_val"), SPLIT, "outsider_scenes"),
        (("model", "body", "strides"), [1, 1], "stride"),
        (("model", "hand", "strides"), [2, 5, 2, 1], "divides time by 20"),
        (("model", "body", "modalities"), ["joint", "depth"], "depth"),
        (("seed",), -1, "seed is -1; it must be 0 or more"),
        (("data", "scene_s"), 2.5, "data.scene_s is 2.5, but a film begins with 1.2 s of nothing"),
        (("data", "scene_s"), float("nan"), "data.scene_s is nan; it must be a finite number, ab"),
        (("data", "gesture_s"), [3.0, 1.7], r"data.gesture_s is \[3.0, 1.7\]; .*from low to high"),
        (("data", "fps"), [], "data.fps is empty"),
        (("data", "fps"), [10, 0], r"data.fps\[1\] is 0.0; it must be above 0"),
        (("data", "stamp_jitter"), 0.5, "data.stamp_jitter is 0.5"),
        (("data", "image_size"), [720, 0], r"data.image_size\[1\] is 0"),
        (("data", "focal_px"), 0.0, "data.focal_px is 0.0"),
        (("data", "projected_scenes"), -1, "data.projected_scenes is -1"),
        (("data", "outsider_scenes"), [0, -2, 0], "data.outsider_scenes is -2"),
        (("data", "splits", "val", "scenes"), 0, "data.splits.val.scenes is 0"),
        (("data", "splits", "val", "actors"), [9000, 8000], "data.splits.val.actors is"),
        (("data", "splits", "val", "actors"), [-3, 2], "data.splits.val.actors is -3"),
        (("data", "splits", "val", "yaw_deg"), [], "data.splits.val.yaw_deg is empty"),
        (("data", "splits", "val", "speed"), [[0.0, 1.0]], r"data.splits.val.speed\[0\] is"),
        (("data", "splits", "val", "distance_m"), [0, 2], "val.distance_m .* both above 0"),
        (("windows",), {"window_s": 0.0}, "windows.window_s is 0.0"),
        (("windows",), {"stride_s": 0.0}, "windows.stride_s is 0.0"),
        (("windows",), {"num_steps": 1}, "windows.num_steps is 1"),
        (("windows",), {"min_visible_s": -0.1}, "windows.min_visible_s is -0.1"),
        (("augment",), {"mirror": 2.0}, "augment.mirror is 2.0; it must be 0 to 1"),
        (("augment",), {"speed": [0.0, 1.0]}, "augment.speed .* both above 0"),
        (("augment",), {"hand_noise": -0.1}, "augment.hand_noise is -0.1"),
        (("fit", "steps"), 0, "fit.steps is 0"),
        (("fit",), {"learning_rate": float("inf")}, "fit.learning_rate is inf; .* finite"),
        (("fit",), {"validate_every": 0}, "fit.validate_every is 0"),
        (("fit",), {"ema_decay": 1.0}, "fit.ema_decay is 1.0"),
        (("fit",), {"background_share": 1.0}, "fit.background_share is 1.0"),
        (("fit",), {"projected_share": -0.5}, "fit.projected_share is -0.5"),
        (("fit",), {"gradient_clip": -1.0}, "fit.gradient_clip is -1.0"),
        (("fit",), {"loss_weights": [0.0, 0.0, 0.0]}, "fit.loss_weights is"),
    ],
)
def test_wrong_values_are_named(tmp_path, keys, value, message):
    with pytest.raises(ConfigurationError, match=message):
        load_config(_changed(tmp_path, *keys, value=value))


def test_an_unknown_key_is_named_whatever_kinds_of_keys_there_are(tmp_path):
    with pytest.raises(ConfigurationError, match="model has no key '1'; it takes: body"):
        load_config(_changed(tmp_path, "model", value={1: 2, "colour": 3, "hands": "joined"}))


def test_a_split_that_holds_nothing_out_is_refused(tmp_path):
    content = yaml.safe_load(SHIPPED.read_text("utf-8"))
    content["data"]["splits"]["test_actors"] = content["data"]["splits"]["train"]
    path = tmp_path / "same.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError, match="hold out"):
        load_config(path)


@pytest.mark.parametrize(
    ("key", "bands", "apart"),
    [
        ("yaw_deg", [[0.001, 25]], False), ("yaw_deg", [[10, 12]], False),
        ("yaw_deg", [[25, 40]], True), ("speed", [[0.5, 0.6], [0.9, 1.0]], False),
        ("speed", [[0.6, 0.75], [1.35, 1.6]], True),
    ],
)  # fmt: skip
def test_views_and_speeds_are_held_out_only_if_they_do_not_overlap(tmp_path, key, bands, apart):
    content = yaml.safe_load(SHIPPED.read_text("utf-8"))
    splits = content["data"]["splits"]
    splits["test_mine"] = {**splits["train"], key: bands}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    if apart:
        assert load_config(path)
    else:
        with pytest.raises(ConfigurationError, match="test_mine shares actors, views and speeds"):
            load_config(path)


def test_missing_key_missing_file_and_broken_yaml(tmp_path):
    content = yaml.safe_load(SHIPPED.read_text("utf-8"))
    del content["seed"]
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError, match="lacks the key 'seed'"):
        load_config(path)
    path.write_text(SHIPPED.read_text("utf-8") + "\nfit: {steps: 5}\n")
    with pytest.raises(ConfigurationError, match="'fit' is given twice: in line"):
        load_config(path)
    path.write_bytes(b"name: j\xf6rg")
    with pytest.raises(ConfigurationError, match="valid YAML"):
        load_config(path)
    path.write_text("a: [1, 2")
    with pytest.raises(ConfigurationError, match="valid YAML"):
        load_config(path)
    with pytest.raises(ConfigurationError, match=r"none.yaml does not exist; .*: first_light, "):
        load_config(tmp_path / "none.yaml")


def test_digest_of_the_data_sees_only_what_films_show(tiny_config):
    other = replace(tiny_config, fit=replace(tiny_config.fit, steps=1))
    assert tiny_config.data_digest() == other.data_digest()
    assert tiny_config.digest() != other.digest()
    splits = tiny_config.data.splits
    more = {name: replace(split, scenes=9) for name, split in splits.items()}
    other = replace(tiny_config, data=replace(tiny_config.data, splits=more))
    assert tiny_config.data_digest() == other.data_digest()
    other = replace(tiny_config, data=replace(tiny_config.data, outsider_scenes=(4, 1, 1)))
    assert tiny_config.data_digest() == other.data_digest()
    turned = {**splits, "val": replace(splits["val"], yaw_deg=((0.0, 1.0),))}
    other = replace(tiny_config, data=replace(tiny_config.data, splits=turned))
    assert tiny_config.data_digest() != other.data_digest()
