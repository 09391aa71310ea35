"""The Lightning module of stage two: the skeleton's networks frozen, the RGB branch trained."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bharnet_ros.skeleton import body_graph
from training.engine.learner import Learner
from training.engine.rgb_config import RgbConfig
from training.engine.rgb_data import RgbInputs
from training.models.bharnet import CalibratedBHaRNet
from training.models.rgb import RgbBranch

JUDGES = ("skeleton", "rgb", "fused")


class Shares(NamedTuple):
    """(N, C) logarithms of each class's share of its group by the skeleton, by the branch alone
    and fused; seen (N,) 1 where any tile was; logits (N, C) the branch's own, of all classes."""

    skeleton: Tensor
    rgb: Tensor
    fused: Tensor
    seen: Tensor
    logits: Tensor


class RgbModule(Learner[RgbBranch]):
    """judge: calibrated and `attending`; it stays as it is."""

    def __init__(
        self, judge: CalibratedBHaRNet, branch: RgbBranch, config: RgbConfig, steps_per_epoch: int
    ) -> None:
        super().__init__(branch, config.fit, steps_per_epoch, config.seed, JUDGES)
        self.judge = judge.eval().requires_grad_(False)
        self.branch = branch
        self.config = config
        self.config_sha256 = config.digest()
        self.register_buffer("flip", torch.as_tensor(body_graph().flip_indices.copy()), False)

    def train(self, mode: bool = True) -> RgbModule:
        """The skeleton's networks are never in training mode."""
        super().train(mode)
        self.judge.eval()
        return self

    @torch.no_grad()
    def skeleton(self, batch: RgbInputs) -> tuple[Tensor, Tensor]:
        """Probabilities (N, C) and attention (N, 19) of the frozen networks."""
        found = self.judge(batch.body, batch.hand)
        probabilities, attention = found[2], found[-1]
        mirrored = batch.mirrored.unsqueeze(1) > 0.0
        flipped = attention.index_select(1, self.get_buffer("flip"))
        return probabilities, torch.where(mirrored, flipped, attention)

    def shares(self, branch: RgbBranch, batch: RgbInputs, level: Tensor | None = None) -> Shares:
        """level: (N, 1) 1 where the skeleton's opinion within groups is taken away."""
        probabilities, attention = self.skeleton(batch)
        even = torch.full_like(probabilities, 1.0 / probabilities.shape[1])
        known = probabilities if level is None else torch.where(level > 0, even, probabilities)
        _, logits, reliability = branch(
            batch.tiles, batch.seen, attention, known, batch.moments.tolist()
        )
        log_shares = branch.fuse.log_shares
        return Shares(
            log_shares(known, logits, torch.zeros_like(reliability)),
            log_shares(even, logits, torch.ones_like(reliability)),
            log_shares(known, logits, reliability),
            batch.seen.amax(dim=(1, 2)),
            logits,
        )

    def training_step(self, batch: RgbInputs, number: int) -> Tensor:
        """One batch; Lightning does the rest."""
        fit = self.config.fit
        level = torch.rand(len(batch.label), 1, device=batch.label.device)
        level = (level < self.config.augment.level).to(batch.seen.dtype)
        shares = self.shares(self.branch, batch, level)
        fused = self._loss(shares.fused, batch.label, shares.seen)
        alone = self._loss(shares.rgb, batch.label, shares.seen)
        # To name the class among all teaches what the pictures show sooner than pairs do.
        named = nn.functional.cross_entropy(
            shares.logits.float(), batch.label, reduction="none",
            label_smoothing=fit.label_smoothing,
        )  # fmt: skip
        among_all = (named * shares.seen).sum() / shares.seen.sum().clamp(min=1.0)
        weights = fit.loss_weights
        total = weights[0] * fused + weights[1] * alone + weights[2] * among_all
        for name, value in (
            ("fused", fused), ("rgb", alone), ("all_classes", among_all), ("total", total)
        ):  # fmt: skip
            self.log(f"loss/{name}", value, on_step=False, on_epoch=True, sync_dist=True,
                     batch_size=1)  # fmt: skip
        self.log("loss", total, prog_bar=True, on_step=True, batch_size=1)
        return total

    def _loss(self, log_shares: Tensor, label: Tensor, seen: Tensor) -> Tensor:
        """Cross-entropy within the label's group, smoothed over its classes."""
        same = self.branch.fuse.get_buffer("same")[label]
        smooth = self.config.fit.label_smoothing
        target = smooth * same / same.sum(dim=1, keepdim=True)
        target = target.scatter_add(1, label[:, None], torch.full_like(target[:, :1], 1.0 - smooth))
        losses = -(target * log_shares).sum(dim=1)
        return (losses * seen).sum() / seen.sum().clamp(min=1.0)

    def validation_step(self, batch: RgbInputs, number: int) -> None:
        """Count what each judge has right within the groups."""
        shares = self.shares(self.final, batch)
        self.count([decided(each, batch.label, self.branch) for each in shares[:3]], batch.label)

    def optimiser(self) -> torch.optim.Optimizer:
        """The encoder learns more slowly than the rest."""
        optimiser = super().optimiser()
        slower(optimiser, self.branch.encoder, self.config.model.encoder_rate)
        return optimiser


def slower(optimiser: torch.optim.Optimizer, part: nn.Module, rate: float) -> None:
    """Let the parameters of a part learn at `rate` times the optimiser's learning rate."""
    ids = {id(parameter) for parameter in part.parameters()}
    for group in list(optimiser.param_groups):
        apart = [p for p in group["params"] if id(p) in ids]
        group["params"] = [p for p in group["params"] if id(p) not in ids]
        options = {key: value for key, value in group.items() if key not in ("params", "lr")}
        optimiser.add_param_group({**options, "params": apart, "lr": group["lr"] * rate})


def decided(log_shares: Tensor, label: Tensor, branch: RgbBranch) -> Tensor:
    """(N,) the class that has most of the label's group."""
    outside = branch.fuse.get_buffer("same")[label] == 0.0
    return log_shares.masked_fill(outside, -torch.inf).argmax(dim=1)
