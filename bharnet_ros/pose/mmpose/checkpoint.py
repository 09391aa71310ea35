"""Weights from an mmpose checkpoint: plain data only, and every weight of the network filled."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np

from bharnet_ros.errors import ConfigurationError, WeightsError

_WRAPPERS = ("state_dict", "model")
_PREFIX = "module."  # left by data-parallel training
_NOT_WEIGHTS = ("data_preprocessor.",)
"""Tensors beside the weights: mean and deviation of the pixels, which the config states."""


def read_checkpoint(path: str | Path) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The tensors of a checkpoint by name, and its `meta` ({} if it has none).

    Unpickles tensors, NumPy arrays and mmengine's training log and nothing else: a file with
    anything that would run is refused. Raises WeightsError (not there) or ConfigurationError.
    """
    import torch

    path = Path(os.path.expanduser(path))  # Path's own raises for a user who is unknown
    if not os.path.isfile(path):  # also where it may not be looked at
        raise WeightsError(
            f"The checkpoint {path} is not a file; give the path of a .pth file. Nothing is "
            "downloaded here: fetch it from the model zoo of mmpose first."
        )
    try:
        with torch.serialization.safe_globals(_harmless()):
            data = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ConfigurationError(
            f"The checkpoint {path} holds Python objects besides arrays ({_reason(error)}); "
            "loading them would run code, so it is refused. Save its plain weights with "
            "torch.save(model.state_dict(), ...) where you trust it."
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError) as error:
        raise ConfigurationError(
            f"The checkpoint {path} cannot be read ({_reason(error)}); it is damaged, cut off or "
            "no PyTorch file: download or copy it again."
        ) from None
    meta = data.get("meta") if isinstance(data, Mapping) else None
    return _tensors(data, path), meta if isinstance(meta, Mapping) else {}


def fill(network: Any, tensors: Mapping[str, Any], path: str | Path, strict: bool = True) -> None:
    """Put the tensors into the network (a torch module), in place.

    strict: False lets the file hold tensors that the network lacks. Raises ConfigurationError
    if a weight of the network is not in the file, or not of its shape, or not finite.
    """
    import torch

    given = {name: value for name, value in tensors.items() if not name.startswith(_NOT_WEIGHTS)}
    for name, value in given.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise ConfigurationError(
                f"The checkpoint {path} holds numbers that are not finite in '{name}'; the "
                "training diverged or the file is damaged. Take another checkpoint."
            )
    try:
        # mmpose's own hook renames the weights of versions before 1.0 meanwhile.
        missing, extra = network.load_state_dict(given, strict=False)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        reason = next((line for line in lines if "size mismatch" in line), lines[0])
        raise _other_network(path, reason[:200].rstrip(" .")) from None
    missing = [name for name in missing if not name.startswith(_NOT_WEIGHTS)]
    if missing:
        raise _other_network(path, f"it lacks {_some(missing)} of the network")
    if extra and strict:
        raise _other_network(
            path, f"the network has no {_some(extra)} (strict: false ignores what is too much)"
        )


def _harmless() -> list[Any]:
    """Classes and functions a checkpoint of mmengine's runner refers to; none of them runs what
    the file holds. Files from before NumPy 2 spell the module of two of them differently."""
    rebuild = importlib.import_module("numpy._core.multiarray" if _numpy_2() else _OLD_CORE)
    allowed: list[Any] = [np.ndarray, np.dtype]
    for name in ("_reconstruct", "scalar"):
        function = getattr(rebuild, name)
        allowed += [(function, f"{module}.{name}") for module in (_OLD_CORE, _NEW_CORE)]
    allowed += [getattr(np.dtypes, name) for name in dir(np.dtypes) if name.endswith("DType")]
    log = importlib.import_module("mmengine.logging.history_buffer").HistoryBuffer

    def statistic(owner: Any, name: str) -> Any:
        """In place of getattr, through which the log refers to its own four functions."""
        if owner is not log or name not in ("min", "max", "mean", "current"):
            raise UnpicklingError(f"Unsupported global: GLOBAL getattr of {name!r}")
        return getattr(log, name)

    return [*allowed, log, (statistic, "builtins.getattr"), (statistic, "getattr")]


_OLD_CORE, _NEW_CORE = "numpy.core.multiarray", "numpy._core.multiarray"


def _numpy_2() -> bool:
    return int(np.__version__.partition(".")[0]) >= 2


def _tensors(data: Any, path: Path) -> dict[str, Any]:
    import torch

    for name in _WRAPPERS:
        if isinstance(data, Mapping) and isinstance(data.get(name), Mapping):
            data = data[name]
            break
    found = {
        str(name).removeprefix(_PREFIX): value
        for name, value in (data.items() if isinstance(data, Mapping) else ())
        if isinstance(value, torch.Tensor)
    }
    if not found:
        raise ConfigurationError(
            f"The checkpoint {path} holds no tensors; give a state dict, or a file with one under "
            "'state_dict'."
        )
    return found


def _other_network(path: str | Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"The checkpoint {path} does not belong to the config: {reason}. Give the checkpoint that "
        "was trained with this config."
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(f"'{name}'" for name in names[:2]) + more


def _reason(error: Exception) -> str:
    """The telling part of PyTorch's long messages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for line in lines:
        if "Unsupported" in line or "GLOBAL" in line:
            return line.split("WeightsUnpickler error:")[-1].strip()[:160].rstrip(" .")
    return (lines[0] if lines else type(error).__name__)[:160].rstrip(" .")
