"""What nodes say of their topics, over real middleware."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Int32, String

from benchmarks.synthetic import frame, person_keypoints, skeleton
from bharnet_ros import msg
from bharnet_ros.errors import EngineError
from bharnet_ros.nodes.action_recognizer import ActionRecognizerNode
from bharnet_ros.nodes.base import ERROR, OK, WARN
from bharnet_ros.nodes.conversions import skeletons_to_msg
from bharnet_ros.nodes.diagnostics import INTERNAL_ERROR, Reporter
from bharnet_ros.nodes.endpoints import deaf_subscribers
from bharnet_ros.nodes.findings import Finding, Level
from bharnet_ros.nodes.input_watch import WatchedSubscription
from bharnet_ros.nodes.qos import RESULTS
from bharnet_ros.nodes.sequence import REPLACED
from bharnet_ros.nodes.statistics import Period, Statistics
from bharnet_ros.recognizer import Recognizer

RELIABLE = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHING = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Listener(Node):
    """A node with what WatchedSubscription asks of one."""

    def __init__(self) -> None:
        super().__init__("listener")
        self.stats = Statistics()
        self.params = {"max_stamp_age_s": 1.0, "max_missed_share": 0.1}

    def watch(self, topic: str, callback: Any = None, qos: Any = RELIABLE) -> WatchedSubscription:
        """A subscription that is silent from the first moment on."""
        return WatchedSubscription(
            self, Int32, topic, callback or (lambda _: None), qos, what="numbers", timeout_s=0.0
        )


@pytest.fixture(scope="module")
def listener(ros: Any) -> Iterator[Listener]:
    node = Listener()
    ros.executor.add_node(node)
    yield node
    ros.executor.remove_node(node)
    node.destroy_node()


def told(watched: WatchedSubscription, period: Period | None = None) -> str:
    findings = watched.findings(period or Period({}, {}, {}, {}))
    assert all(finding.level is Level.WARN for finding in findings)
    return "; ".join(finding.text for finding in findings)


def test_silence_names_its_reason(ros: Any, listener: Listener) -> None:
    alone = listener.watch("alone")
    assert alone.is_silent
    assert "no numbers on /alone" in told(alone) and "nobody publishes there" in told(alone)
    quiet = ros.node.create_publisher(Int32, "alone", RELIABLE)
    ros.wait(
        lambda: "/tester matches but sends nothing" in told(alone), "the silent publisher's name"
    )
    alone.timeout_s = 3600.0
    assert told(alone) == ""
    ros.node.destroy_publisher(quiet)
    alone.destroy()


def test_a_qos_mismatch_is_told_with_both_sides(ros: Any, listener: Listener) -> None:
    deaf = listener.watch("weak")
    weak = ros.node.create_publisher(Int32, "weak", BEST_EFFORT)
    ros.wait(lambda: "/tester (best effort publisher and reliable" in told(deaf), "the mismatch")
    assert "qos_overrides./weak.subscription" in told(deaf)
    # Also while another publisher is heard.
    strong = ros.node.create_publisher(Int32, "weak", RELIABLE)
    deaf.timeout_s = 3600.0
    ros.wait(
        lambda: "cannot hear on /weak: /tester (best effort publisher" in told(deaf),
        "the mismatch beside a publisher that matches",
    )
    for publisher in (weak, strong):
        ros.node.destroy_publisher(publisher)
    deaf.destroy()


def test_another_type_on_the_topic_is_named(ros: Any, listener: Listener) -> None:
    deaf = listener.watch("mixed")
    elsewhere = Context()  # one participant cannot have two types on a topic
    rclpy.init(context=elsewhere)
    stranger = rclpy.create_node("stranger", context=elsewhere)
    stranger.create_publisher(String, "mixed", RELIABLE)
    ros.wait(
        lambda: "/stranger (its type is std_msgs/msg/String, not std_msgs/msg/Int32" in told(deaf),
        "the type",
    )
    assert "take a topic of that type" in told(deaf) and "qos_overrides" not in told(deaf)
    stranger.destroy_node()
    rclpy.shutdown(context=elsewhere)
    deaf.destroy()


@pytest.mark.parametrize(
    ("namesake", "words"),
    [(False, " (/listener, /tester): "), (True, ", all of them named /listener: ")],
)
def test_publishers_that_mix_are_named(
    ros: Any, listener: Listener, namesake: bool, words: str
) -> None:
    taken: list[Any] = []
    watched = listener.watch("twice", taken.append)
    watched.timeout_s = 3600.0
    other = Node("listener") if namesake else ros.node
    publishers = [node.create_publisher(Int32, "twice", RELIABLE) for node in (other, listener)]
    ros.wait(lambda: watched.subscription.get_publisher_count() == 2, "both publishers")
    assert told(watched) == "", "one of them is silent"

    def take_turns() -> str:
        for publisher in publishers:
            taken.clear()
            publisher.publish(Int32())
            ros.wait(lambda: taken, "a message")
        return told(watched)

    ros.wait(lambda: f"several publishers send on /twice{words}" in take_turns(), "names")
    other.destroy_publisher(publishers.pop(0))
    ros.wait(lambda: watched.subscription.get_publisher_count() == 1, "one of them to leave")
    assert take_turns() == "", "who is left speaks alone"
    listener.destroy_publisher(publishers.pop())
    watched.destroy()
    if namesake:
        other.destroy_node()


def test_publishers_without_names_lose_nothing_by_mixing(ros: Any, listener: Listener) -> None:
    """Messages as Jazzy describes them: numbered by their publisher, which is not named."""
    watched = listener.watch("nameless")
    listener.stats.close_period()

    def lost(*numbers: int) -> int:
        for number in numbers:
            watched._count(Int32(), {"publication_sequence_number": number})
        return sum(listener.stats.close_period().missed.values())

    assert lost(1, 2, 90) == 87, "one alone may leave out many"
    assert not watched._speakers.alternate()
    publishers = [ros.node.create_publisher(Int32, "nameless", RELIABLE) for _ in range(2)]
    ros.wait(lambda: watched.subscription.get_publisher_count() == 2, "both publishers")
    assert lost(91, 3, 92, 4, 93, 5, 94) == 0
    assert watched._speakers.alternate()
    assert lost(98) == 3, "95 to 97"
    for publisher in publishers:
        ros.node.destroy_publisher(publisher)
    watched.destroy()


def test_what_is_replaced_while_the_node_is_busy_is_counted(ros: Any, listener: Listener) -> None:
    taken: list[int] = []
    publisher = ros.node.create_publisher(Int32, "fast", RELIABLE)

    def work(message: Any) -> None:
        taken.append(message.data)
        if len(taken) == 1:
            for number in range(2, 12):
                publisher.publish(Int32(data=number))
                assert publisher.wait_for_all_acked(Duration(seconds=30))

    watched = listener.watch("fast", work)
    ros.wait(publisher.get_subscription_count, "the subscription")
    listener.stats.close_period()
    publisher.publish(Int32(data=1))
    ros.wait(lambda: len(taken) == 2, "the newest one after the work")
    period = listener.stats.close_period()
    assert taken == [1, 11] and period.missed == {REPLACED: 9}
    assert period.rates_hz["numbers in"] > 0 and period.busy_share > 0
    watched.timeout_s = 3600.0
    for _ in range(2):
        told(watched, period)
    assert "slower than the input" in told(watched, period)
    watched.destroy()
    ros.node.destroy_publisher(publisher)


def test_a_backlog_is_taken_at_once_and_counted(ros: Any, listener: Listener) -> None:
    batches: list[list[int]] = []
    deep = QoSProfile(depth=10)
    publisher = ros.node.create_publisher(Int32, "deep", deep)

    def work(message: Any) -> None:
        if not batches:
            for number in range(2, 6):
                publisher.publish(Int32(data=number))
            assert publisher.wait_for_all_acked(Duration(seconds=30))
        batches.append([message.data, *(waiting.data for waiting in watched.backlog())])

    watched = listener.watch("deep", work, deep)
    ros.wait(publisher.get_subscription_count, "the subscription")
    listener.stats.close_period()
    publisher.publish(Int32(data=1))
    ros.wait(lambda: batches, "the batch")
    period = listener.stats.close_period()
    assert batches == [[1, 2, 3, 4, 5]] and period.missed == {}
    assert period.rates_hz["numbers in"] * period.elapsed_s == pytest.approx(5)
    watched.destroy()
    ros.node.destroy_publisher(publisher)


def test_subscribers_that_cannot_receive_are_named(ros: Any, listener: Listener) -> None:
    publisher = listener.create_publisher(Int32, "results", RELIABLE)
    assert deaf_subscribers(listener, [publisher]) == []
    fine = ros.node.create_subscription(Int32, "results", lambda _: None, RELIABLE)
    ros.wait(publisher.get_subscription_count, "the subscriber")
    assert deaf_subscribers(listener, [publisher]) == []
    picky = ros.node.create_subscription(Int32, "results", lambda _: None, LATCHING)
    found = ros.wait(lambda: deaf_subscribers(listener, [publisher]), "the mismatch")
    assert len(found) == 1 and found[0].level is Level.WARN
    assert "/tester cannot receive /results: volatile publisher" in found[0].text.lower()
    assert found[0].text.endswith("there or with qos_overrides./results.publisher here")
    for subscription in (fine, picky):
        ros.node.destroy_subscription(subscription)
    listener.destroy_publisher(publisher)


def test_a_report_is_words_for_people_and_numbers_for_plots(ros: Any, listener: Listener) -> None:
    reporter = Reporter(listener, listener.stats)
    statuses = ros.hear(DiagnosticArray, "/diagnostics", QoSProfile(depth=50))
    listener.stats.close_period()

    def report(state: str = "active", problem: str = "", fails: bool = False) -> Any:
        def diagnose(period: Period) -> tuple[bytes, str, dict[str, str]]:
            if fails:
                raise RuntimeError("a mistake")
            return Finding(Level.WARN, "late").level.byte(), "late", {"backend": "none"}

        listener.stats.event("numbers in")
        listener.stats.event("answers out")
        listener.stats.work(20.0)
        listener.stats.durations({"stamp age": 84.0, "think": 15.0})
        listener.stats.miss(REPLACED, 2)
        listener.stats.drop("odd number", 3)
        listener.stats.gauge("people", 2)
        reporter.publish(state, problem, diagnose)

    def said() -> Any:
        mine = [one.status[0] for one in statuses if one.status[0].name == "listener"]
        return mine[-1] if mine else None

    ros.wait(lambda: report() or said(), "a status")
    status = said()
    values = {item.key: item.value for item in status.values}
    assert (status.level, status.message, status.hardware_id) == (WARN, "late", "bharnet_ros")
    assert values["state"] == "active" and values["backend"] == "none"
    assert float(values["numbers in [Hz]"]) > 0 and values["stamp age [ms] p50"] == "84.0"
    assert int(values[f"missed: {REPLACED}"]) >= 2 and int(values["dropped: odd number"]) >= 3
    for arguments, level, words in (
        ({"state": "inactive"}, OK, "configured, not active"),
        ({"state": "unconfigured"}, OK, "not configured"),
        ({"state": "finalized"}, OK, "shut down for good; start the process again to use it"),
        ({"state": "unconfigured", "problem": "no such bundle"}, ERROR, "no such bundle"),
        ({"fails": True}, ERROR, "cannot diagnose: RuntimeError('a mistake')"),
    ):
        report(**arguments)
        ros.wait(
            lambda level=level, words=words: (said().level, said().message) == (level, words), words
        )

    plots = ros.hear(msg.NodeStatistics, "/listener/statistics", QoSProfile(depth=10))
    ros.wait(lambda: report() or plots, "numbers, now that somebody plots them")
    numbers = plots[-1]
    assert numbers.node == "/listener" and numbers.level == 1
    assert numbers.input_hz == pytest.approx(1 / numbers.period_s)
    assert numbers.missed_hz == pytest.approx(2 / numbers.period_s)
    assert numbers.dropped_hz == pytest.approx(3 / numbers.period_s)
    assert (numbers.stamp_age_ms, numbers.work_ms, numbers.people) == (84.0, 20.0, 2.0)
    assert dict(zip(numbers.stages, numbers.stage_ms, strict=True)) == {"think": 15.0}
    assert list(numbers.drop_reasons) == ["odd number"] and numbers.drops[0] >= 3
    assert numbers.memory_mib > 10 and 0 <= numbers.cpu_share < 16
    listener.stats.close_period()
    reporter.publish("inactive", "", lambda _: (OK, "", {}))
    ros.wait(lambda: math.isnan(plots[-1].work_ms), "a period in which nothing happened")
    assert plots[-1].input_hz == 0.0 and math.isnan(plots[-1].stamp_age_ms)
    # Whatever a node says of itself: when callbacks fail, somebody must look.
    listener.stats.drop(INTERNAL_ERROR, 2)
    report()
    ros.wait(lambda: said().message == "late; 2 times internal error, see the log", "the errors")


def test_an_engine_that_fails_is_an_error_until_it_works_again(
    ros: Any, arms_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = {
        "autostart": False, "bundles": [str(arms_bundle)], "diagnostics_period_s": 0.1,
        "max_stamp_age_s": 0.0,
    }  # fmt: skip
    node = ActionRecognizerNode(
        namespace="failing",
        parameter_overrides=[Parameter(name, value=value) for name, value in overrides.items()],
    )
    ros.executor.add_node(node)
    name, stamps_ns = "failing/action_recognizer", iter(range(10**9, 10**12, 10**8))
    skeletons = ros.node.create_publisher(msg.SkeletonArray, "failing/skeletons", RESULTS)

    def told(level: bytes, words: str) -> bool:
        people = frame(next(stamps_ns), skeleton(1, person_keypoints()))
        skeletons.publish(skeletons_to_msg(people, "lens"))
        return ros.level(name) == level and words in ros.message(name)

    def fails(*_: Any) -> Any:
        raise EngineError("the device was lost")

    try:
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        ros.wait(lambda: told(OK, "1 people"), "recognition")
        with monkeypatch.context() as patch:
            patch.setattr(Recognizer, "push", fails)
            ros.wait(lambda: told(ERROR, "engine failing for"), "an error")
        assert "the device was lost" in ros.message(name)
        assert int(ros.values(name)["dropped: engine failed"]) > 0
        ros.wait(lambda: told(WARN, "s ago: the device was lost"), "a warning once it works again")
    finally:
        ros.executor.remove_node(node)
        node.destroy_node()
