"""The checksum that tells one graph or calibration from another."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bharnet_ros.errors import ConfigurationError


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
