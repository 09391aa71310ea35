"""What is wrong with a bag, each thing said once however often it is met."""

from __future__ import annotations

from collections import defaultdict

_REMEMBERED = 10_000


class Problems:
    """Sentences, and damaged messages counted by topic (each once, also when read again)."""

    def __init__(self) -> None:
        self._sentences: dict[str, None] = {}
        self._damaged: dict[str, set[int]] = defaultdict(set)
        self._first: dict[str, str] = {}

    def add(self, sentence: str) -> None:
        """Note something."""
        self._sentences[sentence] = None

    def damaged(self, topic: str, log_ns: int, error: Exception) -> None:
        """Note a message that could not be read."""
        if len(self._damaged[topic]) < _REMEMBERED:
            self._damaged[topic].add(log_ns)
        self._first.setdefault(topic, f"{type(error).__name__}: {error}")

    def sentences(self) -> list[str]:
        """All so far."""
        return [*self._sentences, *map(self._counted, self._damaged)]

    def _counted(self, topic: str) -> str:
        count = len(self._damaged[topic])
        number = f"at least {count}" if count >= _REMEMBERED else str(count)
        said = "message" if count == 1 else "messages"
        return f"{number} {said} of {topic} could not be read: skipped ({self._first[topic]})."
