"""One file from the network: resumed where it broke off, checked, renamed only when complete."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any, BinaryIO

from bharnet_ros.errors import DownloadError
from bharnet_ros.models_store.registry import UNKNOWN

Progress = Callable[[int, int], None]
"""Called with the bytes that are there and those of the whole (0 = nobody knows)."""

MAX_BYTES = 2 << 30
"""No network here comes near; an endless answer must not fill the disk."""
_BLOCK = 1 << 16
_TIMEOUT_S = 30.0
_BROKEN = (urllib.error.URLError, HTTPException)


def download(
    urls: str | Sequence[str],
    target: Path,
    sha256: str,
    size: int,
    progress: Progress | None = None,
) -> None:
    """Bring one of `urls`, which all hold the same file, to `target`.

    What arrives is kept in `target`.partial, so a later call goes on from there; `target` itself
    appears only when all `size` bytes (0 = not known) have the checksum `sha256`. With the checksum
    "unknown" anything complete is taken, and nothing is resumed, since the parts of two different
    files could not be told from one.
    Raises DownloadError: no connection, an answer other than the file, a file that is not the
    expected one, no room, or another process fetching the same.
    """
    addresses = (urls,) if isinstance(urls, str) else tuple(urls)
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("ab") as file:
            _lock(file, partial.stem)
            _need_room(target.parent, size - file.tell())
            complaints = []
            for url in addresses:
                try:
                    _bring(url, file, partial, sha256, size, progress)
                except DownloadError as error:
                    complaints.append(str(error))
                else:
                    os.replace(partial, target)
                    return
            raise DownloadError(" Then: ".join(complaints))
    except OSError as error:
        raise unwritable(target, error) from None


@contextlib.contextmanager
def one_at_a_time(path: Path, what: str) -> Iterator[None]:
    """Inside, no other process is inside with the same `path`, a file that is there meanwhile.

    what: is being fetched, for the message. Raises DownloadError if another is inside, or if
    nothing can be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            file = path.open("ab")
            try:
                _lock(file, what)
                current = _is_there(file, path)
            except BaseException:
                file.close()
                raise
            if current:
                break
            file.close()  # who was inside has deleted it between our opening and locking it
    except OSError as error:
        raise unwritable(path, error) from None
    with file:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> DownloadError:
    """What to do about a place in the store that cannot be written to."""
    return DownloadError(
        f"{path} cannot be written ({error.strerror or error}); free some room or choose another "
        "folder with BHARNET_ROS_MODELS."
    )


def digest(path: Path) -> str:
    """sha256 of a file, in hex."""
    result = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            result.update(block)
    return result.hexdigest()


def _lock(file: BinaryIO, what: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DownloadError(
            f"Another process is fetching {what} right now; wait until it is done."
        ) from None


def _is_there(file: BinaryIO, path: Path) -> bool:
    """Whether the open file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _need_room(folder: Path, missing: int) -> None:
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise DownloadError(
            f"{folder} has room for {free / 1e6:.0f} MB, and {missing / 1e6:.0f} MB are to come; "
            "free some or choose another folder with BHARNET_ROS_MODELS."
        )


def _bring(
    url: str, file: BinaryIO, partial: Path, sha256: str, size: int, progress: Progress | None
) -> None:
    """All of it, checked; what is no part of the expected file is not kept."""
    if sha256 == UNKNOWN or (size and file.tell() > size):
        _empty(file)
    file.flush()
    whole = not size or file.tell() == size
    complete = whole and digest(partial) == sha256
    if size and whole and not complete:
        _empty(file)  # what was kept is damaged, and nobody has asked the server yet
    if not complete:
        _fill(url, file, size, progress)
    file.flush()
    os.fsync(file.fileno())
    have, found = file.tell(), digest(partial)
    if (size and have != size) or sha256 not in (UNKNOWN, found):
        _empty(file)
        raise DownloadError(
            f"{url} gave {have} bytes with sha256 {found[:12]}… and not "
            f"{f'{size} bytes' if size else 'those'} with {sha256[:12]}…; nothing of it was kept. "
            "Try again; if it stays so, the file was exchanged and must not be used."
        )


def _empty(file: BinaryIO) -> None:
    file.truncate(0)
    file.seek(0)


def _fill(url: str, file: BinaryIO, size: int, progress: Progress | None) -> None:
    """Append what is missing."""
    have = file.tell()
    try:
        with _open(url, have) as answer:
            if have and not _goes_on(answer, have):  # the server starts from the beginning
                _empty(file)
            total = size or file.tell() + _length(answer)
            _copy(answer, file, total, size or MAX_BYTES, progress)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # there is nothing left of what the server has
            _empty(file)
            _fill(url, file, size, progress)
            return
        raise DownloadError(
            f"{url} answers {error.code} {error.reason}; the file is not there (any more), or the "
            "address is blocked here. Fetch it elsewhere and put it into the store's downloads."
        ) from None
    except _BROKEN as error:
        reason = getattr(error, "reason", None) or error or type(error).__name__
        raise DownloadError(
            f"{url} cannot be read ({reason}); {_kept(file, size)}. Check the connection and run "
            "the same command again: it goes on from there."
        ) from None
    if file.tell() < total:
        raise DownloadError(
            f"{url} broke off; {_kept(file, total)}. Run the same command again: it goes on from "
            "there."
        )


def _kept(file: BinaryIO, size: int) -> str:
    if not file.tell():
        return "nothing came"
    return f"{file.tell()} of {size or 'unknown'} bytes are kept"


def _open(url: str, have: int) -> Any:
    request = urllib.request.Request(url)  # noqa: S310 - the registry holds https addresses only
    request.add_header("User-Agent", "bharnet_ros")
    request.add_header("Accept-Encoding", "identity")
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        return urllib.request.build_opener(SameSecurity).open(request, timeout=_TIMEOUT_S)
    except urllib.error.URLError:
        raise
    except OSError as error:
        raise urllib.error.URLError(error) from error


def _length(answer: Any) -> int:
    """What an answer says of its length; 0 if nothing, or nothing that can be understood."""
    text = str(answer.headers.get("Content-Length") or "")
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


def _blocks(answer: BinaryIO) -> Iterator[bytes]:
    """What arrives. Raises URLError for every error of the network: those of the disk mean
    something else, and both may be any OSError."""
    try:
        while block := answer.read(_BLOCK):
            yield block
    except (OSError, HTTPException) as error:
        raise urllib.error.URLError(error) from error


def _goes_on(answer: Any, have: int) -> bool:
    """Whether the answer begins where we stopped."""
    start = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range") or f"bytes {have}-")
    return answer.status == 206 and start is not None and int(start[1]) == have


def _copy(
    answer: BinaryIO, file: BinaryIO, total: int, limit: int, progress: Progress | None
) -> None:
    for block in _blocks(answer):
        file.write(block)
        if progress is not None:
            progress(file.tell(), total)
        if file.tell() > limit:  # not the file: do not fill the disk with it
            return


class SameSecurity(urllib.request.HTTPRedirectHandler):
    """Follows to another address, but never from https to one that can be read on the way."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.lower().startswith("https://"):
            raise urllib.error.URLError(f"it leads to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
