"""How much each expert's word counts: fitted on held-out clips, folded into the last layers.

On the clips that it learned from, an expert is as sure where it generalises badly as where it
generalises well, so no loss on them can tell which one to believe. Clips of other recording
sessions can: each expert's logits are multiplied by one number, and both numbers are those under
which the fusion finds the held-out clips, and worse recordings of them, most likely. That is
temperature scaling (Guo et al., ICML 2017) of each stream, seen through the fusion.

What held-out clips do not show, nobody can weigh: with the people of the training in them, both
experts look better than they are with strangers.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from training.engine.data import StoreDataModule
from training.engine.degrading import DEGRADATIONS, degraded_batches
from training.models import BHaRNet
from training.models.expert import Expert
from training.models.fusion import ABSENT, noisy_or
from training.models.posenet import PoseExpert

FITTED_ON = ("as recorded", "noise 0.05", "hands lost 50%", "frames lost 30%")
"""Rows of the robustness table, made of held-out clips."""
LOWEST, HIGHEST = 0.1, 10.0
_STEPS = 100


class Heard(NamedTuple):
    """About N windows: body and hand (N, C) logits, log_r (N, 2), label (N,)."""

    body: Tensor
    hand: Tensor
    log_r: Tensor
    label: Tensor


def balance(network: BHaRNet, data: StoreDataModule) -> tuple[float, float]:
    """Scale the experts' last layers in place; returns the factors of body and hand.

    Fitted on the validation part of the data. What an expert prefers stays the same.
    """
    heard = listen(network, data)
    body, hand = fit_factors(heard, network.fusion)
    scale_logits(network.body, body)
    scale_logits(network.hand, hand)
    return body, hand


@torch.no_grad()
def listen(network: BHaRNet, data: StoreDataModule) -> Heard:
    """What the network says about the validation clips in each of the conditions `FITTED_ON`."""
    network.eval()
    clips, parts = data.clips("validation"), []
    for name in FITTED_ON:
        for batch in degraded_batches(data, clips, DEGRADATIONS[name]):
            output = network(batch.body, batch.hand)
            log_r = torch.stack([output.body_usable, output.usable], dim=1)
            if output.reliabilities is not None:
                log_r = output.reliabilities
            log_r = torch.where(log_r > 0.0, log_r.clamp(min=1e-30).log(), ABSENT)
            parts.append(Heard(output.body, output.hand, log_r, batch.label))
    return Heard(*(torch.cat(column) for column in zip(*parts, strict=True)))


def fit_factors(heard: Heard, fusion: str) -> tuple[float, float]:
    """Factors of body and hand logits, 0.1 to 10 each, of the least negative log-likelihood of
    the fusion (one of `training.model_config.FUSIONS`)."""
    logs = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    body, hand = heard.body.double(), heard.hand.double()
    log_r = (heard.log_r[:, 0].double(), heard.log_r[:, 1].double())
    optimiser = torch.optim.LBFGS([logs], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        factors = logs.exp()
        first, second = body * factors[0], hand * factors[1]
        fused = first + second
        if fusion != "logit_sum":
            fused = noisy_or(first, second, log_r, fusion == "noisy_or_sigmoid").log_there.double()
        # A little pull towards 1: where held-out clips are all right, no factor is large enough.
        return nn.functional.cross_entropy(fused, heard.label) + 1e-3 * logs.square().sum()

    def closure() -> float:
        optimiser.zero_grad()
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]
        return float(value.detach())

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    body_factor, hand_factor = logs.detach().exp().clamp(LOWEST, HIGHEST).tolist()
    return body_factor, hand_factor


@torch.no_grad()
def scale_logits(expert: Expert | PoseExpert, factor: float) -> None:
    """Multiply everything that the expert says, in place."""
    layers = [expert.classify]
    if isinstance(expert, Expert) and expert.expertized is not None:
        layers.append(expert.expertized.classify)
    for layer in layers:
        layer.weight.mul_(factor)
        if layer.bias is not None:
            layer.bias.mul_(factor)
