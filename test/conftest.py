"""Fixtures for all tests: recorded data, the built messages, a browser, where they are at hand."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from benchmarks.ros_domains import claim

REPOSITORY = Path(__file__).resolve().parents[1]

# What several folders share is imported by its plain name (`test` may be Python's own package).
sys.path += [str(REPOSITORY / "test" / folder) for folder in ("pose", "models_store")]

# Run without `make test` (a plain `pytest` in the source tree): the generated messages are in the
# install folder, if the package was built at all.
_LIBRARIES = REPOSITORY / "install" / "bharnet_ros" / "lib"
for _found in sorted(_LIBRARIES.glob("python3*/site-packages")):
    if str(_found) not in sys.path:
        sys.path.append(str(_found))
        os.environ["PYTHONPATH"] = os.pathsep.join(
            filter(None, [os.environ.get("PYTHONPATH"), str(_found)])
        )


def pytest_configure(config: pytest.Config) -> None:
    """Everything this process starts is in a ROS domain of its own, on this machine alone."""
    distributes = getattr(config.option, "dist", "no") != "no"
    if hasattr(config, "workerinput") or not distributes:  # its workers have one each
        os.environ["ROS_DOMAIN_ID"] = str(claim())
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"


# Speed on a busy machine says nothing about right or wrong.
settings.register_profile(
    "bharnet", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.load_profile("bharnet")

_LONGEST = (
    "test_first_light.py", "pose/mediapipe/test_photographs.py", "training/models/test_parity.py",
    "labelling/test_page.py", "training/test_teach_tutorial.py", "test_gestures_bundle.py",
    "training/describing/test_making.py", "demo/",
)  # fmt: skip
"""Begun first (with --no-loadscope-reorder), so that no worker sits alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; within files and among the others the order stays."""

    def rank(item: pytest.Item) -> int:
        name = item.path.relative_to(REPOSITORY / "test").as_posix()
        return next((i for i, p in enumerate(_LONGEST) if name.startswith(p)), len(_LONGEST))

    items.sort(key=rank)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Recorded videos and references that are not part of the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the recorded data (../shared/data beside the repository) is not here")
    return folder


_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium (playwright's `Browser`) to look at pages with.

    BHARNET_BROWSER names its program; otherwise it is looked for on the PATH.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, _BROWSERS)), "")
    program = os.environ.get("BHARNET_BROWSER", found)
    if not program:
        pytest.skip("no Chromium on the PATH (apt-get install chromium) or in BHARNET_BROWSER")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program)
        yield running
        running.close()
