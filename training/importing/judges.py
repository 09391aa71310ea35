"""Imported networks behind a bundle's inputs and outputs: their own preprocessing, in the graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.importing.stgcn import Stgcn

FEATURES = {"joint": "j", "bone": "b", "joint_motion": "jm", "bone_motion": "bm"}
"""Kinds of features of pyskl's networks: our names, theirs."""

MIN_SHARE = 0.3
_FAR = 1e4


class HoldMissing(nn.Module):
    """(N, 3, T, V) with steps that show nothing -> the nearest step that shows something.

    These networks never met gaps: their clips hold observed frames only. Of two equally near
    steps the earlier is taken. Also returns the share of steps that were observed, (N,).
    """

    def __init__(self, num_steps: int) -> None:
        super().__init__()
        step = torch.arange(num_steps, dtype=torch.float32)
        apart = step[None, :] - step[:, None]
        self.cost: Tensor
        self.register_buffer("cost", 2.0 * apart.abs() + (apart > 0).float(), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        seen = (x[:, 2].amax(dim=2) > 0).to(x.dtype)  # (N, T)
        cost = self.cost + _FAR * (1.0 - seen).unsqueeze(1)  # (N, T wanted, T taken)
        pick = (cost == cost.amin(dim=2, keepdim=True)).to(x.dtype)
        return pick.unsqueeze(1) @ x, seen.mean(dim=1)


class PysklFeatures(nn.Module):
    """(N, 3, T, V) x, y in -1..1 or 0..1 and score -> (N, C, T, V) as pyskl computes them.

    kind: a key of FEATURES. channels: 2 drops the score. parents: (V,) for bones. Scores of
    bones and motions are the means of both ends; the last motion is zero.
    """

    def __init__(self, kind: str, channels: int, parents: tuple[int, ...]) -> None:
        super().__init__()
        self.kind, self.channels = kind, channels
        self.parents: Tensor
        self.register_buffer("parents", torch.tensor(parents), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind.startswith("bone"):
            ends = x.index_select(3, self.parents)
            score = (x[:, 2:] + ends[:, 2:]) / 2
            x = torch.cat([x[:, :2] - ends[:, :2], score], dim=1)
        if self.kind.endswith("motion"):
            now, later = x[:, :, :-1], x[:, :, 1:]
            score = (now[:, 2:] + later[:, 2:]) / 2
            moved = torch.cat([later[:, :2] - now[:, :2], score], dim=1)
            x = torch.cat([moved, torch.zeros_like(x[:, :, :1])], dim=2)
        return x[:, : self.channels]


class Outputs(nn.Module):
    """Keeps some outputs; without a background among them, adds one that is never chosen."""

    def __init__(self, keep: tuple[int, ...], add_background: bool) -> None:
        super().__init__()
        self.keep: Tensor
        self.register_buffer("keep", torch.tensor(keep), persistent=False)
        self.add_background = add_background

    def forward(self, logits: Tensor) -> Tensor:
        kept = logits.index_select(1, self.keep)
        if self.add_background:
            kept = torch.cat([kept, kept.amin(dim=1, keepdim=True) - 30.0], dim=1)
        return kept


class HandJudge(nn.Module):
    """hand (N, 3, T, 21, 2) -> hand_logits, probabilities, both (N, C).

    Each hand is judged by itself; the one with the stronger evidence, that is the higher
    probability of anything but the background, speaks for the person. A hand seen in less than
    MIN_SHARE of the steps does not count; without any the logits are zero.
    """

    def __init__(
        self, network: Stgcn, features: PysklFeatures, outputs: Outputs, background: int,
        num_steps: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.hold = HoldMissing(num_steps)
        self.features, self.network, self.outputs = features, network, outputs
        self.background = background

    def forward(self, hand: Tensor) -> tuple[Tensor, Tensor]:
        _, channels, steps, joints, hands = hand.shape
        x = hand.permute(0, 4, 1, 2, 3).reshape(-1, channels, steps, joints)
        x, share = self.hold(x)
        logits = self.outputs(self.network(self.features(x)))
        logits = logits.reshape(-1, hands, logits.shape[1])
        usable = (share >= MIN_SHARE).to(x.dtype).reshape(-1, hands)
        nothing = torch.softmax(logits, dim=2)[:, :, self.background]
        evidence = usable * (2.0 - nothing)
        left = (evidence[:, 0] >= evidence[:, 1]).to(x.dtype).unsqueeze(1)
        chosen = left * logits[:, 0] + (1.0 - left) * logits[:, 1]
        chosen = chosen * usable.amax(dim=1, keepdim=True)
        return chosen, torch.softmax(chosen, dim=1)


class BodyJudge(nn.Module):
    """body (N, 3, T, 19, 1), shares of the image -> body_logits, probabilities, both (N, C).

    Takes the 17 COCO joints; coordinates become -1..1 as in pyskl's `PreNormalize2D`, missing
    joints zero. Whoever is seen in less than MIN_SHARE of the steps gets logits of zero.
    """

    def __init__(
        self, network: Stgcn, features: PysklFeatures, outputs: Outputs, num_steps: int
    ) -> None:
        super().__init__()
        self.hold = HoldMissing(num_steps)
        self.features, self.network, self.outputs = features, network, outputs

    def forward(self, body: Tensor) -> tuple[Tensor, Tensor]:
        x, share = self.hold(body[:, :, :, :17, 0])
        score = x[:, 2:]
        x = torch.cat([(x[:, :2] * 2.0 - 1.0) * (score > 0).to(x.dtype), score], dim=1)
        logits = self.outputs(self.network(self.features(x)))
        logits = logits * (share >= MIN_SHARE).to(x.dtype).unsqueeze(1)
        return logits, torch.softmax(logits, dim=1)
