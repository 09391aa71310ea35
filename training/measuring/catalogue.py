"""What can be measured, by name, and what each measurement needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bharnet_ros.errors import ConfigurationError
from training.measuring import data, extraction, films
from training.measuring.data import DataMissing
from training.measuring.judging import Judge, open_judge
from training.measuring.reporting import Result, write_result
from training.measuring.shapes import shape_table
from training.measuring.training_hook import Trainer
from training.sequences import KeypointSequence

Report = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What was asked for.

    bundle, peer: names or folders; no peer if None. data: folder of the real data. cache: folder
    for keypoints. workers: processes for films. seed: of everything drawn. vocabulary: what drawn
    people do, a name or a file. trainer: for what has to train; without one that is left out.
    films: how many of people who gesture; as planned if None. tag: added to the reports' names.
    shots: numbers of examples that are taught, too, beside all there are.
    """

    bundle: str
    peer: str | None
    data: Path
    cache: Path
    output: Path
    command: str
    workers: int = 1
    seed: int = 7
    threads: int = 1
    vocabulary: str = "gestures"
    trainer: Trainer | None = None
    films: int | None = None
    tag: str = ""
    shots: tuple[int, ...] = ()
    report: Report = field(default=print)

    @cached_property
    def judges(self) -> dict[str, Judge]:
        """The bundle, then the peer, by name."""
        found: dict[str, Judge] = {}
        for name in (self.bundle, self.peer):
            if name is None:
                continue
            judge = open_judge(name, self.threads)
            if judge.name in found:
                raise ConfigurationError(
                    f"Bundle and peer are both named '{judge.name}'; give another peer."
                )
            found[judge.name] = judge
        return found

    @property
    def judge(self) -> Judge:
        """The bundle."""
        return next(iter(self.judges.values()))


def _landmarks(request: Request) -> Result:
    from training.measuring import landmarks

    return landmarks.measure(data.load_landmarks(request.data), request.judges)


def _photographs(request: Request) -> Result:
    from training.measuring import photographs

    return photographs.measure(_photograph_stills(request), request.judges)


def _hand_shapes(request: Request) -> Result:
    from training.measuring import hand_shapes

    hands = data.load_hand_shapes(request.data)
    return hand_shapes.measure(hands, request.judges, request.trainer, request.seed)


def _unknown(request: Request) -> Result:
    from bharnet_ros.gestures import load_vocabulary
    from training.measuring import acted_hands, unknown

    vocabulary = load_vocabulary(request.vocabulary)
    acted = {
        name: acted_hands.rankings(judge, vocabulary, request.seed)
        for name, judge in request.judges.items()
        if acted_hands.can_judge(judge, vocabulary)
    }
    material = unknown.Material(
        data.load_landmarks(request.data),
        _digit_stills(request),
        _photograph_stills(request),
        _clips(request),
        acted,
    )
    return unknown.measure(material, request.judges)


def _digits(request: Request) -> Result:
    from training.measuring import digits

    return digits.measure(_digit_stills(request), request.judges)


def _idle(request: Request) -> Result:
    from training.measuring import idle

    return idle.measure(_films(request, films.IDLE), _clips(request), request.judges)


def _reaction(request: Request) -> Result:
    from bharnet_ros.gestures import load_vocabulary
    from training.measuring import reaction

    return reaction.measure(
        load_vocabulary(request.vocabulary), _films(request, films.IDLE), _clips(request),
        {request.judge.name: request.judge}, request.seed,
    )  # fmt: skip


def _untrimmed(request: Request) -> Result:
    from bharnet_ros.gestures import load_vocabulary
    from training.measuring import untrimmed

    vocabulary = load_vocabulary(request.vocabulary)
    scripts = untrimmed.project_scripts(vocabulary, request.seed, request.films or untrimmed.PEOPLE)
    material = untrimmed.Material(scripts, _films(request, films.IDLE))
    return untrimmed.measure(material, vocabulary, {request.judge.name: request.judge})


def _drawn(request: Request) -> Result:
    from training.measuring import drawn

    wanted = replace(films.DRAWN, scenes=request.films or films.DRAWN.scenes)
    return drawn.measure(_films(request, wanted), {request.judge.name: request.judge})


def _heads(request: Request) -> Result:
    from training.measuring import heads

    wanted = replace(heads.HEADS, scenes=request.films or heads.HEADS.scenes)
    return heads.measure(_films(request, wanted), {request.judge.name: request.judge})


def _rates(request: Request) -> Result:
    from training.measuring import rates

    wanted = replace(films.DRAWN, scenes=request.films or films.DRAWN.scenes)
    return rates.measure(
        _films(request, wanted), _films(request, films.IDLE), {request.judge.name: request.judge}
    )


def _bystanders(request: Request) -> Result:
    from bharnet_ros.gestures import load_vocabulary
    from training.describing.bystanders import bystanders
    from training.measuring.bystanders import PEOPLE, SEED, measure

    known = request.judge.bundle.manifest.class_names
    people = bystanders(
        load_vocabulary(request.vocabulary), known, SEED + request.seed, request.films or PEOPLE
    )
    try:
        clips = _clips(request)
    except DataMissing as error:
        request.report(f"without signing clips: {error}")
        clips = []
    return measure(people, clips, request.judges)


def _fewshot(request: Request) -> Result:
    from training.measuring import fewshot

    if request.trainer is None:
        raise DataMissing("There is nobody to train; this needs `training.describing`.")
    return fewshot.measure(
        data.load_hand_shapes(request.data), data.load_landmarks(request.data), request.trainer,
        request.seed,
    )  # fmt: skip


def _teach(request: Request) -> Result:
    from training.measuring import sessions, taught_films, teaching

    folder = request.cache / "teach"
    made = {
        films.name: taught_films.film_sessions(films, request.seed, request.cache, request.report)
        for films in (taught_films.TAUGHT, taught_films.UNSEEN)
    }
    stores = {
        name: teaching.prepare(films, folder, name, request.seed, request.report)
        for name, films in made.items()
    }
    options = ["--threads", str(request.threads), "--init", request.bundle]
    people = taught_films.TAUGHT.scenes
    lessons = [
        teaching.lesson(stores[taught_films.TAUGHT.name], folder, shots, people, options)
        for shots in (*request.shots, people)
    ]
    others = {
        "people at rest": _films(request, films.IDLE),
        "other gestures": _films(request, films.DRAWN),
    }
    commands = (
        f"python -m training convert rosbag --input bags --names '{teaching.NAMES}' --output store",
        "python -m training teach store --output taught_bundle",
    )
    unseen = teaching.sequences_of(stores[taught_films.UNSEEN.name])
    return teaching.measure(
        lessons, unseen, others, commands, (people, taught_films.UNSEEN.scenes),
        sessions.HAND_ERROR_S, request.threads,
    )  # fmt: skip


def _photograph_stills(request: Request) -> extraction.Stills:
    return extraction.stills(
        "photographs", lambda: data.photographs(request.data), request.cache,
        report=request.report,
    )  # fmt: skip


def _digit_stills(request: Request) -> extraction.Stills:
    from training.measuring.unknown import DIGIT_FRAMES

    table = shape_table()
    return extraction.stills(
        "digits", lambda: data.later_digits(request.data, table.digits, table.unknown_digits),
        request.cache, report=request.report, frames=DIGIT_FRAMES,
    )  # fmt: skip


def _clips(request: Request) -> list[KeypointSequence]:
    return [extraction.clip(path, request.cache) for path in data.signing_clips(request.data)]


def _films(request: Request, wanted: films.FilmSet) -> list[KeypointSequence]:
    return films.make_set(
        wanted, request.vocabulary, request.seed, request.cache, request.workers, request.report
    )


_TEST_ONLY = "test only, nothing is chosen by them"
MEASUREMENTS: Mapping[str, tuple[Callable[[Request], Result], str]] = {
    "landmarks": (_landmarks, f"all 1,200 landmarks, {_TEST_ONLY}"),
    "photographs": (_photographs, f"all 190 photographs, {_TEST_ONLY}"),
    "hand_shapes": (_hand_shapes, "nine recorders, one left out each time"),
    "unknown": (
        _unknown, f"all landmarks and no_gesture photographs, {_TEST_ONLY}; digits 1 to 5 of the "
        "later half of the pupils, 0 and 7 to 9 of all; 5 clips"
    ),
    "digits": (
        _digits, "digits 1 to 5 of the later half of the pupils, 0 and 7 to 9 of all"
    ),
    "idle": (_idle, "60 films of 60 s, people 710000 to 710059; 5 clips"),
    "reaction": (_reaction, "40 projected films, people 730000 to 730039; idle films; 5 clips"),
    "untrimmed": (
        _untrimmed, "projected scripts of 10 minutes, people from 750000 on, one each; idle films"
    ),
    "drawn": (_drawn, "films of 30 s, people from 720000 on, one each"),
    "heads": (_heads, "films of 30 s, people from 780000 on, one each"),
    "rates": (_rates, "the films of drawn and of idle"),
    "bystanders": (_bystanders, "60 projected people of 60 s, seeds 770000 and --seed; 5 clips"),
    "fewshot": (_fewshot, f"recordings from hand_shapes, tested on the landmarks ({_TEST_ONLY})"),
    "teach": (
        _teach, f"taught by people 740000 to 740009, tested on 746000 to 746014 ({_TEST_ONLY})"
    ),
}  # fmt: skip


def run(request: Request, names: list[str]) -> list[Path]:
    """Measure and write; what lacks its data is skipped with the reason. Returns the reports."""
    written = []
    for name in names:
        function, split = MEASUREMENTS[name]
        begin = time.monotonic()
        try:
            result = function(request)
        except DataMissing as error:
            request.report(f"{name} skipped: {error}")
            if len(names) == 1:
                raise
            continue
        if request.tag:
            result = replace(result, name=f"{result.name}_{request.tag}")
        facts: dict[str, Any] = {
            "command": request.command,
            "split": split,
            "seed": request.seed,
            "bundles": {n: judge.sha256[:12] for n, judge in request.judges.items()},
            "estimator": f"{extraction.BACKEND} {extraction.estimator_digest()}",
            "seconds": round(time.monotonic() - begin, 1),
        }
        written.append(write_result(request.output, result, facts))
        request.report(f"{name}: {facts['seconds']} s, {written[-1]}")
    return written
