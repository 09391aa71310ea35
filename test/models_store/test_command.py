from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from store_pieces import sha256, use_models

from benchmarks.synthetic import write_tiny_bundle
from bharnet_ros.__main__ import main
from bharnet_ros.bundle import find_bundle, load_bundle
from bharnet_ros.errors import BundleError
from bharnet_ros.models_store import bundles
from bharnet_ros.models_store import fetch as fetching
from bharnet_ros.models_store.location import store_folder, stored_bundles
from bharnet_ros.models_store.registry import Model, registered_models

NAME = "hand_gestures_pyskl"


@pytest.fixture
def model(server: Any, monkeypatch: pytest.MonkeyPatch) -> Model:
    """The registered model, but from the server on this machine."""
    found = replace(
        registered_models()[NAME],
        urls=(server.url,),
        sha256=sha256(server.content),
        bytes=len(server.content),
    )
    use_models(monkeypatch, found)
    return found


def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert store_folder() == tmp_path / "store" and stored_bundles() == ()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BHARNET_ROS_MODELS", "~/mine")
    assert store_folder() == tmp_path / "mine"
    monkeypatch.delenv("BHARNET_ROS_MODELS")
    assert store_folder() == tmp_path / ".cache" / "bharnet_ros" / "models"


def test_bundles_in_the_store_are_found_by_name(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever folders lie beside the current one are none of this test's business.
    (tmp_path / "here" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "below")
    with pytest.raises(BundleError, match=f"not fetched yet; run .* models fetch {NAME}`"):
        load_bundle(NAME)
    write_tiny_bundle(store / NAME)
    write_tiny_bundle(store / "first_light")
    write_tiny_bundle(store / f"{NAME}.partial")
    assert stored_bundles() == ("first_light", NAME)
    assert load_bundle(NAME).path == store / NAME
    assert find_bundle("first_light") != store / "first_light"  # the shipped one comes first
    with pytest.raises(BundleError, match=rf"first_light, gestures, .*{NAME}\)"):
        find_bundle("unheard_of")
    with pytest.raises(BundleError):
        find_bundle("../store")
    with pytest.raises(BundleError, match="'rtmw_l' is neither"):
        find_bundle("rtmw_l")  # a network for perception is no bundle


def test_without_training_the_command_is_said(
    model: Model, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bundles, "_installed", lambda name: name != "torch")
    assert main(["models", "list"]) == 0
    assert f"{NAME}  [not fetched]" in capsys.readouterr().out
    assert main(["models", "fetch", NAME]) == 1
    said = capsys.readouterr().err
    assert "needs torch" in said and "python -m training import pyskl --checkpoint" in said
    assert (store / "downloads" / model.file).is_file()
    assert main(["models", "list"]) == 0
    assert "[downloaded]" in capsys.readouterr().out
    assert main(["models", "verify"]) == 0
    assert capsys.readouterr().out == f"downloads/{model.file}: ok\n"


def test_a_file_put_there_by_hand_is_used_if_it_is_the_right_one(
    model: Model, server: Any, store: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = store / "downloads" / model.file
    path.parent.mkdir(parents=True)
    path.write_bytes(server.content)
    assert fetching.fetch_file(model) == path and server.asked == []
    path.write_bytes(b"something else")
    assert main(["models", "fetch", NAME]) == 1
    assert "is not the file of model" in capsys.readouterr().err
    assert main(["models", "verify"]) == 1
    assert "delete it and fetch again" in capsys.readouterr().out
    assert server.asked == []


def test_a_broken_connection_and_a_wrong_name(
    model: Model, server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    server.break_after = 1000
    assert main(["models", "fetch", NAME]) == 1
    assert "it goes on from there" in capsys.readouterr().err
    assert main(["models", "list"]) == 0
    assert "[begun]" in capsys.readouterr().out


def test_verify_finds_a_damaged_bundle(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify"]) == 0
    assert "nothing is in" in capsys.readouterr().out
    bundle = write_tiny_bundle(store / "mine")
    assert main(["models", "verify"]) == 0
    bundle.onnx_path.write_bytes(b"damaged")
    assert main(["models", "verify"]) == 1
    assert "mine: Bundle file" in capsys.readouterr().out


def test_what_is_no_checkpoint_leaves_no_bundle(
    model: Model, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="importing needs PyTorch")
    assert main(["models", "fetch", NAME]) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert [p.name for p in store.iterdir()] == ["downloads"]


def test_the_public_network_from_the_file_at_hand(
    shared_data: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="importing needs PyTorch")
    source = shared_data / "hand_gestures" / "pyskl_gesture.pth"
    model = registered_models()[NAME]
    path = store / "downloads" / model.file
    path.parent.mkdir(parents=True)
    path.write_bytes(source.read_bytes())
    assert main(["models", "fetch", NAME]) == 0
    assert f"--bundle {NAME}" in capsys.readouterr().out
    manifest = load_bundle(NAME).manifest
    assert manifest.name == NAME and manifest.license == "Apache-2.0"
    assert model.urls[0] in manifest.training["imported_from"]
    assert main(["models", "list"]) == 0
    assert f"{NAME}  [ready]" in capsys.readouterr().out
