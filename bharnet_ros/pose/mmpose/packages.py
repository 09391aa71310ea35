"""Imports mmpose, with stand-ins for what it names while loading and never needs here.

mmpose imports parts of matplotlib, torchvision, mmdet, mmcv's compiled operators and xtcocotools
on loading, for drawing, training, other networks and annotation files. Some are hard to get
without a GPU toolchain. What is missing is stood in for while mmpose loads, and the stand-ins are
taken away again, so that nobody else takes them for the real package. What is there is used.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from types import MappingProxyType, ModuleType
from typing import Any, NoReturn

from bharnet_ros.errors import BackendUnavailable

INSTALL = (
    "install PyTorch and then `pip install --no-deps -r requirements/mmpose.txt` (docs/mmpose.md)"
)
NAMED_ON_LOADING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "matplotlib.pyplot": (),
        "torchvision.transforms": ("ToPILImage",),
        "mmdet.utils": ("ConfigType", "reduce_mean"),
        "mmcv.ops": ("MultiScaleDeformableAttention",),
        "xtcocotools.coco": ("COCO",),
        "xtcocotools.cocoeval": ("COCOeval",),
        "xtcocotools.mask": (),
    }
)
"""Modules that mmpose 1.3 imports and whole-body networks do not use, with the names it takes."""

_LOG = logging.getLogger("bharnet_ros.pose")
_LOCK = threading.Lock()


def load_mmpose() -> ModuleType:
    """The module `mmpose.apis`; everything that registers networks is loaded with it.

    Raises BackendUnavailable with the install line.
    """
    with _LOCK, stand_ins():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                apis = importlib.import_module("mmpose.apis")
        except Exception as error:  # OpenMMLab's packages check versions with assert
            raise BackendUnavailable(
                f"mmpose cannot be loaded ({_reason(error)}); {INSTALL}."
            ) from error
    # Every run would tell again which names of PyTorch are to change.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"mmpose\.")
    return apis


@contextlib.contextmanager
def stand_ins() -> Iterator[tuple[str, ...]]:
    """Inside, modules that are missing can be imported; gives their names.

    A package that is there but cannot be loaded counts as missing, and the log says so.
    """
    added: list[str] = []
    try:
        for name, attributes in NAMED_ON_LOADING.items():
            if not _works(name):
                added += _stand_in(name, attributes)
        yield tuple(added)
    finally:
        for name in added:
            sys.modules.pop(name, None)


def _works(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A part of the package itself: it is not installed, or without its compiled operators.
        if (error.name or "").partition(".")[0] != name.partition(".")[0]:
            _tell(name, error)
        return False
    except Exception as error:  # built for another NumPy or torch, or refused by an assert
        _tell(name, error)
        return False
    return True


def _tell(name: str, error: Exception) -> None:
    _LOG.warning(
        "%s is installed but cannot be loaded (%s); mmpose goes on without it. Networks that use "
        "it will be refused.", name, _reason(error),
    )  # fmt: skip


def _stand_in(name: str, attributes: tuple[str, ...]) -> list[str]:
    """Put a module of that name in place, and its package if that is missing; returns both."""
    added = []
    package, _, last = name.rpartition(".")
    if package not in sys.modules:
        sys.modules[package] = ModuleType(package)
        added.append(package)
    module = ModuleType(name)
    for attribute in attributes:
        setattr(module, attribute, _absent(name, attribute))
    sys.modules[name] = module
    if not hasattr(sys.modules[package], "__path__"):  # a stand-in, too
        setattr(sys.modules[package], last, module)
    return [*added, name]


def _absent(module: str, name: str) -> type:
    """A class that can be named, but not used."""

    def refuse(self: Any, *arguments: Any, **named: Any) -> NoReturn:
        package = module.partition(".")[0]
        raise BackendUnavailable(
            f"This network needs {module}.{name}, which is not installed; install {package} as "
            "OpenMMLab documents for your PyTorch and CUDA (docs/mmpose.md)."
        )

    return type(name, (), {"__init__": refuse, "__module__": module})


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}".rstrip(": ")[:200]
