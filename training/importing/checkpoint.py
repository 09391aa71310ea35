"""Reads a checkpoint that somebody else made: tensors only, never code, and each one accounted."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bharnet_ros.errors import ConfigurationError

_WRAPPERS = ("state_dict", "model")
_PREFIX = "module."  # left by data-parallel training


def read_checkpoint(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, as float32 where they are floating point.

    Only plain data is unpickled (`weights_only`); a file with anything else is refused unopened.
    Raises ConfigurationError for a file that is missing, damaged, not a checkpoint, that holds
    code, or whose numbers are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigurationError(
            f"Checkpoint {path} is not a file; give the path of the .pth file that was downloaded "
            "or trained."
        )
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if _is_code(error):
            raise ConfigurationError(
                f"Checkpoint {path} holds Python objects besides tensors ({_reason(error)}); "
                "loading them would run code, so it is refused. Ask its author for the plain "
                "state dict, saved with torch.save(model.state_dict(), ...)."
            ) from None
        raise _damaged(path, error) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError) as error:
        raise _damaged(path, error) from None
    return _tensors(data, path)


def _is_code(error: Exception) -> bool:
    text = str(error)
    return "GLOBAL" in text or "not an allowed" in text or "instantiate" in text


def _damaged(path: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"Checkpoint {path} cannot be read ({_reason(error)}); it is damaged, cut off or no "
        "PyTorch file: download or copy it again."
    )


def _reason(error: Exception) -> str:
    """The telling part of PyTorch's long messages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for line in lines:
        if "Unsupported" in line or "GLOBAL" in line:
            return line.split("WeightsUnpickler error:")[-1].strip()[:160].rstrip(" .")
    return (lines[0] if lines else type(error).__name__)[:160].rstrip(" .")


def _tensors(data: Any, path: Path) -> dict[str, Tensor]:
    for name in _WRAPPERS:
        if isinstance(data, Mapping) and isinstance(data.get(name), Mapping):
            data = data[name]
            break
    found = {
        str(name).removeprefix(_PREFIX): value
        for name, value in (data.items() if isinstance(data, Mapping) else ())
        if isinstance(value, Tensor)
    }
    if not found or len(found) != len(data):
        raise ConfigurationError(
            f"Checkpoint {path} holds no dictionary of tensors; give a state dict, or a file with "
            "one under 'state_dict'."
        )
    for name, value in found.items():
        if value.is_floating_point():
            found[name] = value.detach().to(torch.float32)
            if not torch.isfinite(found[name]).all():
                raise ConfigurationError(
                    f"Checkpoint {path}: tensor '{name}' holds numbers that are not finite; the "
                    "training diverged or the file is damaged. Take another checkpoint."
                )
    return found


class Tensors:
    """The tensors of a checkpoint, taken one by one, so that what nobody takes can be named.

    where: the file, for messages. expected: what it should be, e.g. "an ST-GCN of pyskl".
    """

    def __init__(self, tensors: Mapping[str, Tensor], where: str, expected: str) -> None:
        self._tensors = dict(tensors)
        self._left = set(tensors)
        self._where = where
        self._expected = expected

    def has(self, prefix: str) -> bool:
        """Whether a tensor of that name, or below it, exists."""
        return any(n == prefix or n.startswith(prefix + ".") for n in self._tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor. Raises ConfigurationError if it is not there."""
        if name not in self._tensors:
            raise self.refusal(f"it has no tensor '{name}'")
        return tuple(self._tensors[name].shape)

    def take(self, name: str, *shape: int) -> Tensor:
        """A tensor, which counts as used. Raises ConfigurationError unless it has this shape."""
        found = self.shape(name)
        if found != shape:
            raise self.refusal(f"tensor '{name}' has shape {list(found)} and not {list(shape)}")
        self._left.discard(name)
        return self._tensors[name]

    def batch_norm(self, prefix: str, channels: int) -> tuple[Tensor, Tensor]:
        """A trained batch norm as scale and shift, (channels,) each: y = x * scale + shift."""
        weight, bias, mean, variance = (
            self.take(f"{prefix}.{name}", channels)
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        if self.has(f"{prefix}.num_batches_tracked"):
            self.take(f"{prefix}.num_batches_tracked")
        scale = weight / torch.sqrt(variance + 1e-5)
        return scale, bias - mean * scale

    def check_all_used(self) -> None:
        """Raise ConfigurationError if a tensor was never taken."""
        if self._left:
            some = sorted(self._left)
            more = f" and {len(some) - 3} more" if len(some) > 3 else ""
            raise self.refusal(f"nothing there uses '{', '.join(some[:3])}'{more}")

    def refusal(self, reason: str) -> ConfigurationError:
        """An error that says why this is not the expected network."""
        return ConfigurationError(
            f"Checkpoint {self._where} is not {self._expected}: {reason}. Only such networks can "
            "be imported; other architectures must be exported to ONNX by their own code."
        )
