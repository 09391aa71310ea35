"""The Lightning module of stage two: the skeleton's networks frozen, the RGB branch trained."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
import pytorch_lightning as lightning
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from bharnet_ros.skeleton import body_graph
from training.engine.module import growing_average
from training.engine.optim import learning_rate_factor, make_optimiser
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


class RgbModule(lightning.LightningModule):
    """judge: calibrated and `attending`; it stays as it is. history: validation figures."""

    def __init__(
        self, judge: CalibratedBHaRNet, branch: RgbBranch, config: RgbConfig, steps_per_epoch: int
    ) -> None:
        super().__init__()
        self.judge = judge.eval().requires_grad_(False)
        self.branch = branch
        self.config = config
        self.steps_per_epoch = steps_per_epoch
        self.register_buffer("flip", torch.as_tensor(body_graph().flip_indices.copy()), False)
        self.average: AveragedModel | None = None
        if config.fit.ema_decay > 0.0:
            self.average = AveragedModel(
                branch, multi_avg_fn=growing_average(config.fit.ema_decay), use_buffers=True
            )
            self.average.requires_grad_(False)
        self.history: list[dict[str, float]] = []
        self._counts = torch.zeros(4, dtype=torch.float64)

    @property
    def final_branch(self) -> RgbBranch:
        """The one to keep: the average, if there is one."""
        return self.branch if self.average is None else cast(RgbBranch, self.average.module)

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

    def on_train_batch_start(self, batch: RgbInputs, batch_idx: int) -> None:
        """Dropout is a function of seed and step, so that a resumed run goes on exactly."""
        place = [self.config.seed, self.global_step, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

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

    def on_train_batch_end(self, outputs: Any, batch: RgbInputs, batch_idx: int) -> None:
        """Move the average towards the branch."""
        if self.average is not None:
            self.average.update_parameters(self.branch)

    def on_validation_epoch_start(self) -> None:
        """Begin to count."""
        self._counts = torch.zeros(4, dtype=torch.float64)

    def validation_step(self, batch: RgbInputs, number: int) -> None:
        """Count what each judge has right within the groups."""
        shares = self.shares(self.final_branch, batch)
        right = [(decided(s, batch.label, self.branch) == batch.label).sum() for s in shares[:3]]
        self._counts += torch.stack([*right, batch.label.new_tensor(len(batch.label))]).cpu()

    def on_validation_epoch_end(self) -> None:
        """Accuracies over all processes."""
        if self.trainer.sanity_checking:
            return
        counts = self.trainer.strategy.reduce(
            self._counts.to(self.device, torch.float32), reduce_op="sum"
        )
        figures = {j: float(counts[n] / counts[3].clamp(min=1.0)) for n, j in enumerate(JUDGES)}
        for name, value in figures.items():
            self.log(f"validation/{name}", value, prog_bar=name == "fused", rank_zero_only=True)
        self.history.append({"epoch": float(self.current_epoch + 1), **figures})

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history, too."""
        checkpoint["history"] = self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Inverse of `on_save_checkpoint`."""
        self.history = [dict(entry) for entry in checkpoint.get("history", [])]

    def configure_optimizers(self) -> Any:
        """See `training.engine.optim`; the rate changes at every step."""
        optimiser = make_optimiser(self.branch, self.config.fit)
        slower(optimiser, self.branch.encoder, self.config.model.encoder_rate)

        def factor(step: int) -> float:
            return learning_rate_factor(self.config.fit, (step + 1) / self.steps_per_epoch)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


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
