"""One file from the network: resumed where it broke off, checked, renamed only when complete."""

from __future__ import annotations

import fcntl
import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from typing import BinaryIO

from bharnet_ros.errors import DownloadError

Progress = Callable[[int, int], None]
_BLOCK = 1 << 16
_TIMEOUT_S = 30.0


def download(
    url: str, target: Path, sha256: str, size: int, progress: Progress | None = None
) -> None:
    """Bring `url` to `target`.

    What arrives is kept in `target`.partial, so a later call goes on from there; `target` itself
    appears only when all `size` bytes have the checksum `sha256`. progress: called with bytes so
    far and in all. Raises DownloadError: no connection, an answer other than the file, a file
    that is not the expected one, no room, or another process fetching the same.
    """
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("ab") as file:
            _lock(file, partial)
            _fill(url, file, size, progress)
            file.flush()
            os.fsync(file.fileno())
            found = digest(partial)
            if file.tell() != size or found != sha256:
                file.truncate(0)
                raise DownloadError(
                    f"{url} gave {file.tell()} bytes with sha256 {found[:12]}… and not {size} "
                    f"bytes with {sha256[:12]}…; nothing of it was kept. Try again; if it stays "
                    "so, the file was exchanged and must not be used."
                )
            os.replace(partial, target)
    except OSError as error:
        raise DownloadError(
            f"{target} cannot be written ({error.strerror or error}); free some room or choose "
            "another folder with BHARNET_ROS_MODELS."
        ) from None


def digest(path: Path) -> str:
    """sha256 of a file, in hex."""
    result = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            result.update(block)
    return result.hexdigest()


def _lock(file: BinaryIO, partial: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DownloadError(
            f"Another process is fetching {partial.stem} right now; wait until it is done."
        ) from None


def _fill(url: str, file: BinaryIO, size: int, progress: Progress | None) -> None:
    """Append what is missing."""
    if file.tell() > size:
        file.truncate(0)
        file.seek(0)
    have = file.tell()
    if have == size:
        return
    request = urllib.request.Request(url)  # noqa: S310 - the registry holds https addresses only
    request.add_header("User-Agent", "bharnet_ros")
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            if have and answer.status != 206:  # the server starts from the beginning
                file.truncate(0)
                file.seek(0)
                have = 0
            _copy(answer, file, size, progress)
    except urllib.error.HTTPError as error:
        raise DownloadError(
            f"{url} answers {error.code} {error.reason}; the file is not there (any more), or the "
            "address is blocked here. Fetch it elsewhere and put it into the store's downloads."
        ) from None
    except (urllib.error.URLError, HTTPException, SSLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error or type(error).__name__
        raise DownloadError(
            f"{url} cannot be read ({reason}); {file.tell()} of {size} bytes are kept. Check the "
            "connection and run the same command again: it goes on from there."
        ) from None
    if file.tell() < size:
        raise DownloadError(
            f"{url} broke off; {file.tell()} of {size} bytes are kept. Run the same command again: "
            "it goes on from there."
        )


def _copy(answer: BinaryIO, file: BinaryIO, size: int, progress: Progress | None) -> None:
    while block := answer.read(_BLOCK):
        file.write(block)
        if progress is not None:
            progress(file.tell(), size)
        if file.tell() > size:  # not the file: do not fill the disk with it
            return
