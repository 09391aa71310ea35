"""docs/replay.md says what is true: its options exist, its program runs."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from bharnet_ros import replay_command


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "replay.md").read_text("utf-8")


def test_every_option_is_documented_and_none_is_invented(page: str) -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    replay_command.register(commands)
    options = {
        option
        for action in commands.choices["replay"]._actions
        for option in action.option_strings
        if option not in ("-h", "--help")
    }
    table = page.split("| option | meaning |")[1].split("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(-[^`]+)`", row)} == options


def test_its_program_runs(page: str, scene, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    path = scene("mcap", "message")
    monkeypatch.chdir(path.parent)
    path.rename("my_bag")
    done: dict[str, object] = {}
    exec(compile(program, "docs/replay.md", "exec"), done)  # noqa: S102
    assert done["picture"].shape == (24, 32, 3)
    assert len(done["frame"].skeletons) == 1 and done["bag"].problems == []
