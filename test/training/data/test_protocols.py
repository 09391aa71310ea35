"""Protocols give the published parts, and never mix them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from invented import SHEET, make_sample, untrimmed

from bharnet_ros.errors import ConfigurationError
from training.data import (
    Protocol,
    available_protocols,
    load_protocol,
    protocols,
    split_clips,
)
from training.data.clips import all_clips, span_clips
from training.data.converters import HolisticConverter, NwUclaConverter
from training.data.converters.base import shipped_classes
from training.data.converting import convert
from training.data.protocols import check_counts
from training.data.store import open_store

INVENTED = Protocol(
    "invented", ("invented",), "", "", train={"camera": [0]}, test={"camera": [1]},
    validation=({"subject": [2]},),
)  # fmt: skip


@pytest.fixture(scope="module")
def ucla(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ucla") / "store"
    convert(NwUclaConverter(shared_data / "nw_ucla" / "all_sqe.zip"), folder, report=str)
    return open_store(folder)


@pytest.fixture(scope="module")
def traduttore(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("traduttore") / "store"
    path = shared_data / "traduttore_asl" / "mp_data_4693x20x258.npz"
    convert(HolisticConverter(path), folder, report=str)
    return open_store(folder)


def test_northwestern_ucla_has_its_published_parts(ucla):
    protocol = load_protocol("nw_ucla_view3")
    split = split_clips(ucla, protocol)
    assert len(ucla) == 1484
    assert (len(split.train_and_validation), len(split.test)) == (1020, 464)
    assert check_counts(split, protocol) == ()
    views = ucla.values("camera")[split.clips.sample]
    assert set(views[split.test]) == {"3"}
    assert (set(views[split.train]), set(views[split.validation])) == ({"1"}, {"2"})
    other = split_clips(ucla, protocol, fold=1)
    np.testing.assert_array_equal(other.validation, split.train)


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [("traduttore_dmohazab", 1980, 1228), ("traduttore_thecamnelson", 1228, 1980)],
)
def test_traduttore_is_divided_by_committer(traduttore, name, train, test):
    split = split_clips(traduttore, load_protocol(name))
    assert (len(split.train_and_validation), len(split.test)) == (train, test)
    assert len(split.class_names) == 14
    assert split.dropped["nobody seen"] == 60
    committers = traduttore.values("subject")[split.clips.sample]
    tested = set(committers[split.test])
    assert len(tested) == 1
    assert not tested & set(committers[split.train_and_validation])
    # Validation: commits of the training committer, of which training sees no clip of a class
    # that is validated.
    commits, labels = traduttore.values("group")[split.clips.sample], split.clips.label
    pairs = [set(zip(commits[p], labels[p], strict=True)) for p in (split.train, split.validation)]
    assert not pairs[0] & pairs[1]
    assert set(labels[split.train]) == set(range(14))
    names = np.array(split.class_names)[labels]
    np.testing.assert_array_equal(traduttore.values("class")[split.clips.sample], names)


def test_every_shipped_protocol_can_be_read():
    names = available_protocols()
    assert {"ntu60_xsub", "ntu60_xview", "ntu120_xsub", "ntu120_xset"} <= set(names)
    assert {"nw_ucla_view3", "pku_mmd_xsub", "pku_mmd_xview"} <= set(names)
    for name in names:
        protocol = load_protocol(name)
        assert protocol.name == name and protocol.validation and protocol.source


@pytest.fixture
def ntu_names(write_store):
    """One clip of every setup, camera and subject there may be (no real pairing of them)."""
    sheet = replace(SHEET, dataset="ntu_rgbd", class_names=shipped_classes("ntu_rgbd"))
    samples = []
    for number in range(106 * 6):
        setup, subject = number % 32 + 1, number % 106 + 1
        action = (number % 60) + (60 if setup > 17 else 0)
        fields = {"setup": str(setup), "camera": str(number % 3 + 1), "subject": str(subject)}
        name = sheet.class_names[action]
        samples.append(make_sample(number, 2, class_name=name, fields=fields, tags=()))
    return write_store(samples, sheet)


@pytest.mark.parametrize(
    ("name", "field", "trained", "tested", "classes"),
    [
        ("ntu60_xsub", "subject", 20, 86, 60),
        ("ntu60_xview", "camera", 2, 1, 60),
        ("ntu120_xsub", "subject", 53, 53, 120),
        ("ntu120_xset", "setup", 16, 16, 120),
    ],
)
def test_ntu_protocols_divide_by_their_field(ntu_names, name, field, trained, tested, classes):
    """Of the 106 subjects here 86 are none of the 20; NTU 60 itself has only 40."""
    protocol = load_protocol(name)
    split = split_clips(ntu_names, protocol)
    values = ntu_names.values(field)[split.clips.sample]
    parts = [set(values[p]) for p in (split.train_and_validation, split.test)]
    assert not parts[0] & parts[1]
    assert (len(parts[0]), len(parts[1])) == (trained, tested)
    held = set(values[split.validation])
    assert held and not held & set(values[split.train])
    assert len(split.class_names) == classes and split.clips.label.max() < classes
    if classes == 60:
        setups = ntu_names.values("setup")[split.clips.sample].astype(int)
        assert setups.max() == 17 and split.dropped["other class"]
    assert check_counts(split, protocol), "a part of the data set must not pass for all of it"


def test_the_published_sizes_of_ntu_add_up():
    """All samples less the listed ones, whichever way they are divided."""
    for name, total in (("ntu60", 56_880 - 302), ("ntu120", 114_480 - 535)):
        for protocol in filter(lambda n: n.startswith(name), available_protocols()):
            counts = load_protocol(protocol).counts
            assert counts is not None and sum(counts.values()) == total


def test_parts_never_overlap_and_everything_is_accounted_for(write_store):
    store = write_store([make_sample(n) for n in range(20)])
    split = split_clips(store, INVENTED)
    parts = [split.train, split.validation, split.test]
    joined = np.concatenate(parts)
    assert len(np.unique(joined)) == len(joined) == len(split.clips)
    assert len(joined) + sum(split.dropped.values()) == len(store)
    subjects = store.values("subject")[split.clips.sample]
    assert set(subjects[split.validation]) == {"2"} and "2" not in subjects[split.train]


def test_chosen_classes_are_numbered_in_the_protocols_order(write_store):
    store = write_store([make_sample(n) for n in range(20)])
    split = split_clips(store, replace(INVENTED, classes=("bow", "wave")))
    names = store.values("class")[split.clips.sample]
    np.testing.assert_array_equal(np.array(["bow", "wave"])[split.clips.label], names)
    assert split.dropped["other class"] == 7


def test_tags_and_classes_can_be_asked_for(write_store):
    store = write_store([make_sample(n) for n in range(20)])
    tagged = replace(INVENTED, train={"tag": ["even"]}, test={"not": {"tag": ["even"]}})
    split = split_clips(store, tagged)
    assert store.tagged("even")[split.clips.sample[split.train]].all()
    bows = split_clips(store, replace(INVENTED, where={"class": ["bow", "clap"]}))
    assert set(store.values("class")[bows.clips.sample]) == {"bow", "clap"}


def test_lone_classes_stay_in_training_only_if_asked(write_store):
    """Class 'bow' is shown by group b alone."""
    samples = [
        make_sample(n, class_name=name, fields={"camera": camera, "group": group})
        for n, (name, camera, group) in enumerate(
            [("wave", "0", "a"), ("wave", "0", "b"), ("bow", "0", "b"), ("bow", "1", "c")]
        )
    ]
    rule = replace(INVENTED, validation=({"group": ["b"]},))
    store = write_store(samples)
    assert split_clips(store, rule).validation.tolist() == [1, 2]
    kept = split_clips(store, replace(rule, keep_lone_classes=True))
    assert (kept.validation.tolist(), kept.train.tolist()) == ([1], [0, 2])


def test_spans_of_untrimmed_recordings_are_clips(write_store):
    store = write_store([make_sample(0), untrimmed(), make_sample(1)])
    spans = span_clips(store)
    assert (spans.first.tolist(), spans.stop.tolist()) == ([2, 10], [8, 20])
    assert spans.track_id.tolist() == [-1, 0]
    clips = all_clips(store)
    assert clips.sample.tolist() == [0, 1, 1, 2]
    assert clips.label.tolist() == [0, 1, 2, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataset": ("other",)}, "is for other"),
        ({"test": {"camera": [0, 1]}}, "both in train and in test"),
        ({"test": {"camera": [7]}}, "no clip for test"),
        ({"test": {"setup": [1]}}, "'setup', which is not known"),
        ({"test": {"colour": ["red"]}}, "cannot ask for 'colour'"),
        ({"classes": ("wave", "fly")}, "fly"),
        ({"classes": 9}, "asks for the classes 9"),
    ],
)
def test_what_a_protocol_cannot_have_is_said(change, message, write_store):
    store = write_store([make_sample(n) for n in range(6)])
    with pytest.raises(ConfigurationError, match=message):
        split_clips(store, replace(INVENTED, **change))


def test_unknown_folds_and_names_are_refused(write_store, tmp_path):
    store = write_store([make_sample(n) for n in range(6)])
    with pytest.raises(ConfigurationError, match="folds 0 to 0"):
        split_clips(store, INVENTED, fold=1)
    with pytest.raises(ConfigurationError, match="ntu60_xsub"):
        load_protocol("ntu61")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_protocol(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_bytes("subject: jörg".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_protocol(tmp_path / "bad.yaml")
    for text in ("name: [", "format: 1\nname: x\n", "format: 1\ncolour: red\n", "3"):
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(ConfigurationError, match="malformed"):
            load_protocol(tmp_path / "bad.yaml")


HEAD = "format: 1\nname: mine\ndataset: [invented]\nmeaning: m\nsource: s\n"
RULES = "train: {camera: [0]}\ntest: {camera: [1]}\n"


@pytest.fixture
def written(tmp_path):
    """A protocol from the text of its file, behind the usual head."""

    def load(text):
        (tmp_path / "mine.yaml").write_text(HEAD + text)
        return load_protocol(tmp_path / "mine.yaml")

    return load


def test_shipped_protocols_say_what_any_yaml_reader_finds_in_them():
    for name in available_protocols():
        text = (Path(protocols.__file__).parent / "protocols" / f"{name}.yaml").read_text()
        found, read = load_protocol(name), yaml.safe_load(text)
        assert (found.train, found.test, found.where) == (
            read["train"], read["test"], read.get("where"),
        )  # fmt: skip
        assert list(found.validation) == read["validation"]
        assert found.counts == read.get("counts")
        assert found.keep_lone_classes is read.get("keep_lone_classes", False)
        classes = read.get("classes")
        assert found.classes == (tuple(classes) if isinstance(classes, list) else classes)


def test_names_are_read_as_they_are_written(written, write_store):
    text = "classes: [yes, no, on, 010, 8, 2024-05-01]\n" + RULES
    assert written(text).classes == ("yes", "no", "on", "010", "8", "2024-05-01")
    people = ("008", "010", "8", "no")
    samples = [
        make_sample(n, fields={"camera": str(n % 2), "subject": people[n // 2 % 4]})
        for n in range(16)
    ]
    store = write_store(samples)
    split = split_clips(store, written("where: {not: {subject: [010, no]}}\n" + RULES))
    assert set(store.values("subject")[split.clips.sample]) == {"008", "8"}


def test_a_list_without_tags_asks_for_nothing(written, write_store):
    store = write_store([make_sample(n) for n in range(6)])
    split = split_clips(store, written("where: {not: {tag: []}}\n" + RULES))
    assert len(split.clips) == 6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("where: {not: {subject: dora}}\n" + RULES, "subject is 'dora', no list"),
        ("where: {camera: 1}\n" + RULES, "camera is 1, no list"),
        ("where: {not: dora}\n" + RULES, "'dora' is no rule"),
        ("where: {not: }\n" + RULES, "None is no rule"),
        ("where: {class: [wave, true]}\n" + RULES, "class lists True, no name"),
        ("where: {class: [~]}\n" + RULES, "class lists None, no name"),
        ("validation: {subject: [2]}\n" + RULES, "'subject' is no rule"),
        ("validation:\n- [2]\n" + RULES, r"\[2\] is no rule"),
        ("classes: wave\n" + RULES, "classes is 'wave'"),
        ("classes: true\n" + RULES, "classes is True"),
        ("classes: [[wave]]\n" + RULES, r"classes lists \['wave'\]"),
        ("keep_lone_classes: no\n" + RULES, "keep_lone_classes is 'no'; write true or false"),
        ("counts: [1]\n" + RULES, r"counts is \[1\]"),
        ("counts: {train: many}\n" + RULES, "counts is {'train': 'many'}"),
        ("train: [subject]\ntest: {camera: [1]}\n", r"\['subject'\] is no rule"),
        ("train: {camera: [0], camera: [2]}\ntest: {camera: [1]}\n", "'camera' is given twice"),
        (RULES + "test: {camera: [2]}\n", "'test' is given twice: in line 7 and again in line 8"),
        ("where: &w {not: *w}\n" + RULES, "recursion"),
    ],
)
def test_what_would_be_misread_is_refused(written, text, said):
    with pytest.raises(ConfigurationError, match=f"malformed: .*{said}"):
        written(text)
