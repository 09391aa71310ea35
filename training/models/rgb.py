"""The RGB branch: a person's regions over a window as one image, seen by an image encoder.

The image of regions and its weights follow MMNet (TPAMI 2022, see `training.models.guiding`):
one row a region, one column a moment. Ours: a row's weight is its share in what is pooled and not
its contrast, because an encoder that was trained elsewhere knows pictures at their own; and the
branch looks at the cells of the image one by one, because a thing in a hand fills a few of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bharnet_ros.roi import RoiConfig
from training.models.encoders import Encoder
from training.models.guiding import RegionGuide

LEAST = 1e-6
"""Smaller probabilities have no logarithm worth adding to."""
_NEVER = 1e4


class RgbBranch(nn.Module):
    """Tiles, attention and the skeleton's probabilities -> fused probabilities.

    groups: indices of classes that pixels may tell apart, disjoint, two or more each.
    """

    def __init__(
        self,
        roi: RoiConfig,
        encoder: Encoder,
        num_classes: int,
        groups: Sequence[Sequence[int]],
        width: int = 64,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.cells = roi.tile_px // encoder.reduction
        self.guide = RegionGuide(roi.regions)
        self.encoder = encoder
        self.register_buffer("mean", torch.tensor(encoder.mean).reshape(3, 1, 1))
        self.register_buffer("std", torch.tensor(encoder.std).reshape(3, 1, 1))
        self.norm = nn.BatchNorm2d(encoder.channels)
        self.drop_features = nn.Dropout2d(dropout)
        self.describe = nn.Conv2d(encoder.channels, width, 3, padding=1, bias=False)
        self.describe_norm = nn.BatchNorm2d(width)
        # Which region and which moment it is: the label is about the end of the window.
        self.where = nn.Parameter(torch.zeros(roi.num_frames, roi.num_regions, 1, width))
        self.look = nn.Linear(width, 1)
        grid = (roi.num_frames, roi.num_regions, self.cells**2)
        self.look_where = nn.Parameter(torch.zeros(grid))
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(width, num_classes)
        self.trust = nn.Linear(width, 1)
        nn.init.constant_(self.trust.bias, 2.0)
        self.fuse = GroupFusion(groups, num_classes)

    def forward(
        self,
        tiles: Tensor,
        seen: Tensor,
        attention: Tensor,
        probabilities: Tensor,
        moments: Sequence[int] | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Fused probabilities (N, C), the branch's own logits (N, C), its reliability (N, 1).

        tiles (N, F, R, 3, S, S) RGB, 0..1; seen (N, F, R), 0 or 1; attention (N, 19);
        probabilities (N, C). moments: which of the window's these tiles are; all if None. The
        reliability is 0 where no tile was seen.
        """
        chosen = slice(None) if moments is None else list(moments)
        vectors = self._vectors(self._image(tiles, seen), self.where[chosen])  # (N, F, R, K, D)
        looks = self.look(vectors).squeeze(-1) + self.look_where[chosen]
        vector = self._pooled(vectors, looks, seen, self.guide(attention))
        logits = self.classify(self.dropout(vector))
        any_seen = seen.amax(dim=(1, 2)).unsqueeze(1)
        reliability = torch.sigmoid(self.trust(vector)) * any_seen
        return self.fuse(probabilities, logits, reliability), logits, reliability

    def _image(self, tiles: Tensor, seen: Tensor) -> Tensor:
        """(N, 3, R S, F S): rows are regions, columns moments; grey where nothing was seen."""
        _, moments, regions, _, side, _ = tiles.shape
        mean, std = self.get_buffer("mean"), self.get_buffer("std")
        centred = (tiles - mean) / std * seen[..., None, None, None]
        rows = centred.permute(0, 3, 2, 4, 1, 5)  # (N, 3, R, S, F, S)
        return rows.reshape(-1, 3, regions * side, moments * side)

    def _vectors(self, image: Tensor, where: Tensor) -> Tensor:
        """(N, F, R, K, D), one vector for each of the K cells of each tile."""
        features = self.drop_features(self.norm(self.encoder(image)))
        features = self.describe_norm(self.describe(features))
        cells, channels = self.cells, features.shape[1]
        regions, moments = features.shape[2] // cells, features.shape[3] // cells
        split = features.reshape(-1, channels, regions, cells, moments, cells)
        ordered = split.permute(0, 4, 2, 3, 5, 1).flatten(3, 4)
        return torch.relu(ordered + where)

    def _pooled(self, vectors: Tensor, looks: Tensor, seen: Tensor, factors: Tensor) -> Tensor:
        """(N, D), a mean over the cells of tiles that were seen, weighed by a learned look at each
        and by the guide's factor of its row."""
        looks = looks + torch.log(factors)[:, None, :, None]
        looks = looks - _NEVER * (1.0 - seen.unsqueeze(3))
        share = torch.softmax(looks.flatten(1), dim=1)
        return (share.unsqueeze(2) * vectors.flatten(1, 3)).sum(dim=1)


class GroupFusion(nn.Module):
    """Late fusion that moves probability between the classes of a group, and nowhere else.

    With p the skeleton's probabilities, z the branch's logits and g its reliability: in a group G
    p'_c = (sum_{k in G} p_k) softmax_{k in G}(log p_k + g z_k); all other classes keep theirs.
    So a group's mass stays, and where g is 0 everything does. (A logarithmic opinion pool within
    each group; Genest and Zidek, Statistical Science 1986.)
    """

    def __init__(self, groups: Sequence[Sequence[int]], num_classes: int) -> None:
        super().__init__()
        same = torch.eye(num_classes)
        inside = torch.zeros(num_classes)
        for group in groups:
            members = torch.tensor(list(group))
            same[members[:, None], members] = 1.0
            inside[members] = 1.0
        self.register_buffer("same", same)
        self.register_buffer("inside", inside)

    def forward(self, probabilities: Tensor, logits: Tensor, reliability: Tensor) -> Tensor:
        """(N, C), (N, C), (N, 1) -> (N, C)."""
        same, inside = self.get_buffer("same"), self.get_buffer("inside")
        moved = torch.exp(self.log_shares(probabilities, logits, reliability))
        moved = moved * (probabilities @ same)
        changed = (inside > 0.0) & (reliability > 0.0)
        return torch.where(changed, moved, probabilities)

    def log_shares(self, probabilities: Tensor, logits: Tensor, reliability: Tensor) -> Tensor:
        """(N, C) logarithm of each class's share of its group; 0 for classes of none."""
        same = self.get_buffer("same")
        evidence = torch.log(probabilities.clamp(min=LEAST)) + reliability * logits
        others = evidence.unsqueeze(1) - _NEVER * (1.0 - same)  # (N, C, C)
        return evidence - torch.logsumexp(others, dim=2)
