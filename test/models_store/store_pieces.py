"""Parts that several of these tests need."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest

from bharnet_ros.models_store.registry import Model


def use_models(monkeypatch: pytest.MonkeyPatch, *models: Model) -> None:
    """Let these be what is registered."""
    known = {model.name: model for model in models}
    for module in ("fetch", "command", "weights"):
        monkeypatch.setattr(f"bharnet_ros.models_store.{module}.registered_models", lambda: known)
    monkeypatch.setattr("bharnet_ros.models_store.command.get_model", known.__getitem__)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive in memory."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return result.getvalue()
