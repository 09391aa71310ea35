"""cv_bridge: used for what is not read here, and equal to it where both read an encoding."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bharnet_ros.image_encodings import SUPPORTED_ENCODINGS, BadImage, foreign, image_to_bgr

from .messages import raw

PICTURE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


def samples(encoding: str) -> tuple[int, int]:
    """Bytes of a row of 8 pixels, and rows of them for two rows of the picture."""
    channels = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4}.get(encoding.rstrip("168"), 1)
    depth = 2 if encoding.endswith("16") else 1
    if encoding.startswith("nv"):
        return 8, 6 if encoding == "nv24" else 3
    if encoding.startswith(("yu", "uy")):
        return 16, 2
    return 8 * channels * depth, 2


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("encoding", SUPPORTED_ENCODINGS)
def test_it_reads_the_same(encoding: str, big_endian: bool) -> None:
    module = pytest.importorskip("cv_bridge", reason="cv_bridge (part of ROS) is not installed")
    row, twice = samples(encoding)
    rows = np.random.default_rng(1).integers(0, 256, (12 * twice // 2, row), np.uint8)
    message = raw(encoding, 8, rows, height=12, big_endian=big_endian)
    ours = image_to_bgr(message)
    theirs = SimpleNamespace(**{**vars(message), "data": message.data.tobytes()})
    try:
        expected = module.CvBridge().imgmsg_to_cv2(theirs, desired_encoding="bgr8")
    except Exception as error:
        pytest.skip(f"this cv_bridge does not read {encoding}: {error}")
    np.testing.assert_array_equal(ours, expected)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A cv_bridge that gives what the test puts under "answer"; an exception is raised."""
    told: dict[str, Any] = {"answer": PICTURE}

    class CvBridge:
        def __init__(self) -> None:
            if "broken" in told:
                raise told["broken"]

        def imgmsg_to_cv2(self, message: Any, desired_encoding: str) -> Any:
            assert desired_encoding == "bgr8"
            if isinstance(told["answer"], Exception):
                raise told["answer"]
            return told["answer"]

    module = ModuleType("cv_bridge")
    module.CvBridge = CvBridge  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cv_bridge", module)
    foreign._bridge.cache_clear()
    yield told
    foreign._bridge.cache_clear()


def strange(length: int = 48) -> SimpleNamespace:
    return raw("strange8", 8, np.zeros((6, length // 6), np.uint8))


def test_what_is_not_read_here_is_left_to_it(stand_in: dict[str, Any]) -> None:
    np.testing.assert_array_equal(image_to_bgr(strange()), PICTURE)


@pytest.mark.parametrize(
    "answer",
    [ValueError("no"), PICTURE[:3], PICTURE[..., 0], PICTURE.astype(np.float32), None],
    ids=["error", "other size", "no colour", "floats", "nothing"],
)
def test_what_it_cannot_read_is_refused(stand_in: dict[str, Any], answer: Any) -> None:
    stand_in["answer"] = answer
    with pytest.raises(BadImage, match="'strange8' is not supported"):
        image_to_bgr(strange())


def test_it_never_sees_what_contradicts_itself(stand_in: dict[str, Any]) -> None:
    message = strange()
    message.data = message.data[:-1]
    with pytest.raises(BadImage, match="not supported"):
        image_to_bgr(message)


@pytest.mark.parametrize("error", [ImportError("numpy"), AttributeError("_ARRAY_API not found")])
def test_one_that_does_not_load_is_as_none(stand_in: dict[str, Any], error: Exception) -> None:
    stand_in["broken"] = error
    with pytest.raises(BadImage, match="not supported"):
        image_to_bgr(strange())


def test_it_is_not_needed() -> None:
    """Only a ROS installation brings it; the others work without."""
    if importlib.util.find_spec("cv_bridge") is not None:
        pytest.skip("cv_bridge is installed")
    foreign._bridge.cache_clear()
    assert foreign.foreign_to_bgr(strange()) is None
