"""Imports mmpose, with stand-ins for what it names while loading and never needs here.

mmpose imports parts of matplotlib, torchvision, mmdet, mmcv's compiled operators and xtcocotools
on loading, for drawing, training, other networks and annotation files. Some are hard to get
without a GPU toolchain (see `bharnet_ros.stand_ins`).
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import pkgutil
import threading
import warnings
from collections.abc import Mapping
from types import MappingProxyType, ModuleType, SimpleNamespace

import bharnet_ros.stand_ins
from bharnet_ros.errors import BackendUnavailable
from bharnet_ros.stand_ins import reason

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
_FINDERS = ("mmengine.utils.dl_utils.misc", "mmcv.utils.ext_loader")
"""Modules that ask pkgutil.find_loader, gone with Python 3.14, whether there are operators."""

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
                f"mmpose cannot be loaded ({reason(error)}); {INSTALL}."
            ) from error
    _give_finders()
    # Every run would tell again which names of PyTorch are to change.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"mmpose\.")
    return apis


def _give_finders() -> None:
    if not hasattr(pkgutil, "find_loader"):
        for name in _FINDERS:
            found = SimpleNamespace(find_loader=importlib.util.find_spec)
            vars(importlib.import_module(name))["pkgutil"] = found


def stand_ins() -> contextlib.AbstractContextManager[tuple[str, ...]]:
    """Inside, modules that are missing can be imported; gives their names."""
    remedy = "install {package} as OpenMMLab documents for your PyTorch and CUDA (docs/mmpose.md)"
    return bharnet_ros.stand_ins.stand_ins(NAMED_ON_LOADING, "mmpose", remedy, _LOG)
