"""Ready experts, and options of the model that cannot work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from bharnet_ros.errors import ConfigurationError
from training.cli import CONFIGS
from training.config import TrainingConfig, load_config
from training.model_config import (
    ExpertConfig,
    ModelConfig,
    available_presets,
    check_expert,
    check_model,
    expert_preset,
)

SHIPPED = Path(CONFIGS) / "first_light.yaml"


@pytest.mark.parametrize("name", available_presets())
def test_ready_experts_fit_64_steps(name):
    check_expert(expert_preset(name), 64, name)


def test_full_experts_have_the_sizes_of_the_papers():
    for name in ("degcn", "degcn_two_stream", "ctrgcn", "stgcnpp"):
        expert = expert_preset(name)
        assert expert.channels == (64,) * 4 + (128,) * 3 + (256,) * 3
        assert [i for i, s in enumerate(expert.strides, 1) if s == 2] == [5, 8]
        assert not expert.time_offset
    assert expert_preset("degcn_two_stream").streams == 2


def test_an_unknown_expert_names_the_known():
    with pytest.raises(ConfigurationError, match="degcn_light"):
        expert_preset("resnet")


def _write(tmp_path, model) -> Path:
    content = yaml.safe_load(SHIPPED.read_text("utf-8"))
    content["model"] = model
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    return path


def test_a_configuration_may_name_ready_experts(tmp_path):
    path = _write(tmp_path, {"body": "degcn", "hand": "degcn_light", "variant": "expertized"})
    model = load_config(path).model
    assert model.body == expert_preset("degcn") and model.hand.channels == (32, 48, 64, 96)
    with pytest.raises(ConfigurationError, match="resnet"):
        load_config(_write(tmp_path, {"body": "resnet"}))
    with pytest.raises(ConfigurationError, match="variant"):
        load_config(_write(tmp_path, {"variant": "quantum"}))


def test_unused_later_options_leave_the_hash_alone():
    config = load_config(SHIPPED)
    changed = [
        replace(config, model=replace(config.model, fusion="noisy_or")),
        replace(config, model=replace(config.model, body=replace(config.model.body, streams=2))),
    ]
    hashes = {config.digest(), *(each.digest() for each in changed)}
    assert len(hashes) == 3
    assert isinstance(config, TrainingConfig)


@pytest.mark.parametrize(
    ("expert", "words"),
    [
        (ExpertConfig(channels=(8,), strides=(1, 1)), "one stride"),
        (ExpertConfig(channels=(8, 8), strides=(2, 3)), "divides time by 6"),
        (ExpertConfig(channels=(8, 8), strides=(1, 0)), "below 1"),
        (ExpertConfig(streams=0), "below 1"),
        (ExpertConfig(modalities=("joint", "depth")), "depth"),
        (ExpertConfig(modalities=()), "modalities"),
        (ExpertConfig(dropout=1.0), "dropout"),
        # Both were once read over.
        (ExpertConfig("pose", (8, 8), (2, 1)), "first stride is 2 and streams 1; set both to 1"),
        (ExpertConfig("pose", (8, 8), (1, 2), streams=2), "first stride is 1 and streams 2"),
    ],
)
def test_experts_that_cannot_work(expert, words):
    with pytest.raises(ConfigurationError, match=words):
        check_expert(expert, 16, "here")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (ModelConfig(min_hand_share=1.5), "0 to 1"),
        (
            ModelConfig(ExpertConfig(channels=(8,), strides=(1,)), variant="expertized"),
            "last stage",
        ),
        (ModelConfig(variant="unified", hands="joined"), "one stream"),
    ],
)
def test_models_that_cannot_work(model, words):
    with pytest.raises(ConfigurationError, match=words):
        check_model(model, 16, "here")


@pytest.mark.parametrize(
    ("name", "expert", "hands"),
    [
        ("body", ExpertConfig("pose", (8, 8), (1, 2), distances=True), "instances"),
        ("hand", ExpertConfig("stgcnpp", (8, 8), (1, 2), distances=True), "instances"),
        ("hand", ExpertConfig("pose", (8, 8), (1, 2), distances=True), "joined"),
    ],
)
def test_distances_are_for_hands_read_as_whole_poses(name, expert, hands):
    model = replace(ModelConfig(hands=hands), **{name: expert})
    with pytest.raises(ConfigurationError, match=f"model.{name}.distances is true"):
        check_model(model, 32, "here")
