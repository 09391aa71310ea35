"""Keypoints of people by a network that mmpose runs."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.errors import BharnetError, ConfigurationError, EngineError
from bharnet_ros.pose.mmpose.network import AUTO, PoseNetwork, open_network
from bharnet_ros.pose.rtmpose.affine import usable
from bharnet_ros.pose.topdown import Crop
from bharnet_ros.pose.topdown.options import whole
from bharnet_ros.types import FloatArray

WHOLE_BODY = 133
HAND = 21


class MMPoseKeypoints:
    """`KeypointModel` on mmpose: what `inference_topdown` does, for people of all images at once.

    config, checkpoint, device, flip_test, strict: see `network.open_network`; checkpoint None
    leaves random weights. num_keypoints: how many the network must give. max_batch: people in one
    run; more are run in turns. Raises as `open_network`.
    """

    def __init__(
        self,
        config: str | Path,
        checkpoint: str | Path | None,
        num_keypoints: int = WHOLE_BODY,
        *,
        device: str = AUTO,
        flip_test: bool = False,
        strict: bool = True,
        max_batch: int = 16,
    ) -> None:
        self._max_batch = whole("max_batch", max_batch, 1, 1024)
        for name, value in (("flip_test", flip_test), ("strict", strict)):
            if not isinstance(value, bool):
                raise ConfigurationError(f"{name} is {value!r}; it must be true or false.")
        self._network: PoseNetwork | None = open_network(
            config, checkpoint, device=device, flip_test=flip_test, strict=strict
        )
        self.identity = _identity(self._network, checkpoint)
        self.num_keypoints = self._probe(self._network)
        if self.num_keypoints != num_keypoints:
            name, found = self._network.name, self.num_keypoints
            self.close()
            raise ConfigurationError(
                f"The network of the config '{name}' gives {found} keypoints, not "
                f"{num_keypoints}; {_REMEDIES.get(num_keypoints, 'choose another config.')}"
            )

    def estimate(self, crops: Sequence[Crop]) -> tuple[FloatArray, FloatArray]:
        """Keypoints of everybody.

        crops: images (H, W, 3) uint8, blue first, each with a tight box (4,) x0, y0, x1, y1 in
        its pixels. Returns (N, K, 2) x and y in pixels of the image, which may lie outside of it,
        and (N, K) scores 0..1. Boxes that are not finite, have no area or do not touch their
        image score 0 everywhere. Raises EngineError.
        """
        network = self._network
        if network is None:
            raise EngineError(f"The network ({self.identity}) was closed; create it again.")
        points = np.zeros((len(crops), self.num_keypoints, 2), np.float32)
        scores = np.zeros((len(crops), self.num_keypoints), np.float32)
        seen = [i for i, (image, box) in enumerate(crops) if usable(box, *image.shape[:2])]
        for first in range(0, len(seen), self._max_batch):
            part = seen[first : first + self._max_batch]
            found = _run(network, [crops[index] for index in part])
            for index, (located, raw) in zip(part, found, strict=True):
                points[index], scores[index] = located, raw
        lost = ~(np.isfinite(scores) & np.isfinite(points).all(-1))
        points[lost], scores[lost] = 0.0, 0.0
        return points, np.clip(scores / np.float32(network.full_score), 0.0, 1.0)

    def close(self) -> None:
        """Free the network, on the GPU too."""
        network, self._network = self._network, None
        if network is None or not network.device.startswith("cuda"):
            return
        import torch

        del network
        torch.cuda.empty_cache()

    def _probe(self, network: PoseNetwork) -> int:
        """The number of keypoints, from a first run, which is the slow one anyway."""
        blank = np.zeros((64, 48, 3), np.uint8)
        try:
            ((points, _),) = _run(network, [(blank, np.array([8, 8, 40, 56], np.float32))])
        except BharnetError:
            raise
        except Exception as error:  # the pipeline of a config can be anything
            raise ConfigurationError(
                f"The network of the config '{network.name}' cannot look at one person in one "
                f"image ({type(error).__name__}: {str(error)[:200]}); choose a top-down network "
                "of one image."
            ) from error
        return int(points.shape[0])


_REMEDIES = {
    WHOLE_BODY: "choose a whole-body one (RTMW, RTMPose or HRNet trained on COCO-WholeBody), such "
    "as rtmw-m_8xb1024-270e_cocktail14-256x192.",
    HAND: "choose one for hands, such as rtmpose-m_8xb256-210e_hand5-256x256.",
}


def _run(network: PoseNetwork, crops: Sequence[Crop]) -> list[tuple[FloatArray, FloatArray]]:
    """(K, 2) pixels of the source image and (K,) raw scores of each crop, in one run."""
    import torch

    packed = []
    for image, box in crops:
        person: dict[str, Any] = {
            "img": image,
            "bbox": np.asarray(box, np.float32)[None],
            "bbox_score": np.ones(1, np.float32),
            **network.module.dataset_meta,
        }
        packed.append(network.pipeline(person))
    batch = importlib.import_module("mmengine.dataset").pseudo_collate(packed)
    try:
        with torch.inference_mode():
            samples = network.module.test_step(batch)
    except RuntimeError as error:  # a lost or full GPU
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else "no reason"
        raise EngineError(
            f"mmpose failed on {len(crops)} people on {network.device} ({reason}); if memory is "
            "short, lower max_batch or choose a smaller network."
        ) from error
    return [
        (
            np.asarray(sample.pred_instances.keypoints[0, :, :2], np.float32),
            np.asarray(sample.pred_instances.keypoint_scores[0], np.float32),
        )
        for sample in samples
    ]


def _identity(network: PoseNetwork, checkpoint: str | Path | None) -> str:
    import torch

    version = importlib.import_module("mmpose").__version__
    weights = "random weights" if checkpoint is None else Path(checkpoint).name
    return (
        f"{network.name}, {weights}, mmpose {version}, torch {torch.__version__}, {network.device}"
    )
