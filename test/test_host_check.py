"""requirements/check_host.sh: says what a machine lacks before anything is installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parents[1] / "requirements" / "check_host.sh"


def check(folder: Path, python: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The check on a machine that has a compiler, cmake and a Python of this name."""
    header = folder / "include" / "Python.h"
    header.parent.mkdir(parents=True, exist_ok=True)
    header.touch()
    answers = f"""#!/bin/sh
case "$2" in
  *version_info*) echo {python} ;;
  *include*) echo {header.parent} ;;
esac
"""
    for name, text in {python: answers, "cmake": "#!/bin/sh\n", "g++": "#!/bin/sh\n"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", CHECK, python],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin", **environment},
    )


@pytest.mark.parametrize("python", ["python3.11", "python3.12", "python3.13", "python3.14"])
def test_every_python_with_wheels_will_do(tmp_path: Path, python: str) -> None:
    done = check(tmp_path, python)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("python", ["python3.9", "python3.10", "python3.15"])
def test_another_python_is_named_with_the_remedy(tmp_path: Path, python: str) -> None:
    done = check(tmp_path, python)
    assert done.returncode == 1
    assert f"{python} is {python}" in done.stderr
    assert "3.11 to 3.14" in done.stderr and "PYTHON=" in done.stderr


def test_a_sourced_ros_brings_its_own_python(tmp_path: Path) -> None:
    (tmp_path / "colcon").symlink_to("/bin/true")
    assert check(tmp_path, "python3.10", ROS_DISTRO="rolling").returncode == 0


def test_what_is_missing_is_named_with_the_command(tmp_path: Path) -> None:
    done = check(tmp_path, "python3.12", ROS_DISTRO="jazzy")
    if (Path("/usr/bin/colcon")).exists():
        pytest.skip("a colcon is installed on this machine")
    assert done.returncode == 1
    assert "sudo apt install python3-colcon-common-extensions" in done.stderr


def test_missing_headers_are_named(tmp_path: Path) -> None:
    check(tmp_path, "python3.12")
    (tmp_path / "include" / "Python.h").unlink()
    done = subprocess.run(
        ["/bin/sh", CHECK, "python3.12"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin"},
    )
    assert done.returncode == 1
    assert "python3.12-dev" in done.stderr and "python3.12-venv" not in done.stderr
