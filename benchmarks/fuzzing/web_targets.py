"""The pages' servers as doors: requests as records, and bytes over a socket."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import tempfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from benchmarks.fuzzing.alterations import altered_bytes
from benchmarks.fuzzing.seeds import CHANGE, START_NS
from benchmarks.fuzzing.targets import Target, must
from bharnet_ros.labelling.api import LabelApi
from bharnet_ros.labelling.document import LabelDocument
from bharnet_ros.labelling.recording import Overview, Picture
from bharnet_ros.viewer.api import ViewerApi
from bharnet_ros.viewer.pictures import Look, Pictures
from bharnet_ros.viewer.state import ViewState
from bharnet_ros.web.guard import Guard
from bharnet_ros.web.messages import Application, Request
from bharnet_ros.web.server import Limits, WebServer

TOKEN = "the-token"  # noqa: S105

_PATHS = (
    "/", "/api/picture", "/api/state", "/api/labels", "/api/image", "/api/skeletons", "/api/stamps",
    "/api/recording", "/viewer.js", "/style.css", "/../../etc/passwd", "/%2e%2e/secret", "//", "",
    "/api/../main.js", "*", "http://evil.example/", "/api/", "/index.html", "/.git/config",
)  # fmt: skip
_HOSTS = (
    "localhost", "127.0.0.1:8422", "[::1]:80", "evil.example", "127.0.0.1.evil.example", "", "[",
    "[::1", "localhost:", ":80", "localhost:99999999999999999999", "LOCALHOST", "127.0.0.1 ", "@",
)  # fmt: skip


class _NoRecording:
    """The least that a labelling page can show."""

    def overview(self) -> Overview:
        return Overview("none", START_NS, START_NS + 10**10, 1, 1.0, True, (), False)

    def stamps(self, first: int) -> list[int]:
        return [START_NS][first:]

    def presence(self) -> dict[int, list[tuple[int, int]]]:
        return {}

    def picture(self, index: int) -> Picture:
        if index:
            raise IndexError(index)
        return Picture(b"\xff\xd8", "image/jpeg")

    def skeletons(self, index: int) -> None:
        if index:
            raise IndexError(index)

    def close(self) -> None:
        pass


def viewer() -> ViewerApi:
    """A viewer with one picture that never waits."""
    pictures = Pictures(lambda image: image, Look(max_rate_hz=1e6))
    pictures.put(np.zeros((4, 4, 3), np.uint8))
    return ViewerApi(pictures, ViewState(), Guard(TOKEN), hold_s=0.0)


def labeller(folder: Path) -> LabelApi:
    """A labelling page that saves into a folder."""
    document = LabelDocument(folder / "labels.csv", lambda: (START_NS, START_NS + 10**10))
    return LabelApi(_NoRecording(), document, ("wave",), Guard(TOKEN))


def requests() -> st.SearchStrategy[Request]:
    """Anything that could be a request; often with the right token and host."""
    text = st.text(max_size=30)
    headers = st.fixed_dictionaries(
        {"host": st.sampled_from(_HOSTS) | text},
        optional={
            "x-access-token": st.just(TOKEN) | text,
            "origin": st.sampled_from(("http://localhost", "null", "http://evil.example")) | text,
            "sec-fetch-site": st.sampled_from(("same-origin", "cross-site", "none")) | text,
            "content-type": st.sampled_from(("application/json", "text/plain")) | text,
        },
    )
    ours = st.just(
        {"host": "localhost", "x-access-token": TOKEN, "content-type": "application/json"}
    )
    queries = st.sampled_from(
        ("", "after=0", "from=0", "index=0", "from=0&count=2", "after=-1", "after=0&after=1",
         "from=0&count=999999999", "index=1e9", "%00=1", "after=\u0663", "a" * 5000)
    ) | text  # fmt: skip
    likely = st.sampled_from(
        (("GET", "/api/picture", "after=0"), ("GET", "/api/state", "after=0"), ("GET", "/", ""),
         ("GET", "/api/labels", ""), ("PUT", "/api/labels", ""), ("GET", "/api/image", "index=0"))
    )  # fmt: skip
    strange = st.tuples(
        st.sampled_from(("GET", "PUT", "POST", "HEAD", "DELETE", "")),
        st.sampled_from(_PATHS) | text, queries,
    )  # fmt: skip
    return st.builds(
        lambda line, told, body: Request(*line, told, body),
        likely | strange, ours | headers, altered_bytes([CHANGE.encode(), b""]) | st.just(b""),
    )  # fmt: skip


def _answers(application: Application, request: Request) -> bool:
    """Every request gets an answer that says what it is; a stranger gets nothing but pages."""
    answer = application.respond(request)
    must(isinstance(answer.status, HTTPStatus), "no status")
    must("Content-Security-Policy" in answer.headers, "no security policy")
    must(answer.status < 400 or json.loads(answer.body)["error"], "a refusal without words")
    good = answer.status < 400
    if good and request.path.startswith("/api/"):
        told = request.headers
        must(told.get("x-access-token") == TOKEN, "a stranger was served")
        must("evil" not in told["host"] + told.get("origin", ""), "another site was served")
        must(told.get("sec-fetch-site", "none") in ("none", "same-origin"), "another site, too")
    return good


class _Served:
    """A viewer behind a real socket."""

    def __init__(self) -> None:
        self.server = WebServer(viewer(), "127.0.0.1", [0], Limits(request_s=5.0, answer_s=5.0))
        self.server.start()

    def take(self, raw: bytes) -> bool:
        """The server answers or hangs up, and still serves the next one."""
        said = self._say(raw)
        fine = self._say(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        must(fine.startswith(b"HTTP/1.1 200 "), "the server serves nobody any more")
        return said.startswith(b"HTTP/1.1 200 ")

    def _say(self, raw: bytes) -> bytes:
        said = b""
        address = "127.0.0.1", self.server.server_address[1]
        with (
            socket.create_connection(address, 10.0) as link,
            contextlib.suppress(ConnectionError),
        ):
            link.sendall(raw)
            link.shutdown(socket.SHUT_WR)
            while part := link.recv(65536):
                said += part
        return said


_LINES = (
    b"GET /api/picture?after=0 HTTP/1.1\r\nHost: localhost\r\nX-Access-Token: the-token\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
    b"PUT /api/state HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.0\r\nHost: [::1]\r\nOrigin: null\r\nConnection: keep-alive\r\n\r\n",
    b"HEAD /viewer.js HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n",
)


@contextlib.contextmanager
def web_targets() -> Iterator[tuple[Target, ...]]:
    """The pages' targets; a server runs and a folder exists meanwhile."""
    with tempfile.TemporaryDirectory(prefix="bharnet_fuzz_") as folder:
        served = _Served()
        inside, outside = Path(folder) / "bag", Path(folder)
        inside.mkdir()
        labels, view = labeller(inside), viewer()

        def label(request: Request) -> bool:
            good = _answers(labels, request)
            # Nothing is ever written but the labels, their backup, and a file on its way there.
            names = [each.name for each in inside.iterdir()]
            must([each.name for each in outside.iterdir()] == ["bag"], "a file outside")
            must(all(n.startswith(("labels.csv", ".labels")) for n in names), f"files {names}")
            return good

        try:
            yield (
                Target("viewer", "requests to the viewer", requests,
                       functools.partial(_answers, view)),
                Target("label page", "requests to the labelling page", requests, label),
                Target("socket", "bytes to a server's port",
                       lambda: altered_bytes(_LINES) | st.binary(max_size=200), served.take),
            )  # fmt: skip
        finally:
            served.server.stop()
