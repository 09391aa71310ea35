"""The labelling page's HTTP server."""

from __future__ import annotations

from bharnet_ros.labelling.api import LabelApi
from bharnet_ros.web.server import WebServer

DEFAULT_PORT = 8421
_PORTS_TRIED = 10


class LabelServer(WebServer):
    """Serves one LabelApi; limits as of `WebServer`.

    port: 0 takes any free one; None the first free one from 8421 on, the same every time where
    possible, because a browser remembers unsaved labels by address.
    Raises ConfigurationError when the address cannot be used.
    """

    def __init__(self, api: LabelApi, host: str = "127.0.0.1", port: int | None = None) -> None:
        ports = range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED) if port is None else [port]
        super().__init__(api, host, ports, remedy="choose --host or --port")
