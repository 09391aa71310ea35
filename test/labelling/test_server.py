"""The server over real connections: limits, and what happens when it is killed."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.evaluation.truth import load_labels
from bharnet_ros.labelling.api import MAX_BODY, LabelApi
from bharnet_ros.labelling.server import LabelServer
from bharnet_ros.web.server import is_loopback

TOKEN = "the-token"  # noqa: S105


def ask(port: int, raw: bytes, timeout_s: float = 5.0) -> bytes:
    """Everything the server says to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def head(*lines: str, method: str = "PUT /api/labels") -> bytes:
    fixed = (f"{method} HTTP/1.1", "Host: 127.0.0.1", f"X-Access-Token: {TOKEN}")
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


def test_several_requests_over_one_connection(serve: Callable[..., Any]) -> None:
    page = serve()
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=5)
    headers = {"X-Access-Token": TOKEN, "Content-Type": "application/json"}
    version = "new"
    for count in range(1, 4):
        rows = [
            {"start_ns": n, "end_ns": n + 1, "label": "wave", "person": None, "region": None}
            for n in range(count)
        ]
        body = json.dumps({"version": version, "segments": rows})
        connection.request("PUT", "/api/labels", body, headers)
        version = json.loads(connection.getresponse().read())["version"]
    connection.request("GET", "/api/labels", headers=headers)
    assert len(json.loads(connection.getresponse().read())["segments"]) == 3
    connection.close()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([f"Content-Length: {MAX_BODY + 1}"], 413),
        (["Content-Length: 99999999999999999999"], 400),
        (["Content-Length: -1"], 400),
        (["Content-Length: 1", "Content-Length: 2"], 400),
        (["Transfer-Encoding: chunked"], 411),
        (["Content-Length: 10"], 400),  # and then none come
    ],
)
def test_odd_bodies_are_refused(
    serve: Callable[..., Any], lines: list[str], status: int
) -> None:
    answer = ask(serve().port, head(*lines))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"HTTP/1.1") == 1  # what follows is not taken for a request


def test_any_bytes_leave_the_server_alive(serve: Callable[..., Any]) -> None:
    page = serve()

    @settings(max_examples=40)
    @given(
        st.binary(max_size=300)
        | st.text(max_size=40)
        .map(lambda text: f"GET /{text} HTTP/1.1\r\n\r\n".encode("utf-8", "replace"))
    )
    def alive_after(raw: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            ask(page.port, raw)
        assert b"200 OK" in ask(page.port, head("Connection: close", method="GET /api/labels"))

    alive_after()


def test_a_port_that_is_taken_is_named(api: LabelApi) -> None:
    with LabelServer(api, port=0) as first:
        port = first.server_address[1]
        with pytest.raises(ConfigurationError, match=str(port)):
            LabelServer(api, port=port)
    with pytest.raises(ConfigurationError, match="--host"):
        LabelServer(api, "no.such.host.invalid", 0)


def test_without_a_wish_the_next_free_port_is_taken(api: LabelApi) -> None:
    with LabelServer(api) as first, LabelServer(api) as second:
        assert first.server_address[1] != second.server_address[1]


def test_the_address_is_one_that_answers(
    api: LabelApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine in two networks that is bound to one of them is not found in the other."""
    monkeypatch.setattr("bharnet_ros.web.server.own_address", lambda: "192.0.2.7")
    with LabelServer(api, "127.0.0.2", 0) as one:
        assert one.address("t") == f"http://127.0.0.2:{one.server_address[1]}/#t"
    with LabelServer(api, "0.0.0.0", 0) as everywhere:  # noqa: S104
        assert everywhere.address("t") == f"http://192.0.2.7:{everywhere.server_address[1]}/#t"


def test_loopback() -> None:
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("0.0.0.0") and not is_loopback("robot")  # noqa: S104


def test_killed_after_an_answer_it_lost_nothing(
    write_bag: Callable[..., Path], label_process: Callable[..., Any]
) -> None:
    """kill -9 in the middle of saving: every acknowledged change is on disk, and whole."""
    bag = write_bag()
    server = label_process(bag)
    rows: list[dict[str, Any]] = []
    version, acknowledged = "new", 0
    deadline = time.monotonic() + 1.0
    try:
        while True:
            start = len(rows) * 10_000_000
            rows.append(
                {"start_ns": start, "end_ns": start + 9_000_000, "label": f"class {len(rows)}",
                 "person": 3, "region": [1, 2, 3, 4]}
            )  # fmt: skip
            status, saved = server.request("PUT", {"version": version, "segments": rows})
            assert status == 200
            version, acknowledged = saved["version"], len(rows)
            if time.monotonic() > deadline or acknowledged == 300:
                break
        # One more that nobody waits for.
        rows.append({**rows[-1], "start_ns": start + 9_500_000, "end_ns": start + 9_600_000})
        body = json.dumps({"version": version, "segments": rows}).encode()
        with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
            lines = [f"Content-Length: {len(body)}", "Content-Type: application/json"]
            text = head(*lines).replace(TOKEN.encode(), server.token.encode())
            connection.sendall(text + body)
            server.process.send_signal(signal.SIGKILL)
    finally:
        server.kill()
    origin = 1_700_000_000_123_456_789
    labels = load_labels(bag / "labels.csv", origin, origin + 5_900_000_000)
    assert len(labels.segments) in (acknowledged, acknowledged + 1)
    assert labels.segments[acknowledged - 1].label == f"class {acknowledged - 1}"
    again = label_process(bag, "--port", str(server.port))
    try:
        status, now = again.request("GET")
        assert status == 200
        # The page did not hear of its last change, and sends it again.
        status, _ = again.request("PUT", {"version": version, "segments": rows})
        assert status == (200 if now["version"] == version or now["segments"] == rows else 409)
        assert again.request("GET")[1]["segments"] == rows
    finally:
        again.process.send_signal(signal.SIGTERM)
        assert again.process.wait(10) == 0
