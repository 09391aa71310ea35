"""The checksum that tells one graph or calibration from another."""

from __future__ import annotations

import hashlib
import mmap
import re
from pathlib import Path

from bharnet_ros.errors import ConfigurationError

_LOCATION = re.compile(rb"\n\x08location\x12([\x80-\xff]?[\x00-\x7f])")
"""How an ONNX file names a file that holds weights: a pair of texts, the second with its length
(up to 16383 bytes) before it. Found so, it takes no package onnx where engines only run."""


def sha256_of(path: Path) -> str:
    """In hexadecimal. Raises ConfigurationError if the file cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}).") from None
    return digest.hexdigest()


def graph_sha256(graph: Path) -> str:
    """Of an ONNX file and the files beside it that hold its weights; of most graphs, which have
    none, that of the file. Raises ConfigurationError if one cannot be read."""
    own = sha256_of(graph)
    parts = [f"{name} {sha256_of(graph.parent / name)}" for name in _weight_files(graph)]
    return hashlib.sha256("\n".join((own, *parts)).encode()).hexdigest() if parts else own


def _weight_files(graph: Path) -> list[str]:
    """Files that the graph names and that exist, relative to its folder."""
    if graph.stat().st_size == 0:
        return []  # cannot be mapped
    names = set()
    with graph.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for found in _LOCATION.finditer(text):
            length = sum((byte & 0x7F) << 7 * i for i, byte in enumerate(found[1]))
            names.add(text[found.end() : found.end() + length].decode("utf-8", "replace"))
    return sorted(name for name in names if "\0" not in name and (graph.parent / name).is_file())
