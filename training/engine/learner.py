"""What all our Lightning modules share: an average of the weights, counting, optimiser, history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar, cast

import numpy as np
import pytorch_lightning as lightning
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from training.divergence import refuse_diverged
from training.engine.config import StoreFit
from training.engine.optim import learning_rate_factor, make_optimiser

Part = TypeVar("Part", bound=nn.Module)


class Learner(lightning.LightningModule, Generic[Part]):
    """Trains `part`, a submodule that the subclass registers under a name of its own.

    judges: names of those whose right answers are counted on validation data, "fused" among them.
    history: validation figures, oldest first. config_sha256: of the run's configuration, for its
    checkpoints; "" = not told. grounds: hashes of what else the run rests on, for its checkpoints,
    by a name that people understand (see `training.engine.resuming`).
    """

    def __init__(
        self, part: Part, fit: StoreFit, steps_per_epoch: int, seed: int, judges: Sequence[str]
    ) -> None:
        super().__init__()
        self.seed = seed
        self.steps_per_epoch = steps_per_epoch
        self.fit_options = fit
        self.judges = tuple(judges)
        self._learning = (part,)  # a tuple, so that it is not registered a second time
        self.average: AveragedModel | None = None
        if fit.ema_decay > 0.0:
            self.average = AveragedModel(
                part, multi_avg_fn=growing_average(fit.ema_decay), use_buffers=True
            )
            self.average.requires_grad_(False)
        self.history: list[dict[str, float]] = []
        self.config_sha256 = ""
        self.grounds: dict[str, str] = {}
        self._counts = torch.zeros(len(self.judges) + 1, dtype=torch.float64)

    @property
    def final(self) -> Part:
        """The one to keep: the average, if there is one."""
        return self._learning[0] if self.average is None else cast(Part, self.average.module)

    def count(self, decided: Sequence[Tensor], label: Tensor) -> None:
        """Add a batch: for each judge the (N,) classes it decided on; label (N,)."""
        right = [(classes == label).sum() for classes in decided]
        self._counts += torch.stack([*right, label.new_tensor(len(label))]).cpu()

    def optimiser(self) -> torch.optim.Optimizer:
        """Of everything that learns."""
        return make_optimiser(self._learning[0], self.fit_options)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Dropout is a function of seed and step, so that a resumed run goes on exactly."""
        place = [self.seed, self.global_step, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Move the average towards what learns."""
        if self.average is not None:
            self.average.update_parameters(self._learning[0])

    def on_train_epoch_end(self) -> None:
        """Before the checkpoint of the epoch is written: ConfigurationError if it diverged."""
        when = f"epoch {self.current_epoch + 1} of {self.trainer.max_epochs}"
        refuse_diverged(self._learning[0], when, self.fit_options.learning_rate)

    def on_validation_epoch_start(self) -> None:
        """Begin to count."""
        self._counts = torch.zeros(len(self.judges) + 1, dtype=torch.float64)

    def on_validation_epoch_end(self) -> None:
        """Accuracies over all processes."""
        if self.trainer.sanity_checking:
            return
        counts = self.trainer.strategy.reduce(
            self._counts.to(self.device, torch.float32), reduce_op="sum"
        )
        total = counts[-1].clamp(min=1.0)
        figures = {judge: float(counts[n] / total) for n, judge in enumerate(self.judges)}
        for name, value in figures.items():
            self.log(f"validation/{name}", value, prog_bar=name == "fused", rank_zero_only=True)
        self.history.append({"epoch": float(self.current_epoch + 1), **figures})

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history, too, and whose run this is (see `training.engine.resuming`)."""
        checkpoint["history"] = self.history
        checkpoint["config_sha256"] = self.config_sha256
        checkpoint["grounds"] = self.grounds

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Inverse of `on_save_checkpoint`."""
        self.history = [dict(entry) for entry in checkpoint.get("history", [])]

    def configure_optimizers(self) -> Any:
        """See `training.engine.optim`; the rate changes at every step."""

        def factor(step: int) -> float:
            return learning_rate_factor(self.fit_options, (step + 1) / self.steps_per_epoch)

        optimiser = self.optimiser()
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
