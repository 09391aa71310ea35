"""Networks: graph-convolution experts and the body-hand network made of two of them."""

from training.models.bharnet import BHaRNet, ExpertOutput
from training.models.blocks import available_blocks, create_block
from training.models.expert import Expert
from training.models.paper_blocks import PaperBlock  # registers the blocks of the papers

__all__ = ["BHaRNet", "Expert", "ExpertOutput", "PaperBlock", "available_blocks", "create_block"]
