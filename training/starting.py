"""Weights inside a bundle, from which another training can start."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import BundleError
from training.files import DAMAGED, damage

WEIGHTS_FILE = "weights.npz"
"""Its name in the bundle."""


def pack_weights(network: nn.Module) -> bytes:
    """The state as the bytes of an `.npz` of half-precision arrays; to start from, not to run."""
    arrays = {
        name: value.detach().numpy().astype(np.float16)
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def starting_weights(bundle: Bundle) -> dict[str, Tensor]:
    """The arrays a bundle brings to go on from, by name; BundleError if it brings none."""
    path = bundle.file(WEIGHTS_FILE)
    if path is None:
        raise BundleError(
            f"Bundle {bundle.path} holds no {WEIGHTS_FILE}, so training cannot start from it; "
            "choose one that `python -m training` made with its weights inside."
        )
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name].astype(np.float32) for name in data.files}
    except DAMAGED as error:
        raise BundleError(f"{path} is damaged ({damage(error)}); copy the bundle again.") from error
    return {name: torch.from_numpy(value) for name, value in arrays.items()}


def adopt(network: nn.Module, initial: Mapping[str, Tensor]) -> int:
    """Copy the arrays whose name and shape agree; returns how many.

    What differs, such as the last layer of other classes, stays as it is.
    """
    own = network.state_dict()
    taken = {
        name: value
        for name, value in initial.items()
        if name in own and own[name].shape == value.shape
    }
    network.load_state_dict(taken, strict=False)
    return len(taken)
