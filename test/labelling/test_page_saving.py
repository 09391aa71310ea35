"""The page when saving is not simple: other tabs, full disks, killed servers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bharnet_ros.evaluation.truth import Labels, load_labels, save_labels

from .conftest import until

ORIGIN_NS = 1_700_000_000_123_456_789
END_NS = ORIGIN_NS + 5_900_000_000


def labels_of(path: Path) -> list[str]:
    """The classes of all saved segments, by time."""
    if not path.exists():
        return []
    return [s.label for s in load_labels(path, ORIGIN_NS, END_NS).segments]


def opened(context: Any, url: str) -> Any:
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("body[data-ready]")
    page.wait_for_selector("#save")
    return page


def mark(page: Any, key: str, skip: int = 0) -> None:
    """A segment of 0.2 s that begins `skip` tenths of a second later."""
    right = "ArrowRight"
    for pressed in [*[right] * skip, key, "i", right, right, "o", right]:
        page.keyboard.press(pressed)


def count(page: Any, number: int) -> None:
    page.locator("#list .row").nth(number - 1).wait_for()
    assert page.locator("#list .row").count() == number


def test_a_clean_tab_follows_the_other(serve: Callable[..., Any], context: Any) -> None:
    served = serve()
    first, second = opened(context, served.url), opened(context, served.url)
    mark(first, "1")
    first.wait_for_selector("#save.saved")
    count(second, 1)
    mark(second, "2", 3)
    second.wait_for_selector("#save.saved")
    count(first, 2)
    assert labels_of(served.labels) == ["wave", "stop"]


@pytest.mark.parametrize("choice", ["#use-theirs", "#keep-mine"])
def test_a_conflict_is_shown_and_the_user_chooses(
    serve: Callable[..., Any], context: Any, choice: str
) -> None:
    served = serve()
    page = opened(context, served.url)
    mark(page, "1")
    page.wait_for_selector("#save.saved")
    save_labels(served.labels, Labels((), ORIGIN_NS))  # an editor, a colleague
    mark(page, "2", 2)
    page.wait_for_selector("#conflict[open]")
    assert "nothing was overwritten" in page.inner_text("#conflict-why")
    assert labels_of(served.labels) == []
    page.keyboard.press("Escape")  # a choice is needed
    assert page.locator("#conflict").is_visible()
    page.click(choice)
    page.wait_for_selector("#save.saved")
    mine = choice == "#keep-mine"
    assert labels_of(served.labels) == (["wave", "stop"] if mine else [])
    assert page.locator("#list .row").count() == (2 if mine else 0)


def test_a_full_disk_is_said_loudly_and_nothing_is_lost(
    serve: Callable[..., Any], context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve()
    page = opened(context, served.url)
    mark(page, "1")
    page.wait_for_selector("#save.saved")
    full = [True]
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if full[0]:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr("os.fsync", fsync)
    mark(page, "2", 2)
    page.wait_for_selector("#save.failed")
    assert "disk is full" in page.inner_text("#banner")
    assert "NOT SAVED" in page.title()
    assert labels_of(served.labels) == ["wave"]
    with page.expect_download() as download:
        page.click("text=Download a copy")
    copy = Path(download.value.path()).with_suffix(".csv")
    Path(download.value.path()).rename(copy)
    assert labels_of(copy) == ["wave", "stop"]
    page.reload()  # the browser kept it
    count(page, 2)
    page.wait_for_selector("#save.failed")
    full[0] = False
    page.click("#save-now")
    page.wait_for_selector("#save.saved")
    assert not page.locator("#banner").is_visible()
    assert labels_of(served.labels) == ["wave", "stop"]


def test_a_long_reason_leaves_the_way_out_in_view(
    serve: Callable[..., Any], context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path has no spaces to break at."""

    def refuse(path: Path, *_: Any) -> None:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr("bharnet_ros.labelling.document.save_labels", refuse)
    monkeypatch.setattr(
        "bharnet_ros.labelling.document.LabelDocument._why",
        lambda self, error: f"/{'of_the_kitchen/' * 12}labels.csv cannot be written",
    )
    page = opened(context, serve().url)
    mark(page, "1")
    page.wait_for_selector("#save.failed")
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 740})
        box = page.locator("text=Download a copy").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width


def test_a_closed_tab_s_labels_come_back_in_the_next(
    serve: Callable[..., Any], context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve()
    page = opened(context, served.url)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        mark(page, "1")
        page.wait_for_selector("#save.failed")
        page.close()
    page = opened(context, served.url)
    page.wait_for_selector("#save.saved")
    count(page, 1)
    assert labels_of(served.labels) == ["wave"]


def test_a_server_that_was_killed_and_started_again_gets_what_was_not_saved(
    write_bag: Callable[..., Path], label_process: Callable[..., Any], context: Any
) -> None:
    bag = write_bag()
    server = label_process(bag, "--classes", "wave,stop", "--port", "0")
    page = opened(context, server.url)
    mark(page, "1")
    page.wait_for_selector("#save.saved")
    server.kill()
    mark(page, "2", 2)
    page.wait_for_selector("#save.failed")
    assert "does not answer" in page.inner_text("#banner")
    again = label_process(bag, "--classes", "wave,stop", "--port", str(server.port))
    page.wait_for_selector("#save.closed")
    assert "started again" in page.inner_text("#banner")
    assert labels_of(bag / "labels.csv") == ["wave"]
    page.goto(again.url)  # only what follows # differs
    page.wait_for_selector("#save.saved")
    count(page, 2)
    # The page says "saved" before it has found what the last one left.
    until(lambda: labels_of(bag / "labels.csv") == ["wave", "stop"])


@pytest.mark.parametrize("fragment", ["", "#another", "#the…", "#the%zz"])
def test_without_the_token_the_page_says_so(
    serve: Callable[..., Any], context: Any, fragment: str
) -> None:
    page = context.new_page()
    page.goto(serve().url.split("#")[0] + fragment)
    page.wait_for_selector("#banner:visible")
    assert "open the address" in page.inner_text("#banner")
