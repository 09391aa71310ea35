"""The networks of one estimator, shared by the cameras that use it."""

from __future__ import annotations

import threading

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.topdown.types import KeypointModel, PersonDetector

HAND_KEYPOINTS = 21


class Networks:
    """A person detector, a whole-body network and perhaps a hand network.

    Counts its users; the last one to let go frees the networks. Raises ConfigurationError if the
    hand network has not 21 keypoints.
    """

    def __init__(
        self,
        detector: PersonDetector,
        keypoints: KeypointModel,
        hands: KeypointModel | None = None,
    ) -> None:
        if hands is not None and hands.num_keypoints != HAND_KEYPOINTS:
            raise ConfigurationError(
                f"The hand network ({hands.identity}) gives {hands.num_keypoints} keypoints; "
                f"choose one of {HAND_KEYPOINTS}, such as RTMPose-hand, or none."
            )
        self.detector = detector
        self.keypoints = keypoints
        self.hands = hands
        self.turn = threading.Lock()
        """Held while a network runs: cameras in threads of their own take turns."""
        self._users = 1
        self._lock = threading.Lock()

    @property
    def identity(self) -> str:
        """What runs, for diagnostics."""
        parts = [f"detector: {self.detector.identity}", f"keypoints: {self.keypoints.identity}"]
        if self.hands is not None:
            parts.append(f"hands: {self.hands.identity}")
        return "; ".join(parts)

    def share(self) -> Networks:
        """The same networks for one more user."""
        with self._lock:
            if self._users == 0:
                raise ConfigurationError("The pose estimator is closed; create another one")
            self._users += 1
        return self

    def release(self) -> None:
        """One user less."""
        with self._lock:
            self._users -= 1
            last = self._users == 0
        if not last:
            return
        with self.turn:
            for network in (self.detector, self.keypoints, self.hands):
                if network is not None:
                    network.close()
