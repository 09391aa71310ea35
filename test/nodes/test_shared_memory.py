"""What killed processes left in shared memory is given back; what lives stays."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from bharnet_ros.nodes.shared_memory import clean_shared_memory


def segment(
    folder: Path, number: int, age_s: float = 100.0, library: str = "fastdds"
) -> tuple[Path, Path]:
    """A segment of 1000 bytes and its lock file, made so long ago."""
    data, lock = folder / f"{library}_{number:016x}", folder / f"{library}_{number:016x}_el"
    data.write_bytes(bytes(1000))
    lock.touch()
    made = time.time() - age_s
    for path in (data, lock):
        os.utime(path, (made, made))
    return data, lock


def test_only_the_dead_ones_go(tmp_path: Path) -> None:
    dead, living, young = (segment(tmp_path, 1), segment(tmp_path, 2), segment(tmp_path, 3, 0.0))
    others = [tmp_path / name for name in ("fastdds_port7411", "fastdds_port7411_el", "notes")]
    for path in others:
        path.touch()
    (tmp_path / f"fastdds_{4:016x}").touch()  # without a lock file: not known whose it is
    with living[1].open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert clean_shared_memory(tmp_path) == 1000
        assert not dead[0].exists() and not dead[1].exists()
        for path in (*living, *young, *others, tmp_path / f"fastdds_{4:016x}"):
            assert path.exists()
    assert clean_shared_memory(tmp_path) == 1000
    assert not living[0].exists()


def test_those_of_fast_dds_2_too(tmp_path: Path) -> None:
    segment(tmp_path, 1, library="fastrtps")
    (tmp_path / "fastrtps_port7411").touch()
    assert clean_shared_memory(tmp_path) == 1000
    assert [path.name for path in tmp_path.iterdir()] == ["fastrtps_port7411"]


def test_a_link_in_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    data, lock = segment(tmp_path, 1)
    target = tmp_path / "target"
    target.touch()
    lock.unlink()
    lock.symlink_to(target)
    os.utime(lock, (0.0, 0.0), follow_symlinks=False)
    assert clean_shared_memory(tmp_path) == 0
    assert data.exists() and target.exists()


def test_without_shared_memory_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert clean_shared_memory(tmp_path / "missing") == 0
