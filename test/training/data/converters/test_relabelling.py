"""A store of bags, when the folder of the bags is no longer what it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import Skeleton, SkeletonFrame
from training import cli
from training.data import open_store
from training.data.converters import RosbagConverter
from training.data.converters.relabelling import forget_relabelled
from training.data.converting import convert

pytest.importorskip("rosbags", reason="the library rosbags is not installed")

from bharnet_ros.bags.write import BagWriter

LAYOUT, COUNT, S = "coco_17", 17, 1_000_000_000


def record(bag: Path) -> None:
    """Somebody who makes one gesture within four seconds."""
    with BagWriter(bag) as writer:
        for frame in range(40):
            person = Skeleton(
                4, np.array([5, 10, 60, 100], np.float32), 1.0,
                np.full((COUNT, 2), 9, np.float32), np.ones(COUNT, np.float32),
            )  # fmt: skip
            stamp = 1_000 * S + frame * S // 10
            writer.skeletons("/skeletons", SkeletonFrame(stamp, (480, 640), LAYOUT, (person,)))
    (bag / "labels.csv").write_text("start,end,label\n1,2,hurry\n")


@pytest.fixture
def bags(tmp_path: Path) -> Path:
    for name in ("anna_1", "ben_1", "carla_1"):
        record(tmp_path / "bags" / name)
    return tmp_path / "bags"


def converted(bags: Path, nothing_else: bool) -> tuple[list[str], list[str]]:
    """What was said, and what is in the store then."""
    said: list[str] = []
    store = bags.parent / "store"
    converter = RosbagConverter(bags, layout=LAYOUT)
    forget_relabelled(converter, store, said.append, nothing_else)
    convert(converter, store, report=str)
    return said, sorted(open_store(store).sources.tolist())


def test_a_bag_that_was_taken_out_is_not_taught(bags: Path) -> None:
    assert converted(bags, True) == ([], ["anna_1#4", "ben_1#4", "carla_1#4"])
    shutil.rmtree(bags / "ben_1")
    said, sources = converted(bags, True)
    assert said == [
        f"{bags.parent / 'store'} holds ben_1, not found in {bags}: converting everything anew."
    ]
    assert sources == ["anna_1#4", "carla_1#4"]
    assert converted(bags, True) == ([], sources)


def test_a_store_that_is_filled_from_several_folders_keeps_what_it_has(bags: Path) -> None:
    converted(bags, False)
    others = bags.parent / "others"
    record(others / "dora_1")
    said, sources = converted(others, False)
    assert len(said) == 1 and "holds anna_1, ben_1, carla_1, not found in" in said[0]
    assert "delete the store if they are to be left out" in said[0]
    assert sources == ["anna_1#4", "ben_1#4", "carla_1#4", "dora_1#4"]


@pytest.mark.parametrize("command", ["convert", "teach"])
def test_an_input_without_bags_is_told_whatever_an_earlier_run_left(
    bags: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    converted(bags, True)
    store, empty = bags.parent / "store", bags.parent / "empty"
    empty.mkdir()
    before = sorted(path.name for path in store.iterdir())
    if command == "teach":
        arguments = ["teach", str(empty), "--output", str(store.with_name("bundle"))]
        store.rename(store.with_name("bundle_store"))
        store = store.with_name("bundle_store")
    else:
        arguments = ["convert", "rosbag", "--input", str(empty), "--output", str(store)]
    assert cli.main(arguments) == 2  # with other options than the store was made with
    assert f"{empty} holds no bag" in capsys.readouterr().err
    assert sorted(path.name for path in store.iterdir()) == before


def test_bags_are_looked_for_before_a_store_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no bag"):
        RosbagConverter(tmp_path).items()
