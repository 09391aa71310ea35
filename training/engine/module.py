"""The Lightning module: body and hand expert trained together by the ensemble loss."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytorch_lightning as lightning
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from training.engine.config import StoreFit
from training.engine.inputs import Inputs
from training.engine.networks import Network
from training.engine.optim import learning_rate_factor, make_optimiser
from training.losses import ensemble_loss

JUDGES = ("body", "hand", "fused")


class ExpertModule(lightning.LightningModule):
    """A network and how it is trained. history: validation figures, oldest first."""

    def __init__(self, network: Network, config: StoreFit, steps_per_epoch: int, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.steps_per_epoch = steps_per_epoch
        self.network = network
        self.config = config
        self.average: AveragedModel | None = None
        if config.ema_decay > 0.0:
            self.average = AveragedModel(
                network, multi_avg_fn=growing_average(config.ema_decay), use_buffers=True
            )
            self.average.requires_grad_(False)
        self.history: list[dict[str, float]] = []
        self._counts = torch.zeros(4, dtype=torch.float64)

    @property
    def final_network(self) -> Network:
        """The one to keep: the average, if there is one."""
        if self.average is None:
            return self.network
        return cast(Network, self.average.module)

    def on_train_batch_start(self, batch: Inputs, batch_idx: int) -> None:
        """Dropout is a function of seed and step, so that a resumed run goes on exactly."""
        place = [self.seed, self.global_step, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def training_step(self, batch: Inputs, number: int) -> Tensor:
        """One batch; Lightning does the rest."""
        output = self.network(batch.body, batch.hand)
        losses = ensemble_loss(
            output, batch.label, self.config.label_smoothing,
            self.config.loss_weights,
        )  # fmt: skip
        named = {
            "body": losses.body, "hand": losses.hand, "ensemble": losses.complementary,
            "total": losses.total,
        }  # fmt: skip
        for name, value in named.items():
            self.log(f"loss/{name}", value, on_step=False, on_epoch=True, sync_dist=True,
                     batch_size=1)  # fmt: skip
        self.log("loss", losses.total, prog_bar=True, on_step=True, batch_size=1)
        return losses.total

    def on_train_batch_end(self, outputs: Any, batch: Inputs, batch_idx: int) -> None:
        """Move the average towards the network."""
        if self.average is not None:
            self.average.update_parameters(self.network)

    def on_validation_epoch_start(self) -> None:
        """Begin to count."""
        self._counts = torch.zeros(4, dtype=torch.float64)

    def validation_step(self, batch: Inputs, number: int) -> None:
        """Count what each judge has right."""
        output = self.final_network(batch.body, batch.hand)
        right = [(getattr(output, j).argmax(dim=1) == batch.label).sum() for j in JUDGES]
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
        optimiser = make_optimiser(self.network, self.config)

        def factor(step: int) -> float:
            return learning_rate_factor(self.config, (step + 1) / self.steps_per_epoch)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def growing_average(decay: float) -> Any:
    """For `AveragedModel`: the decay grows to `decay`, so that the average forgets the random
    start; as in `training.ema`."""

    @torch.no_grad()
    def update(averages: list[Tensor], currents: list[Tensor], updates: Tensor | int) -> None:
        count = float(updates)
        weight = 1.0 - min(decay, (1.0 + count) / (10.0 + count))
        for average, current in zip(averages, currents, strict=True):
            if average.is_floating_point():
                average.lerp_(current, weight)
            else:
                average.copy_(current)

    return update
