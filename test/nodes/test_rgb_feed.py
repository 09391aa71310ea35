"""What the recogniser node says of its pixels: where they come from, how many, what was wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks.synthetic import frame, tiny_manifest
from bharnet_ros.manifest_parts import Rgb
from bharnet_ros.nodes.findings import Level
from bharnet_ros.nodes.image_exchange import IMAGES
from bharnet_ros.nodes.rgb_feed import RgbFeed
from bharnet_ros.nodes.statistics import Statistics
from bharnet_ros.types import Image, SkeletonFrame

TOPIC = "/robot/skeletons"
PICTURE = np.zeros((4, 6, 3), np.uint8)
RGB = Rgb(("head",), 48, 5, (("cup", "phone"),))
ABLE = SimpleNamespace(name="objects", rgb=RGB)
UNABLE = tiny_manifest(name="tiny")


class Node:
    """As much of a ManagedNode as is asked for."""

    def __init__(self, **params: Any) -> None:
        values = {"rgb": True, "fusion": "fused", "continual": "auto", **params}
        self.stats = Statistics()
        self.params = _Params(values)
        self.warnings: list[str] = []

    def get_logger(self) -> Any:
        return SimpleNamespace(warning=self.warnings.append)


class _Params(dict[str, Any]):
    def all(self) -> dict[str, Any]:
        return dict(self)


@dataclass
class Use:
    """The figures of a recogniser that looks at pixels."""

    asked: int = 0
    judged: int = 0
    without_pixels: int = 0
    drops: dict[str, int] = field(default_factory=dict)
    nbytes: int = 2**20
    max_nbytes: int = 8 * 2**20


class Recogniser:
    """Notes what it sees."""

    def __init__(self, use: Use | None) -> None:
        self.rgb = use
        self.seen: list[int] = []
        self.error: Exception | None = None

    def see(self, image_bgr: Image, skeletons: SkeletonFrame) -> None:
        if self.error is not None:
            raise self.error
        self.seen.append(skeletons.stamp_ns)


@pytest.fixture
def estimator() -> Iterator[None]:
    """Somebody in this process who gives the images of the topic."""
    IMAGES.announce(TOPIC)
    yield
    IMAGES.withdraw(TOPIC)


@pytest.fixture
def use() -> Use:
    return Use()


@pytest.fixture
def recogniser(use: Use) -> Recogniser:
    return Recogniser(use)


@pytest.fixture
def feed(recogniser: Any) -> Iterator[RgbFeed]:
    feed = RgbFeed(Node())
    feed.open(TOPIC, recogniser, [ABLE])  # type: ignore[list-item]
    yield feed
    feed.close()


def sentences(feed: RgbFeed) -> str:
    findings, _ = feed.report()
    assert all(finding.level is Level.WARN for finding in findings)
    return "; ".join(finding.text for finding in findings)


def test_images_reach_the_recogniser_until_the_feed_is_closed(
    feed: RgbFeed, recogniser: Recogniser, estimator: None
) -> None:
    IMAGES.offer(TOPIC, PICTURE, frame(1))
    IMAGES.offer("/elsewhere/skeletons", PICTURE, frame(2))
    assert recogniser.seen == [1] and sentences(feed) == ""
    assert feed.report()[1]["images handed over"] == "1"
    feed.close()
    assert not IMAGES.offer(TOPIC, PICTURE, frame(3)) and recogniser.seen == [1]


def test_the_parameter_alone_decides(recogniser: Any, estimator: None) -> None:
    feed = RgbFeed(Node(rgb=False))
    feed.open(TOPIC, recogniser, [ABLE])  # type: ignore[list-item]
    assert not IMAGES.offer(TOPIC, PICTURE, frame(1))
    feed.judged()
    assert feed.report() == ([], {"rgb": "off"})


def test_without_an_estimator_in_the_process_the_remedy_is_told(feed: RgbFeed) -> None:
    assert "run pose_estimator and action_recognizer in one process" in sentences(feed)
    IMAGES.announce(TOPIC)
    assert sentences(feed) == ""
    IMAGES.withdraw(TOPIC)
    assert f"the images of {TOPIC} are not in this process" in sentences(feed)


@pytest.mark.parametrize(
    ("params", "manifests", "words"),
    [
        ({}, [UNABLE], "no bundle has an RGB expert (tiny)"),
        ({}, [UNABLE, ABLE], "objects judges frame by frame: skeletons decide alone"),
        ({"fusion": "body"}, [ABLE], "fusion is body"),
    ],
)
def test_why_nobody_looks_is_told_once_in_the_log_and_always_in_diagnostics(
    params: dict[str, Any], manifests: list[Any], words: str, estimator: None
) -> None:
    node, blind = Node(**params), Recogniser(None)
    feed = RgbFeed(node)
    feed.open(TOPIC, blind, manifests)  # type: ignore[arg-type]
    assert not IMAGES.offer(TOPIC, PICTURE, frame(1))
    for _ in range(2):
        assert words in sentences(feed)
    (warning,) = node.warnings
    assert words in warning and warning.startswith("Rgb is on") and warning.endswith(".")
    assert feed.report()[1] == {"rgb": "on, but not used"}


def test_people_and_memory_are_counted(feed: RgbFeed, use: Use, estimator: None) -> None:
    for use.asked, use.judged in ((2, 2), (0, 0), (3, 2)):
        feed.judged()
    findings, values = feed.report()
    assert findings == []
    assert values["judged with pixels"] == "4 of 5 asked for"
    assert values["crops held [MiB]"] == "1.00 of at most 8.00"
    assert feed.report()[1]["judged with pixels"] == "0 of 0 asked for", "a period of its own"
    use.asked, use.judged = 4, 1
    feed.judged()
    assert "only 1 of 4 judgements that asked for pixels had them" in sentences(feed)


def test_images_that_are_of_no_use_are_counted_by_reason(use: Use, estimator: None) -> None:
    node, recogniser = Node(), Recogniser(use)
    feed = RgbFeed(node)
    feed.open(TOPIC, recogniser, [ABLE])  # type: ignore[arg-type, list-item]
    use.drops = {"other_size": 2}
    assert "for want of images: 2 other_size" in sentences(feed)
    assert sentences(feed) == "", "told when it happens"
    use.drops = {"other_size": 3, "late": 1}
    assert "1 other_size, 1 late" in sentences(feed)
    drops = node.stats.close_period().total_drops
    assert drops == {"image: other_size": 3, "image: late": 1}
    feed.close()


def test_a_sink_that_fails_is_told_and_over_when_it_works_again(
    feed: RgbFeed, recogniser: Recogniser, estimator: None
) -> None:
    recogniser.error = ValueError("no such crop")
    for stamp in range(2):
        assert IMAGES.offer(TOPIC, PICTURE, frame(stamp))
    assert "taking crops failed 2 times: ValueError: no such crop" in sentences(feed)
    recogniser.error = None
    IMAGES.offer(TOPIC, PICTURE, frame(9))
    assert sentences(feed) == "" and recogniser.seen == [9]
