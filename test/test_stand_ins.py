from __future__ import annotations

import importlib
import logging
import sys

import pytest

from bharnet_ros.errors import BackendUnavailable
from bharnet_ros.stand_ins import Named, stand_ins

LOG = logging.getLogger("bharnet_ros.test")


def test_packages_within_packages_are_stood_in_for_and_taken_away() -> None:
    named: Named = {"absent.deep.part": {"MODE": 3}, "absent.deep": ("Thing",)}
    with stand_ins(named, "me", "install {package} somehow", LOG) as added:
        assert set(added) == {"absent", "absent.deep", "absent.deep.part"}
        from absent.deep.part import MODE  # type: ignore[import-not-found]

        assert MODE == 3
        assert importlib.import_module("absent").deep.part.MODE == 3
        with pytest.raises(BackendUnavailable, match="install absent somehow"):
            importlib.import_module("absent.deep").Thing()
    assert not [name for name in sys.modules if name.startswith("absent")]


def test_what_is_there_is_used() -> None:
    with stand_ins({"json.decoder": ("Thing",)}, "me", "", LOG) as added:
        assert added == ()
        assert not hasattr(importlib.import_module("json.decoder"), "Thing")
