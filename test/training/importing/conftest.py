"""Checkpoints as pyskl writes them, random ones, and their arithmetic in plain NumPy.

The reference works on the tensors as they are, unfolded, and shares no code with the package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="importing needs PyTorch")

Checkpoint = dict[str, Any]
DILATIONS = (1, 2, 3, 4)


def _random_checkpoint(
    seed: int = 0,
    joints: int = 21,
    channels: int = 2,
    widths: tuple[int, ...] = (12, 12, 24),
    classes: int = 6,
    plus: bool = True,
    inner: bool = True,
    graph: str = "init",
    after: bool = False,
    persons: int = 0,
    kernel: int = 9,
) -> Checkpoint:
    """A state dict. plus: ST-GCN++. inner: residuals in graph convolutions. graph: "init",
    "offset" or "importance". after: mix channels after aggregation. persons: 0 = "VC"."""
    rng = np.random.default_rng(seed)
    state: Checkpoint = {}

    def tensor(name: str, *shape: int, scale: float = 0.3) -> None:
        state[name] = torch.from_numpy(rng.normal(0.0, scale, shape).astype(np.float32))

    def norm(prefix: str, size: int) -> None:
        for name in ("weight", "bias", "running_mean"):
            tensor(f"{prefix}.{name}", size)
        state[f"{prefix}.running_var"] = torch.from_numpy(
            rng.uniform(0.5, 2.0, size).astype(np.float32)
        )
        state[f"{prefix}.num_batches_tracked"] = torch.tensor(100)

    def conv(prefix: str, out_size: int, in_size: int, taps: int = 1) -> None:
        tensor(f"{prefix}.weight", out_size, in_size, taps, 1)
        tensor(f"{prefix}.bias", out_size)

    norm("backbone.data_bn", max(persons, 1) * joints * channels)
    width = channels
    for index, out in enumerate(widths):
        block = f"backbone.gcn.{index}"
        adjacency = rng.uniform(0, 0.5, (3, joints, joints)) * (
            rng.random((3, joints, joints)) < 0.3
        )
        state[f"{block}.gcn.A"] = torch.from_numpy(adjacency.astype(np.float32))
        if graph == "offset":
            tensor(f"{block}.gcn.PA", 3, joints, joints, scale=0.05)
        elif graph == "importance":
            learned = np.where(adjacency == 0, 0.9, rng.normal(1, 0.2, adjacency.shape))
            state[f"{block}.gcn.PA"] = torch.from_numpy(learned.astype(np.float32))
        norm(f"{block}.gcn.bn", out)
        conv(f"{block}.gcn.conv", *((out, 3 * width) if after else (3 * out, width)))
        if inner and width != out:
            conv(f"{block}.gcn.down.0", out, width)
            norm(f"{block}.gcn.down.1", out)
        if plus:
            middle = out // 6
            sizes = [out - 5 * middle] + [middle] * 5
            for i, size in enumerate(sizes[:-1]):
                conv(f"{block}.tcn.branches.{i}.0", size, out)
                norm(f"{block}.tcn.branches.{i}.1", size)
                if i < len(DILATIONS):
                    conv(f"{block}.tcn.branches.{i}.3.conv", size, size, 3)
            conv(f"{block}.tcn.branches.5", sizes[-1], out)
            norm(f"{block}.tcn.transform.0", out)
            conv(f"{block}.tcn.transform.2", out, out)
        else:
            conv(f"{block}.tcn.conv", out, out, kernel)
        norm(f"{block}.tcn.bn", out)
        if index and width != out:
            conv(f"{block}.residual.conv", out, width)
            norm(f"{block}.residual.bn", out)
        width = out
    tensor("cls_head.fc_cls.weight", classes, width)
    tensor("cls_head.fc_cls.bias", classes)
    return state


def _forward(
    state: Checkpoint, clips: np.ndarray, graph: str = "init", inner: bool | None = None
) -> np.ndarray:
    """(N, M, T, V, C) -> (N, classes) logits, straight from the tensors, in float64."""
    w = {name: value.numpy().astype(np.float64) for name, value in state.items()}

    def norm(x: np.ndarray, prefix: str, axis: int = 1) -> np.ndarray:
        shape = [-1 if i == axis else 1 for i in range(x.ndim)]
        mean, var, gain, bias = (
            w[f"{prefix}.{n}"].reshape(shape)
            for n in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / np.sqrt(var + 1e-5) * gain + bias

    def conv(x: np.ndarray, prefix: str, stride: int = 1, dilation: int = 1) -> np.ndarray:
        kernel = w[f"{prefix}.weight"][..., 0]
        taps = kernel.shape[2]
        pad = dilation * (taps - 1) // 2
        steps = (x.shape[2] - 1) // stride + 1
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (0, 0)))
        total = w[f"{prefix}.bias"][None, :, None, None]
        for k in range(taps):
            taken = padded[:, :, k * dilation :][:, :, : x.shape[2]][:, :, ::stride][:, :, :steps]
            total = total + np.einsum("oc,nctv->notv", kernel[:, :, k], taken)
        return total

    def relu(x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0.0)

    if inner is None:
        inner = any(".gcn.down." in name for name in w)
    n, m, t, v, c = clips.shape
    x = clips.astype(np.float64).transpose(0, 1, 3, 4, 2)  # N M V C T
    per_clip = len(w["backbone.data_bn.weight"]) == m * v * c and m > 1
    x = norm(x.reshape(n if per_clip else n * m, -1, t), "backbone.data_bn")
    x = x.reshape(n * m, v, c, t).transpose(0, 2, 3, 1)
    index = 0
    while f"backbone.gcn.{index}.gcn.A" in w:
        block = f"backbone.gcn.{index}"
        stride = 2 if f"{block}.residual.conv.weight" in w else 1
        adjacency = w[f"{block}.gcn.A"]
        if graph == "offset":
            adjacency = adjacency + w[f"{block}.gcn.PA"]
        elif graph == "importance":
            adjacency = adjacency * w[f"{block}.gcn.PA"]
        out = len(w[f"{block}.gcn.bn.weight"])
        if w[f"{block}.gcn.conv.weight"].shape[0] == 3 * out:
            y = conv(x, f"{block}.gcn.conv").reshape(n * m, 3, out, x.shape[2], v)
            y = np.einsum("nkctv,kvw->nctw", y, adjacency)
        else:
            y = np.einsum("nctv,kvw->nkctw", x, adjacency)
            y = conv(y.reshape(n * m, -1, x.shape[2], v), f"{block}.gcn.conv")
        y = norm(y, f"{block}.gcn.bn")
        if f"{block}.gcn.down.0.weight" in w:
            y = y + norm(conv(x, f"{block}.gcn.down.0"), f"{block}.gcn.down.1")
        elif inner:
            y = y + x
        y = relu(y)
        if f"{block}.tcn.conv.weight" in w:
            z = conv(y, f"{block}.tcn.conv", stride)
        else:
            parts = []
            for i in range(5):
                part = relu(
                    norm(conv(y, f"{block}.tcn.branches.{i}.0"), f"{block}.tcn.branches.{i}.1")
                )
                if i < 4:
                    part = conv(part, f"{block}.tcn.branches.{i}.3.conv", stride, DILATIONS[i])
                else:
                    padded = np.pad(part, ((0, 0), (0, 0), (1, 1), (0, 0)), constant_values=-np.inf)
                    s = part.shape[2]
                    part = np.max([padded[:, :, k : k + s] for k in range(3)], axis=0)
                    part = part[:, :, ::stride]
                parts.append(part)
            parts.append(conv(y, f"{block}.tcn.branches.5", stride))
            z = relu(norm(np.concatenate(parts, axis=1), f"{block}.tcn.transform.0"))
            z = conv(z, f"{block}.tcn.transform.2")
        z = norm(z, f"{block}.tcn.bn")
        if stride == 2:
            z = z + norm(conv(x, f"{block}.residual.conv", 2), f"{block}.residual.bn")
        elif x.shape[1] == out:
            z = z + x
        x = relu(z)
        index += 1
    pooled = x.mean(axis=(2, 3)).reshape(n, m, -1).mean(axis=1)
    return pooled @ w["cls_head.fc_cls.weight"].T + w["cls_head.fc_cls.bias"]


@pytest.fixture
def random_checkpoint() -> Callable[..., Checkpoint]:
    """Makes a random state dict with pyskl's names and shapes."""
    return _random_checkpoint


@pytest.fixture
def forward() -> Callable[..., np.ndarray]:
    """The network's arithmetic from its tensors, in NumPy."""
    return _forward
