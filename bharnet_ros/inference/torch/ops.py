"""ONNX operators as torch functions: those that exporters write for skeleton networks.

Semantics are those of the ONNX operator set 11 to 21. Each function takes the attributes of the
node, then its inputs (None for an optional one that is left out). Inputs named in `STATIC` arrive
as lists of numbers instead of tensors: sizes and axes, which must be known without asking a GPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from bharnet_ros.inference.torch import image_ops

Attributes = Mapping[str, Any]
Op = Callable[..., "Tensor | Sequence[Tensor]"]

STATIC: Mapping[str, tuple[int, ...]] = {
    "Reshape": (1,), "Expand": (1,), "Tile": (1,), "Slice": (1, 2, 3, 4), "Split": (1,),
    "Squeeze": (1,), "Unsqueeze": (1,), "ReduceSum": (1,), "ReduceMean": (1,), "ReduceMax": (1,),
    "ReduceMin": (1,), "ReduceL2": (1,), "ReduceLogSumExp": (1,), "Pad": (1, 2, 3),
    "Clip": (1, 2), "TopK": (1,), "Resize": (1, 2, 3),
}  # fmt: skip
"""Places of such inputs, by operator."""

DTYPES = {
    1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool, 10: torch.float16,
    11: torch.float64,
}  # fmt: skip
"""By the number ONNX gives them."""

FLAT = "flat"
"""Attribute that a reader adds to Softmax and LogSoftmax of operator sets before 13."""


def _axes(a: Attributes, given: Any) -> list[int] | None:
    """From the input of newer operator sets or the attribute of older ones."""
    found = given if given is not None else a.get("axes")
    return None if found is None else [int(axis) for axis in found]


def _reduce(function: Callable[..., Tensor]) -> Op:
    def reduce(a: Attributes, x: Tensor, axes: Any = None) -> Tensor:
        dims = _axes(a, axes)
        if not dims:
            if a.get("noop_with_empty_axes", 0):
                return x
            dims = list(range(x.ndim))
        return function(x, dim=dims, keepdim=bool(a.get("keepdims", 1)))

    return reduce


def _reshape(a: Attributes, x: Tensor, shape: list[int]) -> Tensor:
    keep = not a.get("allowzero", 0)
    return x.reshape([x.shape[i] if n == 0 and keep else n for i, n in enumerate(shape)])


def _flatten(a: Attributes, x: Tensor) -> Tensor:
    axis = int(a.get("axis", 1))  # -1 is the last axis, x.ndim the place after it
    axis = axis if axis >= 0 else axis + x.ndim
    # Both are named, since nothing can be told from no elements.
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def _squeeze(a: Attributes, x: Tensor, axes: Any = None) -> Tensor:
    dims = _axes(a, axes)
    return x.squeeze() if dims is None else x.squeeze(dim=tuple(dims))


def _unsqueeze(a: Attributes, x: Tensor, axes: Any = None) -> Tensor:
    dims = _axes(a, axes) or []
    for axis in sorted(axis % (x.ndim + len(dims)) for axis in dims):
        x = x.unsqueeze(axis)
    return x


def _slice(
    a: Attributes,
    x: Tensor,
    starts: list[int],
    ends: list[int],
    axes: Any = None,
    steps: Any = None,
) -> Tensor:
    for i, (begin, end) in enumerate(zip(starts, ends, strict=True)):
        axis = int(axes[i]) % x.ndim if axes is not None else i
        step = int(steps[i]) if steps is not None else 1
        chosen = range(x.shape[axis])[begin:end:step]
        if step == 1:
            x = x.narrow(axis, chosen.start if len(chosen) else 0, len(chosen))
        elif step > 1:
            x = x[(slice(None),) * axis + (slice(chosen.start, chosen.stop, step),)]
        else:
            x = x.flip(axis)[
                (slice(None),) * axis + (slice(x.shape[axis] - 1 - chosen.start, None, -step),)
            ].narrow(axis, 0, len(chosen))
    return x


def _split(a: Attributes, x: Tensor, sizes: Any = None) -> Sequence[Tensor]:
    axis = int(a.get("axis", 0))
    sizes = a.get("split") if sizes is None else sizes  # an attribute before operator set 13
    if sizes is None:
        most = -(-x.shape[axis] // int(a["num_outputs"]))  # the last part may be smaller
        return torch.split(x, most, axis)
    return torch.split_with_sizes(x, [int(n) for n in sizes], axis)


def _top_k(a: Attributes, x: Tensor, k: list[int]) -> Sequence[Tensor]:
    return torch.topk(
        x, int(k[0]), int(a.get("axis", -1)), bool(a.get("largest", 1)), bool(a.get("sorted", 1))
    )


def _gather(a: Attributes, x: Tensor, indices: Tensor) -> Tensor:
    axis = int(a.get("axis", 0)) % x.ndim
    flat = indices.reshape(-1).long()
    taken = x.index_select(axis, torch.where(flat < 0, flat + x.shape[axis], flat))
    return taken.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])


def _expand(a: Attributes, x: Tensor, shape: list[int]) -> Tensor:
    ones = [1] * max(x.ndim - len(shape), 0)  # 1 means: as it is, on either side
    wide = [-1 if n == 1 and i >= len(shape) - x.ndim else n for i, n in enumerate(shape)]
    return x.expand([-1] * len(ones) + wide)


def _div(a: Attributes, x: Tensor, y: Tensor) -> Tensor:
    whole = not (x.is_floating_point() or y.is_floating_point())
    return torch.div(x, y, rounding_mode="trunc") if whole else torch.div(x, y)


def _clip(a: Attributes, x: Tensor, low: Any = None, high: Any = None) -> Tensor:
    least = low[0] if low else a.get("min")
    most = high[0] if high else a.get("max")
    return x if least is None and most is None else x.clamp(least, most)


def _pad(a: Attributes, x: Tensor, pads: list[int], value: Any = None, axes: Any = None) -> Tensor:
    mode = a.get("mode", b"constant")
    if mode not in (b"constant", b"edge"):
        raise NotImplementedError(f"mode {mode!r}")
    half = len(pads) // 2
    places = [int(axis) % x.ndim for axis in axes] if axes is not None else list(range(half))
    around = [[0, 0] for _ in range(x.ndim)]
    for i, axis in enumerate(places):
        around[axis] = [int(pads[i]), int(pads[half + i])]
    if mode == b"edge":
        for axis, (before, after) in enumerate(around):
            if before or after:
                size = x.shape[axis]
                steps = torch.arange(-before, size + after, device=x.device)
                x = x.index_select(axis, steps.clamp(0, size - 1))
        return x
    order = [n for pair in reversed(around) for n in pair]
    return F.pad(x, order, value=float(value[0]) if value else 0.0)


def _gemm(a: Attributes, x: Tensor, y: Tensor, c: Tensor | None = None) -> Tensor:
    x = x.T if a.get("transA", 0) else x
    y = y.T if a.get("transB", 0) else y
    product = float(a.get("alpha", 1.0)) * (x @ y)
    return product if c is None else product + float(a.get("beta", 1.0)) * c


def _batch_norm(
    a: Attributes, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, var: Tensor
) -> Tensor:
    return F.batch_norm(x, mean, var, scale, bias, False, 0.0, float(a.get("epsilon", 1e-5)))


def _layer_norm(a: Attributes, x: Tensor, scale: Tensor, bias: Tensor | None = None) -> Tensor:
    axis = int(a.get("axis", -1)) % x.ndim
    return F.layer_norm(x, x.shape[axis:], scale, bias, float(a.get("epsilon", 1e-5)))


def _max_over(x: Tensor, dim: list[int], keepdim: bool) -> Tensor:
    return x.amax(dim=dim, keepdim=keepdim)


def _min_over(x: Tensor, dim: list[int], keepdim: bool) -> Tensor:
    return x.amin(dim=dim, keepdim=keepdim)


def _soft(function: Callable[..., Tensor]) -> Op:
    def soft(a: Attributes, x: Tensor) -> Tensor:
        if not a.get(FLAT):
            return function(x, int(a.get("axis", -1)))
        # Before operator set 13 over everything from the axis on.
        return function(_flatten(a, x), 1).reshape(x.shape)

    return soft


def _fold(function: Callable[[Tensor, Tensor], Tensor]) -> Op:
    def fold(a: Attributes, first: Tensor, *more: Tensor) -> Tensor:
        for other in more:
            first = function(first, other)
        return first

    return fold


def _plain(function: Any) -> Op:
    return lambda a, *inputs: function(*inputs)


OPS: Mapping[str, Op] = {
    **{
        name: _plain(function)
        for name, function in {
            "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Pow": torch.pow,
            "Sqrt": torch.sqrt, "Exp": torch.exp, "Log": torch.log, "Neg": torch.neg,
            "Abs": torch.abs, "Reciprocal": torch.reciprocal, "Relu": torch.relu,
            "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "Erf": torch.erf, "Floor": torch.floor,
            "Sin": torch.sin, "Cos": torch.cos, "MatMul": torch.matmul, "Where": torch.where,
            "Greater": torch.gt, "GreaterOrEqual": torch.ge, "Less": torch.lt,
            "LessOrEqual": torch.le, "Equal": torch.eq, "And": torch.logical_and,
            "Or": torch.logical_or, "Not": torch.logical_not, "Identity": lambda x: x,
            "Dropout": lambda x, *_: x,
        }.items()
    },
    "Div": _div, "Clip": _clip, "Gemm": _gemm, "Conv": image_ops.conv,
    "MaxPool": image_ops.max_pool, "AveragePool": image_ops.average_pool,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm, "Reshape": _reshape, "Flatten": _flatten,
    "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Slice": _slice, "Split": _split,
    "TopK": _top_k,
    "Gather": _gather, "Expand": _expand, "Pad": _pad,
    "Resize": image_ops.resize, "DepthToSpace": image_ops.depth_to_space,
    "GlobalAveragePool": lambda a, x: x.mean(dim=list(range(2, x.ndim)), keepdim=True),
    "ReduceSum": _reduce(torch.sum), "ReduceMean": _reduce(torch.mean),
    "ReduceMax": _reduce(_max_over), "ReduceMin": _reduce(_min_over),
    "ReduceL2": _reduce(torch.linalg.vector_norm), "ReduceLogSumExp": _reduce(torch.logsumexp),
    "Max": _fold(torch.maximum), "Min": _fold(torch.minimum), "Sum": _fold(torch.add),
    "Softmax": _soft(torch.softmax), "LogSoftmax": _soft(torch.log_softmax),
    "LeakyRelu": lambda a, x: F.leaky_relu(x, float(a.get("alpha", 0.01))),
    "HardSigmoid": lambda a, x: (a.get("alpha", 0.2) * x + a.get("beta", 0.5)).clamp(0.0, 1.0),
    "Transpose": lambda a, x: x.permute(*a.get("perm", range(x.ndim)[::-1])),
    "Concat": lambda a, *xs: torch.cat(xs, int(a["axis"])),
    "Tile": lambda a, x, repeats: x.repeat(*repeats),
    "Cast": lambda a, x: x.to(DTYPES[int(a["to"])]),
    "Shape": lambda a, x: torch.tensor(x.shape)[a.get("start", 0) : a.get("end")],
    "Einsum": lambda a, *xs: torch.einsum(a["equation"].decode(), *xs),
}  # fmt: skip
"""By operator; what is not here is refused when a graph is loaded."""
