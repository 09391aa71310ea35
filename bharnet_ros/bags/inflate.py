"""Zstandard, for messages that were compressed one by one and for whole files."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bharnet_ros.bags.optional import library, zstd
from bharnet_ros.bags.problems import Problems
from bharnet_ros.errors import BagError

_MAGIC = b"\x28\xb5\x2f\xfd"
_MAX_MESSAGE_BYTES = 1 << 30
_BLOCK_BYTES = 1 << 20
_ALWAYS_BYTES = 1 << 30
_MAX_RATIO = 1000
"""What unpacks to more than both is no recording; it would only fill the disk."""

_Key = tuple[Path, int, int]


@dataclass
class _Shared:
    """An unpacked file and how many have it open. problem: "" if it is whole."""

    folder: tempfile.TemporaryDirectory[str]
    file: Path
    problem: str
    users: int = 0


_SHARING = threading.Lock()
_SHARED: dict[_Key, _Shared] = {}
"""By the packed file's path, size and time of change."""


def inflated(data: bytes) -> bytes:
    """A message's bytes, unpacked if they are packed. ValueError if that fails.

    CDR begins with 00, so packed messages are known by Zstandard's magic number; metadata.yaml,
    which would say so, may be missing.
    """
    if bytes(data[:4]) != _MAGIC:
        return data
    library = zstd()
    unpacker = library.ZstdDecompressor()
    try:
        found: bytes = unpacker.decompress(data, _MAX_MESSAGE_BYTES)
    except library.ZstdError as error:
        raise ValueError(f"damaged compression: {error}") from None
    if not unpacker.eof:
        raise ValueError("damaged compression: the data ends early, or is larger than 1 GiB")
    return found


def bound_chunks() -> None:
    """Make rosbags unpack no more of an MCAP chunk than the chunk says it holds, and than 1 GiB.

    The library unpacks first and compares then; a chunk of a few kilobytes could fill the memory.
    """
    storage = library("rosbags.rosbag2.storage_mcap")
    lz4 = library("lz4.frame")

    def bounded(new: Callable[[], Any]) -> Callable[[bytes, int], bytes]:
        def unpack(data: bytes, size: int) -> bytes:
            if size > _MAX_MESSAGE_BYTES:
                raise ValueError(f"a chunk of {size} bytes is larger than 1 GiB")
            content: bytes = new().decompress(data, max_length=size + 1)
            return content

        return unpack

    storage.DECOMPRESSORS["zstd"] = bounded(zstd().ZstdDecompressor)
    storage.DECOMPRESSORS["lz4"] = bounded(lz4.LZ4FrameDecompressor)


def unpacked_file(path: Path, problems: Problems, closing: ExitStack) -> Path:
    """A file compressed as a whole, unpacked as far as it goes into a folder for temporary files.

    Whoever opens it meanwhile gets the same one; the folder goes with the last `closing`. Raises
    BagError if nothing came out or the disk is full.
    """
    about = path.stat()
    key = path.resolve(), about.st_size, about.st_mtime_ns
    with _SHARING:
        if key not in _SHARED:
            _SHARED[key] = _Shared(*_unpacked(path))
        shared = _SHARED[key]
        shared.users += 1
    closing.callback(_let_go, key)
    if shared.problem:
        problems.add(f"{path.name} is damaged and was unpacked in part ({shared.problem}).")
    return shared.file


def _let_go(key: _Key) -> None:
    with _SHARING:
        shared = _SHARED[key]
        shared.users -= 1
        if not shared.users:
            del _SHARED[key]
            shared.folder.cleanup()


def _unpacked(path: Path) -> tuple[tempfile.TemporaryDirectory[str], Path, str]:
    """The folder, the file in it, and what is wrong with it, or "". Raises BagError."""
    folder = tempfile.TemporaryDirectory(prefix="bharnet_ros_bag_")
    target = Path(folder.name) / path.stem
    try:
        with path.open("rb") as packed, target.open("wb") as out:
            problem = _unpack(packed, out)
        if target.stat().st_size == 0:
            raise BagError(f"{path} holds nothing that could be unpacked.")
    except OSError as error:
        folder.cleanup()
        raise BagError(
            f"{path} cannot be unpacked into {folder.name}: {error.strerror or error}; set TMPDIR "
            "to a folder with more room."
        ) from error
    except BaseException:
        folder.cleanup()
        raise
    return folder, target, problem


def _unpack(packed: BinaryIO, out: BinaryIO) -> str:
    """Unpack block by block, so that what precedes damage is kept; what is wrong, or ""."""
    library = zstd()
    unpacker = library.ZstdDecompressor()
    begun = False
    taken = given = 0
    while block := packed.read(_BLOCK_BYTES):
        taken += len(block)
        while True:
            try:
                given += out.write(unpacker.decompress(block, _BLOCK_BYTES))
            except library.ZstdError as error:
                return str(error)
            if given > max(_ALWAYS_BYTES, _MAX_RATIO * taken):
                return f"it grows to more than {_MAX_RATIO} times its size"
            begun, block = True, b""
            if unpacker.eof:  # another frame may follow
                block = unpacker.unused_data
                unpacker, begun = library.ZstdDecompressor(), False
                if not block:
                    break
            elif unpacker.needs_input:
                break
    return "it ends early" if begun else ""
