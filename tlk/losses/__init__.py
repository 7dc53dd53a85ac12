"""The losses as pure functions of tensors. Every L1 is a mean over a layer's elements, summed over layers."""

from tlk.losses.adversarial import feature_matching, hinge_discriminator, hinge_generator
from tlk.losses.backbones import load_backbone
from tlk.losses.content import Content, content_loss
from tlk.losses.match import match

__all__ = ["Content", "content_loss", "feature_matching", "hinge_discriminator", "hinge_generator", "load_backbone", "match"]
