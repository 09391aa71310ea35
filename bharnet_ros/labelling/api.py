"""Requests to answers, without a socket: what the labelling page can ask of the server.

| request                          | answer                                                      |
|----------------------------------|-------------------------------------------------------------|
| GET /, /NAME                     | the page's files                                            |
| GET /api/recording               | name, classes, layouts, how far the recording was read      |
| GET /api/stamps?from=N           | times of the images from N on, and who was seen when        |
| GET /api/image?index=N           | the image                                                   |
| GET /api/skeletons?from=N&count=M | the people seen in images N ... N+M-1                      |
| GET /api/labels                  | the segments on disk and their version                      |
| PUT /api/labels                  | replaces them; 409 and what is there if the version is old  |
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from bharnet_ros.errors import BharnetError, LabelError
from bharnet_ros.labelling.document import LabelDocument, NotSaved, VersionConflict
from bharnet_ros.labelling.payload import parse_change, to_json
from bharnet_ros.labelling.people import frame_to_json, layout_to_json
from bharnet_ros.labelling.recording import Recording
from bharnet_ros.web.guard import Guard, Refused
from bharnet_ros.web.messages import (
    HEADERS,
    Request,
    Response,
    failure,
    json_answer,
    page_answer,
    page_files,
    whole_numbers,
)

MAX_BODY = 8_000_000
"""Bytes that a change of the labels may have."""
MAX_SKELETONS = 64


class LabelApi:
    """The answers for one recording and its labels. class_names: offered to whoever labels."""

    max_body = MAX_BODY

    def __init__(
        self,
        recording: Recording,
        document: LabelDocument,
        class_names: tuple[str, ...],
        guard: Guard,
    ) -> None:
        self._recording = recording
        self._document = document
        self._class_names = class_names
        self._guard = guard
        self._origin_ns = recording.overview().origin_ns
        self._pages = page_files(__package__)
        self._routes: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", "/api/recording"): self._overview,
            ("GET", "/api/stamps"): self._stamps,
            ("GET", "/api/image"): self._image,
            ("GET", "/api/skeletons"): self._skeletons,
            ("GET", "/api/labels"): self._labels,
            ("PUT", "/api/labels"): self._save,
        }

    def respond(self, request: Request) -> Response:
        """The answer to any request; every fault is an answer, too."""
        try:
            self._guard.check(request.headers, api=request.path.startswith("/api/"))
            return self._answer(request)
        except Refused as refused:
            return failure(refused.status, refused.sentence)
        except VersionConflict as conflict:
            saved = conflict.saved
            more = {"version": saved.version, "segments": self._rows(saved.segments)}
            return failure(HTTPStatus.CONFLICT, str(conflict), more)
        except NotSaved as error:
            return failure(HTTPStatus.INSUFFICIENT_STORAGE, str(error))
        except LabelError as error:
            return failure(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except BharnetError as error:
            return failure(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))

    def _answer(self, request: Request) -> Response:
        route = self._routes.get((request.method, request.path))
        if route is not None:
            return route(request)
        return page_answer(self._pages, request, [path for _, path in self._routes])

    def _overview(self, _: Request) -> Response:
        now = self._recording.overview()
        return json_answer(
            {
                "name": now.name,
                "labels_path": str(self._document.path),
                "document": self._document.identity,
                "classes": list(self._class_names),
                "length_ns": now.end_ns - now.origin_ns,
                "count": now.count,
                "progress": now.progress,
                "complete": now.complete,
                "problems": list(now.problems),
                "has_skeletons": now.has_skeletons,
                "people_progress": now.people_progress,
            }
        )

    def _stamps(self, request: Request) -> Response:
        first = whole_numbers(request, "from")["from"]
        overview = self._recording.overview()
        people = self._recording.presence()
        origin = self._origin_ns
        return json_answer(
            {
                "from": first,
                "stamps": [stamp - origin for stamp in self._recording.stamps(first)],
                "people": {
                    str(track): [[a - origin, b - origin] for a, b in stretches]
                    for track, stretches in people.items()
                },
                "length_ns": overview.end_ns - origin,
                "progress": overview.progress,
                "complete": overview.complete,
                "people_progress": overview.people_progress,
                "problems": list(overview.problems),
            }
        )

    def _image(self, request: Request) -> Response:
        index = whole_numbers(request, "index")["index"]
        try:
            picture = self._recording.picture(index)
        except IndexError:
            raise Refused(HTTPStatus.NOT_FOUND, f"There is no image {index}.") from None
        return Response(HTTPStatus.OK, picture.data, {**HEADERS, "Content-Type": picture.mime})

    def _skeletons(self, request: Request) -> Response:
        wanted = whole_numbers(request, "from", "count")
        count = min(wanted["count"], MAX_SKELETONS)
        frames, layouts = [], set()
        for index in range(wanted["from"], wanted["from"] + count):
            try:
                frame = self._recording.skeletons(index)
            except IndexError:
                break
            if frame is not None:
                layouts.add(frame.layout)
            frames.append(None if frame is None else frame_to_json(frame))
        return json_answer(
            {
                "from": wanted["from"],
                "frames": frames,
                "layouts": {name: layout_to_json(name) for name in sorted(layouts)},
            }
        )

    def _labels(self, _: Request) -> Response:
        saved = self._document.read()
        return json_answer(
            {
                "version": saved.version,
                "segments": self._rows(saved.segments),
                "problems": list(saved.problems),
            }
        )

    def _save(self, request: Request) -> Response:
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Changes are application/json.")
        version, segments = parse_change(request.body, self._origin_ns)
        saved = self._document.replace(version, segments)
        return json_answer({"version": saved.version})

    def _rows(self, segments: Any) -> list[dict[str, Any]]:
        return to_json(segments, self._origin_ns)
