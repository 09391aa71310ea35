"""Networks: graph-convolution experts and the body-hand network made of two of them."""

from training.models.bharnet import BHaRNet, ExpertOutput
from training.models.blocks import available_blocks, create_block
from training.models.expert import Expert

__all__ = ["BHaRNet", "Expert", "ExpertOutput", "available_blocks", "create_block"]
