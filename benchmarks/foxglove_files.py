"""What the browser of benchmarks.foxglove gets: Foxglove Studio, the layout, a recording."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.web.messages import Request, Response

PAGE = Path(__file__).with_name("foxglove_page")
STUDIO = "@foxglove/studio-base"
_NEEDED = (
    f"{STUDIO}/assets/index.js", "react/umd/react.production.min.js",
    "react-dom/umd/react-dom.production.min.js",
)  # fmt: skip
_TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".json": "application/json", ".wasm": "application/wasm", ".png": "image/png",
    ".ttf": "font/ttf",
}  # fmt: skip
_MODULES = "/modules/"
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")
_AFTER = "ImageViewPanel"
"""The image panel of Studio 1.48, whose panel `Image` was still being built."""


def read_layout(path: Path) -> dict[str, Any]:
    """A layout as Foxglove exports it. Raises ConfigurationError."""
    try:
        layout = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The layout {path} cannot be read: {error}") from error
    if not isinstance(layout, dict) or not {"configById", "layout"} <= set(layout):
        raise ConfigurationError(f"{path} is no layout of Foxglove: export one from its menu.")
    return layout


def topics(layout: Mapping[str, Any]) -> list[str]:
    """Every topic that the panels name, sorted."""
    found: set[str] = set()
    for config in layout["configById"].values():
        found.update(path["value"].partition(".")[0] for path in config.get("paths", ()))
        found.update(config.get("topics", {}))
        named = config.get("imageMode", {}).get("imageTopic"), config.get("topicToRender")
        found.update(filter(None, named))
    return sorted(found)


def with_former_image_panels(layout: Mapping[str, Any]) -> dict[str, Any]:
    """The layout for Studio 1.48: its panels `Image` as the panel that showed images then.

    The contrary of what later versions do when they import a layout of that time.
    """
    text = json.dumps(layout["layout"])
    configs = copy.deepcopy(layout["configById"])
    for name in [name for name in configs if name.startswith("Image!")]:
        former = name.replace("Image!", f"{_AFTER}!")
        text = text.replace(json.dumps(name), json.dumps(former))
        config = configs.pop(name)
        configs[former] = {
            "foxglovePanelTitle": config.get("foxglovePanelTitle", ""),
            "cameraTopic": config["imageMode"]["imageTopic"],
            "enabledMarkerTopics": [],
            "synchronize": False,
            "transformMarkers": False,
            "mode": "fit",
        }
    return {**layout, "configById": configs, "layout": json.loads(text)}


class Files:
    """An `Application` of files: a page, what npm installed, a layout, a recording.

    modules: the folder node_modules. recording: an MCAP file. Raises ConfigurationError if
    something is not there.
    """

    max_body = 0

    def __init__(self, modules: Path, layout: Mapping[str, Any], recording: Path) -> None:
        missing = [name for name in _NEEDED if not (modules / name).is_file()]
        if missing:
            raise ConfigurationError(
                f"{modules} lacks {', '.join(missing)}; remove that folder and run this again."
            )
        if not recording.is_file():
            raise ConfigurationError(f"There is no recording {recording}.")
        self._layout = json.dumps(layout).encode()
        self._recording = recording
        self._found = dict(_page(modules))

    def respond(self, request: Request) -> Response:
        """A file or, for recordings, the part of it that was asked for."""
        if request.method not in ("GET", "HEAD"):
            return _answer(HTTPStatus.METHOD_NOT_ALLOWED, b"", ".html")
        if request.path == "/recording.mcap":
            return _part(self._recording, request.headers.get("range", ""))
        if request.path == "/foxglove_layout.json":
            return _answer(HTTPStatus.OK, self._layout, ".json")
        path = self._found.get(request.path)
        if path is None:
            return _answer(HTTPStatus.NOT_FOUND, b"", ".html")
        return _answer(HTTPStatus.OK, path.read_bytes(), path.suffix)


def _page(modules: Path) -> Iterator[tuple[str, Path]]:
    """Web path and file of everything the page may ask for: no other file can be had."""
    yield "/", PAGE / "index.html"
    yield "/page.js", PAGE / "page.js"
    for name in _NEEDED:
        yield _MODULES + name, modules / name
    for path in (modules / STUDIO / "assets").iterdir():
        if path.suffix in _TYPES:
            yield f"{_MODULES}{STUDIO}/assets/{path.name}", path


def _part(path: Path, wanted: str) -> Response:
    size = path.stat().st_size
    found = _RANGE.fullmatch(wanted)
    if found is None:
        return _answer(HTTPStatus.OK, path.read_bytes(), path.suffix)
    first, last = int(found[1]), min(int(found[2] or size), size - 1)
    if first > last:
        return _answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", path.suffix)
    with path.open("rb") as file:
        file.seek(first)
        body = file.read(last - first + 1)
    span = {"Content-Range": f"bytes {first}-{last}/{size}"}
    return _answer(HTTPStatus.PARTIAL_CONTENT, body, path.suffix, span)


def _answer(
    status: HTTPStatus, body: bytes, suffix: str, more: Mapping[str, str] | None = None
) -> Response:
    kind = _TYPES.get(suffix, "application/octet-stream")
    return Response(status, body, {"Content-Type": kind, "Accept-Ranges": "bytes", **(more or {})})
