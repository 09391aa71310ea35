from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from store_pieces import sha256, use_models, zipped

from bharnet_ros.__main__ import main
from bharnet_ros.errors import BharnetError, WeightsError
from bharnet_ros.models_store import weights
from bharnet_ros.models_store.registry import UNKNOWN, Model
from bharnet_ros.models_store.weights import find_weights

GRAPH = b"a graph" * 500
ARCHIVE = zipped({"20230831/net/end2end.onnx": GRAPH, "20230831/net/pipeline.json": b"{}"})
NAME = "whole_body"


@pytest.fixture
def model(server: Any, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A registered network in an archive, from the server on this machine."""
    server.content = ARCHIVE
    found = Model(
        name=NAME,
        kind="pose",
        summary="people",
        source="somebody",
        license="Apache-2.0",
        terms="Look before use.",
        urls=(f"{server.root}/net.zip", f"{server.root}/again/net.zip"),
        sha256=sha256(ARCHIVE),
        bytes=len(ARCHIVE),
        member="end2end.onnx",
        member_sha256=sha256(GRAPH),
        settings=(("keypoints", 133), ("full_score", 10.0)),
    )
    use_models(monkeypatch, found)
    return found


def use(monkeypatch: pytest.MonkeyPatch, model: Model, **changes: Any) -> Model:
    changed = replace(model, **changes)
    use_models(monkeypatch, changed)
    return changed


def fetch(*options: str) -> int:
    return main(["models", "fetch", *options, NAME])


def test_fetched_networks_are_found_by_name(
    model: Model, server: Any, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch() == 0
    said = capsys.readouterr()
    assert "Look before use." in said.out and f"model={NAME}" in said.out and "100 %" in said.err
    graph = find_weights(NAME, "pose")
    assert graph == store / "pose" / NAME / "model.onnx" and graph.read_bytes() == GRAPH
    described = yaml.safe_load(graph.with_name("pose.yaml").read_text())
    assert described == {"keypoints": 133, "full_score": 10.0}
    assert sorted(p.name for p in store.rglob("*") if p.is_file()) == [
        "model.onnx", "pose.yaml", "receipt.json",
    ]  # fmt: skip
    assert fetch() == 0 and server.paths == ["/net.zip"]  # nothing is fetched twice
    assert main(["models", "list"]) == 0 and f"{NAME}  [ready]" in capsys.readouterr().out
    assert main(["models", "verify"]) == 0 and f"pose/{NAME}: ok" in capsys.readouterr().out


def test_missing_weights_say_the_command(model: Model, store: Path) -> None:
    with pytest.raises(WeightsError) as error:
        find_weights(NAME, "pose")
    assert f"run `python -m bharnet_ros models fetch {NAME}`" in str(error.value)
    assert str(store / "downloads" / "net.zip") in str(error.value)
    with pytest.raises(WeightsError, match=r"is of the kind pose.*detector is needed"):
        find_weights(NAME, "detector")
    with pytest.raises(WeightsError, match=rf"neither a file nor a network.*one of {NAME}\."):
        find_weights("something", "pose")
    with pytest.raises(ValueError, match="kind 'bundle'"):
        find_weights(NAME, "bundle")
    assert not store.exists()


def test_looking_never_asks_the_network_nor_unpacks(
    model: Model, server: Any, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (store / "downloads").mkdir(parents=True)
    (store / "downloads" / "net.zip").write_bytes(ARCHIVE)
    with pytest.raises(WeightsError, match=r"not made ready; run .*needs no network"):
        find_weights(NAME, "pose")
    assert main(["models", "verify"]) == 0 and server.asked == []
    assert fetch() == 0 and server.asked == []
    assert find_weights(NAME, "pose").read_bytes() == GRAPH
    assert (store / "downloads" / "net.zip").exists()  # somebody put it there
    capsys.readouterr()
    assert main(["models", "list", NAME]) == 0
    told = capsys.readouterr().out
    assert "[ready]" in told and model.urls[1] in told and model.sha256 in told
    assert str(store / "downloads" / "net.zip") in told


def test_paths_and_folders(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own"
    own.mkdir()
    with pytest.raises(WeightsError, match=r"own' has no model\.onnx; give the path"):
        find_weights(own, "pose")
    (own / "model.onnx").write_bytes(GRAPH)
    (own / "other.onnx").write_bytes(GRAPH)
    assert find_weights(own, "pose") == own / "model.onnx"
    assert find_weights(str(own / "other.onnx"), "hand") == own / "other.onnx"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(own)
    assert find_weights("~/own", "detector") == own / "model.onnx"
    for wrong in ("~/nothing.onnx", "nothing.onnx", "../up", "a/b", "", " ", "a b"):
        with pytest.raises(WeightsError, match=r"model\.onnx"):
            find_weights(wrong, "pose")


def test_own_networks_in_the_store(
    model: Model, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = store / "pose" / "mine"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"my own")
    (folder / "pose.yaml").write_text("keypoints: 133\n")
    assert find_weights("mine", "pose") == folder / "model.onnx"
    assert (folder / "pose.yaml").read_text() == "keypoints: 133\n"
    with pytest.raises(WeightsError, match=f"one of {NAME}, mine"):
        find_weights("other", "pose")
    assert main(["models", "list", "--kind", "pose"]) == 0
    assert "mine  [ready]" in capsys.readouterr().out
    assert main(["models", "verify"]) == 0


def test_a_graph_put_there_by_hand_is_hashed_once(
    model: Model, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = store / "pose" / NAME / "model.onnx"
    graph.parent.mkdir(parents=True)
    graph.write_bytes(b"another")
    with pytest.raises(WeightsError, match=f"not what it should be.*models fetch {NAME}"):
        find_weights(NAME, "pose")
    graph.write_bytes(GRAPH)
    assert find_weights(NAME, "pose") == graph
    assert yaml.safe_load(graph.with_name("pose.yaml").read_text())["full_score"] == 10.0
    monkeypatch.setattr(weights, "digest", lambda path: pytest.fail("hashed again"))
    assert find_weights(NAME, "pose") == graph


@pytest.mark.parametrize("altered", [GRAPH[:-1], b"A" + GRAPH[1:]])
def test_a_damaged_graph_is_found(
    model: Model, store: Path, altered: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch() == 0
    graph = find_weights(NAME, "pose")
    graph.write_bytes(altered)
    assert main(["models", "verify"]) == 1
    assert "delete its folder and run" in capsys.readouterr().out
    assert fetch() == 1
    if len(altered) != len(GRAPH):  # what takes no time is looked at at every start
        with pytest.raises(WeightsError, match=r"has 3499 bytes and not the 3500"):
            find_weights(NAME, "pose")


@pytest.mark.parametrize("text", [
    "", "[]", '{"sha256": 1}', '{"a": 2}', "\udcff", '{"sha256": 5, "bytes": 3500}',
    '{"sha256": null, "bytes": 3500}', '{"sha256": "ab", "bytes": 1e999}', "[" * 200_000,
])  # fmt: skip
def test_a_damaged_receipt(model: Model, text: str) -> None:
    assert fetch() == 0
    receipt = find_weights(NAME, "pose").with_name("receipt.json")
    receipt.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(WeightsError, match=r"receipt\.json cannot be read.*delete it"):
        find_weights(NAME, "pose")
    receipt.unlink()
    assert find_weights(NAME, "pose")
    assert json.loads(receipt.read_text())["sha256"] == sha256(GRAPH)


def test_the_second_address_serves_too(model: Model, server: Any) -> None:
    server.missing = {"/net.zip"}
    assert fetch() == 0
    assert server.paths == ["/net.zip", "/again/net.zip"] and find_weights(NAME, "pose")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"sha256": "0" * 64}, "nothing of it was kept"),
        ({"bytes": 5}, "nothing of it was kept"),
        ({"sha256": UNKNOWN, "member_sha256": "0" * 64}, "gives a graph with sha256"),
        ({"member": "net.onnx"}, r"holds no file\(s\) 'net.onnx'"),
        ({"urls": ("http://127.0.0.1:9/net.zip",)}, "cannot be read"),
    ],
)
def test_what_is_not_the_expected_network_is_not_kept(
    model: Model, store: Path, monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any], complaint: str, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    use(monkeypatch, model, **changes)
    assert fetch("--trust-first") == 1
    assert re.search(complaint, capsys.readouterr().err)
    assert not list(store.rglob("model.onnx"))
    with pytest.raises(BharnetError):
        find_weights(NAME, "pose")


def test_only_the_archive_or_only_the_graph_is_known(
    model: Model, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, model, member_sha256=UNKNOWN)
    assert fetch() == 0
    graph = find_weights(NAME, "pose")
    graph.write_bytes(b"B" + GRAPH[1:])
    with pytest.raises(WeightsError, match="not what it should be"):
        weights.check_weights("pose", NAME)  # by its receipt
    use(monkeypatch, model, sha256=UNKNOWN, bytes=0)
    with pytest.raises(WeightsError):
        weights.check_weights("pose", NAME)  # by the registry
    graph.unlink()
    assert fetch() == 0 and graph.read_bytes() == GRAPH


def test_a_model_that_nobody_vouches_for(
    model: Model, server: Any, store: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    use(monkeypatch, model, sha256=UNKNOWN, member_sha256=UNKNOWN, bytes=0)
    with pytest.raises(WeightsError, match=f"fetch --trust-first {NAME}`"):
        find_weights(NAME, "pose")
    assert fetch() == 1 and server.asked == []
    assert f"--trust-first {NAME}" in capsys.readouterr().err
    assert fetch("--trust-first") == 0
    assert json.loads((store / "trusted.json").read_text()) == {NAME: sha256(GRAPH)}
    assert main(["models", "list"]) == 0
    assert f"{NAME}  [ready, trusted]" in capsys.readouterr().out
    graph = find_weights(NAME, "pose")
    graph.write_bytes(b"C" + GRAPH[1:])
    assert main(["models", "verify"]) == 1

    # What was trusted once is not trusted as another file, however often it is asked for.
    for path in graph.parent.iterdir():
        path.unlink()
    server.content = zipped({"end2end.onnx": b"exchanged"})
    assert fetch("--trust-first") == 1
    assert "must not be used" in capsys.readouterr().err and not graph.exists()
    assert not (store / "downloads" / "net.zip").exists()
    server.content = ARCHIVE
    assert fetch() == 0 and find_weights(NAME, "pose").read_bytes() == GRAPH


@pytest.mark.parametrize("text", ["{", "[]", '{"a": "b"}', '{"a": 1}', "[" * 200_000])
def test_a_damaged_record_of_trust(
    model: Model, store: Path, monkeypatch: pytest.MonkeyPatch, text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    use(monkeypatch, model, sha256=UNKNOWN, member_sha256=UNKNOWN)
    store.mkdir()
    (store / "trusted.json").write_text(text)
    assert fetch("--trust-first") == 1
    assert "trusted.json" in capsys.readouterr().err


def test_a_graph_that_is_no_archive(
    model: Model, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.content = GRAPH
    use(
        monkeypatch, model,
        kind="detector", urls=(f"{server.root}/net.onnx",), sha256=sha256(GRAPH),
        bytes=len(GRAPH), member="", member_sha256="", settings=(("family", "yolox"),),
    )  # fmt: skip
    assert fetch() == 0
    graph = find_weights(NAME, "detector")
    assert graph.read_bytes() == GRAPH
    assert yaml.safe_load(graph.with_name("detector.yaml").read_text()) == {"family": "yolox"}


def test_a_store_that_cannot_be_written(
    model: Model, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.mkdir()
    (store / "pose").write_text("a file in the way")
    assert fetch() == 1
    assert "cannot be written" in capsys.readouterr().err
