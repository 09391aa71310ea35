from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bharnet_ros.errors import ConfigurationError
from training.importing.encoder import import_encoder
from training.models.encoders import create_encoder, load_timm

NAME = "mobilenetv3_small_050"


def test_tensors_get_the_names_of_timm(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = load_timm().create_model(NAME, pretrained=False).state_dict()
    named = {f"layer{n}": value for n, value in enumerate(whole.values())}
    torch.save(named, tmp_path / "other.pth")
    target = tmp_path / "folder" / "encoder.safetensors"
    assert import_encoder(NAME, tmp_path / "other.pth", target) == len(whole)
    taken = create_encoder(NAME, 48, target).network.state_dict()
    assert all(torch.equal(value, whole[key]) for key, value in taken.items())

    with pytest.raises(ConfigurationError, match="not, one by one"):
        import_encoder("mobilenetv3_small_100", tmp_path / "other.pth", target)
    with pytest.raises(ConfigurationError, match="no encoder"):
        import_encoder("mobilenetv9", tmp_path / "other.pth", target)
    with pytest.raises(ConfigurationError, match="safetensors"):
        import_encoder(NAME, tmp_path / "other.pth", tmp_path / "encoder.pth")


class Harmful:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("run",)


def test_nothing_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"weight": Harmful()}, tmp_path / "other.pth")
    with pytest.raises(ConfigurationError, match="no weights alone"):
        import_encoder(NAME, tmp_path / "other.pth", tmp_path / "x.safetensors")
    assert "run" not in capsys.readouterr().out
