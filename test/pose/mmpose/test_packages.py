from __future__ import annotations

import importlib
import logging
import pkgutil
import sys
from types import ModuleType

import pytest

from bharnet_ros.errors import BackendUnavailable
from bharnet_ros.pose.mmpose import packages


def test_mmpose_loads_and_leaves_no_stand_in_behind() -> None:
    apis = packages.load_mmpose()
    assert callable(apis.init_model) and callable(apis.inference_topdown)
    for name in packages.NAMED_ON_LOADING:
        module = sys.modules.get(name)
        assert module is None or getattr(module, "__spec__", None) is not None


def test_operators_are_looked_for_where_pkgutil_has_no_find_loader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is gone with Python 3.14."""
    packages.load_mmpose()
    monkeypatch.delattr(pkgutil, "find_loader", raising=False)
    modules = [importlib.import_module(name) for name in packages._FINDERS]
    for module in modules:
        monkeypatch.setattr(module, "pkgutil", pkgutil)
    packages.load_mmpose()
    for module in modules:
        assert module.pkgutil.find_loader("no_such_package") is None
        assert module.pkgutil.find_loader("json") is not None


def test_what_is_missing_is_stood_in_for_and_what_is_there_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {"absent_package.part": ("Thing",), "absent_package.other": (), "json.decoder": ("X",)}
    monkeypatch.setattr(packages, "NAMED_ON_LOADING", names)
    with packages.stand_ins() as added:
        assert set(added) == {"absent_package", "absent_package.part", "absent_package.other"}
        module = importlib.import_module("absent_package.part")
        assert importlib.import_module("absent_package").part is module
        assert not hasattr(importlib.import_module("json.decoder"), "X")
        with pytest.raises(BackendUnavailable, match=r"absent_package\.part\.Thing.*install"):
            module.Thing(3)
        with pytest.raises(ImportError):
            importlib.import_module("absent_package.third")
    assert not [name for name in sys.modules if name.startswith("absent_package")]


def test_stand_ins_go_when_loading_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "NAMED_ON_LOADING", {"absent_package.part": ()})
    with pytest.raises(RuntimeError), packages.stand_ins():
        raise RuntimeError
    assert "absent_package" not in sys.modules


def test_a_package_that_cannot_be_loaded_is_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path
) -> None:
    (tmp_path / "old_abi.py").write_text("raise ValueError('numpy.dtype size changed')")
    monkeypatch.syspath_prepend(tmp_path)
    package = ModuleType("real_package")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "real_package", package)
    monkeypatch.setattr(packages, "NAMED_ON_LOADING", {"real_package.old_abi": ("COCO",)})
    with caplog.at_level(logging.WARNING, "bharnet_ros.pose"), packages.stand_ins() as added:
        assert added == ("real_package.old_abi",)
        assert importlib.import_module("real_package.old_abi").COCO
    assert "real_package.old_abi is installed but cannot be loaded" in caplog.text
    assert "numpy.dtype size changed" in caplog.text
    assert sys.modules["real_package"] is package


def test_missing_packages_are_named_with_the_install_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(name: str) -> ModuleType:
        raise ModuleNotFoundError("No module named 'mmengine'", name="mmengine")

    monkeypatch.setattr(packages, "NAMED_ON_LOADING", {})
    monkeypatch.setattr(packages.importlib, "import_module", fail)
    with pytest.raises(BackendUnavailable, match=r"'mmengine'.*--no-deps -r requirements/mmpose"):
        packages.load_mmpose()
