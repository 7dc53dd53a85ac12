"""Sizes and budgets. One frozen dataclass, three instances; no other code asks which one it holds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Everything that differs between a laptop's run and the paper's (method.md's tables).

    Channel tuples name the output channels of each downsampling block, first block first;
    each block halves the image. The generator's upsampling part mirrors its downsampling part.
    Attention sits at 1/8 of ``size`` in the downsampling parts and at 1/4 in the upsampling part.
    """

    name: str
    size: int  #: side of the square image, pixels
    embedder: tuple[int, ...]  #: also the discriminator's layout, which adds one block at 4 x 4
    generator: tuple[int, ...]
    bottleneck_blocks: int  #: residual blocks with AdaIN between down and up
    embedding: int  #: N, length of the embedding, of W's columns and of w0
    k: int  #: source frames of an episode, the target not among them
    batch: int  #: episodes of a step
    content: tuple[tuple[str, float], ...]  #: (backbone, weight) pairs of L_CNT
    adversarial: float = 1.0
    feature_matching: float = 10.0
    match: float = 80.0
    relu_first: bool = False  #: in E: ReLU before sum pooling (the authors' later code) instead of after it (the paper)
    discriminator_steps: int = 2  #: updates of D for one of E and G
    lr_generator: float = 5e-5  #: E, G and P
    lr_discriminator: float = 2e-4
    lr_table: float = 2e-4  #: rows of W; a row is updated only when its clip is drawn
    betas: tuple[float, float] = (0.0, 0.999)
    betas_generator: tuple[float, float] | None = None  #: Adam's betas of E, G and P in meta-learning; None: `betas`, as D's and W's
    eps: float = 1e-5
    ema: float | None = 0.999  #: decay of the average of E and G; None keeps none
    finetune_epochs: int = 40
    finetune_batch: int = 8
    finetune_epoch_steps: int = 1  #: an epoch has at least so many steps, of smaller batches if need be
    finetune_lr_generator: float = 5e-5
    finetune_lr_discriminator: float = 2e-4
    finetune_ema: float | None = None

    def __post_init__(self) -> None:
        if self.embedder[-1] != self.embedding:
            raise ValueError(
                f"preset {self.name}: the embedder's last block has {self.embedder[-1]} channels but embedding is {self.embedding}; make them equal"
            )
        if self.size // 2 ** len(self.embedder) != 4:
            raise ValueError(f"preset {self.name}: {len(self.embedder)} embedder blocks do not take {self.size} px to 4 x 4")

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> Preset:
        """Inverse of ``to_dict``; lists (from JSON) become tuples. Raises ValueError on unknown names."""
        known = {f.name for f in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"unknown preset fields: {', '.join(unknown)}")
        return cls(**{name: _tuples(value) for name, value in values.items()})


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


# Weights of L_CNT: preprint v1 has 1e-2 for VGG19 and 2e-3 for VGGFace (the ICCV version is said to have 1.5e-1 and
# 2.5e-2). efficientnet-lite0's layers carry gains that make it pull on the image as those two do together (measured
# against a stand-in, see data_scripts/calibrate_content.py), so its weight is their sum.
# `tiny` and `small` take thousands of steps, not a million, and learn faster with larger content weights than either's. Part of them
# looks at the face and at the mouth alone (close_up.py), as VGGFace looks at faces: over the frame a mouth is a hundredth of the mean,
# and stays shut. With v1's match weight of 80 the embedding shrinks to zero before the generator has found a use for it, and rows of W,
# each drawn a few dozen times, need longer steps. At weight 1 the adversarial term's pull on the image is
# content's, but three to four times content's in the weights of E, P and G (content's signs differ from pixel to pixel and cancel on the
# way), and E does not learn who somebody is; and with ReLU after pooling a third of ê's features were never above 0. Fine-tuning on 8
# frames in steps of 8 is 40 steps, too few at this size. The figures stand in MODEL_CARD.md.
PRESETS: dict[str, Preset] = {
    p.name: p
    for p in (
        Preset(
            name="tiny", size=64,
            embedder=(16, 32, 96, 192), generator=(32, 64, 128), bottleneck_blocks=4, embedding=192,
            k=3, batch=6, content=(("efficientnet-lite0", 0.5), ("efficientnet-lite0@face", 0.5), ("efficientnet-lite0@mouth", 0.25)),
            adversarial=0.1, feature_matching=3.0, match=5.0, relu_first=True,
            lr_generator=5e-4, lr_discriminator=5e-4, lr_table=1e-2,
            finetune_epoch_steps=4, finetune_lr_generator=5e-4, finetune_lr_discriminator=5e-4,
        ),
        Preset(
            name="small", size=128,
            embedder=(16, 32, 96, 160, 192), generator=(32, 64, 128, 144), bottleneck_blocks=4, embedding=192,
            k=4, batch=16, content=(("efficientnet-lite0", 0.5), ("efficientnet-lite0@face", 0.5), ("efficientnet-lite0@mouth", 0.25)),
            adversarial=0.1, feature_matching=3.0, match=5.0, relu_first=True,
            lr_generator=5e-4, lr_discriminator=5e-4, lr_table=1e-2,
            finetune_epoch_steps=4, finetune_lr_generator=5e-4, finetune_lr_discriminator=5e-4,
        ),
        Preset(
            name="paper", size=256,
            embedder=(64, 128, 256, 512, 512, 512), generator=(64, 128, 256, 512), bottleneck_blocks=4, embedding=512,
            k=8, batch=8, content=(("vgg19-caffe", 1e-2), ("vggface", 2e-3)),
        ),
    )
}


def preset(name: str | Preset) -> Preset:
    """Look a preset up by name; a ``Preset`` passes through. Raises ValueError on an unknown name."""
    if isinstance(name, Preset):
        return name
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
