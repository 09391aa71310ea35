from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import shutil
import urllib.error
import urllib.request
from email.message import Message
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from store_pieces import sha256

from bharnet_ros.errors import DownloadError
from bharnet_ros.models_store.download import SameSecurity, digest, download
from bharnet_ros.models_store.registry import UNKNOWN


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


def test_whole_but_damaged_is_fetched_again(server: Any, tmp_path: Path) -> None:
    (tmp_path / "model.pth.partial").write_bytes(bytes(len(server.content)))
    get(server, tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == server.content and server.asked == [None]


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


def test_it_follows_to_another_address_and_goes_on_there(server: Any, tmp_path: Path) -> None:
    target = tmp_path / "model.pth"
    server.redirects["/model.pth"] = f"{server.root}/elsewhere"
    server.break_after = 100_000
    with pytest.raises(DownloadError, match="100000 of 300000 bytes are kept"):
        get(server, target)
    server.break_after = None
    get(server, target)
    assert target.read_bytes() == server.content
    assert server.paths == ["/model.pth", "/elsewhere"] * 2
    assert server.asked[-1] == "bytes=100000-"


def test_endless_redirects_end(server: Any, tmp_path: Path) -> None:
    server.redirects["/model.pth"] = server.url
    with pytest.raises(DownloadError, match="answers 302"):
        get(server, tmp_path / "model.pth")


@pytest.mark.parametrize("leads_to", ["http://example.org/x", "ftp://example.org/x"])
def test_never_from_https_to_what_can_be_read_on_the_way(leads_to: str) -> None:
    asked = urllib.request.Request("https://example.org/x")
    with pytest.raises(urllib.error.URLError, match="is not https"):
        SameSecurity().redirect_request(asked, BytesIO(), 302, "Found", Message(), leads_to)
    good = SameSecurity().redirect_request(
        asked, BytesIO(), 302, "Found", Message(), "https://example.org/y"
    )
    assert good is not None and good.full_url == "https://example.org/y"


def test_the_next_address_is_tried(server: Any, tmp_path: Path) -> None:
    target = tmp_path / "model.pth"
    server.missing = {"/gone.pth"}
    addresses = [f"{server.root}/gone.pth", server.url]
    download(addresses, target, sha256(server.content), len(server.content))
    assert target.read_bytes() == server.content and server.paths == ["/gone.pth", "/model.pth"]
    server.missing = {"/gone.pth", "/model.pth"}
    with pytest.raises(DownloadError, match=r"gone\.pth answers 404.*model\.pth answers 404"):
        download(addresses, tmp_path / "other", sha256(server.content), len(server.content))


def test_the_next_address_goes_on_where_the_first_broke_off(server: Any, tmp_path: Path) -> None:
    server.break_after = 100_000
    with pytest.raises(DownloadError, match="200000 of 300000 bytes are kept"):
        download(
            [server.url, f"{server.root}/second"],
            tmp_path / "model.pth",
            sha256(server.content),
            len(server.content),
        )
    assert server.asked == [None, "bytes=100000-"]


def test_a_size_nobody_knows(server: Any, tmp_path: Path) -> None:
    target = tmp_path / "model.pth"
    seen: list[tuple[int, int]] = []
    server.break_after = 120_000
    with pytest.raises(DownloadError, match="120000 of 300000 bytes are kept"):
        download(server.url, target, sha256(server.content), 0)
    server.break_after = None
    download(server.url, target, sha256(server.content), 0, lambda *now: seen.append(now))
    assert target.read_bytes() == server.content
    assert seen[-1] == (300_000, 300_000) and server.asked[-1] == "bytes=120000-"
    target.replace(tmp_path / "model.pth.partial")
    download(server.url, target, sha256(server.content), 0)
    assert target.exists() and len(server.asked) == 2  # it was complete
    server.content = bytes(10)
    with pytest.raises(DownloadError, match=r"gave 10 bytes .* not those with"):
        download(server.url, tmp_path / "other", sha256(b"true"), 0)


@pytest.mark.parametrize("length", ["abc", "-5", "1e3", "300000, 300000", ""])
def test_a_length_that_is_no_number(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: str
) -> None:
    plain = urllib.request.OpenerDirector.open

    def opened(self: Any, *request: Any, **options: Any) -> Any:
        answer = plain(self, *request, **options)
        answer.headers.replace_header("Content-Length", length)
        return answer

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", opened)
    download(server.url, tmp_path / "model.pth", sha256(server.content), 0)
    assert (tmp_path / "model.pth").read_bytes() == server.content


@pytest.mark.parametrize("when", ["open", "read"])
def test_a_network_that_goes_away_is_not_taken_for_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EHOSTUNREACH, "No route to host")

    def opened(*_: Any, **__: Any) -> Any:
        answer = SimpleNamespace(headers={}, status=200, read=gone)
        return gone() if when == "open" else contextlib.nullcontext(answer)

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", opened)
    with pytest.raises(DownloadError, match=r"cannot be read .*No route.*Check the connection"):
        download("http://127.0.0.1/model.pth", tmp_path / "model.pth", "0" * 64, 10)


def test_without_a_checksum_nothing_is_pieced_together(server: Any, tmp_path: Path) -> None:
    target = tmp_path / "model.pth"
    server.break_after = 100_000
    with pytest.raises(DownloadError, match="broke off"):
        download(server.url, target, UNKNOWN, 0)
    server.break_after = None
    download(server.url, target, UNKNOWN, 0)
    assert target.read_bytes() == server.content and server.asked == [None, None]


def test_more_than_the_server_has_starts_anew(server: Any, tmp_path: Path) -> None:
    (tmp_path / "model.pth.partial").write_bytes(bytes(300_001))
    download(server.url, tmp_path / "model.pth", sha256(server.content), 0)
    assert server.asked == ["bytes=300001-", None]
    assert (tmp_path / "model.pth").read_bytes() == server.content


def test_a_part_from_elsewhere_is_not_appended(server: Any, tmp_path: Path) -> None:
    target = tmp_path / "model.pth"
    (tmp_path / "model.pth.partial").write_bytes(server.content[:1000])
    server.shift = 7
    with pytest.raises(DownloadError, match=r"broke off|nothing of it was kept"):
        get(server, target)
    assert not target.exists()
    server.shift = 0
    (tmp_path / "model.pth.partial").unlink()
    get(server, target)


def test_an_endless_answer_is_cut(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bharnet_ros.models_store.download.MAX_BYTES", 100_000)
    with pytest.raises(DownloadError):
        download(server.url, tmp_path / "model.pth", sha256(server.content), 0)
    assert not (tmp_path / "model.pth").exists()


def test_no_room_is_said_before_anything_is_asked(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=100_000))
    with pytest.raises(DownloadError, match=r"room for 0 MB.*BHARNET_ROS_MODELS"):
        get(server, tmp_path / "model.pth")
    assert server.asked == []
