"""Test sessions at the same time have ROS domains of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import executables, lifecycle_memory
from benchmarks.ros_domains import FIRST, LAST, claim, is_claimed, release, second

CLAIMING = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from benchmarks.ros_domains import claim
os.getpid = lambda: 7  # as process numbers of which one is that of the other plus 101
print(claim(Path(sys.argv[2])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def claimed(tmp_path: Path) -> Iterator[list[int]]:
    """What a test claims, given back after it."""
    domains: list[int] = []
    yield domains
    for domain in domains:
        release(domain, tmp_path)


def claiming(folder: Path) -> subprocess.Popen[str]:
    place = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", CLAIMING, place, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_processes_of_the_same_number_get_domains_of_their_own(tmp_path: Path) -> None:
    processes = [claiming(tmp_path) for _ in range(4)]
    try:
        domains = [int(process.stdout.readline()) for process in processes]  # type: ignore[union-attr]
        assert len(set(domains)) == 4 and all(FIRST <= domain <= LAST for domain in domains)
        # However a process ends, its domain is free again.
        processes[0].kill()
        processes[0].wait()
        again = claiming(tmp_path)
        processes.append(again)
        assert int(again.stdout.readline()) == domains[0]  # type: ignore[union-attr]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_every_domain_once_and_then_a_sentence(tmp_path: Path, claimed: list[int]) -> None:
    claimed += [claim(tmp_path) for _ in range(FIRST, LAST + 1)]
    assert sorted(claimed) == list(range(FIRST, LAST + 1))
    with pytest.raises(RuntimeError, match="All ROS domains from 1 to 101 are taken"):
        claim(tmp_path)
    free = claimed.pop(50)
    release(free, tmp_path)
    claimed.append(claim(tmp_path))
    assert claimed[-1] == free


def test_a_lock_file_that_cannot_be_opened_is_somebody_elses(
    tmp_path: Path, claimed: list[int]
) -> None:
    first = FIRST + os.getpid() % (LAST - FIRST + 1)
    (tmp_path / f"bharnet_ros_domain_{first}.lock").symlink_to("/nowhere/at/all")
    claimed.append(claim(tmp_path))
    assert claimed[0] != first


def test_this_session_and_its_children_are_in_a_claimed_domain() -> None:
    domain = int(os.environ["ROS_DOMAIN_ID"])
    assert is_claimed(domain) and is_claimed(second()) and domain != second()
    told = subprocess.run(
        ["sh", "-c", "echo $ROS_DOMAIN_ID $ROS_AUTOMATIC_DISCOVERY_RANGE"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert told.split() == [str(domain), "LOCALHOST"]


class StoppedError(Exception):
    """Far enough."""


def test_measurements_are_in_domains_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.environ["ROS_DOMAIN_ID"]
    used: list[str] = []

    def stop(*_: object, env: dict[str, str] | None = None, **__: object) -> None:
        used.append((env or os.environ)["ROS_DOMAIN_ID"])
        raise StoppedError

    monkeypatch.setattr(sys, "argv", ["measure"])
    monkeypatch.setenv("ROS_DOMAIN_ID", mine)  # so that it is put back
    monkeypatch.setattr(subprocess, "run", stop)
    with pytest.raises(StoppedError):
        lifecycle_memory.main()
    rclpy = pytest.importorskip("rclpy", reason="needs ROS 2, run `make test`")
    monkeypatch.setattr(rclpy, "init", stop)
    with pytest.raises(StoppedError):
        executables.main()
    domains = [int(domain) for domain in used]
    assert all(map(is_claimed, domains)) and len({*domains, int(mine)}) == 3
    for domain in domains:
        release(domain)
