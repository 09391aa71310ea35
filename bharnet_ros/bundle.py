"""The model bundle: a folder with its ONNX graph(s) and a `manifest.json` that explains them.

The manifest holds everything the robot needs besides the weights, so that layout, labels,
window, features and thresholds of training are those of recognition. Loading checks all of it
and refuses with a sentence; nothing in a bundle is ever executed or unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bharnet_ros.errors import BundleError
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import FUSION, WHOLE, GraphFile
from bharnet_ros.models_store.location import store_folder, stored_bundles
from bharnet_ros.models_store.registry import BUNDLE, registered_models

MANIFEST_FILE = "manifest.json"
MAX_MANIFEST_BYTES = 16 << 20
MODEL_FILE = "model.onnx"
GESTURES_FILE = "gestures.yaml"
"""Descriptions of a bundle's gestures, for `load_vocabulary`; not every bundle has them."""
DEFAULT_BUNDLE = "gestures"
"""The shipped bundle that runs unless another one is chosen."""
_SHIPPED = Path(__file__).parent / "bundles"


@dataclass(frozen=True)
class Bundle:
    """A bundle whose files were verified.

    path: its folder; onnx_path: the graph in it, or of several the one that fuses.
    """

    path: Path
    manifest: Manifest
    onnx_path: Path

    @property
    def graphs(self) -> dict[str, Path]:
        """By role: {"whole": ...}, or "body", "hand" and "fusion" of a bundle that is split."""
        if not self.manifest.graphs:
            return {WHOLE: self.onnx_path}
        return {role: self.path / graph.file for role, graph in self.manifest.graphs.items()}

    @property
    def digest(self) -> str:
        """sha256 (hex) of the graph, or of the one that the graphs were split from: a network
        keeps its identity, and the figures published of it, when it is split."""
        split_from = self.manifest.whole_sha256
        return split_from or str(self.manifest.files[self.onnx_path.name]["sha256"])

    def file(self, name: str) -> Path | None:
        """A further file that the manifest lists, e.g. `gestures.yaml`; None if there is none."""
        return self.path / name if name in self.manifest.files else None


def shipped_bundles() -> tuple[str, ...]:
    """Names of the bundles that come with this package."""
    if not _SHIPPED.is_dir():
        return ()
    return tuple(sorted(p.name for p in _SHIPPED.iterdir() if (p / MANIFEST_FILE).is_file()))


def find_bundle(name_or_path: str | Path) -> Path:
    """The folder of a bundle: a path as it is, a bare name among the shipped, then the fetched.

    Raises BundleError with the known names if there is no such folder.
    """
    path = Path(os.path.expanduser(name_or_path))  # Path's own raises for a user who is unknown
    if path.is_dir():
        return path
    if path.is_file():
        raise BundleError(f"Bundle {path} is a file; give the folder that holds {MANIFEST_FILE}.")
    name = str(name_or_path)
    shipped, stored = shipped_bundles(), stored_bundles()
    if name in shipped:
        return _SHIPPED / name
    if name in stored:
        return store_folder() / name
    registered = registered_models().get(name)
    if registered is not None and registered.kind == BUNDLE:
        raise BundleError(
            f"Bundle '{name}' was not fetched yet; run `python -m bharnet_ros models fetch {name}`."
        )
    known = ", ".join((*shipped, *(n for n in stored if n not in shipped)))
    raise BundleError(
        f"Bundle '{name}' is neither a folder nor one of the bundles of this package "
        f"({known or 'none are installed'}); give the path of a bundle's folder."
    )


def load_bundle(name_or_path: str | Path) -> Bundle:
    """Find, read and verify a bundle. Raises BundleError that says what is wrong with it.

    Whether the graph agrees with the manifest is checked by the engine that loads it.
    """
    folder = find_bundle(name_or_path)
    path = folder / MANIFEST_FILE
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_MANIFEST_BYTES + 1)
        if len(content) > MAX_MANIFEST_BYTES:
            raise BundleError(
                f"{path} has more than {MAX_MANIFEST_BYTES >> 20} MB and cannot be a manifest; "
                "export or copy the bundle again."
            )
        data = json.loads(content.decode("utf-8"))
    except FileNotFoundError:
        raise BundleError(
            f"Bundle {folder} has no {MANIFEST_FILE}; give the folder that "
            "`python -m training export` wrote."
        ) from None
    except (OSError, ValueError, RecursionError) as error:  # also of endless numbers and nesting
        raise BundleError(
            f"{path} cannot be read as JSON ({error}); export or copy the bundle again."
        ) from None
    manifest = Manifest.from_dict(data, str(path))
    wanted = [graph.file for graph in manifest.graphs.values()] or [MODEL_FILE]
    for name in wanted:
        if name not in manifest.files:
            raise BundleError(f"{path} lists no {name} under 'files'; export the bundle again.")
    for name, expected in manifest.files.items():
        _verify(folder / name, expected)
    fusing = manifest.graphs.get(FUSION, GraphFile(MODEL_FILE))
    return Bundle(folder, manifest, folder / fusing.file)


def write_bundle(
    folder: str | Path,
    manifest: Manifest,
    model: str | Path | bytes | Mapping[str, bytes],
    extra: Mapping[str, bytes] | None = None,
) -> Bundle:
    """Write a bundle and load it again, which proves that it is complete.

    model: the ONNX graph, serialized or as a path; or several, serialized, by their roles in
    `manifest.graphs`. extra: further files by plain name; they are listed in the manifest and
    verified at every load. `manifest.files` is filled in here. The manifest is replaced last, so a
    bundle broken off half-way is refused and not misread.
    """
    folder = Path(folder)
    if isinstance(model, Mapping):
        if set(model) != set(manifest.graphs):
            raise BundleError(
                f"The graphs {', '.join(model)} are given for a manifest whose graphs are "
                f"{', '.join(manifest.graphs) or 'one'}; give those that it names."
            )
        graphs = {manifest.graphs[role].file: content for role, content in model.items()}
    else:
        if manifest.graphs:
            raise BundleError("One graph is given for a manifest of several; give them by role.")
        graphs = {MODEL_FILE: model if isinstance(model, bytes) else Path(model).read_bytes()}
    further = {name: _extra_file(name, content, graphs) for name, content in (extra or {}).items()}
    folder.mkdir(parents=True, exist_ok=True)
    files = {**graphs, **further}
    for name, data in files.items():
        _write(folder / name, data)
    records = {name: file_record(folder / name) for name in files}
    text = json.dumps(
        replace(manifest, files=records).to_dict(), indent=2, ensure_ascii=False, allow_nan=False
    )
    _write(folder / MANIFEST_FILE, (text + "\n").encode())
    return load_bundle(folder)


def rewrite_bundle(
    bundle: Bundle,
    manifest: Manifest,
    folder: str | Path | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> Bundle:
    """The same graphs with another manifest of the same `graphs`, in another folder if one is
    given. extra: the files beside the graphs; None = those it has."""
    if bundle.manifest.graphs:
        model: bytes | dict[str, bytes] = {r: p.read_bytes() for r, p in bundle.graphs.items()}
    else:
        model = bundle.onnx_path.read_bytes()
    beside = extra_files(bundle) if extra is None else extra
    return write_bundle(folder or bundle.path, manifest, model, beside)


def extra_files(bundle: Bundle) -> dict[str, bytes]:
    """Contents of the files beside the graphs, to hand on when a bundle is written again."""
    graphs = {path.name for path in bundle.graphs.values()}
    names = [name for name in bundle.manifest.files if name not in graphs]
    return {name: (bundle.path / name).read_bytes() for name in names}


def _extra_file(name: str, content: bytes, graphs: Mapping[str, bytes]) -> bytes:
    plain = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name)
    taken = {MODEL_FILE, MANIFEST_FILE, *graphs}
    if not plain or name in taken or name.endswith(".partial"):
        raise BundleError(
            f"A bundle cannot hold an extra file '{name}'; give a plain file name other than "
            f"{', '.join(sorted(taken))}."
        )
    return content


def _write(target: Path, content: bytes) -> None:
    partial = target.with_name(target.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, target)


def file_record(path: Path) -> dict[str, Any]:
    """What the manifest says about a file: sha256 and bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return {"sha256": digest.hexdigest(), "bytes": path.stat().st_size}


def _verify(path: Path, expected: Mapping[str, Any]) -> None:
    if not path.is_file():
        raise BundleError(
            f"Bundle file {path} is missing although the manifest lists it; copy the whole folder."
        )
    found = file_record(path)
    if found["sha256"] != expected["sha256"]:
        raise BundleError(
            f"Bundle file {path} ({found['bytes']} bytes) is not the one its manifest was written "
            f"for (sha256 {found['sha256'][:12]}… instead of {expected['sha256'][:12]}…); it is "
            "damaged or was exchanged: copy or export the bundle again."
        )
