"""A training that diverged ends with what helps, not with weights that are no numbers."""

from __future__ import annotations

import torch
from torch import nn

from bharnet_ros.errors import ConfigurationError


def refuse_diverged(network: nn.Module, when: str, learning_rate: float) -> None:
    """Raise ConfigurationError if a weight or a running figure of the network is not finite.

    Losses do not tell: with precision 16-mixed one may overflow, and its step is left out.
    when: how far training is, for the message.
    """
    if all(bool(torch.isfinite(value).all()) for value in network.state_dict().values()):
        return
    raise ConfigurationError(
        f"The training diverged: after {when} there are weights that are not finite. Lower "
        f"fit.learning_rate (it is {learning_rate:g}) or warm up longer, keep fit.gradient_clip "
        "above 0, and look for values in the data that are far from all others."
    )
