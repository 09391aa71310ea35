"""What was once found, and what is known of parsers in general: small inputs that cost much."""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fuzzing import seeds
from benchmarks.fuzzing.targets import Target
from bharnet_ros.bags import open_bag, optional
from bharnet_ros.bags.inflate import bound_chunks
from bharnet_ros.bundle import MAX_MANIFEST_BYTES, load_bundle
from bharnet_ros.errors import BagError, BundleError, GestureError
from bharnet_ros.gestures import load_vocabulary

HUGE = 10**400
LAUGHS = "a0: &a0 [ha, ha]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)
"""Two hundred million words in half a kilobyte, once somebody writes them out."""


def cheap(target: Target, given: Any) -> bool:
    """Used or refused, in less than a second of this thread's time.

    What other threads left behind by other tests do does not count, and the quickest of three
    tries does: a collection of a large process's garbage may fall into one of them.
    """
    spent = []
    for _ in range(3):
        begin = time.thread_time()
        used = target.use(given)
        spent.append(time.thread_time() - begin)
        if spent[-1] < 1.0:
            return used
    raise AssertionError(f"{target.name}: {spent} s")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("params.yaml", LAUGHS + "action_recognizer: {ros__parameters: {rate_hz: *a8}}"),
        ("params.yaml", "x: 2001-99-99"),
        ("params.yaml", "x: " + "9" * 10_000),
        ("params.yaml", "[" * 20_000),
        ("params.yaml", "{a: " * 3000 + "1" + "}" * 3000),
        ("labels.yaml", LAUGHS + "segments: *a8"),
        ("labels.yaml", LAUGHS + "? *a8\n: 1"),
        ("labels.yaml", "? " * 20_000),
        ("labels.json", "[" * 1_000_000),
        ("labels.json", seeds.LABELS[".json"][0].replace("1.5", "9" * 5000)),
        ("labels.json", seeds.LABELS[".json"][0].replace("1.5", "1e999")),
        ("labels.csv", "start,end,label\n" + "x" * 3_000_000),
        ("labels.eaf", "<!DOCTYPE x [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]><x>&b;</x>"),
        ("labels.eaf", "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>"),
        ("labels.eaf", "<x>" * 200_000),
        ("labels.eaf", seeds.LABELS[".eaf"][0].replace("wave", "&#65;" * 300_000)),
        ("manifest.json", "[" * 1_000_000),
        ("manifest.json", "9" * 10_000),
        ("evaluation.json", "[" * 1_000_000),
        ("label change", "[" * 1_000_000),
        ("label change", seeds.CHANGE.replace("[1,", "[1" + "0" * 4000 + ",")),
    ],
)
def test_files(targets: Mapping[str, Target], name: str, text: str) -> None:
    assert not cheap(targets[name], text.encode())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gestures.yaml", "[" * 20_000),
        ("gestures.yaml", "gestures: " + "{a: " * 3000),
        ("gestures.yaml", LAUGHS + "? *a8\n: x"),
        ("gestures.yaml", "format: &a [*a]"),
        ("gestures.yaml", "format: 2\nextends: ../../../../etc/passwd\ngestures: {}"),
        ("pose_options", "x=2001-99-99"),
        ("pose_options", "x=!!timestamp no"),
        ("pose_options", "x=!!bool maybe"),
        ("pose_options", "x=!!int [1]"),
        ("pose_options", "x=" + "9" * 10_000),
        ("pose_options", "x=" + "[" * 5000),
        ("pose_options", "x=!!python/object/apply:os.system ['true']"),
    ],
)
def test_texts(targets: Mapping[str, Target], name: str, text: str) -> None:
    assert not cheap(targets[name], text)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: LAUGHS + text.replace("ros_distro: rosbags", "ros_distro: *a8"),
        lambda text: LAUGHS
        + text.replace("relative_file_paths:", "relative_file_paths: [*a8]\n  x:"),
        lambda text: text.replace("version: 9", "version: 2001-99-99"),
        lambda text: text.replace("version: 9", "version: " + "9" * 10_000),
        lambda text: text.replace("bag_0.mcap", "../../../../../../etc/passwd"),
        lambda text: "- " * 20_000,
    ],
)  # fmt: skip
def test_a_bag_is_read_whatever_its_metadata(
    targets: Mapping[str, Target], change: Callable[[str], str]
) -> None:
    text = change(seeds.metadata())
    assert text != seeds.metadata()
    assert cheap(targets["metadata.yaml"], text)


@pytest.mark.parametrize("value", [HUGE, -HUGE, [], {}, [[]], None, "x", True, {"wave": HUGE}])
def test_manifests(targets: Mapping[str, Target], value: Any) -> None:
    whole = seeds.manifest()
    parts = {name: whole[name] for name in ("features", "fusion", "thresholds")}
    for name in whole:
        cheap(targets["manifest"], {**whole, name: value})
    for name, part in parts.items():
        for field in part:
            cheap(targets["manifest"], {**whole, name: {**part, field: value}})


def test_a_manifest_names_only_files_of_its_folder(targets: Mapping[str, Target]) -> None:
    record = {"sha256": "0" * 64, "bytes": 1}
    for name in ("../model.onnx", "/etc/passwd", "a/b", "..", ".hidden", "", "a\x00b", "C:\\x"):
        given = {**seeds.manifest(), "files": {name: record, "model.onnx": record}}
        assert not cheap(targets["manifest"], given), name


def test_files_that_are_too_large_are_not_read(tmp_path: Path) -> None:
    for name, load, error in (
        ("manifest.json", lambda path: load_bundle(path.parent), BundleError),
        ("gestures.yaml", load_vocabulary, GestureError),
    ):
        path = tmp_path / name
        with path.open("wb") as file:
            file.truncate(10 * MAX_MANIFEST_BYTES)  # a hole: takes no room
        with pytest.raises(error, match="MB"):
            load(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"type TEXT", b"tipe TEXT"),
        (b"id INTEGER", b"ix INTEGER"),
        (b"CREATE TABLE topics", b"CREATE TABLE t\x80pics"),
    ],
)
def test_another_table_than_expected(targets: Mapping[str, Target], old: bytes, new: bytes) -> None:
    data = seeds.bag("sqlite3")
    assert old in data
    cheap(targets["bag.db3"], data.replace(old, new))


def test_a_file_that_grows_without_end_does_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bharnet_ros.bags.inflate._ALWAYS_BYTES", 8 << 20)
    path = tmp_path / "bag.mcap.zstd"
    path.write_bytes(optional.zstd().compress(bytes(100 << 20)))
    assert path.stat().st_size < 20_000
    written: list[int] = []
    target = type(path)
    original = target.stat

    def stat(self: Path, **options: Any) -> Any:
        found = original(self, **options)
        if "bharnet_ros_bag_" in str(self):
            written.append(found.st_size)
        return found

    monkeypatch.setattr(target, "stat", stat)
    with pytest.raises(BagError):
        open_bag(path)
    assert written and max(written) < 24 << 20


@pytest.mark.parametrize("name", ["zstd", "lz4"])
def test_a_chunk_unpacks_to_no_more_than_it_says(name: str) -> None:
    bound_chunks()
    unpack = optional.library("rosbags.rosbag2.storage_mcap").DECOMPRESSORS[name]
    packer = optional.zstd() if name == "zstd" else optional.library("lz4.frame")
    packed = packer.compress(bytes(50_000_000))
    assert len(unpack(packed, 1000)) == 1001
    assert unpack(packer.compress(b"whole"), 5) == b"whole"
    with pytest.raises(ValueError, match="1 GiB"):
        unpack(packed, 1 << 40)


def test_nothing_of_ours_unpickles_evaluates_or_asks_a_shell(repository: Path) -> None:
    """Of the package that runs on robots; training reads the pickles of data sets in a guarded
    way (training/data/converters)."""
    hints = ("pickle", "marshal", "shelve", "dill", "joblib", "eval(", "exec(", "os.system",
             "popen", "compile(", "unsafe_load", "getoutput", "shell")  # fmt: skip
    for path in sorted((repository / "bharnet_ros").rglob("*.py")):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if any(hint in text for hint in hints) else ():
            where = f"{path}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name.split(".")[0] for alias in node.names}
                names.add((getattr(node, "module", None) or "").split(".")[0])
                if ast.unparse(node) == "from pickle import UnpicklingError":
                    continue  # to catch what PyTorch's own restricted reader raises; reads nothing
                assert not names & {"pickle", "marshal", "shelve", "dill", "joblib"}, where
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("eval", "exec", "os.system", "os.popen", "compile"), where
                assert not called.endswith(("unsafe_load", "getoutput")), where
                for word in node.keywords:
                    risky = word.arg in ("shell", "allow_pickle")
                    assert not risky or ast.unparse(word.value) == "False", where


def test_json_bodies_are_not_read_twice() -> None:
    """A key that occurs twice means one thing to one reader and another to the next."""
    assert json.loads('{"a": 1, "a": 2}') == {"a": 2}  # what Python does unless told otherwise
    from bharnet_ros.errors import LabelError
    from bharnet_ros.labelling.payload import parse_change

    with pytest.raises(LabelError):
        parse_change(b'{"version": "new", "segments": [], "segments": []}', 0)
