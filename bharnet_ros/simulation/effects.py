"""What a camera does to a picture: exposure, colour cast, softness, blur, noise, compression."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import AnyFloat, Image

_TILE_SLACK = 61


@dataclass(frozen=True)
class Effects:
    """exposure: brightness factor. white_balance: BGR factors. softness_px: blur of the lens.
    shutter_s: time the sensor is exposed (motion blur); 0 = none. noise: standard deviation in
    grey levels. jpeg_quality: 1..100, or 0 for no compression.

    Raises ConfigurationError for values outside of these.
    """

    exposure: float = 1.0
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    softness_px: float = 0.55
    shutter_s: float = 0.008
    noise: float = 2.0
    jpeg_quality: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.exposure <= 4 or min(self.white_balance) <= 0:
            raise ConfigurationError(
                f"exposure {self.exposure} and white balance {self.white_balance} must be positive "
                "(exposure at most 4)"
            )
        if min(self.softness_px, self.shutter_s, self.noise) < 0 or self.shutter_s > 0.1:
            raise ConfigurationError(
                f"softness {self.softness_px} px, shutter {self.shutter_s} s and noise "
                f"{self.noise} must not be negative (shutter at most 0.1 s)"
            )
        if not 0 <= self.jpeg_quality <= 100:
            raise ConfigurationError(
                f"jpeg_quality is {self.jpeg_quality}; use 1 to 100, or 0 for no compression"
            )

    @classmethod
    def none(cls) -> Effects:
        """A perfect camera, but for the softness that hides the pixel grid."""
        return cls(shutter_s=0.0, noise=0.0)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Effects:
        """An ordinary webcam or robot camera in ordinary light."""
        blue, green, red = (float(v) for v in 1 + rng.normal(0, 0.045, 3).clip(-0.1, 0.1))
        return cls(
            exposure=float(np.exp(rng.normal(0, 0.14)).clip(0.7, 1.35)),
            white_balance=(blue, green, red),
            softness_px=float(rng.uniform(0.45, 0.8)),
            shutter_s=float(rng.uniform(0.002, 0.014)),
            noise=float(rng.uniform(0.5, 5.0)),
            jpeg_quality=int(rng.integers(55, 96)) if rng.random() < 0.35 else 0,
        )

    @property
    def tint(self) -> npt.NDArray[np.float64]:
        """(3,) BGR factor of exposure and white balance together."""
        return self.exposure * np.array(self.white_balance)


class SensorNoise:
    """Gaussian noise from one tile drawn beforehand, taken at a random place for each frame."""

    def __init__(self, size: tuple[int, int], sigma: float, rng: np.random.Generator) -> None:
        """size: (width, height) of the images; sigma: grey levels."""
        self._size = size
        self._tiles: tuple[Image, Image] | None = None
        if sigma > 0:
            shape = (size[1] + _TILE_SLACK, size[0] + _TILE_SLACK, 3)
            values = np.rint(rng.standard_normal(shape, np.float32) * np.float32(sigma))
            brighter: Image = np.clip(values, 0, 255).astype(np.uint8)
            darker: Image = np.clip(-values, 0, 255).astype(np.uint8)
            self._tiles = (brighter, darker)

    def apply(self, image: Image, rng: np.random.Generator) -> None:
        """Add noise to a (height, width, 3) uint8 image in place."""
        if self._tiles is None:
            return
        x, y = rng.integers(0, _TILE_SLACK, 2)
        window = (slice(y, y + self._size[1]), slice(x, x + self._size[0]))
        cv2.add(image, self._tiles[0][window], dst=image)
        cv2.subtract(image, self._tiles[1][window], dst=image)


def line_kernel(displacement: AnyFloat) -> npt.NDArray[np.float32] | None:
    """Averaging kernel along a (2,) displacement in pixels; None where it would do nothing."""
    length = float(np.linalg.norm(displacement))
    if length < 1.5:
        return None
    if length > 60:  # a longer smear holds no picture any more
        displacement = displacement * (60 / length)
        length = 60.0
    half = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    middle = np.array([half, half], np.float64)
    ends = [np.round((middle + s * displacement / 2) * 16).astype(int).tolist() for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    if kernel.max() > 1:  # antialiased lines are drawn as 0..255 on some versions
        kernel /= kernel.max()
    kernel /= kernel.sum()
    return kernel


def compress(image: Image, quality: int) -> Image:
    """The image after JPEG compression; unchanged for quality 0."""
    if quality == 0:
        return image
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        return image
    decoded: Image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return decoded
