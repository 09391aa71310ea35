"""Stretches of time in which somebody does something, true or recognised."""

from __future__ import annotations

from dataclasses import dataclass

from bharnet_ros.types import ActionFrame, ActionState


@dataclass(frozen=True)
class Episode:
    """One action of one person.

    person_id: the track id of a recognised action, the actor of a true one.
    start_ns, end_ns: for a recognised action the stamps of its STARTED and ENDED.
    score: its probability (the highest while it ran); 1 for a true one.
    """

    person_id: int
    class_name: str
    start_ns: int
    end_ns: int
    score: float = 1.0


class EpisodeCollector:
    """Gathers STARTED ... ENDED of a stream of action frames into episodes."""

    def __init__(self) -> None:
        self._open: dict[int, Episode] = {}
        self._done: list[Episode] = []
        self._newest_ns = 0

    def push(self, frame: ActionFrame) -> tuple[Episode, ...]:
        """Take a frame; the episodes that it ended."""
        count = len(self._done)
        self._newest_ns = frame.stamp_ns
        for action in frame.actions:
            if not action.hypotheses or action.state == ActionState.NONE:
                continue
            best = action.hypotheses[0]
            if action.state == ActionState.STARTED:
                self._close(action.track_id, frame.stamp_ns)  # its ENDED was lost on the way
                self._open[action.track_id] = Episode(
                    action.track_id, best.class_name, frame.stamp_ns, frame.stamp_ns, best.score
                )
            elif action.track_id in self._open:
                begun = self._open[action.track_id]
                self._open[action.track_id] = Episode(
                    begun.person_id, begun.class_name, begun.start_ns, frame.stamp_ns,
                    max(begun.score, best.score),
                )  # fmt: skip
                if action.state == ActionState.ENDED:
                    self._close(action.track_id, frame.stamp_ns)
        return tuple(self._done[count:])

    def episodes(self) -> tuple[Episode, ...]:
        """All of them by start; those still in progress end with the newest frame."""
        running = [
            Episode(e.person_id, e.class_name, e.start_ns, max(e.end_ns, self._newest_ns), e.score)
            for e in self._open.values()
        ]
        return tuple(sorted([*self._done, *running], key=lambda e: (e.start_ns, e.person_id)))

    def _close(self, track_id: int, stamp_ns: int) -> None:
        episode = self._open.pop(track_id, None)
        if episode is not None:
            # A clock that jumped back ends an episode before it began.
            end_ns = max(stamp_ns, episode.start_ns)
            self._done.append(
                Episode(
                    episode.person_id, episode.class_name, episode.start_ns, end_ns, episode.score
                )
            )
