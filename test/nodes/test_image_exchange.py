"""Images between nodes of a process: who gets which, and whose failures are whose."""

from __future__ import annotations

import threading

import numpy as np

from benchmarks.synthetic import frame
from bharnet_ros.nodes.image_exchange import ImageExchange
from bharnet_ros.types import Image, SkeletonFrame

PICTURE = np.zeros((4, 6, 3), np.uint8)


class Sink:
    """Notes what it is given."""

    def __init__(self) -> None:
        self.taken: list[tuple[Image, int]] = []

    def __call__(self, image: Image, skeletons: SkeletonFrame) -> None:
        self.taken.append((image, skeletons.stamp_ns))


def test_an_image_goes_to_those_who_listen_on_its_topic_and_is_not_copied() -> None:
    exchange, left, right, both = ImageExchange(), Sink(), Sink(), Sink()
    exchange.listen("/left/skeletons", left)
    exchange.listen("/right/skeletons", right)
    for topic in ("/left/skeletons", "/right/skeletons"):
        exchange.listen(topic, both)
    assert exchange.offer("/left/skeletons", PICTURE, frame(7))
    assert [stamp for _, stamp in left.taken] == [stamp for _, stamp in both.taken] == [7]
    assert left.taken[0][0] is PICTURE and right.taken == []
    assert not exchange.offer("/elsewhere", PICTURE, frame(8))


def test_nobody_listens_after_closing() -> None:
    exchange, stays, goes = ImageExchange(), Sink(), Sink()
    exchange.listen("/skeletons", stays)
    leaver = exchange.listen("/skeletons", goes)
    leaver.close()
    leaver.close()
    assert exchange.offer("/skeletons", PICTURE, frame(1))
    assert len(stays.taken) == 1 and goes.taken == []


def test_what_a_sink_raises_is_its_own_and_the_others_are_served() -> None:
    def breaks(image: Image, skeletons: SkeletonFrame) -> None:
        raise MemoryError("no room for crops")

    exchange, fine = ImageExchange(), Sink()
    broken = exchange.listen("/skeletons", breaks)
    healthy = exchange.listen("/skeletons", fine)
    assert exchange.offer("/skeletons", PICTURE, frame(1))
    assert exchange.offer("/skeletons", PICTURE, frame(2))
    assert (broken.images, broken.failures, broken.last_failure) == (
        2, 2, "MemoryError: no room for crops",
    )  # fmt: skip
    assert (healthy.images, healthy.failures) == (2, 0) and len(fine.taken) == 2


def test_who_listens_learns_whether_somebody_gives() -> None:
    exchange = ImageExchange()
    assert not exchange.is_announced("/skeletons")
    exchange.announce("/skeletons")
    exchange.announce("/skeletons")
    exchange.withdraw("/skeletons")
    assert exchange.is_announced("/skeletons") and not exchange.is_announced("/other")
    exchange.withdraw("/skeletons")
    exchange.withdraw("/skeletons")  # once too often harms nobody
    assert not exchange.is_announced("/skeletons")
    exchange.announce("/skeletons")
    assert exchange.is_announced("/skeletons")


def test_a_sink_at_work_holds_up_nobody_who_comes_or_goes() -> None:
    exchange, inside, done = ImageExchange(), threading.Event(), threading.Event()

    def slow(image: Image, skeletons: SkeletonFrame) -> None:
        inside.set()
        assert done.wait(30.0)

    listener = exchange.listen("/skeletons", slow)
    offering = threading.Thread(
        target=exchange.offer, args=("/skeletons", PICTURE, frame(1)), daemon=True
    )
    offering.start()
    assert inside.wait(30.0)
    listener.close()  # would wait for ever if the lock were held
    exchange.listen("/skeletons", Sink()).close()
    done.set()
    offering.join(30.0)
    assert not offering.is_alive() and listener.failures == 0
    assert not exchange.offer("/skeletons", PICTURE, frame(2))
