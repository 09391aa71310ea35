"""Tracked skeletons in, actions out: windows, one batched run of each bundle, events.

Driven by data alone: `push` judges whenever the stamps say that the next moment has come, so a
bag played at any speed, a simulation clock and a live camera give the same events. Only where a
`LoadShedder` is given does the time that judging takes have a say in how often it happens.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.experts import Opinion
from bharnet_ros.inference import Engine
from bharnet_ros.judging import Panel
from bharnet_ros.load import Load, LoadShedder
from bharnet_ros.people import Person
from bharnet_ros.rgb_memory import RgbUse
from bharnet_ros.rules import RecognizerConfig, Rules, rules_for
from bharnet_ros.scheduling import Schedule
from bharnet_ros.types import ActionFrame, Image, RecognizedAction, SkeletonFrame

__all__ = ["Recognizer", "RecognizerConfig", "Rules", "rules_for"]

_FIXED = ("fusion", "min_coverage", "lost_after_s", "max_people")
"""Options that the windows and experts are built with."""


class Recognizer:
    """Recognises what every tracked person does, with one bundle or with several at once.

    bundles: a bundle, whose engine follows, or a sequence of (bundle, engine), from `load_bundle`
    and `create_engine`.
    shedder: lowers the rate of everybody where judging takes more time than there is; None where
    the result must not depend on the machine.
    Raises ConfigurationError for options that contradict each other or a bundle, for two bundles
    of one name and for bundles of differing layouts.
    """

    def __init__(
        self,
        bundles: Bundle | Sequence[tuple[Bundle, Engine]],
        engine: Engine | None = None,
        config: RecognizerConfig | None = None,
        shedder: LoadShedder | None = None,
    ) -> None:
        self.config = config = config or RecognizerConfig()
        self._panel = Panel(
            _pairs(bundles, engine),
            config.fusion,
            config.min_coverage,
            config.lost_after_s,
            config.max_people,
        )
        self.manifests = self._panel.manifests
        self._rules = tuple(rules_for(manifest, config) for manifest in self.manifests)
        self._schedule = Schedule(config.rate_hz)
        self._shedder = shedder
        self._late = 0
        self._people: dict[int, Person] = {}
        self._leaving: list[RecognizedAction] = []
        self._timings: dict[str, float] = {}
        self._opinions: dict[int, tuple[Opinion | None, ...]] = {}

    @property
    def layout(self) -> str:
        """The keypoint layout of all bundles."""
        return self._panel.layout

    @property
    def drops(self) -> Mapping[str, int]:
        """Input that was not used so far, by reason (see `WindowBuffer.drops`)."""
        return self._panel.buffer.drops

    @property
    def resets(self) -> int:
        """How often the stamps jumped back and everything was forgotten."""
        return self._panel.buffer.resets

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest frame taken in; None before the first and after `flush`."""
        return self._panel.buffer.newest_ns

    @property
    def opinions(self) -> Mapping[int, Sequence[Opinion | None]]:
        """Of the last judgement, by track: what the experts of each bundle think of those who
        were judged, before the average and the events; None where too little was seen."""
        return dict(self._opinions)

    @property
    def judged(self) -> int:
        """How many people were judged in the last judgement; the others' turn comes."""
        return len(self._opinions)

    @property
    def load(self) -> Load:
        """How it keeps up; its sentence is for diagnostics."""
        wanted_hz = self.config.rate_hz
        share = self._shedder.share if self._shedder is not None else 0.0
        return Load(share, wanted_hz / self._schedule.stretch, wanted_hz, self._late)

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """Of the last judgement: windows, features, inference, rgb where some bundle looks at
        pixels, events."""
        return dict(self._timings)

    @property
    def bundle_ms(self) -> Mapping[str, float]:
        """Of the last judgement, by the bundles' names: see `Panel.bundle_ms`."""
        return self._panel.bundle_ms

    @property
    def expert_rows(self) -> Mapping[str, tuple[int, int]]:
        """Of the last judgement, by "bundle/expert": see `Panel.expert_rows`."""
        return self._panel.expert_rows

    @property
    def rgb(self) -> RgbUse | None:
        """How pixels are used: of the last judgement, and since the start; None if no bundle looks
        at them (its engine was made without `rgb`, or judges frame by frame, or one expert decides
        alone), so that nobody need call `see`."""
        return self._panel.rgb

    def see(
        self, image_bgr: Image, frame: SkeletonFrame, stamp_ns: int | None = None
    ) -> bool:
        """Look at an image before `push`ing the tracked skeletons found in it.

        image_bgr: (H, W, 3) uint8 BGR; only small crops of people are kept of it (`rgb.nbytes`).
        stamp_ns: the image's own; None = the frame's. From any one thread, while another pushes.
        Returns False, counted in `rgb.drops`, if it is not used; who is judged without pixels is
        judged by the skeleton alone. Never raises for an image or frame that does not fit.
        """
        return self._panel.see(image_bgr, frame, frame.stamp_ns if stamp_ns is None else stamp_ns)

    def push(self, frame: SkeletonFrame, judge: bool = True) -> ActionFrame | None:
        """Take a frame; the state of everybody if it is time for a judgement, else None.

        judge: False = newer frames are waiting: this one is only taken in, and who is due now will
        be judged with the next.

        One entry per person present (not lost for `lost_after_s`), or one per person and bundle if
        several may speak; when one action turns into another there are two, ENDED then STARTED. Of
        many people only some are judged at a time; the others' entries repeat how they stand. A
        person who left with an action in progress gets a last entry, ENDED. Raises LayoutError if
        the frame's layout is not the bundles', InvalidSkeletonError if a bundle needs the size of
        the image and the frame has none, both with nothing changed, and EngineError if an engine
        fails: the frame is taken in then, and who was due is judged at their next tick, a period
        later.
        """
        begin = self._now()
        due = self._take(frame, judge)
        taken = self._now()
        result = None if due is None else self._judge(frame.stamp_ns, due)
        if self._shedder is not None:
            self._shedder.note(
                taken - begin, self._now() - taken, len(due or ()), len(self._people),
                self.config.rate_hz,
            )  # fmt: skip
            self._schedule.stretch = self._shedder.stretch
        return result

    def flush(self) -> ActionFrame | None:
        """End whatever is in progress and forget everybody; None if there is nothing to say."""
        stamp_ns = self._panel.buffer.newest_ns
        self._part_with(list(self._people))
        leaving, self._leaving = self._leaving, []
        self._panel.clear()
        self._schedule.restart()
        if stamp_ns is None or not leaving:
            return None
        return ActionFrame(stamp_ns, tuple(leaving))

    def reconfigure(self, config: RecognizerConfig) -> None:
        """Go on with other options; people, windows and actions in progress stay.

        Raises ConfigurationError, with nothing changed, for options that contradict each other or
        a bundle, and for another fusion, min_coverage, lost_after_s or max_people: these need a
        new recogniser.
        """
        for name in _FIXED:
            old, new = getattr(self.config, name), getattr(config, name)
            if old != new:
                raise ConfigurationError(
                    f"{name} cannot become {new} while people are recognised with {old}; start "
                    "the recogniser anew with it."
                )
        rules = tuple(rules_for(manifest, config) for manifest in self.manifests)
        self._schedule.set_rate(config.rate_hz)
        self.config, self._rules = config, rules
        for person in self._people.values():
            person.set_rules(rules)

    def _now(self) -> float:
        return self._shedder.now() if self._shedder is not None else 0.0

    def _take(self, frame: SkeletonFrame, judge: bool) -> list[int] | None:
        """The tracks to judge now; None if this is no time for a judgement."""
        buffer = self._panel.buffer
        resets = buffer.resets
        if not self._panel.push(frame):
            return None
        anew = buffer.resets > resets
        self._part_with(list(self._people if anew else buffer.forgotten))
        if anew:
            self._schedule.restart()
        self._meet(frame)
        self._late += not judge
        return self._schedule.due(frame.stamp_ns, self._people, judge)

    def _meet(self, frame: SkeletonFrame) -> None:
        for skeleton in self._panel.buffer.taken:  # it counts the others as dropped
            person = self._people.get(skeleton.track_id)
            if person is None:
                self._people[skeleton.track_id] = Person(
                    self.manifests, self._rules, skeleton, frame.stamp_ns
                )
            else:
                person.see(skeleton, frame.stamp_ns)

    def _part_with(self, track_ids: list[int]) -> None:
        for track_id in track_ids:
            self._leaving.extend(self._people.pop(track_id).close())
            self._panel.forget(track_id)
            self._schedule.forget(track_id)

    def _judge(self, stamp_ns: int, due: Sequence[int]) -> ActionFrame:
        # Up to when each was last seen: somebody hidden for a moment is judged by what was seen.
        self._opinions = {}
        judged = self._panel.judge({track_id: self._people[track_id].seen_ns for track_id in due})
        self._opinions = {t: tuple(each[t][1] for each in judged) for t in due}
        begin = time.perf_counter()
        said, config = set(due), self.config
        actions, self._leaving = self._leaving, []
        for track_id, person in self._people.items():
            if track_id in said:
                now = [each[track_id] for each in judged]
                actions += person.advance(stamp_ns, now, config.conflict, config.top_k)
            else:
                actions += person.standing(config.conflict, config.top_k)
        self._timings = {
            **self._panel.stage_ms, "events": (time.perf_counter() - begin) * 1e3,
        }  # fmt: skip
        return ActionFrame(stamp_ns, tuple(actions))


def _pairs(
    bundles: Bundle | Sequence[tuple[Bundle, Engine]], engine: Engine | None
) -> Sequence[tuple[Bundle, Engine]]:
    if isinstance(bundles, Bundle):
        if engine is None:
            raise ConfigurationError(
                f"The bundle '{bundles.manifest.name}' comes without its engine; give "
                "create_engine(bundle) too."
            )
        return [(bundles, engine)]
    if engine is not None:
        raise ConfigurationError("With several bundles each brings its engine: (bundle, engine).")
    return bundles
