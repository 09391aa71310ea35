from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import EngineError
from bharnet_ros.inference.cache import (
    EngineKey,
    describe,
    discard,
    engine_folder,
    obtain,
    sidecar_of,
    why_not,
)

KEY = EngineKey("tensorrt", "10.3.0", "Orin (nvgpu)", "fp16", "ab" * 32, ((1, 1, 1), (2, 4, 16)))


def nothing(text: str) -> None: ...


def never() -> bytes:
    raise AssertionError("nothing was to be built")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    found = obtain(tmp_path, KEY, lambda: b"engine", nothing, prefix="model-")
    assert found.reason == "there is none yet"
    assert found.path is not None
    return found.path


def test_what_was_built_is_found_again(tmp_path: Path, built: Path) -> None:
    assert built == tmp_path / "model-tensorrt-fp16-orin_nvgpu.engine"
    found = obtain(tmp_path, KEY, never, nothing, prefix="model-")
    assert (found.content, found.path, found.reason) == (b"engine", built, "")
    assert why_not(built, KEY) == ""
    assert json.loads(sidecar_of(built).read_text())["key"]["gpu"] == "Orin (nvgpu)"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"gpu": "RTX 4090"}, "it was built for GPU Orin (nvgpu), wanted is RTX 4090"),
        ({"version": "10.7.0"}, "it was built for version 10.3.0, wanted is 10.7.0"),
        ({"precision": "fp32"}, "it was built for precision fp16, wanted is fp32"),
        ({"engine": "tensorrt_rtx"}, "it was built for engine tensorrt, wanted is tensorrt_rtx"),
        ({"onnx_sha256": "cd" * 32}, "it was built from another graph"),
        ({"calibration_sha256": "cd" * 32}, "it was built from another calibration"),
        ({"profiles": ((1, 1, 1),)}, "it was built for batch sizes"),
    ],
)
def test_every_field_of_the_key_decides(built: Path, change: dict, reason: str) -> None:
    assert why_not(built, replace(KEY, **change)).startswith(reason)


def test_files_of_other_gpus_and_precisions_lie_side_by_side(tmp_path: Path, built: Path) -> None:
    for change in ({"gpu": "RTX 4090"}, {"precision": "fp32"}):
        obtain(tmp_path, replace(KEY, **change), lambda: b"other", nothing, prefix="model-")
    assert obtain(tmp_path, KEY, never, nothing, prefix="model-").content == b"engine"


def test_a_mismatch_is_built_again_and_says_why(tmp_path: Path, built: Path) -> None:
    lines: list[str] = []
    newer = replace(KEY, version="10.7.0")
    found = obtain(tmp_path, newer, lambda: b"newer", lines.append, prefix="model-")
    assert found.content == b"newer"
    assert "version 10.3.0, wanted is 10.7.0" in lines[0]
    assert lines[0].startswith(f"Building {built.name}")
    assert lines[1].startswith(f"Built {built.name} in ")
    assert why_not(built, newer) == ""


@pytest.mark.parametrize(
    ("sidecar", "reason"),
    [
        (b"", "its sidecar cannot be read"),
        (b"[]", "its sidecar cannot be read"),
        (b"{}", "its sidecar cannot be read"),
        (b"\xff\xfe", "its sidecar cannot be read"),
        (b"[" * 200_000, "its sidecar cannot be read"),
        (b'{"format": 99}', "its sidecar has format 99"),
        (b'{"format": 1, "key": {}, "bytes": 1, "sha256": ""}', "its sidecar cannot be read"),
    ],
)
def test_sidecars_that_say_nothing(built: Path, sidecar: bytes, reason: str) -> None:
    sidecar_of(built).write_bytes(sidecar)
    assert why_not(built, KEY) == reason


@given(content=st.binary(max_size=300))
def test_no_sidecar_whatsoever_is_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "x.engine"
    path.write_bytes(b"engine")
    sidecar_of(path).write_bytes(content)
    assert why_not(path, KEY)


@pytest.mark.parametrize("name", ["bytes", "profiles"])
def test_a_sidecar_of_endless_numbers(built: Path, name: str) -> None:
    sidecar = json.loads(sidecar_of(built).read_text())
    if name == "bytes":
        sidecar["bytes"] = float("inf")
    else:
        sidecar["key"]["profiles"] = [[1, 1, float("inf")]]
    sidecar_of(built).write_text(json.dumps(sidecar))
    assert why_not(built, KEY) == "its sidecar cannot be read"
    assert describe(built).startswith("nobody knows") == (name == "profiles")


def test_damaged_truncated_and_missing_files(built: Path) -> None:
    built.write_bytes(b"engime")
    assert why_not(built, KEY) == "the file is damaged"
    built.write_bytes(b"eng")
    assert why_not(built, KEY) == "the file has 3 bytes instead of 6"
    sidecar_of(built).unlink()
    assert why_not(built, KEY).startswith("it has no sidecar")
    built.unlink()
    assert why_not(built, KEY) == "there is none yet"
    built.mkdir()
    assert why_not(built, KEY).startswith("it cannot be read")


def test_discarding_twice_is_fine(built: Path) -> None:
    discard(built)
    discard(built)
    assert why_not(built, KEY) == "there is none yet"


def test_a_build_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise EngineError("no memory")

    with pytest.raises(EngineError, match="no memory"):
        obtain(tmp_path, KEY, fail, nothing)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]
    assert obtain(tmp_path, KEY, lambda: b"engine", nothing).content == b"engine"


def test_killed_processes_leave_nothing_for_good(tmp_path: Path) -> None:
    killed = (
        "import os, sys\n"
        "from bharnet_ros.inference import cache\n"
        "cache.os.replace = lambda source, target: os._exit(9)\n"
        f"cache.obtain(sys.argv[1], cache.{KEY!r}, lambda: b'engine', print)\n"
    )
    for _ in range(2):
        ended = subprocess.run([sys.executable, "-c", killed, str(tmp_path)], check=False)
        assert ended.returncode == 9
    assert len([*tmp_path.glob("*.partial")]) == 1
    assert obtain(tmp_path, KEY, lambda: b"engine", nothing).path is not None
    assert not [*tmp_path.glob("*.partial")]


def test_an_engine_that_cannot_be_written_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    lines: list[str] = []
    found = obtain(tmp_path, KEY, lambda: b"engine", lines.append)
    assert (found.content, found.path) == (b"engine", None)
    assert "No space left on device" in lines[-1]


def test_a_folder_that_cannot_be_made_falls_back_to_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    wanted = tmp_path / "file" / "engines"
    found = engine_folder(wanted)
    assert found.is_relative_to(tmp_path / "home" / ".cache" / "bharnet_ros" / "engines")
    assert engine_folder(wanted) == found
    assert engine_folder(tmp_path / "file" / "others") != found
    (tmp_path / "home2").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "home2"))
    with pytest.raises(EngineError, match="neither in"):
        engine_folder(wanted)


def test_who_wants_the_same_engine_waits_for_the_one_who_builds_it(tmp_path: Path) -> None:
    began, go_on = threading.Event(), threading.Event()
    lines: list[str] = []

    def build() -> bytes:
        began.set()
        assert go_on.wait(20)
        return b"engine"

    def report(text: str) -> None:
        lines.append(text)
        if "Another process" in text:
            go_on.set()

    first = threading.Thread(target=obtain, args=(tmp_path, KEY, build, nothing))
    first.start()
    assert began.wait(20)
    found = obtain(tmp_path, KEY, never, report)
    first.join()
    assert found.content == b"engine"
    assert "Another process is building" in lines[0]


def test_no_partial_file_remains(built: Path) -> None:
    assert not [p for p in built.parent.iterdir() if "partial" in p.name]
    assert os.access(sidecar_of(built), os.R_OK)
