"""What the built-in and the video camera share: publishing at a pace, and an end."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import Image as ImageMessage

from bharnet_ros.nodes.base import ERROR, WARN, ManagedNode
from bharnet_ros.nodes.endpoints import deaf_subscribers
from bharnet_ros.nodes.findings import summary
from bharnet_ros.nodes.images import bgr_to_image
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import IMAGE_PUBLISHER, overridable
from bharnet_ros.nodes.statistics import Period
from bharnet_ros.types import Image

_NS = 1_000_000_000
_NO_IMAGE = "the device gave no image"
_JUMP_S = 10.0
"""Simulated time that leaps further than this was set; a machine too slow skips less."""

CAMERA_PARAMS = (
    Param("real_time", True, "Keep to the clock; false = publish as fast as possible."),
    Param("wait_for_subscriber", True, "Begin a film or scene when somebody listens to image_raw."),
    Param("frame_id", "camera", "frame_id of the images."),
)


class CameraNode(ManagedNode):
    """Publishes image_raw. Subclasses give `next_frame`, called once per frame period.

    A film (anything that is not a device) begins when it is activated and somebody listens, so
    that its beginning is not lost while networks load. Its stamps lie on an exact grid, so that
    what is computed from them does not depend on how busy the machine was.
    """

    def __init__(self, name: str, params: Any, **options: Any) -> None:
        self._timer: Any = None
        self._images: Any = None
        self._published = 0
        self._ended = False
        self._begin_ns: int | None = None
        super().__init__(name, params, **options)
        self._images = self.create_publisher(
            ImageMessage, "image_raw", IMAGE_PUBLISHER, qos_overriding_options=overridable()
        )

    @property
    def rate_hz(self) -> float:
        """Frames per second of stamp time; known after configure."""
        raise TypeError("a camera says its rate")

    def rewind(self) -> None:
        """Begin at the first frame again."""

    def next_frame(self, index: int) -> Image | None:
        """The picture of frame `index`; None when there is no further one."""
        raise TypeError("a camera gives frames")

    @property
    def follows_clock(self) -> bool:
        """Whether frames belong to moments of the grid; a device gives them when it has them."""
        return True

    @property
    def trouble(self) -> str:
        """Why a device gives no images at all, in words; "" while it is there."""
        return ""

    def before_publishing(self, index: int, stamp_ns: int) -> None:
        """Chance to publish what belongs to the image about to go out."""

    def activate(self) -> None:
        """Start the clock of the frames."""
        self.rewind()
        self._published, self._ended, self._index = 0, False, 0
        self._begin_ns = None
        pace_s = 1.0 / self.rate_hz if self.params["real_time"] else 0.0
        # The system's clock may be set while images go out, the steady one cannot; a simulation's
        # clock is the pace itself.
        clock = self.get_clock()
        self._pace = clock if clock.ros_time_is_active else self._steady
        self._timer = self.create_timer(pace_s, self._tick, clock=self._pace)

    def deactivate(self) -> None:
        """Stop the clock."""
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None

    def _tick(self) -> None:
        if self._begin_ns is None:
            waits = self.follows_clock and self.params["wait_for_subscriber"]
            if waits and self._images.get_subscription_count() == 0:
                return
            self._begin_ns = self.get_clock().now().nanoseconds
            self._pace_begin_ns = self._pace.now().nanoseconds
        period_ns = _NS / self.rate_hz
        if self.follows_clock and self.params["real_time"]:
            # A machine too slow for the rate skips frames, as a camera driver would; it must
            # not fall behind the clock.
            due = int((self._pace.now().nanoseconds - self._pace_begin_ns) / period_ns)
            if self._pace is not self._steady and self._has_leapt(due - self._index, period_ns):
                shift_ns = round((due - self._index) * period_ns)
                self._begin_ns += shift_ns
                self._pace_begin_ns += shift_ns
                due = self._index
            if due > self._index:
                self.stats.drop("camera too slow", due - self._index)
                self._index = due
        image = self.next_frame(self._index)
        if image is None:
            if self.follows_clock:
                self._end()
            elif not self.trouble:  # a device has no end; it may come back
                self.stats.drop(_NO_IMAGE)
            return
        stamp_ns = (
            self._begin_ns + round(self._index * period_ns)
            if self.follows_clock
            else self.get_clock().now().nanoseconds
        )
        self.before_publishing(self._index, stamp_ns)
        self._index += 1
        self._published += 1
        self._images.publish(bgr_to_image(image, stamp_ns, self.params["frame_id"]))
        self.stats.event("images out")

    @staticmethod
    def _has_leapt(frames: int, period_ns: float) -> bool:
        """Whether a simulation began anew or was set on: the film goes on where it is, with the
        stamps of the new time. One frame back is the edge of a period."""
        return frames < -1 or frames * period_ns > _JUMP_S * _NS

    def _end(self) -> None:
        self._ended = True
        self.deactivate()
        self.get_logger().info(f"The end: {self._published} images were published.")

    def diagnose(self, period: Period) -> tuple[bytes, str, dict[str, str]]:
        """Count of images, and whether it waits, publishes or has reached the end."""
        message = "waiting for a subscriber" if self._begin_ns is None else "publishing"
        message = "ended" if self._ended else message
        level, message = summary(deaf_subscribers(self, [self._images]), message)
        if self.trouble:
            return ERROR, self.trouble, {"images": str(self._published)}
        missing = period.drops.get(_NO_IMAGE, 0)
        if missing:
            level = WARN if period.rates_hz.get("images out") else ERROR
            return level, f"{missing} times {_NO_IMAGE}", {"images": str(self._published)}
        return level, message, {"images": str(self._published)}
