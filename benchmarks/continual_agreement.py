"""The recogniser frame by frame against the recogniser of windows, on recorded people.

    python -m benchmarks.continual_agreement [--run output/traduttore_asl_words_continual_run]

The streams are those on which a bundle's thresholds are chosen: recordings of people who rest,
act and rest again (validation clips of the run's store, which training never saw). Both
recognisers get the same frames and judge 15 times a second. Judgements are compared tick by tick;
opinions (before smoothing and events) also against the windows that end where the steps end,
which is what steps compute.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.continual import ContinualExperts, open_engine
from bharnet_ros.evaluation import score_episodes
from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.experts import Experts
from bharnet_ros.inference import Engine, create_engine
from bharnet_ros.recognizer import Recognizer, RecognizerConfig
from bharnet_ros.types import ActionState, SkeletonFrame
from bharnet_ros.windows import WindowBuffer
from training.engine.evaluating import open_run
from training.engine.streams import composed_streams
from training.replay import skeleton_frames, true_episodes

RUN, BUNDLE = "output/traduttore_asl_words_continual_run", "asl_words_continual"


@dataclass
class Heard:
    """What one recogniser said of all streams: (state, class) of every tick, the episodes, and
    when each started."""

    ticks: list[tuple[ActionState, str]] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)


def listen(heard: Heard, number: int, recognizer: Recognizer, frames: list[SkeletonFrame]) -> None:
    """Add a stream."""
    begun: dict[str, int] = {}
    said = [recognizer.push(frame) for frame in frames]
    said.append(recognizer.flush())
    for found in said:
        for action in found.actions if found else ():
            name = action.hypotheses[0].class_name if action.hypotheses else ""
            heard.ticks.append((action.state, name))
            if action.state == ActionState.STARTED:
                begun[name] = found.stamp_ns if found else 0
            elif action.state == ActionState.ENDED and name in begun and found:
                heard.episodes.append(Episode(number, name, begun.pop(name), found.stamp_ns))


def opinions_apart(
    bundle: Bundle, step: Engine, whole: Engine, frames: list[SkeletonFrame]
) -> list[float]:
    """Of every frame: largest difference of a probability between steps and the window that ends
    where they end."""
    manifest = bundle.manifest
    buffer = WindowBuffer(
        manifest.layout, manifest.window_s, manifest.num_steps, manifest.max_gap_s
    )
    continual, experts, found = ContinualExperts(bundle, step), Experts(bundle, whole), []
    for frame in frames:
        buffer.push(frame)
        ends = {track: buffer.last_seen_ns(track) for track in buffer.track_ids}
        for track, (span, opinion) in continual.follow(buffer, ends).items():
            other = experts.judge({track: buffer.window(track, span.end_ns)}).get(track)
            if opinion is not None and other is not None:
                found.append(float(np.abs(opinion.probabilities - other.probabilities).max()))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--run", type=Path, default=Path(RUN), help="folder of a training run")
    parser.add_argument("--bundle", default=BUNDLE, help="name or folder of its bundle")
    options = parser.parse_args(arguments)
    bundle = load_bundle(options.bundle)
    step, whole = open_engine(bundle), create_engine(bundle)
    if step is None:
        raise SystemExit(f"The bundle '{options.bundle}' has no step graph.")
    _, data, _ = open_run(options.run, "")
    manifest = bundle.manifest
    streams = composed_streams(data, manifest.layout, manifest.background_class)
    config = RecognizerConfig(rate_hz=15.0)
    windows, steps, apart, truth = Heard(), Heard(), [], []
    for number, stream in enumerate(streams):
        frames = skeleton_frames(stream)
        truth += true_episodes(stream, number)
        listen(windows, number, Recognizer(bundle, whole, config), frames)
        listen(steps, number, Recognizer(bundle, step, config), frames)
        apart += opinions_apart(bundle, step, whole, frames)
    pairs = list(zip(windows.ticks, steps.ticks, strict=True))
    same = np.mean([one == other for one, other in pairs])
    print(f"{len(streams)} recorded streams, {len(pairs)} judgements, bundle {manifest.name}")
    print(f"same state and class: {100 * same:.2f} % of the judgements")
    values = np.array(apart)
    print(
        f"opinions against windows that end where the steps end: median {np.median(values):.1e}, "
        f"within 1e-4 in {100 * np.mean(values < 1e-4):.1f} %, within 0.1 in "
        f"{100 * np.mean(values < 0.1):.1f} % of {len(values)}"
    )
    for name, heard in (("windows", windows), ("steps", steps)):
        score = score_episodes(truth, heard.episodes)
        print(
            f"{name}: {score.right} of {score.total} actions right, {score.wrong} wrong, "
            f"{len(score.false_alarms)} false alarms"
        )
    starts = {(e.person_id, e.class_name): e.start_ns for e in windows.episodes}
    delays = [
        (e.start_ns - starts[e.person_id, e.class_name]) * 1e-9
        for e in steps.episodes
        if (e.person_id, e.class_name) in starts
    ]
    print(
        f"starts of the same actions: steps {np.mean(delays) * 1e3:+.0f} ms on average, "
        f"95 % within {np.percentile(np.abs(delays), 95) * 1e3:.0f} ms"
    )


if __name__ == "__main__":
    main()
