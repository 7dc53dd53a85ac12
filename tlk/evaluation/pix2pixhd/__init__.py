"""Pix2pixHD (Wang et al.: High-resolution image synthesis and semantic manipulation with conditional GANs, CVPR 2018), compact.

Kept: a coarse-to-fine generator, whose *global* part works at half the size and whose *local enhancer* adds its
features at full size; PatchGAN discriminators of one layout at two scales, the second on images pooled by 2; least
squares GAN loss; feature matching on their activations; a content loss; instance norm; Adam with β₁ = 0.5; one
update of D for one of G. The condition is the landmark image alone: nothing tells the generator whose face it is
to be, so pre-trained it draws an average of all people, and the person comes with fine-tuning. The few-shot paper's
comparison is followed: pre-trained on the whole meta-training set for as many steps as ours, then fine-tuned for
40 epochs on the T frames.

Other than the original:

- Left out: instance maps with their boundaries and the feature encoder, which landmark images have no use for;
  training the global part alone first (both scales are trained together from the first step); the third
  discriminator (at 64 px its images are 16 px wide); learning rates that fall.
- The content loss is on our content backbones with the preset's weight, not VGG with a weight of 10.
- Widths, number of residual blocks and learning rates are the preset's, batches too: six episodes a step here. Of
  an episode only the target frame is used, since no source frame has a place in this system.
- An average of the generator's weights, where the preset keeps one, as in ours.

One's own weights: ``python -m tlk.evaluation.pretrain --system pix2pixhd --steps N --out runs/pix2pixhd``.
"""

from .learning import Pix2pixHD, Pix2pixHDPretraining, Pix2pixHDTuning, discriminator_loss, generator_terms
from .networks import CoarseToFine, MultiScaleCritic

__all__ = ["CoarseToFine", "MultiScaleCritic", "Pix2pixHD", "Pix2pixHDPretraining", "Pix2pixHDTuning", "discriminator_loss", "generator_terms"]
