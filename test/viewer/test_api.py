"""Over real connections: who gets an answer, who is refused, and that nobody holds the rest up."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.viewer.pictures import Look
from bharnet_ros.web.server import Limits

from .conftest import TOKEN, Viewer, action, frame, plain

Start = Callable[..., Viewer]


def test_pictures_and_state(viewer: Start) -> None:
    page = viewer()
    page.pictures.put(plain(3), age_s=0.25)
    status, body, headers = page.get("/api/picture?after=0")
    assert (status, body[:2], headers["X-Number"]) == (200, b"\xff\xd8", "1")
    assert 250 <= int(headers["X-Age-Ms"]) < 20_000
    assert page.get("/api/picture?after=1")[0] == 204
    page.state.put_actions(frame(1.0, action()))
    news = page.news()
    assert news["people"][0]["hypotheses"][0][0] == "wave"
    assert page.get(f"/api/state?after={news['version']}")[0] == 204


def test_an_old_picture_says_how_old(viewer: Start) -> None:
    """A second browser, or a page that is loaded anew, while no new picture comes."""
    page = viewer()
    page.pictures.put(plain(3), age_s=0.25)

    def told() -> list[int]:
        headers = page.get("/api/picture?after=0")[2]
        return [int(headers[name]) for name in ("X-Age-Ms", "X-Held-Ms")]

    first = told()
    newest = page.pictures._encoded
    page.pictures._encoded = replace(
        newest, taken_s=newest.taken_s - 60, came_s=newest.came_s - 60
    )
    assert all(later >= before + 60_000 for before, later in zip(first, told(), strict=True))
    assert first[0] >= first[1] + 249


def test_the_page_is_whole_and_loads_nothing_from_elsewhere(viewer: Start) -> None:
    page = viewer()
    status, html, headers = page.get("/")
    assert status == 200 and "default-src 'none'" in headers["Content-Security-Policy"]
    used = re.findall(r'(?:src|href)="([^"]+)"', html.decode())
    assert {"viewer.css", "viewer.js", "icon.svg"} == set(used)
    for name in used:
        status, content, _ = page.get(f"/{name}")
        assert status == 200 and b"http://" not in content.replace(b"http://www.w3.org", b"")
        assert b"https://" not in content


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Access-Token": ""}, 401),
        ({"X-Access-Token": "the-toke"}, 401),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 421),  # a foreign name that was pointed at this machine
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "127.0.0.1@evil.example"}, 421),
        ({"Host": "localhost:80:80"}, 421),
    ],
)
def test_other_sites_and_guests_are_refused(
    viewer: Start, headers: dict[str, str], status: int
) -> None:
    page = viewer()
    page.pictures.put(plain(3))
    for path in ("/api/picture?after=0", "/api/state?after=0"):
        found, body, _ = page.get(path, **headers)
        assert found == status and body.startswith(b'{"error"')
    assert page.pictures.made == 0 and not page.pictures.is_watched()


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/page/../viewer.js", "/viewer.js/",
        "//etc/passwd", "/api", "/api/", "/api/picture/../state", "/__init__.py", "/api/secret",
        "http://127.0.0.1/viewer.js",
    ],
)  # fmt: skip
def test_only_the_listed_paths_exist(viewer: Start, path: str) -> None:
    assert viewer().get(path)[0] == 404


@pytest.mark.parametrize(
    "query", ["", "?after=", "?after=-1", "?after=1&after=2", "?after=1&x=2", "?after=1e3",
              "?after=9999999999", "?after=%31%32x"],
)  # fmt: skip
def test_a_query_is_one_number(viewer: Start, query: str) -> None:
    page = viewer()
    assert page.get(f"/api/picture{query}")[0] == 400
    assert page.get(f"/api/state{query}")[0] == 400


def ask(port: int, raw: bytes) -> bytes:
    """Everything the server says to these bytes."""
    with socket.create_connection(("127.0.0.1", port), 10.0) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"PUT /api/state HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 413),
        (b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
    ],
)
def test_odd_requests_get_one_answer(viewer: Start, raw: bytes, status: int) -> None:
    said = ask(viewer().port, raw)
    assert f" {status} ".encode() in said.split(b"\r\n")[0] or said.startswith(b'{"error"')
    assert said.count(b"HTTP/1.1 ") <= 1


def test_further_connections_are_turned_away_and_places_become_free(viewer: Start) -> None:
    page = viewer(limits=Limits(connections=3))
    held = [socket.create_connection(("127.0.0.1", page.port), 10.0) for _ in range(3)]
    deadline = time.monotonic() + 10.0
    while page.server.connections < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    with socket.create_connection(("127.0.0.1", page.port), 10.0) as fourth:
        assert fourth.recv(100).startswith(b"HTTP/1.1 503 ")
    for each in held:
        each.close()
    while page.server.connections and time.monotonic() < deadline:
        time.sleep(0.005)
    assert page.get("/")[0] == 200


def test_who_sends_byte_by_byte_is_cut_off(viewer: Start) -> None:
    page = viewer(limits=Limits(request_s=0.3))
    with socket.create_connection(("127.0.0.1", page.port), 10.0) as slow:
        slow.settimeout(0.05)
        began = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - began < 10.0:
                slow.send(b"G")
                try:
                    if not slow.recv(1):
                        raise ConnectionResetError
                except TimeoutError:
                    continue
        assert time.monotonic() - began < 5.0


def test_a_client_that_does_not_read_slows_nobody(viewer: Start) -> None:
    """It asks for large pictures and leaves them in its socket; others and the graph go on."""
    page = viewer(Look(max_width=4000, quality=95, max_rate_hz=500.0), Limits(answer_s=0.5))
    noise = np.random.default_rng(1).integers(0, 255, (700, 1000, 3), np.uint8)
    page.pictures.put(noise)
    assert page.get("/api/picture?after=0")[0] == 200
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(("127.0.0.1", page.port))
    one = f"GET /api/picture?after=0 HTTP/1.1\r\nHost: localhost\r\nX-Access-Token: {TOKEN}\r\n\r\n"
    slow.sendall(one.encode() * 20)
    spent = []
    for _ in range(20):
        began = time.monotonic()
        page.pictures.put(noise)
        spent.append(time.monotonic() - began)
        assert page.get("/api/picture?after=1")[0] == 200
    assert sorted(spent)[10] < 0.1  # far from the half second that the slow one is waited for
    deadline = time.monotonic() + 10.0
    while page.server.connections and time.monotonic() < deadline:
        time.sleep(0.01)
    assert page.server.connections == 0  # cut off, although it still has not read
    slow.close()


def test_it_stops_at_once_while_browsers_wait(viewer: Start) -> None:
    page = viewer(hold_s=60.0)
    ended = []

    def wait() -> None:
        try:
            page.get("/api/picture?after=0")
        except (http.client.HTTPException, OSError) as error:
            ended.append(error)
        else:
            ended.append(None)

    threads = [threading.Thread(target=wait) for _ in range(6)]
    for thread in threads:
        thread.start()
    while page.pictures._waiting < 6:
        time.sleep(0.002)
    began = time.monotonic()
    page.pictures.close()
    page.state.close()
    page.server.stop()
    assert time.monotonic() - began < 10.0  # of the sixty that they would have waited
    for thread in threads:
        thread.join(2.0)
    assert len(ended) == 6
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", page.port), 1.0)
