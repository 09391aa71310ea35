"""What is ready stays, two at a time do not undo each other, and what may not be read is told."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from store_pieces import sha256, use_models

from benchmarks.synthetic import write_tiny_bundle
from bharnet_ros.__main__ import main
from bharnet_ros.errors import BackendUnavailable, DownloadError, WeightsError
from bharnet_ros.models_store import bundles, weights
from bharnet_ros.models_store.download import one_at_a_time
from bharnet_ros.models_store.fetch import fetch, verify
from bharnet_ros.models_store.registry import Model, registered_models
from bharnet_ros.models_store.weights import find_weights

BUNDLE = "hand_gestures_pyskl"


@pytest.fixture
def model(server: Any, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A detector, from the server on this machine."""
    found = Model(
        name="people", kind="detector", summary="people", source="somebody", license="Apache-2.0",
        urls=(f"{server.root}/net.onnx",), sha256=sha256(server.content),
        bytes=len(server.content),
    )  # fmt: skip
    use_models(monkeypatch, found)
    return found


def refuse_to_read(monkeypatch: pytest.MonkeyPatch, closed: Path) -> None:
    """As a file of somebody else; a test that runs as root may read everything."""
    plain = Path.open

    def opened(self: Path, *mode: Any, **options: Any) -> Any:
        if self == closed:
            raise PermissionError(13, "Permission denied", str(self))
        return plain(self, *mode, **options)

    monkeypatch.setattr(Path, "open", opened)


def test_a_second_fetch_does_not_undo_the_first(
    model: Model, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, refused = weights.shutil.copyfile, []

    def copy(source: Path, target: Path) -> None:
        with pytest.raises(DownloadError, match=r"Another process is fetching net\.onnx"):
            fetch(model)
        refused.append(True)
        plain(source, target)

    monkeypatch.setattr(weights.shutil, "copyfile", copy)
    assert fetch(model) == find_weights("people", "detector") and refused == [True]
    assert list((store / "downloads").iterdir()) == []
    assert fetch(model) == find_weights("people", "detector")


def test_who_was_locked_out_by_a_file_that_is_gone_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, gone = tmp_path / "a.lock", []
    plain = os.path.samestat

    def compare(mine: os.stat_result, there: os.stat_result) -> bool:
        if not gone:
            path.unlink()
            path.write_bytes(b"")
            gone.append(path)
            return plain(mine, path.stat())
        return plain(mine, there)

    monkeypatch.setattr(os.path, "samestat", compare)
    with one_at_a_time(path, "a"), pytest.raises(DownloadError), one_at_a_time(path, "a"):
        raise AssertionError("two are inside")
    assert gone and not path.exists()


def test_a_bundle_that_is_ready_is_left_alone(
    server: Any, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = replace(
        registered_models()[BUNDLE], urls=(server.url,), sha256=sha256(server.content),
        bytes=len(server.content),
    )  # fmt: skip
    use_models(monkeypatch, model)
    monkeypatch.setattr(bundles, "_installed", lambda name: False)
    bundle = write_tiny_bundle(store / BUNDLE)
    engine = store / BUNDLE / "engines" / "model.engine"
    engine.parent.mkdir()
    engine.write_bytes(b"took minutes")
    assert fetch(model) == store / BUNDLE
    assert server.asked == [] and engine.read_bytes() == b"took minutes"
    bundle.onnx_path.write_bytes(b"damaged")  # then it is made again
    with pytest.raises(BackendUnavailable, match="is fetched and verified"):
        fetch(model)


def test_a_graph_that_may_not_be_read_is_named(
    model: Model, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = store / "detector" / "people" / "model.onnx"
    graph.parent.mkdir(parents=True)
    graph.write_bytes(b"somebody else's")
    refuse_to_read(monkeypatch, graph)
    with pytest.raises(WeightsError, match=r"cannot be read \(Permission denied\)"):
        find_weights("people", "detector")
    assert main(["models", "fetch", "people"]) == 1
    assert "let this user read it" in capsys.readouterr().err
    assert [what for what, complaint in verify() if "Permission denied" in complaint]


def test_a_download_that_may_not_be_read_is_named(
    model: Model, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = store / "downloads" / "net.onnx"
    placed.parent.mkdir(parents=True)
    placed.write_bytes(b"somebody else's")
    refuse_to_read(monkeypatch, placed)
    with pytest.raises(DownloadError, match=r"net\.onnx cannot be read \(Permission denied\)"):
        fetch(model)


def test_folders_that_may_not_be_entered(
    model: Model, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the kernel says of everything below a folder of somebody else."""
    plain, plain_list = os.stat, os.listdir
    closed = [str(tmp_path / "closed"), str(store / "detector")]

    def stat(path: Any, **options: Any) -> os.stat_result:
        if any(str(path).startswith(f"{folder}/") for folder in closed):
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path, **options)

    def listdir(path: Any) -> list[str]:
        if str(path) in closed:
            raise PermissionError(13, "Permission denied", str(path))
        return plain_list(path)

    (store / "detector").mkdir(parents=True)
    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr(os, "listdir", listdir)
    for given in ("closed", "closed/model.onnx"):
        with pytest.raises(WeightsError, match=r"not for this user|has no model"):
            find_weights(tmp_path / given, "detector")
    with pytest.raises(WeightsError, match="is not in"):
        find_weights("people", "detector")
    assert main(["models", "list"]) == 0
