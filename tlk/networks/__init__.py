"""Floor 2: embedder, generator and discriminator of the paper at any preset."""

from tlk.networks.blocks import AdaIN, InstanceNorm, ResidualBlock, SelfAttention
from tlk.networks.describe import describe
from tlk.networks.discriminator import ClipTable, Discriminator
from tlk.networks.embedder import Embedder
from tlk.networks.generator import Generator

__all__ = ["AdaIN", "ClipTable", "Discriminator", "Embedder", "Generator", "InstanceNorm", "ResidualBlock", "SelfAttention", "describe"]
