from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bharnet_ros.evaluation.atomic import write_atomically


@contextmanager
def full_disk(free_bytes: int) -> Iterator[None]:
    """No file may grow beyond `free_bytes`: writing stops in the middle, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_file_is_there_and_nothing_else(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.txt", b"one")
    write_atomically(str(tmp_path / "a.txt"), b"two")
    assert (tmp_path / "a.txt").read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe, link, heard = tmp_path / "pipe", tmp_path / "link", []
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
        reader.start()
        write_atomically(path, b"report")
        reader.join()
    assert heard == [b"report"] * 2
    assert pipe.is_fifo() and link.is_symlink()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path, b"report")
    module = "from bharnet_ros.evaluation.atomic import write_atomically"
    shown = f"{module}; write_atomically('/dev/stdout', b'hi')"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, check=True)
    assert done.stdout == b"hi"


def test_without_room_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, b"old")
    with full_disk(1000), pytest.raises(OSError):
        write_atomically(path, b"x" * 100_000)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_reader_sees_the_old_or_the_new_file_never_a_part(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    contents = [bytes([65 + i]) * 50_000 for i in range(2)]
    write_atomically(path, contents[0])
    stop = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(40):
        write_atomically(path, contents[i % 2])
    stop.set()
    reader.join()
    assert seen <= set(contents)


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    script = (
        "import sys; from bharnet_ros.evaluation.atomic import write_atomically\n"
        "i = 0\n"
        "while True:\n"
        "    write_atomically(sys.argv[1], b'%d\\n' % i * 200_000); i += 1\n"
        "    print(i, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert process.stdout is not None
    for _ in range(5):
        assert process.stdout.readline()
    process.kill()
    process.wait()
    lines = path.read_bytes().splitlines()
    assert len(lines) == 200_000 and len(set(lines)) == 1


def test_links_and_permissions_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_atomically(link, b"new")
    assert link.is_symlink() and real.read_bytes() == b"new"
    assert os.stat(real).st_mode & 0o777 == 0o640


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "a.txt", b"")
