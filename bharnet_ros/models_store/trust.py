"""What was taken on trust: checksums of files that nobody has published one of.

They outlive the files, so that a model which was trusted once and deleted cannot come back as
another one.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from bharnet_ros.errors import WeightsError
from bharnet_ros.models_store.location import store_folder

FILE = "trusted.json"


def trusted_digest(name: str) -> str | None:
    """The sha256 of the graph that was trusted first; None = none was. Raises WeightsError."""
    return _read().get(name)


def trust(name: str, sha256: str) -> None:
    """Record a graph. Raises WeightsError; OSError if the store cannot be written."""
    known = {**_read(), name: sha256}
    path = _path()
    unfinished = path.with_name(path.name + ".partial")
    unfinished.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
    os.replace(unfinished, path)


def _path() -> Path:
    return store_folder() / FILE


def _read() -> dict[str, str]:
    path = _path()
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); correct or delete it.") from None
    good = isinstance(data, dict) and all(
        isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) for value in data.values()
    )
    if not good:
        raise WeightsError(f"{path} must hold names and sha256 digests; correct or delete it.")
    return dict(data)
