from __future__ import annotations

import copy
import json
import re
import subprocess
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import foxglove
from benchmarks.foxglove_files import (
    PAGE,
    Files,
    read_layout,
    topics,
    with_former_image_panels,
)
from benchmarks.foxglove_panels import Panel, changed_pixels, colourful_pixels, problem
from bharnet_ros.errors import BackendUnavailable, ConfigurationError
from bharnet_ros.web.messages import Request


@pytest.fixture
def layout() -> dict[str, Any]:
    return read_layout(foxglove.LAYOUT)


def test_everything_the_layout_names_is_recorded(layout: dict[str, Any]) -> None:
    assert topics(layout) == [
        "/action_recognizer/statistics", "/actions", "/diagnostics", "/image_annotated",
        "/markers", "/pose_estimator/statistics", "/rosout",
    ]  # fmt: skip


def test_only_image_panels_are_others_in_studio_1_48(layout: dict[str, Any]) -> None:
    before = copy.deepcopy(layout)
    former = with_former_image_panels(layout)
    assert layout == before
    image = former["configById"].pop("ImageViewPanel!people")
    assert image["cameraTopic"] == layout["configById"]["Image!people"]["imageMode"]["imageTopic"]
    assert image["foxglovePanelTitle"] == "Annotated image"
    del before["configById"]["Image!people"]
    assert former["configById"] == before["configById"]
    mosaic = json.dumps(before["layout"]).replace("Image!people", "ImageViewPanel!people")
    assert json.dumps(former["layout"]) == mosaic


@pytest.mark.parametrize("text", ["{", "[]", '{"layout": "Plot!a"}'])
def test_what_is_no_layout_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=r"a\.json"):
        read_layout(tmp_path / "a.json")
    with pytest.raises(ConfigurationError, match=r"b\.json"):
        read_layout(tmp_path / "b.json")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    modules = tmp_path / "node_modules"
    for name in re.findall(r'"/modules/([^"]+)"', (PAGE / "index.html").read_text("utf-8")):
        (modules / name).parent.mkdir(parents=True, exist_ok=True)
        (modules / name).write_bytes(name.encode())
    (modules / "@foxglove/studio-base/assets/1.wasm").write_bytes(b"wasm")
    (tmp_path / "a.mcap").write_bytes(bytes(range(100)))
    return Files(modules, {"layout": "Plot!a"}, tmp_path / "a.mcap")


def test_the_page_gets_all_it_asks_for_and_nothing_else(files: Files) -> None:
    def status(path: str, method: str = "GET") -> int:
        return files.respond(Request(method, path)).status

    text = (PAGE / "index.html").read_text("utf-8") + (PAGE / "page.js").read_text("utf-8")
    asked = set(re.findall(r'"(/[\w@./-]+)"', text))
    assert len(asked) == 6 and all(status(path) == HTTPStatus.OK for path in asked)
    wasm = files.respond(Request("GET", "/modules/@foxglove/studio-base/assets/1.wasm"))
    assert wasm.body == b"wasm" and wasm.headers["Content-Type"] == "application/wasm"
    assert json.loads(files.respond(Request("GET", "/foxglove_layout.json")).body)
    for path in ("/a.mcap", "/modules/../a.mcap", "/modules/react/../../a.mcap", "/package.json"):
        assert status(path) == HTTPStatus.NOT_FOUND
    assert status("/", "POST") == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=90-", 90, 99), ("bytes=95-500", 95, 99)],
)
def test_parts_of_a_recording_are_served(files: Files, asked: str, first: int, last: int) -> None:
    part = files.respond(Request("GET", "/recording.mcap", "", {"range": asked}))
    assert part.status == HTTPStatus.PARTIAL_CONTENT
    assert part.body == bytes(range(first, last + 1))
    assert part.headers["Content-Range"] == f"bytes {first}-{last}/100"


def test_a_recording_is_served_whole_and_not_beyond_its_end(files: Files) -> None:
    for headers in ({}, {"range": "lines=1-2"}):
        assert len(files.respond(Request("GET", "/recording.mcap", "", headers)).body) == 100
    beyond = files.respond(Request("GET", "/recording.mcap", "", {"range": "bytes=100-"}))
    assert beyond.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


def test_what_npm_did_not_install_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"studio-base/assets/index\.js"):
        Files(tmp_path, {}, tmp_path)


def picture(colour: tuple[int, int, int], at: int = 0) -> Any:
    made = np.full((40, 60, 3), 90, np.uint8)
    made[at : at + 10, :20] = colour
    return made


GRID, BLUE, MOVED = picture((200, 200, 200)), picture((230, 90, 20)), picture((230, 90, 20), 20)


def test_grids_are_grey_and_people_move() -> None:
    assert (colourful_pixels(GRID), colourful_pixels(BLUE)) == (0, 200)
    assert changed_pixels(BLUE, BLUE) == 0 and changed_pixels(BLUE, MOVED) == 400
    assert changed_pixels(BLUE, BLUE[:20]) == 20 * 60


STATUS = {"selectedHardwareId": "robot", "selectedName": "eye"}


@pytest.mark.parametrize(
    ("kind", "config", "text", "pictures", "why"),
    [
        ("Plot", {}, "", [GRID, BLUE], ""),
        ("Plot", {}, "", [GRID], "nothing is drawn but its grid"),
        ("StateTransitions", {}, "action", [], "it draws nothing"),
        ("3D", {}, "", [BLUE, MOVED], ""),
        ("3D", {}, "", [BLUE, BLUE], "does not change"),
        ("Image", {}, "", [BLUE], "does not change"),
        ("Image", {}, "Waiting for \n /image_annotated", [], "Waiting for /image_annotated"),
        ("RosOut", {}, "[ INFO][8:12 AM][eye]: open", [], ""),
        ("RosOut", {}, ">= INFO", [], "no line of the log"),
        ("DiagnosticSummary", {"hardwareIdFilter": "robot"}, "robot: eye\nopen", [], ""),
        ("DiagnosticSummary", {"hardwareIdFilter": "robot"}, "arm: eye", [], "no node"),
        ("DiagnosticStatusPanel", STATUS, "robot: eye\nstate\nactive", [], ""),
        ("DiagnosticStatusPanel", STATUS, "robot: ear\nstate\nactive", [], "nothing of robot: eye"),
        ("Gauge", {}, "", [], "kind Gauge"),
    ],
)
def test_a_panel_without_data_is_told_from_one_with(
    kind: str, config: dict[str, Any], text: str, pictures: list[Any], why: str
) -> None:
    found = problem(kind, config, text, pictures)
    assert found == why if not why else why in found


def test_rows_out_of_sight_are_a_problem() -> None:
    config = {"hardwareIdFilter": "robot"}
    found = problem("DiagnosticSummary", config, "robot: eye\nrobot: arm", [], ["robot: arm"])
    assert found == "robot: arm out of sight"


def test_the_report_has_a_line_for_each_panel() -> None:
    text = foxglove.report([Panel("Plot!a", "A"), Panel("3D!b", "B", "it draws nothing")], ["x"])
    lines = text.splitlines()
    assert lines[0].split(maxsplit=1) == ["Plot!a", "shows data"]
    assert lines[1].split(maxsplit=1) == ["3D!b", "EMPTY: it draws nothing"]
    assert lines[2:] == ["PROBLEM: x", "1 of 2 panels show data."]


def test_versions_are_exact() -> None:
    assert set(foxglove.versions()) == {"@foxglove/studio-base", "react", "react-dom"}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", each) for each in foxglove.versions().values())


def test_a_missing_program_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert foxglove.main([str(tmp_path)]) == 2
    assert "There is no node on the PATH; install Node.js" in capsys.readouterr().err


def test_a_download_is_said_before_and_done_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[list[str]] = []

    def npm(command: list[str], cwd: Path, **_: Any) -> subprocess.CompletedProcess[str]:
        assert "npm downloads @foxglove/studio-base 1.48.0" in capsys.readouterr().out
        wanted = json.loads((cwd / "package.json").read_text("utf-8"))["dependencies"]
        for name, version in wanted.items():
            folder = cwd / "node_modules" / name
            folder.mkdir(parents=True)
            (folder / "package.json").write_text(json.dumps({"version": version}), "utf-8")
        calls.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", npm)
    folder = tmp_path / "studio"
    assert foxglove.install(folder, "npm") == foxglove.install(folder, "npm")
    assert len(calls) == 1 and "--ignore-scripts" in calls[0]


def test_what_npm_says_when_it_fails_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def npm(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "no such registry")

    monkeypatch.setattr(subprocess, "run", npm)
    with pytest.raises(BackendUnavailable, match="no such registry"):
        foxglove.install(tmp_path, "npm")
