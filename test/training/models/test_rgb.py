from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.roi import RoiConfig
from training.models.encoders import create_encoder
from training.models.rgb import GroupFusion, RgbBranch

ROI = RoiConfig(("head", "left_hand", "right_hand"), tile_px=8, num_frames=2)
CLASSES = 6
GROUPS = [[1, 4], [2, 3]]


@pytest.fixture(scope="module")
def branch() -> RgbBranch:
    torch.manual_seed(0)
    encoder = create_encoder("mobilenetv3_small_050", ROI.tile_px)
    made = RgbBranch(ROI, encoder, CLASSES, GROUPS, width=8)
    torch.nn.init.normal_(made.classify.weight)
    return made.eval()


def _people(n: int = 4) -> list[torch.Tensor]:
    torch.manual_seed(1)
    tiles = torch.rand(n, 2, 3, 3, 8, 8)
    probabilities = torch.softmax(torch.randn(n, CLASSES), dim=1)
    return [tiles, torch.ones(n, 2, 3), torch.rand(n, 19), probabilities]


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 60.0), st.floats(0.0, 1.0))
def test_only_what_is_inside_a_group_moves(seed: int, strength: float, trust: float) -> None:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(CLASSES, 0.1), 5).astype(np.float32)
    z = (strength * rng.standard_normal((5, CLASSES))).astype(np.float32)
    g = np.full((5, 1), trust, np.float32)
    fused = GroupFusion(GROUPS, CLASSES)(*map(torch.from_numpy, (p, z, g))).numpy()
    assert np.isfinite(fused).all() and (fused >= 0.0).all()
    assert np.array_equal(fused[:, [0, 5]], p[:, [0, 5]])
    for group in GROUPS:
        # The evidence is some hundreds at most, in float32.
        np.testing.assert_allclose(fused[:, group].sum(1), p[:, group].sum(1), rtol=3e-5)
        if trust == 0.0:
            assert np.array_equal(fused, p)
            continue
        with np.errstate(over="ignore"):
            evidence = np.log(p[:, group].clip(1e-6).astype(float)) + g * z[:, group]
        shares = np.exp(evidence - evidence.max(1, keepdims=True))
        expected = p[:, group].sum(1, keepdims=True) * shares / shares.sum(1, keepdims=True)
        np.testing.assert_allclose(fused[:, group], expected, atol=1e-4)


def test_without_a_tile_the_skeleton_decides_bit_for_bit(branch: RgbBranch) -> None:
    tiles, seen, attention, p = _people()
    seen[2] = 0.0
    fused, _, trust = branch(tiles, seen, attention, p)
    assert torch.equal(fused[2], p[2]) and trust[2] == 0.0
    assert (fused[0] - p[0]).abs().max() > 1e-3 and 0.0 < trust[0] < 1.0


def test_what_was_not_seen_is_not_looked_at(branch: RgbBranch) -> None:
    tiles, seen, attention, p = _people()
    seen[:, 0, 1] = 0.0
    other = tiles.clone()
    other[:, 0, 1] = torch.rand_like(other[:, 0, 1])
    found = branch(tiles, seen, attention, p)
    again = branch(other, seen, attention, p)
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))
    other[:, 1, 1] = torch.rand_like(other[:, 1, 1])
    assert not torch.equal(found[1], branch(other, seen, attention, p)[1])


def test_people_do_not_depend_on_each_other(branch: RgbBranch) -> None:
    people = _people()
    together = branch(*people)
    for row in range(4):
        alone = branch(*(value[row : row + 1] for value in people))
        for a, b in zip(together, alone, strict=True):
            torch.testing.assert_close(a[row : row + 1], b, atol=1e-5, rtol=1e-4)


def test_rows_of_the_image_are_regions_and_columns_moments(branch: RgbBranch) -> None:
    tiles, seen, _, _ = _people(1)
    seen[0, 1, 2] = 0.0
    image = branch._image(tiles, seen)
    assert image.shape == (1, 3, 3 * 8, 2 * 8)
    colours = [branch.get_buffer(name) for name in ("mean", "std")]
    expected = (tiles[0, 1, 0] - colours[0]) / colours[1]
    torch.testing.assert_close(image[0, :, :8, 8:], expected, atol=1e-4, rtol=1e-4)
    assert not image[0, :, 16:, 8:].any()  # a tile that was not seen is grey


def test_what_the_body_attends_to_counts_more(branch: RgbBranch) -> None:
    tiles, seen, _, _ = _people(1)
    vectors = branch._vectors(branch._image(tiles, seen), branch.where)
    looks = torch.zeros(vectors.shape[:-1])
    even = branch._pooled(vectors, looks, seen, torch.ones(1, 3))
    torch.testing.assert_close(even[0], vectors[0].flatten(0, 2).mean(0))
    hand = branch._pooled(vectors, looks, seen, torch.tensor([[1e-4, 1e-4, 2.0]]))
    torch.testing.assert_close(hand[0], vectors[0, :, 2].flatten(0, 1).mean(0), atol=1e-3, rtol=0.0)


def test_moments_keep_their_places(branch: RgbBranch) -> None:
    tiles, seen, attention, p = _people()
    with torch.no_grad():
        branch.where[0] += 1.0
    last = [tiles[:, 1:], seen[:, 1:], attention, p]
    alone = branch(*last, [1])
    assert not torch.equal(alone[1], branch(*last, [0])[1])
    with torch.no_grad():
        branch.where[0] -= 1.0


def test_everything_learns(branch: RgbBranch) -> None:
    tiles, seen, attention, p = _people()
    branch.zero_grad()
    fused, logits, _ = branch(tiles, seen, attention, p)
    (fused.log()[:, 1].sum() + logits.square().sum()).backward()
    idle = [name for name, value in branch.named_parameters() if value.grad is None]
    assert not idle
    branch.zero_grad()
