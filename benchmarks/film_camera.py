"""A camera driver that can misbehave: plays a film, told by lines on its standard input how.

    python -m benchmarks.film_camera FILM.npy [--rate_hz 30] [--topic image_raw] [--name camera]

Each input line is a JSON object with some of the fields of `Behaviour`. For every image
published it prints a line `index stamp_ns published_ns` (nanoseconds of the system clock; the
stamp as published). It ends when its standard input does.
"""

from __future__ import annotations

import argparse
import json
import queue
import random
import sys
import threading
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.films import Player

NS = 1_000_000_000


@dataclass(frozen=True)
class Behaviour:
    """How the driver behaves now.

    width, height: 0 = as filmed. stamps: "clock"; "zero"; "duplicated" (every stamp twice);
    "disordered" (every third image is stamped 2.5 periods into the past). offset_s: added to
    every stamp that is not zero; once_s: added to the next stamp alone. loss: share of images
    that never leave. claimed: an encoding to claim, whatever the bytes are.
    """

    playing: bool = True
    rate_hz: float = 30.0
    width: int = 0
    height: int = 0
    encoding: str = "bgr8"
    claimed: str = ""
    stamps: str = "clock"
    offset_s: float = 0.0
    once_s: float = 0.0
    loss: float = 0.0


class Stamper:
    """Stamps as the behaviour wants them."""

    def __init__(self) -> None:
        self._last = 0

    def stamp(self, behaviour: Behaviour, index: int, now_ns: int) -> int:
        """The stamp in nanoseconds of image `index`, taken at now_ns."""
        if behaviour.stamps == "zero":
            return 0
        stamp = now_ns + round((behaviour.offset_s + behaviour.once_s) * NS)
        if behaviour.stamps == "duplicated" and index % 2:
            return self._last
        if behaviour.stamps == "disordered" and index % 3 == 2:
            return stamp - round(2.5 * NS / behaviour.rate_hz)
        self._last = stamp
        return stamp


def play(path: Path, behaviour: Behaviour, topic: str, name: str) -> None:
    """Publish until the standard input ends."""
    import rclpy
    from builtin_interfaces.msg import Time
    from rclpy.signals import SignalHandlerOptions
    from sensor_msgs.msg import Image as ImageMessage

    from bharnet_ros.nodes.environment import prepare_middleware
    from bharnet_ros.nodes.qos import IMAGE_PUBLISHER

    prepare_middleware()
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(name)
    images = node.create_publisher(ImageMessage, topic, IMAGE_PUBLISHER)
    film, stamper, chance = Player(path), Stamper(), random.Random(1)
    for index, current in enumerate(_paced(behaviour, _orders())):
        if chance.random() >= current.loss:
            picture = film.picture(index, (current.width, current.height), current.encoding)
            message = ImageMessage()
            message.height, message.width = picture.shape[:2]
            channels = 1 if picture.ndim == 2 else picture.shape[2]
            message.step = channels * message.width
            message.encoding = current.claimed or current.encoding
            message.header.frame_id = name
            data = array("B")
            data.frombytes(picture.data)
            message.data = data
            now_ns = time.time_ns()
            stamp_ns = stamper.stamp(current, index, now_ns)
            message.header.stamp = Time(sec=stamp_ns // NS, nanosec=stamp_ns % NS)
            images.publish(message)
            print(index, stamp_ns, now_ns, flush=True)
    node.destroy_node()
    rclpy.try_shutdown()


def _orders() -> queue.Queue[dict[str, Any] | None]:
    """Input lines as they come; None at the end."""
    orders: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            orders.put(json.loads(line))
        orders.put(None)

    threading.Thread(target=read, daemon=True).start()
    return orders


def _paced(
    behaviour: Behaviour, orders: queue.Queue[dict[str, Any] | None]
) -> Iterator[Behaviour]:
    """The behaviour in force whenever an image is due. Images that are late by more than a
    period are skipped, as a driver does."""
    due = time.monotonic()
    while True:
        wait_s = max(due - time.monotonic(), 0.0) if behaviour.playing else None
        try:
            order = orders.get(timeout=wait_s)
        except queue.Empty:
            yield behaviour
            behaviour = replace(behaviour, once_s=0.0)
            now, period = time.monotonic(), 1.0 / behaviour.rate_hz
            due = max(due + period, now - period)
            continue
        if order is None:
            return
        behaviour = replace(behaviour, **order)
        due = min(due, time.monotonic() + 1.0 / behaviour.rate_hz)


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.film_camera", description=__doc__)
    parser.add_argument("film", type=Path)
    parser.add_argument("--rate_hz", type=float, default=30.0)
    parser.add_argument("--topic", default="image_raw")
    parser.add_argument("--name", default="camera")
    options = parser.parse_args()
    play(options.film, Behaviour(rate_hz=options.rate_hz), options.topic, options.name)


if __name__ == "__main__":
    main()
