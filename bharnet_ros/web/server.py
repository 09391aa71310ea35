"""An HTTP server for one page on a robot: the standard library's, with limits.

Everything is bounded: connections, the size of a request, how long one may take to arrive and how
long a client may take to fetch its answer. A connection that exceeds a time is closed, so that
clients that send or read byte by byte cannot hold a place for long.
"""

from __future__ import annotations

import contextlib
import ipaddress
import math
import socket
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.web.messages import Application, Request, Response, failure

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)
_POLL_S = 0.2


@dataclass(frozen=True)
class Limits:
    """connections: open at once; further ones are turned away (503).

    request_s: how long a connection may wait and then take to send a whole request.
    answer_s: how long a client may take to fetch an answer.
    """

    connections: int = 64
    request_s: float = 60.0
    answer_s: float = 60.0


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def own_address() -> str:
    """This machine's address in its network, or its name; asks the routing table, sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation: nobody has it
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


class WebServer(ThreadingHTTPServer):
    """Serves one application.

    ports: the first that is free is taken; 0 = any free one. remedy: what to change when none is.
    Raises ConfigurationError when the address cannot be used.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        application: Application,
        host: str,
        ports: Sequence[int],
        limits: Limits = Limits(),
        remedy: str = "choose another host or port",
    ) -> None:
        self.application = application
        self.limits = limits
        self._deadlines: dict[Any, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        if ":" in host:
            self.address_family = socket.AF_INET6
        reason = ""
        for number in ports:
            try:
                super().__init__((host, number), _Handler)
                return
            except (OSError, OverflowError, UnicodeError) as error:
                reason = str(error)
        raise ConfigurationError(
            f"The address {host}, port {ports[0]} cannot be used ({reason}); {remedy}."
        )

    def address(self, token: str) -> str:
        """What to open in a browser. The token is in the fragment, which browsers never send."""
        name, port = str(self.server_address[0]), self.server_address[1]
        if ipaddress.ip_address(name).is_unspecified:  # bound to all of this machine's addresses
            name = own_address()
        name = f"[{name}]" if ":" in name else name
        return f"http://{name}:{port}/#{token}"

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._deadlines)

    def start(self) -> None:
        """Serve in a thread of its own until `stop`."""
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_POLL_S,), name="web server", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection; returns within moments."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
            self._thread = None
        self.server_close()
        with self._lock:
            for connection in self._deadlines:
                _break(connection)

    def allow(self, connection: Any, seconds: float) -> None:
        """From now on the connection may take this long for what it does next."""
        with self._lock:
            if connection in self._deadlines:
                self._deadlines[connection] = time.monotonic() + seconds

    def service_actions(self) -> None:
        """Runs several times a second: ends connections whose time is over."""
        now = time.monotonic()
        with self._lock:
            for connection, deadline in self._deadlines.items():
                if now > deadline:
                    _break(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for the connection, if there is room."""
        with self._lock:
            has_room = len(self._deadlines) < self.limits.connections
            if has_room:
                self._deadlines[request] = time.monotonic() + self.limits.request_s
        if not has_room:
            with contextlib.suppress(OSError):
                request.setblocking(False)
                request.send(_BUSY)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._forget(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As in the base class; makes room afterwards."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._forget(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Browsers close connections as they like; anything else is shown."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            traceback.print_exception(error, file=sys.stderr)

    def _forget(self, connection: Any) -> None:
        with self._lock:
            self._deadlines.pop(connection, None)


def _break(connection: Any) -> None:
    """Whoever waits for it wakes up."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WebServer
    server_version = "bharnet_ros"
    sys_version = ""
    # Headers and body leave in one packet each; waiting for more would cost 40 ms an image.
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        self.server.allow(self.connection, self.server.limits.request_s)
        super().handle_one_request()

    def _handle(self) -> None:
        self.close_connection = self.close_connection or self.headers.get("Connection") == "close"
        body = self._body()
        if isinstance(body, Response):
            self.close_connection = True  # what follows on the connection is not a request
            self._send(body)
            return
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.allow(self.connection, math.inf)  # the application's time is its own
        try:
            request = Request(self.command, path, query, headers, body)
            response = self.server.application.respond(request)
        except Exception as error:  # one request must not take the page down
            traceback.print_exception(error, file=sys.stderr)
            response = failure(HTTPStatus.INTERNAL_SERVER_ERROR, "The server met an error.")
        self._send(response)

    do_GET = do_PUT = do_POST = do_DELETE = do_OPTIONS = do_PATCH = do_HEAD = _handle

    def _body(self) -> bytes | Response:
        for name in ("Host", "Origin", "Content-Length"):
            if len(set(self.headers.get_all(name, []))) > 1:
                return failure(HTTPStatus.BAD_REQUEST, f"{name} is given twice.")
        if "Transfer-Encoding" in self.headers:
            return failure(HTTPStatus.LENGTH_REQUIRED, "Send a Content-Length.")
        text = self.headers.get("Content-Length", "0").strip()
        if not (text.isascii() and text.isdigit() and len(text) < 12):
            return failure(HTTPStatus.BAD_REQUEST, "Content-Length is no number.")
        if int(text) > self.server.application.max_body:
            return failure(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"More than {self.server.application.max_body} bytes are refused.",
            )
        body = self.rfile.read(int(text))
        if len(body) < int(text):
            return failure(HTTPStatus.BAD_REQUEST, "The request ended too early.")
        return body

    def _send(self, response: Response) -> None:
        self.server.allow(self.connection, self.server.limits.answer_s)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        """What is no HTTP request at all gets an answer like every other one."""
        self.close_connection = True
        self._send(failure(HTTPStatus(code), "That is no request this server understands."))

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: thousands of images a minute are no news."""
