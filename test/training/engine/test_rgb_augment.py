from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from training.engine.rgb_augment import augment_tiles
from training.engine.rgb_config import RgbAugment

REGIONS = ("head", "left_hand", "right_hand")
NOTHING = RgbAugment(**dict.fromkeys(RgbAugment.__dataclass_fields__, 0.0))


def _tiles(count: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    smooth = torch.rand(count, 2, 3, 3, 4, 4).repeat_interleave(4, -1).repeat_interleave(4, -2)
    return smooth, torch.ones(count, 2, 3)


def test_nothing_asked_changes_nothing() -> None:
    tiles, seen = _tiles()
    found, kept, mirrored = augment_tiles(tiles, seen, REGIONS, NOTHING, 1)
    torch.testing.assert_close(found, tiles, atol=1e-5, rtol=0.0)
    assert torch.equal(kept, seen) and not mirrored.any()


def test_a_mirror_image_exchanges_left_and_right() -> None:
    tiles, seen = _tiles()
    seen[:, 0, 1] = 0.0
    found, kept, mirrored = augment_tiles(tiles, seen, REGIONS, replace(NOTHING, mirror=1.0), 1)
    assert mirrored.all()
    torch.testing.assert_close(found[:, :, 0], tiles[:, :, 0].flip(-1), atol=1e-5, rtol=0.0)
    torch.testing.assert_close(found[:, :, 2], tiles[:, :, 1].flip(-1), atol=1e-5, rtol=0.0)
    assert not kept[:, 0, 2].any() and kept[:, 0, 1].all()


def test_who_shows_something_else_in_a_mirror_is_not_mirrored() -> None:
    tiles, seen = _tiles()
    sided = torch.arange(8) % 2 == 0
    options = replace(NOTHING, mirror=1.0)
    found, _, mirrored = augment_tiles(tiles, seen, REGIONS, options, 1, sided)
    assert torch.equal(mirrored > 0, ~sided)
    torch.testing.assert_close(found[sided], tiles[sided], atol=1e-5, rtol=0.0)


@pytest.mark.parametrize(
    "option",
    ["brightness", "contrast", "saturation", "hue", "noise", "blur", "shift", "scale", "erase"],
)
def test_each_option_changes_pixels_within_their_range(option: str) -> None:
    tiles, seen = _tiles()
    options = replace(NOTHING, **{option: 0.9})  # type: ignore[arg-type]
    found, kept, _ = augment_tiles(tiles, seen, REGIONS, options, 3)
    assert found.shape == tiles.shape and torch.equal(kept, seen)
    assert float(found.min()) >= 0.0 and float(found.max()) <= 1.0
    assert (found - tiles).abs().mean() > 1e-3
    assert torch.equal(found, augment_tiles(tiles, seen, REGIONS, options, 3)[0])
    assert not torch.equal(found, augment_tiles(tiles, seen, REGIONS, options, 4)[0])


def test_grey_keeps_the_brightness_of_a_window() -> None:
    tiles, seen = _tiles()
    found, _, _ = augment_tiles(tiles, seen, REGIONS, replace(NOTHING, grey=1.0), 1)
    torch.testing.assert_close(found[:, :, :, 0], found[:, :, :, 1], atol=2e-3, rtol=0.0)
    luma = (tiles * torch.tensor([0.299, 0.587, 0.114]).reshape(3, 1, 1)).sum(dim=3)
    torch.testing.assert_close(found[:, :, :, 0], luma, atol=2e-3, rtol=0.0)


def test_something_is_always_left_to_see() -> None:
    tiles, seen = _tiles(64)
    seen[5] = 0.0
    options = replace(NOTHING, tile_drop=0.7, moment_drop=0.3, region_drop=0.3)
    _, kept, _ = augment_tiles(tiles, seen, REGIONS, options, 1)
    some = kept.amax(dim=(1, 2)) > 0.0
    assert some.sum() == 63 and not some[5]
    assert kept.sum() < 0.7 * seen.sum() and (kept <= seen).all()
