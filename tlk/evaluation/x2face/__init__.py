"""X2Face (Wiles, Koepke, Zisserman: X2Face: A network for controlling face generation using images, audio, and pose codes, ECCV 2018), compact.

Kept: an embedding network (U-Net) that moves the pixels of a source frame to an *embedded face*, by bilinear
sampling; a driving network (encoder, a vector, decoder without skip connections) that says where each pixel of the
frame is to be fetched from in the embedded face, by bilinear sampling again; several sources are averaged after
embedding, each pixel by a confidence that the embedding network gives it (the confidence is in the authors' code).
So every colour of the result is a colour of the source frames: nothing that no source frame shows can appear. It
learns from an L1 between pixels and a content loss on the same person's frames. At use it is feed-forward only, as
in the few-shot paper's comparison.

Other than the original:

- **What drives it.** The original is driven by a true frame. The few-shot paper's comparison gave it a dense
  correspondence taken from the true frame, an advantage over landmarks. Here the driving network sees the landmark
  image, as all systems here do, and has no such advantage.
- Left out: the second stage's frames driven by another person, with their identity loss on a face recognition
  network; pose codes and audio as drivers.
- The content loss is on our content backbones (the preset's) from the first step, not on VGG in a second stage.
- One to K sources are seen in training, in turn; the original's published code trains on one.
- Instance norm for batch norm: an episode's batch is six frames here. Adam for SGD with momentum.
- Fields are the tanh of a tenth of the last layer (``networks.GAIN`` says why), not of all of it.
- Sampling beyond the edge repeats the edge; the original samples black there.
- Widths are the preset's, with a vector of 128 as in the original.

One's own weights: ``python -m tlk.evaluation.pretrain --system x2face --steps N --out runs/x2face``.
"""

from .learning import PhotometricWeights, X2Face, X2FacePretraining
from .networks import DrivingNetwork, EmbeddingNetwork, X2FaceNetworks, fetch

__all__ = ["DrivingNetwork", "EmbeddingNetwork", "PhotometricWeights", "X2Face", "X2FaceNetworks", "X2FacePretraining", "fetch"]
