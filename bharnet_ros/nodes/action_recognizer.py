"""skeletons -> actions: what every tracked person does, with start, ongoing and end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from bharnet_ros import msg
from bharnet_ros.bundle import DEFAULT_BUNDLE, load_bundle
from bharnet_ros.conflicts import CONFLICTS
from bharnet_ros.errors import InvalidSkeletonError, LayoutError
from bharnet_ros.inference import available_engines, create_engine
from bharnet_ros.judging import check_together
from bharnet_ros.node_parameters import recognizer_config
from bharnet_ros.nodes.base import OK, WARN, ManagedNode, run
from bharnet_ros.nodes.conversions import actions_to_msg, labels_to_msg, msg_to_skeletons
from bharnet_ros.nodes.input_watch import InputWatch
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import LATCHED, RESULTS, overridable
from bharnet_ros.nodes.statistics import Period
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.types import ActionFrame

PARAMS = (
    Param(
        "bundles", [DEFAULT_BUNDLE],
        "Model bundles, each a folder or the name of a shipped one; several run at once.",
    ),
    Param(
        "conflict", "all",
        "What several bundles may say of one person: all of them an action of their own, only the "
        "one that is surest (best), or the first in the list that has something to say (priority).",
        choices=CONFLICTS,
    ),
    Param(
        "engine", "onnxruntime", "What runs the networks.", choices=tuple(available_engines())
    ),
    Param("num_threads", 1, "CPU threads of the engine.", 1, 64),
    Param("fusion", "fused", "Which experts decide.", choices=("fused", "body", "hand")),
    Param("rate_hz", 15.0, "Judgements per second of stamp time.", 0.5, 120.0),
    Param("top_k", 3, "Hypotheses per person.", 1, 20),
    Param(
        "smoothing_s", -1.0,
        "Time constant of the average over judgements; 0 = off, below 0 = the bundle's.", -1.0, 5.0,
    ),
    Param(
        "confirm_s", -1.0,
        "How long a class must stay above the start threshold before it is reported; below 0 = the "
        "bundle's.", -1.0, 5.0,
    ),
    Param(
        "end_hold_s", 0.2, "How long it must stay below the end threshold to be over.", 0.0, 10.0
    ),
    Param("min_duration_s", 0.3, "An action that started lasts at least this long.", 0.0, 10.0),
    Param(
        "start_threshold", -1.0,
        "Probability at which an action starts, of every class; below 0 = the bundle's, which may "
        "differ from class to class.", -1.0, 1.0,
    ),
    Param(
        "end_threshold", -1.0,
        "Probability under which an action ends; below 0 = the bundle's.", -1.0, 1.0,
    ),
    Param(
        "unknown_threshold", -1.0,
        "Probability under which nothing is named; below 0 = the bundle's.", -1.0, 1.0,
    ),
    Param("lost_after_s", 0.5, "A person not seen for this long has left.", 0.05, 10.0),
    Param(
        "input_timeout_s", 2.0,
        "Silence on the skeletons topic after which actions end and the node warns.", 0.1, 3600.0,
    ),
)  # fmt: skip


class ActionRecognizerNode(ManagedNode):
    """Subscribes skeletons; publishes actions and, latched, action_labels."""

    def __init__(self, **options: Any) -> None:
        self._recognizer: Recognizer | None = None
        self._subscription: Any = None
        self._watch: InputWatch | None = None
        self._identities: dict[str, str] = {}
        self._frame_id = ""
        self._people = 0
        self._last_refusal = ""
        self._counted: dict[str, int] = {}
        super().__init__("action_recognizer", PARAMS, **options)
        self._actions = self.create_publisher(
            msg.RecognizedActionArray, "actions", RESULTS, qos_overriding_options=overridable()
        )
        self._labels = self.create_publisher(msg.ActionLabels, "action_labels", LATCHED)

    def configure(self) -> None:
        """Load and verify the bundles, warm the engines up, publish the classes."""
        names = [name.strip() for name in self.params["bundles"] if name.strip()]
        bundles = [load_bundle(name) for name in names]
        check_together(bundles)  # before the work of loading networks
        pairs = [
            (
                bundle,
                create_engine(bundle, self.params["engine"], threads=self.params["num_threads"]),
            )
            for bundle in bundles
        ]
        config = recognizer_config({param.name: self.params[param.name] for param in PARAMS})
        recognizer = Recognizer(pairs, config=config)
        self._identities = {}
        for bundle, engine in pairs:
            engine.warm_up((1, 2))
            manifest = bundle.manifest
            digest = manifest.files[bundle.onnx_path.name]["sha256"][:12]
            self._identities[f"bundle {manifest.name}"] = (
                f"{digest} in {bundle.path}; {engine.identity}"
            )
            self.get_logger().info(
                f"Bundle {manifest.name}: {len(manifest.class_names)} classes, "
                f"windows of {manifest.window_s:g} s; {engine.identity}"
            )
        self._recognizer = recognizer
        self._counted = {}
        self._labels.publish(labels_to_msg(recognizer.manifests, self.params["conflict"]))

    def activate(self) -> None:
        """Subscribe to skeletons."""
        self._subscription = self.create_subscription(
            msg.SkeletonArray, "skeletons", self._on_skeletons, RESULTS,
            qos_overriding_options=overridable(),
        )  # fmt: skip
        self._watch = InputWatch(
            self, self._subscription, "skeletons", self.params["input_timeout_s"]
        )

    def deactivate(self) -> None:
        """End what is in progress, so that nobody waits for an ENDED, and stop listening."""
        if self._subscription is not None:
            self.destroy_subscription(self._subscription)
            self._subscription = self._watch = None
        self._flush()

    def cleanup(self) -> None:
        """Free the engines."""
        self._recognizer = None

    def _on_skeletons(self, message: Any) -> None:
        if self._watch is None or self._recognizer is None:
            return
        begin = time.perf_counter()
        self._watch.seen()
        self.stats.event("skeletons in")
        self._frame_id = message.header.frame_id
        try:
            frame = msg_to_skeletons(message)
            converted = time.perf_counter()
            actions = self._recognizer.push(frame)
        except InvalidSkeletonError as error:
            self._refuse("invalid skeleton", error)
            return
        except LayoutError as error:
            self._refuse("layout mismatch", error)
            return
        finally:
            self._count_drops()
        self.stats.duration("convert skeletons", 1e3 * (converted - begin))
        if actions is None:
            return
        pushed = time.perf_counter()
        self._publish(actions)
        self.stats.durations(
            {f"recognise/{stage}": ms for stage, ms in self._recognizer.timings_ms.items()}
        )
        self.stats.durations(
            {f"bundle {name}": ms for name, ms in self._recognizer.bundle_ms.items()}
        )
        self.stats.durations(
            {
                "recognise": 1e3 * (pushed - converted),
                "publish": 1e3 * (time.perf_counter() - pushed),
                "stamp age": (self.get_clock().now().nanoseconds - frame.stamp_ns) * 1e-6,
            }
        )

    def _publish(self, actions: ActionFrame) -> None:
        self._people = len({action.track_id for action in actions.actions})
        self._actions.publish(actions_to_msg(actions, self._frame_id))
        self.stats.event("actions out")

    def _flush(self) -> None:
        """Without input nothing can be ongoing: the messages already out must not stay open."""
        if self._recognizer is None:
            return
        actions = self._recognizer.flush()
        if actions is not None:
            self._publish(actions)
        self._people = 0

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
        """Warn of silence and of refused skeletons; end actions when the input went silent."""
        values = {
            **self._identities,
            "fusion": self.params["fusion"],
            "conflict": self.params["conflict"],
            "people": str(self._people),
        }
        silence = self._watch.problem() if self._watch is not None else ""
        if silence:
            self._flush()
            return WARN, silence, values
        if period.drops:
            reasons = ", ".join(f"{count} {reason}" for reason, count in period.drops.items())
            values["last refusal"] = self._last_refusal
            return WARN, f"skeletons dropped: {reasons}", values
        return OK, f"{self._people} people", values


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros action_recognizer"""
    return run([ActionRecognizerNode], args)
