"""A server for a page of drawn pictures, without ROS."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bharnet_ros.types import ActionFrame, ActionState, Hypothesis, Image, RecognizedAction
from bharnet_ros.viewer.api import ViewerApi
from bharnet_ros.viewer.pictures import Look, Pictures
from bharnet_ros.viewer.state import ViewState
from bharnet_ros.web.guard import Guard
from bharnet_ros.web.server import Limits, WebServer

TOKEN = "the-token"  # noqa: S105


def plain(level: int, size: tuple[int, int] = (90, 160)) -> Image:
    """A picture of one grey."""
    return np.full((*size, 3), level, np.uint8)


def action(
    track: int = 1, state: ActionState = ActionState.ONGOING, name: str = "wave",
    score: float = 0.9, bundle: str = "gestures",
) -> RecognizedAction:  # fmt: skip
    return RecognizedAction(
        state, track, (Hypothesis(0, name, score), Hypothesis(1, "stop", 0.05)) if name else (),
        0, 1, 12, 0.8, 0.7, np.zeros(4, np.float32), bundle,
    )  # fmt: skip


def frame(stamp_s: float, *actions: RecognizedAction) -> ActionFrame:
    return ActionFrame(int(stamp_s * 1e9), actions)


@dataclass
class Viewer:
    """A served page and what feeds it."""

    pictures: Pictures
    state: ViewState
    server: WebServer

    @property
    def url(self) -> str:
        return self.server.address(TOKEN)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def get(self, path: str, **headers: str) -> tuple[int, bytes, Any]:
        """Status, body and headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers={"X-Access-Token": TOKEN, **headers})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body, answer.headers

    def news(self, after: int = 0) -> Any:
        status, body, _ = self.get(f"/api/state?after={after}")
        return json.loads(body) if status == 200 else None


@pytest.fixture
def viewer() -> Iterator[Callable[..., Viewer]]:
    """Starts a server; look, limits and the time a request waits may be chosen."""
    running: list[Viewer] = []

    def start(
        look: Look | None = None, limits: Limits | None = None, hold_s: float = 0.3
    ) -> Viewer:
        pictures = Pictures(lambda image: image, look or Look(max_rate_hz=500.0))
        state = ViewState()
        api = ViewerApi(pictures, state, Guard(TOKEN), hold_s)
        server = WebServer(api, "127.0.0.1", [0], limits or Limits())
        server.start()
        running.append(Viewer(pictures, state, server))
        return running[-1]

    yield start
    for each in running:
        each.pictures.close()
        each.state.close()
        each.server.stop()
