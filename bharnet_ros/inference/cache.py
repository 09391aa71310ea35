"""Built engines on disk: each beside a sidecar that says what it was built from, for and by.

An engine is used only if the sidecar tells the same graph, GPU, library version, precision and
shapes as are wanted now, and the file is byte by byte the one the sidecar was written for.
Everything else is built again; nothing of it is ever an error.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bharnet_ros.errors import EngineError
from bharnet_ros.inference.engine import Report
from bharnet_ros.user_cache import user_cache

SIDECAR_FORMAT = 1
SUFFIX = ".engine"
_WRONG = (ValueError, KeyError, TypeError, RecursionError, OverflowError)
"""What comes of a sidecar that holds something else; Python's JSON knows infinite numbers."""
_WORDS = {
    "onnx_sha256": "graph",
    "calibration_sha256": "calibration",
    "profiles": "batch sizes",
    "version": "version",
    "gpu": "GPU",
    "engine": "engine",
    "precision": "precision",
}


@dataclass(frozen=True)
class EngineKey:
    """All that a built engine depends on.

    engine, version: what built it. gpu: the model it runs on, or "any" if it is not tied to one.
    precision: fp32, tf32, fp16, int8. onnx_sha256: of the graph with its weights.
    profiles: batch sizes (least, tuned for, most). calibration_sha256: of the windows for int8,
    else "".
    """

    engine: str
    version: str
    gpu: str
    precision: str
    onnx_sha256: str
    profiles: tuple[tuple[int, int, int], ...]
    calibration_sha256: str = ""

    @property
    def file_name(self) -> str:
        """Engines for other GPUs and precisions lie side by side in one folder."""
        gpu = re.sub(r"[^a-z0-9]+", "_", self.gpu.lower()).strip("_")
        return f"{self.engine}-{self.precision}-{gpu}{SUFFIX}"

    @classmethod
    def from_dict(cls, data: Any) -> EngineKey:
        """Inverse of `asdict`. Raises one of `_WRONG`."""
        texts = {name: data[name] for name in _WORDS if name != "profiles"}
        if not all(isinstance(value, str) for value in texts.values()):
            raise TypeError("a field is not a text")
        profiles = tuple((int(a), int(b), int(c)) for a, b, c in data["profiles"])
        return cls(profiles=profiles, **texts)

    def difference(self, wanted: EngineKey) -> str:
        """The first field in which an engine of this key is not what is wanted, in words; ""."""
        for name, word in _WORDS.items():
            mine, theirs = getattr(self, name), getattr(wanted, name)
            if mine != theirs:
                if name.endswith("sha256"):
                    return f"it was built from another {word}"
                return f"it was built for {word} {mine}, wanted is {theirs}"
        return ""


@dataclass(frozen=True)
class BuiltEngine:
    """A serialized engine. path: its file, None if it could not be kept. reason: why it was
    built now, "" if the file was used as it is."""

    content: bytes
    path: Path | None
    reason: str


def engine_places(wanted: str | Path) -> tuple[Path, Path]:
    """Where engines may lie, whether these folders exist or not: `wanted`, the user's cache."""
    preferred = Path(wanted)
    named = hashlib.sha256(str(preferred.absolute()).encode()).hexdigest()[:12]
    return preferred, user_cache() / "engines" / named


def engine_folder(wanted: str | Path) -> Path:
    """`wanted` if it can be written to, else a folder for it in the user's cache. It then exists.

    Bundles that are installed for all users can rarely be written to.
    """
    for folder in engine_places(wanted):
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK | os.X_OK):
                return folder
    raise EngineError(
        f"Engines can be kept neither in {wanted} nor under {user_cache()}; make one of "
        "them writable."
    )


def sidecar_of(path: Path) -> Path:
    """The sidecar of an engine file."""
    return path.with_name(path.name + ".json")


def describe(path: Path) -> str:
    """What an engine file is, from its sidecar; for people."""
    try:
        key = EngineKey.from_dict(json.loads(sidecar_of(path).read_text("utf-8"))["key"])
    except (OSError, *_WRONG):
        return "nobody knows what it was built from; it will be built again"
    sizes = ", ".join(f"{low} to {high}" for low, _, high in key.profiles)
    return f"{key.engine} {key.version}, {key.precision}, for {key.gpu}, batches of {sizes}"


def why_not(path: Path, wanted: EngineKey) -> str:
    """Why the engine file at `path` cannot be used for `wanted`; "" if it can."""
    return _read(path, wanted)[1]


def obtain(
    folder: str | Path, key: EngineKey, build: Callable[[], bytes], report: Report, prefix: str = ""
) -> BuiltEngine:
    """The engine for `key` from the folder, or built now and kept there.

    prefix: begins the file's name; the graph's. report: told before the build and after it.
    Processes that want the same engine wait for the one that builds it. An engine that cannot be
    written (no room) is used all the same.
    """
    path = engine_folder(folder) / f"{prefix}{key.file_name}"
    content, reason = _read(path, key)
    if content is not None:
        return BuiltEngine(content, path, "")
    with _locked(path, report):
        content, reason = _read(path, key)  # another process may have built it meanwhile
        if content is not None:
            return BuiltEngine(content, path, "")
        report(
            f"Building {path.name} ({reason}); this is done once for this graph and GPU and can "
            f"take minutes. It is kept in {path.parent}."
        )
        begin = time.monotonic()
        content = build()
        took = time.monotonic() - begin
        try:
            _write(path, content, key, took)
        except OSError as error:
            report(
                f"{path} cannot be written ({error}); the engine is used, and built again at the "
                "next start."
            )
            return BuiltEngine(content, None, reason)
    report(f"Built {path.name} in {took:.1f} s ({len(content) / 1e6:.1f} MB).")
    return BuiltEngine(content, path, reason)


def discard(path: Path) -> None:
    """Forget an engine that turned out to be unusable."""
    for file in (sidecar_of(path), path):
        with contextlib.suppress(OSError):
            file.unlink()


def _read(path: Path, wanted: EngineKey) -> tuple[bytes | None, str]:
    """The file's content, or None and why it cannot be used."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None, "there is none yet"
    except OSError as error:
        return None, f"it cannot be read: {error.strerror}"
    try:
        sidecar = json.loads(sidecar_of(path).read_text("utf-8"))
        if sidecar["format"] != SIDECAR_FORMAT:
            return None, f"its sidecar has format {sidecar['format']!r}"
        key = EngineKey.from_dict(sidecar["key"])
        size, digest = int(sidecar["bytes"]), str(sidecar["sha256"])
    except FileNotFoundError:
        return None, "it has no sidecar, so nobody knows what it was built from"
    except (OSError, *_WRONG):
        return None, "its sidecar cannot be read"
    difference = key.difference(wanted)
    if difference:
        return None, difference
    if len(content) != size:
        return None, f"the file has {len(content)} bytes instead of {size}"
    if hashlib.sha256(content).hexdigest() != digest:
        return None, "the file is damaged"
    return content, ""


def _write(path: Path, content: bytes, key: EngineKey, took_s: float) -> None:
    """The sidecar last: an engine broken off half-way has none, or one that does not fit."""
    sidecar = {
        "format": SIDECAR_FORMAT,
        "key": asdict(key),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "build_s": round(took_s, 3),
    }
    for target, data in (
        (path, content),
        (sidecar_of(path), (json.dumps(sidecar, indent=2) + "\n").encode()),
    ):
        partial = target.with_name(f"{target.name}.partial")  # of a killed process: written over
        try:
            partial.write_bytes(data)
            os.replace(partial, target)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise


@contextlib.contextmanager
def _locked(path: Path, report: Report) -> Iterator[None]:
    """One build at a time per file; without locks (some network drives) everybody builds."""
    try:
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        yield
        return
    try:
        with contextlib.suppress(OSError):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report(f"Another process is building {path.name}; waiting for it.")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
