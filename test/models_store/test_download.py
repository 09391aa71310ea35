from __future__ import annotations

import fcntl
import hashlib
from pathlib import Path
from typing import Any

import pytest

from bharnet_ros.errors import DownloadError
from bharnet_ros.models_store.download import digest, download


def get(server: Any, target: Path, **changes: Any) -> list[int]:
    """Download the server's true content; the progress that was reported."""
    seen: list[int] = []
    whole = changes.pop("content", server.content)
    download(
        server.url, target, hashlib.sha256(whole).hexdigest(), len(whole),
        lambda done, total: seen.append(done),
    )  # fmt: skip
    return seen


def test_a_whole_file(server: Any, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "model.pth"
    seen = get(server, target)
    assert (
        target.read_bytes() == server.content
        and digest(target) == hashlib.sha256(server.content).hexdigest()
    )
    assert seen == sorted(seen) and seen[-1] == len(server.content)
    assert [p.name for p in target.parent.iterdir()] == ["model.pth"]


def test_an_interrupted_download_goes_on(server: Any, tmp_path: Path) -> None:
    target = tmp_path / "model.pth"
    server.break_after = 100_000
    for kept in (100_000, 200_000):
        with pytest.raises(DownloadError, match=f"{kept} of 300000 bytes are kept"):
            get(server, target)
        assert not target.exists()
    server.break_after = None
    assert get(server, target)[0] > 200_000
    assert target.read_bytes() == server.content
    assert server.asked == [None, "bytes=100000-", "bytes=200000-"]


def test_a_server_that_cannot_go_on_starts_anew(server: Any, tmp_path: Path) -> None:
    target = tmp_path / "model.pth"
    (tmp_path / "model.pth.partial").write_bytes(server.content[:5000])
    server.ranges = False
    get(server, target)
    assert target.read_bytes() == server.content and server.asked == ["bytes=5000-"]


def test_complete_but_not_yet_renamed(server: Any, tmp_path: Path) -> None:
    (tmp_path / "model.pth.partial").write_bytes(server.content)
    get(server, tmp_path / "model.pth")
    assert server.asked == [] and (tmp_path / "model.pth").exists()


@pytest.mark.parametrize("change", ["exchanged", "longer", "left over"])
def test_another_file_is_not_kept(server: Any, tmp_path: Path, change: str) -> None:
    target = tmp_path / "model.pth"
    true = server.content
    if change == "exchanged":
        server.content = bytes(len(true))
    elif change == "longer":
        server.content = true + bytes(1_000_000)
    else:
        (tmp_path / "model.pth.partial").write_bytes(bytes(1000))
    with pytest.raises(DownloadError, match="nothing of it was kept"):
        get(server, target, content=true)
    assert not target.exists()
    assert (tmp_path / "model.pth.partial").stat().st_size == 0
    server.content = true
    get(server, target)
    assert target.read_bytes() == true


@pytest.mark.parametrize("status", [404, 403, 500])
def test_an_answer_that_is_no_file(server: Any, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(DownloadError, match=rf"answers {status} .*store's downloads"):
        get(server, tmp_path / "model.pth")


def test_no_connection(server: Any, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"cannot be read .*goes on from there"):
        download("http://127.0.0.1:9/model.pth", tmp_path / "model.pth", "0" * 64, 10)


def test_only_one_process_at_a_time(server: Any, tmp_path: Path) -> None:
    with (tmp_path / "model.pth.partial").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DownloadError, match=r"Another process is fetching model\.pth"):
            get(server, tmp_path / "model.pth")


def test_a_folder_that_cannot_be_written(server: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match=r"cannot be written .*BHARNET_ROS_MODELS"):
        get(server, tmp_path / "file" / "model.pth")
