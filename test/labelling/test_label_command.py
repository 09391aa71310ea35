"""The sub-command: where labels go, which classes are offered, what is refused."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from bharnet_ros import label_command
from bharnet_ros.bundle import load_bundle
from bharnet_ros.errors import BundleError, ConfigurationError, LabelError
from bharnet_ros.labelling import default_labels_path
from bharnet_ros.labelling.server import LabelServer


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    label_command.register(parser.add_subparsers())
    return parser.parse_args(["label", *arguments])


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody pressed Ctrl-C at once."""

    def interrupt(_: LabelServer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LabelServer, "serve_forever", interrupt)


def test_it_says_where_and_ends_with_ctrl_c(
    write_bag: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    bag = write_bag(count=3)
    assert label_command.run(options(str(bag), "--no_browser", "--port", "0")) == 0
    said = capsys.readouterr().out
    assert f"labels: {bag}/labels.csv (0 segments)" in said
    assert "http://127.0.0.1:" in said


def test_an_open_address_is_warned_about(
    write_bag: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    label_command.run(options(str(write_bag(count=3)), "--host", "0.0.0.0", "--port", "0"))  # noqa: S104
    said = capsys.readouterr()
    assert "can be reached from the network" in said.err
    assert "browser: http://" in said.out and "http://0.0.0.0" not in said.out  # nobody's address


def test_labels_of_another_tool_are_imported(
    write_bag: Callable[..., Path], tmp_path: Path
) -> None:
    bag = write_bag(count=30)
    (tmp_path / "old.csv").write_text("start,end,label\n0.5,1.5,wave\n")
    arguments = [str(bag), "--no_browser", "--port", "0", "--import", str(tmp_path / "old.csv")]
    label_command.run(options(*arguments))
    assert "0.5,1.5,wave" in (bag / "labels.csv").read_text()
    with pytest.raises(LabelError, match="already"):
        label_command.run(options(*arguments))


def test_what_cannot_be_is_said_before_it_starts(
    write_bag: Callable[..., Path], tmp_path: Path
) -> None:
    bag = str(write_bag(count=3))
    with pytest.raises(ConfigurationError, match="--import"):
        label_command.run(options(bag, "--labels", "old.eaf"))
    with pytest.raises(ConfigurationError, match="nowhere"):
        label_command.run(options(bag, "--labels", str(tmp_path / "nowhere" / "labels.csv")))
    with pytest.raises(BundleError, match="nonesuch"):
        label_command.run(options(bag, "--bundle", "nonesuch"))
    (tmp_path / "wrong.csv").write_text("start,end,label\n100,101,wave\n")
    with pytest.raises(LabelError, match="outside"):
        label_command.run(options(bag, "--labels", str(tmp_path / "wrong.csv")))


def test_classes_in_the_order_of_their_keys() -> None:
    names = label_command._class_names("bow, wave,bow", "gestures")
    manifest = load_bundle("gestures").manifest
    assert names[:2] == ("bow", "wave")
    assert set(names) == {"bow", *manifest.class_names}
    assert names[-2:] == (manifest.background_class, manifest.unknown_class)


def test_labels_lie_in_the_bag_s_folder_or_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "walk").mkdir()
    assert default_labels_path(tmp_path / "walk") == tmp_path / "walk" / "labels.csv"
    assert default_labels_path(tmp_path / "walk.mcap") == tmp_path / "walk.labels.csv"


@pytest.mark.parametrize("more", [("--pose_backend", "rtmpose"), ("--output", "somewhere")])
def test_what_is_only_for_estimating_is_no_silent_wish(
    write_bag: Callable[..., Path], more: tuple[str, str]
) -> None:
    with pytest.raises(ConfigurationError, match=f"{more[0]} needs --estimate"):
        label_command.run(options(str(write_bag(count=2)), *more))
