"""The page's HTTP server: the standard library's, with limits."""

from __future__ import annotations

import ipaddress
import socket
import sys
import threading
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.labelling.api import MAX_BODY, LabelApi, Request, Response, failure

DEFAULT_PORT = 8421
_PORTS_TRIED = 10
_MAX_CONNECTIONS = 64
_IDLE_S = 60.0


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class LabelServer(ThreadingHTTPServer):
    """Serves one LabelApi. Not more than 64 connections at once; further ones wait.

    port: 0 takes any free one; None the first free one from 8421 on, the same every time where
    possible, because a browser remembers unsaved labels by address.
    Raises ConfigurationError when the address cannot be used.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, api: LabelApi, host: str = "127.0.0.1", port: int | None = None) -> None:
        self.api = api
        self._free = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        if ":" in host:
            self.address_family = socket.AF_INET6
        ports = range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED) if port is None else [port]
        reason = ""
        for number in ports:
            try:
                super().__init__((host, number), _Handler)
                return
            except (OSError, OverflowError) as error:
                reason = str(error)
        raise ConfigurationError(
            f"The address {host}, port {ports[0]} cannot be used ({reason}); choose --host or "
            "--port."
        )

    def address(self, token: str) -> str:
        """What to open in a browser. The token is in the fragment, which browsers never send."""
        host, port = str(self.server_address[0]), self.server_address[1]
        name = f"[{host}]" if ":" in host else host
        return f"http://{name}:{port}/#{token}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for the connection, once there is room."""
        self._free.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As in the base class; makes room afterwards."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Browsers close connections as they like; anything else is shown."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            traceback.print_exception(error, file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    server: LabelServer
    server_version = "bharnet_ros"
    sys_version = ""
    # Headers and body leave in one packet each; waiting for more would cost 40 ms an image.
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        self.close_connection = self.close_connection or self.headers.get("Connection") == "close"
        body = self._body()
        if isinstance(body, Response):
            self.close_connection = True  # what follows on the connection is not a request
            self._send(body)
            return
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            response = self.server.api.respond(Request(self.command, path, query, headers, body))
        except Exception as error:  # one request must not take the labelling down
            traceback.print_exception(error, file=sys.stderr)
            response = failure(HTTPStatus.INTERNAL_SERVER_ERROR, "The server met an error.")
        self._send(response)

    do_GET = do_PUT = do_POST = do_DELETE = do_OPTIONS = do_PATCH = _handle

    def _body(self) -> bytes | Response:
        if "Transfer-Encoding" in self.headers:
            return failure(HTTPStatus.LENGTH_REQUIRED, "Send a Content-Length.")
        lengths = self.headers.get_all("Content-Length", [])
        if not lengths:
            return b""
        text = lengths[0].strip()
        if len(set(lengths)) != 1 or not (text.isascii() and text.isdigit() and len(text) < 12):
            return failure(HTTPStatus.BAD_REQUEST, "Content-Length is no number.")
        if int(text) > MAX_BODY:
            return failure(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"More than {MAX_BODY} bytes are refused."
            )
        body = self.rfile.read(int(text))
        if len(body) < int(text):
            return failure(HTTPStatus.BAD_REQUEST, "The request ended too early.")
        return body

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: thousands of images a minute are no news."""
