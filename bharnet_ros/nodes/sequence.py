"""What was published but never taken, as the publishers' sequence numbers tell. Free of ROS."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

from bharnet_ros.nodes.findings import Finding, Level

REPLACED = "replaced by a newer one while busy"
LOST = "lost on the way"

_MAX_PUBLISHERS = 16
_MAX_GAP = 100_000
"""A larger step is no loss but another way of counting."""
_MAX_STEP = 30
"""Where several send, one without a name that leaves out more is taken for another one."""
_SPAN_S = 5.0
_ENOUGH = 10


class Voices:
    """Tells the publishers of a topic apart by their numbers, where the middleware names none.

    Each counts its own messages, so a number that goes on from the newest of one is of that one.
    """

    def __init__(self) -> None:
        self._newest: OrderedDict[int, int] = OrderedDict()
        self._met = 0

    def of(self, number: int | None) -> int | None:
        """Whose message has this number; None where the middleware does not count either.

        Of two that could go on with it, it is the nearer one, else the one that was silent longer.
        """
        if number is None:
            return None
        steps = {voice: number - last for voice, last in self._newest.items()}
        near = [voice for voice, step in steps.items() if 0 < step <= _MAX_STEP]
        voice = min(near, key=steps.__getitem__, default=self._met)
        self._met += voice == self._met
        self._newest.pop(voice, None)
        self._newest[voice] = number
        if len(self._newest) > _MAX_PUBLISHERS:
            self._newest.popitem(last=False)
        return voice


class SequenceGaps:
    """Counts the numbers that are left out, for each publisher on its own."""

    def __init__(self) -> None:
        self._newest: OrderedDict[Hashable, int] = OrderedDict()

    def missing(self, publisher: Hashable, number: int | None) -> int:
        """How many messages of this publisher lie between its last one and this one.

        number: None where the middleware does not count.
        """
        if number is None:
            return 0
        last = self._newest.pop(publisher, None)
        self._newest[publisher] = number
        if len(self._newest) > _MAX_PUBLISHERS:
            self._newest.popitem(last=False)
        if last is None or not 1 < number - last <= _MAX_GAP:
            return 0
        return number - last - 1


class Speakers:
    """Whether several publishers take turns on a topic.

    One that took the place of another, as after a restart, speaks alone from then on.
    clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: Hashable = None
        self._turns: deque[float] = deque(maxlen=3)

    def heard(self, publisher: Hashable) -> None:
        """A message of this publisher came; None where the middleware does not tell."""
        if self._last is not None and publisher is not None and publisher != self._last:
            self._turns.append(self._clock())
        self._last = publisher

    def alternate(self) -> bool:
        """Whether the word went to and fro in the last seconds."""
        turns = [turn for turn in self._turns if self._clock() - turn <= _SPAN_S]
        return len(turns) >= 3


class KeepingUp:
    """Judges over the last seconds whether a node keeps up with its input.

    A single period may be too short to say so: at 5 images per second one that is missed is a lot,
    and a camera that pauses and returns may lose some.
    clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: deque[tuple[float, float, int, int, int, float]] = deque()

    def note(
        self, elapsed_s: float, taken: int, replaced: int, lost: int, busy_share: float
    ) -> None:
        """One period: its length, messages taken and missed, and the share of time at work."""
        now = self._clock()
        self._entries.append((now, elapsed_s, taken, replaced, lost, busy_share))
        while self._entries and now - self._entries[0][0] > _SPAN_S:
            self._entries.popleft()

    def findings(self, what: str, allowed_share: float) -> list[Finding]:
        """WARN for more than the allowed share of the input being replaced or lost.

        what: the plural of the input, as "images".
        """
        elapsed_s = sum(entry[1] for entry in self._entries)
        taken, replaced, lost = (sum(entry[i] for entry in self._entries) for i in (2, 3, 4))
        published = taken + replaced + lost
        if published < _ENOUGH or allowed_share >= 1.0 or elapsed_s <= 0.0:
            return []

        def lasts(index: int) -> bool:
            """Whether it happened again and again; where reports are rare, whether at all."""
            times = sum(entry[index] > 0 for entry in self._entries)
            return times >= 3 or (times > 0 and len(self._entries) < 3 and elapsed_s >= _SPAN_S)

        found = []
        rates = f"{taken / elapsed_s:.1f} of {published / elapsed_s:.1f} {what} per second"
        if replaced > allowed_share * published and lasts(3):
            busy = sum(entry[1] * entry[5] for entry in self._entries) / elapsed_s
            found.append(
                Finding(
                    Level.WARN,
                    f"slower than the input: {rates} are used, the others are replaced by newer "
                    f"ones (at work {100 * busy:.0f} % of the time)",
                )
            )
        if lost > allowed_share * published and lasts(4):
            found.append(
                Finding(
                    Level.WARN,
                    f"{what} get lost on the way: {rates} arrive; see the network, the size of "
                    "the shared memory (config/fastdds.xml) or make the topic reliable",
                )
            )
        return found
