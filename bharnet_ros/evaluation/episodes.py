"""Stretches of time in which somebody does something, true or recognised."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bharnet_ros.types import ActionFrame, ActionState


@dataclass(frozen=True)
class Episode:
    """One action of one person.

    person_id: the track id of a recognised action, the actor of a true one.
    start_ns, end_ns: for a recognised action the stamps of its STARTED and ENDED.
    score: its probability (the highest while it ran); 1 for a true one.
    bundle: the bundle that recognised it; "" for a true one.
    """

    person_id: int
    class_name: str
    start_ns: int
    end_ns: int
    score: float = 1.0
    bundle: str = ""


class EpisodeCollector:
    """Gathers STARTED ... ENDED of a stream of action frames into episodes.

    bundle: take only what this bundle says; None = every bundle's. Bundles may speak at the same
    time, so each has its own action of a person.
    """

    def __init__(self, bundle: str | None = None) -> None:
        self._bundle = bundle
        self._open: dict[tuple[str, int], Episode] = {}
        self._done: list[Episode] = []
        self._newest_ns = 0

    def push(self, frame: ActionFrame) -> tuple[Episode, ...]:
        """Take a frame; the episodes that it ended."""
        count = len(self._done)
        self._newest_ns = frame.stamp_ns
        for action in frame.actions:
            if not action.hypotheses or action.state == ActionState.NONE:
                continue
            if self._bundle not in (None, action.bundle):
                continue
            key, best = (action.bundle, action.track_id), action.hypotheses[0]
            if action.state == ActionState.STARTED:
                self._close(key, frame.stamp_ns)  # its ENDED was lost on the way
                self._open[key] = Episode(
                    action.track_id, best.class_name, frame.stamp_ns, frame.stamp_ns, best.score,
                    action.bundle,
                )  # fmt: skip
            elif key in self._open:
                begun = self._open[key]
                score = max(begun.score, best.score)
                self._open[key] = replace(begun, end_ns=frame.stamp_ns, score=score)
                if action.state == ActionState.ENDED:
                    self._close(key, frame.stamp_ns)
        return tuple(self._done[count:])

    def episodes(self) -> tuple[Episode, ...]:
        """All of them by start; those still in progress end with the newest frame."""
        running = [
            replace(e, end_ns=max(e.end_ns, self._newest_ns)) for e in self._open.values()
        ]
        return tuple(
            sorted([*self._done, *running], key=lambda e: (e.start_ns, e.person_id, e.bundle))
        )

    def _close(self, key: tuple[str, int], stamp_ns: int) -> None:
        episode = self._open.pop(key, None)
        if episode is not None:
            # A clock that jumped back ends an episode before it began.
            self._done.append(replace(episode, end_ns=max(stamp_ns, episode.start_ns)))
