"""A top-down network of mmpose from its config and checkpoint, ready to run."""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bharnet_ros.errors import BackendUnavailable, BharnetError, ConfigurationError
from bharnet_ros.pose.mmpose.checkpoint import fill, read_checkpoint
from bharnet_ros.pose.mmpose.packages import load_mmpose

AUTO = "auto"
"""A device: the first GPU if PyTorch has one, else the CPU."""


@dataclass(frozen=True, eq=False)
class PoseNetwork:
    """module: mmpose's TopdownPoseEstimator (a torch module), in evaluation.

    pipeline: what its config does to an image and a box before the network. config: the whole of
    it (mmengine.Config). name: of the config file. device: as PyTorch spells it.
    full_score: the raw score of a keypoint the network is certain of.
    """

    module: Any
    pipeline: Callable[[dict[str, Any]], dict[str, Any]]
    config: Any
    name: str
    device: str
    full_score: float


def open_network(
    config: str | Path,
    checkpoint: str | Path | None,
    *,
    device: str = AUTO,
    flip_test: bool = False,
    strict: bool = True,
) -> PoseNetwork:
    """mmpose's `init_model`, but for the checkpoint, of which only plain data is read.

    config: path of a config, or the name of one that comes with mmpose. A config is a Python
    program and runs: use those of people you trust. checkpoint: path of a .pth file; None leaves
    the network with random weights. flip_test: look at every person mirrored too, twice the time.
    strict: see `checkpoint.fill`.
    Raises BackendUnavailable (packages, device), WeightsError or ConfigurationError.
    """
    apis = load_mmpose()
    place = _device(device)
    path = find_config(config)
    settings = _read(path)
    _switch_flip_test(settings, path, flip_test)
    if importlib.util.find_spec("mmdet") is None:
        _take_from_mmpose(settings.model)
    tensors, meta = ({}, {}) if checkpoint is None else read_checkpoint(checkpoint)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            module = apis.init_model(settings, None, device="cpu")
            pipeline = importlib.import_module("mmengine.dataset").Compose(
                settings.test_dataloader.dataset.pipeline
            )
        except BharnetError:
            raise
        except Exception as error:  # of a config anything can be raised
            raise ConfigurationError(
                f"mmpose cannot build the network of the config {path} ({_first_line(error)}); "
                "use a config of mmpose 1.x with its test_dataloader."
            ) from error
    _check_kind(module, path)
    if checkpoint is not None:
        fill(module, tensors, checkpoint, strict)
    if isinstance(meta.get("dataset_meta"), dict):
        module.dataset_meta = meta["dataset_meta"]
    module.to(place)
    return PoseNetwork(module, pipeline, settings, path.stem, place, full_score(module))


def find_config(config: str | Path) -> Path:
    """The file of a config: a path, or the name of one that comes with mmpose.

    Raises ConfigurationError.
    """
    path = Path(os.path.expanduser(config))  # Path's own raises for a user who is unknown
    if os.path.isfile(path):  # False, too, where it may not be looked at
        return path
    if path.name == str(config):
        root = Path(importlib.import_module("mmpose").__file__ or "").parent
        for folder in (root / ".mim" / "configs", root.parent / "configs"):
            found = sorted(folder.rglob(f"{path.name.removesuffix('.py')}.py"))
            if found:
                return found[0]
    raise ConfigurationError(
        f"The config '{config}' is neither a file nor the name of one that comes with mmpose; "
        "a whole-body network is for instance rtmw-m_8xb1024-270e_cocktail14-256x192."
    )


def full_score(module: Any) -> float:
    """What a SimCC network's raw score is where it is certain; 1 for heatmaps.

    KLDiscretLoss trains softmax(beta * output) towards softmax(label_beta * label), and a label
    is 1 at the keypoint: outputs are label_beta / beta times too large (10 times for RTMW).
    """
    loss: Any = getattr(getattr(module, "head", None), "loss_module", None)
    if type(loss).__name__ == "KLDiscretLoss" and loss.label_softmax:
        return float(loss.label_beta) / float(loss.beta)
    return 1.0


def _read(path: Path) -> Any:
    engine = importlib.import_module("mmengine.config")
    try:
        return engine.Config.fromfile(str(path))
    except Exception as error:  # the file is a program
        raise ConfigurationError(
            f"The config {path} cannot be read ({_first_line(error)}); correct it, or copy it "
            "again together with the files under its _base_."
        ) from error


def _switch_flip_test(settings: Any, path: Path, flip_test: bool) -> None:
    model = settings.get("model")
    if not hasattr(model, "get") or not hasattr(model.get("backbone"), "get"):
        raise ConfigurationError(
            f"The config {path} describes no model with a backbone; give that of a network, not of "
            "a dataset."
        )
    test = model.get("test_cfg") or {}
    model.test_cfg = {**test, "flip_test": bool(flip_test)}


def _take_from_mmpose(part: Any) -> None:
    """RTMPose's configs name parts of mmdet that mmpose has under the same names; without mmdet
    mmengine would take those too, after a page of warnings."""
    if isinstance(part, dict):
        if part.get("_scope_") == "mmdet":
            part.pop("_scope_")
        for value in part.values():
            _take_from_mmpose(value)
    elif isinstance(part, list | tuple):
        for value in part:
            _take_from_mmpose(value)


def _check_kind(module: Any, path: Path) -> None:
    wanted = importlib.import_module("mmpose.models").TopdownPoseEstimator
    if not isinstance(module, wanted):
        raise ConfigurationError(
            f"The config {path} describes a {type(module).__name__}; only top-down networks "
            "(TopdownPoseEstimator: RTMPose, RTMW, HRNet, ViTPose and others) can be used here."
        )


def _device(device: str) -> str:
    import torch

    if device == AUTO:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except (RuntimeError, TypeError):
        raise ConfigurationError(
            f"device is {device!r}; it must be auto, cpu, cuda or one GPU such as cuda:1."
        ) from None
    if kind == "cuda" and not torch.cuda.is_available():
        raise BackendUnavailable(
            f"device is '{device}', but this PyTorch ({torch.__version__}) sees no GPU; install "
            "the build for your CUDA, look at nvidia-smi, or set device: cpu."
        )
    return device


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}".rstrip(": ")[:300]
