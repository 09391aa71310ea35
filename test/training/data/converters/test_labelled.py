"""Labelled bags: whose segments are whose, who is in which bag, and what is wrong with labels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError, LabelError
from bharnet_ros.types import Skeleton, SkeletonFrame
from training import cli
from training.data import open_store
from training.data.converters import RosbagConverter
from training.data.converters.labelled import Naming, find_labels
from training.data.converters.relabelling import HASHES_FILE, forget_relabelled, label_hashes
from training.data.converting import convert
from training.data.protocols import Protocol, SplitError, split_clips

pytest.importorskip("rosbags", reason="the library rosbags is not installed")

from bharnet_ros.bags.write import BagWriter

LAYOUT, COUNT, S = "coco_17", 17, 1_000_000_000
BEGUN = 1_000 * S


def record(path, people, frames=40, images_before=0):
    """people: track id -> left edge of the box. 10 frames a second; images begin earlier."""
    with BagWriter(path) as writer:
        for frame in range(frames):
            stamp = BEGUN + frame * S // 10
            found = tuple(
                Skeleton(track, np.array([x, 10, 50 + track, 100], np.float32), 1.0,
                         np.full((COUNT, 2), x, np.float32), np.ones(COUNT, np.float32))
                for track, x in people.items()
            )  # fmt: skip
            writer.skeletons("/robot/skeletons", SkeletonFrame(stamp, (480, 640), LAYOUT, found))
            if images_before and frame % 5 == 0:
                image = np.zeros((8, 8, 3), np.uint8)
                writer.image("/robot/image_raw", stamp - images_before, image)
    return path


def converted(bags, store, **options):
    done = convert(RosbagConverter(bags, layout=LAYOUT, **options), store, report=str)
    return open_store(store), done


def spans(store, number=0):
    return [
        (s.class_name, (s.start_ns - BEGUN) / S, (s.end_ns - BEGUN) / S)
        for s in store.sample(number).spans
    ]


def test_labels_in_the_bag_become_spans_with_subject_and_session(tmp_path):
    bag = record(tmp_path / "bags" / "anna_2", {4: 100})
    (bag / "labels.csv").write_text("start,end,label\n0.5,1.25,hurry\n2,3,wipe\n")
    store, _ = converted(tmp_path / "bags", tmp_path / "store", names="{subject}_{session}")
    assert spans(store) == [("hurry", 0.5, 1.25), ("wipe", 2.0, 3.0)]
    assert store.sheet.class_names == ("hurry", "wipe")
    assert store.values("subject").tolist() == ["anna"]
    assert store.values("group").tolist() == ["anna/2"]
    assert store.sources.tolist() == ["anna_2#4"]


def test_seconds_count_from_the_first_image(tmp_path):
    bag = record(tmp_path / "bag", {4: 100}, images_before=S // 4)
    (bag / "labels.csv").write_text("start,end,label\n1,2,hurry\n")
    store, _ = converted(bag, tmp_path / "store")
    assert spans(store) == [("hurry", 0.75, 1.75)]


def test_only_those_whom_the_labels_know_are_kept(tmp_path):
    bag = record(tmp_path / "bag", {4: 100, 9: 400})
    (bag / "labels.csv").write_text("start,end,label,person,region\n1,2,hurry,1,100 10 54 100\n")
    store, done = converted(bag, tmp_path / "store")
    assert store.sources.tolist() == ["bag#4"] and spans(store) == [("hurry", 1.0, 2.0)]
    assert done.sheet.skip_counts == {"unlabelled": 1}


def test_an_empty_table_says_that_nothing_happens(tmp_path):
    bag = record(tmp_path / "bag", {4: 100, 9: 400})
    (bag / "labels.csv").write_text("start,end,label\n")
    store, _ = converted(bag, tmp_path / "store")
    assert len(store) == 2 and len(store.spans) == 0


def test_labels_of_another_folder_leave_unlabelled_bags_out(tmp_path):
    for name in ("anna_1", "ben_1"):
        record(tmp_path / "bags" / name, {4: 100})
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "anna_1.yaml").write_text("segments:\n- {start: 1, end: 2, label: hurry}\n")
    store, done = converted(tmp_path / "bags", tmp_path / "store", labels=labels)
    assert store.sources.tolist() == ["anna_1#4"] and spans(store) == [("hurry", 1.0, 2.0)]
    assert done.sheet.skip_counts == {"unlabelled": 1}
    assert find_labels(tmp_path / "bags" / "ben_1", labels) is None
    with pytest.raises(ConfigurationError, match=r"The labels .*nowhere.csv do not exist"):
        find_labels(tmp_path / "bags" / "ben_1", tmp_path / "nowhere.csv")


def test_one_table_for_several_bags_names_them(tmp_path):
    for name in ("anna_1", "ben_1"):
        record(tmp_path / "bags" / name, {4: 100})
    labels = tmp_path / "labels.csv"
    labels.write_text("start,end,label\n1,2,hurry\n")
    with pytest.raises(LabelError, match="does not say of which of 2 recordings"):
        converted(tmp_path / "bags", tmp_path / "store", labels=labels)
    labels.write_text("start,end,label,recording\n1,2,hurry,anna_1\n2,3,wipe,ben_1\n")
    store, _ = converted(tmp_path / "bags", tmp_path / "named", labels=labels)
    assert (spans(store, 0), spans(store, 1)) == ([("hurry", 1.0, 2.0)], [("wipe", 2.0, 3.0)])
    labels.write_text("start,end,label\n")  # nothing happens, in any of them
    assert len(converted(tmp_path / "bags", tmp_path / "idle", labels=labels)[0].spans) == 0


def test_corrected_labels_count_when_the_same_command_runs_again(tmp_path, capsys):
    def run():
        arguments = ["--input", str(tmp_path / "bags"), "--output", str(tmp_path / "store")]
        assert cli.main(["convert", "rosbag", *arguments, "--layout", LAYOUT]) == 0
        return open_store(tmp_path / "store"), capsys.readouterr().out

    labels = record(tmp_path / "bags" / "anna_1", {4: 100}) / "labels.csv"
    labels.write_text("start,end,label\n0.5,1.25,hurry\n")
    run()
    record(tmp_path / "bags" / "ben_1", {4: 100})
    store, said = run()
    assert "1 new, 1 were there" in said and "changed" not in said
    labels.write_text("start,end,label\n2,3,wipe\n")
    store, said = run()
    assert "The labels of anna_1 changed" in said and "2 new" in said
    assert spans(store) == [("wipe", 2.0, 3.0)] and store.sheet.class_names == ("wipe",)


@pytest.fixture
def again(tmp_path):
    """Converts three labelled bags, as the command does: what was said, the store, subjects."""
    for name in ("bag1", "bag2", "bag3"):
        bag = record(tmp_path / "bags" / name, {4: 100})
        (bag / "labels.csv").write_text("start,end,label\n1,2,hurry\n")

    def run(**options):
        said = []
        converter = RosbagConverter(tmp_path / "bags", layout=LAYOUT, **options)
        forget_relabelled(converter, tmp_path / "store", said.append)
        store, done = converted(tmp_path / "bags", tmp_path / "store", **options)
        return said, done, dict(zip(store.sources, store.values("subject"), strict=True))

    return run


def test_who_is_in_a_bag_counts_when_the_table_is_put_right(tmp_path, again):
    table = tmp_path / "people.csv"
    table.write_text("bag,subject\nbag1,anna\nbag2,ben\nbag3,carla\n")
    again(people=table)
    said, done, _ = again(people=table)
    assert (said, done.present) == ([], 3)
    table.write_text("bag,subject\nbag1,anna\nbag2,ben\nbag3,anna\n")
    said, done, subjects = again(people=table)
    assert said == ["Who is in bag3 changed: converting everything anew."]
    assert done.added == 3 and subjects == {"bag1#4": "anna", "bag2#4": "ben", "bag3#4": "anna"}
    # A session makes another group; a line of another bag changes nothing.
    table.write_text("bag,subject,session\nbag1,anna,x\nbag2,ben,\nbag3,anna,\nbag4,dora,\n")
    said, done, _ = again(people=table)
    assert said == ["Who is in bag1 changed: converting everything anew."] and done.added == 3
    assert again(people=table)[:1] == ([],)
    said, _, subjects = again()  # and without the table nobody knows who it is
    assert "Who is in bag1, bag2, bag3 changed" in said[0] and set(subjects.values()) == {""}


def test_a_table_of_people_that_comes_later_counts(tmp_path, again):
    """What is kept beside the store is as it was before tables of people were kept there."""
    again()
    kept = json.loads((tmp_path / "store" / HASHES_FILE).read_text())
    assert kept.keys() == {"bag1", "bag2", "bag3"} and {len(v) for v in kept.values()} == {64}
    said, done, _ = again()
    assert (said, done.present) == ([], 3)
    table = tmp_path / "people.csv"
    table.write_text("bag,subject\nbag1,anna\nbag2,ben\n")
    with pytest.raises(ConfigurationError, match="no line for the bag 'bag3'"):
        again(people=table)
    table.write_text("bag,subject\nbag1,anna\nbag2,ben\nbag3,anna\n")
    said, done, subjects = again(people=table)
    assert "Who is in bag1, bag2, bag3 changed" in said[0] and done.added == 3
    assert subjects == {"bag1#4": "anna", "bag2#4": "ben", "bag3#4": "anna"}
    (tmp_path / "bags" / "bag2" / "labels.csv").write_text("start,end,label\n1,3,hurry\n")
    assert again(people=table)[0][0].startswith("The labels of bag2 changed")


@pytest.mark.parametrize("notes", ["none", "of a table that was not used", "broken"])
def test_a_table_counts_for_a_store_whatever_is_noted_beside_it(tmp_path, again, notes):
    """Stores were once made without notes, and then tables were noted and not used."""
    again()
    table = tmp_path / "people.csv"
    table.write_text("bag,subject\nbag1,anna\nbag2,ben\nbag3,anna\n")
    place = tmp_path / "store" / HASHES_FILE
    if notes == "none":
        place.unlink()
    elif notes == "broken":
        place.write_text("{")
    else:
        converter = RosbagConverter(tmp_path / "bags", layout=LAYOUT, people=table)
        place.write_text(json.dumps(label_hashes(converter)))
    said, done, subjects = again(people=table)
    assert said == ["Who is in bag1, bag2, bag3 changed: converting everything anew."]
    assert done.added == 3 and subjects == {"bag1#4": "anna", "bag2#4": "ben", "bag3#4": "anna"}
    # A store that says the same already is left as it is, notes or not; a session counts.
    place.unlink()
    said, done, _ = again(people=table)
    assert (said, done.present) == ([], 3)
    place.unlink()
    table.write_text("bag,subject,session\nbag1,anna,\nbag2,ben,2\nbag3,anna,\n")
    said, done, _ = again(people=table)
    assert said == ["Who is in bag2 changed: converting everything anew."] and done.added == 3


def test_a_bag_whose_labels_were_forgotten_is_named(tmp_path, again):
    assert again()[0] == []
    (tmp_path / "bags" / "bag2" / "labels.csv").rename(tmp_path / "bag2.csv")
    said = again()[0]
    assert said[0].startswith("No labels in bag2: unless its topic ground_truth/actions")
    for bag in ("bag1", "bag3"):
        (tmp_path / "bags" / bag / "labels.csv").unlink()
    assert not any("No labels" in line for line in again()[0])  # none were expected


@pytest.mark.parametrize(
    ("line", "said"),
    [("100,101,hurry", ":2: "), ("3,2,hurry", ":2: "), ("1,2,hurry\n1.5,3,wipe", ":3: ")],
)
def test_wrong_labels_stop_the_run_with_file_and_line(tmp_path, line, said):
    bag = record(tmp_path / "bag", {4: 100})
    (bag / "labels.csv").write_text(f"start,end,label\n{line}\n")
    with pytest.raises(LabelError, match=f"labels.csv{said}"):
        converted(bag, tmp_path / "store")


def test_bags_without_people_name_the_remedy(tmp_path):
    record(tmp_path / "bags" / "empty", {})
    record(tmp_path / "bags" / "full", {4: 100})
    _, done = converted(tmp_path / "bags", tmp_path / "store")
    assert done.sheet.skip_counts == {"empty": 1}
    assert "--backend mediapipe" in done.sheet.skipped[0][2]


def test_who_is_in_a_bag_follows_from_its_name_or_a_table(tmp_path):
    naming = Naming("{session}-of-{subject}")
    assert naming.fields("deep/monday-of-anna") == {"subject": "anna", "group": "anna/monday"}
    dated = Naming("{subject}_{session}").fields("anna.s_2026.03.01")
    assert dated == {"subject": "anna.s", "group": "anna.s/2026.03.01"}
    packed = Naming("{subject}_{session}").fields("anna_1.mcap.zstd")
    assert packed == {"subject": "anna", "group": "anna/1"}
    assert Naming("{subject}").fields("x/anna.mcap") == {"subject": "anna", "group": "x/anna.mcap"}
    assert Naming().fields("x/monday") == {"group": "x/monday"}
    table = tmp_path / "people.csv"
    table.write_text("bag,subject,session\nmonday,Anna,1\ntuesday,Ben,\n")
    naming = Naming(table=table)
    assert naming.fields("x/monday") == {"subject": "Anna", "group": "Anna/1"}
    assert naming.fields("tuesday") == {"subject": "Ben", "group": "tuesday"}
    with pytest.raises(ConfigurationError, match="no line for the bag 'friday'"):
        naming.fields("friday")
    with pytest.raises(ConfigurationError, match=r"'friday' is not named like '{subject}_"):
        Naming("{subject}_{session}").fields("friday")


@pytest.mark.parametrize(
    "pattern", ["anna", "{session}", "{subject}{subject}", "{person}_{subject}"]
)
def test_a_pattern_must_name_the_subject(pattern):
    with pytest.raises(ConfigurationError, match="is no pattern of bag names"):
        Naming(pattern)


@pytest.mark.parametrize(
    "text", ["", "bag\nmonday\n", "bag,subject,mood\na,b,c\n", "bag,subject\nx,\n"]
)
def test_a_table_must_name_bag_and_subject(tmp_path, text):
    table = tmp_path / "people.csv"
    table.write_text(text)
    with pytest.raises(ConfigurationError, match=r"people.csv"):
        Naming(table=table)


def test_images_are_read_by_a_backend_where_there_are_no_skeletons(tmp_path, monkeypatch):
    class Estimator:
        layout = LAYOUT

        def estimate(self, image, stamp_ns):
            person = Skeleton(
                -1,
                np.array([5, 5, 60, 90], np.float32),
                1.0,
                np.full((COUNT, 2), 30.0, np.float32),
                np.ones(COUNT, np.float32),
            )
            return SkeletonFrame(stamp_ns, image.shape[:2], LAYOUT, (person,))  # fmt: skip

        def close(self):
            pass

    with BagWriter(tmp_path / "bag") as writer:
        for frame in range(20):
            image = np.zeros((100, 100, 3), np.uint8)
            writer.image("/image_raw", BEGUN + frame * S // 10, image)
    (tmp_path / "bag" / "labels.csv").write_text("start,end,label\n0.5,1.25,hurry\n")
    monkeypatch.setattr(
        "training.data.converters.bag_topics.create_pose_estimator", lambda name: Estimator()
    )
    store, _ = converted(tmp_path / "bag", tmp_path / "store", backend="invented")
    assert len(store) == 1 and spans(store) == [("hurry", 0.5, 1.25)]
    assert store.sheet.options["backend"] == "invented"


def test_a_protocol_that_divides_a_recording_is_refused(tmp_path):
    for name in ("anna_1", "ben_1"):
        bag = record(tmp_path / "bags" / name, {4: 100})
        (bag / "labels.csv").write_text("start,end,label\n0.5,1.25,hurry\n2,3,wipe\n")
    store, _ = converted(tmp_path / "bags", tmp_path / "store", names="{subject}_{session}")

    def protocol(train, test):
        return Protocol("mine", ("rosbag",), "", "", train, test)

    split = split_clips(store, protocol({"subject": ["anna"]}, {"subject": ["ben"]}))
    assert (len(split.train), len(split.test)) == (2, 2)
    with pytest.raises(SplitError, match=r"'anna_1' into both train and test.*divide by subject"):
        split_clips(store, protocol({"class": ["hurry"]}, {"class": ["wipe"]}))
