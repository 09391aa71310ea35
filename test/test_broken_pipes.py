"""Whoever stops reading ends a command, quietly; another broken pipe is still an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bharnet_ros.broken_pipes import READER_GONE

ROOT = Path(__file__).resolve().parents[1]

BARE = """
    import os, sys
    from bharnet_ros.broken_pipes import end_quietly
    os.read(0, 1)  # until the reader is gone
    try:
        {action}
    except BrokenPipeError:
        sys.exit(end_quietly())
"""


def unread(*command: str) -> tuple[int, str]:
    """Exit status and errors of a command whose output nobody reads."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    process.stdout.close()
    process.stdin.write("x")
    process.stdin.close()
    assert process.stderr is not None
    told = process.stderr.read()
    return process.wait(60), told


def bare(action: str) -> tuple[int, str]:
    return unread("-c", "\n".join(line[4:] for line in BARE.format(action=action).split("\n")))


def test_a_reader_that_is_gone_ends_it_without_a_word() -> None:
    assert bare("print('x' * 100_000, flush=True)") == (READER_GONE, "")


def test_another_broken_pipe_is_an_error() -> None:
    status, told = bare("sys.stdout = open(os.devnull, 'w'); raise BrokenPipeError('elsewhere')")
    assert status == 1 and "BrokenPipeError: elsewhere" in told


@pytest.mark.parametrize("command", [["bharnet_ros", "models", "list"]])
def test_commands_end_so(command: list[str]) -> None:
    assert unread("-m", *command) == (READER_GONE, "")


def test_those_of_training_too(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs PyTorch")
    gestures = ROOT / "examples" / "my_gestures.yaml"
    command = ["training", "picture", str(gestures), "--output", str(tmp_path)]
    assert unread("-m", *command) == (READER_GONE, "")
