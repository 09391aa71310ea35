"""Requests to answers, without a socket: what the viewer's page can ask of the server.

| request                   | answer                                                            |
|---------------------------|-------------------------------------------------------------------|
| GET /, /NAME              | the page's files                                                  |
| GET /api/picture?after=N  | the newest picture, a JPEG, as soon as it is another one than N;  |
|                           | headers X-Number, X-Age-Ms (since it was taken) and X-Held-Ms     |
|                           | (since it came in); 204 if none comes within seconds              |
| GET /api/state?after=V    | people, events, health of the nodes, once they changed; else 204  |

A browser asks for the next picture when it has the last one: a slow one gets fewer pictures and
never older ones, and no queue can grow on the way.
"""

from __future__ import annotations

from http import HTTPStatus

from bharnet_ros.viewer.pictures import Pictures
from bharnet_ros.viewer.state import ViewState
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

HOLD_S = 5.0
"""How long a request waits for something new."""
_PATHS = ("/api/picture", "/api/state")


class ViewerApi:
    """The answers for one pair of pictures and state; takes no bodies."""

    max_body = 0

    def __init__(
        self, pictures: Pictures, state: ViewState, guard: Guard, hold_s: float = HOLD_S
    ) -> None:
        self._pictures = pictures
        self._state = state
        self._guard = guard
        self._hold_s = hold_s
        self._pages = page_files(__package__)

    def respond(self, request: Request) -> Response:
        """The answer to any request; every fault is an answer, too."""
        try:
            self._guard.check(request.headers, api=request.path.startswith("/api/"))
            if request.method == "GET" and request.path in _PATHS:
                after = whole_numbers(request, "after")["after"]
                return self._picture(after) if request.path == _PATHS[0] else self._news(after)
            return page_answer(self._pages, request, _PATHS)
        except Refused as refused:
            return failure(refused.status, refused.sentence)

    def _picture(self, after: int) -> Response:
        picture = self._pictures.wait(after, self._hold_s)
        if picture is None:
            return Response(HTTPStatus.NO_CONTENT, b"", HEADERS)
        return Response(
            HTTPStatus.OK,
            picture.data,
            {
                **HEADERS,
                "Content-Type": "image/jpeg",
                "X-Number": str(picture.number),
                "X-Age-Ms": str(max(0, round(1e3 * picture.age_s))),
                "X-Held-Ms": str(max(0, round(1e3 * picture.held_s))),
            },
        )

    def _news(self, after: int) -> Response:
        news = self._state.wait(after, self._hold_s)
        if news is None:
            return Response(HTTPStatus.NO_CONTENT, b"", HEADERS)
        return json_answer(news)
