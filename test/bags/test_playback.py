"""What is played and when, without ROS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.bags import RawMessage, TopicQos, open_bag
from bharnet_ros.bags.merge import merged
from bharnet_ros.bags.playback import (
    PlaybackClock,
    PlayOptions,
    check_remaps,
    chosen_topics,
    latched_before,
    span,
)
from bharnet_ros.bags.qos_text import qos_of_text, qos_overrides
from bharnet_ros.bags.read_ahead import ReadAhead
from bharnet_ros.bags.write import BagWriter
from bharnet_ros.errors import BagError, ConfigurationError

from .conftest import FRAMES, START_NS, TOPICS, picture, stamp

NS = 10**9


class Hands:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


def test_bag_time_follows_rate_and_pause() -> None:
    hands = Hands()
    clock = PlaybackClock(2.0, False, hands)
    clock.hold(100 * NS)
    hands.ns = 50 * NS
    assert clock.now() == 100 * NS  # however long it takes to begin
    clock.run()
    hands.ns = 53 * NS
    assert clock.now() == 106 * NS and clock.wait_until(106 * NS)
    clock.set_paused(True)
    hands.ns = 60 * NS
    assert clock.now() == 106 * NS and clock.paused
    clock.set_rate(0.5)
    clock.set_paused(False)
    hands.ns = 62 * NS
    assert clock.now() == 107 * NS
    clock.hold(5 * NS)
    clock.set_paused(True)
    clock.run()
    hands.ns = 70 * NS
    assert clock.now() == 5 * NS  # released, but paused
    clock.set_paused(False)
    assert not clock.step()  # only what is paused can be stepped
    clock.stop()
    assert not clock.wait_until(0) and not clock.pass_real(1.0)


def test_waiting_ends_with_time_a_step_or_a_stop() -> None:
    clock = PlaybackClock(1.0, True)
    passed: list[object] = []
    moved = threading.Condition()

    def wait() -> None:
        for due in (NS, 2 * NS, 3 * NS):
            got = clock.wait_until(due)
            with moved:
                passed.append((due, got))
                moved.notify_all()

    def reached(count: int) -> bool:
        with moved:
            return moved.wait_for(lambda: len(passed) >= count, 30.0)

    thread = threading.Thread(target=wait)
    thread.start()
    assert clock.step() and reached(1)
    assert passed == [(NS, True)] and clock.now() == NS
    clock.set_rate(1000.0)
    clock.set_paused(False)
    assert reached(2) and reached(3)
    thread.join()
    assert passed[1:] == [(2 * NS, True), (3 * NS, True)]
    clock.set_paused(True)
    clock.hold(0)
    waiting = threading.Thread(target=lambda: passed.append(clock.wait_until(9 * NS)))
    waiting.start()
    clock.stop()
    waiting.join(30.0)
    assert passed[-1] is False and clock.stopped


def test_topics_are_chosen_as_ros2_bag_play_does(scene) -> None:
    image, people, actions = TOPICS
    with open_bag(scene()) as bag:
        for options, expected in (
            ({}, sorted(TOPICS)),
            ({"topics": ("image_raw", people)}, [image, people]),
            ({"regex": "s$"}, [actions, people]),
            ({"topics": ("image_raw",), "regex": "skel"}, [image, people]),
            ({"exclude_topics": ("image_raw",)}, [actions, people]),
            ({"exclude_regex": "image|skel"}, [actions]),
        ):
            assert chosen_topics(bag, PlayOptions(**options)) == tuple(expected)
        with pytest.raises(BagError, match=r"--topics 'camera'.*/robot/image_raw"):
            chosen_topics(bag, PlayOptions(topics=("camera",)))
        with pytest.raises(BagError, match="is left to play; its topics are /robot/actions"):
            chosen_topics(bag, PlayOptions(exclude_regex="."))
        with pytest.raises(ConfigurationError, match="no regular expression"):
            chosen_topics(bag, PlayOptions(regex="("))


def test_a_recorded_clock_gives_way_to_ours(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as writer:
        clock = writer.new("rosgraph_msgs/msg/Clock", clock=writer.time(START_NS))
        writer.write("/clock", "rosgraph_msgs/msg/Clock", START_NS, clock)
        writer.image("/image_raw", START_NS, picture(0))
    with open_bag(tmp_path / "bag") as bag:
        assert chosen_topics(bag, PlayOptions()) == ("/clock", "/image_raw")
        assert chosen_topics(bag, PlayOptions(clock_hz=40.0)) == ("/image_raw",)


def test_the_span_that_is_played(scene) -> None:
    with open_bag(scene()) as bag:
        last = stamp(FRAMES - 1) + 2
        for options, expected in (
            ({}, (START_NS, last + 1)),
            ({"start_offset_s": 0.5}, (stamp(5), last + 1)),
            ({"start_offset_s": 0.5, "playback_duration_s": 0.2}, (stamp(5), stamp(7) + 1)),
            ({"playback_until_ns": stamp(3)}, (START_NS, stamp(3) + 1)),
            # the later of both, as rosbag2 has it
            ({"playback_until_ns": stamp(3), "playback_duration_s": 0.4}, (START_NS, stamp(4) + 1)),
            ({"playback_duration_s": 1e6}, (START_NS, last + 1)),
        ):
            assert span(bag, PlayOptions(**options)) == expected
        with pytest.raises(ConfigurationError, match=r"the bag mcap_none lasts 1\.9 s"):
            span(bag, PlayOptions(start_offset_s=2.0))
        with pytest.raises(ConfigurationError, match="Nothing lies between"):
            span(bag, PlayOptions(playback_until_ns=START_NS - 1))


def test_a_recorder_that_began_before_its_clock_was_set(tmp_path: Path) -> None:
    today = 1_700_000_000 * 10**9
    with BagWriter(tmp_path / "bag") as writer:
        for log_ns in (5 * 10**9, today, today + 10**9):  # since 1970
            writer.image("/image_raw", log_ns, picture(0))
    with open_bag(tmp_path / "bag") as bag:
        start, stop = span(bag, PlayOptions(start_offset_s=1_699_999_995.0))
        assert (start, stop) == (today, today + 10**9 + 1)


def test_latched_messages_before_the_beginning_are_kept(tmp_path: Path) -> None:
    latched = TopicQos("reliable", "transient_local", "keep_last", 1)
    with BagWriter(tmp_path / "bag") as writer:
        for frame in range(15):
            clock = writer.new("rosgraph_msgs/msg/Clock", clock=writer.time(stamp(frame)))
            writer.write("/latched", "rosgraph_msgs/msg/Clock", stamp(frame), clock, [latched])
            writer.image("/image_raw", stamp(frame), picture(frame))
    with open_bag(tmp_path / "bag") as bag:
        found = latched_before(bag, tuple(bag.topics), stamp(12))
        assert [m.log_ns for m in found] == [stamp(frame) for frame in range(2, 12)]
        assert {m.topic for m in found} == {"/latched"}
        assert latched_before(bag, tuple(bag.topics), START_NS) == []


def test_reading_ahead_hands_on_errors() -> None:
    def broken() -> Iterator[RawMessage]:
        yield RawMessage("/a", "x/msg/X", 1, b"")
        raise BagError("gone")

    with ReadAhead(broken(), 10) as ahead:
        messages = iter(ahead)
        assert next(messages).log_ns == 1
        with pytest.raises(BagError, match="gone"):
            next(messages)


def test_remaps_are_checked() -> None:
    check_remaps(["/a:=/b", "image_raw:=x"])
    for wrong in ("/a", "/a:=", ":=/b", "/a=/b"):
        with pytest.raises(ConfigurationError, match=wrong):
            check_remaps([wrong])


def test_quality_of_service_in_all_its_spellings() -> None:
    numbers = (
        "- history: 1\n  depth: 5\n  reliability: 2\n  durability: 1\n"
        "  deadline: {sec: 1, nsec: 500}\n  lifespan: {sec: 9223372036, nsec: 854775807}\n"
        "  liveliness: 1\n  liveliness_lease_duration: {sec: 0, nsec: 0}\n"
    )
    expected = TopicQos(
        "best_effort", "transient_local", "keep_last", 5, NS + 500, 2**63 - 1, "automatic", 0
    )
    names = numbers.replace("history: 1", "history: keep_last").replace(
        "reliability: 2", "reliability: best_effort"
    ).replace("durability: 1", "durability: transient_local").replace(
        "liveliness: 1", "liveliness: automatic"
    )  # fmt: skip
    assert qos_of_text(numbers) == qos_of_text(names) == (expected,)
    for odd in ("", "5", "[", "- 7\n- {history: x}", "- {deadline: 3}"):
        assert all(qos.reliability == "unknown" for qos in qos_of_text(odd))
    found = qos_overrides("/image_raw:\n  reliability: best_effort\n  depth: 2", "f.yaml")
    assert found == {"/image_raw": TopicQos(reliability="best_effort", depth=2)}
    for wrong, word in (
        ("- 3", "no mapping"), ("/a: {reliable: true}", "unknown entry 'reliable'"),
        ("/a: {durability: forever}", "unknown durability 'forever'"), ("[", "f.yaml"),
        ("/a: 3", "f.yaml"),
    ):  # fmt: skip
        with pytest.raises(ConfigurationError, match=word):
            qos_overrides(wrong, "f.yaml")


@given(st.lists(st.lists(st.integers(0, 30), max_size=6).map(sorted), max_size=5))
def test_sources_are_merged_in_time(times: list[list[int]]) -> None:
    begun: list[int] = []

    def source(number: int) -> Iterator[RawMessage]:
        begun.append(number)
        for time in times[number]:
            yield RawMessage(str(number), "", time, b"")

    sources = [
        (mine[0] if mine else 0, lambda number=number: source(number))
        for number, mine in enumerate(times)
    ]
    found = [(m.log_ns, int(m.topic)) for m in merged(sources)]
    assert found == sorted((time, n) for n, mine in enumerate(times) for time in mine)
    assert sorted(begun) == list(range(len(times)))


def test_without_end_means_to_the_end(scene) -> None:
    with open_bag(scene()) as bag:
        whole = span(bag, PlayOptions())
        for seconds in (float("inf"), 1e300):
            assert span(bag, PlayOptions(playback_duration_s=seconds)) == whole
        with pytest.raises(ConfigurationError, match="Nothing lies between"):
            span(bag, PlayOptions(start_offset_s=1e300))
    clock = PlaybackClock(1.0, False)
    clock.stop()
    assert not clock.pass_real(1e300)
