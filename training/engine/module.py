"""The Lightning module: body and hand expert trained together by the ensemble loss."""

from __future__ import annotations

import torch
from torch import Tensor

from training.engine.config import StoreFit
from training.engine.initial import Start
from training.engine.inputs import Inputs
from training.engine.learner import Learner
from training.engine.networks import Network
from training.engine.optim import make_optimiser
from training.engine.scores import JUDGES
from training.losses import ensemble_loss


class ExpertModule(Learner[Network]):
    """A network and how it is trained."""

    def __init__(
        self,
        network: Network,
        config: StoreFit,
        steps_per_epoch: int,
        seed: int,
        start: Start | None = None,
    ) -> None:
        super().__init__(network, config, steps_per_epoch, seed, JUDGES)
        self.network = network
        self._start = start

    def optimiser(self) -> torch.optim.Optimizer:
        """What was taken over may learn more slowly."""
        if self._start is None:
            return super().optimiser()
        return make_optimiser(self.network, self.fit_options, self._start.taken, self._start.rate)

    def training_step(self, batch: Inputs, number: int) -> Tensor:
        """One batch; Lightning does the rest."""
        output = self.network(batch.body, batch.hand)
        losses = ensemble_loss(
            output, batch.label, self.fit_options.label_smoothing,
            self.fit_options.loss_weights,
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

    def validation_step(self, batch: Inputs, number: int) -> None:
        """Count what each judge has right."""
        output = self.final(batch.body, batch.hand)
        self.count([getattr(output, judge).argmax(dim=1) for judge in JUDGES], batch.label)
