"""A small recording without a bag, a bag of the same, and a server that shows it."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bharnet_ros.labelling.api import LabelApi
from bharnet_ros.labelling.document import LabelDocument
from bharnet_ros.labelling.recording import Overview, Picture, Presence
from bharnet_ros.labelling.server import LabelServer
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import Image, Skeleton, SkeletonFrame
from bharnet_ros.web.guard import Guard

ORIGIN_NS = 1_700_000_000_123_456_789
STEP_NS = 100_000_000
COUNT = 60
SIZE = (240, 320)  # height, width
LAYOUT = "coco_17"
TOKEN = "the-token"  # noqa: S105
CLASSES = ("wave", "stop", "thumbs_up")


def picture(index: int) -> Image:
    """An image that tells its index: a bar whose height is the index, in grey."""
    image = np.full((*SIZE, 3), 60, np.uint8)
    image[: 1 + index, :40] = 255
    cv2.putText(image, str(index), (120, 120), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (80, 200, 240), 2)
    return image


def people(index: int) -> SkeletonFrame:
    """Person 3 on the left, all the time; person 7 on the right, from image 20 on."""
    count = get_layout(LAYOUT).num_keypoints
    skeletons = []
    for track_id, x in ((3, 60.0), (7, 220.0)):
        if track_id == 7 and index < 20:
            continue
        rows = np.arange(count)
        keypoints = np.stack([x + 20 * (rows % 3), 40 + 10 * rows], axis=1).astype(np.float32)
        box = np.array([x - 5, 35, 55, 180], np.float32)
        skeletons.append(
            Skeleton(track_id, box, 0.9, keypoints, np.full(count, 0.9, np.float32))
        )
    return SkeletonFrame(ORIGIN_NS + index * STEP_NS, SIZE, LAYOUT, tuple(skeletons))


@dataclass
class FakeRecording:
    """See `Recording`."""

    count: int = COUNT
    complete: bool = True
    problems: tuple[str, ...] = ()
    has_skeletons: bool = True

    def overview(self) -> Overview:
        end_ns = ORIGIN_NS + (COUNT - 1) * STEP_NS
        return Overview(
            "kitchen", ORIGIN_NS, end_ns, self.count, self.count / COUNT, self.complete,
            self.problems, self.has_skeletons,
        )  # fmt: skip

    def stamps(self, first: int) -> list[int]:
        return [ORIGIN_NS + i * STEP_NS for i in range(first, self.count)]

    def presence(self) -> Presence:
        if not self.has_skeletons:
            return {}
        end_ns = ORIGIN_NS + (COUNT - 1) * STEP_NS
        return {3: [(ORIGIN_NS, end_ns)], 7: [(ORIGIN_NS + 20 * STEP_NS, end_ns)]}

    def picture(self, index: int) -> Picture:
        if not 0 <= index < self.count:
            raise IndexError(index)
        _, data = cv2.imencode(".png", picture(index))
        return Picture(data.tobytes(), "image/png")

    def skeletons(self, index: int) -> SkeletonFrame | None:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return people(index) if self.has_skeletons else None

    def close(self) -> None:
        pass


@dataclass
class Page:
    """A running server. url: its address with the token."""

    server: LabelServer
    recording: FakeRecording
    labels: Path

    @property
    def url(self) -> str:
        return self.server.address(TOKEN)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])


def make_api(
    folder: Path, recording: FakeRecording | None = None, token: str = TOKEN
) -> LabelApi:
    """The API on a recording that labels into `folder`."""
    source = recording or FakeRecording()
    now = source.overview()
    document = LabelDocument(folder / "labels.csv", lambda: (now.origin_ns, now.end_ns))
    return LabelApi(source, document, CLASSES, Guard(token))


@pytest.fixture
def api(tmp_path: Path) -> LabelApi:
    return make_api(tmp_path)


@pytest.fixture
def new_api(tmp_path: Path) -> Callable[..., LabelApi]:
    return lambda **options: make_api(tmp_path, **options)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Starts a server; token, port and recording may be chosen."""
    running: list[LabelServer] = []

    def start(
        recording: FakeRecording | None = None, token: str = TOKEN, port: int = 0
    ) -> Page:
        source = recording or FakeRecording()
        server = LabelServer(make_api(tmp_path, source, token), "127.0.0.1", port)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        return Page(server, source, tmp_path / "labels.csv")

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """One browser profile; its pages share what the browser remembers."""
    opened = browser.new_context(viewport={"width": 1280, "height": 800})
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()


@pytest.fixture
def recording() -> type[FakeRecording]:
    return FakeRecording


@pytest.fixture
def drawn() -> tuple[Callable[[int], Image], Callable[[int], SkeletonFrame]]:
    """picture(index), people(index)."""
    return picture, people


@pytest.fixture
def write_bag(tmp_path: Path) -> Callable[..., Path]:
    """Writes a bag of the same recording."""
    pytest.importorskip("rosbags", reason="rosbags is not installed")
    from bharnet_ros.bags.write import BagWriter

    def write(
        storage: str = "mcap", compression: str = "none", compressed_images: bool = False,
        skeletons: bool = True, count: int = COUNT,
    ) -> Path:  # fmt: skip
        folder = tmp_path / f"bag_{storage}_{compression}_{compressed_images}"
        with BagWriter(folder, storage, compression) as writer:
            for index in range(count):
                stamp_ns = ORIGIN_NS + index * STEP_NS
                log_ns = stamp_ns + 5_000_000
                if compressed_images:
                    data: Any = cv2.imencode(".jpg", picture(index))[1].tobytes()
                    topic = "/camera/image/compressed"
                    writer.compressed_image(topic, stamp_ns, data, log_ns=log_ns)
                else:
                    writer.image("/camera/image", stamp_ns, picture(index), log_ns=log_ns)
                if skeletons:
                    writer.skeletons("/robot/skeletons", people(index), log_ns=log_ns + 30_000_000)
        return folder

    return write


class Process:
    """`python -m bharnet_ros label`, to be killed."""

    def __init__(self, bag: Path, *options: str) -> None:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bharnet_ros", "label", str(bag), "--no_browser", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
            cwd=Path(__file__).resolve().parents[2],
        )  # fmt: skip
        said = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said += line
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/#(\S+)", line):
                self.url, self.port, self.token = found[0], int(found[1]), found[2]
                return
        raise AssertionError(said)

    def kill(self) -> None:
        """As the out-of-memory killer does, or a power cut."""
        self.process.kill()
        self.process.wait()

    def request(self, method: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"X-Access-Token": self.token, "Content-Type": "application/json"}
        connection.request(method, "/api/labels", body and json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.fixture
def label_process() -> Iterator[Callable[..., Process]]:
    """Starts `python -m bharnet_ros label BAG OPTIONS`."""
    started: list[Process] = []

    def start(bag: Path, *options: str) -> Process:
        started.append(Process(bag, *options))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits for something. (Playwright's wait_for_function needs what the page forbids: eval.)"""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
