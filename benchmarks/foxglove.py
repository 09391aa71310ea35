"""Opens config/foxglove_layout.json in Foxglove Studio and says which panels show data.

    python -m benchmarks.foxglove FOLDER [--recording FILE.mcap] [--picture FILE.jpg]

Needs node, npm and Chromium. FOLDER: where `npm install` puts Foxglove Studio (180 MB, MPL-2.0,
version 1.48.0, the last one on npm) unless it is there already. The page is served to this machine
only. Without --recording the graph is started with the simulated camera and every topic that the
layout names is recorded. The layout is imported with Studio's own menu, the recording played to
its end. Ends with status 1 if a panel is empty or Studio marks a setting.

Studio 1.48 knows the panel `Image` by its former name; nothing else of the layout is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.foxglove_files import (
    PAGE,
    STUDIO,
    Files,
    read_layout,
    topics,
    with_former_image_panels,
)
from benchmarks.foxglove_panels import Panel, Studio, StudioError
from bharnet_ros.errors import BackendUnavailable, BharnetError
from bharnet_ros.web.server import WebServer

LAYOUT = Path(__file__).resolve().parents[1] / "config" / "foxglove_layout.json"
DOMAIN = 101
"""Away from the domains of tests and of the other benchmarks; the last that Linux has ports for."""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Panels in space need WebGL, which Chromium has without a graphics card too.
_WEBGL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
          "--ignore-gpu-blocklist")  # fmt: skip
# Nobody publishes transforms here: markers upright in a frame of their own.
_PARAMETERS = """/**/visualizer:
  ros__parameters: {markers_frame: camera_upright}
/**/simulated_camera:
  ros__parameters: {rate_hz: 6.0}
"""
_WIDTH, _HEIGHT = 1400, 900
_END_S = 15.0
_SLOWER = 6.0
"""A busy machine may play a recording so many times slower than it was recorded."""


def program(names: Sequence[str], remedy: str) -> str:
    """The path of the first of these programs. Raises BackendUnavailable."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise BackendUnavailable(f"There is no {names[0]} on the PATH; {remedy}.")
    return found


def versions(page: Path = PAGE) -> dict[str, str]:
    """What npm is to install: package -> exact version."""
    wanted: dict[str, str] = json.loads((page / "package.json").read_text("utf-8"))["dependencies"]
    return wanted


def install(folder: Path, npm: str) -> Path:
    """The folder node_modules in `folder`, made by npm if it lacks something."""
    modules = folder / "node_modules"
    wanted = versions()
    if all(_installed(modules / name) == version for name, version in wanted.items()):
        print(f"Foxglove Studio {wanted[STUDIO]} is in {modules}.")
        return modules
    names = ", ".join(f"{name} {version}" for name, version in wanted.items())
    print(f"npm downloads {names} to {modules} (180 MB) ...", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(PAGE / "package.json", folder / "package.json")
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
    done = subprocess.run(
        [npm, "install", *quiet], cwd=folder, check=False, capture_output=True, text=True
    )
    if done.returncode:
        said = done.stderr.strip()[-500:]
        raise BackendUnavailable(f"npm install failed in {folder}: {said}")
    return modules


def _installed(module: Path) -> str:
    try:
        return str(json.loads((module / "package.json").read_text("utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        return ""


def record(folder: Path, names: Sequence[str], seconds: float, domain: int = DOMAIN) -> Path:
    """The graph on the simulated camera, recorded; the MCAP file. Raises StudioError."""
    bag, params = folder / "recording", folder / "params.yaml"
    shutil.rmtree(bag, ignore_errors=True)
    params.write_text(_PARAMETERS, "utf-8")
    place = {"ROS_DOMAIN_ID": str(domain), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    environment = {**os.environ, **place}
    command = [sys.executable, "-m", "bharnet_ros"]
    source = ["--input", "simulated", "--params_file", str(params)]
    print(f"Recording the running graph for {seconds:.0f} s ...", flush=True)
    graph = subprocess.Popen([*command, "recognize", *source], env=environment)
    try:
        until = ["--duration_s", str(seconds), "--topics", *names]
        done = subprocess.run([*command, "record", str(bag), *until], env=environment, check=False)
    finally:
        graph.send_signal(signal.SIGINT)
        graph.wait(_END_S)
    found = sorted(bag.glob("*.mcap"))
    if done.returncode or not found:
        raise StudioError("The recording failed; what the nodes said is above.")
    return found[0]


def look(
    files: Files, layout: Mapping[str, Any], browser: str, picture: Path | None, limit_s: float
) -> tuple[list[Panel], list[str]]:
    """Panels, and what Studio marks as wrong. Raises StudioError, BackendUnavailable."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise BackendUnavailable("playwright is missing; pip install playwright.") from error
    server = WebServer(files, "127.0.0.1", (0,))
    server.start()
    address = server.address("").removesuffix("#")
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser, args=[*_WEBGL])
            page = chromium.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
            # Nothing but this machine is asked for anything.
            page.route(lambda url: not url.startswith(address), lambda route: route.abort())
            studio = Studio(page, layout)
            lacking = studio.open(address, topics(layout))
            studio.import_layout()
            studio.play(limit_s)
            if picture is not None:
                studio.save(picture)
            panels = studio.judge()
            problems = [f"The recording has no {topic}." for topic in lacking]
            problems += studio.settings_problems()
            chromium.close()
            return panels, problems
    finally:
        server.stop()


def report(panels: Sequence[Panel], problems: Sequence[str]) -> str:
    """A line for each panel, and what else is wrong."""
    lines = [
        f"{panel.name:28s} {'EMPTY: ' + panel.problem if panel.problem else 'shows data'}"
        for panel in panels
    ]
    lines += [f"PROBLEM: {each}" for each in problems]
    full = sum(not panel.problem for panel in panels)
    return "\n".join([*lines, f"{full} of {len(panels)} panels show data."])


def main(arguments: Sequence[str] | None = None) -> int:
    """See above; the exit status."""
    summary = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.foxglove", description=summary)
    parser.add_argument("folder", type=Path, help="for Studio and the recording")
    parser.add_argument("--layout", type=Path, default=LAYOUT)
    parser.add_argument("--recording", type=Path, help="an MCAP file (default: record one)")
    parser.add_argument("--seconds", type=float, default=45.0, help="how long to record")
    parser.add_argument("--picture", type=Path, help="where to save what was seen, as JPEG")
    parser.add_argument("--domain", type=int, default=DOMAIN, help="ROS_DOMAIN_ID while recording")
    options = parser.parse_args(arguments)
    try:
        layout = with_former_image_panels(read_layout(options.layout))
        program(("node",), "install Node.js 18 or newer")
        npm = program(("npm",), "it comes with Node.js")
        named = os.environ.get("BHARNET_BROWSER")
        browser = named or program(
            _BROWSERS, "apt-get install chromium, or name it in BHARNET_BROWSER"
        )
        modules = install(options.folder.resolve(), npm)
        names = topics(read_layout(options.layout))
        recording = options.recording or record(
            options.folder.resolve(), names, options.seconds, options.domain
        )
        files = Files(modules, layout, recording)
        limit_s = 60.0 + _SLOWER * options.seconds
        panels, problems = look(files, layout, browser, options.picture, limit_s)
    except BharnetError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Foxglove Studio {versions()[STUDIO]}")
    print(report(panels, problems))
    return int(bool(problems) or any(panel.problem for panel in panels))


if __name__ == "__main__":
    sys.exit(main())
