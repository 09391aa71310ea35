"""Image encoders of the RGB branch: any network of timm that gives feature maps.

timm imports torchvision while it loads, for augmentations and data sets; no encoder needs it. For
builds of PyTorch without a torchvision stand-ins take its place (see `bharnet_ros.stand_ins`).
"""

from __future__ import annotations

import enum
import importlib
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from bharnet_ros.errors import BackendUnavailable, ConfigurationError
from bharnet_ros.stand_ins import Named, reason, stand_ins

INSTALL = "`pip install --no-deps -r requirements/vision.txt` beside requirements/training.txt"
SUFFIX = ".safetensors"


class InterpolationMode(enum.Enum):
    """timm makes a table of torchvision's modes while it loads."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


NAMED_ON_LOADING: Named = MappingProxyType(
    {
        "torchvision.ops.misc": ("FrozenBatchNorm2d",),
        "torchvision.transforms": ("ToTensor", "PILToTensor"),
        "torchvision.transforms.functional": {"InterpolationMode": InterpolationMode},
        "torchvision.datasets": (
            "CIFAR10", "CIFAR100", "FashionMNIST", "ImageFolder", "KMNIST", "MNIST",
        ),
    }
)  # fmt: skip
"""Modules that timm 1.0 imports, with the names it takes."""

# A getter leaves away what comes after the last feature map that is asked for.
_FEATURES = {"pretrained": False, "features_only": True, "feature_cls": "getter"}
_LOG = logging.getLogger("bharnet_ros.training")
_LOCK = threading.Lock()


class Encoder(nn.Module):
    """An image encoder cut off at one of its feature maps.

    (N, 3, H, W) -> (N, channels, H / reduction, W / reduction). mean, std: (3,) of the colours
    (RGB, 0..1) that the network was made for.
    """

    def __init__(self, name: str, body: nn.Module, channels: int, reduction: int) -> None:
        super().__init__()
        self.name = name
        self.body = body
        self.channels = channels
        self.reduction = reduction
        config: Mapping[str, Any] = self.network.pretrained_cfg  # type: ignore[assignment]
        self.frozen: tuple[nn.Module, ...] = ()
        self.mean: tuple[float, ...] = tuple(config.get("mean", (0.485, 0.456, 0.406)))
        self.std: tuple[float, ...] = tuple(config.get("std", (0.229, 0.224, 0.225)))

    @property
    def network(self) -> nn.Module:
        """timm's network, as far as it is used."""
        network: nn.Module = self.body.get_submodule("model")
        return network

    def forward(self, image: Tensor) -> Tensor:
        found: Tensor = self.body(image)[-1]
        return found

    def keep_statistics(self) -> None:
        """Let batch norms use the statistics they come with, in training, too: those of a few
        windows, many tiles of them grey, are worse."""
        norms = [m for m in self.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        self.frozen = (*self.frozen, *norms)
        self.train(self.training)

    def freeze(self, reduction: int) -> None:
        """Leave everything up to the last feature map of that reduction as it is, batch norms
        and all. ConfigurationError if there is none."""
        levels: list[dict[str, Any]] = self.network.feature_info  # type: ignore[assignment]
        last = [str(level["module"]) for level in levels if level["reduction"] == reduction]
        modules = [(name, m) for name, m in self.network.named_modules() if name]
        inside = [n for n, (name, _) in enumerate(modules) if last and _within(name, last[-1])]
        if not inside or reduction > self.reduction:
            raise ConfigurationError(
                f"The encoder '{self.name}' has no feature map of reduction {reduction} up to "
                f"the one that is used ({self.reduction}); choose another model.frozen, or 0."
            )
        # Of containers only those with parameters of their own: some norms hold their activation.
        known = [
            module
            for _, module in modules[: inside[-1] + 1]
            if not list(module.children()) or list(module.parameters(recurse=False))
        ]
        for module in known:
            module.requires_grad_(False)
        self.frozen = (*self.frozen, *known)
        self.train(self.training)

    def train(self, mode: bool = True) -> Encoder:
        """What is frozen is never in training mode."""
        super().train(mode)
        for module in self.frozen:
            module.eval()
        return self


def create_encoder(
    name: str, tile_px: int, weights: Path | None = None, reduction: int = 32
) -> Encoder:
    """The encoder of that timm name, up to its deepest feature map whose cells divide a tile.

    tile_px: side of a tile; each tile of an image of tiles then has cells of its own. reduction:
    cells are of so many pixels at most.
    weights: a .safetensors file of the whole network as timm publishes them (what comes after the
    feature map is left aside); random without. Nothing is downloaded.
    Raises BackendUnavailable without timm, ConfigurationError for a name timm does not know, a
    network without feature maps, one whose cells do not fit, or weights that are not its own.
    """
    timm = load_timm()
    if name not in timm.list_models():
        like = timm.list_models(f"*{name.split('_')[0]}*")[:5]
        raise ConfigurationError(
            f"There is no encoder '{name}' in timm {timm.__version__}"
            + (f"; similar ones are {', '.join(like)}." if like else "; see timm.list_models().")
        )
    try:
        levels = [
            (int(level["num_chs"]), int(level["reduction"]))
            for level in timm.create_model(name, **_FEATURES).feature_info.get_dicts()
        ]
    except (RuntimeError, AttributeError, AssertionError, TypeError, KeyError) as error:
        raise ConfigurationError(
            f"The encoder '{name}' gives no feature maps ({reason(error)}); take a convolutional "
            "one such as mobilenetv3_small_100."
        ) from error
    fitting = [n for n, (_, r) in enumerate(levels) if r <= reduction and tile_px % r == 0]
    if not fitting:
        raise ConfigurationError(
            f"The encoder '{name}' reduces images by {', '.join(str(r) for _, r in levels)}, none "
            f"of which is {reduction} or less and divides tile_px = {tile_px}; take a tile_px that "
            "is a multiple of one."
        )
    body = timm.create_model(name, **_FEATURES, out_indices=(fitting[-1],))
    encoder = Encoder(name, body, *levels[fitting[-1]])
    if weights is not None:
        _load(encoder, weights)
    return encoder


def _within(name: str, parent: str) -> bool:
    return name == parent or name.startswith(f"{parent}.")


def load_timm() -> ModuleType:
    """The module; BackendUnavailable with the install line."""
    remedy = "install {package} for your PyTorch"
    with _LOCK, stand_ins(NAMED_ON_LOADING, "timm", remedy, _LOG):
        try:
            return importlib.import_module("timm")
        except Exception as error:  # of whatever it is built on
            raise BackendUnavailable(
                f"timm, which has the image encoders, cannot be loaded ({reason(error)}); "
                f"{INSTALL}."
            ) from error


def _load(encoder: Encoder, path: Path) -> None:
    """Fill the encoder from a file of the whole network."""
    if path.suffix != SUFFIX:
        raise ConfigurationError(
            f"Weights of encoders are {SUFFIX} files, not {path.name}: other kinds can run code "
            "when they are read. Convert them where you trust them."
        )
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read ({reason(error)}).") from error
    wanted = encoder.network.state_dict()
    missing = [name for name in wanted if name not in found and "num_batches" not in name]
    other = [name for name in wanted if name in found and found[name].shape != wanted[name].shape]
    if missing or other:
        raise ConfigurationError(
            f"{path} is not of the encoder '{encoder.name}': "
            + (f"it lacks {missing[0]}" if missing else f"{other[0]} has another shape")
            + "; take the file timm publishes for it."
        )
    with torch.no_grad():
        encoder.network.load_state_dict({**wanted, **{n: found[n] for n in wanted if n in found}})
