"""ONNX operators over images and sequences as torch functions: convolutions, pooling, resizing.

As in `bharnet_ros.inference.torch.ops`: attributes of the node first, then its inputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Attributes = Mapping[str, Any]


def _halves(pads: Sequence[int]) -> tuple[list[int], bool]:
    """ONNX pads (all begins, all ends) as torch's; whether begins and ends agree."""
    half = len(pads) // 2
    return list(pads[:half]), list(pads[:half]) == list(pads[half:])


def _around(a: Attributes, x: Tensor, value: float) -> tuple[Tensor, list[int]]:
    """The input padded where torch's operators cannot do it, and what is left for them to do."""
    if a.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise NotImplementedError(f"auto_pad {a['auto_pad']!r}")
    pads = list(a.get("pads", [0] * 2 * (x.ndim - 2)))
    begins, even = _halves(pads)
    if even:
        return x, begins
    if a.get("ceil_mode", 0):
        raise NotImplementedError("ceil_mode with unequal pads")
    ends = pads[len(pads) // 2 :]
    order = [n for pair in zip(reversed(begins), reversed(ends), strict=True) for n in pair]
    return F.pad(x, order, value=value), [0] * len(begins)


def conv(a: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Conv, also grouped, of one to three dimensions."""
    x, pads = _around(a, x, 0.0)
    dims = x.ndim - 2
    function = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[dims]
    result: Tensor = function(
        x, weight, bias, stride=a.get("strides", [1] * dims), padding=pads,
        dilation=a.get("dilations", [1] * dims), groups=int(a.get("group", 1)),
    )  # fmt: skip
    return result


def max_pool(a: Attributes, x: Tensor) -> Tensor:
    """MaxPool."""
    x, pads = _around(a, x, float("-inf"))
    dims = x.ndim - 2
    function = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[dims]
    result: Tensor = function(
        x, a["kernel_shape"], stride=a.get("strides", [1] * dims),
        padding=pads, dilation=a.get("dilations", [1] * dims),
        ceil_mode=bool(a.get("ceil_mode", 0)),
    )  # fmt: skip
    return result


def average_pool(a: Attributes, x: Tensor) -> Tensor:
    """AveragePool."""
    dims = x.ndim - 2
    if any(n != 1 for n in a.get("dilations", ())):
        raise NotImplementedError("dilations")
    padded, pads = _around(a, x, 0.0)
    pool = partial(
        {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}[dims],
        kernel_size=list(a["kernel_shape"]), stride=list(a.get("strides", [1] * dims)),
        padding=pads, ceil_mode=bool(a.get("ceil_mode", 0)),
        count_include_pad=bool(a.get("count_include_pad", 0)),
    )  # fmt: skip
    result: Tensor = pool(padded)
    if padded is not x and not a.get("count_include_pad", 0):
        # torch has counted the pixels around, since it was given them as pixels.
        result = result / pool(_around(a, torch.ones_like(x), 0.0)[0])
    return result


def resize(
    a: Attributes, x: Tensor, roi: Any = None, scales: Any = None, sizes: Any = None
) -> Tensor:
    """Images (N, C, H, W), over H and W; as pose and detection networks have it."""
    if x.ndim != 4 or a.get("axes") or a.get("keep_aspect_ratio_policy", b"stretch") != b"stretch":
        raise NotImplementedError("of anything but whole images")
    if a.get("antialias", 0):
        raise NotImplementedError("antialias")
    factors = scales or [n / m for n, m in zip(sizes, x.shape, strict=True)]
    if factors[:2] != [1.0, 1.0]:
        raise NotImplementedError("over other axes than height and width")
    length = [int(n) for n in sizes[2:]] if sizes else [
        math.floor(n * f) for n, f in zip(x.shape[2:], factors[2:], strict=True)
    ]  # fmt: skip
    kind = a.get("coordinate_transformation_mode", b"half_pixel")
    mode = a.get("mode", b"nearest")
    if kind == b"pytorch_half_pixel" and 1 in length:  # then it takes the first pixel
        raise NotImplementedError(f"{kind!r} to a single pixel")
    if mode == b"linear" and kind in (b"half_pixel", b"pytorch_half_pixel", b"align_corners"):
        given = None if sizes else factors[2:]
        corners = kind == b"align_corners"
        return F.interpolate(
            x, size=length if given is None or corners else None,
            scale_factor=None if corners else given, mode="bilinear", align_corners=corners,
        )  # fmt: skip
    if mode != b"nearest" or kind not in (b"half_pixel", b"asymmetric"):
        raise NotImplementedError(f"{mode!r} with {kind!r}")
    rounding = a.get("nearest_mode", b"round_prefer_floor")
    for axis in (2, 3):
        places = torch.arange(length[axis - 2], dtype=torch.float64, device=x.device)
        half = 0.5 if kind == b"half_pixel" else 0.0
        places = (places + half) / factors[axis] - half
        places = {
            b"floor": places.floor, b"ceil": places.ceil,
            b"round_prefer_floor": (places - 0.5).ceil, b"round_prefer_ceil": (places + 0.5).floor,
        }[rounding]()  # fmt: skip
        x = x.index_select(axis, places.clamp(0, x.shape[axis] - 1).long())
    return x


def depth_to_space(a: Attributes, x: Tensor) -> Tensor:
    """DepthToSpace in both orders; CRD is torch's pixel shuffle."""
    block = int(a["blocksize"])
    if a.get("mode", b"DCR") == b"CRD":
        return F.pixel_shuffle(x, block)
    n, c, h, w = x.shape
    parts = x.reshape(n, block, block, c // (block * block), h, w)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(n, -1, h * block, w * block)
