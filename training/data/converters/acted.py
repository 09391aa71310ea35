"""Described gestures -> clips of kinematic people who act them, as a pose estimator would see them.

Nobody is recorded: people of all sizes idle, gesture and do what no gesture is, in front of
cameras that stand anywhere (`training.describing`). A store of them is what `data.background` of
a training on recordings is for: the few minutes of rest that a recording session holds do not
show what a stranger does who means nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import (
    BodyShape,
    GesturePlayer,
    Style,
    Vocabulary,
    dump_vocabulary,
    load_vocabulary,
)
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from training.data.converters.base import Item
from training.data.sample import Person, Sample
from training.data.sheet import DataSheet
from training.describing.observing import Observer
from training.describing.people import (
    KEPT,
    LAYOUT,
    ActingConfig,
    Deck,
    label_samples,
    long_enough,
    write_script,
)
from training.describing.views import ViewConfig, look

CONVERTER = "acted"
LAYOUTS = (LAYOUT, "coco_wholebody_133")
OTHER = "other"
IMAGE_SIZE = (720, 1280)
_LONGEST_S = 20.0
_LEAD_S = 4.0  # of acting beyond a clip's length; more where a gesture is longer than both


@dataclass(frozen=True)
class ActedConverter:
    """vocabulary: a shipped one or a file. count: clips, each of another person. window_s: their
    length. rate_hz: frames a second. layout: of the keypoints, one of LAYOUTS. leave_out: gestures
    that nobody makes, because they look like something that is to be learned. seed: of everything.
    """

    lazy: ClassVar[bool] = False
    vocabulary: str = "gestures"
    count: int = 2000
    window_s: float = 1.6
    rate_hz: float = 15.0
    layout: str = LAYOUTS[0]
    leave_out: tuple[str, ...] = ()
    seed: int = 0

    def sheet(self) -> DataSheet:
        """See `Converter.sheet`."""
        self._check()
        text = dump_vocabulary(self._vocabulary)
        return DataSheet(
            dataset=f"acted_{self._name}",
            layout=self.layout,
            dims=2,
            unit="px",
            stamps="nominal",
            class_names=self._class_names,
            license="acted by this package's kinematic people, free to use",
            provenance="descriptions acted out; keypoints projected, with an estimator's errors",
            converter=CONVERTER,
            options={
                "vocabulary_sha256": hashlib.sha256(text.encode()).hexdigest(),
                "count": self.count, "window_s": self.window_s, "rate_hz": self.rate_hz,
                "leave_out": list(self.leave_out), "seed": self.seed,
                # Not told where it is the usual: stores that were made before go on.
                **({} if self._lead_s == _LEAD_S else {"lead_s": round(self._lead_s, 6)}),
            },
            notes=(
                "A clip's class is what is done at its last frame; "
                f"'{OTHER}' is what no gesture is, and the way to and from one.",
            ),
        )  # fmt: skip

    def items(self) -> Iterator[Item]:
        """See `Converter.items`."""
        for number in range(self.count):
            yield Item(f"acted/{self.seed}/{number}", number)

    def load(self, item: Item) -> Sample:
        """See `Converter.load`."""
        rng = np.random.default_rng([self.seed, 11, item.handle])
        vocabulary = self._vocabulary
        frames = self._frames
        times = np.arange(frames) / self.rate_hz
        acting = ActingConfig(duration_s=float(times[-1]) + self._lead_s)
        cast, script = write_script(vocabulary, Deck(vocabulary, rng), acting, True, rng)
        script = [entry for entry in script if entry[0] not in self.leave_out]
        player = GesturePlayer(cast, BodyShape.sample(rng), Style.sample(rng))
        performance = player.plan(script, rng, acting.duration_s)
        times = times + rng.uniform(0.0, self._lead_s)
        points = performance.poses(times)[None, :, KEPT].astype(np.float32)
        seen, scores = self._observer(look(points, rng, ViewConfig()), rng)
        label = label_samples(
            times[-1:],
            performance.segments,
            cast,
            vocabulary,
            acting,
            self._class_names.index(OTHER),
        )
        keypoints, weights = self._in_layout(seen[0], scores[0])
        return Sample(
            source=item.source,
            stamps_ns=np.rint(np.arange(frames) * (1e9 / self.rate_hz)).astype(np.int64),
            people=(Person(keypoints, weights),),
            class_name=self._called(int(label[0])),
            fields={"subject": str(item.handle)},
            image_size=IMAGE_SIZE,
        )

    def _in_layout(self, points: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(F, 59, 2) around the picture's centre, (F, 59) -> the store's layout, 0 = missing."""
        points = points + np.array(IMAGE_SIZE[::-1], np.float32) / np.float32(2.0)
        points *= (scores > 0.0)[..., None]
        if self.layout == LAYOUT:
            return points, scores
        size = get_layout(self.layout).num_keypoints
        keypoints = np.zeros((len(points), size, 2), np.float32)
        weights = np.zeros((len(points), size), np.float32)
        keypoints[:, KEPT], weights[:, KEPT] = points, scores
        return keypoints, weights

    def _called(self, label: int) -> str:
        """On the way to and from a gesture, and where two overlap, it is neither."""
        known = 0 <= label < len(self._class_names)
        return self._class_names[label] if known else OTHER

    @property
    def _name(self) -> str:
        return Path(self.vocabulary).stem

    @property
    def _frames(self) -> int:
        return round(self.window_s * self.rate_hz) + 1

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return load_vocabulary(self.vocabulary)

    @cached_property
    def _lead_s(self) -> float:
        """Seconds by which acting is longer than a clip, which is cut out of it anywhere."""
        vocabulary = self._vocabulary
        usual = ActingConfig(duration_s=(self._frames - 1) / self.rate_hz + _LEAD_S)
        doings = (*vocabulary, *vocabulary.others.values(), *vocabulary.everyday.values())
        longest = max(
            (d.duration_s[1] for d in doings if d.name not in self.leave_out), default=0.0
        )
        if longest <= usual.duration_s:
            return _LEAD_S  # exactly: trained networks rest on what was drawn with it
        return long_enough(vocabulary, usual).duration_s - usual.duration_s + _LEAD_S

    @cached_property
    def _class_names(self) -> tuple[str, ...]:
        names = self._vocabulary.class_names
        return names if OTHER in names else (*names, OTHER)

    @cached_property
    def _observer(self) -> Observer:
        return Observer(self._frames, 1.0 / self.rate_hz, self.seed, store=400)

    def _check(self) -> None:
        for name, value, low, high in (
            ("--count", self.count, 1, 10**7), ("--window", self.window_s, 0.2, _LONGEST_S),
            ("--rate", self.rate_hz, 2.0, 120.0), ("--seed", self.seed, 0, 2**31),
        ):  # fmt: skip
            if not low <= value <= high:
                raise ConfigurationError(f"{name} is {value:g}; it must be {low:g} to {high:g}.")
        if self.layout not in LAYOUTS:
            raise ConfigurationError(
                f"--layout is '{self.layout}'; it must be one of {', '.join(LAYOUTS)}."
            )
        unknown = sorted(set(self.leave_out) - set(self._vocabulary.class_names))
        if unknown:
            raise ConfigurationError(
                f"--leave-out names {', '.join(unknown)}, which the vocabulary '{self._name}' "
                "does not have; it has "
                f"{', '.join(self._vocabulary.actions)}."
            )
