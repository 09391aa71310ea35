"""Networks that take one frame at a time and give what the window's network gives.

After Continual Inference Networks (Hedegaard and Iosifidis, 2022) and Continual Spatio-Temporal
Graph Convolutional Networks (Hedegaard, Heidari and Iosifidis, Pattern Recognition 2023): a graph
convolution with a fixed topology acts on every frame by itself, a convolution over time needs its
last inputs only, and the mean over the window is a mean over what was pooled lately.

Unlike there, strides stay and every frame still gets a result: behind a stride of s, the frames
t, t - s, t - 2 s ... are one of s interleaved sequences, each with its own past (`Memory`), as in
the algorithme à trous of wavelets. The window that ends at any frame is one of these sequences,
so results are those of the window's network at every frame.

Exact for causal experts (`ExpertConfig.causal`). In others every convolution also looks ahead:
their results come `lag` frames late, and differ from those of a window in what lies beyond its
borders, where the window's network sees zeros and this one sees frames.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bharnet_ros.errors import ConfigurationError
from training.models.bharnet import BHaRNet, CalibratedBHaRNet
from training.models.blocks import ChannelTopology
from training.models.expert import Embedding, Expert
from training.models.folding import fold
from training.models.graphs import join_hands
from training.models.memory import Memory, Place, delayed
from training.models.one_frame import REMEDY, follow
from training.models.posenet import PoseExpert
from training.models.topology import RefinedTopology


class Judged(NamedTuple):
    """An expert's view of the window that ends with this frame. score: (N,) mean keypoint score
    of what was observed."""

    embedding: Embedding
    score: Tensor


class StepExpert(nn.Module):
    """An expert, frame by frame. (N, 3, 1, V, I) -> `Judged`, with the past in `memory`.

    expert: its weights are copied, folded for inference. lag: so many frames ago the window ended
    that is judged; 0 of causal experts. Raises ConfigurationError for an expert that has no such
    form.
    """

    def __init__(self, expert: Expert | PoseExpert, memory: Memory, instances: int = 1) -> None:
        super().__init__()
        check_steppable(expert)
        folded = fold(expert)
        if not isinstance(folded, Expert):
            raise TypeError("Folding an expert did not give an expert.")
        self.modalities, self.input_norm = folded.modalities, folded.input_norm
        joints = len(folded.modalities.get_buffer("parents"))
        self.stacks = nn.ModuleList([folded.blocks, *folded.further_streams])
        for stack in self.stacks:
            ahead, level = 0, 1
            for block, stride in zip(stack.children(), folded.strides, strict=True):
                ahead += follow(block, Place(memory, level, instances, joints)) * level
                level *= stride
        self.reduction = level
        # The last step of a causal volume belongs to the newest of the frames it stands for, that
        # of another one to the oldest.
        self.lag = 0 if folded.causal else max(0, ahead - (level - 1))
        late = self.lag + level - 1 - ahead if not folded.causal else 0
        self.steps = folded.num_steps
        pooled = self.steps // level
        if folded.causal:
            pooled = int(folded.get_buffer("inside").sum())
        self.memory = memory
        one = Place(memory, 1, instances, 1)
        self.moving = any(name.endswith("motion") for name in folded.modalities.names)
        if self.moving:
            self.before = Place(memory, 1, instances, joints).keep(3, 1, [1, 0])
        self.facts = one.keep(3, self.steps - 1 + self.lag)
        width = folded.width
        self.wait = delayed(width, late, Place(memory, 1, instances, 1))
        lately = Place(memory, level, instances, 1)
        self.pooled = lately.keep(width + 1, pooled - 1) if pooled > 1 else -1

    def forward(self, x: Tensor) -> Judged:
        _, c, t, v, instances = x.shape
        x = x.permute(0, 4, 1, 2, 3).reshape(-1, c, t, v)  # (N I, 3, 1, V)
        facts = self.memory.follow(self.facts, self._facts(x))[:, : self.steps]
        totals = facts.sum(dim=1).reshape(-1, instances, 3)
        observed = totals[:, :, 0] / self.steps
        score = totals[:, :, 1].sum(dim=1) / totals[:, :, 2].sum(dim=1).clamp(min=1.0)
        weight = facts[:, self.steps - self.reduction :, 0].amax(dim=1)[:, None, None, None]

        y = self._described(x)
        ends = []
        for stack in self.stacks:
            end = y
            for block in stack.children():
                end = block(end)
            ends.append(end)
        values = torch.cat(ends, dim=1) if len(ends) > 1 else ends[0]
        values = self.wait(values.mean(dim=3, keepdim=True)) * weight
        pooled = torch.cat([values, weight], dim=1)
        lately = pooled.flatten(1)
        if self.pooled >= 0:
            lately = self.memory.follow(self.pooled, pooled).sum(dim=1)
        total = lately.reshape(-1, instances, lately.shape[1]).sum(dim=1)
        vector = total[:, :-1] / total[:, -1:].clamp(min=1.0)
        return Judged(Embedding(vector, observed), score)

    def _facts(self, x: Tensor) -> Tensor:
        """(N I, 3, 1, 1): whether anything was seen, sum and number of keypoint scores."""
        seen = self.modalities.seen(x)
        score = (x[:, 2:3] * seen).sum(dim=3, keepdim=True)
        return torch.cat(
            [seen.amax(dim=3, keepdim=True), score, seen.sum(dim=3, keepdim=True)], dim=1
        )

    def _described(self, x: Tensor) -> Tensor:
        """The blocks' input, (N I, C, 1, V)."""
        v = x.shape[3]
        if self.moving:
            before = self.memory.at(self.before, x)[0].reshape(x.shape)
            described = self.modalities(torch.cat([before, x], dim=2))[:, :, 1:]
        else:
            described = self.modalities(x)
        channels = self.modalities.channels
        normed: Tensor = self.input_norm(described.transpose(2, 3).reshape(-1, channels * v, 1))
        return normed.reshape(-1, channels, v, 1).transpose(2, 3)


class StepNetwork(nn.Module):
    """`CalibratedBHaRNet` frame by frame: what the file `continual.onnx` of a bundle holds.

    forward(body (N, 3, 1, 19, 1), hand (N, 3, 1, 21, 2), *states) gives the same outputs as for
    the window that ends with this frame, then the states for the next frame of the same phase.
    Raises ConfigurationError for networks without such a form.
    """

    def __init__(self, judge: CalibratedBHaRNet) -> None:
        super().__init__()
        network = judge.network
        check_network(network)
        self.memory = Memory()
        self.joined = network.config.hands == "joined"
        self.body = StepExpert(network.body, self.memory)
        self.hand = StepExpert(network.hand, self.memory, 1 if self.joined else 2)
        if self.body.lag or self.hand.lag:
            raise ConfigurationError(
                f"The experts look ahead, so frame by frame they would answer {self.body.lag} and "
                f"{self.hand.lag} frames late; set causal: true in both and train again."
            )
        self.judge = copy.deepcopy(judge).eval()
        for expert in (self.judge.network.body, self.judge.network.hand):
            if isinstance(expert, Expert):  # its blocks run above
                expert.blocks, expert.further_streams = nn.ModuleList(), nn.ModuleList()
        self.names = (*judge.output_names, *(f"next_{period}" for period in self.memory.sizes))

    @property
    def input_names(self) -> tuple[str, ...]:
        """Of what `forward` takes."""
        return ("body", "hand", *(f"state_{period}" for period in self.memory.sizes))

    @property
    def output_names(self) -> tuple[str, ...]:
        """Of what `forward` gives."""
        return self.names

    def forward(self, body: Tensor, hand: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        self.memory.load(states)
        own = self.body(body)
        other = self.hand(join_hands(hand) if self.joined else hand)
        output = self.judge.network.decide(
            own.embedding, other.embedding, (own.score, other.score)
        )
        return (*self.judge.calibrated(output), *self.memory.unload())


class StepAlone(nn.Module):
    """One expert frame by frame: forward(x (N, 3, 1, V, I), *states) -> logits, *states."""

    def __init__(self, expert: Expert, instances: int = 1) -> None:
        super().__init__()
        self.memory = Memory()
        self.expert = StepExpert(expert, self.memory, instances)
        self.classify = copy.deepcopy(expert.classify)

    def forward(self, x: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        self.memory.load(states)
        vector = self.expert(x).embedding.vector
        return (self.classify(vector), *self.memory.unload())


def check_network(network: BHaRNet) -> None:
    """ConfigurationError, with the remedy, if the network has no form that runs frame by frame."""
    variant = network.config.variant
    if variant in ("pooling_attention", "expertized"):
        raise ConfigurationError(
            f"model.variant '{variant}' lets every step attend to the whole window of the other "
            "stream, so all of it changes with every frame and nothing can be kept; use variant "
            "'cooperative' or 'independent'."
        )
    if variant == "unified":
        raise ConfigurationError(
            "model.variant 'unified' is there for comparison and has no form that runs frame by "
            "frame; use variant 'cooperative'."
        )
    for expert in (network.body, network.hand):
        check_steppable(expert)


def check_steppable(expert: Expert | PoseExpert) -> None:
    """The same for one expert."""
    if not isinstance(expert, Expert):
        raise ConfigurationError(
            "Block 'pose' compares every step with the mean of the window and has a weight for "
            f"each place in it, so a new frame changes everything; {REMEDY}."
        )
    if any(isinstance(m, ChannelTopology | RefinedTopology) for m in expert.modules()):
        raise ConfigurationError(
            "The graph of this block (ctrgcn, degcn and their like) is made from the mean of its "
            f"features over the window, so a new frame changes the features of all; {REMEDY}."
        )
    if expert.when is not None:
        raise ConfigurationError(
            "time_offset gives every step a summand for its place in the window, which moves with "
            "every frame; set time_offset: false and train again."
        )
    if expert.expertized is not None:
        raise ConfigurationError("Variant 'expertized' cannot run frame by frame; use another.")
