from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from bharnet_ros.bundle import load_bundle
from bharnet_ros.errors import BundleError, EngineError
from bharnet_ros.inference.cache import engine_folder
from bharnet_ros.models_store.location import stored_bundles
from bharnet_ros.user_cache import user_cache


def test_it_lies_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_cache() == tmp_path / ".cache" / "bharnet_ros"


def test_who_has_no_home_can_run_and_is_told_what_cannot_be_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unheard_of(user: int) -> None:
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", unheard_of)
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("BHARNET_ROS_MODELS", raising=False)
    assert user_cache() == Path("/nonexistent/.cache/bharnet_ros")
    assert stored_bundles() == () and load_bundle("first_light").manifest.name == "first_light"
    with pytest.raises(BundleError, match="nowhere"):
        load_bundle("nowhere")
    assert engine_folder(tmp_path) == tmp_path
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)
    with pytest.raises(EngineError, match=r"neither in .* nor under /nonexistent/\.cache"):
        engine_folder(tmp_path)
