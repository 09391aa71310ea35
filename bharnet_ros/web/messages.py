"""Requests and responses as records, and what all pages' APIs do with them alike."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib import resources
from typing import Any, Protocol
from urllib.parse import parse_qsl

from bharnet_ros.web.guard import Refused

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer: nothing is kept, and the page may use nothing but what this server gives."""

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_DIGITS = 9
Pages = Mapping[str, tuple[bytes, str]]


@dataclass(frozen=True)
class Request:
    """path and query as they came, undecoded; headers with names in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    """headers: without Content-Length."""

    status: HTTPStatus
    body: bytes
    headers: Mapping[str, str]


class Application(Protocol):
    """What a `WebServer` serves. max_body: bytes that a request's body may have."""

    max_body: int

    def respond(self, request: Request) -> Response:
        """The answer to any request."""
        ...


def json_answer(data: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """data: what JSON can hold; ValueError for numbers that are none."""
    body = json.dumps(data, separators=(",", ":"), allow_nan=False).encode()
    return Response(status, body, {**HEADERS, "Content-Type": "application/json"})


def failure(status: HTTPStatus, sentence: str, more: Mapping[str, Any] | None = None) -> Response:
    """An answer that says in a sentence what is wrong."""
    return json_answer({"error": sentence, **(more or {})}, status)


def whole_numbers(request: Request, *names: str) -> dict[str, int]:
    """The parameters of a request: exactly these, whole numbers from 0. Raises Refused."""
    try:
        pairs = parse_qsl(request.query, True, True, max_num_fields=len(names))
    except ValueError:
        pairs = []
    found = dict(pairs)
    if set(found) != set(names) or len(pairs) != len(names):
        raise Refused(HTTPStatus.BAD_REQUEST, f"Needed: {', '.join(names)}.")
    for name, text in found.items():
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
            raise Refused(
                HTTPStatus.BAD_REQUEST, f"{name} is no whole number of at most {_DIGITS} digits."
            )
    return {name: int(text) for name, text in found.items()}


def page_files(package: str) -> Pages:
    """The files of a package's folder `page` by name: content and media type."""
    folder = resources.files(package) / "page"
    return {
        entry.name: (entry.read_bytes(), mime)
        for entry in folder.iterdir()
        if (mime := _TYPES.get(entry.name.rpartition(".")[2])) is not None
    }


def page_answer(pages: Pages, request: Request, api_paths: Collection[str]) -> Response:
    """A file of the page; raises Refused for what is none.

    A look-up in a fixed table: no path ever reaches the file system.
    """
    if request.method != "GET" or request.path in api_paths:
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.path[:200]} does not take that.")
    page = pages.get("index.html" if request.path == "/" else request.path[1:])
    if page is None:
        raise Refused(HTTPStatus.NOT_FOUND, "There is no such page.")
    body, mime = page
    return Response(HTTPStatus.OK, body, {**HEADERS, "Content-Type": mime})
