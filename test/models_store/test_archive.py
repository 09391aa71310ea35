from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_pieces import zipped

from bharnet_ros.errors import DownloadError
from bharnet_ros.models_store.archive import unpack_member

GRAPH = b"graph" * 1000


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"x/y/end2end.onnx": GRAPH, "x/pipeline.json": b"{}"}))
    return path


@pytest.mark.parametrize("member", ["end2end.onnx", "x/y/end2end.onnx"])
def test_one_member_and_nothing_else(archive: Path, tmp_path: Path, member: str) -> None:
    unpack_member(archive, member, tmp_path / "out.onnx", len(GRAPH))
    assert (tmp_path / "out.onnx").read_bytes() == GRAPH
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "out.onnx"]


def test_paths_of_the_archive_are_never_written_to(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down"
    folder.mkdir(parents=True)
    absolute = str(tmp_path / "evil2.onnx")
    (folder / "a.zip").write_bytes(zipped({"../../evil.onnx": GRAPH, absolute: b"x"}))
    unpack_member(folder / "a.zip", "evil.onnx", folder / "out", len(GRAPH))
    assert (folder / "out").read_bytes() == GRAPH
    unpack_member(folder / "a.zip", "evil2.onnx", folder / "out", len(GRAPH))
    assert (folder / "out").read_bytes() == b"x"
    assert [p.name for p in tmp_path.iterdir()] == ["deep"]


@pytest.mark.parametrize(
    ("member", "limit", "complaint"),
    [
        ("model.onnx", 10_000, r"holds no file\(s\) 'model.onnx'"),
        ("y/end2end.onnx", 10_000, "holds no file"),
        ("end2end.onnx", 4_999, "has 5000 bytes"),
    ],
)
def test_what_is_refused(
    archive: Path, tmp_path: Path, member: str, limit: int, complaint: str
) -> None:
    with pytest.raises(DownloadError, match=rf"{complaint}.*Delete it and fetch again"):
        unpack_member(archive, member, tmp_path / "out", limit)
    assert not (tmp_path / "out").exists()


def test_two_of_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"a/end2end.onnx": GRAPH, "b/end2end.onnx": GRAPH}))
    with pytest.raises(DownloadError, match="holds 2 file"):
        unpack_member(path, "end2end.onnx", tmp_path / "out", 10_000)


def test_encrypted_damaged_cut_off_or_no_archive(archive: Path, tmp_path: Path) -> None:
    good = archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        info = opened.infolist()[0]
    start = info.header_offset + 30 + len(info.filename)
    directory = good.index(b"PK\x01\x02")
    locked = bytearray(good)
    locked[directory + 8] |= 1
    for content in (
        bytes(locked),
        good[: start + 3] + bytes([good[start + 3] ^ 255]) + good[start + 4 :],
        good[:-30],
        b"<html>not found</html>",
        b"",
    ):
        archive.write_bytes(content)
        with pytest.raises(DownloadError, match="cannot be used"):
            unpack_member(archive, "end2end.onnx", tmp_path / "out", 10_000)
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_data_is_not_taken_for_a_full_disk(tmp_path: Path, kind: int) -> None:
    path, out = tmp_path / "a.zip", tmp_path / "out"
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("end2end.onnx", np.random.default_rng(0).bytes(300))
    whole = path.read_bytes()
    for place in range(30, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        with contextlib.suppress(DownloadError):
            unpack_member(path, "end2end.onnx", out, 10_000)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_altered_archives_never_do_anything_else(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(zipped({"x/end2end.onnx": GRAPH[:200]}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path, out = tmp_path / "a.zip", tmp_path / "out"
    path.write_bytes(content)
    try:
        unpack_member(path, "end2end.onnx", out, 1000)
    except DownloadError:
        assert not out.exists()
    else:
        assert out.stat().st_size <= 1000
    assert {p.name for p in tmp_path.iterdir()} <= {"a.zip", "out"}
