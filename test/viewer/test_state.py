"""What the page is told of people, events and nodes: the newest, bounded, whatever comes in."""

from __future__ import annotations

import json
import math

import pytest

from bharnet_ros.types import ActionState
from bharnet_ros.viewer.pictures import LINGER_S
from bharnet_ros.viewer.state import (
    MAX_EVENTS,
    MAX_NODES,
    MAX_PEOPLE,
    MAX_TEXT,
    NodeHealth,
    ViewState,
)

from .conftest import action, frame

START, END, NONE = ActionState.STARTED, ActionState.ENDED, ActionState.NONE


def test_people_and_how_long_an_action_lasted() -> None:
    state = ViewState()
    state.put_actions(frame(10.0, action(1, START), action(2, NONE, "")))
    state.put_actions(frame(12.5, action(1, END)))
    news = state.wait(0, 0.0)
    assert news is not None
    assert [(p["id"], p["state"]) for p in news["people"]] == [(1, "ended")]
    assert news["people"][0]["hypotheses"] == [["wave", 0.9], ["stop", 0.05]]
    told = [(event["state"], event["lasted_s"]) for event in news["events"]]
    assert told == [("started", None), ("ended", 2.5)]
    assert news["people_age_s"] < 5.0
    assert state.wait(news["version"], 0.0) is None


def test_a_stamp_that_jumped_back_gives_no_negative_time() -> None:
    state = ViewState()
    state.put_actions(frame(100.0, action(1, START)))
    state.put_actions(frame(3.0, action(1, END)))
    news = state.wait(0, 0.0)
    assert news is not None and news["events"][-1]["lasted_s"] is None


def test_everything_is_bounded() -> None:
    state = ViewState()
    for number in range(60):
        crowd = [action(t, START, f"class {number} " + "x" * 1000) for t in range(100)]
        state.put_actions(frame(number, *crowd))
    values = [("k" * 1000, "v" * 100_000)] * 500
    state.put_nodes([NodeHealth(f"node {n}" * 200, 0, "m" * 10_000, values) for n in range(100)])
    state.notice("n" * 10_000)
    news = state.wait(0, 0.0)
    assert news is not None
    assert (len(news["people"]), len(news["events"])) == (MAX_PEOPLE, MAX_EVENTS)
    assert len(news["nodes"]) <= MAX_NODES
    assert max(len(e["label"]) for e in news["events"]) == MAX_TEXT
    assert len(json.dumps(news)) < 4_000_000


def test_numbers_that_are_none_become_zero() -> None:
    state = ViewState()
    state.put_actions(frame(1.0, action(1, score=math.nan), action(2, score=math.inf)))
    news = state.wait(0, 0.0)
    text = json.dumps(news, allow_nan=False)
    assert json.loads(text)["people"][0]["hypotheses"][0] == ["wave", 0.0]


def test_nodes_are_replaced_by_name() -> None:
    state = ViewState()
    state.put_nodes([NodeHealth("robot/pose_estimator", 1, "slow", [("state", "active")])])
    state.put_nodes([NodeHealth("robot/pose_estimator", 0, "fine", [])])
    news = state.wait(0, 0.0)
    assert news is not None
    assert [(n["name"], n["level"], n["message"]) for n in news["nodes"]] == [
        ("robot/pose_estimator", 0, "fine")
    ]


def test_forgetting_leaves_nothing_behind() -> None:
    state = ViewState()
    state.put_actions(frame(1.0, action(1, START)))
    state.notice("gone")
    state.forget()
    news = state.wait(0, 0.0)
    assert news is not None
    assert (news["people"], news["events"], news["nodes"], news["notice"]) == ([], [], [], "")
    assert news["people_age_s"] is None


def test_who_asks_for_news_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("bharnet_ros.viewer.state.time.monotonic", lambda: now[0])
    state = ViewState()
    assert not state.is_watched()
    assert state.wait(0, 0.0) is not None and state.is_watched()
    now[0] += LINGER_S + 0.1
    assert not state.is_watched()
