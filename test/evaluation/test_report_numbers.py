from __future__ import annotations

import itertools
import math
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.evaluation.names import plain
from bharnet_ros.evaluation.report_html import markup, numbers


def test_figures_as_people_read_them() -> None:
    assert numbers.percent(0.93149) == "93.1 %" and numbers.percent(1.0, 0) == "100 %"
    assert [numbers.milliseconds(v) for v in (4.213, 42.13, 421.3)] == [
        "4.21 ms", "42.1 ms", "421 ms",
    ]  # fmt: skip
    assert numbers.seconds(-0.5) == "−0.50 s" and numbers.count(12345.0) == "12,345"
    shown = numbers.percent, numbers.decimal, numbers.seconds, numbers.milliseconds, numbers.count
    assert {f(v) for f in shown for v in (None, math.nan, math.inf)} == {"–"}


@pytest.mark.parametrize(("seconds", "digits", "text"), [
    (0, 0, "0:00"), (65.24, 1, "1:05.2"), (3599.96, 1, "1:00:00.0"), (3725, 0, "1:02:05"),
    (-1.5, 1, "−0:01.5"), (59.99, 0, "1:00"),
])  # fmt: skip
def test_clock(seconds: float, digits: int, text: str) -> None:
    assert numbers.clock(seconds, digits) == text


@pytest.mark.parametrize(("seconds", "text"), [
    (41.6, "42 s"), (60, "1 min"), (185, "3 min 5 s"), (7800, "2 h 10 min"), (7199, "2 h"),
])  # fmt: skip
def test_duration(seconds: float, text: str) -> None:
    assert numbers.duration(seconds) == text


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(3, 12))
def test_ticks_are_few_inside_and_evenly_spread(low: float, span: float, most: int) -> None:
    high = low + span
    found = numbers.ticks(low, high, most)
    assert len(found) <= most
    edge = 1e-6 * span + 1e-9 * abs(low)
    assert all(low - edge <= tick <= high + edge for tick in found)
    steps = [b - a for a, b in itertools.pairwise(found)]
    assert not steps or max(steps) == pytest.approx(min(steps), rel=1e-3)


@given(st.floats(0.01, 80_000.0), st.integers(2, 20))
def test_time_steps_give_no_more_ticks_than_asked_for(span_s: float, most: int) -> None:
    assert span_s / numbers.time_step(span_s, most) <= most


@given(st.text())
def test_shown_names_hold_nothing_to_obey(name: str) -> None:
    shown = plain(name)
    assert len(shown) == len(name) and plain(shown) == shown
    shown.encode("utf-8")
    assert not any(c in shown for c in "\x00\x1b\x07\x9b\u202e\u2066\n\r\ud800")


def test_names_of_other_scripts_stay_as_they_are() -> None:
    for name in ("手を振る", "привет", "نعم", "नमस्ते", "👩‍🚀 wave", "can't <stop> & go"):
        assert plain(name) == name


class Events(HTMLParser):
    """What a parser takes the markup for."""

    def __init__(self, written: str) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[object] = []
        self.words = ""
        self.feed(written)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(tag)

    def handle_comment(self, data: str) -> None:
        self.seen.append(data)

    def handle_data(self, data: str) -> None:
        self.words += data


@given(st.text(), st.text())
def test_elements_escape_text_and_attributes(text: str, value: str) -> None:
    written = markup.write(markup.tag("p", text, title=value)).removeprefix("<!DOCTYPE html>\n")
    parsed = Events(written)
    assert parsed.seen == [("p", [("title", plain(value))]), "p"]
    assert parsed.words == plain(text) + "\n"


def test_data_and_scripts_cannot_end_their_element() -> None:
    hostile = {"name": "</script><script>alert(1)</script><!--&"}
    element = markup.data("x", hostile)
    assert "<" not in (element.text or "") and "&" not in (element.text or "")
    with pytest.raises(ValueError, match="holds '</'"):
        markup.raw("script", "</script>")


def test_attribute_names_and_flags() -> None:
    written = markup.write(markup.tag("rect", class_="a", data_tip="b", viewbox="0 0 1 1", rx=2.0,
                                      hidden=True, open=False, title=None))  # fmt: skip
    assert 'class="a" data-tip="b" viewBox="0 0 1 1" rx="2" hidden=""' in written
    assert "open" not in written and "title" not in written
