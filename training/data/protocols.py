"""Official protocols: who trains, who validates, who tests. Data in `protocols/*.yaml`.

A protocol asks for values of a sample's fields (see `sample.FIELDS`, and "class"):

    test: {subject: [1, 2]}        samples of these subjects
    train: {not: {camera: [3]}}    all others
    where: {tag: [clean]}          only these take part at all

`validation` is a list of alternatives (folds), each carved out of the training part: the test
part must not be looked at before a network is final.
"""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from bharnet_ros import plain_yaml
from bharnet_ros.errors import ConfigurationError
from training.data.clips import Clips, all_clips
from training.data.sample import FIELDS
from training.data.store import Store

IntArray = npt.NDArray[np.int64]
Rule = Mapping[str, Any]
_KEYS = {
    "format", "name", "dataset", "meaning", "source", "classes", "where", "train", "test",
    "validation", "keep_lone_classes", "counts",
}  # fmt: skip


class SplitError(ConfigurationError):
    """A split that would put parts of one recording on both sides, or cannot be made."""


@dataclass(frozen=True)
class Protocol:
    """A protocol as its file says.

    dataset: the stores it is made for. classes: names in the order of the outputs, or how many
    of the store's classes from the first on, or None for all. where, train, test, validation:
    rules. keep_lone_classes: clips of a held-out part whose class nothing else in training shows
    stay in training. counts: published or known sizes {part: clips}, for a check.
    """

    name: str
    dataset: tuple[str, ...]
    meaning: str
    source: str
    train: Rule
    test: Rule
    validation: tuple[Rule, ...] = ()
    classes: tuple[str, ...] | int | None = None
    where: Rule | None = None
    keep_lone_classes: bool = False
    counts: Mapping[str, int] | None = None


@dataclass(frozen=True, eq=False)
class Split:
    """What a protocol makes of a store.

    clips: all clips that take part, labelled 0..C-1 in the order of class_names.
    train, validation, test: numbers into clips, without overlap. dropped: reason -> how many of
    the store's clips take no part.
    """

    class_names: tuple[str, ...]
    clips: Clips
    train: IntArray
    validation: IntArray
    test: IntArray
    dropped: Mapping[str, int]

    @property
    def train_and_validation(self) -> IntArray:
        """The whole official training part: for the last run, with everything decided."""
        return np.sort(np.concatenate([self.train, self.validation]))


def available_protocols() -> tuple[str, ...]:
    """Names that `load_protocol` takes."""
    entries = (resources.files(__package__) / "protocols").iterdir()
    return tuple(sorted(e.name[:-5] for e in entries if e.name.endswith(".yaml")))


def load_protocol(name_or_path: str | Path) -> Protocol:
    """A shipped protocol by its name, or one from a YAML file; `ConfigurationError` otherwise."""
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        if str(name_or_path) not in available_protocols():
            raise ConfigurationError(
                f"There is no protocol '{name_or_path}'; use one of "
                f"{', '.join(available_protocols())}, or a YAML file."
            )
        text = (resources.files(__package__) / "protocols" / f"{name_or_path}.yaml").read_text(
            "utf-8"
        )
    else:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"The protocol {path} cannot be read: {error}.") from error
    try:
        return _from_data(plain_yaml.load_names(text))
    except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"The protocol {name_or_path} is malformed: {error}.") from error


def split_clips(store: Store, protocol: Protocol, fold: int = 0) -> Split:
    """Divide a store as the protocol says. fold: which of its validation alternatives.

    Raises ConfigurationError if the store is of another data set, the protocol asks for what the
    store does not know, its parts overlap or one of them is empty; SplitError if it would divide
    one of our own recordings.
    """
    if store.sheet.dataset not in protocol.dataset:
        raise ConfigurationError(
            f"Protocol '{protocol.name}' is for {', '.join(protocol.dataset)}; the store "
            f"{store.folder} holds '{store.sheet.dataset}'."
        )
    folds = max(1, len(protocol.validation))
    if not 0 <= fold < folds:
        raise ConfigurationError(
            f"Fold {fold} of protocol '{protocol.name}': it has folds 0 to {folds - 1}."
        )
    clips = all_clips(store)
    class_names, label, dropped = _labels(store, protocol, clips)
    kept = label >= 0
    observed = store.samples["observed_frames"][clips.sample] > 0
    dropped["nobody seen"] = int((kept & ~observed).sum())
    kept &= observed & (clips.stop > clips.first)
    if protocol.where:
        wanted = _matches(store, clips, protocol.where)
        dropped["not in 'where'"] = int((kept & ~wanted).sum())
        kept &= wanted
    asked = clips[kept]  # rules speak of the store's labels
    clips = Clips(clips.sample, clips.first, clips.stop, label, clips.track_id)[kept]
    test = _matches(store, asked, protocol.test)
    train = _matches(store, asked, protocol.train)
    if (train & test).any():
        raise ConfigurationError(
            f"Protocol '{protocol.name}' has {int((train & test).sum())} clips both in train and "
            "in test; correct its rules."
        )
    dropped["in no part"] = int((~train & ~test).sum())
    held = np.zeros(len(clips), bool)
    if protocol.validation:
        held = train & _matches(store, asked, protocol.validation[fold])
        if protocol.keep_lone_classes:
            others = np.unique(clips.label[train & ~held])
            held &= np.isin(clips.label, others)
    parts = {"train": train & ~held, "validation": held, "test": test}
    for part, chosen in parts.items():
        if not chosen.any() and (part != "validation" or protocol.validation):
            raise ConfigurationError(
                f"Protocol '{protocol.name}' finds no clip for {part} in {store.folder}; is "
                "everything converted?"
            )
    _refuse_divided_recordings(store, protocol, clips, parts)
    numbers = {part: np.flatnonzero(chosen).astype(np.int64) for part, chosen in parts.items()}
    reasons = {reason: n for reason, n in dropped.items() if n}
    return Split(class_names, clips, **numbers, dropped=reasons)


def _refuse_divided_recordings(
    store: Store, protocol: Protocol, clips: Clips, parts: Mapping[str, npt.NDArray[np.bool_]]
) -> None:
    """Clips of one bag are near copies of each other: the same people, light and place.

    Published protocols know what they divide; this is about recordings of one's own.
    """
    if store.sheet.converter != "rosbag":
        return
    bags = np.array([source.rsplit("#", 1)[0] for source in store.sources])[clips.sample]
    for part in ("validation", "test"):
        both = sorted(set(bags[parts["train"]]) & set(bags[parts[part]]))
        if both:
            raise SplitError(
                f"Protocol '{protocol.name}' puts pieces of the recording '{both[0]}' into both "
                f"train and {part}, so its figures would say nothing; divide by subject or group "
                "(session), and record people one by one."
            )


def check_counts(split: Split, protocol: Protocol) -> tuple[str, ...]:
    """Sentences about parts that are not as large as the protocol's file says they should be.

    Usually because the store is only a part of the data set, or lacks its list of bad files.
    """
    sizes = {"train": len(split.train_and_validation), "test": len(split.test)}
    return tuple(
        f"{protocol.name}: {part} has {sizes[part]} clips, {expected} are published"
        for part, expected in (protocol.counts or {}).items()
        if sizes[part] != expected
    )


def _labels(
    store: Store, protocol: Protocol, clips: Clips
) -> tuple[tuple[str, ...], IntArray, Counter[str]]:
    names = store.sheet.class_names
    if protocol.classes is None:
        chosen = names
    elif isinstance(protocol.classes, int):
        chosen = names[: protocol.classes]
    else:
        chosen = protocol.classes
    missing = [name for name in chosen if name not in names]
    if missing or (isinstance(protocol.classes, int) and len(chosen) != protocol.classes):
        raise ConfigurationError(
            f"Protocol '{protocol.name}' asks for the classes "
            f"{', '.join(missing) or protocol.classes}; the store has {', '.join(names)}."
        )
    # One more entry, which label -1 reaches: no class.
    table = np.full(len(names) + 1, -1, np.int64)
    table[[names.index(name) for name in chosen]] = np.arange(len(chosen))
    label = table[clips.label]
    dropped: Counter[str] = Counter()
    dropped["no label"] = int((clips.label < 0).sum())
    dropped["other class"] = int(((clips.label >= 0) & (label < 0)).sum())
    return chosen, label, dropped


def _matches(store: Store, clips: Clips, rule: Rule) -> npt.NDArray[np.bool_]:
    """(N,) whether each clip fulfils every condition of a rule."""
    result = np.ones(len(clips), bool)
    for field, wanted in rule.items():
        if field == "not":
            result &= ~_matches(store, clips, wanted)
        elif field == "tag":
            tagged = np.zeros(len(store), bool)
            for tag in wanted:
                tagged |= store.tagged(str(tag))
            result &= tagged[clips.sample]
        elif field == "class":
            names = np.array([*store.sheet.class_names, ""], np.str_)
            result &= np.isin(names[clips.label], [str(value) for value in wanted])
        elif field in FIELDS:
            values = store.values(field)[clips.sample]
            if (values == "").any():
                raise ConfigurationError(
                    f"The protocol asks for '{field}', which is not known of "
                    f"{int((values == '').sum())} clips of {store.folder}."
                )
            result &= np.isin(values, [str(value) for value in wanted])
        else:
            raise ConfigurationError(
                f"A protocol cannot ask for '{field}'; use {', '.join(FIELDS)}, class, tag or not."
            )
    return result


def _from_data(data: Mapping[str, Any]) -> Protocol:
    unknown = set(data) - _KEYS
    if unknown or data["format"] != 1:
        raise ValueError(f"unknown keys {sorted(unknown)} or format {data['format']!r}, not 1")
    classes, lone = data.get("classes"), data.get("keep_lone_classes", False)
    if not isinstance(lone, bool):
        raise ValueError(f"keep_lone_classes is {lone!r}; write true or false")
    if isinstance(classes, list):
        classes = tuple(map(str, _values("classes", classes)))
    elif isinstance(classes, bool) or not isinstance(classes, int | None):
        raise ValueError(f"classes is {reprlib.repr(classes)}; write a list, or how many")
    counts = data.get("counts")
    if counts is not None and not (isinstance(counts, dict) and all(map(_whole, counts.values()))):
        raise ValueError(f"counts is {reprlib.repr(counts)}; write {{train: 100, test: 20}}")
    return Protocol(
        name=str(data["name"]),
        dataset=tuple(map(str, _values("dataset", data["dataset"]))),
        meaning=str(data["meaning"]),
        source=str(data["source"]),
        train=_rule(data["train"]),
        test=_rule(data["test"]),
        validation=tuple(map(_rule, data.get("validation", ()))),
        classes=classes,
        where=None if data.get("where") is None else _rule(data["where"]),
        keep_lone_classes=lone,
        counts=counts,
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _rule(data: Any) -> dict[str, Any]:
    """A rule whose values are lists of names, however deep `not` nests them. Raises ValueError."""
    if not isinstance(data, dict):
        raise ValueError(f"{reprlib.repr(data)} is no rule; write {{subject: [a, b]}}")
    return {
        field: _rule(wanted) if field == "not" else _values(field, wanted)
        for field, wanted in data.items()
    }


def _values(field: str, wanted: Any) -> list[Any]:
    """A list of names and whole numbers. Raises ValueError."""
    if not isinstance(wanted, list):
        raise ValueError(f"{field} is {reprlib.repr(wanted)}, no list; write {field}: [a, b]")
    odd = [value for value in wanted if not isinstance(value, str) and not _whole(value)]
    if odd:
        raise ValueError(f"{field} lists {reprlib.repr(odd[0])}, no name; put it into quotes")
    return wanted
