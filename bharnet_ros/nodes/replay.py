"""Publishes what a bag recorded, in time, byte by byte as it was recorded.

Names, options and behaviour are those of `ros2 bag play` where it has them.
"""

from __future__ import annotations

import importlib
import re
import sys
import threading
from collections.abc import Sequence
from typing import Any

import rclpy
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.duration import Duration
from rclpy.exceptions import InvalidTopicNameException, ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock as ClockMessage
from std_srvs.srv import Trigger

from bharnet_ros.bags import Bag
from bharnet_ros.bags.playback import (
    MAX_RATE,
    MIN_RATE,
    PlaybackClock,
    PlayOptions,
    check_remaps,
    chosen_topics,
    latched_before,
    span,
)
from bharnet_ros.bags.read_ahead import ReadAhead
from bharnet_ros.bags.records import RawMessage
from bharnet_ros.errors import BagError, BharnetError
from bharnet_ros.nodes.base import StopSignals
from bharnet_ros.nodes.environment import init_ros, prepare_middleware, without_source
from bharnet_ros.nodes.parameters import Param, Parameters
from bharnet_ros.nodes.replay_qos import overridden_qos, publisher_qos

_NS = 1_000_000_000
_TYPE = re.compile(r"([a-z][a-z0-9_]*)/msg/([A-Z][A-Za-z0-9]*)")
_FILL_S = 2.0
_LOOK_S = 0.05


class ReplayNode(Node):
    """Publishes the topics of a bag; services pause, resume, toggle_paused, is_paused, play_next
    and stop (all std_srvs/Trigger); parameter rate.

    bag: open, and read by nobody else. Raises BagError or ConfigurationError if there is nothing
    to play.
    """

    def __init__(self, bag: Bag, options: PlayOptions, **more: Any) -> None:
        self._bag, self._options = bag, options
        self._topics = chosen_topics(bag, options)
        self._start_ns, self._stop_ns = span(bag, options)
        self._clock_topics = frozenset(
            self._topics
            if options.clock_topics_all
            else (bag.topic_named(name, "--clock-topics") for name in options.clock_topics)
        )
        super().__init__("replay", **more)
        self.clock = PlaybackClock(options.rate, options.start_paused)
        self.clock.hold(self._start_ns)
        self._telling = threading.Lock()
        self._publishers_by_topic: dict[str, Any] = {}
        self._unplayed: list[str] = []
        for name in self._topics:
            self._offer(name)
        if not self._publishers_by_topic:
            self.destroy_node()
            raise BagError(
                f"No topic of the bag {bag.name} can be played. {' '.join(self._unplayed[:5])}"
            )
        self._clock_publisher: Any = None
        if options.clock_hz or options.clock_topics or options.clock_topics_all:
            self._clock_publisher = self.create_publisher(
                ClockMessage, "/clock", QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
            )
        if options.clock_hz:
            # This node makes the time of the others and must not wait for it itself.
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self.create_timer(1.0 / options.clock_hz, self._tell_time, clock=steady)
        self._offer_services()

    def play(self) -> None:
        """Publish until the end, for ever with loop, or until `clock.stop()`; blocks."""
        self.get_logger().info(
            f"Playing {self._bag.name}: {self._extent()} of {len(self._publishers_by_topic)} topics"
            + (", paused; call ~/resume" if self.clock.paused else "")
        )
        if self._options.min_subscribers:
            self._wait_for_subscribers()
        told: set[str] = set()
        again = True
        while again and not self.clock.stopped:
            self._play_once()
            for problem in self._bag.problems:
                if problem not in told:
                    told.add(problem)
                    self.get_logger().warning(problem)
            again = self._options.loop
        self._wait_for_acknowledgement()

    def _extent(self) -> str:
        """How much is played; the messages of a part are counted nowhere in a bag."""
        bag = self._bag
        seconds = (self._stop_ns - 1 - self._start_ns) / _NS
        if (self._start_ns, self._stop_ns) != (bag.start_ns, bag.end_ns + 1):
            begin = (self._start_ns - bag.start_ns) / _NS
            return f"{seconds:.1f} s (from {begin:.1f} s on)"
        count = sum(bag.topics[name].count for name in self._publishers_by_topic)
        return f"{seconds:.1f} s, {count} messages"

    def _wait_for_subscribers(self) -> None:
        """Until every topic has as many as asked for, or `clock.stop()`."""
        said = False
        while alone := [
            name
            for name, publisher in self._publishers_by_topic.items()
            if publisher.get_subscription_count() < self._options.min_subscribers
        ]:
            if not said:
                self.get_logger().info(f"Waiting for subscribers of {', '.join(alone)}")
                said = True
            if not self.clock.pass_real(_LOOK_S):
                return

    def _play_once(self) -> None:
        self.clock.hold(self._start_ns)
        if not self.clock.pass_real(self._options.delay_s):
            return
        topics = tuple(self._publishers_by_topic)
        for message in latched_before(self._bag, topics, self._start_ns):
            self._publish(message)
        messages = self._bag.raw_messages(topics, self._start_ns, self._stop_ns)
        with ReadAhead(messages, self._options.read_ahead) as ahead:
            ahead.wait_filled(_FILL_S)
            self.clock.run()
            for message in ahead:
                if not self.clock.wait_until(message.log_ns):
                    return
                if message.topic in self._clock_topics:
                    self._tell(message.log_ns)
                self._publish(message)
        if self._options.clock_hz and not self.clock.stopped:
            with self._telling:  # and stay there: what follows must not set the time back
                self.clock.hold(self._stop_ns - 1)
                self._tell(self._stop_ns - 1)

    def _publish(self, message: RawMessage) -> None:
        # rclpy passes exactly the type bytes on as it is.
        self._publishers_by_topic[message.topic].publish(bytes(message.data))

    def _offer(self, name: str) -> None:
        topic = self._bag.topics[name]
        kind = _message_class(topic.type)
        if kind is None:
            self._leave_out(f"{name} is not played: its type {topic.type} is not installed here.")
            return
        if (override := self._options.qos_overrides.get(name)) is not None:
            quality = overridden_qos(override)
        else:
            quality, same = publisher_qos(topic.qos)
            if not same:
                self.get_logger().warning(
                    f"The publishers of {name} offered different qualities of service; the "
                    "strongest is offered now (--qos-profile-overrides-path sets another)."
                )
        try:
            self._publishers_by_topic[name] = self.create_publisher(kind, name, quality)
        except InvalidTopicNameException as error:
            reason = without_source(error).removeprefix("Invalid topic name: ")
            self._leave_out(f"{name} is not played: {reason}.")

    def _leave_out(self, sentence: str) -> None:
        self._unplayed.append(sentence)
        self.get_logger().warning(sentence)

    def _offer_services(self) -> None:
        clock = self.clock

        def answer(action: Any) -> Any:
            def handle(_: Any, response: Any) -> Any:
                response.success = action() is not False
                response.message = "paused" if clock.paused else "playing"
                return response

            return handle

        for name, action in (
            ("pause", lambda: clock.set_paused(True)),
            ("resume", lambda: clock.set_paused(False)),
            ("toggle_paused", lambda: clock.set_paused(not clock.paused)),
            ("is_paused", lambda: None),
            ("play_next", clock.step),
            ("stop", clock.stop),
        ):
            self.create_service(Trigger, f"~/{name}", answer(action))
        rate = Param(
            "rate", self._options.rate,
            "Bag seconds per second; may change while it plays.", MIN_RATE, MAX_RATE,
            dynamic=True,
        )  # fmt: skip
        self._params = Parameters(self, [rate], lambda: "", lambda _: None, self._changed)
        self._changed(frozenset())

    def _changed(self, _: frozenset[str]) -> None:
        self.clock.set_rate(self._params["rate"])

    def _tell_time(self) -> None:
        # Never beyond the end: the clock of a bag whose last messages are late stands there.
        with self._telling:
            self._tell(min(self.clock.now(), self._stop_ns - 1))

    def _tell(self, bag_ns: int) -> None:
        message = ClockMessage()
        message.clock.sec, message.clock.nanosec = divmod(bag_ns, _NS)
        self._clock_publisher.publish(message)

    def _wait_for_acknowledgement(self) -> None:
        wait_ms = self._options.wait_for_all_acked_ms
        if wait_ms < 0 or self.clock.stopped:
            return
        # Rclpy's endless wait could not be broken off.
        step = Duration(seconds=min(wait_ms / 1000, 0.2) if wait_ms else 0.2)
        left_s = wait_ms / 1000 if wait_ms else float("inf")
        clock = () if self._clock_publisher is None else (self._clock_publisher,)
        for publisher in (*self._publishers_by_topic.values(), *clock):
            while left_s > 0 and not self.clock.stopped and not publisher.wait_for_all_acked(step):
                left_s -= step.nanoseconds / _NS


def replay(bag: Bag, options: PlayOptions, ros_args: Sequence[str] = ()) -> int:
    """Play a bag in this process until its end or a signal; the exit status.

    Raises BagError or ConfigurationError if there is nothing to play.
    """
    check_remaps(options.remap)
    chosen_topics(bag, options)
    span(bag, options)
    prepare_middleware()
    remaps = [part for remap in options.remap for part in ("-r", remap)]
    begin = [] if "--ros-args" in ros_args else ["--ros-args"]
    # Signals are ours, as in every node: endings run in order.
    init_ros(
        [sys.argv[0], *ros_args, *begin, *remaps], signal_handler_options=SignalHandlerOptions.NO
    )
    stop = StopSignals()
    node: ReplayNode | None = None
    try:
        node = ReplayNode(bag, options)
        return _run(node, stop)
    except ParameterException as error:
        print(f"bharnet_ros: {error}", file=sys.stderr)
        return 1
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()


def _run(node: ReplayNode, stop: StopSignals) -> int:
    """Spin while a thread plays."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    failed: list[Exception] = []

    def play() -> None:
        try:
            node.play()
        except Exception as error:  # whatever happens, the process must end
            failed.append(error)
        finally:
            executor.wake()

    player = threading.Thread(target=play, daemon=True)
    player.start()
    try:
        while rclpy.ok() and player.is_alive() and not stop.stopped:
            executor.spin_once(timeout_sec=0.2)
    finally:
        node.clock.stop()
        player.join()
        executor.shutdown(timeout_sec=1.0)
    for error in failed:
        if isinstance(error, BharnetError):
            raise error
        node.get_logger().error(f"Playing broke off: {type(error).__name__}: {error}")
    return 1 if failed else 0


def _message_class(kind: str) -> Any:
    """The class of a message type; None if it is not installed."""
    match = _TYPE.fullmatch(kind)
    if match is None:
        return None
    try:
        return getattr(importlib.import_module(f"{match[1]}.msg"), match[2], None)
    except ImportError:
        return None
