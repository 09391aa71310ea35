"""Changes of tiles in training. Deterministic given the generator."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.engine.rgb_config import RgbAugment

_YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def augment_tiles(
    tiles: Tensor, seen: Tensor, regions: Sequence[str], options: RgbAugment, seed: int,
    sided: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """tiles (N, F, R, 3, S, S) RGB 0..1, seen (N, F, R), and mirrored (N,) 1 where the person was
    exchanged for his mirror image: left and right regions, too. regions: names of the rows. sided:
    (N,) bool, who shows something else in a mirror and stays as he is; None = nobody."""
    made = torch.Generator().manual_seed(seed)
    seen = _dropped(seen, options, made)
    tiles, seen, mirrored = _mirrored(tiles, seen, regions, options.mirror, made, sided)
    shape = tiles.shape
    moved = _moved(tiles.reshape(-1, *shape[3:]), options, made)
    moved = _erased(moved, options.erase, made).reshape(shape)
    blurred = torch.rand(len(moved), generator=made) < options.blur
    if bool(blurred.any()):
        moved[blurred] = _blurred(moved[blurred])
    moved = _coloured(moved, options, made)
    if options.noise > 0.0:
        amount = torch.rand(len(moved), 1, 1, 1, 1, 1, generator=made) * options.noise
        moved = moved + amount * torch.randn(moved.shape, generator=made)
    return moved.clamp_(0.0, 1.0), seen, mirrored


def _dropped(seen: Tensor, options: RgbAugment, made: torch.Generator) -> Tensor:
    """Never all of a person's tiles: what that means is fixed and not learned."""
    count, moments, regions = seen.shape
    kept = seen
    for chance, size in (
        (options.tile_drop, (count, moments, regions)),
        (options.moment_drop, (count, moments, 1)),
        (options.region_drop, (count, 1, regions)),
    ):
        kept = kept * (torch.rand(size, generator=made) >= chance)
    some = kept.amax(dim=(1, 2), keepdim=True)
    return torch.where(some > 0.0, kept, seen)


def _mirrored(
    tiles: Tensor, seen: Tensor, regions: Sequence[str], chance: float, made: torch.Generator,
    sided: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    swap = {"left": "right", "right": "left"}
    parts = [name.split("_") for name in regions]
    others = ["_".join(swap.get(part, part) for part in name) for name in parts]
    order = [list(regions).index(o) if o in regions else n for n, o in enumerate(others)]
    chosen = torch.rand(len(tiles), generator=made) < chance
    if sided is not None:
        chosen &= ~sided
    tiles, seen = tiles.clone(), seen.clone()
    tiles[chosen] = tiles[chosen][:, :, order].flip(-1)
    seen[chosen] = seen[chosen][:, :, order]
    return tiles, seen, chosen.to(tiles.dtype)


def _moved(tiles: Tensor, options: RgbAugment, made: torch.Generator) -> Tensor:
    """(M, 3, S, S) shifted, scaled and turned, each by itself; the border is repeated."""

    def spread(amount: float) -> Tensor:
        return (2.0 * torch.rand(len(tiles), generator=made) - 1.0) * amount

    angle = spread(math.radians(options.rotate_deg))
    size = torch.exp(spread(math.log1p(options.scale)))
    cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
    right, down = spread(2.0 * options.shift), spread(2.0 * options.shift)
    matrix = torch.stack([cos, -sin, right, sin, cos, down], dim=1).reshape(-1, 2, 3)
    grid = nn.functional.affine_grid(matrix, list(tiles.shape), align_corners=False)
    return nn.functional.grid_sample(tiles, grid, padding_mode="border", align_corners=False)


def _erased(tiles: Tensor, chance: float, made: torch.Generator) -> Tensor:
    """A rectangle of up to half a tile's sides in one colour: something stands before it."""
    count, side = len(tiles), tiles.shape[-1]
    place = torch.rand(count, 2, generator=made)
    size = torch.rand(count, 2, generator=made) * 0.5
    line = (torch.arange(side) + 0.5) / side
    within = (line - place[..., None]).abs() < size[..., None] / 2  # (M, 2, S)
    hidden = within[:, 0, :, None] & within[:, 1, None, :]
    hidden &= (torch.rand(count, generator=made) < chance)[:, None, None]
    colour = torch.rand(count, 3, 1, 1, generator=made)
    return torch.where(hidden[:, None], colour, tiles)


def _blurred(tiles: Tensor) -> Tensor:
    """Half the resolution: motion, distance, a cheap lens."""
    flat = tiles.flatten(0, 2)
    small = nn.functional.avg_pool2d(flat, 2, ceil_mode=True)
    size = list(flat.shape[-2:])
    large = nn.functional.interpolate(small, size, mode="bilinear", align_corners=False)
    return large.reshape(tiles.shape)


def _coloured(tiles: Tensor, options: RgbAugment, made: torch.Generator) -> Tensor:
    """One linear change of colours a window: hue and saturation in YIQ, contrast, brightness."""
    count = len(tiles)

    def spread(amount: float) -> Tensor:
        return (2.0 * torch.rand(count, generator=made) - 1.0) * amount

    turn = spread(2.0 * math.pi * options.hue)
    chroma = 1.0 + spread(options.saturation)
    chroma = chroma * (torch.rand(count, generator=made) >= options.grey)
    gain, offset = 1.0 + spread(options.contrast), spread(options.brightness)
    change = torch.zeros(count, 3, 3)
    change[:, 0, 0] = 1.0
    change[:, 1, 1] = change[:, 2, 2] = torch.cos(turn) * chroma
    change[:, 1, 2], change[:, 2, 1] = -torch.sin(turn) * chroma, torch.sin(turn) * chroma
    matrix = gain[:, None, None] * (torch.linalg.inv(_YIQ) @ change @ _YIQ)
    shift = (0.5 * (1.0 - gain) + offset)[:, None, None]
    planes = tiles.transpose(2, 3).transpose(1, 2)  # (N, 3, F, R, S, S)
    mixed = torch.baddbmm(shift, matrix, planes.reshape(count, 3, -1)).reshape(planes.shape)
    return mixed.transpose(1, 2).transpose(2, 3)
