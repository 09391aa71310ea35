from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from bharnet_ros.errors import BackendUnavailable, ConfigurationError
from training.models import encoders
from training.models.encoders import create_encoder, load_timm


def test_timm_loads_and_leaves_no_stand_in_behind() -> None:
    assert load_timm().create_model
    if importlib.util.find_spec("torchvision") is None:
        assert not [name for name in sys.modules if name.startswith("torchvision")]


@pytest.mark.parametrize(
    ("name", "tile_px", "reduction"),
    [("mobilenetv3_small_050", 48, 16), ("mobilenetv3_small_050", 64, 32), ("resnet10t", 24, 8)],
)
def test_cells_divide_a_tile(name: str, tile_px: int, reduction: int) -> None:
    encoder = create_encoder(name, tile_px).eval()
    found = encoder(torch.rand(2, 3, 2 * tile_px, 3 * tile_px))
    assert encoder.reduction == reduction
    cells = tile_px // reduction
    assert found.shape == (2, encoder.channels, 2 * cells, 3 * cells)
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    assert len(encoder.mean) == len(encoder.std) == 3


def test_names_and_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no encoder 'mobilenetv9'"):
        create_encoder("mobilenetv9", 48)
    with pytest.raises(ConfigurationError, match=r"none of which is .* divides tile_px = 49"):
        create_encoder("mobilenetv3_small_050", 49)


def test_what_is_frozen_does_not_learn() -> None:
    encoder = create_encoder("mobilenetv3_small_050", 48)
    encoder.freeze(8)
    encoder.keep_statistics()
    encoder.train()
    before = {name: value.clone() for name, value in encoder.network.state_dict().items()}
    encoder(torch.rand(2, 3, 96, 96)).square().mean().backward()
    after = encoder.network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())  # statistics
    learning = {name for name, p in encoder.network.named_parameters() if p.grad is not None}
    assert learning and not any(name.startswith(("conv_stem", "blocks.0")) for name in learning)
    assert any(name.startswith("blocks.3") for name in learning)
    with pytest.raises(ConfigurationError, match="reduction 32"):
        encoder.freeze(32)


def test_published_weights_are_taken_from_safetensors_alone(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    name = "mobilenetv3_small_050"
    whole = load_timm().create_model(name, pretrained=False)
    path = tmp_path / "model.safetensors"
    save_file(whole.state_dict(), path)
    taken = create_encoder(name, 48, path).network.state_dict()
    assert all(torch.equal(value, whole.state_dict()[key]) for key, value in taken.items())

    with pytest.raises(ConfigurationError, match=r"another shape|lacks"):
        create_encoder("mobilenetv3_small_100", 48, path)
    (tmp_path / "model.pth").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="can run code"):
        create_encoder(name, 48, tmp_path / "model.pth")
    path.write_bytes(b"broken")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        create_encoder(name, 48, path)


def test_a_missing_timm_is_named_with_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr(encoders, "NAMED_ON_LOADING", {})
    monkeypatch.setattr(encoders.importlib, "import_module", fail)
    with pytest.raises(BackendUnavailable, match=r"requirements/vision\.txt"):
        load_timm()
