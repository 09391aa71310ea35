"""skeletons -> actions: what every tracked person does, with start, ongoing and end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from bharnet_ros import msg
from bharnet_ros.errors import EngineError, InvalidSkeletonError, LayoutError
from bharnet_ros.inference import Engine
from bharnet_ros.load import LoadShedder
from bharnet_ros.manifest import Manifest
from bharnet_ros.node_parameters import recognizer_config
from bharnet_ros.nodes.base import ManagedNode, run
from bharnet_ros.nodes.building import one_at_a_time
from bharnet_ros.nodes.conversions import actions_to_msg, labels_to_msg, msg_to_skeletons
from bharnet_ros.nodes.endpoints import deaf_subscribers
from bharnet_ros.nodes.findings import Failures, Finding, Level, summary
from bharnet_ros.nodes.freshness import TOO_LATE_S
from bharnet_ros.nodes.input_watch import WatchedSubscription
from bharnet_ros.nodes.qos import LATCHED, RESULTS, overridable
from bharnet_ros.nodes.recognizer_engines import build_engines, load_bundles, open_engines
from bharnet_ros.nodes.recognizer_params import PARAMS
from bharnet_ros.nodes.rgb_feed import DROP, RgbFeed
from bharnet_ros.nodes.statistics import Period
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.rules import rules_for
from bharnet_ros.types import ActionFrame, SkeletonFrame

__all__ = ["PARAMS", "ActionRecognizerNode", "main"]

_ENGINE = "engine"
"""What fails, in diagnostics."""
_LOOK_S = 0.25
"""How often it looks whether anything is known of anybody, however rare the reports are."""


class ActionRecognizerNode(ManagedNode):
    """Subscribes skeletons; publishes actions and, latched, action_labels."""

    def __init__(self, **options: Any) -> None:
        self._recognizer: Recognizer | None = None
        self._engines: list[Engine] = []
        self._manifests: tuple[Manifest, ...] = ()
        self._input: WatchedSubscription | None = None
        self._identities: dict[str, str] = {}
        self._failures = Failures()
        self._timer: Any = None
        self._frame_id = ""
        self._people = 0
        self._taken_s = 0.0
        self._judged = False
        self._last_refusal = ""
        self._counted: dict[str, int] = {}
        super().__init__("action_recognizer", PARAMS, **options)
        self._rgb = RgbFeed(self)
        self._actions = self.create_publisher(
            msg.RecognizedActionArray, "actions", RESULTS, qos_overriding_options=overridable()
        )
        self._labels = self.create_publisher(msg.ActionLabels, "action_labels", LATCHED)

    def configure(self) -> None:
        """Load and verify the bundles, warm the engines up, publish the classes."""
        if self.params["build_only"]:  # and then the process ends
            self.exit_status = 1
            with one_at_a_time:
                build_engines(self.params.all(), self._say)
            self.exit_status = 0
            return
        self._load()
        self._publish_labels()

    def _say(self, text: str) -> None:
        """A line about a build that takes long."""
        self.get_logger().info(text)

    def _load(self) -> None:
        """Bundles, engines and a recogniser that knows nobody, unless they are there."""
        if self._recognizer is not None:
            return
        values = self.params.all()
        bundles = load_bundles(values)
        self._engines = open_engines(values, bundles, self._say)
        recognizer = Recognizer(
            list(zip(bundles, self._engines, strict=True)),
            config=recognizer_config(values),
            shedder=LoadShedder(),
        )
        self._identities = {}
        for bundle, engine in zip(bundles, self._engines, strict=True):
            manifest = bundle.manifest
            self._identities[f"bundle {manifest.name}"] = (
                f"{bundle.digest[:12]} in {bundle.path}; {engine.identity}"
            )
            self._say(
                f"Bundle {manifest.name}: {len(manifest.class_names)} classes, "
                f"windows of {manifest.window_s:g} s; {engine.identity}"
            )
        self._recognizer, self._manifests = recognizer, recognizer.manifests
        self._counted = {}
        self._failures.clear()

    def _free(self) -> None:
        """Let the engines and the people go."""
        self._recognizer = None
        engines, self._engines = self._engines, []
        for engine in engines:
            engine.close()

    def activate(self) -> None:
        """Subscribe to skeletons, take their images if they are in this process and wanted; load
        the engines again if deactivate has freed them."""
        self._load()
        if self._recognizer is not None:
            topic = self.resolve_topic_name("skeletons")
            self._rgb.open(topic, self._recognizer, self._manifests)
        self._taken_s = time.monotonic()
        self._input = WatchedSubscription(
            self, msg.SkeletonArray, "skeletons", self._on_skeletons, RESULTS,
            what="skeletons", timeout_s=self.params["input_timeout_s"],
        )  # fmt: skip
        self._timer = self.create_timer(_LOOK_S, self._end_unknown, clock=self._steady)

    def deactivate(self) -> None:
        """Stop listening, end what is in progress, so that nobody waits for an ENDED, and free
        the engines."""
        self._rgb.close()
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None
        if self._input is not None:
            self._input.destroy()
            self._input = None
        try:
            self._flush()
        finally:
            self._free()

    def cleanup(self) -> None:
        """Forget the bundles too."""
        self._manifests, self._identities = (), {}
        self._free()

    def check_parameters(self, values: Mapping[str, Any]) -> None:
        """Refuse what contradicts itself or the bundles that are loaded."""
        config = recognizer_config(values)
        for manifest in self._manifests:
            rules_for(manifest, config)

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Go on with other options; people, windows and actions in progress stay."""
        if "input_timeout_s" in names and self._input is not None:
            self._input.timeout_s = self.params["input_timeout_s"]
        if self._recognizer is not None:
            self._recognizer.reconfigure(recognizer_config(self.params.all()))
            if "conflict" in names:
                self._publish_labels()

    def _publish_labels(self) -> None:
        self._labels.publish(labels_to_msg(self._manifests, self.params["conflict"]))

    def _on_skeletons(self, message: Any) -> None:
        """Take everything that waits; judge the newest only, and not even that if the node hung and
        finds the past, so that nobody reads old news."""
        recognizer = self._recognizer
        if self._input is None or recognizer is None:
            return
        frames = [self._read(each) for each in (message, *self._input.backlog())]
        usable = [f for f in frames if f is not None and f.layout == recognizer.layout]
        newest = usable[-1] if usable else None
        in_time = self._input.waited_s <= TOO_LATE_S
        for frame in frames:
            if frame is not None:
                self._take(frame, judge=in_time and frame is newest)

    def _read(self, message: Any) -> SkeletonFrame | None:
        """None if it cannot be read."""
        begin = time.perf_counter()
        try:
            frame = msg_to_skeletons(message)
        except InvalidSkeletonError as error:
            self._refuse("invalid skeleton", error)
            return None
        self._frame_id = message.header.frame_id
        self.stats.duration("convert skeletons", 1e3 * (time.perf_counter() - begin))
        return frame

    def _take(self, frame: SkeletonFrame, judge: bool) -> None:
        if self._recognizer is None:
            return
        converted = time.perf_counter()
        newest_ns = self._recognizer.newest_ns
        try:
            actions = self._recognizer.push(frame, judge)
        except LayoutError as error:
            self._refuse("layout mismatch", error)
            return
        except InvalidSkeletonError as error:
            self._refuse("invalid skeleton", error)
            return
        except EngineError as error:
            self.stats.drop("engine failed")
            self._failures.failed(_ENGINE, error)
            return
        finally:
            self._count_drops()
            if self._recognizer.newest_ns != newest_ns:
                self._taken_s = time.monotonic()
        if actions is None:
            return
        pushed = time.perf_counter()
        if any(ran for ran, _ in self._recognizer.expert_rows.values()):  # else nobody asked it
            self._failures.worked(_ENGINE)
            self._judged = True
        self._rgb.judged()
        self._publish(actions)
        self._note(
            {
                "recognise": 1e3 * (pushed - converted),
                "publish": 1e3 * (time.perf_counter() - pushed),
                "stamp age": (self.get_clock().now().nanoseconds - frame.stamp_ns) * 1e-6,
            }
        )

    def _note(self, durations: Mapping[str, float]) -> None:
        """These, and those of the recogniser's last judgement."""
        if self._recognizer is None:
            return
        stages = {f"recognise/{name}": ms for name, ms in self._recognizer.timings_ms.items()}
        bundles = {f"bundle {name}": ms for name, ms in self._recognizer.bundle_ms.items()}
        self.stats.durations({**stages, **bundles, **durations})
        self.stats.gauge("people", self._people)

    def _publish(self, actions: ActionFrame) -> None:
        self._people = len({action.track_id for action in actions.actions})
        self._actions.publish(actions_to_msg(actions, self._frame_id))
        self.stats.event("actions out")

    def _end_unknown(self) -> None:
        """End actions if for too long no frame came that could be taken in, or nobody could be
        judged; in the latter case once, so that windows fill and the engine is asked again."""
        failing_s = self._failures.failing_s(_ENGINE) if self._judged else 0.0
        unknown_s = max(time.monotonic() - self._taken_s, failing_s)
        if unknown_s > self.params["input_timeout_s"]:
            self._flush()

    def _flush(self) -> None:
        """Of whom nothing is known nothing is ongoing: messages already out must not stay open."""
        if self._recognizer is None:
            return
        actions = self._recognizer.flush()
        if actions is not None:
            self._publish(actions)
        self._judged = False
        self._people = 0
        self.stats.gauge("people", 0)

    def _count_drops(self) -> None:
        """Move what the recogniser dropped into the node's statistics."""
        if self._recognizer is None:
            return
        for reason, total in self._recognizer.drops.items():
            fresh = total - self._counted.get(reason, 0)
            if fresh > 0:
                self.stats.drop(reason, fresh)
                self._counted[reason] = total

    def _refuse(self, reason: str, error: Exception) -> None:
        self.stats.drop(reason)
        if str(error) != self._last_refusal:
            self._last_refusal = str(error)
            self.get_logger().warning(f"Skeletons dropped: {error}")

    def diagnose(self, period: Period) -> tuple[bytes, str, dict[str, str]]:
        """What is wrong with input, engine or load."""
        values = {
            **self._identities,
            "fusion": self.params["fusion"],
            "conflict": self.params["conflict"],
            "people": str(self._people),
        }
        findings = self._failures.findings()
        if self._input is not None:
            findings += self._input.findings(period)
        if self._recognizer is not None:
            load = self._recognizer.load
            values["load"] = f"{100.0 * load.share:.0f} %"
            values["judgements [Hz]"] = f"{load.rate_hz:.1f} of {load.wanted_hz:.1f}"
            values["late frames"] = str(load.late)
            self.stats.gauge("judgements of everybody [Hz]", load.rate_hz)
            if load.is_lowered:
                findings.append(Finding(Level.WARN, load.sentence))
            for name, (ran, asked) in self._recognizer.expert_rows.items():
                values[f"people judged by {name}"] = f"{ran} of {asked}"
        found, figures = self._rgb.report()
        findings += [*found, *deaf_subscribers(self, [self._actions, self._labels])]
        values.update(figures)
        drops = [f"{n} {why}" for why, n in period.drops.items() if not why.startswith(DROP)]
        if drops:
            findings.append(Finding(Level.WARN, f"skeletons dropped: {', '.join(drops)}"))
            values["last refusal"] = self._last_refusal
        level, message = summary(findings, f"{self._people} people")
        return level, message, values


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros action_recognizer"""
    return run([ActionRecognizerNode], args)
