"""Who may talk to a page's server: a browser that has the token, and no other site.

A server on the loopback address is reachable for every web page that the same browser shows. Three
checks keep those out: the token, which only the printed address holds; the Host header, so that a
foreign name that was pointed at 127.0.0.1 (DNS rebinding) is refused; the Origin header, so that a
page of another site cannot even send.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

TOKEN_HEADER = "X-Access-Token"  # noqa: S105  the name of a header
_MAX_HOST = 300


class Refused(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def new_token() -> str:
    """128 random bits, fit for an address."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True)
class Guard:
    """token: what every request to /api must carry. names: host names beside `localhost`.

    Addresses in figures are always fine as a host: rebinding needs a name.
    """

    token: str
    names: frozenset[str] = field(default_factory=lambda: frozenset({socket.gethostname()}))

    def check(self, headers: Mapping[str, str], api: bool) -> None:
        """Raises Refused. headers: names in lower case. api: whether the token is needed."""
        host = headers.get("host", "")
        if not self._known_host(host):
            raise Refused(
                HTTPStatus.MISDIRECTED_REQUEST,
                "This server does not answer to that host name; use the address it printed.",
            )
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            raise Refused(HTTPStatus.FORBIDDEN, "Requests from other sites are refused.")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and api:
            raise Refused(HTTPStatus.FORBIDDEN, "Requests from other sites are refused.")
        given = headers.get(TOKEN_HEADER.lower(), "").encode("utf-8", "replace")
        if api and not hmac.compare_digest(given, self.token.encode()):
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "The token is missing or belongs to an earlier start of the server; open the "
                "address that it printed last.",
            )

    def _known_host(self, host: str) -> bool:
        if not host or len(host) > _MAX_HOST:
            return False
        name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        if not name:  # no port at all
            name, port = host, ""
        if port and not (port.isascii() and port.isdigit()):
            return False
        if name.startswith("[") and name.endswith("]"):
            name = name[1:-1]
        try:
            ipaddress.ip_address(name)
        except ValueError:
            # Browsers send names in lower case, however the machine spells its own.
            return name.lower() in {"localhost", *(known.lower() for known in self.names)}
        return True
