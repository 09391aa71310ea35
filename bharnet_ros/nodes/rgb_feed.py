"""Pixels for the node action_recognizer: taken from the estimator of the same process, and told.

The RGB expert of a bundle looks at crops of people. Their images come by `image_exchange`, never by
a subscription; without them the skeletons decide alone, which diagnostics say with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bharnet_ros.manifest import Manifest
from bharnet_ros.nodes.findings import Finding, Level
from bharnet_ros.nodes.image_exchange import IMAGES, Listener
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.types import Image, SkeletonFrame

DROP = "image: "
"""What the reasons of images that were not used begin with, among the node's drops."""

_MIB = 2**20
_FEW = 0.5
"""The share of people with pixels, of those asked for, below which the node warns."""


class RgbFeed:
    """Hands the images of a topic's skeletons to a recogniser, while it is open.

    node: a ManagedNode with the parameter `rgb`.
    """

    def __init__(self, node: Any) -> None:
        self._node = node
        self._recognizer: Recognizer | None = None
        self._listener: Listener | None = None
        self._topic = ""
        self._idle = ""
        self._counted: dict[str, int] = {}
        self._failures = 0
        self._asked = self._judged = 0

    def open(self, topic: str, recognizer: Recognizer, manifests: Sequence[Manifest]) -> None:
        """Take the images of the skeletons on this topic, if the parameter and a bundle want them.

        topic: its full name. manifests: of the recogniser's bundles.
        """
        self.close()
        self._counted, self._failures, self._asked, self._judged = {}, 0, 0, 0
        self._idle = ""
        if not self._node.params["rgb"]:
            return
        self._topic = topic
        if recognizer.rgb is None:
            self._idle = _why_idle(self._node.params.all(), manifests)
            self._node.get_logger().warning(f"{self._idle[0].upper()}{self._idle[1:]}.")
            return
        self._recognizer = recognizer
        self._listener = IMAGES.listen(topic, self._see)

    def close(self) -> None:
        """Take no further image."""
        listener, self._listener = self._listener, None
        self._recognizer = None
        if listener is not None:
            listener.close()

    def _see(self, image_bgr: Image, frame: SkeletonFrame) -> None:
        """In the estimator's thread."""
        recognizer = self._recognizer
        if recognizer is not None:
            recognizer.see(image_bgr, frame)

    def judged(self) -> None:
        """The recogniser has just judged: for how many people pixels were asked for and seen."""
        use = None if self._recognizer is None else self._recognizer.rgb
        if use is not None:
            self._asked += use.asked
            self._judged += use.judged

    def report(self) -> tuple[list[Finding], dict[str, str]]:
        """What is wrong with the pixels, and their figures. Once per period."""
        if not self._node.params["rgb"]:
            return [], {"rgb": "off"}
        listener, recognizer = self._listener, self._recognizer
        use = None if recognizer is None else recognizer.rgb
        if listener is None or use is None:
            found = [Finding(Level.WARN, self._idle)] if self._idle else []
            return found, {"rgb": "on, but not used"}
        asked, judged, self._asked, self._judged = self._asked, self._judged, 0, 0
        fresh = self._count(use.drops)
        failed = listener.failures - self._failures
        self._failures = listener.failures
        values = {
            "rgb": "on",
            "judged with pixels": f"{judged} of {asked} asked for",
            "crops held [MiB]": f"{use.nbytes / _MIB:.2f} of at most {use.max_nbytes / _MIB:.2f}",
            "images handed over": str(listener.images),
        }
        if not IMAGES.is_announced(self._topic):  # which explains all the rest
            return [Finding(Level.WARN, _nobody_gives(self._topic))], values
        told = []
        if asked and judged < _FEW * asked:
            told.append(f"rgb: only {judged} of {asked} judgements that asked for pixels had them")
        if failed:
            told.append(f"rgb: taking crops failed {_times(failed)}: {listener.last_failure}")
        if fresh:
            reasons = ", ".join(f"{count} {reason}" for reason, count in fresh.items())
            told.append(f"rgb: skeletons alone, for want of images: {reasons}")
        return [Finding(Level.WARN, text) for text in told], values

    def _count(self, drops: Mapping[str, int]) -> dict[str, int]:
        """Move new drops into the node's statistics; those that are new, by reason."""
        fresh: dict[str, int] = {}
        for reason, total in drops.items():
            new = total - self._counted.get(reason, 0)
            if new > 0:
                fresh[reason] = new
                self._counted[reason] = total
                self._node.stats.drop(f"{DROP}{reason}", new)
        return fresh


def _why_idle(values: Mapping[str, Any], manifests: Sequence[Manifest]) -> str:
    """Why nothing looks at pixels though the parameter says so."""
    able = [manifest.name for manifest in manifests if manifest.rgb is not None]
    if not able:
        names = ", ".join(manifest.name for manifest in manifests)
        return (
            f"rgb is on, but no bundle has an RGB expert ({names}): skeletons decide alone; choose "
            "a bundle that has one"
        )
    if values["fusion"] != "fused":
        return (
            f"rgb is on, but fusion is {values['fusion']}: one expert decides alone; set fusion to "
            "fused"
        )
    return (
        f"rgb is on, but {', '.join(able)} judges frame by frame: skeletons decide alone; set "
        "continual to off"
    )


def _nobody_gives(topic: str) -> str:
    return (
        f"rgb is on, but the images of {topic} are not in this process: skeletons decide alone; "
        "run pose_estimator and action_recognizer in one process (rgb:=true or composed:=true, "
        "one camera)"
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
