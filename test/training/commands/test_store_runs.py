"""What the command line changes in a configuration that names a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from bharnet_ros.errors import ConfigurationError
from training.cli import CONFIGS, main
from training.commands.store_runs import load


def test_a_run_of_one_modality_has_a_name_of_its_own() -> None:
    path = CONFIGS / "ucla_stgcnpp.yaml"
    config, plain = load(path, None, None, "bone"), load(path, None, None)
    assert config.name == "ucla_stgcnpp_bone" and plain.name == "ucla_stgcnpp"
    assert config.model.body.modalities == config.model.hand.modalities == ("bone",)
    assert load(path, None, 3, "bone").name == "ucla_stgcnpp_seed3_bone"
    assert config.digest() != plain.digest()
    assert load(path, Path("elsewhere"), None, "bone").data.store == "elsewhere"


def test_experts_that_read_poses_have_none() -> None:
    with pytest.raises(ConfigurationError, match="always read joints"):
        load(CONFIGS / "traduttore_pose.yaml", None, None, "bone")


def test_an_unknown_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fit", "--config", "ucla_stgcnpp", "--modality", "smell"])
    assert "joint_motion" in capsys.readouterr().err
