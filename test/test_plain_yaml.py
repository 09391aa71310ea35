"""YAML of one's own: nothing that stands in a file is dropped or becomes something else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros import plain_yaml
from bharnet_ros.plain_yaml import load_names, load_once

Load = Callable[[str | bytes], Any]
REPOSITORY = Path(__file__).resolve().parents[1]
FILES = [
    path
    for folder in ("bharnet_ros", "training", "config")
    for path in sorted((REPOSITORY / folder).rglob("*.yaml"))
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped_files_hold_what_they_held(path: Path) -> None:
    text = path.read_text("utf-8")
    assert repr(load_once(text)) == repr(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3", "'a' is given twice: in line 1 and again in line 3"),
        ("x:\n- {b: 1, c: 2, b: 1}", "'b' is given twice: in line 2 and again in line 2"),
        ("x: {<<: {a: 1}, <<: {b: 1}}", "'<<' is given twice"),
    ],
)
@pytest.mark.parametrize("load", [load_once, load_names])
def test_a_key_that_is_given_twice_is_named_with_its_lines(
    load: Load, text: str, said: str
) -> None:
    with pytest.raises(yaml.YAMLError, match=said):
        load(text)


def test_keys_are_the_same_when_they_mean_the_same() -> None:
    for text in ("1: a\n0x1: b", "yes: a\ntrue: b"):
        with pytest.raises(yaml.YAMLError, match="given twice"):
            load_once(text)
    assert load_once("'1': a\n1: b") == {"1": "a", 1: "b"}
    assert load_names("yes: a\ntrue: b") == {"yes": "a", True: "b"}


@pytest.mark.parametrize("load", [load_once, load_names])
def test_merge_keys_and_aliases_may_bring_in_a_key_again(load: Load) -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: *a"
    assert load(text) == {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 2}, "c": {"x": 1, "y": 2}}
    # What is merged is spread out before it is looked at where it stands.
    text = "a: &a {x: 1}\nt: {d: {e: &e {<<: *a, x: 2}}, f: {<<: *e, x: 3}}"
    assert load(text)["t"] == {"d": {"e": {"x": 2}}, "f": {"x": 3}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("10", 10), ("-3", -3), ("true", True), ("false", False), ("~", None),
        ("", None), ("a:", {"a": None}),
    ],
)  # fmt: skip
def test_numbers_and_truth_values_among_names(text: str, value: object) -> None:
    assert load_names(text) == value


@pytest.mark.parametrize(
    "text",
    ["yes", "no", "on", "Off", "y", "True", "null", "010", "-0", "+1", "1_000", "0x1f", "1:30",
     "1.5", "34e17", ".inf", "2024-05-01", "='"],
)  # fmt: skip
def test_everything_else_among_names_is_text(text: str) -> None:
    assert load_names(text) == text


@pytest.mark.parametrize("load", [plain_yaml.load, load_once, load_names])
@pytest.mark.parametrize(
    "text",
    ["[" * 5000, "9" * 5000, "\0", b"\xff\xfe\0", "? [a]\n: 1", "? !!map x\n: 1", "a: [", "*a",
     "!!python/object/apply:os.getcwd []", "!!timestamp 2024-13-45", "!!int x"],
)  # fmt: skip
def test_what_cannot_be_read_is_a_yaml_error(load: Load, text: str | bytes) -> None:
    with pytest.raises(yaml.YAMLError):
        load(text)


@given(st.text(st.sampled_from("ab01:-?,[]{}&*!<~'\"#|> \n="), max_size=30))
def test_nothing_else_is_ever_raised(text: str) -> None:
    for load in (load_once, load_names):
        with contextlib.suppress(yaml.YAMLError):
            load(text)
